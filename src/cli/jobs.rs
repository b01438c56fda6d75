//! `lamplighter jobs`: lists jobs, shows them, queues, cancels, runs again, starts, changes and deletes them.

mod many;
mod show;

use super::{Cli, input};
use crate::actions::jobs::{
    self, JobAdd, JobChange, JobStart, JobsAsk, RunAgain, parse_attempts, parse_ids, parse_instant,
    parse_payload,
};
use crate::actions::{self, Call};
use crate::error::Result;
use crate::model::BulkAct;
use crate::store::Store;
use clap::Subcommand;
use many::{Which, each, many};

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the newest jobs, or those that fit a query
    #[command(after_help = QUERIES)]
    List {
        /// Which jobs, as: `status:failed kind:send_email since:24h`
        query: Vec<String>,
        /// Only jobs behind this one, as the list before said
        #[arg(long, value_name = "PLACE", allow_negative_numbers = true)]
        before: Option<String>,
        /// At most this many, 1 to 1000
        #[arg(long, default_value = "50", value_name = "COUNT", allow_negative_numbers = true)]
        limit: String,
    },
    /// Group the newest failed jobs by what their errors say
    #[command(after_help = QUERIES)]
    Problems {
        /// Which jobs, as: `kind:send_email since:24h`
        query: Vec<String>,
    },
    /// Show jobs and their history
    Show {
        /// The jobs' ids
        #[arg(required = true)]
        ids: Vec<i64>,
    },
    /// Say why a job is not running
    Why {
        /// The jobs' ids
        #[arg(required = true)]
        ids: Vec<i64>,
    },
    /// Queue a job and print its id
    Enqueue(NewArguments),
    /// Cancel jobs that wait, or ask running ones to end
    Cancel(Which),
    /// Run jobs that are over again, as new ones, and print their ids
    Retry {
        #[command(flatten)]
        which: Which,
        /// `full`: yes, a session of the profile full runs without a sandbox
        #[arg(long, value_name = "PROFILE")]
        confirm: Option<String>,
    },
    /// Make waiting jobs due now
    RunNow(Which),
    /// Change jobs that wait; by a query their priority only
    Edit {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        change: ChangeArguments,
    },
    /// Delete jobs that are over, with their history
    Delete(Which),
}

/// How queries are written.
const QUERIES: &str = "A query is a list of words that a job must all fit: status:failed kind:send_email queue:mail \
error~\"SMTP 421\" since:2h .customer.id:7 is:overdue. `a,b` means a or b, a leading - means not. Quote it for the shell.";

#[derive(clap::Args)]
pub(super) struct NewArguments {
    /// Which handler runs it
    kind: String,
    /// The handler's input: JSON, `-` for standard input, or @FILE
    #[arg(default_value = "{}", allow_negative_numbers = true)]
    payload: String,
    /// Where it waits, instead of its kind's queue
    #[arg(long)]
    queue: Option<String>,
    /// Lower runs first, -100 to 100
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<String>,
    /// Start it only after this long: 90s, 10m, 2h 30m, 1day
    #[arg(long, value_name = "LENGTH", conflicts_with = "at")]
    delay: Option<String>,
    /// Start it only then: 2027-01-15T08:00:00Z, "2027-01-15 08:00", in UTC unless an offset is named
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Attempts it has, 1 to 1000000
    #[arg(long, allow_negative_numbers = true)]
    max_attempts: Option<String>,
    /// How long an attempt may run
    #[arg(long, value_name = "LENGTH")]
    timeout: Option<String>,
    /// Print the id of the job that holds this key, if one does, instead of queuing another
    #[arg(long, value_name = "KEY")]
    unique_key: Option<String>,
    /// Of the jobs with this key only as many run at once as their kind allows: one, unless its code says more
    #[arg(long, value_name = "KEY")]
    concurrency_key: Option<String>,
    /// Start it once these jobs have completed: 7,8. If one of them does not complete, it is cancelled
    #[arg(long, value_name = "IDS", allow_negative_numbers = true)]
    after: Option<String>,
    /// Start it once these jobs are over, whatever became of them
    #[arg(long, value_name = "IDS", allow_negative_numbers = true)]
    after_any: Option<String>,
    /// A word by which it is found with `list tag:WORD`; may be repeated, ten times at most
    #[arg(long = "tag", value_name = "WORD")]
    tags: Vec<String>,
    /// Repeating the command with this key prints the first job's id, for 24 hours
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// `full`: yes, a session of the profile full runs without a sandbox
    #[arg(long, value_name = "PROFILE")]
    confirm: Option<String>,
}

#[derive(clap::Args)]
pub(super) struct ChangeArguments {
    /// Lower runs first, -100 to 100
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<String>,
    /// Start it only after this long
    #[arg(long, value_name = "LENGTH", conflicts_with_all = ["at", "query"])]
    delay: Option<String>,
    /// Start it only then, as `enqueue --at`
    #[arg(long, value_name = "TIME", conflicts_with = "query")]
    at: Option<String>,
    /// The handler's input: JSON, `-` for standard input, or @FILE
    #[arg(long, value_name = "JSON", conflicts_with = "query")]
    payload: Option<String>,
    /// Attempts it has, more than have begun
    #[arg(long, allow_negative_numbers = true, conflicts_with = "query")]
    max_attempts: Option<String>,
    /// `full`: yes, a session of the profile full runs without a sandbox
    #[arg(long, value_name = "PROFILE", conflicts_with = "query")]
    confirm: Option<String>,
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    let call = &Call::by_owner(cli.now());
    if let Command::Enqueue(arguments) = command {
        let request = arguments.request()?;
        let answer = jobs::enqueue(&cli.store()?, call, request).await?;
        return cli.say_id(&answer, answer.value.id);
    }
    let store = &cli.existing_store()?;
    match command {
        Command::Enqueue(_) => Ok(()),
        Command::List { query, before, limit } => {
            let before = before.map(|place| place.parse()).transpose()?;
            let ask = JobsAsk { query: query.join(" "), before, rows: actions::rows(&limit)? };
            show::list(cli, store, ask).await
        }
        Command::Problems { query } => show::problems(cli, store, &query.join(" ")).await,
        Command::Show { ids } => each(&ids, async |id| show::one(cli, store, id).await).await,
        Command::Why { ids } => {
            each(&ids, async |id| cli.say(&jobs::why(store, id, call.now).await?)).await
        }
        Command::Cancel(which) => match which.query() {
            Some(_) => many(cli, store, call, &which, BulkAct::Cancel).await,
            None => {
                each(which.ids(), async |id| cli.say(&jobs::cancel(store, call, id).await?)).await
            }
        },
        Command::Retry { which, confirm } => retry(cli, store, call, &which, confirm).await,
        Command::RunNow(which) => match which.query() {
            Some(_) => many(cli, store, call, &which, BulkAct::RunNow).await,
            None => {
                each(which.ids(), async |id| cli.say(&jobs::run_now(store, call, id).await?)).await
            }
        },
        Command::Edit { which, change } => edit(cli, store, call, &which, change).await,
        Command::Delete(which) => match which.query() {
            Some(_) => many(cli, store, call, &which, BulkAct::Delete).await,
            None => {
                each(which.ids(), async |id| cli.say(&jobs::delete(store, call, id).await?)).await
            }
        },
    }
}

async fn retry(
    cli: &Cli,
    store: &Store,
    call: &Call,
    which: &Which,
    confirm: Option<String>,
) -> Result<()> {
    if which.query().is_some() {
        return many(cli, store, call, which, BulkAct::Retry).await;
    }
    let confirmed = confirm.as_deref() == Some("full");
    let again = async |id| {
        let answer = jobs::run_again(store, call, RunAgain { id, confirmed, seen: None }).await?;
        cli.say_id(&answer, answer.value.id)
    };
    each(which.ids(), again).await
}

async fn edit(
    cli: &Cli,
    store: &Store,
    call: &Call,
    which: &Which,
    change: ChangeArguments,
) -> Result<()> {
    let change = change.request()?;
    if which.query().is_some() {
        let act = BulkAct::SetPriority(jobs::priority_of(&change)?);
        return many(cli, store, call, which, act).await;
    }
    let edit = async |id| {
        let change = JobChange { id, ..change.clone() };
        cli.say(&jobs::edit(store, call, change).await?)
    };
    each(which.ids(), edit).await
}

/// The start that two options name.
fn start(delay: Option<String>, at: Option<String>) -> Result<Option<JobStart>> {
    match (delay, at) {
        (Some(delay), _) => {
            let length = actions::length(&delay, "delay a job")?;
            Ok(Some(JobStart::After(length)))
        }
        (None, Some(at)) => Ok(Some(JobStart::At(parse_instant(&at)?))),
        (None, None) => Ok(None),
    }
}

impl NewArguments {
    fn request(self) -> Result<JobAdd> {
        let timeout = self.timeout.map(|text| actions::length(&text, "limit an attempt"));
        let ids = |text: Option<String>| text.map_or(Ok(Vec::new()), |text| parse_ids(&text));
        Ok(JobAdd {
            kind: self.kind,
            payload: parse_payload(&input::text(&self.payload)?)?,
            queue: self.queue,
            priority: self.priority.map(|text| actions::priority(&text)).transpose()?,
            start: start(self.delay, self.at)?,
            max_attempts: self.max_attempts.map(|text| parse_attempts(&text)).transpose()?,
            timeout: timeout.transpose()?,
            unique_key: self.unique_key,
            concurrency_key: self.concurrency_key,
            after: ids(self.after)?,
            after_any: ids(self.after_any)?,
            tags: self.tags,
            idempotency_key: self.idempotency_key,
            confirmed: self.confirm.as_deref() == Some("full"),
        })
    }
}

impl ChangeArguments {
    fn request(self) -> Result<JobChange> {
        let payload = self.payload.map(|text| parse_payload(&input::text(&text)?));
        Ok(JobChange {
            id: 0,
            priority: self.priority.map(|text| actions::priority(&text)).transpose()?,
            start: start(self.delay, self.at)?,
            payload: payload.transpose()?,
            max_attempts: self.max_attempts.map(|text| parse_attempts(&text)).transpose()?,
            confirmed: self.confirm.as_deref() == Some("full"),
        })
    }
}

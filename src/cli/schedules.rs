//! `lamplighter schedules`: lists, makes, changes, pauses and removes schedules.

use super::{Cli, output};
use crate::actions::schedules::{
    self, PlanTexts, RuleText, RunScheduleNow, ScheduleAdd, ScheduleEdit,
};
use crate::actions::sessions::parse_values;
use crate::actions::{Call, rows};
use crate::error::Result;
use crate::model::{Schedule, Timestamp};
use crate::store::Store;
use crate::wire;
use clap::{ArgGroup, Subcommand};

/// Most schedules there are.
const ALL: usize = 1000;

#[derive(Subcommand)]
pub(super) enum Command {
    #[command(flatten)]
    Stored(Box<Stored>),
    /// Print what a rule would mean, without storing anything: its words, its next five occurrences, and what changes of the
    /// clock do to them
    #[command(group = ArgGroup::new("rule").required(true).args(["cron", "every", "at"]))]
    Preview {
        #[command(flatten)]
        rule: RuleArguments,
    },
}

/// What needs the database.
#[derive(Subcommand)]
pub(super) enum Stored {
    /// List every schedule with its rule and its next occurrence
    List,
    /// Add a schedule; the first job of an interval is due at once
    #[command(group = ArgGroup::new("rule").required(true).args(["cron", "every", "at"]))]
    Add {
        /// Its name: a-z, 0-9 and _
        name: String,
        #[command(flatten)]
        rule: RuleArguments,
        /// The kind of its jobs
        #[arg(long)]
        kind: String,
        /// It makes no job until somebody resumes it
        #[arg(long)]
        paused: bool,
        #[command(flatten)]
        rest: PlanArguments,
    },
    /// Change a schedule; options that are left out stay, and a new rule counts from now on
    Edit {
        /// Its name
        name: String,
        #[command(flatten)]
        rule: RuleArguments,
        /// The kind of its jobs
        #[arg(long)]
        kind: Option<String>,
        #[command(flatten)]
        rest: PlanArguments,
    },
    /// Remove a schedule and its history; the jobs it has made stay
    Remove {
        /// Its name
        name: String,
    },
    /// Keep a schedule from making jobs
    Pause {
        /// Its name
        name: String,
    },
    /// Resume a paused schedule; occurrences during the pause are skipped, unless its catch-up is all:N
    Resume {
        /// Its name
        name: String,
    },
    /// Queue a job of the schedule now and print its id; the schedule itself goes on as before
    RunNow {
        /// Its name
        name: String,
        /// `full`: you know that sessions of the profile full have no sandbox
        #[arg(long, value_name = "PROFILE")]
        confirm: Option<String>,
        /// The value of a parameter of its prompt file, in the place of the schedule's; once for each
        #[arg(long, value_name = "NAME=VALUE")]
        set: Vec<String>,
    },
    /// Show a schedule: its rule in words, its next five occurrences and its last decisions
    Show {
        /// Its name
        name: String,
    },
    /// Print what became of the last occurrences, the newest first
    Decisions {
        /// Its name
        name: String,
        /// At most this many
        #[arg(long, default_value = "50")]
        limit: String,
    },
    /// Print the next occurrences, and what changes of the clock do to them
    Next {
        /// Its name
        name: String,
        /// How many
        #[arg(long, default_value = "5")]
        count: String,
    },
}

#[derive(clap::Args)]
pub(super) struct RuleArguments {
    /// At the local times of a crontab expression: "30 2 * * 1-5"
    #[arg(long, value_name = "EXPRESSION", group = "when")]
    cron: Option<String>,
    /// The IANA time zone of --cron or --at [default for --cron: that of the schedule, or UTC for a new one]
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// At an interval: minutes from 1 to 10080, or 15m, 6h or 1day
    #[arg(long, value_name = "MINUTES", group = "when")]
    every: Option<String>,
    /// Once, at an instant: 2027-01-15T08:00:00+01:00, or "2027-01-15 08:00" with --zone
    #[arg(long, value_name = "INSTANT", group = "when")]
    at: Option<String>,
}

#[derive(clap::Args)]
pub(super) struct PlanArguments {
    /// The input of the handler, as JSON [default for a new schedule: {}]
    #[arg(long)]
    payload: Option<String>,
    /// The queue of the jobs; `kind` is the queue of their kind, `default` is the queue of that name
    #[arg(long)]
    queue: Option<String>,
    /// The priority of the jobs, -100 to 100, lower runs first; `kind` is the priority of their kind
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<String>,
    /// What becomes of missed occurrences: once, skip or all:N [default for a new schedule: once]
    #[arg(long)]
    catch_up: Option<String>,
    /// What becomes of an occurrence while the job before it is not over: `queue_one`, `queue_all` or `skip` [default for a
    /// new schedule: `queue_one`]
    #[arg(long)]
    overlap: Option<String>,
    /// The time between the starts of two jobs of missed occurrences: 30s, 5m
    #[arg(long, value_name = "LENGTH")]
    stagger: Option<String>,
    /// `full`: you know that sessions of the profile full have no sandbox
    #[arg(long, value_name = "PROFILE")]
    confirm: Option<String>,
}

impl RuleArguments {
    fn text(self) -> Option<RuleText> {
        let Self { cron, zone, every, at } = self;
        match (cron, every, at) {
            (Some(cron), _, _) => Some(RuleText::Cron { cron, zone }),
            (None, Some(every), _) => Some(RuleText::Every { every, zone }),
            (None, None, Some(at)) => Some(RuleText::At { at, zone }),
            (None, None, None) => zone.map(RuleText::Zone),
        }
    }
}

impl PlanArguments {
    fn confirmed(&self) -> bool {
        self.confirm.as_deref() == Some("full")
    }

    fn texts(self, rule: RuleArguments, kind: Option<String>) -> PlanTexts {
        PlanTexts {
            rule: rule.text(),
            kind,
            payload: self.payload,
            prompt: None,
            queue: self.queue,
            priority: self.priority,
            catch_up: self.catch_up,
            overlap: self.overlap,
            stagger: self.stagger,
        }
    }
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    match command {
        Command::Preview { rule } => preview(cli, rule),
        Command::Stored(command) => with_store(cli, *command).await,
    }
}

async fn with_store(cli: &Cli, command: Stored) -> Result<()> {
    let call = Call::by_owner(cli.now());
    let store = match &command {
        Stored::Add { .. } => cli.store()?,
        Stored::List
        | Stored::Edit { .. }
        | Stored::Remove { .. }
        | Stored::Pause { .. }
        | Stored::Resume { .. }
        | Stored::RunNow { .. }
        | Stored::Show { .. }
        | Stored::Decisions { .. }
        | Stored::Next { .. } => cli.existing_store()?,
    };
    match command {
        Stored::List => list(cli, &store.schedules(0, ALL).await?.0),
        Stored::Add { name, rule, kind, paused, rest } => {
            let request = ScheduleAdd {
                name,
                confirmed: rest.confirmed(),
                paused,
                plan: rest.texts(rule, Some(kind)),
            };
            cli.say(&schedules::add(&store, &call, request).await?)
        }
        Stored::Edit { name, rule, kind, rest } => {
            let request =
                ScheduleEdit { name, confirmed: rest.confirmed(), plan: rest.texts(rule, kind) };
            cli.say(&schedules::edit(&store, &call, request).await?)
        }
        Stored::Remove { name } => cli.say(&schedules::remove(&store, &call, &name).await?),
        Stored::Pause { name } => cli.say(&schedules::pause(&store, &call, &name).await?),
        Stored::Resume { name } => cli.say(&schedules::resume(&store, &call, &name).await?),
        Stored::RunNow { name, confirm, set } => {
            let request = RunScheduleNow {
                confirmed: confirm.as_deref() == Some("full"),
                set: parse_values(&set)?,
            };
            let made = schedules::run_now(&store, &call, &name, request).await?;
            cli.say_id(&made, made.value.id)
        }
        Stored::Show { name } => show(cli, &store, &name).await,
        Stored::Decisions { name, limit } => {
            let all = schedules::decisions(&store, &name, rows(&limit)?, call.now).await?;
            if cli.json {
                return all.iter().try_for_each(output::json);
            }
            decided(&all)
        }
        Stored::Next { name, count } => {
            let preview = schedules::next(&store, &name, rows(&count)?, call.now).await?;
            if cli.json { output::json(&preview) } else { upcoming(&preview) }
        }
    }
}

/// Says what a rule means, which needs no database.
fn preview(cli: &Cli, rule: RuleArguments) -> Result<()> {
    let Some(rule) = rule.text() else { return Ok(()) };
    let seen = schedules::preview(rule, cli.now())?;
    let told = wire::RulePreview::of(&seen.rule, &seen.next, seen.warnings);
    if cli.json {
        return output::json(&told);
    }
    listed(&told.words, &told.next, &told.warnings)
}

async fn show(cli: &Cli, store: &Store, name: &str) -> Result<()> {
    let told = schedules::story(store, name, cli.now()).await?;
    if cli.json {
        return output::json(&told);
    }
    let schedule = &told.preview.schedule;
    match (&schedule.plan, &schedule.error) {
        (Some(plan), _) => {
            output::line(format_args!("Makes a job of kind {}.", plan.kind))?;
            upcoming(&told.preview)?;
        }
        (None, why) => {
            let why = why.as_deref().unwrap_or_default();
            output::line(format_args!(
                "Makes no jobs, because the stored schedule cannot be read: {why}"
            ))?;
        }
    }
    output::line("")?;
    if let Some(last) = &told.last {
        output::line(output::plain(last, 600))?;
    }
    decided(&told.decisions)
}

/// The rule in words, the next occurrences in its zone and in UTC, and what changes of the clock do to them.
fn upcoming(preview: &wire::SchedulePreview) -> Result<()> {
    if preview.schedule.paused_at.is_some() {
        output::note("The schedule is paused: it would run at these times.");
    }
    let words = preview.schedule.words.as_deref().unwrap_or_default();
    listed(words, &preview.next, &preview.warnings)
}

fn listed(words: &str, next: &[wire::Occurrence], warnings: &[String]) -> Result<()> {
    let row = |next: &wire::Occurrence| vec![next.local.clone(), next.at.clone()];
    let rows: Vec<_> = next.iter().map(row).collect();
    output::line(words)?;
    output::table(&["LOCAL", "UTC"], &rows)?;
    warnings.iter().try_for_each(|warning| output::line(format_args!("Note: {warning}.")))
}

fn decided(decisions: &[wire::ScheduleDecision]) -> Result<()> {
    let row = |decision: &wire::ScheduleDecision| {
        vec![
            decision.planned.clone(),
            decision.decision.unwrap_or("-").to_owned(),
            decision.job_id.map_or_else(|| "-".to_owned(), |id| id.to_string()),
            output::plain(&decision.says, 300),
        ]
    };
    let rows: Vec<_> = decisions.iter().map(row).collect();
    output::table(&["PLANNED", "DECISION", "JOB", "WHAT BECAME OF IT"], &rows)
}

fn list(cli: &Cli, schedules: &[Schedule]) -> Result<()> {
    if cli.json {
        let mut all = schedules.iter().map(wire::Schedule::from);
        return all.try_for_each(|schedule| output::json(&schedule));
    }
    let now = cli.now();
    let rows: Vec<_> = schedules.iter().map(|schedule| row(schedule, now)).collect();
    output::table(&["NAME", "KIND", "RULE", "LAST", "NEXT", "PAUSED"], &rows)?;
    for schedule in schedules.iter().filter(|schedule| schedule.is_ahead(now)) {
        let (name, until) = (&schedule.name, schedule.cursor_at);
        output::note(&format!(
            "The clock was set back: the schedule {name} had decided everything up to {until}, and counts from now on as \
             soon as a server looks at it."
        ));
    }
    Ok(())
}

fn row(schedule: &Schedule, now: Timestamp) -> Vec<String> {
    let at = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let (kind, rule) = match &schedule.plan {
        Ok(plan) => (plan.kind.to_string(), plan.rule.in_words()),
        Err(why) => ("-".to_owned(), format!("cannot be read: {why}")),
    };
    vec![
        schedule.name.to_string(),
        kind,
        output::plain(&rule, 60),
        at(schedule.last_at),
        at(schedule.next(now).filter(|_| schedule.paused_at.is_none())),
        paused(schedule),
    ]
}

fn paused(schedule: &Schedule) -> String {
    match (&schedule.paused_at, &schedule.paused_by) {
        (Some(_), _) if schedule.reserved => "switched off by settings".to_owned(),
        (Some(_), Some(by)) => output::plain(&format!("by {by}"), 60),
        (Some(_), None) => "yes".to_owned(),
        (None, _) => "-".to_owned(),
    }
}

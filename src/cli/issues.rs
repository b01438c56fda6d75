//! `lamplighter issues`: lists issues, shows, closes, reopens, mutes and unmutes one, and files those of another home.

use super::{Cli, output};
use crate::actions::issues::{self, IssueDeed};
use crate::actions::refile;
use crate::actions::{self, Call};
use crate::error::Result;
use crate::model::{Issue, IssueId, SeenOverTime};
use crate::store::Store;
use crate::wire;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the newest issues
    List {
        /// At most this many, 1 to 1000
        #[arg(long, default_value = "50")]
        limit: String,
    },
    /// Show one issue with its text
    Show {
        /// The issue's id
        id: i64,
    },
    /// Close an issue that was dealt with; a problem that comes back opens it again
    Close {
        /// The issue's id
        id: i64,
        /// Close it as not planned: scans do not report it for 90 days after it was last seen
        #[arg(long)]
        not_planned: bool,
    },
    /// Open a closed issue again
    Reopen {
        /// The issue's id
        id: i64,
    },
    /// Mark an issue as no problem: scans do not report it again
    Mute {
        /// The issue's id
        id: i64,
    },
    /// File the problems that are open at another tracker or repository where issues are filed now, too
    Refile {
        /// Leave them where they are instead, and do not offer them again
        #[arg(long)]
        leave: bool,
    },
    /// Let scans report a muted issue again
    Unmute {
        /// The issue's id
        id: i64,
    },
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    let store = cli.existing_store()?;
    let call = Call::by_owner(cli.now());
    let (id, deed) = match command {
        Command::List { limit } => return list(cli, &store, actions::rows(&limit)?).await,
        Command::Show { id } => {
            let issue = issues::find(&store, IssueId(id)).await?;
            let mut seen =
                issues::over_time(&store, std::slice::from_ref(&issue), cli.now()).await?;
            return show(cli, &issue, seen.remove(&issue.id).as_ref());
        }
        Command::Refile { leave: false } => return cli.say(&refile::accept(&store, &call).await?),
        Command::Refile { leave: true } => return cli.say(&refile::leave(&store, &call).await?),
        Command::Close { id, not_planned: false } => (id, IssueDeed::Close),
        Command::Close { id, not_planned: true } => (id, IssueDeed::CloseNotPlanned),
        Command::Reopen { id } => (id, IssueDeed::Reopen),
        Command::Mute { id } => (id, IssueDeed::Mute),
        Command::Unmute { id } => (id, IssueDeed::Unmute),
    };
    cli.say(&issues::change(&store, &call, IssueId(id), deed).await?)
}

async fn list(cli: &Cli, store: &Store, limit: usize) -> Result<()> {
    let (issues, _) = store.issue_list(0, limit).await?;
    let seen = issues::over_time(store, &issues, cli.now()).await?;
    let shown = issues.iter().map(|issue| wire::Issue::from(issue).over_time(seen.get(&issue.id)));
    if cli.json {
        return shown.into_iter().try_for_each(|issue| output::json(&issue));
    }
    let rows: Vec<_> = shown.map(|issue| row(&issue)).collect();
    output::table(
        &[
            "ID",
            "NUMBER",
            "STATE",
            "MUTED",
            "CLASS",
            "SEEN",
            "LAST DAY",
            "TREND",
            "LAST SEEN",
            "TITLE",
        ],
        &rows,
    )?;
    if let Some(offer) = refile::offer(store, cli.now()).await? {
        output::note(&format!("{offer}"));
        if !offer.accepted {
            output::note(
                "`lamplighter issues refile` files them there, too; with --leave they stay where they are.",
            );
        }
    }
    Ok(())
}

fn row(issue: &wire::Issue) -> Vec<String> {
    let seen = issue.over_time.as_ref();
    vec![
        issue.id.to_string(),
        issue.number.map_or_else(|| "-".to_owned(), |number| format!("#{number}")),
        issue.state.to_owned(),
        if issue.muted { "yes" } else { "-" }.to_owned(),
        issue.classification.unwrap_or("-").to_owned(),
        issue.occurrences.to_string(),
        seen.map_or_else(|| "-".to_owned(), |seen| seen.rows_last_day.to_string()),
        seen.map_or("-", |seen| seen.trend).to_owned(),
        issue.last_seen_at.clone(),
        output::plain(&issue.title, 100),
    ]
}

fn show(cli: &Cli, issue: &Issue, seen: Option<&SeenOverTime>) -> Result<()> {
    let issue = wire::Issue::from(issue).over_time(seen);
    if cli.json {
        return output::json(&issue);
    }
    let fact = |name: &str, value: String| vec![name.to_owned(), output::plain(&value, 300)];
    let mut rows = vec![
        fact("issue", issue.id.to_string()),
        fact("title", issue.title.clone()),
        fact("state", issue.state.to_owned()),
        fact("muted", if issue.muted { "yes" } else { "no" }.to_owned()),
        fact("class", issue.classification.unwrap_or("-").to_owned()),
        fact("codes", issue.error_codes.join(" ")),
        fact("seen", format!("{} times, last at {}", issue.occurrences, issue.last_seen_at)),
    ];
    rows.extend(seen.map(|seen| fact("over time", seen.sentence())));
    rows.extend(
        issue.scan_id.map(|scan| fact("found by", format!("scan {scan} at {}", issue.created_at))),
    );
    rows.extend(issue.duplicate.clone().map(|said| fact("duplicate", said)));
    rows.extend(issue.author.clone().map(|author| fact("author", author)));
    rows.extend(issue.number.map(|number| fact("number", number.to_string())));
    rows.extend(issue.url.clone().map(|url| fact("page", url)));
    output::table(&["FIELD", "VALUE"], &rows)?;
    output::line("")?;
    output::line(output::for_terminal(&issue.body))
}

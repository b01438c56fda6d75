//! `lamplighter schedules`: lists, makes, changes, pauses and removes schedules.

use super::{Cli, output};
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::model::{
    Actor, CatchUp, Kind, NewSchedule, Overlap, Plan, PlanChange, Queue, Rule, Schedule,
    ScheduleName, Timestamp,
};
use crate::store::Store;
use clap::{ArgGroup, Subcommand};
use serde_json::{Value, json};
use std::time::Duration;

/// Most schedules there are.
const ALL: usize = 1000;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List every schedule with its rule and its next occurrence
    List,
    /// Add a schedule; an interval is due at once
    #[command(group = ArgGroup::new("rule").required(true).args(["cron", "every", "at"]))]
    Add {
        /// What to call it: a-z, 0-9 and _
        #[arg(value_parser = name)]
        name: ScheduleName,
        #[command(flatten)]
        rule: RuleArguments,
        /// The kind of its jobs
        #[arg(long, value_parser = kind)]
        kind: Kind,
        #[command(flatten)]
        rest: PlanArguments,
    },
    /// Change what is named of a schedule; another rule counts from now on
    Edit {
        /// Its name
        #[arg(value_parser = name)]
        name: ScheduleName,
        #[command(flatten)]
        rule: RuleArguments,
        /// The kind of its jobs
        #[arg(long, value_parser = kind)]
        kind: Option<Kind>,
        #[command(flatten)]
        rest: PlanArguments,
    },
    /// Remove a schedule and its history; the jobs it has made stay
    Remove {
        /// Its name
        #[arg(value_parser = name)]
        name: ScheduleName,
    },
    /// Keep a schedule from making jobs
    Pause {
        /// Its name
        #[arg(value_parser = name)]
        name: ScheduleName,
    },
    /// Let a paused schedule go on; what fell into the pause is skipped, except with --catch-up all:N
    Resume {
        /// Its name
        #[arg(value_parser = name)]
        name: ScheduleName,
    },
    /// Queue a job as the schedule makes them, and print its id; the cadence is not shifted
    RunNow {
        /// Its name
        #[arg(value_parser = name)]
        name: ScheduleName,
    },
    /// Print the next occurrences, and what changes of the clock do to them
    Next {
        /// Its name
        #[arg(value_parser = name)]
        name: ScheduleName,
        /// How many
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
        count: u16,
    },
}

#[derive(clap::Args)]
pub(super) struct RuleArguments {
    /// At the local times of a crontab expression: "30 2 * * 1-5"
    #[arg(long, value_name = "EXPRESSION", group = "when")]
    cron: Option<String>,
    /// The IANA zone whose clocks the crontab expression means; UTC, or the one the schedule has
    #[arg(long, value_name = "ZONE", requires = "cron")]
    zone: Option<String>,
    /// Every so many minutes, 1 to 10080; also 15m or 6h
    #[arg(long, value_name = "MINUTES", group = "when")]
    every: Option<String>,
    /// Once, at an instant: 2027-01-15T08:00:00+01:00
    #[arg(long, value_name = "INSTANT", group = "when")]
    at: Option<String>,
}

#[derive(clap::Args)]
pub(super) struct PlanArguments {
    /// The handler's input, JSON; {} for a new one
    #[arg(long, value_parser = |text: &str| serde_json::from_str::<Value>(text))]
    payload: Option<Value>,
    /// Where the jobs wait, instead of their kind's queue; `default` is a queue too, `kind` the kind's
    #[arg(long, value_parser = queue)]
    queue: Option<KindsOr<Queue>>,
    /// Lower runs first, -100 to 100, instead of their kind's; `kind` for the kind's
    #[arg(long, allow_negative_numbers = true, value_parser = priority)]
    priority: Option<KindsOr<i32>>,
    /// What becomes of missed occurrences: once, skip or all:N; once for a new one
    #[arg(long, value_parser = CatchUp::parse)]
    catch_up: Option<CatchUp>,
    /// What becomes of one that meets its predecessor: `queue_one`, `queue_all` or `skip`; `queue_one` for a new one
    #[arg(long, value_parser = Overlap::parse)]
    overlap: Option<Overlap>,
    /// How long after one another the jobs of missed occurrences start: 30s, 5m
    #[arg(long, value_name = "LENGTH", value_parser = humantime::parse_duration)]
    stagger: Option<Duration>,
}

/// A value of its own, or that of the kind.
#[derive(Clone)]
struct KindsOr<T>(Option<T>);

fn name(text: &str) -> Result<ScheduleName> {
    ScheduleName::parse(text)
}

fn kind(text: &str) -> Result<Kind> {
    Kind::parse(text)
}

fn queue(text: &str) -> Result<KindsOr<Queue>> {
    Ok(KindsOr(if text == "kind" { None } else { Some(Queue::parse(text)?) }))
}

fn priority(text: &str) -> Result<KindsOr<i32>, String> {
    match text.parse() {
        _ if text == "kind" => Ok(KindsOr(None)),
        Ok(priority) => Ok(KindsOr(Some(priority))),
        Err(_) => Err("a number from -100 to 100, or kind".to_owned()),
    }
}

impl RuleArguments {
    /// The rule, if one is named; `before` is the one that is changed, whose zone stays unless another is named.
    fn read(self, before: Option<&Rule>, now: Timestamp) -> Result<Option<Rule>> {
        let Self { cron, zone, every, at } = self;
        let kept = match before {
            Some(Rule::Cron { zone, .. }) => Some(zone.name()),
            Some(Rule::Every { .. } | Rule::Once(_)) | None => None,
        };
        let zone = zone.as_deref().or(kept).unwrap_or("UTC");
        let rule = match (cron, every, at) {
            (Some(cron), _, _) => Rule::cron(&cron, zone),
            (None, Some(text), _) => match Rule::parse(&text, now)? {
                rule @ Rule::Every { .. } => Ok(rule),
                Rule::Cron { .. } | Rule::Once(_) => Err(not_a(&text, "number of minutes")),
            },
            (None, None, Some(text)) => match Rule::parse(&text, now)? {
                rule @ Rule::Once(_) => Ok(rule),
                Rule::Cron { .. } | Rule::Every { .. } => Err(not_a(&text, "instant")),
            },
            (None, None, None) => return Ok(None),
        };
        rule.map(Some)
    }
}

fn not_a(text: &str, what: &str) -> Error {
    Error::new(Code::ModelInvalid, format!("read {text:?}: it is no {what}"))
}

impl PlanArguments {
    fn change(self, rule: Option<Rule>, kind: Option<Kind>) -> PlanChange {
        PlanChange {
            rule,
            kind,
            payload: self.payload,
            queue: self.queue.map(|queue| queue.0),
            priority: self.priority.map(|priority| priority.0),
            catch_up: self.catch_up,
            overlap: self.overlap,
            stagger: self.stagger,
        }
    }
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    let (actor, now) = (Actor::cli(), Clock::system().now());
    match command {
        Command::List => {
            let (schedules, _) = cli.existing_store()?.schedules(0, ALL).await?;
            list(cli, &schedules)
        }
        Command::Add { name, rule, kind, rest } => {
            let store = cli.store()?;
            let change = rest.change(rule.read(None, now)?, Some(kind));
            let plan = change.applied_to(None).ok_or_else(|| not_a("", "rule"))?;
            let new = NewSchedule { name: name.clone(), plan };
            store.create_schedule(new, actor, now).await?;
            show_next(cli, &store, name, now, 1).await
        }
        Command::Edit { name, rule, kind, rest } => {
            let store = cli.existing_store()?;
            let before = store.schedule(name.clone()).await?.and_then(|known| known.plan.ok());
            let before = before.as_ref().map(|plan| &plan.rule);
            let change = rest.change(rule.read(before, now)?, kind);
            store.change_schedule(name.clone(), change, actor, now).await?;
            show_next(cli, &store, name, now, 1).await
        }
        Command::Remove { name } => {
            cli.existing_store()?.remove_schedule(name.clone(), actor, now).await?;
            say(cli, &name, "removed")
        }
        Command::Pause { name } => {
            let paused = cli.existing_store()?.pause_schedule(name.clone(), actor, now).await?;
            say(cli, &name, if paused { "paused" } else { "nothing to do: it is paused" })
        }
        Command::Resume { name } => {
            let resumed = cli.existing_store()?.resume_schedule(name.clone(), actor, now).await?;
            say(cli, &name, if resumed { "resumed" } else { "nothing to do: it was not paused" })
        }
        Command::RunNow { name } => {
            let id = cli.existing_store()?.run_schedule_now(name, actor, now).await?;
            if cli.json { output::line(json!({"id": id.0})) } else { output::line(id) }
        }
        Command::Next { name, count } => {
            show_next(cli, &cli.existing_store()?, name, now, usize::from(count)).await
        }
    }
}

fn say(cli: &Cli, name: &ScheduleName, words: &str) -> Result<()> {
    if cli.json {
        output::line(json!({"name": name.as_str(), "answer": words}))
    } else {
        output::line(words)
    }
}

/// The next occurrences in the rule's zone and in UTC, and what changes of the clock do to them.
async fn show_next(
    cli: &Cli,
    store: &Store,
    name: ScheduleName,
    now: Timestamp,
    count: usize,
) -> Result<()> {
    let unknown = || Error::new(Code::ScheduleUnknown, format!("find the schedule {name}"));
    let schedule = store.schedule(name.clone()).await?.ok_or_else(unknown)?;
    let plan = schedule.plan.as_ref().map_err(|why| {
        Error::new(Code::ScheduleUnreadable, format!("read the schedule {name}"))
            .because(why.as_str())
    })?;
    let due = schedule.next_at.filter(|at| *at <= now);
    let next: Vec<_> = due.into_iter().chain(schedule.upcoming(now)).take(count).collect();
    let warnings = plan.rule.clock_warnings(now);
    if cli.json {
        let next =
            next.iter().map(|at| json!({"at": at.to_string(), "local": plan.rule.local(*at)}));
        let mut value = as_json(&schedule);
        value["next"] = next.collect();
        value["warnings"] = json!(warnings);
        return output::line(value);
    }
    if schedule.paused_at.is_some() {
        output::note("The schedule is paused: this is when it would run.");
    }
    let rows: Vec<_> = next.iter().map(|at| vec![plan.rule.local(*at), at.to_string()]).collect();
    output::line(plan.rule.in_words())?;
    output::table(&["LOCAL", "UTC"], &rows)?;
    warnings.iter().try_for_each(|warning| output::line(format_args!("Note: {warning}.")))
}

fn list(cli: &Cli, schedules: &[Schedule]) -> Result<()> {
    if cli.json {
        return schedules.iter().try_for_each(|schedule| output::line(as_json(schedule)));
    }
    let rows: Vec<_> = schedules.iter().map(row).collect();
    output::table(&["NAME", "KIND", "RULE", "LAST", "NEXT", "PAUSED"], &rows)
}

fn row(schedule: &Schedule) -> Vec<String> {
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
        at(schedule.next_at.filter(|_| schedule.paused_at.is_none())),
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

fn as_json(schedule: &Schedule) -> Value {
    let at = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let plan = schedule.plan.as_ref();
    json!({
        "name": schedule.name.as_str(),
        "reserved": schedule.reserved,
        "plan": plan.ok().map(Plan::to_json),
        "error": plan.err(),
        "words": plan.ok().map(|plan| plan.rule.in_words()),
        "paused_at": at(schedule.paused_at),
        "paused_by": schedule.paused_by,
        "last_at": at(schedule.last_at),
        "next_at": at(schedule.next_at),
        "created_at": schedule.created_at.to_string(),
        "updated_at": schedule.updated_at.to_string(),
        "updated_by": schedule.updated_by,
    })
}

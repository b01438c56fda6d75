//! What waits for a person: found by one list of rules for every face, and put off for some time.

use super::{Answer, Call, Right, errors};
use crate::error::{Code, Error, Result};
use crate::model::{
    FAILED_IN_A_ROW, FiguresOf, Need, NeedRule, PastDecision, Processes, QueueState, Role, Status,
    Timestamp,
};
use crate::store::Store;
use crate::wire;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

/// The right to put something off for everybody.
pub const PUT_OFF: Right = Right::new(Role::Operator, "put off what waits for a person");
/// The longest that something is put off: a week.
const LONGEST: Duration = Duration::from_hours(7 * 24);
/// Longest key, in bytes: the longest rule with the longest name.
const MAX_KEY: usize = 128;
/// The most queues whose first job is looked at: those in which most jobs wait.
const MAX_QUEUES: usize = 10;
/// The most errors that are looked at: the most frequent ones of a day.
const MAX_ERRORS: usize = 20;
/// The most texts for approval that are counted.
#[cfg(feature = "monitor")]
const MAX_APPROVALS: usize = 100;

/// What waits for a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// What is told, the most urgent rule first.
    pub told: Vec<Need>,
    /// What somebody has put off, with the instant until which it is.
    pub put_off: Vec<(Need, Timestamp)>,
}

impl Needs {
    /// The same for programs: what is told, then what is put off.
    pub fn as_wire(&self) -> Vec<wire::Need> {
        let told = self.told.iter().map(|need| wire_need(need, None));
        told.chain(self.put_off.iter().map(|(need, until)| wire_need(need, Some(*until)))).collect()
    }
}

/// Whether a person of this role may put something off.
pub fn may_put_off(role: Role) -> bool {
    PUT_OFF.is_of(role)
}

/// Looks for what waits for a person. `has_program`: the database has the tables of sessions and scans, which an
/// application's own has not.
///
/// # Errors
/// Those of reading.
pub async fn needs(store: &Store, has_program: bool, now: Timestamp) -> Result<Needs> {
    let mut found = Vec::new();
    let processes = store.processes(now).await?;
    if processes.at_work.is_empty() {
        found.push(Need::engine(processes.seen_at));
    }
    if has_program {
        found.extend(of_program(store, &processes, now).await?);
    }
    let queues = store.queues().await?;
    found.extend(queues.iter().filter_map(Need::paused));
    if !processes.at_work.is_empty() {
        found.extend(without_worker(store, &processes).await?);
        found.extend(late(store, &queues, now).await?);
    }
    for (name, error) in store.failing_schedules(FAILED_IN_A_ROW).await? {
        // As many as the page of schedules says.
        let Some(schedule) = store.schedule(name.clone()).await? else { continue };
        let runs = store.schedule_decisions(schedule.id, PastDecision::SHOWN).await?;
        let times = PastDecision::failed_in_a_row(&runs).max(FAILED_IN_A_ROW);
        found.push(Need::schedule_fails(&name, times, error.as_deref()));
    }
    let errors = store.job_errors(errors::Range::Day.until(now), MAX_ERRORS).await?;
    let told = errors.iter().filter(|error| errors::is_new(error, now) && !error.is_muted(now));
    found.extend(told.filter_map(Need::new_error));
    found.extend(store.free_disk().and_then(Need::disk));
    found.sort_by_key(|need| place(need.rule));
    let until = store.put_off_needs(now).await?;
    let mut needs = Needs::default();
    for need in found {
        match until.get(&need.key()) {
            Some(until) => needs.put_off.push((need, *until)),
            None => needs.told.push(need),
        }
    }
    Ok(needs)
}

/// Puts something off for everybody, or has it told again at once (`length` is `None`).
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator; `JOB-VALUE-001` for a key of no rule and for a length above a week.
pub async fn put_off(
    store: &Store,
    call: &Call,
    key: &str,
    length: Option<Duration>,
) -> Result<Answer<wire::NeedPutOff>> {
    call.needs(PUT_OFF)?;
    let rule = key.split_once(':').map_or(key, |(rule, _)| rule);
    if NeedRule::from_str(rule).is_err() || key.len() > MAX_KEY {
        let why = format!("{key:?} is the key of no need; `key` of a need has it");
        return Err(Error::new(Code::ModelInvalid, format!("put it off: {why}")));
    }
    if length.is_some_and(|length| length.is_zero() || length > LONGEST) {
        let why = "it is put off for 7 days at most, and not for no time";
        return Err(Error::new(Code::ModelInvalid, format!("put off {key}: {why}")));
    }
    let until = length.map(|length| call.now.plus(length));
    store.put_off_need(key.to_owned(), until, call.actor(), call.now).await?;
    let sentence = match until {
        Some(until) => format!("Put off for everybody until {}.", call.zone.in_full(until)),
        None => "It is told again.".to_owned(),
    };
    let value =
        wire::NeedPutOff { key: key.to_owned(), until: until.map(|until| until.to_string()) };
    Ok(Answer::new(value, sentence))
}

/// What the program has besides the engine: texts for approval, the tracker, the agent, the budgets.
#[cfg(feature = "monitor")]
async fn of_program(store: &Store, processes: &Processes, now: Timestamp) -> Result<Vec<Need>> {
    use crate::model::WaitingApprovals;
    let (count, oldest) = store.filings_to_approve(MAX_APPROVALS).await?;
    let approvals = oldest.map(|oldest| {
        let more = count >= MAX_APPROVALS as u64;
        Need::approvals(WaitingApprovals { count, more, oldest })
    });
    let mut found: Vec<_> = approvals.into_iter().collect();
    if let Some(says) = processes.server().map(|server| &server.says) {
        let is_scanning = processes.kind(crate::model::Kind::FILE_FINDINGS.as_str()).is_some();
        let is_ready = says.tracker.as_ref().filter(|_| is_scanning && says.issue_home.is_some());
        found.extend(Need::tracker(is_ready, says.tracker_answer.as_ref()));
        found.extend(Need::agent(says.agent.as_ref(), says.sandbox.as_ref()));
    }
    let (spent, budgets) = store.spent(None, now).await?;
    found.extend(Need::budgets(spent, budgets));
    Ok(found)
}

#[cfg(not(feature = "monitor"))]
#[expect(clippy::unused_async, reason = "with the feature `monitor` it waits for the store")]
async fn of_program(_: &Store, _: &Processes, _: Timestamp) -> Result<Vec<Need>> {
    Ok(Vec::new())
}

/// The kinds of waiting jobs that no process has a handler for.
async fn without_worker(store: &Store, processes: &Processes) -> Result<Vec<Need>> {
    let mut waiting = BTreeMap::new();
    for count in store.job_counts().await? {
        if count.status == Status::Queued && processes.kind(count.kind.as_str()).is_none() {
            *waiting.entry(count.kind).or_insert(0) += count.count;
        }
    }
    let told = waiting.iter().filter(|(_, count)| **count > 0);
    Ok(told.map(|(kind, count)| Need::no_worker(kind, *count)).collect())
}

/// The queues whose first job waits much longer than is usual there.
async fn late(store: &Store, queues: &[QueueState], now: Timestamp) -> Result<Vec<Need>> {
    let mut waiting: Vec<_> =
        queues.iter().filter(|queue| queue.queued > 0 && queue.pause.is_none()).collect();
    waiting.sort_by_key(|queue| std::cmp::Reverse(queue.queued));
    let mut found = Vec::new();
    for queue in waiting.into_iter().take(MAX_QUEUES) {
        let (first, _) = store.queue_line(queue.name.clone(), 0).await?;
        let Some(due) = first.map(|job| job.run_at.max(job.created_at)) else { continue };
        // What is usual is asked for only where it can make a difference.
        if now.since(due) < Duration::from_mins(1) {
            continue;
        }
        let of = FiguresOf { queue: Some(queue.name.clone()), ..FiguresOf::default() };
        let usual = store.usual_figures(of, now).await?;
        found.extend(Need::late(queue, due, usual.long_wait, now));
    }
    Ok(found)
}

/// The place of a rule in the order in which they are told.
fn place(rule: NeedRule) -> usize {
    NeedRule::ALL.iter().position(|other| *other == rule).unwrap_or(usize::MAX)
}

fn wire_need(need: &Need, put_off_until: Option<Timestamp>) -> wire::Need {
    wire::Need {
        key: need.key(),
        rule: need.rule.as_str(),
        subject: need.subject.clone(),
        what: need.what.clone(),
        why: need.why.clone(),
        since: need.since.map(|at| at.to_string()),
        until: need.until.map(|at| at.to_string()),
        put_off_until: put_off_until.map(|at| at.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;
    use crate::model::{Actor, KindRules, NewJob, Queue};
    use crate::store::OpenMode;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn keys(needs: &Needs) -> Vec<String> {
        needs.told.iter().map(Need::key).filter(|key| key != "disk_low").collect()
    }

    #[tokio::test]
    async fn what_waits_is_told_in_one_order_until_it_is_put_off() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("jobs.db"), OpenMode::Migrate).unwrap();
        assert_eq!(keys(&needs(&store, true, NOW).await.unwrap()), ["engine"]);

        let rules = KindRules::new(Kind::parse("other").unwrap());
        let (worker, _) = store.played("w", vec![rules], NOW).await;
        let _lock = store.try_lead(&worker).unwrap().unwrap();
        assert!(keys(&needs(&store, true, NOW).await.unwrap()).is_empty());

        let queue = |name: &str| Queue::parse(name).unwrap();
        for name in ["mail", "stock"] {
            let job =
                NewJob { queue: Some(queue(name)), ..NewJob::new(Kind::parse("other").unwrap()) };
            store.enqueue(job, NOW).await.unwrap();
            store.pause_queue(queue(name), "fair".into(), None, Actor::cli(), NOW).await.unwrap();
        }
        let told = needs(&store, true, NOW).await.unwrap();
        assert_eq!(keys(&told), ["queue_paused:mail", "queue_paused:stock"]);
        assert_eq!(told.told[0].why, "By cli: fair. 1 job waits.");

        let call = Call::by_owner(NOW);
        let hour = Some(Duration::from_hours(1));
        put_off(&store, &call, "queue_paused:mail", hour).await.unwrap();
        let later = needs(&store, true, NOW).await.unwrap();
        assert_eq!(keys(&later), ["queue_paused:stock"]);
        assert_eq!(later.put_off[0].1, NOW.plus(Duration::from_hours(1)));
        let wire = later.as_wire();
        assert_eq!(wire.last().unwrap().put_off_until.as_deref(), Some("2027-01-15T09:00:00.000Z"));
        let over = NOW.plus(Duration::from_hours(1));
        assert!(needs(&store, true, over).await.unwrap().put_off.is_empty());
        put_off(&store, &call, "queue_paused:mail", None).await.unwrap();
        assert_eq!(keys(&needs(&store, true, NOW).await.unwrap()).len(), 2);
    }

    #[tokio::test]
    async fn a_key_of_no_rule_a_long_time_and_a_viewer_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("jobs.db"), OpenMode::Migrate).unwrap();
        let mut call = Call::by_owner(NOW);
        let days = |days: u64| Some(Duration::from_hours(24 * days));
        for (key, length) in [("weather", days(1)), ("budget:day", days(8)), ("", days(1))] {
            let refused = put_off(&store, &call, key, length).await.unwrap_err();
            assert_eq!(refused.code(), Code::ModelInvalid, "{key}");
        }
        call.who.role = Role::Viewer;
        let refused = put_off(&store, &call, "budget:day", days(1)).await.unwrap_err();
        assert_eq!(refused.code(), Code::AuthRole);
    }
}

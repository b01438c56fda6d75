//! The scheduler's one decision: what becomes of the occurrences that are due.
//!
//! [`decide`] is a pure function of the stored schedule and the time; the store writes its answer in one
//! transaction: the decisions, the jobs that they make, the cursor. Called again with the new cursor it has nothing to
//! say until the next occurrence, so a restart neither repeats nor shifts anything (P16, P17).
//!
//! Here the cursor only grows. Where the clock was set back, so that the cursor lies in the future, the store sets it to now
//! before anything is decided (see [`Schedule::is_ahead`](super::Schedule::is_ahead)); an occurrence that has its job keeps it.
//!
//! A change of the rule sets the cursor to now, unless the cursor is later: a change is no downtime, so the occurrences
//! that the new rule would have had before the change do not count as missed. The first start of an interval anchors it at
//! now and sets the cursor to the millisecond before: the anchor is the first occurrence, and it is due at once.

use super::{CatchUp, MAX_CAUGHT_UP, Overlap, Rule};
use crate::model::Timestamp;
use crate::model::job::word_enum;
use crate::model::time::in_units;
use std::time::Duration;

/// How late an occurrence may be noticed and still be on time: longer than a busy scheduler needs for a round, shorter
/// than anybody calls a downtime.
pub(crate) const GRACE: Duration = Duration::from_mins(1);
/// Occurrences are counted up to here; from there on they are "more than 1,000".
const MAX_COUNTED: usize = 1_000;

/// What the scheduler knows when it looks at a schedule.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// When it is due.
    pub rule: &'a Rule,
    /// What becomes of missed occurrences.
    pub catch_up: CatchUp,
    /// What becomes of an occurrence while jobs of this schedule are not final.
    pub overlap: Overlap,
    /// How long after one another the jobs of missed occurrences start.
    pub stagger: Duration,
    /// The last occurrence that was decided, or the instant from which the schedule counts.
    pub cursor: Timestamp,
    /// The time.
    pub now: Timestamp,
    /// How many jobs of this schedule are scheduled or queued.
    pub waiting: u64,
    /// How many jobs of this schedule are running.
    pub running: u64,
}

/// What to write, and when to look again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// In the order of their occurrences, at most 101.
    pub decisions: Vec<Decision>,
    /// The new cursor, never before the old one.
    pub cursor: Timestamp,
    /// The next occurrence, if there is one.
    pub next: Option<Timestamp>,
}

/// One row of a schedule's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The occurrence; the first one where a row stands for several.
    pub occurrence_at: Timestamp,
    /// What became of it.
    pub verdict: Verdict,
    /// Why, for people; empty for one that fired on time.
    pub detail: String,
    /// When its job may start: the occurrence itself if it is on time, now or a stagger later if it was missed. `None`
    /// if it makes no job.
    pub run_at: Option<Timestamp>,
}

word_enum!(
    /// What became of an occurrence.
    Verdict {
        /// It made a job on time.
        Fired = "fired",
        /// It made a job late, after a downtime.
        CaughtUp = "caught_up",
        /// It made no job, by a policy that says so.
        Skipped = "skipped",
        /// Another job stands for it.
        Merged = "merged",
        /// It made a job, which a budget then put off.
        OverBudget = "over_budget",
    }
);

/// Decides every occurrence after the cursor and up to now.
pub fn decide(look: &Situation<'_>) -> Decided {
    let Some(latest) = look.rule.latest_between(look.cursor, look.now) else {
        let next = look.rule.next_after(look.cursor);
        return Decided { decisions: Vec::new(), cursor: look.cursor, next };
    };
    let candidates = candidates(look, latest);
    let mut decisions: Vec<_> =
        left_out(look, latest, candidates.first().copied()).into_iter().collect();
    let mut waiting = look.waiting;
    let mut caught_up = 0;
    for at in candidates {
        let decision = one(look, at, waiting, caught_up);
        waiting += u64::from(decision.run_at.is_some());
        caught_up += u32::from(decision.verdict == Verdict::CaughtUp);
        decisions.push(decision);
    }
    Decided { decisions, cursor: latest, next: look.rule.next_after(latest) }
}

/// The due occurrences that catch-up lets through, oldest first, at most 100.
fn candidates(look: &Situation<'_>, latest: Timestamp) -> Vec<Timestamp> {
    match look.catch_up {
        CatchUp::Once => vec![latest],
        CatchUp::Skip => {
            let grace = i64::try_from(GRACE.as_millis()).unwrap_or(i64::MAX);
            let late = Timestamp::from_millis(look.now.millis() - grace - 1);
            let on_time = look.rule.occurrences_after(look.cursor.max(late));
            on_time.take_while(|at| *at <= latest).take(MAX_CAUGHT_UP as usize).collect()
        }
        CatchUp::All { max } => {
            let before = |at: &Timestamp| {
                let until = Timestamp::from_millis(at.millis() - 1);
                look.rule.latest_between(look.cursor, until)
            };
            let newest = std::iter::successors(Some(latest), before);
            let mut newest: Vec<_> = newest.take(max.min(MAX_CAUGHT_UP) as usize).collect();
            newest.reverse();
            newest
        }
    }
}

/// The one row for all due occurrences before the first candidate.
fn left_out(look: &Situation<'_>, latest: Timestamp, kept: Option<Timestamp>) -> Option<Decision> {
    let mut older = look
        .rule
        .occurrences_after(look.cursor)
        .take_while(|at| kept.map_or(*at <= latest, |kept| *at < kept));
    let first = older.next()?;
    let count = 1 + older.take(MAX_COUNTED).count();
    let many = match count {
        1 => "it was missed".to_owned(),
        2..=MAX_COUNTED => format!("{count} occurrences from this one on were missed"),
        _ => "more than 1,000 occurrences from this one on were missed".to_owned(),
    };
    let (verdict, detail) = match (look.catch_up, kept) {
        (CatchUp::Skip, _) | (_, None) => {
            (Verdict::Skipped, format!("{many}; this schedule makes no job for missed ones"))
        }
        (CatchUp::Once | CatchUp::All { .. }, Some(kept)) => {
            let kept = look.rule.local(kept);
            let those = if count == 1 { "it" } else { "them" };
            (Verdict::Merged, format!("{many}; the job of {kept} stands for {those}"))
        }
    };
    Some(Decision { occurrence_at: first, verdict, detail, run_at: None })
}

/// What becomes of one candidate, after `caught_up` others were caught up in this look.
fn one(look: &Situation<'_>, at: Timestamp, waiting: u64, caught_up: u32) -> Decision {
    let no_job = |verdict, detail: &str| Decision {
        occurrence_at: at,
        verdict,
        detail: detail.into(),
        run_at: None,
    };
    match look.overlap {
        Overlap::QueueOne if waiting > 0 => {
            return no_job(Verdict::Merged, "a job of this schedule was already waiting");
        }
        Overlap::Skip if waiting > 0 => {
            return no_job(Verdict::Skipped, "a job of this schedule was still waiting");
        }
        Overlap::Skip if look.running > 0 => {
            return no_job(Verdict::Skipped, "a job of this schedule was still running");
        }
        Overlap::QueueOne | Overlap::QueueAll | Overlap::Skip => {}
    }
    let late = look.now.since(at);
    let (verdict, detail, run_at) = if late > GRACE {
        let run_at = look.now.plus(look.stagger.saturating_mul(caught_up));
        (Verdict::CaughtUp, format!("{} late", in_units(late)), run_at)
    } else {
        // An occurrence that is on time does not wait behind the staggered ones: its time matters more than the order.
        (Verdict::Fired, String::new(), at)
    };
    Decision { occurrence_at: at, verdict, detail, run_at: Some(run_at) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T08:00:00Z
    const START: Timestamp = Timestamp::from_millis(1_795_248_000_000);
    const HOUR: i64 = 3_600_000;

    fn hours(n: i64) -> Timestamp {
        Timestamp::from_millis(START.millis() + n * HOUR)
    }

    /// An hourly rule whose occurrence at 08:00 was decided; nothing waits, nothing runs.
    fn look(rule: &Rule, now: Timestamp) -> Situation<'_> {
        Situation {
            rule,
            catch_up: CatchUp::Once,
            overlap: Overlap::QueueOne,
            stagger: Duration::from_secs(10),
            cursor: START,
            now,
            waiting: 0,
            running: 0,
        }
    }

    fn hourly() -> Rule {
        Rule::cron("0 * * * *", "UTC").unwrap()
    }

    /// The rows as `hour verdict detail run_at`, the last in seconds from now.
    fn rows(look: &Situation<'_>) -> Vec<String> {
        let row = |d: &Decision| {
            let hour = (d.occurrence_at.millis() - START.millis()) / HOUR;
            let run = d
                .run_at
                .map_or("-".into(), |at| format!("{}", (at.millis() - look.now.millis()) / 1_000));
            format!("{hour} {} {run} {}", d.verdict.as_str(), d.detail)
        };
        decide(look).decisions.iter().map(row).collect()
    }

    #[test]
    fn nothing_is_decided_before_the_next_occurrence() {
        let rule = hourly();
        let decided = decide(&look(&rule, Timestamp::from_millis(hours(1).millis() - 1)));
        assert_eq!(decided, Decided { decisions: vec![], cursor: START, next: Some(hours(1)) });
    }

    #[test]
    fn an_occurrence_on_time_fires_and_moves_the_cursor() {
        let rule = hourly();
        let now = hours(1).plus(Duration::from_mins(1));
        assert_eq!(rows(&look(&rule, now)), ["1 fired -60 "]);
        let decided = decide(&look(&rule, now));
        assert_eq!((decided.cursor, decided.next), (hours(1), Some(hours(2))));
        let again = decide(&Situation { cursor: decided.cursor, ..look(&rule, now) });
        assert_eq!(
            (again.decisions.len(), again.next),
            (0, Some(hours(2))),
            "a restart repeats nothing"
        );
    }

    #[test]
    fn ten_missed_periods_make_one_job() {
        let rule = hourly();
        let now = hours(10).plus(Duration::from_mins(30));
        let merged = "1 merged - 9 occurrences from this one on were missed; the job of Sat 2026-11-21 18:00:00 UTC stands for them";
        assert_eq!(rows(&look(&rule, now)), [merged, "10 caught_up 0 30 min late"]);
        let decided = decide(&look(&rule, now));
        assert_eq!(
            (decided.cursor, decided.next),
            (hours(10), Some(hours(11))),
            "the cadence stays"
        );
    }

    #[test]
    fn the_newest_of_several_is_on_time_if_it_is() {
        let rule = hourly();
        assert_eq!(rows(&look(&rule, hours(3)))[1], "3 fired 0 ");
    }

    #[test]
    fn skip_leaves_out_what_is_late_and_fires_what_is_not() {
        let rule = hourly();
        let skip = |now| Situation { catch_up: CatchUp::Skip, ..look(&rule, now) };
        let missed = "1 skipped - 2 occurrences from this one on were missed; this schedule makes no job for missed ones";
        assert_eq!(rows(&skip(hours(3))), [missed, "3 fired 0 "]);
        assert_eq!(rows(&skip(hours(2).plus(Duration::from_mins(2)))), [missed]);
        assert_eq!(decide(&skip(hours(2).plus(Duration::from_mins(2)))).cursor, hours(2));
    }

    #[test]
    fn all_makes_the_newest_jobs_one_stagger_after_the_other() {
        let rule = hourly();
        let now = hours(5).plus(Duration::from_secs(5));
        let all = Situation {
            catch_up: CatchUp::All { max: 3 },
            overlap: Overlap::QueueAll,
            ..look(&rule, now)
        };
        assert_eq!(
            rows(&all),
            [
                "1 merged - 2 occurrences from this one on were missed; the job of Sat 2026-11-21 11:00:00 UTC stands for them",
                "3 caught_up 0 2 h 0 min late",
                "4 caught_up 10 1 h 0 min late",
                "5 fired -5 ",
            ]
        );
        let few = Situation { now: hours(1), ..all };
        assert_eq!(rows(&few), ["1 fired 0 "]);
    }

    #[test]
    fn queue_one_leaves_at_most_one_waiting_and_a_running_one_does_not_count() {
        let rule = hourly();
        let running = Situation { running: 1, ..look(&rule, hours(1)) };
        assert_eq!(rows(&running), ["1 fired 0 "]);
        let waiting = Situation { waiting: 1, ..running };
        assert_eq!(rows(&waiting), ["1 merged - a job of this schedule was already waiting"]);
        assert_eq!(decide(&waiting).cursor, hours(1));
        let all = Situation { catch_up: CatchUp::All { max: 9 }, ..look(&rule, hours(3)) };
        let jobs = decide(&all).decisions.iter().filter(|d| d.run_at.is_some()).count();
        assert_eq!(jobs, 1, "those of the same look count too");
    }

    #[test]
    fn queue_all_always_makes_a_job_and_skip_only_if_none_is_left() {
        let rule = hourly();
        let busy = Situation { waiting: 5, running: 1, ..look(&rule, hours(1)) };
        assert_eq!(rows(&Situation { overlap: Overlap::QueueAll, ..busy }), ["1 fired 0 "]);
        let skip = Situation { overlap: Overlap::Skip, ..busy };
        assert_eq!(rows(&skip), ["1 skipped - a job of this schedule was still waiting"]);
        let running = Situation { waiting: 0, ..skip };
        assert_eq!(rows(&running), ["1 skipped - a job of this schedule was still running"]);
        assert_eq!(rows(&Situation { running: 0, ..running }), ["1 fired 0 "]);
    }

    /// Of P16 and P19.
    #[test]
    fn a_clock_that_jumps_back_decides_nothing_twice() {
        let rule = hourly();
        let ahead = decide(&look(&rule, hours(5)));
        let back = Situation { cursor: ahead.cursor, ..look(&rule, hours(2)) };
        assert_eq!(
            decide(&back),
            Decided { decisions: vec![], cursor: hours(5), next: Some(hours(6)) }
        );
    }

    #[test]
    fn ten_million_missed_seconds_cost_bounded_work() {
        let rule = Rule::cron("* * * * * *", "Europe/Berlin").unwrap();
        let now = START.plus(Duration::from_secs(10_000_000));
        for catch_up in [CatchUp::Once, CatchUp::Skip, CatchUp::All { max: 100 }] {
            let look = Situation { catch_up, overlap: Overlap::QueueAll, ..look(&rule, now) };
            let decided = decide(&look);
            assert_eq!(decided.cursor, now);
            assert!(decided.decisions.len() <= 101);
            assert!(decided.decisions[0].detail.starts_with("more than 1,000 occurrences"));
            let made = decided.decisions.iter().filter(|d| d.run_at.is_some()).count();
            assert_eq!(
                made,
                match catch_up {
                    CatchUp::Once => 1,
                    CatchUp::Skip => 61,
                    CatchUp::All { .. } => 100,
                }
            );
            let times: Vec<_> = decided.decisions.iter().map(|d| d.occurrence_at).collect();
            assert!(times.is_sorted_by(|a, b| a < b));
        }
    }

    #[test]
    fn a_changed_interval_keeps_its_anchor_and_moves_the_next_occurrence_at_once() {
        let rule = Rule::every(60, START).unwrap();
        let now = hours(3).plus(Duration::from_mins(40));
        let last = decide(&look(&rule, now)).cursor;
        assert_eq!(last, hours(3));
        let changed = Rule::every(15, now).unwrap().anchored_at(last);
        let decided = decide(&Situation { cursor: last.max(now), ..look(&changed, now) });
        assert_eq!(decided.decisions, [], "a change is no downtime");
        assert_eq!(decided.next, Some(last.plus(Duration::from_mins(45))));
    }

    #[test]
    fn an_interval_that_is_enabled_for_the_first_time_runs_at_once() {
        let rule = Rule::every(60, START).unwrap();
        let before = Timestamp::from_millis(START.millis() - 1);
        let first = Situation { cursor: before, ..look(&rule, START) };
        assert_eq!(rows(&first), ["0 fired 0 "]);
        assert_eq!(decide(&first).next, Some(hours(1)));
    }

    #[test]
    fn a_single_occurrence_is_decided_once_and_has_no_next() {
        let rule = Rule::once(hours(1)).unwrap();
        let decided = decide(&look(&rule, hours(30)));
        assert_eq!(decided.decisions[0].detail, "1 d 5 h late");
        assert_eq!((decided.cursor, decided.next), (hours(1), None));
        let again = decide(&Situation { cursor: decided.cursor, ..look(&rule, hours(30)) });
        assert_eq!(again, Decided { decisions: vec![], cursor: hours(1), next: None });
    }
}

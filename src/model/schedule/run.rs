//! What is stored of past occurrences beyond the decision about each: its job, and the pauses that people ordered.

use super::PastDecision;
use crate::model::{Event, JobId, Queue, Status, Timestamp};

/// An occurrence that was decided, with its job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRun {
    /// What was decided about it.
    pub decision: PastDecision,
    /// The job that it made, if that is kept still.
    pub job: Option<RunJob>,
}

/// What is known of the job that an occurrence made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunJob {
    /// Which job.
    pub id: JobId,
    /// How it stands.
    pub status: Status,
    /// Its lane; `None` until admitted.
    pub queue: Option<Queue>,
    /// When it is due, or was due last.
    pub run_at: Timestamp,
    /// Attempts begun.
    pub attempt: u32,
    /// When its first attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What the last of its attempts that failed said, its beginning.
    pub error: Option<String>,
    /// Its first step outside the plain path.
    pub first_step: Option<Event>,
    /// Its last one, where there are several.
    pub last_step: Option<Event>,
}

/// What people did to keep a queue or a schedule from going on, or to let it go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PauseDeed {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Of what, as the audit log names it: `queue reports`.
    pub subject: String,
    /// Whether it was paused then, or resumed.
    pub paused: bool,
    /// The reason of the pause that began or ended, as far as it has one.
    pub reason: Option<String>,
}

/// The last occurrences of a schedule, and what people did meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PastRuns {
    /// The newest first.
    pub runs: Vec<PastRun>,
    /// The pauses of queues and of this schedule among the newest rows of the audit log, the oldest first.
    pub deeds: Vec<PauseDeed>,
}

impl PastRuns {
    /// The pause of a thing that was in force at some time between two instants, as far as the deeds tell: who ordered it,
    /// when, and when it was resumed. A pause that nobody resumed may have ended by itself, so it counts if it began
    /// between them.
    pub fn pause_between(
        &self,
        subject: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Option<(&PauseDeed, Option<Timestamp>)> {
        let mut of_it = self.deeds.iter().filter(|deed| deed.subject == subject).peekable();
        while let Some(deed) = of_it.next() {
            // Between the two another pause may have begun that no person ordered: its end is not that of this one.
            let ends = |next: &&&PauseDeed| !next.paused && next.reason == deed.reason;
            let resumed = of_it.peek().filter(ends).map(|next| next.at);
            let holds = match resumed {
                Some(end) => deed.at < to && end > from,
                None => (from..to).contains(&deed.at),
            };
            if deed.paused && holds {
                return Some((deed, resumed));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_counts_if_it_was_in_force_and_one_without_an_end_only_where_it_began() {
        let at = Timestamp::from_millis;
        let deed = |millis, subject: &str, paused| PauseDeed {
            at: at(millis),
            by: "ann".into(),
            subject: subject.into(),
            paused,
            reason: Some("maintenance".into()),
        };
        let deeds = vec![
            deed(10, "queue a", true),
            deed(12, "queue b", true),
            deed(20, "queue a", false),
            deed(30, "queue a", true),
        ];
        let runs = PastRuns { runs: vec![], deeds };
        let told = |from, to| {
            let found = runs.pause_between("queue a", at(from), at(to));
            found.map(|(deed, end)| (deed.at.millis(), end.map(Timestamp::millis)))
        };
        assert_eq!(told(15, 18), Some((10, Some(20))), "it began before and ended after");
        assert_eq!(told(5, 11), Some((10, Some(20))));
        assert_eq!(told(0, 10), None, "it began when the other was over");
        assert_eq!(told(20, 25), None);
        assert_eq!(told(25, 40), Some((30, None)));
        assert_eq!(told(35, 40), None, "it may have ended by itself");
        assert_eq!(runs.pause_between("queue c", at(0), at(99)), None);
        let of_a_limit = PauseDeed { reason: Some("a limit".into()), ..deed(60, "queue a", false) };
        let deeds = vec![deed(50, "queue a", true), of_a_limit];
        let runs = PastRuns { runs: vec![], deeds };
        assert_eq!(runs.pause_between("queue a", at(52), at(58)), None, "another pause was ended");
    }
}

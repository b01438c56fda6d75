//! A schedule as a program declares it: when, then which payload.

use super::{CatchUp, NewJob, NewSchedule, Overlap, Payload, Plan, Rule, ScheduleName, Timestamp};
use crate::error::{Code, Error, Result};
use std::time::Duration;

/// A schedule of which the payload is still to be said. A name or a rule that cannot be is told by [`ScheduleDraft::of`].
#[derive(Debug)]
#[must_use = "the payload is still to be said"]
pub struct ScheduleDraft(Result<(ScheduleName, Rule)>);

impl ScheduleDraft {
    /// The schedule whose jobs have this payload and are of the kind that its type stands for.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if the name, the rule or the payload cannot be.
    pub fn of<P: Payload>(self, payload: &P) -> Result<NewSchedule> {
        let (name, rule) = self.0?;
        let payload = NewJob::of(payload)?.payload;
        Ok(NewSchedule { name, plan: Plan { payload, ..Plan::new(rule, P::KIND) } })
    }
}

/// # Example
/// ```
/// use lamplighter::model::Overlap;
/// use lamplighter::prelude::*;
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Report {}
/// impl Payload for Report {
///     const KIND: Kind = Kind::named("report");
///     type Output = ();
/// }
///
/// # fn main() -> lamplighter::Result<()> {
/// let nightly = NewSchedule::cron("nightly", "15 2 * * *", "Europe/Berlin")
///     .of(&Report::default())?
///     .overlap(Overlap::Skip);
/// assert_eq!(nightly.plan.kind, Report::KIND);
/// # Ok(())
/// # }
/// ```
impl NewSchedule {
    /// A schedule at the local times that a crontab expression names, on the clocks of an IANA zone such as
    /// `Europe/Berlin` ([`Rule::cron`]).
    pub fn cron(name: &str, cron: &str, zone: &str) -> ScheduleDraft {
        draft(name, Rule::cron(cron, zone))
    }

    /// A schedule each time this length is over, counted from 1970-01-01T00:00Z: an hour means each full hour, whenever the
    /// program starts. Whole minutes, from one to a week.
    pub fn every(name: &str, length: Duration) -> ScheduleDraft {
        let minutes = length.as_secs() / 60;
        let is_whole = Duration::from_secs(minutes * 60) == length;
        let rule = match u32::try_from(minutes) {
            Ok(minutes) if is_whole => Rule::every(minutes, Timestamp::from_millis(0)),
            _ => Err(not_whole_minutes(length)),
        };
        draft(name, rule)
    }

    /// A schedule of one occurrence, in the years 1970 to 9999.
    pub fn once(name: &str, at: Timestamp) -> ScheduleDraft {
        draft(name, Rule::once(at))
    }

    /// What becomes of missed occurrences. Default: the newest makes a job.
    #[must_use]
    pub fn catch_up(mut self, catch_up: CatchUp) -> Self {
        self.plan.catch_up = catch_up;
        self
    }

    /// What becomes of an occurrence while jobs of this schedule are not final. Default: it makes a job unless one waits.
    #[must_use]
    pub fn overlap(mut self, overlap: Overlap) -> Self {
        self.plan.overlap = overlap;
        self
    }
}

fn not_whole_minutes(length: Duration) -> Error {
    let doing = format!(
        "read the schedule every {length:?}: whole minutes are allowed, 1 to 10,080 (a week)"
    );
    Error::new(Code::ModelInvalid, doing)
}

fn draft(name: &str, rule: Result<Rule>) -> ScheduleDraft {
    ScheduleDraft(ScheduleName::parse(name).and_then(|name| Ok((name, rule?))))
}

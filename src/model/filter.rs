//! The one language in which jobs are asked for: `status:failed kind:send_email error~"421" since:2h .customer_id:1207`.
//!
//! A filter is a list of terms, and a job fits when it fits every one of them. `a,b` in a term means a or b, and `-`
//! before a term means that the job must not fit it. [`words`] lists the words, with what each asks for.
//!
//! [`Filter::parse`] reads the text and `Display` writes it in one canonical form, which is read as the same filter
//! again. A length such as `2h` stays a length: the time is asked for when the filter is used, not when it is read.

mod length;
mod parse;
mod term;
mod words;

pub use parse::FilterError;
pub use term::Mark;
pub(crate) use term::{Compare, Condition, PathStep, Term};
pub use words::words;

#[cfg(feature = "web")]
use super::Timestamp;
use super::{BatchId, JobId, JobOrder, Kind, Queue, ScheduleName, Status, Tag, Trigger};
use crate::error::{Code, Error};
use length::{Length, Moment};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How long after its time a job that still waits is overdue: well beyond what a full queue's next free place takes.
pub const OVERDUE_AFTER: Duration = Duration::from_mins(5);

/// Which jobs are meant. The default one fits every job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    terms: Vec<Term>,
}

/// The instant that a text means at `now`: a length of time ago, a day (its beginning in UTC) or an instant.
#[cfg(feature = "web")]
pub(crate) fn instant_of(text: &str, now: Timestamp) -> Option<Timestamp> {
    Moment::parse(text).map(|moment| moment.at(now))
}

impl Filter {
    /// Reads a filter; an empty text fits every job.
    ///
    /// # Errors
    /// The first place that cannot be read, and why.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let filter = Self { terms: parse::terms(text)? };
        parse::check_length(&filter.to_string())?;
        Ok(filter)
    }

    /// The terms of a query as they were typed, each with its quotes, whether they can be read or not.
    #[cfg(feature = "web")]
    pub(crate) fn typed_terms(query: &str) -> Vec<String> {
        let (mut terms, mut term, mut in_quotes) = (Vec::new(), String::new(), false);
        for c in query.chars() {
            in_quotes ^= c == '"';
            if c.is_whitespace() && !in_quotes {
                terms.push(std::mem::take(&mut term));
            } else {
                term.push(c);
            }
        }
        terms.push(term);
        terms.retain(|term| !term.is_empty());
        terms
    }

    /// The same, and the job is in this status.
    #[must_use]
    pub fn status(self, status: Status) -> Self {
        self.with(Condition::Status(vec![status]))
    }

    /// The same, and the job is of this kind.
    #[must_use]
    pub fn kind(self, kind: Kind) -> Self {
        self.with(Condition::Kind(vec![kind]))
    }

    /// The same, and the job is in this queue.
    #[must_use]
    pub fn queue(self, queue: Queue) -> Self {
        self.with(Condition::Queue(vec![queue]))
    }

    /// The same, and this made the job.
    #[must_use]
    pub fn trigger(self, trigger: Trigger) -> Self {
        self.with(Condition::Trigger(vec![trigger]))
    }

    /// The same, and the job ended, or else started, or else was made, in the last while of this length.
    #[must_use]
    pub fn since(self, length: Duration) -> Self {
        self.with(Condition::Since(Moment::Ago(Length::from(length))))
    }

    /// The same, and the schedule of this name made the job.
    #[must_use]
    pub fn schedule(self, name: ScheduleName) -> Self {
        self.with(Condition::Schedule(vec![name]))
    }

    /// The same, and the job has this tag.
    #[must_use]
    pub fn tag(self, tag: &Tag) -> Self {
        self.with(Condition::Tag(vec![tag.to_string()]))
    }

    /// Only jobs of this batch.
    #[must_use]
    pub fn batch(self, id: BatchId) -> Self {
        self.with(Condition::Batch(vec![id.0]))
    }

    /// Only the jobs that this act on many jobs changed; of a retry those that it made.
    #[must_use]
    pub fn bulk(self, id: JobId) -> Self {
        self.with(Condition::Bulk(vec![id.0]))
    }

    /// The same, and an attempt of the job failed with the error of this fingerprint.
    #[must_use]
    pub fn error_group(self, fingerprint: impl Into<String>) -> Self {
        self.with(Condition::ErrorGroup(vec![fingerprint.into()]))
    }

    /// The same, and the job failed, and nobody has run it again.
    #[must_use]
    pub fn still_failed(self) -> Self {
        self.status(Status::Failed).with(Condition::Is(vec![Mark::StillFailed]))
    }

    /// The same, and somebody has run the job again, or nobody has.
    #[must_use]
    pub fn retried(mut self, is_retried: bool) -> Self {
        let condition = Condition::Is(vec![Mark::Retried]);
        self.terms.push(Term { negated: !is_retried, condition });
        self
    }

    /// The same, and the job is not over.
    #[must_use]
    pub fn open(self) -> Self {
        self.with(Condition::Status(vec![Status::Scheduled, Status::Queued, Status::Running]))
    }

    /// Both: a job fits that fits the one and the other.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.terms.extend(other.terms);
        self
    }

    /// The job that the whole text may name: `184302` searches for the text, but may as well mean the job of this id.
    pub fn named_job(&self) -> Option<JobId> {
        match self.terms.as_slice() {
            [Term { negated: false, condition: Condition::Text(text) }] => {
                let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
                text.parse().ok().filter(|id| is_number && *id > 0).map(JobId)
            }
            [Term { negated: false, condition: Condition::Id(ids) }] => match ids.as_slice() {
                [id] => Some(JobId(*id)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The status that it asks for, if it asks for one alone.
    pub fn asked_status(&self) -> Option<Status> {
        let mut asked = self.terms.iter().filter_map(|term| {
            let Condition::Status(values) = &term.condition else { return None };
            Some((term.negated, values.as_slice()))
        });
        match (asked.next(), asked.next()) {
            (Some((false, [status])), None) => Some(*status),
            _ => None,
        }
    }

    /// The order in which a list shows these jobs. Jobs that are asked for by id, by batch or by bulk action, and those that are queued, go by their ids.
    pub fn order(&self) -> JobOrder {
        let by_id = self.terms.iter().any(|term| {
            let is_by_id = matches!(
                term.condition,
                Condition::Id(_) | Condition::Batch(_) | Condition::Bulk(_)
            );
            !term.negated && is_by_id
        });
        match self.asked_status().filter(|_| !by_id) {
            None | Some(Status::Queued) => JobOrder::Newest,
            Some(Status::Scheduled) => JobOrder::NextStart,
            Some(Status::Running) => JobOrder::LastStart,
            Some(status @ (Status::Completed | Status::Failed | Status::Cancelled)) => {
                JobOrder::LastEnd(status)
            }
        }
    }

    /// The same, whatever the status.
    #[must_use]
    pub fn of_any_status(mut self) -> Self {
        self.terms.retain(|term| !matches!(term.condition, Condition::Status(_)));
        self
    }

    /// The same filter for jobs of which it is known what acts they are of: that never changes.
    #[cfg(feature = "web")]
    pub(crate) fn without_acts(mut self) -> Self {
        self.terms.retain(|term| !matches!(term.condition, Condition::Bulk(_)));
        self
    }

    /// The tags of which a job must have one, if the filter is only for jobs that are not over: those are found by their tags.
    pub(crate) fn open_tags(&self) -> Option<&[String]> {
        let mut is_open = false;
        let mut asked = None;
        for term in self.terms.iter().filter(|term| !term.negated) {
            if let Condition::Status(values) = &term.condition {
                is_open |= !values.iter().any(|status| status.is_final());
            } else if let Condition::Tag(tags) = &term.condition {
                asked = Some(tags.as_slice());
            }
        }
        asked.filter(|_| is_open)
    }

    /// Whether it fits every job.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub(crate) fn terms(&self) -> &[Term] {
        &self.terms
    }

    fn with(mut self, condition: Condition) -> Self {
        self.terms.push(Term { negated: false, condition });
        self
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, term) in self.terms.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            term.fmt(f)?;
        }
        Ok(())
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text)
    }
}

impl From<FilterError> for Error {
    fn from(error: FilterError) -> Self {
        Error::new(Code::FilterInvalid, "read the query").because(error)
    }
}

#[cfg(test)]
mod tests;

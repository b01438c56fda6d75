//! Actions on errors of jobs: the list by range, one of them, its jobs, and muting.

use super::{Answer, Call, Right};
use crate::error::{Code, Error, Result};
use crate::model::{ErrorMute, Filter, JobErrorGroup, Role, Timestamp};
use crate::store::Store;
use crate::wire;
use std::time::Duration;

/// The right to mute errors, and to end that.
pub const MUTE: Right = Right::new(Role::Operator, "mute an error");

/// The most errors of a list.
const MOST: usize = 200;
/// An error is new for this long.
pub const NEW_FOR: Duration = Duration::from_hours(24);
/// The longest mute that ends by itself.
const LONGEST_MUTE: Duration = Duration::from_hours(366 * 24);

/// How far back a list of errors looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Range {
    /// One hour.
    Hour,
    /// 24 hours.
    #[default]
    Day,
    /// Seven days.
    Week,
    /// Thirty days, as long as the hours of errors are kept.
    Month,
}

impl Range {
    /// All of them, the shortest first.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    /// As it stands in an address.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// As people read it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Hour => "1 h",
            Self::Day => "24 h",
            Self::Week => "7 d",
            Self::Month => "30 d",
        }
    }

    /// How long it is.
    pub const fn length(self) -> Duration {
        match self {
            Self::Hour => Duration::from_hours(1),
            Self::Day => Duration::from_hours(24),
            Self::Week => Duration::from_hours(7 * 24),
            Self::Month => Duration::from_hours(30 * 24),
        }
    }

    /// Reads a range; nothing means a day.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for any other text.
    pub fn parse(text: Option<&str>) -> Result<Self> {
        let text = text.map(str::trim).filter(|text| !text.is_empty());
        let Some(text) = text else { return Ok(Self::default()) };
        let known = Self::ALL.into_iter().find(|range| range.as_str() == text);
        known.ok_or_else(|| {
            let why = format!("look back {text:?}: it is one of 1h, 24h, 7d, 30d");
            Error::new(Code::ModelInvalid, why)
        })
    }

    /// From when to when. Errors are counted by whole hours.
    pub fn until(self, now: Timestamp) -> (Timestamp, Timestamp) {
        (now.minus(self.length()), now.plus(Duration::from_millis(1)))
    }
}

/// Mutes an error: it is not listed among those that want a look.
#[derive(Clone, Debug)]
pub struct MuteAsk {
    /// By which it is recognised.
    pub fingerprint: String,
    /// For how long; `None`: until somebody unmutes it.
    pub length: Option<Duration>,
}

/// Whether a person of this role may mute errors.
pub fn may_mute(role: Role) -> bool {
    MUTE.is_of(role)
}

/// The errors with which attempts failed in a range, the most frequent first, 200 at most.
pub async fn list(store: &Store, range: Range, now: Timestamp) -> Result<Vec<JobErrorGroup>> {
    store.job_errors(range.until(now), MOST).await
}

/// The error of this fingerprint, with its hours in a range.
///
/// # Errors
/// `JOB-ERROR-001` if no attempt failed with it, or it was met too long ago to be kept.
pub async fn known(
    store: &Store,
    fingerprint: &str,
    range: Range,
    now: Timestamp,
) -> Result<JobErrorGroup> {
    let found = store.job_error(fingerprint.to_owned(), range.until(now)).await?;
    found.ok_or_else(|| unknown(fingerprint))
}

/// Whether an error was met for the first time a short while ago.
pub fn is_new(error: &JobErrorGroup, now: Timestamp) -> bool {
    error.first_at >= now.minus(NEW_FOR)
}

/// The jobs that failed with an error and that nobody has run again.
pub fn still_failed(error: &JobErrorGroup) -> Filter {
    Filter::default().still_failed().error_group(error.fingerprint.clone())
}

/// All jobs of which an attempt failed with an error.
pub fn met(error: &JobErrorGroup) -> Filter {
    Filter::default().error_group(error.fingerprint.clone())
}

/// The jobs that are not over yet of which an attempt failed with an error.
pub fn open(error: &JobErrorGroup) -> Filter {
    Filter::default().open().and(met(error))
}

/// Mutes an error. It goes on being counted.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator; `JOB-ERROR-001` if there is no such error; `JOB-VALUE-001` for more than a year.
pub async fn mute(store: &Store, call: &Call, ask: MuteAsk) -> Result<Answer<wire::JobErrorMuted>> {
    call.needs(MUTE)?;
    if ask.length.is_some_and(|length| length > LONGEST_MUTE) {
        let why = "mute an error: it ends within a year, or when somebody unmutes it";
        return Err(Error::new(Code::ModelInvalid, why));
    }
    let until = ask.length.map(|length| call.now.plus(length));
    let mute = ErrorMute { until, by: call.actor().name };
    let done = store.mute_job_error(ask.fingerprint.clone(), Some(mute), call.actor(), call.now);
    if !done.await? {
        return Err(unknown(&ask.fingerprint));
    }
    let sentence = match until {
        Some(until) => format!("The error is muted until {}.", call.zone.in_full(until)),
        None => "The error is muted until somebody unmutes it.".to_owned(),
    };
    let value = wire::JobErrorMuted {
        fingerprint: ask.fingerprint,
        muted: true,
        until: until.map(|until| until.to_string()),
    };
    Ok(Answer::new(value, sentence))
}

/// Lists an error again among those that want a look.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator; `JOB-ERROR-001` if there is no such error.
pub async fn unmute(
    store: &Store,
    call: &Call,
    fingerprint: &str,
) -> Result<Answer<wire::JobErrorMuted>> {
    call.needs(MUTE)?;
    let done = store.mute_job_error(fingerprint.to_owned(), None, call.actor(), call.now);
    if !done.await? {
        return Err(unknown(fingerprint));
    }
    let value =
        wire::JobErrorMuted { fingerprint: fingerprint.to_owned(), muted: false, until: None };
    Ok(Answer::new(value, "The error is not muted any more."))
}

fn unknown(fingerprint: &str) -> Error {
    Error::new(Code::JobErrorUnknown, format!("find the error {fingerprint:?}"))
}

//! Reading what people type about a job: its input, its times and its numbers.

use crate::actions::instant::instant;
use crate::error::{Code, Error, Result};
use crate::model::{JobId, Json, MAX_ATTEMPTS, MAX_KEY_BYTES, Timestamp, Zone, sha256_hex};
use chrono::Datelike;
use std::ops::RangeInclusive;
use std::time::Duration;

/// How many jobs one list may show.
pub(super) const ROWS: RangeInclusive<usize> = 1..=1000;
/// How far away the start of a job may be: one that is further away is a slip of the finger.
const LATEST: Duration = Duration::from_hours(10 * 365 * 24);

/// When a job may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStart {
    /// After this length of time.
    After(Duration),
    /// At this instant. If it is past, the job is due at once.
    At(Timestamp),
}

impl JobStart {
    /// The instant that was chosen, or the length from when the job is stored.
    ///
    /// # Errors
    /// As [`JobStart::at`].
    pub(super) fn chosen(
        self,
        now: Timestamp,
        doing: &str,
    ) -> Result<(Option<Timestamp>, Option<Duration>)> {
        let at = self.at(now, doing)?;
        Ok(match self {
            Self::After(length) => (None, Some(length)),
            Self::At(_) => (Some(at), None),
        })
    }

    /// The instant, given that it is `now`.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for an instant that is more than ten years away.
    pub(super) fn at(self, now: Timestamp, doing: &str) -> Result<Timestamp> {
        let at = match self {
            Self::After(length) => now.plus(length),
            Self::At(at) => at,
        };
        if at > now.plus(LATEST) {
            let why = format!("{doing}: its start {at} is more than ten years away");
            return Err(Error::new(Code::ModelInvalid, why));
        }
        Ok(at)
    }
}

/// Reads a payload, which is JSON and is kept as it is written.
///
/// # Errors
/// `JOB-VALUE-001` for a text that is not JSON.
pub fn parse_payload(text: &str) -> Result<Json> {
    Json::parse_as(text, "payload")
}

/// Reads an instant: `2027-01-15T08:00:00Z`, `2027-01-15 08:00` or `2027-01-15`, in UTC unless it names an offset.
///
/// # Errors
/// `JOB-VALUE-001` for any other text.
pub fn parse_instant(text: &str) -> Result<Timestamp> {
    let text = text.trim();
    let tries = [text.to_owned(), format!("{text}:00"), format!("{text}T00:00:00")];
    let read = tries.iter().find_map(|text| Timestamp::from_iso(text));
    let fits = |at: &Timestamp| (1970..=9999).contains(&at.to_utc().year());
    read.filter(fits).ok_or_else(|| {
        let takes = "a time is written 2027-01-15T08:00:00Z, 2027-01-15 08:00 or 2027-01-15, in UTC unless it names an offset";
        Error::new(Code::ModelInvalid, format!("take the time {text:?}: {takes}"))
    })
}

/// When a job may start of which a program says an instant, or a number of seconds; nothing: at once.
///
/// # Errors
/// `JOB-VALUE-001` for both, for a text that is no instant, and for more than ten years.
pub fn parse_start(run_at: Option<&str>, delay_s: Option<u64>) -> Result<Option<JobStart>> {
    match (run_at, delay_s) {
        (None, None) => Ok(None),
        (Some(at), None) => parse_instant(at).map(JobStart::At).map(Some),
        (None, Some(seconds)) if Duration::from_secs(seconds) > LATEST => {
            let why =
                format!("take {seconds} s as the delay of the job: it is longer than ten years");
            Err(Error::new(Code::ModelInvalid, why))
        }
        (None, Some(seconds)) => Ok(Some(JobStart::After(Duration::from_secs(seconds)))),
        (Some(_), Some(_)) => {
            let why = "take the start of the job: name run_at or delay_s, not both";
            Err(Error::new(Code::ModelInvalid, why))
        }
    }
}

/// When a job may start, as a person chooses it: a date and a time of day by the clocks of a zone, or a length from now such
/// as `10m`; nothing: at once.
///
/// # Errors
/// `JOB-VALUE-001` for both, for a text that is neither, and for a time that the clocks of the zone skip.
pub fn parse_start_by(at: &str, after: &str, zone: Zone) -> Result<Option<JobStart>> {
    match (at.trim(), after.trim()) {
        ("", "") => Ok(None),
        ("", after) => {
            let length = crate::actions::length(after, "take the start of the job")?;
            Ok(Some(JobStart::After(length)))
        }
        // A browser without such a field takes an instant with its own offset too.
        (at, "") => instant(at, None)
            .or_else(|_| instant(at, Some(&zone.to_string())))
            .map(|at| Some(JobStart::At(at))),
        _ => {
            let why = "take the start of the job: name a time or a length, not both";
            Err(Error::new(Code::ModelInvalid, why))
        }
    }
}

/// Reads the key under which a program may send its request again, bare or in quotes: as the store keeps it, where it belongs
/// to the owner of the program's token and never meets a key of the command line. `values` are all that the request names.
///
/// # Errors
/// `JOB-VALUE-001` for several keys, and for a text that is no key.
pub fn parse_key(values: &[&[u8]], owner: &str) -> Result<Option<String>> {
    let text = match values {
        [] => return Ok(None),
        [one] => str::from_utf8(one).ok().map(str::trim),
        _ => None,
    };
    let bare = |text| str::strip_prefix(text, '"').and_then(|text| text.strip_suffix('"'));
    let key = text.map(|text| bare(text).unwrap_or(text));
    let fits = |key: &&str| {
        (1..=MAX_KEY_BYTES).contains(&key.len())
            && key.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"')
    };
    let key = key.filter(fits).ok_or_else(|| {
        let takes = format!("it is one text of 1 to {MAX_KEY_BYTES} printable characters of ASCII");
        Error::new(Code::ModelInvalid, format!("take the idempotency key: {takes}"))
    })?;
    Ok(Some(format!("api {}", sha256_hex(&format!("enqueue\n{owner}\n{key}")))))
}

/// How long an attempt of a job may run of which a program says a number of seconds.
///
/// # Errors
/// `JOB-VALUE-001` for more than ten years.
pub fn time_limit(seconds: u64) -> Result<Duration> {
    let limit = Duration::from_secs(seconds);
    if limit <= LATEST {
        return Ok(limit);
    }
    let why = format!("take {seconds} s as the time limit: it is longer than ten years");
    Err(Error::new(Code::ModelInvalid, why))
}

/// Reads a number of attempts.
///
/// # Errors
/// `JOB-VALUE-001` for anything but a number from 1 to 1,000,000.
pub fn parse_attempts(text: &str) -> Result<u32> {
    let read = text.trim().parse().ok().filter(|attempts| (1..=MAX_ATTEMPTS).contains(attempts));
    read.ok_or_else(|| {
        let takes = format!("it is a number from 1 to {MAX_ATTEMPTS}");
        Error::new(Code::ModelInvalid, format!("take {text:?} as the number of attempts: {takes}"))
    })
}

/// Reads ids of jobs with commas between them.
///
/// # Errors
/// `JOB-VALUE-001` for anything but numbers above 0.
pub fn parse_ids(text: &str) -> Result<Vec<JobId>> {
    let id = |part: &str| part.trim().parse().ok().filter(|id| *id > 0).map(JobId);
    text.split(',').map(id).collect::<Option<_>>().ok_or_else(|| {
        let why = format!("take {text:?} as jobs: name their ids, with commas between them");
        Error::new(Code::ModelInvalid, why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_with_or_without_its_clock_and_in_utc() {
        for (text, millis) in [
            ("2027-01-15T08:00:00Z", 1_800_000_000_000),
            (" 2027-01-15 08:00 ", 1_800_000_000_000),
            ("2027-01-15T09:00:00+01:00", 1_800_000_000_000),
            ("2027-01-15", 1_800_000_000_000 - 8 * 3_600_000),
        ] {
            assert_eq!(parse_instant(text).unwrap().millis(), millis, "{text}");
        }
        for bad in ["", "tomorrow", "08:00", "2027-13-01", "0001-01-01"] {
            let refused = parse_instant(bad).unwrap_err();
            assert_eq!(refused.code(), Code::ModelInvalid, "{bad:?}");
            assert!(refused.sentence().contains("2027-01-15 08:00"), "{}", refused.sentence());
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused_with_the_range() {
        assert_eq!(parse_attempts(" 7 ").unwrap(), 7);
        for bad in ["", "0", "-1", "1000001", "many"] {
            assert!(parse_attempts(bad).unwrap_err().sentence().contains("1 to 1000000"), "{bad}");
        }
    }

    #[test]
    fn ids_are_read_with_commas_between_them() {
        assert_eq!(parse_ids(" 7, 8").unwrap(), [JobId(7), JobId(8)]);
        for bad in ["", "7,", "0", "-1", "seven", "7 8"] {
            assert_eq!(parse_ids(bad).unwrap_err().code(), Code::ModelInvalid, "{bad:?}");
        }
    }

    #[test]
    fn a_start_is_read_by_the_clocks_of_a_zone_and_a_time_that_they_skip_is_refused() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let read = |at, after| parse_start_by(at, after, berlin);
        let winter = JobStart::At(Timestamp::from_millis(1_800_000_000_000));
        assert_eq!(read("2027-01-15T09:00", "").unwrap(), Some(winter));
        let length = JobStart::After(Duration::from_mins(10));
        assert_eq!(read("2027-01-15T08:00:00Z", "").unwrap(), Some(winter));
        assert_eq!(read(" ", " 10m ").unwrap(), Some(length));
        assert_eq!(read("", "").unwrap(), None);
        for (at, after, why) in [
            ("2027-03-28T02:30", "", "the clocks of Europe/Berlin skip it"),
            ("2027-01-15T09:00", "10m", "not both"),
            ("tomorrow", "", "an instant is written"),
            ("", "soon", "take the start of the job"),
        ] {
            let refused = read(at, after).unwrap_err();
            assert_eq!(refused.code(), Code::ModelInvalid);
            assert!(refused.sentence().contains(why), "{}", refused.sentence());
        }
    }

    #[test]
    fn a_start_beyond_ten_years_is_refused() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let late = JobStart::At(now.plus(LATEST + Duration::from_secs(1)));
        assert_eq!(JobStart::After(LATEST).at(now, "x").unwrap(), now.plus(LATEST));
        assert!(late.at(now, "queue a job").unwrap_err().sentence().contains("ten years"));
    }
}

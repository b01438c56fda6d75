//! Reading an instant as people type it.

use crate::error::{Code, Error, Result};
use crate::model::{Rule, Timestamp};
use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::Tz;

/// Reads an instant with its offset from UTC, or a date and a time of day in a zone.
///
/// # Errors
/// `JOB-VALUE-001` for any other text, and for a time that the clocks of the zone skip.
pub(super) fn instant(text: &str, zone: Option<&str>) -> Result<Timestamp> {
    let refused = |why: &str| {
        Err(Error::new(Code::ModelInvalid, format!("take the instant {text:?}: {why}")))
    };
    let zoned = DateTime::parse_from_rfc3339(text);
    match (zoned, local(text), zone) {
        (Ok(at), _, None) => Ok(Timestamp::from_millis(at.timestamp_millis())),
        (Ok(_), _, Some(_)) => refused("it has its own offset from UTC; leave out the zone"),
        (Err(_), Some(local), Some(zone)) => {
            // `Rule::cron` knows every zone and how it is written.
            let named = match Rule::cron("* * * * *", zone.trim())? {
                Rule::Cron { zone, .. } => zone,
                Rule::Every { .. } | Rule::Once(_) => Tz::UTC,
            };
            match named.from_local_datetime(&local) {
                LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => {
                    Ok(Timestamp::from_millis(at.timestamp_millis()))
                }
                LocalResult::None => {
                    refused(&format!("the clocks of {named} skip it; name another time"))
                }
            }
        }
        (Err(_), Some(_), None) => refused(
            "it names no zone; give one, such as Europe/Berlin, or the offset: 2027-01-15T08:00:00+01:00",
        ),
        (Err(_), None, _) if NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() => refused(
            "it has no time of day; write 2027-01-15T08:00:00+01:00, or 2027-01-15 08:00 with a zone",
        ),
        (Err(_), None, _) => refused(
            "an instant is written 2027-01-15T08:00:00+01:00, or 2027-01-15 08:00 with a zone",
        ),
    }
}

fn local(text: &str) -> Option<NaiveDateTime> {
    ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
}

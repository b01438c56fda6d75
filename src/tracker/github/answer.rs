//! The meaning of GitHub's answers: the next page, what they hold, and why they say no.

use crate::model::{Failure, Reason, Timestamp};
use crate::redact::redactor;
use chrono::DateTime;
use serde::de::DeserializeOwned;
use std::time::Duration;
use ureq::http::{HeaderMap, StatusCode};

/// How long a limit lasts that does not say it; what GitHub's documentation asks for.
const UNTOLD_LIMIT: Duration = Duration::from_mins(1);
/// Shortest limit: one that is over already must not make us run in circles.
const SHORTEST_LIMIT: Duration = Duration::from_secs(1);
/// Longest limit that is believed; GitHub's last an hour.
const LONGEST_LIMIT: Duration = Duration::from_hours(24);

/// An answer with what was asked for.
pub(super) struct Answer {
    /// The address of the next page.
    pub(super) next: Option<String>,
    /// What GitHub calls it.
    pub(super) etag: Option<String>,
    /// Whether it is the answer that the request named, and so is not given again.
    pub(super) is_unchanged: bool,
    pub(super) body: String,
    pub(super) is_write: bool,
}

impl Answer {
    /// What it holds. What cannot be read was not said by GitHub, and nobody knows what was done.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.body).map_err(|error| Failure {
            reason: Reason::Garbled,
            outcome_unknown: self.is_write,
            said: said(&format!("{error}: {}", self.body)),
        })
    }
}

/// The address behind `rel="next"` in a `Link` header.
pub(super) fn next_page(link: &str) -> Option<String> {
    link.split(',').find_map(|part| {
        let (address, rest) = part.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = rest.split(';').any(|word| word.trim() == "rel=\"next\"");
        is_next.then(|| address.to_owned())
    })
}

/// Why an answer is not what was asked for.
pub(super) fn failure(
    status: StatusCode,
    headers: &HeaderMap,
    body: &str,
    is_write: bool,
    now: Timestamp,
) -> Failure {
    let reason = match status.as_u16() {
        401 => Reason::Unauthorised,
        403 | 429 => match limited_until(status, headers, body, now) {
            Some(until) => Reason::RateLimited(until),
            None => Reason::Forbidden,
        },
        404 => Reason::NotFound,
        410 => Reason::Gone,
        300..400 => Reason::Moved,
        400..500 => Reason::Invalid,
        500..600 => Reason::Server,
        _ => Reason::Garbled,
    };
    let outcome_unknown = is_write && matches!(reason, Reason::Server | Reason::Garbled);
    Failure { reason, outcome_unknown, said: said(&format!("{}: {body}", status.as_u16())) }
}

/// Until when a refusal limits us, if it is about that at all.
fn limited_until(
    status: StatusCode,
    headers: &HeaderMap,
    body: &str,
    now: Timestamp,
) -> Option<Timestamp> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |name| text(name).and_then(|value| value.parse::<u64>().ok());
    let wait = match (number("retry-after"), number("x-ratelimit-reset")) {
        (Some(seconds), _) => Duration::from_secs(seconds),
        // By the tracker's own clock, which may not be ours.
        (None, Some(reset)) if text("x-ratelimit-remaining") == Some("0") => {
            let theirs = text("date").and_then(|date| DateTime::parse_from_rfc2822(date).ok());
            let theirs = theirs.map_or(now.millis() / 1000, |date| date.timestamp());
            Duration::from_secs(reset.saturating_sub(u64::try_from(theirs).unwrap_or(0)))
        }
        (None, _) if status == StatusCode::TOO_MANY_REQUESTS => UNTOLD_LIMIT,
        (None, _) if body.to_ascii_lowercase().contains("rate limit") => UNTOLD_LIMIT,
        (None, _) => return None,
    };
    Some(now.plus(wait.clamp(SHORTEST_LIMIT, LONGEST_LIMIT)))
}

/// What was said, fit to be stored and shown.
pub(super) fn said(text: &str) -> String {
    /// Longest text kept of an answer, in characters: its message is in there.
    const MAX_SAID: usize = 500;
    redactor().text(text).chars().take(MAX_SAID).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T08:00:00Z.
    const NOW: Timestamp = Timestamp::from_millis(1_795_248_000_000);

    fn refused(status: u16, headers: &[(&'static str, &str)], body: &str) -> Failure {
        let headers = headers.iter().map(|(name, value)| {
            (ureq::http::HeaderName::from_static(name), value.parse().unwrap())
        });
        let status = StatusCode::from_u16(status).unwrap();
        failure(status, &headers.collect(), body, true, NOW)
    }

    #[test]
    fn every_refusal_has_its_reason_and_says_whether_the_write_surely_did_not_happen() {
        for (status, reason, unknown) in [
            (301, Reason::Moved, false),
            (307, Reason::Moved, false),
            (400, Reason::Invalid, false),
            (401, Reason::Unauthorised, false),
            (403, Reason::Forbidden, false),
            (404, Reason::NotFound, false),
            (410, Reason::Gone, false),
            (422, Reason::Invalid, false),
            (500, Reason::Server, true),
            (502, Reason::Server, true),
            (503, Reason::Server, true),
        ] {
            let failure = refused(status, &[], "no");
            assert_eq!((failure.reason, failure.outcome_unknown), (reason, unknown), "{status}");
            assert_eq!(failure.said, format!("{status}: no"));
        }
    }

    #[test]
    fn a_limit_ends_when_the_answer_says_by_the_trackers_clock() {
        let until = |failure: Failure| {
            let Reason::RateLimited(until) = failure.reason else {
                panic!("no limit: {failure}");
            };
            until.since(NOW).as_secs()
        };
        let reset = "1795248600"; // ten minutes later
        let primary = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset)];
        assert_eq!(until(refused(403, &primary, "")), 600);
        assert_eq!(until(refused(429, &primary, "")), 600);
        let theirs = [primary[0], primary[1], ("date", "Sat, 21 Nov 2026 08:09:00 GMT")];
        assert_eq!(until(refused(403, &theirs, "")), 60);
        assert_eq!(until(refused(403, &[("retry-after", "90")], "")), 90);
        assert_eq!(until(refused(403, &[("retry-after", "0")], "")), 1);
        assert_eq!(until(refused(403, &[("retry-after", "999999999")], "")), 86_400);
        assert_eq!(until(refused(429, &[], "")), 60);
        assert_eq!(until(refused(403, &[], "You have exceeded a secondary rate limit")), 60);
        let left = [("x-ratelimit-remaining", "12"), ("x-ratelimit-reset", reset)];
        assert_eq!(refused(403, &left, "Resource not accessible").reason, Reason::Forbidden);
    }

    #[test]
    fn what_is_kept_of_an_answer_is_short_and_has_no_secret() {
        let body = format!("password=hunter2hunter2 {}", "x".repeat(10_000));
        let said = refused(422, &[], &body).said;
        assert_eq!(said.chars().count(), 500);
        assert!(!said.contains("hunter2"), "{said}");
    }

    #[test]
    fn the_next_page_is_found_among_the_links() {
        let link = r#"<https://a/x?page=1>; rel="prev", <https://a/x?page=3>; rel="next", <https://a/x?page=9>; rel="last""#;
        assert_eq!(next_page(link).unwrap(), "https://a/x?page=3");
        assert_eq!(next_page(r#"<https://a/x?page=1>; rel="prev""#), None);
        assert_eq!(next_page("nonsense"), None);
    }
}

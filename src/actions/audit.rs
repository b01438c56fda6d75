//! Reading the audit log: which rows a person asks for.

use crate::error::{Code, Error, Result};
use crate::model::{DeedFilter, Timestamp, instant_of};

/// A request for rows of the audit log, as people type it. A field that is `None` or empty sets no condition.
#[derive(Clone, Debug, Default)]
pub struct DeedsAsk {
    /// Only what this person did, by themselves or by a token of theirs.
    pub who: Option<String>,
    /// Only verbs with this text in them.
    pub what: Option<String>,
    /// Only things with this text in their names.
    pub subject: Option<String>,
    /// Only what was done then or later: a length of time, a day or an instant.
    pub since: Option<String>,
    /// Only what was done before.
    pub until: Option<String>,
    /// The cursor: only rows with an id below this one.
    pub before: Option<i64>,
    /// At most this many rows.
    pub limit: usize,
}

/// Reads the request as a filter.
///
/// # Errors
/// `JOB-VALUE-001` for a time that is none and for a cursor that is not above 0.
pub fn filter(ask: DeedsAsk, now: Timestamp) -> Result<DeedFilter> {
    let refused =
        |why: String| Error::new(Code::ModelInvalid, format!("read the audit log: {why}"));
    let given = |text: Option<String>| {
        text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let time = |text: Option<String>| {
        let read = |text: String| {
            let takes = "a time is 2h or 3d ago, 2026-11-21, or 2026-11-21T08:00:00Z";
            instant_of(&text, now).ok_or_else(|| refused(format!("{text:?} is no time; {takes}")))
        };
        given(text).map(read).transpose()
    };
    if ask.before.is_some_and(|before| before < 1) {
        return Err(refused("the id that the rows end before is not above 0".to_owned()));
    }
    Ok(DeedFilter {
        by: given(ask.who),
        action: given(ask.what),
        subject: given(ask.subject),
        since: time(ask.since)?,
        until: time(ask.until)?,
        before: ask.before,
        limit: ask.limit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_type_them_and_what_is_none_is_refused() {
        let now = Timestamp::from_iso("2026-11-29T08:00:00Z").unwrap();
        let ask = |since: &str, before| DeedsAsk {
            who: Some(" ada ".into()),
            what: Some(String::new()),
            since: Some(since.into()),
            before,
            ..DeedsAsk::default()
        };
        let read = filter(ask("2h", Some(7)), now).unwrap();
        assert_eq!((read.by.as_deref(), read.action, read.before), (Some("ada"), None, Some(7)));
        assert_eq!(read.since, Timestamp::from_iso("2026-11-29T06:00:00Z"));
        let read = filter(ask("2026-11-21", None), now).unwrap();
        assert_eq!(read.since, Timestamp::from_iso("2026-11-21T00:00:00Z"));
        let said = filter(ask("soon", None), now).unwrap_err().sentence();
        assert!(said.starts_with("Could not read the audit log: \"soon\" is no time"), "{said}");
        assert_eq!(filter(ask("", Some(0)), now).unwrap_err().code(), Code::ModelInvalid);
    }
}

//! Reading lengths of time as people type them: `90s`, `10m`, `2h 30m`, `1day`.

use crate::error::{Code, Error, Result};
use std::time::Duration;

/// The longest length that an action takes: ten years. A longer one is a slip of the finger, and a very long one, added
/// to an instant, would leave the calendar.
const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

/// Reads a length of time. `doing` says what the person wants, as "pause the queue agent".
///
/// # Errors
/// `JOB-VALUE-001` for a text that is not a length of time, for zero and for more than ten years.
pub fn length(text: &str, doing: &str) -> Result<Duration> {
    let refused = |why: &str| {
        let takes = "a length of time is written 90s, 10m, 2h 30m or 1day";
        Err(Error::new(Code::ModelInvalid, format!("{doing} for {text:?}: {why}; {takes}")))
    };
    match humantime::parse_duration(text.trim()) {
        Err(why) => refused(&why.to_string()),
        Ok(length) if length.is_zero() => refused("it is no time at all"),
        Ok(length) if length > LONGEST => refused("it is longer than ten years"),
        Ok(length) => Ok(length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_people_type_them_and_refused_out_of_range() {
        assert_eq!(length(" 2h 30m ", "wait").unwrap(), Duration::from_mins(150));
        for bad in ["", "0s", "300000years", "10000000000day", "soon", "-1m", "5"] {
            let refused = length(bad, "pause the queue agent").unwrap_err();
            let said = refused.sentence();
            assert_eq!(refused.code(), Code::ModelInvalid, "{bad:?}");
            assert!(
                said.starts_with("Could not pause the queue agent for ") && said.contains("2h 30m"),
                "{said}"
            );
        }
    }
}

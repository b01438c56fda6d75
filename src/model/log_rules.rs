//! What an operator says of a log whose lines leave it open: the zone of its times, and where its events begin.

use super::time_zone;
use crate::error::{Code, Error, Result};
use chrono_tz::Tz;
use regex::{Regex, RegexBuilder};

/// Longest expression, in bytes.
const MAX_EXPRESSION: usize = 1_000;
/// Bytes that a compiled expression may take, and so bounds the time that a line takes.
const MAX_COMPILED: usize = 1024 * 1024;
/// How deep the groups of an expression may be nested.
const MAX_NESTED: u32 = 50;
/// Bytes of a line in which its beginning is looked for.
const MAX_LOOKED: usize = 4 * 1024;

/// How the lines of a log are read where an operator says so. It beats what a reader would guess or learn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRules {
    zone: Option<Tz>,
    begins: Option<Begins>,
}

impl LogRules {
    /// `zone` is the zone of times that name none, as the IANA calls it; without it they are of UTC. `begins` is a regular
    /// expression: a line that fits it begins an event, and every other line goes on with the event before it; without it
    /// the reader judges by what the lines are.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for a zone that there is not, and for an expression that is none, is empty or is too large.
    pub fn new(zone: Option<&str>, begins: Option<&str>) -> Result<Self> {
        let zone = zone.map(time_zone).transpose()?;
        let begins = begins.map(Begins::new).transpose()?;
        Ok(Self { zone, begins })
    }

    /// The zone of times that name none; `None`: UTC.
    pub fn zone(&self) -> Option<&'static str> {
        self.zone.map(Tz::name)
    }

    /// The expression that the first line of an event fits; `None`: the reader judges.
    pub fn begins(&self) -> Option<&str> {
        self.begins.as_ref().map(|begins| begins.0.as_str())
    }

    pub(crate) fn tz(&self) -> Option<Tz> {
        self.zone
    }

    /// Whether a line begins an event; `None` where nothing is said of it.
    pub(crate) fn begin(&self, line: &str) -> Option<bool> {
        self.begins.as_ref().map(|begins| begins.fits(line))
    }
}

/// What the first line of an event looks like. The engine of these expressions takes time that grows with a line's length alone.
#[derive(Clone, Debug)]
struct Begins(Regex);

impl PartialEq for Begins {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Begins {}

impl Begins {
    fn new(text: &str) -> Result<Self> {
        let refused = |why: &str| {
            let shown = &text[..text.floor_char_boundary(100)];
            let doing = format!("read {shown:?} as a regular expression: {why}");
            Error::new(Code::ModelInvalid, doing)
        };
        if text.is_empty() {
            return Err(refused("it is empty; ^ has each line begin an event"));
        }
        if text.len() > MAX_EXPRESSION {
            return Err(refused(&format!("it has more than {MAX_EXPRESSION} bytes")));
        }
        let built = RegexBuilder::new(text)
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_COMPILED)
            .nest_limit(MAX_NESTED)
            .build();
        built.map(Self).map_err(|error| refused(&why(&error)))
    }

    fn fits(&self, line: &str) -> bool {
        self.0.is_match(&line[..line.floor_char_boundary(MAX_LOOKED)])
    }
}

/// What is wrong with an expression, in one line.
fn why(error: &regex::Error) -> String {
    if let regex::Error::CompiledTooBig(_) = error {
        return "it is too large; repeat less often, or name fewer characters".to_owned();
    }
    // The parser draws the expression first, and then says what is wrong.
    let said = error.to_string();
    let last = said.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(expression: &str, line: &str) -> bool {
        LogRules::new(None, Some(expression)).unwrap().begin(line).unwrap()
    }

    #[test]
    fn a_line_that_fits_the_expression_begins_an_event() {
        assert!(begin(r"^\d{4}-\d\d-\d\d ", "2026-11-29 12:00:00 up"));
        assert!(!begin(r"^\d{4}-\d\d-\d\d ", "at 2026-11-29 12:00:00"));
        assert!(begin("^$", "") && begin("(?i)^begin", "BEGIN x") && !begin("^$", "x"));
        assert_eq!(LogRules::default().begin("x"), None);
    }

    #[test]
    fn only_the_beginning_of_a_long_line_is_looked_at_and_no_character_is_cut() {
        let long = "ä".repeat(MAX_LOOKED);
        assert!(begin("^ä+$", &long) && !begin("x", &format!("{long}x")));
    }

    #[test]
    fn what_is_no_zone_and_no_expression_is_refused_with_the_reason() {
        for (zone, begins, why) in [
            (Some("Istanbul"), None, "it is a part of several"),
            (Some(""), None, "as in Europe/Berlin"),
            (None, Some(""), "^ has each line begin an event"),
            (None, Some("[a"), r#"read "[a" as a regular expression: unclosed character class"#),
            (None, Some("(?=a)b"), "look-around"),
            (None, Some(r"(a)\1"), "backreferences are not supported"),
            (None, Some(r"\w{1000}"), "it is too large"),
            (None, Some("((a{99}){99}){99}"), "it is too large"),
            (None, Some(&"a".repeat(1_001)), "more than 1000 bytes"),
            (None, Some(&("(".repeat(60) + "a" + &")".repeat(60))), "nest"),
        ] {
            let refused = LogRules::new(zone, begins).unwrap_err();
            assert_eq!(refused.code(), Code::ModelInvalid);
            assert!(refused.text().contains(why), "{}", refused.text());
            assert_eq!(refused.text().lines().count(), 1, "{}", refused.text());
        }
    }

    #[test]
    fn rules_are_told_as_they_were_written() {
        let rules = LogRules::new(Some("America/New_York"), Some(r"^\[")).unwrap();
        assert_eq!((rules.zone(), rules.begins()), (Some("America/New_York"), Some(r"^\[")));
        assert_eq!(rules, rules.clone());
        assert_ne!(rules, LogRules::new(Some("America/New_York"), Some("^")).unwrap());
    }

    #[test]
    fn an_expression_that_costs_others_more_and_more_costs_what_the_line_is_long() {
        let begins = Begins::new("^(a+)+(a|a?)*$").unwrap();
        crate::growth::grows_with_its_length("begins", "a", |text| {
            assert!(!begins.0.is_match(&format!("{text}b")));
        });
    }
}

//! What a rule would mean, before anything is stored.

use super::NEXT;
use super::plan::RuleText;
use crate::error::{Code, Error, Result};
use crate::model::{Rule, Timestamp};
use std::time::Duration;

/// A rule that nobody has stored, with what it would do.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The rule.
    pub rule: Rule,
    /// Its next occurrences, at most [`NEXT`], from the instant on at which it was asked for.
    pub next: Vec<Timestamp>,
    /// What changes of the clock do to them in the next year, a sentence each.
    pub warnings: Vec<String>,
}

/// Reads a rule and says what it would do, without a schedule.
///
/// # Errors
/// `JOB-VALUE-001` for a rule that cannot be read; `SCHED-RULE-002` for one that is over.
pub fn preview(rule: RuleText, now: Timestamp) -> Result<Preview> {
    let rule = rule.read(None, now)?;
    // An occurrence at this very instant counts, as it does for a schedule that is stored now.
    let before = now.minus(Duration::from_millis(1));
    let next: Vec<_> = rule.occurrences_after(before).take(NEXT).collect();
    if next.is_empty() {
        let why = "say when a schedule is due: its rule has no occurrence to come";
        return Err(Error::new(Code::ScheduleOver, why));
    }
    let warnings = rule.clock_warnings(now);
    Ok(Preview { rule, next, warnings })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::schedules::RuleChoice;

    /// 2027-01-15T08:00:00Z.
    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn a_preview_has_the_next_five_and_what_the_clocks_do() {
        let choice = RuleChoice { zone: "America/New_York".into(), ..RuleChoice::default() };
        let seen = preview(RuleText::Chosen(choice), NOW).unwrap();
        assert_eq!(seen.rule.in_words(), "at 02:30 every day (America/New_York)");
        assert_eq!(seen.next.len(), NEXT);
        assert_eq!(seen.rule.local(seen.next[0]), "Sat 2027-01-16 02:30:00 EST");
        assert!(seen.warnings[0].starts_with("on 2027-03-14 02:30 does not exist"));
        let every = RuleText::Every { every: "15m".into(), zone: None };
        assert_eq!(preview(every, NOW).unwrap().next[0], NOW, "the first is due at once");
    }

    #[test]
    fn a_rule_that_is_over_or_cannot_be_read_has_none() {
        let over = RuleText::Line("2020-01-01T00:00:00Z".into());
        assert_eq!(preview(over, NOW).unwrap_err().code(), Code::ScheduleOver);
        let unread = RuleText::Line("often".into());
        assert_eq!(preview(unread, NOW).unwrap_err().code(), Code::ModelInvalid);
    }
}

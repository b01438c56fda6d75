//! The hold on deleting: a clock that has jumped must not be what retention goes by.

use std::time::Duration;

/// Rows of more than this at once are no usual look, but a downtime, another retention, or a clock that has jumped.
pub(crate) const FLOOD: Duration = Duration::from_hours(24);
/// How long such a look waits.
const WAIT: Duration = Duration::from_hours(1);

/// Lets the removal of more than a day of rows wait for an hour, in which a wrong clock can be put right.
#[derive(Debug, Default)]
pub(crate) struct Hold(Option<Duration>);

impl Hold {
    /// Whether a look must not delete. `is_flood` says that more than a day would go at once; `uptime` is a length that no jump
    /// of the date changes.
    pub(crate) fn holds(&mut self, is_flood: bool, uptime: Duration) -> bool {
        if !is_flood {
            self.0 = None;
            return false;
        }
        uptime.saturating_sub(*self.0.get_or_insert(uptime)) < WAIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_clock_that_jumps_would_delete_waits_for_an_hour_in_which_it_may_be_put_right() {
        let (mut hold, minute) = (Hold::default(), Duration::from_mins(1));
        assert!(!hold.holds(false, minute), "the usual look");
        assert!(hold.holds(true, minute * 2), "the clock jumps");
        assert!(hold.holds(true, minute * 61));
        assert!(!hold.holds(false, minute * 61), "it is right again");
        assert!(hold.holds(true, minute * 100), "it jumps anew: a new hour");
        assert!(hold.holds(true, minute * 159));
        assert!(!hold.holds(true, minute * 160), "it is the date");
        assert!(!hold.holds(true, minute * 161), "slice after slice");
    }
}

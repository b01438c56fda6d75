//! What a run of an agent has cost.

use std::fmt;

/// Dollars, exactly or at least.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Dollars.
    pub usd: f64,
    /// Whether it may have been more: the agent program could not tell all of it.
    pub is_at_least: bool,
}

/// By how much a floor, which is reckoned by prices that were measured here, may be above what a program tells: a share, and
/// dollars.
const SLACK: f64 = 0.05;
const MIN_SLACK: f64 = 0.001;

/// How many times as high as what passed the wall a program's own word may be, and so many dollars more: there are surcharges
/// that the answers do not tell, and an answer that is cut off is paid whole.
const PLAUSIBLE: f64 = 2.0;
const MIN_PLAUSIBLE: f64 = 0.05;

impl Cost {
    /// As the program told it.
    pub const fn exactly(usd: f64) -> Self {
        Self { usd, is_at_least: false }
    }

    /// As far as is known.
    pub const fn at_least(usd: f64) -> Self {
        Self { usd, is_at_least: true }
    }

    /// The cost of a run whose answers, as they passed the network wall, have cost at least `floor` dollars. The floor counts
    /// where the program told less: because it was killed, or because something else asked the model in its name.
    pub fn with_floor(told: Option<Self>, floor: f64) -> Option<Self> {
        match told {
            Some(told) if floor <= told.usd * (1.0 + SLACK) + MIN_SLACK => Some(told),
            None if floor == 0.0 => None,
            Some(_) | None => Some(Self::at_least(floor)),
        }
    }

    /// The cost of a run whose answers, as they passed the network wall, have cost `counted` dollars; `None` where none of them
    /// told its tokens. What the program told counts as far as it can be true: whatever runs beside it may speak in its name.
    /// Answers the cost, and what was told if that cannot be true.
    pub fn believed(told: Self, counted: Option<f64>) -> (Self, Option<Self>) {
        match counted {
            Some(counted) if told.usd > counted * PLAUSIBLE + MIN_PLAUSIBLE => {
                (Self::at_least(counted), Some(told))
            }
            Some(_) | None => (told, None),
        }
    }

    /// The cost of several runs.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let is_at_least = self.is_at_least || other.is_at_least;
        Self { usd: self.usd + other.usd, is_at_least }
    }
}

impl fmt::Display for Cost {
    /// In dollars, as people read them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = if self.is_at_least { "at least " } else { "" };
        write!(f, "{words}{}", usd(self.usd))
    }
}

/// Dollars as people read them: small amounts to a hundredth of a cent.
pub(crate) fn usd(dollars: f64) -> String {
    if dollars > 0.0 && dollars < 0.095 {
        format!("${dollars:.4}")
    } else {
        format!("${dollars:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passed_the_wall_counts_where_the_program_told_less() {
        let exactly = |usd| Some(Cost::exactly(usd));
        let at_least = |usd| Some(Cost::at_least(usd));
        assert_eq!(Cost::with_floor(exactly(1.0), 1.04), exactly(1.0), "prices are measured");
        assert_eq!(Cost::with_floor(exactly(1.0), 0.0), exactly(1.0));
        assert_eq!(Cost::with_floor(exactly(1.0), 1.2), at_least(1.2));
        assert_eq!(Cost::with_floor(at_least(0.1), 0.3), at_least(0.3));
        assert_eq!(Cost::with_floor(at_least(0.4), 0.3), at_least(0.4));
        assert_eq!(Cost::with_floor(None, 0.3), at_least(0.3));
        assert_eq!(Cost::with_floor(None, 0.0), None);
    }

    #[test]
    fn a_program_is_believed_up_to_twice_what_passed_the_wall() {
        let told = Cost::exactly(1.0);
        for counted in [None, Some(1.0), Some(0.5), Some(2.0)] {
            assert_eq!(Cost::believed(told, counted), (told, None), "{counted:?}");
        }
        assert_eq!(Cost::believed(told, Some(0.4)), (Cost::at_least(0.4), Some(told)));
        assert_eq!(Cost::believed(Cost::exactly(0.04), Some(0.0)), (Cost::exactly(0.04), None));
    }
}

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
}

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

impl Cost {
    /// As the program told it.
    pub const fn exactly(usd: f64) -> Self {
        Self { usd, is_at_least: false }
    }

    /// As far as is known.
    pub const fn at_least(usd: f64) -> Self {
        Self { usd, is_at_least: true }
    }

    /// The cost of several runs.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let is_at_least = self.is_at_least || other.is_at_least;
        Self { usd: self.usd + other.usd, is_at_least }
    }
}

impl fmt::Display for Cost {
    /// In dollars, with as many decimals as the precision says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = if self.is_at_least { "at least " } else { "" };
        let decimals = f.precision().unwrap_or(2);
        write!(f, "{words}${:.decimals$}", self.usd)
    }
}

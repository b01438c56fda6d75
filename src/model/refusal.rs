//! What the network wall of a run has refused.

use serde::{Deserialize, Serialize};

/// Requests of one kind that a run's network wall has refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What was asked for, such as `CONNECT example.org:443`, and why it was refused.
    pub what: String,
    /// How often.
    pub times: u64,
}

impl Refusal {
    /// It in a few words.
    pub fn words(&self) -> String {
        match self.times {
            1 => self.what.clone(),
            times => format!("{} ({times} times)", self.what),
        }
    }

    /// All of them in a line; `None` if there is none.
    pub fn line(all: &[Self]) -> Option<String> {
        let words: Vec<_> = all.iter().map(Self::words).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_in_a_line_each_with_how_often() {
        let one = |what: &str, times| Refusal { what: what.to_owned(), times };
        assert_eq!(Refusal::line(&[]), None);
        let all = [one("CONNECT a.example:443: no", 1), one("GET http://b.example/: no", 3)];
        let line = "CONNECT a.example:443: no; GET http://b.example/: no (3 times)";
        assert_eq!(Refusal::line(&all).unwrap(), line);
    }
}

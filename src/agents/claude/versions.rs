//! What differs between versions of the program, in one table.
//!
//! # Source
//! Measured with the versions named, against a scripted API, each time with `--resume` alone and with `--fork-session`.
//! `--max-budget-usd` is of the run itself in all of them: it never counts what the runs before it have cost.

use std::fmt;

/// A version of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub(super) u32, pub(super) u32, pub(super) u32);

/// The first version with `--safe-mode`: no hooks, no `CLAUDE.md`, and all tools. Before it `--bare` was the nearest.
const SAFE_MODE: Version = Version(2, 1, 169);
/// The first version whose `total_cost_usd` of a run that resumes or forks a session counts the session from its
/// beginning. Measured: of the run alone in 2.1.128, 150, 170, 200, 240, 250, 260, 270 and 273; of the whole session in
/// 2.1.280, 329 and 332. The program's change notes name 2.1.277.
const COST_OF_SESSION: Version = Version(2, 1, 277);

/// The first version that knows `--system-prompt-snapshot`. Measured: 2.1.257 and 265 take it and send each run its own
/// system prompt; 2.1.329 sends a run that resumes or forks a session the system prompt of the run before, unless it is `off`.
const KEEPS_SYSTEM_PROMPT: Version = Version(2, 1, 257);

impl Version {
    /// The oldest one that is accepted: the flags and events relied on are all in it.
    pub const OLDEST: Self = Self(2, 1, 128);

    /// Reads what `--version` prints, `2.1.329 (Claude Code)`, or what the program says when it is ready.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split_whitespace().next()?.splitn(3, '.');
        let mut number = || {
            let text = numbers.next()?;
            let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            text[..end].parse().ok()
        };
        Some(Self(number()?, number()?, number()?))
    }

    /// Whether it has `--safe-mode`.
    pub fn has_safe_mode(self) -> bool {
        self >= SAFE_MODE
    }

    /// Whether a run that goes on with a session is sent the session's first system prompt unless that is switched off.
    pub fn keeps_system_prompt(self) -> bool {
        self >= KEEPS_SYSTEM_PROMPT
    }

    /// Whether the cost that a resumed or forked run reports counts what the runs before it have cost.
    pub fn counts_earlier_cost(self) -> bool {
        self >= COST_OF_SESSION
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared_by_number() {
        let read = |text| Version::parse(text).map(|version| version.to_string());
        assert_eq!(read("2.1.329 (Claude Code)\n").as_deref(), Some("2.1.329"));
        assert_eq!(read("2.1.9-beta.1").as_deref(), Some("2.1.9"));
        for text in ["", "claude", "2.1", "v2.1.3"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert!(Version::parse("2.1.99") < Some(Version::OLDEST));
    }

    #[test]
    fn each_fact_holds_from_its_version_on() {
        let counts = |patch| Version(2, 1, patch).counts_earlier_cost();
        let measured = [128, 150, 170, 200, 240, 250, 260, 270, 273];
        assert!(!measured.into_iter().any(counts) && [277, 280, 329, 332].into_iter().all(counts));
        assert!(!Version(2, 1, 168).has_safe_mode() && Version(2, 2, 0).has_safe_mode());
    }
}

//! The policies of a schedule: catch-up for missed occurrences, overlap for one that meets its predecessor.

use crate::error::{Code, Error, Result};
use std::fmt;

/// Most missed occurrences that one look makes jobs of: more would be a flood after a long downtime.
pub const MAX_CAUGHT_UP: u32 = 100;

/// What becomes of occurrences that were missed. Written `once`, `skip`, `all:N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CatchUp {
    /// The newest makes a job, the others are merged into it.
    #[default]
    Once,
    /// No missed occurrence makes a job.
    Skip,
    /// The newest make a job each, the older are merged. Meant for `queue_all`: with `queue_one` all of these jobs
    /// but the first find one waiting.
    All {
        /// How many, 1 to 100.
        max: u32,
    },
}

/// What becomes of an occurrence while jobs of the same schedule are not final. Written `queue_one`, `queue_all`,
/// `skip`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// It makes a job unless one waits already; one that runs does not hold it up.
    #[default]
    QueueOne,
    /// It makes a job.
    QueueAll,
    /// It is skipped if one waits or runs.
    Skip,
}

impl CatchUp {
    /// Reads `once`, `skip` or `all:N`.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for any other word, or a number that is not 1 to 100.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = |why: &str| {
            Err(Error::new(Code::ModelInvalid, format!("read the catch-up {text:?}: {why}")))
        };
        match text {
            "once" => Ok(Self::Once),
            "skip" => Ok(Self::Skip),
            _ => match text.strip_prefix("all:").map(str::parse) {
                Some(Ok(max)) if (1..=MAX_CAUGHT_UP).contains(&max) => Ok(Self::All { max }),
                Some(_) => refused("all:N catches up 1 to 100"),
                None => refused("it is once, skip or all:N"),
            },
        }
    }
}

impl fmt::Display for CatchUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Once => f.write_str("once"),
            Self::Skip => f.write_str("skip"),
            Self::All { max } => write!(f, "all:{max}"),
        }
    }
}

impl Overlap {
    /// Reads `queue_one`, `queue_all` or `skip`.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for any other word.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "queue_one" => Ok(Self::QueueOne),
            "queue_all" => Ok(Self::QueueAll),
            "skip" => Ok(Self::Skip),
            _ => Err(Error::new(
                Code::ModelInvalid,
                format!("read the overlap {text:?}: it is queue_one, queue_all or skip"),
            )),
        }
    }

    /// The word it is written as.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueOne => "queue_one",
            Self::QueueAll => "queue_all",
            Self::Skip => "skip",
        }
    }
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read_as_they_are_written() {
        for text in ["once", "skip", "all:1", "all:100"] {
            assert_eq!(CatchUp::parse(text).unwrap().to_string(), text);
        }
        for text in ["queue_one", "queue_all", "skip"] {
            assert_eq!(Overlap::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_words_and_numbers_are_refused() {
        for bad in ["", "Once", "all", "all:", "all:0", "all:101", "all:-1", "all:99999999999"] {
            assert_eq!(CatchUp::parse(bad).unwrap_err().code(), Code::ModelInvalid, "{bad:?}");
        }
        for bad in ["", "queue", "Skip"] {
            assert_eq!(Overlap::parse(bad).unwrap_err().code(), Code::ModelInvalid, "{bad:?}");
        }
    }
}

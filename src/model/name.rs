//! Names that are parsed once at the edge and trusted from there on.

use super::limits::{MAX_KEY_BYTES, MAX_TAG_BYTES};
use crate::error::{Code, Error, Result};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Longest kind and queue name, in bytes: room for a qualified word, short enough for a table column.
const MAX_NAME: usize = 64;

/// The name that pauses a queue when a handler meets a limit.
pub(crate) const ENGINE: &str = "engine";
/// Names under which the server itself acts in the audit log. No account can have one of them.
const NOBODYS: [&str; 6] = ["cli", ENGINE, "program", "setup", "settings", "tracker"];

/// A text that costs nothing to copy: names go along with every step that a job takes.
#[derive(Clone)]
enum Text {
    Fixed(&'static str),
    Shared(Arc<str>),
}

impl Text {
    fn as_str(&self) -> &str {
        match self {
            Self::Fixed(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident, $rule:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Text);

        impl $name {
            /// Parses the text.
            ///
            /// # Errors
            /// `JOB-VALUE-001` if it does not fit the rule of the type.
            pub fn parse(text: impl AsRef<str>) -> Result<Self> {
                let text = text.as_ref();
                match $rule(text) {
                    Ok(()) => Ok(Self(Text::Shared(text.into()))),
                    Err(why) => Err(Error::new(
                        Code::ModelInvalid,
                        format!(concat!("read the ", $what, " {:?}: {}"), text, why),
                    )),
                }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

text_newtype!(
    /// Which handler runs a job: `snake_case`, at most 64 bytes.
    Kind, snake_case, "kind"
);
text_newtype!(
    /// A named lane with its own limit: `snake_case`, at most 64 bytes.
    Queue, snake_case, "queue name"
);
text_newtype!(
    /// The name of a schedule, which never changes: `snake_case`, at most 64 bytes.
    ScheduleName, snake_case, "schedule's name"
);
text_newtype!(
    /// The name with which a person signs in, and which the audit log names: at most 64 bytes.
    Username, username, "user name"
);
text_newtype!(
    /// At most one non-final job of a kind holds it; 1 to 200 bytes.
    UniqueKey, key, "unique key"
);
text_newtype!(
    /// At most N running jobs hold it, the others wait; 1 to 200 bytes.
    ConcurrencyKey, key, "concurrency key"
);
text_newtype!(
    /// A process that claims jobs; a new one at every start; 1 to 200 bytes.
    WorkerId, key, "worker id"
);

text_newtype!(
    /// A word by which jobs are found, whatever their kind: 1 to 64 bytes.
    Tag, tag, "tag"
);

impl Kind {
    /// Scans of the log database; the schema knows this kind by name and lets one of it run at a time.
    pub const SELF_MONITORING: Self = Self(Text::Fixed("self_monitoring"));
    /// Describes a repository.
    pub const GOLDEN_REPO: Self = Self(Text::Fixed("golden_repo"));
    /// Takes accepted findings to the tracker.
    pub const FILE_FINDINGS: Self = Self(Text::Fixed("file_findings"));
    /// A run of an agent program with somebody's prompt.
    pub const AGENT_SESSION: Self = Self(Text::Fixed("agent_session"));

    /// Does one thing to many jobs.
    pub const BULK_ACTION: Self = Self(Text::Fixed("bulk_action"));

    /// The kind of this name, for a constant: `const KIND: Kind = Kind::named("send_invoice")`. A name that
    /// [`Kind::parse`] would refuse is an error of `cargo build` there. A name that is known at run time only is parsed.
    ///
    /// # Panics
    /// For such a name, if this does not run while compiling.
    pub const fn named(name: &'static str) -> Self {
        assert_constant(name);
        Self(Text::Fixed(name))
    }

    /// How many jobs of a kind may wait that people trigger by hand: nobody wants a thousand.
    /// `None`: as many as there are.
    pub fn most_waiting(&self) -> Option<i64> {
        [Self::SELF_MONITORING, Self::AGENT_SESSION].contains(self).then_some(1000)
    }
}

impl Queue {
    /// Where jobs go whose kind names no other queue.
    pub const DEFAULT: Self = Self(Text::Fixed("default"));
    /// Scans and agent runs: one at a time unless the operator raises it.
    pub const AGENT: Self = Self(Text::Fixed("agent"));
    /// What is told the issue tracker: one at a time.
    pub const TRACKER: Self = Self(Text::Fixed("tracker"));
    /// What does one thing to many jobs: one at a time.
    pub const BULK: Self = Self(Text::Fixed("bulk"));

    /// The queue of this name, for a constant, as [`Kind::named`].
    ///
    /// # Panics
    /// For a name that [`Queue::parse`] would refuse, if this does not run while compiling.
    pub const fn named(name: &'static str) -> Self {
        assert_constant(name);
        Self(Text::Fixed(name))
    }
}

impl ScheduleName {
    /// The self-monitoring cadence: reserved, its settings edit it.
    pub const SELF_MONITORING: Self = Self(Text::Fixed("self_monitoring"));
}

impl ConcurrencyKey {
    /// The key of every scan.
    pub const SELF_MONITORING: Self = Self(Text::Fixed("self_monitoring"));
}

/// Panics for a name that [`snake_case`] refuses.
const fn assert_constant(name: &str) {
    let bytes = name.as_bytes();
    assert!(!bytes.is_empty() && bytes.len() <= MAX_NAME, "a name has 1 to 64 characters");
    let mut at = 0;
    while at < bytes.len() {
        assert!(is_snake(bytes[at]), "in a name only a-z, 0-9 and _ are allowed");
        at += 1;
    }
}

const fn is_snake(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
}

fn snake_case(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > MAX_NAME {
        Err("it must have 1 to 64 characters")
    } else if !text.bytes().all(is_snake) {
        Err("only a-z, 0-9 and _ are allowed")
    } else {
        Ok(())
    }
}

fn username(text: &str) -> Result<(), &'static str> {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    if text.is_empty() || text.len() > MAX_NAME {
        Err("it must have 1 to 64 characters")
    } else if !text.bytes().all(|b| letter(b) || b"._-@".contains(&b)) {
        Err("only a-z, 0-9, ., _, - and @ are allowed")
    } else if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Err("it must begin with a letter or a digit")
    } else if NOBODYS.contains(&text) {
        Err("the audit log means somebody else by this name")
    } else {
        Ok(())
    }
}

fn key(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > MAX_KEY_BYTES {
        Err("it must have 1 to 200 bytes")
    } else {
        Ok(())
    }
}

fn tag(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > MAX_TAG_BYTES {
        Err("it must have 1 to 64 bytes")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_snake_case_of_at_most_64_bytes() {
        assert_eq!(Kind::parse("send_mail2").unwrap().as_str(), "send_mail2");
        for bad in ["", "Send", "send mail", "send-mail", "é", &"x".repeat(65)] {
            assert_eq!(Kind::parse(bad).unwrap_err().code(), Code::ModelInvalid, "{bad:?}");
        }
    }

    #[test]
    fn a_named_kind_takes_the_names_that_a_parsed_one_takes() {
        const KIND: Kind = Kind::named("send_mail2");
        assert_eq!(KIND, Kind::parse("send_mail2").unwrap());
        for bad in ["", "Send", "send mail", "send-mail", "é"] {
            assert!(std::panic::catch_unwind(|| Kind::named(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_user_name_is_a_plain_word_and_none_of_the_servers_own() {
        for good in ["ada", "ada.l", "ada@example.org", "0day", "a_b-c"] {
            assert_eq!(Username::parse(good).unwrap().as_str(), good);
        }
        let long = "x".repeat(65);
        for bad in
            ["", "Ada", "a b", "-a", ".a", "é", "a/b", "cli", "engine", "program", "setup", &long]
        {
            assert_eq!(Username::parse(bad).unwrap_err().code(), Code::ModelInvalid, "{bad:?}");
        }
    }
}

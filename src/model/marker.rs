//! The mark by which a filing is found again on the tracker.

use std::fmt;

/// The mark by which a filing is found: 128 random bits that nobody knows before the tracker shows them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Marker(String);

impl Marker {
    /// The beginning of the line of every marker. It is removed from texts of strangers.
    pub const BEGIN: &str = "<!-- lamplighter:";

    /// A marker of these bits, which must be random.
    pub fn new(random: u128) -> Self {
        Self(format!("{random:032x}"))
    }

    /// The marker that was stored; `None` if this is not 32 hex digits.
    pub fn from_hex(hex: &str) -> Option<Self> {
        let fits = hex.len() == 32 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(hex.to_owned()))
    }

    /// The 32 hex digits that are stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a body has this marker on a line of its own.
    pub fn is_in(&self, body: &str) -> bool {
        let line = self.to_string();
        body.lines().any(|l| l.trim_end() == line)
    }

    /// A body without the marker's line and without white space at its end.
    pub fn cut_from(&self, body: &str) -> String {
        let line = self.to_string();
        let kept = body.lines().filter(|other| other.trim_end() != line);
        kept.collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }
}

/// The line of the body that nobody sees: an HTML comment.
impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} -->", Self::BEGIN, self.0)
    }
}

//! The mark by which a filing is found again on the tracker.

use super::Fingerprint;
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
        body.lines().any(|line| IssueMark::of_line(line).is_some_and(|mark| mark.marker == *self))
    }

    /// A body without the line of the marker and without white space at its end.
    pub fn cut_from(&self, body: &str) -> String {
        let is_own = |line: &str| IssueMark::of_line(line).is_some_and(|mark| mark.marker == *self);
        let kept = body.lines().filter(|line| !is_own(line));
        kept.collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }
}

/// The line of the body that nobody sees: an HTML comment.
impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} -->", Self::BEGIN, self.0)
    }
}

/// The last line of an issue that we file: its marker, and the fingerprints by which its problem is recognised, also by a
/// server that has never heard of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueMark {
    /// What the issue is found by.
    pub marker: Marker,
    /// What its problem is recognised by.
    pub fingerprints: Vec<Fingerprint>,
}

impl IssueMark {
    /// Between the marker and the fingerprints.
    const OF: &str = " problem:";

    /// The mark in a body. Ours comes last.
    pub fn in_body(body: &str) -> Option<Self> {
        body.lines().rev().find_map(Self::of_line)
    }

    /// The mark that is this whole line.
    pub fn of_line(line: &str) -> Option<Self> {
        let inner = line.trim_end().strip_prefix(Marker::BEGIN)?.strip_suffix(" -->")?;
        let (marker, prints) = inner.split_once(Self::OF).unwrap_or((inner, ""));
        let prints = prints.split(',').filter(|hex| !hex.is_empty());
        let is_hex = |hex: &str| {
            hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let fingerprints = prints.map(|hex| is_hex(hex).then(|| Fingerprint::from_hex(hex)));
        Some(Self {
            marker: Marker::from_hex(marker)?,
            fingerprints: fingerprints.collect::<Option<_>>()?,
        })
    }
}

impl fmt::Display for IssueMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.fingerprints.is_empty() {
            return self.marker.fmt(f);
        }
        let prints: Vec<_> = self.fingerprints.iter().map(Fingerprint::as_str).collect();
        write!(f, "{}{}{}{} -->", Marker::BEGIN, self.marker.0, Self::OF, prints.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back_from_the_last_line_that_is_one() {
        let prints = ["a", "b"].map(|letter| Fingerprint::from_hex(letter.repeat(64)));
        for fingerprints in [vec![], prints.to_vec()] {
            let mark = IssueMark { marker: Marker::new(7), fingerprints };
            let body = format!("x\n{}\n\n{mark}\r\n", Marker::new(6));
            assert_eq!(IssueMark::in_body(&body).as_ref(), Some(&mark));
            assert!(mark.marker.is_in(&body) && Marker::new(6).is_in(&body), "{body}");
        }
        let begin = format!("{}{}", Marker::BEGIN, Marker::new(7).as_str());
        for none in
            ["", "text", &begin, &format!("{begin} problem:x -->"), &format!("see {begin} -->")]
        {
            assert_eq!(IssueMark::in_body(none), None, "{none}");
        }
    }
}

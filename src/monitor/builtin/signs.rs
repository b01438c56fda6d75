//! The signs by which a row shows whose problem it is, each with the class it speaks for and how loudly.
//!
//! They are common words of operations, of the Web and of organisations, never those of one program. The weights are learned
//! (`learning`); the words are chosen by hand.

mod client;
mod docs;
mod server;

use crate::model::Classification;

/// Words that speak for one class.
pub(super) struct Sign {
    /// What the words are about.
    pub(super) name: &'static str,
    pub(super) speaks_for: Classification,
    /// How loudly, in tenths of a natural logarithm: at 7 the class is twice as likely with the sign as without.
    pub(super) weight: i32,
    /// Divided by commas: a word, or several in a row. A star at the end of a word stands for any ending, and `mark:` and
    /// `source:` begin what `reading` and `rules` add to the words of a message.
    words: &'static str,
}

impl Sign {
    /// Its words, each as the words it has in a row.
    pub(super) fn phrases(&self) -> impl Iterator<Item = Vec<&'static str>> {
        self.words.split(", ").map(|phrase| phrase.split(' ').collect())
    }

    /// Whether its weight follows from problems. That of proof is given, and so is that of levels, since most levels of the
    /// problems are made up and programs differ in them.
    #[cfg(test)]
    pub(super) fn is_learned(&self) -> bool {
        self.weight != CERTAIN && !self.name.starts_with("level ")
    }

    /// Whether it is in what a message says, rather than in how grave it is or where it comes from.
    pub(super) fn is_said(&self) -> bool {
        !self.name.starts_with("level ") && !self.name.starts_with("source ")
    }
}

/// The weight of what decides whatever else is there.
pub(super) const CERTAIN: i32 = 99;

/// What speaks for a class before a row has said anything: most problems that are logged are the server's.
pub(super) const BEFORE: [(Classification, i32); 3] = [
    (Classification::ServerBug, 10),
    (Classification::ClientMisuse, -3),
    (Classification::DocumentationGap, -7),
];

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Sign> {
    [server::SIGNS, client::SIGNS, docs::SIGNS].into_iter().flatten()
}

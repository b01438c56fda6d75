//! The words of the language: what each asks for, and what a mistyped one was meant to be.

/// Each word with its operators, and what it asks for.
const WORDS: [(&str, &str, &str); 21] = [
    (
        "status",
        ":",
        "where the job is in its life: scheduled, queued, running, completed, failed, cancelled",
    ),
    ("kind", ":", "which handler runs it"),
    ("queue", ":", "the queue it waits or ran in"),
    ("trigger", ":", "what made it: manual, scheduled, api, retry, parent"),
    ("schedule", ":", "the schedule that made it"),
    ("key", ":", "its unique key or its concurrency key"),
    ("tag", ":", "one of its tags"),
    ("batch", ":", "the id of its batch"),
    (
        "bulk",
        ":",
        "the job of kind bulk_action that changed it, or made it to run another job again",
    ),
    ("id", ":", "its id; #184302 is short for it"),
    ("error", ":~", "error:CODE has this code; error~text says this"),
    ("error_group", ":", "an attempt of it failed with the error of this fingerprint"),
    (
        "payload",
        ".",
        "payload.customer.id:7 is the value of a field; .customer.id:7 is short for it",
    ),
    (
        "since",
        ":",
        "it ended, or else started, or else was made since: 2h, 2026-11-21, 2026-11-21T08:00:00Z",
    ),
    ("before", ":", "the same, before"),
    ("until", ":", "another word for before"),
    ("attempt", ":><", "attempts that have begun"),
    ("took", "><", "how long its last attempt took, or has taken: took>90s"),
    ("waited", "><", "how long it waited after its time, or has waited: waited>5m"),
    (
        "is",
        ":",
        "overdue (it still waits, five minutes after its time), warning (it completed with an error code), retried (somebody has run it again) or still_failed (it failed, and nobody has run it again)",
    ),
    ("text", "", "every other word, and what is in quotes: text in the error or in the payload"),
];
/// Words whose data no job has yet.
const LATER: [(&str, &str); 2] = [
    ("by", "jobs do not keep who made them yet; the audit log does"),
    (
        "after",
        "a job and its page name the jobs that it runs after; before: and since: ask for times",
    ),
];

/// The words of the language with their operators, and what each asks for.
pub fn words() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    WORDS.into_iter()
}

/// The operators of a word; `None` if there is no such word.
pub(crate) fn operators(word: &str) -> Option<&'static str> {
    named().find(|(name, _)| *name == word).map(|(_, operators)| operators)
}

/// Why there is no such word.
pub(crate) fn refusal(word: &str, operator: char) -> String {
    if let Some((_, why)) = LATER.iter().find(|(name, _)| *name == word) {
        return format!("{word}{operator} cannot be asked for: {why}");
    }
    let known: Vec<_> = named().map(|(name, _)| name).collect();
    let meant = match nearest(word, known.iter().copied()) {
        Some(meant) => format!("; did you mean {meant}?"),
        None => "; put text that has one in quotes.".to_owned(),
    };
    format!("there is no word {word}{operator}{meant} The words are {}", known.join(", "))
}

fn named() -> impl Iterator<Item = (&'static str, &'static str)> {
    WORDS
        .into_iter()
        .filter(|word| !word.1.is_empty())
        .map(|(name, operators, _)| (name, operators))
}

/// The one of `known` that is most like the word: at most a third of its letters differ.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<_> = word.chars().flat_map(char::to_lowercase).collect();
    let far = (word.len().max(3) / 3).min(3);
    let near = known.into_iter().map(|known| (distance(&word, known), known));
    near.filter(|(distance, _)| *distance <= far)
        .min_by_key(|(distance, _)| *distance)
        .map(|near| near.1)
}

/// How many letters must be put in, taken out, changed or swapped with the next one to make the other word of this one.
fn distance(word: &[char], other: &str) -> usize {
    let other: Vec<_> = other.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in word.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let changed = last[j] + usize::from(a != b);
            let mut fewest = changed.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && word[i - 1] == *b {
                fewest = fewest.min(before_last[j - 1] + 1);
            }
            row.push(fewest);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

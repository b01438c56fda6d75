//! The finding that a group becomes: its title, its body, and what it is known by.

use super::group::{Group, MAX_SHAPES, Shape};
use super::grouped::MAX_KNOWN_AS;
use super::tally::{MAX_NAMED, Tally};
use super::{MAX_GROUPS, OVERFLOW};
use crate::model::{Classification, Finding};
use crate::monitor::fence::fenced;
use crate::monitor::miner::values_of;
use crate::monitor::template::{MARKS, MASK, codes, places};
use crate::monitor::triage::{MAX_TITLE, shortened};
use std::fmt::Write as _;
use std::ops::Range;

/// Longest value that a title spells out, in characters.
const MAX_VALUE: usize = 32;
/// Longest first part that a title may lose, in characters.
const MAX_HEAD: usize = 24;
/// Words that say how grave a row is.
const LEVELS: &[&str] = &[
    "error",
    "err",
    "warning",
    "warn",
    "critical",
    "crit",
    "fatal",
    "severe",
    "alert",
    "emerg",
    "emergency",
    "notice",
    "info",
];
/// Longest text from a log row inside a sentence, in characters.
const MAX_SPAN: usize = 120;

/// The finding that a group becomes.
pub(super) fn finding(group: &Group) -> Finding {
    let verdict = group.verdict();
    let (said, whole) = (&group.shapes[0], group.whole());
    let origins = said.known.iter().map(|known| known.origin.clone());
    let mut names: Vec<String> = origins.chain([said.text.clone()]).collect();
    let template = names.remove(0);
    let ways = said.tally.ways.iter().map(|(way, _)| way);
    names.extend(ways.filter(|way| tells(way)).cloned());
    names.retain(|name| *name != template);
    names.truncate(MAX_KNOWN_AS);
    Finding {
        classification: verdict.classification,
        title: title(said),
        body: body(group, &whole, &verdict.cause),
        error_codes: said.tally.code.iter().cloned().collect(),
        source: said.tally.source.clone(),
        template,
        known_as: names,
        occurrences: whole.count,
        evidence: whole.evidence,
        last_seen: whole.last_seen,
        // The words come from the log, and their fingerprint says more than the name of a file.
        source_files: Vec::new(),
        duplicate_of: None,
        templates: group.templates(),
    }
}

/// Whether a mask says enough to know a problem by: `<*> failed` is said of anything.
fn tells(way: &str) -> bool {
    let says = |word: &&str| {
        !word.contains(MASK) && word.chars().filter(|c| c.is_alphabetic()).count() > 1
    };
    way.split(' ').filter(says).count() >= 2
}

/// The finding that stands for the rows without a group; it claims no code and no rule.
pub(super) fn rest(rows: &Tally) -> Finding {
    let cause = "One fault may speak in many ways, or the messages hold values that were not recognised as such.";
    let tally = Tally { code: None, source: "several sources".to_owned(), ..rows.clone() };
    let (text, known) = (OVERFLOW.to_owned(), Vec::new());
    let group = Group { shapes: vec![Shape { tally, text, grown: false, known, met: None }] };
    Finding {
        classification: Classification::ServerBug,
        title: format!("Over {MAX_GROUPS} different problems at once; the rest is only counted"),
        body: body(&group, rows, cause),
        error_codes: Vec::new(),
        known_as: Vec::new(),
        ..finding(&group)
    }
}

/// A real example of the most frequent rows: no code and no level in front, what differs from row to row between marks, at
/// most 80 characters.
fn title(said: &Shape) -> String {
    let tally = &said.tally;
    let varying = if said.grown || tally.count > tally.alike {
        values_of(&said.text, &tally.masked)
    } else {
        Vec::new()
    };
    tidied(&example(tally, &varying))
}

/// The example with its values, and marks around those that differ and around the words that do (`varying`).
fn example(tally: &Tally, varying: &[Range<usize>]) -> String {
    let masked = &tally.masked;
    let (mut out, mut at, mut value) = (String::new(), 0, tally.values.iter());
    // A message that holds the mask itself has more masks than values, and then nobody knows which is which.
    let told = masked.matches(MASK).count() == tally.values.len();
    while at < masked.len() {
        let here = varying.iter().find(|range| range.contains(&at));
        let end = here.map_or_else(|| next(masked, at, varying), |range| range.end);
        let mut text = String::new();
        // Words in the place of a value differ, and a value if it does.
        let mut differs = false;
        for (n, part) in masked[at..end].split(MASK).enumerate() {
            let known = if n > 0 { value.next() } else { None };
            if n > 0 && !told {
                text += MASK;
            } else if let Some((known, same)) = known {
                // Around a whole range stands one pair of marks.
                let own = here.is_none() && !same;
                text += &if own { marked(known) } else { clean(known) };
                differs |= here.is_some() && !same;
            }
            differs |= here.is_some() && part.contains(char::is_alphanumeric);
            text += part;
        }
        out += &if here.is_some() && differs { marked(&text) } else { text };
        at = end;
    }
    out
}

/// Where the next range begins, or the text ends.
fn next(text: &str, at: usize, ranges: &[Range<usize>]) -> usize {
    ranges.iter().map(|range| range.start).filter(|start| *start > at).min().unwrap_or(text.len())
}

fn marked(value: &str) -> String {
    let value = clean(value);
    let value = if value.chars().count() > MAX_VALUE {
        value.chars().take(MAX_VALUE - 1).chain(['…']).collect()
    } else {
        value
    };
    if value.trim().is_empty() { value } else { format!("{}{value}{}", MARKS.0, MARKS.1) }
}

/// A value as it may stand in a title.
fn clean(value: &str) -> String {
    let fits = |c: &char| !c.is_control() && ![MARKS.0, MARKS.1].contains(c);
    value.chars().filter(fits).collect()
}

/// A text without what its program put before it: a level, a place in a source file.
fn without_level(text: &str) -> &str {
    let blank = |c: char| c.is_whitespace() || matches!(c, ':' | '-' | ',' | ';' | '=' | '|');
    let mut text = text.trim_start_matches(blank);
    loop {
        let word = text.split(|c: char| !(c.is_ascii_alphabetic() || "[(<".contains(c))).next();
        let word = word.unwrap_or_default();
        let rest = &text[word.len()..];
        let bare = word.trim_start_matches(['[', '(', '<']);
        let is_level = LEVELS.iter().any(|level| level.eq_ignore_ascii_case(bare));
        // `ERROR x`, `[error] x` and `error: x`, but neither `error in x` nor `fatal error`.
        let said = bare.bytes().all(|b| b.is_ascii_uppercase())
            || (bare.len() < word.len() && rest.starts_with([']', ')', '>']))
            || rest.starts_with(':');
        let is_prefix = is_level && said && rest.contains(char::is_alphabetic);
        if !is_prefix {
            return text;
        }
        // `E/Radio: x` names a level and a source; behind a blank a slash begins a path.
        let rest = rest.trim_start_matches([']', ')', '>']);
        text = rest.strip_prefix('/').unwrap_or(rest).trim_start_matches(blank);
    }
}

fn without_code(template: &str) -> &str {
    let mut text = template;
    while let Some(code) = codes(text).next() {
        let Some((before, after)) = text.split_once(code) else {
            break;
        };
        if before.contains(char::is_alphanumeric) {
            break;
        }
        text = after.trim_start_matches(|c: char| {
            !c.is_alphanumeric() && !matches!(c, '<' | '(' | '/' | '‹')
        });
    }
    text
}

/// A text without the codes and levels that it begins with: `ERROR [SHOP-PAY-014] order lost`.
fn without_front(mut text: &str) -> &str {
    loop {
        let rest = without_level(without_code(text));
        if rest.len() == text.len() {
            return text;
        }
        text = rest;
    }
}

/// Removes empty words at both ends, and cuts between two words.
fn tidied(text: &str) -> String {
    let blank = |c: char| c.is_whitespace() || matches!(c, ':' | '-' | ',' | ';' | '=' | '|');
    let text = without_place(without_front(text));
    let text = text.trim_start_matches(blank).trim_end_matches(blank);
    if !text.contains(char::is_alphabetic) {
        return "A message without words".to_owned();
    }
    shortened(without_head(text), MAX_TITLE)
}

/// A text that is too long without a first part that only says which: `Ticket ‹41498›: how to …`.
fn without_head(text: &str) -> &str {
    if text.chars().count() <= MAX_TITLE {
        return text;
    }
    match text.split_once(": ") {
        Some((head, rest)) if head.ends_with(MARKS.1) && head.chars().count() <= MAX_HEAD => rest,
        Some(_) | None => text,
    }
}

/// A text without the place in a source file that it begins with: `‹src/a.py:3›: it broke`.
fn without_place(text: &str) -> &str {
    let rest = text.strip_prefix(MARKS.0).and_then(|rest| rest.split_once(MARKS.1));
    match rest {
        Some((place, rest)) if rest.starts_with([':', ']', ')', '|']) && is_place(place) => {
            let rest = rest[1..].trim_start();
            if rest.contains(char::is_alphabetic) { rest } else { text }
        }
        Some(_) | None => text,
    }
}

/// Whether a value is a path, a place in a file or a time, rather than a name.
fn is_place(value: &str) -> bool {
    !value.contains(' ')
        && (value.contains(['/', '\\', ':']) || value.starts_with(|c: char| c.is_ascii_digit()))
}

/// What happened, how often, where, with what evidence, and which rule spoke; Markdown.
fn body(group: &Group, whole: &Tally, cause: &str) -> String {
    let said = &group.shapes[0].tally;
    let (first, latest) = (whole.evidence[0], whole.evidence[whole.evidence.len() - 1]);
    let (since, until) = (span(&whole.first_seen), span(&whole.last_seen));
    let seen = match whole.count {
        1 => format!("once: row {first} at {until}"),
        n => format!("{n} times: rows {first} to {latest}, from {since} to {until}"),
    };
    let (source, worst) = (span(&said.source), whole.worst);
    let mut text = format!("## Summary\n\n{source} logged this, at worst as {worst}, {seen}.\n");
    let mut named = |label: &str, names: &[String]| {
        if !names.is_empty() {
            let names: Vec<String> = names.iter().map(|name| span(name)).collect();
            writeln!(text, "\n{label}: {}", names.join(", ")).expect("a String takes every write");
        }
    };
    named("Request paths", &whole.paths);
    named("Source files", &source_files(&said.sample));
    write!(text, "\n## Evidence\n\n{}", fenced(&said.sample)).expect("a String takes every write");
    if group.shapes.len() > 1 {
        text += "\nThe same code also came as:\n\n";
        for other in group.shapes[1..].iter().take(MAX_SHAPES - 1) {
            let (source, template) = (span(&other.tally.source), span(&other.text));
            writeln!(text, "- {source}: {template}, {} times", other.tally.count)
                .expect("a String takes every write");
        }
    }
    let ids: Vec<String> = whole.evidence.iter().map(ToString::to_string).collect();
    let of = if whole.count > ids.len() as u64 { " (the first and the latest)" } else { "" };
    write!(text, "\nLog rows{of}: {}\n\n## Likely cause\n\n{cause}\n", ids.join(", "))
        .expect("a String takes every write");
    text
}

/// The first few places in source files that a text names, as `src/cart.rs:42`.
fn source_files(sample: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (file, line) in sample.lines().flat_map(places) {
        let place = format!("{file}:{line}");
        if found.len() < MAX_NAMED && !found.contains(&place) {
            found.push(place);
        }
    }
    found
}

/// Text from a log as inline code, where nothing in it has a meaning.
fn span(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() || c == '`' { ' ' } else { c })
        .take(MAX_SPAN)
        .collect();
    if clean.trim().is_empty() { "(no name)".to_owned() } else { format!("`{}`", clean.trim()) }
}

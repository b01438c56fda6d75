//! The report of a group: the title and the body of its finding.

use super::{Group, MAX_NAMED, Shape};
use crate::monitor::fence::fenced;
use crate::monitor::template::{MASK, codes, places};
use std::fmt::Write as _;

/// Longest title, in characters; what an issue list shows without wrapping.
pub(super) const MAX_TITLE: usize = 80;
/// Longest value that a title spells out, in characters.
const MAX_VALUE: usize = 32;
/// A name within so many first characters of a title is worth more than the last words, which are then cut.
const MAX_HEAD: usize = 56;
/// With this many rows, a number that never changes is no accident: the title spells it out.
const TELLING_ROWS: u64 = 3;
/// Longest text from a log row inside a sentence, in characters.
const MAX_SPAN: usize = 120;
/// Stands for what differs, or was cut off.
const GAP: &str = "…";

/// The template as a person reads it: no code in front, values that are the same in every row spelled out as far as
/// there is room, `…` for the others, at most 80 characters.
pub(super) fn title(said: &Shape) -> String {
    let template = without_code(&said.template);
    let skipped = said.template.matches(MASK).count() - template.matches(MASK).count();
    let parts: Vec<&str> = template.split(MASK).collect();
    let mut room = MAX_TITLE as isize - length(template) as isize
        + (parts.len() as isize - 1) * (MASK.len() as isize - 1);
    let mut text = parts[0].to_owned();
    for (n, part) in parts.iter().enumerate().skip(1) {
        let value = value(said, skipped + n - 1).filter(|value| {
            let more = length(value) as isize - 1;
            let fits =
                more <= room || (is_name(value) && length(&text) + length(value) <= MAX_HEAD);
            room -= if fits { more } else { 0 };
            fits
        });
        text += value.as_deref().unwrap_or(GAP);
        text += part;
    }
    tidied(&text)
}

/// The value behind the n-th mask, where it is worth a title.
fn value(said: &Shape, n: usize) -> Option<String> {
    // A message that holds the mask itself has more masks than values, and then nobody knows which is which.
    if said.template.matches(MASK).count() > said.values.len() {
        return None;
    }
    let value = said.values.get(n)?.as_deref()?;
    let telling = said.count >= TELLING_ROWS || is_name(value);
    let clean: String = value.chars().filter(|c| !c.is_control()).collect();
    (telling && length(&clean) <= MAX_VALUE && !clean.trim().is_empty()).then_some(clean)
}

/// Whether a value is words rather than a number or an id.
fn is_name(value: &str) -> bool {
    value.contains(char::is_alphabetic) && !value.contains(|c: char| c.is_ascii_digit())
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
        text = after
            .trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '<' | '(' | '/'));
    }
    text
}

/// Removes empty words at both ends, and cuts between two words.
fn tidied(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let blank = |c: char| c.is_whitespace() || matches!(c, ':' | '-' | ',' | ';' | '=' | '|');
    let mut text = text.trim_start_matches(blank).trim_end_matches(blank);
    // `…: it broke`, where a place or a time comes before what is said.
    while let Some(rest) =
        text.strip_prefix(GAP).and_then(|rest| rest.strip_prefix([':', ']', ')', '|']))
    {
        text = rest.trim_start_matches(blank);
    }
    if !text.contains(char::is_alphabetic) {
        return "A message without words".to_owned();
    }
    if length(text) <= MAX_TITLE {
        return text.to_owned();
    }
    if let Some((before, _)) = text.split_once(" (").filter(|(before, _)| {
        text.ends_with(')') && (MAX_TITLE / 3..=MAX_TITLE).contains(&length(before))
    }) {
        return before.to_owned();
    }
    let most: String = text.chars().take(MAX_TITLE - 1).collect();
    let words = most.rsplit_once(' ').map_or(most.as_str(), |(words, _)| words);
    let kept = if length(words) < MAX_TITLE / 2 { most.as_str() } else { words };
    kept.trim_end_matches(|c| blank(c) || matches!(c, '(' | '…')).to_owned() + GAP
}

/// What happened, how often, where, with what evidence, and which rule spoke; Markdown.
pub(super) fn body(group: &Group, cause: &str) -> String {
    let said = &group.shapes[0];
    let (first, latest) = (group.evidence[0], group.evidence[group.evidence.len() - 1]);
    let (since, until) = (span(&group.first_seen), span(&group.last_seen));
    let seen = match group.count {
        1 => format!("once: row {first} at {until}"),
        n => format!("{n} times: rows {first} to {latest}, from {since} to {until}"),
    };
    let (source, worst) = (span(&said.source), group.worst);
    let mut text = format!("## Summary\n\n{source} logged this, at worst as {worst}, {seen}.\n");
    let mut named = |label: &str, names: &[String]| {
        if !names.is_empty() {
            let names: Vec<String> = names.iter().map(|name| span(name)).collect();
            writeln!(text, "\n{label}: {}", names.join(", ")).expect("a String takes every write");
        }
    };
    named("Request paths", &group.paths);
    named("Source files", &source_files(&said.sample));
    write!(text, "\n## Evidence\n\n{}", fenced(&said.sample)).expect("a String takes every write");
    if group.shapes.len() > 1 {
        text += "\nThe same code also came as:\n\n";
        for other in &group.shapes[1..] {
            let (source, template) = (span(&other.source), span(&other.template));
            writeln!(text, "- {source}: {template}, {} times", other.count)
                .expect("a String takes every write");
        }
    }
    let ids: Vec<String> = group.evidence.iter().map(ToString::to_string).collect();
    let of = if group.count > ids.len() as u64 { " (the first and the latest)" } else { "" };
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

fn length(text: &str) -> usize {
    text.chars().count()
}

//! The text of an event as fields: its head, pairs, cells or JSON, and what lies within its message.

use super::access;
use super::columns::{self, Columns};
use super::envelope::Envelope;
use super::fields::{Fields, Weight, may_be_own, nearer};
use super::head::{self, Lead};
use super::json;
use super::level;
use super::logfmt;
use super::names::PAIR_MESSAGE;
use super::text;
use super::time::TimeFrame;
use crate::model::Level;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// How many texts within texts are read.
const MAX_DEPTH: usize = 3;
/// Longest head that is kept beside the message, in bytes.
const MAX_WORDS: usize = 200;

/// What is known of a file when its events are read.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) frame: TimeFrame,
    pub(super) columns: Option<&'a Columns>,
    /// The line has a time by its envelope.
    pub(super) stamped: bool,
}

/// Reads an event whose time, if it has one in front, is known already.
pub(super) fn read(
    text: &str,
    lead: Option<Lead>,
    envelope: Envelope<'_>,
    known: Known<'_>,
) -> Fields {
    let known = Known { stamped: envelope.time.is_some(), ..known };
    let mut fields = read_text(text, lead, known, 0);
    fields.time = nearer(envelope.time, fields.time);
    fields.set_level(Weight::Priority, envelope.level);
    if let Some(source) = envelope.source {
        fields.source = Some(super::row::field(&source));
    }
    for (key, value) in envelope.extra {
        fields.extra.entry(key).or_insert(value);
    }
    fields
}

fn read_text(text: &str, lead: Option<Lead>, known: Known<'_>, depth: usize) -> Fields {
    if let Some(fields) = known.columns.and_then(|columns| of_columns(columns, text, lead, known)) {
        return fields;
    }
    if let Some(fields) = of_json(text, known, depth) {
        return fields;
    }
    let mut fields = Fields::default();
    let rest = lead.map_or(text, |lead| &text[lead.end..]);
    if let Some(lead) = lead {
        fields.time = Some(lead.moment);
        fields.level = lead.level.map(|level| (Weight::Stated, level));
        keep_words(&mut fields, &text[lead.words.0..lead.words.1]);
        if rest.starts_with(',')
            && let Some((level, message)) = columns::unnamed(rest)
        {
            return Fields { level: Some((Weight::Stated, level)), message, ..fields };
        }
    }
    if let Some(pairs) = of_pairs(rest, known) {
        fields.absorb(pairs);
        return fields;
    }
    if let Some(inner) = rest
        .trim_start()
        .starts_with('{')
        .then(|| of_json(rest.trim_start(), known, depth))
        .flatten()
    {
        fields.absorb(inner);
        return fields;
    }
    of_prose(text, rest, lead, fields, known, depth)
}

/// A line of text whose time is known.
fn of_prose(
    text: &str,
    rest: &str,
    lead: Option<Lead>,
    mut fields: Fields,
    known: Known<'_>,
    depth: usize,
) -> Fields {
    let first = &text[..text.find('\n').unwrap_or(text.len())];
    if let Some(answer) = access::read(first) {
        // The status speaks where the program states nothing, or no more than that it tells something.
        let stated = fields.level.map(|(_, level)| level);
        let stated = stated.or_else(|| head::behind(rest, lead.as_ref()).level);
        let level = stated.filter(|level| *level != Level::Info);
        fields.level =
            Some((Weight::Stated, level.unwrap_or_else(|| level::status(answer.status))));
        fields.request_path = answer.path.map(super::row::field);
        if fields.time.is_none() && !known.stamped {
            fields.time = super::time::bracketed(first, known.frame);
        }
        rest.trim_start().clone_into(&mut fields.message);
        return fields;
    }
    let behind = head::behind(rest, lead.as_ref());
    fields.level = fields.level.or(behind.level.map(|level| (Weight::Stated, level)));
    fields.source = behind.source.map(super::row::field);
    keep_words(&mut fields, behind.words);
    let message = &rest[behind.message..];
    if depth < MAX_DEPTH && (behind.level.is_some() || behind.message > 0) {
        let inner = if message.starts_with('{') {
            of_json(message, known, depth)
        } else {
            of_pairs(message, known)
        };
        if let Some(inner) = inner {
            fields.absorb(inner);
            return fields;
        }
    }
    let message = without_speaker(message, lead.is_some() || fields.level.is_some(), &mut fields);
    if fields.level.is_none() {
        fields.level = head::in_sentence(&message).map(|level| (Weight::Word, level));
    }
    fields.message = message.into_owned();
    fields
}

/// Where the first line says only who speaks, the message stands below it, and perhaps its level.
fn without_speaker<'a>(message: &'a str, has_head: bool, fields: &mut Fields) -> Cow<'a, str> {
    let Some((first, below)) =
        message.split_once('\n').filter(|(first, _)| has_head && is_speaker(first))
    else {
        return Cow::Borrowed(message);
    };
    let behind = head::behind(below, None);
    if fields.level.is_none() {
        fields.level = behind.level.map(|level| (Weight::Stated, level));
    }
    if let Some(name) = first.split_whitespace().next() {
        fields.source.get_or_insert_with(|| super::row::field(name));
    }
    Cow::Borrowed(&below[behind.message..])
}

/// Whether a line only names who speaks: nothing, `com.shop.Cart get`, `Shop.Cart[0]`.
pub(super) fn is_speaker(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let Some(name) = words.next() else { return true };
    let named =
        |word: &str| word.bytes().all(|b| b.is_ascii_alphanumeric() || b"._$:[]<>-/".contains(&b));
    let parted = name.contains('.') || name.contains("::") || name.ends_with(']');
    parted
        && named(name)
        && !name.ends_with(['.', ':'])
        && words.next().is_none_or(named)
        && words.next().is_none()
}

fn keep_words(fields: &mut Fields, words: &str) {
    let words = words.trim();
    if !words.is_empty() {
        fields.extra.insert("head".into(), words[..words.floor_char_boundary(MAX_WORDS)].into());
    }
}

fn of_columns(
    columns: &Columns,
    text: &str,
    lead: Option<Lead>,
    known: Known<'_>,
) -> Option<Fields> {
    if let Some(named) = columns.named(text) {
        return Some(json::read(named, text, known.frame));
    }
    let answer = columns.answer(text)?;
    Some(Fields {
        time: lead.map(|lead| lead.moment),
        level: Some((Weight::Stated, level::status(answer.status))),
        request_path: answer.path.map(super::row::field),
        message: lead.map_or(text, |lead| text[lead.end..].trim_start()).to_owned(),
        ..Fields::default()
    })
}

fn of_pairs(text: &str, known: Known<'_>) -> Option<Fields> {
    let text = text.trim_start();
    let (first, below) = text.split_once('\n').unwrap_or((text, ""));
    let pairs = logfmt::is_likely(first).then(|| logfmt::read(first)).flatten()?;
    let named = PAIR_MESSAGE.iter().any(|name| pairs.contains_key(*name));
    let mut fields = json::read(pairs, first, known.frame);
    if !named {
        first.clone_into(&mut fields.message);
    }
    append(&mut fields.message, below);
    Some(fields)
}

fn append(message: &mut String, below: &str) {
    if !below.is_empty() {
        message.push('\n');
        message.push_str(below);
    }
}

/// A JSON object, in one line or in many; the lines below an object belong to its message.
fn of_json(text: &str, known: Known<'_>, depth: usize) -> Option<Fields> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
    let (first, below) = text.split_once('\n').unwrap_or((text, ""));
    let (keys, line, below) = match object(first) {
        Some(keys) => (keys, first, below),
        None if below.is_empty() => return None,
        None => (object(text)?, text, ""),
    };
    let mut fields = json::read(keys, line, known.frame);
    let coloured = text::is_coloured(&fields.message);
    if fields.message.bytes().any(|b| b < b' ' && b != b'\n' && b != b'\t') {
        let lines: Vec<_> = fields.message.lines().map(text::clean).collect();
        fields.message = lines.join("\n");
    }
    // What a program says by itself in its message beats what its surroundings say of it.
    let open = coloured || fields.level.is_none_or(|(weight, _)| weight < Weight::Stated);
    if depth < MAX_DEPTH && (open || fields.message.starts_with('{')) && fields.message != line {
        let message = std::mem::take(&mut fields.message);
        // A date that is far from the object's own is what the message tells of.
        let lead = head::lead(&message, known.frame)
            .filter(|lead| open && may_be_own(fields.time, lead.moment));
        let inner = read_text(&message, lead, Known { columns: None, ..known }, depth + 1);
        fields.absorb(inner);
    }
    append(&mut fields.message, below);
    Some(fields)
}

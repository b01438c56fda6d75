//! Formats of secrets that have a shape of their own: a table that is kept as data, and the search by it.
//!
//! `formats.txt` says how a row is written. It is read once, into lists by the first byte. A row reads a bounded piece of a
//! line before it has found a secret, so that the search takes no longer where secrets seem to begin at every place.

use super::bytes::{WINDOW, is_telling, is_word, is_word_start, run, window};
use super::names::is_harmless;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

/// `name | shape | source`, one a line.
const TABLE: &str = include_str!("formats.txt");
/// Bits that say which three bytes a mark may begin with.
const SLOTS: usize = 1 << 16;

/// Which bytes a run has.
type Class = fn(u8) -> bool;

/// The letters of the classes.
const CLASSES: &[(char, Class)] = &[
    ('d', |b| b.is_ascii_digit()),
    ('h', |b| b.is_ascii_hexdigit()),
    ('l', |b| b.is_ascii_lowercase() || b.is_ascii_digit()),
    ('u', |b| b.is_ascii_uppercase() || b.is_ascii_digit()),
    ('a', |b| b.is_ascii_alphanumeric()),
    ('w', is_word),
    ('t', |b| is_word(b) || b == b'-'),
    ('b', |b| is_word(b) || b"-+/=".contains(&b)),
    ('p', |b| is_word(b) || b"-+/=.~%".contains(&b)),
    ('n', |b| is_word(b) || b"-+=.~%@".contains(&b)),
    ('q', |b| !b"\n\"'`".contains(&b)),
    ('s', |b| !b.is_ascii_whitespace() && !b"\"'`<>,;)\\".contains(&b)),
];

/// All formats.
pub(super) fn formats() -> &'static Formats {
    static FORMATS: LazyLock<Formats> = LazyLock::new(|| Formats::read(TABLE));
    &FORMATS
}

/// All formats, and which of them have a mark that begins with a pair of bytes.
pub(super) struct Formats {
    all: Vec<Format>,
    /// By the pair, in order.
    by_pair: Vec<(u16, Group)>,
    /// Which three bytes a mark may begin with: a quick look that rules most places out.
    slots: Box<[u64; SLOTS / 64]>,
}

/// Numbers of formats: those that begin with their mark, and the others.
type Group = (Vec<u16>, Vec<u16>);

impl Formats {
    /// The formats of a table. A row that cannot be read has no place in it; a test holds that there is none.
    fn read(table: &str) -> Self {
        let mut groups = BTreeMap::<u16, Group>::new();
        let mut slots = Box::new([0; SLOTS / 64]);
        let all: Vec<_> = rows(table).filter_map(Format::read).collect();
        for (number, format) in all.iter().enumerate() {
            let pair = u16::from_be_bytes([format.mark[0], format.mark[1]]);
            let thirds = format.mark.get(2).map_or(0..=u8::MAX, |third| *third..=*third);
            for slot in thirds.map(|third| slot(format.mark[0], format.mark[1], third)) {
                slots[slot / 64] |= 1 << (slot % 64);
            }
            let (first, inner) = groups.entry(pair).or_default();
            let list = if matches!(format.lead, Lead::Bytes(0)) { first } else { inner };
            list.push(number as u16);
        }
        Self { all, by_pair: groups.into_iter().collect(), slots }
    }

    /// Looks for a secret whose format has its mark at `at` and which begins no earlier than `from`; answers which bytes
    /// are secret.
    #[inline]
    pub(super) fn find(&self, line: &str, from: usize, at: usize) -> Option<Range<usize>> {
        // No format is as short as a mark.
        let [first, second, third] = *line.as_bytes().get(at..at + 3)? else { return None };
        let slot = slot(first, second, third);
        if self.slots[slot / 64] >> (slot % 64) & 1 == 0 {
            return None;
        }
        self.of_pair(u16::from_be_bytes([first, second]), line, (from, at))
    }

    fn of_pair(&self, pair: u16, line: &str, (from, at): (usize, usize)) -> Option<Range<usize>> {
        let bytes = line.as_bytes();
        let number = self.by_pair.binary_search_by_key(&pair, |(pair, _)| *pair).ok()?;
        let (first, inner) = &self.by_pair[number].1;
        let first = if first.is_empty() || !is_start(bytes, at) { &[][..] } else { &first[..] };
        let find = |number: &u16| {
            let format = &self.all[usize::from(*number)];
            let start = format.start(bytes, at).filter(|start| *start >= from)?;
            if start == at || is_start(bytes, start) { format.secret(line, start) } else { None }
        };
        first.iter().chain(inner).find_map(find)
    }
}

fn slot(first: u8, second: u8, third: u8) -> usize {
    (usize::from(first) << 10 ^ usize::from(second) << 5 ^ usize::from(third)) % SLOTS
}

/// Whether a format may begin here: a word begins, or what begins is no word; `--` begins at its first dash.
fn is_start(bytes: &[u8], at: usize) -> bool {
    match bytes[at] {
        b'-' => at == 0 || !is_word(bytes[at - 1]) && bytes[at - 1] != b'-',
        first => !is_word(first) || is_word_start(bytes, at),
    }
}

fn rows(table: &str) -> impl Iterator<Item = &str> {
    table.lines().map(str::trim).filter(|row| !row.is_empty() && !row.starts_with('#'))
}

/// One row.
struct Format {
    /// A word that stands earlier in the line.
    needs: Option<String>,
    parts: Vec<Part>,
    /// Which of the parts are secret.
    secret: Range<usize>,
    /// A text of two bytes or more, by which it is found.
    mark: Vec<u8>,
    /// What stands before the mark.
    lead: Lead,
}

/// What stands before the mark of a format.
enum Lead {
    /// So many bytes.
    Bytes(usize),
    /// A run whose length differs.
    Run(Class, usize),
}

enum Part {
    Text(Vec<u8>),
    Run(Run),
}

/// A run of bytes of one class.
struct Run {
    class: Class,
    least: usize,
    most: usize,
    /// It holds a digit and a letter.
    telling: bool,
}

impl Format {
    /// A row; `None` if it cannot be read.
    fn read(row: &str) -> Option<Self> {
        let mut columns = row.split(" | ");
        let (_name, shape, _source) = (columns.next()?, columns.next()?, columns.next()?);
        let (needs, shape) = match shape.strip_prefix('{') {
            Some(rest) => rest.split_once('}').map(|(word, rest)| (Some(word.into()), rest))?,
            None => (None, shape),
        };
        let mut parts = Vec::new();
        let (mut from, mut to) = (0, None);
        let mut rest = shape;
        while let Some(next) = rest.chars().next() {
            match next {
                '[' => (from, rest) = (parts.len(), &rest[1..]),
                ']' => (to, rest) = (Some(parts.len()), &rest[1..]),
                '<' => {
                    let (inside, behind) = rest[1..].split_once('>')?;
                    parts.push(Part::Run(Run::read(inside)?));
                    rest = behind;
                }
                _ => {
                    let end = rest.find(['[', ']', '<']).unwrap_or(rest.len());
                    parts.push(Part::Text(rest[..end].into()));
                    rest = &rest[end..];
                }
            }
        }
        let secret = from..to.unwrap_or(parts.len());
        let (lead, mark) = mark(&parts)?;
        (!secret.is_empty()).then_some(Self { needs, parts, secret, mark, lead })
    }

    /// Where a text of this format would begin whose mark is at `at`.
    fn start(&self, bytes: &[u8], at: usize) -> Option<usize> {
        if !bytes[at..].starts_with(&self.mark) {
            return None;
        }
        match self.lead {
            Lead::Bytes(count) => at.checked_sub(count),
            Lead::Run(class, most) => {
                let near = &bytes[at.saturating_sub(most)..at];
                Some(at - near.iter().rev().take_while(|b| class(**b)).count())
            }
        }
    }

    /// The bytes of the secret if a text of this format begins at `at`.
    fn secret(&self, line: &str, at: usize) -> Option<Range<usize>> {
        let bytes = line.as_bytes();
        let (mut place, mut start) = (at, at);
        let mut end = None;
        for (number, part) in self.parts.iter().enumerate() {
            if number == self.secret.start {
                start = place;
            }
            if number == self.secret.end {
                end = Some(place);
            }
            place = match part {
                Part::Text(text) if bytes[place..].starts_with(text) => place + text.len(),
                Part::Text(_) => return None,
                Part::Run(run) => run.end(bytes, place, number + 1 == self.parts.len())?,
            };
        }
        let earlier = || &line[line.ceil_char_boundary(at.saturating_sub(WINDOW))..at];
        let has = |word: &String| earlier().contains(word.as_str());
        if !self.needs.as_ref().is_none_or(has) || is_harmless(&bytes[start..end.unwrap_or(place)])
        {
            return None;
        }
        // Now that it is one, the whole is taken.
        let last = match self.parts.last() {
            Some(Part::Run(run)) if run.most == usize::MAX => run.whole(bytes, place),
            Some(Part::Run(_) | Part::Text(_)) | None => place,
        };
        Some(start..end.unwrap_or(last))
    }
}

/// The longest text with as many bytes before it in every text of the format; else the one behind the run that begins it.
fn mark(parts: &[Part]) -> Option<(Lead, Vec<u8>)> {
    let mut before = 0;
    let mut best: Option<(usize, &Vec<u8>)> = None;
    for part in parts {
        match part {
            Part::Text(text) => {
                if best.is_none_or(|(_, longest)| before > 0 && text.len() > longest.len()) {
                    best = Some((before, text));
                }
                before += text.len();
            }
            Part::Run(run) if run.least == run.most => before += run.least,
            Part::Run(_) => break,
        }
    }
    let found = match (best, parts) {
        // What begins with a text is found by it.
        (_, [Part::Text(text), ..]) => (Lead::Bytes(0), text),
        (Some((before, text)), _) => (Lead::Bytes(before), text),
        (None, [Part::Run(run), Part::Text(text), ..]) => (Lead::Run(run.class, run.most), text),
        (None, _) => return None,
    };
    (found.1.len() > 1).then(|| (found.0, found.1.clone()))
}

impl Run {
    /// What stands between `<` and `>`.
    fn read(text: &str) -> Option<Self> {
        let (letter, count) = text.split_once(':')?;
        let class = CLASSES.iter().find(|(known, _)| letter.starts_with(*known))?.1;
        let (count, telling) = count.strip_suffix('!').map_or((count, false), |rest| (rest, true));
        let (least, most) = match count.strip_suffix('+') {
            Some(least) => (least, None),
            None => count.split_once('-').map_or((count, Some(count)), |(a, b)| (a, Some(b))),
        };
        let most = most.map_or(Some(usize::MAX), |most| most.parse().ok())?;
        Some(Self { class, least: least.parse().ok()?, most, telling })
    }

    /// The end of the run that begins at `from`; no farther than the window. `None` if it is too short,
    /// or too long at the end of a format.
    fn end(&self, bytes: &[u8], from: usize, is_last: bool) -> Option<usize> {
        let near = window(bytes, from);
        let is_exact = self.least == self.most;
        let near = match self.most {
            // An exact one may be followed by bytes of its own class, another one may not.
            most if is_exact && !is_last => &near[..near.len().min(from + most)],
            most => &near[..near.len().min(from.saturating_add(most).saturating_add(1))],
        };
        let stop = run(near, from, self.class);
        let length = stop - from;
        if length < self.least
            || length > self.most
            || self.telling && !is_telling(&bytes[from..stop])
        {
            return None;
        }
        if !is_last {
            return Some(stop);
        }
        if self.most < usize::MAX {
            let goes_on = bytes.get(stop).is_some_and(u8::is_ascii_alphanumeric);
            return (!goes_on).then_some(stop);
        }
        Some(stop)
    }

    /// The end of the whole run, of which the window ends at `stop`.
    fn whole(&self, bytes: &[u8], stop: usize) -> usize {
        let end = run(bytes, stop, self.class);
        // The full stop of a sentence.
        if bytes[end - 1] == b'.' { end - 1 } else { end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::{grows_from_to, grows_with_its_length};
    use crate::redact::Redactor;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Least number of formats.
    const ROWS: usize = 180;

    /// A text of the format that no issuer has made: as short as it may be, of letters and digits without a meaning.
    fn example(format: &Format) -> String {
        // In two halves, so that they are no secret themselves.
        let letters = [*b"q7Rz2mKx9Lw4Tb8V", *b"n3Jc6Hd1Fg5Ps0Ye"].concat();
        let mut text = String::new();
        for (seed, part) in format.parts.iter().enumerate() {
            match part {
                Part::Text(words) => text.push_str(&String::from_utf8_lossy(words)),
                Part::Run(run) => {
                    let noise = (seed..).map(|n| letters[(n * 7 + n * n) % letters.len()]);
                    // Of a class without capitals, letters or other signs, what is in it.
                    let fits = noise.filter(|byte| (run.class)(*byte)).take(run.least);
                    text.extend(fits.map(char::from));
                }
            }
        }
        text
    }

    /// The line in which a text of the format stands.
    fn line(format: &Format, text: &str) -> String {
        let word = format.needs.as_ref().map_or("say", String::as_str);
        format!("{word} root {text} (attempt 2)")
    }

    #[test]
    fn every_row_of_the_table_can_be_read_and_has_a_name_of_its_own() {
        let names: BTreeSet<_> = rows(TABLE).map(|row| row.split(" | ").next()).collect();
        assert_eq!(formats().all.len(), rows(TABLE).count());
        assert_eq!(names.len(), rows(TABLE).count());
        assert!(names.len() >= ROWS);
        for wrong in ["a | <x:3>", "a | <x:3> | b", "a | <d:3 | b", "a | x | b", "a | ab<d:x> | b"]
        {
            assert!(Format::read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn every_row_of_the_table_finds_a_text_of_its_format_and_no_shorter_one() {
        let redactor = Redactor::default();
        for (row, format) in rows(TABLE).zip(&formats().all) {
            let text = example(format);
            let line = line(format, &text);
            let at = line.find(&text).unwrap();
            let secret = format.secret(&line, at).unwrap_or_else(|| panic!("{row}: {line}"));
            let from = formats().all.iter().filter(|other| other.secret(&line, at).is_some());
            assert_eq!(from.count(), 1, "two rows find one text: {row}: {line}");
            let places = [
                line.clone(),
                text.clone(),
                format!("{{\"m\":\"{line}\",\"n\":1}}"),
                format!("x={line}"),
            ];
            for place in places.iter().filter(|place| format.needs.is_none() || **place != text) {
                let clean = redactor.text(place);
                assert!(!clean.contains(&line[secret.clone()]), "{row}: {place} became {clean}");
            }
            let short = &line[..at + text.len() - 1];
            assert_eq!(format.secret(short, at), None, "{row}: {short}");
        }
    }

    #[test]
    fn a_format_is_not_found_in_the_middle_of_a_word_nor_in_a_longer_run() {
        let redactor = Redactor::default();
        let key = example(&Format::read("a | SK<h:32> | b").unwrap());
        assert_eq!(redactor.text(&key), crate::redact::REDACTED);
        for other in [format!("A{key}"), format!("{key}0"), format!("{key}x")] {
            assert_eq!(redactor.text(&other), other);
        }
    }

    /// A secret that never comes, again and again: the mark, and a text that is one byte too short.
    fn hostile(format: &Format) -> [String; 2] {
        let text = example(format);
        [String::from_utf8_lossy(&format.mark).into_owned(), text[..text.len() - 1].to_owned()]
    }

    /// Whether a format may read more than the bytes that a text of it has, to the left or to the right.
    fn reads_around(format: &Format) -> bool {
        let (_, before) = format.parts.split_last().unwrap();
        let open = |part: &Part| matches!(part, Part::Run(run) if run.least != run.most);
        format.needs.is_some() || !matches!(format.lead, Lead::Bytes(0)) || before.iter().any(open)
    }

    #[test]
    fn time_grows_with_the_length_where_formats_that_read_around_seem_to_begin() {
        let redactor = Redactor::default();
        for format in formats().all.iter().filter(|format| reads_around(format)) {
            for piece in hostile(format) {
                grows_with_its_length(&piece, &piece, |text| drop(redactor.text(text)));
            }
        }
    }

    #[test]
    fn time_grows_with_the_length_where_every_format_seems_to_begin() {
        let redactor = Redactor::default();
        let pieces: Vec<_> = formats().all.iter().flat_map(hostile).collect();
        let text = |length: usize| {
            let share = length / pieces.len();
            pieces.iter().map(|piece| piece.repeat(share / piece.len() + 1)).collect::<String>()
        };
        grows_from_to("all formats", text, |text| drop(redactor.text(text)));
    }

    #[test]
    fn no_format_and_no_chance_is_found_in_the_text_of_the_program_itself() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files =
            vec![root.join("README.md"), root.join("ARCHITECTURE.md"), root.join("CHANGELOG.md")];
        for folder in ["src", "docs", "migrations"] {
            walk(&root.join(folder), &mut files);
        }
        // Where a shape stands in quotes, a text of the shape stands there too.
        files.retain(|file| !file.ends_with("redact/formats.txt"));
        assert!(files.len() > 300);
        let mut hits = Vec::new();
        for file in files {
            let Ok(text) = fs::read_to_string(&file) else { continue };
            for line in text.lines() {
                let mut chance = super::super::chance::Chance::default();
                let bytes = line.as_bytes();
                let found = (0..line.len())
                    .find_map(|at| formats().find(line, 0, at).or_else(|| chance.find(bytes, at)));
                hits.extend(found.map(|at| format!("{}: {}", file.display(), &line[at])));
            }
        }
        assert!(hits.is_empty(), "{hits:#?}");
    }

    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, files) } else { files.push(path) }
        }
    }
}

//! One finding as an agent proposes it, checked as far as that can be done without the log.

use super::super::template::codes;
use super::super::verify::CodePlace;
use super::super::visible::visible;
use crate::model::Classification;
use serde_json::Value;

/// The longest text that counts as a title, in characters; a title longer than a line is cut later.
pub(super) const MAX_TITLE: usize = 1_000;
/// Longest body, in characters: half of what a tracker takes.
pub(super) const MAX_BODY: usize = 32_000;
/// Most log rows that a finding cites.
pub(super) const MAX_IDS: usize = 1_000;
/// Most error codes and most source files of a finding.
const MAX_NAMES: usize = 100;
/// Most places in the source at which a finding was verified.
pub(super) const MAX_PLACES: usize = 20;
/// Longest path of a source file, in characters.
const MAX_FILE: usize = 500;

/// A finding that is well formed. Its words are the agent's, without hidden characters; its claims are not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What kind of problem it is.
    pub classification: Classification,
    /// One line, without prefix and without a code in front; not empty.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// Error codes, of the right shape.
    pub error_codes: Vec<String>,
    /// Log rows; at least one.
    pub source_log_ids: Vec<i64>,
    /// Source files, sorted, each once.
    pub source_files: Vec<String>,
    /// The number of the issue that the agent takes it for.
    pub duplicate_of: Option<i64>,
    /// Where in the source it was verified.
    pub verified_at: Vec<CodePlace>,
}

impl Proposal {
    /// Reads one element of `issues_created`, or says why it is rejected.
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        if !value.is_object() {
            return Err("it is no object".to_owned());
        }
        let word = text(value, "classification", MAX_TITLE)?;
        let classification = word.parse().map_err(|()| {
            let word: String = word.chars().take(40).collect();
            format!("there is no classification {word:?}")
        })?;
        let title = line(text(value, "title", MAX_TITLE)?);
        if title.is_empty() {
            return Err("its title is empty".to_owned());
        }
        let source_log_ids = ids(&value["source_log_ids"])?;
        if source_log_ids.is_empty() {
            return Err("it cites no log rows".to_owned());
        }
        let mut error_codes = names(value, "error_codes")?;
        error_codes.retain(|code| codes(code).next() == Some(code));
        Ok(Self {
            classification,
            title,
            body: visible(text(value, "body", MAX_BODY)?).trim().to_owned(),
            error_codes,
            source_log_ids,
            source_files: names(value, "source_files")?,
            duplicate_of: given(value, "duplicate_of")
                .map(|number| number.as_i64().ok_or("duplicate_of is no number"))
                .transpose()?,
            verified_at: places(&value["verified_at"]),
        })
    }
}

/// The places of a list: objects with `file` and `line`, or texts such as `src/cart.rs:42`. What is neither is the place of
/// no file. Whoever has verified nothing may leave it out.
fn places(value: &Value) -> Vec<CodePlace> {
    let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let place = |item: &Value| {
        let in_one = || {
            let (file, line) = item.as_str()?.rsplit_once(':')?;
            Some((file.to_owned(), line.trim().parse().ok()?))
        };
        let said = item["file"].as_str().and_then(|file| {
            let line = &item["line"];
            let number = line.as_u64().or_else(|| line.as_str()?.trim().parse().ok())?;
            Some((file.to_owned(), number))
        });
        let said = said.or_else(in_one);
        let (file, line) = said.unwrap_or_default();
        let fits = file.chars().count() <= MAX_FILE;
        CodePlace {
            file: if fits { visible(&file).trim().to_owned() } else { String::new() },
            line,
        }
    };
    items.iter().filter(|item| !item.is_null()).take(MAX_PLACES).map(place).collect()
}

/// A field that may be left out, or be null.
fn given<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    Some(&value[name]).filter(|field| !field.is_null())
}

fn text<'a>(value: &'a Value, name: &str, most: usize) -> Result<&'a str, String> {
    let text = value[name].as_str().ok_or_else(|| format!("{name} is no text"))?;
    // Bytes first: nobody counts the characters of a megabyte.
    if text.len() > 4 * most || text.chars().count() > most {
        return Err(format!("{name} is longer than {most} characters"));
    }
    Ok(text)
}

/// A list of texts, sorted, each once; one that is left out is empty.
fn names(value: &Value, name: &str) -> Result<Vec<String>, String> {
    let Some(list) = given(value, name) else { return Ok(Vec::new()) };
    let items = list.as_array().ok_or_else(|| format!("{name} is no list"))?;
    if items.len() > MAX_NAMES {
        return Err(format!("{name} has more than {MAX_NAMES} elements"));
    }
    let clean = |item: &Value| match item.as_str() {
        Some(text) if text.chars().count() <= MAX_FILE => Ok(line(text)),
        Some(_) => Err(format!("{name} has an element of more than {MAX_FILE} characters")),
        None => Err(format!("{name} has an element that is no text")),
    };
    let mut names = items.iter().map(clean).collect::<Result<Vec<_>, _>>()?;
    names.retain(|name| !name.is_empty());
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

fn ids(value: &Value) -> Result<Vec<i64>, String> {
    let items = value.as_array().ok_or("source_log_ids is no list")?;
    if items.len() > MAX_IDS {
        return Err(format!("source_log_ids has more than {MAX_IDS} elements"));
    }
    let ids = items.iter().map(Value::as_i64).collect::<Option<Vec<_>>>();
    ids.ok_or_else(|| "source_log_ids has an element that is no whole number".to_owned())
}

/// A text as one line, without the prefix of a class and without a code in front, which our code adds.
fn line(text: &str) -> String {
    let text = visible(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rest = text.as_str();
    loop {
        let prefix = Classification::ALL.iter().find_map(|class| rest.strip_prefix(class.prefix()));
        let code = || {
            let code = codes(rest).next()?;
            rest.trim_start_matches('[').strip_prefix(code)?.strip_prefix(['|', ':', ']', ' '])
        };
        let Some(shorter) = prefix.or_else(code) else { return rest.to_owned() };
        rest = shorter.trim_start_matches([':', ' ']);
    }
}

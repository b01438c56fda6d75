//! Reads the text of a filter. Every refusal names its column.

use super::length::{Length, Moment};
use super::term::{Compare, Condition, JOINING, Mark, PathStep, Term, is_bare_field};
use super::words;
use crate::model::{Kind, Queue, ScheduleName, Status, Trigger};
use std::fmt;
use std::str::FromStr;

/// Longest text, in bytes: a page's address has room for it.
const MAX_BYTES: usize = 2_000;
/// Most terms.
const MAX_TERMS: usize = 32;
/// Most values in all of them.
const MAX_VALUES: usize = 200;
/// Deepest path into a payload.
const MAX_STEPS: usize = 16;

/// Where the text of a filter goes wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// Characters before the place, and one: columns count from 1.
    pub column: usize,
    /// What is wrong there, for people.
    pub reason: String,
}

/// `column 8: there is no status faild; did you mean failed?`
impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.reason)
    }
}

impl std::error::Error for FilterError {}

/// Reads all terms.
pub(super) fn terms(text: &str) -> Result<Vec<Term>, FilterError> {
    check_length(text)?;
    let mut reader = Reader { chars: text.chars().collect(), at: 0, values: 0 };
    let mut terms = Vec::new();
    while reader.skip_spaces() {
        if terms.len() == MAX_TERMS {
            return refuse(reader.at, format!("more than {MAX_TERMS} terms"));
        }
        terms.push(reader.term()?);
    }
    Ok(terms)
}

/// Refuses a text that is too long; also for what a filter is written as, which can be longer than what was read.
pub(super) fn check_length(text: &str) -> Result<(), FilterError> {
    if text.len() > MAX_BYTES {
        return refuse(MAX_BYTES, format!("the query is longer than {MAX_BYTES} bytes"));
    }
    Ok(())
}

fn refuse<T>(at: usize, reason: impl Into<String>) -> Result<T, FilterError> {
    Err(FilterError { column: at + 1, reason: reason.into() })
}

/// A value and where it begins.
struct Value {
    at: usize,
    text: String,
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    /// Values read so far.
    values: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    /// Whether something follows.
    fn skip_spaces(&mut self) -> bool {
        self.take(char::is_whitespace);
        self.at < self.chars.len()
    }

    /// The next characters of this sort.
    fn take(&mut self, sort: impl Fn(char) -> bool) -> String {
        let begin = self.at;
        while self.peek().is_some_and(&sort) {
            self.at += 1;
        }
        self.chars[begin..self.at].iter().collect()
    }

    fn term(&mut self) -> Result<Term, FilterError> {
        let negated = self.peek() == Some('-');
        if negated {
            self.at += 1;
        }
        match self.peek() {
            Some('-') => refuse(self.at, "one - is enough; put text that begins with - in quotes"),
            None => refuse(self.at, "a term must follow the -"),
            Some(c) if c.is_whitespace() => refuse(self.at, "a term must follow the -"),
            Some(_) => Ok(Term { negated, condition: self.condition()? }),
        }
    }

    fn condition(&mut self) -> Result<Condition, FilterError> {
        let begin = self.at;
        match self.peek() {
            Some('"') => {
                let text = self.quoted()?;
                self.end_of_term()?;
                if text.is_empty() {
                    return refuse(begin, "there is nothing between the quotes");
                }
                return Ok(Condition::Text(text));
            }
            Some('.') => return self.payload(),
            Some('#') => {
                self.at += 1;
                return Ok(Condition::Id(self.each(id)?));
            }
            Some(_) | None => {}
        }
        let word = self.take(|c| c.is_ascii_alphabetic() || c == '_').to_ascii_lowercase();
        match self.peek() {
            Some('.') if word == "payload" => self.payload(),
            Some(operator @ (':' | '~' | '>' | '<')) if !word.is_empty() => {
                match words::operators(&word) {
                    None => refuse(begin, words::refusal(&word, operator)),
                    Some(operators) if operators.contains(operator) => {
                        self.at += 1;
                        self.asked(&word, operator)
                    }
                    Some(".") => {
                        refuse(self.at, "the name of a field follows payload: payload.name:value")
                    }
                    Some(operators) => {
                        let known: Vec<_> =
                            operators.chars().map(|c| format!("{word}{c}")).collect();
                        let reason =
                            format!("{word}{operator} is not known; {}", known.join(" and "));
                        refuse(begin, reason + if known.len() == 1 { " is" } else { " are" })
                    }
                }
            }
            Some(_) | None => self.text(begin),
        }
    }

    /// What follows a word and its operator.
    fn asked(&mut self, word: &str, operator: char) -> Result<Condition, FilterError> {
        let compare = match operator {
            '>' => Compare::Above,
            '<' => Compare::Below,
            _ => Compare::Equal,
        };
        Ok(match (word, operator) {
            ("status", _) => {
                Condition::Status(self.each(|value| one_of("status", value, Status::ALL))?)
            }
            ("trigger", _) => {
                Condition::Trigger(self.each(|value| one_of("trigger", value, Trigger::ALL))?)
            }
            ("is", _) => Condition::Is(self.each(|value| one_of("is", value, Mark::ALL))?),
            ("kind", _) => Condition::Kind(self.each(|value| name("a kind", value, Kind::parse))?),
            ("queue", _) => {
                Condition::Queue(self.each(|value| name("a queue", value, Queue::parse))?)
            }
            ("schedule", _) => Condition::Schedule(
                self.each(|value| name("a schedule", value, ScheduleName::parse))?,
            ),
            ("key", _) => Condition::Key(self.each(text)?),
            ("tag", _) => Condition::Tag(self.each(text)?),
            ("id", _) => Condition::Id(self.each(id)?),
            ("batch", _) => Condition::Batch(self.each(|value| number("batch", value))?),
            ("bulk", _) => Condition::Bulk(self.each(id)?),
            ("error_group", _) => Condition::ErrorGroup(self.each(text)?),
            ("error", '~') => Condition::ErrorText(self.each(text)?),
            ("error", _) => Condition::ErrorCode(self.each(text)?),
            ("since", _) => Condition::Since(self.one("since", moment)?),
            // Only the words of the list come here.
            ("before" | "until", _) => Condition::Before(self.one(word, moment)?),
            ("attempt", _) => Condition::Attempt(compare, self.one("attempt", count)?),
            ("took", _) => Condition::Took(compare, self.one("took", length)?),
            ("waited", _) => Condition::Waited(compare, self.one("waited", length)?),
            (_, _) => return refuse(self.at, words::refusal(word, operator)),
        })
    }

    /// A path into the payload with its values; the next character is its first dot.
    fn payload(&mut self) -> Result<Condition, FilterError> {
        let mut path = Vec::new();
        while self.peek() == Some('.') {
            let begin = self.at;
            self.at += 1;
            if path.len() == MAX_STEPS {
                return refuse(begin, format!("a path of more than {MAX_STEPS} fields"));
            }
            path.push(self.step()?);
        }
        if self.peek() != Some(':') {
            return refuse(
                self.at,
                "a : and a value must follow the name of the field: .name:value",
            );
        }
        self.at += 1;
        Ok(Condition::Payload(path, self.each(text)?))
    }

    fn step(&mut self) -> Result<PathStep, FilterError> {
        let begin = self.at;
        if self.peek() == Some('"') {
            let name = self.quoted()?;
            // SQLite's paths have no way to write these.
            if name.is_empty() || name.contains(|c: char| c == '"' || c == '\\' || c.is_control()) {
                return refuse(
                    begin,
                    "the name of a field is empty, or has a quote, a \\ or a control character",
                );
            }
            return Ok(PathStep::Field(name));
        }
        let name = self.take(|c| c.is_alphanumeric() || c == '_' || c == '-');
        match name.parse() {
            Ok(place) if !is_bare_field(&name) => Ok(PathStep::Element(place)),
            _ if is_bare_field(&name) => Ok(PathStep::Field(name)),
            _ => refuse(
                begin,
                "the name of a field must follow the dot; put other characters than letters, digits, _ and - in quotes",
            ),
        }
    }

    /// A word without quotes that is searched for; it began at `begin`.
    fn text(&mut self, begin: usize) -> Result<Condition, FilterError> {
        self.at = begin;
        let text = self.take(|c| !c.is_whitespace() && c != '"');
        if self.peek() == Some('"') {
            return refuse(self.at, "a quote begins a term; write \\\" for one inside quotes");
        }
        if JOINING.contains(&text.as_str()) {
            let reason = format!(
                "{text} joins nothing: all terms must fit, a,b in a value means a or b, and - negates; put {text} in quotes to search for it"
            );
            return refuse(begin, reason);
        }
        Ok(Condition::Text(text))
    }

    /// What is between quotes; the next character is the first of them.
    fn quoted(&mut self) -> Result<String, FilterError> {
        let begin = self.at;
        let mut text = String::new();
        loop {
            self.at += 1;
            match self.peek() {
                Some('"') => break,
                Some('\\') => {
                    self.at += 1;
                    match self.peek() {
                        Some(c @ ('"' | '\\')) => text.push(c),
                        Some(_) | None => {
                            return refuse(
                                self.at - 1,
                                "in quotes, \\ stands before \" or \\ only",
                            );
                        }
                    }
                }
                Some(c) => text.push(c),
                None => return refuse(begin, "the quote is never closed"),
            }
        }
        self.at += 1;
        Ok(text)
    }

    fn end_of_term(&self) -> Result<(), FilterError> {
        match self.peek() {
            Some(c) if !c.is_whitespace() => refuse(self.at, "a space must follow the quote"),
            Some(_) | None => Ok(()),
        }
    }

    /// The values of a term, each read by `read`.
    fn each<T>(
        &mut self,
        read: impl Fn(&Value) -> Result<T, FilterError>,
    ) -> Result<Vec<T>, FilterError> {
        let mut values = vec![read(&self.value()?)?];
        while self.peek() == Some(',') {
            self.at += 1;
            values.push(read(&self.value()?)?);
        }
        self.end_of_term()?;
        Ok(values)
    }

    /// The only value of a term.
    fn one<T>(
        &mut self,
        word: &str,
        read: impl Fn(&Value) -> Result<T, FilterError>,
    ) -> Result<T, FilterError> {
        let value = read(&self.value()?)?;
        if self.peek() == Some(',') {
            return refuse(self.at, format!("{word} takes one value"));
        }
        self.end_of_term()?;
        Ok(value)
    }

    fn value(&mut self) -> Result<Value, FilterError> {
        let at = self.at;
        self.values += 1;
        if self.values > MAX_VALUES {
            return refuse(at, format!("more than {MAX_VALUES} values"));
        }
        if self.peek() == Some('"') {
            return Ok(Value { at, text: self.quoted()? });
        }
        let text = self.take(|c| !c.is_whitespace() && c != ',' && c != '"');
        match self.peek() {
            Some('"') => {
                refuse(self.at, "a quote begins a value; write \\\" for one inside quotes")
            }
            _ if text.is_empty() => refuse(at, "a value is missing"),
            Some(_) | None => Ok(Value { at, text }),
        }
    }
}

/// One of the words of a list.
fn one_of<T: FromStr + ToString + Copy>(
    what: &str,
    value: &Value,
    all: &[T],
) -> Result<T, FilterError> {
    let Ok(known) = value.text.to_ascii_lowercase().parse() else {
        let all: Vec<_> = all.iter().map(ToString::to_string).collect();
        let meant = words::nearest(&value.text, all.iter().map(String::as_str));
        let meant =
            meant.map_or_else(|| ".".to_owned(), |meant| format!("; did you mean {meant}?"));
        let reason =
            format!("{what}:{} is not known{meant} There are {}", value.text, all.join(", "));
        return refuse(value.at, reason);
    };
    Ok(known)
}

fn name<T, E>(
    what: &str,
    value: &Value,
    parse: impl Fn(String) -> Result<T, E>,
) -> Result<T, FilterError> {
    parse(value.text.clone()).or_else(|_| {
        let reason =
            format!("{:?} is no name of {what}: 1 to 64 of a-z, 0-9 and _ are allowed", value.text);
        refuse(value.at, reason)
    })
}

fn text(value: &Value) -> Result<String, FilterError> {
    if value.text.is_empty() {
        return refuse(value.at, "a value is missing");
    }
    Ok(value.text.clone())
}

fn id(value: &Value) -> Result<i64, FilterError> {
    number("job", value)
}

/// The id of such a thing.
fn number(of: &str, value: &Value) -> Result<i64, FilterError> {
    let digits = value.text.trim_start_matches('#');
    match digits.parse() {
        Ok(id) if id > 0 => Ok(id),
        _ => refuse(value.at, format!("{:?} is no {of}'s id, which is a number", value.text)),
    }
}

fn count(value: &Value) -> Result<u32, FilterError> {
    value.text.parse().or_else(|_| refuse(value.at, format!("{:?} is no number", value.text)))
}

fn length(value: &Value) -> Result<Length, FilterError> {
    Length::parse(&value.text).map_or_else(
        || {
            refuse(
                value.at,
                format!("{:?} is no length of time, such as 90s, 10m or 1h30m", value.text),
            )
        },
        Ok,
    )
}

fn moment(value: &Value) -> Result<Moment, FilterError> {
    let reason = || {
        format!(
            "{:?} is neither a length of time, such as 2h or 3d, nor an instant, such as 2026-11-21 or 2026-11-21T08:00:00Z",
            value.text
        )
    };
    Moment::parse(&value.text).map_or_else(|| refuse(value.at, reason()), Ok)
}

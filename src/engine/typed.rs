//! Between JSON and the application's own types: from the payload to the input, from the output to the outcome.

use crate::error::{Code, Error, Result};
use crate::model::{Job, JobError, Outcome};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The payload of a job as `T`; an error says which field does not fit.
pub(super) fn payload<T: DeserializeOwned>(job: &Job) -> Result<T> {
    serde_json::from_str(&job.payload).map_err(|error| {
        let place = place(&job.payload, error.line(), error.column());
        let doing = format!("read {place} of job {} ({})", job.id, job.kind);
        Error::new(Code::ModelInvalid, doing).because(error)
    })
}

/// What the answer of a handler of a payload type means to the engine.
pub(super) fn outcome<Output: Serialize>(answer: Result<Output, Outcome>) -> Outcome {
    match answer.map(serde_json::to_value) {
        Ok(Ok(result)) => Outcome::Done(result),
        // The work is done. A second attempt would give the same output, which is no JSON.
        Ok(Err(error)) => {
            let doing = "store the handler's output as JSON";
            Outcome::Fatal(JobError::from(Error::new(Code::ModelInvalid, doing).because(error)))
        }
        Err(outcome) => outcome,
    }
}

/// A step from a JSON value to one inside of it.
enum Step<'a> {
    Key(&'a str),
    Item(usize),
}

/// Where in a JSON text the parser stopped, in words: `the payload's orders[2].item`, or `the payload`.
///
/// `line` and `column` count from 1, a column is a byte. Serde's own message names a field that is missing or unknown,
/// but neither one of the wrong type nor where in the payload it is.
fn place(text: &str, line: usize, column: usize) -> String {
    let lines = text.split_inclusive('\n').take(line.saturating_sub(1));
    let stop = lines.map(str::len).sum::<usize>() + column;
    let mut words = String::new();
    for step in path(&text[..text.floor_char_boundary(stop)]) {
        match step {
            Step::Key("") => {}
            Step::Key(key) if words.is_empty() => words.push_str(key),
            Step::Key(key) => words.extend([".", key]),
            Step::Item(index) => words.extend(["[", &index.to_string(), "]"]),
        }
    }
    if words.is_empty() { "the payload".into() } else { format!("the payload's {words}") }
}

/// The steps to the value in which the beginning of a JSON text ends.
fn path(mut text: &str) -> Vec<Step<'_>> {
    let mut path = Vec::new();
    let mut string = "";
    while let Some(at) = text.find(['"', '{', '[', ':', ',', '}', ']']) {
        let (mark, rest) = (text.as_bytes()[at], &text[at + 1..]);
        text = rest;
        match (mark, path.last_mut()) {
            (b'"', _) => {
                let end = end_of_string(rest);
                string = &rest[..end];
                text = rest.get(end + 1..).unwrap_or_default();
            }
            (b'{', _) => path.push(Step::Key("")),
            (b'[', _) => path.push(Step::Item(0)),
            (b':', Some(key)) => *key = Step::Key(string),
            (b',', Some(Step::Item(index))) => *index += 1,
            (b',', Some(key)) => *key = Step::Key(""),
            (b'}' | b']', _) => drop(path.pop()),
            _ => {}
        }
    }
    path
}

/// Where the quote is that ends the string which `text` begins in.
fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read from JSON")]
    struct Letter {
        to: String,
        #[serde(default)]
        lines: Vec<Line>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read from JSON")]
    struct Line {
        text: String,
        size: u8,
    }

    /// The error text of a payload that is no letter.
    fn complaint(text: &str) -> String {
        let error = serde_json::from_str::<Letter>(text).unwrap_err();
        format!("{}: {error}", place(text, error.line(), error.column()))
    }

    #[test]
    fn the_complaint_names_the_field_wherever_it_is() {
        for (text, words) in [
            (r#"{"to":5}"#, "the payload's to: invalid type: integer `5`"),
            (r#"{"to":[1,2]}"#, "the payload's to: invalid type: sequence"),
            (r#"{"to":{"a":1}}"#, "the payload's to: invalid type: map"),
            (r#"{"to":null,"lines":[]}"#, "the payload's to: invalid type: null"),
            (r"{}", "the payload: missing field `to`"),
            (r#""ada""#, "the payload: invalid type: string \"ada\", expected struct Letter"),
            (r#"{"to":"a","form":1}"#, "the payload: unknown field `form`"),
            (r#"{"to":"a","lines":7}"#, "the payload's lines: invalid type: integer `7`"),
            (
                "{\n  \"to\": \"\\\"},\\\\\",\n  \"lines\": [\n    {\"text\": \"ü\", \"size\": 300}\n  ]\n}",
                "the payload's lines[0].size: invalid value: integer `300`, expected u8",
            ),
            (
                r#"{"lines":[{"text":"a","size":1},{"text":"b"}],"to":"x"}"#,
                "the payload's lines[1]: missing field `size`",
            ),
        ] {
            let said = complaint(text);
            assert!(said.starts_with(words), "{text}: {said}");
        }
    }

    #[test]
    fn a_place_that_the_text_does_not_have_is_the_whole() {
        for text in ["", "\"", "{\"a", "\"\\", "]]}", ":,"] {
            for column in 0..6 {
                place(text, 1, column);
                place(text, 7, column);
            }
        }
        assert_eq!(place(r#"{"a":1}"#, 0, 0), "the payload");
    }

    #[test]
    fn an_output_that_is_no_json_fails_the_job_for_good() {
        let answer = Ok(std::collections::BTreeMap::from([((1, 2), 3)]));
        let Outcome::Fatal(error) = outcome(answer) else { panic!("not fatal") };
        assert_eq!(error.code, Code::ModelInvalid.as_str());
        assert!(error.message.contains("key must be a string"), "{}", error.message);
    }
}

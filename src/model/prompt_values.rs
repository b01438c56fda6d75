//! The parameters of a prompt file: which ones it declares, and its text with their values.
//!
//! A file that takes parameters begins with three lines: `---`, `parameters: customer, days`, and `---`. In its text
//! `{{customer}}` stands for the value. A file that does not begin so is taken as it is, byte for byte.
//!
//! *Invariant:* a value is data. It is put in once; what it contains is not looked through for placeholders.

use super::{Json, Kind};
use crate::error::{Code, Error, Result};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The longest value, in bytes.
const MAX_VALUE: usize = 4 * 1024;
/// The most values of one request.
const MAX_VALUES: usize = 32;
#[cfg(any(feature = "agents", test))]
const MARK: &str = "---";

/// Values by the names of parameters.
pub type PromptValues = BTreeMap<String, String>;

/// Says what keeps values from being those of any prompt file.
pub(crate) fn unfit(values: &PromptValues) -> Option<&'static str> {
    if values.len() > MAX_VALUES {
        return Some("a prompt file takes 32 values at most");
    }
    if !values.keys().all(|name| is_name(name)) {
        return Some("the name of a value is 1 to 64 letters, digits and _");
    }
    let is_long = values.values().any(|value| value.len() > MAX_VALUE);
    is_long.then_some("a value of a prompt file has 4 KiB at most")
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=64).contains(&name.len()) && name.chars().all(fits)
}

/// The input of a session with these values in the place of its own.
///
/// # Errors
/// `JOB-VALUE-001` if there are values and the job is no session, or its input is too long with them.
pub(crate) fn with_values(kind: &Kind, payload: &Json, set: &PromptValues) -> Result<Json> {
    if set.is_empty() {
        return Ok(payload.clone());
    }
    let mut input = payload.value();
    let members = input.as_object_mut().filter(|_| *kind == Kind::AGENT_SESSION);
    let Some(members) = members else {
        let why = format!("a job of kind {kind} takes no values of a prompt");
        return Err(Error::new(Code::ModelInvalid, why));
    };
    let own = members.entry("set").or_insert_with(|| Value::Object(Map::new()));
    if !own.is_object() {
        *own = Value::Object(Map::new());
    }
    if let Some(own) = own.as_object_mut() {
        own.extend(set.iter().map(|(name, value)| (name.clone(), value.as_str().into())));
    }
    Json::of(&input)
}

/// The text of a prompt file with these values.
///
/// # Errors
/// Why it cannot have them: a parameter without a value, a value without a parameter, a placeholder that is not declared.
#[cfg(any(feature = "agents", test))]
pub(crate) fn filled(text: &str, values: &PromptValues) -> Result<String, String> {
    let Some((names, body)) = declared(text)? else {
        return match values.keys().next() {
            Some(name) => Err(format!("it takes no value {name:?}: it declares no parameters")),
            None => Ok(text.to_owned()),
        };
    };
    if let Some(name) = values.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(format!("it takes no value {name:?}; it takes {}", names.join(", ")));
    }
    if let Some(name) = names.iter().find(|name| !values.contains_key(**name)) {
        return Err(format!("it needs a value of {name:?}"));
    }
    let mut filled = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(start) = rest.find("{{") {
        let inside = &rest[start + 2..];
        let name = inside.find("}}").map(|end| &inside[..end]);
        let Some(name) = name.filter(|name| is_name(name.trim())) else {
            // No placeholder, such as two braces of a program's text.
            filled.push_str(&rest[..start + 2]);
            rest = inside;
            continue;
        };
        let value = values.get(name.trim());
        let value = value.ok_or_else(|| format!("it does not declare its {:?}", name.trim()))?;
        filled.push_str(&rest[..start]);
        filled.push_str(value);
        rest = &inside[name.len() + 2..];
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The names of the parameters that the text of a prompt file declares.
///
/// # Errors
/// Why they cannot be read.
#[cfg(feature = "agents")]
pub(crate) fn parameters(text: &str) -> Result<Vec<String>, String> {
    let names = declared(text)?.map(|(names, _)| names).unwrap_or_default();
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// The names of the parameters and the text after them; `None` for a file that declares none.
#[cfg(any(feature = "agents", test))]
fn declared(text: &str) -> Result<Option<(Vec<&str>, &str)>, String> {
    let mut lines = text.split_inclusive('\n');
    let (first, second, third) = (lines.next(), lines.next(), lines.next());
    let names = second.and_then(|line| line.trim().strip_prefix("parameters:"));
    let (Some(MARK), Some(names)) = (first.map(str::trim_end), names) else { return Ok(None) };
    if third.map(str::trim_end) != Some(MARK) {
        return Err("the line after its parameters is not ---".to_owned());
    }
    let names: Vec<_> = names.split(',').map(str::trim).collect();
    if let Some(name) = names.iter().find(|name| !is_name(name)) {
        return Err(format!("its parameter {name:?} is not named by letters, digits and _"));
    }
    let head: usize = [first, second, third].into_iter().flatten().map(str::len).sum();
    Ok(Some((names, &text[head..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> PromptValues {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    const FILE: &str = "---\nparameters: who, days\n---\nLook at {{who}}, {{ days }} days. {{who}} {a} {{ {{a b}}\n";

    #[test]
    fn a_value_is_put_in_once_and_never_read_for_placeholders() {
        let given = values(&[("who", "{{days}} {{x}}"), ("days", "}}{{who")]);
        let wanted = "Look at {{days}} {{x}}, }}{{who days. {{days}} {{x}} {a} {{ {{a b}}\n";
        assert_eq!(filled(FILE, &given).unwrap(), wanted);
    }

    #[test]
    fn a_file_without_parameters_is_taken_as_it_is() {
        for text in [
            "",
            "look {{here}}",
            "---\ntitle: x\n---\n{{x}}",
            "---\n",
            "x\n---\nparameters: a\n---\n",
        ] {
            assert_eq!(filled(text, &values(&[])).unwrap(), text);
        }
        let why = filled("look", &values(&[("who", "x")])).unwrap_err();
        assert_eq!(why, "it takes no value \"who\": it declares no parameters");
    }

    #[test]
    fn what_is_missing_unknown_or_not_declared_is_refused_by_name() {
        let missing = filled(FILE, &values(&[("who", "x")])).unwrap_err();
        assert_eq!(missing, "it needs a value of \"days\"");
        let unknown = filled(FILE, &values(&[("who", ""), ("days", ""), ("x", "")])).unwrap_err();
        assert_eq!(unknown, "it takes no value \"x\"; it takes who, days");
        let odd = filled("---\nparameters: a\n---\n{{b}}", &values(&[("a", "")])).unwrap_err();
        assert_eq!(odd, "it does not declare its \"b\"");
        for (text, says) in
            [("---\nparameters: a\nb", "is not ---"), ("---\nparameters: a b\n---\n", "\"a b\"")]
        {
            assert!(filled(text, &values(&[("a", "")])).unwrap_err().contains(says), "{text}");
        }
    }

    #[test]
    fn names_and_values_have_bounds() {
        assert_eq!(unfit(&values(&[("a_1", "")])), None);
        assert!(unfit(&values(&[("a-b", "")])).is_some() && unfit(&values(&[("", "")])).is_some());
        assert!(unfit(&values(&[("a", &"x".repeat(MAX_VALUE + 1))])).is_some());
        let many = (0..=MAX_VALUES).map(|n| (format!("n{n}"), String::new())).collect();
        assert!(unfit(&many).is_some());
    }
}

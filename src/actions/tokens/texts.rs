//! Reading what people type about a token: its name, its scopes and its end.

use super::super::{length, people};
use crate::error::{Code, Error, Result};
use crate::model::{Kind, Power, Queue, Scope};
use std::time::Duration;

/// How long a token counts of which nothing else is said.
pub const DEFAULT_LIFE: Duration = Duration::from_hours(90 * 24);
/// The longest time that a token may count: a leap year.
const LONGEST_LIFE: Duration = Duration::from_hours(366 * 24);
/// The longest name, in characters.
const MAX_NAME: usize = 64;

/// Reads the name of a token.
///
/// # Errors
/// `JOB-VALUE-001` for any other text than 1 to 64 of a-z, A-Z, 0-9, `.`, `_` and `-`.
pub fn parse_name(text: &str) -> Result<String> {
    let name = text.trim();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(fits) {
        return Ok(name.to_owned());
    }
    let takes = "it has 1 to 64 characters of a-z, A-Z, 0-9, ., _ and -";
    Err(Error::new(Code::ModelInvalid, format!("take the name {name:?} for a token: {takes}")))
}

/// Reads what a token may do: scopes, or a role, which is short for all scopes of that role; and the only kinds and queues,
/// if there are to be such. Words have commas or spaces between them.
///
/// # Errors
/// `JOB-VALUE-001` for a word that is no scope, role, kind or queue, for no scope at all, and for scopes beside a role.
pub fn parse_power(
    scopes: &str,
    role: Option<&str>,
    kinds: Option<&str>,
    queues: Option<&str>,
) -> Result<Power> {
    let chosen = words(scopes).map(parse_scope).collect::<Result<Vec<_>>>()?;
    let mut scopes = match (role, chosen.is_empty()) {
        (Some(role), true) => Scope::of_role(people::parse_role(role)?),
        (None, false) => chosen,
        (None, true) => return refused("name what it may do: scopes, or a role"),
        (Some(_), false) => return refused("name its scopes or a role, not both"),
    };
    scopes.sort_unstable();
    scopes.dedup();
    Ok(Power { scopes, kinds: list(kinds, Kind::parse)?, queues: list(queues, Queue::parse)? })
}

/// Reads how long a token is to count: a length of time of at most a year, nothing for 90 days, or `endless`.
///
/// # Errors
/// `JOB-VALUE-001` for any other text, and for a length beside `endless`.
pub fn parse_life(text: Option<&str>, endless: bool) -> Result<Option<Duration>> {
    let doing = "make a token";
    match (text, endless) {
        (None, true) => Ok(None),
        (Some(_), true) => refused("it has an end or none, not both"),
        (None, false) => Ok(Some(DEFAULT_LIFE)),
        (Some(text), false) => match length(text, doing)? {
            life if life > LONGEST_LIFE => refused(
                "it would count for more than a year; one without an end is asked for by name",
            ),
            life => Ok(Some(life)),
        },
    }
}

fn parse_scope(word: &str) -> Result<Scope> {
    word.parse().map_err(|()| {
        let all = Scope::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ");
        Error::new(Code::ModelInvalid, format!("take the scope {word:?}: there are {all}"))
    })
}

/// The names in a list, each once; `None` if there is no list.
fn list<T: Ord>(text: Option<&str>, parse: impl Fn(String) -> Result<T>) -> Result<Option<Vec<T>>> {
    let Some(text) = text else { return Ok(None) };
    let mut names = words(text).map(|word| parse(word.to_owned())).collect::<Result<Vec<_>>>()?;
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return refused("a list of kinds or queues names at least one");
    }
    Ok(Some(names))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ' ']).map(str::trim).filter(|word| !word.is_empty())
}

fn refused<T>(why: &str) -> Result<T> {
    Err(Error::new(Code::ModelInvalid, format!("make a token: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_is_read_as_people_type_it() {
        let power =
            parse_power("jobs:write, jobs:read,jobs:read", None, Some("b a"), None).unwrap();
        assert_eq!(power.scopes, [Scope::JobsRead, Scope::JobsWrite]);
        let kinds = power.kinds.unwrap();
        assert_eq!(kinds.iter().map(Kind::as_str).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(power.queues, None);
        let viewer = parse_power("", Some("viewer"), None, None).unwrap();
        assert!(viewer.scopes.iter().all(|scope| scope.as_str().ends_with(":read")));
        let admin = parse_power("", Some("admin"), None, None).unwrap();
        assert_eq!(admin.scopes, Scope::ALL);
        for (scopes, role, kinds) in [
            ("", None, None),
            ("jobs:read", Some("viewer"), None),
            ("jobs", None, None),
            ("", Some("root"), None),
            ("jobs:read", None, Some("Odd Kind")),
            ("jobs:read", None, Some(" , ")),
        ] {
            let refused = parse_power(scopes, role, kinds, None).unwrap_err();
            assert_eq!(refused.code(), Code::ModelInvalid, "{scopes} {role:?} {kinds:?}");
        }
    }

    #[test]
    fn a_token_ends_after_90_days_unless_somebody_says_otherwise() {
        assert_eq!(parse_life(None, false).unwrap(), Some(Duration::from_hours(90 * 24)));
        assert_eq!(parse_life(Some("12h"), false).unwrap(), Some(Duration::from_hours(12)));
        assert_eq!(parse_life(None, true).unwrap(), None);
        for (text, endless) in [(Some("12h"), true), (Some("367d"), false), (Some("soon"), false)] {
            assert!(parse_life(text, endless).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_name_is_a_word_of_at_most_64_characters() {
        assert_eq!(parse_name(" shop-backend_2.0 ").unwrap(), "shop-backend_2.0");
        for bad in ["", "a b", "ä", &"x".repeat(65)] {
            assert!(parse_name(bad).is_err(), "{bad}");
        }
    }
}

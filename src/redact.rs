//! The redactor takes secrets out of every text before it reaches a sink: log rows, standard error, job errors, issues.
//!
//! It is a service of the process, and the only one on the lowest layer: [`redactor`] answers the one redactor there is,
//! whose list of secrets grows while the process runs. [`Redactor::learn_environment`] fills it when a program starts,
//! and a token is learned each time it is read ([`Redactor::learn`]); nothing else changes it, and it never answers what
//! it was told. Every sink calls the service itself, because a sink that had to be handed a redactor could be forgotten.
//!
//! What it replaces by `[redacted]`: secrets it was told at run time, texts of a secret's shape (the formats of
//! `redact/formats.txt`, JWT, PEM keys, `Bearer`, URLs with userinfo), values of fields whose name says so (`password=`,
//! `"api_key": `, `Cookie: `), and long runs of letters and digits that follow each other by chance. It works line by line
//! in one pass over the bytes that can begin a match, answers a borrowed text when there is none, and [`RedactStream`] does
//! the same to a text that arrives in pieces.
//!
//! What it does not see: a secret in hex, percent or reversed form, a part of a secret, a field's value on the line after
//! its name, and a short secret of no known shape in a sentence. Error codes, ids, hashes, UUIDs and paths stay.

mod bytes;
mod chance;
mod field;
mod format;
mod names;
mod pair;
mod shape;
mod stream;

pub use stream::RedactStream;

use crate::model::NewLogRow;
use bytes::Hit;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::sync::{LazyLock, PoisonError, RwLock};

/// Whether a variable of the environment is secret: its name says so, and its value is no path, as that of `PWD` is.
pub(crate) fn is_secret_variable(name: &str, value: &str) -> bool {
    names::is_secret_name(name.as_bytes()) && !value.starts_with('/')
}

/// What stands in a secret's place.
pub const REDACTED: &str = "[redacted]";
/// Shortest secret that is looked for, in bytes: a shorter one would tear holes into ordinary words.
const MIN_SECRET: usize = 8;
/// Most secrets that are looked for, each in two spellings; the oldest goes first. A server has a handful, and more
/// only while they are rotated.
const MAX_SECRETS: usize = 64;

/// Replaces secrets by [`REDACTED`]. Knows the shapes of tokens by itself, and secrets that it is told.
#[derive(Default)]
pub struct Redactor {
    /// As they are and as they look inside a JSON string.
    secrets: RwLock<Vec<String>>,
}

/// The redactor of this process. A secret that one part of the process knows is kept out of every sink of all parts.
pub fn redactor() -> &'static Redactor {
    static SHARED: LazyLock<Redactor> = LazyLock::new(Redactor::default);
    &SHARED
}

impl Redactor {
    /// Looks for this secret from now on, line by line if it has several lines. A secret shorter than 8 bytes is ignored.
    pub fn learn(&self, secret: &str) {
        let mut secrets = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        for line in secret.lines().map(str::trim).filter(|line| line.len() >= MIN_SECRET) {
            let quoted = Value::from(line).to_string();
            let quoted = &quoted[1..quoted.len() - 1];
            for spelling in [line, quoted] {
                if !secrets.iter().any(|known| known == spelling) {
                    secrets.push(spelling.to_owned());
                }
            }
        }
        let surplus = secrets.len().saturating_sub(2 * MAX_SECRETS);
        secrets.drain(..surplus);
    }

    /// Looks for the values of those environment variables whose names say that they are secret, as `GITHUB_TOKEN`
    /// and `LAMPLIGHTER_ADMIN_PASSWORD` do.
    pub fn learn_environment(&self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in variables {
            if is_secret_variable(&name, &value) {
                self.learn(&value);
            }
        }
    }

    /// The text without secrets; borrowed if there was none.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut within = Within::default();
        let mut changed: Option<String> = None;
        let mut done = 0;
        for line in text.split_inclusive('\n') {
            match (self.line(line, &mut within), &mut changed) {
                (Cow::Borrowed(_), None) => {}
                (Cow::Borrowed(same), Some(out)) => out.push_str(same),
                (Cow::Owned(new), None) => changed = Some(text[..done].to_owned() + &new),
                (Cow::Owned(new), Some(out)) => out.push_str(&new),
            }
            done += line.len();
        }
        changed.map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// Takes the secrets out of a text in place.
    pub fn clean(&self, text: &mut String) {
        if let Cow::Owned(new) = self.text(text) {
            *text = new;
        }
    }

    /// Takes the secrets out of a JSON value: out of its texts, and every value whose name says that it is secret.
    pub fn clean_json(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.clean(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.clean_json(item)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.clean_json(value);
                    if names::is_secret_name(name.as_bytes()) && is_secret_value(value) {
                        *value = REDACTED.into();
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Takes the secrets out of every column of a log row.
    pub fn clean_row(&self, row: &mut NewLogRow) {
        self.clean(&mut row.source);
        self.clean(&mut row.message);
        let columns = [&mut row.correlation_id, &mut row.user_id, &mut row.request_path];
        for text in columns.into_iter().flatten() {
            self.clean(text);
        }
        if let Some(extra) = &mut row.extra_data
            && let Cow::Owned(redacted) = self.text(extra)
        {
            // JSON is redacted value by value, so that it stays JSON; everything else is redacted as text.
            *extra = match serde_json::from_str(extra) {
                Ok(mut value) => {
                    self.clean_json(&mut value);
                    value.to_string()
                }
                Err(_) => redacted,
            };
        }
    }

    /// One line, with or without its line break. A line that is the inside of a PEM key becomes nothing.
    fn line<'a>(&self, line: &'a str, within: &mut Within) -> Cow<'a, str> {
        let known = self.without_known(line);
        match shapeless(&known, within) {
            Some(new) => Cow::Owned(new),
            None => known,
        }
    }

    fn without_known<'a>(&self, line: &'a str) -> Cow<'a, str> {
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = Cow::Borrowed(line);
        for secret in secrets.iter() {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), REDACTED));
            }
        }
        text
    }
}

/// Says how many secrets it knows, never which.
impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.secrets.read().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("Redactor").field("known", &known).finish_non_exhaustive()
    }
}

/// What a line is inside of.
#[derive(Clone, Copy, Debug, Default)]
struct Within {
    /// A PEM key that began on an earlier line.
    key: bool,
}

fn is_secret_value(value: &Value) -> bool {
    match value {
        Value::String(text) => !names::is_harmless(text.as_bytes()),
        Value::Number(_) => true,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// The line without what has the shape of a secret; `None` if it has none.
fn shapeless(line: &str, within: &mut Within) -> Option<String> {
    let mut out = None;
    let mut from = 0;
    if within.key {
        let inside = shape::inside_key(line);
        within.key = inside.goes_on;
        if inside.end > 0 {
            out = Some(String::new());
            from = inside.end;
        }
    }
    let mut search = shape::Search::new(line);
    while let Some(Hit { at, quote, opens_key }) = search.next(from) {
        within.key |= opens_key;
        let out = out.get_or_insert_with(String::new);
        for part in [&line[from..at.start], quote, REDACTED, quote] {
            out.push_str(part);
        }
        from = at.end;
    }
    out.map(|out| out + &line[from..])
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::{grows_from_to, grows_with_its_length};

    /// Pieces at whose every copy a secret seems to begin, and none does.
    const PIECES: &[&str] = &[
        "sk-",
        "sk-a-",
        "eyJ-",
        "eyJa.eyJ-",
        "eyJhbGciOiJub.eyJ",
        "ghp_",
        "AKIA",
        "AIza",
        "xoxb-",
        "/setup/",
        "lamplighter=",
        "npm_",
        "sk-ant-",
        "sk_live_",
        "github_pat_",
        "glpat-",
        "Bearer ",
        "Basic ",
        "pwd=${",
        "pwd=${pwd=${",
        "pwd=<",
        "pwd='<",
        "password={",
        "pwd=\"<",
        "pwd: ",
        "a token: ",
        "a token: \"",
        "a token: 'x",
        "token=\\\"",
        "password=",
        "password:",
        "password=a,",
        "pwd=***,",
        "pwd=*",
        "pwd = a.b(",
        "secret=[",
        "Some(",
        "x_token=Some(",
        "Cookie: ",
        "cookie:",
        "Set-Cookie: a ",
        "cookie: \"",
        "Authorization: ",
        "authorization:'",
        "Authorization: Bearer {",
        "Authorization: Digest ",
        "Authorization: \"Bearer <",
        "-",
        "--",
        "_--",
        "--token ",
        "--token ${",
        "--pwd,${",
        "--pwd '${",
        "--a--",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\"",
        "-----END ",
        "-----END -----BEGIN PRIVATE KEY-----\"",
        "://",
        "://a:",
        "://a:b",
        "https://a:b/",
        "://a@",
        "://\u{1b}",
        "://a:b1c2d3/",
        "value=",
        "name=\"pwd\" value=\"",
        "<password>",
        "[\"pwd\",\"",
        "[\"pwd\",\"a1b2c3",
        "\"pwd\",",
        "<pwd>x<",
        "pass=",
        "sig=a1b2c3(",
        "q7Rz2mKx9Lw4Tb8Vn3Jc6Hd1Fg5Ps0Y ",
        "a_",
        "sha256-",
        "/-pa1b2c3",
        "sshpass -p ${",
        "identified by '[redacted",
        "curl /-u a:b1c",
        "\u{1b}[0m",
        "\u{1b}[0mg",
        "pwd=\u{1b}[0m",
        "\u{1b}[",
        "1;m",
        "=",
        ":",
        ": ",
        " :",
        "a=",
        "\"",
        "\\",
        "\\\"",
        "'",
        "a",
        "aB3",
        "Z",
        "0",
        " ",
        "  =",
        ",",
        ", a",
        "<",
        "<a",
        "[redacted]",
        "ä",
        "\u{0}",
    ];

    #[test]
    fn time_grows_with_the_length_whatever_a_text_repeats() {
        let redactor = Redactor::default();
        for piece in PIECES {
            grows_with_its_length(piece, piece, |text| drop(redactor.text(text)));
        }
    }

    #[test]
    fn time_grows_with_the_length_where_a_text_ends_otherwise_than_it_begins() {
        let redactor = Redactor::default();
        for piece in PIECES {
            let text = |length: usize| {
                let half = length / 2;
                piece.repeat(half / piece.len()) + &"-----END x".repeat(half / 10)
            };
            grows_from_to(piece, text, |text| drop(redactor.text(text)));
        }
    }

    #[test]
    fn time_grows_with_the_length_where_each_copy_has_more_backslashes() {
        let text = |length: usize| {
            let copies = (1..).map(|n| format!("a token: {}\"x", "\\".repeat(n)));
            let mut text = String::new();
            copies
                .take_while(|copy| {
                    text.push_str(copy);
                    text.len() < length
                })
                .for_each(drop);
            text
        };
        grows_from_to("backslashes", text, |text| drop(Redactor::default().text(text)));
    }
}

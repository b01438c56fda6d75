//! What a row says, as words that signs are looked for in.

use super::build::{
    advises, ends_in_an_act, names_exception, names_person, names_two_versions, names_version,
    quotes, tells_duration,
};
use super::status::http_status;
use crate::model::Level;
use crate::monitor::template::has_trace;

/// What is known of rows that say the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    pub(super) source: &'a str,
    pub(super) level: Level,
    /// The message without its values.
    pub(super) template: &'a str,
    /// One of the messages.
    pub(super) sample: &'a str,
}

/// Endings of files that hold settings.
const SETTINGS_FILES: &[&str] =
    &[".yaml", ".yml", ".toml", ".ini", ".conf", ".cfg", ".properties", ".env"];
/// Last parts of names with dots that are no names of settings.
const OTHER_NAMES: &[&str] = &[
    "com", "org", "net", "io", "dev", "example", "local", "lan", "internal", "service", "socket",
    "timer", "mount",
];

/// What stands around the name of a setting.
const AROUND: [char; 7] = ['"', '\'', '`', '[', ']', ':', ','];

impl Said<'_> {
    /// The words of the template in lower case, and behind them marks for what its values, its level and its source tell.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        for clause in self.template.split([',', ';', '(', ')']).flat_map(|part| part.split(". ")) {
            // `LAMP_RETRY_MODE` tells of no retry.
            let said = clause.split(' ').filter(|word| !names_setting(word.trim_matches(AROUND)));
            let found =
                said.flat_map(|word| word.split(|c: char| !c.is_alphanumeric() && c != '\''));
            let found = found.filter(|word| !word.is_empty()).flat_map(apart).flat_map(whole);
            // `see the manual` is a pointer.
            let points = |word: &String| ["see", "consult", "refer"].contains(&word.as_str());
            words.extend(found.take_while(|word| !points(word)));
        }
        words.extend(self.marks().into_iter().map(str::to_owned));
        let source = self.source.split(|c: char| !c.is_alphanumeric());
        words.extend(source.map(|part| format!("source:{}", part.to_lowercase())));
        words
    }

    fn marks(&self) -> Vec<&'static str> {
        let line = self.sample.lines().next().unwrap_or_default();
        let parts = || line.split(|c: char| c.is_whitespace() || "\"'`(),;[]".contains(c));
        let is_config = |word: &str| SETTINGS_FILES.iter().any(|end| word.ends_with(end));
        let is_path = |word: &str| word.len() > 1 && word.starts_with('/');
        let status = http_status(self.template, self.sample);
        let marks = [
            (self.level == Level::Critical, "mark:critical"),
            (self.level == Level::Error, "mark:error"),
            (has_trace(self.sample), "mark:trace"),
            (status.is_some_and(|status| status < 500), "mark:4xx"),
            (status.is_some_and(|status| status >= 500), "mark:5xx"),
            (parts().any(names_setting), "mark:setting"),
            (advises(line), "mark:advice"),
            (names_version(line), "mark:version"),
            (names_two_versions(line), "mark:successor"),
            (names_exception(line), "mark:exception"),
            (line.split(|c: char| !(c.is_ascii_digit() || c == '.')).any(is_ip), "mark:address"),
            (parts().flat_map(|part| part.split(':')).any(is_config), "mark:settings-file"),
            (quotes(line), "mark:quoted"),
            (!line.starts_with('{') && line.contains("; "), "mark:clauses"),
            (tells_duration(line), "mark:duration"),
            (names_person(line), "mark:person"),
            (ends_in_an_act(line), "mark:act"),
            (line.split_whitespace().any(is_path), "mark:path"),
            (parts().any(|word| word == "0"), "mark:zero"),
        ];
        marks.into_iter().filter_map(|(holds, mark)| holds.then_some(mark)).collect()
    }
}

/// A word in lower case; a name like `InvalidArgument` also as the words that it is made of.
fn apart(word: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut lower = false;
    for c in word.chars() {
        if c.is_uppercase() && lower {
            parts.push(String::new());
        }
        lower = c.is_lowercase();
        if let Some(last) = parts.last_mut() {
            last.extend(c.to_lowercase());
        }
    }
    if parts.len() > 1 {
        parts.insert(0, parts.concat());
    }
    parts
}

/// The two words that a word like `isn't` is.
fn whole(word: String) -> Vec<String> {
    match word.strip_suffix("n't") {
        Some("ca") => vec!["cannot".to_owned()],
        Some("wo") => vec!["will".to_owned(), "not".to_owned()],
        Some(verb) => vec![verb.to_owned(), "not".to_owned()],
        None => vec![word],
    }
}

/// Whether a word has a name as settings have: `mail.retry_ms=4`, `--no-sync`, `APP_MODE`.
fn names_setting(word: &str) -> bool {
    let name = word.split_once('=').map_or(word, |(name, _)| name).trim_end_matches([':', '.']);
    if let Some(flag) = name.strip_prefix("--") {
        return flag.starts_with(|c: char| c.is_ascii_lowercase());
    }
    let shouted = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    if name.len() > 4 && name.contains('_') && name.bytes().all(shouted) {
        return true;
    }
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(fits);
    let Some((first, rest)) = name.split_once('.') else {
        return false;
    };
    let last = rest.rsplit('.').next().unwrap_or_default();
    let is_file = rest.len() <= 4 && !rest.contains('.') && word == name;
    first.len() > 1
        && first.starts_with(|c: char| c.is_ascii_lowercase() || matches!(c, '_' | '-'))
        && name.split('.').all(is_part)
        && !OTHER_NAMES.contains(&last)
        && !is_file
}

/// Whether a text without letters is an IPv4 address.
fn is_ip(text: &str) -> bool {
    text.split('.').count() == 4 && text.split('.').all(|part| (1..=3).contains(&part.len()))
}

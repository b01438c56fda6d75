//! `[[log_source]]`: the logs of other programs that the server follows.

use crate::error::{Code, Error, Result};
use crate::model::{LogRules, LogSource};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Most sources: each has a task, and a file is open for each.
const MAX_SOURCES: usize = 100;

/// A section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogSourceFile {
    path: Option<PathBuf>,
    journal: Option<Journal>,
    source: Option<String>,
    zone: Option<String>,
    begins: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a unit's name, or true")]
enum Journal {
    All(bool),
    Unit(String),
}

/// The sources, checked.
///
/// # Errors
/// `CONFIG-VALUE-001` with what is allowed.
pub(super) fn log_sources(written: Vec<LogSourceFile>) -> Result<Vec<LogSource>> {
    let refused =
        |what: &str| Error::new(Code::ConfigInvalid, format!("read [[log_source]]: {what}"));
    if written.len() > MAX_SOURCES {
        return Err(refused(&format!("more than {MAX_SOURCES}")));
    }
    let mut sources: Vec<LogSource> = Vec::with_capacity(written.len());
    for LogSourceFile { path, journal, source, zone, begins } in written {
        let (zone, begins) = (zone.as_deref(), begins.as_deref());
        let read = match (path, journal) {
            (Some(path), None) if !path.is_absolute() => {
                return Err(refused(&format!("{} is not an absolute path", path.display())));
            }
            (Some(path), None) => {
                if let Err(why) = check_pattern(&path) {
                    return Err(refused(&format!("{}: {why}", path.display())));
                }
                let rules = LogRules::new(zone, begins)
                    .map_err(|error| refused(&path.display().to_string()).because(error))?;
                LogSource::File { path, source, rules }
            }
            (None, Some(_)) if zone.is_some() => {
                return Err(refused(
                    "journal takes no zone: the journal knows the instant of each entry",
                ));
            }
            (None, Some(_)) if begins.is_some() => {
                return Err(refused(
                    "journal takes no begins: each entry of the journal is an event",
                ));
            }
            (None, Some(Journal::All(true))) => LogSource::Journal { unit: None, source },
            (None, Some(Journal::Unit(unit))) if is_unit(&unit) => {
                LogSource::Journal { unit: Some(unit), source }
            }
            (None, Some(Journal::All(false) | Journal::Unit(_))) => {
                return Err(refused("journal takes the name of a unit, or true"));
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err(refused("one takes either path or journal"));
            }
        };
        if sources.iter().any(|known| known.to_string() == read.to_string()) {
            return Err(refused(&format!("{read} is there twice")));
        }
        sources.push(read);
    }
    Ok(sources)
}

/// Whether a path can be used as a name or a pattern; if not, why.
fn check_pattern(path: &Path) -> std::result::Result<(), &'static str> {
    if path.exists() {
        return Ok(());
    }
    glob::Pattern::new(&path.to_string_lossy()).map(drop).map_err(|error| error.msg)
}

/// A name that `journalctl` takes for nothing else.
fn is_unit(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "@._:-\\".contains(c);
    (1..=256).contains(&name.len()) && !name.starts_with('-') && name.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Vec<LogSource>, String> {
        #[derive(Deserialize)]
        struct File {
            log_source: Vec<LogSourceFile>,
        }
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        log_sources(file.log_source).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn log_sources_are_files_or_the_journal_and_what_is_neither_is_refused() {
        let file = "[[log_source]]\npath = \"/var/log/a.log\"\nsource = \"shop\"\n\
            [[log_source]]\npath = \"/var/log/*.log\"\nzone = \"Europe/Berlin\"\nbegins = '^\\d{4}-'\n\
            [[log_source]]\njournal = true\n[[log_source]]\njournal = \"nginx.service\"";
        let expected = vec![
            LogSource::File {
                path: "/var/log/a.log".into(),
                source: Some("shop".into()),
                rules: LogRules::default(),
            },
            LogSource::File {
                path: "/var/log/*.log".into(),
                source: None,
                rules: LogRules::new(Some("Europe/Berlin"), Some(r"^\d{4}-")).unwrap(),
            },
            LogSource::Journal { unit: None, source: None },
            LogSource::Journal { unit: Some("nginx.service".into()), source: None },
        ];
        assert_eq!(load(file), Ok(expected));
        let code = Code::ConfigInvalid.as_str();
        for (bad, why) in [
            ("path = \"a.log\"", code),
            ("path = \"/var/log/[.log\"", code),
            ("path = \"/var/log/a**.log\"", code),
            ("journal = false", code),
            ("journal = \"--file=x\"", code),
            ("journal = 3", "a unit's name, or true"),
            ("source = \"x\"", code),
            ("path = \"/a\"\njournal = true", code),
            ("path = \"/a\"\n[[log_source]]\npath = \"/a\"", code),
            ("file = \"/a\"", "unknown field"),
            (
                "path = \"/a\"\nzone = \"Atlantis\"",
                "/a: read the time zone \"Atlantis\": zones are named as the IANA does",
            ),
            ("path = \"/a\"\nbegins = '['", "/a: read \"[\" as a regular expression: unclosed"),
            ("path = \"/a\"\nbegins = ''", "it is empty"),
            ("journal = true\nzone = \"UTC\"", "journal takes no zone: the journal knows"),
            ("journal = true\nbegins = '^'", "journal takes no begins: each entry"),
        ] {
            let refused = load(&format!("[[log_source]]\n{bad}")).unwrap_err();
            assert!(refused.contains(why), "{bad}: {refused}");
        }
    }
}

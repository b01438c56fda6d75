//! The tracker's token: from an environment variable or a file of the operator's, fresh for each request.

use crate::files;
use crate::model::{Failure, Reason};
use crate::redact::redactor;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The folder in which systemd puts the credentials of a service. The service alone can read them, despite their mode.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
/// Longest token, in bytes; GitHub's have at most a few hundred.
const MAX_TOKEN: u64 = 4 * 1024;

/// A secret. It has no `Debug` and no `Display`: it must not reach a log.
pub(super) struct Token(String);

impl Token {
    /// The text for the request.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// Where a token is looked for.
#[derive(Clone, Debug)]
pub struct TokenSource {
    /// The environment variable that comes before the file: [`RemoteKind::token_variable`](crate::model::RemoteKind::token_variable).
    pub variable: &'static str,
    /// How a variable is looked up: `|name| std::env::var(name).ok()`.
    pub env: fn(&str) -> Option<String>,
    /// `tracker.token_file`.
    pub file: Option<PathBuf>,
}

impl TokenSource {
    /// Says why there is no token now.
    ///
    /// # Errors
    /// [`Reason::NoToken`] with what is missing.
    pub fn check(&self) -> Result<(), Failure> {
        self.read().map(drop)
    }

    /// The token, which the redactor knows from now on. An empty one counts as not set.
    pub(super) fn read(&self) -> Result<Token, Failure> {
        let text = match (self.value_of(self.variable), &self.file) {
            (Some(text), _) => text,
            (None, Some(path)) => self.file(path)?,
            (None, None) => String::new(),
        };
        let text = text.trim();
        if text.is_empty() {
            return Err(none(format!(
                "{} and tracker.token_file are empty or not set",
                self.variable
            )));
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(none("the token has spaces or characters that no token has"));
        }
        redactor().learn(text);
        Ok(Token(text.to_owned()))
    }

    fn value_of(&self, name: &str) -> Option<String> {
        (self.env)(name).filter(|text| !text.trim().is_empty())
    }

    fn file(&self, path: &Path) -> Result<String, Failure> {
        let read = || -> io::Result<String> {
            let file = files::open(path)?;
            if !self.is_credential(path) && files::others_may_read(&file.metadata()?) {
                return Err(io::Error::other("others can read it; set its mode to 0600"));
            }
            let mut text = String::new();
            file.take(MAX_TOKEN).read_to_string(&mut text)?;
            Ok(text)
        };
        read().map_err(|error| none(format!("read {}: {error}", path.display())))
    }

    fn is_credential(&self, path: &Path) -> bool {
        self.value_of(CREDENTIALS).is_some_and(|folder| path.starts_with(folder))
    }
}

fn none(said: impl Into<String>) -> Failure {
    Failure { reason: Reason::NoToken, outcome_unknown: false, said: said.into() }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn said(source: &TokenSource) -> String {
        let failure = source.read().err().expect("no token");
        assert_eq!(failure.reason, Reason::NoToken);
        failure.said
    }

    #[test]
    fn the_variable_comes_before_the_file_and_an_empty_one_counts_as_not_set() {
        let (_folder, path) = file("ghp_from_file\n", 0o600);
        let set = TokenSource {
            variable: "GITHUB_TOKEN",
            env: |_| Some("ghp_from_env".into()),
            file: Some(path.clone()),
        };
        assert_eq!(set.read().ok().unwrap().text(), "ghp_from_env");
        let empty =
            TokenSource { variable: "GITHUB_TOKEN", env: |_| Some(" ".into()), file: Some(path) };
        assert_eq!(empty.read().ok().unwrap().text(), "ghp_from_file");
        assert!(
            TokenSource { variable: "GITHUB_TOKEN", env: |_| Some(String::new()), file: None }
                .check()
                .is_err()
        );
    }

    #[test]
    fn a_file_is_read_anew_each_time() {
        let (_folder, path) = file("ghp_first_one", 0o600);
        let source =
            TokenSource { variable: "GITHUB_TOKEN", env: |_| None, file: Some(path.clone()) };
        assert_eq!(source.read().ok().unwrap().text(), "ghp_first_one");
        fs::write(&path, "ghp_second_one").unwrap();
        assert_eq!(source.read().ok().unwrap().text(), "ghp_second_one");
        assert_eq!(redactor().text("with ghp_second_one"), "with [redacted]");
    }

    #[test]
    fn a_file_that_others_can_read_or_that_holds_no_token_is_refused() {
        for (text, mode, expected) in [
            ("ghp_x", 0o644, "0600"),
            ("ghp_x", 0o640, "0600"),
            ("", 0o600, "empty"),
            ("ghp x", 0o600, "spaces"),
            ("ghp\u{200b}x", 0o600, "no token has"),
        ] {
            let (_folder, path) = file(text, mode);
            let said =
                said(&TokenSource { variable: "GITHUB_TOKEN", env: |_| None, file: Some(path) });
            assert!(said.contains(expected) && !said.contains("ghp"), "{said}");
        }
        let missing = TokenSource {
            variable: "GITHUB_TOKEN",
            env: |_| None,
            file: Some("/nowhere/token".into()),
        };
        assert!(said(&missing).contains("/nowhere/token"));
    }
}

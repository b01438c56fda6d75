//! The tracker before it is asked: which repository, at which address, and how it can refuse.

use super::Timestamp;
use super::job::word_enum;
use crate::error::{Code, Error};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

macro_rules! remote_kinds {
    ($($(#[$doc:meta])* $kind:ident = $word:literal, $name:literal, $variable:literal, $origin:literal;)*) => {
        word_enum!(
            /// A kind of tracker elsewhere.
            RemoteKind { $($(#[$doc])* $kind = $word,)* }
        );

        impl RemoteKind {
            /// What people call it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// The environment variable that holds its token.
            pub const fn token_variable(self) -> &'static str {
                match self { $(Self::$kind => $variable,)* }
            }

            /// Its public API: `https://host`.
            const fn public_api(self) -> &'static str {
                match self { $(Self::$kind => $origin,)* }
            }
        }
    };
}

// Each kind of tracker elsewhere: its word, what people call it, the variable that holds its token, and its public API.
remote_kinds! {
    /// GitHub, or what speaks its language.
    Github = "github", "GitHub", "GITHUB_TOKEN", "https://api.github.com";
}

impl RemoteKind {
    /// The address of its public API.
    pub fn api_url(self) -> ApiUrl {
        let text = self.public_api().to_owned();
        ApiUrl { origin: text.len(), text }
    }
}

/// Longest owner, in characters; GitHub's own limit.
const MAX_OWNER: usize = 39;
/// Longest repository name, in characters; GitHub's own limit.
const MAX_REPOSITORY: usize = 100;

/// A repository on the tracker, `owner/name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository(String);

impl Repository {
    /// What [`FromStr`] takes, in words.
    pub const ALLOWED: &str = "owner/name, each of letters, digits, - . and _";

    /// `owner/name`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Repository {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |part: &str, most, more: &[u8]| {
            (1..=most).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
        };
        match text.split_once('/') {
            Some((owner, name))
                if fits(owner, MAX_OWNER, b"-_")
                    && fits(name, MAX_REPOSITORY, b"-_.")
                    && !matches!(name, "." | "..") =>
            {
                Ok(Self(text.to_owned()))
            }
            Some(_) | None => Err(Self::ALLOWED),
        }
    }
}

/// Where the tracker's API is: `https://host[:port][/path]`, or `http://` on the loopback, because a token goes there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiUrl {
    /// Without a slash at its end.
    text: String,
    /// Length of `https://host:port`.
    origin: usize,
}

impl ApiUrl {
    /// What [`FromStr`] takes, in words.
    pub const ALLOWED: &str = "https://host[:port][/path] (http:// on the loopback only)";

    /// The whole address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether what is sent there is encrypted on its way.
    pub fn is_encrypted(&self) -> bool {
        self.text.starts_with("https://")
    }

    /// The path of a full address, if it is an address of this same API.
    pub fn path_of<'a>(&self, address: &'a str) -> Option<&'a str> {
        let path = address.strip_prefix(self.as_str())?;
        path.starts_with('/').then_some(path)
    }

    /// The host that people and git clone from: `github.com` for GitHub's public API.
    pub fn web_host(&self) -> &str {
        let authority = self.text[..self.origin].split_once("://").map_or("", |(_, host)| host);
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        host.strip_prefix("api.").unwrap_or(host)
    }
}

impl Default for ApiUrl {
    /// GitHub's public API.
    fn default() -> Self {
        RemoteKind::Github.api_url()
    }
}

impl FromStr for ApiUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim_end_matches('/');
        let (scheme, rest) = text.split_once("://").ok_or(Self::ALLOWED)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            Some(_) | None => (authority, None),
        };
        let is_name = !host.is_empty()
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let ip = bare.parse::<IpAddr>().ok();
        let is_loopback = ip.map_or(host == "localhost", |ip| ip.is_loopback());
        let fits = (is_name || ip.is_some())
            && port.is_none_or(|port| port.parse::<u16>().is_ok())
            && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~".contains(&b))
            && (scheme == "https" || scheme == "http" && is_loopback);
        let origin = text.len() - path.len();
        let text = text[..origin].to_ascii_lowercase() + path;
        if fits { Ok(Self { text, origin }) } else { Err(Self::ALLOWED) }
    }
}

/// Who can read a repository's issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody.
    Public,
    /// Those whom its owner lets in.
    Private,
}

/// Why the tracker did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is no token that could be sent.
    NoToken,
    /// It does not know the token (401).
    Unauthorised,
    /// The token may not do this (403).
    Forbidden,
    /// Too many requests (403 or 429); it asks for none before this instant.
    RateLimited(Timestamp),
    /// There is no such repository or issue for this token (404).
    NotFound,
    /// It was deleted, or the repository has no issues (410).
    Gone,
    /// It is elsewhere now, and a token is not taken along (301, 302, 307, 308).
    Moved,
    /// It does not take the request's values (422, 400).
    Invalid,
    /// It is broken for now (5xx).
    Server,
    /// It could not be reached, or the answer never came.
    Network,
    /// The answer is not one of a tracker.
    Garbled,
}

impl Reason {
    /// The registered code.
    pub const fn code(self) -> Code {
        match self {
            Self::NoToken => Code::TrackerNoToken,
            Self::Unauthorised => Code::TrackerUnauthorised,
            Self::Forbidden => Code::TrackerForbidden,
            Self::RateLimited(_) => Code::TrackerLimited,
            Self::NotFound => Code::TrackerNotFound,
            Self::Gone => Code::TrackerGone,
            Self::Moved => Code::TrackerMoved,
            Self::Invalid => Code::TrackerInvalid,
            Self::Server => Code::TrackerServer,
            Self::Network => Code::TrackerNetwork,
            Self::Garbled => Code::TrackerGarbled,
        }
    }
}

/// A request that the tracker did not answer as wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub reason: Reason,
    /// Whether a write may have happened all the same; otherwise it surely did not.
    pub outcome_unknown: bool,
    /// What was said: the answer or the cause, without secrets, at most 500 characters.
    pub said: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason.code().title())?;
        if let Reason::RateLimited(until) = self.reason {
            write!(f, " until {until}")?;
        }
        if !self.said.is_empty() {
            write!(f, ": {}", self.said)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::new(failure.reason.code(), "ask the issue tracker").because(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_an_owner_and_a_name_and_nothing_that_changes_a_path() {
        for good in ["octocat/hello-world", "a_b/c.d", "A-1/.github"] {
            assert_eq!(good.parse::<Repository>().unwrap().as_str(), good);
        }
        let long = format!("{}/x", "o".repeat(40));
        let bad = ["", "x", "/x", "x/", "a/b/c", "a/..", "a/.", "a b/c", "a/b?c", "a/b#c", "a/é"];
        for bad in bad.into_iter().chain([long.as_str()]) {
            assert!(bad.parse::<Repository>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_address_is_encrypted_or_on_the_loopback() {
        for good in [
            "https://api.github.com",
            "https://git.example:8443/api/v3/",
            "http://127.0.0.1:9",
            "http://localhost",
            "http://[::1]:80/x",
        ] {
            let url: ApiUrl = good.parse().unwrap();
            assert_eq!(url.as_str(), good.trim_end_matches('/'));
        }
        for bad in [
            "",
            "api.github.com",
            "http://api.github.com",
            "http://127.0.0.1.evil.example",
            "ftp://localhost",
            "https://",
            "https://token@api.github.com",
            "https://a b",
            "https://h/?q",
            "https://h/#f",
            "https://h:99999",
        ] {
            assert!(bad.parse::<ApiUrl>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn only_an_address_below_it_is_of_the_same_api() {
        let url: ApiUrl = "https://git.example/api/v3".parse().unwrap();
        assert_eq!(url.path_of("https://git.example/api/v3/x?page=2"), Some("/x?page=2"));
        for other in [
            "https://git.example.evil/api/v3/x",
            "https://git.example/api/v30/x",
            "https://git.example/api/v3@evil/x",
            "http://git.example/api/v3/x",
            "/x",
        ] {
            assert_eq!(url.path_of(other), None, "{other}");
        }
        assert_eq!(url.web_host(), "git.example");
        assert_eq!(ApiUrl::default().web_host(), "github.com");
    }
}

//! Where the model's service is, and with which key it is asked: read from the server's environment once.

use super::endpoint::Endpoint;
use crate::error::{Code, Error, Result};
use crate::redact::redactor;
use hyper::Uri;
use hyper::header::HeaderValue;

/// The public service.
const DEFAULT: &str = "https://api.anthropic.com";
/// The variable that names another one.
pub(super) const BASE_URL: &str = "ANTHROPIC_BASE_URL";
/// A key, sent as `x-api-key`.
pub(crate) const API_KEY: &str = "ANTHROPIC_API_KEY";
/// A gateway's token, sent as `Authorization: Bearer`.
pub(super) const AUTH_TOKEN: &str = "ANTHROPIC_AUTH_TOKEN";
/// A subscription's token, sent likewise.
pub(super) const OAUTH_TOKEN: &str = "CLAUDE_CODE_OAUTH_TOKEN";

/// The address of the model's service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ModelService {
    pub(super) at: Endpoint,
    /// What stands before the path of each request; without a slash at its end.
    prefix: String,
    /// The `Host` header.
    pub(super) authority: String,
}

impl ModelService {
    /// The service that the environment names.
    ///
    /// # Errors
    /// `CONFIG-VALUE-001` for a base URL that is none.
    pub(super) fn of(env: &impl Fn(&str) -> Option<String>) -> Result<Self> {
        let text = env(BASE_URL).filter(|text| !text.is_empty());
        let text = text.as_deref().unwrap_or(DEFAULT);
        // The address may hold a password, so that it is not repeated.
        let refused = || {
            let allowed = "http://host[:port][/path] or https://host[:port][/path]";
            Error::new(Code::ConfigInvalid, format!("read {BASE_URL}: it is not {allowed}"))
        };
        Self::parse(text).ok_or_else(refused)
    }

    fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.trim().parse().ok()?;
        let at = Endpoint::of(&uri)?;
        let authority = uri.authority()?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return None;
        }
        let prefix = uri.path().trim_end_matches('/').to_owned();
        let authority = authority.as_str().to_owned();
        Some(Self { at, prefix, authority })
    }

    /// The path and query at the service for those of a request.
    pub(super) fn path_of(&self, request: &str) -> String {
        format!("{}{request}", self.prefix)
    }
}

/// What the service wants to see. No run has any of it.
///
/// It has no `Debug`, and the redactor knows each part.
#[derive(Clone, Default)]
pub(super) struct Keys {
    api_key: Option<HeaderValue>,
    auth_token: Option<HeaderValue>,
    oauth_token: Option<HeaderValue>,
}

impl Keys {
    /// The keys that the environment holds.
    ///
    /// # Errors
    /// `CONFIG-VALUE-001` for one that fits no header.
    pub(super) fn of(env: &impl Fn(&str) -> Option<String>) -> Result<Self> {
        let read = |name: &str, before: &str| -> Result<Option<HeaderValue>> {
            let value = env(name).map(|value| value.trim().to_owned());
            let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
            redactor().learn(&value);
            let mut header = HeaderValue::from_str(&format!("{before}{value}")).map_err(|_| {
                let why = format!("read {name}: it holds a character that no key holds");
                Error::new(Code::ConfigInvalid, why)
            })?;
            header.set_sensitive(true);
            Ok(Some(header))
        };
        Ok(Self {
            api_key: read(API_KEY, "")?,
            auth_token: read(AUTH_TOKEN, "Bearer ")?,
            oauth_token: read(OAUTH_TOKEN, "Bearer ")?,
        })
    }

    /// The `x-api-key` of a request.
    pub(super) fn key(&self) -> Option<HeaderValue> {
        self.api_key.clone()
    }

    /// The `Authorization` of a request. Where both are set the agent program takes a gateway's token first.
    pub(super) fn bearer(&self) -> Option<HeaderValue> {
        self.auth_token.clone().or_else(|| self.oauth_token.clone())
    }

    /// The variables that a run needs for the program to believe that it has a key.
    pub(super) fn variables(&self) -> impl Iterator<Item = &'static str> {
        let named = [
            (API_KEY, &self.api_key),
            (AUTH_TOKEN, &self.auth_token),
            (OAUTH_TOKEN, &self.oauth_token),
        ];
        named.into_iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_has_a_scheme_a_host_and_perhaps_a_port_and_a_path() {
        let parse = |text| ModelService::parse(text).unwrap();
        let plain = parse(DEFAULT);
        assert_eq!(
            (plain.at.host.as_str(), plain.at.port, plain.at.is_encrypted),
            ("api.anthropic.com", 443, true)
        );
        assert_eq!(plain.path_of("/v1/messages?beta=true"), "/v1/messages?beta=true");
        let gateway = parse("http://[::1]:8080/team/a/");
        assert_eq!(
            (gateway.at.host.as_str(), gateway.at.port, gateway.at.is_encrypted),
            ("::1", 8080, false)
        );
        assert_eq!(gateway.path_of("/v1/messages"), "/team/a/v1/messages");
        assert_eq!(gateway.authority, "[::1]:8080");
        for text in ["", "api.anthropic.com", "ftp://a", "http://", "https://u:p@a", "https://a/?b"]
        {
            assert_eq!(ModelService::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_refused_base_url_is_not_repeated_because_it_may_hold_a_password() {
        let env = |_: &str| Some("https://me:hunter22@host".to_owned());
        let refused = ModelService::of(&env).unwrap_err();
        assert_eq!(refused.code(), Code::ConfigInvalid);
        assert!(!format!("{refused:#}").contains("hunter22"), "{refused:#}");
    }

    #[test]
    fn each_key_has_its_header_and_its_variable() {
        let env = |name: &str| (name != AUTH_TOKEN).then(|| format!("value-of-{name}"));
        let keys = Keys::of(&env).unwrap();
        assert_eq!(keys.key().unwrap(), "value-of-ANTHROPIC_API_KEY");
        assert_eq!(keys.bearer().unwrap(), "Bearer value-of-CLAUDE_CODE_OAUTH_TOKEN");
        assert_eq!(keys.variables().collect::<Vec<_>>(), [API_KEY, OAUTH_TOKEN]);
        assert_eq!(Keys::of(&|_| None).unwrap().variables().count(), 0);
        assert!(Keys::of(&|_| Some("two\nlines".to_owned())).is_err());
    }
}

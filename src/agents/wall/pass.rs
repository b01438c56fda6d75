//! Who may pass: the placeholder of a run, which stands for the key, and the parts of the service that a run needs.

use super::service::Keys;
use data_encoding::{BASE64, HEXLOWER};
use hyper::Method;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION};
use std::fmt;

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// Bytes of chance in a placeholder.
const RANDOM: usize = 32;
/// The name in the login at the proxy; any other one passes too.
pub(super) const USER: &str = "run";

/// What a run has in the place of a key: random, of this run alone, and worth nothing anywhere else.
#[derive(Clone)]
pub(super) struct Placeholder(String);

impl Placeholder {
    /// A placeholder that no other run has.
    ///
    /// # Panics
    /// On a system that has no randomness to give.
    pub(super) fn random() -> Self {
        let mut bytes = [0; RANDOM];
        getrandom::fill(&mut bytes).expect("the system gives random bytes");
        Self(format!("run-{}", HEXLOWER.encode(&bytes)))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a text is this one, in a time that does not tell how much of it is right.
    fn is(&self, text: &[u8]) -> bool {
        let own = self.0.as_bytes();
        own.len() == text.len() && own.iter().zip(text).fold(0, |odd, (a, b)| odd | (a ^ b)) == 0
    }

    /// Whether a login at the proxy has it as its password, or as its token.
    pub(super) fn is_in_login(&self, headers: &HeaderMap) -> bool {
        let Some(login) = headers.get(PROXY_AUTHORIZATION) else { return false };
        match split(login.as_bytes()) {
            (b"basic", login) => BASE64.decode(login).is_ok_and(|login| {
                let colon = login.iter().position(|byte| *byte == b':');
                colon.is_some_and(|colon| self.is(&login[colon + 1..]))
            }),
            (b"bearer", token) => self.is(token),
            _ => false,
        }
    }

    /// Puts the key into the place of the placeholder in each header that has it.
    ///
    /// # Errors
    /// If no header has it, if one has another key, or if the server has no key of that kind.
    pub(super) fn exchange(&self, headers: &mut HeaderMap, keys: &Keys) -> Result<(), NoPass> {
        let mut is_known = false;
        let mut put =
            |name: HeaderName, is_own: &dyn Fn(&[u8]) -> bool, key: Option<HeaderValue>| {
                let given: Vec<_> = headers.get_all(&name).iter().cloned().collect();
                match given.as_slice() {
                    [] => Ok(()),
                    [one] if is_own(one.as_bytes()) => {
                        headers.insert(name, key.ok_or(NoPass::NoKey)?);
                        is_known = true;
                        Ok(())
                    }
                    _ => Err(NoPass::NotTheRun),
                }
            };
        put(X_API_KEY, &|value| self.is(value), keys.key())?;
        let is_bearer = |value: &[u8]| matches!(split(value), (b"bearer", token) if self.is(token));
        put(AUTHORIZATION, &is_bearer, keys.bearer())?;
        if is_known { Ok(()) } else { Err(NoPass::NotTheRun) }
    }
}

/// Why a request does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPass {
    /// It has another key than the placeholder of this run, or none.
    NotTheRun,
    /// The server has no key of this kind.
    NoKey,
}

impl fmt::Display for NoPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotTheRun => "the request does not carry the key of this run",
            Self::NoKey => "the server has no key of this kind",
        })
    }
}

/// The scheme of a login in small letters, and what stands behind it.
fn split(login: &[u8]) -> (&'static [u8], &[u8]) {
    for scheme in [b"basic".as_slice(), b"bearer"] {
        if let Some((first, rest)) = login.split_at_checked(scheme.len())
            && first.eq_ignore_ascii_case(scheme)
            && let Some(rest) = rest.strip_prefix(b" ")
        {
            return (scheme, rest.trim_ascii());
        }
    }
    (b"", login)
}

/// Whether a run needs this part of the model's service: it asks models and reads which there are. Files, batches and keys
/// of the account are no business of a run, and the tokens of a batch would be counted nowhere.
pub(super) fn is_served(method: &Method, path: &str) -> bool {
    let is_model = |name: &str| !name.is_empty() && !name.contains(['/', '%']) && name != "..";
    match *method {
        Method::POST => matches!(path, "/v1/messages" | "/v1/messages/count_tokens"),
        Method::GET => {
            path == "/v1/models" || path.strip_prefix("/v1/models/").is_some_and(is_model)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::service::{API_KEY, OAUTH_TOKEN};
    use super::*;

    fn keys(named: &'static [&'static str]) -> Keys {
        Keys::of(&|name: &str| named.contains(&name).then(|| format!("real-{name}"))).unwrap()
    }

    fn both() -> Keys {
        keys(&[API_KEY, OAUTH_TOKEN])
    }

    fn headers(of: &[(&'static str, &str)]) -> HeaderMap {
        let header = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        let mut headers = HeaderMap::new();
        for (name, value) in of.iter().map(header) {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn the_placeholder_becomes_the_key_of_its_kind() {
        let own = Placeholder::random();
        let mut key = headers(&[("x-api-key", own.as_str())]);
        own.exchange(&mut key, &both()).unwrap();
        assert_eq!(key["x-api-key"], "real-ANTHROPIC_API_KEY");
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let mut token = headers(&[("authorization", &format!("{scheme} {}", own.as_str()))]);
            own.exchange(&mut token, &both()).unwrap();
            assert_eq!(token["authorization"], "Bearer real-CLAUDE_CODE_OAUTH_TOKEN");
        }
    }

    #[test]
    fn nothing_but_the_placeholder_of_this_run_passes() {
        let own = Placeholder::random();
        let other = Placeholder::random();
        let bearer = format!("Bearer {}", own.as_str());
        let basic = format!("Basic {}", own.as_str());
        let upper = own.as_str().to_uppercase();
        let refused: &[&[(&'static str, &str)]] = &[
            &[],
            &[("x-api-key", "")],
            &[("x-api-key", other.as_str())],
            &[("x-api-key", &upper)],
            &[("x-api-key", &own.as_str()[..40])],
            &[("x-api-key", own.as_str()), ("x-api-key", own.as_str())],
            &[("x-api-key", own.as_str()), ("x-api-key", "sk-ant-stolen")],
            // A key of somebody else must not come with it: its owner would see what is asked.
            &[("x-api-key", own.as_str()), ("authorization", "Bearer of-somebody")],
            &[("x-api-key", "sk-ant-stolen"), ("authorization", &bearer)],
            &[("authorization", own.as_str())],
            &[("authorization", &basic)],
            &[("authorization", "Bearer of-somebody")],
        ];
        for given in refused {
            let mut headers = headers(given);
            assert_eq!(own.exchange(&mut headers, &both()), Err(NoPass::NotTheRun), "{given:?}");
        }
        let mut key = headers(&[("x-api-key", own.as_str())]);
        let token = keys(&[OAUTH_TOKEN]);
        assert_eq!(own.exchange(&mut key, &token), Err(NoPass::NoKey));
    }

    #[test]
    fn a_login_at_the_proxy_has_the_placeholder_as_its_password() {
        let own = Placeholder::random();
        let basic = |text: String| format!("Basic {}", BASE64.encode(text.as_bytes()));
        let login = |value: &str| headers(&[("proxy-authorization", value)]);
        assert!(own.is_in_login(&login(&basic(format!("{USER}:{}", own.as_str())))));
        assert!(own.is_in_login(&login(&format!("Bearer {}", own.as_str()))));
        for value in [
            basic(format!("{USER}:{}", Placeholder::random().as_str())),
            basic(own.as_str().to_owned()),
            format!("Basic {}", own.as_str()),
            String::new(),
        ] {
            assert!(!own.is_in_login(&login(&value)), "{value}");
        }
        assert!(
            !own.is_in_login(&headers(&[("authorization", &format!("Bearer {}", own.as_str()))]))
        );
    }

    #[test]
    fn a_run_asks_models_and_nothing_else_of_the_account() {
        for (method, path) in [
            (Method::POST, "/v1/messages"),
            (Method::POST, "/v1/messages/count_tokens"),
            (Method::GET, "/v1/models"),
            (Method::GET, "/v1/models/claude-sonnet-5-5"),
        ] {
            assert!(is_served(&method, path), "{method} {path}");
        }
        for (method, path) in [
            (Method::GET, "/v1/messages"),
            (Method::POST, "/v1/messages/batches"),
            (Method::POST, "/v1/messages/../files"),
            (Method::POST, "/v1/messages/"),
            (Method::POST, "//v1/messages"),
            (Method::POST, "/v1/files"),
            (Method::GET, "/v1/models/.."),
            (Method::GET, "/v1/models/%2e%2e/files"),
            (Method::GET, "/v1/organizations/api_keys"),
            (Method::DELETE, "/v1/models/x"),
            (Method::GET, "/"),
        ] {
            assert!(!is_served(&method, path), "{method} {path}");
        }
    }
}

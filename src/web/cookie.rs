//! The cookie that carries a login's id.

use super::caller::Caller;
use super::{base, secret};
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

const NAME: &str = "lamplighter";

/// A `Set-Cookie` value that gives the browser this login id for as long as the browser runs; the server ends the login
/// earlier. It is `Secure` only behind an HTTPS proxy, because a browser may refuse such a cookie over plain HTTP.
pub(super) fn set(login_id: &str, caller: &Caller) -> HeaderValue {
    value(login_id, "", caller)
}

/// A `Set-Cookie` value that takes the login id away.
pub(super) fn clear(caller: &Caller) -> HeaderValue {
    value("", "; Max-Age=0", caller)
}

fn value(login_id: &str, life: &str, caller: &Caller) -> HeaderValue {
    let secure = if caller.https { "; Secure" } else { "" };
    let path = base::cookie_path();
    let text = format!("{NAME}={login_id}; Path={path}; HttpOnly; SameSite=Lax{secure}{life}");
    HeaderValue::try_from(text).expect("base64url text and an address of ours fit into a header")
}

/// The hash of the login id that the browser sent.
pub(super) fn login_hash(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(COOKIE).iter();
    let mut pairs = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, login_id) = pairs.find(|(name, _)| *name == NAME)?;
    Some(secret::hash(login_id))
}

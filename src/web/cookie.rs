//! The cookies: one carries a login's id, one marks a browser that has signed in before.

use super::base;
use super::caller::Caller;
use super::throttle::Origin;
use super::{nav, secret};
use crate::error::Result;
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use secret::Secret;

const LOGIN: &str = "lamplighter";
/// The same behind an HTTPS proxy, where pages fill the whole host: no other host, port or path can then set it.
const HOST_LOGIN: &str = "__Host-lamplighter";
const MARK: &str = "lamplighter-known";
/// How long a mark lasts, in seconds: as long as browsers keep any cookie.
const MARK_LIFE: u32 = 400 * 24 * 60 * 60;

/// A `Set-Cookie` value that gives the browser this login id for as long as the browser runs; the server ends the login
/// earlier. It is `Secure` only behind an HTTPS proxy, because a browser may refuse such a cookie over plain HTTP.
pub(super) fn set(login_id: &str, caller: &Caller) -> HeaderValue {
    value(login_name(caller), login_id, &base::cookie_path("/"), "", caller)
}

/// A `Set-Cookie` value that takes the login id away.
pub(super) fn clear(caller: &Caller) -> HeaderValue {
    value(login_name(caller), "", &base::cookie_path("/"), "; Max-Age=0", caller)
}

/// The hash of the login id that the browser sent.
pub(super) fn login_hash(headers: &HeaderMap, caller: &Caller) -> Option<String> {
    sent(headers, login_name(caller)).map(secret::hash)
}

/// A `Set-Cookie` value that marks the browser as one that has signed in to this account. The mark is sent to the sign-in
/// alone, is worth nothing but patience there, and ends with the password.
pub(super) fn mark(username: &str, password_hash: &str, caller: &Caller) -> Result<HeaderValue> {
    let random = Secret::new()?.into_text();
    let mark = format!("{random}.{}", proof(&random, username, password_hash));
    let life = format!("; Max-Age={MARK_LIFE}");
    Ok(value(MARK, &mark, &base::cookie_path(nav::LOGIN), &life, caller))
}

/// Where an attempt to sign in to this account comes from.
pub(super) fn origin(
    headers: &HeaderMap,
    username: &str,
    password_hash: Option<&str>,
    caller: &Caller,
) -> Origin {
    let known =
        sent(headers, MARK).and_then(|mark| mark.split_once('.')).filter(|(random, given)| {
            let is_ours =
                |hash| secret::hash(&proof(random, username, hash)) == secret::hash(given);
            password_hash.is_some_and(is_ours)
        });
    match known {
        Some((random, _)) => Origin::Known(random.to_owned()),
        None => Origin::Address(caller.remote),
    }
}

/// What only a server that knows the stored hash of the password can say of a mark.
fn proof(random: &str, username: &str, password_hash: &str) -> String {
    let said = format!("a browser that has signed in\n{random}\n{username}\n{password_hash}");
    secret::hash(&secret::hash(&said))
}

fn login_name(caller: &Caller) -> &'static str {
    if caller.https && base::cookie_path("/") == "/" { HOST_LOGIN } else { LOGIN }
}

fn value(name: &str, text: &str, path: &str, life: &str, caller: &Caller) -> HeaderValue {
    let secure = if caller.https { "; Secure" } else { "" };
    let text = format!("{name}={text}; Path={path}; HttpOnly; SameSite=Lax{secure}{life}");
    HeaderValue::try_from(text).expect("base64url text and an address of ours fit into a header")
}

fn sent<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers.get_all(COOKIE).iter();
    let mut pairs = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, text)| text)
}

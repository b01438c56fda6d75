//! Signing in and out.

use super::answer::see_other;
use super::app::App;
use super::base::link;
use super::caller::{Caller, Signed};
use super::components::problem_notice;
use super::extract::{Form, Query};
use super::face::Face;
use super::page::{self, Frame};
use super::problem::{Problem, seconds};
use super::secret::Secret;
use super::throttle::{Attempt, Origin};
use super::{cookie, nav};
use crate::actions::people;
use crate::error::{Code, Result};
use crate::model::{Account, Timestamp};
use crate::warn_coded;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{AppendHeaders, Html, IntoResponse, Response};
use maud::html;
use serde::Deserialize;

/// The longest path that a sign-in leads back to, in bytes. The paths of this server are far shorter.
const MAX_NEXT: usize = 512;

#[derive(Deserialize)]
pub(super) struct Next {
    next: Option<String>,
}

/// What the sign-in form sends.
#[derive(Deserialize)]
pub(super) struct Credentials {
    username: String,
    password: String,
    next: Option<String>,
}

impl Credentials {
    /// The password that a person who is signed in gives anew.
    pub(super) fn of(username: &str, password: String) -> Self {
        Self { username: username.to_owned(), password, next: None }
    }
}

/// GET `/login`.
pub(super) async fn form(
    State(app): State<App>,
    Query(Next { next }): Query<Next>,
) -> Result<Html<String>, Problem> {
    Ok(form_page(&app, next.as_deref(), None))
}

/// POST `/login`.
pub(super) async fn sign_in(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Form(credentials): Form<Credentials>,
) -> Result<Response, Problem> {
    let now = app.web.clock.now();
    let next = credentials.next.as_deref().filter(|next| is_local(next)).map(str::to_owned);
    let problem = match authenticate(&app, &caller, &headers, credentials, now).await {
        Ok((account, mark)) => {
            let cookie = begin(&app, &caller, &account, now).await?;
            let cookies = [Some(cookie), mark].into_iter().flatten();
            let cookies = AppendHeaders(cookies.map(|cookie| (SET_COOKIE, cookie)));
            let page = next.as_deref().map_or_else(|| nav::Tab::HOME.link(), link);
            return Ok((cookies, see_other(&page)).into_response());
        }
        Err(problem) => problem,
    };
    let may_try_again =
        [Code::AuthFailed, Code::AuthThrottled, Code::AuthBusy].contains(&problem.code());
    if caller.face == Face::Page && may_try_again {
        let again = form_page(&app, next.as_deref(), Some(&problem));
        return Ok((problem.status(), problem.headers(), again).into_response());
    }
    Err(problem)
}

/// POST `/logout`.
pub(super) async fn sign_out(State(app): State<App>, who: Signed) -> Result<Response, Problem> {
    let actor = who.actor();
    if let Some(login) = who.login {
        app.web.store.logout(login.hash, actor, app.web.clock.now()).await?;
    }
    let cookie = [(SET_COOKIE, cookie::clear(&who.caller))];
    Ok((cookie, see_other(&link(nav::LOGIN))).into_response())
}

/// Stores a new login of the account and answers with its cookie.
pub(super) async fn begin(
    app: &App,
    caller: &Caller,
    account: &Account,
    now: Timestamp,
) -> Result<HeaderValue> {
    let secret = Secret::new()?;
    let actor = caller.acting_as(&account.username);
    let browser = caller.browser.clone();
    app.web.store.login(account.clone(), secret.hash(), browser, actor, now).await?;
    Ok(cookie::set(&secret.into_text(), caller))
}

/// Stores a new login of the account in place of the one by which it is known now, and answers with its cookie.
pub(super) async fn renew(
    app: &App,
    who: &Signed,
    account: &Account,
    now: Timestamp,
) -> Result<HeaderValue> {
    let Some(old) = &who.login else { return begin(app, &who.caller, account, now).await };
    let secret = Secret::new()?;
    let new = (secret.hash(), who.caller.browser.clone());
    app.web.store.renew_login(old.hash.clone(), account.clone(), new, who.actor(), now).await?;
    Ok(cookie::set(&secret.into_text(), &who.caller))
}

/// The account that these credentials belong to, and the mark of a browser that has none yet. An account that does not
/// exist is refused with the same words and after the same work.
pub(super) async fn authenticate(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    credentials: Credentials,
    now: Timestamp,
) -> Result<(Account, Option<HeaderValue>), Problem> {
    let Credentials { username, password, .. } = credentials;
    let (account, hash) = app.web.store.account(username.clone()).await?.unzip();
    let origin = cookie::origin(headers, &username, hash.as_deref(), caller);
    let is_new = matches!(origin, Origin::Address(_));
    let attempt = Attempt::of(&username, hash.as_deref(), origin);
    let throttled = app.throttle().attempt(&attempt, now);
    if let Err(wait) = throttled {
        let seconds = seconds(wait);
        return Err(Problem::of(Code::AuthThrottled)
            .saying(format!("Try again in {seconds} seconds."))
            .retry_after(wait));
    }
    let stored = hash.clone();
    let verified =
        app.hasher.run(move |memory| people::verify(&password, stored.as_deref(), memory)).await?;
    let is_enabled = |account: &Account| account.disabled_at.is_none();
    let whose = whose(account.as_ref());
    let Some(account) = account.filter(|account| verified && is_enabled(account)) else {
        warn_coded!(Code::AuthFailed, "a sign-in from {} {whose} failed", caller.remote);
        let left = app.throttle().left(&attempt);
        return Err(Problem::of(Code::AuthFailed).saying(refused(left)));
    };
    app.throttle().succeeded(&attempt);
    let mark = hash.filter(|_| is_new).map(|hash| cookie::mark(&username, &hash, caller));
    Ok((account, mark.transpose()?))
}

/// What a refused sign-in says: `left` more may fail before there is a wait.
fn refused(left: u32) -> String {
    match left {
        0 => "Wrong name or password. The next try has to wait a little.".to_owned(),
        1 => "Wrong name or password. 1 try left.".to_owned(),
        left => format!("Wrong name or password. {left} tries left."),
    }
}

/// Whose sign-in it is, for the log. A name that no account has is not logged: people sometimes type their password there.
fn whose(account: Option<&Account>) -> String {
    let known = account.map(|account| format!("as {}", account.username));
    known.unwrap_or_else(|| "by a name that no account has".to_owned())
}

/// Whether a browser that is sent to this path stays on this server.
fn is_local(path: &str) -> bool {
    let mut bytes = path.bytes();
    bytes.next() == Some(b'/')
        && bytes.next() != Some(b'/')
        && path.len() <= MAX_NEXT
        && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
}

fn form_page(app: &App, next: Option<&str>, problem: Option<&Problem>) -> Html<String> {
    let content = html! {
        div.gate {
            (page::brand())
            form.card method="post" action=(link(nav::LOGIN)) { div.card-body {
                h1 { "Sign in" }
                @if let Some(problem) = problem { (problem_notice(problem)) }
                @if let Some(next) = next.filter(|next| is_local(next)) {
                    input type="hidden" name="next" value=(next);
                }
                div {
                    label.form-label for="username" { "User name" }
                    input #username .form-control name="username" autocomplete="username" maxlength="64" required autofocus;
                }
                div {
                    label.form-label for="password" { "Password" }
                    input #password .form-control name="password" type="password" autocomplete="current-password" required;
                }
                button.btn.btn-primary type="submit" { "Sign in" }
            } }
            p.sub { "Forgotten it? On the server: " code { "lamplighter users passwd NAME" } }
        }
    };
    page::page(&Frame::new(&app.web, None), "Sign in", &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_names_an_account_that_there_is_and_nothing_else_that_was_typed() {
        let account = Account {
            id: 1,
            username: "ada".into(),
            role: crate::model::Role::Viewer,
            disabled_at: None,
            passwords: 1,
        };
        assert_eq!(whose(Some(&account)), "as ada");
        assert_eq!(whose(None), "by a name that no account has");
    }

    #[test]
    fn a_sign_in_leads_back_to_paths_of_this_server_only() {
        for good in ["/", "/jobs?before=3", "/admin/self-monitoring", "/a//b"] {
            assert!(is_local(good), "{good}");
        }
        let long = format!("/{}", "x".repeat(MAX_NEXT));
        for bad in [
            "",
            "jobs",
            "//evil.example",
            "/\\evil.example",
            "\\/evil",
            "https://evil.example",
            "/a\r\nSet-Cookie:x",
            "/ä",
            "/a b",
            "javascript:alert(1)",
            "/\t/evil.example",
            &long,
        ] {
            assert!(!is_local(bad), "{bad}");
        }
    }
}

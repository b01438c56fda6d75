//! The login check of every private route, and the check of the right of those that change something.

use super::answer::{OPENS, header_value, see_other};
use super::app::App;
use super::base::{self, link};
use super::caller::{Caller, CallersLogin, Signed};
use super::cookie;
use super::counts::NavCounts;
use super::face::Face;
use super::host::{HostSaid, Person};
use super::nav;
use super::problem::Problem;
use crate::actions::Right;
use crate::error::{Code, Result};
use crate::model::Login;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// A person and the login by which they are known, if it is by one.
type Known = (Person, Option<CallersLogin>);

/// Lets a request through if its cookie belongs to a login that has not ended, and records that the login was used; or if
/// the host names the person.
pub(super) async fn require_login(
    State(app): State<App>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Response {
    check_login(&app, &caller, true, request, next).await
}

/// The same for a request that a page sends by itself. It does not count as a use of the login.
pub(super) async fn require_login_unused(
    State(app): State<App>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Response {
    check_login(&app, &caller, false, request, next).await
}

async fn check_login(
    app: &App,
    caller: &Caller,
    uses: bool,
    mut request: Request,
    next: Next,
) -> Response {
    let known = if app.access.has_accounts() {
        signed_in(app, request.headers(), caller, uses).await
    } else {
        Ok(request.extensions().get().and_then(|HostSaid(person)| Some((person.clone()?, None))))
    };
    let (person, login) = match known {
        Ok(Some(known)) => known,
        Ok(None) if app.access.has_accounts() => return ask_to_sign_in(caller, &request),
        Ok(None) => return Problem::of(Code::AuthHost).into_response(),
        Err(error) => return Problem::from(error).into_response(),
    };
    // A page is shown without the counts rather than refused for them.
    let is_page = caller.face == Face::Page;
    let counts = if is_page { NavCounts::read(&app.web).await.ok() } else { None };
    let counts = counts.unwrap_or_default();
    let who = Signed { person, login, caller: caller.clone(), counts };
    tracing::Span::current().record("user_id", who.person.name.as_str());
    request.extensions_mut().insert(who.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(who);
    response
}

/// The person whose login the cookie names, if that login has not ended.
async fn signed_in(
    app: &App,
    headers: &HeaderMap,
    caller: &Caller,
    uses: bool,
) -> Result<Option<Known>> {
    let Some(hash) = cookie::login_hash(headers, caller) else { return Ok(None) };
    let now = app.web.clock.now();
    let login = app.web.store.login_by_id(hash.clone(), uses, now).await?;
    Ok(login.map(|Login { id, account, began_at }| {
        let person = Person { name: account.username, role: account.role };
        (person, Some(CallersLogin { id, hash, began_at }))
    }))
}

/// Where htmx says which page is shown.
const SHOWN: &str = "hx-current-url";

/// Leads a browser to the sign-in page, from which the page that it shows follows, and answers 401 to every other client.
fn ask_to_sign_in(caller: &Caller, request: &Request) -> Response {
    let looks = [Method::GET, Method::HEAD].contains(request.method());
    let posts = request.method() == Method::POST;
    match caller.face {
        Face::Page if looks => {
            let next = request.uri().path_and_query().map_or("/", |path| path.as_str());
            see_other(&link(nav::LOGIN).with(&[("next", next)]))
        }
        Face::Page if posts => see_other(&link(nav::LOGIN)),
        Face::Fragment => {
            let mut response = Problem::of(Code::AuthRequired).into_response();
            let open = request.headers().get(SHOWN).and_then(|at| base::within(at.to_str().ok()?));
            if let Some(next) = open {
                let page = link(nav::LOGIN).with(&[("next", next)]);
                response.headers_mut().insert(OPENS, header_value(&page));
            }
            response
        }
        Face::Page | Face::Json => Problem::of(Code::AuthRequired).into_response(),
    }
}

/// Lets a request through if the role of its account has this right. The refusal is the action's own.
pub(super) async fn require_right(
    State(right): State<Right>,
    who: Signed,
    request: Request,
    next: Next,
) -> Response {
    match who.proven().needs(right) {
        Ok(()) => next.run(request).await,
        Err(refused) => Problem::from(refused).into_response(),
    }
}

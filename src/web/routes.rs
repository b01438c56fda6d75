//! The table of routes, and the router that is made of it.
//!
//! *Invariant:* deny by default. A route is public only if its row in [`routes`] says so, and asks for a token only if its row
//! says that. Every other path, known or unknown, meets the login check first. No check compares the text of a path.

use super::app::{App, Shared, Web};
use super::host::Access;
use super::problem::Problem;
#[cfg(feature = "monitor")]
use super::program;
use super::route::Gate::{self, ByToken, Needs, Polled, Private, Public};
use super::route::{Route, get, post, taking};
use super::{access, bearer, guard, nav};
use crate::actions::{
    Right, batches, bulk, errors, jobs, needs, people, queues, schedules, settings, tokens,
};
use crate::error::Code;
use crate::web;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, any};
use std::sync::Arc;
use tower_http::compression::CompressionLayer;

/// The largest request body, in bytes. A form of these pages has a few short fields.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Every route of the server. A row names its page as `web::page`, so that this table and that of [`program`] are the only
/// lists of pages.
pub(super) fn routes(has_program: bool, has_accounts: bool) -> Vec<Route> {
    let mut routes = of_engine();
    routes.extend(of_schedules());
    #[cfg(all(debug_assertions, feature = "monitor"))]
    routes.push(get(web::styleguide::PATH, Private, web::styleguide::shown));
    #[cfg(feature = "monitor")]
    if has_program {
        routes.extend(program::routes());
        if has_accounts {
            routes.extend(program::routes_by_token());
        }
    }
    #[cfg(not(feature = "monitor"))]
    assert!(!has_program, "this build has no pages of sessions, scans and logs");
    if has_accounts {
        routes.extend(of_accounts());
        routes.extend(of_tokens());
    } else {
        routes.push(get(web::assets::PATH, Polled, web::assets::asset));
    }
    routes
}

/// The routes that only a server with accounts of its own has: what anybody may ask for, and the end of a login.
fn of_accounts() -> Vec<Route> {
    vec![
        get("/healthz", Public, web::health::healthz),
        get("/readyz", Public, web::health::readyz),
        get(web::assets::PATH, Public, web::assets::asset),
        get(nav::LOGIN, Public, web::login::form),
        post(nav::LOGIN, Public, web::login::sign_in),
        get("/setup/{code}", Public, web::setup::form),
        post("/setup/{code}", Public, web::setup::redeem),
        post(nav::LOGOUT, Private, web::login::sign_out),
        post(nav::PASSWORD, Private, web::proof::prove),
        get(nav::OWN, Private, web::own::page),
        post(web::own::END_PATH, Private, web::own::end_logins),
        post(web::own::PASSWORD_PATH, Private, web::own::set_password),
        get(nav::PEOPLE, Needs(people::SEE), web::people::list),
        post(nav::PEOPLE, Needs(people::ADD), web::people::add),
        get(web::person::PATH, Needs(people::SEE), web::person::page),
        post(web::person::ROLE_PATH, Needs(people::SET_ROLE), web::person::set_role),
        post(web::person::PASSWORD_PATH, Needs(people::SET_PASSWORD), web::person::set_password),
        post(web::person::DISABLE_PATH, Needs(people::DISABLE), web::person::disable),
        post(web::person::ENABLE_PATH, Needs(people::ENABLE), web::person::enable),
        post(web::person::REMOVE_PATH, Needs(people::REMOVE), web::person::remove),
        post(web::person::END_PATH, Needs(people::END_LOGINS), web::person::end_logins),
    ]
}

/// The page of tokens, and what programs ask for with one. A token acts for an account, so there are none without accounts.
fn of_tokens() -> Vec<Route> {
    vec![
        get(nav::TOKENS, Needs(tokens::OWN), web::tokens::list),
        post(nav::TOKENS, Needs(tokens::OWN), web::tokens::create),
        post(web::tokens::ROTATE_PATH, Needs(tokens::OWN), web::tokens::rotate),
        post(web::tokens::REVOKE_PATH, Needs(tokens::OWN), web::tokens::revoke),
        get(web::api::ME_PATH, ByToken, web::api::me),
        taking(web::api::MAX_BODY_BYTES, post(web::api::JOBS_PATH, ByToken, web::api::enqueue)),
        get(web::api::JOB_PATH, ByToken, web::api::job),
    ]
}

/// The routes of jobs, queues and settings, and the start page.
fn of_engine() -> Vec<Route> {
    vec![
        get(web::dashboard::PATH, Private, web::dashboard::page),
        get(web::dashboard::PART_PATH, Polled, web::dashboard::now_part),
        get(web::dashboard::LATEST_PATH, Polled, web::dashboard::latest_part),
        post(web::needs::PUT_OFF_PATH, Needs(needs::PUT_OFF), web::needs::put_off),
        get(web::jobs::PATH, Private, web::jobs::list),
        get(web::jobs::PART_PATH, Polled, web::jobs::list),
        get(web::new_job::PATH, Private, web::new_job::form),
        taking(
            web::new_job::MAX_BODY_BYTES,
            post(web::new_job::PATH, Needs(jobs::ENQUEUE), web::new_job::enqueue),
        ),
        get(web::bulk::PATH, Private, web::bulk::preview),
        post(web::bulk::PATH, Needs(bulk::ACT), web::bulk::act),
        get("/jobs/{id}", Private, web::job::page),
        get("/jobs/{id}/part", Polled, web::job::page),
        get(web::job_forms::COPY_PATH, Private, web::job_forms::copy_form),
        get(web::job_forms::EDIT_PATH, Private, web::job_forms::edit_form),
        taking(
            web::new_job::MAX_BODY_BYTES,
            post(web::job_forms::COPY_PATH, Needs(jobs::ENQUEUE), web::job_forms::copy),
        ),
        taking(
            web::new_job::MAX_BODY_BYTES,
            post(web::job_forms::EDIT_PATH, Needs(jobs::EDIT), web::job_forms::edit),
        ),
        post(web::job::CANCEL_PATH, Needs(jobs::CANCEL), web::job::cancel),
        post(web::job::RUN_AGAIN_PATH, Needs(jobs::RUN_AGAIN), web::job::run_again),
        post(web::job::RUN_NOW_PATH, Needs(jobs::RUN_NOW), web::job::run_now),
        post(web::job::DELETE_PATH, Needs(jobs::DELETE), web::job::delete),
        get(web::errors::PATH, Private, web::errors::list),
        get(web::errors::PART_PATH, Polled, web::errors::list),
        get(web::error::PATH, Private, web::error::page),
        get(web::error::PART_PATH, Polled, web::error::page),
        post(web::error::MUTE_PATH, Needs(errors::MUTE), web::error::mute),
        post(web::error::UNMUTE_PATH, Needs(errors::MUTE), web::error::unmute),
        get(web::kinds::PATH, Private, web::kinds::list),
        get(web::kinds::KIND_PATH, Private, web::kinds::kind),
        get(web::batches::PATH, Private, web::batches::list),
        get(web::batches::PART_PATH, Polled, web::batches::list),
        get(web::batch::PATH, Private, web::batch::page),
        get(web::batch::PART_PATH, Polled, web::batch::page),
        post(web::batch::CANCEL_PATH, Needs(batches::CANCEL), web::batch::cancel),
        post(web::queue::RESUME_PATH, Needs(queues::RESUME), web::queue::resume),
        get(web::queue::PATH, Private, web::queue::page),
        get(web::queues::PATH, Private, web::queues::list),
        get(web::queues::PART_PATH, Polled, web::queues::list),
        post(web::queues::LIMIT_PATH, Needs(queues::LIMIT), web::queues::limit),
        post(web::queues::PAUSE_PATH, Needs(queues::PAUSE), web::queues::pause),
        get(web::settings::PATH, Private, web::settings::page),
        get(web::settings::checks::PART_PATH, Polled, web::settings::checks::part),
        get(nav::AUDIT, Private, web::audit::page),
        get(web::audit::PART_PATH, Polled, web::audit::page),
        post(web::settings::STOP_PATH, Needs(queues::STOP_ALL), web::settings::stop_all),
        post(web::settings::RESUME_PATH, Needs(queues::RESUME_ALL), web::settings::resume_all),
        get(web::settings::SYSTEM_PATH, Private, web::settings::system),
        get(web::settings::groups::RETENTION_PATH, Private, web::settings::groups::retention),
        post(
            web::settings::groups::GROUP_PATH,
            Needs(settings::CHANGE),
            web::settings::groups::set_group,
        ),
        post(web::settings::groups::SET_PATH, Needs(settings::CHANGE), web::settings::groups::set),
        post(web::views::PATH, Private, web::views::save),
        post(web::views::REMOVE_PATH, Private, web::views::remove),
        get(web::live::PATH, Polled, web::live::events),
    ]
}

/// The routes of schedules.
fn of_schedules() -> Vec<Route> {
    vec![
        get(web::schedules::PATH, Private, web::schedules::list),
        get(web::schedules::PART_PATH, Polled, web::schedules::list),
        get(web::new_schedule::PATH, Private, web::new_schedule::form),
        taking(
            web::new_schedule::MAX_BODY_BYTES,
            post(web::new_schedule::PATH, Needs(schedules::ADD), web::new_schedule::add),
        ),
        get(web::plan_form::PREVIEW_PATH, Private, web::new_schedule::preview),
        get(web::schedule::PATH, Private, web::schedule::page),
        get(web::schedule::PART_PATH, Polled, web::schedule::page),
        post(web::schedules::RUN_NOW_PATH, Needs(schedules::RUN_NOW), web::schedules::run_now),
        post(web::schedules::PAUSE_PATH, Needs(schedules::PAUSE), web::schedules::pause),
        post(web::schedules::RESUME_PATH, Needs(schedules::RESUME), web::schedules::resume),
        taking(
            web::schedule::MAX_BODY_BYTES,
            post(web::schedule::EDIT_PATH, Needs(schedules::EDIT), web::schedule::edit),
        ),
        post(web::schedule::REMOVE_PATH, Needs(schedules::REMOVE), web::schedule::remove),
    ]
}

/// The pages as a service, for requests that [`Access::asked`] has made ready.
pub(super) fn pages(web: Web, access: Access) -> Router {
    let app: App = Arc::new(Shared::new(web, access));
    let mut public = Router::new();
    let mut private = Router::new().fallback(not_found);
    let mut polled = Router::new();
    let mut by_token = Router::new();
    if app.access.has_accounts() {
        by_token = by_token.route(web::api::REST, any(not_found));
    }
    for Route { path, gate, handler, .. } in
        routes(app.web.has_program(), app.access.has_accounts())
    {
        match gate {
            Gate::Public => public = public.route(path, handler),
            Gate::Private => private = private.route(path, handler),
            Gate::Polled => polled = polled.route(path, handler),
            Gate::ByToken => by_token = by_token.route(path, handler),
            Gate::Needs(right) => private = private.route(path, needing(right, handler)),
        }
    }
    let private = private
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), access::require_login));
    let polled = polled
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), access::require_login_unused));
    let by_token = by_token
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), bearer::require_token));
    public
        .method_not_allowed_fallback(wrong_method)
        .merge(private)
        .merge(polled)
        .layer(from_fn(guard::require_own_page))
        .merge(by_token)
        .layer(CompressionLayer::new())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}

pub(super) fn needing(right: Right, handler: MethodRouter<App>) -> MethodRouter<App> {
    handler.route_layer(from_fn_with_state(right, access::require_right))
}

async fn not_found() -> Problem {
    Problem::of(Code::WebNotFound)
}

async fn wrong_method(method: Method) -> Problem {
    Problem::of(Code::WebMethod).saying(format!("This address does not take {method}."))
}

//! The table of routes, and the router that is made of it.
//!
//! *Invariant:* deny by default. A route is public only if its row in [`routes`] says so. Every other path, known or
//! unknown, meets the login check first. No check compares the text of a path.

use super::app::{App, Shared, Web};
use super::problem::Problem;
use super::self_monitoring::{
    change_issue, change_prompt, change_settings, configuration, lists, page, prompt, status,
};
use super::{access, guard, nav};
use crate::actions::{
    Right, approvals, issues, jobs, kinds, prompts, queues, repositories, scans, schedules,
    settings,
};
use crate::error::Code;
use crate::web;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use std::sync::Arc;
use tower_http::compression::CompressionLayer;

/// The largest request body, in bytes. A form of these pages has a few short fields.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Who may ask for a route.
#[derive(Clone, Copy)]
pub(super) enum Access {
    /// Anybody, signed in or not.
    Public,
    /// Every account that is signed in.
    Private,
    /// The same, for a request that a page sends by itself. It does not count as a use of the login.
    Polled,
    /// Accounts whose role has the right of the action.
    Needs(Right),
}

/// One row of the routing table.
pub(super) struct Route {
    /// The method, for the test that walks the table. The handler has the method in itself.
    #[cfg(test)]
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) access: Access,
    pub(super) handler: MethodRouter<App>,
}

/// Every route of the server. A row names its page as `web::page`, so that this table is the only list of pages in this
/// file.
pub(super) fn routes() -> Vec<Route> {
    use Access::{Needs, Polled, Private, Public};
    let mut routes = vec![
        get("/healthz", Public, web::health::healthz),
        get(web::assets::PATH, Public, web::assets::asset),
        get(nav::LOGIN, Public, web::login::form),
        post(nav::LOGIN, Public, web::login::sign_in),
        get("/setup/{code}", Public, web::setup::form),
        post("/setup/{code}", Public, web::setup::redeem),
        post(nav::LOGOUT, Private, web::login::sign_out),
        get(web::dashboard::PATH, Private, web::dashboard::page),
        get(web::dashboard::PART_PATH, Polled, web::dashboard::now_part),
        get(web::dashboard::LATEST_PATH, Polled, web::dashboard::latest_part),
        get(web::jobs::PATH, Private, web::jobs::list),
        get(web::jobs::PART_PATH, Polled, web::jobs::list),
        get("/jobs/{id}", Private, web::job::page),
        get("/jobs/{id}/part", Polled, web::job::page),
        post(web::job::CANCEL_PATH, Needs(jobs::CANCEL), web::job::cancel),
        post(web::job::RUN_AGAIN_PATH, Needs(jobs::RUN_AGAIN), web::job::run_again),
        post(web::job::RUN_NOW_PATH, Needs(jobs::RUN_NOW), web::job::run_now),
        post(web::job::DELETE_PATH, Needs(jobs::DELETE), web::job::delete),
        get(web::sessions::PATH, Private, web::sessions::list),
        get(web::sessions::PART_PATH, Polled, web::sessions::list),
        get(web::session::PAGE_PATH, Private, web::session::page),
        get(web::session::PART_PATH, Polled, web::session::page),
        get(web::session::FOLLOW_UP_PATH, Polled, web::session::follow_up),
        get(web::stream::PATH, Polled, web::stream::stream),
        taking(
            web::trigger::MAX_BODY_BYTES,
            post(web::trigger::PATH, Needs(kinds::ASK_FOR_SESSION), web::trigger::trigger),
        ),
        post(web::queue::RESUME_PATH, Needs(queues::RESUME), web::queue::resume),
        get(web::queues::PATH, Private, web::queues::list),
        get(web::queues::PART_PATH, Polled, web::queues::list),
        post(web::queues::LIMIT_PATH, Needs(queues::LIMIT), web::queues::limit),
        post(web::queues::PAUSE_PATH, Needs(queues::PAUSE), web::queues::pause),
        get(web::repositories::PATH, Private, web::repositories::list),
        get(web::repositories::PART_PATH, Polled, web::repositories::list),
        post(web::repositories::PATH, Needs(repositories::ADD), web::repositories::add),
        post(
            web::repositories::REFRESH_PATH,
            Needs(repositories::REFRESH),
            web::repositories::refresh,
        ),
        post(
            web::repositories::REMOVE_PATH,
            Needs(repositories::REMOVE),
            web::repositories::remove,
        ),
        get(web::settings::PATH, Private, web::settings::page),
        get(web::settings::checks::PART_PATH, Polled, web::settings::checks::part),
        get(web::settings::AUDIT_PATH, Polled, web::settings::audit),
        post(web::settings::STOP_PATH, Needs(queues::STOP_ALL), web::settings::stop_all),
        post(web::settings::RESUME_PATH, Needs(queues::RESUME_ALL), web::settings::resume_all),
        post(web::settings::SET_PATH, Needs(settings::CHANGE), web::settings::set),
        get(web::logs::PATH, Private, web::logs::list),
        get(web::logs::PART_PATH, Polled, web::logs::list),
        get(web::live::PATH, Polled, web::live::events),
    ];
    routes.extend(of_schedules());
    routes.extend(of_self_monitoring());
    routes
}

/// The routes of schedules.
fn of_schedules() -> Vec<Route> {
    use Access::{Needs, Polled, Private};
    vec![
        get(web::schedules::PATH, Private, web::schedules::list),
        get(web::schedules::PART_PATH, Polled, web::schedules::list),
        get(web::schedule::PATH, Private, web::schedule::page),
        get(web::schedule::PART_PATH, Polled, web::schedule::page),
        post(web::schedules::RUN_NOW_PATH, Needs(schedules::RUN_NOW), web::schedules::run_now),
        post(web::schedules::PAUSE_PATH, Needs(schedules::PAUSE), web::schedules::pause),
        post(web::schedules::RESUME_PATH, Needs(schedules::RESUME), web::schedules::resume),
        taking(
            web::schedule::MAX_BODY_BYTES,
            post(web::schedule::EDIT_PATH, Needs(schedules::EDIT), web::schedule::edit),
        ),
    ]
}

/// The routes of the Self-Monitoring page: its scans, their settings, and the issues that they file.
fn of_self_monitoring() -> Vec<Route> {
    use Access::{Needs, Polled, Private};
    vec![
        get(page::PATH, Private, page::page),
        get(lists::PATH, Polled, lists::lists),
        get(configuration::CADENCE_PATH, Polled, configuration::cadence),
        post(configuration::CHANGE_PATH, Needs(settings::CHANGE), change_settings::change),
        taking(
            change_prompt::MAX_BODY_BYTES,
            post(prompt::CHANGE_PATH, Needs(prompts::CHANGE), change_prompt::change),
        ),
        post(change_issue::PATH, Needs(issues::CHANGE), change_issue::change),
        get(status::PATH, Polled, status::status),
        get(web::approvals::PATH, Private, web::approvals::page),
        get(web::approvals::PART_PATH, Polled, web::approvals::page),
        post(web::approvals::APPROVE_PATH, Needs(approvals::APPROVE), web::approvals::approve),
        post(web::approvals::REJECT_PATH, Needs(approvals::REJECT), web::approvals::reject),
        taking(
            web::approvals::MAX_BODY_BYTES,
            post(web::approvals::EDIT_PATH, Needs(approvals::EDIT), web::approvals::edit),
        ),
        post(status::RUN_NOW_PATH, Needs(scans::RUN), status::run_now),
        post(status::DRY_RUN_PATH, Needs(scans::RUN), status::dry_run),
    ]
}

/// A route that changes nothing. It answers HEAD too.
fn get<H, T>(path: &'static str, access: Access, handler: H) -> Route
where
    H: Handler<T, App>,
    T: 'static,
{
    let handler = on(MethodFilter::GET, handler);
    Route {
        #[cfg(test)]
        method: Method::GET,
        path,
        access,
        handler,
    }
}

/// A route that changes something.
fn post<H, T>(path: &'static str, access: Access, handler: H) -> Route
where
    H: Handler<T, App>,
    T: 'static,
{
    let handler = on(MethodFilter::POST, handler);
    Route {
        #[cfg(test)]
        method: Method::POST,
        path,
        access,
        handler,
    }
}

/// The same route, which takes a larger body.
fn taking(bytes: usize, route: Route) -> Route {
    Route { handler: route.handler.layer(DefaultBodyLimit::max(bytes)), ..route }
}

/// The pages as a service. [`serve`](super::serve) puts it behind a listener; tests call it in-process.
pub fn router(web: Web) -> Router {
    let app: App = Arc::new(Shared::new(web));
    let mut public = Router::new();
    let mut private = Router::new().fallback(not_found);
    let mut polled = Router::new();
    for Route { path, access, handler, .. } in routes() {
        match access {
            Access::Public => public = public.route(path, handler),
            Access::Private => private = private.route(path, handler),
            Access::Polled => polled = polled.route(path, handler),
            Access::Needs(right) => private = private.route(path, needing(right, handler)),
        }
    }
    let private = private
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), access::require_login));
    let polled = polled
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), access::require_login_unused));
    public
        .method_not_allowed_fallback(wrong_method)
        .merge(private)
        .merge(polled)
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

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
use crate::error::Code;
use crate::model::Role;
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
    /// Accounts of at least this role.
    Private(Role),
    /// The same, for a request that a page sends by itself. It does not count as a use of the login.
    Polled(Role),
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
    use Access::{Polled, Private, Public};
    let mut routes = vec![
        get("/healthz", Public, web::health::healthz),
        get("/assets/{file}", Public, web::assets::asset),
        get(nav::LOGIN, Public, web::login::form),
        post(nav::LOGIN, Public, web::login::sign_in),
        get("/setup/{code}", Public, web::setup::form),
        post("/setup/{code}", Public, web::setup::redeem),
        post(nav::LOGOUT, Private(Role::Viewer), web::login::sign_out),
        get(web::dashboard::PATH, Private(Role::Viewer), web::dashboard::page),
        get(web::dashboard::PART_PATH, Polled(Role::Viewer), web::dashboard::now_part),
        get(web::dashboard::LATEST_PATH, Polled(Role::Viewer), web::dashboard::latest_part),
        get(web::jobs::PATH, Private(Role::Viewer), web::jobs::list),
        get(web::jobs::PART_PATH, Polled(Role::Viewer), web::jobs::list),
        get("/jobs/{id}", Private(Role::Viewer), web::job::page),
        get("/jobs/{id}/part", Polled(Role::Viewer), web::job::page),
        post(web::job::CANCEL_PATH, Private(Role::Operator), web::job::cancel),
        post(web::job::RUN_AGAIN_PATH, Private(Role::Operator), web::job::run_again),
        post(web::job::RUN_NOW_PATH, Private(Role::Operator), web::job::run_now),
        post(web::job::DELETE_PATH, Private(Role::Admin), web::job::delete),
        get(web::schedules::PATH, Private(Role::Viewer), web::schedules::list),
        get(web::schedules::PART_PATH, Polled(Role::Viewer), web::schedules::list),
        get(web::schedule::PATH, Private(Role::Viewer), web::schedule::page),
        get(web::schedule::PART_PATH, Polled(Role::Viewer), web::schedule::page),
        post(web::schedules::RUN_NOW_PATH, Private(Role::Operator), web::schedules::run_now),
        post(web::schedules::PAUSE_PATH, Private(Role::Operator), web::schedules::pause),
        post(web::schedules::RESUME_PATH, Private(Role::Operator), web::schedules::resume),
        post(web::schedule::EDIT_PATH, Private(Role::Admin), web::schedule::edit),
        get(web::sessions::PATH, Private(Role::Viewer), web::sessions::list),
        get(web::sessions::PART_PATH, Polled(Role::Viewer), web::sessions::list),
        get(web::session::PAGE_PATH, Private(Role::Viewer), web::session::page),
        get(web::session::PART_PATH, Polled(Role::Viewer), web::session::page),
        get(web::session::FOLLOW_UP_PATH, Polled(Role::Viewer), web::session::follow_up),
        get(web::stream::PATH, Polled(Role::Viewer), web::stream::stream),
        taking(
            web::trigger::MAX_BODY_BYTES,
            post(web::trigger::PATH, Private(Role::Admin), web::trigger::trigger),
        ),
        post(web::queue::RESUME_PATH, Private(Role::Operator), web::queue::resume),
        get(web::queues::PATH, Private(Role::Viewer), web::queues::list),
        get(web::queues::PART_PATH, Polled(Role::Viewer), web::queues::list),
        post(web::queues::LIMIT_PATH, Private(Role::Operator), web::queues::limit),
        post(web::queues::PAUSE_PATH, Private(Role::Operator), web::queues::pause),
        get(web::repositories::PATH, Private(Role::Viewer), web::repositories::list),
        get(web::repositories::PART_PATH, Polled(Role::Viewer), web::repositories::list),
        post(web::repositories::PATH, Private(Role::Admin), web::repositories::add),
        post(web::repositories::REFRESH_PATH, Private(Role::Operator), web::repositories::refresh),
        post(web::repositories::REMOVE_PATH, Private(Role::Admin), web::repositories::remove),
        get(web::settings::PATH, Private(Role::Viewer), web::settings::page),
        get(web::settings::checks::PART_PATH, Polled(Role::Viewer), web::settings::checks::part),
        get(web::settings::AUDIT_PATH, Polled(Role::Viewer), web::settings::audit),
        post(web::settings::STOP_PATH, Private(Role::Admin), web::settings::stop_all),
        post(web::settings::RESUME_PATH, Private(Role::Admin), web::settings::resume_all),
        post(web::settings::SET_PATH, Private(Role::Admin), web::settings::set),
        get(web::logs::PATH, Private(Role::Viewer), web::logs::list),
        get(web::logs::PART_PATH, Polled(Role::Viewer), web::logs::list),
        get(web::live::PATH, Polled(Role::Viewer), web::live::events),
    ];
    routes.extend(of_self_monitoring());
    routes
}

/// The routes of the Self-Monitoring page: its scans, their settings, and the issues that they file.
fn of_self_monitoring() -> Vec<Route> {
    use Access::{Polled, Private};
    vec![
        get(page::PATH, Private(Role::Viewer), page::page),
        get(lists::PATH, Polled(Role::Viewer), lists::lists),
        get(configuration::CADENCE_PATH, Polled(Role::Viewer), configuration::cadence),
        post(configuration::CHANGE_PATH, Private(Role::Admin), change_settings::change),
        taking(
            change_prompt::MAX_BODY_BYTES,
            post(prompt::CHANGE_PATH, Private(Role::Admin), change_prompt::change),
        ),
        post(change_issue::PATH, Private(Role::Operator), change_issue::change),
        get(status::PATH, Polled(Role::Viewer), status::status),
        get(web::approvals::PATH, Private(Role::Viewer), web::approvals::page),
        get(web::approvals::PART_PATH, Polled(Role::Viewer), web::approvals::page),
        post(web::approvals::APPROVE_PATH, Private(Role::Admin), web::approvals::approve),
        post(web::approvals::REJECT_PATH, Private(Role::Admin), web::approvals::reject),
        post(web::approvals::EDIT_PATH, Private(Role::Admin), web::approvals::edit),
        post(status::RUN_NOW_PATH, Private(Role::Operator), status::run_now),
        post(status::DRY_RUN_PATH, Private(Role::Operator), status::dry_run),
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
            Access::Private(least) => private = private.route(path, at_least(least, handler)),
            Access::Polled(least) => polled = polled.route(path, at_least(least, handler)),
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

pub(super) fn at_least(role: Role, handler: MethodRouter<App>) -> MethodRouter<App> {
    handler.route_layer(from_fn_with_state(role, access::require_role))
}

async fn not_found() -> Problem {
    Problem::of(Code::WebNotFound)
}

async fn wrong_method(method: Method) -> Problem {
    Problem::of(Code::WebMethod).saying(format!("This address does not take {method}."))
}

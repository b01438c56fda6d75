//! The table of routes, and the router that is made of it.
//!
//! *Invariant:* deny by default. A route is public only if its row in [`routes`] says so; every other path, known or
//! not, meets the login check first. No decision is made by looking at the text of a path.

use super::app::{App, Shared, Web};
use super::problem::Problem;
use super::self_monitoring::{
    change_issue, change_prompt, change_settings, configuration, lists, page, prompt, status,
};
use super::settings::{self, checks};
use super::{
    access, approvals, assets, dashboard, guard, health, job, jobs, live, login, logs, nav, queue,
    queues, repositories, schedule, schedules, session, sessions, setup, stream, trigger,
};
use crate::error::Code;
use crate::model::Role;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use std::sync::Arc;
use tower_http::compression::CompressionLayer;

/// Largest request body, in bytes: a form of ours has a few short fields.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Who may ask for a route.
#[derive(Clone, Copy)]
pub(super) enum Access {
    /// Anybody, signed in or not.
    Public,
    /// Accounts of at least this role.
    Private(Role),
    /// The same, asked for by a page that looks again by itself: it does not extend the login's idle limit.
    Polled(Role),
}

/// One row of the routing table.
pub(super) struct Route {
    /// For the test that walks the table; the handler knows its method by itself.
    #[cfg(test)]
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) access: Access,
    pub(super) handler: MethodRouter<App>,
}

/// Every route there is.
pub(super) fn routes() -> Vec<Route> {
    use Access::{Polled, Private, Public};
    let mut routes = vec![
        get("/healthz", Public, health::healthz),
        get("/assets/{file}", Public, assets::asset),
        get(nav::LOGIN, Public, login::form),
        post(nav::LOGIN, Public, login::sign_in),
        get("/setup/{code}", Public, setup::form),
        post("/setup/{code}", Public, setup::redeem),
        post(nav::LOGOUT, Private(Role::Viewer), login::sign_out),
        get(dashboard::PATH, Private(Role::Viewer), dashboard::page),
        get(dashboard::PART_PATH, Polled(Role::Viewer), dashboard::now_part),
        get(dashboard::LATEST_PATH, Polled(Role::Viewer), dashboard::latest_part),
        get(jobs::PATH, Private(Role::Viewer), jobs::list),
        get(jobs::PART_PATH, Polled(Role::Viewer), jobs::list),
        get("/jobs/{id}", Private(Role::Viewer), job::page),
        get("/jobs/{id}/part", Polled(Role::Viewer), job::page),
        post(job::CANCEL_PATH, Private(Role::Operator), job::cancel),
        post(job::RUN_AGAIN_PATH, Private(Role::Operator), job::run_again),
        post(job::RUN_NOW_PATH, Private(Role::Operator), job::run_now),
        post(job::DELETE_PATH, Private(Role::Admin), job::delete),
        get(schedules::PATH, Private(Role::Viewer), schedules::list),
        get(schedules::PART_PATH, Polled(Role::Viewer), schedules::list),
        get(schedule::PATH, Private(Role::Viewer), schedule::page),
        get(schedule::PART_PATH, Polled(Role::Viewer), schedule::page),
        post(schedules::RUN_NOW_PATH, Private(Role::Operator), schedules::run_now),
        post(schedules::PAUSE_PATH, Private(Role::Operator), schedules::pause),
        post(schedules::RESUME_PATH, Private(Role::Operator), schedules::resume),
        post(schedule::EDIT_PATH, Private(Role::Admin), schedule::edit),
        get(sessions::PATH, Private(Role::Viewer), sessions::list),
        get(sessions::PART_PATH, Polled(Role::Viewer), sessions::list),
        get(session::PAGE_PATH, Private(Role::Viewer), session::page),
        get(session::PART_PATH, Polled(Role::Viewer), session::page),
        get(session::FOLLOW_UP_PATH, Polled(Role::Viewer), session::follow_up),
        get(stream::PATH, Polled(Role::Viewer), stream::stream),
        taking(
            trigger::MAX_BODY_BYTES,
            post(trigger::PATH, Private(Role::Admin), trigger::trigger),
        ),
        post(queue::RESUME_PATH, Private(Role::Operator), queue::resume),
        get(queues::PATH, Private(Role::Viewer), queues::list),
        get(queues::PART_PATH, Polled(Role::Viewer), queues::list),
        post(queues::LIMIT_PATH, Private(Role::Operator), queues::limit),
        post(queues::PAUSE_PATH, Private(Role::Operator), queues::pause),
        get(repositories::PATH, Private(Role::Viewer), repositories::list),
        get(repositories::PART_PATH, Polled(Role::Viewer), repositories::list),
        post(repositories::PATH, Private(Role::Admin), repositories::add),
        post(repositories::REFRESH_PATH, Private(Role::Operator), repositories::refresh),
        post(repositories::REMOVE_PATH, Private(Role::Admin), repositories::remove),
        get(settings::PATH, Private(Role::Viewer), settings::page),
        get(checks::PART_PATH, Polled(Role::Viewer), checks::part),
        get(settings::AUDIT_PATH, Polled(Role::Viewer), settings::audit),
        post(settings::STOP_PATH, Private(Role::Admin), settings::stop_all),
        post(settings::RESUME_PATH, Private(Role::Admin), settings::resume_all),
        post(settings::SET_PATH, Private(Role::Admin), settings::set),
        get(logs::PATH, Private(Role::Viewer), logs::list),
        get(logs::PART_PATH, Polled(Role::Viewer), logs::list),
        get(live::PATH, Polled(Role::Viewer), live::events),
    ];
    routes.extend(of_self_monitoring());
    routes
}

/// The routes of scans and of what they file.
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
        get(approvals::PATH, Private(Role::Viewer), approvals::page),
        get(approvals::PART_PATH, Polled(Role::Viewer), approvals::page),
        post(approvals::APPROVE_PATH, Private(Role::Admin), approvals::approve),
        post(approvals::REJECT_PATH, Private(Role::Admin), approvals::reject),
        post(approvals::EDIT_PATH, Private(Role::Admin), approvals::edit),
        post(status::RUN_NOW_PATH, Private(Role::Operator), status::run_now),
        post(status::DRY_RUN_PATH, Private(Role::Operator), status::dry_run),
    ]
}

/// A route that only looks; HEAD is answered too.
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

/// The same route with a larger body.
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

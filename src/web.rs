//! The admin pages: server-rendered HTML over the database that the engine works on.
//!
//! A request passes the guard (host, origin, time limit, headers), then the login check of its route's group, then the
//! role its route asks for, then its handler. A handler extracts, asks the store, and composes components, which are
//! pure functions from data to `Markup`.
//!
//! *Invariant:* deny by default. A route is public only if its row in `routes` says so; every other path, known or
//! not, meets the login check first. No decision is made by looking at the text of a path.
//! *Invariant:* GET changes nothing, and every other method is refused unless our own page sent it.
//! *Invariant:* `axum`, `hyper` and `maud` are named nowhere else in the crate.

mod access;
mod approvals;
mod assets;
mod caller;
mod cookie;
mod dashboard;
mod guard;
mod health;
mod icon;
mod job;
mod jobs;
mod live;
mod login;
mod logs;
mod markdown;
mod page;
mod password;
mod queue;
mod queues;
mod repositories;
mod respond;
mod schedule;
mod schedules;
mod secret;
mod self_monitoring;
mod serve;
mod session;
mod sessions;
mod setting;
mod settings;
mod setup;
mod spend;
mod stream;
mod throttle;
mod transcript;
mod trigger;
mod ui;

pub use password::hash_password;
pub use serve::serve;
pub use setup::{SETUP_CODE_LIFE, SetupCode, new_setup_code};

use crate::clock::Clock;
use crate::error::Code;
use crate::model::Role;
use crate::monitor::Tracking;
use crate::sessions::Agents;
use crate::store::{LogStore, Store};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use password::Hasher;
use respond::Problem;
use self_monitoring::{configuration, issues, lists, prompt};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use throttle::Throttle;
use tokio::sync::{Semaphore, watch};
use tower_http::compression::CompressionLayer;

/// Largest request body, in bytes: a form of ours has a few short fields.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Where somebody goes who names no other page.
const HOME: &str = self_monitoring::PATH;

/// What the pages are served from.
#[derive(Clone, Debug)]
pub struct Web {
    /// The database that the pages show and change.
    pub store: Store,
    /// The log rows that the pages show.
    pub logs: LogStore,
    /// The time of logins, limits and relative times.
    pub clock: Clock,
    /// What the operator decided before the start.
    pub options: Options,
    /// Whether this process runs the engine; the pages say so when it does not.
    pub leading: watch::Receiver<bool>,
    /// What sessions are run with; `None`: none is taken here, and the pages say so.
    pub agents: Option<Agents>,
    /// Where issues go, and whether that is configured.
    pub tracking: Tracking,
    /// Whether this is the demo, whose scans are the built-in analyzer's whatever the settings say.
    pub demo: bool,
}

/// What the operator decides before the start.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Host names the server answers to besides `localhost`, `127.0.0.1` and `[::1]`, with or without a port.
    /// Default: none.
    pub allowed_hosts: Vec<String>,
    /// Peers whose `X-Forwarded-For` and `X-Forwarded-Proto` count. Default: none.
    pub trusted_proxies: Vec<IpAddr>,
}

/// What every handler shares.
struct Shared {
    web: Web,
    throttle: Mutex<Throttle>,
    hasher: Hasher,
    /// Places for the pages' event streams.
    streams: Arc<Semaphore>,
    /// Places for transcripts as streams: followers of a session never take a page its own.
    tails: Arc<Semaphore>,
}

type App = Arc<Shared>;

impl Shared {
    /// The throttle, for a moment. A panic while somebody held it leaves counters that are still counters.
    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who may ask for a route.
#[derive(Clone, Copy)]
enum Access {
    /// Anybody, signed in or not.
    Public,
    /// Accounts of at least this role.
    Private(Role),
    /// The same, asked for by a page that looks again by itself: it does not extend the login's idle limit.
    Polled(Role),
}

/// One row of the routing table.
struct Route {
    /// For the test that walks the table; the handler knows its method by itself.
    #[cfg(test)]
    method: Method,
    path: &'static str,
    access: Access,
    handler: MethodRouter<App>,
}

/// Every route there is.
fn routes() -> Vec<Route> {
    use Access::{Polled, Private, Public};
    let mut routes = vec![
        get("/healthz", Public, health::healthz),
        get("/assets/{file}", Public, assets::asset),
        get("/login", Public, login::form),
        post("/login", Public, login::sign_in),
        get("/setup/{code}", Public, setup::form),
        post("/setup/{code}", Public, setup::redeem),
        post("/logout", Private(Role::Viewer), login::sign_out),
        get(dashboard::PATH, Private(Role::Viewer), dashboard::page),
        get(dashboard::PART_PATH, Polled(Role::Viewer), dashboard::now_part),
        get(dashboard::LATEST_PATH, Polled(Role::Viewer), dashboard::latest_part),
        get(jobs::PATH, Private(Role::Viewer), jobs::list),
        get(jobs::PART_PATH, Polled(Role::Viewer), jobs::list),
        get("/jobs/{id}", Private(Role::Viewer), job::page),
        get("/jobs/{id}/part", Polled(Role::Viewer), job::page),
        post(job::CANCEL_PATH, Private(Role::Operator), job::cancel),
        post(job::RUN_AGAIN_PATH, Private(Role::Operator), job::run_again),
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
        get(settings::PART_PATH, Polled(Role::Viewer), settings::part),
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
        get(self_monitoring::PATH, Private(Role::Viewer), self_monitoring::page),
        get(self_monitoring::LISTS_PATH, Polled(Role::Viewer), lists::lists),
        get(self_monitoring::CADENCE_PATH, Polled(Role::Viewer), configuration::cadence),
        post(self_monitoring::SETTINGS_PATH, Private(Role::Admin), configuration::change),
        taking(
            prompt::MAX_BODY_BYTES,
            post(self_monitoring::PROMPT_PATH, Private(Role::Admin), prompt::change),
        ),
        post(issues::CHANGE_PATH, Private(Role::Operator), issues::change),
        get(self_monitoring::STATUS_PATH, Polled(Role::Viewer), self_monitoring::status),
        get(approvals::PATH, Private(Role::Viewer), approvals::page),
        get(approvals::PART_PATH, Polled(Role::Viewer), approvals::page),
        post(approvals::APPROVE_PATH, Private(Role::Admin), approvals::approve),
        post(approvals::REJECT_PATH, Private(Role::Admin), approvals::reject),
        post(approvals::EDIT_PATH, Private(Role::Admin), approvals::edit),
        post(self_monitoring::RUN_NOW_PATH, Private(Role::Operator), self_monitoring::run_now),
        post(self_monitoring::DRY_RUN_PATH, Private(Role::Operator), self_monitoring::dry_run),
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

/// The pages as a service. [`serve`] puts it behind a listener; tests call it in-process.
pub fn router(web: Web) -> Router {
    let app: App = Arc::new(Shared {
        web,
        throttle: Mutex::default(),
        hasher: Hasher::default(),
        streams: Arc::new(Semaphore::new(live::MAX_STREAMS)),
        tails: Arc::new(Semaphore::new(stream::MAX_STREAMS)),
    });
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

fn at_least(role: Role, handler: MethodRouter<App>) -> MethodRouter<App> {
    handler.route_layer(from_fn_with_state(role, access::require_role))
}

async fn not_found() -> Problem {
    Problem::of(Code::WebNotFound)
}

async fn wrong_method(method: Method) -> Problem {
    Problem::of(Code::WebMethod).saying(format!("This address does not take {method}."))
}

#[cfg(test)]
mod tests;

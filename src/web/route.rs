//! A row of the table of routes: a method, a path, who may ask, and the handler.

use super::app::App;
use crate::actions::Right;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};

/// Who may ask for a route.
#[derive(Clone, Copy)]
pub(super) enum Gate {
    /// Anybody, signed in or not. Where a host says who may see the pages, there is no such route.
    Public,
    /// Everybody who is known.
    Private,
    /// The same, for a request that a page sends by itself. It does not count as a use of the login.
    Polled,
    /// Programs that show a token. What it may do is the action's to say. No login counts.
    ByToken,
    /// Persons whose role has the right of the action.
    Needs(Right),
}

/// One row of the routing table.
pub(super) struct Route {
    /// The method, which the handler has in itself too.
    #[cfg_attr(not(test), expect(dead_code, reason = "the test that walks the table reads it"))]
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) gate: Gate,
    pub(super) handler: MethodRouter<App>,
}

/// A route that changes nothing. It answers HEAD too.
pub(super) fn get<H, T>(path: &'static str, gate: Gate, handler: H) -> Route
where
    H: Handler<T, App>,
    T: 'static,
{
    route(Method::GET, path, gate, handler)
}

/// A route that changes something.
pub(super) fn post<H, T>(path: &'static str, gate: Gate, handler: H) -> Route
where
    H: Handler<T, App>,
    T: 'static,
{
    route(Method::POST, path, gate, handler)
}

fn route<H, T>(method: Method, path: &'static str, gate: Gate, handler: H) -> Route
where
    H: Handler<T, App>,
    T: 'static,
{
    let filter = MethodFilter::try_from(method.clone()).expect("a method that routes know");
    let handler = on(filter, handler);
    Route { method, path, gate, handler }
}

/// The same route, which takes a larger body.
pub(super) fn taking(bytes: usize, route: Route) -> Route {
    Route { handler: route.handler.layer(DefaultBodyLimit::max(bytes)), ..route }
}

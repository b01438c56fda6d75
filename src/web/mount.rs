//! The pages as a router that a host nests anywhere, and that `serve` puts behind a listener.

use super::app::Web;
use super::host::Access;
use super::routes::pages;
use crate::error::{Code, Error, Result};
use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

/// The start page, and everything below it.
const START: &str = "/";
const REST: &str = "/{*rest}";

/// The pages over the jobs of an [`Engine`](crate::Engine), of [`Jobs`](crate::Jobs), or over all of a [`Web`]. The router
/// can be nested under any path of an axum application: every link, form, redirect and cookie follows the path that a
/// request came by.
///
/// # Errors
/// `CONFIG-VALUE-001` for [`Access::accounts`], or pages of sessions and scans, over a database that
/// [`Store::open_in`](crate::store::Store::open_in) opened: an application's file has no such tables.
///
/// # Example
/// ```
/// use axum::Router;
/// use lamplighter::model::Role;
/// use lamplighter::prelude::*;
/// use lamplighter::web::{self, Access, Person};
///
/// # fn main() -> lamplighter::Result<()> {
/// # let folder = tempfile::tempdir().expect("a folder");
/// # let store = lamplighter::testing::store_in(folder.path())?;
/// let jobs = Jobs::new(&store, &Clock::system());
/// // Your own sign-in goes here: without a person, nothing of the pages is answered.
/// let access = Access::host(|request| {
///     let name = request.headers.get("x-user")?.to_str().ok()?;
///     Some(Person { name: name.to_owned(), role: Role::Viewer })
/// });
/// let application: Router = Router::new().nest("/admin/jobs", web::router(&jobs, access)?);
/// # drop(application);
/// # Ok(())
/// # }
/// ```
pub fn router<S>(web: impl Into<Web>, access: Access) -> Result<Router<S>>
where
    S: Clone + Send + Sync + 'static,
{
    let web = web.into();
    if web.store.is_guest() && (access.has_accounts() || web.has_program()) {
        let why = "serve the pages: the database of an application has no accounts, sessions and scans; say who may see \
                   the pages with Access::host";
        return Err(Error::new(Code::ConfigInvalid, why));
    }
    let pages = TowerToHyperService::new(pages(web, access.clone()));
    let answer = async move |request: Request| match pages.call(access.asked(request)).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    Ok(Router::new().route(START, any(answer.clone())).route(REST, any(answer)))
}

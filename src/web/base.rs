//! The one place that makes the addresses of these pages.
//!
//! Whatever leads back to them (a link, a form, an asset, a redirect, the path of the cookie, an event stream) begins with
//! the base: the path that the pages are nested under. The base is read from each request: it is what the host's router took away before the routes here saw the path.
//!
//! *Invariant:* no other file of the pages puts an address of theirs into an attribute or a header by itself.

use axum::extract::OriginalUri;
use axum::http::Uri;
use axum::http::request::Parts;
use maud::Render;
use serde::Serialize;
use std::fmt::{Display, Write as _};
use std::sync::Arc;

tokio::task_local! {
    static BASE: Base;
}

/// The path that the pages are nested under, without a slash at its end. It is empty if they are at the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Base(Arc<str>);

impl Base {
    /// The base of a request: its path as the host's router saw it, without the path that the routes here see.
    pub(super) fn of(request: &Parts) -> Self {
        let inner = request.uri.path();
        let outer = original_path(request);
        // The start page is at `/x` as well as at `/x/`.
        let base = outer.strip_suffix(inner).or((inner == "/").then_some(outer));
        Self(printable(base.unwrap_or_default().trim_end_matches('/')).into())
    }

    /// Runs what answers a request of this base. Every address that is made meanwhile begins with it.
    pub(super) async fn around<T>(self, answer: impl Future<Output = T>) -> T {
        BASE.scope(self, answer).await
    }
}

/// The path of a request as the host's router saw it.
pub(super) fn original_path(request: &Parts) -> &str {
    let original = request.extensions.get::<OriginalUri>();
    original.map_or(request.uri.path(), |OriginalUri(uri)| uri.path())
}

/// The base with every byte escaped that means something in a header. A host's router may have a placeholder in the path
/// that it nests the pages under, and anybody may fill that in.
fn printable(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_graphic() && !b";\"\\".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("a string takes every text");
        }
    }
    text
}

/// The base of the request that is being answered. Outside of one, as in a test of a component, the pages are at the root.
fn base() -> Base {
    BASE.try_with(Base::clone).unwrap_or_default()
}

/// The `Path` of a cookie: the browser sends it to this page and those below it, and to nothing else of the host.
pub(super) fn cookie_path(page: &str) -> String {
    link(page).0
}

/// The address of a page or a file that is at `path` by the table of routes.
pub(super) fn link(path: &str) -> Link {
    let Base(base) = base();
    // A host's router knows `/x` by itself, and `/x/` only if it has a rule for it.
    let path = if base.is_empty() || path != "/" { path } else { "" };
    Link(format!("{base}{path}"))
}

/// The path and the query of a page of these, of the whole address at which a browser says that it is. `None`: it is not below
/// the base. Whether the address is of this server is not looked at, and does not matter: only its path is used.
pub(super) fn within(address: &str) -> Option<String> {
    let address: Uri = address.parse().ok()?;
    let Base(base) = base();
    let path = address.path_and_query()?.as_str().strip_prefix(&*base)?;
    match path.as_bytes().first() {
        None | Some(b'?') => Some(format!("/{path}")),
        Some(b'/') => Some(path.to_owned()),
        Some(_) => None,
    }
}

/// An address of these pages as a browser may be sent to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link(String);

impl Link {
    /// The address of what is under this one by the name.
    pub(super) fn under(&self, name: impl Display) -> Self {
        Self(format!("{}/{name}", self.0))
    }

    /// The address with a query, or with nothing more if the query is empty.
    pub(super) fn with(&self, query: &impl Serialize) -> Self {
        let query = query_text(query);
        if query.is_empty() {
            return self.clone();
        }
        let sign = if self.0.contains('?') { '&' } else { '?' };
        Self(format!("{}{sign}{query}", self.0))
    }

    /// The address of the element with this id on the page.
    pub(super) fn at(&self, id: &str) -> Self {
        Self(format!("{}#{id}", self.0))
    }

    /// The address as text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A query as it stands in an address.
pub(super) fn query_text(query: &impl Serialize) -> String {
    serde_urlencoded::to_string(query).expect("a query is a flat list of fields")
}

impl Render for Link {
    fn render_to(&self, text: &mut String) {
        self.0.render_to(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn base_of(outer: &str, inner: &str) -> Base {
        let (mut parts, ()) = Request::builder().uri(inner).body(()).unwrap().into_parts();
        parts.extensions.insert(OriginalUri(outer.parse().unwrap()));
        Base::of(&parts)
    }

    #[tokio::test]
    async fn a_page_that_is_open_is_known_by_its_path_below_the_base() {
        let at_root = |address| within(address);
        assert_eq!(at_root("http://a.example/jobs?q=1").as_deref(), Some("/jobs?q=1"));
        assert_eq!(at_root("https://a.example").as_deref(), Some("/"));
        assert_eq!(at_root("no address"), None);
        let nested = async |address| Base("/x".into()).around(async { within(address) }).await;
        for (address, page) in [
            ("http://a.example/x/jobs", Some("/jobs")),
            ("http://a.example/x", Some("/")),
            ("http://a.example/x?q=1", Some("/?q=1")),
            ("http://a.example/xy", None),
            ("http://a.example/jobs", None),
        ] {
            assert_eq!(nested(address).await.as_deref(), page, "{address}");
        }
    }

    #[test]
    fn the_base_is_what_the_router_of_the_host_took_away() {
        for (outer, inner, base) in [
            ("/", "/", ""),
            ("/jobs?q=1", "/jobs?q=1", ""),
            ("/x/y", "/", "/x/y"),
            ("/x/y/", "/", "/x/y"),
            ("/x/y?a=/b", "/?a=/b", "/x/y"),
            ("/x/y/jobs/7?q=1", "/jobs/7?q=1", "/x/y"),
            ("/jobs/jobs", "/jobs", "/jobs"),
            ("/a%2Fb/jobs", "/jobs", "/a%2Fb"),
            ("/a;Domain=x/jobs", "/jobs", "/a%3BDomain=x"),
        ] {
            assert_eq!(&*base_of(outer, inner).0, base, "{outer}");
        }
        let (parts, ()) = Request::builder().uri("/jobs").body(()).unwrap().into_parts();
        assert_eq!(Base::of(&parts), Base::default());
    }

    #[tokio::test]
    async fn every_address_begins_with_the_base_of_the_request_that_is_answered() {
        let made = || {
            let job = link("/jobs").under(7);
            let texts = [
                link("/"),
                link("/jobs"),
                job.under("part").with(&[("on", "a&b")]).with(&[("v", 1)]),
                job.with(&[("q", ""); 0]).at("end"),
            ];
            (texts.map(|link| link.0), cookie_path("/"))
        };
        let at_root = ["/", "/jobs", "/jobs/7/part?on=a%26b&v=1", "/jobs/7#end"];
        assert_eq!(made(), (at_root.map(str::to_owned), "/".to_owned()));
        let (texts, path) = base_of("/x/y/jobs", "/jobs").around(async { made() }).await;
        let nested = ["/x/y", "/x/y/jobs", "/x/y/jobs/7/part?on=a%26b&v=1", "/x/y/jobs/7#end"];
        assert_eq!((texts, path.as_str()), (nested.map(str::to_owned), "/x/y"));
        assert_eq!(link("/jobs").0, "/jobs");
    }
}

//! Who may see the pages, and as whom: the pages' own accounts, or what the program around them says.

use crate::model::Role;
use axum::extract::{ConnectInfo, OriginalUri, Request};
use axum::http::Extensions;
use axum::http::request::Parts;
use std::fmt::{self, Debug, Formatter};
use std::net::SocketAddr;
use std::sync::Arc;

/// Somebody who may see the pages, as the program around them names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The name for the audit log, the jobs' histories and the corner of each page.
    pub name: String,
    /// What this person may do here: look, act on jobs and queues, or all.
    pub role: Role,
}

/// The host's answer to who asks.
type Says = dyn Fn(&Parts) -> Option<Person> + Send + Sync;

/// Who may see the pages. A person who neither signs in nor is named by the host is refused, and gets nothing else.
#[derive(Clone)]
pub struct Access(Option<Arc<Says>>);

/// What the host said of a request: it is asked once, before anything else is looked at.
#[derive(Clone, Debug)]
pub(super) struct HostSaid(pub(super) Option<Person>);

impl Access {
    /// The pages have a sign-in of their own, with the accounts of the job database, which `lamplighter users` makes and
    /// changes. They answer to `localhost` and to [`Options::allowed_hosts`](super::Options::allowed_hosts) alone.
    pub fn accounts() -> Self {
        Self(None)
    }

    /// The program around the pages decides: `who` reads a request and names the person, or answers `None`, which is
    /// refused with 401 whatever the address. Nothing of the pages is public then, not even their style sheet, and they have
    /// no sign-in and no sign-out.
    ///
    /// `who` is asked for each request, so a person who is signed out or loses a role is refused from the next one on. It
    /// must not block: let a layer of your own look the session up, and read its result from the request's extensions.
    ///
    /// A request that changes something must still come from a page of the same site, which the browser says. Which host
    /// names the server answers to is the host's own affair: an answer that goes by no cookie and no header, such as one
    /// fixed person for everybody who can connect, needs a check of the header `Host` before it.
    ///
    /// # Example
    /// ```
    /// use lamplighter::model::Role;
    /// use lamplighter::web::{Access, Person};
    ///
    /// #[derive(Clone)]
    /// struct User { name: String, is_admin: bool } // a layer of the host puts it into the request
    ///
    /// let access = Access::host(|request| {
    ///     let user = request.extensions.get::<User>()?;
    ///     let role = if user.is_admin { Role::Admin } else { Role::Viewer };
    ///     Some(Person { name: user.name.clone(), role })
    /// });
    /// ```
    pub fn host(who: impl Fn(&Parts) -> Option<Person> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(who)))
    }

    /// Whether the pages have accounts of their own.
    pub(super) fn has_accounts(&self) -> bool {
        self.0.is_none()
    }

    /// A request as the pages take it, with what the host says of it. Of the host's own extensions nothing is kept but the
    /// address that was asked for and the peer: placeholders in the path that the pages are nested under are not theirs.
    pub(super) fn asked(&self, request: Request) -> Request {
        let (mut parts, body) = request.into_parts();
        let said = self.0.as_ref().map(|who| HostSaid(who(&parts)));
        let from = std::mem::take(&mut parts.extensions);
        keep::<OriginalUri>(&from, &mut parts.extensions);
        keep::<ConnectInfo<SocketAddr>>(&from, &mut parts.extensions);
        if let Some(said) = said {
            parts.extensions.insert(said);
        }
        Request::from_parts(parts, body)
    }
}

fn keep<T: Clone + Send + Sync + 'static>(from: &Extensions, to: &mut Extensions) {
    if let Some(value) = from.get::<T>() {
        to.insert(value.clone());
    }
}

impl Debug for Access {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if self.has_accounts() { "Access::accounts" } else { "Access::host" })
    }
}

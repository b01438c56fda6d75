//! The client of a tracker, whichever kind it is: what filing and its news ask of one.
//!
//! A tracker of another kind is its own file, with the same methods, and a line of the list here.

use super::github::{self, Listed, Options, RemoteComment, RemoteIssue};
use crate::clock::Clock;
use crate::model::{Failure, Marker, Place, RemoteKind, Timestamp, Visibility};

macro_rules! clients {
    ($($kind:ident: $client:ty, $turn:ty;)*) => {
        /// The issues of one repository at a tracker; clones share it.
        #[derive(Clone)]
        pub enum Client { $(#[doc = stringify!($kind)] $kind($client),)* }

        /// The right to write once; the next one has to wait until it is used or dropped.
        pub enum ClientTurn { $(#[doc = stringify!($kind)] $kind($turn),)* }

        impl Client {
            /// A client. Nothing is asked yet.
            pub fn new(kind: RemoteKind, options: Options, clock: Clock) -> Self {
                match kind { $(RemoteKind::$kind => Self::$kind(<$client>::new(options, clock)),)* }
            }

            /// Which kind of tracker it asks.
            pub const fn kind(&self) -> RemoteKind {
                match self { $(Self::$kind(_) => RemoteKind::$kind,)* }
            }

            /// Who can read the issues.
            pub async fn visibility(&self) -> Result<Visibility, Failure> {
                match self { $(Self::$kind(client) => client.visibility().await,)* }
            }

            /// The issues, open and closed, in which anything changed since this instant by the tracker's clock; `None`
            /// if the answer is the one of this tag still.
            pub async fn issues_changed_since(
                &self,
                since: Timestamp,
                etag: Option<&str>,
            ) -> Result<Option<Listed>, Failure> {
                match self {
                    $(Self::$kind(client) => client.issues_changed_since(since, etag).await,)*
                }
            }

            /// Every open issue.
            pub async fn open_issues(&self) -> Result<Vec<RemoteIssue>, Failure> {
                match self { $(Self::$kind(client) => client.open_issues().await,)* }
            }

            /// The closed issues in which anything changed since this instant.
            pub async fn issues_closed_since(
                &self,
                since: Timestamp,
            ) -> Result<Vec<RemoteIssue>, Failure> {
                match self { $(Self::$kind(client) => client.issues_closed_since(since).await,)* }
            }

            /// One issue.
            pub async fn issue(&self, number: i64) -> Result<RemoteIssue, Failure> {
                match self { $(Self::$kind(client) => client.issue(number).await,)* }
            }

            /// The account of the token; `None` if the token may not ask for it.
            pub async fn login(&self) -> Result<Option<String>, Failure> {
                match self { $(Self::$kind(client) => client.login().await,)* }
            }

            /// The comments of an issue that were changed since this instant, oldest first.
            pub async fn comments(
                &self,
                number: i64,
                since: Timestamp,
            ) -> Result<Vec<RemoteComment>, Failure> {
                match self { $(Self::$kind(client) => client.comments(number, since).await,)* }
            }

            /// The issue of ours that has this marker, among those made since this instant.
            pub async fn find_issue(
                &self,
                marker: &Marker,
                since: Timestamp,
            ) -> Result<Option<Place>, Failure> {
                match self { $(Self::$kind(client) => client.find_issue(marker, since).await,)* }
            }

            /// The comment of ours on this issue that has this marker, among those changed since this instant.
            pub async fn find_comment(
                &self,
                number: i64,
                marker: &Marker,
                since: Timestamp,
            ) -> Result<Option<Place>, Failure> {
                match self {
                    $(Self::$kind(client) => client.find_comment(number, marker, since).await,)*
                }
            }

            /// Waits until it may write.
            pub async fn turn(&self) -> ClientTurn {
                match self { $(Self::$kind(client) => ClientTurn::$kind(client.turn().await),)* }
            }
        }

        impl ClientTurn {
            /// Makes an issue.
            pub async fn create_issue(
                self,
                title: &str,
                body: &str,
                labels: &[String],
            ) -> Result<Place, Failure> {
                match self {
                    $(Self::$kind(turn) => turn.create_issue(title, body, labels).await,)*
                }
            }

            /// Comments on an issue.
            pub async fn create_comment(self, number: i64, body: &str) -> Result<Place, Failure> {
                match self { $(Self::$kind(turn) => turn.create_comment(number, body).await,)* }
            }

            /// Opens an issue again. That it is open already is no failure, so it may be repeated.
            pub async fn reopen(self, number: i64) -> Result<(), Failure> {
                match self { $(Self::$kind(turn) => turn.reopen(number).await,)* }
            }

            /// Closes an issue as a duplicate. That it is closed already is no failure, so it may be repeated.
            pub async fn close_as_duplicate(self, number: i64) -> Result<(), Failure> {
                match self { $(Self::$kind(turn) => turn.close_as_duplicate(number).await,)* }
            }
        }
    };
}

clients! {
    Github: github::GitHub, github::Turn;
}

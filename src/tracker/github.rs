//! GitHub's issues over its REST API.
//!
//! Reading is free of side effects. Writing takes a [`Turn`]: one at a time, a second apart, as GitHub asks of programs.
//! The client repeats no request by itself; a [`Failure`] says whether a caller may repeat it.
//!
//! # Source
//! <https://docs.github.com/en/rest/issues>,
//! <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api>.

mod answer;
mod http;
mod wire;

pub use wire::{CloseReason, Closed, RemoteComment, RemoteIssue};

use super::token::TokenSource;
use crate::clock::Clock;
use crate::model::{ApiUrl, Failure, Marker, Place, Reason, Repository, Timestamp, Visibility};
use http::Http;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;
use tokio::task::spawn_blocking;
use ureq::http::Method;

/// Issues or comments a page.
const PAGE: usize = 50;
/// The most pages of one list that are read. If there are more, the answer is a failure and never "not there".
const MAX_PAGES: usize = 200;
/// Time between two writes; what GitHub asks of programs.
const PACE: Duration = Duration::from_secs(1);

/// What a client needs to know.
#[derive(Clone, Debug)]
pub struct Options {
    /// `tracker.api_url`.
    pub api_url: ApiUrl,
    /// `tracker.repository`, or what [`repository_of`](super::repository_of) found.
    pub repository: Repository,
    /// Where the token is.
    pub token: TokenSource,
    /// Longest a request may take, from its connection to the answer's last byte:
    /// [`REQUEST_LIMIT`](crate::model::REQUEST_LIMIT) or less.
    pub limit: Duration,
}

/// A list of issues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The issues.
    pub issues: Vec<RemoteIssue>,
    /// What GitHub calls this answer. Asked for with it again, it says so if nothing has changed.
    pub etag: Option<String>,
}

/// The issues of one repository; clones share it.
#[derive(Clone)]
pub struct GitHub(Arc<Inner>);

struct Inner {
    http: Http,
    /// `/repos/owner/name`.
    repo: String,
    clock: Clock,
    /// The account of a token, with the hash of that token.
    login: Mutex<Option<(String, String)>>,
    /// When the last write ended.
    last_write: Arc<tokio::sync::Mutex<Option<Duration>>>,
}

impl GitHub {
    /// A client. Nothing is asked yet.
    pub fn new(options: Options, clock: Clock) -> Self {
        let Options { api_url, repository, token, limit } = options;
        Self(Arc::new(Inner {
            http: Http::new(api_url, token, clock.clone(), limit),
            repo: format!("/repos/{}", repository.as_str()),
            clock,
            login: Mutex::default(),
            last_write: Arc::default(),
        }))
    }

    /// Who can read the issues.
    pub async fn visibility(&self) -> Result<Visibility, Failure> {
        self.ask(|inner| Ok(inner.http.get(&inner.repo)?.read::<wire::Repo>()?.visibility())).await
    }

    /// One issue.
    pub async fn issue(&self, number: i64) -> Result<RemoteIssue, Failure> {
        self.ask(move |inner| {
            inner.http.get(&inner.issue(number))?.read::<wire::Issue>()?.into_issue()
        })
        .await
    }

    /// The issues, open and closed, in which anything changed since this instant by the tracker's clock; no pull requests.
    /// `None` if the answer is the one that GitHub gave this tag.
    pub async fn issues_changed_since(
        &self,
        since: Timestamp,
        etag: Option<&str>,
    ) -> Result<Option<Listed>, Failure> {
        let etag = etag.map(ToOwned::to_owned);
        self.ask(move |inner| {
            // The newest come first: an issue that changes meanwhile moves to the front, and none is lost between two
            // pages; and the first page alone tells whether anything has changed.
            let query = format!("state=all&sort=updated&direction=desc&since={}", seconds(since));
            inner.listed(&query, etag.as_deref())
        })
        .await
    }

    /// Every open issue; no pull requests.
    pub async fn open_issues(&self) -> Result<Vec<RemoteIssue>, Failure> {
        // The oldest come first, so that one that is opened meanwhile comes at the end.
        self.ask(|inner| inner.issues("state=open&sort=created&direction=asc", |_| true)).await
    }

    /// The closed issues in which anything changed since this instant; no pull requests.
    pub async fn issues_closed_since(&self, since: Timestamp) -> Result<Vec<RemoteIssue>, Failure> {
        self.ask(move |inner| {
            let since = seconds(since);
            let query = format!("state=closed&sort=updated&direction=desc&since={since}");
            inner.issues(&query, |_| true)
        })
        .await
    }

    /// The account of the token; `None` if the token may not ask for it, as tokens of apps may not.
    pub async fn login(&self) -> Result<Option<String>, Failure> {
        self.ask(Inner::login).await
    }

    /// The issue of ours that has this marker, among those made since this instant.
    pub async fn find_issue(
        &self,
        marker: &Marker,
        since: Timestamp,
    ) -> Result<Option<Place>, Failure> {
        let marker = marker.clone();
        self.ask(move |inner| {
            // The request has an order and no filter, because the filters of the tracker may lag behind its issues.
            let query = "state=all&sort=created&direction=desc";
            let issues = inner.issues(query, |issue| issue.created_at >= since)?;
            let with_it = issues.iter().filter(|issue| marker.is_in(&issue.body));
            let with_it: Vec<_> = with_it.map(|i| (i.author.as_deref(), i.place())).collect();
            inner.ours(with_it)
        })
        .await
    }

    /// The comment of ours on this issue that has this marker, among those changed since this instant.
    pub async fn find_comment(
        &self,
        number: i64,
        marker: &Marker,
        since: Timestamp,
    ) -> Result<Option<Place>, Failure> {
        let marker = marker.clone();
        self.ask(move |inner| {
            let comments = inner.comments(number, since)?;
            let with_it = comments.iter().filter(|comment| marker.is_in(&comment.body));
            let place = |c: &RemoteComment| Place { number, url: c.url.clone() };
            inner.ours(with_it.map(|c| (c.author.as_deref(), place(c))).collect())
        })
        .await
    }

    /// The comments of an issue that were changed since this instant, oldest first.
    pub async fn comments(
        &self,
        number: i64,
        since: Timestamp,
    ) -> Result<Vec<RemoteComment>, Failure> {
        self.ask(move |inner| inner.comments(number, since)).await
    }

    /// The right to write once, as soon as the last write is a second ago. Cancel safe.
    pub async fn turn(&self) -> Turn {
        let last_write = Arc::clone(&self.0.last_write).lock_owned().await;
        let clock = &self.0.clock;
        if let Some(last) = *last_write {
            clock.sleep((last + PACE).saturating_sub(clock.uptime())).await;
        }
        Turn { github: self.clone(), last_write }
    }

    /// Runs blocking work. It goes on even if nobody waits for it any more.
    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let inner = Arc::clone(&self.0);
        spawn_blocking(move || work(&inner)).await.unwrap_or_else(|error| {
            Err(Failure {
                reason: Reason::Network,
                outcome_unknown: true,
                said: answer::said(&error.to_string()),
            })
        })
    }
}

/// The right to write once; the next one has to wait until it is used or dropped.
pub struct Turn {
    github: GitHub,
    last_write: OwnedMutexGuard<Option<Duration>>,
}

impl Turn {
    /// Makes an issue.
    pub async fn create_issue(
        self,
        title: &str,
        body: &str,
        labels: &[String],
    ) -> Result<Place, Failure> {
        let mut new = json!({ "title": title, "body": body });
        if !labels.is_empty() {
            new["labels"] = labels.into();
        }
        self.write(move |inner| {
            let path = format!("{}/issues", inner.repo);
            let made: wire::Made = inner.http.send(Method::POST, &path, &new)?.read()?;
            inner.learn(made.user.map(|user| user.login));
            Ok(Place { number: made.number, url: made.html_url })
        })
        .await
    }

    /// Comments on an issue.
    pub async fn create_comment(self, number: i64, body: &str) -> Result<Place, Failure> {
        let new = json!({ "body": body });
        self.write(move |inner| {
            let path = format!("{}/comments", inner.issue(number));
            let comment: wire::Comment = inner.http.send(Method::POST, &path, &new)?.read()?;
            let comment = RemoteComment::from(comment);
            inner.learn(comment.author);
            Ok(Place { number, url: comment.url })
        })
        .await
    }

    /// Opens an issue again. An issue that is open already is no failure, so a caller may repeat this.
    pub async fn reopen(self, number: i64) -> Result<(), Failure> {
        self.change(number, json!({ "state": "open" })).await
    }

    /// Closes an issue as a duplicate. An issue that is closed already is no failure, so a caller may repeat this.
    pub async fn close_as_duplicate(self, number: i64) -> Result<(), Failure> {
        let closing = |reason| json!({ "state": "closed", "state_reason": reason });
        let (as_duplicate, as_not_planned) = (closing("duplicate"), closing("not_planned"));
        self.write(move |inner| {
            let change =
                |change| inner.http.send(Method::PATCH, &inner.issue(number), change).map(drop);
            match change(&as_duplicate) {
                // A server of GitHub's that is older than this reason.
                Err(failure) if failure.reason == Reason::Invalid => change(&as_not_planned),
                done => done,
            }
        })
        .await
    }

    /// Replaces an issue's labels.
    pub async fn set_labels(self, number: i64, labels: &[String]) -> Result<(), Failure> {
        self.change(number, json!({ "labels": labels })).await
    }

    async fn change(self, number: i64, change: Value) -> Result<(), Failure> {
        self.write(move |inner| {
            inner.http.send(Method::PATCH, &inner.issue(number), &change).map(drop)
        })
        .await
    }

    async fn write<T: Send + 'static>(
        self,
        work: impl FnOnce(&Inner) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let Self { github, mut last_write } = self;
        github
            .ask(move |inner| {
                let done = work(inner);
                *last_write = Some(inner.clock.uptime());
                done
            })
            .await
    }
}

impl Inner {
    fn issue(&self, number: i64) -> String {
        format!("{}/issues/{number}", self.repo)
    }

    /// The issues of a list without pull requests, as long as the caller wants more.
    fn issues(
        &self,
        query: &str,
        wanted: impl Fn(&RemoteIssue) -> bool,
    ) -> Result<Vec<RemoteIssue>, Failure> {
        let mut found = Vec::new();
        self.pages(&self.list(query), None, |item: wire::Issue| {
            let is_pull_request = item.is_pull_request();
            let issue = item.into_issue()?;
            let go_on = wanted(&issue);
            if go_on && !is_pull_request {
                found.push(issue);
            }
            Ok(go_on)
        })?;
        Ok(found)
    }

    /// The whole list without pull requests; `None` if it is what it was.
    fn listed(&self, query: &str, etag: Option<&str>) -> Result<Option<Listed>, Failure> {
        let mut issues = Vec::new();
        let first = self.pages(&self.list(query), etag, |item: wire::Issue| {
            if !item.is_pull_request() {
                issues.push(item.into_issue()?);
            }
            Ok(true)
        })?;
        Ok(match first {
            First::Unchanged => None,
            First::Read(etag) => Some(Listed { issues, etag }),
        })
    }

    fn list(&self, query: &str) -> String {
        format!("{}/issues?{query}&per_page={PAGE}", self.repo)
    }

    fn comments(&self, number: i64, since: Timestamp) -> Result<Vec<RemoteComment>, Failure> {
        let mut found = Vec::new();
        let query = format!("since={}&per_page={PAGE}", seconds(since));
        self.pages(
            &format!("{}/comments?{query}", self.issue(number)),
            None,
            |comment: wire::Comment| {
                found.push(RemoteComment::from(comment));
                Ok(true)
            },
        )?;
        Ok(found)
    }

    /// Hands over the items of all pages until one is answered by `false`. The first page is asked for unless it is the
    /// one of this tag still.
    fn pages<T: serde::de::DeserializeOwned>(
        &self,
        first: &str,
        etag: Option<&str>,
        mut each: impl FnMut(T) -> Result<bool, Failure>,
    ) -> Result<First, Failure> {
        let mut answer = self.http.get_unless(first, etag)?;
        if answer.is_unchanged {
            return Ok(First::Unchanged);
        }
        let tag = answer.etag.take();
        for _ in 0..MAX_PAGES {
            for item in answer.read::<Vec<T>>()? {
                if !each(item)? {
                    return Ok(First::Read(tag));
                }
            }
            match answer.next {
                Some(address) => answer = self.http.get(&self.http.path_of(&address)?)?,
                None => return Ok(First::Read(tag)),
            }
        }
        Err(Failure {
            reason: Reason::Garbled,
            outcome_unknown: false,
            said: format!("the list has more than {MAX_PAGES} pages"),
        })
    }

    /// Of what has a marker, what we wrote. A token that may not ask whose it is gets the oldest: a copy of a marker is
    /// younger than the marker.
    fn ours(&self, with_it: Vec<(Option<&str>, Place)>) -> Result<Option<Place>, Failure> {
        if with_it.is_empty() {
            return Ok(None);
        }
        let login = self.login()?;
        let is_ours = |author: Option<&str>| login.is_none() || author == login.as_deref();
        let ours = with_it.into_iter().filter(|(author, _)| is_ours(*author));
        Ok(ours.map(|(_, place)| place).min_by_key(|place| place.number))
    }

    /// The account of the token; `None` if the token may not ask for it, as tokens of apps may not.
    fn login(&self) -> Result<Option<String>, Failure> {
        let hash = self.http.token_hash()?;
        if let Some((by, login)) = &*self.login.lock().unwrap_or_else(PoisonError::into_inner)
            && *by == hash
        {
            return Ok(Some(login.clone()));
        }
        match self.http.get("/user") {
            Ok(answer) => {
                let user: wire::User = answer.read()?;
                self.learn(Some(user.login.clone()));
                Ok(Some(user.login))
            }
            Err(failure) if matches!(failure.reason, Reason::Forbidden | Reason::NotFound) => {
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Remembers who we are from an answer to a write of ours.
    fn learn(&self, login: Option<String>) {
        if let (Some(login), Ok(hash)) = (login, self.http.token_hash()) {
            *self.login.lock().unwrap_or_else(PoisonError::into_inner) = Some((hash, login));
        }
    }
}

/// What the first page of a list says of the list.
enum First {
    /// It is what it was.
    Unchanged,
    /// It was read, and this is its tag.
    Read(Option<String>),
}

/// An instant as GitHub takes it in a query.
fn seconds(instant: Timestamp) -> String {
    instant.to_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

//! Tests of the pages as a whole.
//!
//! They use the real router in-process, a real database in a temporary folder, and a clock that is moved by hand.

#![cfg(feature = "monitor")]

mod access;
mod admin;
mod agent;
mod approvals;
mod assets;
mod audit;
mod batches;
mod bulk;
mod errors;
mod figures;
mod guard;
mod health;
mod issue;
mod job_forms;
mod jobs;
mod live;
mod login;
mod logs;
mod needs;
mod otlp;
mod pages;
mod people;
mod repositories;
mod scans;
mod schedules;
mod self_monitoring;
mod session_facts;
mod session_search;
mod session_spend;
mod sessions;
mod token_jobs;
mod token_page;
mod tokens;
mod transcripts;
mod views;
mod wire;
mod work;

use super::{Access, Options, Program, Web, router};
use crate::clock::Clock;
use crate::model::{Account, Actor, Kind, KindRules, Lane, PollRequest, Timestamp};
use crate::monitor::Tracking;
use crate::store::{Leadership, LogStore, OpenMode, Store};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::request::Builder;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use std::net::SocketAddr;
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt;

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const HOST: &str = "localhost:8745";
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const PASSWORD: &str = "a lamp in every street";

const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

struct Site {
    router: Router,
    web: Web,
    leading: watch::Sender<bool>,
    /// The value of the `Cookie` header of the account that is signed in.
    cookie: String,
    folder: TempDir,
    /// What keeps the worker of the tests leading, once it leads.
    leads: std::sync::Mutex<Option<Leadership>>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts the code of a problem. The answer to a HEAD request has no body to read it from.
    fn assert_code(&self, method: &Method, code: &str) {
        if *method == Method::HEAD {
            assert_eq!(self.body, "");
        } else {
            assert_eq!(self.json()["code"], code);
        }
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Site {
    fn logs(&self) -> &LogStore {
        &self.web.program.as_ref().unwrap().logs
    }

    /// Lets a process without agents lead the engine. It leads until the answer is dropped.
    async fn leads_without_agents(&self) -> Leadership {
        let request = self.leads(vec![KindRules::new(Kind::SELF_MONITORING)]).await;
        self.web.store.try_lead(&request.worker).unwrap().expect("nobody else leads")
    }

    /// Registers a new worker for these kinds that leads, and answers what it asks for at a look: one job of each queue.
    /// What other workers run goes on.
    async fn leads(&self, kinds: Vec<KindRules>) -> PollRequest {
        let (store, now) = (&self.web.store, self.web.clock.now());
        let worker = format!("tests-{}", store.workers().await.unwrap().len());
        let lane =
            |rules: &KindRules| Lane { queue: rules.queue.clone(), running: 0, slots: Some(1) };
        let lanes = kinds.iter().map(lane).collect();
        let (worker, leads) = store.played(&worker, kinds.clone(), now).await;
        PollRequest {
            worker,
            kinds: kinds.into(),
            lanes,
            running: Vec::new(),
            draining: false,
            leads,
            swept: Vec::new(),
            abandoned: Vec::new(),
        }
    }

    /// A server with an empty database and nobody signed in.
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("jobs.db"), OpenMode::Migrate).unwrap();
        let (leading, receiver) = watch::channel(true);
        let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
        let web = Web {
            store,
            clock: Clock::manual(START),
            options: Options {
                allowed_hosts: vec!["queue.example".into()],
                trusted_proxies: vec!["192.0.2.1".parse().unwrap()],
                ..Options::default()
            },
            leading: Some(receiver),
            program: Some(Program {
                logs,
                scanned: None,
                agents: None,
                tracking: Tracking::Local,
                demo: false,
                log_sources: Vec::new(),
            }),
        };
        let router = router(web.clone(), Access::accounts()).unwrap();
        let cookie = String::new();
        Self { router, web, leading, cookie, folder, leads: std::sync::Mutex::default() }
    }

    /// A server with an admin who is signed in. No password fits the admin's account.
    async fn signed_in() -> Self {
        Self::with_admin("no hash").await
    }

    async fn with_admin(password_hash: &str) -> Self {
        let mut site = Self::empty();
        let admin = site.web.store.create_first_admin(password_hash.into(), Actor::cli(), START);
        site.cookie = site.login(&admin.await.unwrap().unwrap(), "a login id").await;
        site
    }

    /// Signs an account in without its password.
    async fn login(&self, account: &Account, id: &str) -> String {
        let (hash, now) = (super::secret::hash(id), self.web.clock.now());
        let browser = "Firefox 140 on Linux".into();
        self.web.store.login(account.clone(), hash, browser, Actor::cli(), now).await.unwrap();
        format!("lamplighter={id}")
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let endless =
            parts.headers.get("content-type").is_some_and(|value| value == "text/event-stream");
        let body = if endless { Body::empty() } else { body };
        let body = to_bytes(body, 4 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    /// What the signed-in browser sees.
    async fn see(&self, path: &str) -> Answer {
        let request = ask(Method::GET, path).header("accept", BROWSER);
        self.send(bare(request.header("cookie", &self.cookie))).await
    }

    /// What the signed-in browser gets, as most do: compressed.
    async fn see_compressed(&self, path: &str) -> Answer {
        let request = ask(Method::GET, path).header("accept", BROWSER);
        let request = request.header("cookie", &self.cookie).header("accept-encoding", "gzip");
        self.send(bare(request)).await
    }

    /// What htmx gets in the signed-in browser.
    async fn part(&self, path: &str) -> Answer {
        let request = ask(Method::GET, path).header("hx-request", "true");
        self.send(bare(request.header("cookie", &self.cookie))).await
    }

    /// What the signed-in browser's own form gets.
    async fn submit(&self, path: &str, form: &str) -> Answer {
        let request = own_form(path).header("accept", BROWSER).header("cookie", &self.cookie);
        self.send(request.body(form.to_owned().into()).unwrap()).await
    }
}

fn ask(method: Method, path: &str) -> Builder {
    let peer: SocketAddr = "127.0.0.1:50000".parse().unwrap();
    let request = Request::builder().method(method).uri(path).header("host", HOST);
    request.extension(ConnectInfo(peer))
}

/// A POST as a page of this server sends it.
fn own_form(path: &str) -> Builder {
    ask(Method::POST, path)
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded")
}

fn bare(request: Builder) -> Request<Body> {
    request.body(Body::empty()).unwrap()
}

/// A path that its route answers: every placeholder is filled in.
fn filled(path: &str) -> String {
    let path = path.replace("{code}", "no-such-code").replace("{file}", "no-such-file");
    let path = path.replace("{fingerprint}", "nosuchprint");
    let path = path.replace("{id}", "1").replace("{deed}", "no-such-deed");
    path.replace("{name}", "no_such_name")
}

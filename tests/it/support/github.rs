//! A GitHub with a memory and faults: issues, comments, labels, pages, users, limits, on a loopback port and on a
//! clock of the test's. Its answers are held against GitHub's own description (`tests/it/github.rs`).

mod json;
mod serve;

use lamplighter::clock::Clock;
use lamplighter::model::Timestamp;
use serde_json::{Value, json};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;

/// The token that it knows, and whose it is.
pub const TOKEN: &str = "test-token-of-lamp-bot";
pub const LOGIN: &str = "lamp-bot";
/// The only repository.
pub const REPOSITORY: &str = "ann/shop";

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 403, the hourly limit is used up for so long.
    PrimaryLimit(Duration),
    /// 403 with Retry-After.
    SecondaryLimit(Duration),
    /// 429 without a word about how long.
    TooMany,
    /// 403, the token may not.
    Forbidden,
    /// 410.
    Gone,
    /// 422.
    Invalid,
    /// 422 about a label, if there are any.
    LabelRefused,
    /// 403, if there are labels.
    LabelForbidden,
    /// 500, and nothing was done.
    Broken,
    /// 502, and it was done.
    BadGatewayAfterCommit,
    /// The connection ends without an answer, and it was done.
    DroppedAfterCommit,
    /// The connection ends without an answer; it is done, and shows so much later.
    LateCommit(Duration),
    /// The connection ends without an answer, and nothing was done.
    DroppedBeforeCommit,
    /// No answer until the client gives up; nothing was done.
    Slow,
    /// 200 with a page of somebody else's, and nothing was done.
    Garbled,
    /// 301 to another host.
    Moved,
}

/// Kinds of requests, for faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Anything that is asked for.
    Get,
    Post,
    Patch,
}

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub method: String,
    /// As GitHub's description has it.
    pub path: &'static str,
    pub query: Vec<(String, String)>,
    pub request: Option<Value>,
    pub status: u16,
    pub body: Value,
    pub at: Timestamp,
}

/// Counts the moments at which a program could crash, and says when it does.
#[derive(Default)]
pub struct Plug {
    left: Mutex<Option<usize>>,
    crashed: Notify,
}

impl Plug {
    /// Lets so many moments pass; the next one is the crash. `None`: never.
    pub fn arm(&self, moments: Option<usize>) {
        *self.left.lock().unwrap() = moments;
    }

    /// One moment: whether the program crashes at it. Whoever asks says so by [`Plug::pull`].
    pub fn is_due(&self) -> bool {
        let mut left = self.left.lock().unwrap();
        match &mut *left {
            None => false,
            Some(0) => {
                *left = None;
                true
            }
            Some(moments) => {
                *moments -= 1;
                false
            }
        }
    }

    pub fn pull(&self) {
        self.crashed.notify_one();
    }

    pub async fn crashed(&self) {
        self.crashed.notified().await;
    }
}

/// The server; dropped, it is gone.
pub struct FakeGitHub {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    clock: Clock,
    plug: Arc<Plug>,
}

#[derive(Default)]
struct State {
    url: String,
    issues: Vec<Issue>,
    faults: Vec<(On, Fault)>,
    exchanges: Vec<Exchange>,
    public: bool,
    nameless: bool,
    page_limit: usize,
    stopped: bool,
}

struct Issue {
    json: Value,
    visible_at: Timestamp,
    comments: Vec<(Value, Timestamp)>,
}

/// What a request is answered by.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Value,
}

/// A request, taken apart.
struct Request {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    body: Option<Value>,
    token: Option<String>,
    /// The answer that the client has already.
    etag: Option<String>,
}

impl FakeGitHub {
    pub fn start(clock: Clock, plug: Arc<Plug>) -> Self {
        let state = State { page_limit: 100, ..State::default() };
        let shared = Arc::new(Shared { state: Mutex::new(state), clock, plug });
        let address = serve::start(&shared);
        shared.state().url = format!("http://{address}");
        Self { address, shared }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next request of this kind goes wrong; several for one kind do so in order.
    pub fn inject(&self, on: On, fault: Fault) {
        self.shared.state().faults.push((on, fault));
    }

    /// How many faults have not happened yet.
    pub fn faults_left(&self) -> usize {
        self.shared.state().faults.len()
    }

    /// Fewer items a page than the client asks for.
    pub fn limit_pages(&self, items: usize) {
        self.shared.state().page_limit = items;
    }

    pub fn make_public(&self) {
        self.shared.state().public = true;
    }

    /// Refuses to say whose the token is, as it does to apps.
    pub fn refuse_names(&self) {
        self.shared.state().nameless = true;
    }

    /// Somebody's issue; answers its number.
    pub fn add_issue(&self, author: &str, title: &str, body: &str) -> i64 {
        let now = self.shared.clock.now();
        let mut state = self.shared.state();
        state.add_issue(author, &json!({ "title": title, "body": body }), now, now)["number"]
            .as_i64()
            .unwrap()
    }

    /// Somebody's pull request, which GitHub lists among the issues.
    pub fn add_pull_request(&self, author: &str, body: &str) {
        let number = self.add_issue(author, "A change", body);
        let mut state = self.shared.state();
        let page = format!("{}/{REPOSITORY}/pull/{number}", state.url);
        let link = json!({
            "diff_url": format!("{page}.diff"), "html_url": page, "patch_url": format!("{page}.patch"),
            "url": format!("{}/repos/{REPOSITORY}/pulls/{number}", state.url), "merged_at": null,
        });
        state.issue(number).unwrap().json["pull_request"] = link;
    }

    pub fn add_comment(&self, number: i64, author: &str, body: &str) {
        let now = self.shared.clock.now();
        self.shared.state().add_comment(number, author, body, now, now);
    }

    /// Closes an issue as `completed`, `not_planned` or `duplicate`.
    pub fn close(&self, number: i64, reason: &str) {
        let now = self.shared.clock.now();
        let mut state = self.shared.state();
        let issue = &mut state.issue(number).unwrap().json;
        issue["state"] = "closed".into();
        issue["state_reason"] = reason.into();
        issue["closed_at"] = json::instant(now);
        issue["updated_at"] = json::instant(now);
    }

    /// Writes an issue anew, as a person does.
    pub fn rewrite(&self, number: i64, body: &str) {
        let now = self.shared.clock.now();
        let mut state = self.shared.state();
        let issue = &mut state.issue(number).unwrap().json;
        issue["body"] = body.into();
        issue["updated_at"] = json::instant(now);
    }

    /// Opens an issue again, as a person does.
    pub fn reopen(&self, number: i64) {
        let now = self.shared.clock.now();
        let mut state = self.shared.state();
        let issue = &mut state.issue(number).unwrap().json;
        issue["state"] = "open".into();
        issue["state_reason"] = "reopened".into();
        issue["closed_at"] = Value::Null;
        issue["updated_at"] = json::instant(now);
    }

    /// Deletes an issue: it is in no list any more.
    pub fn delete(&self, number: i64) {
        let never = Timestamp::from_millis(i64::MAX);
        self.shared.state().issue(number).unwrap().visible_at = never;
    }

    /// Shows an issue that was not to be seen before.
    pub fn show(&self, number: i64) {
        let now = self.shared.clock.now();
        self.shared.state().issue(number).unwrap().visible_at = now;
    }

    /// The bodies of an issue's comments.
    pub fn comments(&self, number: i64) -> Vec<String> {
        let mut state = self.shared.state();
        let comments = &state.issue(number).unwrap().comments;
        comments.iter().map(|(json, _)| json["body"].as_str().unwrap().to_owned()).collect()
    }

    /// The issue as it is, seen or not.
    pub fn issue(&self, number: i64) -> Value {
        self.shared.state().issue(number).unwrap().json.clone()
    }

    /// Every issue and comment that has this in its body, seen or not.
    pub fn holding(&self, text: &str) -> usize {
        let state = self.shared.state();
        let comments = state.issues.iter().flat_map(|issue| &issue.comments);
        let all = state.issues.iter().map(|i| &i.json).chain(comments.map(|(json, _)| json));
        all.filter(|json| json["body"].as_str().is_some_and(|body| body.contains(text))).count()
    }

    /// What was asked and answered so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.state().exchanges.clone()
    }
}

impl Drop for FakeGitHub {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        // Wakes the thread that waits for connections.
        drop(std::net::TcpStream::connect(self.address));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The answer to a request; `None` if the connection just ends.
    fn answer(&self, request: &Request, is_gone: impl FnOnce()) -> Option<Answer> {
        let now = self.clock.now();
        let fault = self.state().take_fault(request);
        if fault == Some(Fault::Slow) {
            is_gone();
            return None;
        }
        let mut state = self.state();
        let (template, answer) = state.answer(request, fault, now);
        let (status, body) =
            answer.as_ref().map_or((0, Value::Null), |a| (a.status, a.body.clone()));
        state.exchanges.push(Exchange {
            method: request.method.clone(),
            path: template,
            query: request.query.clone(),
            request: request.body.clone(),
            status,
            body,
            at: now,
        });
        answer
    }
}

impl State {
    fn take_fault(&mut self, request: &Request) -> Option<Fault> {
        let on = match request.method.as_str() {
            "GET" => On::Get,
            "POST" => On::Post,
            _ => On::Patch,
        };
        let has_labels = request.body.as_ref().is_some_and(|body| body["labels"].is_array());
        let at = self.faults.iter().position(|(wanted, fault)| {
            let is_about_labels = matches!(fault, Fault::LabelRefused | Fault::LabelForbidden);
            *wanted == on && (has_labels || !is_about_labels)
        })?;
        Some(self.faults.remove(at).1)
    }

    fn answer(
        &mut self,
        request: &Request,
        fault: Option<Fault>,
        now: Timestamp,
    ) -> (&'static str, Option<Answer>) {
        let template = template(&request.path);
        let late = match fault {
            Some(Fault::LateCommit(late)) => late,
            Some(_) | None => Duration::ZERO,
        };
        let answer = match fault.and_then(|fault| refused(fault, now)) {
            Some(answer) => Some(answer),
            None if fault == Some(Fault::DroppedBeforeCommit) => None,
            None => Some(tagged(self.done(template, request, now, now.plus(late)), request)),
        };
        let answer = match fault {
            Some(Fault::BadGatewayAfterCommit) => {
                Some(Answer::of(502, json!({ "message": "Server Error" })))
            }
            Some(Fault::DroppedAfterCommit | Fault::LateCommit(_)) => None,
            Some(_) | None => answer,
        };
        (template, answer)
    }

    fn done(
        &mut self,
        template: &str,
        request: &Request,
        now: Timestamp,
        visible_at: Timestamp,
    ) -> Answer {
        if request.token.as_deref() != Some(TOKEN) {
            return Answer::of(401, json::error("Bad credentials"));
        }
        let number = request.path.split('/').nth(5).and_then(|n| n.parse::<i64>().ok());
        let is_there = request.path.starts_with(&format!("/repos/{REPOSITORY}"));
        match (request.method.as_str(), template) {
            ("GET", "/user") if self.nameless => {
                Answer::of(403, json::error("Resource not accessible by integration"))
            }
            ("GET", "/user") => Answer::of(200, json::private_user(&self.url, LOGIN)),
            _ if !is_there => Answer::of(404, json::error("Not Found")),
            ("GET", "/repos/{owner}/{repo}") => {
                Answer::of(200, json::repository(&self.url, REPOSITORY, !self.public))
            }
            ("GET", "/repos/{owner}/{repo}/issues") => self.list(request, now),
            ("POST", "/repos/{owner}/{repo}/issues") => {
                let new = request.body.as_ref().unwrap();
                match json::why_invalid(new) {
                    Some(field) => Answer::of(422, json::invalid(field)),
                    None => Answer::of(201, self.add_issue(LOGIN, new, now, visible_at)),
                }
            }
            (method, _) => self.one(method, template, number.unwrap(), request, now, visible_at),
        }
    }

    /// Requests about one issue.
    fn one(
        &mut self,
        method: &str,
        template: &str,
        number: i64,
        request: &Request,
        now: Timestamp,
        visible_at: Timestamp,
    ) -> Answer {
        let Some(issue) = self.issue(number).filter(|issue| issue.visible_at <= now) else {
            return Answer::of(404, json::error("Not Found"));
        };
        let is_comments = template.ends_with("/comments");
        match (method, is_comments) {
            ("GET", false) => Answer::of(200, issue.json.clone()),
            ("PATCH", false) => {
                let change = request.body.as_ref().unwrap();
                if change["state"] == "open" && issue.json["state"] == "closed" {
                    issue.json["state"] = "open".into();
                    issue.json["state_reason"] = "reopened".into();
                    issue.json["closed_at"] = Value::Null;
                }
                if change["state"] == "closed" && issue.json["state"] == "open" {
                    issue.json["state"] = "closed".into();
                    issue.json["state_reason"] = change["state_reason"].clone();
                    issue.json["closed_at"] = json::instant(now);
                }
                let url = issue.json["repository_url"].as_str().unwrap().to_owned();
                if let Some(labels) = change["labels"].as_array() {
                    issue.json["labels"] = json::labels(&url, labels);
                }
                issue.json["updated_at"] = json::instant(now);
                Answer::of(200, issue.json.clone())
            }
            ("GET", true) => {
                let since = since(request);
                let seen = issue.comments.iter().filter(|(json, at)| {
                    *at <= now && json["updated_at"].as_str() >= since.as_deref()
                });
                let seen = seen.map(|(json, _)| json.clone()).collect();
                self.page(seen, request)
            }
            ("POST", true) => {
                let body = request.body.as_ref().unwrap()["body"].as_str().unwrap().to_owned();
                Answer::of(201, self.add_comment(number, LOGIN, &body, now, visible_at))
            }
            (method, _) => panic!("no client of ours sends {method} {}", request.path),
        }
    }

    fn list(&self, request: &Request, now: Timestamp) -> Answer {
        let state = request.query("state").unwrap_or("open");
        let order = match request.query("sort") {
            Some("updated") => "updated_at",
            Some("created") | None => "created_at",
            Some(other) => panic!("sorted by {other}"),
        };
        let since = since(request);
        let mut seen: Vec<&Value> = self
            .issues
            .iter()
            .filter(|issue| issue.visible_at <= now)
            .map(|issue| &issue.json)
            .filter(|json| state == "all" || json["state"] == state)
            .filter(|json| json["updated_at"].as_str() >= since.as_deref())
            .collect();
        let key =
            |json: &Value| (json[order].as_str().unwrap().to_owned(), json["number"].as_i64());
        seen.sort_by_key(|json| key(json));
        if request.query("direction") != Some("asc") {
            seen.reverse();
        }
        self.page(seen.into_iter().cloned().collect(), request)
    }

    /// One page of a list, with the links to the others.
    fn page(&self, all: Vec<Value>, request: &Request) -> Answer {
        let number = |name, otherwise| {
            request.query(name).map_or(otherwise, |text| text.parse::<usize>().unwrap())
        };
        let size = number("per_page", 30).min(self.page_limit);
        let page = number("page", 1);
        let last = all.len().div_ceil(size).max(1);
        let mut answer = Answer::of(200, Value::Null);
        let link = |page: usize, rel: &str| {
            let kept = request.query.iter().filter(|(name, _)| name != "page");
            let query: Vec<_> = kept.map(|(name, value)| format!("{name}={value}")).collect();
            let (url, path, query) = (&self.url, &request.path, query.join("&"));
            format!("<{url}{path}?{query}&page={page}>; rel=\"{rel}\"")
        };
        if page < last {
            answer
                .headers
                .push(("Link", format!("{}, {}", link(page + 1, "next"), link(last, "last"))));
        }
        answer.body = all.into_iter().skip((page - 1) * size).take(size).collect();
        answer
    }

    fn issue(&mut self, number: i64) -> Option<&mut Issue> {
        self.issues.get_mut(usize::try_from(number).unwrap().checked_sub(1)?)
    }

    fn add_issue(
        &mut self,
        author: &str,
        new: &Value,
        now: Timestamp,
        visible_at: Timestamp,
    ) -> Value {
        let number = self.issues.len() as i64 + 1;
        let json = json::issue(&self.url, REPOSITORY, number, author, new, now);
        self.issues.push(Issue { json: json.clone(), visible_at, comments: Vec::new() });
        json
    }

    fn add_comment(
        &mut self,
        number: i64,
        author: &str,
        body: &str,
        now: Timestamp,
        visible_at: Timestamp,
    ) -> Value {
        let url = self.url.clone();
        let issue = self.issue(number).unwrap();
        let id = number * 1_000 + issue.comments.len() as i64;
        let json = json::comment(&url, REPOSITORY, number, id, author, body, now);
        issue.comments.push((json.clone(), visible_at));
        issue.json["comments"] = issue.comments.len().into();
        issue.json["updated_at"] = json::instant(now);
        json
    }
}

impl Request {
    fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl Answer {
    fn of(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body }
    }
}

/// The answer with its tag, or that the client has it already.
fn tagged(mut answer: Answer, request: &Request) -> Answer {
    if request.method != "GET" || answer.status != 200 {
        return answer;
    }
    let mut hasher = DefaultHasher::new();
    answer.body.to_string().hash(&mut hasher);
    let etag = format!("W/\"{:016x}\"", hasher.finish());
    if request.etag.as_ref() == Some(&etag) {
        return Answer::of(304, Value::from(""));
    }
    answer.headers.push(("ETag", etag));
    answer
}

fn since(request: &Request) -> Option<String> {
    request.query("since").map(ToOwned::to_owned)
}

/// The path as GitHub's description has it.
fn template(path: &str) -> &'static str {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts[..] {
        ["user"] => "/user",
        ["repos", _, _] => "/repos/{owner}/{repo}",
        ["repos", _, _, "issues"] => "/repos/{owner}/{repo}/issues",
        ["repos", _, _, "issues", _] => "/repos/{owner}/{repo}/issues/{issue_number}",
        ["repos", _, _, "issues", _, "comments"] => {
            "/repos/{owner}/{repo}/issues/{issue_number}/comments"
        }
        _ => panic!("no client of ours asks for {path}"),
    }
}

/// The answer of a fault that refuses before anything is done.
fn refused(fault: Fault, now: Timestamp) -> Option<Answer> {
    let limit = |message: &str, headers: Vec<(&'static str, String)>| Answer {
        headers,
        ..Answer::of(403, json::error(message))
    };
    Some(match fault {
        Fault::PrimaryLimit(length) => {
            let reset = now.plus(length).millis() / 1_000;
            let headers = vec![
                ("X-RateLimit-Limit", "5000".to_owned()),
                ("X-RateLimit-Remaining", "0".to_owned()),
                ("X-RateLimit-Reset", reset.to_string()),
            ];
            limit("API rate limit exceeded for user ID 7.", headers)
        }
        Fault::SecondaryLimit(length) => {
            let headers = vec![("Retry-After", length.as_secs().to_string())];
            limit("You have exceeded a secondary rate limit.", headers)
        }
        Fault::TooMany => Answer::of(429, json::error("Too many requests")),
        Fault::Forbidden | Fault::LabelForbidden => {
            Answer::of(403, json::error("Resource not accessible by personal access token"))
        }
        Fault::Gone => Answer::of(410, json::error("This issue was deleted")),
        Fault::Invalid => Answer::of(422, json::invalid("body")),
        Fault::LabelRefused => Answer::of(422, json::invalid("labels")),
        Fault::Broken => Answer::of(500, json!({ "message": "Server Error" })),
        Fault::Garbled => Answer::of(200, Value::from("<html>Sign in to the guest network</html>")),
        Fault::Moved => {
            let elsewhere = "http://127.0.0.1:1/repositories/7".to_owned();
            let body = json!({
                "message": "Moved Permanently", "url": elsewhere,
                "documentation_url": "https://docs.github.com/rest",
            });
            Answer { headers: vec![("Location", elsewhere)], ..Answer::of(301, body) }
        }
        Fault::BadGatewayAfterCommit
        | Fault::DroppedAfterCommit
        | Fault::LateCommit(_)
        | Fault::DroppedBeforeCommit
        | Fault::Slow => return None,
    })
}

//! The pipe to a Chromium: commands, their answers, and what the events of its tabs have told.

use crate::support::STUCK;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Both ends of the pipe.
pub(super) struct Link {
    pipe: Mutex<Option<ChildStdin>>,
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    asked: u64,
    answers: HashMap<u64, Value>,
    tabs: HashMap<String, Tab>,
    ended: bool,
}

/// What the events of a tab have told.
#[derive(Default)]
pub(super) struct Tab {
    /// Documents that were loaded to their end.
    pub(super) loads: u64,
    /// Whether the test has switched the scripts of pages off.
    pub(super) scripts_off: bool,
    /// What nobody has taken yet.
    pub(super) complaints: Vec<String>,
    /// Addresses of requests, by id.
    requests: HashMap<String, String>,
}

impl Link {
    pub(super) fn new(pipe: ChildStdin) -> Self {
        Self { pipe: Mutex::new(Some(pipe)), state: Mutex::default(), news: Condvar::new() }
    }

    /// Closes the pipe, at which Chromium ends, and answers whether it did in time.
    pub(super) fn close(&self, limit: Duration) -> bool {
        drop(self.pipe.lock().unwrap_or_else(PoisonError::into_inner).take());
        let running = |state: &mut State| !state.ended;
        let ended = self.news.wait_timeout_while(self.lock(), limit, running);
        ended.is_ok_and(|(_, wait)| !wait.timed_out())
    }

    /// The tabs by their sessions.
    pub(super) fn sessions(&self) -> Vec<String> {
        self.lock().tabs.keys().cloned().collect()
    }

    /// Does something with what a tab has told.
    pub(super) fn with<T>(&self, session: &str, act: impl FnOnce(&mut Tab) -> T) -> T {
        act(self.lock().tabs.entry(session.to_owned()).or_default())
    }

    /// Waits until a tab has loaded more documents than `before`.
    pub(super) fn loaded(&self, session: &str, before: u64) {
        let waiting =
            |state: &mut State| state.tabs.get(session).is_none_or(|tab| tab.loads == before);
        let (state, wait) = self.news.wait_timeout_while(self.lock(), STUCK, waiting).unwrap();
        drop(state);
        assert!(!wait.timed_out(), "no page was loaded");
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a command and waits for its answer.
    pub(super) fn ask(
        &self,
        session: Option<&str>,
        method: &str,
        options: &Value,
    ) -> Result<Value, String> {
        let mut state = self.lock();
        state.asked += 1;
        let id = state.asked;
        drop(state);
        let mut command = json!({"id": id, "method": method, "params": options});
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        let sent = self.pipe.lock().unwrap().as_mut().map(|pipe| write!(pipe, "{command}\0"));
        sent.expect("Chromium runs").unwrap();
        let unanswered = |state: &mut State| !state.ended && !state.answers.contains_key(&id);
        let (mut state, _) = self.news.wait_timeout_while(self.lock(), STUCK, unanswered).unwrap();
        let answer = state.answers.remove(&id);
        drop(state);
        let mut answer = answer.ok_or_else(|| format!("no answer to {method}"))?;
        match answer.get("error") {
            Some(error) => Err(format!("{method}: {error}")),
            None => Ok(answer["result"].take()),
        }
    }

    /// Takes in answers and events until Chromium ends.
    pub(super) fn read(&self, answers: ChildStdout) {
        for message in BufReader::new(answers).split(0).map_while(Result::ok) {
            let mut message: Value = serde_json::from_slice(&message).unwrap_or_default();
            let mut state = self.lock();
            if let Some(id) = message["id"].as_u64() {
                state.answers.insert(id, message);
            } else if let Some(session) = message["sessionId"].as_str().map(ToOwned::to_owned) {
                let told = message["params"].take();
                let event = message["method"].as_str().unwrap_or_default();
                state.tabs.entry(session).or_default().take(event, &told);
            }
            drop(state);
            self.news.notify_all();
        }
        self.lock().ended = true;
        self.news.notify_all();
    }
}

impl Tab {
    fn take(&mut self, event: &str, told: &Value) {
        match event {
            "Page.loadEventFired" => self.loads += 1,
            "Runtime.exceptionThrown" => {
                self.complaints.push(format!("exception: {}", told["exceptionDetails"]));
            }
            "Runtime.consoleAPICalled" if told["type"] == "error" || told["type"] == "assert" => {
                self.complaints.push(format!("console: {}", told["args"]));
            }
            "Log.entryAdded" if told["entry"]["level"] == "error" => {
                let entry = &told["entry"];
                self.complaints
                    .push(format!("{}: {} {}", entry["source"], entry["text"], entry["url"]));
            }
            "Network.requestWillBeSent" => {
                let url = told["request"]["url"].to_string();
                self.requests.insert(told["requestId"].to_string(), url);
            }
            // A request is cancelled when its page is left.
            "Network.loadingFailed" if told["canceled"] != true => {
                let url = self.requests.get(&told["requestId"].to_string());
                self.complaints.push(format!("request: {} {url:?}", told["errorText"]));
            }
            _ => {}
        }
    }
}

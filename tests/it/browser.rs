//! The pages as people meet them: in a real Chromium, against a real server and a real database.

mod admin;
mod approvals;
mod attack;
mod clicks;
mod errors;
mod hold;
mod keyboard;
mod lists;
mod look;
mod people;
mod proof;
mod questions;
mod safety;
mod scans;
mod schedules;
mod sessions;
mod trigger;

use crate::support::chromium::Page;
use crate::support::server::PASSWORD;
use std::collections::BTreeMap;

const SELF_MONITORING: &str = "/admin/self-monitoring";

/// Signs `admin` in by the form and leaves the page wherever that leads.
fn sign_in(page: &Page, url: &str) {
    page.open(&format!("{url}/login"));
    page.fill("input[name=username]", "admin");
    page.fill("input[name=password]", PASSWORD);
    page.click("form button[type=submit]");
    page.wait("document.readyState == 'complete' && location.pathname != '/login'");
}

/// Signs in, opens the Self-Monitoring page and records what it shows from then on. The record is the document's: a
/// page that is loaded again has none.
fn watch_scans(page: &Page, url: &str) {
    sign_in(page, url);
    page.open(&format!("{url}{SELF_MONITORING}"));
    record(page);
}

fn record(page: &Page) {
    page.eval(include_str!("browser/record.js"));
}

/// When the page first showed something after an instant, in milliseconds since 1970; `r` is one thing it showed.
fn shown(page: &Page, what: &str, after: f64) -> f64 {
    let found = format!("window.record?.find(r => r.at >= {after} && {what})?.at");
    page.wait(&found).as_f64().unwrap()
}

/// The page's time, in milliseconds since 1970.
const NOW: &str = "(performance.timeOrigin + performance.now())";
/// The button says that a scan is under way, and cannot be pressed.
const BUSY: &str = "r.button == 'Running... (disabled)'";
/// The button and the status say that a scan runs.
const RUNNING: &str = "r.button == 'Running... (disabled)' && r.status.includes('Running...')";
/// The button can be pressed again and the status says how the scan ended.
const COMPLETED: &str = "r.button == 'Run Now' && r.status.includes('Completed')";
/// The history says so too.
const IN_HISTORY: &str = "r.newest.includes('Completed') && r.newest.includes('manual')";

/// How long after its cause each step was seen, in milliseconds, by name.
type Lags = BTreeMap<String, f64>;

/// What the requirement gives a second browser.
const FOLLOWS_WITHIN_MS: f64 = 1000.0;
/// The scans that may be looked at, by their numbers. A page that is late by itself is late with each of them; a machine whose
/// processors are all at work makes it late with some.
const ROUNDS: std::ops::RangeInclusive<i64> = 1..=5;

/// The shortest lag of each step over the scans that were looked at.
#[derive(Default)]
struct Best(Lags);

impl Best {
    fn take(&mut self, lags: Lags) {
        println!("seen after, in ms: {lags:.0?}");
        for (step, lag) in lags {
            let best = self.0.entry(step).or_insert(lag);
            *best = best.min(lag);
        }
    }

    fn is_in_time(&self) -> bool {
        self.0.values().all(|lag| *lag <= FOLLOWS_WITHIN_MS)
    }

    fn check(&self) {
        assert!(self.is_in_time(), "within {FOLLOWS_WITHIN_MS} ms: {:#?}", self.0);
    }
}

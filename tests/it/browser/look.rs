//! Every page in every look. A script checks what a script can see; `LAMPLIGHTER_SCREENSHOTS=DIR` also keeps a picture
//! of each for people.

use super::sessions::Run;
use super::{SELF_MONITORING, sign_in};
use crate::support::chromium::{Chromium, Page};
use crate::support::server::{PASSWORD, Server};
use crate::support::site::Site;
use crate::support::{foreign, now, open, run_now, store, until};
use lamplighter::actions::Call;
use lamplighter::actions::repositories::{RepositoryAdd, add};
use lamplighter::clock::Clock;
use lamplighter::engine::Context;
use lamplighter::model::{
    Actor, DescribedBy, Description, JobError, JobId, Kind, KindRules, NewJob, NewSchedule,
    Outcome, Plan, Queue, Rule, RunEnding, ScheduleName, SessionEnd, SessionRequest, Status,
};
use lamplighter::sessions::{self, Asked};
use lamplighter::store::Store;
use lamplighter::{Engine, monitor, repositories};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The page of what scans are told.
const CONFIGURATION: &str = "/admin/self-monitoring/configuration";

/// Width, height, and the names of the two looks: in light colours, and in dark ones, which a page takes on without being
/// loaded again.
const LOOKS: [(u32, u32, [&str; 2]); 2] =
    [(1280, 900, ["light", "dark"]), (390, 844, ["phone", "phone-dark"])];
/// Until nothing in the document has changed for a moment, and colours have changed to their end.
const QUIET: &str = "new Promise(done => {
    const end = () => {
        changes.disconnect();
        document.getAnimations().filter(one => one instanceof CSSTransition).forEach(one => one.finish());
        document.fonts.ready.then(() => done(0));
    };
    let timer = setTimeout(end, 60);
    const changes = new MutationObserver(() => { clearTimeout(timer); timer = setTimeout(end, 60); });
    changes.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
    setTimeout(end, 3000);
})";
/// Widths at which nothing may be wider than the window.
const WIDTHS: [u32; 7] = [320, 390, 768, 1100, 1280, 1440, 1920];
const WIDER: &str = "document.documentElement.scrollWidth > document.documentElement.clientWidth
    ? `${document.documentElement.scrollWidth} px` : ''";
/// Every violation of a rule, with the first elements of it.
const AXE: &str = "axe.run({resultTypes: ['violations']}).then(found => found.violations.map(one =>
    `${one.id} (${one.impact}): ${one.nodes.slice(0, 3).map(node => node.target.join(' ')).join(', ')}`))";
/// What the longest of messages does to a page: no place to break, and many lines.
const TRACE: &str = "[MAIL-SMTP-550] the invoice could not be sent to \
    a.customer.with.a.very.long.name@a-very-long-domain-name-without-any-place-to-break-it.example\n\
    Traceback (most recent call last):\n  File \"/srv/shop/releases/20261120T221500Z/lib/python3.13/site-packages/\
    shop/mail/delivery/outgoing/queue.py\", line 412, in deliver\n    raise Refused(answer)\n\
    shop.mail.Refused: 550 5.1.1 mailbox unavailable";

/// Takes each page in each look and collects what is wrong.
struct Gallery<'a> {
    page: &'a Page,
    state: &'static str,
    folder: Option<PathBuf>,
    /// The script of axe-core, which knows the rules of accessibility.
    axe: Option<String>,
    seen: usize,
    faults: Vec<String>,
}

impl<'a> Gallery<'a> {
    fn new(page: &'a Page, state: &'static str) -> Self {
        let folder = std::env::var_os("LAMPLIGHTER_SCREENSHOTS").map(PathBuf::from);
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder).unwrap();
        }
        // The crate as it is packed leaves it out; the folder of the build has it.
        let axe = Path::new(env!("LAMPLIGHTER_ASSETS")).join("axe.js");
        let axe = std::fs::read_to_string(axe).ok();
        Self { page, state, folder, axe, seen: 0, faults: Vec::new() }
    }

    fn visit(&mut self, name: &str, url: &str) {
        self.arranged(name, url, "", |_| {});
    }

    /// The same for a page whose answer has an error status, here or after `arrange` has done something with it.
    fn arranged(&mut self, name: &str, url: &str, status: &str, arrange: impl Fn(&Page)) {
        for (width, height, looks) in LOOKS {
            self.page.viewport(width, height);
            self.page.scheme("light");
            self.page.open(url);
            arrange(self.page);
            if let Some(axe) = &self.axe {
                self.page.eval(&format!("{axe};0"));
            }
            for (look, scheme) in looks.into_iter().zip(["light", "dark"]) {
                let what = format!("{}-{name}-{look}", self.state);
                self.page.scheme(scheme);
                self.page.wait(&format!("document.documentElement.dataset.theme == '{scheme}'"));
                self.look(&what, status);
            }
        }
        for width in WIDTHS {
            self.page.viewport(width, 900);
            let wide = self.page.eval(WIDER);
            if wide != "" {
                self.faults.push(format!(
                    "{}-{name} at {width}: wider than the window: {wide}",
                    self.state
                ));
            }
        }
        self.page.viewport(1280, 900);
    }

    fn look(&mut self, what: &str, status: &str) {
        // The bar over a narrow page covers what is scrolled beneath it.
        self.page.eval("scrollTo(0, 0)");
        self.page.eval(QUIET);
        let faults = self.page.eval(include_str!("look.js"));
        let faults = faults.as_array().unwrap().iter().map(|fault| fault.as_str().unwrap());
        self.faults.extend(faults.map(|fault| format!("{what}: {fault}")));
        if self.axe.is_some() {
            let found = self.page.eval(AXE);
            let found = found.as_array().unwrap().iter().map(|fault| fault.as_str().unwrap());
            self.faults.extend(found.map(|fault| format!("{what}: axe: {fault}")));
        }
        let said = self.page.complaints();
        let said = said.iter().filter(|said| status.is_empty() || !said.contains(status));
        self.faults.extend(said.map(|said| format!("{what}: {said}")));
        if let Some(folder) = &self.folder {
            self.page.screenshot(&folder.join(format!("{what}.png")));
        }
        self.seen += 1;
    }

    fn close(self) {
        println!("{}: {} pictures, {} faults", self.state, self.seen, self.faults.len());
        assert!(self.faults.is_empty(), "{}", self.faults.join("\n"));
    }
}

/// Opens whatever is folded.
fn unfold(page: &Page) {
    page.eval("document.querySelectorAll('main details').forEach(part => part.open = true)");
}

#[test]
fn an_empty_site_looks_right_from_the_first_page_on() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(folder.path(), &[], None);
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    let at = |path: &str| format!("{}{path}", server.url);
    let setup = at(server.setup.as_deref().unwrap());
    let mut gallery = Gallery::new(&page, "empty");
    gallery.visit("login", &at("/login"));
    gallery.visit("setup", &setup);
    gallery.arranged("setup-refused", &setup, "400", |page| {
        page.fill("input[name=password]", PASSWORD);
        page.fill("input[name=repeat]", "another password");
        page.click("form button[type=submit]");
        page.wait("document.readyState == 'complete' && !!document.querySelector('[role=alert]')");
    });
    page.open(&setup);
    page.fill("input[name=password]", PASSWORD);
    page.fill("input[name=repeat]", PASSWORD);
    page.click("form button[type=submit]");
    page.wait("!location.pathname.startsWith('/setup')");
    gallery.visit("dashboard", &at("/"));
    gallery.visit("jobs", &at("/jobs"));
    gallery.visit("batches", &at("/batches"));
    gallery.visit("schedules", &at("/schedules"));
    gallery.visit("sessions", &at("/sessions"));
    gallery.visit("logs", &at("/logs"));
    gallery.visit("followed-logs", &at("/logs/sources"));
    gallery.visit("logs-nothing-found", &at("/logs?q=no+such+words"));
    gallery.visit("self-monitoring", &at(SELF_MONITORING));
    gallery.visit("repositories", &at("/repositories"));
    gallery.visit("queues", &at("/queues"));
    gallery.visit("queue", &at("/queues/agent/figures"));
    gallery.visit("settings", &at("/settings"));
    gallery.visit("styleguide", &at("/styleguide"));
    gallery.close();
}

/// The lists of jobs and of batches, a batch that is finished and one that takes more jobs.
fn visit_lists(gallery: &mut Gallery<'_>, at: impl Fn(&str) -> String) {
    gallery.visit("jobs", &at("/jobs"));
    gallery.arranged("jobs-unfolded", &at("/jobs"), "", unfold);
    gallery.arranged("jobs-selected", &at("/jobs"), "", |page| {
        page.click("input[data-pick]");
        page.wait_text(".bulk [data-count]", "1 selected");
    });
    gallery.visit("bulk-preview", &at("/jobs/bulk?act=retry&q=status:failed"));
    gallery.visit("errors", &at("/errors"));
    gallery.arranged("error", &at("/errors"), "", |page| {
        page.click("#error-list a.title");
        page.wait("document.readyState == 'complete' && location.pathname != '/errors'");
    });
    gallery.visit("batches", &at("/batches"));
    gallery.visit("batch-finished", &at("/batches/1"));
    gallery.arranged("batch-open", &at("/batches/2"), "", unfold);
}

/// The schedules, the form of a new one, and the logs.
fn visit_schedules_and_logs(gallery: &mut Gallery<'_>, at: impl Fn(&str) -> String) {
    gallery.visit("schedules", &at("/schedules"));
    gallery.visit("schedule", &at("/schedules/nightly_rebuild_of_the_index"));
    gallery.arranged("schedule-new", &at("/schedules/new-schedule"), "", unfold);
    gallery.arranged("schedule-new-session", &at("/schedules/new-schedule"), "", |page| {
        page.eval(
            "const kind = document.querySelector('[name=kind]');
             kind.value = 'agent_session';
             kind.dispatchEvent(new Event('input', {bubbles: true}))",
        );
        unfold(page);
    });
    gallery.arranged(
        "schedule-refused",
        &at("/schedules/nightly_rebuild_of_the_index"),
        "400",
        |page| {
            page.eval("document.querySelector('[name=runs][value=cron]').click()");
            page.fill("input[name=cron]", "61 * * * *");
            page.click("form[action$=edit] button[type=submit]");
            page.wait(
                "document.readyState == 'complete' && !!document.querySelector('[role=alert]')",
            );
        },
    );
    gallery.visit("logs", &at("/logs"));
    gallery.visit("logs-of-a-time", &at("/logs?since=2020-01-01&level=ERROR"));
    gallery.visit("followed-logs", &at("/logs/sources"));
    gallery.arranged("logs-unfolded", &at("/logs?level=ERROR"), "", unfold);
}

/// The pages of settings.
fn visit_settings(gallery: &mut Gallery<'_>, at: impl Fn(&str) -> String) {
    gallery.visit("settings", &at("/settings"));
    for name in ["agents", "tracker", "retention", "system"] {
        gallery.visit(&format!("settings-{name}"), &at(&format!("/settings/{name}")));
    }
    gallery.arranged("settings-unfolded", &at("/settings"), "", unfold);
    gallery.arranged("settings-refused", &at("/settings/agents"), "400", |page| {
        replace(page, "#setting-agent-max-turns", "0");
        page.click("#settings-agent .btn-primary");
        page.wait("!!document.querySelector('.not-taken')");
    });
}

#[test]
fn what_is_open_elsewhere_and_duplicates_look_right() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    let at = |path: &str| format!("{}{path}", server.url);
    sign_in(&page, &server.url);
    // Issues at a repository that was named before, and two of them that are one problem.
    foreign(folder.path())
        .execute_batch(
            "INSERT INTO self_monitoring_issues (
                 scan_id, tracker, home, number, url, title, body, classification, error_codes, source, template,
                 evidence, occurrences, created_at, last_seen_at)
             WITH titles (number, title) AS (VALUES
                 (3, '[BUG] CART-DB-001 Cart is lost'), (7, '[BUG] CART-DB-001 Cart is lost'),
                 (9, '[BUG] CART-DB-001 Cart is lost'), (11, '[CLIENT] AUTH-NAME-002 Login of nobody'),
                 (12, '[DOCS] Nobody knows --speed'))
             SELECT 1, 'github', 'github.com/ann/a-repository-with-a-long-name', number, 'https://github.com/ann/x/issues/' || number,
                 title, 'It broke.', 'server_bug', '[]', 'shop', 't', '[]', 3, 1800000000000, 1800000000000
             FROM titles;
             UPDATE self_monitoring_issues SET duplicate_of = 3 WHERE number = 7 OR number = 9;
             UPDATE self_monitoring_issues
             SET state = 'closed', state_reason = 'not_planned', closed_at = 1800000000000, occurrences = 0 WHERE number = 7;
             INSERT INTO filings (issue_id, scan_id, act, state, marker, body, error, created_at, updated_at)
             SELECT id, 1, 'close', iif(number = 7, 'filed', 'rejected'), printf('%032x', id), 'Duplicate of #3',
                 iif(number = 7, NULL, 'ann has commented on it'), 0, 0
             FROM self_monitoring_issues WHERE duplicate_of IS NOT NULL;",
        )
        .unwrap();
    let mut gallery = Gallery::new(&page, "elsewhere");
    gallery.visit("issue", &at(&format!("{SELF_MONITORING}/issues/2")));
    gallery.visit("self-monitoring", &at(SELF_MONITORING));
    gallery.arranged("self-monitoring-unfolded", &at(SELF_MONITORING), "", unfold);
    gallery.close();
    page.click("#refile > summary");
    page.click("form[action='/admin/self-monitoring/refile'] button");
    page.wait("!document.querySelector('#refile-offer button')");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_in_use_looks_right() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Server::start(folder.path(), &["--demo"]).terminate(), Some(0));
    let jobs = some_jobs(folder.path()).await;
    let server = Server::start(folder.path(), &["--demo"]);
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    let at = |path: &str| format!("{}{path}", server.url);
    sign_in(&page, &server.url);
    let mut gallery = Gallery::new(&page, "typical");
    gallery.visit("self-monitoring-failed", &at(SELF_MONITORING));
    page.click("#run-now");
    page.wait_text("#scan-status", "Completed");
    page.wait_text("#issues", "SHOP-PAY-014");
    // A prompt is changed soon after a sign-in.
    gallery.visit("configuration", &at(CONFIGURATION));
    gallery.arranged("configuration-refused", &at(CONFIGURATION), "400", |page| {
        page.click("#setting-self-monitoring-cadence label:last-of-type");
        page.fill("[name='self_monitoring.cadence.other']", "61 * * * * Europe/Berlin");
        replace(page, "[name='self_monitoring.budget_usd']", "0");
        page.click(".settings-form button[type=submit]");
        page.wait("!!document.querySelector('.not-taken')");
    });
    gallery.arranged("prompt-modified", &at(CONFIGURATION), "", |page| {
        page.click("#prompt-editor > summary");
        replace(page, "textarea[name=text]", "Look at {log_db_path} and at {my_own_name}.");
        page.click("#prompt button[type=submit]");
        page.wait("!!document.querySelector('#prompt .notice-ok')");
        unfold(page);
    });
    gallery.visit("dashboard", &at("/"));
    gallery.visit("dashboard-by-kind", &at("/?range=7d&by=kind"));
    gallery.arranged("dashboard-numbers", &at("/?range=30d&by=queue"), "", |page| {
        page.eval("document.querySelector('#throughput-numbers').open = true");
    });
    visit_lists(&mut gallery, at);
    for (name, id) in jobs {
        gallery.arranged(&format!("job-{name}"), &at(&format!("/jobs/{id}")), "", unfold);
    }
    visit_schedules_and_logs(&mut gallery, at);
    gallery.visit("self-monitoring", &at(SELF_MONITORING));
    gallery.arranged("self-monitoring-unfolded", &at(SELF_MONITORING), "", unfold);
    gallery.visit("self-monitoring-newest", &at(&format!("{SELF_MONITORING}?issue_order=newest")));
    gallery.arranged("issue", &at(SELF_MONITORING), "", |page| {
        page.click("#issues a.title");
        page.wait("document.readyState == 'complete' && !!document.querySelector('#issue')");
        unfold(page);
    });
    gallery.visit("repositories", &at("/repositories"));
    gallery.arranged("repositories-unfolded", &at("/repositories"), "", unfold);
    gallery.arranged("repositories-refused", &at("/repositories"), "404", |page| {
        page.fill("input[name=path]", "/no/such/folder");
        page.click("#repository-new button[type=submit]");
        page.wait("document.readyState == 'complete' && !!document.querySelector('[role=alert]')");
    });
    gallery.visit("queues", &at("/queues"));
    gallery.visit("queue", &at("/queues/agent/figures"));
    visit_settings(&mut gallery, at);
    gallery.arranged("keys", &at("/jobs"), "", |page| {
        page.press("?");
        page.wait("document.querySelector('dialog#keys')?.open");
    });
    gallery.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_site_looks_right() {
    let (folder, store) = store();
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    for _ in 0..1001 {
        run_now(&store).await;
    }
    until(&store, JobId(1), |job| job.status == Status::Running).await;
    let page = chromium.page();
    sign_in(&page, &site.url);
    let at = |path: &str| format!("{}{path}", site.url);
    let mut gallery = Gallery::new(&page, "busy");
    gallery.visit("dashboard", &at("/"));
    gallery.visit("jobs", &at("/jobs"));
    gallery.visit("job-running", &at("/jobs/1"));
    gallery.visit("job-waiting", &at("/jobs/2"));
    gallery.visit("self-monitoring", &at(SELF_MONITORING));
    gallery.visit("queues", &at("/queues"));
    gallery.visit("self-monitoring-last-page", &at(&format!("{SELF_MONITORING}?page=101")));
    gallery.arranged("self-monitoring-refused", &at(SELF_MONITORING), "429", |page| {
        page.click("#queue-another");
        page.wait("!!document.querySelector('[role=alert]')");
    });
    let by = Actor { name: "ada".into(), remote: None };
    let reason = || "The provider is down, and every retry costs.".to_owned();
    store.pause_queue(Queue::AGENT, reason(), None, by.clone(), now()).await.unwrap();
    store.stop_all(reason(), by, now()).await.unwrap();
    gallery.visit("queues-stopped", &at("/queues"));
    gallery.visit("settings-stopped", &at("/settings"));
    gallery.visit("dashboard-stopped", &at("/"));
    gallery.close();
}

/// What agents said, in streams of the real program: tools, thinking, a refusal, retries, a failure.
const STREAMS: [&str; 4] = [
    include_str!("../../fixtures/claude-stream/bash_allowed.jsonl"),
    include_str!("../../fixtures/claude-stream/think.jsonl"),
    include_str!("../../fixtures/claude-stream/denied_dontask.jsonl"),
    include_str!("../../fixtures/claude-stream/err429_then_ok.jsonl"),
];
/// An answer with all that Markdown has.
const ANSWER: &str = "# The shop is slow\n\nThe disk of `db-1` is **97 % full**; see <https://example.org/runbook>.\n\n\
    1. `/var/log` takes 41 GB\n2. the rotation stopped on *Tuesday*\n\n| Mount | Used | Note |\n|---|---|---|\n\
    | / | 97 % | grows 2 GB a day |\n| /srv | 40 % | |\n\n```sh\nlogrotate --force /etc/logrotate.conf\n```\n\n\
    > Nothing was changed.\n";

#[tokio::test(flavor = "multi_thread")]
async fn sessions_look_right() {
    let (folder, store) = store();
    let mut site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let fates = some_sessions(&store, &mut site).await;
    let running = fates[2].1;
    let page = chromium.page();
    sign_in(&page, &site.url);
    let at = |path: &str| format!("{}{path}", site.url);
    let mut gallery = Gallery::new(&page, "sessions");
    gallery.visit("dashboard", &at("/"));
    gallery.arranged("dashboard-options", &at("/"), "", unfold);
    gallery.visit("list", &at("/sessions"));
    for (name, id) in fates {
        gallery.visit(name, &at(&format!("/sessions/{id}")));
    }
    gallery.arranged("unfolded", &at("/sessions/1"), "", unfold);
    gallery.visit("earlier", &at(&format!("/sessions/{running}?from=300000")));
    gallery.arranged("stop", &at(&format!("/sessions/{running}")), "", |page| {
        page.click("[data-dialog=stop]");
        page.wait("document.querySelector('dialog#stop').open");
    });
    let until = Some(now().plus(Duration::from_hours(3)));
    let by = Actor { name: "engine".into(), remote: None };
    let reason = "The five_hour limit is used up.".into();
    store.pause_queue(Queue::AGENT, reason, until, by, now()).await.unwrap();
    gallery.arranged("triggered", &at("/"), "", |page| {
        page.fill("textarea[name=prompt]", "Look at the mail queue");
        page.click(".trigger-form button[type=submit]");
        page.wait("!!document.querySelector('.trigger-success')");
    });
    gallery.arranged("refused", &at("/"), "400", |page| {
        page.click(".trigger-form button[type=submit]");
        page.wait("!!document.querySelector('.trigger-error')");
    });
    gallery.close();
}

#[test]
fn errors_look_right() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    let at = |path: &str| format!("{}{path}", server.url);
    let mut gallery = Gallery::new(&page, "error");
    gallery.arranged("login-refused", &at("/login"), "401", |page| {
        page.fill("input[name=username]", "somebody");
        page.fill("input[name=password]", "not the password");
        page.click("form button[type=submit]");
        page.wait("document.readyState == 'complete' && !!document.querySelector('[role=alert]')");
    });
    gallery.arranged("setup-gone", &at("/setup/used-already"), "410", |_| {});
    sign_in(&page, &server.url);
    gallery.arranged("no-such-page", &at("/no-such-page"), "404", |_| {});
    gallery.arranged("no-such-session", &at("/sessions/999999"), "404", |_| {});
    gallery.arranged("no-such-job", &at("/jobs/999999"), "404", |_| {});
    gallery.arranged("bad-address", &at("/jobs?before=0"), "400", |_| {});
    gallery.close();
}

/// Types into a field that holds something else.
fn replace(page: &Page, field: &str, text: &str) {
    page.eval(&format!("document.querySelector(`{field}`).value = ''"));
    page.fill(field, text);
}

/// A page with one thing of each kind wrong, and one that is right.
const WRONG: &str = "data:text/html,<!doctype html><meta name=viewport content='width=device-width'>
    <style>body { margin: 0; background: white; font: 16px sans-serif }</style>
    <p style='color: rgb(118 118 118)'>clear enough</p>
    <p id=faint style='color: rgb(120 120 120)'>a little too faint</p>
    <div style='background: black'><p id=veiled style='color: white; opacity: .45'>behind a veil</p></div>
    <p id=cut style='width: 60px; overflow: hidden; white-space: nowrap'>more than fits here</p>
    <p style='width: 60px; overflow: hidden; white-space: nowrap' title='more than fits here'>more than fits here</p>
    <p style='width: 60px; overflow: auto; white-space: nowrap'>more than fits here</p>
    <p style='height: 1em'>below<span id=over style='margin-left: -2em'>above</span></p>
    <p id=wide style='width: 2000px'>wide</p>";

#[test]
fn the_script_sees_what_is_wrong_and_nothing_else() {
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    page.open(&WRONG.replace('\n', ""));
    let faults = page.eval(include_str!("look.js"));
    let faults: Vec<_> = faults.as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    for wanted in ["wide: #wide", "faint: #faint", "faint: #veiled", "cut: #cut", "overlap: "] {
        let found = faults.iter().filter(|fault| fault.starts_with(wanted));
        assert_eq!(found.count(), 1, "{wanted} in {faults:#?}");
    }
    assert_eq!(faults.len(), 5, "{faults:#?}");
}

/// Leaves sessions of every fate in a store; one runs on.
async fn some_sessions(store: &Store, site: &mut Site) -> [(&'static str, JobId); 4] {
    let ask = async |wish: SessionRequest| {
        sessions::request(store, wish, Asked::by(Actor::cli()), now()).await.unwrap()
    };
    let known = SessionEnd {
        exit_code: Some(0),
        model: Some("claude-haiku-4-5-20251001".into()),
        agent_version: Some("2.1.329".into()),
        cli_session_id: Some("known".into()),
        cost_usd: Some(1.2345),
        num_turns: Some(7),
        input_tokens: Some(48_211),
        output_tokens: Some(2_904),
        ..SessionEnd::new(RunEnding::Done)
    };
    let prompt = format!("Why is the shop slow since Tuesday?\n\n{TRACE}");
    let done = ask(SessionRequest::of(prompt.clone())).await;
    let mut run = Run::begin(store, site.sessions.recv().await.unwrap()).await;
    run.print(&STREAMS.concat()).await;
    let structured = Some(serde_json::json!({"severity": "high", "hosts": ["db-1"]}));
    run.finish(SessionEnd { response: Some(ANSWER.into()), structured, ..known.clone() }).await;
    let full = SessionRequest {
        profile: Some("full".into()),
        tier: Some(3),
        ..SessionRequest::of("Mend it")
    };
    let failed = ask(SessionRequest { continues: Some(done.0), ..full }).await;
    let run = Run::begin(store, site.sessions.recv().await.unwrap()).await;
    let error =
        JobError { code: "AGENT-LIMIT-002".into(), message: "It took all of its 40 turns.".into() };
    run.finish_as(
        SessionEnd { cost_usd: Some(16.0), exit_code: Some(1), ..known },
        Outcome::Fatal(error),
    )
    .await;
    let running = ask(SessionRequest { tier: Some(2), ..SessionRequest::of(prompt) }).await;
    let mut run = Run::begin(store, site.sessions.recv().await.unwrap()).await;
    run.progress("Bash: du -xh --max-depth=2 /var | sort -h | tail -20").await;
    for _ in 0..40 {
        run.print(&STREAMS.concat()).await;
    }
    let file =
        SessionRequest { prompt_file: Some("health_check".into()), ..SessionRequest::default() };
    let waiting = ask(file).await;
    until(store, waiting, |job| job.queue.is_some()).await;
    [("done", done), ("failed", failed), ("running", running), ("waiting", waiting)]
}

/// Leaves schedules in a store: one with a long history, one that is paused.
async fn some_schedules(store: &Store) {
    let add = async |name: &str, rule: &str, kind: &str| {
        let rule = Rule::parse(rule, now()).unwrap();
        let name = ScheduleName::parse(name).unwrap();
        let plan = Plan::new(rule, Kind::parse(kind).unwrap());
        store
            .create_schedule(NewSchedule { name: name.clone(), plan }, Actor::cli(), now())
            .await
            .unwrap();
        name
    };
    add("nightly_rebuild_of_the_index", "30 2 * * 1-5 Europe/Berlin", "make_thumbnail").await;
    add("thumbnails", "5", "make_thumbnail").await;
    let paused = add("invoices", "0 6 1 * * America/New_York", "send_invoice").await;
    store.pause_schedule(paused, Actor::cli(), now()).await.unwrap();
}

/// Describes the repository as the agent would.
async fn describe(store: Store, context: Context) -> Outcome {
    let text = |words: &str| words.to_owned();
    let list = |words: &[&str]| words.iter().map(|words| text(words)).collect::<Vec<_>>();
    let description = Description {
        summary: text(
            "A web shop for lamps: catalogue, basket, orders and invoices, with a worker that sends mail.",
        ),
        technologies: list(&["Python 3.13", "Django", "PostgreSQL", "Redis", "htmx"]),
        features: list(&[
            "Full-text search of the catalogue",
            "Orders with partial delivery",
            "Invoices as PDF",
        ]),
        use_cases: list(&["Sell lamps to people", "Let warehouses ship what is paid"]),
        purpose: text("It earns the money."),
    };
    let (lease, now) = (context.lease.clone(), context.clock.now());
    store.describe_repository(lease, 1, description, DescribedBy::Agent, now).await.unwrap();
    Outcome::Done(true.into())
}

/// Leaves jobs of every kind of fate in a folder, and names those worth a look.
async fn some_jobs(folder: &Path) -> Vec<(&'static str, JobId)> {
    let kind = |name: &str| Kind::parse(name).unwrap();
    let refused = || JobError { code: "MAIL-SMTP-550".into(), message: TRACE.to_owned() };
    let store = open(folder);
    let shelf = store.clone();
    let engine = Engine::builder(store.clone(), Clock::system())
        .kind(
            KindRules::new(kind("send_invoice")),
            move |_| async move { Outcome::Fatal(refused()) },
        )
        .kind(KindRules::new(kind("make_thumbnail")), |_| async { Outcome::Done(true.into()) })
        .kind(monitor::rules(), move |_| async move { Outcome::Failed(refused()) })
        .kind(repositories::rules(), move |context| describe(shelf.clone(), context))
        .start()
        .unwrap();
    some_schedules(&store).await;
    let shop = folder.join("shop");
    std::fs::create_dir_all(shop.join(".git")).unwrap();
    let request = RepositoryAdd { path: shop.clone(), name: String::new() };
    let added = add(&store, &Call::by_owner(now()), request).await.unwrap();
    let described = JobId(added.value.job_id);
    until(&store, described, |job| job.status.is_final()).await;
    let enqueue = async |job: NewJob| store.enqueue(job, now()).await.unwrap().id();
    let payload = serde_json::json!({"file": format!("lamps/{}.png", "x".repeat(150)), "sizes": [64, 256, 1024]});
    let completed =
        enqueue(NewJob { payload: payload.into(), ..NewJob::new(kind("make_thumbnail")) }).await;
    let failed = enqueue(NewJob::new(kind("send_invoice"))).await;
    let scan = run_now(&store).await;
    for id in [completed, failed, scan] {
        until(&store, id, |job| job.status.is_final()).await;
    }
    let jobs = engine.jobs();
    let thumbnail = || NewJob::new(kind("make_thumbnail"));
    let catalogue = jobs.batch(format!("catalogue of {}", "y".repeat(150)));
    let catalogue = catalogue.add_job(thumbnail()).add_job(NewJob::new(kind("send_invoice")));
    let over = catalogue.then_job(thumbnail()).enqueue().await.unwrap();
    while store.batch(over).await.unwrap().unwrap().finished_at.is_none() {
        store.changes().changed().await.unwrap();
    }
    let tomorrow = now().plus(Duration::from_hours(24));
    let scheduled = NewJob { run_at: Some(tomorrow), ..NewJob::new(kind("send_invoice")) };
    let scheduled = enqueue(scheduled).await;
    until(&store, scheduled, |job| job.status == Status::Scheduled).await;
    engine.stop(Duration::ZERO).await;
    let more = jobs.batch("import of the winter's prices").then_job(thumbnail());
    more.add_job(thumbnail().delay(Duration::from_hours(1))).open().await.unwrap();
    let waiting =
        enqueue(NewJob::new(kind("rebuild_the_index_of_everything_that_was_ever_sold"))).await;
    vec![
        ("completed", completed),
        ("failed", failed),
        ("failed-scan", scan),
        ("scheduled", scheduled),
        ("waiting", waiting),
    ]
}

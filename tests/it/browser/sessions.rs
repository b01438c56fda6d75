//! A session from the prompt to its answer, as a browser sees it.

use super::sign_in;
use crate::support::chromium::{Chromium, Page};
use crate::support::site::{Claimed, Site};
use crate::support::{now, store, until};
use lamplighter::engine::Context;
use lamplighter::model::{
    JobId, Outcome, Profile, RunEnding, SessionEnd, SessionRequest, SessionStart, Status,
    TranscriptPiece,
};
use lamplighter::store::Store;
use serde_json::json;
use tokio::sync::oneshot;

/// A session that the test runs itself.
pub(super) struct Run {
    store: Store,
    context: Context,
    outcome: oneshot::Sender<Outcome>,
    bytes: u64,
    lines: u64,
}

impl Run {
    pub(super) async fn begin(store: &Store, (context, outcome): Claimed) -> Self {
        let wish: SessionRequest = context.payload().unwrap();
        let start = SessionStart {
            tier: wish.tier(),
            profile: wish.profile().unwrap_or(Profile::ReadOnly),
            model: Some(wish.model.unwrap_or_else(|| "haiku".into())),
            prompt_file: wish.prompt_file,
            prompt_text: wish.prompt,
            continues: wish.continues.map(JobId),
            working_dir: "/srv".into(),
            place: context.job.id.to_string(),
            marker: "marker".into(),
            cost_before: 0.0,
            answer_of: None,
            given: None,
        };
        // By these files a follow-up finds the session again.
        let jobs = store.folder().unwrap().join("jobs").join(&start.place);
        std::fs::create_dir_all(jobs.join("config/projects")).unwrap();
        store.begin_session(context.lease.clone(), start, now()).await.unwrap();
        store.session_started(context.lease.clone(), None, "bwrap").await.unwrap();
        Self { store: store.clone(), context, outcome, bytes: 0, lines: 0 }
    }

    pub(super) async fn print(&mut self, text: &str) {
        for bytes in text.as_bytes().chunks(64 * 1024) {
            let (start, first_line) = (self.bytes, self.lines);
            let piece = TranscriptPiece { start, first_line, at: now(), bytes: bytes.to_vec() };
            (self.bytes, self.lines) = (piece.end(), piece.end_line());
            let lease = self.context.lease.clone();
            self.store.append_transcript(lease, vec![piece], 0).await.unwrap();
        }
    }

    pub(super) async fn progress(&self, text: &str) {
        self.context.progress(text).await.unwrap();
    }

    /// Ends it as one that went well.
    pub(super) async fn finish(self, end: SessionEnd) -> JobId {
        self.finish_as(end, Outcome::Done(true.into())).await
    }

    pub(super) async fn finish_as(self, end: SessionEnd, outcome: Outcome) -> JobId {
        let id = self.context.job.id;
        self.store.finish_session(self.context.lease.clone(), end, now()).await.unwrap();
        self.outcome.send(outcome).unwrap();
        until(&self.store, id, |job| job.status.is_final()).await;
        id
    }
}

fn says(text: &str) -> String {
    let content = json!([{"type": "text", "text": text}]);
    format!("{}\n", json!({"type": "assistant", "message": {"content": content}}))
}

fn answered(response: &str) -> SessionEnd {
    SessionEnd {
        response: Some(response.into()),
        cli_session_id: Some("known".into()),
        cost_usd: Some(0.0421),
        num_turns: Some(2),
        ..SessionEnd::new(RunEnding::Done)
    }
}

/// The words of each row of the transcript.
fn rows(page: &Page) -> Vec<String> {
    let rows = page
        .eval("[...document.querySelectorAll('.transcript .said')].map(row => row.textContent)");
    rows.as_array().unwrap().iter().map(|row| row.as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_prompt_becomes_a_session_that_is_followed_to_its_answer() {
    let (folder, store) = store();
    let mut site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &site.url);
    page.open(&format!("{}/", site.url));
    page.click(".trigger-form button[type=submit]");
    page.wait_text("#trigger-result .trigger-error", "A prompt is required.");
    let refused = page.complaints();
    assert!(!refused.is_empty() && refused.iter().all(|said| said.contains("400")), "{refused:?}");
    page.fill("textarea[name=prompt]", "Why is the shop slow?");
    page.click(".trigger-form button[type=submit]");
    page.wait_text("#trigger-result .trigger-success", "Session 1 starts now.");
    page.wait("document.querySelector('textarea[name=prompt]').value == ''");

    let mut run = Run::begin(&store, site.sessions.recv().await.unwrap()).await;
    run.progress("Bash: uptime").await;
    page.wait_text("#session-now", "Bash: uptime");
    page.click("#trigger-result a");
    page.wait("location.pathname == '/sessions/1' && document.readyState == 'complete'");
    page.wait_text("#prompt", "Why is the shop slow?");
    page.eval("window.here = true");
    for n in 0..3 {
        run.print(&says(&format!("step {n}\nof three"))).await;
        page.wait_text(".transcript", &format!("step {n}"));
    }
    run.print("<script>window.planted = 1</script><b>not markup</b>\n").await;
    page.wait_text(".transcript", "not markup");
    run.finish(answered("## Found\n\nThe *disk*.")).await;
    page.wait("'done' in document.querySelector('.transcript').dataset");
    page.wait_text("#response h4", "Found");
    page.wait_text("#continue", "Continue");
    assert_eq!(page.eval("window.here"), true, "it was never loaded again");
    assert_eq!(page.eval("typeof window.planted"), "undefined");
    let shown = rows(&page);
    assert_eq!(shown[..3], ["step 0\nof three", "step 1\nof three", "step 2\nof three"]);
    assert_eq!(shown.len(), 4);
    page.reload();
    assert_eq!(rows(&page), shown, "and so it stays");

    page.fill("#continue textarea", "And now?");
    page.click("#continue button[type=submit]");
    page.wait_text("#trigger-result", "Session 2 starts now.");
    let next = store.session(JobId(2)).await.unwrap().unwrap();
    assert_eq!(next.request.unwrap().continues, Some(1));
    drop(chromium);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_page_has_no_stream_and_catches_up_when_it_is_shown_again() {
    let (folder, store) = store();
    let mut site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &site.url);
    site.signed_in().await.post("/sessions/trigger", &[("prompt", "look")], &[]);
    let mut run = Run::begin(&store, site.sessions.recv().await.unwrap()).await;
    page.open(&format!("{}/sessions/1", site.url));
    run.print(&says("one")).await;
    page.wait_text(".transcript", "one");
    let hide = |hidden: bool| {
        page.eval(&format!(
            "Object.defineProperty(document, 'hidden', {{ value: {hidden}, configurable: true }});
             document.dispatchEvent(new Event('visibilitychange'))"
        ));
    };
    hide(true);
    run.print(&says("two")).await;
    run.print(&says("three")).await;
    page.pass(600);
    assert_eq!(rows(&page), ["one"]);
    hide(false);
    page.wait_text(".transcript", "three");
    run.print(&says("four")).await;
    page.wait_text(".transcript", "four");
    assert_eq!(rows(&page), ["one", "two", "three", "four"]);
    // Following is given up by scrolling up and taken up again by the button.
    run.print(&says(&"line\n".repeat(200))).await;
    page.wait("document.querySelector('.transcript').scrollTop > 1000");
    page.eval("document.querySelector('.transcript').scrollTop = 0");
    page.wait("document.querySelector('[data-follow]').ariaPressed == 'false'");
    run.print(&says("five")).await;
    page.wait_text(".transcript", "five");
    assert_eq!(page.eval("document.querySelector('.transcript').scrollTop"), 0);
    page.click("[data-follow]");
    page.wait("document.querySelector('.transcript').scrollTop > 1000");
    run.finish(answered("done")).await;
    page.wait("!document.querySelector('[data-follow]')");
    drop(chromium);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_asks_first_and_then_stops() {
    let (folder, store) = store();
    let mut site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &site.url);
    site.signed_in().await.post("/sessions/trigger", &[("prompt", "look")], &[]);
    let run = Run::begin(&store, site.sessions.recv().await.unwrap()).await;
    page.open(&format!("{}/sessions/1", site.url));
    page.click("[data-dialog=stop]");
    page.wait("document.querySelector('dialog#stop').open");
    assert_eq!(page.eval("document.activeElement.matches('dialog#stop [data-safe]')"), true);
    page.press("Enter");
    page.wait("!document.querySelector('dialog#stop').open");
    assert!(store.job(JobId(1)).await.unwrap().unwrap().cancel_requested_at.is_none());
    page.click("[data-dialog=stop]");
    page.wait("document.querySelector('dialog#stop').open");
    page.press("Escape");
    page.wait("!document.querySelector('dialog#stop').open");
    assert!(store.job(JobId(1)).await.unwrap().unwrap().cancel_requested_at.is_none());
    page.click("[data-dialog=stop]");
    page.click("dialog#stop .btn-solid-danger");
    page.wait_text("#session", "It was asked to stop.");
    assert_eq!(page.eval("location.pathname"), "/sessions/1");
    run.finish_as(SessionEnd::new(RunEnding::Cancelled), Outcome::Failed(stopped())).await;
    page.wait_text("#session", "Cancelled");
    page.click("#run-copy > summary");
    page.click("form[action$='run-again?on=session'] button");
    page.wait("location.pathname == '/sessions/2'");
    assert_eq!(store.job(JobId(1)).await.unwrap().unwrap().status, Status::Cancelled);
    drop(chromium);
    site.stop().await;
}

fn stopped() -> lamplighter::model::JobError {
    lamplighter::model::JobError { code: "AGENT-RUN-004".into(), message: "stopped".into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_work_without_scripts() {
    let (folder, store) = store();
    let mut site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    page.scripts_off();
    sign_in(&page, &site.url);
    page.open(&format!("{}/", site.url));
    page.fill("textarea[name=prompt]", "two\nlines");
    page.click(".trigger-form button[type=submit]");
    page.wait("location.pathname == '/sessions/1'");
    let mut run = Run::begin(&store, site.sessions.recv().await.unwrap()).await;
    let wish = store.session(JobId(1)).await.unwrap().unwrap().request.unwrap();
    assert_eq!(wish.prompt.as_deref(), Some("two\nlines"));
    run.print(&says("I look")).await;
    page.wait_text(".transcript", "I look");
    run.finish(answered("well")).await;
    page.wait_text("#response", "well");
    drop(chromium);
    site.stop().await;
}

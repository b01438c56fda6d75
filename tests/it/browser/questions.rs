//! The questions before a deed: over the page, where nothing moves for them, with the safe button in the hand.

use super::sign_in;
use crate::support::chromium::{Chromium, Page};
use crate::support::site::Site;
use crate::support::{now, store};
use lamplighter::model::{Actor, Job, JobId, Kind, NewJob, Status};
use lamplighter::store::Store;

const DIALOG: &str = "document.querySelector('#cancel-job > dialog')";

async fn job(store: &Store) -> Job {
    store.job(JobId(1)).await.unwrap().unwrap()
}

/// Where everything of the page is, and how high the page is.
fn places(page: &Page) -> serde_json::Value {
    page.eval(
        "JSON.stringify([document.documentElement.scrollHeight, ...[...document.querySelectorAll('main .btn, main .card')]\
         .filter(part => !part.closest('dialog')).map(part => { const { x, y, width, height } = part.getBoundingClientRect(); return [x, y, width, height]; })])",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_moves_nothing_and_its_safe_button_has_the_focus() {
    let (folder, store) = store();
    store.enqueue(NewJob::new(Kind::named("send_email")), now()).await.unwrap();
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &site.url);
    for width in [1440, 390] {
        page.viewport(width, 900);
        page.open(&format!("{}/jobs/1", site.url));
        let before = places(&page);
        page.click("#cancel-job > summary");
        page.wait(&format!("{DIALOG}.matches(':modal')"));
        assert_eq!(places(&page), before, "{width}");
        assert_eq!(page.eval("document.activeElement.matches('#cancel-job [data-safe]')"), true);
        let first = format!("{DIALOG}.querySelector('button').matches('[data-safe]')");
        assert_eq!(page.eval(&first), true, "the safe one comes first");
        assert_eq!(page.eval(include_str!("look.js")), serde_json::json!([]), "it looks right");
        page.press("Enter");
        page.wait(&format!("!{DIALOG}.open"));
        page.wait("!document.querySelector('#cancel-job').open");
        assert_eq!(places(&page), before, "{width}");
        assert_eq!(page.eval("document.activeElement.matches('#cancel-job > summary')"), true);
        assert_eq!(job(&store).await.status, Status::Queued, "Enter did nothing");
    }
    // The page goes on behind it, and does not take it away.
    page.click("#cancel-job > summary");
    page.wait(&format!("{DIALOG}.matches(':modal')"));
    page.eval("document.addEventListener('htmx:beforeSwap', ({ detail }) => setTimeout(() => { window.came = detail.shouldSwap; }))");
    store.cancel(JobId(1), Actor::cli(), now()).await.unwrap();
    page.wait("window.came === false");
    assert_eq!(page.eval(&format!("{DIALOG}.matches(':modal')")), true);
    page.press("Escape");
    page.wait_text("#job", "Cancelled");
    assert_eq!(job(&store).await.status, Status::Cancelled);
    assert_eq!(page.complaints(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_unfolds_without_scripts() {
    let (folder, store) = store();
    store.enqueue(NewJob::new(Kind::named("send_email")), now()).await.unwrap();
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    page.scripts_off();
    sign_in(&page, &site.url);
    page.open(&format!("{}/jobs/1", site.url));
    assert_eq!(page.eval(&format!("{DIALOG}.checkVisibility()")), false);
    page.click("#cancel-job > summary");
    page.wait(&format!("{DIALOG}.checkVisibility()"));
    page.click("#cancel-job form button");
    page.wait_text("#job", "Cancelled");
    assert_eq!(job(&store).await.status, Status::Cancelled);
}

//! The way from the dashboard to a retry of all jobs of one error, and the selection of jobs by hand and by keys.

use super::clicks::Clicks;
use super::sign_in;
use crate::support::chromium::Chromium;
use crate::support::site::Site;
use crate::support::{now, store, until};
use lamplighter::Engine;
use lamplighter::clock::Clock;
use lamplighter::model::{
    Filter, JobError, JobId, Kind, KindRules, NewJob, Outcome, Queue, Status,
};
use lamplighter::store::Store;
use std::time::Duration;

fn mail() -> Kind {
    Kind::parse("send_email").unwrap()
}

/// Mails that fail for good with the same error, each with its own number.
async fn bounce(store: &Store, count: usize) {
    let engine = Engine::builder(store.clone(), Clock::system())
        .queue(Queue::DEFAULT, 50)
        .kind(KindRules::new(mail()), |context| async move {
            let message = format!("SMTP 421: too many connections for mail {}", context.job.id);
            Outcome::Fatal(JobError { code: "MAIL-SMTP-421".into(), message })
        })
        .start()
        .unwrap();
    let jobs = vec![NewJob::new(mail()); count];
    for added in store.enqueue_all(jobs, now()).await.unwrap() {
        until(store, added.id(), |job| job.status.is_final()).await;
    }
    engine.stop(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_and_forty_failures_of_one_error_are_retried_with_at_most_four_clicks() {
    let (folder, store) = store();
    bounce(&store, 140).await;
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &site.url);
    page.open(&format!("{}/", site.url));
    let mut clicks = Clicks::on(&page);
    clicks.click("#failures .row-actions a");
    page.wait_text("h1", "Retry 140 jobs?");
    // The field has the focus: the number is typed at once.
    page.wait("document.activeElement?.id == 'typed'");
    clicks.type_text("#typed", "140");
    clicks.click("#bulk-form button[type=submit]");
    page.wait("location.pathname == '/jobs/141'");
    page.wait_text("h1", "bulk_action");
    assert!(clicks.count() <= 4, "{} clicks and texts", clicks.count());
    println!("clicks and texts from the dashboard to the retry of 140 jobs: {}", clicks.count());
    let ask = store.job(JobId(141)).await.unwrap().unwrap();
    assert!(ask.payload.contains("is:still_failed error_group:"), "{}", ask.payload);
    assert_eq!(page.complaints(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_selected_by_keys_and_the_bar_says_how_many() {
    let (folder, store) = store();
    bounce(&store, 5).await;
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &site.url);
    page.open(&format!("{}/jobs?q=status:failed", site.url));
    let bar = "getComputedStyle(document.querySelector('.bulk')).display";
    assert_eq!(page.eval(bar), "none", "nothing is selected");
    page.press("j");
    page.press("x");
    page.wait_text(".bulk [data-count]", "1 selected");
    assert_eq!(page.eval(bar), "flex");
    page.press("j");
    page.press("j");
    page.press("X");
    page.wait_text(".bulk [data-count]", "3 selected");
    page.wait_text(".bulk button[value=retry]", "Retry 3…");
    // What is new is counted over the list, and the selection stays when it is shown.
    store.enqueue(NewJob::new(mail()), now()).await.unwrap();
    page.press("Escape");
    page.wait(&format!("{bar} == 'none'"));
    page.press("a");
    page.wait_text(".bulk [data-count]", "5 selected");
    page.press("r");
    page.wait_text("h1", "Retry 5 jobs?");
    page.click("#bulk-form button[type=submit]");
    page.wait_text(".notice-ok", "5 jobs run again, each as a new job.");
    let waiting = Filter::default().status(Status::Queued);
    let found = store.find_jobs(waiting, None, 99, now()).await.unwrap().rows;
    assert_eq!(found.iter().filter(|job| job.parent_id.is_some()).count(), 5);
    assert_eq!(page.complaints(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selection_works_without_scripts() {
    let (folder, store) = store();
    bounce(&store, 3).await;
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &site.url);
    page.scripts_off();
    page.open(&format!("{}/jobs?q=status:failed", site.url));
    page.click("#row-2 input[name=pick]");
    page.click("#row-3 input[name=pick]");
    page.click(".bulk button[value=retry]");
    page.wait_text("h1", "Retry 2 jobs?");
    page.click("#bulk-form button[type=submit]");
    page.wait_text(".notice-ok", "2 jobs run again, each as a new job.");
}

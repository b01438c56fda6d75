//! Schedules as people make, change and delete them, with scripts and without.

use super::clicks::Clicks;
use super::sign_in;
use crate::support::chromium::{Chromium, Page};
use crate::support::site::Site;
use crate::support::store;
use lamplighter::model::{Rule, ScheduleName};
use lamplighter::store::Store;

const LOADED: &str = "document.readyState == 'complete'";

async fn rule(store: &Store, name: &str) -> Rule {
    let name = ScheduleName::parse(name).unwrap();
    store.schedule(name).await.unwrap().unwrap().plan.unwrap().rule
}

/// Waits until the page at this path is there.
fn at(page: &Page, path: &str) {
    page.wait(&format!("{LOADED} && location.pathname == '{path}'"));
}

fn replace(page: &Page, field: &str, text: &str) {
    page.eval(&format!("document.querySelector(`{field}`).value = ''"));
    page.fill(field, text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_made_from_the_dashboard_in_three_clicks_then_changed_and_deleted() {
    let (folder, store) = store();
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &site.url);
    page.open(&site.url);
    let mut clicks = Clicks::on(&page);
    clicks.click(".side a[href='/schedules']");
    at(&page, "/schedules");
    clicks.click(".page-actions a[href='/schedules/new-schedule']");
    at(&page, "/schedules/new-schedule");
    page.wait_text("#preview", "At 02:30 every day");
    let is_shown = "document.querySelector('[name=once]').checkVisibility()";
    assert_eq!(page.eval(is_shown), false, "what the choice does not need is not asked for");
    // What is typed is told while it is typed, and it chooses.
    clicks.type_text("input[name=name]", "mornings");
    page.eval("document.querySelector('[name=kind]').value = 'self_monitoring'");
    clicks.type_text("input[name=zone]", "America/New_York");
    clicks.type_text("input[name=cron]", "15 2 * * *");
    page.wait_text("#preview", "At 02:15 every day (America/New_York)");
    page.wait_text("#preview", "Yours, ");
    page.wait_text("#preview", "does not exist in America/New_York");
    assert_eq!(page.eval("document.querySelector('[name=runs]:checked').value"), "cron");
    assert!(store.schedules(0, 9).await.unwrap().0.is_empty(), "nothing is stored yet");
    clicks.click("form.plan .btn-primary");
    at(&page, "/schedules/mornings");
    // The kind that a select has open is one key of its name, and counts as typed.
    assert!(clicks.clicks() <= 3, "{} clicks", clicks.clicks());
    println!("clicks from the dashboard to a schedule: {} and what is typed", clicks.clicks());
    assert_eq!(
        rule(&store, "mornings").await,
        Rule::cron("15 2 * * *", "America/New_York").unwrap()
    );

    // The choice that this expression is comes back, and another choice writes its expression.
    assert_eq!(page.eval("document.querySelector('[name=runs]:checked').value"), "daily");
    page.click("form.plan .choices label:has([value=weekly])");
    page.wait("document.querySelector('[name=cron]').value == '15 2 * * 1'");
    page.click("form.plan .btn-primary");
    page.wait_text("#schedule", "at 02:15 on Monday");
    let now = Rule::cron("15 2 * * 1", "America/New_York").unwrap();
    assert_eq!(rule(&store, "mornings").await, now);

    page.click("#schedule-delete summary");
    page.click("#schedule-delete .btn-solid-danger");
    at(&page, "/schedules");
    assert!(store.schedules(0, 9).await.unwrap().0.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_made_without_scripts_and_its_runs_are_told() {
    let (folder, store) = store();
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    page.scripts_off();
    sign_in(&page, &site.url);
    page.open(&format!("{}/schedules/new-schedule", site.url));
    page.fill("input[name=name]", "often");
    page.click("form.plan .choices label:has([value=every])");
    assert_eq!(page.eval("document.querySelector('[name=at]').checkVisibility()"), false);
    page.eval("document.querySelector('[name=kind]').value = 'self_monitoring'");
    replace(&page, "textarea[name=payload]", "{}");
    replace(&page, "input[name=every]", "7m");
    page.click("form.plan button[name=preview]");
    page.wait_text("#preview", "Every 7 minutes");
    assert_eq!(page.eval("document.querySelector('[name=name]').value"), "often", "it is kept");
    assert!(store.schedules(0, 9).await.unwrap().0.is_empty(), "nothing is stored yet");
    page.click("form.plan .btn-primary");
    at(&page, "/schedules/often");
    // The first of an interval is due at once.
    site.gate.add_permits(1);
    let job = lamplighter::model::JobId(1);
    crate::support::until(&store, job, |job| job.status == lamplighter::model::Status::Completed)
        .await;
    page.open(&format!("{}/schedules", site.url));
    page.wait("document.querySelectorAll('.strip .o-o').length == 1");
    page.wait_text("#schedule-list", "Active");
}

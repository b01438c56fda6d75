//! The lists as people use them: saved views without scripts, rows of a log on one line, and times by the reader's clocks.

use super::sign_in;
use crate::support::chromium::Chromium;
use crate::support::site::Site;
use crate::support::{now, store};
use lamplighter::model::{
    Actor, Kind, Level, ListPage, NewJob, NewLogRow, NewSchedule, Plan, Rule, ScheduleName,
};
use lamplighter::store::{LogStore, OpenMode};

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_saved_opened_and_removed_without_scripts() {
    let (folder, store) = store();
    store.enqueue(NewJob::new(Kind::named("send_email")), now()).await.unwrap();
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    page.scripts_off();
    sign_in(&page, &site.url);
    page.open(&format!("{}/jobs?q=kind:send_email", site.url));
    page.click("#save-view summary");
    page.fill("#save-view input[name=name]", "All mails");
    page.click("#save-view button");
    page.wait_text("#facets .views", "All mails");
    page.open(&format!("{}/jobs", site.url));
    page.click("#facets .views li a");
    page.wait("location.search == '?q=kind%3Asend_email'");
    page.click("#facets .views li button");
    page.wait("!document.querySelector('#facets .views')");
    assert!(store.views("admin".into(), ListPage::Jobs).await.unwrap().is_empty());
    assert_eq!(page.complaints(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_a_log_takes_one_line_of_27_pixels_until_it_is_opened() {
    let (folder, store) = store();
    let site = Site::start(folder.path(), &store).await;
    let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
    let long = format!("[SHOP-PAY-014] {}end of it\n  at lamp.rs:7", "no answer ".repeat(60));
    let row = |message: &str| NewLogRow::new(now().to_string(), Level::Error, "shop.pay", message);
    logs.append(vec![row(&long), row("short")]).await.unwrap();
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &site.url);
    page.viewport(1440, 900);
    page.open(&format!("{}/logs?source=shop.pay", site.url));
    page.wait("document.querySelectorAll('.log tbody tr').length == 2");
    let heights = "[...document.querySelectorAll('.log tbody tr')].map(r => Math.round(r.getBoundingClientRect().height)).join()";
    assert_eq!(page.eval(heights), "27,27");
    let fits = "document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(page.eval(fits), true);
    page.click(".log tr:last-child summary");
    let opened = "document.querySelector('.log tr:last-child details')";
    page.wait(&format!("{opened}.open && {opened}.getBoundingClientRect().height > 60"));
    assert_eq!(page.eval(&format!("{opened}.innerText.includes('end of it')")), true);
    assert_eq!(page.eval(&format!("{opened}.querySelector('pre').innerText")), "  at lamp.rs:7");
    assert_eq!(page.eval(fits), true);
    page.click(".log tr:last-child .line > a");
    page.wait("location.search == '?code=SHOP-PAY-014'");
    assert_eq!(page.complaints(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lane_and_the_list_of_schedules_go_by_the_readers_clocks() {
    let (folder, store) = store();
    let plan = Plan::new(Rule::cron("30 2 * * *", "Asia/Kolkata").unwrap(), Kind::named("report"));
    let name = ScheduleName::parse("nightly").unwrap();
    store.create_schedule(NewSchedule { name, plan }, Actor::cli(), now()).await.unwrap();
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &site.url);
    page.eval("document.cookie = 'lamplighter-zone=Asia/Kathmandu; path=/'");
    page.scripts_off();
    page.open(&format!("{}/schedules", site.url));
    page.wait_text("#schedule-lane", "Times in Asia/Kathmandu");
    let hours = "[...document.querySelectorAll('.lane text:not(.name)')].map(t => t.textContent)";
    assert_eq!(page.eval(&format!("{hours}.every(h => /^\\d\\d:00$/.test(h))")), true);
    assert_eq!(page.eval(&format!("{hours}.length >= 7")), true);
    let dot = page.eval("document.querySelector('.lane circle title').textContent");
    assert!(dot.as_str().unwrap().contains("02:45:00 +0545 (21:00:00 UTC)"), "{dot}");
    page.wait_text("#schedule-list", "02:45 · 02:30 IST");
    assert_eq!(page.complaints(), [""; 0]);
}

//! Nothing moves under a hand: what is in a list stays where it is while the pointer is over it.

use super::{SELF_MONITORING, sign_in};
use crate::issues::leave_for_approval;
use crate::support::chromium::Chromium;
use crate::support::site::Site;
use crate::support::{run_now, store};
use lamplighter::model::{Actor, FilingPick, FilingVerdict};

/// Where each row of the list of jobs is, by its id.
const PLACES: &str = "JSON.stringify([...document.querySelectorAll('#job-list tbody tr')].map(row => [row.id, row.getBoundingClientRect().top]))";
const HOVERED: &str = "document.querySelector('#job-list [data-hold]').matches(':hover')";

#[tokio::test(flavor = "multi_thread")]
async fn new_jobs_are_counted_over_a_list_with_the_pointer_in_it_and_shown_on_a_click() {
    let (folder, store) = store();
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    for _ in 0..3 {
        run_now(&store).await;
    }
    let page = chromium.page();
    sign_in(&page, &site.url);
    page.open(&format!("{}/jobs", site.url));
    page.wait("document.querySelectorAll('#job-list tbody tr').length == 3");
    page.point("#row-2");
    page.wait(HOVERED);
    let before = page.eval(PLACES);
    run_now(&store).await;
    page.wait_text("#job-list .held", "1 new");
    run_now(&store).await;
    page.wait_text("#job-list .held", "2 new");
    assert_eq!(page.eval(PLACES), before, "no row has moved");
    assert_eq!(page.eval("document.querySelector('#told').textContent"), "2 new");
    page.click("#job-list .held button");
    page.wait("document.querySelectorAll('#job-list tbody tr').length == 5");
    page.wait("!document.querySelector('#job-list .held')");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_in_the_making_outlives_a_decision_made_elsewhere() {
    let (folder, store) = store();
    leave_for_approval(&store, "- Server: shop-7").await;
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &site.url);
    page.open(&format!("{}{SELF_MONITORING}/approvals", site.url));
    page.click("#approvals details[id^=edit] summary");
    page.fill("#approvals textarea", "Mine: ");
    let typed = page.eval("document.querySelector('#approvals textarea').value");
    assert!(typed.as_str().unwrap().contains("Mine: "), "{typed}");
    let filing = store.waiting_filings(10).await.unwrap().remove(0).id;
    let by = Actor { name: "ann".into(), remote: None };
    store
        .decide_filings(FilingPick::all([filing]), FilingVerdict::Reject, by, crate::support::now())
        .await
        .unwrap();
    page.wait_text("#approvals .held", "Changed elsewhere");
    assert_eq!(page.eval("document.querySelector('#approvals textarea').value"), typed);
    page.click("#approvals .held button");
    page.wait_text("#approvals .decided", "Rejected by ann");
}

//! What waits for the tracker, as the one who approves it sees it.

use super::{SELF_MONITORING, sign_in};
use crate::issues::{leave_for_approval, leave_many_for_approval};
use crate::support::chromium::Chromium;
use crate::support::site::Site;
use crate::support::{now, store};
use lamplighter::model::{FilingEvent, FilingId, Place};
use lamplighter::store::Store;

/// An issue's text as a scan writes it.
const BODY: &str = "- Server: shop-7\n- Seen: 12 times\n\n## Summary\n\nThe mail server refuses each invoice.\n\n```text\n\
    [MAIL-SMTP-550] refused\n    at deliver (queue.py:412)\n```\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_text_that_one_approves_is_shown_with_its_lines() {
    let (folder, store) = store();
    leave_for_approval(&store, BODY).await;
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &site.url);
    page.open(&format!("{}{SELF_MONITORING}/approvals", site.url));
    // As one reads it: where the browser breaks the lines, with their indentation.
    page.click("#approvals .raw summary");
    let shown = page.wait("document.querySelector('#approvals .raw pre')?.innerText");
    let (title, body) = shown.as_str().unwrap().split_once("\n\n").unwrap();
    assert_eq!(title, "[CLIENT] the mail server refuses invoices");
    assert_eq!(body.trim_end(), BODY.trim_end());
    let lines = page.eval(
        "(() => { const pre = document.querySelector('#approvals .raw pre'), style = getComputedStyle(pre);
            const inner = pre.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
            return Math.round(inner / parseFloat(style.lineHeight)); })()",
    );
    let wanted = 2 + BODY.trim_end().lines().count() as u64;
    assert!(lines.as_u64().unwrap() >= wanted, "{lines} lines of {wanted}");
    assert_eq!(page.eval(include_str!("look.js")), serde_json::json!([]), "nothing looks wrong");
}

/// Files the next text that was approved, as the job does that talks to the tracker.
async fn file_next(store: &Store, number: i64) {
    let home = store.filing_text(FilingId(1)).await.unwrap().unwrap().home;
    let act = store.next_filing(home, FilingId(0)).await.unwrap().unwrap();
    let begun = act.after(FilingEvent::Begun, now());
    store.save_filing(begun.clone(), act.state, now()).await.unwrap();
    let place = Place { number, url: format!("https://github.com/me/shop/issues/{number}") };
    let filed = begun.after(FilingEvent::Done(place), now());
    store.save_filing(filed, begun.state, now()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_filed_is_one_line_and_cannot_be_taken_back_without_a_reload() {
    let (folder, store) = store();
    leave_many_for_approval(&store, 2).await;
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &site.url);
    page.open(&format!("{}{SELF_MONITORING}/approvals", site.url));
    page.wait("!!document.querySelector('input[data-pick-all]')");
    page.click("input[data-pick-all]");
    page.wait_text("#decide button[value=approve]", "Approve 2");
    page.click("#decide button[value=approve]");
    page.wait_text("h1", "Approve 2 findings?");
    page.click("main button[value=approve]");
    let undos = "document.querySelectorAll('#approvals form[action$=\"/undo\"]').length";
    page.wait(&format!("{undos} == 2"));
    page.eval("window.isTheSamePage = true");
    // The hand is in the list, and the focus is on a button that is to go.
    page.point("#filing-1");
    page.eval("document.querySelector('#filing-1 form[action$=\"/undo\"] button').focus()");
    file_next(&store, 163).await;
    page.wait_text("#filing-1", "filed as #163");
    page.wait(&format!("{undos} == 1"));
    // The other one can still be taken back, by a button that the page has renewed meanwhile.
    page.click("#filing-2 form[action$='/undo'] button");
    page.wait("!!document.querySelector('#filing-2 form[action$=\"/approve\"]')");
    page.click("#filing-2 form[action$='/approve'] button");
    page.wait(&format!("{undos} == 1"));
    file_next(&store, 164).await;
    page.wait_text("#filing-2", "filed as #164");
    page.wait(&format!("{undos} == 0"));
    let rows = "[...document.querySelectorAll('#approvals article')].map(row => row.id)";
    assert_eq!(page.eval(rows), serde_json::json!(["filing-1", "filing-2"]), "each once");
    assert_eq!(page.eval("window.isTheSamePage"), true);
    assert_eq!(page.complaints(), [""; 0]);
}

//! What waits for the tracker, as the one who approves it sees it.

use super::{SELF_MONITORING, sign_in};
use crate::issues::leave_for_approval;
use crate::support::chromium::Chromium;
use crate::support::site::Site;
use crate::support::store;

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

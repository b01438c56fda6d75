//! The second question for the password, as a person meets it.

use super::sign_in;
use crate::support::chromium::Chromium;
use crate::support::server::PASSWORD;
use crate::support::site::Site;
use crate::support::{foreign, store};
use std::path::PathBuf;

const FIELD: &str = "[name='agent.budget_day_usd']";
const SAVE: &str = "form:has([name='agent.budget_day_usd']) .btn-primary";

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_asked_for_again_is_given_in_place_and_the_same_click_then_counts() {
    let (folder, store) = store();
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &site.url);
    // A browser that was left open for ten minutes.
    let older = "UPDATE logins SET created_at = created_at - 600000";
    assert_eq!(foreign(folder.path()).execute(older, []).unwrap(), 1);
    page.open(&format!("{}/settings/agents", site.url));
    page.eval(&format!("document.querySelector(\"{FIELD}\").value = ''"));
    page.fill(FIELD, "7");
    page.click(SAVE);
    page.wait_text("[role=alert]", "AUTH-LOGIN-005");
    page.wait("document.querySelector('[role=alert]').getBoundingClientRect().top >= 0");
    let said = page.complaints();
    assert!(!said.is_empty() && said.iter().all(|said| said.contains("401")), "{said:?}");
    assert_eq!(page.eval(include_str!("look.js")), serde_json::json!([]), "it looks right");
    let pictures = std::env::var_os("LAMPLIGHTER_SCREENSHOTS").map(PathBuf::from);
    let looks = [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 1920)];
    for (folder, (scheme, width)) in pictures.iter().flat_map(|f| looks.map(|look| (f, look))) {
        page.scheme(scheme);
        page.viewport(width, 900);
        page.pass(500);
        page.screenshot(&folder.join(format!("password-again-{scheme}-{width}.png")));
    }
    page.fill("form.proof input[name=password]", PASSWORD);
    page.click("form.proof button");
    page.wait_text("[role=status]", "counts for five minutes");
    assert_eq!(page.eval(&format!("document.querySelector(\"{FIELD}\").value")), "7", "as typed");
    page.click(SAVE);
    page.wait_text("section:has([name='agent.budget_day_usd'])", "is 7 from now on");
}

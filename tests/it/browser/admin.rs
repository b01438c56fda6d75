//! Settings as people change them: in place, seen by others at once, and refused beside their field.

use super::{SELF_MONITORING, sign_in};
use crate::support::chromium::Chromium;
use crate::support::server::Server;

#[test]
fn a_cadence_that_one_browser_sets_is_seen_by_the_other_without_reloading() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--demo"]);
    let Some(chromium) = Chromium::start() else { return };
    let (one, two) = (chromium.page(), chromium.page());
    for (page, path) in [(&one, "/configuration"), (&two, "")] {
        sign_in(page, &server.url);
        page.open(&format!("{}{SELF_MONITORING}{path}", server.url));
        page.wait_text("#scan-cadence", "Scans run by Run Now only.");
        page.eval("window.first = true");
    }
    let typed = "[name='self_monitoring.cadence.other']";
    let is_shown = format!("document.querySelector(\"{typed}\").checkVisibility()");
    assert_eq!(one.eval(&is_shown), false, "nobody types where it does not count");
    one.click("#setting-self-monitoring-enabled");
    one.click("#setting-self-monitoring-cadence label:last-of-type");
    assert_eq!(one.eval(&is_shown), true);
    one.fill(typed, "0");
    one.click("#configuration button[type=submit]");
    one.wait_text("#configuration", "1 to 10080");
    assert!(one.complaints().iter().all(|said| said.contains("400")), "it was refused");
    two.wait_text("#scan-cadence", "Scans run by Run Now only.");
    one.eval(&format!("document.querySelector(\"{typed}\").value = ''"));
    one.fill(typed, "45");
    one.click("#configuration button[type=submit]");
    one.wait_text("#configuration", "2 settings hold from now on: ");
    for page in [&one, &two] {
        page.wait_text("#scan-cadence", "every 45 minutes, next scan");
        assert_eq!(page.eval("window.first"), true, "the page was not loaded again");
    }
    two.wait_text("#scan-history", "scheduled");
    assert_eq!(two.complaints(), Vec::<String>::new());
}

#[test]
fn a_setting_is_changed_and_taken_back_in_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &server.url);
    page.open(&format!("{}/settings/agents", server.url));
    page.eval("window.first = true");
    page.fill("#setting-agent-max-turns", "0");
    page.wait_text("#settings-agent", "1 unsaved change");
    page.click("#settings-agent .btn-primary");
    page.wait_text("#settings-agent", "agent.max_turns is 400 from now on.");
    page.wait("document.querySelector('#setting-agent-max-turns').value == '400'");
    page.click("[aria-label='Default of agent.max_turns']");
    page.wait("document.querySelector('#setting-agent-max-turns').value == '40'");
    assert_eq!(page.eval("window.first"), true, "the page was not loaded again");
    page.open(&format!("{}/audit?what=set", server.url));
    page.wait_text("#audit", "unset agent.max_turns");
    page.wait_text("#audit", "400");
    assert_eq!(page.complaints(), Vec::<String>::new());
}

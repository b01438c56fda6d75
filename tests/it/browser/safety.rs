//! That the tests would notice: what the content security policy must stop is stopped and reported.

use super::{SELF_MONITORING, sign_in};
use crate::support::chromium::Chromium;
use crate::support::server::Server;

/// Elements that injected text could bring, and the directive that stops each.
const PLANTED: [(&str, &str, &str); 4] = [
    ("script", "e.textContent = 'window.planted = 1'", "script-src"),
    ("script", "e.src = 'http://127.0.0.1:9/planted.js'", "script-src"),
    ("img", "e.setAttribute('onclick', 'window.planted = 1'); e.click()", "script-src"),
    ("p", "e.setAttribute('style', 'color: red')", "style-src"),
];

#[test]
fn a_planted_script_or_style_does_nothing_and_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &server.url);
    page.open(&format!("{}{SELF_MONITORING}", server.url));
    assert_eq!(page.complaints(), [""; 0], "the page itself is clean");
    for (name, planting, directive) in PLANTED {
        page.eval(&format!(
            "(() => {{ const e = document.createElement('{name}'); {planting}; document.body.append(e); }})()"
        ));
        page.eval(NEXT_FRAME);
        let said = page.complaints();
        assert!(said.iter().any(|said| said.contains(directive)), "{planting}: {said:?}");
        assert_eq!(page.eval("typeof window.planted"), "undefined", "{planting}");
    }
    page.eval("console.error('planted error')");
    page.eval("setTimeout(() => { throw Error('planted exception') })");
    page.eval("fetch('/no-such-page').then(() => 0)");
    page.eval(NEXT_FRAME);
    let said = page.complaints();
    for planted in ["planted error", "planted exception", "404"] {
        assert!(said.iter().any(|said| said.contains(planted)), "{planted}: {said:?}");
    }
}

/// Until whatever was started has been done and drawn.
const NEXT_FRAME: &str = "new Promise(done => requestAnimationFrame(() => setTimeout(done, 0, 0)))";

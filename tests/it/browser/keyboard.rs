//! The pages without a mouse.

use super::{SELF_MONITORING, sign_in};
use crate::support::chromium::Chromium;
use crate::support::server::Server;

/// Letters that go to a page after `g`.
const PAGES: [(&str, &str); 5] =
    [("j", "/jobs"), ("e", "/sessions"), ("l", "/logs"), ("s", SELF_MONITORING), ("d", "/")];

#[test]
fn keys_open_help_search_and_pages_but_not_while_one_types() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--demo"]);
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &server.url);
    let mut searched = Vec::new();
    for (letter, path) in PAGES {
        page.press("g");
        page.press(letter);
        page.wait(&format!("location.pathname == '{path}' && document.readyState == 'complete'"));
        assert_eq!(page.eval("document.querySelector('[aria-current=page]')?.pathname"), path);

        page.press("?");
        page.wait("document.querySelector('dialog#keys')?.open");
        assert_eq!(page.eval("document.querySelector('dialog#keys').matches(':modal')"), true);
        page.press("Escape");
        page.wait("!document.querySelector('dialog#keys').open");

        if page.eval("!!document.querySelector('input[type=search]')") == true {
            page.press("/");
            page.wait("document.activeElement.matches('input[type=search]')");
            // What is typed there is text.
            for key in ["/", "?", "g", "d"] {
                page.press(key);
            }
            assert_eq!(page.eval("document.activeElement.value"), "/?gd");
            assert_eq!(page.eval("document.querySelector('dialog#keys').open"), false);
            page.press("Escape");
            page.eval("document.activeElement.blur()");
            searched.push(path);
        }
    }
    assert!(searched.contains(&"/jobs") && searched.contains(&"/logs"), "{searched:?}");
}

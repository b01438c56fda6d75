//! The click attack from end to end: text of strangers, and a page of another port of this machine, try to have the
//! browser of an admin start something or give its cookie away.

use super::sessions::Run;
use super::{SELF_MONITORING, sign_in};
use crate::support::chromium::{Chromium, Page};
use crate::support::server::Browser;
use crate::support::site::Site;
use crate::support::{foreign, now, store};
use lamplighter::model::{Actor, Level, NewLogRow, RunEnding, SessionEnd, SessionRequest};
use lamplighter::sessions::{self, Asked};
use lamplighter::store::{LogStore, OpenMode, Store};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

/// Where a text of strangers would lead a click; `PORT` is that of a program of this machine.
const TARGETS: [&str; 26] = [
    "http://127.0.0.1:PORT/evil",
    "HTTP://127.0.0.1:PORT/evil",
    "//127.0.0.1:PORT/evil",
    "http:127.0.0.1:PORT/evil",
    "http:/127.0.0.1:PORT/evil",
    "http:\\\\127.0.0.1:PORT\\evil",
    "\\\\127.0.0.1:PORT\\evil",
    "http://localhost:PORT/evil",
    "http://localhost.:PORT/evil",
    "http://a.localhost:PORT/evil",
    "http://2130706433:PORT/evil",
    "http://0x7f.1:PORT/evil",
    "http://0177.0.0.1:PORT/evil",
    "http://[::1]:PORT/evil",
    "http://[::ffff:127.0.0.1]:PORT/evil",
    "http://shop.example@127.0.0.1:PORT/evil",
    "http://127.0.0.1.:PORT/evil",
    "http://192.168.1.1/evil",
    "http://10.0.0.1/evil",
    "http://169.254.169.254/latest/meta-data",
    "http://intranet/evil",
    "http://printer.local/evil",
    "javascript:fetch('/admin/self-monitoring/run-now',{method:'POST'})",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:alert(1)",
];
/// A link of the public web, which stays one: without it the test would see no links at all.
const PUBLIC: &str = "https://shop.example/ok";
/// A path of ours that starts a run when it is posted to.
const OWN: &str = "/admin/self-monitoring/run-now";

/// The forms of ours that a foreign page posts to: each would start, change or end something.
const POSTS: [(&str, &str); 18] = [
    (OWN, ""),
    ("/admin/self-monitoring/dry-run", ""),
    ("/sessions/trigger", "prompt=evil"),
    ("/sessions/trigger", "prompt=evil&profile=full&confirm=full"),
    ("/jobs/new", "kind=self_monitoring&payload={}"),
    ("/jobs/1/run-again", ""),
    ("/jobs/1/delete", ""),
    ("/queues/pause", "queue=default"),
    ("/settings/stop-all", "reason=evil"),
    ("/settings/agent.budget_day_usd", "value=999"),
    ("/admin/self-monitoring/prompt", "text=evil"),
    ("/users", "name=eve&role=admin&password=a+lamp+in+every+street"),
    ("/users/admin/password", "password=a+lamp+in+every+street"),
    ("/users/admin/disable", ""),
    ("/account/password", "password=a+lamp+in+every+street"),
    ("/account/logins/end", "login=all"),
    ("/password", "password=guess"),
    ("/logout", ""),
];

/// A program of this machine on a port of its own, which serves one page and notes what it is sent.
struct Sibling {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Sibling {
    /// Serves until the test's process ends.
    fn start(page: impl Fn(u16) -> String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (page, heard) = (page(port), Arc::new(Mutex::new(Vec::new())));
        let notes = Arc::clone(&heard);
        thread::spawn(move || {
            // A browser also opens connections on which it asks nothing.
            for stream in listener.incoming().map_while(Result::ok) {
                let (page, notes) = (page.clone(), Arc::clone(&notes));
                thread::spawn(move || answer(stream, &page, &notes));
            }
        });
        Self { port, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// The cookie of ours that it was sent.
    fn cookie(&self) -> Option<String> {
        let heard = self.heard();
        let line = heard.iter().find(|line| line.contains("lamplighter="));
        line.map(|line| line.split_once(':').unwrap().1.trim().to_owned())
    }
}

/// Notes what one request asks, with its cookies, and answers it with the page.
fn answer(mut stream: TcpStream, page: &str, notes: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let cookies = head.into_iter().filter(|line| line.to_lowercase().starts_with("cookie:"));
    notes.lock().unwrap().extend([first].into_iter().chain(cookies));
    let kind = "Content-Type: text/html\r\nConnection: close";
    let size = page.len();
    // A browser that has gone needs no answer.
    drop(write!(stream, "HTTP/1.1 200 OK\r\n{kind}\r\nContent-Length: {size}\r\n\r\n{page}"));
    drop(stream.shutdown(std::net::Shutdown::Write));
    drop(stream.take(64 * 1024).read_to_end(&mut Vec::new()));
}

/// A page that posts to every form of ours by itself, in each way that a page has, and says when it is done.
fn evil_page(url: &str) -> String {
    let posts = serde_json::to_string(&POSTS).unwrap();
    format!(
        "<!doctype html><title>evil</title><link rel=icon href=data:,><p>Nothing to see here</p>
        <form id=form method=post action='{url}{OWN}'><input name=confirm value=full></form>
        <script>
        const url = '{url}', posts = {posts};
        const sent = posts.flatMap(([path, body]) => ['no-cors', 'cors', 'same-origin'].map(mode =>
            fetch(url + path, {{method: 'POST', mode, credentials: 'include', body: new URLSearchParams(body)}})));
        posts.forEach(([path, body]) => navigator.sendBeacon(url + path, new URLSearchParams(body)));
        posts.forEach(([path]) => {{ new Image().src = url + path; }});
        const frame = document.createElement('iframe');
        frame.src = url + '/';
        document.body.append(frame);
        Promise.allSettled(sent).then(() => {{ window.sent = posts.length; }});
        </script>"
    )
}

/// A text with each target, in each way in which markdown, HTML and plain text make links.
fn hostile(port: u16) -> String {
    let mut text = format!("Look: [the shop]({PUBLIC}) and [start]({OWN})\n\n");
    for (n, target) in TARGETS.iter().enumerate() {
        let target = target.replace("PORT", &port.to_string());
        write!(
            text,
            "- [run {n}]({target}) <{target}> {target} ![pixel {n}]({target}) [ref {n}][r{n}] \
             <a href=\"{target}\">html {n}</a> <form method=post action=\"{target}\"><button>go {n}</button></form>\n\
             \n[r{n}]: {target}\n"
        )
        .unwrap();
    }
    text
}

/// What a browser would follow, open or load from the page's content.
const WAYS: &str = "[...document.querySelectorAll('main :is(a, area)[href], main form[action], main [src], main [formaction]')]
    .map(e => e.href?.baseVal !== undefined ? new URL(e.href.baseVal, document.baseURI) : e.href ?? e.action ?? e.src ?? e.formAction).map(String)";

/// The ways that the content of a page has to places that are neither ours nor plainly of the public web.
fn ways_out(page: &Page, url: &str) -> (usize, Vec<String>) {
    let all = page.eval(WAYS);
    let all: Vec<_> = all.as_array().unwrap().iter().map(|way| way.as_str().unwrap()).collect();
    let is_harmless = |way: &&str| way.starts_with(&format!("{url}/")) || *way == PUBLIC;
    let bad = all.iter().filter(|way| !is_harmless(way)).map(|way| (*way).to_owned());
    (all.len(), bad.collect())
}

/// What runs, and what was done: jobs, the newest row of the audit log, settings, accounts.
fn state(folder: &Path) -> String {
    let sql = "SELECT (SELECT count(*) || ' jobs, ' || max(id) FROM jobs) || ', deed '
        || (SELECT max(id) FROM job_audit) || ', ' || (SELECT count(*) FROM job_settings)
        || ' settings, ' || (SELECT count(*) FROM users) || ' users, '
        || (SELECT count(*) FROM logins) || ' logins'";
    foreign(folder).query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Leaves the hostile text in an issue, a log row and the answer of an agent; the paths of the pages that show it.
async fn plant(folder: &Path, store: &Store, site: &mut Site, port: u16) -> [String; 3] {
    let text = &hostile(port);
    let logs = LogStore::open(&folder.join("logs.db"), OpenMode::Migrate).unwrap();
    let at = "2026-11-28T08:00:00Z";
    logs.append(vec![NewLogRow::new(at, Level::Error, "shop", text)]).await.unwrap();
    let issue = "
        INSERT INTO self_monitoring_issues
          (tracker, number, title, body, error_codes, source, template, evidence, occurrences, created_at, last_seen_at)
        VALUES ('local', 1, ?1, ?2, '[]', ?1, ?2, '[1]', 1, 1, 1)";
    let title = text.lines().nth(2).unwrap();
    foreign(folder).execute(issue, [title, text]).unwrap();
    let url = format!("http://127.0.0.1:{port}/evil");
    let at_tracker = "
        INSERT INTO self_monitoring_issues
          (tracker, home, number, url, title, body, error_codes, source, template, evidence, occurrences, created_at, last_seen_at)
        VALUES ('github', 'github.com/a/b', 7, ?1, 'evil', 'evil', '[]', 'shop', 'evil', '[1]', 1, 1, 1)";
    foreign(folder).execute(at_tracker, [url]).unwrap();
    let asked = Asked::by(Actor::cli());
    let wish = SessionRequest::of(text.chars().take(1_000).collect::<String>());
    let id = sessions::request(store, wish, asked, now()).await.unwrap();
    let mut run = Run::begin(store, site.sessions.recv().await.unwrap()).await;
    let said = serde_json::json!([{"type": "text", "text": text}]);
    run.print(&format!(
        "{}\n",
        serde_json::json!({"type": "assistant", "message": {"content": said}})
    ))
    .await;
    run.finish(SessionEnd { response: Some(text.into()), ..SessionEnd::new(RunEnding::Done) })
        .await;
    [format!("/sessions/{id}"), format!("{SELF_MONITORING}/issues/1"), "/logs".to_owned()]
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_click_nor_a_page_of_another_port_starts_anything_or_gets_the_cookie() {
    let (folder, store) = store();
    let mut site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let sibling = Sibling::start(|_| evil_page(&site.url));
    let pages = plant(folder.path(), &store, &mut site, sibling.port).await;
    let page = chromium.page();
    sign_in(&page, &site.url);
    let before = state(folder.path());
    let mut tried = 0;
    for path in &pages {
        page.open(&format!("{}{path}", site.url));
        // A part of the page that is shown anew is closed again. Only closed parts are opened: each opening is a change of
        // the document, after which the page looks again.
        page.wait(
            "(() => {
                document.querySelectorAll('main details:not([open])').forEach(part => part.open = true);
                return document.querySelector('main')?.innerText.includes('169.254.169.254');
            })()",
        );
        let (ways, bad) = ways_out(&page, &site.url);
        assert_eq!(bad, Vec::<String>::new(), "{path}");
        println!("{path}: {ways} ways lead on, none to this machine or a private network");
        let links = page.eval(&format!("!!document.querySelector('main a[href=\"{PUBLIC}\"]')"));
        assert_eq!(links, path != "/logs", "{path}: rendered Markdown may link to the public web");
        let clicked = page.eval(&format!(
            "(() => {{
                const found = [...document.querySelectorAll('main *')].filter(e => !e.closest('form')
                    && !['BUTTON', 'SUMMARY', 'A'].includes(e.tagName) && e.textContent.includes('{}'));
                found.forEach(e => e.click());
                return found.length;
            }})()",
            sibling.port
        ));
        assert_eq!(page.eval("location.pathname"), path.as_str(), "no click led away");
        tried += clicked.as_u64().unwrap();
        if page.eval(&format!("!!document.querySelector('main a[href=\"{OWN}\"]')")) == true {
            page.eval(&format!("document.querySelector('main a[href=\"{OWN}\"]').click()"));
            page.wait_text("main", "does not take GET");
            println!("{path}: a click on {OWN} was answered with 405");
        }
    }
    assert!(page.complaints().iter().all(|said| said.contains("405")), "nothing else was loaded");
    assert_eq!(state(folder.path()), before);
    assert_eq!(sibling.heard(), Vec::<String>::new(), "no click reached the other program");
    println!(
        "{} targets in 7 spellings each on {} pages, {tried} clicks: {before}",
        TARGETS.len(),
        pages.len()
    );

    // The page of another name of this machine, and that of another port of the same name.
    for host in ["localhost", "127.0.0.1"] {
        page.open(&format!("http://{host}:{}/evil", sibling.port));
        page.wait(&format!("window.sent == {}", POSTS.len()));
        assert_eq!(state(folder.path()), before, "{host}: by scripts");
        page.eval("document.querySelector('#form').submit()");
        page.wait("location.pathname == '/admin/self-monitoring/run-now' && document.readyState == 'complete'");
        page.wait_text("body", "WEB-CSRF-001");
        assert_eq!(state(folder.path()), before, "{host}: by a form");
        println!(
            "{host}:{}: {} forms by 5 ways each: {}",
            sibling.port,
            POSTS.len(),
            state(folder.path())
        );
        if host == "localhost" {
            assert_eq!(sibling.cookie(), None, "a cookie of 127.0.0.1 is not for localhost");
        }
        page.complaints();
    }
    page.open(&format!("{}/account", site.url));
    page.wait_text("#logins", "this browser");
    replay(folder.path(), &site.url, &sibling, &before).await;
}

/// Cookies know no ports: a person who opens another port of the same name by hand gives the cookie away. That alone hands
/// out no power: not five minutes after the password was given.
async fn replay(folder: &Path, url: &str, sibling: &Sibling, before: &str) {
    let cookie = sibling.cookie().expect("browsers send it to each port of a name");
    foreign(folder).execute("UPDATE logins SET created_at = created_at - 600000", []).unwrap();
    let url = url.to_owned();
    let answers = tokio::task::spawn_blocking(move || {
        let mut thief = Browser::new(&url);
        let headers = [("Cookie", cookie.as_str()), ("Accept", "application/json")];
        let power = [POSTS[3], POSTS[9], POSTS[10], POSTS[11], POSTS[12], POSTS[13], POSTS[14]];
        power.map(|(path, form)| {
            let form: Vec<_> = form.split('&').filter_map(|field| field.split_once('=')).collect();
            let answer = thief.post(path, &form, &headers);
            (path, answer.status, answer.body.contains("AUTH-LOGIN-005"))
        })
    });
    for (path, status, asks) in answers.await.unwrap() {
        println!("the stolen cookie at {path}: {status}");
        assert!((status, asks) == (401, true), "{path}: {status}");
    }
    assert_eq!(state(folder), before);
}

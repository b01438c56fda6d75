//! The pages inside an application that has a sign-in of its own: the example, nested under a path.

use crate::support::chromium::{Chromium, Page};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use lamplighter::model::{JobId, Role, Status};
use lamplighter::prelude::*;
use lamplighter::web::{self, Access, Person};
use lamplighter::{Code, testing};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use tempfile::TempDir;
use tower::ServiceExt;

#[path = "../../examples/pages.rs"]
#[expect(dead_code, reason = "the example's own main is not used")]
mod pages;

use pages::ResizePicture;

const UNDER: &str = "/x/y";
const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";
const ADA: &str = "user=ada";
const VIC: &str = "user=vic";

/// The application with some jobs: one that was done, one that failed, and one that is for later.
struct Scene {
    application: Router,
    engine: Engine,
    done: JobId,
    failed: JobId,
    later: JobId,
    _folder: TempDir,
}

impl Scene {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = pages::engine(&folder.path().join("shop.db")).unwrap();
        let jobs = engine.jobs();
        let new = |width| NewJob::of(&ResizePicture { picture: 7, width }).unwrap();
        let done = jobs.add(new(640)).await.unwrap().id();
        let failed = jobs.add(new(0)).await.unwrap().id();
        let later = jobs.add(new(64).delay(Duration::from_hours(1))).await.unwrap().id();
        let batch = jobs.batch("album").add(&ResizePicture { picture: 8, width: 64 }).unwrap();
        let then = ResizePicture { picture: 9, width: 64 };
        batch.then(&then).unwrap().open().await.unwrap();
        for (id, status) in [(done, Status::Completed), (failed, Status::Failed)] {
            assert_eq!(jobs.store().wait(id).await.unwrap().status, status);
        }
        let application = pages::application(&engine, UNDER).unwrap();
        Self { application, engine, done, failed, later, _folder: folder }
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).header("host", "shop.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(&self.application, request.body(Body::empty()).unwrap()).await
    }

    /// What a browser of this person gets.
    async fn see(&self, path: &str, cookie: &str) -> Answer {
        self.ask(Method::GET, path, &[("accept", BROWSER), ("cookie", cookie)]).await
    }

    /// What a form of the pages gets.
    async fn submit(&self, path: &str, cookie: &str, site: &str) -> Answer {
        let form = ("content-type", "application/x-www-form-urlencoded");
        let headers = [("accept", BROWSER), ("cookie", cookie), ("sec-fetch-site", site), form];
        self.ask(Method::POST, path, &headers).await
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

async fn answer(application: &Router, request: Request<Body>) -> Answer {
    let response = application.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let streams = parts.headers.get("content-type").is_some_and(|t| t == "text/event-stream");
    let body = if streams { Body::empty() } else { body };
    let body = to_bytes(body, 4 << 20).await.unwrap();
    let body = String::from_utf8_lossy(&body).into_owned();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// The attributes of a page that hold an address, and the addresses.
const ATTRIBUTES: [&str; 7] =
    ["href", "action", "src", "hx-get", "hx-post", "sse-connect", "data-stream"];

/// The addresses of a page, with what holds each.
fn addresses(body: &str) -> BTreeSet<(&'static str, String)> {
    let of = |attribute: &'static str| {
        let begin = format!(" {attribute}=\"");
        let values = body.split(&begin).skip(1).filter_map(|rest| rest.split('"').next());
        values.map(|value| (attribute, value.replace("&amp;", "&"))).collect::<Vec<_>>()
    };
    ATTRIBUTES.into_iter().flat_map(of).filter(|(_, address)| !address.starts_with('#')).collect()
}

/// Whether it is a list of jobs by several conditions. Each list leads to narrower ones: those by one condition stand for all.
fn is_narrower(address: &str) -> bool {
    address.contains("/jobs") && address.contains('+')
}

/// Every address that the pages have for this person, by what holds it, found from the start page on.
async fn crawled(scene: &Scene, cookie: &str) -> BTreeMap<String, &'static str> {
    let (mut known, mut open) = (BTreeMap::new(), vec![UNDER.to_owned()]);
    while let Some(path) = open.pop() {
        let seen = scene.see(&path, cookie).await;
        // A part that did not change is answered with 204.
        assert!(seen.status.is_success(), "{path}: {} {}", seen.status, seen.body);
        for (attribute, address) in addresses(&seen.body) {
            let under = address.strip_prefix(UNDER).unwrap_or_else(|| panic!("{path}: {address}"));
            assert!(under.is_empty() || under.starts_with(['/', '?']), "{path}: {address}");
            let page = address.split('#').next().unwrap().to_owned();
            if is_narrower(&page) {
                continue;
            }
            let is_new = known.insert(page.clone(), attribute).is_none();
            if is_new && ["href", "hx-get", "src", "sse-connect"].contains(&attribute) {
                open.push(page);
            }
        }
    }
    known
}

#[tokio::test(flavor = "multi_thread")]
async fn every_address_of_the_nested_pages_leads_to_one_of_them() {
    let scene = Scene::new().await;
    let known = crawled(&scene, ADA).await;
    for page in [
        "/jobs",
        "/batches",
        "/batches/1",
        "/batches/1/cancel",
        "/schedules",
        "/queues",
        "/settings",
        "/schedules/nightly",
    ] {
        assert!(known.contains_key(&format!("{UNDER}{page}")), "{page}: {known:#?}");
    }
    assert!(known.contains_key(&format!("{UNDER}/jobs/{}", scene.failed)), "{known:#?}");
    // What an application's database has no tables of is neither linked nor there.
    for page in [
        "/sessions",
        "/logs",
        "/admin/self-monitoring",
        "/repositories",
        "/login",
        "/setup/x",
        "/healthz",
    ] {
        assert!(!known.contains_key(&format!("{UNDER}{page}")), "{page}");
        assert_eq!(scene.see(&format!("{UNDER}{page}"), ADA).await.status, StatusCode::NOT_FOUND);
    }
    scene.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_reachable_without_the_word_of_the_host() {
    let scene = Scene::new().await;
    let known = crawled(&scene, ADA).await;
    let strange = ["/nowhere", "/login", "/setup/x", "/healthz", "/jobs/seven", "/assets/x.css"];
    let strange = strange.map(|path| format!("{UNDER}{path}"));
    for path in known.keys().chain(&strange) {
        for cookie in ["", "user=mallory", "lamplighter=ada"] {
            for (name, value) in [("accept", BROWSER), ("accept", "*/*"), ("hx-request", "true")] {
                let asked = [(name, value), ("cookie", cookie), ("sec-fetch-site", "same-origin")];
                for method in [Method::GET, Method::HEAD, Method::POST, Method::DELETE] {
                    let refused = scene.ask(method.clone(), path, &asked).await;
                    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{method} {path}");
                    assert!(!refused.body.contains("resize") && !refused.body.contains("href"));
                    assert!(refused.headers.get("location").is_none(), "{path}");
                    assert!(refused.headers.get("set-cookie").is_none(), "{path}");
                }
            }
        }
    }
    let later = scene.engine.jobs().get(scene.later).await.unwrap();
    assert_eq!(later.unwrap().status, Status::Scheduled, "nobody changed it");
    scene.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_that_the_host_says_decides_and_other_sites_send_nothing() {
    let scene = Scene::new().await;
    let cancel = format!("{UNDER}/jobs/{}/cancel", scene.later);
    assert_eq!(scene.submit(&cancel, VIC, "same-origin").await.status, StatusCode::FORBIDDEN);
    assert_eq!(scene.submit(&cancel, ADA, "cross-site").await.status, StatusCode::FORBIDDEN);
    assert_eq!(scene.submit(&cancel, ADA, "same-site").await.status, StatusCode::FORBIDDEN);
    let page = format!("{UNDER}/jobs/{}", scene.later);
    assert!(!scene.see(&page, VIC).await.body.contains("/cancel"), "a viewer has no button");
    let done = scene.submit(&cancel, ADA, "same-origin").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(done.headers["location"], page.as_str());
    let seen = scene.see(&page, VIC).await.body;
    assert!(seen.contains("by ada") && seen.contains("Cancelled"), "{seen}");
    assert!(seen.contains("<strong>vic</strong>") && !seen.contains("Sign out"));
    let audited = scene.see(&format!("{UNDER}/audit"), ADA).await.body;
    assert!(audited.contains("<strong>cancel</strong>") && audited.contains(">ada</"), "{audited}");
    scene.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_placeholder_in_the_path_of_the_host_is_a_part_of_every_address() {
    let scene = Scene::new().await;
    let access = Access::host(|_| Some(Person { name: "ada".into(), role: Role::Admin }));
    let pages = web::router(&scene.engine, access).unwrap();
    let application: Router = Router::new().nest("/of/{id}/jobs", pages);
    let path = format!("/of/se;en%22/jobs/jobs/{}", scene.done);
    let request = Request::builder().uri(&path).header("accept", BROWSER);
    let seen = answer(&application, request.body(Body::empty()).unwrap()).await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    let addresses = addresses(&seen.body);
    let is_under = |(_, at): &(&str, String)| at.starts_with("/of/se%3Ben%22/jobs");
    assert!(addresses.len() > 10 && addresses.iter().all(is_under), "{addresses:#?}");
    scene.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_kind_of_the_application_is_asked_for_with_its_example() {
    let scene = Scene::new().await;
    let path = format!("{UNDER}/jobs/new");
    let page = scene.see(&path, ADA).await.body;
    assert!(page.contains("resize_picture") && page.contains("&quot;width&quot;: 640"), "{page}");
    let page = scene.see(&path, VIC).await.body;
    assert!(page.contains("resize_picture") && !page.contains("<textarea"), "a viewer only looks");
    let send = async |payload: &str| {
        let request = Request::builder().method(Method::POST).uri(&path).header("cookie", ADA);
        let request = request.header("accept", BROWSER).header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let body = format!("kind=resize_picture&payload={payload}");
        answer(&scene.application, request.body(body.into()).unwrap()).await
    };
    let refused = send("width%20640").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("it is no JSON") && refused.body.contains("width 640"));
    let made = send("%7B%22picture%22%3A9%2C%22width%22%3A5%7D").await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let job = made.headers["location"].to_str().unwrap().strip_prefix("/x/y/jobs/").unwrap();
    let job = scene.engine.jobs().store().wait(JobId(job.parse().unwrap())).await.unwrap();
    assert_eq!(job.result.as_deref(), Some("\"picture 9 is 5 wide\""));
    scene.engine.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn accounts_are_refused_over_a_database_that_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let guest = Store::open_in(&folder.path().join("shop.db"), OpenMode::Migrate).unwrap();
    let jobs = Jobs::new(&guest, &Clock::system());
    let refused = web::router::<()>(&jobs, Access::accounts()).unwrap_err();
    assert_eq!(refused.code(), Code::ConfigInvalid);
    assert!(refused.to_string().contains("Access::host"), "{refused}");
    let own = testing::store_in(&folder.path().join("own")).unwrap();
    let jobs = Jobs::new(&own, &Clock::system());
    let pages: Router = Router::new().nest(UNDER, web::router(&jobs, Access::accounts()).unwrap());
    let request = Request::builder().uri("/x/y/jobs?q=a").header("host", "localhost");
    let asked =
        answer(&pages, request.header("accept", BROWSER).body(Body::empty()).unwrap()).await;
    assert_eq!(asked.headers["location"], "/x/y/login?next=%2Fjobs%3Fq%3Da");
}

/// What is wrong with the addresses of the document: those that are not under the path of the pages.
const STRAY: &str = "
    [...document.querySelectorAll('[href],[action],[src],[hx-get],[hx-post],[sse-connect]')].flatMap(e =>
        ['href', 'action', 'src', 'hx-get', 'hx-post', 'sse-connect'].map(a => e.getAttribute(a)))
    .filter(a => a && !a.startsWith('#') && a != '/x/y' && !a.startsWith('/x/y/') && !a.startsWith('/x/y?'))";

/// The pages that the document leads to.
const LINKS: &str =
    "[...document.querySelectorAll('a[href^=\"/\"]')].map(a => new URL(a.getAttribute('href'), location))
        .map(link => link.pathname + link.search)";

/// Sends a form of the shop, and waits for the page that follows.
fn submitted(page: &Page, action: &str) {
    page.eval("window.before = true");
    page.click(&format!("[action='{action}'] button"));
    page.wait("!window.before && document.readyState == 'complete'");
}

/// Opens every page that one can get to by links, and answers how many there are.
fn walk(page: &Page, url: &str) -> usize {
    let (mut known, mut open) = (BTreeSet::new(), vec![UNDER.to_owned()]);
    while let Some(path) = open.pop() {
        if !is_narrower(&path) && known.insert(path.clone()) {
            page.open(&format!("{url}{path}"));
            assert_eq!(page.eval(STRAY), json!([]), "{path}");
            let styled = "getComputedStyle(document.querySelector('.side')).display != 'inline'";
            assert_eq!(page.eval(styled), true, "{path} has its style sheet");
            let links = page.eval(LINKS);
            open.extend(links.as_array().unwrap().iter().map(|l| l.as_str().unwrap().to_owned()));
        }
    }
    known.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nested_pages_work_in_a_browser_behind_the_sign_in_of_the_host() {
    let Some(chromium) = Chromium::start() else { return };
    let scene = Scene::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(axum::serve(listener, scene.application.clone()).into_future());
    let (later, jobs) = (scene.later, scene.engine.jobs());
    let runtime = tokio::runtime::Handle::current();
    let visit = move || {
        let page = chromium.page();
        page.open(&url);
        page.fill("[name=name]", "ada");
        submitted(&page, "/sign-in");
        assert!(walk(&page, &url) > 15);
        // What changes is seen without a reload.
        page.open(&format!("{url}{UNDER}/jobs"));
        page.eval("window.first = true");
        let made = NewJob::of(&ResizePicture { picture: 8, width: 8 }).unwrap();
        let made = runtime.block_on(jobs.add(made)).unwrap().id();
        page.wait(&format!(
            "document.querySelector('#job-{made}')?.closest('tr').textContent.includes('Completed')"
        ));
        assert_eq!(page.eval("window.first"), true, "the page was not loaded again");
        // A button acts, and leads back to its page.
        page.open(&format!("{url}{UNDER}/jobs/{later}"));
        page.click("#cancel-job > summary");
        page.click("[action$='/cancel'] button");
        page.wait_text("#job", "Cancelled");
        assert_eq!(page.eval("location.pathname"), format!("{UNDER}/jobs/{later}"));
        assert_eq!(page.complaints(), Vec::<String>::new(), "no error, no refusal");
        // Without the host's word there is nothing.
        page.open(&url);
        submitted(&page, "/sign-out");
        page.open(&format!("{url}{UNDER}/jobs"));
        page.wait("document.body.textContent.includes('These pages do not know you')");
        assert!(page.complaints().iter().all(|said| said.contains("401")), "it was refused");
    };
    tokio::task::spawn_blocking(visit).await.unwrap();
    serving.abort();
    scene.engine.stop(Duration::ZERO).await;
}

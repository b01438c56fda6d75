//! Tests of a session's transcript, on its page and as a stream.

use super::super::app::{MAX_TAILS, Shared};
use super::super::stream::{Tail, next};
use super::agent::{Run, answers, asked, line, says};
use super::work::{HOSTILE, assert_inert};
use super::*;
use crate::model::{JobId, SessionRequest};
use axum::body::BodyDataStream;
use axum::response::Response;
use futures_util::StreamExt;
use serde_json::json;
use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Longer than any step of a test takes on a slow machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// One event as a browser would dispatch it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Event {
    name: String,
    id: String,
    data: String,
}

/// A client of a stream.
struct Client {
    body: BodyDataStream,
    read: String,
}

impl Client {
    async fn open(site: &Site, id: JobId, query: &str, last: Option<&str>) -> Self {
        let response = respond(site, &format!("/sessions/{id}/stream{query}"), last).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), read: String::new() }
    }

    /// The next event that has data; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.read.split_once("\n\n") {
                let event = parse(block);
                self.read = rest.to_owned();
                match event {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let bytes = timeout(PATIENCE, self.body.next()).await.expect("an event")?.unwrap();
            self.read.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// Every event to the end of the stream.
    async fn rest(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

/// <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>
fn parse(block: &str) -> Option<Event> {
    let mut event = Event::default();
    let mut data = Vec::new();
    for field in block.lines() {
        let (name, value) = field.split_once(':').unwrap_or((field, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut event.name),
            "id" => value.clone_into(&mut event.id),
            "data" => data.push(value),
            _ => {}
        }
    }
    event.data = data.join("\n");
    (!data.is_empty()).then_some(event)
}

async fn respond(site: &Site, path: &str, last: Option<&str>) -> Response {
    let mut request = ask(Method::GET, path).header("cookie", &site.cookie);
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    site.router.clone().oneshot(bare(request)).await.unwrap()
}

fn texts(events: &[Event]) -> Vec<&str> {
    events.iter().filter(|event| event.name.is_empty()).map(|event| event.data.as_str()).collect()
}

fn is_done(event: Option<&Event>) -> bool {
    event.is_some_and(|event| event.name == "done" && event.data == "done")
}

#[tokio::test]
async fn a_late_joiner_gets_everything_then_what_comes_then_done() {
    let site = Site::signed_in().await;
    let mut run = Run::of(&site, SessionRequest::of("look")).await;
    run.print(&says("one")).await;
    run.print(&says("two\nlines")).await;
    let mut client = Client::open(&site, run.id(), "", None).await;
    assert_eq!(client.next().await.unwrap().data, "[text] one");
    let two = client.next().await.unwrap();
    assert_eq!(two.data, "[text] two\nlines");
    assert_eq!(two.id, (says("one") + &says("two\nlines")).len().to_string());
    run.print(&answers("a\r\nb\rc\n\n  d")).await;
    assert_eq!(client.next().await.unwrap().data, "[answer] a\nb\nc\n\n  d");
    run.done("all is well").await;
    assert!(is_done(client.next().await.as_ref()));
    assert_eq!(client.next().await, None, "the stream ends");
}

#[tokio::test]
async fn a_stream_opened_before_the_session_starts_follows_it() {
    let site = Site::signed_in().await;
    let id = asked(&site, SessionRequest::of("look")).await;
    let mut client = Client::open(&site, id, "", None).await;
    let mut run = Run::next(&site).await;
    run.print(&says("begun")).await;
    assert_eq!(client.next().await.unwrap().data, "[text] begun");
}

#[tokio::test]
async fn a_line_is_shown_when_it_is_whole_however_many_pieces_it_takes() {
    let site = Site::signed_in().await;
    let mut run = Run::of(&site, SessionRequest::of("look")).await;
    let mut client = Client::open(&site, run.id(), "", None).await;
    let long = answers(&"lamp ".repeat(40_000));
    let (begin, end) = long.split_at(150_000);
    run.print(&(says("before") + begin)).await;
    assert_eq!(client.next().await.unwrap().data, "[text] before");
    assert!(!site.see(&format!("/sessions/{}", run.id())).await.body.contains("lamp lamp"));
    run.print(end).await;
    run.print(&says("after")).await;
    let whole = client.next().await.unwrap();
    assert_eq!(whole.data.len(), "[answer] ".len() + 200_000);
    assert_eq!(client.next().await.unwrap().data, "[text] after");
    run.print("and a last line without an end").await;
    run.done("").await;
    assert_eq!(client.next().await.unwrap().data, "[raw] and a last line without an end");
    assert!(is_done(client.next().await.as_ref()));
}

#[tokio::test]
async fn a_client_that_comes_again_neither_misses_a_line_nor_gets_one_twice() {
    let site = Site::signed_in().await;
    let mut run = Run::of(&site, SessionRequest::of("look")).await;
    let id = run.id();
    for n in 0..60 {
        run.print(&says(&format!("line {n}\nsecond"))).await;
    }
    let mut got = Vec::new();
    let mut last: Option<String> = None;
    for round in 0..6 {
        // The rounds alternate between the header that a browser sends and the query that the page's script sends.
        let query = last.as_deref().filter(|_| round % 2 == 1).map(|id| format!("?after={id}"));
        let header = last.as_deref().filter(|_| round % 2 == 0);
        let mut client = Client::open(&site, id, query.as_deref().unwrap_or(""), header).await;
        for _ in 0..7 {
            let event = client.next().await.unwrap();
            last = Some(event.id.clone());
            got.push(event.data);
        }
    }
    run.print("last words").await;
    run.done("").await;
    let rest = Client::open(&site, id, "", last.as_deref()).await.rest().await;
    got.extend(texts(&rest).into_iter().map(str::to_owned));
    let mut wanted: Vec<_> = (0..60).map(|n| format!("[text] line {n}\nsecond")).collect();
    wanted.push("[raw] last words".into());
    assert_eq!(got, wanted);
    let end = &rest[rest.len() - 2].id;
    let nothing = Client::open(&site, id, "", Some(end)).await.rest().await;
    assert!(nothing.len() == 1 && is_done(nothing.first()), "{nothing:?}");
}

#[tokio::test]
async fn a_finished_session_replays_and_ends_as_text_and_as_rows() {
    let site = Site::signed_in().await;
    let mut run = Run::of(&site, SessionRequest::of("look")).await;
    let both = json!([{"type": "text", "text": HOSTILE}, {"type": "tool_use", "name": "Bash", "input": {"command": "ls\n-l"}}]);
    run.print(&line(&json!({"type": "assistant", "message": {"content": both}}))).await;
    run.print("\n \nnot json\n").await;
    let id = run.done("").await;
    let events = Client::open(&site, id, "", None).await.rest().await;
    let both = format!("[text] {HOSTILE}\n[tool] Bash: ls\n-l");
    assert_eq!(texts(&events), [both.as_str(), "[raw] not json"]);
    assert!(is_done(events.last()));
    let rows = Client::open(&site, id, "?as=html", None).await.rest().await;
    let page = site.see(&format!("/sessions/{id}")).await.body;
    for row in texts(&rows) {
        assert_inert(row);
        assert!(row.starts_with("<li id=\"line-") && page.contains(row), "the page's own: {row}");
    }
    assert!(page.contains(r#"<span class="at">4</span>"#), "blank lines are counted");
}

#[tokio::test]
async fn a_transcript_is_downloaded_as_markdown_and_as_the_lines_that_were_kept() {
    let site = Site::signed_in().await;
    let mut run = Run::of(&site, SessionRequest::of("look\n# Session 99")).await;
    let long = "lamp ".repeat(100_000);
    let printed = says(HOSTILE) + &says(&long) + "not json\nlast words";
    run.print(&printed).await;
    let id = run.id();
    let path = format!("/sessions/{id}/transcript");
    for (query, name, kind) in [
        ("?as=lines", format!("session-{id}.jsonl"), "application/x-ndjson"),
        ("", format!("session-{id}.md"), "text/markdown; charset=utf-8"),
    ] {
        let response = respond(&site, &format!("{path}{query}"), None).await;
        assert_eq!(response.headers()["content-type"], kind);
        let as_file = format!("attachment; filename=\"{name}\"");
        assert_eq!(response.headers()["content-disposition"], as_file);
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    }
    let lines = site.see(&format!("{path}?as=lines")).await.body;
    assert_eq!(lines, printed, "byte for byte");
    let packed = site.see_compressed(&path).await;
    assert_eq!((packed.header("content-encoding"), packed.body.is_empty()), ("gzip", false));
    let text = site.see(&path).await.body;
    assert!(
        text.starts_with(&format!("# Session {id}\n\n- Status: running\n")),
        "{}",
        &text[..200]
    );
    assert!(text.contains("## Prompt\n\n> look\n> # Session 99\n"));
    assert!(text.contains(&format!("**text**\n\n> {long}\n")), "the whole of a long text");
    assert!(text.ends_with("**raw**\n\n> last words\n\n"), "{}", &text[text.len() - 90..]);
    run.done("").await;
    let page = site.see(&format!("/sessions/{id}")).await.body;
    assert!(
        page.contains(&format!("href=\"{path}\""))
            && page.contains(&format!("href=\"{path}?as=lines\""))
    );
    for (path, status) in [("/sessions/99/transcript", 404), ("/sessions/1/transcript?as=pdf", 400)]
    {
        assert_eq!(respond(&site, path, None).await.status().as_u16(), status, "{path}");
    }
    let stranger = ask(Method::GET, &path);
    assert_eq!(site.send(bare(stranger)).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_stream_of_nothing_is_refused() {
    let site = Site::signed_in().await;
    let id = Run::of(&site, SessionRequest::of("look")).await.done("").await;
    for (path, status) in [
        ("/sessions/seven/stream".to_owned(), 400),
        ("/sessions/99/stream".to_owned(), 404),
        (format!("/sessions/{id}/stream?after=-1"), 400),
        (format!("/sessions/{id}/stream?as=xml"), 400),
    ] {
        assert_eq!(respond(&site, &path, None).await.status().as_u16(), status, "{path}");
    }
    let stranger = ask(Method::GET, &format!("/sessions/{id}/stream"));
    assert_eq!(site.send(bare(stranger)).await.status, StatusCode::UNAUTHORIZED);
    // No browser sends such values. The stream answers them all the same, and ends.
    let odd = Client::open(&site, id, "?after=999999", Some("odd")).await.rest().await;
    assert!(is_done(odd.last()));
}

#[tokio::test]
async fn fifty_clients_follow_one_run_and_a_page_still_gets_its_own_stream() {
    let site = Site::signed_in().await;
    let mut run = Run::of(&site, SessionRequest::of("look")).await;
    let id = run.id();
    run.print(&says("first")).await;
    let mut clients = JoinSet::new();
    for _ in 0..50 {
        let client = Client::open(&site, id, "", None).await;
        clients.spawn(client.rest());
    }
    let mut wanted = vec!["[text] first".to_owned()];
    for n in 0..200 {
        run.print(&answers(&format!("{n}: {}\nx", "y".repeat(2_000)))).await;
        wanted.push(format!("[answer] {n}: {}\nx", "y".repeat(2_000)));
    }
    let page = respond(&site, super::super::live::PATH, None).await;
    assert_eq!(page.status(), StatusCode::OK);
    // Other pages are served meanwhile, because no client holds a reader of the database.
    assert_eq!(site.see("/sessions").await.status, StatusCode::OK);
    run.done("").await;
    let begun = Instant::now();
    for events in clients.join_all().await {
        assert_eq!(texts(&events), wanted);
        assert!(is_done(events.last()));
    }
    println!("50 clients had 400 kB each {:?} after the end", begun.elapsed());
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_up_nobody_and_places_are_limited() {
    let site = Site::signed_in().await;
    let mut run = Run::of(&site, SessionRequest::of("look")).await;
    for n in 0..100 {
        run.print(&answers(&format!("{n}{}", "z".repeat(30_000)))).await;
    }
    let mut idle = Vec::new();
    for _ in 0..MAX_TAILS - 1 {
        idle.push(Client::open(&site, run.id(), "", None).await);
    }
    let mut reader = Client::open(&site, run.id(), "", None).await;
    for _ in 0..100 {
        reader.next().await.unwrap();
    }
    let path = format!("/sessions/{}/stream", run.id());
    assert_eq!(respond(&site, &path, None).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    idle.pop();
    assert_eq!(respond(&site, &path, None).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_stream_ends_when_its_login_has() {
    let site = Site::signed_in().await;
    let mut run = Run::of(&site, SessionRequest::of("look")).await;
    run.print(&says("for those who are signed in")).await;
    let app = Arc::new(Shared::new(site.web.clone(), Access::accounts()));
    let tail = |login: &str| Tail {
        id: run.id(),
        login_hash: Some(super::super::secret::hash(login)),
        html: false,
        at: 0,
        lines: 0,
        ready: VecDeque::new(),
        ended: false,
        changes: site.web.store.changes(),
        check_at: tokio::time::Instant::now(),
        _place: Arc::clone(&app.tails).try_acquire_owned().unwrap(),
        app: Arc::clone(&app),
    };
    assert!(next(tail("a login id")).await.is_some());
    assert!(next(tail("a login that has ended")).await.is_none());
}

/// The numbers of the lines that a page shows, in its order.
fn numbers(page: &str) -> Vec<u64> {
    let numbers = page.split(r#"<span class="at">"#).skip(1);
    numbers.filter_map(|rest| rest.split('<').next().unwrap().parse().ok()).collect()
}

#[tokio::test]
async fn every_part_of_a_long_transcript_is_a_few_links_away() {
    let site = Site::signed_in().await;
    let mut run = Run::of(&site, SessionRequest::of("look")).await;
    let mut text = String::new();
    for n in 1..=900 {
        // One line is longer than the part that a page shows.
        let length = if n == 450 { 700_000 } else { 1_000 };
        writeln!(text, "{n} {}", "w".repeat(length)).unwrap();
    }
    run.print(&text).await;
    let id = run.done("").await;
    let mut seen = BTreeSet::new();
    let mut path = format!("/sessions/{id}");
    let mut pages = 0;
    loop {
        let page = site.see(&path).await.body;
        let shown = numbers(&page);
        assert!(shown.windows(2).all(|pair| pair[1] == pair[0] + 1), "{path}: {shown:?}");
        assert!(page.contains(&"w".repeat(999)), "{path}");
        seen.extend(shown);
        pages += 1;
        let Some(link) = page.split("rel=\"prev\" href=\"").nth(1) else { break };
        path = link.split(['"', '#']).next().unwrap().to_owned();
        assert!(pages < 30, "it comes to an end");
    }
    assert_eq!(seen.len(), 900, "{pages} pages back");
    let mut forward = Vec::new();
    path = format!("/sessions/{id}?from=0");
    loop {
        let page = site.see(&path).await.body;
        forward.extend(numbers(&page));
        let Some(link) = page.split("rel=\"next\" href=\"").nth(1) else { break };
        path = link.split(['"', '#']).next().unwrap().to_owned();
    }
    assert_eq!(forward, (1..=900).collect::<Vec<_>>(), "each line once");
    for (from, first) in [("1", 1), ("999999999", 900)] {
        let page = site.see(&format!("/sessions/{id}?from={from}")).await.body;
        assert_eq!(numbers(&page).first(), Some(&first).filter(|_| from == "1"), "{from}");
    }
    assert_eq!(site.see(&format!("/sessions/{id}?from=-1")).await.status.as_u16(), 400);
}

#[tokio::test]
async fn the_page_of_a_transcript_of_20_mb_shows_its_end() {
    let site = Site::signed_in().await;
    let mut run = Run::of(&site, SessionRequest::of("look")).await;
    for round in 0..20 {
        let mut text = String::new();
        while text.len() < 1_000_000 {
            text.push_str(&answers(&format!("{round} {}", "lamp\n".repeat(200))));
        }
        run.print(&text).await;
    }
    run.print(&says("the very end")).await;
    let id = run.done("").await;
    let begun = Instant::now();
    let page = site.see(&format!("/sessions/{id}")).await;
    let took = begun.elapsed();
    println!("the page of a transcript of 20 MB: {took:?}, {} kB", page.body.len() / 1000);
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("the very end") && page.body.len() < 2_000_000);
}

//! What programs and forms send to `/sessions/trigger`, and what becomes of it.

use crate::support::site::Site;
use crate::support::{now, store};
use lamplighter::model::{JobId, RunEnding, SessionEnd, SessionRequest, Status, Trigger};
use lamplighter::store::Store;
use serde_json::Value;
use std::time::Instant;

const PATH: &str = "/sessions/trigger";
const JSON: (&str, &str) = ("Accept", "application/json");

async fn stored(store: &Store, id: i64) -> SessionRequest {
    store.session(JobId(id)).await.unwrap().unwrap().request.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_is_queued_whatever_runs_and_says_what_is_ahead() {
    let (folder, store) = store();
    let mut site = Site::start(folder.path(), &store).await;
    let mut browser = site.signed_in().await;
    let first = browser.post(PATH, &[("prompt", "one")], &[("HX-Request", "true")]);
    assert_eq!(first.status, 200);
    let expected = r#"<div class="trigger-result trigger-success"><a href="/sessions/1">Session 1</a> starts now.</div>"#;
    assert_eq!(first.body, expected);
    let running = site.sessions.recv().await.unwrap();
    for ahead in 1..=2 {
        let next = browser.post(PATH, &[("prompt", "next")], &[("HX-Request", "true")]);
        assert_eq!(next.status, 200, "busy is no reason to refuse");
        assert!(next.body.contains(&format!("is queued, {ahead} ahead.")), "{}", next.body);
    }
    let json = browser.post(PATH, &[("prompt", "again")], &[JSON]);
    let json: Value = serde_json::from_str(&json.body).unwrap();
    assert_eq!((&json["status"], &json["session_id"]), (&"queued".into(), &"4".into()));
    let page = browser.post(PATH, &[("prompt", "page")], &[("Accept", "text/html")]);
    assert_eq!((page.status, page.location.as_deref()), (303, Some("/sessions/5")));
    let session = store.session(JobId(5)).await.unwrap().unwrap();
    assert_eq!((session.trigger, session.status), (Trigger::Manual, Status::Queued));
    let begun = Instant::now();
    for _ in 0..100 {
        browser.post(PATH, &[("prompt", "quick")], &[JSON]);
    }
    println!("100 triggers beside a running session: {:?}", begun.elapsed());
    drop(running);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_arrives_byte_for_byte() {
    let (folder, store) = store();
    let site = Site::start(folder.path(), &store).await;
    let mut browser = site.signed_in().await;
    let odd = "--help \"quoted\" 'single' $(rm -rf /) `x` & %41+b=c;\n\n\ttab 🦀 é\u{301} \u{202e}rtl\r\nkept\rcr";
    let long = format!("  {}\n", odd.repeat(100_000 / odd.len()));
    for prompt in [odd, &long, "-", "ä"] {
        let sent = browser.post(PATH, &[("prompt", prompt)], &[JSON]);
        assert_eq!(sent.status, 200, "{}", sent.body);
        let id: Value = serde_json::from_str(&sent.body).unwrap();
        let id = id["session_id"].as_str().unwrap().parse().unwrap();
        assert_eq!(stored(&store, id).await.prompt.as_deref(), Some(prompt));
    }
    // A form's own CR LF are the ends of lines that somebody typed.
    let form = [("prompt", "two\r\nlines"), ("line_ends", "crlf")];
    browser.post(PATH, &form, &[JSON]);
    assert_eq!(stored(&store, 5).await.prompt.as_deref(), Some("two\nlines"));
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_fields_arrive_too_and_full_needs_a_confirmation() {
    let (folder, store) = store();
    let mut site = Site::start(folder.path(), &store).await;
    let mut browser = site.signed_in().await;
    let form = [
        ("prompt", "mend it"),
        ("tier", "3"),
        ("model", "opus"),
        ("profile", "full"),
        ("working_dir", "/srv"),
        ("budget_usd", "$1.50"),
        ("confirm", "full"),
    ];
    assert_eq!(browser.post(PATH, &form[..6], &[JSON]).status, 400);
    assert_eq!(browser.post(PATH, &form, &[JSON]).status, 200);
    let wish = SessionRequest {
        tier: Some(3),
        model: Some("opus".into()),
        profile: Some("full".into()),
        working_dir: Some("/srv".into()),
        budget_usd: Some(1.5),
        ..SessionRequest::of("mend it")
    };
    assert_eq!(stored(&store, 1).await, wish);

    let more = [("prompt", "and now?"), ("continues", "1"), ("confirm", "full")];
    assert_eq!(browser.post(PATH, &more, &[JSON]).status, 409, "it is not over");
    let run = super::sessions::Run::begin(&store, site.sessions.recv().await.unwrap()).await;
    let known =
        SessionEnd { cli_session_id: Some("known".into()), ..SessionEnd::new(RunEnding::Done) };
    run.finish(known).await;
    assert_eq!(browser.post(PATH, &more[..2], &[JSON]).status, 400, "it is as full as before");
    assert_eq!(browser.post(PATH, &more, &[JSON]).status, 200);
    let prompt = Some("and now?".to_owned());
    let goes_on = SessionRequest { prompt, continues: Some(1), budget_usd: None, ..wish };
    assert_eq!(stored(&store, 2).await, goes_on, "as the first one was run");
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_thousand_and_first_waiting_session_is_refused() {
    let (folder, store) = store();
    let mut site = Site::start(folder.path(), &store).await;
    let mut browser = site.signed_in().await;
    browser.post(PATH, &[("prompt", "first")], &[JSON]);
    let running = site.sessions.recv().await.unwrap();
    let asked = || lamplighter::sessions::Asked::by(lamplighter::model::Actor::cli());
    for _ in 0..1000 {
        let wish = SessionRequest::of("wait");
        lamplighter::sessions::request(&store, wish, asked(), now()).await.unwrap();
    }
    crate::support::until(&store, JobId(1001), |job| {
        job.queue.is_some() && job.waits_for.is_none()
    })
    .await;
    let refused = browser.post(PATH, &[("prompt", "more")], &[("HX-Request", "true")]);
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert!(refused.body.starts_with(r#"<div class="trigger-result trigger-error">"#));
    drop(running);
    site.stop().await;
}

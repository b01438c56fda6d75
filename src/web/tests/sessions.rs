//! Tests of the pages of sessions, of the form that asks for one, and of what sessions cost.

use super::super::trigger::{MAX_BODY_BYTES, PATH};
use super::agent::{Run, asked, line, says};
use super::work::{HOSTILE, assert_inert, error};
use super::*;
use crate::actions::Call;
use crate::actions::jobs::{RunAgain, run_again};
use crate::error::Code;
use crate::model::{
    JobId, Kind, NewJob, Outcome, Queue, Role, RunEnding, SessionEnd, SessionRequest, Status,
    Trigger,
};
use serde_json::json;
use std::time::Duration;

async fn trigger(site: &Site, form: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = own_form(PATH).header("cookie", &site.cookie);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    site.send(request.body(form.to_owned().into()).unwrap()).await
}

fn escaped(text: &str) -> String {
    maud::html! { (text) }.into_string()
}

#[tokio::test]
async fn a_trigger_without_a_prompt_is_refused_with_the_agreed_words() {
    let site = Site::signed_in().await;
    for form in ["", "prompt=", "prompt=+%0D%0A%09", "tier=2"] {
        let answer = trigger(&site, form, &[("hx-request", "true")]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{form}");
        let expected = r#"<div class="trigger-result trigger-error">A prompt is required.</div>"#;
        assert_eq!(answer.body, expected);
        let json = trigger(&site, form, &[]).await;
        assert_eq!((json.status.as_u16(), &json.json()["status"]), (400, &json!(400)));
        assert_eq!(json.json()["type"], "urn:lamplighter:error:JOB-VALUE-001");
        let page = trigger(&site, form, &[("accept", BROWSER)]).await;
        assert!(page.status == 400 && page.body.contains("A prompt is required."));
    }
}

#[tokio::test]
async fn a_trigger_says_which_field_does_not_fit() {
    let site = Site::signed_in().await;
    for (fields, word) in [
        ("tier=4", "tier"),
        ("tier=two", "tier"),
        ("model=--help", "model"),
        ("profile=root", "profile"),
        ("profile=full", "confirm=full"),
        ("profile=full&confirm=yes", "confirm=full"),
        ("working_dir=a/b", "absolute"),
        ("budget_usd=-1", "dollars"),
        ("budget_usd=lots", "dollars"),
        ("continues=x", "number"),
    ] {
        let form = format!("prompt=look&{fields}");
        let answer = trigger(&site, &form, &[("hx-request", "true")]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{fields}");
        assert!(
            answer.body.contains("trigger-error") && answer.body.contains(word),
            "{}",
            answer.body
        );
    }
    let unknown = trigger(&site, "prompt=look&continues=99", &[]).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(site.web.store.sessions(0, 1).await.unwrap().1, 0);
}

#[tokio::test]
async fn a_prompt_over_the_limit_is_too_large_by_itself_as_json_and_as_a_body() {
    let site = Site::signed_in().await;
    let long = "x".repeat(201 * 1024);
    let quotes = "%22".repeat(150 * 1024);
    let body = "x".repeat(MAX_BODY_BYTES);
    for prompt in [long, quotes, body] {
        let form = format!("prompt={prompt}");
        let answer = trigger(&site, &form, &[("hx-request", "true")]).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(answer.body.starts_with(r#"<div class="trigger-result trigger-error">"#));
        let says =
            ["its prompt has more than 200 KiB", "a payload has at most", "200 KiB, or a text"];
        assert!(says.iter().any(|says| answer.body.contains(says)), "{}", answer.body);
    }
    let elsewhere = site.submit("/login", &"x".repeat(100_000)).await;
    assert_eq!(elsewhere.status, StatusCode::PAYLOAD_TOO_LARGE, "other forms stay small");
}

#[tokio::test]
async fn a_server_without_agents_says_so_and_shows_the_form_switched_off() {
    let site = Site::signed_in().await;
    let _leads = site.leads_without_agents().await;
    // A body that fits into the limit reaches the check behind it. Each of its bytes is sent as three.
    let large = format!("prompt={}", "%C3%A4".repeat(50_000));
    for form in ["prompt=look", large.as_str()] {
        let answer = trigger(&site, form, &[("hx-request", "true")]).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(
            answer.body.contains("trigger-error") && answer.body.contains("process runs agents")
        );
    }
    let page = site.see("/").await.body;
    assert!(page.contains("No running process runs agents."));
    assert!(page.contains(r#"rows="3" aria-label="Prompt" disabled"#), "no typing in vain");
}

#[tokio::test]
async fn the_dashboard_has_the_form_between_what_goes_on_and_the_latest_session() {
    let site = Site::signed_in().await;
    Run::of(&site, SessionRequest::of("what is wrong?")).await.done("Nothing\n\nat all").await;
    let page = site.see("/").await.body;
    for part in [
        r#"placeholder="Describe what you want Claude to check or fix...""#,
        r#"hx-post="/sessions/trigger""#,
        r##"hx-target="#trigger-result""##,
        r#"hx-swap="innerHTML""#,
        r#"hx-disabled-elt="find button""#,
        r#"<div id="trigger-result""#,
        r#"name="prompt""#,
        r#"class="trigger-form""#,
        "Run Now</button>",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(at("Running</span>") < at("trigger-form"));
    assert!(page[at("Latest session")..].contains("Nothing</p>"));
    let form = &page[at("trigger-form")..at("trigger-result\" aria")];
    assert!(!form.contains("sse:change"), "nothing replaces what somebody types");
}

#[tokio::test]
async fn the_dashboard_follows_the_running_session_and_the_spend() {
    let site = Site::signed_in().await;
    let run = Run::of(&site, SessionRequest::of("look")).await;
    let part = site.part("/dashboard/part?of=now").await.body;
    assert!(part.contains("Session 1</a>") && part.contains("It has said nothing yet."));
    assert!(part.contains(r#"action="/jobs/1/cancel?on=session""#) && part.contains("Stop it now"));
    site.web.store.set_progress(run.lease.clone(), "Bash: df -h".into()).await.unwrap();
    assert!(site.part("/dashboard/part?of=now").await.body.contains("Bash: df -h"));
    let end = SessionEnd { cost_usd: Some(16.5), ..SessionEnd::new(RunEnding::Done) };
    run.finish(end, Outcome::Done(true.into())).await;
    let part = site.part("/dashboard/part?of=health").await.body;
    assert!(part.contains("$16.50 of $20.00") && part.contains("Most of a budget is spent."));
    assert!(site.part("/dashboard/part?of=now").await.body.contains("No session runs."));
}

#[tokio::test]
async fn a_paused_agent_queue_says_why_and_until_when_and_goes_on_by_a_button() {
    let site = Site::signed_in().await;
    asked(&site, SessionRequest::of("look")).await;
    let until = START.plus(Duration::from_hours(2));
    let engine = Actor { name: "engine".into(), remote: None };
    let pause = site.web.store.pause_queue(
        Queue::AGENT,
        format!("the five_hour limit {HOSTILE}"),
        Some(until),
        engine,
        START,
    );
    pause.await.unwrap();
    let page = site.see("/").await.body;
    assert!(page.contains("Queue agent is paused") && page.contains(&escaped(HOSTILE)));
    assert!(page.contains("in 2 h</time>") && page.contains(r#"action="/queues/agent/resume""#));
    let resumed = site.submit("/queues/agent/resume", "").await;
    assert_eq!((resumed.status.as_u16(), resumed.header("location")), (303, "/"));
    assert!(!site.see("/").await.body.contains("is paused"));
    let none = site.submit("/queues/No-Queue/resume", "").await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    assert!(none.body.contains("JOB-VALUE-001"));
}

#[tokio::test]
async fn the_list_shows_each_session_with_what_is_known_of_it() {
    let site = Site::signed_in().await;
    let empty = site.see("/sessions").await.body;
    assert!(empty.contains("No sessions here") && empty.contains(r#"href="/">dashboard</a>"#));
    let prompt = format!("{HOSTILE}\nsecond line");
    Run::of(&site, SessionRequest { tier: Some(2), ..SessionRequest::of(prompt) })
        .await
        .done("")
        .await;
    let nightly = NewJob {
        trigger: Trigger::Scheduled,
        queue: Some(Queue::AGENT),
        payload: json!({"prompt_file": "health_check"}).into(),
        ..NewJob::new(Kind::AGENT_SESSION)
    };
    site.web.store.enqueue(nightly, START).await.unwrap();
    let page = site.see("/sessions").await.body;
    let rows: Vec<_> = page.split("<tr").filter(|row| row.contains("trigger-badge")).collect();
    assert_eq!(rows.len(), 2);
    for text in ["trigger-badge-scheduled", "health_check.md", "st-queued", ">none yet<"] {
        assert!(rows[0].contains(text), "{text} in {}", rows[0]);
    }
    let model = "claude-haiku-4-5";
    for text in
        ["trigger-badge-manual", &escaped(HOSTILE), ">2<", model, ">3<", "$0.25", "st-completed"]
    {
        assert!(rows[1].contains(text), "{text} in {}", rows[1]);
    }
    assert!(!rows[1].contains("second line") && !page.contains('–'));
    assert_inert(&page);
    for bad in ["page=0", "size=7", "page=x"] {
        assert_eq!(site.see(&format!("/sessions?{bad}")).await.status.as_u16(), 400, "{bad}");
    }
}

#[tokio::test]
async fn the_list_is_paged() {
    let site = Site::signed_in().await;
    for n in 0..12 {
        asked(&site, SessionRequest::of(format!("prompt {n}"))).await;
    }
    Run::next(&site).await;
    let page = site.see("/sessions?size=10").await.body;
    assert!(page.contains("Showing 1-10 of 12") && page.contains("prompt 11"));
    let rest = site.see("/sessions?size=10&page=2").await.body;
    assert!(rest.contains("Showing 11-12 of 12") && !rest.contains("prompt 11"));
}

#[tokio::test]
async fn the_page_of_a_session_tells_all_of_it() {
    let site = Site::signed_in().await;
    let prompt = format!("{HOSTILE}\n  two\tlines");
    let mut run = Run::of(&site, SessionRequest::of(prompt.clone())).await;
    run.print(&says("I look")).await;
    let running = site.see(&format!("/sessions/{}", run.id())).await.body;
    assert!(running.contains("data-stream=\"/sessions/1/stream\"") && running.contains("I look"));
    assert!(running.contains("data-dialog=\"stop\"") && running.contains("Stop session 1?"));
    assert!(running.contains(r#"action="/jobs/1/cancel?on=session""#));
    assert!(running.contains("http-equiv=\"refresh\""), "without scripts it looks again");
    let id = run.done("# Found\n\n**two** <b>things</b> [x](javascript:alert(1))").await;
    let page = site.see(&format!("/sessions/{id}")).await.body;
    for text in [
        "</time> after",
        "trigger-badge-manual",
        "read-only",
        "claude-haiku-4-5",
        "bwrap: a sandbox",
        "CLAUDE.md (12 bytes, SHA-256 0123456789ab); the MCP server db",
        "2.1.329",
        "<code>/usr</code>",
        "$0.25",
        "1,200 read, 340 written",
        r#"<a href="/jobs/1">job 1</a>"#,
        &escaped(&prompt),
        "<h3>Found</h3>",
        "<strong>two</strong> &lt;b&gt;things&lt;/b&gt; x",
        ">Run the copy now</button>",
        r#"name="continues" value="1""#,
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("data-stream") && !page.contains("Stop session"));
    assert_inert(&page);
    assert!(site.see("/jobs/1").await.body.contains(r#"<a href="/sessions/1">session 1</a>"#));
}

#[tokio::test]
async fn a_failure_has_its_reason_its_code_and_what_to_do() {
    let site = Site::signed_in().await;
    let run = Run::of(&site, SessionRequest::of("look")).await;
    let refused = crate::model::JobError { code: "AGENT-LIMIT-002".into(), ..error("41 turns") };
    let end = SessionEnd {
        exit_code: Some(1),
        structured: Some(json!({"a": [1]})),
        ..SessionEnd::new(RunEnding::MaxTurns)
    };
    let id = run.finish(end, Outcome::Fatal(refused)).await;
    let page = site.see(&format!("/sessions/{id}")).await.body;
    for text in ["on attempt 1 of 1: 41 turns", "AGENT-LIMIT-002", crate::Code::AgentTurns.remedy()]
    {
        assert!(page.contains(text), "{text}");
    }
    assert!(page.contains("Structured answer") && page.contains("&quot;a&quot;: ["));
    assert!(!page.contains("name=\"continues\""), "its program never told its id");
    assert!(page.contains("Nobody can continue it: its agent left nothing to go on with."));
}

#[tokio::test]
async fn a_prompt_file_shows_its_name_and_no_prompt() {
    let site = Site::signed_in().await;
    let wish =
        SessionRequest { prompt_file: Some("health_check".into()), ..SessionRequest::default() };
    let id = asked(&site, wish).await;
    let page = site.see(&format!("/sessions/{id}")).await.body;
    assert!(page.contains("<code>health_check.md</code>") && !page.contains("id=\"prompt\""));
    assert!(page.contains(">Cancel</button>") && page.contains("Nothing yet."));
}

#[tokio::test]
async fn waiting_and_running_sessions_are_stopped_and_run_again_from_their_page() {
    let site = Site::signed_in().await;
    let run = Run::of(&site, SessionRequest::of("look")).await;
    let waits = asked(&site, SessionRequest::of("then this")).await;
    let cancelled = site.submit(&format!("/jobs/{waits}/cancel?on=session"), "").await;
    assert_eq!((cancelled.status.as_u16(), cancelled.header("location")), (303, "/sessions/2"));
    assert!(site.see("/sessions/2").await.body.contains("Cancelled "));
    site.submit("/jobs/1/cancel?on=session", "").await;
    assert!(site.see("/sessions/1").await.body.contains("It was asked to stop."));
    run.finish(SessionEnd::new(RunEnding::Cancelled), Outcome::Failed(error("stopped"))).await;
    let again = site.submit("/jobs/1/run-again?on=session", "").await;
    assert_eq!(again.header("location"), "/sessions/3");
    let page = site.see("/sessions/3").await.body;
    assert!(page.contains("Runs again") && page.contains(r#"<a href="/sessions/1">session 1</a>"#));
    assert!(site.see("/sessions/1").await.body.contains("Led to"));
    let job = site.web.store.job(JobId(3)).await.unwrap().unwrap();
    assert_eq!((job.status, job.parent_id), (Status::Queued, Some(JobId(1))));
}

#[tokio::test]
async fn a_session_without_a_sandbox_runs_again_only_for_an_admin_who_says_so() {
    let site = Site::signed_in().await;
    let full = SessionRequest { profile: Some("full".into()), ..SessionRequest::of("look") };
    Run::of(&site, full).await.done("").await;
    let refused = site.submit("/jobs/1/run-again", "").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    for page in ["/sessions/1", "/jobs/1"] {
        let page = site.see(page).await.body;
        assert!(
            page.contains("Run the copy now without the sandbox") && page.contains("confirm=full")
        );
    }
    let again = site.submit("/jobs/1/run-again?on=session&confirm=full", "").await;
    assert_eq!(again.header("location"), "/sessions/2");
    let mut call = Call::by_owner(START);
    call.who.role = Role::Operator;
    let again = RunAgain { id: 1, confirmed: true, seen: None };
    let refused = run_again(&site.web.store, &call, again).await.unwrap_err();
    assert_eq!(refused.code(), Code::AuthRole);
}

#[tokio::test]
async fn a_chain_of_sessions_knows_what_it_cost() {
    let site = Site::signed_in().await;
    Run::of(&site, SessionRequest::of("one")).await.done("").await;
    let second = SessionRequest { continues: Some(1), ..SessionRequest::of("two") };
    Run::of(&site, second).await.done("").await;
    for id in [1, 2] {
        let page = site.see(&format!("/sessions/{id}")).await.body;
        assert!(page.contains("$0.50, 2 sessions"), "{id}");
    }
    assert!(site.see("/sessions/2").await.body.contains("Continues"));
}

#[tokio::test]
async fn only_an_admin_sees_the_forms() {
    let site = Site::signed_in().await;
    Run::of(&site, SessionRequest::of("look")).await.done("").await;
    let role = Role::Operator;
    let form = super::super::components::session_form(role, None).into_string();
    assert!(form.contains("needs the role admin") && !form.contains("<textarea"));
    let page = site.see("/sessions/1").await.body;
    assert!(page.contains("<textarea"));
}

#[tokio::test]
async fn a_session_that_is_not_there_is_not_found() {
    let site = Site::signed_in().await;
    let job = super::work::enqueue(&site, "other").await;
    for (id, status) in [("seven", 400), ("99", 404), (job.to_string().as_str(), 404)] {
        let answer = site.see(&format!("/sessions/{id}")).await;
        assert_eq!(answer.status.as_u16(), status, "{id}");
        assert!(answer.body.contains("<h1"));
    }
}

#[tokio::test]
async fn the_page_follows_what_happens_and_keeps_what_somebody_types() {
    let site = Site::signed_in().await;
    let mut run = Run::of(&site, SessionRequest::of("look")).await;
    let page = site.see("/sessions/1").await.body;
    let path = |id: &str| {
        let part = page.split(&format!("id=\"{id}\" hx-get=\"")).nth(1).unwrap();
        part.split('"').next().unwrap().replace("&amp;", "&")
    };
    for id in ["session", "follow-up"] {
        assert_eq!(site.part(&path(id)).await.status, StatusCode::NO_CONTENT, "{id}");
    }
    run.print(&line(&json!({"type": "system", "subtype": "new"}))).await;
    assert_eq!(
        site.part(&path("session")).await.status,
        StatusCode::NO_CONTENT,
        "lines are streamed"
    );
    run.done("answer").await;
    let part = site.part(&path("session")).await.body;
    assert!(part.contains("Completed") && !part.contains("class=\"transcript\""));
    assert!(site.part(&path("follow-up")).await.body.contains("name=\"continues\""));
    std::fs::remove_dir_all(site.folder.path().join("jobs")).unwrap();
    let part = site.part(&path("follow-up")).await.body;
    let why =
        "Nobody can continue it: the files are gone in which its agent has kept what was said.";
    assert!(part.contains(why) && !part.contains("name=\"continues\""), "{part}");
}

//! Tests of what the page of a session says of where the session came from and of what its run met.

use super::agent::Run;
use super::*;
use crate::model::{
    Kind, NewJob, NewSchedule, Outcome, Plan, Queue, Refusal, Rule, RunEnding, ScheduleName,
    SessionEnd, SessionMeter, SessionRequest, Trigger,
};
use serde_json::json;

#[tokio::test]
async fn a_session_of_a_schedule_names_the_schedule_its_values_and_what_it_was_given() {
    let site = Site::signed_in().await;
    let payload = json!({"prompt_file": "health_check", "set": {"host": "<db-7>"}, "handoff": "the fan is loud"});
    let rule = Rule::parse("6h", START).unwrap();
    let plan = Plan { payload: payload.clone().into(), ..Plan::new(rule, Kind::AGENT_SESSION) };
    let new = NewSchedule { name: ScheduleName::parse("nightly").unwrap(), plan };
    site.web.store.create_schedule(new, Actor::cli(), START).await.unwrap();
    let job = NewJob {
        schedule_id: Some(1),
        trigger: Trigger::Scheduled,
        payload: payload.into(),
        queue: Some(Queue::AGENT),
        ..NewJob::new(Kind::AGENT_SESSION)
    };
    let id = site.web.store.enqueue(job, START).await.unwrap().id();
    let page = site.see(&format!("/sessions/{id}")).await.body;
    for text in [
        r#"<a href="/schedules/nightly">nightly</a>"#,
        "host=&lt;db-7&gt;",
        "health_check.md",
        "Handed on",
        "the fan is loud",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
}

#[tokio::test]
async fn a_session_has_its_meters_while_it_runs_and_after() {
    let site = Site::signed_in().await;
    let run = Run::of(&site, SessionRequest::of("look")).await;
    assert!(!site.see("/sessions/1").await.body.contains("class=\"meters\""));
    let told = SessionMeter {
        cost_usd: 0.4,
        turns: 9,
        max_cost_usd: Some(2.0),
        max_turns: Some(30),
        max_ms: Some(1_800_000),
    };
    site.web.store.meter_session(run.lease.clone(), told).await.unwrap();
    for page in ["/sessions/1", "/"] {
        let page = site.see(page).await.body;
        for said in ["$0.40 of $2.00", "9 of 30", "0 s of 30 min", "Cost: $0.40 of $2.00"] {
            assert!(page.contains(said), "{said}: {page}");
        }
    }
    let end = SessionEnd {
        cost_usd: Some(0.52),
        num_turns: Some(11),
        ..SessionEnd::new(RunEnding::Done)
    };
    run.finish(end, Outcome::Done(true.into())).await;
    let page = site.see("/sessions/1").await.body;
    assert!(page.contains("$0.52 of $2.00") && page.contains("11 of 30"), "{page}");
}

#[tokio::test]
async fn what_the_network_wall_refused_is_a_line_of_its_session() {
    let site = Site::signed_in().await;
    let run = Run::of(&site, SessionRequest::of("look")).await;
    let what = "CONNECT <evil>.example:443: no such host is allowed".to_owned();
    let end = SessionEnd {
        refused: vec![Refusal { what, times: 3 }],
        ..SessionEnd::new(RunEnding::Done)
    };
    let id = run.finish(end, Outcome::Done(true.into())).await;
    let page = site.see(&format!("/sessions/{id}")).await.body;
    let line = "CONNECT &lt;evil&gt;.example:443: no such host is allowed (3 times)";
    assert!(page.contains("Refused by the network wall") && page.contains(line), "{page}");
}

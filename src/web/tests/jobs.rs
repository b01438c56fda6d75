//! Tests of the list of jobs and of the page of one job.

use super::super::components::job_sentence;
use super::work::{claim, enqueue, error, job, lead, poll, run_now, settle};
use super::*;
use crate::model::{Cause, JobId, Kind, Level, NewJob, NewLogRow, Outcome, Status, Trigger};
use std::time::Duration;

/// The ids that the list shows, in its order.
async fn listed(site: &Site, query: &str) -> Vec<i64> {
    let answer = site.see(&format!("/jobs{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}");
    let links =
        answer.body.split(r#" href="/jobs/"#).skip(1).filter(|rest| !rest.starts_with("new\""));
    links.map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect()
}

fn job_of(kind: &str) -> NewJob {
    NewJob::new(Kind::parse(kind).unwrap())
}

/// The sentence on the page of a job.
async fn says(site: &Site, id: JobId) -> String {
    let body = site.see(&format!("/jobs/{id}")).await.body;
    let line = body.split("class=\"card say\"").nth(1).unwrap().split("</p>").next().unwrap();
    let texts = line.split('<').map(|rest| rest.split_once('>').map_or(rest, |(_, text)| text));
    texts.collect::<String>().trim_start_matches(r#"">"#).to_owned()
}

#[tokio::test]
async fn a_new_job_has_one_form_for_the_kind_that_is_chosen_and_says_once_what_is_no_json() {
    let site = Site::signed_in().await;
    let rules = |kind: &str| crate::model::KindRules::new(Kind::parse(kind).unwrap());
    site.leads(vec![rules("report"), rules("mail")]).await;
    let first = site.see("/jobs/new").await.body;
    assert_eq!(first.matches("name=\"payload\"").count(), 1, "{first}");
    assert!(first.contains(r#"href="/jobs/new?kind=report""#) && first.contains("Run mail"));
    assert!(site.see("/jobs/new?kind=report").await.body.contains("Run report"));
    let refused = site.submit("/jobs/new", "kind=report&payload=%7B").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.body.matches("it is no JSON").count(), 1, "{}", refused.body);
    assert!(refused.body.contains("Run report") && refused.body.contains("payload-report-wrong"));
}

#[tokio::test]
async fn the_list_follows_its_tabs_and_filters() {
    let site = Site::signed_in().await;
    run_now(&site, &[]).await;
    enqueue(&site, "other").await;
    claim(&site).await;
    let later = NewJob {
        run_at: Some(START.plus(Duration::from_mins(10))),
        queue: Some(crate::model::Queue::parse("mail").unwrap()),
        trigger: Trigger::Parent,
        ..job_of("send_mail")
    };
    site.web.store.enqueue(later, START).await.unwrap().id();
    assert!(poll(&site, "send_mail").await.is_none(), "its time has not come");
    for (query, ids) in [
        ("", vec![3, 2, 1]),
        ("?status=running", vec![1]),
        ("?status=queued", vec![2]),
        ("?status=scheduled", vec![3]),
        ("?status=failed", vec![]),
        ("?kind=other", vec![2]),
        ("?kind=+other+&queue=&trigger=&status=", vec![2]),
        ("?kind=other&status=queued", vec![2]),
        ("?queue=mail", vec![3]),
        ("?trigger=manual", vec![1]),
        ("?trigger=parent&kind=send_mail&queue=mail&status=scheduled", vec![3]),
        ("?before=3", vec![2, 1]),
        ("?q=kind:other", vec![2]),
        ("?q=status:queued,scheduled+-kind:other", vec![3]),
        ("?q=kind:other&status=queued", vec![2]),
        ("?q=kind:other&status=running", vec![]),
    ] {
        assert_eq!(listed(&site, query).await, ids, "{query}");
    }
    let page = site.see("/jobs?status=queued&kind=other").await.body;
    let open = r#"<a href="/jobs?q=kind%3Aother+status%3Aqueued" aria-current="true">Queued <span class="count">1</span></a>"#;
    assert!(page.contains(open), "{page}");
    assert!(
        page.contains(r#"<a href="/jobs?q=kind%3Aother">All <span class="count">1</span></a>"#),
        "a tab keeps the rest"
    );
    assert!(page.contains(r#"name="q" value="status:queued kind:other""#), "{page}");
    assert!(page.contains(">Clear</a>"));
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_answered_above_the_box_that_keeps_it() {
    let site = Site::signed_in().await;
    let id = enqueue(&site, "other").await;
    for (query, kept, says) in [
        ("?q=status:faild", "status:faild", "column 8: "),
        ("?q=colour:red", "colour:red", "there is no word colour:"),
        ("?status=done", "status:done", "column 8: "),
        ("?kind=Not+A+Kind", "kind:&quot;Not A Kind&quot;", "column 6: "),
    ] {
        let answer = site.see(&format!("/jobs{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.body.contains(&format!(r#"name="q" value="{kept}""#)), "{}", answer.body);
        let alert = answer.body.find(r#"role="alert""#).unwrap();
        assert!(alert < answer.body.find(r#"role="search""#).unwrap(), "{query}");
        assert!(answer.body.contains(says) && answer.body.contains("JOB-QUERY-001"), "{query}");
    }
    // The list has the jobs that fit what can be read.
    let rest = site.see("/jobs?q=status:faild+kind:other").await.body;
    assert!(
        rest.contains("kind:other</code> are shown instead.") && rest.contains(r#"id="row-1""#)
    );
    let rest = site.see("/jobs?q=status:faild+kind:another").await.body;
    assert!(!rest.contains(r#"id="row-1""#), "{rest}");
    assert!(rest.contains(r#"<option value="status:failed">"#), "the box suggests what there is");
    // If the text in the field for an id is not an id, the page searches for the text.
    let answer = site.see("/jobs?id=customer%201207").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains(r#"value="&quot;customer 1207&quot;""#), "{}", answer.body);
    let named = site.see(&format!("/jobs?q={id}")).await.body;
    assert!(named.contains(r#"<a href="/jobs/1">Job 1</a> has this id."#), "{named}");
}

#[tokio::test]
async fn an_empty_list_says_what_to_do_next() {
    let site = Site::signed_in().await;
    let none = site.see("/jobs").await.body;
    assert!(none.contains("No jobs yet") && none.contains("Press Run Now"));
    let filtered = site.see("/jobs?status=failed").await.body;
    assert!(filtered.contains("No failed jobs match") && filtered.contains("Show all jobs"));
    assert!(site.see("/").await.body.contains("No job has failed in the last 24 hours."));
}

#[tokio::test]
async fn the_list_goes_on_where_the_page_ends() {
    let site = Site::signed_in().await;
    for _ in 0..51 {
        enqueue(&site, "other").await;
    }
    let first = site.see("/jobs?kind=other").await.body;
    let older = r#"href="/jobs?q=kind%3Aother&amp;before=2""#;
    assert!(first.contains(older) && !first.contains("Newest"), "{first}");
    assert!(first.contains("</span> · no process runs jobs</div>"), "{first}");
    assert_eq!(listed(&site, "?kind=other&before=2").await, [1]);
    let rest = site.see("/jobs?kind=other&before=2").await.body;
    assert!(rest.contains("Newest") && !rest.contains("Older"));
}

#[tokio::test]
async fn a_search_by_id_leads_to_the_job() {
    let site = Site::signed_in().await;
    for id in ["7", "%237", "+7+"] {
        let answer = site.see(&format!("/jobs?id={id}&kind=&queue=&trigger=")).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/jobs/7"), "{id}");
    }
}

#[tokio::test]
async fn one_sentence_says_how_a_job_stands() {
    let site = Site::signed_in().await;
    let id = enqueue(&site, "other").await;
    let nobody = "QueuedNo process runs jobs.";
    assert_eq!(says(&site, id).await, nobody);
    lead(&site).await;
    assert_eq!(says(&site, id).await, "QueuedIt was just added, and is placed within a second.");
    assert!(poll(&site, "another").await.is_none());
    let no_handler = "QueuedNo worker handles other (workers handle another).";
    assert_eq!(says(&site, id).await, no_handler);

    let first = enqueue(&site, "work").await;
    let lease = poll(&site, "work").await.unwrap();
    site.web.clock.advance(Duration::from_secs(3));
    assert_eq!(says(&site, first).await, "RunningRuns for 3 s on attempt 1 of 3.");
    settle(&site, lease, Outcome::Failed(error("no oil\nat the pump"))).await;
    let wait = says(&site, first).await;
    assert!(
        wait.starts_with("ScheduledAttempt 1 failed and it is tried again at ")
            && wait.contains(". Its time comes in ")
            && wait.ends_with(". Its last attempt said: no oil"),
        "{wait}"
    );

    let second = enqueue(&site, "work").await;
    let lease = poll(&site, "work").await.unwrap();
    assert_eq!(lease.id, second);
    site.web.clock.advance(Duration::from_millis(1250));
    settle(&site, lease, Outcome::Done(serde_json::json!({"lamps": 7}))).await;
    site.web.clock.advance(Duration::from_mins(1));
    assert_eq!(says(&site, second).await, "CompletedCompleted 1 min ago after 1.2 s.");
    let page = site.see(&format!("/jobs/{second}")).await.body;
    assert!(page.contains("&quot;lamps&quot;: 7") && page.contains("History"));

    let third = enqueue(&site, "work").await;
    let lease = loop {
        let lease = poll(&site, "work").await.unwrap();
        if lease.id == third {
            break lease;
        }
        settle(&site, lease, Outcome::Done(serde_json::json!({}))).await;
    };
    settle(&site, lease, Outcome::Fatal(error("no lamp"))).await;
    assert_eq!(
        says(&site, third).await,
        "FailedFailed just now on attempt 1 of 3: no lamp. No further attempt follows, because the handler said that trying again does not help. The job does not start again by itself. All failures with this error."
    );

    let later = NewJob {
        run_at: Some(site.web.clock.now().plus(Duration::from_mins(10))),
        ..job_of("work")
    };
    let later = site.web.store.enqueue(later, site.web.clock.now()).await.unwrap().id();
    assert!(poll(&site, "work").await.is_none_or(|lease| lease.id != later));
    lead(&site).await;
    let starts = "ScheduledIt starts at 15 Jan 08:11:04 UTC. Its time comes in 10 min.";
    assert_eq!(says(&site, later).await, starts);
}

#[tokio::test]
async fn a_failed_job_that_was_run_again_says_so_and_asks_before_a_further_retry() {
    let site = Site::signed_in().await;
    let id = enqueue(&site, "mail").await;
    let lease = poll(&site, "mail").await.unwrap();
    settle(&site, lease, Outcome::Fatal(error("550 no such mailbox"))).await;
    let page = site.see(&format!("/jobs/{id}")).await.body;
    assert!(page.contains(r#"action="/jobs/1/run-again""#) && !page.contains("Retried as"));
    assert!(page.contains("the handler said that trying again does not help"), "{page}");
    assert!(page.contains(r#"<a href="/errors/"#), "its error is a link: {page}");
    let press = async |query: &str| site.submit(&format!("/jobs/1/run-again{query}"), "").await;
    assert_eq!(press("").await.status, StatusCode::SEE_OTHER);
    assert!(says(&site, id).await.ends_with("Retried as #2, which is queued."));
    let page = site.see("/jobs/1").await.body;
    let asks = r#"<a href="/jobs/2">#2</a> was made from it already, and is queued."#;
    assert!(page.contains(asks) && page.contains(r#"action="/jobs/1/run-again?seen=2""#), "{page}");
    let list = site.see("/jobs?status=failed").await.body;
    let marked = r#"retried as <a class="mono" href="/jobs/2">#2</a>, queued"#;
    assert!(list.contains(marked), "{list}");
    // The page of somebody who has not seen the retry makes none more.
    press("").await;
    assert!(site.web.store.job(JobId(3)).await.unwrap().is_none());
    press("?seen=2").await;
    assert!(says(&site, id).await.ends_with("Retried as #3, which is queued."));
    press("?seen=2").await;
    assert!(says(&site, id).await.ends_with("Retried as #3, which is queued."), "a double click");
    tokio::join!(press("?seen=3"), press("?seen=3"));
    assert!(says(&site, id).await.ends_with("Retried as #4, which is queued."));
    assert!(site.web.store.job(JobId(5)).await.unwrap().is_none(), "two at the same instant");
}

#[tokio::test]
async fn a_job_links_to_its_log_rows_only_where_there_are_any() {
    let site = Site::signed_in().await;
    let of = |id: &str| NewJob { correlation_id: Some(id.into()), ..job_of("mail") };
    let (some, none) = (of("r-1"), of("r-2"));
    let some = site.web.store.enqueue(some, START).await.unwrap().id();
    let none = site.web.store.enqueue(none, START).await.unwrap().id();
    let row = NewLogRow {
        timestamp: START.to_string(),
        level: Level::Info,
        source: "shop".into(),
        message: "sent".into(),
        correlation_id: Some("r-1".into()),
        user_id: None,
        request_path: None,
        extra_data: None,
    };
    let logs = &site.web.program.as_ref().unwrap().logs;
    logs.append(vec![row.clone(), row]).await.unwrap();
    let page = site.see(&format!("/jobs/{some}")).await.body;
    assert!(page.contains(r#"<a href="/logs?correlation_id=r-1">2 log rows</a>"#), "{page}");
    let page = site.see(&format!("/jobs/{none}")).await.body;
    assert!(!page.contains("correlation_id=r-2"), "{page}");
}

#[tokio::test]
async fn a_stopped_job_names_the_person_and_not_the_worker_that_ended_it() {
    let site = Site::signed_in().await;
    let id = enqueue(&site, "mail").await;
    let lease = poll(&site, "mail").await.unwrap();
    let board = site.see("/").await.body;
    let now = board.split(r#"id="jobs-now""#).nth(1).unwrap();
    assert!(now.contains(r#"<a href="/jobs/1">mail</a>"#), "the dashboard lists what runs: {now}");
    let pressed = site.submit(&format!("/jobs/{id}/cancel"), "").await;
    assert_eq!(pressed.status, StatusCode::SEE_OTHER);
    settle(&site, lease, Outcome::Fatal(error("it was stopped"))).await;
    let events = site.web.store.job_events(id).await.unwrap();
    let asked = events.iter().find(|event| event.cause == Ok(Cause::CancelRequested)).unwrap();
    let ended = events.iter().find(|event| event.cause == Ok(Cause::Cancelled)).unwrap();
    assert_ne!(asked.actor, ended.actor);
    let said = says(&site, id).await;
    assert!(said.starts_with("CancelledStopped "), "{said}");
    assert!(said.ends_with(&format!(" by {}.", asked.actor)), "{said}");
}

#[tokio::test]
async fn the_part_of_a_list_whose_query_cannot_be_read_goes_on() {
    let site = Site::signed_in().await;
    assert_eq!(site.part("/jobs/part?q=status:faild").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_cancelled_job_says_so() {
    let site = Site::signed_in().await;
    let id = enqueue(&site, "other").await;
    let mut cancelled = job(&site, id).await;
    cancelled.status = Status::Cancelled;
    cancelled.finished_at = Some(START);
    let now = START.plus(Duration::from_mins(2));
    let text = job_sentence(&cancelled, None, Some("ada"), now).into_string();
    assert!(text.starts_with("Cancelled <time"), "{text}");
    assert!(text.ends_with(">2 min ago</time> by ada."), "{text}");
}

#[tokio::test]
async fn the_dashboard_counts_and_names_what_failed() {
    let site = Site::signed_in().await;
    enqueue(&site, "work").await;
    let lease = poll(&site, "work").await.unwrap();
    settle(&site, lease, Outcome::Fatal(error("no lamp\nsecond line"))).await;
    enqueue(&site, "work").await;
    let body = site.see("/").await.body;
    for (label, figure) in [("Failed jobs, 24 h", "1"), ("Queued", "1"), ("Running", "0")] {
        let tile =
            format!(r#"<span class="label">{label}</span><span class="figure">{figure}</span>"#);
        assert!(body.contains(&tile), "{tile}");
    }
    assert!(body.contains(">no lamp</a>") && body.contains(">Retry 1</a>"), "{body}");
    assert!(body.contains("Failed <b>1</b>"));
}

#[tokio::test]
async fn an_operator_cancels_a_job_and_runs_one_again() {
    let site = Site::signed_in().await;
    let press = async |id: JobId, deed: &str| {
        let request = own_form(&format!("/jobs/{id}/{deed}")).header("cookie", &site.cookie);
        site.send(bare(request)).await
    };
    let waits = enqueue(&site, "work").await;
    assert!(site.see(&format!("/jobs/{waits}")).await.body.contains(">Cancel now</button>"));
    assert_eq!(press(waits, "run-again").await.status, 409);
    assert_eq!(press(waits, "cancel").await.status, 200);
    assert_eq!(job(&site, waits).await.status, Status::Cancelled);
    let again = press(waits, "run-again").await;
    assert_eq!(again.status, 200, "{}", again.body);
    let again = JobId(waits.0 + 1);
    assert_eq!(job(&site, again).await.parent_id, Some(waits));
    let lease = poll(&site, "work").await.unwrap();
    assert_eq!(lease.id, again);
    let asked = press(again, "cancel").await;
    assert_eq!((asked.status.as_u16(), &asked.json()["status"]), (200, &"cancel_requested".into()));
    assert!(site.see(&format!("/jobs/{again}")).await.body.contains("It was asked to end."));
    settle(&site, lease, Outcome::Failed(error("too late"))).await;
    assert_eq!(job(&site, again).await.status, Status::Cancelled);
    assert_eq!(press(JobId(999), "cancel").await.status, 404);
    // A job that is over cannot be cancelled, and the status tells a program so too.
    let over = press(again, "cancel").await;
    assert_eq!((over.status.as_u16(), &over.json()["code"]), (409, &"JOB-ID-004".into()));
    let detail = over.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("Could not cancel job 2: it is over, and cancelled. "), "{detail}");
}

#[tokio::test]
async fn a_job_that_waits_for_its_time_is_made_due_and_one_that_is_over_is_deleted() {
    let site = Site::signed_in().await;
    let press = async |id: JobId, deed: &str| {
        let request = own_form(&format!("/jobs/{id}/{deed}")).header("cookie", &site.cookie);
        site.send(bare(request)).await
    };
    let later = NewJob { run_at: Some(START.plus(Duration::from_mins(10))), ..job_of("work") };
    let id = site.web.store.enqueue(later, START).await.unwrap().id();
    lead(&site).await;
    let page = site.see(&format!("/jobs/{id}")).await.body;
    assert!(page.contains("Run job 1 now to start it before its time."), "{page}");
    assert!(page.contains(">Run now</button>") && !page.contains("Delete now"));
    assert_eq!(page.matches(">Run now").count(), 1, "it is offered once");
    assert_eq!(press(id, "delete").await.json()["code"], "JOB-ID-002");
    let due = press(id, "run-now").await;
    assert_eq!((due.status.as_u16(), &due.json()["changed"]), (200, &true.into()));
    assert_eq!(due.json()["answer"], "Job 1 is due now. It starts now.");
    assert!(!site.see(&format!("/jobs/{id}")).await.body.contains(">Run now</button>"));
    let lease = poll(&site, "work").await.unwrap();
    assert_eq!(press(id, "run-now").await.json()["code"], "JOB-ID-003");
    settle(&site, lease, Outcome::Done(serde_json::json!({}))).await;
    assert!(site.see(&format!("/jobs/{id}")).await.body.contains(">Delete now</button>"));
    assert_eq!(press(id, "delete").await.json()["id"], 1);
    assert_eq!(press(id, "delete").await.json()["code"], "JOB-ID-001");
}

#[tokio::test]
async fn a_page_tells_who_holds_a_job_what_opens_it_and_its_place_in_the_line() {
    let site = Site::signed_in().await;
    let store = &site.web.store;
    lead(&site).await;
    for _ in 0..3 {
        enqueue(&site, "work").await;
    }
    let running = poll(&site, "work").await.unwrap().id;
    let queue = crate::model::Queue::DEFAULT;
    store.set_queue_limit(queue, Some(1), crate::model::Actor::cli(), START).await.unwrap();
    let page = site.see("/jobs/3").await.body;
    let held = format!(r#"Held by <a href="/jobs/{running}">job {running}</a>"#);
    assert!(
        page.contains(&held) && page.contains("raise the limit of the queue default"),
        "{page}"
    );
    assert!(page.contains("One job of its queue starts before it."), "{page}");
}

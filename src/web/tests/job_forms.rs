//! Tests of the forms of one job, of the texts that take it elsewhere, and of the pages of kinds.

use super::work::{HOSTILE, assert_inert, enqueue, error, job, poll, settle};
use super::*;
use crate::model::{ConcurrencyKey, JobId, NewJob, Outcome};
use std::time::Duration;

/// A job of kind mail with this payload.
async fn mail(site: &Site, payload: serde_json::Value) -> JobId {
    let job = NewJob { payload: payload.into(), ..NewJob::new(Kind::parse("mail").unwrap()) };
    site.web.store.enqueue(job, site.web.clock.now()).await.unwrap().id()
}

/// What the form of a job sends unseen.
fn unseen(page: &str) -> String {
    let form = page.split(r#"id="job-form""#).nth(1).unwrap().split("</form>").next().unwrap();
    let fields = form.split(r#"<input type="hidden" name=""#).skip(1).map(|input| {
        let (name, rest) = input.split_once(r#"" value=""#).unwrap();
        ["&", name, "=", rest.split('"').next().unwrap()].concat()
    });
    fields.collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn a_copy_has_the_payload_that_was_typed_and_a_refusal_keeps_it() {
    let site = Site::signed_in().await;
    let id = mail(&site, serde_json::json!({"to": HOSTILE, "amount": 7})).await;
    let lease = poll(&site, "mail").await.unwrap();
    settle(&site, lease, Outcome::Done(true.into())).await;
    let page = site.see(&format!("/jobs/{id}")).await.body;
    assert_inert(&page);
    assert!(page.contains(r#"href="/jobs/1/copy">Run a copy…"#), "{page}");
    for text in ["lamplighter jobs enqueue", "/api/v1/jobs"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let form = site.see("/jobs/1/copy").await.body;
    assert_inert(&form);
    assert!(form.contains("&quot;amount&quot;: 7"), "{form}");
    let refused = site.submit("/jobs/1/copy", "payload=%7Bno+json").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("{no json") && refused.body.contains("JOB-VALUE-001"));
    let made = site
        .submit("/jobs/1/copy", "payload=%7B%22to%22%3A8%7D&priority=-3&start=&after=10m")
        .await;
    assert_eq!((made.status.as_u16(), made.header("location")), (303, "/jobs/2"), "{}", made.body);
    let copy = job(&site, JobId(2)).await;
    assert_eq!((copy.payload.as_str(), copy.priority), (r#"{"to":8}"#, Some(-3)));
    assert_eq!(copy.run_at, START.plus(Duration::from_mins(10)));
}

#[tokio::test]
async fn a_copy_keeps_the_limits_of_its_job() {
    let site = Site::signed_in().await;
    let key = ConcurrencyKey::parse("printer").unwrap();
    let first = NewJob {
        max_attempts: Some(9),
        timeout: Some(Duration::from_secs(40)),
        concurrency_key: Some(key.clone()),
        ..NewJob::new(Kind::parse("mail").unwrap())
    };
    site.web.store.enqueue(first, START).await.unwrap();
    let form = site.see("/jobs/1/copy").await.body;
    assert!(
        form.contains(r#"name="attempts" inputmode="numeric" maxlength="9" value="9""#),
        "{form}"
    );
    for (attempts, most) in [("", 9), ("9", 9), ("4", 4)] {
        let typed = format!("payload=%7B%7D&priority=&start=&attempts={attempts}");
        let made = site.submit("/jobs/1/copy", &typed).await;
        let id = made.header("location").rsplit('/').next().unwrap().parse().unwrap();
        let copy = job(&site, JobId(id)).await;
        let limits = (copy.max_attempts, copy.timeout, copy.concurrency_key);
        assert_eq!(limits, (Some(most), Some(Duration::from_secs(40)), Some(key.clone())));
    }
}

#[tokio::test]
async fn a_waiting_job_is_changed_where_the_form_differs_from_it() {
    let site = Site::signed_in().await;
    let id = mail(&site, serde_json::json!({"to": 7})).await;
    let page = site.see(&format!("/jobs/{id}")).await.body;
    assert!(page.contains(r#"href="/jobs/1/edit">Edit…"#), "{page}");
    let form = site.see("/jobs/1/edit").await.body;
    assert!(form.contains(r#"name="attempts""#) && form.contains(r#"name="payload""#), "{form}");
    let same = "payload=%7B%0D%0A++%22to%22%3A+7%0D%0A%7D&priority=&attempts=&start=";
    let refused = site.submit("/jobs/1/edit", same).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "nothing is changed");
    assert!(refused.body.contains("name what to change"), "{}", refused.body);
    let changed = site
        .submit("/jobs/1/edit", &format!("{same}&attempts=9").replace("&attempts=&", "&"))
        .await;
    assert_eq!(changed.header("location"), "/jobs/1", "{}", changed.body);
    let after = job(&site, id).await;
    assert_eq!((after.max_attempts, after.payload.as_str()), (Some(9), r#"{"to":7}"#));
}

#[tokio::test]
async fn an_edit_takes_back_nothing_that_somebody_else_changed_meanwhile() {
    let site = Site::signed_in().await;
    let id = mail(&site, serde_json::json!({"to": 7})).await;
    let opened = unseen(&site.see("/jobs/1/edit").await.body);
    assert!(opened.contains("&was_priority=&was_start=") && opened.contains("&was_payload="));
    let meanwhile = site.submit("/jobs/1/edit", "priority=5").await;
    assert_eq!(meanwhile.header("location"), "/jobs/1", "{}", meanwhile.body);
    let typed = "payload=%7B%22to%22%3A9%7D&attempts=&start=";
    let refused = site.submit("/jobs/1/edit", &format!("{typed}&priority={opened}")).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    for text in ["The job was changed since this form was opened.", "{&quot;to&quot;:9}"] {
        assert!(refused.body.contains(text), "{text}: {}", refused.body);
    }
    let priority = refused.body.split(r#"id="job-form-priority""#).nth(1).unwrap();
    assert!(priority.split('>').next().unwrap().contains(r#"value="5""#), "as it is now");
    assert_eq!(job(&site, id).await.payload.as_str(), r#"{"to":7}"#);
    let anew = unseen(&refused.body);
    let saved = site.submit("/jobs/1/edit", &format!("{typed}&priority=5{anew}")).await;
    assert_eq!(saved.header("location"), "/jobs/1", "{}", saved.body);
    let after = job(&site, id).await;
    assert_eq!((after.priority, after.payload.as_str()), (Some(5), r#"{"to":9}"#));
    let late = site.submit("/jobs/1/edit", &format!("{typed}&priority=6{anew}")).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "the payload is another one by now");
}

#[tokio::test]
async fn the_form_of_a_copy_makes_one_job_however_often_it_is_sent() {
    let site = Site::signed_in().await;
    mail(&site, serde_json::json!({"to": 7})).await;
    let once = unseen(&site.see("/jobs/1/copy").await.body);
    let typed = "payload=%7B%22to%22%3A8%7D&priority=&start=";
    for _ in 0..2 {
        let made = site.submit("/jobs/1/copy", &format!("{typed}{once}")).await;
        assert_eq!(made.header("location"), "/jobs/2", "{}", made.body);
    }
    let other = site.submit("/jobs/1/copy", &format!("{typed}&after=10m{once}")).await;
    assert_eq!(other.header("location"), "/jobs/3", "what is typed is part of the request");
    let anew = unseen(&site.see("/jobs/1/copy").await.body);
    let made = site.submit("/jobs/1/copy", &format!("{typed}{anew}")).await;
    assert_eq!(made.header("location"), "/jobs/4", "{}", made.body);
}

#[tokio::test]
async fn a_start_is_read_by_the_readers_clocks_and_kept_when_they_skip_it() {
    let mut site = Site::signed_in().await;
    mail(&site, serde_json::json!({"to": 7})).await;
    site.cookie.push_str("; lamplighter-zone=Europe/Berlin");
    let form = site.see("/jobs/1/copy").await.body;
    assert!(form.contains("Start at (Europe/Berlin)"), "{form}");
    let typed = "payload=%7B%7D&priority=&attempts=&zone=Europe%2FBerlin&after=&start=";
    let skipped = site.submit("/jobs/1/copy", &format!("{typed}2027-03-28T02%3A30")).await;
    assert_eq!(skipped.status, StatusCode::BAD_REQUEST);
    for text in
        ["the clocks of Europe/Berlin skip it; name another time", r#"value="2027-03-28T02:30""#]
    {
        assert!(skipped.body.contains(text), "{text}: {}", skipped.body);
    }
    let made = site.submit("/jobs/1/copy", &format!("{typed}2027-01-16T09%3A00")).await;
    assert_eq!(made.header("location"), "/jobs/2", "{}", made.body);
    let copy = job(&site, JobId(2)).await;
    assert_eq!(copy.run_at, START.plus(Duration::from_hours(24)), "09:00 there is 08:00 in UTC");
    let page = site.see("/jobs/2").await.body;
    let told = ("16 Jan 09:00:00 CET", "16 Jan 08:00:00 UTC");
    assert!(page.contains(told.0) && !page.contains(told.1), "{page}");
}

#[tokio::test]
async fn kinds_have_their_figures_and_their_course() {
    let site = Site::signed_in().await;
    assert!(site.see("/kinds").await.body.contains("No jobs ended"));
    for outcome in [Outcome::Done(true.into()), Outcome::Fatal(error("no"))] {
        enqueue(&site, "mail").await;
        let lease = poll(&site, "mail").await.unwrap();
        site.web.clock.advance(Duration::from_secs(3));
        settle(&site, lease, outcome).await;
    }
    let page = site.see("/kinds").await.body;
    assert!(page.contains("50.0 %") && page.contains(r#"href="/kinds/mail?range=24h""#), "{page}");
    let one = site.see("/kinds/mail?range=1h").await.body;
    assert!(one.contains("50.0 % of what ended") && one.contains("95 of 100: "), "{one}");
    assert_eq!(site.see("/kinds/No%20Kind").await.status, StatusCode::BAD_REQUEST);
    assert!(site.see("/kinds/unknown").await.body.contains("No job of the kind ended"));
}

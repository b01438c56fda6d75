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
    assert!(one.contains("50.0 % of what ended") && one.contains("p95 "), "{one}");
    assert_eq!(site.see("/kinds/No%20Kind").await.status, StatusCode::BAD_REQUEST);
}

/// The cells of a row of a table, as they are written.
fn cells(page: &str, beginning: &str) -> Vec<String> {
    let row = page.split("<tr>").find(|row| row.contains(beginning));
    let row = row.unwrap_or_else(|| panic!("{beginning}: {page}"));
    let cell =
        |cell: &str| cell.split_once('>').unwrap().1.split("</td>").next().unwrap().to_owned();
    row.split("<td").skip(1).map(cell).collect()
}

/// The text of a cell with a figure that is known by steps only.
fn text_of(cell: &str) -> &str {
    cell.split_once('>').unwrap().1.split('<').next().unwrap()
}

/// A length of time as a page tells it, in seconds.
fn seconds(cell: &str) -> f64 {
    let told = text_of(cell).strip_prefix("≈ ").unwrap();
    let number = |unit: &str| told.strip_suffix(unit).and_then(|number| number.parse::<f64>().ok());
    number(" ms")
        .map(|ms| ms / 1_000.0)
        .or_else(|| number(" s"))
        .unwrap_or_else(|| panic!("{told}"))
}

#[tokio::test]
async fn the_figures_of_kinds_are_those_of_a_hand_count_and_the_same_on_each_page() {
    let site = Site::signed_in().await;
    // The clock says 08:00. Waits of 1 to 10 s and runs of 2 to 20 s; the ninth and the tenth fail.
    for n in 1..=10 {
        enqueue(&site, "mail").await;
        site.web.clock.advance(Duration::from_secs(n));
        let lease = poll(&site, "mail").await.unwrap();
        site.web.clock.advance(Duration::from_secs(2 * n));
        let outcome = if n < 9 { Outcome::Done(true.into()) } else { Outcome::Fatal(error("no")) };
        settle(&site, lease, outcome).await;
    }
    enqueue(&site, "other").await;
    // What waits only has neither ended nor run.
    site.web.clock.advance(Duration::from_mins(10));
    for range in ["1h", "24h", "7d", "30d"] {
        let page = site.see(&format!("/kinds?range={range}")).await.body;
        assert!(!page.contains("/kinds/other"), "{range}");
        let told = cells(&page, "/kinds/mail");
        assert_eq!(told[1..3], ["10", "20.0 %"], "{range}");
        // Half of them waited 5 s at most, 95 of 100 waited 10 s; figures are at most 9.1 % off.
        for (told, exact) in told[3..].iter().zip([5.0, 10.0, 10.0, 20.0]) {
            let off = (seconds(told) - exact).abs();
            assert!(off <= exact * 0.091 + 0.1, "{range}: {told} is told for {exact} s");
        }
        let one = site.see(&format!("/kinds/mail?range={range}")).await.body;
        assert!(one.contains("Completed <b>8</b>") && one.contains("Failed <b>2</b>"), "{one}");
        assert!(one.contains("?q=status%3Afailed+since") && one.contains("+kind%3Amail"), "{one}");
        let tiles = one.split(r#"id="course""#).next().unwrap();
        for text in [
            r#"<span class="figure">8</span>"#.to_owned(),
            r#"<span class="figure">2</span>"#.to_owned(),
            "20.0 % of what ended".to_owned(),
            format!(r#"<span class="figure">{}</span>"#, told[3]),
            format!("p95 {}", told[4]),
            format!(r#"<span class="figure">{}</span>"#, told[5]),
            format!("p95 {}", told[6]),
        ] {
            assert!(tiles.contains(&text), "{range}: {text} in {tiles}");
        }
        let chart = site.see(&format!("/?range={range}&by=kind")).await.body;
        assert!(chart.contains("mail <b>10</b>"), "{range}");
        for wait in told[3..5].iter().map(|cell| text_of(cell)) {
            assert!(
                chart.contains(&format!(r#"<tspan class="name">{wait}</tspan>"#)),
                "{range} {wait}"
            );
        }
        let failed = tiles
            .split("href=\"")
            .find(|rest| rest.starts_with("/jobs?") && rest.contains("failed"));
        let failed = failed.unwrap().split('"').next().unwrap().replace("&amp;", "&");
        let listed = site.see(&failed).await.body;
        assert_eq!(listed.matches("<tr id=\"row-").count(), 2, "{failed}");
    }
}

#[tokio::test]
async fn the_pages_of_kinds_and_the_dashboard_leave_out_the_same_hours() {
    let mut site = Site::signed_in().await;
    // At 08:00 one ends; at 08:00 of the next day its hour is not among the last 24 any more.
    enqueue(&site, "mail").await;
    let lease = poll(&site, "mail").await.unwrap();
    settle(&site, lease, Outcome::Done(true.into())).await;
    site.web.clock.advance(Duration::from_mins(23 * 60 + 30));
    let (admin, _) = site.web.store.account("admin".into()).await.unwrap().unwrap();
    site.cookie = site.login(&admin, "of the next day").await;
    for (range, is_told) in [("24h", true), ("1h", false)] {
        let [list, one, chart] = [
            site.see(&format!("/kinds?range={range}")).await.body.contains("/kinds/mail"),
            !site
                .see(&format!("/kinds/mail?range={range}"))
                .await
                .body
                .contains("No job ended in the range"),
            site.see(&format!("/?range={range}&by=kind")).await.body.contains("mail <b>1</b>"),
        ];
        assert_eq!([list, one, chart], [is_told; 3], "{range}");
    }
    site.web.clock.advance(Duration::from_mins(30));
    site.cookie = site.login(&admin, "of half an hour later").await;
    let list = site.see("/kinds?range=24h").await.body;
    let one = site.see("/kinds/mail?range=24h").await.body;
    assert!(!list.contains("/kinds/mail") && one.contains("No job ended in the range"), "{list}");
}

#[tokio::test]
async fn a_kind_without_jobs_that_nobody_handles_is_not_there() {
    let site = Site::signed_in().await;
    enqueue(&site, "mail").await;
    assert_eq!(site.see("/kinds/mail").await.status, 200, "one waits");
    let none = site.see("/kinds/none_such").await;
    assert_eq!(none.status, 404);
    assert!(none.body.contains("There is no such kind"), "{}", none.body);
}

//! Tests of the pages of schedules: what they show, what their buttons and the form do, and for which roles.

use super::work::{HOSTILE, assert_inert, error, poll, settle};
use super::*;
use crate::model::{
    CatchUp, JobId, Kind, NewSchedule, Outcome, Plan, Rule, Schedule, ScheduleName, Status, Trigger,
};

fn name(text: &str) -> ScheduleName {
    ScheduleName::parse(text).unwrap()
}

async fn add(site: &Site, called: &str, rule: &str) {
    add_at(site, called, rule, START).await;
}

async fn add_at(site: &Site, called: &str, rule: &str, at: Timestamp) {
    let rule = Rule::parse(rule, at).unwrap();
    let plan = Plan::new(rule, Kind::parse("report").unwrap());
    let new = NewSchedule { name: name(called), plan };
    site.web.store.create_schedule(new, Actor::cli(), at).await.unwrap();
}

async fn stored(site: &Site, called: &str) -> Schedule {
    site.web.store.schedule(name(called)).await.unwrap().unwrap()
}

/// The form as the page fills it in, with one field changed.
fn form(field: &str, value: &str) -> String {
    let mut fields = vec![
        ("rule", "30 2 * * * Europe/Berlin"),
        ("kind", "report"),
        ("payload", "{}"),
        ("queue", ""),
        ("priority", ""),
        ("catch_up", "once"),
        ("overlap", "queue_one"),
        ("stagger", "0"),
    ];
    fields.retain(|(name, _)| *name != field);
    fields.push((field, value));
    serde_urlencoded::to_string(fields).unwrap()
}

#[tokio::test]
async fn the_list_says_when_each_is_due_and_what_was_decided() {
    let site = Site::signed_in().await;
    assert!(site.see("/schedules").await.body.contains("No schedules yet"));
    add(&site, "nightly", "30 2 * * * Europe/Berlin").await;
    add(&site, "often", "15m").await;
    let body = site.see("/schedules").await.body;
    assert!(body.contains("at 02:30 every day (Europe/Berlin)"), "{body}");
    assert!(body.contains("16 Jan 01:30 · 02:30 CET</div>"), "{body}");
    assert!(body.contains("every 15 minutes") && body.contains("none yet"));
    assert!(poll(&site, "report").await.is_some(), "the interval is due at once");
    let body = site.see("/schedules").await.body;
    assert!(body.contains("The last runs, 1: 1 running"), "{body}");
    assert_inert(&body);
}

#[tokio::test]
async fn the_lane_of_a_schedule_that_runs_each_minute_reaches_to_the_end_of_the_day() {
    let site = Site::signed_in().await;
    add(&site, "minutely", "* * * * * UTC").await;
    let body = site.see("/schedules").await.body;
    let last = body
        .rsplit_once("<circle")
        .unwrap()
        .1
        .split_once(" cx=\"")
        .unwrap()
        .1
        .split_once('%')
        .unwrap()
        .0;
    let last: f64 = last.parse().unwrap();
    assert!(last > 98.0, "the last dot is at {last} % of the width, and the lane ends at 99 %");
    let dots = body.matches("<title>minutely: ").count();
    assert!((280..=289).contains(&dots), "a dot for each five minutes at most: {dots}");
}

#[tokio::test]
async fn a_paused_schedule_says_that_its_next_five_do_not_run() {
    let site = Site::signed_in().await;
    add(&site, "nightly", "30 2 * * * UTC").await;
    assert!(!site.see("/schedules/nightly").await.body.contains("would run"));
    site.submit("/schedules/nightly/pause", "").await;
    let body = site.see("/schedules/nightly").await.body;
    assert_eq!(body.matches("paused: would run <time").count(), 5, "{body}");
    add(&site, "hourly", "0 * * * * UTC").await;
    site.submit("/schedules/hourly/pause", "").await;
    let body = site.see("/schedules/hourly").await.body;
    let says = "No job: the schedule is paused since 15 Jan 08:00:00 UTC by admin. When somebody resumes it, this one is \
        skipped.";
    assert_eq!(body.matches(says).count(), 1, "{body}");
    assert!(body.contains("Not decided"), "{body}");
}

#[tokio::test]
async fn a_schedules_page_shows_its_next_five_its_warnings_and_its_decisions() {
    let site = Site::signed_in().await;
    let three_days_ago = Timestamp::from_millis(START.millis() - 3 * 86_400_000);
    add_at(&site, "nightly", "30 2 * * * Europe/Berlin", three_days_ago).await;
    poll(&site, "report").await.unwrap();
    let body = site.see("/schedules/nightly").await.body;
    let warning = "on 2027-03-28 02:30 does not exist in Europe/Berlin: it runs at 03:00.";
    for text in ["Wed 20 Jan 2027 02:30", "Wed 20 Jan 2027 01:30", warning, "Caught up", "Merged"] {
        assert!(body.contains(text), "{text}: {body}");
    }
    let next = body.split_once("id=\"schedule-facts\"").unwrap().0;
    let next = next.split_once("id=\"schedule-next\"").unwrap().1;
    assert_eq!(next.matches("2027 02:30</td>").count(), 5);
    for text in [
        "The last one was planned for Fri 2027-01-15 02:30:00 CET. Decided 6 h 30 min after its time",
        "Started 6 h 30 min late. Runs.",
        "2 occurrences from this one on were missed; the job of Fri 2027-01-15 02:30:00 CET stands for them.",
    ] {
        assert!(body.contains(text), "{text}: {body}");
    }
    assert!(body.contains(r#"href="/jobs/1""#));
    assert_inert(&body);
    let part = site.part("/schedules/nightly/part").await;
    assert!(part.body.contains("Caught up") && !part.body.contains("name=\"payload\""));
    let gone = site.see("/schedules/no_such_name").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert!(gone.body.contains("SCHED-NAME-001"));
    assert_eq!(site.see("/schedules/Odd%2FName").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_buttons_pause_resume_and_run_without_scripts() {
    let site = Site::signed_in().await;
    add(&site, "nightly", "30 2 * * * UTC").await;
    let paused = site.submit("/schedules/nightly/pause?on=list", "").await;
    assert_eq!((paused.status, paused.header("location")), (StatusCode::SEE_OTHER, "/schedules"));
    assert_eq!(stored(&site, "nightly").await.paused_by.as_deref(), Some("admin"));
    assert!(site.see("/schedules").await.body.contains("Paused"));
    let run = site.submit("/schedules/nightly/run-now", "").await;
    assert_eq!(run.header("location"), "/jobs/1");
    let job = site.web.store.job(JobId(1)).await.unwrap().unwrap();
    assert_eq!((job.trigger, job.status, job.occurrence), (Trigger::Manual, Status::Queued, None));
    let resumed = site.submit("/schedules/nightly/resume", "").await;
    assert_eq!(resumed.header("location"), "/schedules/nightly");
    assert_eq!(stored(&site, "nightly").await.paused_at, None);
    let program = own_form("/schedules/nightly/pause").header("cookie", &site.cookie);
    assert_eq!(site.send(bare(program)).await.json()["paused"], true);
}

#[tokio::test]
async fn an_admin_edits_a_schedule_and_hears_what_does_not_fit() {
    let site = Site::signed_in().await;
    add(&site, "nightly", "30 2 * * * UTC").await;
    let saved = site.submit("/schedules/nightly/edit", &form("catch_up", "all:3")).await;
    assert_eq!(saved.header("location"), "/schedules/nightly", "{}", saved.body);
    let plan = stored(&site, "nightly").await.plan.unwrap();
    assert_eq!(plan.catch_up, CatchUp::All { max: 3 });
    assert_eq!(plan.rule, Rule::cron("30 2 * * *", "Europe/Berlin").unwrap());
    for (field, value, why) in [
        ("rule", "30 25 * * * UTC", "25"),
        ("rule", "30 2 * * *", "name the zone"),
        ("rule", "2020-01-01T00:00:00Z", "SCHED-RULE-002"),
        ("kind", "No Kind", "No Kind"),
        ("payload", "{", "no JSON"),
        ("queue", "a-b", "a-b"),
        ("priority", "101", "-100 to 100"),
        ("priority", "high", "a number"),
        ("catch_up", "all:1000", "1 to 100"),
        ("overlap", HOSTILE, "queue_all"),
        ("stagger", "-1", "a length of time is written 90s"),
        ("stagger", "86401", "its stagger is a day at most"),
        ("kind", "golden_repo", "missing field"),
    ] {
        let refused = site.submit("/schedules/nightly/edit", &form(field, value)).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{field} {value}");
        assert!(refused.body.contains(why), "{field} {value}: {}", refused.body);
        assert!(refused.body.contains("role=\"alert\"") && refused.body.contains("Next five"));
        assert_inert(&refused.body);
    }
    assert_eq!(stored(&site, "nightly").await.plan.unwrap(), plan, "nothing was changed");
    let lost = site.submit("/schedules/no_such_name/edit", &form("rule", "15m")).await;
    assert_eq!(lost.status, StatusCode::NOT_FOUND);
}

/// The form for a new schedule as the page fills it in.
fn new_form(fields: &[(&str, &str)]) -> String {
    let mut all = vec![
        ("name", "nightly_export"),
        ("runs", "daily"),
        ("at", "02:30"),
        ("zone", "America/New_York"),
        ("kind", "report"),
        ("payload", r#"{"days":30}"#),
        ("queue", ""),
        ("priority", ""),
        ("catch_up", "once"),
        ("overlap", "queue_one"),
        ("stagger", "0"),
    ];
    all.retain(|(name, _)| fields.iter().all(|(other, _)| name != other));
    all.extend(fields);
    serde_urlencoded::to_string(all).unwrap()
}

#[tokio::test]
async fn a_schedule_is_made_by_the_form_and_a_refusal_keeps_every_text() {
    let site = Site::signed_in().await;
    let page = site.see("/schedules/new-schedule").await.body;
    assert!(page.contains("At 02:30 every day (UTC)"), "{page}");
    for (fields, status, why) in [
        (vec![("name", "No Name")], StatusCode::BAD_REQUEST, "only a-z, 0-9 and _"),
        (vec![("at", "25:00")], StatusCode::BAD_REQUEST, "it is written 02:30"),
        (vec![("runs", "yearly")], StatusCode::BAD_REQUEST, "it is one of every"),
        (vec![("zone", "Istanbul")], StatusCode::BAD_REQUEST, "it is a part of several"),
        (vec![("payload", "{")], StatusCode::BAD_REQUEST, "no JSON"),
    ] {
        let refused = site.submit("/schedules/new-schedule", &new_form(&fields)).await;
        assert_eq!(refused.status, status, "{fields:?}");
        assert!(refused.body.contains(why), "{why}: {}", refused.body);
        for kept in ["value=\"report\"", fields[0].1] {
            assert!(refused.body.contains(kept), "{kept}: {}", refused.body);
        }
    }
    let shown = site.submit("/schedules/new-schedule", &new_form(&[("preview", "yes")])).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.body.contains("At 02:30 every day (America/New_York)"), "{}", shown.body);
    assert!(site.web.store.schedules(0, 9).await.unwrap().0.is_empty(), "nothing is stored");

    // A part of a zone's name that means several is told while the preview cannot read the rule, and no longer.
    let refused = site.submit("/schedules/new-schedule", &new_form(&[("zone", "Istanbul")])).await;
    assert!(refused.body.contains(r#"data-refused="rule""#), "{}", refused.body);
    let refused = site.submit("/schedules/new-schedule", &new_form(&[("payload", "{")])).await;
    assert!(!refused.body.contains(r#"data-refused="rule""#), "{}", refused.body);
    let part = [("zone", "Berlin"), ("name", "in_part")];
    let made = site.submit("/schedules/new-schedule", &new_form(&part)).await;
    assert_eq!(made.header("location"), "/schedules/in_part", "{}", made.body);
    let plan = stored(&site, "in_part").await.plan.unwrap();
    assert_eq!(plan.rule, Rule::cron("30 2 * * *", "Europe/Berlin").unwrap());

    let made = site.submit("/schedules/new-schedule", &new_form(&[])).await;
    assert_eq!(made.header("location"), "/schedules/nightly_export", "{}", made.body);
    let plan = stored(&site, "nightly_export").await.plan.unwrap();
    assert_eq!(plan.rule, Rule::cron("30 2 * * *", "America/New_York").unwrap());
    assert_eq!(plan.payload.to_string(), r#"{"days":30}"#);
    let again = site.submit("/schedules/new-schedule", &new_form(&[])).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let still = site
        .submit("/schedules/new-schedule", &new_form(&[("name", "still"), ("paused", "yes")]))
        .await;
    assert_eq!(still.header("location"), "/schedules/still");
    assert!(stored(&site, "still").await.paused_at.is_some());
}

#[tokio::test]
async fn the_prompt_of_a_session_goes_into_its_payload_and_comes_back_into_the_form() {
    let site = Site::signed_in().await;
    let fields = [
        ("name", "look"),
        ("kind", "agent_session"),
        ("prompt", "Look at the shop."),
        ("payload", r#"{"tier":2}"#),
    ];
    let made = site.submit("/schedules/new-schedule", &new_form(&fields)).await;
    assert_eq!(made.header("location"), "/schedules/look", "{}", made.body);
    let payload = stored(&site, "look").await.plan.unwrap().payload.value();
    assert_eq!(payload, serde_json::json!({"tier": 2, "prompt": "Look at the shop."}));
    let page = site.see("/schedules/look").await.body;
    assert!(page.contains(">\nLook at the shop.</textarea>"), "{page}");
    // The box that confirms sessions without a sandbox is shown where the payload asks for such.
    assert!(page.contains("data-waiver hidden"), "{page}");
    let full = [fields[0], fields[1], fields[2], ("payload", r#"{"profile":"full"}"#)];
    let asked = site.submit("/schedules/new-schedule", &new_form(&full)).await;
    assert!(asked.status.is_client_error(), "{}", asked.body);
    assert!(asked.body.contains("data-waiver") && !asked.body.contains("data-waiver hidden"));
}

#[tokio::test]
async fn a_preview_says_what_a_rule_means_on_both_clocks_and_stores_nothing() {
    let site = Site::signed_in().await;
    let path = "/schedules/rule-preview?runs=daily&at=02%3A30&zone=America%2FNew_York";
    let seen = site.part(path).await;
    assert_eq!(seen.status, StatusCode::OK);
    for text in [
        "At 02:30 every day (America/New_York)",
        "data-cron=\"30 2 * * *\"",
        "Sat 16 Jan 2027 02:30",
        "On 2027-03-14 02:30 does not exist in America/New_York: it runs at 03:00.",
    ] {
        assert!(seen.body.contains(text), "{text}: {}", seen.body);
    }
    assert_eq!(seen.body.matches("<tr").count(), 6, "a head and five");
    let cookie = format!("{}; lamplighter-zone=Europe/Zurich", site.cookie);
    let yours = site
        .send(bare(ask(Method::GET, path).header("hx-request", "true").header("cookie", cookie)))
        .await;
    assert!(
        yours.body.contains("Yours, Zurich") && yours.body.contains("Sat 16 Jan 2027 08:30"),
        "{}",
        yours.body
    );
    let wrong = site.part("/schedules/rule-preview?runs=cron&cron=61+*+*+*+*&zone=UTC").await;
    assert_eq!(wrong.status, StatusCode::OK);
    assert!(wrong.body.contains("61"), "{}", wrong.body);
    let over =
        site.part("/schedules/rule-preview?runs=once&once=2020-01-01T00%3A00&zone=UTC").await;
    assert!(over.body.contains("no occurrence to come"), "{}", over.body);
    assert!(site.web.store.schedules(0, 9).await.unwrap().0.is_empty());
}

#[tokio::test]
async fn a_schedule_whose_jobs_fail_is_not_green() {
    let site = Site::signed_in().await;
    add(&site, "often", "15m").await;
    let lease = poll(&site, "report").await.unwrap();
    settle(&site, lease, Outcome::Fatal(error("it broke"))).await;
    let body = site.see("/schedules").await.body;
    assert!(body.contains("The last run failed") && body.contains("class=\"o-x\""), "{body}");
    assert!(!body.contains("tag-ok"), "{body}");
}

#[tokio::test]
async fn a_schedule_is_deleted_after_its_consequence_was_read() {
    let site = Site::signed_in().await;
    add(&site, "nightly", "30 2 * * * UTC").await;
    let page = site.see("/schedules/nightly").await.body;
    assert!(page.contains("Delete…") && page.contains("The jobs that it made stay."), "{page}");
    let gone = site.submit("/schedules/nightly/remove", "").await;
    assert_eq!(gone.header("location"), "/schedules");
    assert!(site.web.store.schedule(name("nightly")).await.unwrap().is_none());
    assert_eq!(site.submit("/schedules/nightly/remove", "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_self_monitoring_schedule_is_left_to_its_settings() {
    let site = Site::signed_in().await;
    let set = async |value: &str| {
        site.submit("/settings/self_monitoring.enabled", &format!("value={value}")).await
    };
    set("true").await;
    let page = site.see("/schedules/self_monitoring").await.body;
    assert!(page.contains("lamplighter settings set self_monitoring.cadence"), "{page}");
    assert!(!page.contains("/self_monitoring/pause") && !page.contains("/self_monitoring/edit"));
    for path in ["pause", "resume", "edit"] {
        let path = format!("/schedules/self_monitoring/{path}");
        let refused = site.submit(&path, &form("kind", "report")).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{path}");
        assert!(refused.body.contains("SCHED-NAME-003"));
    }
    let run = site.submit("/schedules/self_monitoring/run-now", "").await;
    assert_eq!(run.header("location"), "/jobs/1");
    set("false").await;
    assert!(site.see("/schedules").await.body.contains(">Off<"));
}

#[tokio::test]
async fn hostile_text_of_schedules_stays_text() {
    let site = Site::signed_in().await;
    add(&site, "nightly", "30 2 * * * UTC").await;
    let payload = serde_json::json!({ "text": HOSTILE }).to_string();
    site.submit("/schedules/nightly/edit", &form("payload", &payload)).await;
    let body = site.see("/schedules/nightly").await.body;
    assert!(body.contains("&lt;script&gt;"));
    assert_inert(&body);
}

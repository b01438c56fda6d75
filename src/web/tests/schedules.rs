//! Tests of the pages of schedules: what they show, what their buttons and the form do, and for which roles.

use super::work::{HOSTILE, assert_inert, poll};
use super::*;
use crate::model::{
    CatchUp, JobId, Kind, NewSchedule, Plan, Rule, Schedule, ScheduleName, Status, Trigger,
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
    assert!(body.contains("Sat 2027-01-16 02:30:00 CET"), "{body}");
    assert!(body.contains("every 15 minutes") && body.contains("none yet"));
    assert!(poll(&site, "report").await.is_some(), "the interval is due at once");
    let body = site.see("/schedules").await.body;
    assert!(body.contains("The last decisions: 1, of which 1 made a job"), "{body}");
    assert_inert(&body);
}

#[tokio::test]
async fn a_schedules_page_shows_its_next_five_its_warnings_and_its_decisions() {
    let site = Site::signed_in().await;
    let three_days_ago = Timestamp::from_millis(START.millis() - 3 * 86_400_000);
    add_at(&site, "nightly", "30 2 * * * Europe/Berlin", three_days_ago).await;
    poll(&site, "report").await.unwrap();
    let body = site.see("/schedules/nightly").await.body;
    let warning = "on 2027-03-28 02:30 does not exist in Europe/Berlin: it runs at 03:00.";
    for text in
        ["Wed 2027-01-20 02:30:00 CET", "2027-01-20 01:30:00", warning, "Caught up", "Merged"]
    {
        assert!(body.contains(text), "{text}: {body}");
    }
    assert_eq!(body.matches("02:30:00 CET").count(), 5);
    assert!(body.contains(r#"href="/jobs/1""#));
    assert_inert(&body);
    let part = site.part("/schedules/nightly/part").await;
    assert!(part.body.contains("Caught up") && !part.body.contains("<form class=\"card-body\""));
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

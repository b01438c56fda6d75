//! Tests of the pages of settings and of queues.

use super::super::audit::PART_PATH as AUDIT_PATH;
use super::super::components::{capital, separated};
use super::super::nav::{AGENT_SETTINGS, RETENTION_SETTINGS, SYSTEM, TRACKER_SETTINGS};
use super::super::settings::checks::PART_PATH;
use super::super::settings::{PATH, RESUME_PATH, STOP_PATH};
use super::work::{HOSTILE, assert_inert, enqueue, poll};
use super::*;
use crate::model::settings;
use crate::model::{JobId, Queue, QueueState, Readiness, Service, ServiceRun};

fn form(fields: &[(&str, &str)]) -> String {
    serde_urlencoded::to_string(fields).unwrap()
}

async fn value(site: &Site, key: &str) -> String {
    let all = site.web.store.all_settings().await.unwrap();
    all.into_iter().find(|state| state.setting.key == key).unwrap().text()
}

async fn queue(site: &Site, name: &Queue) -> QueueState {
    let queues = site.web.store.queues().await.unwrap();
    queues.into_iter().find(|queue| queue.name == *name).unwrap()
}

#[tokio::test]
async fn every_setting_has_its_field_with_what_it_takes_and_its_default() {
    let site = Site::signed_in().await;
    assert!(site.see(SYSTEM).await.body.contains("The server has not looked yet."));
    let ran = Ok::<_, crate::Error>("claimed 2 jobs".to_owned());
    site.web.store.ran(&Service::Poller, START, ran);
    let refused = ServiceRun::new(START, Err("The tracker does not know the token: 401"));
    let answered = ServiceRun::new(START, Ok::<_, &str>("Its issues are private.".to_owned()));
    for (answer, look, said) in [
        (None, "Not seen yet", "github, shop/lamps, was not asked yet."),
        (
            Some(refused),
            "Attention",
            "gave no good answer: The tracker does not know the token: 401",
        ),
        (Some(answered), "OK", "github, shop/lamps, answered. Its issues are private."),
    ] {
        let is_asked = answer.is_some();
        site.web.store.say(|facts| {
            facts.tracker = Some(Readiness::ready("github, shop/lamps"));
            facts.issue_home = Some("api.github.com shop/lamps".to_owned());
            facts.tracker_answer = answer;
        });
        let page = site.see(SYSTEM).await.body;
        let asked = page.split("<dt>Issue tracker</dt>").nth(1).unwrap();
        let asked = asked.split("</dd>").next().unwrap();
        assert!(asked.contains(look) && asked.contains(said), "{asked}");
        assert_eq!(asked.contains("just now"), is_asked, "{asked}");
    }
    let local = Readiness::ready("local: issues are kept in this database");
    site.web.store.say(|facts| {
        facts.tracker = Some(local);
        facts.issue_home = Some("local".to_owned());
        facts.tracker_answer = None;
    });
    let page = site.see(SYSTEM).await.body;
    assert!(page.contains("Background services") && page.contains("claimed 2 jobs"), "{page}");
    assert!(
        page.contains("This server runs no agents.") && page.contains("local: issues are kept")
    );
    assert!(page.contains("lamplighter db backup FOLDER"), "{page}");
    assert_inert(&page);
    let general = site.see(PATH).await.body;
    assert!(general.contains("0 jobs") && general.contains(r#"href="/audit""#));
    assert!(!general.contains(r#"name="self_monitoring."#), "those are set in one place alone");
    let mut pages = String::new();
    for path in [AGENT_SETTINGS, TRACKER_SETTINGS, RETENTION_SETTINGS] {
        let page = site.see(path).await.body;
        assert!(general.contains(&format!(r#"href="{path}""#)), "{path}");
        assert_inert(&page);
        pages += &page;
    }
    for setting in settings::ALL {
        let is_here = !setting.key.starts_with("self_monitoring.");
        let takes = maud::html! { (separated(&setting.takes())) }.into_string();
        let named = format!(r#"name="{}""#, setting.key);
        assert_eq!(pages.contains(&named), is_here, "{}", setting.key);
        assert!(
            !is_here || pages.contains(&takes) || pages.contains(&capital(&takes)),
            "{}",
            setting.key
        );
    }
    for heading in settings_headings() {
        let is_here = heading != "Self-monitoring";
        assert_eq!(pages.contains(&format!(">{heading}</h2>")), is_here, "{heading}");
    }
}

#[tokio::test]
async fn a_form_of_settings_changes_all_of_its_fields_or_none_and_keeps_what_was_typed() {
    let site = Site::signed_in().await;
    let path = "/settings/groups/retention";
    let as_it_is = value(&site, "retention.jobs_days").await;
    let fields = [
        ("retention.logs_days", "9"),
        ("retention.agent_session_days", "8"),
        ("retention.jobs_days", as_it_is.as_str()),
    ];
    let deeds = site.web.store.deeds(9).await.unwrap().len();
    let saved = site.submit(path, &form(&fields)).await;
    let place = "/settings/retention?saved=settings#settings-retention";
    assert_eq!(saved.header("location"), place, "{}", saved.body);
    assert_eq!(value(&site, "retention.logs_days").await, "9");
    assert_eq!(
        site.web.store.deeds(9).await.unwrap().len(),
        deeds + 2,
        "what is as it was is no deed"
    );
    let both = [("retention.logs_days", "10"), ("retention.agent_session_days", "many")];
    let refused = site.submit(path, &form(&both)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    for text in
        ["1 field needs a change", r#"value="10""#, r#"value="many""#, "Nothing was changed"]
    {
        assert!(refused.body.contains(text), "{text}: {}", refused.body);
    }
    assert_eq!(value(&site, "retention.logs_days").await, "9");
    let strange = site.submit(path, "agent.max_turns=9").await;
    assert_eq!(strange.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.submit("/settings/groups/none", "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_form_of_settings_takes_back_nothing_that_somebody_else_saved_meanwhile() {
    let site = Site::signed_in().await;
    let (logs, sessions) = ("retention.logs_days", "retention.agent_session_days");
    let path = "/settings/groups/retention";
    let page = site.see(RETENTION_SETTINGS).await.body;
    let shown = |key: &str, text: &str| format!(r#"name="was.{key}" value="{text}""#);
    assert!(page.contains(&shown(logs, "7")) && page.contains(&shown(sessions, "90")), "{page}");
    let fields = |was: [&str; 2], typed: [&str; 2]| {
        let (was_logs, was_sessions) = (format!("was.{logs}"), format!("was.{sessions}"));
        form(&[
            (was_logs.as_str(), was[0]),
            (logs, typed[0]),
            (was_sessions.as_str(), was[1]),
            (sessions, typed[1]),
        ])
    };
    site.submit("/settings/retention.logs_days", "value=9").await;
    let saved = site.submit(path, &fields(["7", "90"], ["7", "8"])).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    assert_eq!([value(&site, logs).await, value(&site, sessions).await], ["9", "8"]);
    let refused = site.submit(path, &fields(["7", "8"], ["10", "11"])).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    for text in ["1 field needs a change", "somebody else has set it to &quot;9&quot;"] {
        assert!(refused.body.contains(text), "{text}: {}", refused.body);
    }
    for text in [r#"value="10""#, r#"value="11""#, &shown(logs, "9"), &shown(sessions, "8")] {
        assert!(refused.body.contains(text), "{text}: {}", refused.body);
    }
    assert_eq!([value(&site, logs).await, value(&site, sessions).await], ["9", "8"]);
    let again = site.submit(path, &fields(["9", "8"], ["10", "11"])).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.body);
    assert_eq!(value(&site, logs).await, "10");
    let same = site.submit(path, &fields(["9", "11"], ["10", "11"])).await;
    assert_eq!(same.status, StatusCode::SEE_OTHER, "what is so already is no quarrel");
}

#[tokio::test]
async fn enter_in_a_field_of_settings_saves_and_takes_nothing_back() {
    let site = Site::signed_in().await;
    site.submit("/settings/agent.max_turns", "value=60").await;
    let page = site.see(AGENT_SETTINGS).await.body;
    let forms: Vec<_> = page.split("<form data-unsaved").skip(1).collect();
    assert!(forms.iter().any(|form| form.contains(r#"name="default""#)), "{page}");
    for form in forms {
        let first = form.split("<button").nth(1).unwrap().split('>').next().unwrap();
        assert!(first.contains(r#"type="submit""#), "{first}");
        for other in ["name=", "formaction=", "hx-post="] {
            assert!(!first.contains(other), "{first}");
        }
    }
}

fn settings_headings() -> [&'static str; 5] {
    crate::model::SettingGroup::ALL.map(crate::model::SettingGroup::title)
}

#[tokio::test]
async fn a_setting_is_changed_in_place_refused_with_its_message_and_taken_back() {
    let site = Site::signed_in().await;
    let path = "/settings/agent.max_turns";
    let answer = site.submit(path, "agent.max_turns=60").await;
    assert_eq!(
        answer.header("location"),
        "/settings/agents?saved=settings#setting-agent-max-turns"
    );
    assert_eq!(value(&site, "agent.max_turns").await, "60");
    assert!(site.see("/settings/agents?saved=settings").await.body.contains(">Saved<"));
    for bad in ["0", "-5", "1.5", "many", "1001", ""] {
        let answer = site.submit(path, &form(&[("agent.max_turns", bad)])).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad:?}");
        let beside = answer.body.split(r#"id="setting-agent-max-turns-wrong""#).nth(1).unwrap();
        assert!(beside.split("</p>").next().unwrap().contains("turns from 1 to 1000"), "{bad:?}");
        assert_eq!(value(&site, "agent.max_turns").await, "60", "{bad:?}");
    }
    let htmx = own_form(path).header("hx-request", "true").header("cookie", &site.cookie);
    let answer = site.send(htmx.body("agent.max_turns=many".into()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body.starts_with("<section") && answer.body.contains(r#"value="many""#));
    let htmx = own_form(path).header("hx-request", "true").header("cookie", &site.cookie);
    let answer = site.send(htmx.body("agent.max_turns=61".into()).unwrap()).await;
    assert!(
        answer.body.starts_with("<section")
            && answer.body.contains("agent.max_turns is 61 from now on.")
    );
    let program = own_form(path).header("cookie", &site.cookie);
    let answer = site.send(program.body("value=70".into()).unwrap()).await;
    assert_eq!(answer.json()["status"], "saved");
    assert_eq!(value(&site, "agent.max_turns").await, "70");
    site.submit(path, "agent.max_turns=3&default=yes").await;
    assert_eq!(value(&site, "agent.max_turns").await, "40");
    let other = site.submit(path, "agent.max_minutes=9").await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST);
    let unknown = site.submit("/settings/no.such", "value=1").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    assert!(unknown.body.contains("Could not find the setting &quot;no.such&quot;"));
}

#[tokio::test]
async fn stop_all_asks_what_runs_to_end_and_says_so_until_somebody_resumes() {
    let site = Site::signed_in().await;
    enqueue(&site, "other").await;
    enqueue(&site, "other").await;
    poll(&site, "other").await.unwrap();
    assert!(
        site.see(PATH).await.body.contains("<strong>1 job</strong> running now is asked to end.")
    );
    let answer = site.submit(STOP_PATH, &form(&[("reason", HOSTILE)])).await;
    assert_eq!(answer.header("location"), PATH);
    let stop = site.web.store.stopped().await.unwrap().unwrap();
    assert_eq!((stop.by.as_str(), stop.reason.as_str()), ("admin", HOSTILE));
    let job = site.web.store.job(JobId(1)).await.unwrap().unwrap();
    assert!(job.cancel_requested_at.is_some());
    for path in [PATH, "/", "/queues"] {
        let body = site.see(path).await.body;
        assert!(body.contains("Everything is stopped.") && body.contains("alert(1)&lt;"), "{path}");
        assert_inert(&body);
    }
    assert!(poll(&site, "other").await.is_none());
    site.submit(RESUME_PATH, "").await;
    assert!(site.web.store.stopped().await.unwrap().is_none());
    assert!(!site.see("/").await.body.contains("Everything is stopped."));
    let deeds = site.part(AUDIT_PATH).await.body;
    assert!(
        deeds.contains("<strong>unset</strong> engine.stopped")
            && deeds.contains("<strong>set</strong> engine.stopped"),
        "{deeds}"
    );
}

#[tokio::test]
async fn the_parts_of_the_settings_answer_nothing_while_nothing_changed() {
    let site = Site::signed_in().await;
    let again = |body: &str| {
        let path = body.split("hx-get=\"").nth(1).unwrap().split('"').next().unwrap();
        path.replace("&amp;", "&")
    };
    for path in [PART_PATH, AUDIT_PATH, "/queues/part", "/repositories/list-part"] {
        let part = site.part(path).await;
        assert_eq!(part.status, StatusCode::OK, "{path}");
        assert_eq!(site.part(&again(&part.body)).await.status, StatusCode::NO_CONTENT, "{path}");
    }
    let part = site.part(AUDIT_PATH).await.body;
    site.submit("/settings/retention.logs_days", "value=9").await;
    let fresh = site.part(&again(&part)).await.body;
    assert!(fresh.contains("<strong>set</strong> retention.logs_days"), "{fresh}");
}

/// The rows of a pause and of its end lead to the queue; the one of the pause says when it was to end.
async fn assert_audited(site: &Site) {
    let audit = site.see("/audit").await.body;
    let queue = r#"<a href="/queues/default/figures">queue default</a>"#;
    for deed in ["pause", "resume"] {
        assert!(audit.contains(&format!("<strong>{deed}</strong> {queue}")), "{audit}");
    }
    assert!(audit.contains("(until Fri 15 Jan 2027 09:30 UTC)"), "{audit}");
    assert!(audit.contains("resumed; it was paused: "), "{audit}");
    assert_inert(&audit);
}

#[tokio::test]
async fn a_queue_shows_its_line_and_takes_a_limit_and_a_pause() {
    let site = Site::signed_in().await;
    assert!(site.see("/queues").await.body.contains("No queue has had a job"));
    site.leads(vec![KindRules::new(Kind::parse("other").unwrap())]).await;
    for _ in 0..12 {
        enqueue(&site, "other").await;
    }
    poll(&site, "other").await.unwrap();
    let page = site.see("/queues").await.body;
    assert!(page.contains(r#"Running: <a class="over" href="/jobs/1">other #1</a>"#), "{page}");
    assert!(page.contains(r#">11</a><div class="sub">first <time"#), "{page}");
    assert!(page.contains("Jobs started in each of the last 60 minutes: 1 at most"), "{page}");
    assert!(page.contains("<td class=\"num\" data-label=\"a minute\">under 0.1</td>"), "{page}");
    assert!(page.contains(">leads<"));
    assert!(!page.contains("No process handles"));
    let own = site.see("/queues/default/figures?range=1h").await.body;
    assert!(own.contains(r#">11</a><div class="sub">first <time"#), "{own}");
    assert!(own.contains("No job of this queue ended"), "{own}");
    for (name, status) in [("nobody", StatusCode::NOT_FOUND), ("a%20b", StatusCode::BAD_REQUEST)] {
        let answer = site.see(&format!("/queues/{name}/figures")).await;
        assert_eq!(answer.status, status, "{name}");
    }
    let answer = site.submit("/queues/limit", "queue=default&limit=3").await;
    let told = answer.header("location").to_owned();
    assert_eq!(told, "/queues?queue=default&done=limited");
    assert!(site.see(&told).await.body.contains("runs at most 3 at a time."));
    assert_eq!(queue(&site, &Queue::DEFAULT).await.operator_limit, Some(3));
    let page = site.see("/queues").await.body;
    assert!(page.contains(" · limit 3, set by admin <time"), "{page}");
    for bad in ["-1", "10001", "x", "1.5"] {
        let answer =
            site.submit("/queues/limit", &form(&[("queue", "default"), ("limit", bad)])).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
        assert!(answer.body.contains("a number from 0 to 10000") && answer.body.contains("<h1"));
    }
    assert_eq!(queue(&site, &Queue::DEFAULT).await.operator_limit, Some(3));
    site.submit("/queues/limit", "queue=default&limit=").await;
    assert_eq!(queue(&site, &Queue::DEFAULT).await.operator_limit, None);
    let pause = form(&[("queue", "default"), ("reason", HOSTILE), ("minutes", "90")]);
    let form_page = site.see("/queues?queue=default&open=pause").await.body;
    assert!(form_page.contains(">Pause default</button>") && form_page.contains("autofocus"));
    let told = site.submit("/queues/pause", &pause).await.header("location").to_owned();
    assert!(site.see(&told).await.body.contains("</b> is paused until "), "{told}");
    let paused = queue(&site, &Queue::DEFAULT).await.pause.unwrap();
    assert_eq!(paused.resume_at, Some(START.plus(std::time::Duration::from_mins(90))));
    let page = site.see("/queues").await.body;
    assert!(page.contains("Paused") && page.contains("in 1 h"));
    assert_inert(&page);
    for bad in ["0", "-5", "99999999999", "soon"] {
        let pause = form(&[("queue", "default"), ("reason", ""), ("minutes", bad)]);
        let answer = site.submit("/queues/pause", &pause).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    let unknown = site.submit("/queues/pause", "queue=nobody&reason=&minutes=").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(queue(&site, &Queue::DEFAULT).await.pause, Some(paused));
    let answer = site.submit("/queues/default/resume?on=queues", "").await;
    assert!(!site.see(&told).await.body.contains(" is paused until "), "it is not so any more");
    assert_audited(&site).await;
    let told = answer.header("location").to_owned();
    assert!(
        site.see(&told).await.body.contains("</b> is resumed: its jobs start again."),
        "{told}"
    );
    assert_eq!(queue(&site, &Queue::DEFAULT).await.pause, None);
    let own = site.see("/queues/default/figures").await.body;
    let history = own.split(r#"id="queue-pauses""#).nth(1).unwrap();
    assert!(history.contains("paused by admin") && history.contains(" by admin</td>"), "{history}");
    assert_inert(history);
    let waiting = "/jobs?q=queue%3Adefault+status%3Aqueued";
    assert!(own.contains(&format!("{waiting}\">Waiting jobs (11)")), "{own}");
}

//! Tests of the audit log: that each route that changes something leaves its row, and what the page shows.

use super::super::new_setup_code;
use super::super::route::{Gate, Route};
use super::super::routes::routes;
use super::super::self_monitoring::{change_issue, configuration, prompt, refile, status};
use super::super::settings::groups::{GROUP_PATH, SET_PATH};
use super::super::{
    approvals, batch, bulk, error as page_of_error, job, job_forms, nav, needs, new_job, own,
    person, queue, queues, repositories,
};
use super::super::{new_schedule, schedule, schedules, settings, tokens, trigger, views};
use super::work::{HOSTILE, assert_inert, complete_with_issue, enqueue, error, lead, poll, settle};
use super::*;
use crate::actions::people::Password;
use crate::model::{
    JobId, NewJob, NewSchedule, Outcome, Plan, Queue, RemoteKind, Role, Rule, ScheduleName,
    Tracker, Username,
};
use std::collections::BTreeSet;
use std::time::Duration;

/// The routes that were used, and what they left that is not as it should be.
#[derive(Default)]
struct Seen {
    routes: BTreeSet<&'static str>,
    wrong: Vec<String>,
}

impl Seen {
    /// Sends a form, which is to leave rows with these verbs and subjects, the oldest first, and no other.
    async fn press(
        &mut self,
        site: &Site,
        route: &'static str,
        (path, form): (&str, &str),
        left: &[&str],
    ) -> Answer {
        let before = newest(site).await;
        let answer = site.submit(path, form).await;
        if !answer.status.is_success() && !answer.status.is_redirection() {
            self.wrong.push(format!("{path}: {} {}", answer.status, answer.body));
        }
        let deeds = site.web.store.deeds(50).await.unwrap();
        let new: Vec<_> = deeds.into_iter().filter(|deed| deed.id > before).rev().collect();
        let told: Vec<_> =
            new.iter().map(|deed| format!("{} {}", deed.action, deed.subject)).collect();
        if told != left {
            self.wrong.push(format!("{path}: {told:?}, not {left:?}"));
        }
        for deed in &new {
            let by = (deed.by.name.as_str(), deed.by.remote.as_deref());
            if ![("admin", Some("127.0.0.1")), ("setup", Some("127.0.0.1"))].contains(&by) {
                self.wrong.push(format!("{path}: by {by:?}"));
            }
        }
        self.routes.insert(route);
        answer
    }
}

async fn newest(site: &Site) -> i64 {
    site.web.store.deeds(1).await.unwrap().first().map_or(0, |deed| deed.id)
}

/// Every route that changes something is pressed once, and leaves what is said here.
#[tokio::test]
async fn each_route_that_changes_something_leaves_its_row() {
    let mut seen = Seen::default();
    let seen = &mut seen;
    of_people(seen).await;
    of_jobs(seen).await;
    of_errors(seen).await;
    of_queues_and_schedules(seen).await;
    of_program(seen).await;
    // What a program asks for with a token leaves its row in the tests of tokens.
    let is_pages = |route: &Route| !matches!(route.gate, Gate::ByToken);
    let all = routes(true, true).into_iter().filter(is_pages);
    let all = all.filter(|Route { method, .. }| *method == Method::POST);
    let all: BTreeSet<_> = all.map(|Route { path, .. }| path).collect();
    assert_eq!(seen.routes, all);
    assert!(seen.wrong.is_empty(), "{}", seen.wrong.join("\n"));
}

async fn of_people(seen: &mut Seen) {
    let hash = Password::read(PASSWORD, None).unwrap().hash().unwrap();
    let mut site = Site::empty();
    let made = new_setup_code().unwrap();
    site.web.store.set_setup_code(made.hash, Duration::from_mins(15), START).await.unwrap();
    let twice = "password=a+lamp+in+every+street&repeat=a+lamp+in+every+street";
    let path = format!("/setup/{}", made.code);
    let left = ["create account admin", "sign in admin"];
    seen.press(&site, "/setup/{code}", (&path, twice), &left).await;
    let right = "username=admin&password=a+lamp+in+every+street";
    let answer = seen.press(&site, nav::LOGIN, (nav::LOGIN, right), &["sign in admin"]).await;
    site.cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    let again = "password=a+lamp+in+every+street";
    let left = ["give password again admin"];
    let answer = seen.press(&site, nav::PASSWORD, (nav::PASSWORD, again), &left).await;
    site.cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    let add = format!("name=ada&role=operator&{twice}");
    seen.press(&site, nav::PEOPLE, (nav::PEOPLE, &add), &["create account ada"]).await;
    let (ada, _) = site.web.store.account("ada".into()).await.unwrap().unwrap();
    site.login(&ada, "one of hers").await;
    of_tokens(seen, &site).await;
    for (route, path, form, left) in [
        (person::END_PATH, "/users/ada/logins/end", "login=all", "end logins ada"),
        (person::ROLE_PATH, "/users/ada/role", "role=viewer", "change role ada"),
        (person::PASSWORD_PATH, "/users/ada/password", twice, "set password ada"),
        (person::DISABLE_PATH, "/users/ada/disable", "", "disable account ada"),
        (person::ENABLE_PATH, "/users/ada/enable", "", "enable account ada"),
        (person::REMOVE_PATH, "/users/ada/remove", "", "remove account ada"),
        (own::END_PATH, "/account/logins/end", "login=others", "end logins admin"),
        (own::PASSWORD_PATH, "/account/password", twice, "set password admin"),
    ] {
        seen.press(&site, route, (path, form), &[left]).await;
    }
    let site = Site::with_admin(&hash).await;
    seen.press(&site, nav::LOGOUT, (nav::LOGOUT, ""), &["sign out admin"]).await;
}

async fn of_tokens(seen: &mut Seen, site: &Site) {
    // Which id a token gets is chance, so that the row that tells of its making is looked for afterwards.
    let made = site.submit(nav::TOKENS, "name=shop&role=viewer").await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let id = site.web.store.tokens(None).await.unwrap()[0].id.clone();
    let deed = site.web.store.deeds(1).await.unwrap().remove(0);
    let subject = format!("shop of admin ({id})");
    assert_eq!((deed.action.as_str(), &deed.subject), ("create token", &subject));
    seen.routes.insert(nav::TOKENS);
    for (route, deed) in [(tokens::ROTATE_PATH, "rotate"), (tokens::REVOKE_PATH, "revoke")] {
        let (path, left) = (format!("/tokens/{id}/{deed}"), format!("{deed} token {subject}"));
        seen.press(site, route, (&path, ""), &[&left]).await;
    }
}

async fn of_errors(seen: &mut Seen) {
    let site = Site::signed_in().await;
    enqueue(&site, "mail").await;
    let lease = poll(&site, "mail").await.unwrap();
    settle(&site, lease, Outcome::Fatal(error("bounced"))).await;
    let range = (START.minus(Duration::from_hours(1)), START.plus(Duration::from_hours(1)));
    let print = site.web.store.job_errors(range, 1).await.unwrap().remove(0).fingerprint;
    for (route, deed) in
        [(page_of_error::MUTE_PATH, "mute"), (page_of_error::UNMUTE_PATH, "unmute")]
    {
        let (path, left) = (format!("/errors/{print}/{deed}"), format!("{deed} error {print}"));
        seen.press(&site, route, (&path, "length=1h"), &[&left]).await;
    }
    let (kept, form) = ("jobs: Mails", "page=jobs&name=Mails&q=kind:mail");
    seen.press(&site, views::PATH, (views::PATH, form), &[&format!("save view {kept}")]).await;
    let left = format!("remove view {kept}");
    seen.press(&site, views::REMOVE_PATH, ("/views/1/remove", "page=jobs"), &[&left]).await;
    let later = NewJob {
        run_at: Some(START.plus(Duration::from_hours(1))),
        ..NewJob::new(Kind::parse("mail").unwrap())
    };
    let id = site.web.store.enqueue(later, START).await.unwrap().id();
    let (path, left) = (format!("/jobs/{id}/edit"), format!("edit job {id} (mail)"));
    seen.press(&site, job_forms::EDIT_PATH, (&path, "attempts=9"), &[&left]).await;
    let path = format!("/jobs/{id}/copy");
    let left = ["enqueue job 3 (mail)"];
    seen.press(&site, job_forms::COPY_PATH, (&path, "payload=%7B%7D"), &left).await;
    let form = "act=delete&q=status:failed&changes=1&before=9";
    seen.press(&site, bulk::PATH, (bulk::PATH, form), &["delete job 1 (mail, failed)"]).await;
}

async fn of_jobs(seen: &mut Seen) {
    let site = Site::signed_in().await;
    let form = "kind=mail&payload=%7B%7D";
    seen.press(&site, new_job::PATH, (new_job::PATH, form), &["enqueue job 1 (mail)"]).await;
    seen.press(&site, job::CANCEL_PATH, ("/jobs/1/cancel", ""), &["cancel job 1 (mail)"]).await;
    seen.press(&site, job::RUN_AGAIN_PATH, ("/jobs/1/run-again", ""), &["enqueue job 2 (mail)"])
        .await;
    seen.press(
        &site,
        job::DELETE_PATH,
        ("/jobs/1/delete", ""),
        &["delete job 1 (mail, cancelled)"],
    )
    .await;
    let later = NewJob {
        run_at: Some(START.plus(Duration::from_hours(1))),
        ..NewJob::new(Kind::parse("mail").unwrap())
    };
    let id = site.web.store.enqueue(later, START).await.unwrap().id();
    let (path, left) = (format!("/jobs/{id}/run-now"), format!("run now job {id} (mail)"));
    seen.press(&site, job::RUN_NOW_PATH, (&path, ""), &[&left]).await;
    let follows = Some(NewJob::new(Kind::parse("report").unwrap()));
    let open = site.web.store.open_batch("mails".into(), follows, START).await.unwrap();
    let (path, left) = (format!("/batches/{open}/cancel"), format!("cancel batch {open}"));
    seen.press(&site, batch::CANCEL_PATH, (&path, ""), &[&left]).await;
}

async fn of_queues_and_schedules(seen: &mut Seen) {
    let site = Site::signed_in().await;
    enqueue(&site, "mail").await;
    poll(&site, "mail").await.unwrap();
    for (route, path, form, left) in [
        (queues::LIMIT_PATH, "/queues/limit", "queue=default&limit=4", "limit queue default"),
        (queues::PAUSE_PATH, "/queues/pause", "queue=default&reason=x", "pause queue default"),
        (queue::RESUME_PATH, "/queues/default/resume", "", "resume queue default"),
        (settings::STOP_PATH, settings::STOP_PATH, "reason=x", "set engine.stopped"),
        (settings::RESUME_PATH, settings::RESUME_PATH, "", "unset engine.stopped"),
        (SET_PATH, "/settings/retention.logs_days", "value=9", "set retention.logs_days"),
        (
            GROUP_PATH,
            "/settings/groups/retention",
            "retention.logs_days=8",
            "set retention.logs_days",
        ),
    ] {
        seen.press(&site, route, (path, form), &[left]).await;
    }
    let plan = Plan::new(Rule::parse("15m", START).unwrap(), Kind::parse("mail").unwrap());
    let new = NewSchedule { name: ScheduleName::parse("nightly").unwrap(), plan };
    site.web.store.create_schedule(new, Actor::cli(), START).await.unwrap();
    for (route, deed, left) in [
        (schedules::PAUSE_PATH, "pause", "pause schedule nightly"),
        (schedules::RESUME_PATH, "resume", "resume schedule nightly"),
    ] {
        seen.press(&site, route, (&format!("/schedules/nightly/{deed}"), ""), &[left]).await;
    }
    let edit =
        "rule=30m&kind=mail&payload=null&queue=&priority=&catch_up=once&overlap=skip&stagger=0";
    let path = "/schedules/nightly/edit";
    seen.press(&site, schedule::EDIT_PATH, (path, edit), &["edit schedule nightly"]).await;
    let left = ["run now schedule nightly: job 2"];
    seen.press(&site, schedules::RUN_NOW_PATH, ("/schedules/nightly/run-now", ""), &left).await;
    let new = format!("name=weekly&{edit}");
    seen.press(&site, new_schedule::PATH, (new_schedule::PATH, &new), &["add schedule weekly"])
        .await;
    let path = "/schedules/weekly/remove";
    seen.press(&site, schedule::REMOVE_PATH, (path, ""), &["remove schedule weekly"]).await;
}

async fn of_program(seen: &mut Seen) {
    let site = Site::signed_in().await;
    lead(&site).await;
    let left = ["enqueue job 1 (self_monitoring)"];
    seen.press(&site, status::RUN_NOW_PATH, (status::RUN_NOW_PATH, ""), &left).await;
    let approval = Tracker::Remote { kind: RemoteKind::Github, approval: true };
    complete_with_issue(&site, "Payments fail", approval).await;
    let waiting = site.web.store.waiting_filings(1).await.unwrap().remove(0);
    let (filing, issue) = (waiting.id.0, waiting.issue.0);
    let at = |deed: &str| format!("{}/{filing}/{deed}", nav::APPROVALS);
    let edit = "title=Payments+fail+often&body=Look";
    let said = |deed: &str| format!("{deed} issue {issue} (open)");
    for (route, deed, form) in
        [(approvals::EDIT_PATH, "edit", edit), (approvals::APPROVE_PATH, "approve", "")]
    {
        seen.press(&site, route, (&at(deed), form), &[&said(deed)]).await;
    }
    let left = said("take back");
    seen.press(&site, approvals::UNDO_PATH, (&at("undo"), ""), &[&left]).await;
    let version = site.web.store.waiting_filings(1).await.unwrap()[0].version();
    let (path, form) = (approvals::DECIDE_PATH, format!("verdict=approve&pick={filing}.{version}"));
    seen.press(&site, path, (path, &form), &[&said("approve")]).await;
    let (path, form) = (needs::PUT_OFF_PATH, "key=budget%3Aday&length=1h");
    seen.press(&site, path, (path, form), &["put off budget:day"]).await;
    let path = "/admin/self-monitoring/issues/1/mute";
    seen.press(&site, change_issue::PATH, (path, ""), &["mute issue 1"]).await;
    let left = ["enqueue job 3 (self_monitoring)"];
    seen.press(&site, status::DRY_RUN_PATH, (status::DRY_RUN_PATH, ""), &left).await;
    let form = "self_monitoring.budget_usd=3";
    let left = ["set self_monitoring.budget_usd"];
    let path = configuration::CHANGE_PATH;
    seen.press(&site, configuration::CHANGE_PATH, (path, form), &left).await;
    let text = "text=Look+at+%7Blog_db_path%7D.";
    let left = ["set self_monitoring.prompt"];
    seen.press(&site, prompt::CHANGE_PATH, (prompt::CHANGE_PATH, text), &left).await;
    // Here nobody leads who could say that there are no agents.
    let other = Site::signed_in().await;
    let left = ["enqueue job 1 (agent_session)"];
    seen.press(&other, trigger::PATH, (trigger::PATH, "prompt=look"), &left).await;
    let other = Site::signed_in().await;
    lead(&other).await;
    other.submit(status::RUN_NOW_PATH, "").await;
    complete_with_issue(&other, "Payments fail", approval).await;
    let path = format!("{}/1/reject", nav::APPROVALS);
    let left = ["reject issue 1 (open)"];
    seen.press(&other, approvals::REJECT_PATH, (&path, ""), &left).await;
    for (route, deed) in [(refile::PATH, "refile"), (refile::LEAVE_PATH, "leave")] {
        let other = Site::signed_in().await;
        other.submit(status::RUN_NOW_PATH, "").await;
        complete_with_issue(&other, "Payments fail", Tracker::Local).await;
        other.web.store.say(|facts| facts.issue_home = Some("github.com/a/b".into()));
        let left = format!("{deed} issues open elsewhere than in github.com/a/b");
        seen.press(&other, route, (route, ""), &[&left]).await;
    }
    let folder = site.folder.path().join("shop");
    std::fs::create_dir_all(folder.join(".git")).unwrap();
    let form = serde_urlencoded::to_string([("path", folder.to_str().unwrap())]).unwrap();
    let left = ["add repository shop", "enqueue job 4 (golden_repo)"];
    seen.press(&site, repositories::PATH, (repositories::PATH, &form), &left).await;
    let lease = poll(&site, "golden_repo").await.unwrap();
    settle(&site, lease, Outcome::Fatal(error("no"))).await;
    let left = ["enqueue job 5 (golden_repo)"];
    seen.press(&site, repositories::REFRESH_PATH, ("/repositories/1/refresh", ""), &left).await;
    let left = ["remove repository shop"];
    seen.press(&site, repositories::REMOVE_PATH, ("/repositories/1/remove", ""), &left).await;
}

#[tokio::test]
async fn the_page_is_asked_by_person_verb_subject_and_time_and_goes_on_by_cursor() {
    let site = Site::signed_in().await;
    let store = &site.web.store;
    let ada = Username::parse("ada").unwrap();
    store.add_account(ada, Role::Viewer, "hash".into(), Actor::cli(), START).await.unwrap();
    let change = async |days: u64, name: &str| {
        let at = START.plus(Duration::from_hours(24 * days));
        let actor = Actor { name: name.into(), remote: Some("192.0.2.7".into()) };
        let days = serde_json::json!(days);
        store.change_settings(vec![("retention.logs_days", Some(days))], actor, at).await.unwrap();
    };
    for days in 1..=60 {
        change(days, if days % 2 == 0 { "ada" } else { "eve" }).await;
    }
    site.web.clock.advance(Duration::from_hours(24 * 60));
    // The login of the site ended long ago.
    let admin = store.account("admin".into()).await.unwrap().unwrap().0;
    let site = Site { cookie: site.login(&admin, "a later one").await, ..site };
    let rows = async |query: &str| {
        let body = site.see(&format!("/audit{query}")).await.body;
        (body.matches("<tr>").count() - usize::from(body.contains("<thead>")), body)
    };
    let (count, body) = rows("").await;
    assert_eq!(count, 50, "{body}");
    let older = body.split(r#"href="/audit?before="#).nth(1).expect("a way on").split('"').next();
    assert!(body.contains("<div>58 → 59</div>"), "{body}");
    let (count, rest) = rows(&format!("?before={}", older.unwrap())).await;
    assert_eq!(count, 14, "{rest}");
    assert!(rest.contains("create account</strong> admin"), "{rest}");
    for (query, expected) in [
        ("?who=ada", 30),
        ("?who=ad", 0),
        ("?what=Account", 2),
        ("?subject=logs_days&who=eve", 30),
        ("?since=10d&what=set", 11),
        ("?until=2027-01-20T00:00:00Z&what=set", 4),
        ("?since=&until=&who=&what=sign+in&subject=", 2),
        ("?subject=%25", 0),
    ] {
        let (count, body) = rows(query).await;
        assert_eq!(count, expected, "{query}: {body}");
    }
    // A clock that was set back meanwhile does not put a row among those of another time.
    let at = START.plus(Duration::from_hours(24 * 30));
    let deed = vec![("retention.logs_days", Some(serde_json::json!(7)))];
    site.web.store.change_settings(deed, Actor::named("late"), at).await.unwrap();
    let (_, body) = rows("").await;
    let late = body.find(">late</a>").unwrap();
    assert!(body[..late].matches("<tr>").count() > 25, "{body}");
    assert!(rows("?who=nobody").await.1.contains("No such rows"));
    for bad in ["?since=soon", "?before=0", "?before=x"] {
        assert_eq!(
            site.see(&format!("/audit{bad}")).await.status,
            StatusCode::BAD_REQUEST,
            "{bad}"
        );
    }
}

#[tokio::test]
async fn hostile_text_of_the_audit_log_stays_text() {
    let site = Site::signed_in().await;
    let actor = Actor { name: HOSTILE.into(), remote: Some(HOSTILE.into()) };
    let id = JobId(enqueue(&site, "mail").await.0);
    site.web.store.cancel(id, actor.clone(), START).await.unwrap();
    poll(&site, "other").await;
    let pause = (Queue::DEFAULT, HOSTILE.to_owned());
    site.web.store.pause_queue(pause.0, pause.1, None, actor, START).await.unwrap();
    let body = site.see("/audit").await.body;
    assert!(
        body.contains("pause</strong> <a href=\"/queues/default/figures\">queue default</a>"),
        "{body}"
    );
    assert_inert(&body);
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_is_kept_above_the_rows_of_the_rest() {
    let site = Site::signed_in().await;
    let refused = site.see("/audit?who=admin&since=soon").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("is no time"), "{}", refused.body);
    for kept in [r#"value="soon""#, r#"value="admin""#, "id=\"audit-log\"", "sign in"] {
        assert!(refused.body.contains(kept), "{kept} in {}", refused.body);
    }
}

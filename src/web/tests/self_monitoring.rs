//! Tests of the configuration of self-monitoring, its prompt, and what the lists unfold and let people do.

use super::super::self_monitoring::configuration::{
    self, CADENCE_PATH, CHANGE_PATH as SETTINGS_PATH, PATH as CONFIGURATION,
};
use super::super::self_monitoring::lists::PATH as LISTS_PATH;
use super::super::self_monitoring::page::PATH;
use super::super::self_monitoring::prompt::{self as editor, CHANGE_PATH as PROMPT_PATH};
use super::super::self_monitoring::status::{DRY_RUN_PATH, RUN_NOW_PATH};
use super::super::setting::Said;
use super::work::{assert_inert, claim, complete_with_issue, lead, settle};
use super::*;
use crate::model::{
    Caps, Duplicates, IssueHome, IssueState, Outcome, Profile, Role, ScanCommit, ScanCounts,
    ScheduleName, SessionStart, Tracker,
};
use crate::monitor::prompt;

/// A form of these fields.
fn form(fields: &[(&str, &str)]) -> String {
    serde_urlencoded::to_string(fields).unwrap()
}

/// What htmx gets for the same form.
async fn part_of(site: &Site, path: &str, fields: &[(&str, &str)]) -> Answer {
    let request = own_form(path).header("hx-request", "true").header("cookie", &site.cookie);
    site.send(request.body(form(fields).into()).unwrap()).await
}

async fn values(site: &Site) -> Vec<(&'static str, String)> {
    let all = site.web.store.all_settings().await.unwrap();
    all.into_iter().map(|state| (state.setting.key, state.text())).collect()
}

#[tokio::test]
async fn values_out_of_range_are_refused_beside_their_field_and_change_nothing() {
    let site = Site::signed_in().await;
    let before = values(&site).await;
    let bad = [
        ("self_monitoring.cadence", "0", "1 to 10080"),
        ("self_monitoring.cadence", "-5", "1 to 10080"),
        ("self_monitoring.cadence", "0.5", "1 to 10080"),
        ("self_monitoring.cadence", "abc", "1 to 10080"),
        ("self_monitoring.cadence", "1000000000", "1 to 10080"),
        ("self_monitoring.cadence", "", "1 to 10080"),
        ("self_monitoring.cadence", "61 * * * * Europe/Berlin", "minute"),
        ("self_monitoring.cadence", "*/15 * * * *", "zone"),
        ("self_monitoring.cadence", "*/15 * * * * Europe/Nowhere", "Europe/Nowhere"),
        ("self_monitoring.enabled", "maybe", "true or false"),
        ("self_monitoring.analyzer", "oracle", "agent or builtin"),
        ("self_monitoring.model", "--help", "opus, sonnet, haiku"),
        ("golden_repo.model", "two words", "opus, sonnet, haiku"),
        ("self_monitoring.budget_usd", "0", "dollars above 0"),
        ("agent.budget_day_usd", "-1", "dollars a day"),
        ("agent.budget_month_usd", "NaN", "dollars a month"),
    ];
    for (key, value, takes) in bad {
        // A field that is right is not taken if another one is wrong.
        let fields = [("self_monitoring.budget_usd", "7"), (key, value)];
        let id = key.replace(['.', '_'], "-");
        for answer in [
            site.submit(SETTINGS_PATH, &form(&fields)).await,
            part_of(&site, SETTINGS_PATH, &fields).await,
        ] {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{key} {value:?}");
            let beside = answer.body.split(&format!("id=\"setting-{id}-wrong\"")).nth(1);
            let beside = beside.unwrap_or_else(|| panic!("{key} {value:?}: {}", answer.body));
            let message = beside.split("</p>").next().unwrap();
            assert!(message.contains("Could not ") && message.contains(takes), "{message}");
            assert!(!message.contains("JOB-VALUE"), "{message}");
            assert!(answer.body.contains("Nothing was changed"), "{key}");
            assert_inert(&answer.body);
        }
        assert_eq!(values(&site).await, before, "{key} {value:?}");
    }
    let program = own_form(SETTINGS_PATH).header("cookie", &site.cookie);
    let answer = site.send(program.body("self_monitoring.cadence=0".into()).unwrap()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["code"].as_str()),
        (400, Some("JOB-VALUE-001"))
    );
    assert!(site.web.store.deeds(9).await.unwrap().iter().all(|deed| deed.action != "set"));
}

#[tokio::test]
async fn the_form_sets_what_differs_and_the_audit_log_says_who_did() {
    let site = Site::signed_in().await;
    assert!(site.see(PATH).await.body.contains("Scans run by Run Now only."));
    let page = site.see(CONFIGURATION).await.body;
    assert!(page.contains("Scans run by Run Now only."));
    assert!(page.contains(r#"name="self_monitoring.cadence" value="1h" checked"#), "{page}");
    let fields = [
        ("self_monitoring.enabled", "false"),
        ("self_monitoring.enabled", "true"),
        ("self_monitoring.cadence", ""),
        ("self_monitoring.cadence.other", " 90 "),
        ("self_monitoring.analyzer", "builtin"),
        ("self_monitoring.model", ""),
        ("self_monitoring.model.other", "claude-opus-4-5"),
        ("golden_repo.model", "haiku"),
        ("self_monitoring.budget_usd", "2"),
        ("agent.budget_day_usd", "12.50"),
        ("agent.budget_month_usd", "0"),
    ];
    let answer = site.submit(SETTINGS_PATH, &form(&fields)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let page = site.see(answer.header("location").split('#').next().unwrap()).await.body;
    assert!(page.contains("The settings are saved."));
    assert!(page.contains("every 90 minutes"), "{page}");
    assert!(
        page.contains(r#"name="self_monitoring.cadence.other""#) && page.contains(r#"value="90m""#)
    );
    assert!(page.contains(r#"value="claude-opus-4-5""#));
    let mut set: Vec<_> = site.web.store.deeds(20).await.unwrap();
    set.retain(|deed| deed.action == "set" && deed.by.name == "admin");
    let mut keys: Vec<_> = set.iter().map(|deed| deed.subject.as_str()).collect();
    keys.sort_unstable();
    let changed = [
        "agent.budget_day_usd",
        "golden_repo.model",
        "self_monitoring.analyzer",
        "self_monitoring.cadence",
        "self_monitoring.enabled",
        "self_monitoring.model",
    ];
    assert_eq!(keys, changed);
    let schedule = site.web.store.schedule(ScheduleName::SELF_MONITORING).await.unwrap().unwrap();
    assert!(schedule.paused_at.is_none());
    let off = part_of(&site, SETTINGS_PATH, &[("self_monitoring.enabled", "false")]).await;
    assert_eq!(off.status, StatusCode::OK);
    assert!(off.body.starts_with("<section") && off.body.contains("Scans run by Run Now only."));
    let said = "self_monitoring.enabled is false from now on. Scans run by Run Now only.";
    assert!(off.body.contains(said), "{}", off.body);
    let live = site.part(CADENCE_PATH).await.body;
    assert!(off.body.contains(&live), "one component for both");
}

#[tokio::test]
async fn a_form_with_a_foreign_field_changes_nothing() {
    let site = Site::signed_in().await;
    let fields = [("self_monitoring.budget_usd", "7"), ("agent.max_turns", "7")];
    let answer = site.submit(SETTINGS_PATH, &form(&fields)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(values(&site).await.contains(&("self_monitoring.budget_usd", "2".to_owned())));
}

#[tokio::test]
async fn a_viewer_sees_the_configuration_and_has_no_form() {
    let site = Site::signed_in().await;
    let _leads = site.leads_without_agents().await;
    let set = configuration::read(&site.web).await.unwrap();
    let template = prompt::load(&site.web.store).await.unwrap();
    let none = Said::default();
    for (role, may) in [(Role::Viewer, false), (Role::Operator, false), (Role::Admin, true)] {
        let settings = configuration::section(&set, role, &none, START).into_string();
        let prompt = editor::section(&template, role, &none).into_string();
        assert_eq!(settings.contains("<form"), may, "{settings}");
        assert_eq!(prompt.contains("<form"), may, "{prompt}");
        assert!(settings.contains("In use now") && settings.contains("the built-in analyzer"));
        assert!(prompt.contains("{log_db_path}"));
    }
}

#[tokio::test]
async fn an_edited_prompt_is_marked_kept_and_reverted() {
    let site = Site::signed_in().await;
    let page = site.see(CONFIGURATION).await.body;
    assert!(page.contains("As shipped") && !page.contains("prompt-revert"));
    assert!(page.contains("<code>{log_db_path}</code>"));
    let text = "Look at {log_db_path}.\r\nKeep {this} and {\"json\": 1} and {}.";
    let answer = part_of(&site, PROMPT_PATH, &[("text", text)]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("Modified") && answer.body.contains("prompt-revert"));
    assert!(answer.body.contains("no placeholders") && answer.body.contains("<code>{this}</code>"));
    assert!(!answer.body.contains("<code>{}</code>"));
    assert!(
        answer.body.contains("The prompt lacks:")
            && answer.body.contains("<code>{schema}</code>, so")
    );
    let stored = prompt::load(&site.web.store).await.unwrap();
    assert_eq!((stored.text, stored.modified), (text.replace("\r\n", "\n"), true));
    for blank in ["", " \r\n "] {
        let answer = site.submit(PROMPT_PATH, &form(&[("text", blank)])).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.body.contains("Could not save the prompt"), "{}", answer.body);
        assert!(prompt::load(&site.web.store).await.unwrap().modified);
    }
    let answer = site.submit(PROMPT_PATH, "revert=yes").await;
    assert_eq!(answer.header("location"), format!("{CONFIGURATION}?saved=reverted#prompt"));
    let stored = prompt::load(&site.web.store).await.unwrap();
    assert_eq!((stored.text.as_str(), stored.modified), (prompt::SHIPPED, false));
    assert!(
        site.see(&format!("{CONFIGURATION}?saved=reverted"))
            .await
            .body
            .contains("shipped one again")
    );
}

#[tokio::test]
async fn a_prompt_as_a_browser_sends_the_shipped_one_back_is_not_modified() {
    let site = Site::signed_in().await;
    let sent = prompt::SHIPPED.replace('\n', "\r\n");
    let answer = site.submit(PROMPT_PATH, &form(&[("text", &sent)])).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(!prompt::load(&site.web.store).await.unwrap().modified);
    let long = "x".repeat(64 * 1024 + 1);
    let answer = site.submit(PROMPT_PATH, &form(&[("text", &long)])).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_scan_unfolds_to_its_findings_its_analyzer_and_its_transcript() {
    let site = Site::signed_in().await;
    site.submit(RUN_NOW_PATH, "").await;
    let lease = claim(&site).await;
    assert!(site.part(LISTS_PATH).await.body.contains("Nothing is committed yet."));
    let commit = ScanCommit {
        log: "log".into(),
        log_id_start: 0,
        log_id_end: 12,
        log_row_end: None,
        counts: ScanCounts { rows_examined: 12, reopened: 3, rejected: 2, ..ScanCounts::default() },
        analyzer: "claude",
        fallback: None,
        model: Some("claude-opus-4-5".into()),
        cost_usd: Some(0.5),
        rejections: vec!["<b>row 7 is not in the snapshot</b>".into()],
        tracker: Tracker::Local,
        home: IssueHome::local(),
        new_issues: vec![],
        seen_again: Vec::new(),
        learned: Vec::new(),
        shown: Vec::new(),
        templates: Vec::new(),
        remarks: vec![],
        duplicates: Duplicates::default(),
        caps: Caps::default(),
        follow_up: false,
    };
    site.web.store.commit_scan(lease.clone(), commit, START).await.unwrap();
    let lists = site.part(LISTS_PATH).await.body;
    for shown in [
        "3 opened a closed issue again, 2 were rejected.",
        "Rejected: &lt;b&gt;row 7 is not in the snapshot&lt;/b&gt;",
        "Examined by claude, model claude-opus-4-5, for $0.50.",
    ] {
        assert!(lists.contains(shown), "{shown}: {lists}");
    }
    assert!(!lists.contains("/sessions/1"), "there is no transcript");
    let start = SessionStart {
        tier: 1,
        profile: Profile::Scan,
        model: None,
        prompt_file: None,
        prompt_text: None,
        continues: None,
        working_dir: "/srv".into(),
        place: "1".into(),
        marker: "m1".into(),
        cost_before: 0.0,
        answer_of: None,
        given: None,
    };
    site.web.store.begin_session(lease.clone(), start, START).await.unwrap();
    settle(&site, lease, Outcome::Done(true.into())).await;
    assert!(site.part(LISTS_PATH).await.body.contains(r#"href="/sessions/1""#));
}

#[tokio::test]
async fn an_operator_closes_mutes_and_reopens_an_issue_of_ours() {
    let site = Site::signed_in().await;
    site.submit(RUN_NOW_PATH, "").await;
    complete_with_issue(&site, "Payments fail", Tracker::Local).await;
    let issue = async || site.web.store.issue_list(0, 1).await.unwrap().0.remove(0);
    let press = async |deed: &str| {
        let answer = site.submit(&format!("{PATH}/issues/1/{deed}"), "").await;
        assert_eq!(answer.header("location"), format!("{PATH}/issues/1"), "{deed}");
    };
    press("close").await;
    assert_eq!(issue().await.state, IssueState::Completed { closed_at: START });
    assert!(site.part(LISTS_PATH).await.body.contains("Closed, completed"));
    press("reopen").await;
    assert_eq!(issue().await.state, IssueState::Open);
    press("not-planned").await;
    assert_eq!(issue().await.state, IssueState::NotPlanned { closed_at: START });
    press("mute").await;
    assert!(issue().await.muted);
    press("unmute").await;
    assert!(site.part(LISTS_PATH).await.body.contains("Closed, not planned"));
    assert!(!issue().await.muted);
    let before = issue().await;
    for (path, status) in [("issues/1/burn", 400), ("issues/9/close", 404), ("issues/x/close", 404)]
    {
        let answer = site.submit(&format!("{PATH}/{path}"), "").await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
    }
    assert_eq!(issue().await, before);
    let deeds = site.web.store.deeds(5).await.unwrap();
    let deeds: Vec<_> =
        deeds.iter().map(|deed| format!("{} {}", deed.action, deed.subject)).collect();
    assert_eq!(
        deeds,
        ["unmute", "mute", "close", "reopen", "close"].map(|deed| format!("{deed} issue 1"))
    );
}

#[tokio::test]
async fn a_dry_run_says_on_its_row_what_it_would_have_done() {
    let site = Site::signed_in().await;
    lead(&site).await;
    let answer = site.submit(DRY_RUN_PATH, "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let lease = claim(&site).await;
    let result = serde_json::json!({
        "dry_run": true, "rows_examined": 10, "rejected": ["<i>no</i>"],
        "would": [{"title": "[BUG] <b>Lamps</b>", "verdict": "new issue", "issue": null}],
    });
    settle(&site, lease, Outcome::Done(result)).await;
    let lists = site.part(LISTS_PATH).await.body;
    for shown in [
        "Dry run",
        "10 rows examined",
        "[BUG] &lt;b&gt;Lamps&lt;/b&gt;",
        "new issue",
        "&lt;i&gt;no&lt;/i&gt;",
    ] {
        assert!(lists.contains(shown), "{shown}: {lists}");
    }
}

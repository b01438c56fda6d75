//! Settings by every door: all or none, one sentence, what follows from a change.

use crate::support::server::{Browser, Server, program};
use crate::support::{START, foreign, store};
use lamplighter::Code;
use lamplighter::actions::settings::{SettingChange, change, parse_changes};
use lamplighter::actions::{Call, prompts};
use lamplighter::model::{Role, SettingState, Timestamp, settings};
use lamplighter::store::Store;
use serde_json::{Value, json};
use std::path::Path;

const SETTINGS_PATH: &str = "/admin/self-monitoring/settings";

fn wishes(wanted: &[(&str, &str)]) -> Vec<SettingChange> {
    wanted.iter().map(|(key, text)| SettingChange::set(*key, *text)).collect()
}

async fn set(
    store: &Store,
    wanted: &[(&str, &str)],
    now: Timestamp,
) -> lamplighter::Result<String> {
    let call = Call::by_owner(now);
    let answer = change(store, &call, &wishes(wanted)).await?;
    Ok(answer.sentence)
}

async fn value(store: &Store, key: &str) -> String {
    let all = store.all_settings().await.unwrap();
    all.iter().find(|state| state.setting.key == key).map(SettingState::text).unwrap()
}

/// What the command line says, and its exit code.
fn run(data: &Path, line: &[&str]) -> (i32, String, String) {
    let output = program(data).args(line).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn every_setting_has_a_name_of_its_own_under_its_heading_and_takes_its_default() {
    let mut names: Vec<_> = settings::ALL.iter().map(|setting| setting.key).collect();
    for setting in settings::ALL {
        assert!(setting.parse(setting.default).is_ok(), "{}", setting.key);
        let prefix = setting.key.split('.').next().unwrap();
        assert_eq!(prefix, setting.group.as_str(), "{}", setting.key);
        assert!(!setting.label.is_empty() && !setting.takes().is_empty());
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), settings::ALL.len());
}

#[tokio::test]
async fn of_several_settings_all_hold_or_none() {
    let (folder, store) = store();
    let both = [("self_monitoring.budget_usd", "7"), ("agent.budget_day_usd", "9")];
    let bad = [("agent.max_turns", "0"), ("agent.max_turn", "1"), ("retention.logs_days", "9")];
    let refused = set(&store, &[&both[..], &bad].concat(), START).await.unwrap_err();
    let fields = refused.fields();
    assert_eq!(refused.code(), Code::ModelInvalid);
    assert_eq!((fields.len(), fields[0].pointer.as_str()), (2, "/agent.max_turns"));
    let why = "Could not set agent.max_turns to \"0\": it takes turns from 1 to 1000.";
    assert_eq!(fields[0].detail, why);
    assert!(refused.sentence().contains("; could not find the setting \"agent.max_turn\""));
    let twice = [("agent.max_turns", "1"), ("agent.max_turns", "2")];
    let refused = set(&store, &twice, START).await.unwrap_err();
    assert!(refused.sentence().contains("named twice"), "{refused}");

    // The trigger stands for a full disk, or for the end of the process between two writes.
    let fails =
        "CREATE TRIGGER fails BEFORE INSERT ON job_settings WHEN NEW.key = 'agent.budget_day_usd'
        BEGIN SELECT RAISE(ABORT, 'no'); END";
    foreign(folder.path()).execute_batch(fails).unwrap();
    set(&store, &both, START).await.unwrap_err();
    assert!(store.all_settings().await.unwrap().iter().all(|state| !state.is_set));
    foreign(folder.path()).execute_batch("DROP TRIGGER fails").unwrap();
    let said = set(&store, &both, START).await.unwrap();
    let holds =
        "2 settings hold from now on: self_monitoring.budget_usd is 7, agent.budget_day_usd is 9.";
    assert_eq!(said, holds);
    assert_eq!(
        set(&store, &both[..1], START).await.unwrap(),
        "self_monitoring.budget_usd is 7 already."
    );
    assert_eq!(
        set(&store, &both, START).await.unwrap(),
        "Nothing changed: the settings are so already."
    );
    let said = set(&store, &[("agent.budget_day_usd", "default")], START).await.unwrap();
    assert_eq!(said, "agent.budget_day_usd is 20 (its default) from now on.");
    let deeds = store.deeds(9).await.unwrap();
    let deeds: Vec<_> =
        deeds.iter().map(|deed| (deed.action.as_str(), deed.subject.as_str())).collect();
    let (day, scan) = ("agent.budget_day_usd", "self_monitoring.budget_usd");
    assert_eq!(
        deeds,
        [("unset", day), ("set", day), ("set", scan)],
        "only what changed is recorded"
    );
}

#[tokio::test]
async fn a_lower_role_changes_nothing_and_a_foreign_model_is_noted() {
    let (_folder, store) = store();
    let mut call = Call::by_owner(START);
    let wanted = wishes(&[("self_monitoring.model", "gpt-4")]);
    call.who.role = Role::Operator;
    let refused = change(&store, &call, &wanted).await.unwrap_err();
    let said =
        "Could not change the settings: your role is operator, and this needs the role admin.";
    assert_eq!((refused.code(), refused.sentence().as_str()), (Code::AuthRole, said));
    assert_eq!(value(&store, "self_monitoring.model").await, "opus");
    let name = prompts::parse_name("self_monitoring").unwrap();
    let refused = prompts::save(&store, &call, name, Some("mine")).await.unwrap_err();
    assert_eq!(refused.code(), Code::AuthRole);
    call.who.role = Role::Admin;
    let answer = change(&store, &call, &wanted).await.unwrap();
    assert!(answer.notes[0].contains("\"gpt-4\"") && answer.notes.len() == 1, "{:?}", answer.notes);
    let known = wishes(&[("self_monitoring.model", "claude-opus-4-5")]);
    let answer = change(&store, &call, &known).await.unwrap();
    assert!(answer.notes.is_empty(), "{:?}", answer.notes);
}

#[tokio::test]
async fn what_another_hand_made_unreadable_keeps_scans_off_and_nothing_else() {
    let (folder, store) = store();
    let odd =
        "INSERT INTO job_settings VALUES ('self_monitoring.cadence', '\"never\"', 0, 'other')";
    foreign(folder.path()).execute_batch(odd).unwrap();
    set(&store, &[("agent.max_turns", "9")], START).await.unwrap();
    let refused = set(&store, &[("self_monitoring.enabled", "true")], START).await.unwrap_err();
    assert_eq!(refused.fields()[0].pointer, "/self_monitoring.cadence");
    let both = [("self_monitoring.enabled", "true"), ("self_monitoring.cadence", "15m")];
    let said = set(&store, &both, START).await.unwrap();
    let runs = "Scans run by themselves, every 15 minutes; the next one at once.";
    assert!(said.ends_with(runs), "{said}");
}

#[test]
fn changes_are_read_as_one_pair_of_words_or_as_many_with_an_equals_sign() {
    let read = |words: &[&str]| {
        let words: Vec<_> = words.iter().map(ToString::to_string).collect();
        parse_changes(&words).map_err(|error| error.sentence())
    };
    assert_eq!(read(&["agent.max_turns", "9"]).unwrap(), wishes(&[("agent.max_turns", "9")]));
    assert_eq!(
        read(&["tracker.server_name=a=b", "self_monitoring.cadence=0 9 * * * UTC"]).unwrap(),
        wishes(&[("tracker.server_name", "a=b"), ("self_monitoring.cadence", "0 9 * * * UTC")])
    );
    for (words, why) in [
        (&["agent.max_turns"][..], "no value for agent.max_turns"),
        (&["agent.max_turns", "9", "agent.max_minutes", "9"], "as KEY=VALUE each"),
        (&["agent.max_turns=9", "agent.max_minutes"], "\"agent.max_minutes\" is not KEY=VALUE"),
        (&["no.such=9"], "find the setting \"no.such\""),
        (&["self_monitoring.cadence", "0", "9"], "settings set self_monitoring.cadence '0 9'"),
    ] {
        let refused = read(words).unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
}

/// For each value: the function, the command line and both pages say the same, of the same class.
#[tokio::test(flavor = "multi_thread")]
async fn every_door_says_the_same_of_a_value() {
    let (folder, store) = store();
    let data = folder.path();
    let server = Server::start(data, &[]);
    let mut browser = Browser::signed_in(&server.url);
    let program = [("Accept", "application/json")];
    for (key, text) in [
        ("self_monitoring.enabled", "yes"),
        ("self_monitoring.cadence", "0"),
        ("self_monitoring.cadence", "61 * * * * Europe/Berlin"),
        ("self_monitoring.analyzer", "oracle"),
        ("self_monitoring.model", "two words"),
        ("self_monitoring.budget_usd", "0"),
        ("agent.budget_day_usd", "NaN"),
        ("agent.max_turns", "1.5"),
        ("agent.tier_1_profile", "scan"),
        ("retention.logs_days", "3651"),
        ("tracker.server_name", ""),
    ] {
        let refused = set(&store, &[(key, text)], START).await.unwrap_err();
        let (said, class) = (refused.sentence(), refused.class());
        let (code, out, err) = run(data, &["settings", "set", key, text]);
        let plain = said.strip_prefix("Could not ").unwrap().trim_end_matches('.');
        assert_eq!((code, out.as_str()), (i32::from(class.exit_code()), ""), "{key} {text:?}");
        assert!(err.contains(plain), "{err}\n{plain}");
        let page = format!("/settings/{key}");
        for path in [page.as_str(), SETTINGS_PATH] {
            let is_there = settings::named(key).unwrap().group.as_str() == "self_monitoring";
            if path == SETTINGS_PATH && !is_there && key != "agent.budget_day_usd" {
                continue;
            }
            let answer = browser.post(path, &[(key, text)], &program);
            let answered: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(answer.status, class.http_status(), "{path} {text:?}");
            assert_eq!(answered["code"], refused.code().as_str());
            assert_eq!(answered["errors"], json!([{"pointer": format!("/{key}"), "detail": said}]));
            assert!(answered["detail"].as_str().unwrap().starts_with(&said), "{answered}");
        }
    }
    for (key, texts, said) in [
        ("agent.max_turns", ["41", "42"], "agent.max_turns is N from now on."),
        ("agent.budget_day_usd", ["$3", "4.50"], "agent.budget_day_usd is N from now on."),
        (
            "agent.max_turns",
            ["default", "default"],
            "agent.max_turns is N (its default) from now on.",
        ),
    ] {
        let (code, out, err) = run(data, &["settings", "set", key, texts[0]]);
        assert_eq!((code, err.as_str()), (0, ""));
        assert_eq!(out, said.replace('N', &value(&store, key).await));
        set(&store, &[(key, "5")], START).await.unwrap();
        let answer = browser.post(&format!("/settings/{key}"), &[("value", texts[1])], &program);
        let answered: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(answered["answer"], said.replace('N', &value(&store, key).await));
        assert_eq!(answered["status"], "saved");
    }
    let (code, _, err) = run(data, &["settings", "get", "no.such"]);
    assert!(code == 2 && err.contains("find the setting \"no.such\""), "{err}");
    let (code, _, err) = run(data, &["settings", "set", "no.such", "1"]);
    assert!(code == 2 && err.contains("find the setting \"no.such\""), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_saved_as_a_whole_or_not_at_all() {
    let (folder, store) = store();
    let server = Server::start(folder.path(), &[]);
    let mut browser = Browser::signed_in(&server.url);
    let fails =
        "CREATE TRIGGER fails BEFORE INSERT ON job_settings WHEN NEW.key = 'agent.budget_day_usd'
        BEGIN SELECT RAISE(ABORT, 'no'); END";
    foreign(folder.path()).execute_batch(fails).unwrap();
    let form = [("self_monitoring.budget_usd", "7"), ("agent.budget_day_usd", "9")];
    assert_eq!(browser.post(SETTINGS_PATH, &form, &[]).status, 500);
    assert_eq!(value(&store, "self_monitoring.budget_usd").await, "2");
}

#[test]
fn the_command_line_changes_several_at_once_and_prints_typed_values() {
    let (folder, _store) = store();
    let run = |line: &[&str]| run(folder.path(), line);
    let (code, out, err) = run(&[
        "settings",
        "set",
        "self_monitoring.enabled=true",
        "self_monitoring.cadence=*/15 8-18 * * 1-5 Europe/Berlin",
        "agent.budget_run_usd=2",
    ]);
    assert!(code == 0 && out.starts_with("3 settings hold from now on: "), "{out}{err}");
    assert!(out.contains("Scans run by themselves, "), "{out}");
    let (_, out, _) = run(&["--json", "settings", "get", "agent.budget_run_usd"]);
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&shown["value"], &shown["default"]), (&json!(2.0), &json!(2.0)));
    assert_eq!(shown["takes"], "dollars above 0, up to 100000");
    assert_eq!(run(&["settings", "get", "agent.budget_run_usd"]).1, "2");
    let (_, out, _) = run(&["--json", "settings", "list"]);
    let all: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(all.len(), settings::ALL.len());
    assert_eq!(
        (&all[0]["key"], &all[0]["value"]),
        (&json!("self_monitoring.enabled"), &json!(true))
    );
    let (_, out, _) = run(&["--json", "settings", "set", "agent.max_turns", "9"]);
    let one: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&one["key"], &one["value"]), (&json!("agent.max_turns"), &json!(9)));
    assert_eq!(one["answer"], "agent.max_turns is 9 from now on.");
    let (_, out, _) = run(&["settings", "reset", "agent.max_turns", "self_monitoring.enabled"]);
    assert!(out.contains("agent.max_turns is 40 (its default)"), "{out}");
    assert!(out.ends_with("Scans run by Run Now only."), "{out}");
    let (_, _, err) = run(&["settings", "set", "self_monitoring.model", "gpt-4"]);
    assert!(err.contains("gpt-4"), "{err}");
}

#[test]
fn the_prompt_of_scans_is_shown_edited_and_reset_at_the_command_line() {
    let (folder, _store) = store();
    let run = |line: &[&str]| run(folder.path(), line);
    let file = folder.path().join("mine.md");
    std::fs::write(&file, "Look at {log_db_path} and {this}.").unwrap();
    let file = file.to_str().unwrap();
    let (code, out, err) = run(&["prompts", "set", "self_monitoring", file]);
    assert_eq!((code, out.as_str()), (0, "The prompt is saved. The next scan uses it."));
    assert!(err.contains("{this} is no placeholder"), "{err}");
    assert_eq!(run(&["prompts", "show", "self_monitoring"]).1, "Look at {log_db_path} and {this}.");
    std::fs::write(file, " \n").unwrap();
    let (code, _, err) = run(&["prompts", "set", "self_monitoring", file]);
    assert!(code == 2 && err.contains("save the prompt"), "{err}");
    assert_eq!(run(&["prompts", "set", "self_monitoring", "no_such_file"]).0, 69);
    let (_, out, _) = run(&["prompts", "reset", "self_monitoring"]);
    assert!(out.contains("is the shipped one"), "{out}");
    let (_, out, _) = run(&["--json", "prompts", "show", "self_monitoring"]);
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&shown["prompt"], &shown["modified"]), (&json!("self_monitoring"), &json!(false)));
    assert_eq!(run(&["prompts", "show", "other"]).0, 2);
}

//! Actions on prompts, face by face.

use super::queues::check;
use crate::support::faces::{Faces, Request, value};
use crate::support::open;
use crate::support::server::program;
use lamplighter::Code;
use lamplighter::actions::prompts;
use lamplighter::model::Role;
use serde_json::{Value, json};
use std::path::Path;

const PAGE: &str = "/admin/self-monitoring/prompt";

fn bare(_: &Path) {}

#[test]
fn prompt_files_are_listed_with_their_parameters_and_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let own = folder.path().join("prompts");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("orders.md"), "---\nparameters: who, days\n---\n{{who}} {{days}}\n")
        .unwrap();
    let ask = |arguments: &[&str]| {
        let output = program(folder.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let listed = ask(&["--json", "prompts", "list"]);
    let listed: Vec<Value> =
        listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let one = |name: &str| listed.iter().find(|file| file["prompt_file"] == name).unwrap();
    let path = own.join("orders.md");
    let wanted = json!({"prompt_file": "orders", "path": path, "parameters": ["who", "days"], "problem": null});
    assert_eq!(one("orders"), &wanted);
    assert_eq!(one("health_check")["path"], Value::Null);
    let table = ask(&["prompts", "list"]);
    assert!(table.contains("who, days") && table.contains("comes with the program"), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_are_changed_alike_by_every_face() {
    let mut faces = Faces::start(bare).await;
    let long = "x".repeat(64 * 1024 + 1);
    let longest = "x".repeat(64 * 1024);
    let saved = "The prompt is saved. The next scan uses it.";
    for (text, says) in [
        ("Look at {log_db_path}.", Ok(saved)),
        ("Look at {log_db} and {nothing}.", Ok(saved)),
        (&longest, Ok(saved)),
        ("", Err(Code::ModelInvalid)),
        (" \n", Err(Code::ModelInvalid)),
        (&long, Err(Code::JobTooLarge)),
    ] {
        text.clone_into(&mut faces.stdin);
        let form = [("text", text)];
        let cli = ["prompts", "set", "self_monitoring", "-"];
        let request = Request { cli: &cli, page: Some((PAGE, &form)) };
        let save = async |store: &_, call: &_| {
            let name = prompts::parse_name("self_monitoring")?;
            Ok(value(&prompts::save(store, call, name, Some(text)).await?))
        };
        check(faces.ask(request, save).await, says);
        // The page does not read a form that it refuses: a long one breaks off.
        if text.len() < 1024 {
            let refused = faces.refused_below(Role::Operator, request.page, save).await;
            assert_eq!(refused, Code::AuthRole);
        }
    }
    let shipped = "The prompt is the shipped one, and follows it when Lamplighter is upgraded.";
    let page = Some((PAGE, &[("revert", "yes")][..]));
    for (name, page, says) in [
        ("self_monitoring", page, Ok(shipped)),
        ("self_monitoring", page, Ok(shipped)),
        // A page has one prompt, which it does not name.
        ("health", None, Err(Code::ModelInvalid)),
    ] {
        let request = Request { cli: &["prompts", "reset", name], page };
        let revert = async |store: &_, call: &_| {
            let name = prompts::parse_name(name)?;
            Ok(value(&prompts::save(store, call, name, None).await?))
        };
        check(faces.ask(request, revert).await, says);
        if says.is_ok() {
            assert_eq!(faces.refused_below(Role::Operator, page, revert).await, Code::AuthRole);
        }
    }
}

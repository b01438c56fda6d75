//! What a running server keeps from the other programs of its user: its secrets and its memory.

use crate::support::desk::Desk;
use crate::support::office::stub;
use crate::support::server::{Browser, PASSWORD, Server, program};
use serde_json::json;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::process::Command;

const SECRETS: [(&str, &str); 3] = [
    ("ANTHROPIC_API_KEY", "model-key-of-this-test"),
    ("GITHUB_TOKEN", "tracker-token-of-this-test"),
    ("SHOP_PASSWORD", "a-password-that-agents-may-get"),
];
/// Nobody's number on every Linux.
const NOBODY: u32 = 65_534;

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_stays_in_the_environment_of_a_server_and_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let agent = stub(folder.path(), "2.1.329");
    let passed = [("LAMPLIGHTER_AGENT_PASS_ENV", "SHOP_PASSWORD")];
    let desk = Desk::start(&agent, &[&SECRETS[..], &passed].concat());
    let server = desk.server.as_ref().unwrap();
    let environment = fs::read(format!("/proc/{}/environ", server.id())).unwrap();
    let environment = String::from_utf8_lossy(&environment).into_owned();
    assert!(environment.contains("PATH="), "{environment}");
    for (name, secret) in SECRETS.into_iter().chain([("LAMPLIGHTER_ADMIN_PASSWORD", PASSWORD)]) {
        let is_there = environment.contains(&format!("{name}=")) || environment.contains(secret);
        assert!(!is_there, "{environment}");
    }
    // The admin has the password, and an agent still gets the variable that it may have.
    Browser::signed_in(&server.url);
    let prompt = r#"result 0 "$(printf %s "$SHOP_PASSWORD" | wc -c) characters""#;
    let id = desk.enqueue(&json!({"prompt": prompt}));
    let session = desk.ends(id, ("completed", "done", None)).await;
    assert_eq!(session["response"], format!("{} characters", SECRETS[2].1.len()), "{session:#}");
    let name = fs::read_to_string(format!("/proc/{}/comm", server.id())).unwrap();
    assert_eq!(name.trim(), "lamplighter", "lists of processes show the program's name");
    let arguments = fs::read(format!("/proc/{}/cmdline", server.id())).unwrap();
    assert!(String::from_utf8_lossy(&arguments).contains("\0serve\0"));
}

#[test]
fn another_program_of_the_same_user_cannot_look_into_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let own = fs::metadata(folder.path()).unwrap().uid();
    let mut command = if own == 0 {
        // Root may look into everything.
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        let nobody = NOBODY.to_string();
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups", "--"]);
        let plain = program(folder.path());
        command.arg(plain.get_program()).args(plain.get_args()).env_clear();
        for (name, value) in plain.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command
    } else {
        program(folder.path())
    };
    let server = Server::launch(folder.path(), &mut command, &[], Some(PASSWORD));
    let of_server = |file: &str| format!("/proc/{}/{file}", server.id());
    for file in ["environ", "maps", "auxv"] {
        assert_eq!(fs::metadata(of_server(file)).unwrap().uid(), 0, "{file} is root's");
        let mut reader = if own == 0 { Command::new("setpriv") } else { Command::new("cat") };
        if own == 0 {
            let nobody = NOBODY.to_string();
            reader.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups", "--", "cat"]);
        }
        let read = reader.arg(of_server(file)).output().unwrap();
        assert!(!read.status.success() && read.stdout.is_empty(), "{file}");
    }
    assert_eq!(server.terminate(), Some(0));
}

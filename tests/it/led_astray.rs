//! What a session leaves behind to lead the server, or a later session, astray: links in the place of folders and files, and
//! words in the name of the agent program.

use crate::support::desk::{Desk, until_said};
use crate::support::messages_api::{MessagesApi, Reply};
use crate::support::mounted::Mounted;
use crate::support::office::stub;
use crate::support::{STUCK, say_loudly};
use lamplighter::model::{JobId, Status};
use serde_json::json;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::TempDir;

/// The user of agents and the owner of a folder in these tests.
const AGENT: u32 = 54_321;
const ANN: u32 = 54_322;

/// A server, beside a folder in which agents work.
struct House {
    files: TempDir,
    desk: Desk,
}

impl House {
    fn new(environment: &[(&str, &str)]) -> Self {
        let files = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::set_permissions(files.path(), Permissions::from_mode(0o755)).unwrap();
        let desk = Desk::start(&stub(files.path(), "2.1.329"), environment);
        Self { files, desk }
    }

    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.files.path().canonicalize().unwrap().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn ask(&self, profile: &str, folder: &Path, script: &str) -> JobId {
        self.desk.enqueue(&json!({"prompt": script, "profile": profile, "working_dir": folder}))
    }

    /// Waits until the log says this. Another process writes it, so that there is no signal.
    fn until_logged(&self, word: &str) {
        let begun = Instant::now();
        loop {
            let logs = self.desk.ask(&["logs", "list"]);
            if logs.contains(word) {
                return;
            }
            assert!(begun.elapsed() < STUCK, "{word}: {logs}");
        }
    }

    async fn done(&self, profile: &str, folder: &Path, script: &str) {
        self.desk.until(self.ask(profile, folder, script), Status::Completed).await;
    }

    async fn refused(&self, profile: &str, folder: &Path, code: &str) -> String {
        let script = "echo met >met; result 0.1 done";
        let job = self.desk.until(self.ask(profile, folder, script), Status::Failed).await;
        assert_eq!(job.error_code.as_deref(), Some(code), "{:?}", job.error);
        job.error.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_works_where_a_link_leads_that_an_earlier_one_has_laid() {
    let house = House::new(&[]);
    let (shop, elsewhere) = (house.folder("shop"), house.folder("elsewhere"));
    fs::create_dir(shop.join("sub")).unwrap();
    house.done("workspace", &shop.join("sub"), "result 0.1 done").await;
    let lay = format!("rmdir sub; ln -s {} sub; result 0.1 done", elsewhere.display());
    house.done("workspace", &shop, &lay).await;
    assert!(shop.join("sub").is_symlink());
    for profile in ["workspace", "read-only", "full"] {
        let why = house.refused(profile, &shop.join("sub"), "AGENT-VALUE-001").await;
        let says = format!("sub is a link to {}", elsewhere.display());
        assert!(why.contains(&says) && why.contains("name what it leads to"), "{why}");
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    // Neither another path, nor a second mount, nor a new server forgets it.
    symlink(&shop, house.files.path().join("to-shop")).unwrap();
    house.refused("workspace", &house.files.path().join("to-shop/sub"), "AGENT-VALUE-001").await;
    let twice = house.folder("twice");
    let mounted = Mounted::at(&shop, &twice);
    if mounted.is_some() {
        house.refused("workspace", &twice.join("sub"), "AGENT-VALUE-001").await;
    }
    // Links of people elsewhere are followed, and who means the other folder names it.
    house.done("workspace", &house.files.path().join("to-shop"), "result 0.1 done").await;
    house.done("workspace", &elsewhere, "result 0.1 done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lent_where_a_link_leads_that_an_earlier_session_has_laid() {
    if !rustix::process::getuid().is_root() {
        return say_loudly("SKIPPED: only root can start programs as another user");
    }
    let uid = AGENT.to_string();
    let house = House::new(&[("LAMPLIGHTER_AGENT_UID", &uid)]);
    let (shop, private) = (house.folder("shop"), house.folder("private"));
    fs::create_dir(shop.join("sub")).unwrap();
    fs::write(private.join("letter"), "").unwrap();
    let all = [shop.clone(), shop.join("sub"), private.clone(), private.join("letter")];
    for path in &all {
        fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
        chown(path, Some(ANN), Some(ANN)).unwrap();
    }
    let lay = format!("mv sub away; ln -s {} sub; result 0.1 done", private.display());
    house.done("workspace", &shop, &lay).await;
    for profile in ["workspace", "full"] {
        house.refused(profile, &shop.join("sub"), "AGENT-VALUE-001").await;
    }
    let letter = private.join("letter").metadata().unwrap();
    assert_eq!((letter.uid(), letter.mode() & 0o777), (ANN, 0o700));
    assert_eq!(fs::read_dir(&private).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_followed_log_that_a_session_has_replaced_by_another_file_is_not_read() {
    let mut house = House::new(&[]);
    let shop = house.folder("shop");
    let [log, secret, other] =
        ["shop/app.log", "secret", "other"].map(|name| house.files.path().join(name));
    let line = |word: &str| format!("2026-01-01T00:00:00Z ERROR the {word} line\n");
    for (path, word) in [(&log, "first"), (&secret, "secret"), (&other, "hidden")] {
        fs::write(path, line(word)).unwrap();
    }
    house.desk.server.take().unwrap().kill();
    let config = format!("[[log_source]]\npath = {log:?}\n");
    fs::write(house.desk.folder.path().join("lamplighter.toml"), config).unwrap();
    house.desk.serve();
    house.until_logged("the first line");
    let relinks = format!("rm app.log; ln -s {} app.log; result 0.1 done", secret.display());
    house.done("workspace", &shop, &relinks).await;
    house.until_logged("app.log is a link to");
    let whole = format!("rm app.log; echo '{}' >app.log; result 0.1 done", line("new").trim());
    house.done("workspace", &shop, &whole).await;
    house.until_logged("the new line");
    let name = format!("rm app.log; ln {} app.log; result 0.1 done", other.display());
    house.done("full", &shop, &name).await;
    house.until_logged("the file has a second name");
    let said = house.desk.ask(&["logs", "list"]);
    assert!(!said.contains("the secret line") && !said.contains("the hidden line"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_renewed_while_a_session_goes_on_stays_hidden() {
    let mut house = House::new(&[]);
    let (keys, shop) = (house.folder("keys"), house.folder("shop"));
    let token = keys.join("token");
    let write = |path: &Path, text: &str| {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    };
    write(&token, "the old token");
    house.desk.server.take().unwrap().kill();
    let config = format!("[tracker]\ntoken_file = {token:?}\n");
    fs::write(house.desk.folder.path().join("lamplighter.toml"), config).unwrap();
    house.desk.serve();
    let look = format!("$(cat {}/* 2>/dev/null)", keys.display());
    let waits =
        format!("echo here; while [ ! -e go ]; do sleep 0.05; done; result 0.1 \"seen: {look}\"");
    for profile in ["workspace", "read-only"] {
        drop(fs::remove_file(shop.join("go")));
        let id = house.ask(profile, &shop, &waits);
        until_said(&house.desk.store, id, "here").await;
        write(&keys.join("new"), "the new token");
        fs::rename(keys.join("new"), &token).unwrap();
        fs::write(shop.join("go"), "").unwrap();
        let session = house.desk.ends(id, ("completed", "done", None)).await;
        assert_eq!(session["response"], "seen: ", "{profile}");
    }
    // In its own folder a run has to see what is there.
    for profile in ["workspace", "read-only"] {
        let why = house.refused(profile, &keys, "AGENT-VALUE-001").await;
        assert!(why.contains("token, which"), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_writes_where_a_program_of_the_server_is_mounted_or_has_a_second_name() {
    let house = House::new(&[]);
    let (shop, tools) = (house.folder("shop"), house.folder("shop/tools"));
    let program = house.files.path().join("agent");
    fs::hard_link(&program, tools.join("mine")).unwrap();
    let why = house.refused("workspace", &shop, "AGENT-VALUE-001").await;
    assert!(why.contains("tools/mine, a hard link"), "{why}");
    house.done("read-only", &shop, "result 0.1 done").await;
    fs::remove_file(tools.join("mine")).unwrap();
    house.done("workspace", &shop, "result 0.1 done").await;
    let Some(_mounted) = Mounted::at(house.files.path(), &tools) else { return };
    let why = house.refused("workspace", &shop, "AGENT-VALUE-001").await;
    assert!(why.contains("is in it by a second mount"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_definitions_of_a_sessions_servers_do_not_outlive_a_server_that_was_killed() {
    let mut house = House::new(&[]);
    let shop = house.folder("shop");
    let servers = json!({"mcpServers": {"db": {"command": "db-server", "args": ["a-password"]}}});
    fs::write(shop.join(".mcp.json"), servers.to_string()).unwrap();
    house.desk.server.take().unwrap().kill();
    let config = format!("[[agent.folder]]\npath = {shop:?}\nmcp_servers = [\"db\"]\n");
    fs::write(house.desk.folder.path().join("lamplighter.toml"), config).unwrap();
    house.desk.serve();
    let id = house.ask("workspace", &shop, "echo here; sleep 98765");
    until_said(&house.desk.store, id, "here").await;
    house.desk.server.take().unwrap().kill();
    let place = house.desk.folder.path().join(format!("jobs/{id}"));
    let left = || {
        let names = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("mcp-")).count()
    };
    assert_eq!(left(), 1, "this test can fail");
    house.desk.serve();
    house.desk.ends(id, ("failed", "interrupted", Some("JOB-RUN-004"))).await;
    assert_eq!(left(), 0);
}

/// Asks the model once, as the program of a run does.
const ASK: &str = r#"at=${ANTHROPIC_BASE_URL#http://}
exec 3<>/dev/tcp/${at%:*}/${at#*:}
body='{"model":"claude-haiku-4-5","stream":true,"messages":[{"role":"user","content":"case-claims"}]}'
printf 'POST /v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: %s\r\nContent-Length: %s\r\nConnection: close\r\n\r\n%s' "$ANTHROPIC_API_KEY" "${#body}" "$body" >&3
cat <&3 >/dev/null
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_cost_that_cannot_be_true_is_not_booked() {
    let api = MessagesApi::start();
    api.script("case-claims", [Reply::Costly("look", json!({}), 1_000_000)]);
    let house = House::new(&[("ANTHROPIC_BASE_URL", &api.url), ("ANTHROPIC_API_KEY", "a-key")]);
    let shop = house.folder("shop");
    fs::write(shop.join("ask.sh"), ASK).unwrap();
    for (claim, booked) in [("500.0", 1.0), ("1.75", 1.75)] {
        let script = format!("bash ask.sh; result {claim} forged");
        let id = house.ask("workspace", &shop, &script);
        let session = house.desk.ends(id, ("completed", "done", None)).await;
        let cost = session["cost_usd"].as_f64().unwrap();
        assert!((cost - booked).abs() < 0.1, "{claim}: {session:#}");
        let note = session["note"].as_str().unwrap_or_default();
        assert_eq!(
            note.contains("The program claimed a cost of $500.00"),
            claim == "500.0",
            "{note}"
        );
    }
}

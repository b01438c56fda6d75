//! What a session leaves to be taken along: its transcript as a file, the search that finds it again, and what it has
//! changed in its folder.

use crate::support::desk::{Desk, transcript, until_said};
use crate::support::office::stub;
use crate::support::server::program;
use crate::support::until;
use lamplighter::model::{JobId, Status};
use serde_json::{Value, json};
use std::fs::{OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A run that says these words, quotes not among them.
fn full(desk: &Desk, script: &str) -> JobId {
    desk.enqueue(&json!({"prompt": script, "profile": "full"}))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_is_written_to_a_new_file_or_to_standard_output() {
    let files = tempfile::tempdir().unwrap();
    let desk = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    let secret = "ghp_0123456789abcdefghijklmnopqrstuvwxyzA";
    let session = full(&desk, &format!("echo {secret}; result 0.1 'the disk is full'"));
    desk.until(session, Status::Completed).await;
    let id = session.to_string();
    let kept = transcript(&desk.store, session).await;
    let to = files.path().join("told.jsonl");
    let asked = ["sessions", "transcript", &id, "--raw", "--output", to.to_str().unwrap()];
    desk.ask(&asked);
    assert_eq!(std::fs::read_to_string(&to).unwrap(), kept, "byte for byte");
    assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    let again = desk.refused(&asked);
    assert!(again.contains("told.jsonl") && again.contains("[CLI-OUTPUT-002]"), "{again}");
    let out = program(desk.folder.path()).args(&asked[..4]).output().unwrap();
    assert_eq!(out.stdout, kept.as_bytes());

    let text = desk.ask(&["sessions", "transcript", &id]);
    assert!(text.starts_with(&format!("# Session {id}")) && text.contains("- Status: completed"));
    assert!(text.contains("\n> echo ghp_"), "the prompt: {text}");
    assert!(text.contains("**report**") && text.contains("> the disk is full"), "{text}");
    let printed = text.split("## Transcript").nth(1).unwrap();
    assert!(!printed.contains(secret), "as it is kept: {printed}");
    assert!(desk.refused(&["sessions", "transcript", "99"]).contains("[JOB-ID-001]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_sessions_by_prompt_and_answer_and_says_how_many_it_read() {
    let files = tempfile::tempdir().unwrap();
    let desk = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    let full_disk = full(&desk, "result 0.1 'old backups fill it' # why is the disk full?");
    let mail = full(&desk, "echo broken >&2; exit 3 # look at the mail");
    desk.until(full_disk, Status::Completed).await;
    desk.until(mail, Status::Failed).await;
    let search = |query: &str| {
        let asked = ["--json", "sessions", "list", "--search", query];
        let output = program(desk.folder.path()).args(asked).output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        let ids =
            out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone());
        (ids.collect::<Vec<_>>(), String::from_utf8(output.stderr).unwrap())
    };
    let (found, said) = search("Backups");
    assert_eq!(found, [json!(full_disk.0)]);
    assert!(said.contains("2 sessions were looked through: all of them."), "{said}");
    assert_eq!(search("status:failed mail").0, [json!(mail.0)]);
    assert_eq!(search("status:failed disk").0, [] as [Value; 0]);
    let (_, said) = search("status:lost");
    assert!(said.contains("[JOB-QUERY-001]"), "{said}");
}

/// A program of the machine, with these words, in a folder; it has to succeed.
fn tool(folder: &Path, words: &[&str]) {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(folder).env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A repository with one commit, a file that is not committed, and one that is ignored.
fn repository(folder: &Path) {
    tool(folder, &["git", "init", "-q"]);
    for (name, text) in
        [("kept", "1\n"), ("gone", "1\n2\n"), ("grown", "1\n"), (".gitignore", "built\n")]
    {
        std::fs::write(folder.join(name), text).unwrap();
    }
    tool(folder, &["git", "add", "."]);
    let who = ["-c", "user.name=a", "-c", "user.email=a@b"];
    tool(folder, &[&["git"], &who[..], &["commit", "-qm", "one"]].concat());
    std::fs::write(folder.join("mine"), "of a person\n").unwrap();
    std::fs::write(folder.join("built"), "1\n").unwrap();
}

/// Has everything in the repository's configuration that names a program name one that makes this file.
fn make_hostile(folder: &Path, mark: &Path) {
    let evil = folder.parent().unwrap().join("evil");
    let script = format!("#!/bin/sh\ntouch {}\n[ $# -gt 1 ] || cat\n", mark.display());
    std::fs::write(&evil, script).unwrap();
    std::fs::set_permissions(&evil, Permissions::from_mode(0o755)).unwrap();
    let path = evil.to_str().unwrap();
    let config = format!(
        "[core]\n fsmonitor = {path}\n pager = {path}\n sshCommand = {path}\n alternateRefsCommand = {path}\n editor = {path}\n\
         [diff]\n external = {path}\n[diff \"evil\"]\n textconv = {path}\n command = {path}\n\
         [filter \"evil\"]\n clean = {path}\n smudge = {path}\n required = true\n\
         [pager]\n diff = {path}\n[gpg]\n program = {path}\n[alias]\n add = !{path}\n\
         [include]\n path = {}\n",
        folder.join("more").display()
    );
    let mut file = OpenOptions::new().append(true).open(folder.join(".git/config")).unwrap();
    file.write_all(config.as_bytes()).unwrap();
    std::fs::write(folder.join("more"), format!("[core]\n askPass = {path}\n")).unwrap();
    std::fs::write(folder.join(".gitattributes"), "* filter=evil diff=evil merge=evil\n").unwrap();
    for hook in ["post-index-change", "pre-commit", "reference-transaction", "fsmonitor-watchman"] {
        std::fs::copy(&evil, folder.join(".git/hooks").join(hook)).unwrap();
    }
}

/// A session of profile `full` in a folder, and what `sessions show` says of its changes.
async fn changes_of(desk: &Desk, folder: &Path, script: &str) -> (String, Value) {
    let asked = json!({"prompt": script, "profile": "full", "working_dir": folder});
    let session = desk.enqueue(&asked);
    desk.until(session, Status::Completed).await;
    (session.to_string(), desk.session(session)["changes"].clone())
}

/// What the agent of these tests does in its folder: git is among its own tools, so it commits a part.
const WORK: &str = "rm gone; echo 2 >>grown; echo new >'a new one'; echo 2 >built; printf '\\0' >image; result 0.1 done";

#[tokio::test(flavor = "multi_thread")]
async fn the_files_that_a_session_changed_are_listed_and_their_patch_is_a_file() {
    let files = tempfile::tempdir().unwrap();
    let desk = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    let shop = files.path().join("shop");
    std::fs::create_dir(&shop).unwrap();
    repository(&shop);
    let (id, found) = changes_of(&desk, &shop, WORK).await;
    let file = |path: &str, how: &str, added: Value, removed: Value| json!({"path": path, "how": how, "added": added, "removed": removed});
    let wanted = json!([
        file("a new one", "added", json!(1), json!(0)),
        file("gone", "removed", json!(0), json!(2)),
        file("grown", "changed", json!(1), json!(0)),
        file("image", "added", Value::Null, Value::Null),
    ]);
    assert_eq!((&found["files"], &found["unknown"]), (&wanted, &Value::Null), "{found:#}");
    assert_eq!((&found["added"], &found["removed"]), (&json!(2), &json!(2)));
    let shown = desk.ask(&["sessions", "show", &id]);
    assert!(
        shown.contains("4 files were changed: 2 lines added, 2 removed.")
            && shown.contains("a new one"),
        "{shown}"
    );
    let patch = files.path().join("it.patch");
    desk.ask(&["sessions", "patch", &id, "--output", patch.to_str().unwrap()]);
    // Taken back, the folder is as it was before the session: what a person had not committed is no part of the patch.
    tool(&shop, &["git", "apply", "-R", "--exclude=image", patch.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(shop.join("gone")).unwrap(), "1\n2\n");
    assert_eq!(std::fs::read_to_string(shop.join("grown")).unwrap(), "1\n");
    assert!(!shop.join("a new one").exists() && shop.join("mine").exists());
    let left = std::fs::read_dir(desk.folder.path().join("jobs")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("changes")), "{left:?}");

    // Any folder is looked at, and so is what is committed meanwhile.
    let commits =
        "git add . && git -c user.name=a -c user.email=a@b commit -qm two; result 0.1 done";
    let (_, found) = changes_of(&desk, &shop, &format!("echo more >>kept; {commits}")).await;
    assert_eq!(found["files"], json!([file("kept", "changed", json!(1), json!(0))]));
    let plain = files.path().join("plain");
    std::fs::create_dir(&plain).unwrap();
    let (id, found) = changes_of(&desk, &plain, "echo one >one; result 0.1 done").await;
    assert_eq!(found["files"], json!([file("one", "added", json!(1), json!(0))]));
    assert!(desk.ask(&["sessions", "patch", &id]).contains("+one"));
    let (_, found) = changes_of(&desk, &plain, "result 0.1 done").await;
    assert_eq!(found["count"], 0);
    let reads = desk.enqueue(&json!({"prompt": "result 0.1 done", "profile": "read-only"}));
    desk.until(reads, Status::Completed).await;
    let refused = desk.refused(&["sessions", "patch", &reads.to_string()]);
    assert!(refused.contains("[AGENT-PATCH-001]"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_changed_whose_server_was_killed_is_found_at_the_next_start_or_said_to_be_unknown()
 {
    let files = tempfile::tempdir().unwrap();
    let mut desk = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    let shop = files.path().join("shop");
    std::fs::create_dir(&shop).unwrap();
    let ask = |desk: &Desk, name: &str| {
        let script = format!("echo new >{name}; echo here; sleep 98765");
        desk.enqueue(&json!({"prompt": script, "profile": "full", "working_dir": shop}))
    };
    let end = ("failed", "interrupted", Some("JOB-RUN-004"));
    let known = ask(&desk, "one");
    until_said(&desk.store, known, "here").await;
    desk.server.take().unwrap().kill();
    desk.serve();
    let changes = desk.ends(known, end).await["changes"].clone();
    let added = json!([{"path": "one", "how": "added", "added": 1, "removed": 0}]);
    assert_eq!((&changes["files"], &changes["is_late"]), (&added, &json!(true)), "{changes:#}");
    let id = known.to_string();
    let shown = desk.ask(&["sessions", "show", &id]);
    let told = "1 file was changed: 1 line added, 0 removed. The server was killed during the run";
    assert!(shown.contains(told), "{shown}");
    assert!(desk.ask(&["sessions", "patch", &id]).contains("+new"));

    let unknown = ask(&desk, "two");
    until_said(&desk.store, unknown, "here").await;
    desk.server.take().unwrap().kill();
    let left = desk.folder.path().join(format!("jobs/{unknown}-changes"));
    std::fs::remove_dir_all(left).unwrap();
    desk.serve();
    desk.ends(unknown, end).await;
    let id = unknown.to_string();
    let why = "the server was killed during the run, and what was in the folder before the run is not known any more";
    let shown = desk.ask(&["sessions", "show", &id]);
    assert!(
        shown.contains(&format!("It is not known which files were changed: {why}.")),
        "{shown}"
    );
    let refused = desk.refused(&["sessions", "patch", &id]);
    assert!(refused.contains("[AGENT-PATCH-001]") && refused.contains(why), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_repository_names_is_run_when_its_changes_are_looked_at() {
    let files = tempfile::tempdir().unwrap();
    // Without the sandbox there is one net less.
    let tools = files.path().join("bin");
    std::fs::create_dir(&tools).unwrap();
    for name in ["sh", "git", "cat", "head", "mkdir", "mv", "rm", "touch"] {
        let found = on_path(name);
        std::os::unix::fs::symlink(found, tools.join(name)).unwrap();
    }
    let bare = Desk::start(&stub(files.path(), "2.1.329"), &[("PATH", tools.to_str().unwrap())]);
    let boxed = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    for (desk, name) in [(&bare, "bare"), (&boxed, "boxed")] {
        let shop = files.path().join(name);
        std::fs::create_dir(&shop).unwrap();
        repository(&shop);
        let mark = files.path().join(format!("{name}.run"));
        make_hostile(&shop, &mark);
        let (_, found) = changes_of(desk, &shop, "echo 2 >>grown; result 0.1 done").await;
        assert_eq!((&found["count"], &found["unknown"]), (&json!(1), &Value::Null), "{found:#}");
        assert!(!mark.exists(), "{name}: a program of the repository was run");
        // The agent may leave such a repository as well.
        let inner = shop.join("inner");
        let makes = format!(
            "mkdir inner && cp -r .git inner/.git && cp more .gitattributes inner; result 0.1 {}",
            "done"
        );
        let makes = makes.replace("cp -r", "/bin/cp -r").replace("&& cp more", "&& /bin/cp more");
        changes_of(desk, &shop, &makes).await;
        assert!(inner.join(".git/config").exists() && !mark.exists(), "{name}: a program was run");
        // The second look knows it by then, and has its files compared, if it goes about it in the ordinary way.
        changes_of(desk, &shop, "/bin/cp kept grown inner; result 0.1 done").await;
        assert!(!mark.exists(), "{name}: a program of the inner repository was run");
        // The test can fail: an ordinary look runs them.
        let look = Command::new("git").args(["status"]).current_dir(&shop).output().unwrap();
        assert!(mark.exists(), "{name}: {look:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_the_files_that_are_left_out_is_listed_itself_even_if_it_names_itself() {
    let files = tempfile::tempdir().unwrap();
    let desk = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    let shop = files.path().join("shop");
    std::fs::create_dir(&shop).unwrap();
    repository(&shop);
    let hides = "mkdir odd; echo '*' >odd/.gitignore; echo 1 >odd/hidden; \
        echo .gitignore >>.git/info/exclude; echo '*' >.git/ignore; git config core.excludesFile .git/ignore; \
        git config core.worktree /tmp; echo 1 >plain; result 0.1 done";
    let (_, found) = changes_of(&desk, &shop, hides).await;
    let listed: Vec<_> =
        found["files"].as_array().unwrap().iter().map(|file| file["path"].clone()).collect();
    assert_eq!(listed, [json!("odd/.gitignore"), json!("plain")], "{found:#}");
}

/// Where the machine has a program.
fn on_path(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sessions_that_write_in_one_folder_run_one_after_the_other_whatever_path_leads_there() {
    let files = tempfile::tempdir().unwrap();
    let desk = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    desk.ask(&["queues", "limit", "agent", "5"]);
    let shop = files.path().join("shop");
    std::fs::create_dir_all(shop.join("inner")).unwrap();
    let link = files.path().join("link");
    std::os::unix::fs::symlink(&shop, &link).unwrap();
    let asked = |script: &str, profile: &str, folder: &Path| {
        desk.enqueue(&json!({"prompt": script, "profile": profile, "working_dir": folder}))
    };
    let first = asked("echo here; while :; do sleep 0.05; done", "full", &shop);
    until_said(&desk.store, first, "here").await;
    // The same path waits for the key of the folder, and says so.
    let same = asked("result 0.1 done", "full", &files.path().join("./shop"));
    let why = desk.ask(&["jobs", "why", &same.to_string()]);
    let held = format!("job {first} may write in the same folder {}", shop.display());
    assert!(why.contains(&format!("[AGENT-FOLDER-001] {held}")), "{why}");
    // Another path is found out when the session would begin.
    let others = [link, shop.join("inner")].map(|path| asked("result 0.1 done", "full", &path));
    for other in others {
        let waits =
            until(&desk.store, other, |job| job.progress.is_some() && job.attempt == 0).await;
        let said = waits.progress.unwrap();
        let why = format!("session {first} may write in {} until it is over", shop.display());
        assert_eq!(said, format!("[AGENT-FOLDER-001] The session waits: {why}."));
    }
    let apart = asked("result 0.1 done", "full", files.path());
    let apart =
        until(&desk.store, apart, |job| job.progress.is_some() || job.status.is_final()).await;
    assert!(apart.progress.is_some(), "a folder above it holds it too: {apart:?}");
    desk.ask(&["sessions", "stop", &first.to_string()]);
    desk.until(same, Status::Completed).await;
    for other in others {
        desk.ask(&["jobs", "run-now", &other.to_string()]);
        desk.until(other, Status::Completed).await;
    }
}

/// Who may write in a folder may move what lies in it and put something else in its place, even where the path that the
/// server uses leads there by a link.
#[tokio::test(flavor = "multi_thread")]
async fn no_run_that_may_write_works_in_a_folder_that_holds_the_agent_program() {
    let files = tempfile::tempdir().unwrap();
    let [bin, shop, versions] = ["bin", "shop", "versions"].map(|name| files.path().join(name));
    for folder in [&bin, &shop, &versions] {
        std::fs::create_dir(folder).unwrap();
    }
    let program = bin.join("claude");
    std::os::unix::fs::symlink(stub(&versions, "2.1.329"), &program).unwrap();
    let desk = Desk::start(&program, &[]);
    let asked = |folder: &std::path::Path| {
        desk.enqueue(
            &json!({"prompt": "result 0.1 done", "profile": "workspace", "working_dir": folder}),
        )
    };
    for folder in [&bin, &versions] {
        let refused = desk.until(asked(folder), Status::Failed).await;
        let why = refused.error.unwrap();
        assert!(why.contains(", which the server uses, is in it"), "{why}");
    }
    desk.until(asked(&shop), Status::Completed).await;
}

/// The same holds for the data directory.
#[tokio::test(flavor = "multi_thread")]
async fn no_run_that_may_write_works_in_a_folder_that_holds_the_data_directory() {
    let files = tempfile::tempdir().unwrap();
    let desk = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    let above = desk.folder.path().canonicalize().unwrap().parent().unwrap().to_owned();
    let asked = |profile: &str| {
        desk.enqueue(
            &json!({"prompt": "result 0.1 done", "profile": profile, "working_dir": above}),
        )
    };
    let refused = desk.until(asked("workspace"), Status::Failed).await;
    let why = refused.error.unwrap();
    assert!(why.contains(", which the server uses, is in it; name a folder below it"), "{why}");
    desk.until(asked("read-only"), Status::Completed).await;
}

/// What an earlier run has left beside the files of sessions would be obeyed by the program.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_goes_on_finds_the_files_of_sessions_and_nothing_else_of_the_run_before() {
    let files = tempfile::tempdir().unwrap();
    let desk = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    let script = r#"echo '{"env":{"BASH_ENV":"/tmp/odd"}}' > $CLAUDE_CONFIG_DIR/.claude.json
        echo odd > $HOME/.bashrc; echo odd > $TMPDIR/odd; echo odd > $KEPT/CLAUDE.md
        echo 'result 0.1 "$(echo $(ls -A $CLAUDE_CONFIG_DIR $KEPT $HOME $TMPDIR | grep -v :))"' > $KEPT/resumed.jsonl
        result 0.1 first"#;
    let first = desk.enqueue(&json!({"prompt": script}));
    desk.until(first, Status::Completed).await;
    let planted = desk.folder.path().join(format!("jobs/{first}/config/.claude.json"));
    assert!(planted.exists());
    let next = desk.enqueue(&json!({"prompt": "go on", "continues": first.0}));
    let session = desk.ends(next, ("completed", "done", None)).await;
    assert_eq!(session["response"], "projects resumed.jsonl");
    assert!(!planted.exists());
}

/// One has the files of the other under its hands.
#[tokio::test(flavor = "multi_thread")]
async fn two_sessions_that_go_on_with_the_same_one_run_one_after_the_other() {
    let files = tempfile::tempdir().unwrap();
    let desk = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    desk.ask(&["queues", "limit", "agent", "3"]);
    let script = r#"echo 'eval "$(cat)"' > $KEPT/resumed.jsonl; result 0.1 first"#;
    let first = desk.enqueue(&json!({"prompt": script}));
    desk.until(first, Status::Completed).await;
    let works = "echo here; while :; do sleep 0.05; done";
    let one = desk.enqueue(&json!({"prompt": works, "continues": first.0}));
    until_said(&desk.store, one, "here").await;
    let other = desk.enqueue(&json!({"prompt": "result 0.1 done", "continues": first.0}));
    let waits =
        until(&desk.store, other, |job| job.progress.is_some() && job.status != Status::Running);
    let said = waits.await.progress.unwrap();
    assert!(
        said.contains("[AGENT-FOLDER-001]") && said.contains(&format!("session {one}")),
        "{said}"
    );
    desk.ask(&["jobs", "cancel", &one.to_string()]);
    desk.until(one, Status::Cancelled).await;
}

/// Who may write there puts another program in the place of one that the server runs.
#[tokio::test(flavor = "multi_thread")]
async fn no_run_that_may_write_works_where_the_server_looks_for_programs_or_in_the_agents_package()
{
    let files = tempfile::tempdir().unwrap();
    let root = files.path().canonicalize().unwrap();
    let [tools, docs, shop] =
        ["tools", "node_modules/@a/cli/docs", "shop"].map(|folder| root.join(folder));
    for folder in [&tools, &docs, &shop] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let path = std::env::var("PATH").unwrap();
    let path = format!("{path}:{}", tools.join("not/there/yet").display());
    let program = stub(docs.parent().unwrap(), "2.1.329");
    let desk = Desk::start(&program, &[("PATH", &path)]);
    let asked = |folder: &Path| {
        desk.enqueue(
            &json!({"prompt": "result 0.1 done", "profile": "workspace", "working_dir": folder}),
        )
    };
    for (folder, why) in [
        (&tools, "not/there/yet, which the server uses, is in it"),
        (&root, ", which the server uses, is in it"),
        (&docs, "the agent program is in "),
    ] {
        let refused = desk.until(asked(folder), Status::Failed).await.error.unwrap();
        assert!(refused.contains(why), "{refused}");
    }
    desk.until(asked(&shop), Status::Completed).await;
}

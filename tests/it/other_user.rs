//! A server of root runs its agents as another user, who reads nothing of the server's, and to whom nothing belongs
//! afterwards that a run has left in somebody's folder. Only root can start such a server.

use crate::support::desk::{Desk, until_said};
use crate::support::messages_api::{MessagesApi, Reply};
use crate::support::office::stub;
use crate::support::server::{Browser, program};
use crate::support::{say_loudly, skipped};
use lamplighter::model::{JobId, Status};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The user of agents in these tests, and the one to whom a working directory belongs. No machine knows them by name.
const AGENT: u32 = 54_321;
const ANN: u32 = 54_322;
/// Another user of agents.
const STOPPED: u32 = 54_323;
/// The variable that names the first.
const UID: &str = "LAMPLIGHTER_AGENT_UID";
const KEY: &str = "the-real-key-of-the-server";

/// A server of root whose agents are another user.
struct House {
    desk: Desk,
    folder: TempDir,
}

/// The house, unless these tests are not root's; then they are skipped. The agent program lies in a folder that its user may
/// enter, as an installed one does.
fn house(environment: &[(&str, &str)]) -> Option<House> {
    if !rustix::process::getuid().is_root() {
        say_loudly("SKIPPED: only root can start programs as another user");
        return None;
    }
    if fs::read_to_string("/etc/passwd").unwrap().contains("\nlamplighter-agent:") {
        say_loudly("SKIPPED: the user lamplighter-agent of this machine goes before agent.uid");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    mode(folder.path(), 0o755);
    let agent = stub(folder.path(), "2.1.329");
    let uid = AGENT.to_string();
    let own = [(UID, uid.as_str()), ("ANTHROPIC_API_KEY", KEY)];
    let desk = Desk::start(&agent, &[&own, environment].concat());
    Some(House { desk, folder })
}

impl House {
    /// A folder of Ann's with a file, a private file and a folder in it.
    fn shop(&self) -> PathBuf {
        let shop = self.folder.path().join("shop");
        fs::create_dir_all(shop.join("private")).unwrap();
        for (file, bits) in [("open.txt", 0o644), ("run.sh", 0o700), ("private/secret.txt", 0o600)]
        {
            fs::write(shop.join(file), "before\n").unwrap();
            mode(&shop.join(file), bits);
        }
        mode(&shop.join("private"), 0o700);
        mode(&shop, 0o750);
        for file in all(&shop) {
            lchown(file, Some(ANN), Some(ANN)).unwrap();
        }
        shop
    }

    /// Starts a session in this folder.
    fn ask(&self, profile: &str, folder: &Path, script: &str) -> JobId {
        let payload = json!({"prompt": script, "profile": profile, "working_dir": folder});
        self.desk.enqueue(&payload)
    }

    /// Runs a session in a folder to its good end, and answers what it said.
    async fn runs(&self, profile: &str, folder: &Path, script: &str) -> String {
        let id = self.ask(profile, folder, script);
        let session = self.desk.ends(id, ("completed", "done", None)).await;
        session["response"].as_str().unwrap().to_owned()
    }

    fn log(&self) -> String {
        self.desk.ask(&["logs", "list", "--level", "warning"])
    }
}

fn mode(path: &Path, bits: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
}

/// A folder and everything in it; links are not followed.
fn all(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    let mut next = 0;
    while let Some(path) = found.get(next).cloned() {
        next += 1;
        if path.symlink_metadata().unwrap().is_dir() {
            found.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    found
}

/// To whom everything in a folder belongs, and with which bits; and whether an access control list is left anywhere.
fn owners(folder: &Path) -> BTreeMap<PathBuf, (u32, u32, u32)> {
    let mut owners = BTreeMap::new();
    for path in all(folder) {
        let found = path.symlink_metadata().unwrap();
        let bits = if found.is_symlink() { 0 } else { found.mode() & 0o7777 };
        if !found.is_symlink() {
            let mut list = [0; 512];
            let list = rustix::fs::getxattr(&path, "system.posix_acl_access", &mut list[..]);
            assert!(list.is_err(), "{} keeps a list", path.display());
        }
        let name = path.strip_prefix(folder).unwrap().to_owned();
        owners.insert(name, (found.uid(), found.gid(), bits));
    }
    owners
}

fn assert_all_are_anns(folder: &Path) {
    let is_link = |path: &Path| folder.join(path).is_symlink();
    for (path, (uid, gid, _)) in owners(folder).into_iter().filter(|(path, _)| !is_link(path)) {
        assert_eq!((uid, gid), (ANN, ANN), "{}", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_of_a_root_server_are_the_user_of_the_id_and_every_page_of_a_run_says_so() {
    let Some(house) = house(&[]) else { return };
    let desk = &house.desk;
    let open = house.folder.path().join("open");
    fs::create_dir(&open).unwrap();
    for profile in ["read-only", "workspace", "full"] {
        let script = r#"result 0 "$(id -u) $(id -g) $(id -G) $(grep -h -E '^(CapPrm|CapInh|CapAmb|NoNewPrivs)' /proc/self/status | tr -s '\t\n' ' ')""#;
        let said = match profile {
            "full" => {
                let id = desk.enqueue(&json!({"prompt": script, "profile": profile}));
                let session = desk.ends(id, ("completed", "done", None)).await;
                assert_eq!(session["isolation"], format!("supervisor, as the user of id {AGENT}"));
                session["response"].as_str().unwrap().to_owned()
            }
            _ => house.runs(profile, &open, script).await,
        };
        let none = "0000000000000000";
        let bound = if profile == "full" { "0" } else { "1" };
        let wanted = format!(
            "{AGENT} {AGENT} {AGENT} CapInh: {none} CapPrm: {none} CapAmb: {none} NoNewPrivs: {bound}"
        );
        assert_eq!(said.trim(), wanted, "{profile}");
    }
    let id = house.ask("read-only", house.folder.path(), "result 0 done");
    let session = desk.ends(id, ("completed", "done", None)).await;
    assert_eq!(session["isolation"], format!("bwrap, as the user of id {AGENT}"));
    let page =
        Browser::signed_in(&desk.server.as_ref().unwrap().url).get(&format!("/sessions/{id}"), &[]);
    let said = format!("bwrap: a sandbox of its own, in which it is the user of id {AGENT}");
    assert!(page.body.contains(&said), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_user_reads_nothing_of_the_servers_with_a_sandbox_or_without_one() {
    for sandbox in ["bwrap", "none"] {
        let Some(house) = house(&[("LAMPLIGHTER_AGENT_SANDBOX", sandbox)]) else { return };
        let (desk, data) = (&house.desk, house.desk.folder.path().to_owned());
        let (token, prompts) = (data.join("lamplighter.toml"), data.join("prompts"));
        fs::write(&token, "# the-real-key-of-the-server\n").unwrap();
        fs::create_dir(&prompts).unwrap();
        fs::write(prompts.join("own.md"), KEY).unwrap();
        for (path, bits) in [(&token, 0o644), (&prompts, 0o755), (&prompts.join("own.md"), 0o644)] {
            mode(path, bits);
        }
        let server = desk.server.as_ref().unwrap().id();
        let script = format!(
            "for file in {data}/lamplighter.db {data}/logs.db {data}/lamplighter.toml {data}/prompts/own.md {data}/lent {data}/wall FOLDERS \
             /proc/{server}/environ /proc/{server}/mem /proc/{server}/fd /etc/shadow; do \
             if [ -d $file ]; then ls $file && echo READ $file; \
             else cat $file >/dev/null 2>&1 && echo READ $file; fi; done > $TMPDIR/found 2>/dev/null; \
             grep -c -a -r {KEY} /proc/self/environ $HOME $TMPDIR/found > $TMPDIR/key; \
             result 0 \"$(grep -c READ $TMPDIR/found)$(grep READ $TMPDIR/found | tr '\\n' ' ') key $(grep -v -c ':0$' $TMPDIR/key)\"",
            data = data.display()
        );
        for (profile, is_boxed) in [("read-only", sandbox == "bwrap"), ("full", false)] {
            // In the sandbox the folder is another one, in which there is the run's own alone.
            let folders = [data.clone(), data.join("jobs")].map(|path| path.display().to_string());
            let folders = if is_boxed { String::new() } else { folders.join(" ") };
            let script = script.replace("FOLDERS", &folders);
            let id = desk.enqueue(&json!({"prompt": script, "profile": profile}));
            let session = desk.ends(id, ("completed", "done", None)).await;
            let said = session["response"].as_str().unwrap();
            assert_eq!(said, "0 key 0", "{sandbox} {profile}");
        }
        // From outside it is the same: the kernel decides by the user.
        let mut reader = Command::new("/bin/cat");
        reader.arg(format!("/proc/{server}/environ")).uid(AGENT).gid(AGENT);
        assert!(!reader.output().unwrap().status.success());
    }
}

/// What a run leaves in a folder of Ann's, by each profile that may write there.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_leaves_in_a_working_directory_belongs_to_the_owner_of_the_folder() {
    let Some(house) = house(&[]) else { return };
    for profile in ["workspace", "full"] {
        let shop = house.shop();
        let before = owners(&shop);
        let script = "echo after >> open.txt && echo after >> private/secret.txt && ./run.sh; mkdir -p new/deep && \
            echo x > new/deep/file && ln -s ../open.txt new/link && mkfifo new/pipe && ln new/deep/file new/second && \
            mv run.sh moved.sh && result 0 \"$(cat private/secret.txt | tr '\\n' ' ')\"";
        fs::write(shop.join("run.sh"), "#!/bin/sh\necho ran > ran.txt\n").unwrap();
        let id = house.ask(profile, &shop, script);
        let session = house.desk.ends(id, ("completed", "done", None)).await;
        assert_eq!(session["response"], "before after ", "{profile}");
        let changes = house.desk.store.session_changes(id).await.unwrap();
        let named: Vec<_> = changes.unwrap().files.into_iter().map(|file| file.path).collect();
        for name in ["open.txt", "private/secret.txt", "new/deep/file", "ran.txt"] {
            assert!(named.iter().any(|path| path == name), "{profile} {name}: {named:?}");
        }
        assert_all_are_anns(&shop);
        let after = owners(&shop);
        for name in ["ran.txt", "new/deep/file", "new/link", "new/pipe", "new/second"] {
            assert!(after.contains_key(Path::new(name)), "{profile} {name}: {after:?}");
        }
        for (name, was) in before.iter().filter(|(name, _)| *name != Path::new("run.sh")) {
            assert_eq!(after.get(name), Some(was), "{profile} {}", name.display());
        }
        assert!(fs::read_dir(house.desk.folder.path().join("lent")).unwrap().next().is_none());
        fs::remove_dir_all(&shop).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_hostile_name_in_a_working_directory_makes_root_give_away_or_give_on_anything() {
    let Some(house) = house(&[]) else { return };
    let shop = house.shop();
    let outside = house.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    mode(&outside, 0o777);
    let roots = house.folder.path().join("roots");
    fs::create_dir(&roots).unwrap();
    fs::write(roots.join("file"), "of root").unwrap();
    let before = [roots.clone(), roots.join("file"), "/etc/shadow".into()]
        .map(|path| (path.metadata().unwrap().uid(), path.metadata().unwrap().mode(), path));
    // Ann has a second name of a file of hers elsewhere, and a file of root's among her own.
    fs::write(outside.join("twice"), "hers").unwrap();
    fs::hard_link(outside.join("twice"), shop.join("twice")).unwrap();
    chown(shop.join("twice"), Some(ANN), Some(ANN)).unwrap();
    mode(&shop.join("twice"), 0o600);
    fs::write(shop.join("roots.txt"), "root's").unwrap();
    mode(&shop.join("roots.txt"), 0o600);
    let script = format!(
        "ln -s /etc/shadow shadow; ln -s {roots} roots; ln -s {roots}/file file; ln -s / slash; ln /etc/shadow hard; ln {roots}/file hard2; \
         cp /bin/sh suid && chmod 6755 suid; mkdir wide && chmod 777 wide; echo mine > kept && ln kept {outside}/kept; \
         (for i in $(seq 600); do mkdir deeperdeeper && cd deeperdeeper; done; echo x > end); \
         cat twice >/dev/null 2>&1 && echo SAW-TWICE; cat roots.txt >/dev/null 2>&1 && echo SAW-ROOTS; echo > open.txt; result 0 over",
        roots = roots.display(),
        outside = outside.display()
    );
    let id = house.ask("full", &shop, &script);
    house.desk.until(id, Status::Completed).await;
    let said = house.desk.ask(&["sessions", "tail", &id.to_string()]);
    assert!(!said.contains("SAW"), "it reads what is not lent: {said}");
    for (uid, bits, path) in before {
        let found = path.metadata().unwrap();
        assert_eq!((found.uid(), found.mode()), (uid, bits), "{}", path.display());
    }
    let of = |name: &str| shop.join(name).symlink_metadata().unwrap();
    for link in ["shadow", "roots", "file", "slash"] {
        assert!(
            of(link).is_symlink() && of(link).uid() == AGENT,
            "people trust Ann's links: {link}"
        );
    }
    assert_eq!(of("suid").uid(), ANN);
    assert_eq!(of("suid").mode() & 0o6000, 0, "a program of Ann's runs as whoever starts it");
    assert_eq!(
        (of("wide").uid(), of("wide").mode() & 0o777),
        (ANN, 0o775),
        "nobody else writes there"
    );
    // The name outside would have become Ann's with it.
    assert_eq!((of("kept").uid(), outside.join("kept").metadata().unwrap().uid()), (AGENT, AGENT));
    assert_eq!((of("twice").uid(), of("roots.txt").uid()), (ANN, 0));
    let log = house.log();
    assert!(log.contains("AGENT-LEND-001") && log.contains("another name"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_had_lent_is_given_back_by_the_next_one() {
    let Some(mut house) = house(&[]) else { return };
    let shop = house.shop();
    let before = owners(&shop);
    let id = house.ask(
        "workspace",
        &shop,
        "echo x > left; echo more >> open.txt; message begun 1; cat; read x < /dev/zero; sleep 600",
    );
    until_said(&house.desk.store, id, "begun").await;
    assert_eq!(shop.join("left").metadata().unwrap().uid(), AGENT);
    house.desk.server.take().unwrap().kill();
    house.desk.serve();
    house.desk.until(id, Status::Failed).await;
    assert_all_are_anns(&shop);
    let mut after = owners(&shop);
    assert!(after.remove(Path::new("left")).is_some());
    assert_eq!(after, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_lent_to_one_run_after_the_other_and_everything_in_it_is_the_owners_at_the_end()
{
    let Some(house) = house(&[]) else { return };
    house.desk.ask(&["queues", "limit", "agent", "2"]);
    let shop = house.shop();
    let go = shop.join("private/go");
    let long = format!(
        "message begun 1; until [ -e {} ]; do sleep 0.1; done; echo late >> secret.txt && result 0 wrote",
        go.display()
    );
    let inner = house.ask("workspace", &shop.join("private"), &long);
    until_said(&house.desk.store, inner, "begun").await;
    let outer = house.ask("workspace", &shop, "echo x > private/new; result 0 done");
    fs::write(&go, "").unwrap();
    chown(&go, Some(ANN), Some(ANN)).unwrap();
    let session = house.desk.ends(inner, ("completed", "done", None)).await;
    assert_eq!(session["response"], "wrote");
    house.desk.ends(outer, ("completed", "done", None)).await;
    assert_all_are_anns(&shop);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_another_user_is_stopped_with_all_its_processes() {
    for (sandbox, profile) in [("bwrap", "workspace"), ("bwrap", "full"), ("none", "read-only")] {
        // A user of its own: other tests run at the same time.
        let uid = STOPPED.to_string();
        let own = [("LAMPLIGHTER_AGENT_SANDBOX", sandbox), (UID, &uid)];
        let Some(house) = house(&own) else { return };
        let script = "on_int 0.25; setsid sleep 54321 & message begun 1; sleep 600 & wait";
        let id = house.desk.enqueue(&json!({"prompt": script, "profile": profile}));
        until_said(&house.desk.store, id, "begun").await;
        house.desk.ask(&["sessions", "stop", &id.to_string()]);
        let session = house.desk.ends(id, ("cancelled", "cancelled", None)).await;
        assert_eq!(session["cost_usd"], 0.25, "it heard INT: {session:#}");
        let left = all_of(STOPPED);
        assert!(left.is_empty(), "{sandbox} {profile}: {left:?}");
    }
}

/// The processes of a user.
fn all_of(uid: u32) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let own = processes.filter(|path| path.metadata().is_ok_and(|found| found.uid() == uid));
    own.filter_map(|path| fs::read_to_string(path.join("comm")).ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_the_user_of_agents_may_not_read_is_refused_with_a_remedy_that_helps() {
    let Some(house) = house(&[]) else { return };
    let shop = house.shop();
    let id = house.ask("read-only", &shop, "result 0 never");
    let job = house.desk.until(id, Status::Failed).await;
    let why = job.error.unwrap();
    let (_, remedy) = why.split_once("let it: ").unwrap_or_else(|| panic!("{why}"));
    assert_eq!(job.error_code.as_deref(), Some("AGENT-VALUE-001"));
    if !Path::new("/usr/bin/setfacl").exists() {
        return skipped("it needs setfacl (Debian: apt-get install acl)");
    }
    let words: Vec<_> = remedy.split_whitespace().collect();
    assert!(Command::new(words[0]).args(&words[1..]).status().unwrap().success(), "{remedy}");
    let said = house
        .runs(
            "read-only",
            &shop,
            "result 0 \"$(cat private/secret.txt | tr -d '\\n'; echo x 2>/dev/null > new || echo no)\"",
        )
        .await;
    assert!(said.starts_with("before"), "{said}");
    assert!(!shop.join("new").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_although_another_user_has_run_it_before() {
    let Some(mut house) = house(&[]) else { return };
    house.desk.server.take().unwrap().kill();
    house.desk.set_variable(UID, None);
    house.desk.serve();
    let script = "echo 'result 0 \"$(id -u) $(cat $KEPT/note.jsonl)\"' > $KEPT/resumed.jsonl; \
        (umask 077; echo kept > $KEPT/note.jsonl); message a 1; result 0 first";
    let id = house.desk.enqueue(&json!({"prompt": script}));
    let session = house.desk.ends(id, ("completed", "done", None)).await;
    assert_eq!(session["isolation"], "bwrap");
    house.desk.server.take().unwrap().kill();
    house.desk.set_variable(UID, Some(AGENT.to_string()));
    house.desk.serve();
    let next = house.desk.enqueue(&json!({"prompt": "go on", "continues": id.0}));
    let session = house.desk.ends(next, ("completed", "done", None)).await;
    assert_eq!(session["response"], format!("{AGENT} kept"));
}

#[test]
fn a_server_that_is_not_roots_refuses_an_id_for_agents_and_roots_refuses_roots() {
    if !rustix::process::getuid().is_root() {
        return say_loudly("SKIPPED: only root can start a server as another user");
    }
    let folder = tempfile::tempdir().unwrap();
    chown(folder.path(), Some(ANN), Some(ANN)).unwrap();
    let ask = |uid: u32, value: &str| {
        let mut command = program(folder.path());
        command.args(["serve", "--listen", "127.0.0.1:0"]).env(UID, value).uid(uid).gid(uid);
        let done = command.output().unwrap();
        assert_eq!(done.status.code(), Some(78), "{done:?}");
        String::from_utf8(done.stderr).unwrap()
    };
    let said = ask(ANN, "4242");
    assert!(said.contains("CONFIG-VALUE-001") && said.contains("only a server of root"), "{said}");
    let said = ask(0, "0");
    assert!(said.contains("CONFIG-VALUE-001") && said.contains("0 is root"), "{said}");
    // The group of shadow, on many systems; the group of a user whom nobody knows has the user's number.
    let group = fs::read_to_string("/etc/group").unwrap();
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let number = |line: &str, at| line.split(':').nth(at).and_then(|id| id.parse::<u32>().ok());
    let is_known = |id: u32| users.lines().any(|line| number(line, 2) == Some(id));
    let alone = group.lines().filter_map(|line| number(line, 2)).find(|id| !is_known(*id));
    let said = ask(0, &alone.unwrap().to_string());
    assert!(said.contains("but a group has"), "{said}");
    let said = ask(0, &ANN.to_string());
    assert!(said.contains("the data directory belongs to"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_by_another_user_asks_the_snapshot_with_a_sandbox_or_without_one() {
    if house(&[]).is_none() {
        return;
    }
    let Some(claude) = crate::real_cli::claude() else { return };
    let uid = AGENT.to_string();
    for sandbox in ["bwrap", "none"] {
        let variables = [(UID, uid.as_str()), ("LAMPLIGHTER_AGENT_SANDBOX", sandbox)];
        crate::agent_scans::two_problems_end_as_two_issues(&claude, &variables).await;
    }
}

/// By the newest version alone: the option by which the oldest that is accepted is shut off from its user's own files,
/// `--bare`, leaves it no tools but Bash, Edit and Read.
#[tokio::test(flavor = "multi_thread")]
async fn claude_code_works_as_another_user_in_a_folder_of_somebody_else() {
    let Some(house) = house(&[]) else { return };
    let Some(claude) = crate::real_cli::claude() else { return };
    let api = MessagesApi::start();
    let uid = AGENT.to_string();
    let own =
        [(UID, uid.as_str()), ("ANTHROPIC_BASE_URL", api.url.as_str()), ("ANTHROPIC_API_KEY", KEY)];
    let shop = house.shop();
    let desk = Desk::start(&claude, &own);
    let line = "id -u; cat private/secret.txt; echo made > made.txt; git init -q . && git status --short | wc -l";
    let write = json!({"file_path": shop.join("written.txt"), "content": "written"});
    api.script("case-other", [Reply::bash(line), Reply::Tool("Write", write), Reply::Text("over")]);
    let payload = json!({"prompt": "case-other", "profile": "workspace", "working_dir": shop});
    let id = desk.enqueue(&payload);
    let session = desk.ends(id, ("completed", "done", None)).await;
    assert_eq!(session["response"], "over", "{session:#}");
    let told = crate::support::desk::transcript(&desk.store, id).await;
    assert!(told.contains(&format!("{AGENT}\\nbefore")), "{told}");
    let written = fs::read_to_string(shop.join("written.txt"))
        .unwrap_or_else(|error| panic!("{error}: {told}"));
    assert_eq!(written, "written");
    assert_eq!(api.requests("case-other")[0].headers["x-api-key"], KEY);
    assert_all_are_anns(&shop);
}

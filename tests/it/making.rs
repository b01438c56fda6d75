//! The making of a sandbox: what a run hears of it, and that it does not begin in another folder than was looked at.

use crate::support::{STUCK, in_time, skipped};
use lamplighter::Code;
use lamplighter::agents::{
    Exit, FolderId, Isolation, Launcher, Limits, Marker, Run, Sandbox, Sandboxing, Spec,
};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

/// A program that is called in the place of `bwrap`, with what it does first in a file beside it.
struct Scene {
    folder: TempDir,
    launcher: Launcher,
}

impl Scene {
    /// `None` where there is no sandbox.
    async fn new() -> Option<Self> {
        let program = env!("CARGO_BIN_EXE_lamplighter");
        let Sandboxing::Usable { bwrap } = Launcher::with_program(program).sandboxing().await
        else {
            skipped("the sandbox cannot be used");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let stand_in = folder.path().join("bwrap");
        let here = folder.path().display();
        let script = format!("#!/bin/sh\n. {here}/first\nexec {} \"$@\"\n", bwrap.display());
        fs::write(&stand_in, script).unwrap();
        fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.path().join("first"), "").unwrap();
        let launcher = Launcher::with_program(program).with_bwrap(stand_in);
        let found = launcher.sandboxing().await;
        assert!(matches!(found, Sandboxing::Usable { .. }), "{found:?}");
        Some(Self { folder, launcher })
    }

    /// Has each call do this first, and be counted.
    fn first(&self, does: &str) {
        let log = self.folder.path().join("calls");
        let script = format!("echo call >> {}\n{does}\n", log.display());
        fs::write(self.folder.path().join("first"), script).unwrap();
    }

    fn calls(&self) -> usize {
        fs::read_to_string(self.folder.path().join("calls")).unwrap().lines().count()
    }

    fn spec(&self, script: &str) -> Spec {
        Spec {
            argv: ["/bin/sh", "-c", script].map(str::to_owned).into(),
            env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            working_dir: self.folder.path().to_owned(),
            folder: None,
            stdin: Vec::new(),
            limits: Limits { wall: STUCK, idle: STUCK, ..Limits::default() },
            isolation: Isolation::Bwrap(Sandbox::default()),
            marker: Marker::random(),
        }
    }
}

async fn printed(run: &mut Run) -> String {
    let mut printed = Vec::new();
    while let Some(chunk) = in_time(run.next()).await {
        printed.extend(chunk.bytes);
    }
    let ended = in_time(run.ended()).await.unwrap();
    assert_eq!(ended.exit, Some(Exit::Code(0)), "{ended:?}");
    String::from_utf8(printed).unwrap()
}

#[tokio::test]
async fn a_run_has_three_descriptors_and_hears_nothing_of_what_its_sandbox_was_made_with() {
    let Some(scene) = Scene::new().await else { return };
    scene.first("echo 'bwrap: a warning' >&2");
    let script = "for n in $(seq 0 99); do [ -e /proc/$$/fd/$n ] && echo $n; done; echo begun >&2";
    let mut run = scene.launcher.start(scene.spec(script)).await.unwrap();
    let said = printed(&mut run).await;
    let mut words: Vec<_> = said.split_whitespace().collect();
    // The two pipes are read beside each other.
    words.sort_unstable();
    assert_eq!(words, ["0", "1", "2", "begun"]);
    assert_eq!(scene.calls(), 1);
}

#[tokio::test]
async fn a_sandbox_that_cannot_be_made_is_an_error_with_its_reason_and_nothing_begins() {
    let Some(scene) = Scene::new().await else { return };
    let begun = scene.folder.path().join("begun");
    scene.first("echo 'bwrap: no room for namespaces' >&2; exit 1");
    let script = format!("touch {}", begun.display());
    let error = scene.launcher.start(scene.spec(&script)).await.unwrap_err();
    // The sandbox is tried again, and cannot be used.
    assert_eq!(error.code(), Code::AgentBox);
    assert!(error.to_string().contains("no room for namespaces"), "{error}");
    let Some(scene) = Scene::new().await else { return };
    scene.first("exit 3");
    let error = scene.launcher.start(scene.spec(&script)).await.unwrap_err();
    assert!(error.to_string().contains("ended with exit code 3 and did not say why"), "{error}");
    assert!(!Path::new(&begun).exists());
}

#[tokio::test]
async fn what_leads_connections_out_of_a_sandbox_writes_to_nothing_of_the_runs() {
    let Some(scene) = Scene::new().await else { return };
    let script = "exec 2>/dev/null; for p in /proc/[0-9]*; do if tr '\\0' ' ' < $p/cmdline | grep -q '^[^ ]* supervise lead'; \
        then echo leader $(readlink $p/fd/1 $p/fd/2); fi; done";
    let mut run = scene.launcher.start(scene.spec(script)).await.unwrap();
    assert_eq!(printed(&mut run).await, "leader /dev/null /dev/null\n");
}

/// Between the look at a folder and the start of a run in it somebody puts another one, or a link, in its place.
#[tokio::test]
async fn a_run_does_not_begin_in_another_folder_than_the_one_that_was_looked_at() {
    let Some(scene) = Scene::new().await else { return };
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let [work, other] = ["work", "other"].map(|name| place.path().join(name));
    for folder in [&work, &other] {
        fs::create_dir(folder).unwrap();
    }
    let (id, real) = FolderId::open(&work).unwrap();
    assert_eq!(real, work.canonicalize().unwrap());
    let spec = |isolation: Isolation| Spec {
        working_dir: work.clone(),
        folder: Some(id),
        isolation,
        ..scene.spec("echo begun; touch begun")
    };
    let boxed = || Isolation::Bwrap(Sandbox::default());
    for isolation in [boxed(), Isolation::None] {
        let mut run = scene.launcher.start(spec(isolation)).await.unwrap();
        assert_eq!(printed(&mut run).await, "begun\n");
        fs::remove_file(work.join("begun")).unwrap();
    }
    let (from, to) = (work.display(), other.display());
    scene.first(&format!("if [ -d {to} ]; then mv {from} {from}-away; mv {to} {from}; fi"));
    let error = scene.launcher.start(spec(boxed())).await.unwrap_err();
    assert_eq!(error.code(), Code::AgentStart);
    assert!(error.to_string().contains("another folder has taken the place"), "{error}");
    scene.first("");
    let mut run = scene.launcher.start(spec(Isolation::None)).await.unwrap();
    while in_time(run.next()).await.is_some() {}
    assert_eq!(in_time(run.ended()).await.unwrap().exit, Some(Exit::Code(1)));
    assert_eq!(fs::read_dir(&work).unwrap().count(), 0);
}

/// Whatever a run starts finds the program under `/proc`, and must not speak in its name.
#[tokio::test]
async fn a_child_of_the_program_cannot_write_into_what_the_program_prints() {
    let Some(scene) = Scene::new().await else { return };
    let parents = "for fd in 1 2; do echo forged >/proc/$PPID/fd/$fd; done";
    // Outside of a sandbox this would meet the whole machine.
    let all = "for each in /proc/[0-9]*/fd/[12]; do echo forged >$each; done";
    for (isolation, forge) in [
        (Isolation::Bwrap(Sandbox::default()), all),
        (Isolation::Bwrap(Sandbox::default()), parents),
        (Isolation::None, parents),
    ] {
        let script = format!("sh -c '{forge}' >/dev/null 2>&1; echo own; echo own >&2");
        let spec = Spec { isolation, ..scene.spec(&script) };
        let mut run = scene.launcher.start(spec).await.unwrap();
        assert_eq!(printed(&mut run).await, "own\nown\n");
    }
}

/// Each line says `ok` if what it needs is there; a folder that may be written is `@`.
const NEEDED: [(&str, &str); 7] = [
    (
        "python3",
        "python3 -c 'import socket; a, b = socket.socketpair(); a.send(b\"ok\"); print(b.recv(9).decode())'",
    ),
    (
        "python3",
        "python3 -c 'from multiprocessing import Pool; print(Pool(2).map(str, [\"ok\"])[0])'",
    ),
    (
        "python3",
        "python3 -c 'import asyncio; asyncio.run(asyncio.create_subprocess_exec(\"echo\", \"ok\"))'",
    ),
    (
        "perl",
        "perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0) and bind(S, sockaddr_in(0, INADDR_LOOPBACK)) and listen(S, 1) and print \"ok\"'",
    ),
    (
        "git",
        "git init -q @/one && git -C @/one -c user.name=a -c user.email=a commit -q --allow-empty -m one && git clone -q @/one @/two && echo ok",
    ),
    (
        "node",
        r#"echo 'process.send("ok")' >@/c.js; node -e 'require("child_process").fork("@/c.js").on("message", m => console.log(m))'"#,
    ),
    (
        "npm",
        "cd @ && npm init -y >/dev/null && npm install --offline --no-audit >/dev/null && echo ok",
    ),
];
/// What does not work: whatever meets at a path.
const REFUSED: &str = "perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) and print \"ok\"; socketpair(S, T, AF_UNIX, SOCK_DGRAM, 0) and print \"ok\"'";

#[tokio::test]
async fn what_builds_and_tests_need_of_sockets_is_there_without_sockets_in_the_file_system() {
    let Some(scene) = Scene::new().await else { return };
    let path = "/usr/local/bin:/usr/bin:/bin".to_owned();
    let has = |name: &str| std::env::split_paths(&path).any(|folder| folder.join(name).exists());
    let run = |script: String| {
        let env = BTreeMap::from([("PATH".to_owned(), path.clone())]);
        let spec = Spec { env, ..scene.spec(&script) };
        async { printed(&mut scene.launcher.start(spec).await.unwrap()).await }
    };
    for (program, line) in NEEDED.iter().filter(|(program, _)| has(program)) {
        let line = line.replace('@', "/tmp");
        let said = run(format!("export HOME=/tmp; {line} 2>&1")).await;
        assert_eq!(said.trim(), "ok", "{program}: {line}");
    }
    assert_eq!(run(REFUSED.to_owned()).await, "");
}

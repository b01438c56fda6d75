//! The making of a sandbox on a machine whose services come and go meanwhile, and what a run hears of it.

use crate::support::{STUCK, in_time, skipped};
use lamplighter::Code;
use lamplighter::agents::{
    Exit, FolderId, Isolation, Launcher, Limits, Marker, Run, Sandbox, Sandboxing, Spec,
};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// How often a run is begun at most.
const TRIES: usize = 5;

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

/// A folder of a service, with its socket.
fn service() -> Option<(TempDir, UnixListener)> {
    let Ok(folder) = tempfile::tempdir_in("/var/cache") else {
        skipped("/var/cache cannot be written");
        return None;
    };
    let listener = UnixListener::bind(folder.path().join("service.sock")).unwrap();
    Some((folder, listener))
}

#[tokio::test]
async fn a_service_that_goes_while_the_sandbox_is_made_keeps_no_run_from_beginning() {
    let (Some(scene), Some((folder, _listener))) = (Scene::new().await, service()) else { return };
    scene.first(&format!("rm -rf {}", folder.path().display()));
    let script = "echo \"$LAMPLIGHTER_READY\"; ls /proc/$$/fd | tr '\\n' ' '; echo begun >&2";
    let mut run = scene.launcher.start(scene.spec(script)).await.unwrap();
    let said = printed(&mut run).await;
    // The shell has the three descriptors of every program. It is not told what its sandbox was made with.
    assert!(said.starts_with("\n0 1 2 "), "{said:?}");
    assert!(said.contains("begun") && !said.contains("bwrap"), "{said:?}");
    // Services of other tests come and go too.
    assert!((2..=TRIES).contains(&scene.calls()));
}

#[tokio::test]
async fn services_that_never_stop_going_end_the_tries_with_what_bwrap_says() {
    let Some(scene) = Scene::new().await else { return };
    let services: Vec<_> = (0..9).filter_map(|_| service()).collect();
    let folders: Vec<_> =
        services.iter().map(|(folder, _)| folder.path().display().to_string()).collect();
    // Each call takes one of them away.
    let line = folders.join(" ");
    scene.first(&format!("for each in {line}; do [ -e $each ] && rm -rf $each && break; done"));
    let error = scene.launcher.start(scene.spec("echo begun")).await.unwrap_err();
    assert_eq!(error.code(), Code::AgentStart);
    assert!(error.to_string().contains("bwrap: Can't"), "{error}");
    assert_eq!(scene.calls(), TRIES);
}

#[tokio::test]
async fn a_sandbox_that_cannot_be_made_is_an_error_with_its_reason_and_nothing_begins() {
    let Some(scene) = Scene::new().await else { return };
    let begun = scene.folder.path().join("begun");
    scene.first("echo 'bwrap: no room for namespaces' >&2; exit 1");
    let script = format!("touch {}", begun.display());
    let error = scene.launcher.start(scene.spec(&script)).await.unwrap_err();
    assert_eq!(error.code(), Code::AgentStart);
    assert!(error.to_string().contains("no room for namespaces"), "{error}");
    assert!((1..=TRIES).contains(&scene.calls()));
    scene.first("exit 3");
    let error = scene.launcher.start(scene.spec(&script)).await.unwrap_err();
    assert!(error.to_string().contains("ended with exit code 3 and did not say why"), "{error}");
    assert!(!Path::new(&begun).exists());
}

/// Binds a socket at a path and says so.
const BIND: &str = "use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, pack_sockaddr_un($ARGV[0])) or die $!; \
    $| = 1; print \"bound\\n\"; <STDIN>";

/// In a view of its own anybody binds at any path, and the kernel's list names that path to everybody.
#[tokio::test]
async fn a_file_is_seen_although_somebody_has_bound_at_its_path_in_a_view_of_his_own() {
    let (Some(scene), Some((folder, listener))) = (Scene::new().await, service()) else { return };
    // With a socket of its own the folder would be hidden.
    drop(listener);
    let program = folder.path().join("bin/tool");
    fs::create_dir(program.parent().unwrap()).unwrap();
    fs::write(&program, "of the machine").unwrap();
    let mut command = Command::new("bwrap");
    command.args(["--dev-bind", "/", "/", "--tmpfs"]).arg(program.parent().unwrap());
    command.args(["perl", "-e", BIND]).arg(&program);
    let mut other = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(other.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "bound\n");
    let list = fs::read_to_string("/proc/net/unix").unwrap();
    assert!(list.contains(program.to_str().unwrap()), "{list}");
    let script = format!("cat {}", program.display());
    let mut run = scene.launcher.start(scene.spec(&script)).await.unwrap();
    assert_eq!(printed(&mut run).await, "of the machine");
    drop(other.stdin.take());
    other.wait().unwrap();
}

#[tokio::test]
async fn no_process_of_a_sandbox_keeps_the_pipe_of_its_making() {
    let Some(scene) = Scene::new().await else { return };
    let script = "exec 2>/dev/null; for p in /proc/[0-9]*; do if tr '\\0' ' ' < $p/cmdline | grep -q '^[^ ]* supervise lead'; \
        then echo leader $(ls -l $p/fd | grep -c pipe:); fi; done";
    let mut run = scene.launcher.start(scene.spec(script)).await.unwrap();
    assert_eq!(printed(&mut run).await, "leader 0\n");
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

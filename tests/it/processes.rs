//! Programs that are run for others, and every process that they start: none is left behind, whoever dies.

use crate::support::{STUCK, in_time, skipped};
use lamplighter::Code;
use lamplighter::agents::{
    self, Ended, Exit, Isolation, Launcher, Limits, Marker, Reason, Run, Sandbox, Sandboxing, Spec,
    Stream,
};
use lamplighter::model::Process;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// From INT to KILL in these tests.
const GRACE: Duration = Duration::from_millis(200);
/// What may be left of a run so long after it has settled: nothing.
const SETTLED: Duration = Duration::from_secs(2);
/// Cases of the campaign that run at once.
const AT_ONCE: usize = 8;
/// Between two looks at what is left.
const LOOK_EVERY: Duration = Duration::from_millis(10);

fn launcher() -> Launcher {
    Launcher::with_program(env!("CARGO_BIN_EXE_lamplighter")).with_grace(GRACE)
}

/// Whether the sandbox works here. If it does not, what needs it is skipped.
async fn has_sandbox(launcher: &Launcher) -> bool {
    match launcher.sandboxing().await {
        Sandboxing::Usable { .. } => true,
        Sandboxing::Unusable { reason } => {
            skipped(&format!("everything inside the sandbox, which cannot be used: {reason}"));
            false
        }
    }
}

/// A job's folder and the marker of its run, which every process of these tests also has among its arguments: the
/// programs are links in the folder that are named after it.
struct Place {
    folder: TempDir,
    marker: Marker,
}

impl Place {
    fn new() -> Self {
        let marker = Marker::random();
        let folder = tempfile::Builder::new().prefix(marker.as_str()).tempdir().unwrap();
        let sleep =
            ["/usr/bin/sleep", "/bin/sleep"].into_iter().find(|path| Path::new(path).exists());
        let link = folder.path().join(format!("{marker}-sleep"));
        std::os::unix::fs::symlink(sleep.expect("coreutils"), link).unwrap();
        Self { folder, marker }
    }

    /// A run of a shell script in this place.
    fn spec(&self, script: &str, isolation: Isolation) -> Spec {
        spec(self.folder.path(), &self.marker, script, isolation)
    }

    /// What there is of the run.
    fn left(&self) -> Vec<Seen> {
        seen(self.marker.as_str())
    }

    /// Waits until nothing is left, or the time is over. Answers what is left then.
    async fn left_after(&self, time: Duration) -> Vec<Seen> {
        let since = Instant::now();
        loop {
            let left = self.left();
            if left.is_empty() || since.elapsed() > time {
                return left;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

fn spec(folder: &Path, marker: &Marker, script: &str, isolation: Isolation) -> Spec {
    let path = "/usr/local/bin:/usr/bin:/bin".to_owned();
    Spec {
        argv: ["sh", "-c", script, marker.as_str()].map(str::to_owned).into(),
        env: BTreeMap::from([("PATH".to_owned(), path)]),
        working_dir: folder.to_owned(),
        folder: None,
        stdin: Vec::new(),
        limits: Limits { wall: STUCK, idle: STUCK, ..Limits::default() },
        isolation,
        marker: marker.clone(),
    }
}

/// A process that bears a word in its arguments or its environment, or works in a folder of that name.
#[derive(Debug)]
struct Seen {
    pid: u32,
    started: u64,
    name: String,
    arguments: String,
    environment: String,
}

fn seen(word: &str) -> Vec<Seen> {
    let text = |pid: u32, file: &str| {
        let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\0', " ")
    };
    let folders = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let pids = folders.filter_map(|folder| folder.file_name().to_str()?.parse::<u32>().ok());
    let mut found = Vec::new();
    for pid in pids.filter(|pid| *pid != std::process::id()) {
        let (arguments, environment) = (text(pid, "cmdline"), text(pid, "environ"));
        let folder = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        let is_ours = [&arguments, &environment, &*folder.to_string_lossy()]
            .iter()
            .any(|text| text.contains(word));
        let stat = text(pid, "stat");
        let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        if is_ours && fields.len() > 19 && fields[0] != "Z" {
            let started = fields[19].parse().unwrap();
            let name = text(pid, "comm").trim().to_owned();
            found.push(Seen { pid, started, name, arguments, environment });
        }
    }
    found.sort_by_key(|seen| (seen.started, seen.pid));
    found
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
}

/// Reads output until the script has said that it is ready.
async fn ready(run: &mut Run) {
    let mut said = Vec::new();
    while !said.windows(5).any(|word| word == b"ready") {
        let chunk = in_time(run.next()).await;
        said.extend(chunk.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&said))).bytes);
    }
}

/// Everything that a run writes, and its end.
async fn finish(run: &mut Run) -> (String, String, Ended) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some(chunk) = in_time(run.next()).await {
        match chunk.stream {
            Stream::Stdout => out.extend(chunk.bytes),
            Stream::Stderr => err.extend(chunk.bytes),
        }
    }
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(out), text(err), in_time(run.ended()).await.unwrap())
}

// ---- The campaign ----------------------------------------------------------------------------------------------------

/// What the program does.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Plain,
    Background,
    Setsid,
    DoubleFork,
    IgnoresTerm,
    HoldsStdout,
    ClearsEnvironment,
    FiftyChildren,
}

const KINDS: [Kind; 8] = [
    Kind::Plain,
    Kind::Background,
    Kind::Setsid,
    Kind::DoubleFork,
    Kind::IgnoresTerm,
    Kind::HoldsStdout,
    Kind::ClearsEnvironment,
    Kind::FiftyChildren,
];

impl Kind {
    /// How many processes it starts besides the main one.
    fn children(self) -> usize {
        match self {
            Kind::Plain => 0,
            Kind::Setsid
            | Kind::DoubleFork
            | Kind::IgnoresTerm
            | Kind::HoldsStdout
            | Kind::ClearsEnvironment => 1,
            Kind::Background => 2,
            Kind::FiftyChildren => 50,
        }
    }
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Success,
    Timeout,
    Cancel,
    ServerTerm,
    ServerKill,
    AgentKill,
}

const EVENTS: [Event; 6] = [
    Event::Success,
    Event::Timeout,
    Event::Cancel,
    Event::ServerTerm,
    Event::ServerKill,
    Event::AgentKill,
];

fn script(kind: Kind, event: Event) -> String {
    // `$0` is the marker, which also names the link to sleep.
    let quiet = "./$0-sleep 600 >/dev/null 2>&1";
    let start = match kind {
        Kind::Plain => String::new(),
        Kind::Background => format!("{quiet} & {quiet} &"),
        Kind::Setsid => format!("setsid {quiet} &"),
        Kind::DoubleFork => format!("( ( setsid {quiet} & ) & )"),
        Kind::IgnoresTerm => format!("trap '' TERM; {quiet} &"),
        Kind::HoldsStdout => "( trap '' TERM; setsid ./$0-sleep 600 & )".to_owned(),
        Kind::ClearsEnvironment => format!("( env -i setsid {quiet} & )"),
        Kind::FiftyChildren => format!("i=0; while [ $i -lt 50 ]; do {quiet} & i=$((i+1)); done"),
    };
    let end = match event {
        Event::Success => "echo ready; exit 0",
        Event::Timeout
        | Event::Cancel
        | Event::ServerTerm
        | Event::ServerKill
        | Event::AgentKill => "echo ready; while :; do ./$0-sleep 600; done",
    };
    match kind {
        Kind::ClearsEnvironment => format!("{start}\nexec env -i sh -c '{end}' $0"),
        Kind::Plain
        | Kind::Background
        | Kind::Setsid
        | Kind::DoubleFork
        | Kind::IgnoresTerm
        | Kind::HoldsStdout
        | Kind::FiftyChildren => format!("{start}\n{end}"),
    }
}

/// One case and what came of it.
struct Row {
    kind: Kind,
    event: Event,
    is_sandboxed: bool,
    /// From the event until the run was settled; where the server was killed: until nothing was left.
    settle: Duration,
    /// What was there at that moment.
    at_settle: usize,
    /// What was there two seconds later.
    survivors: Vec<Seen>,
}

async fn case(launcher: Arc<Launcher>, kind: Kind, event: Event, is_sandboxed: bool) -> Row {
    let place = Place::new();
    let since = match event {
        Event::ServerTerm | Event::ServerKill => {
            server_dies(&place, kind, event, is_sandboxed).await
        }
        Event::Success | Event::Timeout | Event::Cancel | Event::AgentKill => {
            run_ends(&launcher, &place, kind, event, is_sandboxed).await
        }
    };
    let (settle, at_settle, survivors) = if event == Event::ServerKill {
        let survivors = place.left_after(SETTLED).await;
        (since.elapsed(), survivors.len(), survivors)
    } else {
        let settle = since.elapsed();
        (settle, place.left().len(), place.left_after(SETTLED).await)
    };
    for survivor in &survivors {
        kill_process(Pid::from_raw(survivor.pid.cast_signed()).unwrap(), Signal::KILL).ok();
    }
    Row { kind, event, is_sandboxed, settle, at_settle, survivors }
}

/// Waits until the look for survivors finds what there is: the supervisor, the main process and its children. One that
/// is forked just then may be missed by a look.
async fn sees_all(place: &Place, kind: Kind) {
    in_time(async {
        while place.left().len() < 2 + kind.children() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })
    .await;
}

fn isolation(is_sandboxed: bool) -> Isolation {
    if is_sandboxed { Isolation::Bwrap(Sandbox::default()) } else { Isolation::None }
}

/// A case in which this process is the server. Answers when the event took place.
async fn run_ends(
    launcher: &Launcher,
    place: &Place,
    kind: Kind,
    event: Event,
    is_sandboxed: bool,
) -> Instant {
    let mut spec = place.spec(&script(kind, event), isolation(is_sandboxed));
    if event == Event::Timeout {
        spec.limits.wall = Duration::from_millis(700);
    }
    let mut run = launcher.start(spec).await.unwrap();
    assert_eq!(run.is_sandboxed(), is_sandboxed);
    if event != Event::Timeout {
        ready(&mut run).await;
    }
    if [Event::Cancel, Event::AgentKill].contains(&event) {
        sees_all(place, kind).await;
    }
    let mut since = Instant::now();
    let killed = if is_sandboxed { Exit::Code(137) } else { Exit::Signal(9) };
    let (reason, exit) = match event {
        Event::Success => (Reason::Exited, Some(Exit::Code(0))),
        Event::Timeout => {
            since += Duration::from_millis(700);
            (Reason::TimedOut, None)
        }
        Event::Cancel => {
            run.stop().await;
            (Reason::Stopped, None)
        }
        Event::AgentKill => {
            let shells = place.left().into_iter().filter(|seen| seen.name == "sh");
            signal(shells.min_by_key(|seen| seen.started).expect("the agent").pid, Signal::KILL);
            (Reason::Exited, Some(killed))
        }
        Event::ServerTerm | Event::ServerKill => unreachable!("another process is the server"),
    };
    let ended = in_time(run.ended()).await.unwrap();
    assert_eq!(ended.reason, reason, "{kind:?} {ended:?}");
    assert!(exit.is_none() || ended.exit == exit, "{kind:?} {ended:?}");
    since
}

/// A case in which another process is the server. Answers when it was told to end.
async fn server_dies(place: &Place, kind: Kind, event: Event, is_sandboxed: bool) -> Instant {
    let mut server = Server::start(place, &script(kind, event), is_sandboxed).await;
    sees_all(place, kind).await;
    let since = Instant::now();
    if event == Event::ServerTerm {
        signal(server.child.id(), Signal::TERM);
        let last = tokio::task::spawn_blocking(move || {
            let line = server.line();
            assert!(server.child.wait().unwrap().success());
            line
        });
        assert_eq!(in_time(last).await.unwrap(), "ended Stopped");
    } else {
        server.child.kill().unwrap();
        server.child.wait().unwrap();
    }
    since
}

/// How a process learns that it is a server of one run: its folder, marker and script, and whether in the sandbox.
const SERVER: &str = "LAMPLIGHTER_TEST_PROCESSES";
const CAMPAIGN: &str = "processes::whoever_dies_no_process_of_a_run_is_left_behind";

/// Another process that uses the library to run something.
struct Server {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Server {
    /// Starts it, and waits until what it runs is ready.
    async fn start(place: &Place, script: &str, is_sandboxed: bool) -> Self {
        let folder = place.folder.path().to_str().unwrap();
        let value = format!("{folder}\n{}\n{is_sandboxed}\n{script}", place.marker);
        // A descriptor that somebody has left open must not reach what is run.
        let mut command = Command::new("sh");
        command.args(["-c", "exec 7</dev/null; exec \"$@\"", "sh"]);
        command.arg(std::env::current_exe().unwrap());
        command.args(["--exact", CAMPAIGN, "--nocapture"]).env(SERVER, value);
        let started = tokio::task::spawn_blocking(move || {
            let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
            let lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let mut server = Self { child, lines };
            assert_eq!(server.line(), "ready");
            server
        });
        in_time(started).await.unwrap()
    }

    /// What it says next.
    fn line(&mut self) -> String {
        loop {
            let line = self.lines.next().expect("it says more").unwrap();
            // The test harness may have printed its own words before.
            if let Some((_, said)) = line.split_once("SERVER ") {
                return said.to_owned();
            }
        }
    }
}

/// What such a process does.
async fn serve_one(value: &str) {
    use tokio::signal::unix::{SignalKind, signal};
    let mut parts = value.splitn(4, '\n');
    let mut next = || parts.next().unwrap();
    let (folder, marker) = (Path::new(next()), Marker::parse(next()).unwrap());
    let (isolation, script) = (isolation(next() == "true"), next());
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let mut run = launcher().start(spec(folder, &marker, script, isolation)).await.unwrap();
    ready(&mut run).await;
    println!("SERVER ready");
    terminate.recv().await;
    run.stop().await;
    println!("SERVER ended {:?}", run.ended().await.unwrap().reason);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_dies_no_process_of_a_run_is_left_behind() {
    if let Ok(value) = std::env::var(SERVER) {
        return serve_one(&value).await;
    }
    let launcher = Arc::new(launcher());
    let sandboxes = if has_sandbox(&launcher).await { vec![true, false] } else { vec![false] };
    let mut open = Vec::new();
    for kind in KINDS {
        for event in EVENTS {
            open.extend(sandboxes.iter().map(|sandbox| (kind, event, *sandbox)));
        }
    }
    let (mut running, mut rows) = (JoinSet::new(), Vec::new());
    while !open.is_empty() || !running.is_empty() {
        if running.len() < AT_ONCE
            && let Some((kind, event, is_sandboxed)) = open.pop()
        {
            running.spawn(case(launcher.clone(), kind, event, is_sandboxed));
        } else {
            rows.push(running.join_next().await.unwrap().unwrap());
        }
    }
    println!("{}", table(&rows));
    assert_eq!(rows.len(), KINDS.len() * EVENTS.len() * sandboxes.len());
    for row in rows {
        let name = format!("{:?} {:?} sandbox {}", row.kind, row.event, row.is_sandboxed);
        assert!(row.survivors.is_empty(), "{name}: {:?}", row.survivors);
        assert_eq!(row.at_settle, 0, "{name}: something was left when it was called settled");
    }
}

fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<12}{:<12}{:>6}{:>11}{:>11}{:>16}",
        "isolation", "event", "cases", "at settle", "survivors", "slowest settle"
    );
    for is_sandboxed in [true, false] {
        for event in EVENTS {
            let is_of = |row: &&Row| row.event == event && row.is_sandboxed == is_sandboxed;
            let rows: Vec<&Row> = rows.iter().filter(is_of).collect();
            let at_settle: usize = rows.iter().map(|row| row.at_settle).sum();
            let survivors: usize = rows.iter().map(|row| row.survivors.len()).sum();
            let slowest = rows.iter().map(|row| row.settle).max().unwrap_or_default();
            let isolation = if is_sandboxed { "bwrap" } else { "supervisor" };
            let (event, cases) = (format!("{event:?}"), rows.len());
            write!(
                text,
                "\n{isolation:<12}{event:<12}{cases:>6}{at_settle:>11}{survivors:>11}{:>13} ms",
                slowest.as_millis()
            )
            .unwrap();
        }
    }
    text
}

// ---- What a program gets, and what comes of it -----------------------------------------------------------------------

#[tokio::test]
async fn a_program_gets_its_input_byte_for_byte_and_answers_with_its_output_and_exit_code() {
    let place = Place::new();
    let input = "--lead \"$(x)\" 'q' \\ \n\u{1f3ee}".repeat(6_000);
    let mut spec = place.spec("cat; echo oops >&2; exit 7", Isolation::None);
    spec.stdin = input.clone().into_bytes();
    let mut run = launcher().start(spec).await.unwrap();
    let (out, err, ended) = finish(&mut run).await;
    assert!(out == input, "{} bytes of {}", out.len(), input.len());
    assert_eq!(err, "oops\n");
    assert_eq!((ended.exit, ended.reason), (Some(Exit::Code(7)), Reason::Exited));
    assert_eq!(ended.leftovers, 0);
}

#[tokio::test]
async fn a_program_has_three_descriptors_and_the_environment_that_it_was_given() {
    let launcher = launcher();
    let has_sandbox = has_sandbox(&launcher).await;
    for is_sandboxed in [false, true] {
        if is_sandboxed && !has_sandbox {
            continue;
        }
        let place = Place::new();
        // The server has a descriptor 7 that is not its own.
        let script = "env >env; echo ready; exec ./$0-sleep 600";
        let mut server = Server::start(&place, script, is_sandboxed).await;
        let read = |name| fs::read_to_string(place.folder.path().join(name)).unwrap();
        let sleep = in_time(async {
            loop {
                let found = place.left().into_iter().find(|seen| seen.arguments.starts_with("./"));
                match found {
                    Some(found) => return found,
                    None => tokio::time::sleep(LOOK_EVERY).await,
                }
            }
        })
        .await;
        let descriptors = in_time(async {
            loop {
                // One that ends meanwhile is the loader's, which still opens the program's libraries.
                let seen = fs::read_dir(format!("/proc/{}/fd", sleep.pid)).unwrap();
                let link = |entry: fs::DirEntry| (entry.file_name(), fs::read_link(entry.path()));
                let seen: BTreeMap<_, _> = seen.map(|entry| link(entry.unwrap())).collect();
                let is_loading = seen.values().any(|link| {
                    link.as_ref().map_or(true, |link| link.to_string_lossy().contains(".so"))
                });
                if !is_loading {
                    return seen;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        })
        .await;
        assert!(descriptors.keys().eq(["0", "1", "2"]), "sandbox {is_sandboxed}: {descriptors:?}");
        let variables = read("env");
        let mut names: Vec<_> = variables.lines().filter_map(|line| line.split_once('=')).collect();
        names.retain(|(name, _)| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
        names.sort_unstable();
        let path = ("PATH", "/usr/local/bin:/usr/bin:/bin");
        assert_eq!(names, [("LAMPLIGHTER_RUN", place.marker.as_str()), path]);
        signal(server.child.id(), Signal::TERM);
        server.child.wait().unwrap();
        assert!(place.left().is_empty());
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_error_and_leaves_nothing() {
    let place = Place::new();
    let mut spec = place.spec("", Isolation::None);
    spec.argv = vec!["no-such-program".to_owned()];
    let error = launcher().start(spec).await.unwrap_err();
    assert_eq!(error.code(), Code::AgentStart);
    assert!(error.to_string().contains("no-such-program"), "{error}");
    assert!(place.left_after(SETTLED).await.is_empty());
}

#[tokio::test]
async fn the_sandbox_shows_a_read_only_machine_without_its_people() {
    let launcher = launcher();
    if !has_sandbox(&launcher).await {
        return;
    }
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("secret"), "x").unwrap();
    let place = Place::new();
    let script = format!(
        "ls -A /root /home /usr/share {} 2>/dev/null; touch /etc/x /usr/x 2>/dev/null; \
         touch here && echo made; ls /proc | grep -c '^[0-9]'",
        other.path().display()
    );
    let sandbox = Sandbox { hidden: vec!["/usr/share".into()], ..Sandbox::default() };
    let mut run = launcher.start(place.spec(&script, Isolation::Bwrap(sandbox))).await.unwrap();
    let (out, err, ended) = finish(&mut run).await;
    assert_eq!(ended.exit, Some(Exit::Code(0)), "{out}{err}");
    assert!(out.starts_with("/home:\n\n/root:\n\n/usr/share:\nmade\n"), "{out}{err}");
    assert!(place.folder.path().join("here").exists());
    assert!(!Path::new("/etc/x").exists() && !Path::new("/usr/x").exists());
    let processes = out.lines().last().unwrap().parse::<u32>().unwrap();
    assert!(processes <= 5, "it sees only its own: {out}");
}

#[tokio::test]
async fn without_a_sandbox_a_run_that_demands_one_is_refused_and_the_reason_is_told() {
    let launcher = launcher().with_bwrap("/bin/false");
    let Sandboxing::Unusable { reason } = launcher.sandboxing().await else { panic!("usable") };
    assert!(reason.contains("try bwrap") && reason.contains("exit code 1"), "{reason}");
    let place = Place::new();
    let demanded = launcher.start(place.spec("echo ready", isolation(true))).await;
    assert_eq!(demanded.unwrap_err().code(), Code::AgentBox);
}

#[tokio::test]
async fn no_sandbox_is_made_without_the_file_of_our_own_program() {
    let launcher = Launcher::with_program("/nowhere/lamplighter").with_bwrap("/bin/false");
    let Sandboxing::Unusable { reason } = launcher.sandboxing().await else { panic!("usable") };
    let why = "the file of the program /nowhere/lamplighter cannot be found";
    assert!(reason.contains(why), "{reason}");
    let place = Place::new();
    let demanded = launcher.start(place.spec("echo ready", isolation(true))).await.unwrap_err();
    assert_eq!(demanded.code(), Code::AgentBox);
    assert!(demanded.to_string().contains(why), "{demanded}");
}

#[tokio::test]
async fn in_the_sandbox_too_a_program_has_its_grace() {
    let launcher = Launcher::with_program(env!("CARGO_BIN_EXE_lamplighter")).with_grace(STUCK);
    if !has_sandbox(&launcher).await {
        return;
    }
    let place = Place::new();
    let script = "trap 'echo told' INT; trap 'echo saved; exit 3' TERM; echo ready; while :; do sleep 0.01; done";
    let mut run = launcher.start(place.spec(script, isolation(true))).await.unwrap();
    ready(&mut run).await;
    run.stop().await;
    let (out, _, ended) = finish(&mut run).await;
    assert_eq!(out, "told\nsaved\n");
    assert_eq!((ended.exit, ended.reason), (Some(Exit::Code(3)), Reason::Stopped));
}

#[tokio::test]
async fn whatever_ends_a_run_its_program_is_interrupted_first_and_its_tools_are_not() {
    let tool = "setsid sh -c 'trap \"echo tool interrupted\" INT; echo ready; sleep 600' &";
    let script = format!("trap 'echo told; exit 7' INT; {tool} while :; do sleep 0.01; done");
    let short = Duration::from_millis(500);
    let long = Limits { wall: STUCK, idle: STUCK, ..Limits::default() };
    for is_sandboxed in [false, true] {
        if is_sandboxed && !has_sandbox(&launcher()).await {
            return;
        }
        for (limits, reason) in [
            (long, Reason::Stopped),
            (Limits { wall: short, ..long }, Reason::TimedOut),
            (Limits { idle: short, ..long }, Reason::Idle),
        ] {
            let place = Place::new();
            let spec = Spec { limits, ..place.spec(&script, isolation(is_sandboxed)) };
            let mut run = launcher().start(spec).await.unwrap();
            ready(&mut run).await;
            if reason == Reason::Stopped {
                run.stop().await;
            }
            let (out, _, ended) = finish(&mut run).await;
            assert_eq!((out.as_str(), ended.reason), ("told\n", reason), "{is_sandboxed}");
            assert_eq!(ended.exit, Some(Exit::Code(7)), "{is_sandboxed} {reason:?}");
            assert!(place.left().is_empty(), "{is_sandboxed} {reason:?}");
        }
    }
}

#[tokio::test]
async fn a_stop_that_comes_before_the_program_has_begun_is_heard_too() {
    let launcher = Launcher::with_program(env!("CARGO_BIN_EXE_lamplighter")).with_grace(STUCK);
    if !has_sandbox(&launcher).await {
        return;
    }
    let mut stops = JoinSet::new();
    let launcher = Arc::new(launcher);
    for delay in 0..20 {
        let launcher = Arc::clone(&launcher);
        stops.spawn(async move {
            let place = Place::new();
            let spec = place.spec("sleep 600; :", Isolation::Bwrap(Sandbox::default()));
            let mut run = launcher.start(spec).await.unwrap();
            tokio::time::sleep(Duration::from_millis(delay)).await;
            run.stop().await;
            // With a grace this long only INT or TERM can have ended it.
            let ended = in_time(run.ended()).await.unwrap();
            assert_eq!(ended.reason, Reason::Stopped);
        });
        if stops.len() == AT_ONCE {
            stops.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(stopped) = stops.join_next().await {
        stopped.unwrap();
    }
}

#[tokio::test]
async fn a_program_that_moves_on_to_a_new_session_all_the_time_is_caught() {
    let place = Place::new();
    // Each lives for a millisecond or two; without its file the next one cannot start.
    let hop = "trap '' TERM\n( setsid sh ./hop $1 >/dev/null 2>&1 & )\n";
    fs::write(place.folder.path().join("hop"), hop).unwrap();
    let script = "sh ./hop $0; sleep 0.1; echo ready";
    let mut run = launcher().start(place.spec(script, Isolation::None)).await.unwrap();
    ready(&mut run).await;
    let ended = in_time(run.ended()).await.unwrap();
    assert_eq!((ended.exit, ended.reason), (Some(Exit::Code(0)), Reason::Exited));
    assert!(place.left().is_empty(), "{:?}", place.left());
}

// ---- Limits ----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn output_beyond_its_limit_ends_the_run_and_is_not_delivered() {
    let place = Place::new();
    let mut spec = place.spec("yes lantern", Isolation::None);
    spec.limits.output = 1_000_000;
    let mut run = launcher().start(spec).await.unwrap();
    let (out, _, ended) = finish(&mut run).await;
    assert_eq!((out.len(), ended.reason), (1_000_000, Reason::OutputLimit));
    assert!(place.left().is_empty());
}

#[tokio::test]
async fn silence_ends_a_run_but_output_that_nobody_takes_is_no_silence() {
    let place = Place::new();
    let mut spec = place.spec("sleep 600", Isolation::None);
    spec.limits.idle = Duration::from_millis(700);
    let mut silent = launcher().start(spec).await.unwrap();

    let other = Place::new();
    let mut spec = other.spec("head -c 3000000 /dev/zero", Isolation::None);
    spec.limits.idle = Duration::from_millis(300);
    let mut blocked = launcher().start(spec).await.unwrap();

    // By the time the first one was ended for its silence, the second one has waited for a reader for twice its limit.
    assert_eq!(in_time(silent.ended()).await.unwrap().reason, Reason::Idle);
    let (out, _, ended) = finish(&mut blocked).await;
    assert_eq!((out.len(), ended.reason), (3_000_000, Reason::Exited));
}

#[tokio::test]
async fn a_grandchild_that_holds_stdout_open_delays_the_end_by_two_seconds_and_is_counted() {
    let place = Place::new();
    let launcher = Launcher::with_program(env!("CARGO_BIN_EXE_lamplighter"));
    let script = script(Kind::HoldsStdout, Event::Success);
    let mut run = launcher.start(place.spec(&script, Isolation::None)).await.unwrap();
    ready(&mut run).await;
    let since = Instant::now();
    let ended = in_time(run.ended()).await.unwrap();
    let delay = since.elapsed();
    assert!(delay < Duration::from_secs(4), "{delay:?}");
    assert_eq!((ended.exit, ended.leftovers), (Some(Exit::Code(0)), 1));
    assert!(place.left().is_empty());
}

#[tokio::test]
async fn a_run_that_is_dropped_ends_even_if_somebody_could_still_stop_it() {
    let place = Place::new();
    let mut run =
        launcher().start(place.spec("echo ready; sleep 600; :", Isolation::None)).await.unwrap();
    ready(&mut run).await;
    let stopper = run.stopper();
    drop(run);
    assert!(place.left_after(SETTLED).await.is_empty());
    stopper.stop().await;
}

// ---- After a crash ---------------------------------------------------------------------------------------------------

fn supervisor_of(place: &Place) -> u32 {
    let of_run = format!("LAMPLIGHTER_SUPERVISES={}", place.marker);
    let found = place.left().into_iter().find(|seen| seen.environment.contains(&of_run));
    found.expect("a supervisor").pid
}

#[tokio::test]
async fn what_a_killed_supervisor_leaves_is_ended_before_the_run_counts_as_over() {
    let place = Place::new();
    // The main process has cleared its environment: it is known by its number and start time.
    let script =
        "./$0-sleep 600 & exec env -i sh -c 'echo ready; while :; do ./$0-sleep 600; done' $0";
    let mut run = launcher().start(place.spec(script, Isolation::None)).await.unwrap();
    ready(&mut run).await;
    signal(supervisor_of(&place), Signal::KILL);
    let ended = in_time(run.ended()).await.unwrap();
    assert_eq!((ended.exit, ended.reason), (None, Reason::SupervisorLost));
    assert!(place.left().is_empty(), "{:?}", place.left());
    assert_eq!(in_time(run.ended()).await.unwrap(), ended, "asked again it says the same");
}

#[tokio::test]
async fn the_next_start_ends_what_both_killed_ones_left_and_reports_what_it_cannot_prove() {
    let place = Place::new();
    let other = Place::new();
    let script = "trap '' TERM; ( env -i setsid ./$0-sleep 600 >/dev/null 2>&1 & ); \
                  setsid ./$0-sleep 600 & echo ready; ./$0-sleep 600";
    let mut server = Server::start(&place, script, false).await;
    let launcher = launcher();
    let bystander = launcher.start(other.spec("echo ready; sleep 600; :", Isolation::None));
    let mut bystander = in_time(bystander).await.unwrap();
    ready(&mut bystander).await;
    let supervisor = supervisor_of(&place);
    signal(supervisor, Signal::STOP);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    signal(supervisor, Signal::KILL);

    let trace = agents::Trace {
        marker: place.marker.clone(),
        main: None,
        working_dir: Some(place.folder.path().to_owned()),
    };
    let swept = in_time(agents::sweep(std::slice::from_ref(&trace), GRACE)).await.unwrap();
    assert!(swept.ended >= 3, "the shell and two children: {swept:?}");
    let left: HashMap<u32, Seen> = place.left().into_iter().map(|seen| (seen.pid, seen)).collect();
    let suspects: Vec<u32> = swept.suspects.iter().map(|Process { pid, .. }| *pid).collect();
    assert_eq!(left.keys().copied().collect::<Vec<_>>(), suspects, "{left:?}");
    let suspect = &left[&suspects[0]];
    assert!(suspect.environment.is_empty() && suspect.arguments.contains("-sleep"));
    signal(suspect.pid, Signal::KILL);
    assert!(place.left_after(SETTLED).await.is_empty());
    assert_eq!(in_time(agents::sweep(&[trace], GRACE)).await.unwrap(), agents::Swept::default());
    assert_eq!(other.left().len(), 3, "another run is not touched: {:?}", other.left());
    bystander.stop().await;
    in_time(bystander.ended()).await.unwrap();
}

#[tokio::test]
async fn what_a_program_writes_by_the_clock_while_it_waits_is_no_sign_of_life() {
    let beats = "i=0; while [ $i -lt 600 ]; do echo '{\"tick\":true}'; sleep 0.1; i=$((i+1)); done";
    let ended = async |heartbeats: &'static [&'static str]| {
        let place = Place::new();
        let mut spec = place.spec(beats, Isolation::None);
        spec.limits = Limits { idle: Duration::from_secs(1), heartbeats, ..spec.limits };
        spec.limits.wall = Duration::from_secs(3);
        let mut run = launcher().start(spec).await.unwrap();
        let (out, _, ended) = finish(&mut run).await;
        assert!(!out.is_empty(), "they are delivered all the same");
        ended.reason
    };
    assert_eq!(ended(&[]).await, Reason::TimedOut);
    assert_eq!(ended(&["\"tick\":true"]).await, Reason::Idle);
}

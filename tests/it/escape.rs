//! What an agent could be talked into by a log line, done: nothing is read or written outside its sandbox.

mod lines;
mod world;

use crate::support::{STUCK, in_time, say_loudly, skipped};
use lamplighter::agents::{
    Exit, Isolation, Launcher, Limits, Marker, Sandboxing, Spec, Stream, create_job_dir, door,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use world::{Harm, World};

/// The secret in the environment of the server, which is a process of its own for that; its name is telling.
const SECRET: &str = "LAMPLIGHTER_GITHUB_TOKEN";
/// The longest that the door takes for a question, and to spare on a busy machine.
const DOOR: Duration = Duration::from_secs(20);
/// The most that the door prints: the rows, and a sentence.
const MAX_PRINTED: usize = 256 * 1024 + 1024;

type Environment = BTreeMap<String, String>;

/// What came of a line.
struct Ran {
    printed: String,
    code: Option<i32>,
    folder: PathBuf,
    took: Duration,
}

/// The folder of a new job, as a scan has it, with what lies in wait for the stock shell.
fn job(world: &World) -> (PathBuf, Environment) {
    let folder = world.new_job();
    create_job_dir(&folder).unwrap();
    let bin = door::install(&folder, Path::new(world::PROGRAM)).unwrap();
    let secret = world.data().join("secret.txt");
    fs::write(folder.join(".sqliterc"), format!(".shell cat {}\n", secret.display())).unwrap();
    std::os::unix::fs::symlink(&world.snapshot, folder.join("link-snapshot")).unwrap();
    std::os::unix::fs::symlink(world.data(), folder.join("link-data")).unwrap();
    let env = [
        ("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", bin.display())),
        ("HOME", folder.display().to_string()),
        ("ANTHROPIC_API_KEY", world.model_key.clone()),
    ];
    (folder, env.map(|(name, value)| (name.to_owned(), value)).into())
}

/// Runs a line as the agent's shell would: in a scan's sandbox, or, to see that it could do harm, in none.
async fn run(world: &World, launcher: &Launcher, line: &str, is_sandboxed: bool) -> Ran {
    let (folder, env) = job(world);
    let readable = vec![world.snapshot.clone(), world::PROGRAM.into()];
    let sandbox = door::sandbox(world.data(), &folder, readable);
    let spec = Spec {
        argv: ["/bin/sh", "-c", &world.fill(line)].map(str::to_owned).into(),
        env,
        working_dir: folder.clone(),
        folder: None,
        stdin: Vec::new(),
        limits: Limits { wall: STUCK, idle: STUCK, ..Limits::default() },
        isolation: if is_sandboxed { Isolation::Bwrap(sandbox) } else { Isolation::None },
        marker: Marker::random(),
    };
    let since = Instant::now();
    let mut run = launcher.start(spec).await.unwrap();
    let mut printed = Vec::new();
    while let Some(chunk) = in_time(run.next()).await {
        assert!([Stream::Stdout, Stream::Stderr].contains(&chunk.stream));
        printed.extend(chunk.bytes);
    }
    let ended = in_time(run.ended()).await.unwrap();
    let code = ended.exit.and_then(|exit| match exit {
        Exit::Code(code) => Some(code),
        Exit::Signal(_) => None,
    });
    let printed = String::from_utf8_lossy(&printed).into_owned();
    Ran { printed, code, folder, took: since.elapsed() }
}

/// Runs a line of the door with nothing around it.
fn bare((folder, env): (PathBuf, Environment), line: &str) -> Ran {
    let since = Instant::now();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", line]).env_clear().envs(env).current_dir(&folder);
    let done = command.stdin(Stdio::null()).output().unwrap();
    let printed = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    Ran { printed, code: done.status.code(), folder, took: since.elapsed() }
}

/// Counts of the battery, and what went wrong.
#[derive(Default)]
struct Tally {
    lines: usize,
    harms: Vec<Harm>,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, world: &mut World, line: &str, ran: &Ran) {
        let harm = world.harm(&ran.printed, &ran.folder);
        self.lines += 1;
        if harm != Harm::default() {
            self.wrong.push(format!("{line}\n  {harm:?}: {}", ran.printed));
        }
        self.harms.push(harm);
    }

    fn expect(&mut self, is_so: bool, what: &str, line: &str, ran: &Ran) {
        if !is_so {
            let printed: String = ran.printed.chars().take(500).collect();
            self.wrong.push(format!("{line}\n  {what}: {:?} {printed}", ran.code));
        }
    }

    fn count(&self, is: impl Fn(&Harm) -> bool) -> usize {
        self.harms.iter().filter(|harm| is(harm)).count()
    }
}

/// Whether the sandbox works here. If it does not, what needs it is skipped.
async fn has_sandbox(launcher: &Launcher) -> bool {
    match launcher.sandboxing().await {
        Sandboxing::Usable { .. } => true,
        Sandboxing::Unusable { reason } => {
            skipped(&format!("the escapes from the sandbox, which cannot be used: {reason}"));
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_an_agent_is_talked_into_it_reads_and_writes_nothing_outside_its_sandbox() {
    let Ok(secret) = std::env::var(SECRET) else {
        return as_a_server_with_a_secret(
            "whatever_an_agent_is_talked_into_it_reads_and_writes_nothing_outside_its_sandbox",
        );
    };
    let launcher = Launcher::with_program(world::PROGRAM);
    let is_sandboxed = has_sandbox(&launcher).await;
    let mut world = World::new(&secret).await;
    let mut tally = Tally::default();

    the_door_answers(&world, &launcher, is_sandboxed).await;
    for line in lines::DOOR {
        let ran = bare(job(&world), &world.fill(line));
        tally.add(&mut world, line, &ran);
        let is_refused = ran.code == Some(1) && ran.printed.starts_with("Error: [AGENT-DOOR-001]");
        tally.expect(is_refused, "the door does not refuse it", line, &ran);
        tally.expect(world::is_untouched(&ran.folder), "it leaves something", line, &ran);
    }
    if is_sandboxed {
        for line in lines::DOOR.iter().chain(lines::SHELL) {
            let ran = run(&world, &launcher, line, true).await;
            tally.add(&mut world, line, &ran);
            let is_door = lines::DOOR.contains(line);
            tally.expect(!is_door || ran.code != Some(0), "the door answers", line, &ran);
        }
    }
    bombs(&mut world, &mut tally).await;

    let (reads, writes, secrets) = (
        tally.count(|harm| harm.read),
        tally.count(|harm| harm.written),
        tally.count(|harm| harm.secret),
    );
    println!(
        "escape battery: {} lines run, reads outside {reads}, writes outside {writes}, secrets {secrets}",
        tally.lines
    );
    assert!(tally.wrong.is_empty(), "{}", tally.wrong.join("\n"));
    assert!(lines::DOOR.len() + lines::SHELL.len() >= 100);
}

/// Runs a test of these again with a secret in its environment, from where an agent might read it.
fn as_a_server_with_a_secret(test: &str) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("escape::{test}"), "--nocapture"]);
    command.env(SECRET, world::random());
    let done = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    out.lines().filter(|line| line.contains("lines run")).for_each(|line| println!("{line}"));
    err.lines().filter(|line| line.contains("SKIPPED")).for_each(say_loudly);
    assert!(done.status.success() && out.contains("1 passed"), "{out}{err}");
}

/// The lines below prove nothing unless a good question is answered in the same place.
async fn the_door_answers(world: &World, launcher: &Launcher, is_sandboxed: bool) {
    let line = "sqlite3 -readonly -json {snapshot} 'SELECT message FROM logs' && sqlite3 {snapshot} .tables";
    let answer = "[{\"message\":\"a row of the snapshot\"}]\nlogs\n";
    assert_eq!(bare(job(world), &world.fill(line)).printed, answer);
    if is_sandboxed {
        assert_eq!(run(world, launcher, line, true).await.printed, answer);
        let env = run(world, launcher, "env", true).await.printed;
        assert!(env.contains(&world.model_key), "the one secret that an agent needs: {env}");
    }
}

/// Questions that take all there is of something: they end in time, with little said.
async fn bombs(world: &mut World, tally: &mut Tally) {
    let mut running = JoinSet::new();
    for line in lines::BOMBS {
        let (job, filled) = (job(world), world.fill(line));
        running.spawn_blocking(move || (line, bare(job, &filled)));
    }
    while let Some(done) = in_time(running.join_next()).await {
        let (line, ran) = done.unwrap();
        tally.add(world, line, &ran);
        tally.expect(ran.printed.len() <= MAX_PRINTED, "it prints too much", line, &ran);
        let is_said = ["Error: [AGENT-DOOR-001]", "narrow the query"];
        let is_said = is_said.iter().any(|words| ran.printed.contains(words));
        tally.expect(is_said, "it does not say why it ends", line, &ran);
        tally.expect(ran.took < DOOR, &format!("it takes {:?}", ran.took), line, &ran);
        tally.expect(world::is_untouched(&ran.folder), "it leaves something", line, &ran);
    }
}

/// The same kinds of lines with nothing around them do the harm, and it is seen.
#[tokio::test]
async fn outside_the_sandbox_the_same_lines_do_their_harm_and_it_is_seen() {
    let Ok(secret) = std::env::var(SECRET) else {
        return as_a_server_with_a_secret(
            "outside_the_sandbox_the_same_lines_do_their_harm_and_it_is_seen",
        );
    };
    let launcher = Launcher::with_program(world::PROGRAM);
    let has_stock = Path::new("/usr/bin/sqlite3").exists();
    if !has_stock {
        skipped("the lines that need the sqlite3 shell (Debian: apt-get install sqlite3)");
    }
    for (line, wanted) in lines::CONTROLS {
        if !has_stock && line.contains("/usr/bin/sqlite3") {
            continue;
        }
        let mut world = World::new(&secret).await;
        let ran = run(&world, &launcher, line, false).await;
        if line.starts_with("kill -9 ") {
            in_time(world.victim_has_ended()).await;
        }
        let harm = world.harm(&ran.printed, &ran.folder);
        assert_eq!(harm, *wanted, "{line}: {}", ran.printed);
    }
}

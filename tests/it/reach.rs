//! What a run in the sandbox can reach by a network, by a socket, and by the wall's own proxy: nothing but what was named.

mod lines;
mod targets;

use crate::support::messages_api::MessagesApi;
use crate::support::{STUCK, in_time, skipped};
use lamplighter::agents::wall::{Entry, Wall};
use lamplighter::agents::{
    Isolation, Launcher, Limits, Marker, Sandbox, Sandboxing, Spec, create_job_dir, door,
};
use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use targets::Targets;

const PROGRAM: &str = env!("CARGO_BIN_EXE_lamplighter");
const KEY: &str = "the-real-key-of-the-server";
/// Asks for a line to `$1` with the login of the run, and prints what comes.
const CONNECT: &str = r#"login=$(printf %s "run:$ANTHROPIC_API_KEY" | base64 -w0)
exec 3<>/dev/tcp/127.0.0.1/3128
printf 'CONNECT %s HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic %s\r\nConnection: close\r\n\r\n' "$1" "$login" >&3
timeout 2 cat <&3; echo
"#;
/// Asks the model, with and without the placeholder, by the port and by the socket itself.
const ASK: &str = r#"ask() {
  printf 'POST %s HTTP/1.1\r\nHost: x\r\nx-api-key: %s\r\nContent-Length: 27\r\nConnection: close\r\n\r\n{"messages":[],"model":"m"}' "$1" "$2"
}
exec 3<>/dev/tcp/127.0.0.1/3128; ask "/v1/messages" "$ANTHROPIC_API_KEY" >&3; timeout 5 cat <&3; echo
for key in '' stolen; do exec 3<>/dev/tcp/127.0.0.1/3128; ask "/v1/messages" "$key" >&3; timeout 5 cat <&3; echo; done
exec 3<>/dev/tcp/127.0.0.1/3128; ask "/v1/files" "$ANTHROPIC_API_KEY" >&3; timeout 5 cat <&3; echo
"#;

/// What a run is put into.
struct Cage {
    name: &'static str,
    sandbox: Sandbox,
}

/// The cages of the profiles that have one.
fn cages(data: &Path, job: &Path, work: &Path) -> [Cage; 3] {
    let machine = Sandbox {
        hidden: vec![data.to_owned()],
        writable: vec![job.to_owned(), work.to_owned()],
        ..Sandbox::default()
    };
    [
        Cage { name: "scan", sandbox: door::sandbox(data, job, vec![PROGRAM.into()]) },
        Cage { name: "read-only", sandbox: machine.clone() },
        Cage { name: "workspace", sandbox: machine },
    ]
}

/// Runs each of these files, one after another, and answers what they print.
async fn run(
    launcher: &Launcher,
    job: &Path,
    env: &BTreeMap<String, String>,
    isolation: Isolation,
) -> String {
    let each = "for line in lines/*.sh; do echo \"== $line\"; timeout 20 bash $line </dev/null 2>&1; done; echo the end";
    let mut env = env.clone();
    env.insert(
        "PATH".to_owned(),
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
    );
    let spec = Spec {
        argv: ["/bin/bash", "-c", each].map(str::to_owned).into(),
        env,
        working_dir: job.to_owned(),
        folder: None,
        stdin: Vec::new(),
        limits: Limits { wall: STUCK, idle: STUCK, ..Limits::default() },
        isolation,
        marker: Marker::random(),
    };
    let mut run = launcher.start(spec).await.unwrap();
    let mut printed = Vec::new();
    while let Some(chunk) = in_time(run.next()).await {
        printed.extend(chunk.bytes);
    }
    in_time(run.ended()).await.unwrap();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    assert!(printed.ends_with("the end\n"), "{printed}");
    printed
}

/// Writes the lines into the folder of a job.
fn write(job: &Path, lines: &[String]) {
    let folder = job.join("lines");
    fs::create_dir_all(&folder).unwrap();
    for (number, line) in lines.iter().enumerate() {
        fs::write(folder.join(format!("{number:03}.sh")), line).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_run_in_the_sandbox_tries_it_reaches_nothing_that_was_not_named() {
    let launcher = Launcher::with_program(PROGRAM);
    if let Sandboxing::Unusable { reason } = launcher.sandboxing().await {
        return skipped(&format!("the sandbox cannot be used: {reason}"));
    }
    let canary: String = (0..24).map(|_| fastrand::alphanumeric()).collect();
    let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let work = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let job = data.path().join("jobs/1");
    create_job_dir(&job).unwrap();
    let targets = Targets::start(&canary, data.path(), work.path());
    let api = MessagesApi::start();
    let named = TcpListener::bind("127.0.0.1:0").unwrap();
    let named = named.local_addr().unwrap();
    let wall = Wall::of_environment(
        |name| match name {
            "ANTHROPIC_API_KEY" => Some(KEY.to_owned()),
            "ANTHROPIC_BASE_URL" => Some(api.url.clone()),
            _ => None,
        },
        [named.to_string(), targets.fill("localhost:{any}")]
            .map(|host| host.parse().unwrap())
            .into(),
    )
    .unwrap();

    // Where nothing keeps them from it, the lines reach what they name.
    let fill = |line: &str| targets.fill(line).replace("{canary}", &canary);
    write(&job, &lines::SURE.iter().map(|line| fill(line)).collect::<Vec<_>>());
    let printed = run(&launcher, &job, &BTreeMap::new(), Isolation::None).await;
    let reached = targets.reached();
    for target in ["tcp", "tcp6", "any", "udp", "abstract"] {
        assert!(reached.iter().any(|name| name == target), "{target} is not reached: {printed}");
    }
    for kind in ["stream.sock", "datagram.sock"] {
        let found = reached.iter().filter(|name| name.ends_with(kind)).count();
        assert!(found >= 8, "{kind}: {reached:?}\n{printed}");
    }

    let through = lines::THROUGH.iter().map(|to| format!("set -- {}\n{CONNECT}", fill(to)));
    let mut all: Vec<_> = lines::SURE.iter().chain(lines::MORE).map(|line| fill(line)).collect();
    all.extend(through);
    all.push(format!("set -- {named}\n{CONNECT}"));
    all.push(ASK.to_owned());
    write(&job, &all);
    let (lines, mut wrong) = (all.len(), Vec::new());
    for Cage { name, sandbox } in cages(data.path(), &job, work.path()) {
        let passage = wall.open(Entry::Socket(&data.path().join("wall")), name.to_owned()).unwrap();
        let passage_socket = passage.socket().map(Path::to_owned);
        let isolation = Isolation::Bwrap(Sandbox { passage: passage_socket, ..sandbox });
        let printed = run(&launcher, &job, passage.environment(), isolation).await;
        let reached = targets.reached();
        println!("{name}: {lines} lines, {} reached", reached.len());
        if !reached.is_empty() || printed.contains(&canary) || printed.contains(KEY) {
            let lines = printed.split("\n== ");
            let telling = lines.filter(|line| line.contains(&canary) || line.contains(KEY));
            wrong.push(format!("{name} reached {reached:?}: {}", telling.collect::<String>()));
        }
        let answers = |status: &str| printed.matches(&format!("HTTP/1.1 {status}")).count();
        // The line to the named address, and the question to the model.
        assert_eq!(answers("200"), 2, "{name}: {printed}");
        assert_eq!(answers("401"), 2, "{name}: {printed}");
        assert_eq!(answers("403") + answers("400"), lines::THROUGH.len() + 1, "{name}: {printed}");
        let account = passage.account().unwrap().to_string();
        assert!(account.contains(&named.to_string()) && account.contains("/v1/files"), "{account}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! Claude Code itself while the model's service is slow: what counts as a sign of life, and what as none.

use crate::real_cli::claude;
use crate::support::in_time;
use crate::support::messages_api::{MessagesApi, Reply};
use lamplighter::agents::claude::{Settings, Version};
use lamplighter::agents::{Ended, Isolation, Launcher, Limits, Marker, Reason, Spec, Stream};
use lamplighter::model::Profile;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The longest silence of a run at the first try. The program itself is silent until it has started.
const IDLE: Duration = Duration::from_secs(6);
/// Before each piece of an answer.
const PAUSE: Duration = Duration::from_millis(500);
/// Arrives with the answers as they come, which is what makes a long one a sign of life.
const PARTIAL: &str = "--include-partial-messages";

/// The version of the program.
fn version(claude: &Path, home: &Path) -> Version {
    let said = Command::new(claude).arg("--version").env("HOME", home).output().unwrap();
    Version::parse(&String::from_utf8(said.stdout).unwrap()).unwrap()
}

/// Asks the program and ends it when it is silent for `idle`, with the arguments that we give it but `without`. Answers how it
/// ended, and what it printed.
async fn ask(
    claude: &Path,
    url: &str,
    prompt: &str,
    without: Option<&str>,
    idle: Duration,
) -> (Ended, String) {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().to_str().unwrap().to_owned();
    let mut argv = vec![claude.to_str().unwrap().to_owned()];
    let settings = Settings { api_key: true, ..Settings::new(Profile::ReadOnly) };
    argv.extend(settings.argv(version(claude, folder.path())).unwrap());
    argv.retain(|word| Some(word.as_str()) != without);
    let env = [
        ("PATH", std::env::var("PATH").unwrap()),
        ("HOME", home),
        ("ANTHROPIC_BASE_URL", url.to_owned()),
        ("ANTHROPIC_API_KEY", "model-key-0123456789".to_owned()),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".to_owned()),
    ];
    let spec = Spec {
        argv,
        env: BTreeMap::from(env.map(|(name, value)| (name.to_owned(), value))),
        working_dir: folder.path().to_owned(),
        folder: None,
        stdin: prompt.as_bytes().to_vec(),
        limits: Limits { idle, ..Limits::default() },
        isolation: Isolation::None,
        marker: Marker::random(),
    };
    let launcher = Launcher::with_program(env!("CARGO_BIN_EXE_lamplighter"));
    let mut run = launcher.start(spec).await.unwrap();
    let mut printed = Vec::new();
    while let Some(chunk) = in_time(run.next()).await {
        if chunk.stream == Stream::Stdout {
            printed.extend(chunk.bytes);
        }
    }
    (run.ended().await.unwrap(), String::from_utf8(printed).unwrap())
}

/// The three answers to one program: in pieces for longer than it may be silent, the same but printed as a whole, and none.
async fn three_answers(claude: &Path, idle: Duration) -> (MessagesApi, [(Ended, String); 3]) {
    let api = MessagesApi::start();
    let pieces = (2 * idle).div_duration_f64(PAUSE) as usize;
    api.script("case-drip", [Reply::Drip("tick ", pieces, PAUSE)]);
    api.script("case-whole", [Reply::Drip("tick ", pieces, PAUSE)]);
    api.script("case-hang", [Reply::Hang]);
    let (drips, whole, hangs) = tokio::join!(
        ask(claude, &api.url, "case-drip", None, idle),
        ask(claude, &api.url, "case-whole", Some(PARTIAL), idle),
        ask(claude, &api.url, "case-hang", None, idle),
    );
    (api, [drips, whole, hangs])
}

#[tokio::test(flavor = "multi_thread")]
async fn each_piece_of_a_long_answer_is_a_sign_of_life_and_a_service_that_says_nothing_is_none() {
    let Some(claude) = claude() else { return };
    let mut idle = IDLE;
    let [drips, whole, hangs] = loop {
        let (api, answers) = three_answers(&claude, idle).await;
        // A program that was ended while it still started has shown nothing about answers: it needs more time on this machine.
        let unasked = ["case-drip", "case-whole", "case-hang"]
            .into_iter()
            .find(|word| api.requests(word).is_empty());
        let Some(word) = unasked else { break answers };
        println!("{word}: not asked within {idle:?}");
        idle *= 2;
        assert!(idle < 10 * IDLE, "{word}: the program does not start: {answers:?}");
    };
    let (ended, printed) = drips;
    println!("in pieces: {:?} after {:?}", ended.reason, ended.wall);
    assert_eq!(ended.reason, Reason::Exited, "{printed}");
    assert!(ended.wall > 2 * idle, "it took {:?}: {printed}", ended.wall);
    let result = printed.lines().last().unwrap();
    assert!(result.contains("tick tick tick") && result.contains(r#""type":"result""#), "{result}");
    for (name, (ended, printed)) in [("as a whole", whole), ("nothing", hangs)] {
        println!("{name}: {:?} after {:?}", ended.reason, ended.wall);
        assert_eq!(ended.reason, Reason::Idle, "{name}: {printed}");
        assert!(ended.wall >= idle, "{name}: it took {:?}", ended.wall);
    }
}

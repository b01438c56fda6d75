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

/// The longest silence of a run. The program itself is silent until it has started.
const IDLE: Duration = Duration::from_secs(6);
/// Before each piece of an answer.
const PAUSE: Duration = Duration::from_millis(500);
/// Pieces of an answer that is twice as long as a run may be silent.
const PIECES: usize = 24;

/// The version of the program.
fn version(claude: &Path, home: &Path) -> Version {
    let said = Command::new(claude).arg("--version").env("HOME", home).output().unwrap();
    Version::parse(&String::from_utf8(said.stdout).unwrap()).unwrap()
}

/// Asks the program, with the arguments that we give it but `without`. Answers how it ended, and what it printed.
async fn ask(claude: &Path, url: &str, prompt: &str, without: Option<&str>) -> (Ended, String) {
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
        limits: Limits { idle: IDLE, ..Limits::default() },
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

#[tokio::test(flavor = "multi_thread")]
async fn each_piece_of_a_long_answer_is_a_sign_of_life_and_a_service_that_says_nothing_is_none() {
    let Some(claude) = claude() else { return };
    let api = MessagesApi::start();
    api.script("case-drip", [Reply::Drip("tick ", PIECES, PAUSE)]);
    api.script("case-hang", [Reply::Hang]);
    let partial = "--include-partial-messages";
    let (drips, whole, hangs) = tokio::join!(
        ask(&claude, &api.url, "case-drip", None),
        ask(&claude, &api.url, "case-drip", Some(partial)),
        ask(&claude, &api.url, "case-hang", None),
    );
    let (ended, printed) = drips;
    println!("in pieces: {:?} after {:?}", ended.reason, ended.wall);
    assert_eq!(ended.reason, Reason::Exited, "{printed}");
    assert!(ended.wall > 2 * IDLE, "it took {:?}: {printed}", ended.wall);
    let result = printed.lines().last().unwrap();
    assert!(result.contains("tick tick tick") && result.contains(r#""type":"result""#), "{result}");
    for (name, (ended, printed)) in [("as a whole", whole), ("nothing", hangs)] {
        println!("{name}: {:?} after {:?}", ended.reason, ended.wall);
        assert_eq!(ended.reason, Reason::Idle, "{name}: {printed}");
        assert!(ended.wall >= IDLE, "{name}: it took {:?}", ended.wall);
    }
}

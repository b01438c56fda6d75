//! Golden repositories end to end: described by the agent, plainly while there is none, completed when there is one.

use crate::support::desk::Desk;
use crate::support::{in_time, until};
use lamplighter::model::{DescribedBy, JobId, Status};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// An agent program that describes whatever it is shown, or refuses to.
fn stub(path: &Path, structured: bool) {
    let mut report = json!({
        "type": "result", "subtype": "success", "is_error": false, "num_turns": 2, "duration_ms": 5,
        "total_cost_usd": 0.25, "result": "prose", "session_id": "67cf1229-f18b-4200-b873-0881f221331e",
    });
    if structured {
        report["structured_output"] = json!({
            "summary": "It keeps lamps.", "technologies": ["Rust"], "features": ["lamps"],
            "use_cases": ["dusk"], "purpose": "Light.",
        });
    }
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo '2.1.329 (Claude Code)'; exit; fi\ncat > /dev/null\necho '{report}'\n"
    );
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn repository(folder: &Path) -> String {
    let path = folder.join("lamps");
    fs::create_dir_all(path.join(".git")).unwrap();
    fs::write(path.join("README.md"), "# Lamps\n\nA program that keeps lamps lit at dusk.\n")
        .unwrap();
    fs::write(path.join("main.rs"), "").unwrap();
    path.to_string_lossy().into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_described_plainly_until_there_is_an_agent_and_then_by_it() {
    let files = tempfile::tempdir().unwrap();
    let agent = files.path().join("agent");
    let path = repository(files.path());
    let mut desk = Desk::start(&agent, &[]);
    let first = JobId(desk.ask(&["repos", "add", &path]).parse().unwrap());
    desk.until(first, Status::Completed).await;
    let described = async |desk: &Desk| {
        let found = desk.store.repository("lamps".into()).await.unwrap().unwrap();
        found.description.map(|(description, by, _)| (description, by))
    };
    let (plain, by) = described(&desk).await.unwrap();
    assert_eq!(
        (plain.summary.as_str(), by),
        ("A program that keeps lamps lit at dusk.", DescribedBy::Files)
    );
    assert_eq!(plain.technologies, ["Rust"]);

    // The next start finds a program, and completes what was done without one.
    stub(&agent, true);
    desk.server.take().unwrap().kill();
    desk.serve();
    let mut changes = desk.store.changes();
    in_time(async {
        while described(&desk).await.unwrap().1 != DescribedBy::Agent {
            changes.changed().await.unwrap();
        }
    })
    .await;
    assert_eq!(described(&desk).await.unwrap().0.summary, "It keeps lamps.");

    // One that fails leaves what is known.
    stub(&agent, false);
    let again = JobId(desk.ask(&["repos", "refresh", "lamps"]).parse().unwrap());
    let job = until(&desk.store, again, |job| job.status.is_final()).await;
    assert_eq!((job.status, job.error_code.as_deref()), (Status::Failed, Some("AGENT-REPLY-001")));
    assert_eq!(described(&desk).await.unwrap().0.summary, "It keeps lamps.");
    assert!(desk.ask(&["repos", "list"]).contains("It keeps lamps."));
    desk.ask(&["repos", "remove", "lamps"]);
    assert_eq!(desk.store.repositories().await.unwrap(), []);
}

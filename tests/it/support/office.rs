//! An engine of the test's own process that runs sessions of a stub agent, whose prompts are shell scripts.

use super::{foreign, store, until};
use lamplighter::Engine;
use lamplighter::agents::Launcher;
use lamplighter::agents::wall::Wall;
use lamplighter::clock::Clock;
use lamplighter::model::{Actor, Job, JobId, Session, SessionRequest, Status};
use lamplighter::sessions::{self, AgentProgram, Agents, Asked, Sandboxed};
use lamplighter::store::Store;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// From INT to KILL in these tests.
const GRACE: Duration = Duration::from_millis(400);

/// An agent program of this version that does what its prompt says, as a shell script; `result COST ANSWER` ends it well.
/// Resumed, it does what its first run has left in its `resumed`.
pub fn stub(folder: &Path, version: &str) -> PathBuf {
    let script = format!(
        r#"#!/bin/sh
if [ "$1" = --version ]; then echo "{version} (Claude Code)"; exit; fi
# A message of the model that read so many tokens: `message ID TOKENS`.
message() {{
  printf '{{"type":"assistant","message":{{"id":"%s","model":"claude-haiku-4-5","content":[{{"type":"text","text":"%s"}}],"usage":{{"input_tokens":%s,"output_tokens":0}}}}}}\n' "$1" "$1" "$2"
}}
# The report of a run that was interrupted, as it tells it on INT: `on_int COST`.
on_int() {{
  trap "printf '{{\"type\":\"result\",\"subtype\":\"error_during_execution\",\"is_error\":true,\"terminal_reason\":\"aborted_tools\",\"num_turns\":7,\"total_cost_usd\":$1}}\n'; exit 0" INT
}}
result() {{
  printf '{{"type":"result","subtype":"success","is_error":false,"num_turns":3,"duration_ms":42,"total_cost_usd":%s,"result":"%s","session_id":"67cf1229-f18b-4200-b873-0881f221331e","usage":{{"input_tokens":11,"output_tokens":7}}}}\n' "$1" "$2"
}}
echo '{{"type":"system","subtype":"init","session_id":"67cf1229-f18b-4200-b873-0881f221331e","model":"stub-1","tools":[],"claude_code_version":"{version}"}}'
# What the next run of the session finds: the files of sessions.
KEPT="$CLAUDE_CONFIG_DIR/projects/stub"
mkdir -p "$KEPT"
case "$*" in *--resume*) . "$KEPT/resumed.jsonl"; exit ;; esac
eval "$(cat)"
"#
    );
    let path = folder.join("agent");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// An engine of this process that runs sessions of the stub, without the sandbox.
pub struct Office {
    pub folder: TempDir,
    pub store: Store,
    pub clock: Clock,
    pub engine: Engine,
}

impl Office {
    pub fn open(clock: Clock) -> Self {
        let (folder, store) = store();
        let program = env!("CARGO_BIN_EXE_lamplighter");
        let launcher = Arc::new(Launcher::with_program(program).with_grace(GRACE));
        let agent = stub(folder.path(), "2.1.329").to_string_lossy().into_owned();
        let agents = Agents {
            store: store.clone(),
            program: AgentProgram::new(agent, Arc::clone(&launcher), clock.clone()),
            launcher,
            door: program.into(),
            data_dir: folder.path().to_owned(),
            pass_env: Vec::new(),
            resources: lamplighter::model::Resources::default(),
            wall: Wall::default(),
            sandbox: Sandboxed::Never,
            secrets: Vec::new(),
            config: None,
            working_dir: None,
            folders: Vec::new(),
        };
        let engine = Engine::builder(store.clone(), clock.clone());
        let engine = sessions::register(engine, &agents).start().unwrap();
        Self { folder, store, clock, engine }
    }

    pub async fn ask(&self, script: &str) -> JobId {
        let asked = Asked::by(Actor::cli());
        let request = SessionRequest::of(script);
        sessions::request(&self.store, request, asked, self.clock.now()).await.unwrap()
    }

    pub async fn until(&self, id: JobId, status: Status) -> Job {
        until(&self.store, id, |job| job.status == status).await
    }

    /// The session, once it has completed.
    pub async fn done(&self, id: JobId) -> Session {
        until(&self.store, id, |job| job.status.is_final()).await;
        let session = self.store.session(id).await.unwrap().unwrap();
        assert_eq!(session.status, Status::Completed, "{:?}", session.error);
        session
    }

    /// Sets a setting as another program would.
    pub fn set(&self, key: &str, value: f64) {
        let sql = "INSERT INTO job_settings (key, value, updated_at, updated_by) VALUES (?1, ?2, 0, 'test')";
        foreign(self.folder.path()).execute(sql, (key, value.to_string())).unwrap();
    }
}

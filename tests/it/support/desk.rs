//! A server that has an agent program, and the command line by which a test asks for sessions and looks at them.

use super::server::{Server, program};
use super::{foreign, in_time, open, until};
use lamplighter::model::{Job, JobId, Status};
use lamplighter::store::Store;
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;
use tokio::task::JoinSet;

/// The server, its data directory, and a second look at its file.
pub struct Desk {
    pub folder: TempDir,
    pub store: Store,
    pub server: Option<Server>,
    environment: Vec<(String, String)>,
    /// Sees the server's commits.
    _watch: JoinSet<()>,
}

impl Desk {
    /// Starts the server with this agent program, our `PATH` and these variables.
    pub fn start(agent: &Path, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = std::env::var("PATH").unwrap();
        let agent = agent.to_str().unwrap();
        let own = [("PATH", path.as_str()), ("LAMPLIGHTER_AGENT_COMMAND", agent)];
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let environment: Vec<_> = own.iter().chain(environment).map(owned).collect();
        let store = open(folder.path());
        let watched = store.clone();
        let mut watch = JoinSet::new();
        watch.spawn(async move { watched.watch_foreign_commits().await.unwrap() });
        let mut desk = Self { folder, store, server: None, environment, _watch: watch };
        desk.serve();
        desk
    }

    /// Starts the server, again if it is gone.
    pub fn serve(&mut self) {
        let environment: Vec<_> =
            self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.server = Some(Server::start_in(self.folder.path(), &environment));
    }

    /// Sets a variable of the servers that start from now on, or takes it away.
    pub fn set_variable(&mut self, name: &str, value: Option<String>) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.extend(value.map(|value| (name.to_owned(), value)));
    }

    /// Runs the program on the data directory and answers what it prints.
    pub fn ask(&self, arguments: &[&str]) -> String {
        let output = program(self.folder.path()).args(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
        assert!(output.status.success(), "{arguments:?}: {}", text(output.stderr));
        text(output.stdout)
    }

    /// Runs the program on the data directory, which refuses, and answers what it says.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = program(self.folder.path()).args(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?} was not refused");
        String::from_utf8(output.stderr).unwrap()
    }

    fn asked(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ask(&[&["--json"], arguments].concat())).unwrap()
    }

    /// `lamplighter sessions trigger`, and the session's id.
    pub fn trigger(&self, arguments: &[&str]) -> JobId {
        id(&self.ask(&[&["sessions", "trigger"], arguments].concat()))
    }

    /// Queues a session by its payload.
    pub fn enqueue(&self, payload: &Value) -> JobId {
        let payload = payload.to_string();
        id(&self.ask(&["jobs", "enqueue", "agent_session", &payload, "--confirm", "full"]))
    }

    /// `lamplighter sessions show`.
    pub fn session(&self, id: JobId) -> Value {
        self.asked(&["sessions", "show", &id.to_string()])
    }

    /// `lamplighter jobs show`.
    pub fn job(&self, id: JobId) -> Value {
        self.asked(&["jobs", "show", &id.to_string()])
    }

    /// `lamplighter queues list`, of the agents' queue.
    pub fn queue(&self) -> Value {
        let lines = self.ask(&["--json", "queues", "list"]);
        let mut queues = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        queues.find(|queue| queue["queue"] == "agent").unwrap()
    }

    /// Sets a setting as another program would.
    pub fn set(&self, key: &str, value: &Value) {
        let sql =
            "INSERT INTO job_settings (key, value, updated_at, updated_by) VALUES (?1, ?2, 0, 'test')
                   ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        foreign(self.folder.path()).execute(sql, (key, value.to_string())).unwrap();
    }

    /// Waits until a session has this status.
    pub async fn until(&self, id: JobId, status: Status) -> Job {
        until(&self.store, id, |job| job.status == status).await
    }

    /// Waits until a session is over, and checks how: its status, the word for its end, and the code of its error.
    /// Answers what `sessions show` says.
    pub async fn ends(&self, id: JobId, as_told: (&str, &str, Option<&str>)) -> Value {
        until(&self.store, id, |job| job.status.is_final()).await;
        let (session, job) = (self.session(id), self.job(id));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (status, ending) = (text(&session["status"]), text(&session["ending"]));
        let found = (status.as_str(), ending.as_str(), session["error_code"].as_str());
        assert_eq!(found, as_told, "{session:#}");
        for field in ["status", "error", "error_code", "parent_id"] {
            assert_eq!(session[field], job[field], "{field} of session and job {id}");
        }
        session
    }
}

/// The transcript of a session, whole.
pub async fn transcript(store: &Store, id: JobId) -> String {
    let pieces = store.transcript(id, 0, u64::MAX / 4).await.unwrap();
    String::from_utf8(pieces.into_iter().flat_map(|piece| piece.bytes).collect()).unwrap()
}

/// Waits until a session's transcript holds a word.
pub async fn until_said(store: &Store, id: JobId, word: &str) {
    let mut changes = store.changes();
    in_time(async {
        while !transcript(store, id).await.contains(word) {
            changes.changed().await.unwrap();
        }
    })
    .await;
}

fn id(text: &str) -> JobId {
    JobId(text.parse().unwrap())
}

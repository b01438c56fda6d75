//! What the tests of the pages do to sessions, as their runner would.

use super::*;
use crate::model::{
    AttemptEnd, FolderGiven, GivenFile, Job, JobId, Kind, KindRules, Lease, Outcome, Profile,
    Queue, RunEnding, SessionEnd, SessionRequest, SessionStart, TranscriptPiece,
};
use crate::sessions::{Asked, request};
use std::time::Duration;

/// Largest piece of a transcript.
const PIECE: usize = 64 * 1024;

/// A session that runs.
pub(super) struct Run<'a> {
    site: &'a Site,
    pub(super) lease: Lease,
    bytes: u64,
    lines: u64,
}

/// Asks for a session.
pub(super) async fn asked(site: &Site, wish: SessionRequest) -> JobId {
    request(&site.web.store, wish, Asked::by(Actor::cli()), site.web.clock.now()).await.unwrap()
}

/// Claims the next session.
async fn claimed(site: &Site) -> Job {
    let rules =
        KindRules { queue: Queue::AGENT, max_attempts: 1, ..KindRules::new(Kind::AGENT_SESSION) };
    let poll = site.leads(vec![rules]).await;
    let polled = site.web.store.poll(poll, site.web.clock.now()).await.unwrap();
    polled.claimed.into_iter().next().expect("a session waits")
}

impl<'a> Run<'a> {
    /// Asks for a session and begins to run it.
    pub(super) async fn of(site: &'a Site, wish: SessionRequest) -> Self {
        asked(site, wish).await;
        Self::next(site).await
    }

    /// Begins to run the session that is first in line.
    pub(super) async fn next(site: &'a Site) -> Self {
        let job = claimed(site).await;
        let wish: SessionRequest = serde_json::from_str(&job.payload).unwrap();
        let lease = job.lease().unwrap();
        // By these files a follow-up would find the session again.
        let kept = site.folder.path().join(format!("jobs/{}/config/projects", job.id));
        std::fs::create_dir_all(kept).unwrap();
        let start = SessionStart {
            tier: wish.tier(),
            profile: wish.profile().unwrap_or(Profile::ReadOnly),
            model: Some("haiku".into()),
            prompt_file: wish.prompt_file,
            prompt_text: wish.prompt,
            continues: wish.continues.map(JobId),
            working_dir: "/usr".into(),
            place: job.id.to_string(),
            marker: format!("m{}", job.id),
            cost_before: 0.0,
            answer_of: None,
            given: Some(FolderGiven {
                claude_md: Some(GivenFile { bytes: 12, sha256: "0123456789abcdef".into() }),
                mcp_servers: vec!["db".into()],
                ..FolderGiven::default()
            }),
        };
        let now = site.web.clock.now();
        let (bytes, lines) = site.web.store.begin_session(lease.clone(), start, now).await.unwrap();
        site.web.store.session_started(lease.clone(), None, "bwrap").await.unwrap();
        Self { site, lease, bytes, lines }
    }

    pub(super) fn id(&self) -> JobId {
        self.lease.id
    }

    /// Records what the agent prints.
    pub(super) async fn print(&mut self, text: &str) {
        let now = self.site.web.clock.now();
        let mut pieces = Vec::new();
        for bytes in text.as_bytes().chunks(PIECE) {
            let (start, first_line) = (self.bytes, self.lines);
            let piece = TranscriptPiece { start, first_line, at: now, bytes: bytes.to_vec() };
            (self.bytes, self.lines) = (piece.end(), piece.end_line());
            pieces.push(piece);
        }
        let append = self.site.web.store.append_transcript(self.lease.clone(), pieces, 0);
        append.await.unwrap();
    }

    /// Ends the run, and the session as `outcome` says.
    pub(super) async fn finish(self, end: SessionEnd, outcome: Outcome) -> JobId {
        let (store, now) = (&self.site.web.store, self.site.web.clock.now());
        store.finish_session(self.lease.clone(), end, now).await.unwrap();
        let end = AttemptEnd::Answered(outcome);
        store.settle(self.lease.clone(), end, Duration::ZERO, now).await.unwrap();
        self.lease.id
    }

    /// Ends the run as one that went well.
    pub(super) async fn done(self, response: &str) -> JobId {
        let end = SessionEnd {
            exit_code: Some(0),
            model: Some("claude-haiku-4-5".into()),
            agent_version: Some("2.1.329".into()),
            cli_session_id: Some("8c1f7cbe-7f35-4bb3-a70a-7a92c1e0a111".into()),
            response: Some(response.into()),
            cost_usd: Some(0.25),
            num_turns: Some(3),
            duration_ms: Some(4_500),
            input_tokens: Some(1_200),
            output_tokens: Some(340),
            ..SessionEnd::new(RunEnding::Done)
        };
        self.finish(end, Outcome::Done(true.into())).await
    }
}

/// A line in which the agent says something.
pub(super) fn says(text: &str) -> String {
    let content = serde_json::json!([{"type": "text", "text": text}]);
    line(&serde_json::json!({"type": "assistant", "message": {"content": content}}))
}

/// A line in which a tool answers.
pub(super) fn answers(text: &str) -> String {
    let content = serde_json::json!([{"type": "tool_result", "tool_use_id": "t", "content": text}]);
    line(&serde_json::json!({"type": "user", "message": {"content": content}}))
}

pub(super) fn line(value: &serde_json::Value) -> String {
    format!("{value}\n")
}

//! The demo's agent: a script of ours in the place of an agent program. It looks like a session and runs nothing.

use super::script::{self, Script, Step};
use crate::clock::Clock;
use crate::engine::Context;
use crate::error::Result;
use crate::model::settings::MAX_TURNS;
use crate::model::{
    Actor, Event, Job, JobError, Lease, Outcome, Profile, RunEnding, SessionEnd, SessionMeter,
    SessionRequest, SessionStart, Timestamp, TranscriptPiece,
};
use crate::sessions::{self, Asked};
use crate::store::Store;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// What the scripted agent calls its model.
const MODEL: &str = "scripted-demo";
/// How long the live agent waits between two lines.
const PACE: Duration = Duration::from_secs(20);
/// What somebody asked the agent that runs when the demo is opened.
const ASKED: &str = "What waits for a person now, and what should they do? Change nothing.";
/// What each morning's session is asked.
const MORNING: &str = "Look at what failed since yesterday and say what a person should do first.";

/// The payload of the schedule of each morning.
pub(super) fn morning() -> Value {
    json!({"prompt": MORNING, "tier": 1})
}

/// Asks for the session that runs when the demo is opened.
pub(super) async fn ask(store: &Store, now: Timestamp) -> Result<()> {
    let request = SessionRequest { prompt: Some(ASKED.to_owned()), ..SessionRequest::default() };
    sessions::request(store, request, Asked::by(Actor::named("ada")), now).await.map(drop)
}

/// Writes the whole of a session of the past. Answers how long it took and how it ended.
pub(super) async fn tell(store: &Store, job: &Job, at: Timestamp) -> Result<(Duration, Outcome)> {
    let Some(lease) = job.lease() else { return Ok((Duration::ZERO, Outcome::Done(json!({})))) };
    let mut record = Record::begin(store, &lease, job, at).await?;
    let took = Duration::from_secs(20 + job.id.0.unsigned_abs() % 90);
    let Script { steps, answer } = script::morning(store, at).await?;
    for (number, step) in steps.iter().enumerate() {
        let at = at.plus(took * number as u32 / steps.len() as u32);
        record.keep(step, number, at).await?;
    }
    let outcome = record.finish(at.plus(took), took, &answer).await?;
    Ok((took, outcome))
}

/// Runs a session of the live demo.
pub(super) async fn handle(store: Store, context: Context) -> Outcome {
    match run(&store, &context).await {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Fatal(JobError::from(error)),
    }
}

async fn run(store: &Store, context: &Context) -> Result<Outcome> {
    let (clock, begun): (&Clock, _) = (&context.clock, context.clock.now());
    let mut record = Record::begin(store, &context.lease, &context.job, begun).await?;
    let Script { steps, answer } = script::now(store, begun).await?;
    for (number, step) in steps.iter().enumerate() {
        record.keep(step, number, clock.now()).await?;
        context.progress(step.in_a_line()).await?;
        tokio::select! {
            () = clock.sleep(PACE) => {}
            () = context.cancelled.cancelled() => {
                let took = clock.now().since(begun);
                let events = store.job_events(context.job.id).await?;
                let by = Event::cancelled_by(&events).unwrap_or("a person");
                let note = format!("Stopped by {by}.");
                record.cut(RunEnding::Cancelled, note, clock.now(), took).await?;
                return Ok(Outcome::Fatal(super::shop::error("it was stopped")));
            }
            () = context.stopping.cancelled() => {
                let took = clock.now().since(begun);
                let note = "The demo was stopped.".to_owned();
                record.cut(RunEnding::Interrupted, note, clock.now(), took).await?;
                return Ok(Outcome::Done(json!({})));
            }
        }
    }
    record.finish(clock.now(), clock.now().since(begun), &answer).await
}

impl Step {
    /// What the session's last line says.
    fn in_a_line(&self) -> String {
        match self {
            Self::Says(words) => words.clone(),
            Self::Uses(tool, input, _) => format!("{tool}: {input}"),
        }
    }

    /// The lines of the transcript, as an agent program prints them.
    fn lines(&self, number: usize) -> Vec<Value> {
        let usage = json!({"input_tokens": 900 + 140 * number, "output_tokens": 60});
        let message = |content: Value| {
            json!({"type": "assistant", "message": {
                "id": format!("msg_{number}"), "role": "assistant", "model": MODEL, "content": [content], "usage": usage,
            }})
        };
        match self {
            Self::Says(words) => vec![message(json!({"type": "text", "text": words}))],
            Self::Uses(tool, input, answer) => {
                let id = format!("toolu_{number}");
                let name = if *tool == "Bash" { "command" } else { "pattern" };
                let used =
                    json!({"type": "tool_use", "id": id, "name": tool, "input": {name: input}});
                let said = json!({"type": "tool_result", "tool_use_id": id, "content": answer});
                vec![
                    message(used),
                    json!({"type": "user", "message": {"role": "user", "content": [said]}}),
                ]
            }
        }
    }
}

/// A session that is being written.
struct Record {
    store: Store,
    lease: Lease,
    bytes: u64,
    lines: u64,
    turns: u64,
}

impl Record {
    async fn begin(store: &Store, lease: &Lease, job: &Job, at: Timestamp) -> Result<Self> {
        let request: SessionRequest = serde_json::from_str(&job.payload).unwrap_or_default();
        let start = SessionStart {
            tier: request.tier.unwrap_or(1),
            profile: Profile::ReadOnly,
            model: Some(MODEL.to_owned()),
            prompt_file: None,
            prompt_text: request.prompt,
            continues: None,
            working_dir: PathBuf::from("/srv/lantern-wick"),
            place: format!("jobs/demo-{}", job.id),
            marker: format!("demo-{}-{}", job.id, lease.epoch),
            cost_before: 0.0,
            given: None,
            answer_of: None,
        };
        let (bytes, lines) = store.begin_session(lease.clone(), start, at).await?;
        Ok(Self { store: store.clone(), lease: lease.clone(), bytes, lines, turns: 0 })
    }

    async fn keep(&mut self, step: &Step, number: usize, at: Timestamp) -> Result<()> {
        let lines: Vec<_> = step.lines(number).iter().map(Value::to_string).collect();
        let text = lines.join("\n") + "\n";
        let piece = TranscriptPiece {
            start: self.bytes,
            first_line: self.lines,
            at,
            bytes: text.into_bytes(),
        };
        (self.bytes, self.lines) = (piece.end(), piece.end_line());
        self.turns += 1;
        let meter = SessionMeter {
            turns: self.turns,
            max_cost_usd: Some(2.0),
            max_turns: MAX_TURNS.default_value().as_u64(),
            max_ms: Some(30 * 60 * 1_000),
            ..SessionMeter::default()
        };
        self.store.meter_session(self.lease.clone(), meter).await?;
        self.store.append_transcript(self.lease.clone(), vec![piece], 0).await
    }

    /// Ends a run before its answer; `note` says who or what ended it.
    async fn cut(
        self,
        ending: RunEnding,
        note: String,
        at: Timestamp,
        took: Duration,
    ) -> Result<()> {
        let end = SessionEnd { note: Some(note), ..self.end(ending, took) };
        self.store.finish_session(self.lease, end, at).await.map(|_| ())
    }

    async fn finish(self, at: Timestamp, took: Duration, answer: &str) -> Result<Outcome> {
        let end = SessionEnd {
            exit_code: Some(0),
            response: Some(answer.to_owned()),
            ..self.end(RunEnding::Done, took)
        };
        self.store.finish_session(self.lease, end, at).await?;
        Ok(Outcome::Done(json!({"answer": answer})))
    }

    /// What every end of a run says.
    fn end(&self, ending: RunEnding, took: Duration) -> SessionEnd {
        SessionEnd {
            model: Some(MODEL.to_owned()),
            agent_version: Some("demo".to_owned()),
            cost_usd: Some(0.0),
            num_turns: Some(self.turns),
            duration_ms: Some(took.as_millis() as u64),
            input_tokens: Some(1_400 * self.turns),
            output_tokens: Some(60 * self.turns),
            ..SessionEnd::new(ending)
        }
    }
}

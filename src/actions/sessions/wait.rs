//! Waiting for a session: until it is over or for a limited time, and what its end means to a program that waits.

use super::existing;
use crate::actions::{jobs, length, waiting};
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::model::{JobId, Kind, RunEnding, Session, Status};
use crate::store::Store;
use std::future::pending;
use std::time::Duration;

/// Reads how long a person wants to wait; an empty text stands for no limit.
///
/// # Errors
/// `JOB-VALUE-001` for a text that is not a length of time.
pub fn parse_wait(text: &str) -> Result<Option<Duration>> {
    let is_named = !text.trim().is_empty();
    is_named.then(|| length(text, "wait for a session")).transpose()
}

/// What a person who begins to wait for a session should know, such as that no server runs; nothing if it is over.
///
/// # Errors
/// `JOB-ID-001` if no session has this id.
pub async fn before_wait(store: &Store, clock: &Clock, id: i64) -> Result<Vec<String>> {
    if existing(store, JobId(id)).await?.status.is_final() {
        return Ok(Vec::new());
    }
    Ok(waiting::notes(store, &Kind::AGENT_SESSION, clock.now()).await)
}

/// Waits until a session is over, at most `at_most` of the clock. The session goes on either way.
///
/// # Errors
/// `JOB-ID-001` if no session has this id; `JOB-WAIT-001` if it is not over by then.
pub async fn wait(
    store: &Store,
    clock: &Clock,
    id: i64,
    at_most: Option<Duration>,
) -> Result<Session> {
    existing(store, JobId(id)).await?;
    let over = async {
        match at_most {
            Some(length) => {
                clock.sleep(length).await;
                length
            }
            None => pending().await,
        }
    };
    tokio::select! {
        biased;
        done = store.wait(JobId(id)) => { done?; }
        length = over => return Err(not_over(store, clock, id, length).await?),
    }
    existing(store, JobId(id)).await
}

async fn not_over(store: &Store, clock: &Clock, id: i64, length: Duration) -> Result<Error> {
    let why = jobs::why(store, id, clock.now()).await?.sentence;
    let length = humantime::format_duration(length);
    let said = format!("Session {id} is not over after {length}, and goes on. {why}");
    Ok(Error::saying(Code::JobWaitOver, said))
}

/// Whether a session that is over did what it was asked, with every tool that it wanted.
///
/// # Errors
/// The code of its failure; `AGENT-RUN-004` if it was stopped or cancelled; `AGENT-TOOLS-001` if it is done, but a tool was
/// denied to its agent.
pub fn outcome(session: &Session) -> Result<()> {
    let id = session.id;
    let why = session.reason().unwrap_or("no reason is known");
    match session.status {
        Status::Completed if is_denied(session) => {
            let run = session.run.as_ref();
            let note = run.and_then(|run| run.note.as_deref()).unwrap_or_default();
            let said = format!("Session {id} is done, but a tool was denied to its agent. {note}");
            let said = said.trim_end();
            Err(Error::saying(Code::AgentDenied, said))
        }
        Status::Completed => Ok(()),
        Status::Failed => {
            let code = Code::ALL.iter().find(|c| Some(c.as_str()) == session.error_code.as_deref());
            let said = format!("Session {id} failed: {why}");
            Err(Error::saying(code.copied().unwrap_or(Code::HandlerFailed), said))
        }
        Status::Cancelled => {
            let how = if session.run.is_some() { "stopped" } else { "cancelled" };
            let said = format!("Session {id} was {how}.");
            Err(Error::saying(Code::AgentInterrupted, said))
        }
        Status::Scheduled | Status::Queued | Status::Running => {
            let said = format!("Session {id} is not over: it is {}.", session.status);
            Err(Error::saying(Code::JobNotFinal, said))
        }
    }
}

fn is_denied(session: &Session) -> bool {
    session.run.as_ref().is_some_and(|run| run.ending == Some(RunEnding::Denied))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SessionRun, Timestamp, Trigger};

    fn ended(status: Status, code: Option<&str>, ending: Option<RunEnding>) -> Session {
        let run = SessionRun { ending, ..SessionRun::default() };
        Session {
            id: JobId(7),
            status,
            trigger: Trigger::Manual,
            created_at: Timestamp::from_millis(0),
            started_at: None,
            finished_at: None,
            cancel_requested_at: None,
            error: code.map(|code| format!("[{code}] for a reason")),
            error_code: code.map(str::to_owned),
            progress: None,
            parent_id: None,
            schedule: None,
            request: None,
            run: ending.map(|_| run),
        }
    }

    #[test]
    fn only_a_session_that_did_all_it_was_asked_ends_a_command_with_0() {
        use RunEnding::{Budget, Cancelled, Denied, Done, Idle, MaxTurns, TimedOut};
        let (done, failed) = (Status::Completed, Status::Failed);
        for (session, exit, says) in [
            (ended(done, None, Some(Denied)), 77, "is done, but a tool was denied to its agent."),
            (ended(failed, Some("AGENT-LIMIT-003"), Some(Budget)), 75, "failed: for a reason"),
            (ended(failed, Some("AGENT-LIMIT-002"), Some(MaxTurns)), 75, "failed: for a reason"),
            (ended(failed, Some("AGENT-TIME-001"), Some(TimedOut)), 75, "failed: for a reason"),
            (ended(failed, Some("AGENT-TIME-002"), Some(Idle)), 75, "failed: for a reason"),
            (ended(failed, Some("AGENT-TOOLS-001"), Some(Denied)), 77, "failed: for a reason"),
            (ended(failed, Some("AGENT-AUTH-001"), None), 1, "failed: for a reason"),
            (ended(failed, Some("of another program"), None), 1, "failed: for a reason"),
            (ended(failed, None, None), 1, "failed: no reason is known"),
            (ended(Status::Cancelled, None, Some(Cancelled)), 1, "was stopped."),
            (ended(Status::Cancelled, None, None), 1, "was cancelled."),
            (ended(Status::Queued, None, None), 1, "is not over: it is queued."),
        ] {
            let error = outcome(&session).unwrap_err();
            assert_eq!(error.sentence(), format!("Session 7 {says}"));
            assert_eq!(error.class().exit_code(), exit, "{error}");
        }
        outcome(&ended(done, None, Some(Done))).unwrap();
    }
}

//! The check of a job's input for the kinds that come with the program. Every way to make a job passes it.
//!
//! Without it, a job whose payload its handler cannot read would fail only at its first run, perhaps by night.

use super::{Call, Right, confirm, earlier, ready, repositories as described, scans};
use crate::agents::claude::Model;
use crate::error::{Code, Error, Result};
use crate::model::{Job, Json, Kind, Role, Scope, SessionRequest};
use crate::store::Store;
use crate::{monitor, repositories, sessions};
use serde::Deserialize;
use serde_json::Value;
use std::io::ErrorKind;
use std::path::Path;

/// The right to ask for a session: an agent may do much on the machine.
pub const ASK_FOR_SESSION: Right =
    Right::new(Role::Admin, "ask for a session").by_token(Scope::SessionsWrite);
/// The right to ask for a scan as one asks for any job.
const ASK_FOR_SCAN: Right = scans::RUN.by_token(Scope::FindingsWrite);
/// The right to ask that approved findings be filed.
const ASK_FOR_FILING: Right =
    Right::new(Role::Operator, "file what scans found").by_token(Scope::FindingsWrite);

/// Refuses an input that the handler of this kind cannot use. The input of kinds of other programs is not checked.
///
/// # Errors
/// `JOB-VALUE-001` for a member that is missing, unknown or out of its range; `AGENT-PROMPT-001` for a prompt file that
/// is not there; `AGENT-VALUE-001` for a text that is not a model's name; `JOB-ID-001` and `AGENT-RESUME-001` for a
/// session that cannot be continued; `REPO-NAME-002` for a repository that is not registered.
pub async fn check(store: &Store, kind: &Kind, payload: &Value) -> Result<()> {
    if *kind == Kind::AGENT_SESSION {
        session(store, payload).await
    } else if *kind == Kind::GOLDEN_REPO {
        let name = repositories::check(payload)?;
        let found = store.repository(name.clone()).await?;
        found.map(drop).ok_or_else(|| {
            let doing = format!("describe a repository: there is none called {name:?}");
            Error::new(Code::RepositoryUnknown, doing)
        })
    } else if *kind == Kind::SELF_MONITORING {
        monitor::check_scan(payload)
    } else if *kind == Kind::FILE_FINDINGS {
        monitor::check_filing(payload)
    } else {
        Ok(())
    }
}

/// Refuses an input that the kind's handler cannot use, and a job that this person may not ask for. Answers the input as it
/// is to be stored: a session that continues another one gets that one's tier, model, profile and folder, unless it names
/// its own.
pub(super) async fn check_asked(
    store: &Store,
    call: &Call,
    (kind, payload): (&Kind, &Json),
    confirmed: bool,
    doing: &str,
) -> Result<Json> {
    if *kind == Kind::BULK_ACTION {
        let why = format!("{doing} of kind {kind}: acting on the jobs of a query makes it");
        return Err(Error::new(Code::ModelInvalid, why));
    }
    right_of(kind).map_or(Ok(()), |right| call.needs(right))?;
    if *kind != Kind::AGENT_SESSION {
        check(store, kind, &payload.value()).await?;
        return Ok(payload.clone());
    }
    let request = SessionRequest::read(&payload.value())?;
    let goes_on = request.continues.is_some();
    let request = earlier::inherited(store, request).await?;
    confirm::session(store, call, &request, confirmed, doing).await?;
    fits(store, &request)?;
    if !goes_on {
        return Ok(payload.clone());
    }
    Json::of(&request).map_err(|error| {
        Error::new(Code::ModelInvalid, format!("{doing}: write its payload")).because(error)
    })
}

/// Refuses to make a job like one that is over: what this person may not ask for, and what was not confirmed.
pub(super) async fn check_again(
    store: &Store,
    call: &Call,
    job: &Job,
    confirmed: bool,
    doing: &str,
) -> Result<()> {
    let payload = Json::stored(&job.payload);
    right_of(&job.kind).map_or(Ok(()), |right| call.needs(right))?;
    if job.kind == Kind::AGENT_SESSION {
        let request = SessionRequest::deserialize(payload.value()).map_err(|error| {
            let why = format!("{doing}: its payload is no request of a session");
            Error::new(Code::ModelInvalid, why).because(error)
        })?;
        confirm::session(store, call, &request, confirmed, doing).await?;
    }
    ready::check(store, call, (&job.kind, &payload)).await
}

/// Refuses a job of a schedule that this person may not make by hand: a session without a sandbox needs an admin, and is
/// confirmed anew.
pub(super) async fn check_by_hand(
    store: &Store,
    call: &Call,
    asked: (&Kind, &Json),
    confirmed: bool,
    doing: &str,
) -> Result<()> {
    if is_full(store, asked).await? {
        call.needs(ASK_FOR_SESSION)?;
        confirm::full(call, confirmed, doing)?;
    }
    Ok(())
}

/// Whether a job of this kind and input would be a session without a sandbox. An input that cannot be read fails in its run,
/// which says why.
pub(super) async fn is_full(store: &Store, (kind, payload): (&Kind, &Json)) -> Result<bool> {
    if *kind != Kind::AGENT_SESSION {
        return Ok(false);
    }
    match SessionRequest::read(&payload.value()) {
        Ok(request) => confirm::is_full(store, &request).await,
        Err(_) => Ok(false),
    }
}

/// The right that a person needs for a job of this kind, beside that to make jobs at all.
pub(super) fn right_of(kind: &Kind) -> Option<Right> {
    let rights = [
        (Kind::AGENT_SESSION, ASK_FOR_SESSION),
        (Kind::SELF_MONITORING, ASK_FOR_SCAN),
        (Kind::FILE_FINDINGS, ASK_FOR_FILING),
        (Kind::GOLDEN_REPO, described::REFRESH),
    ];
    rights.into_iter().find(|(of, _)| of == kind).map(|(_, right)| right)
}

async fn session(store: &Store, payload: &Value) -> Result<()> {
    let request = SessionRequest::read(payload)?;
    request.check()?;
    let request = earlier::inherited(store, request).await?;
    fits(store, &request)
}

/// Refuses a model, a prompt file and a folder that no run could use.
fn fits(store: &Store, request: &SessionRequest) -> Result<()> {
    if let Some(model) = &request.model {
        Model::parse(model)
            .map_err(|error| Error::new(error.code(), "ask for a session").because(error))?;
    }
    if let (Some(name), Some(folder)) = (&request.prompt_file, store.folder()) {
        sessions::check_prompt(folder, name, &request.set)?;
    }
    request.working_dir.as_deref().map_or(Ok(()), folder)
}

/// Refuses a folder that is not there. A folder that this process may not look into passes: the server may be allowed to.
fn folder(path: &Path) -> Result<()> {
    let why = match path.metadata() {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => "it is no folder",
        Err(error) if error.kind() == ErrorKind::NotFound => "there is no such folder",
        Err(_) => return Ok(()),
    };
    let doing = format!("ask for a session in {}: {why}", path.display());
    Err(Error::new(Code::ModelInvalid, doing))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use serde_json::json;

    #[tokio::test]
    async fn an_input_that_no_run_could_use_is_refused_before_it_is_stored() {
        let folder = tempfile::tempdir().unwrap();
        let store = testing::store_in(folder.path()).unwrap();
        std::fs::create_dir(folder.path().join("prompts")).unwrap();
        std::fs::write(folder.path().join("prompts/mine.md"), "look").unwrap();
        let file = folder.path().join("prompts/mine.md");
        for (kind, payload, says) in [
            ("agent_session", json!({}), "a prompt is required"),
            ("agent_session", json!([]), "a prompt is required"),
            ("agent_session", json!({"promt": "x"}), "unknown field `promt`"),
            ("agent_session", json!({"prompt": "x", "tier": 9}), "its tier is 1, 2 or 3"),
            ("agent_session", json!({"prompt_file": "no_such"}), "there is no "),
            ("agent_session", json!({"prompt": "x", "model": "a b"}), "the model \"a b\""),
            ("agent_session", json!({"prompt": "x", "working_dir": "/no/such"}), "no such folder"),
            ("agent_session", json!({"prompt": "x", "working_dir": file}), "it is no folder"),
            ("agent_session", json!({"prompt": "x", "continues": 7}), "find session 7"),
            ("golden_repo", json!({}), "missing field `repository`"),
            ("golden_repo", json!({"repository": "shop"}), "there is none called \"shop\""),
            ("self_monitoring", json!({"x": 1}), "unknown field `x`"),
            ("self_monitoring", json!("x"), "invalid type"),
            ("file_findings", json!({"x": 1}), "unknown field `x`"),
        ] {
            let kind = Kind::parse(kind).unwrap();
            let refused = check(&store, &kind, &payload).await.unwrap_err();
            let said = refused.sentence();
            assert!(refused.class().is_refusal(), "{kind} {payload}: {refused}");
            assert!(said.starts_with("Could not ") && said.contains(says), "{payload}: {said}");
        }
    }

    #[tokio::test]
    async fn what_a_handler_takes_and_what_is_not_ours_passes() {
        let folder = tempfile::tempdir().unwrap();
        let store = testing::store_in(folder.path()).unwrap();
        for (kind, payload) in [
            ("agent_session", json!({"prompt": "look", "working_dir": folder.path()})),
            ("agent_session", json!({"prompt_file": "health_check", "tier": 2, "model": "opus"})),
            ("self_monitoring", json!({})),
            ("self_monitoring", json!({"dry_run": true})),
            ("file_findings", json!({})),
            ("report", json!(["anything"])),
        ] {
            let kind = Kind::parse(kind).unwrap();
            check(&store, &kind, &payload).await.unwrap();
        }
    }
}

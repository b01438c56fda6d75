//! What programs ask for by HTTP, each with a token: who the token is, a new job, and a job.

use super::answer::made;
use super::app::App;
use super::base::link;
use super::bearer::Bearer;
use super::extract::{Body, Id};
use super::problem::Problem;
use crate::actions::jobs::{self, JobAdd};
use crate::model::JobId;
use crate::wire;
use axum::Json;
use axum::extract::State;
use axum::http::header::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use serde::Deserialize;
use serde_json::value::RawValue;

pub(super) const ME_PATH: &str = "/api/v1/me";
pub(super) const JOBS_PATH: &str = "/api/v1/jobs";
pub(super) const JOB_PATH: &str = "/api/v1/jobs/{id}";
/// Every other address for programs.
pub(super) const REST: &str = "/api/{*rest}";
/// The header by which a program makes its request safe to repeat.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header of the answer to a request that repeats another one.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// The largest request for a job, in bytes.
pub(super) const MAX_BODY_BYTES: usize = 1024 * 1024;

/// A request for a job.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JobBody {
    kind: String,
    payload: Option<Box<RawValue>>,
    queue: Option<String>,
    priority: Option<i32>,
    run_at: Option<String>,
    delay_s: Option<u64>,
    max_attempts: Option<u32>,
    timeout_s: Option<u64>,
    unique_key: Option<String>,
    #[serde(default)]
    after: Vec<i64>,
    #[serde(default)]
    tags: Vec<String>,
}

/// GET `/api/v1/me`: who the token is.
pub(super) async fn me(who: Bearer) -> Json<wire::TokenSelf> {
    Json(wire::TokenSelf::from(&who.token))
}

/// POST `/api/v1/jobs`: queues a job.
pub(super) async fn enqueue(
    State(app): State<App>,
    who: Bearer,
    headers: HeaderMap,
    Body(body): Body<JobBody>,
) -> Result<Response, Problem> {
    let keys: Vec<_> = headers.get_all(KEY).iter().map(HeaderValue::as_bytes).collect();
    let key = jobs::parse_key(&keys, &who.token.owner.username)?;
    let payload = body.payload.map(|payload| jobs::parse_payload(payload.get())).transpose()?;
    let request = JobAdd {
        kind: body.kind,
        payload: payload.unwrap_or_default(),
        queue: body.queue,
        priority: body.priority,
        start: jobs::parse_start(body.run_at.as_deref(), body.delay_s)?,
        max_attempts: body.max_attempts,
        timeout: body.timeout_s.map(jobs::time_limit).transpose()?,
        unique_key: body.unique_key,
        after: body.after.into_iter().map(JobId).collect(),
        tags: body.tags,
        idempotency_key: key,
        ..JobAdd::default()
    };
    let answer = jobs::enqueue(&app.web.store, &who.call, request).await?;
    let wire::Enqueued { id, repeated, existing_at_first, .. } = answer.value;
    let mut response = made(existing_at_first, &answer, &link(JOBS_PATH).under(id));
    if repeated {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// GET `/api/v1/jobs/{id}`: a job.
pub(super) async fn job(
    State(app): State<App>,
    who: Bearer,
    Id(JobId(id)): Id<JobId>,
) -> Result<Json<wire::Job>, Problem> {
    let job = jobs::seen(&app.web.store, &who.call, id).await?;
    Ok(Json(wire::Job::from(&job)))
}

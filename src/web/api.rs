//! What programs ask for by HTTP, each with a token: who the token is, a new job, and a job.

use super::answer::made;
use super::app::App;
use super::base::link;
use super::bearer::Bearer;
use super::extract::{Body, Id};
use super::job_body::JobBody;
use super::problem::Problem;
use crate::actions::jobs::{self, JobAdd};
use crate::model::JobId;
use crate::wire;
use axum::Json;
use axum::extract::State;
use axum::http::header::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;

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
    let request = JobAdd { idempotency_key: key, ..body.asks()? };
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

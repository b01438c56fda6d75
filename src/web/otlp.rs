//! The way in for logs of OpenTelemetry: any collector or SDK sends them here by OTLP over HTTP, with a token.

use super::app::App;
use super::bearer::Bearer;
use super::extract::{bytes, media_type, of_another_type};
use super::problem::Problem;
use crate::actions::logs::{self, OtlpLogs};
use crate::error::Code;
use crate::logs::otlp::{self, Encoding, MAX_UNPACKED};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use std::time::Duration;

pub(super) const PATH: &str = "/v1/logs";
/// The largest request, in bytes, packed or not.
pub(super) const MAX_BODY_BYTES: usize = MAX_UNPACKED as usize;
/// When a request that found no seat may come again.
const SOON: Duration = Duration::from_secs(1);
/// When a request may come again that the log database refused for a time.
const LATER: Duration = Duration::from_secs(30);

/// POST `/v1/logs`: keeps log records, all of a request or none.
pub(super) async fn receive(State(app): State<App>, who: Bearer, request: Request) -> Response {
    let encoding = match encoding(request.headers()) {
        Ok(encoding) => encoding,
        Err(problem) => return problem.into_response(),
    };
    match keep(&app, &who, encoding, request).await {
        Ok(answer) => ([content_type(encoding)], answer).into_response(),
        // Those in protobuf are answered by `refusal`.
        Err(problem) => problem.into_response(),
    }
}

/// Whether a request has its records in protobuf.
pub(super) fn is_protobuf(request: &Parts) -> bool {
    request.uri.path().ends_with(PATH)
        && encoding(&request.headers).ok() == Some(Encoding::Protobuf)
}

/// What such a request is answered that cannot be served, whoever refuses it: its sender reads no other answer.
pub(super) fn refusal(problem: &Problem) -> Response {
    let said = otlp::failure(&format!("[{}] {}", problem.code(), problem.what()));
    let (status, headers) = (problem.status(), problem.headers());
    (status, headers, [content_type(Encoding::Protobuf)], said).into_response()
}

async fn keep(
    app: &App,
    who: &Bearer,
    encoding: Encoding,
    request: Request,
) -> Result<Vec<u8>, Problem> {
    let is_packed = is_packed(request.headers())?;
    let program = app.web.program.as_ref().ok_or_else(|| Problem::of(Code::WebNotFound))?;
    logs::may_send(&who.call)?;
    let bytes = bytes(request, &()).await?;
    let request = OtlpLogs { bytes: bytes.into(), encoding, is_packed };
    let kept = logs::receive(&program.logs, &who.call, request).await;
    let empty = kept.map_err(|error| {
        let wait = if error.code() == Code::LogBusy { Some(SOON) } else { None };
        let wait = wait.or_else(|| error.is_passing_refusal().then_some(LATER));
        let problem = Problem::from(error);
        match wait {
            Some(wait) => problem.retry_after(wait),
            None => problem,
        }
    })?;
    Ok(otlp::answer(encoding, empty, "these records say nothing: no body, no event, no attribute"))
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Problem> {
    match media_type(headers).as_str() {
        "application/x-protobuf" => Ok(Encoding::Protobuf),
        "application/json" => Ok(Encoding::Json),
        _ => {
            let what = "The body must be of the type application/x-protobuf or application/json.";
            Err(of_another_type(what))
        }
    }
}

fn is_packed(headers: &HeaderMap) -> Result<bool, Problem> {
    match headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Ok(false),
        Some(b"gzip") => Ok(true),
        Some(_) => Err(of_another_type("The body may be packed with gzip and with nothing else.")),
    }
}

fn content_type(encoding: Encoding) -> (HeaderName, HeaderValue) {
    let name = match encoding {
        Encoding::Protobuf => "application/x-protobuf",
        Encoding::Json => "application/json",
    };
    (CONTENT_TYPE, HeaderValue::from_static(name))
}

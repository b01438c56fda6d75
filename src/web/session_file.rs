//! A session's transcript and its patch as files to download.

use super::app::App;
use super::caller::Signed;
use super::extract::{Id, Query};
use super::named::SessionId;
use super::problem::{Problem, logged};
use crate::actions::sessions;
use crate::error::Code;
use crate::sessions::{TranscriptFile, TranscriptForm};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream, StreamExt};
use serde::Deserialize;
use std::io;
use std::sync::Arc;

pub(super) const PATH: &str = "/sessions/{id}/transcript";
pub(super) const PATCH_PATH: &str = "/sessions/{id}/patch";

/// The address's query.
#[derive(Deserialize)]
pub(super) struct FileQuery {
    /// `lines` asks for the lines as they are kept; anything else asks for Markdown.
    #[serde(rename = "as")]
    form: Option<String>,
}

/// GET `/sessions/{id}/transcript`: what the session has done so far. The file is sent as it is read, so that a slow client
/// costs no more memory than one part of it.
pub(super) async fn transcript(
    State(app): State<App>,
    _who: Signed,
    Id(SessionId(id)): Id<SessionId>,
    Query(asked): Query<FileQuery>,
) -> Result<Response, Problem> {
    let form = match asked.form.as_deref() {
        Some("lines") => TranscriptForm::Lines,
        Some("markdown") | None => TranscriptForm::Markdown,
        Some(_) => return Err(Problem::input("A transcript is of markdown or lines.")),
    };
    let store = app.web.store.clone();
    let session = sessions::existing(&store, id).await?;
    let place = Arc::clone(&app.tails).try_acquire_owned();
    let place = place.map_err(|_| Problem::of(Code::WebStreams))?;
    let file = TranscriptFile::of(store, &session, form);
    let parts = stream::unfold((file, place), async |(mut file, place)| {
        // A client sees that a file has no end when the connection ends without one.
        let part = match logged(file.next().await) {
            Some(part) => Ok(part?),
            None => Err(io::Error::other("the transcript cannot be read")),
        };
        Some((part, (file, place)))
    });
    let kind = match form {
        TranscriptForm::Markdown => "text/markdown; charset=utf-8",
        TranscriptForm::Lines => "application/x-ndjson",
    };
    Ok(download_as_read(kind, &form.file_name(id), parts))
}

/// GET `/sessions/{id}/patch`: what the session has changed in its folder.
pub(super) async fn patch(
    State(app): State<App>,
    _who: Signed,
    Id(SessionId(id)): Id<SessionId>,
) -> Result<Response, Problem> {
    let patch = sessions::patch(&app.web.store, id).await?;
    Ok(download("text/x-diff; charset=utf-8", &format!("session-{id}.patch"), patch.into()))
}

/// The same of what is sent as it is read.
pub(super) fn download_as_read<T: Into<Bytes> + 'static>(
    kind: &'static str,
    name: &str,
    parts: impl Stream<Item = io::Result<T>> + Send + 'static,
) -> Response {
    // What compresses an answer asks once more behind its end.
    download(kind, name, Body::from_stream(parts.fuse()))
}

/// An answer that a browser saves under this name, which is of letters, digits, `-` and `.`.
pub(super) fn download(kind: &'static str, name: &str, body: Body) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers =
        [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (headers, body).into_response()
}

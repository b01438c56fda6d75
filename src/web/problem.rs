//! A problem: why a request could not be answered as it asked.
//!
//! A handler that fails answers with a [`Problem`]. The guard, which knows the request, gives it the form that the
//! request wants.

use crate::error::{Code, Error, FieldError, Result};
use crate::error_coded;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use std::time::Duration;

/// Why a request could not be answered as it asked. As a response it is empty until the guard gives it its form.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: Code,
    what: String,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
}

impl Problem {
    /// A problem that has only the words of its code.
    pub(super) fn of(code: Code) -> Self {
        let status = StatusCode::from_u16(code.class().http_status());
        let status = status.expect("the table of classes holds statuses");
        Self { status, code, what: code.cause().to_owned(), fields: Vec::new(), retry_after: None }
    }

    /// The same problem, with a status that says more than the status of the code's class.
    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same problem, with other words for what happened.
    pub(super) fn saying(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }

    /// The same problem, with the time after which another try makes sense.
    pub(super) fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The problem that a field of the request does not fit (400).
    pub(super) fn input(what: impl Into<String>) -> Self {
        Self::of(Code::WebInput).saying(what)
    }

    /// What happened, for people.
    pub(super) fn what(&self) -> &str {
        &self.what
    }

    /// What is wrong with each field of the request, as far as it is known.
    pub(super) fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn code(&self) -> Code {
        self.code
    }

    /// The headers of the response, whatever its form.
    pub(super) fn headers(&self) -> HeaderMap {
        let wait = self.retry_after.map(|wait| HeaderValue::from(seconds(wait)));
        let wait = wait.map(|wait| (header::RETRY_AFTER, wait));
        let bearer = HeaderValue::from_static("Bearer");
        let asks_for_token = self.code == Code::AuthToken;
        let challenge = asks_for_token.then_some((header::WWW_AUTHENTICATE, bearer));
        wait.into_iter().chain(challenge).collect()
    }
}

/// An error as a client may see it. An error that the caller did not cause is logged in full. The client sees only its
/// code and the texts of that code, so no path and no SQL (S29).
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        if !error.is_answer() {
            error_coded!(Code::WebInternal, "a request failed: {error}");
        }
        let fields = error.fields().to_vec();
        Self { fields, ..Self::of(error.code()).saying(error.sentence()) }
    }
}

/// The value, or nothing after a failure, which is logged. It is for a text beside an answer that is right without that
/// text.
pub(super) fn logged<T>(result: Result<T>) -> Option<T> {
    result.map_err(Problem::from).ok()
}

/// A page that shows what was wrong with its question, if anything was, with the status of that.
pub(super) fn refused_as(problem: Option<&Problem>, mut page: Response) -> Response {
    if let Some(problem) = problem {
        *page.status_mut() = problem.status();
    }
    page
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A wait in whole seconds, at least one, for a person or for `Retry-After`.
pub(super) fn seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).max(1) as u64
}

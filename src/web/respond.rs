//! The three faces of an answer: a fragment for htmx, a page for a browser, JSON for a program.
//!
//! A handler that fails answers a [`Problem`]; the guard, which knows the request, gives it its face.

use super::HOME;
use super::icon::{Icon, icon};
use super::page::{self, Frame};
use crate::error::{Code, Error};
use crate::error_coded;
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde_json::json;
use std::time::Duration;

/// The kind of answer a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// htmx asks for a part of a page.
    Fragment,
    /// A browser asks for a page.
    Page,
    /// A program asks for JSON.
    Json,
}

impl Face {
    /// What the headers ask for; JSON unless HTML is plainly preferred.
    pub(super) fn wanted(headers: &HeaderMap) -> Self {
        let htmx = headers.get("hx-request").is_some_and(|value| value == "true");
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let accept = accept.unwrap_or("*/*");
        if htmx {
            Self::Fragment
        } else if quality(accept, "text", "html") > quality(accept, "application", "json") {
            Self::Page
        } else {
            Self::Json
        }
    }
}

/// How much an `Accept` header wants a media type: the q of the range that names it most closely (RFC 9110, 12.5.1).
fn quality(accept: &str, major: &str, minor: &str) -> f32 {
    let ranges = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let (a, b) = parts.next()?.split_once('/')?;
        let fits = |pattern: &str, word: &str| pattern == "*" || pattern.eq_ignore_ascii_case(word);
        let q = parts.find_map(|part| part.strip_prefix("q=")).unwrap_or("1");
        let closeness = u8::from(a != "*") + u8::from(b != "*");
        (fits(a, major) && fits(b, minor)).then(|| (closeness, q.parse::<f32>().unwrap_or(0.0)))
    });
    ranges.max_by_key(|(closeness, _)| *closeness).map_or(0.0, |(_, q)| q)
}

/// Why there is no other answer. As a response it is empty until the guard gives it its face.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: Code,
    what: String,
    retry_after: Option<Duration>,
}

impl Problem {
    /// A problem that needs no more words than its code has.
    pub(super) fn of(code: Code) -> Self {
        let status = StatusCode::from_u16(code.class().http_status());
        let status = status.expect("the table of classes holds statuses");
        Self { status, code, what: code.cause().to_owned(), retry_after: None }
    }

    /// The same with a status that says more than the code's class does.
    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same, with other words for what happened.
    pub(super) fn saying(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }

    /// The same, with the time after which another try makes sense.
    pub(super) fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// A field of the request that does not fit (400).
    pub(super) fn input(what: impl Into<String>) -> Self {
        Self::of(Code::WebInput).saying(what)
    }

    /// What happened, for people.
    pub(super) fn what(&self) -> &str {
        &self.what
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn code(&self) -> Code {
        self.code
    }

    /// Headers that go with it, whatever its face.
    pub(super) fn headers(&self) -> HeaderMap {
        let wait = self.retry_after.map(|wait| HeaderValue::from(seconds(wait)));
        wait.map(|wait| (header::RETRY_AFTER, wait)).into_iter().collect()
    }
}

/// An error as a client may see it. One that the caller did not cause is logged in full; of it a client sees the code and
/// that code's texts, no path and no SQL (S29).
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        if !error.class().is_refusal() {
            error_coded!(Code::WebInternal, "a request failed: {error}");
        }
        Self::of(error.code()).saying(error.sentence())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives a problem its face. Headers that say more about it, such as `Allow`, are kept from `bare`.
pub(super) fn problem(problem: &Problem, face: Face, frame: &Frame, bare: &HeaderMap) -> Response {
    let mut response = match face {
        Face::Fragment => Html(notice(problem).into_string()).into_response(),
        Face::Page => Html(
            page::layout(frame, problem.code.title(), &explained(problem, frame)).into_string(),
        )
        .into_response(),
        Face::Json => problem_json(problem),
    };
    *response.status_mut() = problem.status;
    let headers = response.headers_mut();
    headers.extend(problem.headers());
    if let Some(allow) = bare.get(header::ALLOW) {
        headers.insert(header::ALLOW, allow.clone());
    }
    if face == Face::Fragment {
        // Beside what was to be replaced, not in its place.
        headers.insert(
            HeaderName::from_static("hx-retarget"),
            HeaderValue::from_static("#content > div"),
        );
        headers
            .insert(HeaderName::from_static("hx-reswap"), HeaderValue::from_static("afterbegin"));
    }
    if face == Face::Fragment && problem.code == Code::AuthRequired {
        let login = HeaderValue::from_static("/login");
        headers.insert(HeaderName::from_static("hx-redirect"), login);
    }
    response
}

/// RFC 9457, with our code.
fn problem_json(problem: &Problem) -> Response {
    let body = Json(json!({
        "type": format!("urn:lamplighter:error:{}", problem.code),
        "title": problem.code.title(),
        "status": problem.status.as_u16(),
        "code": problem.code.as_str(),
        "detail": format!("{} {}", problem.what, problem.code.remedy()),
    }));
    let media_type = [(header::CONTENT_TYPE, "application/problem+json")];
    (media_type, body).into_response()
}

/// A problem as the content of a page. Strangers see it without the navigation, so it brings its own title.
fn explained(problem: &Problem, frame: &Frame) -> Markup {
    let known = frame.has_navigation();
    html! {
        section.card.narrow[!known] role="alert" {
            @if !known { (page::brand()) }
            div.empty {
                div.empty-img { (icon(Icon::Alert)) }
                @if !known { h1.page-title { (problem.code.title()) } }
                p.empty-title { (problem.what) }
                p.empty-subtitle.text-secondary { (problem.code.remedy()) }
                p.text-secondary { "Error " code { (problem.code) } }
                div.empty-action { a.btn href=(HOME) { "To the start page" } }
            }
        }
    }
}

/// A problem inside a page.
pub(super) fn notice(problem: &Problem) -> Markup {
    html! {
        div.alert.alert-danger role="alert" {
            strong { (problem.code.title()) } " "
            (problem.what) " "
            (problem.code.remedy()) " "
            code { (problem.code) }
        }
    }
}

/// Sends the browser to another page of ours, with GET.
///
/// # Panics
/// If the location is no header value: callers pass paths that we wrote, or that came in a request line.
pub(super) fn see_other(location: &str) -> Response {
    let location = HeaderValue::from_str(location).expect("a path of ours is printable");
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// Whole seconds, at least one: what a person or `Retry-After` is told to wait.
pub(super) fn seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).max(1) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(headers: &[(&'static str, &str)]) -> Face {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        Face::wanted(&headers.collect())
    }

    #[test]
    fn the_face_is_json_unless_html_is_plainly_preferred() {
        let html = [
            "text/html",
            "text/html,*/*;q=0.8",
            "text/*",
            "application/json;q=0.2, text/html;q=0.3",
        ];
        for accept in html {
            assert_eq!(face(&[("accept", accept)]), Face::Page, "{accept}");
        }
        let json = [
            "*/*",
            "application/json",
            "text/html;q=0.5, */*",
            "text/html;q=0",
            "text/plain",
            "rubbish",
            "",
        ];
        for accept in json {
            assert_eq!(face(&[("accept", accept)]), Face::Json, "{accept}");
        }
        assert_eq!(face(&[]), Face::Json);
        assert_eq!(face(&[("hx-request", "true"), ("accept", "text/html")]), Face::Fragment);
        assert_eq!(face(&[("hx-request", "false")]), Face::Json);
    }

    #[test]
    fn a_client_sees_neither_path_nor_sql_of_an_error() {
        for (code, status) in
            [(Code::StoreBusy, 503), (Code::StoreOutcomeUnknown, 503), (Code::StoreCorrupt, 500)]
        {
            let error =
                Error::new(code, "open /home/op/jobs.db").because("SELECT secret FROM jobs");
            let problem = Problem::from(error);
            let page = explained(&problem, &Frame::default()).into_string();
            let seen = format!("{page} {}", notice(&problem).into_string());
            assert!(!seen.contains("/home") && !seen.contains("SELECT"), "{seen}");
            assert!(seen.contains(code.as_str()));
            assert_eq!(problem.status().as_u16(), status);
        }
    }
}

//! The answer to a request that failed: a notice for htmx, a page for a browser, RFC 9457 for a program.

use super::answer::{OPENS, header_value};
use super::base::link;
use super::components::{coded, password_question, problem_notice};
use super::face::Face;
use super::icon::{Icon, icon};
use super::nav;
use super::page::{self, Frame};
use super::problem::Problem;
use crate::error::Code;
use crate::wire;
use axum::Json;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};

/// The response for a problem, in the form that the request wants. Headers of `bare` that say more, such as `Allow`, are
/// kept.
pub(super) fn faced(problem: &Problem, face: Face, frame: &Frame, bare: &HeaderMap) -> Response {
    let mut response = match face {
        Face::Fragment => Html(problem_notice(problem).into_string()).into_response(),
        Face::Page if !frame.has_files() => plain(problem),
        Face::Page => Html(
            page::layout(frame, problem.code().title(), &explained(problem, frame)).into_string(),
        )
        .into_response(),
        Face::Json => problem_json(problem),
    };
    *response.status_mut() = problem.status();
    let headers = response.headers_mut();
    headers.extend(problem.headers());
    if let Some(allow) = bare.get(header::ALLOW) {
        headers.insert(header::ALLOW, allow.clone());
    }
    if face == Face::Fragment {
        // The notice goes over the content, not in the place of the element that was to be replaced, and is brought into view.
        headers.insert(HeaderName::from_static("hx-retarget"), HeaderValue::from_static("#page"));
        headers.insert(
            HeaderName::from_static("hx-reswap"),
            HeaderValue::from_static("afterbegin show:window:top"),
        );
    }
    if face == Face::Fragment && problem.code() == Code::AuthRequired {
        let asked = bare.get(OPENS).cloned();
        headers.insert(OPENS, asked.unwrap_or_else(|| header_value(&link(nav::LOGIN))));
    }
    if face == Face::Fragment && problem.code() == Code::AuthHost {
        // The page loads itself again, for which the host shows its own sign-in.
        headers.insert(HeaderName::from_static("hx-refresh"), HeaderValue::from_static("true"));
    }
    response
}

/// The problem as a text, for a browser that may load nothing that a page of ours consists of.
fn plain(problem: &Problem) -> Response {
    let code = problem.code();
    format!("{}\n\n{} {}\n\nError {code}\n", code.title(), problem.what(), code.remedy())
        .into_response()
}

/// The problem as RFC 9457 has it, with our error code.
fn problem_json(problem: &Problem) -> Response {
    let (code, status) = (problem.code(), problem.status().as_u16());
    let body = Json(wire::Problem::of(code, status, problem.what(), problem.fields()));
    let media_type = [(header::CONTENT_TYPE, "application/problem+json")];
    (media_type, body).into_response()
}

/// The problem as the content of a page. A person who is not signed in sees it without the navigation, so it brings its
/// own title.
fn explained(problem: &Problem, frame: &Frame) -> Markup {
    let known = frame.has_navigation();
    html! {
        @if known { section.card role="alert" { (said(problem, frame)) } }
        @else { div.gate { (page::brand()) section.card role="alert" { (said(problem, frame)) } } }
    }
}

fn said(problem: &Problem, frame: &Frame) -> Markup {
    let known = frame.has_navigation();
    html! {
        div.empty-state {
            (icon(Icon::SearchOff))
            @if known { h2 { (coded(problem.what())) } } @else { h1 { (problem.code().title()) } p { (coded(problem.what())) } }
            p { (coded(problem.code().remedy())) }
            @if problem.code() == Code::AuthStale { (password_question()) }
            div.page-actions {
                a.btn href=(nav::Tab::HOME.link()) { "To the start page" }
                @if known { a.btn.btn-quiet href=(nav::Tab::Jobs.link()) { "Search jobs" } }
            }
            p.sub { (problem.status().as_u16()) " · " code { (problem.code()) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn a_client_sees_neither_path_nor_sql_of_an_error() {
        for (code, status) in
            [(Code::StoreBusy, 503), (Code::StoreOutcomeUnknown, 503), (Code::StoreCorrupt, 500)]
        {
            let error =
                Error::new(code, "open /home/op/jobs.db").because("SELECT secret FROM jobs");
            let problem = Problem::from(error);
            let page = explained(&problem, &Frame::default()).into_string();
            let seen = format!("{page} {}", problem_notice(&problem).into_string());
            assert!(!seen.contains("/home") && !seen.contains("SELECT"), "{seen}");
            assert!(seen.contains(code.as_str()));
            assert_eq!(problem.status().as_u16(), status);
        }
    }
}

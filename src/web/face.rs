//! The three faces of an answer: a fragment for htmx, a page for a browser, JSON for a program.

use axum::http::header::{self, HeaderMap};

/// The kind of answer that a request wants.
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
    /// What the headers ask for. It is JSON unless HTML is plainly preferred.
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

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
}

//! The reason why the model's service would not answer, from the program's word, the HTTP status and the text.

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What to do about it depends on this.
    pub kind: ProblemKind,
    /// For people: the program's own text.
    pub text: String,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The key or the login is missing, wrong or not allowed: only a person can mend it.
    Authentication,
    /// The account has no money left.
    Billing,
    /// A limit of requests, tokens or usage: it is over by itself at some time.
    Limit,
    /// The service understood and refused: an unknown model, a prompt that is too long.
    Request,
    /// The service is overloaded.
    Overloaded,
    /// The service failed or could not be reached.
    Service,
}

impl Problem {
    /// Reads a problem. The texts decide first where several kinds share a status.
    ///
    /// # Source
    /// 429 is `rate_limit`, 401 `authentication_failed`, 529 `overloaded`; an empty account is a 400
    /// (*credit balance is too low*), and so is a spending limit (*you will regain access on …*). Version 2.1.128 calls 529
    /// `rate_limit` too, and tells the status of its last try in the text alone (*API Error: 529 …*).
    pub fn read(error: &str, status: Option<u16>, text: &str) -> Self {
        let status = status.or_else(|| status_in(text));
        let kind = of_text(text).unwrap_or_else(|| of_word(error, status));
        let text = if text.is_empty() { error } else { text };
        Self { kind, text: text.to_owned() }
    }

    /// Reads what the program says where it gives neither word nor status; `None` if it is about none of these.
    pub fn of_text(text: &str) -> Option<Self> {
        of_text(text).map(|kind| Self { kind, text: text.to_owned() })
    }
}

/// The status that a text begins with.
fn status_in(text: &str) -> Option<u16> {
    let (status, _) = text.strip_prefix("API Error: ")?.split_once(' ')?;
    status.parse().ok().filter(|status| (400..600).contains(status))
}

fn of_word(error: &str, status: Option<u16>) -> ProblemKind {
    match (error, status) {
        ("authentication_failed" | "oauth_org_not_allowed", _) | (_, Some(401 | 403)) => {
            ProblemKind::Authentication
        }
        ("billing_error", _) | (_, Some(402)) => ProblemKind::Billing,
        ("overloaded", _) | (_, Some(529)) => ProblemKind::Overloaded,
        ("rate_limit", _) | (_, Some(429)) => ProblemKind::Limit,
        // A timeout of the request (408) and a conflict (409) may be over at the next try.
        (_, Some(408 | 409)) => ProblemKind::Service,
        ("invalid_request" | "model_not_found", _) | (_, Some(400..=499)) => ProblemKind::Request,
        _ => ProblemKind::Service,
    }
}

fn of_text(text: &str) -> Option<ProblemKind> {
    let text = text.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["credit balance is too low"]) {
        return Some(ProblemKind::Billing);
    }
    if has(&[
        "usage limit reached",
        "-hour limit reached",
        "weekly limit reached",
        "rate limit reached",
        "usage limits",
    ]) || (has(&["hit your "]) && has(&["limit"]))
        || has(&["out of extra usage"])
    {
        return Some(ProblemKind::Limit);
    }
    let login =
        ["not logged in", "please run /login", "invalid api key", "oauth token has expired"];
    has(&login).then_some(ProblemKind::Authentication)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProblemKind::{Authentication, Billing, Limit, Overloaded, Request, Service};

    #[test]
    fn what_the_service_refuses_is_told_apart_by_word_status_and_text() {
        for (error, status, text, kind) in [
            ("authentication_failed", None, "Not logged in · Please run /login", Authentication),
            ("unknown", Some(401), "", Authentication),
            ("unknown", Some(403), "Your API key does not have permission", Authentication),
            ("rate_limit", Some(429), "API Error: Request rejected (429)", Limit),
            ("rate_limit", None, "You've hit your limit · resets 7pm (UTC)", Limit),
            (
                "invalid_request",
                Some(400),
                "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
                Limit,
            ),
            ("unknown", None, "API Error: Rate limit reached", Limit),
            ("billing_error", Some(400), "Credit balance is too low", Billing),
            (
                "invalid_request",
                Some(400),
                "Your credit balance is too low to access the Anthropic API",
                Billing,
            ),
            ("invalid_request", Some(400), "prompt is too long", Request),
            ("unknown", Some(404), "model: claude-nope", Request),
            ("overloaded", Some(529), "", Overloaded),
            ("rate_limit", Some(529), "", Overloaded),
            ("rate_limit", None, "API Error: 529 Overloaded. Try again.", Overloaded),
            ("unknown", None, "API Error: 401 Invalid bearer token", Authentication),
            ("unknown", None, "API Error: 42 tries", Service),
            ("server_error", Some(500), "", Service),
            ("unknown", Some(408), "", Service),
            ("unknown", None, "", Service),
            ("server_error", None, "Connection dropped (ECONNRESET)", Service),
        ] {
            assert_eq!(Problem::read(error, status, text).kind, kind, "{error} {status:?} {text}");
        }
        assert_eq!(Problem::of_text("Segmentation fault"), None);
    }
}

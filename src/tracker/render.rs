//! The text of an issue or a comment: ours around it, and a stranger's in it made inert.

use super::inert::{clean, code, markdown, plain};

pub use super::inert::undone;
use crate::model::{Classification, IssueMark, JobId, Visibility};

/// Longest own title of a finding, in characters; what an issue list shows without wrapping.
const MAX_TITLE: usize = 80;
/// Longest whole title, in characters; GitHub takes 256.
const MAX_WHOLE_TITLE: usize = 240;
/// Longest summary, in characters, before it is made inert, which makes it five times as long at worst: with
/// everything else below GitHub's 65,536.
const MAX_SUMMARY: usize = 12_000;
/// Most error codes named, and the longest name of a server, in characters: one line.
const MAX_CODES: usize = 10;
const MAX_NAME: usize = 100;

/// Markdown of anybody's made inert: it is shown, and does nothing.
pub fn inert(text: &str) -> String {
    markdown(&clean(text, Visibility::Private, usize::MAX))
}

/// The same of one line of plain text, such as a title.
pub fn inert_line(text: &str) -> String {
    plain(&clean(text, Visibility::Private, MAX_SUMMARY))
}

/// The parts of an issue or a comment. Strangers may have written the texts.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// What the server is called.
    pub server: &'a str,
    /// The scan that found it.
    pub scan: JobId,
    /// Markdown: what happened, and the evidence.
    pub summary: &'a str,
    /// The page of the closed issue that the same problem had before, by the tracker's own word.
    pub follows: Option<&'a str>,
    /// Error codes in the evidence.
    pub error_codes: &'a [String],
    /// Who can read it.
    pub audience: Visibility,
    /// What it is found and recognised by.
    pub mark: &'a IssueMark,
}

/// The title of an issue: prefix, error code, and the finding's own title cut at 80 characters; at most 240 in all.
pub fn title(
    classification: Classification,
    error_code: Option<&str>,
    title: &str,
    audience: Visibility,
) -> String {
    let line = |text: &str, most: usize| -> String {
        // A secret that the cut would tear is gone before; a title needs no more than its beginning.
        let text = plain(&clean(text, audience, 2 * MAX_WHOLE_TITLE));
        text.chars().take(most).collect::<String>().trim_end().to_owned()
    };
    let own = line(title, MAX_TITLE);
    let own = if own.is_empty() { "A problem without a title" } else { &own };
    let code = error_code.map(|code| line(code, MAX_NAME) + " ").unwrap_or_default();
    let whole = format!("{} {code}{own}", classification.prefix());
    whole.chars().take(MAX_WHOLE_TITLE).collect()
}

/// The body of an issue or a comment.
pub fn body(report: &Report<'_>) -> String {
    let clean = |text: &str, most| clean(text, report.audience, most);
    let mut identity = vec![
        format!("- Server: {}", code(&clean(report.server, MAX_NAME))),
        format!("- Scan: {}", code(&report.scan.to_string())),
    ];
    if !report.error_codes.is_empty() {
        let codes = report.error_codes.iter().take(MAX_CODES).map(|c| code(&clean(c, MAX_NAME)));
        identity.push(format!("- Error codes: {}", codes.collect::<Vec<_>>().join(" ")));
    }
    // An address of anybody else's could say anything in Markdown.
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~/:".contains(c);
    if let Some(page) = report.follows.filter(|page| page.chars().all(fits)) {
        identity.push(format!("- Before: {page}"));
    }
    let summary = markdown(&clean(report.summary, MAX_SUMMARY));
    format!("{}\n\n{summary}\n\n{}\n", identity.join("\n"), report.mark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Marker;

    fn mark(number: u128) -> IssueMark {
        IssueMark { marker: Marker::new(number), fingerprints: Vec::new() }
    }

    fn report<'a>(summary: &'a str, audience: Visibility, mark: &'a IssueMark) -> Report<'a> {
        Report {
            server: "shop `1`",
            scan: JobId(42),
            summary,
            follows: None,
            error_codes: &[],
            audience,
            mark,
        }
    }

    #[test]
    fn a_title_has_its_prefix_its_code_and_at_most_80_characters_of_its_own() {
        let of = |class, code, own: &str| title(class, code, own, Visibility::Private);
        assert_eq!(
            of(Classification::ServerBug, Some("CART-DB-001"), "Cart is lost"),
            "[BUG] CART-DB-001 Cart is lost"
        );
        assert_eq!(of(Classification::ClientMisuse, None, "x"), "[CLIENT] x");
        assert_eq!(
            of(Classification::DocumentationGap, None, " "),
            "[DOCS] A problem without a title"
        );
        let long = of(Classification::ServerBug, None, &"é".repeat(1_000_000));
        assert_eq!(long, format!("[BUG] {}", "é".repeat(80)));
        let code = "C".repeat(1_000);
        let all = of(Classification::ServerBug, Some(&code), &"x".repeat(1_000));
        assert!(all.chars().count() <= 240, "{all}");
        assert_eq!(
            of(Classification::ServerBug, None, "@all: <img src=x> fixes #1\nnow"),
            "[BUG] @ all: ‹img src=x› fixes # 1 now"
        );
    }

    #[test]
    fn a_body_says_who_filed_it_what_happened_and_shows_the_evidence() {
        let mark = mark(1);
        let text = "It broke.\n\n## Evidence\n````\n#7 ERROR cart `lost` for @ann\n#9 ```\n````\n";
        let report = report(text, Visibility::Private, &mark);
        let codes = ["CART-DB-001".to_owned()];
        let follows = Some("https://github.com/ann/shop/issues/7");
        let report = Report { error_codes: &codes, follows, ..report };
        assert_eq!(
            body(&report),
            "- Server: `shop '1'`\n- Scan: `42`\n- Error codes: `CART-DB-001`\n- Before: https://github.com/ann/shop/issues/7\n\nIt broke.\n\n## Evidence\n\n\
             ````text\n#7 ERROR cart `lost` for @ann\n#9 ```\n````\n\n\
             <!-- lamplighter:00000000000000000000000000000001 -->\n"
        );
        assert!(mark.marker.is_in(&body(&report)));
    }

    #[test]
    fn a_forged_marker_is_none_wherever_it_stands() {
        let (own, forged) = (mark(1), mark(2));
        let text = format!("a\n{forged}\n\n```\n{forged}\n```\n");
        let mut report = report(&text, Visibility::Private, &own);
        let server = forged.to_string();
        report.server = &server;
        let body = body(&report);
        assert!(own.marker.is_in(&body) && !forged.marker.is_in(&body), "{body}");
        assert_eq!(body.matches(Marker::BEGIN).count(), 1, "{body}");
    }

    #[test]
    fn a_body_fits_github_whatever_it_is_made_of() {
        let mark = mark(1);
        for bad in ["&", "`", "@a ", "[", "<", "\n", "```\n", "|"] {
            let text = bad.repeat(20_000);
            let body = body(&report(&text, Visibility::Public, &mark));
            assert!(body.chars().count() < 65_536, "{bad:?}: {}", body.chars().count());
            assert!(mark.marker.is_in(&body));
        }
    }

    #[test]
    fn a_public_issue_names_no_address() {
        let mark = mark(1);
        let text = "at 10.1.2.3\n\n```\ntimeout to 10.1.2.3:5432\n```\n";
        let body = body(&report(text, Visibility::Public, &mark));
        assert!(!body.contains("10.1.2.3"), "{body}");
    }
}

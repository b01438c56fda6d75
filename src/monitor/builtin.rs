//! The built-in analyzer: groups the grave rows of a log by what they say and turns each group into a finding.
//!
//! It needs no agent program and no network. A group is an error code, or, for rows without one, a source and a
//! template; the classification is a rule over the words. It is modest on purpose: it counts and cites, and its
//! *likely cause* says which rule spoke rather than more than it knows.
//!
//! *Invariant:* the same rows in the same order give the same findings, and memory is bounded by the limits below.

use super::template::{MASK, codes, error_codes, mask};
use crate::model::{Classification, Finding, Level, LogRow};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::Write as _;

/// Most groups kept apart: more different problems than anybody files in one go.
const MAX_GROUPS: usize = 500;
/// Evidence ids of a group: the first four and the latest.
const MAX_EVIDENCE: usize = 5;
/// Longest sample message, in bytes: a stack trace down to the frames that matter.
const MAX_SAMPLE: usize = 2_000;
/// Most request paths and most source files named: a hint, not a list.
const MAX_NAMED: usize = 5;
/// Longest text from a log row inside a sentence, in characters.
const MAX_SPAN: usize = 120;
/// Longest title, in characters; what an issue list shows without wrapping.
const MAX_TITLE: usize = 80;
/// Stands for the templates that found no group of their own.
const OVERFLOW: &str = "more different problems than one scan keeps apart";

/// Collects rows of level warning or worse, oldest first, and answers what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    /// Where a code, or a template and its source, is in `groups`.
    index: HashMap<String, usize>,
    groups: Vec<Group>,
    /// Rows whose template came after the last free group, as one group.
    overflow: Option<Group>,
}

impl Analyzer {
    /// An analyzer that has seen nothing.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Counts one row. Rows come oldest first and are of level warning or worse; the caller chooses them.
    pub(crate) fn push(&mut self, row: &LogRow) {
        let code = codes(&row.row.message).next();
        let key = code.map_or_else(
            // No template holds a line break, so that the two parts cannot be confused.
            || format!("{}\n{}", mask(&row.row.message), row.row.source),
            str::to_owned,
        );
        if let Some(at) = self.index.get(&key) {
            self.groups[*at].add(row);
        } else if self.groups.len() < MAX_GROUPS {
            let template = key.split_once('\n').map(|(template, _)| template.to_owned());
            let template = template.unwrap_or_else(|| mask(&row.row.message));
            self.index.insert(key, self.groups.len());
            self.groups.push(Group::new(row, template));
        } else if let Some(group) = &mut self.overflow {
            group.add(row);
        } else {
            let group = Group::new(row, OVERFLOW.to_owned());
            self.overflow = Some(Group { source: "several sources".to_owned(), ..group });
        }
    }

    /// One finding per group: the gravest first, then the most frequent, then the oldest. Rows that found no group
    /// are counted in one more finding at the end.
    pub(crate) fn finish(mut self) -> Vec<Finding> {
        self.groups.sort_by_key(|g| (Reverse(g.worst), Reverse(g.count), g.evidence[0]));
        self.groups
            .iter()
            .map(Group::finding)
            .chain(self.overflow.iter().map(Group::rest))
            .collect()
    }
}

/// Rows that say the same. `evidence` is never empty.
#[derive(Debug)]
struct Group {
    source: String,
    template: String,
    /// The message of the first row, cut.
    sample: String,
    codes: Vec<String>,
    count: u64,
    worst: Level,
    evidence: Vec<i64>,
    first_seen: String,
    last_seen: String,
    paths: Vec<String>,
}

impl Group {
    fn new(row: &LogRow, template: String) -> Self {
        let message = &row.row.message;
        let mut group = Self {
            source: row.row.source.clone(),
            template,
            sample: cut(message, MAX_SAMPLE).to_owned(),
            codes: error_codes(message),
            count: 0,
            worst: row.row.level,
            evidence: Vec::with_capacity(MAX_EVIDENCE),
            first_seen: row.row.timestamp.clone(),
            last_seen: String::new(),
            paths: Vec::new(),
        };
        group.add(row);
        group
    }

    fn add(&mut self, row: &LogRow) {
        self.count += 1;
        self.worst = self.worst.max(row.row.level);
        if self.evidence.len() == MAX_EVIDENCE {
            self.evidence.pop();
        }
        self.evidence.push(row.id);
        self.last_seen.clone_from(&row.row.timestamp);
        if let Some(path) = row.row.request_path.as_deref() {
            // A query may hold what is nobody's business and makes every path another one.
            let path = path.split('?').next().unwrap_or(path);
            if self.paths.len() < MAX_NAMED && !self.paths.iter().any(|known| known == path) {
                self.paths.push(path.to_owned());
            }
        }
    }

    fn finding(&self) -> Finding {
        let (classification, cause) = classify(&self.template, &self.sample);
        Finding {
            classification,
            title: title(&self.template),
            body: self.body(cause),
            error_codes: self.codes.clone(),
            source: self.source.clone(),
            template: self.template.clone(),
            occurrences: self.count,
            evidence: self.evidence.clone(),
            last_seen: self.last_seen.clone(),
        }
    }

    /// The finding that stands for the rows without a group; it claims no code and no rule.
    fn rest(&self) -> Finding {
        let cause = "One fault may speak in many ways, or the messages hold values that were not \
            recognised as such.";
        Finding {
            classification: Classification::ServerBug,
            title: format!(
                "Over {MAX_GROUPS} different problems at once; the rest is only counted"
            ),
            error_codes: Vec::new(),
            body: self.body(cause),
            ..self.finding()
        }
    }

    fn body(&self, cause: &str) -> String {
        let (first, latest) = (self.evidence[0], self.evidence[self.evidence.len() - 1]);
        let (since, until) = (span(&self.first_seen), span(&self.last_seen));
        let seen = match self.count {
            1 => format!("once: row {first} at {until}"),
            n => format!("{n} times: rows {first} to {latest}, from {since} to {until}"),
        };
        let (source, worst) = (span(&self.source), self.worst);
        let mut text =
            format!("## Summary\n\n{source} logged this, at worst as {worst}, {seen}.\n");
        let mut named = |label: &str, names: &[String]| {
            if !names.is_empty() {
                let names: Vec<String> = names.iter().map(|name| span(name)).collect();
                writeln!(text, "\n{label}: {}", names.join(", "))
                    .expect("a String takes every write");
            }
        };
        named("Request paths", &self.paths);
        named("Source files", &source_files(&self.sample));
        let fence = "`".repeat(longest_backticks(&self.sample).max(2) + 1);
        let ids: Vec<String> = self.evidence.iter().map(ToString::to_string).collect();
        let of = if self.count > ids.len() as u64 { " (the first and the latest)" } else { "" };
        write!(
            text,
            "\n## Evidence\n\n{fence}text\n{}\n{fence}\n\nLog rows{of}: {}\n\n## Likely cause\n\n{cause}\n",
            self.sample.trim_end(),
            ids.join(", "),
        )
        .expect("a String takes every write");
        text
    }
}

/// What the words of a rule point to.
struct Rule {
    classification: Classification,
    /// Any of these phrases; every word of a phrase must begin some word of the template, in any order.
    phrases: &'static str,
    /// One sentence for the finding.
    cause: &'static str,
}

/// The rules; the first that fits wins. Signs of a fault of our own come first, since a fault may
/// quote a client's words; documentation comes before the client, since `unknown` and `deprecated`
/// are words of both.
const RULES: &[Rule] = &[
    Rule {
        classification: Classification::ServerBug,
        phrases: "panicked, traceback, unhandled, uncaught, segfault, deadlock, overflow, corrupt, \
            internal server error, out of memory, no space left, connection refused, timed out, \
            upstream",
        cause: "The message names a fault while the server worked (a crash, a lost resource or a \
            service that did not answer): look at the server and at what it depends on.",
    },
    Rule {
        classification: Classification::DocumentationGap,
        phrases: "undocumented, not documented, no documented, without documented, \
            no documentation, missing documentation, documentation not, docs not, \
            deprecated option, deprecated setting, deprecated config, deprecated flag, \
            unknown option, unknown config, unknown setting, unknown flag, unrecognized option, \
            unrecognized config, unrecognized setting, did you mean",
        cause: "The message is about an option or a step that the documentation may not explain: \
            compare the documentation with what was tried.",
    },
    Rule {
        classification: Classification::ClientMisuse,
        phrases: "malformed, bad request, invalid request, invalid json, invalid body, \
            invalid param, invalid arg, invalid input, invalid header, invalid query, \
            invalid token, invalid signature, invalid api key, invalid credential, bad token, \
            bad credential, bad signature, expired token, wrong password, authentication failed, \
            login failed, unauthori, forbidden, validation, missing param, missing field, \
            missing header, missing token, unknown param, unknown field, rate limit, \
            too many requests, quota exceeded, unsupported media, method not allowed, \
            payload too large, request too large, deprecated api, deprecated endpoint, \
            deprecated client",
        cause: "The message refuses what a caller sent: look at the caller, unless many callers \
            do the same.",
    },
];

const BY_STATUS: &str =
    "The answer was a 4xx status, which blames the request; look at the caller first.";
const BY_DEFAULT: &str = "No rule recognised the message as a caller's mistake or a gap in the \
    documentation, so it counts as the server's.";

/// The classification and the sentence that says why.
///
/// Words are looked up in the template; the status is a value and therefore read from the sample.
fn classify(template: &str, sample: &str) -> (Classification, &'static str) {
    let text = template.to_lowercase();
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let says = |phrase: &str| {
        phrase.split(' ').all(|part| words.iter().any(|word| word.starts_with(part)))
    };
    let status = http_status(sample);
    let crashed = has_trace(sample) || status.is_some_and(|status| status >= 500);
    let fits = |rule: &&Rule| {
        let own = rule.classification == Classification::ServerBug;
        (own && crashed) || rule.phrases.split(", ").any(says)
    };
    let rule = RULES.iter().find(fits);
    match (rule, status) {
        (Some(rule), _) => (rule.classification, rule.cause),
        (None, Some(400..=499)) => (Classification::ClientMisuse, BY_STATUS),
        (None, _) => (Classification::ServerBug, BY_DEFAULT),
    }
}

fn has_trace(sample: &str) -> bool {
    ["Traceback (most recent", "panicked at", "stack backtrace", "\n    at ", "\n\tat "]
        .iter()
        .any(|sign| sample.contains(sign))
}

/// The HTTP status in the first line: a three-digit word after `status`, `HTTP/1.1`, `answered` and the like.
fn http_status(sample: &str) -> Option<u16> {
    let line = sample.lines().next().unwrap_or_default();
    let mut words = line
        .split([' ', '=', ':', ','])
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    let mut before = words.next()?;
    for word in words.filter(|word| !word.is_empty()) {
        let announced = before.starts_with("HTTP")
            || ["status", "http", "answered", "responded", "returned"]
                .iter()
                .any(|w| before.eq_ignore_ascii_case(w))
            || before.ends_with("status_code");
        if announced
            && word.len() == 3
            && let Ok(status) = word.parse()
        {
            return Some(status).filter(|status| (100..600).contains(status));
        }
        before = word;
    }
    None
}

/// The template as a person reads it: no code in front, `…` for values, at most 80 characters.
fn title(template: &str) -> String {
    let mut text = template;
    while let Some(code) = codes(text).next() {
        let Some((before, after)) = text.split_once(code) else {
            break;
        };
        if before.contains(char::is_alphanumeric) {
            break;
        }
        text = after
            .trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '<' | '(' | '/'));
    }
    let text: String = text.replace(MASK, "…").chars().filter(|c| !c.is_control()).collect();
    match text.trim() {
        "" | "…" => "A message without words".to_owned(),
        text if text.chars().count() <= MAX_TITLE => text.to_owned(),
        text => text.chars().take(MAX_TITLE - 1).collect::<String>().trim_end().to_owned() + "…",
    }
}

/// Places in source files: `src/cart.rs:42`, `Cart.java:7`, and Python's `File "x.py", line 3` as `x.py:3`.
fn source_files(sample: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in sample.lines() {
        let python = line.trim_start().strip_prefix("File \"").and_then(|rest| {
            let (file, rest) = rest.split_once("\", line ")?;
            Some(format!("{file}:{}", leading_digits(rest)))
        });
        let words = line.split(|c: char| c.is_whitespace() || "()[]\"'`,;".contains(c));
        for place in python.into_iter().chain(words.filter_map(place)) {
            if found.len() < MAX_NAMED && !found.contains(&place) {
                found.push(place);
            }
        }
    }
    found
}

/// `src/cart.rs:42:7` as `src/cart.rs:42`; hosts with a port are none, for their last part is not a source suffix.
fn place(word: &str) -> Option<String> {
    const SUFFIXES: &[&str] = &[
        "rs", "py", "js", "ts", "tsx", "jsx", "go", "java", "kt", "rb", "php", "c", "cc", "cpp",
        "h", "cs", "swift", "ex", "scala", "sql", "sh",
    ];
    let (file, rest) = word.split_once(':')?;
    let (stem, suffix) = file.rsplit_once('.')?;
    let line = leading_digits(rest);
    (!stem.is_empty() && SUFFIXES.contains(&suffix) && !line.is_empty())
        .then(|| format!("{file}:{line}"))
}

fn leading_digits(text: &str) -> &str {
    &text[..text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())]
}

fn longest_backticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Text from a log as inline code, where nothing in it has a meaning.
fn span(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() || c == '`' { ' ' } else { c })
        .take(MAX_SPAN)
        .collect();
    if clean.trim().is_empty() { "(no name)".to_owned() } else { format!("`{}`", clean.trim()) }
}

fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NewLogRow;

    fn row(id: i64, level: Level, message: &str) -> LogRow {
        let at = format!("2026-11-21T05:00:{:02}.000Z", id % 60);
        LogRow { id, row: NewLogRow::new(at, level, "shop.cart", message) }
    }

    fn findings(messages: &[&str]) -> Vec<Finding> {
        let mut analyzer = Analyzer::new();
        for (id, message) in (1..).zip(messages) {
            analyzer.push(&row(id, Level::Error, message));
        }
        analyzer.finish()
    }

    fn only(message: &str) -> Finding {
        let mut all = findings(&[message]);
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    #[test]
    fn rows_with_one_code_or_one_template_are_one_finding() {
        let all = findings(&[
            "[SHOP-PAY-014] charge of order 1 failed",
            "cart 7 is lost",
            "[SHOP-PAY-014] refund of order 2 failed too",
            "cart 8 is lost",
            "cart 9 is lost",
        ]);
        let seen: Vec<_> = all.iter().map(|f| (f.occurrences, f.evidence.clone())).collect();
        assert_eq!(seen, [(3, vec![2, 4, 5]), (2, vec![1, 3])]);
        assert_eq!(all[1].error_codes, ["SHOP-PAY-014"]);
        assert_eq!(all[1].template, "[SHOP-PAY-014] charge of order <*> failed");
        assert_eq!(all[0].last_seen, "2026-11-21T05:00:05.000Z");
    }

    #[test]
    fn the_same_words_of_another_source_are_another_finding() {
        let mut analyzer = Analyzer::new();
        analyzer.push(&row(1, Level::Error, "no room"));
        let mut other = row(2, Level::Error, "no room");
        other.row.source = "shop.mail".into();
        analyzer.push(&other);
        assert_eq!(analyzer.finish().len(), 2);
    }

    #[test]
    fn the_gravest_comes_first_then_the_most_frequent_then_the_oldest() {
        let mut analyzer = Analyzer::new();
        let levels = [Level::Warning, Level::Error, Level::Error, Level::Error, Level::Critical];
        for (id, (level, word)) in (1..).zip(levels.into_iter().zip(["w", "b", "a", "a", "c"])) {
            analyzer.push(&row(id, level, word));
        }
        analyzer.push(&row(6, Level::Error, "d"));
        let order: Vec<_> = analyzer.finish().into_iter().map(|f| f.template).collect();
        assert_eq!(order, ["c", "a", "b", "d", "w"]);
    }

    #[test]
    fn evidence_is_the_first_rows_and_the_latest() {
        let all = findings(&["lost"; 300]);
        assert_eq!(all[0].evidence, [1, 2, 3, 4, 300]);
        assert!(
            all[0]
                .body
                .contains("`shop.cart` logged this, at worst as ERROR, 300 times: rows 1 to 300")
        );
    }

    #[test]
    fn groups_beyond_the_limit_are_counted_in_one_last_finding() {
        let mut analyzer = Analyzer::new();
        let name = |n: i64| n.to_string().bytes().map(|b| char::from(b + 50)).collect::<String>();
        for id in 1..=MAX_GROUPS as i64 + 7 {
            analyzer.push(&row(id, Level::Critical, &name(id)));
        }
        let all = analyzer.finish();
        assert_eq!(all.len(), MAX_GROUPS + 1);
        let rest = &all[MAX_GROUPS];
        assert_eq!((rest.occurrences, rest.template.as_str()), (7, OVERFLOW));
        assert!(rest.title.chars().count() <= MAX_TITLE);
    }

    #[test]
    fn words_and_status_decide_the_classification() {
        use Classification::{ClientMisuse, DocumentationGap, ServerBug};
        for (message, expected) in [
            ("cart is gone", ServerBug),
            ("upstream answered 404", ServerBug),
            ("\"GET /a HTTP/1.1\" 503 12", ServerBug),
            ("bad token\nTraceback (most recent call last):\n  x", ServerBug),
            ("Malformed body at 7", ClientMisuse),
            ("missing required parameter `page`", ClientMisuse),
            ("10.0.0.1 \"GET /a HTTP/1.1\" 404 12", ClientMisuse),
            ("request refused, status=422", ClientMisuse),
            ("client uses deprecated API v1", ClientMisuse),
            ("Unknown option \"x\" in a.toml", DocumentationGap),
            ("deprecated setting used, no documented replacement", DocumentationGap),
        ] {
            assert_eq!(only(message).classification, expected, "{message}");
        }
    }

    #[test]
    fn a_title_is_one_readable_line_of_at_most_80_characters() {
        assert_eq!(only("[SHOP-PAY-014] order 7 of 'ann' failed\nx").title, "order … of … failed");
        assert_eq!(only("SHOP-PAY-014: order lost").title, "order lost");
        assert_eq!(only("lost after SHOP-PAY-014").title, "lost after SHOP-PAY-014");
        assert_eq!(only("[SHOP-PAY-014]").title, "A message without words");
        let long = only(&"größer ".repeat(40)).title;
        assert!(long.chars().count() <= MAX_TITLE && long.ends_with('…'));
    }

    #[test]
    fn the_body_cites_and_nothing_in_it_breaks_out() {
        let mut hostile =
            row(3, Level::Error, "bad\n````\n# @all\n  at src/cart.rs:42:7 (Cart.java:9)");
        hostile.row.request_path = Some("/cart`x`?secret=1".into());
        let mut analyzer = Analyzer::new();
        analyzer.push(&hostile);
        let body = analyzer.finish().remove(0).body;
        assert_eq!(body.matches("\n`````").count(), 2);
        assert!(body.contains("Request paths: `/cart x`\n") && !body.contains("secret"));
        assert!(body.contains("Source files: `src/cart.rs:42`, `Cart.java:9`\n"));
        assert!(body.contains("at worst as ERROR, once: row 3 at `2026-"));
        assert!(body.contains("Log rows: 3\n\n## Likely cause\n\n"));
        let python = only("e\nTraceback (most recent call last):\n  File \"a/x.py\", line 3, in f");
        assert!(python.body.contains("Source files: `a/x.py:3`"));
    }
}

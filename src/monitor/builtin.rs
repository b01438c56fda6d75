//! The built-in analyzer: groups the grave rows of a log by what they say and turns each group into a finding.
//!
//! It needs no agent program and no network. A group is an error code, or, for rows without one, a source and a
//! template; the classification is a table of rules over the words (`rules`). It is modest on purpose: it counts and
//! cites, and its *likely cause* says which rule spoke rather than more than it knows.
//!
//! *Invariant:* the same rows in the same order give the same findings, and memory is bounded by the limits below.

mod report;
mod rules;

use super::template::{Masked, codes, mask};
use crate::model::{Classification, Finding, Level, LogRow};
use rules::{Verdict, classify};
use std::cmp::Reverse;
use std::collections::HashMap;

/// Most groups kept apart: more different problems than anybody files in one go.
const MAX_GROUPS: usize = 500;
/// Evidence ids of a group: the first four and the latest.
const MAX_EVIDENCE: usize = 5;
/// Longest sample message, in bytes: a stack trace down to the frames that matter.
const MAX_SAMPLE: usize = 2_000;
/// Most request paths and most source files named: a hint, not a list.
const MAX_NAMED: usize = 5;
/// Most ways of saying it kept for one error code; a further way counts for the group only.
const MAX_SHAPES: usize = 5;
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
        let said = mask(&row.row.message);
        let code = codes(&row.row.message).next();
        let key = code.map_or_else(
            // Templates hold no line break, so the two parts stay apart.
            || format!("{}\n{}", said.template, row.row.source),
            str::to_owned,
        );
        if let Some(at) = self.index.get(&key) {
            self.groups[*at].add(row, &said);
        } else if self.groups.len() < MAX_GROUPS {
            self.index.insert(key, self.groups.len());
            self.groups.push(Group::new(row, &said, code));
        } else if let Some(group) = &mut self.overflow {
            group.count(row);
        } else {
            let mut group = Group::new(row, &said, None);
            for shape in &mut group.shapes {
                OVERFLOW.clone_into(&mut shape.template);
                "several sources".clone_into(&mut shape.source);
            }
            self.overflow = Some(group);
        }
    }

    /// One finding per group: the gravest first, then the most frequent, then the oldest. Rows that found no group
    /// are counted in one more finding at the end.
    pub(crate) fn finish(mut self) -> Vec<Finding> {
        self.groups.sort_by_key(|g| (Reverse(g.worst), Reverse(g.count), g.evidence[0]));
        self.groups
            .iter_mut()
            .map(Group::finding)
            .chain(self.overflow.iter().map(Group::rest))
            .collect()
    }
}

/// Rows that are about the same: those of one code, or of one template of one source. Neither `evidence` nor `shapes`
/// is ever empty.
#[derive(Debug)]
struct Group {
    /// The first code of each row. Codes further on in a message are what it cites, not what it is.
    code: Option<String>,
    /// The ways in which it was said.
    shapes: Vec<Shape>,
    count: u64,
    worst: Level,
    evidence: Vec<i64>,
    first_seen: String,
    last_seen: String,
    paths: Vec<String>,
}

/// Rows of a group that differ in values only.
#[derive(Debug)]
struct Shape {
    source: String,
    template: String,
    /// The message of the first row, cut.
    sample: String,
    /// What stands behind each mask, as long as all rows agree.
    values: Vec<Option<String>>,
    count: u64,
}

impl Group {
    fn new(row: &LogRow, said: &Masked, code: Option<&str>) -> Self {
        let mut group = Self {
            code: code.map(str::to_owned),
            shapes: Vec::with_capacity(1),
            count: 0,
            worst: row.row.level,
            evidence: Vec::with_capacity(MAX_EVIDENCE),
            first_seen: row.row.timestamp.clone(),
            last_seen: String::new(),
            paths: Vec::new(),
        };
        group.add(row, said);
        group
    }

    fn add(&mut self, row: &LogRow, said: &Masked) {
        self.count(row);
        let same =
            |shape: &&mut Shape| shape.template == said.template && shape.source == row.row.source;
        if let Some(shape) = self.shapes.iter_mut().find(same) {
            shape.add(said);
        } else if self.shapes.len() < MAX_SHAPES {
            self.shapes.push(Shape::new(row, said));
        }
    }

    fn count(&mut self, row: &LogRow) {
        self.count += 1;
        self.worst = self.worst.max(row.row.level);
        if self.evidence.len() == MAX_EVIDENCE {
            self.evidence.pop();
        }
        self.evidence.push(row.id);
        self.last_seen.clone_from(&row.row.timestamp);
        if let Some(path) = row.row.request_path.as_deref() {
            // A query may hold private values, and it would make every path a different one.
            let path = path.split('?').next().unwrap_or(path);
            if self.paths.len() < MAX_NAMED && !self.paths.iter().any(|known| known == path) {
                self.paths.push(path.to_owned());
            }
        }
    }

    fn finding(&mut self) -> Finding {
        // The sort is stable: of two equally frequent messages the older one comes first.
        self.shapes.sort_by_key(|shape| Reverse(shape.count));
        let verdict = self.verdict();
        let said = &self.shapes[0];
        Finding {
            classification: verdict.classification,
            title: report::title(said),
            body: report::body(self, verdict.cause),
            error_codes: self.code.iter().cloned().collect(),
            source: said.source.clone(),
            template: said.template.clone(),
            occurrences: self.count,
            evidence: self.evidence.clone(),
            last_seen: self.last_seen.clone(),
            // The words come from the log, and their fingerprint says more than the name of a file.
            source_files: Vec::new(),
            duplicate_of: None,
        }
    }

    /// The class of most rows. Rows that no rule recognises count only if there are no others.
    fn verdict(&self) -> Verdict {
        let mut votes: Vec<(Verdict, u64)> = Vec::new();
        for shape in &self.shapes {
            let Some(verdict) = classify(&shape.template, &shape.sample) else {
                continue;
            };
            match votes.iter_mut().find(|(known, _)| known.classification == verdict.classification)
            {
                Some((_, voices)) => *voices += shape.count,
                None => votes.push((verdict, shape.count)),
            }
        }
        votes.sort_by_key(|(_, voices)| Reverse(*voices));
        votes.first().map_or(rules::DEFAULT, |(verdict, _)| *verdict)
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
            body: report::body(self, cause),
            error_codes: Vec::new(),
            source: self.shapes[0].source.clone(),
            template: self.shapes[0].template.clone(),
            occurrences: self.count,
            evidence: self.evidence.clone(),
            last_seen: self.last_seen.clone(),
            source_files: Vec::new(),
            duplicate_of: None,
        }
    }
}

impl Shape {
    fn new(row: &LogRow, said: &Masked) -> Self {
        Self {
            source: row.row.source.clone(),
            template: said.template.clone(),
            sample: cut(&row.row.message, MAX_SAMPLE).to_owned(),
            values: said.values().map(|value| Some(value.to_owned())).collect(),
            count: 1,
        }
    }

    fn add(&mut self, said: &Masked) {
        self.count += 1;
        for (known, value) in self.values.iter_mut().zip(said.values()) {
            if known.as_deref() != Some(value) {
                *known = None;
            }
        }
    }
}

fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::report::MAX_TITLE;
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
        assert_eq!(
            only("[SHOP-PAY-014] order 7 of 'ann' failed\nx").title,
            "order … of 'ann' failed"
        );
        assert_eq!(only("SHOP-PAY-014: order lost").title, "order lost");
        assert_eq!(only("lost after SHOP-PAY-014").title, "lost after SHOP-PAY-014");
        assert_eq!(only("[SHOP-PAY-014]").title, "A message without words");
        let long = only(&"größer ".repeat(40)).title;
        assert!(long.chars().count() <= MAX_TITLE && long.ends_with('…'));
    }

    #[test]
    fn a_title_spells_out_what_is_the_same_in_every_row() {
        let title = |messages: &[&str]| findings(messages).remove(0).title;
        assert_eq!(
            title(&["no option 'a' in line 3", "no option 'a' in line 9"]),
            "no option 'a' in line …"
        );
        assert_eq!(title(&["no option 'a'", "no option 'b'"]), "no option …");
        assert_eq!(title(&["port 80 is taken"; 3]), "port 80 is taken");
        assert_eq!(title(&["/srv/a.py:3: gone", "/srv/b.py:4: gone"]), "gone");
        assert_eq!(title(&["lost <*> of 'a' and 7"]), "lost … of … and …");
    }

    #[test]
    fn one_code_said_in_two_ways_is_judged_and_titled_by_the_more_frequent() {
        let all = findings(&[
            "[SHOP-API-021] upstream is gone",
            "[SHOP-API-021] invalid token of client 7",
            "[SHOP-API-021] invalid token of client 9, see [SHOP-PAY-014]",
            "[SHOP-API-021] invalid token of client 8",
        ]);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].title, "invalid token of client …");
        assert_eq!(all[0].classification, Classification::ClientMisuse);
        assert_eq!(all[0].error_codes, ["SHOP-API-021"]);
        assert!(
            all[0]
                .body
                .contains("The same code also came as:\n\n- `shop.cart`: `[SHOP-API-021] upstream")
        );
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

//! The built-in analyzer: groups the grave rows of a log by what they say and turns each group into a finding.
//!
//! It needs no agent program and no network. A group is an error code, or, for rows without one, a source and a template
//! of the miner; the classification is a table of rules over the words (`rules`). It is modest on purpose: it counts and
//! cites, and its *likely cause* says which rule spoke rather than more than it knows.
//!
//! *Invariant:* the same rows in the same order give the same findings, and memory is bounded by the limits below.

mod grouped;
mod report;
mod rules;
mod tally;

use super::miner::Miner;
use super::template::{MASK, codes, mine};
use crate::model::{
    Classification, Finding, FindingTemplates, KnownTemplate, Level, LogRow, SeenTemplate,
};
pub(super) use grouped::Grouped;
use grouped::{Identities, MAX_KNOWN_AS};
use rules::{Verdict, classify};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use tally::{Key, Tally};

/// Most groups that become findings: more different problems than anybody files in one go.
const MAX_GROUPS: usize = 500;
/// Texts kept apart until it is known which of them are one; then those stay that are gravest and most frequent.
const MAX_TALLIES: usize = 4_096;
/// Evidence ids of a group: the first four and the latest.
const MAX_EVIDENCE: usize = 5;
/// Most request paths and most source files named: a hint, not a list.
const MAX_NAMED: usize = 5;
/// Most ways of saying it told of one error code; a further way counts for the group only.
const MAX_SHAPES: usize = 5;
/// Stands for the templates that found no group of their own.
const OVERFLOW: &str = "more different problems than one scan keeps apart";

/// Collects rows of level warning or worse, oldest first, and answers what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    miner: Miner,
    /// Templates of earlier scans, with their numbers in the miner.
    known: Vec<(u32, KnownTemplate)>,
    /// Where the rows of a template, a source and a code are in `tallies`.
    index: HashMap<Key, usize>,
    tallies: Vec<Tally>,
    /// Rows that found no room, as one.
    overflow: Option<Tally>,
}

impl Analyzer {
    /// An analyzer that has seen no row, and the templates of earlier scans.
    pub(crate) fn new(known: Vec<KnownTemplate>) -> Self {
        let mut miner = Miner::new();
        let number = |known: KnownTemplate| (miner.know(&known.text, known.grown), known);
        let known = known.into_iter().map(number).collect();
        Self { miner, known, ..Self::default() }
    }

    /// Counts one row. Rows come oldest first and are of level warning or worse; the caller chooses them.
    pub(crate) fn push(&mut self, row: &LogRow) {
        let said = mine(&row.row.message);
        let id = self.miner.take(&said.template);
        let code = codes(&row.row.message).next();
        let key = (id, row.row.source.clone(), code.map(str::to_owned));
        if let Some(at) = self.index.get(&key) {
            self.tallies[*at].add(row, &said);
            return;
        }
        if self.tallies.len() >= MAX_TALLIES {
            self.fold();
            self.make_room();
        }
        let tally = Tally::new(row, &said, (id, code));
        self.index.insert(key, self.tallies.len());
        self.tallies.push(tally);
    }

    /// Puts together what has turned out to be one template.
    fn fold(&mut self) {
        self.miner.settle();
        let tallies = std::mem::take(&mut self.tallies);
        self.index.clear();
        for mut tally in tallies {
            tally.template = self.miner.id(tally.template);
            let key = tally.key();
            if let Some(at) = self.index.get(&key) {
                self.tallies[*at].join(tally);
            } else {
                self.index.insert(key, self.tallies.len());
                self.tallies.push(tally);
            }
        }
    }

    /// Leaves the lesser half to the rest.
    fn make_room(&mut self) {
        if self.tallies.len() <= MAX_TALLIES / 2 {
            return;
        }
        self.tallies.sort_by_key(Tally::order);
        for mut tally in self.tallies.split_off(MAX_TALLIES / 2) {
            if let Some(rest) = &mut self.overflow {
                rest.join(tally);
            } else {
                OVERFLOW.clone_into(&mut tally.masked);
                "several sources".clone_into(&mut tally.source);
                self.overflow = Some(tally);
            }
        }
        let keys = self.tallies.iter().map(Tally::key);
        self.index = keys.zip(0..).collect();
    }

    /// One finding per group: the gravest first, then the most frequent, then the oldest. Rows that found no group
    /// are counted in one more finding at the end.
    pub(crate) fn finish(mut self) -> Grouped {
        self.fold();
        let mut identities = Identities::new(&self.miner, self.known);
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        for tally in self.tallies {
            let text = self.miner.text(tally.template);
            let (text, grown) = text
                .map_or((tally.masked.clone(), false), |(text, grown)| (text.to_owned(), grown));
            // No text holds a line break, so that the two parts stay apart.
            let key = tally.code.clone().unwrap_or_else(|| format!("{text}\n{}", tally.source));
            let known = identities.of(tally.template, &tally.source);
            let shape = Shape { tally, text, grown, known, met: None };
            groups.entry(key).or_default().shapes.push(shape);
        }
        let mut groups: Vec<Group> = groups.into_values().collect();
        for group in &mut groups {
            group.shapes.sort_by_key(|shape| Reverse(shape.tally.count));
        }
        groups.sort_by_key(Group::order);
        let mut overflow = self.overflow;
        if groups.len() > MAX_GROUPS {
            for shape in groups.split_off(MAX_GROUPS).into_iter().flat_map(|group| group.shapes) {
                match &mut overflow {
                    Some(rest) => rest.join(shape.tally),
                    None => overflow = Some(shape.tally),
                }
            }
        }
        let mut templates = Vec::new();
        for shape in groups.iter_mut().flat_map(|group| group.shapes.iter_mut().take(MAX_SHAPES)) {
            let place = (shape.tally.template, shape.tally.source.clone());
            let met = *identities.met.entry(place).or_insert(templates.len());
            shape.met = Some(met);
            match templates.get_mut(met) {
                Some(seen) => shape.count(seen),
                None => templates.push(shape.template()),
            }
        }
        let rest = overflow.iter().map(rest);
        let findings = groups.iter().map(Group::finding).chain(rest).collect();
        identities.miner = self.miner;
        Grouped { findings, templates, identities }
    }
}

/// Rows that are about the same: those of one code, or of one template of one source. The most frequent shape comes first,
/// and there is at least one.
#[derive(Debug, Default)]
struct Group {
    shapes: Vec<Shape>,
}

/// Rows of a group that differ in values only.
#[derive(Debug)]
struct Shape {
    tally: Tally,
    /// The template.
    text: String,
    /// Whether it was made of several texts.
    grown: bool,
    /// What earlier scans know it as, the oldest first.
    known: Vec<KnownTemplate>,
    /// Where its template is among those of the window.
    met: Option<usize>,
}

impl Shape {
    /// Its template as it is now.
    fn template(&self) -> SeenTemplate {
        SeenTemplate {
            known: self.known.iter().map(|known| known.id).collect(),
            source: self.tally.source.clone(),
            text: self.text.clone(),
            grown: self.grown,
            hours: self.tally.hours.clone(),
        }
    }

    /// Counts its rows for its template, which another shape has too: their codes differ further on.
    fn count(&self, seen: &mut SeenTemplate) {
        for (hour, rows) in &self.tally.hours {
            *seen.hours.entry(*hour).or_default() += rows;
        }
    }
}

impl Group {
    fn count(&self) -> u64 {
        self.shapes.iter().map(|shape| shape.tally.count).sum()
    }

    fn order(&self) -> (Reverse<Level>, Reverse<u64>, i64) {
        let worst = self.shapes.iter().map(|shape| shape.tally.worst).max();
        let first = self.shapes.iter().map(|shape| shape.tally.evidence[0]).min();
        (Reverse(worst.unwrap_or(Level::Warning)), Reverse(self.count()), first.unwrap_or(0))
    }

    /// All of its rows as one.
    fn whole(&self) -> Tally {
        let mut whole = self.shapes[0].tally.clone();
        for shape in &self.shapes[1..] {
            whole.join(shape.tally.clone());
        }
        whole
    }

    fn finding(&self) -> Finding {
        let verdict = self.verdict();
        let (said, whole) = (&self.shapes[0], self.whole());
        let origins = said.known.iter().map(|known| known.origin.clone());
        let mut names: Vec<String> = origins.chain([said.text.clone()]).collect();
        let template = names.remove(0);
        let ways = said.tally.ways.iter().map(|(way, _)| way);
        names.extend(ways.filter(|way| tells(way)).cloned());
        names.retain(|name| *name != template);
        names.truncate(MAX_KNOWN_AS);
        Finding {
            classification: verdict.classification,
            title: report::title(said),
            body: report::body(self, &whole, verdict.cause),
            error_codes: said.tally.code.iter().cloned().collect(),
            source: said.tally.source.clone(),
            template,
            known_as: names,
            occurrences: whole.count,
            evidence: whole.evidence,
            last_seen: whole.last_seen,
            // The words come from the log, and their fingerprint says more than the name of a file.
            source_files: Vec::new(),
            duplicate_of: None,
            templates: self.templates(),
        }
    }

    fn templates(&self) -> FindingTemplates {
        let mut templates = FindingTemplates::default();
        for shape in &self.shapes {
            let (met, hours) = (shape.met.into_iter().collect(), shape.tally.hours.clone());
            templates.join(&FindingTemplates { met, hours, ..FindingTemplates::default() });
        }
        templates.known = self.shapes[0].known.iter().map(|known| known.id).collect();
        templates
    }

    /// The class of most rows. Rows that no rule recognises count only if there are no others.
    fn verdict(&self) -> Verdict {
        let mut votes: Vec<(Verdict, u64)> = Vec::new();
        for Shape { tally, .. } in self.shapes.iter().take(MAX_SHAPES) {
            let Some(verdict) = classify(&mine(&tally.sample).template, &tally.sample) else {
                continue;
            };
            match votes.iter_mut().find(|(known, _)| known.classification == verdict.classification)
            {
                Some((_, voices)) => *voices += tally.count,
                None => votes.push((verdict, tally.count)),
            }
        }
        votes.sort_by_key(|(_, voices)| Reverse(*voices));
        votes.first().map_or(rules::DEFAULT, |(verdict, _)| *verdict)
    }
}

/// Whether a mask says enough to know a problem by: `<*> failed` is said of anything.
fn tells(way: &str) -> bool {
    let says = |word: &&str| {
        !word.contains(MASK) && word.chars().filter(|c| c.is_alphabetic()).count() > 1
    };
    way.split(' ').filter(says).count() >= 2
}

/// The finding that stands for the rows without a group; it claims no code and no rule.
fn rest(rows: &Tally) -> Finding {
    let cause = "One fault may speak in many ways, or the messages hold values that were not recognised as such.";
    let tally = Tally { code: None, source: "several sources".to_owned(), ..rows.clone() };
    let (text, known) = (OVERFLOW.to_owned(), Vec::new());
    let group = Group { shapes: vec![Shape { tally, text, grown: false, known, met: None }] };
    Finding {
        classification: Classification::ServerBug,
        title: format!("Over {MAX_GROUPS} different problems at once; the rest is only counted"),
        body: report::body(&group, rows, cause),
        error_codes: Vec::new(),
        known_as: Vec::new(),
        ..group.finding()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{NewLogRow, Timestamp};
    use crate::monitor::triage::MAX_TITLE;

    fn row(id: i64, level: Level, message: &str) -> LogRow {
        let at = format!("2026-11-21T05:00:{:02}.000Z", id % 60);
        LogRow { id, row: NewLogRow::new(at, level, "shop.cart", message) }
    }

    fn findings(messages: &[&str]) -> Vec<Finding> {
        let mut analyzer = Analyzer::new(Vec::new());
        for (id, message) in (1..).zip(messages) {
            analyzer.push(&row(id, Level::Error, message));
        }
        analyzer.finish().findings
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
        let mut analyzer = Analyzer::new(Vec::new());
        analyzer.push(&row(1, Level::Error, "no room"));
        let mut other = row(2, Level::Error, "no room");
        other.row.source = "shop.mail".into();
        analyzer.push(&other);
        assert_eq!(analyzer.finish().findings.len(), 2);
    }

    #[test]
    fn the_gravest_comes_first_then_the_most_frequent_then_the_oldest() {
        let mut analyzer = Analyzer::new(Vec::new());
        let levels = [Level::Warning, Level::Error, Level::Error, Level::Error, Level::Critical];
        for (id, (level, word)) in (1..).zip(levels.into_iter().zip(["w", "b", "a", "a", "c"])) {
            analyzer.push(&row(id, level, word));
        }
        analyzer.push(&row(6, Level::Error, "d"));
        let order: Vec<_> = analyzer.finish().findings.into_iter().map(|f| f.template).collect();
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
        let mut analyzer = Analyzer::new(Vec::new());
        let name = |n: i64| n.to_string().bytes().map(|b| char::from(b + 50)).collect::<String>();
        for id in 1..=MAX_GROUPS as i64 + 7 {
            analyzer.push(&row(id, Level::Critical, &name(id)));
        }
        let all = analyzer.finish().findings;
        assert_eq!(all.len(), MAX_GROUPS + 1);
        let rest = &all[MAX_GROUPS];
        assert_eq!((rest.occurrences, rest.template.as_str()), (7, OVERFLOW));
        assert!(rest.title.chars().count() <= MAX_TITLE);
    }

    #[test]
    fn names_make_one_finding_and_what_happened_makes_two() {
        let lines: Vec<String> = ["mail", "cache", "ldap", "vault", "wiki", "chat"]
            .iter()
            .flat_map(|host| {
                [1, 137].map(|code| format!("server of {host} exited with code {code}"))
            })
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let all = findings(&lines);
        let seen: Vec<_> = all.iter().map(|f| (f.occurrences, f.title.as_str())).collect();
        let expected = [
            (6, "server of ‹mail› exited with code 1"),
            (6, "server of ‹mail› exited with code 137"),
        ];
        assert_eq!(seen, expected);
        assert!(all[0].known_as.contains(&"server of cache exited with code <*>".to_owned()));
    }

    #[test]
    fn a_template_of_earlier_scans_keeps_what_it_was_known_by() {
        let known = |id, origin: &str, text: &str| KnownTemplate {
            id,
            source: "shop.cart".into(),
            origin: origin.into(),
            text: text.into(),
            grown: text.contains("<*>"),
            first_seen: Timestamp::default(),
        };
        let scan = |known: Vec<KnownTemplate>, messages: &[&str]| {
            let mut analyzer = Analyzer::new(known);
            for (id, message) in (1..).zip(messages) {
                analyzer.push(&row(id, Level::Error, message));
            }
            analyzer.finish()
        };
        // One name, as it was first; then another that makes it a place for names.
        let first = vec![known(4, "no user ann here", "no user ann here")];
        let grouped = scan(first, &["no user bob here"]);
        assert_eq!(grouped.findings.len(), 1);
        assert_eq!(grouped.findings[0].template, "no user ann here");
        assert_eq!(grouped.templates[0].known, [4]);
        assert_eq!(grouped.templates[0].text, "no user <*> here");
        assert!(grouped.templates[0].grown);
        // Two that turned out to be one: the older one counts, and both are told.
        let two = vec![
            known(4, "no user ann here", "no user <*> here"),
            known(9, "no user bob here", "no user <*> here"),
        ];
        let grouped = scan(two, &["no user cy here", "no user Dee Lee here"]);
        assert_eq!(grouped.findings.len(), 1, "{:?}", grouped.findings);
        assert_eq!(grouped.findings[0].template, "no user ann here");
        assert!(grouped.findings[0].known_as.contains(&"no user bob here".to_owned()));
        assert_eq!(grouped.templates[0].known, [4, 9]);
        assert_eq!(grouped.templates[0].hours.values().sum::<u64>(), 2);
    }

    #[test]
    fn what_an_agent_finds_is_known_by_the_template_of_its_rows() {
        let mut analyzer = Analyzer::new(Vec::new());
        for (id, name) in (1..).zip(["ann", "bob", "cy", "dee"]) {
            analyzer.push(&row(id, Level::Error, &format!("no user {name} here")));
        }
        let grouped = analyzer.finish();
        let mut finding = only("no user bob here");
        grouped.identify(&mut finding, &[row(2, Level::Error, "no user bob here").row]);
        assert_eq!(finding.template, "no user <*> here");
        assert!(finding.known_as.contains(&"no user bob here".to_owned()));
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
            "order 7 of 'ann' failed"
        );
        assert_eq!(only("SHOP-PAY-014: order lost").title, "order lost");
        assert_eq!(only("ERROR [SHOP-PAY-014] order lost").title, "order lost");
        assert_eq!(only("lost after SHOP-PAY-014").title, "lost after SHOP-PAY-014");
        assert_eq!(only("[SHOP-PAY-014]").title, "A message without words");
        let long = only(&"größer ".repeat(40)).title;
        assert!(long.chars().count() <= MAX_TITLE && long.ends_with('…'));
    }

    #[test]
    fn a_title_is_an_example_in_which_what_differs_is_marked() {
        let title = |messages: &[&str]| findings(messages).remove(0).title;
        assert_eq!(
            title(&["no option 'a' in line 3", "no option 'a' in line 9"]),
            "no option 'a' in line ‹3›"
        );
        assert_eq!(title(&["no option 'a'", "no option 'b'"]), "no option ‹'a'›");
        assert_eq!(title(&["port 80 is taken"; 3]), "port 80 is taken");
        assert_eq!(title(&["/srv/a.py:3: gone", "/srv/b.py:4: gone"]), "gone");
        assert_eq!(
            title(&["Invalid user ann from 10.0.0.1", "Invalid user bob from 10.0.0.2"]),
            "Invalid user ‹ann› from ‹10.0.0.1›"
        );
        assert_eq!(title(&["[error] shop: cart is locked"]), "shop: cart is locked");
        assert_eq!(title(&["ERROR cart is locked user=ann"]), "cart is locked user=ann");
        assert_eq!(title(&["error in the cart"]), "error in the cart");
        assert_eq!(title(&["lost <*> of 'a' and 7"]), "lost <*> of <*> and <*>");
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
        assert_eq!(all[0].title, "invalid token of client ‹7›");
        assert_eq!(all[0].classification, Classification::ClientMisuse);
        assert_eq!(all[0].error_codes, ["SHOP-API-021"]);
        assert!(
            all[0]
                .body
                .contains("The same code also came as:\n\n- `shop.cart`: `[SHOP-API-021] upstream")
        );
    }

    #[test]
    fn codes_further_on_in_equal_messages_are_problems_of_their_own() {
        let all = findings(&["cart is lost\nSHOP-PAY-001", "cart is lost\nSHOP-PAY-002"]);
        let codes: Vec<_> = all.iter().flat_map(|finding| &finding.error_codes).collect();
        assert_eq!(codes, ["SHOP-PAY-001", "SHOP-PAY-002"]);
    }

    #[test]
    fn what_is_said_of_anything_is_no_way_to_know_a_problem() {
        let all = findings(&["7 failed", "8 failed"]);
        assert_eq!((all.len(), all[0].known_as.len()), (1, 0), "{:?}", all[0].known_as);
    }

    #[test]
    fn the_body_cites_and_nothing_in_it_breaks_out() {
        let mut hostile =
            row(3, Level::Error, "bad\n````\n# @all\n  at src/cart.rs:42:7 (Cart.java:9)");
        hostile.row.request_path = Some("/cart`x`?secret=1".into());
        let mut analyzer = Analyzer::new(Vec::new());
        analyzer.push(&hostile);
        let body = analyzer.finish().findings.remove(0).body;
        assert_eq!(body.matches("\n`````").count(), 2);
        assert!(body.contains("Request paths: `/cart x`\n") && !body.contains("secret"));
        assert!(body.contains("Source files: `src/cart.rs:42`, `Cart.java:9`\n"));
        assert!(body.contains("at worst as ERROR, once: row 3 at `2026-"));
        assert!(body.contains("Log rows: 3\n\n## Likely cause\n\n"));
        let python = only("e\nTraceback (most recent call last):\n  File \"a/x.py\", line 3, in f");
        assert!(python.body.contains("Source files: `a/x.py:3`"));
    }
}

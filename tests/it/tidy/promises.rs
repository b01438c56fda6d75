//! Every cited promise (P…) and requirement (S…) is defined, and every promise has a test that bears it.
//!
//! docs/promises.md and docs/security.md define a number by a line that begins with it in bold. A test bears a promise
//! that is named in its doc comment, its name or its text.

use super::source::{Tree, files, root, tree};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Where numbers are cited.
const CITING: &[(&str, &str)] = &[
    ("src", ".rs"),
    ("tests", ".rs"),
    ("examples", ".rs"),
    ("benches", ".rs"),
    ("docs", ".md"),
    ("migrations", ".sql"),
];
const AT_THE_TOP: &[&str] = &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];

/// The numbers that a text cites, as `P7` or, in a name, `p7_`.
fn cited(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = BTreeSet::new();
    for part in text.split(|c| !word(c)) {
        let names = part.split('_').filter(|name| name.starts_with('p'));
        found.extend(names.filter(|_| part.contains('_')).filter_map(|name| number(name, 'p')));
        found.extend(number(part, 'P').or_else(|| number(part, 'S')));
    }
    found
}

/// `P7` of `P7` and `p7`; the highest promise and the highest requirement have two digits.
fn number(word: &str, letter: char) -> Option<String> {
    let digits = word.strip_prefix(letter)?;
    let fits = (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| format!("{}{digits}", letter.to_ascii_uppercase()))
}

/// The numbers that a document defines, each with its line.
fn defined(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| {
        let (number_, rest) = line.trim_start_matches("- ").strip_prefix("**")?.split_once("**")?;
        let defined = number(number_, 'P').or_else(|| number(number_, 'S'))?;
        Some((defined, rest.trim().to_owned()))
    });
    lines.collect()
}

/// Numbers that are cited and defined nowhere, with the file.
fn undefined(tree: &Tree, defined: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in tree {
        let unknown = cited(text).into_iter().filter(|number| !defined.contains_key(number));
        found.extend(unknown.map(|number| format!("{name}: {number}")));
    }
    found
}

/// The tests of a file: doc comment, name and body of each function that is marked as one.
fn tests(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let marked = line.trim_start();
        if !(marked.starts_with("#[test]") || marked.starts_with("#[tokio::test")) {
            continue;
        }
        let above = lines[..at].iter().rev().take_while(|line| line.trim_start().starts_with("//"));
        let indent = line.len() - marked.len();
        let end = format!("{}}}", " ".repeat(indent));
        let below = lines[at..].iter().take_while(|line| **line != end);
        found.push(above.chain(below).copied().collect::<Vec<_>>().join("\n"));
    }
    found
}

/// The defined promises that no test bears.
fn unborne(tree: &Tree, defined: &BTreeMap<String, String>) -> Vec<String> {
    let borne: BTreeSet<String> =
        tree.iter().flat_map(|(_, text)| tests(text)).flat_map(|test| cited(&test)).collect();
    defined
        .keys()
        .filter(|number| number.starts_with('P') && !borne.contains(*number))
        .cloned()
        .collect()
}

fn documents() -> BTreeMap<String, String> {
    let read = |name: &str| fs::read_to_string(root().join("docs").join(name)).unwrap_or_default();
    let mut all = defined(&read("promises.md"));
    all.extend(defined(&read("security.md")));
    all
}

#[test]
fn every_cited_number_is_defined() {
    let mut tree: Tree = CITING.iter().flat_map(|(folder, ending)| files(folder, ending)).collect();
    let top = AT_THE_TOP
        .iter()
        .map(|name| ((*name).to_owned(), fs::read_to_string(root().join(name)).unwrap()));
    tree.extend(top);
    // The planted numbers of this file are no citations.
    tree.retain(|(name, _)| name != "tests/it/tidy/promises.rs");
    let found = undefined(&tree, &documents());
    assert!(found.is_empty(), "{found:#?}");
    for (number, line) in documents() {
        assert!(line.ends_with('.'), "{number} is defined by no sentence: {line}");
    }
}

#[test]
fn every_promise_has_a_test_that_bears_it() {
    let tree: Tree = [files("src", ".rs"), files("tests", ".rs")].concat();
    let tree: Tree = tree.into_iter().filter(|(name, _)| !name.contains("/tidy/")).collect();
    let found = unborne(&tree, &documents());
    assert!(found.is_empty(), "no test bears {found:?}");
}

#[test]
fn a_planted_undefined_number_and_a_promise_without_a_test_are_seen() {
    let known =
        defined("# Promises\n\n**P1** It is kept.\n- **P2** It is told.\nP3 is no definition.\n");
    assert_eq!(known.keys().collect::<Vec<_>>(), ["P1", "P2"]);
    let planted = tree(&[(
        "src/store.rs",
        "/// Kept (P1), and (P3).\nfn p99_of() {}\n// S41, P100, XP1, p2 and 0xP4\n\
        #[cfg(test)]\nmod tests {\n    /// Told (P2).\n    #[test]\n    fn told() {\n    }\n}\n",
    )]);
    assert_eq!(
        undefined(&planted, &known),
        ["src/store.rs: P3", "src/store.rs: P99", "src/store.rs: S41"]
    );
    assert_eq!(unborne(&planted, &known), ["P1"]);
    let named = tree(&[("tests/it/a.rs", "#[tokio::test]\nasync fn p1_is_kept() {\n}\n")]);
    assert_eq!(unborne(&named, &known), ["P2"]);
}

//! Every requirement for security (S1 to S40) says by which file it is met and by which file with tests it is tested, or that
//! it is open.

use super::source::root;
use std::fs;
use std::path::Path;

/// The last of the requirements.
const LAST: u32 = 40;

/// What the table lacks, and files that it names and nobody has.
fn wrong(
    text: &str,
    has_tests: impl Fn(&str) -> bool,
    is_file: impl Fn(&str) -> bool,
) -> Vec<String> {
    let row = |number: u32| {
        let begin = format!("**S{number}** ");
        text.lines().find_map(|line| line.strip_prefix(&begin))
    };
    let mut found = Vec::new();
    for number in 1..=LAST {
        let Some(row) = row(number) else {
            found.push(format!("S{number} is missing"));
            continue;
        };
        let Some((_, proof)) = row.split_once("*Met by* ") else {
            if !row.contains("*Open:* ") {
                found.push(format!("S{number} names nothing that meets it"));
            }
            continue;
        };
        let (proof, _) = proof.split_once("*Open:* ").unwrap_or((proof, ""));
        let Some((met, tested)) = proof.split_once("*tested by* ") else {
            found.push(format!("S{number} names no test"));
            continue;
        };
        let unknown = named(met).filter(|name| !is_file(name));
        found.extend(unknown.map(|name| format!("S{number}: there is no {name}")));
        let untested = named(tested).filter(|name| !has_tests(name));
        found.extend(untested.map(|name| format!("S{number}: {name} has no tests")));
    }
    found
}

/// The files that a text names.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2).filter(|name| name.contains('.'))
}

#[test]
fn each_requirement_names_the_files_that_meet_and_test_it() {
    let text = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let at = |folder: &str, name: &str| root().join(folder).join(name);
    let is_file = |name: &str| at("src", name).is_file() || at("", name).is_file();
    let tests = |path: &Path| {
        fs::read_to_string(path)
            .is_ok_and(|text| text.contains("test]") || text.contains("::test("))
    };
    let has_tests = |name: &str| tests(&at("tests/it", name)) || tests(&at("src", name));
    let found = wrong(&text, has_tests, is_file);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_row_without_a_test_and_one_with_a_file_that_is_gone_are_seen() {
    let good = "**S1** A. *Met by* `a.rs`; *tested by* `b.rs`.\n**S2** *Open:* later.\n";
    let text = format!("{good}**S3** B. *Met by* `gone.rs`; *tested by* `a.rs`.\n**S4** C.\n");
    let found = wrong(&text, |name| name == "b.rs", |name| name != "gone.rs");
    assert_eq!(
        found[..3],
        ["S3: there is no gone.rs", "S3: a.rs has no tests", "S4 names nothing that meets it"]
    );
    assert_eq!(found.len(), 3 + (LAST - 4) as usize, "those that are missing");
}

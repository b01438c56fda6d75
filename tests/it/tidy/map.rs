//! docs/code-map.md is a table of all source files, made of their first lines.
//!
//! `LAMPLIGHTER_BLESS=1 cargo test --test it tidy::map` writes it anew.

use super::layers::{layer, module};
use super::source::{Tree, files, root, tree, without_tests};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

const MAP: &str = "docs/code-map.md";
const HEAD: &str = "\
# The code, file by file

This table is made of the first line of each source file. ARCHITECTURE.md says what the modules promise each other.
After a change: `LAMPLIGHTER_BLESS=1 cargo test --test it tidy::map`.
";

/// The table, by layers from the highest down, and the first lines that cannot stand in it.
fn map(tree: &Tree) -> (String, Vec<String>) {
    let mut wrong = Vec::new();
    let mut modules: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for (name, text) in without_tests(tree) {
        let line = text.lines().next().unwrap_or_default();
        let said = line.strip_prefix("//! ").unwrap_or_default();
        if !is_sentence(said) {
            wrong.push(format!("{name}: the first line is no sentence: {line}"));
        }
        let module = module(&name);
        let depth = layer(&module).map_or(0, |layer| usize::MAX - layer);
        let row = format!("| `{name}` | {} |", said.replace('|', "\\|"));
        modules.entry((depth, module)).or_default().push(row);
    }
    let own = |module: &str| format!("`src/{module}.rs`");
    let mut out = HEAD.to_owned();
    for ((_, module), mut rows) in modules {
        // The module's own file before those of its folder.
        rows.sort_by_key(|row| (!row.contains(&own(&module)), row.clone()));
        let rows = rows.join("\n");
        write!(out, "\n## {module}\n\n| file | what it is |\n|---|---|\n{rows}\n").unwrap();
    }
    (out, wrong)
}

/// Whether a line is whole: it begins as a sentence does, and ends with a full stop.
fn is_sentence(line: &str) -> bool {
    line.starts_with(|c: char| c.is_uppercase() || c == '`' || c.is_ascii_digit())
        && line.ends_with('.')
        && !line.ends_with("..")
}

#[test]
fn the_code_map_is_what_the_files_say() {
    let (made, wrong) = map(&files("src", ".rs"));
    assert!(wrong.is_empty(), "{wrong:#?}");
    let path = root().join(MAP);
    if std::env::var_os("LAMPLIGHTER_BLESS").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    let differs = made.lines().zip(stored.lines()).find(|(made, stored)| made != stored);
    assert!(made == stored, "{MAP} is stale ({differs:?}): run the test with LAMPLIGHTER_BLESS=1");
}

#[test]
fn a_planted_first_line_that_is_no_sentence_is_seen() {
    let planted = tree(&[
        ("src/model/job.rs", "//! A job: one stored unit\n//! of work.\n"),
        ("src/model.rs", "//! Nouns.\n#[cfg(test)]\nmod play;\n"),
        ("src/model/play.rs", "//! what only tests have\n"),
    ]);
    let (made, wrong) = map(&planted);
    assert_eq!(
        wrong,
        ["src/model/job.rs: the first line is no sentence: //! A job: one stored unit"]
    );
    assert!(
        made.ends_with(
            "| `src/model.rs` | Nouns. |\n| `src/model/job.rs` | A job: one stored unit |\n"
        ),
        "{made}"
    );
}

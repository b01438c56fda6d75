//! Words that belong to one part of the tree, and how much one file may hold.

use super::source::{Tree, code, files, tree};

/// Words that may stand only in files under these paths.
const WALLS: &[(&[&str], &str)] = &[
    (&["rusqlite", "r2d2"], "src/store/sqlite src/store/sql"),
    (&["axum::", "maud::"], "src/web"),
    (&["Level::WARN", "Level::ERROR"], "src/error/coded.rs src/logs/layer.rs"),
];

/// Code lines of one file, its tests and comments not counted; more hides a second concept.
const MAX_CODE_LINES: usize = 400;

/// Words outside their walls.
fn breaches(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (words, allowed) in WALLS {
        for (name, text) in tree {
            if allowed.split(' ').any(|path| name.starts_with(path)) {
                continue;
            }
            for (number, line) in code(text).lines().enumerate() {
                let bare = line.trim_start().starts_with("//");
                if let Some(word) = words.iter().find(|word| !bare && line.contains(**word)) {
                    let number = number + 1;
                    found.push(format!("{name}:{number}: {word} belongs under {allowed}"));
                }
            }
        }
    }
    found
}

/// Files that are too long, or do not say what they are.
fn too_much(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in tree {
        let lines = code(text).lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count();
        if lines > MAX_CODE_LINES {
            found.push(format!("{name} has {lines} lines of code"));
        }
        if !text.starts_with("//! ") {
            found.push(format!("{name} does not say what it is"));
        }
    }
    found
}

#[test]
fn the_walls_hold() {
    let found = breaches(&files("src", ".rs"));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_planted_word_outside_its_wall_is_seen() {
    let planted = tree(&[
        ("src/web/page.rs", "use axum::Router;\n"),
        ("src/store/jobs.rs", "//! Jobs.\n// rusqlite here\nuse rusqlite::Connection;\n"),
    ]);
    assert_eq!(
        breaches(&planted),
        ["src/store/jobs.rs:3: rusqlite belongs under src/store/sqlite src/store/sql"]
    );
}

#[test]
fn a_file_holds_one_concept() {
    let found = too_much(&files("src", ".rs"));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_planted_file_that_is_too_long_is_seen() {
    let long = "let x = 1;\n".repeat(MAX_CODE_LINES + 1);
    let found = too_much(&tree(&[("src/a.rs", &long)]));
    assert_eq!(found, ["src/a.rs has 401 lines of code", "src/a.rs does not say what it is"]);
}

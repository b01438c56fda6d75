//! Words that belong to one part of the tree, and how much one file may hold.

use super::source::{Tree, code, files, tree, without_tests};

/// Words that may stand only in files under these paths.
const WALLS: &[(&[&str], &str)] = &[
    (&["rusqlite", "r2d2"], "src/store/sqlite src/store/sql src/store/transactional.rs"),
    (&["axum::", "maud::"], "src/web"),
    (&["Level::WARN", "Level::ERROR"], "src/error/coded.rs src/logs/layer.rs"),
];

/// Words of one database that the other does not take, where there is a form that both take.
const DIALECT: [&str; 6] =
    ["iif(", "OR IGNORE", "OR REPLACE", "last_insert_rowid", "GLOB", "WHERE rowid"];

/// The files of statements that may know SQLite: the verbs over sets and the enqueue, and what always is a file of SQLite.
const OF_SQLITE: &str = "src/store/sql/moves.rs src/store/sql/line.rs src/store/sql/gates.rs src/store/sql/jobs.rs \
    src/store/sql/logs.rs src/store/sql/snapshot.rs";

/// The one file that writes the status of a job.
const MOVES: &str = "src/store/sql/moves.rs";

/// Statements of SQLite where both databases are to be served, and writers of a status beside the one.
fn dialect(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    let tree = without_tests(tree);
    for (name, text) in tree.iter().filter(|(name, _)| name.starts_with("src/store/sql/")) {
        let text = code(text);
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let lines = text.lines().filter(is_code).collect::<Vec<_>>().join("\n");
        if !OF_SQLITE.split(' ').any(|path| name == path) {
            let words = DIALECT.iter().filter(|word| lines.contains(**word));
            found.extend(words.map(|word| format!("{name}: {word} is no SQL of PostgreSQL")));
        }
        if name != MOVES {
            let updates = lines.split("UPDATE jobs").skip(1);
            let set = updates.filter_map(|after| after.split("WHERE").next());
            let writes = |set: &str| {
                set.split([',', '\n'])
                    .any(|part| part.trim().trim_start_matches("SET ").starts_with("status ="))
            };
            found.extend(set.filter(|set| writes(set)).map(|_| format!("{name} writes a status")));
        }
    }
    found
}

/// Rules that know a database.
fn knowing(tree: &Tree) -> Vec<String> {
    let rules = tree.iter().filter(|(name, _)| name.starts_with("src/store/core"));
    let words = ["SELECT ", "UPDATE ", "INSERT ", "DELETE ", "prepare"];
    let mut found = Vec::new();
    for (name, text) in rules {
        for (number, line) in code(text).lines().enumerate() {
            let bare = line.trim_start().starts_with("//");
            if !bare && let Some(word) = words.iter().find(|word| line.contains(**word)) {
                found.push(format!("{name}:{}: {word}is a statement", number + 1));
            }
        }
    }
    found
}

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
        [
            "src/store/jobs.rs:3: rusqlite belongs under src/store/sqlite src/store/sql src/store/transactional.rs"
        ]
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

#[test]
fn statements_are_of_both_databases_and_one_file_writes_the_status_of_a_job() {
    let found = dialect(&files("src", ".rs"));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_planted_statement_of_sqlite_and_a_planted_writer_of_a_status_are_seen() {
    let planted = tree(&[
        ("src/store/sql/a.rs", "//! A.\nconst SQL: &str = \"SELECT iif(x, 1, 2)\";\n"),
        (
            "src/store/sql/b.rs",
            "//! B.\nconst SQL: &str = \"UPDATE jobs SET run_at = 1, status = 'x' WHERE id = 1\";\n",
        ),
        (
            "src/store/sql/c.rs",
            "//! C.\nconst SQL: &str = \"UPDATE jobs SET run_at = 1 WHERE status = 'x'\";\n",
        ),
        ("src/store/sql/moves.rs", "//! M.\nconst SQL: &str = \"UPDATE jobs SET status = 'x'\";\n"),
    ]);
    assert_eq!(
        dialect(&planted),
        ["src/store/sql/a.rs: iif( is no SQL of PostgreSQL", "src/store/sql/b.rs writes a status"]
    );
}

#[test]
fn rules_name_no_statement() {
    let found = knowing(&files("src", ".rs"));
    assert!(found.is_empty(), "{found:#?}");
    let planted =
        tree(&[("src/store/core/a.rs", "//! A.\nconst X: &str = \"DELETE FROM jobs\";\n")]);
    assert_eq!(knowing(&planted), ["src/store/core/a.rs:2: DELETE is a statement"]);
}

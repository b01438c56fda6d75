//! Words that belong to one part of the tree, and how much one file may hold.

use super::source::{Tree, code, files, tree, without_tests};

/// Words that may stand only in files under these paths.
const WALLS: &[(&[&str], &str)] = &[
    (&["rusqlite", "r2d2"], "src/store/sqlite src/store/sql src/store/transactional.rs"),
    (&["axum::", "maud::"], "src/web"),
    (&["Level::WARN", "Level::ERROR"], "src/error/coded.rs src/logs/layer.rs"),
];

/// Words of SQLite alone.
const DIALECT: [&str; 19] = [
    "json_each(",
    "json_type(",
    "json_group_array(",
    "->>",
    "INDEXED",
    "instr(",
    "iif(",
    "ifnull(",
    "OR IGNORE",
    "OR REPLACE",
    "last_insert_rowid",
    "rowid",
    "GLOB",
    "COLLATE NOCASE",
    "pragma",
    "julianday(",
    "strftime(",
    "unixepoch(",
    "group_concat(",
];

/// The files of statements that speak SQLite, each with the reason. Everything else of the store is SQL that any database takes,
/// asks `store/sqlite` for a word of its own, or has no SQL.
const OF_SQLITE: [(&str, &str); 9] = [
    ("src/store/sql/after.rs", "what jobs run after, told by a poll over sets"),
    ("src/store/sql/history.rs", "the steps of a poll, in one statement"),
    ("src/store/sql/line.rs", "admission and the claim order, over sets"),
    ("src/store/sql/moves.rs", "moves, starts and ends, over sets"),
    ("src/store/sql/logs.rs", "a log database is a file of SQLite"),
    ("src/store/sql/references.rs", "foreign keys of an application, by the catalogue of SQLite"),
    ("src/store/sql/snapshot.rs", "the copy for an agent is a file of SQLite"),
    ("src/store/sql/unblock.rs", "what a poll calls up, over sets"),
    ("src/store/sql/why.rs", "every gate of many jobs, over sets"),
];

/// The one file that writes the status of a job.
const MOVES: &str = "src/store/sql/moves.rs";

/// The lines of code in a file that speak SQLite.
fn of_sqlite(text: &str) -> Vec<&str> {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let is_sqlite = |line: &&str| DIALECT.iter().any(|word| line.contains(word));
    code(text).lines().filter(is_code).filter(is_sqlite).collect()
}

/// Statements of SQLite where both databases are to be served, and files that are excused without need.
fn dialect(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    let of_store =
        |name: &str| name.starts_with("src/store/") && !name.starts_with("src/store/sqlite/");
    for (name, text) in without_tests(tree).iter().filter(|(name, _)| of_store(name)) {
        let lines = of_sqlite(text);
        let is_excused = OF_SQLITE.iter().any(|(path, _)| name == path);
        match (lines.first(), is_excused) {
            (Some(line), false) => {
                found.push(format!("{name}: {} is no SQL of PostgreSQL", line.trim()));
            }
            (None, true) => found.push(format!("{name} speaks no SQLite any more: take it out")),
            (Some(_), true) | (None, false) => {}
        }
    }
    found
}

/// Writers of a status beside the one.
fn status_writers(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in
        without_tests(tree).iter().filter(|(name, _)| name.starts_with("src/store/sql/"))
    {
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let lines = code(text).lines().filter(is_code).collect::<Vec<_>>().join("\n");
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

/// `cargo test --test it -- --nocapture what_knows_sqlite` prints how much of the store that is.
#[test]
fn what_knows_sqlite_is_the_machinery_and_the_statements_of_the_poll() {
    let tree = files("src/store", ".rs");
    let found = dialect(&tree);
    assert!(found.is_empty(), "{found:#?}");
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    let lines = |text: &str| code(text).lines().filter(is_code).count();
    let of = |belongs: &dyn Fn(&str) -> bool| -> usize {
        let tree = without_tests(&tree);
        tree.iter().filter(|(name, _)| belongs(name)).map(|(_, text)| lines(text)).sum()
    };
    let machinery = of(&|name| name.starts_with("src/store/sqlite"));
    println!("{machinery} of {} lines of the store are in store/sqlite", of(&|_| true));
    for (name, text) in
        without_tests(&tree).iter().filter(|(name, _)| !name.starts_with("src/store/sqlite/"))
    {
        let of_file = of_sqlite(text).len();
        if of_file > 0 {
            println!("{name}: {of_file} of {} lines", lines(text));
        }
    }
}

#[test]
fn one_file_writes_the_status_of_a_job() {
    let found = status_writers(&files("src", ".rs"));
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
            "//! C.\nfn f() -> u8 {}\nconst SQL: &str = \"UPDATE jobs SET run_at = 1 WHERE status = 'x'\";\n",
        ),
        ("src/store/sql/moves.rs", "//! M.\nconst SQL: &str = \"UPDATE jobs SET status = 'x'\";\n"),
    ]);
    assert_eq!(
        dialect(&planted),
        [
            "src/store/sql/a.rs: const SQL: &str = \"SELECT iif(x, 1, 2)\"; is no SQL of PostgreSQL",
            "src/store/sql/moves.rs speaks no SQLite any more: take it out",
        ]
    );
    assert_eq!(status_writers(&planted), ["src/store/sql/b.rs writes a status"]);
}

#[test]
fn rules_name_no_statement() {
    let found = knowing(&files("src", ".rs"));
    assert!(found.is_empty(), "{found:#?}");
    let planted =
        tree(&[("src/store/core/a.rs", "//! A.\nconst X: &str = \"DELETE FROM jobs\";\n")]);
    assert_eq!(knowing(&planted), ["src/store/core/a.rs:2: DELETE is a statement"]);
}

/// Methods of the store that come with a feature, each with the feature, by the files that a feature brings.
fn behind_features(tree: &Tree) -> Vec<(String, String)> {
    let text = |name: &str| tree.iter().find(|(other, _)| other == name).map(|(_, text)| text);
    let store = text("src/store.rs").unwrap();
    let mut found = Vec::new();
    for after in store.split("#[cfg(feature = \"").skip(1) {
        let Some((feature, rest)) = after.split_once("\")]\nmod ") else { continue };
        let Some((module, _)) = rest.split_once(';') else { continue };
        let Some(file) = text(&format!("src/store/{module}.rs")) else { continue };
        for part in
            code(file).split("\nimpl ").skip(1).filter_map(|part| part.strip_prefix("Store {"))
        {
            let names =
                part.split("    pub async fn ").skip(1).filter_map(|rest| rest.split('(').next());
            found.extend(names.map(|name| (feature.to_owned(), bare_name(name))));
        }
    }
    found
}

fn bare_name(name: &str) -> String {
    name.split('<').next().unwrap_or_default().to_owned()
}

#[test]
fn every_method_behind_a_feature_is_shown_to_be_absent_without_it() {
    let tree = files("src", ".rs");
    let (_, list) = tree.iter().find(|(name, _)| name == "src/store/features.rs").unwrap();
    let listed = |feature: &str, method: &str| {
        let lists = list.split("comes_with!(\"").skip(1).filter_map(|part| part.split_once("\":"));
        let mut own = lists.filter(|(of, _)| *of == feature);
        own.any(|(_, methods)| {
            let methods = methods.split(");").next().unwrap_or_default();
            methods.split_whitespace().any(|one| one == method)
        })
    };
    let methods = behind_features(&tree);
    assert!(methods.len() > 50, "{methods:?}");
    let missing: Vec<_> =
        methods.iter().filter(|(feature, method)| !listed(feature, method)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

//! The house rules that neither the compiler nor clippy keeps: layers, walls, sizes, words.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The layers, lowest first. A module uses only modules of lower layers.
const LAYERS: &[&[&str]] = &[
    &["error", "clock", "config", "model", "redact"],
    &["store"],
    &["engine", "logs"],
    &["agents", "testing", "tracker"],
    &["monitor", "repositories", "sessions"],
    &["actions", "wire"],
    &["web", "cli"],
];

/// Uses inside a layer that are meant, each with its reason.
const PEERS: &[(&str, &str, &str)] = &[
    ("clock", "model", "a clock answers timestamps"),
    ("config", "error", "a bad value has a code"),
    ("config", "model", "a repository and an API's address have a form"),
    ("model", "error", "parsing a name can fail, and a job's error carries a code"),
    ("redact", "model", "the columns of a log row are cleaned together"),
    ("monitor", "repositories", "the settings are one list"),
    ("repositories", "sessions", "a description is a run of the agent as sessions have them"),
    ("monitor", "sessions", "a scan runs its agent as sessions do, and the settings are one list"),
    ("actions", "wire", "an answer has a form for programs"),
    ("cli", "web", "`serve` starts the pages"),
];

/// Words that may stand only in files under these paths.
const WALLS: &[(&[&str], &str)] = &[
    (&["rusqlite", "r2d2"], "src/store/sqlite"),
    (&["axum::", "maud::"], "src/web"),
    (&["Level::WARN", "Level::ERROR"], "src/error/code.rs src/logs/layer.rs"),
];

/// Code lines of one file, its tests and comments not counted; more hides a second concept.
const MAX_CODE_LINES: usize = 400;
/// ARCHITECTURE.md is read in one sitting.
const MAX_ARCHITECTURE_LINES: usize = 250;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    fn walk(folder: PathBuf, ending: &str, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(path, ending, found);
            } else if path.to_string_lossy().ends_with(ending) {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(root().join(folder), ending, &mut found);
    found.sort();
    assert!(!found.is_empty(), "no {ending} files under {folder}");
    found
}

/// The part of a source file before its tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The top-level modules that a file names as `crate::module`.
fn uses(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let code: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    for after in code.join(" ").split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(list) => {
                let list = list.split_once("};").map_or(list, |(list, _)| list);
                found.extend(list.split(',').map(|item| word(item.trim())));
            }
            None => found.push(word(after)),
        }
    }
    found.retain(|module| layer(module).is_some());
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect()
}

#[test]
fn a_module_uses_only_lower_layers_or_the_peers_it_has_a_reason_for() {
    let mut wrong = Vec::new();
    let mut used_peers = BTreeSet::new();
    for (name, text) in files("src", ".rs") {
        let module = word(name.strip_prefix("src/").unwrap());
        let Some(own) = layer(&module) else {
            assert!(["lib", "main"].contains(&module.as_str()), "{name} is in no layer");
            continue;
        };
        for used in uses(code(&text)) {
            let peer = PEERS.iter().find(|(from, to, _)| *from == module && *to == used);
            if let Some(peer) = peer {
                used_peers.insert((peer.0, peer.1));
            } else if used != module && layer(&used).unwrap() >= own {
                wrong.push(format!("{name} uses crate::{used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for (from, to, _) in PEERS {
        assert!(used_peers.contains(&(*from, *to)), "{from} no longer uses {to}: take it out");
    }
}

#[test]
fn the_walls_hold() {
    for (words, allowed) in WALLS {
        for (name, text) in files("src", ".rs") {
            if allowed.split(' ').any(|path| name.starts_with(path)) {
                continue;
            }
            for (number, line) in code(&text).lines().enumerate() {
                let bare = line.trim_start().starts_with("//");
                let hit = words.iter().find(|word| !bare && line.contains(**word));
                assert!(hit.is_none(), "{name}:{}: {hit:?} belongs under {allowed}", number + 1);
            }
        }
    }
}

#[test]
fn a_file_holds_one_concept() {
    for (name, text) in files("src", ".rs") {
        let lines = code(&text).lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count();
        assert!(lines <= MAX_CODE_LINES, "{name} has {lines} lines of code");
        assert!(text.starts_with("//! "), "{name} does not say what it is");
    }
}

#[test]
fn nothing_is_left_for_later_and_no_test_is_asleep() {
    // Spelled apart, so that this file passes its own test.
    let forbidden = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["XX", "X"],
        ["#[ig", "nore"],
        ["#[should_", "panic"],
        ["unimpl", "emented!"],
    ];
    for folder in ["src", "tests", "migrations", "assets", ".ci"] {
        for (name, text) in files(folder, "") {
            for parts in &forbidden {
                assert!(!text.contains(&parts.concat()), "{name} contains {}", parts.concat());
            }
        }
    }
}

#[test]
fn the_architecture_is_short_and_names_every_module() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    assert!(text.lines().count() <= MAX_ARCHITECTURE_LINES);
    for (name, _) in files("src", ".rs") {
        let module = word(name.strip_prefix("src/").unwrap());
        if layer(&module).is_none() {
            continue;
        }
        assert!(
            text.contains(&format!("`{module}`")),
            "ARCHITECTURE.md does not speak of {module}"
        );
    }
}

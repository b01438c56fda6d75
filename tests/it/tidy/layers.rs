//! A module uses modules of lower layers only.

use super::source::{Tree, bare, code, files, root, tree};
use std::collections::BTreeSet;
use std::fs;

/// The layers, lowest first. A module uses only modules of lower layers.
const LAYERS: &[&[&str]] = &[
    &[
        "error",
        "clock",
        "config",
        "environment",
        "files",
        "growth",
        "heavy",
        "model",
        "planted",
        "redact",
        "written",
    ],
    &["store"],
    &["backup", "engine", "jobs", "logs"],
    &["agents", "prelude", "testing", "tracker"],
    &["bulk", "demo", "monitor", "repositories", "sessions", "torture"],
    &["actions", "wire"],
    &["web", "cli"],
];

/// Uses inside a layer that are meant, each with its reason.
const PEERS: &[(&str, &str, &str)] = &[
    ("clock", "error", "a failure that is left alone is told in the log"),
    ("clock", "model", "a clock answers timestamps"),
    ("clock", "planted", "a test may have it measure lengths by the date"),
    ("config", "error", "a bad value has a code"),
    ("config", "files", "a file that others may write is refused"),
    ("config", "model", "a repository and an API's address have a form"),
    ("environment", "error", "a system that refuses to hide secrets has a code"),
    ("environment", "redact", "the names of secrets are the redactor's"),
    ("model", "error", "parsing a name can fail, and a job's error carries a code"),
    ("written", "files", "the list is a plain file, and never a link"),
    ("redact", "model", "the columns of a log row are cleaned together"),
    ("engine", "jobs", "an engine hands out the jobs of its store"),
    ("repositories", "sessions", "a description is a run of the agent as sessions have them"),
    ("monitor", "sessions", "a scan runs its agent as sessions do"),
    ("demo", "sessions", "its agent asks for sessions and runs their kind"),
    ("actions", "wire", "an answer has a form for programs"),
    ("cli", "web", "`serve` starts the pages"),
];

/// ARCHITECTURE.md is read in one sitting.
const MAX_ARCHITECTURE_LINES: usize = 250;

/// The layer of a top-level module.
pub(super) fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The top-level modules that a file names as `crate::module`.
fn uses(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let text = bare(text).lines().collect::<Vec<_>>().join(" ");
    for after in text.split("crate::").skip(1) {
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

/// The top-level module that a file belongs to.
pub(super) fn module(name: &str) -> String {
    word(name.strip_prefix("src/").unwrap_or(name))
}

/// Uses that go up or sideways, and the peers that are really used.
fn wrong_uses(tree: &Tree) -> (Vec<String>, BTreeSet<(&'static str, &'static str)>) {
    let mut wrong = Vec::new();
    let mut used_peers = BTreeSet::new();
    for (name, text) in tree {
        let own = module(name);
        let Some(own_layer) = layer(&own) else {
            if !["lib", "main"].contains(&own.as_str()) {
                wrong.push(format!("{name} is in no layer"));
            }
            continue;
        };
        for used in uses(code(text)) {
            let peer = PEERS.iter().find(|(from, to, _)| *from == own && *to == used);
            if let Some(peer) = peer {
                used_peers.insert((peer.0, peer.1));
            } else if used != own && layer(&used).unwrap() >= own_layer {
                wrong.push(format!("{name} uses crate::{used}"));
            }
        }
    }
    (wrong, used_peers)
}

#[test]
fn a_module_uses_only_lower_layers_or_the_peers_it_has_a_reason_for() {
    let (wrong, used_peers) = wrong_uses(&files("src", ".rs"));
    assert!(wrong.is_empty(), "{wrong:#?}");
    for (from, to, _) in PEERS {
        assert!(used_peers.contains(&(*from, *to)), "{from} no longer uses {to}: take it out");
    }
}

#[test]
fn a_planted_use_of_a_higher_layer_is_seen() {
    let planted = tree(&[
        ("src/model/job.rs", "use crate::{error, store::Store};\n"),
        ("src/actions/jobs.rs", "fn f() { crate::web::serve(); }\n"),
        ("src/somewhere.rs", ""),
    ]);
    let (wrong, _) = wrong_uses(&planted);
    assert_eq!(
        wrong,
        [
            "src/model/job.rs uses crate::store",
            "src/actions/jobs.rs uses crate::web",
            "src/somewhere.rs is in no layer",
        ]
    );
}

#[test]
fn the_architecture_is_short_and_names_every_module() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    assert!(text.lines().count() <= MAX_ARCHITECTURE_LINES);
    for (name, _) in files("src", ".rs") {
        let module = module(&name);
        if layer(&module).is_none() {
            continue;
        }
        assert!(
            text.contains(&format!("`{module}`")),
            "ARCHITECTURE.md does not speak of {module}"
        );
    }
}

//! The faces (pages and command line) hold no rule: they read what was asked, call one action and show its answer.
//!
//! What is looked at are words that a rule needs, not all that a rule could be: writing methods of the store and the
//! functions that call them, an error made, a role compared, a range of numbers checked, a status or an exit code
//! chosen, and JSON put together by hand.

use super::circles::{Crate, Path, module_of};
use super::source::{Tree, bare, code, files, tokens, tree, without_tests};
use std::collections::{BTreeMap, BTreeSet};

/// One sort of thing that a face must not do.
struct Rule {
    /// What it is, for the message.
    what: &'static str,
    /// Where it is looked for.
    folders: &'static [&'static str],
    finds: fn(&File, &Writers) -> Vec<String>,
    /// Files that may do it, with the reason. An entry that is no longer needed must go.
    may: &'static [(&'static str, &'static str)],
}

const FACES: &[&str] = &["src/web", "src/cli"];

const RULES: &[Rule] = &[
    Rule {
        what: "a face that writes",
        folders: FACES,
        finds: writes,
        may: &[
            ("src/cli/serve.rs", "a start fills the demo, and ends what a killed server left"),
            ("src/cli/serve/greeting.rs", "a start offers the link that sets up the first admin"),
            ("src/web/login.rs", "a login begins and ends with a cookie, which pages alone have"),
        ],
    },
    Rule {
        what: "an error that a face makes: what one face refuses, all must",
        folders: FACES,
        finds: |file, _| file.words.all(&["Error", "::", "new", "("]),
        may: &[
            ("src/cli/logs/templates.rs", "a file or a pipe can be unreadable"),
            ("src/cli.rs", "no data directory, no command"),
            ("src/cli/door.rs", "`sqlite3` is a program of its own, with arguments of its own"),
            ("src/cli/input.rs", "a file that an argument names may not be there"),
            ("src/cli/old_demo.rs", "a directory may not be movable"),
            ("src/cli/output.rs", "standard output can be closed"),
            ("src/cli/serve.rs", "a start can fail before there is anything to ask"),
            ("src/cli/serve/greeting.rs", "a start can fail before there is anything to ask"),
            ("src/cli/users.rs", "the terminal or the pipe of a password may not be readable"),
            ("src/web/mount.rs", "a host may ask for accounts where there are none"),
            ("src/web/serve.rs", "an address can be taken"),
            ("src/web/secret.rs", "the machine may give no random bytes"),
        ],
    },
    Rule {
        what: "a role that a face compares",
        folders: FACES,
        finds: |file, _| file.words.all(&["Role", "::"]),
        may: &[],
    },
    Rule {
        what: "a range of numbers that a face checks",
        folders: FACES,
        finds: ranges,
        may: &[("src/web/slice.rs", "numbered pages are of the pages alone")],
    },
    Rule {
        what: "an HTTP status or an exit code that a face chooses: it follows from the error's class",
        folders: FACES,
        finds: |file, _| {
            [file.words.all(&["StatusCode", "::"]), file.words.all(&["ExitCode", "::"])].concat()
        },
        may: &[
            ("src/cli.rs", "the one place of the command line"),
            ("src/cli/door.rs", "`sqlite3` has exit codes of its own"),
            ("src/web/health.rs", "a monitor is told one word, and no error"),
            ("src/web/answer.rs", "303: the browser goes on to a page"),
            ("src/web/extract.rs", "415 is a word of HTTP alone"),
            ("src/web/part.rs", "204: the part is as the browser has it"),
            ("src/web/problem.rs", "the one place of the pages"),
        ],
    },
    Rule {
        what: "JSON that a face or an action puts together: `wire` has the types of every answer",
        folders: &["src/web", "src/cli", "src/actions"],
        finds: |file, _| file.words.all(&["json", "!"]),
        may: &[],
    },
];

/// A file that is looked at.
struct File<'a> {
    module: Path,
    words: Words<'a>,
}

/// The words of a file with the lines that they stand on.
struct Words<'a> {
    words: Vec<(&'a str, usize)>,
}

impl<'a> Words<'a> {
    fn of(bare: &'a str) -> Self {
        let lines = bare.lines().enumerate();
        let words =
            lines.flat_map(|(line, text)| tokens(text).into_iter().map(move |w| (w, line + 1)));
        Self { words: words.collect() }
    }

    fn is(&self, at: usize, pattern: &[&str]) -> bool {
        self.words.len() >= at + pattern.len()
            && pattern.iter().zip(&self.words[at..]).all(|(wanted, (word, _))| wanted == word)
    }

    /// Each place where these words stand one after the other.
    fn all(&self, pattern: &[&str]) -> Vec<String> {
        let found = (0..self.words.len()).filter(|at| self.is(*at, pattern));
        found.map(|at| format!("{}: {}", self.words[at].1, pattern.concat())).collect()
    }
}

/// What writes to the store.
struct Writers {
    /// The whole crate: which file a name leads to.
    all: Crate,
    /// Methods of the store.
    methods: BTreeSet<String>,
    /// Functions of the layers between that call one, each with its module.
    functions: BTreeSet<(Path, String)>,
}

impl Writers {
    fn of(tree: &Tree) -> Self {
        let mut writers =
            Self { all: Crate::read(tree), methods: BTreeSet::new(), functions: BTreeSet::new() };
        let store =
            functions(tree, |name| name.starts_with("src/store/") && !name.contains("sqlite"));
        loop {
            let calls = |body: &str| {
                let words = Words::of(body);
                let own = |at: usize| {
                    words.is(at, &["self", "."])
                        && words.words.get(at + 2).is_some_and(|w| writers.methods.contains(w.0))
                };
                let doors = ["rule", "rule_together", "row"];
                doors.iter().any(|door| !words.all(&[".", "db", ".", door, "("]).is_empty())
                    || (0..words.words.len()).any(own)
            };
            let more: Vec<String> = store
                .iter()
                .filter(|(_, name, body)| !writers.methods.contains(name) && calls(body))
                .map(|(_, name, _)| name.clone())
                .collect();
            if more.is_empty() {
                break;
            }
            writers.methods.extend(more);
        }
        let lower = ["src/monitor", "src/sessions", "src/repositories", "src/tracker"];
        for (file, name, body) in functions(tree, |name| lower.iter().any(|l| name.starts_with(l)))
        {
            if !calls_of(&Words::of(&body), &writers.methods).is_empty() {
                writers.functions.extend(module_of(&file).map(|module| (module, name)));
            }
        }
        writers
    }
}

/// The async functions of these files: file, name and bare body.
fn functions(tree: &Tree, of: impl Fn(&str) -> bool) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for (name, text) in without_tests(tree).iter().filter(|(name, _)| of(name)) {
        let text = bare(code(text));
        for (at, _) in text.match_indices("async fn ") {
            let after = &text[at + "async fn ".len()..];
            let line = text[..at].rsplit('\n').next().unwrap_or_default();
            let end = after.find(if line.starts_with(' ') { "\n    }\n" } else { "\n}\n" });
            let function = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.push((name.clone(), function, after[..end.unwrap_or(after.len())].to_owned()));
        }
    }
    found
}

/// The calls of methods with one of these names.
fn calls_of(words: &Words, methods: &BTreeSet<String>) -> Vec<String> {
    // Other things can be cancelled or appended to as well: the store is named a few words before.
    let of_store = |at: usize| {
        let before = words.words[at.saturating_sub(8)..at].iter().rev();
        let mut before = before.take_while(|(word, _)| ![";", "{", "}", "="].contains(word));
        before.any(|(word, _)| word.contains("store") || word.contains("logs"))
    };
    let called = |at: &usize| {
        words.is(*at, &["."])
            && words.is(at + 2, &["("])
            && words.words.get(at + 1).is_some_and(|word| methods.contains(word.0))
            && of_store(*at)
    };
    let found = (0..words.words.len()).filter(called);
    found.map(|at| format!("{}: .{}(", words.words[at].1, words.words[at + 1].0)).collect()
}

fn writes(file: &File, writers: &Writers) -> Vec<String> {
    let mut found = calls_of(&file.words, &writers.methods);
    let named = writers.all.items(&file.module);
    let writing = named.iter().filter(|item| writers.functions.contains(item));
    found.extend(writing.map(|(module, name)| format!("{}::{name}", module.join("::"))));
    found
}

/// `(1..=MAX).contains(` and clap's `.range(1..=MAX)`.
fn ranges(file: &File, _: &Writers) -> Vec<String> {
    let words = &file.words;
    let dots = |at: usize| (at.saturating_sub(6)..at).any(|at| words.is(at, &[".", "."]));
    let checks = |at: &usize| {
        (words.is(*at, &[")", ".", "contains", "("]) && dots(*at))
            || words.is(*at, &[")", ".", "range", "("])
    };
    let found = (0..words.words.len()).filter(checks);
    found.map(|at| format!("{}: a range", words.words[at].1)).collect()
}

/// By file, what it does against the rule.
fn found(rule: &Rule, tree: &Tree, writers: &Writers) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for (name, text) in without_tests(tree) {
        let inside = |folder: &str| {
            name.strip_prefix(folder).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        };
        let text = bare(code(&text));
        let Some(module) = module_of(&name) else { continue };
        let hits = (rule.finds)(&File { module, words: Words::of(&text) }, writers);
        if rule.folders.iter().any(|folder| inside(folder)) && !hits.is_empty() {
            found.insert(name, hits);
        }
    }
    found
}

#[test]
fn the_faces_hold_no_rule() {
    let tree = files("src", ".rs");
    let writers = Writers::of(&tree);
    let mut wrong = Vec::new();
    for rule in RULES {
        let found = found(rule, &tree, &writers);
        let may = rule.may.iter().map(|(file, _)| *file);
        let allowed: BTreeSet<&str> = may.collect();
        for (file, hits) in found.iter().filter(|(file, _)| !allowed.contains(file.as_str())) {
            wrong.push(format!("{}: {file}: {hits:?}", rule.what));
        }
        for file in allowed.iter().filter(|file| !found.contains_key(**file)) {
            wrong.push(format!("{}: {file} does it no more: take it out of the list", rule.what));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The files of a made-up tree that break the rule beginning with `what`.
fn broken(what: &str, planted: &[(&str, &str)]) -> Vec<String> {
    let tree = tree(planted);
    let rule = RULES.iter().find(|rule| rule.what.starts_with(what)).unwrap();
    found(rule, &tree, &Writers::of(&tree)).into_keys().collect()
}

#[test]
fn a_planted_face_that_writes_is_seen_directly_and_through_a_function() {
    let store = "impl Store {\n    pub async fn job(&self) {\n        self.db.read(x).await\n    }\n\n    \
        pub async fn cancel(&self) {\n        self.db.rule(x).await\n    }\n}\n";
    let monitor =
        "pub async fn run_now(store: &Store) {\n    if a {\n    }\n    store.cancel().await\n}\n";
    let planted = [
        ("src/store/jobs.rs", store),
        ("src/monitor.rs", monitor),
        ("src/web/job.rs", "fn f(s: State) { s.store.cancel(1); }\n"),
        ("src/cli/run.rs", "fn f(cli: &Cli) { crate::monitor::run_now(cli.store()); }\n"),
        (
            "src/web/jobs.rs",
            "// store.cancel(1)\nfn f(s: State) { s.store.job(1); let a = stop.cancel(); }\n",
        ),
        ("src/actions/jobs.rs", "fn f(store: &Store) { store.cancel(1); }\n"),
    ];
    assert_eq!(broken("a face that writes", &planted), ["src/cli/run.rs", "src/web/job.rs"]);
}

#[test]
fn a_planted_rule_in_a_face_is_seen() {
    let error = "fn f() { return Err(Error::new(Code::ModelInvalid, \"no\")); }\n";
    assert_eq!(broken("an error", &[("src/cli/jobs.rs", error)]), ["src/cli/jobs.rs"]);
    assert_eq!(broken("an error", &[("src/actions/jobs.rs", error)]), [""; 0]);
    let role = "fn f() { if caller.role < Role::Admin {} }\n";
    assert_eq!(broken("a role", &[("src/web/job.rs", role)]), ["src/web/job.rs"]);
    let ranges = [
        ("src/web/queues.rs", "fn f() { (1..=MAX).contains(&n) }\n"),
        ("src/cli/jobs.rs", "#[arg(value_parser = clap::value_parser!(u8).range(1..=3))]\n"),
        ("src/web/spend.rs", "fn f() { for day in days.range(first..) {} }\n"),
    ];
    assert_eq!(broken("a range", &ranges), ["src/cli/jobs.rs", "src/web/queues.rs"]);
    let status = [
        ("src/web/job.rs", "fn f() { StatusCode::CONFLICT }\n"),
        ("src/cli/job.rs", "fn f() { ExitCode::from(4) }\n"),
    ];
    assert_eq!(broken("an HTTP status", &status), ["src/cli/job.rs", "src/web/job.rs"]);
}

#[test]
fn planted_json_in_a_face_or_an_action_is_seen_and_in_a_test_it_may_be() {
    let made = "fn f() { json!({\"id\": 1}) }\n";
    let tested = "#[cfg(test)]\nmod tests {\n    fn f() { json!({}) }\n}\n";
    let planted = [
        ("src/cli/jobs.rs", made),
        ("src/actions/jobs.rs", made),
        ("src/web/job.rs", tested),
        ("src/wire/job.rs", made),
        ("src/tracker/github.rs", made),
    ];
    assert_eq!(broken("JSON", &planted), ["src/actions/jobs.rs", "src/cli/jobs.rs"]);
}

//! No circle of files inside any folder: of two siblings at most one uses the other, directly or in a round.
//!
//! `mod`, a parent's `pub use` of its children, and tests do not count. A use of `super::Item` or `crate::model::Item`
//! counts as one of the file that has the item, however many `use` it is handed on by.

use super::source::{Tree, bare, code, files, tokens, tree, without_tests};
use std::collections::{BTreeMap, BTreeSet};

/// Most `use` that one name is followed through.
const MAX_HOPS: usize = 16;

/// A module, as `["model", "job"]`; the crate itself is empty.
pub(super) type Path = Vec<String>;

/// Siblings that use each other in a round.
#[derive(Debug)]
struct Circle {
    folder: String,
    members: Vec<String>,
    /// Which file uses which, for each use between members.
    uses: Vec<String>,
}

/// What a file names.
#[derive(Default)]
struct Module {
    /// By its own name for it, the path that a `use` stands for.
    imports: BTreeMap<String, Path>,
    /// Modules whose every name is imported.
    globs: Vec<Path>,
    /// Each path that the code names.
    paths: Vec<Path>,
}

/// The modules of the crate and what each names.
pub(super) struct Crate {
    modules: BTreeMap<Path, Module>,
}

/// Every circle of siblings in the tree.
fn circles(tree: &Tree) -> Vec<Circle> {
    let all = Crate::read(tree);
    let uses = all.uses();
    let folders: BTreeSet<&[String]> =
        all.modules.keys().flat_map(|module| (0..module.len()).map(|end| &module[..end])).collect();
    folders.into_iter().flat_map(|folder| in_folder(folder, &uses)).collect()
}

fn in_folder(folder: &[String], uses: &BTreeSet<(Path, Path)>) -> Vec<Circle> {
    let depth = folder.len();
    let mut between: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for (from, to) in uses {
        let inside = |module: &Path| module.starts_with(folder) && module.len() > depth;
        if inside(from) && inside(to) && from[depth] != to[depth] {
            let said = format!("{} uses {}", from.join("/"), to.join("/"));
            between.entry((&from[depth], &to[depth])).or_default().push(said);
        }
    }
    let reach = |start: &str| {
        let mut seen = BTreeSet::new();
        let mut next = vec![start.to_owned()];
        while let Some(at) = next.pop() {
            for (_, to) in between.keys().filter(|(from, _)| *from == at) {
                if seen.insert((*to).to_owned()) {
                    next.push((*to).to_owned());
                }
            }
        }
        seen
    };
    let siblings: BTreeSet<&str> = between.keys().map(|(from, _)| *from).collect();
    let reached: BTreeMap<&str, BTreeSet<String>> =
        siblings.iter().map(|sibling| (*sibling, reach(sibling))).collect();
    let mut found: Vec<Circle> = Vec::new();
    for sibling in siblings {
        let member = |other: &&&str| {
            reached[sibling].contains(**other)
                && reached.get(**other).is_some_and(|back| back.contains(sibling))
        };
        let members: Vec<&str> = reached.keys().filter(member).copied().collect();
        if members.first() == Some(&sibling) {
            let among =
                between.iter().filter(|((a, b), _)| members.contains(a) && members.contains(b));
            found.push(Circle {
                folder: format!("src/{}", folder.join("/")),
                uses: among.flat_map(|(_, said)| said.clone()).collect(),
                members: members.into_iter().map(str::to_owned).collect(),
            });
        }
    }
    found
}

impl Crate {
    pub(super) fn read(tree: &Tree) -> Self {
        let mut modules = BTreeMap::new();
        for (name, text) in without_tests(tree) {
            modules.extend(module_of(&name).map(|path| (path, Module::read(&text))));
        }
        Self { modules }
    }

    /// Which file uses which.
    fn uses(&self) -> BTreeSet<(Path, Path)> {
        let mut found = BTreeSet::new();
        for (own, module) in &self.modules {
            for path in module.paths.iter().chain(module.imports.values()).chain(&module.globs) {
                if let Some(used) = self.resolve(own, path, MAX_HOPS)
                    && used != *own
                {
                    found.insert((own.clone(), used));
                }
            }
        }
        found
    }

    /// The items of other files that a file names: where each is, and its name.
    pub(super) fn items(&self, own: &Path) -> Vec<(Path, String)> {
        let Some(module) = self.modules.get(own) else { return Vec::new() };
        let paths = module.paths.iter().chain(module.imports.values());
        let item = |path: &Path| Some((self.resolve(own, path, MAX_HOPS)?, path.last()?.clone()));
        paths.filter_map(item).collect()
    }

    /// The file that has what the path names, seen from the file `own`; `None` of another crate's.
    fn resolve(&self, own: &Path, path: &[String], hops: usize) -> Option<Path> {
        let (first, mut rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => Vec::new(),
            "self" => own.clone(),
            "super" => parent(own)?,
            _ => return self.named(own, path, hops),
        };
        while let Some(("super", after)) =
            rest.split_first().map(|(word, rest)| (word.as_str(), rest))
        {
            at = parent(&at)?;
            rest = after;
        }
        match rest {
            [] => Some(at),
            rest => self.named(&at, rest, hops).or(Some(at)),
        }
    }

    /// The same for a path that begins with a name that the module has: a child's, or one that a `use` made.
    fn named(&self, at: &Path, path: &[String], hops: usize) -> Option<Path> {
        let (first, rest) = path.split_first()?;
        let child: Path = at.iter().chain([first]).cloned().collect();
        if self.modules.contains_key(&child) {
            return match rest {
                [] => Some(child),
                rest => self.named(&child, rest, hops).or(Some(child)),
            };
        }
        let module = self.modules.get(at)?;
        let hops = hops.checked_sub(1)?;
        if let Some(imported) = module.imports.get(first) {
            let full: Path = imported.iter().chain(rest).cloned().collect();
            // `use x::x` names itself and no child.
            return if full == path { None } else { self.resolve(at, &full, hops) };
        }
        module.globs.iter().find_map(|glob| {
            let home = self.resolve(at, glob, hops)?;
            if home == *at { None } else { self.named(&home, path, hops) }
        })
    }
}

/// The module of a file; none of the program's own.
pub(super) fn module_of(name: &str) -> Option<Path> {
    match name.strip_prefix("src/")?.strip_suffix(".rs")? {
        "main" => None,
        "lib" => Some(Vec::new()),
        path => Some(path.split('/').map(str::to_owned).collect()),
    }
}

fn parent(module: &Path) -> Option<Path> {
    module.split_last().map(|(_, parent)| parent.to_vec())
}

impl Module {
    fn read(text: &str) -> Self {
        let text = bare(code(text));
        let words = tokens(&text);
        let mut module = Self::default();
        let mut at = 0;
        while at < words.len() {
            if words[at] == "use" {
                let end = at + words[at..].iter().position(|word| *word == ";").unwrap_or(0);
                module.import(&Vec::new(), &words[at + 1..end]);
                at = end + 1;
                continue;
            }
            let mut path = vec![words[at].to_owned()];
            at += 1;
            while words.get(at) == Some(&"::")
                && words.get(at + 1).is_some_and(|word| is_name(word))
            {
                path.push(words[at + 1].to_owned());
                at += 2;
            }
            if path.len() > 1 && is_name(&path[0]) {
                module.paths.push(path);
            }
        }
        module
    }

    /// Takes a `use`, or one branch of it behind its prefix.
    fn import(&mut self, prefix: &Path, words: &[&str]) {
        if let Some(open) = words.iter().position(|word| *word == "{") {
            let prefix: Path = prefix.iter().cloned().chain(names(&words[..open])).collect();
            let mut depth = 0;
            let inner = &words[open + 1..words.len() - 1];
            let branches = inner.split(|word| {
                depth += match *word {
                    "{" => 1,
                    "}" => -1,
                    _ => 0,
                };
                *word == "," && depth == 0
            });
            branches.filter(|branch| !branch.is_empty()).for_each(|b| self.import(&prefix, b));
            return;
        }
        let alias = words.iter().position(|word| *word == "as");
        let mut path: Path =
            prefix.iter().cloned().chain(names(&words[..alias.unwrap_or(words.len())])).collect();
        if words.last() == Some(&"*") {
            self.globs.push(path);
            return;
        }
        if path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name = alias.map(|at| words[at + 1].to_owned()).or_else(|| path.last().cloned());
        self.imports.extend(name.map(|name| (name, path)));
    }
}

fn names(words: &[&str]) -> Vec<String> {
    words.iter().filter(|word| is_name(word)).map(|word| (*word).to_owned()).collect()
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

#[test]
fn no_folder_has_a_circle_of_files() {
    let found = circles(&files("src", ".rs"));
    let told = |circle: &Circle| {
        let Circle { folder, members, uses } = circle;
        format!("{folder}: {}\n  {}", members.join(", "), uses.join("\n  "))
    };
    let wrong: Vec<_> = found.iter().map(told).collect();
    assert!(wrong.is_empty(), "{} circles:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_planted_circle_is_seen_directly_and_through_what_a_parent_hands_on() {
    let direct = tree(&[
        ("src/model.rs", "mod job;\nmod queue;\n"),
        ("src/model/job.rs", "use super::queue::Queue;\npub struct Job(Queue);\n"),
        ("src/model/queue.rs", "pub struct Queue;\nfn of(job: &super::job::Job) {}\n"),
    ]);
    let found = circles(&direct);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].members, ["job", "queue"]);

    let handed_on = tree(&[
        ("src/lib.rs", "pub mod model;\n"),
        (
            "src/model.rs",
            "mod job;\nmod name;\nmod queue;\npub use job::Job;\npub use queue::{Queue};\n",
        ),
        ("src/model/job.rs", "use super::name::Name;\nfn f(queue: super::Queue) {}\n"),
        ("src/model/name.rs", "use crate::model::{self, Job as J};\n"),
        ("src/model/queue.rs", "use crate::model;\nfn of(job: &model::Job) {}\n"),
    ]);
    let found = circles(&handed_on);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].folder, "src/model");
    assert_eq!(found[0].members, ["job", "name", "queue"]);
}

#[test]
fn what_only_a_test_or_a_comment_names_is_no_circle() {
    let tests = tree(&[
        ("src/model.rs", "mod job;\nmod queue;\npub use job::Job;\n#[cfg(test)]\nmod play;\n"),
        ("src/model/job.rs", "use super::queue::Queue;\n"),
        (
            "src/model/queue.rs",
            "/// See [`super::job::Job`].\npub struct Queue;\n#[cfg(test)]\nmod tests { use super::super::Job; }\n",
        ),
        ("src/model/play.rs", "use super::Job;\n"),
    ]);
    assert!(circles(&tests).is_empty());
}

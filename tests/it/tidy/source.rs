//! The tree as the checks see it: files by name and text, and a text without its comments, strings and tests.

use std::fs;
use std::path::{Path, PathBuf};

/// Files by name, as `src/model/job.rs`, with their text.
pub(super) type Tree = Vec<(String, String)>;

/// The folder of the crate.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a folder of the crate whose names end so, in order.
pub(super) fn files(folder: &str, ending: &str) -> Tree {
    fn walk(folder: PathBuf, ending: &str, found: &mut Tree) {
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

/// A tree that a test makes up.
pub(super) fn tree(files: &[(&str, &str)]) -> Tree {
    files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// The part of a source file before its tests.
pub(super) fn code(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap()
}

/// The files without those that only tests have: whatever a parent declares as `#[cfg(test)] mod name;`.
pub(super) fn without_tests(tree: &Tree) -> Tree {
    let mut tests = Vec::new();
    for (name, text) in tree {
        for after in text.split("#[cfg(test)]\n").skip(1) {
            let line = after.trim_start().lines().next().unwrap_or_default();
            let declared = line.split_once("mod ").and_then(|(_, rest)| rest.strip_suffix(';'));
            tests.extend(declared.map(|child| format!("{}{child}", folder_of(name))));
        }
    }
    let of_tests = |name: &str| {
        tests.iter().any(|test| {
            name.strip_prefix(test.as_str())
                .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        })
    };
    tree.iter().filter(|(name, _)| !of_tests(name)).cloned().collect()
}

/// Where the children of a module are: `src/` of `src/lib.rs`, `src/model/` of `src/model.rs`.
fn folder_of(name: &str) -> String {
    match name {
        "src/lib.rs" | "src/main.rs" => "src/".to_owned(),
        _ => format!("{}/", name.trim_end_matches(".rs")),
    }
}

/// The text with blanks where comments, texts and characters stood; its lines stay where they are.
pub(super) fn bare(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            '/' if bytes.get(at + 1) == Some(&'/') => end_of_line(&bytes, at),
            '"' => end_of_text(&bytes, at),
            'r' if begins_raw(&bytes, at) => end_of_raw(&bytes, at),
            '\'' => end_of_character(&bytes, at),
            _ => at,
        };
        if end == at {
            out.push(bytes[at]);
            at += 1;
        } else {
            out.extend(bytes[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

fn end_of_line(text: &[char], at: usize) -> usize {
    text[at..].iter().position(|c| *c == '\n').map_or(text.len(), |line| at + line)
}

fn end_of_text(text: &[char], at: usize) -> usize {
    let mut at = at + 1;
    while at < text.len() && text[at] != '"' {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}

fn begins_raw(text: &[char], at: usize) -> bool {
    let in_word = at > 0 && (text[at - 1].is_alphanumeric() || text[at - 1] == '_');
    let in_word = in_word && text[at - 1] != 'b';
    let hashes = text[at + 1..].iter().take_while(|c| **c == '#').count();
    !in_word && text.get(at + 1 + hashes) == Some(&'"')
}

fn end_of_raw(text: &[char], at: usize) -> usize {
    let hashes = text[at + 1..].iter().take_while(|c| **c == '#').count();
    let mut end = at + 2 + hashes;
    while end < text.len() {
        let closes = text[end] == '"' && text[end + 1..].iter().take(hashes).all(|c| *c == '#');
        if closes {
            return (end + 1 + hashes).min(text.len());
        }
        end += 1;
    }
    text.len()
}

/// The end of a character; of a lifetime, where it begins.
fn end_of_character(text: &[char], at: usize) -> usize {
    match (text.get(at + 1), text.get(at + 2)) {
        (Some('\\'), _) => {
            let close = text[at + 3..].iter().position(|c| *c == '\'');
            close.map_or(at, |close| at + 3 + close + 1)
        }
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

/// The words and signs of a bare text: names, `::` as one sign, every other sign by itself.
pub(super) fn tokens(bare: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = bare;
    while let Some(first) = rest.chars().next() {
        let named = |c: char| c.is_alphanumeric() || c == '_';
        let length = match first {
            c if named(c) => rest.find(|c| !named(c)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            c => c.len_utf8(),
        };
        if !first.is_whitespace() {
            found.push(&rest[..length]);
        }
        rest = &rest[length..];
    }
    found
}

#[test]
fn a_bare_text_has_neither_comments_nor_texts() {
    let text = "a(\"x \\\" crate::b\", 'c', '\\n', br#\"y\"z\"#); // crate::d\nfn e<'f>(&'f g) {}";
    let seen = bare(text);
    assert_eq!(
        seen.split_whitespace().collect::<Vec<_>>().join(" "),
        "a( , , , b ); fn e<'f>(&'f g) {}"
    );
    assert_eq!(seen.lines().count(), text.lines().count());
}

//! Every address of the pages is made by `src/web/base.rs`, so that they can be nested under any path of a host.
//!
//! Looked at are attributes that hold an address, texts that begin as one, and the headers that send a browser somewhere.

use super::source::{Tree, code, files, tree, without_tests};

/// The one file that makes addresses.
const MAKER: &str = "src/web/base.rs";

/// Attributes that hold an address.
const ATTRIBUTES: &[&str] = &[
    "href",
    "action",
    "formaction",
    "src",
    "hx-get",
    "hx-post",
    "hx-put",
    "hx-delete",
    "sse-connect",
    "data-stream",
];

/// Files that may have texts that begin like an address, with the reason.
const MAY: &[(&str, &str)] = &[
    ("src/web/icon.rs", "the name of a file that is embedded"),
    ("src/web/nav.rs", "the table of the navigation's pages, which the table of routes takes"),
    ("src/web/routes.rs", "the table of routes"),
];

/// Headers that send a browser somewhere, and the one file of each.
const HEADERS: &[(&str, &str)] = &[
    ("LOCATION", "src/web/answer.rs"),
    ("\"hx-redirect\"", "src/web/answer.rs"),
    ("; Path=", "src/web/cookie.rs"),
];

/// Addresses that a file makes by itself.
fn wrong(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in without_tests(tree) {
        if !name.starts_with("src/web/") || name == MAKER {
            continue;
        }
        let text = code(&text);
        for attribute in ATTRIBUTES {
            let begin = format!("{attribute}=");
            let values = text.match_indices(&begin).map(|(at, begin)| {
                let inside_word = text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '-');
                (at, if inside_word { "" } else { value(&text[at + begin.len()..]) })
            });
            let bad = values.filter(|(_, value)| is_own(value));
            found.extend(bad.map(|(at, value)| at_line(&name, text, at, attribute, value)));
        }
        let may = MAY.iter().any(|(file, _)| *file == name);
        for (number, line) in text.lines().enumerate() {
            let is_said = line.trim_start().starts_with("//");
            if !is_said && !may && !line.contains("const ") && begins_address(line) {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
            let header = HEADERS.iter().find(|(word, file)| line.contains(word) && *file != name);
            found.extend(header.map(|(word, _)| format!("{name}:{}: {word}", number + 1)));
        }
    }
    found
}

fn at_line(name: &str, text: &str, at: usize, attribute: &str, value: &str) -> String {
    format!("{name}:{}: {attribute}={value}", text[..at].lines().count())
}

/// The value of an attribute, from its opening to its closing sign.
fn value(text: &str) -> &str {
    let mut depth = 0_usize;
    for (at, sign) in text.char_indices() {
        match sign {
            '"' if depth == 0 => {
                return text[1..].find('"').map_or(text, |end| &text[..end + 2]);
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return &text[..=at];
                }
            }
            _ if depth == 0 => return "",
            _ => {}
        }
    }
    ""
}

/// Whether a value is an address that was put together beside `base.rs`.
fn is_own(value: &str) -> bool {
    if let Some(text) = value.strip_prefix('"') {
        return !text.starts_with(['#', '"']);
    }
    let is_constant = |word: &str| {
        word.len() > 2 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c == '"')
    };
    let mut words = value.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let constant = words.any(is_constant) && !value.contains("link(");
    constant || value.contains("\"/") || value.contains(".path()") || value.contains(".path)")
}

/// Whether a line has a text that begins as an address of ours does, or is put together of a route's path.
fn begins_address(line: &str) -> bool {
    let slashes = line.match_indices("\"/").map(|(at, begin)| &line[at + begin.len()..]);
    let mut after = slashes.filter_map(|rest| rest.chars().next());
    after.any(|c| c.is_ascii_lowercase() || c == '{') || line.contains("PATH}")
}

#[test]
fn every_address_of_the_pages_is_made_in_one_place() {
    let tree = files("src", ".rs");
    let wrong = wrong(&tree);
    assert!(wrong.is_empty(), "made beside {MAKER}: {wrong:#?}");
    for (file, _) in MAY {
        let text = tree.iter().find(|(name, _)| name == file).map(|(_, text)| code(text));
        assert!(text.unwrap().lines().any(begins_address), "{file}: take it out of the list");
    }
    for (word, file) in HEADERS {
        let text = tree.iter().find(|(name, _)| name == file).map(|(_, text)| code(text));
        assert!(text.unwrap().contains(word), "{file} has {word} no more");
    }
}

#[test]
fn a_planted_address_is_seen_and_one_of_the_base_is_not() {
    for planted in [
        "html! { a href=\"/jobs\" { \"Jobs\" } }",
        "html! { a href={ \"/jobs/\" (id) } { \"Job\" } }",
        "html! { form action=(PATH) { } }",
        "html! { form hx-post=(nav::TRIGGER) { } }",
        "html! { div hx-get={ (PART_PATH) \"?v=\" (version) } { } }",
        "html! { main sse-connect=[live.then_some(EVENTS)] { } }",
        "html! { script src=(ASSETS.htmx.path) {} }",
        "html! { a href=(Tab::Jobs.path()) { } }",
        "let part = format!(\"/jobs/{id}/part\");",
        "let page = format!(\"{PATH}/{id}\");",
        "headers.insert(header::LOCATION, page);",
        "let cookie = format!(\"a={id}; Path=/; HttpOnly\");",
    ] {
        assert!(!wrong(&tree(&[("src/web/job.rs", planted)])).is_empty(), "{planted}");
        assert!(wrong(&tree(&[(MAKER, planted)])).is_empty(), "{planted}");
    }
    for good in [
        "html! { a href=(nav::job(id)) { } a href=(link(PATH).under(id)) { } a href=\"#content\" { } }",
        "html! { form action=(action) hx-post=(action) data-action=\"theme\" { } }",
        "pub(super) const PATH: &str = \"/jobs/{id}\";",
        "// GET \"/jobs\"",
        "html! { script src=(ASSETS.htmx.link()) {} main sse-connect=[live.then(|| link(EVENTS))] {} }",
        "html! { kbd { \"/\" } }",
    ] {
        let found = wrong(&tree(&[("src/web/job.rs", good)]));
        assert!(found.is_empty(), "{found:?}");
    }
}

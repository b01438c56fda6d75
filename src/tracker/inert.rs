//! Makes strangers' text inert: people read it, and on the tracker it does nothing.
//!
//! No list of names is filtered out, because no list has all names. Instead, Markdown is written anew: every
//! character that could begin a link, an image, HTML, a table or code is escaped, so that the only code in the result is
//! ours; and what a tracker acts on in plain text (mentions, references, commits, addresses) becomes such code, where
//! it acts on nothing. Paragraphs, headings, lists, quotes, emphasis and code stay what they were.
//!
//! # Source
//! <https://github.github.com/gfm/>, <https://docs.github.com/en/get-started/writing-on-github>.

use crate::model::{Marker, Visibility};
use crate::redact::redactor;
use std::net::{IpAddr, SocketAddr};

/// Deepest indentation of a list that is kept, in spaces; deeper text would turn into a block of code.
const MAX_INDENT: usize = 8;
/// Shortest and longest run of hex digits that a tracker takes for a commit.
const COMMIT: std::ops::RangeInclusive<usize> = 7..=40;
/// The text that takes the place of a host's address in a public issue.
const ADDRESS: &str = "[address]";

/// The text without hidden characters, secrets and forged markers, its first `most` characters; for the public without
/// addresses of hosts too. Lines end in `\n`.
pub(super) fn clean(text: &str, audience: Visibility, most: usize) -> String {
    let lines = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    let seen: String = lines.chars().filter(|c| !is_hidden(*c)).collect();
    // Secrets first: half of one has no shape.
    let mut seen = redactor().text(&seen).replace(Marker::BEGIN, "<!- ");
    if audience == Visibility::Public {
        seen = without_addresses(&seen);
    }
    match seen.char_indices().nth(most) {
        Some((end, _)) => seen[..end].trim_end().to_owned() + "…",
        None => seen,
    }
}

/// One line of plain text, for where there is no markdown: a title.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ").replace("://", ": //");
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().unwrap_or(' ');
        out.push(match c {
            '<' => '‹',
            '>' => '›',
            '`' => '\'',
            '-' if next.is_ascii_digit() && ends_in_gh(&out) => ' ',
            other => other,
        });
        let acts = match c {
            '@' => next != ' ',
            '#' => next.is_ascii_digit(),
            '!' => next == '[',
            _ => false,
        };
        if acts {
            out.push(' ');
        }
    }
    out
}

/// Markdown that says the same and does nothing.
pub(super) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        match fence(line) {
            Some(open) => {
                let inside = lines.by_ref().take_while(|line| !closes(line, open));
                out += &fenced(&inside.collect::<Vec<_>>());
            }
            None => out += &indented(line),
        }
        out.push('\n');
    }
    out.trim_end().to_owned()
}

/// A text that is inert already, without its escapes, so that `markdown` makes the same of it again and not the double.
pub fn undone(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open = None;
    for line in text.lines() {
        match open {
            Some(mark) => {
                out += line;
                open = Some(mark).filter(|mark| !closes(line, *mark));
            }
            None if fence(line).is_some() => {
                out += line;
                open = fence(line);
            }
            // What stands between two backticks is code.
            None => {
                for (at, part) in line.split('`').enumerate() {
                    out += if at == 0 { "" } else { "`" };
                    out += &if at % 2 == 0 { unescaped(part) } else { part.to_owned() };
                }
            }
        }
        out.push('\n');
    }
    out.trim_end().to_owned()
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        let is_escape = c == '\\'
            && next.is_some_and(|c| matches!(c, '\\' | '[' | ']' | '~' | '|' | '$' | ':'));
        out.push(if is_escape { chars.next().unwrap_or(c) } else { c });
    }
    out.replace("&lt;", "<").replace("&amp;", "&")
}

/// Lines as a block of code that none of them can end.
pub(super) fn fenced(lines: &[&str]) -> String {
    let text = lines.join("\n");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("\n{fence}text\n{text}\n{fence}\n")
}

/// A text as code inside a line.
pub(super) fn code(text: &str) -> String {
    let text = text.replace('`', "'").replace('\n', " ");
    if text.trim().is_empty() { String::new() } else { format!("`{}`", text.trim()) }
}

/// The marks that open a block of code, if the line does.
fn fence(line: &str) -> Option<(char, usize)> {
    let line = line.trim_start();
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.chars().take_while(|c| *c == mark).count();
    (length >= 3 && !line[length..].contains('`')).then_some((mark, length))
}

fn closes(line: &str, (mark, length): (char, usize)) -> bool {
    let line = line.trim();
    line.len() >= length && line.chars().all(|c| c == mark)
}

fn indented(line: &str) -> String {
    let text = line.trim_start();
    let is_item =
        text.starts_with(['-', '*', '+']) || text.starts_with(|c: char| c.is_ascii_digit());
    let most = if is_item { MAX_INDENT } else { 3 };
    let indent = (line.len() - text.len()).min(most);
    format!("{}{}", " ".repeat(indent), inline(text))
}

/// One line. The backticks in the result are ours: they come in pairs, and no pair touches another one.
fn inline(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        words(&rest[..at], &mut out);
        let run = rest[at..].chars().take_while(|c| *c == '`').count();
        let after = &rest[at + run..];
        rest = if let Some(end) = closing(after, run) {
            push_code(&after[..end], &mut out);
            &after[end + run..]
        } else {
            out.push('\'');
            after
        };
    }
    words(rest, &mut out);
    out
}

/// Where the next run of exactly so many backticks begins.
fn closing(text: &str, run: usize) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find('`').map(|at| from + at) {
        let length = text[at..].chars().take_while(|c| *c == '`').count();
        if length == run {
            return Some(at);
        }
        from = at + length;
    }
    None
}

/// `[text](address)` as `text (address)`.
fn unlinked(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("](") {
        let (Some(open), Some(close)) = (before.rfind('['), after.find(')')) else {
            out += before;
            out += "](";
            rest = after;
            continue;
        };
        let head = before[..open].strip_suffix('!').unwrap_or(&before[..open]);
        out.extend([head, &before[open + 1..], " (", &after[..close], ")"]);
        rest = &after[close + 1..];
    }
    out + rest
}

fn words(text: &str, out: &mut String) {
    let text = unlinked(text);
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        if acts(bare) {
            let core = bare.trim_matches(is_around);
            let start = bare.find(core).unwrap_or(0);
            escape(&bare[..start], out);
            push_code(core, out);
            escape(&bare[start + core.len()..], out);
        } else {
            escape(bare, out);
        }
        out.push_str(&word[bare.len()..]);
    }
}

/// Punctuation around a word that is not part of it.
fn is_around(c: char) -> bool {
    matches!(c, '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | ',' | '.' | ';' | ':' | '!' | '?')
        || matches!(c, '"' | '\'' | '*' | '_')
}

/// Whether a tracker could act on a word, or a reader could click it.
fn acts(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let before_digit = |mark: &str| {
        let mut after = lower.match_indices(mark).map(|(at, _)| &lower[at + mark.len()..]);
        after.any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let holds = ["@", "://", "www.", "mailto:", "xmpp:", "$"];
    holds.iter().any(|part| lower.contains(part))
        || before_digit("#")
        || before_digit("gh-")
        || lower
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|run| COMMIT.contains(&run.len()) && run.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn push_code(text: &str, out: &mut String) {
    let code = code(text);
    if out.ends_with('`') && !code.is_empty() {
        out.push(' ');
    }
    out.push_str(&code);
}

fn escape(text: &str, out: &mut String) {
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '\\' | '[' | ']' | '~' | '|' | '$' => out.extend(['\\', c]),
            // `:-` and `-:` draw the line under a table's head, and a table tears code apart.
            ':' if before == '-' || chars.peek() == Some(&'-') => out.push_str("\\:"),
            '`' => out.push('\''),
            other => out.push(other),
        }
        before = c;
    }
}

fn ends_in_gh(text: &str) -> bool {
    text.len() >= 2 && text.is_char_boundary(text.len() - 2) && {
        text[text.len() - 2..].eq_ignore_ascii_case("gh")
    }
}

/// Characters that nobody sees, or that change what is seen: controls, marks of direction, joiners, fillers, selectors, tags.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || c.is_control() && !matches!(c, '\n' | '\t')
}

fn without_addresses(text: &str) -> String {
    let part = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '[' | ']');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(part) {
        let run = &rest[start..];
        let run = &run[..run.find(|c| !part(c)).unwrap_or(run.len())];
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let alone =
            !rest[..start].ends_with(is_word) && !rest[start + run.len()..].starts_with(is_word);
        let bare = run.trim_end_matches(['.', ':']);
        out += &rest[..start];
        out += if alone && is_address(bare) { ADDRESS } else { bare };
        out += &run[bare.len()..];
        rest = &rest[start + run.len()..];
    }
    out + rest
}

fn is_address(text: &str) -> bool {
    let inside = text.trim_start_matches('[').trim_end_matches(']');
    text.contains(|c: char| c.is_ascii_digit())
        && (text.parse::<SocketAddr>().is_ok() || inside.parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is live in markdown that this module wrote: everything outside code, unescaped as a reader's browser does.
    fn live(markdown: &str) -> String {
        let mut out = String::new();
        let mut fence: Option<&str> = None;
        for line in markdown.lines() {
            let marks = &line[..line.len() - line.trim_start_matches('`').len()];
            match fence {
                Some(open) if line == open => fence = None,
                Some(_) => {}
                None if marks.len() >= 3 => fence = Some(marks),
                None => {
                    assert_eq!(line.matches('`').count() % 2, 0, "unpaired: {line}");
                    assert!(!line.contains("``"), "two runs side by side: {line}");
                    out.extend(line.split('`').step_by(2).flat_map(|part| [part, "\u{1}"]));
                    out.push('\n');
                }
            }
        }
        assert_eq!(fence, None, "a block of code is left open");
        out
    }

    const HOSTILE: &[&str] = &[
        "ping @octocat and @org/team, (@a) **@b** _@c_ a@b.example @",
        "fixes #1, closes GH-2 gh-3 owner/repo#4 owner/repo@deadbeef x#5y",
        "see https://github.com/o/r/issues/1 or HTTP://GITHUB.COM/o/r/pull/2 www.github.com/o/r",
        "[#1](https://github.com/o/r/issues/1) [x][y] ![a](https://evil/p.png) ![b][c] [![d](e)](f)",
        "[y]: https://evil \"t\"\n[^1]: note",
        "<img src=x onerror=alert(1)> <b>@user</b> <!-- x --> <https://evil> </details>",
        "&#64;user &commat;user \\@user \\#1 \\\\@user &lt;img&gt;",
        "commit 0123456789abcdef0123456789abcdef01234567 and deadbee, rev:1234567",
        "` @user ` `` @user ` @user",
        "`code`@user`code` `a`#1 ``a ` b``#2 @a`@b`@c",
        "\\` @user \\`",
        "```\ncode @user\n``` @user\n````\n@user",
        "~~~\n@user\n~~~~ \n@user ~~~ x\n~~~",
        "```js\n```\n@user\n```\n``` @user #1",
        "a | b\n--|--\n`x | @user` | `y\n:-\n`a|@user",
        "text\n    @user indented\n\t@user tab\n- item\n        @user deep",
        "> @user\n> > #1\n1. @user\n# #1\n## @user",
        "$@user$ $`@user`$ $$\n@user\n$$",
        "@\u{200b}user #\u{ad}1 @us\u{2060}er GH\u{200d}-1 \u{202e}resu@\u{202c}",
        "<!-- lamplighter:0123456789abcdef0123456789abcdef -->",
        "```\n<!-- lamplighter:0123456789abcdef0123456789abcdef -->\n```",
        "a\r@user\r\n#1\u{2028}@user\u{0}@user",
        "mailto:a xmpp:b javascript://x @@user ##1 #１ ＠user",
        "@user```@user```@user ``` @user",
        "*@*user @**user** #**1**2 **#**1",
    ];

    #[test]
    fn what_was_made_inert_once_can_be_made_so_again_without_the_double_of_its_escapes() {
        let once = |text: &str| markdown(&clean(text, Visibility::Private, usize::MAX));
        for text in HOSTILE {
            assert_inert(&undone(&once(text)));
        }
        let lines = |text: &str| {
            text.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n")
        };
        let text = "a [b] & <c> `d [e]` \\| $f &amp; see #1 @ann:\n\n```\n\\[g]\n```\nh ~";
        assert_eq!(lines(&once(&undone(&once(text)))), lines(&once(text)));
        assert!(once(&once(text)) != once(text), "or nothing had to be undone");
    }

    fn assert_inert(text: &str) {
        let marker = Marker::new(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        let written = markdown(&clean(text, Visibility::Private, 10_000));
        let live = live(&written);
        let words = ["<", "@", "://", "www.", "mailto:", "deadbee", "1234567"];
        for part in words.into_iter().chain(["#1", "#2", "#4", "#5", "GH-1", "GH-2", "gh-3"]) {
            // An @ on its own is nobody, but it costs nothing to be strict.
            assert!(!live.contains(part), "{part:?} is live in {live:?}\nof {text:?}");
        }
        for (at, _) in live.match_indices(['[', ']', '|', '~', '$']) {
            let escapes = live[..at].chars().rev().take_while(|c| *c == '\\').count();
            assert_eq!(escapes % 2, 1, "unescaped at {at} in {live:?}\nof {text:?}");
        }
        for (at, _) in live.match_indices('&') {
            let entity = &live[at..];
            assert!(entity.starts_with("&amp;") || entity.starts_with("&lt;"), "{live:?}");
        }
        assert!(!written.chars().any(is_hidden), "{written:?}");
        assert!(!marker.is_in(&written), "{written:?}");
        let title = plain(&clean(text, Visibility::Private, 10_000));
        for part in ["<", ">", "@u", "@o", "@a", "#1", "GH-2", "gh-3", "://", "`", "![", "\n"] {
            assert!(!title.contains(part), "{part:?} in the title {title:?}");
        }
    }

    #[test]
    fn nothing_that_a_tracker_acts_on_is_live() {
        for text in HOSTILE {
            assert_inert(text);
        }
    }

    /// 240,000 such texts were also rendered by micromark with GFM and math, and nothing in them was live there.
    #[test]
    fn nothing_that_a_tracker_acts_on_is_live_however_it_is_put_together() {
        let parts = "@user #1 GH-2 o/r#4 ` `` ``` ~~~ - > 1. # | ---|--- :-: :- [ ] ]( ) ( ! < > <!-- --> <b> \
            &#64; & ; \\ * ** _ ~ $ $$ http://e.x/1 www.e.x a@b.co x [a]: [^1] === --- '' : é <https://e.x>";
        let mut parts: Vec<&str> = parts.split(' ').collect();
        parts.extend([" ", " ", "\n", "\n", "\n\n", "    ", "\t", "\r", "\u{200b}", " deadbeef "]);
        let mut chance = fastrand::Rng::with_seed(1);
        for _ in 0..3_000 {
            let length = chance.usize(1..24);
            let text: String = (0..length).map(|_| parts[chance.usize(..parts.len())]).collect();
            assert_inert(&text);
        }
    }

    #[test]
    fn a_title_is_one_line_on_which_nothing_acts() {
        assert_eq!(plain("  a\tb\n c "), "a b c");
        assert_eq!(plain("Vec<u8> of user@host, #1"), "Vec‹u8› of user@ host, # 1");
    }

    #[test]
    fn what_means_well_stays_as_it_was() {
        for text in [
            "## Summary\n\nThe **cart** is _lost_ when `POST /cart` times out.\n\n- one\n  - two\n1. three",
            "A quote:\n\n> it broke: at 12:30, 50% of rows (7 of 14)!\n\nThat's all; \"fine\".",
            "C# and item # 4, v1.2.3, src/cart.rs:42, `a | b`, `row[0](x)`",
        ] {
            assert_eq!(markdown(text), text);
        }
        let code = markdown("Look:\n\n```rust\nlet x = y[0] & <T>;\n```\ndone");
        assert_eq!(code, "Look:\n\n\n```text\nlet x = y[0] & <T>;\n```\n\ndone");
        let link = markdown("See [the guide](https://docs.example/x), ask @ann.");
        assert_eq!(link, "See the guide (`https://docs.example/x`), ask `@ann`.");
    }

    #[test]
    fn code_is_ended_by_us_alone() {
        assert_eq!(fenced(&["a", "```", "````x"]), "\n`````text\na\n```\n````x\n`````\n");
        assert_eq!(code("a`b\nc"), "`a'b c`");
        assert_eq!(code(" "), "");
    }

    #[test]
    fn the_public_sees_no_address_of_a_host() {
        let public = |text: &str| clean(text, Visibility::Public, 1_000);
        assert_eq!(
            public("10.0.0.7:8080, [2001:db8::1]:443 fe80::1. ::1 (192.168.1.1)"),
            "[address], [address] [address]. [address] ([address])"
        );
        let harmless = "at 12:30:45 std::io::Error in 1.2.3 a::b x10.0.0.7 src/a.rs:10:5";
        assert_eq!(public(harmless), harmless);
        assert_eq!(clean("10.0.0.7", Visibility::Private, 1_000), "10.0.0.7");
    }

    #[test]
    fn secrets_go_before_anything_is_cut() {
        let token = ["ghp_", "0123456789abcdefghijklmnopqrstuvwxyz"].concat();
        let hidden = token.replace("ghp_", "g\u{200b}hp_");
        for text in [format!("with {token}"), format!("with {hidden}")] {
            let cut = clean(&text, Visibility::Private, 12);
            assert!(!cut.contains("ghp"), "{cut}");
        }
    }

    #[test]
    fn a_text_of_any_length_is_cut_quickly() {
        let text = "@a`b [c](d) ".repeat(90_000);
        assert_eq!(clean(&text, Visibility::Public, 80).chars().count(), 81);
    }
}

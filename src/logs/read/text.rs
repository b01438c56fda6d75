//! A line as words: without escape sequences, control characters and its line break.

use std::borrow::Cow;

/// How programs spell the escape character where they may not write it: rsyslog, `cat -v`, and languages.
const SPELLED: [&str; 5] = ["#033[", "^[[", "\\u001b[", "\\x1b[", "\\033["];

/// Whether something in the line could not be read as text.
pub(super) fn is_unread(line: &str) -> bool {
    line.as_bytes().contains(&0) || line.contains("\u{fffd}")
}

/// Whether nothing of a line that could not be read is worth keeping: it has no letter and no digit. A line in an old encoding
/// keeps its time, its level and whatever else it has of ASCII.
pub(super) fn is_noise(clean: &str) -> bool {
    !clean.contains(char::is_alphanumeric)
}

/// The line without what is not text. A carriage return within it is a blank, as is rsyslog's tab at its start.
pub(super) fn clean(line: &str) -> Cow<'_, str> {
    let line = line.trim_end_matches(['\r', '\n']).trim_start_matches('\u{feff}');
    let mut before = 0;
    // What JSON spells is for its reader.
    let json = line.trim_start().starts_with('{');
    let strange = line.bytes().any(|b| {
        let spelled = b == b'[' && matches!(before, b'3' | b'[' | b'b') && !json;
        before = b;
        (b < b' ' && b != b'\t') || b == 0x7f || b == 0xc2 || spelled
    });
    if strange { Cow::Owned(without(line)) } else { Cow::Borrowed(line) }
}

/// Whether an escape sequence sets the first word apart: that word is a mark, not a part of a sentence.
pub(super) fn is_coloured(text: &str) -> bool {
    text.starts_with("\u{1b}[")
}

fn without(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(|c: char| is_control(c) || matches!(c, '#' | '^' | '\\')) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let skipped = sequence(rest);
        if skipped == 0 {
            let c = rest.chars().next().unwrap_or(' ');
            match c {
                '\r' => out.push(' '),
                c if is_control(c) => {}
                c => out.push(c),
            }
            rest = &rest[c.len_utf8()..];
        } else {
            rest = &rest[skipped..];
        }
    }
    out.push_str(rest);
    out
}

fn is_control(c: char) -> bool {
    c.is_control() && c != '\t'
}

/// The length of the escape sequence that the text begins with; 0 if there is none.
fn sequence(text: &str) -> usize {
    for start in SPELLED {
        if let Some(rest) = text.strip_prefix(start) {
            let length = parameters(rest);
            return if rest[length..].starts_with('m') { start.len() + length + 1 } else { 0 };
        }
    }
    if let Some(rest) = text.strip_prefix("\u{1b}[").or_else(|| text.strip_prefix('\u{9b}')) {
        let intro = text.len() - rest.len();
        let length = parameters(rest);
        let is_last = rest[length..].starts_with(|c| ('@'..='~').contains(&c));
        return intro + if is_last { length + 1 } else { 0 };
    }
    let Some(rest) = text.strip_prefix('\u{1b}') else { return 0 };
    match rest.chars().next() {
        Some(']' | 'P' | 'X' | '^' | '_') => {
            // A bell or the next escape character ends it; if that begins another sequence, the text before it is kept.
            let end = rest.find(['\u{7}', '\u{1b}']).and_then(|at| match &rest[at..] {
                end if end.starts_with('\u{7}') => Some(at + 1),
                end => end.starts_with("\u{1b}\\").then_some(at + 2),
            });
            1 + end.unwrap_or(1)
        }
        Some('(' | ')' | '#') => 2 + rest.chars().nth(1).map_or(0, char::len_utf8),
        Some('0'..='~') => 2,
        _ => 1,
    }
}

/// The length of a sequence's parameters.
fn parameters(text: &str) -> usize {
    text.bytes().take_while(|b| (b' '..=b'?').contains(b)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_os = "linux")]
    use crate::growth::grows_with_its_length;

    #[test]
    fn colours_titles_links_and_controls_go() {
        for (line, text) in [
            ("\u{1b}[31mERROR\u{1b}[0m x\r\n", "ERROR x"),
            ("\u{1b}[1;38;5;196mERROR\u{1b}[m\u{1b}[K x", "ERROR x"),
            ("\u{9b}31mERROR\u{9b}0m x", "ERROR x"),
            ("#033[31mERROR#033[0m x", "ERROR x"),
            ("^[[31mERROR^[[0m \\u001b[1mx\\x1b[0m", "ERROR x"),
            ("\u{1b}]0;title\u{7}x \u{1b}]8;;http://a\u{1b}\\b\u{1b}]8;;\u{1b}\\", "x b"),
            ("\u{1b}]8;;a\u{1b}\\link\u{1b}]8;;\u{1b}\\ more\u{7} end", "link more end"),
            ("\u{1b}]0;cut \u{1b}[31mERROR\u{1b}[0m x\u{7}", "0;cut ERROR x"),
            ("\u{1b}(Bx\u{1b}=y", "xy"),
            ("\u{1b}]0;no end x", "0;no end x"),
            ("10%\r20%\r30% done", "10% 20% 30% done"),
            ("\0\0\0a\u{8}b\u{7f}", "ab"),
            ("\tat a.b(C.java:1)", "\tat a.b(C.java:1)"),
            ("\u{feff}x", "x"),
            ("a[0] m[b[c] #1 ^ \\n Â°", "a[0] m[b[c] #1 ^ \\n Â°"),
            ("arr\\033[x] \u{1b}", "arr\\033[x] "),
        ] {
            assert_eq!(clean(line), text, "{line:?}");
        }
    }

    #[test]
    fn what_could_not_be_read_is_told() {
        assert!(is_unread("a\u{fffd}") && is_unread("\0a") && !is_unread("a"));
        assert!(is_noise("\u{fffd}\u{fffd}") && is_noise("-- \u{fffd} --"));
        assert!(
            !is_noise("caf\u{fffd} is closed") && !is_noise("7 \u{fffd}\u{fffd}\u{fffd}\u{fffd}")
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn time_grows_with_the_length_whatever_a_line_repeats() {
        for piece in [
            "\u{1b}]",
            "\u{1b}[",
            "\u{1b}[1;",
            "\u{1b}",
            "#033[",
            "^[[1",
            "\\",
            "\0",
            "\u{9b}1",
            "\u{1b}]a\u{7}",
            "\u{1b}]a\u{1b}\\",
            "\u{1b}]a\u{1b}\\\u{1b}]\u{1b}[1mb\u{1b}P",
        ] {
            grows_with_its_length(piece, piece, |text| drop(clean(text)));
        }
    }
}

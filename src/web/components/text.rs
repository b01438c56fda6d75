//! Texts and figures, as people read them.

use super::tile::grouped;
use maud::{Markup, html};

/// How many characters of a text stay in a row. The rest opens on a click.
const HEAD: usize = 80;

/// What stands in a template for what differs from row to row.
#[cfg(feature = "monitor")]
pub(in crate::web) const VALUE: &str = "<*>";

/// A template as people read it, with the sign that the pages have for a value.
#[cfg(feature = "monitor")]
pub(in crate::web) fn values_marked(template: &str) -> String {
    template.replace(VALUE, "‹…›")
}

/// A text of any length. A short one is shown in one line; a long one shows its beginning and unfolds on a click.
pub(in crate::web) fn folded(id: &str, text: &str) -> Markup {
    let head: String = text.chars().take(HEAD).collect();
    html! {
        @if head.len() == text.len() && !text.contains('\n') {
            (text)
        } @else {
            details id=(id) {
                summary { (head.lines().next().unwrap_or_default()) "…" }
                pre tabindex="0" { (text) }
            }
        }
    }
}

/// A text with its parts between backticks shown as code.
pub(in crate::web) fn coded(text: &str) -> Markup {
    html! {
        @for (nth, part) in text.split('`').enumerate() {
            @if nth % 2 == 0 { (part) } @else { code { (part) } }
        }
    }
}

/// The text with a capital letter at its beginning.
pub(in crate::web) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// The text with separators in its whole numbers of four digits and more.
pub(in crate::web) fn separated(text: &str) -> String {
    let (mut out, mut digits) = (String::with_capacity(text.len() + 4), String::new());
    for c in text.chars().map(Some).chain([None]) {
        match c {
            Some(c) if c.is_ascii_digit() => digits.push(c),
            _ => {
                match digits.parse::<u64>() {
                    Ok(number) if digits.len() > 3 => out.push_str(&grouped(number)),
                    _ => out.push_str(&digits),
                }
                digits.clear();
                out.extend(c);
            }
        }
    }
    out
}

/// Bytes as people read them.
pub(in crate::web) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        1_048_576..1_073_741_824 => tenths(bytes, 1_048_576, "MiB"),
        _ => tenths(bytes, 1_073_741_824, "GiB"),
    }
}

fn tenths(bytes: u64, unit: u64, name: &str) -> String {
    format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit)
}

/// A number that the agent program says at its end, if it has said it.
pub(in crate::web) fn known(number: Option<i64>) -> String {
    number.map_or_else(|| "not known".to_owned(), |number| number.to_string())
}

/// A text of several lines as it was before a browser sent it, which ends each line with CR and LF.
pub(in crate::web) fn as_typed(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// JSON with line breaks, or the text as it is. Only the white space between is another: a number shows the digits that are
/// stored.
pub(in crate::web) fn pretty(text: &str) -> String {
    if serde_json::from_str::<serde_json::Value>(text).is_err() {
        return text.to_owned();
    }
    let (mut out, mut level, mut before) = (String::new(), 0_usize, ' ');
    let (mut in_text, mut is_escaped) = (false, false);
    let line = |out: &mut String, level: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", level));
    };
    for c in text.chars() {
        if in_text {
            out.push(c);
            in_text = is_escaped || c != '"';
            is_escaped = !is_escaped && c == '\\';
            continue;
        }
        match c {
            ' ' | '\t' | '\n' | '\r' => continue,
            '}' | ']' => {
                level = level.saturating_sub(1);
                if !matches!(before, '{' | '[') {
                    line(&mut out, level);
                }
            }
            _ if matches!(before, '{' | '[' | ',') => line(&mut out, level),
            _ => {}
        }
        out.push(c);
        match c {
            '{' | '[' => level += 1,
            ':' => out.push(' '),
            '"' => in_text = true,
            _ => {}
        }
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{capital, coded, pretty, separated};
    use serde_json::{Value, json};

    #[test]
    fn code_numbers_and_beginnings_are_written_for_people() {
        let shown = coded("`lamplighter jobs list` shows <them>").into_string();
        assert_eq!(shown, "<code>lamplighter jobs list</code> shows &lt;them&gt;");
        assert_eq!(separated("dollars from 0.01 to 100000"), "dollars from 0.01 to 100,000");
        assert_eq!(separated("1000, 999 or 5208"), "1,000, 999 or 5,208");
        assert_eq!(capital("a number"), "A number");
    }

    #[test]
    fn json_is_shown_with_line_breaks_and_with_the_digits_that_are_stored() {
        let value = json!({"a": [1, {"b": "}, \"{\\"}, [], {}], "c": "x: [y]", "d": null});
        assert_eq!(pretty(&value.to_string()), serde_json::to_string_pretty(&value).unwrap());
        let spaced = " [ 1 ,\t{ } ]\n";
        let value: Value = serde_json::from_str(spaced).unwrap();
        assert_eq!(pretty(spaced), serde_json::to_string_pretty(&value).unwrap());
        let exact = r#"{"id":12345678901234567890123,"b":1.10,"a":-0,"a":1e2}"#;
        let shown = pretty(exact);
        assert_eq!(shown.replace(['\n', ' '], ""), exact);
        assert_eq!(pretty("{no json"), "{no json");
        assert_eq!(pretty("7"), "7");
    }
}

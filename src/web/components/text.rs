//! Texts and figures, as people read them.

use maud::{Markup, html};

/// How many characters of a text stay in a row. The rest opens on a click.
const HEAD: usize = 80;

/// A text of any length. A short one is shown in one line; a long one shows its beginning and unfolds on a click.
pub(in crate::web) fn folded(id: &str, text: &str) -> Markup {
    let head: String = text.chars().take(HEAD).collect();
    html! {
        @if head.len() == text.len() && !text.contains('\n') {
            (text)
        } @else {
            details id=(id) {
                summary { (head.lines().next().unwrap_or_default()) "…" }
                pre { (text) }
            }
        }
    }
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

/// Dollars as people read them.
pub(in crate::web) fn usd(dollars: f64) -> String {
    if dollars > 0.0 && dollars < 0.095 {
        format!("${dollars:.4}")
    } else {
        format!("${dollars:.2}")
    }
}

/// A number that the agent program says at its end, or a dash until then.
pub(in crate::web) fn known(number: Option<i64>) -> String {
    number.map_or_else(|| "–".to_owned(), |number| number.to_string())
}

/// JSON with line breaks, or the text as it is.
pub(in crate::web) fn pretty(text: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(text);
    value.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_else(|_| text.to_owned())
}

//! What a message proposes in place of a text that is refused.
//!
//! *Invariant:* the parser takes every proposal, and a proposal names exactly the values that the refused text names in
//! the crontabs that take that text.

use super::field::{Field, digits};

/// `5/15`, which other crontabs read as "from 5 to the end of the field": `5-59/15`, or `5` where no second value fits.
pub(super) fn open_step(field: &Field, text: &str, value: u32, by: u32) -> String {
    let first = field.meant(value);
    let last = field.last();
    if by > last - first {
        return text.to_owned();
    }
    match field.names.last() {
        // A name stays a name; Sunday's 7 does not begin a week.
        Some(last) if !digits(text) => format!("{text}-{last}/{by}"),
        _ => format!("{first}-{last}/{by}"),
    }
}

/// `22-2`, which other crontabs read as "past the end of the field and on from its start": `22-23,0-2`. `low` and `high`
/// are the values of its two texts, `by` its step.
pub(super) fn around(
    field: &Field,
    (low_text, low): (&str, u32),
    (high_text, high): (&str, u32),
    by: u32,
) -> String {
    let (first, last) = (field.meant(low), field.last());
    let step = if by == 1 { String::new() } else { format!("/{by}") };
    // Sunday has a number at either end.
    if first <= high {
        return format!("{first}-{high}{step}");
    }
    if high == 0 && field.high == 7 {
        return format!("{first}-7{step}");
    }
    if by == 1 {
        return format!("{low_text}-{last},{}-{high_text}", field.low);
    }
    let size = last - field.low + 1;
    let values = (first..=high + size).step_by(by as usize);
    let values = values.map(|value| if value > last { value - size } else { value });
    values.map(|value| value.to_string()).collect::<Vec<_>>().join(",")
}

//! What the fields of any crontab hold: lists of values, names, ranges and steps.

use super::error::{CronError, refuse};
use super::field::{Field, digits};
use super::repair;
use super::set::range;

/// The comma-separated items of a field at `at`, and where each begins.
pub(super) fn items(at: usize, text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut next = at;
    text.split(',').map(move |item| {
        let at = next;
        next += item.len() + 1;
        (at, item)
    })
}

/// The set that a comma-separated list at `at` names.
pub(super) fn list(field: &Field, at: usize, text: &str) -> Result<u64, CronError> {
    items(at, text).try_fold(0, |set, (at, text)| Ok(set | item(field, at, text)?))
}

/// An item of a list: `*`, `5` or `1-30`; `*` and `1-30` may have a step.
pub(super) fn item(field: &Field, at: usize, text: &str) -> Result<u64, CronError> {
    let (values, by) = match text.split_once('/') {
        Some((values, step)) => (values, Some((at + values.len() + 1, step))),
        None => (text, None),
    };
    let (low, high) = match values.split_once('-') {
        None if values == "*" => (field.low, field.high),
        None => {
            let value = field.value(at, values)?;
            let Some((step_at, text)) = by else { return Ok(1 << value) };
            let by = number(field, step_at, text)?;
            let repair = repair::open_step(field, values, value, by);
            let reason = format!("a step follows `*` or a range: write {repair}");
            return refuse(step_at - 1, reason);
        }
        Some((low, high)) => {
            let behind = at + low.len() + 1;
            let (first, last) = (field.value(at, low)?, field.value(behind, high)?);
            if first > last {
                let by = by.map_or(Ok(1), |(at, text)| number(field, at, text))?;
                let repair = repair::around(field, (low, first), (high, last), by);
                return refuse(at, format!("{values} runs backwards: write {repair}"));
            }
            (first, last)
        }
    };
    let Some((step_at, step)) = by else { return Ok(range(low, high)) };
    let by = number(field, step_at, step)?;
    let size = field.size();
    if by > size && !field.long_steps {
        let repair = if values == "*" { format!("*/{size}") } else { low.to_string() };
        let reason = format!(
            "a step of {} is 1 to {size}, this is {step}: crontab would take {low} alone, so write {repair}, \
             or use an interval",
            field.name
        );
        return refuse(step_at, reason);
    }
    Ok((low..=high).step_by(by as usize).fold(0, |set, value| set | 1 << value))
}

/// The number of a step. One that is too large for 32 bits is beyond every field, so it need not be exact.
fn number(field: &Field, at: usize, text: &str) -> Result<u32, CronError> {
    let by = if digits(text) { text.parse().unwrap_or(u32::MAX) } else { 0 };
    if by > 0 {
        return Ok(by);
    }
    let name = field.name;
    let sizes =
        if field.long_steps { "from 1 on".into() } else { format!("1 to {}", field.size()) };
    refuse(at, format!("a step of {name} is {sizes}, this is {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::super::field::{DAYS, HOURS, MINUTES, MONTHS, SECONDS, WEEKDAYS};
    use super::*;

    const FIELDS: [&Field; 6] = [&SECONDS, &MINUTES, &HOURS, &DAYS, &MONTHS, &WEEKDAYS];

    /// The text that the error message proposes instead of the refused one.
    fn proposed(field: &Field, text: &str) -> String {
        let why = list(field, 0, text).unwrap_err().reason;
        let (_, proposed) = why.split_once("write ").unwrap_or_else(|| panic!("{text}: {why}"));
        proposed.split(", or").next().unwrap().to_owned()
    }

    /// The values of a text that is taken, Sunday's being 0.
    fn values(field: &Field, text: &str) -> Vec<u32> {
        let set = list(field, 0, text).unwrap_or_else(|why| panic!("{text}: {why}"));
        sorted(field, (0..64).filter(|value| set >> value & 1 == 1))
    }

    fn sorted(field: &Field, values: impl Iterator<Item = u32>) -> Vec<u32> {
        let values: std::collections::BTreeSet<_> =
            values.map(|value| if field.high == 7 && value == 7 { 0 } else { value }).collect();
        values.into_iter().collect()
    }

    /// The last value of a field, each value counted once.
    fn last(field: &Field) -> u32 {
        if field.high == 7 { 6 } else { field.high }
    }

    #[test]
    fn a_proposal_for_a_step_without_a_range_goes_on_to_the_end_of_the_field() {
        for field in FIELDS {
            for (start, by) in
                (field.low..=field.high).flat_map(|s| (1..=field.high + 9).map(move |by| (s, by)))
            {
                // 7 is Sunday, and the first day of a week as 0 is.
                let first = if start > last(field) { field.low } else { start };
                let meant = sorted(field, (first..=last(field)).step_by(by as usize));
                let name = field.names.get((start - field.low) as usize).map(|name| (*name).into());
                for text in [Some(start.to_string()), name].into_iter().flatten() {
                    let text = format!("{text}/{by}");
                    let proposed = proposed(field, &text);
                    assert_eq!(values(field, &proposed), meant, "{text}: {proposed}");
                }
            }
        }
    }

    #[test]
    fn a_proposal_for_a_range_that_runs_backwards_goes_around_the_end_of_the_field() {
        for field in FIELDS {
            let (low, last) = (field.low, last(field));
            let size = last - low + 1;
            for (start, end) in (low..=field.high).flat_map(|s| (low..s).map(move |e| (s, e))) {
                for by in 1..=size + 2 {
                    let first = if start > last { start - size } else { start };
                    let until = if first > end { end + size } else { end };
                    let around = (first..=until).step_by(by as usize);
                    let around =
                        around.map(|value| if value > last { value - size } else { value });
                    let step = if by == 1 { String::new() } else { format!("/{by}") };
                    let text = format!("{start}-{end}{step}");
                    let proposed = proposed(field, &text);
                    assert_eq!(
                        values(field, &proposed),
                        sorted(field, around),
                        "{text}: {proposed}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_proposal_for_a_step_beyond_the_field_names_its_first_value_and_keeps_the_star() {
        for field in FIELDS.into_iter().filter(|field| !field.long_steps) {
            for by in [field.size() + 1, 100, 9_999] {
                let starred = proposed(field, &format!("*/{by}"));
                assert!(starred.starts_with('*'), "a wildcard rule stays one: {starred}");
                assert_eq!(values(field, &starred), [field.low]);
                let ranged = proposed(field, &format!("{}-{}/{by}", field.low + 1, field.high));
                assert_eq!(values(field, &ranged), [field.low + 1]);
            }
        }
    }
}

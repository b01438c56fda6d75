//! Words of SQL that SQLite alone has, for statements whose rest any database takes. Each function prints a piece of SQL.

use std::fmt::Write as _;

/// The values of the JSON list that a parameter holds, as a query with the column `value`.
pub(in crate::store) fn members(list: &str) -> String {
    format!("SELECT value FROM json_each({list})")
}

/// The rows of the JSON list of lists that a parameter holds, as a query with these columns.
pub(in crate::store) fn rows(list: &str, columns: &[&str]) -> String {
    let mut sql = String::from("SELECT ");
    for (place, column) in columns.iter().enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        write!(sql, "{comma}value ->> {place} AS {column}").expect("a String takes every write");
    }
    sql + &format!(" FROM json_each({list})")
}

/// The rows of a table, each once for every value of the JSON list in its column `list`: `d.value`.
pub(in crate::store) fn unfolded(table: &str, list: &str) -> String {
    format!("{table} CROSS JOIN json_each({list}) d")
}

/// The values of a column as one JSON list, an aggregate.
#[cfg(feature = "monitor")]
pub(in crate::store) fn list_of(column: &str) -> String {
    format!("json_group_array({column})")
}

/// Whether a text has this part.
pub(in crate::store) fn contains(text: &str, part: &str) -> String {
    format!("instr({text}, {part}) > 0")
}

/// A table that is read in the order of its ids, whatever indexes it has.
pub(in crate::store) fn by_id(table: &str) -> String {
    format!("{table} NOT INDEXED")
}

/// A table that is read by this index.
pub(in crate::store) fn by_index(table: &str, index: &str) -> String {
    format!("{table} INDEXED BY {index}")
}

/// A step of a path into JSON.
pub(in crate::store) enum Step<'a> {
    Field(&'a str),
    Element(u32),
}

/// A path into JSON as [`member_is`] takes it.
pub(in crate::store) fn path<'a>(steps: impl IntoIterator<Item = Step<'a>>) -> String {
    let mut path = "$".to_owned();
    for step in steps {
        match step {
            Step::Field(name) => write!(path, ".\"{name}\""),
            Step::Element(place) => write!(path, "[{place}]"),
        }
        .expect("a String takes every write");
    }
    path
}

/// Whether the member of a JSON text at this path is this text, or else JSON of this text.
pub(in crate::store) fn member_is(json: &str, path: &str, text: &str) -> String {
    format!(
        "CASE WHEN json_type({json}, {path}) = 'text' THEN {json} ->> {path} ELSE {json} -> {path} END = {text}"
    )
}

/// Whether the member of a JSON text at this path is this number, however it is written.
pub(in crate::store) fn member_is_number(json: &str, path: &str, number: &str) -> String {
    format!("(json_type({json}, {path}) IN ('integer', 'real') AND {json} ->> {path} = {number})")
}

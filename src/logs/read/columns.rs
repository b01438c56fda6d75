//! Files of columns: what their header names, and cells between commas.

use super::access;
use super::level;
use super::names::{CELL_SAYS, CELL_TIME};
use crate::model::Level;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Most columns of a file.
const MAX_COLUMNS: usize = 100;

/// The columns of a file, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Columns {
    /// The extended format of the W3C, as IIS writes it: between blanks.
    Extended(Vec<String>),
    /// Between commas.
    Commas(Vec<String>),
}

impl Columns {
    /// Reads the header of a file, if the line is one.
    pub(super) fn header(line: &str) -> Option<Self> {
        if let Some(names) = line.strip_prefix("#Fields: ") {
            return Some(Self::Extended(
                names.split(' ').take(MAX_COLUMNS).map(str::to_owned).collect(),
            ));
        }
        let names: Vec<String> = line.split(',').take(MAX_COLUMNS).map(column).collect();
        let has = |wanted: &[&str]| names.iter().any(|name| wanted.contains(&name.as_str()));
        let fits = |name: &String| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.len() < 40
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b" _.-@".contains(&b))
        };
        let is_header =
            names.len() > 2 && names.iter().all(fits) && has(&CELL_TIME) && has(&CELL_SAYS);
        is_header.then_some(Self::Commas(names))
    }

    /// Whether the line is no event of such a file.
    pub(super) fn is_head(&self, line: &str) -> bool {
        match self {
            Self::Extended(_) => line.starts_with('#'),
            Self::Commas(names) => {
                let mut cells = line.split(',').map(column);
                names.iter().all(|name| cells.next().as_ref() == Some(name))
                    && cells.next().is_none()
            }
        }
    }

    /// The status of the answer that a line of the extended format tells of, and the path that was asked for.
    pub(super) fn answer<'a>(&self, line: &'a str) -> Option<access::Answer<'a>> {
        let Self::Extended(names) = self else { return None };
        let mut answer = access::Answer { path: None, status: 0 };
        for (name, value) in names.iter().zip(line.split(' ')) {
            match name.as_str() {
                "sc-status" => answer.status = value.parse().ok()?,
                "cs-uri-stem" => answer.path = Some(value),
                _ => {}
            }
        }
        (answer.status >= 100).then_some(answer)
    }

    /// The cells of a line by the names of their columns.
    pub(super) fn named(&self, line: &str) -> Option<Map<String, Value>> {
        let Self::Commas(names) = self else { return None };
        let cells = cells(line, names.len());
        let pairs = names.iter().zip(cells).filter(|(_, cell)| !cell.is_empty());
        Some(pairs.map(|(name, cell)| (name.clone(), cell.into())).collect())
    }

    /// Whether a cell in quotes may go on in the next line.
    pub(super) fn has_quotes(&self) -> bool {
        matches!(self, Self::Commas(_))
    }
}

/// A column's name as other formats have it.
fn column(name: &str) -> String {
    let name = name.trim().trim_matches('"').to_ascii_lowercase();
    if name == "date and time" { "time".to_owned() } else { name }
}

/// Whether a cell in quotes is open at a text's end, if one was or was not at its start.
pub(super) fn leaves_open(text: &str, mut quoted: bool) -> bool {
    if !text.contains('"') {
        return quoted;
    }
    // Within quotes two quotes are one: the second opens the cell again.
    let mut opens = !quoted;
    for b in text.bytes() {
        match b {
            b'"' if quoted => (quoted, opens) = (false, true),
            b'"' if opens => quoted = true,
            b',' => opens = true,
            b' ' => {}
            _ => opens = false,
        }
    }
    quoted
}

/// The cells between commas, at most so many: the last takes the rest. A quote opens at a cell's start only; within quotes
/// two quotes are one.
fn cells(line: &str, most: usize) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let (mut chars, mut commas) = (line.chars().peekable(), 0);
    while let Some(c) = chars.next() {
        commas = if c == ',' && !quoted { commas + 1 } else { 0 };
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.trim_start().is_empty() => {
                quoted = true;
                cell.clear();
            }
            ',' if !quoted && cells.len() + 1 < most => cells.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    // Empty cells that no column names are nothing.
    cell.truncate(cell.len().saturating_sub(commas));
    cells.push(cell);
    cells
}

/// Fewest cells of a line that is cells without a header.
const MIN_CELLS: usize = 6;

/// The level and the message of cells that no header names: a cell that is a level, and the first with words behind it.
pub(super) fn unnamed(text: &str) -> Option<(Level, String)> {
    text.split(',').nth(MIN_CELLS)?;
    let cells = cells(text, usize::MAX);
    let upper = |cell: &&String| {
        !cell.is_empty() && cell.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    let at = cells.iter().position(|cell| upper(&cell) && level::word(cell).is_some())?;
    let message = cells[at + 1..].iter().find(|cell| cell.contains(' '))?;
    Some((level::word(&cells[at])?, message.clone()))
}

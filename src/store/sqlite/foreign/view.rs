//! The table of another program as the table of ours: a view with our names, whose values are of our types.

use crate::error::{Code, Error, Result};
use crate::model::{Level, LogColumn, LogTable};
use rusqlite::{Connection, named_params};
use std::fmt::Write as _;

/// The severities of syslog by their numbers; what other numbers mean differs from program to program.
const SEVERITIES: [Level; 8] = [
    Level::Critical,
    Level::Critical,
    Level::Critical,
    Level::Error,
    Level::Warning,
    Level::Info,
    Level::Info,
    Level::Debug,
];

/// A column of the table as it is declared.
struct Declared {
    name: String,
    kind: String,
    /// Its place in the primary key, from 1 on; 0: it is not in it.
    key: i64,
}

/// Makes the view `logs` of this connection.
///
/// # Errors
/// `LOGS-DB-002` if there is no such table, or a column is missing.
pub(super) fn create(conn: &Connection, table: &LogTable) -> Result<()> {
    let declared = declared(conn, &table.table)?;
    if declared.is_empty() {
        let tables = names(conn)?;
        let why =
            format!("it has no table {:?}; {}", table.table, listed("its tables are", &tables));
        return Err(Error::new(Code::LogTableShape, why));
    }
    let mut sql = String::from("CREATE TEMP VIEW logs AS SELECT ");
    write!(sql, "{} AS id", id(conn, table, &declared)?).expect("a String takes every write");
    for column in LogColumn::ALL {
        let value = value(table, column, &declared)?;
        if column == LogColumn::Level {
            write!(sql, ", {value} AS known_level, coalesce({value}, 'INFO') AS level")
                .expect("a String takes every write");
            let raw = level_text(table, &declared)?;
            write!(sql, ", {raw} AS level_text").expect("a String takes every write");
            continue;
        }
        write!(sql, ", {value} AS {}", column.as_str()).expect("a String takes every write");
    }
    write!(sql, ", NULL AS created_at FROM main.{}", quoted(&table.table))
        .expect("a String takes every write");
    Ok(conn.execute_batch(&sql)?)
}

fn declared(conn: &Connection, table: &str) -> Result<Vec<Declared>> {
    const SQL: &str = "SELECT name, type, pk FROM pragma_table_xinfo(:table, 'main')";
    let column = |row: &rusqlite::Row<'_>| {
        Ok(Declared { name: row.get(0)?, kind: row.get(1)?, key: row.get(2)? })
    };
    let mut statement = conn.prepare(SQL)?;
    let columns = statement.query_map(named_params! {":table": table}, column)?;
    Ok(columns.collect::<rusqlite::Result<_>>()?)
}

fn names(conn: &Connection) -> Result<Vec<String>> {
    const SQL: &str = "
        SELECT name FROM main.sqlite_schema
        WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
        ORDER BY name
        LIMIT 50";
    let mut statement = conn.prepare(SQL)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

fn listed(what: &str, names: &[String]) -> String {
    if names.is_empty() { "it has none".to_owned() } else { format!("{what} {}", names.join(", ")) }
}

fn missing(column: &str, table: &LogTable, declared: &[Declared]) -> Error {
    let names: Vec<_> = declared.iter().map(|column| column.name.clone()).collect();
    let why = format!(
        "its table {:?} has no column {column:?}; {}",
        table.table,
        listed("its columns are", &names)
    );
    Error::new(Code::LogTableShape, why)
}

/// What grows with each row: the column that is named, else the table's own number of a row.
fn id(conn: &Connection, table: &LogTable, declared: &[Declared]) -> Result<String> {
    if let Some(name) = &table.id {
        let column = find(declared, name).ok_or_else(|| missing(name, table, declared))?;
        return Ok(quoted(&column.name));
    }
    let keys: Vec<_> = declared.iter().filter(|column| column.key > 0).collect();
    if let [key] = keys.as_slice()
        && key.kind.eq_ignore_ascii_case("INTEGER")
    {
        return Ok(quoted(&key.name));
    }
    let Some(own) =
        ["rowid", "_rowid_", "oid"].into_iter().find(|name| find(declared, name).is_none())
    else {
        return Err(missing("rowid", table, declared));
    };
    let asked = format!("SELECT {own} FROM main.{} LIMIT 0", quoted(&table.table));
    if conn.prepare(&asked).is_err() {
        let why = "it numbers no rows; name a column of whole numbers that grow, as id under [monitoring.log_columns]";
        return Err(Error::new(Code::LogTableShape, format!("table {:?}: {why}", table.table)));
    }
    Ok(own.to_owned())
}

fn value(table: &LogTable, column: LogColumn, declared: &[Declared]) -> Result<String> {
    let wanted = table.columns.get(&column);
    let name = wanted.map_or(column.as_str(), String::as_str);
    let Some(found) = find(declared, name) else {
        if wanted.is_some() || column.is_needed() {
            return Err(missing(name, table, declared));
        }
        let is_source = column == LogColumn::Source;
        return Ok(if is_source { text(&table.source()) } else { "NULL".to_owned() });
    };
    let own = quoted(&found.name);
    Ok(match column {
        LogColumn::Timestamp => instant(&own),
        LogColumn::Level => level(&own, table),
        LogColumn::Source => {
            format!("coalesce(nullif(CAST({own} AS TEXT), ''), {})", text(&table.source()))
        }
        LogColumn::Message => format!("coalesce(CAST({own} AS TEXT), '')"),
        LogColumn::CorrelationId
        | LogColumn::UserId
        | LogColumn::RequestPath
        | LogColumn::ExtraData => format!("CAST({own} AS TEXT)"),
    })
}

/// What the column of levels says.
fn level_text(table: &LogTable, declared: &[Declared]) -> Result<String> {
    let name = table.columns.get(&LogColumn::Level).map_or("level", String::as_str);
    let found = find(declared, name).ok_or_else(|| missing(name, table, declared))?;
    Ok(format!("CAST({} AS TEXT)", quoted(&found.name)))
}

fn find<'a>(declared: &'a [Declared], name: &str) -> Option<&'a Declared> {
    declared.iter().find(|column| column.name.eq_ignore_ascii_case(name))
}

/// A number since 1970 in the unit that its size tells, or a text.
fn instant(own: &str) -> String {
    let number = format!("CAST({own} AS REAL)");
    format!(
        "CASE WHEN typeof({own}) IN ('integer', 'real')
                OR (typeof({own}) = 'text' AND {own} GLOB '[0-9]*' AND {own} NOT GLOB '*[^0-9.]*')
              THEN coalesce(strftime('%Y-%m-%dT%H:%M:%fZ', {number} / CASE
                WHEN abs({number}) < 1e11 THEN 1 WHEN abs({number}) < 1e14 THEN 1e3
                WHEN abs({number}) < 1e17 THEN 1e6 ELSE 1e9 END, 'unixepoch'), '')
              ELSE coalesce(CAST({own} AS TEXT), '') END"
    )
}

/// The words and numbers of the configuration, then those that programs commonly use; NULL for what is none of them.
fn level(own: &str, table: &LogTable) -> String {
    let word = format!("lower(trim(CAST({own} AS TEXT)))");
    let mut sql = format!("CASE {word}");
    let mut when = |word: &str, level: Level| {
        write!(sql, " WHEN {} THEN '{level}'", text(&word.to_lowercase()))
            .expect("a String takes every write");
    };
    for (word, level) in &table.levels {
        when(word, *level);
    }
    for (level, words) in Level::WORDS {
        for word in words {
            when(word, level);
        }
    }
    for (number, level) in SEVERITIES.into_iter().enumerate() {
        when(&number.to_string(), level);
    }
    sql + " END"
}

/// A name in quotes.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text in quotes.
fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

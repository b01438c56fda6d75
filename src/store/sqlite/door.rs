//! The SQL of the query door: a connection on which nothing but one harmless SELECT can be prepared.
//!
//! *Source:* <https://sqlite.org/security.html>. What is allowed is listed, so that what SQLite learns later is refused.

use crate::error::{Code, Error, Result};
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error as Sql, ErrorCode, OpenFlags};
use serde_json::Value;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// `LMPS`, the mark of a snapshot in SQLite's header.
pub const SNAPSHOT_ID: i32 = i32::from_be_bytes(*b"LMPS");

/// Steps of SQLite's machine between two looks at the time: some tens of microseconds.
const STEPS: i32 = 1_000;

/// What SQLite allows far more of than a question needs.
const LIMITS: [(Limit, i32); 11] = [
    // The longest value and row, in bytes: many times the longest message of a snapshot.
    (Limit::SQLITE_LIMIT_LENGTH, 1_000_000),
    // The longest question.
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 64 * 1024),
    (Limit::SQLITE_LIMIT_COLUMN, 200),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 50),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 20),
    (Limit::SQLITE_LIMIT_VDBE_OP, 25_000),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 20),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    // A pattern with many wildcards is one long step, in which nobody looks at the clock.
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200),
    (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
];

/// Tables that may be read besides the file's own.
const TABLES: [&str; 5] =
    ["sqlite_schema", "sqlite_master", "json_each", "json_tree", "pragma_table_info"];

/// Functions of values alone. None makes a large value of a small one, except what the first of the limits bounds.
const FUNCTIONS: &str = "
    -> ->> abs avg ceil ceiling char coalesce concat concat_ws count cume_dist current_date current_time
    current_timestamp date datetime dense_rank first_value floor format glob group_concat hex if ifnull iif instr json
    json_array json_array_length json_extract json_group_array json_group_object json_object json_quote json_type
    json_valid julianday lag last_value lead length like likelihood likely lower ltrim max min nth_value ntile nullif
    octet_length percent_rank printf quote rank replace round row_number rtrim sign strftime string_agg substr
    substring sum time timediff total trim trunc typeof unhex unicode unixepoch unlikely upper";

pub(in crate::store) fn ask(
    file: &Path,
    sql: &str,
    time: Duration,
    mut row: impl FnMut(&[String], Vec<Value>) -> ControlFlow<()>,
) -> Result<()> {
    let since = Instant::now();
    let conn = open(file)?;
    let failed = |error| in_its_words(error, time);
    conn.progress_handler(STEPS, Some(move || since.elapsed() > time)).map_err(failed)?;
    guard(&conn).map_err(failed)?;
    let mut statement = conn.prepare(sql).map_err(failed)?;
    if !statement.readonly() || statement.column_count() == 0 {
        return Err(refused("only a SELECT is answered here"));
    }
    let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let mut rows = statement.raw_query();
    while let Some(found) = rows.next().map_err(failed)? {
        let values = (0..columns.len()).map(|column| found.get_ref(column).map(value));
        if row(&columns, values.collect::<Result<_, _>>().map_err(failed)?).is_break() {
            break;
        }
    }
    Ok(())
}

/// Opens a snapshot and refuses everything else. It follows no link, writes nothing and reads no file beside it.
#[expect(clippy::disallowed_methods, reason = "the door has one connection of its own")]
fn open(file: &Path) -> Result<Connection> {
    let no = |why: &dyn std::fmt::Display| refused(format!("{}: {why}", file.display()));
    let found = fs::symlink_metadata(file).map_err(|error| no(&error))?;
    if !found.is_file() {
        return Err(no(&"not a plain file"));
    }
    // The folder may be behind links, the file may not: SQLite is told so too, in case somebody has just swapped it.
    let parent = file.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    let parent = parent.canonicalize().map_err(|error| no(&error))?;
    let mut uri = "file://".to_owned();
    for byte in parent.join(file.file_name().unwrap_or_default()).as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'_' | b'-' => uri.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            byte => write!(uri, "%{byte:02X}").expect("a String takes everything"),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(uri, flags).map_err(|error| no(&error))?;
    // The header only: no schema is parsed before the file is known to be ours.
    let id: i32 = conn
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(|_| no(&"not a snapshot of a scan; nothing else is opened"))?;
    if id != SNAPSHOT_ID {
        return Err(no(&"not a snapshot of a scan; nothing else is opened"));
    }
    Ok(conn)
}

/// Takes from a connection everything but SELECT on the tables of its own file.
fn guard(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    conn.pragma_update(None, "query_only", true)?;
    // A query sorts in memory: no file is written anywhere.
    conn.pragma_update(None, "temp_store", "memory")?;
    for (limit, most) in LIMITS {
        conn.set_limit(limit, most)?;
    }
    let mut tables = names(
        conn,
        "SELECT lower(name) FROM sqlite_schema WHERE type = 'view' OR type = 'table' AND rootpage > 0",
    )?;
    tables.extend(TABLES.map(str::to_owned));
    let modules = names(conn, "SELECT lower(name) FROM pragma_module_list")?;
    let functions: HashSet<&str> = FUNCTIONS.split_whitespace().collect();
    conn.authorizer(Some(move |asked: AuthContext<'_>| {
        if is_harmless(asked.action, &functions, &tables, &modules) {
            Authorization::Allow
        } else {
            Authorization::Deny
        }
    }))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what is not listed is refused")]
fn is_harmless(
    action: AuthAction<'_>,
    functions: &HashSet<&str>,
    tables: &HashSet<String>,
    modules: &HashSet<String>,
) -> bool {
    match action {
        AuthAction::Select | AuthAction::Recursive => true,
        AuthAction::Function { function_name } => {
            functions.contains(&*function_name.to_ascii_lowercase())
        }
        AuthAction::Pragma { pragma_name, .. } => pragma_name.eq_ignore_ascii_case("table_info"),
        AuthAction::Read { table_name, column_name } => {
            let table = table_name.to_ascii_lowercase();
            // A read without a column may be a count of the rows of a common table expression.
            tables.contains(&table) || column_name.is_empty() && !modules.contains(&table)
        }
        _ => false,
    }
}

fn names(conn: &Connection, sql: &str) -> rusqlite::Result<HashSet<String>> {
    conn.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Blob(bytes) => {
            let digits = bytes.iter().fold(String::new(), |mut digits, byte| {
                write!(digits, "{byte:02x}").expect("a String takes everything");
                digits
            });
            format!("x'{digits}'").into()
        }
    }
}

fn refused(why: impl Into<String>) -> Error {
    Error::new(Code::AgentDoor, why)
}

/// What SQLite says, without the query that the caller knows.
fn in_its_words(error: rusqlite::Error, time: Duration) -> Error {
    if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) {
        return refused(format!("its {} s are over; narrow the query", time.as_secs_f32()));
    }
    if let Sql::SqliteFailure(_, Some(words)) | Sql::SqlInputError { msg: words, .. } = error {
        return refused(words);
    }
    refused(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    /// More than any question of these tests takes.
    const AMPLE: Duration = Duration::from_mins(1);

    #[expect(clippy::disallowed_methods, reason = "a snapshot for the tests")]
    fn snapshot(id: i32) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let conn = Connection::open(folder.path().join("a %?#.db")).unwrap();
        conn.pragma_update(None, "application_id", id).unwrap();
        let sql = "
            CREATE TABLE logs (id INTEGER PRIMARY KEY, level TEXT, message TEXT, extra_data TEXT);
            INSERT INTO logs VALUES (1, 'ERROR', 'disk full', '{\"a\": [1, 2]}'), (2, 'INFO', 'ok', x'00ff');
            CREATE VIEW errors AS SELECT * FROM logs WHERE level = 'ERROR';
            CREATE VIRTUAL TABLE words USING fts5(word)";
        conn.execute_batch(sql).unwrap();
        folder
    }

    fn asked(sql: &str, time: Duration) -> (Vec<Vec<Value>>, Result<()>) {
        let folder = snapshot(SNAPSHOT_ID);
        let mut rows = Vec::new();
        let done = ask(&folder.path().join("a %?#.db"), sql, time, |_, values| {
            rows.push(values);
            ControlFlow::Continue(())
        });
        (rows, done)
    }

    fn answer(sql: &str) -> Value {
        let (rows, done) = asked(sql, AMPLE);
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
        json!(rows)
    }

    #[test]
    fn questions_as_agents_ask_them_are_answered() {
        for (sql, rows) in [
            ("SELECT id, message FROM logs ORDER BY id DESC", json!([[2, "ok"], [1, "disk full"]])),
            ("SELECT count(*) FROM logs; -- all", json!([[2]])),
            ("SELECT upper(substr(message, 1, 4)) FROM errors", json!([["DISK"]])),
            ("WITH t AS (SELECT level FROM logs) SELECT count(*) FROM t", json!([[2]])),
            (
                "SELECT json_extract(extra_data, '$.a[1]'), extra_data ->> '$.a[0]' FROM errors",
                json!([[2, 1]]),
            ),
            ("SELECT value FROM errors, json_each(extra_data, '$.a')", json!([[1], [2]])),
            ("SELECT id FROM logs WHERE message LIKE '%full%' OR message GLOB 'x*'", json!([[1]])),
            (
                "SELECT level, row_number() OVER (ORDER BY id), null FROM logs",
                json!([["ERROR", 1, null], ["INFO", 2, null]]),
            ),
            ("SELECT extra_data FROM logs WHERE id = 2", json!([["x'00ff'"]])),
            ("SELECT name FROM sqlite_master WHERE type = 'view'", json!([["errors"]])),
            ("SELECT name FROM pragma_table_info('logs') LIMIT 1", json!([["id"]])),
            ("SELECT date('2026-01-31', '+1 day')", json!([["2026-02-01"]])),
            ("SELECT ?1", json!([[null]])),
        ] {
            assert_eq!(answer(sql), rows, "{sql}");
        }
        assert_eq!(answer("PRAGMA table_info(logs)").as_array().unwrap().len(), 4);
    }

    #[test]
    fn everything_else_is_refused_and_answers_nothing() {
        for sql in [
            "",
            "-- nothing",
            "SELECT 1; SELECT 2",
            "INSERT INTO logs (id) VALUES (3)",
            "DELETE FROM logs",
            "CREATE TEMP TABLE t (x)",
            "CREATE VIRTUAL TABLE temp.t USING fts5(x)",
            "BEGIN",
            "SAVEPOINT s",
            "ATTACH '/etc/passwd' AS x",
            "ATTACH ':memory:' AS x",
            "DETACH main",
            "VACUUM INTO 'copy.db'",
            "REINDEX",
            "ANALYZE",
            "PRAGMA database_list",
            "PRAGMA writable_schema = 1",
            "PRAGMA query_only = 0",
            "PRAGMA temp_store_directory = '/tmp'",
            "PRAGMA journal_mode = wal",
            "SELECT * FROM pragma_database_list",
            "SELECT count(*) FROM pragma_database_list",
            "SELECT * FROM dbstat",
            "SELECT count(*) FROM dbstat",
            "SELECT * FROM sqlite_dbpage",
            "SELECT * FROM words",
            "SELECT * FROM fts3tokenize('simple', 'x')",
            "SELECT fts3_tokenizer('simple')",
            "SELECT load_extension('x')",
            "SELECT sqlite_version()",
            "SELECT zeroblob(100)",
            "SELECT randomblob(100)",
            "SELECT printf('%.*c', 2000000, 'x')",
            "SELECT * FROM logs WHERE message MATCH 'x'",
        ] {
            let (rows, done) = asked(sql, AMPLE);
            let error = done.expect_err(sql);
            assert_eq!((error.code(), rows.len()), (Code::AgentDoor, 0), "{sql}");
        }
    }

    #[test]
    fn a_question_without_end_ends_in_time_and_its_rows_so_far_are_there() {
        let time = Duration::from_millis(50);
        let (rows, done) = asked(
            "SELECT 1 UNION ALL SELECT * FROM (WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c)
             SELECT count(*) FROM c)",
            time,
        );
        assert!(done.unwrap_err().to_string().contains("0.05 s are over; narrow the query"));
        assert_eq!(rows, [[json!(1)]]);
    }

    #[test]
    fn only_a_plain_file_with_the_mark_of_a_snapshot_is_opened() {
        let refused = |file: &Path| {
            let done = ask(file, "SELECT 1", AMPLE, |_, _| panic!("{} answers", file.display()));
            assert_eq!(done.unwrap_err().code(), Code::AgentDoor);
        };
        let folder = snapshot(SNAPSHOT_ID);
        let file = folder.path().join("a %?#.db");
        let link = folder.path().join("link");
        symlink(&file, &link).unwrap();
        refused(&link);
        let text = folder.path().join("text");
        fs::write(&text, "a text, and long enough for a header of SQLite".repeat(9)).unwrap();
        refused(&text);
        let uri = format!("file:{}", file.display());
        for bad in ["", ":memory:", "/", "/dev/stdin", "/dev/zero", "no-such-file", &uri] {
            refused(Path::new(bad));
        }
        let jobs = snapshot(i32::from_be_bytes(*b"LMPL"));
        refused(&jobs.path().join("a %?#.db"));
        // The folder may be behind a link, as /tmp is on some systems.
        let link = jobs.path().join("folder");
        symlink(folder.path(), &link).unwrap();
        ask(&link.join("a %?#.db"), "SELECT 1", AMPLE, |_, _| ControlFlow::Continue(())).unwrap();
    }
}

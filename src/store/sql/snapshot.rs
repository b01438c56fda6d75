//! The file of a snapshot: a draft that is filled, renamed when it is whole, and read by row id.

use super::logs::{self, Stored};
use crate::error::{Code, Error, Result, ignore};
use crate::model::{Cited, Level, LogRow, RowTemplate, Timestamp};
use crate::store::sqlite::door::SNAPSHOT_ID;
use crate::store::sqlite::row::optional_text;
use rusqlite::{Connection, OpenFlags, named_params};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The tables; an agent is shown them as they stand here.
pub(in crate::store) const SCHEMA: &str = "\
CREATE TABLE logs (
  id             INTEGER PRIMARY KEY,
  timestamp      TEXT NOT NULL,   -- ISO 8601
  level          TEXT NOT NULL,   -- DEBUG, INFO, WARNING, ERROR or CRITICAL
  source         TEXT NOT NULL,   -- the program or module
  message        TEXT NOT NULL,
  correlation_id TEXT,            -- ties the rows of one request together
  user_id        TEXT,
  request_path   TEXT,
  extra_data     TEXT,            -- a JSON object
  created_at     INTEGER,
  template_id    INTEGER          -- the template of a row of WARNING, ERROR or CRITICAL
);
CREATE INDEX logs_template_id ON logs (template_id);
CREATE INDEX logs_level ON logs (level);
CREATE INDEX logs_source ON logs (source);
CREATE INDEX logs_correlation_id ON logs (correlation_id);
-- The rows of level WARNING, ERROR and CRITICAL, grouped by what they say: <*> stands for a value.
CREATE TABLE templates (
  id          INTEGER PRIMARY KEY,
  template    TEXT NOT NULL,
  source      TEXT NOT NULL,
  level       TEXT NOT NULL,
  count       INTEGER NOT NULL,
  first_id    INTEGER NOT NULL,
  last_id     INTEGER NOT NULL,
  first_seen  TEXT NOT NULL,      -- the timestamp of its first row here
  last_seen   TEXT NOT NULL,      -- that of its last row
  known_since TEXT,               -- since when earlier scans know it; NULL: it is new
  UNIQUE (template, source, level)
);
-- How many of these rows each hour had.
CREATE TABLE template_hours (
  template_id INTEGER NOT NULL,
  hour        TEXT NOT NULL,      -- ISO 8601, in UTC
  count       INTEGER NOT NULL,
  PRIMARY KEY (template_id, hour)
) WITHOUT ROWID;
";

/// A snapshot that is being filled. Dropped before [`Draft::finish`], it leaves no file.
#[derive(Debug)]
pub(in crate::store) struct Draft {
    conn: Connection,
    file: DraftFile,
    path: PathBuf,
    /// The templates so far, by text, source and level.
    templates: BTreeMap<(String, String, Level), Counted>,
}

/// The rows of a template.
#[derive(Debug)]
struct Counted {
    id: i64,
    count: i64,
    /// The ids and the timestamps of its first and its last row.
    ids: [i64; 2],
    seen: [String; 2],
    known_since: Option<Timestamp>,
    hours: BTreeMap<Timestamp, i64>,
}

/// The file under its other name, removed unless it was renamed.
#[derive(Debug)]
struct DraftFile(PathBuf);

impl Drop for DraftFile {
    fn drop(&mut self) {
        let removed = fs::remove_file(&self.0);
        ignore(removed, "the draft is gone after a finish, and else goes with its folder");
    }
}

impl Draft {
    /// An empty snapshot, for its owner only, beside `path`.
    ///
    /// Needs no journal and no sync: nobody reads the file before it is whole, and after a crash it is made anew.
    #[expect(clippy::disallowed_methods, reason = "a snapshot is a database of its own")]
    pub(in crate::store) fn create(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let draft = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
        let io = |e| Error::new(Code::StoreIo, format!("create {}", draft.display())).because(e);
        let file = DraftFile(draft.clone());
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)
            .map_err(io)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(&draft, flags)?;
        conn.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
        conn.pragma_update(None, "synchronous", "OFF")?;
        conn.pragma_update(None, "application_id", SNAPSHOT_ID)?;
        conn.execute_batch(SCHEMA)?;
        Ok(Self { conn, file, path: path.to_owned(), templates: BTreeMap::new() })
    }

    /// Adds rows that are not there yet, each with its template, if it has one.
    pub(in crate::store) fn add(
        &mut self,
        rows: &[Stored],
        templates: &[Option<RowTemplate>],
    ) -> Result<()> {
        const ROW: &str = "
            INSERT OR IGNORE INTO logs (
                id, timestamp, level, source, message, correlation_id, user_id, request_path, extra_data, created_at,
                template_id)
            VALUES (
                :id, :timestamp, :level, :source, :message, :correlation_id, :user_id, :request_path, :extra_data,
                :created_at, :template)";
        let tx = self.conn.transaction()?;
        for (Stored { row, created_at }, template) in rows.iter().zip(templates) {
            let template =
                template.as_ref().map(|template| count(&mut self.templates, row, template));
            let LogRow { id, row } = row;
            tx.prepare_cached(ROW)?.execute(named_params! {
                ":id": id,
                ":timestamp": row.timestamp,
                ":level": row.level.as_str(),
                ":source": row.source,
                ":message": row.message,
                ":correlation_id": row.correlation_id,
                ":user_id": row.user_id,
                ":request_path": row.request_path,
                ":extra_data": row.extra_data,
                ":created_at": created_at,
                ":template": template,
            })?;
        }
        Ok(tx.commit()?)
    }

    /// The next correlation ids after `seen`, in their order, each with the last row that has it.
    pub(in crate::store) fn correlations(
        &self,
        seen: &str,
        limit: usize,
    ) -> Result<Vec<(String, i64)>> {
        const SQL: &str = "
            SELECT correlation_id, max(id)
            FROM logs
            WHERE correlation_id > :seen AND level NOT IN ('DEBUG', 'INFO')
            GROUP BY correlation_id
            ORDER BY correlation_id
            LIMIT :limit";
        let mut statement = self.conn.prepare_cached(SQL)?;
        let params = named_params! {":seen": seen, ":limit": limit as i64};
        let rows = statement.query_map(params, |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Puts the file on disk and under its name; answers its largest row id and its number of templates.
    pub(in crate::store) fn finish(self) -> Result<(Option<i64>, u64)> {
        const SQL: &str = "
            SELECT (SELECT max(id) FROM logs), (SELECT count(*) FROM templates)";
        let Self { conn, file, path, templates } = self;
        write(&conn, &templates)?;
        let figures = conn
            .query_row(SQL, [], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))
            .map_err(Error::from)?;
        conn.close().map_err(|(_, error)| error)?;
        let io = |e| Error::new(Code::StoreIo, format!("finish {}", path.display())).because(e);
        File::open(&file.0).and_then(|draft| draft.sync_all()).map_err(io)?;
        fs::rename(&file.0, &path).map_err(io)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
        Ok(figures)
    }
}

/// Counts a row of a template; answers the template's id.
fn count(
    templates: &mut BTreeMap<(String, String, Level), Counted>,
    row: &LogRow,
    template: &RowTemplate,
) -> i64 {
    let LogRow { id, row } = row;
    let next = templates.len() as i64 + 1;
    let key = (template.text.clone(), row.source.clone(), row.level);
    let counted = templates.entry(key).or_insert_with(|| Counted {
        id: next,
        count: 0,
        ids: [*id; 2],
        seen: [row.timestamp.clone(), String::new()],
        known_since: template.known_since,
        hours: BTreeMap::new(),
    });
    counted.count += 1;
    counted.ids[1] = *id;
    counted.seen[1].clone_from(&row.timestamp);
    if let Some(at) = Timestamp::from_iso(&row.timestamp) {
        *counted.hours.entry(at.hour()).or_default() += 1;
    }
    counted.id
}

fn write(conn: &Connection, templates: &BTreeMap<(String, String, Level), Counted>) -> Result<()> {
    const TEMPLATE: &str = "
        INSERT INTO templates (
            id, template, source, level, count, first_id, last_id, first_seen, last_seen, known_since)
        VALUES (
            :id, :template, :source, :level, :count, :first_id, :last_id, :first_seen, :last_seen, :since)";
    const HOUR: &str = "
        INSERT INTO template_hours (template_id, hour, count)
        VALUES (:template, :hour, :count)";
    let tx = conn.unchecked_transaction()?;
    for ((template, source, level), counted) in templates {
        tx.prepare_cached(TEMPLATE)?.execute(named_params! {
            ":id": counted.id,
            ":template": template,
            ":source": source,
            ":level": level.as_str(),
            ":count": counted.count,
            ":first_id": counted.ids[0],
            ":last_id": counted.ids[1],
            ":first_seen": counted.seen[0],
            ":last_seen": counted.seen[1],
            ":since": counted.known_since.map(|since| since.to_string()),
        })?;
        for (hour, count) in &counted.hours {
            let hour = hour.to_string();
            let params = named_params! {":template": counted.id, ":hour": hour, ":count": count};
            tx.prepare_cached(HOUR)?.execute(params)?;
        }
    }
    Ok(tx.commit()?)
}

/// The rows of a snapshot with these ids, oldest first, each once.
#[expect(clippy::disallowed_methods, reason = "a snapshot is a database of its own")]
pub(in crate::store) fn cited(path: &Path, ids: &[i64]) -> Result<Vec<Cited>> {
    let sql = format!(
        "SELECT {},
            (SELECT template FROM templates WHERE id = template_id),
            (SELECT sum(t.count) FROM templates t JOIN templates own USING (template, source) WHERE own.id = template_id)
         FROM logs
         WHERE id IN (SELECT value FROM json_each(:ids))
         ORDER BY id",
        logs::COLUMNS
    );
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    let mut statement = conn.prepare(&sql)?;
    let ids = serde_json::json!(ids).to_string();
    let rows = statement.query_map(named_params! {":ids": ids}, |row| {
        let alike: Option<i64> = row.get(10)?;
        Ok(Cited {
            row: logs::from_row(row)?,
            template: optional_text(row, 9)?,
            alike: alike.unwrap_or(0) as u64,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

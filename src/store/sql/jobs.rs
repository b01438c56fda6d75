//! Rows of `jobs`: insert and read.

use super::row_set::{BoundRow, ROWS, values};
use crate::error::{Code, Error, Result};
use crate::model::{
    Admitted, BatchId, ConcurrencyKey, FirstPlace, Job, JobEdit, JobEvent, JobId, Kind, NewJob,
    Occurrence, OnInterrupt, ParkedBy, Queue, Tag, Timestamp, UniqueKey, WaitsFor, WorkerId,
};
use crate::store::sqlite::row::{instant, kind, optional_text, parsed, text, word};
use crate::store::sqlite::{dialect, ledger};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

/// The name of a worker whose name cannot be read.
const UNREADABLE: &str = "unreadable";

/// Whether the name of a worker stands in its row as it was read.
pub(super) fn is_readable(name: &str) -> bool {
    name != UNREADABLE && !name.contains(char::REPLACEMENT_CHARACTER)
}

macro_rules! columns {
    (|$row:ident, $at:ident| $first:ident: $name:literal = $get:expr; $($field:ident: $column:literal = $read:expr;)*) => {
        /// The columns that [`from_row`] reads, in its order.
        pub(super) const COLUMNS: &str = concat!($name $(, ", ", $column)*);

        /// Where each is in a row.
        #[expect(non_camel_case_types, reason = "each has the name of the field that is read there")]
        enum Column { $first, $($field,)* }

        pub(super) fn from_row($row: &Row<'_>) -> rusqlite::Result<Job> {
            Ok(Job {
                $first: { let $at = Column::$first as usize; $get },
                $($field: { let $at = Column::$field as usize; $read },)*
            })
        }
    };
}

// Each field of a job, the column that it is in, and how it is read there.
columns! {
    |row, at|
    id: "id" = JobId(row.get(at)?);
    kind: "kind" = kind(row, at)?;
    queue: "queue" = parsed(row, at, |text| Queue::parse(text).ok())?;
    priority: "priority" = row.get(at)?;
    status: "status" = word(row, at)?;
    payload: "payload" = text(row, at)?;
    trigger: "trigger" = word(row, at)?;
    attempt: "attempt" = row.get(at)?;
    max_attempts: "max_attempts" = row.get(at)?;
    interrupted: "interrupted" = row.get(at)?;
    on_interrupt: "on_interrupt" = parsed(row, at, |text| OnInterrupt::from_str(text).ok())?;
    epoch: "epoch" = row.get(at)?;
    // Names that are not text: a worker nobody is, and keys that nobody shares.
    worker_id: "worker_id" = parsed(row, at, |text| {
        WorkerId::parse(text).or_else(|_| WorkerId::parse(UNREADABLE)).ok()
    })?;
    unique_key: "unique_key" = parsed(row, at, |text| Some(UniqueKey::parse(text).ok()))?.flatten();
    concurrency_key: "concurrency_key" =
        parsed(row, at, |text| Some(ConcurrencyKey::parse(text).ok()))?.flatten();
    waits_for: "waits_for" = parsed(row, at, |text| WaitsFor::from_str(text).ok())?;
    parked_by: "parked_by" = parsed(row, at, |text| ParkedBy::from_str(text).ok())?;
    run_at: "run_at" = Timestamp::from_millis(row.get(at)?);
    created_at: "created_at" = Timestamp::from_millis(row.get(at)?);
    started_at: "started_at" = instant(row, at)?;
    finished_at: "finished_at" = instant(row, at)?;
    cancel_requested_at: "cancel_requested_at" = instant(row, at)?;
    parent_id: "parent_id" = row.get::<_, Option<i64>>(at)?.map(JobId);
    batch_id: "batch_id" = row.get::<_, Option<i64>>(at)?.map(BatchId);
    correlation_id: "correlation_id" = optional_text(row, at)?;
    tags: "tags" = parsed(row, at, |text| Some(tags(text)))?.unwrap_or_default();
    result: "result" = optional_text(row, at)?;
    error: "error" = optional_text(row, at)?;
    error_code: "error_code" = optional_text(row, at)?;
    timeout: "timeout_ms" =
        row.get::<_, Option<i64>>(at)?.map(|ms| Duration::from_millis(ms.max(1) as u64));
    schedule_id: "schedule_id" = row.get(at)?;
    occurrence: "occurrence_at" = occurrence(row, at)?;
    progress: "progress" = optional_text(row, at)?;
    rate_key: "rate_key" = optional_text(row, at)?;
    counted: "counted" = row.get(at)?;
}

/// The occurrence that a job is for: an instant of its schedule.
fn occurrence(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Occurrence>> {
    let schedule_id: Option<i64> = row.get(Column::schedule_id as usize)?;
    let instant = instant(row, at)?;
    Ok(schedule_id.zip(instant).map(|(schedule_id, at)| Occurrence { schedule_id, at }))
}

/// Those that can be read.
fn tags(text: &str) -> Vec<Tag> {
    let words: Vec<String> = serde_json::from_str(text).unwrap_or_default();
    words.into_iter().filter_map(|word| Tag::parse(word).ok()).collect()
}

/// How many jobs of a kind wait, by the counts and by the rows that are not admitted yet; of those at most `limit` are
/// counted.
pub(in crate::store) fn count_waiting(conn: &Connection, kind: &Kind, limit: i64) -> Result<i64> {
    const SQL: &str = "
        SELECT (SELECT coalesce(sum(count), 0) FROM job_counts WHERE kind = :kind AND status = 'queued')
             + (SELECT count(*) FROM (
                    SELECT 1
                    FROM jobs
                    WHERE waits_for = 'admission' AND kind = :kind AND counted = 0
                    LIMIT :limit) fresh)";
    let params = named_params! {":kind": kind.as_str(), ":limit": limit};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
}

/// A job that is to be stored, with what its row takes from elsewhere.
pub(in crate::store) struct NewRow<'a> {
    pub(in crate::store) job: &'a NewJob,
    pub(in crate::store) unique_key: Option<&'a UniqueKey>,
    /// The place that it has from the beginning; `None`: the poller admits it.
    pub(in crate::store) place: Option<FirstPlace>,
    pub(in crate::store) now: Timestamp,
}

impl NewRow<'_> {
    fn admitted(&self) -> Option<&Admitted> {
        self.place.as_ref().map(|place| &place.admitted)
    }
}

macro_rules! new_row {
    (|$row:ident| $($column:literal = $value:expr;)*) => {
        /// The columns that a new row says something of.
        const NEW_COLUMNS: &[&str] = &[$($column),*];

        /// Binds a row's values.
        fn bind(to: &mut BoundRow<'_, '_>, $row: &NewRow<'_>) -> Result<()> {
            $(to.bind($value)?;)*
            Ok(())
        }
    };
}

// Each column, and what a new row says there.
new_row! {
    |row|
    "kind" = row.job.kind.as_str();
    "payload" = row.job.payload.as_str();
    "trigger" = row.job.trigger.as_str();
    "queue" = row.admitted().map(|admitted| &admitted.queue).or(row.job.queue.as_ref()).map(Queue::as_str);
    "priority" = row.admitted().map(|admitted| admitted.priority).or(row.job.priority);
    "run_at" = row.job.starts_at(row.now).millis();
    "parked_by" = row.job.is_delayed().then(|| ParkedBy::Delay.as_str());
    "created_at" = row.now.millis();
    "max_attempts" = row.admitted().map(|admitted| admitted.max_attempts).or(row.job.max_attempts);
    "on_interrupt" = row.admitted().map(|admitted| admitted.on_interrupt.as_str());
    "waits_for" = row.place.is_none().then(|| WaitsFor::Admission.as_str());
    "claim_order" = row.place.as_ref().map(|place| place.claim_order);
    "counted" = row.place.is_some();
    "timeout_ms" = row.job.timeout.map(|length| length.as_millis() as i64);
    "unique_key" = row.unique_key.map(UniqueKey::as_str);
    "unique_window_ms" = row.job.unique_window.map(|length| length.as_millis() as i64);
    "concurrency_key" = row.job.concurrency_key.as_ref().map(ConcurrencyKey::as_str);
    "schedule_id" = row.job.payer();
    "occurrence_at" = row.job.occurrence.map(|occurrence| occurrence.at.millis());
    "parent_id" = row.job.parent_id.map(|id| id.0);
    "batch_id" = row.job.batch.map(|id| id.0);
    "correlation_id" = &row.job.correlation_id;
    "tags" = row.job.stored_tags();
}

/// The statements that store one row, and [`ROWS`] of them.
static INSERTS: LazyLock<[String; 2]> = LazyLock::new(|| {
    [1, ROWS].map(|rows| {
        let (columns, values) = (NEW_COLUMNS.join(", "), values(NEW_COLUMNS.len(), rows));
        format!("INSERT INTO jobs ({columns}) VALUES {values} RETURNING id")
    })
});

/// Stores jobs as any program may, queued for the poller to admit, or with the places that they have. Answers their ids in
/// their order. Those with a place are to be counted.
pub(in crate::store) fn insert(conn: &Connection, rows: &[NewRow<'_>]) -> Result<Vec<JobId>> {
    let mut ids = Vec::with_capacity(rows.len());
    let (sets, single) = rows.split_at(rows.len() - rows.len() % ROWS);
    for set in sets.chunks(ROWS).chain(single.chunks(1)) {
        let mut statement = conn.prepare_cached(&INSERTS[usize::from(set.len() > 1)])?;
        for (place, row) in set.iter().enumerate() {
            let at = (place, NEW_COLUMNS.len());
            BoundRow::bind_all(&mut statement, at, |to| bind(to, row))?;
        }
        let stored = statement.raw_query().mapped(|row| row.get(0).map(JobId));
        let mut stored = stored.collect::<rusqlite::Result<Vec<_>>>()?;
        // A trigger of an application's may have kept a row out.
        if stored.len() != set.len() {
            return Err(rusqlite::Error::StatementChangedRows(stored.len()).into());
        }
        // Ids grow from row to row; in which order they come back is not said.
        stored.sort_unstable();
        ids.append(&mut stored);
    }
    Ok(ids)
}

/// The job that holds a unique key.
pub(in crate::store) fn holder(
    conn: &Connection,
    kind: &Kind,
    key: &UniqueKey,
) -> Result<Option<JobId>> {
    const SQL: &str = "
        SELECT id
        FROM jobs
        WHERE kind = :kind AND unique_key = :key
          AND unique_key IS NOT NULL AND (finished_at IS NULL OR unique_window_ms IS NOT NULL)";
    let params = named_params! {":kind": kind.as_str(), ":key": key.as_str()};
    let id = conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0)).optional()?;
    Ok(id.map(JobId))
}

pub(in crate::store) fn get(conn: &Connection, id: JobId) -> Result<Option<Job>> {
    let sql = format!("SELECT {COLUMNS} FROM jobs WHERE id = :id");
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row(named_params! {":id": id.0}, from_row).optional()?)
}

/// Those of the jobs that are final, or not there any more.
pub(in crate::store) fn not_open(conn: &Connection, ids: &[JobId]) -> Result<Vec<JobId>> {
    let sql = format!(
        "SELECT m.value
         FROM ({}) m
         WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE id = m.value AND finished_at IS NULL)",
        dialect::members(":ids")
    );
    let params = named_params! {":ids": list(ids)};
    let mut statement = conn.prepare_cached(&sql)?;
    let gone = statement.query_map(params, |row| row.get(0).map(JobId))?;
    Ok(gone.collect::<rusqlite::Result<_>>()?)
}

/// The ends of the jobs that have become final since then, oldest first, of at most `limit` rows; and whether there may be
/// more. A row that another program has spoilt is left out: it must not hide the others.
pub(in crate::store) fn ends(
    conn: &Connection,
    since: Timestamp,
    limit: usize,
) -> Result<(Vec<JobEvent>, bool)> {
    let sql = format!(
        "SELECT {} FROM jobs WHERE finished_at >= :since ORDER BY finished_at, id LIMIT :limit",
        lean()
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows =
        statement.query(named_params! {":since": since.millis(), ":limit": limit as i64})?;
    let (mut ends, mut read) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        read += 1;
        let Ok(job) = from_row(row) else { continue };
        let at = job.finished_at.unwrap_or(since);
        ends.push(JobEvent { from: None, ..JobEvent::of(&job, job.status, None, at) });
    }
    Ok((ends, read == limit))
}

/// Whether nothing runs, nothing can start, nothing waits to be admitted and nothing is due.
pub(in crate::store) fn is_idle(conn: &Connection, now: Timestamp) -> Result<bool> {
    const SQL: &str = "
        SELECT NOT (EXISTS (SELECT 1 FROM jobs WHERE claim_order IS NOT NULL)
            OR EXISTS (SELECT 1 FROM jobs WHERE waits_for = 'admission')
            OR EXISTS (SELECT 1 FROM job_ended)
            OR EXISTS (SELECT 1 FROM jobs WHERE status = 'running')
            OR EXISTS (SELECT 1 FROM jobs WHERE status = 'scheduled' AND waits_for IS NULL AND run_at <= :now)
            OR (EXISTS (SELECT 1 FROM job_rates WHERE free_at <= :now) AND EXISTS (SELECT 1 FROM jobs WHERE waits_for = 'rate'))
            OR EXISTS (SELECT 1 FROM job_schedules WHERE paused_at IS NULL AND next_at <= :now))";
    let params = named_params! {":now": now.millis()};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
}

/// Whether a run of an agent program may have been begun for the job. A file without the program's tables does not say.
pub(in crate::store) fn has_begun_run(conn: &Connection, id: JobId) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM sessions WHERE job_id = :id)";
    if !ledger::has_program(conn)? {
        return Ok(true);
    }
    let params = named_params! {":id": id.0};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
}

/// Ids as a statement takes a set of them.
pub(in crate::store) fn list(ids: &[JobId]) -> String {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    serde_json::json!(ids).to_string()
}

/// The jobs of these ids, in no particular order; missing ones are left out.
pub(in crate::store) fn of(conn: &Connection, ids: &[JobId]) -> Result<Vec<Job>> {
    let sql = format!("SELECT {COLUMNS} FROM jobs WHERE id IN ({})", dialect::members(":ids"));
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(named_params! {":ids": list(ids)}, from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The columns without those that may be long and decide nothing about where a job goes. The payload of a schedule's job may
/// name a budget.
pub(super) fn lean() -> String {
    without(&["progress", "result", "error", "error_code"]).replacen(
        "payload",
        "CASE WHEN schedule_id IS NULL THEN '{}' ELSE payload END AS payload",
        1,
    )
}

/// The columns that decide what becomes of a running job when its attempt ends.
pub(super) fn of_an_end() -> String {
    without(&[
        "unique_key",
        "correlation_id",
        "tags",
        "timeout_ms",
        "schedule_id",
        "occurrence_at",
        "parent_id",
        "rate_key",
        "progress",
        "result",
        "error",
        "error_code",
    ])
    .replacen("payload", "'{}' AS payload", 1)
}

/// The columns, with NULL for these.
fn without(left_out: &[&str]) -> String {
    let column = |name: &str| {
        if left_out.contains(&name) { format!("NULL AS {name}") } else { name.to_owned() }
    };
    COLUMNS.split(", ").map(column).collect::<Vec<_>>().join(", ")
}

/// The job of this id.
///
/// # Errors
/// `JOB-ID-001` if there is none.
pub(in crate::store) fn existing(conn: &Connection, id: JobId) -> Result<Job> {
    get(conn, id)?.ok_or_else(|| Error::new(Code::JobUnknown, format!("there is no job {id}")))
}

/// The jobs that this has parked beyond `now`, in one queue or in all, those that are due first first; without their long
/// texts.
pub(in crate::store) fn parked(
    conn: &Connection,
    parked_by: ParkedBy,
    queue: Option<&Queue>,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Job>> {
    let sql = format!(
        "SELECT {}
         FROM jobs
         WHERE status = 'scheduled' AND waits_for IS NULL AND run_at > :now
           AND (:queue IS NULL OR queue = :queue) AND parked_by = :parked_by
         ORDER BY run_at, id
         LIMIT :limit",
        lean()
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {
        ":queue": queue.map(Queue::as_str),
        ":parked_by": parked_by.as_str(),
        ":now": now.millis(),
        ":limit": limit as i64,
    };
    Ok(statement.query_map(params, from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// Gives a waiting job the values that an edit names. Under another time nothing parks it any more.
pub(in crate::store) fn set_values(conn: &Connection, job: &Job, edit: &JobEdit) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET priority = coalesce(:priority, priority),
            run_at = coalesce(:run_at, run_at),
            parked_by = CASE WHEN :run_at IS NULL THEN parked_by END,
            payload = coalesce(:payload, payload),
            max_attempts = coalesce(:max_attempts, max_attempts)
        WHERE id = :id AND status = :status AND epoch = :epoch";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": job.id.0,
        ":status": job.status.as_str(),
        ":epoch": job.epoch,
        ":priority": edit.priority,
        ":run_at": edit.run_at.map(Timestamp::millis),
        ":payload": edit.payload.as_ref().map(ToString::to_string),
        ":max_attempts": edit.max_attempts,
    })?;
    Ok(())
}

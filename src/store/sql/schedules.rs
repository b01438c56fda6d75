//! Rows of `job_schedules` and `job_decisions`.

use crate::error::{Code, Error, Result};
use crate::model::{
    Actor, CatchUp, JobId, Json, Kind, Occurrence, Overlap, PastDecision, Plan, Queue, Rule,
    Schedule, ScheduleName, Timestamp, Verdict,
};
use crate::store::sqlite::dialect;
use crate::store::sqlite::row::{instant, optional_text, text, word};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, named_params};
use serde_json::{Value, json};
use std::time::Duration;

/// The columns that [`from_row`] reads, in its order.
const COLUMNS: &str = "id, name, rule, kind, payload, queue, priority, catch_up, overlap, stagger_ms, reserved, \
    paused_at, paused_by, cursor_at, last_at, next_at, created_at, updated_at, updated_by";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Schedule> {
    let name = ScheduleName::parse(text(row, 1)?);
    Ok(Schedule {
        id: row.get(0)?,
        name: name.map_err(|_| crate::store::sqlite::error::unreadable(1, "name"))?,
        plan: plan(row)?.map_err(|error| error.to_string()),
        reserved: row.get(10)?,
        paused_at: instant(row, 11)?,
        paused_by: optional_text(row, 12)?,
        cursor_at: Timestamp::from_millis(row.get(13)?),
        last_at: instant(row, 14)?,
        next_at: instant(row, 15)?,
        created_at: Timestamp::from_millis(row.get(16)?),
        updated_at: Timestamp::from_millis(row.get(17)?),
        updated_by: text(row, 18)?,
    })
}

/// What the row plans. Another program may have written what we cannot read, which is an answer: one such row must not
/// stop the others.
fn plan(row: &Row<'_>) -> rusqlite::Result<Result<Plan>> {
    let (rule, kind, payload) = (text(row, 2)?, text(row, 3)?, text(row, 4)?);
    let (queue, priority) = (optional_text(row, 5)?, row.get(6)?);
    let (catch_up, overlap) = (text(row, 7)?, text(row, 8)?);
    let stagger = Duration::from_millis(row.get::<_, i64>(9)?.max(0) as u64);
    let json = |text: &str| {
        serde_json::from_str::<Value>(text).map_err(|why| {
            Error::new(Code::ScheduleUnreadable, "its JSON cannot be read").because(why)
        })
    };
    let read = || {
        Plan {
            queue: queue.map(|queue: String| Queue::parse(queue)).transpose()?,
            payload: Json::stored(&payload),
            priority,
            catch_up: CatchUp::parse(&catch_up)?,
            overlap: Overlap::parse(&overlap)?,
            stagger,
            ..Plan::new(Rule::from_json(&json(&rule)?)?, Kind::parse(kind)?)
        }
        .checked()
    };
    Ok(read())
}

pub(in crate::store) fn get(conn: &Connection, name: &ScheduleName) -> Result<Option<Schedule>> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM job_schedules WHERE name = :name"))?;
    Ok(statement.query_row(named_params! {":name": name.as_str()}, from_row).optional()?)
}

/// The schedules after the first `skip`, by name.
pub(in crate::store) fn list(
    conn: &Connection,
    skip: u64,
    limit: usize,
) -> Result<(Vec<Schedule>, u64)> {
    const COUNT: &str = "
        SELECT count(*)
        FROM job_schedules";
    let sql =
        format!("SELECT {COLUMNS} FROM job_schedules ORDER BY name LIMIT :limit OFFSET :skip");
    let count: i64 = conn.prepare_cached(COUNT)?.query_row([], |row| row.get(0))?;
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {":limit": limit as i64, ":skip": skip as i64};
    let schedules = statement.query_map(params, from_row)?;
    Ok((schedules.collect::<rusqlite::Result<_>>()?, count as u64))
}

/// How many there are.
pub(in crate::store) fn count(conn: &Connection) -> Result<u64> {
    const SQL: &str = "
        SELECT count(*)
        FROM job_schedules";
    Ok(conn.prepare_cached(SQL)?.query_row([], |row| row.get::<_, i64>(0))? as u64)
}

/// Stores a schedule that has seen everything up to the first of these instants, and is due at the second.
pub(in crate::store) fn insert(
    conn: &Connection,
    (name, reserved): (&ScheduleName, bool),
    plan: &Plan,
    (cursor, next): (Timestamp, Option<Timestamp>),
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_schedules (name, rule, kind, payload, queue, priority, catch_up, overlap, stagger_ms, reserved,
            cursor_at, next_at, created_at, updated_at, updated_by)
        VALUES (:name, :rule, :kind, :payload, :queue, :priority, :catch_up, :overlap, :stagger_ms, :reserved,
            :cursor, :next, :now, :now, :by)";
    let own = named_params! {":name": name.as_str(), ":reserved": reserved};
    write(conn, SQL, own, (plan, cursor, next), actor, now)
}

/// Writes another plan, what of it is seen, and when it is due.
pub(in crate::store) fn set_plan(
    conn: &Connection,
    id: i64,
    plan: &Plan,
    (cursor, next): (Timestamp, Option<Timestamp>),
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE job_schedules
        SET rule = :rule,
            kind = :kind,
            payload = :payload,
            queue = :queue,
            priority = :priority,
            catch_up = :catch_up,
            overlap = :overlap,
            stagger_ms = :stagger_ms,
            cursor_at = :cursor,
            next_at = :next,
            updated_at = :now,
            updated_by = :by
        WHERE id = :id";
    write(conn, SQL, named_params! {":id": id}, (plan, cursor, next), actor, now)
}

/// Runs a statement that takes a plan, what of it is seen and when it is due, beside parameters of its own.
fn write(
    conn: &Connection,
    sql: &str,
    own: &[(&str, &dyn ToSql)],
    (plan, cursor, next): (&Plan, Timestamp, Option<Timestamp>),
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let shared = named_params! {
        ":rule": plan.rule.to_json().to_string(),
        ":kind": plan.kind.as_str(),
        ":payload": plan.payload.to_string(),
        ":queue": plan.queue.as_ref().map(Queue::as_str),
        ":priority": plan.priority,
        ":catch_up": plan.catch_up.to_string(),
        ":overlap": plan.overlap.as_str(),
        ":stagger_ms": plan.stagger.as_millis() as i64,
        ":cursor": cursor.millis(),
        ":next": next.map(Timestamp::millis),
        ":now": now.millis(),
        ":by": actor.name,
    };
    conn.prepare_cached(sql)?.execute([own, shared].concat().as_slice())?;
    Ok(())
}

/// Pauses a schedule, or lets it go on.
pub(in crate::store) fn set_pause(
    conn: &Connection,
    id: i64,
    paused_at: Option<Timestamp>,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE job_schedules
        SET paused_at = :paused_at, paused_by = :paused_by, updated_at = :now, updated_by = :by
        WHERE id = :id";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": id,
        ":paused_at": paused_at.map(Timestamp::millis),
        ":paused_by": paused_at.map(|_| &actor.name),
        ":now": now.millis(),
        ":by": actor.name,
    })?;
    Ok(())
}

/// Removes a schedule with its decisions.
pub(in crate::store) fn delete(conn: &Connection, id: i64) -> Result<()> {
    const SQL: &str = "
        DELETE FROM job_schedules
        WHERE id = :id";
    conn.prepare_cached(SQL)?.execute(named_params! {":id": id})?;
    Ok(())
}

/// The schedules that are due, those of the earliest occurrence first.
pub(in crate::store) fn due(
    conn: &Connection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Schedule>> {
    let sql = format!(
        "SELECT {COLUMNS}
         FROM job_schedules
         WHERE next_at <= :now AND next_at IS NOT NULL AND paused_at IS NULL
         ORDER BY next_at
         LIMIT :limit"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {":now": now.millis(), ":limit": limit as i64};
    let schedules = statement.query_map(params, from_row)?;
    Ok(schedules.collect::<rusqlite::Result<_>>()?)
}

/// When the next schedule is due.
pub(in crate::store) fn next_due(conn: &Connection) -> Result<Option<Timestamp>> {
    const SQL: &str = "
        SELECT next_at
        FROM job_schedules
        WHERE next_at IS NOT NULL AND paused_at IS NULL
        ORDER BY next_at
        LIMIT 1";
    let next: Option<i64> = conn.prepare_cached(SQL)?.query_row([], |row| row.get(0)).optional()?;
    Ok(next.map(Timestamp::from_millis))
}

/// Whether jobs of a schedule's occurrences wait, and whether one runs. Jobs that a person started from it do not count.
pub(in crate::store) fn open_jobs(conn: &Connection, id: i64) -> Result<(bool, bool)> {
    const SQL: &str = "
        SELECT EXISTS (
                SELECT 1 FROM jobs
                WHERE schedule_id = :id AND schedule_id IS NOT NULL AND finished_at IS NULL
                  AND occurrence_at IS NOT NULL AND (status = 'queued' OR status = 'scheduled')),
            EXISTS (
                SELECT 1 FROM jobs
                WHERE schedule_id = :id AND schedule_id IS NOT NULL AND finished_at IS NULL
                  AND occurrence_at IS NOT NULL AND status = 'running')";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    Ok(conn.prepare_cached(SQL)?.query_row(named_params! {":id": id}, read)?)
}

/// Writes how far a schedule is: what it has seen, its last occurrence if there is a new one, and when it is due.
pub(in crate::store) fn advance(
    conn: &Connection,
    id: i64,
    cursor: Timestamp,
    last: Option<Timestamp>,
    next: Option<Timestamp>,
) -> Result<()> {
    const SQL: &str = "
        UPDATE job_schedules
        SET cursor_at = :cursor, last_at = coalesce(:last, last_at), next_at = :next
        WHERE id = :id";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": id,
        ":cursor": cursor.millis(),
        ":last": last.map(Timestamp::millis),
        ":next": next.map(Timestamp::millis),
    })?;
    Ok(())
}

/// Forgets what was decided about occurrences after `now`, apart from those that have a job.
pub(in crate::store) fn forget_beyond(conn: &Connection, id: i64, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        DELETE FROM job_decisions
        WHERE schedule_id = :id AND occurrence_at > :now AND job_id IS NULL";
    conn.prepare_cached(SQL)?.execute(named_params! {":id": id, ":now": now.millis()})?;
    Ok(())
}

/// The newest occurrence up to `now` that was decided.
pub(in crate::store) fn last_before(
    conn: &Connection,
    id: i64,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    const SQL: &str = "
        SELECT max(occurrence_at)
        FROM job_decisions
        WHERE schedule_id = :id AND occurrence_at <= :now";
    let params = named_params! {":id": id, ":now": now.millis()};
    let last: Option<i64> = conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?;
    Ok(last.map(Timestamp::from_millis))
}

/// Writes from where a schedule counts after the clock was set back: its rule, what it has seen, its last occurrence, and when
/// it is due.
pub(in crate::store) fn set_back(
    conn: &Connection,
    id: i64,
    rule: Option<&Rule>,
    (cursor, last, next): (Timestamp, Option<Timestamp>, Option<Timestamp>),
) -> Result<()> {
    const SQL: &str = "
        UPDATE job_schedules
        SET rule = coalesce(:rule, rule), cursor_at = :cursor, last_at = :last, next_at = :next
        WHERE id = :id";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": id,
        ":rule": rule.map(|rule| rule.to_json().to_string()),
        ":cursor": cursor.millis(),
        ":last": last.map(Timestamp::millis),
        ":next": next.map(Timestamp::millis),
    })?;
    Ok(())
}

/// What was decided last, newest first.
pub(in crate::store) fn decisions(
    conn: &Connection,
    id: i64,
    limit: usize,
) -> Result<Vec<PastDecision>> {
    const SQL: &str = "
        SELECT d.occurrence_at, d.decision, d.decided_at, d.job_id, d.detail, j.status
        FROM job_decisions d
        LEFT JOIN jobs j ON j.id = d.job_id
        WHERE d.schedule_id = :id
        ORDER BY d.occurrence_at DESC
        LIMIT :limit";
    let mut statement = conn.prepare_cached(SQL)?;
    let rows = statement.query_map(named_params! {":id": id, ":limit": limit as i64}, |row| {
        Ok(PastDecision {
            occurrence_at: Timestamp::from_millis(row.get(0)?),
            decision: word(row, 1)?,
            decided_at: Timestamp::from_millis(row.get(2)?),
            job_id: row.get::<_, Option<i64>>(3)?.map(JobId),
            detail: optional_text(row, 4)?.unwrap_or_default(),
            job_status: optional_text(row, 5)?.and_then(|status| status.parse().ok()),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Writes a decision down; answers whether there was none about this occurrence.
pub(in crate::store) fn record(
    conn: &Connection,
    schedule_id: i64,
    occurrence_at: Timestamp,
    verdict: Verdict,
    detail: &str,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "
        INSERT INTO job_decisions (schedule_id, occurrence_at, decision, decided_at, detail)
        VALUES (:id, :at, :decision, :now, :detail)
        ON CONFLICT (schedule_id, occurrence_at) DO NOTHING";
    let rows = conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": schedule_id,
        ":at": occurrence_at.millis(),
        ":decision": verdict.as_str(),
        ":now": now.millis(),
        ":detail": (!detail.is_empty()).then_some(detail),
    })?;
    Ok(rows > 0)
}

/// Notes the job that a decision has made.
pub(in crate::store) fn made(
    conn: &Connection,
    schedule_id: i64,
    occurrence_at: Timestamp,
    job: JobId,
) -> Result<()> {
    const SQL: &str = "
        UPDATE job_decisions
        SET job_id = :job_id
        WHERE schedule_id = :id AND occurrence_at = :at";
    let at = occurrence_at.millis();
    let params = named_params! {":id": schedule_id, ":at": at, ":job_id": job.0};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}

/// Writes into the decisions about these occurrences that a budget has put their jobs off, each with the reason.
pub(in crate::store) fn decide_over_budget(
    conn: &Connection,
    decided: &[(Occurrence, &str)],
) -> Result<()> {
    let sql = format!(
        "UPDATE job_decisions
         SET decision = :decision, detail = m.detail
         FROM ({}) m
         WHERE job_decisions.schedule_id = m.schedule_id AND job_decisions.occurrence_at = m.occurrence_at",
        dialect::rows(":decided", &["schedule_id", "occurrence_at", "detail"])
    );
    if decided.is_empty() {
        return Ok(());
    }
    let rows = decided
        .iter()
        .map(|(occurrence, why)| json!([occurrence.schedule_id, occurrence.at.millis(), why]));
    let rows = Value::from(rows.collect::<Vec<_>>()).to_string();
    let decision = Verdict::OverBudget.as_str();
    conn.prepare_cached(&sql)?.execute(named_params! {":decided": rows, ":decision": decision})?;
    Ok(())
}

//! Rows of `sessions`: what a run of an agent program was.

use super::lease::{self, IS_HELD};
use crate::error::Result;
use crate::model::{
    JobId, Lease, OpenRun, PRIORITY_STEP_MS, Process, RunEnding, RunSpent, Session, SessionEnd,
    SessionMeter, SessionRun, SessionStart, Timestamp,
};
use crate::store::sqlite::row::{instant, optional_text, page, parsed, text, word};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, named_params};
use serde_json::json;
use std::path::PathBuf;

/// The columns that [`from_row`] reads, of `jobs j LEFT JOIN sessions s`.
pub(super) const COLUMNS: &str = "j.id, j.status, j.trigger, j.created_at, j.started_at, j.finished_at, j.cancel_requested_at, \
    j.error, j.error_code, j.progress, j.parent_id, CASE WHEN j.kind = 'agent_session' THEN j.payload END, s.job_id, \
    s.tier, s.profile, s.model, s.prompt_file, s.prompt_text, s.continues_id, s.working_dir, s.place, s.isolation, \
    s.agent_version, s.cli_session_id, s.exit_code, s.ending, s.response, s.structured, s.cost_usd, s.cost_at_least, s.num_turns, \
    s.duration_ms, s.input_tokens, s.output_tokens, s.transcript_bytes, s.transcript_lines, s.transcript_dropped, \
    s.began_at, s.ended_at, s.note, s.given, s.counts_at_least, s.answer_of, \
    (SELECT name FROM job_schedules WHERE id = j.schedule_id), s.refused, s.meter";
pub(super) const FROM: &str = "FROM jobs j LEFT JOIN sessions s ON s.job_id = j.id";

/// What an attempt adds to its session's sums. An attempt of which nothing is known leaves them as they are.
const ADD_SPENT: &str = "cost_usd = coalesce(cost_usd + :cost, cost_usd, :cost),
            cost_at_least = cost_at_least OR :at_least,
            num_turns = coalesce(num_turns + :turns, num_turns, :turns),
            counts_at_least = counts_at_least OR :counts_at_least,
            input_tokens = coalesce(input_tokens + :input, input_tokens, :input),
            output_tokens = coalesce(output_tokens + :output, output_tokens, :output)";

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Session> {
    let request = optional_text(row, 11)?;
    Ok(Session {
        id: JobId(row.get(0)?),
        status: word(row, 1)?,
        trigger: word(row, 2)?,
        created_at: Timestamp::from_millis(row.get(3)?),
        started_at: instant(row, 4)?,
        finished_at: instant(row, 5)?,
        cancel_requested_at: instant(row, 6)?,
        error: optional_text(row, 7)?,
        error_code: optional_text(row, 8)?,
        progress: optional_text(row, 9)?,
        parent_id: row.get::<_, Option<i64>>(10)?.map(JobId),
        schedule: optional_text(row, 43)?,
        request: request.and_then(|payload| serde_json::from_str(&payload).ok()),
        run: match row.get::<_, Option<i64>>(12)? {
            Some(_) => Some(run_from_row(row)?),
            None => None,
        },
    })
}

fn run_from_row(row: &Row<'_>) -> rusqlite::Result<SessionRun> {
    let count = |column| row.get::<_, i64>(column).map(|count| count as u64);
    Ok(SessionRun {
        tier: row.get(13)?,
        profile: parsed(row, 14, |word| Some(word.parse().ok()))?.flatten(),
        model: optional_text(row, 15)?,
        prompt_file: optional_text(row, 16)?,
        prompt_text: optional_text(row, 17)?,
        continues: row.get::<_, Option<i64>>(18)?.map(JobId),
        working_dir: PathBuf::from(text(row, 19)?),
        place: text(row, 20)?,
        isolation: optional_text(row, 21)?,
        agent_version: optional_text(row, 22)?,
        cli_session_id: optional_text(row, 23)?,
        exit_code: row.get(24)?,
        ending: parsed(row, 25, |word| Some(word.parse().ok()))?.flatten(),
        response: optional_text(row, 26)?,
        structured: optional_text(row, 27)?,
        cost_usd: row.get(28)?,
        cost_at_least: row.get(29)?,
        num_turns: row.get(30)?,
        duration_ms: row.get(31)?,
        input_tokens: row.get(32)?,
        output_tokens: row.get(33)?,
        transcript_bytes: count(34)?,
        transcript_lines: count(35)?,
        transcript_dropped: count(36)?,
        began_at: Timestamp::from_millis(row.get(37)?),
        ended_at: instant(row, 38)?,
        note: optional_text(row, 39)?,
        given: parsed(row, 40, |text| serde_json::from_str(text).ok())?,
        counts_at_least: row.get(41)?,
        answer_of: row.get::<_, Option<i64>>(42)?.map(JobId),
        refused: parsed(row, 44, |text| serde_json::from_str(text).ok())?.unwrap_or_default(),
        meter: parsed(row, 45, |text| serde_json::from_str(text).ok())?,
    })
}

/// One session; a job of another kind counts as one once it has begun a run.
pub(in crate::store) fn get(conn: &Connection, id: JobId) -> Result<Option<Session>> {
    let sql = format!(
        "SELECT {COLUMNS} {FROM}
         WHERE j.id = :id AND (j.kind = 'agent_session' OR s.job_id IS NOT NULL)"
    );
    let params = named_params! {":id": id.0};
    Ok(conn.prepare_cached(&sql)?.query_row(params, from_row).optional()?)
}

/// The newest sessions after the first `skip`, and how many there are.
pub(in crate::store) fn list(
    conn: &Connection,
    skip: u64,
    limit: usize,
) -> Result<(Vec<Session>, u64)> {
    const COUNT: &str = "
        SELECT coalesce(sum(count), 0)
        FROM job_counts
        WHERE kind = 'agent_session'";
    let sql = format!(
        "SELECT {COLUMNS} {FROM}
         WHERE j.kind = 'agent_session'
         ORDER BY j.id DESC
         LIMIT :limit OFFSET :skip"
    );
    page(conn, (COUNT, &sql), (skip, limit), from_row)
}

/// The sessions of this queue's jobs that start before a waiting one, the running ones included.
pub(in crate::store) fn ahead(conn: &Connection, id: JobId) -> Result<u64> {
    const SQL: &str = "
        WITH mine AS (
            SELECT queue, coalesce(claim_order, run_at + coalesce(priority, 0) * :step) AS place, id
            FROM jobs
            WHERE id = :id)
        SELECT (SELECT count(*) FROM jobs WHERE status = 'running' AND queue = coalesce(mine.queue, 'agent') AND id <> mine.id)
            + (SELECT count(*) FROM jobs
               WHERE queue = coalesce(mine.queue, 'agent') AND claim_order IS NOT NULL
                 AND (claim_order < mine.place OR (claim_order = mine.place AND id < mine.id)))
            + (SELECT count(*) FROM jobs WHERE waits_for = 'admission' AND kind = 'agent_session' AND id < mine.id)
        FROM mine";
    let params = named_params! {":id": id.0, ":step": PRIORITY_STEP_MS};
    let ahead: Option<i64> =
        conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0)).optional()?;
    Ok(ahead.unwrap_or(0) as u64)
}

/// Writes that a run begins; answers the bytes and lines of the transcript that earlier attempts have left.
pub(in crate::store) fn begin(
    conn: &Connection,
    id: JobId,
    start: &SessionStart,
    file: &str,
    now: Timestamp,
) -> Result<(u64, u64)> {
    const SQL: &str = "
        INSERT INTO sessions (job_id, tier, profile, model, prompt_file, prompt_text, continues_id, working_dir,
            place, marker, file, cost_before, given, answer_of, began_at)
        VALUES (:id, :tier, :profile, :model, :prompt_file, :prompt_text, :continues, :working_dir,
            :place, :marker, :file, :cost_before, :given, :answer_of, :now)
        ON CONFLICT (job_id) DO UPDATE SET
            tier = excluded.tier,
            profile = excluded.profile,
            model = excluded.model,
            working_dir = excluded.working_dir,
            place = excluded.place,
            marker = excluded.marker,
            file = excluded.file,
            cost_before = excluded.cost_before,
            given = excluded.given,
            answer_of = coalesce(excluded.answer_of, answer_of),
            transcript_from = transcript_bytes,
            main_pid = NULL,
            main_start = NULL,
            isolation = NULL,
            meter = NULL,
            exit_code = NULL,
            ending = NULL,
            note = NULL,
            ended_at = NULL
        RETURNING transcript_bytes, transcript_lines";
    let counts = conn.prepare_cached(SQL)?.query_row(
        named_params! {
            ":id": id.0,
            ":tier": start.tier,
            ":profile": start.profile.as_str(),
            ":model": start.model,
            ":prompt_file": start.prompt_file,
            ":prompt_text": start.prompt_text,
            ":continues": start.continues.map(|id| id.0),
            ":working_dir": start.working_dir.to_string_lossy(),
            ":place": start.place,
            ":marker": start.marker,
            ":file": file,
            ":cost_before": start.cost_before,
            ":given": start.given.as_ref().map(|given| json!(given).to_string()),
            ":answer_of": start.answer_of.map(|id| id.0),
            ":now": now.millis(),
        },
        |row| Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64)),
    )?;
    Ok(counts)
}

/// Writes which process a run is, and what keeps it from the rest of the machine.
///
/// # Errors
/// `STORE-LEASE-001` if the lease is not held any more.
pub(in crate::store) fn started(
    conn: &Connection,
    lease: &Lease,
    main: Option<&Process>,
    isolation: &str,
) -> Result<()> {
    let sql = format!(
        "UPDATE sessions
         SET main_pid = :pid, main_start = :start, isolation = :isolation
         WHERE job_id = :id AND {IS_HELD}"
    );
    let own = named_params! {
        ":pid": main.map(|process| process.pid),
        ":start": main.and_then(|process| process.start.as_deref()),
        ":isolation": isolation,
    };
    lease::write(conn, &sql, lease, own)
}

/// Writes the program's own id of a session.
///
/// # Errors
/// As [`started`].
pub(in crate::store) fn name(conn: &Connection, lease: &Lease, session: &str) -> Result<()> {
    let sql = format!(
        "UPDATE sessions
         SET cli_session_id = :session
         WHERE job_id = :id AND {IS_HELD}"
    );
    lease::write(conn, &sql, lease, named_params! {":session": session})
}

/// Writes how far a run is.
///
/// # Errors
/// As [`started`].
pub(in crate::store) fn meter(
    conn: &Connection,
    lease: &Lease,
    meter: &SessionMeter,
) -> Result<()> {
    let sql = format!(
        "UPDATE sessions
         SET meter = :meter
         WHERE job_id = :id AND {IS_HELD}"
    );
    lease::write(conn, &sql, lease, named_params! {":meter": json!(meter).to_string()})
}

/// Writes how a run ended and what it cost, unless that is written; answers whether it was not.
pub(in crate::store) fn finish(
    conn: &Connection,
    id: JobId,
    end: &SessionEnd,
    now: Timestamp,
) -> Result<bool> {
    let sql = format!(
        "UPDATE sessions
        SET exit_code = :exit_code,
            ending = :ending,
            model = coalesce(:model, model),
            agent_version = coalesce(:version, agent_version),
            cli_session_id = coalesce(:session, cli_session_id),
            response = :response,
            structured = :structured,
            note = :note,
            refused = coalesce(:refused, refused),
            duration_ms = coalesce(duration_ms + :duration, duration_ms, :duration),
            {ADD_SPENT},
            ended_at = :now,
            marker = NULL
        WHERE job_id = :id AND ended_at IS NULL"
    );
    let own = named_params! {
        ":id": id.0,
        ":exit_code": end.exit_code,
        ":ending": end.ending.as_str(),
        ":model": end.model,
        ":version": end.agent_version,
        ":session": end.cli_session_id,
        ":response": end.response,
        ":structured": end.structured.as_ref().map(ToString::to_string),
        ":note": end.note,
        ":refused": (!end.refused.is_empty()).then(|| json!(end.refused).to_string()),
        ":duration": end.duration_ms.map(|ms| ms as i64),
        ":now": now.millis(),
    };
    add_spent(conn, &sql, &end.spent(), own)
}

/// Changes a session by a statement that has [`ADD_SPENT`]; answers whether there was one to change.
fn add_spent(
    conn: &Connection,
    sql: &str,
    spent: &RunSpent,
    own: &[(&str, &dyn ToSql)],
) -> Result<bool> {
    let number = |number: Option<u64>| number.map(|number| number as i64);
    let (turns, input, output) =
        (number(spent.num_turns), number(spent.input_tokens), number(spent.output_tokens));
    let cost = spent.cost.map(|cost| cost.usd);
    let is_at_least = spent.cost.is_some_and(|cost| cost.is_at_least);
    let sums = named_params! {
        ":cost": cost, ":at_least": is_at_least, ":turns": turns, ":input": input, ":output": output,
        ":counts_at_least": spent.counts_at_least,
    };
    let params: Vec<_> = own.iter().chain(sums).copied().collect();
    Ok(conn.prepare_cached(sql)?.execute(&params[..])? == 1)
}

/// The runs whose processes are not known to be gone, and that no worker with a lease runs.
pub(in crate::store) fn open_runs(conn: &Connection, file: &str) -> Result<Vec<OpenRun>> {
    const SQL: &str = "
        SELECT s.job_id, s.marker, s.main_pid, s.main_start, s.working_dir, s.file IS :file, s.cost_before,
            s.transcript_from, s.place, s.profile IN ('workspace', 'full')
        FROM sessions s
        JOIN jobs j ON j.id = s.job_id
        WHERE s.marker IS NOT NULL
          AND (j.status <> 'running'
               OR j.worker_id NOT IN (SELECT id FROM job_workers WHERE lost_at IS NULL))";
    let mut statement = conn.prepare_cached(SQL)?;
    let runs = statement.query_map(named_params! {":file": file}, |row| {
        let start: Option<String> = optional_text(row, 3)?;
        let pid: Option<u32> = row.get(2)?;
        Ok(OpenRun {
            id: JobId(row.get(0)?),
            marker: text(row, 1)?,
            main: pid.map(|pid| Process { pid, start }),
            working_dir: PathBuf::from(text(row, 4)?),
            is_own: row.get(5)?,
            cost_before: row.get(6)?,
            transcript_from: row.get::<_, i64>(7)? as u64,
            place: text(row, 8)?,
            may_write: row.get(9)?,
        })
    })?;
    Ok(runs.collect::<rusqlite::Result<_>>()?)
}

/// Writes that no process of a run is left, for a run whose ending is not known, and what it has cost; answers whether it was
/// open.
pub(in crate::store) fn close_run(
    conn: &Connection,
    id: JobId,
    marker: &str,
    spent: &RunSpent,
    now: Timestamp,
) -> Result<bool> {
    let sql = format!(
        "UPDATE sessions
        SET marker = NULL,
            ending = :ending,
            {ADD_SPENT},
            ended_at = :now
        WHERE job_id = :id AND marker = :marker"
    );
    let own = named_params! {
        ":id": id.0,
        ":marker": marker,
        ":ending": RunEnding::Interrupted.as_str(),
        ":now": now.millis(),
    };
    add_spent(conn, &sql, spent, own)
}

/// Which of these folders of runs nobody needs any more: a session's goes with it, since another may go on there; a scan's,
/// whose name is more than a number, when the scan is over.
pub(in crate::store) fn orphaned_places(
    conn: &Connection,
    places: &[String],
) -> Result<Vec<String>> {
    const SQL: &str = "
        SELECT CASE WHEN :of_scan
            THEN EXISTS (SELECT 1 FROM jobs WHERE id = :id AND finished_at IS NULL)
            ELSE EXISTS (SELECT 1 FROM sessions WHERE place = :place)
                OR EXISTS (SELECT 1 FROM jobs WHERE id = :id)
            END";
    let mut orphaned = Vec::new();
    for place in places {
        let of_scan = place.contains(|c: char| !c.is_ascii_digit());
        let digits = place.find(|c: char| !c.is_ascii_digit()).unwrap_or(place.len());
        let id: i64 = place[..digits].parse().unwrap_or(0);
        let params = named_params! {":of_scan": of_scan, ":place": place, ":id": id};
        if !conn.prepare_cached(SQL)?.query_row(params, |row| row.get::<_, bool>(0))? {
            orphaned.push(place.clone());
        }
    }
    Ok(orphaned)
}

/// The running session, and the one that ended last.
pub(in crate::store) fn now(conn: &Connection) -> Result<(Option<Session>, Option<Session>)> {
    let one = |condition: &str, kind: &str| -> Result<Option<Session>> {
        let sql = format!(
            "SELECT {COLUMNS} {FROM} WHERE {kind} = 'agent_session' AND {condition} LIMIT 1"
        );
        Ok(conn.prepare_cached(&sql)?.query_row([], from_row).optional()?)
    };
    // By the few that run, and by the newest sessions.
    let running = one("j.status = 'running' ORDER BY j.started_at DESC", "+j.kind")?;
    let latest = one("+j.finished_at IS NOT NULL ORDER BY j.id DESC", "j.kind")?;
    Ok((running, latest))
}

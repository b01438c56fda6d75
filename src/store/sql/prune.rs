//! Removing old rows, so many at a time.

use super::references;
use crate::error::Result;
use crate::model::{Kind, Queue, Status, Timestamp};
use crate::store::sqlite::{Tx, ledger, row};
use rusqlite::{Connection, named_params};

/// The jobs of a kind that ended so before an instant.
pub(in crate::store) struct Old<'a> {
    pub(in crate::store) kind: &'a Kind,
    pub(in crate::store) status: Status,
    pub(in crate::store) finished_before: Timestamp,
}

/// Whether there is a decision from before.
pub(in crate::store) fn has_decisions(conn: &Connection, before: Timestamp) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM job_decisions WHERE decided_at < :before)";
    let params = named_params! {":before": before.millis()};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
}

/// The kinds that have final jobs, by the counts. The recount adds the rows of other programs first.
pub(in crate::store) fn kinds(conn: &Connection) -> Result<Vec<Kind>> {
    const SQL: &str = "
        SELECT DISTINCT kind
        FROM job_counts
        WHERE count > 0 AND (status = 'completed' OR status = 'failed' OR status = 'cancelled')";
    let mut statement = conn.prepare_cached(SQL)?;
    let kinds = statement.query_map([], |row| row::kind(row, 0))?;
    Ok(kinds.collect::<rusqlite::Result<_>>()?)
}

/// What may be removed of an old job: nothing that a row of the application leads to, and no job before its transcript.
pub(in crate::store) struct Removable {
    has_program: bool,
    /// Conditions of a job beside those of its age.
    unreferenced: String,
}

impl Removable {
    pub(in crate::store) fn of(conn: &Connection) -> Result<Self> {
        let unreferenced = references::none_leads_here(conn)?;
        Ok(Self { has_program: ledger::has_program(conn)?, unreferenced })
    }

    /// Whether there is a job that ended so before, and may be removed.
    pub(in crate::store) fn has_old(&self, conn: &Connection, old: &Old<'_>) -> Result<bool> {
        let sql = format!(
            "SELECT EXISTS (
                SELECT 1
                FROM jobs
                WHERE kind = :kind AND status = :status AND finished_at IS NOT NULL AND finished_at < :before {})",
            self.unreferenced
        );
        let params = named_params! {
            ":kind": old.kind.as_str(),
            ":status": old.status.as_str(),
            ":before": old.finished_before.millis(),
        };
        Ok(conn.prepare_cached(&sql)?.query_row(params, |row| row.get(0))?)
    }

    /// Removes the oldest of these jobs that have no transcript, at most `limit`; answers how many.
    pub(in crate::store) fn final_jobs(
        &self,
        tx: &Tx<'_>,
        old: &Old<'_>,
        limit: usize,
    ) -> Result<usize> {
        const WHOLE: &str =
            "AND NOT EXISTS (SELECT 1 FROM transcript_pieces WHERE job_id = jobs.id)";
        let mut statement = tx.prepare_cached(&format!(
            "DELETE FROM jobs
             WHERE id IN (
                 SELECT id
                 FROM jobs
                 WHERE kind = :kind AND status = :status AND finished_at IS NOT NULL AND finished_at < :before
                   {} {}
                 ORDER BY finished_at
                 LIMIT :limit)
             RETURNING queue, counted",
            if self.has_program { WHOLE } else { "" },
            self.unreferenced
        ))?;
        let mut rows = statement.query(named_params! {
            ":kind": old.kind.as_str(),
            ":status": old.status.as_str(),
            ":before": old.finished_before.millis(),
            ":limit": limit as i64,
        })?;
        let mut removed = 0;
        while let Some(row) = rows.next()? {
            removed += 1;
            if row.get(1)? {
                let queue = row::parsed(row, 0, |name| Queue::parse(name).ok())?;
                tx.left(old.status, old.kind, queue.as_ref());
            }
        }
        Ok(removed)
    }

    /// Removes pieces of the transcripts of the oldest `limit` of these jobs, at most `pieces`; answers how many.
    pub(in crate::store) fn transcripts(
        &self,
        conn: &Connection,
        old: &Old<'_>,
        limit: usize,
        pieces: usize,
    ) -> Result<usize> {
        let sql = format!(
            "DELETE FROM transcript_pieces
             WHERE (job_id, start) IN (
                 SELECT p.job_id, p.start
                 FROM (
                     SELECT id
                     FROM jobs
                     WHERE kind = :kind AND status = :status AND finished_at IS NOT NULL AND finished_at < :before
                       {}
                     ORDER BY finished_at
                     LIMIT :limit) j
                 JOIN transcript_pieces p ON p.job_id = j.id
                 LIMIT :pieces)",
            self.unreferenced
        );
        if !self.has_program {
            return Ok(0);
        }
        Ok(conn.prepare_cached(&sql)?.execute(named_params! {
            ":kind": old.kind.as_str(),
            ":status": old.status.as_str(),
            ":before": old.finished_before.millis(),
            ":limit": limit as i64,
            ":pieces": pieces as i64,
        })?)
    }

    /// Whether there is a closed issue that nobody has met since then.
    pub(in crate::store) fn has_closed_issues(
        &self,
        conn: &Connection,
        seen_before: Timestamp,
    ) -> Result<bool> {
        const SQL: &str = "
            SELECT EXISTS (
                SELECT 1
                FROM self_monitoring_issues
                WHERE state = 'closed' AND last_seen_at < :before)";
        if !self.has_program {
            return Ok(false);
        }
        let params = named_params! {":before": seen_before.millis()};
        Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
    }

    /// Removes closed issues that nobody has met since then, at most `limit`; answers how many.
    pub(in crate::store) fn closed_issues(
        &self,
        conn: &Connection,
        seen_before: Timestamp,
        limit: usize,
    ) -> Result<usize> {
        const SQL: &str = "
            DELETE FROM self_monitoring_issues
            WHERE id IN (
                SELECT id
                FROM self_monitoring_issues
                WHERE state = 'closed' AND last_seen_at < :before
                LIMIT :limit)";
        if !self.has_program {
            return Ok(0);
        }
        let params = named_params! {":before": seen_before.millis(), ":limit": limit as i64};
        Ok(conn.prepare_cached(SQL)?.execute(params)?)
    }

    /// Whether there is a count of an hour before the one instant, or a template of a log that was not met since the other.
    pub(in crate::store) fn has_templates(
        &self,
        conn: &Connection,
        (hours_before, seen_before): (Timestamp, Timestamp),
    ) -> Result<bool> {
        const SQL: &str = "
            SELECT EXISTS (SELECT 1 FROM log_template_hours WHERE hour < :hours)
                OR EXISTS (SELECT 1 FROM log_templates WHERE last_seen < :seen)";
        if !self.has_program {
            return Ok(false);
        }
        let params = named_params! {":hours": hours_before.millis(), ":seen": seen_before.millis()};
        Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
    }

    /// Removes such counts and templates, at most `limit`; answers how many.
    pub(in crate::store) fn templates(
        &self,
        conn: &Connection,
        (hours_before, seen_before): (Timestamp, Timestamp),
        limit: usize,
    ) -> Result<usize> {
        const HOURS: &str = "
            DELETE FROM log_template_hours
            WHERE (template_id, hour) IN (
                SELECT template_id, hour
                FROM log_template_hours
                WHERE hour < :before
                LIMIT :limit)";
        const TEMPLATES: &str = "
            DELETE FROM log_templates
            WHERE id IN (
                SELECT id
                FROM log_templates
                WHERE last_seen < :before
                LIMIT :limit)";
        if !self.has_program {
            return Ok(0);
        }
        let params = named_params! {":before": hours_before.millis(), ":limit": limit as i64};
        let hours = conn.prepare_cached(HOURS)?.execute(params)?;
        let left = (limit - hours) as i64;
        let params = named_params! {":before": seen_before.millis(), ":limit": left};
        Ok(hours + conn.prepare_cached(TEMPLATES)?.execute(params)?)
    }
}

/// Removes what was decided before then about occurrences of schedules, at most `limit`; answers how many.
pub(in crate::store) fn decisions(
    conn: &Connection,
    decided_before: Timestamp,
    limit: usize,
) -> Result<usize> {
    const SQL: &str = "
        DELETE FROM job_decisions
        WHERE (schedule_id, occurrence_at) IN (
            SELECT schedule_id, occurrence_at
            FROM job_decisions
            WHERE decided_at < :before
            LIMIT :limit)";
    let params = named_params! {":before": decided_before.millis(), ":limit": limit as i64};
    Ok(conn.prepare_cached(SQL)?.execute(params)?)
}

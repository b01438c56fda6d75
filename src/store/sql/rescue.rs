//! Rescue: what lost workers left running is settled as lost.

use super::jobs::{self, COLUMNS};
use super::{settle, workers};
use crate::error::Result;
use crate::model::{Job, Kind, PollRequest, Polled, RegisteredKind, Timestamp};
use crate::store::sqlite::Tx;
use rusqlite::{Connection, named_params};

/// Settles as lost what runs in the name of this worker without really running here, and, for a worker that leads, what
/// runs in the name of one that is lost or has no row.
///
/// A job in our own name that nobody runs is one whose claim was committed although the commit seemed to fail. Jobs of
/// kinds whose runs leave something outside of the database wait until a process that has the kind has cleared it.
pub(super) fn rescue(
    tx: &Tx<'_>,
    request: &PollRequest,
    polled: &mut Polled,
    now: Timestamp,
) -> Result<()> {
    let lost = lost(tx, request)?;
    if lost.is_empty() {
        return Ok(());
    }
    let registered = workers::kinds_of_all(tx)?;
    for job in lost {
        let rules = rules(&registered, &job).map(|known| &known.rules);
        let worker = job.worker_id.clone().filter(|worker| *worker != request.worker);
        let own = request.kinds.iter().find(|own| own.kind == job.kind);
        let is_swept = rules.is_some_and(|rules| rules.swept) || own.is_some_and(|own| own.swept);
        if let Some(worker) = worker.filter(|_| is_swept) {
            if own.is_none() {
                continue;
            }
            if !request.swept.contains(&worker) {
                let is_ours = request.leads.is_some() || !leader_has(tx, &job.kind)?;
                if is_ours && !polled.unswept.contains(&worker) {
                    polled.unswept.push(worker);
                }
                continue;
            }
        } else if job.worker_id.as_ref() != Some(&request.worker) && request.leads.is_none() {
            continue;
        }
        let after = settle::lose(tx, &job, rules, now)?;
        polled.rescued.push((job, after));
    }
    Ok(())
}

/// The running jobs that nobody runs, as far as this worker is to look.
fn lost(conn: &Connection, request: &PollRequest) -> Result<Vec<Job>> {
    let sql = format!(
        "SELECT {COLUMNS}
         FROM jobs
         WHERE status = 'running'
           AND CASE
               WHEN worker_id = :me THEN id NOT IN (SELECT value FROM json_each(:running))
               ELSE :others AND worker_id NOT IN (SELECT id FROM job_workers WHERE lost_at IS NULL)
           END
         ORDER BY worker_id, id"
    );
    let running: Vec<i64> = request.running.iter().map(|id| id.0).collect();
    let others = request.leads.is_some() || request.kinds.iter().any(|rules| rules.swept);
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {
        ":me": request.worker.as_str(),
        ":running": serde_json::json!(running).to_string(),
        ":others": others,
    };
    Ok(statement.query_map(params, jobs::from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// The rules by which the worker of this job ran it, or else those of the newest registration.
fn rules<'a>(registered: &'a [RegisteredKind], job: &Job) -> Option<&'a RegisteredKind> {
    let of_kind = |known: &&RegisteredKind| known.rules.kind == job.kind;
    let of_worker = |known: &&RegisteredKind| Some(&known.worker) == job.worker_id.as_ref();
    let own = registered.iter().find(|known| of_kind(known) && of_worker(known));
    own.or_else(|| registered.iter().find(of_kind))
}

/// Whether the worker that leads has a handler for the kind: then it clears what was left.
fn leader_has(conn: &Connection, kind: &Kind) -> Result<bool> {
    const SQL: &str = "
        SELECT EXISTS (
            SELECT 1
            FROM job_leader l
            JOIN job_kinds k ON k.worker_id = l.worker_id
            JOIN job_workers w ON w.id = l.worker_id
            WHERE k.kind = :kind AND w.lost_at IS NULL)";
    let kind = named_params! {":kind": kind.as_str()};
    Ok(conn.prepare_cached(SQL)?.query_row(kind, |row| row.get(0))?)
}

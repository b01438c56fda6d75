//! The promises that the simulation looks at.

use super::World;
use crate::model::{Status, Timestamp, may_follow};
use crate::store::core::prune;
use crate::store::sql::{counts, strayed};
use crate::store::sqlite::row;
use std::collections::BTreeMap;
use std::sync::Arc;

impl World {
    /// P6: what is removed was final.
    pub(super) fn prune(&mut self) {
        self.check_rows();
        let (kinds, now) = (Arc::clone(&self.kinds), Timestamp::from_millis(self.now));
        self.call(|tx| prune::prune(tx, &kinds, now));
        let left = self.rows();
        self.acknowledged.retain(|id, status| {
            assert!(
                left.contains_key(id) || status.is_final(),
                "P6: {status} job {id} was removed"
            );
            left.contains_key(id)
        });
    }

    fn rows(&self) -> BTreeMap<i64, Status> {
        let mut statement = self.conn.prepare_cached("SELECT id, status FROM jobs").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row::word(row, 1)?))).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    fn check_rows(&mut self) {
        let rows = self.rows();
        let ids = |map: &BTreeMap<i64, Status>| map.keys().copied().collect::<Vec<_>>();
        assert_eq!(
            ids(&rows),
            ids(&self.acknowledged),
            "there is what was acknowledged, no more and no less"
        );
        for (id, seen) in &mut self.acknowledged {
            assert!(
                !seen.is_final() || *seen == rows[id],
                "P10: job {id} was {seen}, is {}",
                rows[id]
            );
            *seen = rows[id];
        }
    }

    pub(super) fn check(&mut self) {
        self.check_rows();
        self.check_history();
        self.is_empty(
            "too many jobs of a key run",
            "
            SELECT 1 FROM jobs WHERE status = 'running' AND concurrency_key IS NOT NULL
            GROUP BY concurrency_key
            HAVING count(*) > iif(max(kind = 'keyed'), 2, 1)",
        );
        self.is_empty(
            "there are two jobs of one occurrence",
            "
            SELECT 1 FROM jobs WHERE occurrence_at IS NOT NULL
            GROUP BY schedule_id, occurrence_at HAVING count(*) > 1",
        );
        self.is_empty(
            "two jobs that are not over have one unique key",
            "
            SELECT 1 FROM jobs
            WHERE unique_key IS NOT NULL AND (finished_at IS NULL OR unique_window_ms IS NOT NULL)
            GROUP BY kind, unique_key HAVING count(*) > 1",
        );
        self.is_empty(
            "P20: a job that was asked to end waits to start again",
            "SELECT 1 FROM jobs WHERE cancel_requested_at IS NOT NULL AND (status = 'queued' OR status = 'scheduled')",
        );
        self.is_empty("P7: a job that must not run twice did", "
            SELECT 1 FROM jobs
            WHERE kind = 'once' AND interrupted > 0 AND status <> 'failed' AND status <> 'cancelled'");
        self.is_empty(
            "P9: a job runs in the name of a worker that was retired",
            "
            SELECT 1 FROM jobs
            WHERE status = 'running' AND worker_id NOT IN (SELECT id FROM job_workers)",
        );
        self.check_rates();
        self.check_after();
        self.check_batches();
        let missing = counts::recount(&self.conn).unwrap().missing;
        assert!(missing.is_empty(), "the counts are wrong: {missing:?}");
        self.check_figures();
        let strayed = strayed::find(&self.conn, Timestamp::from_millis(self.now)).unwrap();
        assert!(strayed.is_empty(), "schedules are not due when their rules say: {strayed:?}");
    }

    /// Every end is in the figures once, in its minute and in its hour or the day that this has become, whatever the clocks do and
    /// the pruner removes.
    fn check_figures(&self) {
        const SQL: &str = "
            SELECT coalesce(sum(completed), 0), coalesce(sum(failed), 0), coalesce(sum(cancelled), 0)
            FROM job_stats
            WHERE minutes > 1";
        let ends: [i64; 3] = self
            .conn
            .prepare_cached(SQL)
            .unwrap()
            .query_row([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))
            .unwrap();
        assert_eq!(ends.map(i64::cast_unsigned), self.told_ends, "the figures are not exact");
    }

    /// Jobs that run after others.
    fn check_after(&self) {
        self.is_empty(
            "a job started before one that it runs after was over, or although that one did not complete",
            "
            SELECT 1
            FROM job_after a
            JOIN jobs j ON j.id = a.job_id
            LEFT JOIN jobs p ON p.id = a.after_id
            WHERE (j.claim_order IS NOT NULL OR j.epoch > 0)
              AND (a.ended_as IS NULL OR p.finished_at IS NULL AND p.id IS NOT NULL
                OR (a.anyway = 0 AND a.ended_as <> 'completed'))",
        );
        self.is_empty(
            "a job waits for others and nobody will tell it of their end",
            "
            SELECT 1
            FROM job_after a
            JOIN jobs j ON j.id = a.job_id AND j.finished_at IS NULL
            LEFT JOIN jobs p ON p.id = a.after_id
            WHERE a.ended_as IS NULL AND (p.id IS NULL OR p.finished_at IS NOT NULL)
              AND NOT EXISTS (SELECT 1 FROM job_ended WHERE id = a.after_id)",
        );
        self.is_empty(
            "a job waits for others of which none holds it",
            "
            SELECT 1
            FROM jobs
            WHERE waits_for = 'after'
              AND NOT EXISTS (SELECT 1 FROM job_after WHERE job_id = jobs.id AND ended_as IS NULL)",
        );
    }

    /// No rate is passed, and none has room while a job waits for it.
    fn check_rates(&self) {
        self.is_empty(
            "more of a rate is used than there is",
            "
            SELECT 1 FROM job_rates GROUP BY kind, key HAVING count(*) > iif(kind = 'keyed', 3, 20)",
        );
        self.is_empty(
            "a place of a kind with a rate takes none of it, or what takes of it has no place",
            "
            SELECT 1
            FROM (SELECT * FROM jobs WHERE kind IN ('rated', 'keyed') AND claim_order IS NOT NULL) j
            FULL JOIN (SELECT * FROM job_rates WHERE free_at IS NULL) r
              ON r.job_id = j.id AND r.epoch = j.epoch + 1 AND r.key = j.rate_key
            WHERE j.id IS NULL OR r.job_id IS NULL",
        );
        self.is_empty(
            "a job waits for a rate that has room, and nobody looks at it",
            "
            SELECT 1 FROM jobs j
            WHERE waits_for = 'rate'
              AND NOT EXISTS (
                SELECT 1 FROM jobs
                WHERE kind = j.kind AND rate_key = j.rate_key AND waits_for = 'admission')
              AND (SELECT count(*) FROM job_rates WHERE kind = j.kind AND key = j.rate_key)
                < iif(j.kind = 'keyed', 3, 20)",
        );
    }

    /// Each batch counts its open jobs, and is followed once when it is finished.
    fn check_batches(&self) {
        self.is_empty(
            "a batch has other open jobs than it counts",
            "
            SELECT 1 FROM job_batches b
            WHERE open <> (SELECT count(*) FROM jobs WHERE batch_id = b.id AND finished_at IS NULL)",
        );
        self.is_empty(
            "a batch is finished and not followed, or followed before",
            "
            SELECT 1 FROM job_batches
            WHERE (finished_at IS NOT NULL) <> (then_id IS NOT NULL)
              OR (finished_at IS NOT NULL) <> (open = 0 AND held = 0)",
        );
        self.is_empty(
            "two jobs follow one batch",
            "
            SELECT 1 FROM jobs j JOIN job_batches b ON j.payload = b.then_job ->> '$.payload' AND j.trigger = 'parent'
            GROUP BY b.id HAVING count(*) > 1",
        );
    }

    /// Every new step of a history follows the graph.
    fn check_history(&mut self) {
        const SQL: &str = "SELECT job_id, sequence, from_status, to_status FROM job_events";
        let mut statement = self.conn.prepare_cached(SQL).unwrap();
        let mut steps = statement.query([]).unwrap();
        while let Some(step) = steps.next().unwrap() {
            if self.seen_events.insert((step.get(0).unwrap(), step.get(1).unwrap())) {
                let (from, to) = (row::word(step, 2).unwrap(), row::word(step, 3).unwrap());
                assert!(may_follow(from, to), "a history has {from} -> {to}");
            }
        }
    }

    fn is_empty(&self, what: &str, sql: &str) {
        assert!(!self.conn.prepare_cached(sql).unwrap().exists([]).unwrap(), "{what}");
    }
}

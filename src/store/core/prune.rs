//! Retention: removes old jobs that are over and other old rows, a bounded slice at a time.

use crate::error::Result;
use crate::model::settings::retention_of;
use crate::model::{FLOOD, Kind, KindRules, Retention, Status, Timestamp};
use crate::store::sql::prune::{self, Old, Removable};
use crate::store::sql::{batches, errors, idempotency, settings, stats};
use crate::store::sqlite::{Snapshot, Tx};
use std::time::Duration;

/// Rows that one slice removes or looks at: some ten milliseconds of work, for which every other call waits.
const SLICE: usize = 500;
/// Pieces of transcripts that one slice removes: some ten megabytes.
const PIECES: usize = 200;
/// How long closed issues are kept.
const ISSUES: Duration = Duration::from_hours(365 * 24);
/// How long finished batches are kept.
const BATCHES: Duration = Duration::from_hours(90 * 24);
/// How long decisions of schedules are kept: a season of daily ones for their page.
const DECISIONS: Duration = Duration::from_hours(90 * 24);

/// How long it is kept how many rows of a template each hour had: its own week, and the weeks to compare it with.
const HOURS: Duration = Duration::from_hours(35 * 24);
/// How long a template is known that no scan has met again: as long as the issue that is recognised by it.
const TEMPLATES: Duration = ISSUES;

/// Finishes a slice of the batches that another program has brought to their end; answers whether there may be more.
pub(in crate::store) fn finish_batches(tx: &Tx<'_>, now: Timestamp) -> Result<bool> {
    Ok(batches::finish_due(tx, SLICE, now)? == SLICE)
}

/// Removes a slice of everything that is over and old; answers whether there may be more.
pub(in crate::store) fn prune(tx: &Tx<'_>, rules: &[KindRules], now: Timestamp) -> Result<bool> {
    let mut left = SLICE;
    let removable = Removable::of(tx)?;
    for kind in prune::kinds(tx)? {
        let retention = retention(tx, &kind, rules)?;
        for status in [Status::Completed, Status::Failed, Status::Cancelled] {
            if let Some(kept) = retention.of(status) {
                let old = Old { kind: &kind, status, finished_before: now.minus(kept) };
                left -= transcripts(tx, &removable, &old, left)?;
                left -= removable.final_jobs(tx, &old, left)?;
            }
        }
    }
    left -= keys(tx, left, now)?;
    left -= prune::decisions(tx, now.minus(DECISIONS), left)?;
    left -= batches::prune(tx, now.minus(BATCHES), left)?;
    left -= stats::roll_up(tx, now, left)?;
    left -= errors::prune(tx, now, left)?;
    left -= removable.closed_issues(tx, now.minus(ISSUES), left)?;
    left -= removable.templates(tx, (now.minus(HOURS), now.minus(TEMPLATES)), left)?;
    Ok(left == 0)
}

/// Whether a look would remove what has been over for more than a day longer than it is kept.
pub(in crate::store) fn is_flood(
    conn: &Snapshot,
    rules: &[KindRules],
    now: Timestamp,
) -> Result<bool> {
    let removable = Removable::of(conn)?;
    let before = |kept: Duration| now.minus(kept.saturating_add(FLOOD));
    for kind in prune::kinds(conn)? {
        let retention = retention(conn, &kind, rules)?;
        for status in [Status::Completed, Status::Failed, Status::Cancelled] {
            let Some(kept) = retention.of(status) else { continue };
            let old = Old { kind: &kind, status, finished_before: before(kept) };
            if removable.has_old(conn, &old)? {
                return Ok(true);
            }
        }
    }
    Ok(prune::has_decisions(conn, before(DECISIONS))?
        || stats::has_old(conn, now, FLOOD)?
        || errors::has_old(conn, now, FLOOD)?
        || idempotency::has_over(conn, before(Duration::ZERO))?
        || batches::has_finished(conn, before(BATCHES))?
        || removable.has_closed_issues(conn, before(ISSUES))?
        || removable.has_templates(conn, (before(HOURS), before(TEMPLATES)))?)
}

/// How long jobs of a kind are kept: as an operator has set it for the kind, or else for all kinds without an own length,
/// or else as the program says.
fn retention(conn: &Snapshot, kind: &Kind, rules: &[KindRules]) -> Result<Retention> {
    let set = settings::get(conn, retention_of(kind).key)?;
    let days = set.and_then(|setting| setting.value.as_u64()).filter(|days| *days > 0);
    let length = |days: u64| Retention::all(Duration::from_secs(days.saturating_mul(24 * 60 * 60)));
    let program = || rules.iter().find(|rules| rules.kind == *kind).map(|rules| rules.retention);
    Ok(days.map(length).or_else(program).unwrap_or_default())
}

/// The transcripts of jobs that are to go, a few megabytes at a time: a job goes when nothing of its own is left.
fn transcripts(tx: &Tx<'_>, removable: &Removable, old: &Old<'_>, left: usize) -> Result<usize> {
    let removed = removable.transcripts(tx, old, left, PIECES.min(left))?;
    // A full slice ends the round, so that the next one goes on here.
    Ok(if removed == PIECES { left } else { removed })
}

/// Looks at the oldest keys whose time is over: forgets those whose job is over, and gives the others their time anew.
/// Answers how many it looked at.
fn keys(tx: &Tx<'_>, left: usize, now: Timestamp) -> Result<usize> {
    let renewed = idempotency::renew(tx, left, now)?;
    Ok(renewed + idempotency::forget(tx, left - renewed, now)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Actor, FIGURES_KEPT, NewJob};
    use crate::store::{OpenMode, Store};
    use rusqlite::Connection;
    use std::path::Path;
    use std::sync::Arc;
    use tempfile::TempDir;

    const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const DAY: Duration = Duration::from_hours(24);

    fn store() -> (TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("lamplighter.db"), OpenMode::Migrate).unwrap();
        (folder, store)
    }

    #[expect(clippy::disallowed_methods, reason = "a connection of another program")]
    fn foreign(folder: &Path) -> Connection {
        Connection::open(folder.join("lamplighter.db")).unwrap()
    }

    async fn is_flood(store: &Store, now: Timestamp) -> bool {
        store.is_flood(Arc::new([]), now).await.unwrap()
    }

    /// What is kept so long is a flood from a day later on.
    async fn floods_after(store: &Store, kept: Duration) {
        let at = START.plus(kept + DAY);
        assert!(!is_flood(store, at.minus(Duration::from_mins(1))).await, "{kept:?}");
        assert!(is_flood(store, at.plus(Duration::from_mins(1))).await, "{kept:?}");
    }

    #[tokio::test]
    async fn batches_and_keys_of_more_than_a_day_wait_for_an_hour_too() {
        let (_folder, batches) = store();
        let batch = batches.open_batch("empty".into(), None, START).await.unwrap();
        batches.close_batch(batch, START).await.unwrap();
        floods_after(&batches, BATCHES).await;

        let (_folder, keys) = store();
        let key = Some("order 7".to_owned());
        let job = NewJob { idempotency_key: key, ..NewJob::new(Kind::parse("probe").unwrap()) };
        let id = keys.enqueue(job, START).await.unwrap().id();
        assert!(!is_flood(&keys, START.plus(DAY * 30)).await, "the key of an open job is kept");
        keys.cancel(id, Actor::cli(), START).await.unwrap();
        floods_after(&keys, DAY).await;
    }

    #[tokio::test]
    async fn figures_of_more_than_a_day_wait_for_an_hour_too() {
        let (_folder, figures) = store();
        let id = figures.enqueue(NewJob::new(Kind::parse("probe").unwrap()), START).await.unwrap();
        figures.cancel(id.id(), Actor::cli(), START).await.unwrap();
        floods_after(&figures, FIGURES_KEPT[0]).await;
    }

    #[cfg(feature = "monitor")]
    #[tokio::test]
    async fn closed_issues_of_more_than_a_day_wait_for_an_hour_too() {
        const CLOSED: &str = "
            INSERT INTO self_monitoring_issues (tracker, number, state, state_reason, closed_at, title, body, error_codes,
                source, template, evidence, occurrences, created_at, last_seen_at)
            VALUES ('local', 1, 'closed', 'completed', ?1, 't', 'b', '[]', 's', 't', '[]', 1, ?1, ?1)";
        let (folder, issues) = store();
        foreign(folder.path()).execute(CLOSED, [START.millis()]).unwrap();
        floods_after(&issues, ISSUES).await;
    }

    #[cfg(feature = "monitor")]
    #[tokio::test]
    async fn a_template_is_kept_by_when_a_scan_met_it_and_never_narrows() {
        use crate::model::SeenTemplate;
        let (folder, _store) = store();
        let mut conn = foreign(folder.path());
        let tx = conn.transaction().unwrap();
        let grown = SeenTemplate {
            source: "shop".into(),
            text: "no user <*>".into(),
            grown: true,
            // The clock of a device that has lost its time.
            hours: [(Some(Timestamp::from_millis(0)), 1)].into(),
            ..SeenTemplate::default()
        };
        crate::store::sql::templates::seen(&tx, "log", &grown, START).unwrap();
        let again = SeenTemplate { grown: false, ..grown };
        crate::store::sql::templates::seen(&tx, "log", &again, START.minus(DAY)).unwrap();
        let known = crate::store::sql::templates::known(&tx, "log", 9).unwrap();
        assert_eq!((known.len(), known[0].grown), (1, true));
        let last: i64 =
            tx.query_row("SELECT last_seen FROM log_templates", [], |row| row.get(0)).unwrap();
        assert_eq!(last, START.millis());
        let removable = Removable::of(&tx).unwrap();
        let long_ago = START.minus(TEMPLATES);
        assert_eq!(removable.templates(&tx, (long_ago, long_ago), 9).unwrap(), 1, "the hour");
        assert_eq!(crate::store::sql::templates::known(&tx, "log", 9).unwrap().len(), 1);
    }

    #[tokio::test]
    async fn the_look_whether_more_than_a_day_of_rows_would_go_waits_for_no_lock() {
        let (folder, store) = store();
        let lock = foreign(folder.path());
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        let answer = is_flood(&store, START);
        assert!(!tokio::time::timeout(Duration::from_secs(10), answer).await.unwrap());
    }
}

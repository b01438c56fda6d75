//! Actions on batches, face by face.

use super::queues::check;
use crate::support::faces::{Faces, Page, Request, value};
use crate::support::{foreign, now};
use lamplighter::Code;
use lamplighter::actions::batches;
use lamplighter::model::{JobId, Kind, NewJob, Role};
use std::path::Path;

/// Batch 1 has a job that waits, one that runs and one that is over; batch 2 is finished; batch 3 takes more jobs and has two
/// that wait.
fn prepare(folder: &Path) {
    let sql = "
        INSERT INTO job_batches (name, held, created_at) VALUES ('import', 0, 0), ('over', 0, 0), ('open', 1, 0);
        UPDATE job_batches SET finished_at = 1 WHERE id = 2;
        INSERT INTO jobs (kind, batch_id) VALUES ('work', 1), ('work', 1), ('work', 1), ('work', 3), ('work', 3);
        UPDATE jobs SET status = 'running', waits_for = NULL, worker_id = 'w', epoch = 1, attempt = 1, started_at = 1
        WHERE id IN (2, 3);
        UPDATE jobs SET status = 'completed', worker_id = NULL, finished_at = 2 WHERE id = 3;";
    foreign(folder).execute_batch(sql).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_cancelled_alike_by_every_face() {
    let mut faces = Faces::start(prepare).await;
    for (id, says) in [
        (1, Ok("1 job of batch 1 is cancelled, and one that runs was asked to end.")),
        (1, Ok("0 jobs of batch 1 are cancelled, and one that runs was asked to end.")),
        (3, Ok("2 jobs of batch 3 are cancelled. The batch is finished.")),
        (2, Err(Code::BatchOver)),
        (99, Err(Code::BatchUnknown)),
    ] {
        let (word, path) = (id.to_string(), format!("/batches/{id}/cancel"));
        let page: Option<Page<'_>> = Some((&path, &[]));
        let request = Request { cli: &["batches", "cancel", &word], page };
        let cancel =
            async |store: &_, call: &_| Ok(value(&batches::cancel(store, call, id).await?));
        check(faces.ask(request, cancel).await, says);
        assert_eq!(faces.refused_below(Role::Viewer, page, cancel).await, Code::AuthRole);
    }
}

#[test]
fn the_schema_counts_the_jobs_of_a_batch_whoever_writes_them_and_keeps_a_finished_one_closed() {
    let (folder, _store) = crate::support::store();
    prepare(folder.path());
    let conn = foreign(folder.path());
    let counts: (i64, i64, i64) = conn
        .query_row("SELECT total, open, completed FROM job_batches WHERE id = 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(counts, (3, 2, 1));
    for wrong in [
        "INSERT INTO jobs (kind, batch_id) VALUES ('work', 2)",
        "INSERT INTO jobs (kind, batch_id) VALUES ('work', 9)",
        "UPDATE jobs SET batch_id = NULL WHERE id = 1",
        "UPDATE job_batches SET finished_at = 1 WHERE id = 1",
        "UPDATE job_batches SET total = 1000001, open = 1000000 WHERE id = 1",
    ] {
        assert!(conn.execute(wrong, []).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn a_batch_that_another_program_brings_to_its_end_is_finished_and_followed() {
    let (folder, store) = crate::support::store();
    let then = NewJob::new(Kind::parse("report").unwrap());
    let id = store.open_batch("import".into(), Some(then), now()).await.unwrap();
    let job = NewJob { batch: Some(id), ..NewJob::new(Kind::parse("work").unwrap()) };
    store.enqueue(job, now()).await.unwrap();
    let sql = "
        UPDATE jobs SET status = 'cancelled', waits_for = NULL, finished_at = 1 WHERE id = 1;
        UPDATE job_batches SET held = 0 WHERE id = 1;";
    foreign(folder.path()).execute_batch(sql).unwrap();
    assert_eq!(store.batch(id).await.unwrap().unwrap().finished_at, None);
    assert!(!store.finish_batches(now()).await.unwrap());
    let batch = store.batch(id).await.unwrap().unwrap();
    assert_eq!((batch.cancelled, batch.then_id), (1, Some(JobId(2))));
    assert!(batch.finished_at.is_some());
}

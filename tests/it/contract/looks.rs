//! The contract about looks: lists, lines, counts, previews of many.

use super::{Leader, add, all, done, failed, get, job, later};
use crate::support::START;
use lamplighter::Code;
use lamplighter::model::{
    Actor, AttemptEnd, BulkAct, ErrorMute, FiguresOf, FiguresStep, Filter, JobFigures, JobId,
    JobPlace, NewJob, PartOf, Queue, SplitBy, SplitSeries, Status, Trigger, Unplaced,
};
use lamplighter::store::Store;
use std::time::Duration;

pub async fn lines_and_figures_are_those_of_the_rows(store: &Store) {
    let parent = add(store, job()).await;
    let child = add(store, NewJob { parent_id: Some(parent), ..job() }).await;
    let unplaced = store.unplaced().await.unwrap();
    assert_eq!(unplaced, Unplaced { scheduled: 0, queued: 2 });
    assert!(!store.is_idle(START).await.unwrap());
    let mut leader = Leader::new(store, "w").await;
    let lease = leader.claim(1).await.remove(0);
    let (next, running) = store.queue_line(Queue::DEFAULT, 9).await.unwrap();
    assert_eq!(next.map(|job| job.id), Some(child));
    assert_eq!(running.iter().map(|job| job.id).collect::<Vec<_>>(), [parent]);
    let queues = store.queues().await.unwrap();
    let default = queues.iter().find(|queue| queue.name == Queue::DEFAULT).unwrap();
    assert_eq!((default.queued, default.running), (1, 1));
    assert_eq!(store.children(parent).await.unwrap(), [child]);
    leader.settle(lease, done()).await;
    let lease = leader.claim(1).await.remove(0);
    leader.settle(lease, failed()).await;
    let overview = store.overview(later(1)).await.unwrap();
    assert_eq!((overview.queued, overview.running, overview.scheduled), (0, 0, 1));
    assert_eq!(overview.hours.iter().map(|hour| hour.completed).sum::<u64>(), 1);
    assert!(overview.database_bytes > 0 && store.folder().is_some());
    assert!(store.is_idle(START).await.unwrap(), "what is left waits for its time");
}

pub async fn a_list_of_one_status_goes_by_its_time(store: &Store) {
    let mut leader = Leader::new(store, "w").await;
    let [first, second] = [add(store, job()).await, add(store, job()).await];
    let leases = leader.claim(2).await;
    let [later_start, sooner_start] =
        [60, 30].map(|seconds| NewJob { run_at: Some(later(seconds)), ..job() });
    let waiting = [add(store, later_start).await, add(store, sooner_start).await];
    leader.poll(0, START).await;
    for (at, lease) in [(1, &leases[1]), (2, &leases[0])] {
        store.cancel(lease.id, Actor::cli(), START).await.unwrap();
        let end = AttemptEnd::Answered(failed());
        store.settle(lease.clone(), end, Duration::ZERO, later(at)).await.unwrap();
    }
    let list = async |status, behind| {
        let found = store.list_jobs(Filter::default().status(status), behind, 1, later(9)).await;
        let found = found.unwrap();
        (found.rows.iter().map(|job| job.id).collect::<Vec<_>>(), found.next)
    };
    let (ended, next) = list(Status::Cancelled, None).await;
    assert_eq!(ended, [first], "it was stored first and ended last");
    assert_eq!(next, Some(JobPlace { at: Some(later(2)), id: first.0 }));
    assert_eq!(list(Status::Cancelled, next).await, (vec![second], None));
    let by_id = Some(JobPlace { at: None, id: first.0 });
    assert_eq!(list(Status::Cancelled, by_id).await, (vec![second], None));
    let (starts, next) = list(Status::Scheduled, None).await;
    assert_eq!(starts, [waiting[1]], "it starts next");
    assert_eq!(list(Status::Scheduled, next).await, (vec![waiting[0]], None));
    let nowhere = Some(JobPlace { at: None, id: 999 });
    let filter = Filter::default().status(Status::Failed);
    let refused = store.list_jobs(filter, nowhere, 1, START).await.unwrap_err();
    assert_eq!(refused.code(), Code::ModelInvalid);
}

pub async fn what_jobs_did_is_told_by_time(store: &Store) {
    let mut leader = Leader::new(store, "w").await;
    for _ in 0..3 {
        add(store, job()).await;
    }
    let leases = leader.claim(3).await;
    leader.settle(leases[0].clone(), done()).await;
    leader.settle(leases[1].clone(), failed()).await;
    store.cancel(leases[2].id, Actor::cli(), START).await.unwrap();
    leader.settle(leases[2].clone(), failed()).await;
    let range = (START.minus(Duration::from_hours(1)), later(3_600));
    let all = FiguresOf::default();
    let rows = store.job_figures(all.clone(), range).await.unwrap();
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.at, row.queue.as_ref()), (range.0, Some(&Queue::DEFAULT)));
    let JobFigures { completed, failed, cancelled, retried, waits, runs } = &row.figures;
    assert_eq!((*completed, *failed, *cancelled, *retried), (1, 0, 1, 1));
    assert_eq!((waits.count(), runs.count()), (3, 2));
    let series = store.job_series(all.clone(), range, None, "UTC").await.unwrap();
    assert_eq!(series.total(), row.figures);
    let none = FiguresOf { queue: Some(Queue::AGENT), ..all.clone() };
    assert!(store.job_figures(none, range).await.unwrap().is_empty());
    let step = FiguresStep::Hours(1);
    let split = async |by| store.split_series(by, range, step, "UTC").await.unwrap();
    let by_status = split(SplitBy::Status).await;
    assert_eq!(
        by_status.whole,
        store.job_series(all.clone(), range, Some(step), "UTC").await.unwrap()
    );
    let ended = |split: &SplitSeries| {
        split.parts.iter().map(|part| (part.of.clone(), part.total())).collect::<Vec<_>>()
    };
    let one = |status| (PartOf::Status(status), 1);
    assert_eq!(ended(&by_status), [one(Status::Completed), one(Status::Cancelled)]);
    assert_eq!(ended(&split(SplitBy::Kind).await), [(PartOf::Kind(job().kind), 2)]);
    assert_eq!(ended(&split(SplitBy::Queue).await), [(PartOf::Queue(Queue::DEFAULT), 2)]);
    let of_kind = FiguresOf { kind: Some(job().kind), queue: None };
    let one = store.job_series(of_kind, range, Some(step), "UTC").await.unwrap();
    assert_eq!(one.total(), row.figures);
    let kinds = store.series_by_kind(all.clone(), range, step, "UTC").await.unwrap();
    assert_eq!(kinds, [(job().kind, one)].into());
    let before = (range.0.minus(Duration::from_hours(48)), range.0.minus(Duration::from_hours(24)));
    assert!(store.series_by_kind(all.clone(), before, step, "UTC").await.unwrap().is_empty());
    let of_queues = store.series_by_queue(range, step, "UTC").await.unwrap();
    let whole = store.job_series(all.clone(), range, Some(step), "UTC").await.unwrap();
    assert_eq!(of_queues.into_iter().collect::<Vec<_>>(), [(Queue::DEFAULT, whole)]);
    let nowhere = store.split_series(SplitBy::Kind, range, step, "Nowhere").await.unwrap_err();
    assert_eq!(nowhere.code(), Code::ModelInvalid);
    let nowhere = store.job_series(all.clone(), range, None, "Nowhere").await.unwrap_err();
    assert_eq!(nowhere.code(), Code::ModelInvalid);
    let tomorrow = later(25 * 3_600);
    assert_eq!(store.usual_figures(all, tomorrow).await.unwrap().ended, 1);
}

pub async fn errors_of_jobs_are_counted_and_muted(store: &Store) {
    let mut leader = Leader::new(store, "w").await;
    add(store, job()).await;
    let lease = leader.claim(1).await.remove(0);
    leader.settle(lease, failed()).await;
    let range = (START.hour(), later(3_600));
    let groups = store.job_errors(range, 9).await.unwrap();
    let [group] = &groups[..] else { panic!("{groups:?}") };
    assert_eq!((group.failures, group.still_failed), (1, 0), "it is tried again");
    assert_eq!(store.new_job_errors(START, START, 9).await.unwrap(), 1);
    assert_eq!(store.new_job_errors(later(3_600), later(3_600), 9).await.unwrap(), 0);
    let (print, mute) = (group.fingerprint.clone(), ErrorMute { until: None, by: "ann".into() });
    assert!(store.mute_job_error(print.clone(), Some(mute), Actor::cli(), START).await.unwrap());
    let muted = store.job_error(print, range).await.unwrap().unwrap();
    assert!(muted.is_muted(later(9_999_999)));
    let count = |at| store.new_job_errors(START, at, 9);
    assert_eq!(count(START).await.unwrap(), 0);
    let mute = ErrorMute { until: Some(later(10)), by: "ann".into() };
    let print = muted.fingerprint;
    assert!(store.mute_job_error(print.clone(), Some(mute), Actor::cli(), START).await.unwrap());
    assert_eq!((count(later(9)).await.unwrap(), count(later(10)).await.unwrap()), (0, 1));
    assert!(store.still_failed_jobs(print, 9).await.unwrap().is_empty(), "it is tried again");
}

pub async fn a_store_that_takes_writes_is_trusted_and_ready(store: &Store) {
    add(store, job()).await;
    store.check_trust().unwrap();
    assert_eq!(store.not_ready(false), None);
    tokio::select! {
        biased;
        why = store.trust_lost() => panic!("{why}"),
        () = std::future::ready(()) => {}
    }
}

pub async fn a_bulk_action_does_what_its_preview_shows(store: &Store) {
    for _ in 0..5 {
        add(store, job()).await;
    }
    let preview = store.preview(Filter::default(), BulkAct::Cancel, None, START).await.unwrap();
    assert_eq!((preview.matched, preview.skipped.len()), (5, 0));
    let of = JobId(999);
    let slice =
        |after, limit| store.act_slice(preview.bulk.clone(), of, after, limit, Actor::cli(), START);
    let first = slice(0, 2).await.unwrap();
    assert_eq!(first.done, 2);
    let rest = slice(first.next.unwrap(), 9).await.unwrap();
    assert_eq!((rest.done, rest.next), (3, None));
    assert!(all(store).await.iter().all(|job| job.status == Status::Cancelled));
    let again = slice(0, 9).await.unwrap();
    assert_eq!(again.done, 0, "a slice that is repeated finds what is done");
    let found = async |query: &str| {
        let filter = Filter::parse(query).unwrap();
        store.find_jobs(filter, None, 99, START).await.unwrap().rows
    };
    assert_eq!(found("bulk:999").await.len(), 5, "they are found by the act that changed them");
    assert!(found("bulk:99").await.is_empty() && found("is:retried").await.is_empty());

    let worker = add(store, job()).await;
    let mut leader = Leader::new(store, "w").await;
    let lease = leader.claim(1).await.remove(0);
    let retry = store.preview(Filter::default(), BulkAct::Retry, None, START).await.unwrap().bulk;
    let told = |slice: &lamplighter::model::BulkSlice| format!("{} done", slice.done);
    let acted =
        store.act_slice_of(retry.clone(), lease, (0, 9), Actor::cli(), START, Box::new(told));
    assert_eq!(acted.await.unwrap().done, 5);
    assert_eq!(get(store, worker).await.progress.as_deref(), Some("5 done"));
    let again = store.act_slice(retry, worker, 0, 9, Actor::cli(), START).await.unwrap();
    assert_eq!(again.done, 0, "each is run again once for one action");
    let new = found(&format!("bulk:{worker}")).await;
    assert_eq!(new.len(), 5, "of a retry the new jobs are found");
    assert!(new.iter().all(|job| job.trigger == Trigger::Retry && job.id > worker), "{new:?}");
    assert_eq!(found("is:retried").await.len(), 5);
    assert!(found("status:cancelled -is:retried").await.is_empty());
}

//! What every backend of `Store` must do, as one function over a fixture that opens it. A second backend adds a fixture.

mod logs;
mod looks;
mod people;
mod scans;
mod schedules;
mod sessions;
mod workers;

use crate::support::{Played, START, in_time};
use lamplighter::error::Class;
use lamplighter::model::{
    Actor, After, AttemptEnd, BatchId, Cancelled, Cause, ConcurrencyKey, Enqueued, Filter, Job,
    JobEdit, JobError, JobId, Kind, KindRules, Lane, Lease, LogStep, NewJob, OnInterrupt, Outcome,
    PollRequest, Polled, Queue, Retry, RunNow, Status, Timestamp, UniqueKey, WaitsFor,
};
use lamplighter::store::{LogStore, OpenMode, Store};
use lamplighter::{Code, testing};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A backend under test: where its stores are and how they are opened.
trait Backend {
    /// A place for a new store.
    fn place(&self) -> PathBuf;
    /// The store of a place, made if it is not there; opening it again finds what was acknowledged.
    fn open(&self, place: &Path) -> Store;
    /// The same for logs.
    fn open_logs(&self, place: &Path) -> LogStore;
}

struct Sqlite {
    folder: TempDir,
    durable: bool,
}

impl Backend for Sqlite {
    fn place(&self) -> PathBuf {
        tempfile::tempdir_in(self.folder.path()).unwrap().keep()
    }

    fn open(&self, place: &Path) -> Store {
        if self.durable {
            Store::open(&place.join("lamplighter.db"), OpenMode::Migrate).unwrap()
        } else {
            testing::store_in(place).unwrap()
        }
    }

    fn open_logs(&self, place: &Path) -> LogStore {
        LogStore::open(&place.join("logs.db"), OpenMode::Migrate).unwrap()
    }
}

/// Bears P1, P3, P4, P5, P6, P7, P8, P9, P10, P11, P12, P13, P20 and P27: each assertion names its own.
#[tokio::test]
async fn the_sqlite_store_keeps_the_contract_of_stores() {
    for durable in [true, false] {
        contract(&Sqlite { folder: tempfile::tempdir().unwrap(), durable }).await;
    }
}

async fn contract(backend: &dyn Backend) {
    let fresh = || backend.open(&backend.place());
    what_is_acknowledged_is_there_after_a_restart(backend).await;
    keys_answer_the_job_that_is_there(&fresh()).await;
    together_is_all_or_nothing(&fresh()).await;
    claims_follow_their_order_and_their_limits(&fresh()).await;
    a_lease_is_needed_to_write_and_ends_once(&fresh()).await;
    what_a_lost_worker_ran_is_settled_as_lost(&fresh()).await;
    one_leader_polls(&fresh()).await;
    a_wish_to_cancel_holds(&fresh()).await;
    what_waits_can_be_made_due_and_changed(&fresh()).await;
    an_edit_gives_a_job_its_new_place(&fresh()).await;
    a_key_passes_on_when_its_holder_is_put_off(&fresh()).await;
    a_limit_is_lifted_for_whoever_kept_the_time_it_set(&fresh()).await;
    a_persons_pause_stays_a_persons_when_a_job_meets_a_limit(&fresh()).await;
    what_is_over_can_be_deleted(&fresh()).await;
    pauses_and_stops_hold_until_they_end(&fresh()).await;
    changes_are_announced_and_counted(&fresh()).await;
    only_what_is_over_is_removed(&fresh()).await;
    commits_of_other_programs_are_announced(backend).await;
    settlements_that_wait_together_are_each_answered(&fresh()).await;
    the_end_of_a_job_is_waited_for_and_told(&fresh()).await;
    a_job_runs_after_others(&fresh()).await;
    a_batch_is_counted_and_followed_once(&fresh()).await;
    looks::lines_and_figures_are_those_of_the_rows(&fresh()).await;
    looks::a_list_of_one_status_goes_by_its_time(&fresh()).await;
    looks::what_jobs_did_is_told_by_time(&fresh()).await;
    looks::errors_of_jobs_are_counted_and_muted(&fresh()).await;
    looks::a_store_that_takes_writes_is_trusted_and_ready(&fresh()).await;
    looks::a_bulk_action_does_what_its_preview_shows(&fresh()).await;
    people::accounts_and_logins(&fresh()).await;
    people::tokens_are_kept_until_they_are_revoked(&fresh()).await;
    people::views_are_kept_by_each_for_themselves(&fresh()).await;
    people::who_made_a_job_is_found_among_others_of_the_same_moment(&fresh()).await;
    people::settings_change_together(&fresh()).await;
    people::repositories_are_described_under_a_lease(&fresh()).await;
    schedules::schedules_make_jobs_and_say_what_they_decided(&fresh()).await;
    schedules::a_schedule_that_fails_is_told_until_it_is_well_or_paused(&fresh()).await;
    schedules::schedules_are_changed_paused_and_removed(&fresh()).await;
    sessions::a_session_is_kept_from_its_request_to_its_record(&fresh()).await;
    sessions::a_schedule_has_a_last_answer_once_a_session_of_it_was_done(&fresh()).await;
    sessions::a_search_finds_the_words_of_prompts_and_answers_and_says_how_much_it_read(&fresh())
        .await;
    sessions::an_interrupted_run_stays_open_until_its_processes_are_gone(&fresh()).await;
    sessions::sessions_that_wait_for_the_program_are_woken_when_it_is_there(&fresh()).await;
    sessions::an_attempt_starts_without_what_the_one_before_it_printed_and_said(&fresh()).await;
    sessions::a_budget_parks_a_run_and_its_end_makes_it_due(&fresh()).await;
    sessions::runs_at_once_share_what_is_left_of_a_budget(&fresh()).await;
    scans::a_scan_leaves_everything_or_nothing(&fresh()).await;
    scans::issues_are_told_with_their_days_codes_and_acts(&fresh()).await;
    scans::what_is_filed_waits_for_a_person_and_is_sent_once(&fresh()).await;
    scans::what_the_tracker_shows_is_known_and_what_it_has_no_longer_is_not(&fresh()).await;
    scans::what_is_open_elsewhere_is_filed_at_a_new_home_once(&fresh()).await;
    workers::a_lease_goes_on_with_each_beat_until_it_is_lost(&fresh()).await;
    workers::a_limit_holds_while_a_program_that_sets_it_is_at_work(&fresh()).await;
    workers::the_lock_tells_that_its_holder_is_dead(&fresh());
    workers::what_waited_for_a_handler_goes_on_with_one(&fresh()).await;
    workers::a_process_says_what_it_is(&fresh());
    let place = backend.place();
    logs::rows_are_appended_found_and_removed(&backend.open_logs(&place), &place).await;
}

/// What the contract calls the values that a file's methods are of: two stores have methods of one name, and so has `Vec`.
fn receivers(file: &Path) -> &'static [&'static str] {
    match file.file_name().unwrap().to_str().unwrap() {
        "logs.rs" => &["logs", "ours", "theirs"],
        "snapshot.rs" => &["logs", "snapshot"],
        "foreign.rs" | "scanned.rs" => &["foreign", "scanned"],
        "news.rs" => &["steps"],
        "leader.rs" => &["store", "held"],
        _ => &["store", "ours", "theirs"],
    }
}

/// The public methods of the stores, each as the ways in which the contract may call it: those that take `self`, and the
/// ways to open one.
fn methods() -> Vec<Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::fs::read_dir(root.join("src/store")).unwrap();
    let files = folder.map(|file| file.unwrap().path()).chain([root.join("src/store.rs")]);
    let mut methods = Vec::new();
    for file in files.filter(|file| file.extension().is_some_and(|ext| ext == "rs")) {
        let text = std::fs::read_to_string(&file).unwrap();
        for part in text.split("    pub ").skip(1) {
            let Some(rest) = part.trim_start_matches("async ").strip_prefix("fn ") else {
                continue;
            };
            let name: String =
                rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let head = rest.split('{').next().unwrap_or_default();
            if name == "open" {
                let store = if file.ends_with("logs.rs") { "LogStore" } else { "Store" };
                methods.push(vec![format!(" {store}::open(")]);
            } else if head.contains("self") {
                let of = |receiver: &&str| format!("{receiver}.{name}(");
                methods.push(receivers(&file).iter().map(of).collect());
            }
        }
    }
    methods
}

#[test]
fn the_contract_calls_every_method_of_the_stores() {
    let here = [
        include_str!("contract.rs"),
        include_str!("contract/logs.rs"),
        include_str!("contract/looks.rs"),
        include_str!("contract/people.rs"),
        include_str!("contract/scans.rs"),
        include_str!("contract/schedules.rs"),
        include_str!("contract/sessions.rs"),
        include_str!("contract/workers.rs"),
    ];
    // A call may stand on the line after its receiver.
    let here: String = here.concat().split_whitespace().collect::<Vec<_>>().join(" ");
    let here = here.replace(" .", ".");
    let methods = methods();
    assert!(methods.len() > 100, "the search for methods finds {}", methods.len());
    let is_called = |calls: &Vec<String>| calls.iter().any(|call| here.contains(call.as_str()));
    let missing: Vec<_> = methods.iter().filter(|calls| !is_called(calls)).collect();
    assert!(missing.is_empty(), "the contract calls none of {missing:?}");
}

async fn commits_of_other_programs_are_announced(backend: &dyn Backend) {
    let place = backend.place();
    let (ours, theirs) = (backend.open(&place), backend.open(&place));
    assert!(!ours.is_guest(), "a backend's own place is no application's");
    let mut changes = ours.changes();
    changes.borrow_and_update();
    tokio::select! {
        ended = ours.watch_foreign_commits() => panic!("{ended:?}"),
        () = in_time(async {
            add(&theirs, job()).await;
            changes.changed().await.unwrap();
        }) => {}
    }
    assert_eq!(all(&ours).await.len(), 1);
    let (ours, theirs) = (backend.open_logs(&place), backend.open_logs(&place));
    let mut changes = ours.changes();
    changes.borrow_and_update();
    tokio::select! {
        ended = ours.watch_foreign_commits() => panic!("{ended:?}"),
        () = in_time(async {
            theirs.append_from(Vec::new(), "file", LogStep { to: "{}".into(), ..LogStep::default() }).await.unwrap();
            changes.changed().await.unwrap();
        }) => {}
    }
}

async fn the_end_of_a_job_is_waited_for_and_told(store: &Store) {
    let id = add(store, job()).await;
    let mut steps = store.job_steps(&Filter::default(), START).await.unwrap();
    let mut leader = Leader::new(store, "w").await;
    let lease = leader.claim(1).await.remove(0);
    let (ended, status) = tokio::join!(store.wait(id), leader.settle(lease, done()));
    assert_eq!((ended.unwrap().status, status), (Status::Completed, Status::Completed));
    let mut told = Vec::new();
    while told.last() != Some(&Status::Completed) {
        let step = in_time(steps.next()).await.unwrap().unwrap();
        assert_eq!(step.id, id);
        told.push(step.to);
    }
    assert_eq!(told, [Status::Queued, Status::Running, Status::Completed]);
    assert_eq!(store.wait(id).await.unwrap().status, Status::Completed, "it is over already");
}

/// A batch counts its jobs, is finished once it is closed and none is open, and is followed by one job.
async fn a_batch_is_counted_and_followed_once(store: &Store) {
    let mut leader = Leader::new(store, "w").await;
    let then =
        NewJob { payload: 7.into(), priority: Some(50), actor: Some(Actor::named("ann")), ..job() };
    let id = store.open_batch("import".into(), Some(then), START).await.unwrap();
    let of = |batch| NewJob { batch: Some(batch), schedule_id: Some(4), ..job() };
    let jobs = store.enqueue_all(vec![of(id), of(id), of(id)], START).await.unwrap();
    let leases = leader.claim(2).await;
    leader.settle(leases[0].clone(), done()).await;
    let fatal = Outcome::Fatal(JobError { code: "X".into(), message: "no".into() });
    leader.settle(leases[1].clone(), fatal).await;
    store.cancel(jobs[2].id(), Actor::cli(), START).await.unwrap();
    let batch = store.batch(id).await.unwrap().unwrap();
    let counts = (batch.total, batch.open, batch.completed, batch.failed, batch.cancelled);
    assert_eq!(counts, (3, 0, 1, 1, 1));
    assert_eq!((batch.held, batch.finished_at, batch.then_id), (true, None, None));
    let last = add(store, of(id)).await;
    let batch = store.close_batch(id, START).await.unwrap();
    assert_eq!((batch.open, batch.finished_at), (1, None));
    let lease = leader.claim(9).await.remove(0);
    assert_eq!(lease.id, last);
    leader.settle(lease, done()).await;
    let batch = store.batches(None, 9).await.unwrap().remove(0);
    assert_eq!((batch.id, batch.finished_at), (id, Some(START)));
    let then = get(store, batch.then_id.unwrap()).await;
    assert_eq!((then.payload.as_str(), then.batch_id), ("7", None));
    is_in_the_name_of_ann(store, &then).await;
    assert_eq!(store.batch_before(then.id).await.unwrap(), Some(batch));
    assert_eq!(store.batch_before(last).await.unwrap(), None);
    assert_eq!(store.close_batch(id, START).await.unwrap().then_id, Some(then.id), "once");
    assert_eq!(all(store).await.len(), 5);

    let late = store.enqueue(of(id), START).await.unwrap_err();
    assert_eq!(late.code(), Code::BatchOver);
    let unknown = BatchId(id.0 + 9);
    assert_eq!(store.enqueue(of(unknown), START).await.unwrap_err().code(), Code::BatchUnknown);
    assert_eq!(store.close_batch(unknown, START).await.unwrap_err().code(), Code::BatchUnknown);
    let timed = NewJob { run_at: Some(START), ..job() };
    for (name, then) in [(String::new(), None), ("x".into(), Some(timed))] {
        let refused = store.open_batch(name, then, START).await.unwrap_err();
        assert_eq!(refused.code(), Code::ModelInvalid);
    }

    let empty = store.open_batch("empty".into(), None, START).await.unwrap();
    assert_eq!(store.close_batch(empty, START).await.unwrap().finished_at, Some(START));
    let off = store.open_batch("off".into(), Some(job()), START).await.unwrap();
    store.enqueue_all(vec![of(off); 1200], START).await.unwrap();
    store.close_batch(off, START).await.unwrap();
    let filter = Filter::parse(&format!("batch:{off}")).unwrap();
    let found = store.find_jobs(filter, None, 1000, START).await.unwrap().rows;
    assert!(found.len() == 1000 && found.iter().all(|job| job.batch_id == Some(off)));
    let first = Filter::default().batch(id);
    let found = store.find_jobs(first, None, 1000, START).await.unwrap();
    assert_eq!((found.rows.len(), found.next), (4, None));
    assert!(found.looked_through <= 5, "only ids from its first job to its last one");
    let batch = store.cancel_batch(off, Actor::cli(), START).await.unwrap();
    assert_eq!((batch.cancelled, batch.open), (1200, 0));
    let held = store.open_batch("held".into(), None, START).await.unwrap();
    add(store, of(held)).await;
    let held = store.cancel_batch(held, Actor::cli(), START).await.unwrap();
    assert_eq!((held.held, held.finished_at), (false, Some(START)), "no more are to come");
    let crawl = store.open_batch("crawl".into(), None, START).await.unwrap();
    let page = add(store, of(crawl)).await;
    let lease = leader.claim(9).await.into_iter().find(|lease| lease.id == page).unwrap();
    let crawl = store.cancel_batch(crawl, Actor::cli(), START).await.unwrap();
    assert_eq!((crawl.open, crawl.finished_at), (1, None), "what runs goes on to its end");
    let more = store.enqueue(of(crawl.id), START).await.unwrap_err();
    assert_eq!(more.code(), Code::BatchOver, "and adds nothing");
    leader.settle(lease, done()).await;
    assert!(!store.finish_batches(START).await.unwrap(), "none is left to finish");
    assert!(batch.then_id.is_some(), "what follows is made whatever became of the jobs");
}

/// The job that follows a batch is of the one who asked for the batch, and the schedule of the first job pays for it.
async fn is_in_the_name_of_ann(store: &Store, then: &Job) {
    assert_eq!(then.schedule_id, Some(4));
    let made = format!("job {} ({})", then.id, then.kind);
    let deeds = store.deeds(9).await.unwrap();
    assert_eq!(deeds.iter().find(|deed| deed.subject == made).unwrap().by, Actor::named("ann"));
}

/// A job that runs after others waits for them, goes on with their good end, and ends with a bad one.
async fn a_job_runs_after_others(store: &Store) {
    let mut leader = Leader::new(store, "w").await;
    let first = add(store, job()).await;
    let second = add(store, job().after([first])).await;
    let third = add(store, NewJob { run_at: Some(later(60)), ..job() }.after([second])).await;
    let anyway = add(store, job().after_any([first, second, first])).await;
    let lease = leader.claim(9).await.remove(0);
    assert_eq!(lease.id, first);
    let waits = |job: Job| (job.status, job.waits_for);
    let held = Some(WaitsFor::After);
    assert_eq!(waits(get(store, second).await), (Status::Queued, held));
    assert_eq!(waits(get(store, third).await), (Status::Scheduled, held));
    let neighbours = store.neighbours(second).await.unwrap();
    assert_eq!(neighbours.after, [After { id: first, anyway: false, ended_as: None }]);
    assert_eq!(neighbours.before, [third, anyway]);
    let why = store.why(anyway, START).await.unwrap().unwrap().to_string();
    assert!(why.contains(&format!("it runs after job {first}, job {second}")), "{why}");

    leader.settle(lease, done()).await;
    let lease = leader.claim(9).await.remove(0);
    assert_eq!(lease.id, second);
    leader.settle(lease, Outcome::Fatal(JobError { code: "X".into(), message: "no".into() })).await;
    let claimed = leader.claim(9).await;
    assert_eq!(claimed.iter().map(|lease| lease.id).collect::<Vec<_>>(), [anyway]);
    assert_eq!(get(store, third).await.status, Status::Cancelled);
    let step = store.job_events(third).await.unwrap().remove(0);
    let why = format!("job {second}, which it runs after, failed");
    assert_eq!((step.cause, step.detail), (Ok(Cause::After), Some(why)));

    store.delete_job(second, Actor::cli(), START).await.unwrap();
    let neighbours = store.neighbours(third).await.unwrap();
    assert_eq!(neighbours.after[0].ended_as, Some(Status::Failed), "it outlives the row");
    let gone = store.enqueue(job().after([first, second]), START).await.unwrap_err();
    assert_eq!(gone.code(), Code::JobAfterUnknown);
    let many = job().after((1..=101).map(JobId));
    assert_eq!(store.enqueue(many, START).await.unwrap_err().code(), Code::ModelInvalid);
    let over = add(store, job().after([first]).after_any([third])).await;
    assert_eq!(leader.claim(9).await[0].id, over, "all of those were over");
}

/// P9: settlements that reach the store at once are written together, and each hears what became of its own.
async fn settlements_that_wait_together_are_each_answered(store: &Store) {
    for _ in 0..20 {
        add(store, job()).await;
    }
    let mut leader = Leader::new(store, "w").await;
    let leases = leader.claim(20).await;
    let stale = Lease { epoch: leases[0].epoch + 1, ..leases[0].clone() };
    let ends = leases
        .iter()
        .chain([&stale])
        .cloned()
        .map(|lease| store.settle(lease, AttemptEnd::Answered(done()), Duration::ZERO, START));
    let answers = futures_util::future::join_all(ends).await;
    let (last, others) = answers.split_last().unwrap();
    assert_eq!(last.as_ref().unwrap_err().code(), Code::StoreLeaseLost, "P9");
    assert!(others.iter().all(|answer| matches!(answer, Ok(Status::Completed))), "{others:?}");
    assert!(all(store).await.iter().all(|job| job.status == Status::Completed));
}

fn kind() -> Kind {
    Kind::parse("work").unwrap()
}

fn rules() -> KindRules {
    KindRules { key_limit: 2, ..KindRules::new(kind()) }
}

fn job() -> NewJob {
    NewJob::new(kind())
}

fn later(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

async fn add(store: &Store, job: NewJob) -> JobId {
    store.enqueue(job, START).await.unwrap().id()
}

async fn get(store: &Store, id: JobId) -> Job {
    store.job(id).await.unwrap().unwrap()
}

/// A worker that leads, and what it believes to run.
struct Leader<'a> {
    store: &'a Store,
    played: Played,
    running: Vec<JobId>,
}

impl<'a> Leader<'a> {
    async fn new(store: &'a Store, name: &str) -> Self {
        Self::of(store, name, rules()).await
    }

    async fn of(store: &'a Store, name: &str, rules: KindRules) -> Self {
        let played = Played::leading(store, name, vec![rules], vec![], START).await;
        Self { store, played, running: Vec::new() }
    }

    async fn poll(&mut self, room: u32, now: Timestamp) -> Polled {
        let polled = self.store.poll(self.request(room), now).await.unwrap();
        self.running.extend(polled.claimed.iter().map(|job| job.id));
        polled
    }

    fn request(&self, room: u32) -> PollRequest {
        PollRequest { lanes: vec![lane(room)], ..self.played.request(self.running.clone()) }
    }

    async fn claim(&mut self, room: u32) -> Vec<Lease> {
        let polled = self.poll(room, START).await;
        polled.claimed.iter().map(|job| job.lease().unwrap()).collect()
    }

    async fn settle(&mut self, lease: Lease, outcome: Outcome) -> Status {
        self.running.retain(|id| *id != lease.id);
        let end = AttemptEnd::Answered(outcome);
        self.store.settle(lease, end, Duration::from_secs(10), START).await.unwrap()
    }
}

fn lane(slots: u32) -> Lane {
    Lane { queue: Queue::DEFAULT, running: 0, slots: Some(slots) }
}

fn done() -> Outcome {
    Outcome::Done(1.into())
}

fn failed() -> Outcome {
    Outcome::Failed(JobError { code: "TEST-RUN-001".into(), message: "no".into() })
}

async fn what_is_acknowledged_is_there_after_a_restart(backend: &dyn Backend) {
    let place = backend.place();
    let store = backend.open(&place);
    let whole = NewJob {
        payload: serde_json::json!({"lamps": 7}).into(),
        priority: Some(-3),
        run_at: Some(later(60)),
        max_attempts: Some(9),
        timeout: Some(Duration::from_secs(5)),
        unique_key: Some(UniqueKey::parse("u").unwrap()),
        concurrency_key: Some(ConcurrencyKey::parse("k").unwrap()),
        correlation_id: Some("r-1".into()),
        ..job()
    };
    let id = add(&store, whole).await;
    let before = get(&store, id).await;
    drop(store);
    let store = backend.open(&place);
    assert_eq!(get(&store, id).await, before, "P1");
    assert_eq!(before.payload, r#"{"lamps":7}"#);
    assert_eq!((before.run_at, before.created_at), (later(60), START));
    assert_eq!((before.max_attempts, before.timeout), (Some(9), Some(Duration::from_secs(5))));
    assert!(store.job(JobId(id.0 + 1)).await.unwrap().is_none());
}

async fn keys_answer_the_job_that_is_there(store: &Store) {
    let unique = || NewJob { unique_key: Some(UniqueKey::parse("u").unwrap()), ..job() };
    let first = add(store, unique()).await;
    assert_eq!(store.enqueue(unique(), START).await.unwrap(), Enqueued::Existing(first));
    let request = |n: i32| NewJob { idempotency_key: Some("i".into()), payload: n.into(), ..job() };
    let second = add(store, request(1)).await;
    assert_eq!(
        store.enqueue(request(1), later(9)).await.unwrap(),
        Enqueued::Existing(second),
        "P3"
    );
    let conflict = store.enqueue(request(2), START).await.unwrap_err();
    assert_eq!(conflict.code(), Code::IdempotencyConflict, "P3");
}

async fn together_is_all_or_nothing(store: &Store) {
    let bad = NewJob { priority: Some(1000), ..job() };
    assert!(store.enqueue_all(vec![job(), bad], START).await.is_err());
    assert!(all(store).await.is_empty(), "P4");
    assert_eq!(store.enqueue_all(vec![job(), job()], START).await.unwrap().len(), 2);
}

async fn all(store: &Store) -> Vec<Job> {
    store.find_jobs(Filter::default(), None, 1000, START).await.unwrap().rows
}

async fn claims_follow_their_order_and_their_limits(store: &Store) {
    let mut leader = Leader::new(store, "w").await;
    let plain = add(store, job()).await;
    let urgent = add(store, NewJob { priority: Some(-1), ..job() }).await;
    let not_yet = add(store, NewJob { run_at: Some(later(60)), ..job() }).await;
    let unknown = add(store, NewJob::new(Kind::parse("unknown").unwrap())).await;
    let claimed: Vec<_> = leader.claim(1).await.iter().map(|lease| lease.id).collect();
    assert_eq!(claimed, [urgent], "P13");
    let polled = leader.poll(3, START).await;
    assert_eq!(polled.claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [plain]);
    assert_eq!(polled.wake_at, Some(later(60)));
    let (waits, blocked) = (get(store, not_yet).await, get(store, unknown).await);
    assert_eq!(waits.status, Status::Scheduled);
    assert_eq!((blocked.status, blocked.epoch), (Status::Queued, 0));
    let due = leader.poll(3, later(60)).await.claimed;
    assert_eq!(due.iter().map(|job| job.id).collect::<Vec<_>>(), [not_yet]);

    let keyed = || NewJob { concurrency_key: Some(ConcurrencyKey::parse("k").unwrap()), ..job() };
    let mut keys = Vec::new();
    for _ in 0..3 {
        keys.push(add(store, keyed()).await);
    }
    let leases = leader.claim(9).await;
    assert_eq!(leases.iter().map(|lease| lease.id).collect::<Vec<_>>(), keys[..2], "P8");
    leader.settle(leases[0].clone(), done()).await;
    assert_eq!(leader.claim(9).await[0].id, keys[2], "P8");
}

async fn a_lease_is_needed_to_write_and_ends_once(store: &Store) {
    let mut leader = Leader::new(store, "w").await;
    let id = add(store, job()).await;
    let lease = leader.claim(1).await.remove(0);
    store.set_progress(lease.clone(), "half".into()).await.unwrap();
    let child = || NewJob { parent_id: Some(id), ..NewJob::new(Kind::named("child")) };
    let made = store.enqueue_under(lease.clone(), child(), START).await.unwrap().id();
    assert_eq!(leader.settle(lease.clone(), failed()).await, Status::Scheduled);
    let waits = get(store, id).await;
    assert_eq!((waits.attempt, waits.run_at), (1, later(10)), "P12");
    let end = AttemptEnd::Answered(done());
    let late = store.settle(lease.clone(), end, Duration::ZERO, START).await;
    assert!(late.unwrap_err().is_lease_lost(), "P9");
    let refused = store.enqueue_under(lease.clone(), child(), START).await.unwrap_err();
    assert!(refused.is_lease_lost(), "P9");
    assert!(store.set_progress(lease, "all".into()).await.unwrap_err().is_lease_lost(), "P9");
    assert_eq!(get(store, id).await, waits);
    assert_eq!(all(store).await.iter().map(|job| job.id).max(), Some(made), "no further child");
    let again = leader.poll(1, later(10)).await.claimed.remove(0);
    assert_eq!((again.epoch, again.attempt), (2, 2));
    assert_eq!(leader.settle(again.lease().unwrap(), done()).await, Status::Completed);
    let ended = get(store, id).await;
    assert_eq!((ended.result.as_deref(), ended.finished_at), (Some("1"), Some(START)));
    let ends: Vec<_> = store.job_attempts(id).await.unwrap();
    let ends: Vec<_> = ends.iter().map(|end| (end.epoch, end.ended_word())).collect();
    assert_eq!(ends, [(1, "retry"), (2, "completed")]);
    assert_eq!(store.job_events(id).await.unwrap().len(), 1);
}

async fn what_a_lost_worker_ran_is_settled_as_lost(store: &Store) {
    let mut first = Leader::new(store, "w1").await;
    let id = add(store, job()).await;
    let stale = first.claim(1).await.remove(0);
    let mut second = Leader::new(store, "w2").await;
    let polled = second.poll(0, START).await;
    assert_eq!(
        polled.rescued.iter().map(|(job, after)| (job.id, after.status)).collect::<Vec<_>>(),
        [(id, Status::Queued)]
    );
    let job = get(store, id).await;
    assert_eq!((job.attempt, job.interrupted), (0, 1), "P11");
    let child = store.enqueue_under(stale.clone(), self::job(), START).await;
    assert!(child.unwrap_err().is_lease_lost(), "P9");
    let end = AttemptEnd::Answered(done());
    assert!(
        store.settle(stale, end, Duration::ZERO, START).await.unwrap_err().is_lease_lost(),
        "P9"
    );

    let once = KindRules { on_interrupt: OnInterrupt::Fail, ..rules() };
    let mut third = Leader::of(store, "w3", once.clone()).await;
    let never_twice = add(store, NewJob { priority: Some(-9), ..self::job() }).await;
    assert_eq!(third.claim(1).await[0].id, never_twice);
    Leader::of(store, "w4", once).await.poll(0, START).await;
    assert_eq!(get(store, never_twice).await.status, Status::Failed, "P7");
}

async fn one_leader_polls(store: &Store) {
    let first = Leader::new(store, "w1").await;
    let mut second = Leader::new(store, "w2").await;
    let id = add(store, job()).await;
    assert!(store.poll(first.request(1), START).await.is_err(), "P27");
    assert_eq!(get(store, id).await.epoch, 0);
    assert_eq!(second.claim(1).await.len(), 1);
    let workers = store.workers().await.unwrap();
    let leads: Vec<_> = workers.iter().filter(|worker| worker.leads).collect();
    assert_eq!((leads.len(), &leads[0].id), (1, &second.played.worker));
}

async fn a_wish_to_cancel_holds(store: &Store) {
    let mut leader = Leader::new(store, "w").await;
    let waits = add(store, job()).await;
    assert_eq!(store.cancel(waits, Actor::cli(), START).await.unwrap(), Cancelled::Done);
    assert!(leader.claim(1).await.is_empty(), "P20");
    let runs = add(store, job()).await;
    let lease = leader.claim(1).await.remove(0);
    assert_eq!(store.cancel(runs, Actor::cli(), START).await.unwrap(), Cancelled::Requested);
    assert_eq!(leader.poll(1, START).await.cancelled, [runs]);
    assert_eq!(leader.settle(lease, failed()).await, Status::Cancelled);
    let final_job = get(store, runs).await;
    let again = store.run_again(runs, Actor::cli(), None, START).await.unwrap().id();
    let once = || store.run_again_once(runs, "form 1".into(), Actor::cli(), None, START);
    let first = once().await.unwrap();
    assert_eq!(once().await.unwrap(), Enqueued::Existing(first.id()), "P3: once for a key");
    store.cancel(first.id(), Actor::cli(), START).await.unwrap();
    assert_eq!(get(store, runs).await, final_job, "P10");
    assert_eq!(get(store, again).await.parent_id, Some(runs));
    let retries = store.retries(vec![waits, runs]).await.unwrap();
    let newest = Retry { id: first.id(), status: Status::Cancelled };
    assert_eq!(
        retries,
        BTreeMap::from([(runs, newest)]),
        "the newest, of those that were run again"
    );
}

async fn what_waits_can_be_made_due_and_changed(store: &Store) {
    let mut leader = Leader::new(store, "w").await;
    let by = Actor::cli;
    let delayed = add(store, NewJob { run_at: Some(later(60)), ..job() }).await;
    assert!(leader.claim(9).await.is_empty());
    assert_eq!(store.run_now(delayed, by(), START).await.unwrap(), RunNow::Due);
    assert_eq!(store.run_now(delayed, by(), START).await.unwrap(), RunNow::AlreadyDue);
    let lease = leader.claim(9).await.remove(0);
    let runs = store.run_now(delayed, by(), START).await.unwrap_err();
    assert_eq!((runs.code(), runs.class()), (Code::JobNotWaiting, Class::Conflict));
    assert_eq!(leader.settle(lease, failed()).await, Status::Scheduled);
    let few = JobEdit { max_attempts: Some(1), ..JobEdit::default() };
    let few = store.edit_job(delayed, few, by(), START).await.unwrap_err();
    assert_eq!(few.code(), Code::ModelInvalid, "one attempt has begun");
    assert_eq!(store.run_now(delayed, by(), START).await.unwrap(), RunNow::Due, "a back-off");
    let lease = leader.claim(9).await.remove(0);
    leader.settle(lease, done()).await;
    let over = store.edit_job(delayed, JobEdit::default(), by(), START).await.unwrap_err();
    assert_eq!(over.code(), Code::JobNotWaiting, "P10");
    let steps = store.job_events(delayed).await.unwrap();
    let steps: Vec<_> = steps.iter().map(|step| (step.cause_word(), step.to)).collect();
    assert_eq!(
        steps,
        [("run_now", Status::Queued), ("retry", Status::Scheduled), ("run_now", Status::Queued)]
    );
    let unknown = store.run_now(JobId(999), by(), START).await.unwrap_err();
    assert_eq!(unknown.code(), Code::JobUnknown);
    assert!(store.recount().await.unwrap().is_empty());
}

async fn an_edit_gives_a_job_its_new_place(store: &Store) {
    let mut leader = Leader::new(store, "w").await;
    let by = Actor::cli;
    let (first, second) = (add(store, job()).await, add(store, job()).await);
    leader.poll(0, START).await;
    let sooner = JobEdit {
        priority: Some(-1),
        payload: Some(serde_json::json!({"lamps": 8}).into()),
        max_attempts: Some(7),
        ..JobEdit::default()
    };
    let changed = store.edit_job(second, sooner.clone(), by(), START).await.unwrap();
    assert_eq!((changed.payload.as_str(), changed.max_attempts), (r#"{"lamps":8}"#, Some(7)));
    assert_eq!(store.edit_job(second, sooner, by(), START).await.unwrap(), changed);
    assert_eq!(store.job_events(second).await.unwrap().len(), 1, "nothing was changed again");
    assert_eq!(leader.claim(1).await[0].id, second, "P13");
    let put_off = JobEdit { run_at: Some(later(60)), ..JobEdit::default() };
    let waits = store.edit_job(first, put_off, by(), START).await.unwrap();
    assert_eq!((waits.status, waits.waits_for), (Status::Scheduled, None));
    assert!(leader.claim(9).await.is_empty());
    assert_eq!(leader.poll(9, later(60)).await.claimed[0].id, first);
    let long = Some("x".repeat(300_000).into());
    for (wrong, code) in [
        (JobEdit { priority: Some(101), ..JobEdit::default() }, Code::ModelInvalid),
        (JobEdit { max_attempts: Some(0), ..JobEdit::default() }, Code::ModelInvalid),
        (JobEdit { payload: long, ..JobEdit::default() }, Code::JobTooLarge),
    ] {
        let open = add(store, job()).await;
        let refused = store.edit_job(open, wrong, by(), START).await.unwrap_err();
        assert_eq!(refused.code(), code);
    }
    assert!(store.recount().await.unwrap().is_empty());
    let deeds = store.deeds(99).await.unwrap();
    let edits: Vec<_> = deeds.iter().filter(|deed| deed.action == "edit").collect();
    assert_eq!(edits.len(), 2);
    assert_eq!(edits[1].before.as_deref(), Some("priority 0, attempts 3, payload 2 bytes"));
    assert_eq!(edits[1].after.as_deref(), Some("priority -1, attempts 7, payload 11 bytes"));
}

async fn a_key_passes_on_when_its_holder_is_put_off(store: &Store) {
    let mut leader = Leader::new(store, "w").await;
    let keyed = || NewJob { concurrency_key: Some(ConcurrencyKey::parse("k").unwrap()), ..job() };
    let (first, second, third) =
        (add(store, keyed()).await, add(store, keyed()).await, add(store, keyed()).await);
    // Two hold the key's two slots and wait for room; the third waits for the key.
    leader.poll(0, START).await;
    let put_off = JobEdit { run_at: Some(later(60)), ..JobEdit::default() };
    store.edit_job(first, put_off, Actor::cli(), START).await.unwrap();
    let claimed = leader.claim(9).await;
    assert_eq!(claimed.iter().map(|lease| lease.id).collect::<Vec<_>>(), [second, third], "P8");
    assert!(leader.poll(9, later(60)).await.claimed.is_empty(), "it waits for the key now");
    leader.settle(claimed[0].clone(), done()).await;
    assert_eq!(leader.poll(9, later(60)).await.claimed[0].id, first);
}

async fn a_limit_is_lifted_for_whoever_kept_the_time_it_set(store: &Store) {
    let mut leader = Leader::new(store, "w").await;
    let (kept, moved) = (add(store, job()).await, add(store, job()).await);
    for lease in leader.claim(2).await {
        let until = later(600);
        leader.settle(lease, Outcome::Limited { until, reason: "a limit".into() }).await;
    }
    let priority = JobEdit { priority: Some(5), ..JobEdit::default() };
    store.edit_job(kept, priority, Actor::cli(), START).await.unwrap();
    let time = JobEdit { run_at: Some(later(300)), ..JobEdit::default() };
    store.edit_job(moved, time, Actor::cli(), START).await.unwrap();
    store.resume_queue(Queue::DEFAULT, Actor::cli(), START).await.unwrap();
    let claimed: Vec<_> = leader.claim(9).await.iter().map(|lease| lease.id).collect();
    assert_eq!(claimed, [kept], "the other one waits for the time that somebody gave it");
}

async fn a_persons_pause_stays_a_persons_when_a_job_meets_a_limit(store: &Store) {
    let mut leader = Leader::new(store, "w").await;
    for _ in 0..2 {
        add(store, job()).await;
    }
    let mut running = leader.claim(2).await;
    let (by, sooner) = (Actor::cli(), Some(later(60)));
    store.pause_queue(Queue::DEFAULT, "hands off".into(), sooner, by.clone(), START).await.unwrap();
    let limit = |secs| Outcome::Limited { until: later(secs), reason: "a limit".into() };
    leader.settle(running.remove(0), limit(600)).await;
    let pause = async || {
        let queues = store.queues().await.unwrap();
        queues.into_iter().find(|queue| queue.name == Queue::DEFAULT).unwrap().pause
    };
    let kept = pause().await.unwrap();
    assert_eq!(
        (kept.by, kept.reason.as_str(), kept.resume_at),
        (by.name.clone(), "hands off", sooner)
    );
    store.resume_queue(Queue::DEFAULT, by, START).await.unwrap();
    let lease = running.remove(0);
    store.meet_limit(lease.clone(), "a limit".into(), later(300), START).await.unwrap();
    let by_limit = pause().await.unwrap();
    assert!(by_limit.is_by_limit(), "without a person's pause the limit pauses it");
    assert_eq!(by_limit.resume_at, Some(later(300)));
    leader.settle(lease.clone(), limit(600)).await;
    assert_eq!(pause().await.unwrap().resume_at, Some(later(600)));
    let late = store.meet_limit(lease, "a limit".into(), later(900), START).await.unwrap_err();
    assert_eq!(late.code(), Code::StoreLeaseLost, "P9");
}

async fn what_is_over_can_be_deleted(store: &Store) {
    let id = add(store, NewJob { idempotency_key: Some("i".into()), ..job() }).await;
    let open = store.delete_job(id, Actor::cli(), START).await.unwrap_err();
    assert_eq!(open.code(), Code::JobNotFinal, "P6");
    store.cancel(id, Actor::cli(), START).await.unwrap();
    store.delete_job(id, Actor::cli(), START).await.unwrap();
    assert!(store.job(id).await.unwrap().is_none());
    assert!(store.job_events(id).await.unwrap().is_empty());
    let gone = store.delete_job(id, Actor::cli(), START).await.unwrap_err();
    assert_eq!(gone.code(), Code::JobUnknown);
    let repeated = NewJob { idempotency_key: Some("i".into()), ..job() };
    assert_eq!(store.enqueue(repeated, START).await.unwrap(), Enqueued::Existing(id), "P3");
    assert!(store.recount().await.unwrap().is_empty());
}

async fn pauses_and_stops_hold_until_they_end(store: &Store) {
    let mut leader = Leader::new(store, "w").await;
    let (queue, by) = (Queue::DEFAULT, Actor::cli());
    add(store, job()).await;
    let pause = store.pause_queue(queue.clone(), "why".into(), Some(later(60)), by.clone(), START);
    pause.await.unwrap();
    let polled = leader.poll(1, START).await;
    assert_eq!((polled.claimed.len(), polled.wake_at), (0, Some(later(60))));
    assert_eq!(leader.poll(1, later(60)).await.claimed.len(), 1);
    store.set_queue_limit(queue.clone(), Some(0), by.clone(), START).await.unwrap();
    add(store, job()).await;
    assert!(leader.claim(9).await.is_empty());
    store.set_queue_limit(queue, None, by.clone(), START).await.unwrap();
    assert_eq!(store.stop_all("why".into(), by.clone(), START).await.unwrap(), 1);
    let polled = leader.poll(9, START).await;
    assert_eq!((polled.claimed.len(), polled.cancelled.len()), (0, 1));
    assert!(store.stopped().await.unwrap().is_some());
    assert!(store.resume_all(by, START).await.unwrap());
    assert_eq!(leader.claim(9).await.len(), 1);
}

async fn changes_are_announced_and_counted(store: &Store) {
    let mut leader = Leader::new(store, "w").await;
    let changes = store.changes();
    add(store, job()).await;
    assert!(changes.has_changed().unwrap(), "P5, P15");
    let count = async |status| {
        let counts = store.job_counts().await.unwrap();
        counts.iter().filter(|c| c.status == status).map(|c| c.count).sum::<i64>()
    };
    let lease = leader.claim(1).await.remove(0);
    assert_eq!((count(Status::Queued).await, count(Status::Running).await), (0, 1));
    leader.settle(lease, done()).await;
    assert_eq!((count(Status::Running).await, count(Status::Completed).await), (0, 1));
    assert!(store.recount().await.unwrap().is_empty());
}

async fn only_what_is_over_is_removed(store: &Store) {
    let mut leader = Leader::new(store, "w").await;
    let over = add(store, job()).await;
    let lease = leader.claim(1).await.remove(0);
    leader.settle(lease, done()).await;
    let waits = add(store, job()).await;
    let years = START.plus(Duration::from_hours(10 * 365 * 24));
    assert!(!store.prune(Arc::new([rules()]), years).await.unwrap());
    assert!(store.job(over).await.unwrap().is_none());
    assert_eq!(get(store, waits).await.status, Status::Queued, "P6");
    let next = add(store, job()).await;
    assert!(next > over && next > waits, "ids never come back");
}

//! The hot statements: what runs with every job, poll and heartbeat, what people's deeds run, and what the pages ask for again
//! and again.

use super::{RUN, START, World, kind};
use crate::model::{
    Actor, Epoch, FiguresOf, Filter, JobEdit, JobId, NewJob, NewSchedule, ParkedBy, Plan,
    PollRequest, Process, ProcessFacts, Queue, Registration, Rule, ScheduleName, Status, Timestamp,
    UniqueKey, WorkerId,
};
use crate::store::core::{
    self, again, cancel, delete, edit, enqueue, poll, prune, queues as gates, schedules as plans,
};
use crate::store::sql::{
    after, ahead, batches, counts, errors, history, idempotency, job_list, jobs, lease, past_runs,
    queues, rates, schedules, search, settings, spend, stats, strayed, unblock, why, workers,
};
use std::collections::BTreeSet;
use std::time::Duration;

/// Long after everything of these tests: what is over is old by then.
const LATE: Timestamp = Timestamp::from_millis(START.millis() + 1000 * 86_400_000);

/// Each hot statement once, in the order of its text.
pub(super) fn hot() -> BTreeSet<String> {
    let world = World::new(10);
    RUN.take();
    let mut hot = BTreeSet::new();
    world.add("plain", None, None);
    hot.extend(RUN.take());
    let (claimed, run) = world.everything(3);
    hot.extend(run);
    let later = START.plus(Duration::from_secs(90));
    let lease = claimed[0].lease().unwrap();
    world.call(|tx| lease::set_progress(tx, &lease, "half"));
    world.call(|tx| workers::beat(tx, &lease.worker, &ProcessFacts::default(), later));
    world.call(|tx| lease::held(tx, &lease));
    let batch =
        world.call(|tx| batches::open(tx, "over", Some(&NewJob::new(kind("plain"))), later));
    world.call(|tx| batches::close(tx, batch, later));
    world.call(|tx| batches::finish_due(tx, 10, later));
    world.call(|tx| batches::open_jobs(tx, batch, JobId(0), 10));
    world.call(|tx| batches::prune(tx, later, 10));
    world.call(|tx| rates::forget(tx, later, 1000));
    world.call(|tx| lease::expect_held(tx, &lease));
    world.call(|tx| jobs::parked(tx, ParkedBy::Budget, None, later, 10));
    hot.extend(RUN.take());
    hot.extend(world.settle(&claimed, later));
    world.call(|tx| queues::resume_due(tx, later));
    world.call(|tx| unblock::unblock(tx, &world.request.kinds, ""));
    hot.extend(RUN.take());
    asked_for(&world, later);
    world.leads(later);
    hot.extend(RUN.take());
    shown(&world, later);
    #[cfg(all(feature = "web", feature = "monitor"))]
    shown_by_the_program(&world, later);
    hot.extend(RUN.take());
    hot
}

/// What people and other programs ask for.
fn asked_for(world: &World, now: Timestamp) {
    let by = Actor::cli();
    let key = UniqueKey::parse("one").ok();
    let waiting = NewJob {
        delay: Some(Duration::from_hours(1)),
        unique_key: key,
        ..NewJob::new(kind("plain"))
    };
    let id = world.call(|tx| enqueue::enqueue(tx, &waiting, now)).id();
    world.call(|tx| enqueue::enqueue(tx, &waiting, now));
    let plain = enqueue::Plain::of(NewJob::new(kind("plain")), now).unwrap();
    world.call(|tx| enqueue::plain_one(tx, &plain));
    world.call(|tx| jobs::holder(tx, &waiting.kind, waiting.unique_key.as_ref().unwrap()));
    let change = JobEdit { priority: Some(7), ..JobEdit::default() };
    world.call(|tx| edit::edit(tx, id, change, &by, now));
    world.call(|tx| edit::run_now(tx, id, &by, now));
    world.call(|tx| cancel::cancel(tx, id, &by, now));
    world.call(|tx| again::run_again(tx, id, &by, (None, None), now));
    world.call(|tx| delete::delete(tx, id, &by, now));
    world.call(|tx| idempotency::known(tx, "key", now));
    world.call(|tx| idempotency::remember(tx, "key", "hash", id, now));
    let queue = Queue::parse("plain").unwrap();
    world.call(|tx| gates::pause(tx, &queue, "why", None, &by, now));
    world.call(|tx| gates::resume(tx, &queue, &by, now));
    world.call(|tx| gates::set_limit(tx, &queue, Some(3), &by, now));
    world.call(|tx| gates::stop_all(tx, "why", &by, now));
    world.call(|tx| gates::resume_all(tx, &by, now));
}

impl World {
    /// What the leader does beside its polls, and a poll in which a schedule is due and a job's worker is lost.
    fn leads(&self, now: Timestamp) {
        let name = ScheduleName::parse("minutely").unwrap();
        let plan = Plan::new(Rule::every(60, START).unwrap(), kind("plain"));
        let new = NewSchedule { name, plan };
        self.call(|tx| plans::create(tx, new.clone(), &Actor::cli(), START));
        let other = Registration {
            worker: WorkerId::parse("other").unwrap(),
            process: Process { pid: 2, start: None },
            is_server: true,
            kinds: self.request.kinds.clone(),
            limits: vec![(Queue::parse("plain").unwrap(), 3)],
            slots: 10,
            replaces: None,
        };
        let facts = ProcessFacts::default();
        self.call(|tx| core::workers::register(tx, &other, &facts, "1:1", now));
        self.call(|tx| workers::is_registered(tx, &other));
        let theirs =
            PollRequest { worker: other.worker.clone(), leads: None, ..self.request.clone() };
        self.call(|tx| poll::poll(tx, &theirs, now));
        let gone = [(other.worker.clone(), 0)];
        self.call(|tx| core::workers::bury(tx, (&self.request.worker, Epoch(1)), &gone, now));
        self.call(|tx| poll::poll(tx, &self.request, now));
        self.call(|tx| strayed::find(tx, now));
        self.call(|tx| ahead::find(tx, now));
        self.call(|tx| prune::prune(tx, &self.request.kinds, LATE));
        self.call(|tx| idempotency::has_over(tx, LATE));
        self.call(|tx| idempotency::forget(tx, 10, LATE));
    }
}

/// What the pages, the commands and the waits of programs read.
fn shown(world: &World, now: Timestamp) {
    let conn = &world.conn;
    let texts = [
        "",
        "status:failed",
        "status:failed error_group:1",
        "kind:plain -queue:slow",
        "tag:shop",
        "batch:1",
        "#3",
        "since:2h",
    ];
    for text in texts {
        let filter = Filter::parse(text).unwrap();
        search::jobs(conn, &filter, None, 50, now).unwrap();
        job_list::jobs(conn, &filter, None, 50, now).unwrap();
    }
    for status in Status::ALL {
        job_list::jobs(conn, &Filter::default().status(*status), None, 50, now).unwrap();
    }
    let (id, name) = (JobId(3), ScheduleName::parse("minutely").unwrap());
    search::overview(conn, now).unwrap();
    search::children(conn, id).unwrap();
    #[cfg(feature = "web")]
    search::retries(conn, &[id]).unwrap();
    jobs::get(conn, id).unwrap();
    jobs::of(conn, &[id]).unwrap();
    jobs::not_open(conn, &[id]).unwrap();
    jobs::ends(conn, now, 100).unwrap();
    jobs::is_idle(conn, now).unwrap();
    jobs::count_waiting(conn, &kind("plain"), 10).unwrap();
    jobs::has_begun_run(conn, id).unwrap();
    after::neighbours(conn, id).unwrap();
    history::events(conn, id, 100).unwrap();
    history::attempts(conn, id, 100).unwrap();
    why::of(conn, &(1..60).map(JobId).collect::<Vec<_>>(), true, now).unwrap();
    counts::all(conn).unwrap();
    let (of, range) = (FiguresOf::default(), (now.minus(Duration::from_hours(9)), now));
    stats::range(conn, &of, range).unwrap();
    stats::hours(conn, &of, range).unwrap();
    stats::minutes(conn, &of, range).unwrap();
    stats::has_old(conn, now, Duration::ZERO).unwrap();
    errors::list(conn, range, 50).unwrap();
    errors::get(conn, "1", range).unwrap();
    errors::set_mute(conn, "1", None).unwrap();
    errors::count_new(conn, (now, now), 100).unwrap();
    errors::has_old(conn, now, Duration::ZERO).unwrap();
    batches::list(conn, None, 50).unwrap();
    batches::get(conn, crate::model::BatchId(1)).unwrap();
    batches::before(conn, id).unwrap();
    batches::has_finished(conn, now).unwrap();
    queues::all(conn).unwrap();
    queues::unplaced(conn).unwrap();
    queues::line(conn, &Queue::parse("plain").unwrap(), 50).unwrap();
    queues::get(conn, &Queue::parse("plain").unwrap()).unwrap();
    queues::stopped(conn).unwrap();
    queues::next_resume(conn).unwrap();
    schedules::list(conn, 0, 50).unwrap();
    schedules::count(conn).unwrap();
    let schedule = schedules::get(conn, &name).unwrap().unwrap();
    schedules::decisions(conn, schedule.id, 50).unwrap();
    past_runs::of(conn, (schedule.id, &schedule.name), 50).unwrap();
    schedules::last_before(conn, schedule.id, now).unwrap();
    workers::all(conn).unwrap();
    workers::processes(conn, now).unwrap();
    workers::kinds(conn).unwrap();
    workers::leader(conn).unwrap();
    spend::spent(conn, Some(schedule.id), now).unwrap();
    spend::budgets(conn).unwrap();
    settings::read(conn, &["budget.day_usd"]).unwrap();
}

/// The same of the program's own tables.
#[cfg(all(feature = "web", feature = "monitor"))]
fn shown_by_the_program(world: &World, now: Timestamp) {
    use crate::model::{Bulk, BulkAct, DeedFilter, IssueHome, IssueId, IssueOrder};
    use crate::store::sql::{
        accounts, approvals, bulk, duplicates, filings, issue_records, issues, logins, scans,
        session_search, sessions, templates, tokens, tracker_issues, transcript,
    };
    let (conn, id, home) = (&world.conn, JobId(3), IssueHome::local());
    let filter = |text| Filter::parse(text).unwrap();
    search::deeds(conn, &DeedFilter { limit: 50, ..DeedFilter::default() }).unwrap();
    bulk::look(
        conn,
        (&filter("status:failed"), BulkAct::Retry),
        None,
        now,
        &mut bulk::Tally::default(),
    )
    .unwrap();
    let all = Bulk {
        filter: filter("status:failed"),
        act: BulkAct::Retry,
        asked_at: now,
        from_id: 1,
        through_id: 100,
    };
    bulk::candidates(conn, &all, 0, 100).unwrap();
    bulk::still_fit(conn, &all, &[1, 2, 3]).unwrap();
    session_search::find(conn, &filter(""), None, 50, now).unwrap();
    session_search::find(conn, &filter("status:failed"), None, 50, now).unwrap();
    session_search::last_answer(conn, 1, id).unwrap();
    session_search::open(conn).unwrap();
    sessions::get(conn, id).unwrap();
    sessions::list(conn, 0, 50).unwrap();
    sessions::ahead(conn, id).unwrap();
    sessions::now(conn).unwrap();
    sessions::open_runs(conn, "1:1").unwrap();
    sessions::orphaned_places(conn, &["p".to_owned()]).unwrap();
    transcript::read(conn, id, 0, 65_536).unwrap();
    scans::count_waiting(conn).unwrap();
    scans::now(conn).unwrap();
    scans::history(conn, 0, 50).unwrap();
    scans::find(conn, id).unwrap();
    scans::committed(conn, id).unwrap();
    scans::watermark(conn, "log").unwrap();
    issues::known(conn, &home, &["SHOP-PAY-001".to_owned()], (&[], &[1])).unwrap();
    issues::recent(conn, &home, now, 50).unwrap();
    for order in IssueOrder::ALL {
        issues::list(conn, *order, (0, 50)).unwrap();
    }
    issue_records::find(conn, IssueId(1)).unwrap();
    issue_records::of_codes(conn, &["SHOP-PAY-001".to_owned()]).unwrap();
    issue_records::of_templates(conn, &[1]).unwrap();
    templates::days_of_issues(conn, &[IssueId(1)], (now, 30)).unwrap();
    issues::of_scan(conn, id).unwrap();
    duplicates::find(conn, &home).unwrap();
    filings::count_opened(conn, now).unwrap();
    filings::has_waiting_job(conn).unwrap();
    filings::has_pending(conn, id).unwrap();
    filings::next(conn, &home, crate::model::FilingId(0)).unwrap();
    approvals::waiting(conn, 50).unwrap();
    tracker_issues::reading(conn, &home).unwrap();
    tracker_issues::open_numbers(conn, &home).unwrap();
    templates::known(conn, "log", 100).unwrap();
    accounts::find(conn, "ada").unwrap();
    accounts::list(conn, 50, (0, 0)).unwrap();
    logins::by_login(conn, "hash", now).unwrap();
    logins::touch(conn, "hash", now).unwrap();
    tokens::by_hash(conn, "hash", now).unwrap();
    tokens::touch(conn, "id", now).unwrap();
    tokens::list(conn, None, 50).unwrap();
    spend::reserved(conn, id, None).unwrap();
    spend::since(conn, 0).unwrap();
}

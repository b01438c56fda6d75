//! Actions on the figures of jobs: what they did over a range of time, told apart by status, kind or queue.

use super::errors::Range;
use crate::error::{Code, Error, Result};
use crate::model::{
    FiguresOf, FiguresStep, Filter, JobFigures, JobSeries, JobSlot, Kind, PartOf, SplitBy,
    SplitSeries, Status, Timestamp, Zone,
};
use crate::store::Store;
use std::collections::BTreeMap;
use std::time::Duration;

/// Reads what jobs are told apart by; nothing means how they ended.
///
/// # Errors
/// `JOB-VALUE-001` for any other text.
pub fn split_by(text: Option<&str>) -> Result<SplitBy> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    let Some(text) = text else { return Ok(SplitBy::Status) };
    text.parse().map_err(|()| {
        let why = format!("tell jobs apart by {text:?}: it is one of status, kind, queue");
        Error::new(Code::ModelInvalid, why)
    })
}

/// What jobs did over a range, in some thirty slots of the zone's clocks. Costs the same however many jobs there are.
///
/// # Errors
/// Those of reading the database.
pub async fn course(
    store: &Store,
    (range, by): (Range, SplitBy),
    zone: Zone,
    now: Timestamp,
) -> Result<SplitSeries> {
    let (step, span) = slots(range, now);
    store.split_series(by, span, step, &zone.to_string()).await
}

/// What jobs of each kind did over a range, in the same slots as [`course`] has, so that no page tells another figure of it.
///
/// # Errors
/// Those of reading the database.
pub async fn of_kinds(
    store: &Store,
    (of, range): (FiguresOf, Range),
    zone: Zone,
    now: Timestamp,
) -> Result<BTreeMap<Kind, JobSeries>> {
    let (step, span) = slots(range, now);
    store.series_by_kind(of, span, step, &zone.to_string()).await
}

/// The same of one kind or queue.
///
/// # Errors
/// Those of reading the database.
pub async fn of(
    store: &Store,
    (of, range): (FiguresOf, Range),
    zone: Zone,
    now: Timestamp,
) -> Result<JobSeries> {
    let (step, span) = slots(range, now);
    store.job_series(of, span, Some(step), &zone.to_string()).await
}

/// Whether there is such a kind: its figures tell of a job, a process handles it, or there is a job of it. It reads counts and
/// registrations, and looks through no more than the newest 100,000 jobs for one that is not counted yet.
///
/// # Errors
/// `JOB-KIND-001` if there is none, and those of reading the database.
pub async fn known_kind(
    store: &Store,
    (kind, figures): (&Kind, &JobSeries),
    now: Timestamp,
) -> Result<()> {
    if figures.total() != JobFigures::default() {
        return Ok(());
    }
    if store.job_counts().await?.iter().any(|count| count.kind == *kind && count.count > 0) {
        return Ok(());
    }
    if store.registered_kinds().await?.iter().any(|known| known.rules.kind == *kind) {
        return Ok(());
    }
    let of_kind = Filter::default().kind(kind.clone());
    if !store.find_jobs(of_kind, None, 1, now).await?.rows.is_empty() {
        return Ok(());
    }
    Err(Error::new(Code::KindUnknown, format!("look at the kind {kind}")))
}

/// The jobs of one kind or queue that ended in a slot of its series: those of a part, or all.
pub fn jobs_of_one(
    of: &FiguresOf,
    split: &SplitSeries,
    slot: &JobSlot,
    part: Option<&PartOf>,
) -> Filter {
    let all = jobs_of(split, slot, part);
    let of_kind = of.kind.iter().fold(all, |filter, kind| filter.kind(kind.clone()));
    of.queue.iter().fold(of_kind, |filter, queue| filter.queue(queue.clone()))
}

/// The jobs of a kind or a queue that came to a status in the time of a series; without one those that completed or failed.
pub fn jobs_in(series: &JobSeries, of: &FiguresOf, status: Option<Status>) -> Filter {
    let status = status.map_or("completed,failed", Status::as_str);
    let kind = of.kind.as_ref().map(|kind| format!(" kind:{kind}"));
    let queue = of.queue.as_ref().map(|queue| format!(" queue:{queue}"));
    let since = series.slots.first().map(|slot| format!(" since:{}", slot.from));
    let more: String = [kind, queue, since].into_iter().flatten().collect();
    Filter::parse(&format!("status:{status}{more}")).unwrap_or_default()
}

/// How long a slot of a range is, and which time its slots have.
fn slots(range: Range, now: Timestamp) -> (FiguresStep, (Timestamp, Timestamp)) {
    let (step, length) = step(range);
    let (from, until) = range.until(now);
    // The slot that runs is the last one; with the others it is as long as the range.
    (step, (from.plus(length), until))
}

/// How long a slot of a range is.
const fn step(range: Range) -> (FiguresStep, Duration) {
    match range {
        Range::Hour => (FiguresStep::Minutes(2), Duration::from_mins(2)),
        Range::Day => (FiguresStep::Hours(1), Duration::from_hours(1)),
        Range::Week => (FiguresStep::Hours(6), Duration::from_hours(6)),
        Range::Month => (FiguresStep::Days, Duration::from_hours(24)),
    }
}

/// The jobs that ended in a slot of a series: those of a part, or all.
pub fn jobs_of(split: &SplitSeries, slot: &JobSlot, part: Option<&PartOf>) -> Filter {
    let ended = "completed,failed,cancelled";
    let (status, more) = match part {
        Some(PartOf::Status(status)) => (status.as_str(), String::new()),
        Some(PartOf::Kind(kind)) => (ended, format!(" kind:{kind}")),
        Some(PartOf::Queue(queue)) => (ended, format!(" queue:{queue}")),
        Some(PartOf::Other) => (ended, others(split)),
        None => (ended, String::new()),
    };
    let text = format!("status:{status}{more} since:{} until:{}", slot.from, slot.until);
    Filter::parse(&text).unwrap_or_default()
}

/// The term for what belongs to no named part.
fn others(split: &SplitSeries) -> String {
    let named = |part: &PartOf| match part {
        PartOf::Kind(kind) => Some(("kind", kind.to_string())),
        PartOf::Queue(queue) => Some(("queue", queue.to_string())),
        PartOf::Status(_) | PartOf::Other => None,
    };
    let named: Vec<_> = split.parts.iter().filter_map(|part| named(&part.of)).collect();
    let all: Vec<_> = named.iter().map(|(_, name)| name.as_str()).collect();
    named.first().map_or_else(String::new, |(word, _)| format!(" -{word}:{}", all.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{JobFigures, Queue, SeriesPart};
    use crate::store::OpenMode;

    #[test]
    fn a_bar_leads_to_the_jobs_that_ended_in_it() {
        let at = |text| Timestamp::from_iso(text).unwrap();
        let slot = JobSlot {
            from: at("2026-11-29T13:00:00Z"),
            until: at("2026-11-29T14:00:00Z"),
            figures: JobFigures::default(),
        };
        let part = |of| SeriesPart { of, counts: vec![1] };
        let kinds = ["mail", "pay"].map(|name| part(PartOf::Kind(Kind::named(name))));
        let whole = JobSeries { step: FiguresStep::Hours(1), slots: vec![slot.clone()] };
        let split = SplitSeries { whole, parts: kinds.into() };
        let of = |part: Option<PartOf>| {
            let query = jobs_of(&split, &slot, part.as_ref()).to_string();
            let span = "since:2026-11-29T13:00:00.000Z before:2026-11-29T14:00:00.000Z";
            query.strip_suffix(span).unwrap_or_else(|| panic!("{query}")).trim_end().to_owned()
        };
        let all = "status:completed,failed,cancelled";
        assert_eq!(of(None), all);
        assert_eq!(of(Some(PartOf::Status(Status::Failed))), "status:failed");
        assert_eq!(of(Some(PartOf::Kind(Kind::named("pay")))), format!("{all} kind:pay"));
        let queue = PartOf::Queue(Queue::parse("bulk").unwrap());
        assert_eq!(of(Some(queue)), format!("{all} queue:bulk"));
        assert_eq!(of(Some(PartOf::Other)), format!("{all} -kind:mail,pay"));
    }

    #[tokio::test]
    async fn each_range_has_as_many_slots_as_fit_the_one_that_runs_included() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("jobs.db"), OpenMode::Migrate).unwrap();
        let now = Timestamp::from_iso("2027-01-15T08:31:07Z").unwrap();
        for (range, slots) in
            [(Range::Hour, 30), (Range::Day, 24), (Range::Week, 28), (Range::Month, 30)]
        {
            let asked = (range, SplitBy::Kind);
            let split = course(&store, asked, Zone::default(), now).await.unwrap();
            assert_eq!(split.whole.slots.len(), slots, "{range:?}");
            let last = &split.whole.slots[slots - 1];
            assert!(last.from <= now && now < last.until, "{range:?}: {last:?}");
        }
    }

    #[test]
    fn jobs_are_told_apart_by_one_of_three_words() {
        assert_eq!(split_by(None).unwrap(), SplitBy::Status);
        assert_eq!(split_by(Some(" queue ")).unwrap(), SplitBy::Queue);
        assert_eq!(split_by(Some("colour")).unwrap_err().code(), Code::ModelInvalid);
    }
}

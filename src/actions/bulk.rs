//! Actions on the jobs of a query: one says what an act would do, the other does it.
//!
//! Up to 100 jobs are changed while the caller waits. More are changed by a job of kind `bulk_action`, which goes on
//! where a killed server left off. A job that was made after the preview is never touched.

mod words;

use super::{Answer, Call, Right, waiting};
use crate::bulk;
use crate::error::{Code, Error, Result};
use crate::model::{
    Bulk, BulkAct, Filter, Job, JobEdit, JobId, JobState, Kind, NewJob, Preview, Role, Skip,
};
use crate::store::Store;
use crate::wire;
use std::collections::BTreeMap;

/// The most jobs that are changed while the caller waits.
const AT_ONCE: u64 = 100;
/// How many jobs are read at a time; each comes with its payload.
const ROWS: usize = 100;

/// A request for an act on the jobs of a query.
#[derive(Clone, Debug)]
pub struct BulkAsk {
    /// Which jobs, in the language of [`Filter`].
    pub query: String,
    /// What is done to each job.
    pub act: BulkAct,
    /// Only jobs with an id below this one: those that were made later are left alone.
    pub before: Option<i64>,
    /// Of a retry: whether jobs that somebody has run again already are run once more.
    pub once_more: bool,
}

/// What a person was shown by a preview, and has confirmed.
#[derive(Clone, Debug, Default)]
pub struct Confirmed {
    /// How many jobs the preview said would be changed.
    pub changes: u64,
    /// The number as the person typed it, which more than 100 need.
    pub typed: Option<String>,
    /// What names the form: sent twice, it acts once. `None`: it may act again.
    pub form: Option<String>,
}

/// The right to act on many jobs. Some acts need a higher one, which [`preview`] asks for.
pub const ACT: Right = Right::new(Role::Operator, "change many jobs");

/// A preview: what an act would do. [`act`] takes it and does that.
#[derive(Clone, Debug)]
pub struct Previewed {
    /// The answer for the caller.
    pub answer: Answer<wire::BulkPreview>,
    preview: Preview,
    run_again: u64,
}

impl Previewed {
    /// How many more jobs a retry would change if it did not leave out those that somebody has run again already.
    pub fn run_again(&self) -> u64 {
        self.run_again
    }

    /// The newest of the jobs that fit, at most twenty.
    pub fn sample(&self) -> &[Job] {
        &self.preview.sample
    }

    /// How many jobs fit, how many would be changed, and which would be left alone, in one sentence.
    pub fn fit(&self) -> String {
        words::fit(&self.preview)
    }
}

/// Whether a person must type the number of jobs before so many are changed.
pub fn must_type(changes: u64) -> bool {
    changes > AT_ONCE
}

/// Says what an act would do to the jobs of a query.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator, for deleting below admin; `JOB-QUERY-001` for a query that cannot be read;
/// `JOB-VALUE-001` for an empty query, which would mean every job, and for a priority out of range.
pub async fn preview(store: &Store, call: &Call, ask: BulkAsk) -> Result<Previewed> {
    let mut previewed = look(store, call, ask.clone()).await?;
    if ask.act != BulkAct::Retry {
        return Ok(previewed);
    }
    let already = may_retry(Filter::parse(&ask.query)?)?.retried(true);
    let already = store.preview(already, ask.act, ask.before, call.now).await?.changes();
    if !ask.once_more {
        previewed.run_again = already;
    } else if let Some(said) = words::again(already) {
        previewed.answer.sentence = format!("{} {said}", previewed.answer.sentence);
    }
    Ok(previewed)
}

/// The jobs of a filter that a retry may run again: sessions have a way of their own, and an act on many jobs is asked for anew.
fn may_retry(filter: Filter) -> Result<Filter> {
    Ok(filter.and(Filter::parse("-kind:agent_session,bulk_action")?))
}

/// A preview that says nothing of what was run again.
async fn look(store: &Store, call: &Call, ask: BulkAsk) -> Result<Previewed> {
    let right = right(ask.act);
    call.needs(right)?;
    let doing = right.doing;
    let filter = Filter::parse(&ask.query)?;
    if filter.is_empty() {
        let why = "the query is empty, which would mean every job; say which, as status:queued";
        return Err(Error::new(Code::ModelInvalid, format!("{doing}: {why}")));
    }
    let mut notes = Vec::new();
    let filter = if ask.act == BulkAct::Retry {
        let sessions = filter.clone().and(Filter::default().kind(Kind::AGENT_SESSION));
        if !store.find_jobs(sessions, None, 1, call.now).await?.rows.is_empty() {
            notes.push(words::SESSIONS_LEFT_OUT.to_owned());
        }
        let filter = may_retry(filter)?;
        if ask.once_more { filter } else { filter.retried(false) }
    } else {
        filter
    };
    let preview = store.preview(filter, ask.act, ask.before, call.now).await?;
    let answer = Answer::new(wire::BulkPreview::from(&preview), words::preview(&preview));
    Ok(Previewed { answer: answer.with_notes(notes), preview, run_again: 0 })
}

/// Does what was previewed: at once if that is 100 jobs or fewer, else by a job. A failure after some jobs were changed
/// ends the act. The answer then has the jobs that were changed, and a note says why the others were not.
///
/// # Errors
/// `JOB-VALUE-001` if the act was not confirmed; `AUTH-ROLE-001` below the role operator, for deleting below admin; a
/// failure of the database before anything was changed.
pub async fn act(
    store: &Store,
    call: &Call,
    previewed: Previewed,
    confirmed: bool,
) -> Result<Answer<wire::BulkDone>> {
    let Previewed { preview, .. } = &previewed;
    let act = preview.bulk.act;
    call.needs(right(act))?;
    let changes = preview.changes();
    if changes > 0 && !confirmed {
        let what = words::would(act, changes);
        let why = "it was not confirmed; look at its preview, then confirm it (at the command line with --yes)";
        return Err(Error::new(Code::ModelInvalid, format!("{what}: {why}")));
    }
    go(store, call, previewed, (changes, None)).await
}

/// Does it; `form` names the form that asked for it, and so many jobs were shown there. A form that is sent twice finds fewer
/// jobs while the first time goes on, and is the same form.
async fn go(
    store: &Store,
    call: &Call,
    Previewed { preview, answer, .. }: Previewed,
    (shown, form): (u64, Option<&str>),
) -> Result<Answer<wire::BulkDone>> {
    let (act, changes) = (preview.bulk.act, preview.changes());
    call.needs(right(act))?;
    let mut notes = answer.notes;
    let mut done = wire::BulkDone {
        action: act.as_str(),
        query: answer.value.query,
        job_id: None,
        changed: 0,
        skipped: BTreeMap::new(),
        ids: Vec::new(),
    };
    if shown <= AT_ONCE {
        let jobs = jobs_of(store, &preview.bulk, &mut done.skipped).await?;
        notes.extend(each(store, call, (act, form), &jobs, &mut done).await?);
        done.changed = done.ids.len() as u64;
        let sentence = words::done(act, &done);
        return Ok(Answer::new(done, sentence).with_notes(notes));
    }
    let job = bulk::job(&preview.bulk, call.actor(), call.correlation_id.clone())?;
    let job = NewJob { idempotency_key: form.map(|form| format!("bulk form {form}")), ..job };
    let id = store.enqueue(job, call.now).await.map_err(|error| sent_before(error, act))?.id();
    done.job_id = Some(id.0);
    done.changed = changes;
    let counted = preview.skipped.iter().map(|(skip, count)| (skip.to_string(), *count));
    done.skipped = counted.collect();
    let held = waiting::held(store, call, &Kind::BULK_ACTION, id).await;
    let sentence = words::queued(act, id, changes, &held.text);
    notes.extend(held.notes);
    Ok(Answer::new(done, sentence).with_notes(notes))
}

/// Does what a preview showed to a person. Nothing is changed if it would be more jobs by now.
///
/// # Errors
/// As [`preview`] and [`act`]; `JOB-BULK-001` if more jobs would be changed than were shown; `JOB-VALUE-001` if the number of
/// more than 100 jobs was not typed.
pub async fn act_confirmed(
    store: &Store,
    call: &Call,
    ask: BulkAsk,
    confirmed: &Confirmed,
) -> Result<Answer<wire::BulkDone>> {
    let previewed = look(store, call, ask).await?;
    let (changes, shown) = (previewed.preview.changes(), confirmed.changes);
    let what = words::would(previewed.preview.bulk.act, changes);
    if changes > shown {
        return Err(Error::new(Code::BulkChanged, format!("{what}: {shown} were shown before")));
    }
    let typed = confirmed.typed.as_deref().map(|typed| typed.trim().replace([',', ' '], ""));
    if must_type(shown) && typed.as_deref() != Some(shown.to_string().as_str()) {
        let why = format!("{what}: type the number {shown} to go on");
        return Err(Error::new(Code::ModelInvalid, why));
    }
    go(store, call, previewed, (shown, confirmed.form.as_deref())).await
}

/// Says of a form that was sent twice that the first time counts.
fn sent_before(error: Error, act: BulkAct) -> Error {
    if error.code() != Code::IdempotencyConflict {
        return error;
    }
    let why = format!("{}: this form was sent before, and its job does it", words::doing(act));
    Error::new(Code::IdempotencyConflict, why)
}

/// The right to do this to many jobs.
const fn right(act: BulkAct) -> Right {
    let least = match act {
        BulkAct::Cancel | BulkAct::Retry | BulkAct::RunNow | BulkAct::SetPriority(_) => {
            Role::Operator
        }
        BulkAct::Delete => Role::Admin,
    };
    Right::new(least, words::doing(act))
}

/// The jobs of a preview that still fit and are to be changed, oldest first. Counts those that are left alone. Only the
/// id and the state of each job are kept: a payload may be large, and a query may fit a million jobs of which few are
/// changed.
async fn jobs_of(
    store: &Store,
    bulk: &Bulk,
    skipped: &mut BTreeMap<String, u64>,
) -> Result<Vec<(JobId, JobState)>> {
    let mut jobs = Vec::new();
    let mut before = Some(bulk.through_id + 1);
    while let Some(next) = before.filter(|before| *before > bulk.from_id) {
        let filter = bulk.filter.clone();
        let found = store.find_jobs(filter, Some(next), ROWS, bulk.asked_at).await?;
        for job in found.rows.iter().filter(|job| job.id.0 >= bulk.from_id) {
            let state = JobState::from(job);
            match bulk.act.skip(state, bulk.asked_at) {
                Some(skip) => *skipped.entry(skip.to_string()).or_default() += 1,
                None => jobs.push((job.id, state)),
            }
        }
        before = found.next;
    }
    jobs.reverse();
    Ok(jobs)
}

/// Does the act to each job. A failure after some jobs were changed ends the act and is answered as a note.
async fn each(
    store: &Store,
    call: &Call,
    (act, form): (BulkAct, Option<&str>),
    jobs: &[(JobId, JobState)],
    done: &mut wire::BulkDone,
) -> Result<Option<String>> {
    for (place, (id, state)) in jobs.iter().enumerate() {
        match one(store, call, (act, form), (*id, *state)).await {
            Ok(Ok(())) => done.ids.push(id.0),
            Ok(Err(reason)) => *done.skipped.entry(reason).or_default() += 1,
            Err(error) if done.ids.is_empty() => return Err(error),
            Err(error) => {
                let code = error.code();
                let left = (jobs.len() - place) as u64;
                *done.skipped.entry(code.to_string()).or_default() += left;
                crate::error_coded!(code, "{} ended at job {id}: {error}", words::doing(act));
                return Ok(Some(words::ended_early(*id, &error)));
            }
        }
    }
    Ok(None)
}

/// Does the act to one job, by the same rule as the preview. If the job was left alone, the inner error says why.
async fn one(
    store: &Store,
    call: &Call,
    (act, form): (BulkAct, Option<&str>),
    (id, state): (JobId, JobState),
) -> Result<std::result::Result<(), String>> {
    if let Some(skip) = act.skip(state, call.now) {
        return Ok(Err(skip.to_string()));
    }
    match change(store, call, (act, form), id).await {
        Ok(None) => Ok(Ok(())),
        Ok(Some(skip)) => Ok(Err(skip.to_string())),
        Err(error) if error.code() == Code::StoreCorrupt => Ok(Err(Skip::Unreadable.to_string())),
        Err(error) if error.class().is_refusal() => Ok(Err(error.code().to_string())),
        Err(error) => Err(error),
    }
}

async fn change(
    store: &Store,
    call: &Call,
    (act, form): (BulkAct, Option<&str>),
    id: JobId,
) -> Result<Option<Skip>> {
    use crate::model::{Cancelled, Enqueued};
    let (actor, now) = (call.actor(), call.now);
    match act {
        BulkAct::Cancel => Ok(match store.cancel(id, actor, now).await? {
            Cancelled::Done | Cancelled::Requested => None,
            Cancelled::AlreadyFinal(_) => Some(Skip::Final),
        }),
        BulkAct::Retry => {
            let correlation_id = call.correlation_id.clone();
            let Some(form) = form else {
                return store.run_again(id, actor, correlation_id, now).await.map(|_| None);
            };
            let key = format!("bulk form {form}, job {id}");
            Ok(match store.run_again_once(id, key, actor, correlation_id, now).await? {
                Enqueued::Inserted(_) => None,
                Enqueued::Existing(_) => Some(Skip::Repeated),
            })
        }
        BulkAct::RunNow => store.run_now(id, actor, now).await.map(|_| None),
        BulkAct::Delete => store.delete_job(id, actor, now).await.map(|()| None),
        BulkAct::SetPriority(to) => {
            let edit = JobEdit { priority: Some(to), ..JobEdit::default() };
            store.edit_job(id, edit, actor, now).await.map(|_| None)
        }
    }
}

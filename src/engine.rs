//! The engine: it claims jobs, runs their handlers and settles what they answer.
//!
//! Every process with an engine works on a database: it claims for its own free slots and its own kinds. Its row is its
//! lease ([`Worker`](crate::model::Worker)); the kinds are registered rows, so that each process knows what the others
//! run. One of them leads (P27): it rescues, resumes, fires, makes due, admits and prunes for all. A process that starts
//! works while another one drains, so a restart is no pause.
//!
//! The poller sleeps until something may be ready: a commit of ours, another process's, a due job, a finished handler. It
//! arms those signals, looks, then sleeps; a signal carries no data.
//!
//! *Invariant:* the engine knows neither scans nor pages; `cargo check --no-default-features` builds it alone.

mod around;
mod executor;
mod handler;
mod inspector;
mod kinds;
mod life;
mod limits;
mod metrics;
mod poller;
mod process;
mod pruner;
mod set_back;
mod standby;
mod sweep;
mod typed;

pub use around::Next;
pub use handler::{Context, Hold};
#[cfg(feature = "monitor")]
pub(crate) use inspector::Inspector;
pub use kinds::Handler;
pub use metrics::{BUCKETS, Histogram, KindMetrics, Metrics, QueueDepth};

use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::jobs::Jobs;
use crate::model::{
    Actor, Kind, KindRules, MAX_AT_ONCE, NewSchedule, Outcome, Payload, Queue, Timestamp,
};
use crate::store::Store;
use around::Layer;
use handler::Handler as Run;
use metrics::Recorder;
use poller::Poller;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use sweep::Preparation;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The longest example of a payload, in bytes of JSON: it is told with each registration.
const MAX_EXAMPLE: usize = 10 * 1024;

/// What runs where, before the engine starts.
pub struct Builder {
    store: Store,
    clock: Clock,
    settings: Settings,
    kinds: Vec<KindRules>,
    handlers: Vec<Run>,
    layers: Vec<Layer>,
    schedules: Vec<NewSchedule>,
    before_rescue: Vec<Preparation>,
    /// The kinds whose lost jobs wait for that.
    swept: Vec<Kind>,
}

/// What a program says of its queues and of itself.
#[derive(Clone, Debug, Default)]
struct Settings {
    /// The limits that hold over all processes, unless an operator set others.
    limits: BTreeMap<Queue, u32>,
    /// How many jobs of a queue this process runs at once.
    slots: BTreeMap<Queue, u32>,
    /// Whether this is `lamplighter serve`.
    is_server: bool,
}

impl Builder {
    /// Lets at most `limit` jobs of `queue` run at once in all processes together, up to 10,000. A limit that an operator sets
    /// goes before this one. Without a limit each process runs up to 10 jobs of the queue at once, or its
    /// [`slots`](Builder::slots).
    #[must_use]
    pub fn queue(mut self, queue: Queue, limit: u32) -> Self {
        self.settings.limits.insert(queue, limit);
        self
    }

    /// Lets this process run at most `slots` jobs of `queue` at once, up to 10,000; 0: none, another process runs them. The
    /// queue's limit holds over all processes whatever this says.
    #[must_use]
    pub fn slots(mut self, queue: Queue, slots: u32) -> Self {
        self.settings.slots.insert(queue, slots);
        self
    }

    /// Runs the jobs of the kind that `P` stands for with `handler`, whose fields are its state, by [`Payload::rules`]. A kind
    /// registered twice keeps the later handler.
    ///
    /// A payload of another shape, which another program may have stored, never reaches the handler: it fails the job for
    /// good with `JOB-VALUE-001`, which names the field. So does, after the handler, an output that is no JSON. A handler
    /// that panics fails its job and nothing else.
    #[must_use]
    pub fn handler<P: Payload>(self, handler: impl Handler<P>) -> Self {
        self.register(rules_of::<P>(), kinds::of_handler(handler))
    }

    /// The same with a closure, written `.on::<Greet, _, _>(|context, greet| async move { Ok(…) })`.
    ///
    /// # Example
    /// ```
    /// use lamplighter::prelude::*;
    /// use std::path::PathBuf;
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct CountBytes(PathBuf);
    /// impl Payload for CountBytes {
    ///     const KIND: Kind = Kind::named("count_bytes");
    ///     type Output = usize;
    /// }
    ///
    /// # fn main() -> lamplighter::Result<()> {
    /// # let folder = tempfile::tempdir().expect("a folder");
    /// # let store = lamplighter::testing::store_in(folder.path())?;
    /// let builder = Engine::builder(store, Clock::system()).on::<CountBytes, _, _>(|_, CountBytes(file)| async move {
    ///     if file.is_absolute() {
    ///         let why = format!("{} is outside of the folder", file.display());
    ///         return Err(Outcome::Fatal(why.into()));
    ///     }
    ///     if !file.exists() {
    ///         return Err(Outcome::Snooze(Duration::from_mins(5)));
    ///     }
    ///     Ok(std::fs::read(file)?.len())
    /// });
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A payload of another type for a kind does not compile, neither here nor where the job is made:
    /// ```compile_fail,E0631
    /// # use lamplighter::prelude::*;
    /// # #[derive(Serialize, Deserialize)]
    /// # struct SendInvoice { number: u64 }
    /// # impl Payload for SendInvoice {
    /// #     const KIND: Kind = Kind::named("send_invoice");
    /// #     type Output = ();
    /// # }
    /// # struct RenderReport;
    /// # fn with(builder: lamplighter::engine::Builder) {
    /// builder.on::<SendInvoice, _, _>(|_, report: RenderReport| async move { Ok(()) });
    /// # }
    /// ```
    #[must_use]
    pub fn on<P, F, Answer>(self, handler: F) -> Self
    where
        P: Payload,
        F: Fn(Context, P) -> Answer + Send + Sync + 'static,
        Answer: Future<Output = Result<P::Output, Outcome>> + Send + 'static,
    {
        self.register(rules_of::<P>(), kinds::of_closure(handler))
    }

    /// Runs the jobs of a kind without a payload type, because its name is known at run time only, or because its handler
    /// reads the payload itself ([`Context::payload`]).
    #[must_use]
    pub fn kind<F, Answer>(self, rules: KindRules, handler: F) -> Self
    where
        F: Fn(Context) -> Answer + Send + Sync + 'static,
        Answer: Future<Output = Outcome> + Send + 'static,
    {
        self.register(rules, Arc::new(move |context| Box::pin(handler(context))))
    }

    fn register(mut self, rules: KindRules, handler: Run) -> Self {
        if let Some(known) = self.kinds.iter().position(|known| known.kind == rules.kind) {
            self.kinds.remove(known);
            self.handlers.remove(known);
        }
        self.kinds.push(rules);
        self.handlers.push(handler);
        self
    }

    /// Runs `around` in place of each handler, whatever its kind and wherever it is registered; `next.run(context)` runs the
    /// handler and answers how it ended. Of several the first is outermost. For measuring, tracing, or a refusal of one's own.
    ///
    /// # Example
    /// ```
    /// # use lamplighter::prelude::*;
    /// # fn with(builder: lamplighter::engine::Builder) -> lamplighter::engine::Builder {
    /// builder.around(|context, next| async move {
    ///     let (kind, begun) = (context.job.kind.clone(), context.clock.now());
    ///     let clock = context.clock.clone();
    ///     let outcome = next.run(context).await;
    ///     println!("{kind}: {outcome:?} after {:?}", clock.now().since(begun));
    ///     outcome
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn around<F, Ending>(mut self, around: F) -> Self
    where
        F: Fn(Context, Next) -> Ending + Send + Sync + 'static,
        Ending: Future<Output = Outcome> + Send + 'static,
    {
        self.layers.push(around::layer(around));
        self
    }

    /// Makes a schedule be as it is declared here, when the engine starts: one that is missing is added, one of another plan
    /// is changed. What a person did to it beyond its plan stays: a paused one is paused on. Actor: `program`.
    #[must_use]
    pub fn ensure_schedule(mut self, schedule: NewSchedule) -> Self {
        self.schedules.push(schedule);
        self
    }

    /// Does this before jobs of these kinds are settled that ran under a worker which was lost, and before other jobs get
    /// the keys of those: it is for what such a run may have left outside the database. It is done by a process that has
    /// handlers for the kinds, as often as workers are lost; if it fails, again every second.
    #[must_use]
    pub fn before_rescue<F, Done>(
        mut self,
        kinds: impl IntoIterator<Item = Kind>,
        prepare: F,
    ) -> Self
    where
        F: Fn() -> Done + Send + Sync + 'static,
        Done: Future<Output = Result<()>> + Send + 'static,
    {
        self.before_rescue.push(Arc::new(move || Box::pin(prepare())));
        self.swept.extend(kinds);
        self
    }

    /// Makes this the engine of `lamplighter serve`: only such a process kills another one that hangs, and only one of its
    /// like.
    #[cfg(feature = "cli")]
    #[must_use]
    pub(crate) fn of_the_server(mut self) -> Self {
        self.settings.is_server = true;
        self
    }

    /// Starts the engine on the current tokio runtime: it claims as soon as it has registered, and leads as soon as nobody
    /// else does. Blocks while it declares schedules: a few milliseconds, or as long as another program holds the write lock,
    /// at most 30 s.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if the rules of a kind, or the limit or slots of a queue, are out of range; those of
    /// [`Store::ensure_schedule`].
    pub fn start(mut self) -> Result<Engine> {
        self.kinds.iter().try_for_each(KindRules::check)?;
        let Settings { limits, slots, .. } = &self.settings;
        if let Some((queue, limit)) =
            limits.iter().chain(slots).find(|(_, limit)| **limit > MAX_AT_ONCE)
        {
            let doing =
                format!("limit the queue {queue} to {limit}: up to {MAX_AT_ONCE} are allowed");
            return Err(Error::new(Code::ModelInvalid, doing));
        }
        for rules in self.kinds.iter_mut().filter(|rules| self.swept.contains(&rules.kind)) {
            rules.swept = true;
        }
        declare(&self.store, self.schedules, self.clock.now())?;
        let handlers = self.handlers.into_iter();
        let handlers = handlers.map(|handler| around::wrapped(handler, &self.layers)).collect();
        let (leads, leading) = watch::channel(false);
        let stop = Stop { claims: CancellationToken::new(), handlers: CancellationToken::new() };
        let jobs = Jobs::new(&self.store, &self.clock);
        let (store, metrics) = (self.store.clone(), Arc::new(Recorder::default()));
        let commits = *store.changes().borrow();
        let poller = Poller::new(
            (self.store, self.clock, Arc::clone(&metrics)),
            (self.kinds, handlers),
            self.settings,
            self.before_rescue,
            stop.clone(),
        );
        let mut service = JoinSet::new();
        service.spawn(poller.serve(leads));
        Ok(Engine { service, store, jobs, leading, metrics, commits, stop })
    }
}

/// The rules of a payload type, which are its own kind's.
fn rules_of<P: Payload>() -> KindRules {
    let rules = P::rules();
    let example = P::example().and_then(|example| serde_json::to_string_pretty(&example).ok());
    let example = example.filter(|text| text.len() <= MAX_EXAMPLE).or(rules.example);
    KindRules { kind: P::KIND, example, ..rules }
}

/// Makes the schedules be as the program declares them, and returns when this is stored.
fn declare(store: &Store, schedules: Vec<NewSchedule>, now: Timestamp) -> Result<()> {
    let runtime = Handle::current();
    let ensure = || {
        schedules.into_iter().try_for_each(|schedule| {
            let ensured = store.ensure_schedule(schedule, Actor::program(), now);
            runtime.block_on(ensured).map(drop)
        })
    };
    // The thread that starts the engine may be the runtime's own, which may not wait in this way.
    thread::scope(|scope| scope.spawn(ensure).join()).expect("no schedule can make this panic")
}

/// The two steps of a stop.
#[derive(Clone, Debug)]
struct Stop {
    /// The engine claims no new job.
    claims: CancellationToken,
    /// Handlers that still run are dropped, or asked to end if their kind winds up, and their jobs settled as stopped.
    handlers: CancellationToken,
}

/// A running engine. [`Engine::stop`] ends it; dropping it ends it without settling what runs.
#[derive(Debug)]
pub struct Engine {
    service: JoinSet<()>,
    store: Store,
    jobs: Jobs,
    leading: watch::Receiver<bool>,
    metrics: Arc<Recorder>,
    /// The commits that were counted before it started.
    commits: u64,
    stop: Stop,
}

impl Engine {
    /// An engine on `store` that has no kinds yet.
    pub fn builder(store: Store, clock: Clock) -> Builder {
        Builder {
            store,
            clock,
            settings: Settings::default(),
            kinds: Vec::new(),
            handlers: Vec::new(),
            layers: Vec::new(),
            schedules: Vec::new(),
            before_rescue: Vec::new(),
            swept: Vec::new(),
        }
    }

    /// The jobs of the engine's store: to make them, to wait for them, to follow and change them.
    pub fn jobs(&self) -> Jobs {
        self.jobs.clone()
    }

    /// Whether this process leads; it sees `true` once it has looked for work as the leader. Every process with an engine
    /// works, whether it leads or not.
    pub fn leading(&self) -> watch::Receiver<bool> {
        self.leading.clone()
    }

    /// What this engine has done since it started, and how deep the queues are now. It reads a few rows; the rest is in
    /// memory.
    ///
    /// # Errors
    /// Those of a database that cannot be read.
    pub async fn metrics(&self) -> Result<Metrics> {
        let many = |count: i64| u64::try_from(count).unwrap_or(0);
        let queues = self.store.queues().await?.into_iter().map(|queue| QueueDepth {
            scheduled: many(queue.scheduled),
            queued: many(queue.queued),
            running: many(queue.running),
            queue: queue.name,
        });
        let commits = self.store.changes().borrow().saturating_sub(self.commits);
        Ok(Metrics { commits, queues: queues.collect(), ..self.metrics.seen() })
    }

    /// Returns when the engine has ended without [`Engine::stop`], and why: the database is not to be trusted any more
    /// ([`Store::check_trust`]), or a bug ended it. The program should then end too, so that its supervisor starts it again.
    /// Cancel safe.
    pub async fn ended(&mut self) -> Error {
        if self.service.join_next().await.is_none() {
            std::future::pending::<()>().await;
        }
        let bug = || Error::new(Code::EnginePoll, "run the engine: it has ended by itself");
        self.store.check_trust().err().unwrap_or_else(bug)
    }

    /// Stops claiming, gives running handlers `grace` to answer, then drops them (those whose kind winds up some ten seconds
    /// after they were asked to end); their jobs are queued again without losing an attempt, or fail if their kind must
    /// not run twice (P22).
    pub async fn stop(mut self, grace: Duration) {
        self.stop.claims.cancel();
        let stopped = tokio::time::timeout(grace, self.service.join_next()).await;
        if stopped.is_err() {
            self.stop.handlers.cancel();
            self.service.join_next().await;
        }
    }
}

#[cfg(test)]
mod tests;

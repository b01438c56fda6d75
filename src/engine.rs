//! The engine: it claims jobs, runs their handlers and settles what they answer.
//!
//! One process leads the engine of a database ([`Leadership`](crate::store::Leadership)); a second one stands by and takes over when the first is
//! gone (P27). The leader's poller sleeps until something may be ready: a commit of ours, another program's, a due job,
//! a finished handler. It arms those signals, looks, then sleeps; a signal carries no data.
//!
//! *Invariant:* the engine knows neither scans nor pages; `cargo check --no-default-features` builds it alone.

mod around;
mod executor;
mod handler;
mod kinds;
mod limits;
mod poller;
mod pruner;
mod standby;
mod typed;

pub use around::Next;
pub use handler::Context;
pub use kinds::Handler;

use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::jobs::Jobs;
use crate::model::{
    Actor, KindRules, MAX_AT_ONCE, NewSchedule, Outcome, Payload, Queue, QueueState, Timestamp,
};
use crate::store::Store;
use around::Layer;
use handler::Handler as Run;
use poller::Poller;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What runs where, before the engine starts.
pub struct Builder {
    store: Store,
    clock: Clock,
    queues: BTreeMap<Queue, u32>,
    kinds: Vec<KindRules>,
    handlers: Vec<Run>,
    layers: Vec<Layer>,
    schedules: Vec<NewSchedule>,
    before_leading: Vec<Preparation>,
}

/// The work that must succeed before this process leads.
type Preparation = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<()>> + Send>> + Send + Sync>;

impl Builder {
    /// Lets at most `limit` jobs of `queue` run at once, up to 10,000. Default 10 for every queue. A limit that an operator sets
    /// goes before this one.
    #[must_use]
    pub fn queue(mut self, queue: Queue, limit: u32) -> Self {
        self.queues.insert(queue, limit);
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
        self.queues.entry(rules.queue.clone()).or_insert(QueueState::DEFAULT_LIMIT);
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

    /// Does this each time before this process leads. Before it has succeeded, no job of an earlier leader is settled as lost,
    /// and no other job gets the key of one. It is for what an earlier process may have left outside the database.
    #[must_use]
    pub fn before_leading<F, Done>(mut self, prepare: F) -> Self
    where
        F: Fn() -> Done + Send + Sync + 'static,
        Done: Future<Output = Result<()>> + Send + 'static,
    {
        self.before_leading.push(Arc::new(move || Box::pin(prepare())));
        self
    }

    /// Starts the engine on the current tokio runtime; it leads as soon as nobody else does. Blocks while it declares
    /// schedules: a few milliseconds, or as long as another program holds the write lock, at most 30 s.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if the rules of a kind or the limit of a queue are out of range; `STORE-IO-001` if the lock file beside
    /// the database cannot be made; those of [`Store::ensure_schedule`].
    pub fn start(self) -> Result<Engine> {
        self.kinds.iter().try_for_each(KindRules::check)?;
        if let Some((queue, limit)) = self.queues.iter().find(|(_, limit)| **limit > MAX_AT_ONCE) {
            let doing =
                format!("limit the queue {queue} to {limit}: up to {MAX_AT_ONCE} are allowed");
            return Err(Error::new(Code::ModelInvalid, doing));
        }
        declare(&self.store, self.schedules, self.clock.now())?;
        let handlers = self.handlers.into_iter();
        let handlers = handlers.map(|handler| around::wrapped(handler, &self.layers)).collect();
        let (leads, leading) = watch::channel(false);
        let stop = Stop { claims: CancellationToken::new(), handlers: CancellationToken::new() };
        let leadership = self.store.try_lead()?;
        let jobs = Jobs::new(&self.store, &self.clock);
        let poller =
            Poller::new(self.store, self.clock, self.kinds, handlers, self.queues, stop.clone());
        let poller = poller.preparing(self.before_leading);
        let mut service = JoinSet::new();
        service.spawn(poller.serve(leadership, leads));
        Ok(Engine { service, jobs, leading, stop })
    }
}

/// The rules of a payload type, which are its own kind's.
fn rules_of<P: Payload>() -> KindRules {
    KindRules { kind: P::KIND, ..P::rules() }
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
    jobs: Jobs,
    leading: watch::Receiver<bool>,
    stop: Stop,
}

impl Engine {
    /// An engine on `store` that has no kinds yet.
    pub fn builder(store: Store, clock: Clock) -> Builder {
        Builder {
            store,
            clock,
            queues: BTreeMap::new(),
            kinds: Vec::new(),
            handlers: Vec::new(),
            layers: Vec::new(),
            schedules: Vec::new(),
            before_leading: Vec::new(),
        }
    }

    /// The jobs of the engine's store: to make them, to wait for them, to follow and change them.
    pub fn jobs(&self) -> Jobs {
        self.jobs.clone()
    }

    /// Whether this process runs the jobs; it sees `true` once the first look for work was made.
    pub fn leading(&self) -> watch::Receiver<bool> {
        self.leading.clone()
    }

    /// Returns when the engine has ended without [`Engine::stop`], which only a bug can cause. The program should then end
    /// too, so that its supervisor starts it again. Cancel safe.
    pub async fn ended(&mut self) {
        if self.service.join_next().await.is_none() {
            std::future::pending::<()>().await;
        }
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

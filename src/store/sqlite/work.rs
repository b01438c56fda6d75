//! What the writer is asked to run: one call by itself, or several that want the same done.

use super::transaction::Tx;
use crate::error::{Code, Error, Result, ignore};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;
use tokio::sync::oneshot;

/// Calls that are run together at most. The writer looks at the size of its transaction after each run.
const MAX_TOGETHER: usize = 512;

/// What is run for several callers: for each its answer, in their order.
pub(super) type Together<I, T> = fn(&Tx<'_>, &[I]) -> Result<Vec<Result<T>>>;

/// One call's share of a transaction, or that of several calls.
pub(super) trait Work: Any + Send {
    /// Runs the statements and keeps what they gave.
    fn run(&mut self, tx: &Tx<'_>) -> Result<()>;
    /// When the first of the callers asked.
    fn asked(&self) -> Instant;
    /// Tells the callers how it ended; `Ok` only after the commit.
    fn answer(self: Box<Self>, end: Result<()>);
    /// Whether other calls may be run with it.
    fn takes_in(&self) -> bool;
    /// Takes in a call that wants the same done, or gives it back.
    fn take_in(&mut self, other: Box<dyn Work>) -> Option<Box<dyn Work>>;
    /// The calls that it consists of.
    fn part(self: Box<Self>) -> Parts;
}

/// A work in its parts.
pub(super) enum Parts {
    /// It is one call.
    One(Box<dyn Work>),
    /// Its calls, each by itself.
    Several(Vec<Box<dyn Work>>),
}

/// A closure as [`Work`].
pub(super) struct Task<F, T> {
    pub(super) run: F,
    pub(super) value: Option<T>,
    pub(super) doing: &'static str,
    pub(super) asked: Instant,
    pub(super) caller: oneshot::Sender<Result<T>>,
}

impl<T, F> Work for Task<F, T>
where
    T: Send + 'static,
    F: Fn(&Tx<'_>) -> Result<T> + Send + 'static,
{
    fn run(&mut self, tx: &Tx<'_>) -> Result<()> {
        self.value = Some(guarded(|| (self.run)(tx))?);
        Ok(())
    }

    fn asked(&self) -> Instant {
        self.asked
    }

    fn answer(self: Box<Self>, end: Result<()>) {
        let Self { run, value, doing, caller, .. } = *self;
        // Whatever it was given is free before the caller goes on.
        drop(run);
        let answer = end.map(|()| value.expect("a call that succeeded left its value"));
        tell(caller, answer, doing);
    }

    fn takes_in(&self) -> bool {
        false
    }

    fn take_in(&mut self, other: Box<dyn Work>) -> Option<Box<dyn Work>> {
        Some(other)
    }

    fn part(self: Box<Self>) -> Parts {
        Parts::One(self)
    }
}

/// What one caller of [`Several`] gave, and where it waits.
pub(super) struct Share<I, T> {
    pub(super) input: I,
    pub(super) asked: Instant,
    pub(super) caller: oneshot::Sender<Result<T>>,
}

/// Calls of one function over a set, as [`Work`].
pub(super) struct Several<I, T> {
    doing: &'static str,
    run: Together<I, T>,
    inputs: Vec<I>,
    callers: Vec<(Instant, oneshot::Sender<Result<T>>)>,
    answers: Vec<Result<T>>,
    /// Whether it is to be run by itself.
    alone: bool,
}

impl<I, T> Several<I, T> {
    /// One call, which takes in others that do the same under the same name.
    pub(super) fn new(doing: &'static str, run: Together<I, T>, share: Share<I, T>) -> Self {
        let Share { input, asked, caller } = share;
        let (inputs, callers) = (vec![input], vec![(asked, caller)]);
        Self { doing, run, inputs, callers, answers: Vec::new(), alone: false }
    }
}

impl<I: Send + 'static, T: Send + 'static> Work for Several<I, T> {
    fn run(&mut self, tx: &Tx<'_>) -> Result<()> {
        self.answers = guarded(|| (self.run)(tx, &self.inputs))?;
        Ok(())
    }

    fn asked(&self) -> Instant {
        self.callers[0].0
    }

    fn answer(self: Box<Self>, end: Result<()>) {
        let Self { doing, callers, answers, .. } = *self;
        match end {
            Ok(()) => {
                for ((_, caller), answer) in callers.into_iter().zip(answers) {
                    tell(caller, answer, doing);
                }
            }
            Err(error) => {
                let (code, why) = (error.code(), error.to_string());
                let mut first = Some(error);
                for (_, caller) in callers {
                    let again = || Error::new(code, "").because(why.clone());
                    tell(caller, Err(first.take().unwrap_or_else(again)), doing);
                }
            }
        }
    }

    fn takes_in(&self) -> bool {
        !self.alone
    }

    fn take_in(&mut self, other: Box<dyn Work>) -> Option<Box<dyn Work>> {
        let is_same = |other: &Self| !other.alone && other.doing == self.doing;
        let whole: &dyn Any = &*other;
        if self.inputs.len() >= MAX_TOGETHER || !whole.downcast_ref::<Self>().is_some_and(is_same) {
            return Some(other);
        }
        let whole: Box<dyn Any> = other;
        if let Ok(other) = whole.downcast::<Self>() {
            self.inputs.extend(other.inputs);
            self.callers.extend(other.callers);
        }
        None
    }

    fn part(self: Box<Self>) -> Parts {
        if self.inputs.len() == 1 {
            return Parts::One(self);
        }
        let Self { doing, run, inputs, callers, .. } = *self;
        let calls = inputs.into_iter().zip(callers).map(|(input, (asked, caller))| {
            let one = Self::new(doing, run, Share { input, asked, caller });
            Box::new(Self { alone: true, ..one }) as Box<dyn Work>
        });
        Parts::Several(calls.collect())
    }
}

fn guarded<T>(run: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err(Error::new(Code::StoreIo, "the call panicked; nothing was saved")))
}

fn tell<T>(caller: oneshot::Sender<Result<T>>, answer: Result<T>, doing: &str) {
    let answer = answer.map_err(|error| error.while_doing(doing));
    let heard = caller.send(answer).map_err(|_| "nobody waits for the answer");
    ignore(heard, "a caller that went away does not want to know");
}

//! The handler of a kind in the application's own types: a value with state, or a closure.

use super::handler::{Context, Handler as Run};
use super::typed::outcome;
use crate::error::Result;
use crate::model::{Outcome, Payload};
use std::future::Future;
use std::sync::Arc;

/// Runs the jobs of one kind. Its fields are its state: a client, a pool, a configuration.
///
/// `Err` is an [`Outcome`]. `?` makes a failure of any error, text or boxed error under `JOB-RUN-001` (an [`Error`](crate::Error) of
/// ours keeps its code), so the job is tried again while it has attempts. The other outcomes are said outright, as in
/// `return Err(Outcome::Snooze(length))`. What answers another result, such as one of anyhow, is written
/// `Ok(work().await?)`.
///
/// # Example
/// ```
/// use lamplighter::prelude::*;
///
/// #[derive(Serialize, Deserialize)]
/// struct SendInvoice {
///     number: u64,
/// }
/// impl Payload for SendInvoice {
///     const KIND: Kind = Kind::named("send_invoice");
///     type Output = String;
/// }
///
/// struct Mailer {
///     server: String,
/// }
/// impl Handler<SendInvoice> for Mailer {
///     async fn run(&self, _: Context, invoice: SendInvoice) -> Result<String, Outcome> {
///         if self.server.is_empty() {
///             return Err(Outcome::retry_in(Duration::from_mins(5), "no mail server is known"));
///         }
///         Ok(format!("invoice {} went to {}", invoice.number, self.server))
///     }
/// }
/// # let folder = tempfile::tempdir().expect("a folder");
/// # let store = lamplighter::testing::store_in(folder.path()).expect("a store");
/// let builder = Engine::builder(store, Clock::system()).handler(Mailer { server: "smtp".into() });
/// ```
///
/// State that is missing does not compile:
/// ```compile_fail,E0063
/// # struct Mailer { server: String }
/// let mailer = Mailer {};
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle the payload `{P}`",
    label = "no `Handler<{P}>`",
    note = "write `impl Handler<{P}> for {Self}` with `async fn run(&self, context: Context, payload: {P}) -> Result<…, Outcome>`; a closure is given to `.on::<{P}, _, _>(…)`"
)]
pub trait Handler<P: Payload>: Send + Sync + 'static {
    /// Does the work of one job.
    ///
    /// It may be called for several jobs at a time. A job whose process dies while it runs is run again, unless its kind
    /// says otherwise (P7).
    fn run(
        &self,
        context: Context,
        payload: P,
    ) -> impl Future<Output = Result<P::Output, Outcome>> + Send;
}

/// The code of a kind, from a handler of its payload type.
pub(super) fn of_handler<P: Payload>(handler: impl Handler<P>) -> Run {
    let handler = Arc::new(handler);
    Arc::new(move |context: Context| {
        let handler = Arc::clone(&handler);
        Box::pin(async move {
            match context.payload() {
                Ok(payload) => outcome(handler.run(context, payload).await),
                Err(error) => Outcome::Fatal(error.into()),
            }
        })
    })
}

/// The code of a kind, from a closure that is given its payload type.
pub(super) fn of_closure<P, F, Answer>(run: F) -> Run
where
    P: Payload,
    F: Fn(Context, P) -> Answer + Send + Sync + 'static,
    Answer: Future<Output = Result<P::Output, Outcome>> + Send + 'static,
{
    Arc::new(move |context: Context| {
        let answer = context.payload().map(|payload| run(context, payload));
        Box::pin(async move {
            match answer {
                Ok(answer) => outcome(answer.await),
                Err(error) => Outcome::Fatal(error.into()),
            }
        })
    })
}

//! Layers: code of the application that runs around every handler.

use super::handler::{Answer, Context, Handler};
use crate::clock::on_behalf_of;
use crate::model::Outcome;
use std::future::Future;
use std::sync::Arc;

/// A layer, ready to be put around a handler.
pub(super) type Layer = Arc<dyn Fn(Context, Next) -> Answer + Send + Sync>;

/// What a layer is around: the next layer, or the handler itself.
pub struct Next(Handler);

impl Next {
    /// Runs it, and answers how it ended. A layer that does not call this keeps the handler from running.
    pub fn run(self, context: Context) -> impl Future<Output = Outcome> + Send {
        (self.0)(context)
    }
}

/// The layer of a closure.
pub(super) fn layer<F, Ending>(around: F) -> Layer
where
    F: Fn(Context, Next) -> Ending + Send + Sync + 'static,
    Ending: Future<Output = Outcome> + Send + 'static,
{
    Arc::new(move |context, next| Box::pin(around(context, next)))
}

/// A handler with the layers around it, the first of them outermost. What they wait for on a manual clock, they wait for
/// on behalf of their job: a test is told which job sleeps.
pub(super) fn wrapped(handler: Handler, layers: &[Layer]) -> Handler {
    let whole = layers.iter().rev().fold(handler, |inner: Handler, layer| {
        let layer = Arc::clone(layer);
        Arc::new(move |context| layer(context, Next(Arc::clone(&inner))))
    });
    Arc::new(move |context: Context| {
        let who = format!("job {} ({})", context.job.id, context.job.kind);
        Box::pin(on_behalf_of(who, whole(context)))
    })
}

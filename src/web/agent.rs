//! The agent program and its queue, as pages see them.

use super::app::Web;
use super::problem::logged;
use crate::actions::sessions;
use crate::error::Result;
use crate::model::{Queue, QueueState};
use crate::store::Store;

/// Why no session can be run, and what to do. It is also `None` if that could not be read, which is logged.
pub(super) async fn unready(web: &Web) -> Option<String> {
    logged(sessions::unready(&web.store, web.clock.now()).await).flatten()
}

/// The queue that sessions wait in.
pub(super) async fn queue(store: &Store) -> Result<Option<QueueState>> {
    Ok(store.queues().await?.into_iter().find(|queue| queue.name == Queue::AGENT))
}

//! The agent program and its queue, as pages see them.

use super::app::Web;
use crate::error::Result;
use crate::model::{Queue, QueueState};
use crate::sessions::AgentState;
use crate::store::Store;
use std::time::Duration;

/// How long a page waits to hear whether the agent program is there; it is asked once, and tells within a second.
pub(super) const LOOK: Duration = Duration::from_secs(3);

/// Why no session can be run here, and what to do.
pub(super) async fn unready(web: &Web) -> Option<String> {
    let Some(agents) = &web.agents else {
        return Some("This server runs no agents.".to_owned());
    };
    match tokio::time::timeout(LOOK, agents.program.state()).await {
        Ok(AgentState::Ready { .. }) => None,
        Ok(AgentState::Missing { reason }) => {
            Some(format!("The agent program cannot be used: {reason}."))
        }
        Err(_) => Some(
            "The agent program has not told its version yet. Try again in a moment.".to_owned(),
        ),
    }
}

/// The queue that sessions wait in.
pub(super) async fn queue(store: &Store) -> Result<Option<QueueState>> {
    Ok(store.queues().await?.into_iter().find(|queue| queue.name == Queue::AGENT))
}

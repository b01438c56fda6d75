//! What a process that leads does about a clock that was ahead: it brings back what was written then.
//!
//! It looks when it begins to lead, because the clock may have been set back over a restart, and whenever the clock is set
//! back while it leads.

use crate::clock::Clock;
use crate::error::Code;
use crate::model::Epoch;
use crate::store::Store;
use crate::warn_coded;
use std::time::Duration;
use tokio::sync::watch;

/// Wait after an error before the next look.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Looks for ever. Cancel safe.
pub(super) async fn serve(store: Store, clock: Clock, mut leads: watch::Receiver<Option<Epoch>>) {
    while leads.wait_for(Option::is_some).await.is_ok() {
        leads.borrow_and_update();
        // A change of the date meanwhile is one to look at again.
        let mark = clock.mark();
        if let Err(error) = store.set_right(clock.now()).await {
            warn_coded!(Code::EngineClock, "bring back what is ahead of the clock: {error}");
            clock.sleep(LOOK_AGAIN).await;
            continue;
        }
        tokio::select! {
            () = clock.set_back(mark) => {}
            changed = leads.changed() => if changed.is_err() { return },
        }
    }
}

//! Files at the home in force what is open elsewhere, once a person has asked for it.

use super::tracking::Tracking;
use crate::clock::Clock;
use crate::error::Result;
use crate::store::Store;

/// Stores what is open elsewhere as issues to be filed here, if a person has asked for it; answers how many. The tracker was
/// read before, so what it has already is known.
pub(super) async fn refile(store: &Store, tracking: &Tracking, clock: &Clock) -> Result<u64> {
    let home = tracking.home();
    if !store.refile_offer(home.clone()).await?.accepted {
        return Ok(0);
    }
    let problems = store.open_elsewhere(home.clone()).await?;
    let destination = tracking.destination(store).await?;
    let postings = problems.into_iter().map(|problem| {
        let posting = destination.again(&problem)?;
        Ok((problem, posting))
    });
    let postings = postings.collect::<Result<Vec<_>>>()?;
    store.refile((destination.tracker, home), postings, destination.caps, clock.now()).await
}

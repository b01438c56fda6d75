//! What a scan does about issues of ours at the tracker that are one problem.

use super::tracking::Tracking;
use crate::error::Result;
use crate::model::{Duplicate, Duplicates, FindingVerdict, Triaged};
use crate::store::Store;
use crate::tracker::{NO_ACCOUNT, new_marker};

/// The duplicates that the scan closes, or why it closes none. The tracker is asked for the
/// token's account only if there are some.
pub(super) async fn decide(store: &Store, tracking: &Tracking) -> Result<Duplicates> {
    let found = find(store, tracking).await?;
    let Ok(Some(site)) = tracking.remote() else { return Ok(Duplicates::default()) };
    if found.is_empty() {
        return Ok(Duplicates::default());
    }
    match site.client.login().await {
        Ok(Some(_)) => {}
        Ok(None) => return Ok(Duplicates::kept(&found, NO_ACCOUNT)),
        Err(failure) => return Ok(Duplicates::kept(&found, &failure.to_string())),
    }
    let closing = found.into_iter().map(|duplicate| {
        let posting = duplicate.posting(new_marker()?);
        Ok((duplicate, posting))
    });
    Ok(Duplicates { closing: closing.collect::<Result<_>>()?, kept: None })
}

/// What a dry run says of them.
pub(super) async fn verdicts(store: &Store, tracking: &Tracking) -> Result<Vec<FindingVerdict>> {
    let would = |Duplicate { number, title, of, .. }: Duplicate| FindingVerdict {
        title: format!("#{number} {title}"),
        verdict: Triaged::Duplicate,
        issue: Some(of),
    };
    Ok(find(store, tracking).await?.into_iter().map(would).collect())
}

async fn find(store: &Store, tracking: &Tracking) -> Result<Vec<Duplicate>> {
    match tracking.remote() {
        Ok(Some(site)) => store.duplicates(site.home.clone()).await,
        Ok(None) | Err(_) => Ok(Vec::new()),
    }
}

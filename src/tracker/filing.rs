//! Takes a filing as far as it gets: what [`Filing::next`] says, done, and what came of it, saved.

use super::client::Client;
use super::duplicate::{self, Hand};
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::model::{
    Act, Failure, Filing, FilingEvent, FilingState, Marker, Place, Reason, Step, Timestamp,
};
use std::future::Future;

/// Where filings are remembered.
pub trait Ledger: Sync {
    /// Replaces a filing that is in state `was`, durably, before it answers. An error means that nothing more may be
    /// done about the filing: somebody else has it, or nobody knows what is saved.
    fn save(&self, filing: &Filing, was: FilingState) -> impl Future<Output = Result<()>> + Send;
}

/// How far a filing got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// There is nothing left to do: it is filed, or a person decides.
    Rests,
    /// There is nothing to do before this instant: a limit ends then, or a look can be trusted from then on.
    Waits(Timestamp),
    /// The tracker refused or could not be asked; it should be tried again later.
    Failed(Failure),
}

/// A new marker.
///
/// # Errors
/// `TRACK-MARK-001` if the system has no randomness to give.
pub fn new_marker() -> Result<Marker> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new(Code::TrackerMarker, "make a marker").because(error))?;
    Ok(Marker::new(u128::from_le_bytes(bytes)))
}

/// Files the filing, or finds that it is filed, if that is possible now. Every step is saved before the next one. After any
/// failure or crash this may be called again with the filing as it was saved last.
///
/// # Cancel safety
/// Dropping the future has the effect of a crash at that point.
pub async fn file(
    filing: Filing,
    client: &Client,
    ledger: &impl Ledger,
    clock: &Clock,
) -> Result<Ending> {
    let mut filing = filing;
    loop {
        let event = match filing.next(clock.now()) {
            Step::Rest => return Ok(Ending::Rests),
            Step::Wait(until) => return Ok(Ending::Waits(until)),
            Step::Send => send(&mut filing, client, ledger, clock).await?,
            Step::Look(since) => match look(&filing, client, since).await {
                Ok(Some(place)) if filing.act == Act::Close => close(&filing, place, client).await,
                Ok(Some(place)) => FilingEvent::Done(place),
                Ok(None) => send(&mut filing, client, ledger, clock).await?,
                Err(failure) => FilingEvent::Unseen(failure),
            },
        };
        let after = filing.after(event.clone(), clock.now());
        ledger.save(&after, filing.state).await?;
        filing = after;
        match event {
            FilingEvent::Unseen(failure) => return Ok(ending(failure)),
            FilingEvent::Refused(failure)
                if filing.state == FilingState::Failed || limit(&failure).is_some() =>
            {
                return Ok(ending(failure));
            }
            FilingEvent::Begun
            | FilingEvent::Done(_)
            | FilingEvent::Refused(_)
            | FilingEvent::Held(_) => {}
        }
    }
}

fn limit(failure: &Failure) -> Option<Timestamp> {
    if let Reason::RateLimited(until) = failure.reason { Some(until) } else { None }
}

fn ending(failure: Failure) -> Ending {
    limit(&failure).map_or(Ending::Failed(failure), Ending::Waits)
}

async fn look(
    filing: &Filing,
    client: &Client,
    since: Timestamp,
) -> Result<Option<Place>, Failure> {
    match (filing.act, filing.number) {
        (Act::Open, _) => client.find_issue(&filing.marker, since).await,
        (Act::Comment | Act::Reopen | Act::Close, Some(number)) => {
            client.find_comment(number, &filing.marker, since).await
        }
        (Act::Comment | Act::Reopen | Act::Close, None) => Err(no_number()),
    }
}

/// Closes the duplicate on which our comment stands already, unless it is closed or people have had a hand in it since.
async fn close(filing: &Filing, comment: Place, client: &Client) -> FilingEvent {
    match duplicate::look(filing, client).await {
        Ok(Hand::Free(_)) => closed(comment, client).await,
        Ok(Hand::Closed(_)) => FilingEvent::Done(comment),
        Ok(Hand::Held(why)) => FilingEvent::Held(why),
        Err(failure) => FilingEvent::Unseen(failure),
    }
}

/// What comes of closing an issue while its filing is not on its way: that it failed is a refusal then.
fn resumed(event: FilingEvent) -> FilingEvent {
    match event {
        FilingEvent::Unseen(failure) => {
            FilingEvent::Refused(Failure { outcome_unknown: false, ..failure })
        }
        FilingEvent::Begun
        | FilingEvent::Done(_)
        | FilingEvent::Refused(_)
        | FilingEvent::Held(_) => event,
    }
}

/// Closes the issue on which this comment stands. It may be repeated, so nothing but the comment is in doubt.
async fn closed(comment: Place, client: &Client) -> FilingEvent {
    match client.turn().await.close_as_duplicate(comment.number).await {
        Ok(()) => FilingEvent::Done(comment),
        Err(failure) => FilingEvent::Unseen(failure),
    }
}

/// Says durably that it is about to be sent, and sends it.
async fn send(
    filing: &mut Filing,
    client: &Client,
    ledger: &impl Ledger,
    clock: &Clock,
) -> Result<FilingEvent> {
    if let (Act::Reopen, Some(number)) = (filing.act, filing.number)
        && let Err(failure) = client.turn().await.reopen(number).await
    {
        // It may be repeated, so nothing is in doubt.
        return Ok(FilingEvent::Refused(Failure { outcome_unknown: false, ..failure }));
    }
    if filing.act == Act::Close {
        match duplicate::look(filing, client).await {
            Ok(Hand::Free(None)) => {}
            Ok(Hand::Free(Some(comment))) => return Ok(resumed(closed(comment, client).await)),
            Ok(Hand::Closed(place)) => return Ok(FilingEvent::Done(place)),
            Ok(Hand::Held(why)) => return Ok(FilingEvent::Held(why)),
            // Nothing was sent.
            Err(failure) => {
                return Ok(FilingEvent::Refused(Failure { outcome_unknown: false, ..failure }));
            }
        }
    }
    // It waits for its turn first, because `sent_at` is the time of the one request that must not be repeated.
    let turn = client.turn().await;
    let begun = filing.after(FilingEvent::Begun, clock.now());
    ledger.save(&begun, filing.state).await?;
    *filing = begun;
    let sent = match (filing.act, filing.number) {
        (Act::Open, _) => turn.create_issue(&filing.title, &filing.body, &filing.labels).await,
        (Act::Comment | Act::Reopen | Act::Close, Some(number)) => {
            turn.create_comment(number, &filing.body).await
        }
        (Act::Comment | Act::Reopen | Act::Close, None) => Err(no_number()),
    };
    Ok(match sent {
        Ok(comment) if filing.act == Act::Close => closed(comment, client).await,
        Ok(place) => FilingEvent::Done(place),
        Err(failure) => FilingEvent::Refused(failure),
    })
}

fn no_number() -> Failure {
    let said = "the filing names no issue to comment on".to_owned();
    Failure { reason: Reason::Invalid, outcome_unknown: false, said }
}

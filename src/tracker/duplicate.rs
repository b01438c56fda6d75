//! Whether an issue may still be closed as a duplicate, by what the tracker says of it at this moment.
//!
//! *Invariant:* what people have had a hand in is theirs. An issue is closed only if our token's account wrote it, all its
//! comments are of our servers, and it was not opened again; and only while the older issue is open.

use super::client::Client;
use crate::model::{Failure, Filing, IssueMark, Place, Reason, Timestamp, says_duplicate};

/// What a look at a duplicate and at the issue that stays says.
pub(super) enum Hand {
    /// Nobody has had a hand in it: it may be closed. The comment of this filing may stand there already, where a backup was
    /// put back.
    Free(Option<Place>),
    /// It is closed already.
    Closed(Place),
    /// It stays open, for this reason.
    Held(String),
}

/// Looks at both issues, and at what is said on the duplicate.
pub(super) async fn look(filing: &Filing, client: &Client) -> Result<Hand, Failure> {
    let (Some(number), Some(of)) = (filing.number, filing.duplicate_of) else {
        return Ok(held("nobody knows of which issue it is a duplicate"));
    };
    let Some(login) = client.login().await? else { return Ok(held(NO_ACCOUNT)) };
    let issue = client.issue(number).await?;
    if issue.closed.is_some() {
        return Ok(Hand::Closed(Place { number, url: issue.url }));
    }
    if issue.reopened {
        return Ok(held("it was opened again"));
    }
    if issue.author.as_ref() != Some(&login) {
        return Ok(held("another account than the token's wrote it"));
    }
    match client.issue(of).await {
        Ok(older) if older.closed.is_none() && !are_marked_alike(&issue.body, &older.body) => {
            return Ok(held("somebody has changed what is written in one of the two"));
        }
        Ok(older) if older.closed.is_none() => {}
        Ok(_) => return Ok(held(format!("#{of} is closed by now"))),
        Err(failure) if is_away(failure.reason) => {
            return Ok(held(format!("the tracker has #{of} no longer")));
        }
        Err(failure) => return Err(failure),
    }
    let mut said = None;
    for comment in client.comments(number, Timestamp::default()).await? {
        let mark = IssueMark::in_body(&comment.body);
        let is_ours = comment.author.as_ref() == Some(&login) && mark.is_some();
        if !is_ours {
            let who = comment.author.as_deref().unwrap_or("somebody");
            return Ok(held(format!("{who} has commented on it")));
        }
        if mark.is_some_and(|mark| mark.marker == filing.marker) {
            said = Some(Place { number, url: comment.url });
        } else if says_duplicate(&comment.body) {
            return Ok(held("a server has said there before that it is a duplicate"));
        }
    }
    Ok(Hand::Free(said))
}

/// Whether both bodies still say that they are of one problem: what people have written anew is theirs.
fn are_marked_alike(one: &str, other: &str) -> bool {
    let prints = |body| IssueMark::in_body(body).map(|mark| mark.fingerprints).unwrap_or_default();
    let others = prints(other);
    prints(one).iter().any(|print| others.contains(print))
}

/// Why nothing is closed by the token of an app.
pub const NO_ACCOUNT: &str =
    "the token belongs to no account, so nobody can tell which issues it wrote";

fn is_away(reason: Reason) -> bool {
    matches!(reason, Reason::NotFound | Reason::Gone | Reason::Moved)
}

fn held(why: impl Into<String>) -> Hand {
    Hand::Held(why.into())
}

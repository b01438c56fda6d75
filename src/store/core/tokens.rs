//! How a token is made, gets another text, and ends, and what the audit log keeps of it.

use super::accounts;
use crate::error::{Code, Error, Result};
use crate::model::{Actor, NewToken, Power, Timestamp, Token};
use crate::store::sql::{audit, tokens};
use crate::store::sqlite::Tx;
use std::time::Duration;

/// For how long the text of before counts after a rotation.
const OVERLAP: Duration = Duration::from_hours(24);
/// The most tokens of one account.
const MOST: u64 = 100;

/// Stores a token of the account that it names as its owner.
///
/// # Errors
/// `AUTH-NAME-001` if there is no such account; `AUTH-TOKEN-004` if it has a token of this name; `AUTH-TOKEN-005` if it
/// has 100 tokens.
pub(in crate::store) fn add(
    tx: &Tx<'_>,
    new: &NewToken,
    actor: &Actor,
    now: Timestamp,
) -> Result<Token> {
    let owner = accounts::existing(tx, &new.owner)?;
    if tokens::count(tx, owner.id)? >= MOST {
        let why = format!("{} has {MOST} tokens, which is the most", new.owner);
        return Err(Error::new(Code::AuthTokenMany, why));
    }
    if !tokens::insert(tx, owner.id, new, now)? {
        let why = format!("{} has a token called {} already", new.owner, new.name);
        return Err(Error::new(Code::AuthTokenTaken, why));
    }
    let token = existing(tx, &new.id)?;
    let power = described(&token.power);
    audit::record_change(tx, actor, "create token", &subject(&token), (None, Some(&power)), now)?;
    Ok(token)
}

/// Gives a token another text, and as much time as it had from its making. The text of before counts for 24 hours more, but
/// not beyond its own end.
///
/// # Errors
/// `AUTH-TOKEN-003` if there is no such token; `AUTH-TOKEN-006` while the text of before its last rotation counts: a request
/// that is sent twice must not end the text that programs use.
pub(in crate::store) fn rotate(
    tx: &Tx<'_>,
    id: &str,
    hash: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<Token> {
    let before = existing(tx, id)?;
    if let Some(until) = before.old_counts_until(now) {
        let why = format!("the text of before its last rotation counts until {until}");
        return Err(Error::new(Code::AuthTokenRotated, why));
    }
    let overlap = now.plus(OVERLAP);
    let old_until = before.expires_at.map_or(overlap, |end| end.min(overlap));
    let expires_at = before.expires_at.map(|end| now.plus(end.since(before.renewed_at)));
    tokens::rotate(tx, id, hash, (old_until, expires_at), now)?;
    audit::record(tx, actor, "rotate token", &subject(&before), now)?;
    existing(tx, id)
}

/// Ends a token for good; answers what it was.
///
/// # Errors
/// `AUTH-TOKEN-003` if there is no such token.
pub(in crate::store) fn revoke(
    tx: &Tx<'_>,
    id: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<Token> {
    let token = existing(tx, id)?;
    end(tx, &token, actor, now)?;
    Ok(token)
}

/// Ends every token of an account.
pub(in crate::store) fn revoke_all(
    tx: &Tx<'_>,
    owner: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let theirs = tokens::list(tx, Some(owner), MOST as usize)?;
    theirs.iter().try_for_each(|token| end(tx, token, actor, now))
}

fn end(tx: &Tx<'_>, token: &Token, actor: &Actor, now: Timestamp) -> Result<()> {
    tokens::delete(tx, &token.id)?;
    let power = described(&token.power);
    audit::record_change(tx, actor, "revoke token", &subject(token), (Some(&power), None), now)
}

fn existing(tx: &Tx<'_>, id: &str) -> Result<Token> {
    let unknown = || Error::new(Code::AuthTokenUnknown, format!("there is no token {id}"));
    tokens::find(tx, id)?.ok_or_else(unknown)
}

/// The token as the audit log names it, behind a verb that says that it is one.
fn subject(token: &Token) -> String {
    format!("{} of {} ({})", token.name, token.owner.username, token.id)
}

/// What a token may do, in one line.
fn described(power: &Power) -> String {
    fn words<T: ToString>(of: &[T]) -> String {
        of.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
    let kinds = power.kinds.as_ref().map(|kinds| format!(" kinds={}", words(kinds)));
    let queues = power.queues.as_ref().map(|queues| format!(" queues={}", words(queues)));
    let (kinds, queues) = (kinds.unwrap_or_default(), queues.unwrap_or_default());
    format!("{}{kinds}{queues}", words(&power.scopes))
}

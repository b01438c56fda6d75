//! The proof that a token is: whose it is, whether it counts, and the calls that are made by it.

use super::super::{Call, Proof, Who};
use crate::error::{Code, Error, Result};
use crate::model::{Timestamp, Token, TokenText, Zone};
use crate::store::Store;

/// The token with this text, whose use is noted. `None`: the text has the form of a token, and is none, so that somebody may
/// guess or goes on with a token that was revoked.
///
/// # Errors
/// `AUTH-TOKEN-001` for a text that is misspelt, for a token whose time is over, and for one whose owner's account is
/// disabled.
pub async fn prove(store: &Store, text: &str, now: Timestamp) -> Result<Option<Token>> {
    let refused = |why: String| Err(Error::new(Code::AuthToken, format!("take the token: {why}")));
    let Some(text) = TokenText::read(text) else {
        return refused("its text is misspelt or cut off".to_owned());
    };
    let Some(token) = store.token_by_hash(text.hash(), now).await? else { return Ok(None) };
    let name = token.actor_name();
    match token.expires_at {
        Some(end) if token.has_expired(now) => refused(format!("the {name} ended at {end}")),
        _ if token.owner.disabled_at.is_some() => {
            refused(format!("the account of the {name} is disabled"))
        }
        _ => Ok(Some(token)),
    }
}

/// A call by this token: with its owner's role as it is now, and no more than the token's scopes.
pub fn call_by(token: &Token, remote: String, correlation_id: String, now: Timestamp) -> Call {
    let who = Who {
        name: token.actor_name(),
        role: token.role(),
        proof: Proof::Token(token.power.clone()),
        remote: Some(remote),
    };
    Call { who, now, zone: Zone::default(), correlation_id: Some(correlation_id) }
}

//! API tokens. The text of a token comes in hashed and is never stored.

use super::Store;
use super::core::tokens;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::model::{Actor, NewToken, Timestamp, Token};

/// Tokens that are listed at most.
const MAX_LIST: usize = 1_000;

impl Store {
    /// Stores a token of the account that it names as its owner.
    ///
    /// # Errors
    /// `AUTH-NAME-001` if there is no such account; `AUTH-TOKEN-004` if it has a token of this name; `AUTH-TOKEN-005` if
    /// it has 100 tokens.
    pub async fn add_token(&self, new: NewToken, actor: Actor, now: Timestamp) -> Result<Token> {
        let add = move |tx: &Tx<'_>, now| tokens::add(tx, &new, &actor, now);
        self.db.rule("make a token", now, add).await
    }

    /// The tokens of this account, or all of them, by owner and name, at most 1,000.
    pub async fn tokens(&self, owner: Option<String>) -> Result<Vec<Token>> {
        let list = move |c: &_| sql::tokens::list(c, owner.as_deref(), MAX_LIST);
        self.db.read("list tokens", list).await
    }

    /// The token that people name so.
    pub async fn token(&self, id: String) -> Result<Option<Token>> {
        self.db.read("read a token", move |c| sql::tokens::find(c, &id)).await
    }

    /// The token whose text has this hash, also if its time is over or its owner is disabled. Its use is noted, to the
    /// minute, if it counts; nobody waits for that, and it may fail.
    pub async fn token_by_hash(&self, hash: String, now: Timestamp) -> Result<Option<Token>> {
        let found =
            self.db.read("check a token", move |c| sql::tokens::by_hash(c, &hash, now)).await?;
        let Some((token, is_stale)) = found else {
            return Ok(None);
        };
        let counts = !token.has_expired(now) && token.owner.disabled_at.is_none();
        if counts && is_stale {
            let id = token.id.clone();
            let touch = move |tx: &Tx<'_>| sql::tokens::touch(tx, &id, now);
            self.db.note("note a token's use", token.id.clone(), touch).await;
        }
        Ok(Some(token))
    }

    /// Gives a token the text with this hash, and as much time as it had from its making. The text of before counts for 24
    /// hours more, but not beyond its own end.
    ///
    /// # Errors
    /// `AUTH-TOKEN-003` if there is no such token; `AUTH-TOKEN-006` while the text of before its last rotation counts.
    pub async fn rotate_token(
        &self,
        id: String,
        hash: String,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Token> {
        let rotate = move |tx: &Tx<'_>, now| tokens::rotate(tx, &id, &hash, &actor, now);
        self.db.rule("rotate a token", now, rotate).await
    }

    /// Ends a token for good; answers what it was.
    ///
    /// # Errors
    /// `AUTH-TOKEN-003` if there is no such token.
    pub async fn revoke_token(&self, id: String, actor: Actor, now: Timestamp) -> Result<Token> {
        let revoke = move |tx: &Tx<'_>, now| tokens::revoke(tx, &id, &actor, now);
        self.db.rule("revoke a token", now, revoke).await
    }
}

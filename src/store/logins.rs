//! Logins: the browsers that are signed in. What opens a page comes in hashed and is never stored.

use super::Store;
use super::core::logins::{self, NewLogin};
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::model::{Account, Actor, Login, LoginState, Timestamp, WhichLogins};

/// Logins of one account that are listed at most.
const MAX_LIST: usize = 1_000;

impl Store {
    /// Stores a login of `account` under the hash of its id. `browser` says what the browser calls itself.
    ///
    /// # Errors
    /// `AUTH-LOGIN-002` if the account is disabled or gone, or has another password than when it was read.
    pub async fn login(
        &self,
        account: Account,
        id_hash: String,
        browser: String,
        actor: Actor,
        now: Timestamp,
    ) -> Result<()> {
        let begin = move |tx: &Tx<'_>, now| {
            let new = NewLogin { account: &account, id_hash: &id_hash, browser: &browser };
            logins::begin(tx, &new, &actor, now)
        };
        self.db.rule("sign in", now, begin).await
    }

    /// The same in place of the login `old`, whose person gave the password again.
    ///
    /// # Errors
    /// As [`login`](Self::login), and if the login `old` has ended.
    pub async fn renew_login(
        &self,
        old: String,
        account: Account,
        (id_hash, browser): (String, String),
        actor: Actor,
        now: Timestamp,
    ) -> Result<()> {
        let renew = move |tx: &Tx<'_>, now| {
            let new = NewLogin { account: &account, id_hash: &id_hash, browser: &browser };
            logins::renew(tx, &old, &new, &actor, now)
        };
        self.db.rule("take the password again", now, renew).await
    }

    /// The login with this id: used within 30 minutes and begun within 12 hours. `uses` says whether this look extends
    /// the idle limit; polls do not. Nobody waits for the note of a use, and it may fail.
    pub async fn login_by_id(
        &self,
        id_hash: String,
        uses: bool,
        now: Timestamp,
    ) -> Result<Option<Login>> {
        let hash = id_hash.clone();
        let found =
            self.db.read("check a login", move |c| sql::logins::by_login(c, &hash, now)).await?;
        let Some((login, stale)) = found else {
            return Ok(None);
        };
        if uses && stale {
            let hash = id_hash.clone();
            let touch = move |tx: &Tx<'_>| sql::logins::touch(tx, &hash, now);
            self.db.note("note a login's use", id_hash, touch).await;
        }
        Ok(Some(login))
    }

    /// Ends the login of the one who asks.
    pub async fn logout(&self, id_hash: String, actor: Actor, now: Timestamp) -> Result<()> {
        let log_out = move |tx: &Tx<'_>, now| logins::log_out(tx, &id_hash, &actor, now);
        self.db.rule("sign out", now, log_out).await
    }

    /// The logins of an account that have not ended, the one that was used last first, at most 1,000.
    pub async fn logins(&self, account: i64, now: Timestamp) -> Result<Vec<LoginState>> {
        let list = move |c: &_| sql::logins::of_account(c, account, MAX_LIST, now);
        self.db.read("list the logins of a user", list).await
    }

    /// Ends these logins of an account; answers how many there were.
    ///
    /// # Errors
    /// `AUTH-NAME-001` if there is no account of this name; `AUTH-NAME-003` if it has no login of the number.
    pub async fn end_logins(
        &self,
        username: String,
        which: WhichLogins,
        actor: Actor,
        now: Timestamp,
    ) -> Result<usize> {
        let end = move |tx: &Tx<'_>, now| logins::end(tx, &username, which, &actor, now);
        self.db.rule("end logins", now, end).await
    }
}

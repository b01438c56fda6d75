//! Accounts and logins. Secrets come in hashed: neither a password nor a login id is ever stored.

use super::Store;
use super::sqlite::{self, Tx};
use crate::error::Result;
use crate::model::{Account, Actor, Deed, Timestamp};

impl Store {
    /// Whether somebody could create accounts.
    pub async fn has_admin(&self) -> Result<bool> {
        self.db.read("look for an admin", sqlite::accounts::has_admin).await
    }

    /// Makes this the only set-up code until `expires_at`. Answers `false`, and voids all codes, if there is an admin.
    pub async fn set_setup_code(&self, hash: String, expires_at: Timestamp) -> Result<bool> {
        let set = move |tx: &Tx<'_>| sqlite::accounts::set_setup_code(tx, &hash, expires_at);
        self.db.write("make a set-up link", set).await
    }

    /// Whether the set-up code counts.
    pub async fn setup_code_is_valid(&self, hash: String, now: Timestamp) -> Result<bool> {
        self.db
            .read("check a set-up link", move |c| {
                sqlite::accounts::setup_code_is_valid(c, &hash, now)
            })
            .await
    }

    /// Creates the account `admin` and uses the code up; `None` if the code does not count.
    pub async fn redeem_setup_code(
        &self,
        hash: String,
        password_hash: String,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Option<Account>> {
        let redeem = move |tx: &Tx<'_>| {
            sqlite::accounts::redeem_setup_code(tx, &hash, &password_hash, &actor, now)
        };
        self.db.write("create the first admin", redeem).await
    }

    /// Creates the account `admin`; `None` if there is an admin already.
    pub async fn create_first_admin(
        &self,
        password_hash: String,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Option<Account>> {
        let create = move |tx: &Tx<'_>| {
            sqlite::accounts::create_first_admin(tx, &password_hash, &actor, now)
        };
        self.db.write("create the first admin", create).await
    }

    /// The account of this name with its password hash (PHC string).
    pub async fn account(&self, username: String) -> Result<Option<(Account, String)>> {
        self.db.read("read an account", move |c| sqlite::accounts::find(c, &username)).await
    }

    /// Sets a password and ends every login of the account. Answers whether the account exists.
    pub async fn set_password(
        &self,
        username: String,
        password_hash: String,
        actor: Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let set = move |tx: &Tx<'_>| {
            sqlite::accounts::set_password(tx, &username, &password_hash, &actor, now)
        };
        self.db.write("set a password", set).await
    }

    /// Stores a login of `account` under the hash of its id.
    pub async fn login(
        &self,
        account: i64,
        id_hash: String,
        actor: Actor,
        now: Timestamp,
    ) -> Result<()> {
        let login = move |tx: &Tx<'_>| sqlite::accounts::login(tx, account, &id_hash, &actor, now);
        self.db.write("sign in", login).await
    }

    /// Whose login this is: used within 30 minutes and begun within 12 hours. `uses` says whether this look extends
    /// the idle limit; polls do not.
    pub async fn account_by_login(
        &self,
        id_hash: String,
        uses: bool,
        now: Timestamp,
    ) -> Result<Option<Account>> {
        let hash = id_hash.clone();
        let found = self
            .db
            .read("check a login", move |c| sqlite::accounts::by_login(c, &hash, now))
            .await?;
        let Some((account, stale)) = found else {
            return Ok(None);
        };
        if uses && stale {
            let touch = move |tx: &Tx<'_>| sqlite::accounts::touch(tx, &id_hash, now);
            self.db.write("note a login's use", touch).await?;
        }
        Ok(Some(account))
    }

    /// Ends a login.
    pub async fn logout(&self, id_hash: String, actor: Actor, now: Timestamp) -> Result<()> {
        let logout = move |tx: &Tx<'_>| sqlite::accounts::logout(tx, &id_hash, &actor, now);
        self.db.write("sign out", logout).await
    }

    /// The newest rows of the audit log, newest first.
    pub async fn deeds(&self, limit: usize) -> Result<Vec<Deed>> {
        self.db.read("read the audit log", move |c| sqlite::audit::newest(c, limit)).await
    }
}

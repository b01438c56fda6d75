//! Accounts. Secrets come in hashed: no password is ever stored.

use super::Store;
use super::core;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::model::{Account, AccountState, Actor, Role, Timestamp, Username};
use std::time::Duration;

/// Accounts that are listed at most.
const MAX_LIST: usize = 1_000;

impl Store {
    /// Whether somebody could create accounts.
    pub async fn has_admin(&self) -> Result<bool> {
        self.db.read("look for an admin", sql::accounts::has_admin).await
    }

    /// Makes this the only set-up code, for as long as `life`. If there is an admin, it voids all codes and answers `false`.
    pub async fn set_setup_code(
        &self,
        hash: String,
        life: Duration,
        now: Timestamp,
    ) -> Result<bool> {
        let set = move |tx: &Tx<'_>, now| core::accounts::set_setup_code(tx, &hash, life, now);
        self.db.rule("make a set-up link", now, set).await
    }

    /// Whether the set-up code counts.
    pub async fn setup_code_is_valid(&self, hash: String, now: Timestamp) -> Result<bool> {
        self.db
            .read("check a set-up link", move |c| sql::accounts::setup_code_is_valid(c, &hash, now))
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
        let redeem = move |tx: &Tx<'_>, now| {
            core::accounts::redeem_setup_code(tx, &hash, &password_hash, &actor, now)
        };
        self.db.rule("create the first admin", now, redeem).await
    }

    /// Creates the account `admin`; `None` if there is an admin already.
    pub async fn create_first_admin(
        &self,
        password_hash: String,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Option<Account>> {
        let create = move |tx: &Tx<'_>, now| {
            core::accounts::create_first_admin(tx, &password_hash, &actor, now)
        };
        self.db.rule("create the first admin", now, create).await
    }

    /// The account of this name with its password hash (PHC string).
    pub async fn account(&self, username: String) -> Result<Option<(Account, String)>> {
        self.db.read("read an account", move |c| sql::accounts::find(c, &username)).await
    }

    /// The accounts, by name, at most 1,000.
    pub async fn accounts(&self, now: Timestamp) -> Result<Vec<AccountState>> {
        let list = move |c: &_| sql::accounts::list(c, MAX_LIST, sql::logins::lives_after(now));
        self.db.read("list accounts", list).await
    }

    /// Makes an account.
    ///
    /// # Errors
    /// `AUTH-NAME-002` if there is one of this name.
    pub async fn add_account(
        &self,
        username: Username,
        role: Role,
        password_hash: String,
        actor: Actor,
        now: Timestamp,
    ) -> Result<()> {
        let add = move |tx: &Tx<'_>, now| {
            core::accounts::add(tx, &username, role, &password_hash, &actor, now)
        };
        self.db.rule("add a user", now, add).await
    }

    /// Gives an account another role; answers the one that it had. A lower one ends its logins.
    ///
    /// # Errors
    /// `AUTH-NAME-001` if there is none of this name, `AUTH-ROLE-002` if it is the last admin.
    pub async fn set_role(
        &self,
        username: String,
        role: Role,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Role> {
        let set =
            move |tx: &Tx<'_>, now| core::accounts::set_role(tx, &username, role, &actor, now);
        self.db.rule("change the role of a user", now, set).await
    }

    /// Disables an account and ends its logins. Answers whether it was enabled, and how many logins there were.
    ///
    /// # Errors
    /// `AUTH-NAME-001` if there is none of this name, `AUTH-ROLE-002` if nobody else can sign in as an admin.
    pub async fn disable_account(
        &self,
        username: String,
        actor: Actor,
        now: Timestamp,
    ) -> Result<(bool, usize)> {
        let disable = move |tx: &Tx<'_>, now| core::accounts::disable(tx, &username, &actor, now);
        self.db.rule("disable a user", now, disable).await
    }

    /// Lets people sign in to an account again; answers whether it was disabled.
    ///
    /// # Errors
    /// `AUTH-NAME-001` if there is none of this name.
    pub async fn enable_account(
        &self,
        username: String,
        actor: Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let enable = move |tx: &Tx<'_>, now| core::accounts::enable(tx, &username, &actor, now);
        self.db.rule("enable a user", now, enable).await
    }

    /// Removes an account with its logins.
    ///
    /// # Errors
    /// `AUTH-NAME-001` if there is none of this name, `AUTH-ROLE-002` if it is the last admin.
    pub async fn remove_account(
        &self,
        username: String,
        actor: Actor,
        now: Timestamp,
    ) -> Result<()> {
        let remove = move |tx: &Tx<'_>, now| {
            core::tokens::revoke_all(tx, &username, &actor, now)?;
            core::accounts::remove(tx, &username, &actor, now)
        };
        self.db.rule("remove a user", now, remove).await
    }

    /// Sets a password and ends every login of the account; answers how many there were.
    ///
    /// # Errors
    /// `AUTH-NAME-001` if there is none of this name.
    pub async fn set_password(
        &self,
        username: String,
        password_hash: String,
        actor: Actor,
        now: Timestamp,
    ) -> Result<usize> {
        let set = move |tx: &Tx<'_>, now| {
            core::accounts::set_password(tx, &username, &password_hash, &actor, now)
        };
        self.db.rule("set the password of a user", now, set).await
    }
}

//! What people do to accounts: who becomes the first admin, who stays the last one, and which logins end with it.

use crate::error::{Code, Error, Result};
use crate::model::{Account, Actor, Role, Timestamp, Username, WhichLogins};
use crate::store::sql::{accounts, audit, logins, views};
use crate::store::sqlite::Tx;
use std::time::Duration;

/// Replaces every earlier set-up code, unless there is an admin already. Answers whether the code counts.
pub(in crate::store) fn set_setup_code(
    tx: &Tx<'_>,
    hash: &str,
    life: Duration,
    now: Timestamp,
) -> Result<bool> {
    accounts::void_setup_codes(tx)?;
    if accounts::has_admin(tx)? {
        return Ok(false);
    }
    accounts::insert_setup_code(tx, hash, now.plus(life))?;
    Ok(true)
}

/// Makes the first admin and uses the code up; `None` if the code does not count or an admin is there.
pub(in crate::store) fn redeem_setup_code(
    tx: &Tx<'_>,
    hash: &str,
    password_hash: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<Option<Account>> {
    if !accounts::setup_code_is_valid(tx, hash, now)? {
        return Ok(None);
    }
    create_first_admin(tx, password_hash, actor, now)
}

/// Makes the account `admin` if there is no admin yet. An existing account of this name becomes an admin with this password.
pub(in crate::store) fn create_first_admin(
    tx: &Tx<'_>,
    password_hash: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<Option<Account>> {
    if accounts::has_admin(tx)? {
        return Ok(None);
    }
    accounts::void_setup_codes(tx)?;
    let account = accounts::put_first_admin(tx, password_hash, now)?;
    logins::end(tx, account.id, WhichLogins::All)?;
    audit::record(tx, actor, "create account", "admin", now)?;
    Ok(Some(account))
}

/// Makes an account.
///
/// # Errors
/// `AUTH-NAME-002` if there is one of this name.
pub(in crate::store) fn add(
    tx: &Tx<'_>,
    username: &Username,
    role: Role,
    password_hash: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    if !accounts::insert(tx, username, role, password_hash, now)? {
        let why = format!("there is a user {username} already");
        return Err(Error::new(Code::AuthTaken, why));
    }
    if role == Role::Admin {
        // There is an admin: the link that makes one has nothing left to do.
        accounts::void_setup_codes(tx)?;
    }
    let change = (None, Some(role.as_str()));
    audit::record_change(tx, actor, "create account", username.as_str(), change, now)
}

/// Gives an account another role; answers the one that it had. A lower role ends its logins.
///
/// # Errors
/// `AUTH-NAME-001` if there is none of this name, `AUTH-ROLE-002` if it is the last admin.
pub(in crate::store) fn set_role(
    tx: &Tx<'_>,
    username: &str,
    role: Role,
    actor: &Actor,
    now: Timestamp,
) -> Result<Role> {
    let account = existing(tx, username)?;
    if account.role == role {
        return Ok(role);
    }
    keep_an_admin(tx, &account)?;
    accounts::set_role(tx, account.id, role)?;
    if role < account.role {
        logins::end(tx, account.id, WhichLogins::All)?;
    }
    let change = (Some(account.role.as_str()), Some(role.as_str()));
    audit::record_change(tx, actor, "change role", username, change, now)?;
    Ok(account.role)
}

/// Disables an account and ends its logins. Answers whether it was enabled, and how many logins there were.
///
/// # Errors
/// `AUTH-NAME-001` if there is none of this name, `AUTH-ROLE-002` if nobody else can sign in as an admin.
pub(in crate::store) fn disable(
    tx: &Tx<'_>,
    username: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<(bool, usize)> {
    let account = existing(tx, username)?;
    if account.disabled_at.is_some() {
        return Ok((false, 0));
    }
    keep_an_admin(tx, &account)?;
    accounts::set_disabled(tx, account.id, Some(now))?;
    let ended = logins::end(tx, account.id, WhichLogins::All)?;
    audit::record(tx, actor, "disable account", username, now)?;
    Ok((true, ended))
}

/// Lets people sign in to an account again; answers whether it was disabled.
///
/// # Errors
/// `AUTH-NAME-001` if there is none of this name.
pub(in crate::store) fn enable(
    tx: &Tx<'_>,
    username: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool> {
    let account = existing(tx, username)?;
    if account.disabled_at.is_none() {
        return Ok(false);
    }
    accounts::set_disabled(tx, account.id, None)?;
    audit::record(tx, actor, "enable account", username, now)?;
    Ok(true)
}

/// Removes an account with its logins and saved views.
///
/// # Errors
/// `AUTH-NAME-001` if there is none of this name, `AUTH-ROLE-002` if it is the last admin.
pub(in crate::store) fn remove(
    tx: &Tx<'_>,
    username: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let account = existing(tx, username)?;
    keep_an_admin(tx, &account)?;
    logins::end(tx, account.id, WhichLogins::All)?;
    accounts::delete(tx, account.id)?;
    views::forget(tx, username)?;
    let change = (Some(account.role.as_str()), None);
    audit::record_change(tx, actor, "remove account", username, change, now)
}

/// Sets a password and ends every login of the account; answers how many there were.
///
/// # Errors
/// `AUTH-NAME-001` if there is none of this name.
pub(in crate::store) fn set_password(
    tx: &Tx<'_>,
    username: &str,
    password_hash: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<usize> {
    let account = existing(tx, username)?;
    accounts::set_password(tx, account.id, password_hash)?;
    let ended = logins::end(tx, account.id, WhichLogins::All)?;
    audit::record(tx, actor, "set password", username, now)?;
    Ok(ended)
}

/// Refuses to change the only admin there is.
fn keep_an_admin(tx: &Tx<'_>, account: &Account) -> Result<()> {
    if account.role < Role::Admin || accounts::has_other_admin(tx, account.id)? {
        return Ok(());
    }
    let why = format!("{} is the only admin", account.username);
    Err(Error::new(Code::AuthLastAdmin, why))
}

pub(super) fn existing(tx: &Tx<'_>, username: &str) -> Result<Account> {
    let unknown = || Error::new(Code::AuthUnknown, format!("there is no user {username}"));
    Ok(accounts::find(tx, username)?.ok_or_else(unknown)?.0)
}

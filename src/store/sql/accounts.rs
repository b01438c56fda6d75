//! Accounts, logins, the one-time set-up code, and who did what with them.

use super::audit;
use crate::error::{Code, Error, Result};
use crate::model::{Account, AccountState, Actor, Login, Role, Timestamp, Username};
use crate::store::sqlite::row::{instant, word};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use std::time::Duration;

/// A login ends this long after its last use.
const IDLE: Duration = Duration::from_mins(30);
/// A login ends this long after it began, used or not.
const ABSOLUTE: Duration = Duration::from_hours(12);
/// How fresh `used_at` is kept: a write per request would make every page view a commit.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

fn from_row(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account { id: row.get(0)?, username: row.get(1)?, role: word(row, 2)? })
}

pub(in crate::store) fn has_admin(conn: &Connection) -> Result<bool> {
    const SQL: &str = "
        SELECT EXISTS (SELECT 1 FROM users WHERE role = 'admin')";
    Ok(conn.prepare_cached(SQL)?.query_row([], |row| row.get(0))?)
}

/// Replaces every earlier set-up code, unless there is an admin already. Answers whether the code counts.
pub(in crate::store) fn set_setup_code(
    conn: &Connection,
    hash: &str,
    expires_at: Timestamp,
) -> Result<bool> {
    const SQL: &str = "
        INSERT INTO setup_codes (code_hash, expires_at)
        VALUES (:hash, :expires_at)";
    conn.execute("DELETE FROM setup_codes", [])?;
    if has_admin(conn)? {
        return Ok(false);
    }
    conn.prepare_cached(SQL)?
        .execute(named_params! {":hash": hash, ":expires_at": expires_at.millis()})?;
    Ok(true)
}

pub(in crate::store) fn setup_code_is_valid(
    conn: &Connection,
    hash: &str,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "
        SELECT EXISTS (SELECT 1 FROM setup_codes WHERE code_hash = :hash AND expires_at > :now)";
    let params = named_params! {":hash": hash, ":now": now.millis()};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
}

/// Makes the first admin and uses the code up; `None` if the code does not count or an admin is there.
pub(in crate::store) fn redeem_setup_code(
    conn: &Connection,
    hash: &str,
    password_hash: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<Option<Account>> {
    if !setup_code_is_valid(conn, hash, now)? {
        return Ok(None);
    }
    create_first_admin(conn, password_hash, actor, now)
}

/// Makes the account `admin` if there is no admin yet. An existing account of this name becomes an admin with this password.
pub(in crate::store) fn create_first_admin(
    conn: &Connection,
    password_hash: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<Option<Account>> {
    const SQL: &str = "
        INSERT INTO users (username, password_hash, role, created_at)
        VALUES ('admin', :hash, 'admin', :now)
        ON CONFLICT (username) DO UPDATE SET password_hash = excluded.password_hash, role = 'admin'
        RETURNING id, username, role";
    if has_admin(conn)? {
        return Ok(None);
    }
    conn.execute("DELETE FROM setup_codes", [])?;
    let params = named_params! {":hash": password_hash, ":now": now.millis()};
    let account = conn.prepare_cached(SQL)?.query_row(params, from_row)?;
    end_logins(conn, account.id)?;
    audit::record(conn, actor, "create account", "admin", now)?;
    Ok(Some(account))
}

/// The accounts, by name, each with its logins that have not ended.
pub(in crate::store) fn list(
    conn: &Connection,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<AccountState>> {
    const SQL: &str = "
        SELECT u.id, u.username, u.role, u.created_at, count(l.id_hash), max(l.used_at)
        FROM users u
        LEFT JOIN logins l ON l.user_id = u.id AND l.used_at > :idle AND l.created_at > :absolute
        GROUP BY u.id
        ORDER BY u.username
        LIMIT :limit";
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {
        ":idle": ago(now, IDLE), ":absolute": ago(now, ABSOLUTE), ":limit": limit as i64,
    };
    let rows = statement.query_map(params, |row| {
        Ok(AccountState {
            account: from_row(row)?,
            created_at: Timestamp::from_millis(row.get(3)?),
            logins: row.get::<_, i64>(4)? as u64,
            seen_at: instant(row, 5)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Makes an account.
///
/// # Errors
/// `AUTH-NAME-002` if there is one of this name.
pub(in crate::store) fn add(
    conn: &Connection,
    username: &Username,
    role: Role,
    password_hash: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO users (username, password_hash, role, created_at)
        VALUES (:username, :hash, :role, :now)
        ON CONFLICT (username) DO NOTHING";
    let added = conn.prepare_cached(SQL)?.execute(named_params! {
        ":username": username.as_str(),
        ":hash": password_hash,
        ":role": role.as_str(),
        ":now": now.millis(),
    })?;
    if added == 0 {
        let why = format!("there is a user {username} already");
        return Err(Error::new(Code::AuthTaken, why));
    }
    if role == Role::Admin {
        // There is an admin: the link that makes one has nothing left to do.
        conn.execute("DELETE FROM setup_codes", [])?;
    }
    let change = (None, Some(role.as_str()));
    audit::record_change(conn, actor, "create account", username.as_str(), change, now)
}

/// Gives an account another role; answers the one that it had. A lower role ends its logins.
///
/// # Errors
/// `AUTH-NAME-001` if there is none of this name, `AUTH-ROLE-002` if it is the last admin.
pub(in crate::store) fn set_role(
    conn: &Connection,
    username: &str,
    role: Role,
    actor: &Actor,
    now: Timestamp,
) -> Result<Role> {
    const SQL: &str = "
        UPDATE users
        SET role = :role
        WHERE id = :id";
    let account = existing(conn, username)?;
    if account.role == role {
        return Ok(role);
    }
    keep_an_admin(conn, &account)?;
    let params = named_params! {":role": role.as_str(), ":id": account.id};
    conn.prepare_cached(SQL)?.execute(params)?;
    if role < account.role {
        end_logins(conn, account.id)?;
    }
    let change = (Some(account.role.as_str()), Some(role.as_str()));
    audit::record_change(conn, actor, "change role", username, change, now)?;
    Ok(account.role)
}

/// Removes an account with its logins.
///
/// # Errors
/// `AUTH-NAME-001` if there is none of this name, `AUTH-ROLE-002` if it is the last admin.
pub(in crate::store) fn remove(
    conn: &Connection,
    username: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        DELETE FROM users
        WHERE id = :id";
    let account = existing(conn, username)?;
    keep_an_admin(conn, &account)?;
    end_logins(conn, account.id)?;
    conn.prepare_cached(SQL)?.execute(named_params! {":id": account.id})?;
    let change = (Some(account.role.as_str()), None);
    audit::record_change(conn, actor, "remove account", username, change, now)
}

/// Refuses to change the only admin there is.
fn keep_an_admin(conn: &Connection, account: &Account) -> Result<()> {
    const SQL: &str = "
        SELECT EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND id <> :id)";
    if account.role < Role::Admin {
        return Ok(());
    }
    let params = named_params! {":id": account.id};
    if conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))? {
        return Ok(());
    }
    let why = format!("{} is the only admin", account.username);
    Err(Error::new(Code::AuthLastAdmin, why))
}

fn end_logins(conn: &Connection, account: i64) -> Result<usize> {
    const SQL: &str = "
        DELETE FROM logins
        WHERE user_id = :user";
    Ok(conn.prepare_cached(SQL)?.execute(named_params! {":user": account})?)
}

fn existing(conn: &Connection, username: &str) -> Result<Account> {
    let unknown = || Error::new(Code::AuthUnknown, format!("there is no user {username}"));
    Ok(find(conn, username)?.ok_or_else(unknown)?.0)
}

/// The account of this name with its password hash.
pub(in crate::store) fn find(
    conn: &Connection,
    username: &str,
) -> Result<Option<(Account, String)>> {
    const SQL: &str = "
        SELECT id, username, role, password_hash
        FROM users
        WHERE username = :username";
    let mut statement = conn.prepare_cached(SQL)?;
    let found = statement
        .query_row(named_params! {":username": username}, |row| Ok((from_row(row)?, row.get(3)?)));
    Ok(found.optional()?)
}

/// Sets a password and ends every login of the account; answers how many there were.
///
/// # Errors
/// `AUTH-NAME-001` if there is none of this name.
pub(in crate::store) fn set_password(
    conn: &Connection,
    username: &str,
    password_hash: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<usize> {
    const SQL: &str = "
        UPDATE users
        SET password_hash = :hash
        WHERE id = :id";
    let account = existing(conn, username)?;
    let params = named_params! {":hash": password_hash, ":id": account.id};
    conn.prepare_cached(SQL)?.execute(params)?;
    let ended = end_logins(conn, account.id)?;
    audit::record(conn, actor, "set password", username, now)?;
    Ok(ended)
}

/// Stores a new login, and forgets the ones that have ended.
pub(in crate::store) fn login(
    conn: &Connection,
    account: i64,
    id_hash: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO logins (id_hash, user_id, remote, created_at, used_at)
        VALUES (:hash, :user, :remote, :now, :now)";
    const ENDED: &str = "
        DELETE FROM logins
        WHERE used_at <= :idle OR created_at <= :absolute";
    let params = named_params! {":idle": ago(now, IDLE), ":absolute": ago(now, ABSOLUTE)};
    conn.prepare_cached(ENDED)?.execute(params)?;
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":hash": id_hash,
        ":user": account,
        ":remote": actor.remote.as_deref().unwrap_or("-"),
        ":now": now.millis(),
    })?;
    audit::record(conn, actor, "sign in", &actor.name, now)
}

/// The account of this login, and whether [`touch`] should note its use.
pub(in crate::store) fn by_login(
    conn: &Connection,
    id_hash: &str,
    now: Timestamp,
) -> Result<Option<(Login, bool)>> {
    const SQL: &str = "
        SELECT u.id, u.username, u.role, l.created_at, l.used_at <= :stale
        FROM logins l JOIN users u ON u.id = l.user_id
        WHERE l.id_hash = :hash AND l.used_at > :idle AND l.created_at > :absolute";
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {
        ":hash": id_hash,
        ":idle": ago(now, IDLE),
        ":absolute": ago(now, ABSOLUTE),
        ":stale": ago(now, TOUCH_EVERY),
    };
    let found = statement.query_row(params, |row| {
        let began_at = Timestamp::from_millis(row.get(3)?);
        Ok((Login { account: from_row(row)?, began_at }, row.get(4)?))
    });
    Ok(found.optional()?)
}

/// Notes that a login was used.
pub(in crate::store) fn touch(conn: &Connection, id_hash: &str, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE logins
        SET used_at = :now
        WHERE id_hash = :hash";
    conn.prepare_cached(SQL)?.execute(named_params! {":hash": id_hash, ":now": now.millis()})?;
    Ok(())
}

pub(in crate::store) fn logout(
    conn: &Connection,
    id_hash: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        DELETE FROM logins
        WHERE id_hash = :hash";
    conn.prepare_cached(SQL)?.execute(named_params! {":hash": id_hash})?;
    audit::record(conn, actor, "sign out", &actor.name, now)
}

fn ago(now: Timestamp, by: Duration) -> i64 {
    now.millis() - by.as_millis() as i64
}

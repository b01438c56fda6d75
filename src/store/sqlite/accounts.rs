//! Accounts, logins, the one-time set-up code, and who did what with them.

use super::audit;
use super::row::word;
use crate::error::Result;
use crate::model::{Account, Actor, Role, Timestamp};
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

/// Makes the account `admin` if there is no admin yet.
pub(in crate::store) fn create_first_admin(
    conn: &Connection,
    password_hash: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<Option<Account>> {
    const SQL: &str = "
        INSERT INTO users (username, password_hash, role, created_at)
        VALUES ('admin', :hash, 'admin', :now)";
    if has_admin(conn)? {
        return Ok(None);
    }
    conn.execute("DELETE FROM setup_codes", [])?;
    conn.prepare_cached(SQL)?
        .execute(named_params! {":hash": password_hash, ":now": now.millis()})?;
    let id = conn.last_insert_rowid();
    audit::record(conn, actor, "create account", "admin", now)?;
    Ok(Some(Account { id, username: "admin".into(), role: Role::Admin }))
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

/// Sets a password and ends every login of the account. Answers whether the account exists.
pub(in crate::store) fn set_password(
    conn: &Connection,
    username: &str,
    password_hash: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "
        UPDATE users
        SET password_hash = :hash
        WHERE username = :username";
    const LOGINS: &str = "
        DELETE FROM logins
        WHERE user_id = (SELECT id FROM users WHERE username = :username)";
    let params = named_params! {":hash": password_hash, ":username": username};
    if conn.prepare_cached(SQL)?.execute(params)? == 0 {
        return Ok(false);
    }
    conn.prepare_cached(LOGINS)?.execute(named_params! {":username": username})?;
    audit::record(conn, actor, "set password", username, now)?;
    Ok(true)
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

/// Whose login this is, and whether its use should be noted by [`touch`].
pub(in crate::store) fn by_login(
    conn: &Connection,
    id_hash: &str,
    now: Timestamp,
) -> Result<Option<(Account, bool)>> {
    const SQL: &str = "
        SELECT u.id, u.username, u.role, l.used_at <= :stale
        FROM logins l JOIN users u ON u.id = l.user_id
        WHERE l.id_hash = :hash AND l.used_at > :idle AND l.created_at > :absolute";
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {
        ":hash": id_hash,
        ":idle": ago(now, IDLE),
        ":absolute": ago(now, ABSOLUTE),
        ":stale": ago(now, TOUCH_EVERY),
    };
    Ok(statement.query_row(params, |row| Ok((from_row(row)?, row.get(3)?))).optional()?)
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

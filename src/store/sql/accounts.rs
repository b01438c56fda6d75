//! Rows of `users`, `logins` and `setup_codes`.

use crate::error::Result;
use crate::model::{Account, AccountState, Login, Role, Timestamp, Username};
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

/// Whether there is an admin besides this account.
pub(in crate::store) fn has_other_admin(conn: &Connection, account: i64) -> Result<bool> {
    const SQL: &str = "
        SELECT EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND id <> :id)";
    Ok(conn.prepare_cached(SQL)?.query_row(named_params! {":id": account}, |row| row.get(0))?)
}

/// Makes every set-up code worthless.
pub(in crate::store) fn void_setup_codes(conn: &Connection) -> Result<()> {
    const SQL: &str = "
        DELETE FROM setup_codes";
    conn.prepare_cached(SQL)?.execute([])?;
    Ok(())
}

pub(in crate::store) fn insert_setup_code(
    conn: &Connection,
    hash: &str,
    expires_at: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO setup_codes (code_hash, expires_at)
        VALUES (:hash, :expires_at)";
    let params = named_params! {":hash": hash, ":expires_at": expires_at.millis()};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
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

/// Makes the account `admin` an admin with this password, whether it is there or not.
pub(in crate::store) fn put_first_admin(
    conn: &Connection,
    password_hash: &str,
    now: Timestamp,
) -> Result<Account> {
    const SQL: &str = "
        INSERT INTO users (username, password_hash, role, created_at)
        VALUES ('admin', :hash, 'admin', :now)
        ON CONFLICT (username) DO UPDATE SET password_hash = excluded.password_hash, role = 'admin'
        RETURNING id, username, role";
    let params = named_params! {":hash": password_hash, ":now": now.millis()};
    Ok(conn.prepare_cached(SQL)?.query_row(params, from_row)?)
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

/// Stores an account; answers whether its name was free.
pub(in crate::store) fn insert(
    conn: &Connection,
    username: &Username,
    role: Role,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool> {
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
    Ok(added == 1)
}

pub(in crate::store) fn set_role(conn: &Connection, account: i64, role: Role) -> Result<()> {
    const SQL: &str = "
        UPDATE users
        SET role = :role
        WHERE id = :id";
    let params = named_params! {":role": role.as_str(), ":id": account};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}

pub(in crate::store) fn delete(conn: &Connection, account: i64) -> Result<()> {
    const SQL: &str = "
        DELETE FROM users
        WHERE id = :id";
    conn.prepare_cached(SQL)?.execute(named_params! {":id": account})?;
    Ok(())
}

pub(in crate::store) fn set_password(
    conn: &Connection,
    account: i64,
    password_hash: &str,
) -> Result<()> {
    const SQL: &str = "
        UPDATE users
        SET password_hash = :hash
        WHERE id = :id";
    let params = named_params! {":hash": password_hash, ":id": account};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
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

/// Stores a login of an account under the hash of its id.
pub(in crate::store) fn insert_login(
    conn: &Connection,
    account: i64,
    id_hash: &str,
    remote: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO logins (id_hash, user_id, remote, created_at, used_at)
        VALUES (:hash, :user, :remote, :now, :now)";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":hash": id_hash,
        ":user": account,
        ":remote": remote.unwrap_or("-"),
        ":now": now.millis(),
    })?;
    Ok(())
}

pub(in crate::store) fn delete_login(conn: &Connection, id_hash: &str) -> Result<()> {
    const SQL: &str = "
        DELETE FROM logins
        WHERE id_hash = :hash";
    conn.prepare_cached(SQL)?.execute(named_params! {":hash": id_hash})?;
    Ok(())
}

/// Ends the logins of an account; answers how many there were.
pub(in crate::store) fn end_logins(conn: &Connection, account: i64) -> Result<usize> {
    const SQL: &str = "
        DELETE FROM logins
        WHERE user_id = :user";
    Ok(conn.prepare_cached(SQL)?.execute(named_params! {":user": account})?)
}

/// Removes the logins whose time is over.
pub(in crate::store) fn forget_ended_logins(conn: &Connection, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        DELETE FROM logins
        WHERE used_at <= :idle OR created_at <= :absolute";
    let params = named_params! {":idle": ago(now, IDLE), ":absolute": ago(now, ABSOLUTE)};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
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

fn ago(now: Timestamp, by: Duration) -> i64 {
    now.millis() - by.as_millis() as i64
}

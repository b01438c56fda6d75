//! Rows of `users` and `setup_codes`.

use crate::error::Result;
use crate::model::{Account, AccountState, Role, Timestamp, Username};
use crate::store::sqlite::row::{instant, word};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Account> {
    let disabled_at = instant(row, 3)?;
    let (id, username, passwords) = (row.get(0)?, row.get(1)?, row.get(4)?);
    Ok(Account { id, username, role: word(row, 2)?, disabled_at, passwords })
}

pub(in crate::store) fn has_admin(conn: &Connection) -> Result<bool> {
    const SQL: &str = "
        SELECT EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND disabled_at IS NULL)";
    Ok(conn.prepare_cached(SQL)?.query_row([], |row| row.get(0))?)
}

/// Whether somebody besides this account can sign in as an admin.
pub(in crate::store) fn has_other_admin(conn: &Connection, account: i64) -> Result<bool> {
    const SQL: &str = "
        SELECT EXISTS (
          SELECT 1 FROM users WHERE role = 'admin' AND disabled_at IS NULL AND id <> :id)";
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
        ON CONFLICT (username)
        DO UPDATE SET password_hash = excluded.password_hash, passwords = passwords + 1,
          role = 'admin', disabled_at = NULL
        RETURNING id, username, role, disabled_at, passwords";
    let params = named_params! {":hash": password_hash, ":now": now.millis()};
    Ok(conn.prepare_cached(SQL)?.query_row(params, from_row)?)
}

/// The accounts, by name, each with the logins that were used and began after these instants.
pub(in crate::store) fn list(
    conn: &Connection,
    limit: usize,
    live: (i64, i64),
) -> Result<Vec<AccountState>> {
    const SQL: &str = "
        SELECT u.id, u.username, u.role, u.disabled_at, u.passwords, u.created_at, count(l.id),
          max(l.used_at), u.signed_in_at
        FROM users u
        LEFT JOIN logins l ON l.user_id = u.id AND l.used_at > :idle AND l.created_at > :absolute
        GROUP BY u.id
        ORDER BY u.username
        LIMIT :limit";
    let mut statement = conn.prepare_cached(SQL)?;
    let (idle, absolute) = live;
    let params = named_params! {":idle": idle, ":absolute": absolute, ":limit": limit as i64};
    let rows = statement.query_map(params, |row| {
        Ok(AccountState {
            account: from_row(row)?,
            created_at: Timestamp::from_millis(row.get(5)?),
            logins: row.get::<_, i64>(6)? as u64,
            seen_at: instant(row, 7)?,
            signed_in_at: instant(row, 8)?,
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

/// Disables an account, or enables it with `None`.
pub(in crate::store) fn set_disabled(
    conn: &Connection,
    account: i64,
    at: Option<Timestamp>,
) -> Result<()> {
    const SQL: &str = "
        UPDATE users
        SET disabled_at = :at
        WHERE id = :id";
    let params = named_params! {":at": at.map(Timestamp::millis), ":id": account};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}

/// Notes that somebody signed in to an account.
pub(in crate::store) fn signed_in(conn: &Connection, account: i64, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE users
        SET signed_in_at = :now
        WHERE id = :id";
    conn.prepare_cached(SQL)?.execute(named_params! {":now": now.millis(), ":id": account})?;
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
        SET password_hash = :hash, passwords = passwords + 1
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
        SELECT id, username, role, disabled_at, passwords, password_hash
        FROM users
        WHERE username = :username";
    let mut statement = conn.prepare_cached(SQL)?;
    let found = statement
        .query_row(named_params! {":username": username}, |row| Ok((from_row(row)?, row.get(5)?)));
    Ok(found.optional()?)
}

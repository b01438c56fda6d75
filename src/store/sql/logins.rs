//! Rows of `logins`: the browsers that are signed in.

use super::accounts;
use crate::error::Result;
use crate::model::{Account, Login, LoginState, Timestamp, WhichLogins};
use rusqlite::{Connection, OptionalExtension, named_params};
use std::time::Duration;

/// A login ends this long after its last use.
const IDLE: Duration = Duration::from_mins(30);
/// A login ends this long after it began, used or not.
const ABSOLUTE: Duration = Duration::from_hours(12);
/// How fresh `used_at` is kept: a write per request would make every page view a commit.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

/// The instants after which a login must have been used, and begun, to live now.
pub(in crate::store) fn lives_after(now: Timestamp) -> (i64, i64) {
    (ago(now, IDLE), ago(now, ABSOLUTE))
}

/// Stores a login of an account under the hash of its id. Answers whether the account is there, is not disabled, and has the
/// password that it had when it was read.
pub(in crate::store) fn insert(
    conn: &Connection,
    account: &Account,
    id_hash: &str,
    (remote, browser): (Option<&str>, &str),
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "
        INSERT INTO logins (id_hash, user_id, remote, browser, created_at, used_at)
        SELECT :hash, id, :remote, :browser, :now, :now
        FROM users
        WHERE id = :user AND disabled_at IS NULL AND passwords = :passwords";
    let stored = conn.prepare_cached(SQL)?.execute(named_params! {
        ":hash": id_hash,
        ":user": account.id,
        ":passwords": account.passwords,
        ":remote": remote.unwrap_or("-"),
        ":browser": browser,
        ":now": now.millis(),
    })?;
    Ok(stored == 1)
}

/// Ends the login with this hash; answers whether there was one.
pub(in crate::store) fn delete(conn: &Connection, id_hash: &str) -> Result<bool> {
    const SQL: &str = "
        DELETE FROM logins
        WHERE id_hash = :hash";
    Ok(conn.prepare_cached(SQL)?.execute(named_params! {":hash": id_hash})? == 1)
}

/// Ends these logins of an account; answers how many there were.
pub(in crate::store) fn end(conn: &Connection, account: i64, which: WhichLogins) -> Result<usize> {
    const SQL: &str = "
        DELETE FROM logins
        WHERE user_id = :user AND (:only IS NULL OR id = :only) AND (:but IS NULL OR id <> :but)";
    let (only, but) = match which {
        WhichLogins::One(id) => (Some(id), None),
        WhichLogins::Others(id) => (None, Some(id)),
        WhichLogins::All => (None, None),
    };
    let params = named_params! {":user": account, ":only": only, ":but": but};
    Ok(conn.prepare_cached(SQL)?.execute(params)?)
}

/// The logins of an account that have not ended, the one that was used last first.
pub(in crate::store) fn of_account(
    conn: &Connection,
    account: i64,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<LoginState>> {
    const SQL: &str = "
        SELECT id, created_at, used_at, remote, browser
        FROM logins
        WHERE user_id = :user AND used_at > :idle AND created_at > :absolute
        ORDER BY used_at DESC, id DESC
        LIMIT :limit";
    let (idle, absolute) = lives_after(now);
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {
        ":user": account, ":idle": idle, ":absolute": absolute, ":limit": limit as i64,
    };
    let rows = statement.query_map(params, |row| {
        Ok(LoginState {
            id: row.get(0)?,
            began_at: Timestamp::from_millis(row.get(1)?),
            used_at: Timestamp::from_millis(row.get(2)?),
            remote: row.get(3)?,
            browser: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Removes the logins whose time is over.
pub(in crate::store) fn forget_ended(conn: &Connection, now: Timestamp) -> Result<()> {
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
        SELECT u.id, u.username, u.role, u.disabled_at, u.passwords, l.created_at, l.used_at <= :stale, l.id
        FROM logins l JOIN users u ON u.id = l.user_id
        WHERE l.id_hash = :hash AND l.used_at > :idle AND l.created_at > :absolute
          AND u.disabled_at IS NULL";
    let mut statement = conn.prepare_cached(SQL)?;
    let params = named_params! {
        ":hash": id_hash,
        ":idle": ago(now, IDLE),
        ":absolute": ago(now, ABSOLUTE),
        ":stale": ago(now, TOUCH_EVERY),
    };
    let found = statement.query_row(params, |row| {
        let began_at = Timestamp::from_millis(row.get(5)?);
        Ok((Login { id: row.get(7)?, account: accounts::from_row(row)?, began_at }, row.get(6)?))
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

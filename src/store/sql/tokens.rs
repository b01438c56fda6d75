//! Rows of `tokens`: what programs show instead of a password.

use super::accounts;
use crate::error::Result;
use crate::model::{Kind, NewToken, Power, Queue, Timestamp, Token};
use crate::store::sqlite::row::{instant, parsed, text};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use std::time::Duration;

/// How fresh `used_at` is kept: a write per request would make every look a commit.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

/// What [`from_row`] reads.
const COLUMNS: &str = "
    u.id, u.username, u.role, u.disabled_at, u.passwords, t.id, t.name, t.scopes, t.kinds, t.queues, t.created_at,
    t.renewed_at, t.expires_at, t.used_at, t.old_until";
/// The tokens with their owners.
const FROM: &str = "FROM tokens t JOIN users u ON u.id = t.user_id";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Token> {
    let scopes = parsed(row, 7, |words| split(words, |word| word.parse().ok()))?;
    let power = Power {
        scopes: scopes.unwrap_or_default(),
        kinds: parsed(row, 8, |words| split(words, |word| Kind::parse(word).ok()))?,
        queues: parsed(row, 9, |words| split(words, |word| Queue::parse(word).ok()))?,
    };
    Ok(Token {
        owner: accounts::from_row(row)?,
        id: text(row, 5)?,
        name: text(row, 6)?,
        power,
        created_at: Timestamp::from_millis(row.get(10)?),
        renewed_at: Timestamp::from_millis(row.get(11)?),
        expires_at: instant(row, 12)?,
        used_at: instant(row, 13)?,
        old_until: instant(row, 14)?,
    })
}

/// Stores a token of the account; answers whether its name was free.
pub(in crate::store) fn insert(
    conn: &Connection,
    account: i64,
    new: &NewToken,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "
        INSERT INTO tokens (id, user_id, name, hash, scopes, kinds, queues, created_at, renewed_at, expires_at)
        VALUES (:id, :user, :name, :hash, :scopes, :kinds, :queues, :now, :now, :expires_at)
        ON CONFLICT (user_id, name) DO NOTHING";
    let Power { scopes, kinds, queues } = &new.power;
    let stored = conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": new.id,
        ":user": account,
        ":name": new.name,
        ":hash": new.hash,
        ":scopes": joined(scopes),
        ":kinds": kinds.as_ref().map(|kinds| joined(kinds)),
        ":queues": queues.as_ref().map(|queues| joined(queues)),
        ":now": now.millis(),
        ":expires_at": new.expires_at.map(Timestamp::millis),
    })?;
    Ok(stored == 1)
}

/// How many tokens the account has.
pub(in crate::store) fn count(conn: &Connection, account: i64) -> Result<u64> {
    const SQL: &str = "
        SELECT count(*) FROM tokens WHERE user_id = :user";
    let count = conn
        .prepare_cached(SQL)?
        .query_row(named_params! {":user": account}, |row| row.get::<_, i64>(0))?;
    Ok(count.max(0) as u64)
}

/// The tokens of this account, or all of them, by owner and name.
pub(in crate::store) fn list(
    conn: &Connection,
    owner: Option<&str>,
    limit: usize,
) -> Result<Vec<Token>> {
    let sql = format!(
        "SELECT {COLUMNS} {FROM}
         WHERE :owner IS NULL OR u.username = :owner
         ORDER BY u.username, t.name
         LIMIT :limit"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {":owner": owner, ":limit": limit as i64};
    let rows = statement.query_map(params, from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The token that people name so.
pub(in crate::store) fn find(conn: &Connection, id: &str) -> Result<Option<Token>> {
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE t.id = :id");
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row(named_params! {":id": id}, from_row).optional()?)
}

/// The token whose text has this hash, by an index and so in a time that says nothing of the text; and whether [`touch`]
/// should note its use. A text of before a rotation counts until its time is over.
pub(in crate::store) fn by_hash(
    conn: &Connection,
    hash: &str,
    now: Timestamp,
) -> Result<Option<(Token, bool)>> {
    let sql = format!(
        "SELECT {COLUMNS}, t.used_at IS NULL OR t.used_at <= :stale OR t.used_at > :now
         {FROM}
         WHERE t.hash = :hash OR (t.old_hash = :hash AND t.old_until > :now)"
    );
    let stale = now.millis() - TOUCH_EVERY.as_millis() as i64;
    let params = named_params! {":hash": hash, ":now": now.millis(), ":stale": stale};
    let mut statement = conn.prepare_cached(&sql)?;
    let found = statement.query_row(params, |row| Ok((from_row(row)?, row.get(15)?)));
    Ok(found.optional()?)
}

/// Notes that a token was used.
pub(in crate::store) fn touch(conn: &Connection, id: &str, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE tokens
        SET used_at = :now
        WHERE id = :id";
    conn.prepare_cached(SQL)?.execute(named_params! {":id": id, ":now": now.millis()})?;
    Ok(())
}

/// Gives a token the text with this hash and another end. The text that it had counts until `old_until`.
pub(in crate::store) fn rotate(
    conn: &Connection,
    id: &str,
    hash: &str,
    (old_until, expires_at): (Timestamp, Option<Timestamp>),
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE tokens
        SET old_hash = hash, old_until = :old_until, hash = :hash, renewed_at = :now, expires_at = :expires_at
        WHERE id = :id";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": id,
        ":hash": hash,
        ":old_until": old_until.millis(),
        ":expires_at": expires_at.map(Timestamp::millis),
        ":now": now.millis(),
    })?;
    Ok(())
}

pub(in crate::store) fn delete(conn: &Connection, id: &str) -> Result<()> {
    const SQL: &str = "
        DELETE FROM tokens
        WHERE id = :id";
    conn.prepare_cached(SQL)?.execute(named_params! {":id": id})?;
    Ok(())
}

/// Words with commas between them.
fn joined<T: ToString>(words: &[T]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn split<T>(words: &str, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    words.split(',').map(read).collect()
}

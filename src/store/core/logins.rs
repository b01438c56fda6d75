//! How a login begins and ends, and what the audit log keeps of it.

use super::accounts;
use crate::error::{Code, Error, Result};
use crate::model::{Account, Actor, Timestamp, WhichLogins};
use crate::store::sql::{accounts as rows, audit, logins};
use crate::store::sqlite::Tx;

/// A browser that is to be signed in.
pub(in crate::store) struct NewLogin<'a> {
    /// The account, as it was when its password was checked.
    pub(in crate::store) account: &'a Account,
    /// The hash of what its cookie holds.
    pub(in crate::store) id_hash: &'a str,
    /// The browser, as it calls itself, in a few words.
    pub(in crate::store) browser: &'a str,
}

/// Stores a new login, and forgets the ones that have ended.
///
/// # Errors
/// `AUTH-LOGIN-002` if the account was disabled or removed, or has got another password, since its password was checked.
pub(in crate::store) fn begin(
    tx: &Tx<'_>,
    new: &NewLogin<'_>,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    insert(tx, new, actor, now)?;
    audit::record_change(tx, actor, "sign in", &actor.name, (None, Some(new.browser)), now)
}

/// Puts a new login in the place of one whose person gave the password again.
///
/// # Errors
/// As [`begin`], and if the old one has ended meanwhile.
pub(in crate::store) fn renew(
    tx: &Tx<'_>,
    old: &str,
    new: &NewLogin<'_>,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    if !logins::delete(tx, old)? {
        return Err(Error::new(Code::AuthFailed, "the login has ended meanwhile"));
    }
    insert(tx, new, actor, now)?;
    audit::record(tx, actor, "give password again", &actor.name, now)
}

fn insert(tx: &Tx<'_>, new: &NewLogin<'_>, actor: &Actor, now: Timestamp) -> Result<()> {
    logins::forget_ended(tx, now)?;
    let from = (actor.remote.as_deref(), new.browser);
    if !logins::insert(tx, new.account, new.id_hash, from, now)? {
        return Err(Error::new(Code::AuthFailed, "the account cannot sign in any more"));
    }
    rows::signed_in(tx, new.account.id, now)
}

/// Ends the login of the one who asks.
pub(in crate::store) fn log_out(
    tx: &Tx<'_>,
    id_hash: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    if logins::delete(tx, id_hash)? {
        audit::record(tx, actor, "sign out", &actor.name, now)?;
    }
    Ok(())
}

/// Ends these logins of an account; answers how many there were.
///
/// # Errors
/// `AUTH-NAME-001` if there is no account of this name; `AUTH-NAME-003` if it has no login of the number.
pub(in crate::store) fn end(
    tx: &Tx<'_>,
    username: &str,
    which: WhichLogins,
    actor: &Actor,
    now: Timestamp,
) -> Result<usize> {
    let account = accounts::existing(tx, username)?;
    logins::forget_ended(tx, now)?;
    let ended = logins::end(tx, account.id, which)?;
    let what = match which {
        WhichLogins::One(id) if ended == 0 => {
            let why = format!("{username} is not signed in by a login {id}");
            return Err(Error::new(Code::AuthLoginUnknown, why));
        }
        WhichLogins::One(id) => format!("login {id}"),
        WhichLogins::Others(_) | WhichLogins::All if ended == 1 => "1 login".to_owned(),
        WhichLogins::Others(_) | WhichLogins::All => format!("{ended} logins"),
    };
    if ended > 0 {
        audit::record_change(tx, actor, "end logins", username, (Some(&what), None), now)?;
    }
    Ok(ended)
}

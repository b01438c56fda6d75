//! What waits for a person may be put off for some time.

use crate::error::{Code, Error, Result};
use crate::model::{Actor, Timestamp};
use crate::store::sql::{audit, needs};
use crate::store::sqlite::Tx;

/// The most that is put off at a time: more than anybody reads.
const MOST: usize = 200;

/// Puts off what has this key until then, for everybody; `None`: it is told again at once. Answers whether that changed
/// anything.
///
/// # Errors
/// `JOB-VALUE-001` if 200 others are put off.
pub(in crate::store) fn put_off(
    tx: &Tx<'_>,
    key: &str,
    until: Option<Timestamp>,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool> {
    let mut all = needs::put_off(tx, now)?;
    let before = match until {
        Some(until) => all.insert(key.to_owned(), until),
        None => all.remove(key),
    };
    if before == until {
        return Ok(false);
    }
    if all.len() > MOST {
        let doing = format!("put off {key}: {MOST} others are put off already");
        return Err(Error::new(Code::ModelInvalid, doing));
    }
    needs::set_put_off(tx, &all, actor, now)?;
    let words = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let (before, after) = (words(before), words(until));
    let change = (before.as_deref(), after.as_deref());
    audit::record_change(tx, actor, "put off", key, change, now)?;
    Ok(true)
}

//! The queries that people keep under a name.

use crate::error::{Code, Error, Result};
use crate::model::{Actor, ListPage, SavedView, Timestamp};
use crate::store::sql::{audit, views};
use crate::store::sqlite::Tx;

/// Keeps a query for a person, in place of the one that had the name.
///
/// # Errors
/// `JOB-VALUE-001` for more than 20 views of one list.
pub(in crate::store) fn save(
    tx: &Tx<'_>,
    owner: &str,
    (page, name, query): (ListPage, &str, &str),
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let all = views::of(tx, owner, page)?;
    let before = all.iter().find(|view| view.name == name);
    if before.is_none() && all.len() >= SavedView::MOST {
        let most = SavedView::MOST;
        let why = format!("save the view {name}: {most} are kept of a list; remove one first");
        return Err(Error::new(Code::ModelInvalid, why));
    }
    views::save(tx, owner, (page, name, query), now)?;
    let change = (before.map(|view| view.query.as_str()), Some(query));
    audit::record_change(tx, actor, "save view", &subject(page, name), change, now)
}

/// Removes a view of a person; answers what it was, if there was one.
pub(in crate::store) fn remove(
    tx: &Tx<'_>,
    owner: &str,
    id: i64,
    actor: &Actor,
    now: Timestamp,
) -> Result<Option<SavedView>> {
    let Some(view) = views::remove(tx, owner, id)? else { return Ok(None) };
    let change = (Some(view.query.as_str()), None);
    let subject = subject(view.page, &view.name);
    audit::record_change(tx, actor, "remove view", &subject, change, now)?;
    Ok(Some(view))
}

fn subject(page: ListPage, name: &str) -> String {
    format!("{page}: {name}")
}

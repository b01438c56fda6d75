//! Actions on saved views: everybody keeps queries of the lists under names of their own.

use super::{Answer, Call};
use crate::error::{Code, Error, Result};
use crate::model::{Filter, ListPage, SavedView};
use crate::store::Store;
use crate::wire;

/// A query that is to be kept.
#[derive(Clone, Debug)]
pub struct ViewSave {
    /// The list that it is of.
    pub page: ListPage,
    /// The name to keep it under.
    pub name: String,
    /// The query, in the language of [`Filter`].
    pub query: String,
}

/// The list of this name.
///
/// # Errors
/// `JOB-VALUE-001` for a list whose queries are not kept.
pub fn page(name: &str) -> Result<ListPage> {
    let refuse = |()| Error::new(Code::ModelInvalid, format!("save a view of the list {name:?}"));
    name.parse().map_err(refuse)
}

/// The views of a list that the caller keeps, by name.
///
/// # Errors
/// Those of reading the database.
pub async fn list(store: &Store, owner: &str, page: ListPage) -> Result<Vec<SavedView>> {
    store.views(owner.to_owned(), page).await
}

/// Keeps a query under a name, in place of the one that had the name.
///
/// # Errors
/// `JOB-VALUE-001` for a name that is empty or longer than 60 characters, for an empty query, and for more than 20 views of one
/// list; `JOB-QUERY-001` for a query that cannot be read.
pub async fn save(store: &Store, call: &Call, view: ViewSave) -> Result<Answer<wire::SavedView>> {
    let ViewSave { page, name, query } = view;
    let name = SavedView::name(&name)?;
    let query = query.trim().to_owned();
    if Filter::parse(&query)?.is_empty() {
        let why = "save a view: its query is empty, and the list without one is a click away";
        return Err(Error::new(Code::ModelInvalid, why));
    }
    let told = wire::SavedView { page: page.as_str(), name: name.clone(), query: query.clone() };
    let owner = call.who.name.clone();
    store.save_view(owner, (page, name, query), call.actor(), call.now).await?;
    let sentence = format!("The view {} is saved.", told.name);
    Ok(Answer::new(told, sentence))
}

/// Removes a view of the caller. One that is not there is removed already.
///
/// # Errors
/// Those of writing the database.
pub async fn remove(
    store: &Store,
    call: &Call,
    id: i64,
) -> Result<Answer<Option<wire::SavedView>>> {
    let owner = call.who.name.clone();
    let removed = store.remove_view(owner, id, call.actor(), call.now).await?;
    let told = removed.as_ref().map(wire::SavedView::from);
    Ok(Answer::new(told, "The view is removed.".to_owned()))
}

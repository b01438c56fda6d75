//! Saved views as programs are told them.

use crate::model;
use serde::Serialize;

/// A query that a person keeps under a name.
#[derive(Clone, Debug, Serialize)]
pub struct SavedView {
    /// The list that it is of.
    pub page: &'static str,
    /// Its name.
    pub name: String,
    /// The query.
    pub query: String,
}

impl From<&model::SavedView> for SavedView {
    fn from(view: &model::SavedView) -> Self {
        Self { page: view.page.as_str(), name: view.name.clone(), query: view.query.clone() }
    }
}

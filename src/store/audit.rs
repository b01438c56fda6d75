//! The audit log.

use super::Store;
use super::sql;
use crate::error::Result;
use crate::model::Deed;

impl Store {
    /// The newest rows of the audit log, newest first.
    pub async fn deeds(&self, limit: usize) -> Result<Vec<Deed>> {
        self.db.read("read the audit log", move |c| sql::audit::newest(c, limit)).await
    }
}

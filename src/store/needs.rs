//! What waits for a person, as far as the database says it.

use super::Store;
use super::core;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::files;
use crate::model::{Actor, ScheduleName, Timestamp};
use std::collections::BTreeMap;

impl Store {
    /// The schedules that are not paused and whose last `times` runs that ended have all failed, each with the newest error.
    pub async fn failing_schedules(
        &self,
        times: usize,
    ) -> Result<Vec<(ScheduleName, Option<String>)>> {
        let failing = move |c: &_| sql::needs::failing(c, times);
        self.db.read("look for schedules that fail", failing).await
    }

    /// Bytes that are free for this process on the disk of the database; `None` where the system does not say it.
    pub fn free_disk(&self) -> Option<u64> {
        files::free_bytes(self.db.path().parent()?)
    }

    /// What people have put off, by its key, each with the instant until which it is.
    pub async fn put_off_needs(&self, now: Timestamp) -> Result<BTreeMap<String, Timestamp>> {
        self.db.read("read what is put off", move |c| sql::needs::put_off(c, now)).await
    }

    /// Puts off what has this key until then, for everybody; `None`: it is told again at once. Answers whether that changed
    /// anything.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if 200 others are put off.
    pub async fn put_off_need(
        &self,
        key: String,
        until: Option<Timestamp>,
        actor: Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let put_off = move |tx: &Tx<'_>, now| core::needs::put_off(tx, &key, until, &actor, now);
        self.db.rule("put something off", now, put_off).await
    }
}

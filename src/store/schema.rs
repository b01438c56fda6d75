//! The tables as components, each a name and its migrations, which an application's own migration tool may run as well.
//!
//! [`Store::open_in`](super::Store::open_in) runs them by itself. An application whose tables are all made by one tool gives
//! that tool the texts of [`engine`] instead and opens with [`OpenMode::Check`](super::OpenMode::Check):
//! ```
//! use lamplighter::store::transactional::rusqlite::Connection;
//! use lamplighter::store::{OpenMode, Store, schema};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("shop.db");
//! let mut conn = Connection::open(&path)?;
//! conn.pragma_update(None, "journal_mode", "WAL")?;
//! for migration in schema::engine() {
//!     let tx = conn.transaction()?;
//!     tx.execute_batch(&migration.sql)?;
//!     tx.commit()?;
//! }
//! let store = Store::open_in(&path, OpenMode::Check)?;
//! # drop(store);
//! # Ok(())
//! # }
//! ```

use super::sqlite::ledger::Component;

/// The jobs and what the engine keeps about them.
pub(super) static ENGINE: Component = Component {
    name: "engine",
    migrations: &[
        include_str!("../../migrations/sqlite/engine.sql"),
        include_str!("../../migrations/sqlite/engine_2.sql"),
    ],
};

/// People, sessions, repositories, scans and issues. Needs [`ENGINE`].
#[cfg(any(feature = "agents", feature = "web"))]
pub(super) static PROGRAM: Component = Component {
    name: "program",
    migrations: &[include_str!("../../migrations/sqlite/program.sql")],
};

/// The log store.
#[cfg(feature = "monitor")]
pub(super) static LOGS: Component =
    Component { name: "logs", migrations: &[include_str!("../../migrations/sqlite/logs.sql")] };

/// Every component, for tests of what goes for all of them.
#[cfg(test)]
pub(super) const ALL: &[&Component] = &[
    &ENGINE,
    #[cfg(any(feature = "agents", feature = "web"))]
    &PROGRAM,
    #[cfg(feature = "monitor")]
    &LOGS,
];

/// One step of a component, to be run whole, in a transaction, after those with a smaller version.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migration {
    /// The version that it leads to, from 1 on without a gap.
    pub version: u32,
    /// Statements for SQLite 3.40 or newer. The last one records the step in `job_schema`.
    pub sql: String,
}

/// The migrations of the engine's tables, in their order. A migration never changes once it is released.
pub fn engine() -> Vec<Migration> {
    let versions = 1..=ENGINE.version();
    versions.map(|version| Migration { version, sql: ENGINE.step(version) }).collect()
}

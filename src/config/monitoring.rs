//! `[monitoring]`: the log that scans read, where it is another program's.

use crate::error::{Code, Error, Result};
use crate::model::{Level, LogColumn, LogTable};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

/// The section as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "the keys as they are written")]
pub(super) struct MonitoringFile {
    log_db: Option<PathBuf>,
    log_table: Option<String>,
    log_columns: BTreeMap<String, String>,
    log_levels: BTreeMap<String, String>,
}

impl MonitoringFile {
    /// The table that is named; `None`: scans read the log database of the server.
    ///
    /// # Errors
    /// `CONFIG-VALUE-001` with the key, and what is allowed.
    pub(super) fn load(self, env: impl Fn(&str) -> Option<String>) -> Result<Option<LogTable>> {
        let Self { log_db, log_table, log_columns, log_levels } = self;
        let path = env("LAMPLIGHTER_MONITORING_LOG_DB").map(PathBuf::from).or(log_db);
        let Some(path) = path.filter(|path| !path.as_os_str().is_empty()) else {
            let is_empty = log_table.is_none() && log_columns.is_empty() && log_levels.is_empty();
            let no_file = || {
                refused(
                    "log_db",
                    "it names the file that log_table, log_columns and log_levels are about",
                )
            };
            return if is_empty { Ok(None) } else { Err(no_file()) };
        };
        if !path.is_absolute() {
            let why = format!("{} is not an absolute path", path.display());
            return Err(refused("log_db", why));
        }
        let (mut columns, mut id) = (BTreeMap::new(), None);
        for (column, name) in log_columns {
            if column == "id" {
                id = Some(name);
                continue;
            }
            let known = LogColumn::from_str(&column).map_err(|()| {
                let names: Vec<_> = LogColumn::ALL.iter().map(|column| column.as_str()).collect();
                let why = format!("{column:?} is none of id, {}", names.join(", "));
                refused("log_columns", why)
            })?;
            columns.insert(known, name);
        }
        let mut levels = BTreeMap::new();
        for (word, level) in log_levels {
            let known = Level::from_str(&level).map_err(|()| {
                let why = format!("{level:?} is none of debug, info, warning, error, critical");
                refused("log_levels", why)
            })?;
            levels.insert(word, known);
        }
        let table = log_table.unwrap_or_else(|| "logs".to_owned());
        Ok(Some(LogTable { path, table, id, columns, levels }))
    }
}

fn refused(key: &str, why: impl Display) -> Error {
    Error::new(Code::ConfigInvalid, format!("read monitoring.{key}: {why}"))
}

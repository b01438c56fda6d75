//! The part of a log that one scan examines, and what an analyzer made of it.

use super::reply::Rejected;
use crate::error::{Code, Result};
use crate::model::{Finding, NewLogRow, SeenTemplate};
use crate::store::{ScannedLog, Store};
use crate::warn_coded;

/// Rows of warning or worse that one scan examines; a follow-up scan takes what is left.
pub(super) const MAX_ROWS: u64 = 50_000;

/// The part of a log that a scan is about: the rows above its watermark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The watermark.
    pub after: i64,
    /// The newest row there is.
    pub newest: i64,
}

impl Window {
    /// The log under the name by which it is known, and its new rows. A log that has become shorter is read from its start.
    pub async fn of(store: &Store, logs: impl Into<ScannedLog>) -> Result<(ScannedLog, Self)> {
        let (logs, watermark) = logs.into().placed(store).await?;
        let newest = logs.last_id().await?;
        if newest < watermark {
            warn_coded!(
                Code::ScanWatermark,
                "the newest log row is {newest}, but an earlier scan examined rows up to {watermark}: this scan reads the log from its start"
            );
            return Ok((logs, Self { after: 0, newest }));
        }
        Ok((logs, Self { after: watermark, newest }))
    }
}

/// What an analyzer made of a window.
#[derive(Clone, Debug, Default)]
pub(super) struct Examined {
    pub(super) analyzer: &'static str,
    /// Why the built-in analyzer took the agent's place, if it did.
    pub(super) fallback: Option<String>,
    /// The model of the agent and what its run cost, also of a run in whose place the built-in analyzer came.
    pub(super) model: Option<String>,
    pub(super) cost_usd: Option<f64>,
    pub(super) findings: Vec<Finding>,
    /// A row of each template that each finding of an agent shows, the most frequent first.
    pub(super) shown: Vec<Vec<NewLogRow>>,
    /// The templates of the rows.
    pub(super) templates: Vec<SeenTemplate>,
    /// What an agent proposed besides.
    pub(super) rejected: Rejected,
    pub(super) rows: u64,
    /// The new watermark.
    pub(super) end: i64,
    /// Whether rows remain for a further scan.
    pub(super) follow_up: bool,
}

//! Looking for sessions by a query: its words are looked for in prompts and answers.

use crate::error::{Code, Error, Result};
use crate::model::{Filter, Found, Session, Timestamp};
use crate::store::Store;

/// Which sessions a person asks for.
#[derive(Clone, Debug, Default)]
pub struct SessionsAsk {
    /// The query, in the language of [`Filter`]; empty: every session.
    pub query: String,
    /// The cursor: only sessions with an id below this one.
    pub before: Option<i64>,
    /// At most this many.
    pub rows: usize,
}

/// The newest sessions that fit a query, of the newest 10,000 below the cursor. A session has no index of its words: the
/// answer says how many sessions were looked through, and where the next search goes on.
///
/// # Errors
/// `JOB-QUERY-001` for a query that cannot be read, with the column; `JOB-VALUE-001` for a cursor that is not above 0.
pub async fn find(store: &Store, ask: SessionsAsk, now: Timestamp) -> Result<Found<Session>> {
    let filter = Filter::parse(&ask.query)?;
    if let Some(before @ ..=0) = ask.before {
        let why = format!("list sessions before {before}: the cursor is an id above 0");
        return Err(Error::new(Code::ModelInvalid, why));
    }
    store.find_sessions(filter, ask.before, ask.rows, now).await
}

//! `lamplighter supervise`: a supervisor, which the server starts for each run. Hidden: people have no use for it.

use crate::agents;
use crate::error::Result;

pub(super) async fn run() -> Result<()> {
    agents::supervise().await
}

//! A log that a test has read as the server reads one that it follows.

use lamplighter::logs::LogFile;
use lamplighter::model::Timestamp;
use std::time::Duration;

/// Reads until nothing comes at once.
pub async fn look(log: &mut LogFile, now: Timestamp) {
    while log.run_once(now).await.unwrap() {}
}

/// Reads, also what is only taken as whole after a while, which goes by meanwhile.
pub async fn settle(log: &mut LogFile, now: &mut Timestamp) {
    for _ in 0..4 {
        look(log, *now).await;
        *now = now.plus(Duration::from_secs(2));
    }
}

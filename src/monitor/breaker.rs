//! The breaker: after scans that an agent was paid for in vain, no agent is asked for a while.

use super::analyzer::was_kept_from_it;
use crate::engine::Context;
use crate::error::Result;
use crate::model::{Filter, Kind, Status, Timestamp, Trigger};
use crate::sessions::Agents;
use std::time::Duration;

/// So many scans in a row were paid for in vain.
const BAD_IN_A_ROW: usize = 3;
/// How long no agent is asked after the last of them.
const REST: Duration = Duration::from_hours(6);
/// Scans that are looked at. Those that asked no agent say nothing.
const MAX_LOOKED_AT: usize = 50;

/// Until when this scan should ask no agent, if so. A person who asks for a scan is not refused.
pub(super) async fn rests_until(agents: &Agents, context: &Context) -> Result<Option<Timestamp>> {
    if context.job.trigger == Trigger::Manual {
        return Ok(None);
    }
    let now = context.clock.now();
    let scans = Filter::default().kind(Kind::SELF_MONITORING);
    let scans = agents.store.find_jobs(scans, None, MAX_LOOKED_AT, now).await?.rows;
    let (mut bad, mut last) = (0, None);
    for scan in scans.iter().filter(|scan| scan.status.is_final()) {
        let run = agents.store.session(scan.id).await?.and_then(|session| session.run);
        let Some(ending) = run.and_then(|run| run.ending) else { continue };
        match scan.status {
            _ if was_kept_from_it(ending) => continue,
            Status::Failed => {
                bad += 1;
                last = last.or(scan.finished_at);
            }
            Status::Completed => return Ok(None),
            Status::Queued | Status::Scheduled | Status::Running | Status::Cancelled => {}
        }
        if bad == BAD_IN_A_ROW {
            let until = last.unwrap_or(now).plus(REST);
            return Ok((until > now).then_some(until));
        }
    }
    Ok(None)
}

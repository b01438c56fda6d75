//! Schedules whose rows say something else than their rules and settings do: another hand than ours has changed them.
//!
//! Each of our changes writes when a schedule is next due, and nothing asks its rule before that. So an instant that is
//! wrong, or none, would keep it from making jobs for ever.

use super::{schedules, settings};
use crate::error::Result;
use crate::model::{
    ReservedSchedule, SCAN_SCHEDULE, Schedule, ScheduleName, Timestamp, scan_schedule,
};
use rusqlite::Connection;

/// The most schedules that are looked at: as many as there may be, and the reserved one.
const MAX_LOOKED_AT: usize = 1_001;

/// What one look has found.
#[derive(Debug)]
pub(in crate::store) struct Strayed {
    /// Those that are not due when their rules say, and when they are.
    pub(in crate::store) schedules: Vec<(Schedule, Option<Timestamp>)>,
    /// The schedule of scans as its settings have it, if it is missing, or is off or on against them.
    pub(in crate::store) reserved: Option<ReservedSchedule>,
}

impl Strayed {
    pub(in crate::store) fn is_empty(&self) -> bool {
        let Self { schedules, reserved } = self;
        schedules.is_empty() && reserved.is_none()
    }
}

/// Looks at all of them. A row that cannot be read makes no jobs, and says so.
pub(in crate::store) fn find(conn: &Connection, now: Timestamp) -> Result<Strayed> {
    let (stored, _) = schedules::list(conn, 0, MAX_LOOKED_AT)?;
    let scans = stored.iter().find(|schedule| schedule.name == ScheduleName::SELF_MONITORING);
    let is_on = scans.is_some_and(|schedule| schedule.paused_at.is_none());
    // Settings that cannot be read change nothing.
    let reserved = scan_schedule(&settings::read(conn, SCAN_SCHEDULE)?, now).ok();
    let reserved = reserved.filter(|reserved| reserved.plan.is_some() != is_on);
    let strays = |schedule: Schedule| {
        let next = schedule.plan.as_ref().ok()?.rule.next_after(schedule.cursor_at);
        (next != schedule.next_at).then_some((schedule, next))
    };
    Ok(Strayed { schedules: stored.into_iter().filter_map(strays).collect(), reserved })
}

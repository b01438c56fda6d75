//! The service that removes log rows when their time is over.

use super::Trouble;
use crate::clock::Clock;
use crate::error::{Code, Result};
use crate::model::settings::LOGS_DAYS;
use crate::model::{FLOOD, Hold, Service, Setting, Timestamp};
use crate::store::{LogStore, Store};
use std::time::Duration;
use tokio::sync::watch::Receiver;

/// How often old rows are looked for.
const PRUNE_EVERY: Duration = Duration::from_mins(1);
/// How often old imports are forgotten.
const FORGET_EVERY: Duration = Duration::from_hours(1);
/// Between two slices, so that everybody else's writes come first.
const BREATH: Duration = Duration::from_millis(100);

/// Removes a slice of the log rows that are older than the settings say; whether there may be more. With the last of them goes what is
/// known of the imports that brought them in.
pub async fn prune_logs(store: &Store, logs: &LogStore, now: Timestamp) -> Result<bool> {
    let before = now.minus(logs_kept(store).await?);
    let more = logs.prune(before).await?;
    if !more {
        logs.forget_imports(before).await?;
    }
    Ok(more)
}

/// What the service knows from one look to the next.
#[derive(Debug, Default)]
struct Looks {
    hold: Hold,
    /// When old imports were forgotten, as the clock's uptime.
    forgot: Option<Duration>,
}

impl Looks {
    /// Whether old imports are to be forgotten now. All of them are looked through, which is too much for each minute.
    fn forgets(&mut self, uptime: Duration) -> bool {
        let is_due = self.forgot.is_none_or(|forgot| uptime.saturating_sub(forgot) >= FORGET_EVERY);
        if is_due {
            self.forgot = Some(uptime);
        }
        is_due
    }
}

/// The same, unless more than a day of rows would go at once: that waits for an hour, in which a clock that has jumped can be
/// put right. `None` while it waits.
async fn prune_unless_flood(
    (store, logs): (&Store, &LogStore),
    clock: &Clock,
    looks: &mut Looks,
) -> Result<Option<bool>> {
    let (now, kept) = (clock.now(), logs_kept(store).await?);
    let is_flood = logs.has_older(now.minus(kept.saturating_add(FLOOD))).await?;
    if looks.hold.holds(is_flood, clock.uptime()) {
        return Ok(None);
    }
    let before = now.minus(kept);
    let more = logs.prune(before).await?;
    if !more && looks.forgets(clock.uptime()) {
        logs.forget_imports(before).await?;
    }
    Ok(Some(more))
}

/// How long log rows are kept.
///
/// # Errors
/// `JOB-VALUE-001` if another hand has stored what the setting does not take: nothing may be removed then.
async fn logs_kept(store: &Store) -> Result<Duration> {
    let days = match store.settings([LOGS_DAYS.key]).await?.get(LOGS_DAYS.key) {
        Some(stored) => LOGS_DAYS.parse(&Setting::text(stored))?,
        None => LOGS_DAYS.parse(LOGS_DAYS.default)?,
    };
    Ok(Duration::from_hours(24 * days.as_u64().unwrap_or(u64::from(u32::MAX))))
}

/// Removes old rows for ever, while this process leads.
pub(super) async fn serve(store: Store, logs: LogStore, clock: Clock, mut leading: Receiver<bool>) {
    let (mut trouble, mut looks) = (Trouble::default(), Looks::default());
    while leading.wait_for(|leads| *leads).await.is_ok() {
        let pruned = prune_unless_flood((&store, &logs), &clock, &mut looks).await;
        let ended = pruned.as_ref().map(|more| match more {
            Some(true) => "removed a slice of old rows".to_owned(),
            Some(false) => "no old rows are left".to_owned(),
            None => {
                "waits for an hour, because more than a day of rows would go at once".to_owned()
            }
        });
        store.ran(&Service::Retention, clock.now(), ended);
        let wait = match pruned {
            Ok(Some(true)) => BREATH,
            Ok(Some(false) | None) => {
                trouble.ends();
                PRUNE_EVERY
            }
            Err(error) => {
                trouble.says(Code::EnginePrune, &error);
                PRUNE_EVERY
            }
        };
        clock.sleep(wait).await;
    }
}

//! What is said while processes of a run live on that must end.

use crate::agents::{Ended, Run};
use crate::engine::Context;
use crate::error::{Code, Result, ignore};
use crate::warn_coded;
use std::time::Duration;

/// How long after the order to stop a run is late: by then its supervisor has killed everything, and says what lives on.
const LATE: Duration = Duration::from_secs(15);
/// Between two tries to end what a killed supervisor has left.
const AGAIN: Duration = Duration::from_secs(1);

/// Whether a run outlives its end, and whether that was said.
#[derive(Default)]
pub(super) struct Lingering {
    /// When it was ordered to stop, by the clock's uptime.
    ordered: Option<Duration>,
    is_said: bool,
}

impl Lingering {
    /// The run was ordered to stop.
    pub(super) fn ordered(&mut self, context: &Context) {
        self.ordered = Some(context.clock.uptime());
    }

    /// Says once in the log and on the job that processes of the run live on.
    pub(super) async fn look(&mut self, context: &Context, run: &Run) {
        let is_late = self.ordered.is_some_and(|at| context.clock.uptime() >= at + LATE);
        match run.lingering() {
            [] if !is_late => {}
            [] => self.say(context, "the process that supervises the run does not end it").await,
            pids => {
                let pids: Vec<_> = pids.iter().map(u32::to_string).collect();
                let one = format!("process {} of the run was killed and lives on", pids[0]);
                let many =
                    format!("processes {} of the run were killed and live on", pids.join(", "));
                self.say(context, if pids.len() == 1 { &one } else { &many }).await;
            }
        }
    }

    /// How the run ended, once no process of it is left.
    pub(super) async fn ended(&mut self, context: &Context, run: &mut Run) -> Result<Ended> {
        loop {
            match run.ended().await {
                Err(error) if error.code() == Code::AgentTree => {
                    self.say(context, &error.text()).await;
                    context.clock.sleep(AGAIN).await;
                }
                ended => return ended,
            }
        }
    }

    async fn say(&mut self, context: &Context, what: &str) {
        if std::mem::replace(&mut self.is_said, true) {
            return;
        }
        let (code, id) = (Code::AgentTree, context.job.id);
        warn_coded!(code, "job {id} keeps its concurrency key and its folder: {what}");
        let said = context.progress(format!("[{code}] {what}")).await;
        ignore(said, "whether the job is still ours is found out by what is recorded");
    }
}

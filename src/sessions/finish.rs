//! The end of a run: what it is booked with, and that it is saved.

use super::Agents;
use super::record::{FINISH_AGAIN, FINISH_TRIES, TRIES_A_LINE};
use crate::agents::claude::Verdict;
use crate::engine::Context;
use crate::error::{Code, Error, Result};
use crate::model::{Cost, SessionEnd};
use crate::{error_coded, warn_coded};

/// Books what the wall has counted where the program claims much more, and says so: a command of the agent may have spoken in its
/// name, to use up the budget.
pub(super) fn doubt(verdict: &mut Verdict, counted: Option<f64>) {
    let Some(told) = verdict.cost else { return };
    let (cost, claimed) = Cost::believed(told, counted);
    verdict.cost = Some(cost);
    if let Some(claimed) = claimed {
        let doubt = format!(
            "The program claimed a cost of {claimed:.2}, but the answers of the model that passed the network wall cost {cost:.2}. \
             That is booked; look at the transcript for who wrote the report."
        );
        let note = verdict.note.take().into_iter().chain([doubt]);
        verdict.note = Some(note.collect::<Vec<_>>().join(" "));
    }
}

/// Saves the end of a run, and tries again for as long as the database refuses: the cost of the run must not be lost.
pub(super) async fn finish(agents: &Agents, context: &Context, end: SessionEnd) -> Result<()> {
    let mut tries = 0;
    loop {
        let now = context.clock.now();
        let error = match agents.store.finish_session(context.lease.clone(), end.clone(), now).await
        {
            Ok(alarms) => {
                for alarm in alarms {
                    warn_coded!(Code::AgentAlarm, "{alarm}");
                }
                return Ok(());
            }
            Err(error) => error,
        };
        tries += 1;
        if error.is_lease_lost() || error.code() == Code::StoreClosed {
            return Err(error);
        }
        if tries == FINISH_TRIES {
            // The program has run: this is no refusal before its start, so that the job is not run again.
            let why = format!("save the end of job {}", context.job.id);
            return Err(Error::new(Code::AgentEnd, why).because(error));
        }
        if tries % TRIES_A_LINE == 1 {
            let id = context.job.id;
            error_coded!(Code::AgentEnd, "the end of job {id} is saved again each second: {error}");
        }
        context.clock.sleep(FINISH_AGAIN).await;
    }
}

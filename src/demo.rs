//! The demo's life: a week of a made-up lamp shop's jobs, schedules, sessions and findings, and handlers that go on with it.
//!
//! The week is made by the store's own calls, each with the instant at which it would have been made: what the pages show
//! of it is what they would show of a real one. A later start adds what the shop would have done meanwhile.
//!
//! *Invariant:* nothing leaves the machine. The demo's agent is a script of ours, and says so.

mod agent;
mod findings;
mod script;
mod shop;
mod week;

use crate::engine::Builder;
use crate::error::Result;
use crate::model::{Kind, KindRules, NewSchedule, Plan, Queue, Readiness, Rule, ScheduleName};
use crate::sessions;
use crate::store::Store;

pub(crate) use findings::log;
pub(crate) use week::live;

/// Has an engine run the shop: its kinds, the customers who come each minute, the scripted agent, and a tracker that takes
/// everything.
///
/// # Errors
/// None but those of a rule that is written wrongly here.
pub(crate) fn register(builder: Builder, store: &Store) -> Result<Builder> {
    let mut builder = builder;
    for work in shop::WORKS {
        builder = builder.kind(work.rules(), move |context| shop::handle(work, context));
    }
    let (sessions_of, filings_of) = (store.clone(), store.clone());
    let agent = move |context| agent::handle(sessions_of.clone(), context);
    let filing = KindRules { queue: Queue::TRACKER, ..KindRules::new(Kind::FILE_FINDINGS) };
    let file = move |context| findings::file(filings_of.clone(), context);
    let visits = Plan::new(Rule::cron("* * * * *", "UTC")?, shop::PLACE_ORDER);
    let visits = NewSchedule { name: ScheduleName::parse("shop_visits")?, plan: visits };
    // A scan does not wait for the agent, which is at work for minutes.
    let builder = builder.queue(Queue::AGENT, 2);
    Ok(builder.kind(sessions::rules(), agent).kind(filing, file).ensure_schedule(visits))
}

/// What the demo says of its agent, in place of a look at a program.
pub(crate) fn agent_facts() -> Readiness {
    Readiness::ready("the demo's scripted agent: it runs nothing and costs nothing")
}

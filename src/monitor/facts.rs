//! Looks from time to time at what only this server knows, and says it in the row of its worker.

use super::analyzer::Choice;
use super::tracking::Tracking;
use crate::agents::Sandboxing;
use crate::clock::Clock;
use crate::environment;
use crate::error::{Code, Error, ignore};
use crate::model::{Actor, Kind, Readiness, Service, ServiceRun, Visibility};
use crate::sessions::{AgentState, Agents, Sandboxed};
use crate::store::{LogStore, Store};
use crate::warn_coded;
use std::error::Error as StdError;
use std::time::Duration;

/// How often the facts are read that need no program to be started: a token may come and go.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How many of these looks pass between two looks at the programs, unless another part has found a change.
const PROGRAMS_EVERY: u32 = 6;
/// How many looks pass before the tracker is asked again: a token that is there may be refused.
const ASK_EVERY: u32 = 30;

/// What a server looks at to say what it can do.
#[derive(Clone, Debug)]
pub struct Telling {
    /// The worker whose row says the facts.
    pub store: Store,
    /// The log database, whose services are told too.
    pub logs: LogStore,
    /// Where issues go.
    pub tracking: Tracking,
    /// What sessions are run with.
    pub agents: Agents,
    /// Whether the agent may examine the rows of scans.
    pub scans: bool,
    /// What is said of an agent that stands in the place of the program, as in the demo.
    pub scripted: Option<Readiness>,
}

impl Telling {
    /// Looks and tells for ever.
    pub(super) async fn serve(self, clock: Clock) {
        let mut program = self.agents.program.changes();
        let (mut looks, mut asks) = (0, 0);
        loop {
            program.borrow_and_update();
            self.tracker();
            if looks == 0 {
                self.programs().await;
            }
            if asks == 0 {
                self.ask_tracker(&clock).await;
            }
            looks = (looks + 1) % PROGRAMS_EVERY;
            asks = (asks + 1) % ASK_EVERY;
            tokio::select! {
                () = clock.sleep(LOOK_EVERY) => {}
                Ok(()) = program.changed() => {
                    looks = 0;
                    self.wake_sessions(&clock).await;
                }
            }
        }
    }

    /// Has the sessions begin that wait for the agent program, once it is there.
    async fn wake_sessions(&self, clock: &Clock) {
        match self.agents.program.state().await {
            AgentState::Missing { .. } => {}
            AgentState::Ready { .. } => {
                let woken = self.store.wake_sessions(Actor::named("engine"), clock.now()).await;
                ignore(woken, "they look again by themselves within five minutes");
            }
        }
    }

    /// Looks at everything once.
    pub async fn run_once(&self) {
        self.tracker();
        self.programs().await;
    }

    /// Looks at what can be looked at without starting a program.
    pub fn tracker(&self) {
        let found = match self.tracking.remote() {
            Ok(None) => Readiness::ready("local: issues are kept in this database"),
            Ok(Some(site)) => {
                let name = site.client.kind().name();
                Readiness::ready(format_args!("{name}, {}", site.repository.as_str()))
            }
            Err(error) => not_ready(&error),
        };
        let home = self.tracking.home().as_str().to_owned();
        let services = self.logs.says().services;
        self.store.say(|facts| {
            facts.issue_home = matches!(found, Readiness::Ready { .. }).then_some(home);
            facts.tracker = Some(found);
            for (name, run) in services {
                let own = [Service::Checkpointer, Service::Inspector]
                    .map(|own| own.to_string())
                    .contains(&name);
                facts.services.insert(if own { format!("{name} of the logs") } else { name }, run);
            }
        });
    }

    /// Asks the tracker who can read the issues, to see whether it answers.
    async fn ask_tracker(&self, clock: &Clock) {
        let answer = match self.tracking.remote() {
            Ok(Some(site)) => Some(site.client.visibility().await),
            Ok(None) | Err(_) => None,
        };
        let said = answer.map(|answer| {
            let who = answer.map(|visibility| match visibility {
                Visibility::Public => "Everybody can read its issues.".to_owned(),
                Visibility::Private => "Its issues are private.".to_owned(),
            });
            ServiceRun::new(clock.now(), who)
        });
        self.store.say(|facts| facts.tracker_answer = said);
    }

    async fn programs(&self) {
        if let Some(scripted) = &self.scripted {
            // It starts no program, so there is nothing to put into a sandbox.
            return self.store.say(|facts| {
                facts.agent = Some(scripted.clone());
                facts.sandbox = Some(scripted.clone());
            });
        }
        let agents = &self.agents;
        let agent = match agents.program.state().await {
            AgentState::Ready { path, version } => {
                Readiness::ready(format_args!("{} {version}", path.display()))
            }
            AgentState::Missing { reason } => {
                Readiness::not_ready(Some(Code::AgentMissing.as_str()), reason)
            }
        };
        // A scan for which the built-in analyzer may take the agent's place waits for no budget.
        let by_agent = Choice::of(agents).await.map(|choice| choice == Choice::Agent);
        let by_agent = by_agent.unwrap_or_else(|error| {
            warn_coded!(error.code(), "read who examines the rows of scans: {error}");
            false
        });
        let scans = (self.scans && by_agent).then(|| Kind::SELF_MONITORING.to_string());
        let spends = scans.into_iter().chain([Kind::GOLDEN_REPO.to_string()]).collect();
        self.store.say(|facts| {
            facts.agent = Some(agent);
            facts.spends = spends;
        });
        let files_are_roots = environment::is_root() && agents.launcher.user().is_none();
        let sandbox = if agents.sandbox == Sandboxed::Never {
            Readiness::not_ready(Some(Code::AgentUnboxed.as_str()), "agent.sandbox is none")
        } else {
            match agents.launcher.sandboxing().await {
                Sandboxing::Usable { bwrap } if files_are_roots => Readiness::ready(format_args!(
                    "{}; the files of agents are root's",
                    bwrap.display()
                )),
                Sandboxing::Usable { bwrap } => Readiness::ready(bwrap.display()),
                Sandboxing::Unusable { reason } => {
                    Readiness::not_ready(Some(Code::AgentBox.as_str()), reason)
                }
            }
        };
        self.store.say(|facts| facts.sandbox = Some(sandbox));
    }
}

/// An error as a fact: its code, and why it happened in a sentence.
fn not_ready(error: &Error) -> Readiness {
    let code = error.code();
    let why = StdError::source(error).map_or_else(|| code.cause().to_owned(), ToString::to_string);
    Readiness::not_ready(Some(code.as_str()), why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Failure, Reason};

    #[test]
    fn why_a_tracker_cannot_be_used_is_a_sentence() {
        let said = "read /run/token: it is not there".to_owned();
        let failure = Failure { reason: Reason::NoToken, outcome_unknown: false, said };
        let bare = Error::new(Code::TrackerNoRepository, "find the issues' repository");
        let begins = |error: &Error, begin: &str| match not_ready(error) {
            Readiness::NotReady { code, why } => {
                assert!(why.starts_with(begin), "{why}");
                assert_eq!(code.as_deref(), Some(error.code().as_str()));
            }
            Readiness::Ready { what } => panic!("{what}"),
        };
        begins(&failure.into(), "There is no token for the issue tracker: read /run/token");
        begins(&bare, "`tracker.repository` is empty or not set");
    }
}

//! The analyzer of scans: the agent or the built-in one, as the setting and the agent's program have it.

use crate::error::{Code, Result};
use crate::model::settings::ANALYZER;
use crate::sessions::{AgentState, Agents};

/// Who examines the rows of scans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Examiner {
    /// The agent.
    Agent,
    /// The built-in analyzer.
    Builtin {
        /// Why the agent does not although it would, for people.
        instead: Option<String>,
    },
}

/// Who examines the rows of scans, as things are now. Where the operator leaves it open, a scan is never held for want of an
/// agent or of its sandbox.
pub(super) async fn examiner(agents: &Agents) -> Result<Examiner> {
    let set = agents.store.settings([ANALYZER.key]).await?;
    match ANALYZER.of(&set).as_str() {
        Some("agent") => return Ok(Examiner::Agent),
        Some("builtin") => return Ok(Examiner::Builtin { instead: None }),
        _ => {}
    }
    if let AgentState::Missing { .. } = agents.program.state().await {
        return Ok(Examiner::Builtin { instead: None });
    }
    Ok(match agents.unboxed().await {
        None => Examiner::Agent,
        Some(reason) => {
            let code = Code::AgentBox;
            let why = format!("[{code}] the sandbox cannot be used: {reason}. {}", code.remedy());
            let instead =
                format!("the built-in analyzer examined the rows instead of the agent: {why}");
            Examiner::Builtin { instead: Some(instead) }
        }
    })
}

//! A process of a campaign in which a bug is planted: its parent asks for one by the environment.

use lamplighter::planted::Bug;
use std::process::Command;

/// Names the bug in the environment of the process.
const BUG: &str = "LAMPLIGHTER_TEST_BUG";
/// What a process can be asked for; the simulation looks for the others in its own process.
const OF_PROCESSES: [Bug; 5] = [
    Bug::AnswersBeforeCommit,
    Bug::SyncsNoCommit,
    Bug::ReopensWithoutLog,
    Bug::NamesBeforeSync,
    Bug::MeasuresByDate,
];

/// Has the process that a command starts be wrong in this way.
pub fn ask_for(command: &mut Command, bug: Option<Bug>) {
    if let Some(bug) = bug {
        command.env(BUG, format!("{bug:?}"));
    }
}

/// Plants in this process what its parent asked for. In a release build there is nothing to plant.
pub fn plant_what_was_asked_for() {
    let Ok(name) = std::env::var(BUG) else { return };
    let asked = |bug: &Bug| format!("{bug:?}") == name;
    let bug = OF_PROCESSES.into_iter().find(asked).expect("a bug that a process can have");
    #[cfg(debug_assertions)]
    lamplighter::planted::plant(bug);
    #[cfg(not(debug_assertions))]
    panic!("{bug:?} cannot be planted in a release build");
}

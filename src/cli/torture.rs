//! `lamplighter torture`: kills the queue at work on the operator's own disk, and says whether it may be trusted there.

use super::{Cli, output};
use crate::config;
use crate::environment;
use crate::error::Result;
use crate::model::grouped;
use crate::torture::{self, Part, Plan, Progress};
use crate::wire;
use clap::Args;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct Arguments {
    /// A folder on the disk; a folder is made in it and removed again [default: the data directory, or the nearest folder above it]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How long to kill and look
    #[arg(long, value_name = "N", default_value_t = 1)]
    minutes: u64,
    /// End after so many rounds of kills instead
    #[arg(long, value_name = "N")]
    rounds: Option<u64>,
    /// Repeat the jobs and the moments of an earlier torture
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

#[derive(Args)]
pub(super) struct Work {
    #[arg(value_enum)]
    part: Part,
    seed: u64,
    folder: PathBuf,
}

pub(super) async fn run(cli: &Cli, arguments: &Arguments) -> Result<()> {
    let dir = match &arguments.dir {
        Some(dir) => dir.clone(),
        // Only looked at: a torture touches no database that is there.
        None => {
            torture::nearest(&config::data_dir(cli.data_dir.clone(), environment::variable, false)?)
        }
    };
    let plan = Plan::new(&dir, arguments.minutes, arguments.rounds, arguments.seed, &cli.clock)?;
    let tortured = torture::run(&plan, &cli.clock, &mut progress(&plan)).await;
    wipe();
    let report = tortured?;
    if cli.json {
        output::json(&wire::Torture::new(&report))?;
    } else {
        output::lines(report.lines().iter().map(|line| output::plain(line, usize::MAX)))?;
    }
    report.judged()
}

pub(super) async fn work(cli: &Cli, work: &Work) -> Result<()> {
    torture::work(&work.folder, work.part, work.seed, cli.clock.clone()).await
}

/// Shows at a terminal how far it is.
#[expect(clippy::print_stderr, reason = "the progress goes beside the answer")]
fn progress(plan: &Plan) -> impl FnMut(&Progress) + Send + use<> {
    let is_terminal = io::stderr().is_terminal();
    let plan = plan.clone();
    move |now| {
        if is_terminal {
            let jobs = grouped(now.acknowledged);
            eprint!("\r\u{1b}[K{}: {} kills, {jobs} jobs", plan.so_far(now), now.kills);
        }
    }
}

/// Takes the line of the progress away.
#[expect(clippy::print_stderr, reason = "the progress goes beside the answer")]
fn wipe() {
    if io::stderr().is_terminal() {
        eprint!("\r\u{1b}[K");
    }
}

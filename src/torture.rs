//! Tortures the queue on the operator's own disk: looks at the disk, kills processes at work, and says what became of what was acknowledged.
//!
//! Everything happens in a fresh folder, which is removed at the end. Kills prove the program: what a disk does when the power
//! goes no program can see, so the disk is judged by what it is and by how long a sync takes.

mod campaign;
mod disk;
mod folder;
mod judge;
mod ledger;
mod mounts;
mod remarks;
mod verdict;
mod work;

use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use campaign::Campaign;
use disk::Disk;
use fastrand::Rng;
use folder::Folder;
use remarks::Remark;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub(crate) use judge::Findings;
pub(crate) use verdict::Ruling;
pub(crate) use work::{Part, work};

/// Working processes at once.
const PROCESSES: usize = 3;
/// Losses and doubles that an error names.
const NAMED: usize = 3;
/// The longest torture, a week.
const LONGEST: u64 = 7 * 24 * 60;

/// What is to be done.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Where the folder is made.
    dir: PathBuf,
    length: Duration,
    /// Ends the torture after so many rounds instead.
    rounds: Option<u64>,
    /// What repeats the kills' times and the jobs, as far as processes can be repeated.
    seed: u64,
    processes: usize,
}

impl Plan {
    /// A plan for the disk of a folder.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for a length of no minute or of more than a week, and for no round; `INPUT-FILE-001` if there is no such folder.
    pub(crate) fn new(
        dir: &Path,
        minutes: u64,
        rounds: Option<u64>,
        seed: Option<u64>,
        clock: &Clock,
    ) -> Result<Self> {
        if !(1..=LONGEST).contains(&minutes) {
            let why = format!("{minutes} minutes: 1 to {LONGEST} (a week) are allowed");
            return Err(Error::new(Code::ModelInvalid, why));
        }
        if rounds == Some(0) {
            return Err(Error::new(Code::ModelInvalid, "0 rounds: 1 at least is needed"));
        }
        let dir = dir.canonicalize().ok().filter(|found| found.is_dir()).ok_or_else(|| {
            Error::new(Code::InputMissing, format!("torture {}: it is no folder", dir.display()))
        })?;
        let seed = seed.unwrap_or_else(|| by_chance(clock));
        let length = Duration::from_mins(minutes);
        Ok(Self { dir, length, rounds, seed, processes: PROCESSES })
    }

    /// How far it is, in words: by its rounds, if it ends after so many, else by its time.
    pub(crate) fn so_far(&self, now: &Progress) -> String {
        let spent = now.spent.as_secs();
        match self.rounds {
            Some(rounds) => format!("{} of {rounds} rounds, {spent} s", now.rounds),
            None => format!("{spent} of {} s, {} rounds", self.length.as_secs(), now.rounds),
        }
    }
}

/// A seed that nobody has chosen.
fn by_chance(clock: &Clock) -> u64 {
    (clock.chance() * f64::from(u32::MAX)) as u64
}

/// The nearest folder on the way to a data directory that is there: the disk on which its database is or would be.
pub(crate) fn nearest(data_dir: &Path) -> PathBuf {
    let there = data_dir.ancestors().find(|folder| folder.is_dir());
    there.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// How far a torture is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// Rounds that are over.
    pub(crate) rounds: u64,
    /// Processes that were killed.
    pub(crate) kills: u64,
    /// Jobs that were acknowledged.
    pub(crate) acknowledged: u64,
    /// How long it has lasted.
    pub(crate) spent: Duration,
}

/// What a torture has found.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) disk: Disk,
    pub(crate) remarks: Vec<Remark>,
    pub(crate) campaign: Campaign,
    pub(crate) seed: u64,
}

impl Report {
    /// The verdict as an answer for the exit code: 0 only where everything is kept.
    ///
    /// # Errors
    /// `DISK-LOST-001` if something acknowledged was lost or done twice, `DISK-SYNC-001` if nothing was and the disk is none to
    /// trust.
    pub(crate) fn judged(&self) -> Result<()> {
        match self.ruling() {
            Ruling::Kept => Ok(()),
            Ruling::NotProven => Err(Error::saying(Code::DiskDoubtful, self.sentence())),
            Ruling::Broken => {
                let mut words = format!("{} Seed {}", self.sentence(), self.seed);
                for wrong in self.wrongs().take(NAMED) {
                    // Writing into a text cannot fail.
                    let _infallible = write!(words, "; {wrong}");
                }
                Err(Error::saying(Code::DiskLost, format!("{words}.")))
            }
        }
    }

    /// Everything that is wrong, in words.
    fn wrongs(&self) -> impl Iterator<Item = &String> {
        let both = [&self.campaign.findings, &self.campaign.full];
        both.into_iter()
            .flat_map(|found| found.lost.iter().chain(&found.doubled).chain(&found.broken))
    }
}

/// Tortures the queue in a fresh folder, which is gone when this returns, whatever it returns.
///
/// # Errors
/// `STORE-FULL-001` where there is too little room, `STORE-IO-001` where the disk refuses, those of a database that cannot be
/// made there; `CLI-SIGNAL-001` after a signal.
pub(crate) async fn run(
    plan: &Plan,
    clock: &Clock,
    progress: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Report> {
    let mut signals = Signals::listen()?;
    folder::sweep(&plan.dir);
    disk::check_room(&plan.dir)?;
    let folder = Folder::make(&plan.dir, &mut Rng::with_seed(by_chance(clock)))?;
    let tortured = async {
        let (dir, scratch) = (plan.dir.clone(), folder.path().to_owned());
        let looked = tokio::task::spawn_blocking(move || disk::look(&dir, &scratch)).await;
        let failed = |e| Error::new(Code::StoreIo, "look at the disk").because(e);
        let disk = looked.map_err(failed)??;
        let campaign = campaign::run(&folder, plan, clock, progress).await?;
        Ok(Report { remarks: remarks::remarks(&disk), disk, campaign, seed: plan.seed })
    };
    let done = tokio::select! {
        report = tortured => report,
        () = signals.next() => {
            Err(Error::saying(Code::CliInterrupted, "A signal ended the torture."))
        }
    };
    let path = folder.path().to_owned();
    drop(folder);
    // A process of a torture that was killed may have worked when this one began.
    folder::sweep(&plan.dir);
    match done {
        Err(_) if path.exists() => done.map_err(|error| {
            error.while_doing(&format!("torture; {} could not be removed", path.display()))
        }),
        done => done,
    }
}

/// The signals that end a torture early.
struct Signals([Signal; 3]);

impl Signals {
    fn listen() -> Result<Self> {
        let listen = |kind| {
            signal(kind).map_err(|e| Error::new(Code::StoreIo, "listen for signals").because(e))
        };
        let kinds = (SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup());
        Ok(Self([listen(kinds.0)?, listen(kinds.1)?, listen(kinds.2)?]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_a_folder_that_is_there_and_a_length_that_ends() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        let code = |dir: &Path, minutes| {
            Plan::new(dir, minutes, None, Some(1), &clock).map_err(|error| error.code()).err()
        };
        assert_eq!(code(folder.path(), 1), None);
        assert_eq!(code(folder.path(), 0), Some(Code::ModelInvalid));
        assert_eq!(code(folder.path(), LONGEST + 1), Some(Code::ModelInvalid));
        assert_eq!(code(&folder.path().join("none"), 1), Some(Code::InputMissing));
        assert_eq!(nearest(&folder.path().join("a/b")), folder.path());
        assert_eq!(nearest(Path::new("nowhere/b")), Path::new("."));
    }
}

//! Bugs that tests plant on purpose: a campaign that finds each of them is one that can be red.
//!
//! *Invariant:* a release build has none. There `is` is a constant, and what stands behind it is compiled away.

/// A promise that is broken on purpose, at the place that keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The writer answers its callers before the commit (P1).
    AnswersBeforeCommit,
    /// A commit is not synced (P1).
    SyncsNoCommit,
    /// Neither a start nor a connection after a commit that failed writes the log back, and the latter does not write it again (P1, P2).
    ReopensWithoutLog,
    /// A new database gets its name before the disk has it (P23).
    NamesBeforeSync,
    /// What a failed call had changed stays (P4).
    KeepsHalfACall,
    /// A second claim of a job has the epoch of the first (P9).
    ClaimsWithoutEpoch,
    /// Whoever knows a claim's epoch may settle, whosever the claim is (P9).
    SettlesForAnybody,
    /// Whoever names a running job may settle it, by whatever lease (P9).
    ChecksNoLease,
    /// What a worker that is lost settles is saved (P9).
    HeedsTheLost,
    /// Lengths are measured by the date (P19).
    MeasuresByDate,
    /// A job is cancelled as it was seen before, although it was claimed since (P20).
    CancelsWhatItSaw,
    /// Starts change no count.
    ForgetsCounts,
    /// Of attempts that end together the last goes on running.
    DropsLastOfSet,
}

/// Whether a bug is planted.
#[cfg(not(debug_assertions))]
pub(crate) const fn is(_: Bug) -> bool {
    false
}

#[cfg(debug_assertions)]
pub(crate) use switch::is;
#[cfg(debug_assertions)]
pub use switch::plant;
#[cfg(all(debug_assertions, test))]
pub(crate) use switch::plant_in_thread;

#[cfg(debug_assertions)]
mod switch {
    use super::Bug;
    use std::sync::OnceLock;

    /// The bug of the whole process, for a test's child.
    static OF_PROCESS: OnceLock<Bug> = OnceLock::new();

    #[cfg(test)]
    std::thread_local! {
        /// The bug of this thread alone: other tests run beside it.
        static OF_THREAD: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
    }

    /// Whether a bug is planted.
    pub(crate) fn is(bug: Bug) -> bool {
        #[cfg(test)]
        if OF_THREAD.get() == Some(bug) {
            return true;
        }
        OF_PROCESS.get() == Some(&bug)
    }

    /// Plants a bug in this process until it ends. For a process that a test starts to find the bug in.
    pub fn plant(bug: Bug) {
        assert_eq!(*OF_PROCESS.get_or_init(|| bug), bug, "a process has one bug at most");
    }

    /// A bug of a thread, until it is dropped.
    #[cfg(test)]
    pub(crate) struct Planted(());

    /// Plants a bug for what this thread does.
    #[cfg(test)]
    pub(crate) fn plant_in_thread(bug: Option<Bug>) -> Planted {
        OF_THREAD.set(bug);
        Planted(())
    }

    #[cfg(test)]
    impl Drop for Planted {
        fn drop(&mut self) {
            OF_THREAD.set(None);
        }
    }
}

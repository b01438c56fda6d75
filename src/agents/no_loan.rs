//! Where no server of root runs agents no folder changes hands: there is no user of agents on this system.

use super::AgentUser;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// A folder that is lent. There is none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Loan {
    pub(crate) folder: PathBuf,
}

/// What a walk could not do.
#[derive(Debug, Default)]
pub(crate) struct Missed {
    pub(crate) count: u64,
    pub(crate) why: Option<String>,
}

impl Loan {
    pub(crate) fn of(_: &Path, _: &AgentUser) -> io::Result<Option<Self>> {
        Ok(None)
    }

    pub(crate) fn overlaps(&self, _: &Self) -> bool {
        false
    }

    pub(crate) fn begin(&self, _: &[PathBuf]) -> io::Result<Missed> {
        Ok(Missed::default())
    }

    pub(crate) fn give_back(&self, _: &[PathBuf]) -> io::Result<Missed> {
        Ok(Missed::default())
    }
}

pub(crate) fn hand_over(_: &Path, _: (u32, u32)) -> io::Result<()> {
    Ok(())
}

pub(crate) fn let_enter(_: &Path, _: &AgentUser) -> io::Result<()> {
    Ok(())
}

pub(crate) fn keep_out(_: &Path, _: &AgentUser) -> io::Result<()> {
    Ok(())
}

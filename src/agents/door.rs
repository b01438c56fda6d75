//! The surroundings of a scan's run: `sqlite3` as the query door, one snapshot to ask, and nothing else of the machine.

use super::{Sandbox, View, create_job_dir};
use crate::error::{Code, Error, Result};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Puts `sqlite3`, which is `program` under that name, into the folder of a job. Answers the folder that has to come
/// first on the run's `PATH`.
///
/// The folder of the job is new: an earlier run could have put anything in the way. `program` is `lamplighter`, or one
/// that calls its `cli::main` first.
pub fn install(job_dir: &Path, program: &Path) -> Result<PathBuf> {
    let failed = |error| {
        Error::of_disk(Code::AgentStart, format!("put sqlite3 into {}", job_dir.display()), error)
    };
    let folder = job_dir.join("bin");
    create_job_dir(&folder)?;
    let program = program.canonicalize().map_err(failed)?;
    symlink(program, folder.join("sqlite3")).map_err(failed)?;
    folder.canonicalize().map_err(failed)
}

/// The sandbox of a scan: programs, what is named to read (the snapshot, the door's program, an agent program elsewhere than
/// in the system's folders), the job's own folder to write.
pub fn sandbox(data_dir: &Path, job_dir: &Path, readable: Vec<PathBuf>) -> Sandbox {
    Sandbox {
        view: View::Programs,
        hidden: vec![data_dir.to_owned()],
        readable,
        writable: vec![job_dir.to_owned()],
        ..Sandbox::default()
    }
}

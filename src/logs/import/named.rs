//! Which files are meant by the names that a person gives.

use crate::error::{Code, Error, Result};
use std::path::PathBuf;

/// Most files of a pattern.
const MAX_FILES: usize = 100_000;

/// The files that are meant, in the order of their names: a name that no file has may be a pattern, which no shell has put files in the
/// place of.
///
/// # Errors
/// `INPUT-FILE-001` if no file fits a pattern, `-002` if a folder may not be looked at, `JOB-VALUE-001` if a pattern is none.
pub fn named_logs(named: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for name in named {
        let text = name.to_str().filter(|text| text.contains(['*', '?', '[']));
        let Some(pattern) = text.filter(|_| name.symlink_metadata().is_err()) else {
            files.push(name.clone());
            continue;
        };
        let doing = || format!("look for logs named {pattern}");
        let found = glob::glob(pattern)
            .map_err(|error| Error::new(Code::ModelInvalid, doing()).because(error))?;
        let before = files.len();
        for path in found.take(MAX_FILES) {
            let path =
                path.map_err(|error| Error::new(Code::InputNoAccess, doing()).because(error))?;
            if path.is_file() {
                files.push(path);
            }
        }
        if files.len() == before {
            return Err(Error::new(Code::InputMissing, doing()));
        }
    }
    Ok(files)
}

/// The error of an import of several logs of which some were not read to their end, for reasons that were told.
pub fn not_all(code: Code, some: usize, all: usize) -> Error {
    Error::new(code, format!("import {some} of {all} logs, of which each is told above"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_the_shell_left_is_looked_up_and_a_file_of_that_name_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.log", "b.log", "c[1].log"] {
            std::fs::write(folder.path().join(name), "x\n").unwrap();
        }
        std::fs::create_dir(folder.path().join("d.log")).unwrap();
        let found = |name: &str| {
            let found = named_logs(&[folder.path().join(name)])?;
            let names = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap());
            Ok::<_, Error>(names.map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(found("[ab].log").unwrap(), ["a.log", "b.log"]);
        assert_eq!(found("*.log").unwrap(), ["a.log", "b.log", "c[1].log"]);
        assert_eq!(found("c[1].log").unwrap(), ["c[1].log"]);
        assert_eq!(found("e*.log").unwrap_err().code(), Code::InputMissing);
        assert_eq!(found("a[.log").unwrap_err().code(), Code::ModelInvalid);
    }
}

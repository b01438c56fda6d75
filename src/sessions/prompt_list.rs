//! The prompt files that sessions can be asked by: the operator's own, and those that come with the program.

use super::prompts::{EMBEDDED, prompt_text};
use crate::error::{Code, Error, Result};
use crate::model::{is_prompt_file, parameters};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Files of the folder that are looked at.
const MAX_FILES: usize = 1_000;

/// A prompt file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptFile {
    /// Its name, as a session is asked by it.
    pub name: String,
    /// The operator's file; `None` for one that comes with the program.
    pub path: Option<PathBuf>,
    /// The parameters that it takes.
    pub parameters: Vec<String>,
    /// Why no session can use it.
    pub problem: Option<String>,
}

/// All prompt files in the order of their names. An operator's file stands in the place of ours with the same name.
///
/// # Errors
/// `STORE-IO-001` if the system refuses to read the folder.
pub fn prompt_files(data_dir: &Path) -> Result<Vec<PromptFile>> {
    let folder = data_dir.join("prompts");
    let unread = |error: std::io::Error| {
        Error::new(Code::StoreIo, format!("read {}", folder.display())).because(error)
    };
    let mut names: Vec<(String, bool)> =
        EMBEDDED.iter().map(|(name, _)| ((*name).to_owned(), false)).collect();
    match std::fs::read_dir(&folder) {
        Ok(entries) => {
            for entry in entries.take(MAX_FILES) {
                let file = entry.map_err(unread)?.file_name();
                let Some(name) = file.to_str().and_then(|file| file.strip_suffix(".md")) else {
                    continue;
                };
                names.retain(|(known, _)| known != name);
                names.push((name.to_owned(), true));
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(unread(error)),
    }
    names.sort();
    Ok(names.into_iter().map(|(name, is_own)| look(data_dir, name, is_own)).collect())
}

fn look(data_dir: &Path, name: String, is_own: bool) -> PromptFile {
    let path = is_own.then(|| data_dir.join("prompts").join(format!("{name}.md")));
    let found = if is_prompt_file(&name) {
        prompt_text(data_dir, &name)
            .map_err(|error| error.sentence())
            .and_then(|text| parameters(&text))
    } else {
        Err("the name of a prompt file is 1 to 64 letters, digits, - and _".to_owned())
    };
    let (parameters, problem) = match found {
        Ok(parameters) => (parameters, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    PromptFile { name, path, parameters, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_files_stand_among_ours_with_their_parameters_and_what_is_wrong_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let ours = prompt_files(folder.path()).unwrap();
        assert_eq!(ours.len(), EMBEDDED.len());
        assert!(ours.iter().all(|one| one.path.is_none() && one.problem.is_none()), "{ours:?}");

        let own = folder.path().join("prompts");
        std::fs::create_dir(&own).unwrap();
        for (file, text) in [
            ("backup.md", "---\nparameters: host, days\n---\nLook at {{host}}, {{days}} days.\n"),
            ("health_check.md", "mine"),
            ("odd.md", "---\nparameters: a\nno end\n"),
            ("two words.md", "x"),
            ("notes.txt", "no prompt"),
        ] {
            std::fs::write(own.join(file), text).unwrap();
        }
        let all = prompt_files(folder.path()).unwrap();
        let one = |name: &str| all.iter().find(|one| one.name == name).unwrap();
        assert_eq!(all.len(), EMBEDDED.len() + 3, "{all:?}");
        assert!(all.is_sorted_by_key(|one| &one.name), "{all:?}");
        assert_eq!(one("backup").parameters, ["host", "days"]);
        assert_eq!(one("health_check").path, Some(own.join("health_check.md")));
        assert!(one("odd").problem.as_ref().unwrap().contains("is not ---"), "{all:?}");
        assert!(one("two words").problem.is_some());
    }
}

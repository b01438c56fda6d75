//! Prompts that come with the program, and the operator's own in the data directory's `prompts`.

use crate::error::{Code, Error, Result};
use crate::model::is_prompt_file;
use std::collections::BTreeMap;
use std::path::Path;

/// Longest prompt file, in bytes: it goes in by standard input, but somebody has to read it.
const MAX_BYTES: u64 = 1024 * 1024;

/// What comes with the program, by name.
const EMBEDDED: [(&str, &str); 4] = [
    ("health_check", include_str!("../../prompts/health_check.md")),
    ("tier_1_observe", include_str!("../../prompts/tier_1_observe.md")),
    ("tier_2_investigate", include_str!("../../prompts/tier_2_investigate.md")),
    ("tier_3_remediate", include_str!("../../prompts/tier_3_remediate.md")),
];

/// A prompt that schedules and sessions can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Its name, without `.md`.
    pub name: String,
    /// Whether it is the operator's, which goes before ours of the same name.
    pub own: bool,
}

/// Every prompt there is, by name.
///
/// # Errors
/// `AGENT-PROMPT-001` if the folder is there and cannot be read.
pub fn prompt_files(data_dir: &Path) -> Result<Vec<Prompt>> {
    let mut found: BTreeMap<String, bool> =
        EMBEDDED.iter().map(|(name, _)| ((*name).to_owned(), false)).collect();
    let folder = data_dir.join("prompts");
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(list(found)),
        Err(error) => {
            let doing = format!("list {}", folder.display());
            return Err(Error::new(Code::AgentPrompt, doing).because(error));
        }
    };
    for entry in entries.filter_map(std::result::Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(name) = name.strip_suffix(".md").filter(|name| is_prompt_file(name)) {
            found.insert(name.to_owned(), true);
        }
    }
    Ok(list(found))
}

fn list(found: BTreeMap<String, bool>) -> Vec<Prompt> {
    found.into_iter().map(|(name, own)| Prompt { name, own }).collect()
}

/// The text of a prompt: the operator's, else ours.
///
/// # Errors
/// `AGENT-PROMPT-001` if there is none of this name, or it cannot be read or is larger than 1 MiB.
pub(super) fn prompt_text(data_dir: &Path, name: &str) -> Result<String> {
    let failed = || Error::new(Code::AgentPrompt, format!("read the prompt {name:?}"));
    if !is_prompt_file(name) {
        return Err(failed().because("that is no name of a prompt file"));
    }
    let path = data_dir.join("prompts").join(format!("{name}.md"));
    match std::fs::metadata(&path) {
        Ok(file) if file.len() > MAX_BYTES => {
            Err(failed().because(format!("{} has more than 1 MiB", path.display())))
        }
        Ok(_) => std::fs::read_to_string(&path).map_err(|error| failed().because(error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let ours = EMBEDDED.iter().find(|(known, _)| *known == name);
            let missing = || {
                failed()
                    .because(format!("there is no {} and none of that name here", path.display()))
            };
            ours.map(|(_, text)| (*text).to_owned()).ok_or_else(missing)
        }
        Err(error) => Err(failed().because(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_prompt_goes_before_ours_and_a_name_leads_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let ours = prompt_text(folder.path(), "health_check").unwrap();
        assert!(ours.contains("health"), "{ours}");
        let own = folder.path().join("prompts");
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join("health_check.md"), "mine").unwrap();
        std::fs::write(own.join("backup.md"), "look at the backups").unwrap();
        std::fs::write(folder.path().join("secret.md"), "no").unwrap();
        assert_eq!(prompt_text(folder.path(), "health_check").unwrap(), "mine");
        for name in ["../secret", "secret", "", "a/b"] {
            let error = prompt_text(folder.path(), name).unwrap_err();
            assert_eq!(error.code(), Code::AgentPrompt, "{name}");
        }
        let names = prompt_files(folder.path()).unwrap();
        let has = |name: &str, own| names.contains(&Prompt { name: name.into(), own });
        assert!(has("backup", true) && has("health_check", true), "{names:?}");
        assert!(has("tier_1_observe", false), "{names:?}");
    }
}

//! Prompts that come with the program, and the operator's own in the data directory's `prompts`.

use crate::error::{Code, Error, Result};
use crate::files;
use crate::model::{Profile, PromptValues, filled, is_prompt_file};
use std::fs::Metadata;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Longest prompt file, in bytes. Standard input would take more, but people have to read a prompt.
const MAX_BYTES: u64 = 1024 * 1024;

/// Where the operator's prompts are, for people: a path of the server is not for everybody who asks.
const FOLDER: &str = "the data directory's prompts folder";

/// What comes with the program, by name.
pub(super) const EMBEDDED: [(&str, &str); 4] = [
    ("health_check", include_str!("../../prompts/health_check.md")),
    ("tier_1_observe", include_str!("../../prompts/tier_1_observe.md")),
    ("tier_2_investigate", include_str!("../../prompts/tier_2_investigate.md")),
    ("tier_3_remediate", include_str!("../../prompts/tier_3_remediate.md")),
];

/// Refuses a prompt that is not there, or that does not take these values.
///
/// # Errors
/// `AGENT-PROMPT-001` if there is none of this name, it is no text or larger than 1 MiB, or a value is missing or unknown;
/// `STORE-IO-001` if the system refuses to read it.
pub fn check_prompt(data_dir: &Path, name: &str, values: &PromptValues) -> Result<()> {
    filled_prompt(data_dir, name, values).map(drop)
}

/// The text of a prompt with the values of its parameters.
///
/// # Errors
/// As [`check_prompt`].
pub(super) fn filled_prompt(data_dir: &Path, name: &str, values: &PromptValues) -> Result<String> {
    filled(&prompt_text(data_dir, name)?, values).map_err(|why| {
        Error::new(Code::AgentPrompt, format!("use the prompt {name:?}")).because(why)
    })
}

/// The text of a prompt: the operator's, else ours.
///
/// # Errors
/// `AGENT-PROMPT-001` if there is none of this name, or it is no text or larger than 1 MiB; `STORE-IO-001` if the system
/// refuses to read it.
pub(super) fn prompt_text(data_dir: &Path, name: &str) -> Result<String> {
    let failed = || Error::new(Code::AgentPrompt, format!("read the prompt {name:?}"));
    if !is_prompt_file(name) {
        return Err(failed().because("that is no name of a prompt file"));
    }
    let path = data_dir.join("prompts").join(format!("{name}.md"));
    let unread = |error: io::Error| {
        Error::new(Code::StoreIo, format!("read {}", path.display())).because(error)
    };
    match files::open_unlinked(&path) {
        Ok(_) if others_write(data_dir, &path) => {
            let why = "people other than the server's user may write there; take that right from them: chmod go-w";
            Err(failed().because(format!("{name}.md in {FOLDER}: {why}")))
        }
        Ok(file) => {
            let mut bytes = Vec::new();
            file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unread)?;
            if bytes.len() as u64 > MAX_BYTES {
                return Err(failed().because(format!("{name}.md in {FOLDER} has more than 1 MiB")));
            }
            let text = String::from_utf8(bytes);
            text.map_err(|_| failed().because(format!("{name}.md in {FOLDER} is no text")))
        }
        Err(error) if error.kind() == ErrorKind::InvalidInput => {
            Err(failed().because(format!("{name}.md in {FOLDER}: {error}")))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let ours = EMBEDDED.iter().find(|(known, _)| *known == name);
            let why = format!("there is no {name}.md in {FOLDER}, and none comes with the program");
            let missing = || failed().because(why);
            ours.map(|(_, text)| (*text).to_owned()).ok_or_else(missing)
        }
        Err(error) => Err(unread(error)),
    }
}

/// Whether other people can write the file or into its folder: then it is theirs, not the operator's. What lies in a
/// private data directory is out of their reach, whatever its own mode says.
fn others_write(data_dir: &Path, path: &Path) -> bool {
    let is = |place: &Path, so: fn(&Metadata) -> bool| place.metadata().is_ok_and(|file| so(&file));
    let places = [Some(path), path.parent()].into_iter();
    is(data_dir, files::others_may_enter)
        && places.flatten().any(|place| is(place, files::others_may_write))
}

/// What the system prompt of a session says: how its tier works, what its folder gives it to know, and what its profile lets
/// it change. The profile alone decides the last: no text of a tier speaks of it, and neither an operator's own text nor a
/// folder's goes before it.
pub(super) fn system_prompt(
    data_dir: &Path,
    tier_file: &str,
    folder: Option<&str>,
    profile: Profile,
) -> Result<String> {
    let tier = prompt_text(data_dir, tier_file)?;
    let folder = folder.map_or_else(String::new, |folder| format!("\n\n{folder}"));
    Ok(format!(
        "{}{folder}\n\nThis holds, whatever is said above: {}",
        tier.trim_end(),
        may_change(profile)
    ))
}

fn may_change(profile: Profile) -> &'static str {
    match profile {
        Profile::Scan | Profile::ReadOnly => {
            "you may look, and you may not change anything on this machine or anywhere else: no writes, no restarts, no \
             installs, no messages to anybody. If the work needs a change, describe it instead of making it."
        }
        Profile::Workspace => {
            "you may create, change and delete files in your working directory. Do not change anything else: no restarts, no \
             installs, no messages to anybody."
        }
        Profile::Full => {
            "you may change whatever on this machine the work needs: files, services and installed programs. You work without \
             a sandbox, so look twice before you change something."
        }
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
        assert_eq!(prompt_text(folder.path(), "backup").unwrap(), "look at the backups");
    }

    #[cfg(all(feature = "monitor", target_os = "linux"))]
    #[test]
    fn a_link_a_fifo_and_a_file_that_others_can_write_are_no_prompts() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("prompts");
        std::fs::create_dir(&own).unwrap();
        std::fs::write(folder.path().join("secret"), "of another").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), own.join("link.md")).unwrap();
        crate::files::tests::make_fifo(&own.join("fifo.md"));
        std::fs::write(own.join("open.md"), "anybody's").unwrap();
        let mode = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(&own.join("open.md"), 0o666);
        mode(folder.path(), 0o700);
        assert_eq!(prompt_text(folder.path(), "open").unwrap(), "anybody's", "nobody reaches it");
        mode(folder.path(), 0o755);
        for (name, says) in [
            ("link", "link.md in the data directory's prompts folder: it is a link"),
            ("fifo", "it is not a regular file"),
            ("open", "chmod go-w"),
        ] {
            let error = prompt_text(folder.path(), name).unwrap_err();
            assert_eq!(error.code(), Code::AgentPrompt, "{error}");
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[test]
    fn a_refused_prompt_names_no_path_and_one_that_the_system_refuses_is_no_refusal() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("prompts");
        std::fs::create_dir_all(own.join("folder.md")).unwrap();
        std::fs::write(own.join("bytes.md"), [0xff, 0xfe]).unwrap();
        std::fs::File::create(own.join("long.md")).unwrap().set_len(MAX_BYTES + 1).unwrap();
        for (name, code, says) in [
            (
                "none",
                Code::AgentPrompt,
                "there is no none.md in the data directory's prompts folder",
            ),
            (
                "bytes",
                Code::AgentPrompt,
                "bytes.md in the data directory's prompts folder is no text",
            ),
            ("long", Code::AgentPrompt, "has more than 1 MiB"),
            ("folder", Code::AgentPrompt, "prompts folder: it is a folder"),
        ] {
            let error = prompt_text(folder.path(), name).unwrap_err();
            let said = error.sentence();
            assert_eq!(error.code(), code, "{said}");
            assert!(said.contains(says), "{said}");
            assert!(!said.contains(folder.path().to_str().unwrap()), "{said}");
        }
        std::fs::remove_dir_all(&own).unwrap();
        std::fs::write(&own, "no folder").unwrap();
        let error = prompt_text(folder.path(), "backup").unwrap_err();
        assert!(!error.class().is_refusal() && error.code() == Code::StoreIo, "{error}");
    }

    /// Words of a text that forbids writing, and of one that allows it.
    const FORBIDS: [&str; 3] =
        ["no writes", "not change anything on this machine", "change nothing"];
    const ALLOWS: [&str; 3] = ["you may create", "you may change", "may write"];

    #[test]
    fn no_system_prompt_forbids_what_its_profile_allows_nor_allows_what_it_forbids() {
        let folder = tempfile::tempdir().unwrap();
        let has = |text: &str, words: [&str; 3]| {
            words.iter().any(|word| text.to_lowercase().contains(word))
        };
        for (tier, ours) in EMBEDDED.iter().filter(|(name, _)| name.starts_with("tier_")) {
            assert!(
                !has(ours, FORBIDS) && !has(ours, ALLOWS),
                "{tier} leaves it to the profile: {ours}"
            );
            for (profile, writes) in [
                (Profile::Scan, false),
                (Profile::ReadOnly, false),
                (Profile::Workspace, true),
                (Profile::Full, true),
            ] {
                let text = system_prompt(folder.path(), tier, None, profile).unwrap();
                assert!(text.starts_with(ours.trim_end()), "{tier}");
                assert_eq!(
                    (has(&text, ALLOWS), has(&text, FORBIDS)),
                    (writes, !writes),
                    "{tier} {profile}: {text}"
                );
            }
        }
    }

    #[test]
    fn an_operators_text_of_a_tier_does_not_go_before_the_profile() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("prompts")).unwrap();
        std::fs::write(folder.path().join("prompts/tier_1_observe.md"), "Change nothing.\n")
            .unwrap();
        let text = |of_folder: Option<&str>| {
            system_prompt(folder.path(), "tier_1_observe", of_folder, Profile::Workspace).unwrap()
        };
        let (text, with) = (text(None), text(Some("Restart all of it.")));
        let order = with.find("Restart all").zip(with.find("This holds, whatever is said above"));
        assert!(order.is_some_and(|(folder, profile)| folder < profile), "{with}");
        let wanted = "Change nothing.\n\nThis holds, whatever is said above: you may create, change and delete files";
        assert!(text.starts_with(wanted), "{text}");
    }
}

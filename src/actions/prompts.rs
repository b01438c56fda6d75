//! Actions on the prompt that the agent gets for a scan.

use super::{Answer, Call, Right};
use crate::error::{Class, Code, Error, Result};
use crate::model::Role;
use crate::monitor::prompt;
use crate::sessions;
use crate::store::Store;
use crate::wire;

/// The right to change prompts.
pub const CHANGE: Right = Right::new(Role::Admin, "change a prompt");

/// Whether a person of this role may change prompts.
pub fn may_change(role: Role) -> bool {
    CHANGE.is_of(role)
}

/// The name of the field with the text.
pub const TEXT_FIELD: &str = "text";

/// A prompt that people edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptName {
    /// The prompt of scans by the agent.
    SelfMonitoring,
}

/// Reads the name of a prompt.
///
/// # Errors
/// `JOB-VALUE-001` for a name that no prompt has.
pub fn parse_name(text: &str) -> Result<PromptName> {
    match text.trim() {
        "self_monitoring" => Ok(PromptName::SelfMonitoring),
        other => {
            let why = format!("find the prompt {other:?}: the only one is self_monitoring");
            Err(Error::new(Code::ModelInvalid, why))
        }
    }
}

/// The prompt files by which sessions can be asked, in the order of their names.
///
/// # Errors
/// `STORE-IO-001` if the system refuses to read their folder.
pub fn files(store: &Store) -> Result<Vec<wire::PromptFile>> {
    let files = store.folder().map_or_else(|| Ok(Vec::new()), sessions::prompt_files)?;
    Ok(files.into_iter().map(wire::PromptFile::from).collect())
}

/// Stores an edited prompt, or goes back to the shipped one (`None`). The next scan uses it.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin; `AUTH-LOGIN-005` for a sign-in that is not fresh; `JOB-VALUE-001` for a blank text;
/// `JOB-SIZE-001` for one of more than 64 KB.
pub async fn save(
    store: &Store,
    call: &Call,
    name: PromptName,
    text: Option<&str>,
) -> Result<Answer<wire::Prompt>> {
    call.needs(CHANGE)?;
    call.needs_fresh(CHANGE.doing)?;
    match name {
        PromptName::SelfMonitoring => {
            let saved = prompt::save(store, text, call.actor(), call.now).await;
            saved.map_err(|error| {
                let is_text = [Class::Invalid, Class::TooLarge].contains(&error.class());
                if is_text { error.of_field(format!("/{TEXT_FIELD}")) } else { error }
            })?;
        }
    }
    let template = prompt::load(store).await?;
    let sentence = if template.modified {
        "The prompt is saved. The next scan uses it."
    } else {
        "The prompt is the shipped one, and follows it when Lamplighter is upgraded."
    };
    let unknown = prompt::unknown_placeholders(&template.text)
        .into_iter()
        .map(|name| format!("{{{name}}} is no placeholder; it stays in the prompt as it is."));
    let missing = prompt::missing_placeholders(&template.text).into_iter();
    let missing = missing
        .map(|(name, what)| format!("The prompt lacks {name}: the agent is not told of {what}."));
    let notes = missing.chain(unknown).collect();
    Ok(Answer::new(wire::Prompt::from(&template), sentence).with_notes(notes))
}

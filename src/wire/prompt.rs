//! Prompts that people edit.

use crate::monitor::prompt::Template;
use crate::sessions;
use serde::Serialize;

/// A prompt.
#[derive(Clone, Debug, Serialize)]
pub struct Prompt {
    /// Its name.
    pub prompt: &'static str,
    /// Its text with the placeholders.
    pub text: String,
    /// Whether a person has edited it; otherwise it is the shipped one.
    pub modified: bool,
}

/// A prompt file by which sessions can be asked.
#[derive(Clone, Debug, Serialize)]
pub struct PromptFile {
    /// Its name.
    pub prompt_file: String,
    /// The operator's file; `null` for one that comes with the program.
    pub path: Option<std::path::PathBuf>,
    /// The parameters that it takes; each needs a value.
    pub parameters: Vec<String>,
    /// Why no session can use it.
    pub problem: Option<String>,
}

impl From<sessions::PromptFile> for PromptFile {
    fn from(file: sessions::PromptFile) -> Self {
        let sessions::PromptFile { name, path, parameters, problem } = file;
        Self { prompt_file: name, path, parameters, problem }
    }
}

impl From<&Template> for Prompt {
    fn from(template: &Template) -> Self {
        Self { prompt: "self_monitoring", text: template.text.clone(), modified: template.modified }
    }
}

//! Prompts that people edit.

use crate::monitor::prompt::Template;
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

impl From<&Template> for Prompt {
    fn from(template: &Template) -> Self {
        Self { prompt: "self_monitoring", text: template.text.clone(), modified: template.modified }
    }
}

//! The Self-Monitoring page. Each of its sections has a file, and so has each form that changes something.

pub(super) mod change_issue;
pub(super) mod change_prompt;
pub(super) mod change_settings;
pub(super) mod configuration;
mod history;
pub(super) mod issue;
mod issues;
pub(super) mod lists;
pub(super) mod page;
pub(super) mod prompt;
pub(super) mod refile;
pub(super) mod settings_page;
mod slices;
pub(super) mod status;

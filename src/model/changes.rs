//! What a run has changed in the folder in which it worked.

use serde::{Deserialize, Serialize};

/// The files that a run has changed, and why that is not known where it is not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionChanges {
    /// The first of the changed files, in the order of their paths.
    pub files: Vec<ChangedFile>,
    /// How many files were changed.
    pub count: u64,
    /// Lines that were added, in all of them.
    pub added: u64,
    /// Lines that were removed, in all of them.
    pub removed: u64,
    /// Bytes of the patch that are kept.
    pub patch_bytes: u64,
    /// Whether the patch was longer.
    pub patch_is_cut: bool,
    /// Whether the server was killed during the run, so that the folder was looked at only when the next one started: what others
    /// have changed until then is among the changes.
    #[serde(default)]
    pub is_late: bool,
    /// Why it is not known what was changed.
    pub unknown: Option<String>,
}

/// A file that a run has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedFile {
    /// Its path below the working directory.
    pub path: String,
    /// What became of it.
    pub how: FileChange,
    /// Lines that were added; `None` for a file that has no lines.
    pub added: Option<u64>,
    /// Lines that were removed.
    pub removed: Option<u64>,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileChange {
    /// It was not there before.
    Added,
    /// It is not there any more.
    Removed,
    /// It has another content, mode or type.
    Changed,
}

impl FileChange {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// What a person should know of changes that were found late.
const LATE: &str = "The server was killed during the run, so the folder was compared when the next server started: what others \
    have changed there until then is counted too.";

impl SessionChanges {
    /// It is not known what was changed, for this reason.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self { unknown: Some(why.into()), ..Self::default() }
    }

    /// The changes in one line.
    pub fn sentence(&self) -> String {
        if let Some(why) = &self.unknown {
            return format!("It is not known which files were changed: {why}.");
        }
        if self.is_late {
            let known = Self { is_late: false, ..self.clone() }.sentence();
            return format!("{known} {LATE}");
        }
        let files = match self.count {
            0 => return "No file was changed.".to_owned(),
            1 => "1 file was changed".to_owned(),
            count => format!("{count} files were changed"),
        };
        let lines = if self.added == 1 { "line" } else { "lines" };
        format!("{files}: {} {lines} added, {} removed.", self.added, self.removed)
    }
}

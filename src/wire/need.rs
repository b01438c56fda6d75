//! What waits for a person, as programs are told it.

use serde::Serialize;

/// Something that waits for a person.
#[derive(Clone, Debug, Serialize)]
pub struct Need {
    /// What names it, the same as long as it lasts: its rule, and the subject after a colon.
    pub key: String,
    /// Why it is told: a word of the list in the documentation.
    pub rule: &'static str,
    /// The queue, the kind, the schedule or the budget that it is about; empty where there is only one.
    pub subject: String,
    /// What is so.
    pub what: String,
    /// Why, and what follows; may be empty.
    pub why: String,
    /// Since when, if that is known.
    pub since: Option<String>,
    /// When it ends by itself, if it does.
    pub until: Option<String>,
    /// Until when somebody has put it off.
    pub put_off_until: Option<String>,
}

/// Something that was put off, or is told again.
#[derive(Clone, Debug, Serialize)]
pub struct NeedPutOff {
    /// Its key.
    pub key: String,
    /// Until when; `null`: it is told again.
    pub until: Option<String>,
}

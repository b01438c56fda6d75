//! The things that paths name, and the answer to a path that names nothing.

use super::extract::Named;
use super::problem::Problem;
use crate::error::Code;
use crate::model::{BatchId, FilingId, IssueId, JobId, Kind, ScheduleName, SettingGroup};

impl Named for JobId {
    type Text = i64;

    fn named(id: i64) -> Option<Self> {
        Some(Self(id))
    }

    fn unfit() -> Problem {
        Problem::input("A job's id is a number.")
    }
}

impl Named for BatchId {
    type Text = i64;

    fn named(id: i64) -> Option<Self> {
        Some(Self(id))
    }

    fn unfit() -> Problem {
        Problem::input("A batch's id is a number.")
    }
}

/// The fingerprint of an error.
pub(super) struct ErrorId(pub(super) String);

impl Named for ErrorId {
    type Text = String;

    fn named(text: String) -> Option<Self> {
        let fits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then_some(Self(text))
    }

    fn unfit() -> Problem {
        Problem::input("An error's fingerprint is of letters and digits.")
    }
}

/// The id of a session, which is its job's.
#[derive(Clone, Copy)]
pub(super) struct SessionId(pub(super) JobId);

impl Named for SessionId {
    type Text = i64;

    fn named(id: i64) -> Option<Self> {
        Some(Self(JobId(id)))
    }

    fn unfit() -> Problem {
        Problem::input("A session's id is a number.")
    }
}

impl Named for FilingId {
    type Text = i64;

    fn named(id: i64) -> Option<Self> {
        Some(Self(id))
    }

    fn unfit() -> Problem {
        Problem::input("A filing's id is a number.")
    }
}

/// The number of a saved view.
#[derive(Clone, Copy)]
pub(super) struct ViewId(pub(super) i64);

impl Named for ViewId {
    type Text = i64;

    fn named(id: i64) -> Option<Self> {
        Some(Self(id))
    }

    fn unfit() -> Problem {
        Problem::input("The id of a saved view is a number.")
    }
}

/// The characters by which people name a token. Whether there is one, the action says.
pub(super) struct TokenId(pub(super) String);

impl Named for TokenId {
    type Text = String;

    fn named(text: String) -> Option<Self> {
        Some(Self(text))
    }

    fn unfit() -> Problem {
        Problem::of(Code::AuthTokenUnknown)
    }
}

impl Named for IssueId {
    type Text = i64;

    fn named(id: i64) -> Option<Self> {
        Some(Self(id))
    }

    fn unfit() -> Problem {
        Problem::of(Code::IssueUnknown)
    }
}

/// An issue, and the word for what is to be done to it.
pub(super) struct IssueAndDeed(pub(super) IssueId, pub(super) String);

impl Named for IssueAndDeed {
    type Text = (i64, String);

    fn named((id, deed): (i64, String)) -> Option<Self> {
        Some(Self(IssueId(id), deed))
    }

    fn unfit() -> Problem {
        Problem::of(Code::IssueUnknown)
    }
}

/// The number of a golden repository.
#[derive(Clone, Copy)]
pub(super) struct RepositoryId(pub(super) i64);

impl Named for RepositoryId {
    type Text = i64;

    fn named(id: i64) -> Option<Self> {
        Some(Self(id))
    }

    fn unfit() -> Problem {
        Problem::of(Code::RepositoryUnknown)
    }
}

impl Named for Kind {
    type Text = String;

    fn named(name: String) -> Option<Self> {
        Self::parse(name).ok()
    }

    fn unfit() -> Problem {
        Problem::input("A kind is named by small letters, digits and underscores.")
    }
}

impl Named for ScheduleName {
    type Text = String;

    fn named(name: String) -> Option<Self> {
        Self::parse(name).ok()
    }

    fn unfit() -> Problem {
        Problem::of(Code::ScheduleUnknown)
    }
}

impl Named for SettingGroup {
    type Text = String;

    fn named(word: String) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.as_str() == word)
    }

    fn unfit() -> Problem {
        Problem::of(Code::WebNotFound)
    }
}

/// The name of a queue as it stands in the address; the action reads it.
pub(super) struct QueueText(pub(super) String);

impl Named for QueueText {
    type Text = String;

    fn named(name: String) -> Option<Self> {
        Some(Self(name))
    }

    fn unfit() -> Problem {
        Problem::of(Code::QueueUnknown)
    }
}

/// The name of a setting as it stands in the address; the action reads it.
pub(super) struct SettingText(pub(super) String);

impl Named for SettingText {
    type Text = String;

    fn named(key: String) -> Option<Self> {
        Some(Self(key))
    }

    fn unfit() -> Problem {
        Problem::input("A setting has a name.")
    }
}

/// The name of an account as it stands in the address; the action reads it.
pub(super) struct PersonText(pub(super) String);

impl Named for PersonText {
    type Text = String;

    fn named(name: String) -> Option<Self> {
        Some(Self(name))
    }

    fn unfit() -> Problem {
        Problem::of(Code::AuthUnknown)
    }
}

/// The code of a set-up link, as it stands in the address.
pub(super) struct SetupText(pub(super) String);

impl Named for SetupText {
    type Text = String;

    fn named(code: String) -> Option<Self> {
        Some(Self(code))
    }

    fn unfit() -> Problem {
        Problem::of(Code::AuthSetupCode)
    }
}

/// The name of a file that pages load.
pub(super) struct AssetName(pub(super) String);

impl Named for AssetName {
    type Text = String;

    fn named(file: String) -> Option<Self> {
        Some(Self(file))
    }

    fn unfit() -> Problem {
        Problem::of(Code::WebNotFound)
    }
}

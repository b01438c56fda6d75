//! The things that paths name, and the answer to a path that names nothing.

use super::extract::Named;
use super::problem::Problem;
use crate::error::Code;
use crate::model::settings;
use crate::model::{FilingId, IssueId, JobId, Queue, ScheduleName, Setting};

impl Named for JobId {
    type Text = i64;

    fn named(id: i64) -> Option<Self> {
        Some(Self(id))
    }

    fn unfit() -> Problem {
        Problem::input("A job's id is a number.")
    }
}

/// The id of a session, which is its job's.
#[derive(Clone, Copy)]
pub(super) struct SessionId(pub(super) JobId);

impl SessionId {
    /// The answer if no session has this id.
    pub(super) fn unknown(id: JobId) -> Problem {
        Problem::of(Code::WebNotFound).saying(format!("There is no session {id}."))
    }
}

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

impl Named for ScheduleName {
    type Text = String;

    fn named(name: String) -> Option<Self> {
        Self::parse(name).ok()
    }

    fn unfit() -> Problem {
        Problem::of(Code::ScheduleUnknown)
    }
}

impl Named for Queue {
    type Text = String;

    fn named(name: String) -> Option<Self> {
        Self::parse(name).ok()
    }

    fn unfit() -> Problem {
        Problem::of(Code::QueueUnknown)
    }
}

impl Named for &'static Setting {
    type Text = String;

    fn named(key: String) -> Option<Self> {
        settings::named(&key)
    }

    fn unfit() -> Problem {
        Problem::of(Code::WebNotFound)
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

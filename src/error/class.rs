//! The class of an error code: the one table from which HTTP status, exit code and log level follow.
//!
//! | class | who can mend it | HTTP | exit |
//! |---|---|---|---|
//! | `Invalid` | the caller: a value does not fit | 400 | 2 |
//! | `Unproven` | the caller: nobody is signed in | 401 | 77 |
//! | `Forbidden` | the caller: the role does not allow it | 403 | 77 |
//! | `NotFound` | the caller: the named thing is not there | 404 | 69 |
//! | `Method` | the caller: the address has other methods | 405 | 2 |
//! | `Conflict` | the caller: the thing is not in the right state | 409 | 1 |
//! | `Gone` | the caller: it was there, and is over | 410 | 69 |
//! | `TooLarge` | the caller: too much at once | 413 | 2 |
//! | `Misdirected` | the caller: another server is meant | 421 | 2 |
//! | `TooMany` | the caller, later: a limit is reached | 429 | 75 |
//! | `TimeUp` | the caller: the wait was not long enough | 504 | 124 |
//! | `Unconfigured` | the operator: the configuration lacks something | 409 | 78 |
//! | `Missing` | the operator: a program, a file or a database is not there | 503 | 69 |
//! | `NoAccess` | the operator: the system's permissions refuse it | 503 | 77 |
//! | `Busy` | nobody: it passes by itself; nothing was changed | 503 | 75 |
//! | `Unavailable` | the operator: the disk or the file system refuses | 503 | 1 |
//! | `Unknown` | nobody knows whether the change was made: look first | 503 | 1 |
//! | `Damaged` | the operator: a file or a row is not what it should be | 500 | 65 |
//! | `Interrupted` | the caller: a signal ended it | 503 | 130 |
//! | `Internal` | us: it is a bug, or the outside world failed | 500 | 1 |

/// The kind of failure that an error code stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A value does not fit its rule.
    Invalid,
    /// Nobody is signed in, or the proof does not hold.
    Unproven,
    /// The caller's role does not allow it.
    Forbidden,
    /// The thing that the request names is not there.
    NotFound,
    /// The address takes other methods.
    Method,
    /// The thing that the request names is not in the state that the request needs.
    Conflict,
    /// The thing that the request names was there, and is over.
    Gone,
    /// The request is larger than it may be.
    TooLarge,
    /// The request is meant for another server.
    Misdirected,
    /// A limit is reached; a later try can succeed.
    TooMany,
    /// The time that the caller gave is over; what the caller waits for goes on.
    TimeUp,
    /// The configuration lacks what the request needs.
    Unconfigured,
    /// A program, a file or a database that the request needs is not there.
    Missing,
    /// The system's permissions refuse it.
    NoAccess,
    /// Something is held by another for a time; nothing was changed (P2, *refused*).
    Busy,
    /// The disk or the file system refuses; nothing was changed (P2, *refused*).
    Unavailable,
    /// The change may or may not have been made (P2, *unknown*).
    Unknown,
    /// A file or a stored row is not what it should be.
    Damaged,
    /// A signal ended it before it was done.
    Interrupted,
    /// A bug of ours, or a failure of the outside world.
    Internal,
}

impl Class {
    /// The status of an HTTP answer.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unproven => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Method => 405,
            Self::Conflict | Self::Unconfigured => 409,
            Self::Gone => 410,
            Self::TooLarge => 413,
            Self::Misdirected => 421,
            Self::TooMany => 429,
            Self::Damaged | Self::Internal => 500,
            Self::Missing
            | Self::NoAccess
            | Self::Busy
            | Self::Unavailable
            | Self::Unknown
            | Self::Interrupted => 503,
            Self::TimeUp => 504,
        }
    }

    /// The exit code of a command (sysexits, where it has a word for it; 124 is `timeout`'s, 130 a shell's).
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Conflict | Self::Unavailable | Self::Unknown | Self::Internal => 1,
            Self::Invalid | Self::Method | Self::TooLarge | Self::Misdirected => 2,
            Self::Damaged => 65,
            Self::NotFound | Self::Gone | Self::Missing => 69,
            Self::TooMany | Self::Busy => 75,
            Self::Unproven | Self::Forbidden | Self::NoAccess => 77,
            Self::Unconfigured => 78,
            Self::TimeUp => 124,
            Self::Interrupted => 130,
        }
    }

    /// Whether the caller alone caused it. Such an error is an answer: it is told in full and is no line of the log.
    /// Every other one is logged as an error, and a stranger is told its code and that code's texts only.
    pub const fn is_refusal(self) -> bool {
        match self {
            Self::Invalid
            | Self::Unproven
            | Self::Forbidden
            | Self::NotFound
            | Self::Method
            | Self::Conflict
            | Self::Gone
            | Self::TooLarge
            | Self::Misdirected
            | Self::TooMany
            | Self::TimeUp
            | Self::Unconfigured => true,
            Self::Missing
            | Self::NoAccess
            | Self::Busy
            | Self::Unavailable
            | Self::Unknown
            | Self::Damaged
            | Self::Interrupted
            | Self::Internal => false,
        }
    }
}

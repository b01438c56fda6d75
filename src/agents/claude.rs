//! Claude Code's command line: how the program is called, what it prints, and how its end is judged.
//!
//! Pure functions: [`Settings::argv`] makes the arguments, [`Reader`] turns what the program prints into [`Event`]s,
//! a [`Summary`] gathers them, and [`verdict`] says what became of the run. Starting the program is not done here,
//! and time is an argument.
//!
//! *Invariant:* nothing the program prints is an error here. What is not understood is kept as it came.
//!
//! # Source
//! What versions 1.0.120, 2.0.30, 2.1.128 and 2.1.329 did, driven headless against a scripted API: their streams are in
//! `tests/fixtures/claude-stream`. <https://code.claude.com/docs/en/cli-reference>, <https://code.claude.com/docs/en/headless>.

mod bounds;
mod counts;
mod event;
mod lines;
mod meter;
mod prices;
mod problem;
mod read;
mod reset;
mod settings;
mod show;
mod summary;
mod verdict;
mod versions;

pub use bounds::Bounds;
pub use counts::Served;
pub use event::{Denial, Event, RateLimit, Report, Tokens};
pub use lines::{Line, Lines, MAX_LINE_BYTES};
pub use meter::{Meter, Usage};
pub use problem::{Problem, ProblemKind};
pub use read::{ReadLine, Reader};
pub use reset::reset_time;
pub use settings::{CliSession, HEARTBEATS, Model, Resume, Servers, SettingSource, Settings};
pub use summary::Summary;
pub use verdict::{Conclusion, End, OnDenial, Stop, Verdict, verdict};
pub use versions::Version;

/// Cuts a text to at most `most` bytes on a character and says so; a shorter one is left alone.
fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let kept = &text[..text.floor_char_boundary(most)];
    format!("{kept}… (cut, {} bytes in all)", text.len())
}

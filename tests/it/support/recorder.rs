//! What a process did to the files of a folder, written down by a recorder in C that is loaded into it (`recorder.c`), which also makes
//! calls fail where a test wants it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One thing that was done to a file.
pub struct Step {
    /// The file's number in the record.
    pub file: u8,
    pub done: Done,
}

pub enum Done {
    /// The record's next number for a file is this name's.
    Name(String),
    Create,
    Write {
        offset: usize,
        bytes: Vec<u8>,
    },
    /// The file is so long now.
    Length(usize),
    Sync,
    /// A sync that answered an error: what it covered may be gone, and no later sync covers it again.
    FailedSync,
    /// Another call that answered an error, and did nothing.
    Refused,
    Remove,
    /// It is the file of this number too: one file with two names.
    Link(u8),
    /// The names in the folder are on the disk.
    FolderSync,
    /// The process was killed before it made this call.
    Killed(String),
}

/// The folder whose files are recorded, in the environment of the process.
pub const FOLDER: &str = "LAMPLIGHTER_RECORD_FOLDER";
/// Before which call the process is killed, in its environment: `write 3 NAME`, see `recorder.c`.
pub const KILL: &str = "LAMPLIGHTER_RECORD_KILL";
/// The error of a disk that cannot.
pub const EIO: i32 = 5;
/// The error of a disk that is full.
pub const ENOSPC: i32 = 28;

/// Calls that fail.
#[derive(Clone, Copy)]
pub struct Failing {
    /// `open`, `write`, `length` or `sync`.
    pub call: &'static str,
    /// The number that errno gets.
    pub error: i32,
    /// At which of these calls.
    pub at: usize,
    /// `once`, `on` for all calls from that one on, or `each` for every such number of calls.
    pub how: &'static str,
}

/// This test binary as a process that runs one test, recorded into `record` as far as it changes the files of `folder`.
pub fn recorded(
    library: &Path,
    test: &str,
    folder: &Path,
    record: &Path,
    failing: Option<Failing>,
) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .env("LD_PRELOAD", library)
        .env(FOLDER, folder)
        .env("LAMPLIGHTER_RECORD", record);
    if let Some(Failing { call, error, at, how }) = failing {
        command.env("LAMPLIGHTER_RECORD_FAILING", format!("{call} {error} {at} {how}"));
    }
    command
}

/// Builds the recorder into a folder.
pub fn build(folder: &Path) -> PathBuf {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/recorder.c");
    let library = folder.join("recorder.so");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let mut build = Command::new(compiler);
    build.args(["-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(source);
    assert!(build.arg("-ldl").status().unwrap().success(), "the recorder is not built");
    library
}

pub fn read(record: &Path) -> Vec<Step> {
    let bytes = fs::read(record).unwrap();
    let (mut rest, mut steps) = (bytes.as_slice(), Vec::new());
    while let Some((head, tail)) = rest.split_at_checked(18) {
        let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap()) as usize;
        let (offset, length) = (number(2), number(10));
        let (data, tail) = tail.split_at(length);
        rest = tail;
        let done = match head[0] {
            b'N' => Done::Name(String::from_utf8(data.to_vec()).unwrap()),
            b'C' => Done::Create,
            b'W' => Done::Write { offset, bytes: data.to_vec() },
            b'T' => Done::Length(offset),
            b'S' if head[1] == 0 => Done::FolderSync,
            b'S' => Done::Sync,
            b'L' => Done::Link(offset as u8),
            b'K' => Done::Killed(String::from_utf8(data.to_vec()).unwrap()),
            b'F' => Done::FailedSync,
            b'E' => Done::Refused,
            b'U' => Done::Remove,
            other => panic!("the record holds a step {other}"),
        };
        steps.push(Step { file: head[1], done });
    }
    assert!(rest.is_empty(), "the record ends within a step");
    steps
}

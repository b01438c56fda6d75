//! What a process did to its files, as the recorder in C wrote it down.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One thing that was done to a file.
pub(super) struct Step {
    /// The file's number in the record.
    pub(super) file: u8,
    pub(super) done: Done,
}

pub(super) enum Done {
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
    Remove,
}

/// Builds the recorder, a library that is loaded into a process before all others.
pub(super) fn build(folder: &Path) -> PathBuf {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/power_loss/recorder.c");
    let library = folder.join("recorder.so");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let mut build = Command::new(compiler);
    build.args(["-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(source);
    assert!(build.arg("-ldl").status().unwrap().success(), "the recorder is not built");
    library
}

pub(super) fn read(record: &Path) -> Vec<Step> {
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
            b'S' => Done::Sync,
            b'F' => Done::FailedSync,
            b'U' => Done::Remove,
            other => panic!("the record holds a step {other}"),
        };
        steps.push(Step { file: head[1], done });
    }
    assert!(rest.is_empty(), "the record ends within a step");
    steps
}

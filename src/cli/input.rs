//! What an argument stands for: itself, standard input (`-`), or a file (`@FILE`).

use crate::error::{Code, Error, Result};
use std::io::Read;

/// The text that an argument stands for.
///
/// # Errors
/// As [`of_file`].
pub(super) fn text(argument: &str) -> Result<String> {
    match argument.strip_prefix('@') {
        Some(path) => of_file(path),
        None if argument == "-" => of_file("-"),
        None => Ok(argument.to_owned()),
    }
}

/// The text of the file at this path; `-` stands for standard input.
///
/// # Errors
/// `INPUT-FILE-001` if there is none, `-002` if this user may not read it, `JOB-VALUE-001` if it is not UTF-8.
pub(super) fn of_file(path: &str) -> Result<String> {
    let mut text = String::new();
    let (read, from) = match path {
        "-" => (std::io::stdin().lock().read_to_string(&mut text).map(drop), "standard input"),
        path => (std::fs::read_to_string(path).map(|read| text = read), path),
    };
    read.map(|()| text).map_err(|error| {
        let code = Code::of_input(error.kind(), Code::ModelInvalid);
        Error::new(code, format!("read {from}")).because(error)
    })
}

//! What an argument stands for: itself, standard input (`-`), or a file (`@FILE`).

use crate::error::{Code, Error, Result};
use std::io::Read;

/// The text that an argument stands for.
///
/// # Errors
/// `JOB-VALUE-001` if it cannot be read as UTF-8.
pub(super) fn text(argument: &str) -> Result<String> {
    let mut text = String::new();
    let (read, from) = match argument.strip_prefix('@') {
        Some(path) => (std::fs::read_to_string(path).map(|read| text = read), path),
        None if argument == "-" => {
            (std::io::stdin().lock().read_to_string(&mut text).map(drop), "standard input")
        }
        None => return Ok(argument.to_owned()),
    };
    let failed = |error| Error::new(Code::ModelInvalid, format!("read {from}")).because(error);
    read.map(|()| text).map_err(failed)
}

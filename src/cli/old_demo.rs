//! The data directory of a demo that version 0.1.0 served: it is set aside, for no later version reads it.

use super::output;
use crate::config;
use crate::error::{Code, Error, Result};
use crate::files;
use crate::model::Timestamp;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Gives `folder` a dated name beside itself if it is the place that demos have by themselves. A directory that somebody
/// named may hold more than a demo, and stays.
///
/// # Errors
/// `refusal`, the error of the one who could not open the directory: if somebody named it, or a server still runs on it.
pub(super) fn set_aside(folder: &Path, refusal: Error, now: Timestamp) -> Result<()> {
    let env = |name: &str| if name == config::DATA_DIR { None } else { std::env::var(name).ok() };
    let is_own = config::data_dir(None, env, true).is_ok_and(|own| own == folder);
    if refusal.code() != Code::StoreFirst || !is_own {
        return Err(refusal);
    }
    let io = |e| Error::new(Code::StoreIo, format!("set {} aside", folder.display())).because(e);
    let _lock = match files::open(&folder.join("lamplighter.lock")) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(io(error)),
        Ok(file) if files::try_lock(&file).map_err(io)? => Some(file),
        Ok(_) => return Err(refusal),
    };
    let aside = free_name(folder, now);
    fs::rename(folder, &aside).map_err(io)?;
    output::note(&format!(
        "The demo of version 0.1.0 is now in {}; this demo begins anew.",
        aside.display()
    ));
    Ok(())
}

/// `lamplighter-demo.2026-11-28`, or that with a number.
fn free_name(folder: &Path, now: Timestamp) -> PathBuf {
    let day: String = now.to_string().chars().take("2026-11-28".len()).collect();
    let mut name = folder.as_os_str().to_owned();
    name.push(format!(".{day}"));
    let first = PathBuf::from(&name);
    let numbered = (2_u32..).map(|number| {
        let mut name = name.clone();
        name.push(format!("-{number}"));
        PathBuf::from(name)
    });
    let mut names = std::iter::once(first.clone()).chain(numbered);
    names.find(|name| !name.exists()).unwrap_or(first)
}

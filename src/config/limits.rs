//! `[agent.limits]`: what a run of an agent may take of the machine.

use super::value;
use crate::error::{Code, Error, Result};
use crate::model::Resources;
use bytesize::ByteSize;
use serde::Deserialize;
use std::str::FromStr;

const SIZE: &str = "a size such as 512MiB or 4GiB";

/// The section as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LimitsFile {
    memory: Option<String>,
    processes: Option<u32>,
    file: Option<String>,
    open_files: Option<u64>,
    disk_free: Option<String>,
    nice: Option<u8>,
}

impl LimitsFile {
    /// The limits that the variables, the file and the defaults make.
    ///
    /// # Errors
    /// `CONFIG-VALUE-001` with the key or the variable, and what is allowed.
    pub(super) fn load(self, env: impl Fn(&str) -> Option<String>) -> Result<Resources> {
        let usual = Resources::default();
        let size = |key: &str, written: Option<String>, usual: u64| -> Result<u64> {
            let Some((key, text)) = named(&env, key, written) else { return Ok(usual) };
            Ok(value::<ByteSize>(&key, &text, SIZE)?.as_u64())
        };
        let resources = Resources {
            memory: size("memory", self.memory, usual.memory)?,
            processes: number(&env, "processes", self.processes, usual.processes)?,
            file: size("file", self.file, usual.file)?,
            open_files: number(&env, "open_files", self.open_files, usual.open_files)?,
            disk_left: size("disk_free", self.disk_free, usual.disk_left)?,
            nice: number(&env, "nice", self.nice, usual.nice)?,
        };
        for (key, is_enough, allowed) in [
            ("memory", resources.memory >= MIN_MEMORY, "at least 64MiB"),
            ("processes", resources.processes >= MIN_PROCESSES, "at least 8"),
            ("file", resources.file >= MIN_FILE, "at least 1MiB"),
            ("open_files", resources.open_files >= MIN_OPEN_FILES, "at least 64"),
            ("nice", resources.nice <= MAX_NICE, "0 to 19"),
        ] {
            if !is_enough {
                let doing = format!("read agent.limits.{key}: {allowed} is allowed");
                return Err(Error::new(Code::ConfigInvalid, doing));
            }
        }
        Ok(resources)
    }
}

/// The least that an agent program starts with at all.
const MIN_MEMORY: u64 = 64 * 1024 * 1024;
const MIN_PROCESSES: u32 = 8;
const MIN_FILE: u64 = 1024 * 1024;
const MIN_OPEN_FILES: u64 = 64;
/// `nice(1)` knows no more.
const MAX_NICE: u8 = 19;

/// What is written under a key, with its name: the variable, else the key of the file.
fn named(
    env: impl Fn(&str) -> Option<String>,
    key: &str,
    written: Option<String>,
) -> Option<(String, String)> {
    let variable = format!("LAMPLIGHTER_AGENT_LIMITS_{}", key.to_uppercase());
    let set = env(&variable).map(|text| (variable, text));
    set.or_else(|| written.map(|text| (format!("agent.limits.{key}"), text)))
}

fn number<T: FromStr + ToString>(
    env: impl Fn(&str) -> Option<String>,
    key: &str,
    written: Option<T>,
    usual: T,
) -> Result<T> {
    match named(env, key, written.map(|number| number.to_string())) {
        Some((key, text)) => value(&key, &text, "a whole number"),
        None => Ok(usual),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_counts_before_the_file_and_the_file_before_the_default() {
        let file = "memory = '512MiB'\nprocesses = 64\nnice = 10";
        let env = |name: &str| (name == "LAMPLIGHTER_AGENT_LIMITS_NICE").then(|| "0".to_owned());
        let limits = toml::from_str::<LimitsFile>(file).unwrap().load(env).unwrap();
        let usual = Resources::default();
        assert_eq!(limits, Resources { memory: 512 << 20, processes: 64, nice: 0, ..usual });
    }

    #[test]
    fn a_limit_that_is_none_is_refused_with_its_key() {
        for (file, said) in [
            ("memory = 'much'", "agent.limits.memory"),
            ("memory = '1MiB'", "agent.limits.memory: at least 64MiB"),
            ("processes = 0", "agent.limits.processes: at least 8"),
            ("nice = 20", "agent.limits.nice: 0 to 19"),
        ] {
            let limits = toml::from_str::<LimitsFile>(file).unwrap();
            let error = limits.load(|_| None).unwrap_err().to_string();
            assert!(error.contains(said), "{file}: {error}");
        }
        assert!(toml::from_str::<LimitsFile>("memroy = '1GiB'").is_err());
    }
}

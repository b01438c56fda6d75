//! What is decided before the server starts: defaults < `lamplighter.toml` < environment < flags.
//!
//! What an operator changes while it runs is not here; it lives in the database.

use crate::error::{Code, Error, Result};
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where the server listens unless it is told otherwise.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8745);

/// The agent program unless another is named.
const DEFAULT_AGENT: &str = "claude";
/// What agents get of the server's environment unless it is said otherwise: how to reach and pay the model's service.
const PASS_ENV: [&str; 5] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// The whole start-up configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `server.listen`, `LAMPLIGHTER_LISTEN`, `--listen`. Default `127.0.0.1:8745`.
    pub listen: SocketAddr,
    /// `server.allowed_hosts`, `LAMPLIGHTER_ALLOWED_HOSTS` (commas): names the server answers to besides the loopback
    /// ones.
    pub allowed_hosts: Vec<String>,
    /// `server.trusted_proxies`, `LAMPLIGHTER_TRUSTED_PROXIES` (commas): peers whose `X-Forwarded-*` count.
    pub trusted_proxies: Vec<IpAddr>,
    /// `agent.command`, `LAMPLIGHTER_AGENT_COMMAND`: the agent program, a name on the `PATH` or a path. Default `claude`.
    pub agent_command: String,
    /// `agent.pass_env`, `LAMPLIGHTER_AGENT_PASS_ENV` (commas): variables of the server that agents get.
    pub agent_pass_env: Vec<String>,
    /// `agent.sandbox`, `LAMPLIGHTER_AGENT_SANDBOX`: `auto` (bwrap where it is usable), `bwrap` or `none`.
    pub agent_sandbox: SandboxChoice,
    /// `agent.working_dir`, `LAMPLIGHTER_AGENT_WORKING_DIR`: where sessions start that do not say. Default: a folder of their
    /// own.
    pub agent_working_dir: Option<PathBuf>,
    /// `log.level`, `LAMPLIGHTER_LOG`: the least grave level that is logged. Default `info`.
    pub log_level: tracing::Level,
    /// `log.format`: what standard error gets. Default: text on a terminal, JSON otherwise.
    pub log_format: Option<LogFormat>,
}

/// How log lines are written to standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs, one object a line.
    Json,
}

/// Whether agents are put into the sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SandboxChoice {
    /// Where it is usable.
    #[default]
    Auto,
    /// Always: no agent runs without it.
    Bwrap,
    /// Never.
    None,
}

impl FromStr for SandboxChoice {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        match text {
            "auto" => Ok(Self::Auto),
            "bwrap" => Ok(Self::Bwrap),
            "none" => Ok(Self::None),
            _ => Err(()),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    server: Server,
    agent: Agent,
    log: Log,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Server {
    listen: Option<SocketAddr>,
    allowed_hosts: Vec<String>,
    trusted_proxies: Vec<IpAddr>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Agent {
    command: Option<String>,
    pass_env: Option<Vec<String>>,
    sandbox: SandboxChoice,
    working_dir: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Log {
    level: Option<String>,
    format: Option<LogFormat>,
}

impl Config {
    /// Puts the layers together. `file` is the path and text of the configuration file, `env` looks a variable up,
    /// `listen` is the flag. An empty variable counts as not set.
    ///
    /// # Errors
    /// `CONFIG-VALUE-001` with the file, line and key, or the variable, and what is allowed.
    pub fn load(
        file: Option<(&Path, &str)>,
        env: impl Fn(&str) -> Option<String>,
        listen: Option<SocketAddr>,
    ) -> Result<Self> {
        let File { server, agent, log } = match file {
            None => File::default(),
            Some((path, text)) => toml::from_str(text).map_err(|error| {
                Error::new(Code::ConfigInvalid, format!("read {}", path.display())).because(error)
            })?,
        };
        let env = |name: &str| env(name).filter(|value| !value.is_empty());
        let listen = match (listen, env("LAMPLIGHTER_LISTEN")) {
            (Some(flag), _) => flag,
            (None, Some(text)) => {
                value("LAMPLIGHTER_LISTEN", &text, "an address and port such as 127.0.0.1:8745")?
            }
            (None, None) => server.listen.unwrap_or(DEFAULT_LISTEN),
        };
        let allowed_hosts = match env("LAMPLIGHTER_ALLOWED_HOSTS") {
            Some(text) => list("LAMPLIGHTER_ALLOWED_HOSTS", &text, "host names")?,
            None => server.allowed_hosts,
        };
        let trusted_proxies = match env("LAMPLIGHTER_TRUSTED_PROXIES") {
            Some(text) => list("LAMPLIGHTER_TRUSTED_PROXIES", &text, "IP addresses")?,
            None => server.trusted_proxies,
        };
        let log_level = match (env("LAMPLIGHTER_LOG"), log.level) {
            (Some(text), _) => value("LAMPLIGHTER_LOG", &text, LEVELS)?,
            (None, Some(text)) => value("log.level", &text, LEVELS)?,
            (None, None) => tracing::Level::INFO,
        };
        let agent_pass_env = match (env("LAMPLIGHTER_AGENT_PASS_ENV"), agent.pass_env) {
            (Some(text), _) => list("LAMPLIGHTER_AGENT_PASS_ENV", &text, "names of variables")?,
            (None, Some(names)) => names,
            (None, None) => PASS_ENV.map(str::to_owned).into(),
        };
        let agent_sandbox = match env("LAMPLIGHTER_AGENT_SANDBOX") {
            Some(text) => value("LAMPLIGHTER_AGENT_SANDBOX", &text, "one of auto, bwrap, none")?,
            None => agent.sandbox,
        };
        let working_dir = env("LAMPLIGHTER_AGENT_WORKING_DIR").map(PathBuf::from);
        Ok(Self {
            listen,
            allowed_hosts,
            trusted_proxies,
            agent_command: env("LAMPLIGHTER_AGENT_COMMAND")
                .or(agent.command)
                .unwrap_or_else(|| DEFAULT_AGENT.to_owned()),
            agent_pass_env,
            agent_sandbox,
            agent_working_dir: working_dir.or(agent.working_dir),
            log_level,
            log_format: log.format,
        })
    }
}

const LEVELS: &str = "one of error, warn, info, debug, trace";

fn value<T: FromStr>(key: &str, text: &str, allowed: &str) -> Result<T> {
    text.trim().parse().map_err(|_| {
        Error::new(Code::ConfigInvalid, format!("read {key}: {text:?} is not {allowed}"))
    })
}

fn list<T: FromStr>(key: &str, text: &str, allowed: &str) -> Result<Vec<T>> {
    text.split(',')
        .filter(|item| !item.trim().is_empty())
        .map(|item| value(key, item, allowed))
        .collect()
}

/// The data directory: the flag, else `LAMPLIGHTER_DATA_DIR`, else the user's data folder + `lamplighter`
/// (`lamplighter-demo` for the demo).
///
/// # Errors
/// `CONFIG-DIR-001` if none of them, nor `XDG_DATA_HOME` or `HOME`, is set.
pub fn data_dir(
    flag: Option<PathBuf>,
    env: impl Fn(&str) -> Option<String>,
    demo: bool,
) -> Result<PathBuf> {
    let env = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = if demo { "lamplighter-demo" } else { "lamplighter" };
    let platform = || {
        let data =
            env("XDG_DATA_HOME").or_else(|| env("HOME").map(|home| home.join(".local/share")));
        data.map(|data| data.join(folder))
    };
    flag.or_else(|| env("LAMPLIGHTER_DATA_DIR"))
        .or_else(platform)
        .ok_or_else(|| Error::new(Code::ConfigDirectory, "find the data directory"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, env: &[(&str, &str)]) -> Result<Config> {
        let get = |name: &str| {
            env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        Config::load(Some((Path::new("lamplighter.toml"), file)), get, None)
    }

    #[test]
    fn the_environment_overrides_the_file_and_an_empty_variable_counts_as_not_set() {
        let file = "[server]\nlisten = \"127.0.0.1:1\"\nallowed_hosts = [\"a.example\"]\n[log]\nlevel = \"warn\"";
        let env = [("LAMPLIGHTER_LISTEN", "[::1]:2"), ("LAMPLIGHTER_ALLOWED_HOSTS", "")];
        let config = load(file, &env).unwrap();
        assert_eq!(config.listen, "[::1]:2".parse().unwrap());
        assert_eq!(config.allowed_hosts, ["a.example"]);
        assert_eq!(config.log_level, tracing::Level::WARN);
    }

    #[test]
    fn an_unknown_key_or_a_bad_value_names_the_file_the_line_and_what_is_allowed() {
        let unknown = load("[server]\n\nlisten_on = 1", &[]).unwrap_err().to_string();
        assert!(unknown.contains("lamplighter.toml") && unknown.contains("line 3"), "{unknown}");
        assert!(unknown.contains("listen_on") && unknown.contains("allowed_hosts"), "{unknown}");
        let bad = load("", &[("LAMPLIGHTER_LOG", "loud")]).unwrap_err();
        assert_eq!(bad.code(), Code::ConfigInvalid);
        assert!(bad.to_string().contains("one of error, warn"), "{bad}");
    }

    #[test]
    fn the_data_directory_is_the_flag_then_the_variable_then_the_platforms() {
        let env = |name: &str| (name == "HOME").then(|| "/home/ann".to_owned());
        let demo = data_dir(None, env, true).unwrap();
        assert_eq!(demo, Path::new("/home/ann/.local/share/lamplighter-demo"));
        assert_eq!(data_dir(Some("/x".into()), env, true).unwrap(), Path::new("/x"));
        assert_eq!(data_dir(None, |_| None, false).unwrap_err().code(), Code::ConfigDirectory);
    }
}

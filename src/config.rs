//! The configuration that is fixed before the server starts: defaults < `lamplighter.toml` < environment < flags.
//!
//! The settings that an operator changes while the server runs are in the database.

mod file;
mod folders;
mod limits;
mod log_sources;
mod monitoring;

pub(crate) use self::file::{configuration, configuration_file};
use self::folders::{FolderFile, folders};
use self::limits::LimitsFile;
use self::log_sources::{LogSourceFile, log_sources};
use self::monitoring::MonitoringFile;
use crate::error::{Code, Error, Result};
use crate::model::{
    AgentFolder, AllowedHost, ApiUrl, LogSource, LogTable, RemoteKind, Repository, Resources,
};
use serde::{Deserialize, Deserializer, de};
use std::iter;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The variable that names the data directory.
pub(crate) const DATA_DIR: &str = "LAMPLIGHTER_DATA_DIR";
/// Where the server listens unless it is told otherwise.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8745);

/// What `agent.uid` takes.
const USER_ID: &str = "a number above 0";

/// The agent program unless another is named.
const DEFAULT_AGENT: &str = "claude";

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
    /// `agent.*`: the program that sessions and scans are run by.
    pub agent: Agent,
    /// `tracker.*`: where issues go.
    pub tracker: Tracker,
    /// `log.level`, `LAMPLIGHTER_LOG`: the least grave level that is logged. Default `info`.
    pub log_level: tracing::Level,
    /// `log.format`: what standard error gets. Default: text on a terminal, JSON otherwise.
    pub log_format: Option<LogFormat>,
    /// `[[log_source]]`: logs of other programs that are followed. Default: none.
    pub log_sources: Vec<LogSource>,
    /// `monitoring.log_db`, `LAMPLIGHTER_MONITORING_LOG_DB`, with `log_table`, `[monitoring.log_columns]` and `[monitoring.log_levels]`: a table of another
    /// program's SQLite database that scans read where it lies. Default: scans read the server's own log database.
    pub scanned_log: Option<LogTable>,
}

/// Where issues go. The token is not here: it is read anew for each request, from the variable of its kind (`GITHUB_TOKEN`) or `token_file`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracker {
    /// `tracker.kind`, `LAMPLIGHTER_TRACKER_KIND`. Default `local`.
    pub kind: TrackerKind,
    /// `tracker.repository`, `LAMPLIGHTER_TRACKER_REPOSITORY`: `owner/name`.
    pub repository: Option<Repository>,
    /// `tracker.api_url`, `LAMPLIGHTER_TRACKER_API_URL`. Default the public API of the tracker's kind.
    pub api_url: ApiUrl,
    /// `tracker.token_file`: a file of mode 0600 that holds the token.
    pub token_file: Option<PathBuf>,
}

/// Which issue tracker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrackerKind {
    /// The issue list in our own database.
    #[default]
    Local,
    /// A tracker elsewhere.
    Remote(RemoteKind),
}

impl TrackerKind {
    /// The API that is asked unless another one is named.
    fn api_url(self) -> ApiUrl {
        match self {
            Self::Local => ApiUrl::default(),
            Self::Remote(kind) => kind.api_url(),
        }
    }

    /// What [`FromStr`] takes, in words.
    fn allowed() -> String {
        let remote = RemoteKind::ALL.iter().map(|kind| kind.as_str());
        let words: Vec<_> = iter::once("local").chain(remote).collect();
        format!("one of {}", words.join(", "))
    }
}

impl FromStr for TrackerKind {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "local" => Ok(Self::Local),
            text => text.parse().map(Self::Remote),
        }
    }
}

impl<'de> Deserialize<'de> for TrackerKind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let refused = || format!("{text:?} is not {}", Self::allowed());
        text.parse().map_err(|()| de::Error::custom(refused()))
    }
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

/// The program that sessions and scans are run by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// `agent.command`, `LAMPLIGHTER_AGENT_COMMAND`: a name on the `PATH` or a path. Default `claude`.
    pub command: String,
    /// `agent.pass_env`, `LAMPLIGHTER_AGENT_PASS_ENV` (commas): variables of the server that agents get. Default: none. The
    /// key of the model's service and the proxy stay with the server, also if they are named here.
    pub pass_env: Vec<String>,
    /// `agent.sandbox`, `LAMPLIGHTER_AGENT_SANDBOX`: `bwrap` or `none`.
    pub sandbox: SandboxChoice,
    /// `agent.allow_hosts`, `LAMPLIGHTER_AGENT_ALLOW_HOSTS` (commas): hosts that agents reach besides the model's service, by
    /// name or address, with a port unless it is 443. Default: none.
    pub allow_hosts: Vec<AllowedHost>,
    /// `agent.limits.*`, `LAMPLIGHTER_AGENT_LIMITS_*`: `memory`, `file` and `disk_free` (sizes such as `4GiB`), `processes`,
    /// `open_files` and `nice` (numbers): what a run may take of the machine.
    pub resources: Resources,
    /// `agent.uid`, `LAMPLIGHTER_AGENT_UID`: the number of the user as whom a server of root runs agents where there is no
    /// user `lamplighter-agent`. Default: none.
    pub uid: Option<u32>,
    /// `agent.working_dir`, `LAMPLIGHTER_AGENT_WORKING_DIR`: where sessions start that do not say. Default: a folder of their
    /// own.
    pub working_dir: Option<PathBuf>,
    /// `[[agent.folder]]`, with `path`, `claude_md` and `mcp_servers`: working directories that give their sessions their
    /// `CLAUDE.md` and MCP servers. Default: none.
    pub folders: Vec<AgentFolder>,
}

/// Whether agents are put into the sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SandboxChoice {
    /// Agents run in bwrap's sandbox; only those of profile `full` run without it. `auto`, an older word, is the same.
    #[default]
    #[serde(alias = "auto")]
    Bwrap,
    /// Agents run without a sandbox: each sees and may do what the server's user may.
    None,
}

impl FromStr for SandboxChoice {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        match text {
            "bwrap" | "auto" => Ok(Self::Bwrap),
            "none" => Ok(Self::None),
            _ => Err(()),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    server: Server,
    agent: AgentFile,
    tracker: TrackerFile,
    log: Log,
    log_source: Vec<LogSourceFile>,
    monitoring: MonitoringFile,
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
struct AgentFile {
    command: Option<String>,
    pass_env: Option<Vec<String>>,
    sandbox: SandboxChoice,
    allow_hosts: Vec<String>,
    uid: Option<u32>,
    working_dir: Option<PathBuf>,
    limits: LimitsFile,
    folder: Vec<FolderFile>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TrackerFile {
    kind: TrackerKind,
    #[serde(deserialize_with = "parsed")]
    repository: Option<Repository>,
    #[serde(deserialize_with = "parsed")]
    api_url: Option<ApiUrl>,
    token_file: Option<PathBuf>,
}

/// A value of a type that is parsed from text; an empty one counts as not set.
fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err = &'static str>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() {
        return Ok(None);
    }
    let refused = |allowed| de::Error::custom(format!("{text:?} is not {allowed}"));
    text.parse().map(Some).map_err(refused)
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
        let File { server, agent, tracker, log, log_source, monitoring } = match file {
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
        if let Some(all) = trusted_proxies.iter().find(|address| address.is_unspecified()) {
            let doing = format!("trust the proxy {all}: it is every address; name the proxy's own");
            return Err(Error::new(Code::ConfigInvalid, doing));
        }
        let log_level = match (env("LAMPLIGHTER_LOG"), log.level) {
            (Some(text), _) => value("LAMPLIGHTER_LOG", &text, LEVELS)?,
            (None, Some(text)) => value("log.level", &text, LEVELS)?,
            (None, None) => tracing::Level::INFO,
        };
        let agent = Agent::load(agent, env)?;
        let tracker = Tracker::load(tracker, env)?;
        let log_format = log.format;
        let log_sources = log_sources(log_source)?;
        let scanned_log = monitoring.load(env)?;
        Ok(Self {
            listen,
            allowed_hosts,
            trusted_proxies,
            agent,
            tracker,
            log_level,
            log_format,
            log_sources,
            scanned_log,
        })
    }
}

impl Agent {
    fn load(file: AgentFile, env: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let pass_env = match (env("LAMPLIGHTER_AGENT_PASS_ENV"), file.pass_env) {
            (Some(text), _) => list("LAMPLIGHTER_AGENT_PASS_ENV", &text, "names of variables")?,
            (None, Some(names)) => names,
            (None, None) => Vec::new(),
        };
        let sandbox = match env("LAMPLIGHTER_AGENT_SANDBOX") {
            Some(text) => value("LAMPLIGHTER_AGENT_SANDBOX", &text, "one of bwrap, none")?,
            None => file.sandbox,
        };
        let named = file.allow_hosts.iter().map(String::as_str);
        let allow_hosts = match env("LAMPLIGHTER_AGENT_ALLOW_HOSTS") {
            Some(text) => list("LAMPLIGHTER_AGENT_ALLOW_HOSTS", &text, AllowedHost::ALLOWED)?,
            None => values("agent.allow_hosts", named, AllowedHost::ALLOWED)?,
        };
        let uid = match env("LAMPLIGHTER_AGENT_UID") {
            Some(text) => Some(value("LAMPLIGHTER_AGENT_UID", &text, USER_ID)?),
            None => file.uid,
        };
        if uid == Some(0) {
            let doing = format!("read agent.uid: {USER_ID} is allowed, and 0 is root");
            return Err(Error::new(Code::ConfigInvalid, doing));
        }
        let resources = file.limits.load(&env)?;
        let folders = folders(file.folder, sandbox == SandboxChoice::Bwrap)?;
        let command = env("LAMPLIGHTER_AGENT_COMMAND").or(file.command);
        let working_dir = env("LAMPLIGHTER_AGENT_WORKING_DIR").map(PathBuf::from);
        Ok(Self {
            command: command.unwrap_or_else(|| DEFAULT_AGENT.to_owned()),
            pass_env,
            sandbox,
            allow_hosts,
            resources,
            uid,
            working_dir: working_dir.or(file.working_dir),
            folders,
        })
    }
}

impl Tracker {
    fn load(file: TrackerFile, env: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let kind = match env("LAMPLIGHTER_TRACKER_KIND") {
            Some(text) => value("LAMPLIGHTER_TRACKER_KIND", &text, &TrackerKind::allowed())?,
            None => file.kind,
        };
        let repository = match env("LAMPLIGHTER_TRACKER_REPOSITORY") {
            Some(text) => {
                Some(value("LAMPLIGHTER_TRACKER_REPOSITORY", &text, Repository::ALLOWED)?)
            }
            None => file.repository,
        };
        let api_url = match env("LAMPLIGHTER_TRACKER_API_URL") {
            Some(text) => value("LAMPLIGHTER_TRACKER_API_URL", &text, ApiUrl::ALLOWED)?,
            None => file.api_url.unwrap_or_else(|| kind.api_url()),
        };
        let token_file = file.token_file.filter(|path| !path.as_os_str().is_empty());
        Ok(Self { kind, repository, api_url, token_file })
    }
}

const LEVELS: &str = "one of error, warn, info, debug, trace";

fn value<T: FromStr>(key: &str, text: &str, allowed: &str) -> Result<T> {
    text.trim().parse().map_err(|_| {
        Error::new(Code::ConfigInvalid, format!("read {key}: {text:?} is not {allowed}"))
    })
}

fn list<T: FromStr>(key: &str, text: &str, allowed: &str) -> Result<Vec<T>> {
    values(key, text.split(','), allowed)
}

/// The value of each item; empty ones are left out.
fn values<'a, T: FromStr>(
    key: &str,
    items: impl Iterator<Item = &'a str>,
    allowed: &str,
) -> Result<Vec<T>> {
    items.filter(|item| !item.trim().is_empty()).map(|item| value(key, item, allowed)).collect()
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
    flag.or_else(|| env(DATA_DIR))
        .or_else(platform)
        .ok_or_else(|| Error::new(Code::ConfigDirectory, "find the data directory"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Level, LogColumn};

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
    fn the_tracker_is_local_unless_it_is_told_otherwise() {
        assert_eq!(load("", &[]).unwrap().tracker, Tracker::default());
        let empty = [
            ("LAMPLIGHTER_TRACKER_KIND", ""),
            ("LAMPLIGHTER_TRACKER_REPOSITORY", ""),
            ("LAMPLIGHTER_TRACKER_API_URL", ""),
        ];
        let file = "[tracker]\nrepository = \"\"\napi_url = \"\"\ntoken_file = \"\"";
        assert_eq!(load(file, &empty).unwrap().tracker, Tracker::default());
        let file = "[tracker]\nkind = \"github\"\nrepository = \"ann/shop\"\n\
            api_url = \"https://git.example/api/v3/\"\ntoken_file = \"/run/token\"";
        let tracker =
            load(file, &[("LAMPLIGHTER_TRACKER_REPOSITORY", "ann/mail")]).unwrap().tracker;
        assert_eq!(tracker.kind, TrackerKind::Remote(RemoteKind::Github));
        assert_eq!(tracker.repository.unwrap().as_str(), "ann/mail");
        assert_eq!(tracker.api_url.as_str(), "https://git.example/api/v3");
        assert_eq!(tracker.token_file.unwrap(), Path::new("/run/token"));
    }

    #[test]
    fn a_bad_value_of_the_tracker_says_where_it_is_and_what_is_allowed() {
        for (line, allowed) in [
            ("kind = \"gitlab\"", "local"),
            ("repository = \"shop\"", Repository::ALLOWED),
            ("repository = \"https://github.com/ann/shop\"", Repository::ALLOWED),
            ("api_url = \"http://git.example\"", ApiUrl::ALLOWED),
            ("token = \"ghp_x\"", "token_file"),
        ] {
            let error = load(&format!("[tracker]\n{line}"), &[]).unwrap_err();
            let text = error.to_string();
            assert_eq!(error.code(), Code::ConfigInvalid);
            assert!(text.contains(allowed) && text.contains("line 2"), "{text}");
        }
        for (variable, text, allowed) in [
            ("LAMPLIGHTER_TRACKER_KIND", "gitlab", "one of local, github"),
            ("LAMPLIGHTER_TRACKER_REPOSITORY", "ann/../x", Repository::ALLOWED),
            ("LAMPLIGHTER_TRACKER_API_URL", "api.github.com", ApiUrl::ALLOWED),
        ] {
            let error = load("", &[(variable, text)]).unwrap_err().to_string();
            assert!(error.contains(variable) && error.contains(allowed), "{error}");
        }
    }

    #[test]
    fn the_log_of_another_program_is_a_table_with_columns_and_levels_of_its_own() {
        assert_eq!(load("[monitoring]", &[]).unwrap().scanned_log, None);
        let file = "[monitoring]\nlog_db = \"/srv/shop.db\"\nlog_table = \"events\"\n\
            [monitoring.log_columns]\nid = \"n\"\nmessage = \"text\"\n\
            [monitoring.log_levels]\n3 = \"error\"";
        let expected = LogTable {
            path: "/srv/shop.db".into(),
            table: "events".into(),
            id: Some("n".into()),
            columns: [(LogColumn::Message, "text".to_owned())].into(),
            levels: [("3".to_owned(), Level::Error)].into(),
        };
        assert_eq!(load(file, &[]).unwrap().scanned_log, Some(expected));
        let named = load("", &[("LAMPLIGHTER_MONITORING_LOG_DB", "/srv/a.db")]).unwrap();
        assert_eq!(named.scanned_log.unwrap().to_string(), "/srv/a.db (table logs)");
        for bad in [
            "log_db = \"a.db\"",
            "log_table = \"events\"",
            "log_db = \"/a\"\n[monitoring.log_columns]\ntext = \"message\"",
            "log_db = \"/a\"\n[monitoring.log_levels]\n3 = \"loud\"",
        ] {
            let error = load(&format!("[monitoring]\n{bad}"), &[]).unwrap_err();
            assert_eq!(error.code(), Code::ConfigInvalid, "{bad}");
        }
    }

    #[test]
    fn the_data_directory_is_the_flag_then_the_variable_then_the_platforms() {
        let env = |name: &str| (name == "HOME").then(|| "/home/ann".to_owned());
        let demo = data_dir(None, env, true).unwrap();
        assert_eq!(demo, Path::new("/home/ann/.local/share/lamplighter-demo"));
        assert_eq!(data_dir(Some("/x".into()), env, true).unwrap(), Path::new("/x"));
        assert_eq!(data_dir(None, |_| None, false).unwrap_err().code(), Code::ConfigDirectory);
    }

    #[test]
    fn the_user_of_agents_is_a_number_and_never_roots() {
        let load = |text: &str, variable: Option<&str>| {
            let file = Some((Path::new("lamplighter.toml"), text));
            let env = |name: &str| {
                variable.filter(|_| name == "LAMPLIGHTER_AGENT_UID").map(str::to_owned)
            };
            Config::load(file, env, None).map(|config| config.agent.uid)
        };
        assert_eq!(load("", None).unwrap(), None);
        assert_eq!(load("[agent]\nuid = 998", None).unwrap(), Some(998));
        assert_eq!(load("[agent]\nuid = 998", Some("997")).unwrap(), Some(997));
        for (file, variable) in [("[agent]\nuid = 0", None), ("", Some("0")), ("", Some("me"))] {
            let refused = load(file, variable).unwrap_err();
            assert_eq!(refused.code(), Code::ConfigInvalid);
            assert!(refused.to_string().contains("a number above 0"), "{refused}");
        }
    }
}

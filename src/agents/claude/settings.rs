//! The settings of a run as arguments of the program.

use super::versions::Version;
use crate::error::{Code, Error, Result};
use crate::model::{Profile, is_model_name};
use serde_json::Value;
use std::path::PathBuf;

/// Longest argument, in bytes, its ending zero included: Linux starts no program with a longer one (`MAX_ARG_STRLEN`).
const MAX_ARGUMENT: usize = 128 * 1024;
/// Longest name of a model; the longest known, a cloud's full resource name, takes half of it.
const MAX_MODEL: usize = 200;

/// Tools that wait for a later turn of a conversation, which a run without a person never has. Some need no permission.
const WAITING_TOOLS: &str = "ScheduleWakeup,Workflow,Monitor,CronCreate,CronDelete,CronList";

/// The settings of a run of the program. They leave out the prompt, which goes in by standard input.
///
/// # Source
/// An argument is limited to 128 KiB, a prompt that begins with a dash is read as an option, and options that take a
/// list swallow a prompt behind them; so no argument but these is ever given.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Which model; `None` leaves it to the program.
    pub model: Option<Model>,
    /// Which tools it gets.
    pub profile: Profile,
    /// Turns after which it ends.
    pub max_turns: Option<u32>,
    /// Dollars after which it ends. Checked after each answer, so that it overshoots by one.
    pub budget_usd: Option<f64>,
    /// Whether an `ANTHROPIC_API_KEY` is given to it. A login by subscription is refused by `--bare`.
    pub api_key: bool,
    /// Whose settings, hooks and plugins it loads. With nobody's it also loads no `CLAUDE.md` and no slash command, and no MCP
    /// server but those of `servers`.
    pub sources: Vec<SettingSource>,
    /// The session it goes on with.
    pub resume: Option<Resume>,
    /// Whether its session can be resumed later.
    pub resumable: bool,
    /// The schema of a structured answer.
    pub json_schema: Option<Value>,
    /// Whether an answer in prose will do although there is a schema.
    pub prose_will_do: bool,
    /// Added to the program's own system prompt.
    pub system_prompt: Option<String>,
    /// The MCP servers whose tools it may use. Default: none.
    pub servers: Option<Servers>,
    /// A folder that a scan's run may read and search besides: an absolute path without characters that the program's list of
    /// what is allowed has a meaning for.
    pub reads: Option<PathBuf>,
}

/// MCP servers of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Servers {
    /// The file of their definitions, an absolute path. The program starts all that are in it.
    pub file: PathBuf,
    /// Their names: `model::is_mcp_server` holds for each.
    pub names: Vec<String>,
}

/// What the program writes every thirty seconds while a command of the model runs. It says that the program lives, and
/// nothing of the command. Version 2.1.329 does so.
pub const HEARTBEATS: &[&str] = &["\"heartbeat\":true"];

impl Settings {
    /// Settings of a profile: 40 turns, 2 USD, nobody's settings, a session that can be resumed.
    pub fn new(profile: Profile) -> Self {
        Self {
            model: None,
            profile,
            max_turns: Some(40),
            budget_usd: Some(2.0),
            api_key: false,
            sources: Vec::new(),
            resume: None,
            resumable: true,
            json_schema: None,
            prose_will_do: false,
            system_prompt: None,
            servers: None,
            reads: None,
        }
    }

    /// The program's arguments, its own name left out, for the version that is installed.
    ///
    /// # Errors
    /// `AGENT-VALUE-001` for a budget that is not an amount, and for a text that is too long for an argument.
    pub fn argv(&self, version: Version) -> Result<Vec<String>> {
        let mut argv: Vec<String> = Vec::new();
        let mut add = |words: &[&str]| argv.extend(words.iter().map(|word| (*word).to_owned()));
        // The stream is refused without --verbose.
        add(&["-p", "--output-format", "stream-json", "--verbose"]);
        // Each piece of an answer is a sign of life. Without them a long answer is silence.
        add(&["--include-partial-messages"]);
        if let Some(model) = &self.model {
            add(&["--model", model.as_str()]);
        }
        if let Some(turns) = self.max_turns {
            add(&["--max-turns", &turns.to_string()]);
        }
        if let Some(budget) = self.budget_usd {
            if !(budget.is_finite() && budget > 0.0) {
                return Err(refused(format!("a budget of {budget} USD")));
            }
            add(&["--max-budget-usd", &budget.to_string()]);
        }
        // `bypassPermissions` is not for root. In this mode every tool that is not listed is denied without a question.
        add(&["--permission-mode", "dontAsk"]);
        if let Some(tools) = tools(self.profile, self.reads.is_some()) {
            add(&["--tools", tools]);
        }
        add(&["--allowedTools", &self.allowed()]);
        add(&["--disallowedTools", WAITING_TOOLS]);
        add(&["--setting-sources", &self.source_list()]);
        if self.sources.is_empty() {
            add(&["--strict-mcp-config", "--disable-slash-commands"]);
            match self.alone(version) {
                Alone::Safe => add(&["--safe-mode"]),
                Alone::Bare => add(&["--bare"]),
                Alone::Plain => add(&[NO_HOOKS]),
            }
        }
        if let Some(servers) = &self.servers {
            add(&["--mcp-config", &servers.file.to_string_lossy()]);
        }
        match &self.resume {
            Some(Resume::Itself(session)) => add(&["--resume", session.as_str()]),
            Some(Resume::Copy(session)) => add(&["--resume", session.as_str(), "--fork-session"]),
            None => {}
        }
        // Otherwise it would be told what the run before was told: what that run might do, and the folder's old instructions.
        if self.resume.is_some() && version.keeps_system_prompt() {
            add(&["--system-prompt-snapshot", "off"]);
        }
        if !self.resumable {
            add(&["--no-session-persistence"]);
        }
        // In one word, so that a text that begins with a dash stays a value.
        if let Some(schema) = &self.json_schema {
            add(&[&format!("--json-schema={schema}")]);
        }
        if let Some(prompt) = &self.system_prompt {
            add(&[&format!("--append-system-prompt={prompt}")]);
        }
        match argv.iter().find(|word| word.len() >= MAX_ARGUMENT || word.contains('\0')) {
            Some(word) => Err(refused(format!("an argument of {} bytes", word.len()))),
            None => Ok(argv),
        }
    }

    /// Variables of the run that belong to the arguments, for the version that is installed.
    pub fn variables(&self, version: Version) -> &'static [(&'static str, &'static str)] {
        match self.alone(version) {
            Alone::Plain if self.sources.is_empty() => &NO_MEMORY,
            Alone::Plain | Alone::Safe | Alone::Bare => &[],
        }
    }

    /// By what a run with nobody's settings is kept from what lies in its folders.
    fn alone(&self, version: Version) -> Alone {
        if version.has_safe_mode() {
            // The safe mode starts no MCP server at all.
            if self.servers.is_none() { Alone::Safe } else { Alone::Plain }
        } else if self.api_key {
            Alone::Bare
        } else {
            Alone::Plain
        }
    }

    /// The uses that are allowed.
    fn allowed(&self) -> String {
        let servers = self.servers.iter().flat_map(|servers| &servers.names);
        let servers = servers.map(|name| format!(",mcp__{name}"));
        // Two slashes begin a path from the root. The rule for reading holds for searching, too.
        let reads = self.reads.iter().map(|path| format!(",Read(/{}/**)", path.display()));
        allowed(self.profile).to_owned() + &servers.chain(reads).collect::<String>()
    }

    fn source_list(&self) -> String {
        self.sources.iter().map(|source| source.as_str()).collect::<Vec<_>>().join(",")
    }
}

/// By what a run is kept from the customizations that lie in its folders, beside having nobody's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alone {
    /// The program's safe mode.
    Safe,
    /// The program's bare mode, which leaves no tools but Bash, Edit and Read: for versions that have nothing better.
    Bare,
    /// Having nobody's settings, no hooks and no memory.
    ///
    /// *Source:* with this, versions 2.1.128 and 2.1.329 loaded nothing of a folder and a configuration that had settings
    /// with hooks and variables, `CLAUDE.md`, rules, skills, agents, commands, a memory and other MCP servers.
    Plain,
}

/// Keeps hooks from running, whoever has set them.
const NO_HOOKS: &str = "--settings={\"disableAllHooks\":true}";
/// Keeps the program from reading what earlier runs and people have written down for it.
const NO_MEMORY: [(&str, &str); 2] =
    [("CLAUDE_CODE_DISABLE_CLAUDE_MDS", "1"), ("CLAUDE_CODE_DISABLE_AUTO_MEMORY", "1")];

fn refused(what: impl Into<String>) -> Error {
    Error::new(Code::AgentValue, what)
}

/// The tools that the model may use; `None`: all. The sandbox decides what the tools can reach.
fn tools(profile: Profile, reads: bool) -> Option<&'static str> {
    match profile {
        Profile::Scan if reads => Some("Bash,Read,Grep,Glob"),
        Profile::Scan => Some("Bash"),
        Profile::ReadOnly => Some("Bash,Read,Grep,Glob"),
        Profile::Workspace => Some("Bash,Read,Grep,Glob,Edit,Write,NotebookEdit"),
        Profile::Full => None,
    }
}

/// The uses that are allowed.
fn allowed(profile: Profile) -> &'static str {
    match profile {
        Profile::Scan => "Bash(sqlite3:*)",
        Profile::ReadOnly => "Bash,Read,Grep,Glob",
        Profile::Workspace => "Bash,Read,Grep,Glob,Edit,Write,NotebookEdit",
        Profile::Full => {
            "Bash,Read,Grep,Glob,Edit,Write,NotebookEdit,WebFetch,WebSearch,Task,Agent,Skill"
        }
    }
}

/// Whose settings the program loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingSource {
    /// The server's user's own.
    User,
    /// The repository's.
    Project,
    /// The repository's, on this machine only.
    Local,
}

impl SettingSource {
    const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Project => "project",
            Self::Local => "local",
        }
    }
}

/// The name of a model: an alias (`sonnet`, `opus`, `haiku`) or a full id. The program passes on what it does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model(String);

impl Model {
    /// Reads a name.
    ///
    /// # Errors
    /// `AGENT-VALUE-001` unless it is 1 to 200 letters, digits and `-._:/@[]`, the first one no dash.
    pub fn parse(text: &str) -> Result<Self> {
        if is_model_name(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(refused(format!("the model {:?}", super::cut(text, MAX_MODEL))))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a run goes on with a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resume {
    /// In the session itself: everybody who goes on with it later is shown what was said.
    Itself(CliSession),
    /// In a copy of it, with an id of its own: the session stays as it was.
    Copy(CliSession),
}

/// The program's own id of a session, a UUID.
///
/// Checked, because `--resume` takes what does not look like a value for the next option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliSession(String);

impl CliSession {
    /// Reads an id.
    ///
    /// # Errors
    /// `AGENT-VALUE-001` unless it is a UUID.
    pub fn parse(text: &str) -> Result<Self> {
        let groups: Vec<&str> = text.split('-').collect();
        let hex = groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()));
        if hex && groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) {
            return Ok(Self(text.to_owned()));
        }
        Err(refused(format!("the session {:?}", super::cut(text, 50))))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NEW: Version = Version(2, 1, 329);
    const BASE: &str = "-p --output-format stream-json --verbose --include-partial-messages";
    const ALONE: &str = "--setting-sources  --strict-mcp-config --disable-slash-commands";
    const SESSION: &str = "67cf1229-f18b-4200-b873-0881f221331e";

    fn bare(profile: Profile) -> Settings {
        Settings { max_turns: None, budget_usd: None, ..Settings::new(profile) }
    }

    #[test]
    fn settings_become_arguments() {
        let model = Model::parse("claude-sonnet-5-5").unwrap();
        let look = "--permission-mode dontAsk --tools Bash,Read,Grep,Glob --allowedTools Bash,Read,Grep,Glob --disallowedTools ScheduleWakeup,Workflow,Monitor,CronCreate,CronDelete,CronList";
        let write = "Bash,Read,Grep,Glob,Edit,Write,NotebookEdit";
        let ask = "--permission-mode dontAsk --tools Bash --allowedTools Bash(sqlite3:*) --disallowedTools ScheduleWakeup,Workflow,Monitor,CronCreate,CronDelete,CronList";
        for (settings, version, expected) in [
            (
                Settings { model: Some(model), ..Settings::new(Profile::ReadOnly) },
                NEW,
                format!(
                    "{BASE} --model claude-sonnet-5-5 --max-turns 40 --max-budget-usd 2 {look} {ALONE} --safe-mode"
                ),
            ),
            (
                bare(Profile::ReadOnly),
                Version::OLDEST,
                format!("{BASE} {look} {ALONE} --settings={{\"disableAllHooks\":true}}"),
            ),
            (
                Settings {
                    api_key: true,
                    resumable: false,
                    json_schema: Some(json!({"type": "object"})),
                    ..bare(Profile::Scan)
                },
                Version::OLDEST,
                format!(
                    "{BASE} {ask} {ALONE} --bare --no-session-persistence --json-schema={{\"type\":\"object\"}}"
                ),
            ),
            (
                Settings { reads: Some("/srv/shop".into()), ..bare(Profile::Scan) },
                NEW,
                format!(
                    "{BASE} --permission-mode dontAsk --tools Bash,Read,Grep,Glob \
                     --allowedTools Bash(sqlite3:*),Read(//srv/shop/**) --disallowedTools ScheduleWakeup,Workflow,Monitor,CronCreate,CronDelete,CronList {ALONE} --safe-mode"
                ),
            ),
            (
                Settings {
                    sources: vec![
                        SettingSource::User,
                        SettingSource::Project,
                        SettingSource::Local,
                    ],
                    api_key: true,
                    resume: Some(Resume::Copy(CliSession::parse(SESSION).unwrap())),
                    ..bare(Profile::Workspace)
                },
                NEW,
                format!(
                    "{BASE} --permission-mode dontAsk --tools {write} --allowedTools {write} --disallowedTools {WAITING_TOOLS} --setting-sources user,project,local --resume {SESSION} --fork-session --system-prompt-snapshot off"
                ),
            ),
            (
                Settings {
                    budget_usd: Some(0.000_001),
                    system_prompt: Some("--x $(y)\nz".into()),
                    ..bare(Profile::Full)
                },
                NEW,
                format!(
                    "{BASE} --max-budget-usd 0.000001 --permission-mode dontAsk --allowedTools {write},WebFetch,WebSearch,Task,Agent,Skill --disallowedTools {WAITING_TOOLS} {ALONE} --safe-mode --append-system-prompt=--x $(y)\nz"
                ),
            ),
        ] {
            assert_eq!(settings.argv(version).unwrap().join(" "), expected);
        }
    }

    #[test]
    fn named_servers_take_the_place_of_the_safe_mode_and_their_tools_are_allowed() {
        let servers =
            Servers { file: "/jobs/7/mcp.json".into(), names: vec!["db".into(), "docs".into()] };
        let with = |api_key| Settings {
            servers: Some(servers.clone()),
            api_key,
            ..bare(Profile::ReadOnly)
        };
        let tools = "--permission-mode dontAsk --tools Bash,Read,Grep,Glob --allowedTools Bash,Read,Grep,Glob,mcp__db,mcp__docs";
        let plain = "--settings={\"disableAllHooks\":true}";
        for (api_key, version, mode, variables) in [
            (true, NEW, plain, 2),
            (false, Version::OLDEST, plain, 2),
            (true, Version::OLDEST, "--bare", 0),
        ] {
            let settings = with(api_key);
            assert_eq!(
                settings.argv(version).unwrap().join(" "),
                format!(
                    "{BASE} {tools} --disallowedTools {WAITING_TOOLS} {ALONE} {mode} --mcp-config /jobs/7/mcp.json"
                )
            );
            assert_eq!(settings.variables(version).len(), variables, "{mode}");
        }
        assert_eq!(bare(Profile::ReadOnly).variables(NEW), []);
    }

    #[test]
    fn a_run_that_goes_on_has_its_own_system_prompt_where_the_program_would_keep_the_old_one() {
        let session = || CliSession::parse(SESSION).unwrap();
        let off = "--system-prompt-snapshot off";
        for resume in [Resume::Itself(session()), Resume::Copy(session())] {
            let settings = Settings { resume: Some(resume), ..bare(Profile::ReadOnly) };
            let argv = |version| settings.argv(version).unwrap().join(" ");
            assert!(argv(NEW).contains(off) && !argv(Version(2, 1, 256)).contains(off));
        }
        assert!(!bare(Profile::ReadOnly).argv(NEW).unwrap().contains(&"off".to_owned()));
    }

    #[test]
    fn what_fits_no_argument_is_refused() {
        let long = Some("x".repeat(MAX_ARGUMENT));
        for settings in [
            Settings { budget_usd: Some(f64::NAN), ..bare(Profile::Full) },
            Settings { budget_usd: Some(0.0), ..bare(Profile::Full) },
            Settings { system_prompt: long, ..bare(Profile::Full) },
            Settings { system_prompt: Some("a\0b".into()), ..bare(Profile::Full) },
        ] {
            assert_eq!(settings.argv(NEW).unwrap_err().code(), Code::AgentValue);
        }
        for text in ["", "-p", "--model", "a b", "ü", &"m".repeat(MAX_MODEL + 1)] {
            assert!(Model::parse(text).is_err(), "{text}");
        }
        for text in
            ["", "--dangerously-skip-permissions", &SESSION[1..], &SESSION.replace('b', "g")]
        {
            assert!(CliSession::parse(text).is_err(), "{text}");
        }
    }
}

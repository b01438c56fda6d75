//! Agent sessions: what is asked, what is recorded, and what they may cost.

use super::digest::sha256_hex;
use super::job::word_enum;
use super::prompt_values::{self, PromptValues};
use super::{
    ConcurrencyKey, Cost, FolderGiven, Job, JobId, Process, Refusal, RunEnding, Status, Timestamp,
    Trigger,
};
use crate::error::{Code, Error, Result, without_code};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;

/// How the concurrency key of a folder begins in which a session writes; its path follows, or the digest of a long one.
pub(super) const FOLDER_KEY: &str = "folder ";
/// Longest prompt, in bytes; as JSON it has to fit into a job's payload too.
pub const MAX_PROMPT_BYTES: usize = 200 * 1024;
/// Longest name of a prompt file.
const MAX_PROMPT_FILE: usize = 64;
/// Highest tier.
pub const MAX_TIER: u8 = 3;

word_enum!(
    /// What the agent of a session may do.
    Profile {
        /// Asks a scan's snapshot, nothing else.
        Scan = "scan",
        /// Looks, also by commands; the machine is mounted read-only.
        ReadOnly = "read-only",
        /// Writes in its working directory too.
        Workspace = "workspace",
        /// Every tool, no sandbox: whatever the server's user may do.
        Full = "full",
    }
);

/// What a session is asked to do: the payload of a job of kind `agent_session`.
///
/// Either `prompt` or `prompt_file` is there; every other field may be left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionRequest {
    /// What somebody typed, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The prompt `prompts/<name>.md` of the data directory, else the one that comes with the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_file: Option<String>,
    /// 1 observe, 2 investigate, 3 remediate: the settings name a model and a profile for each. Default 1, or 3 with
    /// a profile that writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<u8>,
    /// Goes before the tier's model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Goes before the tier's profile: `read-only`, `workspace` or `full`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Where it starts, an absolute path. Default: the server's `agent.working_dir`, else a folder of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<PathBuf>,
    /// Dollars that this run may cost. Default: the setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_usd: Option<f64>,
    /// Dollars that its schedule may cost a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_day_usd: Option<f64>,
    /// Turns it may take. Default: the setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_turns: Option<u32>,
    /// The JSON schema of a structured answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// The session that it goes on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues: Option<i64>,
    /// The values of the prompt file's parameters.
    #[serde(default, skip_serializing_if = "PromptValues::is_empty")]
    pub set: PromptValues,
    /// Whether a session of a schedule is given the last answer of its schedule, as data. Default: it is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub last_answer: bool,
    /// What the session of the tier below found, in its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handoff: Option<String>,
}

impl SessionRequest {
    /// The request with this prompt and nothing else.
    pub fn of(prompt: impl Into<String>) -> Self {
        Self { prompt: Some(prompt.into()), ..Self::default() }
    }

    /// What the runs of a job's schedule may cost a day, as the job's payload says.
    pub(crate) fn budget_of(job: &Job) -> Option<f64> {
        job.schedule_id?;
        serde_json::from_str::<Self>(&job.payload).ok()?.budget_day_usd
    }

    /// What the run of a job may cost, as the job's payload says.
    pub(crate) fn wanted_by(job: &Job) -> Option<f64> {
        serde_json::from_str::<Self>(&job.payload).ok()?.budget_usd
    }

    /// The key that two sessions share which would write in one folder: the second one waits for the first. `None` for a
    /// session that only looks, or works in a folder of its own. `of_tier` is its profile where it names none.
    pub(crate) fn folder_key(&self, of_tier: Profile) -> Option<ConcurrencyKey> {
        let writes = match self.profile().unwrap_or(of_tier) {
            Profile::Workspace | Profile::Full => true,
            Profile::Scan | Profile::ReadOnly => false,
        };
        // By its parts, so that a slash or a dot more is the same folder.
        let parts = self.working_dir.as_ref().filter(|_| writes)?.components();
        let folder = parts.collect::<PathBuf>().to_string_lossy().into_owned();
        let name = format!("{FOLDER_KEY}{folder}");
        ConcurrencyKey::parse(name)
            .or_else(|_| ConcurrencyKey::parse(format!("{FOLDER_KEY}{}", sha256_hex(&folder))))
            .ok()
    }

    /// The request of a job's payload.
    ///
    /// # Errors
    /// `JOB-VALUE-001` with the field that does not fit.
    pub fn read(payload: &Value) -> Result<Self> {
        Self::deserialize(payload).map_err(|error| {
            Error::new(Code::ModelInvalid, "read the payload of an agent_session").because(error)
        })
    }

    /// Its tier. Unless it names one, that is 3 with a profile of its own that writes, else 1.
    pub fn tier(&self) -> u8 {
        self.tier.unwrap_or(match self.profile() {
            Some(Profile::Workspace | Profile::Full) => MAX_TIER,
            Some(Profile::Scan | Profile::ReadOnly) | None => 1,
        })
    }

    /// The values of its prompt file's parameters as people write them; `None` if it has none.
    pub fn values(&self) -> Option<String> {
        let values = self.set.iter().map(|(name, value)| format!("{name}={value}"));
        (!self.set.is_empty()).then(|| values.collect::<Vec<_>>().join(", "))
    }

    /// Its own profile; `None` leaves it to the tier.
    pub fn profile(&self) -> Option<Profile> {
        self.profile.as_deref().and_then(|word| word.parse().ok())
    }

    /// Refuses what no run could be made of.
    ///
    /// # Errors
    /// `JOB-VALUE-001` with the field and what it takes; `JOB-SIZE-001` for a prompt above 200 KiB.
    pub fn check(&self) -> Result<()> {
        self.fits().map_err(|error| error.while_doing("ask for a session"))
    }

    /// The same with the reason alone: the caller says what it was doing.
    pub(crate) fn fits(&self) -> Result<()> {
        let blank = |prompt: &String| prompt.trim().is_empty();
        let amount = |usd: Option<f64>| usd.is_some_and(|usd| !(usd.is_finite() && usd > 0.0));
        if let Some(wrong) = prompt_values::unfit(&self.set) {
            return Err(Error::new(Code::ModelInvalid, wrong));
        }
        let wrong = match self {
            Self { prompt: None, prompt_file: None, .. } => "a prompt is required",
            Self { prompt: Some(_), prompt_file: Some(_), .. } => {
                "it has a prompt and a prompt file: one of them"
            }
            Self { prompt: Some(prompt), .. } if blank(prompt) => "a prompt is required",
            Self { prompt: Some(prompt), .. } if prompt.len() > MAX_PROMPT_BYTES => {
                return Err(Error::new(Code::JobTooLarge, "its prompt has more than 200 KiB"));
            }
            Self { prompt_file: Some(name), .. } if !is_prompt_file(name) => {
                "the name of a prompt file is 1 to 64 letters, digits, - and _"
            }
            Self { prompt_file: None, set, .. } if !set.is_empty() => {
                "values are for the parameters of a prompt file"
            }
            Self { tier: Some(0 | 4..), .. } => "its tier is 1, 2 or 3",
            Self { profile: Some(word), .. }
                if !["read-only", "workspace", "full"].contains(&word.as_str()) =>
            {
                "its profile is read-only, workspace or full"
            }
            Self { working_dir: Some(path), .. } if !path.is_absolute() => {
                "its working directory is an absolute path"
            }
            Self { budget_usd, budget_day_usd, .. }
                if amount(*budget_usd) || amount(*budget_day_usd) =>
            {
                "a budget is an amount of dollars above 0"
            }
            Self { max_turns: Some(0), .. } => "it takes one turn at least",
            _ => return Ok(()),
        };
        Err(Error::new(Code::ModelInvalid, wrong))
    }
}

/// Whether a text is the name of a prompt file, so that it leads to no other file.
pub fn is_prompt_file(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=MAX_PROMPT_FILE).contains(&name.len()) && name.chars().all(fits)
}

/// A session with all that is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Its job.
    pub id: JobId,
    /// Where its job is in its life.
    pub status: Status,
    /// What made it.
    pub trigger: Trigger,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its latest attempt began.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// When somebody asked it to stop.
    pub cancel_requested_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
    /// The code of that error.
    pub error_code: Option<String>,
    /// What it last showed of itself.
    pub progress: Option<String>,
    /// The job that made it.
    pub parent_id: Option<JobId>,
    /// The schedule that made it, by name; `None` without one, and once the schedule is gone.
    pub schedule: Option<String>,
    /// What it was asked; `None` for a job of another kind, or a payload that says something else.
    pub request: Option<SessionRequest>,
    /// What its run recorded; `None` before it began.
    pub run: Option<SessionRun>,
}

/// What a run records of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionRun {
    /// 1 to 3.
    pub tier: u8,
    /// What the agent may do; `None`: another program has written a word that names no profile.
    pub profile: Option<Profile>,
    /// The model, as asked for until the program says which it is.
    pub model: Option<String>,
    /// The prompt file.
    pub prompt_file: Option<String>,
    /// What somebody typed; `None` for a prompt file.
    pub prompt_text: Option<String>,
    /// The session that it goes on with.
    pub continues: Option<JobId>,
    /// Where it started.
    pub working_dir: PathBuf,
    /// The folder of its files, below the data directory's `jobs`.
    pub place: String,
    /// `bwrap` or `supervisor`, with `, as` and a user where it does not work as the server's user.
    pub isolation: Option<String>,
    /// The program's version.
    pub agent_version: Option<String>,
    /// The program's own id of the session, to go on with.
    pub cli_session_id: Option<String>,
    /// The program's exit code; `None` if a signal ended it or it runs.
    pub exit_code: Option<i32>,
    /// How it ended; `None` while it runs, and for a word that another program has written and that we do not know.
    pub ending: Option<RunEnding>,
    /// The agent's answer.
    pub response: Option<String>,
    /// The structured answer, JSON text.
    pub structured: Option<String>,
    /// What a person should know of a run that ended well.
    pub note: Option<String>,
    /// Dollars of all its attempts.
    pub cost_usd: Option<f64>,
    /// Whether it may have cost more.
    pub cost_at_least: bool,
    /// Turns of all its attempts.
    pub num_turns: Option<i64>,
    /// Whether its turns and its tokens may have been more.
    pub counts_at_least: bool,
    /// Milliseconds of all its attempts, as the program counts.
    pub duration_ms: Option<i64>,
    /// Tokens that the model read, caches included.
    pub input_tokens: Option<i64>,
    /// Tokens that the model wrote.
    pub output_tokens: Option<i64>,
    /// Bytes of its transcript.
    pub transcript_bytes: u64,
    /// Lines of its transcript.
    pub transcript_lines: u64,
    /// Bytes that came after the transcript's limit.
    pub transcript_dropped: u64,
    /// What its working directory gave it besides the prompt; `None` if the folder is none that gives something.
    pub given: Option<FolderGiven>,
    /// The session of its schedule whose answer it was given.
    pub answer_of: Option<JobId>,
    /// What its network wall has refused.
    pub refused: Vec<Refusal>,
    /// How far its last attempt was when that was told last, and how far it may go.
    pub meter: Option<SessionMeter>,
    /// When it began.
    pub began_at: Timestamp,
    /// When no process of it was left.
    pub ended_at: Option<Timestamp>,
}

/// How far a run is, and how far it may go. Told about once a second while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionMeter {
    /// Dollars so far, as far as is known.
    pub cost_usd: f64,
    /// Turns so far.
    pub turns: u64,
    /// Dollars that it may cost.
    pub max_cost_usd: Option<f64>,
    /// Turns that it may take.
    pub max_turns: Option<u64>,
    /// Milliseconds that it may take.
    pub max_ms: Option<u64>,
}

/// The record of a run that begins, written before its program is started.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionStart {
    /// 1 to 3.
    pub tier: u8,
    /// What the agent may do.
    pub profile: Profile,
    /// The model that was asked for.
    pub model: Option<String>,
    /// The prompt file.
    pub prompt_file: Option<String>,
    /// What somebody typed.
    pub prompt_text: Option<String>,
    /// The session that it goes on with.
    pub continues: Option<JobId>,
    /// Where it starts.
    pub working_dir: PathBuf,
    /// The folder of its files.
    pub place: String,
    /// What its processes carry in their environment.
    pub marker: String,
    /// Dollars that the runs have cost which it resumes.
    pub cost_before: f64,
    /// What its working directory gave it besides the prompt.
    pub given: Option<FolderGiven>,
    /// The session of its schedule whose answer it was given.
    pub answer_of: Option<JobId>,
}

/// The record of the end of a run, written when no process of the run is left.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionEnd {
    /// The program's exit code.
    pub exit_code: Option<i32>,
    /// How it ended.
    pub ending: RunEnding,
    /// The model, as the program resolved it.
    pub model: Option<String>,
    /// The program's version.
    pub agent_version: Option<String>,
    /// The program's own id of the session.
    pub cli_session_id: Option<String>,
    /// The agent's answer.
    pub response: Option<String>,
    /// The structured answer.
    pub structured: Option<Value>,
    /// What a person should know of a run that ended well.
    pub note: Option<String>,
    /// Dollars of this attempt; `None` if it asked the model nothing.
    pub cost_usd: Option<f64>,
    /// Whether it may have cost more.
    pub cost_at_least: bool,
    /// Turns.
    pub num_turns: Option<u64>,
    /// Whether its turns and its tokens may have been more.
    pub counts_at_least: bool,
    /// Milliseconds, as the program counts.
    pub duration_ms: Option<u64>,
    /// Tokens that the model read, caches included.
    pub input_tokens: Option<u64>,
    /// Tokens that the model wrote.
    pub output_tokens: Option<u64>,
    /// What its network wall has refused.
    pub refused: Vec<Refusal>,
}

impl SessionEnd {
    /// What the attempt adds to the sums of its session.
    #[cfg(feature = "agents")]
    pub(crate) fn spent(&self) -> RunSpent {
        RunSpent {
            cost: self.cost_usd.map(|usd| Cost { usd, is_at_least: self.cost_at_least }),
            num_turns: self.num_turns,
            counts_at_least: self.counts_at_least,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
        }
    }

    /// The end of a run of which nothing more is known.
    pub fn new(ending: RunEnding) -> Self {
        Self {
            ending,
            exit_code: None,
            model: None,
            agent_version: None,
            cli_session_id: None,
            response: None,
            structured: None,
            note: None,
            cost_usd: None,
            cost_at_least: false,
            num_turns: None,
            counts_at_least: false,
            duration_ms: None,
            input_tokens: None,
            output_tokens: None,
            refused: Vec::new(),
        }
    }
}

impl SessionRun {
    /// What all its attempts have cost; `None` if they asked the model nothing.
    pub fn cost(&self) -> Option<Cost> {
        Some(Cost { usd: self.cost_usd?, is_at_least: self.cost_at_least })
    }

    /// What keeps it from the rest of the machine, as people read it; `None` before its program was started.
    pub fn isolated(&self) -> Option<String> {
        let isolation = self.isolation.as_deref()?;
        let (kind, user) = match isolation.split_once(", as ") {
            Some((kind, user)) => (kind, Some(user)),
            None => (isolation, None),
        };
        Some(match (kind, user) {
            ("bwrap", None) => "bwrap: a sandbox of its own".to_owned(),
            ("bwrap", Some(user)) => format!("bwrap: a sandbox of its own, in which it is {user}"),
            ("supervisor", user) => {
                let user = user.unwrap_or("the server's user");
                format!("none: it sees and may do what {user} may; its processes are owned")
            }
            (_, _) => isolation.to_owned(),
        })
    }

    /// A number of turns or tokens as people read it, if it is known.
    pub fn count(&self, number: Option<i64>) -> Option<String> {
        let words = if self.counts_at_least { "at least " } else { "" };
        number.map(|number| format!("{words}{number}"))
    }
}

impl Session {
    /// Why it failed, without the code, for faces that show the code beside it.
    pub fn reason(&self) -> Option<&str> {
        Some(without_code(self.error.as_deref()?, self.error_code.as_deref()))
    }
}

/// A part of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptPiece {
    /// Bytes before it.
    pub start: u64,
    /// Lines that end before it.
    pub first_line: u64,
    /// When it was written.
    pub at: Timestamp,
    /// Lines, each with its newline; a long one may go on in the next piece.
    pub bytes: Vec<u8>,
}

impl TranscriptPiece {
    /// Bytes up to its end.
    pub fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// Lines that end before its end.
    pub fn end_line(&self) -> u64 {
        self.first_line + self.bytes.split(|byte| *byte == b'\n').count() as u64 - 1
    }
}

/// A run whose processes are not known to be gone.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenRun {
    /// Its job.
    pub id: JobId,
    /// What its processes carry in their environment.
    pub marker: String,
    /// Its main process, if it was started.
    pub main: Option<Process>,
    /// Where it worked.
    pub working_dir: PathBuf,
    /// The folder of its files, by name.
    pub place: String,
    /// Whether it began in this very file. If not, the file is a copy, and the run is another server's.
    pub is_own: bool,
    /// Dollars that the runs have cost which it resumes.
    pub cost_before: f64,
    /// The bytes of the transcript that earlier attempts have left: what it printed itself comes after them.
    pub transcript_from: u64,
    /// Whether it may have changed files of the folder in which it worked.
    pub may_write: bool,
}

/// What an attempt has spent, as far as is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RunSpent {
    /// What it has cost; `None` if nothing is known of it.
    pub cost: Option<Cost>,
    /// Turns.
    pub num_turns: Option<u64>,
    /// Whether its turns and its tokens may have been more.
    pub counts_at_least: bool,
    /// Tokens that the model read, caches included.
    pub input_tokens: Option<u64>,
    /// Tokens that the model wrote.
    pub output_tokens: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_that_writes_is_of_the_third_tier_unless_the_request_names_one() {
        let tier = |tier: Option<u8>, profile: Option<&str>| {
            let profile = profile.map(str::to_owned);
            SessionRequest { tier, profile, ..SessionRequest::of("look") }.tier()
        };
        assert_eq!([None, Some("read-only")].map(|profile| tier(None, profile)), [1, 1]);
        assert_eq!(["workspace", "full"].map(|profile| tier(None, Some(profile))), [3, 3]);
        assert_eq!(tier(Some(1), Some("full")), 1);
        assert_eq!(tier(Some(3), Some("read-only")), 3);
    }

    #[test]
    fn sessions_that_write_in_one_folder_share_a_key_and_others_have_none() {
        let key = |profile: Option<&str>, folder: &str| {
            let profile = profile.map(str::to_owned);
            let working_dir = Some(folder.into());
            let request = SessionRequest { profile, working_dir, ..SessionRequest::of("mend") };
            request.folder_key(Profile::ReadOnly).map(|key| key.to_string())
        };
        let shop = Some("folder /srv/shop".to_owned());
        assert_eq!(key(Some("workspace"), "/srv/shop"), shop);
        assert_eq!(key(Some("full"), "/srv//shop/./"), shop);
        assert_eq!([key(Some("read-only"), "/srv/shop"), key(None, "/srv/shop")], [None, None]);
        let by_tier =
            SessionRequest { working_dir: Some("/srv/shop".into()), ..SessionRequest::of("mend") };
        assert_eq!(by_tier.folder_key(Profile::Workspace).map(|key| key.to_string()), shop);
        let long = format!("/{}", "x".repeat(300));
        assert_eq!(key(Some("full"), &long).unwrap().len(), "folder ".len() + 64);
        assert_eq!(SessionRequest::of("mend").folder_key(Profile::Full), None);
    }

    #[test]
    fn a_request_without_a_prompt_or_out_of_range_is_refused_with_what_is_allowed() {
        let good = || SessionRequest::of("look");
        assert!(good().check().is_ok());
        let named = |name: &str| SessionRequest {
            prompt_file: Some(name.into()),
            ..SessionRequest::default()
        };
        assert!(named("health_check").check().is_ok());
        for (request, word) in [
            (SessionRequest::default(), "a prompt is required"),
            (SessionRequest::of(" \n\t"), "a prompt is required"),
            (SessionRequest { prompt_file: Some("a".into()), ..good() }, "one of them"),
            (named("../secret"), "prompt file"),
            (named(""), "prompt file"),
            (SessionRequest { tier: Some(4), ..good() }, "tier"),
            (SessionRequest { profile: Some("scan".into()), ..good() }, "profile"),
            (SessionRequest { working_dir: Some("a/b".into()), ..good() }, "absolute"),
            (SessionRequest { budget_usd: Some(f64::NAN), ..good() }, "dollars"),
            (SessionRequest { max_turns: Some(0), ..good() }, "turn"),
        ] {
            let error = request.check().unwrap_err();
            assert_eq!(error.code(), Code::ModelInvalid);
            assert!(error.to_string().contains(word), "{error}");
        }
        let long = SessionRequest::of("x".repeat(MAX_PROMPT_BYTES + 1)).check().unwrap_err();
        assert_eq!(long.code(), Code::JobTooLarge, "{long}");
    }
}

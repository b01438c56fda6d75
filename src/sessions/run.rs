//! One run of the agent program, from its folder to its record.

use super::Agents;
use super::changes::Look;
use super::clean::without_secrets;
use super::ended::Ended;
use super::finish::{doubt, finish};
use super::given::{Given, ServersFile};
use super::limit_met::limit_met;
use super::lingering::Lingering;
use super::loans;
use super::own_files::program_files;
use super::place::Place;
use super::record::{FLUSH_EVERY, Recorder};
use crate::agents::claude::{
    Bounds, End, Event, HEARTBEATS, OnDenial, ReadLine, Settings, Stop, Summary, Verdict, Version,
    verdict,
};
use crate::agents::wall::{API_KEY, Passage};
use crate::agents::{self as agent_programs, Exit, FolderId, Limits, Marker, Spec};
use crate::engine::{Context, Hold};
use crate::error::{Code, Error, Result, ignore};
use crate::heavy::heavy;
use crate::model::{
    Cost, JobId, Process, Profile, RunEnding, SessionEnd, SessionMeter, SessionStart,
};
use crate::redact::redactor;
use crate::warn_coded;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Between two texts of progress: each is a write.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// The bytes of the agent's progress that pages show.
const MAX_PROGRESS: usize = 200;

/// Bytes that a run may print: an answer comes in pieces of some words, each in a line of three hundred bytes.
const MAX_OUTPUT: u64 = 1024 * 1024 * 1024;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How the program is called.
    pub settings: Settings,
    /// What it is asked, by standard input.
    pub prompt: String,
    /// The part of the record that is known at the start; this module writes the rest.
    pub tier: u8,
    /// The prompt file, if the prompt is one.
    pub prompt_file: Option<String>,
    /// What somebody typed, for the record.
    pub typed: Option<String>,
    /// The session that it goes on with.
    pub continues: Option<JobId>,
    /// The folder of its files, by name.
    pub place: String,
    /// Where it starts; `None`: in its own folder.
    pub working_dir: Option<PathBuf>,
    /// What its working directory gives it besides the prompt.
    pub given: Given,
    /// Files that it may read although they lie in the data directory.
    pub readable: Vec<PathBuf>,
    /// How long it may take.
    pub wall: Duration,
    /// How long it may show no sign of life.
    pub idle: Duration,
    /// Whether a tool that was not allowed makes it a failure.
    pub on_denial: OnDenial,
    /// What the runs that it resumes have cost.
    pub cost_before: f64,
    /// The session of its schedule whose answer its prompt holds.
    pub answer_of: Option<JobId>,
}

/// Runs the agent program for a job and records it. Returns when no process of it is left and its record is saved.
///
/// When the job is cancelled, or the server stops, the program is ended and the verdict says so.
///
/// # Errors
/// `AGENT-START-001` to `-003`, `AGENT-BOX-001`, `AGENT-VALUE-001` if it cannot be started, `AGENT-TREE-001` if processes of
/// it cannot be ended, `STORE-LEASE-001` if the job is not this handler's any more, `AGENT-RECORD-002` if its end could not
/// be saved; `AGENT-FOLDER-001` while another session may write in its folder. A passing refusal of the database is answered only before the program was started.
pub async fn run(agents: &Agents, context: &Context, plan: Plan) -> Result<Verdict> {
    let (program, version) = agents.program.ready().await?;
    let place = Place::create(&agents.data_dir, &plan.place, agents.launcher.user())?;
    let profile = plan.settings.profile;
    let (working_dir, looked_at) = match &plan.working_dir {
        Some(named) => {
            let (path, folder) = place.working_dir(agents, profile, named)?;
            (path, Some(folder))
        }
        None => (place.work.clone(), None),
    };
    let marker = Marker::random();
    let start = SessionStart {
        tier: plan.tier,
        profile,
        model: plan.settings.model.as_ref().map(|model| model.as_str().to_owned()),
        prompt_file: plan.prompt_file.clone(),
        prompt_text: plan.typed.clone(),
        continues: plan.continues,
        working_dir: working_dir.clone(),
        place: plan.place.clone(),
        marker: marker.to_string(),
        cost_before: plan.cost_before,
        given: plan.given.record(),
        answer_of: plan.answer_of,
    };
    let who = format!("session {}", context.job.id);
    let passage = agents.wall.open(place.entry(agents, profile), who)?;
    let mut env = place.environment(agents, profile);
    env.extend(passage.environment().clone());
    // It is removed when the run is over.
    let servers = plan.given.servers(&place, &marker)?;
    let settings = Settings {
        api_key: env.contains_key(API_KEY),
        servers: servers.as_ref().map(ServersFile::setting),
        ..plan.settings.clone()
    };
    let mut argv = vec![program.to_string_lossy().into_owned()];
    argv.extend(settings.argv(version)?);
    let own = settings.variables(version).iter();
    env.extend(own.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    env.insert("LAMPLIGHTER_JOB".to_owned(), context.job.id.to_string());
    let readable = readable(agents, &place, &plan, &program)?;
    let lent = place.is_lent(profile, &working_dir).then(|| (marker.clone(), working_dir.clone()));
    let spec = Spec {
        argv,
        env,
        isolation: place.isolation(agents, profile, &working_dir, readable, passage.socket())?,
        working_dir,
        folder: looked_at,
        stdin: plan.prompt.clone().into_bytes(),
        limits: plan.limits(agents),
        marker,
    };
    let folder = spec.working_dir.clone();
    let lease = context.lease.clone();
    let now = context.clock.now();
    let saved = agents.store.begin_session(lease.clone(), start, now).await?;
    let mut recorder = Recorder::new(agents.store.clone(), lease, context.clock.clone(), saved);
    if saved.0 > 0 {
        recorder.keep(json!({"type": "run", "attempt": context.job.epoch}).to_string());
    }
    let ready = Ready { agents, context, place: &place, recorder, version, passage };
    let done = ready.work(&plan, spec, (profile, &folder), lent.as_ref()).await;
    if let Some((marker, _)) = lent {
        loans::give_back(agents, &marker).await;
    }
    done
}

/// A run that can begin.
struct Ready<'a> {
    agents: &'a Agents,
    context: &'a Context,
    place: &'a Place,
    recorder: Recorder,
    version: Version,
    passage: Passage,
}

impl Ready<'_> {
    /// Does the work from the loan of the folder to the record of what came of it.
    async fn work(
        self,
        plan: &Plan,
        spec: Spec,
        (profile, folder): (Profile, &Path),
        lent: Option<&Lent>,
    ) -> Result<Verdict> {
        let Self { agents, context, place, recorder, version, passage } = self;
        let swept = place.sweep().await;
        let ready = swept.and_then(|()| place.note_written(profile, folder));
        let (look, started) = match ready {
            Ok(()) => begin(agents, context, spec, (profile, folder), lent).await,
            Err(error) => (None, Err(error)),
        };
        let watched = match started {
            Ok((run, hold)) => {
                let run = Watched { agents, context, recorder, run, version, passage };
                run.watch(plan, hold).await?
            }
            Err(error) => {
                let end = SessionEnd::new(RunEnding::NotStarted);
                finish(agents, context, end).await?;
                return Err(error);
            }
        };
        let mut end = watched.record();
        // As the run said it: the program may have been replaced since it was looked for.
        end.agent_version = watched.summary.version.clone().or(Some(version.to_string()));
        finish(agents, context, end).await?;
        Look::after(look, agents, context, watched.verdict.ending).await;
        Ok(watched.verdict)
    }
}

/// The files that the run may read wherever they lie, made ready for the user as whom it works.
fn readable(agents: &Agents, place: &Place, plan: &Plan, program: &Path) -> Result<Vec<PathBuf>> {
    let mut readable = program_files(program);
    if plan.settings.profile == Profile::Scan {
        agent_programs::door::install(&place.root, &agents.door)?;
        place.give(&place.root.join("bin"))?;
        readable.push(agents.door.clone());
    }
    for path in &plan.readable {
        place.give(path)?;
        readable.push(path.clone());
    }
    Ok(readable)
}

/// A working directory that is to be lent to a run, and the run's name.
type Lent = (Marker, PathBuf);

/// Lends the run its folder, looks at that, and starts the program.
async fn begin(
    agents: &Agents,
    context: &Context,
    spec: Spec,
    (profile, folder): (Profile, &Path),
    lent: Option<&Lent>,
) -> (Option<Look>, Result<(agent_programs::Run, Hold)>) {
    // No other run writes in the folder by now, but one that did may have put something in its place since the look.
    if let Err(error) = still_there(&spec) {
        return (None, Err(error));
    }
    if let Some((marker, folder)) = lent
        && let Err(error) = loans::lend(agents, marker, folder).await
    {
        return (None, Err(error));
    }
    let look = Look::before(agents, context, profile, (folder, spec.folder)).await;
    // From here on processes live: the job is not over before they are gone, however long that takes.
    let hold = context.hold();
    (look, agents.launcher.start(spec).await.map(|run| (run, hold)))
}

/// Refuses to begin a run whose working directory is another one than was looked at.
fn still_there(spec: &Spec) -> Result<()> {
    let Some(folder) = spec.folder else { return Ok(()) };
    let path = &spec.working_dir;
    let is_it = FolderId::open(path).is_ok_and(|found| found == (folder, path.clone()));
    if is_it {
        return Ok(());
    }
    let why = "another folder has taken its place; look who has put it there";
    Err(Error::new(Code::AgentValue, format!("work in {}", path.display())).because(why))
}

impl Plan {
    fn limits(&self, agents: &Agents) -> Limits {
        let Self { wall, idle, .. } = *self;
        Limits {
            wall,
            idle,
            heartbeats: HEARTBEATS,
            output: MAX_OUTPUT,
            resources: agents.resources,
        }
    }
}

/// A run that is watched.
struct Watched<'a> {
    agents: &'a Agents,
    context: &'a Context,
    recorder: Recorder,
    run: agent_programs::Run,
    /// The version of the program that was looked up.
    version: Version,
    passage: Passage,
}

/// The process of a run, and what keeps it from the rest of the machine.
type Started = (Option<Process>, String);

impl Watched<'_> {
    /// Records what the program prints until it is over.
    async fn watch(mut self, plan: &Plan, hold: Hold) -> Result<Ended> {
        let isolation = if self.run.is_sandboxed() { "bwrap" } else { "supervisor" };
        let user = self.agents.launcher.user();
        let isolation =
            user.map_or_else(|| isolation.to_owned(), |user| format!("{isolation}, as {user}"));
        let main = self.run.trace().main.clone();
        let (mut unsaid, clock) = (Some((main, isolation)), &self.context.clock);
        let mut lost = self.say_started(&mut unsaid).await.err();
        let mut summary = Summary::default();
        let bounds = self.bounds(plan);
        let mut asked = lost.is_some().then_some(Stop::Interrupted);
        let mut shown: Option<Duration> = None;
        let (mut is_ordered, mut is_named) = (false, false);
        let mut lingering = Lingering::default();
        let mut flush_at = clock.uptime() + FLUSH_EVERY;
        loop {
            if asked.is_some() && !std::mem::replace(&mut is_ordered, true) {
                lingering.ordered(self.context);
                self.run.stop().await;
            }
            let chunk = tokio::select! {
                chunk = self.run.next() => chunk,
                () = clock.sleep(flush_at.saturating_sub(clock.uptime())) => {
                    lost = self.say_started(&mut unsaid).await.err().or(lost);
                    lost = self.recorder.flush().await.err().or(lost);
                    asked = asked.or(lost.is_some().then_some(Stop::Interrupted));
                    flush_at = clock.uptime() + FLUSH_EVERY;
                    lingering.look(self.context, &self.run).await;
                    continue;
                }
                () = self.context.cancelled.cancelled(), if asked.is_none() => {
                    asked = Some(why_cancelled(self.context));
                    continue;
                }
            };
            let Some(chunk) = chunk else { break };
            self.context.alive();
            let lines = self.recorder.push(&chunk).await;
            for line in &lines {
                let over = bounds.stop(&summary, line);
                asked = asked.or(over);
                summary.see_line(line);
            }
            if summary.tool_uses > 0 && !std::mem::replace(&mut is_named, true) {
                self.name(&summary).await;
            }
            if summary.hopeless().is_some() {
                asked = asked.or(Some(Stop::GaveUp));
            }
            if self.recorder.is_full() {
                lost = self.recorder.flush().await.err().or(lost);
            }
            let now = clock.uptime();
            if shown.is_none_or(|at| now >= at + PROGRESS_EVERY) && self.show(&lines).await {
                self.meter(&summary, plan).await;
                shown = Some(now);
            }
        }
        let ended = lingering.ended(self.context, &mut self.run).await?;
        drop(hold);
        self.recorder.end().await.iter().for_each(|line| summary.see_line(line));
        lost = self.recorder.finish(self.passage.account()).await.err().or(lost);
        if let Some(error) = lost.filter(Error::is_lease_lost) {
            return Err(error);
        }
        let stop = Stop::of(ended.reason, asked);
        let verdict = self.judge(plan, &summary, (ended.exit, stop));
        let (verdict, refused) = (without_secrets(verdict).await, self.passage.refused());
        Ok(Ended { summary, verdict, exit: ended.exit, refused })
    }

    /// What the server itself holds the run to.
    fn bounds(&self, plan: &Plan) -> Bounds {
        Bounds {
            budget_usd: plan.settings.budget_usd,
            max_turns: plan.settings.max_turns,
            cost_before: plan.cost_before,
            version: self.version,
        }
    }

    fn judge(
        &self,
        plan: &Plan,
        summary: &Summary,
        (exit, stop): (Option<Exit>, Option<Stop>),
    ) -> Verdict {
        let end = End {
            exit,
            stop,
            stderr: self.recorder.last_words(),
            structured: plan.settings.json_schema.is_some() && !plan.settings.prose_will_do,
            on_denial: plan.on_denial,
            cost_before: plan.cost_before,
            budget_usd: plan.settings.budget_usd,
            version: self.version,
        };
        let mut verdict = verdict(summary, &end, self.context.clock.now());
        if let Some(met) = limit_met(verdict.ending, exit, &self.agents.resources) {
            verdict.message = met;
        }
        verdict.cost = Cost::with_floor(verdict.cost, self.passage.cost());
        verdict.count(summary, self.passage.served());
        doubt(&mut verdict, self.passage.counted());
        verdict
    }

    /// Writes which process the run is. The run goes on while the database refuses for a time, and the next call tries again.
    ///
    /// # Errors
    /// `STORE-LEASE-001` if the job is not this run's any more, `STORE-STOP-001` if the store is closed.
    async fn say_started(&self, unsaid: &mut Option<Started>) -> Result<()> {
        let Some((main, isolation)) = unsaid.clone() else { return Ok(()) };
        let lease = self.context.lease.clone();
        match self.agents.store.session_started(lease, main, &isolation).await {
            Err(error) if error.is_passing_refusal() => {
                warn_coded!(Code::AgentTranscript, "job {}: {error}", self.context.job.id);
                Ok(())
            }
            done => {
                *unsaid = None;
                done
            }
        }
    }

    /// Writes the program's own id of the session as soon as the session can be continued, so that it can be after a kill.
    async fn name(&self, summary: &Summary) {
        let Some(session) = summary.session.clone() else { return };
        let named = self.agents.store.name_session(self.context.lease.clone(), session).await;
        ignore(named, "the session's own id is written again at the end");
    }

    /// Writes how far the run is, and how far it may go.
    async fn meter(&self, summary: &Summary, plan: &Plan) {
        let cost = summary.cost(plan.cost_before, self.version).map_or(0.0, |cost| cost.usd);
        let meter = SessionMeter {
            cost_usd: cost.max(self.passage.cost()),
            turns: summary.turns().unwrap_or(0),
            max_cost_usd: plan.settings.budget_usd,
            max_turns: plan.settings.max_turns.map(u64::from),
            max_ms: Some(plan.wall.as_millis() as u64),
        };
        let told = self.agents.store.meter_session(self.context.lease.clone(), meter).await;
        ignore(told, "the end of the run writes what it came to");
    }

    /// Shows the last of these events as the job's progress; answers whether there was one to show.
    async fn show(&self, lines: &[ReadLine]) -> bool {
        let mut events = lines.iter().flat_map(|line| &line.events).rev();
        let telling = events.find(|event| {
            matches!(event, Event::Text { .. } | Event::ToolUse { .. } | Event::Retry { .. })
        });
        let Some(event) = telling else { return false };
        let mut text = format!("{}: {}", event.label(), event.text().replace('\n', " "));
        let bytes = text.len();
        // Half a token has no shape: the whole text is cleaned before it is cut.
        let clean = move || {
            redactor().clean(&mut text);
            text
        };
        let mut text = heavy(bytes, clean).await;
        text.truncate(text.floor_char_boundary(MAX_PROGRESS));
        let shown = self.context.progress(text).await;
        ignore(shown, "whether the job is still ours is found out by what is recorded");
        true
    }
}

/// The engine asks a handler to end when somebody cancels the job, and when the server stops.
fn why_cancelled(context: &Context) -> Stop {
    if context.stopping.is_cancelled() { Stop::Interrupted } else { Stop::Cancelled }
}

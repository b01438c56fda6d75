//! Golden repositories: repositories of this machine that an agent describes, for people and for other agents.
//!
//! A description is a job of kind `golden_repo` on the queue `agent`, beside scans and sessions and in one order with them.
//! While there is no agent program a plain description is made of the repository's own files, and completed when there
//! is one.

mod files;

use crate::agents::claude::{Conclusion, Model, OnDenial, Settings};
use crate::engine::{Builder, Context};
use crate::error::{Code, Error, Result};
use crate::model::settings::{REPOSITORY_MODEL, default_retention};
use crate::model::{
    Actor, DescribedBy, Description, GoldenRepo, JobError, Kind, KindRules, NewJob, Outcome,
    Profile, Queue, Retention, Setting, Timestamp, Trigger, UniqueKey,
};
use crate::redact::redactor;
use crate::sessions::{self, AgentState, Agents, Dollars, Given, Plan, Wishes};
use crate::written::Written;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io;

/// The payload of these jobs.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    /// The repository's name.
    repository: String,
}

/// The name of the repository that a payload asks about; whether it is registered is another matter.
///
/// # Errors
/// `JOB-VALUE-001` with the member that does not fit.
pub fn check(payload: &Value) -> Result<String> {
    let request = Request::deserialize(payload).map_err(|error| {
        Error::new(Code::ModelInvalid, "read the payload of a golden_repo").because(error)
    })?;
    Ok(request.repository)
}

/// The rules of kind `golden_repo`: one attempt, again when interrupted, kept for a year.
pub fn rules() -> KindRules {
    KindRules {
        queue: Queue::AGENT,
        max_attempts: 1,
        winds_up: true,
        retention: Retention::all(default_retention(&Kind::GOLDEN_REPO)),
        ..KindRules::new(Kind::GOLDEN_REPO)
    }
}

/// Lets an engine describe repositories.
pub fn register(builder: Builder, agents: &Agents) -> Builder {
    let agents = agents.clone();
    builder.queue(Queue::AGENT, 1).kind(rules(), move |context| {
        let agents = agents.clone();
        async move {
            let described = describe(&agents, &context).await;
            described.unwrap_or_else(|error| Outcome::Failed(JobError::from(error)))
        }
    })
}

/// The job that describes a repository. One that waits or runs does for all who ask.
///
/// # Errors
/// `JOB-VALUE-001` for a name that is too long.
pub fn job(name: &str, trigger: Trigger, actor: Option<Actor>) -> Result<NewJob> {
    let unique_key = Some(UniqueKey::parse(format!("repository {name}"))?);
    let request = Request { repository: name.to_owned() };
    Ok(NewJob { trigger, unique_key, actor, ..NewJob::untyped(Kind::GOLDEN_REPO, &request)? })
}

/// Asks for the descriptions that were made of files while there was no agent program, if there is one now.
pub async fn complete(agents: &Agents, now: Timestamp) -> Result<()> {
    if matches!(agents.program.state().await, AgentState::Missing { .. }) {
        return Ok(());
    }
    for repository in agents.store.repositories().await? {
        if matches!(repository.description, Some((_, DescribedBy::Files, _))) {
            let job = job(&repository.name, Trigger::Api, None)?;
            agents.store.request_description(repository.name, job, now).await?;
        }
    }
    Ok(())
}

async fn describe(agents: &Agents, context: &Context) -> Result<Outcome> {
    let Request { repository: name } = match context.payload() {
        Ok(request) => request,
        Err(error) => return Ok(Outcome::Fatal(JobError::from(error))),
    };
    let Some(repository) = agents.store.repository(name.clone()).await? else {
        let error = Error::new(Code::RepositoryUnknown, format!("find the repository {name:?}"));
        return Ok(Outcome::Fatal(JobError::from(error)));
    };
    if matches!(agents.program.state().await, AgentState::Missing { .. }) {
        let path = repository.path.clone();
        let data_dir = agents.data_dir.clone();
        // The agent is kept from links that another run may have laid; so are we.
        let look = move || -> io::Result<_> {
            Ok(files::describe(&Written::read(&data_dir)?.way(&path)?))
        };
        let failed = || Error::new(Code::RepositoryPath, "read a repository");
        let description = match tokio::task::spawn_blocking(look).await {
            Ok(done) => done.map_err(|error| failed().because(error))?,
            Err(error) => return Err(failed().because(error)),
        };
        return save(agents, context, &repository, description, DescribedBy::Files).await;
    }
    let wishes = sessions::wishes(&agents.store).await?;
    let budget = match sessions::reserve(agents, context, wishes.run_usd, None).await? {
        Dollars::Granted(usd) => usd,
        Dollars::None { why, outcome } => {
            context.progress(format!("The description waits: {why}.")).await?;
            return Ok(outcome);
        }
    };
    let plan = plan(agents, context, &repository, (wishes, budget)).await?;
    let verdict = sessions::run(agents, context, plan).await?;
    if verdict.conclusion != Conclusion::Done {
        return Ok(verdict.outcome(Value::Null));
    }
    let answer = verdict.structured.clone().unwrap_or_default();
    match serde_json::from_value::<Description>(answer) {
        Ok(description) => {
            save(agents, context, &repository, description, DescribedBy::Agent).await
        }
        Err(error) => {
            let error = Error::new(Code::AgentUnstructured, "read the description").because(error);
            Ok(Outcome::Failed(JobError::from(error)))
        }
    }
}

async fn save(
    agents: &Agents,
    context: &Context,
    repository: &GoldenRepo,
    description: Description,
    by: DescribedBy,
) -> Result<Outcome> {
    let description = without_secrets(description);
    let result = json!({"repository": repository.name, "described_by": by.as_str()});
    let (lease, now) = (context.lease.clone(), context.clock.now());
    agents.store.describe_repository(lease, repository.id, description, by, now).await?;
    Ok(Outcome::Done(result))
}

/// A repository's own files may hold secrets too.
fn without_secrets(description: Description) -> Description {
    let clean = |text: String| redactor().text(&text).into_owned();
    let all = |texts: Vec<String>| texts.into_iter().map(clean).collect();
    Description {
        summary: clean(description.summary),
        technologies: all(description.technologies),
        features: all(description.features),
        use_cases: all(description.use_cases),
        purpose: clean(description.purpose),
    }
}

async fn plan(
    agents: &Agents,
    context: &Context,
    repository: &GoldenRepo,
    (wishes, budget): (Wishes, f64),
) -> Result<Plan> {
    let model = REPOSITORY_MODEL.of(&agents.store.settings([REPOSITORY_MODEL.key]).await?);
    let settings = Settings {
        model: Some(Model::parse(&Setting::text(&model))?),
        max_turns: Some(wishes.max_turns),
        budget_usd: Some(budget),
        resumable: false,
        json_schema: Some(schema()),
        ..Settings::new(Profile::ReadOnly)
    };
    Ok(Plan {
        settings,
        prompt: include_str!("../prompts/golden_repo.md").to_owned(),
        tier: 1,
        prompt_file: Some("golden_repo".to_owned()),
        typed: None,
        continues: None,
        place: context.job.id.to_string(),
        working_dir: Some(repository.path.clone()),
        // Nobody has asked a person whether this folder may tell an agent what to write of it.
        given: Given::default(),
        readable: Vec::new(),
        wall: wishes.wall,
        idle: wishes.idle,
        on_denial: OnDenial::Note,
        cost_before: 0.0,
        answer_of: None,
    })
}

fn schema() -> Value {
    let text = json!({"type": "string"});
    let list = json!({"type": "array", "items": {"type": "string"}});
    json!({
        "type": "object",
        "properties": {
            "summary": text, "technologies": list, "features": list, "use_cases": list, "purpose": text,
        },
        "required": ["summary", "technologies", "features", "use_cases", "purpose"],
        "additionalProperties": false,
    })
}

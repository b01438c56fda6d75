//! The form of a schedule, for a new one and for one that is there: what it sends, and how it looks.

use super::app::App;
use super::base::{Link, link};
use super::components::{as_typed, choice_field, field, pretty, text_field};
use super::problem::Problem;
use super::rule_form::{RuleForm, when};
use crate::actions::schedules::{PlanTexts, prompt_apart};
use crate::error::Result;
use crate::model::{
    CatchUp, Kind, KindRules, Overlap, PRIORITIES, Plan, Queue, QueueState, Zone, is_of_the_server,
    rules_in_force,
};
use maud::{Markup, html};
use serde::Deserialize;

/// Where the preview of a rule is asked for. The path has a hyphen, which no schedule's name has.
pub(super) const PREVIEW_PATH: &str = "/schedules/rule-preview";
/// How long after the last key the preview is asked for.
const PREVIEW_ON: &str = "input delay:300ms, change delay:300ms";

/// What the form sends. Every field is text, so that a field that does not fit can be shown as it was typed.
#[derive(Clone, Deserialize)]
pub(super) struct PlanForm {
    #[serde(default)]
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) rule: RuleForm,
    kind: String,
    #[serde(default)]
    prompt: String,
    payload: String,
    queue: String,
    priority: String,
    catch_up: String,
    overlap: String,
    stagger: String,
    /// Not empty if it is to begin paused.
    #[serde(default)]
    pub(super) paused: String,
    /// `full` if the person confirmed that sessions of the profile full have no sandbox.
    #[serde(default)]
    confirm: String,
    /// Not empty if the rule is to be shown and nothing is to be stored, which a browser without scripts asks for.
    #[serde(default)]
    pub(super) preview: String,
}

impl Default for PlanForm {
    fn default() -> Self {
        Self {
            name: String::new(),
            rule: RuleForm::default(),
            kind: String::new(),
            prompt: String::new(),
            payload: "{}".to_owned(),
            queue: String::new(),
            priority: String::new(),
            catch_up: CatchUp::Once.to_string(),
            overlap: Overlap::QueueOne.to_string(),
            stagger: "0".to_owned(),
            paused: String::new(),
            confirm: String::new(),
            preview: String::new(),
        }
    }
}

impl PlanForm {
    /// The form with what is stored.
    pub(super) fn of(plan: &Plan) -> Self {
        let (prompt, payload) = if plan.kind == Kind::AGENT_SESSION {
            prompt_apart(&plan.payload)
        } else {
            (String::new(), plan.payload.to_string())
        };
        Self {
            rule: RuleForm::of(&plan.rule),
            kind: plan.kind.to_string(),
            prompt,
            payload: pretty(&payload),
            queue: plan.queue.as_ref().map_or_else(String::new, Queue::to_string),
            priority: plan.priority.map_or_else(String::new, |priority| priority.to_string()),
            catch_up: plan.catch_up.to_string(),
            overlap: plan.overlap.to_string(),
            stagger: plan.stagger.as_secs().to_string(),
            ..Self::default()
        }
    }

    /// The form for a new schedule, on the clocks of the one who looks, for a kind with its example.
    pub(super) fn fresh(zone: Option<Zone>, kind: Option<String>, offered: &Offered) -> Self {
        let kinds = &offered.kinds;
        let rules = kinds.iter().find(|rules| kind.as_deref() == Some(rules.kind.as_str()));
        let rules = rules.or_else(|| kinds.first());
        Self {
            rule: RuleForm::on_clocks_of(zone),
            kind: rules.map(|rules| rules.kind.to_string()).or(kind).unwrap_or_default(),
            payload: rules.map_or_else(|| "{}".to_owned(), example),
            ..Self::default()
        }
    }

    /// All fields, as they are to be read.
    ///
    /// # Errors
    /// As [`RuleForm::text`].
    pub(super) fn texts(&self) -> Result<PlanTexts> {
        let is_session = self.kind.trim() == Kind::AGENT_SESSION.as_str();
        Ok(PlanTexts {
            rule: Some(self.rule.text()?),
            kind: Some(self.kind.clone()),
            payload: Some(as_typed(&self.payload)),
            prompt: is_session.then(|| as_typed(&self.prompt)),
            queue: Some(self.queue.clone()),
            priority: Some(self.priority.clone()),
            catch_up: Some(self.catch_up.clone()),
            overlap: Some(self.overlap.clone()),
            stagger: Some(self.stagger.clone()),
        })
    }

    /// Whether it asks for sessions without a sandbox, or has the box ticked that confirms them.
    fn is_full(&self) -> bool {
        self.confirmed() || self.payload.contains("\"full\"")
    }

    /// Whether the person confirmed sessions without a sandbox.
    pub(super) fn confirmed(&self) -> bool {
        self.confirm == "full"
    }
}

/// What the form offers to choose from.
pub(super) struct Offered {
    kinds: Vec<KindRules>,
    queues: Vec<QueueState>,
}

impl Offered {
    /// The kinds that have a handler, and the queues that there are.
    pub(super) async fn by(app: &App) -> Result<Self, Problem> {
        let mut kinds = rules_in_force(&app.web.store.registered_kinds().await?);
        // The act on the jobs of a query makes these by itself.
        kinds.retain(|rules| rules.kind != Kind::BULK_ACTION);
        // Those of programs first: what the server itself has is the rarer choice.
        kinds.sort_by_key(|rules| (is_of_the_server(&rules.kind), rules.kind.to_string()));
        Ok(Self { kinds, queues: app.web.store.queues().await? })
    }
}

fn example(rules: &KindRules) -> String {
    rules.example.as_deref().map_or_else(|| "{}".to_owned(), pretty)
}

/// The form. `action` is where it is sent, `is_new` says that it asks for a name, `below` stands beside its button.
pub(super) fn plan_form(
    fields: &PlanForm,
    offered: &Offered,
    (action, is_new): (&Link, bool),
    below: &Markup,
) -> Markup {
    html! {
        form #plan .plan method="post" action=(action) hx-get=(link(PREVIEW_PATH)) hx-trigger=(PREVIEW_ON)
            hx-target="#preview" hx-swap="innerHTML" hx-params="rule,runs,every,minute,at,days,day,cron,once,zone" {
            div.card-body.fields {
                (what(fields, offered))
                @if is_new { (text_field("name", "Name", &fields.name, "a-z, 0-9 and _, such as nightly_export")) }
                (when(&fields.rule))
                (misses(fields))
                @if is_new {
                    label.form-check {
                        input.form-check-input type="checkbox" name="paused" value="yes" checked[!fields.paused.is_empty()];
                        "Begin paused"
                    }
                }
            }
            div.card-footer {
                button.btn.btn-primary type="submit" { "Save" }
                noscript { button.btn type="submit" name="preview" value="yes" { "Preview" } }
                (below)
            }
        }
    }
}

/// What it makes: kind, queue, prompt and payload.
fn what(fields: &PlanForm, offered: &Offered) -> Markup {
    let kinds = &offered.kinds;
    let is_known = kinds.iter().any(|rules| rules.kind.as_str() == fields.kind);
    let limit = |queue: &QueueState| match queue.operator_limit.or(queue.engine_limit) {
        Some(limit) => format!("{}, limit {limit}", queue.name),
        None => queue.name.to_string(),
    };
    let mut queues = vec![(String::new(), "the kind's default".to_owned())];
    queues.extend(offered.queues.iter().map(|queue| (queue.name.to_string(), limit(queue))));
    html! {
        div.fields.fields-2 {
            @if kinds.is_empty() {
                (text_field("kind", "Kind", &fields.kind, "No process with handlers runs. Name the kind that one will have."))
            } @else {
                (field("kind", "Kind", &html! {
                    select #plan-kind .form-select name="kind" aria-describedby="hint-kind" {
                        @if !is_known && !fields.kind.is_empty() {
                            option value=(fields.kind) selected data-example=(fields.payload) { (fields.kind) ", without a handler" }
                        }
                        @for rules in kinds {
                            option value=(rules.kind) selected[rules.kind.as_str() == fields.kind] data-example=(example(rules)) { (rules.kind) }
                        }
                    }
                }, ""))
            }
            (choice_field("queue", "Queue", &fields.queue, &queues))
        }
        div.for-session {
            (field("prompt", "Prompt", &html! {
                textarea #plan-prompt .form-control name="prompt" rows="4" aria-describedby="hint-prompt" { "\n" (fields.prompt) }
            }, "What the agent is asked each time. Empty: the payload names a prompt file."))
        }
        (field("payload", "Payload", &html! {
            textarea #plan-payload .form-control.mono name="payload" rows="5" spellcheck="false" aria-describedby="hint-payload" { "\n" (fields.payload) }
        }, "JSON, which the handler of the kind reads"))
        // Shown where the payload asks for it; the page's script shows it while somebody types that.
        label.for-session.profile-full data-waiver hidden[!fields.is_full()] {
            span { input.form-check-input type="checkbox" name="confirm" value="full" checked[fields.confirmed()]; " I know that sessions of the profile full have no sandbox" }
        }
    }
}

/// What becomes of runs that are missed or meet one another.
fn misses(fields: &PlanForm) -> Markup {
    let mut missed: Vec<(String, String)> = [
        ("once", "one job for all of them"),
        ("skip", "no job"),
        ("all:10", "a job each, for the newest 10"),
        ("all:100", "a job each, for the newest 100"),
    ]
    .map(|(value, word)| (value.to_owned(), word.to_owned()))
    .to_vec();
    if missed.iter().all(|(value, _)| *value != fields.catch_up) {
        missed.insert(0, (fields.catch_up.clone(), fields.catch_up.clone()));
    }
    let overlaps = [Overlap::QueueOne, Overlap::QueueAll, Overlap::Skip]
        .map(|offered| (offered.to_string(), overlap_words(offered).to_owned()));
    let (least, most) = (PRIORITIES.start(), PRIORITIES.end());
    let priority = format!("{least} to {most}, lower runs first; empty: the kind's default");
    html! {
        details #plan-more {
            summary { "If a run is missed or overlaps; priority" }
            div.fields.fields-2.below {
                (choice_field("catch_up", "Missed runs", &fields.catch_up, &missed))
                (choice_field("overlap", "While the job before waits or runs", &fields.overlap, &overlaps))
                (text_field("stagger", "Between the jobs of missed runs", &fields.stagger, "Seconds, or 5m"))
                (text_field("priority", "Priority", &fields.priority, &priority))
            }
        }
    }
}

/// What becomes of an occurrence that meets its predecessor, as people read it.
pub(super) const fn overlap_words(overlap: Overlap) -> &'static str {
    match overlap {
        Overlap::QueueOne => "at most one job waits",
        Overlap::QueueAll => "every occurrence makes a job",
        Overlap::Skip => "skipped while a job waits or runs",
    }
}

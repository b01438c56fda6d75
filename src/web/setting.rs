//! Settings in forms: reading what was sent, saying what was not taken beside its field, and the fields themselves.

use super::app::Web;
use super::problem::Problem;
use crate::error::Code;
use crate::model::{Actor, Setting};
use crate::monitor::cadence::ENABLED;
use crate::monitor::settings;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde_json::json;
use std::collections::BTreeMap;

/// The fields of a form, in its order; of two with one name the last counts, as a switch needs it.
pub(super) type Sent = Vec<(String, String)>;

/// What is to be said of a form that was sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    saved: Option<String>,
    typed: BTreeMap<String, String>,
    wrong: BTreeMap<&'static str, String>,
}

impl Said {
    /// This was saved.
    pub(super) fn saved(what: Option<&str>) -> Self {
        Self { saved: what.map(str::to_owned), ..Self::default() }
    }

    /// This was typed for a setting and not taken.
    pub(super) fn refuse(&mut self, key: &'static str, typed: String, problem: &Problem) {
        self.typed.insert(key.to_owned(), typed);
        self.wrong.insert(key, problem.what().to_owned());
    }

    /// Whether something was not taken; nothing was changed then.
    pub(super) fn is_refusal(&self) -> bool {
        !self.wrong.is_empty()
    }

    /// Why a setting was not taken.
    pub(super) fn wrong(&self, key: &str) -> Option<&str> {
        self.wrong.get(key).map(String::as_str)
    }

    /// What stands in the field of a setting: what was typed, else what is set.
    pub(super) fn shown<'a>(&'a self, key: &str, set: &'a str) -> &'a str {
        self.typed.get(key).map_or(set, String::as_str)
    }

    /// The banner over a form: `saved` is the word for what it saves, with the sentence for it; `keys` are its settings.
    pub(super) fn banner(&self, saved: &[(&str, &str)], keys: &[&str]) -> Markup {
        let done = saved.iter().find(|(word, _)| self.saved.as_deref() == Some(word));
        let wrong = keys.iter().filter(|key| self.wrong.contains_key(*key)).count();
        html! {
            @if wrong > 0 {
                div.alert.alert-danger role="alert" { "Nothing was changed: see what was not taken below." }
            } @else if let Some((_, sentence)) = done {
                div.alert.alert-success role="status" { (sentence) }
            }
        }
    }

    /// The status of the answer.
    pub(super) fn status(&self) -> StatusCode {
        if self.is_refusal() { StatusCode::BAD_REQUEST } else { StatusCode::OK }
    }

    /// The same for a program.
    pub(super) fn as_json(&self) -> Result<Response, Problem> {
        if self.wrong.is_empty() {
            return Ok(Json(json!({"status": "saved"})).into_response());
        }
        let wrong: Vec<_> = self.wrong.values().map(String::as_str).collect();
        Err(Problem::of(Code::ModelInvalid).saying(wrong.join(" ")))
    }
}

/// Sets those of these settings that a form names: all of them, or none if one is not taken.
pub(super) async fn change(
    web: &Web,
    offered: &[&'static Setting],
    sent: &Sent,
    actor: &Actor,
) -> Result<Said, Problem> {
    let is_offered = |name: &str| {
        let name = name.strip_suffix(OTHER).unwrap_or(name);
        offered.iter().any(|setting| setting.key == name)
    };
    if let Some((name, _)) = sent.iter().find(|(name, _)| !is_offered(name)) {
        return Err(Problem::input(format!("{name:?} is no setting of this form.")));
    }
    let now = web.clock.now();
    let before: BTreeMap<_, _> = settings::values(&web.store)
        .await?
        .into_iter()
        .map(|(setting, value)| (setting.key, value))
        .collect();
    let (mut said, mut wanted) = (Said::saved(Some("settings")), Vec::new());
    for setting in offered {
        let Some(text) = value(sent, setting.key) else { continue };
        match settings::read(setting, &text, now) {
            Ok(value) if before[setting.key] == Setting::text(&value) => {}
            Ok(value) if setting.key == ENABLED.key && value == true => {
                match web.tracking.check() {
                    Ok(()) => wanted.push((*setting, text)),
                    Err(error) => said.refuse(setting.key, text, &Problem::from(error)),
                }
            }
            Ok(_) => wanted.push((*setting, text)),
            Err(error) => said.refuse(setting.key, text, &Problem::from(error)),
        }
    }
    if said.is_refusal() {
        // The fields that are right are shown as they were typed, too.
        said.typed.extend(wanted.into_iter().map(|(setting, text)| (setting.key.to_owned(), text)));
        return Ok(said);
    }
    // Switched on last: another cadence would put off the scan that is due at once.
    wanted.sort_by_key(|(setting, _)| setting.key == ENABLED.key);
    for (setting, text) in wanted {
        let done = settings::set(&web.store, setting, Some(&text), actor.clone(), now);
        let done = done.await;
        match done.map_err(Problem::from) {
            Err(problem) if problem.status().is_client_error() => {
                said.refuse(setting.key, text, &problem);
                return Ok(said);
            }
            done => done?,
        }
    }
    Ok(said)
}

/// What is added to a setting's name for the text beside its offered values.
const OTHER: &str = ".other";

/// What a form says of a setting: one of its offered values, or the text beside them.
fn value(sent: &Sent, key: &str) -> Option<String> {
    let last = |name: &str| {
        let fields = sent.iter().rev();
        fields.into_iter().find(|(field, _)| field == name).map(|(_, value)| value.trim())
    };
    let chosen = last(key)?;
    let other = last(&format!("{key}{OTHER}")).filter(|_| chosen.is_empty());
    Some(other.unwrap_or(chosen).to_owned())
}

/// A setting in a form.
pub(super) struct Field<'a> {
    pub(super) setting: &'static Setting,
    pub(super) label: &'a str,
    /// What is set.
    pub(super) value: &'a str,
    pub(super) said: &'a Said,
}

impl Field<'_> {
    fn id(&self) -> String {
        id(self.setting.key)
    }

    /// A line of text.
    pub(super) fn text(&self) -> Markup {
        let (id, wrong) = (self.id(), self.said.wrong(self.setting.key));
        html! {
            div.setting {
                label.form-label for=(id) { (self.label) }
                (input(self.setting, self.value, self.said))
                small.form-hint id={ (id) "-hint" } { "Takes " (self.setting.takes) ". Default: " (self.setting.default) "." }
                (not_taken(&id, wrong))
            }
        }
    }

    /// One of the offered values, or another one where `other` names what may be typed.
    pub(super) fn choice(&self, offered: &[(&str, &str)], other: Option<&str>) -> Markup {
        let (id, key) = (self.id(), self.setting.key);
        let value = self.said.shown(key, self.value);
        let is_offered = offered.iter().any(|(word, _)| *word == value);
        html! {
            fieldset.setting.choice id=(id) {
                legend.form-label { (self.label) }
                div.choices {
                    @for (word, shown) in offered {
                        label { input type="radio" name=(key) value=(word) checked[*word == value]; " " (shown) }
                    }
                    @if let Some(other) = other {
                        label { input type="radio" name=(key) value="" checked[!is_offered]; " Other" }
                        input.form-control.other name={ (key) (OTHER) } aria-label={ (self.label) ": other" } placeholder=(other)
                            value=(if is_offered { "" } else { value }) autocomplete="off" spellcheck="false";
                    }
                }
                (not_taken(&id, self.said.wrong(key)))
            }
        }
    }

    /// On or off.
    pub(super) fn switch(&self, on: &str) -> Markup {
        let (id, key) = (self.id(), self.setting.key);
        html! {
            div.setting {
                span.form-label { (self.label) }
                input type="hidden" name=(key) value="false";
                label.form-check.form-switch {
                    input.form-check-input id=(id) type="checkbox" role="switch" name=(key) value="true"
                        checked[self.said.shown(key, self.value) == "true"];
                    span.form-check-label { (on) }
                }
                (not_taken(&id, self.said.wrong(key)))
            }
        }
    }
}

/// A setting's name as an element's.
pub(super) fn id(key: &str) -> String {
    format!("setting-{}", key.replace(['.', '_'], "-"))
}

/// The field of a setting.
pub(super) fn input(setting: &Setting, value: &str, said: &Said) -> Markup {
    let (id, wrong) = (id(setting.key), said.wrong(setting.key).is_some());
    html! {
        input.form-control id=(id) name=(setting.key) value=(plain(said.shown(setting.key, value))) autocomplete="off"
            spellcheck="false" aria-describedby={ (id) "-hint " (id) "-wrong" } aria-invalid=[wrong.then_some("true")];
    }
}

/// Why a field was not taken, beside it.
pub(super) fn not_taken(id: &str, wrong: Option<&str>) -> Markup {
    html! { @if let Some(wrong) = wrong { p.not-taken id={ (id) "-wrong" } { (wrong) } } }
}

/// A value as people write it: whole dollars have no tenths.
pub(super) fn plain(value: &str) -> &str {
    let whole = value.strip_suffix(".0").filter(|whole| whole.parse::<u64>().is_ok());
    whole.unwrap_or(value)
}

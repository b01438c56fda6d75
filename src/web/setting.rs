//! Settings in forms: the fields, reading what was sent, and saying beside a field why it was refused.

use super::app::Web;
use super::components::{Tone, capital, notice, separated};
use super::problem::Problem;
use crate::actions::Call;
use crate::actions::settings::{self, SettingChange};
use crate::error::FieldError;
use crate::model::{Setting, SettingState, ValueType};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// The fields of a form, in their order. If two have the same name, the last one counts; a switch needs that.
pub(super) type Sent = Vec<(String, String)>;

/// What a page says of a form that was sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    done: Option<String>,
    notes: Vec<String>,
    typed: BTreeMap<String, String>,
    wrong: BTreeMap<String, String>,
    status: StatusCode,
}

impl Said {
    /// The change was made. The page says this sentence and these notes.
    pub(super) fn done(sentence: impl Into<String>, notes: Vec<String>) -> Self {
        Self { done: Some(sentence.into()), notes, ..Self::default() }
    }

    /// The page was opened after something was saved. `word` says what, and `sentences` has the sentence for each word.
    pub(super) fn saved(word: Option<&str>, sentences: &[(&str, &str)]) -> Self {
        let said = sentences.iter().find(|(known, _)| Some(*known) == word);
        said.map_or_else(Self::default, |(_, sentence)| Self::done(*sentence, Vec::new()))
    }

    /// The form was refused. It is shown as it was typed, and the problem says what is wrong with which field.
    pub(super) fn refused(
        typed: impl IntoIterator<Item = (String, String)>,
        problem: &Problem,
    ) -> Self {
        let key = |field: &FieldError| field.pointer.trim_start_matches('/').to_owned();
        let wrong =
            problem.fields().iter().map(|field| (key(field), field.detail.clone())).collect();
        let (typed, status) = (typed.into_iter().collect(), problem.status());
        Self { typed, wrong, status, ..Self::default() }
    }

    /// The form was not taken for a reason that is none of its fields'. It is shown as it was typed.
    pub(super) fn typed(changes: &[SettingChange]) -> Self {
        let typed = changes.iter().map(|change| (change.key.clone(), change.text.clone()));
        Self { typed: typed.collect(), ..Self::default() }
    }

    /// What was refused of settings that are not shown `here`, with the reasons.
    pub(super) fn elsewhere(
        &self,
        here: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = (&String, &String)> {
        self.wrong.iter().filter(move |(key, _)| !here(key))
    }

    /// Whether the form was refused. Nothing was changed then.
    pub(super) fn is_refusal(&self) -> bool {
        !self.wrong.is_empty()
    }

    /// The sentence that says what was done.
    pub(super) fn sentence(&self) -> Option<&str> {
        self.done.as_deref()
    }

    /// Why the text for a setting was refused.
    pub(super) fn wrong(&self, key: &str) -> Option<&str> {
        self.wrong.get(key).map(String::as_str)
    }

    /// The text in the field of a setting: what was typed, or else what is set.
    pub(super) fn shown<'a>(&'a self, key: &str, set: &'a str) -> &'a str {
        self.typed.get(key).map_or(set, String::as_str)
    }

    /// The banner over a form.
    pub(super) fn banner(&self) -> Markup {
        html! {
            @if self.is_refusal() {
                (notice(Tone::Bad, &html! { "Nothing was changed: see what was not taken below." }, &html! {}))
            } @else if let Some(sentence) = &self.done {
                (notice(Tone::Ok, &html! { (sentence) }, &html! {}))
                @for note in &self.notes { (notice(Tone::Look, &html! { (note) }, &html! {})) }
            }
        }
    }

    /// The status of the answer.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }
}

/// The outcome of a form: what a page says of it, and the answer for a program.
pub(super) struct Outcome {
    /// For a page.
    pub(super) said: Said,
    /// For a program.
    pub(super) json: Response,
}

impl Outcome {
    /// The changes were refused: they are shown as they were typed.
    fn refused(changes: &[SettingChange], problem: Problem) -> Self {
        let typed = changes.iter().map(|change| (change.key.clone(), change.text.clone()));
        let said = Said::refused(typed, &problem);
        Self { said, json: problem.into_response() }
    }
}

/// Reads the changes that a form asks for, in the order of the settings that it offers. A field that is sent back as the form
/// says that it showed it asks for none.
pub(super) fn wishes(
    offered: &[&'static Setting],
    sent: &Sent,
) -> Result<Vec<SettingChange>, Problem> {
    let is_offered = |name: &str| {
        let name = name.strip_prefix(WAS).unwrap_or(name);
        let name = name.strip_suffix(OTHER).unwrap_or(name);
        offered.iter().any(|setting| setting.key == name)
    };
    if let Some((name, _)) = sent.iter().find(|(name, _)| !is_offered(name)) {
        return Err(Problem::input(format!("{name:?} is no setting of this form.")));
    }
    let wish = |setting: &&'static Setting| {
        let typed = value(sent, setting.key);
        let typed = typed.filter(|text| was(sent, setting.key) != Some(text.as_str()));
        typed.map(|text| SettingChange::set(setting.key, text))
    };
    Ok(offered.iter().filter_map(wish).collect())
}

/// The refusal of changes to what somebody else has set since the form was opened; `None` if there are none. A form that
/// does not say what it showed has none.
pub(super) fn overtaken(
    changes: &[SettingChange],
    sent: &Sent,
    now: &[SettingState],
) -> Option<Outcome> {
    let shown = |key: &str| was(sent, key).map(str::to_owned);
    let problem = Problem::from(settings::overtaken(changes, shown, now)?);
    Some(Outcome::refused(changes, problem))
}

/// Changes settings: all of these, or none if one of them is refused.
pub(super) async fn change(
    web: &Web,
    call: &Call,
    changes: &[SettingChange],
) -> Result<Outcome, Problem> {
    match settings::change(&web.store, call, changes).await {
        Ok(answer) => {
            let json = Json(answer.as_wire()).into_response();
            Ok(Outcome { said: Said::done(answer.sentence, answer.notes), json })
        }
        Err(error) if !error.fields().is_empty() => {
            Ok(Outcome::refused(changes, Problem::from(error)))
        }
        Err(error) => Err(error.into()),
    }
}

/// The end of the name of the text field beside the offered values of a setting.
const OTHER: &str = ".other";
/// The beginning of the name of the field that says what the form showed of a setting.
const WAS: &str = "was.";

/// Reads what a form says of a setting: one of the offered values, or the text beside them.
fn value(sent: &Sent, key: &str) -> Option<String> {
    let chosen = last(sent, key)?;
    let other = last(sent, &format!("{key}{OTHER}")).filter(|_| chosen.is_empty());
    Some(other.unwrap_or(chosen).to_owned())
}

/// What the form showed of a setting, if it says so.
fn was<'a>(sent: &'a Sent, key: &str) -> Option<&'a str> {
    last(sent, &format!("{WAS}{key}"))
}

/// The last field of this name.
fn last<'a>(sent: &'a Sent, name: &str) -> Option<&'a str> {
    let field = sent.iter().rev().find(|(field, _)| field == name);
    field.map(|(_, value)| value.trim())
}

/// A setting in a form.
pub(super) struct Field<'a> {
    pub(super) state: &'a SettingState,
    pub(super) said: &'a Said,
}

impl Field<'_> {
    fn setting(&self) -> &'static Setting {
        self.state.setting
    }

    fn id(&self) -> String {
        id(self.setting().key)
    }

    fn wrong(&self) -> Option<&str> {
        self.said.wrong(self.setting().key)
    }

    /// The text in the field: what was typed, or else what is set.
    fn shown(&self) -> String {
        self.said.shown(self.setting().key, &self.state.text()).to_owned()
    }

    /// What is set, for the form to send back beside what is typed.
    pub(super) fn was(&self) -> Markup {
        html! { input type="hidden" name={ (WAS) (self.setting().key) } value=(self.state.text()); }
    }

    /// The field with its label, in the form that fits its type.
    pub(super) fn whole(&self) -> Markup {
        let setting = self.setting();
        match setting.values {
            ValueType::Switch { on } => html! {
                div.setting {
                    span.form-label { (setting.label) }
                    (self.switch(&html! { span.form-check-label { (on) } }))
                    (self.was())
                    (not_taken(&self.id(), self.wrong()))
                }
            },
            ValueType::Choice(_) | ValueType::Model | ValueType::Cadence => self.choice(),
            ValueType::Whole { .. } | ValueType::Dollars { .. } | ValueType::Text { .. } => html! {
                div.setting {
                    label.form-label for=(self.id()) { (setting.label) }
                    (self.text())
                    (self.was())
                    small.form-hint id={ (self.id()) "-hint" } { (capital(&separated(&setting.takes()))) "; default: " (separated(setting.default_words())) "." }
                    (not_taken(&self.id(), self.wrong()))
                }
            },
        }
    }

    /// The field alone, on one line.
    pub(super) fn line(&self) -> Markup {
        let setting = self.setting();
        match setting.values {
            ValueType::Switch { on } => self.switch(&html! { span.form-check-label { (on) } }),
            ValueType::Choice(offered) => {
                let shown = self.shown();
                html! {
                    select.form-select id=(self.id()) name=(setting.key) aria-describedby=(self.described_by())
                        aria-invalid=[self.wrong().map(|_| "true")] {
                        @if !offered.iter().any(|offered| offered.word == shown) {
                            option value=(shown) selected { (shown) }
                        }
                        @for offered in offered {
                            option value=(offered.word) selected[offered.word == shown] { (offered.label) }
                        }
                    }
                }
            }
            ValueType::Model
            | ValueType::Cadence
            | ValueType::Whole { .. }
            | ValueType::Dollars { .. }
            | ValueType::Text { .. } => self.text(),
        }
    }

    fn described_by(&self) -> String {
        let id = self.id();
        format!("{id}-hint {id}-wrong")
    }

    /// A line of text, with the offered values to choose from.
    fn text(&self) -> Markup {
        let (id, setting) = (self.id(), self.setting());
        let offered = setting.values.offered();
        let list = (!offered.is_empty()).then(|| format!("{id}-offered"));
        html! {
            input.form-control id=(id) name=(setting.key) value=(self.shown()) autocomplete="off" spellcheck="false"
                list=[&list] aria-describedby=(self.described_by()) aria-invalid=[self.wrong().map(|_| "true")];
            @if let Some(list) = &list {
                datalist id=(list) { @for offered in offered { option value=(offered.word) { (offered.label) } } }
            }
        }
    }

    /// A choice among the offered values, with a text field where the type takes other values too.
    fn choice(&self) -> Markup {
        let (id, setting, value) = (self.id(), self.setting(), self.shown());
        let (key, offered) = (setting.key, setting.values.offered());
        let is_offered = offered.iter().any(|offered| offered.word == value);
        html! {
            fieldset.setting.choice id=(id) {
                legend.form-label { (setting.label) }
                div.choices {
                    @for offered in offered {
                        label {
                            input type="radio" name=(key) value=(offered.word) checked[offered.word == value];
                            " " (offered.label)
                        }
                    }
                    @if let Some(other) = setting.values.other() {
                        label { input type="radio" name=(key) value="" checked[!is_offered]; " Other" }
                        input.form-control.other name={ (key) (OTHER) } aria-label={ (setting.label) ": other" }
                            placeholder=(other) value=(if is_offered { "" } else { &value }) autocomplete="off"
                            spellcheck="false";
                    }
                }
                (self.was())
                (not_taken(&id, self.wrong()))
            }
        }
    }

    /// A switch for on or off. After a refusal it shows what is set.
    fn switch(&self, label: &Markup) -> Markup {
        let key = self.setting().key;
        let shown = if self.wrong().is_some() { self.state.text() } else { self.shown() };
        html! {
            input type="hidden" name=(key) value="false";
            label.form-check.form-switch {
                input.form-check-input id=(self.id()) type="checkbox" role="switch" name=(key) value="true"
                    checked[shown == "true"];
                (label)
            }
        }
    }
}

/// The id of a setting's element.
pub(super) fn id(key: &str) -> String {
    format!("setting-{}", key.replace(['.', '_'], "-"))
}

/// The text beside a field that says why it was refused.
pub(super) fn not_taken(id: &str, wrong: Option<&str>) -> Markup {
    html! { @if let Some(wrong) = wrong { p.not-taken id={ (id) "-wrong" } { (wrong) } } }
}

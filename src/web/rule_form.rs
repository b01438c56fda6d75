//! The part of a schedule's form that says when it runs: what it sends, and how it looks.

use super::components::{choice_field, field, text_field};
use crate::actions::schedules::{RuleChoice, RuleText, Runs};
use crate::error::Result;
use crate::model::{Rule, Zone};
use maud::{Markup, html};
use serde::Deserialize;

/// What the form sends about its rule. Every field is text, so that one that does not fit can be shown as it was typed.
#[derive(Clone, Deserialize)]
#[serde(default)]
pub(super) struct RuleForm {
    /// A whole rule in one line, as programs send it. It goes before the choices.
    rule: String,
    runs: String,
    every: String,
    minute: String,
    at: String,
    days: String,
    day: String,
    cron: String,
    once: String,
    zone: String,
}

impl Default for RuleForm {
    fn default() -> Self {
        Self::chosen(RuleChoice::default())
    }
}

impl RuleForm {
    fn chosen(choice: RuleChoice) -> Self {
        let RuleChoice { runs, every, minute, at, days, day, cron, once, zone } = choice;
        let (rule, runs) = (String::new(), runs.as_str().to_owned());
        Self { rule, runs, every, minute, at, days, day, cron, once, zone }
    }

    /// The form with what is stored.
    pub(super) fn of(rule: &Rule) -> Self {
        Self::chosen(RuleChoice::of(rule))
    }

    /// The form for a new rule on the clocks of a zone.
    pub(super) fn on_clocks_of(zone: Option<Zone>) -> Self {
        let usual = RuleChoice::default();
        let zone = zone.map_or(usual.zone, |zone| zone.to_string());
        Self::chosen(RuleChoice { zone, ..RuleChoice::default() })
    }

    /// The rule as it is to be read.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for a choice that is none.
    pub(super) fn text(&self) -> Result<RuleText> {
        if !self.rule.trim().is_empty() {
            return Ok(RuleText::Line(self.rule.clone()));
        }
        let Self { rule: _, runs, every, minute, at, days, day, cron, once, zone } = self.clone();
        let runs = Runs::parse(&runs)?;
        Ok(RuleText::Chosen(RuleChoice { runs, every, minute, at, days, day, cron, once, zone }))
    }
}

/// How often it runs: the choice, and what each choice needs.
pub(super) fn when(fields: &RuleForm) -> Markup {
    let days = [
        ("1", "Monday"),
        ("2", "Tuesday"),
        ("3", "Wednesday"),
        ("4", "Thursday"),
        ("5", "Friday"),
        ("6", "Saturday"),
        ("0", "Sunday"),
    ];
    html! {
        fieldset {
            legend { "Runs" }
            div.choices {
                @for runs in Runs::ALL {
                    label {
                        input type="radio" name="runs" value=(runs.as_str()) checked[fields.runs == runs.as_str()];
                        (runs_word(runs))
                    }
                }
            }
        }
        div.fields.fields-2 {
            div.for-every { (text_field("every", "Every", &fields.every, "Minutes, or a length such as 15m, 6h or 1day")) }
            div.for-hourly { (text_field("minute", "Minute of the hour", &fields.minute, "0 to 59")) }
            div.for-weekly { (choice_field("days", "On", &fields.days, &days.map(|(value, word)| (value.to_owned(), word.to_owned())))) }
            div.for-monthly { (text_field("day", "Day of the month", &fields.day, "1 to 31, or L for the last day")) }
            div.for-daily.for-weekly.for-monthly { (field("at", "At", &html! {
                input #plan-at .form-control name="at" value=(fields.at) inputmode="numeric" maxlength="8" autocomplete="off" aria-describedby="hint-at";
            }, "24-hour clock, such as 07:30 or 19:30")) }
            div.for-once { (field("once", "At", &html! {
                input #plan-once .form-control type="datetime-local" name="once" value=(fields.once) step="1" aria-describedby="hint-once";
            }, "")) }
            div.for-hourly.for-daily.for-weekly.for-monthly.for-cron { (text_field("cron", "As cron", &fields.cron, "Typing here chooses Cron")) }
            div.for-hourly.for-daily.for-weekly.for-monthly.for-cron.for-once {
                (field("zone", "Time zone of the rule", &html! {
                    input #plan-zone .form-control name="zone" value=(fields.zone) list="zones" autocomplete="off" spellcheck="false" aria-describedby="hint-zone";
                    datalist #zones { @for zone in Zone::all() { option value=(zone) {} } }
                }, "Type a part of its name, such as Berlin"))
            }
        }
    }
}

/// A choice as people read it.
const fn runs_word(runs: Runs) -> &'static str {
    match runs {
        Runs::Every => "Every few minutes",
        Runs::Hourly => "Hourly",
        Runs::Daily => "Daily",
        Runs::Weekdays => "Weekdays",
        Runs::Weekly => "Weekly",
        Runs::Monthly => "Monthly",
        Runs::Cron => "Cron",
        Runs::Once => "Once",
    }
}

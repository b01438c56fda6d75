//! The fields of a form that say when a job starts: a time by the reader's clocks, or a length from now.

use super::clocks::Clocks;
use crate::actions::jobs::{JobStart, parse_start_by};
use crate::error::Result;
use crate::model::Zone;
use maud::{Markup, html};
use serde::Deserialize;

/// What they hold. The zone is the one by which the form was drawn, so that what is typed means the same when it arrives.
#[derive(Clone, Default, Deserialize)]
pub(super) struct StartFields {
    #[serde(default)]
    start: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    zone: String,
}

impl StartFields {
    /// Whether neither is filled in.
    pub(super) fn is_empty(&self) -> bool {
        self.start.trim().is_empty() && self.after.trim().is_empty()
    }

    /// When the job starts; `None`: they say nothing.
    ///
    /// # Errors
    /// As [`parse_start_by`].
    pub(super) fn read(&self, clocks: Clocks) -> Result<Option<JobStart>> {
        parse_start_by(&self.start, &self.after, self.zone(clocks))
    }

    /// What is typed, as one text.
    pub(super) fn typed(&self) -> String {
        format!("{} {} {}", self.start, self.after, self.zone)
    }

    fn zone(&self, clocks: Clocks) -> Zone {
        Zone::named(self.zone.trim()).unwrap_or_else(|| clocks.zone_or_utc())
    }

    /// The fields. `id` begins their ids; `empty` says what it means that they are empty.
    pub(super) fn inputs(&self, id: &str, empty: &str, clocks: Clocks) -> Markup {
        let zone = self.zone(clocks);
        html! {
            div.fields.fields-2 {
                div {
                    label.form-label for=(id) { "Start at (" (zone) ")" }
                    input.form-control id=(id) type="datetime-local" name="start" step="1" value=(self.start) aria-describedby={ (id) "-empty" };
                    input type="hidden" name="zone" value=(zone);
                }
                div {
                    label.form-label for={ (id) "-after" } { "or after a length, such as 10m" }
                    input.form-control id={ (id) "-after" } name="after" maxlength="40" autocomplete="off" value=(self.after) aria-describedby={ (id) "-empty" };
                }
            }
            p.soft id={ (id) "-empty" } { (empty) }
        }
    }
}

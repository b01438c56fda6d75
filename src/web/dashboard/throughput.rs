//! The card of what jobs did: how many ended and how long they waited, over a range of time, told apart as one asks.

use super::super::app::Web;
use super::super::base::{Link, link};
use super::super::components::{Throughput, card};
use super::super::errors::ranges;
use super::super::nav;
use super::super::problem::Problem;
use super::PATH;
use crate::actions::errors::Range;
use crate::actions::figures;
use crate::model::{JobSlot, PartOf, SplitBy, SplitSeries, Zone};
use maud::{Markup, Render, html};
use serde::Deserialize;

/// The card, and where the address leads back to it.
const ID: &str = "throughput";

/// What the address says of the card.
#[derive(Default, Deserialize)]
pub(in crate::web) struct ThroughputQuery {
    range: Option<String>,
    by: Option<String>,
    /// The version that the page shows already.
    pub(super) v: Option<String>,
}

/// What the card shows.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    range: Range,
    by: SplitBy,
}

impl ThroughputQuery {
    pub(super) fn read(&self) -> Result<Asked, Problem> {
        let range = Range::parse(self.range.as_deref())?;
        Ok(Asked { range, by: figures::split_by(self.by.as_deref())? })
    }
}

impl Asked {
    /// The address with the query that asks for it.
    pub(super) fn put(self, link: &Link) -> Link {
        link.with(&[("range", self.range.as_str()), ("by", self.by.as_str())])
    }

    fn page(self) -> Link {
        self.put(&link(PATH)).at(ID)
    }
}

/// Reads what the card shows.
pub(super) async fn read(web: &Web, asked: Asked, zone: Zone) -> Result<SplitSeries, Problem> {
    Ok(figures::course(&web.store, (asked.range, asked.by), zone, web.clock.now()).await?)
}

/// What of it can change.
pub(super) fn state(split: &SplitSeries) -> impl std::hash::Hash + use<> {
    let slots = split.whole.slots.iter();
    let waits: Vec<_> = slots.map(|slot| (slot.from, slot.figures.waits.count())).collect();
    let parts = split.parts.iter().map(|part| part.counts.clone());
    (waits, parts.collect::<Vec<_>>())
}

/// The card.
pub(super) fn shown(split: &SplitSeries, asked: Asked, zone: Zone) -> Markup {
    let jobs =
        |slot: &JobSlot, part: Option<&PartOf>| nav::jobs(&figures::jobs_of(split, slot, part));
    let is_empty = split.parts.is_empty() && split.whole.total().waits.count() == 0;
    let switches = html! {
        (ways(asked)) (ranges(asked.range, |range| Asked { range, ..asked }.page()))
    };
    let content = html! {
        div.card-body {
            @if is_empty {
                p.soft { "No job has started or ended in the last " (asked.range.words()) ". Jobs appear here as they do." }
            } @else {
                (Throughput { id: ID, split, zone, link: jobs }.render())
            }
        }
    };
    card(ID, "Throughput", &switches, &content)
}

/// The switch between what jobs are told apart by.
fn ways(asked: Asked) -> Markup {
    html! {
        div.seg role="group" aria-label="Told apart by" {
            @for (by, name) in [(SplitBy::Status, "Status"), (SplitBy::Kind, "Kind"), (SplitBy::Queue, "Queue")] {
                a href=(Asked { by, ..asked }.page()) aria-current=[(by == asked.by).then_some("true")] { (name) }
            }
        }
    }
}

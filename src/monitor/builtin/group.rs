//! Rows that are about the same: how many, since when, and whose problem they show.

use super::reading::Said;
use super::rules::{Verdict, classify};
use super::tally::Tally;
use crate::model::{FindingTemplates, KnownTemplate, Level, SeenTemplate};
use crate::monitor::template::mine;
use std::cmp::Reverse;

/// Most ways of saying it told of one error code; a further way counts for the group only.
pub(super) const MAX_SHAPES: usize = 5;

/// Rows that are about the same: those of one code, or of one template of one source. The most frequent shape comes first,
/// and there is at least one.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) shapes: Vec<Shape>,
}

/// Rows of a group that differ in values only.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) tally: Tally,
    /// The template.
    pub(super) text: String,
    /// Whether it was made of several texts.
    pub(super) grown: bool,
    /// What earlier scans know it as, the oldest first.
    pub(super) known: Vec<KnownTemplate>,
    /// Where its template is among those of the window.
    pub(super) met: Option<usize>,
}

impl Shape {
    /// Its template as it is now.
    pub(super) fn template(&self) -> SeenTemplate {
        SeenTemplate {
            known: self.known.iter().map(|known| known.id).collect(),
            source: self.tally.source.clone(),
            text: self.text.clone(),
            grown: self.grown,
            hours: self.tally.hours.clone(),
        }
    }

    /// Counts its rows for its template, which another shape has too: their codes differ further on.
    pub(super) fn count(&self, seen: &mut SeenTemplate) {
        for (hour, rows) in &self.tally.hours {
            *seen.hours.entry(*hour).or_default() += rows;
        }
    }
}

impl Group {
    pub(super) fn count(&self) -> u64 {
        self.shapes.iter().map(|shape| shape.tally.count).sum()
    }

    pub(super) fn order(&self) -> (Reverse<Level>, Reverse<u64>, i64) {
        let worst = self.shapes.iter().map(|shape| shape.tally.worst).max();
        let first = self.shapes.iter().map(|shape| shape.tally.evidence[0]).min();
        (Reverse(worst.unwrap_or(Level::Warning)), Reverse(self.count()), first.unwrap_or(0))
    }

    /// All of its rows as one.
    pub(super) fn whole(&self) -> Tally {
        let mut whole = self.shapes[0].tally.clone();
        for shape in &self.shapes[1..] {
            whole.join(shape.tally.clone());
        }
        whole
    }

    pub(super) fn templates(&self) -> FindingTemplates {
        let mut templates = FindingTemplates::default();
        for shape in &self.shapes {
            let (met, hours) = (shape.met.into_iter().collect(), shape.tally.hours.clone());
            templates.join(&FindingTemplates { met, hours, ..FindingTemplates::default() });
        }
        templates.known = self.shapes[0].known.iter().map(|known| known.id).collect();
        templates
    }

    /// The class of most rows. Rows without a sign count only if there are no others.
    pub(super) fn verdict(&self) -> Verdict {
        let mut votes: Vec<(Verdict, u64)> = Vec::new();
        for Shape { tally, .. } in self.shapes.iter().take(MAX_SHAPES) {
            let said = Said {
                source: &tally.source,
                level: tally.worst,
                template: &mine(&tally.sample).template,
                sample: &tally.sample,
            };
            let Some(verdict) = classify(&said) else { continue };
            let same =
                |known: &&mut (Verdict, u64)| known.0.classification == verdict.classification;
            match votes.iter_mut().find(same) {
                Some((_, voices)) => *voices += tally.count,
                None => votes.push((verdict, tally.count)),
            }
        }
        votes.sort_by_key(|(_, voices)| Reverse(*voices));
        votes.into_iter().next().map_or_else(Verdict::unknown, |(verdict, _)| verdict)
    }
}

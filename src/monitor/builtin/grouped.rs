//! What the rows of a window are grouped by, for whoever examines them.

use super::super::miner::Miner;
use super::super::template::{mask, mine};
use crate::model::{
    Finding, FindingTemplates, KnownTemplate, NewLogRow, RowTemplate, SeenTemplate,
};
use std::collections::BTreeMap;

/// Most texts that a finding may be known by beside its own.
pub(super) const MAX_KNOWN_AS: usize = 24;

/// What an analyzer has made of its rows.
#[derive(Debug, Default)]
pub(crate) struct Grouped {
    /// What is wrong, the gravest first.
    pub(crate) findings: Vec<Finding>,
    /// The templates of the rows.
    pub(crate) templates: Vec<SeenTemplate>,
    /// Tells the template that a message belongs to.
    pub(super) identities: Identities,
}

/// A template of the miner and the source of its rows.
pub(super) type Place = (u32, String);

/// Which templates of earlier scans the templates of the miner are, and where they are among those of the window.
#[derive(Debug, Default)]
pub(super) struct Identities {
    pub(super) miner: Miner,
    known: BTreeMap<Place, Vec<KnownTemplate>>,
    pub(super) met: BTreeMap<Place, usize>,
}

impl Identities {
    pub(super) fn new(miner: &Miner, known: Vec<(u32, KnownTemplate)>) -> Self {
        let mut all: BTreeMap<Place, Vec<KnownTemplate>> = BTreeMap::new();
        for (number, known) in known {
            all.entry((miner.id(number), known.source.clone())).or_default().push(known);
        }
        for known in all.values_mut() {
            known.sort_by_key(|known| known.id);
        }
        Self { known: all, ..Self::default() }
    }

    /// The known templates that one is for a source, the oldest first.
    pub(super) fn of(&self, template: u32, source: &str) -> Vec<KnownTemplate> {
        self.known.get(&(template, source.to_owned())).cloned().unwrap_or_default()
    }
}

impl Grouped {
    /// The template that a row belongs to.
    pub(crate) fn template_of(&self, row: &NewLogRow) -> RowTemplate {
        let Identities { miner, .. } = &self.identities;
        let found = miner.find(&mine(&row.message).template);
        let text = found.and_then(|id| miner.text(id)).map(|(text, _)| text.to_owned());
        let known = found.map(|id| self.identities.of(id, &row.source)).unwrap_or_default();
        RowTemplate {
            text: text.unwrap_or_else(|| mask(&row.message).template),
            known_since: known.iter().map(|known| known.first_seen).min(),
        }
    }

    /// Has a finding that somebody else has made of the same rows known by their templates: the first by its identity, as
    /// the built-in analyzer's finding is.
    pub(crate) fn identify(&self, finding: &mut Finding, rows: &[NewLogRow]) {
        let Identities { miner, met, .. } = &self.identities;
        let mut templates = FindingTemplates::default();
        for (nth, row) in rows.iter().enumerate() {
            let Some(id) = miner.find(&mine(&row.message).template) else { continue };
            let known = self.identities.of(id, &row.source);
            if nth == 0 {
                let now = miner.text(id).map(|(text, _)| text.to_owned());
                let origins = known.iter().map(|known| known.origin.clone());
                let mut names: Vec<String> = origins.chain(now).collect();
                names.dedup();
                if !names.is_empty() {
                    let own = std::mem::replace(&mut finding.template, names.remove(0));
                    finding.known_as.extend(names.into_iter().chain([own]).take(MAX_KNOWN_AS));
                }
            }
            let place = met.get(&(id, row.source.clone())).copied();
            let Some(place) = place.filter(|place| !templates.met.contains(place)) else {
                continue;
            };
            let hours = self.templates[place].hours.clone();
            templates.join(&FindingTemplates {
                met: vec![place],
                hours,
                ..FindingTemplates::default()
            });
            if nth == 0 {
                templates.known = known.iter().map(|known| known.id).collect();
            }
        }
        finding.templates = templates;
    }
}

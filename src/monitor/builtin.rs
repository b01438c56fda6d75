//! The built-in analyzer: groups the grave rows of a log by what they say and turns each group into a finding.
//!
//! It needs no agent program and no network. A group is an error code, or, for rows without one, a source and a template
//! of the miner; its words are signs that speak for a class (`signs`). It is modest on purpose: it counts and cites, and its
//! *likely cause* says which words spoke rather than more than it knows.
//!
//! *Invariant:* the same rows in the same order give the same findings, and memory is bounded by the limits below.

mod build;
mod group;
mod grouped;
mod reading;
mod report;
mod rules;
mod signs;
mod status;
mod tally;

use super::miner::Miner;
use super::template::{codes, mine};
use crate::model::{KnownTemplate, LogRow};
use group::{Group, MAX_SHAPES, Shape};
pub(super) use grouped::Grouped;
use grouped::Identities;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use tally::{Key, Tally};

/// Most groups that become findings: more different problems than anybody files in one go.
const MAX_GROUPS: usize = 500;
/// Texts kept apart until it is known which of them are one; then those stay that are gravest and most frequent.
const MAX_TALLIES: usize = 4_096;
/// Stands for the templates that found no group of their own.
const OVERFLOW: &str = "more different problems than one scan keeps apart";

/// Collects rows of level warning or worse, oldest first, and answers what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    miner: Miner,
    /// Templates of earlier scans, with their numbers in the miner.
    known: Vec<(u32, KnownTemplate)>,
    /// Where the rows of a template, a source and a code are in `tallies`.
    index: HashMap<Key, usize>,
    tallies: Vec<Tally>,
    /// Rows that found no room, as one.
    overflow: Option<Tally>,
}

impl Analyzer {
    /// An analyzer that has seen no row, and the templates of earlier scans.
    pub(crate) fn new(known: Vec<KnownTemplate>) -> Self {
        let mut miner = Miner::new();
        let number = |known: KnownTemplate| (miner.know(&known.text, known.grown), known);
        let known = known.into_iter().map(number).collect();
        Self { miner, known, ..Self::default() }
    }

    /// Counts one row. Rows come oldest first and are of level warning or worse; the caller chooses them.
    pub(crate) fn push(&mut self, row: &LogRow) {
        let said = mine(&row.row.message);
        let id = self.miner.take(&said.template);
        let code = codes(&row.row.message).next();
        let key = (id, row.row.source.clone(), code.map(str::to_owned));
        if let Some(at) = self.index.get(&key) {
            self.tallies[*at].add(row, &said);
            return;
        }
        if self.tallies.len() >= MAX_TALLIES {
            self.fold();
            self.make_room();
        }
        let tally = Tally::new(row, &said, (id, code));
        self.index.insert(key, self.tallies.len());
        self.tallies.push(tally);
    }

    /// Puts together what has turned out to be one template.
    fn fold(&mut self) {
        self.miner.settle();
        let tallies = std::mem::take(&mut self.tallies);
        self.index.clear();
        for mut tally in tallies {
            tally.template = self.miner.id(tally.template);
            let key = tally.key();
            if let Some(at) = self.index.get(&key) {
                self.tallies[*at].join(tally);
            } else {
                self.index.insert(key, self.tallies.len());
                self.tallies.push(tally);
            }
        }
    }

    /// Leaves the lesser half to the rest.
    fn make_room(&mut self) {
        if self.tallies.len() <= MAX_TALLIES / 2 {
            return;
        }
        self.tallies.sort_by_key(Tally::order);
        for mut tally in self.tallies.split_off(MAX_TALLIES / 2) {
            if let Some(rest) = &mut self.overflow {
                rest.join(tally);
            } else {
                OVERFLOW.clone_into(&mut tally.masked);
                "several sources".clone_into(&mut tally.source);
                self.overflow = Some(tally);
            }
        }
        let keys = self.tallies.iter().map(Tally::key);
        self.index = keys.zip(0..).collect();
    }

    /// One finding per group: the gravest first, then the most frequent, then the oldest. Rows that found no group
    /// are counted in one more finding at the end.
    pub(crate) fn finish(mut self) -> Grouped {
        self.fold();
        let mut identities = Identities::new(&self.miner, self.known);
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        for tally in self.tallies {
            let text = self.miner.text(tally.template);
            let (text, grown) = text
                .map_or((tally.masked.clone(), false), |(text, grown)| (text.to_owned(), grown));
            // No text holds a line break, so that the two parts stay apart.
            let key = tally.code.clone().unwrap_or_else(|| format!("{text}\n{}", tally.source));
            let known = identities.of(tally.template, &tally.source);
            let shape = Shape { tally, text, grown, known, met: None };
            groups.entry(key).or_default().shapes.push(shape);
        }
        let mut groups: Vec<Group> = groups.into_values().collect();
        for group in &mut groups {
            group.shapes.sort_by_key(|shape| Reverse(shape.tally.count));
        }
        groups.sort_by_key(Group::order);
        let mut overflow = self.overflow;
        if groups.len() > MAX_GROUPS {
            for shape in groups.split_off(MAX_GROUPS).into_iter().flat_map(|group| group.shapes) {
                match &mut overflow {
                    Some(rest) => rest.join(shape.tally),
                    None => overflow = Some(shape.tally),
                }
            }
        }
        let mut templates = Vec::new();
        for shape in groups.iter_mut().flat_map(|group| group.shapes.iter_mut().take(MAX_SHAPES)) {
            let place = (shape.tally.template, shape.tally.source.clone());
            let met = *identities.met.entry(place).or_insert(templates.len());
            shape.met = Some(met);
            match templates.get_mut(met) {
                Some(seen) => shape.count(seen),
                None => templates.push(shape.template()),
            }
        }
        let rest = overflow.iter().map(report::rest);
        let findings = groups.iter().map(report::finding).chain(rest).collect();
        identities.miner = self.miner;
        Grouped { findings, templates, identities }
    }
}

#[cfg(test)]
mod learning;
#[cfg(test)]
mod tests;

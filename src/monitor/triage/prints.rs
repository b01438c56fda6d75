//! The fingerprints by which a finding and an issue are known to be one problem.

use super::super::fingerprint::{fingerprint, structural};
use crate::model::{Classification, Finding, Fingerprint};
use std::collections::{HashMap, HashSet};

/// What tier 2 recognises a finding by: the fingerprint of its template, and the structural one.
///
/// Without a source file the latter says too little: all misuse without a known error would be one problem.
pub(in crate::monitor) fn prints_of(finding: &Finding) -> Vec<Fingerprint> {
    let Finding { classification, source, template, source_files, title, body, .. } = finding;
    let mut prints = vec![fingerprint(*classification, source, template)];
    if !source_files.is_empty() {
        prints.push(structural(*classification, source_files, title, body));
    }
    prints
}

/// [`prints_of`] a finding, and those of its template under the other classes: another example may be judged otherwise, and
/// somebody else may judge the same rows otherwise. It is the same problem all the same.
pub(super) fn own_prints_of(finding: &Finding) -> Vec<Fingerprint> {
    let Finding { classification, source, template, .. } = finding;
    let others = Classification::ALL.into_iter().filter(|class| class != classification);
    let mut prints = prints_of(finding);
    prints.extend(others.map(|class| fingerprint(class, source, template)));
    prints
}

/// All that tier 2 looks for: the own prints of a finding, and those of everything that it may be known by.
///
/// An issue is given [`prints_of`] it only. The latter say less: what differs in an exit code alone has one mask.
pub(in crate::monitor) fn all_prints_of(finding: &Finding) -> Vec<Fingerprint> {
    let Finding { source, known_as, .. } = finding;
    let of = |text| Classification::ALL.map(|class| fingerprint(class, source, text));
    let mut prints = own_prints_of(finding);
    prints.extend(known_as.iter().flat_map(|text| of(text)));
    prints
}

/// What several findings may be known by beside their own templates: it does not say which of them an issue is about.
pub(super) fn shared(findings: &[Finding]) -> HashSet<Fingerprint> {
    let mut times: HashMap<Fingerprint, usize> = HashMap::new();
    for finding in findings {
        let ways = all_prints_of(finding).split_off(own_prints_of(finding).len());
        for print in ways.into_iter().collect::<HashSet<_>>() {
            *times.entry(print).or_default() += 1;
        }
    }
    times.into_iter().filter(|(_, times)| *times > 1).map(|(print, _)| print).collect()
}

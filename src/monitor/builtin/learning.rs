//! How the weights of the signs are learned, and how good they are at logs that they were not learned from.
//!
//! It is a logistic regression in which each sign speaks for one class. The problems are those of
//! `tests/fixtures/problems.txt` and of the logs in `tests/fixtures/foreign`; a `# name` opens a log in the former.

use super::reading::Said;
use super::rules::{classify, heard};
use super::signs::{BEFORE, Sign, all};
use crate::model::{Classification, Level};
use crate::monitor::template::mine;
use std::path::Path;

/// Logs that nothing is learned from, so that they show what the signs are worth elsewhere.
const HELD_OUT: &[&str] = &["gameserver", "hospital", "railway"];
const STEPS: u32 = 400;
/// How fast the weights follow, and what pulls them to nothing.
const RATE: f64 = 2.0;
const PULL: f64 = 0.002;

struct Problem {
    class: usize,
    said: String,
    /// The numbers of its signs.
    signs: Vec<usize>,
    /// Whether the weights in the table classify it rightly.
    known: bool,
}

struct Weights {
    before: [f64; 3],
    signs: Vec<f64>,
}

fn number(class: Classification) -> usize {
    BEFORE.iter().position(|(known, _)| *known == class).unwrap()
}

fn problem(head: &str, text: &str) -> Problem {
    let mut words = head.split(' ');
    let class: Classification = words.next().unwrap().parse().unwrap();
    let level: Level = words.next().unwrap().to_uppercase().parse().unwrap();
    let text = text.replace("\\n", "\n");
    let template = mine(&text).template;
    let said = Said { source: words.next().unwrap(), level, template: &template, sample: &text };
    let found = classify(&said);
    let is_sign = |sign| all().position(|known| std::ptr::eq(known, sign)).unwrap();
    let known = found.map_or(Classification::ServerBug, |found| found.classification) == class;
    let signs = heard(&said).iter().map(|heard| is_sign(heard.sign)).collect();
    Problem { class: number(class), said: format!("{head}: {text}"), signs, known }
}

/// The problems of a log, each by its first row.
fn problems(log: &str) -> Vec<Problem> {
    let told = |story: &str| {
        let mut lines = story.lines();
        problem(lines.next().unwrap().trim(), lines.next().unwrap())
    };
    log.trim_start_matches("= ").split("\n= ").map(told).collect()
}

fn logs() -> Vec<(String, Vec<Problem>)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let text = std::fs::read_to_string(fixtures.join("problems.txt")).unwrap();
    let mut logs: Vec<(String, Vec<Problem>)> = text
        .trim_start_matches("# ")
        .split("\n# ")
        .map(|log| log.split_once('\n').unwrap())
        .map(|(name, log)| (name.to_owned(), problems(log.trim())))
        .collect();
    let foreign = std::fs::read_dir(fixtures.join("foreign")).unwrap();
    for file in foreign.map(|entry| entry.unwrap().path()) {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        if !HELD_OUT.contains(&name.as_str()) {
            logs.push((name, problems(std::fs::read_to_string(&file).unwrap().trim())));
        }
    }
    logs.sort_by(|(one, _), (other, _)| one.cmp(other));
    logs
}

impl Weights {
    fn learned<'a>(problems: impl Iterator<Item = &'a Problem>) -> Self {
        let problems: Vec<&Problem> = problems.collect();
        let classes: Vec<usize> = all().map(|sign| number(sign.speaks_for)).collect();
        let given =
            all().map(|sign| if sign.is_learned() { 0.5 } else { f64::from(sign.weight) / 10.0 });
        let mut weights = Self { before: [0.0; 3], signs: given.collect() };
        let learns: Vec<bool> = all().map(Sign::is_learned).collect();
        let share = RATE / f64::from(u32::try_from(problems.len()).unwrap());
        for _ in 0..STEPS {
            let (mut before, mut signs) = ([0.0; 3], vec![0.0; classes.len()]);
            for problem in &problems {
                let off = weights.off(problem, &classes);
                before.iter_mut().zip(off).for_each(|(sum, off)| *sum += off);
                problem.signs.iter().for_each(|sign| signs[*sign] += off[classes[*sign]]);
            }
            weights.before.iter_mut().zip(before).for_each(|(w, off)| *w -= share * off);
            let learned = weights.signs.iter_mut().zip(signs).zip(&learns);
            for ((weight, off), _) in learned.filter(|(_, learns)| **learns) {
                *weight = (*weight - share * off - PULL * RATE * *weight).max(0.0);
            }
        }
        weights
    }

    fn scores(&self, problem: &Problem, classes: &[usize]) -> [f64; 3] {
        let mut scores = self.before;
        problem.signs.iter().for_each(|sign| scores[classes[*sign]] += self.signs[*sign]);
        scores
    }

    /// By how much the probability of each class is too high.
    fn off(&self, problem: &Problem, classes: &[usize]) -> [f64; 3] {
        let odds = self.scores(problem, classes).map(f64::exp);
        let all: f64 = odds.iter().sum();
        let mut off = odds.map(|odds| odds / all);
        off[problem.class] -= 1.0;
        off
    }

    fn knows(&self, problem: &Problem) -> bool {
        let classes: Vec<usize> = all().map(|sign| number(sign.speaks_for)).collect();
        let scores = self.scores(problem, &classes);
        (0..3).all(|class| class == problem.class || scores[class] < scores[problem.class])
    }
}

/// The table that is printed is the one to report: each log by the weights that all the others teach.
#[test]
fn problems_of_a_log_that_nothing_was_learned_from_are_classified() {
    let logs = logs();
    let (mut known, mut all) = (0, 0);
    for (left_out, (name, problems)) in logs.iter().enumerate() {
        let others = logs.iter().enumerate().filter(|(at, _)| *at != left_out);
        let weights = Weights::learned(others.flat_map(|(_, (_, problems))| problems));
        let right = problems.iter().filter(|problem| weights.knows(problem)).count();
        println!("{name}: {right} of {}", problems.len());
        for problem in problems.iter().filter(|problem| !weights.knows(problem)) {
            println!("    {}", problem.said.lines().next().unwrap());
        }
        known += right;
        all += problems.len();
    }
    println!("together: {known} of {all}");
    assert!(known * 100 >= all * 95, "{known} of {all}");
}

#[test]
fn the_table_of_signs_has_the_weights_that_the_problems_teach() {
    let logs = logs();
    let problems = || logs.iter().flat_map(|(_, problems)| problems);
    let weights = Weights::learned(problems());
    let tenths = |weight: f64| (weight * 10.0).round();
    let mut off = Vec::new();
    for ((class, known), learned) in BEFORE.iter().zip(weights.before) {
        println!("before: {} {}", class.as_str(), tenths(learned));
        if (f64::from(*known) - tenths(learned)).abs() > 1.0 {
            off.push(class.as_str());
        }
    }
    for (sign, learned) in all().zip(&weights.signs) {
        println!("{}: {}", sign.name, tenths(*learned));
        if (f64::from(sign.weight) - tenths(*learned)).abs() > 1.0 {
            off.push(sign.name);
        }
    }
    let known = problems().filter(|problem| problem.known).count();
    println!("with the table: {known} of {}", problems().count());
    assert!(off.is_empty(), "these differ from what is learned, which is printed above: {off:?}");
    assert!(known * 100 >= problems().count() * 95, "{known}");
}

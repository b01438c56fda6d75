//! One grouping: how well twelve formats written by hand are grouped, and that a scan and `lamplighter logs templates`
//! give the same groups.
//!
//! A file of `tests/fixtures/groups` is a format: `@name = a | b*3 | ~` names the values of a place (`*3`: three times as
//! often, `~`: nothing), and any other line is how many lines there are of one kind, and the kind. In braces stands a
//! place: a name, or `n5` (up to five digits), `x8` (eight hexadecimal ones), `ip`, `t` (a time), `f` (a fraction).

use lamplighter::monitor::miner::Miner;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Formats that were looked at while the miner was made.
const KNOWN: [&str; 6] = ["names", "cluster", "proxy", "batch", "kernel", "oracle"];
/// Formats that were set aside before: written first, and measured once at the end.
const SET_ASIDE: [&str; 6] = ["broker", "game", "storage", "phone", "build", "packages"];

/// Chance that is the same on every machine.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % most
    }

    fn text(&mut self, of: &[u8], len: usize) -> String {
        (0..len).map(|_| char::from(of[self.below(of.len())])).collect()
    }
}

/// A log and the number of each line's true group.
pub struct Format {
    pub lines: Vec<String>,
    truth: Vec<usize>,
}

type Places<'a> = HashMap<&'a str, Vec<&'a str>>;

impl Format {
    pub fn read(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/groups");
        let text = std::fs::read_to_string(folder.join(format!("{name}.spec"))).unwrap();
        let mut places = Places::new();
        let mut chance = Chance(7);
        let mut said = Vec::new();
        for (kind, line) in text.lines().enumerate() {
            if let Some((name, values)) = line.strip_prefix('@').and_then(|l| l.split_once(" = ")) {
                places.insert(name, values.split(" | ").flat_map(weighted).collect());
                continue;
            }
            let (count, pattern) = line.split_once(' ').unwrap();
            for _ in 0..count.parse::<usize>().unwrap() {
                said.push((kind, filled(pattern, &places, &mut chance)));
            }
        }
        for at in (1..said.len()).rev() {
            said.swap(at, chance.below(at + 1));
        }
        let (truth, lines) = said.into_iter().unzip();
        Self { lines, truth }
    }

    /// The share of lines whose group holds exactly the lines of its true group.
    fn accuracy(&self, found: &[u32]) -> f64 {
        let (found, real) = (groups(found), groups(&self.truth));
        let right = found.values().filter(|group| real.values().any(|other| other == *group));
        if std::env::var_os("LAMPLIGHTER_GROUPS_SHOW").is_some() {
            for group in real.values().filter(|group| !found.values().any(|f| f == *group)) {
                println!("  {} lines of one kind, found as", group.len());
                for part in found.values().filter(|part| part.iter().any(|l| group.contains(l))) {
                    println!("     {:4} {}", part.len(), self.lines[part[0]]);
                }
            }
        }
        right.map(Vec::len).sum::<usize>() as f64 / self.lines.len() as f64
    }
}

fn weighted(value: &str) -> Vec<&str> {
    let (value, times) = match value.trim().rsplit_once('*') {
        Some((value, times)) if times.parse::<usize>().is_ok() => (value, times.parse().unwrap()),
        Some(_) | None => (value.trim(), 1),
    };
    vec![if value == "~" { "" } else { value }; times]
}

fn filled(pattern: &str, places: &Places<'_>, chance: &mut Chance) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some((before, inside)) = rest.split_once('{') {
        out += before;
        let end = inside.find('}').unwrap_or(inside.len());
        match value(&inside[..end], places, chance) {
            Some(value) => {
                out += &value;
                rest = &inside[end + 1..];
            }
            None => {
                out.push('{');
                rest = inside;
            }
        }
    }
    out + rest
}

fn value(place: &str, places: &Places<'_>, chance: &mut Chance) -> Option<String> {
    if let Some(values) = places.get(place) {
        let value = values[chance.below(values.len())];
        return Some(filled(value, places, chance));
    }
    let digits = |place: &str| place[1..].parse::<usize>().ok();
    Some(match place {
        "ip" => format!("10.{}.{}.{}", chance.below(256), chance.below(256), chance.below(256)),
        "t" => format!("{:02}:{:02}:{:02}", chance.below(24), chance.below(60), chance.below(60)),
        "f" => format!("{}.{:03}", chance.below(90), chance.below(1_000)),
        _ if place.starts_with('n') => {
            let len = 1 + chance.below(digits(place)?);
            let first = chance.text(b"123456789", 1);
            first + &chance.text(b"0123456789", len - 1)
        }
        _ if place.starts_with('x') => chance.text(b"0123456789abcdef", digits(place)?),
        _ => return None,
    })
}

fn groups<T: Ord + Copy>(labels: &[T]) -> BTreeMap<T, Vec<usize>> {
    let mut groups: BTreeMap<T, Vec<usize>> = BTreeMap::new();
    for (line, label) in labels.iter().enumerate() {
        groups.entry(*label).or_default().push(line);
    }
    groups
}

/// The template of each line.
fn mined(lines: &[String]) -> Vec<u32> {
    let mut miner = Miner::new();
    let pushed: Vec<_> = lines.iter().map(|line| miner.push(line)).collect();
    miner.settle();
    pushed.into_iter().map(|line| miner.id(line)).collect()
}

fn scores(names: [&str; 6]) -> f64 {
    let mut sum = 0.0;
    for name in names {
        let format = Format::read(name);
        let score = format.accuracy(&mined(&format.lines));
        println!("{name}: {score:.3} of {} lines", format.lines.len());
        sum += score;
    }
    sum / 6.0
}

#[test]
fn six_formats_are_grouped_as_a_person_would() {
    println!("mean {:.3}", scores(KNOWN));
}

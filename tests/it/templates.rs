//! Template mining: how well lines of unknown formats are grouped, and what `lamplighter logs templates` prints.

use crate::support::server::program;
use lamplighter::monitor::miner::Miner;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Formats whose truth was known while the miner was made.
const KNOWN: [&str; 6] = ["sshd", "blocks", "web", "jvm", "database", "sensors"];
/// Formats that were written before they were measured: `servicing` and `mail` unseen, `node` improved since by what it
/// showed of names at the start of a line.
const HELD_OUT: [&str; 3] = ["servicing", "node", "mail"];

fn fixture(name: &str, ending: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/templates");
    std::fs::read_to_string(folder.join(format!("{name}.{ending}"))).unwrap()
}

/// The template of each line.
fn assigned(log: &str) -> Vec<u32> {
    let mut miner = Miner::new();
    let pushed: Vec<_> = log.lines().map(|line| miner.push(line)).collect();
    miner.settle();
    pushed.into_iter().map(|line| miner.id(line)).collect()
}

fn groups<T: Ord>(labels: impl Iterator<Item = T>) -> BTreeMap<T, Vec<usize>> {
    let mut groups: BTreeMap<T, Vec<usize>> = BTreeMap::new();
    for (line, label) in labels.enumerate() {
        groups.entry(label).or_default().push(line);
    }
    groups
}

/// The share of lines whose group holds exactly the lines of its true group.
fn accuracy(name: &str) -> f64 {
    let (log, truth) = (fixture(name, "log"), fixture(name, "truth"));
    let found = groups(assigned(&log).into_iter());
    let real = groups(truth.lines());
    if std::env::var_os("LAMPLIGHTER_TEMPLATES_SHOW").is_some() {
        let lines: Vec<_> = log.lines().collect();
        for (label, group) in &real {
            if !found.values().any(|other| other == group) {
                let parts = found.values().filter(|other| other.iter().any(|l| group.contains(l)));
                println!(
                    "{name} {label}: {} lines, in {} groups",
                    group.len(),
                    parts.clone().count()
                );
                for part in parts {
                    println!("     {:4} {}", part.len(), lines[part[0]]);
                }
            }
        }
    }
    let right: usize = found
        .values()
        .filter(|group| real.values().any(|other| other == *group))
        .map(Vec::len)
        .sum();
    f64::from(right as u32) / f64::from(truth.lines().count() as u32)
}

#[test]
fn lines_of_six_formats_are_grouped_as_a_person_would() {
    let scores = KNOWN.map(|name| (name, accuracy(name)));
    for (name, score) in scores {
        println!("{name}: {score:.3}");
    }
    for (name, score) in scores {
        assert!(score >= 0.9, "{name}: {score:.3}");
    }
}

#[test]
fn formats_that_nobody_tuned_it_for_are_grouped_too() {
    for name in HELD_OUT {
        let score = accuracy(name);
        println!("{name} (held out): {score:.3}");
        assert!(score >= 0.85, "{name}: {score:.3}");
    }
}

#[test]
fn two_runs_and_other_values_give_the_same_templates() {
    let log = fixture("blocks", "log");
    let templates = |log: &str| {
        let mut miner = Miner::new();
        for line in log.lines() {
            miner.push(line);
        }
        miner.settle();
        miner.templates()
    };
    assert_eq!(templates(&log), templates(&log));
    // Every digit outside of an error code is another one.
    let other: String = log
        .lines()
        .map(|line| {
            let shifted = |c: char| {
                if c.is_ascii_digit() { char::from(b'1' + (c as u8 - b'0') % 9) } else { c }
            };
            let line = if line.starts_with("[SHOP-") {
                line.to_owned()
            } else {
                line.chars().map(shifted).collect()
            };
            line + "\n"
        })
        .collect();
    assert_eq!(templates(&log), templates(&other));
}

fn shown(arguments: &[&str], input: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.log");
    std::fs::write(&file, input).unwrap();
    let mut command = program(folder.path());
    let output = command.args(["logs", "templates"]).arg(&file).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn logs_templates_shows_each_template_with_its_count_and_its_lines() {
    let log = b"took 3 ms\nstarted\ntook 7 ms\n{\"level\":\"info\",\"msg\":\"took 9 ms\"}\n";
    let expected = "ID  COUNT  FIRST  LAST  TEMPLATE\n1   3      1      4     took <*>\n2   1      2      2     started\n";
    assert_eq!(shown(&[], log), expected);
    let json = shown(&["--json"], log);
    let first = json!({"id": 1, "template": "took <*>", "count": 3, "first": 1, "last": 4});
    assert_eq!(serde_json::from_str::<Value>(json.lines().next().unwrap()).unwrap(), first);
    assert_eq!(shown(&["--assign"], log), "1\n2\n1\n1\n");
}

#[test]
fn logs_templates_takes_any_bytes_and_lines_of_any_length() {
    let mut log = b"caf\xff 1\r\n\n\0\ncaf\xff 2\n".to_vec();
    log.extend(b"long ".repeat(4_000_000));
    log.extend(b"\nlong ");
    log.extend(b"long ".repeat(1_000_000));
    log.extend(b"\nno end");
    assert_eq!(shown(&["--assign"], &log), "1\n1\n2\n2\n3\n");
}

#[test]
fn a_log_that_is_not_there_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = program(folder.path()).args(["logs", "templates", "none.log"]).output().unwrap();
    assert_eq!(output.status.code(), Some(69));
    assert!(String::from_utf8_lossy(&output.stderr).contains("INPUT-FILE-001"));
}

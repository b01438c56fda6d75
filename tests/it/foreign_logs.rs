//! How well the built-in analyzer understands logs of programs that it was not made for.
//!
//! The rules were tuned on the shipyard's and the library's log, and on the tram's of `analyzer.rs`; the brewery's is the
//! unseen one. In a file of `tests/fixtures/foreign`, `= class level source` opens a problem, and each line below is a row of it, with `\n` for a line break.

use crate::analyzer::{Told, scan, told};
use lamplighter::model::{Classification, Level};
use std::path::Path;

fn leaked(text: &str) -> &'static str {
    Box::leak(text.replace("\\n", "\n").into_boxed_str())
}

fn read(name: &str) -> Vec<Told> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/foreign");
    let text = std::fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap();
    let story = |text: &str| {
        let (head, rows) = text.split_once('\n').unwrap();
        let mut words = head.trim().split(' ');
        let class: Classification = words.next().unwrap().parse().unwrap();
        let level: Level = words.next().unwrap().to_uppercase().parse().unwrap();
        let rows: Vec<&'static str> = rows.lines().map(leaked).collect();
        told(class, level, leaked(words.next().unwrap()), rows.leak())
    };
    text.trim_start_matches("= ").split("\n= ").map(story).collect()
}

async fn understood(name: &str) -> (f64, f64) {
    let (issues, score) = scan(&read(name)).await;
    println!("{name}: {score}");
    for issue in &issues {
        println!("  {} {} ({})", issue.classification, issue.title, issue.occurrences);
    }
    println!("  {:#?}", score.misses);
    (score.precision, score.recall)
}

#[tokio::test]
async fn a_shipyards_log_is_understood() {
    let (precision, recall) = understood("shipyard").await;
    assert!(precision >= 0.9 && recall >= 0.9);
}

#[tokio::test]
async fn a_librarys_log_is_understood() {
    let (precision, recall) = understood("library").await;
    assert!(precision >= 0.9 && recall >= 0.9);
}

/// Written last, and no rule was changed for it: its score is told, and may only rise.
#[tokio::test]
async fn a_brewerys_log_that_no_rule_was_made_for_is_mostly_understood() {
    let (precision, recall) = understood("brewery").await;
    assert!(precision >= 0.6 && recall >= 0.6);
}

/// Daemons in C: short lines, numbers, names of errors.
#[tokio::test]
async fn an_observatorys_log_is_understood() {
    let (precision, recall) = understood("observatory").await;
    assert!(precision >= 0.1 && recall >= 0.1);
}

/// A large program in Java, with traces and a database.
#[tokio::test]
async fn an_insurers_log_is_understood() {
    let (precision, recall) = understood("insurance").await;
    assert!(precision >= 0.1 && recall >= 0.1);
}

/// Services in Go: keys and values, containers.
#[tokio::test]
async fn a_platforms_log_is_understood() {
    let (precision, recall) = understood("platform").await;
    assert!(precision >= 0.1 && recall >= 0.1);
}

/// A newspaper's: PHP, a web server, a database that speaks of itself.
#[tokio::test]
async fn a_newsrooms_log_is_understood() {
    let (precision, recall) = understood("newsroom").await;
    assert!(precision >= 0.1 && recall >= 0.1);
}

/// Programs that offices run, in their own words.
#[tokio::test]
async fn an_offices_log_is_understood() {
    let (precision, recall) = understood("office").await;
    assert!(precision >= 0.1 && recall >= 0.1);
}

/// Belts, displays and message lines of an airport.
#[tokio::test]
async fn an_airports_log_is_understood() {
    let (precision, recall) = understood("airport").await;
    assert!(precision >= 0.1 && recall >= 0.1);
}

/// What runs below applications: containers, databases, queues, a kernel.
#[tokio::test]
async fn a_data_centres_log_is_understood() {
    let (precision, recall) = understood("datacentre").await;
    assert!(precision >= 0.1 && recall >= 0.1);
}

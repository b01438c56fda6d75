//! The demo: a made-up day in the logs of a made-up shop, with the answer key.
//!
//! "Lantern & Wick" sells lamps. Every call gives the same day with another start: thousands of ordinary rows, and
//! among them the [`PROBLEMS`]. Everything grave in it belongs to one of them, so that an analyzer which finds more
//! or fewer is wrong.

mod key;

pub use key::{PROBLEMS, Problem};

use crate::model::{Level, NewLogRow, Timestamp};
use key::REQUESTS;
use std::time::Duration;

/// How many requests of the day meet no problem; each makes four rows.
const ORDINARY: usize = 1_300;
/// Length of the day, in milliseconds, less a minute for the last request to end.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000 - 60_000;

/// All rows of the day that begins at `start`, oldest first: more than 5,000, of which those in [`PROBLEMS`] are a
/// warning or worse. The rows of one request share a correlation id.
pub fn day(start: Timestamp) -> Vec<NewLogRow> {
    answered_day(start).into_iter().map(|(row, _)| row).collect()
}

/// The rows of [`day`], each with the index in [`PROBLEMS`] of the problem it shows, if it shows one.
pub fn answered_day(start: Timestamp) -> Vec<(NewLogRow, Option<usize>)> {
    let mut dice = Dice(0x4c61_6e74_6572_6e21);
    let mut rows: Vec<Dated> = Vec::new();
    for n in 0..ORDINARY {
        let (request, service, [first, second]) = REQUESTS[n % REQUESTS.len()];
        // The mean of two throws: most requests come around noon.
        let at = u64::midpoint(dice.below(DAY_MS), dice.below(DAY_MS));
        let said =
            [(Level::Debug, service, dice.fill(first)), (Level::Info, service, dice.fill(second))];
        visit(&mut rows, &mut dice, at, (request, 200), said, None);
    }
    for (index, problem) in PROBLEMS.iter().enumerate() {
        let hour = 60 * 60 * 1_000;
        let (from, to) = (problem.hours.0 * hour, (problem.hours.1 * hour).min(DAY_MS));
        let code = problem.code.map_or(String::new(), |code| format!("[{code}] "));
        for says in problem.says.iter().cycle().take(problem.rows) {
            let at = from + dice.below(to - from);
            let message = code.clone() + &dice.fill(says);
            let said = [(problem.level, problem.source, message)];
            let request = (problem.request, problem.status);
            visit(&mut rows, &mut dice, at, request, said, Some(index));
        }
    }
    rows.sort_by_key(|dated| dated.at);
    let timed = |dated: Dated| {
        let timestamp = start.plus(Duration::from_millis(dated.at)).to_string();
        (NewLogRow { timestamp, ..dated.row }, dated.shows)
    };
    rows.into_iter().map(timed).collect()
}

/// A row and when in the day it was logged, in milliseconds.
struct Dated {
    at: u64,
    row: NewLogRow,
    /// Index of the problem.
    shows: Option<usize>,
}

/// Adds the rows of one request: its arrival, what the services said (the problem, if it shows one), its answer.
fn visit<const N: usize>(
    rows: &mut Vec<Dated>,
    dice: &mut Dice,
    mut at: u64,
    (request, status): (&str, u16),
    said: [(Level, &'static str, String); N],
    shows: Option<usize>,
) {
    let correlation = dice.fill("req-{hex}{hex}");
    let user = (dice.below(3) > 0).then(|| format!("customer-{}", 100 + dice.below(900)));
    let path = request.split_once(' ').map(|(_, path)| path.to_owned());
    let mut add = |at: u64, (level, source, message): (Level, &str, String), shows| {
        let mut row = NewLogRow::new("", level, source, message);
        row.correlation_id = Some(correlation.clone());
        row.user_id.clone_from(&user);
        row.request_path.clone_from(&path);
        rows.push(Dated { at, row, shows });
    };
    let began = at;
    let from = dice.fill("from {ip}");
    add(at, (Level::Info, "shop.web", format!("{request} {from}")), None);
    for line in said {
        at += 1 + dice.below(200);
        add(at, line, shows);
    }
    at += 1 + dice.below(50);
    let took = at - began;
    let answered = format!("{request} answered {status} in {took} ms");
    add(at, (Level::Info, "shop.web", answered), None);
    if let Some(answer) = rows.last_mut() {
        answer.row.extra_data = Some(format!("{{\"duration_ms\":{took},\"status\":{status}}}"));
    }
}

/// Names of customers and partners, as people have them.
const NAMES: &[&str] =
    &["ines.weber", "O'Neill", "Bruno & Söhne", "acme-lights", "Yıldız 24", "lee"];
/// What calls the shop.
const AGENTS: &[&str] = &[
    "curl/8.5.0",
    "okhttp/4.12.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
     Version/17.5 Mobile/15E148 Safari/604.1",
];

/// Chance without a crate or a clock: xorshift64 (Marsaglia 2003), the same throws at every call.
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.throw() % end
    }

    fn one_of(&mut self, choices: &[&str]) -> String {
        choices[self.below(choices.len() as u64) as usize].to_owned()
    }

    /// The text with a value for each name in braces: a number for `{n}`, a digit for `{d}`, ids for `{hex}` and
    /// `{uuid}`, an address for `{ip}`, a duration for `{ms}`, and what the names below say.
    fn fill(&mut self, text: &str) -> String {
        let mut parts = text.split('{');
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').unwrap_or((part, ""));
            let value = match name {
                "n" => (10 + self.below(90_000)).to_string(),
                "d" => (1 + self.below(9)).to_string(),
                "hex" => format!("{:08x}", self.throw() >> 32),
                "ip" => format!("203.0.113.{}", 1 + self.below(254)),
                "uuid" => {
                    let digits = format!("{:016x}{:016x}", self.throw(), self.throw());
                    let [head, tail] = [&digits[..8], &digits[20..]];
                    format!(
                        "{head}-{}-4{}-a{}-{tail}",
                        &digits[8..12],
                        &digits[12..15],
                        &digits[15..18]
                    )
                }
                "ms" => match self.below(3) {
                    0 => format!("{} ms", 200 + self.below(800)),
                    1 => format!("{}.{} s", 1 + self.below(30), self.below(10)),
                    _ => format!("{}m{}s", 1 + self.below(4), self.below(60)),
                },
                "name" => self.one_of(NAMES),
                "agent" => self.one_of(AGENTS),
                "path" => format!("/var/shop/{}/{:08x}.dat", self.below(40), self.throw() >> 32),
                "json" => {
                    let (article, pieces) = (self.below(90_000), self.below(40));
                    match self.below(2) {
                        0 => format!("{{\"article\":\"LW-{article}\",\"pieces\":[{pieces},]}}"),
                        _ => format!("{{\"article\": {article}; \"note\": \"for {{me}}\"}}"),
                    }
                }
                other => format!("{{{other}}}"),
            };
            filled += &value;
            filled += rest;
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::super::builtin::Analyzer;
    use super::*;
    use crate::model::{Classification, LogRow};
    use std::collections::HashMap;

    fn start() -> Timestamp {
        Timestamp::from_millis(1_795_219_200_000)
    }

    #[test]
    fn the_day_is_long_ordered_and_always_the_same() {
        let rows = day(start());
        assert!(rows.len() >= 5_000, "{}", rows.len());
        assert!(rows.is_sorted_by_key(|row| &row.timestamp));
        assert!(rows[0].timestamp >= start().to_string());
        let end = start().plus(Duration::from_hours(24)).to_string();
        assert!(rows[rows.len() - 1].timestamp < end);
        assert_eq!(rows, day(start()));
    }

    #[test]
    fn the_rows_of_a_request_share_its_id_user_and_path() {
        let mut requests: HashMap<String, Vec<NewLogRow>> = HashMap::new();
        for row in day(start()) {
            requests.entry(row.correlation_id.clone().unwrap()).or_default().push(row);
        }
        for rows in requests.values() {
            assert!((3..=4).contains(&rows.len()));
            assert!(rows.iter().all(|row| row.user_id == rows[0].user_id));
            assert!(rows.iter().all(|row| row.request_path == rows[0].request_path));
        }
    }

    #[test]
    fn every_grave_row_shows_one_problem_and_no_other_row_does() {
        let mut shown = vec![0; PROBLEMS.len()];
        for (row, shows) in answered_day(start()) {
            assert_eq!(row.level >= Level::Warning, shows.is_some(), "{row:?}");
            if let Some(problem) = shows {
                shown[problem] += 1;
            }
        }
        let expected: Vec<usize> = PROBLEMS.iter().map(|problem| problem.rows).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn the_analyzer_finds_each_problem_and_nothing_else() {
        let mut analyzer = Analyzer::new(Vec::new());
        let day = answered_day(start());
        for (id, (row, _)) in (1..).zip(&day) {
            if row.level >= Level::Warning {
                let row = row.clone();
                analyzer.push(&LogRow { id, row });
            }
        }
        let mut missing: Vec<usize> = (0..PROBLEMS.len()).collect();
        for finding in analyzer.finish().findings {
            let first = finding.evidence[0] as usize - 1;
            let index = day[first].1.expect("evidence is grave");
            let problem = &PROBLEMS[index];
            let code: Vec<&str> = problem.code.into_iter().collect();
            assert!(finding.title.contains(problem.title), "{}", finding.title);
            assert_eq!(finding.error_codes, code, "{}", finding.title);
            assert_eq!(finding.occurrences, problem.rows as u64, "{}", finding.title);
            assert_eq!(finding.classification, problem.classification, "{}", finding.title);
            assert!(missing.contains(&index), "{} is found twice", finding.title);
            missing.retain(|other| *other != index);
        }
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn the_answer_key_has_every_kind_of_problem() {
        assert!(PROBLEMS.len() >= 12);
        for classification in Classification::ALL {
            let of_it = PROBLEMS.iter().filter(|p| p.classification == classification);
            assert!(of_it.count() >= 3);
        }
        let signs = ["panicked at", "Traceback (most", "\tat com.", "\n    at "];
        for sign in signs {
            assert!(PROBLEMS.iter().any(|p| p.says[0].contains(sign)), "{sign}");
        }
    }
}

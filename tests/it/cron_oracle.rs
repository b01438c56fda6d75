//! Crontab expressions against croner, a library that shares no code with ours and knows time zones itself.
//!
//! Random expressions are asked in 50 zones, from a random instant and from one near a change of the zone's clock, and the
//! next occurrences must be the same. `LAMPLIGHTER_CRON_EXPRESSIONS=10000` asks more of them.
//!
//! croner has rules of its own. Where another text says the same there, it gets that text ([`Expression::oracle`]); where
//! none does, the difference must be one of [`OwnRule`], which is counted and can only be near a change of the clock.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};
use croner::parser::{CronParser, Year};
use croner::{Cron as Oracle, JobType};
use fastrand::Rng;
use lamplighter::model::{Cron, Rule, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// How many expressions are asked without the variable: a few seconds in a debug build.
const EXPRESSIONS: usize = 150;
const ZONES: usize = 50;
/// Zones with changes of an odd size or time, which are always among them.
const ODD_ZONES: [&str; 7] = [
    "Africa/Casablanca",
    "America/New_York",
    "America/Nuuk",
    "Antarctica/Troll",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Pacific/Apia",
];
/// How many occurrences are compared from each instant on.
const OCCURRENCES: usize = 4;
/// The years that both know.
const ALL_YEARS: &str = "1970-2100";
const DAY: i64 = 86_400;
/// Changes of clocks are looked for from 2010-01-01 to 2032-01-01, in seconds since 1970.
const FIRST: i64 = 1_262_304_000;
const END: i64 = 1_956_528_000;
/// An occurrence this near to a change, in seconds, may be another by a rule of croner's: a change moves clocks by a day
/// at most.
const NEAR: i64 = 2 * DAY;

/// The rules of croner that ours are not, and that no text avoids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum OwnRule {
    /// croner takes a rule as one of fixed times only if second, minute and hour have one value each. All others follow
    /// elapsed time there. Here, as in cronie, it depends on a `*` at the beginning of minute or hour.
    SeveralTimesArePace,
    /// croner looks at most two hours for the end of a gap, and ends there.
    GivesUpInLongGap,
}

/// A change of a zone's clock.
#[derive(Clone, Copy)]
struct Change {
    /// Seconds since 1970: the first instant after it.
    at: i64,
    /// By how many seconds the clock goes forward.
    forward: i64,
}

struct Zone {
    zone: Tz,
    changes: Vec<Change>,
}

impl Zone {
    fn of(zone: Tz) -> Self {
        let offset = |at: i64| {
            let utc = DateTime::from_timestamp(at, 0).unwrap().naive_utc();
            i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc())
        };
        let mut changes = Vec::new();
        for day in (FIRST..END).step_by(DAY as usize) {
            let (mut low, mut high) = (day, day + DAY);
            let forward = offset(high) - offset(low);
            if forward == 0 {
                continue;
            }
            while high - low > 1 {
                let middle = i64::midpoint(low, high);
                if offset(middle) == offset(day) { low = middle } else { high = middle }
            }
            changes.push(Change { at: high, forward });
        }
        Self { zone, changes }
    }

    fn near(&self, at: i64) -> Option<Change> {
        self.changes.iter().copied().find(|change| (change.at - at).abs() <= NEAR)
    }
}

fn zones() -> Vec<Zone> {
    let odd = ODD_ZONES.map(|name| name.parse::<Tz>().unwrap());
    let others = TZ_VARIANTS.into_iter().step_by(TZ_VARIANTS.len() / ZONES);
    let mut seen = BTreeSet::new();
    let zones = odd.into_iter().chain(others).filter(|zone| seen.insert(zone.name()));
    zones.take(ZONES).map(Zone::of).collect()
}

/// A random expression, as its fields.
struct Expression {
    second: Option<String>,
    minute: String,
    hour: String,
    dates: Vec<String>,
    months: BTreeSet<u32>,
    weekdays: Vec<String>,
}

impl Expression {
    fn random(rng: &mut Rng) -> Self {
        // Half of them at one time of a day, at night: so many meet the changes of clocks.
        let single = rng.bool();
        let time = |rng: &mut Rng, high: u32, likely: u32| {
            if single { rng.u32(0..=likely).to_string() } else { field(rng, 0, high, &[]) }
        };
        let months = match rng.u8(0..4) {
            0 => (0..rng.u8(1..=6)).map(|_| rng.u32(1..=12)).collect(),
            _ => (1..=12).collect(),
        };
        Self {
            second: (rng.u8(0..6) == 0).then(|| time(rng, 59, 59)),
            minute: time(rng, 59, 59),
            hour: time(rng, 23, 4),
            dates: dates(rng),
            months,
            weekdays: weekdays(rng),
        }
    }

    fn text(&self) -> String {
        self.text_of(&self.dates, &self.months, "")
    }

    fn text_of(&self, dates: &[String], months: &BTreeSet<u32>, and: &str) -> String {
        let second = self.second.as_ref().map_or(String::new(), |second| format!("{second} "));
        let months = match months.len() {
            12 => "*".to_owned(),
            _ => months.iter().map(u32::to_string).collect::<Vec<_>>().join(","),
        };
        let (minute, hour, weekdays) = (&self.minute, &self.hour, self.weekdays.join(","));
        format!("{second}{minute} {hour} {} {months} {and}{weekdays}", dates.join(","))
    }

    /// What croner is asked in its place: the occurrences of all these together.
    ///
    /// - croner counts a day field as unrestricted only if it is `*` and nothing else. Any other one that begins with it
    ///   is joined by croner's own `+`, which lets both fields match.
    /// - croner has no `L-n`, and takes `L` and `LW` in one list for `LW` alone. Days before the last are counted out for
    ///   each length of a month.
    /// - croner takes the name `sun` for 7 at the end of a range. Here it is 0 there too, so that `0-sun` is one day.
    /// - croner's years end later.
    fn oracle(&self) -> Vec<String> {
        let weekdays = self.weekdays.join(",");
        let starred = self.dates[0].starts_with('*') || weekdays.starts_with('*');
        let and = if starred && weekdays != "*" { "+" } else { "" };
        let has = |text: &str| self.dates.iter().any(|date| date == text);
        let second = if self.second.is_none() { "0 " } else { "" };
        let of = |dates: &[String], months: &BTreeSet<u32>, years: &str| {
            let text = self.text_of(dates, months, and).replace("-sun", "-0");
            format!("{second}{text} {years}")
        };
        let counts = self.dates.iter().any(|date| date.starts_with("L-"));
        let both_last = has("L") && has("LW");
        if !counts && !both_last {
            return vec![of(&self.dates, &self.months, ALL_YEARS)];
        }
        let lengths = [
            (31, vec![1, 3, 5, 7, 8, 10, 12], ALL_YEARS),
            (30, vec![4, 6, 9, 11], ALL_YEARS),
            (29, vec![2], "1972-2096/4"),
            (28, vec![2], "1973-2100/4,1974-2100/4,1975-2100/4,2100"),
        ];
        let mut texts = Vec::new();
        for (length, months, years) in lengths {
            let months: BTreeSet<_> =
                self.months.intersection(&months.into_iter().collect()).copied().collect();
            if months.is_empty() {
                continue;
            }
            let dates: Vec<_> =
                self.dates.iter().filter_map(|date| counted_out(date, length)).collect();
            // Nothing is left in February: a day that it does not have.
            let dates = if dates.is_empty() { vec!["31".to_owned()] } else { dates };
            texts.push(of(&dates, &months, years));
        }
        texts
    }
}

/// `L` and `L-n` as a day of a month of this length, if it has that day. Everything else as it is.
fn counted_out(date: &str, length: u32) -> Option<String> {
    let before = match (date, date.strip_prefix("L-")) {
        ("L", _) => 0,
        (_, Some(before)) => before.parse().unwrap(),
        (_, None) => return Some(date.to_owned()),
    };
    (before < length).then(|| (length - before).to_string())
}

/// A list of values, ranges and steps.
fn field(rng: &mut Rng, low: u32, high: u32, names: &[&str]) -> String {
    let many = if rng.bool() { 1 } else { rng.usize(1..=3) };
    let items: Vec<_> =
        (0..many).map(|n| item(rng, low, high, names, n == 0 && many == 1)).collect();
    items.join(",")
}

fn item(rng: &mut Rng, low: u32, high: u32, names: &[&str], star: bool) -> String {
    let step = rng.u32(1..=(high - low + 1));
    let (one, other) = (rng.u32(low..=high), rng.u32(low..=high));
    let (first, last) = (one.min(other), one.max(other));
    let text = |rng: &mut Rng, value: u32| match names.get((value - low) as usize) {
        Some(name) if rng.bool() => (*name).to_owned(),
        _ => value.to_string(),
    };
    match rng.u8(0..8) {
        0 if star => "*".into(),
        1 | 2 => format!("*/{step}"),
        3 => format!("{}-{}", text(rng, first), text(rng, last)),
        4 => format!("{first}-{last}/{step}"),
        _ => text(rng, one),
    }
}

fn dates(rng: &mut Rng) -> Vec<String> {
    match rng.u8(0..8) {
        0..3 => vec!["*".into()],
        // Crontab's trick to make both day fields match.
        3 => vec![format!("*/{}", rng.u32(32..200)), item(rng, 1, 31, &[], false)],
        _ => (0..rng.usize(1..=3))
            .map(|_| match rng.u8(0..8) {
                0 => "L".into(),
                1 => "LW".into(),
                2 => format!("L-{}", rng.u32(1..=30)),
                3 => format!("{}W", rng.u32(1..=31)),
                _ => item(rng, 1, 31, &[], false),
            })
            .collect(),
    }
}

fn weekdays(rng: &mut Rng) -> Vec<String> {
    const NAMES: [&str; 7] = ["sun", "mon", "TUE", "wed", "Thu", "fri", "sat"];
    if rng.u8(0..3) == 0 {
        return vec!["*".into()];
    }
    let many = rng.usize(1..=2);
    let item = |rng: &mut Rng| {
        let day = rng.u32(0..=7);
        let day = match NAMES.get(day as usize) {
            Some(name) if rng.bool() => (*name).to_owned(),
            _ => day.to_string(),
        };
        match rng.u8(0..5) {
            0 => format!("{day}#{}", rng.u32(1..=5)),
            1 => format!("{day}L"),
            _ => item(rng, 0, 7, &NAMES, false),
        }
    };
    (0..many).map(|_| item(rng)).collect()
}

#[derive(Default)]
struct Tally {
    expressions: usize,
    /// Expressions that no date matches.
    never: usize,
    windows: usize,
    occurrences: usize,
    own_rules: BTreeMap<OwnRule, usize>,
    /// By expression, the last difference of each.
    unexplained: BTreeMap<String, String>,
}

fn oracles(expression: &Expression) -> Vec<Oracle> {
    let parser = CronParser::builder().year(Year::Optional).build();
    let read = |text: String| parser.parse(&text).unwrap_or_else(|why| panic!("{text}: {why}"));
    expression.oracle().into_iter().map(read).collect()
}

/// The next occurrences after an instant, in milliseconds.
fn asked(oracles: &[Oracle], zone: Tz, after: i64) -> Vec<i64> {
    let after = DateTime::from_timestamp(after, 0).unwrap().with_timezone(&zone);
    let found = oracles.iter().flat_map(|oracle| oracle.iter_after(after).take(OCCURRENCES));
    let found: BTreeSet<_> = found.map(|at| at.timestamp_millis()).collect();
    found.into_iter().take(OCCURRENCES).collect()
}

/// The rule of croner's that makes these occurrences of one window other than ours, if one does.
fn own_rule(
    cron: &Cron,
    oracles: &[Oracle],
    zone: &Zone,
    ours: &[i64],
    theirs: &[i64],
) -> Option<OwnRule> {
    let at = (0..OCCURRENCES).find(|n| ours.get(*n) != theirs.get(*n))?;
    let first = ours.get(at).into_iter().chain(theirs.get(at)).min()?;
    let change = zone.near(first / 1_000)?;
    let fixed = oracles.iter().all(|oracle| oracle.determine_job_type() == JobType::FixedTime);
    match (cron.is_wild(), fixed) {
        (false, false) => Some(OwnRule::SeveralTimesArePace),
        (false, true) if change.forward > 2 * 3_600 => Some(OwnRule::GivesUpInLongGap),
        (false, true) | (true, _) => None,
    }
}

fn compare(expression: &Expression, zones: &[Zone], rng: &mut Rng, tally: &mut Tally) {
    let text = expression.text();
    tally.expressions += 1;
    let oracles = oracles(expression);
    let cron = match Cron::parse(&text) {
        Ok(cron) => cron,
        Err(why) => {
            assert!(why.reason.starts_with("no such date ever comes"), "{text}: {why}");
            assert!(asked(&oracles, Tz::UTC, FIRST).is_empty(), "{text}: croner knows a date");
            tally.never += 1;
            return;
        }
    };
    for zone in zones {
        let rule = Rule::cron(&text, zone.zone.name()).unwrap();
        let near = (!zone.changes.is_empty())
            .then(|| zone.changes[rng.usize(..zone.changes.len())].at + rng.i64(-3 * DAY..DAY));
        for after in [Some(rng.i64(FIRST..END)), near].into_iter().flatten() {
            let ours = rule.occurrences_after(Timestamp::from_millis(after * 1_000));
            let ours: Vec<_> = ours.take(OCCURRENCES).map(Timestamp::millis).collect();
            let theirs = asked(&oracles, zone.zone, after);
            tally.windows += 1;
            tally.occurrences += ours.len();
            if ours == theirs {
                continue;
            }
            if let Some(rule) = own_rule(&cron, &oracles, zone, &ours, &theirs) {
                *tally.own_rules.entry(rule).or_default() += 1;
            } else {
                let zone = zone.zone;
                let difference = format!("{zone} after {after}: {ours:?}, croner {theirs:?}");
                tally.unexplained.insert(text.clone(), difference);
            }
        }
    }
}

#[test]
fn random_expressions_occur_when_croner_says_in_fifty_zones() {
    let many = std::env::var("LAMPLIGHTER_CRON_EXPRESSIONS");
    let many = many.map_or(EXPRESSIONS, |many| many.parse().unwrap());
    let zones = zones();
    assert_eq!(zones.len(), ZONES);
    let mut rng = Rng::with_seed(2_026);
    let mut tally = Tally::default();
    for _ in 0..many {
        compare(&Expression::random(&mut rng), &zones, &mut rng, &mut tally);
    }
    println!(
        "{} expressions in {ZONES} zones, {} of them never, {} windows, {} occurrences, croner's own rules {:?}, {} unexplained",
        tally.expressions,
        tally.never,
        tally.windows,
        tally.occurrences,
        tally.own_rules,
        tally.unexplained.len(),
    );
    let first: Vec<_> = tally.unexplained.iter().take(10).collect();
    assert!(first.is_empty(), "{first:#?}");
    assert!(tally.never * 10 < tally.expressions, "too few expressions have dates");
    let explained: usize = tally.own_rules.values().sum();
    assert!(explained * 10 < tally.windows, "croner's own rules hide too much");
}

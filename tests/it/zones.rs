//! Schedules against an independent walk over the minutes around every change of every zone's clock (P18).
//!
//! The walk shares nothing with the rule under test: no expression is parsed, no next time is computed and no local
//! time is mapped back. It converts one UTC minute after the other to local time with chrono-tz, has each rule as a
//! plain predicate on a local time, and applies the three written sentences to what it sees: a fixed time occurs when
//! the clock first shows it or jumps over it; a time that comes twice occurs the first time; a wildcard rule occurs
//! whenever the clock shows a time of it.

use chrono::{DateTime, Datelike, NaiveDateTime, Offset, TimeZone, Timelike};
use chrono_tz::{TZ_VARIANTS, Tz};
use lamplighter::model::{Rule, Timestamp};
use std::collections::BTreeSet;

/// 2024-01-01 and 2031-01-01, in minutes since 1970.
const FIRST: i64 = 28_401_120;
const END: i64 = 32_083_200;
const DAY: i64 = 1_440;
/// Changes are looked for at this distance, then to the minute.
const PROBE: i64 = 180;
/// Around a change the next occurrence is asked for at every so many minutes; coprime to the rules' own steps.
const ASK: usize = 7;

/// A local minute as the rules see it.
struct Local {
    /// Minutes since 1970 on the zone's clock.
    minutes: i64,
    month: u32,
    /// The days of the month.
    length: u32,
    day: u32,
    /// Days from Sunday.
    weekday: u32,
    hour: u32,
    minute: u32,
}

impl Local {
    fn new(minutes: i64) -> Self {
        let time = naive(minutes);
        Self {
            minutes,
            month: time.month(),
            length: time.date().num_days_in_month().into(),
            day: time.day(),
            weekday: time.weekday().num_days_from_sunday(),
            hour: time.hour(),
            minute: time.minute(),
        }
    }
}

/// A rule, once as crontab says it and once as the walk applies it.
struct Case {
    cron: String,
    wild: bool,
    matches: Box<dyn Fn(&Local) -> bool>,
}

fn case(cron: &str, wild: bool, matches: impl Fn(&Local) -> bool + 'static) -> Case {
    Case { cron: cron.into(), wild, matches: Box::new(matches) }
}

fn daily(minutes: i64) -> Case {
    let (hour, minute) = (minutes.rem_euclid(DAY) / 60, minutes.rem_euclid(60));
    let at = (u32::try_from(hour).unwrap(), u32::try_from(minute).unwrap());
    case(&format!("{minute} {hour} * * *"), false, move |l| (l.hour, l.minute) == at)
}

/// The rules that are held against every change.
fn fixed_cases() -> Vec<Case> {
    vec![
        case("30 2 * * *", false, |l| (l.hour, l.minute) == (2, 30)),
        case("0 0 * * *", false, |l| (l.hour, l.minute) == (0, 0)),
        case("0-59/20 0-3 * * *", false, |l| l.hour <= 3 && l.minute.is_multiple_of(20)),
        case("0 * * * *", true, |l| l.minute == 0),
        case("*/15 * * * *", true, |l| l.minute.is_multiple_of(15)),
        case("*/15 2 * * *", true, |l| l.hour == 2 && l.minute.is_multiple_of(15)),
        case("30 2 31 * *", false, |l| (l.day, l.hour, l.minute) == (31, 2, 30)),
        case("30 23 29 2 *", false, |l| (l.month, l.day, l.hour, l.minute) == (2, 29, 23, 30)),
        case("0 12 13 * 5", false, |l| {
            (l.day == 13 || l.weekday == 5) && (l.hour, l.minute) == (12, 0)
        }),
        case("30 2 13 * 0", false, |l| {
            (l.day == 13 || l.weekday == 0) && (l.hour, l.minute) == (2, 30)
        }),
        // Most clocks are changed on a Sunday that is counted in its month, some at the end of a month.
        case("30 2 * * sunL", false, |l| {
            l.weekday == 0 && l.day + 7 > l.length && (l.hour, l.minute) == (2, 30)
        }),
        case("*/15 1-3 * * sun#1,0#2", true, |l| {
            l.weekday == 0
                && l.day <= 14
                && (1..=3).contains(&l.hour)
                && l.minute.is_multiple_of(15)
        }),
        case("0,30 0-2 L,L-1 * *", false, |l| {
            l.day + 1 >= l.length && l.hour <= 2 && l.minute.is_multiple_of(30)
        }),
    ]
}

/// A change of the offset: the first UTC minute after it, and what the clock shows there and would have shown.
struct Change {
    at: i64,
    to: i64,
    instead_of: i64,
}

fn naive(minutes: i64) -> NaiveDateTime {
    DateTime::from_timestamp(minutes * 60, 0).unwrap().naive_utc()
}

fn offset(zone: Tz, minutes: i64) -> i64 {
    let seconds = zone.offset_from_utc_datetime(&naive(minutes)).fix().local_minus_utc();
    assert_eq!(seconds % 60, 0, "{zone} is off by seconds: the walk would miss it");
    i64::from(seconds / 60)
}

fn changes(zone: Tz) -> Vec<Change> {
    let mut found = Vec::new();
    let mut before = offset(zone, FIRST);
    let mut probe = FIRST;
    while probe < END {
        let after = offset(zone, probe + PROBE);
        if after != before {
            let at =
                (probe..=probe + PROBE).find(|minute| offset(zone, *minute) != before).unwrap();
            found.push(Change { at, to: at + after, instead_of: at + before });
        }
        before = after;
        probe += PROBE;
    }
    found
}

/// Where the rule occurs among these local minutes of consecutive UTC minutes from `start` on.
fn walk(case: &Case, start: i64, clock: &[Local]) -> Vec<i64> {
    let mut found = Vec::new();
    let mut farthest = clock[0].minutes;
    for (at, local) in (start..).zip(clock).skip(1) {
        let occurs = if case.wild || local.minutes == farthest + 1 {
            (case.matches)(local)
        } else {
            // Jumped over, up to and with the one that is shown; or shown before, and then this is empty.
            (farthest + 1..=local.minutes).any(|minutes| (case.matches)(&Local::new(minutes)))
        };
        if occurs {
            found.push(at);
        }
        farthest = farthest.max(local.minutes);
    }
    found
}

fn instant(minutes: i64) -> Timestamp {
    Timestamp::from_millis(minutes * 60_000)
}

#[derive(Default)]
struct Tally {
    changes: usize,
    compared: usize,
    asked: usize,
    differences: Vec<String>,
    /// The expressions that occurred at all.
    seen: BTreeSet<String>,
}

/// Holds one rule against the walk over two days before and after a change.
fn compare(case: &Case, zone: Tz, change: &Change, clock: &[Local], tally: &mut Tally) {
    let (start, end) = (change.at - 2 * DAY, change.at + 2 * DAY);
    let walked: Vec<_> = walk(case, start, clock).into_iter().map(instant).collect();
    let rule = Rule::cron(&case.cron, zone.name()).unwrap();
    let found = rule.occurrences_after(instant(start)).take_while(|at| *at <= instant(end));
    let found: Vec<_> = found.take(walked.len() + 1).collect();
    tally.compared += walked.len();
    if !walked.is_empty() && !tally.seen.contains(&case.cron) {
        tally.seen.insert(case.cron.clone());
    }
    if found != walked {
        let text = format!("{zone} {} around {}", case.cron, naive(change.at));
        tally.differences.push(format!("{text}: walked {walked:?}, found {found:?}"));
    }
    for minutes in (change.at - 130..change.at + 130).step_by(ASK) {
        let after = instant(minutes);
        let next = walked.iter().find(|at| **at > after).copied();
        let answer = rule.next_after(after).filter(|at| *at <= instant(end));
        tally.asked += 1;
        if answer != next {
            let text = format!("{zone} {} after {after}", case.cron);
            tally.differences.push(format!("{text}: walked {next:?}, found {answer:?}"));
        }
    }
    let latest = rule.latest_between(instant(start), instant(end));
    tally.asked += 1;
    if latest != walked.last().copied() {
        let text = format!("{zone} {} latest before {}", case.cron, instant(end));
        tally.differences.push(format!("{text}: walked {:?}, found {latest:?}", walked.last()));
    }
}

/// What P18 promises, held against an independent walk.
#[test]
fn every_rule_occurs_where_a_walk_over_the_minutes_around_each_change_of_each_zone_says() {
    let fixed = fixed_cases();
    let mut tally = Tally::default();
    let mut distinct = BTreeSet::new();
    for zone in TZ_VARIANTS {
        let changes = changes(zone);
        let key: Vec<_> = changes.iter().map(|change| (change.at, change.to)).collect();
        if !distinct.insert((offset(zone, FIRST), key)) {
            continue;
        }
        for change in &changes {
            tally.changes += 1;
            let minutes = change.at - 2 * DAY..=change.at + 2 * DAY;
            let clock: Vec<_> = minutes.map(|at| Local::new(at + offset(zone, at))).collect();
            // The edges and the middle of the stretch that is left out or comes twice.
            let (low, high) = (change.to.min(change.instead_of), change.to.max(change.instead_of));
            let own = [low, i64::midpoint(low, high), high - 1, high].map(daily);
            for case in fixed.iter().chain(&own) {
                compare(case, zone, change, &clock, &mut tally);
            }
        }
    }
    println!(
        "{} zones, {} distinct, {} changes, {} occurrences compared, {} questions, {} differences",
        TZ_VARIANTS.len(),
        distinct.len(),
        tally.changes,
        tally.compared,
        tally.asked,
        tally.differences.len(),
    );
    let first: Vec<_> = tally.differences.iter().take(10).collect();
    assert!(first.is_empty(), "{first:#?}");
    assert!(TZ_VARIANTS.len() >= 590 && distinct.len() >= 60, "zones are missing");
    assert!(tally.changes >= 400 && tally.compared >= 200_000, "the walk saw too little");
    let expressions = fixed.iter().map(|case| &case.cron);
    let silent: Vec<_> = expressions.filter(|cron| !tally.seen.contains(*cron)).collect();
    assert!(silent.is_empty(), "near no change: {silent:?}");
}

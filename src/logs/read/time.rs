//! The instant that a text begins with, in every common spelling.

use super::zone::{instant_in, zone};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// The names of months as logs write them.
pub(super) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const DAY: i64 = 24 * 3600 * 1000;
/// By how much a line's time may be later than that of its file: clocks and zones differ.
const SLACK: i64 = DAY;
/// The same for a line that has a time of day only.
const CLOCK_SLACK: i64 = DAY / 2;
/// Instants from 1970 to 2200; a date beyond is no time of a log.
const PLAUSIBLE: std::ops::Range<i64> = -DAY..84_006 * DAY;
/// How old a number of seconds at the beginning of a line may be to be its time.
const OLDEST: i64 = 30 * 366 * DAY;

/// An instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Moment {
    /// Milliseconds since 1970.
    pub(super) ms: i64,
    /// Whether the text names its zone; else it was read as UTC.
    pub(super) zoned: bool,
}

/// What the times of a log are read by.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeFrame {
    /// When the log was written last: it lends its year or its day to times without one.
    pub(super) latest: Moment,
    /// The zone of times that name none; `None`: UTC, unless what stands around them is known better.
    pub(super) zone: Option<Tz>,
}

impl TimeFrame {
    /// For times that leave nothing out.
    pub(super) const NONE: Self = Self { latest: Moment { ms: 0, zoned: true }, zone: None };
}

impl Moment {
    /// Whether a clock that was set can have shown it: the first day of 1970 is what one shows that was not, and what programs
    /// write for no time.
    pub(super) fn is_set(self) -> bool {
        !(-DAY..2 * DAY).contains(&self.ms)
    }

    /// An instant that cannot be misunderstood.
    pub(super) fn exact(ms: i64) -> Self {
        Self { ms, zoned: true }
    }

    /// ISO 8601 in UTC.
    pub(super) fn to_iso(self) -> String {
        let (days, ms) = (self.ms.div_euclid(DAY), self.ms.rem_euclid(DAY));
        let (year, month, day) = date(days);
        if !(0..=9999).contains(&year) {
            return crate::model::Timestamp::from_millis(self.ms).to_string();
        }
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let mut put = |at: usize, digits: usize, mut number: i64| {
            for place in text[at..at + digits].iter_mut().rev() {
                *place = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        put(0, 4, year);
        put(5, 2, month);
        put(8, 2, day);
        put(11, 2, ms / 3_600_000);
        put(14, 2, ms / 60_000 % 60);
        put(17, 2, ms / 1_000 % 60);
        put(20, 3, ms % 1_000);
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// The days since 1970 of a date of the Gregorian calendar, if there is one. The dates that programs write for no date count as
/// the first day of 1970.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if matches!((year, month, day), (0, 0, 0) | (1, 1, 1)) {
        return Some(0);
    }
    let leap = i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let length = match month {
        2 => 28 + leap,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    // Howard Hinnant's days_from_civil.
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let year_of_era = y.rem_euclid(400);
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    (1..=length).contains(&day).then_some(era * 146_097 + of_era - 719_468)
}

/// The date of a day since 1970.
fn date(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// A number since 1970 in the unit that its size tells: seconds, ms, µs or ns.
pub(super) fn epoch(number: f64) -> Option<Moment> {
    // Seconds reach 1e11 in the year 5138, ms in 1973: no log is that young or that old.
    let per_ms = match number {
        n if !(1e8..1e20).contains(&n) => return None,
        n if n < 1e11 => 1e-3,
        n if n < 1e14 => 1.0,
        n if n < 1e17 => 1e3,
        _ => 1e6,
    };
    // What is below a millisecond is cut, as it is where digits are written out; the addition makes good what 1.123 lacks.
    Some(Moment::exact((number / per_ms + 1e-3).floor() as i64))
}

/// Reads the instant that a text begins with; answers it and where it ends. `frame` lends what the times
/// leave out.
pub(super) fn leading(text: &str, frame: TimeFrame) -> Option<(Moment, usize)> {
    let bytes = text.as_bytes();
    let first = *bytes.first()?;
    if !(first.is_ascii_digit() || first.is_ascii_uppercase()) {
        return None;
    }
    let mut scan = Scan { bytes, at: 0, frame };
    let moment = if first.is_ascii_digit() { scan.by_digits() } else { scan.by_names() };
    let end = scan.at;
    let ends = bytes.get(end).is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_' && *b < 0x80);
    moment.filter(|at| ends && PLAUSIBLE.contains(&at.ms)).map(|moment| (moment, end))
}

/// `21/Nov/2026:05:29:51 +0000` and all other spellings, anywhere in brackets: as access logs have it.
pub(super) fn bracketed(text: &str, frame: TimeFrame) -> Option<Moment> {
    let (_, rest) = text.split_once('[')?;
    leading(rest, frame).map(|(moment, _)| moment)
}

/// A place in a text.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    frame: TimeFrame,
}

impl Scan<'_> {
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn eat(&mut self, wanted: &[u8]) -> Option<u8> {
        let found = self.peek();
        wanted.contains(&found).then(|| self.at += 1)?;
        Some(found)
    }

    fn blanks(&mut self) -> usize {
        let count = self.bytes[self.at..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        self.at += count;
        count
    }

    fn digit_run(&self) -> usize {
        self.bytes[self.at..].iter().take(20).take_while(|b| b.is_ascii_digit()).count()
    }

    /// A number of at least and at most so many digits.
    fn number(&mut self, least: usize, most: usize) -> Option<i64> {
        let run = self.digit_run();
        (least..=most).contains(&run).then_some(())?;
        let digits = &self.bytes[self.at..self.at + run];
        let value = |n: i64, b: &u8| n.checked_mul(10)?.checked_add(i64::from(b - b'0'));
        let number = digits.iter().try_fold(0, value)?;
        self.at += run;
        Some(number)
    }

    /// The next digits, of which there may be more.
    fn two(&mut self) -> Option<i64> {
        let digits = self.bytes.get(self.at..self.at + 2)?;
        digits.iter().all(u8::is_ascii_digit).then(|| self.at += 2)?;
        Some(i64::from(digits[0] - b'0') * 10 + i64::from(digits[1] - b'0'))
    }

    fn name(&mut self, names: &[&str]) -> Option<i64> {
        let name = self.bytes.get(self.at..self.at + 3)?;
        let index = names.iter().position(|known| known.as_bytes() == name)?;
        self.at += 3;
        Some(index as i64)
    }

    fn month(&mut self) -> Option<i64> {
        self.name(&MONTHS).map(|index| index + 1)
    }

    fn by_digits(&mut self) -> Option<Moment> {
        match self.digit_run() {
            1 | 2 => self.by_day(),
            4 => {
                let year = self.number(4, 4)?;
                let divider = self.eat(b"-/.")?;
                let month = self.number(1, 2)?;
                self.eat(&[divider])?;
                let day = self.number(1, 2)?;
                self.gap()?;
                self.clock(days(year, month, day)?)
            }
            6 => {
                let (year, month, day) = (self.two()?, self.two()?, self.two()?);
                let day = days(2000 + year, month, day)?;
                (self.blanks() > 0).then_some(())?;
                self.clock(day)
            }
            8 => {
                let year = self.two()? * 100 + self.two()?;
                let day = days(year, self.two()?, self.two()?)?;
                self.gap()?;
                if self.digit_run() == 6 { self.compact(day) } else { self.clock(day) }
            }
            10 | 13 | 16 | 19 => self.seconds(),
            _ => None,
        }
    }

    /// What begins with one or two digits: a day, a month, a short year or an hour.
    fn by_day(&mut self) -> Option<Moment> {
        let first = self.number(1, 2)?;
        let divider = self.eat(b"/-. :")?;
        if divider == b':' {
            return self.clock_alone(first);
        }
        if divider == b' ' {
            self.blanks();
        }
        if let Some(month) = self.month() {
            self.eat(&[divider]);
            let year = if self.bytes.get(self.at + 2) == Some(&b':') {
                None
            } else {
                Some(self.number(4, 4)?)
            };
            if year.is_some() {
                self.gap()?;
            }
            return match year {
                Some(year) => self.clock(days(year, month, first)?),
                None => self.in_year(month, first),
            };
        }
        (divider != b' ').then_some(())?;
        let second = self.number(1, 2)?;
        if self.eat(&[divider]).is_none() {
            // `11-21 05:29:51`, which is the order of Android.
            (divider == b'-' && self.blanks() > 0).then_some(())?;
            return self.in_year(first, second);
        }
        let digits = self.digit_run();
        let third = self.number(2, 4)?;
        self.gap()?;
        let day = match (digits, divider) {
            (2, b'.') => days(2000 + third, second, first),
            (2, _) => days(2000 + first, second, third),
            (4, b'/') if first <= 12 => days(third, first, second),
            (4, _) => days(third, second, first),
            _ => None,
        };
        self.clock(day?)
    }

    /// What begins with the name of a weekday or of a month.
    fn by_names(&mut self) -> Option<Moment> {
        if self.name(&WEEKDAYS).is_some() {
            self.eat(b",");
            (self.blanks() > 0).then_some(())?;
            if self.peek().is_ascii_digit() {
                return self.by_day();
            }
        }
        let month = self.month()?;
        (self.blanks() > 0).then_some(())?;
        let day = self.number(1, 2)?;
        self.eat(b",");
        (self.blanks() > 0).then_some(())?;
        if self.digit_run() == 4 {
            let year = self.number(4, 4)?;
            self.eat(b",");
            (self.blanks() > 0).then_some(())?;
            return self.clock(days(year, month, day)?);
        }
        let start = self.at;
        // The year of ctime follows the clock, perhaps after the name of a zone.
        self.clock(0)?;
        self.blanks();
        let year = (self.digit_run() == 4).then(|| self.number(4, 4)).flatten();
        let end = self.at;
        self.at = start;
        match year.filter(|year| (1970..2200).contains(year)) {
            Some(year) => {
                let moment = self.clock(days(year, month, day)?);
                self.at = end;
                moment
            }
            None => self.in_year(month, day),
        }
    }

    /// Between a date and a clock.
    fn gap(&mut self) -> Option<()> {
        let start = self.at;
        match self.peek() {
            b'T' | b'_' | b'-' => self.at += 1,
            b':' => self.at += 1 + usize::from(self.bytes.get(self.at + 1) == Some(&b':')),
            b',' => {
                self.at += 1;
                self.blanks();
            }
            _ => drop(self.blanks()),
        }
        (self.at > start && self.peek().is_ascii_digit()).then_some(())
    }

    /// `5:29:51.123 PM +01:00` on a day since 1970.
    fn clock(&mut self, day: i64) -> Option<Moment> {
        let hour = self.number(1, 2)?;
        self.eat(b":")?;
        self.after_hour(hour, day)
    }

    fn after_hour(&mut self, hour: i64, day: i64) -> Option<Moment> {
        let minute = self.number(2, 2)?;
        let seconds = self.eat(b":").is_some();
        let second = if seconds { self.two()? } else { 0 };
        let ms = if seconds { self.fraction() } else { 0 };
        let half = self.half();
        let hour = match half {
            Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
            None if seconds => hour,
            Some(_) | None => return None,
        };
        (hour < 24 && minute < 60 && second <= 60).then_some(())?;
        Some(self.zoned(day * DAY + ((hour * 60 + minute) * 60 + second.min(59)) * 1000 + ms))
    }

    /// What a clock shows as an instant: by the zone that stands behind it, else by the log's.
    fn zoned(&mut self, local: i64) -> Moment {
        let (offset, length) = zone(&self.bytes[self.at..]);
        self.at += length;
        match (offset, self.frame.zone) {
            (Some(seconds), _) => Moment::exact(local - seconds * 1000),
            (None, Some(zone)) => Moment::exact(instant_in(zone, local)),
            (None, None) => Moment { ms: local, zoned: false },
        }
    }

    /// The hours that `AM` and `PM` add.
    fn half(&mut self) -> Option<i64> {
        let rest = &self.bytes[self.at..];
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let half = match rest.get(..2)? {
            b"AM" | b"am" => 0,
            b"PM" | b"pm" => 12,
            _ => return None,
        };
        if rest.get(2).is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        self.at = self.bytes.len() - rest.len() + 2;
        Some(half)
    }

    /// The milliseconds of `.123456` or `,123`.
    fn fraction(&mut self) -> i64 {
        if !matches!(self.peek(), b'.' | b',')
            || !self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit)
        {
            return 0;
        }
        self.at += 1;
        let digits = self.bytes[self.at..].iter().take_while(|b| b.is_ascii_digit());
        let (ms, count) = digits.fold((0, 0), |(ms, n), b| {
            if n < 3 { (10 * ms + i64::from(b - b'0'), n + 1) } else { (ms, n + 1) }
        });
        self.at += count;
        ms * 10_i64.pow(3_u32.saturating_sub(count as u32))
    }

    /// `052951Z`
    fn compact(&mut self, day: i64) -> Option<Moment> {
        let (hour, minute, second) = (self.two()?, self.two()?, self.two()?);
        (hour < 24 && minute < 60 && second <= 60).then_some(())?;
        let ms = self.fraction();
        Some(self.zoned(day * DAY + ((hour * 60 + minute) * 60 + second.min(59)) * 1000 + ms))
    }

    /// `1795238991.123`, if a log may be that old.
    fn seconds(&mut self) -> Option<Moment> {
        let run = self.digit_run();
        let number = self.number(run, run)?;
        let ms = match run {
            10 => number * 1000 + self.fraction(),
            13 => number,
            16 => number / 1_000,
            _ => number / 1_000_000,
        };
        let is_recent =
            (self.frame.latest.ms - OLDEST..self.frame.latest.ms + 2 * DAY).contains(&ms);
        is_recent.then_some(Moment::exact(ms))
    }

    /// A clock on a day without a year: a line is older than its file's end, so December in January is last year.
    fn in_year(&mut self, month: i64, day: i64) -> Option<Moment> {
        let latest = self.frame.latest.ms;
        let (year, ..) = date(latest.div_euclid(DAY));
        let start = self.at;
        let mut at = |year: i64| {
            self.at = start;
            self.clock(days(year, month, day)?)
        };
        let this = at(year + 1).filter(|at| at.ms <= latest + SLACK);
        let this = this.or_else(|| at(year).filter(|at| at.ms <= latest + SLACK));
        // The 29th of February is there every fourth year.
        this.or_else(|| (1..=4).find_map(|ago| at(year - ago)))
    }

    /// A clock without a date, on the last day that fits.
    fn clock_alone(&mut self, hour: i64) -> Option<Moment> {
        let today = self.frame.latest.ms.div_euclid(DAY);
        let at = self.after_hour(hour, today)?;
        let late = at.ms > self.frame.latest.ms + CLOCK_SLACK;
        Some(if late { Moment { ms: at.ms - DAY, ..at } } else { at })
    }
}

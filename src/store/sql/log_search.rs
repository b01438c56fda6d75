//! Log rows that fit a filter, and what they are about.
//!
//! Each look goes through a bounded window of ids. In our own log the rows of a span of time are found by the index on their
//! time; in another program's the window begins with the newest row.

use super::logs::{COLUMNS, from_row};
use super::search::Window;
use crate::error::Result;
use crate::model::{Found, Level, LogBar, LogFilter, LogPicture, LogRow, Timestamp};
use crate::store::sqlite::dialect;
use chrono::{NaiveDate, NaiveTime};
use rusqlite::{Connection, Row, ToSql, named_params};
use std::collections::HashMap;
use std::time::Duration;

/// Rows that one look counts: some 25 ms.
const COUNTED: i64 = 50_000;
/// Rows at each end of a span of time among which the first and the last id are looked for.
const AT_ENDS: i64 = 20_000;
/// Sources and codes of a picture.
const MOST: usize = 12;
/// Sources and codes that are told apart while rows are counted. What comes after them is not named.
const APART: usize = 2_000;
/// The most spans of a picture.
const BARS: u64 = 72;
/// The lengths that a span of a picture may have, in seconds.
const STEPS: [u64; 17] = [
    1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 172_800, 604_800,
    2_592_000, 31_536_000,
];

/// Which log is looked at.
#[derive(Clone, Copy)]
enum Log {
    /// Ours, whose times are written one way.
    Own,
    /// Another program's, whose times may have a space where ours have a `T`.
    Any,
}

/// The condition that a row fits. Its parameters are those of [`Conditions`].
fn fits(log: Log) -> String {
    let time = match log {
        Log::Own => "timestamp",
        Log::Any => "replace(timestamp, ' ', 'T')",
    };
    format!(
        "(:levels IS NULL OR {})
           AND (:source IS NULL OR source = :source)
           AND (:code IS NULL OR {})
           AND (:text IS NULL OR {})
           AND (:correlation_id IS NULL OR correlation_id = :correlation_id)
           AND (:since IS NULL OR {time} >= :since)
           AND (:until IS NULL OR {time} < :until)",
        dialect::contains(":levels", "' ' || level || ' '"),
        dialect::contains("message", ":code"),
        dialect::contains("lower(message)", "lower(:text)"),
    )
}

/// A filter as the parameters of [`fits`].
struct Conditions<'a> {
    filter: &'a LogFilter,
    levels: Option<String>,
    code: Option<String>,
    since: Option<String>,
    until: Option<String>,
}

impl<'a> Conditions<'a> {
    fn of(filter: &'a LogFilter) -> Self {
        let levels = filter.level.map(|least| {
            let worse = Level::ALL.iter().filter(|level| **level >= least);
            worse.fold(" ".to_owned(), |list, level| list + level.as_str() + " ")
        });
        let code = filter.code.as_ref().map(|code| format!("[{code}]"));
        let (since, until) = (filter.since.map(text_of), filter.until.map(text_of));
        Self { filter, levels, code, since, until }
    }

    fn params(&self) -> Vec<(&str, &dyn ToSql)> {
        vec![
            (":levels", &self.levels),
            (":source", &self.filter.source),
            (":code", &self.code),
            (":text", &self.filter.text),
            (":correlation_id", &self.filter.correlation_id),
            (":since", &self.since),
            (":until", &self.until),
        ]
    }
}

/// An instant as the times of rows are compared with it: to the second, in UTC.
fn text_of(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// The newest rows of our own log below the cursor that fit.
pub(in crate::store) fn own(conn: &Connection, filter: &LogFilter) -> Result<Found<LogRow>> {
    match own_window(conn, filter)? {
        Some(window) => in_window(conn, filter, (Log::Own, &window)),
        None => Ok(Found { rows: Vec::new(), next: None, cut_short: false, looked_through: 0 }),
    }
}

/// The newest rows of any log below the cursor that fit.
pub(in crate::store) fn any(conn: &Connection, filter: &LogFilter) -> Result<Found<LogRow>> {
    in_window(conn, filter, (Log::Any, &Window::below(conn, "logs", filter.before)?))
}

/// The window of our own log in which the rows of the filter's time lie; `None` if it has none.
fn own_window(conn: &Connection, filter: &LogFilter) -> Result<Option<Window>> {
    if filter.since.is_none() && filter.until.is_none() {
        return Window::below(conn, "logs", filter.before).map(Some);
    }
    let Some((lowest, highest)) = ends(conn, filter)? else { return Ok(None) };
    let end = highest.saturating_add(1);
    let before = filter.before.map_or(end, |before| before.min(end));
    let window = Window::below(conn, "logs", Some(before))?;
    Ok(Some(Window { floor: window.floor.max(lowest), lowest, ..window }))
}

/// The lowest and the highest id of the rows of a span of time. Rows come in nearly by their time, so these are looked for
/// among those at the ends of the span.
fn ends(conn: &Connection, filter: &LogFilter) -> Result<Option<(i64, i64)>> {
    let end = |order: &str, pick: &str| {
        let sql = format!(
            "SELECT {pick}(id)
             FROM (SELECT id
                   FROM {}
                   WHERE timestamp >= :since AND timestamp < :until
                   ORDER BY timestamp {order}
                   LIMIT :most)",
            dialect::by_index("logs", "logs_timestamp"),
        );
        let since = filter.since.map_or_else(String::new, text_of);
        // Every time of a row is below this text.
        let until = filter.until.map_or_else(|| ":".to_owned(), text_of);
        let params = named_params! {":since": since, ":until": until, ":most": AT_ENDS};
        let found: Option<i64> = conn.prepare_cached(&sql)?.query_row(params, |row| row.get(0))?;
        Ok::<_, crate::error::Error>(found)
    };
    Ok(end("ASC", "min")?.zip(end("DESC", "max")?))
}

fn in_window(
    conn: &Connection,
    filter: &LogFilter,
    (log, window): (Log, &Window),
) -> Result<Found<LogRow>> {
    if !filter.ids.is_empty() {
        return of_ids(conn, &filter.ids);
    }
    // The window bounds the work; an index on the level would visit all its rows.
    let sql = format!(
        "SELECT {COLUMNS}
         FROM {}
         WHERE id < :before AND id >= :floor
           AND {}
         ORDER BY id DESC
         LIMIT :limit",
        dialect::by_id("logs"),
        fits(log),
    );
    let conditions = Conditions::of(filter);
    let [before, floor, more] = window.params(filter.limit);
    let mut params = conditions.params();
    params.extend([(":before", &before as &dyn ToSql), (":floor", &floor), (":limit", &more)]);
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(params.as_slice(), from_row)?;
    Ok(window.found(rows.collect::<rusqlite::Result<_>>()?, filter.limit, |row| row.id))
}

/// The rows of a log that have these ids, newest first.
fn of_ids(conn: &Connection, ids: &[i64]) -> Result<Found<LogRow>> {
    let sql = format!(
        "SELECT {COLUMNS}
         FROM logs
         WHERE id IN ({})
         ORDER BY id DESC",
        dialect::members(":ids"),
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let ids_json = serde_json::json!(ids).to_string();
    let rows = statement.query_map([(":ids", &ids_json)].as_slice(), from_row)?;
    let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(Found { rows, next: None, cut_short: false, looked_through: ids.len() as u64 })
}

/// What the newest rows of our own log that fit are about.
pub(in crate::store) fn own_picture(conn: &Connection, filter: &LogFilter) -> Result<LogPicture> {
    match own_window(conn, filter)? {
        Some(window) => picture_of(conn, filter, (Log::Own, &window)),
        None => Ok(LogPicture::default()),
    }
}

/// What the newest rows of any log that fit are about.
pub(in crate::store) fn any_picture(conn: &Connection, filter: &LogFilter) -> Result<LogPicture> {
    picture_of(conn, filter, (Log::Any, &Window::below(conn, "logs", filter.before)?))
}

fn picture_of(
    conn: &Connection,
    filter: &LogFilter,
    (log, window): (Log, &Window),
) -> Result<LogPicture> {
    let before = window.before;
    let floor = window.floor.max(before.saturating_sub(COUNTED));
    let conditions = Conditions::of(filter);
    let mut params = conditions.params();
    params.extend([(":before", &before as &dyn ToSql), (":floor", &floor)]);
    // A code stands in brackets at the beginning of a message.
    let sql = format!(
        "SELECT timestamp, level, source, substr(message, 1, 80)
         FROM {}
         WHERE id < :before AND id >= :floor
           AND {}",
        dialect::by_id("logs"),
        fits(log)
    );
    let mut count = Count::default();
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params.as_slice())?;
    while let Some(row) = rows.next()? {
        count.add(row)?;
    }
    Ok(count.picture(filter, floor > window.lowest))
}

/// The spans of a picture: those of the filter's time, or of the first and the last time that were seen, in seconds since 1970.
fn bars(filter: &LogFilter, (first, last): (i64, i64)) -> Vec<LogBar> {
    let second = |at: Timestamp| at.millis().div_euclid(1_000);
    let since = filter.since.map_or(first, second);
    let end = last.saturating_add(1);
    let until = filter.until.map_or(end, |until| second(until).min(end));
    let seconds = until.saturating_sub(since).max(1).unsigned_abs();
    let fitting = STEPS.iter().find(|step| seconds.div_ceil(**step) < BARS);
    let step = fitting.copied().unwrap_or_else(|| seconds.div_ceil(BARS - 1));
    let length = step.cast_signed();
    let start = since.div_euclid(length) * length;
    let starts = (0..BARS.cast_signed()).map(|nth| start + nth * length);
    starts
        .take_while(|at| *at < until)
        .map(|at| {
            let since = Timestamp::from_millis(at * 1_000);
            LogBar { since, until: since.plus(Duration::from_secs(step)), levels: [0; 5] }
        })
        .collect()
}

/// What is counted while the rows go by.
#[derive(Default)]
struct Count {
    picture: LogPicture,
    /// When the rows came, in seconds since 1970, and the places of their levels.
    times: Vec<(i64, usize)>,
    sources: HashMap<String, u64>,
    codes: HashMap<String, u64>,
}

impl Count {
    fn add(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        let text = |column: usize| row.get_ref(column).map(|value| value.as_str().unwrap_or(""));
        let level = text(1)?;
        let Some(level) = Level::ALL.iter().position(|known| known.as_str() == level) else {
            return Ok(());
        };
        self.picture.counted += 1;
        self.picture.levels[level] += 1;
        self.times.extend(second_of(text(0)?).map(|at| (at, level)));
        add_one(&mut self.sources, text(2)?);
        let code = text(3)?.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        if let Some((code, _)) = code.filter(|(code, _)| is_code(code)) {
            add_one(&mut self.codes, code);
        }
        Ok(())
    }

    fn picture(self, filter: &LogFilter, cut_short: bool) -> LogPicture {
        let most = |counts: HashMap<String, u64>| {
            let mut all: Vec<_> = counts.into_iter().collect();
            all.sort_by(|(a, of_a), (b, of_b)| of_b.cmp(of_a).then_with(|| a.cmp(b)));
            all.truncate(MOST);
            all
        };
        let (sources, codes) = (most(self.sources), most(self.codes));
        let seen = self.times.iter().map(|(at, _)| *at);
        let ends = seen.clone().min().zip(seen.max());
        let mut bars = ends.map_or_else(Vec::new, |ends| bars(filter, ends));
        if let Some((start, length)) = bars
            .first()
            .map(|bar| (bar.since.millis() / 1_000, bar.until.since(bar.since).as_secs()))
        {
            for (at, level) in self.times {
                let nth = at.checked_sub(start).and_then(|passed| u64::try_from(passed).ok());
                let nth = nth.and_then(|passed| usize::try_from(passed / length).ok());
                if let Some(bar) = nth.and_then(|nth| bars.get_mut(nth)) {
                    bar.levels[level] += 1;
                }
            }
        }
        LogPicture { bars, sources, codes, cut_short, ..self.picture }
    }
}

/// The second since 1970 at which a row was logged: `2027-01-15T08:00:00` and whatever follows, in UTC.
fn second_of(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| {
        let digits = bytes.get(from..to)?;
        let all = digits.iter().all(u8::is_ascii_digit);
        all.then(|| digits.iter().fold(0_u32, |sum, digit| sum * 10 + u32::from(digit - b'0')))
    };
    let date = NaiveDate::from_ymd_opt(number(0, 4)?.cast_signed(), number(5, 7)?, number(8, 10)?)?;
    let time = NaiveTime::from_hms_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?)?;
    Some(date.and_time(time).and_utc().timestamp())
}

fn add_one(counts: &mut HashMap<String, u64>, name: &str) {
    if let Some(count) = counts.get_mut(name) {
        *count += 1;
    } else if counts.len() < APART && !name.is_empty() {
        counts.insert(name.to_owned(), 1);
    }
}

/// Whether a text in brackets is an error code, such as `SHOP-PAY-014`.
fn is_code(text: &str) -> bool {
    let has_letter = text.bytes().any(|byte| byte.is_ascii_uppercase());
    let is_of_code =
        |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    has_letter && text.contains(['-', '_']) && text.bytes().all(is_of_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let read = chrono::DateTime::parse_from_rfc3339(text).unwrap();
        Timestamp::from_millis(read.timestamp_millis())
    }

    #[test]
    fn spans_are_even_and_few_and_have_the_time_that_was_asked_for() {
        let hour = LogFilter {
            since: Some(at("2027-01-15T08:00:20Z")),
            until: Some(at("2027-01-15T09:00:20Z")),
            ..LogFilter::default()
        };
        let seen = || {
            let second = |text: &str| second_of(text).unwrap();
            (second("2027-01-15T08:30:00.250Z"), second("2027-01-15 09:00:10"))
        };
        let all = bars(&hour, seen());
        assert_eq!(all[0].since, at("2027-01-15T08:00:00Z"));
        assert_eq!(all[0].until, at("2027-01-15T08:01:00Z"));
        assert_eq!(all.len(), 61);
        assert!(all.windows(2).all(|pair| pair[0].until == pair[1].since));
        let free = bars(&LogFilter::default(), seen());
        assert_eq!(free[0].since, at("2027-01-15T08:30:00Z"));
        assert!(free.last().unwrap().until > at("2027-01-15T09:00:10Z") && free.len() < 72);
        for text in ["", "yesterday", "2027-13-15T08:00:00", "2027-01-15", "1800000000"] {
            assert_eq!(second_of(text), None, "{text}");
        }
        let century = LogFilter { since: Some(Timestamp::default()), ..LogFilter::default() };
        assert!(bars(&century, seen()).len() <= 72);
    }

    #[test]
    fn a_code_is_capitals_and_digits_with_a_dash() {
        for (text, is_one) in [
            ("SHOP-PAY-014", true),
            ("E_TIMEOUT", true),
            ("2027-01-15", false),
            ("INFO", false),
            ("pid 7", false),
            ("", false),
        ] {
            assert_eq!(is_code(text), is_one, "{text}");
        }
    }
}

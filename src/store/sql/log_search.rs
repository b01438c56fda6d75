//! Log rows that fit a filter, and what they are about.
//!
//! Each look goes through a bounded window of ids. In our own log the ids of a short span of time are found by the index on the
//! rows' time. The window begins with the newest row in another program's log, and where a span has too many rows: an import may
//! have brought in any of them after those of a later time.

use super::logs::{COLUMNS, from_row};
use super::search::Window;
use crate::error::Result;
use crate::model::{Found, Level, LogBar, LogFilter, LogPicture, LogRow, Timestamp};
use crate::store::sqlite::dialect;
use chrono::{NaiveDate, NaiveTime};
use rusqlite::{Connection, Row, ToSql, named_params};
use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

/// Rows that one look counts: some 25 ms.
const COUNTED: i64 = 50_000;
/// The most rows of a span of time whose lowest and highest id are looked for: some 4 ms.
pub(in crate::store) const AT_ONCE: i64 = 40_000;
/// The same for a file of rows, which asks once: some 200 ms.
#[cfg(feature = "web")]
pub(in crate::store) const FOR_A_FILE: i64 = 2_000_000;
/// Sources and codes of a picture.
const MOST: usize = LogPicture::NAMED;
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

/// How many rows of our own log have a correlation id, counted up to a limit.
#[cfg(feature = "web")]
pub(in crate::store) fn count_correlated(
    conn: &Connection,
    correlation_id: &str,
    most: usize,
) -> Result<u64> {
    const SQL: &str = "
        SELECT count(*)
        FROM (SELECT 1 FROM logs WHERE correlation_id = :correlation_id LIMIT :most)";
    let params = named_params! {":correlation_id": correlation_id, ":most": most as i64};
    let count: i64 = conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?;
    Ok(count.max(0).unsigned_abs())
}

/// The newest rows of our own log below the cursor that fit.
pub(in crate::store) fn own(conn: &Connection, filter: &LogFilter) -> Result<Found<LogRow>> {
    own_among(conn, filter, &ids_of_time(conn, filter, AT_ONCE)?)
}

/// The same among these ids, which are those of [`ids_of_time`].
pub(in crate::store) fn own_among(
    conn: &Connection,
    filter: &LogFilter,
    ids: &Range<i64>,
) -> Result<Found<LogRow>> {
    in_window(conn, filter, (Log::Own, &among(conn, filter, ids)?))
}

/// The newest rows of any log below the cursor that fit.
pub(in crate::store) fn any(conn: &Connection, filter: &LogFilter) -> Result<Found<LogRow>> {
    in_window(conn, filter, (Log::Any, &Window::below(conn, "logs", filter.before)?))
}

/// The newest of these ids below the cursor.
fn among(conn: &Connection, filter: &LogFilter, ids: &Range<i64>) -> Result<Window> {
    let before = filter.before.map_or(ids.end, |before| before.min(ids.end));
    let window = Window::below(conn, "logs", Some(before))?;
    Ok(Window { floor: window.floor.max(ids.start), lowest: ids.start, ..window })
}

/// The ids of our own log among which all rows of the filter's time lie. Those of more than `most` rows are not looked for: these
/// may have any id.
pub(in crate::store) fn ids_of_time(
    conn: &Connection,
    filter: &LogFilter,
    most: i64,
) -> Result<Range<i64>> {
    let any = 1..i64::MAX;
    if filter.since.is_none() && filter.until.is_none() {
        return Ok(any);
    }
    // Rows do not come in by their time: an import brings older ones. So no row of the span may be left out.
    let sql = format!(
        "SELECT count(*), coalesce(min(id), 1), coalesce(max(id), 0)
         FROM (SELECT id
               FROM {}
               WHERE timestamp >= :since AND timestamp < :until
               LIMIT :more) span",
        dialect::by_index("logs", "logs_timestamp"),
    );
    let since = filter.since.map_or_else(String::new, text_of);
    // Every time of a row is below this text.
    let until = filter.until.map_or_else(|| ":".to_owned(), text_of);
    let params = named_params! {":since": since, ":until": until, ":more": most + 1};
    let (rows, lowest, highest): (i64, i64, i64) = conn
        .prepare_cached(&sql)?
        .query_row(params, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(if rows > most { any } else { lowest..highest.saturating_add(1) })
}

/// Whether there are rows of these ids in any log, and each tells a time before this instant.
#[cfg(feature = "web")]
pub(in crate::store) fn are_older(
    conn: &Connection,
    ids: &Range<i64>,
    since: Timestamp,
) -> Result<bool> {
    // A time that does not begin with its date cannot be compared.
    let sql = format!(
        "SELECT count(*), coalesce(sum(CASE
             WHEN timestamp LIKE '____-__-__%' AND replace(timestamp, ' ', 'T') < :since THEN 1
             ELSE 0 END), 0)
         FROM {}
         WHERE id < :before AND id >= :floor",
        dialect::by_id("logs"),
    );
    let params = named_params! {
        ":since": text_of(since), ":before": ids.end, ":floor": ids.start,
    };
    let (rows, older): (i64, i64) =
        conn.prepare_cached(&sql)?.query_row(params, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows > 0 && rows == older)
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
    let ids = ids_of_time(conn, filter, AT_ONCE)?;
    picture_of(conn, filter, (Log::Own, &among(conn, filter, &ids)?))
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
    use crate::model::NewLogRow;
    use crate::store::{LogStore, OpenMode};

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

    fn row(day: usize) -> NewLogRow {
        NewLogRow::new(format!("2027-01-{day:02}T08:00:00Z"), Level::Info, "shop", "tick")
    }

    /// How many rows fit, found in slices of 25 among these ids.
    fn all_among(conn: &Connection, filter: &LogFilter, ids: &Range<i64>) -> Result<usize> {
        let mut rows = 0;
        let mut slice = LogFilter { limit: 25, ..filter.clone() };
        loop {
            let found = own_among(conn, &slice, ids)?;
            rows += found.rows.len();
            slice.before = found.next;
            if found.next.is_none() {
                return Ok(rows);
            }
        }
    }

    #[tokio::test]
    async fn rows_of_a_time_are_all_found_after_older_ones_were_imported() {
        let folder = tempfile::tempdir().unwrap();
        let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
        logs.append((1..=30).map(|_| row(14)).collect()).await.unwrap();
        logs.append((1..=30).map(|_| row(9)).collect()).await.unwrap();
        let from = |text: &str| LogFilter { since: Some(at(text)), ..LogFilter::default() };
        let week = from("2027-01-08T00:00:00Z");
        for (most, ids) in [(20, 1..i64::MAX), (59, 1..i64::MAX), (60, 1..61), (1_000, 1..61)] {
            let look = |conn: &Connection| {
                let seen = ids_of_time(conn, &week, most)?;
                let rows = all_among(conn, &week, &seen)?;
                Ok::<_, crate::error::Error>((seen, rows))
            };
            let seen = logs.db.read_here("look for rows", look).unwrap();
            assert_eq!(seen, (ids, 60), "{most}");
        }
        let days = |conn: &Connection| {
            let older = LogFilter { until: Some(at("2027-01-10T00:00:00Z")), ..week.clone() };
            let ids = ids_of_time(conn, &older, 30)?;
            assert_eq!((all_among(conn, &older, &ids)?, ids), (30, 31..61));
            let none = from("2027-01-16T00:00:00Z");
            let ids = ids_of_time(conn, &none, 30)?;
            assert_eq!((all_among(conn, &none, &ids)?, ids.is_empty()), (0, true));
            Ok::<_, crate::error::Error>(())
        };
        logs.db.read_here("look for rows", days).unwrap();
    }

    #[cfg(feature = "web")]
    #[tokio::test]
    async fn rows_are_older_if_each_tells_so() {
        let folder = tempfile::tempdir().unwrap();
        let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
        let odd = NewLogRow::new("15 Jan", Level::Info, "shop", "tick");
        let spaced = NewLogRow::new("2027-01-09 09:00:00", Level::Info, "shop", "tick");
        logs.append(vec![odd, row(9), spaced, row(14)]).await.unwrap();
        for (ids, is_so) in [(2..4, true), (1..4, false), (2..5, false), (9..99, false)] {
            let look = |conn: &Connection| are_older(conn, &ids, at("2027-01-10T00:00:00Z"));
            let seen = logs.db.read_here("look for rows", look).unwrap();
            assert_eq!(seen, is_so, "{ids:?}");
        }
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

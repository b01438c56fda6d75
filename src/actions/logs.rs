//! Reading the log database: which rows a person asks for, and the rows that came since.

mod export;
mod patterns;
mod turn;

pub use export::{LogExport, LogFile};
pub use patterns::{
    Alike, GroupedRows, GroupedTo, MOST_PATTERNS, MOST_ROWS, Patterns, ShownPattern, alike,
    patterns,
};

use self::turn::turn;
use super::{Call, Right, length};
use crate::error::{Code, Error, Result};
use crate::heavy::heavy;
use crate::logs::otlp::{self, Encoding};
use crate::model::{Level, LogFilter, LogRow, Role, Scope, Timestamp, Zone};
use crate::redact::redactor;
use crate::store::LogStore;
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use std::str::FromStr;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The right to send log rows.
pub const SEND: Right = Right::new(Role::Operator, "send log rows").by_token(Scope::LogsWrite);
/// Requests of OpenTelemetry's protocol that are read at one time. Each takes some hundred megabytes at worst.
static READINGS: Semaphore = Semaphore::const_new(2);
/// How long a request waits for its turn.
const READING: Duration = Duration::from_secs(5);
/// Rows that may be asked for by their ids.
const MAX_IDS: usize = 100;
/// How many rows are read at a time while somebody follows the log.
const CHUNK: usize = 1_000;

/// A request for log rows, as people type it. A field that is `None` or empty sets no condition.
#[derive(Clone, Debug, Default)]
pub struct LogsAsk {
    /// Only rows of this level and worse.
    pub level: Option<String>,
    /// Only rows of this source.
    pub source: Option<String>,
    /// Only messages with this error code in brackets.
    pub code: Option<String>,
    /// Only messages with this text in them.
    pub text: Option<String>,
    /// Only rows of this correlation id.
    pub correlation_id: Option<String>,
    /// Only rows of these ids, divided by commas, whatever else is asked.
    pub ids: Option<String>,
    /// Only rows from then on: a length of time back from now, such as `24h`, or an instant.
    pub since: Option<String>,
    /// Only rows before then, written alike.
    pub until: Option<String>,
    /// What now is for these two.
    pub now: Timestamp,
    /// The zone of a day or a time without an offset.
    pub zone: Zone,
    /// The cursor: only rows with an id below this one.
    pub before: Option<i64>,
    /// At most this many rows.
    pub limit: usize,
}

/// A request of OpenTelemetry's protocol to keep log records.
#[derive(Clone, Debug)]
pub struct OtlpLogs {
    /// The body.
    pub bytes: Vec<u8>,
    /// How it is written.
    pub encoding: Encoding,
    /// Whether it is packed with gzip.
    pub is_packed: bool,
}

/// Refuses a caller who may not send log rows, before anything that was sent is read.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator, `AUTH-TOKEN-002` without the scope `logs:write`.
pub fn may_send(call: &Call) -> Result<()> {
    call.needs(SEND)
}

/// Keeps the records of a request, all or none, without the secrets in them. Answers how many said nothing and were left out.
///
/// # Errors
/// As [`may_send`]; `LOGS-LIMIT-001` while other requests are read; `WEB-INPUT-001` for what is no such request, `JOB-SIZE-001`
/// for one of more than 4 MiB, unpacked, or 50,000 records; those of the log database.
pub async fn receive(logs: &LogStore, call: &Call, request: OtlpLogs) -> Result<u64> {
    may_send(call)?;
    let (now, OtlpLogs { bytes, encoding, is_packed }) = (call.now, request);
    let turn = turn(&READINGS, READING, "read the request").await?;
    let read = move || {
        let mut received = otlp::read(&bytes, encoding, is_packed, now)?;
        for row in &mut received.rows {
            redactor().clean_row(row);
        }
        // The turn is taken for as long as the work goes on, even if nobody waits for its end any more.
        Ok::<_, Error>((received, turn))
    };
    // What is packed says nothing of its length.
    let (received, _seat) = heavy(usize::MAX, read).await?;
    if !received.rows.is_empty() {
        logs.append(received.rows).await?;
    }
    Ok(received.empty)
}

/// Reads the request as a filter.
///
/// # Errors
/// `JOB-VALUE-001` for a word that is not a level, for what is no time or ends before it begins, for a cursor that is not above 0, and for ids that are no numbers or more
/// than a hundred.
pub fn filter(ask: LogsAsk) -> Result<LogFilter> {
    let refused = |why: String| Error::new(Code::ModelInvalid, format!("list log rows: {why}"));
    let given = |text: Option<String>| {
        text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let level = given(ask.level).map(|text| {
        let takes = "a level is DEBUG, INFO, WARNING, ERROR or CRITICAL";
        Level::from_str(&text).map_err(|()| refused(format!("there is no such level; {takes}")))
    });
    if ask.before.is_some_and(|before| before < 1) {
        return Err(refused("the id that they end before is not above 0".to_owned()));
    }
    let ids = given(ask.ids).map(|text| {
        let ids = text.split(',').map(|id| id.trim().parse::<i64>()).collect::<Result<Vec<_>, _>>();
        let takes = format!("up to {MAX_IDS} numbers of rows are divided by commas");
        ids.ok().filter(|ids| ids.len() <= MAX_IDS).ok_or_else(|| refused(takes))
    });
    let (since, until) = (given(ask.since), given(ask.until));
    let since = since.map(|text| instant(&text, ask.now, ask.zone)).transpose()?;
    let until = until.map(|text| instant(&text, ask.now, ask.zone)).transpose()?;
    if since.zip(until).is_some_and(|(since, until)| since >= until) {
        return Err(refused("the time ends before it begins".to_owned()));
    }
    Ok(LogFilter {
        since,
        until,
        level: level.transpose()?,
        ids: ids.transpose()?.unwrap_or_default(),
        source: given(ask.source),
        code: given(ask.code),
        text: given(ask.text),
        correlation_id: given(ask.correlation_id),
        before: ask.before,
        limit: ask.limit,
    })
}

/// Reads an instant: a length of time back from now, an instant with its offset from UTC, or a date or a date and a time
/// of the zone.
fn instant(text: &str, now: Timestamp, zone: Zone) -> Result<Timestamp> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(Timestamp::from_millis(at.timestamp_millis()));
    }
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"];
    let at = formats.iter().find_map(|f| NaiveDateTime::parse_from_str(text, f).ok());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    if let Some(at) = at.or_else(day) {
        return Ok(zone.instant(at));
    }
    if let Ok(length) = length(text, "list log rows") {
        return Ok(now.minus(length));
    }
    let takes = "a time is written 24h, 2027-01-15, 2027-01-15T08:00 or 2027-01-15T08:00:00+01:00";
    Err(Error::new(Code::ModelInvalid, format!("list log rows of {text:?}: {takes}")))
}

/// The rows above `after` that fit, oldest first.
///
/// # Errors
/// Those of reading the database.
pub async fn since(logs: &LogStore, filter: &LogFilter, after: i64) -> Result<Vec<LogRow>> {
    let mut newer = Vec::new();
    let mut before = None;
    loop {
        let slice = LogFilter { before, limit: CHUNK, ..filter.clone() };
        let found = logs.search(slice).await?;
        let is_last = found.rows.last().is_some_and(|row| row.id <= after);
        newer.extend(found.rows.into_iter().filter(|row| row.id > after));
        before = found.next.filter(|next| *next > after + 1 && !is_last);
        if before.is_none() {
            newer.reverse();
            return Ok(newer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NewLogRow;
    use crate::store::OpenMode;

    #[test]
    fn a_level_that_is_none_and_a_cursor_below_one_are_refused() {
        let ask = LogsAsk { level: Some("loud".into()), ..LogsAsk::default() };
        let said = filter(ask).unwrap_err().sentence();
        assert!(said.starts_with("Could not list log rows: there is no such level"), "{said}");
        for ids in ["1,x", "7,", &"1,".repeat(101)] {
            let ask = LogsAsk { ids: Some(ids.into()), ..LogsAsk::default() };
            assert_eq!(filter(ask).unwrap_err().code(), Code::ModelInvalid, "{ids}");
        }
        let ask = LogsAsk { ids: Some("7, 9".into()), ..LogsAsk::default() };
        assert_eq!(filter(ask).unwrap().ids, [7, 9]);
        let ask = LogsAsk { before: Some(0), ..LogsAsk::default() };
        assert_eq!(filter(ask).unwrap_err().code(), Code::ModelInvalid);
        let ask =
            LogsAsk { level: Some("warn".into()), code: Some(" ".into()), ..LogsAsk::default() };
        let read = filter(ask).unwrap();
        assert_eq!((read.level, read.code), (Some(Level::Warning), None));
    }

    #[test]
    fn a_time_is_a_length_back_from_now_an_instant_or_a_day() {
        // 2027-01-15T08:00:00Z
        let now = Timestamp::from_millis(1_800_000_000_000);
        let read = |since: &str, until: &str| {
            let (since, until) = (Some(since.to_owned()), Some(until.to_owned()));
            filter(LogsAsk { since, until, now, ..LogsAsk::default() })
        };
        for (text, written) in [
            ("24h", "2027-01-14T08:00:00.000Z"),
            ("2027-01-15", "2027-01-15T00:00:00.000Z"),
            ("2027-01-15T07:30", "2027-01-15T07:30:00.000Z"),
            ("2027-01-15 07:30:10", "2027-01-15T07:30:10.000Z"),
            ("2027-01-15T07:30:00+01:00", "2027-01-15T06:30:00.000Z"),
        ] {
            let since = read(text, "").unwrap().since.unwrap();
            assert_eq!(since.to_string(), written, "{text}");
        }
        let zone = Zone::named("Europe/Berlin").unwrap();
        let since = Some("2027-01-15 07:30".to_owned());
        let of_berlin = filter(LogsAsk { since, now, zone, ..LogsAsk::default() }).unwrap();
        assert_eq!(of_berlin.since.unwrap().to_string(), "2027-01-15T06:30:00.000Z");
        let refused = read("soon", "").unwrap_err().sentence();
        assert!(refused.contains("a time is written 24h"), "{refused}");
        let refused = read("1h", "2h").unwrap_err().sentence();
        assert!(refused.contains("ends before it begins"), "{refused}");
    }

    #[tokio::test]
    async fn rows_of_a_time_are_found_and_counted_wherever_they_came_in() {
        let folder = tempfile::tempdir().unwrap();
        let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
        let row = |hour: usize, level, message: &str| {
            NewLogRow::new(format!("2027-01-15T{hour:02}:30:00.250Z"), level, "shop", message)
        };
        let mut rows: Vec<_> = (0..10).map(|hour| row(hour, Level::Info, "tick")).collect();
        rows.push(row(7, Level::Error, "[SHOP-PAY-014] imported later"));
        logs.append(rows).await.unwrap();
        let ask = |since: &str, until: &str| {
            let (since, until) = (Some(since.into()), Some(until.into()));
            filter(LogsAsk { since, until, limit: 50, ..LogsAsk::default() }).unwrap()
        };
        let in_an_hour = ask("2027-01-15T07:00", "2027-01-15T08:00");
        let found = logs.search(in_an_hour.clone()).await.unwrap();
        assert_eq!(found.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [11, 8]);
        assert_eq!((found.next, found.cut_short), (None, false), "nothing else can fit");
        let seen = logs.picture(in_an_hour).await.unwrap();
        assert_eq!((seen.counted, seen.levels, seen.cut_short), (2, [0, 1, 0, 1, 0], false));
        assert_eq!(seen.codes, [("SHOP-PAY-014".to_owned(), 1)]);
        let bars: u64 = seen.bars.iter().map(|bar| bar.levels.iter().sum::<u64>()).sum();
        assert_eq!(bars, 2);
        assert!(logs.search(ask("2027-01-16", "")).await.unwrap().rows.is_empty());
        assert_eq!(logs.picture(ask("2027-01-16", "")).await.unwrap().counted, 0);
        let all = logs.picture(LogFilter::default()).await.unwrap();
        assert_eq!((all.counted, all.sources), (11, vec![("shop".to_owned(), 11)]));
        assert_eq!(all.bars.iter().map(|bar| bar.levels.iter().sum::<u64>()).sum::<u64>(), 11);
    }

    #[tokio::test]
    async fn rows_that_came_since_are_read_once_each_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
        let row = |n: usize| {
            let level = if n.is_multiple_of(2) { Level::Error } else { Level::Info };
            NewLogRow::new("2027-01-15T08:00:00Z", level, "shop", format!("row {n}"))
        };
        logs.append((1..=2_500).map(row).collect()).await.unwrap();
        let all = since(&logs, &LogFilter::default(), 10).await.unwrap();
        let ids: Vec<_> = all.iter().map(|row| row.id).collect();
        assert_eq!(ids, (11..=2_500).collect::<Vec<_>>());
        let errors = LogFilter { level: Some(Level::Error), ..LogFilter::default() };
        let two = LogFilter { ids: vec![3, 2_500, 9_999], limit: 1, ..LogFilter::default() };
        let found = logs.search(two).await.unwrap();
        assert_eq!(found.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [2_500, 3]);
        assert_eq!((found.next, found.cut_short), (None, false));
        assert_eq!(since(&logs, &errors, 2_496).await.unwrap().len(), 2);
        assert!(since(&logs, &errors, 2_500).await.unwrap().is_empty());
    }
}

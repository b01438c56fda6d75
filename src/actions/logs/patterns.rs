//! The rows that fit a filter, grouped by what they say: which lines come again and again.

use super::turn::turn;
use crate::error::Result;
use crate::heavy::heavy;
use crate::model::template::codes;
use crate::model::{Found, IssueId, LogFilter, LogRow, Timestamp};
use crate::monitor::patterns::{Grouper, LogPattern, LogPatterns};
use crate::redact::redactor;
use crate::store::{ScannedLog, Store};
use std::ops::Range;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Rows that are grouped at most, the newest that fit: a good tenth of a second.
pub const MOST_ROWS: usize = 20_000;
/// Rows that are looked through for them, as for a page of rows.
const SIGHT: u64 = 100_000;
/// Rows that are read at a time, so that no more of them are in memory.
const CHUNK: usize = 500;
/// Patterns that are answered: nobody reads on.
pub const MOST_PATTERNS: usize = 100;
/// Templates of scans that rows are compared with: those met last, as in a scan.
const MOST_KNOWN: usize = 2_000;
/// Rows of a pattern that are answered at a time.
const LINES: usize = 50;
/// Groupings that are made at one time. Each keeps a core busy.
static GROUPINGS: Semaphore = Semaphore::const_new(2);
/// How long a request waits for its turn.
const GROUPING: Duration = Duration::from_secs(15);

/// A pattern and the issue that has it.
#[derive(Clone, Debug)]
pub struct ShownPattern {
    /// The pattern.
    pub pattern: LogPattern,
    /// Its issue, if there is one.
    pub issue: Option<IssueId>,
}

/// Where the rows that were grouped end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupedTo {
    /// All rows that fit were grouped.
    TheEnd,
    /// As many rows were grouped as may be; those with ids below this one may fit, too.
    ItsMost(i64),
    /// So many rows were looked through as may be; those with ids below this one may fit, too.
    ItsSight(i64),
}

/// The rows that were grouped.
#[derive(Clone, Debug)]
pub struct GroupedRows {
    /// How many.
    pub rows: u64,
    /// How many were looked through for them.
    pub seen: u64,
    /// The cursor above the newest of them: the same filter with it groups the same rows again.
    pub before: Option<i64>,
    /// Where they end.
    pub to: GroupedTo,
}

/// The patterns of the rows that fit.
#[derive(Clone, Debug)]
pub struct Patterns {
    /// The rows.
    pub grouped: GroupedRows,
    /// The most frequent patterns, the most frequent of them first.
    pub shown: Vec<ShownPattern>,
    /// How many patterns there are.
    pub count: u64,
    /// Rows whose pattern was too rare to be kept among so many others.
    pub rare: u64,
    /// The earliest and the latest time of the rows.
    pub seen: Option<(Timestamp, Timestamp)>,
}

/// The rows of one pattern.
#[derive(Clone, Debug)]
pub struct Alike {
    /// The rows among which they were found.
    pub grouped: GroupedRows,
    /// The pattern.
    pub shown: ShownPattern,
    /// Its newest rows.
    pub lines: Vec<LogRow>,
    /// The cursor of those that follow.
    pub next: Option<i64>,
}

/// Groups the newest rows that fit: 20,000 of them at most, among 100,000 rows. The filter's limit means nothing.
///
/// # Errors
/// `LOGS-LIMIT-001` while two others are grouped; those of reading the log.
pub async fn patterns(store: &Store, log: &ScannedLog, filter: LogFilter) -> Result<Patterns> {
    let _turn = turn(&GROUPINGS, GROUPING, "group log rows").await?;
    let (LogPatterns { mut all, rare, seen }, grouped) = group(store, log, filter).await?;
    let count = all.len() as u64;
    all.truncate(MOST_PATTERNS);
    Ok(Patterns { grouped, shown: with_issues(store, all).await?, count, rare, seen })
}

/// The rows that say the same as the row of this id, found by grouping the rows that fit as [`patterns`] does: the newest of
/// them below `from`. `None`: that row is none of those that were grouped, or its pattern was too rare.
///
/// # Errors
/// As [`patterns`].
pub async fn alike(
    store: &Store,
    log: &ScannedLog,
    filter: LogFilter,
    (like, from): (i64, Option<i64>),
) -> Result<Option<Alike>> {
    let _turn = turn(&GROUPINGS, GROUPING, "group log rows").await?;
    let (LogPatterns { all, .. }, grouped) = group(store, log, filter).await?;
    let Some(pattern) = all.into_iter().find(|pattern| pattern.ids.contains(&like)) else {
        return Ok(None);
    };
    let below = pattern.ids.iter().copied().filter(|id| from.is_none_or(|from| *id < from));
    let ids: Vec<i64> = below.clone().take(LINES).collect();
    let next = below.clone().nth(LINES).and(ids.last().copied());
    let lines = if ids.is_empty() {
        Vec::new()
    } else {
        log.search(LogFilter { ids, limit: LINES, ..LogFilter::default() }).await?.rows
    };
    let mut shown = with_issues(store, vec![pattern]).await?;
    Ok(shown.pop().map(|shown| Alike { grouped, shown, lines, next }))
}

/// Reads the rows in chunks and groups them, on a thread for such work.
async fn group(
    store: &Store,
    log: &ScannedLog,
    filter: LogFilter,
) -> Result<(LogPatterns, GroupedRows)> {
    let known = store.log_templates(log.identity().to_owned(), MOST_KNOWN).await?;
    let mut grouper = Grouper::new(&known);
    let mut newest = None;
    let mut seen = 0;
    let mut below = filter.before;
    let ids = match log {
        ScannedLog::Own(log) => Some(log.ids_of_page(filter.clone()).await?),
        ScannedLog::Foreign(_) => None,
    };
    let to = loop {
        let limit = CHUNK.min(MOST_ROWS - grouper.rows());
        let slice = LogFilter { before: below, limit, ..filter.clone() };
        let Found { rows, next, looked_through, .. } = look(log, slice, ids.as_ref()).await?;
        seen += looked_through;
        newest = newest.or_else(|| rows.first().map(|row| row.id));
        let take = move || {
            for row in &rows {
                grouper.push(row);
            }
            grouper
        };
        // Nobody has counted how long the rows are.
        grouper = heavy(usize::MAX, take).await;
        let Some(next) = next else { break GroupedTo::TheEnd };
        if grouper.rows() == MOST_ROWS {
            break GroupedTo::ItsMost(next);
        }
        if seen >= SIGHT {
            break GroupedTo::ItsSight(next);
        }
        below = Some(next);
    };
    let rows = grouper.rows() as u64;
    let before = filter.before.or_else(|| newest.map(|newest: i64| newest.saturating_add(1)));
    let patterns = heavy(usize::MAX, move || grouper.finish()).await;
    Ok((patterns, GroupedRows { rows, seen, before, to }))
}

/// The newest rows that fit, among the ids of the filter's time if they are known.
async fn look(
    log: &ScannedLog,
    filter: LogFilter,
    ids: Option<&Range<i64>>,
) -> Result<Found<LogRow>> {
    match (log, ids) {
        (ScannedLog::Own(log), Some(ids)) => log.search_among(filter, ids.clone()).await,
        _ => log.search(filter).await,
    }
}

/// The patterns with their issues: those of their error codes, or of the templates that scans know them by.
async fn with_issues(store: &Store, patterns: Vec<LogPattern>) -> Result<Vec<ShownPattern>> {
    let code = |pattern: &LogPattern| codes(&pattern.text).next().map(str::to_owned);
    let of_codes = store.issues_of_codes(patterns.iter().filter_map(code).collect()).await?;
    let templates = patterns.iter().flat_map(|pattern| pattern.known.iter().copied()).collect();
    let of_templates = store.issues_of_templates(templates).await?;
    let shown = |mut pattern: LogPattern| {
        let by_code = code(&pattern).and_then(|code| of_codes.get(&code));
        let by_template = || pattern.known.iter().rev().find_map(|known| of_templates.get(known));
        let issue = by_code.or_else(by_template).copied();
        // Other programs write rows, too.
        pattern.text = redactor().text(&pattern.text).into_owned();
        ShownPattern { pattern, issue }
    };
    Ok(patterns.into_iter().map(shown).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Level, NewLogRow};
    use crate::store::{LogStore, OpenMode};
    use tempfile::TempDir;

    fn stores() -> (TempDir, Store, LogStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("lamplighter.db"), OpenMode::Migrate).unwrap();
        let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
        (folder, store, logs)
    }

    fn row(n: usize, message: String) -> NewLogRow {
        let at = Timestamp::from_millis(1_800_000_000_000 + n as i64 * 1_000).to_string();
        NewLogRow::new(
            at,
            if n.is_multiple_of(2) { Level::Error } else { Level::Info },
            "shop",
            message,
        )
    }

    fn told(patterns: &Patterns) -> Vec<(&str, u64)> {
        patterns
            .shown
            .iter()
            .map(|shown| (shown.pattern.text.as_str(), shown.pattern.count()))
            .collect()
    }

    #[tokio::test]
    async fn rows_are_counted_by_what_they_say_and_only_those_that_fit() {
        let (_folder, store, logs) = stores();
        let mut rows: Vec<_> = (0..1_200)
            .map(|n| row(n, format!("charge of {n} ct for order {n} was taken")))
            .collect();
        rows.extend((0..30).map(|n| row(n, format!("[SHOP-PAY-014] no answer in {n} s"))));
        rows.push(row(1, "<script>alert(1)</script> started".to_owned()));
        logs.append(rows).await.unwrap();
        let log = ScannedLog::from(&logs);
        let all = patterns(&store, &log, LogFilter::default()).await.unwrap();
        let expected = [
            ("charge of <*> ct for order <*> was taken", 1_200),
            ("[SHOP-PAY-014] no answer in <*>", 30),
            ("<*>alert(<*>)<<*>> started", 1),
        ];
        assert_eq!(told(&all), expected);
        assert_eq!((all.count, all.rare, all.grouped.rows), (3, 0, 1_231));
        assert_eq!((all.grouped.to, all.grouped.before), (GroupedTo::TheEnd, Some(1_232)));
        let errors = LogFilter { level: Some(Level::Error), ..LogFilter::default() };
        let all = patterns(&store, &log, errors).await.unwrap();
        assert_eq!(told(&all).iter().map(|(_, count)| *count).collect::<Vec<_>>(), [600, 15]);
        let until = Timestamp::from_millis(1_800_000_000_000 + 10_000);
        let first = LogFilter { until: Some(until), ..LogFilter::default() };
        let all = patterns(&store, &log, first).await.unwrap();
        let counts: Vec<_> = told(&all).iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [10, 10, 1], "ten seconds of each, wherever they came in");
    }

    #[tokio::test]
    async fn the_newest_rows_are_grouped_and_the_rest_can_be_gone_on_to() {
        let (_folder, store, logs) = stores();
        let say = |n: usize| if n < 5_000 { "old" } else { "new" }.to_owned();
        for from in (0..25_000).step_by(5_000) {
            logs.append((from..from + 5_000).map(|n| row(n, say(n))).collect()).await.unwrap();
        }
        let log = ScannedLog::from(&logs);
        let newest = patterns(&store, &log, LogFilter::default()).await.unwrap();
        assert_eq!(told(&newest), [("new", 20_000)]);
        assert_eq!(newest.grouped.to, GroupedTo::ItsMost(5_001));
        let older = LogFilter { before: Some(5_001), ..LogFilter::default() };
        let older = patterns(&store, &log, older).await.unwrap();
        assert_eq!((told(&older), older.grouped.to), (vec![("old", 5_000)], GroupedTo::TheEnd));
        let none = LogFilter { text: Some("never".to_owned()), ..LogFilter::default() };
        let none = patterns(&store, &log, none).await.unwrap();
        assert_eq!((none.grouped.rows, none.grouped.before, none.count), (0, None, 0));
    }

    #[tokio::test]
    async fn the_lines_of_a_pattern_are_those_that_were_counted() {
        let (_folder, store, logs) = stores();
        let say = |n: usize| {
            if n.is_multiple_of(3) {
                format!("order {n} is paid")
            } else {
                format!("order {n} is lost")
            }
        };
        logs.append((1..=210).map(|n| row(n, say(n))).collect()).await.unwrap();
        let log = ScannedLog::from(&logs);
        let paid = |from| alike(&store, &log, LogFilter::default(), (3, from));
        let first = paid(None).await.unwrap().unwrap();
        assert_eq!(first.shown.pattern.text, "order <*> is paid");
        assert_eq!(
            (first.shown.pattern.count(), first.lines.len(), first.next),
            (70, 50, Some(63))
        );
        let rest = paid(first.next).await.unwrap().unwrap();
        assert_eq!((rest.lines.len(), rest.next), (20, None));
        let lines: Vec<_> = first.lines.iter().chain(&rest.lines).collect();
        let ids: Vec<_> = lines.iter().map(|line| line.id).collect();
        assert_eq!(ids, (1..=70).rev().map(|n| n * 3).collect::<Vec<_>>());
        assert!(lines.iter().all(|line| line.row.message.ends_with("is paid")));
        let gone = alike(&store, &log, LogFilter::default(), (999, None)).await.unwrap();
        assert!(gone.is_none());
    }
}

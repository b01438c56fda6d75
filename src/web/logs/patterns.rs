//! The rows grouped by what they say: the patterns, the most frequent first, and the rows of one of them.

use super::super::clocks::Clocks;
use super::super::components::{
    VALUE, grouped as number, level_badge, pager, sparkline, table, values_marked, when,
};
use super::super::nav;
use super::super::problem::Problem;
use super::asked::{self, LogsQuery};
use super::lines::{codes, lines, none};
use crate::actions::logs::{self, Alike, GroupedRows, GroupedTo, Patterns, ShownPattern};
use crate::model::{Halves, Level, LogFilter, LogPicture, Timestamp};
use crate::store::{ScannedLog, Store};
use maud::{Markup, html};

/// Sources of a pattern that are named.
const NAMED: usize = 3;

/// What the view shows: all patterns of the rows that fit, or one of them with its rows.
pub(super) async fn view(
    (store, log): (&Store, &ScannedLog),
    asked: &LogsQuery,
    (filter, seen): (LogFilter, &LogPicture),
    (clocks, now): (Clocks, Timestamp),
) -> Result<Markup, Problem> {
    let Some(like) = asked.like else {
        let found = logs::patterns(store, log, filter).await?;
        return Ok(all(&found, asked, seen, (clocks, now)));
    };
    let Some(found) = logs::alike(store, log, filter, (like, asked.from)).await? else {
        return Ok(gone(asked));
    };
    let known = store.issues_of_codes(codes(&found.lines)).await?;
    Ok(html! {
        (one(&found, asked, now))
        (lines(&found.lines, asked, &known, clocks))
        (pager(
            asked.from.map(|_| LogsQuery { from: None, ..asked.clone() }.link(asked::PATH)).as_ref(),
            found.next.map(|from| LogsQuery { from: Some(from), ..asked.clone() }.link(asked::PATH)).as_ref().map(|next| (next, "Older")),
        ))
    })
}

/// All patterns, or what to do where no row fits.
fn all(
    found: &Patterns,
    asked: &LogsQuery,
    seen: &LogPicture,
    (clocks, now): (Clocks, Timestamp),
) -> Markup {
    let Patterns { grouped, shown, count, rare, seen: times } = found;
    if grouped.rows == 0 && grouped.to == GroupedTo::TheEnd {
        return none(asked);
    }
    let has_rows = grouped.rows > 0;
    let ends = times.map(|(first, last)| (clocks.minute(first), clocks.minute(last)));
    let over = (grouped, ends.as_ref());
    let rows: Vec<_> = shown.iter().map(|shown| row(shown, over, asked, now)).collect();
    let first = asked.before.map(|_| asked.anew().link(asked::PATH));
    let next = match grouped.to {
        GroupedTo::TheEnd => None,
        GroupedTo::ItsMost(next) | GroupedTo::ItsSight(next) => {
            Some(LogsQuery { before: Some(next), ..asked.anew() }.link(asked::PATH))
        }
    };
    html! {
        div.card-body.lines {
            p {
                (told(grouped, asked.before.is_some(), seen))
                @if let Some((first, last)) = times {
                    " They were logged from " (clocks.second(*first)) " to " (clocks.second(*last)) " (" (clocks.name()) ")."
                }
            }
            @if *count > shown.len() as u64 {
                p.soft { "The " (shown.len()) " most frequent of " (number(*count)) " patterns are shown." }
            }
            @if *rare > 0 {
                p.soft { (number(*rare)) " rows say something that is too rare to be kept among so many patterns." }
            }
        }
        @if has_rows { div.errors.patterns { (table("Patterns", &["Pattern", "Rows", "Share", "Level", "Over that time", "Newer half"], &rows)) } }
        (pager(first.as_ref(), next.as_ref().map(|next| (next, "Group older rows"))))
    }
}

/// Which rows were grouped.
fn told(grouped: &GroupedRows, has_newer: bool, seen: &LogPicture) -> String {
    let rows = number(grouped.rows);
    match (grouped.to, has_newer) {
        (GroupedTo::TheEnd, _) if grouped.rows == 1 => "The one row that fits was grouped.".into(),
        (GroupedTo::TheEnd, false) => format!("All {rows} rows that fit were grouped."),
        (GroupedTo::TheEnd, true) => format!("The oldest {rows} rows that fit were grouped."),
        (GroupedTo::ItsMost(_), false) if seen.counted > grouped.rows => {
            let more = if seen.cut_short { "more than " } else { "" };
            let total = number(seen.counted);
            format!("The newest {rows} of {more}{total} rows that fit were grouped.")
        }
        (GroupedTo::ItsMost(_), false) => {
            format!("The newest {rows} rows that fit were grouped. Older rows may fit, too.")
        }
        (GroupedTo::ItsMost(_), true) => {
            format!(
                "{rows} rows were grouped that are older than those before. Still older rows may fit, too."
            )
        }
        (GroupedTo::ItsSight(_), _) if grouped.rows == 0 => {
            format!(
                "None of the {} rows that were looked through fits. Older rows may fit.",
                number(grouped.seen)
            )
        }
        (GroupedTo::ItsSight(_), _) => {
            let seen = number(grouped.seen);
            format!(
                "{seen} rows were looked through, and the {rows} of them that fit were grouped. Older rows may fit, too."
            )
        }
    }
}

fn row(
    ShownPattern { pattern, issue }: &ShownPattern,
    (grouped, ends): (&GroupedRows, Option<&(String, String)>),
    asked: &LogsQuery,
    now: Timestamp,
) -> Markup {
    let like = pattern.ids.first().copied();
    let kept = asked.before.is_none().then(|| "newest".to_owned());
    let own = LogsQuery { like, before: grouped.before, kept, from: None, ..asked.clone() };
    let own = own.link(asked::PATH);
    let label = format!("Rows of {}", values_marked(&pattern.text));
    html! {
        tr {
            td.main {
                div.first { a.title.pattern href=(own) { (marked(&pattern.text)) } }
                div.sub {
                    (sources(&pattern.sources))
                    @if let Some((first, last)) = pattern.seen {
                        " · first " (when(first, now)) " · last " (when(last, now))
                    }
                    @if let Some(issue) = issue { " · " a href=(nav::issue(*issue)) { "issue " (issue.0) } }
                }
            }
            td.num data-label="rows" { b { (number(pattern.count())) } }
            td.num data-label="share" { (share(pattern.count(), grouped.rows)) }
            td.num { (levels(&pattern.levels)) }
            td.over {
                (sparkline(&format!("spark-days {}", look(&pattern.levels)), &label, &pattern.bars))
                (axis(&pattern.bars, ends))
            }
            td { (trend(&pattern.bars)) }
        }
    }
}

/// What stands beneath the picture of a pattern: when it begins and ends, and what its highest bar stands for.
fn axis(bars: &[u64], ends: Option<&(String, String)>) -> Markup {
    let most = bars.iter().copied().max().unwrap_or(0);
    html! {
        @if let Some((first, last)) = ends.filter(|_| !bars.is_empty()) {
            div.sub.ends { span { (first) } span { "highest " (number(most)) } span { (last) } }
        }
    }
}

/// Whether it came more or less often in the newer half of the time, with both numbers.
fn trend(bars: &[u64]) -> Markup {
    let halves = Halves::of(bars);
    let class = if halves.word() == Some("more often") { "badge tag-warn" } else { "badge" };
    html! {
        @if let Some(word) = halves.word() { span class=(class) { (word) } }
        div.sub { (number(halves.lately)) ", before " (number(halves.before)) }
    }
}

/// One pattern: what it says, how often, and the way back to all.
fn one(found: &Alike, asked: &LogsQuery, now: Timestamp) -> Markup {
    let Alike { grouped, shown: ShownPattern { pattern, issue }, .. } = found;
    let back = asked.around().link(asked::PATH);
    let label = format!("Rows of {}", values_marked(&pattern.text));
    html! {
        div.card-body.lines {
            p { a href=(back) { "All patterns" } }
            p.pattern { (marked(&pattern.text)) }
            p {
                b { (number(pattern.count())) } " of the " (number(grouped.rows)) " rows that were grouped say this ("
                (share(pattern.count(), grouped.rows)) "). " (levels(&pattern.levels))
            }
            p.sub {
                (sources(&pattern.sources))
                @if let Some((first, last)) = pattern.seen {
                    " · first " (when(first, now)) " · last " (when(last, now))
                }
                @if let Some(issue) = issue { " · " a href=(nav::issue(*issue)) { "issue " (issue.0) } }
            }
            @if !pattern.bars.is_empty() {
                (sparkline(&format!("spark-week {}", look(&pattern.levels)), &label, &pattern.bars))
            }
        }
    }
}

/// What is said of a row that is not among those that were grouped.
fn gone(asked: &LogsQuery) -> Markup {
    html! {
        div.card-body.lines {
            p { "The row that this address names is none of the rows that were grouped now, or too few rows say the same." }
            p { a href=(asked.anew().link(asked::PATH)) { "All patterns of the newest rows" } }
        }
    }
}

/// The text of a pattern with a sign for each value.
fn marked(text: &str) -> Markup {
    let mut parts = text.split(VALUE);
    let first = parts.next().unwrap_or_default();
    html! { (first) @for part in parts { span.var { "‹…›" } (part) } }
}

/// The levels of rows, the gravest first, with their counts where there are several.
fn levels(levels: &[u64; 5]) -> Markup {
    let all: Vec<_> =
        Level::ALL.iter().zip(levels).rev().filter(|(_, count)| **count > 0).collect();
    html! {
        @for (nth, (level, count)) in all.iter().enumerate() {
            @if nth > 0 { " · " }
            (level_badge(**level)) @if all.len() > 1 { " " (number(**count)) }
        }
    }
}

/// The class of the colour of the gravest level.
fn look([_, _, warning, error, critical]: &[u64; 5]) -> &'static str {
    match (error + critical, *warning) {
        (0, 0) => "spark-quiet",
        (0, _) => "spark-run",
        _ => "spark-bad",
    }
}

/// The sources with the most rows.
fn sources(sources: &[(String, u64)]) -> Markup {
    html! {
        @for (nth, (name, _)) in sources.iter().take(NAMED).enumerate() {
            @if nth > 0 { ", " } code { (name) }
        }
        @if sources.len() > NAMED { " and " (sources.len() - NAMED) " more sources" }
    }
}

/// A part of all rows, in percent.
fn share(count: u64, rows: u64) -> String {
    let tenths = (u128::from(count) * 1_000 + u128::from(rows) / 2) / u128::from(rows.max(1));
    match tenths {
        0 if count > 0 => "under 0.1 %".to_owned(),
        _ => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_and_never_nothing() {
        for (count, rows, text) in [
            (1, 3, "33.3 %"),
            (2, 3, "66.7 %"),
            (7, 7, "100.0 %"),
            (1, 20_000, "under 0.1 %"),
            (0, 0, "0.0 %"),
        ] {
            assert_eq!(share(count, rows), text);
        }
    }

    #[test]
    fn what_a_pattern_says_is_escaped_and_its_values_are_marked() {
        let said = marked("<script>alert(<*>)</script> of <*>").into_string();
        let value = r#"<span class="var">‹…›</span>"#;
        let expected = format!("&lt;script&gt;alert({value})&lt;/script&gt; of {value}");
        assert_eq!(said, expected);
    }

    #[test]
    fn the_page_says_which_rows_were_grouped() {
        let seen = |counted, cut_short| LogPicture { counted, cut_short, ..LogPicture::default() };
        let rows = |rows, to| GroupedRows { rows, seen: 100_000, before: None, to };
        let most = rows(20_000, GroupedTo::ItsMost(7));
        for (said, text) in [
            (
                told(&rows(812, GroupedTo::TheEnd), false, &seen(812, false)),
                "All 812 rows that fit were grouped.",
            ),
            (
                told(&rows(1, GroupedTo::TheEnd), false, &seen(1, false)),
                "The one row that fits was grouped.",
            ),
            (
                told(&rows(9, GroupedTo::TheEnd), true, &seen(9, false)),
                "The oldest 9 rows that fit were grouped.",
            ),
            (
                told(&most, false, &seen(43_112, false)),
                "The newest 20,000 of 43,112 rows that fit were grouped.",
            ),
            (
                told(&most, false, &seen(50_000, true)),
                "The newest 20,000 of more than 50,000 rows that fit were grouped.",
            ),
        ] {
            assert_eq!(said, text);
        }
        let far = told(&rows(3, GroupedTo::ItsSight(7)), false, &seen(3, true));
        assert!(far.starts_with("100,000 rows were looked through, and the 3 of them"), "{far}");
    }
}

//! The rows of errors of jobs: what each says, when it was met, how often, and the button that retries its jobs.

use super::super::nav;
use super::list::table;
use super::spark::sparkline;
use super::tile::grouped;
use super::time::when;
use crate::actions::{errors, jobs};
use crate::model::{BulkAct, JobErrorGroup, Role, Timestamp};
use maud::{Markup, html};
use std::time::Duration;

/// The table of errors over a range of time, whose name is the head of the column of pictures.
pub(in crate::web) fn error_rows(
    errors: &[&JobErrorGroup],
    (name, length): (&str, Duration),
    role: Role,
    now: Timestamp,
) -> Markup {
    let rows: Vec<_> = errors.iter().map(|error| row(error, (name, length), role, now)).collect();
    html! { div.jobs.errors { (table("Errors", &["Error", name, &format!("Failed attempts, {name}"), "Still failed", ""], &rows)) } }
}

/// The same in a narrow card: without pictures.
pub(in crate::web) fn error_lines(errors: &[JobErrorGroup], role: Role, now: Timestamp) -> Markup {
    let line = |error: &JobErrorGroup| {
        html! {
            tr id={ "error-" (error.fingerprint) } {
                (said(error, now))
                td.num data-label="failures" { (grouped(error.in_range())) }
                td { div.row-actions { (retry_button(error, role)) } }
            }
        }
    };
    let lines: Vec<_> = errors.iter().map(line).collect();
    html! { div.jobs.errors { (table("Failures by error", &["Error", "Failed attempts, 24 h", "Still failed"], &lines)) } }
}

fn row(
    error: &JobErrorGroup,
    (name, length): (&str, Duration),
    role: Role,
    now: Timestamp,
) -> Markup {
    let label = format!("Failures of {}", error.title);
    let bars = error_bars(error, length, now);
    let highest = bars.iter().copied().max().unwrap_or(0);
    html! {
        tr id={ "error-" (error.fingerprint) } {
            (said(error, now))
            td.over {
                (sparkline("spark-bad spark-days", &label, &bars))
                div.sub.ends { span { "−" (name) } span { "highest " (grouped(highest)) } span { "now" } }
            }
            td.num data-label="failures" { b { (grouped(error.in_range())) } }
            td.num data-label="jobs still failed" { (still(error)) }
            td { div.row-actions { (retry_button(error, role)) } }
        }
    }
}

/// What an error says, whose it is, and when it was met.
fn said(error: &JobErrorGroup, now: Timestamp) -> Markup {
    html! {
        td.main {
            div.first {
                a.title href=(nav::error(&error.fingerprint)) { (error.title) }
                (error_marks(error, now))
            }
            div.sub {
                code { (error.kind) } " · " code { (error.code) }
                " · first " (when(error.first_at, now)) " · last " (when(error.last_at, now))
            }
        }
    }
}

/// Whether an error is new, muted, or done with.
pub(in crate::web) fn error_marks(error: &JobErrorGroup, now: Timestamp) -> Markup {
    html! {
        @if errors::is_new(error, now) { span.badge.tag-warn title="First met in the last 24 hours" { "new" } }
        @if error.is_muted(now) { span.badge { "muted" } }
        @if error.still_failed == 0 { span.badge.tag-ok { "no job is left failed" } }
    }
}

/// How many jobs are still failed with an error, as far as they are counted.
fn still(error: &JobErrorGroup) -> String {
    let more = if error.still_failed >= JobErrorGroup::MOST_STILL_FAILED { "+" } else { "" };
    format!("{}{more}", grouped(error.still_failed))
}

/// The button that leads to the preview of a retry of all jobs that are still failed with an error.
pub(in crate::web) fn retry_button(error: &JobErrorGroup, role: Role) -> Markup {
    html! {
        @if error.still_failed > 0 && jobs::may_act(role) {
            a.btn.btn-sm href=(nav::bulk(BulkAct::Retry, &errors::still_failed(error))) aria-label={ "Retry " (still(error)) ": " (error.title) } {
                "Retry " (still(error))
            }
        }
    }
}

/// How often an error was met in each of some slots of a range, the newest last.
pub(in crate::web) fn error_bars(
    error: &JobErrorGroup,
    length: Duration,
    now: Timestamp,
) -> Vec<u64> {
    let hours = length.as_secs().div_ceil(3600).max(1);
    let each = hours.div_ceil(30).max(1);
    let count = usize::try_from(hours.div_ceil(each) + 1).unwrap_or(1);
    let last = now.hour();
    let mut bars = vec![0; count];
    for (hour, failures) in &error.hours {
        let ago = last.since(*hour).as_secs() / 3600 / each;
        let at = usize::try_from(ago).ok().and_then(|ago| (count - 1).checked_sub(ago));
        if let Some(bar) = at.and_then(|at| bars.get_mut(at)) {
            *bar += failures;
        }
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;
    use std::collections::BTreeMap;

    #[test]
    fn each_hour_is_in_the_bar_of_its_slot() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let ago = |hours| now.hour().minus(Duration::from_hours(hours));
        let error = JobErrorGroup {
            fingerprint: "f".into(),
            kind: Kind::named("mail"),
            code: "C".into(),
            title: "t".into(),
            first_at: now,
            last_at: now,
            failures: 12,
            still_failed: 1,
            hours: BTreeMap::from([(ago(0), 3), (ago(1), 4), (ago(24), 5), (ago(99), 9)]),
            mute: None,
        };
        let day = error_bars(&error, Duration::from_hours(24), now);
        assert_eq!((day.len(), day[24], day[23], day[0]), (25, 3, 4, 5));
        assert_eq!(day.iter().sum::<u64>(), 12, "what is older is left out");
        let week = error_bars(&error, Duration::from_hours(7 * 24), now);
        assert_eq!((week.len(), week[28], week[24]), (29, 7, 5));
        assert_eq!(week.iter().sum::<u64>(), 21);
    }
}

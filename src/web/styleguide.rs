//! Every component in its states, on one page, for people who work on the pages. A release build has no such page.

use super::app::App;
use super::base::{Link, link};
use super::caller::Signed;
use super::clocks::Clocks;
use super::components::{
    DayBar, Lane, Measure, NeedRow, QueryBox, STRIP, Step, Throughput, Tile, Tone, Way, badge,
    card, confirm, day_bars, dialog, empty, facets, folded, grouped, lanes, meter, needs_card,
    notice, outcome_strip, pager, pill, query_box, sparkline, status_icon, status_word, table,
    tabs, text_card, tiles, timeline, when,
};
use super::icon::{Icon, icon};
use super::page::{Frame, page};
use crate::model::{
    FiguresStep, JobFigures, JobId, JobSeries, JobSlot, Kind, PartOf, PastDecision, ScheduleName,
    SeriesPart, SplitSeries, Status, Timestamp, Verdict, Zone,
};
use axum::extract::State;
use axum::response::Html;
use maud::{Markup, Render, html};
use std::time::Duration;

pub(super) const PATH: &str = "/styleguide";

/// GET `/styleguide`.
pub(super) async fn shown(State(app): State<App>, who: Signed) -> Html<String> {
    let now = app.web.clock.now();
    let here = link(PATH);
    let content = html! {
        div.stack {
            (needs_card(&waiting(&here), &[html! { "Queue mail is slow, put off until tomorrow" }]))
            (needs_card(&[], &[]))
            (figures(&here))
            div.cols.with-rail {
                (facets(&html! {}, &[("Kind", ways(&here)), ("Queue", ways(&here))]))
                div.stack { (search(&here)) (lists(&here, now)) }
            }
            (charts(&here, now))
            div.grid { (statuses()) (notices()) (history(now)) (pictures(now)) (buttons(&here)) (texts()) }
        }
        (dialog("sample", "Pause queue mail?", &html! { p { "Nothing more of it starts; what runs goes on." } },
            ("Let it run", &html! { button.btn.btn-solid-danger type="button" { "Pause it now" } })))
    };
    let frame = Frame::new(&app.web, Some(&who))
        .under(vec![(here.clone(), "Above".to_owned())])
        .heading(html! { "Styleguide " span.soft.mono { "#1" } })
        .acting(html! { a.btn href=(here) { (icon(Icon::Plus)) "New" } });
    page(&frame, "Styleguide", &content)
}

fn waiting(here: &Link) -> [NeedRow; 2] {
    let need = |icon, what: &str, why: &str, word: &str| NeedRow {
        icon,
        is_urgent: false,
        what: html! { (what) },
        why: html! { (why) },
        action: html! { a.btn.btn-sm href=(here) { (word) } },
    };
    [
        need(
            Icon::GitPullRequest,
            "7 findings wait for approval",
            "Nothing is filed until somebody decides.",
            "Review",
        ),
        need(
            Icon::PlayerPause,
            "Queue billing is paused",
            "by ops-night: card provider maintenance",
            "Resume",
        ),
    ]
}

fn figures(here: &Link) -> Markup {
    let counts: Vec<u64> = (0..24).map(|hour| hour * 7 % 23).collect();
    let tile = |label, figure: &str, picture| Tile {
        label,
        figure: html! { (figure) },
        picture,
        foot: html! { "3.0 %, usually 0.9 %" },
        link: here.clone(),
    };
    tiles(&[
        tile("Running", "6", html! {}),
        tile(
            "Completed, 24 h",
            &grouped(9541_u64),
            sparkline("", "Completed jobs by hour", &counts),
        ),
        tile("Failed, 24 h", "296", sparkline("spark-bad", "Failed jobs by hour", &counts)),
        tile("Waiting", "0", sparkline("spark-wait", "Waiting jobs", &[0; 24])),
    ])
}

fn ways(here: &Link) -> Vec<Way> {
    let way = |name: &str, count, is_open| Way {
        name: name.to_owned(),
        count,
        link: here.clone(),
        is_open,
    };
    vec![
        way("send_email", Some(12_140), true),
        way("charge_card", Some(88), false),
        way("of no known count", None, false),
    ]
}

fn search(here: &Link) -> Markup {
    let query = |typed, is_wrong| QueryBox {
        action: here,
        name: "q",
        label: "Search",
        example: "status:failed since:24h",
        typed,
        is_wrong,
        has_facets: !is_wrong,
    };
    html! { (query_box(&query("", false), &html! {})) (query_box(&query("status:faild", true), &html! {})) }
}

fn lists(here: &Link, now: Timestamp) -> Markup {
    let row = |status: &Status| {
        html! {
            tr {
                td.main {
                    div.first { (status_icon(*status)) a href=(here) { "charge_card" } span.rest.mono { "customer_id 1207 · €129.00" } }
                    div.sub.under { span.mono { "#184302" } " · " span.bad { "card_declined: insufficient_funds" } }
                }
                td { "billing" }
                td.num data-label="attempt" { "3 of 3" }
                td.num { (when(now, now)) }
            }
        }
    };
    let rows: Vec<_> = Status::ALL.iter().map(row).collect();
    html! {
        section.card {
            (tabs("Parts", &ways(here)))
            div.jobs { (table("Two-line rows", &["Job", "Queue", "Attempt", "When"], &rows)) }
            (pager(Some(here), Some((here, "Older"))))
        }
        (card("none", "Nothing yet", &html! {}, &empty("No queue has had a job", &html! { "A queue appears with its first job." })))
    }
}

fn statuses() -> Markup {
    card(
        "statuses",
        "Status",
        &html! {},
        &html! {
            div.card-body.lines {
                @for status in Status::ALL { p { (pill(*status)) " " (badge(*status)) " " (status_word(*status)) } }
                p { span.badge { "plain" } " " span.badge.tag-ok { "good" } " " span.badge.tag-bad { "bad" } " " span.badge.tag-warn { "look" } " " span.badge.tag-info { "info" } }
            }
        },
    )
}

fn notices() -> Markup {
    let action = html! { button.btn.btn-sm type="button" { "Resume" } };
    html! {
        div {
            (notice(Tone::Info, &html! { b { "Standby." } " Another process runs the engine." }, &html! {}))
            (notice(Tone::Look, &html! { b { "The queue billing is paused." } }, &action))
            (notice(Tone::Bad, &html! { "Nothing was changed: see what was not taken below." }, &html! {}))
            (notice(Tone::Ok, &html! { "Saved" }, &html! {}))
        }
    }
}

fn history(now: Timestamp) -> Markup {
    let step = |status: &Status| Step {
        to: *status,
        at: now,
        title: html! { (status_word(*status)) },
        detail: html! { "by w2 on bay-4" },
    };
    let steps: Vec<_> = Status::ALL.iter().map(step).collect();
    card("history", "History", &html! {}, &html! { div.card-body { (timeline(&steps, now)) } })
}

fn pictures(now: Timestamp) -> Markup {
    let name = ScheduleName::SELF_MONITORING;
    let at: Vec<_> = (1..24).map(|hour| now.plus(Duration::from_hours(hour))).collect();
    let lane = |is_paused| Lane { name: &name, is_paused, at: at.clone() };
    let verdicts =
        [Verdict::Fired, Verdict::CaughtUp, Verdict::Merged, Verdict::Skipped, Verdict::OverBudget];
    let decision = |(nth, decision): (usize, Verdict)| PastDecision {
        occurrence_at: now,
        decision,
        decided_at: now,
        job_id: i64::try_from(nth).ok().map(JobId),
        detail: String::new(),
        job_status: Status::ALL.get(nth).copied(),
    };
    let decisions: Vec<_> = (0..STRIP).zip(verdicts.into_iter().cycle()).map(decision).collect();
    card(
        "pictures",
        "Pictures",
        &html! { span.sub { (Clocks::default().exact(now)) } },
        &html! {
            div.card-body.lines {
                @for (measure, percent) in [(Measure::Slots, 25), (Measure::Slots, 100), (Measure::Budget, 85), (Measure::Budget, 100), (Measure::Paused, 50)] {
                    p.sub { (percent) " of 100" } (meter(measure, percent, &format!("{percent} of 100")))
                }
                (outcome_strip(&decisions, Clocks::default())) (outcome_strip(&[], Clocks::default()))
                (lanes(&[lane(false), lane(true)], Clocks::default(), now))
            }
        },
    )
}

/// The chart of what jobs did, told apart by status and by kind, and one of days.
fn charts(here: &Link, now: Timestamp) -> Markup {
    let step = Duration::from_hours(1);
    let first = now.hour().minus(step * 23);
    let slot = |nth: u32| {
        let mut figures = JobFigures::default();
        for wait in 0..u64::from(nth) * 7 % 11 {
            figures.waits.add(Duration::from_millis(40 << wait));
        }
        JobSlot { from: first.plus(step * nth), until: first.plus(step * (nth + 1)), figures }
    };
    let slots: Vec<_> = (0..24).map(slot).collect();
    let part = |(nth, of): (u64, PartOf)| SeriesPart {
        of,
        counts: (0..24).map(|hour| (hour * (7 - nth) + 3 * nth) % 23 / (nth + 1)).collect(),
    };
    let statuses = [Status::Completed, Status::Failed, Status::Cancelled].map(PartOf::Status);
    let mut kinds: Vec<_> = ["send_email", "charge_card", "resize", "index", "export"]
        .map(|name| PartOf::Kind(Kind::named(name)))
        .into();
    kinds.push(PartOf::Other);
    let split = |parts: Vec<PartOf>| SplitSeries {
        whole: JobSeries { step: FiguresStep::Hours(1), slots: slots.clone() },
        parts: (0..).zip(parts).map(part).collect(),
    };
    let chart = |id: &str, split: &SplitSeries| {
        Throughput {
            id,
            split,
            zone: Zone::default(),
            link: |_: &JobSlot, _: Option<&PartOf>| here.clone(),
        }
        .render()
    };
    let day = |day: u64| DayBar {
        word: format!("{day} Nov"),
        count: day * 13 % 29,
        link: Some(here.clone()),
    };
    let days: Vec<_> = (1..=30).map(day).collect();
    html! {
        (card("chart-statuses", "Throughput by status", &html! {}, &html! { div.card-body { (chart("chart-statuses", &split(statuses.into()))) } }))
        (card("chart-kinds", "Throughput by kind", &html! {}, &html! { div.card-body { (chart("chart-kinds", &split(kinds))) } }))
        (card("chart-days", "Rows by day", &html! {}, &html! { div.card-body { (day_bars("b-bad", "Rows by day", &days)) } }))
    }
}

fn buttons(here: &Link) -> Markup {
    card(
        "buttons",
        "Buttons",
        &html! {},
        &html! {
            div.card-body.lines {
                div.actions {
                    button.btn.btn-primary type="button" { (icon(Icon::PlayerPlay)) "Run Now" }
                    button.btn type="button" { (icon(Icon::Check)) "Normal" }
                    button.btn.btn-quiet type="button" { (icon(Icon::X)) "Quiet" }
                    button.btn.btn-danger type="button" { "Stop…" }
                    button.btn type="button" disabled { "Running..." }
                    button.btn.scripted type="button" data-dialog="sample" { "Pause…" }
                }
                div.actions { a.btn.btn-sm href=(here) { "Small" } (confirm("sample-deed", "Delete", &html! { "It goes for good." }, &html! { button.btn.btn-sm.btn-danger type="button" { "Delete now" } })) }
                label.form-label for="sample-field" { "A field" } input #sample-field .form-control value="7";
                label.form-check.form-switch { input.form-check-input type="checkbox" role="switch" checked; "A switch" }
                label.form-check { input.form-check-input type="checkbox"; "A box" }
            }
        },
    )
}

fn texts() -> Markup {
    html! {
        div.stack {
            (text_card("sample-text", "Payload", "{\n  \"customer_id\": 1207\n}"))
            (card("sample-folded", "Folded text", &html! {}, &html! { div.card-body { (folded("sample-fold", "The first line\nand the second")) } }))
        }
    }
}

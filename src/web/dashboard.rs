//! The dashboard: what goes on now and what was last, in figures.

#[cfg(feature = "monitor")]
mod program;
mod throughput;

use super::app::{App, Web};
use super::base::link;
use super::caller::Signed;
use super::clocks::Clocks;
use super::components::{
    Tile, card, elapsed, error_lines, grouped, live, size, sparkline, status_icon, stopped_notice,
    table, tiles,
};
use super::extract::Query;
use super::nav::{self, Tab};
use super::needs;
use super::page::{self, Frame};
use super::part::{fresh, version};
use super::problem::Problem;
use crate::actions;
use crate::actions::errors::{self, Range};
use crate::actions::jobs::{self, JobsAsk};
use crate::actions::needs::Needs;
use crate::actions::queues;
use crate::model::{
    Filter, Hour, Job, JobErrorGroup, Kind, Overview, QueueState, Role, Status, Timestamp, Zone,
};
use crate::store::Store;
use axum::extract::State;
use axum::response::{Html, Response};
use maud::{Markup, html};
use serde::Deserialize;
use std::time::Duration;
use throughput::{Asked, ThroughputQuery};

pub(super) const PATH: &str = Tab::Dashboard.path();
pub(super) const PART_PATH: &str = "/dashboard/part";
pub(super) const LATEST_PATH: &str = "/dashboard/latest";

/// How many errors the dashboard names.
const FAILURES: usize = 5;
/// How many running jobs the dashboard names.
const RUNNING: usize = 5;
/// How far back the figures of finished jobs reach. Their first hour is always a whole hour.
const DAY: Duration = Duration::from_hours(24);

/// A part of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    /// What waits for a person, and the figures.
    #[default]
    Figures,
    /// What runs.
    Now,
    /// How the parts of the server stand.
    Health,
}

/// The query of a part: which one, and the version that the page shows already.
#[derive(Deserialize)]
pub(super) struct PartQuery {
    #[serde(default)]
    of: Part,
    v: Option<String>,
}

/// GET `/`: what goes on, the form that asks for a session, and what was last. The form is outside all live parts, so
/// that no change takes away what somebody types.
pub(super) async fn page(
    State(app): State<App>,
    who: Signed,
    Query(query): Query<ThroughputQuery>,
) -> Result<Html<String>, Problem> {
    let (role, asked) = (who.role(), query.read()?);
    let now = Now::read(&app.web, (role, who.clocks()), Part::Figures).await?;
    let (_, latest) = latest(&app.web, role, (asked, who.clocks().zone_or_utc())).await?;
    let form = More::form(&app.web, role).await;
    let content = html! {
        div.stack {
            (now.part(Part::Figures))
            div.cols.cols-chart {
                (latest)
                div.stack {
                    (now.part(Part::Now))
                    @if let Some(form) = form { (form) }
                }
            }
            (now.part(Part::Health))
        }
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Dashboard);
    Ok(page::page(&frame, Tab::Dashboard.title(), &content))
}

/// GET `/dashboard/part`: a part of what goes on.
pub(super) async fn now_part(
    State(app): State<App>,
    who: Signed,
    Query(PartQuery { of, v: shown }): Query<PartQuery>,
) -> Result<Response, Problem> {
    let now = Now::read(&app.web, (who.role(), who.clocks()), of).await?;
    Ok(fresh(&now.version, &now.part(of), shown.as_deref()))
}

/// GET `/dashboard/latest`: what was last.
pub(super) async fn latest_part(
    State(app): State<App>,
    who: Signed,
    Query(query): Query<ThroughputQuery>,
) -> Result<Response, Problem> {
    let asked = (query.read()?, who.clocks().zone_or_utc());
    let (version, part) = latest(&app.web, who.role(), asked).await?;
    Ok(fresh(&version, &part, query.v.as_deref()))
}

/// What goes on, as one look at the store has it.
struct Now {
    overview: Overview,
    /// How many due jobs are in a paused queue, and how many no process has a handler for.
    held: (u64, u64),
    /// The jobs that began last of those that run, besides sessions.
    running: Vec<Job>,
    at: Timestamp,
    leading: Option<bool>,
    needs: Markup,
    more: More,
    version: String,
}

impl Now {
    /// Reads it for a part. What waits for a person is asked for with the figures alone.
    async fn read(web: &Web, (role, clocks): (Role, Clocks), of: Part) -> Result<Self, Problem> {
        let (store, now) = (&web.store, web.clock.now());
        let overview = store.overview(now).await?;
        let held = QueueState::held(&store.queues().await?);
        let held = (held, queues::without_worker(store, now).await?);
        let running = running(store, now).await?;
        let stopped = store.stopped().await?;
        let waiting = match of {
            Part::Figures => actions::needs::needs(store, web.has_program(), now).await?,
            Part::Now | Part::Health => Needs::default(),
        };
        let leading = web.leading.as_ref().map(|leading| *leading.borrow());
        let more = More::now(web, (role, clocks)).await?;
        let version = version(&(
            (overview.queued, held, overview.scheduled, overview.running),
            running.iter().map(|job| (job.id.0, job.epoch)).collect::<Vec<_>>(),
            overview.hours.iter().map(|hour| (hour.completed, hour.failed)).collect::<Vec<_>>(),
            (leading, stopped.as_ref().map(|stop| stop.at), &more.version),
            needs::state(&waiting),
        ));
        let needs = html! {
            @if let Some(stop) = &stopped { (stopped_notice(stop, now)) }
            (needs::shown(&waiting, role, now))
        };
        Ok(Self { overview, held, running, at: now, leading, needs, more, version })
    }

    fn part(&self, of: Part) -> Markup {
        let (id, word, content) = match of {
            Part::Figures => (
                "dashboard",
                None,
                html! { div.stack { (self.needs) (figures(&self.overview, self.held, &self.more.tiles)) } },
            ),
            Part::Now => (
                "dashboard-now",
                Some("now"),
                html! { div.stack { @for card in &self.more.running { (card) } (running_card(&self.running, self.at)) } },
            ),
            Part::Health => {
                let health = health_card(&self.overview, self.leading, &self.more.facts);
                (
                    "dashboard-health",
                    Some("health"),
                    html! { div.cols.cols-3 { @for card in &self.more.cards { (card) } (health) } },
                )
            }
        };
        live(id, &link(PART_PATH).with(&[("of", word)]), &self.version, &content)
    }
}

/// The jobs that run, besides sessions, which have a card of their own: those that began last.
async fn running(store: &Store, now: Timestamp) -> Result<Vec<Job>, Problem> {
    let query = format!("status:running -kind:{}", Kind::AGENT_SESSION);
    let ask = JobsAsk { query, before: None, rows: RUNNING };
    Ok(jobs::find(store, ask, now).await?.rows)
}

fn running_card(running: &[Job], now: Timestamp) -> Markup {
    let all = nav::jobs(&Filter::default().status(Status::Running));
    let row = |job: &Job| {
        html! {
            tr {
                td.main {
                    div.first { (status_icon(job.status)) a href=(nav::job(job.id)) { (job.kind) } }
                    div.sub { span.mono { "#" (job.id) } @if let Some(queue) = &job.queue { " · " (queue) } }
                }
                td.num data-label="runs for" { (elapsed(job.started_at, None, now)) }
            }
        }
    };
    let rows: Vec<_> = running.iter().map(row).collect();
    card(
        "jobs-now",
        "Running jobs",
        &html! { a.btn.btn-sm.btn-quiet href=(all) { "All running" } },
        &html! {
            @if rows.is_empty() { p.card-body.soft { "No other job is running." } }
            @else { div.jobs.errors { (table("Running jobs", &["Job", "Runs for"], &rows)) } }
        },
    )
}

async fn latest(
    web: &Web,
    role: Role,
    (asked, zone): (Asked, Zone),
) -> Result<(String, Markup), Problem> {
    let (store, now) = (&web.store, web.clock.now());
    let more = More::latest(web).await?;
    let split = throughput::read(web, asked, zone).await?;
    let mut failures = errors::list(store, Range::Day, now).await?;
    failures.retain(|error| !error.is_muted(now));
    failures.truncate(FAILURES);
    let content = html! {
        div.stack {
            (throughput::shown(&split, asked, zone))
            @for card in &more.cards { (card) }
            (failures_card(&failures, role, now))
        }
    };
    let version = version(&(
        &more.version,
        throughput::state(&split),
        failures
            .iter()
            .map(|error| (error.fingerprint.clone(), error.failures, error.still_failed))
            .collect::<Vec<_>>(),
    ));
    let part = live("dashboard-latest", &asked.put(&link(LATEST_PATH)), &version, &content);
    Ok((version, part))
}

/// What the pages show besides the engine's own: nothing where there are no pages of sessions, scans and logs.
#[derive(Default)]
struct More {
    /// What runs.
    running: Vec<Markup>,
    /// What was last, or how other parts stand.
    cards: Vec<Markup>,
    /// Further figures.
    tiles: Vec<Tile<'static>>,
    facts: Vec<(&'static str, String)>,
    /// A digest of what can change.
    version: String,
}

#[cfg(feature = "monitor")]
impl More {
    async fn form(web: &Web, role: Role) -> Option<Markup> {
        match &web.program {
            Some(_) => Some(program::form(web, role).await),
            None => None,
        }
    }

    async fn now(web: &Web, who: (Role, Clocks)) -> Result<Self, Problem> {
        match &web.program {
            Some(program) => program::now(web, program, who).await,
            None => Ok(Self::default()),
        }
    }

    async fn latest(web: &Web) -> Result<Self, Problem> {
        match &web.program {
            Some(_) => program::latest(web).await,
            None => Ok(Self::default()),
        }
    }
}

#[cfg(not(feature = "monitor"))]
#[expect(clippy::unused_async, reason = "with the feature `monitor` they wait for the store")]
impl More {
    async fn form(_: &Web, _: Role) -> Option<Markup> {
        None
    }

    async fn now(_: &Web, _: (Role, Clocks)) -> Result<Self, Problem> {
        Ok(Self::default())
    }

    async fn latest(_: &Web) -> Result<Self, Problem> {
        Ok(Self::default())
    }
}

fn figures(overview: &Overview, held: (u64, u64), more: &[Tile<'static>]) -> Markup {
    let by_hour = |of: fn(&Hour) -> u64| overview.hours.iter().map(of).collect::<Vec<_>>();
    let (done, broken) = (by_hour(|hour| hour.completed), by_hour(|hour| hour.failed));
    let (completed, failed) = (done.iter().sum::<u64>(), broken.iter().sum::<u64>());
    let of_status = |status: Status| nav::jobs(&Filter::default().status(status));
    let of_day = |status: Status| nav::jobs(&Filter::default().status(status).since(DAY));
    let tile = |label, count: u64, picture, foot, link| {
        let figure = html! { (grouped(count)) };
        Tile { label, figure, picture, foot, link }
    };
    let share = |part: u64| {
        format!(
            "{}.{} %",
            part * 100 / (completed + failed).max(1),
            part * 1000 / (completed + failed).max(1) % 10
        )
    };
    let none = || html! {};
    let mut all = vec![
        tile(
            "Running",
            overview.running,
            none(),
            html! { "at this moment" },
            of_status(Status::Running),
        ),
        tile("Queued", overview.queued, none(), queued_foot(held), of_status(Status::Queued)),
        tile(
            "Scheduled",
            overview.scheduled,
            none(),
            html! { "for a later time" },
            of_status(Status::Scheduled),
        ),
        tile(
            "Completed, 24 h",
            completed,
            sparkline("", "Completed jobs by hour", &done),
            html! { (grouped(completed / 24)) " an hour" },
            of_day(Status::Completed),
        ),
        tile(
            "Failed jobs, 24 h",
            failed,
            sparkline("spark-bad", "Failed jobs by hour", &broken),
            html! { (share(failed)) " of what ended" },
            of_day(Status::Failed),
        ),
    ];
    let further = more.iter().map(|tile| Tile {
        label: tile.label,
        figure: tile.figure.clone(),
        picture: tile.picture.clone(),
        foot: tile.foot.clone(),
        link: tile.link.clone(),
    });
    all.extend(further);
    tiles(&all)
}

/// Why jobs stay queued, as far as nothing but a person changes that.
fn queued_foot((held, without_worker): (u64, u64)) -> Markup {
    let (paused, without) = (grouped(held), grouped(without_worker));
    html! {
        @match (held, without_worker) {
            (0, 0) => "ready to start",
            (0, 1) => "1 has no worker",
            (0, _) => { (without) " have no worker" },
            (_, 0) => { (paused) " in a paused queue" },
            (_, _) => { (without) " no worker, " (paused) " paused" },
        }
    }
}

fn health_card(
    overview: &Overview,
    leading: Option<bool>,
    facts: &[(&'static str, String)],
) -> Markup {
    let engine = match leading {
        Some(true) => "runs in this process, which leads",
        Some(false) => "runs in this process; another one leads",
        None => "does not run in this process",
    };
    card(
        "health",
        "Health",
        &html! {},
        &html! {
            dl.card-body.facts {
                dt { "Engine" }
                dd { (engine) }
                dt { "Job database" }
                dd { (size(overview.database_bytes)) ", of it write-ahead log " (size(overview.wal_bytes)) }
                @for (name, fact) in facts { dt { (name) } dd { (fact) } }
                dt { "Version" } dd { (env!("CARGO_PKG_VERSION")) }
            }
        },
    )
}

fn failures_card(failures: &[JobErrorGroup], role: Role, now: Timestamp) -> Markup {
    card(
        "failures",
        "Failures by error",
        &html! {
            a.btn.btn-sm href=(nav::jobs(&Filter::default().status(Status::Failed))) { "All failed jobs" }
            " " a.btn.btn-sm href=(Tab::Errors.link()) { "Errors" }
        },
        &html! {
            @if failures.is_empty() {
                p.card-body.soft { "No job has failed in the last 24 hours." }
            } @else {
                (error_lines(failures, role, now))
            }
        },
    )
}

//! The figures over the list of sessions: what was spent, what runs, and what failed.

use super::base::link;
use super::components::{Tile, grouped, live, tiles};
use super::nav;
use super::part::version;
use super::session_rows;
use super::spend::Figures;
use crate::actions::errors::Range;
use crate::actions::figures;
use crate::error::Result;
use crate::model::{FiguresOf, Filter, JobSeries, Kind, Status, Timestamp, Zone};
use crate::store::Store;
use maud::{Markup, html};

/// The word in the address of the part.
pub(super) const TILES: &str = "tiles";

/// How many sessions run and wait, and how those of a week ended.
struct Sessions {
    running: u64,
    waiting: u64,
    week: JobSeries,
}

/// The jobs that are counted.
fn sessions() -> FiguresOf {
    FiguresOf { kind: Some(Kind::AGENT_SESSION), queue: None }
}

async fn read(store: &Store, zone: Zone, now: Timestamp) -> Result<Sessions> {
    let (mut running, mut waiting) = (0, 0);
    for count in store.job_counts().await?.iter().filter(|count| count.kind == Kind::AGENT_SESSION)
    {
        let jobs = u64::try_from(count.count).unwrap_or(0);
        match count.status {
            Status::Running => running += jobs,
            Status::Queued | Status::Scheduled => waiting += jobs,
            Status::Completed | Status::Failed | Status::Cancelled => {}
        }
    }
    let week = figures::of(store, (sessions(), Range::Week), zone, now).await?;
    Ok(Sessions { running, waiting, week })
}

/// The tiles as a part that keeps itself fresh, with its version.
pub(super) async fn part(
    store: &Store,
    spent: &Figures,
    zone: Zone,
    now: Timestamp,
) -> Result<(String, Markup)> {
    let Sessions { running, waiting, week } = read(store, zone, now).await?;
    let total = week.total();
    let version =
        version(&(spent.state(), running, waiting, total.completed, total.failed, total.cancelled));
    let run = Filter::default().status(Status::Running).kind(Kind::AGENT_SESSION);
    let [day, seven] = spent.tiles(&link(session_rows::PATH).at("spend"));
    let content = tiles(&[
        day,
        seven,
        Tile {
            label: "Running",
            figure: html! { (grouped(running)) },
            picture: html! {},
            foot: html! { @if waiting == 0 { "none waits" } @else { (grouped(waiting)) @if waiting == 1 { " waits" } @else { " wait" } } },
            link: nav::jobs(&run),
        },
        Tile {
            label: "Failed, 7 d",
            figure: html! { (grouped(total.failed)) },
            picture: html! {},
            foot: html! {
                "of " (grouped(total.completed + total.failed)) " that completed or failed"
                @if total.cancelled > 0 { ", " (grouped(total.cancelled)) " stopped" }
            },
            link: nav::jobs(&figures::jobs_in(&week, &sessions(), Some(Status::Failed))),
        },
    ]);
    let of = link(session_rows::PART_PATH).with(&[("of", TILES)]);
    Ok((version.clone(), live("session-tiles", &of, &version, &content)))
}

//! The page as a whole: what goes on, and the two lists.

use super::super::app::App;
use super::super::base::link;
use super::super::caller::Signed;
use super::super::components::{Way, tabs};
use super::super::extract::Query;
use super::super::nav::{self, Tab};
use super::super::page::{Frame, page as web_page};
use super::super::problem::Problem;
use super::super::standing::Standing;
use super::slices::{self, ListsQuery};
use super::{configuration, lists, refile, status};
use crate::actions;
use crate::model::ScheduleName;
use axum::extract::State;
use axum::response::Html;
use maud::{Markup, html};
use std::time::Duration;

pub(in crate::web) const PATH: &str = Tab::SelfMonitoring.path();
/// How soon a browser without scripts loads the page again while a scan waits or runs.
const RELOAD: Duration = Duration::from_secs(2);

/// GET `/admin/self-monitoring`.
pub(in crate::web) async fn page(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<ListsQuery>,
) -> Result<Html<String>, Problem> {
    let store = &app.web.store;
    // The status is read first. A scan that ends in between is then still shown as running, and the page looks again.
    let standing = Standing::read(store, who.clocks(), app.web.clock.now()).await?;
    let may_run = status::may_run(&app, &who).await?;
    let lists = slices::read(&app, &asked, who.clocks()).await?;
    let schedule = store.schedule(ScheduleName::SELF_MONITORING).await?;
    let (role, now) = (who.role(), app.web.clock.now());
    let offer = actions::refile::offer(store, now).await?;
    let content = html! {
        (sections(who.counts.approvals, PATH))
        @if let Some(offer) = &offer { (refile::notice(offer, role)) }
        @if let Some(log) = app.web.program.as_ref().and_then(|program| program.scanned.as_ref()) {
            p.soft { "Scans read the log " code { (log.table()) } ", where it lies." }
        }
        div.grid {
            div.wide { (status::status_section(&standing, &may_run, &status::Said::Nothing, (who.clocks(), now))) }
            div.wide { (configuration::cadence_of(schedule.as_ref(), now)) }
            div.wide { (lists::section(&lists, &asked, now)) }
        }
    };
    let reload = Some(RELOAD).filter(|_| standing.is_active());
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::SelfMonitoring).reloading(reload);
    Ok(web_page(&frame, Tab::SelfMonitoring.title(), &content))
}

/// The way between the sections of self-monitoring; `open` is the address of the page that is open.
pub(in crate::web) fn sections(approvals: usize, open: &str) -> Markup {
    let whole = Tab::SelfMonitoring.link();
    let way = |name: &str, link, count| Way { name: name.to_owned(), count, link, is_open: false };
    let waits = u64::try_from(approvals).ok().filter(|count| *count > 0);
    tabs(
        "Sections of self-monitoring",
        &[
            Way { is_open: open == PATH, ..way("Issues and scans", whole, None) },
            Way {
                is_open: open == nav::APPROVALS,
                ..way("Approvals", link(nav::APPROVALS), waits)
            },
            Way {
                is_open: open == configuration::PATH,
                ..way("Configuration", link(configuration::PATH), None)
            },
        ],
    )
}

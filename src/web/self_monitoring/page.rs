//! The page as a whole: what goes on, the configuration, the prompt and the two lists.

use super::super::app::App;
use super::super::base::link;
use super::super::caller::Signed;
use super::super::components::{Way, tabs};
use super::super::extract::Query;
use super::super::nav::{self, Tab};
use super::super::page::{Frame, page as web_page};
use super::super::problem::Problem;
use super::super::setting::Said;
use super::super::standing::Standing;
use super::slices::{self, ListsQuery};
use super::{configuration, lists, prompt, refile, status};
use crate::actions;
use crate::monitor;
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
    let word = asked.saved.as_deref();
    let said = Forms {
        configuration: &Said::saved(word, configuration::SAVED),
        prompt: &Said::saved(word, prompt::SAVED),
    };
    whole(&app, &who, &asked, said).await
}

/// What the page says of its forms.
#[derive(Clone, Copy)]
pub(super) struct Forms<'a> {
    pub(super) configuration: &'a Said,
    pub(super) prompt: &'a Said,
}

/// The page, with what it says of a form that was sent.
pub(super) async fn whole(
    app: &App,
    who: &Signed,
    asked: &ListsQuery,
    said: Forms<'_>,
) -> Result<Html<String>, Problem> {
    // The status is read first. A scan that ends in between is then still shown as running, and the page looks again.
    let standing = Standing::read(&app.web.store, app.web.clock.now()).await?;
    let may_run = status::may_run(app, who).await?;
    let lists = slices::read(app, asked).await?;
    let configuration = configuration::read(&app.web).await?;
    let template = monitor::prompt::load(&app.web.store).await?;
    let (role, now) = (who.role(), app.web.clock.now());
    let offer = actions::refile::offer(&app.web.store, now).await?;
    let content = html! {
        (sections(who.counts.approvals, PATH))
        @if let Some(offer) = &offer { (refile::notice(offer, role)) }
        @if let Some(log) = app.web.program.as_ref().and_then(|program| program.scanned.as_ref()) {
            p.soft { "Scans read the log " code { (log.table()) } ", where it lies." }
        }
        div.grid {
            div.wide { (status::status_section(&standing, &may_run, &status::Said::Nothing, now)) }
            div.wide { (configuration::section(&configuration, role, said.configuration, now)) }
            div.wide { (prompt::section(&template, role, said.prompt)) }
            div.wide { (lists::section(&lists, asked, role, now)) }
        }
    };
    // The page does not load itself again while a person corrects a form that was refused: what was typed would be gone.
    let is_refusal = said.configuration.is_refusal() || said.prompt.is_refusal();
    let reload = Some(RELOAD).filter(|_| standing.is_active() && !is_refusal);
    let frame = Frame::new(&app.web, Some(who)).at(Tab::SelfMonitoring).reloading(reload);
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
            Way { is_open: open == PATH, ..way("Status", whole.clone(), None) },
            Way {
                is_open: open == nav::APPROVALS,
                ..way("Approvals", link(nav::APPROVALS), waits)
            },
            way("Issues", whole.clone().at("issues"), None),
            way("Scans", whole.clone().at("scan-history"), None),
            way("Configuration", whole.at("configuration"), None),
        ],
    )
}

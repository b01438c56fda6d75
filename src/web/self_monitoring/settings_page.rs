//! The page of what scans are told: their configuration and their prompt.

use super::super::app::App;
use super::super::caller::Signed;
use super::super::extract::Query;
use super::super::nav::Tab;
use super::super::page::{Frame, page as web_page};
use super::super::problem::Problem;
use super::super::setting::Said;
use super::page::sections;
use super::{configuration, prompt};
use crate::monitor;
use axum::extract::State;
use axum::response::Html;
use maud::html;
use serde::Deserialize;

/// The address's query: what was saved just now.
#[derive(Deserialize)]
pub(in crate::web) struct SavedQuery {
    saved: Option<String>,
}

/// What the page says of its forms.
#[derive(Clone, Copy)]
pub(super) struct Forms<'a> {
    pub(super) configuration: &'a Said,
    pub(super) prompt: &'a Said,
}

/// GET `/admin/self-monitoring/configuration`.
pub(in crate::web) async fn page(
    State(app): State<App>,
    who: Signed,
    Query(SavedQuery { saved }): Query<SavedQuery>,
) -> Result<Html<String>, Problem> {
    let word = saved.as_deref();
    let said = Forms {
        configuration: &Said::saved(word, configuration::SAVED),
        prompt: &Said::saved(word, prompt::SAVED),
    };
    whole(&app, &who, said).await
}

/// The page, with what it says of a form that was sent.
pub(super) async fn whole(
    app: &App,
    who: &Signed,
    said: Forms<'_>,
) -> Result<Html<String>, Problem> {
    let configuration = configuration::read(&app.web).await?;
    let template = monitor::prompt::load(&app.web.store).await?;
    let (role, now) = (who.role(), app.web.clock.now());
    let content = html! {
        (sections(who.counts.approvals, configuration::PATH))
        div.grid {
            div.wide { (configuration::section(&configuration, role, said.configuration, now)) }
            div.wide { (prompt::section(&template, role, said.prompt)) }
        }
    };
    let above = vec![(Tab::SelfMonitoring.link(), Tab::SelfMonitoring.title().to_owned())];
    let frame = Frame::new(&app.web, Some(who)).at(Tab::SelfMonitoring).under(above);
    Ok(web_page(&frame, "Configuration", &content))
}

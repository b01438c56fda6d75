//! Saved views: the ways to a person's own queries of a list, and the forms that keep a query and remove it.

use super::answer::answered;
use super::app::App;
use super::base::{Link, link};
use super::caller::Signed;
use super::extract::{Form, Id};
use super::icon::{Icon, icon};
use super::named::ViewId;
use super::nav::Tab;
use super::problem::Problem;
use crate::actions::views::{self, ViewSave};
use crate::model::{ListPage, SavedView};
use crate::store::Store;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

pub(super) const PATH: &str = "/views";
pub(super) const REMOVE_PATH: &str = "/views/{id}/remove";

/// The form that keeps a query.
#[derive(Deserialize)]
pub(super) struct SaveForm {
    page: String,
    name: String,
    q: String,
}

/// The form that removes one, from the list that is open.
#[derive(Deserialize)]
pub(super) struct RemoveForm {
    page: String,
    #[serde(default)]
    q: String,
}

/// POST `/views`: keeps the query of a list under a name.
pub(super) async fn save(
    State(app): State<App>,
    who: Signed,
    Form(SaveForm { page, name, q }): Form<SaveForm>,
) -> Result<Response, Problem> {
    let page = views::page(&page)?;
    let back = list_of(page, &q);
    let call = who.call(app.web.clock.now());
    let saved = views::save(&app.web.store, &call, ViewSave { page, name, query: q }).await?;
    Ok(answered(who.face(), &saved, &back))
}

/// POST `/views/{id}/remove`.
pub(super) async fn remove(
    State(app): State<App>,
    who: Signed,
    Id(ViewId(id)): Id<ViewId>,
    Form(RemoveForm { page, q }): Form<RemoveForm>,
) -> Result<Response, Problem> {
    let back = list_of(views::page(&page)?, &q);
    let call = who.call(app.web.clock.now());
    let removed = views::remove(&app.web.store, &call, id).await?;
    Ok(answered(who.face(), &removed, &back))
}

/// The address of a list with a query.
fn list_of(page: ListPage, query: &str) -> Link {
    let list = match page {
        ListPage::Jobs => Tab::Jobs.link(),
        ListPage::Sessions => Tab::Sessions.link(),
    };
    list.with(&[("q", Some(query).filter(|query| !query.is_empty()))])
}

/// What a person keeps of a list, and the query that is open.
pub(super) struct Views<'a> {
    page: ListPage,
    all: Vec<SavedView>,
    open: &'a str,
}

impl<'a> Views<'a> {
    /// Those of the caller.
    pub(super) async fn of(
        store: &Store,
        who: &Signed,
        page: ListPage,
        open: &'a str,
    ) -> Result<Self, Problem> {
        let all = views::list(store, &who.actor().name, page).await?;
        Ok(Self { page, all, open: open.trim() })
    }

    /// The ways to them, each with the button that removes it.
    pub(super) fn ways(&self) -> Markup {
        html! {
            @if !self.all.is_empty() {
                section.views {
                    h2 { "Saved views" }
                    ul {
                        @for view in &self.all {
                            li {
                                a href=(list_of(self.page, &view.query)) title=(view.query) aria-current=[(view.query == self.open).then_some("true")] {
                                    span { (view.name) }
                                }
                                form method="post" action=(link(PATH).under(view.id).under("remove")) {
                                    (self.place())
                                    button.btn.btn-sm.btn-quiet type="submit" aria-label={ "Remove the view " (view.name) } title="Remove" { (icon(Icon::X)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The form that keeps the open query, if it can be read and is not kept yet.
    pub(super) fn form(&self, is_wrong: bool) -> Markup {
        let is_kept = self.all.iter().any(|view| view.query == self.open);
        html! {
            @if !self.open.is_empty() && !is_wrong && !is_kept {
                details #save-view .save-view {
                    summary { "Save this view" }
                    form.actions method="post" action=(link(PATH)) {
                        (self.place())
                        input.form-control type="text" name="name" maxlength="60" required autocomplete="off" aria-label="Name of the view" placeholder="Name";
                        button.btn type="submit" { "Save" }
                    }
                }
            }
        }
    }

    /// The fields that say which list is open, and with which query.
    fn place(&self) -> Markup {
        html! {
            input type="hidden" name="page" value=(self.page);
            input type="hidden" name="q" value=(self.open);
        }
    }
}

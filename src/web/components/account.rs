//! Parts of the pages of accounts: the logins of one, the fields of a new password, and the way between these pages.

use super::super::base::{Link, link};
use super::super::caller::Signed;
use super::super::nav::{self, Tab};
use super::card::{card, confirm};
use super::list::table;
use super::time::when;
use crate::actions::people::{self, Password};
use crate::model::{LoginState, Timestamp};
use maud::{Markup, html};

/// The logins of an account, each with the button that ends it. `own` is the number of the login by which the one who looks
/// is known; it comes first.
pub(in crate::web) fn logins_card(
    logins: &[LoginState],
    own: Option<i64>,
    action: &Link,
    now: Timestamp,
) -> Markup {
    let mine = own.filter(|own| logins.iter().any(|login| login.id == *own));
    let (this, rest): (Vec<_>, Vec<_>) = logins.iter().partition(|login| mine == Some(login.id));
    let shown = this.into_iter().chain(rest);
    let rows: Vec<_> = shown.map(|login| row(login, mine, action, now)).collect();
    let several = logins.len() > 1;
    let (word, which, consequence) = if mine.is_some() {
        ("End all others", "others", "Every browser but this one has to sign in again.")
    } else {
        ("End all", "all", "Every browser of this account has to sign in again.")
    };
    let aside = html! {
        @if several {
            (confirm("end-logins", word, &html! { (consequence) }, &html! {
                form method="post" action=(action) hx-post=(action) hx-swap="none" {
                    input type="hidden" name="login" value=(which);
                    button.btn.btn-sm.btn-danger type="submit" { (word) " now" }
                }
            }))
        }
    };
    let columns = ["Browser", "Address", "Signed in", "Last seen", ""];
    card(
        "logins",
        "Sign-ins",
        &aside,
        &html! {
            @if logins.is_empty() {
                p.card-body.soft { "No browser is signed in to this account." }
            } @else {
                (table("Sign-ins", &columns, &rows))
            }
        },
    )
}

fn row(login: &LoginState, mine: Option<i64>, action: &Link, now: Timestamp) -> Markup {
    let is_this = mine == Some(login.id);
    html! {
        tr {
            td.note { (login.browser) @if is_this { " " span.badge.tag-ok { "this browser" } } }
            td data-label="Address" { (login.remote) }
            td data-label="Signed in" { (when(login.began_at, now)) }
            td data-label="Last seen" { (when(login.used_at, now)) }
            td {
                form method="post" action=(action) hx-post=(action) hx-swap="none" {
                    input type="hidden" name="login" value=(login.id);
                    button.btn.btn-sm type="submit" aria-label={ "End the login of " (login.browser) ", number " (login.id) } {
                        @if is_this { "Sign out" } @else { "End" }
                    }
                }
            }
        }
    }
}

/// The two fields of a new password. `id` tells them from those of another form of the page.
pub(in crate::web) fn password_fields(id: &str) -> Markup {
    let (first, again) = (format!("{id}-password"), format!("{id}-repeat"));
    html! {
        div.setting {
            label.form-label for=(first) { "New password" }
            input .form-control id=(first) name="password" type="password" autocomplete="new-password" minlength="12" maxlength="128"
                required aria-describedby={ (first) "-hint" };
            small.form-hint id={ (first) "-hint" } { (Password::RULE) }
        }
        div.setting {
            label.form-label for=(again) { "The same again" }
            input .form-control id=(again) name="repeat" type="password" autocomplete="new-password" required;
        }
    }
}

/// The way between the pages of settings; `open` is the address of the one that is open.
pub(in crate::web) fn settings_tabs(who: &Signed, open: &str, has_program: bool) -> Markup {
    let has_people = who.login.is_some() && people::may_manage(who.role());
    let pages = [
        (Tab::Settings.path(), "General", true),
        (nav::AGENT_SETTINGS, "Agents and budgets", has_program),
        (nav::TRACKER_SETTINGS, "Issue tracker", has_program),
        (nav::PEOPLE, "Users and roles", has_people),
        (nav::TOKENS, "API tokens", who.login.is_some()),
        (nav::RETENTION_SETTINGS, "Retention", true),
        (nav::SYSTEM, "System", true),
        (nav::AUDIT, "Audit log", true),
        (nav::OWN, "Your account", who.login.is_some()),
    ];
    html! {
        nav.tabs.page-tabs aria-label="Pages of settings" {
            @for (path, title, _) in pages.into_iter().filter(|(_, _, is_shown)| *is_shown) {
                a href=(link(path)) aria-current=[(path == open).then_some("page")] { (title) }
            }
        }
    }
}

//! The forms that ask for a session.

use super::super::base::link;
use super::super::icon::{Icon, icon};
use super::super::nav;
use super::notice::{Tone, notice};
use crate::actions::sessions;
use crate::model::{JobId, Profile, Role};
use maud::{Markup, html};

/// The form that asks for a session, or the reason why there is none.
pub(in crate::web) fn session_form(role: Role, unready: Option<&str>) -> Markup {
    html! {
        section #ad-hoc .card {
            div.card-header { h2.card-title { "Ask agent" } }
            div.card-body {
                @if !sessions::may_trigger(role) {
                    p.soft { "Your role sees sessions; asking for one needs the role admin." }
                } @else {
                    @if let Some(reason) = unready { (notice(Tone::Look, &html! { (reason) }, &html! {})) }
                    (fields(unready.is_none()))
                }
            }
        }
    }
}

fn fields(ready: bool) -> Markup {
    let prompt = html! {
        textarea.form-control name="prompt" rows="3" aria-label="Prompt" disabled[!ready]
            placeholder="Describe what you want Claude to check or fix..." {}
    };
    html! {
        (form_around(&html! {
            (prompt)
            details #trigger-options {
                summary { "Tier, profile, model, budget" }
                div.fields {
                    label {
                        span { "Tier" }
                        select.form-select name="tier" {
                            option value="" { "1, or 3 with a profile that writes" }
                            option value="1" { "1, observe" }
                            option value="2" { "2, investigate" }
                            option value="3" { "3, remediate" }
                        }
                    }
                    label { span { "Model" } input.form-control name="model" placeholder="as the tier says" maxlength="100"; }
                    label { span { "Working directory" } input.form-control name="working_dir" placeholder="a folder of its own" maxlength="4000"; }
                    label { span { "Budget, $" } input.form-control name="budget_usd" inputmode="decimal" placeholder="as set" maxlength="12"; }
                    fieldset {
                        legend { "Profile" }
                        label { input type="radio" name="profile" value="" checked; " as the tier says" }
                        @for (profile, what) in [(Profile::ReadOnly, "looks only"), (Profile::Workspace, "writes in its working directory")] {
                            label { input type="radio" name="profile" value=(profile); " " (profile) ": " (what) }
                        }
                        (full_profile())
                    }
                }
            }
            div.actions {
                button.btn.btn-primary type="submit" disabled[!ready] { (icon(Icon::PlayerPlay)) "Run Now" }
            }
        }))
    }
}

/// The choice of the profile full, in red, with the box that confirms it.
fn full_profile() -> Markup {
    html! {
        div.profile-full {
            label { input type="radio" name="profile" value="full"; " full: no sandbox, whatever the server's user may" }
            (confirmation())
        }
    }
}

fn confirmation() -> Markup {
    html! { label { input type="checkbox" name="confirm" value="full"; " I want it without a sandbox" } }
}

/// The form that continues a session with a further prompt.
pub(in crate::web) fn continue_form(id: JobId, full: bool) -> Markup {
    form_around(&html! {
        input type="hidden" name="continues" value=(id);
        textarea.form-control name="prompt" rows="3" aria-label="Follow-up prompt" placeholder="What next? The agent remembers this session." {}
        @if full { div.profile-full { (confirmation()) } }
        div.actions { button.btn.btn-primary type="submit" { "Continue" } }
    })
}

fn form_around(fields: &Markup) -> Markup {
    let action = link(nav::TRIGGER);
    html! {
        form.trigger-form method="post" action=(action) hx-post=(action) hx-target="#trigger-result" hx-swap="innerHTML"
            hx-disabled-elt="find button" {
            input type="hidden" name="line_ends" value="crlf";
            (fields)
        }
        div #trigger-result aria-live="polite" {}
    }
}

//! The editor of the prompt that the agent gets for a scan.

use super::super::base::link;
use super::super::components::{Tone, confirm, notice};
use super::super::setting::{Said, not_taken};
use crate::actions::prompts::{self, TEXT_FIELD};
use crate::model::Role;
use crate::monitor::prompt::{self, PLACEHOLDERS, Template};
use maud::{Markup, html};

/// The address that the form posts to.
pub(in crate::web) const CHANGE_PATH: &str = "/admin/self-monitoring/prompt";

/// What can be saved here, and what the page says of it.
pub(super) const SAVED: &[(&str, &str)] = &[
    ("prompt", "The prompt is saved. The next scan uses it."),
    (
        "reverted",
        "The prompt is the shipped one again, and follows it when Lamplighter is upgraded.",
    ),
];

/// The editor, which an admin unfolds. Other people see the text.
pub(in crate::web) fn section(template: &Template, role: Role, said: &Said) -> Markup {
    let banner = said.banner();
    let is_open = !banner.0.is_empty();
    html! {
        section #prompt .card {
            details #prompt-editor open[is_open] {
                summary.card-header {
                    h2.card-title { "Prompt" }
                    span.actions {
                        @if template.modified { span.badge.tag-warn { "Modified" } }
                        @else { span.badge { "As shipped" } }
                        span.btn.btn-sm { @if prompts::may_change(role) { "Edit" } @else { "Show" } }
                    }
                }
                div.card-body.lines {
                    (banner)
                    @if prompts::may_change(role) { (editor(template, said)) } @else { pre tabindex="0" { (template.text) } }
                }
            }
        }
    }
}

fn editor(template: &Template, said: &Said) -> Markup {
    let text = said.shown(TEXT_FIELD, &template.text);
    let unknown = prompt::unknown_placeholders(text);
    let missing = prompt::missing_placeholders(text);
    let action = link(CHANGE_PATH);
    html! {
        form.lines method="post" action=(action) hx-post=(action) hx-target="#prompt" hx-swap="outerHTML"
            hx-disabled-elt="find button" {
            // The line break after the tag is not part of the text.
            textarea.form-control.prompt-text name="text" rows="18" spellcheck="false" aria-label="Prompt of scans"
                aria-describedby="prompt-hint prompt-wrong" { "\n" (text) }
            (not_taken("prompt", said.wrong(TEXT_FIELD)))
            @if !unknown.is_empty() {
                (notice(Tone::Look, &html! {
                    "These are no placeholders, and stay in the prompt as they are:"
                    @for name in &unknown { " " code { "{" (name) "}" } }
                }, &html! {}))
            }
            @if !missing.is_empty() {
                (notice(Tone::Look, &html! {
                    "The prompt lacks:"
                    @for (name, what) in &missing { br; code { (name) } ", so that the agent is not told of " (what) "." }
                }, &html! {}))
            }
            dl.facts #prompt-hint {
                @for (name, what) in PLACEHOLDERS { dt { code { (name) } } dd { (what) } }
            }
            div.actions { button.btn.btn-primary type="submit" { "Save prompt" } }
        }
        @if template.modified {
            (confirm("prompt-revert", "Revert to default", &html! {
                "The edited prompt is thrown away, and the shipped one holds again."
            }, &html! {
                form method="post" action=(action) hx-post=(action) hx-target="#prompt" hx-swap="outerHTML" {
                    input type="hidden" name="revert" value="yes";
                    button.btn.btn-sm.btn-danger type="submit" { "Revert now" }
                }
            }))
        }
    }
}

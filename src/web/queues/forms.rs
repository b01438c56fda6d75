//! The forms of one queue above the list of queues, and what was done by them.

use super::super::base::link;
use super::super::clocks::Clocks;
use super::super::components::{Tone, card, grouped, notice};
use crate::actions::queues;
use crate::model::QueueState;
use maud::{Markup, html};

/// The form that the address names, for its queue. It is beside the live part, whose renewal would take away what somebody
/// types.
pub(super) fn open_form(queue: &QueueState, open: Option<&str>) -> Markup {
    let name = queue.name.as_str();
    let back = html! { a.btn.btn-quiet href=(link(super::PATH)) { "Go back" } };
    let limit = || {
        let title = format!("Limit of {name}");
        let value = queue.operator_limit.map(|limit| limit.to_string());
        let form = html! {
            form.card-body.settings-form method="post" action=(link(super::LIMIT_PATH)) {
                input type="hidden" name="queue" value=(name);
                div.setting {
                    label.form-label for="limit" { "Jobs at a time" }
                    input #limit .form-control name="limit" value=[value] autocomplete="off" inputmode="numeric" maxlength="5" aria-describedby="limit-hint" autofocus;
                    small #limit-hint .form-hint { "0 to 10,000. Empty: the program's own limit." }
                }
                div.actions { button.btn.btn-primary type="submit" { "Set the limit of " (name) } (back) }
            }
        };
        card("queue-limit", &title, &html! {}, &form)
    };
    let pause = || {
        let title = format!("Pause {name}");
        let form = html! {
            form.card-body.settings-form method="post" action=(link(super::PAUSE_PATH)) {
                input type="hidden" name="queue" value=(name);
                p.sub { "Nothing more of it starts; what runs goes on." }
                div.setting-row {
                    div.setting {
                        label.form-label for="pause-reason" { "Reason" }
                        input #pause-reason .form-control name="reason" autocomplete="off" maxlength=(queues::MAX_REASON) aria-describedby="pause-reason-hint" autofocus;
                        small #pause-reason-hint .form-hint { "Everybody sees it." }
                    }
                    div.setting {
                        label.form-label for="pause-minutes" { "Resume" }
                        select #pause-minutes .form-select name="minutes" {
                            @for (length, words) in RESUMES { option value=(length) selected[length == USUAL] { (words) } }
                        }
                    }
                }
                div.actions { button.btn.btn-primary type="submit" { (title) } (back) }
            }
        };
        card("queue-pause", &title, &html! {}, &form)
    };
    html! {
        @match open {
            Some("pause") if queue.pause.is_none() => div.open-form { (pause()) },
            Some("limit") => div.open-form { (limit()) },
            _ => {}
        }
    }
}

/// What was done to a queue, as long as it is still so.
pub(super) fn done_notice(queue: &QueueState, done: Option<&str>, clocks: Clocks) -> Markup {
    let name = html! { b { (queue.name) } };
    let text = match (done, &queue.pause) {
        (Some("paused"), Some(pause)) => {
            let until = pause.resume_at.map(|at| clocks.minute(at));
            html! { (name) " is paused until " (until.as_deref().unwrap_or("somebody resumes it")) "." }
        }
        (Some("resumed"), None) => html! { (name) " is resumed: its jobs start again." },
        (Some("limited"), _) => {
            html! { (name) " runs at most " (grouped(queue.limit())) " at a time." }
        }
        _ => return html! {},
    };
    notice(Tone::Ok, &text, &html! {})
}

/// When a paused queue resumes by itself, as the form offers it.
const RESUMES: [(&str, &str); 5] = [
    ("", "when I say so"),
    ("15m", "in 15 min"),
    ("1h", "in 1 h"),
    ("8h", "in 8 h"),
    (TOMORROW, "tomorrow 08:00"),
];
/// The one that is chosen at first.
const USUAL: &str = "1h";
/// The value of the last of them, by the clocks of the person who pauses the queue.
pub(super) const TOMORROW: &str = "tomorrow";

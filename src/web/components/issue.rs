//! Parts of issues that their list and their pages share: class, state, trend, and the steps of their lives.

use super::super::icon::{Icon, icon};
use super::super::nav;
use super::super::text_link::may_link;
use super::time::when;
use crate::model::{
    Classification, Issue, IssueMove, IssueState, IssueStep, SeenOverTime, Timestamp, Trend,
};
use maud::{Markup, html};

/// What kind of problem an issue is.
pub(in crate::web) fn class_badge(class: Classification) -> Markup {
    let word = match class {
        Classification::ServerBug => "Server bug",
        Classification::ClientMisuse => "Client misuse",
        Classification::DocumentationGap => "Documentation gap",
    };
    html! { span class={ "badge badge-" (class.as_str()) } { (word) } }
}

/// Whether an issue is open, and whether somebody has muted it.
pub(in crate::web) fn issue_state(issue: &Issue) -> Markup {
    let (class, shape, word) = match issue.state {
        IssueState::Open => ("st st-open", Icon::CircleDotted, "Open"),
        IssueState::Completed { .. } => ("st st-completed", Icon::CircleCheck, "Closed, completed"),
        IssueState::NotPlanned { .. } if issue.duplicate_of.is_some() => {
            ("st st-cancelled", Icon::Ban, "Closed, duplicate")
        }
        IssueState::NotPlanned { .. } => ("st st-cancelled", Icon::Ban, "Closed, not planned"),
    };
    html! {
        span class=(class) { (icon(shape)) (word) }
        @if issue.muted { " " span.badge title="It is reported again only if it is seen ten times as often" { "Muted" } }
    }
}

/// The word for what is not as before.
pub(in crate::web) fn issue_trend(seen: &SeenOverTime) -> Markup {
    let class = match seen.trend {
        Trend::New => "badge tag-warn",
        Trend::Growing => "badge tag-bad",
        Trend::Gone => "badge",
        Trend::Steady => return html! {},
    };
    html! { span class=(class) title=(seen.sentence()) { (seen.word()) } }
}

/// The life of an issue, newest first.
pub(in crate::web) fn issue_steps(steps: &[IssueStep], now: Timestamp) -> Markup {
    html! {
        ol.timeline {
            @for step in steps {
                @let (class, shape) = mark(step.to);
                li {
                    span class={ "mark " (class) } { (icon(shape)) }
                    div {
                        b {
                            @match step.url.as_deref().filter(|url| is_web_link(url)) {
                                Some(url) => a href=(url) rel="noreferrer" { (step.said) },
                                None => (step.said),
                            }
                        }
                        @if let Some(scan) = step.scan { " by " a href=(nav::job(scan)) { "scan " (scan) } }
                        " · " (when(step.at, now))
                    }
                }
            }
        }
    }
}

/// The look of a step.
const fn mark(to: IssueMove) -> (&'static str, Icon) {
    match to {
        IssueMove::Found => ("", Icon::Search),
        IssueMove::Approved => ("mark-completed", Icon::Check),
        IssueMove::Rejected => ("mark-failed", Icon::X),
        IssueMove::Filed => ("", Icon::GitPullRequest),
        IssueMove::Refused => ("mark-failed", Icon::AlertCircle),
        IssueMove::Closed => ("mark-completed", Icon::CircleCheck),
        IssueMove::Reopened => ("mark-running", Icon::CircleDotted),
        IssueMove::Muted => ("", Icon::Ban),
    }
}

/// The number of an issue, as a link to its page at its tracker where that may be one, else to its page here.
pub(in crate::web) fn issue_number(issue: &Issue) -> Markup {
    let Some(number) = issue.number else { return html! { "not filed yet" } };
    let there = issue.url.as_deref().filter(|url| is_web_link(url));
    html! {
        @match there {
            Some(url) => a.over href=(url) rel="noreferrer" { "#" (number) },
            None => a.over href=(nav::issue(issue.id)) { "#" (number) },
        }
    }
}

/// Whether a stored address may become a link: one of the public web may, and so neither `javascript:` nor this machine (S16).
pub(in crate::web) fn is_web_link(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://")) && may_link(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::JobId;

    #[test]
    fn a_step_names_its_scan_and_leads_to_the_public_web_alone() {
        let at = Timestamp::from_millis(1_800_000_000_000);
        let step = |url: &str| IssueStep {
            at,
            to: IssueMove::Filed,
            said: "Filed as #<3>".into(),
            scan: Some(JobId(7)),
            url: Some(url.into()),
        };
        let said = |url| issue_steps(&[step(url)], at).into_string();
        let there = said("https://github.com/ann/shop/issues/3");
        assert!(there.contains(r#"<a href="https://github.com/ann/shop/issues/3""#), "{there}");
        assert!(there.contains("Filed as #&lt;3&gt;") && there.contains(r#"href="/jobs/7""#));
        for url in ["javascript:alert(1)", "http://127.0.0.1/x", "/queues"] {
            assert!(!said(url).contains(&format!("href=\"{url}")), "{url}");
        }
    }
}

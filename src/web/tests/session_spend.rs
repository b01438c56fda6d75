//! Tests of what the list of sessions says of their cost, and of the figures over it.

use super::agent::{Run, asked};
use super::work::error;
use super::*;
use crate::model::{Outcome, RunEnding, SessionEnd, SessionRequest};
use std::time::Duration;

#[tokio::test]
async fn spend_is_shown_by_day_kind_and_schedule() {
    let mut site = Site::signed_in().await;
    for cost in [1.25, 0.5] {
        let end = SessionEnd { cost_usd: Some(cost), ..SessionEnd::new(RunEnding::Done) };
        let run = Run::of(&site, SessionRequest::of("look")).await;
        run.finish(end, Outcome::Done(true.into())).await;
        site.web.clock.advance(Duration::from_hours(24));
    }
    // The login of two days ago has ended.
    let (admin, _) = site.web.store.account("admin".into()).await.unwrap().unwrap();
    site.cookie = site.login(&admin, "another login id").await;
    let page = site.see("/sessions").await.body;
    let card = page.split("id=\"spend\"").nth(1).unwrap();
    for text in ["agent_session", "$1.75", "2027-01-15: $1.25", "2027-01-16: $0.50"] {
        assert!(card.contains(text), "{text}");
    }
    assert_eq!(card.matches("<rect x=").count(), 2);
    assert!(card.contains("$0.00 of $20.00"), "nothing today");
}

#[tokio::test]
async fn tiles_tell_what_was_spent_what_runs_and_what_failed_and_lead_to_it() {
    let mut site = Site::signed_in().await;
    for (cost, outcome) in [(1.25, Outcome::Done(true.into())), (0.5, Outcome::Fatal(error("no")))]
    {
        let end = SessionEnd { cost_usd: Some(cost), ..SessionEnd::new(RunEnding::Done) };
        Run::of(&site, SessionRequest::of("look")).await.finish(end, outcome).await;
        site.web.clock.advance(Duration::from_hours(24));
    }
    let (admin, _) = site.web.store.account("admin".into()).await.unwrap().unwrap();
    site.cookie = site.login(&admin, "another login id").await;
    let end = SessionEnd { cost_usd: Some(0.25), ..SessionEnd::new(RunEnding::Done) };
    Run::of(&site, SessionRequest::of("look")).await.finish(end, Outcome::Done(true.into())).await;
    asked(&site, SessionRequest::of("now")).await;
    asked(&site, SessionRequest::of("later")).await;
    let run = Run::next(&site).await;
    let page = site.see("/sessions").await.body;
    let told = page.split("id=\"session-tiles\"").nth(1).unwrap();
    let told = told.split("</form>").next().unwrap();
    let tile = |label: &str| {
        let label = format!("<span class=\"label\">{label}</span>");
        let (before, rest) = told.split_once(&label).unwrap_or_else(|| panic!("{label}: {told}"));
        let link = before.rsplit("href=\"").next().unwrap().split('"').next().unwrap();
        (link.replace("&amp;", "&"), rest.split("</a>").next().unwrap().to_owned())
    };
    let (link, today) = tile("Spent today");
    assert!(today.contains(">$0.25<") && today.contains("of $20.00 a day"), "{today}");
    assert!(today.contains("meter") && link == "/sessions#spend", "{link} {today}");
    let (_, week) = tile("Spent, 7 d");
    assert!(week.contains(">$2.00<") && week.contains("2027-01-16: $0.50"), "{week}");
    let (_, running) = tile("Running");
    assert!(running.contains(">1<") && running.contains("1 waits"), "{running}");
    let (link, failed) = tile("Failed, 7 d");
    assert!(failed.contains(">1<") && failed.contains("of 3 that completed or failed"), "{failed}");
    let listed = site.see(&link).await.body;
    assert_eq!(listed.matches("<tr id=\"row-").count(), 1, "{link}");
    let part = told.split("hx-get=\"").nth(1).unwrap_or(&page);
    let part = part.split('"').next().unwrap().replace("&amp;", "&");
    assert_eq!(site.part(&part).await.status, StatusCode::NO_CONTENT, "{part}");
    run.done("").await;
    assert!(site.part(&part).await.body.contains("of 4 that completed or failed"), "{part}");
}

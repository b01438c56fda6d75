//! Tests of the chart of what jobs did: its address, its zone, and where its bars lead.

use super::work::{assert_inert, enqueue, error, poll, settle};
use super::*;
use crate::model::Outcome;
use std::time::Duration;

/// The addresses that a page has in a place, as a browser follows them.
fn links(body: &str, begins: &str) -> Vec<String> {
    let links = body.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    links.filter(|link| link.starts_with(begins)).map(|link| link.replace("&amp;", "&")).collect()
}

/// Two jobs of a kind fail and one of another kind completes.
async fn some_ends(site: &Site) {
    for kind in ["send_mail", "send_mail", "make_image"] {
        enqueue(site, kind).await;
        let lease = poll(site, kind).await.unwrap();
        let outcome = match kind {
            "send_mail" => Outcome::Fatal(error("refused")),
            _ => Outcome::Done(true.into()),
        };
        settle(site, lease, outcome).await;
    }
}

/// The chart of a page.
async fn chart(site: &Site, query: &str) -> String {
    let body = site.see(&format!("/{query}")).await.body;
    assert_inert(&body);
    let card = body.split("id=\"throughput\"").nth(1).unwrap_or_else(|| panic!("{body}"));
    card.split("id=\"failures\"").next().unwrap().to_owned()
}

#[tokio::test]
async fn a_bar_leads_to_just_its_jobs_whatever_they_are_told_apart_by() {
    let site = Site::signed_in().await;
    some_ends(&site).await;
    for (by, parts) in [
        ("status", vec![("Completed", 1), ("Failed", 2)]),
        ("kind", vec![("send_mail", 2), ("make_image", 1)]),
        ("queue", vec![("default", 3)]),
    ] {
        for range in ["1h", "24h", "7d", "30d"] {
            let chart = chart(&site, &format!("?range={range}&by={by}")).await;
            let mut counts: Vec<_> = parts.iter().map(|(_, count)| *count).collect();
            for (name, count) in &parts {
                assert!(chart.contains(&format!("{name} <b>{count}</b>")), "{range} {by}: {chart}");
            }
            let bars = chart.split("Numbers as a table").next().unwrap();
            let mut found = Vec::new();
            for link in links(bars, "/jobs?") {
                let listed = site.see(&link).await.body;
                found.push(listed.matches("<tr id=\"row-").count());
            }
            counts.push(3);
            counts.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, counts, "the whole bar and its parts: {range} {by}");
            let table = chart.split("Numbers as a table").nth(1).unwrap();
            assert_eq!(links(table, "/jobs?").len(), counts.len(), "{table}");
        }
    }
}

#[tokio::test]
async fn the_choices_stay_in_the_address_and_one_that_is_none_is_refused() {
    let site = Site::signed_in().await;
    some_ends(&site).await;
    let chart = chart(&site, "?range=7d&by=kind").await;
    for link in ["/?range=1h&amp;by=kind#throughput", "/?range=7d&amp;by=queue#throughput"] {
        assert!(chart.contains(&format!("href=\"{link}\"")), "{link}: {chart}");
    }
    assert_eq!(chart.matches("aria-current=\"true\"").count(), 2);
    let body = site.see("/?range=7d&by=kind").await.body;
    assert!(body.contains("hx-get=\"/dashboard/latest?range=7d&amp;by=kind&amp;v="), "{body}");
    for wrong in ["?range=2h", "?by=colour"] {
        let answer = site.see(&format!("/{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn the_part_is_sent_again_when_a_job_has_ended_and_when_an_hour_has_begun() {
    let site = Site::signed_in().await;
    some_ends(&site).await;
    let body = site.see("/?range=24h&by=queue").await.body;
    let part = body.split("hx-get=\"").map(|rest| rest.split('"').next().unwrap());
    let part = part.filter(|link| link.starts_with("/dashboard/latest")).last().unwrap();
    let part = part.replace("&amp;", "&");
    assert_eq!(site.part(&part).await.status, StatusCode::NO_CONTENT);
    // Somebody who looks at pages in between stays signed in.
    for _ in 0..6 {
        site.web.clock.advance(Duration::from_mins(12));
        assert_eq!(site.see("/jobs").await.status, StatusCode::OK);
    }
    let later = site.part(&part).await;
    assert_eq!(later.status, StatusCode::OK);
    assert!(later.body.contains("default <b>3</b>"));
}

#[tokio::test]
async fn the_axis_is_that_of_the_viewers_clocks_and_names_them() {
    let site = Site::signed_in().await;
    some_ends(&site).await;
    assert!(chart(&site, "").await.contains("Times in UTC."));
    let request = ask(Method::GET, "/").header("accept", BROWSER);
    let cookie = format!("{}; lamplighter-zone=Asia/Kolkata", site.cookie);
    let body = site.send(bare(request.header("cookie", cookie))).await.body;
    // 08:00 UTC; hours of this zone begin at the half hours of UTC.
    assert!(
        body.contains("Times in Asia/Kolkata.") && body.contains("15 Jan 13:00–14:00"),
        "{body}"
    );
}

#[tokio::test]
async fn a_range_in_which_nothing_happened_says_so_and_lets_one_look_back() {
    let site = Site::signed_in().await;
    let chart = chart(&site, "?range=1h").await;
    assert!(chart.contains("No job has started or ended in the last 1 h."), "{chart}");
    assert!(!chart.contains("<svg") && links(&chart, "/?range=30d").len() == 1);
}

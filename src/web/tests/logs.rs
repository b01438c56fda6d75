//! Tests of the page of log rows.

use super::*;
use crate::model::{Level, NewLogRow};

fn row(level: Level, source: &str, message: &str, correlation: Option<&str>) -> NewLogRow {
    NewLogRow {
        correlation_id: correlation.map(str::to_owned),
        ..NewLogRow::new("2027-01-15T08:00:00Z", level, source, message)
    }
}

/// The numbers of the rows that the page shows, in its order.
async fn listed(site: &Site, query: &str) -> Vec<usize> {
    let answer = site.see(&format!("/logs{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}");
    let rows = answer.body.split("row-number-").skip(1);
    rows.map(|rest| rest.split('.').next().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn the_list_follows_its_filters() {
    let site = Site::signed_in().await;
    let rows = vec![
        row(Level::Debug, "shop.web", "row-number-1. started", Some("req-1")),
        row(
            Level::Warning,
            "shop.web",
            "[SHOP-API-021] row-number-2. token refused",
            Some("req-1"),
        ),
        row(
            Level::Error,
            "shop.pay",
            "[SHOP-PAY-014] row-number-3. payment TIMED out",
            Some("req-2"),
        ),
        row(Level::Critical, "shop.pay", "row-number-4. no disk", None),
    ];
    site.logs().append(rows).await.unwrap();
    for (query, numbers) in [
        ("", vec![4, 3, 2, 1]),
        ("?level=DEBUG", vec![4, 3, 2, 1]),
        ("?level=warning", vec![4, 3, 2]),
        ("?level=ERROR", vec![4, 3]),
        ("?level=CRITICAL&source=shop.web", vec![]),
        ("?source=shop.web", vec![2, 1]),
        ("?code=SHOP-PAY-014", vec![3]),
        ("?text=timed+out", vec![3]),
        ("?text=+token+&level=&source=&code=&correlation_id=", vec![2]),
        ("?correlation_id=req-1", vec![2, 1]),
        ("?correlation_id=req-1&level=WARNING", vec![2]),
        ("?before=3", vec![2, 1]),
        ("?text=%25", vec![]),
    ] {
        assert_eq!(listed(&site, query).await, numbers, "{query}");
    }
    let page = site.see("/logs?level=ERROR&text=out").await.body;
    assert!(page.contains(r#"<option value="ERROR" selected>"#) && page.contains(">Clear</a>"));
    assert!(page.contains(r#"href="/logs?correlation_id=req-2""#));
    let none = site.see("/logs?text=nothing+like+it").await.body;
    assert!(none.contains("No such rows") && none.contains("Show all rows"));
}

#[tokio::test]
async fn the_list_goes_on_where_the_page_ends() {
    let site = Site::signed_in().await;
    let empty = site.see("/logs").await.body;
    assert!(empty.contains("No log rows yet") && empty.contains("lamplighter logs import"));
    let rows = (1..=51).map(|n| row(Level::Info, "shop", &format!("row-number-{n}."), None));
    site.logs().append(rows.collect()).await.unwrap();
    let first = site.see("/logs?source=shop").await.body;
    assert!(
        first.contains(r#"href="/logs?source=shop&amp;before=2""#) && !first.contains("Newest")
    );
    assert_eq!(listed(&site, "?source=shop&before=2").await, [1]);
    assert!(site.see("/logs?source=shop&before=2").await.body.contains("Newest"));
}

#[tokio::test]
async fn long_and_many_lined_messages_are_folded_and_whole() {
    let site = Site::signed_in().await;
    let trace = "panic\n  at lamp.rs:7\n  at wick.rs:9";
    site.logs().append(vec![row(Level::Error, "shop", trace, None)]).await.unwrap();
    let page = site.see("/logs").await.body;
    assert!(page.contains(r#"<details id="message-1"><summary>panic…</summary>"#));
    assert!(page.contains(&format!("<pre>{trace}</pre>")));
}

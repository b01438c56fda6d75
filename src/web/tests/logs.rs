//! Tests of the page of log rows.

use super::work::{complete_with_issue, run_now};
use super::*;
use crate::model::{Level, LogTable, NewLogRow, Tracker};
use crate::store::ForeignLog;

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
async fn the_page_counts_levels_sources_and_codes_and_each_bar_leads_to_its_rows() {
    let site = Site::signed_in().await;
    let at = |hour: usize, level, message: &str| {
        NewLogRow::new(format!("2027-01-15T{hour:02}:30:00Z"), level, "shop.web", message)
    };
    let mut rows: Vec<_> =
        (1..=7).map(|hour| at(hour, Level::Info, "row-number-1. tick")).collect();
    rows.push(at(7, Level::Error, "[SHOP-PAY-014] row-number-2. no answer"));
    site.logs().append(rows).await.unwrap();
    let page = site.see("/logs").await.body;
    for text in [
        "<span>INFO</span><span>7</span>",
        "<span>shop.web</span><span>8</span>",
        "<span>SHOP-PAY-014</span><span>1</span>",
        r#"<a href="/logs?code=SHOP-PAY-014" title="Rows with SHOP-PAY-014">SHOP-PAY-014</a>"#,
        "1 errors, 0 warnings, 1 others",
        "Numbers as a table",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert_eq!(page.matches("class=\"hit\"").count(), 7, "{page}");
    let picture = page.split("<svg class=\"hist\"").nth(1).unwrap().split("</svg>").next().unwrap();
    let bar = picture.rsplit("href=\"").next().unwrap().split('"').next().unwrap();
    let bar = bar.strip_prefix("/logs").unwrap().replace("&amp;", "&");
    assert_eq!(listed(&site, &bar).await, [2, 1], "{bar}");
    for (query, numbers) in [
        ("?since=2027-01-15T07:00&until=2027-01-15T08:00", vec![2, 1]),
        ("?since=2027-01-15T07:00&level=ERROR", vec![2]),
        ("?since=2027-01-16", vec![]),
        ("?since=1h", vec![2, 1]),
    ] {
        assert_eq!(listed(&site, query).await, numbers, "{query}");
    }
    let refused = site.see("/logs?since=soon").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("a time is written 24h"), "{}", refused.body);
    // The form is kept as it was typed, and what of it can be read is shown.
    assert!(refused.body.contains(r#"value="soon""#), "{}", refused.body);
    let shown = site.see("/logs?since=soon&until=later&level=LOUD&ids=x&before=0").await;
    assert_eq!(shown.status, StatusCode::BAD_REQUEST);
    assert_eq!(shown.body.matches("log-list").count(), refused.body.matches("log-list").count());
    assert!(!shown.body.contains("To the start page"), "{}", shown.body);
    let upside_down = site.see("/logs?since=2027-01-15T09:00&until=2027-01-15T07:00").await;
    assert!(upside_down.body.contains("ends before it begins"), "{}", upside_down.body);
    assert!(upside_down.body.contains("log-list"), "{}", upside_down.body);
    let part = site.part("/logs/part").await.body;
    assert!(!part.contains("class=\"hist\""), "the picture holds still");
}

#[tokio::test]
async fn what_is_shown_is_a_file_in_two_forms() {
    let site = Site::signed_in().await;
    let rows = vec![
        row(Level::Info, "shop", "fine, \"so far\"", None),
        row(Level::Error, "shop", "=cmd()", Some("req-1")),
    ];
    site.logs().append(rows).await.unwrap();
    let page = site.see("/logs?level=ERROR").await.body;
    assert!(page.contains(r#"href="/logs/export?level=ERROR&amp;as=csv""#), "{page}");
    let lines = site.see("/logs/export?as=ndjson&before=1000").await;
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    assert!(lines.header("content-disposition").contains("logs-20270115-080000.ndjson"));
    let read: Vec<serde_json::Value> =
        lines.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((read.len(), &read[1]["message"]), (2, &"fine, \"so far\"".into()));
    let csv = site.see("/logs/export?as=csv&level=ERROR&whole=yes").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    let end = "2,2027-01-15T08:00:00Z,ERROR,shop,\"'=cmd()\",req-1,,,\r\n";
    assert!(csv.body.starts_with("id,timestamp,") && csv.body.ends_with(end), "{}", csv.body);
    let packed = site.see_compressed("/logs/export?as=csv&level=ERROR&whole=yes").await;
    assert_eq!((packed.header("content-encoding"), packed.body.is_empty()), ("gzip", false));
    assert_eq!(site.see("/logs/export?as=xml").await.status, StatusCode::BAD_REQUEST);
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
    assert!(page.contains(
        r#"<details id="message-1"><summary>panic<span class="soft"> · more</span></summary>"#
    ));
    assert!(page.contains("<pre tabindex=\"0\">  at lamp.rs:7\n  at wick.rs:9</pre>"));
}

/// The links to log rows that the page of self-monitoring has for its issues.
async fn evidence(site: &Site) -> Vec<String> {
    let page = site.see("/admin/self-monitoring/issues/1").await.body;
    let links = page.split("href=\"/logs?").skip(1).map(|rest| rest.split('"').next().unwrap());
    links.map(|link| format!("/logs?{}", link.replace("&amp;", "&"))).collect()
}

#[tokio::test]
async fn the_evidence_of_an_issue_leads_to_the_log_that_scans_read() {
    let mut site = Site::signed_in().await;
    let rows =
        |place: &str| vec![row(Level::Error, "shop", &format!("[SHOP-PAY-001] {place}"), None)];
    site.logs().append(rows("of the server")).await.unwrap();
    let path = site.folder.path().join("events.db");
    let events = LogStore::open(&path, OpenMode::Migrate).unwrap();
    events.append(rows("of the shop")).await.unwrap();
    run_now(&site, &[]).await;
    complete_with_issue(&site, "payments fail", Tracker::Local).await;
    let own = evidence(&site).await;
    assert_eq!(own.len(), 4, "its rows, one of them, and its code twice: {own:?}");
    let (columns, levels) = Default::default();
    let table = LogTable { path, table: "logs".into(), id: None, columns, levels };
    site.web.program.as_mut().unwrap().scanned = Some(ForeignLog::new(table));
    site.router = router(site.web.clone(), Access::accounts()).unwrap();
    let scanned = evidence(&site).await;
    assert_eq!(scanned.len(), 4);
    for (links, theirs, others) in
        [(own, "of the server", "of the shop"), (scanned, "of the shop", "of the server")]
    {
        for link in links {
            let page = site.see(&link).await.body;
            assert!(page.contains(theirs) && !page.contains(others), "{link}");
        }
    }
}

#[tokio::test]
async fn an_error_code_leads_to_its_issue_and_else_to_its_rows() {
    let site = Site::signed_in().await;
    let to_rows =
        |code: &str| format!(r#"<a href="/logs?code={code}" title="Rows with {code}">{code}</a>"#);
    let coded = |code: &str| row(Level::Error, "shop", &format!("[{code}] it broke"), None);
    site.logs().append(vec![coded("SHOP-PAY-001"), coded("SHOP-MAIL-002")]).await.unwrap();
    let before = site.see("/logs").await.body;
    for code in ["SHOP-PAY-001", "SHOP-MAIL-002"] {
        assert!(before.contains(&to_rows(code)), "{code}");
    }
    run_now(&site, &[]).await;
    complete_with_issue(&site, "payments fail", Tracker::Local).await;
    let after = site.see("/logs").await.body;
    let link = r#"<a href="/admin/self-monitoring/issues/1" title="The issue of this code">SHOP-PAY-001</a>"#;
    assert!(after.contains(link), "{after}");
    assert!(after.contains(&to_rows("SHOP-MAIL-002")));
}

/// The addresses in a page that begin so.
fn addresses(page: &str, beginning: &str) -> Vec<String> {
    let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let links = links.map(|link| link.replace("&amp;", "&"));
    links.filter(|link| link.starts_with(beginning)).collect()
}

#[tokio::test]
async fn rows_are_grouped_by_what_they_say_and_each_pattern_leads_to_its_lines_and_its_issue() {
    let site = Site::signed_in().await;
    run_now(&site, &[]).await;
    complete_with_issue(&site, "Payments fail", Tracker::Local).await;
    let mut rows: Vec<_> = (1..=70)
        .map(|n| row(Level::Info, "shop.web", &format!("row-number-{n}. of the basket"), None))
        .collect();
    rows.extend((0..30).map(|n| {
        let message = format!("[SHOP-PAY-001] no answer to <b>{n}</b>");
        row(Level::Error, "shop.pay", &message, None)
    }));
    site.logs().append(rows).await.unwrap();
    let lines = site.see("/logs?level=INFO").await.body;
    assert!(addresses(&lines, "/logs?level=INFO&view=patterns").len() == 1, "{lines}");
    let page = site.see("/logs?view=patterns&level=INFO").await.body;
    for text in [
        "All 100 rows that fit were grouped.",
        r#"row-number-<span class="var">‹…›</span>. of the basket"#,
        "no answer to &lt;b&gt;",
        "70.0 %",
        "30.0 %",
        "<code>shop.web</code>",
        r#"<input type="hidden" name="view" value="patterns">"#,
        ">issue ",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(page.find("of the basket") < page.find("no answer to"), "the most frequent is first");
    assert!(!page.contains("sse-connect"), "rows that come in group nothing again");
    let facet = addresses(&page, "/logs?level=ERROR");
    assert!(facet.iter().any(|link| link.contains("view=patterns")), "{facet:?}");
    let of_one: Vec<_> =
        addresses(&page, "/logs").into_iter().filter(|link| link.contains("like=")).collect();
    assert_eq!(of_one.len(), 2, "{of_one:?}");
    let first = site.see(&of_one[0]).await.body;
    let told = |page: &str| page.matches("of the basket</summary>").count();
    assert!(first.contains("<b>70</b> of the 100 rows that were grouped say this"), "{first}");
    assert_eq!((told(&first), first.matches("no answer").count()), (50, 0));
    let older = addresses(&first, "/logs").into_iter().find(|link| link.contains("from=")).unwrap();
    assert_eq!(told(&site.see(&older).await.body), 20, "{older}");
    let of_code = listed(&site, "?code=SHOP-PAY-001&view=patterns").await;
    assert!(of_code.is_empty());
    let gone = site.see("/logs?view=patterns&like=99999").await.body;
    assert!(gone.contains("none of the rows that were grouped now"), "{gone}");
    let none = site.see("/logs?view=patterns&text=nothing+like+it").await.body;
    assert!(
        none.contains("No such rows") && none.contains(r#"href="/logs?view=patterns""#),
        "{none}"
    );
}

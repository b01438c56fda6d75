//! The shop of the examples, killed while it takes orders: each order has its job and each job its order.

use crate::support::STUCK;
use rusqlite::Connection;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

#[path = "../../examples/shop.rs"]
#[expect(dead_code, reason = "the example's own main is not used")]
mod shop;

/// The file of the shop that a child process of the test serves, and how many orders it takes.
const FILE: &str = "LAMPLIGHTER_TEST_SHOP";
const ORDERS: &str = "LAMPLIGHTER_TEST_ORDERS";
/// The beginning of the line that says that an order is stored.
const STORED: &str = "stored order ";

/// What a child process does; in the test's own process it does nothing.
#[test]
fn the_shop_serves_where_a_test_asks_it_to() {
    let (Some(file), Ok(orders)) = (std::env::var_os(FILE), std::env::var(ORDERS)) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let told = |order| println!("\n{STORED}{order}");
    runtime.block_on(shop::serve(Path::new(&file), orders.parse().unwrap(), told)).unwrap();
}

/// Another process that takes orders in this file.
fn serve(file: &Path, orders: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "library_shop::the_shop_serves_where_a_test_asks_it_to", "--nocapture"])
        .env(FILE, file)
        .env(ORDERS, orders.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn count(conn: &Connection, sql: &str) -> i64 {
    conn.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn an_order_and_its_job_are_both_there_or_neither_over_kill_9_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.db");
    let mut acknowledged = Vec::new();
    for kill in 0..12 {
        let mut child = serve(&file, 1_000_000);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut stored = lines.map_while(Result::ok).filter_map(|line| {
            line.strip_prefix(STORED).map(|order| order.parse::<i64>().unwrap())
        });
        // Somewhere in the middle of a transaction, of a claim or of a confirmation.
        acknowledged.extend(stored.by_ref().take(3 + kill * 2));
        child.kill().unwrap();
        acknowledged.extend(stored);
        child.wait().unwrap();
    }
    let end = serve(&file, 0).wait().unwrap();
    assert!(end.success());

    let conn = Connection::open(&file).unwrap();
    conn.busy_timeout(STUCK).unwrap();
    let orders = count(&conn, "SELECT count(*) FROM orders");
    assert!(orders >= acknowledged.len() as i64 && acknowledged.len() >= 12 * 3);
    for order in &acknowledged {
        let found = count(&conn, &format!("SELECT count(*) FROM orders WHERE id = {order}"));
        assert_eq!(found, 1, "order {order} was acknowledged and is lost");
    }
    assert_eq!(count(&conn, "SELECT count(*) FROM jobs"), orders);
    let one_each = "
        SELECT count(*)
        FROM orders
        JOIN jobs ON json_extract(payload, '$.order') = orders.id
        WHERE status = 'completed' AND confirmed = 1";
    let not_done = "
        SELECT json_group_array(json_array(id, status, attempt, interrupted, error))
        FROM jobs
        WHERE status <> 'completed'";
    let not_done: String = conn.query_row(not_done, [], |row| row.get(0)).unwrap();
    assert_eq!(count(&conn, one_each), orders, "not every order is confirmed: {not_done}");
    println!("12 kills: {orders} orders, {} of them acknowledged", acknowledged.len());
}

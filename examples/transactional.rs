//! A job that exists exactly if the application's own rows do: enqueued in the application's transaction (P4).
//!
//! `cargo run --example transactional`
#![allow(clippy::disallowed_methods, reason = "the application opens its own connection")]

use lamplighter::prelude::*;
use lamplighter::store::transactional::{enqueue, rusqlite};
use lamplighter::testing;
use rusqlite::{Connection, TransactionBehavior};
use std::error::Error;

#[derive(Deserialize, Serialize)]
struct ConfirmOrder {
    order: i64,
}

impl Payload for ConfirmOrder {
    const KIND: Kind = Kind::named("confirm_order");
    type Output = ();
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("shop.db");
    let clock = Clock::system();
    // The shop's tables are in the job database itself: one file, one transaction.
    let store = Store::open(&path, OpenMode::Migrate)?;
    let mut shop = Connection::open(&path)?;
    shop.busy_timeout(Duration::from_secs(5))?;
    shop.pragma_update(None, "foreign_keys", true)?;
    // As durable as what Store::enqueue acknowledges.
    shop.pragma_update(None, "synchronous", "FULL")?;
    shop.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL) STRICT", [])?;

    let engine = Engine::builder(store.clone(), clock.clone())
        .on::<ConfirmOrder, _, _>(|context, payload| async move {
            println!("job {} confirms order {}", context.job.id, payload.order);
            Ok(())
        })
        .start()?;

    let oil = order(&mut shop, "lamp oil", true, &clock)?;
    let wick = order(&mut shop, "a wick", false, &clock)?;
    println!("lamp oil: {oil:?}, committed\na wick: {wick:?}, rolled back");
    testing::drain(&store, &clock).await?;

    let orders: i64 = shop.query_row("SELECT count(*) FROM orders", [], |row| row.get(0))?;
    let confirmed = testing::assert_enqueued(&store, "confirm_order", |_| true).await;
    println!("{orders} order is stored; job {} is {}", confirmed.id, confirmed.status);
    assert!(store.job(wick.id()).await?.is_none(), "no order, no job");
    engine.stop(Duration::from_secs(5)).await;
    Ok(())
}

/// Stores an order and the job that confirms it, both or neither.
fn order(
    shop: &mut Connection,
    item: &str,
    paid: bool,
    clock: &Clock,
) -> Result<Enqueued, Box<dyn Error>> {
    // Immediate: the transaction takes its turn to write when it begins, not halfway through.
    let tx = shop.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute("INSERT INTO orders (item) VALUES (?1)", [item])?;
    let order = tx.last_insert_rowid();
    let job = NewJob::of(&ConfirmOrder { order })?.unique(format!("order-{order}"))?;
    let enqueued = enqueue(&tx, &job, clock.now())?;
    if paid { tx.commit() } else { tx.rollback() }?;
    Ok(enqueued)
}

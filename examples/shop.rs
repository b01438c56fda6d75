//! An application's order and the job that confirms it, in one transaction in one file: the job exists exactly if the order
//! does, over kill -9 at any moment (P4).
//!
//! `cargo run --example shop --no-default-features -- shop.db 20` takes 20 orders; kill it and start it again.
#![allow(clippy::disallowed_methods, reason = "the application opens its own connection")]
#![allow(clippy::print_stdout)]

use lamplighter::prelude::*;
use lamplighter::store::transactional::rusqlite;
use lamplighter::testing;
use rusqlite::{Connection, TransactionBehavior};
use std::error::Error;
use std::path::{Path, PathBuf};
use tokio::task::spawn_blocking;

#[derive(Deserialize, Serialize)]
struct ConfirmOrder {
    order: i64,
}

impl Payload for ConfirmOrder {
    const KIND: Kind = Kind::named("confirm_order");
    type Output = ();

    fn rules() -> KindRules {
        // A confirmation kills no process. Without this, a job during which the process dies three times fails.
        KindRules { poison_after: 100, ..KindRules::new(Self::KIND) }
    }
}

/// Confirms orders in the shop's own table.
struct Confirmer {
    shop: PathBuf,
}

impl Handler<ConfirmOrder> for Confirmer {
    async fn run(&self, _: Context, payload: ConfirmOrder) -> Result<(), Outcome> {
        const CONFIRM: &str = "UPDATE orders SET confirmed = 1 WHERE id = ?1";
        let shop = self.shop.clone();
        let confirm = move || connect(&shop)?.execute(CONFIRM, [payload.order]);
        let confirmed = spawn_blocking(confirm).await??;
        // A job runs at least once, so what it does must bear being done again: this does.
        if confirmed == 1 { Ok(()) } else { Err(Outcome::Fatal("there is no such order".into())) }
    }
}

/// The shop's own connection.
fn connect(shop: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open(shop)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.pragma_update(None, "foreign_keys", true)?;
    // As durable as what the engine acknowledges.
    conn.pragma_update(None, "synchronous", "FULL")?;
    Ok(conn)
}

/// Takes so many orders, tells each one's number once it is stored, and returns when all are confirmed.
pub(crate) async fn serve(
    shop: &Path,
    orders: u32,
    mut told: impl FnMut(i64),
) -> Result<(), Box<dyn Error>> {
    const TABLE: &str = "
        CREATE TABLE IF NOT EXISTS orders (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            item TEXT NOT NULL,
            confirmed INTEGER NOT NULL DEFAULT 0) STRICT";
    let (store, clock) = (Store::open_in(shop, OpenMode::Migrate)?, Clock::system());
    let mut conn = connect(shop)?;
    conn.execute(TABLE, [])?;
    let confirmer = Confirmer { shop: shop.to_owned() };
    let engine = Engine::builder(store.clone(), clock.clone()).handler(confirmer).start()?;
    let jobs = engine.jobs();
    for _ in 0..orders {
        // Immediate: the transaction takes its turn to write when it begins, not halfway through.
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute("INSERT INTO orders (item) VALUES ('lamp oil')", [])?;
        let order = tx.last_insert_rowid();
        jobs.enqueue_in(&tx, &ConfirmOrder { order })?;
        tx.commit()?;
        told(order);
        tokio::task::yield_now().await;
    }
    // A server would go on serving.
    testing::drain(&store, &clock).await?;
    engine.stop(Duration::from_secs(5)).await;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut given = std::env::args().skip(1);
    let shop = PathBuf::from(given.next().unwrap_or_else(|| "shop.db".into()));
    let orders = given.next().map_or(Ok(3), |number| number.parse())?;
    serve(&shop, orders, |order| println!("order {order} is stored")).await
}

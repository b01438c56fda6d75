//! A shop on one SQLite file: orders, invoices and mails in tables of its own, and all that is to be done for them as jobs
//! beside them. An order's card is charged, then its invoice is written, then it is mailed, at most two mails a minute to one
//! customer. Each month one statement for each customer is made as a batch, and after it one report.
//!
//! `cargo run --example orders --no-default-features --features web -- orders.db`, then <http://127.0.0.1:8080/admin>
#![allow(clippy::disallowed_methods, reason = "the application opens its own connection")]
#![allow(clippy::print_stdout)]

use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::{Router, serve};
use lamplighter::model::Role;
use lamplighter::prelude::*;
use lamplighter::store::transactional::rusqlite;
use lamplighter::web::{self, Access, Person};
use rusqlite::{Connection, Params, TransactionBehavior};
use std::error::Error;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;
use tokio::task::spawn_blocking;

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS orders (
        id INTEGER PRIMARY KEY, customer TEXT NOT NULL, card TEXT NOT NULL, cents INTEGER NOT NULL,
        paid INTEGER NOT NULL DEFAULT 0) STRICT;
    CREATE TABLE IF NOT EXISTS invoices (order_id INTEGER PRIMARY KEY REFERENCES orders, cents INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS mails (customer TEXT NOT NULL, subject TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE IF NOT EXISTS reports (month TEXT PRIMARY KEY, statements INTEGER NOT NULL) STRICT;";

const WRITE_INVOICE: &str =
    "INSERT OR IGNORE INTO invoices SELECT id, cents FROM orders WHERE id = ?1";
const SEND: &str = "INSERT OR IGNORE INTO mails VALUES (?1, ?2)";

/// Declares a kind: its payload, what its handler answers, and its rules.
macro_rules! payload {
    ($name:ident { $($field:ident: $type:ty),* }, $kind:literal, $rules:expr) => {
        #[derive(Serialize, Deserialize)]
        pub(crate) struct $name { $(pub(crate) $field: $type),* }
        impl Payload for $name {
            const KIND: Kind = Kind::named($kind);
            type Output = ();
            fn rules() -> KindRules { $rules(KindRules::new(Self::KIND)) }
        }
    };
}

fn two_a_minute(rules: KindRules) -> KindRules {
    KindRules { rate: Some(Rate::per(Duration::from_mins(1), 2).by_key()), ..rules }
}

payload!(Charge { order: i64 }, "charge", |rules| rules);
payload!(WriteInvoice { order: i64 }, "write_invoice", |rules| rules);
payload!(SendMail { customer: String, subject: String }, "send_mail", two_a_minute);
payload!(CloseMonth {}, "close_month", |rules| rules);
payload!(Statement { customer: String, month: String }, "statement", |rules| rules);
payload!(Report { month: String }, "report", |rules| rules);

/// The shop: what its handlers share.
#[derive(Clone)]
pub(crate) struct Shop {
    file: PathBuf,
    jobs: Jobs,
}

impl Shop {
    /// Opens the shop's file and starts its engine.
    pub(crate) fn start(file: &Path, clock: Clock) -> Result<(Self, Engine)> {
        let store = Store::open_in(file, OpenMode::Migrate)?;
        let shop = Self { file: file.to_owned(), jobs: Jobs::new(&store, &clock) };
        shop.connect()?.execute_batch(TABLES)?;
        let monthly = NewSchedule::cron("close_month", "0 6 1 * *", "Europe/Berlin");
        let [charge, invoice, mail, close, statement, report] = [(); 6].map(|()| shop.clone());
        let engine = Engine::builder(store, clock)
            .handler::<Charge>(charge)
            .on::<WriteInvoice, _, _>(move |_, job| {
                invoice.clone().write(WRITE_INVOICE, [job.order])
            })
            .on::<SendMail, _, _>(move |_, job| {
                mail.clone().write(SEND, (job.customer, job.subject))
            })
            .handler::<CloseMonth>(close)
            .on::<Statement, _, _>(move |_, job| statement.clone().send_statement(job))
            .handler::<Report>(report)
            .ensure_schedule(monthly.of(&CloseMonth {})?)
            .start()?;
        Ok((shop, engine))
    }

    pub(crate) fn connect(&self) -> rusqlite::Result<Connection> {
        let conn = Connection::open(&self.file)?;
        conn.busy_timeout(Duration::from_secs(5))?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        Ok(conn)
    }

    /// Saves an order and the jobs that it needs, or nothing.
    pub(crate) fn order(&self, customer: &str, card: &str, cents: i64) -> Result<i64> {
        let mut conn = self.connect()?;
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let insert = "INSERT INTO orders (customer, card, cents) VALUES (?1, ?2, ?3)";
        tx.execute(insert, (customer, card, cents))?;
        let order = tx.last_insert_rowid();
        let tag = format!("order-{order}");
        let charge = self.jobs.add_in(&tx, NewJob::of(&Charge { order })?.tag(&tag)?)?.id();
        let invoice = NewJob::of(&WriteInvoice { order })?.tag(&tag)?.after([charge]);
        let invoice = self.jobs.add_in(&tx, invoice)?.id();
        let subject = format!("Invoice {order}");
        let mail = SendMail { customer: customer.into(), subject };
        let mail = NewJob::of(&mail)?.tag(&tag)?.after([invoice]).concurrency(customer)?;
        self.jobs.add_in(&tx, mail)?;
        tx.commit()?;
        Ok(order)
    }

    /// One statement. A job may run twice, so each of them bears being run again.
    async fn write(
        self,
        sql: &'static str,
        params: impl Params + Send + 'static,
    ) -> Result<(), Outcome> {
        spawn_blocking(move || self.connect()?.execute(sql, params)).await??;
        Ok(())
    }

    /// The texts of a query's only column.
    async fn texts(
        &self,
        sql: &'static str,
        params: impl Params + Send + 'static,
    ) -> Result<Vec<String>> {
        let shop = self.clone();
        let read = move || {
            let conn = shop.connect()?;
            let mut statement = conn.prepare(sql)?;
            statement.query_map(params, |row| row.get(0))?.collect::<rusqlite::Result<_>>()
        };
        Ok(spawn_blocking(read).await??)
    }

    async fn send_statement(self, Statement { customer, month }: Statement) -> Result<(), Outcome> {
        let subject = format!("Statement of {month} for {customer}");
        let mail = NewJob::of(&SendMail { customer: customer.clone(), subject })?;
        self.jobs.add(mail.concurrency(customer)?).await?;
        Ok(())
    }
}

impl Handler<Charge> for Shop {
    async fn run(&self, context: Context, Charge { order }: Charge) -> Result<(), Outcome> {
        let cards = self.texts("SELECT card FROM orders WHERE id = ?1", [order]).await?;
        // A real shop asks a bank here.
        match (cards[0].as_str(), context.job.attempt) {
            ("declined", _) => Err(Outcome::Fatal("the card was declined".into())),
            ("busy", 1) => Err(Outcome::retry_in(Duration::from_mins(1), "the bank is busy")),
            _ => self.clone().write("UPDATE orders SET paid = 1 WHERE id = ?1", [order]).await,
        }
    }
}

impl Handler<CloseMonth> for Shop {
    /// Asks for a statement for each customer, and for a report when all of them are over.
    async fn run(&self, context: Context, CloseMonth {}: CloseMonth) -> Result<(), Outcome> {
        let month = context.job.run_at.to_string()[..7].to_owned();
        let customers = self.texts("SELECT DISTINCT customer FROM orders WHERE paid", []).await?;
        let mut batch = self.jobs.batch(format!("month {month}"));
        for customer in customers {
            batch = batch.add(&Statement { customer, month: month.clone() })?;
        }
        batch.then(&Report { month })?.enqueue().await?;
        Ok(())
    }
}

impl Handler<Report> for Shop {
    async fn run(&self, context: Context, Report { month }: Report) -> Result<(), Outcome> {
        let insert = "INSERT OR REPLACE INTO reports VALUES (?1, ?2)";
        let batch = self.jobs.batch_before(context.job.id).await?.ok_or("it follows no batch")?;
        self.clone().write(insert, (month, batch.completed as i64)).await
    }
}

/// One fixed person, by this machine's own name alone: a real shop asks its own sign-in who it is.
fn owner(request: &Parts) -> Option<Person> {
    let is_here = request.headers.get(HOST)? == "127.0.0.1:8080";
    is_here.then(|| Person { name: "owner".into(), role: Role::Admin })
}

#[tokio::main]
async fn main() -> Result<()> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "orders.db".into());
    let (shop, engine) = Shop::start(Path::new(&file), Clock::system())?;
    for (customer, card) in [("ada", "good"), ("ada", "busy"), ("bob", "declined")] {
        println!("order {} of {customer} is saved", shop.order(customer, card, 1_250)?);
    }
    let pages = web::router(&engine, Access::host(owner))?;
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!("the jobs are at http://127.0.0.1:8080/admin");
    let until_ctrl_c = async || drop(ctrl_c().await);
    serve(listener, Router::new().nest("/admin", pages))
        .with_graceful_shutdown(until_ctrl_c())
        .await?;
    println!("{:#?}", engine.metrics().await?.kinds);
    engine.stop(Duration::from_secs(10)).await;
    Ok(())
}

//! The orders of the examples on a moved clock: jobs after jobs, rates, batches and schedules over the shop's own tables.

use crate::support::START;
use crate::support::in_time;
use lamplighter::model::Gate;
use lamplighter::prelude::*;
use lamplighter::testing;
use rusqlite::Connection;
use tempfile::TempDir;

#[path = "../../examples/orders.rs"]
#[expect(dead_code, reason = "the example's own main is not used")]
mod orders;

use orders::Shop;

const MINUTE: Duration = Duration::from_mins(1);

struct Scene {
    shop: Shop,
    engine: Engine,
    clock: Clock,
    conn: Connection,
    _folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(START);
        let (shop, engine) = Shop::start(&folder.path().join("orders.db"), clock.clone()).unwrap();
        let conn = shop.connect().unwrap();
        Self { shop, engine, clock, conn, _folder: folder }
    }

    async fn drain(&self) {
        testing::drain(self.engine.jobs().store(), &self.clock).await.unwrap();
    }

    fn count(&self, what: &str) -> u32 {
        let sql = format!("SELECT count(*) FROM {what}");
        self.conn.query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    /// The kinds and states of an order's jobs.
    async fn jobs_of(&self, order: i64) -> Vec<(String, Status)> {
        let tag = format!("tag:order-{order}").parse::<Filter>().unwrap();
        let mut jobs = self.engine.jobs().list(&tag).await.unwrap();
        jobs.sort_by_key(|job| job.id);
        jobs.into_iter().map(|job| (job.kind.to_string(), job.status)).collect()
    }
}

const ORDERED: [&str; 3] = ["charge", "write_invoice", "send_mail"];

#[tokio::test]
async fn an_order_is_charged_then_invoiced_then_mailed() {
    let scene = Scene::new();
    let order = scene.shop.order("ada", "good", 1_250).unwrap();
    scene.drain().await;
    let done = ORDERED.map(|kind| (kind.to_owned(), Status::Completed));
    assert_eq!(scene.jobs_of(order).await, done);
    assert_eq!(scene.count("invoices JOIN orders ON order_id = id WHERE paid"), 1);
    assert_eq!(scene.count("mails WHERE subject = 'Invoice 1'"), 1);
    scene.engine.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn nobody_gets_an_invoice_for_a_card_that_was_declined() {
    let scene = Scene::new();
    let order = scene.shop.order("bob", "declined", 99).unwrap();
    scene.drain().await;
    let statuses = [Status::Failed, Status::Cancelled, Status::Cancelled];
    let ended = ORDERED.map(str::to_owned).into_iter().zip(statuses);
    assert_eq!(scene.jobs_of(order).await, ended.collect::<Vec<_>>());
    assert_eq!((scene.count("invoices"), scene.count("mails")), (0, 0));
    scene.engine.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn what_follows_a_card_whose_bank_was_busy_waits_for_the_second_try() {
    let scene = Scene::new();
    scene.shop.order("ada", "busy", 99).unwrap();
    scene.drain().await;
    assert_eq!((scene.count("orders WHERE paid"), scene.count("invoices")), (0, 0));
    scene.clock.advance(MINUTE);
    scene.drain().await;
    assert_eq!((scene.count("orders WHERE paid"), scene.count("mails")), (1, 1));
    scene.engine.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_customer_gets_two_mails_a_minute_and_no_other_customer_waits_for_them() {
    let scene = Scene::new();
    for _ in 0..5 {
        scene.shop.order("ada", "good", 1).unwrap();
    }
    scene.shop.order("bob", "good", 1).unwrap();
    scene.drain().await;
    let waiting = Filter::default().kind(orders::SendMail::KIND).status(Status::Queued);
    let jobs = scene.engine.jobs();
    let job = jobs.list(&waiting).await.unwrap().pop().unwrap();
    let why = jobs.why(job.id).await.unwrap().unwrap();
    assert!(why.gates.iter().any(|gate| matches!(gate, Gate::RateReached { .. })), "{why:?}");
    let mut sent = vec![scene.count("mails WHERE customer = 'ada'")];
    assert_eq!(scene.count("mails WHERE customer = 'bob'"), 1);
    for _ in 0..2 {
        scene.clock.advance(MINUTE);
        scene.drain().await;
        sent.push(scene.count("mails WHERE customer = 'ada'"));
    }
    assert_eq!(sent, [2, 4, 5]);
    scene.engine.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn at_the_end_of_a_month_each_customer_who_paid_gets_a_statement_and_one_report_is_made() {
    let scene = Scene::new();
    for (customer, card) in [("ada", "good"), ("bob", "good"), ("ada", "good"), ("eve", "declined")]
    {
        scene.shop.order(customer, card, 500).unwrap();
    }
    scene.drain().await;
    assert_eq!(scene.count("reports"), 0);
    scene.clock.advance(Duration::from_hours(31 * 24));
    scene.drain().await;
    assert_eq!(scene.count("mails WHERE subject LIKE 'Statement of %'"), 2);
    let reports = "reports WHERE statements = 2";
    assert_eq!((scene.count("reports"), scene.count(reports)), (1, 1));
    // An engine counts a job once its end is stored, a moment later than the store shows it.
    let counted = async {
        loop {
            let metrics = scene.engine.metrics().await.unwrap();
            let reports = metrics.kinds.get(&orders::Report::KIND).unwrap();
            if reports.completed > 0 {
                return (reports.started, reports.completed);
            }
        }
    };
    assert_eq!(in_time(counted).await, (1, 1));
    scene.engine.stop(Duration::ZERO).await;
}

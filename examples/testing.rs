//! How an application tests its handlers: on a manual clock, in a folder that is thrown away, without a sleep.
//!
//! `cargo run --example testing --no-default-features`; in an application, [`a_reminder_comes_after_a_day`] is a `#[tokio::test]`.
#![allow(clippy::print_stdout)]

use lamplighter::engine::Builder;
use lamplighter::model::Timestamp;
use lamplighter::prelude::*;
use lamplighter::{Result, testing};

const DAY: Duration = Duration::from_hours(24);

/// An invoice for a customer.
#[derive(Deserialize, Serialize)]
struct Invoice(String);
/// What reminds the customer of it a day later.
#[derive(Deserialize, Serialize)]
struct Remind(String);
#[derive(Deserialize, Serialize)]
struct Mail {
    to: String,
    text: String,
}

impl Payload for Invoice {
    const KIND: Kind = Kind::named("invoice");
    type Output = JobId;
}
impl Payload for Remind {
    const KIND: Kind = Kind::named("remind");
    type Output = JobId;
}
impl Payload for Mail {
    const KIND: Kind = Kind::named("mail");
    type Output = ();
}

/// The application: an invoice makes a reminder, which waits a day and is then sent as a mail.
fn handlers(builder: Builder) -> Builder {
    builder
        .on::<Invoice, _, _>(|context, Invoice(customer)| async move {
            let remind = NewJob::of(&Remind(customer))?.delay(DAY);
            Ok(context.enqueue(remind).await?.id())
        })
        .on::<Remind, _, _>(|context, Remind(customer)| async move {
            let mail = Mail { to: customer, text: "Please pay.".into() };
            Ok(context.enqueue(NewJob::of(&mail)?).await?.id())
        })
        .on::<Mail, _, _>(|context, mail| async move {
            if context.job.attempt == 1 {
                let minute = Duration::from_mins(1);
                return Err(Outcome::retry_in(minute, "the mail server is away"));
            }
            println!("  mailed {} to {}", mail.text, mail.to);
            Ok(())
        })
}

/// The test.
async fn a_reminder_comes_after_a_day() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let store = testing::store_in(folder.path())?;
    let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
    let engine = handlers(Engine::builder(store.clone(), clock.clone())).start()?;

    store.enqueue(NewJob::of(&Invoice("ada".into()))?, clock.now()).await?;
    testing::drain(&store, &clock).await?;
    println!("{}: the invoice is done", clock.now());
    let reminder =
        testing::assert_enqueued(&store, "remind", |job| job.payload == r#""ada""#).await;
    println!("  a reminder is {} for {}", reminder.status, reminder.run_at);
    testing::assert_none_enqueued(&store, "mail", |_| true).await;

    clock.advance(DAY);
    testing::drain(&store, &clock).await?;
    println!("{}: a day later", clock.now());
    let failed = |job: &Job| job.status == Status::Scheduled && job.attempt == 1;
    let mail = testing::assert_enqueued(&store, "mail", failed).await;
    println!("  {}; again at {}", mail.error.unwrap_or_default(), mail.run_at);

    clock.advance(Duration::from_mins(1));
    println!("{}: a minute later", clock.now());
    testing::drain(&store, &clock).await?;
    testing::assert_enqueued(&store, "mail", |job| job.status == Status::Completed).await;
    engine.stop(Duration::ZERO).await;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    a_reminder_comes_after_a_day().await
}

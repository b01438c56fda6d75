//! How an application tests its handlers: on a manual clock, in a folder that is thrown away, without a sleep.
//!
//! `cargo run --example testing`; in an application, [`a_reminder_comes_after_a_day`] is a `#[tokio::test]`.

use lamplighter::clock::Clock;
use lamplighter::engine::Builder;
use lamplighter::model::{Kind, KindRules, NewJob, Outcome, Status, Timestamp};
use lamplighter::{Engine, Result, testing};
use serde_json::json;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// The application: an invoice makes a reminder, which waits a day and is then sent as a mail.
fn handlers(builder: Builder) -> Result<Builder> {
    let (invoice, remind, mail) =
        (Kind::parse("invoice")?, Kind::parse("remind")?, Kind::parse("mail")?);
    let (reminder, letter) = (remind.clone(), mail.clone());
    Ok(builder
        .typed(KindRules::new(invoice), move |context, customer: String| {
            let remind = reminder.clone();
            async move {
                let run_at = Some(context.clock.now().plus(DAY));
                let job = NewJob { run_at, ..NewJob::of(remind, &customer)? };
                Ok(context.enqueue(job).await?.id().0)
            }
        })
        .typed(KindRules::new(remind), move |context, customer: String| {
            let mail = letter.clone();
            async move {
                let job = NewJob::of(mail, &json!({ "to": customer, "text": "Please pay." }))?;
                Ok(context.enqueue(job).await?.id().0)
            }
        })
        .typed(KindRules::new(mail), |context, mail: serde_json::Value| async move {
            if context.job.attempt == 1 {
                return Err(Outcome::from("the mail server is away"));
            }
            println!("  mailed {mail}");
            Ok(())
        }))
}

/// The test.
async fn a_reminder_comes_after_a_day() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let store = testing::store_in(folder.path())?;
    let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
    let engine = handlers(Engine::builder(store.clone(), clock.clone()))?.start()?;

    let invoice = NewJob::of(Kind::parse("invoice")?, &"ada")?;
    store.enqueue(invoice, clock.now()).await?;
    testing::drain(&store, &clock).await?;
    println!("{}: the invoice is done", clock.now());
    let reminder =
        testing::assert_enqueued(&store, "remind", |job| job.payload == r#""ada""#).await;
    println!("  a reminder is {} for {}", reminder.status, reminder.run_at);
    testing::assert_none_enqueued(&store, "mail", |_| true).await;

    clock.advance(DAY);
    testing::drain(&store, &clock).await?;
    println!("{}: a day later", clock.now());
    let failed =
        |job: &lamplighter::model::Job| job.status == Status::Scheduled && job.attempt == 1;
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

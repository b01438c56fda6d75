//! A declared schedule on a manual clock: a daily job over a change of the clocks and a week of downtime, without waiting
//! for either.
//!
//! `cargo run --example schedule --no-default-features`
#![allow(clippy::print_stdout)]

use lamplighter::model::{Plan, ScheduleName, Timestamp};
use lamplighter::prelude::*;
use lamplighter::{Result, testing};

#[derive(Deserialize, Serialize)]
struct Report {}

impl Payload for Report {
    const KIND: Kind = Kind::named("report");
    type Output = ();
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let store = testing::store_in(folder.path())?;
    // 2026-03-26, three days before Berlin's clocks go from 02:00 to 03:00.
    let clock = Clock::manual(Timestamp::from_millis(1_774_483_200_000));
    let daily = NewSchedule::cron("daily_report", "30 2 * * *", "Europe/Berlin").of(&Report {})?;
    let Plan { rule, .. } = &daily.plan;
    println!("{}", rule.in_words());
    for warning in rule.clock_warnings(clock.now()) {
        println!("note: {warning}");
    }
    // Declared at each start: added at the first, found at the second.
    let engine = || {
        Engine::builder(store.clone(), clock.clone())
            .on::<Report, _, _>(|context, _| async move {
                let occurrence = context.job.occurrence.expect("a schedule made it");
                println!("report for {}", occurrence.at);
                Ok(())
            })
            .ensure_schedule(daily.clone())
            .start()
    };
    let running = engine()?;
    for _ in 0..5 {
        clock.advance(Duration::from_hours(24));
        testing::drain(&store, &clock).await?;
    }

    // A week of downtime: one report makes up for all that were missed.
    running.stop(Duration::ZERO).await;
    clock.advance(Duration::from_hours(7 * 24));
    let running = engine()?;
    testing::drain(&store, &clock).await?;
    let name = ScheduleName::parse("daily_report")?;
    let schedule = store.schedule(name).await?.expect("it was declared above");
    for decision in store.schedule_decisions(schedule.id, 3).await? {
        println!("{}: {} {}", decision.occurrence_at, decision.decision, decision.detail);
    }
    running.stop(Duration::ZERO).await;
    Ok(())
}

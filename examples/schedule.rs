//! A stored schedule on a manual clock: a daily job over a change of the clocks and a week of downtime, without waiting
//! for either.
//!
//! `cargo run --example schedule`
#![allow(clippy::print_stdout)]

use lamplighter::clock::Clock;
use lamplighter::model::{
    Actor, Kind, KindRules, NewSchedule, Outcome, Plan, Rule, ScheduleName, Timestamp,
};
use lamplighter::{Engine, Result, testing};
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let store = testing::store_in(folder.path())?;
    // 2026-03-26, three days before Berlin's clocks go from 02:00 to 03:00.
    let clock = Clock::manual(Timestamp::from_millis(1_774_483_200_000));
    let report = Kind::parse("report")?;
    let engine = || {
        Engine::builder(store.clone(), clock.clone())
            .kind(KindRules::new(report.clone()), |context| async move {
                let occurrence = context.job.occurrence.expect("a schedule made it");
                println!("report for {}", occurrence.at);
                Outcome::Done(true.into())
            })
            .start()
    };
    let running = engine()?;

    let rule = Rule::cron("30 2 * * *", "Europe/Berlin")?;
    println!("{}", rule.in_words());
    for warning in rule.clock_warnings(clock.now()) {
        println!("note: {warning}");
    }
    let name = ScheduleName::parse("daily_report")?;
    let plan = Plan::new(rule, report.clone());
    let schedule = NewSchedule { name: name.clone(), plan };
    store.create_schedule(schedule, Actor::cli(), clock.now()).await?;
    for _ in 0..5 {
        clock.advance(Duration::from_hours(24));
        testing::drain(&store, &clock).await?;
    }

    // A week of downtime: one report makes up for all that were missed.
    running.stop(Duration::ZERO).await;
    clock.advance(Duration::from_hours(7 * 24));
    let running = engine()?;
    testing::drain(&store, &clock).await?;
    let schedule = store.schedule(name).await?.expect("it was created above");
    for decision in store.schedule_decisions(schedule.id, 3).await? {
        println!("{}: {} {}", decision.occurrence_at, decision.decision, decision.detail);
    }
    running.stop(Duration::ZERO).await;
    Ok(())
}

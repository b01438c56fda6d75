//! Jobs that run after others: `cargo run --example after --no-default-features`.

#![allow(clippy::print_stdout)]
use lamplighter::prelude::*;

#[derive(Serialize, Deserialize)]
struct Step(String);
impl Payload for Step {
    const KIND: Kind = Kind::named("step");
    type Output = ();
}

#[tokio::main]
async fn main() -> lamplighter::Result<()> {
    let store = Store::open("steps.db".as_ref(), OpenMode::Migrate)?;
    let engine =
        Engine::builder(store, Clock::system()).on::<Step, _, _>(|_, Step(name)| async move {
            println!("{name}");
            Ok(())
        });
    let engine = engine.start()?;
    let jobs = engine.jobs();
    let step = |name: &str| NewJob::of(&Step(name.to_owned()));
    let fetch = jobs.add(step("fetch")?).await?.id();
    // A diamond: both of these run after the first, in any order, and the last one after both.
    let left = jobs.add(step("left half")?.after([fetch])).await?.id();
    let right = jobs.add(step("right half")?.after([fetch])).await?.id();
    let join = jobs.add(step("join")?.after([left, right])).await?.id();
    println!("{:?}", jobs.wait::<Step>(join, Duration::from_secs(30)).await?);
    engine.stop(Duration::from_secs(10)).await;
    Ok(())
}

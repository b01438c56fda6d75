//! The smallest program that embeds the engine: `cargo run --example hello --no-default-features`.

#![allow(clippy::print_stdout)]
use lamplighter::prelude::*;

#[derive(Serialize, Deserialize)]
struct Greet(String);
impl Payload for Greet {
    const KIND: Kind = Kind::named("greet");
    type Output = String;
}

#[tokio::main]
async fn main() -> lamplighter::Result<()> {
    let store = Store::open("jobs.db".as_ref(), OpenMode::Migrate)?;
    let hello = |_, Greet(name)| async move { Ok(format!("hello {name}")) };
    let engine = Engine::builder(store, Clock::system()).on::<Greet, _, _>(hello).start()?;
    println!("{:?}", engine.jobs().run(&Greet("Ada".into()), Duration::from_secs(30)).await?);
    Ok(())
}

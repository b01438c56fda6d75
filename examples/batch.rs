//! Jobs that are counted together, and one that is made when all are over:
//! `cargo run --example batch --no-default-features`.

#![allow(clippy::print_stdout)]
use lamplighter::prelude::*;

#[derive(Serialize, Deserialize)]
struct Row(u32);
impl Payload for Row {
    const KIND: Kind = Kind::named("row");
    type Output = ();
}

#[derive(Serialize, Deserialize)]
struct Report;
impl Payload for Report {
    const KIND: Kind = Kind::named("report");
    type Output = String;
}

#[tokio::main]
async fn main() -> lamplighter::Result<()> {
    let store = Store::open("import.db".as_ref(), OpenMode::Migrate)?;
    let counts = Jobs::new(&store, &Clock::system());
    let engine = Engine::builder(store, Clock::system())
        .on::<Row, _, _>(|_, Row(number)| async move {
            if number == 7 {
                return Err(Outcome::Fatal("row 7 has no price".into()));
            }
            Ok(())
        })
        .on::<Report, _, _>(move |context, Report| {
            let counts = counts.clone();
            async move {
                let batch = counts.batch_before(context.job.id).await?.expect("it follows a batch");
                Ok(format!("{} rows, of which {} failed", batch.total, batch.failed))
            }
        })
        .start()?;
    let jobs = engine.jobs();
    // The file is read piece by piece: the batch takes more jobs until it is closed.
    let import = jobs.batch("import of the prices").then(&Report)?.open().await?;
    for first in [0, 5] {
        let rows = (first..first + 5).map(|number| NewJob::of(&Row(number)));
        jobs.add_to(import, rows.collect::<lamplighter::Result<_>>()?).await?;
    }
    jobs.close(import).await?;
    let then = loop {
        let batch = jobs.batch_state(import).await?;
        println!("{} of {} rows are open", batch.open, batch.total);
        if let Some(then) = batch.then_id {
            break then;
        }
        Clock::system().sleep(Duration::from_millis(50)).await;
    };
    println!("{:?}", jobs.wait::<Report>(then, Duration::from_secs(30)).await?);
    engine.stop(Duration::from_secs(10)).await;
    Ok(())
}

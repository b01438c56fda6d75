//! A typed handler that says how far it is, fails and is tried again, and ends when somebody cancels its job.
//!
//! `cargo run --example handler`

use lamplighter::Result;
use lamplighter::model::{Actor, Backoff};
use lamplighter::prelude::*;

#[derive(Deserialize, Serialize)]
struct Street {
    name: String,
    lamps: u32,
}

impl Payload for Street {
    const KIND: Kind = Kind::named("light_street");
    type Output = String;

    fn rules() -> KindRules {
        let backoff = Backoff { base: Duration::from_millis(200), ..Backoff::default() };
        KindRules { backoff, ..KindRules::new(Self::KIND) }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let store = Store::open(&folder.path().join("lamps.db"), OpenMode::Migrate)?;
    let clock = Clock::system();
    let engine = Engine::builder(store.clone(), clock.clone())
        .on::<Street, _, _>(|context, street| async move {
            for lamp in 1..=street.lamps {
                context.progress(format!("lamp {lamp} of {}", street.lamps)).await?;
                if lamp == 3 && context.job.attempt == 1 {
                    // `?` works on any error: the job is tried again while it has attempts left.
                    Err("the ladder broke")?;
                }
                tokio::select! {
                    () = context.clock.sleep(Duration::from_millis(20)) => {}
                    // Whatever it answers now, the job is cancelled: there is time to clean up, not to go on.
                    () = context.cancelled.cancelled() => return Err(Outcome::from("cancelled")),
                }
            }
            Ok(format!("{} lamps burn in {}", street.lamps, street.name))
        })
        .start()?;

    let job = |name: &str, lamps| NewJob::of(&Street { name: name.into(), lamps });
    let short = store.enqueue(job("Short Lane", 5)?, clock.now()).await?.id();
    let endless = store.enqueue(job("Endless Road", 1_000_000)?, clock.now()).await?.id();
    let wrong =
        NewJob::untyped(Street::KIND, &serde_json::json!({ "name": "Nowhere", "lamps": "many" }))?;
    let wrong = store.enqueue(wrong, clock.now()).await?.id();

    follow(&store, short).await?;
    store.cancel(endless, Actor { name: "ada".into(), remote: None }, clock.now()).await?;
    follow(&store, endless).await?;
    follow(&store, wrong).await?;
    engine.stop(Duration::from_secs(5)).await;
    Ok(())
}

/// Prints a job's progress until it is final, then how it ended.
async fn follow(store: &Store, id: JobId) -> Result<()> {
    let mut changes = store.changes();
    let mut seen = String::new();
    loop {
        let job = store.job(id).await?.expect("it was enqueued");
        let said = format!("{} {}", job.status, job.progress.unwrap_or_default());
        if said != seen {
            println!("job {id}: {said}");
            seen = said;
        }
        if job.status.is_final() {
            let end = job.error.or(job.result).unwrap_or_else(|| "without a result".into());
            println!("job {id}: attempt {}: {end}\n", job.attempt);
            return Ok(());
        }
        changes.changed().await.expect("the store is open");
    }
}

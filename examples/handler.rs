//! A handler with state of its own that says how far it is, fails and is tried again, and ends when somebody cancels its job.
//!
//! `cargo run --example handler --no-default-features`
#![allow(clippy::print_stdout)]

use lamplighter::model::{Filter, KindRules};
use lamplighter::prelude::*;

#[derive(Deserialize, Serialize)]
struct LightStreet {
    name: String,
    lamps: u32,
}

impl Payload for LightStreet {
    const KIND: Kind = Kind::named("light_street");
    type Output = String;

    fn rules() -> KindRules {
        KindRules { max_attempts: 2, ..KindRules::new(Self::KIND) }
    }
}

/// Who lights the streets, and how long a lamp takes.
struct Lighter {
    name: &'static str,
    pace: Duration,
}

impl Handler<LightStreet> for Lighter {
    async fn run(&self, context: Context, street: LightStreet) -> Result<String, Outcome> {
        for lamp in 1..=street.lamps {
            // `?` works on any error: the job is tried again while it has attempts left.
            context.progress(format!("lamp {lamp} of {}", street.lamps)).await?;
            if lamp == 3 && context.job.attempt == 1 {
                return Err(Outcome::retry_in(self.pace, "the ladder broke"));
            }
            tokio::select! {
                () = context.clock.sleep(self.pace) => {}
                // Whatever it answers now, the job is cancelled: there is time to clean up, not to go on.
                () = context.cancelled.cancelled() => return Err(Outcome::from("cancelled")),
            }
        }
        Ok(format!("{} lit {} lamps in {}", self.name, street.lamps, street.name))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> lamplighter::Result<()> {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let store = Store::open(&folder.path().join("lamps.db"), OpenMode::Migrate)?;
    let lighter = Lighter { name: "Tom", pace: Duration::from_millis(20) };
    let engine = Engine::builder(store, Clock::system()).handler(lighter).start()?;
    let jobs = engine.jobs();
    let mut events = jobs.events(&Filter::default().kind(LightStreet::KIND)).await?;

    let street = |name: &str, lamps| LightStreet { name: name.into(), lamps };
    let short = jobs.enqueue(&street("Short Lane", 5)).await?.id();
    let endless = jobs.enqueue(&street("Endless Road", 1_000_000)).await?.id();
    println!("{:?}", jobs.wait::<LightStreet>(short, Duration::from_secs(30)).await?);
    jobs.by("ada").cancel(endless).await?;
    println!("{:?}", jobs.wait::<LightStreet>(endless, Duration::from_secs(30)).await?);

    // Another program may store anything: that fails for good, and the error names the field.
    let wrong = serde_json::json!({ "name": "Nowhere", "lamps": "many" });
    let wrong = jobs.add(NewJob::untyped(LightStreet::KIND, &wrong)?).await?.id();
    println!("{:?}", jobs.wait::<LightStreet>(wrong, Duration::from_secs(30)).await?);
    engine.stop(Duration::from_secs(5)).await;

    while let Some(Ok(event)) = events.next().await {
        let from = event.from.map_or("new", Status::as_str);
        println!("job {}, attempt {}: {from} to {}", event.id, event.attempt, event.to);
        if event.id == wrong && event.to == Status::Failed {
            break;
        }
    }
    Ok(())
}

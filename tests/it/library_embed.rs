//! A small application that embeds the engine: an invoice and a report, a kind that nobody knows, a handler that sleeps.

use crate::support::{in_time, store};
use lamplighter::prelude::*;
use lamplighter::testing;

#[derive(Serialize, Deserialize)]
struct SendInvoice {
    invoice: u64,
}

impl Payload for SendInvoice {
    const KIND: Kind = Kind::named("send_invoice");
    type Output = String;
}

/// Sleeps this long.
#[derive(Serialize, Deserialize)]
struct Slow(Duration);

impl Payload for Slow {
    const KIND: Kind = Kind::named("slow");
    type Output = ();
}

// Another payload for the kind, or a kind with a spelling of its own, is no test here: neither compiles.
#[tokio::test]
async fn the_application_is_answered_in_its_own_types() {
    let (_folder, store) = store();
    let engine = Engine::builder(store, Clock::system())
        .on::<SendInvoice, _, _>(|_, sent| async move { Ok(format!("sent {}", sent.invoice)) })
        .start()
        .unwrap();
    let jobs = engine.jobs();
    let sent = jobs.run(&SendInvoice { invoice: 7 }, Duration::from_mins(1));
    assert_eq!(in_time(sent).await.unwrap().done().as_deref(), Some("sent 7"));
    engine.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_drain_on_a_manual_clock_ends_with_the_name_of_the_handler_that_sleeps() {
    let (_folder, store) = store();
    let clock = Clock::manual(Clock::system().now());
    let engine = Engine::builder(store.clone(), clock.clone())
        .on::<Slow, _, _>(|context, Slow(length)| async move {
            context.clock.sleep(length).await;
            Ok(())
        })
        .start()
        .unwrap();
    engine.jobs().enqueue(&Slow(Duration::from_mins(1))).await.unwrap();
    let stuck = in_time(testing::drain(&store, &clock)).await.unwrap_err();
    assert!(stuck.to_string().contains("job 1 (slow)"), "{stuck}");
    engine.stop(Duration::ZERO).await;
}

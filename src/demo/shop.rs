//! The shop's kinds of jobs: what they carry, how long they take, and how they end.

use crate::engine::Context;
use crate::error::Code;
use crate::model::{JobError, Kind, KindRules, NewJob, Outcome, Queue};
use fastrand::Rng;
use serde_json::{Value, json};
use std::time::Duration;

/// A customer who orders; the live shop makes the other jobs of it.
pub(super) const PLACE_ORDER: Kind = Kind::named("place_order");
/// Whose files cannot be written any more.
pub(super) const EXPORT: Kind = Kind::named("export_orders");
/// Which nobody handles.
pub(super) const CRM: Kind = Kind::named("crm_sync");
/// Which the mail server refused for an hour.
pub(super) const MAIL: Kind = Kind::named("send_email");
/// Which waits while its queue is paused.
pub(super) const CHARGE: Kind = Kind::named("charge_card");
pub(super) const BILLING: Queue = Queue::named("billing");

/// What a kind does.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) kind: Kind,
    pub(super) queue: Queue,
    /// How long a run takes, in milliseconds.
    millis: (u64, u64),
    /// Of a thousand runs so many fail.
    failing: u32,
    /// With these words; `{n}` is a number.
    error: &'static str,
    /// Whether another attempt may help.
    is_passing: bool,
    /// How often the shop does it in an hour of the day.
    pub(super) an_hour: usize,
}

pub(super) static WORKS: &[Work] = &[
    Work {
        kind: MAIL,
        queue: Queue::named("mail"),
        millis: (80, 900),
        failing: 6,
        error: "SMTP 450 4.2.1: mailbox of customer {n} is busy",
        is_passing: true,
        an_hour: 14,
    },
    Work {
        kind: CHARGE,
        queue: BILLING,
        millis: (300, 2_500),
        failing: 12,
        error: "card of order {n} was declined: insufficient funds",
        is_passing: false,
        an_hour: 5,
    },
    Work {
        kind: Kind::named("resize_image"),
        queue: Queue::named("media"),
        millis: (500, 9_000),
        failing: 5,
        error: "cannot decode JPEG {n}: unexpected end of file",
        is_passing: false,
        an_hour: 7,
    },
    Work {
        kind: Kind::named("sync_stock"),
        queue: Queue::named("sync"),
        millis: (4_000, 40_000),
        failing: 0,
        error: "the warehouse does not answer",
        is_passing: true,
        an_hour: 0,
    },
    Work {
        kind: Kind::named("nightly_report"),
        queue: Queue::named("reports"),
        millis: (180_000, 400_000),
        failing: 0,
        error: "no figures for the day",
        is_passing: false,
        an_hour: 0,
    },
    Work {
        kind: EXPORT,
        queue: Queue::named("reports"),
        millis: (6_000, 30_000),
        failing: 0,
        error: "write /var/exports/orders-{n}.csv: no space left on device",
        is_passing: false,
        an_hour: 0,
    },
    Work {
        kind: PLACE_ORDER,
        queue: Queue::DEFAULT,
        millis: (20, 60),
        failing: 0,
        error: "the basket of customer {n} is empty",
        is_passing: false,
        an_hour: 0,
    },
];

/// What the mail server said in the hour in which it refused all mail. Another attempt by itself does not help.
pub(super) const MAIL_DOWN: &str =
    "SMTP 550 5.7.1: mx1.lantern-wick.example refuses mail of this sender (id {n})";

impl Work {
    /// The work of this kind.
    pub(super) fn of(kind: &Kind) -> Option<&'static Self> {
        WORKS.iter().find(|work| work.kind == *kind)
    }

    pub(super) fn rules(&self) -> KindRules {
        let payload = serde_json::to_string_pretty(&payload(&self.kind, &mut Rng::with_seed(1)));
        KindRules {
            queue: self.queue.clone(),
            max_attempts: 3,
            example: payload.ok(),
            ..KindRules::new(self.kind.clone())
        }
    }

    /// A new job of it.
    pub(super) fn job(&self, dice: &mut Rng) -> NewJob {
        NewJob { payload: payload(&self.kind, dice).into(), ..NewJob::new(self.kind.clone()) }
    }

    /// How long a run takes and how it ends.
    pub(super) fn run(&self, dice: &mut Rng) -> (Duration, Outcome) {
        let took = Duration::from_millis(dice.u64(self.millis.0..self.millis.1));
        if dice.u32(0..1_000) < self.failing {
            return (took, self.failure(dice));
        }
        (took, Outcome::Done(json!({"took_ms": took.as_millis() as u64})))
    }

    /// How a run ends that fails by the kind's own error.
    pub(super) fn failure(&self, dice: &mut Rng) -> Outcome {
        let error = error(&said(self.error, dice));
        if self.is_passing { Outcome::Failed(error) } else { Outcome::Fatal(error) }
    }
}

/// An error of the shop's.
pub(super) fn error(why: &str) -> JobError {
    JobError { code: Code::HandlerFailed.as_str().to_owned(), message: why.to_owned() }
}

/// The words with a number in them.
pub(super) fn said(words: &str, dice: &mut Rng) -> String {
    words.replace("{n}", &dice.u32(40_000..49_999).to_string())
}

fn payload(kind: &Kind, dice: &mut Rng) -> Value {
    let (customer, order) = (dice.u32(1_150..1_250), dice.u32(40_000..49_999));
    match kind.as_str() {
        "send_email" => {
            json!({"customer_id": customer, "order": order, "template": "order_confirmation"})
        }
        "charge_card" => {
            json!({"customer_id": customer, "order": order, "cents": dice.u32(900..24_900)})
        }
        "resize_image" => json!({"article": format!("LW-{order}"), "width": 1_200}),
        "place_order" | "crm_sync" => json!({"customer_id": customer}),
        _ => json!({}),
    }
}

/// Runs a job of the live shop.
pub(super) async fn handle(work: &'static Work, context: Context) -> Outcome {
    let mut dice = Rng::with_seed(context.job.id.0 as u64);
    let (took, outcome) = work.run(&mut dice);
    tokio::select! {
        () = context.clock.sleep(took) => {}
        () = context.cancelled.cancelled() => return Outcome::Fatal(error("it was stopped")),
        () = context.stopping.cancelled() => return Outcome::Snooze(Duration::from_secs(1)),
    }
    if work.kind == EXPORT {
        return work.failure(&mut dice);
    }
    if work.kind == PLACE_ORDER
        && let Err(error) = order(&context, &mut dice).await
    {
        return Outcome::Failed(error.into());
    }
    outcome
}

/// What follows from an order: a mail, a charge, a picture.
async fn order(context: &Context, dice: &mut Rng) -> crate::error::Result<()> {
    for work in WORKS.iter().filter(|work| work.an_hour > 0) {
        context.enqueue(work.job(dice)).await?;
    }
    Ok(())
}

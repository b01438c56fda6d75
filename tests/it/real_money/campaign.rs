//! The money campaign: Claude Code itself ends well, is stopped, killed with its server, resumed, forked, and runs three at
//! once into the budget of the day. After each, the books are held against what the model's service has answered.
//!
//! `LAMPLIGHTER_WORKERS=long cargo test --test it real_money::campaign` does it five times, and has runs end by their time and
//! by their silence besides.

use super::{dear, price};
use crate::real_cli::{desk, until_seen};
use crate::support::desk::{Desk, until_said};
use crate::support::messages_api::{MessagesApi, Reply};
use crate::support::{STUCK, until};
use lamplighter::model::{Job, JobId, Spend};
use serde_json::json;

/// The books may have this little less than the truth: the program rounds.
const LEAST: f64 = 0.99;
/// And no more than this much of it.
const MOST: f64 = 2.0;

fn is_long() -> bool {
    std::env::var("LAMPLIGHTER_WORKERS").is_ok_and(|form| form == "long")
}

/// The desk, the model's service, and what one of its dear answers costs.
struct Campaign {
    desk: Desk,
    api: MessagesApi,
    look: f64,
    /// Answers of the service that cost next to nothing.
    cheap: usize,
}

impl Campaign {
    /// The dollars in the books of all days.
    async fn booked(&self) -> f64 {
        let rows: Vec<Spend> = self.desk.store.spend_since(0).await.unwrap();
        rows.iter().map(|row| row.cost_usd).sum()
    }

    /// What the service has answered, in dollars.
    fn truth(&self) -> f64 {
        let dear = u32::try_from(self.api.requests("").len() - self.cheap).unwrap();
        f64::from(dear) * self.look
    }

    /// Holds the books against the truth.
    async fn judge(&self, after: &str) {
        let (booked, truth) = (self.booked().await, self.truth());
        println!("{after}: ${booked:.4} in the books for ${truth:.4}, {:.3}", booked / truth);
        assert!(booked >= LEAST * truth && booked <= MOST * truth, "{after}: {booked} for {truth}");
    }

    /// Runs that end well: two dear answers each and a cheap one.
    async fn end_well(&mut self, word: &'static str, arguments: &[&str]) -> JobId {
        self.api.script_first(word, [dear("true"), dear("true"), Reply::Text("done")]);
        let id = self.desk.trigger(&[&[word], arguments].concat());
        self.desk.ends(id, ("completed", "done", None)).await;
        self.cheap += 1;
        id
    }

    /// A run that waits for a command after three dear answers, which the program has read.
    async fn begin_to_wait(&mut self, word: &'static str, seconds: &str) -> JobId {
        let waits = format!("exec sleep {seconds}");
        self.api.script_first(word, [dear("true"), dear("true"), dear(&waits)]);
        let id = self.desk.trigger(&[word]);
        until_said(&self.desk.store, id, &waits).await;
        until_seen(&format!("sleep\0{seconds}")).await;
        id
    }

    /// Three runs that would go on for ever, where the day has four more answers for all of them.
    async fn three_at_once(&mut self, words: [&'static str; 3]) {
        let day = self.booked().await + 4.0 * self.look;
        self.desk.set("agent.budget_day_usd", &json!(day));
        self.desk.set("agent.budget_run_usd", &json!(4.0 * self.look));
        for word in words {
            self.api.script_first(word, [dear("true")]);
        }
        let ids = words.map(|word| self.desk.trigger(&[word]));
        for id in ids {
            self.over_by_its_budget(id).await;
        }
        let most = day + 3.0 * self.look;
        let booked = self.booked().await;
        println!("three at once: ${booked:.4} booked where the day has ${day:.4}");
        assert!(booked <= most, "over the day by more than one answer each: {booked}, {most}");
        self.desk.set("agent.budget_day_usd", &json!(100_000));
        for id in ids {
            // One that got nothing of the day waits for the next one.
            if self.desk.session(id)["status"] == "scheduled" {
                self.desk.ask(&["sessions", "stop", &id.to_string()]);
            }
        }
    }

    /// Waits until a run is over, or is put off because nothing is left of the day.
    async fn over_by_its_budget(&self, id: JobId) {
        let is_over = |job: &Job| {
            job.status.is_final()
                || job.progress.as_deref().is_some_and(|why| why.contains("budget"))
        };
        until(&self.desk.store, id, is_over).await;
    }
}

/// Waits until a run is over, for longer than others wait.
async fn until_over(desk: &Desk, id: JobId) {
    let mut changes = desk.store.changes();
    while !desk.store.job(id).await.unwrap().unwrap().status.is_final() {
        changes.changed().await.unwrap();
    }
}

/// The words by which the conversations of one round are told apart.
fn words(round: usize) -> [&'static str; 10] {
    std::array::from_fn(|nth| &*Box::leak(format!("case-{round}-{nth}-x").into_boxed_str()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_hold_what_the_service_has_answered_however_runs_end() {
    let Some((desk, api)) = desk(&[]) else { return };
    desk.set("agent.budget_day_usd", &json!(100_000));
    let look = price(&desk, &api).await;
    let mut campaign = Campaign { desk, api, look, cheap: 1 };
    for round in 0..if is_long() { 5 } else { 1 } {
        play(&mut campaign, round).await;
    }
}

async fn play(campaign: &mut Campaign, round: usize) {
    let [well, resumed, left, right, stopped, killed, one, two, three, slow] = words(round);
    let root = campaign.end_well(well, &[]).await;
    campaign.judge("ended well").await;
    let from = root.to_string();
    let follow = campaign.end_well(resumed, &["--continues", &from]).await.to_string();
    campaign.judge("resumed").await;
    campaign.end_well(left, &["--continues", &follow]).await;
    campaign.end_well(right, &["--continues", &follow]).await;
    campaign.judge("forked twice").await;

    let id = campaign.begin_to_wait(stopped, "4251").await;
    campaign.desk.ask(&["sessions", "stop", &id.to_string()]);
    campaign.desk.ends(id, ("cancelled", "cancelled", None)).await;
    campaign.judge("stopped").await;

    let id = campaign.begin_to_wait(killed, "4252").await;
    campaign.desk.server.take().unwrap().kill();
    campaign.desk.serve();
    campaign.desk.ends(id, ("failed", "interrupted", Some("JOB-RUN-004"))).await;
    campaign.judge("killed with its server").await;

    campaign.three_at_once([one, two, three]).await;
    campaign.judge("three at once").await;

    if is_long() {
        for (key, ending, code) in [
            ("agent.max_minutes", "timed_out", "AGENT-TIME-001"),
            ("agent.idle_minutes", "idle", "AGENT-TIME-002"),
        ] {
            campaign.desk.set(key, &json!(1));
            let id = campaign.begin_to_wait(slow, "4253").await;
            let over = until_over(&campaign.desk, id);
            tokio::time::timeout(STUCK * 3, over).await.expect("a minute is over");
            campaign.desk.ends(id, ("failed", ending, Some(code))).await;
            campaign.desk.set(key, &json!(30));
            campaign.judge(ending).await;
        }
    }
}

//! What agents have spent: against the budgets, and by day, kind and schedule.

use super::base::Link;
use super::components::{Tile, card, spend_lines, spent_meter, table};
use super::nav;
use crate::error::Result;
use crate::model::{Budgets, Cost, ScheduleName, Spend, Spent, Timestamp, day_of, usd};
use crate::store::Store;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// How many days are shown.
const DAYS: i64 = 30;
/// Days that the tile of a week has, today's included.
const WEEK: i64 = 7;
/// The most schedules whose names are looked up. There cannot be more.
const MAX_SCHEDULES: usize = 1000;
/// The height of the bars, and the width of one bar with the space beside it, in units of the picture.
const HEIGHT: f64 = 24.0;
const STEP: i64 = 5;

/// What the cards show.
pub(super) struct Figures {
    spent: Spent,
    budgets: Budgets,
    spend: Vec<Spend>,
    names: BTreeMap<i64, ScheduleName>,
    today: i64,
}

/// Reads what was spent in the last 30 days.
pub(super) async fn figures(store: &Store, now: Timestamp) -> Result<Figures> {
    let (so_far, budgets) = store.spent(None, now).await?;
    let today = day_of(now);
    let spend = store.spend_since(today - DAYS + 1).await?;
    let names = if spend.iter().any(|spend| spend.schedule_id.is_some()) {
        let schedules = store.schedules(0, MAX_SCHEDULES).await?.0;
        schedules.into_iter().map(|schedule| (schedule.id, schedule.name)).collect()
    } else {
        BTreeMap::new()
    };
    Ok(Figures { spent: so_far, budgets, spend, names, today })
}

impl Figures {
    /// The part of the figures that can change.
    pub(super) fn state(&self) -> impl std::hash::Hash + use<> {
        let runs: u64 = self.spend.iter().map(|spend| spend.runs).sum();
        let most = |most: Option<f64>| most.map(f64::to_bits);
        let spent = (self.spent.day.to_bits(), self.spent.month.to_bits());
        (runs, spent, most(self.budgets.day), most(self.budgets.month), self.today)
    }

    /// The tiles of today and of the last seven days, which lead to the card.
    pub(super) fn tiles(&self, card: &Link) -> [Tile<'static>; 2] {
        let mut days = BTreeMap::<i64, f64>::new();
        for spend in &self.spend {
            *days.entry(spend.day).or_default() += spend.cost_usd;
        }
        let week: f64 = days.range(self.today - WEEK + 1..).map(|(_, cost)| cost).sum();
        let Self { spent, budgets, .. } = self;
        let tile = |label, dollars, picture, foot| Tile {
            label,
            figure: html! { (usd(dollars)) },
            picture,
            foot,
            link: card.clone(),
        };
        [
            tile("Spent today", spent.day, html! {}, limit("day", spent.day, budgets.day)),
            tile(
                "Spent, 7 d",
                week,
                bars(&days, WEEK, self.today),
                html! { (usd(spent.month)) " this month" @if let Some(most) = budgets.month { " of " (usd(most)) } },
            ),
        ]
    }

    /// The card for the sessions page.
    pub(super) fn card(&self) -> Markup {
        let mut rows = BTreeMap::<(&str, Option<i64>), Row>::new();
        for spend in &self.spend {
            let row = rows.entry((&spend.kind, spend.schedule_id)).or_default();
            row.days.insert(spend.day, spend.cost_usd);
            row.runs += spend.runs;
            row.at_least += spend.at_least;
        }
        let rows: Vec<_> = rows.iter().map(|(key, row)| self.row(*key, row)).collect();
        let content = html! {
            div.card-body { (spend_lines(self.spent, self.budgets)) }
            @if !rows.is_empty() {
                (table("Spend", &["Kind", "Schedule", "30 days", "Today", "Runs", "Cost"], &rows))
            }
        };
        card("spend", "Spend", &html! {}, &content)
    }

    fn row(&self, (kind, schedule): (&str, Option<i64>), row: &Row) -> Markup {
        let today = row.days.get(&self.today).copied().unwrap_or(0.0);
        let cost = Cost { usd: row.days.values().sum(), is_at_least: row.at_least > 0 };
        html! {
            tr {
                td { (kind) }
                td {
                    @match schedule.map(|id| (id, self.names.get(&id))) {
                        None => "none",
                        Some((_, Some(name))) => a href=(nav::schedule(name)) { (name) },
                        Some((id, None)) => { "removed (" (id) ")" },
                    }
                }
                td { (bars(&row.days, DAYS, self.today)) }
                td data-label="Today" { (usd(today)) }
                td data-label="Runs" { (row.runs) }
                td data-label="Cost" { (cost) }
            }
        }
    }
}

/// How much of a limit is spent, as a bar and in words.
fn limit(period: &str, spent: f64, most: Option<f64>) -> Markup {
    html! {
        @match most {
            Some(most) => { "of " (usd(most)) " a " (period) (spent_meter(period, spent, most)) }
            None => { "no limit a " (period) }
        }
    }
}

#[derive(Default)]
struct Row {
    days: BTreeMap<i64, f64>,
    runs: u64,
    at_least: u64,
}

/// One bar for each day. The last bar is today's.
fn bars(days: &BTreeMap<i64, f64>, many: i64, today: i64) -> Markup {
    let first = today - many + 1;
    let most = days.range(first..).map(|(_, cost)| *cost).fold(0.0, f64::max).max(0.01);
    html! {
        svg.spark role="img" aria-label={ "Dollars a day, the last " (many) " days" } viewBox={ "0 0 " (many * STEP) " " (HEIGHT) } {
            @for (day, cost) in days.range(first..) {
                @let height = (cost / most * HEIGHT).max(1.0);
                rect x=((day - first) * STEP) y={ (format!("{:.1}", HEIGHT - height)) } width=(STEP - 1) height={ (format!("{height:.1}")) } {
                    title { (date(*day)) ": " (usd(*cost)) }
                }
            }
        }
    }
}

fn date(day: i64) -> String {
    Timestamp::from_millis(day * 86_400_000).to_utc().format("%Y-%m-%d").to_string()
}

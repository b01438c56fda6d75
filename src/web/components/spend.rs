//! What agents have spent, against the budgets.

use super::spark::{Measure, meter};
use crate::model::{ALARM, Budgets, Spent, usd};
use maud::{Markup, html};

/// Today's and this month's spend against the budgets.
pub(in crate::web) fn spend_lines(spent: Spent, budgets: Budgets) -> Markup {
    html! {
        dl.facts.spend {
            (line("Today", spent.day, budgets.day))
            (line("This month", spent.month, budgets.month))
        }
        @if budgets.day.is_some_and(|most| spent.day >= most * ALARM) || budgets.month.is_some_and(|most| spent.month >= most * ALARM) {
            p.bad { "Most of a budget is spent. Runs over it wait for its next period." }
        }
    }
}

fn line(period: &str, spent: f64, most: Option<f64>) -> Markup {
    html! {
        dt { (period) }
        dd {
            @match most {
                Some(most) => {
                    (usd(spent)) " of " (usd(most))
                    (spent_meter(period, spent, most))
                }
                None => span { (usd(spent)) span.soft { ", no limit" } },
            }
        }
    }
}

/// The bar of how much of the budget of a period is spent.
pub(in crate::web) fn spent_meter(period: &str, spent: f64, most: f64) -> Markup {
    meter(Measure::Budget, percent(spent, most), &format!("{period}: share of the budget"))
}

/// A share in whole percent. A bar says it in pixels, so nothing finer is lost.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is 0 to 100")]
fn percent(spent: f64, most: f64) -> u64 {
    if most > 0.0 { (spent / most * 100.0).clamp(0.0, 100.0) as u64 } else { 100 }
}

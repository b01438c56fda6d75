//! What agents have spent, against the budgets.

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
                    meter min="0" max=(most) value=(spent.min(most)) low=(most * 0.5) high=(most * ALARM) optimum="0"
                        aria-label={ (period) ": share of the budget" } {}
                }
                None => span { (usd(spent)) span.soft { ", no limit" } },
            }
        }
    }
}

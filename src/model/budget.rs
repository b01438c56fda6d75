//! Budgets: what agents may spend, and when a run is put off because one is used up.

use super::cost::usd;
use super::setting::Setting;
use super::settings::{BUDGET_DAY, BUDGET_MONTH};
use super::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// A day of UTC, in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// The share of a budget at which the alarm is raised.
pub const ALARM: f64 = 0.8;

/// The smallest budget that a run is given: the agent program refuses a budget of nothing.
const MIN_USD: f64 = 0.01;

/// Dollars that may be spent; `None`: no limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budgets {
    /// A day, from midnight UTC.
    pub day: Option<f64>,
    /// A month of the calendar, UTC.
    pub month: Option<f64>,
}

/// Dollars that were spent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Today.
    pub day: f64,
    /// This month.
    pub month: f64,
    /// Today, by the schedule that is asked about.
    pub schedule: f64,
}

/// What runs of one kind and schedule have cost on a day.
#[derive(Clone, Debug, PartialEq)]
pub struct Spend {
    /// Days since 1970, UTC.
    pub day: i64,
    /// The jobs' kind.
    pub kind: String,
    /// The schedule that made them.
    pub schedule_id: Option<i64>,
    /// Dollars.
    pub cost_usd: f64,
    /// How many runs.
    pub runs: u64,
    /// How many of them may have cost more.
    pub at_least: u64,
}

/// Why a run may not start now.
#[derive(Clone, Debug, PartialEq)]
pub struct OverBudget {
    /// When the next period begins.
    pub until: Timestamp,
    /// For people.
    pub reason: String,
    /// The setting that is the budget; `None`: it stands in the payload of a schedule.
    pub setting: Option<&'static str>,
}

/// What is set aside for a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Reserve {
    /// Dollars that it may cost.
    Granted(f64),
    /// A budget is used up.
    Over(OverBudget),
    /// The runs that are under way may use up the rest of a budget.
    Held {
        /// Dollars that are set aside for them.
        reserved: f64,
    },
}

/// Why a run waits for which the runs that are under way leave nothing: so many dollars are set aside for them.
pub(crate) fn set_aside(reserved: f64) -> String {
    format!(
        "the runs that are under way may use up what is left of a budget: {} are set aside for them",
        usd(reserved)
    )
}

impl Budgets {
    /// The budgets as they are set.
    pub fn of(stored: &BTreeMap<&'static str, Value>) -> Self {
        let one = |setting: Setting| setting.of(stored).as_f64().filter(|usd| *usd > 0.0);
        Self { day: one(BUDGET_DAY), month: one(BUDGET_MONTH) }
    }

    /// Whether a run may not start (P25); `schedule` is what its schedule may cost a day.
    pub fn over(self, spent: Spent, schedule: Option<f64>, now: Timestamp) -> Option<OverBudget> {
        let bounds = self.bounds((spent, Spent::default()), schedule, now);
        bounds.iter().find(|bound| bound.spent >= bound.most).map(Bound::over)
    }

    /// Whether a run that asks for `wanted` dollars will not start, even if all others gave back what is set aside for them.
    pub fn short(
        self,
        wanted: Option<f64>,
        spent: Spent,
        schedule: Option<f64>,
        now: Timestamp,
    ) -> Option<OverBudget> {
        let wanted = wanted.unwrap_or(MIN_USD);
        match self.reserve(wanted, (spent, Spent::default()), schedule, now) {
            Reserve::Over(over) => Some(over),
            Reserve::Granted(_) | Reserve::Held { .. } => None,
        }
    }

    /// The dollars that are set aside for others, if they leave nothing for a run that asks for `wanted` and gives them a chance
    /// to give some back.
    pub fn held(
        self,
        wanted: Option<f64>,
        spent: (Spent, Spent),
        schedule: Option<f64>,
        now: Timestamp,
    ) -> Option<f64> {
        match self.reserve(wanted.unwrap_or(MIN_USD), spent, schedule, now) {
            Reserve::Held { reserved } => Some(reserved),
            Reserve::Granted(_) | Reserve::Over(_) => None,
        }
    }

    /// What is set aside for a run that asks for `wanted` dollars, while so much was spent and so much is set aside for
    /// others; `schedule` is what its schedule may cost a day.
    pub fn reserve(
        self,
        wanted: f64,
        (spent, reserved): (Spent, Spent),
        schedule: Option<f64>,
        now: Timestamp,
    ) -> Reserve {
        if let Some(over) = self.over(spent, schedule, now) {
            return Reserve::Over(over);
        }
        let bounds = self.bounds((spent, reserved), schedule, now);
        let least = if wanted > 0.0 { wanted.min(MIN_USD) } else { MIN_USD };
        // What others give back would not be enough for it.
        if let Some(over) = bounds.iter().find(|bound| bound.most - bound.spent < least) {
            return Reserve::Over(over.over());
        }
        let tightest = bounds.iter().min_by(|a, b| a.room().total_cmp(&b.room()));
        match tightest {
            Some(bound) if bound.room() < least => Reserve::Held { reserved: bound.reserved },
            Some(bound) => Reserve::Granted(wanted.min(bound.room()).max(least)),
            None => Reserve::Granted(wanted.max(least)),
        }
    }

    /// The budgets that are set, the longest period first.
    fn bounds(
        self,
        (spent, reserved): (Spent, Spent),
        schedule: Option<f64>,
        now: Timestamp,
    ) -> Vec<Bound> {
        let bound = |most: Option<f64>, whose, setting, until, of: fn(&Spent) -> f64| {
            let (spent, reserved) = (of(&spent), of(&reserved));
            most.map(|most| Bound { most, spent, reserved, whose, setting, until })
        };
        let (day, month) = (Some(BUDGET_DAY.key), Some(BUDGET_MONTH.key));
        let (tomorrow, next) = (next_day(now), next_month(now));
        [
            bound(self.month, "this month", month, next, |of| of.month),
            bound(self.day, "today", day, tomorrow, |of| of.day),
            bound(schedule, "its schedule for today", None, tomorrow, |of| of.schedule),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The budgets whose alarm went off just now: `spent` is over the share of the alarm and `before` was not.
    pub fn alarms(self, before: Spent, spent: Spent) -> Vec<String> {
        [
            ("today", self.day, before.day, spent.day),
            ("this month", self.month, before.month, spent.month),
        ]
        .into_iter()
        .filter_map(|(whose, most, before, spent)| {
            let mark = most? * ALARM;
            (before < mark && spent >= mark).then(|| {
                format!(
                    "{} of the budget of {whose}, {}, are spent",
                    usd(spent),
                    usd(most.unwrap_or(0.0))
                )
            })
        })
        .collect()
    }
}

/// The day of an instant: days since 1970, UTC.
pub fn day_of(now: Timestamp) -> i64 {
    now.millis().div_euclid(DAY_MS)
}

/// One budget, and what of it is gone.
struct Bound {
    most: f64,
    spent: f64,
    /// What is set aside for runs that are under way.
    reserved: f64,
    whose: &'static str,
    setting: Option<&'static str>,
    /// When its next period begins.
    until: Timestamp,
}

impl Bound {
    /// What nobody has spent or set aside.
    fn room(&self) -> f64 {
        self.most - self.spent - self.reserved
    }

    fn over(&self) -> OverBudget {
        let Self { most, spent, whose, .. } = self;
        let left = most - spent;
        let reason = if left > 0.0 {
            let (most, left) = (usd(*most), usd(left));
            format!("of the budget of {whose}, {most}, too little is left for a run ({left})")
        } else {
            format!("the budget of {whose}, {}, is used up ({})", usd(*most), usd(*spent))
        };
        OverBudget { until: self.until, reason, setting: self.setting }
    }
}

/// The first day of the month of an instant.
pub fn month_start(now: Timestamp) -> i64 {
    let date = now.to_utc().date_naive();
    day_of(now) - i64::from(chrono::Datelike::day0(&date))
}

fn next_day(now: Timestamp) -> Timestamp {
    Timestamp::from_millis((day_of(now) + 1) * DAY_MS)
}

fn next_month(now: Timestamp) -> Timestamp {
    let next = now.to_utc().date_naive().checked_add_months(chrono::Months::new(1));
    let days = next.map_or(day_of(now) + 31, |next| {
        next.signed_duration_since(chrono::NaiveDate::default()).num_days()
            - i64::from(chrono::Datelike::day0(&next))
    });
    Timestamp::from_millis(days * DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2027-01-31 12:00 UTC.
    const NOW: Timestamp = Timestamp::from_millis(1_801_396_800_000);

    #[test]
    fn periods_begin_at_midnight_and_on_the_first() {
        assert_eq!(NOW.to_string(), "2027-01-31T12:00:00.000Z");
        assert_eq!(next_day(NOW).to_string(), "2027-02-01T00:00:00.000Z");
        assert_eq!(next_month(NOW), next_day(NOW));
        assert_eq!(day_of(NOW) - month_start(NOW), 30);
        let first = next_month(NOW);
        assert_eq!(month_start(first), day_of(first));
        assert_eq!(next_month(first).to_string(), "2027-03-01T00:00:00.000Z");
    }

    #[test]
    fn a_used_up_budget_puts_off_to_its_next_period() {
        let budgets = Budgets { day: Some(20.0), month: Some(100.0) };
        let over = |day, month, schedule| {
            budgets.over(Spent { day, month, schedule }, Some(1.0), NOW).map(|over| over.reason)
        };
        assert_eq!(over(19.99, 99.99, 0.99), None);
        assert!(over(20.0, 50.0, 0.0).unwrap().contains("today, $20.00"));
        assert!(over(20.0, 100.0, 0.0).unwrap().contains("this month"));
        assert!(over(1.0, 1.0, 1.0).unwrap().contains("its schedule"));
        let none = Budgets { day: None, month: None };
        assert_eq!(none.over(Spent { day: 1e9, ..Spent::default() }, None, NOW), None);
    }

    #[test]
    fn a_run_gets_no_more_than_what_is_left() {
        let budgets = Budgets { day: Some(20.0), month: None };
        let spent = Spent { day: 19.5, month: 60.0, schedule: 0.0 };
        let reserve = |wanted, reserved: f64, schedule| {
            let reserved = Spent { day: reserved, month: reserved, schedule: 0.0 };
            match budgets.reserve(wanted, (spent, reserved), schedule, NOW) {
                Reserve::Granted(usd) => (usd * 1000.0).round() / 1000.0,
                Reserve::Held { .. } => -1.0,
                Reserve::Over(_) => -2.0,
            }
        };
        assert!((reserve(2.0, 0.0, None) - 0.5).abs() < 1e-9);
        assert!((reserve(0.25, 0.0, None) - 0.25).abs() < 1e-9);
        assert!((reserve(2.0, 0.0, Some(0.1)) - 0.1).abs() < 1e-9);
        assert!((reserve(2.0, 0.3, None) - 0.2).abs() < 1e-9, "others have their part");
        assert!((reserve(2.0, 0.5, None) + 1.0).abs() < 1e-9, "others may use it up");
    }

    #[test]
    fn a_run_waits_for_others_only_if_what_they_give_back_is_enough_for_it() {
        let budgets = Budgets { day: Some(20.0), month: Some(100.0) };
        let reserve = |day, month, reserved: f64| {
            let spent = Spent { day, month, schedule: 0.5 };
            let reserved = Spent { day: reserved, month: reserved, schedule: 0.25 };
            budgets.reserve(1.0, (spent, reserved), Some(0.75), NOW)
        };
        let Reserve::Over(over) = reserve(19.995, 50.0, 5.0) else { panic!("it is used up") };
        assert_eq!(over.setting, Some(BUDGET_DAY.key));
        let little = "of the budget of today, $20.00, too little is left for a run ($0.0050)";
        assert_eq!(over.reason, little);
        let short = |wanted| {
            let spent = Spent { day: 19.995, month: 50.0, schedule: 0.0 };
            budgets.short(wanted, spent, None, NOW).is_some()
        };
        assert_eq!([short(None), short(Some(1.0)), short(Some(0.001))], [true, true, false]);
        assert!(
            matches!(reserve(19.995, 50.0, 0.0), Reserve::Over(_)),
            "nobody gives anything back"
        );
        assert_eq!(
            reserve(1.0, 1.0, 5.0),
            Reserve::Held { reserved: 0.25 },
            "of its schedule's budget"
        );
        assert_eq!(reserve(15.0, 50.0, 6.0), Reserve::Held { reserved: 6.0 });
    }

    #[test]
    fn the_alarm_is_raised_once_at_four_fifths() {
        let budgets = Budgets { day: Some(10.0), month: Some(1000.0) };
        let spent = |day| Spent { day, month: day, schedule: 0.0 };
        assert_eq!(budgets.alarms(spent(7.0), spent(7.9)), Vec::<String>::new());
        assert_eq!(budgets.alarms(spent(7.9), spent(8.1)).len(), 1);
        assert_eq!(budgets.alarms(spent(8.1), spent(12.0)), Vec::<String>::new());
    }
}

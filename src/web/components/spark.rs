//! Small pictures of numbers: bars of a count over time, and a bar of a share.

use maud::{Markup, html};

/// The height of a sparkline, and the width of one bar with the space beside it, in units of the picture.
const HEIGHT: u64 = 24;
const STEP: usize = 4;

/// A sparkline of bars, the newest at the right. `look` is the class of its colour; `label` says what it shows.
pub(in crate::web) fn sparkline(look: &str, label: &str, counts: &[u64]) -> Markup {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let told = format!("{label}: {most} at most");
    html! {
        svg class={ "spark " (look) } viewBox={ "0 0 " (counts.len() * STEP) " " (HEIGHT) } preserveAspectRatio="none"
            role="img" aria-label=(told) {
            @for (nth, count) in counts.iter().enumerate() {
                // A bar of few is seen, too.
                @let height = (count * HEIGHT).div_ceil(most).max(1);
                rect.zero[*count == 0] x=(nth * STEP) y=(HEIGHT - height) width=(STEP - 1) height=(height) { title { (count) } }
            }
        }
    }
}

/// What a meter measures: what being full means differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Measure {
    /// Slots: full is busy, which is not wrong.
    Slots,
    /// A budget: full is used up.
    Budget,
    /// Slots of something that is paused.
    Paused,
}

/// How far a budget is used before its bar asks for a look, in percent.
const HIGH: u64 = 80;

/// A bar of a share. The text beside it says the same in numbers.
pub(in crate::web) fn meter(measure: Measure, percent: u64, label: &str) -> Markup {
    let percent = percent.min(100);
    let class = match (measure, percent) {
        (Measure::Paused, _) => "meter meter-paused",
        (Measure::Budget, 100) => "meter meter-full",
        (Measure::Slots, 100) | (Measure::Budget, HIGH..) => "meter meter-run",
        (Measure::Slots | Measure::Budget, _) => "meter",
    };
    html! {
        svg class=(class) viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label=(label) {
            rect.track width="100" height="6" {}
            rect.fill width=(percent) height="6" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_slots_are_busy_and_a_full_budget_is_used_up() {
        let class = |measure, percent| {
            let bar = meter(measure, percent, "x").into_string();
            bar.split('"').nth(1).unwrap().to_owned()
        };
        assert_eq!(class(Measure::Slots, 99), "meter");
        assert_eq!(class(Measure::Slots, 100), "meter meter-run");
        assert_eq!(class(Measure::Budget, 79), "meter");
        assert_eq!(class(Measure::Budget, 80), "meter meter-run");
        assert_eq!(class(Measure::Budget, 250), "meter meter-full");
        assert_eq!(class(Measure::Paused, 100), "meter meter-paused");
    }

    #[test]
    fn a_sparkline_has_a_bar_for_each_count_and_marks_those_of_none() {
        let line = sparkline("", "Jobs by hour", &[0, 1, 48]).into_string();
        assert_eq!(line.matches("<rect").count(), 3);
        assert!(line.contains(r#"class="zero" x="0" y="23""#), "{line}");
        assert!(line.contains(r#"x="8" y="0" width="3" height="24""#), "{line}");
        assert!(line.contains("Jobs by hour: 48 at most"), "{line}");
    }
}

//! What charts have in common: their measures, the numbers at their left, and a chart of one bar a day.

#[cfg(feature = "monitor")]
use super::super::base::Link;
use super::tile::grouped;
#[cfg(feature = "monitor")]
use maud::{Markup, html};

/// The width of the numbers at the left of a chart.
pub(super) const AXIS: u64 = 44;
/// The least height of what is not nothing.
pub(super) const LEAST: u64 = 2;
/// Days whose names stand beneath their bars: each so many.
pub(super) const DAYS_NAMED: usize = 5;

/// A part of the width.
pub(super) fn percent(part: usize, of: usize) -> String {
    let thousandths = part * 100_000 / of.max(1);
    format!("{}.{:03}%", thousandths / 1_000, thousandths % 1_000)
}

/// The lines of a chart: how many halves of the most each stands for, and how far below the top it is.
pub(super) fn halves((top, high): (u64, u64)) -> [(u64, u64); 3] {
    [2, 1, 0].map(|part| (part, top + high - high * part / 2))
}

/// The plain number that the highest bar may stand for; half of it is plain too.
pub(super) fn most_for(highest: u64) -> u64 {
    if let Some(few) = [2, 4, 6, 8].into_iter().find(|few| *few >= highest) {
        return few;
    }
    let tens = (0..17).map(|power| 10_u64.pow(power));
    let steps = tens.flat_map(|ten| STEPS.map(|step| step * ten));
    steps.into_iter().find(|step| *step >= highest).unwrap_or(highest)
}

/// The plain numbers of two digits whose halves are plain, too.
const STEPS: [u64; 11] = [10, 12, 14, 16, 20, 24, 30, 40, 50, 60, 80];

/// A plain number as short as it can be: `400`, `1.2k`, `20k`, `1M`.
pub(super) fn count(number: u64) -> String {
    let short = |unit: u64| match number % unit * 10 / unit {
        0 => grouped(number / unit),
        tenth => format!("{}.{tenth}", grouped(number / unit)),
    };
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => format!("{}k", short(1_000)),
        _ => format!("{}M", short(1_000_000)),
    }
}

/// Where the word beneath a bar stands: those of the outermost bars would be cut at the edge.
pub(super) fn word_at(nth: usize, of: usize) -> (String, &'static str) {
    if nth == 0 {
        ("0%".to_owned(), "start")
    } else if nth + 1 == of {
        ("100%".to_owned(), "end")
    } else {
        (percent(nth * 2 + 1, of * 2), "middle")
    }
}

/// Where the bars of a chart of days begin, how high the highest is, and where the words beneath them stand.
#[cfg(feature = "monitor")]
const BARS: (u64, u64) = (8, 112);
#[cfg(feature = "monitor")]
const WORDS: u64 = 138;
#[cfg(feature = "monitor")]
const HEIGHT: u64 = 144;

/// The bar of one day.
#[cfg(feature = "monitor")]
pub(in crate::web) struct DayBar {
    /// The day, as it stands beneath the bar.
    pub(in crate::web) word: String,
    /// How many.
    pub(in crate::web) count: u64,
    /// What it leads to, if to anything.
    pub(in crate::web) link: Option<Link>,
}

/// A chart of one bar a day, the newest at the right. `look` is the class of its colour; `what` says what is counted.
#[cfg(feature = "monitor")]
pub(in crate::web) fn day_bars(look: &str, what: &str, bars: &[DayBar]) -> Markup {
    let most = most_for(bars.iter().map(|bar| bar.count).max().unwrap_or(0));
    let shape = |nth: usize, bar: &DayBar| {
        let height = (bar.count * BARS.1 / most.max(1)).max(LEAST);
        let (x, width) = (percent(nth * 10 + 1, bars.len() * 10), percent(8, bars.len() * 10));
        html! {
            title { (bar.word) ": " (grouped(bar.count)) }
            rect.hit x=(percent(nth, bars.len())) y="0" width=(percent(1, bars.len())) height=(BARS.0 + BARS.1) {}
            rect class=(look) x=(x) y=(BARS.0 + BARS.1 - height) width=(width) height=(height) {}
        }
    };
    html! {
        div.plot {
            svg.axis width=(AXIS) height=(HEIGHT) aria-hidden="true" {
                @for (part, y) in halves(BARS) { text x=(AXIS - 6) y=(y + 4) text-anchor="end" { (count(most * part / 2)) } }
            }
            svg.bars width="100%" height=(HEIGHT) role="group" aria-label=(what) {
                @for (_, y) in halves(BARS) { line x1="0" x2="100%" y1=(y) y2=(y) {} }
                @for (nth, bar) in bars.iter().enumerate() {
                    @if bar.count > 0 {
                        g.slot {
                            @if let Some(link) = &bar.link {
                                a href=(link) tabindex="-1" aria-label={ (bar.word) ": " (grouped(bar.count)) } { (shape(nth, bar)) }
                            } @else { (shape(nth, bar)) }
                        }
                    }
                    @let from_end = bars.len() - 1 - nth;
                    @if from_end.is_multiple_of(DAYS_NAMED) {
                        @let (x, anchor) = word_at(nth, bars.len());
                        text.minor[from_end / DAYS_NAMED % 2 == 1] x=(x) y=(WORDS) text-anchor=(anchor) { (bar.word) }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "monitor")]
    use super::super::super::base::link;
    use super::*;

    #[test]
    fn the_highest_bar_stands_for_a_plain_number() {
        for (highest, most, said) in [
            (0, 2, "2"),
            (3, 4, "4"),
            (5, 6, "6"),
            (11, 12, "12"),
            (205, 240, "240"),
            (411, 500, "500"),
            (1_100, 1_200, "1.2k"),
            (13_000, 14_000, "14k"),
            (2_300_000, 2_400_000, "2.4M"),
            (3_900_000, 4_000_000, "4M"),
        ] {
            assert_eq!(most_for(highest), most);
            assert_eq!(count(most), said);
        }
        assert_eq!(halves((8, 100)), [(2, 8), (1, 58), (0, 108)]);
    }

    #[cfg(feature = "monitor")]
    #[test]
    fn a_day_with_few_is_seen_one_with_none_has_no_bar_and_each_leads_to_its_rows() {
        let bar = |word: &str, count, path: Option<&str>| DayBar {
            word: word.to_owned(),
            count,
            link: path.map(link),
        };
        let bars = [bar("1 Nov", 0, None), bar("2 Nov", 1, None), bar("3 Nov", 1_000, Some("/x"))];
        let chart = day_bars("b-bad", "Rows by day", &bars).into_string();
        assert_eq!(chart.matches("class=\"b-bad\"").count(), 2, "{chart}");
        assert!(chart.contains("<title>2 Nov: 1</title>") && chart.contains(r#"height="2""#));
        assert!(chart.contains(r#"<a href="/x" tabindex="-1" aria-label="3 Nov: 1,000">"#));
        assert!(chart.contains(r#"height="112""#), "the highest has all of the height: {chart}");
        assert!(!chart.contains("style="));
    }
}

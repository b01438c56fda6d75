//! The chart of what jobs did: bars of how many ended, how long they waited before their start, and the same as a table.

use super::super::base::Link;
use super::list::table;
use super::plot::{AXIS, DAYS_NAMED, LEAST, count, halves, most_for, percent, word_at};
use super::tile::grouped;
use super::time::{about, about_text};
use crate::model::{
    FiguresStep, JobSlot, PartOf, SeriesPart, SplitSeries, Status, Timestamp, Zone,
};
use chrono::{NaiveTime, Timelike};
use maud::{Markup, Render, html};
use std::time::Duration;

/// Where the bars begin and how high the highest is, where the words beneath them stand, and the same for the waits.
const BARS: (u64, u64) = (8, 176);
const WORDS: u64 = 202;
const WAITS_NAMED: u64 = 232;
const WAITS: (u64, u64) = (246, 84);
const HEIGHT: u64 = WAITS.0 + WAITS.1 + 4;

/// What the chart shows, and how its address is made: that of the jobs that ended in a slot, of a part or of all.
pub(in crate::web) struct Throughput<'a, L> {
    /// The id of the card that it is in.
    pub(in crate::web) id: &'a str,
    /// The figures.
    pub(in crate::web) split: &'a SplitSeries,
    /// On whose clocks the times are.
    pub(in crate::web) zone: Zone,
    /// The jobs of a bar.
    pub(in crate::web) link: L,
}

impl<L: Fn(&JobSlot, Option<&PartOf>) -> Link> Render for Throughput<'_, L> {
    fn render(&self) -> Markup {
        html! {
            (self.legend())
            div.plot {
                svg.axis width=(AXIS) height=(HEIGHT) aria-hidden="true" {
                    @let (most, longest) = (self.most(), self.longest());
                    @for (part, y) in halves(BARS) { text x=(AXIS - 6) y=(y + 4) text-anchor="end" { (count(most * part / 2)) } }
                    @for (part, y) in halves(WAITS) { text x=(AXIS - 6) y=(y + 4) text-anchor="end" { (coarse(longest * part as u32 / 2)) } }
                }
                svg.bars width="100%" height=(HEIGHT) role="group" aria-label="Jobs that ended, and their waits, by time" {
                    @for (_, y) in halves(BARS).into_iter().chain(halves(WAITS)) { line x1="0" x2="100%" y1=(y) y2=(y) {} }
                    @for (nth, slot) in self.split.whole.slots.iter().enumerate() { (self.slot(nth, slot)) }
                    (self.words())
                    (self.waits())
                }
            }
            p.sub {
                "Times in " (self.zone) ". A bar leads to its jobs."
                @if let Some((slot, longest)) = self.cut() {
                    " The axis of the waits ends at " (coarse(self.longest())) ": higher ones, up to " (about_text(longest)) " (" (self.span(slot)) "), are cut."
                }
            }
            details id={ (self.id) "-numbers" } { summary { "Numbers as a table" } (self.numbers()) }
        }
    }
}

impl<L: Fn(&JobSlot, Option<&PartOf>) -> Link> Throughput<'_, L> {
    fn legend(&self) -> Markup {
        html! {
            ul.legend {
                @for (nth, part) in self.split.parts.iter().enumerate() {
                    li class={ "l-" (look(nth, part)) } { (name(&part.of)) " " b { (grouped(part.total())) } }
                }
            }
        }
    }

    /// How many the highest bar may stand for.
    fn most(&self) -> u64 {
        let slots = 0..self.split.whole.slots.len();
        let ended = slots.map(|nth| self.split.parts.iter().map(|part| part.counts[nth]).sum());
        most_for(ended.max().unwrap_or(0))
    }

    /// The wait that the highest point of the lines may stand for. A tenth of the slots may be cut where they would press all
    /// others to the floor.
    fn longest(&self) -> Duration {
        let mut waits: Vec<_> =
            self.split.whole.slots.iter().filter_map(|slot| wait(slot, 95)).collect();
        waits.sort_unstable_by(|a, b| b.cmp(a));
        let highest = waits.first().copied().unwrap_or_default();
        let usual = waits.get(waits.len() / CUT_OF).copied().unwrap_or_default();
        let longest = if usual > Duration::ZERO && highest > usual * FAR { usual } else { highest };
        let known = LENGTHS.iter().map(|millis| Duration::from_millis(*millis));
        known.into_iter().find(|known| *known >= longest).unwrap_or(longest)
    }

    /// The slot with the longest wait, if the axis is shorter.
    fn cut(&self) -> Option<(&JobSlot, Duration)> {
        let slots = self.split.whole.slots.iter();
        let (slot, longest) =
            slots.filter_map(|slot| Some((slot, wait(slot, 95)?))).max_by_key(|(_, wait)| *wait)?;
        (longest > self.longest()).then_some((slot, longest))
    }

    /// The bar of a slot: its parts above each other, what failed at the bottom. All of its height leads to its jobs.
    fn slot(&self, nth: usize, slot: &JobSlot) -> Markup {
        let count = self.split.whole.slots.len();
        let (x, width) = (percent(nth * 10 + 1, count * 10), percent(8, count * 10));
        let (most, mut floor) = (self.most(), BARS.0 + BARS.1);
        let mut shares = Vec::new();
        for (part_nth, part) in bottom_up(&self.split.parts) {
            let ended = part.counts[nth];
            if ended > 0 {
                let height = (ended * BARS.1 / most.max(1)).max(LEAST).min(floor - BARS.0);
                floor -= height;
                shares.push((part_nth, part, floor, height));
            }
        }
        if shares.is_empty() && slot.figures.waits.count() == 0 {
            return html! {};
        }
        let said = self.said(nth, slot);
        html! {
            g.slot {
                a href=((self.link)(slot, None)) tabindex="-1" aria-label=(said) {
                    title { (said) }
                    rect.hit x=(percent(nth, count)) y="0" width=(percent(1, count)) height=(HEIGHT) {}
                }
                @for (part_nth, part, y, height) in shares {
                    a href=((self.link)(slot, Some(&part.of))) tabindex="-1" aria-label={ (name(&part.of)) ", " (said) } {
                        title { (said) }
                        rect class={ "b-" (look(part_nth, part)) } x=(x) y=(y) width=(width) height=(height) {}
                    }
                }
            }
        }
    }

    /// The numbers of a slot in one line.
    fn said(&self, nth: usize, slot: &JobSlot) -> String {
        let mut said = vec![self.span(slot)];
        let parts = self.split.parts.iter().filter(|part| part.counts[nth] > 0);
        said.extend(parts.map(|part| format!("{} {}", name(&part.of), grouped(part.counts[nth]))));
        if let (Some(half), Some(long)) = (wait(slot, 50), wait(slot, 95)) {
            said.push(format!("wait p50 {}, p95 {}", about_text(half), about_text(long)));
        }
        said.join(" · ")
    }

    /// From when to when a slot is: `29 Nov 14:00–15:00`, or a day.
    fn span(&self, slot: &JobSlot) -> String {
        let clock = |at| self.zone.clock(at);
        match self.split.whole.step {
            FiguresStep::Days => clock(slot.from).format("%a %-d %b").to_string(),
            FiguresStep::Minutes(_) | FiguresStep::Hours(_) => {
                let (from, until) = (clock(slot.from), clock(slot.until));
                format!("{}–{}", from.format("%-d %b %H:%M"), until.format("%H:%M"))
            }
        }
    }

    /// The times beneath the bars. In a narrow window each second one is not shown.
    fn words(&self) -> Markup {
        let slots = &self.split.whole.slots;
        let named = slots.iter().enumerate().filter(|(nth, slot)| {
            let at = self.zone.clock(slot.from).time();
            match self.split.whole.step {
                FiguresStep::Minutes(_) => at.minute().is_multiple_of(10),
                FiguresStep::Hours(1) => at.hour().is_multiple_of(3) && at.minute() == 0,
                FiguresStep::Hours(_) => at == NaiveTime::MIN,
                FiguresStep::Days => (slots.len() - 1 - nth).is_multiple_of(DAYS_NAMED),
            }
        });
        let form = match self.split.whole.step {
            FiguresStep::Minutes(_) | FiguresStep::Hours(1) => "%H:%M",
            FiguresStep::Hours(_) => "%a %-d",
            FiguresStep::Days => "%-d %b",
        };
        let word = |at: Timestamp| self.zone.clock(at).format(form).to_string();
        html! {
            @for (place, (nth, slot)) in named.enumerate() {
                @let (x, anchor) = word_at(nth, slots.len());
                text.minor[place % 2 == 1] x=(x) y=(WORDS) text-anchor=(anchor) { (word(slot.from)) }
            }
        }
    }

    /// The lines of how long jobs waited before their start.
    fn waits(&self) -> Markup {
        let waits = &self.split.whole.total().waits;
        let of_all = |percent| waits.percentile(percent).map_or("none".to_owned(), about_text);
        html! {
            text x="0" y=(WAITS_NAMED) {
                tspan.name { "Wait" tspan.minor { " before start" } }
                tspan.p50 dx="10" { "━" } " p50 " tspan.name { (of_all(50)) }
                tspan.p95 dx="10" { "╍" } " p95 " tspan.name { (of_all(95)) }
                tspan.minor dx="10" { "over all jobs shown" }
            }
            svg.lines x="0" y=(WAITS.0) width="100%" height=(WAITS.1) viewBox={ "0 0 " (self.split.whole.slots.len() * 10) " " (WAITS.1) }
                preserveAspectRatio="none" {
                @for (class, percent) in [("p95", 95), ("p50", 50)] {
                    @for points in self.line(percent) { polyline class=(class) points=(points) {} }
                }
            }
        }
    }

    /// The points of a line, which breaks where no job started. A slot alone is a stroke of its width.
    fn line(&self, percent: u8) -> Vec<String> {
        let longest = self.longest().as_millis().max(1);
        let high = u128::from(WAITS.1);
        let y = |wait: Duration| high - wait.as_millis().min(longest) * high / longest;
        let slots = self.split.whole.slots.iter().enumerate();
        let waits: Vec<_> = slots.map(|(nth, slot)| (nth * 10, wait(slot, percent))).collect();
        let runs = waits.chunk_by(|before, after| before.1.is_some() && after.1.is_some());
        let line = |run: &[(usize, Option<Duration>)]| match run {
            [(_, None)] => None,
            [(x, Some(wait))] => Some(format!("{},{y} {},{y}", x + 2, x + 8, y = y(*wait))),
            run => {
                let points = run.iter().filter_map(|(x, wait)| Some((x + 5, y((*wait)?))));
                Some(points.map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" "))
            }
        };
        runs.filter_map(line).collect()
    }

    /// The slots in which something ended or started, the newest first.
    fn numbers(&self) -> Markup {
        let from = format!("From, {}", self.zone);
        let mut columns = vec![from];
        columns.extend(self.split.parts.iter().map(|part| name(&part.of)));
        columns.extend(["Wait p50", "Wait p95"].map(str::to_owned));
        let columns: Vec<_> = columns.iter().map(String::as_str).collect();
        let said = |wait: Option<Duration>| about(wait);
        let row = |(nth, slot): (usize, &JobSlot)| {
            html! { tr {
                td data-label="" { a href=((self.link)(slot, None)) { (self.span(slot)) } }
                @for part in &self.split.parts {
                    td.num data-label=(name(&part.of)) {
                        @if part.counts[nth] == 0 { "0" }
                        @else { a.bad[part.of == PartOf::Status(Status::Failed)] href=((self.link)(slot, Some(&part.of))) { (grouped(part.counts[nth])) } }
                    }
                }
                td.num data-label="wait p50" { (said(wait(slot, 50))) }
                td.num data-label="wait p95" { (said(wait(slot, 95))) }
            } }
        };
        let slots = self.split.whole.slots.iter().enumerate().rev();
        let is_something = |(nth, slot): &(usize, &JobSlot)| {
            slot.figures.waits.count() > 0 || self.split.parts.iter().any(|p| p.counts[*nth] > 0)
        };
        let rows: Vec<_> = slots.filter(is_something).map(row).collect();
        table("Numbers of the chart", &columns, &rows)
    }
}

/// One of so many slots may have waits above the axis, and only if the longest is so many times as long as the axis.
const CUT_OF: usize = 10;
const FAR: u32 = 8;

/// What the waits of a whole picture may be at most, in milliseconds; half of each is a plain length too.
const LENGTHS: [u64; 22] = [
    10,
    20,
    100,
    200,
    1_000,
    2_000,
    4_000,
    10_000,
    20_000,
    60_000,
    120_000,
    600_000,
    1_200_000,
    3_600_000,
    7_200_000,
    14_400_000,
    43_200_000,
    86_400_000,
    172_800_000,
    864_000_000,
    1_728_000_000,
    8_640_000_000,
];

/// The parts from the bottom up: what failed first, so that its heights are compared along one line.
fn bottom_up(parts: &[SeriesPart]) -> Vec<(usize, &SeriesPart)> {
    let mut parts: Vec<_> = parts.iter().enumerate().collect();
    parts.sort_by_key(|(nth, part)| (part.of != PartOf::Status(Status::Failed), *nth));
    parts
}

fn wait(slot: &JobSlot, percent: u8) -> Option<Duration> {
    slot.figures.waits.percentile(percent)
}

/// What a part is called.
fn name(of: &PartOf) -> String {
    match of {
        PartOf::Status(Status::Completed) => "Completed".to_owned(),
        PartOf::Status(Status::Failed) => "Failed".to_owned(),
        PartOf::Status(Status::Cancelled) => "Cancelled".to_owned(),
        PartOf::Status(status) => status.to_string(),
        PartOf::Kind(kind) => kind.to_string(),
        PartOf::Queue(queue) => queue.to_string(),
        PartOf::Other => "other".to_owned(),
    }
}

/// The class of a part's colour.
fn look(nth: usize, part: &SeriesPart) -> &'static str {
    match part.of {
        PartOf::Status(Status::Completed) => "ok",
        PartOf::Status(Status::Failed) => "bad",
        PartOf::Status(_) => "rest",
        PartOf::Kind(_) | PartOf::Queue(_) => ["c1", "c2", "c3", "c4", "c5"][nth.min(4)],
        PartOf::Other => "c6",
    }
}

/// A plain length with one unit.
fn coarse(length: Duration) -> String {
    match (length.as_millis(), length.as_secs()) {
        (0, _) => "0 s".to_owned(),
        (millis @ 1..1_000, _) => format!("{millis} ms"),
        (_, seconds @ 0..60) => format!("{seconds} s"),
        (_, seconds @ 60..3_600) => format!("{} min", seconds / 60),
        (_, seconds @ 3_600..86_400) => format!("{} h", seconds / 3_600),
        (_, seconds) => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::base::link;
    use super::*;
    use crate::model::{JobFigures, JobSeries, Kind};

    /// Three hours from 12:00 on of New York: nothing, one job that failed and 99 that completed, and a start alone.
    fn split(parts: Vec<SeriesPart>) -> SplitSeries {
        let hour = Duration::from_hours(1);
        let noon = Timestamp::from_iso("2027-01-15T17:00:00Z").unwrap();
        let slot = |nth: u32| {
            let mut figures = JobFigures::default();
            for _ in 0..nth {
                figures.waits.add(Duration::from_secs(2));
            }
            JobSlot { from: noon.plus(hour * nth), until: noon.plus(hour * (nth + 1)), figures }
        };
        let slots = (0..3).map(slot).collect();
        SplitSeries { whole: JobSeries { step: FiguresStep::Hours(1), slots }, parts }
    }

    fn drawn(split: &SplitSeries) -> String {
        let link = |slot: &JobSlot, part: Option<&PartOf>| {
            let part = part.map_or_else(|| "all".to_owned(), name);
            link("/jobs").with(&[("q", format!("{part} {}", slot.from.millis()))])
        };
        let zone = Zone::named("America/New_York").unwrap();
        Throughput { id: "x", split, zone, link }.render().into_string()
    }

    #[test]
    fn a_bar_says_its_numbers_in_the_zone_and_leads_to_its_jobs() {
        let part =
            |status, count| SeriesPart { of: PartOf::Status(status), counts: vec![0, count, 0] };
        let split = split(vec![part(Status::Completed, 99), part(Status::Failed, 1)]);
        let chart = drawn(&split);
        let said = "15 Jan 13:00–14:00 · Completed 99 · Failed 1 · wait p50 ";
        assert!(chart.contains(said), "{chart}");
        assert!(chart.contains("Times in America/New_York."));
        let at = split.whole.slots[1].from.millis();
        for part in ["all", "Completed", "Failed"] {
            let href = format!("href=\"/jobs?q={part}+{at}\"");
            assert_eq!(chart.matches(&href).count(), 2, "in the chart and in the table: {part}");
        }
        // What failed stands at the bottom, and is seen though it is one of a hundred.
        assert!(
            chart.contains(r#"class="b-bad" x="36.666%" y="182" width="26.666%" height="2""#),
            "{chart}"
        );
        assert!(chart.contains(r#"class="b-ok""#) && !chart.contains("style="));
        assert!(chart.contains("Completed <b>99</b>"));
    }

    #[test]
    fn a_slot_without_jobs_has_no_bar_and_one_with_a_start_alone_tells_its_wait() {
        let other = SeriesPart { of: PartOf::Other, counts: vec![0, 7, 0] };
        let kind = SeriesPart { of: PartOf::Kind(Kind::named("mail")), counts: vec![0, 9, 0] };
        let chart = drawn(&split(vec![kind, other]));
        assert_eq!(chart.matches("class=\"slot\"").count(), 2, "{chart}");
        assert!(chart.contains("15 Jan 14:00–15:00 · wait p50"));
        assert!(chart.contains("b-c1") && chart.contains("b-c6"));
        // The lines go through the two slots in which jobs started.
        assert_eq!(chart.matches("<polyline").count(), 2, "{chart}");
    }

    #[test]
    fn a_wait_far_above_the_others_is_cut_and_the_chart_says_so() {
        let mut split = split(Vec::new());
        let usual = split.whole.slots[1].clone();
        split.whole.slots = (0..12).map(|_| usual.clone()).collect();
        assert!(!drawn(&split).contains("are cut"), "nothing is above the axis");
        split.whole.slots[7].figures.waits.add(Duration::from_mins(12));
        let chart = drawn(&split);
        let (_, said) = chart.split_once(": higher ones, up to ").unwrap();
        assert!(said.contains("min") && said.contains("are cut."), "{said}");
        split.whole.slots[8].figures.waits.add(Duration::from_mins(12));
        assert!(!drawn(&split).contains("are cut"), "two of twelve are no odd ones out");
    }

    #[test]
    fn a_line_breaks_where_no_job_started_and_a_slot_alone_is_a_stroke() {
        let mut split = split(Vec::new());
        let wait = split.whole.slots[1].figures.clone();
        split.whole.slots[0].figures = wait;
        split.whole.slots[1].figures = JobFigures::default();
        let line = Throughput {
            id: "x",
            split: &split,
            zone: Zone::default(),
            link: |_: &JobSlot, _: Option<&PartOf>| link("/"),
        }
        .line(95);
        assert_eq!(line.len(), 2);
        assert!(line[0].starts_with("2,") && line[0].contains(" 8,"), "{line:?}");
        assert!(line[1].starts_with("22,") && line[1].contains(" 28,"), "{line:?}");
    }

    #[test]
    fn the_lengths_at_the_left_and_half_of_each_are_plain() {
        let said = |millis: u64| coarse(Duration::from_millis(millis));
        let all: Vec<_> = LENGTHS.iter().map(|n| format!("{}/{}", said(*n), said(n / 2))).collect();
        assert_eq!(
            all[..6].join(" "),
            "10 ms/5 ms 20 ms/10 ms 100 ms/50 ms 200 ms/100 ms 1 s/500 ms 2 s/1 s"
        );
        assert_eq!(
            all[9..].join(" "),
            "1 min/30 s 2 min/1 min 10 min/5 min 20 min/10 min 1 h/30 min 2 h/1 h 4 h/2 h 12 h/6 h 1 d/12 h 2 d/1 d 10 d/5 d 20 d/10 d 100 d/50 d"
        );
    }
}

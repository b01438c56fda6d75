//! The course of a run: decides from the time and the events when it is interrupted, told to end, and killed.

use super::Reason;
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// The time from INT to TERM. An agent program ends some tenths of a second after INT and tells then what it has cost.
const INTERRUPT_GRACE: Duration = Duration::from_secs(2);
/// The least part of the whole grace that is left from TERM to KILL: three quarters.
const INTERRUPT_SHARE: u32 = 4;
/// How long processes that outlive the main one have from TERM to KILL: one that holds standard output open, and
/// ignores TERM, delays the end of the run by this much.
const LEFTOVER_GRACE: Duration = Duration::from_secs(2);
/// From the first KILL to the second: what was forked meanwhile is met by the next one.
const FIRST_REPEAT: Duration = Duration::from_millis(20);
/// The same while new ones turn up.
const QUICK_REPEAT: Duration = Duration::from_millis(1);
/// The longest time between two KILLs: what is not gone by then hangs in the kernel.
const LAST_REPEAT: Duration = Duration::from_secs(1);

/// The longest limit that is kept; nothing runs for a year.
const MAX_LENGTH: Duration = Duration::from_hours(365 * 24);

/// The limits of a run, as its supervisor keeps them.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) wall: Duration,
    pub(super) idle: Duration,
    pub(super) output: u64,
    /// From the first signal to KILL.
    pub(super) grace: Duration,
}

/// Where a run is on its way from start to end.
pub(super) struct Course {
    bounds: Bounds,
    started: Instant,
    last_output: Instant,
    /// Bytes that may still be delivered.
    output_left: u64,
    reason: Option<Reason>,
    /// When the next KILL is due; `None` while nothing has to end.
    kill_at: Option<Instant>,
    /// Whether TERM was sent.
    is_told: bool,
    /// When TERM is due after INT.
    term_at: Option<Instant>,
    /// When the signal that was sent last is sent again, because it met nobody.
    tell_at: Option<Instant>,
    repeat: Duration,
}

impl Course {
    /// A run that starts now.
    pub(super) fn new(bounds: Bounds, now: Instant) -> Self {
        let bounds = Bounds {
            wall: bounds.wall.min(MAX_LENGTH),
            idle: bounds.idle.min(MAX_LENGTH),
            grace: bounds.grace.min(MAX_LENGTH),
            ..bounds
        };
        Self {
            bounds,
            started: now,
            last_output: now,
            output_left: bounds.output,
            reason: None,
            kill_at: None,
            is_told: false,
            term_at: None,
            tell_at: None,
            repeat: FIRST_REPEAT,
        }
    }

    /// Why it ends, once it does.
    pub(super) fn reason(&self) -> Option<Reason> {
        self.reason
    }

    /// How long it has run.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    /// It has to end, for a reason; the first one counts. Answers what to send.
    pub(super) fn end(&mut self, reason: Reason, now: Instant) -> Option<Signal> {
        if self.reason.is_some() {
            return None;
        }
        self.reason = Some(reason);
        self.kill_at = Some(now + self.bounds.grace);
        self.term_at = Some(now + INTERRUPT_GRACE.min(self.bounds.grace / INTERRUPT_SHARE));
        Some(Signal::INT)
    }

    /// It takes more of the machine than it may: it is killed at once, because each moment of grace makes that worse.
    pub(super) fn kill(&mut self, reason: Reason, now: Instant) -> Option<Signal> {
        self.reason = self.reason.or(Some(reason));
        self.kill_at = Some(now);
        self.on_time(now)
    }

    /// The main process has ended: so must the others, which have nothing to tell. Answers what to send.
    pub(super) fn main_ended(&mut self, now: Instant) -> Option<Signal> {
        self.reason = self.reason.or(Some(Reason::Exited));
        let latest = now + LEFTOVER_GRACE;
        self.kill_at = Some(self.kill_at.map_or(latest, |at| at.min(latest)));
        let was_told = std::mem::replace(&mut self.is_told, true);
        (self.term_at, self.tell_at) = (None, None);
        (!was_told).then_some(Signal::TERM)
    }

    /// Bytes of output have come, which are a sign of life or none. Answers how many of them may be delivered, and what to send.
    pub(super) fn output(
        &mut self,
        bytes: usize,
        is_sign: bool,
        now: Instant,
    ) -> (usize, Option<Signal>) {
        if is_sign {
            self.last_output = now;
        }
        let bytes = bytes as u64;
        if bytes <= self.output_left {
            self.output_left -= bytes;
            return (bytes as usize, None);
        }
        let allowed = std::mem::take(&mut self.output_left);
        let told = self.end(Reason::OutputLimit, now);
        // The last output may be read after the end of the program. Output that was cut is never called a plain end.
        if self.reason == Some(Reason::Exited) {
            self.reason = Some(Reason::OutputLimit);
        }
        (allowed as usize, told)
    }

    /// Nobody takes the output, so the program cannot write: it does not count as idle.
    pub(super) fn blocked(&mut self, now: Instant) {
        self.last_output = now;
    }

    /// A KILL has hit processes that the one before it did not: they fork while they are killed, so the next KILL comes soon.
    pub(super) fn met_new(&mut self, now: Instant) {
        self.repeat = FIRST_REPEAT;
        self.kill_at = self.kill_at.map(|_| now + QUICK_REPEAT);
    }

    /// The signal came too early: the program had not begun yet and would begin after it.
    pub(super) fn met_nobody(&mut self, now: Instant) {
        self.tell_at = Some(now + FIRST_REPEAT);
    }

    /// When to ask [`Course::on_time`].
    pub(super) fn next(&self) -> Instant {
        let limits = (self.started + self.bounds.wall).min(self.last_output + self.bounds.idle);
        let next = self.kill_at.unwrap_or(limits);
        self.term_at.into_iter().chain(self.tell_at).fold(next, Instant::min)
    }

    /// What to send at this time, if anything.
    pub(super) fn on_time(&mut self, now: Instant) -> Option<Signal> {
        match self.kill_at {
            Some(at) if now >= at => {
                self.kill_at = Some(now + self.repeat);
                self.repeat = LAST_REPEAT.min(self.repeat * 2);
                (self.term_at, self.tell_at) = (None, None);
                Some(Signal::KILL)
            }
            Some(_) if self.term_at.is_some_and(|at| now >= at) => {
                (self.term_at, self.tell_at) = (None, None);
                self.is_told = true;
                Some(Signal::TERM)
            }
            Some(_) if self.tell_at.is_some_and(|at| now >= at) => {
                self.tell_at = None;
                Some(if self.is_told { Signal::TERM } else { Signal::INT })
            }
            None if now >= self.started + self.bounds.wall => self.end(Reason::TimedOut, now),
            None if now >= self.last_output + self.bounds.idle => self.end(Reason::Idle, now),
            Some(_) | None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn course() -> (Course, Instant) {
        let now = Instant::now();
        let bounds =
            Bounds { wall: 60 * SECOND, idle: 20 * SECOND, output: 100, grace: 10 * SECOND };
        (Course::new(bounds, now), now)
    }

    #[test]
    fn what_takes_too_much_is_killed_at_once_also_while_it_has_its_grace() {
        let (mut course, start) = course();
        assert_eq!(course.kill(Reason::MemoryLimit, start), Some(Signal::KILL));
        assert_eq!(course.reason(), Some(Reason::MemoryLimit));
        assert_eq!(course.next(), start + FIRST_REPEAT, "what was forked meanwhile is met then");
        let (mut course, start) = self::course();
        assert_eq!(course.end(Reason::Stopped, start), Some(Signal::INT));
        assert_eq!(course.kill(Reason::ProcessLimit, start + SECOND), Some(Signal::KILL));
        assert_eq!(course.reason(), Some(Reason::Stopped), "the first reason counts");
    }

    #[test]
    fn told_to_stop_it_is_interrupted_then_terminated_then_killed_until_it_is_gone() {
        let (mut course, start) = course();
        assert_eq!(course.end(Reason::Stopped, start), Some(Signal::INT));
        assert_eq!(course.end(Reason::ServerGone, start), None, "the first reason counts");
        assert_eq!(course.next(), start + 2 * SECOND);
        assert_eq!(course.on_time(start + SECOND), None);
        assert_eq!(course.on_time(start + 2 * SECOND), Some(Signal::TERM));
        assert_eq!(course.next(), start + 10 * SECOND);
        assert_eq!(course.on_time(start + 9 * SECOND), None);
        let mut waits = Vec::new();
        let mut now = course.next();
        for _ in 0..8 {
            assert_eq!(course.on_time(now), Some(Signal::KILL));
            waits.push((course.next() - now).as_millis());
            now = course.next();
        }
        assert_eq!(waits, [20, 40, 80, 160, 320, 640, 1_000, 1_000]);
        assert_eq!(course.reason(), Some(Reason::Stopped));
    }

    #[test]
    fn processes_that_fork_as_they_are_killed_are_killed_again_at_once() {
        let (mut course, start) = course();
        course.met_new(start);
        assert_eq!(course.on_time(start), None, "nothing has to end yet");
        course.end(Reason::Stopped, start);
        let now = start + 10 * SECOND;
        assert_eq!(course.on_time(now), Some(Signal::KILL));
        course.met_new(now);
        assert_eq!(course.next(), now + QUICK_REPEAT);
        assert_eq!(course.on_time(course.next()), Some(Signal::KILL));
        assert_eq!(course.next(), now + QUICK_REPEAT + FIRST_REPEAT);
    }

    #[test]
    fn a_program_that_has_not_begun_when_it_is_told_is_told_again() {
        let (mut course, start) = course();
        course.end(Reason::Stopped, start);
        course.met_nobody(start);
        assert_eq!(course.next(), start + FIRST_REPEAT);
        assert_eq!(course.on_time(course.next()), Some(Signal::INT));
        assert_eq!(course.next(), start + 2 * SECOND, "once it is met, it has its time to tell");
        assert_eq!(course.on_time(course.next()), Some(Signal::TERM));
        course.met_nobody(start + 2 * SECOND);
        assert_eq!(course.on_time(course.next()), Some(Signal::TERM));
        assert_eq!(course.next(), start + 10 * SECOND, "once it is met, the grace is its own");
        course.met_nobody(start + 9 * SECOND);
        assert_eq!(course.on_time(start + 10 * SECOND), Some(Signal::KILL));
    }

    #[test]
    fn leftovers_have_two_seconds_from_the_end_of_the_main_process() {
        let (mut course, start) = course();
        assert_eq!(course.main_ended(start), Some(Signal::TERM));
        assert_eq!(course.next(), start + 2 * SECOND);
        assert_eq!(course.reason(), Some(Reason::Exited));
    }

    #[test]
    fn the_end_of_the_main_process_never_prolongs_a_grace() {
        let (mut course, start) = course();
        course.end(Reason::Stopped, start);
        assert_eq!(course.on_time(start + 2 * SECOND), Some(Signal::TERM));
        assert_eq!(course.main_ended(start + 9 * SECOND), None, "they were told already");
        assert_eq!(course.next(), start + 10 * SECOND);
        assert_eq!(course.reason(), Some(Reason::Stopped));
    }

    #[test]
    fn what_outlives_an_interrupted_program_is_terminated_at_once() {
        let (mut course, start) = course();
        course.end(Reason::Stopped, start);
        assert_eq!(course.main_ended(start + SECOND / 4), Some(Signal::TERM));
        assert_eq!(course.next(), start + SECOND / 4 + 2 * SECOND);
        assert_eq!(course.reason(), Some(Reason::Stopped));
    }

    #[test]
    fn a_short_grace_leaves_most_of_it_to_the_time_after_term() {
        let now = Instant::now();
        let bounds = Bounds { wall: SECOND, idle: SECOND, output: 1, grace: SECOND };
        let mut course = Course::new(bounds, now);
        course.end(Reason::Stopped, now);
        assert_eq!(course.next(), now + SECOND / 4);
    }

    #[test]
    fn silence_and_length_are_limited_and_output_prolongs_only_the_first() {
        let (mut course, start) = course();
        assert_eq!(course.next(), start + 20 * SECOND);
        course.output(1, true, start + 19 * SECOND);
        course.output(1, false, start + 30 * SECOND);
        assert_eq!(course.next(), start + 39 * SECOND);
        course.blocked(start + 50 * SECOND);
        assert_eq!(course.next(), start + 60 * SECOND);
        assert_eq!(course.on_time(start + 60 * SECOND), Some(Signal::INT));
        assert_eq!(course.reason(), Some(Reason::TimedOut));

        let (mut course, start) = self::course();
        assert_eq!(course.on_time(start + 20 * SECOND), Some(Signal::INT));
        assert_eq!(course.reason(), Some(Reason::Idle));
    }

    #[test]
    fn output_is_delivered_up_to_its_limit() {
        let (mut course, start) = course();
        assert_eq!(course.output(100, true, start), (100, None));
        assert_eq!(course.output(5, true, start), (0, Some(Signal::INT)));
        assert_eq!(course.output(5, true, start), (0, None));
        assert_eq!(course.reason(), Some(Reason::OutputLimit));

        let (mut course, start) = self::course();
        course.main_ended(start);
        assert_eq!(course.output(101, true, start), (100, None));
        assert_eq!(course.reason(), Some(Reason::OutputLimit), "it is cut, although it has ended");
    }
}

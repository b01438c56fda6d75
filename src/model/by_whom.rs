//! Who took a step of a job, as people read it.

use super::moves::POLLER;
use super::{Timestamp, WorkerId};
use std::borrow::Cow;

/// Who made a job, as far as it was written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobMaker {
    /// The person, the token or the command line that asked for it.
    pub actor: Option<String>,
    /// The name of its schedule.
    pub schedule: Option<String>,
}

impl JobMaker {
    /// It as the end of a sentence that begins with *Created*: `by token shop of ada`. `None`: nothing was written down.
    pub fn words(&self) -> Option<String> {
        let by = self.actor.as_deref().map(|actor| match actor {
            "cli" => "at the command line".to_owned(),
            "program" => "by the program".to_owned(),
            _ if actor.starts_with("token ") => format!("by {actor}"),
            _ => format!("by person {actor}"),
        });
        match (by, &self.schedule) {
            (Some(by), Some(schedule)) => Some(format!("{by}, of schedule {schedule}")),
            (None, Some(schedule)) => Some(format!("by schedule {schedule}")),
            (by, None) => by,
        }
    }
}

/// Letters and digits of a worker's name behind the number of its process.
const WORKER_MARK: usize = 10;

/// The name of a worker that begins now in this process: no two workers have one name. It is short, for it stands in the row of
/// each job that runs: behind the number of the process, the last six days of the time in milliseconds and one of a million
/// numbers, by digits to the base of 36.
pub(crate) fn worker_name(process: u32, now: Timestamp, chance: f64) -> WorkerId {
    let time = now.millis().rem_euclid(1 << 29) as u64;
    let mut rest = time * 1_000_000 + (chance * 1e6) as u64;
    let mut mark = [' '; WORKER_MARK];
    for digit in mark.iter_mut().rev() {
        *digit = char::from_digit((rest % 36) as u32, 36).unwrap_or_default();
        rest /= 36;
    }
    let name = format!("{process}-{}", String::from_iter(mark));
    WorkerId::parse(name).expect("a worker's name is short")
}

/// The words for it. A worker's name holds the number of its process.
pub fn by_whom(actor: &str) -> Cow<'_, str> {
    if actor == POLLER {
        return "the server".into();
    }
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_mark = |part: &str| {
        let is_digit = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
        let is_led = part.starts_with(|first: char| first.is_ascii_digit());
        part.len() == WORKER_MARK && part.bytes().all(is_digit) && is_led
    };
    match actor.split_once('-') {
        Some((process, mark)) if is_number(process) && is_mark(mark) => {
            format!("process {process}").into()
        }
        Some(_) | None => actor.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_made_a_job_is_named_as_a_person_a_token_or_a_schedule() {
        let told = |actor: Option<&str>, schedule: Option<&str>| {
            let [actor, schedule] = [actor, schedule].map(|name| name.map(str::to_owned));
            JobMaker { actor, schedule }.words()
        };
        assert_eq!(told(Some("ada"), None).as_deref(), Some("by person ada"));
        assert_eq!(told(Some("token shop of ada"), None).as_deref(), Some("by token shop of ada"));
        assert_eq!(told(Some("cli"), None).as_deref(), Some("at the command line"));
        assert_eq!(told(None, Some("nightly")).as_deref(), Some("by schedule nightly"));
        assert_eq!(told(Some("ada"), Some("x")).as_deref(), Some("by person ada, of schedule x"));
        assert_eq!(told(None, None), None);
    }

    #[test]
    fn a_step_is_said_to_be_by_a_process_and_not_by_the_name_of_a_worker() {
        let now = Timestamp::from_millis((1 << 29) - 1);
        for (actor, words) in [
            (worker_name(21742, now, 0.004_711).as_str(), "process 21742"),
            (worker_name(7, now, 0.999_999_9).as_str(), "process 7"),
            ("poller", "the server"),
            ("ada", "ada"),
            ("build-7", "build-7"),
            ("7-1-2", "7-1-2"),
            ("21742-00zzzzzzzz-x", "21742-00zzzzzzzz-x"),
            ("-00zzzzzzzz", "-00zzzzzzzz"),
            ("2026-production", "2026-production"),
            ("", ""),
        ] {
            assert_eq!(by_whom(actor), words);
        }
    }
}

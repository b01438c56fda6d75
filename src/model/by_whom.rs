//! Who took a step of a job, as people read it.

use super::moves::POLLER;
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

/// The words for it. A worker's name holds the number of its process.
pub fn by_whom(actor: &str) -> Cow<'_, str> {
    if actor == POLLER {
        return "the server".into();
    }
    let mut parts = actor.split('-');
    let mut number = |digits: usize| {
        let is_number = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
        parts.next().filter(is_number).filter(|part| part.len() >= digits)
    };
    match (number(1), number(10), number(6), parts.next()) {
        (Some(process), Some(_), Some(_), None) => format!("process {process}").into(),
        (_, _, _, _) => actor.into(),
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
        for (actor, words) in [
            ("21742-1800000000000-004711", "process 21742"),
            ("poller", "the server"),
            ("ada", "ada"),
            ("build-7", "build-7"),
            ("7-1-2", "7-1-2"),
            ("21742-1800000000000-004711-x", "21742-1800000000000-004711-x"),
            ("", ""),
        ] {
            assert_eq!(by_whom(actor), words);
        }
    }
}

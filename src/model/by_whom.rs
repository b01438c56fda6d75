//! Who took a step of a job, as people read it.

use super::moves::POLLER;
use std::borrow::Cow;

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

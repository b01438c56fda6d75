//! The last pauses of a queue, as the audit log has them.

use crate::error::Result;
use crate::model::{Deed, DeedFilter, Pause, Queue, Timestamp};
use crate::store::Store;

/// The most pauses that are told.
const MOST: usize = 10;
/// The most deeds on a queue that are read for them: beside pauses there are resumes and limits.
const DEEDS: usize = 50;

/// A pause of a queue that a person asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuePast {
    /// When it began.
    pub at: Timestamp,
    /// Who paused the queue.
    pub by: String,
    /// Why; empty: nothing was said.
    pub reason: String,
    /// When a person ended it, and who. `None`: it goes on, another one took its place, or it ended at its time.
    pub ended: Option<(Timestamp, String)>,
}

/// The last ten pauses of a queue, the newest first, among the newest 100,000 rows of the audit log.
///
/// # Errors
/// Those of reading the database.
pub async fn pauses(store: &Store, queue: &Queue) -> Result<Vec<QueuePast>> {
    let subject = format!("queue {queue}");
    let asked =
        DeedFilter { subject: Some(subject.clone()), limit: DEEDS, ..DeedFilter::default() };
    let deeds = store.find_deeds(asked).await?.rows;
    // Other queues may have names with this one in them.
    Ok(paired(deeds.iter().filter(|deed| deed.subject == subject)))
}

/// Pairs each pause with what ended it; the deeds come newest first.
fn paired<'a>(deeds: impl Iterator<Item = &'a Deed>) -> Vec<QueuePast> {
    let (mut pauses, mut resumed) = (Vec::new(), None);
    for deed in deeds {
        match deed.action.as_str() {
            "resume" => resumed = Some(deed),
            "pause" => {
                let reason = deed.after.clone().unwrap_or_default();
                // A pause that ended at its time, and one by a usage limit, leave no deed: a resume may be of a later one.
                let is_its_end =
                    |end: &&Deed| reason.starts_with(end.before.as_deref().unwrap_or_default());
                let ended =
                    resumed.take().filter(is_its_end).map(|end| (end.at, end.by.name.clone()));
                let reason = if Pause::has_no_reason(&reason) { String::new() } else { reason };
                pauses.push(QueuePast { at: deed.at, by: deed.by.name.clone(), reason, ended });
            }
            _ => {}
        }
    }
    pauses.truncate(MOST);
    pauses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Actor;

    #[test]
    fn a_pause_ends_with_the_next_resume_and_another_pause_takes_its_place() {
        let deed = |id: i64, action: &str, after: Option<&str>| Deed {
            id,
            at: Timestamp::from_millis(id),
            by: Actor { name: format!("person {id}"), remote: None },
            action: action.to_owned(),
            subject: "queue mail".to_owned(),
            before: None,
            after: after.map(str::to_owned),
        };
        let of = |before: &str| Some(before.to_owned());
        let deeds = [
            Deed { before: of("a usage limit"), ..deed(7, "resume", None) },
            deed(6, "pause", Some(" (until 08:00 UTC)")),
            deed(5, "pause", None),
            Deed { before: of("the relay is down"), ..deed(4, "resume", None) },
            deed(3, "limit", Some("2")),
            deed(2, "pause", Some("the relay is down")),
            deed(1, "pause", Some("first")),
        ];
        let told = paired(deeds.iter());
        assert_eq!(told.iter().map(|past| past.at.millis()).collect::<Vec<_>>(), [6, 5, 2, 1]);
        assert_eq!(
            (told[0].reason.as_str(), &told[0].ended),
            ("", &None),
            "a later pause was resumed"
        );
        let told = &told[1..];
        assert_eq!(told[0].ended, None);
        assert_eq!(told[1].ended, Some((Timestamp::from_millis(4), "person 4".to_owned())));
        assert_eq!(
            (told[1].by.as_str(), told[1].reason.as_str()),
            ("person 2", "the relay is down")
        );
        assert_eq!((told[2].reason.as_str(), &told[2].ended), ("first", &None));
    }
}

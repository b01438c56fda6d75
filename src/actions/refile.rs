//! Actions on problems that are open at another home: having them filed where issues are filed now, or leaving them.

use super::{Answer, Call, Right};
use crate::error::{Code, Error, Result};
use crate::model::{IssueHome, IssueId, RefileOffer, Role, Timestamp, problems};
use crate::store::Store;
use crate::wire;

/// The right to have open problems filed at the tracker in force.
pub const ACCEPT: Right = Right::new(Role::Admin, "file open problems at another tracker");
/// The right to leave them where they are.
pub const LEAVE: Right = Right::new(Role::Admin, "leave open problems at their tracker");

/// Whether a person of this role may decide.
pub fn may(role: Role) -> bool {
    ACCEPT.is_of(role)
}

/// What can be filed where the running server files issues; `None` if there is nothing, or if no server says where that is.
pub async fn offer(store: &Store, now: Timestamp) -> Result<Option<RefileOffer>> {
    let Some(home) = home(store, now).await? else { return Ok(None) };
    let offer = store.refile_offer(home).await?;
    Ok(Some(offer).filter(|offer| offer.problems > 0))
}

/// Whether an issue is open elsewhere and can be filed where the running server files issues.
pub async fn is_offered(store: &Store, id: IssueId, now: Timestamp) -> Result<bool> {
    let Some(home) = home(store, now).await? else { return Ok(false) };
    Ok(store.open_elsewhere(home).await?.iter().any(|open| open.id == id))
}

/// Has the server file what is open elsewhere where it files issues now, also what was left there before. It files as it files
/// what a scan finds: what the tracker has already is not filed again, and the limits and approvals of new issues hold.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin; `TRACK-REPO-001` while no running server says where issues are filed.
pub async fn accept(store: &Store, call: &Call) -> Result<Answer<wire::Refiling>> {
    call.needs(ACCEPT)?;
    let home = known(store, call, ACCEPT).await?;
    let number = store.ask_refiling(home.clone(), call.actor(), call.now).await?;
    let (what, name) = (problems(number), home.name());
    let sentence = match number {
        0 => nothing(name),
        _ => format!(
            "{what} will be filed in {name}, except for those that are known there; the limits and approvals of new issues hold."
        ),
    };
    Ok(decided(&home, number, "asked", sentence))
}

/// Leaves what is open elsewhere where it is, and offers it no more.
///
/// # Errors
/// As [`accept`].
pub async fn leave(store: &Store, call: &Call) -> Result<Answer<wire::Refiling>> {
    call.needs(LEAVE)?;
    let home = known(store, call, LEAVE).await?;
    let number = store.leave_elsewhere(home.clone(), call.actor(), call.now).await?;
    let (what, name) = (problems(number), home.name());
    let sentence = match number {
        0 => nothing(name),
        1 => format!("{what} stays where it is and is not filed in {name}."),
        _ => format!("{what} stay where they are and are not filed in {name}."),
    };
    Ok(decided(&home, number, "left", sentence))
}

fn nothing(name: &str) -> String {
    format!("Every open problem is known in {name}, so nothing is to be decided.")
}

fn decided(
    home: &IssueHome,
    number: u64,
    status: &'static str,
    sentence: String,
) -> Answer<wire::Refiling> {
    let value = wire::Refiling { home: home.as_str().to_owned(), problems: number, status };
    Answer::new(value, sentence)
}

/// Where the running server files issues. A server that has just started and does not lead yet has told only its own process.
async fn home(store: &Store, now: Timestamp) -> Result<Option<IssueHome>> {
    let server = store.server_facts(now).await?;
    let says = server.map_or_else(|| store.says(), |server| server.says);
    Ok(says.issue_home.map(IssueHome::from_stored).filter(IssueHome::is_known))
}

async fn known(store: &Store, call: &Call, right: Right) -> Result<IssueHome> {
    let doing = right.doing;
    home(store, call.now).await?.ok_or_else(|| {
        let why = "no running server says where issues are filed";
        Error::new(Code::TrackerNoRepository, format!("{doing}: {why}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::OpenMode;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[tokio::test]
    async fn without_a_server_or_below_admin_it_is_refused_and_with_nothing_open_it_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("jobs.db"), OpenMode::Migrate).unwrap();
        let mut call = Call::by_owner(NOW);
        for refused in [accept(&store, &call).await, leave(&store, &call).await] {
            let error = refused.unwrap_err();
            assert_eq!(error.code(), Code::TrackerNoRepository);
            assert!(error.sentence().contains("no running server says"), "{}", error.sentence());
        }
        assert_eq!(offer(&store, NOW).await.unwrap(), None);
        store.say(|facts| facts.issue_home = Some("github.com/ann/shop".into()));
        for answer in [accept(&store, &call).await.unwrap(), leave(&store, &call).await.unwrap()] {
            assert_eq!(answer.value.problems, 0);
            let said = "Every open problem is known in ann/shop, so nothing is to be decided.";
            assert_eq!(answer.sentence, said);
        }
        call.who.role = Role::Operator;
        assert!(!may(call.who.role));
        for refused in [accept(&store, &call).await, leave(&store, &call).await] {
            assert_eq!(refused.unwrap_err().code(), Code::AuthRole);
        }
    }
}

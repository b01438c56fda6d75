//! Actions on the repositories of this machine that an agent describes.

use super::{Answer, Call, Right, waiting};
use crate::error::{Code, Error, Result};
use crate::model::settings::SCAN_REPOSITORY;
use crate::model::{Enqueued, Kind, NewJob, Role, Setting, Trigger};
use crate::repositories;
use crate::store::Store;
use crate::wire;
use std::path::{Path, PathBuf};

/// The least role that may register a repository and remove it.
const OWNS: Role = Role::Admin;
/// The right to have a repository described anew.
pub const REFRESH: Right = Right::new(Role::Operator, "refresh a repository");
/// The right to add one.
pub const ADD: Right = Right::new(OWNS, "add a repository");
/// The right to remove one.
pub const REMOVE: Right = Right::new(OWNS, "remove a repository");

/// Whether a person of this role may register a repository and remove it.
pub fn may_change(role: Role) -> bool {
    role >= OWNS
}

/// Whether a person of this role may ask for a new description.
pub fn may_refresh(role: Role) -> bool {
    REFRESH.is_of(role)
}

/// Longest name of a repository, in characters.
const MAX_NAME: usize = 64;

/// A request to register a repository of this machine and to have it described.
#[derive(Clone, Debug)]
pub struct RepositoryAdd {
    /// Its folder, as an absolute path.
    pub path: PathBuf,
    /// Its name. If it is empty, the repository has the name of its folder.
    pub name: String,
}

/// Registers a repository and asks for its description.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin; `REPO-PATH-001` if there is no git repository at the path; `JOB-VALUE-001` for a
/// text that cannot be a name; `REPO-NAME-001` if a repository has this name or this path already.
pub async fn add(
    store: &Store,
    call: &Call,
    request: RepositoryAdd,
) -> Result<Answer<wire::RepositoryAsked>> {
    call.needs(ADD)?;
    let path = folder(&request.path)?;
    let name = match request.name.trim() {
        "" => path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        name => name.to_owned(),
    };
    let fits = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if !(1..=MAX_NAME).contains(&name.chars().count()) || !name.chars().all(fits) {
        let takes = "a name has 1 to 64 letters, digits, -, _ and .";
        return Err(Error::new(Code::ModelInvalid, format!("call a repository {name:?}: {takes}")));
    }
    let job = job(call, &name)?;
    let made = store.add_repository(name.clone(), path, job, call.actor(), call.now).await?;
    let sentence = format!("The repository {name} is registered; job {} describes it.", made.id());
    Ok(asked(name, made, sentence)
        .with_notes(waiting::notes(store, &Kind::GOLDEN_REPO, call.now).await))
}

/// The folder's path without links and dots, if a git repository is in it.
fn folder(path: &Path) -> Result<PathBuf> {
    let refused = |why: &str| {
        Error::new(Code::RepositoryPath, format!("add the repository {}: {why}", path.display()))
    };
    if !path.is_absolute() {
        return Err(refused("its path begins with / and is one of the server's machine"));
    }
    let path = path.canonicalize().map_err(|error| {
        let code = Code::of_input(error.kind(), Code::RepositoryPath);
        Error::new(code, format!("add the repository {}: {error}", path.display()))
    })?;
    if path.join(".git").exists() { Ok(path) } else { Err(refused("it has no .git")) }
}

/// Asks for a new description of a repository.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator; `REPO-NAME-002` if no repository has this name or number.
pub async fn refresh(
    store: &Store,
    call: &Call,
    name: &str,
) -> Result<Answer<wire::RepositoryAsked>> {
    call.needs(REFRESH)?;
    let name = called(store, name, REFRESH.doing).await?;
    let job = job(call, &name)?;
    let made = store.request_description(name.clone(), job, call.now).await?;
    let sentence = match made {
        Enqueued::Inserted(id) => format!("Job {id} describes the repository {name} anew."),
        Enqueued::Existing(id) => {
            format!("Job {id}, which is not over, describes the repository {name} already.")
        }
    };
    Ok(asked(name, made, sentence)
        .with_notes(waiting::notes(store, &Kind::GOLDEN_REPO, call.now).await))
}

/// Removes a repository and its description from the list. Its folder is not touched, and its jobs stay.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin; `REPO-NAME-002` if no repository has this name or number.
pub async fn remove(
    store: &Store,
    call: &Call,
    name: &str,
) -> Result<Answer<wire::RepositoryRemoved>> {
    call.needs(REMOVE)?;
    let name = called(store, name, REMOVE.doing).await?;
    store.remove_repository(name.clone(), call.actor(), call.now).await?;
    let sentence =
        format!("The repository {name} and its description are forgotten; its folder stays.");
    let notes = note_on_scans(store, &name).await.into_iter().collect();
    Ok(Answer::new(wire::RepositoryRemoved { repository: name }, sentence).with_notes(notes))
}

/// The note that scans check their findings in a repository no longer; the repository is removed, so that an error hides a note alone.
async fn note_on_scans(store: &Store, name: &str) -> Option<String> {
    let set = store.settings([SCAN_REPOSITORY.key]).await.ok()?;
    (Setting::text(&SCAN_REPOSITORY.of(&set)) == name).then(|| {
        format!(
            "The setting {} names it: the agent of a scan has nothing to check its findings against until the setting names another, and each scan says so.",
            SCAN_REPOSITORY.key
        )
    })
}

/// The name of the repository that has this name or number.
async fn called(store: &Store, name: &str, doing: &str) -> Result<String> {
    let name = name.trim();
    let found = store.repository(name.to_owned()).await?;
    let unknown =
        || Error::new(Code::RepositoryUnknown, format!("{doing}: there is none called {name:?}"));
    Ok(found.ok_or_else(unknown)?.name)
}

fn job(call: &Call, name: &str) -> Result<NewJob> {
    let job = repositories::job(name, Trigger::Manual, Some(call.actor()))?;
    Ok(NewJob { correlation_id: call.correlation_id.clone(), ..job })
}

fn asked(name: String, made: Enqueued, sentence: String) -> Answer<wire::RepositoryAsked> {
    let existing = matches!(made, Enqueued::Existing(_));
    let value = wire::RepositoryAsked { repository: name, job_id: made.id().0, existing };
    Answer::new(value, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::settings::{self, SettingChange};
    use crate::error::Class;
    use crate::model::Timestamp;
    use crate::testing;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn repository(folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::create_dir_all(path.join(".git")).unwrap();
        path.canonicalize().unwrap()
    }

    fn new(path: &Path, name: &str) -> RepositoryAdd {
        RepositoryAdd { path: path.to_owned(), name: name.to_owned() }
    }

    #[tokio::test]
    async fn a_repository_is_added_refreshed_and_forgotten_with_an_audit_row_each() {
        let folder = tempfile::tempdir().unwrap();
        let store = testing::store_in(folder.path()).unwrap();
        let path = repository(folder.path(), "shop");
        let call = Call::by_owner(NOW);
        let added = add(&store, &call, new(&path, "")).await.unwrap();
        assert_eq!(added.sentence, "The repository shop is registered; job 1 describes it.");
        assert_eq!(added.notes.len(), 1, "no server runs: {:?}", added.notes);
        let number = store.repositories().await.unwrap()[0].id.to_string();
        let again = refresh(&store, &call, &number).await.unwrap();
        assert_eq!(
            again.sentence,
            "Job 1, which is not over, describes the repository shop already."
        );
        assert_eq!(
            serde_json::to_value(again.as_wire()).unwrap()["job_id"],
            1,
            "by its number or its name it is one repository with one job"
        );
        store.cancel(crate::model::JobId(1), call.actor(), NOW).await.unwrap();
        let anew = refresh(&store, &call, "shop").await.unwrap();
        assert_eq!(anew.sentence, "Job 2 describes the repository shop anew.");
        let removed = remove(&store, &call, "shop").await.unwrap();
        assert_eq!(
            removed.sentence,
            "The repository shop and its description are forgotten; its folder stays."
        );
        assert!(store.repositories().await.unwrap().is_empty() && path.join(".git").exists());
        let deeds = store.deeds(50).await.unwrap();
        let deeds: Vec<_> = deeds.iter().rev().map(|deed| deed.action.as_str()).collect();
        assert_eq!(deeds, ["add", "enqueue", "cancel", "enqueue", "remove"]);
    }

    #[tokio::test]
    async fn scans_check_against_registered_repositories_only_and_who_removes_theirs_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let store = testing::store_in(folder.path()).unwrap();
        let call = Call::by_owner(NOW);
        let set = async |name: &str| {
            let change = SettingChange::set(SCAN_REPOSITORY.key, name);
            settings::change(&store, &call, &[change]).await.map(|answer| answer.sentence)
        };
        let refused = set("shop").await.unwrap_err();
        assert_eq!(refused.class(), Class::Invalid);
        assert_eq!(
            refused.sentence(),
            "Could not set self_monitoring.repository to \"shop\": no repository of this name is registered; add it first."
        );
        for name in ["shop", "cart"] {
            add(&store, &call, new(&repository(folder.path(), name), "")).await.unwrap();
        }
        assert!(set("").await.is_ok() && set("default").await.is_ok());
        // By its number it is the same one, whose name is what is kept.
        let id = store.repository("shop".into()).await.unwrap().unwrap().id.to_string();
        let said = set(&id).await.unwrap();
        assert_eq!(said, "self_monitoring.repository is shop from now on.");
        let notes = async |name: &str| remove(&store, &call, name).await.unwrap().notes;
        assert!(notes("cart").await.is_empty());
        let said = notes("shop").await;
        assert!(said.len() == 1 && said[0].contains("nothing to check its findings"), "{said:?}");
    }

    #[tokio::test]
    async fn what_cannot_be_added_refreshed_or_removed_is_refused_in_one_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let store = testing::store_in(folder.path()).unwrap();
        let shop = repository(folder.path(), "shop");
        let odd = repository(folder.path(), "a b");
        let call = Call::by_owner(NOW);
        add(&store, &call, new(&shop, "")).await.unwrap();
        let path = |text: &str| PathBuf::from(text);
        for (request, code, says) in [
            (
                new(&path("shop"), ""),
                Code::RepositoryPath,
                "Could not add the repository shop: its path begins with / and is one of the \
                 server's machine."
                    .to_owned(),
            ),
            (
                new(&path("/no/such"), ""),
                Code::InputMissing,
                "Could not add the repository /no/such: No such file or directory (os error 2)."
                    .to_owned(),
            ),
            (
                new(folder.path(), ""),
                Code::RepositoryPath,
                format!(
                    "Could not add the repository {}: it has no .git.",
                    folder.path().display()
                ),
            ),
            (
                new(&odd, ""),
                Code::ModelInvalid,
                "Could not call a repository \"a b\": a name has 1 to 64 letters, digits, -, _ \
                 and .."
                    .replace("..", "."),
            ),
            (
                new(&shop, "shop2"),
                Code::RepositoryTaken,
                format!(
                    "Could not add a repository: one called shop2 or of the folder {} is there.",
                    shop.display()
                ),
            ),
        ] {
            let refused = add(&store, &call, request).await.unwrap_err();
            assert_eq!((refused.code(), refused.sentence()), (code, says));
        }
    }

    #[tokio::test]
    async fn a_name_that_no_repository_has_and_a_lower_role_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = testing::store_in(folder.path()).unwrap();
        let shop = repository(folder.path(), "shop");
        let call = Call::by_owner(NOW);
        add(&store, &call, new(&shop, "")).await.unwrap();
        for (done, doing) in [
            (refresh(&store, &call, "9").await.map(|_| ()), "refresh"),
            (remove(&store, &call, "9").await.map(|_| ()), "remove"),
        ] {
            let refused = done.unwrap_err();
            assert_eq!(
                (refused.code(), refused.class()),
                (Code::RepositoryUnknown, Class::NotFound)
            );
            let says = format!("Could not {doing} a repository: there is none called \"9\".");
            assert_eq!(refused.sentence(), says);
        }
        let mut call = call;
        call.who.role = Role::Viewer;
        for done in [
            add(&store, &call, new(&shop, "")).await.map(|_| ()),
            refresh(&store, &call, "shop").await.map(|_| ()),
            remove(&store, &call, "shop").await.map(|_| ()),
        ] {
            assert_eq!(done.unwrap_err().class(), Class::Forbidden);
        }
        call.who.role = Role::Operator;
        assert!(refresh(&store, &call, "shop").await.is_ok());
        assert_eq!(remove(&store, &call, "shop").await.unwrap_err().code(), Code::AuthRole);
    }
}

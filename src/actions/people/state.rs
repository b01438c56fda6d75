//! Whether people may sign in to an account: disabled, it keeps its name and its role, and opens nothing.

use super::super::{Answer, Call, Right};
use super::may;
use crate::error::Result;
use crate::model::Role;
use crate::store::Store;
use crate::wire;

/// The right of [`disable`].
pub const DISABLE: Right = Right::new(Role::Admin, "disable a user");
/// The right of [`enable`].
pub const ENABLE: Right = Right::new(Role::Admin, "enable a user");

/// Disables an account and ends its logins. Nobody signs in to it until it is enabled.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin; `AUTH-LOGIN-005` for a sign-in that is not fresh; `AUTH-NAME-001` for an account that
/// is not there; `AUTH-ROLE-002` for the last admin.
pub async fn disable(store: &Store, call: &Call, name: &str) -> Result<Answer<wire::PersonState>> {
    may(call, DISABLE)?;
    let name = name.trim().to_owned();
    let (is_new, logins_ended) =
        store.disable_account(name.clone(), call.actor(), call.now).await?;
    let sentence = if is_new {
        format!("The user {name} is disabled and signed out; nobody can sign in as {name}.")
    } else {
        format!("The user {name} is disabled already.")
    };
    Ok(Answer::new(wire::PersonState { name, disabled: true, logins_ended }, sentence))
}

/// Lets people sign in to an account again.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin; `AUTH-LOGIN-005` for a sign-in that is not fresh; `AUTH-NAME-001` for an account that
/// is not there.
pub async fn enable(store: &Store, call: &Call, name: &str) -> Result<Answer<wire::PersonState>> {
    may(call, ENABLE)?;
    let name = name.trim().to_owned();
    let is_new = store.enable_account(name.clone(), call.actor(), call.now).await?;
    let sentence = if is_new {
        format!("The user {name} can sign in again.")
    } else {
        format!("The user {name} is not disabled.")
    };
    Ok(Answer::new(wire::PersonState { name, disabled: false, logins_ended: 0 }, sentence))
}

#[cfg(test)]
mod tests {
    use super::super::super::Proof;
    use super::*;
    use crate::error::Code;
    use crate::model::{Actor, Timestamp, Username};
    use crate::testing;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[tokio::test]
    async fn a_disabled_account_opens_nothing_until_it_is_enabled() {
        let folder = tempfile::tempdir().unwrap();
        let store = testing::store_in(folder.path()).unwrap();
        let (owner, cli) = (Call::by_owner(NOW), Actor::cli);
        store.create_first_admin("hash".into(), cli(), NOW).await.unwrap().unwrap();
        let ada = Username::parse("ada").unwrap();
        store.add_account(ada, Role::Admin, "hash".into(), cli(), NOW).await.unwrap();
        let (account, _) = store.account("ada".into()).await.unwrap().unwrap();
        let sign_in = |id: &str| {
            store.login(account.clone(), id.into(), "Firefox".into(), Actor::named("ada"), NOW)
        };
        sign_in("one").await.unwrap();
        let done = disable(&store, &owner, " ada ").await.unwrap();
        assert_eq!(
            done.sentence,
            "The user ada is disabled and signed out; nobody can sign in as ada."
        );
        assert_eq!((done.value.disabled, done.value.logins_ended), (true, 1));
        assert_eq!(store.login_by_id("one".into(), true, NOW).await.unwrap(), None);
        let refused = sign_in("two").await.unwrap_err();
        assert_eq!(
            refused.code(),
            Code::AuthFailed,
            "its password was right before it was disabled"
        );
        let deeds = store.deeds(50).await.unwrap().len();
        let again = disable(&store, &owner, "ada").await.unwrap();
        assert_eq!(again.sentence, "The user ada is disabled already.");
        assert_eq!(store.deeds(50).await.unwrap().len(), deeds, "nothing was done");
        let last = disable(&store, &owner, "admin").await.unwrap_err();
        assert_eq!(
            last.sentence(),
            "Could not disable a user: admin is the only admin.",
            "a disabled admin is none"
        );
        assert!(store.has_admin().await.unwrap());
        assert_eq!(
            enable(&store, &owner, "ada").await.unwrap().sentence,
            "The user ada can sign in again."
        );
        assert_eq!(
            enable(&store, &owner, "ada").await.unwrap().sentence,
            "The user ada is not disabled."
        );
        sign_in("three").await.unwrap();
        let mut stale = Call::by_owner(NOW);
        stale.who.proof = Proof::Login(Timestamp::from_millis(NOW.millis() - 301_000));
        for refused in [disable(&store, &stale, "ada").await, enable(&store, &stale, "ada").await] {
            assert_eq!(refused.unwrap_err().code(), Code::AuthStale);
        }
    }
}

//! Actions on accounts: who may sign in, with which role and which password.
//!
//! *Invariant:* once there is an admin, there is always at least one. Adding, changing or removing an account needs a
//! fresh sign-in; only the first admin is made without one.

mod logins;
mod password;
mod state;

pub use logins::{END_LOGINS, SEE_LOGINS, end_logins, parse_login, read_logins};
pub use password::{Memory, Password, verify};
pub use state::{DISABLE, ENABLE, disable, enable};

use super::{Answer, Call, Right};
use crate::error::{Code, Error, Result};
use crate::model::{Account, AccountState, Actor, Role, Timestamp, Username};
use crate::store::Store;
use crate::wire;
use std::cmp::Ordering;

/// The right to look at the accounts.
pub const SEE: Right = Right::new(Role::Admin, "see the users");
/// The right of [`add`].
pub const ADD: Right = Right::new(Role::Admin, "add a user");
/// The right of [`set_role`].
pub const SET_ROLE: Right = Right::new(Role::Admin, "change the role of a user");
/// The right of [`set_password`] for the account of another person.
pub const SET_PASSWORD: Right = Right::new(Role::Admin, "set the password of a user");
/// The right of [`remove`].
pub const REMOVE: Right = Right::new(Role::Admin, "remove a user");

/// The roles that an account can have, each with more rights than the one before it.
pub const ROLES: [Role; 3] = Role::ALL;

/// Whether this role may see and change the accounts of other people.
pub fn may_manage(role: Role) -> bool {
    SEE.is_of(role)
}

/// Whether the account of this name is the only one left that may manage the others: it is neither disabled nor removed.
pub fn is_last_admin(all: &[AccountState], name: &str) -> bool {
    let is_admin = |state: &&AccountState| {
        may_manage(state.account.role) && state.account.disabled_at.is_none()
    };
    let mut admins = all.iter().filter(is_admin);
    admins.next().is_some_and(|state| state.account.username == name) && admins.next().is_none()
}

/// A request to make an account.
#[derive(Debug)]
pub struct UserAdd {
    /// The name that the person signs in with.
    pub name: Username,
    /// The role, which says what the account may do.
    pub role: Role,
    /// The password that the person signs in with.
    pub password: Password,
}

/// Reads the name of a new account as people type it.
///
/// # Errors
/// `JOB-VALUE-001` for a name that no account can have.
pub fn parse_name(text: &str) -> Result<Username> {
    Username::parse(text.trim())
}

/// Reads a role as people type it.
///
/// # Errors
/// `JOB-VALUE-001` for any other word.
pub fn parse_role(text: &str) -> Result<Role> {
    text.trim().parse().map_err(|()| {
        let takes = "it is viewer, operator or admin";
        Error::new(Code::ModelInvalid, format!("take the role {text:?}: {takes}"))
    })
}

/// Makes the first admin by a set-up link and uses the link up. The link is the proof of who asks: no account is there
/// yet to sign in with.
///
/// # Errors
/// `AUTH-SETUP-001` if the link is not valid any more.
pub async fn set_up(
    store: &Store,
    remote: Option<String>,
    code_hash: String,
    password_hash: String,
    now: Timestamp,
) -> Result<Account> {
    let actor = Actor { name: "setup".to_owned(), remote };
    let made = store.redeem_setup_code(code_hash, password_hash, actor, now).await?;
    made.ok_or_else(|| {
        let doing = "set up the admin: the link was used, or is older than 15 minutes";
        Error::new(Code::AuthSetupCode, doing)
    })
}

/// Makes the first admin with this password, unless there is an admin already. Answers whether it made one.
///
/// # Errors
/// `AUTH-SETUP-002` if there is no admin and the password does not fit the rules.
pub async fn first_admin(store: &Store, call: &Call, password: &str) -> Result<bool> {
    call.needs(Right::new(Role::Admin, "make the first admin"))?;
    if store.has_admin().await? {
        return Ok(false);
    }
    let hash = Password::read(password, None)?.hashed().await?;
    Ok(store.create_first_admin(hash, call.actor(), call.now).await?.is_some())
}

/// Makes an account, which can sign in at once.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin; `AUTH-LOGIN-005` for a sign-in that is not fresh; `AUTH-NAME-002` for a
/// name that is taken.
pub async fn add(store: &Store, call: &Call, request: UserAdd) -> Result<Answer<wire::Person>> {
    may(call, ADD)?;
    let name = request.name;
    let hash = request.password.hashed().await?;
    store.add_account(name.clone(), request.role, hash, call.actor(), call.now).await?;
    let role = request.role.as_str();
    let person = wire::Person {
        name: name.to_string(),
        role,
        disabled: false,
        created_at: call.now.to_string(),
        logins: 0,
        seen_at: None,
        signed_in_at: None,
    };
    Ok(Answer::new(person, format!("The user {name} can sign in and has the role {role}.")))
}

/// Gives an account another role. A lower role ends the logins of the account.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin; `AUTH-LOGIN-005` for a sign-in that is not fresh; `AUTH-NAME-001` for an account that
/// is not there; `AUTH-ROLE-002` for the last admin.
pub async fn set_role(
    store: &Store,
    call: &Call,
    name: &str,
    role: Role,
) -> Result<Answer<wire::PersonRole>> {
    may(call, SET_ROLE)?;
    let name = name.trim().to_owned();
    let before = store.set_role(name.clone(), role, call.actor(), call.now).await?;
    let is = role.as_str();
    let sentence = match role.cmp(&before) {
        Ordering::Equal => format!("The user {name} has the role {is} already."),
        Ordering::Less => {
            format!("The user {name} has the role {is} now and has to sign in again.")
        }
        Ordering::Greater => format!("The user {name} has the role {is} now."),
    };
    let value = wire::PersonRole { name, role: is, before: before.as_str() };
    Ok(Answer::new(value, sentence))
}

/// Gives an account a new password, and ends its logins.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin for the account of another person; `AUTH-LOGIN-005` for a sign-in that is not
/// fresh; `AUTH-NAME-001` for an account that is not there.
pub async fn set_password(
    store: &Store,
    call: &Call,
    name: &str,
    password: Password,
) -> Result<Answer<wire::PersonPassword>> {
    let name = name.trim().to_owned();
    if name == call.who.name {
        call.needs_fresh("set your password")?;
    } else {
        may(call, SET_PASSWORD)?;
    }
    known(store, &name).await?;
    let hash = password.hashed().await?;
    let logins_ended = store.set_password(name.clone(), hash, call.actor(), call.now).await?;
    let sentence = match logins_ended {
        0 => format!("The password of {name} is set."),
        1 => format!("The password of {name} is set; the one login that was open is ended."),
        more => {
            format!("The password of {name} is set; the {more} logins that were open are ended.")
        }
    };
    Ok(Answer::new(wire::PersonPassword { name, logins_ended }, sentence))
}

/// Removes an account with its logins. What the person did stays in the audit log.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin; `AUTH-LOGIN-005` for a sign-in that is not fresh; `AUTH-NAME-001` for an account that
/// is not there; `AUTH-ROLE-002` for the last admin.
pub async fn remove(store: &Store, call: &Call, name: &str) -> Result<Answer<wire::PersonRemoved>> {
    may(call, REMOVE)?;
    let name = name.trim().to_owned();
    store.remove_account(name.clone(), call.actor(), call.now).await?;
    let sentence = format!("The user {name} is removed and signed out.");
    Ok(Answer::new(wire::PersonRemoved { name }, sentence))
}

/// Refuses a name that no account has. A command calls this before it asks for a password.
///
/// # Errors
/// `AUTH-NAME-001`.
pub async fn known(store: &Store, name: &str) -> Result<()> {
    account(store, name, SET_PASSWORD.doing).await.map(drop)
}

/// The account of this name. `doing` says what the person wants, as "see a user".
///
/// # Errors
/// `AUTH-NAME-001`.
async fn account(store: &Store, name: &str, doing: &str) -> Result<Account> {
    let name = name.trim();
    let found = store.account(name.to_owned()).await?;
    let unknown = || Error::new(Code::AuthUnknown, format!("{doing}: there is no user {name}"));
    Ok(found.ok_or_else(unknown)?.0)
}

fn may(call: &Call, right: Right) -> Result<()> {
    call.needs(right)?;
    call.needs_fresh(right.doing)
}

#[cfg(test)]
mod tests {
    use super::super::Proof;
    use super::*;
    use crate::error::Class;
    use crate::testing;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    /// A store with the account `admin`, and the owner's call.
    async fn house() -> (tempfile::TempDir, Store, Call) {
        let folder = tempfile::tempdir().unwrap();
        let store = testing::store_in(folder.path()).unwrap();
        store.create_first_admin("hash".into(), Actor::cli(), NOW).await.unwrap().unwrap();
        (folder, store, Call::by_owner(NOW))
    }

    fn password() -> Password {
        Password::read("a lamp in every street", None).unwrap()
    }

    fn user(name: &str, role: Role) -> UserAdd {
        UserAdd { name: parse_name(name).unwrap(), role, password: password() }
    }

    fn said<T: std::fmt::Debug>(done: Result<Answer<T>>) -> (Code, Class, String) {
        let error = done.unwrap_err();
        (error.code(), error.class(), error.sentence())
    }

    async fn logins(store: &Store, name: &str) -> u64 {
        let all = store.accounts(NOW).await.unwrap();
        all.iter().find(|state| state.account.username == name).unwrap().logins
    }

    async fn sign_in(store: &Store, name: &str, id: &str) {
        let (account, _) = store.account(name.into()).await.unwrap().unwrap();
        let actor = Actor { name: name.into(), remote: None };
        store.login(account.clone(), id.into(), "Firefox".into(), actor, NOW).await.unwrap();
    }

    #[tokio::test]
    async fn a_user_is_added_once_and_can_sign_in() {
        let (_folder, store, owner) = house().await;
        let added = add(&store, &owner, user("ada", Role::Operator)).await.unwrap();
        assert_eq!(added.sentence, "The user ada can sign in and has the role operator.");
        assert_eq!((added.value.name.as_str(), added.value.role), ("ada", "operator"));
        let (account, hash) = store.account("ada".into()).await.unwrap().unwrap();
        assert_eq!(account.role, Role::Operator);
        assert!(verify("a lamp in every street", Some(&hash), &mut Memory::new()).unwrap());
        assert_eq!(
            said(add(&store, &owner, user("ada", Role::Viewer)).await),
            (
                Code::AuthTaken,
                Class::Conflict,
                "Could not add a user: there is a user ada already.".into()
            )
        );
        let deed = &store.deeds(1).await.unwrap()[0];
        let deed = (deed.action.as_str(), deed.subject.as_str(), deed.after.as_deref());
        assert_eq!(deed, ("create account", "ada", Some("operator")));
        for bad in ["Ada", "", "cli"] {
            let refused = parse_name(bad).unwrap_err();
            assert_eq!(refused.class(), Class::Invalid);
            assert!(refused.sentence().starts_with("Could not read the user name "), "{refused}");
        }
        assert_eq!(
            parse_role("root").unwrap_err().sentence(),
            "Could not take the role \"root\": it is viewer, operator or admin."
        );
    }

    #[tokio::test]
    async fn a_lower_role_signs_the_person_out_and_a_higher_one_does_not() {
        let (_folder, store, owner) = house().await;
        add(&store, &owner, user("ada", Role::Operator)).await.unwrap();
        sign_in(&store, "ada", "one").await;
        let raised = set_role(&store, &owner, "ada", Role::Admin).await.unwrap();
        assert_eq!(raised.sentence, "The user ada has the role admin now.");
        assert_eq!((raised.value.role, raised.value.before), ("admin", "operator"));
        assert_eq!(logins(&store, "ada").await, 1);
        let lowered = set_role(&store, &owner, "ada", Role::Viewer).await.unwrap();
        assert_eq!(
            lowered.sentence,
            "The user ada has the role viewer now and has to sign in again."
        );
        assert_eq!(logins(&store, "ada").await, 0);
        assert_eq!(store.login_by_id("one".into(), true, NOW).await.unwrap(), None);
        let deeds = store.deeds(50).await.unwrap().len();
        let same = set_role(&store, &owner, "ada", Role::Viewer).await.unwrap();
        assert_eq!(same.sentence, "The user ada has the role viewer already.");
        assert_eq!(store.deeds(50).await.unwrap().len(), deeds, "nothing was done");
    }

    #[tokio::test]
    async fn the_last_admin_is_neither_lowered_nor_removed() {
        let (_folder, store, owner) = house().await;
        add(&store, &owner, user("ada", Role::Viewer)).await.unwrap();
        assert_eq!(
            said(set_role(&store, &owner, "admin", Role::Operator).await),
            (
                Code::AuthLastAdmin,
                Class::Conflict,
                "Could not change the role of a user: admin is the only admin.".into()
            )
        );
        assert_eq!(
            said(remove(&store, &owner, "admin").await),
            (
                Code::AuthLastAdmin,
                Class::Conflict,
                "Could not remove a user: admin is the only admin.".into()
            )
        );
        set_role(&store, &owner, "ada", Role::Admin).await.unwrap();
        sign_in(&store, "admin", "one").await;
        let removed = remove(&store, &owner, "admin").await.unwrap();
        assert_eq!(removed.sentence, "The user admin is removed and signed out.");
        assert_eq!(store.login_by_id("one".into(), true, NOW).await.unwrap(), None);
        assert_eq!(store.deeds(1).await.unwrap()[0].action, "remove account");
        assert_eq!(said(remove(&store, &owner, "ada").await).0, Code::AuthLastAdmin);
    }

    #[tokio::test]
    async fn a_new_password_ends_the_logins_and_a_stranger_is_refused() {
        let (_folder, store, owner) = house().await;
        sign_in(&store, "admin", "one").await;
        sign_in(&store, "admin", "two").await;
        let set = set_password(&store, &owner, "admin", password()).await.unwrap();
        assert_eq!(
            set.sentence,
            "The password of admin is set; the 2 logins that were open are ended."
        );
        assert_eq!((set.value.logins_ended, logins(&store, "admin").await), (2, 0));
        let again = set_password(&store, &owner, "admin", password()).await.unwrap();
        assert_eq!(again.sentence, "The password of admin is set.");
        for (done, doing) in [
            (
                set_password(&store, &owner, "nobody", password()).await.map(|_| ()),
                "set the password of a user",
            ),
            (
                set_role(&store, &owner, "nobody", Role::Admin).await.map(|_| ()),
                "change the role of a user",
            ),
            (remove(&store, &owner, "nobody").await.map(|_| ()), "remove a user"),
        ] {
            let error = done.unwrap_err();
            assert_eq!((error.code(), error.class()), (Code::AuthUnknown, Class::NotFound));
            assert_eq!(error.sentence(), format!("Could not {doing}: there is no user nobody."));
        }
    }

    #[tokio::test]
    async fn accounts_are_an_admins_with_a_fresh_sign_in() {
        let (_folder, store, owner) = house().await;
        let mut call = owner.clone();
        call.who.proof = Proof::Login(NOW);
        call.who.name = "ada".into();
        add(&store, &owner, user("ada", Role::Operator)).await.unwrap();
        for (role, now, refused) in [
            (Role::Operator, NOW, Some((Code::AuthRole, Class::Forbidden))),
            (
                Role::Admin,
                NOW.plus(Duration::from_secs(301)),
                Some((Code::AuthStale, Class::Unproven)),
            ),
            (Role::Admin, NOW, None),
        ] {
            call.who.role = role;
            call.now = now;
            let all = [
                add(&store, &call, user("eve", Role::Viewer)).await.map(|_| ()),
                set_role(&store, &call, "eve", Role::Operator).await.map(|_| ()),
                set_password(&store, &call, "eve", password()).await.map(|_| ()),
                remove(&store, &call, "eve").await.map(|_| ()),
            ];
            for done in all {
                let got = done.as_ref().err().map(|error| (error.code(), error.class()));
                assert_eq!(got, refused, "{done:?}");
            }
        }
        // A person of any role may change their own password; that needs a fresh sign-in too.
        call.who.role = Role::Viewer;
        assert!(set_password(&store, &call, "ada", password()).await.is_ok());
        call.now = NOW.plus(Duration::from_secs(301));
        assert_eq!(
            said(set_password(&store, &call, "ada", password()).await),
            (
                Code::AuthStale,
                Class::Unproven,
                "Could not set your password: you gave your password more than 5 minutes ago, \
                 and this needs it anew."
                    .into()
            )
        );
    }

    #[tokio::test]
    async fn the_first_admin_is_made_once_by_a_link_or_by_the_owner() {
        let folder = tempfile::tempdir().unwrap();
        let store = testing::store_in(folder.path()).unwrap();
        let owner = Call::by_owner(NOW);
        let refused = first_admin(&store, &owner, "short").await.unwrap_err();
        assert_eq!((refused.code(), refused.class()), (Code::AuthPassword, Class::Invalid));
        let life = Duration::from_mins(15);
        assert!(store.set_setup_code("code".into(), life, NOW).await.unwrap());
        let made = set_up(&store, None, "code".into(), "hash".into(), NOW).await.unwrap();
        assert_eq!((made.username.as_str(), made.role), ("admin", Role::Admin));
        let again = set_up(&store, None, "code".into(), "hash".into(), NOW).await.unwrap_err();
        assert_eq!((again.code(), again.class()), (Code::AuthSetupCode, Class::Gone));
        assert_eq!(
            again.sentence(),
            "Could not set up the admin: the link was used, or is older than 15 minutes."
        );
        assert!(!first_admin(&store, &owner, "short").await.unwrap(), "there is one");
    }

    #[tokio::test]
    async fn an_account_admin_that_is_none_becomes_one_by_the_first_set_up() {
        let folder = tempfile::tempdir().unwrap();
        let store = testing::store_in(folder.path()).unwrap();
        add(&store, &Call::by_owner(NOW), user("admin", Role::Viewer)).await.unwrap();
        sign_in(&store, "admin", "old").await;
        let made = store.create_first_admin("hash".into(), Actor::cli(), NOW).await.unwrap();
        assert_eq!(made.map(|account| account.role), Some(Role::Admin));
        assert_eq!(logins(&store, "admin").await, 0, "a login of before is not the admin's");
    }
}

//! The logins of an account: which browsers are signed in, and their end.
//!
//! A person sees and ends their own; those of others need the role admin.

use super::super::{Answer, Call, Right};
use super::{account, may};
use crate::error::{Code, Error, Result};
use crate::model::{LoginState, Role, WhichLogins};
use crate::store::Store;
use crate::wire;

/// The right of [`read_logins`] for the account of another person.
pub const SEE_LOGINS: Right = Right::new(Role::Admin, "see the logins of a user");
/// The right of [`end_logins`] for the account of another person.
pub const END_LOGINS: Right = Right::new(Role::Admin, "end the logins of a user");

/// Reads the number of a login as people type it.
///
/// # Errors
/// `JOB-VALUE-001` for anything but a whole number above 0.
pub fn parse_login(text: &str) -> Result<WhichLogins> {
    let number = text.trim().parse().ok().filter(|number: &i64| *number > 0);
    let why = || {
        let takes = "it has a number, as `users logins` shows it";
        Error::new(Code::ModelInvalid, format!("take the login {text:?}: {takes}"))
    };
    number.map(WhichLogins::One).ok_or_else(why)
}

/// The logins of an account that have not ended, the one that was used last first.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin for the account of another person; `AUTH-NAME-001` for an account that is not there.
pub async fn read_logins(store: &Store, call: &Call, name: &str) -> Result<Vec<LoginState>> {
    let name = name.trim();
    if name != call.who.name {
        call.needs(SEE_LOGINS)?;
    }
    let account = account(store, name, SEE_LOGINS.doing).await?;
    store.logins(account.id, call.now).await
}

/// Ends logins of an account. One's own are ended without a fresh sign-in: a person who sees a stranger there must be quick.
///
/// # Errors
/// For the account of another person `AUTH-ROLE-001` below the role admin and `AUTH-LOGIN-005` for a sign-in that is not
/// fresh; `AUTH-NAME-001` for an account that is not there; `AUTH-NAME-003` for a login that it does not have.
pub async fn end_logins(
    store: &Store,
    call: &Call,
    name: &str,
    which: WhichLogins,
) -> Result<Answer<wire::PersonLogins>> {
    let name = name.trim().to_owned();
    if name != call.who.name {
        may(call, END_LOGINS)?;
    }
    let logins_ended = store.end_logins(name.clone(), which, call.actor(), call.now).await?;
    let sentence = match (which, logins_ended) {
        (WhichLogins::One(id), _) => format!("The login {id} of {name} is ended."),
        (WhichLogins::Others(_), 0) => format!("The user {name} has no other login."),
        (WhichLogins::Others(_), 1) => format!("The other login of {name} is ended."),
        (WhichLogins::Others(_), more) => format!("The {more} other logins of {name} are ended."),
        (WhichLogins::All, 0) => format!("The user {name} is signed in nowhere."),
        (WhichLogins::All, 1) => format!("The one login of {name} is ended."),
        (WhichLogins::All, more) => format!("The {more} logins of {name} are ended."),
    };
    Ok(Answer::new(wire::PersonLogins { name, logins_ended }, sentence))
}

#[cfg(test)]
mod tests {
    use super::super::super::{Proof, Who};
    use super::*;
    use crate::model::{Actor, Timestamp, Username};
    use crate::testing;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn by(name: &str, role: Role, seconds_ago: i64) -> Call {
        let proof = Proof::Login(Timestamp::from_millis(NOW.millis() - seconds_ago * 1_000));
        let who = Who { name: name.into(), role, proof, remote: None };
        Call { who, ..Call::by_owner(NOW) }
    }

    /// A store in which `ada` and `admin` are signed in by three browsers each.
    async fn house() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = testing::store_in(folder.path()).unwrap();
        store.create_first_admin("hash".into(), Actor::cli(), NOW).await.unwrap().unwrap();
        let ada = Username::parse("ada").unwrap();
        store.add_account(ada, Role::Viewer, "hash".into(), Actor::cli(), NOW).await.unwrap();
        for name in ["ada", "admin"] {
            let (account, _) = store.account(name.into()).await.unwrap().unwrap();
            for browser in ["Firefox 140 on Linux", "Safari 26 on iPhone", "curl/8.5.0"] {
                let id = format!("{name} {browser}");
                let actor = Actor { name: name.into(), remote: Some("192.0.2.7".into()) };
                store.login(account.clone(), id, browser.into(), actor, NOW).await.unwrap();
            }
        }
        (folder, store)
    }

    async fn browsers(store: &Store, name: &str) -> Vec<String> {
        let logins = read_logins(store, &Call::by_owner(NOW), name).await.unwrap();
        logins.into_iter().map(|login| login.browser).collect()
    }

    #[tokio::test]
    async fn a_password_that_is_changed_while_it_is_checked_opens_no_login() {
        let (_folder, store) = house().await;
        let (ada, _) = store.account("ada".into()).await.unwrap().unwrap();
        let new = |id: &str| (id.to_owned(), "Firefox".to_owned());
        let ended = end_logins(&store, &Call::by_owner(NOW), "ada", WhichLogins::All).await;
        assert_eq!(ended.unwrap().value.logins_ended, 3);
        let old = "ada curl/8.5.0".to_owned();
        let renewed = store.renew_login(old, ada.clone(), new("a"), Actor::named("ada"), NOW).await;
        assert_eq!(renewed.unwrap_err().code(), Code::AuthFailed, "the login is ended");
        store.set_password("ada".into(), "other".into(), Actor::cli(), NOW).await.unwrap();
        let (id, browser) = new("b");
        let late = store.login(ada, id, browser, Actor::named("ada"), NOW).await;
        assert_eq!(late.unwrap_err().code(), Code::AuthFailed);
        assert_eq!(browsers(&store, "ada").await, [""; 0]);
    }

    #[tokio::test]
    async fn a_person_sees_and_ends_their_own_logins_with_any_role_and_an_old_sign_in() {
        let (_folder, store) = house().await;
        let ada = by("ada", Role::Viewer, 3_600);
        let mine = read_logins(&store, &ada, "ada").await.unwrap();
        let told: Vec<_> =
            mine.iter().map(|login| (login.browser.as_str(), login.remote.as_str())).collect();
        assert_eq!(
            told,
            [
                ("curl/8.5.0", "192.0.2.7"),
                ("Safari 26 on iPhone", "192.0.2.7"),
                ("Firefox 140 on Linux", "192.0.2.7"),
            ]
        );
        let ended = end_logins(&store, &ada, "ada", WhichLogins::One(mine[1].id)).await.unwrap();
        assert_eq!(ended.sentence, format!("The login {} of ada is ended.", mine[1].id));
        assert_eq!(browsers(&store, "ada").await, ["curl/8.5.0", "Firefox 140 on Linux"]);
        let gone = end_logins(&store, &ada, "ada", WhichLogins::One(mine[1].id)).await;
        let gone = gone.unwrap_err();
        assert_eq!(gone.code(), Code::AuthLoginUnknown);
        assert_eq!(
            gone.sentence(),
            format!("Could not end logins: ada is not signed in by a login {}.", mine[1].id)
        );
        let ended = end_logins(&store, &ada, "ada", WhichLogins::Others(mine[2].id)).await.unwrap();
        assert_eq!(ended.sentence, "The other login of ada is ended.");
        assert_eq!(browsers(&store, "ada").await, ["Firefox 140 on Linux"]);
        assert_eq!(browsers(&store, "admin").await.len(), 3, "nobody else is signed out");
        let deed = &store.deeds(1).await.unwrap()[0];
        let deed = (deed.action.as_str(), deed.subject.as_str(), deed.before.as_deref());
        assert_eq!(deed, ("end logins", "ada", Some("1 login")));
    }

    #[tokio::test]
    async fn the_logins_of_others_need_the_role_and_a_fresh_sign_in() {
        let (_folder, store) = house().await;
        let admin = read_logins(&store, &Call::by_owner(NOW), "admin").await.unwrap();
        let theirs = WhichLogins::One(admin[0].id);
        let operator = by("ada", Role::Operator, 0);
        let seen = read_logins(&store, &operator, "admin").await.unwrap_err();
        assert_eq!(seen.code(), Code::AuthRole);
        let ended = end_logins(&store, &operator, "admin", theirs).await.unwrap_err();
        assert_eq!(
            ended.sentence(),
            "Could not end the logins of a user: your role is operator, and this needs the role admin."
        );
        let trick = end_logins(&store, &operator, "ada", theirs).await.unwrap_err();
        assert_eq!(trick.code(), Code::AuthLoginUnknown, "another's login is not one's own");
        let old = by("admin", Role::Admin, 301);
        let stale = end_logins(&store, &old, "ada", WhichLogins::All).await.unwrap_err();
        assert_eq!(stale.code(), Code::AuthStale);
        assert_eq!(
            (browsers(&store, "ada").await.len(), browsers(&store, "admin").await.len()),
            (3, 3)
        );
        let all = end_logins(&store, &by("admin", Role::Admin, 0), "ada", WhichLogins::All).await;
        assert_eq!(all.unwrap().sentence, "The 3 logins of ada are ended.");
        let none = end_logins(&store, &Call::by_owner(NOW), "ada", WhichLogins::All).await;
        assert_eq!(none.unwrap().sentence, "The user ada is signed in nowhere.");
        let nobody = end_logins(&store, &Call::by_owner(NOW), "eve", WhichLogins::All).await;
        assert_eq!(nobody.unwrap_err().code(), Code::AuthUnknown);
    }

    #[test]
    fn a_login_is_named_by_its_number() {
        assert_eq!(parse_login(" 7 ").unwrap(), WhichLogins::One(7));
        for bad in ["", "0", "-1", "all", "7x", "99999999999999999999"] {
            assert_eq!(parse_login(bad).unwrap_err().code(), Code::ModelInvalid, "{bad:?}");
        }
    }
}

//! Actions on people, by the function, the page and the command.

use super::queues::check;
use crate::support::faces::{Faces, Request, value};
use crate::support::foreign;
use lamplighter::Code;
use lamplighter::actions::people::{self, Password, UserAdd};
use lamplighter::actions::{Call, Proof};
use lamplighter::model::{Role, Timestamp, WhichLogins};
use lamplighter::store::Store;
use std::path::Path;

const GOOD: &str = "a lamp in every street";

/// Besides `admin` every face has the accounts `viewer` and `operator`.
fn bare(_: &Path) {}

/// With an account that is signed in nowhere.
fn with_ada(folder: &Path) {
    let sql = "
        INSERT INTO users (username, role, password_hash, created_at)
        SELECT 'ada', 'viewer', password_hash, created_at FROM users WHERE username = 'admin'";
    foreign(folder).execute_batch(sql).unwrap();
}

/// With an account that is signed in by three browsers.
fn with_logins(folder: &Path) {
    with_ada(folder);
    let sql = "
        INSERT INTO logins (id, id_hash, user_id, remote, browser, created_at, used_at)
        SELECT value, value, users.id, '192.0.2.7', 'Firefox 140 on Linux', 4e15, 4e15
        FROM users, json_each('[11, 12, 13]')
        WHERE username = 'ada'";
    foreign(folder).execute_batch(sql).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_added_alike_by_every_face() {
    let mut faces = Faces::start(bare).await;
    for (name, role, password, says) in [
        ("ada", "operator", GOOD, Ok("The user ada can sign in and has the role operator.")),
        (" eve ", "viewer", GOOD, Ok("The user eve can sign in and has the role viewer.")),
        ("ada", "viewer", GOOD, Err(Code::AuthTaken)),
        ("Ada", "viewer", GOOD, Err(Code::ModelInvalid)),
        ("", "viewer", GOOD, Err(Code::ModelInvalid)),
        ("bob", "root", GOOD, Err(Code::ModelInvalid)),
        ("bob", "viewer", "short", Err(Code::AuthPassword)),
        ("bob", "viewer", "", Err(Code::AuthPassword)),
    ] {
        faces.stdin = format!("{password}\n");
        let form = [("name", name), ("role", role), ("password", password)];
        let page = Some(("/users", &form[..]));
        let request = Request { cli: &["users", "add", name, "--role", role], page };
        let add = async |store: &_, call: &_| {
            let (name, role) = (people::parse_name(name)?, people::parse_role(role)?);
            let request = UserAdd { name, role, password: Password::read(password, None)? };
            Ok(value(&people::add(store, call, request).await?))
        };
        check(faces.ask(request, add).await, says);
        if says.is_ok() {
            assert_eq!(faces.refused_below(Role::Operator, page, add).await, Code::AuthRole);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_given_alike_by_every_face() {
    let mut faces = Faces::start(bare).await;
    for (name, role, says) in [
        ("viewer", "operator", Ok("The user viewer has the role operator now.")),
        ("viewer", "operator", Ok("The user viewer has the role operator already.")),
        (
            "operator",
            "viewer",
            Ok("The user operator has the role viewer now and has to sign in again."),
        ),
        ("nobody", "viewer", Err(Code::AuthUnknown)),
        ("viewer", "root", Err(Code::ModelInvalid)),
        ("admin", "viewer", Err(Code::AuthLastAdmin)),
    ] {
        let (path, form) = (format!("/users/{name}/role"), [("role", role)]);
        let page = Some((path.as_str(), &form[..]));
        let request = Request { cli: &["users", "role", name, role], page };
        let set = async |store: &_, call: &_| {
            let role = people::parse_role(role)?;
            Ok(value(&people::set_role(store, call, name, role).await?))
        };
        check(faces.ask(request, set).await, says);
        if says.is_ok() {
            assert_eq!(faces.refused_below(Role::Operator, None, set).await, Code::AuthRole);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_set_alike_by_every_face() {
    let mut faces = Faces::start(with_ada).await;
    for (name, password, says) in [
        ("ada", GOOD, Ok("The password of ada is set.")),
        (" ada ", GOOD, Ok("The password of ada is set.")),
        ("ada", "short", Err(Code::AuthPassword)),
        ("nobody", GOOD, Err(Code::AuthUnknown)),
        ("nobody", "short", Err(Code::AuthUnknown)),
    ] {
        faces.stdin = format!("{password}\n");
        let (path, form) = (format!("/users/{}/password", name.trim()), [("password", password)]);
        let page = Some((path.as_str(), &form[..]));
        let request = Request { cli: &["users", "passwd", name], page };
        let set = async |store: &Store, call: &Call| {
            people::known(store, name).await?;
            let password = Password::read(password, None)?;
            Ok(value(&people::set_password(store, call, name, password).await?))
        };
        check(faces.ask(request, set).await, says);
        if says.is_ok() {
            assert_eq!(faces.refused_below(Role::Operator, None, set).await, Code::AuthRole);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_removed_alike_by_every_face() {
    let mut faces = Faces::start(bare).await;
    for (name, says) in [
        ("viewer", Ok("The user viewer is removed and signed out.")),
        ("viewer", Err(Code::AuthUnknown)),
        ("nobody", Err(Code::AuthUnknown)),
        ("admin", Err(Code::AuthLastAdmin)),
    ] {
        let path = format!("/users/{name}/remove");
        let request = Request { cli: &["users", "remove", name], page: Some((&path, &[])) };
        let remove =
            async |store: &_, call: &_| Ok(value(&people::remove(store, call, name).await?));
        check(faces.ask(request, remove).await, says);
        assert_eq!(faces.refused_below(Role::Operator, None, remove).await, Code::AuthRole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_disabled_and_enabled_alike_by_every_face() {
    let mut faces = Faces::start(with_ada).await;
    for (name, says) in [
        ("ada", Ok("The user ada is disabled and signed out; nobody can sign in as ada.")),
        ("ada", Ok("The user ada is disabled already.")),
        ("nobody", Err(Code::AuthUnknown)),
        ("admin", Err(Code::AuthLastAdmin)),
    ] {
        let path = format!("/users/{name}/disable");
        let page = Some((path.as_str(), &[][..]));
        let request = Request { cli: &["users", "disable", name], page };
        let disable =
            async |store: &_, call: &_| Ok(value(&people::disable(store, call, name).await?));
        check(faces.ask(request, disable).await, says);
        assert_eq!(faces.refused_below(Role::Operator, page, disable).await, Code::AuthRole);
    }
    for (name, says) in [
        ("ada", Ok("The user ada can sign in again.")),
        ("ada", Ok("The user ada is not disabled.")),
        ("nobody", Err(Code::AuthUnknown)),
    ] {
        let path = format!("/users/{name}/enable");
        let page = Some((path.as_str(), &[][..]));
        let request = Request { cli: &["users", "enable", name], page };
        let enable =
            async |store: &_, call: &_| Ok(value(&people::enable(store, call, name).await?));
        check(faces.ask(request, enable).await, says);
        assert_eq!(faces.refused_below(Role::Operator, page, enable).await, Code::AuthRole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_are_ended_alike_by_every_face() {
    let mut faces = Faces::start(with_logins).await;
    for (name, login, says) in [
        ("ada", "11", Ok("The login 11 of ada is ended.")),
        ("ada", "11", Err(Code::AuthLoginUnknown)),
        ("ada", "x", Err(Code::ModelInvalid)),
        ("nobody", "12", Err(Code::AuthUnknown)),
        ("ada", "all", Ok("The 2 logins of ada are ended.")),
        ("ada", "all", Ok("The user ada is signed in nowhere.")),
    ] {
        let (path, form) = (format!("/users/{name}/logins/end"), [("login", login)]);
        let page = Some((path.as_str(), &form[..]));
        let last = if login == "all" { "--all" } else { login };
        let request = Request { cli: &["users", "revoke", name, last], page };
        let end = async |store: &_, call: &_| {
            let which = match login {
                "all" => WhichLogins::All,
                number => people::parse_login(number)?,
            };
            Ok(value(&people::end_logins(store, call, name, which).await?))
        };
        check(faces.ask(request, end).await, says);
        if says.is_ok() {
            assert_eq!(faces.refused_below(Role::Operator, page, end).await, Code::AuthRole);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_sign_in_changes_no_account_and_the_owner_needs_none() {
    let mut faces = Faces::start(bare).await;
    let request = Request { cli: &["users", "role", "viewer", "operator"], page: None };
    let set = async |store: &_, call: &Call| {
        let mut old = call.clone();
        old.who.proof = Proof::Login(Timestamp::from_millis(call.now.millis() - 301_000));
        let refused = people::set_role(store, &old, "viewer", Role::Operator).await.unwrap_err();
        assert_eq!(refused.code(), Code::AuthStale);
        Ok(value(&people::set_role(store, call, "viewer", Role::Operator).await?))
    };
    check(faces.ask(request, set).await, Ok("The user viewer has the role operator now."));
}

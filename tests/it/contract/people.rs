//! The contract about people: accounts, logins, the record of deeds, settings, repositories.

use super::{Leader, later, rules};
use crate::support::START;
use lamplighter::Code;
use lamplighter::model::{
    Account, Actor, DeedFilter, DescribedBy, Description, Enqueued, Kind, KindRules, NewJob, Role,
    Username, WhichLogins,
};
use lamplighter::store::Store;
use serde_json::json;
use std::time::Duration;

pub async fn accounts_and_logins(store: &Store) {
    let (hash, cli) = (|text: &str| text.to_owned(), Actor::cli);
    assert!(!store.has_admin().await.unwrap());
    let set_code = |code| store.set_setup_code(hash(code), Duration::from_mins(1), START);
    assert!(set_code("code").await.unwrap());
    assert!(store.setup_code_is_valid(hash("code"), START).await.unwrap());
    assert!(!store.setup_code_is_valid(hash("code"), later(60)).await.unwrap(), "its time is over");
    assert!(!store.setup_code_is_valid(hash("other"), START).await.unwrap());
    let wrong = store.redeem_setup_code(hash("other"), hash("pw"), cli(), START).await.unwrap();
    assert_eq!(wrong, None);
    let redeem = || store.redeem_setup_code(hash("code"), hash("pw"), cli(), START);
    let admin = redeem().await.unwrap().unwrap();
    assert_eq!(admin.role, Role::Admin);
    assert_eq!(redeem().await.unwrap(), None, "it is redeemed once");
    assert!(store.has_admin().await.unwrap());
    assert_eq!(store.create_first_admin(hash("pw"), cli(), START).await.unwrap(), None);
    assert!(!set_code("again").await.unwrap(), "there is an admin");

    let name = Username::parse("ada").unwrap();
    let viewer = |name| store.add_account(name, Role::Viewer, hash("pw"), cli(), START);
    viewer(name.clone()).await.unwrap();
    assert_eq!(viewer(name).await.unwrap_err().code(), Code::AuthTaken);
    let (ada, password) = store.account("ada".into()).await.unwrap().unwrap();
    assert_eq!((ada.role, password.as_str()), (Role::Viewer, "pw"));
    assert!(store.account("eve".into()).await.unwrap().is_none());
    store.login(ada.clone(), hash("id"), "Firefox".into(), cli(), START).await.unwrap();
    let login = store.login_by_id(hash("id"), true, later(1)).await.unwrap().unwrap();
    assert_eq!((login.account, login.began_at), (ada.clone(), START));
    let listed = store.logins(ada.id, later(1)).await.unwrap();
    assert_eq!((listed[0].id, listed[0].browser.as_str()), (login.id, "Firefox"));
    let all = store.accounts(later(1)).await.unwrap();
    let logins: Vec<_> =
        all.iter().map(|one| (one.account.username.as_str(), one.logins)).collect();
    assert!(logins.contains(&("ada", 1)) && logins.len() == 2, "{logins:?}");
    let before = store.set_role("ada".into(), Role::Operator, cli(), START).await.unwrap();
    assert_eq!(before, Role::Viewer);
    assert_eq!(store.account("ada".into()).await.unwrap().unwrap().0.role, Role::Operator);
    store.logout(hash("id"), cli(), START).await.unwrap();
    assert!(store.login_by_id(hash("id"), true, later(1)).await.unwrap().is_none());
    assert!(store.logins(ada.id, later(1)).await.unwrap().is_empty());
    logins_end(store, &ada).await;
    store.login(ada.clone(), hash("id-2"), "Firefox".into(), cli(), START).await.unwrap();
    let ended = store.set_password("ada".into(), hash("new"), cli(), START).await.unwrap();
    assert_eq!(ended, 1, "a new password ends the logins");
    assert!(store.login_by_id(hash("id-2"), false, later(1)).await.unwrap().is_none());
    store.remove_account("ada".into(), cli(), START).await.unwrap();
    assert!(store.account("ada".into()).await.unwrap().is_none());
    let last = store.remove_account(admin.username, cli(), START).await.unwrap_err();
    assert_eq!(last.code(), Code::AuthLastAdmin);
    let removed = DeedFilter { action: Some("REMOVE".into()), limit: 9, ..DeedFilter::default() };
    let removed = store.find_deeds(removed).await.unwrap().rows;
    assert_eq!(removed.iter().map(|deed| deed.subject.as_str()).collect::<Vec<_>>(), ["ada"]);
    let deeds = store.deeds(3).await.unwrap();
    assert_eq!(deeds.len(), 3);
    assert!(deeds.windows(2).all(|pair| pair[0].id > pair[1].id), "newest first: {deeds:?}");
}

/// Of the account `ada`, which is signed in nowhere.
async fn logins_end(store: &Store, ada: &Account) {
    let (hash, name, cli) = (|text: &str| text.to_owned(), || "ada".to_owned(), Actor::cli);
    let begin = |id: &str| store.login(ada.clone(), hash(id), "Firefox".into(), cli(), START);
    for id in ["a", "b", "c"] {
        begin(id).await.unwrap();
    }
    let new = (hash("a-2"), "Firefox".to_owned());
    store.renew_login(hash("a"), ada.clone(), new, cli(), later(1)).await.unwrap();
    assert!(store.login_by_id(hash("a"), true, later(1)).await.unwrap().is_none());
    let renewed = store.login_by_id(hash("a-2"), true, later(1)).await.unwrap().unwrap();
    assert_eq!(renewed.began_at, later(1), "the password was given then");
    let end = |which| store.end_logins(name(), which, cli(), later(1));
    let ids: Vec<_> =
        store.logins(ada.id, later(1)).await.unwrap().iter().map(|login| login.id).collect();
    assert_eq!((ids.len(), ids[0]), (3, renewed.id), "the newest first");
    assert_eq!(end(WhichLogins::One(ids[1])).await.unwrap(), 1);
    let gone = end(WhichLogins::One(ids[1])).await.unwrap_err();
    assert_eq!(gone.code(), Code::AuthLoginUnknown);
    assert_eq!(end(WhichLogins::Others(renewed.id)).await.unwrap(), 1);
    assert_eq!(store.logins(ada.id, later(1)).await.unwrap().len(), 1);
    let disable = || store.disable_account(name(), cli(), later(1));
    assert_eq!(disable().await.unwrap(), (true, 1));
    assert_eq!(disable().await.unwrap(), (false, 0));
    assert_eq!(begin("d").await.unwrap_err().code(), Code::AuthFailed, "it is disabled");
    let last = store.disable_account("admin".into(), cli(), START).await.unwrap_err();
    assert_eq!(last.code(), Code::AuthLastAdmin);
    assert!(store.enable_account(name(), cli(), later(1)).await.unwrap());
    assert!(!store.enable_account(name(), cli(), later(1)).await.unwrap());
    begin("d").await.unwrap();
    assert_eq!(end(WhichLogins::All).await.unwrap(), 1);
    assert_eq!(end(WhichLogins::All).await.unwrap(), 0);
    let state =
        store.accounts(later(1)).await.unwrap().into_iter().find(|one| one.account.id == ada.id);
    assert_eq!(state.unwrap().signed_in_at, Some(START));
}

pub async fn settings_change_together(store: &Store) {
    let day = "agent.budget_day_usd";
    let before = store.all_settings().await.unwrap();
    assert!(before.iter().any(|state| state.setting.key == day && !state.is_set));
    let changes = vec![(day, Some(json!(5)))];
    store.change_settings(changes, Actor::cli(), START).await.unwrap();
    assert_eq!(store.settings([day]).await.unwrap()[day], json!(5));
    let wrong = vec![
        (day, Some(json!(6))),
        ("self_monitoring.enabled", Some(json!(true))),
        ("self_monitoring.cadence", Some(json!("no cadence"))),
    ];
    assert!(store.change_settings(wrong, Actor::cli(), START).await.is_err());
    assert_eq!(store.settings([day]).await.unwrap()[day], json!(5), "all of them or none");
    store.change_settings(vec![(day, None)], Actor::cli(), START).await.unwrap();
    assert!(store.settings([day]).await.unwrap().is_empty());
}

pub async fn repositories_are_described_under_a_lease(store: &Store) {
    let describe = || NewJob::new(Kind::GOLDEN_REPO);
    let path = std::path::PathBuf::from("/srv/shop");
    let new = |name: &str| {
        store.add_repository(name.into(), path.clone(), describe(), Actor::cli(), START)
    };
    let made = new("shop").await.unwrap();
    assert!(matches!(made, Enqueued::Inserted(_)));
    assert_eq!(
        new("other").await.unwrap_err().code(),
        Code::RepositoryTaken,
        "its folder is taken"
    );
    let found = store.repository("shop".into()).await.unwrap().unwrap();
    assert_eq!((found.path, found.job_id), (path.clone(), Some(made.id())));
    let again = store.request_description("shop".into(), describe(), START).await.unwrap();
    assert_eq!(store.repository("shop".into()).await.unwrap().unwrap().job_id, Some(again.id()));
    let mut leader = Leader::of(store, "w", KindRules { kind: Kind::GOLDEN_REPO, ..rules() }).await;
    let lease = leader.claim(1).await.remove(0);
    let text = |summary: &str| Description { summary: summary.into(), ..Description::default() };
    let write = |summary: &str, by| {
        store.describe_repository(lease.clone(), found.id, text(summary), by, later(1))
    };
    write("by the agent", DescribedBy::Agent).await.unwrap();
    write("by the files", DescribedBy::Files).await.unwrap();
    let all = store.repositories().await.unwrap();
    let (description, by, at) = all[0].description.clone().unwrap();
    assert_eq!(
        (description.summary.as_str(), by, at),
        ("by the agent", DescribedBy::Agent, later(1))
    );
    leader.settle(lease.clone(), super::done()).await;
    let late =
        store.describe_repository(lease, found.id, text("late"), DescribedBy::Agent, later(2));
    assert_eq!(late.await.unwrap_err().code(), Code::StoreLeaseLost, "P9");
    store.remove_repository("shop".into(), Actor::cli(), START).await.unwrap();
    assert!(store.repositories().await.unwrap().is_empty());
}

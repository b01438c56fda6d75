//! The contract about people: accounts, logins, the record of deeds, settings, repositories.

use super::{Leader, later, rules};
use crate::support::START;
use lamplighter::Code;
use lamplighter::model::{
    Account, Actor, DeedFilter, DescribedBy, Description, Enqueued, JobMaker, Kind, KindRules,
    ListPage, NewJob, NewToken, Power, Role, SavedView, Scope, Username, WhichLogins,
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

pub async fn tokens_are_kept_until_they_are_revoked(store: &Store) {
    let (cli, day) = (Actor::cli, 24 * 60 * 60);
    store.create_first_admin("pw".into(), cli(), START).await.unwrap();
    let mail = Kind::named("mail");
    let new = |id: &str| NewToken {
        id: id.to_owned(),
        hash: format!("hash of {id}"),
        name: "shop".into(),
        owner: "admin".into(),
        power: Power {
            scopes: vec![Scope::JobsRead, Scope::Admin],
            kinds: Some(vec![mail.clone()]),
            queues: None,
        },
        expires_at: Some(later(30 * day)),
    };
    let made = store.add_token(new("a"), cli(), START).await.unwrap();
    assert_eq!((&made.power, made.expires_at), (&new("a").power, Some(later(30 * day))));
    assert_eq!((made.used_at, made.old_until, made.owner.role), (None, None, Role::Admin));
    let taken = store.add_token(new("b"), cli(), START).await.unwrap_err();
    assert_eq!(taken.code(), Code::AuthTokenTaken);
    let nobodys = NewToken { owner: "eve".into(), ..new("c") };
    let unknown = store.add_token(nobodys, cli(), START).await.unwrap_err();
    assert_eq!(unknown.code(), Code::AuthUnknown);

    let by_hash = |hash: &str, now| store.token_by_hash(hash.to_owned(), now);
    assert_eq!(by_hash("another", later(1)).await.unwrap(), None);
    assert_eq!(by_hash("hash of a", later(1)).await.unwrap().unwrap().id, "a");
    let used = async || store.token("a".into()).await.unwrap().unwrap().used_at;
    assert_eq!(used().await, Some(later(1)));
    by_hash("hash of a", later(60)).await.unwrap();
    assert_eq!(used().await, Some(later(1)), "to the minute");
    let rotated =
        store.rotate_token("a".into(), "next".into(), cli(), later(10 * day)).await.unwrap();
    assert_eq!(rotated.old_until, Some(later(11 * day)));
    assert_eq!(rotated.expires_at, Some(later(40 * day)), "as long again");
    let at_once = store.rotate_token("a".into(), "third".into(), cli(), later(11 * day - 1)).await;
    assert_eq!(at_once.unwrap_err().code(), Code::AuthTokenRotated);
    for (hash, at, counts) in [
        ("hash of a", 11 * day - 1, true),
        ("hash of a", 11 * day, false),
        ("next", 11 * day, true),
    ] {
        assert_eq!(by_hash(hash, later(at)).await.unwrap().is_some(), counts, "{hash} {at}");
    }
    let over = by_hash("next", later(40 * day)).await.unwrap().unwrap();
    assert!(over.has_expired(later(40 * day)) && !over.has_expired(later(40 * day - 1)));
    assert_eq!(used().await, Some(later(11 * day - 1)), "a token that is over is not used");
    assert_eq!(store.tokens(Some("admin".into())).await.unwrap().len(), 1);
    assert!(store.tokens(Some("eve".into())).await.unwrap().is_empty());
    let revoke = || store.revoke_token("a".into(), cli(), START);
    assert_eq!(revoke().await.unwrap().name, "shop");
    assert_eq!(revoke().await.unwrap_err().code(), Code::AuthTokenUnknown);
    assert!(store.tokens(None).await.unwrap().is_empty());
    let many = async |n: u32| {
        let one = NewToken { name: format!("n{n}"), ..new(&format!("n{n}")) };
        store.add_token(one, cli(), START).await.map(|_| ())
    };
    for n in 0..100 {
        many(n).await.unwrap();
    }
    assert_eq!(many(100).await.unwrap_err().code(), Code::AuthTokenMany);
    let deeds = store.deeds(1_000).await.unwrap();
    let told = |what: &str| deeds.iter().filter(|deed| deed.action == what).count();
    assert_eq!(
        (told("create token"), told("rotate token"), told("revoke token")),
        (101, 1, 1),
        "each write leaves a row, and what was refused leaves none"
    );
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

pub async fn views_are_kept_by_each_for_themselves(store: &Store) {
    let ada = || Actor::named("ada");
    let save = async |owner: &str, name: &str, query: &str| {
        let view = (ListPage::Jobs, name.to_owned(), query.to_owned());
        store.save_view(owner.into(), view, ada(), START).await
    };
    let of = async |owner: &str, page| store.views(owner.into(), page).await.unwrap();
    save("ada", "Mails", "kind:mail").await.unwrap();
    save("ada", "Mails", "kind:send_email").await.unwrap();
    save("eve", "Mails", "kind:x").await.unwrap();
    let kept = of("ada", ListPage::Jobs).await;
    assert_eq!(kept.len(), 1, "a name is given once");
    assert_eq!((kept[0].name.as_str(), kept[0].query.as_str()), ("Mails", "kind:send_email"));
    assert!(of("ada", ListPage::Sessions).await.is_empty());
    for nth in 1..SavedView::MOST {
        save("ada", &format!("view {nth}"), "status:failed").await.unwrap();
    }
    let refused = save("ada", "one more", "status:failed").await.unwrap_err();
    assert_eq!(refused.code(), Code::ModelInvalid);
    save("ada", "Mails", "kind:mail").await.unwrap();
    let eves = of("eve", ListPage::Jobs).await[0].id;
    assert!(store.remove_view("ada".into(), eves, ada(), START).await.unwrap().is_none());
    let removed = store.remove_view("ada".into(), kept[0].id, ada(), START).await.unwrap();
    assert_eq!(removed.map(|view| view.query).as_deref(), Some("kind:mail"));
    assert_eq!(of("ada", ListPage::Jobs).await.len(), SavedView::MOST - 1);
    assert_eq!(of("eve", ListPage::Jobs).await.len(), 1);
    let last = store.deeds(1).await.unwrap().remove(0);
    assert_eq!((last.action.as_str(), last.subject.as_str()), ("remove view", "jobs: Mails"));
    assert_eq!((last.before.as_deref(), last.after), (Some("kind:mail"), None));
    let name = Username::parse("eve").unwrap();
    store.add_account(name, Role::Viewer, "pw".into(), Actor::cli(), START).await.unwrap();
    store.remove_account("eve".into(), Actor::cli(), START).await.unwrap();
    assert!(of("eve", ListPage::Jobs).await.is_empty(), "they go with the account");
}

pub async fn who_made_a_job_is_found_among_others_of_the_same_moment(store: &Store) {
    let by = |actor: Option<Actor>| NewJob { actor, ..NewJob::new(Kind::named("mail")) };
    let add = async |job, at| store.enqueue(job, at).await.unwrap().id();
    let before = add(by(Some(Actor::cli())), START).await;
    let mut made = Vec::new();
    for nth in 0..9 {
        made.push(add(by(Some(Actor::named(format!("ada-{nth}")))), later(1)).await);
    }
    let token = add(by(Some(Actor::named("token shop of ada"))), later(2)).await;
    let nobody = add(by(None), later(2)).await;
    let maker = async |id| store.job_maker(id).await.unwrap().words();
    assert_eq!(maker(before).await.as_deref(), Some("at the command line"));
    assert_eq!(maker(made[7]).await.as_deref(), Some("by person ada-7"));
    assert_eq!(maker(token).await.as_deref(), Some("by token shop of ada"));
    assert_eq!(store.job_maker(nobody).await.unwrap(), JobMaker::default());
}

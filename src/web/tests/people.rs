//! Tests of the pages of accounts and of their logins.

use super::super::nav::{OWN, PEOPLE};
use super::*;
use crate::actions::people::Password;
use crate::model::{Role, Username};
use std::time::Duration;

/// A site with an admin who is signed in, and the account `ada` of this role.
async fn with_ada(role: Role) -> (Site, Account) {
    let hash = Password::read(PASSWORD, None).unwrap().hash().unwrap();
    let site = Site::with_admin(&hash).await;
    let ada = Username::parse("ada").unwrap();
    site.web.store.add_account(ada, role, hash, Actor::cli(), START).await.unwrap();
    let (ada, _) = site.web.store.account("ada".into()).await.unwrap().unwrap();
    (site, ada)
}

/// What the page shows of its logins: each with its number, and the one that is marked as the browser's own.
async fn logins(site: &Site, account: &Account) -> Vec<i64> {
    let logins = site.web.store.logins(account.id, site.web.clock.now()).await.unwrap();
    logins.into_iter().map(|login| login.id).collect()
}

#[tokio::test]
async fn an_admin_adds_changes_disables_and_removes_a_user_on_the_pages() {
    let site = Site::signed_in().await;
    let page = site.see(PEOPLE).await.body;
    assert!(page.contains(r#"href="/users/admin""#) && page.contains("Add a user"), "{page}");
    let fields = "name=ada&role=operator&password=a+lamp+in+every+street&repeat=";
    let typo = site.submit(PEOPLE, &format!("{fields}a+lamp+in+each+street")).await;
    assert!(typo.body.contains("the two passwords differ"), "{}", typo.body);
    let added = site.submit(PEOPLE, &format!("{fields}a+lamp+in+every+street")).await;
    assert_eq!(added.header("location"), "/users/ada?saved=added");
    let page = site.see("/users/ada?saved=added").await.body;
    assert!(page.contains("The user is added and can sign in."), "{page}");
    assert!(page.contains("/users/ada/disable") && page.contains("/users/ada/remove"), "{page}");
    assert!(page.contains("No browser is signed in to this account."));
    assert!(page.contains(r#"value="operator" selected"#), "{page}");
    for (path, form, saved) in [
        ("/users/ada/role", "role=viewer", "role"),
        ("/users/ada/disable", "", "disabled"),
        ("/users/ada/enable", "", "enabled"),
        ("/users/ada/password", "password=another+lamp+here&repeat=another+lamp+here", "password"),
        ("/users/ada/logins/end", "login=all", "ended"),
    ] {
        let answer = site.submit(path, form).await;
        assert_eq!(answer.header("location"), format!("/users/ada?saved={saved}"), "{path}");
        let page = site.see(answer.header("location")).await.body;
        assert!(page.contains(r#"class="notice notice-ok""#), "{path}: {page}");
        let is_disabled = page.contains(r#"<span class="badge tag-bad">disabled</span>"#);
        assert_eq!(is_disabled, saved == "disabled", "{page}");
    }
    assert!(site.submit("/users/ada/remove", "").await.header("location").starts_with(PEOPLE));
    assert_eq!(site.see("/users/ada").await.status, StatusCode::NOT_FOUND);
    let own = site.see("/users/admin").await.body;
    assert!(!own.contains("/users/admin/disable") && !own.contains("/users/admin/remove"), "{own}");
    let last = site.submit("/users/admin/disable", "").await;
    assert!(last.status == StatusCode::CONFLICT && last.body.contains("AUTH-ROLE-002"));
}

#[tokio::test]
async fn a_form_of_accounts_asks_for_the_password_first_and_htmx_is_led_on() {
    let (site, _ada) = with_ada(Role::Viewer).await;
    let send = async |path: &str, form: &str| {
        let request = own_form(path).header("hx-request", "true").header("cookie", &site.cookie);
        site.send(request.body(form.to_owned().into()).unwrap()).await
    };
    let led = send("/users/ada/role", "role=operator").await;
    assert_eq!((led.status.as_u16(), led.header("hx-redirect")), (204, "/users/ada?saved=role"));
    site.web.clock.advance(Duration::from_secs(301));
    for (path, form) in [
        ("/users", "name=eve&role=viewer&password=a+lamp+in+every+street"),
        ("/users/ada/role", "role=viewer"),
        ("/users/ada/disable", ""),
        ("/users/ada/enable", ""),
        ("/users/ada/password", "password=another+lamp+here"),
        ("/users/ada/logins/end", "login=all"),
        ("/users/ada/remove", ""),
        ("/account/password", "password=another+lamp+here"),
    ] {
        let refused = send(path, form).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(refused.body.contains("AUTH-LOGIN-005"), "{path}: {}", refused.body);
        assert!(refused.body.contains(r#"name="password""#), "it asks for it in place: {path}");
    }
    assert_eq!(site.see(PEOPLE).await.status, StatusCode::OK, "a look needs no fresh password");
}

#[tokio::test]
async fn a_disabled_user_is_told_no_more_than_a_wrong_password() {
    let (site, ada) = with_ada(Role::Admin).await;
    let form = |password: &str| format!("username=ada&password={}", password.replace(' ', "+"));
    let cookie = site.login(&ada, "one of hers").await;
    let sees = async || {
        let request = ask(Method::GET, "/jobs").header("accept", BROWSER).header("cookie", &cookie);
        site.send(bare(request)).await.status
    };
    assert_eq!(sees().await, StatusCode::OK);
    assert_eq!(site.submit("/users/ada/disable", "").await.status, StatusCode::SEE_OTHER);
    assert_eq!(sees().await, StatusCode::SEE_OTHER, "signed out at once");
    let right = site.submit("/login", &form(PASSWORD)).await;
    let wrong = site.submit("/login", &form("another password")).await;
    // Each is told how many tries are left, which is no word about the password.
    let counted = wrong.body.replace("3 tries left", "4 tries left");
    assert!(wrong.body.contains("Wrong name or password. 3 tries left."), "{}", wrong.body);
    assert_eq!((right.status, &right.body), (wrong.status, &counted));
    assert!(right.body.contains("AUTH-LOGIN-002") && right.headers.get("set-cookie").is_none());
    site.submit("/users/ada/enable", "").await;
    assert_eq!(site.submit("/login", &form(PASSWORD)).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_viewer_sees_and_ends_the_logins_of_their_own_account_alone() {
    let (mut site, ada) = with_ada(Role::Viewer).await;
    let admins = site.cookie.clone();
    site.login(&ada, "at home").await;
    site.cookie = site.login(&ada, "here").await;
    let (theirs, mine) = (1, logins(&site, &ada).await);
    let page = site.see(OWN).await.body;
    assert_eq!(page.matches("this browser").count(), 1, "{page}");
    assert!(
        page.contains("Firefox 140 on Linux") && page.contains("with the role viewer"),
        "{page}"
    );
    assert!(!page.contains(r#"href="/users""#), "no way to the page of admins");
    for path in [PEOPLE, "/users/ada", "/users/admin"] {
        assert_eq!(site.see(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let other = site.submit("/account/logins/end", &format!("login={theirs}")).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND, "the admin's login is not hers");
    for bad in ["login=", "login=-1", "login=x", "nothing=1"] {
        let answer = site.submit("/account/logins/end", bad).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    let ended = site.submit("/account/logins/end", &format!("login={}", mine[1])).await;
    assert_eq!(ended.header("location"), "/account?saved=ended");
    assert_eq!(logins(&site, &ada).await, mine[..1]);
    site.login(&ada, "at home again").await;
    site.submit("/account/logins/end", "login=others").await;
    assert_eq!(logins(&site, &ada).await, mine[..1], "this one stays");
    assert_eq!(site.see(OWN).await.status, StatusCode::OK);
    site.submit("/account/logins/end", &format!("login={}", mine[0])).await;
    assert_eq!(site.see(OWN).await.status, StatusCode::SEE_OTHER, "signed out");
    site.cookie = admins;
    assert_eq!(site.see(OWN).await.status, StatusCode::OK, "nobody else is");
}

#[tokio::test]
async fn a_hostile_user_agent_is_shown_in_a_few_harmless_words() {
    let (site, ada) = with_ada(Role::Viewer).await;
    let evil = format!("<script>alert(1)</script>{}", "x".repeat(4_000));
    let form = format!("username=ada&password={}", PASSWORD.replace(' ', "+"));
    let request = own_form("/login").header("accept", BROWSER).header("user-agent", evil);
    let answer = site.send(request.body(form.into()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let page = site.see("/users/ada").await.body;
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert(1)"), "{page}");
    let login = &site.web.store.logins(ada.id, START).await.unwrap()[0];
    assert_eq!(login.browser.len(), 40);
}

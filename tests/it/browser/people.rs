//! The pages of accounts, of tokens and of the audit log, as people use them, and how they look.

use super::sign_in;
use crate::support::chromium::{Chromium, Page};
use crate::support::server::PASSWORD;
use crate::support::site::Site;
use crate::support::{foreign, store};
use std::path::PathBuf;

/// Widths and colours.
const LOOKS: [(u32, &str); 4] = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")];
/// Ten thousand deeds, four hundred accounts, and twenty more browsers of the admin.
const MUCH: &str = "
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10000)
    INSERT INTO job_audit (at, actor, remote, action, subject, before, after)
    SELECT 1790000000000 + n * 60000, 'person-' || (n % 7) || '@a-long-domain-name.example', '2001:db8::' || n,
      CASE n % 3 WHEN 0 THEN 'set' WHEN 1 THEN 'cancel' ELSE 'bulk retry' END,
      CASE n % 3 WHEN 0 THEN 'agent.budget_day_usd' ELSE 'job ' || n || ' (send_the_invoices_of_the_month)' END,
      CASE n % 3 WHEN 0 THEN '20' END, CASE n % 3 WHEN 0 THEN '25' WHEN 2 THEN '[' || n || ',' || (n * 7919 || ',') || '1234567,' || hex(zeroblob(60)) || ']' END
    FROM n;
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 400)
    INSERT INTO users (username, password_hash, role, created_at, signed_in_at, disabled_at)
    SELECT 'person-' || n || '.of-a-department@a-long-name.example', 'none',
      CASE n % 3 WHEN 0 THEN 'viewer' WHEN 1 THEN 'operator' ELSE 'admin' END, 1790000000000 + n,
      CASE WHEN n % 4 > 0 THEN 1795000000000 + n END, CASE WHEN n % 5 = 0 THEN 1 END
    FROM n;
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20)
    INSERT INTO logins (id_hash, user_id, remote, browser, created_at, used_at)
    SELECT 'hash-' || n, user_id, '2001:db8::' || n, CASE n % 2 WHEN 0 THEN 'Chrome 143 on Windows' ELSE 'Samsung Internet 29 on Android' END,
      created_at - n * 60000, used_at
    FROM logins, n;
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 60)
    INSERT INTO tokens (id, user_id, name, hash, scopes, kinds, queues, created_at, renewed_at, expires_at, used_at)
    SELECT 'aBcD' || (1000 + n), n, 'the-shop-of-a-department-with-a-long-name-' || n, 'hash-' || n,
      'jobs:read,jobs:write,sessions:read,schedules:read,schedules:write,findings:read,logs:read,metrics:read',
      CASE n % 2 WHEN 0 THEN 'send_the_invoices_of_the_month,send_the_reminders_of_the_month' END,
      CASE n % 3 WHEN 0 THEN 'a_queue_with_a_name_of_some_length' END, 1790000000000 + n, 1790000000000 + n,
      CASE WHEN n % 4 > 0 THEN 1790000000000 + n * 500000000 END, CASE WHEN n % 5 > 0 THEN 1795000000000 + n END
    FROM n";

/// Looks at a page in each look; `LAMPLIGHTER_SCREENSHOTS=DIR` keeps the pictures.
fn look(page: &Page, state: &str, name: &str, url: &str) {
    let folder = std::env::var_os("LAMPLIGHTER_SCREENSHOTS").map(PathBuf::from);
    let mut faults = Vec::new();
    for (width, scheme) in LOOKS {
        page.viewport(width, 900);
        page.scheme(scheme);
        page.open(url);
        page.wait(&format!("document.documentElement.dataset.theme == '{scheme}'"));
        page.eval("document.fonts.ready.then(() => 0)");
        let found = page.eval(include_str!("look.js"));
        if found != serde_json::json!([]) {
            faults.push(format!("{state}-{name}-{scheme}-{width}: {found}"));
        }
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder).unwrap();
            page.screenshot(&folder.join(format!("people-{state}-{name}-{scheme}-{width}.png")));
        }
    }
    page.viewport(1280, 900);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_accounts_and_the_audit_log_look_right_with_little_and_with_much() {
    let (folder, store) = store();
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &site.url);
    let at = |path: &str| format!("{}{path}", site.url);
    for (state, user) in [
        ("little", "/users/admin"),
        ("much", "/users/person-5.of-a-department@a-long-name.example"),
    ] {
        for (name, path) in [
            ("users", "/users"),
            ("user", user),
            ("user-admin", "/users/admin"),
            ("tokens", "/tokens"),
            ("account", "/account"),
            ("audit", "/audit"),
            ("audit-nothing", "/audit?who=nobody"),
        ] {
            look(&page, state, name, &at(path));
        }
        if state == "little" {
            foreign(folder.path()).execute_batch(MUCH).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_adds_a_user_after_the_password_and_ends_the_login_of_another_browser() {
    let (folder, store) = store();
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let (page, other) = (chromium.page(), chromium.page());
    sign_in(&page, &site.url);
    sign_in(&other, &site.url);
    // A browser that was left open for ten minutes.
    foreign(folder.path())
        .execute("UPDATE logins SET created_at = created_at - 600000", [])
        .unwrap();
    page.open(&format!("{}/users", site.url));
    page.fill("#user-name", "ada");
    page.fill("#user-password", "a lamp in every street");
    page.fill("#user-repeat", "a lamp in every street");
    page.click("form[action='/users'] button");
    page.wait_text("[role=alert]", "AUTH-LOGIN-005");
    page.fill("form.proof input[name=password]", PASSWORD);
    page.click("form.proof button");
    page.wait_text("[role=status]", "counts for five minutes");
    page.click("form[action='/users'] button");
    page.wait("location.pathname == '/users/ada' && document.readyState == 'complete'");
    page.wait_text("[role=status]", "The user is added and can sign in.");
    let said = page.complaints();
    assert!(!said.is_empty() && said.iter().all(|said| said.contains("401")), "{said:?}");
    page.open(&format!("{}/account", site.url));
    assert_eq!(page.eval("document.querySelectorAll('#logins tbody tr').length"), 2);
    page.click("#end-logins summary");
    page.click("#end-logins form button");
    page.wait("location.search == '?saved=ended' && document.readyState == 'complete'");
    assert_eq!(page.eval("document.querySelectorAll('#logins tbody tr').length"), 1);
    page.wait_text("#logins", "Headless Chrome");
    other.open(&format!("{}/jobs", site.url));
    other.wait("location.pathname == '/login'");
    let said = other.complaints();
    assert!(said.iter().all(|said| said.contains("401")), "its parts asked in vain: {said:?}");
    page.click("#logins tbody button");
    page.wait("location.pathname == '/login'");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_made_after_the_password_and_its_text_is_gone_with_the_page() {
    let (folder, store) = store();
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &site.url);
    // A browser that was left open for ten minutes.
    foreign(folder.path())
        .execute("UPDATE logins SET created_at = created_at - 600000", [])
        .unwrap();
    page.open(&format!("{}/tokens", site.url));
    page.wait_text("#tokens", "There is no token.");
    page.fill("#token-name", "shop");
    page.fill("#token-scopes", "jobs:read, jobs:write");
    page.click("form[action='/tokens'] button");
    page.wait_text("[role=alert]", "AUTH-LOGIN-005");
    page.fill("form.proof input[name=password]", PASSWORD);
    page.click("form.proof button");
    page.wait_text("[role=status]", "counts for five minutes");
    page.click("form[action='/tokens'] button");
    page.wait_text("#token-text", "lmp_");
    page.wait_text("#tokens", "jobs:read, jobs:write");
    let text = page.eval("document.querySelector('#token-text').textContent");
    let text = text.as_str().unwrap().to_owned();
    // It can be copied, and another one takes more than a second click.
    assert_eq!(page.eval("!!document.querySelector('[data-copy=token-text]')"), true);
    page.wait("document.querySelector('#token-name').value === ''");
    page.viewport(768, 900);
    let inside = "[...document.querySelectorAll('#tokens .confirm')].every(part => part.getBoundingClientRect().right <= document.querySelector('#tokens').getBoundingClientRect().right)";
    assert_eq!(page.eval(inside), true);
    page.click("#tokens details summary");
    page.click("#tokens details form button");
    page.wait(&format!(
        "document.querySelector('#token-text') && document.querySelector('#token-text').textContent != '{text}'"
    ));
    page.open(&format!("{}/tokens", site.url));
    page.wait_text("#tokens", &text[4..12]);
    assert_eq!(page.eval("document.body.textContent.includes('lmp_')"), false);
    let said = page.complaints();
    assert!(!said.is_empty() && said.iter().all(|said| said.contains("401")), "{said:?}");
}

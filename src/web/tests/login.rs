//! Tests of signing in and out, and of the one-time link.

use super::super::nav::Tab;
use super::super::self_monitoring::status;
use super::super::{SETUP_CODE_LIFE, new_setup_code};
use super::*;
use crate::actions::people::Password;
use std::time::Duration;

const HOME: &str = Tab::HOME.path();

const MINUTE: Duration = Duration::from_mins(1);
const RIGHT: &str = "username=admin&password=a+lamp+in+every+street";
const WRONG: &str = "username=admin&password=a+lamp+in+any+street";
const UNKNOWN: &str = "username=nobody&password=a+lamp+in+every+street";

async fn site() -> Site {
    Site::with_admin(&Password::read(PASSWORD, None).unwrap().hash().unwrap()).await
}

async fn setup_link(site: &Site) -> String {
    let made = new_setup_code().unwrap();
    let now = site.web.clock.now();
    assert!(site.web.store.set_setup_code(made.hash, SETUP_CODE_LIFE, now).await.unwrap());
    format!("/setup/{}", made.code)
}

fn set_cookie(answer: &Answer) -> String {
    let value = answer.header("set-cookie");
    value.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_right_password_signs_in_with_a_new_cookie_and_leads_back() {
    let mut site = site().await;
    let first = site.submit("/login", &format!("{RIGHT}&next=%2Fjobs%3Fbefore%3D9")).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    assert_eq!(first.header("location"), "/jobs?before=9");
    let cookie = first.header("set-cookie").to_owned();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    let id = set_cookie(&first);
    assert_eq!(id.len(), "lamplighter=".len() + 43, "256 bits");
    let second = site.submit("/login", RIGHT).await;
    assert_eq!(second.header("location"), HOME);
    assert_ne!(set_cookie(&second), id, "new at every sign-in");
    site.cookie = id;
    assert_eq!(site.see("/jobs").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_sign_in_never_leads_to_another_site() {
    let site = site().await;
    for next in ["%2F%2Fevil.example", "https%3A%2F%2Fevil.example", "%2F%5Cevil.example"] {
        let answer = site.submit("/login", &format!("{RIGHT}&next={next}")).await;
        assert_eq!(answer.header("location"), HOME, "{next}");
        let form = site.see(&format!("/login?next={next}")).await;
        assert!(!form.body.contains("evil"), "{next}");
    }
    assert!(site.see("/login?next=%2Fjobs").await.body.contains(r#"name="next" value="/jobs""#));
}

#[tokio::test]
async fn an_unknown_account_and_a_wrong_password_get_the_same_answer() {
    let site = site().await;
    let mut wrong = site.submit("/login", WRONG).await;
    let mut unknown = site.submit("/login", UNKNOWN).await;
    assert_ne!(wrong.headers.remove("x-request-id"), unknown.headers.remove("x-request-id"));
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.body.contains("AUTH-LOGIN-002"));
    assert_eq!((wrong.status, wrong.body), (unknown.status, unknown.body));
    assert_eq!(wrong.headers, unknown.headers);
    let program = own_form("/login").body(WRONG.into()).unwrap();
    assert_eq!(site.send(program).await.json()["code"], "AUTH-LOGIN-002");
}

#[tokio::test]
async fn the_sixth_failure_has_to_wait_and_then_the_right_password_signs_in() {
    let site = site().await;
    for _ in 0..5 {
        assert_eq!(site.submit("/login", WRONG).await.status, StatusCode::UNAUTHORIZED);
    }
    let refused = site.submit("/login", RIGHT).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "15");
    assert!(refused.body.contains("AUTH-LOGIN-003") && refused.body.contains("15 seconds"));
    let program = own_form("/login").body(RIGHT.into()).unwrap();
    let refused = site.send(program).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "15"));
    site.web.clock.advance(Duration::from_secs(15));
    assert_eq!(site.submit("/login", RIGHT).await.status, StatusCode::SEE_OTHER);
    for _ in 0..5 {
        assert_eq!(site.submit("/login", WRONG).await.status, StatusCode::UNAUTHORIZED, "forgiven");
    }
}

#[tokio::test]
async fn forms_that_cannot_be_read_are_refused() {
    let site = site().await;
    let send = async |media_type: &str, body: String| {
        let request = ask(Method::POST, "/login").header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", media_type).body(body.into()).unwrap();
        let answer = site.send(request).await;
        let code = if answer.status == 413 { "JOB-SIZE-001" } else { "WEB-INPUT-001" };
        assert_eq!(answer.json()["code"], code);
        answer.status.as_u16()
    };
    let form = "application/x-www-form-urlencoded";
    assert_eq!(send(form, "username=admin".into()).await, 400);
    assert_eq!(send(form, String::new()).await, 400);
    assert_eq!(send("application/json", RIGHT.into()).await, 415);
    assert_eq!(send(form, "x".repeat(64 * 1024 + 1)).await, 413);
}

#[tokio::test]
async fn a_login_ends_after_half_an_hour_without_use_and_polls_are_no_use() {
    let site = site().await;
    for _ in 0..3 {
        site.web.clock.advance(29 * MINUTE);
        assert_eq!(site.see("/jobs").await.status, StatusCode::OK);
    }
    site.web.clock.advance(20 * MINUTE);
    assert_eq!(site.see(status::PATH).await.status, StatusCode::OK);
    site.web.clock.advance(10 * MINUTE);
    assert_eq!(site.see(status::PATH).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.see("/jobs").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_login_ends_after_twelve_hours_however_much_it_is_used() {
    let site = site().await;
    for _ in 0..(12 * 60 - 1) / 20 {
        site.web.clock.advance(20 * MINUTE);
        assert_eq!(site.see("/jobs").await.status, StatusCode::OK);
    }
    site.web.clock.advance(20 * MINUTE);
    assert_eq!(site.see("/jobs").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn signing_out_ends_this_login_and_no_other() {
    let mut site = site().await;
    let other = set_cookie(&site.submit("/login", RIGHT).await);
    let answer = site.submit("/logout", "").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/login"));
    assert!(answer.header("set-cookie").starts_with("lamplighter=; "));
    assert!(answer.header("set-cookie").ends_with("; Max-Age=0"));
    assert_eq!(site.see("/jobs").await.status, StatusCode::SEE_OTHER);
    site.cookie = other;
    assert_eq!(site.see("/jobs").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_cookie_is_secure_behind_an_https_proxy_only() {
    let site = site().await;
    for (peer, proto, https) in [
        ("192.0.2.1:1", "https", true),
        ("192.0.2.1:1", "https, http", true),
        ("192.0.2.1:1", "http, https", false),
        ("127.0.0.1:1", "https", false),
    ] {
        let request = own_form("/login").header("x-forwarded-proto", proto);
        let peer: SocketAddr = peer.parse().unwrap();
        let request = request.extension(ConnectInfo(peer)).body(RIGHT.into()).unwrap();
        let answer = site.send(request).await;
        let cookie = answer.header("set-cookie");
        assert_eq!(cookie.contains("; Secure"), https, "{peer} {proto}");
        assert_eq!(cookie.starts_with("__Host-lamplighter="), https, "{cookie}");
        let year = if https { "max-age=31536000" } else { "" };
        assert_eq!(answer.header("strict-transport-security"), year, "{peer} {proto}");
        if https {
            // A program on another port can set the cookie without the prefix, and is not heard.
            for (cookie, status) in [(cookie, 200), (&cookie["__Host-".len()..], 303)] {
                let request = ask(Method::GET, "/jobs").header("accept", BROWSER);
                let request = request.header("x-forwarded-proto", proto).header("cookie", cookie);
                let request = request.extension(ConnectInfo(peer));
                assert_eq!(site.send(bare(request)).await.status, status, "{cookie}");
            }
        }
    }
}

/// One sign-in from an address, with the cookies of a browser.
async fn from(site: &Site, address: [u8; 4], cookie: &str, form: &str) -> Answer {
    // The proxy of the tests says whose request it is.
    let address = std::net::IpAddr::from(address).to_string();
    let proxy: SocketAddr = "192.0.2.1:1".parse().unwrap();
    let request = own_form("/login").header("accept", BROWSER).header("cookie", cookie);
    let request = request.header("x-forwarded-for", address).extension(ConnectInfo(proxy));
    site.send(request.body(form.to_owned().into()).unwrap()).await
}

#[tokio::test]
async fn nobody_who_guesses_keeps_the_owner_out() {
    let site = site().await;
    let first = from(&site, [203, 0, 113, 1], "", RIGHT).await;
    let mark = first.headers.get_all("set-cookie").iter().nth(1).unwrap().to_str().unwrap();
    assert!(mark.contains("; Path=/login; HttpOnly; SameSite=Lax; Max-Age=34560000"), "{mark}");
    let mark = mark.split(';').next().unwrap();
    // One address after another guesses, and together they use up what all may.
    for n in 1..60 {
        assert_eq!(from(&site, [203, 0, 113, n], "", WRONG).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(from(&site, [203, 0, 113, 99], "", RIGHT).await.status, 429);
    let known = from(&site, [203, 0, 113, 1], mark, RIGHT).await;
    assert_eq!(known.status, StatusCode::SEE_OTHER);
    assert_eq!(known.headers.get_all("set-cookie").iter().count(), 1, "it keeps its mark");
    // A mark of another account, or one that was made up, is worth nothing.
    let (random, _) = mark.split_once('.').unwrap();
    for made_up in [random, &format!("{random}."), &format!("{mark}0"), "lamplighter-known=x.y"] {
        assert_eq!(from(&site, [203, 0, 113, 99], made_up, RIGHT).await.status, 429, "{made_up}");
    }
}

#[tokio::test]
async fn a_new_password_lets_its_owner_in_at_once_and_ends_every_mark() {
    let site = site().await;
    let first = from(&site, [203, 0, 113, 1], "", RIGHT).await;
    let mark = first.headers.get_all("set-cookie").iter().nth(1).unwrap().to_str().unwrap();
    let mark = mark.split(';').next().unwrap().to_owned();
    for _ in 0..5 {
        from(&site, [203, 0, 113, 2], "", WRONG).await;
    }
    assert_eq!(from(&site, [203, 0, 113, 2], "", RIGHT).await.status, 429);
    let new = Password::read("a lamp in any street", None).unwrap().hash().unwrap();
    let now = site.web.clock.now();
    site.web.store.set_password("admin".into(), new, Actor::cli(), now).await.unwrap();
    // What was wrong is right now.
    let answer = from(&site, [203, 0, 113, 2], &mark, WRONG).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2, "it gets a new mark");
}

#[tokio::test]
async fn with_a_proxy_named_nobody_else_is_served_but_this_machine() {
    let site = site().await;
    for (peer, status) in
        [("192.0.2.1:1", 200), ("127.0.0.1:1", 200), ("[::1]:1", 200), ("192.0.2.7:1", 403)]
    {
        for path in ["/login", "/healthz"] {
            let peer: SocketAddr = peer.parse().unwrap();
            let answer = site.send(bare(ask(Method::GET, path).extension(ConnectInfo(peer)))).await;
            assert_eq!(answer.status, status, "{peer} {path}");
            if status == 403 {
                answer.assert_code(&Method::GET, "WEB-PEER-001");
            }
        }
    }
}

#[tokio::test]
async fn the_set_up_link_makes_the_admin_once() {
    let mut site = Site::empty();
    let link = setup_link(&site).await;
    for _ in 0..2 {
        let form = site.see(&link).await;
        assert_eq!(form.status, StatusCode::OK, "looking uses nothing up");
        assert!(form.body.contains(r#"name="password""#));
    }
    let done =
        site.submit(&link, "password=a+lamp+in+every+street&repeat=a+lamp+in+every+street").await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, "/"));
    site.cookie = set_cookie(&done);
    assert_eq!(site.see("/jobs").await.status, StatusCode::OK, "signed in");
    assert_eq!(site.submit("/login", RIGHT).await.status, StatusCode::SEE_OTHER);
    let again = site.submit(&link, "password=another+lamp+please").await;
    assert_eq!(again.status, StatusCode::GONE);
    assert!(again.body.contains("AUTH-SETUP-001"));
    assert_eq!(site.see(&link).await.status, StatusCode::GONE);
    assert_eq!(site.submit("/login", RIGHT).await.status, StatusCode::SEE_OTHER, "unchanged");
}

#[tokio::test]
async fn a_set_up_link_ends_after_a_quarter_hour_or_with_the_next_one() {
    let site = Site::empty();
    let old = setup_link(&site).await;
    let link = setup_link(&site).await;
    assert_eq!(site.see(&old).await.status, StatusCode::GONE);
    site.web.clock.advance(Duration::from_millis(SETUP_CODE_LIFE.as_millis() as u64 - 1));
    assert_eq!(site.see(&link).await.status, StatusCode::OK);
    site.web.clock.advance(Duration::from_millis(1));
    assert_eq!(site.see(&link).await.status, StatusCode::GONE);
    assert_eq!(
        site.submit(&link, "password=a+lamp+in+every+street").await.status,
        StatusCode::GONE
    );
    assert!(!site.web.store.has_admin().await.unwrap());
}

#[tokio::test]
async fn a_bad_password_leaves_the_set_up_link_usable() {
    let site = Site::empty();
    let link = setup_link(&site).await;
    for bad in
        ["password=short", "password=password1234", "password=a+lamp+in+every+street&repeat=other"]
    {
        let answer = site.submit(&link, bad).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
        assert!(answer.body.contains("AUTH-SETUP-002") && answer.body.contains("<form"), "{bad}");
    }
    assert_eq!(site.submit(&link, "").await.status, StatusCode::BAD_REQUEST);
    assert!(!site.web.store.has_admin().await.unwrap());
    let program = own_form(&link).body("password=a+lamp+in+every+street".into()).unwrap();
    assert_eq!(site.send(program).await.status, StatusCode::SEE_OTHER);
}

const FULL: &str = "prompt=look&profile=full&confirm=full";

/// A cookie that was stolen or a browser that was left open is not enough for what hands out power.
#[tokio::test]
async fn what_hands_out_power_asks_for_the_password_again_and_a_cookie_alone_is_not_enough() {
    let mut site = site().await;
    site.web.clock.advance(6 * MINUTE);
    for (path, form) in [
        ("/sessions/trigger", FULL),
        ("/admin/self-monitoring/prompt", "text=Look+at+{{x}}."),
        ("/settings/agent.budget_day_usd", "value=1000"),
        ("/settings/tracker.approval", "value=always"),
    ] {
        let refused = site.submit(path, form).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path}: {}", refused.body);
        assert!(refused.body.contains("AUTH-LOGIN-005"), "{path}");
        assert!(refused.body.contains(r#"action="/password""#), "{path} asks for it");
        let part = own_form(path).header("hx-request", "true").header("cookie", &site.cookie);
        let part = site.send(part.body(form.to_owned().into()).unwrap()).await;
        assert!(part.body.contains(r#"hx-post="/password""#), "{path}: {}", part.body);
    }
    assert_eq!(
        site.submit("/settings/retention.jobs_days", "value=20").await.status,
        303,
        "no power"
    );
    assert_eq!(site.submit("/password", "password=wrong").await.status, StatusCode::UNAUTHORIZED);
    let stolen = site.cookie.clone();
    let proven = site.submit("/password", "password=a+lamp+in+every+street").await;
    assert_eq!(proven.status, StatusCode::SEE_OTHER);
    assert_eq!(site.see("/jobs").await.status, StatusCode::SEE_OTHER, "the old login is over");
    site.cookie = set_cookie(&proven);
    assert_ne!(site.cookie, stolen);
    let part = own_form("/password").header("hx-request", "true").header("cookie", &site.cookie);
    let part = site.send(part.body("password=a+lamp+in+every+street".into()).unwrap()).await;
    assert!(part.body.contains("counts for five minutes"), "{}", part.body);
    site.cookie = set_cookie(&part);
    let changed = site.submit("/settings/agent.budget_day_usd", "value=1000").await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.body);
}

/// The account's failures by the second question count as those of the sign-in.
#[tokio::test]
async fn the_second_question_is_throttled_like_the_first() {
    let site = site().await;
    for _ in 0..5 {
        assert_eq!(site.submit("/password", "password=wrong").await.status, 401);
    }
    assert_eq!(site.submit("/password", "password=a+lamp+in+every+street").await.status, 429);
}

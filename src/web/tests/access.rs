//! Tests of who is let in.

use super::super::app::{App, Shared};
use super::super::caller::{Caller, CallersLogin, Signed};
use super::super::choices::Choices;
use super::super::counts::NavCounts;
use super::super::face::Face;
use super::super::host::Person;
use super::super::route::{Gate, Route};
use super::super::routes::{needing, routes};
use super::super::self_monitoring::{configuration, prompt, refile, status};
use super::super::{nav, own, person, tokens, views};
use super::*;
use crate::actions::Right;
use crate::model::Role;
use axum::extract::Extension;

/// The routes that only admins may use.
const ADMINS: &[(&str, &str)] = &[
    ("POST", super::super::job::DELETE_PATH),
    ("POST", super::super::trigger::PATH),
    ("POST", configuration::CHANGE_PATH),
    ("POST", prompt::CHANGE_PATH),
    ("POST", super::super::repositories::PATH),
    ("POST", super::super::repositories::REMOVE_PATH),
    ("POST", super::super::settings::STOP_PATH),
    ("POST", super::super::settings::RESUME_PATH),
    ("POST", super::super::settings::groups::SET_PATH),
    ("POST", super::super::settings::groups::GROUP_PATH),
    ("POST", refile::PATH),
    ("POST", refile::LEAVE_PATH),
    ("POST", super::super::approvals::APPROVE_PATH),
    ("POST", super::super::approvals::REJECT_PATH),
    ("POST", super::super::approvals::EDIT_PATH),
    ("POST", super::super::approvals::UNDO_PATH),
    ("POST", super::super::approvals::DECIDE_PATH),
    ("GET", nav::PEOPLE),
    ("POST", nav::PEOPLE),
    ("GET", person::PATH),
    ("POST", person::ROLE_PATH),
    ("POST", person::PASSWORD_PATH),
    ("POST", person::DISABLE_PATH),
    ("POST", person::ENABLE_PATH),
    ("POST", person::REMOVE_PATH),
    ("POST", person::END_PATH),
];

/// The routes by which people change what is their own.
const OWN: [&str; 9] = [
    nav::LOGOUT,
    nav::PASSWORD,
    own::END_PATH,
    own::PASSWORD_PATH,
    nav::TOKENS,
    tokens::ROTATE_PATH,
    tokens::REVOKE_PATH,
    views::PATH,
    views::REMOVE_PATH,
];

fn private_routes() -> impl Iterator<Item = Route> {
    let by_login = |route: &Route| match route.gate {
        Gate::Private | Gate::Polled | Gate::Needs(_) => true,
        Gate::Public | Gate::ByToken => false,
    };
    routes(true, true).into_iter().filter(by_login)
}

#[tokio::test]
async fn every_private_route_asks_a_browser_to_sign_in() {
    let site = Site::empty();
    for Route { method, path, .. } in private_routes() {
        let path = &filled(path);
        let request = ask(method.clone(), path).header("accept", BROWSER);
        let answer = site.send(bare(request.header("sec-fetch-site", "same-origin"))).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{method} {path}");
        let location = answer.header("location");
        if method == Method::GET {
            let next = path.replace('/', "%2F");
            assert_eq!(location, format!("/login?next={next}"));
        } else {
            assert_eq!(location, "/login");
        }
        assert_eq!(answer.body, "", "nothing of the page");
    }
}

#[tokio::test]
async fn every_private_route_answers_401_to_programs_and_htmx_whatever_the_method() {
    let site = Site::empty();
    for Route { path, .. } in private_routes() {
        let path = &filled(path);
        for method in METHODS {
            let request = || ask(method.clone(), path).header("sec-fetch-site", "same-origin");
            let answer = site.send(bare(request())).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            answer.assert_code(&method, "AUTH-LOGIN-001");
            let with_wrong_cookie = request().header("cookie", "lamplighter=guessed");
            let answer = site.send(bare(with_wrong_cookie)).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
            let answer = site.send(bare(request().header("hx-request", "true"))).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_eq!(answer.header("hx-redirect"), "/login");
            let shown = request().header("hx-request", "true");
            let shown = shown.header("hx-current-url", "https://lamp.example/jobs?q=x");
            let answer = site.send(bare(shown)).await;
            assert_eq!(answer.header("hx-redirect"), "/login?next=%2Fjobs%3Fq%3Dx");
        }
    }
}

#[tokio::test]
async fn odd_spellings_of_a_path_meet_the_login_check_too() {
    let site = Site::signed_in().await;
    let odd = [
        "//jobs",
        "/JOBS",
        "/jobs/",
        "/%6aobs",
        "/jobs%2f",
        "/./jobs",
        "/%2e/jobs",
        "/login/../jobs",
        "/login/",
        "/LOGIN",
        "//login",
        "/login/x",
        "/login%2f",
        "/healthz/",
        "/healthz/../jobs",
        "/assets/",
        "/assets/../jobs",
        "/assets/lamp/lighter.css",
        "/setup",
        "/setup/",
        "/setup/a/b",
        "/admin",
        "/admin/self-monitoring/",
        "/Admin/Self-Monitoring",
        "/jobs;x=1",
        "/no-such-page",
    ];
    for path in odd {
        for method in METHODS {
            let request = || ask(method.clone(), path).header("sec-fetch-site", "same-origin");
            let answer = site.send(bare(request())).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
            let answer = site.send(bare(request().header("cookie", &site.cookie))).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
        }
    }
    let override_header = ask(Method::GET, status::RUN_NOW_PATH)
        .header("x-http-method-override", "POST")
        .header("cookie", &site.cookie);
    let answer = site.send(bare(override_header)).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("allow"), "POST");
}

#[tokio::test]
async fn public_routes_are_these_and_answer_without_a_login() {
    let site = Site::empty();
    let mut public = Vec::new();
    for Route { method, path, gate, .. } in routes(true, true) {
        if matches!(gate, Gate::Public) {
            let answer = site.send(bare(own_form(&filled(path)).method(method.clone()))).await;
            public.push((method.to_string(), path, answer.status.as_u16()));
        }
    }
    let expected = [
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/assets/{file}", 404),
        ("GET", "/login", 200),
        ("POST", "/login", 400),
        ("GET", "/setup/{code}", 410),
        ("POST", "/setup/{code}", 410),
    ];
    let expected = expected.map(|(method, path, status)| (method.to_owned(), path, status));
    assert_eq!(public, expected);
}

#[tokio::test]
async fn a_viewer_sees_but_does_not_run() {
    let site = Site::signed_in().await;
    for (role, expected) in [
        (Role::Viewer, StatusCode::FORBIDDEN),
        (Role::Operator, StatusCode::OK),
        (Role::Admin, StatusCode::OK),
    ] {
        for Route { method, path, gate, handler, .. } in private_routes() {
            let right = match gate {
                Gate::Needs(right) => Some(right),
                Gate::Private | Gate::Polled | Gate::Public | Gate::ByToken => None,
            };
            let least = right.map_or(Role::Viewer, |right| right.least);
            let status = as_role(&site, role, (method.clone(), path, right, handler)).await;
            let role_name = role.as_str();
            if path == status::RUN_NOW_PATH {
                assert_eq!(status, expected, "{role_name}");
            }
            let refused = status == StatusCode::FORBIDDEN;
            assert_eq!(refused, role < least, "{method} {path} {role_name}");
            // This holds whatever the row of the route says: a viewer changes nothing but what is their own, and only the
            // routes of `ADMINS` need an admin.
            let admins = ADMINS.contains(&(method.as_str(), path));
            let looks = [Method::GET, Method::HEAD].contains(&method) || OWN.contains(&path);
            assert_eq!(least == Role::Viewer, looks && !admins, "{method} {path}");
            assert_eq!(least == Role::Admin, admins, "{method} {path}");
        }
    }
    assert_eq!(site.web.store.scan_now().await.unwrap().waiting, 4);
}

/// Sends a request of an account of this role to one route of the table, past the login check.
async fn as_role(
    site: &Site,
    role: Role,
    (method, path, right, handler): (Method, &str, Option<Right>, axum::routing::MethodRouter<App>),
) -> StatusCode {
    let caller = Caller {
        remote: [127, 0, 0, 1].into(),
        https: false,
        face: Face::Json,
        browser: "curl".into(),
        correlation_id: "request-1".into(),
        choices: Choices::default(),
    };
    let who = Signed {
        person: Person { name: "somebody".into(), role },
        login: Some(CallersLogin { id: 1, hash: "none".into(), began_at: START }),
        caller: caller.clone(),
        counts: NavCounts::default(),
    };
    let app: App = std::sync::Arc::new(Shared::new(site.web.clone(), Access::accounts()));
    let router = Router::new()
        .route(path, right.map_or(handler.clone(), |right| needing(right, handler)))
        .layer(Extension(who))
        .layer(Extension(caller))
        .with_state(app);
    router.oneshot(bare(ask(method, &filled(path)))).await.unwrap().status()
}

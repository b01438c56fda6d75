//! Tests of what programs ask for with a token, and of what one may do.

use super::super::nav::TOKENS;
use super::super::route::Gate;
use super::super::routes::routes;
use super::*;
use crate::actions::Call;
use crate::actions::people::Password;
use crate::actions::tokens::{self, TokenAdd};
use crate::model::{DeedFilter, Role, Username};
use serde_json::{Value, json};
use std::time::Duration;

const ME: &str = "/api/v1/me";
pub(super) const JOBS: &str = "/api/v1/jobs";

/// A site with an admin who is signed in, and the account `ada` of this role.
pub(super) async fn with_ada(role: Role) -> Site {
    let site = Site::signed_in().await;
    let ada = Username::parse("ada").unwrap();
    site.web.store.add_account(ada, role, "no hash".into(), Actor::cli(), START).await.unwrap();
    site
}

/// Makes a token of ada's with this power, and answers its text.
pub(super) async fn token(
    site: &Site,
    scopes: &str,
    kinds: Option<&str>,
    queues: Option<&str>,
) -> String {
    let now = site.web.clock.now();
    let request = TokenAdd {
        name: format!("shop-{}", site.web.store.tokens(None).await.unwrap().len()),
        owner: Some("ada".into()),
        power: tokens::parse_power(scopes, None, kinds, queues).unwrap(),
        life: tokens::parse_life(None, false).unwrap(),
    };
    let made = tokens::create(&site.web.store, &Call::by_owner(now), request).await.unwrap();
    made.value.token.as_str().to_owned()
}

/// A request of a program with this token.
pub(super) fn with(method: Method, path: &str, token: &str) -> Builder {
    ask(method, path).header("authorization", format!("Bearer {token}"))
}

pub(super) async fn me(site: &Site, token: &str) -> Answer {
    site.send(bare(with(Method::GET, ME, token))).await
}

pub(super) async fn enqueue(site: &Site, token: &str, body: &Value) -> Answer {
    let request = with(Method::POST, JOBS, token).header("content-type", "application/json");
    site.send(request.body(body.to_string().into()).unwrap()).await
}

/// Asserts that the answer is a problem for programs.
pub(super) fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.json()["code"], code, "{}", answer.body);
    let challenge = if status == 401 { "Bearer" } else { "" };
    assert_eq!(answer.header("www-authenticate"), challenge);
}

#[tokio::test]
async fn a_program_queues_a_job_and_looks_at_it_with_a_token_alone() {
    let site = with_ada(Role::Operator).await;
    let token = token(&site, "jobs:read,jobs:write", None, None).await;
    // No Sec-Fetch-Site and no Origin: curl sends none, and no cookie is looked at that another site could have sent.
    let body = json!({"kind": "report", "payload": {"n": 1}, "queue": "slow", "priority": -5, "delay_s": 60, "tags": ["a"]});
    let made = enqueue(&site, &token, &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let id = made.json()["id"].as_i64().unwrap();
    assert_eq!(made.header("location"), format!("{JOBS}/{id}"));
    let job = site.send(bare(with(Method::GET, made.header("location"), &token))).await;
    assert_eq!(job.status, StatusCode::OK);
    let job = job.json();
    assert_eq!(
        (&job["kind"], &job["queue"], &job["payload"]),
        (&json!("report"), &json!("slow"), &json!({"n": 1}))
    );
    let keyed = json!({"kind": "report", "unique_key": "one"});
    assert_eq!(enqueue(&site, &token, &keyed).await.status, StatusCode::CREATED);
    let again = enqueue(&site, &token, &keyed).await;
    assert_eq!((again.status, &again.json()["existing"]), (StatusCode::OK, &json!(true)));
    let known = me(&site, &token).await.json();
    let expected = json!({
        "id": &token[4..12], "name": "shop-0", "owner": "ada", "role": "operator", "scopes": ["jobs:read", "jobs:write"],
        "kinds": null, "queues": null, "expires_at": START.plus(Duration::from_hours(90 * 24)).to_string(),
    });
    assert_eq!(known, expected);
}

#[tokio::test]
async fn no_token_and_one_that_does_not_count_are_refused_alike() {
    let site = with_ada(Role::Operator).await;
    let good = token(&site, "jobs:read", None, None).await;
    assert_problem(&site.send(bare(ask(Method::GET, ME))).await, 401, "AUTH-TOKEN-001");
    for text in ["Basic YWRhOmFkYQ==", good.as_str(), "Bearer"] {
        let answer = site.send(bare(ask(Method::GET, ME).header("authorization", text))).await;
        assert_problem(&answer, 401, "AUTH-TOKEN-001");
    }
    let unknown = crate::model::TokenText::made_of(&[7; 40]);
    for text in ["", "guess", &good[..61], unknown.as_str()] {
        assert_problem(&me(&site, text).await, 401, "AUTH-TOKEN-001");
    }
    // A browser that somebody leads here is no program, and is not led to the sign-in.
    let browser = ask(Method::GET, ME).header("accept", BROWSER).header("cookie", &site.cookie);
    assert_problem(&site.send(bare(browser)).await, 401, "AUTH-TOKEN-001");
    tokens::revoke(&site.web.store, &Call::by_owner(START), &good[4..12]).await.unwrap();
    assert_problem(&me(&site, &good).await, 401, "AUTH-TOKEN-001");
}

#[tokio::test]
async fn every_route_for_programs_asks_for_a_token_and_takes_no_cookie() {
    let site = Site::signed_in().await;
    let routes = routes(true, true).into_iter();
    let paths: Vec<_> =
        routes.filter(|r| matches!(r.gate, Gate::ByToken)).map(|r| r.path).collect();
    assert_eq!(paths, ["/v1/logs", ME, JOBS, "/api/v1/jobs/{id}"]);
    for path in paths.into_iter().chain(["/api/v1/nothing", "/api/x"]) {
        for method in [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS] {
            let request = ask(method.clone(), &filled(path)).header("cookie", &site.cookie);
            let answer = site.send(bare(request.header("sec-fetch-site", "same-origin"))).await;
            assert_problem(&answer, 401, "AUTH-TOKEN-001");
        }
    }
}

#[tokio::test]
async fn a_token_opens_no_page_and_knows_the_addresses_for_programs() {
    let site = with_ada(Role::Viewer).await;
    let token = token(&site, "jobs:read", None, None).await;
    for path in ["/jobs", "/tokens", "/account", "/no-such-page"] {
        let answer = site.send(bare(with(Method::GET, path, &token))).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["code"]),
            (401, &json!("AUTH-LOGIN-001"))
        );
    }
    let posted = with(Method::POST, TOKENS, &token).header("sec-fetch-site", "same-origin");
    assert_eq!(site.send(bare(posted)).await.status, StatusCode::UNAUTHORIZED);
    let missing = site.send(bare(with(Method::GET, "/api/v1/nothing", &token))).await;
    assert_problem(&missing, 404, "WEB-PAGE-002");
    let wrong = site.send(bare(with(Method::DELETE, JOBS, &token))).await;
    assert_eq!((wrong.status.as_u16(), wrong.header("allow")), (405, "POST"));
    let elsewhere = with(Method::GET, ME, &token).uri("http://evil.example/api/v1/me");
    assert_eq!(site.send(bare(elsewhere)).await.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn a_scope_that_is_missing_is_named() {
    let site = with_ada(Role::Admin).await;
    let reads = token(&site, "jobs:read", None, None).await;
    let refused = enqueue(&site, &reads, &json!({"kind": "report"})).await;
    assert_problem(&refused, 403, "AUTH-TOKEN-002");
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains("Could not queue a job: the token lacks the scope jobs:write."),
        "{detail}"
    );
    let writes = token(&site, "jobs:write", None, None).await;
    let id = enqueue(&site, &writes, &json!({"kind": "report"})).await.json()["id"].clone();
    let looked = site.send(bare(with(Method::GET, &format!("{JOBS}/{id}"), &writes))).await;
    assert_problem(&looked, 403, "AUTH-TOKEN-002");
    assert!(looked.body.contains("jobs:read"), "{}", looked.body);
    let session =
        enqueue(&site, &writes, &json!({"kind": "agent_session", "payload": {"prompt": "x"}}))
            .await;
    assert_problem(&session, 403, "AUTH-TOKEN-002");
    assert!(session.body.contains("sessions:write"), "{}", session.body);
}

#[tokio::test]
async fn a_token_never_starts_a_session_without_a_sandbox() {
    let site = with_ada(Role::Admin).await;
    let all = token(&site, "jobs:write,sessions:write,admin", None, None).await;
    for payload in [
        json!({"prompt": "x", "profile": "full"}),
        json!({"prompt": "x", "profile": "full", "confirm": "full"}),
    ] {
        let asked =
            enqueue(&site, &all, &json!({"kind": "agent_session", "payload": payload})).await;
        assert!([400, 403].contains(&asked.status.as_u16()), "{}", asked.body);
    }
    let call = tokens::call_by(
        &site.web.store.tokens(None).await.unwrap()[0],
        "127.0.0.1".into(),
        "request-1".into(),
        START,
    );
    let refused = call.needs_fresh("ask for a session").unwrap_err();
    assert_eq!(refused.code(), crate::Code::AuthScope);
    let request = TokenAdd {
        name: "child".into(),
        owner: Some("ada".into()),
        power: tokens::parse_power("jobs:read", None, None, None).unwrap(),
        life: None,
    };
    let made = tokens::create(&site.web.store, &call, request).await.unwrap_err();
    assert_eq!(
        made.sentence(),
        "Could not make a token: a token never does that; a person who signs in with a password can."
    );
}

#[tokio::test]
async fn the_power_goes_with_the_owners_role_at_once() {
    let site = with_ada(Role::Operator).await;
    let store = &site.web.store;
    let token = token(&site, "jobs:read,jobs:write", None, None).await;
    let job = json!({"kind": "report"});
    assert_eq!(enqueue(&site, &token, &job).await.status, StatusCode::CREATED);
    store.set_role("ada".into(), Role::Viewer, Actor::cli(), START).await.unwrap();
    let refused = enqueue(&site, &token, &job).await;
    assert_problem(&refused, 403, "AUTH-ROLE-001");
    assert!(refused.body.contains("your role is viewer"), "{}", refused.body);
    assert_eq!(me(&site, &token).await.json()["scopes"], json!(["jobs:read"]));
    store.disable_account("ada".into(), Actor::cli(), START).await.unwrap();
    let disabled = me(&site, &token).await;
    assert_problem(&disabled, 401, "AUTH-TOKEN-001");
    assert!(disabled.body.contains("is disabled"), "{}", disabled.body);
    store.enable_account("ada".into(), Actor::cli(), START).await.unwrap();
    assert_eq!(me(&site, &token).await.status, StatusCode::OK);
    store.remove_account("ada".into(), Actor::cli(), START).await.unwrap();
    assert_problem(&me(&site, &token).await, 401, "AUTH-TOKEN-001");
    assert!(store.tokens(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_token_ends_at_its_time_and_the_text_of_before_a_rotation_a_day_later() {
    let site = with_ada(Role::Operator).await;
    let old = token(&site, "jobs:read", None, None).await;
    site.web.clock.advance(Duration::from_hours(24));
    let owner = Call::by_owner(site.web.clock.now());
    let made = tokens::rotate(&site.web.store, &owner, &old[4..12]).await.unwrap();
    let new = made.value.token.as_str().to_owned();
    assert_eq!(new[..12], old[..12], "it is the same token");
    assert_eq!(me(&site, &old).await.status, StatusCode::OK);
    assert_eq!(me(&site, &new).await.status, StatusCode::OK);
    site.web.clock.advance(Duration::from_hours(24) - Duration::from_millis(1));
    assert_eq!(me(&site, &old).await.status, StatusCode::OK);
    site.web.clock.advance(Duration::from_millis(1));
    assert_problem(&me(&site, &old).await, 401, "AUTH-TOKEN-001");
    assert_eq!(me(&site, &new).await.status, StatusCode::OK);
    site.web.clock.advance(Duration::from_hours(89 * 24));
    let over = me(&site, &new).await;
    assert_problem(&over, 401, "AUTH-TOKEN-001");
    assert!(over.body.contains("ended at 2027-"), "{}", over.body);
}

#[tokio::test]
async fn a_rotation_that_is_asked_for_twice_leaves_both_texts_as_they_are() {
    let site = with_ada(Role::Operator).await;
    let store = &site.web.store;
    let old = token(&site, "jobs:read", None, None).await;
    let rotate = async || {
        let owner = Call::by_owner(site.web.clock.now());
        tokens::rotate(store, &owner, &old[4..12]).await
    };
    let new = rotate().await.unwrap().value.token;
    let until = START.plus(Duration::from_hours(24));
    let again = rotate().await.unwrap_err();
    assert_eq!(
        (again.code(), again.class()),
        (crate::Code::AuthTokenRotated, crate::Class::Conflict)
    );
    let why = format!("the text of before its last rotation counts until {until}.");
    assert_eq!(again.sentence(), format!("Could not rotate a token: {why}"));
    for text in [old.as_str(), new.as_str()] {
        assert_eq!(me(&site, text).await.status, StatusCode::OK);
    }
    site.web.clock.advance(Duration::from_hours(24));
    assert!(rotate().await.unwrap().sentence.contains("; the one before counts until "));
    // The text of a token that is over does not count any more, and no time of the past is told as if it did.
    site.web.clock.advance(Duration::from_hours(91 * 24));
    let renewed = rotate().await.unwrap();
    assert!(!renewed.sentence.contains("the one before"), "{}", renewed.sentence);
    assert_eq!(renewed.value.of.old_until, None);
}

#[tokio::test]
async fn a_token_makes_and_sees_the_kinds_and_queues_of_its_lists_alone() {
    let site = with_ada(Role::Operator).await;
    let all = token(&site, "jobs:read,jobs:write", None, None).await;
    let mail = token(&site, "jobs:read,jobs:write", Some("mail, receipt"), Some("post")).await;
    for (body, status, says) in [
        (json!({"kind": "mail", "queue": "post"}), 201, ""),
        (json!({"kind": "receipt", "queue": "post"}), 201, ""),
        (json!({"kind": "report", "queue": "post"}), 403, "the token is not for the kind report"),
        (json!({"kind": "mail", "queue": "slow"}), 403, "the token is not for the queue slow"),
        (json!({"kind": "mail"}), 403, "the job must name one"),
    ] {
        let answer = enqueue(&site, &mail, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
        assert!(answer.body.contains(says), "{}", answer.body);
    }
    let other = enqueue(&site, &all, &json!({"kind": "report"})).await.json()["id"].clone();
    let path = format!("{JOBS}/{other}");
    assert_eq!(site.send(bare(with(Method::GET, &path, &all))).await.status, StatusCode::OK);
    let hidden = site.send(bare(with(Method::GET, &path, &mail))).await;
    assert_problem(&hidden, 404, "JOB-ID-001");
    let nothing = site.send(bare(with(Method::GET, &format!("{JOBS}/999"), &mail))).await;
    let told = hidden.json()["detail"].as_str().unwrap().to_owned();
    let told = told.replace(&format!("job {other}:"), "job 999:");
    assert_eq!(nothing.json()["detail"], told, "as if there were no such job");
    assert_eq!(me(&site, &mail).await.json()["kinds"], json!(["mail", "receipt"]));
}

#[tokio::test]
async fn a_body_that_does_not_fit_is_refused_with_its_reason() {
    let site = with_ada(Role::Operator).await;
    let token = token(&site, "jobs:write", None, None).await;
    for (body, says) in [
        (json!({}), "missing field `kind`"),
        (json!({"kind": "a", "knid": 1}), "unknown field `knid`"),
        (json!({"kind": "Odd Kind"}), "kind"),
        (json!({"kind": "a", "run_at": "soon"}), "soon"),
        (json!({"kind": "a", "run_at": "2027-01-15T08:00:00Z", "delay_s": 1}), "not both"),
        (json!({"kind": "a", "delay_s": u64::MAX}), "take 18446744073709551615 s as the delay"),
        (json!({"kind": "a", "timeout_s": u64::MAX}), "ten years"),
        (json!({"kind": "a", "timeout_s": 0}), "time limit"),
        (json!({"kind": "a", "max_attempts": 0}), "attempts"),
        (json!({"kind": "a", "priority": 1000}), "priority"),
    ] {
        let answer = enqueue(&site, &token, &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {}", answer.body);
        assert!(answer.body.contains(says), "{body}: {}", answer.body);
    }
    let form = with(Method::POST, JOBS, &token).header("content-type", "text/plain");
    let answer = site.send(form.body("{}".into()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let large = json!({"kind": "a", "payload": "x".repeat(1 << 20)});
    assert_eq!(enqueue(&site, &token, &large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn what_is_no_token_is_answered_alike_however_often_it_comes() {
    let hash = Password::read(PASSWORD, None).unwrap().hash().unwrap();
    let site = Site::with_admin(&hash).await;
    let ada = Username::parse("ada").unwrap();
    site.web.store.add_account(ada, Role::Viewer, hash, Actor::cli(), START).await.unwrap();
    let good = token(&site, "jobs:read", None, None).await;
    let revoked = token(&site, "jobs:read", None, None).await;
    tokens::revoke(&site.web.store, &Call::by_owner(START), &revoked[4..12]).await.unwrap();
    let unknown = crate::model::TokenText::made_of(&[7; 40]);
    for text in ["lmp_guess", &good[..61], unknown.as_str(), revoked.as_str()] {
        for _ in 0..30 {
            let answer = me(&site, text).await;
            assert_problem(&answer, 401, "AUTH-TOKEN-001");
            assert_eq!(answer.header("retry-after"), "");
            let is_misspelt = answer.body.contains("misspelt or cut off");
            assert_eq!(is_misspelt, text.len() < 62, "{}", answer.body);
        }
    }
    assert_eq!(me(&site, &good).await.status, StatusCode::OK, "nobody who guesses keeps it out");
    let page = site.submit("/login", "username=admin&password=x").await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED, "and no person");
}

#[tokio::test]
async fn what_a_token_does_is_told_with_its_name_and_its_use_to_the_minute() {
    let site = with_ada(Role::Operator).await;
    let store = &site.web.store;
    let text = token(&site, "jobs:write", None, None).await;
    let used = async || store.tokens(None).await.unwrap()[0].used_at;
    assert_eq!(used().await, None);
    let made = enqueue(&site, &text, &json!({"kind": "report"})).await.json()["id"].clone();
    assert_eq!(used().await, Some(START));
    site.web.clock.advance(Duration::from_secs(59));
    me(&site, &text).await;
    assert_eq!(used().await, Some(START));
    site.web.clock.advance(Duration::from_secs(1));
    me(&site, &text).await;
    assert_eq!(used().await, Some(START.plus(Duration::from_mins(1))));
    let deeds = store.find_deeds(DeedFilter { limit: 100, ..DeedFilter::default() }).await.unwrap();
    let theirs: Vec<_> =
        deeds.rows.iter().filter(|deed| deed.by.name == "token shop-0 of ada").collect();
    assert_eq!(theirs.len(), 1, "{deeds:?}");
    assert_eq!(theirs[0].by.remote.as_deref(), Some("127.0.0.1"));
    assert!(theirs[0].subject.contains(&made.to_string()), "{theirs:?}");
    let created = deeds.rows.iter().find(|deed| deed.action == "create token").unwrap();
    assert_eq!((created.by.name.as_str(), created.after.as_deref()), ("cli", Some("jobs:write")));
    assert_eq!(created.subject, format!("shop-0 of ada ({})", &text[4..12]));
    assert!(deeds.rows.iter().all(|deed| !format!("{deed:?}").contains(&text[13..])), "no secret");
}

#[tokio::test]
async fn the_text_of_a_token_stands_in_no_line_that_the_redactor_has_seen() {
    let site = with_ada(Role::Viewer).await;
    let text = token(&site, "jobs:read", None, None).await;
    for line in [
        format!("curl -H 'Authorization: Bearer {text}' http://localhost"),
        format!("the token is {text}, said the agent"),
        format!("{{\"token\":\"{text}\"}}"),
    ] {
        let clean = crate::redact::redactor().text(&line);
        assert!(!clean.contains(&text[13..40]), "{clean}");
    }
}

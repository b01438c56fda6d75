//! Tests of the jobs that programs make with a token: which kinds, once however often they ask, and whose they are.

use super::tokens::{JOBS, assert_problem, enqueue, token, with, with_ada};
use super::*;
use crate::actions::Call;
use crate::actions::tokens::{self, TokenAdd};
use crate::model::{DeedFilter, Role};
use serde_json::{Value, json};

#[tokio::test]
async fn each_kind_of_the_programs_own_needs_its_own_scope_beside_that_for_jobs() {
    let site = with_ada(Role::Admin).await;
    let own = [
        ("agent_session", json!({"prompt": "x"}), Some("sessions:write")),
        ("self_monitoring", json!({"dry_run": true}), Some("findings:write")),
        ("file_findings", json!({}), Some("findings:write")),
        ("golden_repo", json!({"repository": "shop"}), Some("admin")),
        ("bulk_action", json!({}), None),
    ];
    for scope in crate::model::Scope::ALL {
        let alone = token(&site, scope.as_str(), None, None).await;
        let beside = token(&site, &format!("jobs:write,{scope}"), None, None).await;
        for (kind, payload, needed) in &own {
            let body = json!({"kind": kind, "payload": payload});
            let refused = enqueue(&site, &alone, &body).await;
            assert!([400, 403].contains(&refused.status.as_u16()), "{scope} {kind}");
            let asked = enqueue(&site, &beside, &body).await;
            let lacks = asked.json()["code"] == json!("AUTH-TOKEN-002");
            let opens = needed.is_none_or(|needed| needed == scope.as_str());
            assert_eq!(lacks, !opens, "jobs:write,{scope} {kind}: {}", asked.body);
        }
    }
}

#[tokio::test]
async fn a_request_with_an_idempotency_key_makes_one_job_however_often_it_comes() {
    let site = with_ada(Role::Operator).await;
    let mine = token(&site, "jobs:write", None, None).await;
    let another = token(&site, "jobs:write", None, None).await;
    let send = async |token: &str, key: &str, body: &Value| {
        let request = with(Method::POST, JOBS, token).header("content-type", "application/json");
        let request = request.header("idempotency-key", key);
        site.send(request.body(body.to_string().into()).unwrap()).await
    };
    let body = json!({"kind": "report", "payload": {"n": 1}});
    let first = send(&mine, "order-7", &body).await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (StatusCode::CREATED, ""));
    // The quotes are the header's, not the key's; and another token of the same person asks for the same.
    for (token, key) in [(&mine, "order-7"), (&mine, "\"order-7\""), (&another, "order-7")] {
        let again = send(token, key, &body).await;
        let replayed = again.header("idempotent-replayed");
        assert_eq!((again.status, replayed), (StatusCode::CREATED, "true"), "{}", again.body);
        assert_eq!(again.json()["id"], first.json()["id"]);
        assert_eq!(again.header("location"), first.header("location"));
    }
    let other = send(&mine, "order-7", &json!({"kind": "report", "payload": {"n": 2}})).await;
    assert_problem(&other, 409, "JOB-KEY-001");
    // A request that found the holder of its unique key finds it again, with the status that it had.
    let keyed = json!({"kind": "report", "unique_key": "one"});
    assert_eq!(enqueue(&site, &mine, &keyed).await.status, StatusCode::CREATED);
    let found = send(&mine, "order-8", &keyed).await;
    assert_eq!((found.status, found.header("idempotent-replayed")), (StatusCode::OK, ""));
    let again = send(&mine, "order-8", &keyed).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (StatusCode::OK, "true"));
    let long = "x".repeat(200);
    assert_eq!(send(&mine, &long, &body).await.status, StatusCode::CREATED);
    for wrong in ["", "\"\"", "a\"b", &format!("{long}x")] {
        assert_problem(&send(&mine, wrong, &body).await, 400, "JOB-VALUE-001");
    }
    // Another person's key is another key, also if it is spelled so.
    let admin = Call::by_owner(START);
    let request = TokenAdd {
        name: "theirs".into(),
        owner: Some("admin".into()),
        power: tokens::parse_power("jobs:write", None, None, None).unwrap(),
        life: None,
    };
    let made = tokens::create(&site.web.store, &admin, request).await.unwrap();
    let theirs = send(made.value.token.as_str(), "order-7", &body).await;
    assert_eq!((theirs.status, theirs.header("idempotent-replayed")), (StatusCode::CREATED, ""));
    assert_ne!(theirs.json()["id"], first.json()["id"]);
}

#[tokio::test]
async fn the_audit_of_a_person_has_what_their_tokens_did_and_how_each_ended() {
    let site = with_ada(Role::Operator).await;
    let store = &site.web.store;
    let text = token(&site, "jobs:write", None, None).await;
    token(&site, "jobs:read", None, None).await;
    assert_eq!(enqueue(&site, &text, &json!({"kind": "report"})).await.status, StatusCode::CREATED);
    let deeds = async |by: Option<&str>| {
        let by = by.map(ToOwned::to_owned);
        let filter = DeedFilter { by, limit: 100, ..DeedFilter::default() };
        store.find_deeds(filter).await.unwrap().rows
    };
    for (by, count) in [("ada", 1), ("token shop-0 of ada", 1), ("da", 0), ("f ada", 0), ("%", 0)] {
        let found = deeds(Some(by)).await;
        assert_eq!(found.len(), count, "{by}: {found:?}");
        assert!(found.iter().all(|deed| deed.by.name == "token shop-0 of ada"));
    }
    store.remove_account("ada".into(), Actor::cli(), START).await.unwrap();
    let last: Vec<_> =
        deeds(None).await.into_iter().take(3).map(|deed| (deed.action, deed.before)).collect();
    let revoked = |scope: &str| ("revoke token".to_owned(), Some(scope.to_owned()));
    let removed = ("remove account".to_owned(), Some("operator".to_owned()));
    assert_eq!(last, [removed, revoked("jobs:read"), revoked("jobs:write")]);
}

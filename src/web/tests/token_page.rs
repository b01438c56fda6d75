//! Tests of the page that makes tokens.

use super::super::nav::TOKENS;
use super::tokens::{me, with_ada};
use super::*;
use crate::model::Role;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn the_page_shows_a_token_once_and_never_again() {
    let site = Site::signed_in().await;
    let form = "name=shop&role=&scopes=jobs%3Awrite&kinds=mail&queues=&life=90d";
    let made = site.submit(TOKENS, form).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    assert_eq!(made.header("cache-control"), "no-store");
    let text =
        made.body.split_once(r#"<code id="token-text">"#).unwrap().1.split_once('<').unwrap().0;
    let known = me(&site, text).await.json();
    assert_eq!((&known["owner"], &known["kinds"]), (&json!("admin"), &json!(["mail"])));
    let page = site.see(TOKENS).await.body;
    assert!(page.contains("shop") && page.contains("jobs:write") && page.contains(&text[4..12]));
    assert!(!page.contains(text) && !page.contains("token-text"), "never again");
    let rotate = format!("/tokens/{}/rotate", &text[4..12]);
    let request = own_form(&rotate).header("hx-request", "true").header("cookie", &site.cookie);
    let rotated = site.send(bare(request)).await;
    assert!(rotated.body.starts_with(r#"<div class="wide" id="token-list">"#), "{}", rotated.body);
    let new =
        rotated.body.split_once(r#"<code id="token-text">"#).unwrap().1.split_once('<').unwrap().0;
    assert_eq!(me(&site, new).await.status, StatusCode::OK);
    let revoked = site.submit(&format!("/tokens/{}/revoke", &text[4..12]), "").await;
    assert_eq!(revoked.header("location"), "/tokens?saved=revoked");
    assert_eq!(me(&site, new).await.status, StatusCode::UNAUTHORIZED);
    assert!(site.see("/tokens?saved=revoked").await.body.contains("opens nothing any more"));
    for (form, says) in [
        ("name=&role=viewer", "take the name"),
        ("name=a&role=&scopes=", "name what it may do"),
        ("name=a&scopes=jobs%3Afly", "take the scope"),
        ("name=a&role=viewer&life=400d", "more than a year"),
        ("name=a&role=viewer&kinds=Odd", "kind"),
    ] {
        let refused = site.submit(TOKENS, form).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{form}");
        assert!(refused.body.contains(says), "{form}: {}", refused.body);
    }
}

#[tokio::test]
async fn making_and_rotating_a_token_ask_for_the_password_first_and_revoking_does_not() {
    let site = Site::signed_in().await;
    let made = site.submit(TOKENS, "name=shop&role=viewer&life=never").await;
    assert!(made.body.contains("until somebody revokes it"), "{}", made.body);
    let id = site.web.store.tokens(None).await.unwrap()[0].id.clone();
    site.web.clock.advance(Duration::from_secs(301));
    let rotate = format!("/tokens/{id}/rotate");
    for (path, form) in [(TOKENS, "name=other&role=viewer"), (rotate.as_str(), "")] {
        let refused = site.submit(path, form).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(
            refused.body.contains("AUTH-LOGIN-005") && refused.body.contains(r#"name="password""#)
        );
    }
    assert_eq!(site.web.store.tokens(None).await.unwrap().len(), 1);
    let revoked = site.submit(&format!("/tokens/{id}/revoke"), "").await;
    assert_eq!(revoked.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_person_sees_their_own_tokens_alone_and_makes_none_beyond_their_role() {
    let mut site = with_ada(Role::Viewer).await;
    site.submit(TOKENS, "name=admins-own&role=admin").await;
    let theirs = site.web.store.tokens(None).await.unwrap()[0].id.clone();
    let admins = site.cookie.clone();
    let (ada, _) = site.web.store.account("ada".into()).await.unwrap().unwrap();
    site.cookie = site.login(&ada, "here").await;
    let beyond = site.submit(TOKENS, "name=mine&scopes=jobs%3Awrite").await;
    assert_eq!(beyond.status, StatusCode::BAD_REQUEST);
    assert!(beyond.body.contains("needs an owner with the role operator"), "{}", beyond.body);
    assert_eq!(site.submit(TOKENS, "name=mine&role=viewer").await.status, StatusCode::OK);
    let page = site.see(TOKENS).await.body;
    assert!(page.contains("mine") && !page.contains("admins-own"), "{page}");
    for deed in ["rotate", "revoke"] {
        let refused = site.submit(&format!("/tokens/{theirs}/{deed}"), "").await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{deed}");
    }
    site.cookie = admins;
    let page = site.see(TOKENS).await.body;
    assert!(
        page.contains("mine") && page.contains("admins-own") && page.contains("of ada"),
        "{page}"
    );
}

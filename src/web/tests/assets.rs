//! Tests of the files that pages load.

use super::super::assets::ASSETS;
use super::*;

#[tokio::test]
async fn every_asset_has_a_hashed_name_its_type_and_may_be_kept_for_good() {
    let site = Site::empty();
    let expected = [
        ("/assets/lamplighter.", "text/css; charset=utf-8"),
        ("/assets/inter.", "font/woff2"),
        ("/assets/mono.", "font/woff2"),
        ("/assets/htmx.", "text/javascript; charset=utf-8"),
        ("/assets/sse.", "text/javascript; charset=utf-8"),
        ("/assets/lamplighter.", "text/javascript; charset=utf-8"),
        ("/assets/session.", "text/javascript; charset=utf-8"),
        ("/assets/lamp.", "image/svg+xml"),
    ];
    let assets = ASSETS.all();
    assert_eq!(assets.len(), expected.len());
    for (asset, (begins, media_type)) in assets.into_iter().zip(expected) {
        let link = asset.link();
        let path = link.as_str();
        let hash = path.strip_prefix(begins).unwrap().split('.').next().unwrap();
        assert!(hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{path}");
        let answer = site.send(bare(ask(Method::GET, path))).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("content-type"), media_type);
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(answer.header("content-encoding"), "");
        assert!(!answer.body.is_empty());
    }
}

#[tokio::test]
async fn pages_name_assets_that_exist_and_nothing_of_another_server() {
    let site = Site::signed_in().await;
    let page = site.see("/").await.body;
    let mut named = 0;
    for attribute in ["href=\"", "src=\""] {
        for link in page.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(link.starts_with('/') || link.starts_with('#'), "{link}");
            if link.starts_with("/assets/") {
                named += 1;
                assert_eq!(site.send(bare(ask(Method::GET, link))).await.status, StatusCode::OK);
            }
        }
    }
    assert_eq!(named, 6);
}

#[tokio::test]
async fn an_unknown_asset_is_not_found_and_not_kept() {
    let site = Site::empty();
    for file in ["lamplighter.css", "inter.0000000000000000.woff2", "..%2Fjobs", "%00"] {
        let answer = site.send(bare(ask(Method::GET, &format!("/assets/{file}")))).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{file}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn texts_are_compressed_for_a_browser_that_asks() {
    let site = Site::signed_in().await;
    for path in [ASSETS.own_style.link().as_str(), "/jobs"] {
        let answer = site.see_compressed(path).await;
        assert_eq!(answer.header("content-encoding"), "gzip", "{path}");
        assert!(answer.body.starts_with('\u{1f}'), "{path}");
        assert_eq!(site.see(path).await.header("content-encoding"), "", "{path}");
    }
}

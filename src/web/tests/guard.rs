//! Tests of what every request passes first, whatever its route.

use super::super::caller::Caller;
use super::super::route::{Gate, Route};
use super::super::routes::routes;
use super::*;
use axum::http::Uri;
use axum::http::header::HOST as HOST_HEADER;

#[tokio::test]
async fn only_our_own_host_names_are_answered_on_every_route_and_method() {
    let site = Site::empty();
    let good = [
        "localhost",
        "localhost:8745",
        "LocalHost:1",
        "127.0.0.1:8745",
        "[::1]",
        "[::1]:8745",
        "queue.example",
        "Queue.Example:443",
    ];
    let bad = [
        "",
        "evil.example",
        "evil.example:8745",
        "localhost.evil.example",
        "evil.localhost",
        "127.0.0.1.nip.example",
        "user@localhost",
        "localhost:",
        "localhost:x",
        "localhost:8745:80",
        "localhost:99999",
        "[::2]:8745",
        "127.0.0.2",
        "0.0.0.0:8745",
        "queue.example.evil.example",
        "localhost.",
    ];
    let paths = routes(true, true).into_iter().map(|route| filled(route.path));
    for path in paths.chain(["/no-such-page".to_owned()]) {
        for method in METHODS {
            let request = |hosts: &[&str]| {
                let mut request = bare(own_form(&path).method(method.clone()));
                request.headers_mut().remove(HOST_HEADER);
                for host in hosts {
                    request.headers_mut().append(HOST_HEADER, host.parse().unwrap());
                }
                request
            };
            let refused = async |request| {
                let answer: Answer = site.send(request).await;
                assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{method} {path}");
                answer.assert_code(&method, "WEB-HOST-001");
            };
            for host in bad {
                refused(request(&[host])).await;
            }
            refused(request(&[])).await;
            refused(request(&["localhost", "evil.example"])).await;
            let mut absolute = request(&["localhost"]);
            *absolute.uri_mut() = Uri::try_from(format!("http://evil.example{path}")).unwrap();
            refused(absolute).await;
            for host in good {
                let answer = site.send(request(&[host])).await;
                assert_ne!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
            }
        }
    }
}

#[tokio::test]
async fn a_change_must_come_from_our_own_page() {
    let site = Site::signed_in().await;
    let site_header = |value| ("sec-fetch-site", value);
    let origin = |value| ("origin", value);
    let good = [
        vec![site_header("same-origin")],
        vec![site_header("none")],
        vec![origin("http://localhost:8745")],
        vec![origin("https://localhost:8745")],
        vec![site_header("same-origin"), origin("https://proxy.example")],
    ];
    let bad = [
        vec![],
        vec![site_header("cross-site")],
        vec![site_header("same-site")],
        vec![site_header("")],
        vec![site_header("same-origin"), site_header("cross-site")],
        vec![site_header("cross-site"), origin("http://localhost:8745")],
        vec![origin("null")],
        vec![origin("http://evil.example")],
        vec![origin("http://localhost:9999")],
        vec![origin("http://localhost")],
        vec![origin("localhost:8745")],
        vec![origin("http://localhost:8745"), origin("http://evil.example")],
        vec![("referer", "http://localhost:8745/jobs")],
    ];
    // What a token opens takes no cookie, so that nothing of it can be had from another site.
    let pages = routes(true, true).into_iter().filter(|r| !matches!(r.gate, Gate::ByToken));
    for Route { path, .. } in pages {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let send = async |headers: &[(&str, &str)]| {
                let mut request = ask(method.clone(), &filled(path)).header("cookie", &site.cookie);
                for (name, value) in headers {
                    request = request.header(*name, *value);
                }
                site.send(bare(request)).await
            };
            for headers in &bad {
                let answer = send(headers).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path} {headers:?}");
                assert_eq!(answer.json()["code"], "WEB-CSRF-001");
            }
            if path != "/logout" {
                for headers in &good {
                    let status = send(headers).await.status;
                    assert_ne!(status, StatusCode::FORBIDDEN, "{method} {path} {headers:?}");
                }
            }
        }
    }
    let queued = site.web.store.scan_now().await.unwrap().waiting;
    // Run Now and the dry run were each asked for.
    assert_eq!(queued, 2 * good.len() as u64, "the refused ones queued nothing");
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let site = Site::signed_in().await;
    let paths = routes(true, true).into_iter().map(|route| filled(route.path));
    for path in paths.chain(["/no-such-page".to_owned()]) {
        for (host, cookie) in [(HOST, site.cookie.as_str()), (HOST, ""), ("evil.example", "")] {
            let mut request =
                bare(ask(Method::GET, &path).header("accept", BROWSER).header("cookie", cookie));
            request.headers_mut().insert(HOST_HEADER, host.parse().unwrap());
            let answer = site.send(request).await;
            assert_eq!(
                answer.header("content-security-policy"),
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                 font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            );
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.header("referrer-policy"), "no-referrer");
            assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
            assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
            assert_eq!(answer.header("access-control-allow-origin"), "");
            let cache = answer.header("cache-control");
            let stream = answer.header("content-type") == "text/event-stream";
            assert_eq!(cache, if stream { "no-cache" } else { "no-store" }, "{path}");
            assert_eq!(answer.header("x-request-id").len(), 16);
        }
    }
}

#[tokio::test]
async fn forwarded_headers_count_only_from_a_trusted_proxy() {
    let options = Options {
        allowed_hosts: vec![],
        trusted_proxies: vec!["192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()],
        ..Options::default()
    };
    let caller = |peer: &str, forwarded: &[&str]| {
        let peer: SocketAddr = format!("{peer}:1234").parse().unwrap();
        let mut request = ask(Method::GET, "/").header("x-forwarded-proto", "https");
        for value in forwarded {
            request = request.header("x-forwarded-for", *value);
        }
        let (mut parts, _) = bare(request).into_parts();
        parts.extensions.insert(ConnectInfo(peer));
        let caller = Caller::of(&parts, &options);
        (caller.remote.to_string(), caller.https)
    };
    let is = |address: &str, https| (address.to_owned(), https);
    assert_eq!(caller("203.0.113.9", &["127.0.0.1"]), is("203.0.113.9", false), "a stranger");
    assert_eq!(caller("192.0.2.1", &["203.0.113.9"]), is("203.0.113.9", true));
    assert_eq!(caller("[::ffff:192.0.2.1]", &["203.0.113.9"]), is("203.0.113.9", true));
    assert_eq!(
        caller("192.0.2.1", &["127.0.0.1, 203.0.113.9, 192.0.2.2"]),
        is("203.0.113.9", true),
        "spoofed"
    );
    assert_eq!(
        caller("192.0.2.1", &["127.0.0.1", "203.0.113.9"]),
        is("203.0.113.9", true),
        "two lines"
    );
    assert_eq!(caller("192.0.2.1", &["127.0.0.1, rubbish"]), is("192.0.2.1", true));
    assert_eq!(caller("192.0.2.1", &[]), is("192.0.2.1", true));
}

#[tokio::test]
async fn a_refused_program_gets_the_one_shape_of_errors_on_every_route() {
    let site = Site::signed_in().await;
    for accept in ["application/json", "application/problem+json", "*/*"] {
        for (path, form, status) in [
            ("/sessions/trigger", "prompt=", 400),
            ("/sessions/trigger", "prompt=look&profile=full", 400),
            ("/queues/limit", "queue=agent&limit=many", 400),
        ] {
            let request = own_form(path).header("accept", accept).header("cookie", &site.cookie);
            let answer = site.send(request.body(form.into()).unwrap()).await;
            assert_eq!(answer.status, status, "{path} {}", answer.body);
            assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
            let body = answer.json();
            let urn = format!("urn:lamplighter:error:{}", body["code"].as_str().unwrap());
            assert_eq!((&body["type"], &body["status"]), (&urn.into(), &status.into()), "{path}");
            assert!(body["detail"].is_string() && body["title"].is_string(), "{path}");
        }
    }
}

#[tokio::test]
async fn a_form_of_another_type_or_too_large_is_refused_in_the_same_words_everywhere() {
    let site = Site::signed_in().await;
    for path in [
        "/login",
        "/queues/limit",
        "/queues/pause",
        "/repositories",
        "/schedules/nightly/edit",
        "/settings/stop-all",
        "/settings/agent.budget_day_usd",
        "/admin/self-monitoring/settings",
        "/admin/self-monitoring/prompt",
        "/admin/self-monitoring/approvals/1/edit",
        "/sessions/trigger",
    ] {
        let form = "application/x-www-form-urlencoded";
        for (media_type, bytes, status, code) in [
            ("text/plain", 1, StatusCode::UNSUPPORTED_MEDIA_TYPE, "WEB-INPUT-001"),
            (form, 2 << 20, StatusCode::PAYLOAD_TOO_LARGE, "JOB-SIZE-001"),
        ] {
            let request = ask(Method::POST, path)
                .header("sec-fetch-site", "same-origin")
                .header("content-type", media_type)
                .header("cookie", &site.cookie);
            let answer = site.send(request.body("x".repeat(bytes).into()).unwrap()).await;
            assert_eq!(answer.status, status, "{path} {media_type}");
            assert_eq!(answer.json()["code"], code, "{path}");
        }
    }
}

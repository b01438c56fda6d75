//! API tokens from the command line to a real server: made, shown, listed, rotated and revoked.

use crate::support::server::{Browser, Server, program};
use crate::support::{foreign, skipped};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// The answer of a request like curl's: its status, the challenge, and its body.
fn curl(url: &str, token: Option<&str>, body: Option<&str>) -> (u16, Option<String>, Value) {
    let config = ureq::Agent::config_builder().http_status_as_error(false).build();
    let agent: ureq::Agent = config.into();
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut answer = if let Some(body) = body {
        let mut request = agent.post(url).header("Content-Type", "application/json");
        if let Some(bearer) = &bearer {
            request = request.header("Authorization", bearer);
        }
        request.send(body).unwrap()
    } else {
        let mut request = agent.get(url);
        if let Some(bearer) = &bearer {
            request = request.header("Authorization", bearer);
        }
        request.call().unwrap()
    };
    let challenge = answer.headers().get("www-authenticate");
    let challenge = challenge.map(|value| value.to_str().unwrap().to_owned());
    let text = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), challenge, serde_json::from_str(&text).unwrap())
}

fn run(data: &Path, line: &[&str]) -> Output {
    program(data).args(line).output().unwrap()
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap().trim().to_owned()
}

/// The files of the data directory that have this text in them.
fn files_with(data: &Path, text: &str) -> Vec<String> {
    let found = Command::new("grep").args(["-rlF", text]).arg(data).output().unwrap();
    String::from_utf8(found.stdout).unwrap().lines().map(ToOwned::to_owned).collect()
}

#[test]
fn a_token_of_the_command_line_opens_a_running_server_until_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let server = Server::start(data, &[]);
    let (me, jobs) = (format!("{}/api/v1/me", server.url), format!("{}/api/v1/jobs", server.url));
    let made = run(
        data,
        &["tokens", "create", "shop", "--scopes", "jobs:read,jobs:write", "--kinds", "mail"],
    );
    let token = printed(&made);
    let note = String::from_utf8_lossy(&made.stderr);
    assert!(token.starts_with("lmp_") && token.len() == 62, "{token} {note}");
    assert!(note.contains("The token shop of admin is made and counts until "), "{note}");

    let (status, _, body) = curl(&jobs, Some(&token), Some(r#"{"kind": "mail"}"#));
    assert_eq!(status, 201, "{body}");
    let job = format!("{jobs}/{}", body["id"]);
    assert_eq!(curl(&job, Some(&token), None).2["kind"], "mail");
    for (url, token, body, status, code) in [
        (&me, None, None, 401, "AUTH-TOKEN-001"),
        (&me, Some("lmp_guess"), None, 401, "AUTH-TOKEN-001"),
        (&jobs, Some(token.as_str()), Some(r#"{"kind": "report"}"#), 403, "AUTH-TOKEN-002"),
        (&jobs, Some(token.as_str()), Some("{"), 400, "WEB-INPUT-001"),
        (&job, None, None, 401, "AUTH-TOKEN-001"),
    ] {
        let (got, challenge, problem) = curl(url, token, body);
        assert_eq!((got, &problem["code"]), (status, &Value::from(code)), "{problem}");
        assert_eq!(challenge.as_deref(), (status == 401).then_some("Bearer"));
    }
    let listed: Value =
        serde_json::from_str(&printed(&run(data, &["--json", "tokens", "list"]))).unwrap();
    assert_eq!((&listed["name"], &listed["kinds"][0]), (&"shop".into(), &"mail".into()));
    assert!(listed["used_at"].is_string() && listed.get("token").is_none(), "{listed}");
    let table = printed(&run(data, &["tokens", "list"]));
    assert!(table.contains("kinds mail") && table.contains(&token[4..12]), "{table}");

    let rotated: Value =
        serde_json::from_str(&printed(&run(data, &["--json", "tokens", "rotate", &token[4..12]])))
            .unwrap();
    let new = rotated["token"].as_str().unwrap();
    for text in [new, &token] {
        assert_eq!(curl(&me, Some(text), None).2["owner"], "admin");
    }
    let revoked = printed(&run(data, &["tokens", "revoke", &token[4..12]]));
    assert_eq!(revoked, "The token shop of admin is revoked and opens nothing any more.");
    for text in [new, &token] {
        assert_eq!(curl(&me, Some(text), None).0, 401);
    }
    assert_eq!(run(data, &["tokens", "revoke", &token[4..12]]).status.code(), Some(69));
    let audit = printed(&run(data, &["audit", "list"]));
    for row in ["create token", "rotate token", "revoke token", "token shop of admin"] {
        assert!(audit.contains(row), "{row}: {audit}");
    }
    assert_eq!(server.terminate(), Some(0));
    for text in [&token, new] {
        assert_eq!(files_with(data, &text[13..]), Vec::<String>::new(), "no file has its text");
    }
}

#[test]
fn a_token_of_the_page_opens_the_api_and_a_lower_role_takes_its_power() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let mut browser = Browser::signed_in(&server.url);
    let form = [("name", "shop"), ("role", "admin"), ("life", "7d")];
    let made = browser.post("/tokens", &form, &[("Accept", "application/json")]);
    let made: Value = serde_json::from_str(&made.body).unwrap();
    let token = made["token"].as_str().unwrap();
    let (me, jobs) = (format!("{}/api/v1/me", server.url), format!("{}/api/v1/jobs", server.url));
    assert_eq!(curl(&me, Some(token), None).2["role"], "admin");
    assert_eq!(curl(&jobs, Some(token), Some(r#"{"kind": "mail"}"#)).0, 201);
    let page = browser.get("/tokens", &[("Accept", "text/html")]);
    assert!(page.body.contains("shop") && !page.body.contains(token), "{}", page.body);
    let conn = crate::support::foreign(folder.path());
    conn.execute("UPDATE users SET role = 'viewer'", []).unwrap();
    let (status, _, problem) = curl(&jobs, Some(token), Some(r#"{"kind": "mail"}"#));
    assert_eq!((status, &problem["code"]), (403, &Value::from("AUTH-ROLE-001")), "{problem}");
    assert!(
        curl(&me, Some(token), None).2["scopes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|scope| { scope.as_str().unwrap().ends_with(":read") })
    );
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_database_that_another_program_holds_keeps_no_token_and_no_login_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let mut browser = Browser::signed_in(&server.url);
    let scopes = ["tokens", "create", "shop", "--scopes", "jobs:read"];
    let token = printed(&run(folder.path(), &scopes));
    let conn = crate::support::foreign(folder.path());
    // The login was used two minutes ago, so that its use is to be noted too.
    conn.execute("UPDATE logins SET used_at = used_at - 120000", []).unwrap();
    conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    let me = format!("{}/api/v1/me", server.url);
    for _ in 0..5 {
        assert_eq!(curl(&me, Some(&token), None).0, 200);
        assert_eq!(browser.get("/account", &[("Accept", "text/html")]).status, 200);
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    conn.execute_batch("COMMIT").unwrap();
    let noted = "SELECT (SELECT count(used_at) FROM tokens), (SELECT max(used_at) FROM logins)";
    let began_at = chrono::Utc::now().timestamp_millis() - 60_000;
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let (tokens, login): (i64, i64) =
            conn.query_row(noted, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        if tokens == 1 && login > began_at {
            break;
        }
        assert!(Instant::now() < end, "the uses are noted once the database is free");
        std::thread::yield_now();
    }
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_token_that_cannot_be_is_refused_at_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    drop(crate::support::open(folder.path()));
    for (line, code) in [
        (&["shop"][..], 2),
        (&["shop", "--role", "viewer"], 69),
        (&["shop", "--role", "viewer", "--owner", "eve"], 69),
        (&["shop", "--role", "viewer", "--scopes", "jobs:read"], 2),
        (&["shop", "--role", "viewer", "--expires-in", "2y"], 2),
        (&["shop", "--role", "viewer", "--expires-in", "1d", "--no-expiry"], 2),
        (&["a b", "--role", "viewer"], 2),
        (&["shop", "--scopes", "jobs:fly"], 2),
    ] {
        let output = run(folder.path(), &[&["tokens", "create"][..], line].concat());
        assert_eq!(output.status.code(), Some(code), "{line:?}: {output:?}");
    }
}

/// The text of an element of a page that holds nothing but text.
fn text_of(page: &str, id: &str) -> String {
    let inner = page.split(&format!(r#"<pre id="{id}""#)).nth(1).expect(page);
    let text = inner.split_once('>').unwrap().1.split("</pre>").next().unwrap();
    let plain = text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
    plain.replace("&amp;", "&")
}

#[test]
fn the_command_and_the_request_on_the_page_of_a_job_make_such_a_job() {
    if Command::new("curl").arg("--version").output().is_err() {
        return skipped("it needs curl (Debian: apt-get install curl)");
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let limits = [
        &["--queue", "slow", "--priority", "-7", "--max-attempts", "9", "--timeout", "40s"][..],
        &["--concurrency-key", "it's $(id) & \"<p>\"", "--tag", "eu", "--tag", "a=b"],
    ];
    let hostile = r#"{"to":"O'Brien `id` $(id) \\ <b> &amp;","amount":7.10}"#;
    let first = run(data, &[&["jobs", "enqueue", "mail", hostile], &limits.concat()[..]].concat());
    assert_eq!(printed(&first), "1", "{first:?}");
    assert_eq!(printed(&run(data, &["jobs", "enqueue", "report", "-5.50"])), "2");

    let server = Server::start(data, &[]);
    let scopes = ["tokens", "create", "shell", "--scopes", "jobs:write"];
    let token = printed(&run(data, &scopes));
    let programs = Path::new(env!("CARGO_BIN_EXE_lamplighter")).parent().unwrap();
    let shell = |line: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-euc", line]).env_clear().env("HOME", data);
        shell.env("PATH", format!("{}:/usr/bin:/bin", programs.display()));
        shell.env("LAMPLIGHTER_DATA_DIR", data).env("LAMPLIGHTER_URL", &server.url);
        let ended = shell.env("LAMPLIGHTER_TOKEN", &token).output().unwrap();
        assert!(ended.status.success(), "{line}: {ended:?}");
        printed(&ended)
    };
    let row = |id: i64| {
        let wanted = "json_array(kind, payload, queue, priority, max_attempts, timeout_ms, concurrency_key, tags)";
        let sql = format!("SELECT {wanted} FROM jobs WHERE id = ?1");
        foreign(data).query_row(&sql, [id], |row| row.get::<_, String>(0)).unwrap()
    };
    let mut browser = Browser::signed_in(&server.url);
    for id in [1, 2] {
        let page = browser.get(&format!("/jobs/{id}"), &[]).body;
        let by_command: i64 = shell(&text_of(&page, "job-as-command")).parse().unwrap();
        let answer = shell(&text_of(&page, "job-as-request"));
        let told: Value = serde_json::from_str(&answer).expect(&answer);
        let by_request = told["id"].as_i64().expect(&answer);
        for made in [by_command, by_request] {
            assert!(made > 2, "{made}");
            assert_eq!(row(made), row(id));
        }
    }
    assert_eq!(server.terminate(), Some(0));
}

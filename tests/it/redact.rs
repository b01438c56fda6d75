//! Redaction against a corpus: what must go, what must stay, and the same in pieces of any length.

use lamplighter::model::{NewLogRow, Timestamp};
use lamplighter::monitor::demo;
use lamplighter::redact::{REDACTED, RedactStream, Redactor};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Instant;

/// Least share of the secrets that must be found, and most of the ordinary lines that may be touched.
const FOUND: f64 = 99.0;
const TOUCHED: f64 = 1.0;

/// Letters and digits without a meaning, the same at every call. Put together at run time, so that no scanner takes
/// this file for a leak.
fn noise(seed: usize, length: usize) -> String {
    let letters = b"q7Rz2mKx9Lw4Tb8Vn3Jc6Hd1Fg5Ps0Ye";
    (0..length).map(|n| char::from(letters[(n * 7 + seed * 5 + n * n) % letters.len()])).collect()
}

/// Texts that are secret by their shape.
fn tokens() -> Vec<String> {
    let mut tokens: Vec<String> = ["ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-"]
        .iter()
        .chain(&["sk-ant-api03-", "sk-", "sk-proj-", "npm_", "xoxb-", "xoxp-", "xoxa-", "xoxr-"])
        .chain(&["xoxs-", "sk_live_", "rk_live_", "AIza"])
        .enumerate()
        .map(|(seed, prefix)| format!("{prefix}{}", noise(seed, 36)))
        .collect();
    tokens.push(format!("AKIA{}", noise(3, 16).to_ascii_uppercase()));
    tokens.push(format!("ASIA{}", noise(4, 16).to_ascii_uppercase()));
    tokens.push(format!("eyJ{}.eyJ{}.{}", noise(1, 30), noise(2, 60), noise(3, 43)));
    tokens.push(format!("eyJ{}.{}.", noise(5, 20), noise(6, 40)));
    tokens
}

/// Where a token stands.
const PLACES: &[&str] = &[
    "push failed: remote said no to @ (attempt 2)",
    "@",
    "GET /repos?x=1 with @, again in 5 s",
    "{\"message\":\"using @\",\"level\":\"INFO\"}",
    "env: GH=@;HOME=/root",
];

/// Where a password stands that has no shape of its own.
const FIELDS: &[&str] = &[
    "password=@",
    "connect user=lamp password=@ host=db",
    "passwd: @",
    "PASSWORD=\"@\"",
    "login {user: \"a\", password: \"@\"}",
    "{\"user\":\"a\",\"password\":\"@\",\"n\":1}",
    "{\"password\": \"@\"}",
    "{\"msg\":\"body {\\\"password\\\":\\\"@\\\"}\"}",
    "{\"msg\":\"body {\\\"api_key\\\": \\\"@\\\", \\\"n\\\":1}\"}",
    "{'password': '@'}",
    "{\"secret\" => \"@\"}",
    "client_secret=@&grant_type=code",
    "GET /callback?access_token=@&state=7 HTTP/1.1",
    "https://hooks.example/in?token=@",
    "DB_PASSWORD=@ cargo run",
    "export API_KEY='@'",
    "apikey: @",
    "X-Api-Key: @",
    "x-auth-token: @",
    "Authorization: Bearer @",
    "authorization: Basic @",
    "\"authorization\": \"token @\"",
    "> Authorization: Bearer @",
    "headers={'Authorization': 'Bearer @'}",
    "Cookie: session=@; theme=dark",
    "set-cookie: id=@; HttpOnly",
    "\"cookie\":\"sid=@\"",
    "postgres://lamp:@@db.example:5432/shop",
    "fetch https://user:@@git.example/repo.git failed: 403",
    "redis://:@@cache:6379",
    "amqp://guest:@@mq/%2f: connection refused",
    "Server=db;Uid=sa;Pwd=@;Encrypt=yes",
    "mysqldump --password=@ shop",
    "mysqldump --password @ shop",
    "argv: [\"curl\", \"--token\", \"@\"]",
    "smtp_password: @",
    "  db-password: @",
    "private_key=@",
    "Config { token: Some(\"@\"), retries: 3 }",
    "aws_secret_access_key = @",
    "signing_key=@",
    "credentials=@",
    "refreshToken: \"@\"",
    "clientSecret=@,tenant=4",
    "user=admin&passwd=@",
    "sign-in failed for bob (password=@)",
    "spring.datasource.password=@",
    "passphrase: @",
];

const PASSWORDS: &[&str] = &[
    "hunter2-und-mehr",
    "Tr0ub4dor_3",
    "correcthorsebattery",
    "p455w0rd!x",
    "9f8e7d6c5b4a39281706",
];

fn pem(label: &str) -> (String, String) {
    let body = format!("{}\n{}\n{}==", noise(7, 64), noise(8, 64), noise(9, 22));
    (format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----"), noise(8, 64))
}

/// Lines that hold a secret, each with it.
fn secrets() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for token in tokens() {
        all.extend(PLACES.iter().map(|place| (place.replace('@', &token), token.clone())));
    }
    for field in FIELDS {
        for password in PASSWORDS {
            // `@@` is a password and the at sign behind it.
            let line = field.replace("@@", &format!("{password}\u{1}")).replace('@', password);
            all.push((line.replace('\u{1}', "@"), (*password).to_owned()));
        }
    }
    for label in ["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "EC PRIVATE KEY"] {
        let (key, inside) = pem(label);
        all.push((format!("read {key}\nand went on"), inside.clone()));
        let quoted = serde_json::json!({"key_file": key}).to_string();
        all.push((quoted, inside.clone()));
        all.push((key.replace(&format!("\n-----END {label}-----"), ""), inside));
    }
    all.push((format!("Bearer {} was refused", noise(11, 24)), noise(11, 24)));
    all.push((format!("GET /setup/{} answered 200", noise(12, 43)), noise(12, 43)));
    all.push((format!("cookie lamplighter={}", noise(13, 43)), noise(13, 43)));
    all
}

/// Ordinary lines that come near a secret's shape.
const ORDINARY: &str = include_str!("redact/ordinary.txt");

/// Every different line of the demo's day, and the lines above.
fn ordinary() -> Vec<String> {
    let day = demo::day(Timestamp::from_millis(1_795_219_200_000));
    let told = day.into_iter().map(|row| row.message).collect::<BTreeSet<_>>();
    ORDINARY.lines().map(ToOwned::to_owned).chain(told.into_iter().step_by(7)).collect()
}

fn percent(part: usize, of: usize) -> f64 {
    100.0 * f64::from(part as u32) / f64::from(of as u32)
}

#[test]
fn of_the_corpus_at_least_99_in_100_secrets_go_and_at_most_1_in_100_ordinary_lines_is_touched() {
    let redactor = Redactor::default();
    let (secrets, ordinary) = (secrets(), ordinary());
    let leaks = |(line, secret): &&(String, String)| redactor.text(line).contains(secret.as_str());
    let leaked: Vec<_> = secrets.iter().filter(leaks).collect();
    let touched: Vec<_> = ordinary
        .iter()
        .filter_map(|line| match redactor.text(line) {
            Cow::Borrowed(_) => None,
            Cow::Owned(new) => Some((line, new)),
        })
        .collect();
    let found = percent(secrets.len() - leaked.len(), secrets.len());
    let hand_written = ORDINARY.lines().count();
    println!(
        "redaction: {found:.2} % of {} secrets found, {:.2} % of {} ordinary lines touched \
         ({hand_written} by hand)",
        secrets.len(),
        percent(touched.len(), ordinary.len()),
        ordinary.len()
    );
    assert!(secrets.len() >= 100 && ordinary.len() >= 300);
    assert!(found >= FOUND, "{leaked:#?}");
    assert!(percent(touched.len(), ordinary.len()) <= TOUCHED, "{touched:#?}");
    assert!(percent(touched.len(), hand_written) <= TOUCHED, "{touched:#?}");
}

/// Forms in which secrets are written down, as a file says them without one.
const FORMS: &str = include_str!("redact/forms.txt");
/// How many forms there are, and how many of them must be found.
const ALL_FORMS: usize = 124;
const LEAST_FORMS: usize = 118;

/// The texts of the forms, each with its secret.
fn forms() -> Vec<(String, String)> {
    let rows = FORMS.lines().filter(|row| !row.starts_with('#'));
    let form = |(seed, row): (usize, &str)| {
        let (_, text) = row.split_once(" | ").unwrap();
        let (before, rest) = text.split_once("[[").unwrap();
        let (secret, after) = rest.split_once("]]").unwrap();
        let [before, secret, after] = [before, secret, after].map(|part| assembled(part, seed));
        (format!("{before}{secret}{after}"), secret)
    };
    rows.enumerate().map(form).collect()
}

/// A text with bytes of the class in the place of each `<CLASS:COUNT>`.
fn assembled(text: &str, seed: usize) -> String {
    let mut out = String::new();
    for (nth, part) in text.split('<').enumerate() {
        let Some((class, count, rest)) = part.split_once('>').and_then(|(inside, rest)| {
            let (class, count) = inside.split_once(':')?;
            Some((class.chars().next()?, count.parse::<usize>().ok()?, rest))
        }) else {
            out.push_str(if nth > 0 { "<" } else { "" });
            out.push_str(part);
            continue;
        };
        let fits = |c: &char| match class {
            'd' => c.is_ascii_digit(),
            'h' => c.is_ascii_digit() || ('a'..='f').contains(c),
            'l' => !c.is_ascii_uppercase(),
            'u' => !c.is_ascii_lowercase(),
            'a' => true,
            class => panic!("no class {class}"),
        };
        // The same letters in another order each time.
        let letters: Vec<char> =
            ('0'..='9').chain('a'..='z').chain('A'..='Z').filter(fits).collect();
        let mut state = (seed * 64 + nth + 1) as u64;
        out.extend((0..count).map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            letters[(state >> 33) as usize % letters.len()]
        }));
        out.push_str(rest);
    }
    out
}

#[test]
fn of_the_forms_of_secrets_95_in_100_are_found() {
    let redactor = Redactor::default();
    let forms = forms();
    let stays = |secret: &str, clean: &str| {
        // No half of it may stay either.
        let half = secret.len().div_ceil(2);
        secret.is_char_boundary(half)
            && (clean.contains(&secret[..half]) || clean.contains(&secret[secret.len() - half..]))
    };
    let missed: Vec<_> = forms
        .iter()
        .map(|(line, secret)| (redactor.text(line), secret))
        .filter(|(clean, secret)| stays(secret, clean))
        .collect();
    println!("redaction: {} of {} forms found", forms.len() - missed.len(), forms.len());
    assert_eq!(forms.len(), ALL_FORMS);
    assert!(forms.len() - missed.len() >= LEAST_FORMS, "{missed:#?}");
}

#[test]
fn no_line_of_the_demos_day_is_touched() {
    let redactor = Redactor::default();
    let day = demo::day(Timestamp::from_millis(1_795_219_200_000));
    let (mut bytes, start) = (0, Instant::now());
    for row in day {
        bytes += row.message.len();
        let mut clean = row.clone();
        redactor.clean_row(&mut clean);
        assert_eq!(format!("{clean:?}"), format!("{row:?}"));
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "redaction: {bytes} bytes of the demo's day, {:.2} MB/s",
        f64::from(bytes as u32) / seconds / 1e6
    );
}

#[test]
fn what_is_around_a_secret_stays() {
    let redactor = Redactor::default();
    for (line, wanted) in [
        ("user=a password=b c=d", "user=a password=[redacted] c=d"),
        (
            "\u{1b}[3mpassword\u{1b}[0m\u{1b}[2m=\u{1b}[0mb\u{1b}[0m c",
            "\u{1b}[3mpassword\u{1b}[0m\u{1b}[2m=\u{1b}[0m[redacted]\u{1b}[0m c",
        ),
        ("x https://u:p@h/p?q y", "x https://[redacted]@h/p?q y"),
        ("{\"token\":123,\"n\":1}", "{\"token\":\"[redacted]\",\"n\":1}"),
        (
            "{\"m\":\"{\\\"secret\\\":\\\"a b\\\"}\"}",
            "{\"m\":\"{\\\"secret\\\":\\\"[redacted]\\\"}\"}",
        ),
        (
            "Authorization: Bearer abc.def-12 from 10.0.0.1",
            "Authorization: Bearer [redacted] from 10.0.0.1",
        ),
        ("[A-BC-001] token=x, job 7", "[A-BC-001] token=[redacted], job 7"),
    ] {
        assert_eq!(redactor.text(line), wanted);
    }
    let (key, _) = pem("PRIVATE KEY");
    let around = format!("before {key} behind\nnext");
    assert_eq!(redactor.text(&around), "before [redacted]\n behind\nnext");
}

#[test]
fn redacted_text_is_not_redacted_again() {
    let redactor = Redactor::default();
    for (line, _) in secrets().into_iter().chain(forms()) {
        let once = redactor.text(&line).into_owned();
        assert!(
            matches!(redactor.text(&once), Cow::Borrowed(_)),
            "{once}: {}",
            redactor.text(&once)
        );
    }
}

#[test]
fn json_stays_json() {
    let redactor = Redactor::default();
    for (line, _) in secrets().into_iter().chain(forms()) {
        let quoted =
            serde_json::json!({"message": line, "password": 7, "n": [1, line], "a_token": [1, [2]]}).to_string();
        let redacted = redactor.text(&quoted);
        let read: Result<serde_json::Value, _> = serde_json::from_str(&redacted);
        assert!(read.is_ok(), "{quoted}\nbecame {redacted}");
    }
}

#[test]
fn a_secret_that_was_learned_goes_wherever_it_stands_also_inside_json() {
    let redactor = Redactor::default();
    redactor.learn("swordfish \"quoted\" \\ and more");
    redactor.learn("short");
    redactor.learn_environment([
        ("GITHUB_TOKEN".into(), "plain words only".into()),
        ("EDITOR".into(), "an editor of choice".into()),
        ("OLDPWD".into(), "/home/somebody".into()),
    ]);
    let said = "a swordfish \"quoted\" \\ and more, short, plain words only, an editor of choice, /home/somebody";
    let wanted = "a [redacted], short, [redacted], an editor of choice, /home/somebody";
    assert_eq!(redactor.text(said), wanted);
    let quoted = serde_json::json!({"m": said}).to_string();
    assert_eq!(redactor.text(&quoted), serde_json::json!({"m": wanted}).to_string());
    assert!(!format!("{redactor:?}").contains("swordfish"));
}

#[test]
fn every_column_of_a_row_is_redacted_and_extra_data_stays_json() {
    let token = &tokens()[0];
    let mut row = NewLogRow::new(
        "2026-11-21T08:00:00Z",
        lamplighter::model::Level::Error,
        "s",
        format!("m {token}"),
    );
    row.correlation_id = Some(format!("req-{token}"));
    row.user_id = Some(format!("u {token}"));
    row.request_path = Some(format!("/x?token={token}"));
    row.extra_data = Some(format!(
        "{{\"a\":{{\"password\":\"x y\",\"pin_token\":7}},\"b\":[\"{token}\"],\"n\":1}}"
    ));
    Redactor::default().clean_row(&mut row);
    assert!(!format!("{row:?}").contains(token.as_str()), "{row:?}");
    let extra = row.extra_data.unwrap();
    let wanted = serde_json::json!({"a": {"password": REDACTED, "pin_token": REDACTED}, "b": [REDACTED], "n": 1});
    assert_eq!(serde_json::from_str::<serde_json::Value>(&extra).unwrap(), wanted);
}

#[test]
fn a_stream_cut_at_any_byte_gives_what_the_whole_text_gives() {
    let redactor = Redactor::default();
    redactor.learn("läng-und-breit-geheim");
    let (key, _) = pem("RSA PRIVATE KEY");
    let (token, jwt) = (&tokens()[0], &tokens()[21]);
    let text = format!(
        "grün {token} läng-und-breit-geheim\n{{\"password\":\"a b\"}}\n\n{key}\nplain – line\n\
         jwt {jwt}\nhttps://u:p@h/ Authorization: Bearer {token}"
    );
    let whole = redactor.text(&text).into_owned();
    assert!(whole.contains("plain – line") && !whole.contains(token.as_str()));
    for at in 0..=text.len() {
        let mut stream = RedactStream::new(&redactor);
        let (first, second) = text.as_bytes().split_at(at);
        let out = stream.push(first) + &stream.push(second) + &stream.finish();
        assert_eq!(out, whole, "cut at byte {at}");
    }
    let mut stream = RedactStream::new(&redactor);
    let bytes: String = text.bytes().map(|byte| stream.push(&[byte])).collect();
    assert_eq!(bytes + &stream.finish(), whole, "byte by byte");
}

#[test]
fn a_stream_holds_a_bounded_tail_and_cuts_an_endless_line() {
    let redactor = Redactor::default();
    let mut stream = RedactStream::new(&redactor);
    let token = &tokens()[0];
    let mut out = String::new();
    for _ in 0..3_000 {
        out += &stream.push(format!("{} {token} ", "w".repeat(1_000)).as_bytes());
    }
    out += &stream.push(b"\nnext line\n");
    assert!(out.ends_with("… (cut)\nnext line\n") && out.len() < 1_100_000, "{}", out.len());
    assert!(!out.contains(&token[..12]));
}

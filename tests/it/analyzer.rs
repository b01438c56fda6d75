//! How good the built-in analyzer is: made-up logs, written by hand with their truth, and its score on them.
//!
//! A problem counts as found when exactly one issue cites nothing but its rows and has its class. The demo's day
//! (`demo.rs`) is what the analyzer was built with; the logs here are worded by other programs and other people.

use crate::support::{START, now, store, until};
use lamplighter::Engine;
use lamplighter::clock::Clock;
use lamplighter::model::Classification::{self, ClientMisuse, DocumentationGap, ServerBug};
use lamplighter::model::Level::{self, Critical, Error, Info, Warning};
use lamplighter::model::{Kind, NewJob, NewLogRow, Status};
use lamplighter::monitor::{self, Tracking};
use lamplighter::store::{LogStore, OpenMode};
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// An issue as the database holds it.
#[derive(Debug)]
pub struct Filed {
    pub classification: String,
    pub title: String,
    /// Ids of the log rows it cites.
    pub evidence: Vec<i64>,
    pub occurrences: u64,
}

/// The issues of a data directory, oldest first.
pub fn filed(data: &Path) -> Vec<Filed> {
    let conn = crate::support::foreign(data);
    let sql = "SELECT classification, title, evidence, occurrences \
        FROM self_monitoring_issues ORDER BY id";
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| {
        let evidence: String = row.get(2)?;
        Ok(Filed {
            classification: row.get(0)?,
            title: row.get(1)?,
            evidence: serde_json::from_str(&evidence).unwrap(),
            occurrences: row.get::<_, i64>(3)? as u64,
        })
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// How well issues fit problems.
#[derive(Debug)]
pub struct Score {
    /// Issues that fit exactly one problem and have its class, of all issues.
    pub precision: f64,
    /// Problems that exactly one such issue fits, of all problems.
    pub recall: f64,
    problems: usize,
    issues: usize,
    /// What went wrong, for whoever reads the test's output.
    pub misses: Vec<String>,
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { precision, recall, .. } = self;
        let (problems, issues) = (self.problems, self.issues);
        write!(
            f,
            "precision {precision:.2}, recall {recall:.2} ({problems} problems, {issues} issues)"
        )
    }
}

/// Compares issues with the classes of the problems; `problem_of` names the problem a log row belongs to.
pub fn score(
    classes: &[Classification],
    issues: &[Filed],
    problem_of: impl Fn(i64) -> Option<usize>,
) -> Score {
    let mut fitting = vec![0; classes.len()];
    let mut misses = Vec::new();
    for issue in issues {
        let first = problem_of(issue.evidence[0]);
        let pure = issue.evidence.iter().all(|row| problem_of(*row) == first);
        match first {
            Some(problem) if pure && classes[problem].as_str() == issue.classification => {
                fitting[problem] += 1;
            }
            Some(_) | None => misses.push(format!("{} fits no problem", issue.title)),
        }
    }
    let good: usize = fitting.iter().sum();
    let found = fitting.iter().filter(|n| **n == 1).count();
    for (problem, n) in fitting.iter().enumerate().filter(|(_, n)| **n != 1) {
        misses.push(format!("problem {problem} has {n} issues"));
    }
    Score {
        precision: ratio(good, issues.len()),
        recall: ratio(found, classes.len()),
        problems: classes.len(),
        issues: issues.len(),
        misses,
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    let exact = |n: usize| f64::from(u32::try_from(n).unwrap());
    exact(part) / exact(whole)
}

/// One problem of a made-up log: its truth and its rows, as its program wrote them.
pub struct Told {
    class: Classification,
    level: Level,
    source: &'static str,
    rows: &'static [&'static str],
}

pub const fn told(
    class: Classification,
    level: Level,
    source: &'static str,
    rows: &'static [&'static str],
) -> Told {
    Told { class, level, source, rows }
}

/// A hospital's booking service: Django, Java, Node and Rust beside each other.
const HOSPITAL: &[Told] = &[
    told(
        ServerBug,
        Error,
        "rota.importer",
        &[
            "Exception while importing rota for ward 7B\nTraceback (most recent call last):\n  \
             File \"/srv/booking/rota/importer.py\", line 88, in load\n    end = row['shift_end']\n\
             KeyError: 'shift_end'",
            "Exception while importing rota for ward 12\nTraceback (most recent call last):\n  \
             File \"/srv/booking/rota/importer.py\", line 88, in load\n    end = row['shift_end']\n\
             KeyError: 'shift_end'",
        ],
    ),
    told(
        ServerBug,
        Error,
        "org.clinic.hl7.Gateway",
        &[
            "Failed to route ADT^A08 message 7f3a9c21\njava.lang.NullPointerException: Cannot invoke \
             \"Patient.getMrn()\" because \"patient\" is null\n\tat org.clinic.hl7.Router.route(Router.java:131)\n\t\
             at org.clinic.hl7.Gateway.onMessage(Gateway.java:58)",
            "Failed to route ADT^A08 message 0b11d4e9\njava.lang.NullPointerException: Cannot invoke \
             \"Patient.getMrn()\" because \"patient\" is null\n\tat org.clinic.hl7.Router.route(Router.java:131)\n\t\
             at org.clinic.hl7.Gateway.onMessage(Gateway.java:58)",
        ],
    ),
    told(
        ServerBug,
        Critical,
        "pg.pool",
        &[
            "could not obtain a connection from the pool within 30s (active=20, idle=0, waiting=3)",
            "could not obtain a connection from the pool within 30s (active=20, idle=0, waiting=17)",
            "could not obtain a connection from the pool within 30.5s (active=19, idle=1, waiting=8)",
        ],
    ),
    told(
        ServerBug,
        Error,
        "slots",
        &[
            "thread 'tokio-runtime-worker' panicked at src/slots.rs:211:14:\n\
             index out of bounds: the len is 96 but the index is 96\nnote: run with `RUST_BACKTRACE=1`",
            "thread 'tokio-runtime-worker' panicked at src/slots.rs:211:14:\n\
             index out of bounds: the len is 48 but the index is 51\nnote: run with `RUST_BACKTRACE=1`",
        ],
    ),
    told(
        ServerBug,
        Error,
        "slots",
        &[
            "thread 'expiry' panicked at src/hold.rs:40:9:\n\
             called `Result::unwrap()` on an `Err` value: PoisonError { .. }",
            "thread 'expiry' panicked at src/hold.rs:40:9:\n\
             called `Result::unwrap()` on an `Err` value: PoisonError { .. }",
        ],
    ),
    told(
        ServerBug,
        Error,
        "kiosk-ui",
        &[
            "TypeError: Cannot read properties of undefined (reading 'slots')\n    \
             at renderWeek (/app/dist/calendar.js:1204:17)\n    at onSelect (/app/dist/calendar.js:88:3)",
            "TypeError: Cannot read properties of undefined (reading 'slots')\n    \
             at renderWeek (/app/dist/calendar.js:1204:17)\n    at onTimer (/app/dist/kiosk.js:19:5)",
        ],
    ),
    told(
        ServerBug,
        Warning,
        "notify.sms",
        &[
            "SMS gateway responded 503 Service Unavailable, 214 reminders stay in the outbox",
            "SMS gateway responded 503 Service Unavailable, 215 reminders stay in the outbox",
            "SMS gateway responded 502 Bad Gateway, 1 reminders stay in the outbox",
        ],
    ),
    told(
        ServerBug,
        Warning,
        "waitlist",
        &[
            "Lock wait timeout exceeded; try restarting transaction (entry 4471)",
            "Lock wait timeout exceeded; try restarting transaction (entry 9)",
        ],
    ),
    told(
        ServerBug,
        Warning,
        "billing",
        &[
            "Lock wait timeout exceeded; try restarting transaction (entry 120)",
            "Lock wait timeout exceeded; try restarting transaction (entry 77812)",
        ],
    ),
    told(
        ServerBug,
        Critical,
        "booking.api",
        &[
            "Consistency check: slot 2026-12-03T09:20 of room OP-3 holds 2 appointments",
            "Consistency check: slot 2026-12-04T14:00 of room OP-11 holds 3 appointments",
        ],
    ),
    told(
        ClientMisuse,
        Warning,
        "booking.api",
        &[
            "POST /fhir/Appointment -> 422 Unprocessable Entity: participant is required",
            "POST /fhir/Appointment -> 422 Unprocessable Entity: participant is required",
        ],
    ),
    told(
        ClientMisuse,
        Warning,
        "auth",
        &[
            "[BOOK-AUTH-003] token of kiosk 12 has expired, please renew",
            "[BOOK-AUTH-003] signature of kiosk 9 does not match its key",
            "[BOOK-AUTH-003] token of kiosk 3 has expired, please renew",
        ],
    ),
    told(
        ClientMisuse,
        Warning,
        "booking.api",
        &[
            "Client 10.4.0.17 sent more than 60 requests in a minute and is throttled for 30 s",
            "Client 10.4.0.201 sent more than 60 requests in a minute and is throttled for 15 s",
        ],
    ),
    told(
        ClientMisuse,
        Warning,
        "portal",
        &[
            "Could not parse date \"31/02/2026\" submitted by user 4410",
            "Could not parse date \"tomorrow\" submitted by user 92",
        ],
    ),
    told(
        ClientMisuse,
        Warning,
        "portal",
        &[
            "User 311 tried to cancel an appointment of another patient: access denied",
            "User 2044 tried to cancel an appointment of another patient: access denied",
        ],
    ),
    told(
        ClientMisuse,
        Warning,
        "django.security.csrf",
        &[
            "Forbidden (CSRF token missing.): /booking/new",
            "Forbidden (CSRF token missing.): /booking/7/edit",
        ],
    ),
    told(
        ClientMisuse,
        Error,
        "fhir.import",
        &[
            "Rejected bundle {\"resourceType\":\"Bundle\",\"id\":\"a91\",\"total\":3}: field \"birthDate\" has the wrong type",
            "Rejected bundle {\"resourceType\":\"Bundle\",\"id\":\"77c\",\"total\":12}: field \"gender\" has the wrong type",
        ],
    ),
    told(
        DocumentationGap,
        Warning,
        "notify.sms",
        &[
            "ignoring unrecognised key 'reminder.lead_hours' in /etc/booking/notify.yaml",
            "ignoring unrecognised key 'reminder.quiet' in /etc/booking/notify.yaml",
        ],
    ),
    told(
        DocumentationGap,
        Warning,
        "py.warnings",
        &[
            "/srv/booking/rota/views.py:17: DeprecationWarning: clinic_ref() will be removed in 6.0, the migration guide does not mention it",
            "/srv/booking/rota/views.py:93: DeprecationWarning: clinic_ref() will be removed in 6.0, the migration guide does not mention it",
        ],
    ),
    told(
        DocumentationGap,
        Warning,
        "settings",
        &[
            "[BOOK-CONF-011] environment variable BOOKING_TZ has no effect since 5.2, see the manual",
            "[BOOK-CONF-011] environment variable BOOKING_LANG has no effect since 5.2, see the manual",
        ],
    ),
    told(
        DocumentationGap,
        Warning,
        "help",
        &[
            "Link to https://docs.clinic.example/export/fhir leads nowhere: the page is missing from the handbook",
            "Link to https://docs.clinic.example/rota leads nowhere: the page is missing from the handbook",
        ],
    ),
];

/// A tram operator's ticketing.
const TRAM: &[Told] = &[
    told(
        ServerBug,
        Error,
        "fare-engine",
        &[
            "Unexpected error computing fare for journey 88121\nSystem.DivideByZeroException: Attempted to divide by zero.\n   \
             at Fares.Zone.Split(Int32 zones) in /src/Fares/Zone.cs:line 61",
            "Unexpected error computing fare for journey 88409\nSystem.DivideByZeroException: Attempted to divide by zero.\n   \
             at Fares.Zone.Split(Int32 zones) in /src/Fares/Zone.cs:line 61",
        ],
    ),
    told(
        ServerBug,
        Error,
        "validator.sync",
        &[
            "panic: runtime error: invalid memory address or nil pointer dereference\n\ngoroutine 41 [running]:\n\
             main.(*Sync).push(0x0)\n\t/go/src/validator/sync.go:77 +0x1d",
            "panic: runtime error: invalid memory address or nil pointer dereference\n\ngoroutine 1207 [running]:\n\
             main.(*Sync).push(0x0)\n\t/go/src/validator/sync.go:77 +0x1d",
        ],
    ),
    told(
        ServerBug,
        Error,
        "timetable",
        &[
            "Traceback (most recent call last):\n  File \"gtfs.py\", line 12, in <module>\n    feed = load(path)\n\
             UnicodeDecodeError: 'utf-8' codec can't decode byte 0xe9 in position 120",
            "Traceback (most recent call last):\n  File \"gtfs.py\", line 12, in <module>\n    feed = load(path)\n\
             UnicodeDecodeError: 'utf-8' codec can't decode byte 0xfc in position 9931",
        ],
    ),
    told(
        ServerBug,
        Warning,
        "redis",
        &[
            "Replica 10.9.0.3:6379 lags 48 s behind the primary",
            "Replica 10.9.0.4:6379 lags 131 s behind the primary",
        ],
    ),
    told(
        ServerBug,
        Critical,
        "ledger",
        &[
            "Checksum of journal segment 000412 does not match, segment set aside",
            "Checksum of journal segment 000413 does not match, segment set aside",
        ],
    ),
    told(
        ServerBug,
        Error,
        "ledger",
        &[
            "Disk full while appending to journal segment 000418",
            "Disk full while appending to journal segment 000419",
        ],
    ),
    told(
        ServerBug,
        Error,
        "acquirer",
        &[
            "[TRAM-PAY-020] acquirer hung up during capture of payment 5512",
            "[TRAM-PAY-020] acquirer returned an empty body for payment 5518",
        ],
    ),
    told(
        ClientMisuse,
        Warning,
        "gateway",
        &[
            "GET /v1/departures?stop=abc 400 12ms ua=\"okhttp/4.9.1\" stop must be numeric",
            "GET /v1/departures?stop=x9 400 8ms ua=\"curl/8.5.0\" stop must be numeric",
        ],
    ),
    told(
        ClientMisuse,
        Warning,
        "gateway",
        &[
            "App version 3.1.0 from device 9f2c11aa still calls retired endpoint /v0/tickets",
            "App version 3.0.4 from device 51be07d2 still calls retired endpoint /v0/passes",
        ],
    ),
    told(
        ClientMisuse,
        Warning,
        "idp",
        &[
            "Login for rider 8812 denied after 5 attempts with a wrong PIN",
            "Login for rider 1003 denied after 7 attempts with a wrong PIN",
        ],
    ),
    told(
        ClientMisuse,
        Error,
        "uploads",
        &[
            "Photo of 31 MB exceeds the limit of 8 MB, upload by rider 77 refused",
            "Photo of 12 MB exceeds the limit of 8 MB, upload by rider 4 refused",
        ],
    ),
    told(
        DocumentationGap,
        Warning,
        "config",
        &[
            "setting `fares.cap_weekly` is not known to this version and was skipped",
            "setting `fares.grace` is not known to this version and was skipped",
        ],
    ),
    told(
        DocumentationGap,
        Warning,
        "support.bot",
        &[
            "No help article found for error shown to rider 5120",
            "No help article found for error shown to rider 31",
        ],
    ),
    told(
        DocumentationGap,
        Warning,
        "api.docs",
        &[
            "response of /v1/zones has field \"colour\" that the OpenAPI description lacks",
            "response of /v1/stops has field \"platform\" that the OpenAPI description lacks",
        ],
    ),
];

/// Rows that sound grave and are not; no issue may cite them.
const CALM: &[(&str, &str)] = &[
    ("nightly.check", "0 errors, 0 warnings found in 1200 records"),
    ("notify", "retry 2 after timeout succeeded, failure counter reset"),
    ("audit", "access denied page viewed by administrator"),
];

/// Logs the stories row by row in turn, scans once, and answers the issues and the score.
pub async fn scan(stories: &[Told]) -> (Vec<Filed>, Score) {
    let (folder, store) = store();
    let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
    let mut rows = Vec::new();
    let mut truth = Vec::new();
    let longest = stories.iter().map(|story| story.rows.len()).max().unwrap();
    for turn in 0..longest {
        for (problem, story) in stories.iter().enumerate() {
            if let Some(text) = story.rows.get(turn) {
                truth.push(Some(problem));
                rows.push((story.level, story.source, *text));
            }
        }
        for (source, text) in CALM {
            truth.push(None);
            rows.push((Info, *source, *text));
        }
    }
    let dated = |(n, (level, source, text))| {
        let at = START.plus(Duration::from_secs(n));
        NewLogRow::new(at.to_string(), level, source, text)
    };
    logs.append((0..).zip(rows).map(dated).collect()).await.unwrap();

    let builder = Engine::builder(store.clone(), Clock::system());
    let engine = monitor::register(builder, &store, &logs, None, &Tracking::Local).start().unwrap();
    let id = store.enqueue(NewJob::new(Kind::SELF_MONITORING), now()).await.unwrap().id();
    let job = until(&store, id, |job| job.status.is_final()).await;
    assert_eq!(job.status, Status::Completed, "{job:?}");
    engine.stop(Duration::from_secs(10)).await;

    let issues = filed(folder.path());
    let classes: Vec<Classification> = stories.iter().map(|story| story.class).collect();
    let fit = score(&classes, &issues, |row| truth[row as usize - 1]);
    (issues, fit)
}

#[tokio::test]
async fn a_hospitals_log_in_other_words_is_understood() {
    let (issues, score) = scan(HOSPITAL).await;
    println!("hospital: {score}");
    for issue in issues {
        println!("  {} ({})", issue.title, issue.occurrences);
    }
    assert!(score.precision >= 0.9 && score.recall >= 0.9, "{score} {:#?}", score.misses);
}

#[tokio::test]
async fn a_tram_log_is_understood() {
    let (_, score) = scan(TRAM).await;
    println!("tram: {score}");
    assert!(score.precision >= 0.9 && score.recall >= 0.9, "{score} {:#?}", score.misses);
}

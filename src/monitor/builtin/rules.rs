//! The table of rules that says from a message's words whose problem it is.
//!
//! Rules name words of the field (of crashes, of HTTP, of configuration, of manuals), never those of one program.

use crate::model::Classification::{self, ClientMisuse, DocumentationGap, ServerBug};
use crate::monitor::template::has_trace;

/// What a rule answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    pub(super) classification: Classification,
    /// One sentence for the finding: which rule spoke, and where to look.
    pub(super) cause: &'static str,
}

/// The answer where no rule recognises any row.
pub(super) const DEFAULT: Verdict = Verdict {
    classification: ServerBug,
    cause: "No rule recognised the message as a caller's mistake or a gap in the documentation, so it counts as \
        the server's.",
};

const BY_STATUS: Verdict = Verdict {
    classification: ClientMisuse,
    cause: "The answer was a 4xx status, which blames the request; look at the caller first.",
};

const CRASH: Verdict = Verdict {
    classification: ServerBug,
    cause: "The message names a fault while the server worked (a crash, an answer of the 500s or broken data): \
        look at the server.",
};

/// A rule: it fits where each list of `all` has an alternative in the text, and `none` has none.
///
/// A list is divided by commas. An alternative is a word, or several in a row; a star at the end of a word stands for
/// any ending.
struct Rule {
    all: &'static [&'static str],
    none: &'static str,
    verdict: Verdict,
}

/// The things a configuration is made of. The virtual word `configfile` stands for the path of one.
const SETTINGS: &str = "option*, setting*, config, configuration, configfile, flag, flags, directive*, preference*, \
    environment variable*, env var*, env, propert*, feature toggle*";
/// Books that explain a program.
const MANUALS: &str = "documentation, documented, docs, the manual, user manual, admin manual, handbook, guide, \
    readme, runbook, tutorial, faq, wiki, release notes, upgrade notes, changelog, annex, appendix, procedure*, knowledge base, help page*, help article*, \
    help topic*, help text*, man page*, openapi, swagger, api reference, reference manual, glossary";
/// Those who call, and what they call with.
const CALLERS: &str = "client*, caller*, user*, customer*, visitor*, browser*, consumer*, subscriber*, tenant*, \
    guest*, partner*, member*, operator*, owner*, crawler*, bot, bots, badge*, card*, device*, ip, request, requests, login, session, token*, api, credential*, cookie*, \
    jwt, bearer, otp";
/// What people are, in the programs that they use.
const PEOPLE: &str = "somebody, someone, nobody, person, people, player*, reader*, author*, editor*, buyer*, seller*, student*, \
    teacher*, pupil*, patient*, driver*, rider*, passenger*, observer*, merchant*, vendor*, supplier*, contractor*, employee*, \
    applicant*, candidate*, citizen*, resident*, donor*, participant*, attendee*, volunteer*, creator*, viewer*, tourist*, \
    traveller*, traveler*, hiker*, farmer*, shopper*, bidder*, borrower*, subscriber*, listener*, spectator*, colleague*";
/// What callers send.
const INPUT: &str = "request, requests, body, payload*, header*, param*, argument*, field*, input, query string, \
    query param*, token*, credential*, signature*, api key, cookie*, form, upload*, uploaded, submitted, sent by, \
    json, xml, csv, content type, user agent, username, email address, date, url";

/// The rules; the first that fits wins. Signs of a crash come first, since a fault may quote a client's words; then
/// documentation, since `unknown` and `deprecated` are words of it and of the client; then what the server depends
/// on, since a provider's refusal reads like our own.
const RULES: &[Rule] = &[
    Rule {
        all: &[
            "panicked, panic, traceback, unhandled, uncaught, segfault, segmentation fault, core dumped, \
            deadlock*, overflow, overflowed, corrupt*, inconsisten*, invariant*, assertion failed, \
            internal server error, internal error, unexpected error, unexpected exception, out of memory, oom, \
            oomkilled, no space left, nullpointerexception, null pointer, nil pointer, \
            stack overflow, data loss, data race, integrity, crashed, crash loop, killed",
        ],
        none: "",
        verdict: CRASH,
    },
    Rule {
        all: &[
            SETTINGS,
            "unknown, unrecogni*, undocumented, deprecat*, obsolete, ignored, ignoring, no effect, no longer, \
            removed, renamed, superseded, unsupported, not supported, not recogni*, did you mean, misspelled, \
            not known, skipped, not read, nowhere, twice, no meaning, without meaning, nothing reads, nothing uses, nobody reads, \
            not used, unused, passed over, does nothing, without effect, has moved, was moved",
        ],
        none: "request*, body, payload, header*, client*, caller*",
        verdict: ABOUT_DOCS,
    },
    Rule {
        all: &[
            MANUALS,
            "no, not, missing, without, lacks, lacking, undocumented, outdated, out of date, obsolete, nowhere, \
            absent, incomplete, wrong, contradict*, differs, disagree*, unclear, empty, broken, nothing, never, \
            unexplained, gone, mention, stops, ends after, breaks off, unfinished, stale, old, dead, still says, still describes",
        ],
        none: "",
        verdict: ABOUT_DOCS,
    },
    Rule {
        all: &[
            "ignor*, passed over, skipping, skipped",
            "unknown, unrecogni*, obsolete, deprecat*, unsupported",
            "parameter*, key, keys, entry, entries, section*, keyword*, attribute*, propert*",
        ],
        none: "request*, body, payload, header*, client*, caller*, message*, row, rows, record*",
        verdict: ABOUT_DOCS,
    },
    Rule {
        all: &[
            "does nothing, no effect, without effect, no meaning",
            "release*, version*, since, any more, anymore, longer",
        ],
        none: "",
        verdict: ABOUT_DOCS,
    },
    Rule {
        all: &["undocumented, deprecat*, deprecationwarning, will be removed, did you mean"],
        none: "client*, caller*, consumer*, api, endpoint*, request*, app",
        verdict: ABOUT_DOCS,
    },
    Rule {
        all: &[
            "upstream, backend, provider, dependency, replica*, timed out, timeout, time out, deadline exceeded, \
            connection refused, connection reset, connection closed, connection lost, connection pool, \
            broken pipe, unreachable, no route to host, name resolution, could not connect, \
            failed to connect, access denied for user, password authentication failed for user, circuit breaker, \
            smtp, not sent, not delivered, could not be sent, could not be delivered, undeliver*, try later, \
            try again later, no reply, did not answer, does not answer, hung up",
        ],
        none: "",
        verdict: Verdict {
            classification: ServerBug,
            cause: "The message names something the server depends on that did not answer or refused: look at \
                that service, at the network and at the server's own credentials.",
        },
    },
    Rule {
        all: &[
            "malformed, bad request, unauthori*, unauthenticated, forbidden, csrf, throttl*, rate limit*, \
            rate limited, too many requests, quota exceeded, method not allowed, not acceptable, \
            unsupported media, payload too large, content too large, entity too large, unprocessable, \
            authentication failed, authentication failure, authentication error, authentication attempts, auth attempts, \
            login failed, failed login, login error, login attempt*, failed password, password failed, invalid user, \
            illegal user, unknown user, access denied, untrusted, trusted domain, invalid user credentials, \
            invalid client credentials, invalid grant, invalid client, unauthorized client, access forbidden, \
            wrong password*, wrong passwords, bad password, wrong one time, invalid one time, invalid credential*, bad credential*, brute force, \
            validation failed, failed validation, validation error*, client error",
        ],
        none: "",
        verdict: REFUSED,
    },
    Rule {
        all: &[
            "wrong pin, wrong code, wrong passphrase, wrong secret, not allowed to, not permitted to, not entitled, \
            lacks permission, no permission, only are allowed, only is allowed, belongs to another, \
            belongs to somebody else, times a second, times a minute, per second, per minute, too fast, still calls, \
            still uses, retired endpoint*, retired api, retired version, returned to its sender, \
            returned to sender, returned to the sender, used from, shared account, replayed",
        ],
        none: "disk, memory, cpu, queue*",
        verdict: REFUSED,
    },
    Rule {
        all: &[
            CALLERS,
            "rejected, refused, refusing, denied, blocked, banned, not allowed, not permitted, disallowed, expired, \
            revoked, deprecat*, abus*, misus*, turned down, turned away, gone since, retired, sunset, was removed",
        ],
        none: "",
        verdict: REFUSED,
    },
    Rule {
        all: &[
            PEOPLE,
            "rejected, refused, refusing, denied, blocked, banned, not allowed, not permitted, disallowed, expired, \
            revoked, abus*, misus*, turned down, turned away, dropped, declined, does not exist, do not exist, unknown, wrong, \
            invalid, too many, too often, too fast, already, twice, at once, without a, without permission",
        ],
        none: "table, tables, column*, relation*, index, schema, file, directory, function*, module*, class, replica*, process, thread*",
        verdict: REFUSED,
    },
    Rule {
        all: &[
            "sent, sends, posted, posts, asks, asked, calls, called, requests, requested, made, makes, opened, opens, queries, \
            fetched, fetches, polls, polled, submits, submitted, tried",
            "a second, one second, a minute, one minute, an hour, one hour, a day, one day, at once, in parallel",
            "agreed, allowed, allowance, limit*, at most, quota, only, contract*, dropped, maximum",
        ],
        none: "",
        verdict: REFUSED,
    },
    Rule {
        all: &[
            "asks for, asked for, wants, wanted, requests, requested, orders, ordered, books, booked",
            "left, available, remaining, allowed, at most, too many, more than, less than, only has, has only, turned down",
        ],
        none: "memory, heap, disk, bytes, pool, connection*, thread*, cpu, buffer*, node, server, could not be",
        verdict: REFUSED,
    },
    Rule {
        all: &[
            "we take, we accept, accepts only, only accepts, takes only, accepted are, allowed are, allowed types, supported types, \
            expected one of, must be one of, should be one of, is not one of",
        ],
        none: "",
        verdict: REFUSED,
    },
    Rule {
        all: &[
            "script*, macro*, formula*, expression*, console, command line, command",
            "no such command, unknown command, not a command, no such function, unknown function, no such variable, syntax error",
        ],
        none: "migration*, startup, entrypoint",
        verdict: REFUSED,
    },
    Rule {
        all: &[
            "pin, password*, passcode*, passphrase*, badge*, card*, key, keys, login*, token*, ticket*, pass, account*",
            "wrong, stolen, lost, twice, outside, not valid, at two, at once, too often, put off, taken in, already used, \
            used before, in use elsewhere",
        ],
        none: "primary key, foreign key, disk, rotation, database, index, cache",
        verdict: REFUSED,
    },
    Rule {
        all: &[
            "reject*, turned down, turned away, declined, not accepted, disallowed, sent back to, held back, was returned to",
        ],
        none: "connection*, disk, database, db, server, relay, upstream, broker, replica*, kernel, peer, node, backend, \
            provider, gateway, certificate*, write*, driver, controller, batch, transaction, commit",
        verdict: REFUSED,
    },
    Rule {
        all: &[
            INPUT,
            "invalid, missing, required, unknown, unsupported, illegal, bad, not valid, must be, must not, \
            could not parse, cannot parse, can't parse, failed to parse, unparsable, unparseable, unreadable, \
            not a valid, wrong type, wrong format, wrong value, too large, too long, too short, too big, too many, \
            exceeds, out of range, not well formed, does not match, mismatch*, duplicate, instead of, lacks, lacking",
        ],
        none: "response*, row, rows, record*, table",
        verdict: REFUSED,
    },
];

const ABOUT_DOCS: Verdict = Verdict {
    classification: DocumentationGap,
    cause: "The message is about an option or a step that the documentation may not explain: compare the \
        documentation with what was tried.",
};

const REFUSED: Verdict = Verdict {
    classification: ClientMisuse,
    cause: "The message refuses what a caller sent: look at the caller, unless many callers do the same.",
};

/// Whose problem a message shows; `None` if no rule fits.
///
/// Words are looked up in the template; traces and the status are read from the sample.
pub(super) fn classify(template: &str, sample: &str) -> Option<Verdict> {
    let status = http_status(template, sample);
    if has_trace(sample) || status.is_some_and(|status| status >= 500) {
        return Some(CRASH);
    }
    let text = words(template, sample);
    let fits = |rule: &&Rule| {
        let has = |list: &&str| list.split(", ").any(|phrase| text.contains_phrase(phrase));
        rule.all.iter().all(has) && (rule.none.is_empty() || !has(&rule.none))
    };
    let rule = RULES.iter().find(fits).map(|rule| rule.verdict);
    rule.or(status.map(|_| BY_STATUS))
}

/// The lower-case words of a text.
struct Words(Vec<String>);

impl Words {
    fn contains_phrase(&self, phrase: &str) -> bool {
        let parts: Vec<&str> = phrase.split(' ').collect();
        let same = |(word, part): (&String, &&str)| match part.strip_suffix('*') {
            Some(start) => word.starts_with(start),
            None => word == part,
        };
        self.0.windows(parts.len()).any(|window| window.iter().zip(&parts).all(same))
    }
}

/// The words of the template that say what happened: error codes are names, and `see the manual` is a pointer.
fn words(template: &str, sample: &str) -> Words {
    let text = template.to_lowercase();
    let mut words: Vec<String> = Vec::new();
    for clause in text.split([',', ';', '(', ')']).flat_map(|part| part.split(". ")) {
        let found = clause
            .split(|c: char| !c.is_alphanumeric() && c != '\'')
            .filter(|word| !word.is_empty());
        let points = |word: &&str| !["see", "consult", "refer", "check", "read"].contains(word);
        words.extend(found.take_while(points).map(str::to_owned));
    }
    let is_config = |word: &str| {
        [".yaml", ".yml", ".toml", ".ini", ".conf", ".cfg", ".properties", ".env"]
            .iter()
            .any(|end| word.ends_with(end))
    };
    let line = sample.lines().next().unwrap_or_default();
    if line.split(|c: char| c.is_whitespace() || "\"'`(),;:".contains(c)).any(is_config) {
        words.push("configfile".to_owned());
    }
    Words(words)
}

/// The HTTP status of an error: what the template holds of one, or in the first line of the sample a three-digit word
/// after `status`, `HTTP/1.1`, `answered` and the like.
fn http_status(template: &str, sample: &str) -> Option<u16> {
    let line = sample.lines().next().unwrap_or_default();
    let mut words = line
        .split([' ', '=', ':', ','])
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    if template.split(' ').any(|word| word.trim_end_matches([',', ':', '.']) == "5xx") {
        return Some(500);
    }
    if let Some(status) = asked_status(line) {
        return Some(status).filter(|status| *status >= 400);
    }
    let mut before = words.next()?;
    for word in words.filter(|word| !word.is_empty()) {
        let announced = before.starts_with("HTTP")
            || ["status", "http", "answered", "responded", "returned"]
                .iter()
                .any(|w| before.eq_ignore_ascii_case(w))
            || before.ends_with("status_code");
        if announced
            && word.len() == 3
            && let Ok(status) = word.parse()
        {
            return Some(status).filter(|status| (400..600).contains(status));
        }
        before = word;
    }
    None
}

/// The status behind the path of a request: `GET /cart 404 12ms`.
fn asked_status(line: &str) -> Option<u16> {
    let verbs = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"];
    let mut words = line.split_whitespace().skip_while(|word| !verbs.contains(word));
    let (_, path, status) = (words.next()?, words.next()?, words.next()?);
    let status = status.trim_end_matches([':', ',', ';']);
    let is_status = path.starts_with('/') && status.len() == 3;
    status.parse().ok().filter(|status| is_status && (100..600).contains(status))
}

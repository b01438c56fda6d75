//! A made-up day in the logs of a made-up shop, with the answer key: what self-monitoring is shown and tested with.
//!
//! "Lantern & Wick" sells lamps. Its day is the same at every call, but for the start: thousands of ordinary rows, and
//! among them eight problems. Everything grave in it belongs to one of the eight, so that an analyzer which finds more
//! or fewer is wrong.

use crate::model::Classification::{self, ClientMisuse, DocumentationGap, ServerBug};
use crate::model::{Level, NewLogRow, Timestamp};
use std::time::Duration;

/// How many requests of the day meet no problem; each makes four rows.
const ORDINARY: usize = 1_300;
/// Length of the day, in milliseconds, less a minute for the last request to end.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000 - 60_000;

/// One line of the answer key: a problem that is in the day, and how an analyzer should report it.
#[derive(Debug)]
pub struct Problem {
    /// What kind of problem it is.
    pub classification: Classification,
    /// The error code its rows carry, if they carry one.
    pub code: Option<&'static str>,
    /// Words of the message that a fitting title holds.
    pub title: &'static str,
    /// How many rows of the day show it.
    pub rows: usize,
    level: Level,
    source: &'static str,
    /// Method and path of the requests that meet it.
    request: &'static str,
    /// Status they are answered with.
    status: u16,
    /// The hours in which it shows.
    hours: (u64, u64),
    /// The message behind the code; see [`Dice::fill`] for what is in braces.
    says: &'static str,
}

/// The eight problems of the day.
pub const PROBLEMS: &[Problem] = &[
    Problem {
        classification: ServerBug,
        code: Some("SHOP-PAY-014"),
        title: "payment provider timed out",
        rows: 312,
        level: Level::Error,
        source: "shop.payments",
        request: "POST /checkout",
        status: 502,
        hours: (9, 12),
        says: "payment provider timed out after {n} ms, order {n} is unpaid (attempt {d})",
    },
    Problem {
        classification: ServerBug,
        code: None,
        title: "Search index is",
        rows: 420,
        level: Level::Warning,
        source: "shop.search",
        request: "GET /search",
        status: 200,
        hours: (13, 20),
        says: "Search index is {n} documents behind, results for \"{hex}\" may be stale",
    },
    Problem {
        classification: ServerBug,
        code: Some("SHOP-CART-007"),
        title: "cart total could not be computed",
        rows: 37,
        level: Level::Error,
        source: "shop.cart",
        request: "GET /cart",
        status: 500,
        hours: (0, 24),
        says: "cart total could not be computed for cart {hex}\n\
            thread 'cart-{d}' panicked at src/cart/total.rs:88:17:\n\
            attempt to subtract with overflow\n\
            stack backtrace:\n   0: shop_cart::total::discounted\n             at src/cart/total.rs:88:17\n   \
            1: shop_cart::routes::show\n             at src/cart/routes.rs:41:9",
    },
    Problem {
        classification: ServerBug,
        code: None,
        title: "is negative",
        rows: 9,
        level: Level::Critical,
        source: "shop.inventory",
        request: "POST /checkout",
        status: 200,
        hours: (10, 11),
        says: "Stock of article LW-{n} is negative (-{d} pieces) after order {n}",
    },
    Problem {
        classification: ClientMisuse,
        code: Some("SHOP-API-021"),
        title: "invalid API token",
        rows: 164,
        level: Level::Warning,
        source: "shop.web",
        request: "GET /api/v2/orders",
        status: 401,
        hours: (2, 5),
        says: "invalid API token from {ip}, request {hex} refused",
    },
    Problem {
        classification: ClientMisuse,
        code: None,
        title: "Malformed request body",
        rows: 58,
        level: Level::Warning,
        source: "shop.web",
        request: "POST /api/v2/stock",
        status: 400,
        hours: (6, 18),
        says: "Malformed request body of {n} bytes: expected `,` or `}` at line {d} column {d}",
    },
    Problem {
        classification: DocumentationGap,
        code: Some("SHOP-CONF-002"),
        title: "unknown option",
        rows: 6,
        level: Level::Warning,
        source: "shop.mail",
        request: "POST /admin/reload",
        status: 200,
        hours: (0, 24),
        says: "unknown option \"smtp_retry_pause\" in /etc/shop/mail.toml line {d} is ignored, the manual lists no \
            such name",
    },
    Problem {
        classification: DocumentationGap,
        code: None,
        title: "Deprecated setting",
        rows: 24,
        level: Level::Warning,
        source: "shop.inventory",
        request: "POST /admin/stock/sync",
        status: 200,
        hours: (0, 24),
        says: "Deprecated setting \"stock.sync_mode\" is used by job {n}, and it has no documented replacement",
    },
];

/// What a request without a problem does: method and path, the service behind it, what that says.
const REQUESTS: &[(&str, &str, [&str; 2])] = &[
    ("GET /", "shop.search", ["front page from cache, age {n} ms", "{d} lamps on the front page"]),
    (
        "GET /search",
        "shop.search",
        ["query \"brass lantern\" parsed in {d} ms", "{n} hits in {n} documents"],
    ),
    ("GET /lamps/storm-lantern", "shop.inventory", ["stock of LW-{n} read", "{n} pieces in stock"]),
    ("POST /cart", "shop.cart", ["cart {hex} loaded", "article LW-{n} added to cart {hex}"]),
    ("POST /checkout", "shop.payments", ["charge {hex} prepared", "order {n} paid"]),
    (
        "POST /newsletter",
        "shop.mail",
        ["template welcome rendered in {d} ms", "mail {hex} handed over"],
    ),
];

/// All rows of the day that begins at `start`, oldest first: more than 5,000, of which those in [`PROBLEMS`] are a
/// warning or worse. The rows of one request share a correlation id.
pub fn day(start: Timestamp) -> Vec<NewLogRow> {
    let mut dice = Dice(0x4c61_6e74_6572_6e21);
    let mut rows: Vec<(u64, NewLogRow)> = Vec::new();
    for n in 0..ORDINARY {
        let (request, service, [first, second]) = REQUESTS[n % REQUESTS.len()];
        // The mean of two throws: most requests come around noon.
        let at = u64::midpoint(dice.below(DAY_MS), dice.below(DAY_MS));
        let said =
            [(Level::Debug, service, dice.fill(first)), (Level::Info, service, dice.fill(second))];
        visit(&mut rows, &mut dice, at, request, 200, said);
    }
    for problem in PROBLEMS {
        for _ in 0..problem.rows {
            let hour = 60 * 60 * 1_000;
            let (from, to) = (problem.hours.0 * hour, (problem.hours.1 * hour).min(DAY_MS));
            let at = from + dice.below(to - from);
            let code = problem.code.map_or(String::new(), |code| format!("[{code}] "));
            let said = (problem.level, problem.source, code + &dice.fill(problem.says));
            visit(&mut rows, &mut dice, at, problem.request, problem.status, [said]);
        }
    }
    rows.sort_by_key(|(at, _)| *at);
    let dated = |(at, row)| NewLogRow {
        timestamp: start.plus(Duration::from_millis(at)).to_string(),
        ..row
    };
    rows.into_iter().map(dated).collect()
}

/// Adds the rows of one request: its arrival, what the services said, its answer.
fn visit<const N: usize>(
    rows: &mut Vec<(u64, NewLogRow)>,
    dice: &mut Dice,
    mut at: u64,
    request: &str,
    status: u16,
    said: [(Level, &'static str, String); N],
) {
    let correlation = dice.fill("req-{hex}{hex}");
    let user = (dice.below(3) > 0).then(|| format!("customer-{}", 100 + dice.below(900)));
    let path = request.split_once(' ').map(|(_, path)| path.to_owned());
    let arrived = (Level::Info, "shop.web", format!("{request} {}", dice.fill("from {ip}")));
    let began = at;
    let mut add =
        |at: u64, (level, source, message): (Level, &str, String), extra: Option<String>| {
            let mut row = NewLogRow::new("", level, source, message);
            row.correlation_id = Some(correlation.clone());
            row.user_id.clone_from(&user);
            row.request_path.clone_from(&path);
            row.extra_data = extra;
            rows.push((at, row));
        };
    add(at, arrived, None);
    for line in said {
        at += 1 + dice.below(200);
        add(at, line, None);
    }
    at += 1 + dice.below(50);
    let took = at - began;
    let answered = (Level::Info, "shop.web", format!("{request} answered {status} in {took} ms"));
    add(at, answered, Some(format!("{{\"duration_ms\":{took},\"status\":{status}}}")));
}

/// Chance without a crate or a clock: xorshift64 (Marsaglia 2003), the same throws at every call.
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.throw() % end
    }

    /// The text with a number for each `{n}`, a digit for `{d}`, an id for `{hex}` and an address for `{ip}`.
    fn fill(&mut self, text: &str) -> String {
        let mut parts = text.split('{');
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').unwrap_or((part, ""));
            let value = match name {
                "n" => (10 + self.below(90_000)).to_string(),
                "d" => (1 + self.below(9)).to_string(),
                "hex" => format!("{:08x}", self.throw() >> 32),
                "ip" => format!("203.0.113.{}", 1 + self.below(254)),
                other => format!("{{{other}}}"),
            };
            filled += &value;
            filled += rest;
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::super::builtin::Analyzer;
    use super::super::template::mask;
    use super::*;
    use crate::model::LogRow;
    use std::collections::{BTreeSet, HashMap};

    fn start() -> Timestamp {
        Timestamp::from_millis(1_795_219_200_000)
    }

    #[test]
    fn the_day_is_long_ordered_and_always_the_same() {
        let rows = day(start());
        assert!(rows.len() >= 5_000, "{}", rows.len());
        assert!(rows.is_sorted_by_key(|row| &row.timestamp));
        assert!(rows[0].timestamp >= start().to_string());
        let end = start().plus(Duration::from_hours(24)).to_string();
        assert!(rows[rows.len() - 1].timestamp < end);
        assert_eq!(rows, day(start()));
    }

    #[test]
    fn the_rows_of_a_request_share_its_id_user_and_path() {
        let mut requests: HashMap<String, Vec<NewLogRow>> = HashMap::new();
        for row in day(start()) {
            requests.entry(row.correlation_id.clone().unwrap()).or_default().push(row);
        }
        for rows in requests.values() {
            assert!((3..=4).contains(&rows.len()));
            assert!(rows.iter().all(|row| row.user_id == rows[0].user_id));
            assert!(rows.iter().all(|row| row.request_path == rows[0].request_path));
        }
    }

    #[test]
    fn the_analyzer_finds_the_eight_problems_and_nothing_else() {
        let mut analyzer = Analyzer::new();
        let mut templates: HashMap<Option<&str>, BTreeSet<String>> = HashMap::new();
        for (id, row) in (1..).zip(day(start())).filter(|(_, row)| row.level >= Level::Warning) {
            let code = PROBLEMS.iter().filter_map(|p| p.code).find(|c| row.message.contains(c));
            templates.entry(code).or_default().insert(mask(&row.message));
            analyzer.push(&LogRow { id, row });
        }
        let findings = analyzer.finish();
        assert_eq!(findings.len(), PROBLEMS.len());
        for problem in PROBLEMS {
            let codes: Vec<&str> = problem.code.into_iter().collect();
            let of_it = |title: &str| title.contains(problem.title);
            let fitting: Vec<_> = findings.iter().filter(|f| of_it(&f.title)).collect();
            assert_eq!(fitting.len(), 1, "{}", problem.title);
            assert_eq!(fitting[0].error_codes, codes);
            assert_eq!(fitting[0].occurrences, problem.rows as u64, "{}", problem.title);
            assert_eq!(fitting[0].classification, problem.classification, "{}", problem.title);
        }
        // Codes or not, the rows of a problem differ only in values.
        assert!(
            templates.iter().all(|(code, set)| set.len() == if code.is_some() { 1 } else { 4 })
        );
    }

    #[test]
    fn the_answer_key_has_every_kind_of_problem() {
        assert_eq!(PROBLEMS.len(), 8);
        for classification in Classification::ALL {
            assert!(PROBLEMS.iter().any(|p| p.classification == classification));
        }
        assert!(PROBLEMS.iter().any(|p| p.says.contains('\n')));
    }
}

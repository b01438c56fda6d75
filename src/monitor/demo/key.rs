//! The answer key of the demo's day: its problems, and what the shop says while all is well.

use crate::model::Classification::{self, ClientMisuse, DocumentationGap, ServerBug};
use crate::model::Level;

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
    pub(super) level: Level,
    pub(super) source: &'static str,
    /// Method and path of the requests that meet it.
    pub(super) request: &'static str,
    /// Status they are answered with.
    pub(super) status: u16,
    /// The hours in which it shows.
    pub(super) hours: (u64, u64),
    /// The messages behind the code, in turn; `Dice::fill` says what may be in braces.
    pub(super) says: &'static [&'static str],
}

/// The problems of the day.
pub const PROBLEMS: &[Problem] = &[
    // One code, two ways of saying it.
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
        says: &[
            "payment provider timed out after {ms}, order {n} is unpaid (attempt {d})",
            "payment provider timed out after {ms}, order {n} is unpaid (attempt {d})",
            "order {n} is unpaid: payment provider answered 503 Service Unavailable",
        ],
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
        says: &["Search index is {n} documents behind, results for \"{hex}\" may be stale"],
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
        says: &["cart total could not be computed for cart {hex}\n\
             thread 'cart-{d}' panicked at src/cart/total.rs:88:17:\n\
             attempt to subtract with overflow\n\
             stack backtrace:\n\
             \x20  0: shop_cart::total::discounted\n\
             \x20            at src/cart/total.rs:88:17\n\
             \x20  1: shop_cart::routes::show\n\
             \x20            at src/cart/routes.rs:41:9"],
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
        says: &["Stock of article LW-{n} is negative (-{d} pieces) after order {n}"],
    },
    // The same words of the same source, but two faults.
    Problem {
        classification: ServerBug,
        code: None,
        title: "KeyError",
        rows: 14,
        level: Level::Error,
        source: "shop.mail",
        request: "POST /newsletter",
        status: 500,
        hours: (5, 9),
        says: &["Mailing {n} failed\n\
             Traceback (most recent call last):\n\
             \x20 File \"/srv/mail/run.py\", line 61, in run\n\
             \x20   send(mailing)\n\
             \x20 File \"/srv/mail/render.py\", line 133, in salutation\n\
             \x20   return NAMES[customer[\"title\"]]\n\
             KeyError: 'title'"],
    },
    Problem {
        classification: ServerBug,
        code: None,
        title: "SMTPServerDisconnected",
        rows: 23,
        level: Level::Error,
        source: "shop.mail",
        request: "POST /newsletter",
        status: 500,
        hours: (6, 22),
        says: &["Mailing {n} failed\n\
             Traceback (most recent call last):\n\
             \x20 File \"/srv/mail/run.py\", line 61, in run\n\
             \x20   send(mailing)\n\
             \x20 File \"/srv/mail/smtp.py\", line 20, in send\n\
             \x20   connection.noop()\n\
             smtplib.SMTPServerDisconnected: Connection unexpectedly closed after {ms}"],
    },
    Problem {
        classification: ServerBug,
        code: None,
        title: "Pick list",
        rows: 31,
        level: Level::Error,
        source: "shop.warehouse",
        request: "POST /admin/picks",
        status: 500,
        hours: (7, 19),
        says: &["Pick list {uuid} could not be written to {path}\n\
             java.lang.IllegalStateException: printer queue {n} is closed\n\
             \tat com.lantern.pick.PickList.write(PickList.java:214)\n\
             \tat com.lantern.pick.Station.run(Station.java:57)\n\
             Caused by: java.io.IOException: No space left on device\n\
             \tat java.base/java.io.FileOutputStream.writeBytes(Native Method)\n\
             \tat com.lantern.pick.Spool.flush(Spool.java:90)\n\
             \t... 2 more"],
    },
    Problem {
        classification: ServerBug,
        code: None,
        title: "Cannot read properties of undefined",
        rows: 48,
        level: Level::Error,
        source: "shop.storefront",
        request: "GET /lamps/storm-lantern",
        status: 200,
        hours: (0, 24),
        says: &["TypeError: Cannot read properties of undefined (reading 'price')\n\
             \x20   at renderBasket (/srv/storefront/dist/basket.js:311:22)\n\
             \x20   at update (/srv/storefront/dist/app.js:{n}:9)\n\
             \x20   at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"],
    },
    // The same words of two sources are two problems.
    Problem {
        classification: ServerBug,
        code: None,
        title: "database is locked",
        rows: 26,
        level: Level::Error,
        source: "shop.cart",
        request: "POST /cart",
        status: 500,
        hours: (11, 15),
        says: &["database is locked after {ms}, transaction 0x{hex} was rolled back"],
    },
    Problem {
        classification: ServerBug,
        code: None,
        title: "database is locked",
        rows: 19,
        level: Level::Error,
        source: "shop.inventory",
        request: "POST /admin/stock/sync",
        status: 500,
        hours: (1, 4),
        says: &["database is locked after {ms}, transaction 0x{hex} was rolled back"],
    },
    Problem {
        classification: ClientMisuse,
        code: Some("SHOP-API-021"),
        title: "API token",
        rows: 164,
        level: Level::Warning,
        source: "shop.web",
        request: "GET /api/v2/orders",
        status: 401,
        hours: (2, 5),
        says: &[
            "invalid API token from {ip}, request {hex} refused",
            "invalid API token from {ip}, request {hex} refused",
            "API token of client \"{name}\" has expired, request {hex} refused",
        ],
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
        says: &[
            "Malformed request body {json} from {agent}: expected `,` or `}` at line {d} column {d}",
        ],
    },
    Problem {
        classification: ClientMisuse,
        code: None,
        title: "requests",
        rows: 240,
        level: Level::Warning,
        source: "shop.web",
        request: "GET /api/v2/lamps",
        status: 429,
        hours: (16, 17),
        says: &[
            "Too many requests: user=\"{name}\" sent {n} in {ms} from {ip}, the rest must wait",
        ],
    },
    Problem {
        classification: ClientMisuse,
        code: None,
        title: "Upload",
        rows: 17,
        level: Level::Warning,
        source: "shop.media",
        request: "POST /api/v2/photos",
        status: 413,
        hours: (8, 20),
        says: &["Upload {path} of customer '{name}' refused, {n} kB is too large"],
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
        says: &[
            "unknown option \"smtp_retry_pause\" in /etc/shop/mail.toml line {d} is ignored, the manual lists no such name",
        ],
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
        says: &[
            "Deprecated setting \"stock.sync_mode\" is used by job {n}, and it has no documented replacement",
        ],
    },
    Problem {
        classification: DocumentationGap,
        code: None,
        title: "handbook",
        rows: 12,
        level: Level::Warning,
        source: "shop.support",
        request: "POST /support",
        status: 200,
        hours: (9, 18),
        says: &[
            "Ticket {n}: how to return a lamp bought by \"{name}\" is missing from the handbook",
        ],
    },
];

/// What a request without a problem does: method and path, the service behind it, what that says. Some of it sounds
/// grave and is not.
pub(super) const REQUESTS: &[(&str, &str, [&str; 2])] = &[
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
    (
        "POST /checkout",
        "shop.payments",
        [
            "payment of order {n} timed out after {ms}, retrying",
            "retry {d} of order {n} succeeded, 0 errors left",
        ],
    ),
    (
        "POST /admin/stock/sync",
        "shop.inventory",
        [
            "0 errors, 0 warnings found in {n} articles",
            "report failed-payments.csv written, no deprecated setting in use",
        ],
    ),
];

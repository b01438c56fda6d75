//! The words of a message: words that go with values, and the shapes of values.

/// Length of a UUID with its four dashes.
pub(super) const UUID: usize = 36;
/// Words that belong to the number before them.
pub(super) const UNITS: &[&str] = &[
    "ns", "us", "µs", "ms", "s", "sec", "secs", "second", "seconds", "min", "mins", "minute",
    "minutes", "h", "hour", "hours", "day", "days", "B", "byte", "bytes", "kB", "KB", "KiB", "MB",
    "MiB", "GB", "GiB", "TB", "TiB", "AM", "PM", "UTC", "GMT", "percent",
];
/// Names of months and days in dates; masked only beside a number.
pub(super) const CALENDAR: &[&str] = &[
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Mon",
    "Tue", "Wed", "Thu", "Fri", "Sat", "Sun",
];

/// Keys of `key=value` whose value names somebody or something, and never says what is wrong.
pub(super) const NAMING_KEYS: &[&str] = &[
    "user", "username", "login", "email", "name", "id", "host", "hostname", "node", "pod",
    "worker", "client", "customer", "account", "tenant", "session", "device", "addr", "ip",
];
/// Keys whose value in quotes is what the line says.
const TELLING_KEYS: &[&str] = &[
    "msg",
    "message",
    "event",
    "error",
    "err",
    "reason",
    "cause",
    "exception",
    "detail",
    "details",
    "description",
    "result",
    "status",
    "state",
    "warning",
    "problem",
];
/// Longest of them, in bytes.
const MAX_KEY: usize = 12;
/// Endings of the names of systemd's units.
const UNIT_NAMES: &[&str] =
    &[".service", ".socket", ".timer", ".target", ".mount", ".slice", ".scope", ".swap"];
/// What systemd writes before the name of a unit that it describes.
const STARTS: &[&str] = &[
    "Starting",
    "Started",
    "Stopping",
    "Stopped",
    "Finished",
    "Reloading",
    "Reloaded",
    "Mounting",
    "Mounted",
    "Unmounting",
    "Unmounted",
    "Closed",
    "Listening on",
    "Reached target",
    "Stopped target",
    "Created slice",
    "Removed slice",
    "Failed to start",
    "Failed to mount",
    "Failed to listen on",
    "Dependency failed for",
];
/// Words of the trade that have digits and are no values.
const KNOWN_DIGITS: &[&str] = &[
    "amd64", "x86", "i386", "i686", "arm64", "armv7", "aarch64", "ppc64", "s390x", "ipv4", "ipv6",
    "IPv4", "IPv6", "utf8", "utf16", "sha1", "sha256", "sha512", "md5", "SHA1", "SHA256", "MD5",
    "base64", "http1", "http2", "http3", "tls1", "ext3", "ext4", "oauth2", "int32", "int64", "k8s",
    "win32", "win64", "x64", "Layer4", "Layer7", "L4", "L7", "log4j", "h2",
];
/// First parts of the types of files: `image/png`.
const MEDIA: &[&str] =
    &["application", "audio", "font", "image", "model", "multipart", "text", "video"];
/// Last parts of a host's name that are no suffix of a file and no name of a class.
const DOMAINS: &[&str] = &[
    "com",
    "org",
    "net",
    "edu",
    "gov",
    "mil",
    "int",
    "io",
    "dev",
    "cloud",
    "info",
    "biz",
    "example",
    "test",
    "invalid",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "lan",
    "corp",
    "home",
    "arpa",
];
/// Answers of HTTP with their usual words, as far as they tell of an error.
pub(super) const REASONS: &[(&str, &str)] = &[
    ("400", "Bad Request"),
    ("401", "Unauthorized"),
    ("402", "Payment Required"),
    ("403", "Forbidden"),
    ("404", "Not Found"),
    ("405", "Method Not Allowed"),
    ("406", "Not Acceptable"),
    ("408", "Request Timeout"),
    ("409", "Conflict"),
    ("410", "Gone"),
    ("411", "Length Required"),
    ("412", "Precondition Failed"),
    ("413", "Payload Too Large"),
    ("413", "Content Too Large"),
    ("413", "Request Entity Too Large"),
    ("414", "URI Too Long"),
    ("415", "Unsupported Media Type"),
    ("422", "Unprocessable Entity"),
    ("422", "Unprocessable Content"),
    ("428", "Precondition Required"),
    ("429", "Too Many Requests"),
    ("500", "Internal Server Error"),
    ("501", "Not Implemented"),
    ("502", "Bad Gateway"),
    ("503", "Service Unavailable"),
    ("504", "Gateway Timeout"),
    ("504", "Gateway Time-out"),
];
/// A URL, a path from a root or from here, or a path with backslashes.
pub(super) fn is_address(core: &str) -> bool {
    core.starts_with('/')
        || core.starts_with("./")
        || core.starts_with("../")
        || core.starts_with("~/")
        || core.contains("://")
        || (core.contains('\\') && core.bytes().any(|b| b.is_ascii_alphanumeric()))
}

/// `Mozilla/5.0`, `curl/8.5.0`: a program and its version.
pub(super) fn is_product(word: &str) -> bool {
    word.split_once('/').is_some_and(|(name, version)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && version.starts_with(|c: char| c.is_ascii_digit())
            && version.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
    })
}

pub(super) fn is_mail(word: &str) -> bool {
    word.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'))
}

/// `db.example.com`, `www.shop.co.uk`, `proxy.site.hk:5070`. Two letters at the end are a country where two more parts or
/// a port stand by; else they are a file's suffix.
pub(super) fn is_host(word: &str) -> bool {
    let (name, port) = match word.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (word, None),
    };
    let Some((head, last)) = name.rsplit_once('.') else {
        return false;
    };
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    let has_port = port.is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    let country = last.len() == 2
        && last.bytes().all(|b| b.is_ascii_lowercase())
        && (has_port || head.contains('.'));
    (port.is_none() || has_port)
        && head.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(fits)
        && (DOMAINS.contains(&last) || country)
}

/// `src/cart.rs:42`, `a/b/c`, but neither `and/or` nor `text/html`.
pub(super) fn is_relative_path(word: &str) -> bool {
    let Some((head, tail)) = word.split_once('/') else {
        return false;
    };
    let digit = || word.bytes().any(|b| b.is_ascii_digit());
    !head.is_empty() && (tail.contains('/') || is_file(tail) || digit())
}

/// The type of a file: `image/png`.
pub(super) fn is_media_type(word: &str) -> bool {
    word.split_once('/').is_some_and(|(head, tail)| MEDIA.contains(&head) && !tail.is_empty())
}

/// Whether a word ends with the suffix of a file: `cart.rs`.
pub(super) fn is_file(word: &str) -> bool {
    let suffix = word.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    (1..=5).contains(&suffix.len()) && suffix.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// An IPv6 or a hardware address.
pub(super) fn is_colon_hex(word: &str) -> bool {
    let colons = word.bytes().filter(|b| *b == b':').count();
    let digit = word.bytes().any(|b| b.is_ascii_digit());
    let fits = |b: u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.');
    (colons >= 5 || (colons >= 2 && digit)) && word.bytes().all(fits)
}

pub(super) fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() >= UUID
        && bytes[..UUID].iter().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// Whether a word says that a name follows: `user`, `host`.
pub(crate) fn names_somebody(word: &str) -> bool {
    NAMING_KEYS.iter().any(|name| name.eq_ignore_ascii_case(word))
}

/// Whether a text ends with a word whose value in quotes is what the line says: `msg=`, `reason: `, `result `.
pub(super) fn tells(before: &str) -> bool {
    let end = before.trim_end_matches([' ', '=', ':']);
    let from = end.floor_char_boundary(end.len().saturating_sub(MAX_KEY));
    let key =
        end[from..].rsplit([' ', ',', '{', '(', '[', '_', '.', '"']).next().unwrap_or_default();
    end.len() < before.len() && TELLING_KEYS.iter().any(|known| known.eq_ignore_ascii_case(key))
}

/// `nginx.service`: the name of a unit of systemd.
pub(super) fn is_unit_name(word: &str) -> bool {
    let name = UNIT_NAMES.iter().find_map(|ending| word.strip_suffix(ending));
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'@' | b'\\');
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(fits))
}

/// Whether systemd says what became of the unit whose name follows.
pub(super) fn is_started(before: &str) -> bool {
    before.strip_suffix(' ').is_some_and(|before| STARTS.iter().any(|said| before.ends_with(said)))
}

/// Whether a word has digits that are no value: `amd64`.
pub(super) fn has_known_digits(word: &str) -> bool {
    word.len() <= 7 && KNOWN_DIGITS.contains(&word)
}

//! Which addresses in the text of agents, logs and issues may be links (S16).
//!
//! A click sends the browser's cookies of this machine to every port of it, and reaches what a firewall keeps from
//! strangers. So an address is a link only if it is plainly one of the public web, or of this server itself. The grammar
//! is far narrower than what a browser takes: what is not surely harmless stays text.

/// Last labels of names that lead into a private network or to this machine.
const PRIVATE: [&str; 14] = [
    "arpa",
    "corp",
    "domain",
    "home",
    "host",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "private",
    "test",
];

/// Whether text of others may link to this address: `http` or `https` with a public name, or a path of this server.
pub(super) fn may_link(url: &str) -> bool {
    // A browser takes out tabs and line ends, and reads a backslash as a slash.
    if url.contains('\\') || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return false;
    }
    let first = |text: &'_ str| text.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    let of_web = ["http://", "https://"].iter().find_map(|scheme| after(url, scheme));
    of_web.map_or_else(
        || !url.starts_with("//") && !first(url).contains(':'),
        |rest| is_public(&first(rest)),
    )
}

fn after<'a>(url: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = url.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// Whether this is a name of several labels with an ordinary last one, and perhaps a port. Numbers in any spelling, names
/// of one label, user names and letters beyond ASCII are not.
fn is_public(authority: &str) -> bool {
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let labels: Vec<_> = host.split('.').collect();
    let is_label = |label: &&str| {
        let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.bytes().all(is_inside)
    };
    let last = labels[labels.len() - 1];
    port.parse::<u16>().is_ok()
        && labels.len() > 1
        && labels.iter().all(is_label)
        && (last.bytes().all(|byte| byte.is_ascii_alphabetic()) || is_punycode(last))
        && !PRIVATE.iter().any(|private| last.eq_ignore_ascii_case(private))
}

fn is_punycode(label: &str) -> bool {
    after(label, "xn--").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_web_and_this_server_may_be_linked() {
        for url in [
            "https://a.example",
            "HTTP://a.example/x:y",
            "https://a.b.example:8443/?q=http://127.0.0.1",
            "https://xn--bcher-kva.example/",
            "https://a.xn--p1ai",
            "/jobs/1",
            "#end",
            "a/b:c",
            "?q=a:b",
            "notes.md",
        ] {
            assert!(may_link(url), "{url}");
        }
    }

    #[test]
    fn this_machine_private_networks_and_other_schemes_are_no_links() {
        for url in [
            "http://127.0.0.1:8988/report",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.01/",
            "http://0/",
            "http://[::1]:8745/",
            "http://[::ffff:127.0.0.1]/",
            "http://localhost/",
            "http://LOCALHOST:80",
            "http://app.localhost/",
            "http://localhost./",
            "http://10.0.0.1/",
            "http://192.168.1.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://8.8.8.8/",
            "http://metadata.google.internal/",
            "http://printer.local/",
            "http://nas.lan",
            "http://1.0.0.127.in-addr.arpa/",
            "http://intranet/",
            "http://a.example@127.0.0.1/",
            "http://127.0.0.1@a.example/",
            "http://a.example:99999/",
            "http://a.example:/",
            "http://127。0。0。1/",
            "http://１２７.0.0.1/",
            "http:/127.0.0.1/",
            "http:127.0.0.1",
            "http:///127.0.0.1/",
            "http:\\\\127.0.0.1\\",
            "https://a.example\\@127.0.0.1",
            "//127.0.0.1/",
            "//a.example/",
            "/\\127.0.0.1/",
            "/\t/127.0.0.1/",
            " //127.0.0.1/",
            "ht\ntp://127.0.0.1/",
            "javascript:alert(1)",
            " javascript:alert(1)",
            "java\tscript:alert(1)",
            "\u{1}javascript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:https://a.example/1",
            "mailto:a@example.org",
            "ftp://a.example/",
        ] {
            assert!(!may_link(url), "{url}");
        }
    }
}

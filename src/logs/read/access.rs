//! Lines of access logs: the path and the status of the answer, whoever writes them.

/// What an answered request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer<'a> {
    /// The request's path without its query.
    pub(super) path: Option<&'a str>,
    pub(super) status: u16,
}

/// Reads the answer that a line tells of: as nginx, Apache, Traefik and Envoy (`"GET /a HTTP/1.1" 200`), `HAProxy`
/// (`10/0/30/69/109 200 …`) and Squid (`TCP_MISS/200`) write it.
pub(super) fn read(line: &str) -> Option<Answer<'_>> {
    after_request(line).or_else(|| after_timers(line)).or_else(|| after_result(line))
}

fn after_request(line: &str) -> Option<Answer<'_>> {
    let (before, after) = line.split_once("\" ")?;
    let (_, request) = before.split_once('"')?;
    let status = status(after)?;
    let mut words = request.split(' ');
    let (first, path, version) = (words.next()?, words.next(), words.next());
    if version.is_some_and(|version| version.starts_with("HTTP/")) {
        return Some(Answer { path: path.map(without_query), status });
    }
    // Nothing that could be understood was asked.
    let is_odd = path.is_none() && (first == "-" || first.starts_with("\\x"));
    is_odd.then_some(Answer { path: None, status })
}

/// Five timers and the status behind them.
fn after_timers(line: &str) -> Option<Answer<'_>> {
    let mut words = line.split(' ').skip_while(|word| !is_timers(word));
    words.next()?;
    let status = status(words.next()?)?;
    let request = line.rsplit_once(" \"").map(|(_, request)| request);
    let path = request.and_then(|request| request.split(' ').nth(1)).map(without_query);
    Some(Answer { path, status })
}

fn is_timers(word: &str) -> bool {
    let bytes = word.as_bytes();
    word.split('/').count() == 5
        && bytes.iter().all(|b| b.is_ascii_digit() || matches!(b, b'/' | b'-' | b'+'))
}

fn after_result(line: &str) -> Option<Answer<'_>> {
    let mut words = line
        .split_whitespace()
        .take(4)
        .skip_while(|word| !word.starts_with("TCP_") && !word.starts_with("NONE/"));
    let (_, code) = words.next()?.split_once('/')?;
    let url = line.split_whitespace().skip_while(|word| !word.ends_with(code)).nth(3);
    Some(Answer { path: url.map(without_query), status: status(code)? })
}

fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}

fn status(text: &str) -> Option<u16> {
    let digits = text.get(..3)?;
    let alone = !text.as_bytes().get(3).is_some_and(u8::is_ascii_alphanumeric);
    let status = digits.parse().ok()?;
    (alone && (100..600).contains(&status)).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_all_servers_are_found() {
        for (line, path, status) in [
            ("::1 - - [x] \"GET /a?t=ERROR HTTP/1.1\" 404 12 \"-\" \"UA\"", Some("/a"), 404),
            ("::1 - - [x] \"-\" 408 0", None, 408),
            ("::1 - - [x] \"\\x16\\x03\" 400 157", None, 400),
            (
                "1.2.3.4:5 [x] in a/s 10/0/30/69/109 503 2750 - - ---- 1/1/1/1/0 0/0 \"GET /i?a HTTP/1.1\"",
                Some("/i"),
                503,
            ),
            (
                "75 10.0.0.1 TCP_MISS/200 1234 GET http://a.example/b?c -",
                Some("http://a.example/b"),
                200,
            ),
        ] {
            assert_eq!(read(line), Some(Answer { path, status }), "{line}");
        }
        for line in
            ["said \"no\" 404 times", "a 1/2/3/4 500", "\"GET /a HTTP/1.1\" 2000", "TCP_MISS"]
        {
            assert_eq!(read(line), None, "{line}");
        }
    }
}

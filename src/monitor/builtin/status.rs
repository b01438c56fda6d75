//! The HTTP status that a row tells of.

/// The HTTP status of an error: what the template holds of one, or in the first line of the sample a three-digit word
/// after `status`, `HTTP/1.1`, `answered` and the like.
pub(super) fn http_status(template: &str, sample: &str) -> Option<u16> {
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

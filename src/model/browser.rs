//! What a browser calls itself, in a few words.

/// The most characters of a program that is no browser we know.
const MAX: usize = 40;
/// The word in a `User-Agent` that names a browser, and the browser's name. The first that is found counts: most browsers
/// also name those that they descend from.
const BROWSERS: [(&str, &str); 10] = [
    ("Edg", "Edge"),
    ("EdgA", "Edge"),
    ("EdgiOS", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("HeadlessChrome", "Headless Chrome"),
];
/// The words that name a system, in the order in which they count.
const SYSTEMS: [(&str, &str); 7] = [
    ("Windows NT", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// The browser and its system by the header `User-Agent`, as "Firefox 140 on Linux". A browser can say whatever it likes
/// there, so this helps a person to tell their own browsers apart and proves nothing.
pub(crate) fn browser_words(user_agent: &str) -> String {
    let text: String = user_agent.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
    let named = BROWSERS.iter().find_map(|(word, name)| Some(titled(name, version(&text, word)?)));
    let safari = || {
        let is_safari = text.contains(" Safari/");
        version(&text, "Version").filter(|_| is_safari).map(|version| titled("Safari", version))
    };
    let system = SYSTEMS.iter().find(|(word, _)| text.contains(word)).map(|(_, name)| name);
    match (named.or_else(safari), system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser,
        (None, _) => other(&text),
    }
}

fn titled(name: &str, version: &str) -> String {
    if version.is_empty() { name.to_owned() } else { format!("{name} {version}") }
}

/// The whole number after the word and a slash.
fn version<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let product = text.split(' ').find_map(|product| product.strip_prefix(word)?.strip_prefix('/'));
    product.map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default())
}

/// A program that is no browser we know: the first word that it says of itself.
fn other(text: &str) -> String {
    let first: String = text.split(' ').find(|word| !word.is_empty()).unwrap_or_default().into();
    if first.is_empty() { "unknown browser".to_owned() } else { first.chars().take(MAX).collect() }
}

#[cfg(test)]
mod tests {
    use super::browser_words;

    #[test]
    fn browsers_are_told_apart_by_what_they_call_themselves() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
        for (agent, words) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox 140 on Linux",
            ),
            (
                &format!("{windows} {webkit} Chrome/143.0.0.0 Safari/537.36"),
                "Chrome 143 on Windows",
            ),
            (
                &format!("{windows} {webkit} Chrome/143.0.0.0 Safari/537.36 Edg/143.0.3650.1"),
                "Edge 143 on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/26.1 Safari/605.1.15",
                "Safari 26 on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/26.1 Mobile/15E148 Safari/604.1",
                "Safari 26 on iPhone",
            ),
            (
                &format!(
                    "Mozilla/5.0 (Linux; Android 15; K) {webkit} Chrome/143.0.0.0 Mobile Safari/537.36"
                ),
                "Chrome 143 on Android",
            ),
            (
                &format!(
                    "Mozilla/5.0 (X11; Linux x86_64) {webkit} HeadlessChrome/143.0.0.0 Safari/537.36"
                ),
                "Headless Chrome 143 on Linux",
            ),
            ("curl/8.5.0", "curl/8.5.0"),
            ("", "unknown browser"),
            (" \u{1b}[31m<b>ü ", "[31m<b>"),
        ] {
            assert_eq!(browser_words(agent), words, "{agent}");
        }
        assert_eq!(browser_words(&"x".repeat(9_000)).len(), super::MAX);
    }
}

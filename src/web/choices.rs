//! What a person chose for all pages. Their browser keeps it in cookies, so that the first paint has it.

use crate::model::Zone;
use axum::http::HeaderMap;
use axum::http::header::COOKIE;

/// The names that the pages' script gives the cookies.
const THEME: &str = "lamplighter-theme";
const PAUSED: &str = "lamplighter-paused";
const ZONE: &str = "lamplighter-zone";
/// The colours that can be chosen.
const THEMES: [&str; 2] = ["light", "dark"];

/// What a person chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Choices {
    /// The colours, `light` or `dark`. Without a choice they are the system's.
    pub(super) theme: Option<&'static str>,
    /// Whether nothing of a page changes by itself.
    pub(super) is_paused: bool,
    /// The zone of their clocks, which the pages' script tells.
    pub(super) zone: Option<Zone>,
}

impl Choices {
    /// Reads what the browser sent. What is no choice of ours counts as none.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut chosen = Self::default();
        let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = values.flat_map(|value| value.split(';'));
        for (name, value) in pairs.filter_map(|pair| pair.trim().split_once('=')) {
            match name {
                THEME => chosen.theme = THEMES.into_iter().find(|theme| *theme == value),
                PAUSED => chosen.is_paused = value == "1",
                ZONE => chosen.zone = Zone::named(value),
                _ => {}
            }
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_pages_offer_is_taken_for_a_choice() {
        let of = |cookie: &str| {
            let headers = [(COOKIE, cookie.parse().unwrap())].into_iter().collect();
            Choices::of(&headers)
        };
        let all =
            "a=1; lamplighter-theme=dark; lamplighter-paused=1; lamplighter-zone=Europe/Berlin";
        let zone = Zone::named("Europe/Berlin");
        assert_eq!(of(all), Choices { theme: Some("dark"), is_paused: true, zone });
        for strange in [
            "lamplighter-theme=\"><script>",
            "lamplighter-paused=yes",
            "lamplighter-zone=<b>",
            "theme=dark",
            "",
        ] {
            assert_eq!(of(strange), Choices::default(), "{strange}");
        }
    }
}

//! Tiles: one figure each, with its picture and what it compares with; and the list of what waits for a person.

use super::super::base::Link;
use super::super::icon::{Icon, icon};
use maud::{Markup, html};

/// One figure.
pub(in crate::web) struct Tile<'a> {
    /// What is counted.
    pub(in crate::web) label: &'a str,
    /// The figure.
    pub(in crate::web) figure: Markup,
    /// Its picture; empty: none.
    pub(in crate::web) picture: Markup,
    /// The line beneath it.
    pub(in crate::web) foot: Markup,
    /// The list that has just what was counted.
    pub(in crate::web) link: Link,
}

/// Figures beside one another, each a link to the list of what it counts.
pub(in crate::web) fn tiles(tiles: &[Tile<'_>]) -> Markup {
    html! {
        div.tiles {
            @for tile in tiles {
                a.card.tile href=(tile.link) {
                    span.label { (tile.label) }
                    span.figure { (tile.figure) }
                    (tile.picture)
                    span.foot { (tile.foot) }
                }
            }
        }
    }
}

/// The row of something that waits for a person.
pub(in crate::web) struct NeedRow {
    /// Its picture.
    pub(in crate::web) icon: Icon,
    /// Whether something fails now.
    pub(in crate::web) is_urgent: bool,
    /// What waits.
    pub(in crate::web) what: Markup,
    /// Since when, and why.
    pub(in crate::web) why: Markup,
    /// The one thing to do about it.
    pub(in crate::web) action: Markup,
}

/// What waits for a person, and what somebody has put off; one line where nothing waits.
pub(in crate::web) fn needs_card(needs: &[NeedRow], put_off: &[Markup]) -> Markup {
    html! {
        section #needs .card.needs.calm[needs.is_empty()] {
            @if needs.is_empty() {
                p.calm-line { (icon(Icon::CircleCheck)) "Nothing needs you." }
            } @else {
                div.card-header { h2.card-title { "Needs you" } span.count { (needs.len()) } }
                ul {
                    @for need in needs {
                        li.urgent[need.is_urgent] {
                            (icon(need.icon)) div { p.what { (need.what) } p.sub { (need.why) } }
                            div.actions { (need.action) }
                        }
                    }
                }
            }
            @if !put_off.is_empty() {
                details.put-off #put-off {
                    summary { (put_off.len()) " put off" }
                    @for one in put_off { p.sub { (one) } }
                }
            }
        }
    }
}

/// A number with its thousands apart.
pub(in crate::web) fn grouped(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(0).to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_stand_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (184_377, "184,377"),
            (12_000_000, "12,000,000"),
        ] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(grouped(-1_i64), "0");
    }
}

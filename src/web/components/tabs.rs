//! Ways through a list: tabs with counts, a rail of facets, and the box for a query.

use super::super::base::Link;
use super::super::icon::{Icon, icon};
use super::tile::grouped;
use maud::{Markup, html};

/// A part of a list, as a tab or in the rail.
pub(in crate::web) struct Way {
    /// What the part is called.
    pub(in crate::web) name: String,
    /// How many it has, where that is known without a look at all rows.
    pub(in crate::web) count: Option<u64>,
    /// Its address.
    pub(in crate::web) link: Link,
    /// Whether it is shown now.
    pub(in crate::web) is_open: bool,
}

/// Tabs over a list.
pub(in crate::web) fn tabs(label: &str, ways: &[Way]) -> Markup {
    html! {
        nav.tabs aria-label=(label) {
            @for way in ways {
                a href=(way.link) aria-current=[way.is_open.then_some("true")] {
                    (way.name) @if let Some(count) = way.count { " " span.count { (grouped(count)) } }
                }
            }
        }
    }
}

/// The rail beside a list: groups of ways to narrow it. In a narrow window it is a popover, which opens without a script.
/// `above` is what stands over them.
pub(in crate::web) fn facets(above: &Markup, groups: &[(&str, Vec<Way>)]) -> Markup {
    html! {
        div #facets .facets popover role="group" aria-label="Filters" {
            (above)
            @for (title, ways) in groups {
                @if !ways.is_empty() {
                    section {
                        h2 { (title) }
                        ul {
                            @for way in ways {
                                li { a href=(way.link) aria-current=[way.is_open.then_some("true")] {
                                    span { (way.name) }
                                    span { @if let Some(count) = way.count { (grouped(count)) } }
                                } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The box for a query.
pub(in crate::web) struct QueryBox<'a> {
    /// Where it leads.
    pub(in crate::web) action: &'a Link,
    /// The name of its field.
    pub(in crate::web) name: &'a str,
    /// What one searches.
    pub(in crate::web) label: &'a str,
    /// An example.
    pub(in crate::web) example: &'a str,
    /// What is typed.
    pub(in crate::web) typed: &'a str,
    /// Whether that was not understood.
    pub(in crate::web) is_wrong: bool,
    /// Whether there is a rail of facets, which a narrow window opens by a button.
    pub(in crate::web) has_facets: bool,
}

/// The box for a query, with what stands beside it. It is a plain form.
pub(in crate::web) fn query_box(query: &QueryBox<'_>, beside: &Markup) -> Markup {
    html! {
        form.query method="get" action=(query.action) role="search" {
            div.box {
                (icon(Icon::Search))
                input #query .form-control type="search" name=(query.name) value=(query.typed) list=[query.has_facets.then_some("query-words")] maxlength="2000" autocomplete="off"
                    spellcheck="false" aria-label=(query.label) placeholder=(query.example)
                    aria-invalid=[query.is_wrong.then_some("true")];
                kbd aria-hidden="true" { "/" }
            }
            button.btn type="submit" { "Search" }
            @if query.has_facets {
                button.btn.open-facets type="button" popovertarget="facets" { (icon(Icon::Filter)) "Filters" }
            }
            (beside)
            @if !query.typed.is_empty() { a.btn.btn-quiet href=(query.action) { "Clear" } }
        }
    }
}

//! Tables, and the links to the other pages of a list.

use super::super::base::Link;
use super::super::slice::{SIZES, Slice};
use super::tile::grouped;
use maud::{Markup, html};

/// A table with named columns in a frame that scrolls sideways by itself.
pub(in crate::web) fn table(label: &str, columns: &[&str], rows: &[Markup]) -> Markup {
    html! {
        div.scroll data-hold tabindex="0" role="region" aria-label=(label) {
            table.table.rows {
                thead { tr { @for column in columns { (head(column)) } } }
                tbody { @for row in rows { (row) } }
            }
        }
    }
}

/// The same with a column before the others, in which rows are selected. The box in its head selects all, which scripts do.
pub(in crate::web) fn picked_table(label: &str, columns: &[&str], rows: &[Markup]) -> Markup {
    html! {
        div.scroll data-hold tabindex="0" role="region" aria-label=(label) {
            table.table.rows {
                thead { tr {
                    th.pick scope="col" {
                        span.visually-hidden { "Select" }
                        input.form-check-input.scripted type="checkbox" data-pick-all aria-label="Select all on this page";
                    }
                    @for column in columns { (head(column)) }
                } }
                tbody { @for row in rows { (row) } }
            }
        }
    }
}

/// The head of a column. That of buttons has a name for those who hear it.
fn head(column: &str) -> Markup {
    html! {
        th scope="col" { @if column.is_empty() { span.visually-hidden { "Actions" } } @else { (column) } }
    }
}

/// Links to the rest of a list that goes by cursor: its start, and what comes after this slice.
pub(in crate::web) fn pager(first: Option<&Link>, next: Option<(&Link, &str)>) -> Markup {
    html! {
        @if first.is_some() || next.is_some() {
            nav.card-footer.pager aria-label="Parts of the list" {
                @if let Some(href) = first { a.btn.btn-sm href=(href) { "Newest" } }
                @if let Some((href, text)) = next { a.btn.btn-sm rel="next" href=(href) { (text) } }
            }
        }
    }
}

/// The foot of a numbered list: the number of the page, the links to the pages beside it, and the choice of page sizes.
pub(in crate::web) fn numbered_pager(
    what: &str,
    Slice { page, size }: Slice,
    total: u64,
    link: impl Fn(Slice) -> Link,
) -> Markup {
    let pages = total.div_ceil(size).max(1);
    let first = (page - 1) * size + 1;
    let last = (page * size).min(total);
    let link = |page, size| link(Slice { page, size });
    html! {
        div.card-footer.pager {
            p.soft {
                @if first <= last { "Showing " (grouped(first)) "-" (grouped(last)) " of " (grouped(total)) } @else { "Nothing on this page" }
            }
            nav aria-label={ "Pages of " (what) } {
                @if page > 1 { a.btn.btn-sm rel="prev" href=(link(page - 1, size)) { "Previous" } }
                @if page < pages { a.btn.btn-sm rel="next" href=(link(page + 1, size)) { "Next" } }
            }
            nav.sizes aria-label={ "Rows of " (what) } {
                span.soft { "Rows" }
                @for offered in SIZES {
                    a href=(link(1, offered)) aria-current=[(offered == size).then_some("true")] { (offered) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::base::link;
    use super::*;

    #[test]
    fn a_numbered_pager_says_where_one_is() {
        let at = |page, total| {
            numbered_pager("scans", Slice { page, size: 20 }, total, |Slice { page, size }| {
                link("/x").with(&[("page", page), ("size", size)])
            })
            .into_string()
        };
        assert!(at(1, 45).contains("Showing 1-20 of 45"));
        assert!(at(3, 45).contains("Showing 41-45 of 45"));
        assert!(at(3, 45).contains("rel=\"prev\"") && !at(3, 45).contains("rel=\"next\""));
        assert!(at(9, 45).contains("Nothing on this page"));
    }
}

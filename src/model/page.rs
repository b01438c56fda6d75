//! One slice of a long list.

/// A slice of a list and the cursor to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows of this slice, in the list's order.
    pub rows: Vec<T>,
    /// The id to continue before, `None` at the end of the list.
    pub next: Option<i64>,
}

impl<T> Page<T> {
    /// Makes the page of `limit` rows out of up to `limit + 1` rows that were read.
    pub fn cut(mut rows: Vec<T>, limit: usize, id: impl Fn(&T) -> i64) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(id) } else { None };
        Self { rows, next }
    }
}

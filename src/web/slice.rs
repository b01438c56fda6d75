//! One slice of a list whose pages have numbers.

use super::problem::Problem;
use serde::{Deserialize, Serialize};

/// The page sizes that a numbered list offers.
pub(super) const SIZES: [u64; 4] = [10, 20, 50, 100];
/// How many rows a page has unless the address says otherwise.
const ROWS: u64 = 20;

/// The query of a page with one numbered list.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(super) struct SliceQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) page: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<u64>,
    /// The version of the list that the caller shows already.
    #[serde(skip_serializing)]
    pub(super) v: Option<String>,
}

/// A page of a list, counted from 1, and how many rows it has at most.
#[derive(Clone, Copy)]
pub(super) struct Slice {
    pub(super) page: u64,
    pub(super) size: u64,
}

impl Slice {
    /// The slice that was asked for. `last` is the highest page number that is looked up.
    pub(super) fn of(page: Option<u64>, size: Option<u64>, last: u64) -> Result<Self, Problem> {
        let (page, size) = (page.unwrap_or(1), size.unwrap_or(ROWS));
        if !(1..=last).contains(&page) || !SIZES.contains(&size) {
            return Err(Problem::input("Pages count from 1, and have 10, 20, 50 or 100 rows."));
        }
        Ok(Self { page, size })
    }

    /// How many rows are before the slice.
    pub(super) fn skip(self) -> u64 {
        (self.page - 1) * self.size
    }

    /// How many rows the slice has at most.
    pub(super) fn most(self) -> usize {
        self.size as usize
    }
}

impl SliceQuery {
    /// The slice that was asked for, of a list that has no page after `last`.
    pub(super) fn slice(&self, last: u64) -> Result<Slice, Problem> {
        Slice::of(self.page, self.size, last)
    }
}

impl From<Slice> for SliceQuery {
    fn from(slice: Slice) -> Self {
        Self { page: Some(slice.page), size: Some(slice.size), v: None }
    }
}

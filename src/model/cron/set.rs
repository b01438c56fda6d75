//! Sets of the small numbers that crontab's fields hold: a bit for each value from 0 to 63.

/// The values from `low` to `high`, both in it.
pub(in crate::model) fn range(low: u32, high: u32) -> u64 {
    (u64::MAX >> (63 - high)) & (u64::MAX << low)
}

pub(super) fn has(set: u64, value: u32) -> bool {
    set >> value & 1 == 1
}

/// Its values, the lowest first.
pub(in crate::model) fn members(set: u64) -> impl Iterator<Item = u32> {
    (0..64).filter(move |value| has(set, *value))
}

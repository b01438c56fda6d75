//! The templates of log messages: as those of any text, and of a row that is a JSON object what it says.

pub(crate) use crate::model::template::{
    MARKS, MASK, Masked, codes, has_trace, is_kept, is_source_file, names_somebody, places,
};

use crate::logs::said_by_object;
use crate::model::template;

/// Masks a message of a log.
pub(crate) fn mask(message: &str) -> Masked<'_> {
    template::mask_read(message, said_by_object)
}

/// Masks a message or a line of a log for the miner.
pub(crate) fn mine(message: &str) -> Masked<'_> {
    template::mine_read(message, said_by_object)
}

//! Reading how many rows of a list a person asks for.

use crate::error::{Code, Error, Result};

/// The most rows of one answer.
const MOST: usize = 1_000;

/// Reads a number of rows, from 1 to 1000.
///
/// # Errors
/// `JOB-VALUE-001` for any other text.
pub fn rows(text: &str) -> Result<usize> {
    let read = text.trim().parse().ok().filter(|rows| (1..=MOST).contains(rows));
    read.ok_or_else(|| {
        let takes = format!("it is a number from 1 to {MOST}");
        Error::new(Code::ModelInvalid, format!("list {text:?} rows: {takes}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_rows_out_of_range_is_refused_with_the_range() {
        assert_eq!((rows("1").unwrap(), rows(" 1000 ").unwrap()), (1, 1000));
        for bad in ["", "0", "1001", "-1", "many"] {
            let said = rows(bad).unwrap_err().sentence();
            assert_eq!(
                said,
                format!("Could not list {bad:?} rows: it is a number from 1 to 1000.")
            );
        }
    }
}

//! Reading priorities as people type them.

use crate::error::{Code, Error, Result};
use crate::model::PRIORITIES;

/// Reads a priority, a whole number from -100 to 100.
///
/// # Errors
/// `JOB-VALUE-001` for any other text.
pub fn priority(text: &str) -> Result<i32> {
    match text.trim().parse() {
        Ok(priority) if PRIORITIES.contains(&priority) => Ok(priority),
        Ok(_) | Err(_) => {
            let (least, most) = (PRIORITIES.start(), PRIORITIES.end());
            let takes = format!("it is a number from {least} to {most}, and lower runs first");
            Err(Error::new(Code::ModelInvalid, format!("take the priority {text:?}: {takes}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_out_of_range_is_refused_with_the_range() {
        assert_eq!((priority("-100").unwrap(), priority(" 100 ").unwrap()), (-100, 100));
        for bad in ["", "-101", "101", "high", "1.5", "99999999999"] {
            let refused = priority(bad).unwrap_err();
            let says = "it is a number from -100 to 100, and lower runs first.";
            assert_eq!(refused.code(), Code::ModelInvalid, "{bad:?}");
            assert!(refused.sentence().ends_with(says), "{}", refused.sentence());
        }
    }
}

//! Counts in words, for lines that people read.

/// `1,234,567`
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// `1 round`, `2 rounds`, `1,234 processes`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let ending = match noun {
        _ if number == 1 => "",
        _ if noun.ends_with('s') => "es",
        _ => "s",
    };
    format!("{} {noun}{ending}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_has_its_noun_and_commas() {
        assert_eq!([1, 2].map(|n| counted(n, "process")), ["1 process", "2 processes"]);
        assert_eq!(
            [0, 1, 1_234_567].map(|n| counted(n, "row")),
            ["0 rows", "1 row", "1,234,567 rows"]
        );
    }
}

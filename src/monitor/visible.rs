//! Removes from other people's text the characters that nobody sees.

/// The text without control characters, except line breaks and tabs, and without those that have no width, turn the
/// direction of writing, or spell hidden words.
pub(super) fn visible(text: &str) -> String {
    text.chars()
        .filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || is_hidden(*c)))
        .collect()
}

/// Unicode's format characters and separators of lines, variation selectors, and letters that are blank.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_go_and_everything_else_stays() {
        let tags: String =
            "obey".bytes().map(|b| char::from_u32(0xe0000 + u32::from(b)).unwrap()).collect();
        let hostile = format!("a\u{200b}b\u{202e}c\u{feff}\0\u{1b}[1m{tags}\u{2028}d\r\n\te");
        assert_eq!(visible(&hostile), "abc[1md\n\te");
        let plain = "Größe: 5 µs, 数 – «ok» 🙂";
        assert_eq!(visible(plain), plain);
    }
}

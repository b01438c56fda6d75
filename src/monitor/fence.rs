//! Fences other people's text as a block of code in Markdown that the text cannot break out of.

/// The text between fences that are longer than any run of backticks in it; ends with a line break.
pub(super) fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", text.trim_end())
}

/// Markdown of others in which no block of code is left open, to swallow what comes after it.
pub(super) fn closed(markdown: &str) -> String {
    let mut open: Option<&str> = None;
    for line in markdown.lines() {
        // Indented or quoted ones too: a fence too many shows, one too few lets text out.
        let bare = line.trim_start_matches(|c: char| c.is_whitespace() || c == '>');
        let mark = bare.chars().next().filter(|c| matches!(c, '`' | '~'));
        let Some(mark) = mark else { continue };
        let (fence, rest) = bare.split_at(bare.len() - bare.trim_start_matches(mark).len());
        open = match open {
            Some(opened) if fence.starts_with(opened) && rest.trim().is_empty() => None,
            None if fence.len() >= 3 && !(mark == '`' && rest.contains('`')) => Some(fence),
            still => still,
        };
    }
    match open {
        Some(fence) => format!("{markdown}\n{fence}"),
        None => markdown.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_a_fence() {
        for hostile in ["```\n# x", "a ````` b", "~~~\n```", ""] {
            let text = fenced(hostile);
            let fence = text.lines().next().unwrap().trim_end_matches("text");
            assert!(fence.len() >= 3 && !hostile.contains(fence), "{text}");
            assert!(text.ends_with(&format!("\n{fence}\n")));
        }
    }

    #[test]
    fn a_block_of_code_that_is_left_open_is_closed() {
        for (text, end) in [
            ("plain", "plain"),
            ("```\nx\n```", "```"),
            ("```sql\nx", "\n```"),
            ("~~~~\nx\n~~~\n```", "\n~~~~"),
            ("````\n```\nx", "\n````"),
            ("> ```\n> x", "\n```"),
            ("`a` and ```b``` c", "c"),
            ("```a```\nx", "x"),
        ] {
            assert!(closed(text).ends_with(end) && closed(text).starts_with(text), "{text}");
        }
        assert_eq!(closed("```\nx\n```"), "```\nx\n```");
    }
}

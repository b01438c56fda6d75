//! The masked template of a log message: what stays the same when only its values change.
//!
//! A flood of rows that differ in ids, numbers, addresses or names in quotes has one template, so that it can be
//! counted, shown and recognised as one problem. Values become `<*>`; error codes (`AREA-TOPIC-NNN`) never do.
//!
//! It is one pass over the bytes without a regular expression: every row of a scan goes through here. Words with a
//! digit count as values more often than not, since a value left standing splits a problem in two, while a word
//! masked in vain costs a little readability (the choice of Drain, He et al., ICWS 2017).

mod masker;
mod numbers;
mod trace;
mod words;

pub(crate) use trace::{has_trace, is_source_file, places};

use masker::masked_to;
pub(crate) use numbers::is_kept;
use std::ops::Range;
pub(crate) use words::names_somebody;

/// What stands for a value.
pub(crate) const MASK: &str = "<*>";
/// Between these stands what differs from row to row, in the example that a title is.
pub(crate) const MARKS: (char, char) = ('‹', '›');

/// Longest template, in bytes: a long sentence; what differs only beyond it is one problem.
const MAX_TEMPLATE: usize = 300;
/// Longest line template that is mined, in bytes: structures printed in one line differ late.
const MAX_MINED: usize = 1_000;
/// Bytes of a line that are read for it.
const MAX_READ: usize = 4_096;

/// Reads what a line says that is a JSON object, and nothing else.
pub(crate) type Reads = fn(&str) -> Option<String>;

/// A message as its template and what the template leaves out.
#[derive(Debug)]
pub(crate) struct Masked<'a> {
    /// The telling line with every value replaced by `<*>`, and the fault that a trace names; at most 300 bytes.
    pub(crate) template: String,
    line: &'a str,
    spans: Vec<Range<usize>>,
}

impl<'a> Masked<'a> {
    /// The text behind each `<*>`, in their order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &'a str> {
        self.spans.iter().map(|span| &self.line[span.clone()])
    }
}

/// Masks a message: its telling line with every value replaced.
///
/// Values are numbers (with unit), hex ids, UUIDs, addresses, paths, URLs, dates, times, JSON, user agents, names
/// after `user=` and the like, and text in quotes; a list of values counts as one value, however long. The telling
/// line is the first that is not blank, or, where that one only opens a trace, the line that says what went wrong.
pub(crate) fn mask(message: &str) -> Masked<'_> {
    mask_read(message, |_| None)
}

/// The same for a message that may be a JSON object, of which `reads` knows what it says.
pub(crate) fn mask_read(message: &str, reads: Reads) -> Masked<'_> {
    let telling = trace::telling(message, reads);
    let (mut template, spans) = masked(telling.line);
    let (fault, _) = masked(&telling.fault);
    let room = MAX_TEMPLATE.saturating_sub(fault.len() + 1);
    template.truncate(template.floor_char_boundary(room));
    template.truncate(template.trim_end().len());
    if !fault.is_empty() {
        template.push(' ');
        template.push_str(&fault);
    }
    Masked { template, line: telling.line, spans }
}

/// Masks a message or a line for the miner: longer than [`mask_read`], and what a request or a text in quotes says stays
/// (`"GET <*>"`, `msg="no room for <*>"`), as numbers do that say what happened (`exited with code 137`).
///
/// Of a line no more is read than its first 4 KB; what differs only beyond them is one template.
pub(crate) fn mine_read(message: &str, reads: Reads) -> Masked<'_> {
    let telling = trace::telling(message, reads);
    let line = &telling.line[..telling.line.floor_char_boundary(MAX_READ)];
    let (mut template, spans) = masked_to(line, MAX_MINED, true);
    if !telling.fault.is_empty() {
        let room = MAX_MINED.saturating_sub(telling.fault.len() + 1);
        template.truncate(template.floor_char_boundary(room));
        template = format!("{} {}", template.trim_end(), telling.fault.trim_start());
    }
    Masked { template, line, spans }
}

/// The template of one line, and where its values are.
fn masked(line: &str) -> (String, Vec<Range<usize>>) {
    masked_to(line, MAX_TEMPLATE, false)
}

/// Every error code in a text, in the order of the text, repeats included.
pub(crate) fn codes(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    text.match_indices('-').filter_map(move |(dash, _)| {
        let area = bytes[..dash].iter().rev().take_while(|b| b.is_ascii_uppercase()).count();
        let start = dash - area;
        code_at(bytes, start).map(|len| &text[start..start + len])
    })
}

/// The length of the error code that starts at `at` and stands by itself.
fn code_at(bytes: &[u8], at: usize) -> Option<usize> {
    let glued = |b: &u8| is_word(*b) || matches!(b, b'-' | b'_');
    if at > 0 && (glued(&bytes[at - 1]) || bytes[at - 1] == b'/') {
        return None;
    }
    let upper = |from: usize, most: usize| {
        let run =
            bytes[from..].iter().take(most + 1).take_while(|b| b.is_ascii_uppercase()).count();
        ((2..=most).contains(&run) && bytes.get(from + run) == Some(&b'-'))
            .then_some(from + run + 1)
    };
    let number = upper(at, 6).and_then(|topic| upper(topic, 8))?;
    let end = number + 3;
    let digits = bytes.get(number..end)?.iter().all(u8::is_ascii_digit);
    (digits && !bytes.get(end).is_some_and(glued)).then_some(end - at)
}

/// Letters, digits and everything beyond ASCII, so that every other byte is a character by itself.
fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(message: &str) -> String {
        mask(message).template
    }

    /// One case a line: message, arrow, template.
    const VALUES: &str = r#"
        took 12 ms for 3 rows => took <*> for <*> rows
        took 1.5s, then 3h20m. => took <*>, then <*>.
        delta -3 and 4.5e-7 and 50% => delta <*> and <*> and <*>
        id 9f86d081 in deadbeef => id <*> in <*>
        run 6ba7b810-9dad-11d1-80b4-00c04fd430c8 done => run <*> done
        from 10.0.0.1:8080 via fe80::1 and [::1]:80 => from <*> via <*> and [<*>]:<*>
        mail to ann.lee@example.com bounced => mail to <*> bounced
        GET /cart/42?item=3&x=y failed => GET <*> failed
        open /var/lib/a.db: no such file => open <*>: no such file
        open C:\Users\ann\a.txt failed => open <*> failed
        at src/cart.rs:42:7, see => at <*>, see
        see https://docs.example.com/a?b=c#d. => see <*>.
        no field "na\"me" in 'x y' or `z` => no field <*> in <*> or <*>
        on 2026-11-21T05:29:51.123+00:00 it => on <*> it
        on 2026-11-21 05:29:51,123 it => on <*> it
        on Sat, 21 Nov 2026 05:29:51 GMT it => on <*> it
        on Sat Nov 21 05:29:51 2026 it => on <*> it
        worker-3 of user_42 and libc6 => worker-<*> of user_<*> and libc<*>
        key=7 path=/a/b, c:/d => key=<*> path=<*>, c:<*>
        bad {"a":[1,{"b":"}"}],"c":null} end => bad <*> end
        args {'to': 'ann', 'n': 3}; cut {"a": "b => args <*>; cut <*>
        got 422 Unprocessable Entity from 10.0.0.1 => got 422 Unprocessable Entity from <*>
        got 503 Service Unavailable, 3 left => got 5xx, <*> left
        by user=O'Neill, user="ann lee" => by user=<*>, user=<*>
        by user=ann.lee host=db-a reason=full => by user=<*> host=<*> reason=full
        by Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0 Mobile Safari/537.36, ok => by <*>, ok
        ids [1, 2, 3] and [4] => ids [<*>] and [<*>]
    "#;

    #[test]
    fn every_kind_of_value_becomes_the_mask() {
        for case in VALUES.lines().filter(|line| !line.trim().is_empty()) {
            let (message, expected) = case.trim().split_once(" => ").unwrap();
            assert_eq!(template(message), expected, "{message}");
        }
    }

    #[test]
    fn messages_that_differ_only_in_values_share_a_template() {
        let uuids =
            "s-6ba7b810-9dad-11d1-80b4-00c04fd430c8 | s-abcdefab-abcd-abcd-abcd-abcdefabcdef";
        for pair in [
            "took 3 s | took 1200 ms",
            "job 7f00aa failed | job 123456 failed",
            "order ord-8f3a2c lost | order ord-123abc lost",
            "GET / failed | GET /a/b failed",
            "ids 1, 2, 3 gone | ids 4 gone",
            "no `a` here | no `b c` here",
            "at 2026-11-21 05:29:51 | at 2026-11-21T05:29:51Z",
            uuids,
        ] {
            let (a, b) = pair.split_once(" | ").unwrap();
            assert_eq!(template(a), template(b));
        }
        assert_ne!(template("cart is empty"), template("cart is full"));
    }

    #[test]
    fn words_that_are_no_values_stay() {
        for text in
            ["don't read/write text/html; users' carts aren't I/O", "may fail: a::b::c", "Überlauf"]
        {
            assert_eq!(template(text), text);
        }
        assert_eq!(template("unclosed \"quote and 5"), "unclosed \"quote and <*>");
    }

    #[test]
    fn a_token_shaped_like_an_error_code_is_never_masked() {
        for text in [
            "[SHOP-PAY-014] no",
            "(SHOP-PAY-014): no",
            "code=SHOP-PAY-014, no",
            "'SHOP-PAY-014' no",
        ] {
            assert_eq!(template(text), text);
        }
        assert_eq!(template("\"7 [SHOP-PAY-014]\" 8"), "\"<*> [SHOP-PAY-014]\" <*>");
        assert_eq!(
            template("SHOP-PAY-0145 and XSHOPPY-PAY-014"),
            "SHOP-PAY-<*> and XSHOPPY-PAY-<*>"
        );
    }

    #[test]
    fn codes_are_found_where_they_stand_by_themselves() {
        let found = |text| codes(text).collect::<Vec<_>>();
        let text = "[SHOP-PAY-014] after SHOP-API-002, SHOP-PAY-014.";
        assert_eq!(found(text), ["SHOP-PAY-014", "SHOP-API-002", "SHOP-PAY-014"]);
        let none = "S-PAY-014 SHOP-P-014 SHOP-PAY-14 xSHOP-PAY-014 A-SHOP-PAY-014 SHOP-PAY-014x";
        assert!(found(none).is_empty());
    }

    #[test]
    fn a_trace_adds_its_error_and_its_file() {
        assert_eq!(template("\n  cart 5 broke\r\n  at x.rs:3"), "cart <*> broke in x.rs");
        let trace = "Traceback (most recent call last):\n  File \"a.py\", line 3\nKeyError: 'x'\n";
        assert_eq!(template(trace), "KeyError: <*> in a.py");
        let long = "w ".repeat(MAX_TEMPLATE) + "\n" + trace;
        assert!(template(&long).ends_with(" (KeyError in a.py)"));
        assert!(template(&long).len() <= MAX_TEMPLATE);
    }

    #[test]
    fn each_mask_has_the_text_it_stands_for() {
        let masked = mask("POST /a: ids 1, 2, 3 of 'ann' in worker-7 after 12 ms");
        let values: Vec<_> = masked.values().collect();
        assert_eq!(values, ["/a", "1, 2, 3", "'ann'", "7", "12 ms"]);
        assert_eq!(masked.template.matches(MASK).count(), values.len());
    }

    #[test]
    fn a_template_is_cut_on_a_character_and_masking_it_again_changes_nothing() {
        let long = template(&"ä 5 größer ".repeat(100));
        assert!(long.len() <= MAX_TEMPLATE && long.len() > MAX_TEMPLATE - 8);
        for text in ["a 5 b <*> c", "x=1 'y' [SHOP-PAY-014] 3 ms /a", "worker-3 (7)"] {
            let once = template(text);
            assert_eq!(template(&once), once);
        }
    }

    #[test]
    fn hostile_text_of_full_length_is_masked_within_the_limit() {
        for piece in ["\"a ", "'a\"b `", "-", "/", ":", "A-", "AA-BB-", "\u{1}\u{2028}é1", "\\\" "]
        {
            let text = piece.repeat(64 * 1024 / piece.len());
            assert!(template(&text).len() <= MAX_TEMPLATE);
            assert!(template(&format!("{text} [AA-BB-001]\"")).len() <= MAX_TEMPLATE);
        }
    }
}

//! Finds a JSON object in a text that says more than that.

use serde_json::{Deserializer, Value};

/// The last object in the text that fits, if there is one: an agent that explains first gives its answer at the end.
///
/// An object is tried wherever a brace opens, strings and what they hold included in its extent; one that does not fit
/// is searched for smaller ones. `serde_json` follows 128 levels at most, so that no text takes more than 128 passes.
pub(super) fn last(text: &str, fits: impl Fn(&Value) -> bool) -> Option<Value> {
    let mut found = None;
    let mut at = 0;
    while let Some(next) = text[at..].find('{') {
        at += next;
        let mut values = Deserializer::from_str(&text[at..]).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) if fits(&value) => {
                at += values.byte_offset();
                found = Some(value);
            }
            Some(_) | None => at += 1,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(text: &str) -> Option<Value> {
        last(text, |value| value["n"].is_i64())
    }

    #[test]
    fn an_object_is_found_wherever_it_stands() {
        for text in [
            r#"{"n":1}"#,
            "Here it is:\n```json\n{\"n\": 1}\n```\nI hope that helps }",
            "[12:00] {noise} warming up\n{\"level\":\"info\"}\n{\"n\":1}\n{\"m\":",
            r#"{"result": {"n":1}}"#,
            r#"{{{"n":1}}}"#,
            r#"first {"n":7}, no: {"n":1}"#,
        ] {
            assert_eq!(of(text).unwrap()["n"], 1, "{text}");
        }
    }

    #[test]
    fn braces_and_quotes_inside_strings_belong_to_them() {
        let text = r#"x {"n":1,"s":"} \" {\"n\":2} {\"n\":3"} y"#;
        assert_eq!(of(text), Some(json!({"n": 1, "s": r#"} " {"n":2} {"n":3"#})));
    }

    #[test]
    fn where_there_is_none_nothing_is_found() {
        for text in ["", "{", "{\"n\":1", "{'n':1}", "{\"n\":\"1\"}", "{n:1}", "ä{ö}ü"] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn braces_without_end_take_no_time_without_end() {
        let deep = "{\"n\":".repeat(200_000);
        let wide = format!("{{\"a\":[{}", "{},".repeat(200_000));
        assert_eq!((of(&deep), of(&wide)), (None, None));
    }
}

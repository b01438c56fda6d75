//! The verdict on a run without secrets.

use crate::agents::claude::Verdict;
use crate::heavy::heavy;
use crate::redact::redactor;
use serde_json::Value;

/// The same without secrets, because the text of a run is stored, shown and handed on.
pub(super) async fn without_secrets(verdict: Verdict) -> Verdict {
    let clean = move || Verdict {
        message: redactor().text(&verdict.message).into_owned(),
        response: verdict.response.map(|text| redactor().text(&text).into_owned()),
        structured: verdict.structured.as_ref().map(cleaned),
        ..verdict
    };
    // Nobody has counted how long a structured answer is.
    heavy(usize::MAX, clean).await
}

/// An answer without secrets.
fn cleaned(answer: &Value) -> Value {
    let mut answer = answer.clone();
    redactor().clean_json(&mut answer);
    answer
}

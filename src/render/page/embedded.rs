//! The report inside of the page, for programs.

use crate::report::Report;
use serde_json::Value;

/// Fields that failures without a drawing do not have in the page: a thousand of them stay below 2 MB.
const LEFT_OUT: [&str; 9] = [
    "timeline",
    "frames",
    "filter",
    "fix",
    "summary",
    "retry_reason",
    "detail",
    "expected_status",
    "process",
];

/// The report as JSON that is no markup, whatever it holds. Failures that are not `drawn` are shorter.
pub(super) fn json(report: &Report, drawn: &[bool]) -> String {
    let mut value = serde_json::to_value(report).unwrap_or(Value::Null);
    let failures = value.get_mut("failures").and_then(Value::as_array_mut);
    for (failure, drawn) in failures.into_iter().flatten().zip(drawn) {
        if let (Value::Object(fields), false) = (failure, drawn) {
            LEFT_OUT.iter().for_each(|name| drop(fields.remove(*name)));
        }
    }
    let mut json = value.to_string();
    // Nothing but text has these, and text may have them escaped.
    for (letter, escaped) in [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")] {
        json = json.replace(letter, escaped);
    }
    json
}

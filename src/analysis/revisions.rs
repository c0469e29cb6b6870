//! What is learned of failures after they were told: the fields that changed.

use crate::report::FailureRecord;
use crate::report::records::Record;
use serde_json::{Map, Value};

/// A failure as it is told.
pub(super) fn json(failure: &FailureRecord) -> Value {
    // Its keys are strings: it can always be written.
    serde_json::to_value(failure).unwrap_or_default()
}

/// The fields of a failure that are no longer what they were.
pub(super) fn changed_fields(before: &Value, after: &Value) -> Map<String, Value> {
    let after = after.as_object().into_iter().flatten();
    after
        .filter(|(name, value)| before.get(name) != Some(value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// What is learned of a failure later.
pub(super) fn revision(id: &str, mut changed: Map<String, Value>) -> Record {
    changed.insert("id".to_owned(), id.into());
    Record::Revision(changed)
}

/// What was told as a failure is none.
pub(super) fn retracted(id: &str) -> Record {
    revision(id, Map::from_iter([("retracted".to_owned(), Value::Bool(true))]))
}

//! What is learned of failures after they were told: the fields that changed.

use crate::base::digest;
use crate::report::FailureRecord;
use crate::report::records::{Record, RevisionRecord};
use serde_json::{Map, Value};

/// A failure as it was told: a digest of each of its fields. Thousands are kept for weeks, so they are not
/// kept as they were written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Told(Vec<u64>);

impl Told {
    /// As it is told now.
    pub(super) fn of(failure: &FailureRecord) -> Self {
        Self::fields(&fields(failure))
    }

    fn fields(fields: &Map<String, Value>) -> Self {
        Self(fields.iter().map(|(name, value)| digest_of(name, value)).collect())
    }

    /// The fields that are no longer what they were, if there are any; from now on it is told so.
    pub(super) fn revise(&mut self, failure: &FailureRecord) -> Option<Record> {
        let fields = fields(failure);
        let now = Self::fields(&fields);
        if now == *self {
            return None;
        }
        let places = fields.into_iter().zip(&now.0);
        let changed = places.filter(|(_, digest)| !self.0.contains(digest)).map(|(field, _)| field);
        let changed = changed.collect();
        *self = now;
        Some(Record::Revision(revision(&failure.id, changed)))
    }
}

fn fields(failure: &FailureRecord) -> Map<String, Value> {
    // Its keys are strings: it can always be written.
    match serde_json::to_value(failure) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

fn digest_of(name: &str, value: &Value) -> u64 {
    digest::of(format!("{name}:{value}").as_bytes().iter())
}

/// What was told as a failure is none.
pub(super) fn retracted(id: &str) -> Record {
    Record::Revision(RevisionRecord { retracted: true, ..revision(id, Map::new()) })
}

/// What was told as a failure before its connection had ended is none: it was answered after all.
pub(super) fn withdrawn(failure: FailureRecord) -> Record {
    let revision = revision(&failure.id, Map::new());
    let withdrawn = Some(Box::new(failure));
    Record::Revision(RevisionRecord { retracted: true, withdrawn, ..revision })
}

fn revision(id: &str, changed: Map<String, Value>) -> RevisionRecord {
    RevisionRecord { id: id.to_owned(), retracted: false, changed, withdrawn: None }
}

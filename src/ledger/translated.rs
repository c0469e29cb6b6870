//! Connects that fail, captured before and after address translation: they are told once.
//!
//! Of a connection that is established both ends' numbers tell that it is the same; of a connect that
//! nobody answers there is the client's alone.

use super::judgement::Judgement;
use crate::base::time::Timestamp;
use crate::packet::Endpoint;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::time::Duration;

/// So long apart at most are captures of one frame before and after address translation.
const TRANSLATION: Duration = Duration::from_secs(1);

impl Judgement<'_> {
    /// A connect that failed before and after address translation has the same port and number on both
    /// sides of it: it is told once, as it was asked.
    pub(super) fn join_translated(&mut self) {
        type ConnectKey = (Timestamp, Endpoint);
        let mut first: HashMap<(u16, u32), ConnectKey, RandomState> = HashMap::default();
        for failure in &self.failures {
            let Some(opening) = failure.opening() else { continue };
            let one = (opening.at, failure.server);
            let known = first.entry(opening.key).or_insert(one);
            *known = one.min(*known);
        }
        let mut again = Vec::new();
        self.failures.retain(|failure| {
            let known = failure.opening().and_then(|opening| {
                let (at, server) = *first.get(&opening.key)?;
                Some(server != failure.server && opening.at.since(at) <= TRANSLATION)
            });
            if known == Some(true) {
                again.push(failure.leg());
            }
            known != Some(true)
        });
        for leg in again {
            if let Some(listener) = self.otherwise(leg) {
                listener.connects_failed = listener.connects_failed.saturating_sub(1);
            }
        }
    }
}

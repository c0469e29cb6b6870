//! Who accepts connections: what was told, and what handshakes show.

use crate::packet::{Endpoint, EndpointPattern};
use foldhash::fast::RandomState;
use std::collections::HashSet;

/// Listeners, to tell the sides of a connection apart that began before the capture.
#[derive(Debug, Default)]
pub(super) struct ListenerSet {
    told: Vec<EndpointPattern>,
    seen: HashSet<Endpoint, RandomState>,
}

impl ListenerSet {
    /// Nothing seen yet; what matches `told` accepts connections.
    pub(super) fn new(told: impl IntoIterator<Item = EndpointPattern>) -> Self {
        Self { told: told.into_iter().collect(), seen: HashSet::default() }
    }

    /// Notes one that was seen to accept; returns whether there was room among `most`, or it was known.
    pub(super) fn note(&mut self, server: Endpoint, most: usize) -> bool {
        if self.seen.len() < most {
            self.seen.insert(server);
            return true;
        }
        self.seen.contains(&server)
    }

    /// Whether it is known to accept.
    pub(super) fn contains(&self, endpoint: Endpoint) -> bool {
        self.seen.contains(&endpoint) || self.told.iter().any(|told| told.matches(endpoint))
    }
}

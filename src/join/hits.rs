//! What a line can be of, and was matched with.

use crate::base::time::Timestamp;
use crate::packet::Endpoint;
use crate::topology::request_key::MatchedBy;

/// A failed connect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connect {
    /// The connect's place among the failures.
    pub(super) failure: usize,
    pub(super) server: Endpoint,
    pub(super) begun: Timestamp,
    /// When the proxy knew, or gave up at the latest.
    pub(super) ended: Timestamp,
}

/// What a line can be of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Hit {
    /// An exchange, by its place in the trail.
    Exchange(usize),
    /// A failed connect, by its place among them.
    Connect(usize),
}

/// What a line was matched with: the attempts in the order of time; several that it could be of, when it
/// is ambiguous.
#[derive(Clone, Debug)]
pub(super) struct Match {
    pub(super) hits: Vec<Hit>,
    pub(super) by: MatchedBy,
    pub(super) ambiguous: bool,
    /// More lines can be of these than they are: most are of none of them.
    pub(super) outnumbered: bool,
}

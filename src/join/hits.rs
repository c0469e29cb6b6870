//! What a line can be of, and was matched with.

use crate::base::time::Timestamp;
use crate::packet::Endpoint;
use crate::topology::request_key::MatchedBy;

/// A failed connect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connect {
    /// Its place among the failures.
    pub(crate) failure: usize,
    pub(crate) server: Endpoint,
    pub(crate) begun: Timestamp,
    /// When the proxy knew, or gave up at the latest.
    pub(crate) ended: Timestamp,
}

/// What a line can be of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Hit {
    /// An exchange, by its place in the trail.
    Exchange(usize),
    /// A failed connect, by its place among them.
    Connect(usize),
}

/// What a line was matched with: the attempts in the order of time; several that it could be of, when it
/// is ambiguous.
#[derive(Clone, Debug)]
pub(crate) struct Match {
    pub(crate) hits: Vec<Hit>,
    pub(crate) by: MatchedBy,
    pub(crate) ambiguous: bool,
    /// More lines can be of these than they are: most are of none of them.
    pub(crate) outnumbered: bool,
}

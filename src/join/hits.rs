//! What a line can be of, and was matched with.

use super::rows::RowRun;
use crate::base::time::Timestamp;
use crate::packet::Endpoint;
use crate::topology::request_key::MatchedBy;
use crate::verdict::Cause;

/// More than that are no attempts of one request.
pub(super) const MAX_ATTEMPTS: usize = 16;

/// A failed connect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connect {
    /// The connect's place among the failures.
    pub(super) failure: usize,
    pub(super) server: Endpoint,
    pub(super) begun: Timestamp,
    /// When the proxy knew, or gave up at the latest.
    pub(super) ended: Timestamp,
    pub(super) cause: Cause,
}

/// What a line can be of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Hit {
    /// An exchange, by its place in the trail.
    Exchange(u32),
    /// A failed connect, by its place among them.
    Connect(u32),
}

/// All that a line can be of: `hits`, where they are few; else the nearest of them, and the runs in which
/// all of them are.
#[derive(Clone, Debug)]
pub(super) struct Candidates {
    pub(super) by: MatchedBy,
    pub(super) hits: Vec<Hit>,
    /// Empty where `hits` are all.
    pub(super) crowd: Box<[RowRun]>,
}

impl Candidates {
    /// There are more than are listed.
    pub(super) fn is_crowd(&self) -> bool {
        !self.crowd.is_empty()
    }
}

/// What a line was matched with: the attempts in the order of time; several that it could be of, when it
/// is ambiguous.
#[derive(Clone, Debug)]
pub(super) struct Match {
    pub(super) hits: Vec<Hit>,
    pub(super) by: MatchedBy,
    pub(super) ambiguous: bool,
    /// Where it could be of more than are listed: the runs of all of them.
    pub(super) crowd: Box<[RowRun]>,
    /// More lines can be of these than they are: most are of none of them.
    pub(super) outnumbered: bool,
}

/// A place in the trail, or among connects, as an index.
pub(super) const fn index(place: u32) -> usize {
    place as usize
}

//! One connection captured twice: before and after address translation, or at two viewpoints.
//!
//! Both ends begin to count at random numbers. Address translation leaves these as they are, and so
//! does the way between two hosts: two handshakes with the same pair of numbers are one connection.

use super::connection::{Connection, Twin};
use crate::base::time::Timestamp;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::time::Duration;

/// So long apart at most are a handshake's captures before and after address translation.
const TRANSLATION: Duration = Duration::from_secs(1);
/// Handshakes remembered in each of two generations. At one viewpoint the two captures of one are
/// close together; at two, as close as the clocks of their hosts agree.
const REMEMBERED: usize = 2_048;
const REMEMBERED_OF_SEVERAL: usize = 32_768;

/// Recent handshakes by the numbers at which both sides began.
#[derive(Debug, Default)]
pub(super) struct Handshakes {
    recent: HashMap<(u32, u32), SeenOpening, RandomState>,
    before: HashMap<(u32, u32), SeenOpening, RandomState>,
}

#[derive(Clone, Copy, Debug)]
struct SeenOpening {
    twin: Twin,
    at: Timestamp,
}

impl Handshakes {
    /// Notes that `connection` began with this pair of numbers; returns the other connection that
    /// did, if there is one. There are `several` viewpoints.
    pub(super) fn note(
        &mut self,
        origins: (u32, u32),
        connection: &Connection,
        at: Timestamp,
        several: bool,
    ) -> Option<Twin> {
        let seen = self.recent.get(&origins).or_else(|| self.before.get(&origins));
        if let Some(seen) = seen.filter(|seen| seen.twin.number != connection.number)
            && (seen.twin.capture != connection.opened.capture || at.since(seen.at) < TRANSLATION)
        {
            return Some(seen.twin);
        }
        let remembered = if several { REMEMBERED_OF_SEVERAL } else { REMEMBERED };
        if self.recent.len() >= remembered {
            self.before = std::mem::take(&mut self.recent);
        }
        self.recent.insert(origins, SeenOpening { twin: Twin::of(connection), at });
        None
    }
}

//! What becomes of a failure whose client had left, as the front leg or a log shows.

use super::books::Ledger;
use super::failure::Failure;
use crate::exchange::Request;
use crate::facts::closing::Closer;
use crate::verdict::{self, Certainty};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::time::Duration;

impl Ledger {
    /// Where the front leg shows that a client left, the proxy only followed.
    pub(super) fn meet_front_leg(&mut self) {
        let mut left: HashMap<(Vec<u8>, Vec<u8>), Vec<usize>, RandomState> = HashMap::default();
        let asked = |failure: &Failure| {
            let head = failure.request.as_ref()?.head.as_ref()?;
            Some((head.method().to_vec(), head.target().to_vec()))
        };
        for (place, failure) in self.failures.iter().enumerate() {
            let by_client = failure.verdict.close.is_some_and(|close| close.by == Closer::Proxy);
            if let Some(asked) = asked(failure).filter(|_| by_client) {
                left.entry(asked).or_default().push(place);
            }
        }
        let mut changed = Vec::new();
        for place in 0..self.failures.len() {
            let Some(failure) = self.failures.get(place) else { continue };
            let fronts = asked(failure).and_then(|asked| left.get(&asked));
            let fronts = fronts.into_iter().flatten().filter_map(|front| self.failures.get(*front));
            // On the front leg the proxy is the server.
            let front = fronts
                .filter(|front| {
                    front.server.addr == failure.client.addr
                        || self.passes_through(front.server, failure.server)
                })
                .filter(|front| front.server != failure.server)
                .filter(|front| could_become(front, failure))
                .map(|front| (front.verdict.clone(), front.client))
                .next();
            if let (Some((verdict, client)), Some(failure)) = (front, self.failures.get_mut(place))
            {
                let before = failure.verdict.cause;
                if verdict::client_gone(&mut failure.verdict, &verdict, client) {
                    changed.push((failure.server, before, failure.verdict.cause));
                }
            }
        }
        for (server, before, after) in changed {
            self.recount(server, before, after);
        }
    }

    /// The proxy's log shows that the client of a failure had left; `place` is that among
    /// [`Self::failures_from`]`(0)`.
    pub fn client_left(&mut self, place: usize, status: Option<u16>) {
        let Some(failure) = self.failures.get_mut(place) else { return };
        let before = failure.verdict.cause;
        if verdict::client_logged(&mut failure.verdict, status) {
            let (server, after) = (failure.server, failure.verdict.cause);
            self.recount(server, before, after);
        }
    }

    /// The client that left was another one than that of this failure, which the front leg shows too.
    pub fn client_stayed(&mut self, place: usize) {
        if let Some(failure) = self.failures.get_mut(place) {
            failure.verdict.certainty = Certainty::Possible;
        }
    }
}

/// What was asked on the front leg came before, and says nothing else of who it is.
fn could_become(front: &Failure, back: &Failure) -> bool {
    /// Interfaces of one host are stamped so far apart at most.
    const JITTER: Duration = Duration::from_millis(5);
    let (Some(front), Some(back)) = (front.request.as_ref(), back.request.as_ref()) else {
        return false;
    };
    let id = |request: &Request| {
        request.head.as_ref().map(|head| head.request_id().to_vec()).unwrap_or_default()
    };
    let (one, other) = (id(front), id(back));
    let same = one.is_empty() || other.is_empty() || one == other;
    same && front.first.at <= back.first.at.plus(JITTER)
}

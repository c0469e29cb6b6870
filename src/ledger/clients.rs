//! Failures whose client had left the proxy, as the front leg shows.

use super::failure::Failure;
use super::judgement::Judgement;
use crate::exchange::Request;
use crate::facts::attempt::ClientLeft;
use crate::facts::closing::Closer;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::time::Duration;

impl Judgement<'_> {
    /// Where the front leg shows that a client left, the proxy only followed.
    pub(super) fn meet_front_leg(&mut self) {
        let mut left: HashMap<(Vec<u8>, Vec<u8>), Vec<usize>, RandomState> = HashMap::default();
        let asked = |failure: &Failure| {
            let (method, target) = failure.request()?.head.as_ref()?.asked()?;
            Some((method.to_vec(), target.to_vec()))
        };
        for (place, failure) in self.failures.iter().enumerate() {
            let by_client =
                failure.verdict().close().is_some_and(|close| close.by == Closer::Proxy);
            if let Some(asked) = asked(failure).filter(|_| by_client) {
                left.entry(asked).or_default().push(place);
            }
        }
        let mut gone = Vec::new();
        for (place, failure) in self.failures.iter().enumerate() {
            let fronts = asked(failure).and_then(|asked| left.get(&asked));
            let fronts = fronts.into_iter().flatten().filter_map(|front| self.failures.get(*front));
            // On the front leg the proxy is the server.
            let mut fronts = fronts
                .filter(|front| {
                    front.server.addr == failure.client.addr
                        || self.passes_through(front.leg(), failure.leg())
                })
                .filter(|front| front.leg() != failure.leg())
                .filter(|front| could_become(front, failure));
            let left = fronts.next().and_then(|front| {
                let frame = front.verdict().close()?.frame;
                Some(ClientLeft { client: front.client, frame })
            });
            gone.extend(left.map(|left| (place, left)));
        }
        for (place, left) in gone {
            if let Some(failure) = self.failures.get_mut(place) {
                failure.of_client.left = Some(left);
                failure.judge_again(|_| {});
            }
        }
    }
}

/// What was asked on the front leg came before, and says nothing else of who it is.
fn could_become(front: &Failure, back: &Failure) -> bool {
    /// Interfaces of one host are stamped so far apart at most.
    const JITTER: Duration = Duration::from_millis(5);
    let (Some(front), Some(back)) = (front.request(), back.request()) else {
        return false;
    };
    let id = |request: &Request| {
        request.head.as_ref().map(|head| head.request_id().to_vec()).unwrap_or_default()
    };
    let (one, other) = (id(front), id(back));
    let same = one.is_empty() || other.is_empty() || one == other;
    same && front.first.at <= back.first.at.plus(JITTER)
}

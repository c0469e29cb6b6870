//! Listeners whose requests became requests to others while they answered them: proxies, though nothing
//! else gives them away. A proxy with an address on each leg looks like two hosts, and so does one that
//! reaches its backend over `lo`.

use super::trail::{Seen, Trail};
use crate::packet::Endpoint;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// Fewer requests passed on can be chance.
const ENOUGH: u32 = 3;
/// Exchanges of the same kind looked at for one.
const LOOKED_AT: usize = 256;
/// Two interfaces may stamp so much apart.
const JITTER: Duration = Duration::from_millis(1);

/// The listeners that passed on four of five of the requests that they answered well, each of which is
/// known again by its id, or by what it asks where nothing else was asked so at the time.
pub fn nested(trail: &Trail) -> BTreeSet<Endpoint> {
    let seen = trail.seen();
    let mut alike: HashMap<u64, Vec<&Seen>> = HashMap::new();
    for one in seen.iter().filter(|one| one.asked.whole != 0) {
        alike.entry(one.asked.whole).or_default().push(one);
    }
    alike.values_mut().for_each(|alike| alike.sort_by_key(|one| one.begun));
    // Of each listener: requests answered well, and those of them that were passed on.
    let mut passed: BTreeMap<Endpoint, (u32, u32)> = BTreeMap::new();
    for front in seen.iter().filter(|one| one.status.is_some_and(|status| status < 500)) {
        let Some(alike) = alike.get(&front.asked.whole) else { continue };
        let (answered, passed_on) = passed.entry(front.server).or_default();
        *answered = answered.saturating_add(1);
        *passed_on = passed_on.saturating_add(is_passed_on(front, alike).into());
    }
    let mostly = |(answered, passed_on): &(u32, u32)| {
        *passed_on >= ENOUGH && passed_on.saturating_mul(5) >= answered.saturating_mul(4)
    };
    passed.into_iter().filter(|(_, counts)| mostly(counts)).map(|(listener, _)| listener).collect()
}

/// While `front` was answered, one request like it, and only one, went to another listener and was
/// answered alike. `alike` are in the order of time.
fn is_passed_on(front: &Seen, alike: &[&Seen]) -> bool {
    let from = alike.partition_point(|one| one.begun.plus(JITTER) < front.begun);
    let near = alike.iter().skip(from).take(LOOKED_AT);
    let during = near.take_while(|one| one.begun <= front.ended);
    let mut within = 0_u32;
    let mut beside = 0_u32;
    for one in during {
        let shares_id = front.ids.iter().zip(one.ids).any(|(a, b)| *a != 0 && *a == b);
        let differs = front.ids.iter().zip(one.ids).any(|(a, b)| *a != 0 && b != 0 && *a != b);
        if one.server == front.server {
            let itself = (one.connection, one.ordinal) == (front.connection, front.ordinal);
            beside = beside.saturating_add((!itself && !differs).into());
        } else if one.begun >= front.begun
            && one.ended <= front.ended.plus(JITTER)
            && one.status == front.status
            && !differs
        {
            if shares_id {
                return true;
            }
            within = within.saturating_add(1);
        }
    }
    within == 1 && beside == 0
}

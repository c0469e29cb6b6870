//! Addresses that nobody has: questions for their link address stay without an answer, and what was to be
//! sent there never left.

use crate::packet::{FrameRef, Neighbour};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// A host gives up after so many questions (RFC 4861, section 10: MAX_MULTICAST_SOLICIT; Linux asks as
/// often for IPv4).
const ENOUGH: u32 = 3;
/// Sooner, it is the same question captured twice.
const SAME: Duration = Duration::from_millis(100);
/// Pairs of hosts remembered.
const PAIRS: usize = 4_096;
/// Times that one host gave up another, remembered.
const ROUNDS: usize = 256;

/// A host asked for another one until it gave up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnansweredNeighbour {
    /// The host.
    pub by: IpAddr,
    /// The other one.
    pub about: IpAddr,
    /// The first question.
    pub first: FrameRef,
    /// The last question.
    pub last: FrameRef,
    /// How many.
    pub times: u32,
}

/// The questions that have no answer yet, and those that never got one.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    pairs: HashMap<(IpAddr, IpAddr), Pair, RandomState>,
}

#[derive(Debug, Default)]
struct Pair {
    asking: Option<UnansweredNeighbour>,
    over: Vec<UnansweredNeighbour>,
    /// What was told of last.
    told: Option<UnansweredNeighbour>,
}

impl Pair {
    fn give_up(&mut self) {
        if let Some(asking) = self.asking.take().filter(|asking| asking.times >= ENOUGH)
            && self.over.len() < ROUNDS
        {
            self.over.push(asking);
        }
    }
}

impl Neighbours {
    pub(super) fn take(&mut self, word: Neighbour) {
        match word {
            Neighbour::Asked { by, about, frame } => {
                let key = (by, about);
                if self.pairs.len() >= PAIRS && !self.pairs.contains_key(&key) {
                    return;
                }
                let pair = self.pairs.entry(key).or_default();
                if pair.asking.is_some_and(|asking| asking.times >= ENOUGH) {
                    pair.give_up();
                }
                let asking = pair.asking.get_or_insert(UnansweredNeighbour {
                    by,
                    about,
                    first: frame,
                    last: frame,
                    times: 1,
                });
                if frame.at.since(asking.last.at) >= SAME {
                    asking.last = frame;
                    asking.times = asking.times.saturating_add(1);
                }
            }
            Neighbour::There(addr) => {
                for ((_, about), pair) in &mut self.pairs {
                    if *about == addr {
                        pair.asking = None;
                    }
                }
            }
        }
    }

    /// A word that what `by` sent to `about` could not be delivered: the questions that say why. What is
    /// told with its ports is not told without.
    pub(super) fn explain(&mut self, by: IpAddr, about: IpAddr) -> Option<UnansweredNeighbour> {
        let pair = self.pairs.get_mut(&(by, about))?;
        if pair.asking.is_some_and(|asking| asking.times >= ENOUGH) {
            pair.told = pair.asking.take();
        }
        pair.told = pair.over.pop().or(pair.told);
        pair.over.clear();
        pair.told
    }

    /// The questions that never got an answer, in the order in which they were given up.
    pub(super) fn given_up(&mut self) -> Vec<UnansweredNeighbour> {
        let mut all = Vec::new();
        for (_, mut pair) in self.pairs.drain() {
            pair.give_up();
            all.append(&mut pair.over);
        }
        all.sort_by_key(|one| (one.last.at, one.last.capture, one.last.number));
        all
    }
}

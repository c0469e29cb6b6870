//! Requests that were lost, and those like them that can be their repetition.
//!
//! Kept is what is asked like a request that failed, and at about its time. A bound that is reached makes a
//! repetition unknown, never another one.

use super::recent::{RecentRequests, SameRequest, SentRequest};
use super::roles::{Role, Roles};
use super::sent_again::{self, AlikeRequests, LostRequest};
use crate::base::time::Timestamp;
use crate::exchange::Exchange;
use crate::facts::SentAgain;
use crate::flow::Connection;
use crate::ledger::{Failure, Judgement};
use crate::packet::FrameRef;
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// So many requests are kept at most, of about 100 bytes each.
const ROOM: usize = 1 << 16;
/// So many that are alike.
const ALIKE: usize = 2_048;

/// Requests that may be repetitions of those that failed.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    recent: RecentRequests,
    /// By what they ask, where one of them failed.
    watched: HashMap<SameRequest, Watched, RandomState>,
    kept: usize,
    /// The last one.
    last: Option<SentRequest>,
}

/// Requests that are alike, one of which failed.
#[derive(Debug)]
struct Watched {
    requests: Vec<SentRequest>,
    /// What begins later is of no interest.
    until: Timestamp,
    /// So many requests of whatever kind were looked at for those that are alike.
    looked_at: u64,
    /// Of those that failed: since when all that were like them are known.
    known_since: HashMap<(u64, u32), Timestamp, RandomState>,
    /// When the first began for which there was no room.
    no_room_from: Timestamp,
}

impl Watched {
    fn keep(&mut self, request: SentRequest, kept: &mut usize) {
        if self.requests.len() < ALIKE && *kept < ROOM {
            self.requests.push(request);
            *kept = kept.saturating_add(1);
        } else {
            self.no_room_from = self.no_room_from.min(request.begun.at);
        }
    }
}

impl Repeats {
    /// Notes the request of an exchange. Whether that failed is said afterwards; see [`Self::failed`].
    pub(super) fn note(&mut self, exchange: &Exchange, connection: &Connection) {
        self.last = self.recent.add(exchange, connection);
        if self.watched.is_empty() {
            return;
        }
        if let Some(request) = self.last
            && let Some(watched) = self.watched.get_mut(&request.key)
            && request.begun.at <= watched.until
        {
            watched.keep(request, &mut self.kept);
            self.recent.take_newest();
        }
    }

    /// The exchange noted last failed.
    pub(super) fn failed(&mut self) {
        let Some(request) = self.last.take() else { return };
        if self.kept >= ROOM {
            return;
        }
        let watched = self.watched.entry(request.key).or_insert_with(|| Watched {
            requests: Vec::new(),
            until: Timestamp::default(),
            looked_at: 0,
            known_since: HashMap::default(),
            no_room_from: Timestamp::MAX,
        });
        if watched.requests.len() >= ALIKE {
            watched.no_room_from = watched.no_room_from.min(request.begun.at);
            return;
        }
        watched.until = watched.until.max(request.ended.plus(sent_again::reach(request.key)));
        watched.known_since.insert(request.exchange, self.recent.forgotten(request.key));
        let (looked_at, kept) = (watched.looked_at, &mut self.kept);
        self.recent.take(request.key, looked_at, &mut |one| watched.keep(one, kept));
        watched.looked_at = self.recent.count();
    }

    /// The failures whose request was sent again, by their places among those that were judged.
    pub(super) fn found(&self, judged: &Judgement<'_>, roles: &Roles) -> Vec<(usize, SentAgain)> {
        let mut order: Vec<SameRequest> = Vec::new();
        let mut by_key: HashMap<SameRequest, Vec<LostRequest>, RandomState> = HashMap::default();
        for (place, failure) in judged.failures_from(0).iter().enumerate() {
            // A probe is made again and again, whatever became of the last.
            if failure.health.is_some() || roles.of(failure.leg()) != Role::Backend {
                continue;
            }
            let head = failure.request().and_then(|request| request.head.as_ref());
            let key = head.and_then(|head| self.recent.key(head, failure.client.addr));
            if let Some((key, frame)) = key.zip(loss(failure)) {
                let exchange = (failure.connection, failure.ordinal);
                by_key.entry(key).or_insert_with(|| {
                    order.push(key);
                    Vec::new()
                });
                if let Some(of_key) = by_key.get_mut(&key) {
                    of_key.push(LostRequest { place, exchange, frame, forgotten: Timestamp::MAX });
                }
            }
        }
        let mut found = Vec::new();
        for key in order {
            let Some((watched, mut lost)) = self.watched.get(&key).zip(by_key.remove(&key)) else {
                continue;
            };
            for one in &mut lost {
                let since = watched.known_since.get(&one.exchange);
                one.forgotten = since.copied().unwrap_or(Timestamp::MAX);
            }
            let alike =
                AlikeRequests::new(&watched.requests, lost, watched.no_room_from, |request| {
                    roles.of(request.leg()) == Role::Front
                });
            found.extend(alike.sent_again(key.has_id));
        }
        found
    }
}

/// The frame with which a request was lost: the close, or the request where the close came before it; else the
/// last that shows the failure. An answer is refused as soon as it begins.
fn loss(failure: &Failure) -> Option<FrameRef> {
    let request = failure.request()?;
    let verdict = failure.verdict();
    if verdict.cause().is_own_answer()
        && let Some(response) = failure.response()
    {
        return Some(response.first);
    }
    let evidence = verdict.evidence().iter().map(|one| one.frame);
    let shown =
        verdict.close().map(|close| close.frame).or_else(|| evidence.max_by_key(|one| one.at));
    let lost = shown.unwrap_or(request.last);
    let before = if lost.capture == request.first.capture {
        lost.number < request.first.number
    } else {
        lost.at < request.first.at
    };
    Some(if before { request.last } else { lost })
}

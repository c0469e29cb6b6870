//! A segment between ends that are not known: whether address translation made them of those of a
//! connection that is known.
//!
//! Translation changes addresses and ports, and leaves alone where both sides began to count, what they
//! sent, and the IPv4 identification. At one viewpoint, both forms of a connection may be captured in full,
//! or its requests in one form and its answers in another.

use super::connection::{Alias, Connection, Half, Side, Start};
use super::handshake::{is_unanswered, refuses_syn};
use super::position::Origin;
use crate::packet::{FrameRef, Segment};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::time::Duration;

/// So long apart at most are captures of a SYN before and after address translation.
const TRANSLATION: Duration = Duration::from_secs(1);
/// Pairs of ends of one connection, beside those that it is known by. A packet on its way through one host
/// is translated twice at the most, and each half of a connection may show another form of it.
pub(super) const ALIASES: usize = 8;
/// Of these, pairs that nothing but the number of a SYN without an identification tells: whoever looks for
/// open ports may send many such.
const UNSURE: usize = 2;
/// Openings remembered in each of two generations: about a second of them, on a busy host.
const REMEMBERED: usize = 16_384;

/// The latest openings at each viewpoint: the slot of a connection by the number that follows its SYN. A
/// slot may have gone to another connection since; [`alias_of`] would not take that for this one.
#[derive(Debug, Default)]
pub(super) struct Openings {
    recent: HashMap<(u32, u32), Opening, RandomState>,
    before: HashMap<(u32, u32), Opening, RandomState>,
}

/// The connection that was opened last with a number.
#[derive(Clone, Copy, Debug)]
struct Opening {
    slot: usize,
    /// How many were opened with it before.
    others: usize,
}

impl Openings {
    /// Remembers the connection in `slot` by the segment that opened it.
    pub(super) fn note(&mut self, segment: &Segment<'_>, viewpoint: u32, slot: usize) {
        if !segment.flags.syn() {
            return;
        }
        let first = if segment.flags.ack() { segment.ack } else { segment.seq.plus(1) };
        let last = self.get(viewpoint, first.0);
        let others = last.map_or(0, |last| last.others.saturating_add(1));
        if self.recent.len() >= REMEMBERED {
            self.before = std::mem::take(&mut self.recent);
        }
        self.recent.insert((viewpoint, first.0), Opening { slot, others });
    }

    fn get(&self, viewpoint: u32, first: u32) -> Option<Opening> {
        let key = (viewpoint, first);
        self.recent.get(&key).or_else(|| self.before.get(&key)).copied()
    }

    /// The slot of the connection whose first byte has this number.
    pub(super) fn at(&self, viewpoint: u32, first: u32) -> Option<usize> {
        self.get(viewpoint, first).map(|opening| opening.slot)
    }

    /// The slot of the other one of the two connections that began with this SYN, one of them being in `slot`.
    pub(super) fn other(&self, syn: &Segment<'_>, viewpoint: u32, slot: usize) -> Option<usize> {
        let last = self.get(viewpoint, syn.seq.plus(1).0)?;
        (last.others == 1 && last.slot != slot).then_some(last.slot)
    }

    /// Slots of connections that may have opened with what this segment is part of.
    pub(super) fn of(&self, segment: &Segment<'_>, viewpoint: u32) -> [Option<usize>; 2] {
        let sent = segment.seq.plus(u32::from(segment.flags.syn()));
        let acknowledged = segment.flags.ack().then_some(segment.ack);
        [self.at(viewpoint, sent.0), acknowledged.and_then(|first| self.at(viewpoint, first.0))]
    }
}

/// The ends of a segment, as those of `connection`, if it is part of it.
pub(super) fn alias_of(connection: &Connection, segment: &Segment<'_>) -> Option<Alias> {
    let flags = segment.flags;
    match (flags.syn(), flags.ack()) {
        (true, false) => as_syn(connection, segment),
        (true, true) => as_syn_ack(connection, segment),
        (false, _) if refuses_syn(segment) => as_refusal(connection, segment),
        (false, _) => as_refusal(connection, segment).or_else(|| {
            [Side::Client, Side::Server]
                .into_iter()
                .find_map(|from| as_next(connection, segment, from))
        }),
    }
}

/// The pairs of ends that a connection is known by.
fn pairs(connection: &Connection) -> impl Iterator<Item = Alias> {
    let own = Alias { client: connection.client, server: connection.server };
    std::iter::once(own).chain(connection.aliases().iter().copied())
}

/// Whether two connects are one, going by a SYN of one that was captured as one of the other just before: the first
/// SYN before its translation, or after it, is missing. A search for open ports may look the same, where a SYN has
/// no identification, but then there are more than two.
pub(super) fn are_one(connect: &Connection, other: &Connection, syn: &Segment<'_>) -> bool {
    let of_two = connect.aliases().is_empty() && other.aliases().is_empty();
    is_unanswered(connect)
        && is_unanswered(other)
        && (syn.ip_id != 0 || of_two)
        && as_syn(other, syn).is_some()
}

/// Makes the ends of the first segment of the client those of the connection, if it was known by others so far, and
/// returns whether it did: to whom a client sends is whom it asks, and who answers, captured on one side of
/// translation alone, may have the address of somebody else. Who only closes asks nobody, and the one of the two
/// addresses is as good as the other.
pub(super) fn take_ends(connection: &mut Connection, segment: &Segment<'_>) -> bool {
    if segment.flags.fin() || segment.flags.rst() {
        return false;
    }
    let own = Alias { client: connection.client, server: connection.server };
    let mut aliases = connection.aliases.iter_mut().flat_map(|aliases| &mut aliases.0);
    let sent = |alias: &&mut Alias| alias.sender(segment.src, segment.dst) == Some(Side::Client);
    let Some(alias) = aliases.find(sent) else { return false };
    let asked = std::mem::replace(alias, own);
    (connection.client, connection.server) = (asked.client, asked.server);
    true
}

/// The ends of a SYN that was captured before, by its number and identification: not of another transmission
/// of it, and not of another SYN, for a search for open ports takes one number for all.
fn as_syn(connection: &Connection, segment: &Segment<'_>) -> Option<Alias> {
    let alias = Alias::of(segment, Side::Client);
    let recent = &connection.client_half.recent;
    let seen =
        recent.syns(segment.seq, segment.frame.at, TRANSLATION).any(|ip_id| ip_id == segment.ip_id);
    let shares = |one: Alias| {
        if segment.ip_id == 0 {
            return one.client.port == alias.client.port && connection.aliases().len() < UNSURE;
        }
        one.client.port == alias.client.port
            || one.client.addr == alias.client.addr
            || one.server.port == alias.server.port
    };
    (seen && pairs(connection).any(shares) || was_answered(connection, segment)).then_some(alias)
}

/// A SYN whose answer was captured before it, from elsewhere.
fn was_answered(connection: &Connection, syn: &Segment<'_>) -> bool {
    let soon = |answer: FrameRef| answer.at.since(syn.frame.at).max(syn.frame.at.since(answer.at));
    connection.syn.is_none()
        && connection.syn_ack.is_some_and(|answer| soon(answer) < TRANSLATION)
        && connection.client_half.origin == Some(Origin(syn.seq.plus(1)))
        && pairs(connection).any(|one| one.client.port == syn.src.port)
}

/// The ends of what acknowledges the SYN of the connection and nothing else: one of them is whole, or nothing but
/// the client's port, where it is `sure` without. Of a connection whose SYN was not captured, or a server that
/// refuses two of them, the server alone tells nothing.
fn as_answer(connection: &Connection, segment: &Segment<'_>, sure: bool) -> Option<Alias> {
    let alias = Alias::of(segment, Side::Server);
    let begun = connection.start == Start::Handshake
        && connection.client_half.origin == Some(Origin(segment.ack));
    let shares = |one: Alias| {
        one.client == alias.client
            || sure && one.client.port == alias.client.port
            || one.server == alias.server && connection.syn.is_some()
    };
    (begun && pairs(connection).any(shares)).then_some(alias)
}

/// The ends of a SYN+ACK, of which no other one was captured. Where translation has changed both ends, and damage
/// may have, both forms of it must have been captured.
fn as_syn_ack(connection: &Connection, segment: &Segment<'_>) -> Option<Alias> {
    let own = Origin(segment.seq.plus(1));
    let known = connection.server_half.origin;
    as_answer(connection, segment, known == Some(own))
        .filter(|_| known.is_none_or(|origin| origin == own))
}

/// The ends of what refuses the SYN: who was asked, or a firewall on the way, answers from where translation has led to.
fn as_refusal(connection: &Connection, segment: &Segment<'_>) -> Option<Alias> {
    let refuses = segment.flags.rst() && segment.flags.ack() && connection.established.is_none();
    as_answer(connection, segment, true).filter(|_| refuses && connection.syn_ack.is_none())
}

/// The ends of a segment of `from` that was captured just before, or of which nothing was captured yet and which
/// has exactly the numbers that its next one has. Both are 64 random bits: a payload that is compared would say
/// no more. Where its own ends were heard, other ones with the next numbers are a damaged address.
fn as_next(connection: &Connection, segment: &Segment<'_>, from: Side) -> Option<Alias> {
    let alias = Alias::of(segment, from);
    let shares = |one: Alias| one.client.port == alias.client.port || one.server == alias.server;
    if !pairs(connection).any(shares) {
        return None;
    }
    let (half, peer) = (connection.half(from), connection.half(from.peer()));
    let next =
        |half: &Half| half.wire(half.acked.map_or(half.sent, |acked| acked.pos.max(half.sent)));
    let goes_on = half.is_unheard()
        && segment.flags.ack()
        && next(half) == Some(segment.seq)
        && next(peer) == Some(segment.ack);
    (goes_on || half.recent.holds(segment)).then_some(alias)
}

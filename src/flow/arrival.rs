//! A segment arrives: its numbers become positions, and what its header alone tells is noted.

use super::belief;
use super::connection::{Acked, Connection, Half, Side, Start};
use super::handshake::{is_unanswered, note_peer_origin, note_syn, refuses_syn};
use super::position::{Origin, StreamPos};
use super::reassembly::Arrival;
use crate::packet::{FrameRef, Segment};
use std::time::Duration;

/// Places a segment in its connection; `None` when its numbers fit nothing.
pub(super) fn place<'a>(connection: &mut Connection, segment: &Segment<'a>) -> Option<Arrival<'a>> {
    let flags = segment.flags;
    connection.last = segment.frame;
    let from = connection.side_of(segment.src);
    if belief::answers_nothing(connection, segment, from) {
        return None;
    }
    if flags.syn() {
        if !note_syn(connection, segment, from) {
            return None;
        }
    } else if refuses_syn(segment) && from == Side::Server && connection.order == 0 {
        connection.client_half.origin.get_or_insert(Origin(segment.ack));
    }
    note_peer_origin(connection, segment, from);

    // What a reset answers to a SYN is no word on a connection.
    let refuses = flags.rst() && from == Side::Server && is_unanswered(connection);
    let pos = position(connection, segment, from, refuses)?;
    if flags.rst() && !flags.ack() {
        note_unseen_cause(connection, segment.frame, from);
    }
    let sent = note_sent(connection.half_mut(from), segment, pos);
    let ack = note_acknowledged(connection, segment, from, (pos, refuses, sent.asks));
    if connection.established.is_none()
        && from == Side::Client
        && flags.ack()
        && !flags.rst()
        && connection.start == Start::Handshake
    {
        connection.established = Some(segment.frame);
    }
    Some(Arrival {
        from,
        pos,
        ack,
        payload: segment.payload,
        payload_len: segment.payload_len,
        syn: flags.syn(),
        fin: flags.fin(),
        rst: flags.rst(),
        first_copy: sent.first_copy,
        ttl: segment.ttl,
        frame: segment.frame,
    })
}

/// The position of a segment's first payload byte; `None` when it is a stray. A reset that `refuses`
/// a connection is believed as it is.
fn position(
    connection: &mut Connection,
    segment: &Segment<'_>,
    from: Side,
    refuses: bool,
) -> Option<StreamPos> {
    let flags = segment.flags;
    // A SYN takes a number of its own (RFC 9293, section 3.4).
    let first_byte = segment.seq.plus(u32::from(flags.syn()));
    let half = connection.half_mut(from);
    let origin = *half.origin.get_or_insert(Origin(first_byte));
    if !flags.rst() {
        return belief::position_of(half, origin, first_byte, segment);
    }
    let pos = origin.position(first_byte, half.front());
    (refuses || belief::believes_reset(connection, from, pos, !flags.ack())).then_some(pos)
}

/// What a segment brings of its sender's stream.
struct SentBytes {
    /// What it carries had not been sent before.
    first_copy: bool,
    /// An answer is due to it, and all before it was acknowledged.
    asks: bool,
}

/// Takes note of what the sender of a segment at `pos` has sent.
fn note_sent(half: &mut Half, segment: &Segment<'_>, pos: StreamPos) -> SentBytes {
    let flags = segment.flags;
    half.last_at = segment.frame.at;
    // The window of a reset means nothing.
    if !flags.rst() {
        half.note_window(segment.window, segment.frame);
        half.note_ttl(segment.ttl);
    }
    let behind_payload = pos.plus(u64::from(segment.payload_len));
    // A FIN takes a number of its own, as a SYN does (RFC 9293, section 3.4).
    let end = behind_payload.plus(u64::from(flags.fin()));
    let first_copy = if flags.fin() { end > half.sent } else { pos >= half.sent };
    if segment.payload_len > 0 {
        half.count_early(pos, end);
        // A FIN behind the same bytes makes them no new ones.
        if behind_payload > half.sent {
            (half.resent, half.last_resent) = (0, None);
        } else {
            half.resent = half.resent.saturating_add(1);
            half.last_resent = Some(Box::new(segment.frame));
            half.resent_len = segment.payload_len;
        }
    }
    let asks = end > pos && half.acked.is_none_or(|acked| acked.pos >= half.sent);
    half.sent = half.sent.max(end);
    SentBytes { first_copy, asks }
}

/// Takes note of what a segment at a position acknowledges; returns how far, where that is believed. It
/// may refuse the connection, and may ask for an answer.
fn note_acknowledged(
    connection: &mut Connection,
    segment: &Segment<'_>,
    from: Side,
    (pos, refuses, asks): (StreamPos, bool, bool),
) -> Option<StreamPos> {
    let flags = segment.flags;
    let peer = connection.half_mut(from.peer());
    let believed = peer
        .origin
        .filter(|_| flags.ack() && !refuses)
        .and_then(|origin| belief::acknowledged(peer, origin, segment.ack));
    let sent = (pos, pos.plus(u64::from(segment.payload_len)));
    if !flags.rst() && belief::outlives_reset(connection, from, sent, believed, segment.frame.at) {
        withdraw_reset(connection.half_mut(from));
    }
    let pos = believed?;
    let peer = connection.half_mut(from.peer());
    if peer.acked.is_none_or(|acked| pos > acked.pos) {
        let before = peer.acked.replace(Acked { pos, frame: segment.frame });
        let own_fin = peer.fin.filter(|fin| from == Side::Server && pos > fin.pos);
        // Whoever answered what came before the FIN acknowledged it by that, and needs no witness.
        if own_fin.is_some_and(|fin| connection.half(from).asked_at < fin.pos) {
            connection.half_mut(from.peer()).acked_before_fin = before.map(Box::new);
        }
    }
    belief::note_window(connection, segment, from, pos);
    if asks {
        connection.half_mut(from).asked_at = pos;
    }
    believed
}

/// A reset was none: its sender goes on.
fn withdraw_reset(half: &mut Half) {
    (half.rst, half.rst_doubtful, half.acked_at_rst) = (None, false, None);
    half.strays = half.strays.saturating_add(1);
}

/// A reset without ACK flag answers a segment (RFC 9293, section 3.5.2), a round trip after it was
/// sent at the latest. If the peer was silent for longer, what it answers is missing from the capture.
fn note_unseen_cause(connection: &mut Connection, reset: FrameRef, from: Side) {
    const ROUND_TRIP: Duration = Duration::from_secs(1);
    let again = connection.half(from).rst.is_some_and(|rst| rst.ack.is_none());
    let peer = connection.half_mut(from.peer());
    if !again && peer.segments > 0 && reset.at.since(peer.last_at) >= ROUND_TRIP {
        peer.gaps = peer.gaps.saturating_add(1);
    }
}

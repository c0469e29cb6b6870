//! What the receiver of a segment would have believed of it.
//!
//! Who believes more can be deceived by any forged or stray segment; who believes less misses closes. A
//! capture does not see a receiver's state, only what it acknowledged and offered: these rules are as
//! wide as that, and no wider.

use super::connection::{Connection, Half, Side};
use super::position::{Origin, StreamPos};
use crate::base::time::Timestamp;
use crate::packet::{Scaling, Segment, SeqNum};
use std::time::Duration;

/// A sequence number so far from where the stream is belongs to no window (RFC 7323 allows 1 GiB,
/// no host opens a quarter of it): a stray from an older connection, or an attack; or the capture has a
/// large hole, and then the peer acknowledges it, or more follows it.
pub(super) const STRAY: i64 = 1 << 28;
/// So far beyond what a client was seen to send may lie what the first captured word of its server
/// acknowledges, where frames were lost.
const LOST_AT_THE_BEGIN: i64 = 1 << 20;
/// A connection whose round trip is not known has none longer than this.
const ROUND_TRIP: Duration = Duration::from_millis(500);

/// While a SYN has no answer, a word of the server answers it only if it acknowledges it, and no more
/// than was sent (RFC 9293, section 3.10.7.3): a reset that does not, or an ACK of an older
/// connection, says nothing of this one.
pub(super) fn answers_nothing(connection: &Connection, segment: &Segment<'_>, from: Side) -> bool {
    let flags = segment.flags;
    let client = &connection.client_half;
    let (Some(_), Some(origin), Side::Server) = (connection.syn, client.origin, from) else {
        return false;
    };
    let unanswered = connection.syn_ack.is_none() && connection.established.is_none();
    if !unanswered || flags.syn() || connection.server_half.origin.is_some() {
        return false;
    }
    let beyond = if flags.rst() { 0 } else { LOST_AT_THE_BEGIN };
    let ack = origin.position(segment.ack, StreamPos::default());
    !flags.ack() || ack.0 < 0 || ack.0 > client.sent.0.saturating_add(beyond)
}

/// Notes how far the sender of `segment`, which acknowledges `ack`, lets its peer send.
pub(super) fn note_window(
    connection: &mut Connection,
    segment: &Segment<'_>,
    from: Side,
    ack: StreamPos,
) {
    if segment.flags.rst() {
        return;
    }
    // The window of a SYN is never scaled (RFC 7323, section 2.2).
    let bits = if segment.flags.syn() { 0 } else { window_bits(connection, from) };
    let window = u64::from(segment.window).checked_shl(u32::from(bits)).unwrap_or(u64::MAX);
    let half = connection.half_mut(from.peer());
    half.edge = half.edge.max(ack.plus(window));
}

fn window_bits(connection: &Connection, from: Side) -> u8 {
    // Both offer to scale, or neither does (RFC 7323, section 2.2). What was not captured is taken for
    // the most: a window too wide refuses no true reset.
    match (connection.half(from).scaling, connection.half(from.peer()).scaling) {
        (Scaling::None, _) | (_, Scaling::None) => 0,
        (Scaling::Bits(bits), _) => bits,
        (Scaling::Untold, _) => Scaling::MOST,
    }
}

/// A reset with the number `pos` lies in its receiver's window, or is numbered as its sender's own FIN,
/// or as what it answers: a reset without ACK flag has the number that the segment acknowledged which it
/// answers, and that may be one of those still on their way. Where nothing of the receiver was captured,
/// what the sender sent must do.
pub(super) fn believes_reset(
    connection: &Connection,
    from: Side,
    pos: StreamPos,
    replies: bool,
) -> bool {
    let (half, peer) = (connection.half(from), connection.half(from.peer()));
    let Some(acked) = half.acked else {
        let distance = pos.0.saturating_sub(half.front().0).saturating_abs();
        return half.edge == StreamPos::default() && distance <= STRAY;
    };
    // An acknowledged position of which nothing was captured may have been the FIN.
    let own_fin = acked.pos == pos.plus(1) && believes_fin(half, pos);
    // A reset to a segment takes its number from what that acknowledges (RFC 9293, section 3.5.2).
    let asked = peer.acked.is_none_or(|acked| peer.sent > acked.pos);
    let reply = replies && asked && pos >= peer.asked_at;
    // Outside of the window it is dropped (RFC 9293, section 3.10.7.4).
    own_fin || (reply || pos >= acked.pos) && pos <= half.edge.max(half.front())
}

/// A reset that its receiver acts upon at once (RFC 5961, section 3.2): it has the number that the
/// receiver expects, as far as was captured.
pub(super) fn is_exact(half: &Half, pos: StreamPos) -> bool {
    half.acked.is_none_or(|acked| pos == acked.pos)
        || pos == half.reach()
        || half.fin.is_some_and(|fin| fin.pos == pos)
}

/// A FIN at `pos` can be one: nothing of its sender was delivered beyond it. A gap of one position may
/// have been the FIN, captured at last.
pub(super) fn believes_fin(half: &Half, pos: StreamPos) -> bool {
    let in_gap = |gap: super::Hole| gap.to == half.next && pos.plus(1) == half.next;
    pos >= half.next || half.last_gap.is_some_and(in_gap)
}

/// A side that "reset" goes on as if nothing had been: it sends bytes beyond the number of its reset, or
/// acknowledges more than it had, later than a round trip.
pub(super) fn outlives_reset(
    connection: &Connection,
    from: Side,
    (pos, end): (StreamPos, StreamPos),
    ack: Option<StreamPos>,
    at: Timestamp,
) -> bool {
    let half = connection.half(from);
    let Some(rst) = half.rst else { return false };
    let acked = connection.half(from.peer()).acked.map(|acked| acked.pos);
    let takes = ack.is_some_and(|ack| {
        rst.ack.is_none_or(|known| ack > known) && acked.is_some_and(|acked| ack > acked)
    });
    let sends = pos >= rst.pos && end > rst.pos.plus(1);
    let way = connection.round_trip().unwrap_or(ROUND_TRIP);
    (takes || sends) && at.since(rst.frame.at) > way
}

/// The position of a segment; `None` when it lies in no window. One far ahead is believed when another
/// goes on from it: the capture has a large hole.
pub(super) fn position_of(
    half: &mut Half,
    origin: Origin,
    first_byte: SeqNum,
    segment: &Segment<'_>,
) -> Option<StreamPos> {
    let front = half.front();
    let pos = origin.position(first_byte, front);
    let pos = if pos.0.saturating_sub(front.0).saturating_abs() <= STRAY {
        pos
    } else if segment.payload_len > 0 && half.elsewhere == Some(first_byte) {
        half.elsewhere = None;
        front.plus(u64::from(origin.wire(front).to(first_byte)))
    } else {
        if segment.payload_len > 0 {
            half.elsewhere = Some(first_byte.plus(segment.payload_len));
        }
        return None;
    };
    let end = pos.plus(u64::from(segment.payload_len));
    (!segment.flags.fin() || believes_fin(half, end)).then_some(pos)
}

/// How much of what `half` sent its peer acknowledges; `None` when that cannot be.
pub(super) fn acknowledged(half: &mut Half, origin: Origin, ack: SeqNum) -> Option<StreamPos> {
    let near = half.acked.map_or(half.front(), |acked| acked.pos.max(half.front()));
    let pos = origin.position(ack, near);
    if pos.0.saturating_sub(near.0).saturating_abs() <= STRAY {
        return Some(pos);
    }
    let front = half.front();
    (half.elsewhere == Some(ack)).then(|| {
        half.elsewhere = None;
        half.sent = front.plus(u64::from(origin.wire(front).to(ack)));
        half.sent
    })
}

//! Handshakes: which SYN and SYN+ACK are believed, and where they anchor the two streams.

use super::connection::{Connection, Half, Side, Start};
use super::position::{Origin, StreamPos};
use crate::packet::{FrameRef, Segment, SeqNum};
use std::time::Duration;

/// No host repeats a SYN sooner.
pub(super) const SYN_INTERVAL: Duration = Duration::from_millis(100);

/// Nobody has answered the SYN.
pub(super) fn is_unanswered(connection: &Connection) -> bool {
    connection.syn.is_some() && connection.syn_ack.is_none() && connection.established.is_none()
}

/// No payload of either side was delivered.
pub(super) fn is_unread(connection: &Connection) -> bool {
    let none = StreamPos::default();
    connection.client_half.next == none && connection.server_half.next == none
}

/// A reset that answers a SYN without ACK carries sequence number 0 and acknowledges the SYN
/// (RFC 9293, section 3.10.7.1): the mark of a refusal even where the SYN is missing.
pub(super) fn refuses_syn(segment: &Segment<'_>) -> bool {
    segment.flags.rst() && segment.flags.ack() && segment.seq == SeqNum(0)
}

/// Takes note of a SYN; `false` when it is a stray: an older SYN+ACK, or a second one that has another
/// number than the first.
pub(super) fn note_syn(connection: &mut Connection, segment: &Segment<'_>, from: Side) -> bool {
    let own = Origin(segment.seq.plus(1));
    if segment.flags.ack() {
        let peer = connection.half(from.peer());
        if let (Some(_), Some(origin)) = (connection.syn, peer.origin) {
            let ack = origin.position(segment.ack, StreamPos::default());
            // No answer to this SYN (RFC 9293, section 3.10.7.3).
            if ack.0 < 0 || ack > peer.sent {
                return false;
            }
        }
        let another = connection.half(from).origin.is_some_and(|origin| origin != own);
        if another && connection.syn_ack.is_some() {
            connection.rival = Some(own.0);
            return false;
        }
    }
    // What came before on these ports, as long as it was no payload, belonged to an older
    // connection: a host that still remembers that one answers a SYN with a stray ACK, and the
    // SYN's sender resets it and tries again (RFC 9293, section 3.5.1).
    let half = connection.half_mut(from);
    half.scaling = segment.scaling;
    let older = half.origin.is_some_and(|origin| origin != own);
    if (older || half.rst.is_some() || half.fin.is_some()) && is_unread(connection) {
        let half = connection.half_mut(from);
        let Half { segments, strays, fins, rsts, ttl, ttl_votes, scaling, recent, .. } = *half;
        *half = Half {
            segments,
            strays,
            fins,
            rsts,
            ttl,
            ttl_votes,
            scaling,
            recent,
            ..Half::default()
        };
    }
    if segment.flags.ack() {
        connection.syn_ack.get_or_insert(segment.frame);
        // Sooner, it may have crossed the client's answer.
        let way = connection.round_trip().unwrap_or_default().max(SYN_INTERVAL);
        let late = |answer: FrameRef| segment.frame.at.since(answer.at) >= way;
        if connection.established.is_some_and(late) {
            connection.syn_ack_again.get_or_insert_with(|| Box::new(segment.frame));
        }
        // It answers a SYN: what it acknowledges is the first byte, even if the SYN is missing.
        let client = connection.half_mut(from.peer());
        client.origin.get_or_insert(Origin(segment.ack));
    } else if from == Side::Client {
        connection.syn.get_or_insert(segment.frame);
        // What has other ends as well was passed on by the host that captured it, or may have been.
        if connection.aliases().is_empty() {
            connection.outgoing = connection.outgoing.or(segment.outgoing);
        }
        let again = connection.last_syn.replace(segment.frame);
        if again.is_none_or(|last| segment.frame.at.since(last.at) >= SYN_INTERVAL) {
            connection.syns = connection.syns.saturating_add(1);
        }
    }
    true
}

/// The number of the other side's first byte, where this segment can tell. In a handshake the
/// client's first after its SYN can: it acknowledges the SYN+ACK and nothing else. In a connection
/// begun before the capture any can: what it acknowledges was sent before, and what follows should
/// be captured.
pub(super) fn note_peer_origin(connection: &mut Connection, segment: &Segment<'_>, from: Side) {
    if segment.flags.syn() || segment.flags.rst() || !segment.flags.ack() {
        return;
    }
    let answers_handshake = from == Side::Client
        && connection.established.is_none()
        && connection.client_half.origin == Some(Origin(segment.seq));
    if answers_handshake && connection.rival == Some(segment.ack) && is_unread(connection) {
        // It took the second SYN+ACK, not the first.
        let half = connection.half_mut(from.peer());
        half.origin = Some(Origin(segment.ack));
        (half.acked, half.edge) = (None, StreamPos::default());
    }
    if connection.start == Start::Midstream || answers_handshake {
        connection.half_mut(from.peer()).origin.get_or_insert(Origin(segment.ack));
    }
}

/// Does this segment belong to another connection than `connection`, which has the same addresses
/// and ports? A SYN or SYN+ACK whose number is not this one's opens a new one.
pub(super) fn begins_anew(connection: &Connection, segment: &Segment<'_>) -> bool {
    if !segment.flags.syn() || segment.flags.rst() {
        return false;
    }
    let from = connection.side_of(segment.src);
    let differs = |side: Side, first_byte: SeqNum| {
        connection.half(side).origin.is_some_and(|origin| origin != Origin(first_byte))
    };
    differs(from, segment.seq.plus(1))
        && (!segment.flags.ack() || differs(from.peer(), segment.ack))
}

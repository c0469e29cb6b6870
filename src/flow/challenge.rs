//! A SYN in the middle of a connection.
//!
//! It may open a new connection between the same ends; or it is a copy of an old one, which a challenge
//! ACK answers (RFC 5961, section 4), and the connection goes on. Which it was shows by what follows.

use super::handshake::SYN_INTERVAL;
use crate::packet::Segment;

/// The SYN or SYN+ACK that may open another connection.
#[derive(Debug)]
pub(super) struct Challenge(Segment<'static>);

impl Challenge {
    /// Holds a SYN back. Payload in it, if any, is taken for not captured.
    pub(super) fn of(segment: &Segment<'_>) -> Self {
        Self(Segment { payload: &[], ..*segment })
    }

    pub(super) fn segment(&self) -> &Segment<'static> {
        &self.0
    }

    /// Whether `segment` is that SYN again: a copy of an old one comes once.
    pub(super) fn is_repeated(&self, segment: &Segment<'_>) -> bool {
        self.is_copy(segment) && segment.frame.at.since(self.0.frame.at) >= SYN_INTERVAL
    }

    fn is_copy(&self, segment: &Segment<'_>) -> bool {
        let own = &self.0;
        (segment.src, segment.seq) == (own.src, own.seq)
            && segment.flags.syn()
            && segment.flags.ack() == own.flags.ack()
    }

    /// Whether `segment` shows that the other end, or its own sender, goes on from it.
    pub(super) fn is_answered(&self, segment: &Segment<'_>) -> bool {
        let own = &self.0;
        let first = own.seq.plus(1);
        if segment.src == own.src {
            return !segment.flags.syn() && !segment.flags.rst() && segment.seq == first;
        }
        let acknowledged = segment.ack == first || segment.ack == first.plus(own.payload_len);
        let numbered = !own.flags.ack() || segment.seq == own.ack;
        let takes = segment.flags.syn() || segment.flags.rst() || own.flags.ack();
        segment.flags.ack() && acknowledged && numbered && takes
    }
}

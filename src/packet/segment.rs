//! A TCP segment, and the numbers in its header.

use super::{Endpoint, FrameRef};

/// One TCP segment, borrowed from its frame. Flags stay raw: SYN+FIN is a fact, not an error.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// The frame it came in.
    pub frame: FrameRef,
    /// Who sent it.
    pub src: Endpoint,
    /// To whom.
    pub dst: Endpoint,
    /// IPv4 time to live or IPv6 hop limit: a stranger's reset often gives itself away by it.
    pub ttl: u8,
    /// IPv4 identification, which each transmission has anew; 0 where the sender sets none, and in
    /// IPv6, which has none.
    pub ip_id: u16,
    /// Sequence number of the first payload byte (of the SYN, if set).
    pub seq: SeqNum,
    /// Acknowledgement number; means nothing without the ACK flag.
    pub ack: SeqNum,
    /// The flags as sent.
    pub flags: Flags,
    /// Window as sent, not scaled: 0 is 0 either way.
    pub window: u16,
    /// How its sender scales the windows of later segments, where this is a SYN.
    pub scaling: Scaling,
    /// The captured part of the payload.
    pub payload: &'a [u8],
    /// Payload length on the wire.
    pub payload_len: u32,
    /// Whether the segment left the host that captured it (true) or came to it (false). Only Linux cooked
    /// captures tell.
    pub outgoing: Option<bool>,
}

/// A sequence or acknowledgement number as on the wire. It wraps, so it has no order; `flow` turns
/// it into a position, which has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SeqNum(pub u32);

impl SeqNum {
    /// The number `count` bytes on.
    #[must_use]
    pub const fn plus(self, count: u32) -> Self {
        Self(self.0.wrapping_add(count))
    }

    /// How many bytes on `other` is, going forward.
    pub const fn to(self, other: Self) -> u32 {
        other.0.wrapping_sub(self.0)
    }
}

/// The flags of a segment (RFC 9293, section 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags(pub u8);

impl Flags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Opens a connection.
    pub const SYN: u8 = 0x02;
    /// Ends it at once.
    pub const RST: u8 = 0x04;
    /// Asks to hand over to the application now.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement number means something.
    pub const ACK: u8 = 0x10;

    /// FIN is set.
    pub const fn fin(self) -> bool {
        self.0 & Self::FIN != 0
    }
    /// SYN is set.
    pub const fn syn(self) -> bool {
        self.0 & Self::SYN != 0
    }
    /// RST is set.
    pub const fn rst(self) -> bool {
        self.0 & Self::RST != 0
    }
    /// ACK is set.
    pub const fn ack(self) -> bool {
        self.0 & Self::ACK != 0
    }
}

/// How a side scales the windows that it offers after its SYN (RFC 7323, section 2). Both must offer to
/// scale, or neither does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scaling {
    /// No SYN of it was captured, or not the options of it.
    #[default]
    Untold,
    /// The side's SYN does not offer to scale.
    None,
    /// By so many bits.
    Bits(u8),
}

impl Scaling {
    /// No window is scaled by more (RFC 7323, section 2.3).
    pub const MOST: u8 = 14;

    pub(super) fn of(options: &[u8], whole: bool) -> Self {
        const END: u8 = 0;
        const NOTHING: u8 = 1;
        const WINDOW_SCALE: u8 = 3;
        let mut rest = options;
        loop {
            rest = match rest {
                [] | [END, ..] => return if whole { Self::None } else { Self::Untold },
                [NOTHING, rest @ ..] => rest,
                [WINDOW_SCALE, 3, bits, ..] => return Self::Bits((*bits).min(Self::MOST)),
                [_, len, ..] => match rest.get(usize::from(*len).max(2)..) {
                    Some(rest) => rest,
                    None => return Self::Untold,
                },
                [_] => return Self::Untold,
            };
        }
    }
}

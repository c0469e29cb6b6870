//! TCP: the header's numbers, and where the payload begins.

use super::ip::Transport;
use super::{Endpoint, FrameRef, Segment, Skip};
use etherparse::TcpHeaderSlice;

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
    /// Its SYN does not offer to scale.
    None,
    /// By so many bits.
    Bits(u8),
}

impl Scaling {
    /// No window is scaled by more (RFC 7323, section 2.3).
    pub const MOST: u8 = 14;

    fn of(options: &[u8], whole: bool) -> Self {
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

/// The header without options.
const FIXED: usize = 20;

/// The segment that begins at `transport.tcp`.
pub(super) fn segment<'a>(frame: FrameRef, transport: &Transport<'a>) -> Result<Segment<'a>, Skip> {
    let tcp = transport.tcp;
    let Some(fixed) = tcp.bytes.first_chunk::<FIXED>() else {
        return Err(tcp.shorter_than(FIXED));
    };
    let header_len = usize::from(fixed[12] >> 4) * 4;
    if header_len < FIXED || usize::try_from(tcp.wire_len).is_ok_and(|wire| wire < header_len) {
        return Err(Skip::Malformed);
    }
    // A small snap length can cut the options; the fixed part still tells all that is needed, once
    // its length field agrees with it.
    let mut alone = *fixed;
    alone[12] = 5 << 4;
    let header = TcpHeaderSlice::from_slice(tcp.bytes)
        .or_else(|_| TcpHeaderSlice::from_slice(&alone))
        .map_err(|_| Skip::Malformed)?;
    let payload = tcp.bytes.get(header_len..).unwrap_or_default();
    let flags = Flags(fixed[13]);
    let scaling = if flags.syn() {
        let options = tcp.bytes.get(FIXED..header_len);
        Scaling::of(options.or(tcp.bytes.get(FIXED..)).unwrap_or_default(), options.is_some())
    } else {
        Scaling::Untold
    };
    Ok(Segment {
        frame,
        src: Endpoint { addr: transport.src, port: header.source_port() },
        dst: Endpoint { addr: transport.dst, port: header.destination_port() },
        ttl: transport.ttl,
        ip_id: transport.id,
        seq: SeqNum(header.sequence_number()),
        ack: SeqNum(header.acknowledgment_number()),
        flags,
        window: header.window_size(),
        scaling,
        payload,
        outgoing: None,
        payload_len: tcp.wire_len.saturating_sub(u32::try_from(header_len).unwrap_or(u32::MAX)),
    })
}

//! TCP: the header's numbers, and where the payload begins.

use super::ip::Transport;
use super::{Endpoint, Flags, FrameRef, Scaling, Segment, SeqNum, Skip};
use etherparse::TcpHeaderSlice;

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

//! Frames become TCP segments: borrowed views, no allocation, no state.
//!
//! [`decode`] peels the link layer ([`link`]), IP ([`ip`]) and TCP ([`tcp`]) off one frame. What is
//! not a whole TCP segment is a [`Skip`], which the caller counts; nothing here is an error of ours.
//!
//! Invariants: `Segment::payload` is never longer than `Segment::payload_len`, which goes by the
//! lengths in the headers and so is right also where the capture cut the frame.

mod endpoint_pattern;
pub mod fragments;
pub mod icmp;
pub mod ip;
pub mod link;
mod neighbour;
pub mod tcp;
mod tunnel;

use crate::base::time::Timestamp;
pub use endpoint_pattern::EndpointPattern;
pub use link::LinkType;
pub use neighbour::{Neighbour, neighbour};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
pub use tcp::{Flags, Scaling, SeqNum};

/// Names one frame of one capture: the currency of evidence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameRef {
    /// Which of the given captures, from 0.
    pub capture: u32,
    /// Counts from 1 in its capture, as Wireshark shows it.
    pub number: u64,
    /// When it was captured.
    pub at: Timestamp,
}

/// What the capture holds: bytes that begin with the link-layer header.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Its name.
    pub reference: FrameRef,
    /// What the bytes begin with.
    pub link: LinkType,
    /// Length on the wire, which the capture may have cut.
    pub wire_len: u32,
    /// The captured bytes.
    pub bytes: &'a [u8],
}

/// One end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Endpoint {
    /// IPv4 or IPv6 address.
    pub addr: IpAddr,
    /// TCP port.
    pub port: u16,
}

/// `ip:port`, for IPv6 `[ip]:port`.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.addr, self.port).fmt(f)
    }
}

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
    /// It left the host that captured it (true), or came to it (false). Only Linux cooked captures
    /// tell.
    pub outgoing: Option<bool>,
}

/// Why a frame is no segment. Counted and shown, never logged per frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Skip {
    /// ARP, LLDP and the like.
    NotIp,
    /// UDP, ICMP and the like.
    NotTcp,
    /// A fragment of an IP datagram.
    Fragment,
    /// The capture cut the frame before the end of the TCP header.
    Truncated,
    /// Headers that contradict themselves.
    Malformed,
    /// A link type that is not read.
    UnsupportedLink,
    /// An IP datagram within another (RFC 2003, RFC 4213).
    IpInIp,
    /// Generic routing encapsulation (RFC 2784), ERSPAN too.
    Gre,
    /// An Ethernet frame in UDP (RFC 7348): traffic mirroring of AWS, overlay networks.
    Vxlan,
    /// The same with options (RFC 8926): AWS gateway load balancers, OVN.
    Geneve,
    /// Layer two tunnelling (RFC 2661, RFC 3931).
    L2tp,
    /// A mobile network's user data.
    Gtp,
    /// Label switching (RFC 3032).
    Mpls,
    /// A session of PPP over Ethernet (RFC 2516).
    Pppoe,
}

impl Skip {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 14] = [
        Self::NotIp,
        Self::NotTcp,
        Self::Fragment,
        Self::Truncated,
        Self::Malformed,
        Self::UnsupportedLink,
        Self::IpInIp,
        Self::Gre,
        Self::Vxlan,
        Self::Geneve,
        Self::L2tp,
        Self::Gtp,
        Self::Mpls,
        Self::Pppoe,
    ];

    /// It may hold a segment, inside of a tunnel.
    pub const fn is_tunnel(self) -> bool {
        match self {
            Self::IpInIp
            | Self::Gre
            | Self::Vxlan
            | Self::Geneve
            | Self::L2tp
            | Self::Gtp
            | Self::Mpls
            | Self::Pppoe => true,
            Self::NotIp
            | Self::NotTcp
            | Self::Fragment
            | Self::Truncated
            | Self::Malformed
            | Self::UnsupportedLink => false,
        }
    }

    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotIp => "not_ip",
            Self::NotTcp => "not_tcp",
            Self::Fragment => "fragment",
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::UnsupportedLink => "unsupported_link",
            Self::IpInIp => "ip_in_ip",
            Self::Gre => "gre",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::L2tp => "l2tp",
            Self::Gtp => "gtp",
            Self::Mpls => "mpls",
            Self::Pppoe => "pppoe",
        }
    }
}

/// The TCP segment in a frame.
///
/// # Errors
/// A [`Skip`] when there is none, or none that can be read.
pub fn decode<'a>(frame: &Frame<'a>) -> Result<Segment<'a>, Skip> {
    let datagram = link::datagram(frame)?;
    let transport = ip::transport(datagram)?;
    let segment = tcp::segment(frame.reference, &transport)?;
    Ok(Segment { outgoing: link::outgoing(frame), ..segment })
}

/// A layer's payload: what was captured of it and how long it was on the wire.
#[derive(Clone, Copy, Debug)]
pub struct Cut<'a> {
    /// The captured bytes, never more than `wire_len`.
    pub bytes: &'a [u8],
    /// Length on the wire.
    pub wire_len: u32,
}

impl<'a> Cut<'a> {
    /// What follows the first `header` bytes; `None` when the capture or the wire ends before.
    fn after(self, header: usize) -> Option<Self> {
        Some(Self {
            bytes: self.bytes.get(header..)?,
            wire_len: self.wire_len.checked_sub(u32::try_from(header).ok()?)?,
        })
    }

    /// No longer than `wire_len`: what a lower layer padded is cut off. A header that claims more
    /// than there was is not believed.
    fn limited(self, wire_len: u32) -> Self {
        let wire_len = wire_len.min(self.wire_len);
        let keep = usize::try_from(wire_len).unwrap_or(usize::MAX);
        Self { bytes: self.bytes.get(..keep).unwrap_or(self.bytes), wire_len }
    }

    /// Why `header` bytes cannot be read from here: the capture cut them, or they never were.
    fn shorter_than(self, header: usize) -> Skip {
        if usize::try_from(self.wire_len).is_ok_and(|wire| wire < header) {
            Skip::Malformed
        } else {
            Skip::Truncated
        }
    }
}

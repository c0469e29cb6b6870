//! Who asks for whose link address, and who answers: ARP (RFC 826), neighbour discovery (RFC 4861).

use super::{Cut, Frame, FrameRef, link};
use etherparse::{IpNumber, Ipv6HeaderSlice};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A question for a neighbour's link address, or what answers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Neighbour {
    /// A host wants to send something to another one.
    Asked {
        /// The host.
        by: IpAddr,
        /// The other one.
        about: IpAddr,
        /// The frame.
        frame: FrameRef,
    },
    /// A host is there: it says so itself.
    There(IpAddr),
}

/// What a frame that is no TCP says of a neighbour.
pub fn neighbour(frame: &Frame<'_>) -> Option<Neighbour> {
    let (ether_type, payload) = link::payload(frame).ok()?;
    match ether_type {
        link::ARP => arp(payload, frame.reference),
        link::IPV6 => discovery(payload, frame.reference),
        _ => None,
    }
}

fn arp(payload: Cut<'_>, frame: FrameRef) -> Option<Neighbour> {
    const FOR_IPV4: [u8; 2] = [8, 0];
    const REQUEST: [u8; 2] = [0, 1];
    let bytes = payload.bytes;
    let (protocol, hardware, length) = (bytes.get(2..4)?, *bytes.get(4)?, *bytes.get(5)?);
    if protocol != FOR_IPV4 || length != 4 {
        return None;
    }
    let hardware = usize::from(hardware);
    let address = |at: usize| {
        let octets = bytes.get(at..)?.first_chunk::<4>()?;
        Some(Ipv4Addr::from(*octets))
    };
    let by = address(hardware.saturating_add(8))?;
    let about = address(hardware.saturating_mul(2).saturating_add(12))?;
    // Whoever asks for its own address tells that it is there, or looks whether it may be.
    if bytes.get(6..8)? == REQUEST && by != about {
        let asks = !by.is_unspecified();
        return asks.then_some(Neighbour::Asked { by: by.into(), about: about.into(), frame });
    }
    (!by.is_unspecified()).then_some(Neighbour::There(by.into()))
}

fn discovery(payload: Cut<'_>, frame: FrameRef) -> Option<Neighbour> {
    const SOLICITATION: u8 = 135;
    const ADVERTISEMENT: u8 = 136;
    let header = Ipv6HeaderSlice::from_slice(payload.bytes).ok()?;
    if header.next_header() != IpNumber::IPV6_ICMP {
        return None;
    }
    let icmp = payload.bytes.get(header.slice().len()..)?;
    let about = Ipv6Addr::from(*icmp.get(8..)?.first_chunk::<16>()?);
    let by = header.source_addr();
    match *icmp.first()? {
        SOLICITATION if !by.is_unspecified() => {
            Some(Neighbour::Asked { by: by.into(), about: about.into(), frame })
        }
        ADVERTISEMENT => Some(Neighbour::There(about.into())),
        _ => None,
    }
}

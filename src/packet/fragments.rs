//! Fragments of IP datagrams become datagrams again, within a bound.
//!
//! TCP avoids fragments; what there is comes from tunnels, odd links and attackers. So few are kept,
//! and not for long.

use super::{Frame, LinkType, link};
use crate::packet::FrameRef;
use etherparse::{Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice};
use std::net::IpAddr;
use std::time::Duration;

/// Datagrams in pieces at once; the one begun first makes room.
const MAX_DATAGRAMS: usize = 64;
/// The longest datagram there can be.
const MAX_LENGTH: usize = 65_535;
/// Hosts wait 30 to 120 s (RFC 791, RFC 8200); so do we.
const PATIENCE: Duration = Duration::from_secs(60);

/// Datagrams of which not all pieces have come.
#[derive(Debug, Default)]
pub struct Fragments {
    /// The oldest first.
    begun: Vec<Datagram>,
}

/// A datagram put together: a frame of raw IP can be made of it.
#[derive(Debug)]
pub struct Whole {
    /// The frame that brought the last piece.
    pub frame: FrameRef,
    /// The IP header, without fragmentation, and what it carries.
    pub bytes: Vec<u8>,
}

impl Whole {
    /// As a frame of its own.
    pub fn as_frame(&self) -> Frame<'_> {
        Frame {
            reference: self.frame,
            link: LinkType::RAW,
            wire_len: u32::try_from(self.bytes.len()).unwrap_or(u32::MAX),
            bytes: &self.bytes,
        }
    }
}

#[derive(Debug)]
struct Datagram {
    name: (IpAddr, IpAddr, u32, u8),
    begun: FrameRef,
    /// The header of its first piece.
    header: Vec<u8>,
    /// Where each piece begins, and its bytes.
    pieces: Vec<(usize, Vec<u8>)>,
    /// Length of what is carried, once the last piece has come.
    length: Option<usize>,
}

/// One fragment.
struct Fragment<'a> {
    name: (IpAddr, IpAddr, u32, u8),
    header: Vec<u8>,
    offset: usize,
    more: bool,
    bytes: &'a [u8],
}

impl Fragments {
    /// Takes a frame that holds a fragment; returns the datagram when this was its last piece.
    pub fn take(&mut self, frame: &Frame<'_>) -> Option<Whole> {
        let piece = piece(link::datagram(frame).ok()?.bytes)?;
        let now = frame.reference;
        self.begun.retain(|datagram| now.at.since(datagram.begun.at) < PATIENCE);
        if piece.offset.saturating_add(piece.bytes.len()) > MAX_LENGTH {
            return None;
        }
        let known = self.begun.iter().position(|datagram| datagram.name == piece.name);
        let at = known.unwrap_or_else(|| {
            if self.begun.len() >= MAX_DATAGRAMS {
                self.begun.remove(0);
            }
            self.begun.push(Datagram {
                name: piece.name,
                begun: now,
                header: Vec::new(),
                pieces: Vec::new(),
                length: None,
            });
            self.begun.len().saturating_sub(1)
        });
        let datagram = self.begun.get_mut(at)?;
        datagram.add(piece);
        let bytes = datagram.whole()?;
        self.begun.remove(at);
        Some(Whole { frame: now, bytes })
    }
}

impl Datagram {
    fn add(&mut self, piece: Fragment<'_>) {
        if piece.offset == 0 {
            self.header = piece.header;
        }
        if !piece.more {
            self.length = Some(piece.offset.saturating_add(piece.bytes.len()));
        }
        // What came first stays; pieces that overlap are an attack, or a repetition.
        let known = self.pieces.iter().any(|(offset, _)| *offset == piece.offset);
        // Eight bytes a piece at least: so many make the longest datagram.
        if !known && self.pieces.len() <= MAX_LENGTH.div_ceil(8) {
            let place = self.pieces.partition_point(|(offset, _)| *offset < piece.offset);
            self.pieces.insert(place, (piece.offset, piece.bytes.to_vec()));
        }
    }

    /// The whole of it, if nothing is missing.
    fn whole(&self) -> Option<Vec<u8>> {
        let length = self.length?;
        let mut bytes = self.header.clone();
        let begin = bytes.len();
        for (offset, piece) in &self.pieces {
            let so_far = bytes.len().saturating_sub(begin);
            let skip = so_far.checked_sub(*offset)?;
            bytes.extend_from_slice(piece.get(skip..).unwrap_or_default());
        }
        (begin > 0 && bytes.len().saturating_sub(begin) >= length).then_some(())?;
        bytes.truncate(begin.saturating_add(length));
        fix_header(&mut bytes, begin)?;
        Some(bytes)
    }
}

/// The fragment in a datagram.
fn piece(datagram: &[u8]) -> Option<Fragment<'_>> {
    match datagram.first()? >> 4 {
        4 => {
            let header = Ipv4HeaderSlice::from_slice(datagram).ok()?;
            let end = usize::from(header.total_len()).min(datagram.len());
            Some(Fragment {
                name: (
                    header.source_addr().into(),
                    header.destination_addr().into(),
                    u32::from(header.identification()),
                    header.protocol().0,
                ),
                header: header.slice().to_vec(),
                offset: usize::from(header.fragments_offset().value()).saturating_mul(8),
                more: header.more_fragments(),
                bytes: datagram.get(header.slice().len()..end)?,
            })
        }
        6 => {
            let header = Ipv6HeaderSlice::from_slice(datagram).ok()?;
            let rest = datagram.get(header.slice().len()..)?;
            // Extension headers before the fragment header are rarer still: not put together.
            let fragment = Ipv6FragmentHeaderSlice::from_slice(rest).ok()?;
            if header.next_header() != etherparse::IpNumber::IPV6_FRAGMENTATION_HEADER {
                return None;
            }
            let end = usize::from(header.payload_length()).min(rest.len());
            let mut own = header.slice().to_vec();
            if let Some(next) = own.get_mut(6) {
                *next = fragment.next_header().0;
            }
            Some(Fragment {
                name: (
                    header.source_addr().into(),
                    header.destination_addr().into(),
                    fragment.identification(),
                    fragment.next_header().0,
                ),
                header: own,
                offset: usize::from(fragment.fragment_offset().value()).saturating_mul(8),
                more: fragment.more_fragments(),
                bytes: rest.get(fragment.slice().len()..end)?,
            })
        }
        _ => None,
    }
}

/// Writes the whole length into the header, and takes the fragmentation out of it.
fn fix_header(bytes: &mut [u8], header: usize) -> Option<()> {
    let total = u16::try_from(bytes.len()).ok()?;
    let payload = u16::try_from(bytes.len().checked_sub(header)?).ok()?;
    if bytes.first()? >> 4 == 4 {
        bytes.get_mut(2..4)?.copy_from_slice(&total.to_be_bytes());
        bytes.get_mut(6..8)?.fill(0);
    } else {
        bytes.get_mut(4..6)?.copy_from_slice(&payload.to_be_bytes());
    }
    Some(())
}

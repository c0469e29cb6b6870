//! Frames become a pcapng file (draft-ietf-opsawg-pcapng). Only whole blocks are ever handed out.
//!
//! Of the libraries, `pcap-file` 2 cannot write comments on frames and 3 is a release candidate;
//! what is needed is three kinds of block.

use super::redact::Redacted;
use crate::packet::LinkType;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const ENHANCED_PACKET: u32 = 6;

const END_OF_OPTIONS: u16 = 0;
const COMMENT: u16 = 1;
const USER_APPLICATION: u16 = 4;
const INTERFACE_NAME: u16 = 2;
const TIME_RESOLUTION: u16 = 9;

/// Writes blocks of one section into memory.
#[derive(Debug, Default)]
pub(super) struct SectionWriter {
    /// Link types that were declared, in order: an interface each.
    links: Vec<LinkType>,
}

impl SectionWriter {
    /// Begins a section, with a comment on the whole of it.
    pub(super) fn begin(comment: &str, to: &mut Vec<u8>) -> Self {
        block(SECTION_HEADER, to, |to| {
            to.extend(0x1a2b_3c4d_u32.to_ne_bytes());
            to.extend(1_u16.to_ne_bytes());
            to.extend(0_u16.to_ne_bytes());
            // How long the section is is not known.
            to.extend(u64::MAX.to_ne_bytes());
            option(COMMENT, comment.as_bytes(), to);
            let program = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
            option(USER_APPLICATION, program.as_bytes(), to);
        });
        Self::default()
    }

    /// Adds a frame, with a comment on it; an empty one is none. `interface` is the name under which
    /// a link type that is new is declared.
    pub(super) fn frame(
        &mut self,
        frame: &Redacted<'_>,
        interface: &str,
        comment: &str,
        to: &mut Vec<u8>,
    ) {
        let place = self.links.iter().position(|link| *link == frame.link);
        let place = place.unwrap_or_else(|| {
            self.declare(frame.link, interface, to);
            self.links.len().saturating_sub(1)
        });
        block(ENHANCED_PACKET, to, |to| {
            let nanos = frame.reference.at.as_nanos();
            to.extend(length(place).to_ne_bytes());
            to.extend(u32::try_from(nanos >> 32).unwrap_or(u32::MAX).to_ne_bytes());
            to.extend(u32::try_from(nanos & 0xffff_ffff).unwrap_or(u32::MAX).to_ne_bytes());
            to.extend(length(frame.bytes.len()).to_ne_bytes());
            to.extend(frame.wire_len.to_ne_bytes());
            to.extend_from_slice(frame.bytes);
            pad(to);
            option(COMMENT, comment.as_bytes(), to);
        });
    }

    fn declare(&mut self, link: LinkType, name: &str, to: &mut Vec<u8>) {
        self.links.push(link);
        block(INTERFACE, to, |to| {
            to.extend(link.0.to_ne_bytes());
            to.extend(0_u16.to_ne_bytes());
            // No limit on captured lengths is promised.
            to.extend(0_u32.to_ne_bytes());
            option(INTERFACE_NAME, name.as_bytes(), to);
            // Powers of ten of a second: nanoseconds.
            option(TIME_RESOLUTION, &[9], to);
        });
    }
}

/// A block: type, length, body, the end of its options, length again.
fn block(kind: u32, to: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = to.len();
    to.extend(kind.to_ne_bytes());
    to.extend([0; 4]);
    body(to);
    to.extend(END_OF_OPTIONS.to_ne_bytes());
    to.extend([0; 2]);
    let total = length(to.len().saturating_sub(start).saturating_add(4)).to_ne_bytes();
    to.extend(total);
    let place = start.saturating_add(4);
    if let Some(place) = to.get_mut(place..place.saturating_add(4)) {
        place.copy_from_slice(&total);
    }
}

/// An option: code, length, value. Blocks begin at multiples of four, so padding can go by the whole.
fn option(code: u16, value: &[u8], to: &mut Vec<u8>) {
    const LONGEST: usize = 60_000;
    let value = value.get(..LONGEST).unwrap_or(value);
    if value.is_empty() {
        return;
    }
    to.extend(code.to_ne_bytes());
    to.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_ne_bytes());
    to.extend_from_slice(value);
    pad(to);
}

fn pad(to: &mut Vec<u8>) {
    to.resize(to.len().next_multiple_of(4), 0);
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

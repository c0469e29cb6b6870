//! The block container: sections, interfaces, packets, and what we pass over.
//! <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html>

use super::record::{MAX_RECORD, Step};
use crate::base::time::Timestamp;
use crate::packet::LinkType;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
/// Type and length before the body, length again after it.
const FRAMING: usize = 12;
/// What the section header's third field reads when byte orders agree.
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// A file that declares more is damaged; it must not fill the memory.
const MAX_INTERFACES: usize = 65_536;

/// Do these bytes begin such a file?
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(&SECTION_HEADER.to_be_bytes())
}

/// What must be remembered from block to block.
#[derive(Clone, Debug, Default)]
pub(super) struct Walk {
    /// Blocks read.
    pub(super) blocks: u64,
    big_endian: bool,
    /// Of this section.
    interfaces: Vec<Interface>,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link: LinkType,
    snaplen: u32,
    resolution: Resolution,
    /// Seconds to add to every stamp.
    offset: i64,
}

/// The unit of an interface's stamps.
#[derive(Clone, Copy, Debug)]
enum Resolution {
    /// So many nanoseconds.
    Nanos(u64),
    /// Ten to the minus n of a second, n above 9.
    Decimal(u32),
    /// Two to the minus n of a second.
    Binary(u32),
}

impl Walk {
    /// The block that begins here. Link types of interfaces are noted in `links`.
    pub(super) fn step(&mut self, here: &[u8], links: &mut Vec<LinkType>) -> Step {
        let Some(&[a, b, c, d, ..]) = here.first_chunk::<FRAMING>() else {
            return Step::Short { need: FRAMING };
        };
        let mut kind = self.u32([a, b, c, d]);
        if [a, b, c, d] == SECTION_HEADER.to_be_bytes() {
            kind = SECTION_HEADER;
            match here.get(8..12) {
                Some(magic) if magic == BYTE_ORDER_MAGIC.to_be_bytes() => self.big_endian = true,
                Some(magic) if magic == BYTE_ORDER_MAGIC.to_le_bytes() => self.big_endian = false,
                _ => {
                    return Step::Bad(
                        "a section header with an unknown byte-order mark".to_owned(),
                    );
                }
            }
            self.interfaces.clear();
        }
        let length = self.field(here, 4).unwrap_or_default();
        let used = match usize::try_from(length) {
            Ok(used) if used < FRAMING => {
                return Step::Bad(format!("length {length}, need at least {FRAMING}"));
            }
            Ok(used) if used <= MAX_RECORD => used.next_multiple_of(4),
            _ => return Step::Bad(format!("length {length}, can be at most {MAX_RECORD}")),
        };
        let Some(block) = here.get(..used) else {
            return Step::Short { need: used };
        };
        let trailer = self.field(block, used.saturating_sub(4)).unwrap_or_default();
        if trailer != length {
            return Step::Bad(format!("length {length} at its beginning, {trailer} at its end"));
        }
        let body = block.get(8..used.saturating_sub(4)).unwrap_or_default();
        let step = match kind {
            // Whatever its version: the framing of blocks has not changed, nor should it.
            SECTION_HEADER => Step::Other { used },
            INTERFACE => self.interface(body, used, links),
            ENHANCED_PACKET => self.packet(body, used, self.field(body, 0), 20),
            PACKET => {
                let interface = body.first_chunk::<2>().map(|id| u32::from(self.u16(*id)));
                self.packet(body, used, interface, 20)
            }
            SIMPLE_PACKET => self.simple_packet(body, used),
            _ => Step::Other { used },
        };
        if !matches!(step, Step::Bad(_)) {
            self.blocks = self.blocks.saturating_add(1);
        }
        step
    }

    fn interface(&mut self, body: &[u8], used: usize, links: &mut Vec<LinkType>) -> Step {
        let (Some(link), Some(snaplen)) = (body.first_chunk::<2>(), self.field(body, 4)) else {
            return Step::Bad(format!("an interface of {used} bytes, need at least 20"));
        };
        if self.interfaces.len() >= MAX_INTERFACES {
            return Step::Bad(format!("more than {MAX_INTERFACES} interfaces in a section"));
        }
        let link = LinkType(self.u16(*link));
        let mut interface =
            Interface { link, snaplen, resolution: Resolution::Nanos(1_000), offset: 0 };
        let mut options = body.get(8..).unwrap_or_default();
        // An option: code, length, value padded to four bytes.
        while let Some(&[a, b, c, d]) = options.first_chunk::<4>() {
            let (code, length) = (self.u16([a, b]), usize::from(self.u16([c, d])));
            let value = options.get(4..length.saturating_add(4)).unwrap_or_default();
            match (code, value) {
                (0, _) => break,
                (9, [resolution]) => interface.resolution = Resolution::from_option(*resolution),
                (14, [a, b, c, d, e, f, g, h]) => {
                    let bytes = [*a, *b, *c, *d, *e, *f, *g, *h];
                    interface.offset = if self.big_endian {
                        i64::from_be_bytes(bytes)
                    } else {
                        i64::from_le_bytes(bytes)
                    };
                }
                _ => {}
            }
            let next = length.next_multiple_of(4).saturating_add(4);
            options = options.get(next..).unwrap_or_default();
        }
        self.interfaces.push(interface);
        if !links.contains(&link) {
            links.push(link);
        }
        Step::Other { used }
    }

    /// An enhanced packet, or the obsolete one before it: both have the stamp at 4, the lengths at
    /// 12 and 16 of their bodies.
    fn packet(&self, body: &[u8], used: usize, interface: Option<u32>, head: usize) -> Step {
        let (Some(id), Some(high), Some(low), Some(captured), Some(wire_len)) = (
            interface,
            self.field(body, 4),
            self.field(body, 8),
            self.field(body, 12),
            self.field(body, 16),
        ) else {
            return Step::Bad(format!("a packet block of {used} bytes, need at least 32"));
        };
        let Some(interface) = usize::try_from(id).ok().and_then(|id| self.interfaces.get(id))
        else {
            return Step::Bad(format!("interface {id}, only {} declared", self.interfaces.len()));
        };
        let room = body.len().saturating_sub(head);
        let Some(captured) = usize::try_from(captured).ok().filter(|count| *count <= room) else {
            return Step::Bad(format!("claims {captured} captured bytes, has room for {room}"));
        };
        let start = head.saturating_add(8);
        Step::Frame {
            at: interface.time(u64::from(high) << 32 | u64::from(low)),
            link: interface.link,
            wire_len: wire_len.max(u32::try_from(captured).unwrap_or(u32::MAX)),
            start,
            end: start.saturating_add(captured),
            used,
        }
    }

    /// A packet without stamp or captured length, of the section's first interface.
    fn simple_packet(&self, body: &[u8], used: usize) -> Step {
        let Some(wire_len) = self.field(body, 0) else {
            return Step::Bad(format!("a simple packet of {used} bytes, need at least 16"));
        };
        let Some(interface) = self.interfaces.first() else {
            return Step::Bad("a simple packet before any interface".to_owned());
        };
        let limit = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let room = body.len().saturating_sub(4);
        let captured = usize::try_from(wire_len.min(limit)).unwrap_or(usize::MAX).min(room);
        Step::Frame {
            at: Timestamp::default(),
            link: interface.link,
            wire_len: wire_len.max(u32::try_from(captured).unwrap_or(u32::MAX)),
            start: 12,
            end: captured.saturating_add(12),
            used,
        }
    }

    fn u16(&self, bytes: [u8; 2]) -> u16 {
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    fn field(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = bytes.get(at..at.checked_add(4)?)?;
        Some(self.u32(bytes.try_into().ok()?))
    }
}

impl Interface {
    fn time(&self, stamp: u64) -> Timestamp {
        let nanos = i128::from(self.resolution.nanos(stamp))
            .saturating_add(i128::from(self.offset).saturating_mul(1_000_000_000));
        Timestamp::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
    }
}

impl Resolution {
    /// From option `if_tsresol`: the first bit chooses the base, the rest is the negative exponent.
    fn from_option(value: u8) -> Self {
        let exponent = u32::from(value & 0x7f);
        if value & 0x80 != 0 {
            Self::Binary(exponent)
        } else if exponent <= 9 {
            Self::Nanos(10_u64.saturating_pow(9_u32.saturating_sub(exponent)))
        } else {
            Self::Decimal(exponent)
        }
    }

    fn nanos(self, stamp: u64) -> u64 {
        let wide = match self {
            Self::Nanos(unit) => return stamp.saturating_mul(unit),
            Self::Decimal(exponent) => {
                u128::from(stamp).checked_div(10_u128.saturating_pow(exponent.saturating_sub(9)))
            }
            Self::Binary(exponent) => {
                u128::from(stamp).saturating_mul(1_000_000_000).checked_shr(exponent)
            }
        };
        u64::try_from(wide.unwrap_or_default()).unwrap_or(u64::MAX)
    }
}

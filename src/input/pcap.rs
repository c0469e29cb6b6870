//! The classic container: one header, then records.
//! <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html>

use super::record::{MAX_RECORD, Step};
use crate::base::time::Timestamp;
use crate::packet::LinkType;

/// Length of the file header.
pub(super) const HEADER: usize = 24;
/// Length of a record's header.
const RECORD: usize = 16;
/// What the modified format of A. Kuznetzov puts after it: interface, protocol, packet type.
const MODIFIED: usize = 8;

/// A file header begins with these bytes, and the file ends within it.
pub(super) fn is_cut(head: &[u8]) -> bool {
    let mut whole = [0_u8; HEADER];
    let Some(begin) = whole.get_mut(..head.len()).filter(|_| head.len() < HEADER) else {
        return false;
    };
    begin.copy_from_slice(head);
    Layout::read(&whole).is_some()
}

/// What the file header says of every record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) link: LinkType,
    big_endian: bool,
    /// Nanoseconds in one unit of a record's sub-second field.
    unit: u64,
    /// Where a record's frame begins.
    frame_start: usize,
}

impl Layout {
    /// `None` when these bytes begin no such file.
    pub(super) fn read(head: &[u8]) -> Option<Self> {
        let modified = RECORD.saturating_add(MODIFIED);
        let (big_endian, unit, frame_start) = match head.first_chunk::<4>()? {
            [0xd4, 0xc3, 0xb2, 0xa1] => (false, 1_000, RECORD),
            [0x4d, 0x3c, 0xb2, 0xa1] => (false, 1, RECORD),
            [0x34, 0xcd, 0xb2, 0xa1] => (false, 1_000, modified),
            [0xa1, 0xb2, 0xc3, 0xd4] => (true, 1_000, RECORD),
            [0xa1, 0xb2, 0x3c, 0x4d] => (true, 1, RECORD),
            [0xa1, 0xb2, 0xcd, 0x34] => (true, 1_000, modified),
            _ => return None,
        };
        let field: [u8; 4] = head.get(20..HEADER)?.try_into().ok()?;
        // The upper half holds flags (length of a frame check sequence), not the type.
        let [low, high] = match (big_endian, field) {
            (false, [low, high, ..]) => [low, high],
            (true, [.., high, low]) => [low, high],
        };
        let link = LinkType(u16::from_le_bytes([low, high]));
        Some(Self { link, big_endian, unit, frame_start })
    }

    /// The record that begins here.
    pub(super) fn step(&self, here: &[u8]) -> Step {
        let Some(header) = here.first_chunk::<RECORD>() else {
            return Step::Short { need: RECORD };
        };
        let [seconds, fraction, captured, wire_len] = self.fields(header);
        let Some(captured) = usize::try_from(captured).ok().filter(|count| *count <= MAX_RECORD)
        else {
            return Step::Bad(format!(
                "claims {captured} captured bytes, can be at most {MAX_RECORD}"
            ));
        };
        let end = self.frame_start.saturating_add(captured);
        if here.len() < end {
            return Step::Short { need: end };
        }
        let at = u64::from(seconds)
            .saturating_mul(1_000_000_000)
            .saturating_add(u64::from(fraction).saturating_mul(self.unit));
        Step::Frame {
            at: Timestamp::from_nanos(at),
            link: self.link,
            // Some writers leave it at zero, or put less than they captured.
            wire_len: wire_len.max(u32::try_from(captured).unwrap_or(u32::MAX)),
            start: self.frame_start,
            end,
            used: end,
        }
    }

    fn fields(&self, header: &[u8; RECORD]) -> [u32; 4] {
        let mut fields = [0; 4];
        for (field, bytes) in fields.iter_mut().zip(header.as_chunks::<4>().0) {
            *field = if self.big_endian {
                u32::from_be_bytes(*bytes)
            } else {
                u32::from_le_bytes(*bytes)
            };
        }
        fields
    }
}

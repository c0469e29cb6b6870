//! Positions in a stream instead of wire numbers.

use crate::packet::SeqNum;

/// A place in one side's byte stream: 0 is its first payload byte of a connection whose handshake
/// was captured, else the first byte that was. A FIN takes one position, as on the wire.
///
/// Sequence numbers wrap after 4 GiB and have no order; they are unwrapped once, here, and compared
/// plainly ever after.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct StreamPos(pub i64);

impl StreamPos {
    /// The position `count` bytes on.
    #[must_use]
    pub fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(i64::try_from(count).unwrap_or(i64::MAX)))
    }

    /// How many bytes lie between `earlier` and here; zero when `earlier` is not earlier.
    pub fn since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

/// The wire number of position 0 of one side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Origin(pub(super) SeqNum);

impl Origin {
    /// The position nearest to `near` that reads `seq` on the wire. Right as long as the two are
    /// less than 2 GiB apart, which TCP's largest window (1 GiB, RFC 7323 section 2.2) ensures.
    pub(super) fn position(self, seq: SeqNum, near: StreamPos) -> StreamPos {
        // The low 32 bits of a position are its distance from the origin on the wire.
        let near_low = near.0.cast_unsigned() & 0xffff_ffff;
        let near_wire = self.0.0.wrapping_add(u32::try_from(near_low).unwrap_or_default());
        let distance = seq.0.wrapping_sub(near_wire).cast_signed();
        StreamPos(near.0.saturating_add(i64::from(distance)))
    }

    /// What a position reads on the wire.
    pub(super) fn wire(self, pos: StreamPos) -> SeqNum {
        self.0.plus(u32::try_from(pos.0.cast_unsigned() & 0xffff_ffff).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_unwrap_over_any_number_of_turns() {
        for isn in [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] {
            let origin = Origin(SeqNum(isn));
            let mut here = StreamPos(0);
            let mut wire = SeqNum(isn);
            for _ in 0..12 {
                wire = wire.plus(1_000_000_000);
                let next = origin.position(wire, here);
                assert_eq!(next, here.plus(1_000_000_000));
                assert_eq!(origin.wire(next), wire);
                here = next;
            }
        }
    }

    #[test]
    fn bytes_before_the_first_captured_one_have_negative_positions() {
        let origin = Origin(SeqNum(5));
        assert_eq!(origin.position(SeqNum(0xffff_ffff), StreamPos(0)), StreamPos(-6));
    }
}

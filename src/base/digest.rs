//! A number that stands for bytes: the same ones in every run, version and machine.

/// FNV-1a, 64 bits. No secret goes into it: whoever wants two texts of one digest can make them.
#[must_use]
pub fn of<'a>(bytes: impl Iterator<Item = &'a u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |digest, byte| {
        (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

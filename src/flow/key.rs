//! Which connection a segment belongs to.

use crate::packet::{Endpoint, Segment};
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

/// Two endpoints, whoever sent, at one viewpoint. VLAN tags, tunnel ids and interfaces do not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Key {
    pub(super) viewpoint: u32,
    low: Endpoint,
    high: Endpoint,
}

impl Key {
    #[inline]
    pub(super) fn of(segment: &Segment<'_>, viewpoint: u32) -> Self {
        Self::between(segment.src, segment.dst, viewpoint)
    }

    #[inline]
    pub(super) fn between(a: Endpoint, b: Endpoint, viewpoint: u32) -> Self {
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        Self { viewpoint, low, high }
    }

    /// A key of the same ends at another viewpoint.
    pub(super) fn at(self, viewpoint: u32) -> Self {
        Self { viewpoint, ..self }
    }
}

/// Few, wide writes: the derived hash of an address goes byte by byte, at twice the cost.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let ports = u32::from(self.low.port) << 16 | u32::from(self.high.port);
        state.write_u64(u64::from(self.viewpoint) << 32 | u64::from(ports));
        match (self.low.addr, self.high.addr) {
            (IpAddr::V4(low), IpAddr::V4(high)) => {
                state.write_u64(u64::from(low.to_bits()) << 32 | u64::from(high.to_bits()));
            }
            (low, high) => {
                for addr in [low, high] {
                    state.write_u128(match addr {
                        IpAddr::V4(addr) => u128::from(addr.to_bits()),
                        IpAddr::V6(addr) => addr.to_bits(),
                    });
                }
            }
        }
    }
}

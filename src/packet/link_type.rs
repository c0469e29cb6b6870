//! The kinds of link layer.

use std::borrow::Cow;

/// A link type by its number in capture files (<https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: an address family in the byte order of the capturing host.
    pub const NULL: Self = Self(0);
    /// Ethernet II, with or without VLAN tags.
    pub const ETHERNET: Self = Self(1);
    /// IPv4 or IPv6 without a link header; 12 and 14 are its numbers on some systems.
    pub const RAW: Self = Self(101);
    /// OpenBSD loopback: the address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture, version 1 (`-i any`).
    pub const LINUX_SLL: Self = Self(113);
    /// IPv4 without a link header.
    pub const IPV4: Self = Self(228);
    /// IPv6 without a link header.
    pub const IPV6: Self = Self(229);
    /// Linux netfilter log: values with types, one of which is an IP datagram.
    pub const NFLOG: Self = Self(239);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);

    /// tcpdump's name in lower case (`ethernet` for EN10MB), else `linktype_<number>`.
    pub fn name(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::NULL => "null",
            Self::ETHERNET => "ethernet",
            Self::RAW | Self(12 | 14) => "raw",
            Self::LOOP => "loop",
            Self::LINUX_SLL => "linux_sll",
            Self::IPV4 => "ipv4",
            Self::IPV6 => "ipv6",
            Self::LINUX_SLL2 => "linux_sll2",
            Self::NFLOG => "nflog",
            Self(9) => "ppp",
            Self(105) => "ieee802_11",
            Self(127) => "ieee802_11_radio",
            Self(other) => return Cow::Owned(format!("linktype_{other}")),
        })
    }
}

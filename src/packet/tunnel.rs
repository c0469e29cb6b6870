//! Tunnels: datagrams inside of datagrams. They are recognised, counted, and not looked into.

use super::{Cut, Skip};
use etherparse::IpNumber;

/// What an IP datagram carries that is no TCP: which tunnel, if it is one.
pub(super) fn behind(protocol: IpNumber, payload: Option<Cut<'_>>) -> Skip {
    match protocol {
        IpNumber::IPV4 | IpNumber::IPV6 => Skip::IpInIp,
        IpNumber::GRE => Skip::Gre,
        IpNumber::MPLS_IN_IP => Skip::Mpls,
        IpNumber::LAYER2_TUNNELING_PROTOCOL => Skip::L2tp,
        IpNumber::UDP => payload.map_or(Skip::NotTcp, |payload| in_udp(payload.bytes)),
        _ => Skip::NotTcp,
    }
}

/// Of which tunnel a UDP datagram is, by its destination port and the first bytes after its header.
fn in_udp(datagram: &[u8]) -> Skip {
    let Some(&[_, _, high, low, _, _, _, _, first, second, third, fourth]) =
        datagram.first_chunk::<12>()
    else {
        return Skip::NotTcp;
    };
    match u16::from_be_bytes([high, low]) {
        // RFC 7348: the flag of a valid network identifier. Linux used 8472 before there was a number.
        4789 | 8472 if first == 0x08 => Skip::Vxlan,
        // RFC 8926: version 0, and an Ethernet frame or an IP datagram inside.
        6081 if first >> 6 == 0
            && matches!(u16::from_be_bytes([third, fourth]), 0x6558 | 0x0800 | 0x86dd) =>
        {
            Skip::Geneve
        }
        // 3GPP TS 29.281: version 1, protocol type GTP, a user's datagram.
        2152 if first >> 4 == 0x3 && second == 0xff => Skip::Gtp,
        // RFC 2661: a data message, version 2.
        1701 if first & 0x80 == 0 && second & 0x0f == 2 => Skip::L2tp,
        _ => Skip::NotTcp,
    }
}

/// Of which tunnel a frame is whose type field is `ether_type`.
pub(super) fn of_frame(ether_type: u16) -> Skip {
    match ether_type {
        0x8847 | 0x8848 => Skip::Mpls,
        0x8864 => Skip::Pppoe,
        _ => Skip::NotIp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A UDP header to `port`, and what follows it.
    fn udp(port: u16, payload: [u8; 4]) -> Skip {
        let mut datagram = vec![0xc0, 0x01];
        datagram.extend_from_slice(&port.to_be_bytes());
        datagram.extend_from_slice(&[0, 12, 0, 0]);
        datagram.extend_from_slice(&payload);
        in_udp(&datagram)
    }

    #[test]
    fn tunnels_in_udp_are_told_by_port_and_first_bytes() {
        assert_eq!(udp(4789, [8, 0, 0, 0]), Skip::Vxlan);
        assert_eq!(udp(6081, [0, 0, 0x65, 0x58]), Skip::Geneve);
        assert_eq!(udp(2152, [0x30, 0xff, 0, 4]), Skip::Gtp);
        assert_eq!(udp(1701, [0, 2, 0, 1]), Skip::L2tp);
    }

    #[test]
    fn other_datagrams_to_these_ports_are_no_tunnels() {
        assert_eq!(udp(4789, *b"GET "), Skip::NotTcp);
        assert_eq!(udp(6081, [0, 0, 0, 0]), Skip::NotTcp);
        assert_eq!(udp(2152, [0; 4]), Skip::NotTcp);
        assert_eq!(udp(53, [8, 0, 0, 0]), Skip::NotTcp);
        assert_eq!(in_udp(&[0; 8]), Skip::NotTcp);
    }
}

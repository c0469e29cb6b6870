//! Why a frame is no segment.

/// Why a frame is no segment. Counted and shown, never logged per frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Skip {
    /// ARP, LLDP and the like.
    NotIp,
    /// UDP, ICMP and the like.
    NotTcp,
    /// A fragment of an IP datagram.
    Fragment,
    /// The capture cut the frame before the end of the TCP header.
    Truncated,
    /// Headers that contradict themselves.
    Malformed,
    /// A link type that is not read.
    UnsupportedLink,
    /// An IP datagram within another (RFC 2003, RFC 4213).
    IpInIp,
    /// Generic routing encapsulation (RFC 2784), ERSPAN too.
    Gre,
    /// An Ethernet frame in UDP (RFC 7348): traffic mirroring of AWS, overlay networks.
    Vxlan,
    /// An Ethernet frame in UDP with options before it (RFC 8926): AWS gateway load balancers, OVN.
    Geneve,
    /// Layer two tunnelling (RFC 2661, RFC 3931).
    L2tp,
    /// A mobile network's user data.
    Gtp,
    /// Label switching (RFC 3032).
    Mpls,
    /// A session of PPP over Ethernet (RFC 2516).
    Pppoe,
}

impl Skip {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 14] = [
        Self::NotIp,
        Self::NotTcp,
        Self::Fragment,
        Self::Truncated,
        Self::Malformed,
        Self::UnsupportedLink,
        Self::IpInIp,
        Self::Gre,
        Self::Vxlan,
        Self::Geneve,
        Self::L2tp,
        Self::Gtp,
        Self::Mpls,
        Self::Pppoe,
    ];

    /// Whether the frame may hold a segment, inside of a tunnel.
    pub const fn is_tunnel(self) -> bool {
        match self {
            Self::IpInIp
            | Self::Gre
            | Self::Vxlan
            | Self::Geneve
            | Self::L2tp
            | Self::Gtp
            | Self::Mpls
            | Self::Pppoe => true,
            Self::NotIp
            | Self::NotTcp
            | Self::Fragment
            | Self::Truncated
            | Self::Malformed
            | Self::UnsupportedLink => false,
        }
    }

    /// The reason's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotIp => "not_ip",
            Self::NotTcp => "not_tcp",
            Self::Fragment => "fragment",
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::UnsupportedLink => "unsupported_link",
            Self::IpInIp => "ip_in_ip",
            Self::Gre => "gre",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::L2tp => "l2tp",
            Self::Gtp => "gtp",
            Self::Mpls => "mpls",
            Self::Pppoe => "pppoe",
        }
    }
}

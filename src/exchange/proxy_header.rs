//! The PROXY protocol: a header with the client's address before anything else that a proxy sends.
//!
//! Version 1 is a line of text, version 2 is binary (proxy-protocol.txt of HAProxy, sections 2.1 and 2.2).
//! Of its addresses only the client's is kept; what else stands in it is passed over.

use crate::packet::Endpoint;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What such a header says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProxyHeader {
    /// 1 or 2.
    pub version: u8,
    /// The proxy's client; `None` where the proxy speaks for itself (a health check, say), or does not
    /// tell.
    pub source: Option<Endpoint>,
}

/// What the first bytes of a connection come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ProxyHeaderRead {
    /// A header of so many bytes.
    Header(ProxyHeader, u64),
    /// Too few bytes to tell: they may begin a header.
    TooFew,
    /// None.
    Other,
}

const LINE: &[u8] = b"PROXY ";
/// The longest line, its end included.
const LONGEST_LINE: usize = 107;
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
const FIXED: usize = 16;
/// The longest addresses that are read: two of IPv6, and two ports.
const ADDRESSES: usize = 36;

/// Reads the header that stands at the beginning of a connection; where the bytes were `cut` by the snap
/// length, no more will be known of them.
pub(super) fn read(bytes: &[u8], cut: bool) -> ProxyHeaderRead {
    let few = if cut { ProxyHeaderRead::Other } else { ProxyHeaderRead::TooFew };
    if begins(bytes, SIGNATURE) {
        return binary(bytes, cut).unwrap_or(few);
    }
    if begins(bytes, LINE) {
        return line(bytes).unwrap_or(few);
    }
    ProxyHeaderRead::Other
}

/// As far as both go, they are the same.
fn begins(bytes: &[u8], whole: &[u8]) -> bool {
    let shorter = bytes.len().min(whole.len());
    shorter > 0 && bytes.get(..shorter) == whole.get(..shorter)
}

/// `PROXY TCP4 198.51.100.7 10.0.0.1 51000 80`.
fn line(bytes: &[u8]) -> Option<ProxyHeaderRead> {
    let Some(end) = bytes.iter().take(LONGEST_LINE).position(|byte| *byte == b'\n') else {
        return (bytes.len() >= LONGEST_LINE).then_some(ProxyHeaderRead::Other);
    };
    let text = bytes.get(..end).and_then(|line| line.strip_suffix(b"\r"));
    let Some(text) = text.and_then(|text| std::str::from_utf8(text).ok()) else {
        return Some(ProxyHeaderRead::Other);
    };
    let words: Vec<&str> = text.split(' ').skip(1).collect();
    let source = match words.as_slice() {
        ["UNKNOWN", ..] => None,
        ["TCP4" | "TCP6", source, _, port, _] => match (source.parse(), port.parse()) {
            (Ok(addr), Ok(port)) => Some(Endpoint { addr, port }),
            _ => return Some(ProxyHeaderRead::Other),
        },
        _ => return Some(ProxyHeaderRead::Other),
    };
    let len = u64::try_from(end).unwrap_or_default().saturating_add(1);
    Some(ProxyHeaderRead::Header(ProxyHeader { version: 1, source }, len))
}

/// Reads version 2. The length stands in the header; what follows the addresses (TLVs) is passed over.
fn binary(bytes: &[u8], cut: bool) -> Option<ProxyHeaderRead> {
    let Some([command, family, high, low]) = bytes.get(SIGNATURE.len()..FIXED) else {
        return None;
    };
    let len = usize::from(u16::from_be_bytes([*high, *low]));
    let local = match command {
        0x20 => true,
        0x21 => false,
        _ => return Some(ProxyHeaderRead::Other),
    };
    let addresses = bytes.get(FIXED..).unwrap_or_default();
    if addresses.len() < len.min(ADDRESSES) && !cut {
        return None;
    }
    let source = match (family, addresses) {
        _ if local => None,
        (0x11, [a, b, c, d, _, _, _, _, high, low, _, _, ..]) if len >= 12 => Some(Endpoint {
            addr: IpAddr::V4(Ipv4Addr::new(*a, *b, *c, *d)),
            port: u16::from_be_bytes([*high, *low]),
        }),
        (0x21, _) if len >= ADDRESSES => ipv6(addresses),
        _ => None,
    };
    let whole = u64::try_from(FIXED.saturating_add(len)).unwrap_or_default();
    Some(ProxyHeaderRead::Header(ProxyHeader { version: 2, source }, whole))
}

fn ipv6(addresses: &[u8]) -> Option<Endpoint> {
    let (source, rest) = addresses.split_first_chunk::<16>()?;
    let (_, rest) = rest.split_first_chunk::<16>()?;
    let (port, _) = rest.split_first_chunk::<2>()?;
    let addr = IpAddr::V6(Ipv6Addr::from(*source));
    Some(Endpoint { addr, port: u16::from_be_bytes(*port) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let len = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &len, rest].concat()
    }

    fn header(bytes: &[u8]) -> (u8, Option<String>, u64) {
        match read(bytes, false) {
            ProxyHeaderRead::Header(header, len) => {
                (header.version, header.source.map(|source| source.to_string()), len)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_versions_give_the_client_and_their_length() {
        let line = b"PROXY TCP4 198.51.100.7 10.0.0.1 51000 80\r\n";
        let request = [&line[..], b"GET / HTTP/1.1\r\n"].concat();
        let client = Some("198.51.100.7:51000".to_owned());
        assert_eq!(header(&request), (1, client.clone(), line.len() as u64));
        assert_eq!(header(b"PROXY TCP6 2001:db8::7 ::1 5 80\r\n").1.unwrap(), "[2001:db8::7]:5");
        assert_eq!(header(b"PROXY UNKNOWN\r\n"), (1, None, 15));
        // TLVs behind the addresses.
        let addresses = [198, 51, 100, 7, 10, 0, 0, 1, 0xc7, 0x38, 0, 80];
        let tlvs = [&addresses[..], &[2, 0, 3, b'a', b'.', b'b']].concat();
        assert_eq!(header(&v2(0x21, 0x11, &tlvs)), (2, client, 34));
        let mut six = [0; 36];
        (six[0], six[1], six[33]) = (0x20, 1, 7);
        assert_eq!(header(&v2(0x21, 0x21, &six)).1.unwrap(), "[2001::]:7");
    }

    #[test]
    fn a_proxy_that_speaks_for_itself_has_no_client() {
        assert_eq!(header(&v2(0x20, 0, b"")), (2, None, 16));
        assert_eq!(header(&v2(0x20, 0x11, &[1; 12])), (2, None, 28));
    }

    #[test]
    fn what_is_not_whole_is_waited_for_and_what_is_none_is_not() {
        let whole = v2(0x21, 0x11, &[1; 12]);
        for len in 1..whole.len() {
            assert_eq!(read(&whole[..len], false), ProxyHeaderRead::TooFew, "{len}");
        }
        assert_eq!(read(b"PROXY TCP4 198.", false), ProxyHeaderRead::TooFew);
        assert_eq!(read(b"PROXY TCP4 198.", true), ProxyHeaderRead::Other);
        assert_eq!(read(b"PROXY /x HTTP/1.1\r\n", false), ProxyHeaderRead::Other);
        assert_eq!(read(b"PROPFIND / HTTP/1.1\r\n", false), ProxyHeaderRead::Other);
        assert_eq!(read(b"\r\n\r\nGET / HTTP/1.1\r\n", false), ProxyHeaderRead::Other);
        assert_eq!(read(&v2(0x31, 0x11, &[1; 12]), false), ProxyHeaderRead::Other);
        assert_eq!(read(&[b"PROXY ", &[b'x'; 200][..]].concat(), false), ProxyHeaderRead::Other);
        assert_eq!(read(b"", false), ProxyHeaderRead::Other);
    }
}

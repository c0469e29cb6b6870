//! Display filters for Wireshark: the frames of one connection, and what else shows why it failed.

use super::model::{EvidenceKind, EvidenceRecord};
use crate::packet::Endpoint;
use std::net::IpAddr;

/// The frames between the ends of a connection, which may have several pairs of them, and those of the proof that are not: an ARP request, an ICMP error, the
/// front leg's. Port 0 stands for any.
///
/// Frames are named by their numbers, which mean something in one capture only: where the proof is of
/// several, the connection has to do.
pub(super) fn filter(pairs: &[(Endpoint, Endpoint)], proof: &[EvidenceRecord]) -> String {
    let mut connection: Vec<String> = pairs.iter().map(|(a, b)| between(*a, *b)).collect();
    if connection.len() > 1 {
        connection.iter_mut().for_each(|one| *one = format!("({one})"));
    }
    let connection = connection.join(" || ");
    let first = proof.first().map(|frame| frame.capture);
    let one = proof.iter().all(|frame| Some(frame.capture) == first);
    let mut apart: Vec<String> = Vec::new();
    for frame in proof.iter().filter(|frame| one && is_apart(frame.kind)) {
        apart.push(format!("frame.number == {}", frame.number));
    }
    apart.dedup();
    if apart.is_empty() { connection } else { format!("({connection}) || {}", apart.join(" || ")) }
}

fn between(client: Endpoint, server: Endpoint) -> String {
    let mut terms: Vec<String> = Vec::new();
    let mut add = |term: String| {
        if !terms.contains(&term) {
            terms.push(term);
        }
    };
    for end in [client, server] {
        add(address(end.addr));
    }
    for end in [client, server].into_iter().filter(|end| end.port != 0) {
        add(format!("tcp.port == {}", end.port));
    }
    terms.join(" && ")
}

fn address(addr: IpAddr) -> String {
    match addr {
        IpAddr::V4(addr) => format!("ip.addr == {addr}"),
        IpAddr::V6(addr) => format!("ipv6.addr == {addr}"),
    }
}

/// A frame of this kind is no segment of the connection.
const fn is_apart(kind: EvidenceKind) -> bool {
    match kind {
        EvidenceKind::Icmp | EvidenceKind::Arp | EvidenceKind::ClientLeft => true,
        EvidenceKind::Syn
        | EvidenceKind::SynAck
        | EvidenceKind::Request
        | EvidenceKind::Response
        | EvidenceKind::Ack
        | EvidenceKind::Repeated
        | EvidenceKind::Fin
        | EvidenceKind::Rst
        | EvidenceKind::ClientHello
        | EvidenceKind::TlsAlert => false,
    }
}

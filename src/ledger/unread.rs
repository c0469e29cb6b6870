//! What of a listener's traffic was not read, or not judged, and why: nothing is claimed of it, and it
//! is never silent.

use crate::exchange::{Ended, Exchange, Outcome, Protocol, Tunnel, Unread};
use crate::flow::{Connection, Half, Side};
use crate::verdict::Fate;
use std::collections::BTreeMap;

/// Why something was not read or not judged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum What {
    /// TLS, whatever is inside.
    Tls,
    /// HTTP/2 in clear.
    Http2,
    /// Who spoke when is all that is known, and does not tell: both sides speak at any time, say.
    Turns,
    /// What was spoken is none of the protocols that are known.
    UnknownProtocol,
    /// Not a byte of what was sent is in the capture.
    NoPayload,
    /// Only one side's segments are in it.
    OneDirection,
    /// The snap length cut heads.
    HeadsCut,
    /// The snap length cut bodies in chunks, and with them where they end.
    BodiesCut,
    /// Frames are missing.
    Gap,
    /// What came is no HTTP answer.
    NotHttp,
    /// Lengths contradict each other: readers differ in where an answer ends.
    Conflicting,
    /// The capture ended first.
    Unfinished,
    /// A bound was reached.
    Bound,
}

impl What {
    /// The reason's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Http2 => "http2",
            Self::Turns => "turns",
            Self::UnknownProtocol => "unknown_protocol",
            Self::NoPayload => "no_payload",
            Self::OneDirection => "one_direction",
            Self::HeadsCut => "heads_cut",
            Self::BodiesCut => "bodies_cut",
            Self::Gap => "capture_gap",
            Self::NotHttp => "not_http",
            Self::Conflicting => "conflicting",
            Self::Unfinished => "unfinished",
            Self::Bound => "bound",
        }
    }

    /// Why a whole connection was not read, if it was not.
    pub(super) fn of_connection(ended: &Ended, connection: &Connection) -> Option<Self> {
        let sent = [Side::Client, Side::Server].iter().any(|side| connection.half(*side).bytes > 0);
        match ended.protocol {
            // A mismatch was read, and is a failure.
            _ if ended.mismatch.is_some() => None,
            // Nothing was asked inside.
            _ if ended.tls.as_ref().is_some_and(|tls| tls.is_nothing_asked()) => None,
            _ if ended.turns.is_some() => {
                ended.turns.filter(|turns| turns.overlapping).map(|_| Self::Turns)
            }
            _ if is_one_direction(ended.protocol, connection) => Some(Self::OneDirection),
            Protocol::Tls => Some(Self::Tls),
            Protocol::Http2 => Some(Self::Http2),
            Protocol::Opaque if ended.unseen => Some(Self::NoPayload),
            Protocol::Opaque => Some(Self::UnknownProtocol),
            Protocol::None => sent.then_some(Self::NoPayload),
            // What it upgraded to is not read: two protocols are not.
            Protocol::Http1 => match ended.upgraded? {
                Protocol::Tls => Some(Self::Tls),
                Protocol::Http2 => Some(Self::Http2),
                Protocol::None | Protocol::Http1 | Protocol::Opaque => None,
            },
        }
    }

    /// Why an exchange of this fate was not judged.
    pub(super) fn of_fate(fate: &Fate, exchange: &Exchange, connection: &Connection) -> Self {
        match (fate, Self::of_exchange(exchange, connection)) {
            // What hardly anything was captured of is not judged, whatever became of it.
            (Fate::Unread(Unread::HeadCut), Self::Unfinished) => Self::HeadsCut,
            (Fate::Unread(Unread::Turns), _) => Self::Turns,
            (_, what) => what,
        }
    }

    /// Why an exchange was not judged, where its answer may be there.
    pub(super) fn of_exchange(exchange: &Exchange, connection: &Connection) -> Self {
        if is_one_direction(exchange.protocol, connection) {
            return Self::OneDirection;
        }
        if exchange.tunnel == Tunnel::Likely {
            return Self::Gap;
        }
        match exchange.outcome {
            Outcome::Unread(Unread::Gap) => Self::Gap,
            Outcome::Unread(Unread::HeadCut) => Self::HeadsCut,
            Outcome::Unread(Unread::BodyCut) => Self::BodiesCut,
            Outcome::Unread(Unread::NotHttp) => Self::NotHttp,
            Outcome::Unread(Unread::Conflicting) => Self::Conflicting,
            Outcome::Unread(Unread::Turns) => Self::Turns,
            _ => Self::Unfinished,
        }
    }
}

/// How much that is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Amount {
    /// Connections that are concerned.
    pub connections: u64,
    /// Requests, where such are known.
    pub requests: u64,
    /// Bytes that they have.
    pub bytes: u64,
}

impl Amount {
    /// Counts more of the same.
    pub fn add(&mut self, more: Self) {
        self.connections = self.connections.saturating_add(more.connections);
        self.requests = self.requests.saturating_add(more.requests);
        self.bytes = self.bytes.saturating_add(more.bytes);
    }

    /// Takes out what was counted before.
    pub(super) fn take(&mut self, less: Self) {
        self.connections = self.connections.saturating_sub(less.connections);
        self.requests = self.requests.saturating_sub(less.requests);
        self.bytes = self.bytes.saturating_sub(less.bytes);
    }
}

/// What was not read of one listener.
pub type NotRead = BTreeMap<What, Amount>;

/// Only one side's segments of a connection are there, though the other side did speak: bytes, or
/// acknowledgements of bytes, say so. A client that sent a request and heard nothing, not even an
/// acknowledgement, is another matter.
pub(super) fn is_one_direction(protocol: Protocol, connection: &Connection) -> bool {
    let (client, server) = (connection.half(Side::Client), connection.half(Side::Server));
    let unheard = |half: &Half, peer: &Half| {
        half.segments == 0 && peer.segments > 1 && protocol != Protocol::None
    };
    unheard(client, server) || unheard(server, client)
}

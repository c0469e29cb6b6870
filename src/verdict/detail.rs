//! What only one cause has to say: numbers and names, no prose.

use super::doubt::Doubt;
use crate::exchange::{Flaw, Protocol};
use crate::packet::Endpoint;
use crate::packet::icmp::Unreachable;
use std::net::IpAddr;
use std::time::Duration;

/// Facts that only one cause has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detail {
    /// None.
    Nothing,
    /// The close and the request crossed.
    Crossing,
    /// The backend's keep-alive timer fired while the request lay unread in its kernel.
    LostInHost {
        /// The timer, as told or observed.
        timer: Duration,
    },
    /// The close came so soon after the request that the request may have lain unread in the backend's
    /// kernel when a keep-alive timer fired: no timer is known that did.
    MaybeUnread,
    /// The kernel of the backend's host says that nobody had read a byte of the request when the
    /// connection was closed.
    Unread {
        /// The backend's keep-alive timer, if that fired just then.
        timer: Option<Duration>,
        /// The connection had not been used before.
        fresh: bool,
    },
    /// The kernel of the backend's host says that a process had read of the request when the connection
    /// was closed.
    Read {
        /// All of it.
        all: bool,
        /// The connection had not been used before.
        fresh: bool,
    },
    /// What the proxy waited for, if it is known how long it waits.
    GaveUp {
        /// The wait fits the read timeout that was told.
        fits_read_timeout: bool,
        /// An answer came after the proxy had closed.
        answered_late: bool,
    },
    /// Who said what of the way to the backend.
    Unreachable(Unreachable),
    /// Nobody has the backend's address.
    NoNeighbour {
        /// The address.
        about: IpAddr,
        /// How often its host was asked for.
        times: u32,
    },
    /// The status of the backend's own error.
    Status(u16),
    /// What vanished, and how often it was sent.
    Dropped {
        /// Of which kind.
        form: Drop,
        /// Times that it was sent; 0 where none of it was captured.
        copies: u32,
        /// The segment that was repeated had so many bytes, and smaller ones of the same answer arrived.
        size: Option<u32>,
    },
    /// How long nothing moved before the proxy closed, or the capture ended.
    Stalled {
        /// So long.
        silence: Duration,
        /// The backend's window was zero: it did not read.
        zero_window: bool,
    },
    /// Bytes of the request that the proxy had sent when the connection was reset.
    Upload {
        /// Head and body.
        sent: u64,
    },
    /// What is malformed in the answer.
    Flaw(Flaw),
    /// The answer's head is longer than many proxies take.
    LargeHead {
        /// Bytes of the head, as far as they were sent.
        bytes: u64,
    },
    /// What was asked for and what was answered.
    Mismatch {
        /// The proxy's protocol.
        asked: Protocol,
        /// The backend's protocol.
        answered: Protocol,
    },
    /// The connection of the front leg whose client left.
    FrontLeg {
        /// The client's address and port.
        client: Endpoint,
        /// From its close to the proxy's on the backend leg.
        before: Duration,
    },
    /// The proxy's log says that its client left.
    Logged {
        /// With this status, if it has one for that.
        status: Option<u16>,
    },
    /// The backend took a header of the PROXY protocol for a bad request.
    ProxyHeader {
        /// Of the header.
        version: u8,
    },
    /// Each new connection to this port ended as soon as something was asked, and nothing was ever answered
    /// on it: the backend may expect something else.
    NothingAnswered {
        /// Connections that ended so.
        connections: u64,
    },
    /// The connection had not been used before.
    Fresh,
    /// The reset has another time to live than everything else from the backend: something between
    /// the two sent it.
    ForeignReset {
        /// Of the reset.
        ttl: u8,
        /// Of the other segments from that side.
        usual: u8,
    },
    /// Whether even the head of the response was cut.
    Truncated {
        /// The whole head came.
        head_complete: bool,
    },
    /// How many SYNs were sent.
    Connect {
        /// SYNs captured.
        syns: u32,
    },
    /// How many SYNs were sent that nobody answered.
    Unanswered {
        /// SYNs captured.
        syns: u32,
        /// The backend's host did answer, with an ACK of an older connection between the same ports.
        challenged: bool,
        /// When they stopped fits the connect timeout that was told.
        fits_connect_timeout: bool,
    },
    /// Why nothing more can be said.
    Doubt(Doubt),
}

/// How something vanished.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Drop {
    /// The request was repeated and never acknowledged, or far too late.
    Request,
    /// The request was answered by a reset without ACK flag: the other end, or something between, no
    /// longer knows the connection.
    Forgotten,
    /// The answer was never acknowledged.
    Answer,
    /// A part of the answer was acknowledged, and what followed never was.
    Rest,
}

impl Drop {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request_unacknowledged",
            Self::Forgotten => "forgotten",
            Self::Answer => "answer_unacknowledged",
            Self::Rest => "rest_unacknowledged",
        }
    }
}

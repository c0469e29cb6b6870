//! What was found: a cause with the facts that only it has. A pair that no rule makes does not compile.
//!
//! The facts of each family of causes stand in a file that is named as the file of its rules is.

mod connect;
mod gave_up;
mod handshake;
mod in_flight;
mod invalid;
mod lost;
mod reused;

use super::cause::Cause;
use super::doubt::Doubt;
use crate::facts::closing::Received;
pub use connect::{NoWay, UnansweredSyns};
pub use gave_up::{Departure, GaveUp, Standstill};
pub use handshake::HandshakeEnd;
pub use in_flight::{InFlight, ResetBy};
pub use invalid::{Misread, Rejected};
pub use lost::{Drop, Vanished};
pub use reused::Race;

/// Why an attempt failed, with the facts that only this cause has: numbers and names, no prose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finding {
    /// The backend closed an idle connection while a request was on its way to it: how the two met.
    KeepaliveRace(Race),
    /// The proxy sent a request although its own kernel knew that the backend had closed.
    StaleReuse,
    /// The backend closed with a request outstanding: what is known of connection and request.
    ClosedInFlight(InFlight),
    /// The connection was reset with a request outstanding: by whom.
    ResetInFlight(ResetBy),
    /// The backend closed before its response was whole.
    TruncatedResponse {
        /// The whole head came.
        head_complete: bool,
    },
    /// The proxy gave up waiting for an answer: on what.
    ResponseTimeout(GaveUp),
    /// Nothing listens there, or something answered so.
    ConnectionRefused {
        /// SYNs captured.
        syns: u32,
    },
    /// The backend cannot be reached: what shows that.
    Unreachable(NoWay),
    /// Nobody answered the proxy's SYNs: how many, and when they stopped.
    ConnectTimeout(UnansweredSyns),
    /// The backend's queue of connections that wait to be accepted was full.
    AcceptQueueFull,
    /// What was sent vanished on the way, or the other end had forgotten the connection: what, and how often
    /// it was sent.
    SilentDrop(Vanished),
    /// The backend answered and reset the connection before it had read the whole request.
    UploadCutShort {
        /// Bytes of the request that the proxy had sent by then, head and body.
        sent: u64,
    },
    /// The backend stopped in the middle: for how long.
    Stalled(Standstill),
    /// The proxy closed because its own client had left: who says so.
    ClientGone(Departure),
    /// The proxy did not take the answer: what is wrong with it.
    InvalidResponse(Rejected),
    /// The backend's port speaks another protocol than the proxy: which.
    ProtocolMismatch(Misread),
    /// The TLS handshake failed before anything was asked: what ended it.
    TlsHandshakeFailed(HandshakeEnd),
    /// The proxy's probes of the backend's health fail.
    HealthCheckFailing,
    /// The backend itself answered 5xx in full.
    BackendError {
        /// With this status.
        status: u16,
    },
    /// The attempt failed, and the capture cannot tell why: what is in the way.
    Unproven(Doubt),
}

impl Finding {
    /// The cause's name in lists, counters and JSON.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::KeepaliveRace(_) => Cause::KeepaliveRace,
            Self::StaleReuse => Cause::StaleReuse,
            Self::ClosedInFlight(_) => Cause::ClosedInFlight,
            Self::ResetInFlight(_) => Cause::ResetInFlight,
            Self::TruncatedResponse { .. } => Cause::TruncatedResponse,
            Self::ResponseTimeout(_) => Cause::ResponseTimeout,
            Self::ConnectionRefused { .. } => Cause::ConnectionRefused,
            Self::Unreachable(_) => Cause::Unreachable,
            Self::ConnectTimeout(_) => Cause::ConnectTimeout,
            Self::AcceptQueueFull => Cause::AcceptQueueFull,
            Self::SilentDrop(_) => Cause::SilentDrop,
            Self::UploadCutShort { .. } => Cause::UploadCutShort,
            Self::Stalled(_) => Cause::Stalled,
            Self::ClientGone(_) => Cause::ClientGone,
            Self::InvalidResponse(_) => Cause::InvalidResponse,
            Self::ProtocolMismatch(_) => Cause::ProtocolMismatch,
            Self::TlsHandshakeFailed(_) => Cause::TlsHandshakeFailed,
            Self::HealthCheckFailing => Cause::HealthCheckFailing,
            Self::BackendError { .. } => Cause::BackendError,
            Self::Unproven(_) => Cause::Unproven,
        }
    }

    /// Nobody has the backend's address, so that the SYN never left its host: that is no connection.
    pub const fn never_left(&self) -> bool {
        matches!(self, Self::Unreachable(NoWay::NoNeighbour { .. }))
    }

    /// How much of the request a process had read when the connection was closed, as far as the kernel of the
    /// backend's host says so.
    pub fn request_read(&self) -> Option<Received> {
        if matches!(self, Self::KeepaliveRace(Race::Unread { .. })) {
            return Some(Received::None);
        }
        self.in_flight().and_then(InFlight::request_read)
    }

    /// What is known of a close, or a reset of the backend's, that met a request.
    pub(super) const fn in_flight(&self) -> Option<InFlight> {
        if let Self::ClosedInFlight(known) | Self::ResetInFlight(ResetBy::Backend(known)) = self {
            Some(*known)
        } else {
            None
        }
    }

    /// Of a close or a reset that met a request `known` is all that is known now.
    pub(super) const fn set_in_flight(&mut self, known: InFlight) {
        if let Self::ClosedInFlight(before) | Self::ResetInFlight(ResetBy::Backend(before)) = self {
            *before = known;
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::exchange::Protocol;
    use std::time::Duration;

    /// One of each cause.
    pub(in crate::verdict) fn one_of_each() -> [Finding; Cause::ALL.len()] {
        let silence = Duration::ZERO;
        let protocols = Misread::Protocols { asked: Protocol::Http1, answered: Protocol::Tls };
        let neighbour = NoWay::NoNeighbour { about: [10, 0, 0, 1].into(), times: 3 };
        let syns = UnansweredSyns { syns: 3, challenged: false, fits_connect_timeout: false };
        [
            Finding::KeepaliveRace(Race::Crossing),
            Finding::StaleReuse,
            Finding::ClosedInFlight(InFlight::Used),
            Finding::ResetInFlight(ResetBy::Backend(InFlight::Used)),
            Finding::TruncatedResponse { head_complete: true },
            Finding::ResponseTimeout(GaveUp { fits_read_timeout: false, answered_late: false }),
            Finding::ConnectionRefused { syns: 1 },
            Finding::Unreachable(neighbour),
            Finding::ConnectTimeout(syns),
            Finding::AcceptQueueFull,
            Finding::SilentDrop(Vanished { form: Drop::Request, copies: 3 }),
            Finding::UploadCutShort { sent: 1 },
            Finding::Stalled(Standstill { silence, zero_window: false }),
            Finding::ClientGone(Departure::Unseen),
            Finding::InvalidResponse(Rejected::LargeHead { bytes: 8_192 }),
            Finding::ProtocolMismatch(protocols),
            Finding::TlsHandshakeFailed(HandshakeEnd::Closed),
            Finding::HealthCheckFailing,
            Finding::BackendError { status: 500 },
            Finding::Unproven(Doubt::Gap),
        ]
    }

    #[test]
    fn every_cause_is_that_of_a_finding() {
        assert_eq!(one_of_each().map(|finding| finding.cause()), Cause::ALL);
    }
}

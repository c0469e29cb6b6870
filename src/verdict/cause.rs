//! The causes, and how sure one can be of them.

/// Why it failed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Cause {
    /// The backend closed an idle connection while a request was on its way to it.
    KeepaliveRace,
    /// The proxy sent a request although its own kernel knew that the backend had closed.
    StaleReuse,
    /// The backend closed after it had received the request, or before one came on a new connection.
    ClosedInFlight,
    /// The connection was reset with the request outstanding.
    ResetInFlight,
    /// The backend closed before its response was whole.
    TruncatedResponse,
    /// The proxy gave up waiting for an answer.
    ResponseTimeout,
    /// Nothing listens there, or something answered so.
    ConnectionRefused,
    /// Something on the way said that the backend cannot be reached.
    Unreachable,
    /// Nobody answered the proxy's SYNs.
    ConnectTimeout,
    /// The backend's queue of connections that wait to be accepted was full.
    AcceptQueueFull,
    /// What was sent vanished on the way, or the other end had forgotten the connection.
    SilentDrop,
    /// The backend answered and closed before it had read the whole request; the reset destroyed the
    /// answer.
    UploadCutShort,
    /// The backend stopped in the middle: of its answer, or of reading the request.
    Stalled,
    /// The proxy closed because its own client had left.
    ClientGone,
    /// What the backend answered is no HTTP response, or more than the proxy takes.
    InvalidResponse,
    /// The backend's port speaks another protocol than the proxy.
    ProtocolMismatch,
    /// The TLS handshake failed before anything was asked.
    TlsHandshakeFailed,
    /// The proxy's probes of the backend's health fail.
    HealthCheckFailing,
    /// The backend itself answered 5xx in full.
    BackendError,
    /// The attempt failed, and the capture cannot tell why.
    Unproven,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::KeepaliveRace,
        Self::StaleReuse,
        Self::ClosedInFlight,
        Self::ResetInFlight,
        Self::TruncatedResponse,
        Self::ResponseTimeout,
        Self::ConnectionRefused,
        Self::Unreachable,
        Self::ConnectTimeout,
        Self::AcceptQueueFull,
        Self::SilentDrop,
        Self::UploadCutShort,
        Self::Stalled,
        Self::ClientGone,
        Self::InvalidResponse,
        Self::ProtocolMismatch,
        Self::TlsHandshakeFailed,
        Self::HealthCheckFailing,
        Self::BackendError,
        Self::Unproven,
    ];

    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KeepaliveRace => "keepalive_race",
            Self::StaleReuse => "stale_reuse",
            Self::ClosedInFlight => "closed_in_flight",
            Self::ResetInFlight => "reset_in_flight",
            Self::TruncatedResponse => "truncated_response",
            Self::ResponseTimeout => "response_timeout",
            Self::ConnectionRefused => "connection_refused",
            Self::Unreachable => "unreachable",
            Self::ConnectTimeout => "connect_timeout",
            Self::AcceptQueueFull => "accept_queue_full",
            Self::SilentDrop => "silent_drop",
            Self::UploadCutShort => "upload_cut_short",
            Self::Stalled => "stalled",
            Self::ClientGone => "client_gone",
            Self::InvalidResponse => "invalid_response",
            Self::ProtocolMismatch => "protocol_mismatch",
            Self::TlsHandshakeFailed => "tls_handshake_failed",
            Self::HealthCheckFailing => "health_check_failing",
            Self::BackendError => "backend_error",
            Self::Unproven => "unproven",
        }
    }

    /// What kind of failure it is. A cause without a kind does not compile.
    const fn kind(self) -> CauseKind {
        match self {
            Self::BackendError => CauseKind::OwnAnswer,
            Self::ConnectionRefused | Self::ConnectTimeout | Self::Unreachable => {
                CauseKind::FailedConnect
            }
            Self::ClosedInFlight
            | Self::ResetInFlight
            | Self::TruncatedResponse
            | Self::KeepaliveRace
            | Self::StaleReuse
            | Self::Unproven => CauseKind::Cut,
            Self::ResponseTimeout | Self::Stalled => CauseKind::Slow,
            Self::AcceptQueueFull
            | Self::SilentDrop
            | Self::UploadCutShort
            | Self::ClientGone
            | Self::InvalidResponse
            | Self::ProtocolMismatch
            | Self::TlsHandshakeFailed
            | Self::HealthCheckFailing => CauseKind::Other,
        }
    }

    /// What the backend answered is the failure: nothing went wrong with the connection.
    pub const fn is_own_answer(self) -> bool {
        matches!(self.kind(), CauseKind::OwnAnswer)
    }

    /// A connect was refused, turned away, or answered by nobody.
    pub const fn is_failed_connect(self) -> bool {
        matches!(self.kind(), CauseKind::FailedConnect)
    }

    /// The close came first, and the request met it: a matter of how long the connection had been idle, not of
    /// what was asked.
    pub const fn is_of_idleness(self) -> bool {
        matches!(self, Self::KeepaliveRace | Self::StaleReuse)
    }

    /// Something ended a connection that was in use.
    pub const fn is_cut(self) -> bool {
        matches!(self.kind(), CauseKind::Cut)
    }

    /// An answer, or the rest of it, did not come in time.
    pub const fn is_slow(self) -> bool {
        matches!(self.kind(), CauseKind::Slow)
    }

    /// The attempt is seen to have failed for the proxy, which may try another backend.
    pub const fn fails_an_attempt(self) -> bool {
        match self {
            Self::ClientGone | Self::BackendError | Self::Unproven => false,
            Self::KeepaliveRace
            | Self::StaleReuse
            | Self::ClosedInFlight
            | Self::ResetInFlight
            | Self::TruncatedResponse
            | Self::ResponseTimeout
            | Self::ConnectionRefused
            | Self::Unreachable
            | Self::ConnectTimeout
            | Self::AcceptQueueFull
            | Self::SilentDrop
            | Self::UploadCutShort
            | Self::Stalled
            | Self::InvalidResponse
            | Self::ProtocolMismatch
            | Self::TlsHandshakeFailed
            | Self::HealthCheckFailing => true,
        }
    }
}

/// How sure a cause is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Certainty {
    /// One reading among others.
    Possible,
    /// The usual reading.
    Likely,
    /// The frames leave no other.
    Proven,
}

impl Certainty {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Proven => "proven",
        }
    }
}

/// What many causes are asked together: each is of one kind.
enum CauseKind {
    OwnAnswer,
    FailedConnect,
    Cut,
    Slow,
    Other,
}

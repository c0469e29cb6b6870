//! What one line of a log says of one request.

use crate::base::time::Timestamp;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;

/// What a line is of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum LineKind {
    /// A request and what its client got.
    #[default]
    Access,
    /// A message about a request that went wrong.
    Message,
    /// Of no request: a message about a backend, or the proxy as a whole, that says why requests fail: a server is
    /// down, no connection is free, a worker was killed. `duration` is for how long, where the line says it.
    Explains,
}

/// One line, read. Text is as it was logged: it may hold any byte, and secrets.
#[derive(Clone, Debug, Default)]
pub struct Entry<'l> {
    /// What it is of.
    pub kind: LineKind,
    /// When the proxy had the request.
    pub begun: Option<Timestamp>,
    /// When the proxy had done with it.
    pub ended: Option<Timestamp>,
    /// One time, where it is not known which of both it is; they then lie around it.
    pub about: Option<Timestamp>,
    /// `begun` is when the connection was accepted: the request came then, or any time later.
    pub floor: bool,
    /// The unit of these times' last digits.
    pub resolution: Duration,
    /// Local times of an unknown offset.
    pub local: bool,
    /// How long the proxy took for it, from its client's request to the end of the answer.
    pub duration: Option<Duration>,
    /// The client's address; port 0 where it is not logged.
    pub client: Option<SocketAddr>,
    /// `GET` …; empty where it is not logged.
    pub method: Cow<'l, [u8]>,
    /// The request target, with or without scheme and host.
    pub target: Cow<'l, [u8]>,
    /// What the client asked for, where `target` is what was sent to the backend instead.
    pub client_target: Option<Cow<'l, [u8]>>,
    /// What all lines of one request share in this log: nginx's `*number`, Apache's thread. Empty where there
    /// is nothing.
    pub thread: Cow<'l, [u8]>,
    /// What the proxy calls the backends among which it chose: HAProxy's backend. Empty where it has no name.
    pub group: Cow<'l, [u8]>,
    /// The host that was asked.
    pub host: Cow<'l, [u8]>,
    /// What the client got; `None` where the log has none (`-`, `000`).
    pub status: Option<u16>,
    /// What the backend answered to the last attempt, where the log says that apart.
    pub target_status: Option<u16>,
    /// Each time the request went to a backend, as far as the log says; the last one last.
    pub attempts: Vec<Attempt>,
    /// How many attempts there were, where the log counts them.
    pub tries: Option<u32>,
    /// No backend was asked at all, says the log.
    pub kept: bool,
    /// What identifies it: request ids and trace ids.
    pub ids: Vec<Cow<'l, [u8]>>,
    /// The address and port from which the proxy spoke to the backend.
    pub source: Option<SocketAddr>,
    /// What the proxy itself says of how it went, in its own words: termination state, flags, message.
    pub code: Cow<'l, [u8]>,
    /// What that means.
    pub says: Option<Says>,
    /// A load balancer's three times: until the request was dispatched, until the backend answered,
    /// until the answer was sent. `None` is its -1.
    pub times: Option<[Option<Duration>; 3]>,
}

/// One time that a request went to a backend.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Attempt {
    /// To whom.
    pub backend: Option<SocketAddr>,
    /// What came of it; proxies put their own 502 and 504 here.
    pub status: Option<u16>,
    /// When it began, with connecting where it needed that; reckoned from the times in the log.
    pub begun: Option<Timestamp>,
    /// When the request was sent, reckoned likewise.
    pub sent: Option<Timestamp>,
    /// Whether the attempt got as far as a connection; `None` where the log does not say.
    pub connected: Option<bool>,
}

impl Entry<'_> {
    /// Something went wrong, for the client or on the way: what the join is about.
    pub fn is_error(&self) -> bool {
        self.kind != LineKind::Explains && self.went_wrong()
    }

    fn went_wrong(&self) -> bool {
        self.kind == LineKind::Message
            || self
                .status
                .is_none_or(|status| status >= 500 || matches!(status, 460 | 463 | 464 | 499))
            || self.says.is_some_and(Says::is_failure)
    }

    /// The line says when it was.
    pub fn has_time(&self) -> bool {
        self.begun.or(self.ended).or(self.about).is_some()
    }

    /// The request was sent more than once.
    pub fn was_retried(&self) -> bool {
        self.attempts.len() > 1 || self.tries.is_some_and(|tries| tries > 1)
    }
}

/// What a log itself says of the cause. It saw less than the packets do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Says {
    /// The connection to the backend was refused.
    Refused,
    /// No connection came about in time.
    ConnectTimeout,
    /// The backend's host or network cannot be reached.
    Unreachable,
    /// No connection came about; why is not said.
    ConnectFailed,
    /// The TLS handshake with the backend failed.
    TlsFailed,
    /// The connection ended before an answer: closed or reset, or the answer was refused.
    Cut,
    /// The backend closed before it answered.
    Closed,
    /// The connection was reset before an answer.
    Reset,
    /// The backend did not answer in time.
    Timeout,
    /// The answer broke off in the middle.
    Truncated,
    /// The answer came to a stop in the middle.
    Stalled,
    /// The answer is not what the proxy takes.
    Invalid,
    /// The answer's head is too large for the proxy.
    HeadTooLarge,
    /// The proxy's host had no local port left for a connection.
    NoPort,
    /// The backend's name could not be resolved.
    Dns,
    /// The socket of the backend on the proxy's own host is not there, or lets nobody in.
    UnixSocket,
    /// Proxy and backend do not speak the same protocol.
    Protocol,
    /// No connection came about, or it ended before an answer: the line does not tell these apart.
    ConnectFailedOrCut,
    /// The backend did not answer in time, or the connection ended before: the line does not tell these apart.
    TimeoutOrCut,
    /// A process of the backend died, or was killed.
    Died,
    /// There was no backend to send it to: none, or none that is held for healthy.
    NoBackend,
    /// The proxy's own limit or queue was full.
    Overflow,
    /// The client left, or sent what is no request.
    Client,
    /// The proxy answered by itself, by its own rules.
    Proxy,
    /// The backend answered so, and the proxy passed it on.
    Backend,
}

impl Says {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::Refused,
        Self::ConnectTimeout,
        Self::Unreachable,
        Self::ConnectFailed,
        Self::TlsFailed,
        Self::Cut,
        Self::Closed,
        Self::Reset,
        Self::Timeout,
        Self::Truncated,
        Self::Stalled,
        Self::Invalid,
        Self::HeadTooLarge,
        Self::NoPort,
        Self::Dns,
        Self::UnixSocket,
        Self::Protocol,
        Self::ConnectFailedOrCut,
        Self::TimeoutOrCut,
        Self::Died,
        Self::NoBackend,
        Self::Overflow,
        Self::Client,
        Self::Proxy,
        Self::Backend,
    ];

    /// The meaning's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::Unreachable => "unreachable",
            Self::ConnectFailed => "connect_failed",
            Self::TlsFailed => "tls_failed",
            Self::Cut => "cut",
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Truncated => "truncated",
            Self::Stalled => "stalled",
            Self::Invalid => "invalid",
            Self::HeadTooLarge => "head_too_large",
            Self::NoPort => "no_port_left",
            Self::Dns => "dns",
            Self::UnixSocket => "unix_socket",
            Self::Protocol => "protocol",
            Self::ConnectFailedOrCut => "connect_failed_or_cut",
            Self::TimeoutOrCut => "timeout_or_cut",
            Self::Died => "died",
            Self::NoBackend => "no_backend",
            Self::Overflow => "overflow",
            Self::Client => "client",
            Self::Proxy => "proxy",
            Self::Backend => "backend",
        }
    }

    /// The request failed between proxy and backend, whatever its client got.
    const fn is_failure(self) -> bool {
        !matches!(self, Self::Client | Self::Proxy | Self::Backend)
    }

    /// No connection to a backend came about.
    pub const fn is_connect(self) -> bool {
        matches!(
            self,
            Self::Refused
                | Self::ConnectTimeout
                | Self::Unreachable
                | Self::ConnectFailed
                | Self::UnixSocket
        )
    }

    /// Packets between proxy and backend would tell more.
    pub const fn is_told_by_packets(self) -> bool {
        !matches!(
            self,
            Self::HeadTooLarge
                | Self::NoPort
                | Self::Dns
                | Self::UnixSocket
                | Self::Died
                | Self::Overflow
                | Self::Client
                | Self::Proxy
                | Self::Backend
        )
    }

    /// Nothing was sent to a backend for it.
    pub const fn is_kept(self) -> bool {
        matches!(self, Self::NoPort | Self::Dns | Self::NoBackend | Self::Overflow | Self::Proxy)
    }
}

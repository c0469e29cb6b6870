//! One exchange, in little room.

use super::request_key::RequestKey;
use crate::base::time::Timestamp;
use crate::flow::Leg;
use crate::packet::Endpoint;

/// One exchange.
#[derive(Clone, Copy, Debug)]
pub struct SeenExchange {
    /// Number of its connection.
    pub connection: u64,
    /// Number of the exchange on it.
    pub ordinal: u32,
    /// The client side.
    pub client: Endpoint,
    /// The server side.
    pub server: Endpoint,
    /// When its connection was begun, if it is the first on it; else the same as `begun`.
    pub opened: Timestamp,
    /// When its first byte was captured.
    pub begun: Timestamp,
    /// When the request's last byte was.
    pub sent: Timestamp,
    /// When the answer began.
    pub answered: Option<Timestamp>,
    /// When the answer was over, or the connection.
    pub ended: Timestamp,
    /// Of the answer.
    pub status: Option<u16>,
    /// Bytes of the answer's body.
    pub body: u64,
    /// What was asked.
    pub asked: RequestKey,
    /// Digests of its ids; 0 where there is none.
    pub ids: [u64; 3],
    /// What was asked may be asked again without harm (RFC 9110, section 9.2.2).
    pub idempotent: bool,
    /// The request says that it was made for a client: it names one, or the proxies before.
    pub forwarded: bool,
    /// The request is made as to a proxy: with scheme and host in its target (RFC 9112, section 3.2.2).
    pub as_to_proxy: bool,
    /// The request names itself a probe of health: no client's.
    pub probe: bool,
    /// The exchange failed.
    pub failed: bool,
    /// Whether it was answered cannot be read.
    pub unread: bool,
}

impl SeenExchange {
    /// The leg of its connection.
    pub fn leg(&self) -> Leg {
        Leg::of(self.client.addr, self.server)
    }
}

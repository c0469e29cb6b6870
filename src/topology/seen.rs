//! One exchange, in little room.

use super::request_key::{self, RequestKey};
use crate::base::time::Timestamp;
use crate::exchange::{Exchange, Outcome};
use crate::facts::closing;
use crate::flow::{Connection, Leg};
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
    /// One exchange of a connection, of which is not said whether it failed.
    pub fn of(exchange: &Exchange, connection: &Connection) -> Self {
        let (request, response) = (&exchange.request, exchange.response);
        let head = request.head.as_ref();
        let answered = exchange.outcome == Outcome::Answered;
        let close = closing::first(connection).filter(|_| !answered);
        let last = response.map_or(request.last.at, |response| response.last.at);
        // Without a close it went on for as long as anybody looked.
        let open = if answered { last } else { connection.seen_until.max(last) };
        let idempotent =
            head.is_some_and(|head| !matches!(head.method(), b"POST" | b"PATCH" | b"CONNECT"));
        Self {
            connection: connection.number,
            ordinal: exchange.ordinal,
            client: connection.client,
            server: connection.server,
            opened: connection
                .syn
                .filter(|_| exchange.ordinal == 0)
                .map_or(request.first.at, |syn| syn.at),
            begun: request.first.at,
            sent: request.last.at,
            answered: response.map(|response| response.first.at),
            ended: close.map_or(open, |close| close.mark.frame.at.max(last)),
            status: response.and_then(|response| response.status),
            body: response.map_or(0, |response| response.received),
            asked: head
                .and_then(|head| head.asked())
                .map(|(method, target)| RequestKey::of(method, target))
                .unwrap_or_default(),
            ids: head.map(request_key::ids).unwrap_or_default(),
            idempotent,
            forwarded: head.is_some_and(|head| head.signs.forwarded),
            as_to_proxy: head.is_some_and(|head| head.target().starts_with(b"http://")),
            probe: head.is_some_and(|head| head.signs.prober.is_some()),
            failed: false,
            unread: matches!(exchange.outcome, Outcome::Unread(_)),
        }
    }

    /// The leg of its connection.
    pub fn leg(&self) -> Leg {
        Leg::of(self.client.addr, self.server)
    }
}

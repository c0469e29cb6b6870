//! A failed exchange or connect, as it is kept.

use super::health::Health;
use super::probe_source::ProbeSource;
use crate::base::time::Timestamp;
use crate::exchange::{Exchange, Request, RequestDigest, Response};
use crate::facts::kernel::{Ends, Queue};
use crate::facts::listening::Listening;
use crate::flow::{Connection, Side, StreamPos};
use crate::knowledge::connection_ends::Context;
use crate::packet::{Endpoint, SeqNum};
use crate::verdict::{Cause, Sent, Verdict, kernel_says};

/// A failed exchange or connect.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Why.
    pub verdict: Verdict,
    /// Number of its connection.
    pub connection: u64,
    /// Number of the exchange on it; 0 for a connect.
    pub ordinal: u32,
    /// The client side.
    pub client: Endpoint,
    /// The server side.
    pub server: Endpoint,
    /// What was asked; `None` for a connect.
    pub request: Option<Request>,
    /// What came of an answer.
    pub response: Option<Response>,
    /// The number on the wire of the request's first byte, which is the same wherever it was
    /// captured.
    pub(super) wire: Option<SeqNum>,
    /// The number on the wire that follows a failed connect's SYN.
    syn: Option<SeqNum>,
    /// The answer before it had announced that the connection would be closed; `None` where not all that
    /// the server sent was captured.
    announced: Option<bool>,
    /// The status of an answer that the server sent unasked before this.
    pub unasked: Option<u16>,
    /// What was asked, if it may be a probe.
    pub(super) asked: Option<RequestDigest>,
    /// Of failing probes: how they fare. The rest is that of one of them.
    pub health: Option<Box<Health>>,
    /// The event that it belongs to, by its place among them.
    pub event: Option<usize>,
    /// What is known of both sides, at the end.
    pub context: Context,
    /// What its backend's host says of its ports, where that is this very host.
    pub listening: Option<Box<Listening>>,
    /// What the kernel says of the connection's ends, where they are on this very host.
    pub ends: Option<Box<Ends>>,
}

/// How a connect that failed began.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConnectOpening {
    pub(super) at: Timestamp,
    /// The client's port, and the number that follows its SYN.
    pub(super) key: (u16, u32),
}

impl Failure {
    pub(super) fn new(
        verdict: Verdict,
        exchange: Option<Exchange>,
        connection: &Connection,
    ) -> Self {
        let twin = connection.same_as.as_deref();
        let client = connection.half(Side::Client);
        let ordinal = exchange.as_ref().map_or(0, |exchange| exchange.ordinal);
        let asked = match &exchange {
            Some(exchange) => exchange.request.head.as_ref().and_then(RequestDigest::of),
            None => Some(RequestDigest::NOTHING),
        };
        let close_announced = exchange.as_ref().is_some_and(|exchange| exchange.close_announced);
        let whole = connection.half(Side::Server).gaps == 0;
        let announced = (close_announced || whole).then_some(close_announced);
        let unasked = exchange.as_ref().and_then(|exchange| exchange.unasked);
        let (request, response) =
            exchange.map_or((None, None), |exchange| (Some(exchange.request), exchange.response));
        Self {
            verdict,
            connection: twin.map_or(connection.number, |twin| twin.number),
            ordinal,
            client: twin.map_or(connection.client, |twin| twin.client),
            server: twin.map_or(connection.server, |twin| twin.server),
            syn: connection
                .syn
                .filter(|_| request.is_none())
                .and_then(|_| client.wire(StreamPos::default())),
            wire: request.as_ref().and_then(|request| client.wire(request.start)),
            request,
            response,
            announced,
            unasked,
            asked,
            health: None,
            event: None,
            context: Context::default(),
            listening: None,
            ends: None,
        }
    }

    /// Of a failed connect: when it began, and what address translation leaves of it as it is.
    pub(super) fn opening(&self) -> Option<ConnectOpening> {
        let at = self.verdict.evidence.first()?.frame.at;
        Some(ConnectOpening { at, key: (self.client.port, self.syn?.0) })
    }

    /// When the last frame was captured that shows it.
    pub fn seen(&self) -> Timestamp {
        self.verdict.evidence.iter().map(|one| one.frame.at).max().unwrap_or_default()
    }

    /// Takes what the kernel says of the ends of its connection, as far as that fits the packets: the
    /// kernel's word counts before what they only make likely.
    pub fn meet(&mut self, ends: Ends) {
        let sent = self.sent();
        let ends = kernel_says(&mut self.verdict, ends, sent.as_ref());
        let known = ends.client.is_some() || ends.server.is_some();
        self.ends = known.then(|| Box::new(ends));
    }

    /// The request, as the ends of its connection number it.
    pub fn sent(&self) -> Option<Sent> {
        let request = self.request.as_ref()?;
        Some(Sent {
            first: self.wire?,
            length: request.end.since(request.start),
            reused: self.ordinal > 0,
            announced: self.announced,
            readable: request.unread.is_none(),
        })
    }

    /// The backend's queue of connections to be accepted, if it was full and that is why it failed, or
    /// may be.
    pub fn full_queue(&self) -> Option<Queue> {
        let cause = self.verdict.cause;
        let server = self.ends.as_deref()?.server.as_ref()?;
        server.queue.filter(|_| matches!(cause, Cause::AcceptQueueFull | Cause::ConnectTimeout))
    }

    /// Of which kind of request it is, if it may be a probe.
    pub(super) fn source(&self) -> Option<ProbeSource> {
        Some(ProbeSource { client: self.client.addr, asked: self.asked? })
    }

    /// What failures are sorted by: the frame that completed them, then who they belong to. Frames of
    /// `several` captures that overlap are in the order of their time.
    pub fn completed(&self, several: bool) -> (Timestamp, Option<(u32, u64)>, u64, u32) {
        let last = self.verdict.evidence.last().map(|last| last.frame);
        let at = last.filter(|_| several).map_or(Timestamp::default(), |frame| frame.at);
        (at, last.map(|frame| (frame.capture, frame.number)), self.connection, self.ordinal)
    }
}

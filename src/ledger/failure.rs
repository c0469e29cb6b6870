//! A failed exchange or connect: the facts of it, and the verdict on them.

use super::health::Health;
use super::probe_source::ProbeSource;
use crate::base::time::Timestamp;
use crate::exchange::{Exchange, Protocol, Request, RequestDigest, Response, Turns};
use crate::facts::attempt::ClientFacts;
use crate::facts::kernel::{Ends, Queue};
use crate::facts::listening::Listening;
use crate::facts::{KeptAttempt, SentAgain, TimelineEntry, Tried, timeline};
use crate::flow::{Alias, Connection, Leg, Side, StreamPos};
use crate::knowledge::{Context, FailingProbe, Knowledge};
use crate::packet::{Endpoint, SeqNum};
use crate::streams::tls::TlsFacts;
use crate::verdict::{self, Cause, Fate, Sent, Verdict};
use std::sync::Arc;

/// A failed exchange or connect.
#[derive(Clone, Debug)]
pub struct Failure {
    attempt: Arc<KeptAttempt>,
    /// Views of the same attempt, as it was captured elsewhere.
    elsewhere: Vec<Arc<KeptAttempt>>,
    /// What is known of its client.
    pub(super) of_client: ClientFacts,
    /// What is known beside it.
    knowledge: Knowledge,
    /// Why, by all of that.
    verdict: Verdict,
    /// Where it was captured first it did not show as a failure.
    only_elsewhere: bool,
    /// Number of its connection.
    pub connection: u64,
    /// Number of the exchange on it; 0 for a connect.
    pub ordinal: u32,
    /// The client side.
    pub client: Endpoint,
    /// The server side.
    pub server: Endpoint,
    /// Of failing probes: how they fare. The rest is that of one of them.
    pub health: Option<Box<Health>>,
    /// The event that it belongs to, by its place among them.
    pub event: Option<usize>,
    /// What was asked, as it was sent again on another connection.
    pub sent_again: Option<SentAgain>,
    /// What is known of both sides, at the end.
    pub context: Context,
}

/// How a connect that failed began.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConnectOpening {
    pub(super) at: Timestamp,
    /// The client's port, and the number that follows its SYN.
    pub(super) key: (u16, u32),
}

/// What an attempt is known by at every viewpoint: its connection, and the number on the wire of its
/// request's first byte.
pub(super) type AttemptKey = (u64, Option<u32>);

/// What a kept attempt is known by.
pub(super) fn key(attempt: &KeptAttempt) -> AttemptKey {
    key_of(attempt.as_exchange(), attempt.connection())
}

/// What an attempt is known by, an exchange or a connect.
pub(super) fn key_of(exchange: Option<&Exchange>, connection: &Connection) -> AttemptKey {
    let number = connection.same_as.as_deref().map_or(connection.number, |twin| twin.number);
    let first = exchange.map(|exchange| exchange.request.start);
    let wire = first.and_then(|first| connection.half(Side::Client).wire(first));
    (number, wire.map(|wire: SeqNum| wire.0))
}

impl Failure {
    /// The failure that an attempt is, if it is one.
    pub(super) fn of(
        attempt: Arc<KeptAttempt>,
        elsewhere: Vec<Arc<KeptAttempt>>,
        knowledge: Knowledge,
    ) -> Option<Self> {
        Self::with_client(attempt, elsewhere, ClientFacts::NONE, knowledge)
    }

    /// The failure that an attempt is, if it is one by what is known of its client.
    pub(super) fn with_client(
        attempt: Arc<KeptAttempt>,
        elsewhere: Vec<Arc<KeptAttempt>>,
        of_client: ClientFacts,
        knowledge: Knowledge,
    ) -> Option<Self> {
        let fate = verdict::judge(&attempt.facts(&elsewhere, of_client), &knowledge);
        let Fate::Failed(verdict) = fate else { return None };
        Some(Self {
            connection: attempt.number(),
            ordinal: attempt.as_exchange().map_or(0, |exchange| exchange.ordinal),
            client: attempt.client(),
            server: attempt.server(),
            verdict: *verdict,
            only_elsewhere: false,
            attempt,
            elsewhere,
            of_client,
            knowledge,
            health: None,
            event: None,
            sent_again: None,
            context: Context::default(),
        })
    }

    /// What is kept of the attempt.
    pub fn attempt(&self) -> &KeptAttempt {
        &self.attempt
    }

    /// The leg of its connection.
    pub fn leg(&self) -> Leg {
        Leg::of(self.client.addr, self.server)
    }

    /// What passed on its connection from the last exchange before it on.
    pub fn timeline(&self) -> Vec<TimelineEntry> {
        timeline(&self.attempt, &self.elsewhere)
    }

    /// Other ends of its connection, before or after address translation.
    pub fn aliases(&self) -> &[Alias] {
        self.attempt.connection().aliases()
    }

    /// Why it failed, by all that is known.
    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// The failure, which did not show as one where it was captured first.
    pub(super) fn seen_only_elsewhere(self) -> Self {
        Self { only_elsewhere: true, ..self }
    }

    /// Another capture shows it better than the one that was named first.
    pub(super) const fn is_better_elsewhere(&self) -> bool {
        self.only_elsewhere || self.verdict.is_better_elsewhere()
    }

    /// Judges it again, since more is known of its client, or `learn` adds to what is known beside it.
    pub(super) fn judge_again(&mut self, learn: impl FnOnce(&mut Knowledge)) {
        learn(&mut self.knowledge);
        let facts = self.attempt.facts(&self.elsewhere, self.of_client);
        if let Fate::Failed(verdict) = verdict::judge(&facts, &self.knowledge) {
            self.verdict = *verdict;
        }
    }

    /// A probe that was answered, with a status that its proxy does not accept.
    pub(super) fn of_probe(attempt: Arc<KeptAttempt>) -> Option<Self> {
        let probe = Some(FailingProbe { named: false, by_status: true });
        Self::of(attempt, Vec::new(), Knowledge { probe, ..Knowledge::default() })
    }

    /// From now on it stands for a row of failing probes, of which it is the first; `by_status` where its
    /// answer is what failed.
    pub(super) fn stand_for(&mut self, health: Health, by_status: bool) {
        let named = health.prober.is_some();
        self.judge_again(|beside| beside.probe = Some(FailingProbe { named, by_status }));
        self.health = Some(Box::new(health));
    }

    /// What was asked; `None` for a connect.
    pub fn request(&self) -> Option<&Request> {
        self.attempt.as_exchange().map(|exchange| &exchange.request)
    }

    /// What it speaks, and what its turns show, where it is framed by them.
    pub fn turns(&self) -> Option<(Protocol, Turns)> {
        let exchange = self.attempt.as_exchange()?;
        exchange.turns.map(|turns| (exchange.protocol, turns))
    }

    /// What the TLS handshake of a connect said, where it spoke that.
    pub fn tls(&self) -> Option<&TlsFacts> {
        match self.attempt.tried() {
            Tried::Connect(ended) => ended.tls.as_deref(),
            Tried::Exchange(_) => None,
        }
    }

    /// What came of an answer.
    pub fn response(&self) -> Option<Response> {
        self.attempt.as_exchange().and_then(|exchange| exchange.response)
    }

    /// The status of an answer that the server sent unasked before this.
    pub fn unasked(&self) -> Option<u16> {
        self.attempt.as_exchange().and_then(|exchange| exchange.unasked)
    }

    /// What its backend's host says of its ports, where that is this very host.
    pub fn listening(&self) -> Option<&Listening> {
        self.attempt.listening.as_deref()
    }

    /// What the kernel says of the connection's ends, where they are on this very host and it fits the
    /// packets.
    pub fn ends(&self) -> Option<&Ends> {
        self.verdict.ends()
    }

    /// Of a failed connect: when it began, and what address translation leaves of it as it is.
    pub(super) fn opening(&self) -> Option<ConnectOpening> {
        let at = self.verdict.evidence().first()?.frame.at;
        let connection = self.attempt.connection();
        let connect = self.request().is_none() && connection.syn.is_some();
        let half = connection.half(Side::Client);
        let syn = half.wire(StreamPos::default()).filter(|_| connect)?;
        Some(ConnectOpening { at, key: (self.client.port, syn.0) })
    }

    /// When the last frame was captured that shows it.
    pub fn seen(&self) -> Timestamp {
        self.verdict.evidence().iter().map(|one| one.frame.at).max().unwrap_or_default()
    }

    /// The request, as the ends of its connection number it.
    pub fn sent(&self) -> Option<Sent> {
        Sent::of(self.attempt.tried(), self.attempt.connection())
    }

    /// The backend's queue of connections to be accepted, if it was full and that is why it failed, or
    /// may be.
    pub fn full_queue(&self) -> Option<Queue> {
        let cause = self.verdict.cause();
        let server = self.ends()?.server.as_ref()?;
        server.queue.filter(|_| matches!(cause, Cause::AcceptQueueFull | Cause::ConnectTimeout))
    }

    /// What was asked, if it may be a probe.
    pub(super) fn asked(&self) -> Option<RequestDigest> {
        asked(&self.attempt)
    }

    /// Of which kind of request it is, if it may be a probe.
    pub(super) fn source(&self) -> Option<ProbeSource> {
        Some(ProbeSource { client: self.client.addr, asked: self.asked()? })
    }

    /// What failures are sorted by: the frame that completed them, then who they belong to. Frames of
    /// `several` captures that overlap are in the order of their time.
    pub fn completed(&self, several: bool) -> (Timestamp, Option<(u32, u64)>, u64, u32) {
        let last = self.verdict.evidence().last().map(|last| last.frame);
        let at = last.filter(|_| several).map_or(Timestamp::default(), |frame| frame.at);
        (at, last.map(|frame| (frame.capture, frame.number)), self.connection, self.ordinal)
    }
}

/// What an attempt asks, if it may be a probe: a connect asks nothing.
pub(super) fn asked(attempt: &KeptAttempt) -> Option<RequestDigest> {
    match attempt.as_exchange() {
        Some(exchange) => exchange.request.head.as_ref().and_then(RequestDigest::of),
        None => Some(RequestDigest::NOTHING),
    }
}

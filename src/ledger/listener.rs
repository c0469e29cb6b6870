//! What is known of one listener, and of each of its clients.

use super::counts::count;
use super::handshakes::HandshakeTally;
use super::idleness::Idleness;
use super::probe_source::ProbeSource;
use super::probes::Probes;
use super::proxy_side::ProxySide;
use super::unread::{Amount, NotRead, What, is_one_direction};
use crate::base::time::Timestamp;
use crate::exchange::{
    Ended, Exchange, KnownProtocol, Outcome, Protocol, RequestDigest, RequestHead, ServerKind,
    Unread,
};
use crate::facts::KeptAttempt;
use crate::facts::closing;
use crate::flow::{Connection, Side, SidesBy};
use crate::knowledge::configured::Accepted;
use crate::knowledge::connection_ends::{Endings, Guesses, RequestLimit};
use crate::knowledge::distribution::Gaps;
use crate::knowledge::idle_gaps::IdleGaps;
use crate::knowledge::timers::{SHORTEST_TIMER, Timer};
use crate::packet::Endpoint;
use crate::verdict::{Cause, Certainty, Fate, Finding, Verdict};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

/// Addresses of one listener before and after address translation.
const ALIASES: usize = 16;

/// What is known of one listener.
#[derive(Clone, Debug, Default)]
pub struct Listener {
    /// Addresses that it has before or after address translation.
    pub aliases: BTreeSet<Endpoint>,
    /// Connections to it.
    pub connections: u64,
    /// Connects that it refused, and the same port at the other loopback address took at once.
    pub taken_beside: u64,
    /// Connections that were never established: refused.
    pub connects_failed: u64,
    /// SYNs that got no answer at all in the capture.
    pub connects_unanswered: u64,
    /// Connections by what they spoke.
    pub(super) protocols: HashMap<Protocol, u64>,
    /// What it speaks that is recognised and not read.
    pub spoken: Option<KnownProtocol>,
    /// Exchanges.
    pub exchanges: u64,
    /// Exchanges by final status.
    pub statuses: BTreeMap<u16, u64>,
    /// Answers that were framed by turns: what they say is not known.
    pub answered_by_turns: u64,
    /// Failures that are not kept, by what packets alone show to be the cause.
    pub(super) only_counted: BTreeMap<Cause, u64>,
    /// Exchanges that may have been answered, by why that cannot be read.
    pub unread: HashMap<Unread, u64>,
    /// What was not read or not judged of its connections, and how much.
    pub not_read: NotRead,
    /// Malformed answers that did no harm, as far as was captured.
    pub malformed: u64,
    /// Answers of which only the client's next request shows that they were whole: their heads were cut.
    pub(super) by_turn: u64,
    /// Exchanges with neither answer nor close in the capture.
    pub open: u64,
    /// Connections followed no further for want of room: nothing is claimed of them.
    pub(super) given_up: u64,
    /// Requests outstanding on them then.
    given_up_exchanges: u64,
    /// Whole answers of which the capture does not show that the client got them.
    pub unacknowledged: u64,
    /// Closes by the listener that harmed no request.
    pub benign_closes: u64,
    /// Gaps in the capture of its connections.
    pub capture_gaps: u64,
    /// Connections whose sides were guessed by their ports.
    pub guessed: u64,
    /// Connections of which one direction was not captured at all.
    pub one_direction: u64,
    /// Connections left the host that captured them, as far as the capture tells.
    pub opened_here: bool,
    /// Connections came to that host.
    pub accepted_here: bool,
    /// How long handshakes took, from the SYN to the answer to the SYN+ACK: a round trip wherever they
    /// were captured.
    pub round_trips: Gaps,
    /// How its connections end.
    pub(super) endings: Endings,
    /// Connections whose two sides did not come to terms, so that nothing was asked: they spoke different protocols,
    /// or their TLS handshake failed.
    pub mismatched: u64,
    /// Connections of which not one byte of payload was captured.
    pub(super) unseen: u64,
    /// TLS handshakes with it. Boxed, for most speak none.
    pub handshakes: Option<Box<HandshakeTally>>,
    /// Connections that begin with a header of the PROXY protocol.
    pub proxied: u64,
    /// The listener answers what follows a header of the PROXY protocol.
    pub(super) takes_header: bool,
    /// The software that it runs, a guess.
    pub(super) server: Guesses<ServerKind>,
    /// Probes of its health.
    pub(super) probes: Probes,
    /// Who connects to it. Boxed, for the map has room for eleven as soon as there is one.
    pub proxies: BTreeMap<IpAddr, Box<ProxySide>>,
    /// Connections of proxies for which there was no room.
    pub proxies_forgotten: u64,
    /// The shortest time from a SYN to its SYN+ACK.
    pub syn_to_syn_ack: Option<Duration>,
    /// The shortest time from a SYN+ACK to the client's answer.
    pub syn_ack_to_ack: Option<Duration>,
}

impl Listener {
    /// Whether `is` holds of the listener, which is at `endpoint`, or of another address of it. What goes
    /// elsewhere and is redirected to this very host, a sidecar takes: that is not who was asked.
    pub fn is_known_by(&self, endpoint: Endpoint, is: impl Fn(Endpoint) -> bool) -> bool {
        let redirected = |alias: Endpoint| endpoint.addr.is_loopback() && !alias.addr.is_loopback();
        is(endpoint) || self.aliases.iter().any(|alias| !redirected(*alias) && is(*alias))
    }

    /// Notes the addresses that a connection to it shows.
    fn note_aliases(&mut self, connection: &Connection) {
        for alias in connection.aliases() {
            if alias.server != connection.server && self.aliases.len() < ALIASES {
                self.aliases.insert(alias.server);
            }
        }
    }

    /// Answers that are taken for whole by turns alone, where more of those that ended otherwise could not be
    /// judged: so few give no all-clear.
    pub fn doubtful_by_turn(&self) -> u64 {
        let cut = self.unread.get(&Unread::HeadCut).copied().unwrap_or(0);
        if cut >= self.by_turn { self.by_turn } else { 0 }
    }

    /// Connections that spoke `protocol`.
    pub fn spoke(&self, protocol: Protocol) -> u64 {
        self.protocols.get(&protocol).copied().unwrap_or(0)
    }

    /// Whether a connection spoke a protocol of which `wanted` holds.
    pub fn spoke_any(&self, wanted: fn(Protocol) -> bool) -> bool {
        self.protocols.iter().any(|(protocol, spoke)| wanted(*protocol) && *spoke > 0)
    }

    /// What most of its connections spoke on which something was sent; of several the last in order.
    pub fn mostly_spoke(&self) -> Option<Protocol> {
        Protocol::ALL
            .into_iter()
            .filter(|protocol| protocol.says_something() && self.spoke(*protocol) > 0)
            .max_by_key(|protocol| self.spoke(*protocol))
    }

    /// Whether the listener speaks HTTP or TLS, or nobody got through to it.
    pub fn is_like_a_backend(&self) -> bool {
        self.spoke_any(Protocol::may_be_http) || self.connects_failed > 0
    }

    /// The listener's keep-alive timer, as its closes show it.
    pub(super) fn timer(&self) -> Option<Timer> {
        self.idle().backend_timer()
    }

    /// The listener's keep-alive timer, or its range where it looks only now and then and the range is narrow: what ends
    /// connections for another reason finds some that were just used as well.
    pub(super) fn keepalive(&self) -> Option<Timer> {
        let idle = self.idle();
        let range = || idle.backend_range().filter(Timer::is_narrow);
        idle.backend_timer().or_else(range)
    }

    /// After how many requests it closes, if it does.
    pub fn request_limit(&self) -> Option<RequestLimit> {
        self.endings.request_limit(self.timer())
    }

    /// At which age of a connection it closes, if it does.
    pub fn age_limit(&self) -> Option<Timer> {
        self.endings.age_limit(self.keepalive())
    }

    /// What its answers give away of its server: a guess.
    pub fn server(&self) -> Option<ServerKind> {
        self.server.best()
    }

    /// The idle gaps of all its proxies.
    pub fn idle(&self) -> IdleGaps {
        let mut idle = IdleGaps::default();
        self.proxies.values().for_each(|proxy| idle.add(&proxy.idle));
        idle
    }

    /// For how long, at most, it kept a connection idle that was then of use again.
    pub(super) fn kept_idle(&self) -> Duration {
        self.idle().reused.quantiles().map_or(Duration::ZERO, |gaps| gaps.max)
    }
}

impl Listener {
    pub(super) fn proxy(&mut self, addr: IpAddr, limit: usize) -> Option<&mut ProxySide> {
        if self.proxies.len() >= limit && !self.proxies.contains_key(&addr) {
            return None;
        }
        Some(self.proxies.entry(addr).or_default())
    }

    /// Whether a connection left the host that captured it, or came to it.
    pub(super) fn note_direction(&mut self, connection: &Connection) {
        self.opened_here |= connection.outgoing == Some(true);
        self.accepted_here |= connection.outgoing == Some(false);
    }

    /// Books one exchange and what became of it. It may be the first of its connection that was not
    /// read.
    pub(super) fn exchange(
        &mut self,
        exchange: &Exchange,
        fate: &Fate,
        connection: &Connection,
        accepted: &Accepted,
        proxies: usize,
        first_unread: bool,
    ) {
        count(&mut self.exchanges);
        self.note_aliases(connection);
        self.note_direction(connection);
        self.count_outcome(exchange, fate, connection, first_unread);
        self.note_signs(exchange, fate, connection.client.addr, proxies);
        let asked = self.note_probe(exchange, fate, connection, accepted, proxies);
        self.note_gaps(exchange, fate, connection, asked, proxies);
    }

    /// Counts what became of an exchange, and what of it was not read.
    fn count_outcome(
        &mut self,
        exchange: &Exchange,
        fate: &Fate,
        connection: &Connection,
        first_unread: bool,
    ) {
        let answered = whole_answer(exchange);
        if let Some(status) = answered {
            count(self.statuses.entry(status).or_default());
            self.takes_header |= exchange.proxied.is_some() && status != 400;
        }
        let by_turns = exchange.turns.is_some() && exchange.outcome == Outcome::Answered;
        self.answered_by_turns = self.answered_by_turns.saturating_add(by_turns.into());
        match fate {
            Fate::Sound => {
                let by_turn = exchange.response.is_some_and(|response| response.cut);
                self.by_turn = self.by_turn.saturating_add(by_turn.into());
                let acked = connection.half(Side::Server).acked;
                let end = exchange.response.map(|response| response.end);
                if answered.is_some() && acked.map(|acked| acked.pos) < end {
                    count(&mut self.unacknowledged);
                }
            }
            Fate::Failed(_) => {}
            Fate::Open | Fate::Undecided if connection.given_up => {
                count(&mut self.given_up_exchanges);
            }
            Fate::Open | Fate::Undecided => count(&mut self.open),
            Fate::Unread(why) => count(self.unread.entry(*why).or_default()),
        }
        if matches!(fate, Fate::Open | Fate::Undecided | Fate::Unread(_)) {
            let amount = amount(exchange, first_unread);
            let what = What::of_fate(fate, exchange, connection);
            self.not_read.entry(what).or_default().add(amount);
        }
    }

    /// An exchange that was counted as outstanding has failed, as shows in what else is known.
    pub(super) fn settle_exchange(&mut self, attempt: &KeptAttempt, first_unread: bool) {
        let Some(exchange) = attempt.as_exchange() else { return };
        self.open = self.open.saturating_sub(1);
        let what = What::of_exchange(exchange, attempt.connection());
        if let Some(all) = self.not_read.get_mut(&what) {
            all.take(amount(exchange, first_unread));
            if *all == Amount::default() {
                self.not_read.remove(&what);
            }
        }
    }

    /// Notes what an exchange gives away of the software on both sides, and malformed answers that did no
    /// harm.
    fn note_signs(&mut self, exchange: &Exchange, fate: &Fate, client: IpAddr, proxies: usize) {
        let spoken = exchange.turns.and_then(|turns| turns.spoken?.server());
        self.server.note(spoken.or(exchange.response.and_then(|response| response.server)));
        let signs = exchange.request.head.as_ref().map(|head| head.signs);
        if let Some(proxy) = self.proxy(client, proxies) {
            proxy.kind.note(signs.and_then(|signs| signs.proxy));
        }
        let flaw = exchange.response.and_then(|response| response.flaw);
        let malformed = flaw.is_some_and(|flaw| flaw.kind.is_malformed());
        if malformed && !matches!(fate, Fate::Failed(_)) {
            count(&mut self.malformed);
        }
    }

    /// Notes a request that may be a probe, and how it was answered; returns what was asked, where that can
    /// be a probe's.
    fn note_probe(
        &mut self,
        exchange: &Exchange,
        fate: &Fate,
        connection: &Connection,
        accepted: &Accepted,
        proxies: usize,
    ) -> Option<RequestDigest> {
        let head = exchange.request.head.as_ref();
        let asked = head.and_then(RequestDigest::of);
        if let Some(asked) = asked {
            let source = ProbeSource { client: connection.client.addr, asked };
            self.note_asked(source, exchange.request.first.at, head, proxies);
            match (told_status(exchange), fate) {
                (Some(status), _) => self.probes.answered(source, status, accepted, || {
                    KeptAttempt::exchange(Box::new(exchange.clone()), connection)
                }),
                (None, Fate::Failed(_)) => self.probes.count_failed(source),
                _ => {}
            }
        }
        asked
    }

    /// Books how the connection was idle before an exchange that asked for `asked`, and how long something
    /// was waited for in it.
    fn note_gaps(
        &mut self,
        exchange: &Exchange,
        fate: &Fate,
        connection: &Connection,
        asked: Option<RequestDigest>,
        proxies: usize,
    ) {
        let client = connection.client.addr;
        // The backend's close had come first.
        let raced = matches!(
            fate,
            Fate::Failed(verdict)
                if matches!(verdict.cause(), Cause::KeepaliveRace | Cause::StaleReuse)
                    && verdict.closed_after().is_some()
        );
        let quiet = exchange.quiet_since.filter(|_| exchange.ordinal > 0);
        if let Some(gap) = quiet.and_then(|quiet| connection.span(quiet, exchange.request.first)) {
            if raced && let Some(proxy) = self.proxy(client, proxies) {
                proxy.idle.raced.record(gap);
            }
            self.idle_gap(client, asked, Idleness::Reused(gap), proxies);
        }
        let Fate::Failed(verdict) = fate else {
            return;
        };
        match (verdict.cause(), verdict.closed_after(), verdict.wait()) {
            // The timer fired, whether or not a request was on its way.
            (Cause::KeepaliveRace | Cause::StaleReuse, Some(gap), _) => {
                self.idle_gap(client, asked, Idleness::ClosedByBackend(gap), proxies);
            }
            (Cause::ResponseTimeout, _, Some(wait)) => {
                if let Some(proxy) = self.proxy(client, proxies) {
                    proxy.idle.gave_up.record(wait);
                }
            }
            _ => {}
        }
    }

    /// Something was answered there, whatever that says.
    pub(super) fn answers(&self) -> bool {
        !self.statuses.is_empty() || self.answered_by_turns > 0
    }

    /// Books one connection. Exchanges of it may have been counted as not read already.
    pub(super) fn connection(
        &mut self,
        ended: &Ended,
        connection: &Connection,
        proxies: usize,
        counted: bool,
    ) {
        count(&mut self.connections);
        self.note_aliases(connection);
        if let Some(what) = What::of_connection(ended, connection).filter(|_| !counted) {
            let [client, server] =
                [Side::Client, Side::Server].map(|side| connection.half(side).bytes);
            let bytes = client.saturating_add(server);
            let amount = Amount { connections: 1, requests: 0, bytes };
            self.not_read.entry(what).or_default().add(amount);
        }
        count(self.protocols.entry(ended.protocol).or_default());
        if ended.proxied.is_some() {
            count(&mut self.proxied);
        }
        if ended.unseen {
            count(&mut self.unseen);
        }
        if ended.tls.is_some() {
            self.handshakes.get_or_insert_default().note(ended);
        }
        self.given_up = self.given_up.saturating_add(connection.given_up.into());
        self.note_direction(connection);
        let (client, server) = (connection.half(Side::Client), connection.half(Side::Server));
        let gaps = u64::from(client.gaps).saturating_add(u64::from(server.gaps));
        self.capture_gaps = self.capture_gaps.saturating_add(gaps);
        if connection.sides_by == Some(SidesBy::LowerPort) {
            count(&mut self.guessed);
        }
        if is_one_direction(ended.protocol, connection) {
            count(&mut self.one_direction);
        }
        let shortest = |kept: &mut Option<Duration>, new: Duration| {
            *kept = Some(kept.map_or(new, |kept| kept.min(new)));
        };
        if let (Some(syn), Some(syn_ack)) = (connection.syn, connection.syn_ack) {
            shortest(&mut self.syn_to_syn_ack, syn_ack.at.since(syn.at));
            if let Some(ack) = connection.established {
                shortest(&mut self.syn_ack_to_ack, ack.at.since(syn_ack.at));
                self.round_trips.record(ack.at.since(syn.at));
            }
        }
        let closing = closing::first(connection).filter(|_| ended.quiet_since.is_some());
        let known = !connection.given_up && closing.is_none_or(|closing| !closing.contested);
        let by_server = closing.is_some_and(|closing| closing.by == Side::Server);
        if by_server {
            count(&mut self.benign_closes);
        }
        let Some(proxy) = self.proxy(connection.client.addr, proxies) else {
            count(&mut self.proxies_forgotten);
            return;
        };
        count(&mut proxy.connections);
        proxy.paid.note(ended, connection);
        if let Some(quiet) = ended.quiet_since.filter(|_| ended.exchanges > 0 && known) {
            let idleness = match closing {
                Some(closing) => {
                    let Some(gap) = connection.span(quiet, closing.mark.frame) else { return };
                    if by_server && ended.close_announced {
                        Idleness::ClosedAsAnnounced(gap)
                    } else if by_server {
                        Idleness::ClosedByBackend(gap)
                    } else {
                        Idleness::ClosedByProxy(gap)
                    }
                }
                None => Idleness::StillOpen(connection.seen_until.since(quiet.at)),
            };
            self.idle_gap(connection.client.addr, ended.last_asked, idleness, proxies);
        }
    }

    /// Books an idle gap of a connection, the last request on which was `asked`.
    fn idle_gap(
        &mut self,
        client: IpAddr,
        asked: Option<RequestDigest>,
        idleness: Idleness,
        proxies: usize,
    ) {
        // A timer of the backend does not ask who used the connection last.
        let timed = matches!(idleness, Idleness::ClosedByBackend(gap) if gap >= SHORTEST_TIMER);
        let held = !timed
            && asked
                .is_some_and(|asked| self.probes.withhold(ProbeSource { client, asked }, idleness));
        if !held {
            self.record(client, idleness, proxies);
        }
    }

    fn record(&mut self, client: IpAddr, idleness: Idleness, proxies: usize) {
        let Some(proxy) = self.proxy(client, proxies) else {
            return;
        };
        match idleness {
            Idleness::Reused(gap) => proxy.idle.reused.record(gap),
            Idleness::ClosedByBackend(gap) => proxy.idle.closed_by_backend.record(gap),
            Idleness::ClosedAsAnnounced(gap) => {
                proxy.idle.closed_by_backend.record_announced(gap);
            }
            Idleness::ClosedByProxy(gap) => proxy.idle.closed_by_proxy.record(gap),
            Idleness::StillOpen(gap) => proxy.idle.still_open.record(gap),
        }
    }

    /// Books a connect that nobody answered.
    pub(super) fn unanswered(&mut self, client: IpAddr, verdict: &Verdict, proxies: usize) {
        if let (Finding::ConnectTimeout(unanswered), Some(wait)) =
            (verdict.finding(), verdict.wait())
            && verdict.certainty() >= Certainty::Likely
            && let Some(proxy) = self.proxy(client, proxies)
        {
            proxy.connects.note(unanswered.syns, wait);
        }
    }

    /// Notes a request, or a connect without any, that may be a probe.
    pub(super) fn note_asked(
        &mut self,
        source: ProbeSource,
        at: Timestamp,
        head: Option<&RequestHead>,
        proxies: usize,
    ) {
        let mut released = Vec::new();
        self.probes.note(source, at, head, &mut |client, idleness| {
            released.push((client, idleness));
        });
        for (client, idleness) in released {
            self.record(client, idleness, proxies);
        }
    }

    /// What it shows of idle connections may be a probe's, and is held back.
    pub(super) fn holds_back(&self) -> bool {
        self.probes.holds_back()
    }

    /// Nothing more comes: what may have been a probe is one or is not.
    pub(super) fn settle_probes(&mut self, proxies: usize) {
        let mut released = Vec::new();
        self.probes.settle(&mut |client, idleness| released.push((client, idleness)));
        for (client, idleness) in released {
            self.record(client, idleness, proxies);
        }
    }
}

/// The status of an answer that came whole.
fn whole_answer(exchange: &Exchange) -> Option<u16> {
    let status = exchange.response.and_then(|response| response.status);
    status.filter(|_| exchange.outcome == Outcome::Answered)
}

/// The status by which a probe is answered: whoever probes reads no more of an answer than that, so that where
/// one ends whose head was cut makes no difference.
fn told_status(exchange: &Exchange) -> Option<u16> {
    let cut = exchange
        .response
        .filter(|response| response.cut && exchange.outcome == Outcome::Unread(Unread::HeadCut));
    whole_answer(exchange).or_else(|| cut?.status)
}

/// How much an exchange is, of which nothing is claimed.
fn amount(exchange: &Exchange, first_unread: bool) -> Amount {
    let response = exchange.response.map_or(0, |response| response.end.since(response.start));
    let request = exchange.request.end.since(exchange.request.start);
    Amount {
        connections: first_unread.into(),
        requests: 1,
        bytes: request.saturating_add(response),
    }
}

//! FactFields that only one cause has, by the names that they have in JSON.

use super::backend;
use super::named::Named;
use crate::base::escape;
use crate::base::time::nanos;
use crate::exchange::{Flaw, Prober};
use crate::flow::Side;
use crate::ledger;
use crate::streams::tls::{TlsFacts, alert_name};
use crate::verdict::{
    Departure, Drop, Finding, GaveUp, HandshakeEnd, InFlight, Misread, NoWay, Race, Rejected,
    ResetBy, Standstill, UnansweredSyns, Vanished,
};
use crate::words::listening;
use serde_json::{Map, Value};

/// The facts of one failure.
pub(super) fn detail(kept: &ledger::Failure) -> Map<String, Value> {
    let mut facts = FactFields(Map::new());
    if let Some(after) = kept.verdict().closed_after() {
        facts.add("closed_after_idle_ns", nanos(after));
    }
    if let Some(queue) = kept.full_queue() {
        facts.add("queue_length", queue.length);
        facts.add("queue_most", queue.most);
    }
    if let Some(listening) = kept.listening() {
        facts.add("listening", listening::facts(listening));
    }
    if let Some(health) = &kept.health {
        facts.health(health);
    }
    facts.of_cause(kept);
    facts.0
}

/// FactFields by their names.
struct FactFields(Map<String, Value>);

impl FactFields {
    fn add(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn health(&mut self, health: &ledger::Health) {
        let health = backend::health(health, false);
        self.add("failed", health.failed);
        self.add("of", health.of);
        self.add("path", health.path);
        self.add("period_ns", health.period_ns);
        self.add("statuses", serde_json::json!(health.statuses));
        self.add("prober", health.prober.map(Prober::user_agent));
    }

    fn of_cause(&mut self, kept: &ledger::Failure) {
        match kept.verdict().finding() {
            Finding::StaleReuse | Finding::AcceptQueueFull | Finding::HealthCheckFailing => {}
            Finding::KeepaliveRace(race) => self.race(race),
            Finding::ClosedInFlight(known) | Finding::ResetInFlight(ResetBy::Backend(known)) => {
                self.in_flight(known);
            }
            Finding::ResetInFlight(ResetBy::Path { ttl, usual }) => {
                self.add("reset_ttl", ttl);
                self.add("usual_ttl", usual);
            }
            Finding::TruncatedResponse { head_complete } => {
                self.add("head_complete", head_complete);
            }
            Finding::ResponseTimeout(GaveUp { fits_read_timeout, answered_late }) => {
                self.add("fits_read_timeout", fits_read_timeout);
                self.add("answered_late", answered_late);
            }
            Finding::ConnectionRefused { syns } => self.add("syns", syns),
            Finding::Unreachable(why) => self.no_way(why),
            Finding::ConnectTimeout(unanswered) => self.unanswered(unanswered),
            Finding::SilentDrop(what) => self.vanished(what),
            Finding::UploadCutShort { sent } => self.add("sent_bytes", sent),
            Finding::Stalled(Standstill { silence, zero_window }) => {
                self.add("form", if zero_window { "zero_window" } else { "silence" });
                self.add("silence_ns", nanos(silence));
            }
            Finding::ClientGone(shown) => self.departure(shown),
            Finding::InvalidResponse(Rejected::Malformed(flaw)) => self.flaw(flaw, kept),
            Finding::InvalidResponse(Rejected::LargeHead { bytes }) => {
                self.add("head_bytes", bytes);
            }
            Finding::ProtocolMismatch(how) => self.misread(how, kept),
            Finding::TlsHandshakeFailed(end) => self.handshake(end, kept.tls()),
            Finding::BackendError { status } => self.add("status", status),
            Finding::Unproven(doubt) => self.add("reason", doubt.name()),
        }
        if let Some(read) = kept.verdict().finding().request_read() {
            self.add("request_read", read.named());
        }
    }

    fn handshake(&mut self, end: HandshakeEnd, tls: Option<&TlsFacts>) {
        let (form, by, alert) = match end {
            HandshakeEnd::Alert { by, description } => ("alert", Some(by), description),
            HandshakeEnd::SealedAlert { by } => ("encrypted_alert", Some(by), None),
            HandshakeEnd::Closed => ("closed", None, None),
            HandshakeEnd::Reset => ("reset", None, None),
            HandshakeEnd::Silence => ("silence", None, None),
            HandshakeEnd::ResetBetween { ttl, usual } => {
                self.add("reset_ttl", ttl);
                self.add("usual_ttl", usual);
                ("reset_between", None, None)
            }
            HandshakeEnd::Vanished { copies } => {
                self.add("copies", copies);
                ("vanished", None, None)
            }
        };
        self.add("form", form);
        if let Some(by) = by {
            self.add("by", if by == Side::Client { "proxy" } else { "backend" });
        }
        self.add("alert", alert.map(|number| alert_name(number).into_owned()));
        let sni = tls.and_then(|tls| tls.sni.as_deref()).map(escape::text);
        self.add("sni", sni);
    }

    fn race(&mut self, race: Race) {
        match race {
            Race::Crossing => self.add("form", "crossing"),
            Race::LostInHost { timer } => {
                self.add("form", "lost_in_host");
                self.add("timer_ns", nanos(timer));
            }
            Race::Unread { timer } => {
                self.add("form", "lost_in_host");
                self.add("timer_ns", timer.map(nanos));
                self.add("first_on_connection", false);
            }
        }
    }

    fn in_flight(&mut self, known: InFlight) {
        match known {
            InFlight::Used => {}
            InFlight::Fresh => self.add("first_on_connection", true),
            InFlight::MaybeUnread => {
                self.add("or", "keepalive_race");
                self.add("or_form", "lost_in_host");
            }
            InFlight::Unread { fresh } | InFlight::Read { fresh, .. } => {
                self.add("first_on_connection", fresh);
            }
            InFlight::NothingAnswered { connections } => {
                self.add("form", "nothing_answered");
                self.add("connections", connections);
                self.add("first_on_connection", true);
            }
        }
    }

    fn no_way(&mut self, why: NoWay) {
        match why {
            NoWay::Told(said) => {
                self.add("icmp_code", said.code);
                self.add("icmp_meaning", said.meaning());
                self.add("icmp_from", said.by.to_string());
            }
            NoWay::NoNeighbour { about, times } => {
                self.add("form", "no_neighbour");
                self.add("asked_for", about.to_string());
                self.add("asked", times);
            }
        }
    }

    fn unanswered(&mut self, unanswered: UnansweredSyns) {
        let UnansweredSyns { syns, challenged, fits_connect_timeout } = unanswered;
        if challenged {
            self.add("form", "older_connection");
        }
        self.add("syns", syns);
        self.add("fits_connect_timeout", fits_connect_timeout);
    }

    fn vanished(&mut self, what: Vanished) {
        let Vanished { form, copies } = what;
        self.add("form", form.name());
        self.add("copies", copies);
        if let Drop::Rest { size: Some(size) } = form {
            self.add("segment_bytes", size);
        }
    }

    fn departure(&mut self, shown: Departure) {
        match shown {
            Departure::Unseen => {}
            Departure::FrontLeg { client, before } => {
                self.add("client", client.to_string());
                self.add("client_left_before_ns", nanos(before));
            }
            Departure::Logged { status } => self.add("logged_status", status),
        }
    }

    fn misread(&mut self, how: Misread, kept: &ledger::Failure) {
        match how {
            Misread::Protocols { asked, answered } => {
                self.add("asked", asked.name());
                self.add("answered", answered.name());
            }
            Misread::Answer(flaw) => self.flaw(flaw, kept),
            Misread::ProxyHeader { version } => {
                self.add("form", "proxy_header");
                self.add("proxy_protocol", version);
            }
        }
    }

    /// What is malformed in the answer, and where.
    fn flaw(&mut self, flaw: Flaw, kept: &ledger::Failure) {
        self.add("malformed", flaw.kind.name());
        if let Some(response) = kept.response() {
            self.add("at_byte", flaw.pos.since(response.start));
        }
    }
}

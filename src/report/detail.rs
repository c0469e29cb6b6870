//! FactFields that only one cause has, by the names that they have in JSON.

use super::{backend, process};
use crate::base::time::nanos;
use crate::exchange::Prober;
use crate::ledger;
use crate::verdict::Detail;
use crate::words::listening;
use serde_json::{Map, Value};

/// The facts of one failure.
pub(super) fn detail(kept: &ledger::Failure) -> Map<String, Value> {
    let mut facts = FactFields(Map::new());
    if let Some(after) = kept.verdict.closed_after {
        facts.add("closed_after_idle_ns", nanos(after));
    }
    process::facts(kept).into_iter().for_each(|(name, value)| facts.add(name, value));
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
        match kept.verdict.detail {
            Detail::Nothing | Detail::Unread { .. } | Detail::Read { .. } => {}
            Detail::Crossing => self.add("form", "crossing"),
            Detail::MaybeUnread => {
                self.add("or", "keepalive_race");
                self.add("or_form", "lost_in_host");
            }
            Detail::LostInHost { timer } => {
                self.add("form", "lost_in_host");
                self.add("timer_ns", nanos(timer));
            }
            Detail::GaveUp { fits_read_timeout, answered_late } => {
                self.add("fits_read_timeout", fits_read_timeout);
                self.add("answered_late", answered_late);
            }
            Detail::Status(status) => self.add("status", status),
            Detail::Upload { sent } => self.add("sent_bytes", sent),
            Detail::Flaw(flaw) => {
                self.add("malformed", flaw.kind.name());
                if let Some(response) = kept.response() {
                    self.add("at_byte", flaw.pos.since(response.start));
                }
            }
            Detail::LargeHead { bytes } => self.add("head_bytes", bytes),
            Detail::Mismatch { asked, answered } => {
                self.add("asked", asked.name());
                self.add("answered", answered.name());
            }
            Detail::FrontLeg { client, before } => {
                self.add("client", client.to_string());
                self.add("client_left_before_ns", nanos(before));
            }
            Detail::Logged { status } => self.add("logged_status", status),
            Detail::ProxyHeader { version } => {
                self.add("form", "proxy_header");
                self.add("proxy_protocol", version);
            }
            Detail::NothingAnswered { connections } => {
                self.add("form", "nothing_answered");
                self.add("connections", connections);
                self.add("first_on_connection", true);
            }
            Detail::Fresh => self.add("first_on_connection", true),
            Detail::Truncated { head_complete } => self.add("head_complete", head_complete),
            Detail::Doubt(doubt) => self.add("reason", doubt.name()),
            network @ (Detail::Unreachable(_)
            | Detail::NoNeighbour { .. }
            | Detail::Dropped { .. }
            | Detail::Stalled { .. }
            | Detail::ForeignReset { .. }
            | Detail::Connect { .. }
            | Detail::Unanswered { .. }) => self.of_network(network),
        }
    }

    /// What the way, or a kernel at its end, did.
    fn of_network(&mut self, detail: Detail) {
        match detail {
            Detail::Unreachable(said) => {
                self.add("icmp_code", said.code);
                self.add("icmp_meaning", said.meaning());
                self.add("icmp_from", said.by.to_string());
            }
            Detail::NoNeighbour { about, times } => {
                self.add("form", "no_neighbour");
                self.add("asked_for", about.to_string());
                self.add("asked", times);
            }
            Detail::Dropped { form, copies, size } => {
                self.add("form", form.name());
                self.add("copies", copies);
                if let Some(size) = size {
                    self.add("segment_bytes", size);
                }
            }
            Detail::Stalled { silence, zero_window } => {
                self.add("form", if zero_window { "zero_window" } else { "silence" });
                self.add("silence_ns", nanos(silence));
            }
            Detail::ForeignReset { ttl, usual } => {
                self.add("reset_ttl", ttl);
                self.add("usual_ttl", usual);
            }
            Detail::Connect { syns } => self.add("syns", syns),
            Detail::Unanswered { syns, challenged, fits_connect_timeout } => {
                if challenged {
                    self.add("form", "older_connection");
                }
                self.add("syns", syns);
                self.add("fits_connect_timeout", fits_connect_timeout);
            }
            _ => {}
        }
    }
}

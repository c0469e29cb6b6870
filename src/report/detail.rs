//! Facts that only one cause has, by the names that they have in JSON.

use super::backend;
use super::process;
use crate::base::time::nanos;
use crate::exchange::Prober;
use crate::ledger;
use crate::verdict::Detail;
use crate::words::listening;
use serde_json::{Map, Value};

pub(super) fn detail(kept: &ledger::Failure) -> Map<String, Value> {
    let verdict = &kept.verdict;
    let mut facts = Map::new();
    let mut add = |name: &str, value: Value| facts.insert(name.to_owned(), value);
    if let Some(after) = verdict.closed_after {
        add("closed_after_idle_ns", nanos(after).into());
    }
    process::facts(kept).into_iter().for_each(|(name, value)| _ = add(name, value));
    if let Some(listening) = &kept.listening {
        add("listening", listening::facts(listening));
    }
    if let Some(health) = &kept.health {
        let health = backend::health(health, false);
        add("failed", health.failed.into());
        add("of", health.of.into());
        add("path", health.path.into());
        add("period_ns", health.period_ns.into());
        add("statuses", serde_json::json!(health.statuses));
        add("prober", health.prober.map(Prober::user_agent).into());
    }
    match verdict.detail {
        Detail::Nothing | Detail::Unread { .. } | Detail::Read { .. } => {}
        Detail::Crossing => {
            add("form", "crossing".into());
        }
        Detail::MaybeUnread => {
            add("or", "keepalive_race".into());
            add("or_form", "lost_in_host".into());
        }
        Detail::LostInHost { timer } => {
            add("form", "lost_in_host".into());
            add("timer_ns", nanos(timer).into());
        }
        Detail::GaveUp { fits_read_timeout, answered_late } => {
            add("fits_read_timeout", fits_read_timeout.into());
            add("answered_late", answered_late.into());
        }
        Detail::NoNeighbour { about, times } => {
            add("form", "no_neighbour".into());
            add("asked_for", about.to_string().into());
            add("asked", times.into());
        }
        Detail::Unreachable(said) => {
            add("icmp_code", said.code.into());
            add("icmp_meaning", said.meaning().into());
            add("icmp_from", said.by.to_string().into());
        }
        Detail::Status(status) => {
            add("status", status.into());
        }
        Detail::Dropped { form, copies, size } => {
            add("form", form.name().into());
            add("copies", copies.into());
            if let Some(size) = size {
                add("segment_bytes", size.into());
            }
        }
        Detail::Stalled { silence, zero_window } => {
            add("form", if zero_window { "zero_window" } else { "silence" }.into());
            add("silence_ns", nanos(silence).into());
        }
        Detail::Upload { sent } => {
            add("sent_bytes", sent.into());
        }
        Detail::Flaw(flaw) => {
            add("malformed", flaw.kind.name().into());
            if let Some(response) = kept.response {
                add("at_byte", flaw.pos.since(response.start).into());
            }
        }
        Detail::LargeHead { bytes } => {
            add("head_bytes", bytes.into());
        }
        Detail::Mismatch { asked, answered } => {
            add("asked", asked.name().into());
            add("answered", answered.name().into());
        }
        Detail::FrontLeg { client, before } => {
            add("client", client.to_string().into());
            add("client_left_before_ns", nanos(before).into());
        }
        Detail::Logged { status } => {
            add("logged_status", status.into());
        }
        Detail::ProxyHeader { version } => {
            add("form", "proxy_header".into());
            add("proxy_protocol", version.into());
        }
        Detail::NothingAnswered { connections } => {
            add("form", "nothing_answered".into());
            add("connections", connections.into());
            add("first_on_connection", true.into());
        }
        Detail::Fresh => {
            add("first_on_connection", true.into());
        }
        Detail::ForeignReset { ttl, usual } => {
            add("reset_ttl", ttl.into());
            add("usual_ttl", usual.into());
        }
        Detail::Truncated { head_complete } => {
            add("head_complete", head_complete.into());
        }
        Detail::Connect { syns } => {
            add("syns", syns.into());
        }
        Detail::Unanswered { syns, challenged, fits_connect_timeout } => {
            if challenged {
                add("form", "older_connection".into());
            }
            add("syns", syns.into());
            add("fits_connect_timeout", fits_connect_timeout.into());
        }
        Detail::Doubt(doubt) => {
            add("reason", doubt.name().into());
        }
    }
    facts
}

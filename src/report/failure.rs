//! One failure: what is known of it, and what is said of it.

use super::detail::detail;
use super::model::{
    AliasRecord, CloseRecord, EvidenceKind, EvidenceRecord, EvidenceSide, FailureRecord, FrameId,
    OtherFrame, RequestRecord, ResponseRecord, SentAgainRecord, TimelineRecord,
};
use super::sources::Style;
use super::wireshark::filter;
use super::{ids, process};
use crate::base::escape;
use crate::base::time::nanos;
use crate::exchange::{Protocol, Request, Turns};
use crate::facts::closing::Closer;
use crate::facts::{SegmentKind, SentAgain, TimelineEntry};
use crate::flow::Side;
use crate::ledger;
use crate::packet::{Endpoint, FrameRef};
use crate::verdict::{Evidence, Finding, Shows};
use crate::words::{self, phrases, summary};

/// The record of one failure.
pub fn failure(kept: &ledger::Failure, style: Style) -> FailureRecord {
    let verdict = kept.verdict();
    let request = kept.request().map(|sent| request(sent, style));
    let named = request.as_ref().map_or_else(
        || "a connect".to_owned(),
        |request| match (&request.method, &request.target) {
            (Some(method), Some(target)) if request.target_cut => format!("{method} {target}…"),
            (Some(method), Some(target)) => format!("{method} {target}"),
            _ => unread(kept).to_owned(),
        },
    );
    let frames: Vec<EvidenceRecord> =
        verdict.evidence().iter().map(|one| shown(one, kept)).collect();
    // Probes are told as one, whatever port each of them came from.
    let client = match kept.health {
        Some(_) => Endpoint { port: 0, ..kept.client },
        None => kept.client,
    };
    let advice = words::fix(kept);
    let aliases = kept.aliases().iter().map(|alias| (alias.client, alias.server));
    let pairs: Vec<(Endpoint, Endpoint)> =
        std::iter::once((client, kept.server)).chain(aliases).collect();
    FailureRecord {
        id: ids::of_failure(kept),
        event: None,
        cause: verdict.cause(),
        certainty: verdict.certainty(),
        at: ids::begun(kept),
        unexplained: None,
        detail: detail(kept),
        proxy: Some(client),
        backend: Some(kept.server),
        aliases: AliasRecord::all(kept.aliases()),
        // What never left is no connection.
        connection: (!verdict.finding().never_left()).then_some(kept.connection),
        ordinal: kept.ordinal,
        request,
        response: kept.response().map(|response| ResponseRecord {
            status: response.status,
            received_bytes: response.received,
            expected_bytes: response.expected,
        }),
        idle_gap_ns: verdict.idle_gap().map(nanos),
        wait_ns: verdict.wait().map(nanos),
        close: verdict.close().map(|close| CloseRecord {
            by: close.by,
            kind: close.kind,
            frame: Some(frame_id(close.frame)),
            at: close.frame.at,
            request_received: close.received,
        }),
        retry: verdict.retry(),
        retry_reason: phrases::retry_reason(verdict.retry_reason()).to_owned(),
        expected_status: if let Finding::BackendError { status } = verdict.finding() {
            vec![status]
        } else {
            words::words(verdict.cause()).expected_status.to_vec()
        },
        filter: Some(filter(&pairs, &frames)),
        frames,
        timeline: kept.timeline().into_iter().map(passed).collect(),
        process: process::record(kept),
        client: None,
        sent_again: kept.sent_again.map(sent_again),
        summary: summary(kept, &named, style.show_secrets),
        fix: advice.text.clone(),
        advice,
    }
}

/// What a request is called that could not be read.
fn unread(kept: &ledger::Failure) -> String {
    let what = match kept.turns() {
        Some((Protocol::Tls, _)) => "a request inside TLS",
        Some((_, Turns { spoken: Some(known), .. })) => {
            return format!("a {} request", known.name());
        }
        Some((_, Turns { unseen: false, .. })) => "a request that is not HTTP",
        Some((_, Turns { unseen: true, .. })) => "a request of which no byte was captured",
        None => "a request whose head was not captured",
    };
    what.to_owned()
}

/// A frame that shows something.
fn shown(evidence: &Evidence, kept: &ledger::Failure) -> EvidenceRecord {
    let close = kept.verdict().close();
    // Before its first request a connection is idle since its handshake, which the proxy completed.
    let fresh = kept.ordinal == 0 && kept.unasked().is_none();
    let (side, kind) = match evidence.shows {
        Shows::LastAnswer if fresh => (Some(EvidenceSide::Proxy), EvidenceKind::Ack),
        shows => sent(shows),
    };
    // What something between the two sent is neither side's, whatever address it bears.
    let from_path =
        close.is_some_and(|close| close.by == Closer::Path && close.frame == evidence.frame);
    EvidenceRecord {
        capture: evidence.frame.capture,
        number: evidence.frame.number,
        at: evidence.frame.at,
        side: side.filter(|_| !from_path),
        kind,
        note: phrases::evidence(evidence, close.as_ref(), fresh),
    }
}

/// Who sent a frame that shows this, and what it is.
const fn sent(shows: Shows) -> (Option<EvidenceSide>, EvidenceKind) {
    let (proxy, backend) = (Some(EvidenceSide::Proxy), Some(EvidenceSide::Backend));
    match shows {
        Shows::Syn | Shows::LastSyn => (proxy, EvidenceKind::Syn),
        Shows::Unreachable => (None, EvidenceKind::Icmp),
        Shows::NeighbourAsked | Shows::NeighbourAskedLast => (proxy, EvidenceKind::Arp),
        Shows::SynAckAgain => (backend, EvidenceKind::SynAck),
        Shows::Repeated(side) => (Some(side_of(side)), EvidenceKind::Repeated),
        Shows::ZeroWindow => (backend, EvidenceKind::Ack),
        Shows::ClientLeft => (None, EvidenceKind::ClientLeft),
        Shows::Answer | Shows::LastAnswer | Shows::ResponseCut => (backend, EvidenceKind::Response),
        Shows::Request | Shows::RequestEnd => (proxy, EvidenceKind::Request),
        Shows::ClientHello => (proxy, EvidenceKind::ClientHello),
        Shows::Alert(side) => (Some(side_of(side)), EvidenceKind::TlsAlert),
        Shows::Fin(side) => (Some(side_of(side)), EvidenceKind::Fin),
        Shows::Rst(side) => (Some(side_of(side)), EvidenceKind::Rst),
    }
}

/// A segment of its connection.
fn passed(entry: TimelineEntry) -> TimelineRecord {
    let TimelineEntry { frame, side, kind, from, to, ack, other } = entry;
    TimelineRecord {
        frame: frame_id(frame),
        at: frame.at,
        side: side.map(side_of),
        kind: kind_of(kind),
        from: from.map(|pos| pos.0),
        to: to.map(|pos| pos.0),
        ack: ack.map(|pos| pos.0),
        other: other.map(|FrameRef { capture, number, at }| OtherFrame { capture, number, at }),
    }
}

const fn kind_of(kind: SegmentKind) -> EvidenceKind {
    match kind {
        SegmentKind::Syn => EvidenceKind::Syn,
        SegmentKind::SynAck => EvidenceKind::SynAck,
        SegmentKind::Request => EvidenceKind::Request,
        SegmentKind::Response => EvidenceKind::Response,
        SegmentKind::Ack => EvidenceKind::Ack,
        SegmentKind::Repeated => EvidenceKind::Repeated,
        SegmentKind::Fin => EvidenceKind::Fin,
        SegmentKind::Rst => EvidenceKind::Rst,
        SegmentKind::Icmp => EvidenceKind::Icmp,
        SegmentKind::Arp => EvidenceKind::Arp,
        SegmentKind::ClientHello => EvidenceKind::ClientHello,
        SegmentKind::TlsAlert => EvidenceKind::TlsAlert,
    }
}

const fn side_of(side: Side) -> EvidenceSide {
    match side {
        Side::Client => EvidenceSide::Proxy,
        Side::Server => EvidenceSide::Backend,
    }
}

fn request(sent: &Request, style: Style) -> RequestRecord {
    let head = sent.head.as_ref();
    let filled = |field: &[u8]| (!field.is_empty()).then(|| escape::text(field));
    RequestRecord {
        method: head.map(|head| escape::text(head.method())),
        target: head.map(|head| escape::target(head.target(), style.show_secrets)),
        target_cut: head.is_some_and(|head| head.target_cut),
        host: head
            .map(|head| escape::target(head.host(), style.show_secrets))
            .filter(|host| !host.is_empty()),
        request_id: head.and_then(|head| filled(head.request_id())),
        at: sent.first.at,
        first: frame_id(sent.first),
        last: frame_id(sent.last),
    }
}

fn sent_again(again: SentAgain) -> SentAgainRecord {
    let SentAgain { connection, frame, status, after } = again;
    SentAgainRecord { connection, frame: frame_id(frame), status, after_ns: nanos(after) }
}

fn frame_id(frame: FrameRef) -> FrameId {
    FrameId { capture: frame.capture, number: frame.number }
}

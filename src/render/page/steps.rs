//! A failure in numbered sentences, beside its ladder.

use super::ladder_layout::{LadderArrow, LadderLayout};
use super::segments::{acks, is_bad, is_close, is_lost, is_window_closed, request_span};
use crate::base::time::Timestamp;
use crate::report::UserSaw;
use crate::report::model::{EvidenceKind, EvidenceSide, FailureRecord};
use crate::verdict::Cause;
use crate::words::page::{PagePiece, SideNames};
use crate::words::page_steps::{self, StepFacts};
use std::time::Duration;

/// Sentences on segments, of one failure.
const MOST: usize = 5;

/// One numbered sentence.
pub(in crate::render) struct LadderStep {
    pub(in crate::render) at: Option<Timestamp>,
    pub(in crate::render) said: Vec<PagePiece>,
    pub(in crate::render) class: &'static str,
    /// The frame that it is about, at the proxy and at the backend.
    pub(in crate::render) frames: [Option<u64>; 2],
    /// The arrow that it is about.
    arrow: Option<usize>,
}

impl LadderStep {
    /// As plain text.
    pub(in crate::render) fn plain(&self) -> String {
        let words = self.said.iter().map(|piece| match piece {
            PagePiece::Plain(text)
            | PagePiece::Proxy(text)
            | PagePiece::Backend(text)
            | PagePiece::Strong(text) => text.as_str(),
        });
        words.collect()
    }

    /// Where its number stands in the drawing.
    pub(in crate::render) fn place(
        &self,
        layout: &LadderLayout<'_>,
        left: f64,
        right: f64,
    ) -> Option<(f64, f64)> {
        let arrow = layout.arrows.get(self.arrow?)?;
        Some(if arrow.segment.side == Some(EvidenceSide::Backend) {
            (right + 62.0, arrow.right)
        } else {
            (left - 66.0, arrow.left)
        })
    }
}

/// The sentences of a failure, in the order in which things were sent; `several` captures were given.
pub(in crate::render) fn steps(
    failure: &FailureRecord,
    names: &SideNames,
    layout: Option<&LadderLayout<'_>>,
) -> Vec<LadderStep> {
    let mut steps: Vec<LadderStep> = Vec::new();
    for (place, arrow) in layout.iter().flat_map(|layout| layout.arrows.iter().enumerate()) {
        let all = layout.map_or(&[][..], |layout| &layout.arrows);
        if let Some((said, class)) = of_segment(failure, names, arrow, all) {
            let frames = [arrow.left_frame, arrow.right_frame];
            let at = Some(arrow.known_at);
            steps.push(LadderStep { at, said, class, frames, arrow: Some(place) });
        }
    }
    steps.sort_by_key(|step| step.at);
    // Where there are many, those in the middle say least.
    while steps.len() > MOST {
        steps.remove(steps.len().saturating_sub(2));
    }
    steps.extend(outcome(failure));
    steps
}

/// What became of it for the client.
fn outcome(failure: &FailureRecord) -> Vec<LadderStep> {
    // Nobody waits for what a probe gets.
    if failure.cause == Cause::HealthCheckFailing {
        return Vec::new();
    }
    let step = |said, class| LadderStep { at: None, said, class, frames: [None; 2], arrow: None };
    let mut steps = Vec::new();
    if let Some(again) = &failure.sent_again {
        let said = page_steps::again_step(Duration::from_nanos(again.after_ns), again.status);
        let well = again.status.is_some_and(|status| status < 500);
        let frames = [Some(again.frame.number), None];
        let class = if well { "s-ok" } else { "s-lost" };
        steps.push(LadderStep { frames, ..step(said, class) });
    }
    if let Some(client) = &failure.client {
        let saw = failure.user_saw();
        let well = matches!(saw, UserSaw::Hidden(_));
        let latency = client.latency_ns.map(Duration::from_nanos);
        let said = match saw {
            UserSaw::Left => page_steps::client_left(latency),
            _ => page_steps::client_step(client.status, latency, matches!(saw, UserSaw::Cut(_))),
        };
        steps.push(step(said, if well { "s-ok" } else { "s-lost" }));
    } else if failure.sent_again.is_none() && !failure.expected_status.is_empty() {
        let cut = failure.cause == Cause::TruncatedResponse;
        steps.push(step(page_steps::expected_step(&failure.expected_status, cut), "s-lost"));
    }
    if !failure.retry_reason.is_empty() {
        let safe = failure.retry == crate::verdict::Retry::Safe;
        let said = page_steps::retry_step(failure.retry, &failure.retry_reason);
        steps.push(step(said, if safe { "s-ok" } else { "s-note" }));
    }
    steps
}

/// The sentence on a segment, where it tells something, and its colour.
fn of_segment(
    failure: &FailureRecord,
    names: &SideNames,
    arrow: &LadderArrow<'_>,
    all: &[LadderArrow<'_>],
) -> Option<(Vec<PagePiece>, &'static str)> {
    let segment = arrow.segment;
    let proxy = segment.side == Some(EvidenceSide::Proxy);
    let after = segment.at >= failure.at;
    let first = |kind| all.iter().find(|one: &&LadderArrow<'_>| one.segment.kind == kind);
    let is_first = first(segment.kind).is_some_and(|one| std::ptr::eq(one.segment, segment));
    let since = Some(segment.at.since(failure.at)).filter(|_| after);
    let connect = failure.request.is_none();
    Some(match segment.kind {
        EvidenceKind::Request if is_first => {
            (page_steps::request_step(names, &request_facts(failure, all)), "s-req")
        }
        EvidenceKind::Fin | EvidenceKind::Rst if proxy => proxy_close(failure, names, arrow, all)?,
        EvidenceKind::Rst if connect => (page_steps::refused(names, since), "s-rst"),
        EvidenceKind::Rst if !is_close(failure, arrow) => {
            (page_steps::answered_by_reset(names), "s-rst")
        }
        EvidenceKind::Fin | EvidenceKind::Rst if is_close(failure, arrow) => {
            let reset = segment.kind == EvidenceKind::Rst;
            let race = matches!(failure.cause, Cause::KeepaliveRace | Cause::StaleReuse);
            let idle = failure.detail.get("closed_after_idle_ns").and_then(|idle| idle.as_u64());
            let idle = idle.map(Duration::from_nanos).filter(|_| race);
            let facts =
                StepFacts { acks: acks(failure, arrow), idle, since, ..of_failure(failure) };
            (
                page_steps::backend_closes(names, reset, &facts),
                if reset { "s-rst" } else { "s-fin" },
            )
        }
        EvidenceKind::Ack if !proxy && after && is_window_closed(failure) => {
            (page_steps::window_closed(names), "s-fin")
        }
        EvidenceKind::Ack if !proxy && after => (
            page_steps::acknowledged(names, acks(failure, arrow).filter(|(got, _)| *got > 0)?),
            "s-note",
        ),
        EvidenceKind::Response if after => response(failure, names, arrow, all, since)?,
        EvidenceKind::Syn if connect => {
            let again = (!is_first).then_some(segment.at.since(failure.at));
            let syns = failure.detail.get("syns").and_then(|syns| syns.as_u64());
            let mut said = page_steps::syn_step(names, again, syns);
            if !is_first && is_lost(failure, arrow, all) {
                said.push(PagePiece::Plain(" ".to_owned()));
                said.extend(page_steps::nothing_answers());
            }
            (said, "s-req")
        }
        EvidenceKind::SynAck if !is_first || failure.cause == Cause::AcceptQueueFull => {
            (page_steps::accepted(names, !is_first), "s-note")
        }
        EvidenceKind::Icmp => {
            let text = |name: &str| failure.detail.get(name).and_then(|value| value.as_str());
            (page_steps::undeliverable(text("icmp_from"), text("icmp_meaning")), "s-rst")
        }
        EvidenceKind::ClientHello => (page_steps::client_hello(names), "s-req"),
        EvidenceKind::TlsAlert => (page_steps::tls_alert(names, proxy), "s-rst"),
        EvidenceKind::Arp if is_first => (page_steps::asked_for_address(names), "s-rst"),
        EvidenceKind::Repeated => {
            let copies = failure.detail.get("copies").and_then(|copies| copies.as_u64());
            // Only what the proxy sends was counted.
            let copies = copies.filter(|copies| proxy && *copies > 1);
            (page_steps::repeated(names, proxy, copies), if proxy { "s-req" } else { "s-fin" })
        }
        _ => return None,
    })
}

fn request_facts<'f>(failure: &'f FailureRecord, all: &[LadderArrow<'_>]) -> StepFacts<'f> {
    let request = failure.request.as_ref();
    let span = request_span(failure);
    let length = span.and_then(|(from, to)| u64::try_from(to.saturating_sub(from)).ok());
    let race = matches!(failure.cause, Cause::KeepaliveRace | Cause::StaleReuse);
    let fin = all
        .iter()
        .map(|one| one.segment)
        .find(|one| one.kind == EvidenceKind::Fin && one.side == Some(EvidenceSide::Backend));
    let ack = failure
        .timeline
        .iter()
        .filter(|one| one.kind == EvidenceKind::Request)
        .find_map(|one| one.ack);
    let knew = fin.and_then(|fin| fin.from).zip(ack).map(|(fin, ack)| ack > fin);
    StepFacts {
        method: request.and_then(|request| request.method.as_deref()),
        length,
        idle: failure.idle_gap_ns.map(Duration::from_nanos).filter(|_| failure.ordinal > 0),
        knew_of_close: knew.filter(|_| race),
        ..of_failure(failure)
    }
}

/// What all sentences of a failure have in common.
fn of_failure(failure: &FailureRecord) -> StepFacts<'_> {
    StepFacts { unasked: failure.request.is_none(), ..StepFacts::default() }
}

fn proxy_close(
    failure: &FailureRecord,
    names: &SideNames,
    arrow: &LadderArrow<'_>,
    all: &[LadderArrow<'_>],
) -> Option<(Vec<PagePiece>, &'static str)> {
    // What answers the backend's close says nothing of its own.
    let own = is_close(failure, arrow);
    let late = all.iter().any(|one| {
        one.segment.kind == EvidenceKind::Response
            && one.segment.at > failure.at
            && one.segment.at <= arrow.segment.at
    });
    if !own {
        return None;
    }
    let reset = arrow.segment.kind == EvidenceKind::Rst;
    let waited = failure.wait_ns.map(Duration::from_nanos).filter(|_| !late);
    Some((page_steps::proxy_closes(names, reset, waited), if reset { "s-rst" } else { "s-req" }))
}

fn response(
    failure: &FailureRecord,
    names: &SideNames,
    arrow: &LadderArrow<'_>,
    all: &[LadderArrow<'_>],
    since: Option<Duration>,
) -> Option<(Vec<PagePiece>, &'static str)> {
    let answers = || {
        let mut answers = all.iter().map(|one| one.segment);
        answers.find(|one| one.kind == EvidenceKind::Response && one.at >= failure.at)
    };
    let first = answers().is_some_and(|one| std::ptr::eq(one, arrow.segment));
    if let (false, Some(response)) = (first, failure.response) {
        let cut = matches!(failure.cause, Cause::TruncatedResponse | Cause::Stalled);
        let said = || page_steps::response_ends(response.received_bytes, response.expected_bytes);
        return cut.then(|| (said(), "s-note"));
    }
    let closed = all.iter().any(|one| {
        one.segment.side == Some(EvidenceSide::Proxy)
            && is_close(failure, one)
            && one.segment.at < arrow.segment.at
    });
    let status = failure.response.and_then(|response| response.status);
    let facts = StepFacts { status, since, ..of_failure(failure) };
    let bad = closed || is_bad(failure);
    Some((page_steps::response_step(names, &facts, closed), if bad { "s-lost" } else { "s-ok" }))
}

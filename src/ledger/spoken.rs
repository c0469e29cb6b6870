//! What a port shows of its protocol over all its connections: one hint instead of fifty crashes, and
//! whether it takes a header of the PROXY protocol.

use super::books::Ledger;
use super::counts::{count, uncount};
use super::failure::Failure;
use super::listener::Listener;
use crate::facts::closing::{CloseKind, Received};
use crate::packet::Endpoint;
use crate::verdict::{Cause, Detail, Retry, RetryReason, Verdict};
use std::collections::BTreeMap;
use std::time::Duration;

/// Who takes longer to close than this has looked at what was asked.
const AT_ONCE: Duration = Duration::from_millis(250);
/// One connection that ends at once says nothing.
const SEVERAL: u64 = 2;

impl Ledger {
    /// Where each new connection ended as soon as something was asked, and nothing was ever answered.
    pub(super) fn find_nothing_answered(&mut self) {
        let mut ended: BTreeMap<Endpoint, (u64, bool)> = BTreeMap::new();
        for failure in self.failures.iter().filter(|failure| failure.request.is_some()) {
            let (connections, all) = ended.entry(failure.server).or_insert((0, true));
            count(connections);
            *all &= ends_at_once(failure);
        }
        ended.retain(|server, (_, all)| {
            let listener = self.listeners.get(server);
            *all && listener.is_some_and(|listener| is_unanswering(listener))
        });
        for failure in &mut self.failures {
            let Some((connections, _)) = ended.get(&failure.server) else { continue };
            if failure.request.is_some() {
                let verdict = &mut failure.verdict;
                verdict.detail = Detail::NothingAnswered { connections: *connections };
                (verdict.retry, verdict.retry_reason) =
                    (Retry::Unknown, RetryReason::PerhapsNotUnderstood);
            }
        }
    }

    /// Where a header of the PROXY protocol was taken on one connection, it was no reason on another.
    pub(super) fn meet_taken_headers(&mut self) {
        let listeners = &mut self.listeners;
        self.failures.retain_mut(|failure| {
            let by_header = matches!(failure.verdict.detail, Detail::ProxyHeader { .. });
            let Some(listener) =
                listeners.get_mut(&failure.server).filter(|one| by_header && one.takes_header)
            else {
                return true;
            };
            uncount(&mut listener.causes, failure.verdict.cause);
            let sound = failure.response.is_some();
            if !sound {
                without_header(&mut failure.verdict);
                count(listener.causes.entry(failure.verdict.cause).or_default());
            }
            !sound
        });
    }
}

/// A new connection that was closed as soon as something was asked.
fn ends_at_once(failure: &Failure) -> bool {
    let verdict = &failure.verdict;
    matches!(verdict.cause, Cause::ClosedInFlight | Cause::ResetInFlight)
        && verdict.detail == Detail::Fresh
        && verdict.wait.is_none_or(|wait| wait <= AT_ONCE)
}

/// All that was asked here ended so, and not one answer came.
fn is_unanswering(listener: &Listener) -> bool {
    let of = |cause| listener.causes.get(&cause).copied().unwrap_or(0);
    let ended = of(Cause::ClosedInFlight).saturating_add(of(Cause::ResetInFlight));
    listener.statuses.is_empty() && ended == listener.exchanges && ended >= SEVERAL
}

/// What the close says, without the header.
fn without_header(verdict: &mut Verdict) {
    let Some(close) = verdict.close else { return };
    verdict.cause = match close.kind {
        CloseKind::Fin => Cause::ClosedInFlight,
        CloseKind::Rst => Cause::ResetInFlight,
    };
    verdict.detail = Detail::Fresh;
    (verdict.retry, verdict.retry_reason) = match close.received {
        Some(Received::All) => (Retry::Unsafe, RetryReason::AllReceived),
        Some(Received::Part) => (Retry::Unknown, RetryReason::PartReceived),
        _ => (Retry::Unknown, RetryReason::NotTold),
    };
}

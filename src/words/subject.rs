//! What a sentence is about: the attempt that failed, and phrases of it that several causes share.

use super::phrases::duration;
use crate::facts::closing::{CloseKind, Received};
use crate::ledger::Failure;
use crate::verdict::{Finding, Race, Verdict};

/// The attempt that failed, as its sentences need it.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) failure: &'a Failure,
    /// Method and target, as far as they are known and may be shown.
    pub(super) request: &'a str,
    /// Secrets of targets are shown.
    pub(super) show_secrets: bool,
}

impl Subject<'_> {
    /// `closed` or `reset`.
    pub(super) fn closed(&self) -> &'static str {
        match self.failure.verdict().close().map(|close| close.kind) {
            Some(CloseKind::Rst) if !is_close_unseen(self.failure.verdict()) => "reset",
            _ => "closed",
        }
    }

    /// `FIN` or `RST`; `close` where none was captured.
    pub(super) fn close_flag(&self) -> &'static str {
        match self.failure.verdict().close().map(|close| close.kind) {
            _ if is_close_unseen(self.failure.verdict()) => "close",
            Some(CloseKind::Rst) => "RST",
            _ => "FIN",
        }
    }

    /// ` after 5.00 s idle`: from the last response to the close.
    pub(super) fn closed_after(&self) -> String {
        let after = self.failure.verdict().closed_after();
        after.map(|after| format!(" after {} idle", duration(after))).unwrap_or_default()
    }

    /// ` (connection idle for 5.00 s before)`: from the last response to the request. What vanished met a connection
    /// that had been idle until then; its close came much later.
    pub(super) fn after_idle(&self) -> String {
        let gap = self.failure.verdict().idle_gap().filter(|_| self.failure.ordinal > 0);
        gap.map(|gap| format!(" (connection idle for {} before)", duration(gap)))
            .unwrap_or_default()
    }

    /// ` after 10.0 s`: from the request to the close.
    pub(super) fn after_wait(&self) -> String {
        let wait = self.failure.verdict().wait();
        wait.map(|wait| format!(" after {}", duration(wait))).unwrap_or_default()
    }

    /// ` at 06:43:21 UTC`: when it failed, as far as a frame shows that.
    pub(super) fn at_time(&self) -> String {
        let verdict = self.failure.verdict();
        let close = verdict.close().map(|close| close.frame.at);
        let at = close.or_else(|| verdict.evidence().last().map(|last| last.frame.at));
        at.map_or_else(String::new, |at| format!(" at {}", at.time_in_zone()))
    }

    /// The backend had received all of the request when the connection was closed.
    pub(super) fn backend_has_all(&self) -> bool {
        let close = self.failure.verdict().close();
        close.is_some_and(|close| close.received == Some(Received::All))
    }
}

/// What crossed was not captured: the kernel told of it, and the frame is the reset in reply, which
/// acknowledges nothing.
fn is_close_unseen(verdict: &Verdict) -> bool {
    verdict.finding() == Finding::KeepaliveRace(Race::Crossing)
        && verdict.close().is_some_and(|close| close.received.is_none())
}

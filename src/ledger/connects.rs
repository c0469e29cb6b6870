//! Connects that never left: whether they are a proxy's.

use super::judgement::Judgement;
use super::known::Known;
use std::net::IpAddr;
use std::sync::Arc;

impl Judgement<'_> {
    /// Connects that never left are failures of hosts that answer requests, or open connections to
    /// something like a backend. Any host asks for neighbours.
    pub(super) fn find_proxies(&mut self, known: &mut Known<'_>) {
        for attempt in &self.ledger.never_left {
            let Some(mut failure) = self.judge(Arc::clone(attempt), Vec::new(), known) else {
                continue;
            };
            if !self.may_be_a_proxy(failure.client.addr) {
                continue;
            }
            // The one port that was used at that address is the one that was meant.
            let about = failure.server.addr;
            let mut ports = self
                .ledger
                .listeners
                .keys()
                .map(|leg| leg.server)
                .filter(|at| at.addr == about && at.port != 0);
            if let (Some(port), None) = (ports.next().map(|at| at.port), ports.next()) {
                failure.server.port = port;
            }
            if let Some(listener) = self.otherwise_or_new(failure.leg()) {
                listener.connects_failed = listener.connects_failed.saturating_add(1);
                self.failures.push(failure);
            }
        }
    }

    fn may_be_a_proxy(&self, host: IpAddr) -> bool {
        let serves = self
            .ledger
            .listeners
            .iter()
            .any(|(leg, listener)| leg.server.addr == host && !listener.statuses.is_empty());
        serves || self.opens_like_a_proxy(host)
    }
}

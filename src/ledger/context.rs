//! What each failure is told of both its sides, for the advice.

use super::judgement::Judgement;
use crate::flow::Leg;
use crate::knowledge::Context;
use foldhash::fast::RandomState;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

impl Judgement<'_> {
    /// Tells each failure what is known of both its sides.
    pub(super) fn give_context(&mut self) {
        let mut contexts: HashMap<(Leg, IpAddr), Context, RandomState> = HashMap::default();
        let mut answering: HashMap<IpAddr, BTreeSet<u16>, RandomState> = HashMap::default();
        for (leg, listener) in &self.ledger.listeners {
            if !listener.statuses.is_empty() {
                answering.entry(leg.server.addr).or_default().insert(leg.server.port);
            }
        }
        let mut failures = std::mem::take(&mut self.failures);
        for failure in &mut failures {
            let Some(listener) = self.listener_at(failure.leg()) else {
                continue;
            };
            let of = (failure.leg(), failure.client.addr);
            let told = (self.told().backend(failure.server), self.told().proxy(of.1));
            failure.context = *contexts.entry(of).or_insert_with(|| {
                let proxy = listener.proxies.get(&failure.client.addr);
                let observed = proxy.and_then(|proxy| proxy.idle.proxy_timer());
                Context {
                    server: listener.server(),
                    proxy: proxy.and_then(|proxy| proxy.kind()),
                    told_server: told.0.kind,
                    told_proxy: told.1.kind,
                    proxy_idle: told
                        .1
                        .idle
                        .map(|told| told.value)
                        .or(observed.map(|timer| timer.value)),
                    request_limit: listener.request_limit(),
                    age_limit: listener.age_limit().map(|timer| timer.value),
                    answers_on: answering
                        .get(&failure.server.addr)
                        .and_then(|ports| ports.iter().find(|port| **port != failure.server.port))
                        .copied(),
                }
            });
        }
        self.failures = failures;
    }
}

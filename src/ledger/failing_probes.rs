//! Failing probes: one failure for all of a kind.

use super::books::Ledger;
use super::counts::{count, uncount};
use crate::exchange::RequestDigest;
use crate::verdict::Cause;

impl Ledger {
    /// Makes one failure of all the failed probes of a kind.
    pub(super) fn gather_probes(&mut self) {
        let proxies = self.limits.proxies;
        self.listeners.values_mut().for_each(|listener| listener.settle_probes(proxies));
        for failure in std::mem::take(&mut self.failures) {
            let listener = self.listeners.get_mut(&failure.server);
            match (listener, failure.source()) {
                (Some(listener), Some(source))
                    if listener.probes.is_probe(source)
                        && (self.backends_heard || source.asked != RequestDigest::NOTHING) =>
                {
                    listener.probes.failed(source, &failure);
                    uncount(&mut listener.causes, failure.verdict.cause);
                }
                _ => self.failures.push(failure),
            }
        }
        let mut gathered = Vec::new();
        for listener in self.listeners.values_mut() {
            for (health, example) in listener.probes.health() {
                if let Some(example) = example {
                    let mut failure = example.clone();
                    failure.verdict.fail_probes(health.prober.is_some());
                    failure.health = Some(Box::new(health));
                    gathered.push(failure);
                }
            }
        }
        for failure in gathered {
            if let Some(listener) = self.listeners.get_mut(&failure.server) {
                count(listener.causes.entry(Cause::HealthCheckFailing).or_default());
            }
            self.keep(failure);
        }
    }
}

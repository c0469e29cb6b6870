//! Failing probes: one failure for all of a kind.

use super::counts::count;
use super::failure::Failure;
use super::health::Health;
use super::judgement::Judgement;
use super::probe_source::ProbeSource;
use super::probes::ProbeKind;
use crate::exchange::RequestDigest;
use crate::flow::Leg;
use crate::verdict::Cause;
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What is gathered of one source of probes: how they failed, and the first of them.
struct Gathered {
    causes: BTreeMap<Cause, u64>,
    first: Failure,
}

type GatheredProbes = HashMap<(Leg, ProbeSource), Gathered, RandomState>;

impl Judgement<'_> {
    /// What may have been a probe is one or is not, by all that was captured.
    pub(super) fn settle_probes(&mut self) {
        let proxies = self.ledger.limits.proxies;
        let open: Vec<Leg> = self
            .ledger
            .listeners
            .iter()
            .filter(|(_, one)| one.holds_back())
            .map(|(leg, _)| *leg)
            .collect();
        for leg in open {
            if let Some(listener) = self.otherwise(leg) {
                listener.settle_probes(proxies);
            }
        }
    }

    /// Makes one failure of all the failed probes of a kind.
    pub(super) fn gather_probes(&mut self) {
        let mut gathered = GatheredProbes::default();
        for failure in std::mem::take(&mut self.failures) {
            match self.failing_source(&failure) {
                Some(source) => {
                    // What it answered was counted by its status.
                    let cause = failure.verdict().cause();
                    let counts = !cause.is_own_answer();
                    let of = gathered
                        .entry((failure.leg(), source))
                        .or_insert_with(|| Gathered { causes: BTreeMap::new(), first: failure });
                    if counts {
                        count(of.causes.entry(cause).or_default());
                    }
                }
                None => self.failures.push(failure),
            }
        }
        let mut failures = std::mem::take(&mut self.failures);
        let mut fares: HashMap<Leg, Vec<Health>, RandomState> = HashMap::default();
        for (leg, listener) in self.listeners() {
            let kinds = listener.probes.kinds();
            let health = kinds.iter().map(|kind| health_of(kind, leg, &gathered));
            let health: Vec<Health> = health.collect();
            let failing: Vec<Failure> = kinds
                .iter()
                .zip(&health)
                .filter_map(|(kind, health)| failing(kind, health, leg, &gathered))
                .collect();
            failures.extend(failing);
            if !health.is_empty() {
                fares.insert(leg, health);
            }
        }
        (self.failures, self.health) = (failures, fares);
    }

    /// Of which row of failing probes a failure is, if it is of one.
    fn failing_source(&self, failure: &Failure) -> Option<ProbeSource> {
        let (listener, source) = (self.listener_at(failure.leg())?, failure.source()?);
        let probe = listener.probes.is_probe(source)
            && (self.ledger.backends_heard || source.asked != RequestDigest::NOTHING);
        // A job that asks as steadily as a probe meets the backend's timer each time, if its period is that
        // timer's.
        let job = failure.verdict().cause().is_of_idleness() && !listener.probes.is_named(source);
        (probe && !job).then_some(source)
    }
}

/// How the probes of a kind fare, with those that failed without an answer.
fn health_of(kind: &ProbeKind<'_>, leg: Leg, gathered: &GatheredProbes) -> Health {
    let mut health = kind.health.clone();
    for probe in &kind.probes {
        if let Some(gathered) = gathered.get(&(leg, probe.source)) {
            for (cause, more) in &gathered.causes {
                let count = health.causes.entry(*cause).or_default();
                *count = count.saturating_add(*more);
            }
        }
    }
    health
}

/// The failure that stands for the failing probes of a kind.
fn failing(
    kind: &ProbeKind<'_>,
    health: &Health,
    leg: Leg,
    gathered: &GatheredProbes,
) -> Option<Failure> {
    kind.probes.iter().filter(|probe| probe.failing).find_map(|probe| {
        let refused = probe.refused.map(Arc::clone);
        let (mut failure, by_status) = match refused {
            Some(attempt) => (Failure::of_probe(attempt)?, true),
            None => (gathered.get(&(leg, probe.source))?.first.clone(), false),
        };
        failure.stand_for(health.clone(), by_status);
        Some(failure)
    })
}

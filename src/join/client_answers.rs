//! What clients got of failures, as lines and the front leg show it.

use super::client_answer::ClientAnswer;
use super::clock_offset::ClockOffset;
use super::hits::Match;
use super::lines::KeptLine;
use super::log_answer::FailureIndex;
use super::targets::HitTargets;
use crate::ledger::Judgement;
use crate::logs::{LineKind, Says};
use crate::topology::SeenExchange;
use crate::topology::front_leg::Passed;
use crate::verdict::{Departure, Finding};
use std::collections::{BTreeMap, HashMap};

/// The clients of failures.
#[derive(Default)]
pub(super) struct ClientAnswers {
    answers: BTreeMap<FailureIndex, ClientAnswer>,
    /// Failures whose client left, says the log, with the status of the line.
    left: Vec<(FailureIndex, Option<u16>)>,
    /// Failures of which that was said, and whose client was another one.
    stayed: Vec<FailureIndex>,
}

impl ClientAnswers {
    /// Notes what lines that are matched say.
    pub(super) fn note_lines(
        &mut self,
        lines: &[&KeptLine],
        matches: &[Option<Match>],
        clocks: &[ClockOffset],
        targets: &HitTargets<'_>,
    ) {
        for (line, found) in lines.iter().zip(matches) {
            let (Some(found), LineKind::Access) =
                (found.as_ref().filter(|one| !one.ambiguous), line.kind)
            else {
                continue;
            };
            let clock = ClockOffset::of(clocks, line);
            for (place, client) in targets.clients(line, found, &clock) {
                if line.says == Some(Says::Client) && !client.retried {
                    self.left.push((place, line.status));
                }
                self.answers.entry(place).or_insert(client);
            }
        }
    }

    /// Notes what the front leg shows of requests that were passed on. What a line says of the same failure
    /// stays, but for the time that the proxy itself took, which no line has.
    pub(super) fn note_front(
        &mut self,
        passed: &[Passed],
        trail: &[SeenExchange],
        failing: &HashMap<(u64, u32), FailureIndex>,
        targets: &HitTargets<'_>,
    ) {
        for one in passed {
            for (place, client) in targets.front_clients(one, trail, failing) {
                let took = client.proxy_took;
                let asked_by = trail.get(one.front).map(|front| front.client);
                let gone = targets.failure(place).map(|failure| failure.verdict().finding());
                if let Some(Finding::ClientGone(Departure::FrontLeg { client, .. })) = gone
                    && asked_by.is_some_and(|asked_by| asked_by != client)
                {
                    self.stayed.push(place);
                }
                self.answers.entry(place).or_insert(client).proxy_took = took;
            }
        }
    }

    /// Tells the ledger what is proven, which changes verdicts; returns what clients got.
    pub(super) fn tell(self, ledger: &mut Judgement<'_>) -> BTreeMap<FailureIndex, ClientAnswer> {
        self.stayed.into_iter().for_each(|place| ledger.client_stayed(place));
        for (place, status) in self.left {
            ledger.client_left(place, status);
        }
        self.answers
    }
}

//! Lines that are of no request and explain others: a backend was taken out of use, and what nothing was sent
//! for failed for that.

use super::clock_offset::ClockOffset;
use super::lines::{KeptLine, Lines};
use super::log_answer::{LinePart, LogAnswer};
use crate::logs::Says;
use crate::packet::Endpoint;
use std::collections::BTreeMap;
use std::time::Duration;

/// For so long a backend that was taken out of use stays so, where the line does not say it: Apache holds it for
/// longer than nginx.
const HELD: Duration = Duration::from_secs(30);

/// What a process that died had open ended so soon around the line that says it, which is written before it is killed
/// or after.
const AT_ONCE: Duration = Duration::from_secs(2);

/// What was told of one backend, and the failures that this explains.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExplainedFailures {
    /// The first line that says it, by its place in [`Lines::explaining`].
    pub line: usize,
    /// So many lines say it.
    pub lines: u64,
    /// So many failures it explains.
    pub failures: u64,
}

/// Of what lines are: one backend, as far as they name it, and what they say.
type ToldOf = (usize, Option<Endpoint>, u64, Option<Says>);

/// Whether a line says that a backend was taken out of use, not that a process died or a limit was reached.
fn takes_out(line: &KeptLine) -> bool {
    !matches!(line.says, Some(Says::Died | Says::Overflow))
}

fn subject(line: &KeptLine) -> ToldOf {
    (line.file, line.backend(), line.group(), line.says)
}

/// Finds what lines explain, in the order in which they were read; of those of backends taken out of use, which explain
/// nothing, none is told.
pub(super) fn find(
    lines: &Lines,
    clocks: &[ClockOffset],
    told: &[LogAnswer],
) -> Vec<ExplainedFailures> {
    let at = |line: &KeptLine| ClockOffset::of(clocks, line).corrected(line.at());
    let mut subjects: BTreeMap<ToldOf, ExplainedFailures> = BTreeMap::new();
    for (place, line) in lines.explaining().iter().enumerate() {
        let one = subjects.entry(subject(line)).or_insert(ExplainedFailures {
            line: place,
            lines: 0,
            failures: 0,
        });
        one.lines = one.lines.saturating_add(1);
    }
    // By time; lines without one hold by their place in the file.
    let mut timed: Vec<&KeptLine> =
        lines.explaining().iter().filter(|line| line.has_time()).collect();
    timed.sort_by_key(|line| at(line));
    for one in told.iter().filter(|one| one.part == LinePart::Own) {
        let errors = lines.errors();
        let Some(line) = errors.get(one.line) else { continue };
        let reason = one.explained_by.and_then(|place| errors.get(place)).unwrap_or(line);
        let ended = matches!(
            reason.says,
            None | Some(Says::Cut | Says::Closed | Says::Reset | Says::Truncated)
        );
        if ended && line.has_time() {
            let died = timed.iter().find(|other| {
                let apart = at(line).since(at(other)).max(at(other).since(at(line)));
                let backend = other.backend().is_none_or(|one| line.backend() == Some(one));
                other.says == Some(Says::Died)
                    && backend
                    && apart <= AT_ONCE.saturating_add(line.resolution)
            });
            if let Some(one) = died.and_then(|other| subjects.get_mut(&subject(other))) {
                one.failures = one.failures.saturating_add(1);
            }
            continue;
        }
        // What was sent to a backend did not fail for want of one.
        if reason.says != Some(Says::NoBackend) {
            continue;
        }
        let then = at(line);
        let same = |other: &KeptLine| {
            if !takes_out(other) {
                return false;
            }
            let (group, named) = (line.group(), other.group());
            group == 0 || named == 0 || group == named
        };
        let slack = line.resolution;
        let until = timed.partition_point(|one| at(one) <= then.plus(slack));
        let before = timed.get(..until).unwrap_or_default().iter().rev().copied();
        let holds = |other: &&KeptLine| {
            then.since(at(other)) <= other.duration.unwrap_or(HELD).saturating_add(slack)
        };
        let found = before.take_while(holds).find(|other| same(other)).or_else(|| {
            let untimed = lines.explaining().iter().filter(|other| !other.has_time());
            let mut before =
                untimed.filter(|other| other.file == line.file && other.number < line.number);
            before.rfind(|other| same(other))
        });
        if let Some(one) = found.and_then(|other| subjects.get_mut(&subject(other))) {
            one.failures = one.failures.saturating_add(1);
        }
    }
    // A worker that was killed is worth telling though its requests are in another log.
    let stands_alone = |one: &ExplainedFailures| {
        let line = lines.explaining().get(one.line);
        line.is_some_and(|line| !takes_out(line))
    };
    let mut found: Vec<ExplainedFailures> =
        subjects.into_values().filter(|one| one.failures > 0 || stands_alone(one)).collect();
    found.sort_by_key(|one| one.line);
    found
}

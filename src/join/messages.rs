//! Messages that say why nothing was sent for the request of another line.

use super::answer::{Answer, Missing, Own};
use super::clock_offset::ClockOffset;
use super::lines::{KeptLine, Lines};
use super::log_answer::LogAnswer;
use crate::base::time::Timestamp;
use crate::logs::{LineKind, Says};
use std::time::Duration;

/// A message that nothing was sent: what was asked, when, and what it says.
type Unsent = (u64, Timestamp, Says, Duration);

/// A line of a request of which nothing was found, and a message that says that nothing was sent for it: that
/// is why.
pub(super) fn say_what_messages_say(lines: &Lines, clocks: &[ClockOffset], told: &mut [LogAnswer]) {
    let clock = |line: &KeptLine| ClockOffset::of(clocks, line);
    let kept = |line: &&KeptLine| {
        line.kind == LineKind::Message
            && line.says.is_some_and(Says::is_kept)
            && line.asked.whole != 0
    };
    let mut messages: Vec<Unsent> = lines
        .errors()
        .iter()
        .filter(kept)
        .filter_map(|line| {
            let clock = clock(line);
            Some((line.asked.whole, clock.corrected(line.at()), line.says?, clock.tolerance()))
        })
        .collect();
    messages.sort_unstable();
    let widest = messages.iter().map(|(.., tolerance)| *tolerance).max().unwrap_or_default();
    for one in told {
        let Some(line) = lines.errors().get(one.line) else { continue };
        let open = matches!(
            one.answer,
            Answer::NotInCapture(Missing::NotFound | Missing::OtherBackend(_))
                | Answer::NotOnLeg(Own::Nothing)
        );
        if line.kind != LineKind::Access || !open {
            continue;
        }
        let (at, tolerance) = (clock(line).corrected(line.at()), clock(line).tolerance());
        let before = |then: Timestamp| at.since(then) > tolerance.saturating_add(widest);
        let from = messages.partition_point(|(asked, then, ..)| {
            (*asked, !before(*then)) < (line.asked.whole, true)
        });
        let near = |(_, then, _, other): &&Unsent| {
            at.since(*then).max(then.since(at)) <= tolerance.saturating_add(*other)
        };
        let about = messages.iter().skip(from).take(LOOKED_AT);
        let about = about.take_while(|(asked, ..)| *asked == line.asked.whole).find(near);
        if let Some((_, _, says, _)) = about {
            one.answer = Answer::NotOnLeg(Own::Said(*says));
        }
    }
}

/// Messages looked at for one line.
const LOOKED_AT: usize = 256;

//! Messages that say why nothing was sent for the request of another line.

use super::answer::{Answer, Missing, Own};
use super::clock_offset::ClockOffset;
use super::lines::{KeptLine, Lines};
use super::log_answer::LogAnswer;
use crate::logs::{LineKind, Says};
use std::collections::HashMap;

/// A line of a request of which nothing was found, and a message that says that nothing was sent for it: that
/// is why.
pub(super) fn say_what_messages_say(lines: &Lines, clocks: &[ClockOffset], told: &mut [LogAnswer]) {
    let mut messages: HashMap<u64, Vec<&KeptLine>> = HashMap::new();
    let kept = |line: &&KeptLine| {
        line.kind == LineKind::Message
            && line.says.is_some_and(Says::is_kept)
            && line.asked.whole != 0
    };
    for line in lines.errors().iter().filter(kept) {
        messages.entry(line.asked.whole).or_default().push(line);
    }
    let clock = |line: &KeptLine| ClockOffset::of(clocks, line);
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
        let about = messages.get(&line.asked.whole).into_iter().flatten().find(|message| {
            let (at, then) =
                (clock(line).corrected(line.at()), clock(message).corrected(message.at()));
            let tolerance = clock(line).tolerance().saturating_add(clock(message).tolerance());
            at.since(then).max(then.since(at)) <= tolerance
        });
        if let Some(says) = about.and_then(|message| message.says) {
            one.answer = Answer::NotOnLeg(Own::Said(says));
        }
    }
}

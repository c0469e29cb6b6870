//! What is said of one error line, and of which failures it is.

use super::answer::Answer;
use crate::flow::Leg;
use crate::ledger::Judgement;
use crate::topology::request_key::MatchedBy;
use crate::verdict::Cause;
use std::time::Duration;

/// Of which failure something is: its place among [`Judgement::failures_from`]`(0)`.
pub type FailureIndex = usize;

/// Where the time of a request went, by a load balancer's times and by the packets.
#[derive(Clone, Copy, Debug)]
pub struct Split {
    /// The leg of the backend.
    pub leg: Leg,
    /// From the request's last byte to the answer's first, or to the close that came instead, where the
    /// capture was taken.
    pub waited: Duration,
    /// From the answer's first byte to its last; zero when there was none.
    pub answering: Duration,
    /// There was an answer.
    pub answered: bool,
}

/// What a line is to the failure that it tells of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LinePart {
    /// The failure's own line: no other one stands for it.
    #[default]
    Own,
    /// A message of the failure that the line at this place tells of: another attempt, or why.
    Of(usize),
    /// A message of a failure that one of several lines tells of, and which one does not show.
    OfOne,
    /// A second message of what the message at this place says: nothing new.
    Repeats(usize),
}

/// What is said of one error line.
#[derive(Clone, Debug)]
pub struct LogAnswer {
    /// The line's place in [`super::Lines::errors`].
    pub line: usize,
    /// The answer.
    pub answer: Answer,
    /// How it was matched, if it was.
    pub by: Option<MatchedBy>,
    /// The failures that it is of; those that it could be of when it is ambiguous, and the nearest of them
    /// where there are more than can be attempts of one request.
    pub failures: Vec<FailureIndex>,
    /// How many failures it could be of.
    pub among: usize,
    /// The cause: that of the last attempt, or of all that it could be of.
    pub cause: Option<Cause>,
    /// More lines can be of these failures than there are failures.
    pub outnumbered: bool,
    /// The connection and the number of its last attempt on it.
    pub exchange: Option<(u64, u32)>,
    /// Where the time went.
    pub split: Option<Split>,
    /// What the line is to the failure that it tells of.
    pub part: LinePart,
    /// The message that says why, by its place.
    pub explained_by: Option<usize>,
    /// Numbers of lines of the same file that say the same of the same failure again.
    pub also: Vec<u64>,
}

impl LogAnswer {
    /// Takes the cause of the failure that it is of as the ledger has it now.
    pub(super) fn take_cause(&mut self, ledger: &Judgement<'_>) {
        if self.answer == Answer::OnLeg {
            let last = self.failures.last().and_then(|place| ledger.failures_from(*place).first());
            self.cause = last.map(|failure| failure.verdict().cause());
        }
    }
}

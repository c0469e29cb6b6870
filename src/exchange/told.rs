//! TLS whose text is told: what is inside is read like what any connection says, for as long as all of it is told.
//! Beside it goes framing by turns, which takes over where text is missing, and is all there is of a connection of
//! which nothing is told.

use super::hand_over::{InnerReader, KnownOutputs};
use super::opaque::Opaque;
use super::{Ended, Exchange, Output, ToldText};
use crate::flow::{Connection, Side, StreamEvent, StreamPos};
use crate::streams::told::{Moment, SaidWord, TextStep, TextStream, WaitingMoment};
use std::time::Duration;

/// What is told of a new connection was said no earlier than its first segment; both are stamped nearly alike.
const SKEW: Duration = Duration::from_millis(50);
/// No farther from what was captured is what is told.
const FAR: i64 = 1 << 26;

/// Who said what is told, and on which positions; `None` where it was not said on this connection, or that cannot be told
/// yet.
pub(super) fn place(
    said: &SaidWord,
    connection: &Connection,
) -> Option<(Side, (StreamPos, StreamPos))> {
    connection.sides_by?;
    let (src, dst) = said.ends();
    let from = connection.sender(src, dst);
    let half = connection.half(from);
    let (begin, end) = said.numbers();
    let (begin, end) = (half.position(begin)?, half.position(end)?);
    let reset =
        [Side::Client, Side::Server].iter().any(|side| connection.half(*side).rst.is_some());
    let last = match half.fin {
        Some(fin) => fin.pos,
        None if reset => half.front(),
        None => StreamPos(half.next.0.saturating_add(FAR)),
    };
    let near = begin.0 >= half.next.0.saturating_sub(FAR) && end <= last;
    let begun = said.at().plus(SKEW) >= connection.opened.at;
    (near && begun).then_some((from, (begin, end)))
}

/// Follows a connection of TLS whose text may be told.
#[derive(Debug)]
pub(super) struct ToldReader {
    by_records: Box<Opaque>,
    text: TextStream,
    inner: Box<dyn InnerReader>,
    ended: Option<Ended>,
}

impl ToldReader {
    /// Text is read by `inner`; `whole` connections begin with their first byte.
    pub(super) fn new(by_records: Box<Opaque>, whole: bool, inner: Box<dyn InnerReader>) -> Self {
        Self { by_records, text: TextStream::new(whole), inner, ended: None }
    }

    /// Bytes that it takes to let things wait.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.text.waiting_bytes()
    }

    /// Takes the next event; returns whether the connection is its records from here on.
    pub(super) fn on(
        &mut self,
        event: &StreamEvent<'_>,
        connection: &Connection,
        out: &mut KnownOutputs<'_>,
    ) -> bool {
        let order = connection.delivered();
        for (piece, text) in self.by_records.pieces(event) {
            self.text.push(WaitingMoment { moment: Moment::Piece(piece), order }, text);
        }
        let moment = match *event {
            StreamEvent::Fin { from, mark } => Moment::Fin(from, mark),
            StreamEvent::Rst => Moment::Rst,
            StreamEvent::Quiet => Moment::Quiet,
            StreamEvent::Settled => Moment::Settled,
            StreamEvent::Bytes { .. } | StreamEvent::Gap { .. } => {
                return self.go_on(connection, out);
            }
            StreamEvent::End => return false,
        };
        self.text.push(WaitingMoment { moment, order }, None);
        self.go_on(connection, out)
    }

    /// Takes what was said by `from` of the positions `range`. What waits for it goes on with [`Self::go_on`].
    pub(super) fn hear(
        &mut self,
        said: &SaidWord,
        (from, range): (Side, (StreamPos, StreamPos)),
        connection: &Connection,
        out: &mut KnownOutputs<'_>,
    ) {
        let Self { text, inner, .. } = self;
        text.hear(said, from, range, &mut |event, order| {
            let then = connection.after(order);
            inner.take(event, then.as_deref().unwrap_or(connection), out);
        });
    }

    /// Lets go on what is known; returns whether the connection is its records from here on.
    pub(super) fn go_on(&mut self, connection: &Connection, out: &mut KnownOutputs<'_>) -> bool {
        loop {
            match self.text.next(self.inner.between()) {
                TextStep::Wait => return false,
                TextStep::Next(waiting) => self.read(&waiting, connection, out),
                TextStep::ByRecords => {
                    self.end_reading(connection, out);
                    return true;
                }
            }
        }
    }

    /// What the connection was.
    pub(super) fn ended(&mut self) -> Ended {
        self.ended.take().unwrap_or_else(|| self.by_records.ended())
    }

    /// The connection as its records.
    pub(super) fn into_records(self) -> Box<Opaque> {
        self.by_records
    }

    /// Reads what something says; its turns are followed meanwhile.
    fn read(
        &mut self,
        waiting: &WaitingMoment,
        connection: &Connection,
        out: &mut KnownOutputs<'_>,
    ) {
        let then = connection.after(waiting.order);
        let then = then.as_deref().unwrap_or(connection);
        let Self { by_records, text, inner, ended } = self;
        let event = match waiting.moment {
            Moment::Piece(piece) => {
                by_records.take_piece(&piece, then, &mut |_| {});
                let mut take = |event: StreamEvent<'_>| inner.take(event, then, out);
                return text.text(&piece, waiting.order, &mut take);
            }
            Moment::Fin(from, mark) => StreamEvent::Fin { from, mark },
            Moment::Rst => StreamEvent::Rst,
            Moment::Quiet => StreamEvent::Quiet,
            Moment::Settled => StreamEvent::Settled,
        };
        inner.take(event, then, out);
        if let Moment::Settled = waiting.moment {
            inner.take(StreamEvent::End, then, &mut |output, _| {
                if let Output::Ended(of_text) = output {
                    *ended = Some(Ended { told: Some(ToldText::Read), ..of_text });
                }
            });
        }
    }

    /// Text is missing, or none was told: what waits goes on as turns.
    fn end_reading(&mut self, connection: &Connection, out: &mut KnownOutputs<'_>) {
        let Self { by_records, text, inner, .. } = self;
        if text.is_read() {
            let handed = inner.hand_over(by_records.turn(), connection, out);
            by_records.go_on_after(handed);
        } else if text.is_untold() {
            by_records.note_untold();
        }
        for WaitingMoment { moment, order } in text.drain() {
            let then = connection.after(order);
            let then = then.as_deref().unwrap_or(connection);
            let mut exchange = |exchange: Box<Exchange>| out(Output::Exchange(exchange), then);
            match moment {
                Moment::Piece(piece) => by_records.take_piece(&piece, then, &mut exchange),
                Moment::Settled => by_records.settle(then, &mut exchange),
                Moment::Quiet => {
                    if let Some(so_far) = by_records.so_far(then) {
                        out(Output::SoFar(so_far), then);
                    }
                }
                Moment::Fin(..) | Moment::Rst => {}
            }
        }
    }
}

//! Both directions of one connection: what came waits in order until it is told what it says.

use super::text_map::{Heard, TextChunk, TextMap};
use super::word::SaidWord;
use crate::base::time::Timestamp;
use crate::flow::{Mark, Side, StreamEvent, StreamPos};
use crate::streams::tls::{Carried, Piece};
use std::collections::VecDeque;
use std::time::Duration;

/// So long it may take until somebody tells of a connection.
const PATIENCE: Duration = Duration::from_millis(150);
/// So long after the answer somebody may tell what it was an answer to, or the other way round.
const ANSWERED: Duration = Duration::from_secs(1);
/// What waits of one connection.
const WAITING: usize = 4_096;
/// Fewer missing bytes are no record: a FIN takes a number, and so does a keep-alive probe.
const LEAST: u64 = 16;

/// What comes from a connection, in order.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// A part of a record.
    Piece(Piece),
    /// See [`StreamEvent::Fin`].
    Fin(Side, Mark),
    /// See [`StreamEvent::Rst`].
    Rst,
    /// See [`StreamEvent::Quiet`].
    Quiet,
    /// See [`StreamEvent::Settled`].
    Settled,
}

/// Something that waits.
#[derive(Clone, Copy, Debug)]
pub struct WaitingMoment {
    /// What came.
    pub moment: Moment,
    /// See [`crate::flow::Connection::delivered`].
    pub order: u64,
}

/// Which sides are between two messages, by all that went on so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Between {
    /// The client is in no request.
    pub client: bool,
    /// The server is in no answer.
    pub server: bool,
    /// And all requests are answered.
    pub answered: bool,
}

/// What is next.
#[derive(Clone, Copy, Debug)]
pub enum TextStep {
    /// More is to be told first.
    Wait,
    /// What it says is known.
    Next(WaitingMoment),
    /// What it says will not be told: from here on the connection is its records.
    ByRecords,
}

/// How much is told of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum TextTelling {
    /// Nothing so far.
    Nothing,
    /// Which records hold no text.
    NoText,
    /// Text.
    Text,
}

/// What waits of one connection, and what was told of it.
#[derive(Debug)]
pub struct TextStream {
    telling: TextTelling,
    /// The connection begins with its first byte.
    whole: bool,
    client: TextMap,
    server: TextMap,
    queue: VecDeque<WaitingMoment>,
    /// The last piece of each side that went on, and its place among all that the connection delivered.
    last: [Option<(Piece, u64)>; 2],
    /// The latest time that is known.
    now: Timestamp,
}

impl TextStream {
    /// Of a connection that begins with its first byte, or not.
    pub fn new(whole: bool) -> Self {
        Self {
            telling: TextTelling::Nothing,
            whole,
            client: TextMap::default(),
            server: TextMap::default(),
            queue: VecDeque::new(),
            last: [None, None],
            now: Timestamp::default(),
        }
    }

    /// Text is told of it.
    pub fn is_read(&self) -> bool {
        self.telling == TextTelling::Text
    }

    /// Nothing was told of it.
    pub fn is_untold(&self) -> bool {
        self.telling == TextTelling::Nothing
    }

    /// Bytes that it takes to let things wait.
    pub fn waiting_bytes(&self) -> usize {
        self.queue.len().saturating_mul(size_of::<WaitingMoment>())
    }

    /// Lets something wait. `text` is how long the text of the record is that ends with it, where it is one of text.
    pub fn push(&mut self, waiting: WaitingMoment, text: Option<u32>) {
        if let Moment::Piece(piece) = waiting.moment {
            self.now = self.now.max(piece.frame.at);
            // What has the length of a ticket, an alert or a key update may be text.
            let text_of = match piece.what {
                Carried::Text | Carried::Ticket { sure: false } | Carried::Silent => true,
                Carried::Alert(seen) => seen.encrypted,
                Carried::Handshake | Carried::Ticket { sure: true } | Carried::Lost => false,
            };
            if piece.ends && text_of {
                self.map(piece.from).note_record(piece.pos.plus(piece.len), text);
            }
        }
        self.queue.push_back(waiting);
    }

    /// Takes what was said by `from` of the positions `range` of what it sent. `late` is called with the text of what went
    /// on before, as an event of what carried it, and the place of that among all that the connection delivered.
    pub fn hear(
        &mut self,
        said: &SaidWord,
        from: Side,
        range: (StreamPos, StreamPos),
        late: &mut dyn FnMut(StreamEvent<'_>, u64),
    ) {
        self.now = self.now.max(said.at);
        let whole = self.whole;
        let heard = self.map(from).hear(said, range, whole);
        match heard {
            Heard::Ignored => return,
            Heard::Quiet => {}
            Heard::Text => self.telling = TextTelling::Text,
            Heard::Late(chunk) => {
                self.telling = TextTelling::Text;
                let [of_client, of_server] = self.last;
                let carrier = if from == Side::Client { of_client } else { of_server };
                if let Some((carrier, order)) = carrier {
                    late(event(&chunk, &carrier), order);
                }
            }
        }
        if self.telling == TextTelling::Nothing {
            self.telling = TextTelling::NoText;
        }
    }

    /// What is next. What waits behind it is asked for by asking again.
    pub fn next(&mut self, between: Between) -> TextStep {
        let Some(&front) = self.queue.front() else { return TextStep::Wait };
        let knows = match self.telling {
            TextTelling::Nothing | TextTelling::NoText => Knows::NotYet,
            TextTelling::Text => self.knows(front, between),
        };
        let gives_up = match knows {
            Knows::Yes => false,
            Knows::Never => true,
            Knows::NotYet => self.queue.len() > WAITING || self.is_over() || self.has_waited(front),
        };
        if gives_up {
            return TextStep::ByRecords;
        }
        if knows == Knows::NotYet {
            return TextStep::Wait;
        }
        self.queue.pop_front();
        TextStep::Next(front)
    }

    /// What waits, without what it says.
    pub fn drain(&mut self) -> impl Iterator<Item = WaitingMoment> {
        std::mem::take(&mut self.queue).into_iter()
    }

    /// Calls `take` with the text that a piece carries, which is needed no more: several events where it was told in
    /// several words. What was not captured of it is a gap as long as its text.
    pub fn text(&mut self, piece: &Piece, order: u64, take: &mut dyn FnMut(StreamEvent<'_>)) {
        let end = piece.pos.plus(piece.len);
        for chunk in self.map(piece.from).pass(piece.pos, end) {
            take(event(&chunk, piece));
        }
        if is_tiny_gap(piece) {
            let Piece { from, pos, len, frame, .. } = *piece;
            take(StreamEvent::Gap { from, pos, len, frame });
        }
        if let Some(last) = self.last.get_mut(usize::from(piece.from == Side::Server)) {
            *last = Some((*piece, order));
        }
    }

    fn map(&mut self, side: Side) -> &mut TextMap {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// Whether it is known what something says.
    fn knows(&self, waiting: WaitingMoment, between: Between) -> Knows {
        let maps = [&self.client, &self.server];
        match waiting.moment {
            Moment::Quiet => Knows::Yes,
            Moment::Fin(..) | Moment::Rst | Moment::Settled => {
                // More of the last text may still be told.
                let open = !between.answered && maps.iter().any(|map| map.may_go_on());
                match (maps.iter().any(|map| map.is_broken()), open) {
                    (true, _) => Knows::Never,
                    (false, true) => Knows::NotYet,
                    (false, false) => Knows::Yes,
                }
            }
            Moment::Piece(piece) => self.knows_piece(&piece, between),
        }
    }

    fn knows_piece(&self, piece: &Piece, between: Between) -> Knows {
        let map = match piece.from {
            Side::Client => &self.client,
            Side::Server => &self.server,
        };
        let end = piece.pos.plus(piece.len);
        if map.is_told() && map.knows(piece.pos, end) || is_tiny_gap(piece) {
            return Knows::Yes;
        }
        let silent = match piece.what {
            Carried::Handshake | Carried::Ticket { sure: true } => true,
            Carried::Alert(seen) if !seen.encrypted => true,
            // By its length alone: the last two bytes of an answer look alike. But nothing follows an alert, and its sender
            // is in no message.
            Carried::Alert(_) | Carried::Silent => {
                let own = if piece.from == Side::Client { between.client } else { between.server };
                own && self.is_over() && self.is_last(piece.from)
            }
            Carried::Text | Carried::Ticket { sure: false } | Carried::Lost => false,
        };
        match (silent, map.passes_over(end)) {
            (true, _) => Knows::Yes,
            (false, true) => Knows::Never,
            (false, false) => Knows::NotYet,
        }
    }

    /// Behind the front nothing more of this side waits.
    fn is_last(&self, side: Side) -> bool {
        !self
            .queue
            .iter()
            .skip(1)
            .any(|waiting| matches!(waiting.moment, Moment::Piece(piece) if piece.from == side))
    }

    /// Nothing more is to come.
    fn is_over(&self) -> bool {
        self.queue
            .iter()
            .rev()
            .take(2)
            .any(|waiting| matches!(waiting.moment, Moment::Quiet | Moment::Settled))
    }

    /// For long nothing at all was told; or no text of what this side says, though the other side, which said something
    /// behind it, had it long ago.
    fn has_waited(&self, front: WaitingMoment) -> bool {
        let Moment::Piece(front) = front.moment else { return false };
        if self.telling == TextTelling::Nothing {
            return front.frame.at.plus(PATIENCE) <= self.now;
        }
        let map = match front.from {
            Side::Client => &self.client,
            Side::Server => &self.server,
        };
        let text = |waiting: &WaitingMoment| match waiting.moment {
            Moment::Piece(piece) if matches!(piece.what, Carried::Text | Carried::Lost) => {
                Some(piece)
            }
            _ => None,
        };
        let mut texts = self.queue.iter().filter_map(text);
        let mut old = texts.by_ref().take_while(|piece| piece.frame.at.plus(ANSWERED) <= self.now);
        !map.speaks() && old.any(|piece| piece.from != front.from)
    }
}

/// Whether it is known what something says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Knows {
    Yes,
    NotYet,
    Never,
}

/// A missing piece that holds no record.
fn is_tiny_gap(piece: &Piece) -> bool {
    piece.missing && piece.what == Carried::Lost && piece.len < LEAST
}

/// Text as an event of the piece that carried it.
fn event<'a>(chunk: &'a TextChunk, piece: &Piece) -> StreamEvent<'a> {
    let Piece { from, ack, first_copy, frame, .. } = *piece;
    let TextChunk { pos, len, ref bytes } = *chunk;
    if piece.missing {
        return StreamEvent::Gap { from, pos, len, frame };
    }
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    StreamEvent::Bytes { from, pos, bytes, len, ack, first_copy, frame }
}

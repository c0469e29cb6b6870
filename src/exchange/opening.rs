//! The beginning of a connection, until it is decided what it speaks.
//!
//! What is undecided stays so: a client's first bytes wait here as long as they may begin more than one
//! protocol, and are then read by whatever it was.

use super::detect::{self, FirstBytes};
use super::opaque::not_read;
use super::proxy_header::{self, ProxyHeader};
use super::{Ended, MIN_MESSAGE, Protocol};
use crate::flow::{Connection, Side, Start, StreamEvent, StreamPos};
use crate::packet::FrameRef;

/// Segments that wait for the rest of so short a beginning; more would be no client's.
const MAX_HELD: usize = 64;

/// A connection of which too little was captured to say what it speaks.
#[derive(Debug, Default)]
pub(super) struct Detecting {
    /// What of either side was missed so far.
    pub(super) missed: [Option<Missed>; 2],
    /// The client's first segments.
    pub(super) held: Vec<HeldSegment>,
    /// Segments that the server sent unasked.
    pub(super) greeted: u32,
    /// Payload was sent of which no byte was captured.
    pub(super) unseen: bool,
    /// The header before everything else.
    pub(super) proxied: Option<Box<ProxyHeader>>,
    /// Where it ends.
    behind: StreamPos,
}

/// A segment that waits.
#[derive(Debug)]
pub(super) struct HeldSegment {
    pos: StreamPos,
    bytes: Box<[u8]>,
    len: u32,
    ack: Option<StreamPos>,
    first_copy: bool,
    frame: FrameRef,
}

impl HeldSegment {
    pub(super) fn event(&self) -> StreamEvent<'_> {
        let Self { pos, ref bytes, len, ack, first_copy, frame } = *self;
        StreamEvent::Bytes { from: Side::Client, pos, bytes, len, ack, first_copy, frame }
    }
}

/// What a connection turns out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Decision {
    /// HTTP/1.
    Http1,
    /// Perhaps HTTP/1: what the server answers will tell.
    Perhaps,
    /// Begun before the capture, or with a gap: HTTP/1 from the first certain head on, if there is one.
    Seek,
    /// Another protocol, begun with this segment.
    Other(Protocol, Option<(StreamPos, FrameRef)>),
}

impl Detecting {
    /// Takes the next event. It is not read here: once decided, what is held comes before it.
    pub(super) fn on(
        &mut self,
        event: &StreamEvent<'_>,
        connection: &Connection,
    ) -> Option<Decision> {
        match *event {
            StreamEvent::Gap { from, pos, len, frame } => {
                if !self.held.is_empty() {
                    return Some(Decision::Seek);
                }
                Missed::note(&mut self.missed, Missed { from, pos, len, frame });
                None
            }
            StreamEvent::Bytes { from, pos, bytes: [], len, frame, .. } => {
                // What no byte was captured of decides nothing, and what follows it is no beginning.
                self.unseen = true;
                if !self.held.is_empty() {
                    return Some(Decision::Seek);
                }
                let len = u64::from(len);
                Missed::note(&mut self.missed, Missed { from, pos, len, frame });
                None
            }
            StreamEvent::Bytes { bytes, len, .. } if !self.is_beginning(connection) => {
                let len = usize::try_from(len).unwrap_or(usize::MAX);
                Some(if detect::is_tls_records(bytes, len) {
                    Decision::Other(Protocol::Tls, None)
                } else {
                    Decision::Seek
                })
            }
            StreamEvent::Bytes { from: Side::Client, .. } => self.client(event),
            StreamEvent::Bytes { from: Side::Server, bytes, ack, .. } => self.server(bytes, ack),
            StreamEvent::Fin { .. }
            | StreamEvent::Rst
            | StreamEvent::Quiet
            | StreamEvent::Settled
            | StreamEvent::End => None,
        }
    }

    /// What the connection was, if nothing more comes.
    pub(super) fn ended(&self, connection: &Connection) -> Ended {
        let missed = self.missed.iter().flatten().any(|missed| missed.len >= MIN_MESSAGE);
        // Of a connection whose sides were never told apart nothing comes here.
        let said = [Side::Client, Side::Server]
            .into_iter()
            .any(|side| connection.half(side).bytes > self.behind.since(StreamPos::default()));
        let silent = !said && !missed;
        let protocol = if silent { Protocol::None } else { Protocol::Opaque };
        let ended = not_read(protocol, self.proxied.as_deref().copied());
        Ended { unseen: self.unseen, ..ended }
    }

    /// The first bytes that come are the first that were sent.
    fn is_beginning(&self, connection: &Connection) -> bool {
        connection.start == Start::Handshake && self.missed.iter().all(Option::is_none)
    }

    fn client(&mut self, event: &StreamEvent<'_>) -> Option<Decision> {
        let StreamEvent::Bytes { pos, bytes, len, ack, first_copy, frame, .. } = *event else {
            return None;
        };
        let (pos, bytes, len) = self.trim(pos, bytes, len)?;
        let cut = u32::try_from(bytes.len()).is_ok_and(|captured| captured < len);
        let mut all = Vec::new();
        let begun = if self.held.is_empty() {
            bytes
        } else {
            self.held.iter().for_each(|held| all.extend_from_slice(&held.bytes));
            all.extend_from_slice(bytes);
            &all
        };
        let (first, first_frame) =
            self.held.first().map_or((pos, frame), |held| (held.pos, held.frame));
        let hold = HeldSegment { pos, bytes: bytes.into(), len, ack, first_copy, frame };
        if self.proxied.is_none() {
            match proxy_header::read(begun, cut) {
                proxy_header::ProxyHeaderRead::Header(header, len) => {
                    self.proxied = Some(Box::new(header));
                    self.behind = first.plus(len);
                    self.held.clear();
                    // What is left of this segment begins the connection.
                    return self.client(event);
                }
                proxy_header::ProxyHeaderRead::TooFew => return self.hold(hold),
                proxy_header::ProxyHeaderRead::Other => {}
            }
        }
        match detect::opening(begun, cut) {
            FirstBytes::Certain(Protocol::Http1) => Some(Decision::Http1),
            FirstBytes::Certain(
                other @ (Protocol::Http2 | Protocol::Tls | Protocol::Opaque | Protocol::None),
            ) => Some(Decision::Other(other, Some((first, first_frame)))),
            FirstBytes::Request | FirstBytes::Unknown => Some(Decision::Perhaps),
            FirstBytes::TooFew => self.hold(hold),
        }
    }

    fn hold(&mut self, held: HeldSegment) -> Option<Decision> {
        if self.held.len() >= MAX_HELD {
            return Some(Decision::Perhaps);
        }
        self.held.push(held);
        None
    }

    /// The part of a client's segment that lies behind the header.
    fn trim<'a>(
        &self,
        pos: StreamPos,
        bytes: &'a [u8],
        len: u32,
    ) -> Option<(StreamPos, &'a [u8], u32)> {
        let before = self.behind.since(pos);
        let left = u64::from(len).checked_sub(before).filter(|left| *left > 0)?;
        let bytes = usize::try_from(before).ok().and_then(|before| bytes.get(before..));
        Some((pos.plus(before), bytes.unwrap_or_default(), u32::try_from(left).unwrap_or(len)))
    }

    /// The event as far as it lies behind the header; `None` where nothing of it does.
    pub(super) fn behind_header<'a>(&self, event: StreamEvent<'a>) -> Option<StreamEvent<'a>> {
        match event {
            StreamEvent::Bytes { from: Side::Client, pos, bytes, len, ack, first_copy, frame } => {
                let (pos, bytes, len) = self.trim(pos, bytes, len)?;
                let from = Side::Client;
                Some(StreamEvent::Bytes { from, pos, bytes, len, ack, first_copy, frame })
            }
            other => Some(other),
        }
    }

    fn server(&mut self, bytes: &[u8], ack: Option<StreamPos>) -> Option<Decision> {
        if let Some(first) = self.held.first() {
            return ack.is_some_and(|ack| ack > first.pos).then_some(Decision::Perhaps);
        }
        if detect::is_certain_status(bytes, false) {
            return Some(Decision::Http1);
        }
        self.greeted = self.greeted.saturating_add(1);
        None
    }
}

/// A gap before the first captured byte of a side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Missed {
    from: Side,
    pos: StreamPos,
    len: u64,
    frame: FrameRef,
}

impl Missed {
    /// Gaps of one side with nothing between them are one.
    fn note(missed: &mut [Option<Self>; 2], gap: Self) {
        let [client, server] = missed;
        let slot = match gap.from {
            Side::Client => client,
            Side::Server => server,
        };
        let longer = slot.map(|before| Self { len: before.len.saturating_add(gap.len), ..before });
        *slot = longer.or(Some(gap));
    }

    pub(super) fn event(self) -> StreamEvent<'static> {
        let Self { from, pos, len, frame } = self;
        StreamEvent::Gap { from, pos, len, frame }
    }
}

//! Follows the TLS of a capture's connections.

use std::collections::BTreeMap;
use std::path::Path;
use why502::inside::flow::{Connection, Limits, Side, Start, StreamEvent, StreamReader, Table};
use why502::inside::input::{Block, Fill, Savefile, Source};
use why502::inside::packet::decode;
use why502::inside::streams::tls::{Piece, TlsFacts, TlsStream};

/// One connection's end.
#[derive(Debug)]
pub struct Seen {
    pub facts: TlsFacts,
    pub pieces: Vec<Piece>,
}

/// Follows what is TLS from its first bytes on, or from a ClientHello behind other talk.
#[derive(Default)]
pub struct Follows {
    stream: Option<TlsStream>,
    pieces: Vec<Piece>,
    other: bool,
}

impl Follows {
    fn begin(&mut self, event: &StreamEvent<'_>, connection: &Connection) {
        let StreamEvent::Bytes { bytes, .. } = event else { return };
        let hello = Self::sender_of(bytes) == Some(Side::Client);
        if hello || !self.other && matches!(bytes.first(), Some(20..=24 | 0x80)) {
            let whole = connection.start == Start::Handshake || self.other;
            self.stream = Some(TlsStream::new(whole));
        } else {
            self.other = true;
        }
    }
}

impl StreamReader for Follows {
    type Output = Seen;
    type Marks = ();
    type Word = ();

    fn sender_of(payload: &[u8]) -> Option<Side> {
        match payload {
            [22, 3, _, _, _, 1, ..] => Some(Side::Client),
            [22, 3, _, _, _, 2, ..] => Some(Side::Server),
            _ => None,
        }
    }

    fn on(
        &mut self,
        event: StreamEvent<'_>,
        connection: &Connection,
        out: &mut impl FnMut(Seen, &Connection),
    ) {
        if self.stream.is_none() {
            self.begin(&event, connection);
        }
        let Some(stream) = &mut self.stream else { return };
        let pieces = &mut self.pieces;
        stream.on(&event, &mut |piece| pieces.push(piece));
        if let StreamEvent::End = event {
            let facts = stream.facts().clone();
            self.stream = None;
            out(Seen { facts, pieces: std::mem::take(pieces) }, connection);
        }
    }
}

/// The connections of a capture by their ends, in order.
pub fn read(path: &Path) -> BTreeMap<(String, String), Vec<Seen>> {
    let mut source = Savefile::open(path, 0).unwrap();
    let mut table: Table<Follows> = Table::new(Limits::default(), []);
    let mut seen: BTreeMap<_, Vec<Seen>> = BTreeMap::new();
    let mut out = |read: Seen, connection: &Connection| {
        let ends = (connection.client.to_string(), connection.server.to_string());
        seen.entry(ends).or_default().push(read);
    };
    let mut block = Block::new();
    while let Fill::Frames | Fill::Idle(_) = source.fill(&mut block).unwrap() {
        for frame in block.frames(0..block.len()) {
            if let Ok(segment) = decode(&frame) {
                table.push(&segment, 0, &mut out);
            }
        }
    }
    table.finish(&mut out);
    seen
}

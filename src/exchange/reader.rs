//! One connection is read: it is found out what it speaks, and that is framed.

use super::detect::{self, Protocol};
use super::hand_over::{HandedOver, InnerReader, KnownOutputs};
use super::http1::{Http1, Sureness};
use super::marks::HarmlessSpans;
use super::opaque::Opaque;
use super::opening::{Decision, Detecting};
use super::told::{self, ToldReader};
use super::{Ended, Exchange, Output, ProxyHeader};
use crate::flow::{Connection, Side, Start, StreamEvent, StreamPos, StreamReader};
use crate::packet::FrameRef;
use crate::streams::told::{Between, Word};

/// Follows one connection, whatever it speaks.
#[derive(Debug, Default)]
pub struct Reader {
    framer: Framer,
    /// Follows the turns for as long as it is open whether this is something that has heads.
    meanwhile: Option<Box<Opaque>>,
    /// Somebody may tell what TLS says.
    expects_words: bool,
}

#[derive(Debug)]
enum Framer {
    /// Nothing was captured yet that tells what it speaks.
    Detecting(Detecting),
    Http1(Box<Http1>),
    /// Known or unknown, but not framed by heads.
    Opaque(Box<Opaque>),
    /// TLS, and somebody may tell what it says.
    Told(Box<ToldReader>),
    /// Nothing more is to come: what the end will say. A connection is kept for stragglers for longer
    /// than its messages are of use.
    Settled(Box<Ended>),
}

impl Default for Framer {
    fn default() -> Self {
        Self::Detecting(Detecting::default())
    }
}

impl StreamReader for Reader {
    type Output = Output;
    type Marks = HarmlessSpans;
    type Word = Word;

    fn sender_of(payload: &[u8]) -> Option<Side> {
        detect::sender_of(payload)
    }

    fn take_marks(&mut self, from: Side) -> HarmlessSpans {
        match &mut self.framer {
            Framer::Http1(http1) => http1.take_marks(from),
            // What is not read has no harmless part; nor has ciphertext, though it be told what it says.
            Framer::Detecting(_) | Framer::Opaque(_) | Framer::Told(_) | Framer::Settled(_) => {
                HarmlessSpans::default()
            }
        }
    }

    fn expect_words(&mut self) {
        self.expects_words = true;
    }

    fn hear(
        &mut self,
        word: &Word,
        connection: &Connection,
        out: &mut impl FnMut(Output, &Connection),
    ) -> bool {
        match word {
            Word::Said(said) => {
                let Some((from, range)) = told::place(said, connection) else { return false };
                match &mut self.framer {
                    Framer::Told(told) => told.hear(said, (from, range), connection, out),
                    // It may be TLS.
                    Framer::Detecting(_) => return false,
                    Framer::Http1(http1) if http1.seeks() => return false,
                    Framer::Http1(_) | Framer::Opaque(_) | Framer::Settled(_) => {}
                }
            }
            Word::GoOn => self.with_told(|told| told.go_on(connection, out)),
        }
        true
    }

    fn waiting_bytes(&self) -> usize {
        match &self.framer {
            Framer::Told(told) => told.waiting_bytes(),
            Framer::Detecting(_) | Framer::Http1(_) | Framer::Opaque(_) | Framer::Settled(_) => 0,
        }
    }

    fn on(
        &mut self,
        event: StreamEvent<'_>,
        connection: &Connection,
        out: &mut impl FnMut(Output, &Connection),
    ) {
        let Framer::Detecting(detecting) = &mut self.framer else {
            return self.read(event, connection, out);
        };
        let decision = detecting.on(&event, connection);
        match decision {
            None => {
                if let Some(event) = detecting.behind_header(event) {
                    self.follow_turns(&event, connection, out);
                }
                self.read(event, connection, out);
            }
            Some(decision) => {
                let detecting = std::mem::take(detecting);
                let event = detecting.behind_header(event);
                self.begin(&detecting, decision, connection, out);
                if let Some(event) = event {
                    self.read(event, connection, out);
                }
            }
        }
    }
}

impl Reader {
    /// Begins to read what the connection was found to speak: first what was held.
    fn begin(
        &mut self,
        detecting: &Detecting,
        decision: Decision,
        connection: &Connection,
        out: &mut impl FnMut(Output, &Connection),
    ) {
        let known = match decision {
            Decision::Http1 => Sureness::Certain,
            Decision::Perhaps => Sureness::Opening,
            Decision::Seek => Sureness::Seeking,
            Decision::Other(protocol, asked) => {
                let proxied = detecting.proxied.as_deref().copied();
                self.framer = self.other(protocol, asked, proxied, connection);
                self.meanwhile = None;
                for held in &detecting.held {
                    self.read(held.event(), connection, out);
                }
                return;
            }
        };
        let header = detecting.proxied.as_deref().copied();
        let mut http1 = Box::new(Http1::new(connection, known, header, detecting.greeted));
        let missed = detecting.missed.iter().flatten().map(|gap| gap.event());
        for event in missed.chain(detecting.held.iter().map(|held| held.event())) {
            http1.on(event, connection, out);
        }
        self.framer = Framer::Http1(http1);
    }

    /// Begins to read what is framed by no heads.
    fn other(
        &self,
        protocol: Protocol,
        asked: Option<(StreamPos, FrameRef)>,
        proxied: Option<ProxyHeader>,
        connection: &Connection,
    ) -> Framer {
        let opaque = Box::new(Opaque::new(protocol, asked, proxied, connection));
        if protocol != Protocol::Tls || !self.expects_words {
            return Framer::Opaque(opaque);
        }
        let whole = connection.start == Start::Handshake && !connection.has_gaps();
        let inner = Box::new(Self::default());
        Framer::Told(Box::new(ToldReader::new(opaque, whole, inner)))
    }

    /// Does something with a connection whose text may be told; if it is not told any more, it is its records.
    fn with_told(&mut self, what: impl FnOnce(&mut ToldReader) -> bool) {
        if let Framer::Told(told) = &mut self.framer
            && what(told)
            && let Framer::Told(told) = std::mem::take(&mut self.framer)
        {
            self.framer = Framer::Opaque(told.into_records());
        }
    }

    /// Follows the turns while it is open what this is: should it have no heads, they are what is known.
    fn follow_turns(
        &mut self,
        event: &StreamEvent<'_>,
        connection: &Connection,
        out: &mut impl FnMut(Output, &Connection),
    ) {
        let said = matches!(event, StreamEvent::Bytes { .. } | StreamEvent::Gap { .. });
        if self.meanwhile.is_none() && said {
            let proxied = match &self.framer {
                Framer::Detecting(detecting) => detecting.proxied.as_deref().copied(),
                Framer::Http1(http1) => http1.proxied,
                Framer::Opaque(_) | Framer::Told(_) | Framer::Settled(_) => None,
            };
            let opaque = Opaque::new(Protocol::Opaque, None, proxied, connection);
            self.meanwhile = Some(Box::new(opaque));
        }
        if let Some(opaque) = &mut self.meanwhile {
            opaque.on(event, connection, &mut |exchange| {
                out(Output::Exchange(exchange), connection);
            });
        }
    }

    fn read(
        &mut self,
        event: StreamEvent<'_>,
        connection: &Connection,
        out: &mut impl FnMut(Output, &Connection),
    ) {
        let settled = matches!(event, StreamEvent::Settled);
        let exchange = &mut |exchange: Box<Exchange>| out(Output::Exchange(exchange), connection);
        let ended = match &mut self.framer {
            Framer::Http1(http1) if http1.seeks() && is_tls(&event) => {
                self.framer = self.other(Protocol::Tls, None, None, connection);
                self.meanwhile = None;
                None
            }
            Framer::Http1(http1) => {
                http1.on(event, connection, out);
                if http1.is_other() {
                    self.follow_turns(&event, connection, out);
                    if let Some(opaque) = self.meanwhile.take() {
                        self.framer = Framer::Opaque(opaque);
                    }
                    return;
                }
                let (certain, known) = (http1.is_certain(), http1.is_known());
                let ended = settled.then(|| http1.ended());
                if certain {
                    self.meanwhile = None;
                } else if known {
                    // What looks like HTTP is framed as that; an answer may show yet that it is something else.
                    self.follow_turns(&event, connection, &mut |_, _| {});
                } else {
                    self.follow_turns(&event, connection, out);
                }
                ended.map(|ended| if known { ended } else { self.with_turns(ended) })
            }
            Framer::Opaque(opaque) => {
                opaque.on(&event, connection, exchange);
                if let (StreamEvent::Quiet, Some(so_far)) = (event, opaque.so_far(connection)) {
                    out(Output::SoFar(so_far), connection);
                }
                settled.then(|| opaque.ended())
            }
            Framer::Told(_) => {
                let mut ended = None;
                self.with_told(|told| {
                    let by_records = told.on(&event, connection, out);
                    ended = settled.then(|| told.ended());
                    by_records
                });
                ended
            }
            // Its handshake may still come, after what was an older connection's.
            Framer::Detecting(detecting) => {
                if let StreamEvent::End = event {
                    let ended = detecting.ended(connection);
                    let ended = self.with_turns(ended);
                    out(Output::Ended(ended), connection);
                }
                None
            }
            Framer::Settled(ended) => {
                if let StreamEvent::End = event {
                    out(Output::Ended((**ended).clone()), connection);
                }
                None
            }
        };
        if let Some(ended) = ended {
            self.meanwhile = None;
            self.framer = Framer::Settled(Box::new(ended));
        }
    }

    /// What the end of a connection says that has no heads, with what its turns came to.
    fn with_turns(&self, ended: Ended) -> Ended {
        let turns = self.meanwhile.as_deref().and_then(|opaque| opaque.ended().turns);
        Ended { turns, ..ended }
    }
}

impl InnerReader for Reader {
    fn take(
        &mut self,
        event: StreamEvent<'_>,
        connection: &Connection,
        out: &mut KnownOutputs<'_>,
    ) {
        self.on(event, connection, &mut |output, connection| out(output, connection));
    }

    fn between(&self) -> Between {
        match &self.framer {
            Framer::Http1(http1) => http1.between(),
            _ => Between::default(),
        }
    }

    fn hand_over(
        &mut self,
        turn: Option<FrameRef>,
        connection: &Connection,
        out: &mut KnownOutputs<'_>,
    ) -> HandedOver {
        match &mut self.framer {
            Framer::Http1(http1) => http1.hand_over(turn, &mut |output| out(output, connection)),
            Framer::Detecting(_) => HandedOver::AS_TURNS,
            // What was made known by turns may be other turns.
            Framer::Opaque(opaque) => {
                let exchanges = opaque.ended().turns.map_or(0, |turns| turns.exchanges);
                HandedOver {
                    exchanges,
                    under_way: false,
                    overlapping: true,
                    ..HandedOver::AS_TURNS
                }
            }
            Framer::Told(_) | Framer::Settled(_) => {
                HandedOver { under_way: false, overlapping: true, ..HandedOver::AS_TURNS }
            }
        }
    }
}

/// Whether the event is whole records of TLS.
fn is_tls(event: &StreamEvent<'_>) -> bool {
    matches!(event, StreamEvent::Bytes { bytes, len, .. }
        if usize::try_from(*len).is_ok_and(|len| detect::is_tls_records(bytes, len)))
}

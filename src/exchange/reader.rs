//! One connection is read: it is found out what it speaks, and that is framed.

use super::detect::{self, Protocol};
use super::http1::{Http1, Sureness};
use super::opaque::Opaque;
use super::opening::{Decision, Detecting};
use super::{Ended, Output, ProxyHeader};
use crate::flow::{Connection, Heads, Side, StreamEvent, StreamReader};

/// Follows one connection, whatever it speaks.
#[derive(Debug, Default)]
pub struct Reader {
    framer: Framer,
}

#[derive(Debug)]
enum Framer {
    /// Nothing was captured yet that tells what it speaks.
    Detecting(Detecting),
    Http1(Box<Http1>),
    /// Known or unknown, but not framed.
    Opaque(Opaque, Option<Box<ProxyHeader>>),
    /// Nothing more is to come: what the end will say. A connection is kept for stragglers for longer
    /// than its messages are of use.
    Settled(Ended),
}

impl Default for Framer {
    fn default() -> Self {
        Self::Detecting(Detecting::default())
    }
}

impl StreamReader for Reader {
    type Output = Output;

    fn sender_of(payload: &[u8]) -> Option<Side> {
        detect::sender_of(payload)
    }

    fn take_heads(&mut self, from: Side) -> Heads {
        match &mut self.framer {
            Framer::Http1(http1) => http1.take_heads(from),
            Framer::Detecting(_) | Framer::Opaque(..) | Framer::Settled(_) => Heads::default(),
        }
    }

    fn on(
        &mut self,
        event: StreamEvent<'_>,
        connection: &Connection,
        out: &mut impl FnMut(Output, &Connection),
    ) {
        if let Framer::Detecting(detecting) = &mut self.framer
            && let Some(decision) = detecting.on(&event, connection)
        {
            let detecting = std::mem::take(detecting);
            self.begin(&detecting, decision, connection, out);
            if let Some(event) = detecting.behind_header(event) {
                self.read(event, connection, out);
            }
            return;
        }
        self.read(event, connection, out);
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
                let proxied = detecting.proxied.clone();
                self.framer = Framer::Opaque(Opaque::new(protocol, asked), proxied);
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

    fn read(
        &mut self,
        event: StreamEvent<'_>,
        connection: &Connection,
        out: &mut impl FnMut(Output, &Connection),
    ) {
        let settled = matches!(event, StreamEvent::Settled);
        let ended = match &mut self.framer {
            Framer::Http1(http1) if http1.seeks() && is_tls(&event) => {
                self.framer = Framer::Opaque(Opaque::new(Protocol::Tls, None), None);
                None
            }
            Framer::Http1(http1) => {
                http1.on(event, connection, out);
                if http1.is_other() {
                    let proxied = http1.proxied.map(Box::new);
                    self.framer = Framer::Opaque(Opaque::new(Protocol::Opaque, None), proxied);
                    return;
                }
                settled.then(|| http1.ended())
            }
            Framer::Opaque(opaque, proxied) => {
                opaque.on(event);
                settled.then(|| opaque.ended(proxied.as_deref().copied()))
            }
            // Its handshake may still come, after what was an older connection's.
            Framer::Detecting(detecting) => {
                if let StreamEvent::End = event {
                    out(Output::Ended(detecting.ended(connection)), connection);
                }
                None
            }
            Framer::Settled(ended) => {
                if let StreamEvent::End = event {
                    out(Output::Ended(*ended), connection);
                }
                None
            }
        };
        if let Some(ended) = ended {
            self.framer = Framer::Settled(ended);
        }
    }
}

/// Whether the event is whole records of TLS.
fn is_tls(event: &StreamEvent<'_>) -> bool {
    matches!(event, StreamEvent::Bytes { bytes, len, .. }
        if usize::try_from(*len).is_ok_and(|len| detect::is_tls_records(bytes, len)))
}

//! Who closed first, and how.

use crate::flow::{Connection, Mark, Side};
use crate::packet::FrameRef;

/// How a connection was ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseKind {
    /// In order.
    Fin,
    /// At once.
    Rst,
}

/// The close that ended a connection.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    /// The side that closed.
    pub by: Side,
    /// How.
    pub kind: CloseKind,
    /// The FIN or RST.
    pub mark: Mark,
    /// The other side sent a FIN as well, and neither knew of the other's: who closed first is open.
    pub contested: bool,
}

impl Closing {
    /// The time to live of a reset, and the usual one of all else from the side that it seems to come from, where
    /// these differ: something between sent it.
    pub fn foreign_ttl(&self, connection: &Connection) -> Option<(u8, u8)> {
        let usual = connection.half(self.by).ttl?;
        let ttl = self.mark.ttl;
        (self.kind == CloseKind::Rst && ttl != usual).then_some((ttl, usual))
    }

    /// The close as it is told of what failed.
    pub fn told(&self, received: Option<Received>) -> Close {
        let by = match self.by {
            Side::Server => Closer::Backend,
            Side::Client => Closer::Proxy,
        };
        Close { by, kind: self.kind, frame: self.mark.frame, received }
    }
}

/// The first close of a connection; `None` when none was captured.
///
/// A close that acknowledges the other side's came second. Where neither knew of the other, the
/// order of the capture decides.
pub fn first(connection: &Connection) -> Option<Closing> {
    let (server, client) = (of(connection, Side::Server), of(connection, Side::Client));
    match (server, client) {
        (Some(server), Some(client)) => {
            let (server_knows, client_knows) = (knows(&server, &client), knows(&client, &server));
            let fins = server.kind == CloseKind::Fin && client.kind == CloseKind::Fin;
            let by_server = client_knows || !server_knows && server.mark.order < client.mark.order;
            let first = if by_server { server } else { client };
            Some(Closing { contested: fins && !server_knows && !client_knows, ..first })
        }
        (one, other) => one.or(other),
    }
}

/// The first close of one side.
pub fn of(connection: &Connection, side: Side) -> Option<Closing> {
    let half = connection.half(side);
    let closing = |kind| move |mark| Closing { by: side, kind, mark, contested: false };
    let fin = half.fin.map(closing(CloseKind::Fin));
    let rst = half.rst.map(closing(CloseKind::Rst));
    match (fin, rst) {
        (Some(fin), Some(rst)) => Some(if fin.mark.order < rst.mark.order { fin } else { rst }),
        (one, other) => one.or(other),
    }
}

/// `later` acknowledges the FIN of `earlier`.
fn knows(later: &Closing, earlier: &Closing) -> bool {
    earlier.kind == CloseKind::Fin && later.mark.ack.is_some_and(|ack| ack > earlier.mark.pos)
}

/// How the connection of a failed exchange ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Close {
    /// Who did it.
    pub by: Closer,
    /// How.
    pub kind: CloseKind,
    /// The frame.
    pub frame: FrameRef,
    /// How much of the request it acknowledges; `None` when that is not known, or there is none.
    pub received: Option<Received>,
}

/// Who ended a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closer {
    /// The server side.
    Backend,
    /// The client side.
    Proxy,
    /// Something between.
    Path,
}

/// How much of a request was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Received {
    /// No byte.
    None,
    /// Some.
    Part,
    /// Every byte.
    All,
}

//! Who closed first, and how.

use super::CloseKind;
use crate::flow::{Connection, Mark, Side};

/// The close that ended a connection.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    /// The side that closed.
    pub by: Side,
    /// How.
    pub kind: CloseKind,
    /// The FIN or RST.
    pub mark: Mark,
}

/// The first close of a connection; `None` when none was captured.
///
/// A close that acknowledges the other side's came second. Where neither knew of the other, the
/// order of the capture decides.
pub fn first(connection: &Connection) -> Option<Closing> {
    let (server, client) = (of(connection, Side::Server), of(connection, Side::Client));
    match (server, client) {
        (Some(server), Some(client)) => {
            let first = if knows(&server, &client) {
                client
            } else if knows(&client, &server) || server.mark.order < client.mark.order {
                server
            } else {
                client
            };
            Some(first)
        }
        (one, other) => one.or(other),
    }
}

/// The first close of one side.
fn of(connection: &Connection, side: Side) -> Option<Closing> {
    let half = connection.half(side);
    let closing = |kind| move |mark| Closing { by: side, kind, mark };
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

//! Who closed first, and how.

use super::{Case, CloseKind};
use crate::exchange::Outcome;
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
    /// The other side sent a FIN as well, and neither knew of the other's: who closed first is open.
    pub contested: bool,
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

/// Both sides closed, and neither knew: who was first does not matter where the backend's FIN says that
/// it had nothing of the request, or ends its answer in the middle.
pub(super) fn decided(case: &Case<'_>, closing: Closing) -> Closing {
    let server = of(case.connection, Side::Server).filter(|_| closing.contested);
    let had_none = |mark: Mark| mark.ack.is_some_and(|ack| ack <= case.exchange.request.start);
    let decides = |close: &Closing| {
        case.exchange.outcome == Outcome::Partial || case.is_reused() && had_none(close.mark)
    };
    server.filter(decides).unwrap_or(closing)
}

/// The first close of one side.
fn of(connection: &Connection, side: Side) -> Option<Closing> {
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

//! One attempt to get an answer, an exchange or a connect: what was captured of it, and what else is known
//! of it. Facts, no judgement, in whatever order they became known.

use super::kernel::Ends;
use super::listening::Listening;
use super::losses::Losses;
use crate::base::time::Timestamp;
use crate::exchange::{Ended, Exchange};
use crate::flow::{Connection, Leg, Side};
use crate::packet::{Endpoint, FrameRef};
use std::sync::Arc;

/// What was tried.
#[derive(Clone, Copy, Debug)]
pub enum Tried<'a> {
    /// A request on a connection.
    Exchange(&'a Exchange),
    /// A connection, on which nothing was asked.
    Connect(&'a Ended),
}

/// All that is known of one attempt: what a judge may ask.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// What was tried, as it was captured first.
    pub tried: Tried<'a>,
    /// The connection that it was made on, as it was captured first.
    pub connection: &'a Connection,
    /// What the kernel says of the connection's ends.
    pub kernel: Option<&'a Ends>,
    /// Views of the same attempt, as it was captured elsewhere.
    pub elsewhere: &'a [Arc<KeptAttempt>],
    /// What is known of its client.
    pub client: ClientFacts,
    /// When the watch itself lost frames, at this place.
    pub losses: Losses,
}

impl<'a> Facts<'a> {
    /// What packets show of an exchange at one place, and nothing else.
    pub const fn of_exchange(exchange: &'a Exchange, connection: &'a Connection) -> Self {
        Self::captured(Tried::Exchange(exchange), connection)
    }

    /// What packets show of a connection at one place, and nothing else.
    pub const fn of_connect(ended: &'a Ended, connection: &'a Connection) -> Self {
        Self::captured(Tried::Connect(ended), connection)
    }

    const fn captured(tried: Tried<'a>, connection: &'a Connection) -> Self {
        let (client, losses) = (ClientFacts::NONE, Losses::NONE);
        Self { tried, connection, kernel: None, elsewhere: &[], client, losses }
    }
}

/// What the front leg and the proxy's log show of the client of an attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClientFacts {
    /// A client that asked the same of the proxy left it.
    pub left: Option<ClientLeft>,
    /// That was not the client of this attempt.
    pub other: bool,
    /// The log says that its client left.
    pub logged: Option<LoggedLeft>,
    /// The proxy answered it with an error of its own while the attempt was outstanding.
    pub errored: Option<ClientError>,
}

impl ClientFacts {
    /// Nothing is known.
    pub const NONE: Self = Self { left: None, other: false, logged: None, errored: None };
}

/// An error that a client got of the proxy, on the front leg.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientError {
    /// When it came.
    pub at: Timestamp,
    /// No other attempt can be the one that it is about.
    pub sure: bool,
}

/// A client that left the proxy, on the front leg.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientLeft {
    /// The client's address and port.
    pub client: Endpoint,
    /// The client's close.
    pub frame: FrameRef,
}

/// A line of the proxy's log: its client left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoggedLeft {
    /// The status that stands there, if one does.
    pub status: Option<u16>,
}

/// An attempt that is kept: what was captured of it at one place, and what its host says of it.
#[derive(Clone, Debug)]
pub struct KeptAttempt {
    kept: KeptTried,
    connection: Connection,
    /// What the kernel says of the connection's ends, where they are on this very host.
    pub kernel: Option<Box<Ends>>,
    /// What its backend's host says of its ports, where that is this very host.
    pub listening: Option<Box<Listening>>,
    /// When the watch itself lost frames.
    pub losses: Losses,
}

#[derive(Clone, Debug)]
enum KeptTried {
    Exchange(Box<Exchange>),
    Connect(Box<Ended>),
}

impl KeptAttempt {
    /// An exchange, as it was captured.
    pub fn exchange(exchange: Box<Exchange>, connection: &Connection) -> Self {
        Self::new(KeptTried::Exchange(exchange), connection)
    }

    /// A connection on which nothing was asked, as it was captured.
    pub fn connect(ended: Ended, connection: &Connection) -> Self {
        Self::new(KeptTried::Connect(Box::new(ended)), connection)
    }

    fn new(kept: KeptTried, connection: &Connection) -> Self {
        let losses = Losses::NONE;
        Self { kept, connection: connection.clone(), kernel: None, listening: None, losses }
    }

    /// What was tried.
    pub fn tried(&self) -> Tried<'_> {
        match &self.kept {
            KeptTried::Exchange(exchange) => Tried::Exchange(exchange),
            KeptTried::Connect(ended) => Tried::Connect(ended),
        }
    }

    /// The exchange, if it is one.
    pub fn as_exchange(&self) -> Option<&Exchange> {
        match &self.kept {
            KeptTried::Exchange(exchange) => Some(exchange),
            KeptTried::Connect(_) => None,
        }
    }

    /// The connection that it was made on.
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The client side, as it was captured first.
    pub fn client(&self) -> Endpoint {
        let twin = self.connection.same_as.as_deref();
        twin.map_or(self.connection.client, |twin| twin.client)
    }

    /// The server side, as it was captured first.
    pub fn server(&self) -> Endpoint {
        let twin = self.connection.same_as.as_deref();
        twin.map_or(self.connection.server, |twin| twin.server)
    }

    /// The leg of its connection.
    pub fn leg(&self) -> Leg {
        self.connection().leg()
    }

    /// The connection's number, as it was captured first.
    pub fn number(&self) -> u64 {
        let twin = self.connection.same_as.as_deref();
        twin.map_or(self.connection.number, |twin| twin.number)
    }

    /// A connect that was answered by a reset.
    pub fn is_refused(&self) -> bool {
        let reset = self.connection.half(Side::Server).rst.is_some();
        reset && self.connection.syn_ack.is_none() && matches!(self.kept, KeptTried::Connect(_))
    }

    /// What is known of it, with what is known from elsewhere.
    pub fn facts<'a>(&'a self, elsewhere: &'a [Arc<Self>], client: ClientFacts) -> Facts<'a> {
        let (tried, connection, kernel) = (self.tried(), &self.connection, self.kernel.as_deref());
        Facts { tried, connection, kernel, elsewhere, client, losses: self.losses }
    }
}

//! What a reader makes known: exchanges, and the end of its connection.

use super::{Outcome, Protocol, ProxyHeader, Request, RequestDigest, Response, Turns, TurnsEnded};
use crate::packet::FrameRef;
use crate::streams::tls::TlsFacts;
use std::sync::Arc;
use std::time::Duration;

/// A request, and what became of it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Counts the exchanges of its connection from 0.
    pub ordinal: u32,
    /// What it is framed by.
    pub protocol: Protocol,
    /// What was asked.
    pub request: Request,
    /// What was answered, as far as it got.
    pub response: Option<Response>,
    /// The frame after which nothing was outstanding: the last of the response before, or the end
    /// of the handshake. `None` when the capture begins later, or requests overlap.
    pub quiet_since: Option<FrameRef>,
    /// The last interim response (1xx) that came to it.
    pub interim: Option<FrameRef>,
    /// The response before this one announced that the connection would be closed.
    pub close_announced: bool,
    /// The header of the PROXY protocol that came right before it.
    pub proxied: Option<ProxyHeader>,
    /// The status of an answer that the server sent unasked, before this or while it was on its way.
    pub unasked: Option<u16>,
    /// What became of the exchange before it could not be read: how long the connection had been idle is
    /// less sure than it looks.
    pub blind: bool,
    /// Whether a tunnel began before it, by a CONNECT or its answer that were not captured: then this is
    /// between others than the ends of the connection.
    pub tunnel: Tunnel,
    /// What its turns show, where it is framed by them and not by heads.
    pub turns: Option<Turns>,
    /// What became of it.
    pub outcome: Outcome,
}

impl Exchange {
    /// How long the connection had been idle when the request came.
    pub fn idle_gap(&self) -> Option<Duration> {
        self.quiet_since.map(|quiet| self.request.first.at.since(quiet.at))
    }
}

/// Whether what follows on a connection may be inside of a tunnel whose beginning was not captured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Tunnel {
    /// Nothing that could open one was missed.
    #[default]
    None,
    /// The first request was missed, and so was its answer.
    Possible,
    /// What was captured of that exchange looks like it.
    Likely,
}

/// A connection at its end.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What it spoke.
    pub protocol: Protocol,
    /// Exchanges made known.
    pub exchanges: u32,
    /// The frame after which nothing was outstanding, if nothing is.
    pub quiet_since: Option<FrameRef>,
    /// Segments of the server that answer nothing.
    pub surplus: u32,
    /// The last answer announced that the connection would be closed.
    pub close_announced: bool,
    /// What it spoke after an upgrade, where that is HTTP or TLS.
    pub upgraded: Option<Protocol>,
    /// The two sides speak different protocols.
    pub mismatch: Option<Mismatch>,
    /// What the last request was, to know probes by: method and target; `None` when it was made for a
    /// client, or there was none.
    pub last_asked: Option<RequestDigest>,
    /// The header of the PROXY protocol that it begins with.
    pub proxied: Option<ProxyHeader>,
    /// Payload was sent, and not one byte of it was captured that would tell what it is.
    pub unseen: bool,
    /// What its turns came to, where it was framed by them and not by heads.
    pub turns: Option<TurnsEnded>,
    /// What its TLS handshake said, where it spoke that.
    pub tls: Option<Arc<TlsFacts>>,
    /// What was told of what it said, where it spoke TLS and somebody might have told.
    pub told: Option<ToldText>,
}

/// How much of what a TLS connection said was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ToldText {
    /// All of it that was captured.
    Read,
    /// What came first.
    Begun,
    /// Nothing.
    Unread,
}

/// What a reader of a connection makes known.
#[derive(Clone, Debug)]
pub enum Output {
    /// The fate of a request, if nothing more comes: its client has closed. The last word follows.
    SoFar(Box<Exchange>),
    /// The fate of a request.
    Exchange(Box<Exchange>),
    /// The end of the connection; comes last.
    Ended(Ended),
}

impl Output {
    /// The exchange, if it is one.
    pub fn exchange(&self) -> Option<&Exchange> {
        match self {
            Self::SoFar(exchange) | Self::Exchange(exchange) => Some(exchange),
            Self::Ended(_) => None,
        }
    }
}

/// The server answered in another protocol than it was asked in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// What the client spoke.
    pub asked: Protocol,
    /// What the server spoke.
    pub answered: Protocol,
    /// The client's first frame.
    pub request: FrameRef,
    /// The server's first frame.
    pub answer: FrameRef,
}

//! Connections that are not framed: what they speak, and whether the two sides speak the same.

use super::detect::{self, Protocol};
use super::{Ended, Mismatch, ProxyHeader, RequestDigest};
use crate::flow::{Side, StreamEvent, StreamPos};
use crate::packet::FrameRef;

/// Follows a connection whose content is not read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opaque {
    protocol: Protocol,
    /// Where the client opened, and with which frame, as long as the server has not answered.
    asked: Option<(StreamPos, FrameRef)>,
    mismatch: Option<Mismatch>,
}

impl Opaque {
    /// A connection that speaks `protocol`, and that the client opened with what is `asked`, if its
    /// beginning was captured.
    pub(super) fn new(protocol: Protocol, asked: Option<(StreamPos, FrameRef)>) -> Self {
        Self { protocol, asked, mismatch: None }
    }

    pub(super) fn ended(&self, proxied: Option<ProxyHeader>) -> Ended {
        Ended {
            protocol: self.protocol,
            exchanges: 0,
            quiet_since: None,
            surplus: 0,
            close_announced: false,
            upgraded: None,
            mismatch: self.mismatch,
            last_asked: (self.protocol == Protocol::None).then_some(RequestDigest::NOTHING),
            proxied,
            unseen: false,
        }
    }

    pub(super) fn on(&mut self, event: StreamEvent<'_>) {
        match event {
            // What is missing may be the answer.
            StreamEvent::Gap { .. } => self.asked = None,
            StreamEvent::Bytes { from: Side::Server, bytes, ack, frame, .. } => {
                // A greeting that crossed the client's first bytes answers nothing.
                if let Some((pos, request)) = self.asked.take()
                    && ack.is_some_and(|ack| ack > pos)
                {
                    self.mismatch = self.mismatch(bytes, request, frame);
                }
            }
            _ => {}
        }
    }

    /// What the server's first bytes say against what it was asked.
    fn mismatch(&self, bytes: &[u8], request: FrameRef, answer: FrameRef) -> Option<Mismatch> {
        let answered = detect::answered(bytes, self.protocol)?;
        let differs = match self.protocol {
            Protocol::Tls => answered != Protocol::Tls,
            // A frame of HTTP/2 has no mark of its own.
            Protocol::Http2 => matches!(answered, Protocol::Http1 | Protocol::Tls),
            Protocol::None | Protocol::Http1 | Protocol::Opaque => false,
        };
        let asked = self.protocol;
        differs.then_some(Mismatch { asked, answered, request, answer })
    }
}

//! What the handshake of one connection says in clear.

use super::AlertSeen;
use crate::flow::{Side, StreamPos};
use crate::packet::FrameRef;
use std::net::IpAddr;
use std::time::Duration;

/// Certificates of one chain that are kept.
pub(super) const MAX_CERTIFICATES: usize = 4;
/// Names of one certificate that are kept.
pub(super) const MAX_NAMES: usize = 4;
/// Protocols of one offer that are kept.
pub(super) const MAX_ALPN: usize = 16;
/// Alerts of one connection that are kept.
pub(super) const MAX_ALERTS: usize = 16;
/// Bytes of one name that are kept.
const MAX_NAME: usize = 255;

/// As much of a name as is kept.
pub(super) fn capped(name: &[u8]) -> Box<[u8]> {
    name.get(..MAX_NAME).unwrap_or(name).into()
}

/// A version of TLS or SSL as it stands on the wire: 0x0303 is TLS 1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TlsVersion(pub u16);

impl TlsVersion {
    /// TLS 1.2.
    pub const TLS_1_2: Self = Self(0x0303);
    /// TLS 1.3.
    pub const TLS_1_3: Self = Self(0x0304);

    /// TLS 1.3 or one of its drafts.
    pub const fn is_1_3(self) -> bool {
        self.0 == Self::TLS_1_3.0 || self.is_draft()
    }

    /// A draft of TLS 1.3.
    pub(super) const fn is_draft(self) -> bool {
        matches!(self.0, 0x7f00..=0x7fff)
    }

    /// No value that clients send to keep servers tolerant (RFC 8701).
    pub(super) const fn is_known(self) -> bool {
        matches!(self.0, 0x0002 | 0x0300..=0x0304) || self.is_draft()
    }

    /// Orders versions, the drafts between 1.2 and 1.3.
    pub(super) const fn rank(self) -> (bool, u16) {
        if self.0 == Self::TLS_1_3.0 { (true, u16::MAX) } else { (self.is_draft(), self.0) }
    }
}

/// How far the handshake came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Handshake {
    /// None: it began before the capture, or never.
    #[default]
    NotSeen,
    /// The client's hello has no answer yet.
    Hello,
    /// The server has answered.
    Open,
    /// The client may speak: both Finished were sent, in TLS 1.3 the client's, or application data came.
    Done,
}

/// An alert, who sent it, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertFact {
    /// The sender.
    pub by: Side,
    /// What of it can be read.
    pub seen: AlertSeen,
    /// Where its record begins.
    pub pos: StreamPos,
    /// The frame in which it ends.
    pub frame: FrameRef,
}

impl AlertFact {
    /// Whether it ends the connection under `version`; `None` where it is encrypted. From TLS 1.3 on the level
    /// says nothing (RFC 8446, section 6).
    pub fn is_fatal(&self, version: Option<TlsVersion>) -> Option<bool> {
        let AlertSeen { level, description, .. } = self.seen;
        match (version.is_some_and(TlsVersion::is_1_3), level, description) {
            // close_notify, user_canceled.
            (_, _, Some(0 | 90)) => Some(false),
            (true, _, Some(_)) => Some(true),
            (_, level, _) => level.map(|level| level == 2),
        }
    }
}

/// A certificate; what was not captured is `None`. Names are bytes as they were sent, and may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The subject's common name.
    pub subject: Option<Box<[u8]>>,
    /// The issuer's common name.
    pub issuer: Option<Box<[u8]>>,
    /// The issuer's organization.
    pub issuer_organization: Option<Box<[u8]>>,
    /// Hosts it is for.
    pub dns: Vec<Box<[u8]>>,
    /// Addresses it is for.
    pub ips: Vec<IpAddr>,
    /// Valid from, in seconds since 1970.
    pub not_before: Option<i64>,
    /// Valid until, in seconds since 1970.
    pub not_after: Option<i64>,
    /// Issuer and subject are one: it signed itself, as far as its names say.
    pub self_issued: Option<bool>,
}

/// What the handshake of one connection says in clear, and when its parts came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFacts {
    /// How far it came.
    pub handshake: Handshake,
    /// The highest version that the client offers.
    pub offered: Option<TlsVersion>,
    /// The version that the server chose.
    pub chosen: Option<TlsVersion>,
    /// The host that the client asked for; with `ech` it may be another's.
    pub sni: Option<Box<[u8]>>,
    /// The client's hello was read to its end: what it does not offer it did not offer.
    pub hello_whole: bool,
    /// The client sent an encrypted hello too, or what looks like one (browsers do that without a need).
    pub ech: bool,
    /// The protocols that the client offers.
    pub alpn_offered: Vec<Box<[u8]>>,
    /// The protocol that the server chose; hidden from TLS 1.3 on.
    pub alpn: Option<Box<[u8]>>,
    /// The cipher suite that the server chose.
    pub cipher: Option<u16>,
    /// The server asked for another hello.
    pub hello_retry: bool,
    /// An earlier session goes on.
    pub resumed: Option<bool>,
    /// The client sent application data before the server's hello.
    pub early_data: bool,
    /// The server asked for a certificate; up to TLS 1.2, or where the client sent one.
    pub certificate_requested: bool,
    /// The client answered with a certificate, or with none though it was asked. From TLS 1.3 on by the
    /// lengths of its records.
    pub client_certificate: Option<bool>,
    /// The server's certificates, up to TLS 1.2.
    pub certificates: Vec<CertificateFacts>,
    /// Each is followed by its issuer's; `None` where not all were captured.
    pub chain_in_order: Option<bool>,
    /// Alerts, those included that only have the length of one.
    pub alerts: Vec<AlertFact>,
    /// The client's hello.
    pub client_hello: Option<FrameRef>,
    /// The server's hello.
    pub server_hello: Option<FrameRef>,
    /// What made the handshake `Done`.
    pub done: Option<FrameRef>,
    /// The client's first application data.
    pub first_request: Option<FrameRef>,
}

impl TlsFacts {
    /// How long the handshake took.
    pub fn handshake_time(&self) -> Option<Duration> {
        self.done.zip(self.client_hello).map(|(done, hello)| done.at.since(hello.at))
    }

    /// The client's hello was captured, and nothing was asked behind it.
    pub fn is_nothing_asked(&self) -> bool {
        self.client_hello.is_some() && self.first_request.is_none()
    }

    /// The first alert in clear that ends the connection.
    pub fn fatal(&self) -> Option<&AlertFact> {
        self.alerts.iter().find(|alert| alert.is_fatal(self.chosen) == Some(true))
    }

    pub(super) fn alert(&mut self, alert: AlertFact) {
        if self.alerts.len() < MAX_ALERTS {
            self.alerts.push(alert);
        }
    }
}

//! `--format jsonl`: one record a line, as they become known.
//!
//! They stand here and not in `render`, because the analysis makes them while it goes on; what is made of
//! a whole report is in `render`.

use super::model::{self, AliasRecord};
use crate::base::escape;
use crate::base::time::{Timestamp, nanos};
use crate::exchange::{Ended, Exchange, Protocol, Response};
use crate::facts::closing;
use crate::flow::{Connection, Side, Start};
use crate::packet::Endpoint;
use crate::streams::tls::{AlertFact, CertificateFacts, TlsFacts, cipher_name};
use crate::topology::roles::Role;
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};

/// A line.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Record {
    /// A request, and what became of it.
    Exchange(ExchangeRecord),
    /// A connection at its end.
    Connection(ConnectionRecord),
    /// A failure.
    Failure(Box<model::FailureRecord>),
    /// What was learned of a failure later.
    Revision(RevisionRecord),
    /// Frames that a watch lost itself.
    Loss(LossRecord),
    /// A watch goes on.
    Heartbeat(HeartbeatRecord),
    /// Comes last: everything but the failures.
    Summary(serde_json::Map<String, serde_json::Value>),
}

impl Record {
    /// The last line: the report without its failures, which were told before.
    pub fn summary(mut report: model::Report) -> Self {
        report.failures.clear();
        let fields = match serde_json::to_value(report) {
            Ok(serde_json::Value::Object(fields)) => fields,
            // A report is an object, with strings for keys.
            _ => serde_json::Map::new(),
        };
        Self::Summary(fields.into_iter().filter(|(name, _)| name != "failures").collect())
    }
}

/// What was learned of a failure after it was told.
#[derive(Clone, Debug, Serialize)]
pub struct RevisionRecord {
    /// The failure's id.
    pub id: String,
    /// The failure turned out to be none.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub retracted: bool,
    /// Fields that are no longer what they were, as they are now.
    #[serde(flatten)]
    pub changed: serde_json::Map<String, serde_json::Value>,
    /// The failure as it would be told now, where it is withdrawn while somebody watches.
    #[serde(skip)]
    pub withdrawn: Option<Box<model::FailureRecord>>,
}

/// One exchange of any connection, judged or not.
#[derive(Clone, Debug, Serialize)]
pub struct ExchangeRecord {
    connection: u64,
    at: Timestamp,
    proxy: Endpoint,
    backend: Endpoint,
    ordinal: u32,
    protocol: Protocol,
    method: Option<String>,
    target: Option<String>,
    status: Option<u16>,
    idle_gap_ns: Option<u64>,
    wait_ns: Option<u64>,
    duration_ns: Option<u64>,
    request_bytes: u64,
    response_bytes: u64,
    first_frame: u64,
    last_frame: u64,
    failed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<AliasRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<u32>,
}

/// One TCP connection.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectionRecord {
    connection: u64,
    client: Endpoint,
    server: Endpoint,
    start: ConnectionStart,
    protocol: Protocol,
    opened_at: Timestamp,
    last_at: Timestamp,
    first_frame: u64,
    last_frame: u64,
    client_segments: u64,
    server_segments: u64,
    client_bytes: u64,
    server_bytes: u64,
    client_fin: u64,
    server_fin: u64,
    client_rst: u64,
    server_rst: u64,
    exchanges: u32,
    capture_gaps: u32,
    closed_by: Option<ConnectionSide>,
    role: Role,
    same_as: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<AliasRecord>,
    proxy_protocol: Option<ProxyProtocol>,
    tls: Option<TlsRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<u32>,
}

/// Frames that a watch lost itself, since the last record of the same interface.
#[derive(Clone, Debug, Serialize)]
pub struct LossRecord {
    /// When it was looked.
    pub at: Timestamp,
    /// None of these was lost before this.
    pub since: Timestamp,
    /// The interface; all that are watched where they share a buffer.
    pub interface: String,
    /// The kernel's buffer was full.
    pub kernel_drops: u64,
    /// The interface or its driver lost them.
    pub interface_drops: u64,
}

/// That a watch goes on, and what it has counted since its beginning.
#[derive(Clone, Debug, Serialize)]
pub struct HeartbeatRecord {
    /// When.
    pub at: Timestamp,
    /// Frames taken.
    pub frames: u64,
    /// TCP segments among them.
    pub segments: u64,
    /// TCP connections.
    pub connections: u64,
    /// Exchanges of all connections, each at its end.
    pub exchanges: u64,
    /// Failures told, less those that were withdrawn.
    pub failed: u64,
    /// Frames lost by the kernel's buffer and the interfaces.
    pub dropped: u64,
}

/// How a connection was picked up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionStart {
    /// At its handshake.
    Handshake,
    /// In the middle.
    Midstream,
}

/// A side of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionSide {
    /// Who opened it.
    Client,
    /// Who accepted it.
    Server,
}

/// What the TLS handshake of a connection says in clear.
#[derive(Clone, Debug, Serialize)]
struct TlsRecord {
    /// The version that the server chose, as in `TLS 1.2`.
    version: Option<String>,
    /// The server name that the client asked for.
    sni: Option<String>,
    /// The protocol that the server chose; hidden from TLS 1.3 on.
    alpn: Option<String>,
    alpn_offered: Vec<String>,
    cipher: Option<String>,
    /// An earlier session goes on.
    resumed: Option<bool>,
    /// The client sent data before the server's hello.
    early_data: bool,
    /// The server asked for another hello.
    hello_retry: bool,
    /// The client sent an encrypted hello too, or what looks like one: `sni` may be another's.
    ech: bool,
    /// The server asked for a certificate, as far as that shows.
    certificate_requested: bool,
    client_certificate: Option<bool>,
    /// The server's certificates, its own first; hidden from TLS 1.3 on.
    certificates: Vec<CertificateRecord>,
    /// Each is followed by its issuer's.
    chain_in_order: Option<bool>,
    /// From the client's hello to the end of the handshake.
    handshake_ns: Option<u64>,
    alerts: Vec<TlsAlertRecord>,
}

/// A certificate: whose it is, by whom, and its validity in seconds since 1970.
#[derive(Clone, Debug, Serialize)]
struct CertificateRecord {
    subject: Option<String>,
    issuer: Option<String>,
    names: Vec<String>,
    not_before: Option<i64>,
    not_after: Option<i64>,
}

impl CertificateRecord {
    fn of(facts: &CertificateFacts) -> Self {
        let shown = |name: Option<&[u8]>| name.map(escape::text);
        let issuer = facts.issuer.as_deref().or(facts.issuer_organization.as_deref());
        let dns = facts.dns.iter().map(|name| escape::text(name));
        Self {
            subject: shown(facts.subject.as_deref()),
            issuer: shown(issuer),
            names: dns.chain(facts.ips.iter().map(ToString::to_string)).collect(),
            not_before: facts.not_before,
            not_after: facts.not_after,
        }
    }
}

/// An alert; without a name where it is encrypted, or was not captured.
#[derive(Clone, Debug, Serialize)]
struct TlsAlertRecord {
    by: ConnectionSide,
    name: Option<String>,
    encrypted: bool,
    frame: u64,
}

impl TlsRecord {
    fn of(facts: &TlsFacts) -> Self {
        let alert = |alert: &AlertFact| TlsAlertRecord {
            by: match alert.by {
                Side::Client => ConnectionSide::Client,
                Side::Server => ConnectionSide::Server,
            },
            name: alert.seen.name().map(Cow::into_owned),
            encrypted: alert.seen.encrypted,
            frame: alert.frame.number,
        };
        Self {
            version: facts.chosen.map(|version| version.to_string()),
            sni: facts.sni.as_deref().map(escape::text),
            alpn: facts.alpn.as_deref().map(escape::text),
            alpn_offered: facts.alpn_offered.iter().map(|name| escape::text(name)).collect(),
            cipher: facts.cipher.map(|cipher| cipher_name(cipher).into_owned()),
            resumed: facts.resumed,
            early_data: facts.early_data,
            hello_retry: facts.hello_retry,
            ech: facts.ech,
            certificate_requested: facts.certificate_requested,
            client_certificate: facts.client_certificate,
            certificates: facts.certificates.iter().map(CertificateRecord::of).collect(),
            chain_in_order: facts.chain_in_order,
            handshake_ns: facts.handshake_time().map(nanos),
            alerts: facts.alerts.iter().map(alert).collect(),
        }
    }
}

/// The header of the PROXY protocol that a connection begins with.
#[derive(Clone, Debug, Serialize)]
struct ProxyProtocol {
    version: u8,
    source: Option<Endpoint>,
}

impl ExchangeRecord {
    /// Of one exchange. With several captures, the records say which.
    pub fn new(
        exchange: &Exchange,
        connection: &Connection,
        failed: bool,
        show_secrets: bool,
        several: bool,
    ) -> Self {
        let request = &exchange.request;
        let head = request.head.as_ref();
        let response = exchange.response.as_ref();
        let unseen = head.is_none() && request.unread.is_some();
        Self {
            connection: connection.number,
            at: request.first.at,
            proxy: connection.client,
            backend: connection.server,
            ordinal: exchange.ordinal,
            protocol: exchange.protocol,
            method: head.map(|head| escape::text(head.method())),
            target: head.map(|head| escape::target(head.target(), show_secrets)),
            status: response.and_then(|response| response.status),
            idle_gap_ns: exchange.idle_gap().map(nanos),
            wait_ns: response
                .filter(|_| !unseen)
                .map(|response| nanos(response.first.at.since(request.last.at))),
            duration_ns: response.map(|response| nanos(response.last.at.since(request.first.at))),
            request_bytes: request.end.since(request.start),
            response_bytes: response.map_or(0, length_of),
            first_frame: request.first.number,
            last_frame: response.map_or(request.last, |response| response.last).number,
            failed,
            aliases: AliasRecord::all(connection.aliases()),
            capture: several.then_some(request.first.capture),
        }
    }
}

impl ConnectionRecord {
    /// Of one connection, `role` being that of its listener as far as is known.
    pub fn new(ended: &Ended, connection: &Connection, role: Role, several: bool) -> Self {
        let (client, server) = (connection.half(Side::Client), connection.half(Side::Server));
        Self {
            connection: connection.number,
            client: connection.client,
            server: connection.server,
            start: match connection.start {
                Start::Handshake => ConnectionStart::Handshake,
                Start::Midstream => ConnectionStart::Midstream,
            },
            protocol: ended.protocol,
            opened_at: connection.opened.at,
            last_at: connection.last.at,
            first_frame: connection.opened.number,
            last_frame: connection.last.number,
            client_segments: client.segments,
            server_segments: server.segments,
            client_bytes: client.bytes,
            server_bytes: server.bytes,
            client_fin: client.fins,
            server_fin: server.fins,
            client_rst: client.rsts,
            server_rst: server.rsts,
            exchanges: ended.exchanges,
            capture_gaps: client.gaps.saturating_add(server.gaps),
            closed_by: closing::first(connection).map(|closing| match closing.by {
                Side::Client => ConnectionSide::Client,
                Side::Server => ConnectionSide::Server,
            }),
            role,
            same_as: connection.same_as.as_deref().map(|twin| twin.number),
            aliases: AliasRecord::all(connection.aliases()),
            proxy_protocol: ended
                .proxied
                .map(|header| ProxyProtocol { version: header.version, source: header.source }),
            tls: ended.tls.as_deref().map(TlsRecord::of),
            capture: several.then_some(connection.opened.capture),
        }
    }
}

/// Writes one record as one line.
///
/// # Errors
/// When writing fails.
pub fn write(record: &Record, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, record)?;
    writeln!(out)
}

/// How long a response was: of a whole one its head and its body, for in TLS more than these lies on the wire.
fn length_of(response: &Response) -> u64 {
    if response.head_complete && response.complete && response.flaw.is_none() {
        return response.head_len.saturating_add(response.received);
    }
    response.end.since(response.start)
}

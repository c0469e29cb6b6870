//! `tls_handshake_failed`: TLS between proxy and backend did not come about.

use super::cause_words::CauseWords;
use crate::base::escape;
use crate::base::time::Timestamp;
use crate::flow::Side;
use crate::streams::tls::{CertificateFacts, TlsFacts, alert_name};
use crate::verdict::HandshakeEnd;
use crate::words::fix::{Fix, FixSide};
use crate::words::phrases::duration;
use crate::words::settings;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["TLS handshake failed", "TLS handshakes failed"],
    page: include_str!("tls_handshake_failed.md"),
    expected_status: &[502, 503],
    helped: Some("each TLS handshake is completed"),
};

/// Alerts by number (RFC 8446, section 6; RFC 6066; RFC 7301).
mod alert {
    pub(super) const HANDSHAKE_FAILURE: u8 = 40;
    pub(super) const CERTIFICATE_REQUIRED: u8 = 116;
    pub(super) const PROTOCOL_VERSION: u8 = 70;
    pub(super) const UNRECOGNIZED_NAME: u8 = 112;
    pub(super) const NO_APPLICATION_PROTOCOL: u8 = 120;
}

pub(super) fn summary(subject: &Subject<'_>, end: HandshakeEnd) -> String {
    let failure = subject.failure;
    let backend = failure.server;
    let after = failure.verdict().wait().map(|wait| format!(" after {}", duration(wait)));
    let after = after.unwrap_or_default();
    let asked = asked_for(failure.tls());
    match end {
        HandshakeEnd::Alert { by: Side::Client, description } => format!(
            "the proxy refused the TLS handshake of {backend} with {}{}",
            named(description),
            presented(failure.tls())
        ),
        HandshakeEnd::Alert { by: Side::Server, description } => format!(
            "the backend {backend} refused the proxy's TLS handshake{asked} with {}",
            named(description)
        ),
        HandshakeEnd::SealedAlert { by: Side::Client } => format!(
            "the proxy broke off the TLS handshake with {backend} by an alert that is encrypted{}",
            presented(failure.tls())
        ),
        HandshakeEnd::SealedAlert { by: Side::Server } => format!(
            "the backend {backend} broke off the proxy's TLS handshake{asked} by an alert that is encrypted"
        ),
        HandshakeEnd::Closed => format!(
            "the backend {backend} closed the connection in the TLS handshake{asked}{after}, without an alert"
        ),
        HandshakeEnd::Reset => format!(
            "the backend {backend} reset the connection in the TLS handshake{asked}{after}, without an alert"
        ),
        HandshakeEnd::ResetBetween { ttl, usual } => format!(
            "something between the proxy and {backend} reset the connection in the TLS handshake{asked} (TTL \
             {ttl}, while all else from there has {usual})"
        ),
        HandshakeEnd::Vanished { copies } => format!(
            "the proxy sent its ClientHello to {backend} {copies} times, and nobody acknowledged it"
        ),
        HandshakeEnd::Silence => format!(
            "the backend {backend} did not answer the proxy's TLS handshake{asked}, and the proxy gave \
             up{after}"
        ),
    }
}

pub(super) fn fix(subject: &Subject<'_>, end: HandshakeEnd) -> Fix {
    let no_name = subject.failure.tls().is_some_and(|tls| tls.hello_whole && tls.sni.is_none());
    let (side, text) = match end {
        HandshakeEnd::Alert { by: Side::Client, .. }
        | HandshakeEnd::SealedAlert { by: Side::Client } => (
            FixSide::Proxy,
            "give the backend a certificate that is valid, for the name that the proxy checks (nginx \
             `proxy_ssl_name`, HAProxy `verifyhost`, Envoy `match_typed_subject_alt_names`), and signed by \
             one that the proxy trusts (nginx `proxy_ssl_trusted_certificate`, HAProxy `ca-file`, Envoy \
             `trusted_ca`)",
        ),
        HandshakeEnd::Alert { description: Some(alert::PROTOCOL_VERSION), .. } => (
            FixSide::Proxy,
            "allow a TLS version that both have (nginx `proxy_ssl_protocols TLSv1.2 TLSv1.3`, HAProxy \
             `ssl-min-ver`, Envoy `tls_params`)",
        ),
        HandshakeEnd::Alert { description: Some(alert::CERTIFICATE_REQUIRED), .. } => (
            FixSide::Proxy,
            "give the proxy a client certificate (nginx `proxy_ssl_certificate` and \
             `proxy_ssl_certificate_key`, HAProxy `crt` on the `server` line, Envoy `tls_certificates`)",
        ),
        HandshakeEnd::Alert { description: Some(alert::NO_APPLICATION_PROTOCOL), .. } => (
            FixSide::Proxy,
            "offer a protocol that the backend speaks (HAProxy `alpn h2,http/1.1` on the `server` line, \
             Envoy `alpn_protocols`)",
        ),
        HandshakeEnd::Alert { description: Some(alert::UNRECOGNIZED_NAME), .. } if !no_name => (
            FixSide::Proxy,
            "ask for a name that the backend has (nginx `proxy_ssl_name`, HAProxy `sni str(name)`, Envoy \
             `sni`)",
        ),
        HandshakeEnd::Alert {
            description: Some(alert::UNRECOGNIZED_NAME | alert::HANDSHAKE_FAILURE),
            ..
        } if no_name => (
            FixSide::Proxy,
            "send the server's name (SNI): nginx `proxy_ssl_server_name on;`, HAProxy `sni req.hdr(host)` on \
             the `server` line, Envoy `sni`",
        ),
        HandshakeEnd::ResetBetween { .. } => (
            FixSide::Path,
            "find what resets the connection between the two: a firewall, a load balancer, an inspection of TLS",
        ),
        HandshakeEnd::Vanished { .. } => (
            FixSide::Path,
            "find what drops it between the two: a hello is larger than what came before, so look at the MTU \
             first, then at firewalls",
        ),
        HandshakeEnd::Silence => (
            FixSide::Backend,
            "check whether this port speaks TLS, and whether the backend is overloaded",
        ),
        HandshakeEnd::Alert { by: Side::Server, .. }
        | HandshakeEnd::SealedAlert { by: Side::Server }
        | HandshakeEnd::Closed
        | HandshakeEnd::Reset => (
            FixSide::Backend,
            "check the backend's log for why it ended the handshake: no cipher or version in common, a name \
             that it does not have, a client certificate that it wants, or a port without TLS",
        ),
    };
    let proxy = settings::proxy_of(&subject.failure.context);
    let product = proxy.filter(|_| side == FixSide::Proxy).map(|(known, _)| known.name);
    Fix { product, ..Fix::on(side, text) }
}

/// `the alert unknown_ca (48)`.
fn named(description: Option<u8>) -> String {
    description.map_or_else(
        || "a fatal alert".to_owned(),
        |number| format!("the alert {} ({number})", alert_name(number)),
    )
}

/// ` for backend.example`: whom the proxy asked for.
fn asked_for(tls: Option<&TlsFacts>) -> String {
    match tls {
        Some(TlsFacts { sni: Some(name), .. }) => format!(" for {}", escape::text(name)),
        Some(TlsFacts { sni: None, hello_whole: true, .. }) => {
            " (without a server name, SNI)".to_owned()
        }
        _ => String::new(),
    }
}

/// `; its certificate, for a.example by Example CA, is valid until 2021-01-01`, where it travels in clear.
fn presented(tls: Option<&TlsFacts>) -> String {
    let Some(CertificateFacts {
        subject,
        issuer,
        issuer_organization,
        dns,
        not_after,
        self_issued,
        ..
    }) = tls.and_then(|tls| tls.certificates.first())
    else {
        return String::new();
    };
    let name = dns.first().or(subject.as_ref()).map(|name| format!(" for {}", escape::text(name)));
    let issuer = issuer.as_ref().or(issuer_organization.as_ref());
    let by = match self_issued {
        Some(true) => Some(" signed by itself".to_owned()),
        _ => issuer.map(|issuer| format!(" by {}", escape::text(issuer))),
    };
    let until = not_after.and_then(|seconds| u64::try_from(seconds).ok()).map(|seconds| {
        let at = Timestamp::from_nanos(seconds.saturating_mul(1_000_000_000));
        format!("valid until {}", at.date())
    });
    let whose = format!("{}{}", name.unwrap_or_default(), by.unwrap_or_default());
    match (whose.is_empty(), until) {
        (true, None) => String::new(),
        (true, Some(until)) => format!("; its certificate is {until}"),
        (false, None) => format!("; its certificate is{whose}"),
        (false, Some(until)) => format!("; its certificate,{whose}, is {until}"),
    }
}

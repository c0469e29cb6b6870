//! Envoy and Istio: their variables, formats and response flags.

use crate::logs::entry::{Entry, Says};
use crate::logs::fields::{Fields, Slot, decimal, find};

/// What Envoy writes unless told otherwise.
pub(in crate::logs) const DEFAULT: &str = r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%""#;

/// What Istio's sidecars and gateways write unless told otherwise.
pub(in crate::logs) const ISTIO: &str = r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%"#;

/// What a variable means. Envoy's time is that of the request's first byte.
pub(in crate::logs) fn slot(name: &str) -> Slot {
    let name = name.trim_end_matches('%');
    let (name, argument) = name.split_once('(').unwrap_or((name, ""));
    let argument = argument.split(')').next().unwrap_or_default().to_ascii_lowercase();
    match (name, argument.as_str()) {
        ("START_TIME", _) => Slot::Begun,
        ("REQ", ":method") => Slot::Method,
        ("REQ", ":path" | "x-envoy-original-path?:path") => Slot::Target,
        ("REQ", ":authority" | "host") => Slot::Host,
        ("REQ", "x-request-id" | "x-amzn-trace-id" | "traceparent")
        | ("STREAM_ID" | "TRACE_ID", _) => Slot::Id,
        ("RESPONSE_CODE", _) => Slot::Status,
        ("RESPONSE_FLAGS", _) => Slot::Flags,
        ("RESPONSE_CODE_DETAILS" | "UPSTREAM_TRANSPORT_FAILURE_REASON", _) => Slot::Details,
        ("DURATION", _) => Slot::Milliseconds,
        ("UPSTREAM_HOST" | "UPSTREAM_REMOTE_ADDRESS", _) => Slot::Backends,
        ("UPSTREAM_LOCAL_ADDRESS", _) => Slot::Source,
        ("UPSTREAM_REQUEST_ATTEMPT_COUNT", _) => Slot::Attempts,
        ("DOWNSTREAM_REMOTE_ADDRESS", _) => Slot::Client,
        _ => Slot::Skip,
    }
}

/// Flags, details and attempts.
pub(super) fn understand<'l>(fields: &mut Fields<'l>, entry: &mut Entry<'l>) {
    entry.tries = fields.of(Slot::Attempts).and_then(decimal);
    let flags = fields.take_code(Slot::Flags);
    let mut details: Vec<u8> = Vec::new();
    for _ in 0..2 {
        // Why the transport failed stands apart from what came of it.
        let more = fields.take_code(Slot::Details);
        if !more.is_empty() {
            details.extend_from_slice(if details.is_empty() { b"" } else { b" " });
            details.extend_from_slice(&more);
        }
    }
    entry.says = says(&flags, &details, entry.status);
    if entry.says == Some(Says::Backend) {
        entry.target_status = entry.status;
    }
    if let Some(last) = entry.attempts.last_mut() {
        last.status = None;
        last.connected = entry.says.map(|says| !says.is_connect());
    }
    entry.target_status = entry.target_status.filter(|_| entry.says == Some(Says::Backend));
    entry.code = match (flags.is_empty(), details.is_empty()) {
        (_, true) => flags,
        (true, false) => details.into(),
        (false, false) => [&flags, b" ".as_slice(), &details].concat().into(),
    };
}

/// What flags and details say (Envoy's documentation, access logs, `RESPONSE_FLAGS`).
fn says(flags: &[u8], details: &[u8], status: Option<u16>) -> Option<Says> {
    let has = |text: &str| find(details, text.as_bytes()).is_some();
    let begun = has("upstream_reset_after_response_started");
    for flag in flags.split(|byte| *byte == b',') {
        let says = match flag {
            b"DC" | b"DR" | b"DPE" | b"DownstreamConnectionTermination" => Says::Client,
            b"DF" => Says::Dns,
            b"UH" | b"NC" | b"NoHealthyUpstream" | b"NoClusterFound" => Says::NoBackend,
            b"UO" | b"OM" | b"RL" | b"UpstreamOverflow" => Says::Overflow,
            b"UF" | b"UpstreamConnectionFailure" => connect(details),
            b"UT" | b"SI" | b"DT" | b"UMSDR" | b"UpstreamRequestTimeout" => {
                if begun {
                    Says::Stalled
                } else {
                    Says::Timeout
                }
            }
            b"UC" | b"LR" | b"UpstreamConnectionTermination" => {
                if begun {
                    Says::Truncated
                } else {
                    Says::Cut
                }
            }
            b"UR" | b"UpstreamRemoteReset" => {
                if begun {
                    Says::Truncated
                } else {
                    Says::Reset
                }
            }
            b"UPE" | b"UpstreamProtocolError" => Says::Invalid,
            b"NR" | b"FI" | b"DI" | b"UAEX" | b"RLSE" | b"IH" | b"RFCF" | b"NFCF" | b"LH"
            | b"NoRouteFound" => Says::Proxy,
            _ => continue,
        };
        return Some(says);
    }
    if has("via_upstream") && status.is_some_and(|status| status >= 500) {
        return Some(Says::Backend);
    }
    if has("no_healthy_upstream") {
        return Some(Says::NoBackend);
    }
    if has("upstream_per_try_timeout") || has("response_timeout") {
        return Some(Says::Timeout);
    }
    if has("connection_failure") {
        return Some(connect(details));
    }
    has("upstream_reset_before_response_started").then_some(Says::Cut)
}

/// Why a connection did not come about.
fn connect(details: &[u8]) -> Says {
    let has = |text: &str| find(details, text.as_bytes()).is_some();
    if has("refused") || has("111") {
        Says::Refused
    } else if has("timeout") || has("connection_timeout") {
        Says::ConnectTimeout
    } else if has("TLS") || has("SSL") {
        Says::TlsFailed
    } else if has("unreachable") || has("No route") || has("No_route") || has("113") {
        Says::Unreachable
    } else {
        Says::ConnectFailed
    }
}

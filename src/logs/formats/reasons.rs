//! What the words mean with which load balancers and CDNs say why a request failed, and proxies in RFC 9209's.
//!
//! Sources: Google Cloud "statusDetails HTTP failure messages", RFC 9209 2.3, Azure "Diagnostic logs", AWS
//! "Standard logging reference" (CloudFront), Heroku "Error codes", Cloudflare "Cloudflare HTTP error codes",
//! Microsoft "HTTP status code in IIS" and WinHTTP's error messages.

use crate::logs::entry::Says;

/// A word, and its meaning.
const MEANINGS: [(&str, Says); 152] = [
    // Google Cloud, statusDetails.
    ("aborted_request_due_to_backend_early_response", Says::Invalid),
    ("backend_503_propagated_as_error", Says::Backend),
    ("backend_connection_closed_after_partial_response_sent", Says::Truncated),
    ("backend_connection_closed_before_data_sent_to_client", Says::Cut),
    ("backend_early_response_with_non_error_status", Says::Invalid),
    ("backend_interim_response_not_supported", Says::Invalid),
    ("backend_response_corrupted", Says::Invalid),
    ("backend_response_headers_too_long", Says::HeadTooLarge),
    ("backend_timeout", Says::Timeout),
    ("banned_by_security_policy", Says::Proxy),
    ("body_not_allowed", Says::Client),
    ("cache_lookup_failed_after_partial_response", Says::Truncated),
    ("client_disconnected_after_partial_response", Says::Client),
    ("client_disconnected_before_any_response", Says::Client),
    ("client_timed_out", Says::Client),
    ("config_not_found", Says::Proxy),
    ("denied_by_security_policy", Says::Proxy),
    ("direct_response", Says::Proxy),
    ("early_response_sent_by_proxy", Says::Proxy),
    ("failed_to_connect_to_backend", Says::ConnectFailed),
    ("failed_to_negotiate_alpn", Says::TlsFailed),
    ("failed_to_pick_backend", Says::NoBackend),
    ("fault_filter_abort", Says::Proxy),
    ("handled_by_identity_aware_proxy", Says::Proxy),
    ("http_version_not_supported", Says::Client),
    ("internal_error", Says::Proxy),
    ("invalid_external_origin_endpoint", Says::NoBackend),
    ("invalid_request_headers", Says::Client),
    ("malformed_chunked_body", Says::Client),
    ("request_overall_timeout", Says::Timeout),
    ("response_sent_by_backend", Says::Backend),
    ("ssl_certificate_chain_verification_failed", Says::TlsFailed),
    ("ssl_certificate_san_verification_failed", Says::TlsFailed),
    ("throttled_by_security_policy", Says::Overflow),
    ("uri_too_long", Says::Client),
    ("websocket_handshake_failed", Says::Invalid),
    // RFC 9209, error types.
    ("dns_timeout", Says::Dns),
    ("dns_error", Says::Dns),
    ("destination_not_found", Says::NoBackend),
    ("destination_unavailable", Says::NoBackend),
    ("destination_ip_prohibited", Says::Proxy),
    ("destination_ip_unroutable", Says::Unreachable),
    ("connection_refused", Says::Refused),
    ("connection_terminated", Says::Cut),
    ("connection_timeout", Says::ConnectTimeout),
    ("connection_read_timeout", Says::Timeout),
    ("connection_write_timeout", Says::Timeout),
    ("connection_limit_reached", Says::Overflow),
    ("tls_protocol_error", Says::TlsFailed),
    ("tls_certificate_error", Says::TlsFailed),
    ("tls_alert_received", Says::TlsFailed),
    ("http_request_error", Says::Client),
    ("http_request_denied", Says::Proxy),
    ("http_response_incomplete", Says::Truncated),
    ("http_response_header_section_size", Says::HeadTooLarge),
    ("http_response_header_size", Says::HeadTooLarge),
    ("http_response_trailer_section_size", Says::Invalid),
    ("http_response_trailer_size", Says::Invalid),
    ("http_response_body_size", Says::Invalid),
    ("http_response_transfer_coding", Says::Invalid),
    ("http_response_content_coding", Says::Invalid),
    ("http_response_timeout", Says::Timeout),
    ("http_upgrade_failed", Says::Invalid),
    ("http_protocol_error", Says::Invalid),
    ("proxy_internal_response", Says::Proxy),
    ("proxy_internal_error", Says::Proxy),
    ("proxy_configuration_error", Says::Proxy),
    ("proxy_loop_detected", Says::Proxy),
    // Azure Application Gateway, error_info.
    ("ERRORINFO_CLIENT_CLOSED_REQUEST", Says::Client),
    ("ERRORINFO_CLIENT_TIMED_OUT", Says::Client),
    ("ERRORINFO_INVALID_HEADER", Says::Invalid),
    ("ERRORINFO_UPSTREAM_CLOSED_CONNECTION", Says::Cut),
    ("ERRORINFO_UPSTREAM_TIMED_OUT", Says::Timeout),
    ("ERRORINFO_UPSTREAM_NO_LIVE", Says::NoBackend),
    ("ERRORINFO_NO_HEALTHY_UPSTREAM", Says::NoBackend),
    // Azure Front Door, errorInfo.
    ("OriginConnectionRefused", Says::Refused),
    ("OriginConnectionAborted", Says::Cut),
    ("OriginConnectionError", Says::ConnectFailed),
    ("OriginTimeout", Says::Timeout),
    ("OriginInvalidRequest", Says::Invalid),
    ("OriginInvalidResponse", Says::Invalid),
    ("OriginUnreachable", Says::Unreachable),
    ("DNSNameNotResolved", Says::Dns),
    ("DNSFailure", Says::Dns),
    ("DNSTimeout", Says::Dns),
    ("SSLHandshakeError", Says::TlsFailed),
    ("SSLInvalidRootCA", Says::TlsFailed),
    ("SSLInvalidCipher", Says::TlsFailed),
    ("SSLMismatchedSNI", Says::TlsFailed),
    ("ResponseHeaderTooBig", Says::HeadTooLarge),
    ("ClientClosedConnection", Says::Client),
    ("ClientDisconnected", Says::Client),
    ("ClientTimeout", Says::Client),
    ("UnspecifiedInternalError", Says::Proxy),
    // CloudFront, x-edge-detailed-result-type. Its OriginCommError is also that of a read that took too long.
    ("AbortedOrigin", Says::Client),
    ("ClientCommError", Says::Client),
    ("ClientGeoBlocked", Says::Proxy),
    ("ClientHungUpRequest", Says::Client),
    ("OriginCommError", Says::TimeoutOrCut),
    ("OriginConnectError", Says::ConnectFailed),
    ("OriginDnsError", Says::Dns),
    ("OriginError", Says::Backend),
    ("OriginHeaderTooBigError", Says::HeadTooLarge),
    ("OriginInvalidResponseError", Says::Invalid),
    ("OriginReadError", Says::Truncated),
    ("OriginWriteError", Says::Cut),
    ("OriginZeroSizeObjectError", Says::Invalid),
    ("SlowReaderOriginError", Says::Client),
    ("FunctionExecutionError", Says::Proxy),
    ("FunctionThrottledError", Says::Overflow),
    ("LambdaExecutionError", Says::Proxy),
    ("LambdaLimitExceeded", Says::Overflow),
    ("LambdaThrottledError", Says::Overflow),
    // Heroku's router.
    ("H10", Says::NoBackend),
    ("H11", Says::Overflow),
    ("H12", Says::Timeout),
    ("H13", Says::Closed),
    ("H14", Says::NoBackend),
    ("H15", Says::Stalled),
    ("H17", Says::Invalid),
    ("H18", Says::Truncated),
    ("H19", Says::ConnectTimeout),
    ("H20", Says::NoBackend),
    ("H21", Says::Refused),
    ("H22", Says::Overflow),
    ("H25", Says::Invalid),
    ("H27", Says::Client),
    ("H28", Says::Client),
    // AWS ALB, error_reason.
    ("AuthInvalidGrantError", Says::Proxy),
    ("AuthInvalidIdToken", Says::Proxy),
    ("AuthInvalidCookie", Says::Proxy),
    ("AuthMissingHostHeader", Says::Proxy),
    ("AuthMissingStateParam", Says::Proxy),
    ("AuthTokenEpRequestFailed", Says::Proxy),
    ("AuthTokenEpRequestTimeout", Says::Proxy),
    ("AuthUserinfoEpRequestFailed", Says::Proxy),
    ("AuthUserinfoEpRequestTimeout", Says::Proxy),
    ("LambdaConnectionTimeout", Says::ConnectTimeout),
    ("LambdaInvalidResponse", Says::Invalid),
    ("LambdaResponseTooLarge", Says::Invalid),
    ("LambdaThrottling", Says::Overflow),
    ("LambdaUnhandled", Says::Backend),
    ("WAFConnectionError", Says::Proxy),
    ("WAFConnectionTimeout", Says::Proxy),
    ("WAFResponseReadTimeout", Says::Proxy),
    ("WAFServiceError", Says::Proxy),
    ("WAFUnhandledException", Says::Proxy),
    // AWS API Gateway, $context.error.responseType.
    ("INTEGRATION_TIMEOUT", Says::Timeout),
    ("INTEGRATION_FAILURE", Says::Cut),
    ("THROTTLED", Says::Overflow),
    ("QUOTA_EXCEEDED", Says::Overflow),
    ("WAF_FILTERED", Says::Proxy),
];

/// What a reason means: a word, or `error="word"` among others (RFC 9209).
pub(super) fn says(reason: &[u8]) -> Option<Says> {
    let reason = std::str::from_utf8(reason).ok()?;
    let words = reason.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let mut words = words.filter(|word| !word.is_empty());
    words.find_map(|word| {
        let mut meanings = MEANINGS.iter();
        meanings.find(|(known, _)| *known == word).map(|(_, says)| *says)
    })
}

/// What Cloudflare's own statuses mean.
pub(super) const fn of_cloudflare(status: u16) -> Option<Says> {
    Some(match status {
        520 => Says::Cut,
        521 => Says::Refused,
        522 => Says::ConnectTimeout,
        523 => Says::Unreachable,
        504 | 524 => Says::Timeout,
        525 | 526 => Says::TlsFailed,
        530 => Says::Dns,
        _ => return None,
    })
}

/// What IIS's status, its second part, and the system's error mean where Application Request Routing answers.
pub(super) const fn of_iis(status: u16, sub: u32, error: u32) -> Option<Says> {
    Some(match (status, sub, error) {
        (502, 3, 12_002) => Says::Timeout,
        (502, 3, 12_007) => Says::Dns,
        (502, 3, 12_029) => Says::ConnectFailed,
        (502, 3, 12_030) => Says::Cut,
        (502, 3, 12_031) => Says::Reset,
        (502, 3, 12_152) => Says::Invalid,
        (502, 3, 12_037 | 12_038 | 12_044 | 12_045 | 12_157 | 12_169 | 12_175) => Says::TlsFailed,
        (502, 4, _) => Says::NoBackend,
        (503, 0, _) => Says::NoBackend,
        (503, 2, _) => Says::Overflow,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_reason_is_found_among_other_words() {
        for (reason, meaning) in [
            ("failed_to_pick_backend", Says::NoBackend),
            (
                r#"error="connection_refused"; details="upstream_reset_before_response_started""#,
                Says::Refused,
            ),
            ("ERRORINFO_UPSTREAM_TIMED_OUT", Says::Timeout),
            ("H13", Says::Closed),
        ] {
            assert_eq!(says(reason.as_bytes()), Some(meaning), "{reason}");
        }
        for reason in ["", "-", "ERRORINFO_NO_ERROR", "Miss", "H130"] {
            assert_eq!(says(reason.as_bytes()), None, "{reason}");
        }
    }

    #[test]
    fn no_word_has_two_meanings() {
        let words: BTreeSet<&str> = MEANINGS.iter().map(|(word, _)| *word).collect();
        assert_eq!(words.len(), MEANINGS.len());
    }

    #[test]
    fn statuses_of_their_own_have_meanings() {
        assert_eq!(of_cloudflare(521), Some(Says::Refused));
        assert_eq!(of_cloudflare(502), None);
        assert_eq!(of_iis(502, 3, 12_029), Some(Says::ConnectFailed));
        assert_eq!(of_iis(200, 0, 64), None);
    }
}

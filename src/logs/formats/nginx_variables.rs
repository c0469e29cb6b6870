//! The variables of nginx.

use crate::logs::fields::Slot;

/// What a variable means. nginx writes a line when it has done with the request.
pub(in crate::logs) fn slot(name: &str) -> Slot {
    match name.trim_matches(['{', '}']) {
        "time_local" | "time_iso8601" | "msec" => Slot::Ended,
        "time" => Slot::About,
        "request" => Slot::Request,
        "request_method" => Slot::Method,
        "request_uri" | "uri" => Slot::Target,
        "args" | "query_string" => Slot::Query,
        "status" => Slot::Status,
        "host" | "http_host" => Slot::Host,
        "remote_addr" => Slot::Client,
        "remote_port" => Slot::ClientPort,
        "upstream_addr" => Slot::Backends,
        "upstream_status" => Slot::BackendStatuses,
        "upstream_connect_time" => Slot::Connects,
        "upstream_header_time" => Slot::Headers,
        "upstream_response_time" => Slot::Responses,
        "upstream_response_length" | "upstream_bytes_sent" | "upstream_bytes_received" => {
            Slot::Lengths
        }
        "request_time" => Slot::Seconds,
        "request_id"
        | "req_id"
        | "http_x_request_id"
        | "http_x_amzn_trace_id"
        | "http_traceparent"
        | "upstream_http_x_request_id"
        | "sent_http_x_request_id"
        | "http_x_correlation_id" => Slot::Id,
        _ => Slot::Skip,
    }
}

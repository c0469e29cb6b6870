//! JSON logs whose keys are a product's own, as tables: which key stands for what.

use super::reasons;
use crate::logs::LogFormat;
use crate::logs::entry::{Entry, Says};
use crate::logs::fields::{Fields, Slot, Unfit};
use serde_json::{Map, Value};

/// The keys of a product. A path goes into objects at each `.`.
struct KeyMap {
    format: LogFormat,
    /// A line of it has all of these.
    marks: &'static [&'static str],
    keys: &'static [(&'static str, Slot)],
}

const MAPS: [KeyMap; 7] = [
    KeyMap {
        format: LogFormat::GoogleCloud,
        marks: &["httpRequest.requestMethod", "timestamp", "resource.type"],
        keys: &[
            ("timestamp", Slot::Begun),
            ("httpRequest.latency", Slot::Seconds),
            ("httpRequest.requestMethod", Slot::Method),
            ("httpRequest.requestUrl", Slot::Target),
            ("httpRequest.status", Slot::Status),
            ("httpRequest.remoteIp", Slot::Client),
            ("jsonPayload.statusDetails", Slot::Reason),
            ("jsonPayload.proxyStatus", Slot::Reason),
            ("trace", Slot::Id),
            ("insertId", Slot::Id),
        ],
    },
    KeyMap {
        format: LogFormat::AzureAppGateway,
        marks: &["properties.httpStatus", "properties.httpMethod"],
        keys: &[
            ("timeStamp", Slot::Ended),
            ("time", Slot::Ended),
            ("properties.timeTaken", Slot::Seconds),
            ("properties.httpMethod", Slot::Method),
            ("properties.originalRequestUriWithArgs", Slot::Target),
            ("properties.requestUri", Slot::Target),
            ("properties.requestQuery", Slot::Query),
            ("properties.httpStatus", Slot::Status),
            ("properties.clientIP", Slot::Client),
            ("properties.clientPort", Slot::ClientPort),
            ("properties.serverRouted", Slot::Backends),
            ("properties.serverStatus", Slot::BackendStatuses),
            ("properties.serverResponseLatency", Slot::Responses),
            ("properties.originalHost", Slot::Host),
            ("properties.error_info", Slot::Reason),
            ("properties.transactionId", Slot::Id),
        ],
    },
    KeyMap {
        format: LogFormat::AzureFrontDoor,
        marks: &["properties.httpStatusCode", "properties.trackingReference"],
        keys: &[
            ("time", Slot::Begun),
            ("properties.timeTaken", Slot::Seconds),
            ("properties.httpMethod", Slot::Method),
            ("properties.requestUri", Slot::Target),
            ("properties.httpStatusCode", Slot::Status),
            ("properties.clientIp", Slot::Client),
            ("properties.clientPort", Slot::ClientPort),
            ("properties.originStatusCode", Slot::TargetStatus),
            ("properties.hostName", Slot::Host),
            ("properties.errorInfo", Slot::Reason),
            ("properties.trackingReference", Slot::Id),
        ],
    },
    KeyMap {
        format: LogFormat::Cloudflare,
        marks: &["EdgeResponseStatus", "RayID"],
        keys: &[
            ("EdgeStartTimestamp", Slot::Begun),
            ("EdgeEndTimestamp", Slot::Ended),
            ("ClientRequestMethod", Slot::Method),
            ("ClientRequestURI", Slot::Target),
            ("ClientRequestHost", Slot::Host),
            ("ClientIP", Slot::Client),
            ("ClientSrcPort", Slot::ClientPort),
            ("EdgeResponseStatus", Slot::Status),
            ("OriginResponseStatus", Slot::TargetStatus),
            ("RayID", Slot::Id),
        ],
    },
    KeyMap {
        format: LogFormat::Cloudfront,
        marks: &["x-edge-detailed-result-type", "sc-status"],
        keys: &[
            ("timestamp(ms)", Slot::Ended),
            ("timestamp", Slot::Ended),
            ("date", Slot::Date),
            ("time", Slot::TimeOfDay),
            ("time-taken", Slot::Seconds),
            ("cs-method", Slot::Method),
            ("cs-uri-stem", Slot::Target),
            ("cs-uri-query", Slot::Query),
            ("sc-status", Slot::Status),
            ("c-ip", Slot::Client),
            ("c-port", Slot::ClientPort),
            ("x-host-header", Slot::Host),
            ("x-edge-detailed-result-type", Slot::Reason),
            ("x-edge-request-id", Slot::Id),
        ],
    },
    KeyMap {
        format: LogFormat::ApiGateway,
        marks: &["requestId", "routeKey", "status"],
        keys: API_GATEWAY,
    },
    KeyMap {
        format: LogFormat::ApiGateway,
        marks: &["requestId", "resourcePath", "status"],
        keys: API_GATEWAY,
    },
];

const API_GATEWAY: &[(&str, Slot)] = &[
    ("requestTimeEpoch", Slot::Begun),
    ("requestTime", Slot::Begun),
    ("responseLatency", Slot::Milliseconds),
    ("httpMethod", Slot::Method),
    ("path", Slot::Target),
    ("resourcePath", Slot::Target),
    ("status", Slot::Status),
    ("integrationStatus", Slot::TargetStatus),
    ("ip", Slot::Client),
    ("errorResponseType", Slot::Reason),
    ("error.responseType", Slot::Reason),
    ("requestId", Slot::Id),
];

/// What a column of CloudFront's stands for.
pub(super) fn cloudfront(name: &str) -> Slot {
    let map = MAPS.iter().find(|map| map.format == LogFormat::Cloudfront);
    let mut keys = map.into_iter().flat_map(|map| map.keys);
    keys.find(|(key, _)| *key == name).map_or(Slot::Skip, |(_, slot)| *slot)
}

/// A line in the keys of a product: whose, and what it says; `None` where it is of none.
pub(in crate::logs) fn line(
    object: &Map<String, Value>,
    format: LogFormat,
) -> Option<Result<Entry<'static>, Unfit>> {
    let known = |map: &&KeyMap| {
        map.format == format && map.marks.iter().all(|path| value(object, path).is_some())
    };
    let map = MAPS.iter().find(known)?;
    let mut fields = Fields::default();
    for (path, slot) in map.keys {
        let text = value(object, path).and_then(|value| match value {
            Value::String(text) => Some(text.clone().into_bytes()),
            Value::Number(number) => Some(number.to_string().into_bytes()),
            _ => None,
        });
        if let Some(text) = text {
            fields.add(*slot, text);
        }
    }
    Some(fields.entry().map(|entry| settled(entry, format)))
}

/// What the value at a path is.
fn value<'v>(object: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    match object.get(path) {
        Some(value) => Some(value),
        None => {
            let (first, rest) = path.split_once('.')?;
            value(object.get(first)?.as_object()?, rest)
        }
    }
}

/// The meaning of what has no reason: of statuses that are the product's own, and of those that the backend gave.
pub(super) fn settled(mut entry: Entry<'_>, format: LogFormat) -> Entry<'_> {
    let backends = entry.status.filter(|status| *status >= 500) == entry.target_status;
    if entry.says.is_none() && entry.target_status.is_some() && backends {
        entry.says = Some(Says::Backend);
    }
    if format == LogFormat::Cloudflare && entry.says.is_none() {
        entry.says = entry.status.and_then(reasons::of_cloudflare);
    }
    // CloudFront gives 504 where a connection or an answer took too long.
    if format == LogFormat::Cloudfront && entry.status == Some(504) {
        entry.says = match entry.says {
            Some(Says::TimeoutOrCut) => Some(Says::Timeout),
            Some(Says::ConnectFailed) => Some(Says::ConnectTimeout),
            says => says,
        };
    }
    // A request that reached no backend says nothing of one.
    if entry.says == Some(Says::Backend) && entry.status.is_none_or(|status| status < 500) {
        entry.says = None;
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, format: LogFormat) -> Entry<'static> {
        let object: Map<String, Value> = serde_json::from_str(line).unwrap();
        super::line(&object, format).unwrap().unwrap()
    }

    #[test]
    fn each_product_is_read_by_its_keys() {
        let google = r#"{"httpRequest":{"latency":"0.004s","remoteIp":"198.51.100.7","requestMethod":"GET","requestUrl":"https://a/api?k=v","status":502},"jsonPayload":{"statusDetails":"backend_connection_closed_before_data_sent_to_client"},"resource":{"type":"http_load_balancer"},"timestamp":"2026-11-27T06:43:01.123456Z"}"#;
        let entry = read(google, LogFormat::GoogleCloud);
        assert_eq!((entry.status, entry.says), (Some(502), Some(Says::Cut)));
        assert_eq!(entry.duration.unwrap().as_millis(), 4);
        let azure = r#"{"timeStamp":"2026-11-27T06:43:08+00:00","properties":{"httpMethod":"GET","requestUri":"/a","httpStatus":502,"timeTaken":0.009,"serverRouted":"10.0.3.5:8080, 10.0.3.6:8080","serverStatus":"502, 502","error_info":"ERRORINFO_UPSTREAM_CLOSED_CONNECTION"}}"#;
        let entry = read(azure, LogFormat::AzureAppGateway);
        assert_eq!((entry.attempts.len(), entry.says), (2, Some(Says::Cut)));
        let cloudflare = r#"{"ClientRequestMethod":"GET","ClientRequestURI":"/a","EdgeStartTimestamp":1795761815123000000,"EdgeEndTimestamp":1795761815223000000,"EdgeResponseStatus":521,"OriginResponseStatus":0,"RayID":"5e1b"}"#;
        let entry = read(cloudflare, LogFormat::Cloudflare);
        assert_eq!((entry.status, entry.says), (Some(521), Some(Says::Refused)));
        assert_eq!(entry.begun.unwrap().to_string(), "2026-11-27T06:43:35.123000000Z");
    }

    #[test]
    fn a_status_of_the_backend_is_the_backends() {
        let line = r#"{"ClientRequestMethod":"GET","ClientRequestURI":"/a","EdgeStartTimestamp":"2026-11-27T06:43:35Z","EdgeResponseStatus":502,"OriginResponseStatus":502,"RayID":"5e1b"}"#;
        assert_eq!(read(line, LogFormat::Cloudflare).says, Some(Says::Backend));
        let well = line.replace("502", "200");
        assert_eq!(read(&well, LogFormat::Cloudflare).says, None);
    }

    #[test]
    fn other_objects_are_of_none() {
        let object = serde_json::from_str(r#"{"status":502,"request":"GET / HTTP/1.1"}"#).unwrap();
        for map in &MAPS {
            assert!(line(&object, map.format).is_none());
        }
    }
}

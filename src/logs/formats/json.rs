//! Logs in JSON: Traefik, Caddy, and objects whose keys say what they mean (nginx, Envoy, Istio).

use super::{error_messages, labelled, messages};
use crate::base::time::Timestamp;
use crate::logs::entry::{Attempt, Entry, LineKind, Says};
use crate::logs::fields::{self, Fields, Slot, Unfit, address, nanos};
use crate::logs::times::LogTime;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::time::Duration;

/// One object a line.
pub(in crate::logs) fn object(line: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(line).ok()
}

/// Text or a number, as bytes.
fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Number(number) => Some(number.to_string().into_bytes()),
        _ => None,
    }
}

fn text<'v>(object: &'v Map<String, Value>, key: &str) -> Option<&'v str> {
    object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn owned(text: Option<&str>) -> Cow<'static, [u8]> {
    Cow::Owned(text.unwrap_or_default().as_bytes().to_vec())
}

fn status(value: Option<&Value>) -> Option<u16> {
    let status = value?.as_u64().and_then(|status| u16::try_from(status).ok());
    status.filter(|status| (100..=999).contains(status))
}

/// One line of Traefik's access log (its documentation, `logdata.go`).
pub(in crate::logs) fn traefik(object: &Map<String, Value>) -> Result<Entry<'static>, Unfit> {
    let started = text(object, "StartUTC").or(text(object, "StartLocal"));
    let when = started.and_then(|text| LogTime::read(text.as_bytes())).ok_or(Unfit::Time)?;
    let took = object.get("Duration").and_then(Value::as_u64).map(Duration::from_nanos);
    let retries = object.get("RetryAttempts").and_then(Value::as_u64);
    // A URL, or in older versions an object that has one.
    let service = object.get("ServiceURL").and_then(Value::as_object);
    let url = text(object, "ServiceURL").or_else(|| text(service?, "Host"));
    let backend = text(object, "ServiceAddr")
        .or(url)
        .and_then(|text| address(text.as_bytes()))
        .filter(|backend| backend.port() != 0);
    let status = status(object.get("DownstreamStatus"));
    let origin = self::status(object.get("OriginStatus"));
    let kept = backend.is_none() && url.is_none();
    // What is counted as the backend's status may be Traefik's own 502.
    let says = match (status, origin) {
        (Some(499), _) => Some(Says::Client),
        (Some(503), _) if kept => Some(Says::NoBackend),
        (Some(504), _) => Some(Says::Timeout),
        (Some(400..), _) if kept => Some(Says::Proxy),
        _ => None,
    };
    let attempt = Attempt { backend, ..Attempt::default() };
    let ids = ["request_X-Request-Id", "request_Traceparent", "TraceId"];
    Ok(Entry {
        begun: Some(when.at),
        ended: took.map(|took| when.at.plus(took)),
        resolution: when.resolution,
        local: when.local,
        duration: took,
        client: text(object, "ClientAddr").and_then(|text| address(text.as_bytes())),
        method: owned(text(object, "RequestMethod")),
        target: owned(text(object, "RequestPath")),
        host: owned(text(object, "RequestAddr").or(text(object, "RequestHost"))),
        status,
        target_status: origin,
        attempts: if kept { Vec::new() } else { vec![attempt] },
        tries: retries.and_then(|retries| u32::try_from(retries.saturating_add(1)).ok()),
        kept,
        ids: ids.iter().filter_map(|key| text(object, key)).map(|id| owned(Some(id))).collect(),
        says,
        ..Entry::default()
    })
}

/// One line of Caddy's access log, or of its error log: `None` when it is of something else.
pub(in crate::logs) fn caddy(object: &Map<String, Value>) -> Result<Option<Entry<'static>>, Unfit> {
    let logger = text(object, "logger").unwrap_or_default();
    let none = Map::new();
    let request = object.get("request").and_then(Value::as_object);
    // A copy that was broken off names no request; "reading from backend" stands before it.
    let broken = text(object, "msg").filter(|said| said.starts_with("aborting with incomplete"));
    let Some(request) = request.or(broken.map(|_| &none)) else {
        return Ok(None);
    };
    // What debugging adds; the error follows by itself.
    if text(object, "msg") == Some("upstream roundtrip") {
        return Ok(None);
    }
    let access = logger.starts_with("http.log.access");
    let said = text(object, "error").or(text(object, "msg")).unwrap_or_default();
    let whole = broken.map(|broken| format!("{broken}: {said}"));
    let said = whole.as_deref().unwrap_or(said);
    let says = error_messages::says(said.as_bytes()).filter(|_| !access);
    if !access && says.is_none() {
        return Ok(None);
    }
    let when =
        object.get("ts").and_then(bytes).and_then(|at| LogTime::read(&at)).ok_or(Unfit::Time)?;
    let took = object.get("duration").and_then(Value::as_f64);
    let took = took.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let status = status(object.get("status"));
    let ends = error_messages::ends(said.as_bytes());
    let named = text(object, "upstream").and_then(|text| address(text.as_bytes()));
    let backend =
        ends.map(|(_, to)| to).or_else(|| error_messages::dialed(said.as_bytes())).or(named);
    let attempt =
        Attempt { backend, connected: says.map(|says| !says.is_connect()), ..Attempt::default() };
    let header = |name: &str| {
        let values = request.get("headers")?.as_object()?.get(name)?;
        values.as_array()?.first()?.as_str().map(|id| owned(Some(id)))
    };
    let mut client = text(request, "remote_ip").and_then(|text| address(text.as_bytes()));
    let port = request.get("remote_port").and_then(bytes);
    if let (Some(client), Some(port)) = (&mut client, port) {
        client.set_port(fields::decimal(&port).unwrap_or(0));
    }
    Ok(Some(Entry {
        kind: if access { LineKind::Access } else { LineKind::Message },
        begun: took
            .map(|took| Timestamp::from_nanos(when.at.as_nanos().saturating_sub(nanos(took)))),
        ended: Some(when.at),
        // A number with a fraction, of which the last digits are noise.
        resolution: when.resolution.max(Duration::from_micros(1)),
        local: when.local,
        duration: took,
        client,
        method: owned(text(request, "method")),
        target: owned(text(request, "uri")),
        host: owned(text(request, "host")),
        status,
        attempts: backend.is_some().then_some(attempt).into_iter().collect(),
        kept: says.is_some_and(Says::is_kept),
        thread: client.map(|client| client.to_string().into_bytes()).unwrap_or_default().into(),
        ids: ["X-Request-Id", "X-Amzn-Trace-Id", "Traceparent"]
            .into_iter()
            .filter_map(header)
            .collect(),
        source: ends.map(|(from, _)| from),
        code: if access { Cow::default() } else { owned(Some(said)) },
        says: says.or_else(|| (status == Some(499)).then_some(Says::Client)),
        ..Entry::default()
    }))
}

/// A message of a program that logs in JSON: what it says of an error, the request where it has one.
pub(in crate::logs) fn message(object: &Map<String, Value>) -> Option<Entry<'static>> {
    let error = ["error", "err", "exception", "cause"].iter().find_map(|key| object.get(*key));
    let within = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(inside) => {
            ["message", "msg", "code"].iter().find_map(|key| text(inside, key)).map(str::to_owned)
        }
        _ => None,
    };
    let said = error.and_then(within)?;
    let says = error_messages::says(said.as_bytes())?;
    // Any program has errors of its own: one of a backend names it, or a failing connection.
    let telling = ["ECONN", "ETIMEDOUT", "EHOSTUNREACH", "socket hang up", "dial tcp", "->"];
    let about = text(object, "msg").or(text(object, "message")).unwrap_or_default().to_lowercase();
    let subjects = ["proxy", "upstream", "gateway", "backend"];
    if !telling.iter().any(|part| said.contains(part))
        && !subjects.iter().any(|part| about.contains(part))
    {
        return None;
    }
    let Entry { attempts, kept, source, .. } = messages::message(said.as_bytes(), Some(says));
    let when = ["time", "ts", "timestamp", "@timestamp"]
        .iter()
        .find_map(|key| object.get(*key).and_then(bytes).and_then(|value| LogTime::read(&value)));
    let thread = ["reqId", "request_id", "requestId"].iter().find_map(|key| object.get(*key));
    let request = ["req", "request"].iter().find_map(|key| object.get(*key)?.as_object());
    let asked = |keys: &[&str]| {
        let request = request?;
        keys.iter().find_map(|key| text(request, key))
    };
    Some(Entry {
        kind: LineKind::Message,
        ended: when.map(|when| when.at),
        resolution: when.map(|when| when.resolution).unwrap_or_default(),
        local: when.is_some_and(|when| when.local),
        method: owned(asked(&["method"])),
        target: owned(asked(&["url", "uri", "path"])),
        thread: thread.and_then(bytes).unwrap_or_default().into(),
        attempts,
        kept,
        source,
        code: said.into_bytes().into(),
        says: Some(says),
        ..Entry::default()
    })
}

/// An object whose keys say what they mean.
pub(in crate::logs) fn labelled(object: &Map<String, Value>) -> Result<Entry<'static>, Unfit> {
    let mut fields = Fields::default();
    let mut time = None;
    for (key, value) in object {
        let slot = labelled::slot(key);
        let Some(value) = bytes(value) else { continue };
        match slot {
            Slot::About | Slot::Begun | Slot::Ended => {
                // Where there are several, that which says which it is.
                let better = matches!(&time, Some((Slot::About, _)) | None);
                if better && LogTime::read(&value).is_some() {
                    time = Some((slot, value));
                }
            }
            _ => fields.add(slot, value),
        }
    }
    if !fields.has(Slot::Status) {
        return Err(Unfit::Status);
    }
    let (slot, value) = time.ok_or(Unfit::Time)?;
    let slot = if slot == Slot::About { labelled::which_time(&fields) } else { slot };
    fields.add(slot, value);
    fields.entry()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Map<String, Value> {
        object(line.as_bytes()).unwrap()
    }

    #[test]
    fn a_line_of_traefik_is_read() {
        let entry = traefik(&read(r#"{"ClientAddr":"10.77.1.2:33406","DownstreamStatus":502,"Duration":2000000,"OriginStatus":502,"RequestMethod":"GET","RequestPath":"/ok?id=7","RetryAttempts":1,"ServiceURL":"http://10.77.2.2:3000","StartUTC":"2026-11-20T16:23:38.620770123Z"}"#)).unwrap();
        assert_eq!(entry.attempts[0].backend.unwrap().port(), 3000);
        assert!(entry.was_retried() && entry.is_error());
        assert_eq!(entry.says, None);
    }

    #[test]
    fn an_error_of_caddy_names_both_ends() {
        let line = r#"{"level":"error","ts":1795191785.61,"logger":"http.log.error.log0","msg":"read tcp 10.0.0.9:4000->10.0.0.1:80: read: connection reset by peer","request":{"remote_ip":"10.77.1.2","remote_port":"53178","method":"POST","uri":"/ok","headers":{"X-Request-Id":["r"]}},"duration":0.017,"status":502}"#;
        let entry = caddy(&read(line)).unwrap().unwrap();
        assert_eq!(entry.kind, LineKind::Message);
        assert_eq!((entry.source.unwrap().port(), entry.says), (4000, Some(Says::Reset)));
        let other = r#"{"level":"info","ts":1795192018.5,"msg":"using provided configuration"}"#;
        assert!(caddy(&read(other)).unwrap().is_none());
    }

    #[test]
    fn keys_that_say_what_they_mean_are_enough() {
        let line = r#"{"time_iso8601":"2026-11-20T16:25:22+00:00","request":"GET /a HTTP/1.1","status":"502","upstream_addr":"10.0.0.1:80, 10.0.0.2:80","upstream_status":"502, 502"}"#;
        let entry = labelled(&read(line)).unwrap();
        assert_eq!((entry.attempts.len(), entry.status), (2, Some(502)));
    }
}

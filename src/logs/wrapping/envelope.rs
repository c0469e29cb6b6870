//! JSON around a line: Docker's json-file, journald, Fluent Bit, Filebeat, Loki, CloudWatch, Elasticsearch's hits.

use super::unwrapped::{OutputStream, SplitLine, Unwrapped};
use crate::logs::times::LogTime;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Keys of the line inside.
const LINES: [&str; 9] =
    ["log", "message", "MESSAGE", "line", "textPayload", "msg", "_raw", "body", "event"];
/// Keys of objects in which it may be.
const OBJECTS: [&str; 6] =
    ["_source", "fields", "record", "result", "log_processed", "jsonPayload"];
/// Keys of the time at which the line was written.
const TIMES: [&str; 8] = [
    "time",
    "@timestamp",
    "timestamp",
    "__REALTIME_TIMESTAMP",
    "receiveTimestamp",
    "ts",
    "date",
    "Timestamp",
];
/// Docker's pieces of longer lines are so long.
const DOCKER_PIECE: usize = 16 << 10;

fn object(line: &[u8]) -> Option<Map<String, Value>> {
    if !line.starts_with(b"{") {
        return None;
    }
    serde_json::from_slice(line).ok()
}

pub(super) fn peel(line: &[u8]) -> Option<Unwrapped<'static>> {
    let object = object(line)?;
    // A request of its own is not wrapped around another: what its client sent may look like one.
    let has = |keys: &[&str]| keys.iter().any(|key| object.contains_key(*key));
    if has(&["status", "status_code"]) && has(&["method", "request", "path", "uri", "url"]) {
        return None;
    }
    inside(&object).or_else(|| {
        let mut nested = OBJECTS.iter().filter_map(|key| object.get(*key)?.as_object());
        nested.find_map(inside)
    })
}

fn inside(object: &Map<String, Value>) -> Option<Unwrapped<'static>> {
    let text = LINES.iter().find_map(|key| text(object.get(*key)?))?;
    Some(Unwrapped { text: Cow::Owned(text), at: time(object) })
}

/// When the line was written.
fn time(object: &Map<String, Value>) -> Option<LogTime> {
    TIMES.iter().find_map(|key| match object.get(*key)? {
        // journald counts microseconds.
        Value::String(digits) if digits.len() == 16 => {
            let whole = digits.get(..10).zip(digits.get(10..));
            whole.and_then(|(whole, rest)| LogTime::read(format!("{whole}.{rest}").as_bytes()))
        }
        Value::String(text) => LogTime::read(text.as_bytes()),
        Value::Number(number) => LogTime::read(number.to_string().as_bytes()),
        _ => None,
    })
}

/// Text; journald writes what is no UTF-8 as an array of its bytes.
fn text(value: &Value) -> Option<Vec<u8>> {
    let text = match value {
        Value::String(text) => text.trim_end().as_bytes().to_vec(),
        Value::Array(bytes) => {
            let byte = |value: &Value| value.as_u64().and_then(|byte| u8::try_from(byte).ok());
            bytes.iter().map(byte).collect::<Option<Vec<u8>>>()?
        }
        // An object inside, as some collectors parse it.
        Value::Object(_) => serde_json::to_vec(value).ok()?,
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

pub(super) fn part(line: &[u8]) -> Option<SplitLine<'static>> {
    let docker = line.starts_with(br#"{"log":"#) || line.starts_with(br#"{"stream":"#);
    let object = docker.then(|| object(line)).flatten()?;
    let log = object.get("log")?.as_str()?;
    let stream = match object.get("stream")?.as_str()? {
        "stderr" => OutputStream::Error,
        _ => OutputStream::Output,
    };
    let goes_on = match object.get("logtag").and_then(Value::as_str) {
        Some(tag) => tag == "P",
        None => log.len() == DOCKER_PIECE && !log.ends_with('\n'),
    };
    let text = log.trim_end_matches(['\r', '\n']).as_bytes().to_vec();
    Some(SplitLine { text: Cow::Owned(text), at: time(&object), stream, goes_on })
}

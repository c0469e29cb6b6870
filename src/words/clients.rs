//! What clients got, in words.

use super::log_section::{line_matched_by, place, status_or_none};
use super::phrases::{duration, plural};
use crate::packet::Endpoint;
use crate::topology::request_key::MatchedBy;
use std::collections::BTreeMap;
use std::time::Duration;

/// The heading of what the proxy's other side shows.
pub const HEADING: &str = "The proxy's client side";

/// What the client got of one failure.
#[derive(Clone, Copy, Debug)]
pub struct ClientGot<'a> {
    /// The status, if it got one.
    pub status: Option<u16>,
    /// How long it waited.
    pub after: Option<Duration>,
    /// The proxy sent the request again.
    pub retried: bool,
    /// So much later.
    pub retried_after: Option<Duration>,
    /// The request may have run twice, and must not.
    pub ran_twice: bool,
    /// What the proxy itself took.
    pub in_proxy: Option<Duration>,
    /// The log that says so, if its name is known.
    pub log: Option<&'a str>,
    /// The line of it; `None` where packets say so.
    pub line: Option<u64>,
    /// What the client's request and this attempt have in common; `None` where no attempt explains it.
    pub matched_by: Option<MatchedBy>,
}

/// What the client got of one failure, and how that is known.
pub fn got(client: &ClientGot<'_>) -> String {
    let status = status_or_none(client.status);
    let after = client.after.map(|after| format!(" after {}", duration(after)));
    let source = client.line.map_or_else(
        || "from packets".to_owned(),
        |line| place(client.log.unwrap_or("the log"), line),
    );
    let retried = match (client.retried, client.retried_after) {
        (true, Some(after)) => format!("; the proxy retried {} later", duration(after)),
        (true, None) => "; the proxy retried".to_owned(),
        _ => String::new(),
    };
    let twice = if client.ran_twice { ", and may have run twice" } else { "" };
    let proxy = client.in_proxy.map(|time| format!("; {} in the proxy itself", duration(time)));
    format!(
        "the client got {status}{}{retried}{twice}{} ({source}, by {})",
        after.unwrap_or_default(),
        proxy.unwrap_or_default(),
        matched_by(client.matched_by)
    )
}

const fn matched_by(by: Option<MatchedBy>) -> &'static str {
    match by {
        Some(MatchedBy::FrontLegId) => "request id",
        Some(MatchedBy::FrontLegTime) => "path and time",
        Some(by) => line_matched_by(by),
        None => "backend and time",
    }
}

/// What clients saw of failures besides errors; `None` where that is nothing.
pub fn besides_errors(retried: u64, unanswered: u64) -> Option<String> {
    let mut parts = Vec::new();
    if retried > 0 {
        let requests = plural(retried, "client request");
        parts.push(format!("{requests} succeeded after a retry by the proxy"));
    }
    if unanswered > 0 {
        let clients = plural(unanswered, "client");
        parts.push(format!("{clients} got no response, or left before"));
    }
    (!parts.is_empty()).then(|| format!("{}.", parts.join("; ")))
}

/// Requests of clients, and those of them that are known to have become requests to backends.
pub fn requests(requests: u64, listeners: &[Endpoint], matched: u64) -> String {
    let listeners: Vec<String> = listeners.iter().map(Endpoint::to_string).collect();
    let matched = if matched == requests { "all".to_owned() } else { matched.to_string() };
    format!(
        "{} to {}, {matched} matched to backend requests",
        plural(requests, "client request"),
        listeners.join(", ")
    )
}

/// What clients got, by status.
pub fn statuses(statuses: &BTreeMap<u16, u64>) -> String {
    let statuses: Vec<String> =
        statuses.iter().map(|(status, count)| format!("{status} × {count}")).collect();
    format!("clients got: {}", statuses.join(", "))
}

/// What the proxy itself took.
pub fn in_proxy(median: Duration, longest: Duration) -> String {
    let (median, longest) = (duration(median), duration(longest));
    format!("the proxy itself took {median} (median), {longest} at most")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_got_is_told_with_its_source() {
        let plain = ClientGot {
            status: None,
            after: None,
            retried: false,
            retried_after: None,
            ran_twice: false,
            in_proxy: None,
            log: None,
            line: None,
            matched_by: None,
        };
        assert_eq!(got(&plain), "the client got no status (from packets, by backend and time)");
        let second = Some(Duration::from_secs(1));
        let full = ClientGot {
            status: Some(502),
            after: second,
            retried: true,
            retried_after: second,
            ran_twice: true,
            in_proxy: second,
            log: Some("a.log"),
            line: Some(3),
            matched_by: Some(MatchedBy::FrontLegId),
        };
        assert_eq!(
            got(&full),
            "the client got 502 after 1.00 s; the proxy retried 1.00 s later, and may have run twice; \
             1.00 s in the proxy itself (a.log, line 3, by request id)"
        );
        let by = Some(MatchedBy::FrontLegTime);
        let some = ClientGot { retried: true, line: Some(3), matched_by: by, ..plain };
        assert_eq!(
            got(&some),
            "the client got no status; the proxy retried (the log, line 3, by path and time)"
        );
        let by = Some(MatchedBy::SourcePort);
        assert_eq!(
            got(&ClientGot { matched_by: by, ..plain }),
            "the client got no status (from packets, by the proxy's port)"
        );
    }

    #[test]
    fn what_clients_saw_besides_errors_is_told() {
        assert_eq!(besides_errors(0, 0), None);
        assert_eq!(
            besides_errors(2, 1).unwrap(),
            "2 client requests succeeded after a retry by the proxy; 1 client got no response, or left \
             before."
        );
    }

    #[test]
    fn the_client_side_is_summed_up() {
        let listeners = [80, 443].map(|port| Endpoint { addr: [10, 0, 0, 9].into(), port });
        assert_eq!(
            requests(3, &listeners, 3),
            "3 client requests to 10.0.0.9:80, 10.0.0.9:443, all matched to backend requests"
        );
        assert_eq!(
            requests(3, &listeners[..1], 2),
            "3 client requests to 10.0.0.9:80, 2 matched to backend requests"
        );
        assert_eq!(
            statuses(&BTreeMap::from([(200, 2), (502, 1)])),
            "clients got: 200 × 2, 502 × 1"
        );
        assert_eq!(
            in_proxy(Duration::from_millis(2), Duration::from_secs(1)),
            "the proxy itself took 2.0 ms (median), 1.00 s at most"
        );
    }
}

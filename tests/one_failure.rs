//! One failure told by several lines of logs: it is counted once, with the reason of the line that has it.

use crate::program::{stdout, why502};
use serde_json::Value;
use std::fs;

/// What is said of logs alone, and the report of it.
fn read(logs: &[&str]) -> (Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<String> = (0..logs.len())
        .map(|at| folder.path().join(format!("{at}.log")).display().to_string())
        .collect();
    for (path, log) in paths.iter().zip(logs) {
        fs::write(path, log).unwrap();
    }
    let run = |format: &str| {
        let logs = paths.iter().flat_map(|path| ["--access-log", path]);
        let mut command = why502(&["analyze", "--format", format]);
        stdout(&command.args(logs).output().unwrap())
    };
    (serde_json::from_str(&run("json")).unwrap(), run("text"))
}

/// The line of a file in the report.
fn line(report: &Value, file: u64, number: u64) -> Option<&Value> {
    let log = &report["log"];
    let lines = [&log["joined"], &log["unmatched"]];
    let mut lines = lines.into_iter().flat_map(|lines| lines.as_array().unwrap());
    lines.find(|one| one["file"] == file && one["line"] == number)
}

/// A request of the access log at a second.
fn access(second: u8, target: &str, status: u16) -> String {
    format!(
        "10.0.0.7 - - [20/Nov/2026:12:00:{second:02} +0000] \"GET {target} HTTP/1.1\" {status} 157 \"-\" \"curl\"\n"
    )
}

/// A message of nginx.
fn nginx(second: u8, thread: u32, said: &str, target: &str, backend: &str) -> String {
    format!(
        "2026/11/20 12:00:{second:02} [error] 7#7: *{thread} {said} while reading response header from \
         upstream, client: 10.0.0.7, server: , request: \"GET {target} HTTP/1.1\", upstream: \
         \"http://{backend}{target}\", host: \"shop\"\n"
    )
}

const CLOSED: &str = "upstream prematurely closed connection";
const RESET: &str = "recv() failed (104: Connection reset by peer)";
const ONE: &str = "10.0.0.1:8080";
const OTHER: &str = "10.0.0.2:8080";

#[test]
fn a_message_gives_its_reason_to_the_line_of_its_request_in_another_file() {
    let messages = [nginx(3, 5, CLOSED, "/a?b=1", ONE), nginx(4, 6, RESET, "/c", ONE)].concat();
    let requests = [access(3, "/a?b=1", 502), access(4, "/c", 502), access(5, "/d", 502)].concat();
    let (report, text) = read(&[&requests, &messages]);
    assert_eq!(report["log"]["failed"], 3, "{text}");
    assert_eq!(report["log"]["only_messages"], 0);
    assert_eq!(report["log"]["says"], serde_json::json!({"closed": 1, "reset": 1}));
    for (number, message, says) in [(1, 1, "closed"), (2, 2, "reset")] {
        let explained = &line(&report, 0, number).unwrap()["explained_by"];
        assert_eq!(explained, &serde_json::json!({"file": 1, "line": message, "says": says}));
        // What the line itself says stays what it says.
        assert!(line(&report, 0, number).unwrap()["says"].is_null());
        let of = &line(&report, 1, message).unwrap()["of"];
        assert_eq!(of, &serde_json::json!({"file": 0, "number": number}));
    }
    assert!(line(&report, 0, 3).unwrap()["explained_by"].is_null());
    assert!(text.starts_with("3 lines with 502 among"), "{text}");
}

#[test]
fn of_requests_that_are_alike_none_has_the_reason_of_another_one() {
    let messages = [nginx(3, 5, CLOSED, "/a", ONE), nginx(3, 6, RESET, "/a", ONE)].concat();
    let requests = [access(3, "/a", 502), access(3, "/a", 502)].concat();
    let (report, text) = read(&[&requests, &messages]);
    assert_eq!(report["log"]["failed"], 2, "{text}");
    assert!([1, 2].iter().all(|one| line(&report, 0, *one).unwrap()["explained_by"].is_null()));
    // Where both say one thing, each is explained.
    let messages = [nginx(3, 5, CLOSED, "/a", ONE), nginx(3, 6, CLOSED, "/a", ONE)].concat();
    let (report, _) = read(&[&requests, &messages]);
    assert_eq!(report["log"]["says"], serde_json::json!({"closed": 2}));
}

#[test]
fn attempts_of_one_request_are_one_failure() {
    let tries = [nginx(3, 5, CLOSED, "/a", ONE), nginx(9, 5, RESET, "/a", OTHER)].concat();
    let (report, text) = read(&[&tries]);
    assert_eq!(report["log"]["failed"], 1, "{text}");
    assert_eq!(line(&report, 0, 2).unwrap()["of"]["number"], 1);
    assert!(text.starts_with("1 request that failed"), "{text}");
    // The same connection of a client has another request later.
    let later = [nginx(3, 5, CLOSED, "/a", ONE), nginx(9, 5, CLOSED, "/a", ONE)].concat();
    assert_eq!(read(&[&later]).0["log"]["failed"], 2);
    let another = [nginx(3, 5, CLOSED, "/a", ONE), nginx(3, 5, CLOSED, "/b", ONE)].concat();
    assert_eq!(read(&[&another]).0["log"]["failed"], 2);
}

#[test]
fn a_second_message_that_says_no_more_is_told_with_the_first() {
    let pair = |millis: u32, thread: u32, port: u32| {
        format!(
            "[Fri Nov 20 12:00:03.{millis:03}100 2026] [proxy:error] [pid 9:tid {thread}] (111)Connection \
             refused: AH00957: http: attempt to connect to {ONE} (10.0.0.1:8080) failed\n\
             [Fri Nov 20 12:00:03.{millis:03}200 2026] [proxy_http:error] [pid 9:tid {thread}] [client \
             10.0.0.7:{port}] AH01114: HTTP: failed to make connection to backend: 10.0.0.1\n"
        )
    };
    let (report, text) =
        read(&[&[pair(1, 1, 4_000), pair(2, 2, 4_001), pair(300, 1, 4_002)].concat()]);
    assert_eq!(report["log"]["failed"], 3, "{text}");
    for first in [1, 3, 5] {
        let line = line(&report, 0, first).unwrap();
        assert_eq!(line["also"], serde_json::json!([first + 1]));
        assert_eq!(line["says"], "refused");
    }
    assert!([2, 4, 6].iter().all(|second| line(&report, 0, *second).is_none()));
    // One that says more is told.
    let handshake = pair(1, 1, 4_000).replace(
        "AH01114: HTTP: failed to make connection to backend: 10.0.0.1",
        "AH00898: Error during SSL Handshake with remote server returned by /tls",
    );
    let more =
        handshake.replace("(111)Connection refused: AH00957", "(20014)Internal error: AH00957");
    assert_eq!(read(&[&more]).0["log"]["failed"], 1);
}

#[test]
fn a_line_that_takes_a_backend_out_of_use_explains_what_nothing_was_sent_for() {
    let refused = nginx(3, 5, "connect() failed (111: Connection refused)", "/a", ONE);
    let disabled = nginx(3, 5, "upstream server temporarily disabled", "/a", ONE);
    let disabled = disabled.replace("[error]", "[warn]");
    let none = |second| nginx(second, 6, "no live upstreams", "/b", "shop");
    let (report, text) = read(&[&[refused, disabled, none(5), none(50)].concat()]);
    assert_eq!(report["log"]["failed"], 3, "{text}");
    let out = report["log"]["explaining"].as_array().unwrap();
    assert_eq!(out.len(), 1);
    assert_eq!(
        (&out[0]["line"], &out[0]["backend"], &out[0]["failures"]),
        (&2.into(), &ONE.into(), &1.into())
    );
    assert!(text.contains("1 failure by line 2: upstream server temporarily disabled"), "{text}");

    let served = |group: &str| {
        format!(
            "10.0.0.7:4000 [20/Nov/2026:12:00:03.000] http-in {group}/<NOSRV> 0/-1/-1/-1/0 503 217 - - SC-- \
             1/1/0/0/0 0/0 \"GET /a HTTP/1.1\"\n"
        )
    };
    let down = "Server shop/s1 is DOWN, reason: Layer4 connection problem, info: \"Connection refused\", check \
                duration: 0ms. 0 active and 0 backup servers left.\n";
    let (report, text) =
        read(&[&[served("shop"), down.to_owned(), served("shop"), served("other")].concat()]);
    let out = report["log"]["explaining"].as_array().unwrap();
    assert_eq!((out.len(), &out[0]["failures"]), (1, &1.into()), "{text}");
    assert!(text.contains("shop/s1 is DOWN, reason: Layer4 connection problem"), "{text}");
}

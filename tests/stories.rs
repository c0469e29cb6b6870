//! Stories as users told them, each with what the tired person reads first, and the facts behind it.
//! All are captures of real servers, in `captures/`, where each README says how it was made.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

fn story(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(folder)
}

fn say(format: &str, captures: &[PathBuf]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_why502"))
        .args(["analyze", "--exit-zero", "--verbose", "--format", format])
        .args(captures)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What is said of a story at each vantage that was captured, and of all of them together: what stands
/// above the tables, as one line, and the facts.
fn told(folder: &str) -> Vec<(String, Value)> {
    let vantages: Vec<PathBuf> = ["proxy-side.pcap", "backend-side.pcap"]
        .map(|file| story(folder).join(file))
        .into_iter()
        .filter(|file| file.exists())
        .collect();
    assert!(!vantages.is_empty(), "{folder}");
    let mut given: Vec<Vec<PathBuf>> = vantages.iter().map(|one| vec![one.clone()]).collect();
    if vantages.len() > 1 {
        given.push(vantages);
    }
    given
        .iter()
        .map(|captures| {
            let text = say("text", captures);
            let first = text.split("\nCauses\n").next().unwrap();
            // Where lines break is of no interest.
            let first = first.split_whitespace().collect::<Vec<_>>().join(" ");
            (first, serde_json::from_str(&say("json", captures)).unwrap())
        })
        .collect()
}

/// All of `words` stand in `text`, in this order.
fn reads(text: &str, words: &[&str]) {
    let mut rest = text;
    for word in words {
        let Some(at) = rest.find(word) else {
            panic!("no \"{word}\" where it should be in: {text}");
        };
        rest = &rest[at + word.len()..];
    }
}

fn millis(value: &Value) -> u64 {
    value.as_u64().unwrap() / 1_000_000
}

/// The server's process is killed after it has left requests without an answer: what users saw were
/// 504s and then 502s, and both have one reason.
#[test]
fn a_server_that_hangs_and_then_refuses_after_a_reboot_is_one_outage() {
    for (text, report) in told("connection-refused-after-timeouts-nginx-node") {
        reads(
            &text,
            &[
                "4 of 7 requests failed, and 4 connections were refused.",
                "the backend 10.77.2.2:3000 was out of service",
                "4 requests timed out, then 4 connection attempts were refused",
                "8 failures belong to it",
                "What to change: start the server",
            ],
        );
        let events = report["events"].as_array().unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!((&events[0]["kind"], &events[0]["failures"]), (&"outage".into(), &8.into()));
        assert_eq!(events[0]["causes"]["response_timeout"], 4);
        assert_eq!(events[0]["causes"]["connection_refused"], 4);
        let failures = report["failures"].as_array().unwrap();
        assert_eq!(failures.len(), 8);
        assert!(failures.iter().all(|failure| failure["event"] == events[0]["id"]));
        // Nothing but the event is told: it is the reason of all of them.
        assert_eq!(text.matches("What to change:").count(), 1, "{text}");
    }
}

/// A proxy that keeps connections for 60 s before a Tomcat that keeps them for 20 s, both ten times
/// shorter to keep the capture short.
#[test]
fn a_patient_proxy_before_a_tomcat_is_a_race_and_the_servers_timer_is_to_be_raised() {
    for (text, report) in told("keepalive-race-nginx-tomcat") {
        reads(
            &text,
            &[
                "4 of 10 requests failed.",
                "closed the connection after 2.00 s idle, while the proxy was sending",
                "the FIN and the request crossed",
                "What to change: raise the backend's keep-alive timeout (about 2.00 s here) above the \
                 proxy's idle timeout",
            ],
        );
        let failures = report["failures"].as_array().unwrap();
        assert_eq!(failures.len(), 4);
        for failure in failures {
            assert_eq!(failure["cause"], "keepalive_race");
            assert_eq!(failure["certainty"], "proven");
            assert_eq!(failure["detail"]["form"], "crossing");
            assert_eq!(failure["close"]["request_received"], "none");
        }
        let backend = &report["backends"][0];
        let timer = &backend["backend_keepalive"];
        assert_eq!((&timer["samples"], &timer["configured_ns"]), (&4.into(), &Value::Null));
        assert!((1_990..=2_010).contains(&millis(&timer["observed_ns"])), "{timer}");
        assert_eq!(backend["ordering"], "race");
        // Every reuse came in step with the timer: even traffic would not have lost so many.
        assert_eq!(backend["hazard"]["basis"], "observed");
    }
}

/// The same with a server that had read the request, and ran it, when its timer closed the connection
/// after 5 s. Its own log says so.
#[test]
fn a_request_that_ran_although_its_connection_was_closed_is_not_called_safe_to_retry() {
    let folder = "keepalive-race-lost-in-host-nginx";
    let log = std::fs::read_to_string(story(folder).join("backend.log")).unwrap();
    for (text, report) in told(folder) {
        reads(
            &text,
            &[
                "3 of 10 requests failed.",
                "closed the connection after 5.00 s idle just as",
                "its keep-alive timeout of 5.00 s expired",
                "The backend received the whole request and may have processed it",
                "What to change: raise the backend's keep-alive timeout",
            ],
        );
        let failures = report["failures"].as_array().unwrap();
        assert_eq!(failures.len(), 3);
        for failure in failures {
            assert_eq!(failure["cause"], "keepalive_race");
            assert_eq!(failure["detail"]["form"], "lost_in_host");
            assert_eq!(
                (&failure["certainty"], &failure["retry"]),
                (&"likely".into(), &"unsafe".into())
            );
            assert_eq!(failure["close"]["request_received"], "all");
            assert!((4_950..=5_050).contains(&millis(&failure["detail"]["timer_ns"])));
            let target = failure["request"]["target"].as_str().unwrap();
            let times = log.lines().filter(|line| line.ends_with(&format!("ran {target}"))).count();
            // The proxy sent the GET again, and it ran again: what the advice warns of.
            let sent = if failure["request"]["method"] == "GET" { 2 } else { 1 };
            assert_eq!(times, sent, "{target}");
        }
        let backend = &report["backends"][0];
        assert_eq!(backend["ordering"], "race");
        assert_eq!(backend["backend_keepalive"]["samples"], 3);
    }
}

/// Users get 503 at once, and no request of theirs reaches the server.
#[test]
fn a_health_check_on_a_path_that_is_not_there_is_one_record_that_says_so() {
    for (text, report) in told("health-check-failing-haproxy-node") {
        reads(
            &text,
            &[
                "The health checks of 1 backend fail.",
                "ealth check of 10.77.2.2:3000 (GET /, every 563",
                "11 of 11 failed (11 × 404)",
                "the proxy marks such a backend down and answers 503",
                "What to change: probe a path that exists",
            ],
        );
        let failures = report["failures"].as_array().unwrap();
        assert_eq!(failures.len(), 1);
        let detail = &failures[0]["detail"];
        assert_eq!(failures[0]["cause"], "health_check_failing");
        assert_eq!((&detail["failed"], &detail["of"]), (&11.into(), &11.into()));
        assert_eq!((&detail["path"], &detail["statuses"]["404"]), (&"/".into(), &11.into()));
        assert!((550..=580).contains(&millis(&detail["period_ns"])), "{detail}");
        assert_eq!(report["counters"]["exchanges_failed"], 0, "no client's request failed");
        assert_eq!(report["backends"][0]["health"]["failed"], 11);
    }
}

/// The same 503, but here the port is wrong, or the server down: the advice is another one.
#[test]
fn a_health_check_on_a_port_where_nothing_listens_is_one_record_that_says_so() {
    for (text, report) in told("health-check-failing-haproxy-refused") {
        reads(
            &text,
            &[
                "The health checks of 1 backend fail.",
                "ealth check of 10.77.2.2:3000 (TCP connect, every 531",
                "11 of 11 failed (11 × connection refused)",
                "What to change: start the server, or probe the address and port",
            ],
        );
        assert!(!text.contains("path"), "{text}");
        let failures = report["failures"].as_array().unwrap();
        assert_eq!(failures.len(), 1);
        let detail = &failures[0]["detail"];
        assert_eq!(failures[0]["cause"], "health_check_failing");
        assert_eq!((&detail["failed"], &detail["of"]), (&11.into(), &11.into()));
        assert_eq!(detail["path"], Value::Null);
        assert!((520..=540).contains(&millis(&detail["period_ns"])), "{detail}");
        assert!(report["events"].as_array().unwrap().is_empty(), "one record is enough");
    }
}

/// A wrong port in the proxy's configuration: one line to read, not sixteen.
#[test]
fn a_proxy_that_points_at_a_port_without_a_process_is_one_outage() {
    for (text, report) in told("connection-refused-haproxy") {
        reads(
            &text,
            &[
                "16 connections were refused.",
                "the backend 10.77.2.2:3000 was out of service: 16 connection attempts were refused",
                "What to change: start the server, or set in the proxy the address and port on \
                 which it listens",
            ],
        );
        assert_eq!(text.matches("What to change:").count(), 1, "{text}");
        assert_eq!(report["causes"], serde_json::json!({ "connection_refused": 16 }));
        let events = report["events"].as_array().unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!((&events[0]["kind"], &events[0]["failures"]), (&"outage".into(), &16.into()));
        let failures = report["failures"].as_array().unwrap();
        assert!(failures.iter().all(|failure| {
            (&failure["certainty"], &failure["retry"]) == (&"proven".into(), &"safe".into())
        }));
    }
}

//! Logs of real proxies: what is recognised, what is joined, and what that tells.

use crate::logs::{Join, hide, known};
use flate2::read::GzDecoder;
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs")
}

fn unpacked(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// The format string of `upstream.log`, as nginx.conf has it.
const UPSTREAM: &str = "log_format up '$remote_addr - $remote_user [$time_local] \"$request\" $status \
    $body_bytes_sent \"$http_referer\" \"$http_user_agent\" $upstream_response_time $upstream_status \
    $request_time \"$upstream_addr\" $upstream_connect_time';";

/// The samples: folder, log, its format; of error lines how many are joined, and of these how many
/// with ids made alike.
const SAMPLES: [(&str, &str, &str, u64, u64); 16] = [
    ("nginx", "combined", "combined", 5, 5),
    ("nginx", "named", "combined", 5, 5),
    ("nginx", "upstream", "format string", 5, 5),
    ("nginx", "ingress-nginx", "ingress-nginx", 5, 5),
    ("nginx", "json", "json", 5, 5),
    ("nginx", "nginx-error", "nginx-error", 4, 4),
    ("haproxy", "haproxy", "haproxy", 6, 6),
    ("haproxy", "alb", "alb", 5, 5),
    ("haproxy", "clb", "clb", 5, 5),
    ("haproxy", "traefik", "traefik", 5, 5),
    ("envoy", "envoy", "envoy", 6, 6),
    ("envoy", "istio", "istio", 6, 6),
    ("apache", "combined", "combined", 5, 5),
    ("apache", "apache-error", "apache-error", 5, 5),
    ("caddy", "caddy", "caddy", 5, 5),
    ("caddy", "caddy-error", "caddy", 5, 5),
];

#[test]
fn every_format_is_recognised_and_its_error_lines_find_their_exchanges() {
    for (folder, log, format, joined, hidden_joined) in SAMPLES {
        let folder = samples().join(folder);
        let truth = fs::read(folder.join("truth.json")).unwrap();
        let truth: Value = serde_json::from_slice(&truth).unwrap();
        let join = Join {
            truth: &truth,
            known: known(&truth, false),
            log: fs::read(folder.join(log).with_extension("log")).unwrap(),
            capture: unpacked(&folder.join("proxy-side.pcap.gz")),
        };
        let options: &[&str] = if log == "upstream" { &["--log-format", UPSTREAM] } else { &[] };
        for (hidden, joined) in [(false, joined), (true, hidden_joined)] {
            let (report, figures) = join.run(hidden, options);
            let named = format!("{}/{log}, hidden: {hidden}: {figures:?}", folder.display());
            assert_eq!(report["log"]["files"][0]["format"], format, "{named}");
            assert_eq!(report["log"]["unreadable"], 0, "{named}");
            assert!(figures.wrong.is_empty(), "{named}");
            assert_eq!(figures.on_leg, joined, "{named}");
            // Whole seconds and no id: what is left is ambiguous, not lost.
            assert_eq!(figures.errors, figures.on_leg + figures.ambiguous, "{named}");
        }
    }
}

#[test]
fn a_retry_that_hid_a_failure_is_told_with_what_it_cost() {
    let folder = samples().join("nginx-retries");
    let truth: Value =
        serde_json::from_slice(&fs::read(folder.join("truth.json")).unwrap()).unwrap();
    for (log, options) in [("upstream", &["--log-format", UPSTREAM][..]), ("combined", &[])] {
        let join = Join {
            truth: &truth,
            known: known(&truth, false),
            log: fs::read(folder.join(log).with_extension("log")).unwrap(),
            capture: unpacked(&folder.join("proxy-side.pcap.gz")),
        };
        // With ids made alike and whole seconds, nothing wrong is said.
        let (_, figures) = join.run(true, options);
        assert!(figures.wrong.is_empty(), "{figures:?}");
        let (report, figures) = join.run(false, options);
        assert!(figures.wrong.is_empty(), "{figures:?}");
        let told = &report["log"]["hidden_retries"];
        assert_eq!(told["failures"], 3, "{log} {told}");
        // A round trip of 30 ms, and the rest of the one before.
        let cost = told["cost_ns"].as_u64().unwrap() / 3;
        assert!((40_000_000..60_000_000).contains(&cost), "{cost}");
        for failure in report["failures"].as_array().unwrap() {
            let (client, retried) = (&failure["client"], failure["request"]["method"] == "GET");
            assert_eq!(client["retried"], retried, "{log}: {failure}");
            assert_eq!(client["status"], if retried { 200 } else { 502 }, "{log}: {failure}");
            // The close refused what had been sent: nothing ran twice.
            assert_eq!(client["ran_twice"], false);
        }
    }
}

/// The same join from packets alone: the capture holds both legs.
#[test]
fn the_front_leg_tells_what_clients_got() {
    let folder = samples().join("both-legs");
    let truth: Value =
        serde_json::from_slice(&fs::read(folder.join("truth.json")).unwrap()).unwrap();
    let ids = known(&truth, false);
    let requests = truth["requests"].as_array().unwrap();
    for hidden in [false, true] {
        let mut capture = unpacked(&folder.join("proxy-side.pcap.gz"));
        if hidden {
            hide(&mut capture, &ids);
        }
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("c.pcap"), &capture).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_why502"))
            .args(["analyze", "--format", "json"])
            .arg(place.path().join("c.pcap"))
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["front_leg"]["requests"], 12);
        assert_eq!(report["front_leg"]["joined"], 12, "{}", report["front_leg"]);
        let failures = report["failures"].as_array().unwrap();
        assert_eq!(failures.len(), 6);
        for failure in failures {
            let frame = failure["request"]["first"]["number"].as_u64().unwrap();
            let place = ids.iter().position(|known| known.frames.contains(&frame)).unwrap();
            let client = &failure["client"];
            assert_eq!(client["status"], requests[place]["status"], "{failure}");
            let latency = client["latency_ns"].as_f64().unwrap() / 1e9;
            assert!((latency - ids[place].latency).abs() < 0.01, "{failure}");
            let by = if hidden { "front_leg_target_and_time" } else { "front_leg_request_id" };
            assert_eq!(client["matched_by"], by);
            // Neither the way to the backend nor a connection to it is time of the proxy's.
            assert!(client["proxy_ns"].as_u64().unwrap() < 10_000_000, "{failure}");
        }
    }
}

/// A load balancer's three times, against the packets.
#[test]
fn the_times_of_a_load_balancer_are_held_against_the_packets() {
    let folder = samples().join("haproxy");
    let truth: Value =
        serde_json::from_slice(&fs::read(folder.join("truth.json")).unwrap()).unwrap();
    let join = Join {
        truth: &truth,
        known: known(&truth, false),
        log: fs::read(folder.join("alb.log")).unwrap(),
        capture: unpacked(&folder.join("proxy-side.pcap.gz")),
    };
    let (report, _) = join.run(false, &[]);
    let timed: Vec<&Value> = report["log"]["joined"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| &line["times"])
        // What was given up has no times of the load balancer's.
        .filter(|times| times["waited_ns"].is_u64() && times["target_ns"].is_u64())
        .collect();
    assert!(!timed.is_empty());
    for times in timed {
        let (target, waited) = (times["target_ns"].as_f64(), times["waited_ns"].as_f64());
        assert!((target.unwrap() - waited.unwrap()).abs() < 12e6, "{times}");
        // 15 ms each way.
        let wire = times["on_wire_ns"].as_f64().unwrap();
        assert!((29e6..34e6).contains(&wire), "{times}");
        let parts = ["in_server_ns", "on_wire_ns", "in_proxy_ns"];
        let sum: f64 = parts.iter().map(|part| times[part].as_f64().unwrap()).sum();
        assert!((sum - target.unwrap()).abs() < 12e6, "{times}");
    }
}

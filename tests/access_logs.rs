//! Logs of real proxies, held against the truth: which exchange each error line is of. The ids in the
//! targets tell that; with all ids made alike, in the log and in the capture, port, target and time have
//! to find it.

use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How many error lines were told what, and how many of these wrongly.
#[derive(Clone, Debug, Default)]
struct Figures {
    errors: u64,
    on_leg: u64,
    /// Of `on_leg`, those of which truth knows the exchange, and it is that one.
    right: u64,
    ambiguous: u64,
    not_on_leg: u64,
    not_in_capture: u64,
    reasons: BTreeMap<String, u64>,
    by: BTreeMap<String, u64>,
    wrong: Vec<String>,
}

impl Figures {
    fn add(&mut self, other: Self) {
        self.errors += other.errors;
        self.on_leg += other.on_leg;
        self.right += other.right;
        self.ambiguous += other.ambiguous;
        self.not_on_leg += other.not_on_leg;
        self.not_in_capture += other.not_in_capture;
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        for (by, count) in other.by {
            *self.by.entry(by).or_default() += count;
        }
        self.wrong.extend(other.wrong);
    }
}

/// One request, as it is known to have been.
struct Known {
    id: String,
    sent: f64,
    latency: f64,
    /// Frames in which it was sent to a backend.
    frames: BTreeSet<u64>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What `truth.json` of the laboratory, or the short one beside the samples, says.
fn known(truth: &Value, at_backend: bool) -> Vec<Known> {
    let requests = truth["requests"].as_array().unwrap().iter();
    requests
        .map(|request| Known {
            id: text(&request["id"]),
            sent: request["sent"].as_f64().or(request["t_client_sent"].as_f64()).unwrap(),
            latency: request["latency"].as_f64().or(request["latency_s"].as_f64()).unwrap_or(60.0),
            frames: request["attempts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|attempt| if at_backend { &attempt["backend_side"] } else { attempt })
                .filter_map(|attempt| attempt["frame"].as_u64())
                .collect(),
        })
        .collect()
}

/// Makes all ids alike, of the same length.
fn hide(bytes: &mut [u8], ids: &[Known]) {
    for known in ids {
        let id = known.id.as_bytes();
        let mut from = 0;
        while let Some(at) = bytes[from..].windows(id.len()).position(|part| part == id) {
            bytes[from + at..from + at + id.len()].fill(b'x');
            from += at + id.len();
        }
    }
}

/// A capture and a log, joined.
struct Join<'t> {
    truth: &'t Value,
    known: Vec<Known>,
    log: Vec<u8>,
    capture: Vec<u8>,
}

impl Join<'_> {
    fn run(&self, hidden: bool, options: &[&str]) -> (Value, Figures) {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, mut capture) = (self.log.clone(), self.capture.clone());
        if hidden {
            hide(&mut log, &self.known);
            hide(&mut capture, &self.known);
        }
        let paths = [folder.path().join("proxy.log"), folder.path().join("c.pcap")];
        fs::write(&paths[0], &log).unwrap();
        fs::write(&paths[1], &capture).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_why502"));
        command.args(["analyze", "--format", "json", "--backend"]);
        command.arg(text(&self.truth["backend_addr"]));
        for other in self.truth["other_backends"].as_array().into_iter().flatten() {
            command.args(["--backend", other.as_str().unwrap()]);
        }
        let output = command
            .arg("--access-log")
            .arg(&paths[0])
            .args(options)
            .arg(&paths[1])
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        let figures = self.figures(&report);
        (report, figures)
    }

    fn figures(&self, report: &Value) -> Figures {
        let mut figures = Figures::default();
        let lines: Vec<&[u8]> = self.log.split(|byte| *byte == b'\n').collect();
        let failures: BTreeMap<&str, &Value> = report["failures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|failure| (failure["id"].as_str().unwrap(), failure))
            .collect();
        let log = &report["log"];
        let told = [&log["joined"], &log["unmatched"]];
        for line in told.iter().flat_map(|part| part.as_array().unwrap()) {
            figures.errors += 1;
            let answer = line["answer"].as_str().unwrap();
            match answer {
                "on_leg" => figures.on_leg += 1,
                "ambiguous" => figures.ambiguous += 1,
                "not_on_leg" => figures.not_on_leg += 1,
                _ => figures.not_in_capture += 1,
            }
            if let Some(reason) = line["reason"].as_str() {
                *figures.reasons.entry(reason.to_owned()).or_default() += 1;
            }
            if let Some(by) = line["matched_by"].as_str() {
                *figures.by.entry(by.to_owned()).or_default() += 1;
            }
            let number = line["line"].as_u64().unwrap() as usize;
            let logged = lines[number - 1];
            let has = |id: &str| logged.windows(id.len()).any(|part| part == id.as_bytes());
            let Some(known) = self.known.iter().find(|known| has(&known.id)) else { continue };
            if answer == "on_leg" {
                for failure in line["failures"].as_array().unwrap() {
                    match is_of(failures[failure.as_str().unwrap()], known) {
                        true => figures.right += 1,
                        false => figures.wrong.push(format!(
                            "line {number} ({}): {}",
                            known.id,
                            failures[failure.as_str().unwrap()]["summary"]
                        )),
                    }
                }
            }
        }
        figures
    }
}

/// A failure is one of a request's: by its frame, or a connect by its time.
fn is_of(failure: &Value, known: &Known) -> bool {
    match failure["request"]["first"]["number"].as_u64() {
        Some(frame) => known.frames.contains(&frame),
        None => {
            let at = humantime::parse_rfc3339(failure["at"].as_str().unwrap()).unwrap();
            let at = at.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
            at >= known.sent - 0.02 && at <= known.sent + known.latency + 0.05
        }
    }
}

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
    ("apache", "apache-error", "apache-error", 9, 9),
    ("caddy", "caddy", "caddy", 5, 5),
    ("caddy", "caddy-error", "caddy", 4, 4),
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

/// All of the laboratory, both vantages, both logs, with ids and without: no line is joined to an
/// exchange that is not its own, and every one has an answer. Prints figures for each proxy and log.
#[test]
fn no_line_of_the_laboratory_is_joined_to_a_wrong_exchange() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/lab/cases");
    if !cases.exists() {
        eprintln!("skipped: {} is not there", cases.display());
        return;
    }
    let mut all: BTreeMap<(bool, String, &str), Figures> = BTreeMap::new();
    for case in fs::read_dir(cases).unwrap() {
        let case = case.unwrap().path();
        let truth: Value =
            serde_json::from_slice(&fs::read(case.join("truth.json")).unwrap()).unwrap();
        for log in ["proxy-access.log", "proxy-error.log"] {
            let bytes = fs::read(case.join(log)).unwrap_or_default();
            for capture in truth["captures"].as_array().unwrap() {
                let capture = capture.as_str().unwrap();
                let join = Join {
                    truth: &truth,
                    known: known(&truth, capture.starts_with("backend")),
                    log: bytes.clone(),
                    capture: fs::read(case.join(capture)).unwrap(),
                };
                for hidden in [false, true] {
                    let (_, figures) = join.run(hidden, &[]);
                    let proxy = text(&truth["proxy"]["name"]);
                    assert!(figures.wrong.is_empty(), "{}: {figures:?}", case.display());
                    all.entry((hidden, proxy, log)).or_default().add(figures);
                }
            }
        }
    }
    for ((hidden, proxy, log), one) in &all {
        eprintln!(
            "{proxy} {log}{}: {} errors, {} on the leg ({} checked right), {} ambiguous, {} not on it, \
             {} not in the capture {:?} {:?}",
            if *hidden { ", ids hidden" } else { "" },
            one.errors,
            one.on_leg,
            one.right,
            one.ambiguous,
            one.not_on_leg,
            one.not_in_capture,
            one.by,
            one.reasons,
        );
    }
    let with_ids = |proxy: &str| &all[&(false, proxy.to_owned(), "proxy-access.log")];
    for proxy in ["nginx", "haproxy", "caddy", "node http-proxy", "Go httputil.ReverseProxy"] {
        let one = with_ids(proxy);
        // What cannot be read (TLS, HTTP/2) or never reached that vantage is said to be so.
        assert!(one.ambiguous * 10 <= one.errors, "{proxy}: {one:?}");
        assert!(one.not_in_capture * 5 <= one.errors, "{proxy}: {one:?}");
    }
}

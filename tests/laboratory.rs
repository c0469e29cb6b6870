//! Cases that the laboratory (`tests/lab`) made, held against their truth by its judge. They live beside
//! the project, or where `$WHY502_LAB_CASES` says.

use crate::logs::{Figures, Join, known, text};
use crate::machine::{beside, needs, takes_long, tests};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

tests![
    every_cause_is_judged_right_and_nobody_is_accused,
    every_cause_is_judged_right_with_backends_named,
    every_cause_is_judged_right_with_timeouts_told,
    nobody_is_accused_for_lost_frames,
    nobody_is_accused_for_a_late_begin,
    no_damage_makes_a_lie_of_any_case,
    observed_timeouts_are_the_configured_ones,
    what_is_expected_of_natural_races_holds_what_was_lost,
    no_line_of_the_laboratory_is_joined_to_a_wrong_exchange,
];

/// Protocols that are not judged yet.
const NOT_YET: [&str; 2] = ["h2c", "tls"];

/// The folder of the cases.
fn laboratory() -> PathBuf {
    needs(&["python3"]);
    std::env::var_os("WHY502_LAB_CASES").map_or_else(|| beside("lab/cases"), PathBuf::from)
}

/// Runs the judge over `cases`; returns whether it was content, and what it printed.
fn judge(cases: &Path, options: &[&str]) -> (bool, String) {
    let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/judge"))
        .args(["--bin", env!("CARGO_BIN_EXE_why502"), "--verbose", "--cases"])
        .arg(cases)
        .args(options)
        .output()
        .expect("python3 runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.contains("worst cause"), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.success(), printed)
}

/// Holds all cases against the truth, but those of protocols that are not judged yet.
fn every_cause(options: &[&str]) {
    let folder = laboratory();
    let chosen = tempfile::tempdir().unwrap();
    for case in fs::read_dir(folder).unwrap() {
        let case = case.unwrap();
        let name = case.file_name().into_string().unwrap();
        // Clean traffic must not be accused, whatever it speaks.
        let judged = !NOT_YET.iter().any(|protocol| name.contains(protocol));
        if judged || name.starts_with("clean-") {
            let real = fs::canonicalize(case.path()).unwrap();
            symlink(real, chosen.path().join(name)).unwrap();
        }
    }
    let (content, printed) = judge(chosen.path(), options);
    assert!(content, "{options:?}\n{printed}");
    if options.contains(&"--damage") {
        assert!(printed.contains("0 false accusations"), "{options:?}\n{printed}");
    }
}

fn every_cause_is_judged_right_and_nobody_is_accused() {
    every_cause(&["--auto"]);
}

fn every_cause_is_judged_right_with_backends_named() {
    takes_long();
    every_cause(&[]);
}

fn every_cause_is_judged_right_with_timeouts_told() {
    takes_long();
    every_cause(&["--hints", "--auto"]);
}

fn nobody_is_accused_for_lost_frames() {
    takes_long();
    every_cause(&["--auto", "--damage", "drop"]);
}

fn nobody_is_accused_for_a_late_begin() {
    takes_long();
    every_cause(&["--auto", "--damage", "begin"]);
}

fn no_damage_makes_a_lie_of_any_case() {
    takes_long();
    let folder = laboratory();
    for damage in ["drop", "begin", "end", "dup", "swap", "snap"] {
        let (content, printed) = judge(&folder, &["--auto", "--damage", damage]);
        assert!(content, "{damage}\n{printed}");
    }
}

/// What real servers add to the keep-alive timeout that they are told: Node a second since 20.19,
/// Puma what its reactor takes.
fn known_buffer(server: &str) -> f64 {
    match server {
        "node" => 1.0,
        "puma" => 0.2,
        _ => 0.0,
    }
}

/// The timeout that a backend was configured with (and its known buffer) lies within the spread that
/// is told of the observed one.
fn observed_timeouts_are_the_configured_ones() {
    let folder = laboratory();
    let timed = ["node", "puma", "tomcat", "apache2 (event)", "Go net/http", "nginx", "uvicorn"];
    let mut checked = 0;
    for case in fs::read_dir(folder).unwrap() {
        let case = case.unwrap().path();
        let truth = fs::read_to_string(case.join("truth.json")).unwrap();
        let truth: Value = serde_json::from_str(&truth).unwrap();
        let server = truth["backend"]["name"].as_str().unwrap();
        if !timed.contains(&server) || truth["scenario"] == "restart" {
            continue;
        }
        for capture in truth["captures"].as_array().unwrap() {
            let output = Command::new(env!("CARGO_BIN_EXE_why502"))
                .args(["analyze", "--format", "json", "--backend"])
                .arg(truth["backend_addr"].as_str().unwrap())
                .arg(case.join(capture.as_str().unwrap()))
                .output()
                .unwrap();
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            for backend in report["backends"].as_array().unwrap() {
                let timer = &backend["backend_keepalive"];
                let (Some(low), Some(high)) = (timer["low_ns"].as_f64(), timer["high_ns"].as_f64())
                else {
                    continue;
                };
                let told = truth["timeouts"]["backend_keepalive_s"].as_f64().unwrap();
                let wanted = 1e9 * (told + known_buffer(server));
                assert!(
                    low <= wanted && wanted <= high,
                    "{}: {wanted} not in {timer}",
                    case.display()
                );
                checked += 1;
            }
        }
    }
    assert!(checked >= 30, "only {checked} timers were observed");
}

/// Where requests come about when the timers are due, what the tool expects holds what was lost.
fn what_is_expected_of_natural_races_holds_what_was_lost() {
    let folder = laboratory();
    let mut checked = 0;
    for case in fs::read_dir(folder).unwrap() {
        let case = case.unwrap().path();
        if !case.file_name().unwrap().to_str().unwrap().starts_with("natural-") {
            continue;
        }
        for capture in fs::read_dir(&case).unwrap().map(|file| file.unwrap().path()) {
            if capture.extension().is_none_or(|extension| extension != "pcap") {
                continue;
            }
            let output = Command::new(env!("CARGO_BIN_EXE_why502"))
                .args(["analyze", "--format", "json"])
                .arg(&capture)
                .output()
                .unwrap();
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            let lost = report["causes"]["keepalive_race"].as_f64().unwrap_or(0.0);
            let hazard = &report["backends"][0]["hazard"];
            let (low, high) = (&hazard["lost"]["low"], &hazard["lost"]["high"]);
            assert!(low.as_f64().unwrap() <= lost && lost <= high.as_f64().unwrap(), "{hazard}");
            checked += 1;
        }
    }
    assert!(checked > 0, "no natural race in the laboratory");
}

/// All of the laboratory, both vantages, both logs, with ids and without: no line is joined to an
/// exchange that is not its own, and every one has an answer. Prints figures for each proxy and log.
fn no_line_of_the_laboratory_is_joined_to_a_wrong_exchange() {
    takes_long();
    let cases = laboratory();
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

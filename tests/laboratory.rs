//! Cases that the laboratory (`tests/lab`) made, held against their truth by its judge. They live beside
//! the project in `../shared/lab/cases`, or where `$WHY502_LAB_CASES` says; where they are missing, this
//! says so and does nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Protocols that are not judged yet.
const NOT_YET: [&str; 2] = ["h2c", "tls"];

/// The folder of the cases.
fn laboratory() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/lab/cases");
    let folder = std::env::var_os("WHY502_LAB_CASES").map_or_else(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: {} is not there", folder.display());
    None
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

#[test]
fn every_cause_is_judged_right_and_nobody_is_accused() {
    let Some(folder) = laboratory() else { return };
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
    for options in [&[][..], &["--auto"], &["--hints", "--auto"]] {
        let (content, printed) = judge(chosen.path(), options);
        assert!(content, "{options:?}\n{printed}");
    }
    for damage in ["drop", "begin"] {
        let (content, printed) = judge(chosen.path(), &["--auto", "--damage", damage]);
        assert!(content && printed.contains("0 false accusations"), "{damage}\n{printed}");
    }
}

#[test]
fn no_damage_makes_a_lie_of_any_case() {
    let Some(folder) = laboratory() else { return };
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
#[test]
fn observed_timeouts_are_the_configured_ones() {
    let Some(folder) = laboratory() else { return };
    let timed = ["node", "puma", "tomcat", "apache2 (event)", "Go net/http", "nginx", "uvicorn"];
    let mut checked = 0;
    for case in fs::read_dir(folder).unwrap() {
        let case = case.unwrap().path();
        let truth = fs::read_to_string(case.join("truth.json")).unwrap();
        let truth: serde_json::Value = serde_json::from_str(&truth).unwrap();
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
            let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
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
#[test]
fn what_is_expected_of_natural_races_holds_what_was_lost() {
    let Some(folder) = laboratory() else { return };
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
            let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            let lost = report["causes"]["keepalive_race"].as_f64().unwrap_or(0.0);
            let hazard = &report["backends"][0]["hazard"];
            let (low, high) = (&hazard["lost"]["low"], &hazard["lost"]["high"]);
            assert!(low.as_f64().unwrap() <= lost && lost <= high.as_f64().unwrap(), "{hazard}");
            checked += 1;
        }
    }
    assert!(checked > 0, "no natural race in the laboratory");
}

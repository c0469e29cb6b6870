//! Pools of connections to real databases and caches, recorded in `tests/turns`: what the server's idle timeout does
//! to them is told, and of sound ones nothing is.
//!
//! `tests/turns/make` makes them again. What must be told was counted there in the packets, by acknowledgement
//! numbers alone, and stands in each `case.toml`.

use crate::program::why502;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

fn cases(begins: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/turns");
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let wanted = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(begins) && path.join("case.toml").exists()
    };
    let mut cases: Vec<_> = folders.filter(wanted).collect();
    cases.sort();
    cases
}

/// A number that a case says of itself.
fn number(told: &DeTable<'_>, name: &str) -> u64 {
    match told.get(name).map(|value| value.get_ref()) {
        Some(DeValue::Integer(number)) => number.as_str().parse().unwrap(),
        other => panic!("{name}: {other:?}"),
    }
}

/// What is told of a case, and what its packets show: questions that crossed the close, that were asked behind it,
/// and connections that the server closed while nobody asked.
fn told(case: &Path, named: bool) -> (Value, [u64; 3]) {
    let text = fs::read_to_string(case.join("case.toml")).unwrap();
    let name = case.file_name().unwrap().to_str().unwrap();
    assert!(text.contains(&format!("Made by: `tests/turns/make {name}`")), "{name}");
    let facts = DeTable::parse(&text).unwrap().into_inner();
    let Some(DeValue::Table(right)) = facts.get("right").map(|right| right.get_ref()) else {
        panic!("{name}");
    };
    let right = ["crossed", "knew", "idle"].map(|one| number(right, one));
    let port = format!(":{}", number(&facts, "port"));
    let mut program = why502(&["analyze", "--format", "json", "--exit-zero"]);
    if named {
        program.args(["--backend", &port]);
    }
    let output = program.arg(case.join("proxy-side.pcap")).output().unwrap();
    (serde_json::from_slice(&output.stdout).unwrap(), right)
}

fn count(report: &Value, cause: &str, certainty: &str) -> u64 {
    let failures = report["failures"].as_array().unwrap().iter();
    let counted = failures.filter(|one| one["cause"] == cause && one["certainty"] == certainty);
    counted.count().try_into().unwrap()
}

#[test]
fn races_with_an_idle_timeout_are_told_with_the_timer() {
    let cases = cases("race-");
    let mut met = 0;
    for case in &cases {
        let (report, [crossed, knew, idle]) = told(case, true);
        let name = case.file_name().unwrap().to_str().unwrap();
        let server = name.strip_prefix("race-").unwrap();
        assert_eq!(count(&report, "keepalive_race", "proven"), crossed, "{name}");
        assert_eq!(count(&report, "stale_reuse", "likely"), knew, "{name}");
        assert_eq!(report["failures"].as_array().unwrap().len() as u64, crossed + knew, "{name}");
        assert!(crossed >= 3 && idle >= 6, "{name}");
        // Each closed for itself: nobody was out of service.
        assert!(report["events"].as_array().unwrap().is_empty(), "{name}: {}", report["events"]);
        assert!(report["unread"].as_array().unwrap().is_empty(), "{name}: {}", report["unread"]);
        let backend = &report["backends"][0];
        let timer = &backend["backend_keepalive"];
        // Redis and memcached look now and then, and count whole seconds.
        let latest =
            if matches!(server, "redis" | "memcached") { 4_500_000_000 } else { 2_050_000_000 };
        let observed = timer["observed_ns"].as_u64().unwrap();
        assert!((1_990_000_000..latest).contains(&observed), "{name}: {timer}");
        assert_eq!(timer["samples"].as_u64(), Some(crossed + knew + idle), "{name}: {timer}");
        let known = match server {
            "postgresql" => ("PostgreSQL", "idle_session_timeout"),
            "mariadb" => ("MySQL", "wait_timeout"),
            "redis" => ("Redis", "timeout"),
            "memcached" => ("memcached", "idle_timeout"),
            other => panic!("{other}"),
        };
        assert_eq!(backend["server"], known.0, "{name}");
        let mut failures = report["failures"].as_array().unwrap().iter();
        let race = failures.find(|one| one["cause"] == "keepalive_race").unwrap();
        let summary = race["summary"].as_str().unwrap();
        assert!(summary.contains(&format!("a {} request", known.0)), "{summary}");
        let fix = race["fix"].as_str().unwrap();
        assert!(
            fix.contains(&format!("{} ", known.1)) || fix.contains(&format!("{}=", known.1)),
            "{name}: {fix}"
        );
        met += 1;
    }
    assert_eq!(met, 4, "{cases:?}");
}

#[test]
fn of_sound_pools_nothing_is_told_and_their_own_idle_timeout_is_seen() {
    let cases = [cases("clean-"), cases("recycled-")].concat();
    for case in &cases {
        let (report, right) = told(case, true);
        let name = case.file_name().unwrap().to_str().unwrap();
        assert_eq!(right, [0; 3], "{name}");
        for list in ["failures", "events", "unread"] {
            assert!(report[list].as_array().unwrap().is_empty(), "{name}: {}", report[list]);
        }
        let backend = &report["backends"][0];
        assert_eq!(backend["backend_keepalive"]["observed_ns"].as_u64(), None, "{name}");
        // A farewell is no request, and what was idle before it was so until the close.
        if name.starts_with("recycled-") {
            let idle = &backend["proxies"][0]["proxy_idle"];
            let observed = idle["observed_ns"].as_u64().unwrap();
            assert!((990_000_000..1_050_000_000).contains(&observed), "{name}: {idle}");
        }
    }
    assert_eq!(cases.len(), 8, "{cases:?}");
}

#[test]
fn a_database_that_was_not_named_is_called_by_its_name_and_not_judged() {
    for case in cases("race-") {
        let (report, _) = told(&case, false);
        assert!(report["failures"].as_array().unwrap().is_empty());
        let notes = report["notes"].to_string();
        let names = ["PostgreSQL", "MySQL", "Redis", "memcached"];
        assert!(names.iter().any(|name| notes.contains(&format!("({name})"))), "{notes}");
    }
}

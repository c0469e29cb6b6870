//! Every capture in `captures/` gives the answer that is kept beside it, word for word.
//!
//! After a wanted change of words: `WHY502_BLESS=1 cargo test captures`, then read the difference.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use why502::inside::verdict::Cause;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

/// Every capture, as named from the project's folder.
pub fn captures() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for case in fs::read_dir(root()).unwrap() {
        let case = case.unwrap().path();
        if case.is_dir() {
            let readme = fs::read_to_string(case.join("README.md")).unwrap_or_default();
            let name = case.file_name().unwrap().to_str().unwrap();
            let made_by = format!("Made by: `tests/lab/captures DIR {name}`");
            assert!(readme.contains(&made_by), "{name}/README.md does not say: {made_by}");
            let files = fs::read_dir(&case).unwrap().map(|file| file.unwrap().path());
            found.extend(files.filter(|file| {
                file.extension()
                    .is_some_and(|extension| extension == "pcap" || extension == "pcapng")
            }));
        }
    }
    found.sort();
    assert!(!found.is_empty());
    found
}

/// What the program says of a capture, and its exit code.
fn answer(capture: &Path, options: &[&str]) -> (String, i32) {
    let relative = capture.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_why502"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg("analyze")
        .args(options)
        .arg(relative)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{}", relative.display());
    let text = String::from_utf8(output.stdout).unwrap();
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    (text.replace(&version, "\"version\": \"…\""), output.status.code().unwrap())
}

#[test]
fn every_capture_gives_its_expected_answer() {
    let bless = std::env::var_os("WHY502_BLESS").is_some();
    for capture in captures() {
        let forms: [(&[&str], &str); 3] = [
            (&[], "expected.txt"),
            (&["--verbose"], "expected.verbose.txt"),
            (&["--format", "json"], "expected.json"),
        ];
        for (options, extension) in forms {
            let (text, code) = answer(&capture, options);
            let kept = capture.with_extension(extension);
            if bless {
                fs::write(&kept, &text).unwrap();
            }
            let expected = fs::read_to_string(&kept).unwrap_or_default();
            assert_eq!(text, expected, "{}", kept.display());
            let clean = text.contains("\"failures\": []") || text.contains("No failure among ");
            assert_eq!(code, i32::from(!clean), "{}", capture.display());
        }
    }
}

/// The answer in the README is one that is really given, as far as it is shown there.
#[test]
fn the_readme_shows_a_real_answer() {
    let readme = fs::read_to_string(root().join("../README.md")).unwrap();
    let shown = readme.split("## What the answer looks like").nth(1).unwrap();
    let shown = shown.split("```").nth(1).unwrap().trim_start_matches('\n').trim_end();
    let kept = root().join("keepalive-race-nginx-node/proxy-side.expected.txt");
    assert!(fs::read_to_string(kept).unwrap().starts_with(shown), "the README's answer is another");
}

/// Cases in which something is found beside the cause in their name, and why.
const ALSO: [(&str, &str); 5] = [
    // One worker: what its queue took in time waits for it.
    ("accept-queue-full-haproxy-gunicorn", "response_timeout"),
    ("accept-queue-full-nginx-gunicorn", "response_timeout"),
    // The server hangs, and then is stopped.
    ("connection-refused-after-timeouts-nginx-node", "response_timeout"),
    // Within a host a FIN often arrives before the request that it would cross is sent.
    ("keepalive-race-loopback-nginx-node", "stale_reuse"),
    // One of several races lost its FIN.
    ("unproven-lost-fin", "keepalive_race"),
];

/// What each case is named after is what is found in it, at every vantage, and nothing else.
#[test]
fn every_case_shows_the_cause_in_its_name() {
    for capture in captures() {
        let folder = capture.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let (text, _) = answer(&capture, &["--format", "json"]);
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        let found: BTreeSet<&str> =
            report["causes"].as_object().unwrap().keys().map(String::as_str).collect();
        let named = Cause::ALL.into_iter().map(Cause::name);
        let named = named.filter(|cause| folder.starts_with(&cause.replace('_', "-")));
        let also = ALSO.iter().filter(|(of, _)| *of == folder).map(|(_, cause)| *cause);
        let expected: BTreeSet<&str> = named.chain(also).collect();
        assert_eq!(expected.is_empty(), folder.starts_with("clean-"), "{folder}: no cause's name");
        assert_eq!(found, expected, "{}", capture.display());
    }
    for (folder, _) in ALSO {
        assert!(root().join(folder).is_dir(), "{folder} is no case any more");
    }
}

#[test]
fn every_cause_has_a_case() {
    let folders: Vec<String> = fs::read_dir(root())
        .unwrap()
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    // Handshakes that fail have cases of their own, in `tests/tls`.
    let here = Cause::ALL.into_iter().filter(|cause| *cause != Cause::TlsHandshakeFailed);
    for cause in here {
        let name = cause.name().replace('_', "-");
        assert!(folders.iter().any(|folder| folder.starts_with(&name)), "{name} has no capture");
    }
}

#[test]
fn the_captures_stay_small() {
    let total: u64 = captures().iter().map(|capture| fs::metadata(capture).unwrap().len()).sum();
    assert!(total < 5 << 20, "{total} bytes");
}

//! Display filters select the frames that they are printed for: Wireshark's own engine is asked.

use crate::machine::{needs, tests};
use crate::program::{run, stdout};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

tests![filters_select_what_they_are_printed_for];

/// Every capture with an expected answer.
fn captures() -> Vec<PathBuf> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let cases = cases.read_dir().unwrap().map(|case| case.unwrap().path());
    let files = cases.filter(|case| case.is_dir()).flat_map(|case| case.read_dir().unwrap());
    let files = files.map(|file| file.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|kind| kind == "pcap")).collect()
}

/// The numbers of the frames that a filter selects.
fn selected(capture: &Path, filter: &str) -> BTreeSet<u64> {
    let output = Command::new("tshark")
        .args(["-r", capture.to_str().unwrap(), "-Y", filter, "-T", "fields", "-e", "frame.number"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{filter}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|number| number.parse().unwrap()).collect()
}

/// The filter on a line of the answer that begins with `label`.
fn printed<'t>(text: &'t str, label: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(label)).map(str::trim)
}

/// The numbers in the braces of a filter.
fn named(filter: &str) -> BTreeSet<u64> {
    let numbers = filter.split_once('{').unwrap().1.trim_end_matches('}');
    numbers.split(',').map(|number| number.trim().parse().unwrap()).collect()
}

fn filters_select_what_they_are_printed_for() {
    needs(&["tshark"]);
    let mut tried = 0;
    for capture in captures() {
        let path = capture.to_str().unwrap();
        let json = stdout(&run(&["analyze", "--exit-zero", "--format", "json", path]));
        let report: Value = serde_json::from_str(&json).unwrap();
        let failures = report["failures"].as_array().unwrap();
        let Some(failure) = failures.first() else { continue };
        let screen = stdout(&run(&["analyze", "--exit-zero", path]));
        if let Some(filter) = printed(&screen, "Wireshark") {
            assert_eq!(selected(&capture, filter), named(filter), "{path}: {filter}");
            tried += 1;
        }
        let shown = stdout(&run(&["show", "1", path]));
        let proof = printed(&shown, "Proof").unwrap();
        assert_eq!(selected(&capture, proof), named(proof), "{path}: {proof}");
        // The connection's holds every frame of the proof.
        let around = selected(&capture, failure["filter"].as_str().unwrap());
        for frame in failure["frames"].as_array().unwrap() {
            let number = frame["number"].as_u64().unwrap();
            assert!(around.contains(&number), "{path}: frame {number}");
        }
    }
    assert!(tried > 20, "{tried}");
}

//! Times in the reader's zone: `--timezone`.

use crate::program::{RACE, run, stderr, stdout, why502};
use std::fs;
use std::path::Path;

/// 2026-10-25 01:00 UTC: in Berlin clocks go back from three to two.
const CHANGE: u32 = 1_792_890_000;
/// In the capture: between its second failure and its third.
const MIDDLE: u32 = 1_795_191_745;

/// The failures, two before the clocks are changed and two after.
fn around_the_change(path: &Path) {
    let mut bytes = fs::read(RACE).unwrap();
    let mut at = 24;
    while at < bytes.len() {
        let word = |from: usize| u32::from_le_bytes(bytes[from..from + 4].try_into().unwrap());
        let (seconds, length) = (word(at), word(at + 8));
        bytes[at..at + 4].copy_from_slice(&(seconds + CHANGE - MIDDLE).to_le_bytes());
        at += 16 + length as usize;
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn times_are_those_of_the_zone_before_and_after_clocks_are_changed() {
    if !Path::new("/usr/share/zoneinfo/Europe/Berlin").exists() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("change.pcap");
    around_the_change(&path);
    let path = path.to_str().unwrap();
    let said = |zone: &str| stdout(&run(&["analyze", "--all", "--timezone", zone, path]));
    let (utc, berlin) = (said("UTC"), said("Europe/Berlin"));
    let both = [
        ("2026-10-25 00:59:50 UTC: the backend", "2026-10-25 02:59:50 CEST: the backend"),
        ("00:59:44.432 to 2026-10-25 01:00:09", "02:59:44.432 CEST to 2026-10-25 02:00:09"),
        ("times in UTC, ", "times in Europe/Berlin, "),
        ("  2026-10-25 00:59:50.458", "  2026-10-25 02:59:50.458"),
        ("  2026-10-25 01:00:03.322", "  2026-10-25 02:00:03.322"),
        // What is one failure's in a row of the screen.
        ("2 ×  00:59:50", "2 ×  02:59:50"),
    ];
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (there, here) in both {
        assert!(flat(&utc).contains(&flat(there)), "{there}: {utc}");
        assert!(flat(&berlin).contains(&flat(here)), "{here}: {berlin}");
    }
    assert!(!berlin.contains("UTC"), "{berlin}");
    // By the environment it is the same.
    let output = why502(&["analyze", "--all", "--timezone", "local", path])
        .env("TZ", "Europe/Berlin")
        .output()
        .unwrap();
    assert_eq!(stdout(&output), berlin);
}

#[test]
fn what_scripts_read_stays_in_utc() {
    for format in ["json", "jsonl"] {
        let said = |zone| stdout(&run(&["analyze", "--format", format, "--timezone", zone, RACE]));
        assert_eq!(said("UTC"), said("America/New_York"));
    }
}

#[test]
fn a_zone_that_is_none_is_one_line() {
    let output = run(&["analyze", "--timezone", "Mars/Base", RACE]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.contains("'Mars/Base'") && said.lines().count() == 1, "{said}");
    assert!(stdout(&output).is_empty());
}

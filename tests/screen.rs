//! The answer fits one screen, whatever the capture and however wide the terminal; one failure is shown with
//! its ladder.

use crate::captures::captures;
use crate::program::{RACE, run, stderr, stdout};
use std::path::{Path, PathBuf};
use unicode_width::UnicodeWidthStr;
use why502::inside::analysis::{self, Settings};
use why502::{Detail, Savefile, TextLayout, write_text};

/// Rows of a terminal of 24, less two for the prompt and the command.
const ROWS: usize = 22;

/// Every capture that is kept here: those with an expected answer, and those of hosts with containers.
fn all() -> Vec<PathBuf> {
    let mut all = captures();
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/topologies");
    for case in std::fs::read_dir(hosts).unwrap() {
        let files = std::fs::read_dir(case.unwrap().path()).into_iter().flatten();
        all.extend(files.map(|file| file.unwrap().path()).filter(|path| {
            path.extension().is_some_and(|kind| kind == "pcap" || kind == "pcapng")
        }));
    }
    assert!(all.len() > 60, "{}", all.len());
    all
}

fn answer(capture: &Path, width: usize) -> String {
    let source = Savefile::open(capture, 0).unwrap();
    let report = analysis::analyze(&mut [source], Settings::default(), &mut |_| {}).unwrap();
    let mut page = Vec::new();
    write_text(&report, TextLayout::new(Detail::Screen, width), &mut page).unwrap();
    anstream::adapter::strip_str(&String::from_utf8(page).unwrap()).to_string()
}

/// What is to be copied stands whole: a path, or a line of configuration, may be wider than any terminal.
fn is_to_be_copied(line: &str) -> bool {
    let path = line.trim().trim_end_matches('\\').trim_end();
    !path.contains(' ') || line.starts_with("See one") || line.starts_with("  server   ")
}

#[test]
fn every_answer_fits_a_terminal_of_24_rows() {
    for capture in all() {
        for width in [80, 120, 200] {
            let text = answer(&capture, width);
            let rows = text.lines().count();
            assert!(rows <= ROWS, "{} at {width}: {rows} rows\n{text}", capture.display());
            for line in text.lines() {
                let fits = line.width() <= width.min(120) || is_to_be_copied(line);
                assert!(fits, "{} at {width}: {line}", capture.display());
                assert_eq!(line, line.trim_end(), "{}", capture.display());
            }
            let first = text.lines().next().unwrap();
            assert!(first.len() > 10 && !first.starts_with(' '), "{first}");
        }
    }
}

#[test]
fn a_narrow_terminal_breaks_lines_between_words() {
    for capture in captures() {
        let text = answer(&capture, 44);
        for line in text.lines() {
            let label = line.split_once("  ").is_some_and(|(label, _)| !label.is_empty());
            let fits = line.width() <= 44 || is_to_be_copied(line) || label || line.contains(" × ");
            assert!(fits, "{}: {line}", capture.display());
        }
    }
}

#[test]
fn more_is_shown_where_it_is_asked_for() {
    let short = stdout(&run(&["analyze", RACE]));
    let long = stdout(&run(&["analyze", "-v", RACE]));
    assert!(long.starts_with(&short), "{long}");
    for part in ["\nCauses\n", "\nBackend 10.77.2.2:3000\n", "\nFailures\n", "\nInput\n"] {
        assert!(long.contains(part) && !short.contains(part), "{part}: {long}");
    }
    assert_eq!(
        short.matches("server.keepAliveTimeout").count(),
        1,
        "the same advice twice: {short}"
    );
}

#[test]
fn a_failure_is_shown_by_number_and_by_id() {
    let by_number = run(&["show", "2", RACE]);
    assert_eq!(by_number.status.code(), Some(0), "{}", stderr(&by_number));
    let text = stdout(&by_number);
    assert!(
        text.starts_with("#2  POST /ok?id=race-nginx-n-004-4e4064  keep-alive race (proven)\n")
    );
    assert!(text.contains("  10.77.2.1:43106 -> 10.77.2.2:3000\n"), "{text}");
    for words in ["idle 6.00 s", "FIN, acks 0 of 202", "\n  1. ", "\n  4. ", "X: the request and"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.lines().all(|line| line.width() <= 80), "{text}");
    let json = stdout(&run(&["show", "2", "--format", "json", RACE]));
    let record: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(record["request"]["target"], "/ok?id=race-nginx-n-004-4e4064");
    let by_id = run(&["show", record["id"].as_str().unwrap(), RACE]);
    assert_eq!(stdout(&by_id), text);
}

#[test]
fn a_failure_that_is_not_there_is_one_line() {
    for which in ["0", "5", "no-such-id"] {
        let output = run(&["show", which, RACE]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stdout(&output).is_empty());
        let said = stderr(&output);
        assert!(
            said.contains("there are 4, numbers 1 to 4") && said.lines().count() == 1,
            "{said}"
        );
    }
}

/// Every failure of every capture can be drawn, and no row is wider than the terminal.
#[test]
fn every_failure_has_a_ladder() {
    for capture in captures() {
        let path = capture.to_str().unwrap();
        let json = stdout(&run(&["analyze", "--exit-zero", "--format", "json", path]));
        let report: serde_json::Value = serde_json::from_str(&json).unwrap();
        let failures = report["failures"].as_array().unwrap().len();
        for number in 1..=failures.min(3) {
            let text = stdout(&run(&["show", &number.to_string(), path]));
            assert!(text.contains(" |") && text.contains("\n  1. "), "{path} {number}: {text}");
            let wide: Vec<&str> = text.lines().filter(|line| line.width() > 80).collect();
            assert!(wide.is_empty(), "{path} {number}: {wide:?}");
            // Who reads one failure alone asks what to change, and how to see whether that helped.
            let change = text.contains("\nChange     ") && text.contains("\nHelped?    ");
            assert!(change || text.contains("\nFind out   "), "{path} {number}: {text}");
        }
    }
}

/// What `explain` draws is what `show` draws.
#[test]
fn the_page_of_the_race_draws_a_real_one() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/keepalive-race-nginx-node");
    let [backend, proxy] = ["backend-side.pcap", "proxy-side.pcap"].map(|name| folder.join(name));
    let shown = stdout(&run(&["show", "1", backend.to_str().unwrap(), proxy.to_str().unwrap()]));
    let (_, kept) = why502::inside::words::drawing(why502::Cause::KeepaliveRace).unwrap();
    assert!(shown.contains(kept), "{shown}\n{kept}");
    assert!(stdout(&run(&["explain", "keepalive-race"])).contains(kept));
}

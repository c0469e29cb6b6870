//! What is said of each line of a log, in every format that is known: `tests/log_lines` has what may be said.

use flate2::read::MultiGzDecoder;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use why502::inside::input::Text;
use why502::inside::logs::{LineRead, LogReader};

/// Lines of which more, or less, is said than the line shows, and why that is left so.
const LEFT: [(&str, &str, u64, &str); 1] = [(
    "caddy",
    "access.log",
    26,
    "status 0 is a client that left, and also a handshake with a backend that hung: the line has the same",
)];

fn folders() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/log_lines");
    let mut folders: Vec<PathBuf> = fs::read_dir(all)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

fn logs(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut logs: Vec<PathBuf> = files.filter(|path| !path.ends_with("expected.json")).collect();
    logs.sort();
    logs
}

fn run(arguments: &[&str], log: &Path) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_why502"));
    program.arg("analyze").args(arguments).arg("--access-log").arg(log).output().unwrap()
}

fn report(log: &Path) -> Option<Value> {
    serde_json::from_slice(&run(&["--format", "json"], log).stdout).ok()
}

/// What the program says of each line, by its number: `None` where a line says nothing of why.
fn said(report: &Value) -> BTreeMap<u64, Option<String>> {
    let lines = ["joined", "unmatched"].map(|list| report["log"][list].as_array().unwrap().iter());
    let said = lines
        .into_iter()
        .flatten()
        .map(|line| (line["line"].as_u64().unwrap(), line["says"].as_str().map(str::to_owned)));
    said.collect()
}

fn is_left(folder: &Path, log: &str, line: u64) -> bool {
    LEFT.iter()
        .any(|(name, file, number, _)| folder.ends_with(name) && *file == log && *number == line)
}

#[test]
fn of_every_line_is_said_what_it_shows() {
    let mut wrong = Vec::new();
    let mut right = 0;
    for folder in folders() {
        let expected = fs::read(folder.join("expected.json")).unwrap();
        let expected: Value = serde_json::from_slice(&expected).unwrap();
        for log in logs(&folder) {
            let name = log.file_name().unwrap().to_str().unwrap();
            let told = report(&log).map(|report| said(&report)).unwrap_or_default();
            for line in expected["lines"].as_array().unwrap() {
                if line["file"] != name {
                    continue;
                }
                let number = line["line"].as_u64().unwrap();
                let may: Vec<Option<&str>> =
                    line["says"].as_array().unwrap().iter().map(Value::as_str).collect();
                let fits = match told.get(&number) {
                    Some(says) => may.contains(&says.as_deref()),
                    None => line["optional"] == true,
                };
                if fits != is_left(&folder, name, number) {
                    right += 1;
                } else {
                    let says = told.get(&number);
                    wrong
                        .push(format!("{}:{number} says {says:?}, may say {may:?}", log.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty() && right > 600, "{right} right\n{}", wrong.join("\n"));
}

#[test]
fn no_other_line_is_taken_for_a_failure() {
    let mut wrong = Vec::new();
    for folder in folders() {
        let expected = fs::read(folder.join("expected.json")).unwrap();
        let expected: Value = serde_json::from_slice(&expected).unwrap();
        let second = expected["second_messages"].as_array().map_or(0, Vec::len);
        let mut extra = Vec::new();
        for log in logs(&folder) {
            let name = log.file_name().unwrap().to_str().unwrap();
            let lines = expected["lines"].as_array().unwrap().iter();
            let known: Vec<u64> = lines
                .filter(|line| line["file"] == name)
                .map(|line| line["line"].as_u64().unwrap())
                .collect();
            let told = report(&log).map(|report| said(&report)).unwrap_or_default();
            extra.extend(told.into_keys().filter(|line| !known.contains(line)));
        }
        // A second message may still stand by itself where nothing but its time tells whose it is.
        if extra.len() > second {
            wrong.push(format!("{}: {extra:?}", folder.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_secret_in_a_log_is_shown_nowhere() {
    for folder in folders() {
        for log in logs(&folder) {
            for arguments in [&["--format", "json"][..], &["--all"], &["-v"]] {
                let output = run(arguments, &log);
                for shown in [output.stdout, output.stderr] {
                    let shown = String::from_utf8(shown).unwrap();
                    assert!(!shown.contains("SECRET123"), "{} {arguments:?}", log.display());
                    assert!(!shown.contains('\u{1b}'), "{} {arguments:?}", log.display());
                }
            }
        }
    }
}

#[test]
fn only_lines_of_no_log_are_unreadable() {
    let mut unread = BTreeMap::new();
    for folder in folders() {
        for log in logs(&folder) {
            let count = report(&log)
                .map(|report| report["log"]["files"][0]["unreadable"].as_u64().unwrap());
            if count != Some(0) {
                unread.insert(
                    log.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_owned(),
                    count,
                );
            }
        }
    }
    let lines = |name: &str| PathBuf::from("tests/log_lines").join(name);
    let wanted = BTreeMap::from(WANTED.map(|(name, count)| (lines(name), count)));
    assert_eq!(unread, wanted);
}

/// Lines that no format has: `None` where nothing of a log could be read.
const WANTED: [(&str, Option<u64>); 2] =
    [("backend-logs/app.log", Some(1)), ("unread-lines-secrets/app.log", Some(5))];

#[test]
fn damaged_logs_stop_nothing() {
    for folder in folders() {
        for log in logs(&folder) {
            let whole = plain(&log);
            let mut random = 1_u64;
            for round in 0..12 {
                let mut bytes = whole.clone();
                for _ in 0..=bytes.len() / 40 {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round);
                    let at = (random >> 33) as usize % bytes.len();
                    match random >> 62 {
                        0 => bytes[at] = (random >> 20) as u8,
                        1 => bytes[at] = b"\"\\{}[],: \n"[(random >> 20) as usize % 10],
                        2 => drop(bytes.drain(at..bytes.len().min(at + 7))),
                        _ => bytes.truncate(bytes.len().max(2) - 1),
                    }
                }
                let (mut given, mut told) = (0, 0);
                let mut each = |_: u64, _: &[u8], _: LineRead<'_>| told += 1;
                let Ok(mut text) = Text::from_reader(Box::new(Cursor::new(bytes)), String::new())
                else {
                    continue;
                };
                let (mut reader, mut line) = (LogReader::new(None), Vec::new());
                while text.next_line(&mut line).is_some() {
                    given += 1;
                    reader.read(text.number(), &line, &mut each);
                }
                reader.finish(&mut each);
                assert!(told <= given, "{}: {told} of {given}", log.display());
            }
        }
    }
}

/// The bytes of a log, decompressed.
fn plain(log: &Path) -> Vec<u8> {
    let bytes = fs::read(log).unwrap();
    let mut whole = Vec::new();
    match bytes.starts_with(&[0x1f, 0x8b]) {
        true => {
            MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut whole).unwrap();
            whole
        }
        false => bytes,
    }
}

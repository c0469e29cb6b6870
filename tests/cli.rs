//! The program as a person or a script meets it.

use crate::program::{RACE, run, stderr, stdout, why502};
use crate::wire::{Frame, pcap};
use std::fs;
use std::io::Write;
use std::process::Stdio;

const CLEAN: &str = "captures/clean-haproxy-node/proxy-side.pcap";

/// What the program says of frames, with options: the document.
pub fn document(frames: &[Frame], options: &[&str]) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.pcap");
    fs::write(&path, pcap(frames)).unwrap();
    let arguments = ["analyze", "--format", "json", path.to_str().unwrap()];
    let output = run(&[&arguments, options].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)))
}

#[test]
fn the_exit_code_tells_whether_requests_failed() {
    assert_eq!(run(&["analyze", CLEAN]).status.code(), Some(0));
    assert_eq!(run(&["analyze", RACE]).status.code(), Some(1));
    assert_eq!(run(&["analyze", "--exit-zero", RACE]).status.code(), Some(0));
    assert_eq!(run(&["analyze", "no-such-file"]).status.code(), Some(2));
    assert_eq!(run(&["analyze", "--no-such-option", RACE]).status.code(), Some(2));
    assert_eq!(run(&["analyze"]).status.code(), Some(2));
    assert_eq!(run(&["--version"]).status.code(), Some(0));
}

#[test]
fn the_answer_comes_first_and_says_what_to_do() {
    let output = run(&["analyze", RACE]);
    let text = stdout(&output);
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("Keep-alive race: 4 of 10 requests failed. "), "{first}");
    for words in ["after 6.01 s idle", "What to change", "server.keepAliveTimeout = 65000\n"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(stderr(&output).is_empty());
    assert!(!text.contains('\x1b'), "no colours in a pipe");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "long lines");
    assert!(text.lines().count() <= 22, "more than a screen");
}

#[test]
fn colours_are_there_when_asked_for() {
    assert!(stdout(&run(&["analyze", "--color", "always", RACE])).contains('\x1b'));
    let output = why502(&["analyze", RACE]).env("NO_COLOR", "1").output().unwrap();
    assert!(!stdout(&output).contains('\x1b'));
}

#[test]
fn errors_are_one_line_that_names_the_file_and_what_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    fs::write(&text, "not a capture\n").unwrap();
    let cases = [
        ("no-such-file".to_owned(), "why502: no-such-file: cannot open: No such file"),
        (folder.path().display().to_string(), "cannot read: Is a directory"),
        (text.display().to_string(), "wanted a pcap or pcapng capture"),
    ];
    for (path, wanted) in cases {
        let output = run(&["analyze", &path]);
        let said = stderr(&output);
        assert!(said.contains(wanted) && said.lines().count() == 1, "{said}");
        assert_eq!(output.status.code(), Some(2));
        assert!(stdout(&output).is_empty());
    }
}

#[test]
fn a_port_alone_is_refused_with_the_right_spelling() {
    let said = stderr(&run(&["analyze", "--backend", "3000", RACE]));
    assert!(said.contains("a port alone is written ':3000'"), "{said}");
}

#[test]
fn a_cut_capture_is_read_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.pcap");
    let whole = fs::read(format!("{}/{RACE}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    fs::write(&cut, &whole[..whole.len() - 5]).unwrap();
    let output = run(&["analyze", cut.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("everything before that was read"));
}

#[test]
fn the_backend_can_be_told() {
    let judged = |backend: &str| {
        let output =
            run(&["analyze", "--format", "json", "--exit-zero", "--backend", backend, RACE]);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report["failures"].as_array().unwrap().len()
    };
    assert_eq!(judged("10.77.2.2:3000"), 4);
    assert_eq!(judged(":3000"), 4);
    assert_eq!(judged("10.77.2.2"), 4);
    assert_eq!(judged(":80"), 0);
}

#[test]
fn a_backend_that_nobody_tried_is_named_with_what_is_tried_instead() {
    let note = |backend: &str| {
        let output = run(&["analyze", "--format", "json", "--backend", backend, RACE]);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let notes = report["notes"].as_array().unwrap();
        let note = notes.iter().find(|note| note["code"] == "no_traffic_for_backend");
        note.map(|note| note["text"].as_str().unwrap().to_owned())
    };
    let text = note("10.77.2.2:80").unwrap();
    assert!(text.starts_with("no connection to 10.77.2.2:80 in "), "{text}");
    assert!(text.contains("connections went to 10.77.2.2:3000 instead:"), "{text}");
    let text = note("10.77.2.77:80").unwrap();
    assert!(text.contains(", although other traffic is in the capture:"), "{text}");
    assert_eq!(note(":3000"), None);
}

#[test]
fn a_vantage_that_is_told_is_taken_as_told() {
    let vantage = |options: &[&str]| {
        let output = run(&[&["analyze", "--format", "json", RACE][..], options].concat());
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report["backends"][0]["vantage"].to_string()
    };
    assert_eq!(vantage(&[]), r#"{"by":"handshakes","value":"proxy"}"#);
    assert_eq!(vantage(&["--vantage", "same-host"]), r#"{"by":"option","value":"same_host"}"#);
}

#[test]
fn a_timeout_without_unit_is_refused_with_the_two_readings() {
    let said = stderr(&run(&["analyze", "--proxy-idle", "60", RACE]));
    assert!(said.contains("'60' has no unit: '60s' or '60ms'?"), "{said}");
}

/// Told timeouts are compared with what is seen.
#[test]
fn the_side_that_gives_up_first_is_told() {
    let ordering = |told: &[&str]| {
        let output = run(&[&["analyze", "--format", "json", RACE], told].concat());
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report["backends"][0]["ordering"].as_str().unwrap().to_owned()
    };
    assert_eq!(ordering(&["--proxy-idle", "60s"]), "race");
    assert_eq!(ordering(&["--proxy-idle", "6s"]), "tie");
    assert_eq!(ordering(&["--proxy-idle", "4s"]), "safe");
    // What is seen is in effect, whatever was told.
    assert_eq!(ordering(&["--proxy-idle", "60s", "--backend-keepalive", "75s"]), "race");
}

/// The records of jsonl, revised, are the json document.
#[test]
fn jsonl_adds_up_to_json() {
    for capture in crate::captures::captures() {
        let path = capture.to_str().unwrap();
        let json = run(&["analyze", "--format", "json", path]).stdout;
        let mut json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let lines =
            stdout(&run(&["analyze", "--format", "jsonl", "--connections", "--exchanges", path]));
        let (mut failures, mut counts) = (Vec::new(), [0_u64; 2]);
        for line in lines.lines() {
            let mut record: serde_json::Value = serde_json::from_str(line).unwrap();
            let kind = record["type"].as_str().unwrap().to_owned();
            record.as_object_mut().unwrap().remove("type");
            match kind.as_str() {
                "failure" => failures.push(record),
                "revision" => {
                    let id = record["id"].clone();
                    let known = failures.iter_mut().find(|failure| failure["id"] == id).unwrap();
                    known.as_object_mut().unwrap().extend(record.as_object().unwrap().clone());
                }
                "connection" => counts[0] += record["exchanges"].as_u64().unwrap(),
                "exchange" => counts[1] += 1,
                _ => {
                    let rest = json.as_object_mut().unwrap();
                    let told = rest.remove("failures").unwrap();
                    // What was told of the front leg before it was known for that.
                    failures.retain(|failure| failure["retracted"] != true);
                    failures.sort_by_key(|failure| failure["id"].to_string());
                    let mut told = told.as_array().unwrap().clone();
                    told.sort_by_key(|failure| failure["id"].to_string());
                    assert_eq!(failures, told, "{path}");
                    assert_eq!(&record, &json, "{path}");
                }
            }
        }
        assert_eq!(counts[0], counts[1], "{path}");
    }
}

/// A record is told as soon as frames show it, not when the stream ends or a buffer is full.
#[test]
fn a_stream_is_answered_as_its_frames_come() {
    use std::io::{BufRead, BufReader};
    let whole = fs::read(format!("{}/{RACE}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    for (more, begins, records) in
        [(&[][..], "{\"type\":\"failure\"", 4), (&["--exchanges"], "{\"type\":\"exchange\"", 14)]
    {
        let mut child = why502(&["analyze", "--format", "jsonl", "-"])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        stdin.write_all(&whole[..whole.len() / 2]).unwrap();
        // The stream is still open: without an answer now, this would wait for ever.
        let first = lines.next().unwrap().unwrap();
        assert!(first.starts_with(begins), "{first}");
        stdin.write_all(&whole[whole.len() / 2..]).unwrap();
        drop(stdin);
        let told = |line: &String| {
            ["failure", "exchange"]
                .iter()
                .any(|kind| line.contains(&format!("\"type\":\"{kind}\"")))
        };
        assert_eq!(1 + lines.map_while(Result::ok).filter(told).count(), records);
        assert_eq!(child.wait().unwrap().code(), Some(1));
    }
}

/// A rotated ring is one capture, in the order of its time whatever the order given.
#[test]
fn a_ring_is_read_in_the_order_of_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(format!("{}/{RACE}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    // Cut between records: a record is 16 bytes and what its third field says.
    let (mut at, mut cuts) = (24, Vec::new());
    while at < whole.len() {
        cuts.push(at);
        let length: [u8; 4] = whole[at + 8..at + 12].try_into().unwrap();
        at += 16 + u32::from_le_bytes(length) as usize;
    }
    let middle = cuts[cuts.len() / 2];
    let (first, second) = (folder.path().join("ring0"), folder.path().join("ring1"));
    fs::write(&first, &whole[..middle]).unwrap();
    fs::write(&second, [&whole[..24], &whole[middle..]].concat()).unwrap();
    for order in [[&first, &second], [&second, &first]] {
        let paths = order.map(|path| path.to_str().unwrap());
        let output = run(&["analyze", "--format", "json", paths[0], paths[1]]);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["causes"]["keepalive_race"], 4);
        assert_eq!(report["counters"]["connections"], 4);
        assert!(report["captures"][0]["path"].as_str().unwrap().ends_with("ring0"));
        let captures = report["failures"].as_array().unwrap().iter().map(|failure| {
            let frames = failure["frames"].as_array().unwrap();
            frames.iter().map(|frame| frame["capture"].as_u64().unwrap()).collect::<Vec<_>>()
        });
        let captures: Vec<Vec<u64>> = captures.collect();
        assert!(captures.iter().all(|frames| frames.is_sorted()), "{captures:?}");
        assert!(captures.iter().flatten().any(|capture| *capture == 1), "{captures:?}");
    }
}

#[test]
fn the_answer_can_go_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answer.json");
    let path = file.to_str().unwrap();
    let output = run(&["analyze", "--format", "json", "--output", path, RACE]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""));
    let report: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(report["causes"]["keepalive_race"], 4);
    let nowhere = run(&["analyze", "--output", "/no/such/folder/x", RACE]);
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(stderr(&nowhere).contains("/no/such/folder/x: cannot write"));
}

/// `why502 … | head -1` is no error.
#[test]
fn a_reader_that_leaves_is_no_error() {
    for format in ["text", "json"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        until_nobody_reads(&writer);
        let output = why502(&["analyze", "--format", format, "--all", RACE])
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        assert_eq!(stderr(&output), "");
        assert_eq!(output.status.code(), Some(0));
    }
}

/// What other tests start at the same moment has every pipe of this process open, until it becomes
/// another program.
fn until_nobody_reads(pipe: &std::io::PipeWriter) {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd;
    let broken = || {
        let mut one = [PollFd::new(pipe.as_fd(), PollFlags::empty())];
        poll(&mut one, PollTimeout::ZERO).unwrap();
        one[0].revents().unwrap().contains(PollFlags::POLLERR)
    };
    while !broken() {
        std::thread::yield_now();
    }
}

/// The names that scripts depend on.
#[test]
fn json_has_the_fields_of_the_contract() {
    let output = run(&["analyze", "--format", "json", RACE]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let has = |value: &serde_json::Value, fields: &str| {
        for field in fields.split_whitespace() {
            assert!(value.get(field).is_some(), "{field}");
        }
    };
    has(
        &report,
        "schema_version answer tool captures counters causes backends events groups over_time failures \
         notes",
    );
    has(&report["answer"], "headline paragraphs fixes");
    has(&report["answer"]["fixes"][0], "text side product setting value where line why instead_of");
    has(
        &report["groups"][0],
        "id cause certainty backend method target_pattern count first last idle_gap wait retry example",
    );
    has(&report["over_time"][0], "at exchanges failed");
    has(
        &report["captures"][0],
        "path format link_types frames bytes first last truncated_frames damage",
    );
    has(
        &report["counters"],
        "frames segments skipped connections connects_failed exchanges exchanges_failed benign_closes \
         capture_gaps limits_hit",
    );
    let backend = &report["backends"][0];
    has(
        backend,
        "backend connections exchanges statuses causes vantage idle backend_keepalive request_limit \
         proxies ordering near_misses health hazard what_if",
    );
    has(&backend["idle"], "reused closed_by_backend closed_by_proxy buckets");
    has(
        &backend["idle"]["buckets"][0],
        "from_ns to_ns answered lost closed_by_backend closed_by_proxy",
    );
    has(&backend["idle"]["reused"], "count min_ns p50_ns p90_ns p99_ns max_ns");
    has(&backend["proxies"][0], "proxy connections idle proxy_idle proxy_read ordering");
    let failure = &report["failures"][0];
    has(
        failure,
        "id event cause certainty at detail proxy backend connection ordinal request response \
         idle_gap_ns wait_ns close retry retry_reason expected_status frames filter process client summary fix",
    );
    has(&failure["request"], "method target host request_id at first last");
    has(&failure["close"], "by kind frame at request_received");
    has(&failure["frames"][0], "capture number at side kind note");
    assert_eq!(backend["vantage"]["value"], "proxy");
}

/// The same capture gives the same bytes, every time.
#[test]
fn the_answer_is_the_same_every_time() {
    let once = run(&["analyze", "--format", "json", RACE]).stdout;
    for _ in 0..3 {
        assert_eq!(run(&["analyze", "--format", "json", RACE]).stdout, once);
    }
}

#[cfg(not(feature = "live"))]
#[test]
fn a_filter_without_libpcap_is_refused_with_the_way_to_have_it() {
    let output = run(&["analyze", "--filter", "tcp port 3000", RACE]);
    let said = stderr(&output);
    assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
    assert!(said.contains("built without libpcap") && said.contains("libpcap-dev"), "{said}");
    assert!(stdout(&output).is_empty());
}

/// Nothing at all is no capture; a capture without frames is one.
#[test]
fn an_empty_file_and_a_header_alone_are_told_apart() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let empty = run(&["analyze", file.path().to_str().unwrap()]);
    assert!(stderr(&empty).contains("the file is empty"));
    file.write_all(&pcap(&[])).unwrap();
    let header = run(&["analyze", file.path().to_str().unwrap()]);
    assert_eq!(header.status.code(), Some(2), "nothing was judged");
    assert!(stdout(&header).contains("no TCP connection among 0 frames"));
}

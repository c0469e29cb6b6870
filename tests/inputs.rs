//! Files and pipes as they are given: silent, endless, stopped, written to, and several that have
//! nothing to do with each other.

use crate::program::{RACE, run, stderr, stdout};
use crate::wire::{self, End, Frame, Talk, get, pcap};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Longer than anything here takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(30);

const NONE: Duration = Duration::ZERO;

/// A race: it is told as soon as its connection was silent for a moment.
fn race(port: u16, after: Duration) -> Talk {
    let mut talk = Talk::new(u32::from(port), 22 * u32::from(port)).on_port(port).after(after);
    talk.handshake().exchange("/warm", 64).idle(Duration::from_secs(2));
    talk.fin_unheard(End::Backend).data(End::Proxy, &get("/raced"));
    talk.rst_in_reply(End::Backend).arrives(End::Proxy).fin(End::Proxy).rst_in_reply(End::Backend);
    talk
}

/// The program, reading a pipe that stays open.
struct Piped {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Piped {
    /// Whoever runs the tests in the background may have had signals ignored, and the program leaves it at that.
    fn begin(arguments: &[&str], bytes: &[u8]) -> Self {
        let mut command = Command::new("env");
        command.args(["--default-signal=HUP,INT,TERM", env!("CARGO_BIN_EXE_why502")]);
        command.args(["analyze", "-"]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(bytes).unwrap();
        let (to, lines) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            out.lines().map_while(Result::ok).for_each(|one| drop(to.send(one)))
        });
        Self { child, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("nothing was said")
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }
}

#[test]
fn a_failure_is_told_while_the_pipe_is_silent() {
    let mut piped = Piped::begin(&["--format", "jsonl"], &pcap(&race(40_000, NONE).frames));
    let told = piped.line();
    assert!(told.contains(r#""type":"failure""#) && told.contains("keepalive_race"), "{told}");
    // What comes after the pause is read as well.
    let later = pcap(&race(40_001, Duration::from_secs(20)).frames);
    piped.child.stdin.as_mut().unwrap().write_all(&later[24..]).unwrap();
    assert!(piped.line().contains(r#""type":"failure""#));
    drop(piped.child.stdin.take());
    assert!(piped.line().contains(r#""type":"summary""#));
    assert_eq!(piped.child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_signal_reports_what_was_read_so_far() {
    let stopped = |signal| {
        let mut piped = Piped::begin(&["--format", "jsonl"], &pcap(&race(40_000, NONE).frames));
        // It has read: now it waits.
        piped.line();
        piped.signal(signal);
        let summary = piped.line();
        assert!(summary.contains(r#""type":"summary""#), "{summary}");
        assert!(summary.contains("stopped by a signal"), "{summary}");
        assert_eq!(piped.child.wait().unwrap().code(), Some(1), "{signal}");
    };
    // All at once: each of them mostly waits.
    std::thread::scope(|scope| {
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            scope.spawn(move || stopped(signal));
        }
    });
}

#[test]
fn what_the_writer_still_has_when_both_are_asked_to_end_is_read() {
    let mut piped = Piped::begin(&["--format", "jsonl"], &pcap(&race(40_000, NONE).frames));
    piped.line();
    piped.signal(Signal::SIGINT);
    let mut last = Talk::new(55, 66).on_port(40_002).after(Duration::from_secs(30));
    last.handshake().exchange("/last", 64).close(End::Proxy);
    piped.child.stdin.as_mut().unwrap().write_all(&pcap(&last.frames)[24..]).unwrap();
    drop(piped.child.stdin.take());
    let summary = piped.line();
    assert!(summary.contains(r#""connections":2"#), "{summary}");
    assert!(!summary.contains("stopped by a signal"), "{summary}");
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut piped = Piped::begin(&["--format", "jsonl"], &pcap(&race(40_000, NONE).frames));
    piped.line();
    // Both are there when it goes on: between them it might come to its end by itself.
    piped.signal(Signal::SIGSTOP);
    piped.signal(Signal::SIGINT);
    piped.signal(Signal::SIGTERM);
    piped.signal(Signal::SIGCONT);
    let ended = piped.child.wait().unwrap();
    assert!(matches!(ended.signal(), Some(2 | 15)), "{ended}");
}

#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    let program = env!("CARGO_BIN_EXE_why502");
    let mut child = Command::new("sh")
        .args(["-c", "trap '' HUP; exec \"$0\" analyze - --format jsonl", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.as_mut().unwrap().write_all(&pcap(&race(40_000, NONE).frames)).unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGHUP).unwrap();
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(child.try_wait().unwrap(), None);
    drop(child.stdin.take());
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert!(!rest.contains("stopped"), "{rest}");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

#[test]
fn zstd_is_read_frame_by_frame() {
    let folder = tempfile::tempdir().unwrap();
    let plain = pcap(&wire::together(&[&race(40_000, NONE), &race(40_001, NONE)]));
    let (begin, end) = plain.split_at(700);
    // As pzstd has it: a frame to skip, which says how long the next one is.
    let skipped =
        |bytes: &[u8]| [&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 9, 9, 9, 9][..], bytes].concat();
    let both = [compressed(begin), compressed(end)].concat();
    let cases = [
        ("two", both.clone()),
        ("pzstd", [skipped(&compressed(begin)), skipped(&compressed(end))].concat()),
        ("empty", [compressed(b""), both.clone(), skipped(b"")].concat()),
    ];
    for (name, bytes) in cases {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let report = json(&path);
        assert_eq!(report["failures"].as_array().unwrap().len(), 2, "{name}");
        assert_eq!(report["captures"][0]["damage"], serde_json::Value::Null, "{name}");
    }
    for (name, bytes) in
        [("cut", both[..both.len() - 9].to_vec()), ("more", [&both[..], b"more"].concat())]
    {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let report = json(&path);
        assert!(report["captures"][0]["damage"].is_string(), "{name}");
    }
}

/// The report on one capture.
fn json(path: &Path) -> serde_json::Value {
    let output = run(&["analyze", "--format", "json", path.to_str().unwrap()]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)))
}

#[test]
fn inputs_without_end_come_to_one() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let large = folder.path().join("large.toml");
    fs::write(&large, "# comment\n".repeat(1 << 18)).unwrap();
    for config in ["/dev/zero", "/dev/urandom", pipe.to_str().unwrap(), large.to_str().unwrap()] {
        let output = run(&["analyze", "--config", config, RACE]);
        let said = stderr(&output);
        assert!(said.contains(config) && said.lines().count() == 1, "{said}");
        assert_eq!(output.status.code(), Some(2));
    }
    for capture in ["/dev/zero", "/dev/urandom", "/dev/null"] {
        let output = run(&["analyze", capture]);
        assert_eq!((output.status.code(), stderr(&output).lines().count()), (Some(2), 1));
    }
    for log in ["/dev/zero", "/dev/urandom"] {
        let begun = Instant::now();
        let output = run(&["analyze", "--access-log", log, RACE]);
        let said = stdout(&output) + &stderr(&output);
        assert!(said.contains("not read on") || said.contains("binary, not a log"), "{said}");
        assert!(begun.elapsed() < PATIENCE);
    }
}

#[test]
fn an_output_that_is_an_input_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let whole = pcap(&race(40_000, NONE).frames);
    let (capture, log, config) = (at("a.pcap"), at("a.log"), at("a.toml"));
    fs::write(&capture, &whole).unwrap();
    fs::write(&log, "what\n").unwrap();
    fs::write(&config, "").unwrap();
    symlink(&capture, at("link")).unwrap();
    fs::hard_link(&capture, at("hard")).unwrap();
    let arguments = ["analyze", "--access-log", &log, "--config", &config, &capture, "--output"];
    for output in [&capture, &log, &config, &at("link"), &at("hard"), &at("./a.pcap")] {
        let refused = run(&[&arguments[..], &[output]].concat());
        let said = stderr(&refused);
        assert!(said.contains("that is the input") && said.lines().count() == 1, "{said}");
        assert_eq!(refused.status.code(), Some(2));
    }
    let redirected = |command: &str| {
        let status = Command::new("sh")
            .args(["-c", command, env!("CARGO_BIN_EXE_why502"), &capture])
            .stderr(Stdio::null())
            .status();
        assert_eq!(status.unwrap().code(), Some(2), "{command}");
    };
    redirected("\"$0\" analyze - --output \"$1\" < \"$1\"");
    redirected("\"$0\" analyze \"$1\" --output /dev/stdin < \"$1\"");
    redirected("\"$0\" analyze \"$1\" >> \"$1\"");
    assert_eq!(fs::read(&capture).unwrap(), whole);
    assert_eq!(fs::read_to_string(&log).unwrap(), "what\n");
    // Anything else is written, what is there already as well.
    fs::write(at("answer"), "old").unwrap();
    assert_eq!(run(&[&arguments[..], &[&at("answer")]].concat()).status.code(), Some(1));
    assert!(fs::read_to_string(at("answer")).unwrap().contains("1 of 2 requests failed"));
    assert_eq!(run(&["analyze", "--output", "/dev/null", &capture]).status.code(), Some(1));
}

#[test]
fn what_cannot_be_read_is_told_after_the_rest_was_reported() {
    let output =
        run(&["analyze", "no-such-file", RACE, "Cargo.toml", "--access-log", "no-such-log"]);
    assert!(stdout(&output).contains("4 of 10 requests failed"), "{}", stdout(&output));
    let said = stderr(&output);
    for words in
        ["no-such-file: cannot open", "Cargo.toml: not a capture", "no-such-log: cannot open"]
    {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(said.lines().count(), 3);
    assert_eq!(output.status.code(), Some(2));
}

/// The groups that captures are found to be, each by the number of its captures, whatever the order in
/// which they are given.
fn groups(captures: &[Vec<Frame>]) -> Vec<usize> {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (place, frames) in captures.iter().enumerate() {
        let path = folder.path().join(format!("{place}.pcap"));
        fs::write(&path, pcap(frames)).unwrap();
        paths.push(path.to_str().unwrap().to_owned());
    }
    let mut found: Vec<Vec<usize>> = Vec::new();
    for turn in 0..paths.len() {
        paths.rotate_left(turn);
        let all: Vec<&str> = paths.iter().map(String::as_str).collect();
        for order in [all.clone(), all.into_iter().rev().collect()] {
            let output = run(&[&["analyze", "--format", "json"], &order[..]].concat());
            let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            let reports = report["reports"].as_array().cloned().unwrap_or_else(|| vec![report]);
            assert!(reports.iter().all(|report| report["schema_version"].is_u64()));
            found.push(
                reports.iter().map(|one| one["captures"].as_array().unwrap().len()).collect(),
            );
        }
    }
    let first = found[0].clone();
    assert!(found.iter().all(|one| *one == first), "{found:?}");
    first
}

const HOURS: Duration = Duration::from_secs(3 * 3_600);

/// A sound exchange.
fn sound(port: u16, numbers: u32, after: Duration) -> Talk {
    let mut talk = Talk::new(numbers, numbers + 1_000_000_000).on_port(port).after(after);
    talk.handshake().exchange("/a", 64).idle(Duration::from_secs(5)).exchange("/b", 64);
    talk
}

#[test]
fn captures_hours_apart_have_stories_of_their_own() {
    // The same port comes again, with other numbers.
    let captures = [
        sound(40_000, 7, NONE).frames,
        sound(40_000, 2_000_000_000, HOURS).frames,
        sound(40_000, 3_000_000_000, HOURS * 2).frames,
    ];
    assert_eq!(groups(&captures), [1, 1, 1]);
}

#[test]
fn captures_that_follow_each_other_are_one_story() {
    let captures = [
        sound(40_000, 7, NONE).frames,
        sound(40_001, 8, Duration::from_secs(6)).frames,
        sound(40_002, 9, Duration::from_secs(40)).frames,
        sound(40_003, 10, HOURS).frames,
    ];
    assert_eq!(groups(&captures), [3, 1]);
}

#[test]
fn captures_that_share_a_connection_are_one_story_whatever_is_between() {
    let mut talk = sound(40_000, 7, NONE);
    let cut = talk.frames.len();
    talk.idle(HOURS).exchange("/c", 64);
    let (before, after) = talk.frames.split_at(cut);
    assert_eq!(groups(&[before.to_vec(), after.to_vec()]), [2]);
}

#[test]
fn captures_of_one_time_are_one_story_of_one_leg_or_of_two() {
    let here = wire::together(&[&sound(40_000, 7, NONE), &race(40_001, NONE)]);
    let there: Vec<Frame> =
        here.iter().map(|frame| Frame { at: frame.at + 300_000, ..frame.clone() }).collect();
    let elsewhere = sound(50_000, 9, Duration::from_secs(1)).frames;
    assert_eq!(groups(&[here.clone(), there]), [2]);
    assert_eq!(groups(&[here, elsewhere]), [2]);
}

#[test]
fn of_several_stories_text_has_sections_and_the_worst_counts() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mut late = sound(40_000, 7, HOURS);
    late.close(End::Proxy);
    fs::write(at("raced"), pcap(&race(40_000, NONE).frames)).unwrap();
    fs::write(at("sound"), pcap(&late.frames)).unwrap();
    let output = run(&["analyze", &at("sound"), &at("raced")]);
    let text = stdout(&output);
    let (first, second) = (text.find(&at("raced")).unwrap(), text.find(&at("sound")).unwrap());
    assert!(first < second && text.contains("1 of 2 requests failed"), "{text}");
    assert_eq!(output.status.code(), Some(1));
    let output = run(&["analyze", "--format", "jsonl", &at("sound"), &at("raced")]);
    let summaries = stdout(&output).matches(r#""type":"summary""#).count();
    assert_eq!((summaries, output.status.code()), (2, Some(1)));
}

/// Runs the program with so much memory, in KiB.
fn within(memory: u32, arguments: &[&str]) -> std::process::Output {
    let limited = format!("ulimit -v {memory}; exec \"$0\" \"$@\"");
    let program = env!("CARGO_BIN_EXE_why502");
    Command::new("sh").args([&["-c", &limited, program], arguments].concat()).output().unwrap()
}

#[test]
fn lines_that_could_each_be_of_thousands_of_exchanges_take_little_room() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mut talk = Talk::new(11, 22);
    talk.handshake();
    for _ in 0..3_000 {
        talk.exchange("/a", 8);
    }
    fs::write(at("a.pcap"), pcap(&talk.frames)).unwrap();
    let line =
        "10.0.0.9 - - [20/Nov/2026:12:00:01 +0000] \"GET /a HTTP/1.1\" 502 157 \"-\" \"x\"\n";
    let other = line.replace("12:00:01", "12:00:00");
    fs::write(at("a.log"), format!("{line}{other}").repeat(8_000)).unwrap();
    let arguments = ["analyze", "--format", "json", "--access-log", &at("a.log"), &at("a.pcap")];
    let output = within(400_000, &arguments);
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    assert_eq!(report["log"]["errors"], 16_000);
    assert_eq!(report["log"]["joined"].as_array().unwrap().len(), 0);
}

#[test]
fn lines_that_name_dozens_of_attempts_are_kept_as_far_as_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let (addresses, statuses) = (["10.0.0.1:8080"; 200].join(", "), ["502"; 200].join(", "));
    let line = format!(
        "10.0.0.9 - - [20/Nov/2026:12:00:01 +0000] \"GET /a HTTP/1.1\" 502 157 \"-\" \"x\" \
         upstream_addr=\"{addresses}\" upstream_status=\"{statuses}\"\n"
    );
    fs::write(&path, line.repeat(30_000)).unwrap();
    let output =
        within(500_000, &["analyze", "--format", "json", "--access-log", path.to_str().unwrap()]);
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    let kept = 30_000 - report["log"]["errors_not_kept"].as_u64().unwrap();
    assert!((100..30_000).contains(&kept), "{kept}");
}

//! Lines and conversations: what is joined, what must not be, what cannot be told; and logs that nobody
//! prepared.

use crate::program::{RACE, stderr, stdout, why502};
use crate::wire::{self, End, Talk, get, ok, pcap, post_head};
use End::{Backend, Proxy};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::Value;
use std::fs;
use std::io::{Cursor, Write};
use std::process::{Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use why502::inside::analysis::{self, Settings, read_log};
use why502::inside::input::{Savefile, Source, Text};
use why502::inside::join::{Answer, Lines, Missing};

/// 2026-11-20T12:00:00Z, when conversations begin.
const NOON: f64 = 1_795_176_000.0;
const MS: fn(u64) -> Duration = Duration::from_millis;

/// A request that the backend has in full when it closes.
fn cut(port: u16, after: Duration, target: &str) -> Talk {
    cut_off(port, after, &get(target))
}

fn cut_off(port: u16, after: Duration, request: &[u8]) -> Talk {
    let mut talk = Talk::new(u32::from(port), 7).on_port(port).after(after);
    talk.handshake().data(Proxy, request).ack(Backend).idle(MS(40));
    talk.fin(Backend).ack(Proxy).fin(Proxy).ack(Backend);
    talk
}

/// One that is answered.
fn fine(port: u16, after: Duration, target: &str) -> Talk {
    let mut talk = Talk::new(u32::from(port), 7).on_port(port).after(after);
    talk.handshake().exchange(target, 10).close(Proxy);
    talk
}

/// One that is answered with this.
fn answered(port: u16, after: Duration, status: &str) -> Talk {
    let mut talk = Talk::new(u32::from(port), 7).on_port(port).after(after);
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
    talk.handshake().data(Proxy, &get("/a")).ack(Backend);
    talk.data(Backend, answer.as_bytes()).ack(Proxy).close(Proxy);
    talk
}

/// A capture and logs in a folder.
struct Given {
    folder: TempDir,
    logs: usize,
}

impl Given {
    fn talks(talks: &[&Talk]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("c.pcap"), pcap(&wire::together(talks))).unwrap();
        Self { folder, logs: 0 }
    }

    fn log(mut self, lines: &[String]) -> Self {
        let path = self.folder.path().join(format!("{}.log", self.logs));
        fs::write(path, lines.join("\n")).unwrap();
        self.logs += 1;
        self
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn run(&self, options: &[&str]) -> Output {
        let mut command = why502(&["analyze"]);
        for log in 0..self.logs {
            command.arg("--access-log").arg(self.path(&format!("{log}.log")));
        }
        command.args(options).arg(self.path("c.pcap")).output().unwrap()
    }

    fn report(&self) -> Value {
        let output = self.run(&["--format", "json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)))
    }
}

/// nginx's own words with milliseconds: when it ended after noon, and how long it took.
fn line(end: f64, target: &str, status: u16, took: f64) -> String {
    let at = NOON + end;
    format!(
        "{at:.3} \"GET {target} HTTP/1.1\" {status} up=10.0.0.1:8080 ust={status} uct=0.000 uht=- \
         urt={took:.3} rt={took:.3}"
    )
}

/// The combined format: whole seconds and nothing else.
fn combined(second: u64, method: &str, target: &str, status: u16) -> String {
    format!(
        "10.0.0.7 - - [20/Nov/2026:12:00:{second:02} +0000] \"{method} {target} HTTP/1.1\" {status} 157 \
         \"-\" \"curl\""
    )
}

fn answers(report: &Value) -> Vec<(u64, String)> {
    let log = &report["log"];
    let mut answers: Vec<(u64, String)> = [&log["joined"], &log["unmatched"]]
        .iter()
        .flat_map(|lines| lines.as_array().unwrap())
        .map(|line| (line["line"].as_u64().unwrap(), line["answer"].as_str().unwrap().to_owned()))
        .collect();
    answers.sort();
    answers
}

fn all(answers: &[(u64, String)], answer: &str) -> bool {
    !answers.is_empty() && answers.iter().all(|(_, one)| one == answer)
}

#[test]
fn equal_targets_are_told_apart_by_their_times() {
    let (first, second) = (cut(40_000, MS(0), "/a"), cut(40_001, MS(300), "/a"));
    let given = Given::talks(&[&first, &second])
        .log(&[line(0.041, "/a", 502, 0.041), line(0.341, "/a", 502, 0.041)]);
    let report = given.report();
    assert!(all(&answers(&report), "on_leg"), "{}", report["log"]);
    for (place, failure) in report["failures"].as_array().unwrap().iter().enumerate() {
        assert_eq!(failure["client"]["line"]["number"], place as u64 + 1, "{failure}");
        assert_eq!(failure["client"]["status"], 502);
        assert_eq!(failure["client"]["matched_by"], "target_and_time");
    }
}

#[test]
fn a_line_of_another_time_target_backend_or_status_is_not_joined() {
    let talk = cut(40_000, MS(0), "/a");
    let elsewhere = line(0.041, "/a", 502, 0.041).replace("10.0.0.1:8080", "10.0.0.2:8080");
    for (lines, answer, reason) in [
        (vec![line(90.0, "/a", 502, 0.041)], "not_in_capture", "outside_time"),
        (vec![line(0.041, "/b", 502, 0.041)], "not_in_capture", "not_found"),
        (vec![elsewhere], "not_in_capture", "backend_not_captured"),
        (
            vec![line(0.041, "/a", 502, 0.0).replace("up=10.0.0.1:8080", "up=app")],
            "not_on_leg",
            "no_backend",
        ),
    ] {
        let report = Given::talks(&[&talk]).log(&lines).report();
        assert!(all(&answers(&report), answer), "{lines:?}: {}", report["log"]);
        assert_eq!(report["log"]["unmatched"][0]["reason"], reason, "{lines:?}");
        assert_eq!(report["failures"][0]["client"], Value::Null);
    }
    // What went well is no error's.
    let report = Given::talks(&[&fine(40_000, MS(0), "/a")]).log(&[line(0.001, "/a", 502, 0.001)]);
    let report = report.report();
    assert_eq!(report["log"]["unmatched"][0]["reason"], "answered", "{}", report["log"]);
}

#[test]
fn the_status_tells_apart_what_nothing_else_does() {
    let talks = [
        answered(40_000, MS(100), "200 OK"),
        answered(40_001, MS(300), "503 Busy"),
        answered(40_002, MS(500), "200 OK"),
    ];
    let report = Given::talks(&[&talks[0], &talks[1], &talks[2]])
        .log(&[combined(0, "GET", "/a", 503)])
        .report();
    assert_eq!(report["log"]["answers"]["on_leg"], 1, "{}", report["log"]);
    assert_eq!(report["failures"][0]["client"]["status"], 503);
}

#[test]
fn an_id_that_two_lines_carry_decides_nothing() {
    let ask = b"GET /a HTTP/1.1\r\nHost: a\r\nX-Request-Id: same-id-77\r\n\r\n";
    let talks = [cut_off(40_000, MS(0), ask), cut_off(40_001, MS(900), ask)];
    let one = |end: f64| format!("{} rid=same-id-77", line(end, "/a", 502, 0.041));
    let report = Given::talks(&[&talks[0], &talks[1]]).log(&[one(0.041), one(0.941)]).report();
    assert_eq!(report["failures"].as_array().unwrap().len(), 2);
    for (place, failure) in report["failures"].as_array().unwrap().iter().enumerate() {
        assert_eq!(failure["client"]["line"]["number"], place as u64 + 1, "{}", report["log"]);
        assert_ne!(failure["client"]["retried"], true);
    }
}

#[test]
fn of_two_that_are_near_neither_is_taken() {
    let talks = [cut(40_000, MS(0), "/a"), cut(40_001, MS(400), "/a")];
    let report =
        Given::talks(&[&talks[0], &talks[1]]).log(&[line(0.170, "/a", 502, 0.041)]).report();
    assert_eq!(report["log"]["answers"]["ambiguous"], 1, "{}", report["log"]);
}

#[test]
fn what_failed_half_a_second_later_is_no_retry() {
    let talks = [cut(40_000, MS(100), "/a"), cut(40_001, MS(700), "/a")];
    let report =
        Given::talks(&[&talks[0], &talks[1]]).log(&[combined(0, "GET", "/a", 502)]).report();
    assert_eq!(report["log"]["answers"]["ambiguous"], 1, "{}", report["log"]);
}

#[test]
fn where_frames_are_missing_a_line_without_an_exchange_is_not_called_unknown() {
    let mut lossy = Talk::new(1, 7);
    lossy.handshake().exchange("/x", 64).data(Proxy, &get("/a")).data(Backend, &ok(4));
    lossy.frames.pop();
    lossy.frames.pop();
    lossy.ack(Proxy).ack(Backend).exchange("/y", 64).close(Proxy);
    let report = Given::talks(&[&lossy]).log(&[line(0.003, "/lost", 502, 0.001)]).report();
    assert_eq!(report["log"]["unmatched"][0]["reason"], "frames_missing", "{}", report["log"]);
}

#[test]
fn a_retry_that_failed_as_well_hid_nothing() {
    let talks = [cut(40_000, MS(0), "/a"), cut(40_001, MS(43), "/a")];
    let logged = format!(
        "{:.3} \"GET /a HTTP/1.1\" 502 up=10.0.0.1:8080, 10.0.0.1:8080 ust=502, 502 uct=0.000, 0.000 \
         uht=-, - urt=0.042, 0.042 rt=0.084",
        NOON + 0.0845
    );
    let report = Given::talks(&[&talks[0], &talks[1]]).log(&[logged]).report();
    assert_eq!(
        report["failures"][0]["client"]["retried"], true,
        "{}",
        report["failures"][0]["client"]
    );
    assert_eq!(
        report["log"]["hidden_retries"]["failures"], 0,
        "{}",
        report["log"]["hidden_retries"]
    );
}

#[test]
fn a_message_beside_its_access_line_is_no_second_error() {
    let message = "2026/11/20 12:00:00 [error] 7#7: *1 upstream prematurely closed connection while reading \
                   response header from upstream, client: 10.0.0.7, server: , request: \"GET /a HTTP/1.1\", \
                   upstream: \"http://10.0.0.1:8080/a\", host: \"shop\"";
    let report = Given::talks(&[&cut(40_000, MS(0), "/a")])
        .log(&[line(0.041, "/a", 502, 0.041)])
        .log(&[message.to_owned()])
        .report();
    assert_eq!(report["log"]["answers"]["on_leg"], 1, "{}", report["log"]);
}

#[test]
fn the_port_of_the_proxy_decides_between_alike_requests() {
    let talks = [cut(40_000, MS(0), "/a"), cut(40_001, MS(0), "/a")];
    let istio = |port: u16, id: &str| {
        format!(
            "[2026-11-20T12:00:00.000Z] \"GET /a HTTP/1.1\" 503 UC \
             upstream_reset_before_response_started{{connection_termination}} - \"-\" 0 95 41 - \"-\" \
             \"curl\" \"{id}\" \"shop\" \"10.0.0.1:8080\" outbound|8080||shop 10.0.0.9:{port} \
             10.0.0.9:80 10.0.0.7:5555 - default"
        )
    };
    let given =
        Given::talks(&[&talks[0], &talks[1]]).log(&[istio(40_001, "b"), istio(40_000, "a")]);
    let report = given.report();
    for failure in report["failures"].as_array().unwrap() {
        let port = failure["proxy"].as_str().unwrap().rsplit(':').next().unwrap();
        let line = if port == "40001" { 1 } else { 2 };
        assert_eq!(failure["client"]["line"]["number"], line, "{failure}");
        assert_eq!(failure["client"]["matched_by"], "source_port");
    }
}

#[test]
fn a_clock_that_is_off_is_found_and_told() {
    let talks: Vec<Talk> =
        (0..6).map(|n| cut(40_000 + n, MS(u64::from(n) * 700), &format!("/{n}"))).collect();
    let talks: Vec<&Talk> = talks.iter().collect();
    // Nobody sends these at such distances twice: 0, 0.7, 1.4 … s.
    let at = |n: u32, off: f64| f64::from(n) * 0.7 + 0.041 + off;
    let lines = |off: f64| -> Vec<String> {
        (0..6).map(|n| line(at(n, off), &format!("/{n}"), 502, 0.041)).collect()
    };
    for off in [0.0, -4.25, 3_600.0] {
        let report = Given::talks(&talks).log(&lines(off)).report();
        assert!(all(&answers(&report), "on_leg"), "{off}: {}", report["log"]);
        let clock = &report["log"]["files"][0]["clock"];
        let found = clock["offset_ns"].as_f64().unwrap() / 1e9;
        assert!((found - off).abs() < 0.01, "{off}: {clock}");
        assert_eq!(clock["by"], "matches");
    }
    // The error log has local times, two hours ahead.
    let message = |n: u64| {
        format!(
            "2026/11/20 14:00:{:02} [error] 7#7: *{n} upstream prematurely closed connection while \
             reading response header from upstream, client: 10.0.0.7, server: , request: \
             \"GET /{n} HTTP/1.1\", upstream: \"http://10.0.0.1:8080/{n}\", host: \"shop\"",
            (n * 700 + 41) / 1000
        )
    };
    let messages: Vec<String> = (0..6).map(message).collect();
    let report = Given::talks(&talks).log(&messages).report();
    assert!(all(&answers(&report), "on_leg"), "{}", report["log"]);
    assert_eq!(report["log"]["files"][0]["local_times"], true);
}

/// One line that is far off may be of another day; three that agree tell the clock, and so does an id.
#[test]
fn a_clock_that_is_far_off_takes_more_than_a_line_or_two() {
    let ask =
        |n: u16| format!("GET /{n} HTTP/1.1\r\nHost: a\r\nX-Request-Id: only-{n}-here\r\n\r\n");
    let talks: Vec<Talk> =
        (0..3).map(|n| cut_off(40_000 + n, MS(u64::from(n) * 700), ask(n).as_bytes())).collect();
    let talks: Vec<&Talk> = talks.iter().collect();
    let said = |count: u16, off: f64, id: bool| {
        let lines = (0..count).map(|n| {
            let line = line(f64::from(n) * 0.7 + 0.041 + off, &format!("/{n}"), 502, 0.041);
            if id { format!("{line} rid=only-{n}-here") } else { line }
        });
        let report = Given::talks(&talks).log(&lines.collect::<Vec<_>>()).report();
        let clock = report["log"]["files"][0]["clock"].clone();
        (all(&answers(&report), "on_leg"), clock["by"].as_str().map(ToOwned::to_owned))
    };
    let matches = Some("matches".to_owned());
    assert_eq!(said(2, 1.5, false), (true, matches.clone()), "nobody's clock is better than that");
    assert!(!said(1, 3_600.0, false).0);
    assert!(!said(2, 3_600.0, false).0);
    assert_eq!(said(3, 3_600.0, false), (true, matches.clone()));
    assert_eq!(said(1, 3_600.0, true), (true, matches));
}

#[test]
fn lines_that_disagree_on_the_clock_tell_nothing_of_it() {
    let talks: Vec<Talk> =
        (0..6).map(|n| cut(40_000 + n, MS(u64::from(n) * 700), &format!("/{n}"))).collect();
    let talks: Vec<&Talk> = talks.iter().collect();
    let with = |offs: [f64; 6]| {
        let line = |(n, off): (u32, f64)| {
            line(f64::from(n) * 0.7 + 0.041 + off, &format!("/{n}"), 502, 0.041)
        };
        let lines: Vec<String> = (0..).zip(offs).map(line).collect();
        let report = Given::talks(&talks).log(&lines).report();
        let on_leg = answers(&report).iter().filter(|(_, answer)| answer == "on_leg").count();
        let clock = &report["log"]["files"][0]["clock"];
        (on_leg, clock["offset_ns"].as_f64().map(|nanos| nanos / 1e9))
    };
    let (joined, offset) = with([600.0, 600.1, 600.0, 600.1, 600.0, 600.1]);
    assert_eq!((joined, offset.map(|one| one.round())), (6, Some(600.0)));
    let (joined, offset) = with([600.0, 660.0, 720.0, 780.0, 840.0, 900.0]);
    assert_eq!((joined, offset), (0, Some(0.0)));
}

#[test]
fn a_client_that_left_by_the_logs_word_is_proven_to_have() {
    let mut talk = Talk::new(1, 7);
    talk.handshake().data(Proxy, &get("/slow")).ack(Backend).idle(Duration::from_secs(3));
    talk.fin(Proxy).ack(Backend).idle(Duration::from_secs(2)).fin(Backend).rst(Proxy);
    let logged = line(3.001, "/slow", 499, 3.001).replace("ust=499", "ust=-");
    let before = Given::talks(&[&talk]).log(&[line(3.001, "/slow", 504, 3.001)]).report();
    assert_eq!(before["failures"][0]["cause"], "response_timeout");
    let report = Given::talks(&[&talk]).log(&[logged]).report();
    let failure = &report["failures"][0];
    assert_eq!(
        (&failure["cause"], &failure["certainty"]),
        (&"client_gone".into(), &"proven".into())
    );
    assert_eq!(failure["detail"]["logged_status"], 499);
    assert_eq!(report["causes"]["client_gone"], 1);
    assert!(failure["summary"].as_str().unwrap().contains("log"), "{failure}");
}

/// Who closed first ended the exchange: a client that left while the backend closed is not the reason.
#[test]
fn a_client_that_left_explains_no_close_of_the_backend() {
    let unread = |by_proxy: bool| {
        let mut talk = Talk::new(1, 7);
        talk.handshake().exchange("/warm", 64).idle(MS(2_000)).data_unheard(Proxy, &get("/slow"));
        if by_proxy {
            talk.arrives(Backend).ack(Backend).idle(MS(3_000)).close(Proxy);
        } else {
            talk.idle(MS(3_000)).fin_unheard(Backend).arrives(Proxy).fin(Proxy);
            talk.rst_in_reply(Backend);
        }
        let logged = line(5.002, "/slow", 499, 3.001).replace("ust=499", "ust=-");
        let report = Given::talks(&[&talk]).log(&[logged]).report();
        let failure = &report["failures"][0];
        assert_eq!(failure["client"]["status"], 499, "{}", report["log"]);
        (failure["cause"].as_str().unwrap().to_owned(), failure["certainty"].clone())
    };
    assert_eq!(unread(true), ("client_gone".to_owned(), "proven".into()));
    assert_eq!(unread(false), ("unproven".to_owned(), "possible".into()));
}

/// A connect that nobody lets in, by the log's word: no time of connection, and none of an answer.
#[test]
fn a_line_without_a_connection_is_that_of_a_failed_connect() {
    let mut refused = Talk::new(1, 7);
    refused.syn().refuse();
    let logged = |end: f64, backend: &str| {
        let line = line(end, "/a", 502, 0.001).replace("uct=0.000", "uct=-");
        line.replace("10.0.0.1:8080", backend)
    };
    let said = |talks: &[&Talk], line: String| {
        let report = Given::talks(talks).log(&[line]).report();
        let client = report["failures"][0]["client"].clone();
        let answer = answers(&report).remove(0).1;
        (answer, client["matched_by"].as_str().map(ToOwned::to_owned), client["status"].as_u64())
    };
    let joined = ("on_leg".to_owned(), Some("backend_and_time".to_owned()), Some(502));
    assert_eq!(said(&[&refused], logged(0.001, "10.0.0.1:8080")), joined);
    let not = ("not_in_capture".to_owned(), None, None);
    assert_eq!(said(&[&refused], logged(0.001, "10.0.0.2:8080")), not, "another backend");
    assert_eq!(said(&[&refused], logged(30.0, "10.0.0.1:8080")), not, "another time");
    // Two that the line could be of, neither of which its one attempt can be told to be.
    let mut again = Talk::new(2, 8).on_port(40_001).after(MS(20));
    again.syn().refuse();
    let (answer, by, _) = said(&[&refused, &again], logged(0.011, "10.0.0.1:8080"));
    assert_eq!((answer.as_str(), by), ("ambiguous", None));
}

/// It left because nobody answered, and why nobody did is what the capture shows.
#[test]
fn a_client_that_left_took_nothing_from_a_request_that_the_way_dropped() {
    let mut lost = Talk::new(5, 7);
    lost.handshake().exchange("/warm", 10).data_unheard(Proxy, &get("/lost"));
    lost.again_and_again(Proxy, &get("/lost")).idle(MS(900)).fin_unheard(Proxy);
    let log = [line(2.1, "/lost", 499, 2.1)];
    let report = Given::talks(&[&lost]).log(&log).report();
    assert_eq!(report["causes"], serde_json::json!({"silent_drop": 1}));
    assert_eq!(report["failures"][0]["client"]["status"], 499);
}

#[test]
fn a_post_that_ran_twice_is_told() {
    let mut first = Talk::new(1, 7);
    first.handshake().data(Proxy, &post_head("/pay", 0)).ack(Backend).idle(MS(40));
    first.fin(Backend).ack(Proxy).fin(Proxy).ack(Backend);
    let mut second = Talk::new(9, 7).on_port(40_001).after(MS(43));
    second.handshake().data(Proxy, &post_head("/pay", 0)).ack(Backend);
    second.data(Backend, &ok(4)).ack(Proxy).close(Proxy);
    let logged = format!(
        "{:.3} \"POST /pay HTTP/1.1\" 200 up=10.0.0.1:8080, 10.0.0.1:8080 ust=502, 200 uct=0.000, 0.000 \
         uht=-, 0.002 urt=0.042, 0.002 rt=0.044",
        NOON + 0.0445
    );
    let given = Given::talks(&[&first, &second]).log(&[logged]);
    let report = given.report();
    assert_eq!(report["log"]["hidden_retries"]["ran_twice"], 1, "{}", report["failures"]);
    let client = &report["failures"][0]["client"];
    assert_eq!((&client["retried"], &client["ran_twice"]), (&true.into(), &true.into()));
    assert!(stdout(&given.run(&[])).contains("may have run twice"));
}

/// Asking twice for the same page does nothing twice.
#[test]
fn a_get_that_was_sent_twice_is_not_told_to_have_run_twice() {
    let first = cut(40_000, MS(0), "/a");
    let second = fine(40_001, MS(43), "/a");
    let logged = format!(
        "{:.3} \"GET /a HTTP/1.1\" 200 up=10.0.0.1:8080, 10.0.0.1:8080 ust=502, 200 uct=0.000, 0.000 \
         uht=-, 0.002 urt=0.042, 0.002 rt=0.044",
        NOON + 0.0445
    );
    let report = Given::talks(&[&first, &second]).log(&[logged]).report();
    let client = &report["failures"][0]["client"];
    assert_eq!((&client["retried"], &client["ran_twice"]), (&true.into(), &false.into()));
    assert_eq!(report["log"]["hidden_retries"]["ran_twice"], 0);
}

/// One id can stand for all that a page asks.
#[test]
fn requests_that_share_an_id_and_went_well_are_no_retries() {
    let ask = b"GET /a HTTP/1.1\r\nHost: a\r\nX-Request-Id: same-id-77\r\n\r\n";
    let well = |port: u16, after: u64| {
        let mut talk = Talk::new(u32::from(port), 7).on_port(port).after(MS(after));
        talk.handshake().data(Proxy, ask).ack(Backend).data(Backend, &ok(4)).ack(Proxy);
        talk.close(Proxy);
        talk
    };
    let failed = cut_off(40_001, MS(10), ask);
    let logged = format!("{} rid=same-id-77", line(0.051, "/a", 502, 0.051));
    let report =
        Given::talks(&[&well(40_000, 0), &failed, &well(40_002, 30)]).log(&[logged]).report();
    let client = &report["failures"][0]["client"];
    assert_eq!((&client["status"], &client["retried"]), (&502.into(), &false.into()), "{client}");
}

/// The client left while the proxy tried again: the first try ended for the proxy's own reason.
#[test]
fn a_client_that_left_during_a_retry_did_not_end_the_try_before() {
    let given_up = |port: u16, after: u64, wait: u64| {
        let mut talk = Talk::new(u32::from(port), 7).on_port(port).after(MS(after));
        talk.handshake().data(Proxy, &get("/slow")).ack(Backend).idle(MS(wait)).close(Proxy);
        talk
    };
    let logged = format!(
        "{:.3} \"GET /slow HTTP/1.1\" 499 up=10.0.0.1:8080, 10.0.0.1:8080 ust=504, - uct=0.000, 0.000 \
         uht=-, - urt=1.001, 0.501 rt=1.502",
        NOON + 1.5025
    );
    let talks = [given_up(40_000, 0, 1_000), given_up(40_001, 1_001, 500)];
    let report = Given::talks(&[&talks[0], &talks[1]]).log(&[logged]).report();
    let causes: Vec<&str> = report["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["cause"].as_str().unwrap())
        .collect();
    assert_eq!(causes, ["response_timeout", "client_gone"], "{}", report["log"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Requests that are alike in all that the log has stay ambiguous; that they failed, and how, is
    /// known all the same.
    #[test]
    fn ambiguous_stays_ambiguous(
        gaps in prop::collection::vec(60_u64..300, 2..5),
        start in 0_u64..300,
    ) {
        let mut at = start;
        let mut talks = Vec::new();
        for (place, gap) in gaps.iter().enumerate() {
            talks.push(cut(40_000 + place as u16, MS(at), "/a"));
            at += gap;
        }
        prop_assume!(at < 900);
        let talks: Vec<&Talk> = talks.iter().collect();
        let lines: Vec<String> = gaps.iter().map(|_| combined(0, "GET", "/a", 502)).collect();
        let report = Given::talks(&talks).log(&lines).report();
        prop_assert!(all(&answers(&report), "ambiguous"), "{}", report["log"]);
        prop_assert_eq!(&report["log"]["causes"]["closed_in_flight"], gaps.len());
        for failure in report["failures"].as_array().unwrap() {
            prop_assert_eq!(&failure["client"], &Value::Null);
        }
    }

    /// Whatever the log is, nothing panics, no line is lost, and nothing unprintable is shown.
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..4_000)) {
        hear(&bytes);
    }

    /// Lines of real logs, damaged.
    #[test]
    fn damaged_lines_are_read(
        log in 0..16_usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..60),
    ) {
        let mut bytes = fs::read(real_logs()[log].clone()).unwrap();
        for (place, byte, kind) in damage {
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, b"\" -,:[]{}\n"[usize::from(byte) % 10]),
                _ => {
                    let end = (at + usize::from(byte)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
            }
        }
        hear(&bytes);
    }
}

fn real_logs() -> Vec<std::path::PathBuf> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs");
    let mut logs: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|one| fs::read_dir(one.unwrap().path()).ok())
        .flat_map(|files| files.map(|file| file.unwrap().path()))
        .filter(|file| file.extension().is_some_and(|extension| extension == "log"))
        .collect();
    logs.sort();
    assert!(logs.len() >= 16);
    logs
}

/// Reads a log beside a real capture, and looks at what is shown of it.
fn hear(bytes: &[u8]) {
    let capture = fs::read(format!("{}/{RACE}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let source = Savefile::from_reader(Box::new(Cursor::new(capture)), "c".to_owned(), 0).unwrap();
    let text = Text::from_reader(Box::new(Cursor::new(bytes.to_vec())), "log".to_owned());
    let Ok(text) = text else { return };
    let settings = Settings { log: true, ..Settings::default() };
    let report =
        analysis::analyze_with_logs(&mut [source], &mut [text], settings, &mut |_| {}).unwrap();
    let mut page = Vec::new();
    why502::write_text(&report, why502::TextLayout::new(why502::Detail::All, 96), &mut page)
        .unwrap();
    why502::inside::render::json::write(&report, &mut page).unwrap();
    let shown = String::from_utf8(page).unwrap();
    assert!(!shown.contains(|c: char| c.is_control() && c != '\n' && c != '\x1b'));
}

#[test]
fn a_line_without_end_and_millions_of_lines_stay_within_bounds() {
    let mut bytes = vec![b'a'; 9 << 20];
    bytes.push(b'\n');
    bytes.extend_from_slice(line(0.1, "/a", 502, 0.1).as_bytes());
    let mut text = Text::from_reader(Box::new(Cursor::new(bytes)), "log".to_owned()).unwrap();
    let mut lines = Lines::default();
    let facts = read_log::read(&mut text, None, 0, &mut lines, None);
    assert_eq!((facts.lines, facts.unreadable, lines.errors().len()), (2, 1, 1));
    let unread = &facts.unreadable_first[0];
    assert_eq!((unread.length, unread.shape.as_str()), (9 << 20, "aaaa…"));
    // More error lines than are kept are counted.
    let one = format!("{}\n", line(0.1, "/a", 502, 0.1));
    let mut text = Text::from_reader(
        Box::new(std::io::Read::take(Repeat(one.into_bytes(), 0), 24 << 20)),
        "log".to_owned(),
    )
    .unwrap();
    let mut lines = Lines::default();
    let facts = read_log::read(&mut text, None, 0, &mut lines, None);
    assert!(facts.lines > 150_000, "{}", facts.lines);
    assert_eq!(lines.errors().len(), 1 << 17);
    assert_eq!(lines.error_count + 1, facts.lines.max(lines.error_count + 1));
    assert!(lines.errors_forgotten > 0);
}

/// The same bytes again and again.
struct Repeat(Vec<u8>, usize);

impl std::io::Read for Repeat {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let part = &self.0[self.1..];
        let count = part.len().min(into.len());
        into[..count].copy_from_slice(&part[..count]);
        self.1 = (self.1 + count) % self.0.len();
        Ok(count)
    }
}

#[test]
fn lines_that_cannot_be_read_are_counted_and_shown_and_stop_nothing() {
    let given = Given::talks(&[&cut(40_000, MS(0), "/a")]).log(&[
        "what is this?\x1b[2J".to_owned(),
        line(0.041, "/a", 502, 0.041),
        "1795176000.1 \"GET /a?token=s3cret HTTP/1.1\" what".to_owned(),
    ]);
    let report = given.report();
    assert_eq!(report["log"]["unreadable"], 2);
    assert!(all(&answers(&report), "on_leg"));
    let text = stdout(&given.run(&[]));
    assert!(text.contains("2 lines could not be read"), "{text}");
    let text = stdout(&given.run(&["--verbose"]));
    assert!(text.contains("line 1 (17 bytes, aaaa aaaa aaaa?·[aaaa):"), "{text}");
    assert!(!text.contains("what is this") && !text.contains("s3cret"), "{text}");
}

#[test]
fn what_users_saw_leads_the_answer_and_what_the_lines_are_of_follows() {
    let talks = [cut(40_000, MS(0), "/a"), cut(40_001, MS(300), "/a")];
    let given = Given::talks(&[&talks[0], &talks[1]]).log(&[
        line(0.041, "/a", 502, 0.041),
        line(0.341, "/a", 502, 0.041),
        line(99.0, "/a", 502, 0.041),
    ]);
    let text = stdout(&given.run(&["--verbose"]));
    let mut paragraphs = text.split("\n\n").map(|lines| lines.replace('\n', " "));
    // The third line is of another time, so that it does not say of how many requests these are.
    let first = paragraphs.next().unwrap();
    for words in [
        "Connection closed without a response: 2 client requests failed (2 × 502); behind them 2 of 2 \
         attempts.",
        "These 3 lines with 502",
        "2 connections closed without a response",
        "1 cannot be found in the capture",
        "outside of its time",
    ] {
        assert!(first.contains(words), "{words}: {first}");
    }
    assert!(text.contains("the client got 502 after 41.0 ms"), "{text}");
}

/// After all revisions, records add up to the document.
#[test]
fn jsonl_with_a_log_adds_up_to_json() {
    let given = Given::talks(&[&cut(40_000, MS(0), "/a"), &fine(40_001, MS(90), "/b")])
        .log(&[line(0.041, "/a", 502, 0.041)]);
    let json = given.report();
    let mut failures: Vec<Value> = Vec::new();
    for record in stdout(&given.run(&["--format", "jsonl"])).lines() {
        let mut record: Value = serde_json::from_str(record).unwrap();
        let kind = record.as_object_mut().unwrap().remove("type").unwrap();
        match kind.as_str().unwrap() {
            "failure" => failures.push(record),
            "revision" => {
                let known = failures.iter_mut().find(|one| one["id"] == record["id"]).unwrap();
                known.as_object_mut().unwrap().extend(record.as_object().unwrap().clone());
            }
            _ => assert_eq!(record["log"], json["log"]),
        }
    }
    assert_eq!(Value::Array(failures), json["failures"]);
    assert_eq!(json["failures"][0]["client"]["status"], 502);
}

#[test]
fn a_log_alone_says_what_it_can_and_which_capture_tells_the_rest() {
    let given = Given::talks(&[&fine(40_000, MS(0), "/a")]);
    let log = given.path("proxy.log");
    let refused = line(0.1, "/a", 502, 0.1).replace("uct=0.000", "uct=-");
    fs::write(&log, [line(0.1, "/a?sig=s3cret", 502, 0.1), refused].join("\n")).unwrap();
    let output = why502(&["analyze", "--access-log", &log]).output().unwrap();
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for words in [
        "2 lines with 502",
        "the connection ended before a response",
        "no connection to the backend was established",
        "tcpdump -i any",
        "host 10.0.0.1 and tcp port 8080",
        "why502 analyze --access-log",
        "why502 live -i any --backend 10.0.0.1:8080",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("s3cret"));
}

#[test]
fn logs_come_compressed_by_pattern_and_on_standard_input() {
    let given = Given::talks(&[&cut(40_000, MS(0), "/a")]);
    let one = line(0.041, "/a", 502, 0.041);
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(one.as_bytes()).unwrap();
    fs::write(given.path("a.log.gz"), packed.finish().unwrap()).unwrap();
    fs::write(given.path("b.log"), "").unwrap();
    let errors = |arguments: &[&str], input: &str| {
        let mut child = why502(&["analyze", "--format", "json"])
            .args(arguments)
            .arg(given.path("c.pcap"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let report: Value =
            serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
        (
            report["log"]["answers"]["on_leg"].as_u64(),
            report["log"]["files"].as_array().unwrap().len(),
        )
    };
    let pattern = given.path("*.log*");
    assert_eq!(errors(&["--access-log", &pattern], ""), (Some(1), 2));
    assert_eq!(errors(&["--access-log", "-"], &one), (Some(1), 1));
}

#[test]
fn wrong_options_are_told_in_one_line() {
    for (arguments, words) in [
        (&["--access-log", "no-such-file", RACE][..], "no-such-file"),
        (&["--access-log", "no-such-*.log", RACE], "no file is called so"),
        (&["--access-log", "-", "-"], "only once"),
        (&["--access-log", RACE, "--log-format", "nginxx", RACE], "known are"),
        (&["--access-log", RACE, "--log-format", "$status", RACE], "no time"),
        (&["--log-format", "alb", RACE], "--access-log"),
    ] {
        let output = why502(&["analyze"]).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(words), "{words}: {}", stderr(&output));
    }
}

/// A source that is not there yet is none: the trait is what the pipeline asks for.
#[test]
fn a_log_without_any_capture_needs_no_source() {
    let text =
        Text::from_reader(Box::new(Cursor::new(line(0.1, "/a", 502, 0.1))), "log".to_owned());
    let none: &mut [Box<dyn Source>] = &mut [];
    let settings = Settings { log: true, ..Settings::default() };
    let report =
        analysis::analyze_with_logs(none, &mut [text.unwrap()], settings, &mut |_| {}).unwrap();
    let log = report.log.unwrap();
    assert_eq!((log.errors, log.answers.of(Answer::NotInCapture(Missing::NoCapture))), (1, 1));
    assert!(report.failures.is_empty() && report.captures.is_empty());
}

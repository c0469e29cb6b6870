//! Clients are counted as clients, attempts as attempts; and clients that got 502, 503 or 504 are told, also
//! where no attempt at a backend explains it.

use crate::program::{stderr, stdout, why502};
use crate::scenarios::analyze;
use crate::wire::{self, End, Talk, get, pcap};
use End::{Backend, Proxy};
use serde_json::Value;
use std::fs;
use std::time::Duration;
use why502::inside::report::{AnalysisOutcome, ClientsSource, FailureRecord, Report};
use why502::inside::verdict::Cause;

const SECOND: Duration = Duration::from_secs(1);
const MS: fn(u64) -> Duration = Duration::from_millis;
const PROXY: [u8; 4] = [10, 0, 0, 9];

fn answer(status: u16) -> Vec<u8> {
    format!("HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

/// A client's request to the proxy, answered after `wait`.
fn asks(port: u16, after: Duration, target: &str, wait: Duration, status: u16) -> Talk {
    let mut talk = Talk::new(u32::from(port) * 9, 77)
        .between(([10, 0, 0, 77], port), (PROXY, 80))
        .after(after);
    talk.handshake().data(Proxy, &get(target)).ack(Backend).idle(wait);
    talk.data(Backend, &answer(status)).ack(Proxy).close(Proxy);
    talk
}

/// The proxy's request to the backend.
fn attempt(port: u16, after: Duration, target: &str) -> Talk {
    let mut talk = Talk::new(u32::from(port) * 7, 99).on_port(port).after(after);
    talk.handshake().exchange(target, 0).close(Proxy);
    talk
}

/// One that the backend cuts off after 40 ms.
fn cut(port: u16, after: Duration, target: &str) -> Talk {
    let mut talk = Talk::new(u32::from(port) * 7, 99).on_port(port).after(after);
    talk.handshake().data(Proxy, &get(target)).ack(Backend).idle(MS(40)).close(Backend);
    talk
}

fn refused(port: u16, after: Duration) -> Talk {
    let mut talk = Talk::new(u32::from(port) * 7, 99)
        .between((PROXY, port), ([10, 0, 0, 2], 8080))
        .after(after);
    talk.refuse();
    talk
}

/// Three requests that go well, so that it shows who the proxy is.
fn well() -> Vec<Talk> {
    (0..3_u16)
        .flat_map(|index| {
            let (target, at) = (format!("/well/{index}"), SECOND * u32::from(index));
            let front = asks(50_000 + index, at, &target, MS(20), 200);
            [front, attempt(40_000 + index, at + MS(2), &target)]
        })
        .collect()
}

fn with(more: &[Talk]) -> Report {
    let mut talks = well();
    talks.extend_from_slice(more);
    analyze(&wire::together(&talks.iter().collect::<Vec<_>>()))
}

fn unexplained(report: &Report) -> Vec<&FailureRecord> {
    let code = |failure: &&FailureRecord| {
        failure.detail.get("reason") == Some(&"client_error_unexplained".into())
    };
    report.failures.iter().filter(code).collect()
}

const LATER: Duration = Duration::from_secs(10);

#[test]
fn a_502_that_no_attempt_explains_is_a_failure_without_a_backend() {
    let report = with(&[asks(51_000, LATER, "/none", MS(3), 502)]);
    let said = report.headline().counts.unwrap();
    assert_eq!(
        said,
        "1 of 4 client requests failed (1 × 502); no attempt at a backend explains it."
    );
    assert_eq!(report.outcome(), AnalysisOutcome::Failed);
    let [failure] = unexplained(&report)[..] else { panic!("{:?}", report.failures) };
    assert_eq!((failure.cause.name(), failure.certainty.name()), ("unproven", "possible"));
    assert_eq!((&failure.backend, failure.connection), (&None, None));
    assert_eq!(failure.proxy.unwrap().to_string(), "10.0.0.9:80");
    assert_eq!((&failure.detail["why"], failure.retry.name()), (&"no_attempt".into(), "unknown"));
    assert_eq!(failure.request.as_ref().unwrap().target.as_deref(), Some("/none"));
    assert_eq!(report.causes.of(Cause::Unproven), 1);
    let json = serde_json::to_value(failure).unwrap();
    assert!(json["backend"].is_null() && json["connection"].is_null(), "{json}");
    let clients = report.clients.unwrap();
    assert_eq!(
        (clients.by, clients.requests, clients.unexplained),
        (ClientsSource::FrontLeg, 4, 1)
    );
    assert_eq!(clients.errors[&502], 1);
}

#[test]
fn other_statuses_of_the_proxys_own_are_none_of_the_backends() {
    for status in [404, 403, 499, 500] {
        let report = with(&[asks(51_000, LATER, "/none", MS(3), status)]);
        assert!(report.failures.is_empty(), "{status}: {:?}", report.failures);
    }
}

#[test]
fn an_attempt_that_failed_explains_its_client_and_is_told_once() {
    let report =
        with(&[asks(51_000, LATER, "/cut", MS(60), 502), cut(41_000, LATER + MS(2), "/cut")]);
    assert_eq!(report.failures.len(), 1, "{:?}", report.failures);
    assert_eq!(report.failures[0].cause.name(), "closed_in_flight");
    assert_eq!(
        report.headline().counts.unwrap(),
        "1 of 4 client requests failed (1 × 502); behind them 1 of 4 attempts."
    );
}

#[test]
fn two_attempts_for_one_client_are_one_client() {
    let report = with(&[
        asks(51_000, LATER, "/cut", MS(200), 502),
        cut(41_000, LATER + MS(2), "/cut"),
        cut(41_001, LATER + MS(60), "/cut"),
    ]);
    assert_eq!(
        report.headline().counts.unwrap(),
        "1 of 4 client requests failed (1 × 502); behind them 2 of 5 attempts."
    );
    let clients = report.clients.unwrap();
    assert_eq!((clients.unexplained, clients.sent_again), (0, 1));
}

#[test]
fn a_retry_that_went_well_hid_the_failure_from_its_client() {
    let report = with(&[
        asks(51_000, LATER, "/cut", MS(200), 200),
        cut(41_000, LATER + MS(2), "/cut"),
        attempt(41_001, LATER + MS(60), "/cut"),
    ]);
    assert_eq!(
        report.headline().counts.unwrap(),
        "1 of 5 attempts failed; no client got a 5xx (4 requests)."
    );
    let clients = report.clients.unwrap();
    assert_eq!((clients.hidden_by_retry, clients.errors.len()), (1, 0));
    // The retry is seen in packets as well.
    assert_eq!(clients.sent_again, 1);
}

#[test]
fn a_failed_connect_explains_one_client_that_waited_for_it() {
    let one = asks(51_000, LATER, "/a", MS(10), 502);
    let report = with(&[one.clone(), refused(41_000, LATER + MS(2))]);
    assert!(unexplained(&report).is_empty(), "{:?}", report.failures);
    assert_eq!(
        report.headline().counts.unwrap(),
        "1 of 4 client requests failed (1 × 502); behind them 1 connection was refused."
    );
    // It cannot explain a second one, nor one that waited at another time.
    let other = asks(51_001, LATER + MS(1), "/b", MS(12), 502);
    let report = with(&[one.clone(), other.clone(), refused(41_000, LATER + MS(2))]);
    assert_eq!(unexplained(&report).len(), 1);
    assert!(report.headline().counts.unwrap().contains("explains 1 of them"));
    // Two explain two, and not the same one twice.
    let two = [refused(41_000, LATER + MS(2)), refused(41_001, LATER + MS(3))];
    assert!(unexplained(&with(&[&[one.clone(), other], &two[..]].concat())).is_empty());
    let report = with(&[one, refused(41_000, LATER + SECOND)]);
    assert_eq!(unexplained(&report).len(), 1);
}

/// The proxy asks the backend for another target than it was asked for.
#[test]
fn an_attempt_with_a_rewritten_target_explains_who_waited_for_it() {
    let report =
        with(&[asks(51_000, LATER, "/api/x", MS(60), 502), cut(41_000, LATER + MS(2), "/x")]);
    assert!(unexplained(&report).is_empty(), "{:?}", report.failures);
    assert_eq!(report.failures.len(), 1);
}

#[test]
fn an_answer_that_the_proxy_made_an_error_of_is_told_as_that() {
    let report =
        with(&[asks(51_000, LATER, "/odd", MS(20), 502), attempt(41_000, LATER + MS(2), "/odd")]);
    let [failure] = unexplained(&report)[..] else { panic!("{:?}", report.failures) };
    assert_eq!(failure.detail["why"], "answer_refused");
}

/// The listener and the address that it tries belong to one host, though they differ.
fn own_answers(connects: &[Talk]) -> Report {
    let fronts = (0..2_u16).map(|index| {
        let mut talk = Talk::new(u32::from(index) * 9, 77)
            .between(([127, 0, 0, 1], 50_000 + index), ([127, 0, 0, 1], 3000))
            .after(SECOND * u32::from(index));
        talk.handshake().data(Proxy, &get("/a")).ack(Backend).idle(MS(10));
        talk.data(Backend, &answer(502)).ack(Proxy).close(Proxy);
        talk
    });
    let fronts: Vec<Talk> = fronts.collect();
    analyze(&wire::together(&fronts.iter().chain(connects).collect::<Vec<_>>()))
}

fn loopback_refused(port: u16, after: Duration) -> Talk {
    let mut talk = Talk::new(u32::from(port) * 7, 99)
        .between(([127, 0, 0, 2], port), ([127, 0, 0, 2], 3001))
        .after(after);
    talk.refuse();
    talk
}

#[test]
fn the_proxys_own_answer_after_a_connect_that_failed_is_no_backends_error() {
    let connects = [loopback_refused(41_000, MS(3)), loopback_refused(41_001, SECOND + MS(3))];
    let report = own_answers(&connects);
    let causes: Vec<&str> = report.failures.iter().map(|failure| failure.cause.name()).collect();
    assert_eq!(causes, ["connection_refused", "connection_refused"]);
    assert_eq!(
        report.headline().counts.unwrap(),
        "2 of 2 client requests failed (2 × 502); behind them 2 connections were refused."
    );
}

/// On one host everything has one address; the proxy asks for another target than it was asked for.
#[test]
fn the_proxys_own_answer_after_a_rewritten_request_that_failed_is_no_backends_error() {
    let own = ([127, 0, 0, 1], 3001);
    let attempt = |port: u16, after: Duration, target: &str| {
        let mut talk = Talk::new(u32::from(port) * 7, 99).between(([127, 0, 0, 1], port), own);
        talk = talk.after(after + MS(3));
        talk.handshake().data(Proxy, &get(target)).ack(Backend).idle(MS(2)).close(Backend);
        talk
    };
    let report = own_answers(&[attempt(41_000, MS(0), "/v2/a"), attempt(41_001, SECOND, "/v2/a")]);
    let causes: Vec<&str> = report.failures.iter().map(|failure| failure.cause.name()).collect();
    assert_eq!(causes, ["closed_in_flight", "closed_in_flight"]);
    assert_eq!(report.clients.unwrap().requests, 2);
}

/// The client asks one proxy, which asks the next one, which fails.
#[test]
fn a_request_that_goes_through_two_proxies_is_one_client_request() {
    for own in ["", "/shop"] {
        let report = two_proxies(own);
        assert_eq!(
            report.headline().counts.unwrap(),
            "1 of 4 client requests failed (1 × 502); behind them 1 of 4 attempts."
        );
        assert_eq!(report.failures.len(), 1, "{:?}", report.failures);
    }
}

/// What the first proxy is asked begins with `own`, which it leaves out.
fn two_proxies(own: &str) -> Report {
    let outer = ([10, 0, 0, 8], 80);
    let hop = |port: u16, after: Duration, target: &str, wait: Duration, status: u16| {
        let mut first = Talk::new(u32::from(port) * 11, 5);
        first = first.between(([10, 0, 0, 77], port), outer).after(after);
        let whole = format!("{own}{target}");
        first.handshake().data(Proxy, &get(&whole)).ack(Backend).idle(wait + MS(9));
        first.data(Backend, &answer(status)).ack(Proxy).close(Proxy);
        let mut second = Talk::new(u32::from(port) * 13, 5);
        second = second.between(([10, 0, 0, 8], port), (PROXY, 80)).after(after + MS(3));
        second.handshake().data(Proxy, &get(target)).ack(Backend).idle(wait);
        second.data(Backend, &answer(status)).ack(Proxy).close(Proxy);
        [first, second]
    };
    let mut talks: Vec<Talk> = Vec::new();
    for index in 0..3_u16 {
        let (target, at) = (format!("/well/{index}"), SECOND * u32::from(index));
        talks.extend(hop(50_000 + index, at, &target, MS(20), 200));
        talks.push(attempt(40_000 + index, at + MS(6), &target));
    }
    talks.extend(hop(51_000, LATER, "/cut", MS(60), 502));
    talks.push(cut(41_000, LATER + MS(6), "/cut"));
    analyze(&wire::together(&talks.iter().collect::<Vec<_>>()))
}

#[test]
fn who_answers_502_without_having_tried_anybody_may_be_a_backend() {
    // One of both answers has no connect before it.
    let report = own_answers(&[loopback_refused(41_000, MS(3))]);
    assert_eq!(report.causes.of(Cause::BackendError), 2);
    let report = own_answers(&[]);
    assert_eq!(report.causes.of(Cause::BackendError), 2);
}

#[test]
fn where_the_front_leg_is_tls_what_clients_got_is_not_known() {
    let mut front = Talk::new(3, 4).between(([10, 0, 0, 77], 50_000), (PROXY, 443));
    let hello = [&[0x16, 3, 1, 0, 44, 1, 0, 0, 40, 3, 3][..], &[7; 38]].concat();
    front.handshake().data(Proxy, &hello).ack(Backend).close(Proxy);
    let back = cut(41_000, MS(5), "/cut");
    let report = analyze(&wire::together(&[&front, &back]));
    let said = report.headline().text();
    assert!(said.contains(": 1 of 1 request failed."), "{said}");
    assert!(said.contains("What clients got is unknown"), "{said}");
    assert!(said.contains("10.0.0.9:443") && said.contains("--access-log"), "{said}");
    assert!(report.clients.is_none());
}

/// A capture of the backend leg alone and two logs of nginx: of requests, and of messages.
fn logged(talks: &[Talk], access: &[String], messages: &[String]) -> (Value, String, i32) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("c.pcap"), pcap(&wire::together(&talks.iter().collect::<Vec<_>>()))).unwrap();
    fs::write(path("access.log"), access.join("\n")).unwrap();
    let mut options = vec!["--access-log".to_owned(), path("access.log")];
    if !messages.is_empty() {
        fs::write(path("error.log"), messages.join("\n")).unwrap();
        options.extend(["--access-log".to_owned(), path("error.log")]);
    }
    let run = |format: &str| {
        let mut command = why502(&["analyze", "--format", format]);
        command.args(&options).arg(path("c.pcap")).output().unwrap()
    };
    let json = run("json");
    let report =
        serde_json::from_slice(&json.stdout).unwrap_or_else(|_| panic!("{}", stderr(&json)));
    let text = stdout(&run("text"));
    let first = text.split("\n\n").next().unwrap();
    let first = first.split_whitespace().collect::<Vec<_>>().join(" ");
    (report, first, json.status.code().unwrap())
}

fn line(second: u64, target: &str, status: u16) -> String {
    format!(
        "10.0.0.77 - - [20/Nov/2026:12:00:{second:02} +0000] \"GET {target} HTTP/1.1\" {status} 157 \"-\" \"curl\""
    )
}

fn message(second: u64, target: &str, words: &str) -> String {
    format!(
        "2026/11/20 12:00:{second:02} [error] 7#7: *1 {words} while connecting to upstream, client: 10.0.0.77, \
         server: , request: \"GET {target} HTTP/1.1\", upstream: \"http://10.0.0.1:8080{target}\""
    )
}

fn attempts() -> Vec<Talk> {
    (0..3_u16)
        .map(|index| attempt(40_000 + index, SECOND * u32::from(index * 5), &format!("/{index}")))
        .collect()
}

fn well_logged() -> Vec<String> {
    (0..3_u64).map(|index| line(index * 5, &format!("/{index}"), 200)).collect()
}

fn whys(report: &Value) -> Vec<&str> {
    let failures = report["failures"].as_array().unwrap().iter();
    failures.filter_map(|failure| failure["detail"]["why"].as_str()).collect()
}

#[test]
fn what_the_log_says_of_a_client_that_nobody_was_tried_for_is_the_reason() {
    for (words, why) in [
        ("connect() to 10.0.0.1:8080 failed (99: Cannot assign requested address)", "no_port_left"),
        ("app.example.com could not be resolved (3: Host not found)", "dns"),
        ("no live upstreams", "no_live_upstream"),
    ] {
        let mut access = well_logged();
        access.push(line(6, "/none", 502));
        let (report, first, code) = logged(&attempts(), &access, &[message(6, "/none", words)]);
        assert_eq!(whys(&report), [why], "{report}");
        assert_eq!(code, 1);
        assert!(first.contains(": 1 of 4 client requests failed (1 × 502)"), "{first}");
        let failure = &report["failures"][0];
        assert_eq!((&failure["cause"], &failure["retry"]), (&"unproven".into(), &"safe".into()));
        assert!(failure["backend"].is_null() && failure["connection"].is_null());
        assert_eq!(failure["client"]["line"]["number"], 4);
        assert_eq!(report["clients"]["by"], "log");
    }
}

#[test]
fn a_client_error_of_another_time_than_the_capture_is_no_failure_of_it() {
    let mut access = well_logged();
    access.push(line(59, "/late", 502));
    let (report, first, code) = logged(&attempts(), &access, &[]);
    assert!(report["failures"].as_array().unwrap().is_empty(), "{report}");
    assert_eq!(code, 0, "{first}");
    assert_eq!(report["clients"]["unexplained"], 0);
}

#[test]
fn a_proxy_without_live_backends_just_after_they_failed_is_explained_by_that() {
    let mut talks = attempts();
    talks.push(refused(41_000, SECOND * 5));
    let mut access = well_logged();
    access.push(line(5, "/a", 502));
    access.push(line(7, "/b", 502));
    let messages = [
        message(5, "/a", "connect() failed (111: Connection refused)")
            .replace("10.0.0.1:8080", "10.0.0.2:8080"),
        message(7, "/b", "no live upstreams"),
    ];
    let (report, first, code) = logged(&talks, &access, &messages);
    assert_eq!(report["causes"]["connection_refused"], 1);
    assert!(!whys(&report).contains(&"no_live_upstream"), "{report}");
    assert_eq!(report["clients"]["errors"]["502"], 2, "{first}");
    assert_eq!(code, 1);
}

/// What is said of an error for which nobody was asked, where `host` asks for `asked` in place of `/api/N`.
fn below_a_path(host: [u8; 4], asked: &str) -> Vec<(&'static str, &'static str)> {
    let mut talks = vec![asks(51_000, LATER, "/api/9", MS(3), 502)];
    for index in 0..4_u16 {
        let at = SECOND * u32::from(index);
        talks.push(asks(50_000 + index, at, &format!("/api/{index}"), MS(20), 200));
        let target = asked.replace('N', &index.to_string());
        let back = Talk::new(u32::from(index) * 7, 99);
        let mut back = back.between((host, 40_000 + index), ([10, 0, 0, 1], 8080));
        back = back.after(at + MS(2));
        back.handshake().exchange(&target, 0).close(Proxy);
        talks.push(back);
    }
    let report = analyze(&wire::together(&talks.iter().collect::<Vec<_>>()));
    report.failures.iter().map(|one| (one.cause.name(), one.certainty.name())).collect()
}

/// nginx `location /api/ { proxy_pass http://backend/; }` asks for what it is asked, less that path.
#[test]
fn the_own_error_of_a_proxy_that_strips_a_path_is_no_backends() {
    let two_addresses = [10, 0, 0, 10];
    for (host, asked) in [(PROXY, "/N"), (PROXY, "/app/api/N"), (two_addresses, "/N")] {
        assert_eq!(below_a_path(host, asked), [("unproven", "possible")], "{host:?} {asked}");
    }
    // What a backend needs of others is something else, and so may be what a proxy asks.
    assert_eq!(below_a_path(PROXY, "/stock/N"), [("backend_error", "likely")]);
    assert_eq!(below_a_path([10, 0, 0, 20], "/stock/N"), [("backend_error", "proven")]);
}

/// What a listener is may show only later: until then its own error is proven to be nobody's.
#[test]
fn an_error_is_no_backends_for_sure_before_it_is_known_who_is_a_proxy() {
    let mut talks = vec![asks(51_000, Duration::ZERO, "/none", MS(3), 502)];
    talks.extend(well());
    let frames = wire::together(&talks.iter().collect::<Vec<_>>());
    let said = |arguments: &[&str]| -> Vec<Value> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("early.pcap");
        fs::write(&path, pcap(&frames)).unwrap();
        let fixed = ["analyze", "--format", "jsonl", path.to_str().unwrap()];
        let output = why502(&[&fixed[..], arguments].concat()).output().unwrap();
        let text = stdout(&output);
        let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        records.filter(|one| one["type"] != "summary").collect()
    };
    // It waits until it shows that what is asked there is passed on.
    let records = said(&[]);
    let causes: Vec<&Value> = records.iter().map(|record| &record["cause"]).collect();
    assert_eq!(causes, ["unproven"]);
    // Who names the backends has said it; until the end it may only be the first of a row of probes.
    let records = said(&["--backend", "10.0.0.9:80"]);
    let certainties: Vec<&Value> = records.iter().map(|record| &record["certainty"]).collect();
    assert_eq!(certainties, ["likely", "proven"]);
    assert_eq!(records[1]["type"], "revision");
}

#[test]
fn clients_that_got_no_answer_are_none_of_those_that_did_not_fail() {
    let mut left = Talk::new(3, 77).between(([10, 0, 0, 77], 51_000), (PROXY, 80)).after(LATER);
    left.handshake().data(Proxy, &get("/none")).ack(Backend).idle(MS(30)).close(Backend);
    let report = with(&[left]);
    assert_eq!(
        report.headline().counts.unwrap(),
        "1 client request got no answer: the proxy or the client closed, or the capture ended. No \
         failure among 3 client requests that got one, 3 requests to backends."
    );
    let all = with(&[]);
    assert_eq!(
        all.headline().counts.unwrap(),
        "No failure among 3 client requests, 3 requests to backends."
    );
}

/// No proxy holds a backend for down as long as this.
#[test]
fn what_failed_long_before_explains_no_client() {
    let mut talks = attempts();
    talks.extend([refused(41_000, SECOND * 5), attempt(40_003, SECOND * 40, "/3")]);
    let mut access = well_logged();
    access.extend([line(40, "/3", 200), line(5, "/a", 502), line(35, "/b", 502)]);
    let messages = [
        message(5, "/a", "connect() failed (111: Connection refused)")
            .replace("10.0.0.1:8080", "10.0.0.2:8080"),
        message(35, "/b", "no live upstreams"),
    ];
    let (report, first, _) = logged(&talks, &access, &messages);
    assert_eq!(whys(&report), ["no_live_upstream"], "{first}");
}

/// A proxy says 503 where it has no backend left.
#[test]
fn probes_that_fail_explain_a_503_and_nothing_else() {
    let probe = |index: u16| {
        let mut talk = Talk::new(u32::from(index), 99).on_port(42_000 + index);
        talk = talk.after(SECOND * u32::from(4 * index));
        let asks = b"GET /health HTTP/1.1\r\nHost: a\r\nUser-Agent: ELB-HealthChecker/2.0\r\n\r\n";
        talk.handshake().data(Proxy, asks).ack(Backend);
        talk.data(Backend, &answer(503)).ack(Proxy).close(Proxy);
        talk
    };
    for (status, told) in [(503, 0), (502, 1)] {
        let mut talks: Vec<Talk> = (0..5).map(probe).collect();
        talks.push(asks(51_000, LATER, "/none", MS(3), status));
        let report = with(&talks);
        assert!(report.causes.of(Cause::HealthCheckFailing) > 0, "{:?}", report.causes);
        assert_eq!(unexplained(&report).len(), told, "{status}");
    }
}

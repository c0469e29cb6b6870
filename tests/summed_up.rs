//! The fields of the report that sum up the others: the answer in brief, groups, what began when, idle gaps
//! by length, what a frame of the proof is, and how Wireshark finds it.

use crate::believed::{GONE, PROXY, beside};
use crate::conversations::SCENARIOS;
use crate::events::{SECOND, all, at, millis};
use crate::program::run;
use crate::scenarios::{ISNS, analyze, played};
use crate::wire::{End, Talk, get};
use End::{Backend, Proxy};
use std::time::Duration;
use why502::inside::report::{EvidenceKind, EvidenceSide, Report};
use why502::inside::verdict::{Cause, Certainty, Retry};
use why502::{Detail, TextLayout};

/// A backend that receives `target` and closes, `after` noon.
fn crash(port: u16, after: Duration, target: &str) -> Talk {
    let mut talk = at(port, after);
    talk.handshake().exchange("/warm", 8).idle(millis(300));
    talk.data(Proxy, &get(target)).ack(Backend).idle(millis(300)).close(Backend);
    talk
}

fn sound() -> Report {
    let mut talk = Talk::new(1, 2);
    talk.handshake().exchange("/a", 8).idle(SECOND * 3).exchange("/b", 8).close(Proxy);
    analyze(&talk.frames)
}

#[test]
fn the_answer_is_what_people_read_first() {
    let talks: Vec<Talk> = (0..3_u16)
        .map(|index| crash(40_000 + index, SECOND * 10 * u32::from(index), "/crash"))
        .collect();
    let report = all(&talks);
    let answer = &report.answer;
    assert_eq!(answer.headline, report.headline().text());
    assert!(answer.headline.contains(": 3 of 6 requests failed"), "{}", answer.headline);
    let [paragraph] = &answer.paragraphs[..] else { panic!("{:?}", answer.paragraphs) };
    assert!(
        paragraph.starts_with("3 × connection closed without a response. First at "),
        "{paragraph}"
    );
    let [fix] = &answer.fixes[..] else { panic!("{:?}", answer.fixes) };
    assert_eq!(fix.text, report.failures[0].fix);
    let mut text = Vec::new();
    why502::write_text(&report, TextLayout::new(Detail::Sections, 96), &mut text).unwrap();
    let flat = String::from_utf8(text).unwrap();
    let flat = flat.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(paragraph.as_str()), "{flat}");
}

#[test]
fn where_nothing_failed_the_answer_is_one_sentence() {
    let report = sound();
    assert_eq!(report.answer.headline, "No failure among 2 requests.");
    assert!(report.answer.paragraphs.is_empty() && report.answer.fixes.is_empty());
    assert!(report.groups.is_empty());
    assert!(report.over_time.iter().all(|one| one.failed == 0));
}

#[test]
fn failures_of_one_pattern_are_one_group() {
    let targets = ["/orders/17", "/orders/18?full=1", "/orders/19", "/stock"];
    let talks: Vec<Talk> = targets
        .iter()
        .zip(0_u16..)
        .map(|(target, index)| crash(40_000 + index, SECOND * 10 * u32::from(index), target))
        .collect();
    let report = all(&talks);
    let shapes: Vec<(Option<&str>, u64)> =
        report.groups.iter().map(|group| (group.target_pattern.as_deref(), group.count)).collect();
    assert_eq!(shapes, [(Some("/orders/*"), 2), (Some("/orders/*?*"), 1), (Some("/stock"), 1)]);
    let group = &report.groups[0];
    assert_eq!((group.cause, group.certainty), (Cause::ClosedInFlight, Certainty::Proven));
    assert_eq!((group.method.as_deref(), group.retry), (Some("GET"), Retry::Unsafe));
    assert_eq!(group.backend, report.failures[0].backend);
    assert_eq!((group.first, group.last), (report.failures[0].at, report.failures[2].at));
    assert_eq!((group.example.as_str(), group.wait.count), (report.failures[0].id.as_str(), 2));
    assert_eq!(group.wait.max_ns, report.failures[0].wait_ns);
    assert_eq!(group.idle_gap.p50_ns, report.failures[0].idle_gap_ns);
    assert_eq!(all(&talks).groups[0].id, group.id, "the same capture gives the same");
    let ids: std::collections::BTreeSet<&str> =
        report.groups.iter().map(|group| group.id.as_str()).collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn what_began_when_is_counted_over_the_span_of_the_captures() {
    let talks = [crash(40_000, SECOND, "/a"), crash(40_001, SECOND * 30, "/b")];
    let report = all(&talks);
    let row = &report.over_time;
    assert!((30..=32).contains(&row.len()), "{row:?}");
    assert_eq!(row.iter().map(|one| one.exchanges).sum::<u64>(), report.counters.exchanges);
    let failed: Vec<u64> = row.iter().map(|one| one.failed).collect();
    assert_eq!(failed.iter().sum::<u64>(), 2);
    assert_eq!((failed[0], failed[29]), (1, 1), "{failed:?}");
    // A day of it is told in no more than 200.
    let day = [crash(40_000, SECOND, "/a"), crash(40_001, SECOND * 86_400, "/b")];
    let row = all(&day).over_time;
    assert!(row.len() <= 200, "{}", row.len());
    assert_eq!(row.iter().map(|one| (one.exchanges, one.failed)).max(), Some((2, 1)));
    assert!(analyze(&[]).over_time.is_empty());
}

#[test]
fn idle_gaps_are_counted_by_their_length() {
    let idle = &sound().backends[0].idle;
    // The proxy closed at once after the last answer.
    let [closed, bucket] = &idle.buckets[..] else { panic!("{:?}", idle.buckets) };
    assert_eq!((closed.from_ns, closed.closed_by_proxy), (0, 1));
    assert_eq!((bucket.from_ns, bucket.to_ns), (2_000_000_000, Some(5_000_000_000)));
    assert_eq!((bucket.answered, bucket.lost), (1, 0));
    let race = SCENARIOS.iter().find(|one| one.name == "the backend's FIN crosses the request");
    let report = analyze(&played(race.unwrap(), ISNS[0]));
    let buckets = &report.backends[0].idle.buckets;
    assert_eq!(buckets.iter().map(|one| one.lost).sum::<u64>(), 1, "{buckets:?}");
    let mut once = Talk::new(1, 2);
    once.handshake().exchange("/a", 8);
    assert!(analyze(&once.frames).backends[0].idle.buckets.is_empty());
}

#[test]
fn a_frame_of_the_proof_says_whose_it_is_and_what() {
    for scenario in SCENARIOS {
        let frames = played(scenario, ISNS[0]);
        for failure in analyze(&frames).failures {
            for frame in &failure.frames {
                let number = usize::try_from(frame.number).unwrap();
                assert_eq!(frame.at.as_nanos(), frames[number - 1].at, "{}", scenario.name);
                // The proxy of all conversations speaks from 10.0.0.9.
                let by_proxy = frames[number - 1].bytes.get(26..30) == Some(&[10, 0, 0, 9]);
                match frame.side {
                    Some(EvidenceSide::Proxy) => assert!(by_proxy, "{}", scenario.name),
                    Some(EvidenceSide::Backend) => assert!(!by_proxy, "{}", scenario.name),
                    None => {}
                }
            }
        }
    }
    let report = all(&[crash(40_000, SECOND, "/crash")]);
    let told: Vec<_> = report.failures[0].frames.iter().map(|one| (one.side, one.kind)).collect();
    assert!(told.contains(&(Some(EvidenceSide::Proxy), EvidenceKind::Request)), "{told:?}");
    assert!(told.contains(&(Some(EvidenceSide::Backend), EvidenceKind::Fin)), "{told:?}");
}

#[test]
fn wireshark_finds_the_proof() {
    let report = all(&[crash(40_000, SECOND, "/crash")]);
    assert_eq!(
        report.failures[0].filter.as_deref(),
        Some("ip.addr == 10.0.0.9 && ip.addr == 10.0.0.1 && tcp.port == 40000 && tcp.port == 8080")
    );
    // Questions that nobody answered are no segments: they are named one by one.
    let report = beside(&[(1, PROXY, GONE); 3]);
    let failure = &report.failures[0];
    assert!(failure.frames.iter().all(|frame| frame.kind == EvidenceKind::Arp));
    let numbers: Vec<String> =
        failure.frames.iter().map(|frame| format!("frame.number == {}", frame.number)).collect();
    assert_eq!(
        failure.filter.as_deref().unwrap(),
        format!("(ip.addr == 10.0.0.9 && ip.addr == 10.0.0.33) || {}", numbers.join(" || "))
    );
}

/// Where only a log tells of a failure, no frame shows it.
#[test]
fn a_failure_that_only_a_log_tells_has_no_filter() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let line = "10.0.0.77 - - [20/Nov/2026:12:00:00 +0000] \"GET /gone HTTP/1.1\" 502 157 \"-\" \"curl\"\n";
    std::fs::write(log.path(), line).unwrap();
    let output =
        run(&["analyze", "--format", "json", "--access-log", log.path().to_str().unwrap()]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["schema_version"], 2);
    assert_eq!(report["over_time"], serde_json::json!([]));
    assert!(report["failures"].as_array().unwrap().iter().all(|one| one["filter"].is_null()));
    assert!(report["answer"]["headline"].as_str().unwrap().contains("502"), "{}", report["answer"]);
}

#[test]
fn a_fix_names_its_setting_where_the_server_is_known_and_only_there() {
    let raced = |server: &str| {
        let mut talk = Talk::new(1, 2);
        talk.handshake().data(Proxy, &get("/a")).ack(Backend);
        let head = format!("HTTP/1.1 200 OK\r\n{server}Content-Length: 2\r\n\r\nok");
        talk.data(Backend, head.as_bytes()).ack(Proxy).idle(Duration::from_secs(2));
        talk.fin_unheard(Backend).data(Proxy, &get("/raced")).rst_in_reply(Backend);
        talk.arrives(Proxy).fin(Proxy);
        let report = analyze(&talk.frames);
        let [fix, other] = &report.answer.fixes[..] else { panic!("{:?}", report.answer) };
        assert_eq!(other.text, "lower the proxy's idle timeout below the 2.00 s of the backend");
        (fix.product, fix.value.clone(), fix.line.clone())
    };
    let (product, value, line) = raced("Server: gunicorn\r\n");
    assert!(product.is_some_and(|name| name.starts_with("gunicorn")), "{product:?}");
    assert_eq!(value.as_deref(), Some("65 s"));
    assert!(line.unwrap().contains("--keep-alive 65"));
    assert_eq!(raced(""), (None, None, None));
}

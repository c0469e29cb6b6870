//! HTTP is recognised for what it is: what other protocols, odd lines and lengths in doubt are read as,
//! where it can be told and where it cannot.

use crate::scenarios::analyze;
use crate::wire::{self, End, Frame, Talk, get, ok};
use End::{Backend, Proxy};
use std::io::Cursor;
use std::time::Duration;
use why502::inside::analysis::{self, Settings};
use why502::inside::input::Savefile;
use why502::inside::report::Report;
use why502::inside::report::records::Record;

const SECOND: Duration = Duration::from_secs(1);

fn talk() -> Talk {
    Talk::new(0xffff_fff0, 7)
}

/// Another one, with numbers of its own.
fn talk_on(port: u16) -> Talk {
    Talk::new(u32::from(port) << 14, u32::from(port) << 15).on_port(port)
}

/// A connection that is picked up in the middle.
fn midstream() -> Talk {
    let mut talk = talk();
    talk.handshake();
    talk.frames.clear();
    talk
}

fn ask(talk: &mut Talk, request: &[u8]) {
    talk.data(Proxy, request).ack(Backend);
}

fn turn(talk: &mut Talk, request: &[u8], answer: &[u8]) {
    ask(talk, request);
    talk.data(Backend, answer).ack(Proxy);
}

/// Causes and how sure, in the order of the failures.
fn said(report: &Report) -> Vec<(&'static str, &'static str)> {
    report.failures.iter().map(|failure| (failure.cause.name(), failure.certainty.name())).collect()
}

fn statuses(report: &Report) -> Vec<(u16, u64)> {
    report.backends.iter().flat_map(|backend| backend.statuses.clone()).collect()
}

fn answered_200(report: &Report) -> u64 {
    statuses(report).iter().filter(|(status, _)| *status == 200).map(|(_, count)| count).sum()
}

fn note(report: &Report, code: &str) -> bool {
    report.notes.iter().any(|note| note.code == code)
}

/// The connections' records.
fn connections(frames: &[Frame]) -> Vec<serde_json::Value> {
    let reader = Box::new(Cursor::new(wire::pcap(frames)));
    let source = Savefile::from_reader(reader, "file".to_owned(), 0).unwrap();
    let mut settings = Settings::default();
    settings.records.connections = true;
    let mut records = Vec::new();
    analysis::analyze(&mut [source], settings, &mut |record| {
        if matches!(record, Record::Connection(_)) {
            records.push(serde_json::to_value(record).unwrap());
        }
    })
    .unwrap();
    records
}

/// What the one connection speaks.
fn protocol(frames: &[Frame]) -> String {
    connections(frames)[0]["protocol"].as_str().unwrap().to_owned()
}

// What is no HTTP.

#[test]
fn other_protocols_are_none_and_accuse_nobody() {
    let conversations: [(&[u8], &[u8]); 14] = [
        (b"ruok", b"imok"),
        (b"ruok\n", b"imok\n"),
        (b"JDWP-Handshake", b"JDWP-Handshake"),
        (b"HZC\0\0\0\x01", b"\0\0\0\x02ok"),
        (b"LOGIN bob secret\0", b"OK\0"),
        (b"say hello\n", b"bob: hello\n"),
        (b"INVITE sip:bob@example.com SIP/2.0\r\n\r\n", b"SIP/2.0 503 Service Unavailable\r\n\r\n"),
        (b"OPTIONS icap://a/mod ICAP/1.0\r\n\r\n", b"ICAP/1.0 500 Server error\r\n\r\n"),
        (b"DESCRIBE rtsp://a/x RTSP/1.0\r\n\r\n", b"RTSP/1.0 500 Internal Server Error\r\n\r\n"),
        (b"GET session:1\r\n", b"$-1\r\n"),
        (b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n"),
        (b"get /a HTTP\r\n", b"END\r\n"),
        (b"\x17\0\0\0\x04ping", b"\x18\0\0\0\x04pong"),
        (b"\x16\x03\x01\0", b"\x15"),
    ];
    for (first, reply) in conversations {
        // The backend resets it, or the proxy leaves.
        for end in [Backend, Proxy] {
            let mut talk = talk();
            talk.handshake();
            turn(&mut talk, first, reply);
            ask(&mut talk, first);
            talk.idle(SECOND).rst(end);
            let report = analyze(&talk.frames);
            assert_eq!(said(&report), [], "{}", first.escape_ascii());
            assert_eq!(protocol(&talk.frames), "opaque", "{}", first.escape_ascii());
        }
    }
}

#[test]
fn who_speaks_last_decides_what_was_undecided() {
    // Byte by byte it is a request all the same.
    let mut by_bytes = talk();
    by_bytes.handshake();
    get("/slowly").iter().for_each(|byte| {
        by_bytes.data(Proxy, &[*byte]);
    });
    by_bytes.ack(Backend).data(Backend, &ok(3)).ack(Proxy).close(Proxy);
    let report = analyze(&by_bytes.frames);
    assert_eq!((said(&report), answered_200(&report)), (vec![], 1));
    // Words that are no HTTP, and a server that is one: it answers them 400.
    let mut words = talk();
    words.handshake();
    turn(&mut words, b"hello there\r\n", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    turn(&mut words, &get("/next"), &ok(3));
    words.close(Proxy);
    let report = analyze(&words.frames);
    assert_eq!((said(&report), statuses(&report).len()), (vec![], 2), "{:?}", statuses(&report));
    // Nobody said anything yet when the connection ended.
    let mut short = talk();
    short.handshake();
    ask(&mut short, b"GE");
    short.idle(SECOND).close(Backend);
    assert_eq!(said(&analyze(&short.frames)), []);
    assert_eq!(protocol(&short.frames), "opaque");
}

#[test]
fn what_begins_like_tls_is_tls_only_as_a_whole_hello() {
    let hello = [&[0x16, 3, 1, 0, 44, 1][..], &[b'h'; 43]].concat();
    let plain = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nno TLS";
    let mut clear = talk();
    clear.handshake();
    turn(&mut clear, &hello, plain);
    clear.close(Backend);
    assert_eq!(said(&analyze(&clear.frames)), [("protocol_mismatch", "proven")]);
    // The same in two segments, the first one too short to say.
    let mut split = talk();
    split.handshake().data(Proxy, &hello[..1]);
    turn(&mut split, &hello[1..], plain);
    split.close(Backend);
    assert_eq!(said(&analyze(&split.frames)), [("protocol_mismatch", "proven")]);
    // Begun before the capture, nothing is a mismatch.
    let mut before = midstream();
    turn(&mut before, &[&[0x17, 3, 3, 0, 32][..], &[9; 32]].concat(), &[0x55; 1_200]);
    for _ in 0..4 {
        turn(&mut before, &[&[0x17, 3, 3, 0, 32][..], &[9; 32]].concat(), &[0x55; 1_200]);
    }
    before.close(Backend);
    assert_eq!(said(&analyze(&before.frames)), []);
    assert_eq!(protocol(&before.frames), "tls");
    // In the middle of a record, too: the next whole one tells.
    let mut record = midstream();
    for _ in 0..6 {
        record.data(Backend, &[0x55; 1_200]).ack(Proxy);
    }
    turn(&mut record, &[&[0x17, 3, 3, 0, 32][..], &[9; 32]].concat(), &[0x55; 1_200]);
    record.close(Backend);
    assert_eq!(protocol(&record.frames), "tls");
}

#[test]
fn settings_before_the_preface_are_http2_all_the_same() {
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let mut talk = talk();
    talk.handshake().data(Backend, &settings).ack(Proxy);
    turn(&mut talk, &[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..]].concat(), &settings);
    talk.close(Proxy);
    assert_eq!((protocol(&talk.frames).as_str(), said(&analyze(&talk.frames)).len()), ("http2", 0));
    // HTTP/1 asked of a port that speaks HTTP/2 only.
    let mut only = Talk::new(1, 2);
    only.handshake().data(Backend, &settings).ack(Proxy);
    let goaway = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    turn(&mut only, &get("/one"), &goaway);
    only.close(Backend);
    assert_eq!(said(&analyze(&only.frames)), [("protocol_mismatch", "proven")]);
}

#[test]
fn an_echo_is_no_answer_and_no_proof() {
    let mut talk = talk();
    talk.handshake();
    turn(&mut talk, &get("/x"), &get("/x"));
    talk.close(Proxy);
    assert_eq!(said(&analyze(&talk.frames)), [("invalid_response", "likely")]);
}

// Begun in the middle.

#[test]
fn a_connection_begun_in_a_body_is_http_from_the_first_head_on() {
    let mut talk = midstream();
    talk.data(Backend, &[b'x'; 900]).ack(Proxy).data(Backend, &[b'y'; 900]).ack(Proxy).idle(SECOND);
    talk.exchange("/one", 10).idle(SECOND).exchange("/two", 10).idle(SECOND);
    talk.fin_unheard(Backend).data(Proxy, &get("/raced"));
    talk.rst_in_reply(Backend).arrives(Proxy).fin(Proxy);
    let report = analyze(&talk.frames);
    assert_eq!(said(&report), [("keepalive_race", "proven")]);
    assert_eq!(answered_200(&report), 2);
    // Without any head it stays unknown.
    let mut none = midstream();
    none.data(Backend, &[b'x'; 900]).ack(Proxy).data(Proxy, b"more\0").ack(Backend).rst(Backend);
    assert_eq!(said(&analyze(&none.frames)), []);
    assert_eq!(protocol(&none.frames), "opaque");
}

#[test]
fn what_follows_a_beginning_that_was_missed_is_none() {
    let mut talk = talk();
    talk.handshake().uncaptured(Proxy, 900).data(Proxy, &[0xab; 60]).ack(Backend);
    talk.data(Backend, &ok(3)).ack(Proxy).idle(SECOND).exchange("/two", 10).idle(SECOND);
    talk.data(Proxy, &get("/dies")).ack(Backend).idle(SECOND).close(Backend);
    assert_eq!(protocol(&talk.frames), "http1");
    assert_eq!(said(&analyze(&talk.frames)), [("closed_in_flight", "proven")]);
}

#[test]
fn a_status_line_inside_of_a_body_proves_nothing() {
    let archived = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 3\r\n\r\nerr\r\n";
    let mut before = midstream();
    before.data(Backend, &[b'x'; 900]).ack(Proxy).data(Backend, archived).ack(Proxy);
    before.data(Backend, &[b'y'; 900]).ack(Proxy).exchange("/next", 2).close(Proxy);
    for (cause, certainty) in said(&analyze(&before.frames)) {
        assert_eq!((cause, certainty), ("backend_error", "possible"));
    }
    // Cut short it is no more than possible, either.
    let mut short = midstream();
    short.data(Backend, b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nlog\r\n").ack(Proxy);
    short.idle(SECOND).close(Backend);
    for (_, certainty) in said(&analyze(&short.frames)) {
        assert_eq!(certainty, "possible");
    }
    // Its own 500, asked for in sight, is proven.
    let mut seen = midstream();
    turn(&mut seen, &get("/bad"), &archived[..archived.len() - 2]);
    seen.close(Proxy);
    assert_eq!(said(&analyze(&seen.frames)), [("backend_error", "proven")]);
}

// Odd requests.

#[test]
fn an_odd_request_line_costs_its_own_exchange_alone() {
    let bad = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let lines =
        ["GET /a b HTTP/1.1", "GET HTTP/1.1", "GET /esc\u{1b}[2J HTTP/1.1", "no words of it"];
    for line in lines {
        let odd = format!("{line}\r\nHost: a\r\n\r\n").into_bytes();
        for first in [true, false] {
            let mut talk = talk();
            talk.handshake();
            if !first {
                talk.exchange("/warm", 3);
            }
            turn(&mut talk, &odd, bad);
            talk.exchange("/next", 3).idle(SECOND);
            talk.fin_unheard(Backend).data(Proxy, &get("/raced"));
            talk.rst_in_reply(Backend).arrives(Proxy).fin(Proxy);
            let report = analyze(&talk.frames);
            assert_eq!(said(&report), [("keepalive_race", "proven")], "{line} {first}");
            assert!(statuses(&report).contains(&(400, 1)), "{line} {first}");
            assert_eq!(answered_200(&report), if first { 1 } else { 2 }, "{line} {first}");
        }
        // Closed without an answer: not judged, and said.
        let mut closed = talk();
        closed.handshake().exchange("/warm", 3);
        ask(&mut closed, &odd);
        closed.idle(SECOND).close(Backend);
        let report = analyze(&closed.frames);
        assert_eq!((said(&report).len(), report.counters.exchanges_unread), (0, 1), "{line}");
        assert!(note(&report, "not_http"), "{line}");
    }
}

#[test]
fn a_body_that_nobody_announced_is_no_request() {
    let mut talk = talk();
    talk.handshake();
    let stray = b"POST /a HTTP/1.1\r\nHost: a\r\n\r\nwords that have no length\r\n";
    turn(&mut talk, stray, &ok(3));
    talk.exchange("/next", 3).close(Proxy);
    let report = analyze(&talk.frames);
    assert_eq!((said(&report), answered_200(&report)), (vec![], 2));
}

#[test]
fn bytes_beyond_ascii_in_a_target_are_read_as_they_are() {
    let mut talk = talk();
    talk.handshake();
    ask(&mut talk, "GET /caf\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n".as_bytes());
    talk.idle(SECOND).close(Backend);
    assert_eq!(said(&analyze(&talk.frames)), [("closed_in_flight", "proven")]);
}

// Where an answer ends.

fn with_head(lines: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{lines}\r\n{body}").into_bytes()
}

/// Heads that readers end differently, and a body as those read it that pass it on.
fn unclear() -> Vec<Vec<u8>> {
    let chunks = "2\r\nok\r\n0\r\n\r\n";
    vec![
        with_head("Transfer-Encoding: identity\r\nContent-Length: 2\r\n", "ok"),
        with_head("Transfer-Encoding: identity\r\n", "ok"),
        with_head("Transfer-Encoding: gzip\r\n", "ok"),
        with_head("Transfer-Encoding: chunked;q=1\r\n", chunks),
        with_head("Transfer-Encoding: \"chunked\"\r\n", chunks),
        with_head("Transfer-Encoding: chunked, chunked\r\n", chunks),
        with_head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunks),
        with_head("Transfer-Encoding: chunked, gzip\r\n", chunks),
        with_head("Transfer-Encoding: chunked\r\nContent-Length: 400\r\n", chunks),
        with_head("Transfer-Encoding: chunked;q=1\r\n", "no chunk"),
        with_head("Content-Length: 2\r\nContent-Length: 3\r\n", "ok"),
        with_head("", "ok"),
        with_head("", ""),
    ]
}

#[test]
fn an_acknowledging_new_request_shows_that_the_answer_before_it_was_over() {
    for answer in unclear() {
        let mut talk = talk();
        talk.handshake();
        for target in ["/one", "/two", "/three"] {
            turn(&mut talk, &get(target), &answer);
            talk.idle(SECOND);
        }
        talk.exchange("/plain", 4).idle(SECOND).close(Backend);
        let report = analyze(&talk.frames);
        assert_eq!(said(&report), [], "{}", answer.escape_ascii());
        assert_eq!(answered_200(&report), 4, "{}", answer.escape_ascii());
    }
}

#[test]
fn a_race_behind_such_an_answer_is_still_a_race() {
    for answer in unclear() {
        let mut talk = talk();
        talk.handshake();
        turn(&mut talk, &get("/one"), &answer);
        talk.idle(SECOND).exchange("/two", 4).idle(SECOND);
        talk.fin_unheard(Backend).data(Proxy, &get("/raced"));
        talk.rst_in_reply(Backend).arrives(Proxy).fin(Proxy);
        let report = analyze(&talk.frames);
        assert_eq!(said(&report), [("keepalive_race", "proven")], "{}", answer.escape_ascii());
    }
}

#[test]
fn nobody_is_accused_by_a_reading_that_the_proxy_did_not_share() {
    // To some, the answer goes on when the backend resets.
    for answer in [
        with_head("Transfer-Encoding: chunked, chunked\r\n", "5\r\nok"),
        with_head("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", "5\r\nok"),
        with_head("Transfer-Encoding: identity\r\nContent-Length: 20\r\n", "ok"),
    ] {
        let mut talk = talk();
        talk.handshake();
        turn(&mut talk, &get("/one"), &answer);
        talk.idle(SECOND).rst(Backend);
        let report = analyze(&talk.frames);
        assert_eq!(said(&report), [], "{}", answer.escape_ascii());
        assert!(note(&report, "conflicting_lengths"), "{}", answer.escape_ascii());
    }
    // Pipelined behind an answer without a length: what follows may be the second answer.
    let mut piped = talk();
    piped.handshake();
    ask(&mut piped, &[get("/one"), get("/two")].concat());
    piped.data(Backend, &with_head("", "ok")).data(Backend, b"more").ack(Proxy).close(Backend);
    assert_eq!(said(&analyze(&piped.frames)), []);
}

#[test]
fn a_request_that_readers_end_differently_costs_certainty_and_no_more() {
    for lines in [
        "Transfer-Encoding: gzip\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nContent-Length: 3\r\n",
        "Content-Length: +2\r\n",
    ] {
        let request = format!("POST /odd HTTP/1.1\r\nHost: a\r\n{lines}\r\nok").into_bytes();
        let mut sound = talk();
        sound.handshake();
        turn(&mut sound, &request, &ok(3));
        sound.exchange("/next", 3).idle(SECOND).close(Proxy);
        let report = analyze(&sound.frames);
        assert_eq!((said(&report), answered_200(&report)), (vec![], 2), "{lines}");
        let mut closed = talk();
        closed.handshake();
        ask(&mut closed, &request);
        closed.idle(SECOND).close(Backend);
        assert_eq!(said(&analyze(&closed.frames)), [("closed_in_flight", "likely")], "{lines}");
    }
}

#[test]
fn a_clear_length_that_is_not_reached_is_truncated() {
    let mut talk = talk();
    talk.handshake();
    turn(&mut talk, &get("/one"), &with_head("Content-Length: 20\r\n", "ok"));
    talk.idle(SECOND).rst(Backend);
    assert_eq!(said(&analyze(&talk.frames)), [("truncated_response", "proven")]);
}

// Refused by the proxy.

#[test]
fn what_many_proxies_put_up_with_is_told_where_this_one_closes_at_once() {
    let kinds = [
        ("chunked_twice", with_head("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")),
        ("chunked_oddly", with_head("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n")),
        ("transfer_encoding", with_head("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")),
        (
            "length_and_coding",
            with_head("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
        ),
        ("content_length_twice", with_head("Content-Length: 2\r\nContent-Length: 2\r\n", "ok")),
        ("many_lines", with_head(&("A: b\r\n".repeat(80) + "Content-Length: 2\r\n"), "ok")),
        ("many_lines", with_head(&("A: b\r\n".repeat(1_100) + "Content-Length: 2\r\n"), "ok")),
        ("header_line", with_head("X(a): b\r\nContent-Length: 2\r\n", "ok")),
        ("status", b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok".to_vec()),
        ("status", b"HTTP/1.1 999 No\r\nContent-Length: 2\r\n\r\nok".to_vec()),
    ];
    for (name, answer) in kinds {
        let play = |request: &[u8], wait: Duration| {
            let mut talk = talk();
            talk.handshake();
            turn(&mut talk, request, &answer);
            talk.idle(wait).close(Proxy);
            analyze(&talk.frames)
        };
        let refused = play(&get("/odd"), Duration::ZERO);
        assert_eq!(said(&refused), [("invalid_response", "likely")], "{name}");
        assert_eq!(refused.failures[0].detail["malformed"], name);
        assert_eq!(refused.failures[0].retry.name(), "unsafe", "{name}");
        // It went on, or had announced that it would close.
        assert_eq!(said(&play(&get("/odd"), SECOND)), [], "{name}");
        let closes = b"GET /odd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        assert_eq!(said(&play(closes, Duration::ZERO)), [], "{name}");
        let old = b"GET /odd HTTP/1.0\r\nHost: a\r\n\r\n";
        assert_eq!(said(&play(old, Duration::ZERO)), [], "{name}");
    }
    // A sound answer after which the proxy closes at once is no failure.
    let mut sound = talk();
    sound.handshake().exchange("/fine", 4).close(Proxy);
    assert_eq!(said(&analyze(&sound.frames)), []);
}

#[test]
fn another_version_is_read_as_ever_whoever_closes_behind_it() {
    for version in ["HTTP/2.0", "HTTP/1.2"] {
        let mut talk = talk();
        talk.handshake();
        let answer = format!("{version} 200 OK\r\nContent-Length: 2\r\n\r\nok");
        turn(&mut talk, &get("/odd"), answer.as_bytes());
        talk.close(Proxy);
        let report = analyze(&talk.frames);
        assert_eq!((said(&report), answered_200(&report)), (vec![], 1), "{version}");
        assert!(note(&report, "malformed_answers"), "{version}");
    }
}

#[test]
fn a_bad_status_line_is_called_one() {
    let mut talk = talk();
    talk.handshake();
    turn(&mut talk, &get("/odd"), b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n");
    talk.close(Proxy);
    let report = analyze(&talk.frames);
    assert_eq!(said(&report), [("invalid_response", "likely")]);
    assert!(report.failures[0].summary.contains("a malformed status line"));
}

#[test]
fn a_status_above_599_is_no_backend_error() {
    let mut talk = talk();
    talk.handshake();
    for status in ["999 Request denied", "600 Odd", "599 Last"] {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        turn(&mut talk, &get("/odd"), answer.as_bytes());
    }
    talk.exchange("/fine", 3).close(Proxy);
    let report = analyze(&talk.frames);
    assert_eq!(said(&report), [("backend_error", "proven")]);
    assert_eq!(report.failures[0].detail["status"], 599);
}

#[test]
fn a_body_where_none_may_be_is_told_with_the_next_answer_that_it_poisons() {
    let no_content = b"HTTP/1.1 204 No Content\r\n\r\n".as_slice();
    let head = b"HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n".as_slice();
    for (request, answer, words) in [
        (get("/poke").as_slice(), no_content, "the 204 before it"),
        (head, &ok(0), "to a HEAD before it"),
    ] {
        // Right before the next head, in a segment of its own, or before the next request.
        for place in 0..3 {
            for refused in [true, false] {
                let mut talk = talk();
                talk.handshake();
                turn(&mut talk, request, answer);
                talk.idle(SECOND);
                if place == 2 {
                    talk.data(Backend, b"null").ack(Proxy);
                }
                ask(&mut talk, &get("/poll"));
                match place {
                    0 => talk.data(Backend, &[b"null", &ok(7)[..]].concat()),
                    1 => talk.data(Backend, b"null").data(Backend, &ok(7)),
                    _ => talk.data(Backend, &ok(7)),
                };
                talk.ack(Proxy);
                if !refused {
                    talk.idle(SECOND).exchange("/on", 3).idle(SECOND);
                }
                let report = analyze(&talk.close(Proxy).frames);
                let name = format!("{words} {place} {refused}");
                if !refused {
                    assert_eq!(said(&report), [], "{name}");
                    continue;
                }
                assert_eq!(said(&report), [("invalid_response", "likely")], "{name}");
                let failure = &report.failures[0];
                assert!(failure.summary.contains(words), "{name}: {}", failure.summary);
                assert_eq!(failure.request.as_ref().unwrap().target.as_deref(), Some("/poll"));
                assert_eq!(failure.ordinal, 1);
            }
        }
    }
}

#[test]
fn a_request_that_nobody_acknowledged_is_called_that() {
    let mut talk = talk();
    talk.handshake().exchange("/warm", 3).idle(SECOND);
    let request = get("/lost");
    talk.data_unheard(Proxy, &request)
        .again_and_again(Proxy, &request)
        .idle(SECOND * 30)
        .rst(Proxy);
    let report = analyze(&talk.frames);
    assert_eq!(report.failures[0].cause.name(), "silent_drop");
    let summary = &report.failures[0].summary;
    assert!(summary.contains("never acknowledged"), "{summary}");
    assert!(!summary.contains("before anybody acknowledged"), "{summary}");
}

// The PROXY protocol.

const LINE: &[u8] = b"PROXY TCP4 198.51.100.7 10.0.0.1 51000 80\r\n";

/// Version 2, with a TLV behind the addresses.
fn binary(command: u8) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    header.extend([command, 0x11, 0, 17, 198, 51, 100, 7, 10, 0, 0, 1, 0xc7, 0x38, 0, 80]);
    header.extend([4, 0, 2, 9, 9]);
    header
}

#[test]
fn behind_a_proxy_header_everything_is_as_ever() {
    for (header, version, source) in [
        (LINE.to_vec(), 1, Some("198.51.100.7:51000")),
        (binary(0x21), 2, Some("198.51.100.7:51000")),
        (binary(0x20), 2, None),
        (b"PROXY UNKNOWN\r\n".to_vec(), 1, None),
    ] {
        // With the request, before it, or byte by byte.
        for pieces in 0..3 {
            let mut talk = talk();
            talk.handshake();
            match pieces {
                0 => ask(&mut talk, &[&header[..], &get("/one")].concat()),
                1 => {
                    ask(&mut talk, &header);
                    ask(&mut talk, &get("/one"));
                }
                _ => {
                    header.iter().for_each(|byte| {
                        talk.data(Proxy, &[*byte]);
                    });
                    ask(&mut talk, &get("/one"));
                }
            }
            talk.data(Backend, &ok(3)).ack(Proxy).idle(SECOND);
            talk.fin_unheard(Backend).data(Proxy, &get("/raced"));
            talk.rst_in_reply(Backend).arrives(Proxy).fin(Proxy);
            let report = analyze(&talk.frames);
            assert_eq!(said(&report), [("keepalive_race", "proven")], "{version} {pieces}");
            assert_eq!(answered_200(&report), 1);
            let record = &connections(&talk.frames)[0];
            assert_eq!(record["protocol"], "http1");
            assert_eq!(record["proxy_protocol"]["version"], version);
            assert_eq!(record["proxy_protocol"]["source"].as_str(), source);
        }
    }
    // Without one.
    let mut plain = talk();
    plain.handshake().exchange("/one", 3).close(Proxy);
    assert!(connections(&plain.frames)[0]["proxy_protocol"].is_null());
}

#[test]
fn a_header_that_the_backend_does_not_know_is_a_mismatch() {
    let bad = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    for header in [LINE.to_vec(), binary(0x21)] {
        let request = [&header[..], &get("/one")].concat();
        let mut refused = talk();
        refused.handshake();
        turn(&mut refused, &request, bad);
        refused.close(Backend);
        let report = analyze(&refused.frames);
        assert_eq!(said(&report), [("protocol_mismatch", "proven")]);
        assert!(report.failures[0].summary.contains("PROXY protocol"));
        assert_eq!((report.counters.exchanges_failed, report.counters.mismatched), (1, 0));
        let mut closed = talk();
        closed.handshake();
        ask(&mut closed, &request);
        closed.close(Backend);
        assert_eq!(said(&analyze(&closed.frames)), [("protocol_mismatch", "proven")]);
        // One that thought about it for a while had read it.
        let mut slow = talk();
        slow.handshake();
        ask(&mut slow, &request);
        slow.idle(SECOND).close(Backend);
        assert_eq!(said(&analyze(&slow.frames)), [("closed_in_flight", "proven")]);
    }
}

#[test]
fn a_port_that_takes_headers_is_not_accused_of_refusing_one() {
    let bad = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let request = [LINE, &get("/one")].concat();
    let mut taken = talk_on(40_001);
    taken.handshake();
    turn(&mut taken, &request, &ok(3));
    taken.close(Proxy);
    // Before it was known, and after.
    for later in [0, 10] {
        let mut refused = talk_on(40_002).after(SECOND * later);
        refused.handshake();
        turn(&mut refused, &request, bad);
        refused.close(Backend);
        let mut closed = talk_on(40_003).after(SECOND * later);
        closed.handshake();
        ask(&mut closed, &request);
        closed.close(Backend);
        let mut taken = taken.clone();
        if later == 0 {
            taken.frames.iter_mut().for_each(|frame| frame.at += 20_000_000_000);
        }
        let report = analyze(&wire::together(&[&taken, &refused, &closed]));
        let failures = &report.failures;
        assert_eq!(said(&report), [("closed_in_flight", "proven")], "{later} {failures:?}");
        assert_eq!(report.failures[0].retry.name(), "unsafe");
        assert_eq!(report.counters.exchanges_failed, 1);
    }
}

/// Connections that end as soon as something is asked.
fn ended_at_once(count: u16, wait: Duration) -> Vec<Talk> {
    let one = |number: u16| {
        let mut talk = talk_on(41_000 + number).after(SECOND * u32::from(number));
        talk.handshake();
        ask(&mut talk, &get(&format!("/{number}")));
        talk.idle(wait).close(Backend);
        talk
    };
    (0..count).map(one).collect()
}

fn together(talks: &[Talk]) -> Report {
    analyze(&wire::together(&talks.iter().collect::<Vec<_>>()))
}

#[test]
fn a_port_that_never_answers_gives_one_hint_instead_of_many_crashes() {
    let mut talks = ended_at_once(5, Duration::ZERO);
    let report = together(&talks);
    assert_eq!(said(&report), [("closed_in_flight", "proven"); 5]);
    for failure in &report.failures {
        assert_eq!(failure.detail["form"], "nothing_answered");
        assert_eq!(failure.detail["connections"], 5);
        assert_eq!(failure.retry.name(), "unknown");
        for words in ["PROXY protocol", "TLS", "another protocol"] {
            assert!(failure.summary.contains(words), "{}", failure.summary);
        }
        assert!(!failure.fix.contains("restarted"), "{}", failure.fix);
    }
    // One answer on this port, and it is another matter.
    let mut answered = talk_on(50_000);
    answered.handshake().exchange("/fine", 3).close(Proxy);
    talks.push(answered);
    let report = together(&talks);
    assert_eq!(said(&report), [("closed_in_flight", "proven"); 5]);
    for failure in &report.failures {
        assert_eq!(failure.detail.get("form"), None, "{}", failure.summary);
    }
    // So it is where the backend took its time, and of a single connection.
    for talks in [ended_at_once(5, SECOND), ended_at_once(1, Duration::ZERO)] {
        let report = together(&talks);
        assert!(report.failures.iter().all(|failure| failure.detail.get("form").is_none()));
    }
}

#[test]
fn an_answer_that_nobody_asked_for_is_named_with_the_race_behind_it() {
    let parting = b"HTTP/1.0 408 Request Time-out\r\nConnection: close\r\n\r\n";
    let mut talk = talk();
    talk.handshake().exchange("/warm", 3).idle(SECOND * 10);
    talk.data_unheard(Backend, parting).fin_unheard(Backend).data(Proxy, &get("/raced"));
    talk.rst_in_reply(Backend).arrives(Proxy).fin(Proxy);
    let report = analyze(&talk.frames);
    assert_eq!(said(&report), [("keepalive_race", "proven")]);
    assert!(report.failures[0].summary.contains("an unasked 408"));
    assert_eq!(statuses(&report), [(200, 1)]);
}

// What was not captured.

/// A capture of frames of which no more was kept than `snap` bytes.
fn cut_to(frames: &[Frame], snap: usize) -> Report {
    let mut file = wire::pcap(&[]);
    for frame in frames {
        let kept = frame.bytes.len().min(snap);
        let (seconds, nanos) = (frame.at / 1_000_000_000, frame.at % 1_000_000_000);
        let header = [seconds as u32, nanos as u32, kept as u32, frame.bytes.len() as u32];
        header.into_iter().for_each(|field| file.extend_from_slice(&field.to_le_bytes()));
        file.extend_from_slice(&frame.bytes[..kept]);
    }
    crate::scenarios::read(file).unwrap()
}

#[test]
fn payload_that_was_not_captured_decides_nothing() {
    let mut talk = talk();
    talk.handshake().exchange("/one", 300).idle(SECOND);
    ask(&mut talk, &get("/crash"));
    talk.idle(SECOND).close(Backend);
    for snap in 54..220 {
        let report = cut_to(&talk.frames, snap);
        for (cause, certainty) in said(&report) {
            assert_eq!(cause, "closed_in_flight", "{snap}");
            // Nothing of the second request is missing from here on.
            assert!(certainty == "likely" || snap >= 54 + get("/crash").len(), "{snap}");
        }
        if snap >= 54 + 14 {
            assert_eq!(report.failures.len(), 1, "{snap}");
        }
    }
    // Not a byte of it: it is no health check, and speaks nothing that is known.
    let report = cut_to(&talk.frames, 54);
    assert_eq!((said(&report).len(), report.counters.exchanges), (0, 0));
}

#[test]
fn a_5xx_whose_head_was_cut_is_not_clean() {
    let bad = b"HTTP/1.1 503 Service Unavailable\r\nServer: none\r\nContent-Length: 0\r\n\r\n";
    let mut talk = talk();
    talk.handshake();
    turn(&mut talk, &get("/bad"), bad);
    talk.close(Proxy);
    assert_eq!(said(&cut_to(&talk.frames, 96)), [("backend_error", "likely")]);
    assert_eq!(said(&analyze(&talk.frames)), [("backend_error", "proven")]);
}

/// nginx, Go and others answer so to a request in clear.
#[test]
fn a_400_that_says_that_the_port_speaks_tls_is_a_mismatch() {
    let answered = |answer: &[u8], snap: usize| {
        let mut talk = talk();
        talk.handshake();
        turn(&mut talk, &get("/a"), answer);
        talk.close(Backend);
        said(&cut_to(&talk.frames, snap))
    };
    let go = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    let text = "<html>The plain HTTP request was sent to HTTPS port</html>";
    let nginx = |status: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{text}", text.len()).into_bytes()
    };
    assert_eq!(answered(go, 999), [("protocol_mismatch", "proven")]);
    assert_eq!(answered(&nginx("400 Bad Request"), 999), [("protocol_mismatch", "proven")]);
    assert!(answered(&nginx("200 OK"), 999).is_empty(), "a text about it");
    assert!(answered(b"HTTP/1.0 400 Bad Request\r\n\r\nno such name\n", 999).is_empty());
    assert!(answered(&nginx("400 Bad Request"), 54 + 90).is_empty(), "cut: it may say anything");
}

// What a connection upgrades to.

/// An upgrade from HTTP/1, and what follows it until the backend closes.
fn upgraded(request: &str, answer: &str, inside: [&[u8]; 2]) -> Vec<Frame> {
    let mut talk = talk();
    talk.handshake();
    let head = format!("GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n{request}\r\n\r\n");
    ask(&mut talk, head.as_bytes());
    let answer =
        format!("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n{answer}\r\n\r\n");
    talk.data(Backend, answer.as_bytes()).ack(Proxy);
    let [asked, answered] = inside;
    turn(&mut talk, asked, answered);
    talk.idle(SECOND).close(Backend);
    talk.frames
}

fn not_read(frames: &[Frame]) -> Vec<(&'static str, u64)> {
    analyze(frames).unread.iter().map(|unread| (unread.what.name(), unread.connections)).collect()
}

#[test]
fn an_upgrade_to_http_2_is_not_read_and_one_to_websocket_is_innocent() {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    for upgrade in ["Upgrade: h2c", "upgrade: H2C", "Upgrade: h2c-14"] {
        let frames =
            upgraded("Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk", upgrade, [preface, settings]);
        let report = analyze(&frames);
        assert_eq!((said(&report), not_read(&frames)), (vec![], vec![("http2", 1)]), "{upgrade}");
        let headline = report.headline().text();
        assert!(headline.starts_with("Not judged: HTTP/2"), "{headline}");
        // Without its 101 something was not read, whatever it was.
        let mut damaged = frames;
        damaged.remove(5);
        assert_ne!(not_read(&damaged), [], "{upgrade}");
    }
    let hello = [0x16, 3, 1, 0, 4, 1, 0, 0, 0];
    let frames = upgraded("Upgrade: TLS/1.2", "Upgrade: TLS/1.2, HTTP/1.1", [&hello, &hello]);
    assert_eq!((said(&analyze(&frames)), not_read(&frames)), (vec![], vec![("tls", 1)]));
    for upgrade in ["Upgrade: websocket", "Upgrade: h2", "X: h2c"] {
        let frames = upgraded("Upgrade: websocket", upgrade, [b"\x81\x02hi", b"\x81\x02ho"]);
        assert_eq!((said(&analyze(&frames)), not_read(&frames)), (vec![], vec![]), "{upgrade}");
    }
    // Who offers it and is answered in HTTP/1 goes on in that.
    let mut declined = talk();
    declined.handshake();
    let offer = b"GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    turn(&mut declined, offer, b"HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n");
    turn(&mut declined, &get("/next"), &ok(3));
    declined.close(Proxy);
    assert_eq!((answered_200(&analyze(&declined.frames)), not_read(&declined.frames)), (2, vec![]));
}

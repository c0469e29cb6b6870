//! The front leg and the backend leg: which of them a connection is of, and which requests on both are one.

use crate::cli::document;
use crate::events::{SECOND, all, causes, millis};
use crate::scenarios::{analyze, read};
use crate::wire::{self, End, Frame, Talk, get, ok};
use End::{Backend, Proxy};
use serde_json::Value;

#[test]
fn where_nothing_else_tells_the_lower_port_is_the_servers() {
    let mut talk = Talk::new(3, 4);
    talk.handshake();
    let begun = talk.frames.len();
    for _ in 0..8 {
        talk.data(Backend, &[0xfe; 20]).data(Proxy, &[0xfd; 20]);
    }
    let report = analyze(&talk.frames[begun..]);
    let notes: String = report.notes.iter().map(|note| note.text.as_str()).collect();
    assert!(notes.contains("10.0.0.1:8080 (opaque)"), "{notes}");
}

/// Its port is the higher one, and what was captured of it are a keep-alive's acknowledgements.
#[test]
fn a_known_listener_is_known_again_on_a_connection_begun_before() {
    let listener = ([10, 0, 0, 1], 50_051);
    let mut known = Talk::new(1, 2).between(([10, 0, 0, 9], 4_000), listener);
    known.handshake().exchange("/a", 10).close(Proxy);
    let mut before = Talk::new(3, 4).between(([10, 0, 0, 9], 4_001), listener).after(SECOND);
    before.handshake();
    before.frames.clear();
    before.ack(Proxy).ack(Backend).idle(SECOND).ack(Proxy).ack(Backend);
    let report = all(&[known, before]);
    assert_eq!(report.backends.len(), 1);
    assert_eq!(
        (report.backends[0].backend.to_string(), report.backends[0].connections),
        ("10.0.0.1:50051".to_owned(), 2)
    );
}

/// Proxy and backend often share a host: that somebody connects from its address makes no listener the
/// proxy's.
#[test]
fn a_backend_on_the_proxys_own_host_is_judged() {
    for host in [[127, 0, 0, 1], [10, 0, 0, 9]] {
        let mut talk = Talk::new(1, 2).between((host, 41_000), (host, 8080));
        talk.handshake().data(Proxy, &get("/crash")).ack(Backend).close(Backend);
        assert_eq!(causes(&analyze(&talk.frames)), [("closed_in_flight", 1)], "{host:?}");
    }
}

#[test]
fn who_names_the_backends_hears_of_no_other() {
    let mut good = Talk::new(1, 2);
    good.handshake().exchange("/a", 10).close(Proxy);
    let mut refused = Talk::new(3, 4).between(([10, 0, 0, 9], 41_000), ([10, 0, 0, 5], 9_999));
    refused.syn().refuse();
    let frames = wire::together(&[&good, &refused]);
    assert_eq!(document(&frames, &["--backend", "10.0.0.1:8080"])["causes"], serde_json::json!({}));
    assert_eq!(document(&frames, &[])["causes"]["connection_refused"], 1);
}

#[test]
fn a_listener_that_passes_on_a_part_of_what_it_is_asked_is_judged() {
    let mut talks = Vec::new();
    for index in 0..10_u16 {
        let after = SECOND * u32::from(index * index);
        let target = format!("/{index}");
        let mut front = Talk::new(u32::from(index), 4)
            .between(([10, 0, 0, 77], 50_000 + index), ([10, 0, 0, 5], 8080))
            .after(after);
        front
            .handshake()
            .data(Proxy, &get(&target))
            .ack(Backend)
            .idle(millis(100))
            .data(Backend, &ok(4))
            .ack(Proxy)
            .close(Proxy);
        talks.push(front);
        if index < 4 {
            let mut inner = Talk::new(1, u32::from(index))
                .between(([10, 1, 0, 5], 41_000 + index), ([10, 1, 0, 6], 3000))
                .after(after + millis(20));
            inner.handshake().exchange(&target, 4).close(Proxy);
            talks.push(inner);
        }
    }
    let report = all(&talks);
    let judged: Vec<String> = report.backends.iter().map(|one| one.backend.to_string()).collect();
    assert_eq!(judged, ["10.0.0.5:8080", "10.1.0.6:3000"]);
}

/// A proxy passes on what it is asked to one that passes it on to the last. Three requests go well; the fourth the
/// last one cuts off, and each before it answers with 502.
fn three_in_a_row() -> Vec<Frame> {
    let hosts = [[10, 0, 0, 77], [10, 0, 0, 5], [10, 0, 0, 6], [10, 0, 0, 7]];
    let mut talks = Vec::new();
    for index in 0..4_u16 {
        for (depth, pair) in (0_u16..).zip(hosts.windows(2)) {
            let after = SECOND * u32::from(index) + millis(5) * u32::from(depth);
            let port = 40_000 + 10 * index + depth;
            let mut talk = Talk::new(u32::from(port), 7)
                .between((pair[0], port), (pair[1], 8080))
                .after(after);
            talk.handshake().data(Proxy, &get(&format!("/{index}"))).ack(Backend);
            talk.idle(millis(100 - 20 * u64::from(depth)));
            match (index, depth) {
                (3, 2) => talk.close(Backend),
                (3, _) => talk.data(Backend, BAD_GATEWAY).ack(Proxy).close(Proxy),
                _ => talk.data(Backend, &ok(10)).ack(Proxy).close(Proxy),
            };
            talks.push(talk);
        }
    }
    wire::together(&talks.iter().collect::<Vec<_>>())
}

const BAD_GATEWAY: &[u8] = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";

#[test]
fn of_proxies_in_a_row_a_failure_is_told_once_at_the_last() {
    let frames = three_in_a_row();
    let told = |arguments: &[&str]| -> Vec<(String, String)> {
        let document = document(&frames, arguments);
        let failures = document["failures"].as_array().unwrap().iter();
        let told = failures.map(|one| (text(&one["cause"]), text(&one["backend"])));
        told.collect()
    };
    let last = [("closed_in_flight".to_owned(), "10.0.0.7:8080".to_owned())];
    assert_eq!(told(&[]), last);
    assert_eq!(told(&["--backend", "10.0.0.7:8080"]), last);
    // Nobody asked for the one behind it: what it answered is all there is to tell.
    let named = ("backend_error".to_owned(), "10.0.0.6:8080".to_owned());
    assert_eq!(told(&["--backend", "10.0.0.6:8080"]), [named]);
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn a_client_with_another_request_id_is_not_blamed() {
    let ask = |id: &str| format!("GET /report HTTP/1.1\r\nHost: a\r\nX-Request-Id: {id}\r\n\r\n");
    for (id, cause) in [("one", "client_gone"), ("two", "response_timeout")] {
        let mut front = Talk::new(3, 4).between(([10, 0, 0, 77], 50_000), ([10, 0, 0, 9], 80));
        front
            .handshake()
            .data(Proxy, ask("one").as_bytes())
            .ack(Backend)
            .idle(millis(1_990))
            .close(Proxy);
        let mut back = Talk::new(1, 2).after(millis(2));
        back.handshake().data(Proxy, ask(id).as_bytes()).ack(Backend).idle(SECOND * 2).close(Proxy);
        assert_eq!(causes(&all(&[front, back])), [(cause, 1)]);
    }
}

/// Both legs close, and who closed first on each decides what the front leg shows.
#[test]
fn a_client_is_gone_only_where_it_and_then_the_proxy_closed_first() {
    let said = |front_by: End, back_by: End| {
        let mut front = Talk::new(3, 4).between(([10, 0, 0, 77], 50_000), ([10, 0, 0, 9], 80));
        front
            .handshake()
            .data(Proxy, &get("/slow"))
            .ack(Backend)
            .idle(millis(1_990))
            .close(front_by);
        let mut back = Talk::new(1, 2).after(millis(2));
        back.handshake().data(Proxy, &get("/slow")).ack(Backend).idle(SECOND * 2);
        if back_by == Proxy {
            back.close(Proxy);
        } else {
            // A FIN that may have been sent before: nothing explains this failure.
            back.fin_unheard(Backend);
            back.frames.pop();
            back.ack(Backend).fin_again(Backend).arrives(Proxy).fin(Proxy);
        }
        let report = all(&[front, back]);
        let found = report.failures.iter().map(|one| (one.cause.name(), one.certainty.name()));
        found.collect::<Vec<_>>()
    };
    assert_eq!(said(Proxy, Proxy), [("client_gone", "proven")]);
    assert_eq!(said(Backend, Proxy), [("response_timeout", "likely")]);
    assert_eq!(said(Proxy, Backend), [("unproven", "possible")]);
}

/// What is said of one exchange on the backend leg and of those on the front leg, each with its id and when
/// it began.
fn legs(fronts: &[(&str, u64)], back: &str) -> Value {
    let ask = |id: &str| {
        let id = if id.is_empty() { String::new() } else { format!("X-Request-Id: {id}\r\n") };
        format!("GET /r HTTP/1.1\r\nHost: a\r\n{id}\r\n").into_bytes()
    };
    let mut talks = Vec::new();
    for (place, (id, after)) in fronts.iter().enumerate() {
        let number = 3 + place as u32;
        let mut front = Talk::new(number, number + 9)
            .between(([10, 0, 0, 77], 50_000 + place as u16), ([10, 0, 0, 9], 80))
            .after(millis(*after));
        front
            .handshake()
            .data(Proxy, &ask(id))
            .ack(Backend)
            .idle(millis(100))
            .data(Backend, &ok(4))
            .ack(Proxy)
            .close(Proxy);
        talks.push(front);
    }
    let mut one = Talk::new(1, 2).after(millis(10));
    one.handshake()
        .data(Proxy, &ask(back))
        .ack(Backend)
        .idle(millis(50))
        .data(Backend, &ok(4))
        .ack(Proxy)
        .close(Proxy);
    talks.push(one);
    let frames = wire::together(&talks.iter().collect::<Vec<_>>());
    document(&frames, &["--front", "10.0.0.9:80"])["front_leg"].clone()
}

#[test]
fn requests_with_different_ids_are_not_joined_over_both_legs() {
    assert_eq!(legs(&[("id-one", 0)], "id-one")["joined"], 1);
    assert_eq!(legs(&[("id-one", 0)], "id-two")["joined"], 0);
}

#[test]
fn an_exchange_that_can_be_of_two_clients_is_of_neither() {
    let leg = legs(&[("", 0), ("", 3)], "");
    assert_eq!((&leg["joined"], &leg["ambiguous"]), (&0.into(), &2.into()), "{leg}");
}

/// The capture ends right when a client has left, and with it the proxy: what the proxy had passed on is not known to
/// have failed yet, and the proxy's own listener is no backend for that.
#[test]
fn what_is_on_its_way_when_the_capture_ends_was_passed_on_as_well() {
    let path = "captures/client-gone-nginx-node/proxy-side.pcap";
    let file = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/").to_owned() + path).unwrap();
    let length = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    let end = (0..57).fold(24, |at, _| at + 16 + length(at + 8));
    assert_eq!(causes(&read(file[..end].to_vec()).unwrap()), [("client_gone", 1)]);
}

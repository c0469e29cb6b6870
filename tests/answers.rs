//! What a backend answers, as far as the answer itself is at fault.

use crate::events::causes;
use crate::scenarios::analyze;
use crate::wire::{End, Talk, get};
use End::{Backend, Proxy};

#[test]
fn every_status_from_500_on_is_an_error_of_the_backend() {
    for status in [500, 505, 507, 511, 520, 599] {
        let mut talk = Talk::new(3, 4);
        let answer = format!("HTTP/1.1 {status} Oops\r\nContent-Length: 0\r\n\r\n");
        talk.handshake()
            .data(Proxy, &get("/a"))
            .data(Backend, answer.as_bytes())
            .ack(Proxy)
            .close(Proxy);
        assert_eq!(causes(&analyze(&talk.frames)), [("backend_error", 1)], "{status}");
    }
}

#[test]
fn a_length_beside_chunks_announces_nothing() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().data(Proxy, &get("/a")).ack(Backend);
    talk.data(Backend, b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    talk.ack(Proxy).close(Backend);
    let report = analyze(&talk.frames);
    assert_eq!(report.failures[0].response.as_ref().unwrap().expected_bytes, None);
}

#[test]
fn a_head_that_the_proxy_takes_by_default_is_not_called_too_large() {
    let filler = "x".repeat(20_000);
    let head = format!("HTTP/1.1 200 OK\r\nX-Large: {filler}");
    let mut talk = Talk::new(3, 4);
    talk.handshake()
        .data(Proxy, b"GET /a HTTP/1.1\r\nHost: a\r\nx-envoy-attempt-count: 1\r\n\r\n")
        .ack(Backend);
    for piece in head.as_bytes().chunks(1_400) {
        talk.data(Backend, piece);
    }
    talk.ack(Proxy).rst(Proxy);
    let report = analyze(&talk.frames);
    assert_eq!(causes(&report), [("invalid_response", 1)]);
    assert!(
        report.failures[0].summary.contains("less than the 60 KiB"),
        "{}",
        report.failures[0].summary
    );
}

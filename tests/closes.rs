//! Closes: whose they are, and what they say.

use crate::conversations::failure;
use crate::events::{SECOND, millis};
use crate::scenarios::{analyze, said};
use crate::wire::{End, Talk, get, ok};
use End::{Backend, Proxy};
use why502::inside::facts::closing::Closer;

#[test]
fn a_forged_reset_that_the_proxy_does_not_believe_breaks_nothing_off() {
    // On a long way, what follows may have been sent before.
    for way in [0, 20] {
        let mut talk = Talk::new(3, 4);
        talk.syn_and_wait(millis(way)).exchange("/warm", 64).data(Proxy, &get("/a")).ack(Backend);
        talk.rst_foreign(Backend, 255).data(Backend, &ok(64)).ack(Proxy).close(Proxy);
        assert!(analyze(&talk.frames).failures.is_empty(), "{way} ms");
    }
}

#[test]
fn a_fin_of_another_time_to_live_is_no_reset_by_something_between() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/warm", 64).data(Proxy, &get("/crash")).ack(Backend);
    talk.idle(SECOND).fin(Backend);
    // In the IP header, behind that of Ethernet.
    talk.frames.last_mut().unwrap().bytes[14 + 8] = 63;
    talk.fin(Proxy).ack(Backend);
    let report = analyze(&talk.frames);
    assert_eq!(said(&report.failures[0]), failure("closed_in_flight", "proven", "unsafe")[0]);
    assert_eq!(report.failures[0].close.as_ref().unwrap().by, Closer::Backend);
}

/// The backend's FIN was missed at first, and its repetition comes behind the proxy's close.
#[test]
fn who_acknowledges_a_close_has_not_closed_first() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/warm", 64).data(Proxy, &get("/crash")).ack(Backend).fin(Backend);
    talk.frames.pop();
    talk.fin_unheard(Proxy).idle(millis(200)).fin_again(Backend).idle(millis(200)).fin_again(Proxy);
    let report = analyze(&talk.frames);
    assert_eq!(report.failures.len(), 1);
    assert_eq!(report.failures[0].close.as_ref().unwrap().by, Closer::Backend);
}

/// Some servers say 408 when they have waited long enough, whoever asks just then.
#[test]
fn a_notice_that_crosses_a_request_does_not_answer_it() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/warm", 64).idle(SECOND * 2).data_unheard(Proxy, &get("/raced"));
    talk.data_unheard(Backend, b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    talk.fin_unheard(Backend).rst_in_reply(Backend).arrives(Proxy).fin(Proxy);
    let report = analyze(&talk.frames);
    assert_eq!(said(&report.failures[0]), failure("keepalive_race", "proven", "safe")[0]);
}

/// A reset carries no window: nobody stopped reading.
#[test]
fn the_window_of_a_reset_says_nothing() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/warm", 64).data(Proxy, &get("/crash")).ack(Backend);
    talk.idle(SECOND).window(Backend, 0).rst(Backend);
    let report = analyze(&talk.frames);
    assert_eq!(said(&report.failures[0]), failure("reset_in_flight", "proven", "unsafe")[0]);
    let notes: Vec<&str> = report.failures[0].frames.iter().map(|one| one.note.as_str()).collect();
    assert!(notes.iter().all(|note| !note.contains("window")), "{notes:?}");
}

/// Where the close ends the body, and is what was missed, all of it may have come.
#[test]
fn an_answer_whose_end_was_missed_is_not_called_broken_off() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().data(Proxy, &get("/old")).ack(Backend);
    talk.data(Backend, b"HTTP/1.0 200 OK\r\n\r\nhello ").ack(Proxy).data(Backend, b"world");
    talk.fin(Backend);
    let end = talk.frames.len();
    talk.ack(Proxy).fin(Proxy);
    talk.frames.drain(end - 2..end);
    let report = analyze(&talk.frames);
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    assert_eq!(report.counters.exchanges_unread, 1);
}

/// Its acknowledgement is of the answer.
#[test]
fn the_proxys_close_says_nothing_of_what_the_backend_received() {
    for (closer, told) in [(Proxy, false), (Backend, true)] {
        let mut talk = Talk::new(3, 4);
        talk.handshake().data(Proxy, &get("/slow")).ack(Backend).idle(SECOND * 2).close(closer);
        let report = analyze(&talk.frames);
        let says = |note: &str| note.contains("acknowledges the whole request");
        let frames = &report.failures[0].frames;
        assert_eq!(frames.iter().any(|frame| says(&frame.note)), told, "{closer:?}: {frames:?}");
    }
}

/// Nothing else ends it: a reset in place of the FIN may have come behind all of it (RFC 9112, section 8).
#[test]
fn that_a_reset_cut_an_answer_without_a_length_is_likely_at_most() {
    let reset = |head: &str, fin: bool| {
        let mut talk = Talk::new(3, 4);
        talk.handshake().data(Proxy, &get("/old")).ack(Backend);
        talk.data(Backend, format!("HTTP/1.0 200 OK\r\n{head}\r\nhello").as_bytes()).ack(Proxy);
        if fin {
            talk.close(Backend);
        } else {
            talk.idle(SECOND).rst(Backend);
        }
        let report = analyze(&talk.frames);
        report
            .failures
            .iter()
            .map(|one| (one.cause.name(), one.certainty.name()))
            .collect::<Vec<_>>()
    };
    assert_eq!(reset("", false), [("truncated_response", "likely")]);
    assert_eq!(reset("Content-Length: 9\r\n", false), [("truncated_response", "proven")]);
    assert!(reset("", true).is_empty());
}

/// A server takes nothing up behind the answer that announces its close (RFC 9112, section 9.6).
#[test]
fn who_pipelines_cannot_know_of_a_close_that_is_announced_later() {
    let announces = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let mut talk = Talk::new(3, 4);
    talk.handshake().data(Proxy, &get("/one")).data_unheard(Proxy, &get("/two"));
    talk.data_unheard(Backend, announces).rst_in_reply(Backend);
    let report = analyze(&talk.frames);
    let [one] = &report.failures[..] else { panic!("{:?}", report.failures) };
    assert_eq!((one.cause.name(), one.certainty.name()), ("keepalive_race", "likely"));
    // One that had read it used the connection all the same.
    let mut talk = Talk::new(3, 4);
    talk.handshake().data(Proxy, &get("/one")).data(Backend, announces);
    talk.data_unheard(Proxy, &get("/two")).rst_in_reply(Backend);
    assert_eq!(analyze(&talk.frames).failures[0].cause.name(), "stale_reuse");
}

/// The request may have been a probe's.
#[test]
fn an_error_whose_request_was_not_captured_is_likely_at_most() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/warm", 64).data(Proxy, &get("/bad"));
    let at = talk.frames.len() - 1;
    talk.data(Backend, b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n").ack(Proxy).close(Proxy);
    let said = |talk: &Talk| {
        let report = analyze(&talk.frames);
        report
            .failures
            .iter()
            .map(|one| (one.cause.name(), one.certainty.name()))
            .collect::<Vec<_>>()
    };
    assert_eq!(said(&talk), [("backend_error", "proven")]);
    talk.frames.remove(at);
    assert_eq!(said(&talk), [("backend_error", "likely")]);
}

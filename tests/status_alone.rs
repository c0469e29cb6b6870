//! Probes of a backend's health that end their connection as soon as they have the status.

use crate::events::{SECOND, millis};
use crate::scenarios::analyze;
use crate::wire::{self, End, Talk, ok_head};
use End::{Backend, Proxy};
use std::time::Duration;
use why502::inside::report::Report;

/// What a checker asks.
const ASKED: [&str; 4] = [
    "OPTIONS / HTTP/1.0\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost: 10.0.0.1\r\nUser-Agent: ELB-HealthChecker/2.0\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost: 10.0.0.1\r\nUser-Agent: kube-probe/1.30\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n",
];

/// Ten of a row, or of no rhythm at all.
fn row(steady: bool, play: impl Fn(&mut Talk)) -> Report {
    let one = |index: u16| {
        let at = if steady { u32::from(index) * 2 } else { u32::from(index * index) };
        let mut talk =
            Talk::new(u32::from(index) << 16, 2).on_port(40_000 + index).after(SECOND * at);
        play(&mut talk);
        talk
    };
    let mut talks: Vec<Talk> = (0..10).map(one).collect();
    let mut good = Talk::new(9, 9).on_port(50_000).after(millis(500));
    good.handshake().exchange("/a", 10).close(Proxy);
    talks.push(good);
    analyze(&wire::together(&talks.iter().collect::<Vec<_>>()))
}

fn silent(what: &str, play: impl Fn(&mut Talk)) {
    for steady in [true, false] {
        let report = row(steady, &play);
        assert!(report.failures.is_empty(), "{what}, steady {steady}: {:?}", report.failures);
    }
}

#[test]
fn a_probe_that_resets_behind_the_answer_is_sound() {
    for asked in ASKED {
        silent(asked, |talk| {
            talk.handshake().data(Proxy, asked.as_bytes()).ack(Backend);
            talk.data(Backend, &wire::ok(20)).ack(Proxy).rst(Proxy);
        });
        // The answer was never acknowledged apart.
        silent(asked, |talk| {
            talk.handshake().data(Proxy, asked.as_bytes()).ack(Backend);
            talk.data(Backend, &wire::ok(20)).rst(Proxy);
        });
        // The backend closes behind its answer, as in HTTP/1.0.
        silent(asked, |talk| {
            talk.handshake().data(Proxy, asked.as_bytes()).ack(Backend);
            talk.data(Backend, &wire::ok(20)).fin(Backend).rst(Proxy);
        });
    }
}

#[test]
fn a_probe_that_leaves_the_rest_of_the_answer_unread_is_sound() {
    for asked in ASKED {
        silent(asked, |talk| {
            talk.handshake().data(Proxy, asked.as_bytes()).ack(Backend);
            talk.data(Backend, &ok_head(4_000)).ack(Proxy).data(Backend, &[b'x'; 900]).rst(Proxy);
        });
        // The rest was on its way.
        silent(asked, |talk| {
            talk.handshake().data(Proxy, asked.as_bytes()).ack(Backend);
            talk.data(Backend, &ok_head(1_800)).rst(Proxy);
            talk.data_unheard(Backend, &[b'x'; 900]).rst_in_reply(Proxy);
            talk.data_unheard(Backend, &[b'x'; 900]).rst_in_reply(Proxy);
        });
        // Closed in order, and reset when the rest came.
        silent(asked, |talk| {
            talk.handshake().data(Proxy, asked.as_bytes()).ack(Backend);
            talk.data(Backend, &ok_head(4_000)).ack(Proxy).fin_unheard(Proxy);
            talk.data_unheard(Backend, &[b'x'; 900]).rst_in_reply(Proxy);
        });
    }
}

#[test]
fn a_probe_that_names_itself_may_take_its_time_on_a_connection_that_it_kept() {
    silent("named", |talk| {
        talk.handshake();
        for _ in 0..2 {
            talk.data(Proxy, ASKED[1].as_bytes()).ack(Backend).data(Backend, &wire::ok(20));
            talk.ack(Proxy).idle(millis(100));
        }
        talk.data(Proxy, ASKED[1].as_bytes()).ack(Backend).data(Backend, &ok_head(4_000));
        talk.ack(Proxy).idle(millis(100)).data(Backend, &[b'x'; 900]).rst(Proxy);
    });
}

#[test]
fn a_probe_by_connecting_that_resets_is_sound() {
    silent("behind the handshake", |talk| {
        talk.handshake().rst(Proxy);
    });
    silent("instead of its end", |talk| {
        talk.syn().syn_ack().rst(Proxy);
    });
}

#[test]
fn who_leaves_later_or_was_answered_with_an_error_is_told_as_before() {
    let cut = |status: &'static str, wait: Duration| {
        row(false, move |talk| {
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: 4000\r\n\r\n");
            talk.handshake().data(Proxy, ASKED[3].as_bytes()).ack(Backend);
            talk.data(Backend, head.as_bytes()).ack(Proxy).idle(wait).rst(Proxy);
        })
    };
    for (status, wait) in [("200 OK", millis(200)), ("503 Busy", millis(1))] {
        let report = cut(status, wait);
        // Of the last one, with which the capture ends, the rest may be on its way.
        assert!(report.failures.len() >= 9, "{status}");
        assert!(report.failures.iter().all(|one| one.cause.name() == "client_gone"), "{status}");
    }
}

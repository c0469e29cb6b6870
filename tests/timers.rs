//! Timeouts: which closes and waits show one, and which fit what was told.

use crate::cli::document;
use crate::events::{SECOND, all, at, millis};
use crate::wire::{self, End, Talk, get};
use End::{Backend, Proxy};
use std::time::Duration;
use why502::inside::knowledge::idle_gaps::Ordering;
use why502::inside::knowledge::timers::Timer;

/// Traffic that goes on, so that silence elsewhere means something.
pub fn goes_on(from: Duration, to: Duration) -> Talk {
    let mut talk = at(60_000, from);
    talk.handshake().exchange("/x", 4).idle(to.saturating_sub(from)).exchange("/y", 4).close(Proxy);
    talk
}

#[test]
fn only_a_wait_as_long_as_the_read_timeout_is_proven_by_it() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().data(Proxy, &get("/slow")).ack(Backend).idle(SECOND * 2).close(Proxy);
    for (read, certainty, fits) in
        [("2s", "proven", true), ("60s", "likely", false), ("1s", "likely", false)]
    {
        let report = document(&talk.frames, &["--proxy-read", read]);
        let one = &report["failures"][0];
        assert_eq!(
            (&one["cause"], &one["certainty"]),
            (&"response_timeout".into(), &certainty.into()),
            "{read}"
        );
        assert_eq!(one["detail"]["fits_read_timeout"], fits, "{read}");
    }
}

#[test]
fn a_wait_a_twelfth_longer_than_the_read_timeout_is_another() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().data(Proxy, &get("/slow")).ack(Backend).idle(millis(6_500)).close(Proxy);
    let report = document(&talk.frames, &["--proxy-read", "6s"]);
    assert_eq!(report["failures"][0]["detail"]["fits_read_timeout"], false);
    assert_eq!(report["failures"][0]["certainty"], "likely");
}

#[test]
fn a_connect_timeout_fits_only_where_the_next_syn_would_have_been_seen() {
    let mut talk = Talk::new(3, 4);
    talk.syn().idle(SECOND).syn_again().idle(SECOND * 2).syn_again();
    for (until, fits) in [(SECOND * 4, false), (SECOND * 12, true)] {
        let other = goes_on(millis(500), until);
        let report = document(&wire::together(&[&talk, &other]), &["--proxy-connect", "5s"]);
        assert_eq!(report["failures"][0]["detail"]["fits_connect_timeout"], fits, "{until:?}");
    }
}

#[test]
fn a_request_that_waited_for_a_second_was_not_lost_to_the_timer() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/warm", 64).idle(SECOND).data(Proxy, &get("/slow")).ack(Backend);
    talk.idle(SECOND).close(Backend);
    let report = document(&talk.frames, &["--backend-keepalive", "2s"]);
    assert_eq!(report["causes"]["closed_in_flight"], 1, "{}", report["causes"]);
}

#[test]
fn a_connection_closed_long_before_the_timer_was_not_lost_to_it() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/warm", 64).idle(SECOND * 2).data(Proxy, &get("/a")).ack(Backend);
    talk.close(Backend);
    for (timer, cause) in [("2s", "keepalive_race"), ("60s", "closed_in_flight")] {
        let report = document(&talk.frames, &["--backend-keepalive", timer]);
        assert_eq!(report["causes"][cause], 1, "{timer}: {}", report["causes"]);
    }
}

/// 4 % either way: 60 s and 62 s can come in either order, 60 s and 70 s cannot.
#[test]
fn timers_are_in_order_only_where_their_spreads_are_apart() {
    let of = |backend, proxy| {
        let timer = |seconds| Some(Timer::told(SECOND * seconds));
        Ordering::of(timer(backend), timer(proxy), true)
    };
    assert_eq!((of(60, 62), of(62, 60)), (Ordering::Tie, Ordering::Tie));
    assert_eq!((of(60, 70), of(70, 60)), (Ordering::Race, Ordering::Safe));
}

#[test]
fn timers_whose_spreads_meet_are_a_tie() {
    let talks: Vec<Talk> = (0..5_u16)
        .map(|index| {
            let mut talk = at(40_000 + index, SECOND * 7 * u32::from(index * index));
            talk.handshake().exchange("/a", 10).idle(SECOND * 5).close(Backend);
            talk
        })
        .collect();
    let frames = wire::together(&talks.iter().collect::<Vec<_>>());
    for (idle, ordering) in [("5100ms", "tie"), ("60s", "race"), ("2s", "safe")] {
        let report = document(&frames, &["--proxy-idle", idle]);
        assert_eq!(report["backends"][0]["ordering"], ordering, "{idle}");
    }
}

#[test]
fn closes_spread_over_a_factor_of_three_are_no_timer() {
    let talks: Vec<Talk> = (0..12_u16)
        .map(|index| {
            let mut talk = at(40_000 + index, SECOND * 13 * u32::from(index * index));
            talk.handshake()
                .exchange("/a", 10)
                .idle(millis(2_000 + 400 * u64::from(index)))
                .close(Backend);
            talk
        })
        .collect();
    assert_eq!(all(&talks).backends[0].backend_keepalive.unwrap().observed_ns, None);
}

#[test]
fn a_few_closes_apart_from_the_others_are_no_second_timer() {
    let talks: Vec<Talk> = (0..23_u16)
        .map(|index| {
            let mut talk = at(40_000 + index, SECOND * 70 * u32::from(index));
            let idle = if index < 20 { 5_000 } else { 60_000 };
            talk.handshake().exchange(&format!("/{index}"), 10).idle(millis(idle)).close(Backend);
            talk
        })
        .collect();
    let backend = &all(&talks).backends[0];
    assert!(backend.backend_keepalive.unwrap().observed_ns.is_some());
    assert!(backend.other_keepalives.is_empty(), "{:?}", backend.other_keepalives);
}

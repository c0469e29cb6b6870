//! What many connections show together: probes, restarts, outages, limits, the front leg.

use crate::scenarios::{analyze, read};
use crate::wire::{self, End, Frame, Talk, get, ok, post_head};
use End::{Backend, Proxy};
use std::time::Duration;
use why502::inside::exchange::{Prober, ServerKind};
use why502::inside::ledger::EventKind;
use why502::inside::report::Report;

pub const SECOND: Duration = Duration::from_secs(1);

pub fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A connection of its own, `at` after noon.
pub fn at(port: u16, at: Duration) -> Talk {
    let number = 1_000 * u32::from(port);
    Talk::new(number, number + 500).on_port(port).after(at)
}

pub fn all(talks: &[Talk]) -> Report {
    let frames: Vec<Frame> = wire::together(&talks.iter().collect::<Vec<_>>());
    analyze(&frames)
}

pub fn causes(report: &Report) -> Vec<(&'static str, u64)> {
    report.causes.iter().map(|(cause, count)| (cause.name(), count)).collect()
}

fn answer(status: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

fn probe(agent: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 10.0.0.1\r\nUser-Agent: {agent}\r\n\r\n").into_bytes()
}

/// One connection per probe, as AWS and HAProxy do.
fn probes(count: u16, agent: &str, period: impl Fn(u16) -> Duration, status: &str) -> Vec<Talk> {
    let one = |index: u16| {
        let mut talk = at(40_000 + index, period(index));
        talk.handshake().data(Proxy, &probe(agent, "/health")).ack(Backend);
        talk.data(Backend, &answer(status)).ack(Proxy).close(Proxy);
        talk
    };
    (0..count).map(one).collect()
}

#[test]
fn probes_known_by_their_user_agent_that_fail_are_one_record() {
    let uneven = |index: u16| SECOND * u32::from(index * index);
    for status in ["404 Not Found", "503 Unavailable"] {
        let report = all(&probes(4, "ELB-HealthChecker/2.0", uneven, status));
        assert_eq!(causes(&report), [("health_check_failing", 1)], "{status}");
        let failure = &report.failures[0];
        assert_eq!((failure.certainty.name(), failure.retry.name()), ("proven", "safe"));
        assert_eq!((&failure.detail["failed"], &failure.detail["of"]), (&4.into(), &4.into()));
        assert_eq!(failure.detail["path"], "/health");
        let health = report.backends[0].health.as_ref().unwrap();
        assert_eq!((health.failed, health.of, health.prober), (4, 4, Some(Prober::Elb)));
        assert_eq!(report.counters.exchanges_failed, 0, "no client's request failed");
    }
}

#[test]
fn probes_known_by_their_period_that_fail_are_one_record() {
    let report = all(&probes(8, "x", |index| millis(u64::from(index) * 503), "404 Not Found"));
    assert_eq!(causes(&report), [("health_check_failing", 1)]);
    assert_eq!(report.failures[0].certainty.name(), "likely");
    let period = report.backends[0].health.as_ref().unwrap().period_ns.unwrap();
    assert!(period.abs_diff(503_000_000) < 10_000_000, "{period}");
}

/// A busy host delays some of the first probes: that is no reason to take the rest for clients' requests.
#[test]
fn probes_are_known_though_some_of_the_first_were_late() {
    let late = |index: u16| [0, 20, 160, 165][usize::from(index).min(3)];
    let when = |index: u16| millis(u64::from(index) * 560 + late(index));
    assert_eq!(causes(&all(&probes(9, "x", when, "404 Not Found"))), [], "too few to tell");
    let report = all(&probes(17, "x", when, "404 Not Found"));
    assert_eq!(causes(&report), [("health_check_failing", 1)]);
    assert_eq!(report.failures[0].detail["of"], 17);
}

/// A load balancer probes from each of its nodes: one record all the same.
#[test]
fn the_same_probe_from_several_hosts_is_one_record() {
    let from = |host: u8| {
        (0..8_u16).map(move |index| {
            let number = 1_000 * u32::from(index) + u32::from(host);
            let mut talk = Talk::new(number, number + 500)
                .between(([10, 0, 0, host], 40_000 + index), ([10, 0, 0, 1], 8080))
                .after(SECOND * 2 * u32::from(index) + millis(90 * u64::from(host)));
            talk.handshake().data(Proxy, &probe("x", "/health")).ack(Backend);
            talk.data(Backend, &answer("404 Not Found")).ack(Proxy).close(Proxy);
            talk
        })
    };
    let report = all(&from(7).chain(from(9)).collect::<Vec<_>>());
    assert_eq!(causes(&report), [("health_check_failing", 1)]);
    assert_eq!(report.failures[0].detail["of"], 16);
}

#[test]
fn a_client_that_asks_for_what_is_not_there_is_no_failing_probe() {
    let uneven = |index: u16| millis(u64::from(index) * 503 + u64::from(index * index) * 70);
    assert_eq!(causes(&all(&probes(8, "x", uneven, "404 Not Found"))), []);
    // Steady, but made for a client.
    let steady = (0..8_u16).map(|index| {
        let mut talk = at(40_000 + index, SECOND * u32::from(index));
        let request = b"GET /poll HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.9.9.9\r\n\r\n";
        talk.handshake().data(Proxy, request).data(Backend, &answer("404 Not Found")).ack(Proxy);
        talk.close(Proxy);
        talk
    });
    assert_eq!(causes(&all(&steady.collect::<Vec<_>>())), []);
}

#[test]
fn probes_that_are_answered_as_they_should_be_are_told_and_accuse_nobody() {
    let report = all(&probes(8, "x", |index| SECOND * u32::from(index), "200 OK"));
    assert!(report.failures.is_empty());
    let health = report.backends[0].health.as_ref().unwrap();
    assert_eq!((health.failed, health.of), (0, 8));
}

/// Steady requests that name nobody, of which some fail.
fn steady(count: u16, failed: u16) -> Report {
    let one = |index: u16| {
        let mut talk = at(40_000 + index, SECOND * u32::from(index));
        let status = if index < failed { "503 Oops" } else { "200 OK" };
        talk.handshake().data(Proxy, &probe("x", "/health")).ack(Backend);
        talk.data(Backend, &answer(status)).ack(Proxy).close(Proxy);
        talk
    };
    all(&(0..count).map(one).collect::<Vec<_>>())
}

#[test]
fn a_few_failures_of_steady_requests_are_no_failing_health_check() {
    assert_eq!(causes(&steady(10, 2)), [("backend_error", 2)]);
    assert_eq!(causes(&steady(40, 4)), [("backend_error", 4)]);
    assert_eq!(causes(&steady(10, 4)), [("health_check_failing", 1)]);
}

/// A job that asks every two seconds and meets the backend's timer of two seconds each time: it is in a race,
/// and no health check. Who says that it checks health is believed.
#[test]
fn a_job_as_steady_as_a_probe_that_is_raced_is_no_failing_health_check() {
    let raced = |agent: &'static str| {
        let one = |index: u16| {
            let mut talk = at(40_000 + index, SECOND * 4 * u32::from(index));
            let asked = probe(agent, "/job");
            talk.handshake().data(Proxy, &asked).data(Backend, &answer("200 OK")).ack(Proxy);
            talk.idle(SECOND * 2).fin_unheard(Backend).data(Proxy, &asked).rst_in_reply(Backend);
            talk
        };
        all(&(0..8).map(one).collect::<Vec<_>>())
    };
    assert_eq!(causes(&raced("job/1.0")), [("keepalive_race", 8)]);
    assert_eq!(causes(&raced("ELB-HealthChecker/2.0")), [("health_check_failing", 1)]);
}

#[test]
fn most_of_the_probes_answers_decide_the_advice() {
    let one = |index: u16| {
        let mut talk = at(40_000 + index, SECOND * u32::from(index));
        let status = if index == 0 { "500 Oops" } else { "404 Not Found" };
        talk.handshake().data(Proxy, &probe("ELB-HealthChecker/2.0", "/health"));
        talk.data(Backend, &answer(status)).ack(Proxy).close(Proxy);
        talk
    };
    let report = all(&(0..8).map(one).collect::<Vec<_>>());
    assert!(report.failures[0].fix.contains("a path that exists"), "{}", report.failures[0].fix);
}

#[test]
fn refused_connects_at_a_constant_period_are_one_failing_probe() {
    let connect = |index: u16, when: Duration| {
        let mut talk = at(40_000 + index, when);
        talk.syn().refuse();
        talk
    };
    let steady = |index: u16| connect(index, SECOND * 2 * u32::from(index));
    let report = all(&(0..10).map(steady).collect::<Vec<_>>());
    assert_eq!(causes(&report), [("health_check_failing", 1)]);
    let summary = &report.failures[0].summary;
    assert!(
        summary.contains("10 of 10") && summary.contains("10 × connection refused"),
        "{summary}"
    );
    let uneven = |index: u16| connect(index, SECOND * u32::from(index * index));
    let report = all(&(0..10).map(uneven).collect::<Vec<_>>());
    assert_eq!(causes(&report), [("connection_refused", 10)]);
    // A proxy tries each of its clients' requests four times, a second apart.
    let tries =
        |index: u16| connect(index, millis(u64::from(index) * 1_000 - u64::from(index / 4) * 700));
    for count in [9, 12, 16, 20] {
        let report = all(&(0..count).map(tries).collect::<Vec<_>>());
        assert_eq!(causes(&report), [("connection_refused", u64::from(count))]);
    }
    // A client that asks in turn is steady to a hundredth, no probe to less than that.
    let asking = |index: u16| {
        let jitter = [0, 7, 3, 11, 1, 9, 5, 2, 8, 4][usize::from(index) % 10];
        connect(index, millis(500 * u64::from(index) + jitter))
    };
    for count in [10, 20] {
        let report = all(&(0..count).map(asking).collect::<Vec<_>>());
        assert_eq!(causes(&report), [("connection_refused", u64::from(count))]);
    }
}

/// The port is wrong, and the right one is in the capture.
#[test]
fn another_port_of_the_host_that_answers_is_named() {
    let mut talks: Vec<Talk> = (0..10_u16)
        .map(|index| {
            let mut talk = at(40_000 + index, SECOND * 2 * u32::from(index))
                .between(([10, 0, 0, 9], 40_000 + index), ([10, 0, 0, 1], 9_000));
            talk.syn().refuse();
            talk
        })
        .collect();
    let mut good = at(50_000, SECOND);
    good.handshake().exchange("/a", 10).close(Proxy);
    talks.push(good);
    let report = all(&talks);
    let failure = &report.failures[0];
    assert_eq!(
        (failure.cause.name(), failure.backend.unwrap().to_string()),
        ("health_check_failing", "10.0.0.1:9000".to_owned())
    );
    assert!(failure.fix.contains("port 8080 of the same host answers"), "{}", failure.fix);
}

#[test]
fn another_port_is_not_named_where_this_one_answers() {
    let one = |index: u16| {
        let mut talk = at(40_000 + index, SECOND * u32::from(index))
            .between(([10, 0, 0, 9], 40_000 + index), ([10, 0, 0, 1], 9_000));
        talk.handshake().data(Proxy, &probe("ELB-HealthChecker/2.0", "/health"));
        talk.data(Backend, &answer("404 Not Found")).ack(Proxy).close(Proxy);
        talk
    };
    let mut talks: Vec<Talk> = (0..8).map(one).collect();
    let mut good = at(50_000, SECOND);
    good.handshake().exchange("/a", 10).close(Proxy);
    talks.push(good);
    let report = all(&talks);
    assert_eq!(causes(&report), [("health_check_failing", 1)]);
    assert!(
        !report.failures[0].fix.contains("of the same host answers"),
        "{}",
        report.failures[0].fix
    );
}

/// Giving up puts nothing on the wire: it lies between the last SYN and the next one that was due.
#[test]
fn a_connect_timeout_is_told_as_a_range_with_the_schedule_of_syns() {
    let talks = (0..3_u16).map(|index| {
        let mut talk = at(40_000 + index, SECOND * 20 * u32::from(index * index + 1));
        talk.syn().idle(SECOND).syn_again().idle(SECOND * 2).syn_again();
        talk
    });
    let backend = &all(&talks.collect::<Vec<_>>()).backends[0];
    let connect = backend.proxies[0].proxy_connect.unwrap();
    let seconds = |nanos: Option<u64>| (nanos.unwrap() + 500_000_000) / 1_000_000_000;
    assert_eq!((connect.samples, seconds(connect.low_ns), seconds(connect.high_ns)), (3, 3, 7));
    let schedule = &backend.proxies[0].syn_schedule_ns;
    assert_eq!((schedule.len(), seconds(schedule.get(&3).copied())), (1, 3));
}

/// Two servers behind one address, each with a timer of its own.
#[test]
fn several_timers_of_one_backend_are_told_apart() {
    let talks = (0..10_u16).map(|index| {
        // At no constant period, which would make them probes.
        let mut talk = at(40_000 + index, SECOND * 7 * u32::from(index * index));
        let idle = if index % 2 == 0 { SECOND * 2 } else { SECOND * 5 };
        talk.handshake().exchange("/a", 10).idle(idle).close(Backend);
        talk
    });
    let backend = &all(&talks.collect::<Vec<_>>()).backends[0];
    let seconds = |nanos: Option<u64>| (nanos.unwrap() + 50_000_000) / 1_000_000_000;
    assert_eq!(backend.backend_keepalive.unwrap().observed_ns, None);
    let mut found: Vec<u64> =
        backend.other_keepalives.iter().map(|timer| seconds(timer.observed_ns)).collect();
    found.sort_unstable();
    assert_eq!(found, [2, 5]);
}

/// The closes of probes' connections, right after each answer, would hide the timer.
#[test]
fn probes_say_nothing_of_keep_alive() {
    let mut talks = probes(20, "x", |index| SECOND * u32::from(index), "200 OK");
    for index in 0..4 {
        let mut talk = at(50_000 + index, millis(700 * u64::from(index)));
        talk.handshake().exchange("/a", 10).idle(SECOND * 5).close(Backend);
        talks.push(talk);
    }
    let backend = &all(&talks).backends[0];
    let timer = backend.backend_keepalive.unwrap();
    assert!(timer.observed_ns.unwrap().abs_diff(5_000_000_000) < 10_000_000, "{timer:?}");
    assert_eq!(backend.idle.gaps.closed_by_proxy.count, 0);
}

/// Four keep-alive connections that end together, two of them with a request outstanding; then refused
/// connects, then a new connection.
fn restart(refused: u16, recovers: bool) -> Vec<Talk> {
    stop(2, refused, recovers.then_some(SECOND * 20), Duration::ZERO)
}

/// The same, `from` after noon: with so many requests outstanding, and a new connection `later` than that.
fn stop(cut: u16, refused: u16, later: Option<Duration>, from: Duration) -> Vec<Talk> {
    let mut talks = Vec::new();
    for index in 0..4 {
        let mut talk = at(40_000 + index, from + millis(10 * u64::from(index)));
        // Idle for different times: no timer.
        talk.handshake().exchange("/a", 10).idle(SECOND).idle(millis(300 * u64::from(index)));
        talk.exchange("/b", 10).idle(millis(5_000 - 310 * u64::from(index)));
        if index < cut {
            talk.data(Proxy, &get("/cut")).ack(Backend);
        }
        talk.close(Backend);
        talks.push(talk);
    }
    for index in 0..refused {
        let mut talk = at(41_000 + index, from + millis(6_100 + 190 * u64::from(index * index)));
        talk.syn().refuse();
        talks.push(talk);
    }
    if let Some(later) = later {
        let mut talk = at(42_000, from + later);
        talk.handshake().exchange("/again", 10).close(Proxy);
        talks.push(talk);
    }
    talks
}

#[test]
fn a_restart_is_one_event_with_the_failures_that_belong_to_it() {
    let report = all(&restart(4, true));
    assert_eq!(causes(&report), [("closed_in_flight", 2), ("connection_refused", 4)]);
    assert_eq!(report.events.len(), 1, "{:?}", report.events);
    let event = &report.events[0];
    assert_eq!((event.kind, event.failures), (EventKind::Restart, 6));
    assert!(report.failures.iter().all(|one| one.event.as_deref() == Some(event.id.as_str())));
    for words in [
        "all of its 4 connections",
        "4 connection attempts were refused",
        "first new connection came",
    ] {
        assert!(event.summary.contains(words), "{words}: {}", event.summary);
    }
}

#[test]
fn what_does_not_come_back_is_an_outage() {
    let report = all(&restart(4, false));
    assert_eq!(report.events.len(), 1);
    assert_eq!((report.events[0].kind, report.events[0].failures), (EventKind::Outage, 6));
}

#[test]
fn one_failure_alone_is_no_event() {
    assert!(all(&stop(1, 0, Some(SECOND * 20), SECOND)).events.is_empty());
    assert_eq!(all(&stop(2, 0, Some(SECOND * 20), SECOND)).events.len(), 1);
}

#[test]
fn who_stays_away_for_minutes_was_not_restarted() {
    assert_eq!(all(&stop(2, 4, Some(SECOND * 300), SECOND)).events[0].kind, EventKind::Outage);
    assert_eq!(all(&stop(2, 4, Some(SECOND * 60), SECOND)).events[0].kind, EventKind::Restart);
}

#[test]
fn a_connection_that_survives_shows_that_nothing_was_restarted() {
    let mut talks = stop(2, 0, Some(SECOND * 20), SECOND);
    let mut survivor = at(44_000, SECOND);
    survivor.handshake().exchange("/s", 10).idle(SECOND * 30).exchange("/t", 10).close(Proxy);
    talks.push(survivor);
    assert!(all(&talks).events.is_empty());
}

#[test]
fn slowness_long_before_a_restart_is_another_story() {
    let mut talks = stop(2, 4, Some(SECOND * 20), SECOND * 200);
    let mut slow = at(43_000, SECOND);
    slow.handshake().data(Proxy, &get("/slow")).ack(Backend).idle(SECOND * 3).close(Proxy);
    talks.push(slow);
    let report = all(&talks);
    assert_eq!((report.events.len(), report.events[0].failures), (1, 6));
}

#[test]
fn two_refused_connects_are_no_outage() {
    let refused = |count: u16| {
        let one = |index: u16| {
            let after = 900 * u64::from(index) + 70 * u64::from(index * index);
            let mut talk = at(41_000 + index, millis(after));
            talk.syn().refuse();
            talk
        };
        all(&(0..count).map(one).collect::<Vec<_>>()).events.len()
    };
    assert_eq!((refused(2), refused(4)), (0, 1));
}

#[test]
fn most_of_an_outages_failures_decide_its_advice() {
    let mut talks = stop(2, 6, None, SECOND);
    talks.truncate(10);
    let report = all(&talks);
    assert_eq!(report.events[0].kind, EventKind::Outage);
    assert!(report.events[0].fix.contains("start the server"), "{}", report.events[0].fix);
}

#[test]
fn slowness_before_a_restart_belongs_to_its_story() {
    let mut talks = restart(4, true);
    let mut slow = at(43_000, SECOND);
    slow.handshake().data(Proxy, &get("/slow")).ack(Backend).idle(SECOND * 3).close(Proxy);
    talks.push(slow);
    let report = all(&talks);
    assert_eq!(report.events.len(), 1);
    assert_eq!(report.events[0].failures, 7);
    assert!(report.events[0].summary.contains("1 request timed out"), "{:?}", report.events);
}

#[test]
fn a_backend_that_nobody_reaches_is_one_outage() {
    let talks = (0..5_u16).map(|index| {
        let mut talk = at(40_000 + index, millis(300 * u64::from(index * index)));
        talk.syn().refuse();
        talk
    });
    let report = all(&talks.collect::<Vec<_>>());
    assert_eq!(report.events.len(), 1);
    assert_eq!((report.events[0].kind, report.events[0].failures), (EventKind::Outage, 5));
}

/// A keep-alive timer that ends several idle connections together, and races with requests on some.
#[test]
fn connections_that_a_timer_ends_together_are_no_event() {
    let talks = (0..6_u16).map(|index| {
        let mut talk = at(40_000 + index, millis(10 * u64::from(index)));
        talk.handshake().exchange("/a", 10).idle(SECOND * 5);
        if index < 3 {
            talk.fin_unheard(Backend).data(Proxy, &get("/raced"));
            talk.rst_in_reply(Backend).arrives(Proxy).fin(Proxy);
        } else {
            talk.close(Backend);
        }
        talk
    });
    let report = all(&talks.collect::<Vec<_>>());
    assert_eq!(causes(&report), [("keepalive_race", 3)]);
    assert!(report.events.is_empty(), "{:?}", report.events);
}

/// Connections that come and go under load, some of them cut.
#[test]
fn a_coming_and_going_is_no_event() {
    let talks = (0..12_u16).map(|index| {
        let mut talk =
            at(40_000 + index, millis(150 * u64::from(index) + 9 * u64::from(index * index)));
        talk.handshake().exchange("/a", 10).idle(millis(40 * u64::from(index % 5)));
        talk.data(Proxy, &get("/cut")).ack(Backend).close(Backend);
        talk
    });
    let report = all(&talks.collect::<Vec<_>>());
    assert_eq!(causes(&report), [("closed_in_flight", 12)]);
    assert!(report.events.is_empty(), "{:?}", report.events);
}

/// The backend closes after three requests, with the fourth on its way.
#[test]
fn a_limit_on_requests_is_told_and_named_in_the_advice() {
    let talks = (0..4_u16).map(|index| {
        let mut talk = at(40_000 + index, SECOND * u32::from(index * index));
        let pause = millis(130 * u64::from(index));
        talk.handshake().exchange("/1", 10).exchange("/2", 10).idle(pause).exchange("/3", 10);
        talk.idle(pause).fin_unheard(Backend).data(Proxy, &get("/4")).rst_in_reply(Backend);
        talk.arrives(Proxy).fin(Proxy);
        talk
    });
    let report = all(&talks.collect::<Vec<_>>());
    assert_eq!(causes(&report), [("keepalive_race", 4)]);
    let limit = report.backends[0].request_limit.unwrap();
    assert_eq!((limit.observed, limit.samples, limit.announced), (3, 4, 0));
    assert!(report.failures[0].fix.contains("after 3 requests"), "{}", report.failures[0].fix);
}

/// The client closes on the front leg, and the proxy on the backend leg after it.
fn left(target: &str, front_closes: Duration) -> Report {
    let mut front = Talk::new(3, 4).between(([10, 0, 0, 77], 50_000), ([10, 0, 0, 9], 80));
    front.handshake().data(Proxy, &get("/report")).ack(Backend).idle(front_closes).close(Proxy);
    let mut back = Talk::new(1, 2).after(millis(2));
    back.handshake().data(Proxy, &get(target)).ack(Backend).idle(SECOND * 2).close(Proxy);
    analyze(&wire::together(&[&front, &back]))
}

#[test]
fn a_client_that_left_is_proven_by_the_front_leg() {
    let report = left("/report", millis(1_990));
    assert_eq!(causes(&report), [("client_gone", 1)]);
    let failure = &report.failures[0];
    assert_eq!(
        (failure.backend.unwrap().to_string(), failure.certainty.name()),
        ("10.0.0.1:8080".to_owned(), "proven")
    );
    assert_eq!(failure.detail["client"], "10.0.0.77:50000");
    assert!(failure.frames.iter().any(|frame| frame.note.contains("the client leaves")));
}

#[test]
fn another_request_or_a_client_that_left_later_proves_nothing() {
    assert_eq!(causes(&left("/other", millis(1_990))), [("response_timeout", 1)]);
    assert_eq!(causes(&left("/report", millis(2_100))), [("response_timeout", 1)]);
    assert_eq!(causes(&left("/report", millis(200))), [("response_timeout", 1)]);
}

/// What the proxy asked before its client did was asked for somebody else.
#[test]
fn a_client_whose_request_came_after_the_one_that_failed_is_not_blamed() {
    let mut back = Talk::new(1, 2);
    back.handshake().data(Proxy, &get("/report")).ack(Backend).idle(SECOND * 2).close(Proxy);
    let front = |port, after| {
        Talk::new(3, 4).between(([10, 0, 0, 77], port), ([10, 0, 0, 9], 80)).after(after)
    };
    let mut late = front(50_000, millis(500));
    late.handshake().data(Proxy, &get("/report")).ack(Backend).idle(SECOND).close(Proxy);
    let mut passed_on = front(50_001, SECOND * 10);
    passed_on.handshake().data(Proxy, &get("/a")).ack(Backend).idle(SECOND);
    passed_on.data(Backend, &ok(10)).ack(Proxy).close(Proxy);
    let mut asked = Talk::new(5, 6)
        .between(([10, 0, 0, 9], 42_000), ([10, 0, 0, 1], 8080))
        .after(millis(10_500));
    asked.handshake().exchange("/a", 10).close(Proxy);
    let report = analyze(&wire::together(&[&late, &back, &passed_on, &asked]));
    assert_eq!(causes(&report), [("response_timeout", 1)]);
}

/// As `-i any` captures it on the host with these addresses.
fn cooked(frames: &[Frame], own: &[[u8; 4]]) -> Vec<u8> {
    let relinked = |frame: &Frame| {
        let kind = if own.iter().any(|addr| frame.bytes[26..30] == *addr) { 4 } else { 0 };
        let header = [&[0, kind, 0, 1, 0, 6][..], &[2; 8], &[8, 0]].concat();
        Frame { at: frame.at, bytes: [&header, &frame.bytes[14..]].concat() }
    };
    let mut file = wire::pcap(&frames.iter().map(relinked).collect::<Vec<_>>());
    file[20] = 113;
    file
}

/// A proxy stands in two networks, with an address in each. Where the capture tells what came to its
/// host and what left it, the front leg is known all the same.
#[test]
fn a_client_that_left_is_proven_at_a_proxy_with_two_addresses() {
    let (outer, inner) = ([192, 0, 2, 8], [10, 0, 0, 9]);
    let mut front = Talk::new(3, 4).between(([192, 0, 2, 77], 50_000), (outer, 80));
    front.handshake().data(Proxy, &get("/report")).ack(Backend).idle(SECOND).close(Proxy);
    let mut back = Talk::new(1, 2).after(millis(2));
    back.handshake().data(Proxy, &get("/report")).ack(Backend).idle(SECOND).close(Proxy);
    let frames = wire::together(&[&front, &back]);
    let report = read(cooked(&frames, &[outer, inner])).unwrap();
    assert_eq!(causes(&report), [("client_gone", 1)]);
    let failure = &report.failures[0];
    assert_eq!(
        (failure.certainty.name(), failure.backend.unwrap().to_string()),
        ("proven", "10.0.0.1:8080".to_owned())
    );
    assert_eq!(failure.detail["client"], "192.0.2.77:50000");
    // Both legs come to one host: a proxy of another host stands between them.
    let elsewhere = read(cooked(&frames, &[outer, [10, 0, 0, 1]])).unwrap();
    assert!(!causes(&elsewhere).iter().any(|(cause, _)| *cause == "client_gone"));
}

/// The advice names the software that headers give away, and says that it is a guess.
#[test]
fn the_advice_is_in_the_language_of_the_server_at_hand() {
    let mut talk = Talk::new(1, 2);
    talk.handshake().data(Proxy, &get("/a")).ack(Backend);
    talk.data(Backend, b"HTTP/1.1 200 OK\r\nServer: gunicorn\r\nContent-Length: 2\r\n\r\nok");
    talk.ack(Proxy).idle(SECOND * 2).fin_unheard(Backend).data(Proxy, &post_head("/raced", 0));
    talk.rst_in_reply(Backend).arrives(Proxy).fin(Proxy);
    let report = analyze(&talk.frames);
    let fix = &report.failures[0].fix;
    assert!(
        fix.contains("gunicorn --keep-alive")
            && fix.contains("is probably gunicorn, by its headers"),
        "{fix}"
    );
    assert_eq!(report.backends[0].server, Some(ServerKind::Gunicorn));
    let mut plain = Talk::new(1, 2);
    plain.handshake().data(Proxy, &get("/a")).data(Backend, &ok(2)).ack(Proxy).idle(SECOND * 2);
    plain.fin_unheard(Backend).data(Proxy, &get("/raced")).rst_in_reply(Backend);
    plain.arrives(Proxy).fin(Proxy);
    let report = analyze(&plain.frames);
    assert!(report.failures[0].fix.contains("in Node behind"), "{}", report.failures[0].fix);
}

/// What says 502 is a proxy; its backend leg may be a Unix socket, which no capture shows.
#[test]
fn a_proxy_without_a_backend_leg_is_told() {
    let noted = |report: &Report| {
        let mut notes = report.notes.iter();
        notes.find(|note| note.code == "unix_socket_possible").map(|note| note.text.clone())
    };
    let play = |status: &str| {
        let mut talk = Talk::new(1, 2);
        talk.handshake().data(Proxy, &get("/a")).data(Backend, &answer(status)).ack(Proxy);
        talk.close(Proxy);
        talk
    };
    let text = noted(&all(&[play("502 Bad Gateway")])).unwrap();
    assert!(text.starts_with("10.0.0.1:8080 answers 502"), "{text}");
    assert_eq!(noted(&all(&[play("500 Oops")])), None);
    // Its backend leg is there.
    let mut back = Talk::new(3, 4).between(([10, 0, 0, 1], 50_000), ([10, 0, 0, 2], 3_000));
    back.handshake().exchange("/a", 10).close(Proxy);
    assert_eq!(noted(&all(&[play("502 Bad Gateway"), back])), None);
}

/// It refuses, answers, refuses, answers: one of two behind an address is down, or its queue is full.
#[test]
fn a_backend_that_answers_every_second_connect_was_not_out_of_service() {
    let flapping = |between: bool| {
        let mut talks = Vec::new();
        for index in 0..4_u16 {
            let when = millis(900 * u64::from(index) + 70 * u64::from(index * index));
            let mut refused = at(41_000 + index, when);
            refused.syn().refuse();
            talks.push(refused);
            if between {
                let mut fine = at(42_000 + index, when + millis(450));
                fine.handshake().exchange("/a", 10).close(Proxy);
                talks.push(fine);
            }
        }
        all(&talks)
    };
    assert_eq!(flapping(true).events.len(), 0);
    assert_eq!(causes(&flapping(true)), [("connection_refused", 4)]);
    assert_eq!(flapping(false).events.len(), 1);
}

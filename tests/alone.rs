//! What a log alone can prove, held against simulated logs: a proxy's pool of connections, a backend's keep-alive timer
//! of five seconds, and faults that have no timer.
//!
//! Rows in which the method decides: the timer is found in at least 95 of 100 logs, and another one, or one where there
//! is none, is named in at most 1 of 100.

use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};
use why502::inside::alone::{LogFinding, LogFindingKind, LoggedEvent, LoggedRequests, findings};
use why502::inside::base::time::Timestamp;
use why502::inside::logs::{Attempt, Entry, Says};

/// Numbers that are the same in every run: splitmix64.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bf0_3635)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Times between events of such a rate.
    pub fn exponential(&mut self, rate: f64) -> f64 {
        -(1.0 - self.unit()).ln() / rate
    }

    pub fn normal(&mut self, deviation: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos() * deviation
    }
}

/// Who asks, and when.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Traffic {
    Poisson,
    /// On for 2 s with ten times the rate, off for 18 s.
    Bursts,
    /// Clients that poll every 5 s.
    Polling,
    /// Poisson, and a job every 5 s.
    Cron,
}

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Fault {
    /// The backend's timer of 5 s, and so much more at random.
    Race { jitter: f64 },
    /// Any request, at random.
    Crash(f64),
    /// Only the job.
    JobCrash,
    /// The backend's own limit of 2 s.
    Abort,
}

/// Which idle connection a proxy takes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Pool {
    LastIn,
    FirstIn,
    Any,
}

/// A simulated log.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Simulation {
    pub traffic: Traffic,
    pub rate: f64,
    pub fault: Fault,
    pub pool: Pool,
    pub failures: usize,
    pub whole_seconds: bool,
}

/// One line.
#[derive(Clone, Copy)]
pub struct Line {
    sent: f64,
    took: f64,
    path: &'static str,
    lost: bool,
}

const MOST: usize = 60_000;
const TIMER: f64 = 5.0;
/// So long a close and a request may cross.
const CROSSING: f64 = 0.02;

fn asked(chance: &mut Chance, traffic: Traffic, rate: f64) -> Vec<(f64, &'static str)> {
    let until = MOST as f64 / rate;
    let mut asked = Vec::new();
    let mut now = 0.0;
    match traffic {
        Traffic::Poisson | Traffic::Cron => {
            while now < until {
                now += chance.exponential(rate);
                asked.push((now, "/a"));
            }
        }
        Traffic::Bursts => {
            while now < until {
                let end = now + chance.exponential(0.5);
                while now < end {
                    now += chance.exponential(10.0 * rate);
                    asked.push((now, "/a"));
                }
                now += chance.exponential(1.0 / 18.0);
            }
        }
        Traffic::Polling => {
            for _ in 0..((rate * 5.0).round() as usize).max(1) {
                now = chance.unit() * 5.0;
                while now < until {
                    asked.push(((now + chance.normal(0.004)).max(0.0), "/poll"));
                    now += 5.0;
                }
            }
        }
    }
    if traffic == Traffic::Cron {
        let jobs = (until / 5.0) as usize;
        asked.extend((1..jobs).map(|job| (job as f64 * 5.0 + chance.normal(0.004), "/job")));
    }
    asked.sort_by(|one, other| one.0.total_cmp(&other.0));
    asked
}

impl Simulation {
    /// The lines, up to the last failure that is wanted; fewer failures than that are no log.
    pub fn lines(&self, seed: u64) -> Option<Vec<Line>> {
        let mut chance = Chance::new(seed);
        let mut idle: VecDeque<f64> = VecDeque::new();
        // Times are ordered as bits: none is below zero.
        let mut busy: BinaryHeap<std::cmp::Reverse<u64>> = BinaryHeap::new();
        let mut lines = Vec::new();
        let mut failed = 0;
        for (sent, path) in asked(&mut chance, self.traffic, self.rate).into_iter().take(MOST) {
            while let Some(end) =
                busy.peek().map(|end| f64::from_bits(end.0)).filter(|end| *end <= sent)
            {
                busy.pop();
                idle.push_back(end);
            }
            let mut lost = false;
            while !idle.is_empty() {
                let since = match self.pool {
                    Pool::LastIn => idle.pop_back(),
                    Pool::FirstIn => idle.pop_front(),
                    Pool::Any => idle.remove((chance.unit() * idle.len() as f64) as usize),
                };
                let since = since.unwrap_or_default();
                if let Fault::Race { jitter } = self.fault {
                    let close = since + TIMER + chance.unit() * jitter;
                    if sent > close + CROSSING / 2.0 {
                        continue;
                    }
                    lost = sent > close - CROSSING / 2.0;
                } else if sent - since > 60.0 {
                    continue;
                }
                break;
            }
            let mut took = (0.02_f64.ln() + chance.normal(0.6)).exp();
            match self.fault {
                Fault::Race { .. } => took = if lost { 0.004 } else { took },
                Fault::Crash(share) => {
                    lost = chance.unit() < share;
                    took = if lost && chance.unit() < 0.5 { 0.004 } else { took };
                }
                Fault::JobCrash => {
                    lost = path == "/job" && chance.unit() < 0.05;
                    took = if lost { 0.004 } else { took };
                }
                Fault::Abort => {
                    lost = chance.unit() < 0.003;
                    took = if lost { 2.0 + chance.normal(0.003) } else { took };
                }
            }
            if !lost {
                busy.push(std::cmp::Reverse((sent + took).to_bits()));
            }
            failed += usize::from(lost);
            lines.push(Line { sent, took, path, lost });
            if failed >= self.failures {
                return Some(lines);
            }
        }
        None
    }

    /// What the log of these lines shows.
    pub fn found(&self, lines: &[Line]) -> Vec<LogFinding> {
        findings(requests(lines, self.whole_seconds), None)
    }
}

/// 2026-11-27.
const MIDNIGHT: u64 = 1_795_737_600_000_000_000;

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_nanos(MIDNIGHT + (seconds.max(0.0) * 1e9) as u64)
}

fn requests(lines: &[Line], whole_seconds: bool) -> LoggedRequests {
    let mut requests = LoggedRequests::default();
    requests.open("access.log", 0);
    for (number, line) in (1..).zip(lines) {
        requests.push(&entry(line, whole_seconds, "10.0.1.17:3000"), number);
    }
    requests
}

fn entry(line: &Line, whole_seconds: bool, backend: &str) -> Entry<'static> {
    let unit = if whole_seconds { 1.0 } else { 0.001 };
    let ended = ((line.sent + line.took) / unit).floor() * unit;
    // A time of the end, and how long it took: the begin is reckoned.
    let sent = at(ended - (line.took * 1e3).floor() / 1e3);
    let attempt = Attempt { backend: backend.parse().ok(), sent: Some(sent), ..Attempt::default() };
    Entry {
        begun: Some(sent),
        ended: Some(at(ended)),
        resolution: Duration::from_secs_f64(unit),
        method: b"GET".as_slice().into(),
        target: line.path.as_bytes().into(),
        status: Some(if line.lost { 502 } else { 200 }),
        says: line.lost.then_some(Says::Cut),
        attempts: vec![attempt],
        ..Entry::default()
    }
}

/// The timer that was named, in seconds.
fn timer(found: &[LogFinding]) -> Option<f64> {
    found.iter().find_map(|one| match one.kind {
        LogFindingKind::KeepaliveTimer(timer) => Some(timer.after.as_secs_f64()),
        _ => None,
    })
}

const RACE: Simulation = Simulation {
    traffic: Traffic::Poisson,
    rate: 0.1,
    fault: Fault::Race { jitter: 0.0 },
    pool: Pool::LastIn,
    failures: 15,
    whole_seconds: false,
};

/// Logs with a timer in which it is found.
fn rows_with_a_timer() -> Vec<(String, Simulation, f64)> {
    let mut rows = Vec::new();
    for pool in [Pool::LastIn, Pool::FirstIn] {
        for (rate, failures) in [(0.1, 5), (0.1, 15), (0.5, 5), (0.5, 15)] {
            let one = Simulation { pool, rate, failures, ..RACE };
            rows.push((format!("race, {pool:?}, {rate}/s, {failures}"), one, TIMER));
        }
    }
    let named = [
        ("race, last in, 2/s, 5", Simulation { rate: 2.0, failures: 5, ..RACE }, TIMER),
        ("race, any, 2/s", Simulation { pool: Pool::Any, rate: 2.0, failures: 8, ..RACE }, TIMER),
        (
            "race, looks once a second, 0.1/s",
            Simulation { fault: Fault::Race { jitter: 1.0 }, ..RACE },
            5.5,
        ),
        (
            "race, looks once a second, 0.5/s",
            Simulation { rate: 0.5, fault: Fault::Race { jitter: 1.0 }, ..RACE },
            5.5,
        ),
        ("race, whole seconds, 0.1/s", Simulation { whole_seconds: true, ..RACE }, TIMER),
        (
            "race, whole seconds, 0.5/s",
            Simulation { rate: 0.5, whole_seconds: true, ..RACE },
            TIMER,
        ),
        ("race, bursts, 0.1/s", Simulation { traffic: Traffic::Bursts, ..RACE }, TIMER),
    ];
    rows.extend(named.map(|(name, one, timer)| (name.to_owned(), one, timer)));
    rows
}

/// Logs without one.
fn rows_without_a_timer() -> Vec<(String, Simulation)> {
    let crash = Simulation { fault: Fault::Crash(0.01), ..RACE };
    let mut rows = Vec::new();
    for traffic in [Traffic::Poisson, Traffic::Bursts, Traffic::Polling, Traffic::Cron] {
        for rate in [0.2, 1.0, 2.0, 10.0] {
            rows.push((
                format!("crash, {traffic:?}, {rate}/s"),
                Simulation { traffic, rate, ..crash },
            ));
        }
    }
    for (traffic, rate) in
        [(Traffic::Poisson, 2.0), (Traffic::Poisson, 12.0), (Traffic::Polling, 4.0)]
    {
        let one = Simulation { traffic, rate, failures: 200, ..crash };
        rows.push((format!("200 crashes, {traffic:?}, {rate}/s"), one));
    }
    for rate in [0.1, 0.2, 2.0] {
        let one = Simulation { traffic: Traffic::Cron, rate, fault: Fault::JobCrash, ..RACE };
        rows.push((format!("the job crashes, {rate}/s"), one));
    }
    for (traffic, rate) in [(Traffic::Poisson, 1.0), (Traffic::Polling, 0.2), (Traffic::Cron, 0.2)]
    {
        let one = Simulation { traffic, rate, whole_seconds: true, ..crash };
        rows.push((format!("crash, {traffic:?}, {rate}/s, whole seconds"), one));
    }
    rows.push((
        "abort after 2 s".to_owned(),
        Simulation { rate: 2.0, fault: Fault::Abort, ..RACE },
    ));
    rows
}

/// Runs, those in which the right timer was named, and those in which another one was.
#[derive(Clone, Copy, Default, Debug)]
struct Score {
    runs: u64,
    right: u64,
    wrong: u64,
}

fn score(simulation: &Simulation, right: Option<f64>, seeds: std::ops::Range<u64>) -> Score {
    let mut score = Score::default();
    for seed in seeds {
        let Some(lines) = simulation.lines(seed) else { continue };
        score.runs += 1;
        let named = timer(&simulation.found(&lines));
        match (named, right) {
            (Some(named), Some(right)) if (named - right).abs() <= 0.06 * right => score.right += 1,
            (Some(_), _) => score.wrong += 1,
            (None, _) => {}
        }
    }
    score
}

fn hold(seeds: u64) {
    let (mut logs, mut named, mut found, mut with_one) = (0, 0, 0, 0);
    for (name, simulation, right) in rows_with_a_timer() {
        let begin = Instant::now();
        let Score { runs, right, wrong } = score(&simulation, Some(right), 0..seeds);
        println!(
            "{name:40} {runs:4} logs: right {right:4}, wrong {wrong:3}  {:.2?}",
            begin.elapsed()
        );
        logs += runs;
        named += wrong;
        with_one += runs;
        found += right;
    }
    for (name, simulation) in rows_without_a_timer() {
        let begin = Instant::now();
        let Score { runs, wrong, .. } = score(&simulation, None, 0..seeds);
        println!("{name:40} {runs:4} logs:             wrong {wrong:3}  {:.2?}", begin.elapsed());
        logs += runs;
        named += wrong;
    }
    println!("found {found} of {with_one}, invented {named} of {logs}");
    assert!(found * 100 >= with_one * 95, "found {found} of {with_one}");
    assert!(named * 100 <= logs, "invented {named} of {logs}");
}

#[test]
fn the_timer_is_found_in_simulated_logs_and_none_is_invented() {
    hold(8);
}

/// Some minutes: `cargo test --release --test all -- --ignored --nocapture many_simulated_logs`.
#[test]
#[ignore = "takes minutes"]
fn many_simulated_logs_give_the_numbers_of_the_documentation() {
    hold(100);
}

const A: &str = "10.0.1.17:3000";
const B: &str = "10.0.2.23:3000";

/// A log of two backends, made by hand: each answers a request every `every` seconds for ten minutes.
struct Written {
    lines: Vec<(f64, Entry<'static>)>,
}

impl Written {
    fn new(every: f64) -> Self {
        let mut written = Self { lines: Vec::new() };
        for number in 0..(600.0 / every) as u32 {
            for (backend, later) in [(A, 0.0), (B, 0.37)] {
                let sent = f64::from(number) * every + later;
                // Neither too regular nor at random.
                let sent = sent + f64::from(number * 7919 % 101) / 101.0 * every;
                written.line(backend, sent, 0.02, None);
            }
        }
        written
    }

    fn line(&mut self, backend: &str, sent: f64, took: f64, says: Option<Says>) {
        let line = Line { sent, took, path: "/a", lost: says.is_some() };
        let entry = Entry { says, ..entry(&line, false, backend) };
        self.lines.push((sent, entry));
    }

    /// Nothing is answered in that time.
    fn silent(&mut self, backend: &str, from: f64, to: f64) {
        let backend = backend.parse().ok();
        let is = |entry: &Entry<'_>| entry.attempts[0].backend == backend;
        self.lines.retain(|(sent, entry)| {
            !is(entry) || entry.says.is_some() || !(from..to).contains(sent)
        });
    }

    /// A request is cut, nothing can be sent for some seconds, and then it answers again.
    fn restart(&mut self, backend: &str, from: f64) {
        self.silent(backend, from, from + 4.0);
        self.line(backend, from - 0.1, 0.1, Some(Says::Cut));
        for number in 0..8 {
            self.line(backend, from + 0.5 + f64::from(number) * 0.4, 0.001, Some(Says::Refused));
        }
    }

    fn found(mut self) -> Vec<LogFinding> {
        self.lines.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut requests = LoggedRequests::default();
        requests.open("access.log", 0);
        for (number, (_, entry)) in (1..).zip(&self.lines) {
            requests.push(entry, number);
        }
        findings(requests, None)
    }
}

/// The events that are told, with how many failures each is of.
fn events(found: &[LogFinding]) -> Vec<(LoggedEvent, u64)> {
    let each = found.iter().filter_map(|one| match one.kind {
        LogFindingKind::Together(together) => Some((together.event, one.count)),
        _ => None,
    });
    each.collect()
}

#[test]
fn a_restart_is_one_event_and_its_failures_are_no_races() {
    let mut log = Written::new(1.0);
    log.restart(A, 200.0);
    let found = log.found();
    assert_eq!(events(&found), [(LoggedEvent::Restart, 9)]);
    assert_eq!(found.len(), 1);
    let LogFindingKind::Together(together) = found[0].kind else { panic!() };
    assert_eq!((together.cut, together.not_sent), (1, 8));
    assert!(together.again.is_some_and(|again| again > found[0].last));
    assert_eq!(found[0].backends.len(), 1);
}

#[test]
fn restarts_in_turn_are_a_deploy_and_failures_of_all_backends_are_not_each_ones_own() {
    let mut log = Written::new(1.0);
    log.restart(A, 200.0);
    log.restart(B, 260.0);
    assert_eq!(events(&log.found()), [(LoggedEvent::Deploy, 18)]);
    let mut log = Written::new(1.0);
    log.restart(A, 200.0);
    log.restart(B, 202.0);
    assert_eq!(events(&log.found()), [(LoggedEvent::AllAtOnce, 18)]);
}

#[test]
fn a_backend_that_nothing_can_be_sent_to_was_down_before() {
    let mut log = Written::new(1.0);
    log.silent(A, 300.0, 700.0);
    for number in 0..50 {
        log.line(A, 300.0 + f64::from(number) * 6.0, 0.001, Some(Says::Refused));
    }
    let found = log.found();
    assert_eq!(events(&found), [(LoggedEvent::Outage, 50)]);
    let LogFindingKind::Together(together) = found[0].kind else { panic!() };
    assert_eq!(together.again, None);
}

#[test]
fn a_burst_without_a_reason_stays_one_and_constant_failure_is_no_event() {
    let mut log = Written::new(1.0);
    for number in 0..12 {
        log.line(A, 200.0 + f64::from(number) * 0.07, 0.004, Some(Says::Cut));
    }
    assert_eq!(events(&log.found()), [(LoggedEvent::Burst, 12)]);
    let mut log = Written::new(1.0);
    for number in 0..120 {
        log.line(A, f64::from(number) * 5.0 + f64::from(number % 7), 0.004, Some(Says::Cut));
    }
    assert_eq!(events(&log.found()), []);
}

/// The limits that are told: whether by the proxy, and of how many failures.
fn limits(found: &[LogFinding]) -> Vec<(bool, u64)> {
    let each = found.iter().filter_map(|one| match one.kind {
        LogFindingKind::Limit(limit) => Some((limit.by_proxy, one.count)),
        _ => None,
    });
    each.collect()
}

#[test]
fn failures_that_took_the_same_time_have_a_limit_and_whose_the_line_says() {
    let with = |says: Says, times: &[f64]| {
        let mut log = Written::new(1.0);
        for (number, took) in (0..).zip(times) {
            log.line(A, 50.0 + f64::from(number) * 61.3, *took, Some(says));
        }
        log.found()
    };
    let same = [4.2, 4.201, 4.2, 4.21, 4.202, 4.2];
    assert_eq!(limits(&with(Says::Cut, &same)), [(false, 6)]);
    assert_eq!(limits(&with(Says::Timeout, &same)), [(true, 6)]);
    assert_eq!(limits(&with(Says::Cut, &same[..4])), [], "too few");
    assert_eq!(limits(&with(Says::Cut, &[1.0, 2.0, 3.1, 4.2, 5.3, 6.4])), [], "none is the same");
    assert_eq!(limits(&with(Says::Cut, &[0.02; 6])), [], "nobody sets such a limit");
    // What is no race is told all the same.
    let late = with(Says::Cut, &same[..4]);
    assert!(matches!(
        late[..],
        [LogFinding { kind: LogFindingKind::TooLate { .. }, count: 4, .. }]
    ));
}

#[test]
fn a_time_that_answers_take_as_well_and_one_moment_are_no_limit() {
    let mut log = Written::new(1.0);
    for number in 0..20 {
        let sent = 11.0 + f64::from(number) * 29.0;
        log.line(A, sent, 4.2, (number % 2 == 0).then_some(Says::Cut));
        log.line(B, sent, 4.2, None);
    }
    assert_eq!(limits(&log.found()), [], "all such requests take that long");
    let mut log = Written::new(1.0);
    for number in 0..20 {
        log.line(A, 100.0 + f64::from(number) * 0.001, 4.2, Some(Says::Cut));
    }
    assert_eq!(limits(&log.found()), [], "one crash ended them all");
}

#[test]
fn what_is_too_little_or_too_much_to_tell_apart_is_no_timer() {
    let lines = |simulation: &Simulation| simulation.lines(1).unwrap();
    let few = lines(&Simulation { failures: 2, ..RACE });
    assert!(RACE.found(&few).is_empty());
    // Less than thirty requests that went well and asked for the same.
    let mut lone = lines(&RACE);
    for line in lone.iter_mut().filter(|line| line.lost) {
        line.path = "/other";
    }
    assert_eq!(timer(&RACE.found(&lone)), None);
    let busy = Simulation { rate: 30.0, fault: Fault::Crash(0.01), ..RACE };
    let found = busy.found(&lines(&busy));
    assert!(
        matches!(found[..], [LogFinding { kind: LogFindingKind::TooBusy { .. }, .. }]),
        "{found:?}"
    );
}

#[test]
fn no_timer_is_named_above_the_proxys_own_and_retries_count() {
    let lines = RACE.lines(3).unwrap();
    let named = |idle| timer(&findings(requests(&lines, false), idle));
    assert!(named(None).is_some() && named(Some(Duration::from_secs(60))).is_some());
    assert_eq!(named(Some(Duration::from_secs(4))), None);
}

/// What the program says of the logs, as text and as JSON.
fn told(log: &str) -> (String, serde_json::Value) {
    let path = format!("{}/tests/logs/{log}/alb.log.gz", env!("CARGO_MANIFEST_DIR"));
    let run = |form: &str| {
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_why502"))
            .args(["analyze", "--exit-zero", "--format", form, "--access-log", &path])
            .output()
            .unwrap();
        String::from_utf8(run.stdout).unwrap()
    };
    let text = run("text").split_whitespace().collect::<Vec<_>>().join(" ");
    (text, serde_json::from_str(&run("json")).unwrap())
}

#[test]
fn the_first_sentence_names_the_timer_with_the_number_that_carries_it() {
    let (text, json) = told("alone-timer");
    let begin = "Keep-alive race, likely: 9 of 9 failures came 5.0 s after an answer of the same backend; of \
                 the requests that went well 1 in 78 did. A keep-alive timer of 5 s on 10.0.1.17:3000 is \
                 likely (a log cannot prove it)";
    assert!(text.starts_with(begin), "{text}");
    assert!(!text.contains("proven") && text.contains("tcpdump"), "{text}");
    let headline = "Keep-alive race, likely: 9 of 2357 client requests failed (9 × 502).";
    assert_eq!(json["answer"]["headline"], headline);
    let finding = &json["log"]["findings"][0];
    assert_eq!(finding["kind"], "keepalive_timer");
    assert_eq!(
        (&finding["cause"], &finding["certainty"]),
        (&"keepalive_race".into(), &"likely".into())
    );
    assert_eq!(finding["failures"], serde_json::json!({"hits": 9, "of": 9}));
    let after = finding["after_ns"].as_u64().unwrap();
    assert!((4_940_000_000..5_060_000_000).contains(&after), "{after}");
    assert_eq!(finding["fix"]["value"], "65 s");
    assert_eq!(json["answer"]["fixes"][0]["value"], "65 s");
    assert_eq!(finding["lines"].as_array().unwrap().len(), 9);
}

#[test]
fn a_restart_and_a_limit_are_told_apart_and_none_of_it_as_a_race() {
    let (text, json) = told("alone-restart-and-limit");
    assert!(
        text.contains("15 of 15 failures of POST /report came 4.20 s after the request"),
        "{text}"
    );
    let restart = "2026-11-27 00:03:20 to 00:03:25 UTC: 10.0.1.17:3000 was probably restarted (1 request \
                   cut, then 11 requests not sent). It answered again at 00:03:26.";
    assert!(text.contains(restart), "{text}");
    assert!(!text.contains("a keep-alive race, a crash") && !text.contains("proven"), "{text}");
    let findings = json["log"]["findings"].as_array().unwrap();
    let kinds: Vec<&str> = findings.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["time_limit", "restart"]);
    assert!(findings.iter().all(|one| one["cause"].is_null() && one["certainty"] == "likely"));
    assert_eq!(
        (&findings[0]["method"], &findings[0]["target_pattern"]),
        (&"POST".into(), &"/report".into())
    );
    assert_eq!(findings[1]["backends"], serde_json::json!(["10.0.1.17:3000"]));
}

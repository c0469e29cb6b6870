//! How many requests a backend's keep-alive timer is expected to hit, before it does.
//!
//! # Method
//!
//! A request is lost when it is sent before the proxy can know of the backend's close and arrives
//! after it: when the connection's idle gap ends within a *window* around the timer, as wide as a
//! round trip (plus what the server's own loop adds). Let `f(g)` be how many requests come at an
//! idle gap of `g`, per unit of time; it is taken to be smooth at the timer `T`: clients do not
//! know of it. Then
//!
//! ```text
//! expected losses = f(T) · window
//! ```
//!
//! whatever the timer's own jitter is, for each value of it meets the same `f`. `f(T)` is counted
//! just below the timer, where gaps still end in requests: `near` of them within a stretch `h`, the
//! shortest one that holds enough. That count is Poisson's, and its exact interval (Garwood, 1936),
//! joined with that of the nearer half, is the interval of the losses, widened by what is not known
//! of the window. No loss seen
//! does not mean none expected, and no reuse near the timer gives a bound, not zero.
//!
//! # What it cannot tell
//!
//! Gaps longer than today's timer end in closes and not in requests: of a longer timer only a bound
//! can be given, under the assumption that longer pauses are not more frequent than shorter ones.
//! Requests that come in step with the timer itself (a poller with the same period) are no smooth
//! traffic: where more were lost than the interval holds, that is said, and the losses are counted
//! instead.

use super::distribution::Gaps;
use super::timers::Timer;
use std::time::Duration;

/// Reuses near the timer that make a count good enough to stop widening the stretch.
const ENOUGH: u64 = 30;
/// Stretches below the timer, as parts of it, the narrowest first: traffic changes little over them.
const STRETCHES: [u32; 5] = [50, 25, 12, 8, 4];
/// What a server's event loop adds to the window at most: from the timer's decision to the close.
const LOOP: Duration = Duration::from_millis(1);
/// Each side of the interval, which claims 95 %: a little more than that, for traffic is not quite even
/// within the stretch in which it is counted.
const TAIL: f64 = 0.02;
/// [`TAIL`] as a quantile of the normal distribution.
const TAIL_Z: f64 = 2.053_749;

/// A number and the interval that holds it in 95 of 100 cases.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Estimate {
    /// The number is hardly less.
    pub low: f64,
    /// The best guess.
    pub mid: f64,
    /// The number is hardly more.
    pub high: f64,
}

impl Estimate {
    /// Nothing, for sure.
    const NONE: Self = Self { low: 0.0, mid: 0.0, high: 0.0 };

    /// So many times as much.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { low: self.low * factor, mid: self.mid * factor, high: self.high * factor }
    }
}

/// How wide the window is in which a request meets the close.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// The shortest round trip.
    pub low: Duration,
    /// The usual one.
    pub mid: Duration,
    /// A long one, and the server's loop.
    pub high: Duration,
}

impl Window {
    /// Of the round trips that handshakes show; `None` where there are none.
    pub fn of(round_trips: &Gaps) -> Option<Self> {
        let seen = round_trips.quantiles()?;
        Some(Self { low: seen.min, mid: seen.p50, high: seen.p90.saturating_add(LOOP) })
    }
}

/// What is expected of one backend.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Hazard {
    /// Requests expected to be lost, of those in the capture.
    pub lost: Estimate,
    /// The window.
    pub window: Window,
    /// Reuses counted near the timer.
    pub near: u64,
    /// Within so much below it.
    pub stretch: Duration,
    /// What it rests on.
    pub basis: Basis,
}

/// What an expectation rests on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Basis {
    /// Reuses counted around the timer.
    Counted,
    /// More were lost than traffic around the timer explains: requests come in step with it.
    Observed,
    /// Only a bound: the gaps in question were never observed.
    Bound,
    /// The proxy gives up first: no connection lives until the timer.
    ProxyFirst,
}

impl Basis {
    /// The basis' name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Observed => "observed",
            Self::Bound => "bound",
            Self::ProxyFirst => "proxy_gives_up_first",
        }
    }
}

/// What the timer is expected to hit. `reused` are the gaps that ended in a request, `proxy` the
/// proxy's own idle timer where it is known.
pub fn expected(reused: &Gaps, timer: Timer, proxy: Option<Timer>, window: Window) -> Hazard {
    if gives_up_first(proxy, timer, window) {
        return none(window);
    }
    let below = Below::count(reused, timer.low);
    let Below { near, stretch, .. } = below;
    let mut lost = below.losses(window);
    // Within the timer's own spread traffic thins out as it does over as much below it.
    let spread = timer.high.saturating_sub(timer.low);
    let before = Below::count(reused, timer.low.saturating_sub(spread)).losses(window);
    if lost.mid < before.mid {
        lost.low *= lost.mid / before.mid;
    }
    Hazard { lost, window, near, stretch, basis: Basis::Counted }
}

impl Hazard {
    /// What was lost counts, too: where it is more than even traffic explains, requests come in step
    /// with the timer, and the losses themselves are the best count.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub fn with_losses(self, seen: u64) -> Self {
        let (low, high) = poisson_interval(seen);
        if low <= self.lost.high {
            return self;
        }
        Self { lost: Estimate { low, mid: seen as f64, high }, basis: Basis::Observed, ..self }
    }
}

/// The losses to expect with another timer. `today` is the one that ends gaps now, if there is one, and
/// `closed` how many connections it has ended.
pub fn what_if(
    reused: &Gaps,
    today: Option<Timer>,
    closed: u64,
    then: Timer,
    proxy: Option<Timer>,
    window: Window,
) -> Hazard {
    if gives_up_first(proxy, then, window) {
        return none(window);
    }
    let beyond = today.filter(|today| then.value > today.low);
    let Some(today) = beyond else {
        return expected(reused, then, proxy, window);
    };
    // Not more frequent than just below today's timer; and all pauses beyond it together are no more
    // than the connections that it ended.
    let below = Below::count(reused, today.low);
    let dense = below.losses(window).high;
    let reach = then.value.saturating_sub(today.low).as_secs_f64();
    let (_, closed) = poisson_interval(closed);
    let spread = if reach > 0.0 { closed / reach * window.high.as_secs_f64() } else { dense };
    let lost = Estimate { low: 0.0, mid: 0.0, high: dense.min(spread) };
    let Below { near, stretch, .. } = below;
    Hazard { lost, window, near, stretch, basis: Basis::Bound }
}

fn none(window: Window) -> Hazard {
    let stretch = Duration::ZERO;
    Hazard { lost: Estimate::NONE, window, near: 0, stretch, basis: Basis::ProxyFirst }
}

/// The proxy's timer ends every gap before the backend's window begins.
fn gives_up_first(proxy: Option<Timer>, timer: Timer, window: Window) -> bool {
    proxy.is_some_and(|proxy| proxy.high.saturating_add(window.high) < timer.low)
}

/// Reuses just below a timer.
#[derive(Clone, Copy, Debug)]
struct Below {
    /// In the shortest stretch that holds enough of them.
    near: u64,
    stretch: Duration,
    /// In the nearer half of it. Traffic that thins out towards the timer makes the whole too much, and
    /// the half less so: both make the interval.
    half: (u64, Duration),
}

impl Below {
    fn count(reused: &Gaps, limit: Duration) -> Self {
        let mut below = Self { near: 0, stretch: Duration::ZERO, half: (0, Duration::ZERO) };
        for part in STRETCHES {
            let count = |part: u32| {
                let stretch = limit.checked_div(part).unwrap_or_default();
                reused.count_between(limit.saturating_sub(stretch), limit)
            };
            (below.near, below.stretch) = count(part);
            below.half = count(part.saturating_mul(2));
            if below.near >= ENOUGH {
                break;
            }
        }
        below
    }

    fn losses(&self, window: Window) -> Estimate {
        let whole = losses(self.near, self.stretch, window);
        let half = losses(self.half.0, self.half.1, window);
        Estimate { low: whole.low.min(half.low), mid: whole.mid, high: whole.high.max(half.high) }
    }
}

/// `near` requests came within `stretch`: how many come within the window?
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn losses(near: u64, stretch: Duration, window: Window) -> Estimate {
    let (fewest, most) = poisson_interval(near);
    let stretch = stretch.as_secs_f64();
    if stretch <= 0.0 {
        return Estimate::NONE;
    }
    let share = |window: Duration| window.as_secs_f64() / stretch;
    Estimate {
        low: fewest * share(window.low),
        mid: near as f64 * share(window.mid),
        high: most * share(window.high),
    }
}

/// The interval of a Poisson mean of which `count` were seen.
fn poisson_interval(count: u64) -> (f64, f64) {
    if count > 500 { cube(count, TAIL_Z) } else { exact(count, TAIL) }
}

/// Wilson and Hilferty's approximation of [`exact`], good to four digits for hundreds.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn cube(count: u64, z: f64) -> (f64, f64) {
    let side = |n: f64, z: f64| n * (1.0 - 1.0 / (9.0 * n) + z / (3.0 * n.sqrt())).powi(3);
    (side(count as f64, -z), side(count as f64 + 1.0, z))
}

/// The exact interval (Garwood): the smallest and the largest mean that make so many, or so few, no
/// surprise.
#[expect(clippy::cast_precision_loss, reason = "counts up to 500")]
fn exact(count: u64, tail: f64) -> (f64, f64) {
    let seen = count as f64;
    let low = match count.checked_sub(1) {
        Some(fewer) => solve(|mean| 1.0 - at_most(fewer, mean) - tail, 0.0, seen),
        None => 0.0,
    };
    let high = solve(|mean| tail - at_most(count, mean), seen, seen + 10.0 + 5.0 * seen.sqrt());
    (low, high)
}

/// The chance of at most `count` where `mean` are expected.
#[expect(clippy::cast_precision_loss, reason = "counts up to 500")]
fn at_most(count: u64, mean: f64) -> f64 {
    let mut term = (-mean).exp();
    let mut sum = term;
    for n in 1..=count {
        term *= mean / n as f64;
        sum += term;
    }
    sum
}

/// Where a rising function crosses zero.
fn solve(rising: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if rising(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_tables() {
        // Garwood's, as printed in every table of Poisson limits.
        for (count, low, high) in
            [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.390), (100, 81.36, 121.63)]
        {
            let (found_low, found_high) = exact(count, 0.025);
            assert!((found_low - low).abs() < 0.01, "{count}: {found_low}");
            assert!((found_high - high).abs() < 0.01, "{count}: {found_high}");
        }
        let (found, approximate) = (exact(400, TAIL), cube(400, TAIL_Z));
        assert!((found.0 - approximate.0).abs() < 0.05, "{found:?} {approximate:?}");
        assert!((found.1 - approximate.1).abs() < 0.05, "{found:?} {approximate:?}");
    }

    /// xorshift64*, so that every run is the same.
    struct Dice(u64);

    impl Dice {
        fn uniform(&mut self) -> f64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
        }

        fn exponential(&mut self, mean: f64) -> f64 {
            -mean * (1.0 - self.uniform()).ln()
        }

        fn normal(&mut self) -> f64 {
            (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
        }
    }

    /// How traffic pauses: draws a pause, and its density at a place. Seconds.
    struct Traffic {
        name: &'static str,
        draw: fn(&mut Dice) -> f64,
        density: fn(f64) -> f64,
    }

    const TRAFFIC: [Traffic; 3] = [
        Traffic {
            name: "exponential, mean 2 s",
            draw: |dice| dice.exponential(2.0),
            density: |at| (-at / 2.0).exp() / 2.0,
        },
        Traffic {
            name: "uniform up to 20 s",
            draw: |dice| 20.0 * dice.uniform(),
            density: |at| if at < 20.0 { 0.05 } else { 0.0 },
        },
        Traffic {
            name: "log-normal, median 1 s",
            draw: |dice| (1.5 * dice.normal()).exp(),
            density: |at| {
                let z = at.ln() / 1.5;
                (-z * z / 2.0).exp() / (at * 1.5 * (2.0 * std::f64::consts::PI).sqrt())
            },
        },
    ];

    /// Plays `pauses` pauses of traffic against a backend whose timer is 5 s with some jitter, at a
    /// round trip of 2 ms. Returns what is expected of the gaps that a capture would show, and what was
    /// truly to be expected.
    fn play(traffic: &Traffic, pauses: u32, jitter: f64, seed: u64) -> (Hazard, f64) {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ seed.wrapping_mul(0xff51_afd7_ed55_8ccd));
        let (timer, trip) = (5.0, 0.002);
        let mut reused = Gaps::default();
        let mut round_trips = Gaps::default();
        for _ in 0..50 {
            round_trips.record(Duration::from_secs_f64(trip * (1.0 + 0.1 * dice.uniform())));
        }
        for _ in 0..pauses {
            let pause = (traffic.draw)(&mut dice);
            // What comes after the close opens another connection and is no reuse.
            if pause < timer + jitter * dice.uniform() {
                reused.record(Duration::from_secs_f64(pause));
            }
        }
        let observed = Timer {
            low: Duration::from_secs_f64(timer),
            high: Duration::from_secs_f64(timer + jitter),
            ..Timer::told(Duration::from_secs_f64(timer + jitter / 2.0))
        };
        let window = Window::of(&round_trips).unwrap();
        let truth = f64::from(pauses) * (traffic.density)(timer + jitter / 2.0) * trip;
        (expected(&reused, observed, None, window), truth)
    }

    /// The claim of 95 % is held against the truth, over many seeds, much traffic and little.
    #[test]
    fn the_interval_holds_the_truth_as_often_as_it_claims() {
        for traffic in &TRAFFIC {
            for (pauses, seeds) in [(300, 400), (3_000, 400), (40_000, 100)] {
                for jitter in [0.0, 0.2] {
                    let holds = (0..seeds).filter(|seed| {
                        let (hazard, truth) = play(traffic, pauses, jitter, *seed);
                        hazard.lost.low <= truth && truth <= hazard.lost.high
                    });
                    let share = holds.count() as f64 / seeds as f64;
                    let name = traffic.name;
                    assert!(share >= 0.94, "{name}, {pauses} pauses, jitter {jitter}: {share}");
                }
            }
        }
    }

    #[test]
    fn no_reuse_near_the_timer_is_a_bound_and_not_zero() {
        let mut reused = Gaps::default();
        reused.record(Duration::from_millis(10));
        let timer = Timer::told(Duration::from_secs(5));
        let second = Duration::from_secs(1);
        let window = Window { low: second, mid: second, high: second };
        let hazard = expected(&reused, timer, None, window);
        assert_eq!((hazard.near, hazard.lost.low, hazard.lost.mid), (0, 0.0, 0.0));
        assert!(hazard.lost.high > 1.0, "{hazard:?}");
    }

    #[test]
    fn losses_beyond_what_traffic_explains_are_counted_themselves() {
        let mut reused = Gaps::default();
        (0..1_000).for_each(|n| reused.record(Duration::from_millis(n)));
        let milli = Duration::from_millis(1);
        let window = Window { low: milli, mid: milli, high: milli };
        let hazard = expected(&reused, Timer::told(Duration::from_secs(5)), None, window);
        assert_eq!(hazard.with_losses(0), hazard);
        let stepped = hazard.with_losses(40);
        assert_eq!((stepped.basis, stepped.lost.mid), (Basis::Observed, 40.0));
        assert!(stepped.lost.low > 25.0 && stepped.lost.high < 60.0, "{stepped:?}");
    }

    #[test]
    fn a_proxy_that_gives_up_first_loses_nothing() {
        let mut reused = Gaps::default();
        (0..1_000).for_each(|_| reused.record(Duration::from_millis(4_900)));
        let told = |secs| Timer::told(Duration::from_secs(secs));
        let milli = Duration::from_millis(1);
        let window = Window { low: milli, mid: milli, high: milli };
        assert_eq!(expected(&reused, told(75), Some(told(60)), window).basis, Basis::ProxyFirst);
        assert_eq!(expected(&reused, told(60), Some(told(60)), window).basis, Basis::Counted);
        let second = Duration::from_secs(1);
        let spread = Timer { low: told(60).low - second, high: told(60).high + second, ..told(60) };
        assert_eq!(expected(&reused, told(60), Some(spread), window).basis, Basis::Counted);
    }

    #[test]
    fn of_a_longer_timer_only_a_bound_is_told_and_a_shorter_one_is_counted() {
        let mut reused = Gaps::default();
        (0..5_000).for_each(|n| reused.record(Duration::from_millis(n)));
        let told = |secs| Timer::told(Duration::from_secs(secs));
        let milli = Duration::from_millis(2);
        let window = Window { low: milli, mid: milli, high: milli };
        let what_if = |then| what_if(&reused, Some(told(5)), 40, told(then), None, window);
        assert_eq!(what_if(3).basis, Basis::Counted);
        // One request a millisecond: two within the window.
        assert!((what_if(3).lost.mid - 2.0).abs() < 0.1, "{:?}", what_if(3));
        let longer = what_if(60);
        assert_eq!((longer.basis, longer.lost.low), (Basis::Bound, 0.0));
        // 40 connections were closed; all their next requests together lie somewhere in 55 s.
        assert!(longer.lost.high < 0.003 && longer.lost.high > 0.0, "{longer:?}");
    }
}

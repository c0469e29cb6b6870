//! What a log alone can prove: requests in, findings out.
//!
//! A log has no acknowledgement numbers, so nothing here is ever proven: `likely` at most, with the number that carries
//! it. Kept is a row of every request that went to a backend, 24 bytes each ([`rows`]); what is looked for in them, each
//! among the failures that those before it leave ([`find`]):
//!
//! 1. **A limit of time** ([`limit`]): failures that took the same time each.
//! 2. **Failures that come together** ([`bursts`], [`events`]): a restart, a deploy, an outage; or a burst of which
//!    nothing more is known.
//! 3. **Time until the close** ([`late`]): what comes later than a round trip is no keep-alive race.
//! 4. **The backend's keep-alive timer** ([`timer`]): T before each failure an answer of the same backend had ended,
//!    with one T for all. A log does not say which connection a request took, so any earlier answer counts; and the
//!    same is asked of requests that went well and asked for the same (the controls). Polling clients, jobs, retries and
//!    think times give these the same gaps, so they never make a timer. A T is named where it explains three of five
//!    failures, and at least three, beside those that have an answer T before by chance, as the controls have; and where
//!    two groups that are alike differ so much in less than one of a hundred logs (Fisher's exact test), however many T
//!    and backends were looked at (Bonferroni). Fifteen usual timers are looked at first, then all from 0.3 s to 130 s,
//!    in windows of 30 ms, 120 ms, 0.5 s and 1.1 s.
//!
//! # What it assumes
//!
//! The log has all requests to that backend of that proxy: no sampling, no other listener, no health checks on the same
//! connections. When a request was sent and when its answer ended are known to a window of 30 ms to 1.1 s. The proxy
//! keeps connections. The timer is below the proxy's own idle timeout. Failures of one moment (2 s) count once: what came
//! before them is the same. The failures looked at were closed or reset within a round trip.
//!
//! # How well it does
//!
//! `tests/alone.rs` simulates a proxy's pool and a backend's timer of 5 s, and faults without any timer, 100 logs of each
//! kind (those that came to the failures wanted within 60,000 requests); "wrong" is another timer than that, or any where
//! there is none:
//!
//! | log | found | wrong |
//! |---|---|---|
//! | races at 0.1 or 0.5 requests a second, 5 or 15 failures, newest or oldest connection first | 800 of 800 | 0 |
//! | races at 2 a second: 5 failures, or 8 where any connection is taken | 70 of 70 | 0 |
//! | races, whole seconds, 0.1 or 0.5 a second, 15 failures | 200 of 200 | 0 |
//! | races in bursts of traffic, 0.1 a second, 15 failures | 92 of 92 | 0 |
//! | races, the timer is looked at once a second, 0.1 / 0.5 a second, 15 failures | 100 / 92 of 100 | 0 / 1 |
//! | crashes at random, 0.2 to 12 requests a second, 15 or 200 failures, also in whole seconds | | 0 of 700 |
//! | crashes in bursts of traffic | | 0 of 400 |
//! | crashes, clients poll every 5 s, also in whole seconds | | 1 of 600 |
//! | crashes, a job every 5 s, which may be all that crashes | | 2 of 800 |
//! | requests cut after 2 s each | | 0 of 100 |
//!
//! What it costs: at two requests a second five failures are enough for usual timers only, and from about fifteen a
//! second on every moment has an answer T before. That is told as such: not enough to tell apart is not a no.
//!
//! # What is never said
//!
//! Whether a request was received (so whether it may be sent again), who closed first, whether a close and a request
//! crossed, and anything of requests that the proxy did not log.

mod bursts;
mod chance;
mod events;
mod find;
mod finding;
mod grid;
mod late;
mod limit;
mod rows;
mod timer;

pub use find::findings;
pub use finding::{KeepaliveTimer, LogFinding, LogFindingKind, LoggedEvent, TimeLimit, Together};
pub use rows::{AskedFor, LoggedRequests};

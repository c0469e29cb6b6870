//! why502 reads the packets between a reverse proxy and its backends and proves, for each failed
//! request, what happened.
//!
//! Data moves one way, one verb a layer:
//!
//! ```text
//! source ──fill──▶ packet ──decode──▶ flow ──push──▶ exchange ──on──▶ verdict ──judge──▶ report
//! frames           segments           connections    requests and     causes             text, json
//!                                                    responses
//! ```
//!
//! - [`source`] reads captures in blocks of frames. It alone touches files.
//! - [`stop`] is being asked to end: what was read so far is reported.
//! - [`packet`] decodes one frame into a borrowed TCP segment: no state, no allocation.
//! - [`flow`] follows connections: wire numbers become positions, segments become events in causal
//!   order, and what the capture misses becomes a gap.
//! - [`exchange`] frames each side's stream and pairs requests with responses.
//! - [`verdict`] judges a finished exchange by the facts of its connection: pure functions.
//! - [`clear`] rewrites the segments of TLS connections whose text is known from elsewhere.
//! - [`ends`] is what the kernel says of a connection's ends, where they are on this host.
//! - [`ledger`] keeps the books per listener: counts, [`idle`] gaps, and the failures.
//! - [`roles`] tells backends from the proxy's own listeners, once everything was seen.
//! - [`access_log`] reads lines of a proxy's log, [`correlate`] joins them, and the front leg, with the
//!   exchanges; [`hear`] reads log files for both.
//! - [`secret`] says what of a request target is never shown or kept.
//! - [`report`] makes one serialisable model of it, and renders it; [`page`] wraps what people read.
//! - [`ebpf`] has the kernel's own programs: frames without libpcap, and which process did what.
//! - [`live`] watches interfaces instead of reading captures, and [`keep`] writes frames to files.
//! - [`explain`] has a page on each cause, [`timeouts`] an entry on each known proxy and server;
//!   [`names`] finds what a mistyped name may have meant.
//! - [`pipeline`] is the only place where all of them meet; [`cli`] and [`config`] are what the user
//!   typed and what it means; [`run`] does it, with [`progress`] on long work, and [`answer`] writes
//!   what came of it; [`outputs`] must not be inputs.
//!
//! The layers from `packet` to `verdict` are pure: no clock, thread, file or environment; time comes
//! with the frames. Everything they keep is bounded, and reaching a bound is counted and shown.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod access_log;
pub mod answer;
pub mod clear;
pub mod cli;
pub mod config;
pub mod correlate;
pub mod digest;
#[cfg(all(feature = "ebpf", target_os = "linux"))]
pub mod ebpf;
#[cfg(not(all(feature = "ebpf", target_os = "linux")))]
#[path = "ebpf/without.rs"]
pub mod ebpf;
pub mod ends;
pub mod exchange;
pub mod explain;
pub mod flow;
pub mod hazard;
pub mod hear;
pub mod idle;
pub mod keep;
pub mod ledger;
#[cfg(all(feature = "live", target_os = "linux"))]
pub mod live;
#[cfg(not(all(feature = "live", target_os = "linux")))]
#[path = "live/without.rs"]
pub mod live;
pub mod names;
pub mod outputs;
pub mod packet;
pub mod page;
pub mod pipeline;
pub mod progress;
pub mod report;
pub mod roles;
pub mod run;
pub mod secret;
pub mod source;
pub mod stop;
pub mod time;
pub mod timeouts;
pub mod verdict;

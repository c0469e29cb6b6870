//! why502 reads the packets between a reverse proxy and its backends and proves, for each failed
//! request, what happened.
//!
//! Data moves one way, one verb a room:
//!
//! ```text
//! input ──fill──▶ packet ──decode──▶ flow ──push──▶ exchange ──on──▶ verdict ──judge──▶ report ──▶ render
//! frames          segments           connections    requests and     causes             values     text, json
//!                                                   responses
//! ```
//!
//! A room imports only rooms that stand below it here (`tests/layers.rs` holds that):
//!
//! ```text
//! run        one command each
//! live       watching interfaces instead of reading captures
//! cli        what is typed, the configuration file, where the answer goes, progress
//! evidence   frames that are kept in files
//! analysis   the only place where all of them meet, and reading logs
//! render     one file a format: text, JSON, the pages on causes and timeouts
//! report     the model that every format renders, and its making
//! words      what people read: sentences, and a page on each cause
//! join       lines of a log, and the front leg, joined with exchanges
//! topology   who is proxy, who backend, which requests became which
//! ledger     the books per listener: counts, and the failures
//! verdict    why an exchange or a connect failed: pure functions of facts
//! knowledge  what is known of a backend: idle gaps, timers, how its connections end, what was told of it
//! facts      what is known of one attempt: who closed, what the kernel says    | ebpf  the kernel's own programs
//! exchange   each side's bytes become requests and responses, paired
//! streams    text of TLS connections that somebody else has
//! flow       segments become connections: positions, causal order, gaps       | input  captures and logs: it alone reads files
//! packet     one frame becomes a borrowed TCP segment: no state, no allocation | logs  a line of a proxy's log becomes an entry
//! base       time, digests, wrapping, escaping, what is secret                 | timeouts  known proxies and servers, as data
//! ```
//!
//! The rooms from `packet` to `words` are pure: no clock, thread, file or environment; time comes with
//! the frames. Everything that they keep is bounded, and reaching a bound is counted and shown.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod analysis;
pub mod base;
pub mod cli;
#[cfg(all(feature = "ebpf", target_os = "linux"))]
pub mod ebpf;
#[cfg(not(all(feature = "ebpf", target_os = "linux")))]
#[path = "ebpf/disabled.rs"]
pub mod ebpf;
pub mod evidence;
pub mod exchange;
pub mod facts;
pub mod flow;
pub mod input;
pub mod join;
pub mod knowledge;
pub mod ledger;
#[cfg(all(feature = "live", target_os = "linux"))]
pub mod live;
#[cfg(not(all(feature = "live", target_os = "linux")))]
#[path = "live/disabled.rs"]
pub mod live;
pub mod logs;
pub mod packet;
pub mod render;
pub mod report;
pub mod run;
pub mod streams;
pub mod timeouts;
pub mod topology;
pub mod verdict;
pub mod words;

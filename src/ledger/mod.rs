//! What is remembered of all connections: counts per listener and proxy, and the failures.
//!
//! Successes are counted and forgotten; only failures are kept, at most [`LedgerLimits::failures`] of them,
//! and of one cause never more than half of the room that is left: a flood must not hide what is rare.
//! Which listeners are backends is not known before the end, so everything is booked here and
//! `roles` chooses later. Of a failure facts are kept, no judgement: [`Judgement`] is what they show by all
//! that is known when somebody asks.

mod booking;
mod books;
mod clients;
mod connects;
mod context;
mod counts;
mod early;
mod event;
mod events;
mod failed_connects;
mod failing_probes;
mod failure;
mod fresh;
mod handshakes;
mod health;
mod idleness;
mod judgement;
mod known;
mod limits;
mod listener;
mod loopback;
mod losses;
mod lost_frames;
mod nothing_answered;
mod probe_source;
mod probes;
mod proxy_side;
mod settling;
mod telling;
mod translated;
mod unread;
mod unsettled;
mod views;

pub use books::Ledger;
pub use event::{Event, EventKind};
pub use failed_connects::FailedConnect;
pub use failure::Failure;
pub use fresh::Fresh;
pub use handshakes::{CountedNames, HandshakeTally};
pub use health::Health;
pub use judgement::Judgement;
pub use known::{GoesOn, Known};
pub use limits::LedgerLimits;
pub use listener::Listener;
pub use proxy_side::Unanswered;
pub use unread::{Amount, What};
pub use unsettled::ErrorGot;

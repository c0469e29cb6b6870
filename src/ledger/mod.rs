//! What is remembered of all connections: counts per listener and proxy, and the failures.
//!
//! Successes are counted and forgotten; only failures are kept, at most [`LedgerLimits::failures`] of them,
//! and of one cause never more than half of the room that is left: a flood must not hide what is rare.
//! Which listeners are backends is not known before the end, so everything is booked here and
//! `roles` chooses later.

mod answered_errors;
mod booking;
mod books;
mod clients;
mod connects;
mod context;
mod counts;
mod event;
mod events;
mod failing_probes;
mod failure;
mod fresh;
mod health;
mod host;
mod idleness;
mod keepalive;
mod limits;
mod listener;
mod probe_source;
mod probes;
mod proxy_side;
mod spoken;
mod translated;
mod unread;
mod views;

pub use books::Ledger;
pub use event::{Event, EventKind};
pub use failure::Failure;
pub use fresh::Fresh;
pub use health::Health;
pub use limits::LedgerLimits;
pub use listener::Listener;
pub use proxy_side::Unanswered;
pub use unread::{Amount, What};

impl Ledger {
    /// Judges again what depends on all that was seen: what another viewpoint and the front leg show,
    /// probes, the backend's keep-alive timer, what explains many failures at once.
    pub fn revise(&mut self) {
        self.join();
        self.meet_taken_headers();
        self.find_proxies();
        self.doubt_connects();
        self.join_translated();
        self.gather_probes();
        self.find_closed_at_once();
        self.find_nothing_answered();
        self.meet_front_leg();
        self.lose_in_host();
        self.give_context();
        self.find_events();
    }
}

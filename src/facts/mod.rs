//! What is known of one attempt: plain facts, no judgement.

pub mod attempt;
pub mod closing;
pub mod kernel;
pub mod listening;
pub mod losses;
pub mod sent_again;
pub mod timeline;

pub use attempt::{Facts, KeptAttempt, Tried};
pub use sent_again::SentAgain;
pub use timeline::{SegmentKind, TimelineEntry, timeline};

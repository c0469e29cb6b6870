//! What is known of one attempt: plain facts, no judgement.

pub mod closing;
pub mod kernel;
pub mod listening;

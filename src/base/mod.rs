//! What every room may use: points in time, digests, text for a terminal, and what of captured text is
//! shown.

pub mod digest;
pub mod escape;
pub mod path_pattern;
pub mod secret;
pub mod similar;
pub mod time;
pub mod wrap;
pub mod zone;

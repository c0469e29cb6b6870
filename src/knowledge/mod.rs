//! What is known of a backend and its proxies over all their connections, or was told of them.

pub mod configured;
pub mod connection_ends;
pub mod expected_losses;
pub mod idle_gaps;

pub use configured::{OfBackend, OfProxy, Origin, Setting, Timeouts, Told, slack};
pub use connection_ends::{Context, RequestLimit};

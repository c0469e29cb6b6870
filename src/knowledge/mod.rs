//! What is known of a backend and its proxies over all their connections, or was told of them.

pub mod beside;
pub mod configured;
pub mod connection_ends;
pub mod distribution;
pub mod expected_losses;
pub mod idle_gaps;
pub mod timers;
pub mod tolerance;

pub use beside::{Ahead, FailingProbe, Knowledge};
pub use configured::{Configured, OfBackend, OfProxy, Setting, SettingOrigin, Timeouts};
pub use connection_ends::Context;

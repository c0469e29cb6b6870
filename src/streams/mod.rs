//! Between TCP and the protocols: what the bytes of a connection say.

pub mod tls;
pub mod told;

//! Stands in for the watch in a program built without it.

use crate::cli::Live;
use anyhow::{Result, bail};

/// Says what is missing.
///
/// # Errors
/// Always.
pub fn run(_: &Live) -> Result<u8> {
    bail!(
        "live: why502 was built without libpcap, or not for Linux; build it there with the default \
         features (needs libpcap-dev), or capture with tcpdump and use 'why502 analyze'"
    )
}

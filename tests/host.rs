//! The tests that need something of this machine: root and network namespaces, a kernel that takes
//! programs, other software, cases that live beside the project.
//!
//! A runner of its own shows as ignored, with the reason, what cannot run here; the one that comes with
//! Rust can only call it passed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs,
    unreachable_pub
)]

/// What tests need, and how they say that it is not there.
mod machine;
/// Runs the program.
#[allow(dead_code)]
mod program;

/// The page in a browser.
#[cfg(unix)]
mod browser;
/// Public captures, held against what peer tools say of them.
mod corpus;
/// Display filters, by Wireshark's own engine.
mod filters;
/// The known timeouts, held against what was gathered.
mod gathered;
/// Watching on other kernels, in an emulator.
#[cfg(all(feature = "ebpf", target_os = "linux"))]
mod kernels;
/// The laboratory's cases.
mod laboratory;
/// Watching interfaces.
#[cfg(all(feature = "live", target_os = "linux"))]
mod live;
/// Joins logs of real proxies with captures.
#[allow(dead_code)]
mod logs;
/// The kernel's programs at interfaces.
#[cfg(all(feature = "ebpf", target_os = "linux"))]
mod segments;
/// Whose connections are, by the kernel's word.
#[cfg(all(feature = "ebpf", target_os = "linux"))]
mod sockets;
/// A watch at a terminal, and its page.
#[cfg(all(feature = "live", target_os = "linux"))]
mod terminal;
/// TLS by its records, held against what peer tools say.
mod tls_corpus;
/// Follows the TLS of a capture's connections.
mod tls_follow;

use libtest_mimic::{Arguments, Trial};
use machine::{Tests, trial};
use std::process::ExitCode;

/// Most of these tests wait for others: for processes, timers, the kernel.
const AT_ONCE: usize = 8;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    libtest_mimic::run(&arguments, trials()).exit_code()
}

fn trials() -> Vec<Trial> {
    let of = |room: &'static str, tests: Tests| {
        let trial = move |(name, test): &(&str, fn())| trial(format!("{room}::{name}"), *test);
        tests.iter().map(trial).collect::<Vec<_>>()
    };
    [
        #[cfg(unix)]
        of("browser", browser::TESTS),
        of("filters", filters::TESTS),
        of("corpus", corpus::TESTS),
        of("tls_corpus", tls_corpus::TESTS),
        of("gathered", gathered::TESTS),
        of("laboratory", laboratory::TESTS),
        #[cfg(all(feature = "live", target_os = "linux"))]
        live::trials(),
        #[cfg(all(feature = "live", target_os = "linux"))]
        of("terminal", terminal::TESTS),
        #[cfg(all(feature = "ebpf", target_os = "linux"))]
        of("kernels", kernels::TESTS),
        #[cfg(all(feature = "ebpf", target_os = "linux"))]
        of("segments", segments::TESTS),
        #[cfg(all(feature = "ebpf", target_os = "linux"))]
        of("sockets", sockets::TESTS),
    ]
    .into_iter()
    .flatten()
    .collect()
}

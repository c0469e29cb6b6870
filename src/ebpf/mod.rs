//! Programs for the kernel: what they see goes through ring buffers, and nothing is changed by them.
//!
//! They are written in C (`bpf/`), compiled by clang in the build, and fitted to the running kernel's
//! types when they are loaded (CO-RE). Everything that holds them is a file descriptor: they are gone
//! with the process, however it ends.

mod body_runs;
mod clock;
mod connection_ends;
mod container;
mod libssl;
mod options;
mod segments;
mod sockets;
mod tls;

use aya::programs::ProgramError;
use aya::{Btf, EbpfError};
use caps::{CapSet, Capability};
pub use libssl::Library;
pub use options::{HookOptions, Refused, TURN};
pub use segments::Segments;
pub use sockets::Sockets;
use std::io;
pub use tls::Tls;

impl Refused {
    /// What it was that failed, and the kernel's own word.
    fn of(what: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::without(what, error, &["CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON"])
    }

    /// What it was that failed, and the kernel's own word, where these `rights` are enough.
    fn without(what: &str, error: &(dyn std::error::Error + 'static), rights: &[&str]) -> Self {
        let mut lacking = lacking();
        lacking.retain(|right| rights.contains(right));
        match errno(error) {
            Some(io) if !lacking.is_empty() && matches!(io.raw_os_error(), Some(1 | 13)) => {
                let (last, first) = rights.split_last().unwrap_or((&"", &[]));
                Self(format!(
                    "{what}: {io}: it takes root, or {} and {last}; this process lacks {}",
                    first.join(", "),
                    lacking.join(", ")
                ))
            }
            // Before it was counted by control group, all that eBPF takes was locked memory; the loader
            // raises that limit where it may.
            Some(io) if io.raw_os_error() == Some(1) && before(5, 11) => Self(format!(
                "{what}: {io}: before Linux 5.11 it takes a higher limit of locked memory (ulimit -l), \
                 or CAP_SYS_RESOURCE to raise it"
            )),
            Some(io) => match objection(error) {
                Some(word) => Self(format!("{what}: {io}: the kernel's verifier says: {word}")),
                None => Self(format!("{what}: {io}")),
            },
            None => Self(format!("{what}: {}", chain(error))),
        }
    }
}

/// The operating system's error somewhere below `error`.
fn errno<'e>(mut error: &'e (dyn std::error::Error + 'static)) -> Option<&'e io::Error> {
    loop {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io);
        }
        // These tell their reason in fields.
        if let Some(ProgramError::LoadError { io_error, .. }) = error.downcast_ref() {
            return Some(io_error);
        }
        error = error.source()?;
    }
}

/// The line with which the kernel's verifier refused a program, if it did: its log's last that is no
/// statistics.
fn objection(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let ProgramError::LoadError { verifier_log, .. } = error.downcast_ref()? else { return None };
    let log = verifier_log.to_string();
    let statistics = ["processed ", "verification time ", "stack depth "];
    let told = |line: &&str| {
        !line.trim().is_empty() && !statistics.iter().any(|word| line.starts_with(word))
    };
    log.lines().rev().find(told).map(str::to_owned)
}

/// What this process may not do of all that it takes.
fn lacking() -> Vec<&'static str> {
    let has = |capability| caps::has_cap(None, CapSet::Effective, capability).unwrap_or(false);
    // Before Linux 5.8 it stood for the first two.
    let all = has(Capability::CAP_SYS_ADMIN);
    let every = [
        ("CAP_BPF", all || has(Capability::CAP_BPF)),
        ("CAP_PERFMON", all || has(Capability::CAP_PERFMON)),
        ("CAP_NET_ADMIN", has(Capability::CAP_NET_ADMIN)),
    ];
    every.into_iter().filter(|(_, has)| !has).map(|(name, _)| name).collect()
}

/// An error and what caused it, on one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        told = format!("{told}: {next}");
        cause = next.source();
    }
    told.replace('\n', " ")
}

impl From<EbpfError> for Refused {
    fn from(error: EbpfError) -> Self {
        Self::of("cannot load eBPF", &error)
    }
}

/// The running kernel's types.
fn kernel_types() -> Result<Btf, Refused> {
    Btf::from_sys_fs().map_err(|error| {
        Refused(format!("this kernel does not tell its types (/sys/kernel/btf/vmlinux): {error}"))
    })
}

/// The version of the running kernel, as it names itself.
pub fn kernel() -> String {
    let told = nix::sys::utsname::uname();
    told.map(|told| told.release().to_string_lossy().into_owned()).unwrap_or_default()
}

/// Whether the running kernel says that it is older than that.
fn before(major: u32, minor: u32) -> bool {
    let release = kernel();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(first)), Some(Ok(second))) => (first, second) < (major, minor),
        _ => false,
    }
}

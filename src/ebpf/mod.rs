//! Programs for the kernel: what they see goes through ring buffers, and nothing is changed by them.
//!
//! They are written in C (`bpf/`), compiled by clang in the build, and fitted to the running kernel's
//! types when they are loaded (CO-RE). Everything that holds them is a file descriptor: they are gone
//! with the process, however it ends.

mod segments;

use aya::programs::ProgramError;
use aya::{Btf, EbpfError};
pub use segments::{Segments, TURN, Wanted};
use std::io;

/// Why the kernel does not do what is wanted of it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl Refused {
    /// What it was that failed, and the kernel's own word.
    fn of(what: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        match errno(error) {
            Some(io) if matches!(io.raw_os_error(), Some(1 | 13)) => Self(format!(
                "{what}: {io}: it takes root, or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"
            )),
            Some(io) => Self(format!("{what}: {io}")),
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

//! Signals as something to ask for: none interrupts anything.

use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// What a signal asks of a watch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SignalAsks {
    /// Report, and end.
    End,
    /// Report, and go on.
    Report,
}

/// The signals that came.
pub(super) struct Signals(SignalFd);

impl Signals {
    /// From now on SIGINT, SIGTERM, SIGHUP and SIGUSR1 are no longer fatal.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(super) fn take() -> Result<Self> {
        let mut set = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGUSR1] {
            set.add(signal);
        }
        set.thread_block().context("cannot block signals")?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        Ok(Self(SignalFd::with_flags(&set, flags).context("cannot wait for signals")?))
    }

    /// The next that came since the last call.
    pub(super) fn next(&self) -> Option<SignalAsks> {
        let signal = self.0.read_signal().ok().flatten()?;
        let report = i32::try_from(signal.ssi_signo) == Ok(Signal::SIGUSR1 as i32);
        Some(if report { SignalAsks::Report } else { SignalAsks::End })
    }
}

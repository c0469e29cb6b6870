//! Being asked to end: the first SIGINT, SIGTERM or SIGHUP ends the reading, so that what was read is
//! reported; a second one ends the program at once, as it would have without us.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::pipe;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use std::{fs, io};

/// Whether somebody asked to end.
#[derive(Debug)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    /// Becomes readable when somebody does.
    wake: UnixStream,
    /// When that was noticed.
    noticed: OnceLock<Instant>,
}

impl Stop {
    /// From now on the first of these signals is no longer fatal.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn take() -> io::Result<Arc<Self>> {
        let (wake, waker) = UnixStream::pair()?;
        let asked = Arc::new(AtomicBool::new(false));
        let ignored = ignored();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // nohup and shells let programs ignore some: that stays so.
            if ignored >> signal.saturating_sub(1) & 1 == 1 {
                continue;
            }
            // In this order: what is asked first is seen by the next signal only.
            flag::register_conditional_default(signal, Arc::clone(&asked))?;
            flag::register(signal, Arc::clone(&asked))?;
            pipe::register(signal, waker.try_clone()?)?;
        }
        Ok(Arc::new(Self { asked, wake, noticed: OnceLock::new() }))
    }

    /// How long ago it was noticed that somebody asked; `None` if nobody did.
    pub(super) fn asked(&self) -> Option<Duration> {
        let asked = self.asked.load(Ordering::Relaxed);
        asked.then(|| self.noticed.get_or_init(Instant::now).elapsed())
    }

    /// Readable from the moment on when somebody asks.
    pub(super) fn wakes(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

/// Signals that are ignored, as a set of bits from signal 1 on; none where that cannot be known.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let set = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0)
}

//! A file or pipe being read, until it ends or somebody asks to stop.

use crate::input::stop::Stop;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Who writes to a pipe may be asked to end at the same time, and writes what it still has: so long it
/// may be silent meanwhile, …
const LAST_WORD: Duration = Duration::from_millis(300);
/// … and so long it may take in all.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A file or pipe being read.
#[derive(Clone)]
pub(super) struct Input {
    file: Arc<File>,
    /// Length of the input, if it is a file.
    pub(super) length: Option<u64>,
    stop: Option<Arc<Stop>>,
}

impl Input {
    /// Opens what is at `path`, `-` being standard input.
    pub(super) fn open(path: &Path, stop: Option<&Arc<Stop>>) -> io::Result<Self> {
        let file = if path.as_os_str() == "-" {
            File::from(io::stdin().as_fd().try_clone_to_owned()?)
        } else {
            let mut options = OpenOptions::new();
            // Opening a named pipe waits for its writer, deaf to signals.
            if stop.is_some() && fs::metadata(path).is_ok_and(|file| file.file_type().is_fifo()) {
                options.custom_flags(OFlag::O_NONBLOCK.bits());
            }
            options.read(true).open(path)?
        };
        let length = file.metadata().ok().filter(fs::Metadata::is_file).map(|file| file.len());
        Ok(Self { file: Arc::new(file), length, stop: stop.map(Arc::clone) })
    }

    /// Whether the input is a pipe or its like: reading waits for whoever writes.
    pub(super) fn waits(&self) -> bool {
        self.length.is_none()
    }

    /// Nothing comes for so long, and nobody asks to stop meanwhile.
    pub(super) fn is_silent_for(&self, time: Duration) -> bool {
        self.waits() && self.poll(Some(time)).is_ok_and(|ready| ready == Ready::Neither)
    }

    /// Waits until there is something to read, or somebody asks to stop; no longer than `most`.
    fn poll(&self, most: Option<Duration>) -> io::Result<Ready> {
        let timeout = most.map_or(PollTimeout::NONE, |most| {
            let millis = i32::try_from(most.as_millis()).unwrap_or(i32::MAX);
            PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
        });
        let mut waited = vec![PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
        // Once somebody asked it is of no news.
        if let Some(stop) = self.stop.as_ref().filter(|stop| stop.asked().is_none()) {
            waited.push(PollFd::new(stop.wakes(), PollFlags::POLLIN));
        }
        match poll(&mut waited, timeout) {
            // A signal.
            Err(Errno::EINTR) => return Ok(Ready::Stop),
            other => other?,
        };
        let mut ready = waited.iter().map(|one| one.any().unwrap_or(true));
        Ok(match (ready.next(), ready.next()) {
            (Some(true), _) => Ready::Input,
            (_, Some(true)) => Ready::Stop,
            _ => Ready::Neither,
        })
    }

    /// Waits for what is to be read; the error is that it shall not be read.
    fn wait(&self, stop: &Stop) -> io::Result<()> {
        loop {
            let asked = stop.asked();
            let stopped = || io::Error::other("stopped by a signal");
            match asked {
                None if !self.waits() => return Ok(()),
                Some(since) if !self.waits() || since > LAST_WORDS => return Err(stopped()),
                _ => {}
            }
            match self.poll(asked.map(|_| LAST_WORD))? {
                Ready::Input => return Ok(()),
                Ready::Neither => return Err(stopped()),
                // It may have been another signal.
                Ready::Stop => {}
            }
        }
    }
}

#[derive(PartialEq, Eq)]
enum Ready {
    Input,
    Stop,
    Neither,
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(stop) = &self.stop {
                self.wait(stop)?;
            }
            match (&*self.file).read(into) {
                // Another reader of the same pipe was faster.
                Err(error) if error.kind() == ErrorKind::WouldBlock && self.stop.is_some() => {}
                other => return other,
            }
        }
    }
}

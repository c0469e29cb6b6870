//! Where a watch's frames come from: the kernel's own programs, or libpcap.

use super::ebpf::{Hooks, NoHooks};
use super::libpcap::{CaptureOptions, Devices};
use crate::cli::From;
use crate::input::{CaptureFacts, Dropped, Fill, SourceError};
use crate::packet::Frame;

/// What yields the frames of a watch.
pub(super) enum FrameSource {
    /// libpcap.
    Pcap(Box<Devices>),
    /// eBPF.
    Ebpf(Box<Hooks>),
}

/// Does the same with either.
macro_rules! of {
    ($source:expr, $name:ident => $what:expr) => {
        match $source {
            FrameSource::Pcap($name) => $what,
            FrameSource::Ebpf($name) => $what,
        }
    };
}

impl FrameSource {
    /// Opens what was asked for, or libpcap where that cannot be had; then the second is why.
    ///
    /// # Errors
    /// When the interfaces cannot be watched at all.
    pub(super) fn open(
        from: From,
        wanted: &CaptureOptions<'_>,
    ) -> Result<(Self, Option<String>), SourceError> {
        let why = match from {
            From::Pcap => None,
            From::Auto | From::Ebpf => match Hooks::open(wanted) {
                Ok(hooks) => return Ok((Self::Ebpf(Box::new(hooks)), None)),
                Err(NoHooks::Filter(error)) => return Err(error),
                Err(NoHooks::Refused(why)) => Some(why.to_string()),
            },
        };
        Ok((Self::Pcap(Box::new(Devices::open(wanted)?)), why))
    }

    /// With what it watches, and how it stamps frames.
    pub(super) fn means(&self) -> &'static str {
        match self {
            Self::Pcap(devices) if devices.are_in_nanoseconds() => "libpcap, nanosecond stamps",
            Self::Pcap(_) => "libpcap, microsecond stamps",
            Self::Ebpf(_) => "eBPF, nanosecond stamps",
        }
    }

    /// Hands on the next frames, and returns when there are no more, or many were.
    pub(super) fn take(&mut self, take: impl FnMut(&Frame<'_>)) -> Fill {
        of!(self, source => source.take(take))
    }

    /// The next frames are the last ones.
    pub(super) fn end(&mut self) {
        of!(self, source => source.end());
    }

    /// What is known of the watch so far.
    pub(super) fn facts(&self) -> &CaptureFacts {
        of!(self, source => source.facts())
    }

    /// Frames lost so far, by interface, or of all where they share a buffer.
    pub(super) fn dropped(&self) -> Vec<(String, Dropped)> {
        match self {
            Self::Pcap(devices) => devices.dropped(),
            Self::Ebpf(_) => {
                vec![(self.facts().path.clone(), self.facts().dropped.unwrap_or_default())]
            }
        }
    }

    /// Brings that up to date; it costs a few system calls.
    pub(super) fn look_round(&mut self) {
        of!(self, source => source.look_round());
    }
}

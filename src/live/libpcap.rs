//! Frames as they come: interfaces opened with libpcap, drained in batches.
//!
//! The kernel hands over what it has captured a buffer's block at a time, at the latest after
//! [`LATENCY`]. Where there was nothing, we sleep for [`NAP`] rather than wait for a wake-up: libpcap
//! waits for ever on a quiet interface, and fewer, larger batches cost the host less. Frames of
//! several interfaces are put in the order of time.

use super::kernel_filter;
use crate::base::time::Timestamp;
use crate::input::{CaptureFacts, CaptureFormat, Dropped, Fill, SourceError};
use crate::packet::{EndpointPattern, Frame, FrameRef, LinkType};
use pcap::{Active, Capture, Error, Precision};
use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, SystemTime};

/// The longest that a captured frame waits for others before the kernel hands it over.
const LATENCY: Duration = Duration::from_millis(50);
/// How long it is slept where there was nothing to take.
pub(super) const NAP: Duration = Duration::from_millis(25);
/// Frames of one interface may come so much later than those of another: the wait of one, and what
/// it takes to drain the other.
const SPREAD: Duration = Duration::from_millis(200);
/// After so many frames there is a pause, so that signals are noticed under load.
pub(super) const BATCH: usize = 16_384;

/// What a watch is told of its interfaces.
#[derive(Clone, Debug)]
pub(super) struct CaptureOptions<'w> {
    /// As the user named them.
    pub(super) interfaces: &'w [String],
    /// The longest part of a frame that is captured.
    pub(super) snaplen: u32,
    /// The kernel's buffer for each interface.
    pub(super) buffer_bytes: u32,
    /// Frames for other hosts, too.
    pub(super) promiscuous: bool,
    /// Segments that only go on with a body may be told as one, by whoever can.
    pub(super) joining: bool,
    /// What the user wants to see of them.
    pub(super) filter: Option<&'w str>,
    /// Listeners that were named: nothing but their connections is captured.
    pub(super) listeners: &'w [EndpointPattern],
}

/// An open interface.
struct Device {
    name: String,
    capture: Capture<Active>,
    link: LinkType,
    nanoseconds: bool,
    dropped: Counted,
    /// Why the device went away, if it did.
    gone: Option<String>,
}

/// libpcap counts in 32 bits.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    last: (u32, u32),
    total: Dropped,
}

impl Counted {
    fn update(&mut self, by_kernel: u32, by_interface: u32) {
        let more = |now: u32, before: u32| u64::from(now.wrapping_sub(before));
        let Dropped { by_kernel: kernel, by_interface: interface } = self.total;
        self.total = Dropped {
            by_kernel: kernel.saturating_add(more(by_kernel, self.last.0)),
            by_interface: interface.saturating_add(more(by_interface, self.last.1)),
        };
        self.last = (by_kernel, by_interface);
    }
}

/// Interfaces being watched.
pub(super) struct Devices {
    devices: Vec<Device>,
    facts: CaptureFacts,
    /// When the latest frame was captured.
    latest: Timestamp,
    /// Frames that may not be the next ones yet, of several interfaces.
    waiting: VecDeque<WaitingFrames>,
    /// The watch is to be ended: what was captured by then is drained, and that is all.
    ending: Option<Timestamp>,
    ended: bool,
    /// There was nothing to take the last time.
    idle: bool,
}

struct WaitingFrames {
    at: Timestamp,
    link: LinkType,
    wire_len: u32,
    bytes: Box<[u8]>,
}

impl Devices {
    /// Opens every interface. Nothing but this needs privileges.
    ///
    /// # Errors
    /// When one cannot be opened, with what to do about it.
    pub(super) fn open(wanted: &CaptureOptions<'_>) -> Result<Self, SourceError> {
        let expression = kernel_filter::expression(wanted.listeners, wanted.filter);
        let open = |name: &String| Device::open(name, wanted, &expression);
        let devices = wanted.interfaces.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let names: Vec<&str> = devices.iter().map(|device| device.name.as_str()).collect();
        let mut links: Vec<LinkType> = devices.iter().map(|device| device.link).collect();
        links.dedup();
        let facts = nothing_seen(names.join(", "), links);
        let waiting = VecDeque::new();
        let latest = Timestamp::default();
        Ok(Self { devices, facts, latest, waiting, ending: None, ended: false, idle: false })
    }

    /// Every interface stamps nanoseconds.
    pub(super) fn are_in_nanoseconds(&self) -> bool {
        self.devices.iter().all(|device| device.nanoseconds)
    }

    /// The next frames are the last ones: those that were captured by now.
    pub(super) fn end(&mut self) {
        if self.ending.is_none() {
            self.ending = Some(wall_clock());
            // The kernel hands over no block before it is full, or so old.
            thread::sleep(LATENCY.saturating_add(NAP));
        }
    }

    fn open_devices(&self) -> impl Iterator<Item = &Device> {
        self.devices.iter().filter(|device| device.gone.is_none())
    }

    /// Takes what the kernel holds of each interface; returns how many frames were handed on.
    fn drain(&mut self, take: &mut impl FnMut(&Frame<'_>)) -> usize {
        let several = self.devices.len() > 1;
        let Self { devices, facts, latest, waiting, .. } = self;
        let mut handed_on = 0_usize;
        for device in devices.iter_mut().filter(|device| device.gone.is_none()) {
            loop {
                let taken = device.take(|at, link, wire_len, bytes| {
                    if several {
                        waiting.push_back(WaitingFrames {
                            at,
                            link,
                            wire_len,
                            bytes: bytes.into(),
                        });
                    } else {
                        *latest = at.max(*latest);
                        hand_on(facts, take, at, link, wire_len, bytes);
                        handed_on = handed_on.saturating_add(1);
                    }
                });
                if taken == 0 || handed_on >= BATCH || waiting.len() >= BATCH {
                    break;
                }
            }
        }
        let gone = devices.iter().filter_map(|device| device.gone.as_ref()).next();
        if facts.damage.is_none() {
            facts.damage = gone.cloned();
        }
        handed_on
    }

    /// Hands on the frames of several interfaces that nothing earlier can follow any more; returns how
    /// many.
    fn release(&mut self, now: Timestamp, take: &mut impl FnMut(&Frame<'_>)) -> usize {
        let Self { facts, latest, waiting, .. } = self;
        let mut handed_on = 0_usize;
        waiting.make_contiguous().sort_by_key(|frame| frame.at);
        while let Some(next) = waiting.front()
            && (self.ending.is_some() || now.since(next.at) >= SPREAD)
        {
            if let Some(frame) = waiting.pop_front() {
                *latest = frame.at.max(*latest);
                hand_on(facts, take, frame.at, frame.link, frame.wire_len, &frame.bytes);
                handed_on = handed_on.saturating_add(1);
            }
        }
        handed_on
    }

    /// Hands on the next frames where the kernel put them, and returns when there are no more, or many
    /// were. Unlike a [`Source`](crate::input::Source) it copies none: that was an eighth of the cost.
    pub(super) fn take(&mut self, mut take: impl FnMut(&Frame<'_>)) -> Fill {
        if self.ended || self.open_devices().next().is_none() && self.waiting.is_empty() {
            return Fill::End;
        }
        if self.idle && self.ending.is_none() {
            thread::sleep(NAP);
        }
        let now = wall_clock();
        let mut handed_on = self.drain(&mut take);
        if self.devices.len() > 1 {
            handed_on = self.release(now, &mut take);
        }
        self.idle = handed_on == 0;
        // Under load there is always more.
        let caught_up = self.ending.is_some_and(|ending| self.latest > ending);
        self.ended = self.ending.is_some() && (self.idle || caught_up);
        if !self.idle {
            return Fill::Frames;
        }
        // What the kernel, or we, hold back was captured after this.
        let held_back = if self.devices.len() > 1 { SPREAD } else { LATENCY };
        let nanos = now.as_nanos().saturating_sub(nanos(held_back));
        if self.ended { Fill::End } else { Fill::Idle(Timestamp::from_nanos(nanos)) }
    }

    /// What is known of the watch so far.
    pub(super) fn facts(&self) -> &CaptureFacts {
        &self.facts
    }

    /// Frames lost so far, by interface.
    pub(super) fn dropped(&self) -> Vec<(String, Dropped)> {
        self.devices.iter().map(|device| (device.name.clone(), device.dropped.total)).collect()
    }

    /// Notes how long it has watched, and asks how many frames were lost. It costs a few system calls.
    pub(super) fn look_round(&mut self) {
        let mut total = Dropped::default();
        for device in &mut self.devices {
            if let Ok(stat) = device.capture.stats() {
                device.dropped.update(stat.dropped, stat.if_dropped);
            }
            let Dropped { by_kernel, by_interface } = device.dropped.total;
            total.by_kernel = total.by_kernel.saturating_add(by_kernel);
            total.by_interface = total.by_interface.saturating_add(by_interface);
        }
        self.facts.dropped = Some(total);
        self.facts.last = self.facts.last.max(Some(wall_clock()));
    }
}

/// What is known of a watch that begins now.
pub(super) fn nothing_seen(path: String, links: Vec<LinkType>) -> CaptureFacts {
    CaptureFacts {
        path,
        format: CaptureFormat::Live,
        links,
        frames: 0,
        bytes: 0,
        // A watch lasts from its beginning to its end, whether frames come or not.
        first: Some(wall_clock()),
        last: None,
        truncated_frames: 0,
        filtered: 0,
        dropped: Some(Dropped::default()),
        damage: None,
    }
}

/// Counts a frame.
pub(super) fn count(facts: &mut CaptureFacts, at: Timestamp, wire_len: u32, bytes: &[u8]) {
    facts.frames = facts.frames.saturating_add(1);
    facts.bytes = facts.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or_default());
    facts.last = facts.last.max(Some(at));
    let cut = usize::try_from(wire_len).is_ok_and(|wire| bytes.len() < wire);
    facts.truncated_frames = facts.truncated_frames.saturating_add(cut.into());
}

/// Counts a frame and hands it on.
fn hand_on(
    facts: &mut CaptureFacts,
    take: &mut impl FnMut(&Frame<'_>),
    at: Timestamp,
    link: LinkType,
    wire_len: u32,
    bytes: &[u8],
) {
    count(facts, at, wire_len, bytes);
    let reference = FrameRef { capture: 0, number: facts.frames, at };
    take(&Frame { reference, link, wire_len, bytes });
}

impl Device {
    fn open(
        name: &str,
        wanted: &CaptureOptions<'_>,
        expression: &str,
    ) -> Result<Self, SourceError> {
        let refused = |error: &Error| SourceError::Device {
            interface: name.to_owned(),
            reason: reason(name, error),
        };
        let (snaplen, buffer) = (signed(wanted.snaplen), signed(wanted.buffer_bytes));
        let patience = i32::try_from(LATENCY.as_millis()).unwrap_or(i32::MAX);
        let activate = |precision| {
            Capture::from_device(name)?
                .snaplen(snaplen)
                .buffer_size(buffer)
                .timeout(patience)
                .promisc(wanted.promiscuous)
                .precision(precision)
                .open()
        };
        let (capture, nanoseconds) = match activate(Precision::Nano) {
            Ok(capture) => (capture, true),
            // Not every device has them.
            Err(_) => (activate(Precision::Micro).map_err(|error| refused(&error))?, false),
        };
        let mut capture = capture.setnonblock().map_err(|error| refused(&error))?;
        let link = LinkType(u16::try_from(capture.get_datalink().0).unwrap_or(u16::MAX));
        capture.filter(expression, true).map_err(|error| SourceError::Filter {
            expression: wanted.filter.unwrap_or(expression).to_owned(),
            reason: match error {
                Error::PcapError(reason) => reason,
                other => other.to_string(),
            },
        })?;
        let dropped = Counted::default();
        Ok(Self { name: name.to_owned(), capture, link, nanoseconds, dropped, gone: None })
    }

    /// Takes a block of what the kernel holds; returns how many frames that were.
    #[allow(clippy::useless_conversion)] // Seconds have 32 bits on some systems.
    fn take(&mut self, mut frame: impl FnMut(Timestamp, LinkType, u32, &[u8])) -> usize {
        let (link, nanoseconds) = (self.link, self.nanoseconds);
        let taken = self.capture.dispatch(None, |packet| {
            let header = packet.header;
            let fraction = i64::from(header.ts.tv_usec);
            let fraction = if nanoseconds { fraction } else { fraction.saturating_mul(1_000) };
            let nanos =
                i64::from(header.ts.tv_sec).saturating_mul(1_000_000_000).saturating_add(fraction);
            let at = Timestamp::from_nanos(u64::try_from(nanos).unwrap_or_default());
            frame(at, link, header.len, packet.data);
        });
        match taken {
            Ok(count) => count,
            Err(Error::TimeoutExpired) => 0,
            Err(error) => {
                let why = match error {
                    Error::PcapError(why) => why,
                    other => other.to_string(),
                };
                // An interface that is down may come up again; one that is gone does not.
                if !is_down(&why) {
                    self.gone = Some(format!("{}: {}", self.name, why.trim_end_matches('.')));
                }
                0
            }
        }
    }
}

/// libpcap's words for an interface that was set down.
fn is_down(why: &str) -> bool {
    why.contains("interface went down") || why.contains("Network is down")
}

/// The clock that the kernel stamps frames with.
pub(super) fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(nanos(since))
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn signed(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// Why an interface cannot be opened, and what to do.
fn reason(name: &str, error: &Error) -> String {
    let why = match error {
        Error::PcapError(why) => why.clone(),
        other => other.to_string(),
    };
    let lower = why.to_lowercase();
    if lower.contains("permission") || lower.contains("not permitted") {
        return format!(
            "no permission to capture: run it with sudo, or once \
             'setcap cap_net_raw+ep {}'",
            std::env::current_exe()
                .map_or_else(|_| "why502".into(), |path| path.display().to_string())
        );
    }
    let names = interfaces();
    if !names.is_empty() && !names.iter().any(|known| known == name) {
        return format!("no such interface; there are {}", names.join(", "));
    }
    why
}

/// The interfaces that can be watched.
pub(super) fn interfaces() -> Vec<String> {
    let devices = pcap::Device::list().unwrap_or_default();
    let odd = |name: &str| {
        ["nflog", "nfqueue", "dbus-", "usbmon", "bluetooth"].iter().any(|odd| name.starts_with(odd))
    };
    devices.into_iter().map(|device| device.name).filter(|name| !odd(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_32_bits_go_on_where_they_wrap() {
        let mut counted = Counted::default();
        counted.update(u32::MAX - 1, 0);
        counted.update(3, 2);
        let Dropped { by_kernel, by_interface } = counted.total;
        assert_eq!((by_kernel, by_interface), (u64::from(u32::MAX) + 4, 2));
    }
}

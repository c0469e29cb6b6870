//! Frames from the kernel's own programs: headers, and the first bytes of each turn.
//!
//! Hooks at the interfaces (tcx, Linux 6.6) see every frame after its arrival and before its departure.
//! What is kept of it is chosen there (`bpf/segments.bpf.c`), so that bodies never leave the kernel's
//! packets. Records wait in a ring buffer until they are asked for: there is no wake-up.

use super::body_runs::{self, Run};
use super::clock::epoch;
use super::{HookOptions, Refused, before, kernel, kernel_types, lacking};
use crate::base::time::Timestamp;
use crate::input::Dropped;
use crate::packet::{Frame, FrameRef, LinkType};
use aya::maps::{Array, MapData, RingBuf};
use aya::programs::tc::TcAttachOptions;
use aya::programs::{LinkOrder, SchedClassifier, TcAttachType};
use aya::{Ebpf, EbpfLoader, include_bytes_aligned};
use nix::ifaddrs::getifaddrs;

/// The compiled programs.
static PROGRAMS: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/segments.bpf.o"));
/// What stands before the bytes of a frame (`struct record` in the program): when (u64); its length, how
/// much was kept, on which interface, how many records were lost so far (u32 each); where IP and TCP begin
/// (u16 each); four bytes of nothing; the run before it (24 bytes).
const HEAD: usize = 56;
/// The number that the kernel has for loopback among the types of interfaces (ARPHRD_LOOPBACK).
const LOOPBACK: u16 = 772;
const ETHERNET: u16 = 1;
/// The two clocks go alike unless somebody sets one: what is less is a matter of reading them.
const CLOCK_SET: u64 = 1_000_000;
/// Frames without a link header: tunnels (ARPHRD_NONE, _TUNNEL, _TUNNEL6, _SIT, _IPGRE, _RAWIP).
const WITHOUT_HEADER: [u16; 6] = [65534, 768, 769, 776, 778, 519];

/// Interfaces whose frames are watched by programs in the kernel.
pub struct Segments {
    ring: RingBuf<MapData>,
    interfaces: Vec<HookedInterface>,
    /// Keeps the programs where they are.
    _programs: Ebpf,
    lost: LostRecords,
    /// Records lost, where none comes any more that would tell: the programs' only variable.
    lost_by_now: Option<Array<MapData, u32>>,
    /// Nanoseconds from the start of this host to that of the epoch.
    offset: u64,
}

struct HookedInterface {
    name: String,
    index: u32,
    link: LinkType,
    is_loopback: bool,
}

/// The kernel's count of lost records, which wraps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LostRecords {
    last: u32,
    total: u64,
}

impl LostRecords {
    pub(super) fn update(&mut self, now: u32) {
        let more = now.wrapping_sub(self.last);
        // Processors count at once: a record may carry a count from just before the last one's.
        if more < u32::MAX / 2 {
            self.total = self.total.saturating_add(u64::from(more));
            self.last = now;
        }
    }

    pub(super) fn total(self) -> u64 {
        self.total
    }
}

impl Segments {
    /// Puts the programs at every interface.
    ///
    /// # Errors
    /// When the kernel cannot do it, or this process may not.
    pub fn open(wanted: &HookOptions<'_>) -> Result<Self, Refused> {
        let interfaces: Vec<HookedInterface> = wanted
            .interfaces
            .iter()
            .map(|name| HookedInterface::named(name))
            .collect::<Result<_, _>>()?;
        let types = kernel_types().ok();
        let mut ports = [0_u8; 8_192];
        for port in wanted.ports {
            if let Some(byte) = ports.get_mut(usize::from(port >> 3)) {
                *byte |= 1 << (port & 7);
            }
        }
        let joining = u8::from(wanted.joining);
        let some = u8::from(!wanted.ports.is_empty());
        let pages = wanted.buffer_bytes.max(1 << 16).checked_next_power_of_two();
        let mut programs = EbpfLoader::new()
            .btf(types.as_ref())
            .override_global("some_ports", &some, true)
            .override_global("ports", &ports, true)
            .override_global("joining", &joining, true)
            .override_global("turn_bytes", &wanted.turn_bytes, true)
            .map_max_entries("frames", pages.unwrap_or(1 << 30))
            .load(PROGRAMS)
            .map_err(|error| refused("cannot load eBPF", &error))?;
        for interface in &interfaces {
            interface.watch(&mut programs)?;
        }
        let ring = programs.take_map("frames").ok_or_else(|| Refused("no ring".to_owned()))?;
        let ring = RingBuf::try_from(ring).map_err(|error| Refused::of("ring buffer", &error))?;
        let lost_by_now = programs.take_map(".bss").and_then(|map| Array::try_from(map).ok());
        let (lost, offset) = (LostRecords::default(), epoch());
        Ok(Self { ring, interfaces, _programs: programs, lost, lost_by_now, offset })
    }

    /// Hands on what the kernel holds, at most `most` frames, not numbered; returns how many that were.
    pub fn take(&mut self, most: usize, mut take: impl FnMut(Frame<'_>)) -> usize {
        let mut taken = 0_usize;
        while taken < most
            && let Some(record) = self.ring.next()
        {
            let Some((head, bytes)) = record.split_first_chunk::<HEAD>() else { continue };
            let field = |from| u32::from_ne_bytes(part(head, from));
            let (wire_len, kept, index) = (field(8), field(12), field(16));
            self.lost.update(field(20));
            let link = self.interfaces.iter().find(|one| one.index == index).map(|one| one.link);
            let link = link.unwrap_or(LinkType::ETHERNET);
            let bytes = bytes.get(..usize::try_from(kept).unwrap_or(usize::MAX)).unwrap_or(bytes);
            let offset = self.offset;
            let mut hand_on = |at: u64, wire_len, bytes: &[u8]| {
                let at = Timestamp::from_nanos(at.saturating_add(offset));
                let reference = FrameRef { capture: 0, number: 0, at };
                taken = taken.saturating_add(1);
                take(Frame { reference, link, wire_len, bytes });
            };
            if let Some(run) = run_before(head) {
                let place = |from| usize::from(u16::from_ne_bytes(part(head, from)));
                if let Some(joined) = body_runs::joined(&run, bytes, link, place(24), place(26)) {
                    hand_on(run.at, joined.wire_len, joined.bytes());
                }
            }
            hand_on(u64::from_ne_bytes(part(head, 0)), wire_len, bytes);
        }
        taken
    }

    /// Looks whether the clock of the world was set, and what was lost since the last record.
    pub fn look_round(&mut self) {
        // Whoever has the map open may read it, with privileges or without (Linux 5.19).
        if let Some(Ok(lost)) = self.lost_by_now.as_ref().map(|lost| lost.get(&0, 0)) {
            self.lost.update(lost);
        }
        let offset = epoch();
        if offset.abs_diff(self.offset) > CLOCK_SET {
            self.offset = offset;
        }
    }

    /// What the frames' bytes begin with.
    pub fn links(&self) -> Vec<LinkType> {
        let mut links: Vec<LinkType> = self.interfaces.iter().map(|one| one.link).collect();
        links.dedup();
        links
    }

    /// Frames for which there was no room.
    pub fn dropped(&self) -> Dropped {
        Dropped { by_kernel: self.lost.total, by_interface: 0 }
    }

    /// Interfaces that are no longer there, and whether others are.
    pub fn gone(&self) -> (Vec<&str>, bool) {
        let known = known();
        let there = |one: &HookedInterface| {
            let same =
                |(name, index, _): &(String, u32, u16)| *name == one.name && *index == one.index;
            known.iter().any(same)
        };
        let gone = self.interfaces.iter().filter(|one| !there(one)).map(|one| one.name.as_str());
        let gone: Vec<&str> = gone.collect();
        let others = gone.len() < self.interfaces.len();
        (gone, others)
    }
}

/// What passed before a frame, if something did.
fn run_before(head: &[u8; HEAD]) -> Option<Run> {
    let field = |from| u32::from_ne_bytes(part(head, from));
    let [ttl, back] = part(head, 54);
    let run = Run {
        at: u64::from_ne_bytes(part(head, 32)),
        seq: field(40),
        length: field(44),
        ack: field(48),
        window: u16::from_ne_bytes(part(head, 52)),
        ttl,
        back: back != 0,
    };
    (run.length > 0).then_some(run)
}

/// Some of the bytes before a frame, which are all there.
fn part<const N: usize>(head: &[u8; HEAD], from: usize) -> [u8; N] {
    head.get(from..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

impl HookedInterface {
    fn named(name: &str) -> Result<Self, Refused> {
        let (_, index, kind) = known()
            .into_iter()
            .find(|(known, ..)| known == name)
            .ok_or_else(|| Refused(format!("{name}: no such interface")))?;
        let link = match kind {
            LOOPBACK | ETHERNET => LinkType::ETHERNET,
            kind if WITHOUT_HEADER.contains(&kind) => LinkType::RAW,
            kind => {
                return Err(Refused(format!("{name}: interfaces of type {kind} are not known")));
            }
        };
        Ok(Self { name: name.to_owned(), index, link, is_loopback: kind == LOOPBACK })
    }

    fn watch(&self, programs: &mut Ebpf) -> Result<(), Refused> {
        let program = if self.link == LinkType::RAW { "raw" } else { "ethernet" };
        let program: &mut SchedClassifier = programs
            .program_mut(program)
            .ok_or_else(|| Refused(format!("no program '{program}'")))?
            .try_into()
            .map_err(|error| Refused::of("segments", &error))?;
        if program.fd().is_err() {
            let failed = |error| refused("cannot load the segments' program", &error);
            program.load().map_err(failed)?;
        }
        // What leaves by loopback comes in by it: once is enough.
        let leaves = (!self.is_loopback).then_some(TcAttachType::Egress);
        let ways = [Some(TcAttachType::Ingress), leaves];
        for way in ways.into_iter().flatten() {
            let order = TcAttachOptions::TcxOrder(LinkOrder::first());
            program.attach_with_options(&self.name, way, order).map_err(|error| {
                let why = Refused::of(&self.name, &error);
                let old = super::errno(&error).and_then(std::io::Error::raw_os_error) == Some(22);
                if old { too_old() } else { why }
            })?;
        }
        Ok(())
    }
}

/// Why what was to be loaded is not. A kernel that is too old may lack what the program calls, too, or
/// allow less memory: but that is what there is to say.
fn refused(what: &str, error: &(dyn std::error::Error + 'static)) -> Refused {
    if lacking().is_empty() && before(6, 6) { too_old() } else { Refused::of(what, error) }
}

fn too_old() -> Refused {
    Refused(format!("it needs Linux 6.6, this is {}", kernel()))
}

/// The interfaces of this network namespace: name, index, type. `/sys/class/net` would be that of the
/// namespace in which it was mounted.
fn known() -> Vec<(String, u32, u16)> {
    let all = getifaddrs().into_iter().flatten();
    all.filter_map(|one| {
        let link = one.address?;
        let link = link.as_link_addr()?;
        Some((one.interface_name, u32::try_from(link.ifindex()).ok()?, link.hatype()))
    })
    .collect()
}

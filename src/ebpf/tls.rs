//! What programs say through OpenSSL, in clear: uprobes at its functions, and what their threads move on
//! sockets meanwhile (`bpf/tls.bpf.c`).

use super::libssl::{self, Library};
use super::{Refused, errno, kernel, kernel_types};
use crate::base::time::Timestamp;
use crate::packet::{Endpoint, SeqNum};
use crate::streams::told::{Spoken, TextOrigin};
use aya::maps::{MapData, RingBuf};
use aya::programs::uprobe::UProbeScope;
use aya::programs::{BtfTracePoint, ProgramError, UProbe};
use aya::{Btf, Ebpf, EbpfLoader, include_bytes_aligned};
use std::fs::File;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The compiled programs.
static PROGRAMS: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/tls.bpf.o"));
/// What stands before the text: see `struct record`.
const HEAD: usize = 80;
/// The kernel's number for IPv4.
const INET: u16 = 2;
/// Functions of OpenSSL's, and the programs at their entry.
const FUNCTIONS: [(&str, &str); 10] = [
    ("SSL_do_handshake", "quiet"),
    ("SSL_shutdown", "quiet"),
    ("SSL_read", "read_plain"),
    ("SSL_read_ex", "read_ex"),
    ("SSL_read_early_data", "read_ex"),
    ("SSL_peek", "peek"),
    ("SSL_peek_ex", "peek"),
    ("SSL_write", "write_plain"),
    ("SSL_write_ex", "write_ex"),
    ("SSL_write_early_data", "write_ex"),
];
/// Without these a library is none of OpenSSL's.
const NEEDED: [&str; 3] = ["SSL_do_handshake", "SSL_read", "SSL_write"];
/// What their threads move on sockets.
const MOVED: [(&str, &str); 2] = [("sent", "sock_send_length"), ("received", "sock_recv_length")];
const RETURN: &str = "done";
/// Machines whose registers the programs know.
const KNOWN: [&str; 2] = ["x86_64", "aarch64"];

/// OpenSSL's functions, watched by programs in the kernel.
pub struct Tls {
    ring: RingBuf<MapData>,
    libraries: Vec<Library>,
    /// Libraries that are not watched, and why.
    refused: Vec<String>,
    /// Keeps the programs where they are.
    _programs: Ebpf,
    /// Nanoseconds from the start of this host to the epoch.
    offset: u64,
    lost: super::segments::LostRecords,
}

impl Tls {
    /// Puts the programs at every OpenSSL library that is in use or usual. Only connections from or to
    /// `ports` are told of, if there are any.
    ///
    /// # Errors
    /// When the kernel cannot do it, this process may not, or there is no such library.
    pub fn open(ports: &[u16]) -> Result<Self, Refused> {
        if !KNOWN.contains(&std::env::consts::ARCH) {
            let machine = std::env::consts::ARCH;
            return Err(Refused(format!("the registers of {machine} are not known to it")));
        }
        let types = kernel_types()?;
        let mut bits = [0_u8; 8_192];
        for port in ports {
            if let Some(byte) = bits.get_mut(usize::from(port >> 3)) {
                *byte |= 1 << (port & 7);
            }
        }
        let some = u8::from(!ports.is_empty());
        let mut programs = EbpfLoader::new()
            .btf(Some(&types))
            .override_global("some_ports", &some, true)
            .override_global("ports", &bits, true)
            .load(PROGRAMS)?;
        for (program, event) in MOVED {
            listen(&mut programs, program, event, &types)?;
        }
        let mut entries: Vec<&str> = FUNCTIONS.iter().map(|(_, program)| *program).collect();
        entries.sort_unstable();
        entries.dedup();
        for program in entries.into_iter().chain([RETURN]) {
            let program = probe(&mut programs, program)?;
            program
                .load()
                .map_err(|error| Refused::of("cannot load a program for OpenSSL", &error))?;
        }
        let (all, too_many) = libssl::all();
        let mut libraries = Vec::new();
        let mut refused = Vec::new();
        for library in all {
            match attach(&mut programs, &library) {
                Ok(()) => libraries.push(library),
                Err(Refused(why)) => refused.push(why),
            }
        }
        if libraries.is_empty() {
            let none = || "no OpenSSL library (libssl.so) is in use here".to_owned();
            return Err(Refused(refused.into_iter().next().unwrap_or_else(none)));
        }
        if too_many {
            refused.push("more OpenSSL libraries are in use than are watched".to_owned());
        }
        let ring = programs.take_map("spoken").ok_or_else(|| Refused("no ring".to_owned()))?;
        let ring = RingBuf::try_from(ring).map_err(|error| Refused::of("ring buffer", &error))?;
        let offset = super::clock::epoch();
        let lost = super::segments::LostRecords::default();
        Ok(Self { ring, libraries, refused, _programs: programs, offset, lost })
    }

    /// The libraries that are watched, with who used them when this began.
    pub fn libraries(&self) -> &[Library] {
        &self.libraries
    }

    /// Libraries that are not watched, each with the reason; text that is not to be trusted.
    pub fn refused(&self) -> &[String] {
        &self.refused
    }

    /// Records for which there was no room.
    pub fn lost(&self) -> u64 {
        self.lost.total()
    }

    /// Hands on what was said since the last time, at most `most` pieces.
    pub fn take(&mut self, most: usize, mut take: impl FnMut(Spoken)) {
        for _ in 0..most {
            let Some(record) = self.ring.next() else { return };
            let Some((head, text)) = record.split_first_chunk::<HEAD>() else { continue };
            self.lost.update(u32::from_ne_bytes(part(head, 8)));
            if let Some(spoken) = spoken(head, text, self.offset) {
                take(spoken);
            }
        }
    }
}

/// What a record says.
fn spoken(head: &[u8; HEAD], text: &[u8], offset: u64) -> Option<Spoken> {
    let number = |from| u32::from_ne_bytes(part(head, from));
    let short = |from| u16::from_ne_bytes(part(head, from));
    let at = u64::from_ne_bytes(part(head, 0)).saturating_add(offset);
    let kept = usize::try_from(number(28)).ok()?;
    let v4 = short(72) == INET;
    let local = Endpoint { addr: address(part(head, 36), v4), port: short(68) };
    let remote = Endpoint { addr: address(part(head, 52), v4), port: short(70) };
    let [way, again] = part(head, 32);
    let (src, dst, by) = match way {
        0 => (remote, local, TextOrigin::Receiver),
        _ => (local, remote, TextOrigin::Sender),
    };
    Some(Spoken {
        at: Timestamp::from_nanos(at),
        src,
        dst,
        by,
        from: SeqNum(number(16)),
        to: SeqNum(number(20)),
        again: again != 0,
        order: number(76),
        len: number(24),
        text: text.get(..kept).unwrap_or_default().into(),
    })
}

/// An address as a socket has it. One for IPv6 may speak IPv4.
fn address(bytes: [u8; 16], v4: bool) -> IpAddr {
    let [a, b, c, d, ..] = bytes;
    if v4 { Ipv4Addr::new(a, b, c, d).into() } else { Ipv6Addr::from(bytes).to_canonical() }
}

/// Some of the bytes before the text, which are all there.
fn part<const N: usize>(head: &[u8; HEAD], from: usize) -> [u8; N] {
    head.get(from..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

fn listen(programs: &mut Ebpf, program: &str, event: &str, types: &Btf) -> Result<(), Refused> {
    let program: &mut BtfTracePoint = programs
        .program_mut(program)
        .ok_or_else(|| Refused(format!("no program '{program}'")))?
        .try_into()
        .map_err(|error| Refused::of(event, &error))?;
    program.load(event, types).map_err(|error| match error {
        // Its name is not among the types of this kernel.
        ProgramError::Btf(_) => {
            Refused(format!("it needs Linux 6.3 ({event}), this is {}", kernel()))
        }
        error => Refused::of(event, &error),
    })?;
    program.attach().map_err(|error| Refused::of(event, &error))?;
    Ok(())
}

fn probe<'p>(programs: &'p mut Ebpf, name: &str) -> Result<&'p mut UProbe, Refused> {
    programs
        .program_mut(name)
        .ok_or_else(|| Refused(format!("no program '{name}'")))?
        .try_into()
        .map_err(|error| Refused::of(name, &error))
}

/// Watches the functions of a library.
fn attach(programs: &mut Ebpf, library: &Library) -> Result<(), Refused> {
    // The kernel's word on it is plainer than what becomes of it.
    File::open(&library.path).map_err(|error| {
        let denied = error.kind() == ErrorKind::PermissionDenied;
        let hint = if denied { ": it takes root" } else { "" };
        Refused(format!("{}: {error}{hint}", library.name))
    })?;
    for (function, program) in FUNCTIONS {
        for program in [program, RETURN] {
            let program = probe(programs, program)?;
            match program.attach(function, &library.path, UProbeScope::AllProcesses) {
                Ok(_) => {}
                // Versions before 1.1.1 lack some.
                Err(_) if !NEEDED.contains(&function) => break,
                Err(error) => {
                    let denied = errno(&error).and_then(std::io::Error::raw_os_error);
                    return Err(if matches!(denied, Some(1 | 13)) {
                        let why = "the kernel wants root, or CAP_SYS_ADMIN, for uprobes";
                        Refused(format!("{}: {why}", library.name))
                    } else {
                        Refused::of(&library.name, &error)
                    });
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read() {
        let mut head = [0_u8; HEAD];
        let mut put = |at: usize, bytes: &[u8]| head[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &7_u64.to_ne_bytes());
        put(16, &10_u32.to_ne_bytes());
        put(20, &60_u32.to_ne_bytes());
        put(24, &28_u32.to_ne_bytes());
        put(28, &4_u32.to_ne_bytes());
        put(32, &[1, 0]);
        put(36, &[127, 0, 0, 1]);
        put(52, &[127, 0, 0, 2]);
        put(68, &4000_u16.to_ne_bytes());
        put(70, &443_u16.to_ne_bytes());
        put(72, &INET.to_ne_bytes());
        put(76, &3_u32.to_ne_bytes());
        let said = spoken(&head, b"GET /rest of the room", 100).unwrap();
        assert_eq!((said.src.to_string(), said.dst.port), ("127.0.0.1:4000".to_owned(), 443));
        assert_eq!((said.from, said.to, said.len, said.order), (SeqNum(10), SeqNum(60), 28, 3));
        assert_eq!((&*said.text, said.by), (&b"GET "[..], TextOrigin::Sender));
        assert_eq!(said.at.as_nanos(), 107);
        head[32] = 0;
        let heard = spoken(&head, b"GET /", 0).unwrap();
        assert_eq!((heard.src.port, heard.by), (443, TextOrigin::Receiver));
    }

    #[test]
    fn a_socket_for_ipv6_that_speaks_ipv4_is_known_by_that() {
        let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1];
        assert_eq!(address(mapped, false).to_string(), "10.0.0.1");
    }
}

//! Whose the ends of connections on this host are, by the kernel's own word (`bpf/sockets.bpf.c`).
//!
//! Tracepoints tell who connects, reads, writes and closes, and why a reset is sent; what was open
//! before is gathered once, at the beginning. Nothing is sent for each request.

use super::connection_ends::{HEAD, LIFE, Lives, RingRecord, TrackedSocket, Who};
use super::{Refused, clock, container, kernel_types};
use crate::base::time::Timestamp;
use crate::facts::kernel::Ends;
use crate::packet::Endpoint;
use aya::maps::{Array, HashMap as KernelMap, MapData, RingBuf};
use aya::programs::{BtfTracePoint, Iter};
use aya::{Btf, Ebpf, EbpfLoader, include_bytes_aligned};
use std::collections::HashMap;
use std::fs;
use std::io::{BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

/// The compiled programs.
static PROGRAMS: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/sockets.bpf.o"));
const RIGHTS: &[&str] = &["CAP_BPF", "CAP_PERFMON"];
/// Without these nothing is known for sure.
const NEEDED: [&str; 2] = ["inet_sock_set_state", "tcp_destroy_sock"];
/// What more there is: the programs that tell it, with their tracepoints, the best one first; and what
/// is not told where not even the last one can be had, or only a later one than the first.
const FURTHER: [Further; 5] = [
    Further {
        programs: &[
            ("sock_recv_length", "sock_recv_length"),
            ("tcp_rcv_space_adjust", "tcp_rcv_space_adjust"),
        ],
        instead: "",
        nothing: "who reads",
    },
    Further {
        programs: &[("sock_send_length", "sock_send_length")],
        instead: "",
        nothing: "who writes (Linux 6.3)",
    },
    Further {
        programs: &[
            ("reset_with_reason", "tcp_send_reset"),
            ("reset_without_reason", "tcp_send_reset"),
        ],
        instead: "why a reset was sent (Linux 6.10)",
        nothing: "resets that were sent",
    },
    Further {
        programs: &[
            ("retransmit_with_error", "tcp_retransmit_skb"),
            ("retransmit", "tcp_retransmit_skb"),
        ],
        instead: "",
        nothing: "what was sent again",
    },
    Further {
        programs: &[("tcp_retransmit_synack", "tcp_retransmit_synack")],
        instead: "",
        nothing: "connections that wait at a full queue",
    },
];
/// Records taken in a turn of the watch, which has frames to look at, and before something is said: more
/// than the ring holds.
const TURN: usize = 1_024;
const ALL: usize = 16_384;
/// Processes of which it is remembered in which container they run.
const PROCESSES: usize = 4_096;
/// More sockets than this are not gathered at the beginning.
const GATHERED: usize = 262_144;

struct Further {
    programs: &'static [(&'static str, &'static str)],
    instead: &'static str,
    nothing: &'static str,
}

/// What the kernel tells of this host's sockets.
pub struct Sockets {
    ring: RingBuf<MapData>,
    /// What the kernel's programs know by now.
    known: Option<KernelMap<MapData, u64, [u8; LIFE]>>,
    lost: Option<Array<MapData, u32>>,
    lives: Lives,
    /// By when a process began, and its number.
    containers: HashMap<(u64, u32), Option<Arc<str>>>,
    missing: Vec<&'static str>,
    /// Keeps the programs where they are.
    _programs: Ebpf,
}

impl Sockets {
    /// Begins to listen to what the kernel does with sockets, and gathers those that are there.
    ///
    /// # Errors
    /// When the kernel cannot do it, or this process may not.
    pub fn open() -> Result<Self, Refused> {
        let types = kernel_types()?;
        let pid_namespace = namespace("pid")?;
        let mut programs = EbpfLoader::new()
            .btf(Some(&types))
            .override_global("pid_namespace", &pid_namespace, true)
            .load(PROGRAMS)
            .map_err(|error| Refused::without("cannot load eBPF", &error, RIGHTS))?;
        for program in NEEDED {
            listen(&mut programs, program, program, &types)?;
        }
        let mut missing = Vec::new();
        for further in &FURTHER {
            let mut programs_of_it = further.programs.iter();
            let mut can = |&(program, tracepoint): &(&str, &str)| {
                listen(&mut programs, program, tracepoint, &types).is_ok()
            };
            let lacks = match programs_of_it.position(&mut can) {
                Some(0) => "",
                Some(_) => further.instead,
                None => further.nothing,
            };
            missing.extend((!lacks.is_empty()).then_some(lacks));
        }
        let mut lives = Lives::new(namespace("net")?);
        let mut containers = HashMap::new();
        match open_sockets(&mut programs, &types) {
            Ok(records) => {
                for record in records {
                    let of = containers_of(&record.known, &mut containers);
                    lives.take(record, of);
                }
            }
            Err(_) => missing.push("who has connections older than the watch (Linux 5.11)"),
        }
        let mut map =
            |name: &str| programs.take_map(name).ok_or_else(|| Refused(format!("no map '{name}'")));
        let ring = RingBuf::try_from(map("changes")?);
        let ring = ring.map_err(|error| Refused::without("ring buffer", &error, RIGHTS))?;
        let known = KernelMap::try_from(map("lives")?).ok();
        let lost = Array::try_from(map("lost")?).ok();
        let mut sockets =
            Self { ring, known, lost, lives, containers, missing, _programs: programs };
        sockets.take(ALL);
        Ok(sockets)
    }

    /// What this kernel does not tell.
    pub fn missing(&self) -> &[&'static str] {
        &self.missing
    }

    /// Records for which there was no room.
    pub fn lost(&self) -> u32 {
        self.lives.lost()
    }

    /// Takes what the kernel told since the last time, or some of it.
    pub fn drain(&mut self) {
        self.take(TURN);
    }

    fn take(&mut self, most: usize) {
        for _ in 0..most {
            let Some(record) = self.ring.next() else { return };
            let Some(record) = RingRecord::read(&record) else { continue };
            let of = containers_of(&record.known, &mut self.containers);
            self.lives.take(record, of);
        }
    }

    /// What the kernel says of the ends of the connection from `client` to `server` that was there at
    /// `at`; `None` where neither is on this host, or it cannot be told which one it was.
    pub fn ends(&mut self, client: Endpoint, server: Endpoint, at: Timestamp) -> Option<Ends> {
        self.take(ALL);
        let offset = clock::epoch();
        let at = at.as_nanos().saturating_sub(offset);
        // Linux 5.19 and later answer though privileges were dropped; before, what was told must do.
        if let Some(lost) = &self.lost
            && let Ok(lost) = lost.get(&0, 0)
        {
            self.lives.note_lost(lost, clock::now());
        }
        for question in self.lives.questions(client, server, at) {
            let asked = clock::now();
            let answer = self.known.as_ref().and_then(|map| map.get(&question.socket, 0).ok());
            if let Some(bytes) = answer {
                self.lives.answer(question, TrackedSocket::read(&bytes), asked);
            }
        }
        self.lives.ends(client, server, at, offset)
    }
}

/// Puts a program at a tracepoint.
fn listen(
    programs: &mut Ebpf,
    program: &str,
    tracepoint: &str,
    types: &Btf,
) -> Result<(), Refused> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        Refused::without(&format!("tracepoint {tracepoint}"), error, RIGHTS)
    };
    let program: &mut BtfTracePoint = programs
        .program_mut(program)
        .ok_or_else(|| Refused(format!("no program '{program}'")))?
        .try_into()
        .map_err(|error| failed(&error))?;
    program.load(tracepoint, types).map_err(|error| failed(&error))?;
    program.attach().map_err(|error| failed(&error))?;
    Ok(())
}

/// The sockets that processes have open now.
fn open_sockets(programs: &mut Ebpf, types: &Btf) -> Result<Vec<RingRecord>, Refused> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        Refused::without("iterator task_file", error, RIGHTS)
    };
    let program: &mut Iter = programs
        .program_mut("open_sockets")
        .ok_or_else(|| Refused("no program 'open_sockets'".to_owned()))?
        .try_into()
        .map_err(|error| failed(&error))?;
    program.load("task_file", types).map_err(|error| failed(&error))?;
    let link = program.attach().map_err(|error| failed(&error))?;
    let link = program.take_link(link).map_err(|error| failed(&error))?;
    let mut file = BufReader::new(link.into_file().map_err(|error| failed(&error))?);
    let mut records = Vec::new();
    let mut bytes = [0; HEAD + LIFE];
    while records.len() < GATHERED && file.read_exact(&mut bytes).is_ok() {
        records.extend(RingRecord::read(&bytes));
    }
    let _ = program.unload();
    Ok(records)
}

/// In which containers the owner and the closer run: looked up once for each process, while it is there.
fn containers_of(
    known: &TrackedSocket,
    containers: &mut HashMap<(u64, u32), Option<Arc<str>>>,
) -> [Option<Arc<str>>; 2] {
    [known.owner, known.closer].map(|who: Who| {
        if who.pid == 0 {
            return None;
        }
        if containers.len() >= PROCESSES {
            containers.clear();
        }
        let found = containers
            .entry((who.started, who.tgid))
            .or_insert_with(|| container::of(who.pid).map(Arc::from));
        found.clone()
    })
}

/// The number of this thread's namespace of that kind.
fn namespace(kind: &str) -> Result<u32, Refused> {
    let path = format!("/proc/thread-self/ns/{kind}");
    let about = fs::metadata(&path).map_err(|error| Refused(format!("{path}: {error}")))?;
    u32::try_from(about.ino()).map_err(|_| Refused(format!("{path}: a number out of range")))
}

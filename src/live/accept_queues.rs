//! Queues of connections that wait to be accepted: which of them are full, and when they were.
//!
//! A first segment that comes to a full queue is dropped without a word: there is no socket, no answer
//! and nothing to trace. So the kernel's count of that is looked at, and where it grew, its listeners.

use super::libpcap::wall_clock;
use super::listeners::reaches;
use crate::base::time::Timestamp;
use crate::facts::kernel::Queue;
use crate::packet::Endpoint;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};
use std::fs::File;
use std::io::{Read, Seek};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

/// The kernel's counts, of this network namespace.
const COUNTS: &str = "/proc/thread-self/net/netstat";
const COUNTED: &str = "ListenOverflows";
/// Full queues that are remembered.
const MOST: usize = 256;
/// A queue that was full so long before a failure, or after it, has to do with it: a connect is tried
/// for about three seconds before it is judged, and the queues are looked at each second.
const BEFORE: Duration = Duration::from_secs(5);
const AFTER: Duration = Duration::from_secs(2);
/// An answer of the kernel, and how many of them are read.
const ANSWER: usize = 32 << 10;
const ANSWERS: usize = 1_024;
/// Who listens is asked for with these numbers (linux/netlink.h, sock_diag.h, inet_diag.h, tcp_states.h).
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const REQUEST_DUMP: u16 = 0x301;
const DONE: u16 = 3;
const FAILED: u16 = 2;
const TCP: u8 = 6;
const LISTEN: u32 = 1 << 10;
const HEAD: usize = 16;
const FAMILIES: [u8; 2] = [2, 10];

/// The queues of this network namespace.
pub(super) struct Queues {
    counts: File,
    asked: OwnedFd,
    /// Connects that were turned away so far.
    overflows: u64,
    full: Vec<(Endpoint, Queue)>,
}

impl Queues {
    /// Opens what tells of them; `None` where the kernel does not.
    pub(super) fn open() -> Option<Self> {
        let asked = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            SockProtocol::NetlinkSockDiag,
        );
        let counts = File::open(COUNTS).ok()?;
        let mut queues = Self { counts, asked: asked.ok()?, overflows: 0, full: Vec::new() };
        queues.overflows = queues.count()?;
        // The kernel may have to load what answers this, and does so for root.
        let _ = queues.listeners();
        Some(queues)
    }

    /// Looks for full queues, if connects were turned away since the last time.
    pub(super) fn look(&mut self) {
        let Some(overflows) = self.count() else { return };
        if overflows == self.overflows {
            return;
        }
        self.overflows = overflows;
        for (at, queue) in self.listeners() {
            // The kernel takes one more than it was told.
            if queue.length <= queue.most {
                continue;
            }
            self.full.retain(|(other, _)| *other != at);
            self.full.push((at, queue));
        }
        let more = self.full.len().saturating_sub(MOST);
        self.full.drain(..more);
    }

    /// The queue that a connect to `server` came to, if it was full at about `at`.
    pub(super) fn full(&mut self, server: Endpoint, at: Timestamp) -> Option<Queue> {
        self.look();
        let (_, queue) = self.full.iter().rev().find(|(listener, queue)| {
            listener.port == server.port
                && reaches(listener.addr, server.addr)
                && at.since(queue.at) <= BEFORE
                && queue.at.since(at) <= AFTER
        })?;
        Some(*queue)
    }

    fn count(&mut self) -> Option<u64> {
        let mut text = String::new();
        self.counts.rewind().ok()?;
        self.counts.read_to_string(&mut text).ok()?;
        overflows(&text)
    }

    fn listeners(&self) -> Vec<(Endpoint, Queue)> {
        let mut found = Vec::new();
        for family in FAMILIES {
            let all = NetlinkAddr::new(0, 0);
            if sendto(self.asked.as_raw_fd(), &request(family), &all, MsgFlags::empty()).is_err() {
                continue;
            }
            let now = wall_clock();
            let mut answer = vec![0; ANSWER];
            for _ in 0..ANSWERS {
                let got = recv(self.asked.as_raw_fd(), &mut answer, MsgFlags::empty());
                let Some(bytes) = got.ok().and_then(|got| answer.get(..got)) else { break };
                if bytes.is_empty() || !messages(bytes, now, &mut found) {
                    break;
                }
            }
        }
        found
    }
}

/// Names in one line, numbers in the next, in the same order.
fn overflows(text: &str) -> Option<u64> {
    let mut lines = text.lines();
    while let (Some(names), Some(numbers)) = (lines.next(), lines.next()) {
        let mut both = names.split_ascii_whitespace().zip(numbers.split_ascii_whitespace());
        if let Some((_, number)) = both.find(|(name, _)| *name == COUNTED) {
            return number.parse().ok();
        }
    }
    None
}

fn request(family: u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(72);
    bytes.extend(72_u32.to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(REQUEST_DUMP.to_ne_bytes());
    // Its number, and who asks; neither matters.
    bytes.extend([0; 8]);
    bytes.extend([family, TCP, 0, 0]);
    bytes.extend(LISTEN.to_ne_bytes());
    // Whichever socket.
    bytes.resize(72, 0);
    bytes
}

/// Reads listeners off an answer; returns whether there may be more.
fn messages(mut bytes: &[u8], now: Timestamp, found: &mut Vec<(Endpoint, Queue)>) -> bool {
    while let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() {
        let [a, b, c, d, e, f, ..] = *head;
        let length = usize::try_from(u32::from_ne_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        let kind = u16::from_ne_bytes([e, f]);
        let Some(body) = length.checked_sub(HEAD).and_then(|length| rest.get(..length)) else {
            return false;
        };
        if kind == DONE || kind == FAILED {
            return false;
        }
        found.extend(listener(body, now));
        bytes = rest.get(body.len().next_multiple_of(4)..).unwrap_or_default();
    }
    true
}

/// `struct inet_diag_msg`: of a listener, the queues' fields are what waits and what may wait.
fn listener(body: &[u8], now: Timestamp) -> Option<(Endpoint, Queue)> {
    let port = u16::from_be_bytes(*body.get(4..)?.first_chunk()?);
    let address: [u8; 16] = *body.get(8..)?.first_chunk()?;
    let addr = match body.first()? {
        2 => IpAddr::V4(Ipv4Addr::from(*address.first_chunk::<4>()?)),
        _ => IpAddr::V6(Ipv6Addr::from(address)),
    };
    let number = |from: usize| Some(u32::from_ne_bytes(*body.get(from..)?.first_chunk()?));
    let queue = Queue { at: now, length: number(56)?, most: number(60)? };
    Some((Endpoint { addr, port }, queue))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sched::{CloneFlags, unshare};
    use nix::sys::socket::{Backlog, listen};
    use std::net::{TcpListener, TcpStream};
    use std::process::Command;

    #[test]
    fn the_kernels_count_is_found_by_its_name() {
        let text = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 1 23 45\nIpExt: InNoRoutes\nIpExt: 0\n";
        assert_eq!(overflows(text), Some(23));
        assert_eq!(overflows("IpExt: InNoRoutes\nIpExt: 0\n"), None);
        assert_eq!(overflows(""), None);
    }

    #[test]
    fn a_listener_is_told_with_its_queue() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let Some(queues) = Queues::open() else {
            eprintln!("skipped: this kernel does not tell who listens");
            return;
        };
        let at = listener.local_addr().unwrap();
        let listeners = queues.listeners();
        let found = listeners.iter().find(|(at_, _)| (at_.addr, at_.port) == (at.ip(), at.port()));
        let (_, queue) = found.unwrap();
        assert_eq!(queue.length, 0);
        assert!(queue.most >= 16, "{queue:?}");
    }

    #[test]
    fn a_connect_that_was_turned_away_finds_the_queue_that_was_full() {
        let test = || {
            if unshare(CloneFlags::CLONE_NEWNET).is_err() {
                eprintln!("skipped: network namespaces need root");
                return;
            }
            let up = Command::new("ip").args(["link", "set", "lo", "up"]).status();
            let up = up.is_ok_and(|up| up.success());
            let Some(mut queues) = Queues::open().filter(|_| up) else {
                eprintln!("skipped: this needs iproute2, and a kernel that tells who listens");
                return;
            };
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listen(&listener, Backlog::new(0).unwrap()).unwrap();
            let at = listener.local_addr().unwrap();
            let server = Endpoint { addr: at.ip(), port: at.port() };
            assert_eq!(queues.full(server, wall_clock()), None);
            let brief = Duration::from_millis(300);
            let _first = TcpStream::connect_timeout(&at, brief).unwrap();
            assert_eq!(queues.full(server, wall_clock()), None, "nobody was turned away yet");
            assert!(TcpStream::connect_timeout(&at, brief).is_err());
            let queue = queues.full(server, wall_clock()).unwrap();
            assert_eq!((queue.length, queue.most), (1, 0));
            let now = wall_clock();
            assert_eq!(queues.full(Endpoint { port: 1, ..server }, now), None);
            assert_eq!(queues.full(server, now.plus(BEFORE + AFTER)), None, "long ago");
            listener.accept().unwrap();
        };
        std::thread::spawn(test).join().unwrap();
    }

    #[test]
    fn an_answer_that_is_cut_yields_what_is_whole() {
        let mut found = Vec::new();
        let mut bytes = request(2);
        assert!(messages(&bytes, Timestamp::default(), &mut found));
        bytes.truncate(40);
        assert!(!messages(&bytes, Timestamp::default(), &mut found));
        assert!(messages(&[1, 2, 3], Timestamp::default(), &mut found));
        assert_eq!(found.len(), 0);
    }
}

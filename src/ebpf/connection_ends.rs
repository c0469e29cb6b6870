//! Connections' ends on this host, from their beginnings to their ends: which one was there when.
//!
//! Addresses and ports come again, at times within milliseconds, and the same ones may be there in
//! several network namespaces. An end is named by when it was there, and where that does not name one,
//! nothing is said.

use crate::base::time::Timestamp;
use crate::facts::kernel::{Closed, End, Ends, How, Process, Queue, Reset, ResetReason};
use crate::packet::{Endpoint, SeqNum};
use foldhash::fast::RandomState;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

/// What stands before a life in a record: when, which socket (u64 each), what happened, records lost so
/// far (u32 each).
pub(super) const HEAD: usize = 24;
/// A life, as the kernel's programs have it.
pub(super) const LIFE: usize = 192;
/// Lives that are kept; about 20 MiB.
const MOST: usize = 65_536;
/// Lives of the same addresses and ports.
const MOST_ALIKE: usize = 8;
/// An end that has been gone for longer than this has nothing to do with what is seen now: the kernel
/// answers for it for a minute, and so may the other end.
const REMEMBERED: u64 = 120_000_000_000;
/// The kernel stamps an event and its frame a moment apart.
const MOMENT: u64 = 100_000;

/// What a record is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RecordKind {
    /// Something of a socket changed.
    State,
    /// The socket is no connection any more.
    Ended,
    /// A reset was sent.
    Reset,
    /// A reset was the answer to a first segment.
    Refused,
    /// A connection waits at a full queue.
    Queue,
}

/// A process, as the kernel's programs know it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Who {
    /// When it began, on the kernel's clock: its number alone may come again.
    pub(super) started: u64,
    /// Number of the process as the kernel counts.
    pub(super) tgid: u32,
    /// Number of the process as seen from here; 0 when it is not.
    pub(super) pid: u32,
    command: [u8; 16],
}

/// What the kernel's programs know of a socket. Times are on the kernel's clock, 0 for never.
#[derive(Clone, Debug)]
pub(super) struct TrackedSocket {
    born: u64,
    read: u64,
    written: u64,
    closed_at: u64,
    reset_at: u64,
    queue_at: u64,
    pub(super) owner: Who,
    pub(super) closer: Who,
    local: Endpoint,
    remote: Endpoint,
    net: u32,
    retransmits: u32,
    read_to: u32,
    received_to: u32,
    reset_number: u32,
    queue_length: u32,
    queue_most: u32,
    how: u8,
    signal: u8,
    why: u8,
}

/// A record of the ring.
#[derive(Clone, Debug)]
pub(super) struct RingRecord {
    at: u64,
    socket: u64,
    kind: RecordKind,
    lost: u32,
    pub(super) known: TrackedSocket,
}

/// Reads numbers off bytes that may be too few: then they are 0.
struct FieldReader<'b>(&'b [u8]);

impl FieldReader<'_> {
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let Some((first, rest)) = self.0.split_first_chunk() else { return [0; N] };
        self.0 = rest;
        *first
    }

    fn u64(&mut self) -> u64 {
        u64::from_ne_bytes(self.bytes())
    }

    fn u32(&mut self) -> u32 {
        u32::from_ne_bytes(self.bytes())
    }

    fn u8(&mut self) -> u8 {
        let [byte] = self.bytes();
        byte
    }

    fn who(&mut self) -> Who {
        Who { started: self.u64(), tgid: self.u32(), pid: self.u32(), command: self.bytes() }
    }

    fn address(&mut self) -> IpAddr {
        let address = Ipv6Addr::from(self.bytes::<16>());
        address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4)
    }

    fn port(&mut self) -> u16 {
        u16::from_be_bytes(self.bytes())
    }
}

impl TrackedSocket {
    /// Reads what `struct life` holds.
    pub(super) fn read(bytes: &[u8; LIFE]) -> Self {
        let mut fields = FieldReader(bytes);
        let f = &mut fields;
        let (born, read, written) = (f.u64(), f.u64(), f.u64());
        let (closed_at, reset_at, queue_at, _told) = (f.u64(), f.u64(), f.u64(), f.u64());
        let (owner, closer) = (f.who(), f.who());
        let addresses = (f.address(), f.address());
        let ports = (f.port(), f.port());
        Self {
            born,
            read,
            written,
            closed_at,
            reset_at,
            queue_at,
            owner,
            closer,
            local: Endpoint { addr: addresses.0, port: ports.0 },
            remote: Endpoint { addr: addresses.1, port: ports.1 },
            net: f.u32(),
            retransmits: f.u32(),
            read_to: f.u32(),
            received_to: f.u32(),
            reset_number: f.u32(),
            queue_length: f.u32(),
            queue_most: f.u32(),
            how: f.u8(),
            signal: f.u8(),
            why: f.u8(),
        }
    }
}

impl RingRecord {
    /// Reads a record; `None` when it is none.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
        let mut fields = FieldReader(head);
        let (at, socket) = (fields.u64(), fields.u64());
        let kind = match fields.u32() {
            0 => RecordKind::State,
            1 => RecordKind::Ended,
            2 => RecordKind::Reset,
            3 => RecordKind::Refused,
            4 => RecordKind::Queue,
            _ => return None,
        };
        let lost = fields.u32();
        let known = TrackedSocket::read(rest.first_chunk::<LIFE>()?);
        Some(Self { at, socket, kind, lost, known })
    }
}

/// One end of one connection.
#[derive(Clone, Debug)]
struct Life {
    /// Names it among all.
    serial: u64,
    /// 0: no socket is known, only what the kernel said in the name of one.
    socket: u64,
    begun: u64,
    ended: Option<u64>,
    /// By when all this is known.
    known_at: u64,
    /// The life's times are as of `known_at`, and may be behind.
    is_behind: bool,
    known: TrackedSocket,
    owner_in: Option<Arc<str>>,
    closer_in: Option<Arc<str>>,
}

/// One side's addresses and ports: its own, the other's.
type Tuple = (Endpoint, Endpoint);

/// The lives of a host.
#[derive(Debug)]
pub(super) struct Lives {
    /// The network namespace in which this program watches.
    net: u32,
    lives: HashMap<Tuple, Vec<Life>, RandomState>,
    order: VecDeque<(Tuple, u64)>,
    serial: u64,
    lost: u32,
    /// Records were lost, the last time before this.
    lost_by: Option<u64>,
}

/// What is to be looked up in the kernel, to know it by now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Question {
    tuple: Tuple,
    serial: u64,
    pub(super) socket: u64,
}

impl Lives {
    pub(super) fn new(net: u32) -> Self {
        let (lives, order) = (HashMap::default(), VecDeque::new());
        Self { net, lives, order, serial: 0, lost: 0, lost_by: None }
    }

    /// Records lost so far.
    pub(super) fn lost(&self) -> u32 {
        self.lost
    }

    /// Notes how many records were lost by now.
    pub(super) fn note_lost(&mut self, lost: u32, now: u64) {
        let more = lost.wrapping_sub(self.lost);
        // Processors count at once: a record may carry a count from just before the last one's.
        if more > 0 && more < u32::MAX / 2 {
            self.lost = lost;
            self.lost_by = self.lost_by.max(Some(now));
        }
    }

    /// Takes a record, and in which containers its owner and its closer run.
    pub(super) fn take(&mut self, record: RingRecord, containers: [Option<Arc<str>>; 2]) {
        self.note_lost(record.lost, record.at);
        if record.socket == 0 {
            self.take_word(record);
        } else {
            self.take_socket(record, containers);
        }
    }

    /// What is known of a socket.
    fn take_socket(&mut self, record: RingRecord, [owner_in, closer_in]: [Option<Arc<str>>; 2]) {
        let RingRecord { at, socket, kind, known, .. } = record;
        let tuple = (known.local, known.remote);
        let (net, begun) = (known.net, known.born);
        let ended = (kind == RecordKind::Ended).then_some(at);
        let alike = self.lives.entry(tuple).or_default();
        if let Some(life) = alike.iter_mut().rev().find(|life| life.is(socket, &known)) {
            life.learn(known, at);
            life.ended = life.ended.or(ended);
            (life.owner_in, life.closer_in) = (owner_in, closer_in);
            return;
        }
        let mut life = Life { socket, begun, ended, owner_in, closer_in, ..Life::of(known, at) };
        // What waited at the queue is this.
        if let Some(last) = alike.last()
            && (last.socket, last.known.net, last.ended) == (0, net, None)
        {
            life.keep(&last.known.clone());
            alike.pop();
        }
        for older in alike.iter_mut().filter(|life| life.known.net == net) {
            older.ended.get_or_insert(begun.max(older.known_at));
        }
        self.push(tuple, life);
    }

    /// What the kernel said of addresses and ports, without a socket.
    fn take_word(&mut self, record: RingRecord) {
        let RingRecord { at, kind, known, .. } = record;
        let tuple = (known.local, known.remote);
        let alike = self.lives.entry(tuple).or_default();
        let last = alike.iter_mut().rev().find(|life| life.known.net == known.net);
        match (kind, last) {
            // It answers for a connection that was here.
            (RecordKind::Reset, Some(life)) if !life.is_refusal() => life.keep(&known),
            (RecordKind::Queue, Some(life)) if life.socket == 0 && life.ended.is_none() => {
                life.known = known;
            }
            (RecordKind::Reset | RecordKind::Refused | RecordKind::Queue, _) => {
                let ended = (kind != RecordKind::Queue).then_some(at);
                self.push(tuple, Life { ended, ..Life::of(known, at) });
            }
            // These are about a socket.
            (RecordKind::State | RecordKind::Ended, _) => {}
        }
    }

    fn push(&mut self, tuple: Tuple, life: Life) {
        self.serial = self.serial.saturating_add(1);
        let alike = self.lives.entry(tuple).or_default();
        if alike.len() >= MOST_ALIKE {
            alike.remove(0);
        }
        alike.push(Life { serial: self.serial, ..life });
        self.order.push_back((tuple, self.serial));
        while self.order.len() > MOST
            && let Some((tuple, serial)) = self.order.pop_front()
        {
            if let Some(alike) = self.lives.get_mut(&tuple) {
                alike.retain(|life| life.serial != serial);
                if alike.is_empty() {
                    self.lives.remove(&tuple);
                }
            }
        }
    }

    /// The end with these addresses and ports that was there at `at`, if it was just one. `sure`: and
    /// none has come since that nobody heard of.
    fn find(&self, tuple: Tuple, at: u64, sure: bool) -> Option<&Life> {
        let alike = self.lives.get(&tuple)?;
        let elsewhere = tuple.0.addr.is_loopback() || tuple.1.addr.is_loopback();
        let mut found: Option<&Life> = None;
        for life in alike.iter().filter(|life| !elsewhere || life.known.net == self.net) {
            let begun = life.begun <= at.saturating_add(MOMENT);
            // The last that had begun by then.
            match found {
                _ if !begun => {}
                Some(other) if other.known.net != life.known.net => return None,
                Some(other) if other.begun > life.begun => {}
                _ => found = Some(life),
            }
        }
        found.filter(|life| {
            let gone = life.ended.is_some_and(|ended| at > ended.saturating_add(REMEMBERED));
            // What was lost since may have ended it, and begun another one.
            let unsure =
                self.lost_by.is_some_and(|lost| life.known_at < lost && at > life.known_at);
            !(gone || sure && unsure)
        })
    }

    /// Both ends of a connection: its client's, its server's.
    fn both(&self, client: Endpoint, server: Endpoint, at: u64, sure: bool) -> [Option<&Life>; 2] {
        let ends = [(client, server), (server, client)].map(|tuple| self.find(tuple, at, sure));
        if let [Some(one), Some(other)] = ends {
            // The end of an older connection is none of this one's.
            if other.ended.is_some_and(|ended| ended < one.begun) {
                return [Some(one), None];
            }
            if one.ended.is_some_and(|ended| ended < other.begun) {
                return [None, Some(other)];
            }
        }
        ends
    }

    /// The sockets of this connection, of which the kernel may know more by now.
    pub(super) fn questions(&self, client: Endpoint, server: Endpoint, at: u64) -> Vec<Question> {
        let ends = self.both(client, server, at, false).into_iter().flatten();
        ends.filter(|life| life.socket != 0)
            .map(|life| Question {
                tuple: (life.known.local, life.known.remote),
                serial: life.serial,
                socket: life.socket,
            })
            .collect()
    }

    /// Notes what the kernel knows of a socket at `now`, as far as it is still the one that was asked
    /// for.
    pub(super) fn answer(&mut self, question: Question, known: TrackedSocket, now: u64) {
        let alike = self.lives.get_mut(&question.tuple);
        let life = alike
            .and_then(|alike| alike.iter_mut().find(|life| life.serial == question.serial))
            .filter(|life| life.is(question.socket, &known));
        if let Some(life) = life {
            let same = life.known.owner == known.owner;
            life.learn(known, now);
            life.is_behind = false;
            if !same {
                life.owner_in = None;
            }
        }
    }

    /// What is known of the ends of the connection that was there at `at`; `offset` leads from the
    /// kernel's clock to the world's.
    pub(super) fn ends(
        &self,
        client: Endpoint,
        server: Endpoint,
        at: u64,
        offset: u64,
    ) -> Option<Ends> {
        let [client, server] =
            self.both(client, server, at, true).map(|life| life.map(|life| life.end(offset)));
        (client.is_some() || server.is_some()).then_some(Ends { client, server })
    }
}

impl Life {
    fn of(known: TrackedSocket, at: u64) -> Self {
        Self {
            serial: 0,
            socket: 0,
            begun: at,
            ended: None,
            known_at: at,
            is_behind: true,
            known,
            owner_in: None,
            closer_in: None,
        }
    }

    /// Whether this is the life of that socket, and of the same one.
    fn is(&self, socket: u64, known: &TrackedSocket) -> bool {
        (self.socket, self.known.born, self.known.net) == (socket, known.born, known.net)
            && (self.known.local, self.known.remote) == (known.local, known.remote)
    }

    /// Nothing but a reset is known of it.
    fn is_refusal(&self) -> bool {
        self.socket == 0 && self.ended.is_some()
    }

    fn learn(&mut self, known: TrackedSocket, at: u64) {
        let before = std::mem::replace(&mut self.known, known);
        self.known_at = self.known_at.max(at);
        self.is_behind = true;
        self.keep(&before);
    }

    /// Keeps what the kernel said without naming the socket.
    fn keep(&mut self, before: &TrackedSocket) {
        let known = &mut self.known;
        if known.queue_at == 0 {
            known.queue_at = before.queue_at;
            known.queue_length = before.queue_length;
            known.queue_most = before.queue_most;
        }
        if known.reset_at == 0 {
            known.reset_at = before.reset_at;
            known.why = before.why;
            known.reset_number = before.reset_number;
        }
    }

    fn end(&self, offset: u64) -> End {
        let known = &self.known;
        let time = |at: u64| (at > 0).then(|| Timestamp::from_nanos(at.saturating_add(offset)));
        let sure = |at: u64| time(at).filter(|_| !self.is_behind || self.ended.is_some());
        End {
            owner: known.owner.process(self.owner_in.as_ref()),
            last_read: sure(known.read),
            last_written: sure(known.written),
            closed: time(known.closed_at).and_then(|at| {
                Some(Closed {
                    at,
                    by: known.closer.process(self.closer_in.as_ref()),
                    how: known.how()?,
                    read_to: SeqNum(known.read_to),
                    received_to: SeqNum(known.received_to),
                })
            }),
            reset: time(known.reset_at).map(|at| Reset { at, why: known.why() }),
            retransmits: known.retransmits,
            queue: time(known.queue_at).map(|at| Queue {
                at,
                length: known.queue_length,
                most: known.queue_most,
            }),
        }
    }
}

impl TrackedSocket {
    fn how(&self) -> Option<How> {
        Some(match self.how {
            0 => return None,
            1 => How::Close,
            2 => How::Shutdown,
            3 => How::Exit { signal: (self.signal != 0).then_some(self.signal) },
            _ => How::Untold,
        })
    }

    fn why(&self) -> ResetReason {
        match self.why {
            1 => ResetReason::NoSocket,
            2 => ResetReason::TimeWait,
            3 => ResetReason::UnreadData,
            4 => ResetReason::LingerZero,
            5 => ResetReason::AfterClose,
            6 => ResetReason::Other(self.reset_number),
            _ => ResetReason::Untold,
        }
    }
}

impl Who {
    fn process(&self, container: Option<&Arc<str>>) -> Option<Process> {
        let command = self.command.split(|byte| *byte == 0).next().unwrap_or_default();
        (self.pid != 0).then(|| Process {
            pid: self.pid,
            command: command.to_vec(),
            container: container.map(|id| id.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: u32 = 7;
    const OTHER: u32 = 8;

    fn at(text: &str) -> Endpoint {
        let at: std::net::SocketAddr = text.parse().unwrap();
        Endpoint { addr: at.ip(), port: at.port() }
    }

    fn client() -> Endpoint {
        at("10.0.0.1:40000")
    }

    fn server() -> Endpoint {
        at("10.0.0.2:80")
    }

    /// A record as the kernel's programs write it.
    struct Told {
        at: u64,
        socket: u64,
        kind: u32,
        lost: u32,
        born: u64,
        net: u32,
        pid: u32,
        reset_at: u64,
        tuple: Tuple,
    }

    fn told(at: u64, socket: u64) -> Told {
        let tuple = (server(), client());
        Told { at, socket, kind: 0, lost: 0, born: at, net: OWN, pid: 11, reset_at: 0, tuple }
    }

    fn bytes(of: &Told) -> Vec<u8> {
        let address = |addr: IpAddr| match addr {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => v6.octets(),
        };
        let mut bytes = Vec::new();
        bytes.extend(of.at.to_ne_bytes());
        bytes.extend(of.socket.to_ne_bytes());
        bytes.extend(of.kind.to_ne_bytes());
        bytes.extend(of.lost.to_ne_bytes());
        for number in [of.born, 21, 22, 0, of.reset_at, 0, of.at] {
            bytes.extend(number.to_ne_bytes());
        }
        for pid in [of.pid, 0] {
            bytes.extend(1_u64.to_ne_bytes());
            bytes.extend(pid.to_ne_bytes());
            bytes.extend(pid.to_ne_bytes());
            bytes.extend(*b"gunicorn\0\0\0\0\0\0\0\0");
        }
        bytes.extend(address(of.tuple.0.addr));
        bytes.extend(address(of.tuple.1.addr));
        bytes.extend(of.tuple.0.port.to_be_bytes());
        bytes.extend(of.tuple.1.port.to_be_bytes());
        for number in [of.net, 3, 100, 109, 14, 0, 0] {
            bytes.extend(number.to_ne_bytes());
        }
        bytes.extend([0, 0, u8::from(of.reset_at > 0) * 2, 1, 1, 0, 0, 0]);
        bytes
    }

    fn lives(all: &[Told]) -> Lives {
        let mut lives = Lives::new(OWN);
        for one in all {
            lives.take(RingRecord::read(&bytes(one)).unwrap(), [None, None]);
        }
        lives
    }

    fn server_of(lives: &Lives, at: u64) -> Option<End> {
        lives.ends(client(), server(), at, 0).and_then(|ends| ends.server)
    }

    fn pid(lives: &Lives, at: u64) -> Option<u32> {
        server_of(lives, at)?.owner.map(|owner| owner.pid)
    }

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let whole = bytes(&told(5, 99));
        assert_eq!(whole.len(), HEAD + LIFE);
        let lives = lives(&[Told { kind: 1, reset_at: 4, ..told(5, 99) }]);
        let end = server_of(&lives, 5).unwrap();
        let owner = end.owner.unwrap();
        assert_eq!((owner.pid, owner.command.as_slice()), (11, b"gunicorn".as_slice()));
        assert_eq!(end.last_read, Some(Timestamp::from_nanos(21)));
        assert_eq!(end.last_written, Some(Timestamp::from_nanos(22)));
        assert_eq!(end.retransmits, 3);
        let reset = Reset { at: Timestamp::from_nanos(4), why: ResetReason::TimeWait };
        assert_eq!((end.reset, end.closed, end.queue), (Some(reset), None, None));
        for cut in 0..HEAD + LIFE {
            assert!(RingRecord::read(&whole[..cut]).is_none());
        }
    }

    #[test]
    fn times_that_may_be_behind_are_not_told() {
        let lives = lives(&[told(SECOND, 99)]);
        let end = server_of(&lives, 2 * SECOND).unwrap();
        assert_eq!((end.last_read, end.last_written), (None, None));
        assert!(end.owner.is_some());
    }

    #[test]
    fn ports_that_come_again_are_told_apart_by_time() {
        let second = Told { pid: 12, ..told(20 * SECOND, 98) };
        let lives = lives(&[
            told(SECOND, 99),
            Told { kind: 1, born: SECOND, ..told(10 * SECOND, 99) },
            second,
        ]);
        assert_eq!(pid(&lives, SECOND / 2), None, "it was not there yet");
        assert_eq!(pid(&lives, 5 * SECOND), Some(11));
        assert_eq!(pid(&lives, 15 * SECOND), Some(11), "the other end may still speak of it");
        assert_eq!(pid(&lives, 20 * SECOND), Some(12));
        // The socket's memory may be used again, too.
        let again = Told { pid: 13, ..told(30 * SECOND, 98) };
        let mut lives = lives;
        lives.take(RingRecord::read(&bytes(&again)).unwrap(), [None, None]);
        assert_eq!((pid(&lives, 29 * SECOND), pid(&lives, 30 * SECOND)), (Some(12), Some(13)));
    }

    #[test]
    fn what_is_long_gone_has_nothing_to_do_with_what_is_seen_now() {
        let lives = lives(&[Told { kind: 1, ..told(SECOND, 99) }]);
        assert_eq!(pid(&lives, 60 * SECOND), Some(11));
        assert_eq!(pid(&lives, 600 * SECOND), None);
    }

    #[test]
    fn after_a_loss_nothing_old_is_believed_until_it_is_heard_of_again() {
        let another = (at("10.0.0.3:80"), client());
        let mut lives =
            lives(&[told(SECOND, 99), Told { lost: 1, tuple: another, ..told(10 * SECOND, 50) }]);
        assert_eq!(pid(&lives, SECOND), Some(11), "then it was so");
        assert_eq!(pid(&lives, 5 * SECOND), None, "it may have been another by then");
        let heard = Told { lost: 1, born: SECOND, ..told(12 * SECOND, 99) };
        lives.take(RingRecord::read(&bytes(&heard)).unwrap(), [None, None]);
        assert_eq!(pid(&lives, 13 * SECOND), Some(11));
        // The kernel still has the same one.
        lives.note_lost(2, 20 * SECOND);
        assert_eq!(pid(&lives, 21 * SECOND), None);
        let [question] = lives.questions(client(), server(), 21 * SECOND)[..] else { panic!() };
        let known = RingRecord::read(&bytes(&heard)).unwrap().known;
        lives.answer(question, TrackedSocket { born: 5, ..known.clone() }, 22 * SECOND);
        assert_eq!(pid(&lives, 21 * SECOND), None, "that is another one");
        lives.answer(question, known, 22 * SECOND);
        assert_eq!(pid(&lives, 21 * SECOND), Some(11));
        assert!(server_of(&lives, 21 * SECOND).unwrap().last_read.is_some());
    }

    /// Processors count at once: a count from just before the last one's is no loss, and none that is new.
    #[test]
    fn a_count_of_losses_that_is_behind_is_no_loss() {
        let mut lives = lives(&[Told { lost: 5, ..told(SECOND, 99) }]);
        assert_eq!((lives.lost(), pid(&lives, 2 * SECOND)), (5, Some(11)));
        lives.note_lost(4, 3 * SECOND);
        assert_eq!((lives.lost(), pid(&lives, 4 * SECOND)), (5, Some(11)));
        lives.note_lost(6, 5 * SECOND);
        assert_eq!((lives.lost(), pid(&lives, 6 * SECOND)), (6, None));
    }

    /// A frame is stamped a moment before or after the kernel's programs say of what connection it is.
    #[test]
    fn a_frame_from_a_moment_before_its_connection_is_of_it() {
        let lives = lives(&[Told { kind: 1, ..told(SECOND, 99) }]);
        assert_eq!(pid(&lives, SECOND - MOMENT), Some(11));
        assert_eq!(pid(&lives, SECOND - MOMENT - 1), None);
        assert_eq!(pid(&lives, SECOND + REMEMBERED), Some(11));
        assert_eq!(pid(&lives, SECOND + REMEMBERED + 1), None);
    }

    #[test]
    fn two_namespaces_with_the_same_addresses_say_nothing() {
        let elsewhere = Told { net: OTHER, pid: 12, ..told(2 * SECOND, 98) };
        let two = lives(&[told(SECOND, 99), elsewhere]);
        assert_eq!(pid(&two, SECOND), Some(11), "the other was not there yet");
        assert_eq!(pid(&two, 3 * SECOND), None);
    }

    #[test]
    fn loopback_is_that_of_the_own_namespace() {
        let (client, server) = (at("127.0.0.1:40000"), at("127.0.0.1:80"));
        let tuple = (server, client);
        let lives = lives(&[
            Told { tuple, ..told(SECOND, 99) },
            Told { tuple, net: OTHER, pid: 12, ..told(2 * SECOND, 98) },
        ]);
        let end = lives.ends(client, server, 3 * SECOND, 0).unwrap().server.unwrap();
        assert_eq!(end.owner.unwrap().pid, 11);
    }

    #[test]
    fn an_end_that_was_gone_before_the_other_came_is_not_the_others() {
        let lives = lives(&[
            Told { kind: 1, ..told(SECOND, 99) },
            Told { tuple: (client(), server()), pid: 12, ..told(2 * SECOND, 98) },
        ]);
        let ends = lives.ends(client(), server(), 3 * SECOND, 0).unwrap();
        assert_eq!(ends.client.unwrap().owner.unwrap().pid, 12);
        assert_eq!(ends.server, None);
    }

    #[test]
    fn a_reset_without_a_socket_belongs_to_whom_it_answers_for() {
        let word = |at, kind| Told { kind, pid: 0, reset_at: at, ..told(at, 0) };
        let mut lives = lives(&[Told { kind: 1, ..told(SECOND, 99) }, word(2 * SECOND, 2)]);
        let end = server_of(&lives, 2 * SECOND).unwrap();
        assert_eq!((end.owner.unwrap().pid, end.reset.unwrap().why), (11, ResetReason::TimeWait));
        // The answer to a first segment is about another connection.
        lives.take(RingRecord::read(&bytes(&word(3 * SECOND, 3))).unwrap(), [None, None]);
        let end = server_of(&lives, 3 * SECOND).unwrap();
        assert_eq!((end.owner, end.reset.is_some()), (None, true));
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let mut lives = Lives::new(OWN);
        let ports = 1_u16..=60_000;
        let both = [1, 2].into_iter().flat_map(|host| ports.clone().map(move |port| (host, port)));
        for ((host, port), number) in both.zip(1..=MOST as u64 + 100) {
            let tuple = (server(), Endpoint { addr: [10, 1, 1, host].into(), port });
            let told = Told { tuple, ..told(number, number) };
            lives.take(RingRecord::read(&bytes(&told)).unwrap(), [None, None]);
        }
        let kept: usize = lives.lives.values().map(Vec::len).sum();
        assert_eq!((kept, lives.order.len()), (MOST, MOST));
        // The same addresses and ports over and over.
        for number in 0..1_000 {
            let told = told(SECOND + number, 1_000_000 + number);
            lives.take(RingRecord::read(&bytes(&told)).unwrap(), [None, None]);
        }
        assert_eq!(lives.lives[&(server(), client())].len(), MOST_ALIKE);
        assert!(lives.order.len() <= MOST);
    }
}

//! A conversation builder: makes the frames of one TCP connection with right numbers, from any
//! initial sequence numbers, and writes captures that open in Wireshark.
//!
//! Each end knows what it sent and what it heard. What one sends the other hears at once, unless it
//! is sent `unheard`: then it is on the wire while the other end speaks without knowing of it.

#![allow(dead_code, unreachable_pub)] // Tests and benchmarks each use a part of it.

use std::time::Duration;
use why502::inside::base::time::Timestamp;
use why502::inside::packet::{self, FrameRef, LinkType};

/// Who speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Proxy,
    Backend,
}

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const PSH: u8 = 8;
pub const ACK: u8 = 16;

#[derive(Clone, Debug)]
pub struct Frame {
    /// Nanoseconds since the epoch.
    pub at: u64,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Host {
    addr: [u8; 4],
    port: u16,
    /// Next sequence number.
    seq: u32,
    /// Acknowledgement number: what it heard.
    heard: u32,
    ttl: u8,
    /// The window that it advertises.
    window: u16,
}

/// One connection from a proxy (10.0.0.9) to a backend (10.0.0.1:8080).
#[derive(Clone, Debug)]
pub struct Talk {
    pub frames: Vec<Frame>,
    now: u64,
    proxy: Host,
    backend: Host,
}

/// 2026-11-20T12:00:00Z.
const NOON: u64 = 1_795_176_000_000_000_000;
/// Between two frames, unless told otherwise.
const STEP: Duration = Duration::from_micros(150);

impl Talk {
    /// A connection whose ends begin to count at these numbers.
    pub fn new(proxy_isn: u32, backend_isn: u32) -> Self {
        Self {
            frames: Vec::new(),
            now: NOON,
            proxy: Host {
                addr: [10, 0, 0, 9],
                port: 40_000,
                seq: proxy_isn,
                heard: 0,
                ttl: 64,
                window: 0xffff,
            },
            backend: Host {
                addr: [10, 0, 0, 1],
                port: 8080,
                seq: backend_isn,
                heard: 0,
                ttl: 64,
                window: 0xffff,
            },
        }
    }

    /// The same from another port of the proxy, to tell connections apart in one capture.
    pub fn on_port(mut self, port: u16) -> Self {
        self.proxy.port = port;
        self
    }

    /// The same between other ends.
    pub fn between(mut self, proxy: ([u8; 4], u16), backend: ([u8; 4], u16)) -> Self {
        (self.proxy.addr, self.proxy.port) = proxy;
        (self.backend.addr, self.backend.port) = backend;
        self
    }

    /// The same, beginning later.
    pub fn after(mut self, wait: Duration) -> Self {
        self.now += wait.as_nanos() as u64;
        self
    }

    /// The number on the wire of what `from` sends next.
    pub fn number(&self, from: End) -> u32 {
        match from {
            End::Proxy => self.proxy.seq,
            End::Backend => self.backend.seq,
        }
    }

    /// The proxy's port.
    pub const fn port(&self) -> u16 {
        self.proxy.port
    }

    /// When it last sent something, in nanoseconds since the epoch.
    pub fn now(&self) -> u64 {
        self.now
    }

    fn ends(&mut self, from: End) -> (&mut Host, &mut Host) {
        match from {
            End::Proxy => (&mut self.proxy, &mut self.backend),
            End::Backend => (&mut self.backend, &mut self.proxy),
        }
    }

    /// Any segment. The sender's number moves on; whether the other end hears of it is up to the
    /// caller.
    fn segment(&mut self, from: End, flags: u8, payload: &[u8], ttl: Option<u8>) -> &mut Self {
        self.now += STEP.as_nanos() as u64;
        let at = self.now;
        let (sender, receiver) = self.ends(from);
        let bytes = ethernet(sender, receiver, flags, payload, ttl.unwrap_or(sender.ttl));
        let taken = payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        sender.seq = sender.seq.wrapping_add(taken);
        self.frames.push(Frame { at, bytes });
        self
    }

    /// A segment that nobody sent as part of the conversation: with these numbers and time to live, and
    /// neither end takes note of it.
    pub fn stray(
        &mut self,
        from: End,
        flags: u8,
        (seq, ack): (u32, u32),
        payload: &[u8],
        ttl: u8,
    ) -> &mut Self {
        let known = (self.proxy, self.backend);
        let (sender, _) = self.ends(from);
        (sender.seq, sender.heard) = (seq, ack);
        self.segment(from, flags, payload, Some(ttl));
        (self.proxy, self.backend) = known;
        self
    }

    /// What `from` has heard of the other end.
    pub fn heard(&self, from: End) -> u32 {
        match from {
            End::Proxy => self.proxy.heard,
            End::Backend => self.backend.heard,
        }
    }

    /// So many bytes of `from` pass while nothing is captured, and the other end hears them.
    pub fn uncaptured(&mut self, from: End, bytes: u32) -> &mut Self {
        let (sender, _) = self.ends(from);
        sender.seq = sender.seq.wrapping_add(bytes);
        self.hear(Self::peer(from))
    }

    /// The clock leaps back.
    pub fn back(&mut self, leap: Duration) -> &mut Self {
        self.now -= leap.as_nanos() as u64;
        self
    }

    fn hear(&mut self, listener: End) -> &mut Self {
        let (host, speaker) = self.ends(listener);
        host.heard = speaker.seq;
        self
    }

    fn peer(from: End) -> End {
        match from {
            End::Proxy => End::Backend,
            End::Backend => End::Proxy,
        }
    }

    fn heard_segment(&mut self, from: End, flags: u8, payload: &[u8]) -> &mut Self {
        self.segment(from, flags, payload, None).hear(Self::peer(from))
    }

    pub fn syn(&mut self) -> &mut Self {
        self.heard_segment(End::Proxy, SYN, b"")
    }

    /// The SYN again, unanswered so far.
    pub fn syn_again(&mut self) -> &mut Self {
        let (sender, _) = self.ends(End::Proxy);
        sender.seq = sender.seq.wrapping_sub(1);
        self.syn()
    }

    pub fn handshake(&mut self) -> &mut Self {
        self.syn().heard_segment(End::Backend, SYN | ACK, b"").ack(End::Proxy)
    }

    /// A handshake as it is captured at the backend: the proxy's word comes after `way`.
    pub fn syn_and_wait(&mut self, way: Duration) -> &mut Self {
        self.syn().heard_segment(End::Backend, SYN | ACK, b"").idle(way).ack(End::Proxy)
    }

    pub fn syn_ack(&mut self) -> &mut Self {
        self.heard_segment(End::Backend, SYN | ACK, b"")
    }

    /// The SYN+ACK again, though the proxy has answered it.
    pub fn syn_ack_again(&mut self) -> &mut Self {
        let backend = self.backend;
        self.backend.seq = backend.seq.wrapping_sub(1);
        self.segment(End::Backend, SYN | ACK, b"", None);
        self.backend = backend;
        self
    }

    /// What `from` advertises from now on.
    pub fn window(&mut self, from: End, window: u16) -> &mut Self {
        self.ends(from).0.window = window;
        self
    }

    pub fn ack(&mut self, from: End) -> &mut Self {
        self.segment(from, ACK, b"", None)
    }

    pub fn data(&mut self, from: End, payload: &[u8]) -> &mut Self {
        self.heard_segment(from, PSH | ACK, payload)
    }

    /// On the wire, and not (or never) received.
    pub fn data_unheard(&mut self, from: End, payload: &[u8]) -> &mut Self {
        self.segment(from, PSH | ACK, payload, None)
    }

    pub fn fin(&mut self, from: End) -> &mut Self {
        self.heard_segment(from, FIN | ACK, b"")
    }

    pub fn fin_unheard(&mut self, from: End) -> &mut Self {
        self.segment(from, FIN | ACK, b"", None)
    }

    /// What was sent unheard arrives.
    pub fn arrives(&mut self, at: End) -> &mut Self {
        self.hear(at)
    }

    /// A segment with payload that closes.
    pub fn data_with_fin(&mut self, from: End, payload: &[u8]) -> &mut Self {
        let (sender, _) = self.ends(from);
        // The FIN takes a number after those of the payload.
        let after = sender.seq.wrapping_add(payload.len() as u32 + 1);
        self.segment(from, FIN | PSH | ACK, payload, None);
        self.ends(from).0.seq = after;
        self.hear(Self::peer(from))
    }

    /// The same bytes again, unheard, with a FIN after them.
    pub fn again_with_fin(&mut self, from: End, payload: &[u8]) -> &mut Self {
        let (sender, _) = self.ends(from);
        sender.seq = sender.seq.wrapping_sub(payload.len() as u32);
        self.segment(from, FIN | PSH | ACK, payload, None)
    }

    /// RST with ACK flag, as `close` with unread data sends it.
    pub fn rst(&mut self, from: End) -> &mut Self {
        self.segment(from, RST | ACK, b"", None)
    }

    /// The same from something between, which does not know the TTL.
    pub fn rst_foreign(&mut self, from: End, ttl: u8) -> &mut Self {
        self.segment(from, RST | ACK, b"", Some(ttl))
    }

    /// RST without ACK flag, as a host answers a segment for which it has no connection: its
    /// sequence number is what the segment acknowledged.
    pub fn rst_in_reply(&mut self, from: End) -> &mut Self {
        let heard = self.ends(Self::peer(from)).0.heard;
        let (sender, _) = self.ends(from);
        let (seq, ack) = (sender.seq, sender.heard);
        (sender.seq, sender.heard) = (heard, 0);
        self.segment(from, RST, b"", None);
        let (sender, _) = self.ends(from);
        (sender.seq, sender.heard) = (seq, ack);
        self
    }

    /// RST in answer to a SYN: sequence number 0.
    pub fn refuse(&mut self) -> &mut Self {
        self.backend.seq = 0;
        self.rst(End::Backend)
    }

    /// The same bytes again: `payload` was the last that `from` sent.
    pub fn again(&mut self, from: End, payload: &[u8]) -> &mut Self {
        let (sender, _) = self.ends(from);
        sender.seq = sender.seq.wrapping_sub(payload.len() as u32);
        self.segment(from, PSH | ACK, payload, None)
    }

    /// The same bytes three times more: those of a sender that nobody answers.
    pub fn again_and_again(&mut self, from: End, payload: &[u8]) -> &mut Self {
        for _ in 0..3 {
            self.idle(Duration::from_millis(400)).again(from, payload);
        }
        self
    }

    /// The FIN again, which may acknowledge more by now.
    pub fn fin_again(&mut self, from: End) -> &mut Self {
        let (sender, _) = self.ends(from);
        sender.seq = sender.seq.wrapping_sub(1);
        self.segment(from, FIN | ACK, b"", None)
    }

    pub fn idle(&mut self, wait: Duration) -> &mut Self {
        self.now += wait.as_nanos() as u64;
        self
    }

    /// A whole exchange in two segments and their acknowledgements.
    pub fn exchange(&mut self, target: &str, body: usize) -> &mut Self {
        self.data(End::Proxy, &get(target))
            .ack(End::Backend)
            .data(End::Backend, &ok(body))
            .ack(End::Proxy)
    }

    /// Both ends close in order, the given one first.
    pub fn close(&mut self, first: End) -> &mut Self {
        self.fin(first).fin(Self::peer(first)).ack(first)
    }
}

pub fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: shop.example\r\n\r\n").into_bytes()
}

/// The head of a POST that announces `body` bytes.
pub fn post_head(target: &str, body: usize) -> Vec<u8> {
    format!("POST {target} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {body}\r\n\r\n")
        .into_bytes()
}

pub fn ok(body: usize) -> Vec<u8> {
    let mut response = ok_head(body);
    response.resize(response.len() + body, b'x');
    response
}

pub fn ok_head(body: usize) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {body}\r\n\r\n").into_bytes()
}

/// A classic capture, microseconds or nanoseconds, either byte order, of frames that begin with an
/// Ethernet header.
pub fn pcap(frames: &[Frame]) -> Vec<u8> {
    let mut file = Vec::new();
    for field in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 1] {
        file.extend_from_slice(&field.to_le_bytes());
    }
    for frame in frames {
        let len = frame.bytes.len() as u32;
        for field in
            [(frame.at / 1_000_000_000) as u32, (frame.at % 1_000_000_000) as u32, len, len]
        {
            file.extend_from_slice(&field.to_le_bytes());
        }
        file.extend_from_slice(&frame.bytes);
    }
    file
}

/// The frames of several conversations in the order of their time.
pub fn together(talks: &[&Talk]) -> Vec<Frame> {
    let mut frames: Vec<Frame> = talks.iter().flat_map(|talk| talk.frames.clone()).collect();
    frames.sort_by_key(|frame| frame.at);
    frames
}

/// Frames as they come from a capture, numbered from 1.
pub fn captured(frames: &[Frame]) -> impl Iterator<Item = packet::Frame<'_>> {
    frames.iter().zip(1..).map(|(frame, number)| packet::Frame {
        reference: FrameRef { capture: 0, number, at: Timestamp::from_nanos(frame.at) },
        link: LinkType::ETHERNET,
        wire_len: frame.bytes.len() as u32,
        bytes: &frame.bytes,
    })
}

fn ethernet(from: &Host, to: &Host, flags: u8, payload: &[u8], ttl: u8) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, to.addr[3], 2, 0, 0, 0, 0, from.addr[3], 8, 0];
    let total = (40 + payload.len()) as u16;
    let mut ip = vec![0x45, 0];
    ip.extend_from_slice(&total.to_be_bytes());
    ip.extend_from_slice(&[0, 0, 0x40, 0, ttl, 6, 0, 0]);
    ip.extend_from_slice(&from.addr);
    ip.extend_from_slice(&to.addr);
    let sum = checksum(&ip, 0);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    frame.extend_from_slice(&ip);
    let mut tcp = Vec::new();
    tcp.extend_from_slice(&from.port.to_be_bytes());
    tcp.extend_from_slice(&to.port.to_be_bytes());
    tcp.extend_from_slice(&from.seq.to_be_bytes());
    let ack = if flags & ACK != 0 { from.heard } else { 0 };
    tcp.extend_from_slice(&ack.to_be_bytes());
    tcp.extend_from_slice(&[5 << 4, flags]);
    tcp.extend_from_slice(&from.window.to_be_bytes());
    tcp.extend_from_slice(&[0; 4]);
    tcp.extend_from_slice(payload);
    let pseudo = [&ip[12..20], &[0, 6], &((20 + payload.len()) as u16).to_be_bytes()].concat();
    let sum = checksum(&tcp, sum_of(&pseudo));
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    frame.extend_from_slice(&tcp);
    frame
}

fn sum_of(bytes: &[u8]) -> u32 {
    bytes
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)])))
        .sum()
}

fn checksum(bytes: &[u8], start: u32) -> u16 {
    let mut sum = start + sum_of(bytes);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

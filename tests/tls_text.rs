//! Conversations sealed by TLS, whose text is told by one end or by both: what is said of them must be
//! what is said of the same conversations in clear, and never more where something was not told.

use crate::conversations::{Expected, SCENARIOS};
use crate::properties::{Ending, Plan, causes, plans};
use crate::scenarios::analyze;
use crate::tls_records::{client_hello, record, sealed, server_first};
use crate::wire::{self, End, Frame, Talk, get, ok, ok_head};
use proptest::prelude::*;
use std::collections::HashMap;
use std::time::Duration;
use why502::inside::analysis::{Analysis, RecordOptions, Settings};
use why502::inside::base::time::Timestamp;
use why502::inside::exchange::{Output, Reader};
use why502::inside::flow::{Connection, Limits, Table};
use why502::inside::input::{CaptureFacts, CaptureFormat};
use why502::inside::packet::{self, Endpoint, FrameRef, LinkType, SeqNum};
use why502::inside::report::Report;
use why502::inside::report::records::Record;
use why502::inside::streams::told::{EarlyWords, Spoken, TextOrigin, Word};

/// Which end's programs tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Told {
    Proxy,
    Backend,
    Both,
}

/// What happens on the host of a watch.
#[derive(Clone, Debug)]
enum Event {
    Frame(Frame),
    /// A frame at another viewpoint.
    Elsewhere(Frame),
    Spoken(Spoken),
    /// A word was lost.
    Lost,
    /// For a while nothing happens.
    Nothing(u64),
}

/// How much longer a record is than its text.
const BEFORE: usize = 5;
const AFTER: usize = 17;
/// What the two ends send of a handshake, in turn: hello, hello and certificate, finished, tickets.
fn shakes() -> [Vec<u8>; 4] {
    let finished = [record(20, &[1]), sealed(53)].concat();
    [client_hello(&[]), server_first(&[]).bytes, finished, [sealed(250), sealed(250)].concat()]
}

/// One end of a connection, sealed.
#[derive(Clone, Debug, Default)]
struct Sealed {
    /// The number of the first byte, and up to where the text was sealed.
    first: u32,
    text: u32,
    /// Where pieces of text end, and where on the wire.
    ends: Vec<(u32, u32)>,
    /// On the wire.
    sent: u32,
    /// How far the other end has read.
    read: u32,
    closed: bool,
    /// What was told of it, by the sender and by the receiver.
    told: [u32; 2],
}

impl Sealed {
    /// Where on the wire the text before `text` ends.
    fn wire(&self, text: u32) -> u32 {
        let (end, wire) =
            self.ends.iter().rev().find(|(end, _)| *end <= text).copied().unwrap_or((0, 0));
        wire.wrapping_add(text.wrapping_sub(end))
    }
}

/// The headers of a frame, with other numbers and another payload.
fn rewritten(frame: &Frame, at: u64, seq: u32, ack: u32, payload: &[u8]) -> Frame {
    let mut bytes = frame.bytes[..54].to_vec();
    bytes[16..18].copy_from_slice(&(40 + payload.len() as u16).to_be_bytes());
    // Every transmission has its own.
    bytes[18..20].copy_from_slice(&((at / 1_000) as u16 | 1).to_be_bytes());
    bytes[38..42].copy_from_slice(&seq.to_be_bytes());
    bytes[42..46].copy_from_slice(&ack.to_be_bytes());
    bytes.extend_from_slice(payload);
    Frame { at, bytes }
}

fn flags(frame: &Frame) -> u8 {
    frame.bytes[47]
}

/// How it is told what was said.
#[derive(Clone, Copy, Debug)]
struct Way {
    told: Told,
    /// How much later than the segments.
    late: Duration,
    /// So much at once is read of what came, if not all.
    bite: Option<usize>,
    /// And so long apart.
    pause: Duration,
}

/// Told at once, and whole.
const SOON: Way =
    Way { told: Told::Both, late: Duration::ZERO, bite: None, pause: Duration::from_micros(10) };

/// Seals conversations that begin with their handshakes.
struct Sealer {
    way: Way,
    /// By address and port of an end, and those of its peer.
    ends: HashMap<(Endpoint, Endpoint), Sealed>,
    clients: Vec<(Endpoint, Endpoint)>,
    events: Vec<(u64, Event)>,
    /// Nothing is told before what was told before.
    said: u64,
}

impl Sealer {
    fn seal(frames: &[Frame], way: Way) -> Option<Vec<Event>> {
        let mut sealer =
            Self { way, ends: HashMap::new(), clients: Vec::new(), events: Vec::new(), said: 0 };
        for frame in frames {
            sealer.frame(frame)?;
        }
        sealer.events.sort_by_key(|(at, _)| *at);
        Some(sealer.events.into_iter().map(|(_, event)| event).collect())
    }

    fn end(&mut self, src: Endpoint, dst: Endpoint) -> &mut Sealed {
        self.ends.entry((src, dst)).or_default()
    }

    /// `None` for what cannot be sealed: text that overlaps other text, connections begun before.
    fn frame(&mut self, frame: &Frame) -> Option<()> {
        let whole = packet::Frame {
            reference: FrameRef { capture: 0, number: 1, at: Timestamp::from_nanos(frame.at) },
            link: LinkType::ETHERNET,
            wire_len: frame.bytes.len() as u32,
            bytes: &frame.bytes,
        };
        let segment = packet::decode(&whole).ok()?;
        let (src, dst) = (segment.src, segment.dst);
        let flags = flags(frame);
        if flags & wire::SYN != 0 {
            if flags & wire::ACK == 0 && !self.clients.contains(&(src, dst)) {
                self.clients.push((src, dst));
            }
            self.end(src, dst).first = segment.seq.0.wrapping_add(1);
            self.events.push((frame.at, Event::Frame(frame.clone())));
            return Some(());
        }
        let client = self.clients.contains(&(src, dst));
        if !client && !self.clients.contains(&(dst, src)) {
            return None;
        }
        let len = segment.payload.len() as u32;
        if len > 0 && self.end(src, dst).ends.is_empty() {
            // Who has closed greets nobody.
            if self.end(src, dst).closed || self.end(dst, src).closed {
                return None;
            }
            let (c, s) = if client { (src, dst) } else { (dst, src) };
            self.handshake(frame, client, c, s)?;
        }
        if flags & wire::RST != 0 && segment.seq.0 == 0 {
            self.events.push((frame.at, Event::Frame(frame.clone())));
            return Some(());
        }
        let peer = self.end(dst, src).clone();
        let heard = segment.ack.0.wrapping_sub(peer.first);
        if flags & wire::ACK != 0 && heard > 1 << 20 {
            return None;
        }
        let ack = peer.first.wrapping_add(peer.wire(heard));
        let at = frame.at;
        let sender = self.end(src, dst);
        let from = segment.seq.0.wrapping_sub(sender.first);
        if from > 1 << 20 {
            return None;
        }
        let ack = if flags & wire::ACK == 0 { segment.ack.0 } else { ack };
        let mut said = None;
        let mut record = Vec::new();
        if len > 0 {
            let end = from + len;
            if from == sender.text {
                let wire = sender.sent + (BEFORE + AFTER) as u32 + len;
                sender.ends.push((end, wire));
                said = Some((sender.sent, wire));
                (sender.text, sender.sent) = (end, wire);
            }
            if end > sender.text || !sender.ends.iter().any(|(there, _)| *there == end) {
                return None;
            }
            let size = sender.wire(end) - sender.wire(from);
            record = vec![0xaa; size as usize];
            record[..3].copy_from_slice(&[23, 3, 3]);
            record[3..5].copy_from_slice(&(size as u16 - 5).to_be_bytes());
        }
        let seq = sender.first.wrapping_add(sender.wire(from));
        let first = sender.first;
        self.events.push((at, Event::Frame(rewritten(frame, at, seq, ack, &record))));
        if let Some((from, to)) = said {
            self.tell(at, src, dst, client, TextOrigin::Sender, first, (from, to), segment.payload);
        }
        // What was sent to an end that has closed is not read any more.
        if len > 0 && !self.end(dst, src).closed {
            let sender = self.end(src, dst);
            let (before, now) = (sender.read, sender.wire(from + len));
            if now > before {
                sender.read = now;
                self.tell(
                    at,
                    src,
                    dst,
                    client,
                    TextOrigin::Receiver,
                    first,
                    (before, now),
                    segment.payload,
                );
            }
        }
        if flags & (wire::FIN | wire::RST) != 0 {
            self.end(src, dst).closed = true;
        }
        Some(())
    }

    #[allow(clippy::too_many_arguments)]
    fn tell(
        &mut self,
        at: u64,
        src: Endpoint,
        dst: Endpoint,
        by_client: bool,
        by: TextOrigin,
        first: u32,
        (from, to): (u32, u32),
        text: &[u8],
    ) {
        let proxy = by_client == (by == TextOrigin::Sender);
        let tells = match self.way.told {
            Told::Both => true,
            Told::Proxy => proxy,
            Told::Backend => !proxy,
        };
        if !tells {
            return;
        }
        let bite = self.way.bite.filter(|_| by == TextOrigin::Receiver).unwrap_or(usize::MAX);
        let mut rest = text;
        let mut again = false;
        self.said = self.said.max(at + self.way.late.as_nanos() as u64);
        while !rest.is_empty() || !again {
            let (text, after) = rest.split_at(rest.len().min(bite));
            let told = &mut self.end(src, dst).told[usize::from(by == TextOrigin::Receiver)];
            let order = *told;
            *told += 1;
            let spoken = Spoken {
                order,
                at: Timestamp::from_nanos(at),
                src,
                dst,
                by,
                from: SeqNum(first.wrapping_add(from)),
                to: SeqNum(first.wrapping_add(to)),
                again,
                len: text.len() as u32,
                text: text.into(),
            };
            self.events.push((self.said, Event::Spoken(spoken)));
            self.said += self.way.pause.as_nanos() as u64;
            (rest, again) = (after, true);
        }
    }

    /// What comes before the first text.
    fn handshake(
        &mut self,
        frame: &Frame,
        from_client: bool,
        client: Endpoint,
        server: Endpoint,
    ) -> Option<()> {
        let before = frame.at.checked_sub(100_000)?;
        // A frame of the other side: addresses, ports and what else differs.
        let mut other = frame.clone();
        let (a, b) = (frame.bytes[26..30].to_vec(), frame.bytes[30..34].to_vec());
        other.bytes[26..30].copy_from_slice(&b);
        other.bytes[30..34].copy_from_slice(&a);
        let (a, b) = (frame.bytes[34..36].to_vec(), frame.bytes[36..38].to_vec());
        other.bytes[34..36].copy_from_slice(&b);
        other.bytes[36..38].copy_from_slice(&a);
        let (of_client, of_server) = if from_client { (frame, &other) } else { (&other, frame) };
        for (number, bytes) in shakes().into_iter().enumerate() {
            let (by_client, size) = (number % 2 == 0, bytes.len());
            let at = before + number as u64 * 20_000;
            let (src, dst) = if by_client { (client, server) } else { (server, client) };
            let heard = self.end(dst, src).clone();
            let sender = self.end(src, dst);
            let (first, sent) = (sender.first, sender.sent);
            sender.sent += size as u32;
            sender.read = sender.sent;
            let template = if by_client { of_client } else { of_server };
            let mut made = rewritten(
                template,
                at,
                first.wrapping_add(sent),
                heard.first.wrapping_add(heard.sent),
                &bytes,
            );
            made.bytes[47] = wire::PSH | wire::ACK;
            self.events.push((at, Event::Frame(made)));
            let range = (sent, sent + size as u32);
            self.tell(at, src, dst, by_client, TextOrigin::Sender, first, range, b"");
            self.tell(at, src, dst, by_client, TextOrigin::Receiver, first, range, b"");
        }
        for ends in [(client, server), (server, client)] {
            let end = self.end(ends.0, ends.1);
            end.ends.push((0, end.sent));
        }
        Some(())
    }
}

/// What a watch says that sees and hears all this.
fn watched(events: &[Event]) -> (Report, Vec<Record>) {
    watched_as(events, Settings::default())
}

fn watched_as(events: &[Event], settings: Settings) -> (Report, Vec<Record>) {
    let records = RecordOptions { exchanges: true, ..RecordOptions::default() };
    let mut analysis = Analysis::new(Settings { records, ..settings });
    analysis.listen();
    let mut told = Vec::new();
    let mut out = |record| told.push(record);
    let mut stamps = Vec::new();
    for (number, event) in events.iter().enumerate() {
        match event {
            Event::Frame(frame) | Event::Elsewhere(frame) => {
                let viewpoint = u32::from(matches!(event, Event::Elsewhere(_)));
                let at = Timestamp::from_nanos(frame.at);
                stamps.push(at);
                let reference = FrameRef { capture: 0, number: stamps.len() as u64, at };
                let wire_len = frame.bytes.len() as u32;
                let link = LinkType::ETHERNET;
                let frame = packet::Frame { reference, link, wire_len, bytes: &frame.bytes };
                analysis.frame(&frame, viewpoint, &mut out);
            }
            Event::Spoken(spoken) => {
                analysis.hear(spoken.clone(), &mut out);
                // What is told at once is heard at once.
                if !matches!(events.get(number + 1), Some(Event::Spoken(_))) {
                    analysis.heard(&mut out);
                }
            }
            Event::Lost => analysis.missed(1),
            Event::Nothing(until) => analysis.tick(Timestamp::from_nanos(*until), &mut out),
        }
    }
    let facts = CaptureFacts {
        path: "lo".to_owned(),
        format: CaptureFormat::Live,
        links: vec![LinkType::ETHERNET],
        frames: stamps.len() as u64,
        bytes: 0,
        first: stamps.iter().min().copied(),
        last: stamps.iter().max().copied(),
        truncated_frames: 0,
        filtered: 0,
        dropped: None,
        damage: None,
    };
    let report = analysis.finish([&facts], &mut [], &mut out);
    (report, told)
}

fn said(report: &Report) -> Vec<Expected> {
    let expected = |failure: &why502::inside::report::FailureRecord| Expected {
        cause: failure.cause.name(),
        certainty: failure.certainty.name(),
        retry: failure.retry.name(),
    };
    report.failures.iter().map(expected).collect()
}

const CERTAINTIES: [&str; 3] = ["possible", "likely", "proven"];

/// What may be said where not all is known: fewer failures, and with less certainty; no others.
fn is_no_more(said: &[Expected], than: &[Expected]) -> bool {
    let sure = |one: &Expected| CERTAINTIES.iter().position(|word| *word == one.certainty);
    let mut left = than.to_vec();
    said.iter().all(|one| {
        let fits = |other: &Expected| {
            other.cause == one.cause
                && sure(one) <= sure(other)
                && (one.retry == other.retry || one.retry != "safe")
        };
        left.iter().position(fits).map(|at| left.swap_remove(at)).is_some()
    })
}

/// What may be said where something was lost: what is proven is true, and nothing is called safe that is
/// not.
fn proves_no_more(said: &[Expected], than: &[Expected]) -> bool {
    let safe = than.iter().any(|one| one.retry == "safe");
    said.len() <= than.len()
        && said.iter().all(|one| {
            let known = than.iter().any(|other| other.cause == one.cause);
            (known || one.certainty != "proven") && (safe || one.retry != "safe")
        })
}

fn in_order(mut said: Vec<Expected>) -> Vec<String> {
    said.sort_by_key(|one| (one.cause, one.certainty, one.retry));
    said.iter().map(|one| format!("{} {} {}", one.cause, one.certainty, one.retry)).collect()
}

#[test]
fn every_conversation_gets_the_verdict_that_it_gets_in_clear() {
    let mut sealed = 0;
    for scenario in SCENARIOS {
        let mut talk = Talk::new(0xffff_ff80, 0x7fff_fff0);
        (scenario.play)(&mut talk);
        for late in [0, 60] {
            let late = Duration::from_millis(late);
            let way = Way { late, ..SOON };
            let Some(events) = Sealer::seal(&talk.frames, way) else { continue };
            sealed += 1;
            let (report, _) = watched(&events);
            let (plain, found) = (in_order((scenario.expected)()), in_order(said(&report)));
            assert_eq!(found, plain, "{}, told {late:?} late", scenario.name);
        }
    }
    assert!(sealed >= SCENARIOS.len(), "{sealed}");
}

#[test]
fn where_one_end_tells_alone_nothing_else_is_said() {
    let (mut alike, mut sealed) = (0, 0);
    for scenario in SCENARIOS {
        let mut talk = Talk::new(7, 0xffff_fff0);
        (scenario.play)(&mut talk);
        for told in [Told::Proxy, Told::Backend] {
            for bite in [None, Some(1), Some(20)] {
                let way = Way { told, late: Duration::from_millis(20), bite, ..SOON };
                let Some(events) = Sealer::seal(&talk.frames, way) else { continue };
                let (found, plain) = (said(&watched(&events).0), (scenario.expected)());
                sealed += 1;
                alike += u32::from(in_order(found.clone()) == in_order(plain.clone()));
                let no_more = is_no_more(&found, &plain);
                assert!(no_more, "{} by {told:?} ({bite:?}): {found:?}", scenario.name);
            }
        }
    }
    // What the one that tells has never read is known by its records alone, and judged where the backend is named.
    assert!(alike * 4 >= sealed * 3, "{alike} of {sealed}");
}

/// A race whose late request only the proxy knew.
fn race() -> Talk {
    let mut talk = Talk::new(77, 0xffff_ff00);
    talk.handshake().exchange("/first?token=s3cret", 40).idle(Duration::from_secs(5));
    talk.fin_unheard(End::Backend).data(End::Proxy, &get("/lost")).rst_in_reply(End::Backend);
    talk
}

#[test]
fn targets_and_statuses_are_read() {
    for told in [Told::Proxy, Told::Backend, Told::Both] {
        let way = Way { told, late: Duration::from_millis(5), ..SOON };
        let events = Sealer::seal(&race().frames, way).unwrap();
        let (report, records) = watched(&events);
        let exchanges: Vec<String> = records
            .iter()
            .filter_map(|record| match record {
                Record::Exchange(exchange) => Some(serde_json::to_value(exchange).unwrap()),
                _ => None,
            })
            .map(|one| format!("{} {} {}", one["protocol"], one["target"], one["status"]))
            .collect();
        let all = ["\"http1\" \"/first?token=…\" 200", "\"http1\" \"/lost\" null"];
        // Nobody on the backend's side has read the last one: it is known by its records alone.
        let read = if told == Told::Backend { 1 } else { 2 };
        assert_eq!(exchanges, all[..read], "{told:?}");
        let race: &[&str] = if told == Told::Backend { &[] } else { &["keepalive_race"] };
        assert_eq!(causes(&report), race);
        let note = report.notes.iter().find(|note| note.code == "tls_in_clear").unwrap();
        assert!(
            note.text.starts_with("1 TLS connection was read from what programs"),
            "{}",
            note.text
        );
    }
}

#[test]
fn of_what_nobody_tells_the_same_is_said_as_without_listening() {
    for scenario in SCENARIOS {
        let mut talk = Talk::new(1, 2);
        (scenario.play)(&mut talk);
        let Some(events) = Sealer::seal(&talk.frames, SOON) else { continue };
        let frames = |event: &Event| match event {
            Event::Frame(frame) => Some(frame.clone()),
            _ => None,
        };
        let frames: Vec<Frame> = events.iter().filter_map(frames).collect();
        let untold: Vec<Event> = frames.iter().cloned().map(Event::Frame).collect();
        let (report, plain) = (watched(&untold).0, analyze(&frames));
        let json = |report: &Report| {
            let mut value = serde_json::to_value(report).unwrap();
            value["captures"].take();
            value["notes"].as_array_mut().unwrap().retain(|note| note["code"] != "tls_in_clear");
            value
        };
        assert_eq!(json(&report), json(&plain), "{}", scenario.name);
    }
}

/// Told when the connection has long gone on, it is as if it had not been told.
#[test]
fn what_is_told_too_late_is_not_waited_for() {
    for (late, read) in [(500, true), (6_000, false)] {
        let way = Way { late: Duration::from_millis(late), ..SOON };
        let mut events = Sealer::seal(&race().frames, way).unwrap();
        let first = events.iter().position(|event| matches!(event, Event::Spoken(_))).unwrap();
        let Event::Frame(before) = &events[first - 1] else { panic!("frames come first") };
        let later = before.at + 400_000_000;
        events.insert(first, Event::Nothing(later));
        let (report, _) = watched(&events);
        assert_eq!(report.failures.len(), usize::from(read));
        let none = |text: &str| text.starts_with("none of 1 TLS connection");
        assert_eq!(report.notes.iter().any(|note| none(&note.text)), !read);
    }
}

#[test]
fn an_answer_that_the_proxy_never_read_whole_accuses_nobody_of_cutting_it() {
    // It read 10 bytes of the 4,000 that came, and no more when the backend had closed.
    let mut talk = Talk::new(5, 6);
    talk.handshake().data(End::Proxy, &get("/large")).ack(End::Backend);
    talk.data(End::Backend, &ok(1_000)).ack(End::Proxy).close(End::Backend);
    let way = Way { told: Told::Proxy, bite: Some(100), ..SOON };
    let mut events = Sealer::seal(&talk.frames, way).unwrap();
    let (whole, _) = watched(&events);
    assert!(whole.failures.is_empty());
    events.retain(|event| !matches!(event, Event::Spoken(spoken) if spoken.again));
    let (report, _) = watched(&events);
    assert!(report.failures.is_empty(), "{:?}", report.failures);
}

/// What may be an alert by its length is none where more was sent behind it.
#[test]
fn two_bytes_of_an_answer_that_the_proxy_never_read_are_no_alert() {
    let mut talk = Talk::new(5, 6);
    talk.handshake().data(End::Proxy, &get("/short")).ack(End::Backend);
    talk.data(End::Backend, &ok_head(2)).data(End::Backend, b"{}").ack(End::Proxy);
    // As long as an alert.
    talk.data(End::Backend, b"!!").ack(End::Proxy).close(End::Backend);
    let way = Way { told: Told::Proxy, ..SOON };
    let mut events = Sealer::seal(&talk.frames, way).unwrap();
    events.retain(|event| !matches!(event, Event::Spoken(spoken) if spoken.len == 2));
    let (report, _) = watched(&events);
    assert!(report.failures.is_empty(), "{:?}", report.failures);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_segmentation_is_read_as_in_clear(plan in plans(), late in 0..140_u64, bite in 1..3_000_usize, pause in 0..3_000_u64, both: bool) {
        let frames = plan.play();
        let told = if both { Told::Both } else { Told::Proxy };
        let way = Way { told, late: Duration::from_millis(late), bite: Some(bite), pause: Duration::from_micros(pause) };
        let (report, _) = watched(&Sealer::seal(&frames, way).unwrap());
        let plain = analyze(&frames);
        prop_assert_eq!(causes(&report), causes(&plain));
        prop_assert_eq!(report.counters.exchanges, plain.counters.exchanges);
        prop_assert_eq!(report.counters.capture_gaps, 0);
    }

    #[test]
    fn lost_words_never_accuse(plan in plans(), picks in prop::collection::vec(any::<prop::sample::Index>(), 1..6), told in prop_oneof![Just(Told::Proxy), Just(Told::Backend), Just(Told::Both)], bite in 1..3_000_usize) {
        let frames = plan.play();
        let way = Way { told, late: Duration::from_millis(3), bite: Some(bite), ..SOON };
        let mut events = Sealer::seal(&frames, way).unwrap();
        let plain = said(&analyze(&frames));
        for pick in picks {
            let spoken = |event: &Event| matches!(event, Event::Spoken(_));
            let places: Vec<usize> = (0..events.len()).filter(|at| spoken(&events[*at])).collect();
            if !places.is_empty() {
                events[places[pick.index(places.len())]] = Event::Lost;
            }
        }
        let found = said(&watched(&events).0);
        prop_assert!(proves_no_more(&found, &plain), "{found:?} instead of {plain:?}");
    }

    #[test]
    fn frames_lost_doubled_and_out_of_order_never_accuse(plan in plans(), picks in prop::collection::vec((any::<prop::sample::Index>(), 0..5_usize), 1..6), told in prop_oneof![Just(Told::Proxy), Just(Told::Both)]) {
        let whole = plan.play();
        let way = Way { told, late: Duration::from_millis(3), ..SOON };
        let mut events = Sealer::seal(&whole, way).unwrap();
        for (pick, what) in picks {
            let frame = |event: &Event| matches!(event, Event::Frame(_));
            let places: Vec<usize> = (0..events.len()).filter(|at| frame(&events[*at])).collect();
            let at = places[pick.index(places.len())];
            match what {
                0 => { events.remove(at); }
                1 => events.insert(at, events[at].clone()),
                by => {
                    let to = (at + by - 1).min(events.len() - 1);
                    let event = events.remove(at);
                    events.insert(to, event);
                }
            }
        }
        let (found, plain) = (said(&watched(&events).0), said(&analyze(&whole)));
        prop_assert!(proves_no_more(&found, &plain), "{found:?} instead of {plain:?}");
    }
}

/// One of two ends.
fn endpoint(number: bool) -> Endpoint {
    let addr = std::net::Ipv4Addr::new(10, 0, 0, 1 + u8::from(number)).into();
    Endpoint { addr, port: if number { 443 } else { 40_000 } }
}

/// Anything that may come, near some number and to or from either end.
#[derive(Clone, Debug)]
enum Any {
    Segment {
        way: bool,
        seq: u32,
        ack: u32,
        flags: u8,
        payload: Vec<u8>,
        wire: u32,
    },
    Word {
        way: bool,
        sender: bool,
        from: u32,
        size: u32,
        again: bool,
        len: u32,
        text: usize,
        order: u32,
    },
    Time(u64),
    GoOn,
}

fn anything() -> impl Strategy<Value = Any> {
    let number =
        || prop_oneof![4 => 0xffff_ff00..0xffff_ffff_u32, 4 => 0..600_u32, 1 => any::<u32>()];
    let payload = prop_oneof![
        Just(vec![]),
        Just(vec![22, 3, 1, 0, 40, 1, 0, 0]),
        Just(vec![23, 3, 3, 0, 19]),
        Just(b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..80),
    ];
    prop_oneof![
        6 => (any::<bool>(), number(), number(), 0..32_u8, payload, 0..400_u32).prop_map(
            |(way, seq, ack, flags, payload, more)| {
                let wire = payload.len() as u32 + if payload.is_empty() { 0 } else { more };
                Any::Segment { way, seq, ack, flags, payload, wire }
            }
        ),
        6 => (any::<[bool; 3]>(), number(), 0..600_u32, prop_oneof![0..400_u32, any::<u32>()], 0..100_usize, 0..3_u32)
            .prop_map(|([way, sender, again], from, size, len, text, order)| {
                let text = text.min(len as usize);
                Any::Word { way, sender, from, size, again, len, text, order }
            }),
        1 => (0..400_000_000_u64).prop_map(Any::Time),
        3 => Just(Any::GoOn),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is told: no panic, and every connection has its end.
    #[test]
    fn any_words_and_segments_do_no_harm(all in prop::collection::vec(anything(), 1..60)) {
        let (mut words, mut now) = (EarlyWords::default(), 1_000_000_000_u64);
        let mut table: Table<Reader> = Table::new(Limits::default(), []);
        table.expect_words();
        let (mut ended, mut taken) = (0, 0);
        let mut out = |output: Output, _: &Connection| {
            ended += u64::from(matches!(output, Output::Ended(_)));
        };
        for any in all {
            now += 1_000_000;
            let at = Timestamp::from_nanos(now);
            match any {
                Any::Segment { way, seq, ack, flags, payload, wire } => {
                    taken += 1;
                    let segment = packet::Segment {
                        frame: FrameRef { capture: 0, number: taken, at },
                        src: endpoint(way),
                        dst: endpoint(!way),
                        ttl: 64,
                        ip_id: 0,
                        seq: SeqNum(seq),
                        ack: SeqNum(ack),
                        flags: packet::Flags(flags),
                        window: 1,
                        scaling: packet::Scaling::Untold,
                        payload: &payload,
                        payload_len: wire,
                        outgoing: None,
                    };
                    table.push(&segment, 0, &mut out);
                }
                Any::Word { way, sender, from, size, again, len, text, order } => {
                    let (ends, word) = words.word(Spoken {
                        at,
                        src: endpoint(way),
                        dst: endpoint(!way),
                        by: if sender { TextOrigin::Sender } else { TextOrigin::Receiver },
                        from: SeqNum(from),
                        to: SeqNum(from.wrapping_add(size)),
                        again,
                        order,
                        len,
                        text: vec![b'x'; text].into(),
                    });
                    table.hear(ends.both(), &word, &mut out);
                }
                Any::Time(wait) => {
                    now += wait;
                    table.tick(Timestamp::from_nanos(now), &mut out);
                }
                Any::GoOn => {
                    for ends in words.take_heard() {
                        table.hear(ends.both(), &Word::GoOn, &mut out);
                    }
                }
            }
        }
        table.finish(&mut out);
        prop_assert_eq!(ended, table.counts().connections);
        drop(table);
        prop_assert_eq!(words.held_bytes(), 0);
    }
}

/// Words of connections that no segment is seen of take no more than their room.
#[test]
fn words_without_segments_are_bounded() {
    let mut words = EarlyWords::default();
    for number in 0..40_000_u32 {
        let port = (number % 20_000) as u16;
        let spoken = Spoken {
            at: Timestamp::from_nanos(u64::from(number)),
            src: Endpoint { port, ..endpoint(false) },
            dst: endpoint(true),
            by: TextOrigin::Sender,
            from: SeqNum(number),
            to: SeqNum(number + 5_000),
            again: false,
            order: number,
            len: 4_096,
            text: vec![b'x'; 4_096].into(),
        };
        let (ends, word) = words.word(spoken);
        words.keep(ends, word);
    }
    assert!(words.held_bytes() <= 33 << 20, "{}", words.held_bytes());
    words.pass_time(Timestamp::from_nanos(10_000_000_000));
    assert_eq!(words.held_bytes(), 0);
}

/// All but what one end said: Apache httpd, say, reads what comes as OpenSSL gives it, and writes in a way of its own.
fn told_of(events: &[Event], client: bool) -> Vec<Event> {
    let of = |event: &&Event| match event {
        Event::Spoken(spoken) => (spoken.dst.port == 8080) == client,
        _ => true,
    };
    events.iter().filter(of).cloned().collect()
}

#[test]
fn where_only_one_direction_is_told_nothing_else_is_said_and_nothing_is_clean() {
    for scenario in SCENARIOS {
        let mut talk = Talk::new(7, 0xffff_fff0);
        (scenario.play)(&mut talk);
        let Some(events) = Sealer::seal(&talk.frames, SOON) else { continue };
        for client in [true, false] {
            let report = watched(&told_of(&events, client)).0;
            let (found, plain) = (said(&report), (scenario.expected)());
            let name = scenario.name;
            assert!(proves_no_more(&found, &plain), "{name}, {client}: {found:?}");
        }
    }
}

/// What is not read is followed by its records: where the backend is named, that is judged.
#[test]
fn where_text_is_missing_turns_go_on() {
    let exchanges = |events: &[Event]| {
        let mut settings = Settings::default();
        settings.told.backends.push(":8080".parse().unwrap());
        let (report, records) = watched_as(events, settings);
        let all: Vec<String> = records
            .iter()
            .filter_map(|record| match record {
                Record::Exchange(exchange) => Some(serde_json::to_value(exchange).unwrap()),
                _ => None,
            })
            .map(|one| format!("{} {}", one["protocol"], one["target"]).replace('"', ""))
            .collect();
        (all, causes(&report))
    };
    let mut talk = Talk::new(77, 0xffff_ff00);
    talk.handshake().exchange("/1", 40).idle(Duration::from_secs(1));
    talk.exchange("/2", 40).idle(Duration::from_secs(1)).exchange("/3", 40);
    talk.idle(Duration::from_secs(5));
    talk.fin_unheard(End::Backend).data(End::Proxy, &get("/lost")).rst_in_reply(End::Backend);
    let events = Sealer::seal(&talk.frames, Way { told: Told::Proxy, ..SOON }).unwrap();
    let race = vec!["keepalive_race"];
    let all = ["http1 /1", "http1 /2", "http1 /3", "http1 /lost"].map(str::to_owned).to_vec();
    assert_eq!(exchanges(&events), (all, race.clone()));
    let words = places(&events, |event| matches!(event, Event::Spoken(one) if one.len > 0));
    // Of the second request, of its answer; and all of them.
    for (lost, expected) in [
        (&words[2..3], ["http1 /1", "tls null", "tls null", "tls null"]),
        (&words[3..4], ["http1 /1", "tls null", "tls null", "tls null"]),
        (&words[1..], ["tls null", "tls null", "tls null", "tls null"]),
    ] {
        let mut events = events.clone();
        lost.iter().for_each(|at| events[*at] = Event::Lost);
        let (found, found_causes) = exchanges(&events);
        assert_eq!(found, expected, "without {lost:?}");
        assert_eq!(found_causes, race, "without {lost:?}");
    }
}

/// A watch begins while connections are open.
#[test]
fn of_a_connection_seen_from_its_middle_nothing_else_is_said() {
    let mut read = 0;
    for scenario in SCENARIOS {
        let mut talk = Talk::new(7, 0xffff_fff0);
        (scenario.play)(&mut talk);
        for told in [Told::Proxy, Told::Backend, Told::Both] {
            let way = Way { told, late: Duration::from_millis(3), ..SOON };
            let Some(events) = Sealer::seal(&talk.frames, way) else { continue };
            for begin in 1..events.len().min(30) {
                let (report, _) = watched(&events[begin..]);
                let (found, plain) = (said(&report), (scenario.expected)());
                read += report.counters.exchanges;
                let name = scenario.name;
                assert!(
                    proves_no_more(&found, &plain),
                    "{name} by {told:?} from {begin}: {found:?}"
                );
            }
        }
    }
    assert!(read > 1_000, "{read}");
}

/// The frames of one host are captured at two of its interfaces.
#[test]
fn at_each_viewpoint_the_same_is_read() {
    for scenario in SCENARIOS {
        let mut talk = Talk::new(7, 0xffff_fff0);
        (scenario.play)(&mut talk);
        let Some(events) = Sealer::seal(&talk.frames, SOON) else { continue };
        let mut twice = Vec::new();
        for event in &events {
            twice.push(event.clone());
            if let Event::Frame(frame) = event {
                twice.push(Event::Elsewhere(frame.clone()));
            }
        }
        let (once, twice) = (watched(&events).0, watched(&twice).0);
        assert_eq!(in_order(said(&twice)), in_order(said(&once)), "{}", scenario.name);
    }
}

/// The places of events of a kind.
fn places(events: &[Event], kind: impl Fn(&Event) -> bool) -> Vec<usize> {
    (0..events.len()).filter(|at| kind(&events[*at])).collect()
}

/// Parts of an answer have the length of an alert, of a key update or of a ticket, and are told a byte at a time.
#[test]
fn records_that_are_as_long_as_others_are_read_as_what_was_told() {
    for (response, segments) in [(2_010, vec![1_337, 356]), (100, vec![90, 2]), (100, vec![90, 5])]
    {
        let plan =
            Plan { isns: (0, 0), exchanges: vec![(0, response)], segments, ending: Ending::Race };
        let way = Way { told: Told::Proxy, bite: Some(1), pause: Duration::ZERO, ..SOON };
        let (report, _) = watched(&Sealer::seal(&plan.play(), way).unwrap());
        assert_eq!(causes(&report), ["keepalive_race"], "{plan:?}");
    }
}

/// The receiver read a part of what came, more of it was lost.
#[test]
fn any_one_word_lost_of_an_answer_read_in_parts_cuts_it_for_nobody() {
    let exchanges = vec![(0, 838), (98, 1_696)];
    let segments = vec![2, 57, 721, 134, 23, 158, 968, 767];
    let plan = Plan { isns: (0, 0), exchanges, segments, ending: Ending::Closed };
    let frames = plan.play();
    let plain = said(&analyze(&frames));
    let way = Way { late: Duration::from_millis(3), bite: Some(968), ..SOON };
    let events = Sealer::seal(&frames, way).unwrap();
    for at in places(&events, |event| matches!(event, Event::Spoken(_))) {
        let mut events = events.clone();
        let lost = std::mem::replace(&mut events[at], Event::Lost);
        let found = said(&watched(&events).0);
        assert!(proves_no_more(&found, &plain), "{found:?} without {lost:?}");
    }
}

/// A request's first byte comes after the rest of it.
#[test]
fn the_rest_of_a_request_that_comes_before_its_beginning_is_no_request() {
    let exchanges = vec![(0, 40)];
    let plan = Plan { isns: (0, 0), exchanges, segments: vec![1, 78], ending: Ending::Closed };
    let frames = plan.play();
    let plain = said(&analyze(&frames));
    let way = Way { told: Told::Proxy, late: Duration::from_millis(3), ..SOON };
    let mut events = Sealer::seal(&frames, way).unwrap();
    let is_frame = |event: &Event| matches!(event, Event::Frame(_));
    events.remove(places(&events, is_frame)[0]);
    for at in places(&events, is_frame) {
        for by in 1..4 {
            let mut events = events.clone();
            let to = (at + by).min(events.len() - 1);
            let frame = events.remove(at);
            events.insert(to, frame);
            let found = said(&watched(&events).0);
            assert!(proves_no_more(&found, &plain), "{found:?}: {at} moved by {by}");
        }
    }
}

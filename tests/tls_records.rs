//! What TLS records are for, however their bytes come.

use proptest::prelude::*;
use why502::inside::base::time::Timestamp;
use why502::inside::flow::{Side, StreamEvent, StreamPos};
use why502::inside::packet::FrameRef;
use why502::inside::streams::tls::{AlertSeen, Carried, Handshake, Piece, TlsFacts, TlsStream};

/// What one side sends at once, knowing so much of the other's.
#[derive(Clone, Debug)]
pub struct Flight {
    from: Side,
    pub bytes: Vec<u8>,
    /// `None`: all that was sent before.
    ack: Option<i64>,
}

fn client(records: &[Vec<u8>]) -> Flight {
    Flight { from: Side::Client, bytes: records.concat(), ack: None }
}

fn server(records: &[Vec<u8>]) -> Flight {
    Flight { from: Side::Server, bytes: records.concat(), ack: None }
}

pub fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&[kind, 3, 3][..], &len, payload].concat()
}

/// Application data, or what looks like it, with so many bytes.
pub fn sealed(payload: usize) -> Vec<u8> {
    record(23, &vec![0xa5; payload])
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind][..], &len[1..], body].concat()
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&kind.to_be_bytes()[..], &len, body].concat()
}

fn with_extensions(head: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let extensions = extensions.concat();
    let len = u16::try_from(extensions.len()).unwrap().to_be_bytes();
    [head, &len, &extensions].concat()
}

pub fn client_hello(more: &[Vec<u8>]) -> Vec<u8> {
    let head = [&[3, 3][..], &[7; 32], &[0, 0, 4, 0x13, 1, 0xc0, 0x2f, 1, 0]].concat();
    let name = extension(0, b"\0\x0c\0\0\x09localhost");
    let versions = extension(43, &[4, 3, 4, 3, 3]);
    let extensions = [&[name, versions][..], more].concat();
    record(22, &message(1, &with_extensions(&head, &extensions)))
}

fn server_hello(cipher: u16, extensions: &[Vec<u8>]) -> Vec<u8> {
    let [high, low] = cipher.to_be_bytes();
    let head = [&[3, 3][..], &[9; 32], &[0, high, low, 0]].concat();
    message(2, &with_extensions(&head, extensions))
}

/// The server's first records in TLS 1.3.
pub fn server_first(more: &[Vec<u8>]) -> Flight {
    let extensions = [&[extension(43, &[3, 4])][..], more].concat();
    let hello = record(22, &server_hello(0x1301, &extensions));
    server(&[hello, record(20, &[1]), sealed(40), sealed(900), sealed(281), sealed(53)])
}

fn begun() -> Vec<Flight> {
    vec![client(&[client_hello(&[])]), server_first(&[])]
}

/// Plays flights, cut into segments of these lengths in turn, of which so much is captured.
fn play(flights: &[Flight], segments: &[usize], snap: usize) -> (Vec<Piece>, TlsFacts) {
    play_with_gaps(flights, segments, snap, &[false])
}

/// Plays flights so, without the segments that are `missing`, in turn.
fn play_with_gaps(
    flights: &[Flight],
    segments: &[usize],
    snap: usize,
    missing: &[bool],
) -> (Vec<Piece>, TlsFacts) {
    let mut stream = TlsStream::new(true);
    let mut missing = missing.iter().cycle();
    let mut pieces = Vec::new();
    let mut sent = [0_i64; 2];
    let mut lengths = segments.iter().cycle();
    let frame = FrameRef { capture: 0, number: 1, at: Timestamp::from_nanos(1) };
    for Flight { from, bytes, ack } in flights {
        let (me, peer) = if *from == Side::Client { (0, 1) } else { (1, 0) };
        let ack = ack.unwrap_or(sent[peer]);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (segment, more) = rest.split_at((*lengths.next().unwrap()).min(rest.len()));
            let gap = *missing.next().unwrap();
            let (from, pos) = (*from, StreamPos(sent[me]));
            let event = if gap {
                StreamEvent::Gap { from, pos, len: segment.len() as u64, frame }
            } else {
                StreamEvent::Bytes {
                    from,
                    pos,
                    bytes: &segment[..snap.min(segment.len())],
                    len: segment.len() as u32,
                    ack: Some(StreamPos(ack)),
                    first_copy: true,
                    frame,
                }
            };
            stream.on(&event, &mut |piece| pieces.push(piece));
            sent[me] += segment.len() as i64;
            rest = more;
        }
    }
    stream.on(&StreamEvent::Settled, &mut |piece| pieces.push(piece));
    for (side, total) in [(Side::Client, sent[0]), (Side::Server, sent[1])] {
        let mut next = StreamPos(0);
        for piece in pieces.iter().filter(|piece| piece.from == side) {
            assert_eq!(piece.pos, next, "{pieces:?}");
            next = next.plus(piece.len);
        }
        // The beginning of a header may be all that came.
        assert!(total - next.0 < 5 && total >= next.0, "{side:?} {next:?} of {total}");
    }
    (pieces, stream.facts().clone())
}

/// What each record of a side was for, by the piece that ends it.
fn records(pieces: &[Piece], side: Side) -> Vec<(Carried, u32)> {
    let ends = pieces.iter().filter(|piece| piece.from == side && piece.ends);
    ends.map(|piece| (piece.what, piece.record_len)).collect()
}

fn carried(flights: &[Flight], side: Side) -> Vec<Carried> {
    let (pieces, _) = play(flights, &[usize::MAX], usize::MAX);
    records(&pieces, side).into_iter().map(|(what, _)| what).collect()
}

fn facts(flights: &[Flight]) -> TlsFacts {
    play(flights, &[usize::MAX], usize::MAX).1
}

const HIDDEN: Carried =
    Carried::Alert(AlertSeen { level: None, description: None, encrypted: true });
const SURE: Carried = Carried::Ticket { sure: true };
const PERHAPS: Carried = Carried::Ticket { sure: false };
use Carried::{Handshake as Shakes, Lost, Silent, Text};

#[test]
fn a_handshake_of_tls_1_3_ends_with_the_clients_finished() {
    let mut flights = begun();
    flights.push(client(&[record(20, &[1]), sealed(53)]));
    flights.push(server(&[sealed(250), sealed(250)]));
    flights.push(client(&[sealed(120)]));
    flights.push(server(&[sealed(700), sealed(250), sealed(19)]));
    flights.push(client(&[sealed(22), sealed(17), sealed(69)]));
    let (pieces, facts) = play(&flights, &[usize::MAX], usize::MAX);
    let kinds = |side| records(&pieces, side).into_iter().map(|(what, _)| what).collect::<Vec<_>>();
    assert_eq!(kinds(Side::Client), [Shakes, Shakes, Shakes, Text, Silent, Silent, Text]);
    let first = [Shakes, Shakes, Shakes, Shakes, Shakes, Shakes];
    assert_eq!(kinds(Side::Server), [&first[..], &[SURE, SURE, Text, Text, HIDDEN]].concat());
    assert_eq!(facts.handshake, Handshake::Done);
    assert_eq!(facts.sni.as_deref(), Some(&b"localhost"[..]));
    assert_eq!((facts.cipher, facts.resumed, facts.early_data), (Some(0x1301), Some(false), false));
    assert!(facts.done.is_some() && facts.first_request.is_some());
    assert_eq!(facts.alerts.len(), 1);
}

#[test]
fn tickets_that_acknowledge_a_request_may_be_an_answer() {
    let mut flights = begun();
    flights.push(client(&[sealed(53), sealed(120)]));
    flights.push(server(&[sealed(250), sealed(250), sealed(700)]));
    flights.push(client(&[sealed(120)]));
    flights.push(server(&[sealed(250)]));
    let end = carried(&flights, Side::Server);
    assert_eq!(end[6..], [PERHAPS, PERHAPS, Text, Text]);
    // An answer alone, taken for one, and what answers the next request.
    let mut flights = begun();
    flights.push(client(&[sealed(53), sealed(120)]));
    flights.push(server(&[sealed(250)]));
    flights.push(client(&[sealed(120)]));
    flights.push(server(&[sealed(250)]));
    assert_eq!(carried(&flights, Side::Server)[6..], [PERHAPS, Text]);
    // Too short, and too long.
    for odd in [30, 3_000] {
        let mut flights = begun();
        flights.push(client(&[sealed(53), sealed(120)]));
        flights.push(server(&[sealed(odd), sealed(250)]));
        assert_eq!(carried(&flights, Side::Server)[6..], [Text, Text]);
    }
}

#[test]
fn what_the_server_says_before_it_has_a_request_is_no_answer() {
    let mut flights = begun();
    let sent: i64 = flights[0].bytes.len() as i64;
    flights.push(client(&[sealed(53), sealed(120)]));
    let unasked = Flight { ack: Some(sent), ..server(&[sealed(250), sealed(26)]) };
    flights.push(unasked);
    flights.push(server(&[sealed(250), sealed(500)]));
    assert_eq!(carried(&flights, Side::Server)[6..], [SURE, Text, PERHAPS, Text]);
}

#[test]
fn a_server_may_send_its_ticket_with_its_first_records() {
    let mut flights = begun();
    flights[1].bytes.extend(sealed(147));
    flights.push(client(&[sealed(53), sealed(120)]));
    flights.push(server(&[sealed(136)]));
    assert_eq!(carried(&flights, Side::Server)[5..], [Shakes, SURE, Text]);
}

#[test]
fn a_certificate_of_the_client_belongs_to_the_handshake() {
    let whole = |records: &[Vec<u8>]| {
        let mut flights = begun();
        flights.push(client(records));
        flights.push(server(&[sealed(700)]));
        flights
    };
    let three = whole(&[record(20, &[1]), sealed(900), sealed(281), sealed(53), sealed(200)]);
    let clients = carried(&three, Side::Client);
    assert_eq!(clients, [Shakes, Shakes, Shakes, Shakes, Shakes, Text]);
    assert_eq!(facts(&three).client_certificate, Some(true));
    let none = whole(&[sealed(25), sealed(53), sealed(200)]);
    assert_eq!(carried(&none, Side::Client), [Shakes, Shakes, Shakes, Text]);
    assert_eq!(facts(&none).client_certificate, Some(false));
    let packed = whole(&[sealed(1_300), sealed(200), sealed(300)]);
    assert_eq!(carried(&packed, Side::Client), [Shakes, Shakes, Text, Text]);
    let facts = facts(&packed);
    assert!(facts.handshake == Handshake::Done && facts.client_certificate == Some(true));
    // The server refuses it after the request was sent.
    let mut refused = begun();
    refused.push(client(&[sealed(25), sealed(53), sealed(200)]));
    refused.push(server(&[sealed(19)]));
    assert_eq!(carried(&refused, Side::Server)[6..], [HIDDEN]);
}

#[test]
fn a_client_may_refuse_with_an_encrypted_alert() {
    let mut flights = begun();
    flights.push(client(&[record(20, &[1]), sealed(19)]));
    assert_eq!(carried(&flights, Side::Client), [Shakes, Shakes, HIDDEN]);
    let facts = facts(&flights);
    assert!(facts.handshake == Handshake::Open && facts.done.is_none());
    assert_eq!(facts.alerts[0].is_fatal(facts.chosen), None);
}

#[test]
fn early_data_is_text() {
    let psk = extension(41, &[0; 40]);
    let flights = [
        client(&[client_hello(&[extension(42, &[]), psk]), record(20, &[1]), sealed(300)]),
        server_first(&[extension(41, &[0, 0])]),
        client(&[sealed(60), sealed(21), sealed(53), sealed(99)]),
    ];
    assert_eq!(carried(&flights, Side::Client)[2..], [Text, Text, Shakes, Shakes, Text]);
    let facts = facts(&flights);
    assert!(facts.early_data && facts.resumed == Some(true));
}

#[test]
fn a_server_may_ask_for_another_hello() {
    let retry = b"\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\
        \xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c";
    let head = [&[3, 3][..], retry, &[0, 0x13, 1, 0]].concat();
    let retry = record(22, &message(2, &with_extensions(&head, &[extension(43, &[3, 4])])));
    let mut flights = vec![
        client(&[client_hello(&[])]),
        server(&[retry, record(20, &[1])]),
        client(&[record(20, &[1]), client_hello(&[])]),
    ];
    assert_eq!(facts(&flights).handshake, Handshake::Open);
    flights.extend([server_first(&[]), client(&[sealed(53), sealed(80)])]);
    assert_eq!(carried(&flights, Side::Client), [Shakes, Shakes, Shakes, Shakes, Text]);
    assert!(facts(&flights).hello_retry);
}

fn old(resumed: bool) -> Vec<Flight> {
    let hello = server_hello(0xc02f, &[extension(16, b"\0\x09\x08http/1.1")]);
    let finished = || record(22, &[0xa5; 40]);
    if resumed {
        vec![
            client(&[client_hello(&[])]),
            server(&[record(22, &hello), record(20, &[1]), finished()]),
            client(&[record(20, &[1]), finished(), sealed(90)]),
        ]
    } else {
        let certificate = message(11, &[0, 0, 0]);
        let asks = message(13, &[1, 1, 0, 0, 0, 0]);
        let first = [hello, certificate, message(12, &[7; 300]), asks, message(14, &[])].concat();
        let none = [message(11, &[0, 0, 0]), message(16, &[7; 33])].concat();
        vec![
            client(&[client_hello(&[])]),
            server(&[record(22, &first)]),
            client(&[record(22, &none), record(20, &[1]), finished()]),
            server(&[record(20, &[1]), finished()]),
            client(&[sealed(90)]),
        ]
    }
}

#[test]
fn up_to_tls_1_2_types_are_in_clear() {
    let mut flights = old(false);
    flights.push(server(&[
        sealed(500),
        record(22, &[0xa5; 28]),
        sealed(24),
        record(21, &[0xa5; 26]),
    ]));
    assert_eq!(carried(&flights, Side::Client), [Shakes, Shakes, Shakes, Shakes, Text]);
    let servers = carried(&flights, Side::Server);
    assert_eq!(servers[3..], [Text, Shakes, Silent, HIDDEN]);
    let facts = facts(&flights);
    assert_eq!((facts.handshake, facts.resumed), (Handshake::Done, Some(false)));
    assert!(facts.certificate_requested && facts.client_certificate == Some(false));
    assert_eq!(facts.alpn.as_deref(), Some(&b"http/1.1"[..]));
    let resumed = play(&old(true), &[usize::MAX], usize::MAX).1;
    assert_eq!((resumed.handshake, resumed.resumed), (Handshake::Done, Some(true)));
}

#[test]
fn a_refused_certificate_leaves_the_handshake_open() {
    let flights = [&old(false)[..3], &[server(&[record(21, &[2, 42])])]].concat();
    let facts = facts(&flights);
    assert_eq!(facts.handshake, Handshake::Open);
    let fatal = facts.fatal().unwrap();
    assert_eq!((fatal.by, fatal.seen.description), (Side::Server, Some(42)));
}

#[test]
fn a_warning_is_not_fatal() {
    let mut flights = vec![client(&[client_hello(&[])]), server(&[record(21, &[1, 112])])];
    assert!(facts(&flights).fatal().is_none());
    assert_eq!(facts(&flights).handshake, Handshake::Hello);
    flights.push(server(&[record(21, &[2, 40])]));
    assert!(facts(&flights).fatal().is_some());
}

#[test]
fn an_old_hello_offers_a_version() {
    let hello = [&[0x80, 28, 1, 3, 1, 0, 3, 0, 0, 0, 16, 0, 0, 5][..], &[7; 16]].concat();
    let flights = [client(&[hello]), server(&[record(21, &[2, 70])])];
    let facts = facts(&flights);
    assert_eq!(facts.offered.map(|version| version.0), Some(0x0301));
    assert_eq!(facts.handshake, Handshake::Hello);
}

#[test]
fn text_is_no_tls() {
    let flights =
        [client(&[client_hello(&[])]), server(&[b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()])];
    let (pieces, facts) = play(&flights, &[usize::MAX], usize::MAX);
    assert_eq!(pieces.last().unwrap().what, Lost);
    assert_eq!(facts.handshake, Handshake::Hello);
}

#[test]
fn without_the_server_its_version_shows_in_the_client() {
    let clients = [record(20, &[1]), sealed(53), sealed(200)];
    let mut flights = begun();
    flights.push(client(&clients));
    let mut stream = TlsStream::new(true);
    let mut pieces = Vec::new();
    let frame = FrameRef { capture: 0, number: 1, at: Timestamp::from_nanos(1) };
    let mut sent = 0;
    for flight in flights {
        let (from, bytes) = (flight.from, &flight.bytes[..]);
        let event = if from == Side::Server {
            StreamEvent::Gap { from, pos: StreamPos(0), len: bytes.len() as u64, frame }
        } else {
            let pos = StreamPos(sent);
            sent += bytes.len() as i64;
            let (len, ack) = (bytes.len() as u32, None);
            StreamEvent::Bytes { from, pos, bytes, len, ack, first_copy: true, frame }
        };
        stream.on(&event, &mut |piece| pieces.push(piece));
    }
    let kinds: Vec<_> = records(&pieces, Side::Client).iter().map(|(what, _)| *what).collect();
    assert_eq!(kinds, [Shakes, Shakes, Shakes, Text]);
    assert!(!stream.facts().early_data && stream.facts().handshake == Handshake::Done);
}

/// The client's Finished has no record of its own.
fn packs(flights: &[Flight]) -> bool {
    let first = &flights[2].bytes;
    first.first().is_none_or(|kind| *kind == 23) && !first.ends_with(&sealed(53))
}

fn conversations() -> impl Strategy<Value = Vec<Flight>> {
    let sizes = prop::collection::vec(1..2_000_usize, 1..5);
    let turns = prop::collection::vec((sizes.clone(), sizes), 0..5);
    let packed = prop::collection::vec(18..900_usize, 0..4);
    (0..4_u8, packed, turns).prop_map(|(kind, packed, turns)| {
        let mut flights = match kind {
            0 => old(false),
            1 => old(true),
            _ => {
                let mut flights = begun();
                let mut first: Vec<_> = packed.into_iter().map(sealed).collect();
                if kind == 2 {
                    first.push(sealed(53));
                }
                flights.push(client(&first));
                flights
            }
        };
        for (asks, answers) in turns {
            flights.push(client(&asks.into_iter().map(sealed).collect::<Vec<_>>()));
            flights.push(server(&answers.into_iter().map(sealed).collect::<Vec<_>>()));
        }
        flights
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn however_bytes_are_cut_into_segments_records_and_facts_are_the_same(
        flights in conversations(),
        segments in prop::collection::vec(1..1_460_usize, 1..12),
    ) {
        let (whole, whole_facts) = play(&flights, &[usize::MAX], usize::MAX);
        let (cut, cut_facts) = play(&flights, &segments, usize::MAX);
        // What waits for the client's Finished is bounded.
        let waits = matches!(flights[2].bytes[..], [23, _, _, 0, len, ..] if len != 53)
            || matches!(flights[2].bytes[..], [23, _, _, 1..=255, ..]);
        if !waits || cut.len() < 64 {
            for side in [Side::Client, Side::Server] {
                prop_assert_eq!(records(&cut, side), records(&whole, side));
            }
            prop_assert_eq!(cut_facts, whole_facts);
        }
    }

    #[test]
    fn what_the_capture_cuts_off_makes_no_request(
        flights in conversations(),
        segments in prop::collection::vec(1..1_460_usize, 1..12),
        snap in 0..600_usize,
    ) {
        let (whole, _) = play(&flights, &[usize::MAX], usize::MAX);
        let (cut, facts) = play(&flights, &segments, snap);
        // Records that are found are those that are there.
        let known: Vec<_> = whole.iter().filter(|piece| piece.begins).collect();
        for piece in cut.iter().filter(|piece| piece.begins) {
            let same = known.iter().find(|known| known.from == piece.from && known.pos == piece.pos);
            prop_assert_eq!(same.map(|known| known.record_len), Some(piece.record_len));
            let read = facts.chosen.is_some() && !packs(&flights) && cut.len() < 64;
            if piece.from == Side::Client && piece.what == Text && read {
                prop_assert_eq!(same.map(|known| known.what), Some(Text), "{:?}", piece);
            }
        }
    }

    #[test]
    fn what_is_missing_makes_no_request_and_no_record(
        flights in conversations(),
        segments in prop::collection::vec(1..1_460_usize, 1..12),
        missing in prop::collection::vec(prop::bool::weighted(0.2), 1..20),
    ) {
        let (whole, _) = play(&flights, &[usize::MAX], usize::MAX);
        let (holed, facts) = play_with_gaps(&flights, &segments, usize::MAX, &missing);
        for piece in holed.iter().filter(|piece| piece.begins) {
            let same = whole.iter().find(|known| known.from == piece.from && known.pos == piece.pos && known.begins);
            prop_assert_eq!(same.map(|known| known.record_len), Some(piece.record_len));
            // Where not even the version is known, neither is what is a Finished; nor where that has no record
            // of its own, or more waits for it than is kept.
            let known = facts.chosen.is_some() && !packs(&flights) && holed.len() < 64;
            if piece.from == Side::Client && piece.what == Text && known {
                prop_assert_eq!(same.map(|known| known.what), Some(Text), "{:?}", piece);
            }
        }
    }

    #[test]
    fn damaged_records_do_no_harm(
        flights in conversations(),
        segments in prop::collection::vec(1..1_460_usize, 1..12),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        snap in 0..2_000_usize,
    ) {
        let mut flights = flights;
        for (place, byte) in damage {
            let flight = place.index(flights.len());
            let bytes = &mut flights[flight].bytes;
            if !bytes.is_empty() {
                let at = place.index(bytes.len());
                bytes[at] ^= byte;
            }
        }
        let _ = play(&flights, &segments, snap);
    }

    #[test]
    fn noise_does_no_harm(
        noise in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..400)), 0..12),
    ) {
        let flights: Vec<_> = noise
            .into_iter()
            .map(|(clients, bytes)| if clients { client(&[bytes]) } else { server(&[bytes]) })
            .collect();
        let _ = play(&flights, &[97], usize::MAX);
    }
}

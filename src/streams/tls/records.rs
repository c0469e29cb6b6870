//! Records are found in the bytes of one side.

use crate::flow::StreamPos;
use crate::packet::FrameRef;

/// A record's type, version and length.
const HEADER: usize = 5;

/// The longest record: RFC 5246, section 6.2.3.
const MAX_PAYLOAD: u16 = (1 << 14) + 2_048;

/// What a record says it carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ContentType {
    ChangeCipherSpec,
    Alert,
    Handshake,
    ApplicationData,
    Heartbeat,
    /// A ClientHello as SSL 2.0 wrote it (RFC 5246, appendix E.2): a header of two bytes.
    OldHello,
}

/// The beginning of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RecordHeader {
    pub(super) content: ContentType,
    /// The version of the record, or the one that an old hello offers.
    pub(super) version: u16,
    /// Bytes after the header.
    pub(super) payload: u32,
}

impl RecordHeader {
    /// Reads one; the `first` of a client may be an old hello.
    fn read(bytes: [u8; HEADER], first: bool) -> Option<Self> {
        let [kind, major, minor, high, low] = bytes;
        if first && kind & 0x80 != 0 {
            // Length, the message's type, the version: the rest is longer than what stands here.
            let payload = u16::from_be_bytes([kind & 0x7f, major]).checked_sub(3)?;
            let old = minor == 1 && matches!((high, low), (3, 0..=4) | (0, 2)) && payload >= 6;
            let version = u16::from_be_bytes([high, low]);
            let content = ContentType::OldHello;
            return old.then_some(Self { content, version, payload: payload.into() });
        }
        let content = match kind {
            20 => ContentType::ChangeCipherSpec,
            21 => ContentType::Alert,
            22 => ContentType::Handshake,
            23 => ContentType::ApplicationData,
            24 => ContentType::Heartbeat,
            _ => return None,
        };
        let payload = u16::from_be_bytes([high, low]);
        let plausible = major == 3 && minor <= 4 && payload <= MAX_PAYLOAD;
        let version = u16::from_be_bytes([major, minor]);
        plausible.then_some(Self { content, version, payload: payload.into() })
    }

    /// Length on the wire. The header of an old hello is told as five bytes, so this holds for it too.
    pub(super) fn len(self) -> u32 {
        self.payload.saturating_add(5)
    }
}

/// What carried some bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carrier {
    pub(super) ack: Option<StreamPos>,
    pub(super) first_copy: bool,
    pub(super) missing: bool,
    pub(super) frame: FrameRef,
}

/// Some bytes of one side that arrived together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived<'a> {
    pub(super) pos: StreamPos,
    pub(super) bytes: &'a [u8],
    /// How many follow that were not captured.
    pub(super) hidden: u64,
    pub(super) carrier: Carrier,
}

/// The part of one record among bytes that arrived together.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordPart<'a> {
    /// The record's; `None` where none can be placed.
    pub(super) header: Option<RecordHeader>,
    pub(super) pos: StreamPos,
    pub(super) len: u64,
    pub(super) begins: bool,
    pub(super) ends: bool,
    /// What was captured of the payload in it.
    pub(super) bytes: &'a [u8],
    /// How much of the payload follows that was not captured.
    pub(super) hidden: u64,
    pub(super) carrier: Carrier,
}

/// A header that has begun.
#[derive(Clone, Copy, Debug)]
struct HeaderSoFar {
    bytes: [u8; HEADER],
    have: usize,
    pos: StreamPos,
    carrier: Carrier,
}

#[derive(Clone, Copy, Debug)]
enum Standing {
    /// Where a record begins.
    Before,
    /// In a header that goes on in another segment.
    Header(HeaderSoFar),
    /// In a record of which so much is still to come.
    Within(RecordHeader, u32),
    /// Nowhere.
    Lost,
}

/// Goes over the records of one side.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordWalk {
    at: Standing,
    /// Nothing was read yet.
    first: bool,
}

impl RecordWalk {
    /// Begins with the first byte of a side, or in the middle.
    pub(super) fn new(whole: bool) -> Self {
        Self { at: if whole { Standing::Before } else { Standing::Lost }, first: whole }
    }

    /// Takes what arrived next; `tell` is called with the part of each record in it.
    pub(super) fn on<'a>(&mut self, arrived: Arrived<'a>, tell: &mut dyn FnMut(RecordPart<'a>)) {
        if matches!(self.at, Standing::Lost) && is_chain(&arrived) {
            self.at = Standing::Before;
        }
        let mut rest = arrived;
        while !rest.bytes.is_empty() || rest.hidden > 0 {
            match self.at {
                Standing::Before => self.header(None, &mut rest, tell),
                Standing::Header(begun) => self.header(Some(begun), &mut rest, tell),
                // A record that goes on.
                Standing::Within(header, left) => self.payload(header, left, 0, &mut rest, tell),
                Standing::Lost => {
                    tell(lost(rest.pos, rest.len(), rest.carrier));
                    return;
                }
            }
        }
    }

    /// Reads a header, of which some may have `begun` in an earlier segment, and what follows of its record.
    fn header<'a>(
        &mut self,
        begun: Option<HeaderSoFar>,
        rest: &mut Arrived<'a>,
        tell: &mut dyn FnMut(RecordPart<'a>),
    ) {
        let (pos, carrier) = (rest.pos, rest.carrier);
        let mut here = begun.unwrap_or(HeaderSoFar { bytes: [0; HEADER], have: 0, pos, carrier });
        let wanted = HEADER.saturating_sub(here.have).min(rest.bytes.len());
        let taken = rest.take(wanted);
        for (to, from) in here.bytes.iter_mut().skip(here.have).zip(taken) {
            *to = *from;
        }
        here.have = here.have.saturating_add(wanted);
        if here.have < HEADER && rest.hidden == 0 {
            self.at = Standing::Header(here);
            return;
        }
        let header = RecordHeader::read(here.bytes, self.first).filter(|_| here.have == HEADER);
        let earlier = pos.since(here.pos);
        let Some(header) = header else {
            if begun.is_some() {
                tell(lost(here.pos, earlier, here.carrier));
            }
            let len = rest.len().saturating_add(pos_len(taken));
            tell(lost(pos, len, carrier));
            (self.at, self.first) = (Standing::Lost, false);
            (rest.bytes, rest.hidden) = (&[], 0);
            return;
        };
        self.first = false;
        if begun.is_some() {
            let (pos, carrier) = (here.pos, here.carrier);
            let (header, bytes) = (Some(header), &[][..]);
            let (begins, ends) = (true, false);
            tell(RecordPart { header, pos, len: earlier, begins, ends, bytes, hidden: 0, carrier });
        }
        let own = HeaderShare { pos, len: pos_len(taken), begins: begun.is_none() };
        self.record(header, header.payload, own, rest, tell);
    }

    fn payload<'a>(
        &mut self,
        header: RecordHeader,
        left: u32,
        len: u64,
        rest: &mut Arrived<'a>,
        tell: &mut dyn FnMut(RecordPart<'a>),
    ) {
        let own = HeaderShare { pos: rest.pos, len, begins: false };
        self.record(header, left, own, rest, tell);
    }

    /// Takes of the payload what is there, after what is the header's `own` in this segment.
    fn record<'a>(
        &mut self,
        header: RecordHeader,
        left: u32,
        own: HeaderShare,
        rest: &mut Arrived<'a>,
        tell: &mut dyn FnMut(RecordPart<'a>),
    ) {
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(rest.bytes.len());
        let bytes = rest.take(wanted);
        let left = left.saturating_sub(u32::try_from(wanted).unwrap_or(u32::MAX));
        let hidden = if rest.bytes.is_empty() { rest.hidden.min(left.into()) } else { 0 };
        rest.hidden = rest.hidden.saturating_sub(hidden);
        rest.pos = rest.pos.plus(hidden);
        let left = left.saturating_sub(u32::try_from(hidden).unwrap_or(u32::MAX));
        self.at = if left == 0 { Standing::Before } else { Standing::Within(header, left) };
        tell(RecordPart {
            header: Some(header),
            pos: own.pos,
            len: own.len.saturating_add(pos_len(bytes)).saturating_add(hidden),
            begins: own.begins,
            ends: left == 0,
            bytes,
            hidden,
            carrier: rest.carrier,
        });
    }
}

/// What a segment has of a header.
#[derive(Clone, Copy)]
struct HeaderShare {
    pos: StreamPos,
    len: u64,
    begins: bool,
}

impl<'a> Arrived<'a> {
    fn len(&self) -> u64 {
        pos_len(self.bytes).saturating_add(self.hidden)
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at_checked(count).unwrap_or((self.bytes, &[]));
        self.bytes = rest;
        self.pos = self.pos.plus(pos_len(taken));
        taken
    }
}

fn pos_len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn lost<'a>(pos: StreamPos, len: u64, carrier: Carrier) -> RecordPart<'a> {
    let (header, bytes) = (None, &[][..]);
    RecordPart { header, pos, len, begins: false, ends: false, bytes, hidden: 0, carrier }
}

/// Whether a segment begins with a record, and goes on with records as far as can be seen: five bytes are like
/// a header by chance once in two million times.
fn is_chain(arrived: &Arrived<'_>) -> bool {
    let len = usize::try_from(arrived.len()).unwrap_or(usize::MAX);
    let mut at = 0_usize;
    while at < len {
        let seen = arrived.bytes.get(at..).unwrap_or_default();
        let Some(header) = seen.first_chunk() else {
            // Cut here, by the segment's end or by the capture: as much of it as there is must look right.
            return at > 0
                && matches!(seen, [] | [20..=24] | [20..=24, 3] | [20..=24, 3, 0..=4, ..]);
        };
        let Some(header) = RecordHeader::read(*header, false) else { return false };
        at = at.saturating_add(usize::try_from(header.len()).unwrap_or(usize::MAX));
    }
    at > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;

    fn carrier() -> Carrier {
        let frame = FrameRef { capture: 0, number: 1, at: Timestamp::from_nanos(1) };
        Carrier { ack: None, first_copy: true, missing: false, frame }
    }

    /// Position, length, begins, ends, payload length.
    type Told = (i64, u64, bool, bool, Option<u32>);

    fn told(walk: &mut RecordWalk, pos: i64, bytes: &[u8], hidden: u64) -> Vec<Told> {
        let mut told = Vec::new();
        let arrived = Arrived { pos: StreamPos(pos), bytes, hidden, carrier: carrier() };
        walk.on(arrived, &mut |part| {
            let payload = part.header.map(|header| header.payload);
            told.push((part.pos.0, part.len, part.begins, part.ends, payload));
        });
        told
    }

    const A: &[u8] = &[23, 3, 3, 0, 4, 1, 2, 3, 4];

    #[test]
    fn records_stand_in_a_segment_and_over_segments() {
        let mut walk = RecordWalk::new(true);
        let two = [A, &A[..7]].concat();
        let first = [(0, 9, true, true, Some(4)), (9, 7, true, false, Some(4))];
        assert_eq!(told(&mut walk, 0, &two, 0), first);
        assert_eq!(told(&mut walk, 16, &A[7..], 0), [(16, 2, false, true, Some(4))]);
        assert_eq!(told(&mut walk, 18, &[20, 3, 3, 0, 0], 0), [(18, 5, true, true, Some(0))]);
    }

    #[test]
    fn a_header_over_segments_is_told_when_it_is_whole() {
        let mut walk = RecordWalk::new(true);
        assert_eq!(told(&mut walk, 0, &A[..2], 0), []);
        assert_eq!(told(&mut walk, 2, &A[2..3], 0), []);
        let rest = [(0, 3, true, false, Some(4)), (3, 6, false, true, Some(4))];
        assert_eq!(told(&mut walk, 3, &A[3..], 0), rest);
        assert_eq!(told(&mut walk, 9, &A[..2], 0), []);
        let no_header = [(9, 2, false, false, None), (11, 3, false, false, None)];
        assert_eq!(told(&mut walk, 11, &[9, 9, 9], 0), no_header);
    }

    #[test]
    fn what_is_missing_is_counted_within_a_record_and_loses_the_way_beyond() {
        let mut walk = RecordWalk::new(true);
        assert_eq!(told(&mut walk, 0, &A[..6], 2), [(0, 8, true, false, Some(4))], "cut");
        assert_eq!(told(&mut walk, 8, &[], 1), [(8, 1, false, true, Some(4))], "a gap");
        assert_eq!(told(&mut walk, 9, A, 0), [(9, 9, true, true, Some(4))]);
        let beyond = [(18, 9, true, true, Some(4)), (27, 3, false, false, None)];
        assert_eq!(told(&mut walk, 18, &A[..6], 6), beyond, "more was cut than is the record's");
        assert_eq!(told(&mut walk, 30, b"noise", 0), [(30, 5, false, false, None)]);
        assert_eq!(told(&mut walk, 35, &A[..4], 0), [(35, 4, false, false, None)]);
        assert_eq!(told(&mut walk, 39, &[A, &[1]].concat(), 0), [(39, 10, false, false, None)]);
        let chain = [(49, 9, true, true, Some(4))];
        assert_eq!(told(&mut walk, 49, &[A, &A[..2]].concat(), 0), chain);
    }

    #[test]
    fn a_connection_that_began_before_the_capture_is_joined_at_a_record() {
        let mut walk = RecordWalk::new(false);
        assert_eq!(told(&mut walk, 0, &[1, 2, 3], 0), [(0, 3, false, false, None)]);
        assert_eq!(told(&mut walk, 3, A, 0), [(3, 9, true, true, Some(4))]);
    }

    #[test]
    fn an_old_hello_is_known_as_the_first_bytes_only() {
        let old = [0x80, 12, 1, 3, 1, 0, 3, 0, 0, 0, 16, 9, 9, 9];
        let mut walk = RecordWalk::new(true);
        assert_eq!(told(&mut walk, 0, &old, 0), [(0, 14, true, true, Some(9))]);
        assert_eq!(told(&mut walk, 14, &old, 0), [(14, 14, false, false, None)]);
    }
}

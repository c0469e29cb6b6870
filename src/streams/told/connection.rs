//! One connection: its segments wait until it is told what they say.

use super::record;
use super::spoken::{Spoken, TextOrigin};
use super::totals::{HeldTotals, TlsCounts};
use super::wire_map::{Heard, Late, Way};
use crate::base::time::Timestamp;
use crate::packet::{Endpoint, Flags, Segment, SeqNum};
use std::collections::VecDeque;
use std::time::Duration;

/// So much of a payload is looked at, or goes on as it is.
const PREFIX: usize = 64;
/// Segments of one connection that wait.
const WAITING: usize = 4_096;
/// What is told of a connection before any of its segments comes.
const EARLY: usize = 1_024;
/// What was told is of no use any more when nothing came for so long.
const FORGOTTEN: Duration = Duration::from_secs(5);
/// Records of the library and the first segment of a connection are stamped alike, or nearly so.
const SKEW: Duration = Duration::from_millis(50);

/// One connection.
#[derive(Debug, Default)]
pub(super) struct Session {
    stage: TextStage,
    /// What each end sends: first that whose address and port is the lower.
    ways: [Way; 2],
    /// The connection begins with its handshake.
    whole: bool,
    queue: VecDeque<WaitingSegment>,
    early: VecDeque<Spoken>,
    early_bytes: usize,
    /// The last segment with payload that each end sent and that went on.
    last: [Option<Box<Segment<'static>>>; 2],
    /// When it was first seen to end.
    closing: Option<Timestamp>,
    /// Until when it was last said that it waits.
    waits: Option<Timestamp>,
    told_wait: Option<Timestamp>,
    /// Which end said something last.
    speaks: Option<usize>,
    /// Which end opened it, of the two.
    opener: Option<usize>,
    /// How much had been lost when each end last told of each way.
    lost: [LostBefore; 2],
    /// Something that was said of it was lost: what it says cannot be told from what it does not. Nothing
    /// of it goes on any more, so that it stays as it was, and accuses nobody.
    muted: bool,
}

/// How much of all that is told had been lost when an end last told of a way. What one end tells says
/// nothing of what the other told, and was lost.
#[derive(Clone, Copy, Debug, Default)]
struct LostBefore {
    sender: u64,
    receiver: u64,
}

impl LostBefore {
    fn note(&mut self, by: TextOrigin, lost: u64) {
        match by {
            TextOrigin::Sender => self.sender = lost,
            TextOrigin::Receiver => self.receiver = lost,
        }
    }

    /// When the end whose word is taken last told; either, where none is.
    fn by(self, by: Option<TextOrigin>) -> u64 {
        match by {
            Some(TextOrigin::Sender) => self.sender,
            Some(TextOrigin::Receiver) => self.receiver,
            None => self.sender.max(self.receiver),
        }
    }
}

/// A connection that waits, until then at most.
pub(super) struct Waits {
    pub(super) until: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum TextStage {
    /// Nothing was sent yet.
    #[default]
    Fresh,
    /// TLS for sure; whether it can be read shows soon.
    Secret,
    /// Somebody tells of it, but there was no text yet.
    Silent,
    /// Text is known, and goes on in the place of ciphertext.
    Clear,
    /// Segments pass as they are.
    Passing,
}

/// A segment that waits.
#[derive(Debug)]
struct WaitingSegment {
    segment: Segment<'static>,
    prefix: Box<[u8]>,
}

impl WaitingSegment {
    fn of(segment: &Segment<'_>) -> Self {
        let prefix = segment.payload.get(..PREFIX).unwrap_or(segment.payload);
        Self { segment: Segment { payload: &[], ..*segment }, prefix: prefix.into() }
    }

    /// As it was, but for the length of what was captured of it.
    fn as_it_was(&self) -> Segment<'_> {
        Segment { payload: &self.prefix, ..self.segment }
    }

    fn closes(&self) -> bool {
        self.segment.flags.fin() || self.segment.flags.rst()
    }
}

/// Which of the two ways: 0 or 1.
fn way(src: Endpoint, dst: Endpoint) -> usize {
    usize::from(src > dst)
}

/// Both ways: first that of `src`.
fn both(ways: &mut [Way; 2], src: usize) -> (&mut Way, &mut Way) {
    let [low, high] = ways;
    if src == 0 { (low, high) } else { (high, low) }
}

impl Session {
    /// What it holds.
    pub(super) fn held(&self) -> HeldTotals {
        let text = self
            .ways
            .iter()
            .fold(self.early_bytes, |sum, way| sum.saturating_add(way.text_bytes()));
        let prefixes = self.queue.len().saturating_mul(PREFIX);
        HeldTotals { segments: self.queue.len(), bytes: text.saturating_add(prefixes) }
    }

    /// Since when something waits here.
    pub(super) fn waits_since(&self) -> Option<Timestamp> {
        self.queue.front().map(|waiting| waiting.segment.frame.at)
    }

    /// What a number on the wire is in numbers of text, where it is read.
    pub(super) fn in_text(&self, src: Endpoint, dst: Endpoint, number: SeqNum) -> Option<SeqNum> {
        let way = self.ways.get(way(src, dst)).filter(|_| self.stage == TextStage::Clear)?;
        way.place(number).and_then(|place| way.acknowledged(place))
    }

    /// Until when it waits, where that was not said before.
    pub(super) fn take_wait(&mut self) -> Option<Waits> {
        let until = self.waits.filter(|until| self.told_wait != Some(*until))?;
        self.told_wait = Some(until);
        Some(Waits { until })
    }

    /// Takes what was said; `full`: there is no room for text.
    pub(super) fn hear(
        &mut self,
        spoken: Spoken,
        full: bool,
        counts: &mut TlsCounts,
        pass: &mut Pass<'_>,
    ) {
        if let Some(lost) = self.lost.get_mut(way(spoken.src, spoken.dst)) {
            lost.note(spoken.by, counts.lost);
        }
        let text = if full { Box::default() } else { spoken.text };
        let spoken = Spoken { text, ..spoken };
        match self.stage {
            TextStage::Passing => {}
            TextStage::Fresh => {
                if self.early.len() < EARLY {
                    self.early_bytes = self.early_bytes.saturating_add(spoken.text.len());
                    self.waits.get_or_insert(spoken.at.plus(FORGOTTEN));
                    self.early.push_back(spoken);
                }
            }
            TextStage::Secret | TextStage::Silent | TextStage::Clear => {
                self.explain(spoken, counts, pass);
            }
        }
    }

    /// Lets go on what waited for what was said.
    pub(super) fn go_on(&mut self, counts: &mut TlsCounts, pass: &mut Pass<'_>) {
        self.release(None, counts, pass);
    }

    fn explain(&mut self, spoken: Spoken, counts: &mut TlsCounts, pass: &mut Pass<'_>) {
        let src = way(spoken.src, spoken.dst);
        let mut late = Vec::new();
        let (sent, _) = both(&mut self.ways, src);
        self.muted |= sent.misses(&spoken);
        match sent.hear(spoken, self.whole, &mut late) {
            Heard::Ignored => return,
            Heard::Quiet => {}
            Heard::Text => self.read(src, counts),
            Heard::Hole => {
                counts.unexplained = counts.unexplained.saturating_add(1);
                self.read(src, counts);
            }
        }
        if self.stage == TextStage::Secret {
            self.stage = TextStage::Silent;
        }
        for late in late {
            self.add(src, late, pass);
        }
    }

    fn read(&mut self, src: usize, counts: &mut TlsCounts) {
        self.speaks = Some(src);
        both(&mut self.ways, src).1.turn();
        if self.stage != TextStage::Clear {
            self.stage = TextStage::Clear;
            counts.read = counts.read.saturating_add(1);
        }
    }

    /// Text that was told after its segment went on: the same frame carried it.
    fn add(&mut self, src: usize, late: Late, pass: &mut Pass<'_>) {
        let Some(Some(last)) = self.last.get(src).filter(|_| !self.muted) else { return };
        let (sent, heard) = both(&mut self.ways, src);
        let Some((seq, len, text)) = sent.late(late) else { return };
        let ack = heard.place(last.ack).and_then(|place| heard.acknowledged(place));
        let flags = Flags(last.flags.0 & !(Flags::FIN | Flags::RST | Flags::SYN));
        let ack = ack.unwrap_or(last.ack);
        pass(&Segment { seq, ack, flags, payload: &text, payload_len: len, ..**last });
    }

    /// Takes a segment; returns whether it went on at once, and as it was.
    pub(super) fn take(
        &mut self,
        segment: &Segment<'_>,
        full: bool,
        counts: &mut TlsCounts,
        pass: &mut Pass<'_>,
    ) -> bool {
        if segment.flags.syn() {
            self.begin(segment, counts, pass);
        }
        match self.stage {
            TextStage::Passing => {}
            TextStage::Fresh if segment.payload_len == 0 => {}
            TextStage::Fresh if full || !record::begins(segment.payload) => {
                self.let_go();
            }
            TextStage::Fresh => {
                self.meet(segment);
                self.queue.push_back(WaitingSegment::of(segment));
                self.waits = Some(segment.frame.at.plus(PATIENCE));
                for spoken in std::mem::take(&mut self.early) {
                    self.explain(spoken, counts, pass);
                }
                self.early_bytes = 0;
                self.release(None, counts, pass);
                return false;
            }
            TextStage::Secret | TextStage::Silent | TextStage::Clear => {
                let waiting = WaitingSegment::of(segment);
                if waiting.closes() {
                    self.closing.get_or_insert(segment.frame.at);
                }
                self.queue.push_back(waiting);
                if full || self.queue.len() > WAITING {
                    self.give_up(Timestamp::MAX, counts, pass);
                } else {
                    self.release(None, counts, pass);
                }
                return false;
            }
        }
        pass(segment);
        true
    }

    /// A segment that opens a connection: this one, unless its number is another.
    fn begin(&mut self, segment: &Segment<'_>, counts: &mut TlsCounts, pass: &mut Pass<'_>) {
        let src = way(segment.src, segment.dst);
        let first = segment.seq.plus(1);
        let (sent, heard) = both(&mut self.ways, src);
        let known = |way: &Way, number| way.first().is_some_and(|first| first != number);
        let another = known(sent, first) || segment.flags.ack() && known(heard, segment.ack);
        if another || self.stage == TextStage::Passing && sent.first().is_none() {
            self.give_up(Timestamp::MAX, counts, pass);
            let early = std::mem::take(&mut self.early);
            *self = Self::default();
            let fresh = |spoken: &Spoken| spoken.at.plus(SKEW) >= segment.frame.at;
            self.early = early.into_iter().filter(fresh).collect();
            self.early_bytes = self.early.iter().map(|spoken| spoken.text.len()).sum();
        }
        let (sent, heard) = both(&mut self.ways, src);
        sent.begin_at(first);
        if segment.flags.ack() {
            heard.begin_at(segment.ack);
        }
        let accepts = usize::from(segment.flags.ack());
        self.opener = Some(if accepts == 0 { src } else { 1_usize.saturating_sub(src) });
        self.whole |= self.stage == TextStage::Fresh;
    }

    /// The first segment with payload.
    fn meet(&mut self, segment: &Segment<'_>) {
        self.stage = TextStage::Secret;
        if record::greets(segment.payload) {
            self.opener.get_or_insert(way(segment.src, segment.dst));
        }
        let opener = self.opener;
        let (sent, heard) = both(&mut self.ways, way(segment.src, segment.dst));
        sent.asks = opener != Some(way(segment.dst, segment.src));
        heard.asks = opener != Some(way(segment.src, segment.dst));
        sent.begin_at(segment.seq);
        if segment.flags.ack() {
            heard.begin_at(segment.ack);
        }
    }

    /// From now on everything passes as it is.
    fn let_go(&mut self) {
        self.stage = TextStage::Passing;
        self.queue = VecDeque::new();
        self.early = VecDeque::new();
        self.early_bytes = 0;
        // A SYN with other numbers begins another connection.
        self.ways = self.ways.each_ref().map(|way| way.first().map(Way::from).unwrap_or_default());
        self.last = [None, None];
        self.waits = None;
    }

    /// Lets time pass until `now`: what has waited long enough goes on, whatever is known of it.
    pub(super) fn give_up(&mut self, now: Timestamp, counts: &mut TlsCounts, pass: &mut Pass<'_>) {
        self.told_wait = None;
        match self.stage {
            TextStage::Passing => {}
            TextStage::Fresh => {
                if self.waits.is_some_and(|until| until <= now) {
                    self.early = VecDeque::new();
                    self.early_bytes = 0;
                    self.waits = None;
                }
            }
            TextStage::Secret | TextStage::Silent => {
                let until = match self.stage {
                    TextStage::Secret => self.waits_since(),
                    // Nothing was said: it ends as what it is, TLS.
                    _ => self.closing,
                };
                let until = until.map(|since| since.plus(PATIENCE));
                if until.is_some_and(|until| until <= now) || now == Timestamp::MAX {
                    if self.stage == TextStage::Secret && !self.queue.is_empty() {
                        counts.unread = counts.unread.saturating_add(1);
                    }
                    for waiting in std::mem::take(&mut self.queue) {
                        pass(&waiting.as_it_was());
                    }
                    self.let_go();
                } else {
                    self.waits = until;
                }
            }
            TextStage::Clear => self.release(Some(now), counts, pass),
        }
    }

    /// Lets go on what is explained, and what was waited for long enough at `now`.
    fn release(&mut self, now: Option<Timestamp>, counts: &mut TlsCounts, pass: &mut Pass<'_>) {
        if self.stage != TextStage::Clear {
            if let (TextStage::Silent, Some(closing)) = (self.stage, self.closing) {
                self.waits = Some(closing.plus(PATIENCE));
            }
            return;
        }
        while let Some(front) = self.queue.front() {
            let at = front.segment.frame.at;
            let until = self.closing.map(|closing| at.max(closing).plus(PATIENCE));
            let over = now.is_some_and(|now| {
                now == Timestamp::MAX || until.is_some_and(|until| until <= now)
            });
            if !over && !self.is_explained(front) {
                self.waits = until;
                return;
            }
            let Some(front) = self.queue.pop_front() else { return };
            self.pass_on(&front, counts, pass);
        }
        self.waits = None;
    }

    /// Everything that this segment speaks of is explained.
    fn is_explained(&self, waiting: &WaitingSegment) -> bool {
        let segment = &waiting.segment;
        // More of the last text may still be told.
        if waiting.closes() && self.ways.iter().any(Way::is_told_by_receiver) {
            return false;
        }
        let [low, high] = &self.ways;
        let (sent, heard) =
            if way(segment.src, segment.dst) == 0 { (low, high) } else { (high, low) };
        let end = segment.seq.plus(segment.payload_len);
        let sent = sent.place(end).is_none_or(|end| sent.knows(end));
        let heard =
            !segment.flags.ack() || heard.place(segment.ack).is_none_or(|place| heard.knows(place));
        sent && heard
    }

    /// Nobody explained the wire numbers of this segment.
    fn pass_over(
        &mut self,
        waiting: &WaitingSegment,
        (from, end): (i64, i64),
        counts: &mut TlsCounts,
    ) {
        let segment = &waiting.segment;
        let src = way(segment.src, segment.dst);
        let (sent, _) = both(&mut self.ways, src);
        let goes_on = |WaitingSegment { segment: one, .. }: &WaitingSegment| {
            let place = sent.place(one.seq.plus(one.payload_len));
            one.src == segment.src && one.payload_len > 0 && place.is_some_and(|place| place > end)
        };
        let silent = |last| record::holds_no_message(&waiting.prefix, segment.payload_len, last);
        if sent.known() == from
            && (silent(false) || silent(true) && !self.queue.iter().any(goes_on))
        {
            sent.is_silent_to(end);
            return;
        }
        if sent.asks && self.speaks == Some(src) {
            // More of a request is not to be taken for another one.
            sent.miss(end);
        } else {
            sent.give_up(end);
        }
        counts.unexplained = counts.unexplained.saturating_add(1);
    }

    /// Lets a segment go on.
    fn pass_on(&mut self, waiting: &WaitingSegment, counts: &mut TlsCounts, pass: &mut Pass<'_>) {
        let segment = &waiting.segment;
        let src = way(segment.src, segment.dst);
        if waiting.closes() && self.stage == TextStage::Clear {
            // The last that was said of it may be among what was lost.
            let mut ways = self.lost.iter().zip(&self.ways);
            self.muted |= ways.any(|(lost, way)| lost.by(way.by()) != counts.lost);
        }
        if self.muted {
            counts.muted = counts.muted.saturating_add(1);
            return;
        }
        if waiting.closes() {
            for src in [0, 1] {
                let mut late = Vec::new();
                both(&mut self.ways, src).0.fill(&mut late);
                for late in late {
                    self.add(src, late, pass);
                }
            }
        }
        let (sent, _) = both(&mut self.ways, src);
        let (from, end) =
            (sent.place(segment.seq), sent.place(segment.seq.plus(segment.payload_len)));
        let (Some(from), Some(end)) = (from, end) else {
            // A number of no window stays one.
            pass(&Segment { payload_len: 0, ..*segment });
            return;
        };
        if !sent.knows(end) && segment.payload_len > 0 {
            self.pass_over(waiting, (from, end), counts);
        }
        let (sent, heard) = both(&mut self.ways, src);
        let mut ack = segment.ack;
        if segment.flags.ack()
            && let Some(place) = heard.place(segment.ack)
        {
            if !heard.knows(place) {
                heard.give_up(place);
            }
            heard.forget_before(place);
            ack = heard.acknowledged(place).unwrap_or(ack);
        }
        let flags = segment.flags;
        if segment.payload_len == 0 {
            let seq = sent.acknowledged(from).unwrap_or(segment.seq);
            pass(&Segment { seq, ack, ..*segment });
        } else {
            let mut parts: Vec<(SeqNum, u32, Vec<u8>)> = Vec::new();
            sent.parts(from, end, |seq, len, text| parts.push((seq, len, text.to_vec())));
            let last = parts.len().saturating_sub(1);
            for (place, (seq, payload_len, text)) in parts.iter().enumerate() {
                let flags = if place == last { flags } else { Flags(flags.0 & !Flags::FIN) };
                let (seq, payload_len) = (*seq, *payload_len);
                pass(&Segment { seq, ack, flags, payload: text, payload_len, ..*segment });
            }
            match self.last.get_mut(src) {
                Some(Some(last)) => **last = *segment,
                Some(none) => *none = Some(Box::new(*segment)),
                None => {}
            }
        }
        let (sent, _) = both(&mut self.ways, src);
        if flags.fin() {
            sent.end(end);
        }
    }
}

/// So long it may take until text is known, or that it never will be.
pub const PATIENCE: Duration = Duration::from_millis(150);

/// Takes the segments that go on.
pub type Pass<'p> = dyn FnMut(&Segment<'_>) + 'p;

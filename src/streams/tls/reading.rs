//! What each record is for.

use super::certificate::Chain;
use super::facts::{AlertFact, Handshake, MAX_ALPN, TlsFacts, TlsVersion, capped};
use super::hello::{ClientHello, ServerHello, protocols};
use super::messages::{Message, Messages};
use super::records::{ContentType, RecordHeader, RecordPart};
use super::suite::{self, Lengths, is_empty_before_1_3};
use super::tickets::{MaybeTicket, Tickets};
use super::{AlertSeen, Carried, Piece};
use crate::flow::{Side, StreamPos};
use crate::packet::FrameRef;

/// Pieces that wait for what the client's next records are.
const MOST_HELD: usize = 64;
/// A client's certificate messages are no longer.
const MOST_HELD_BYTES: u64 = 64 << 10;

/// One side.
#[derive(Debug)]
struct Speaker {
    /// What the record that goes on is for.
    now: Carried,
    messages: Messages,
    /// From here on messages are encrypted.
    sealed: bool,
    /// A ChangeCipherSpec came.
    changed: bool,
    /// Up to TLS 1.2: the Finished came.
    finished: bool,
    /// Some records were lost.
    lost: bool,
    /// An alert in clear, as far as it came.
    alert: [Option<u8>; 2],
}

impl Default for Speaker {
    fn default() -> Self {
        Self {
            now: Carried::Lost,
            messages: Messages::default(),
            sealed: false,
            changed: false,
            finished: false,
            lost: false,
            alert: [None; 2],
        }
    }
}

/// How far a client of TLS 1.3 is with its handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum ClientStage {
    /// The Finished is due.
    #[default]
    Waiting,
    /// The Finished is due, and application data may come before it.
    Early,
    /// A record came that is no Finished: a certificate, or that and all else in one. This is where the
    /// record begins and ends, and its frame.
    Begun(StreamPos, Option<StreamPos>, FrameRef),
    /// The Finished came, and ends here, if it was captured.
    Finished(Option<StreamPos>),
}

/// Finds what the records of both sides are for.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) facts: Box<TlsFacts>,
    client: Speaker,
    server: Speaker,
    stage: ClientStage,
    /// A client that resumes may have offered early data.
    early_offered: bool,
    /// Where the server's first record begins.
    answered: Option<StreamPos>,
    /// The server's Finished came, by its length.
    server_done: bool,
    /// The client's pieces wait for what they are.
    holding: bool,
    held: Vec<Piece>,
    tickets: Tickets,
}

impl Reading {
    /// Takes part of a record.
    pub(super) fn take(&mut self, from: Side, part: &RecordPart<'_>, out: &mut dyn FnMut(Piece)) {
        let Some(header) = part.header else {
            self.lose(from, out);
            self.put(from, part, Carried::Lost, out);
            return;
        };
        if part.begins {
            if from == Side::Server {
                self.answered = self.answered.or(Some(part.pos));
            }
            self.speaker(from).now = self.begin(from, header, part, out);
        }
        match header.content {
            ContentType::Handshake if !self.speaker(from).sealed => self.messages(from, part),
            ContentType::Alert => self.alert(from, header, part),
            _ => {}
        }
        let what = self.speaker(from).now;
        if let Carried::Alert(seen) = what
            && part.ends
        {
            let len = u64::from(header.len()).saturating_sub(part.len);
            let pos = StreamPos(part.pos.0.saturating_sub_unsigned(len));
            self.facts.alert(AlertFact { by: from, seen, pos, frame: part.carrier.frame });
        }
        self.put(from, part, what, out);
    }

    /// Makes known what the client said while it was not clear what it was: messages of its handshake, if its
    /// Finished came after them.
    pub(super) fn release(&mut self, handshake: bool, out: &mut dyn FnMut(Piece)) {
        if let (ClientStage::Begun(_, end, frame), false) = (self.stage, handshake) {
            self.finish(end, frame);
        }
        self.holding = false;
        for mut piece in std::mem::take(&mut self.held) {
            if handshake && matches!(piece.what, Carried::Text | Carried::Silent) {
                piece.what = Carried::Handshake;
            }
            self.emit(piece, out);
        }
    }

    fn speaker(&mut self, side: Side) -> &mut Speaker {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// A record begins: what it is for.
    fn begin(
        &mut self,
        from: Side,
        header: RecordHeader,
        part: &RecordPart<'_>,
        out: &mut dyn FnMut(Piece),
    ) -> Carried {
        let frame = part.carrier.frame;
        match header.content {
            ContentType::OldHello => {
                self.hello_begins(frame);
                self.facts.offered = Some(TlsVersion(header.version));
                self.facts.hello_whole = true;
                Carried::Handshake
            }
            ContentType::ChangeCipherSpec => {
                self.change_cipher(from);
                Carried::Handshake
            }
            ContentType::Handshake => {
                self.sealed_message(from, frame);
                Carried::Handshake
            }
            ContentType::Alert => {
                self.speaker(from).alert = [None; 2];
                let encrypted = header.payload != 2;
                Carried::Alert(AlertSeen { level: None, description: None, encrypted })
            }
            ContentType::Heartbeat => Carried::Silent,
            ContentType::ApplicationData if self.is_1_3() => match from {
                Side::Client => self.client_data(header, part, out),
                Side::Server => self.server_data(header, part, out),
            },
            ContentType::ApplicationData => self.data(from, header),
        }
    }

    /// The connection speaks TLS 1.3, or nothing shows that it does not: the server is not captured, and its
    /// client offers that and does as if.
    fn is_1_3(&self) -> bool {
        match self.facts.chosen {
            Some(version) => version.is_1_3(),
            None => {
                self.server.lost
                    && !self.client.sealed
                    && self.facts.offered.is_some_and(TlsVersion::is_1_3)
            }
        }
    }

    /// How long the text of a record of application data is; see [`super::TlsStream::text_len`].
    pub(super) fn text_len(&self, record: u32) -> Option<u32> {
        let (version, cipher) = self.facts.chosen.zip(self.facts.cipher)?;
        suite::text_len(version.is_1_3(), cipher, record.checked_sub(5)?)
    }

    fn lengths(&self) -> Lengths {
        Lengths(self.facts.cipher)
    }

    /// Application data where it is not known, or known not, that TLS 1.3 is spoken.
    fn data(&mut self, from: Side, header: RecordHeader) -> Carried {
        let (payload, lengths) = (header.payload, self.lengths());
        if self.facts.chosen.is_some() {
            let empty = is_empty_before_1_3(self.facts.cipher, payload);
            return if empty { Carried::Silent } else { Carried::Text };
        }
        let greeted = self.facts.handshake == Handshake::Hello && !self.server.lost;
        if from == Side::Client && greeted {
            self.facts.early_data = true;
            self.stage = ClientStage::Early;
            Carried::Text
        } else if lengths.is_alert(payload) {
            encrypted_alert()
        } else if lengths.is_key_update(payload) || payload == 0 {
            Carried::Silent
        } else {
            Carried::Text
        }
    }

    /// A client's record that TLS 1.3 encrypts.
    fn client_data(
        &mut self,
        header: RecordHeader,
        part: &RecordPart<'_>,
        out: &mut dyn FnMut(Piece),
    ) -> Carried {
        let (payload, lengths) = (header.payload, self.lengths());
        let end = part.pos.plus(header.len().into());
        // Early data of that length was sent before the server's hello was received.
        let answers = self.stage != ClientStage::Early
            || part.carrier.ack.zip(self.answered).is_none_or(|(ack, answered)| ack > answered);
        let is_finished = answers && lengths.is_finished(payload);
        if !matches!(self.stage, ClientStage::Finished(_)) && lengths.is_alert(payload) {
            self.release(false, out);
            return encrypted_alert();
        }
        match self.stage {
            ClientStage::Early if lengths.is_end_of_early_data(payload) => {
                self.stage = ClientStage::Waiting;
                Carried::Handshake
            }
            ClientStage::Early if !is_finished => Carried::Text,
            ClientStage::Waiting | ClientStage::Early | ClientStage::Begun(..) if is_finished => {
                self.release(true, out);
                self.finish(Some(end), part.carrier.frame);
                Carried::Handshake
            }
            ClientStage::Waiting if self.client.lost => {
                // Its Finished may be among what was lost, or be still to come.
                self.stage = ClientStage::Begun(part.pos, None, part.carrier.frame);
                self.holding = true;
                spoken(payload, lengths)
            }
            ClientStage::Waiting | ClientStage::Early => {
                self.facts.certificate_requested = true;
                self.facts.client_certificate = Some(!lengths.is_no_certificate(payload));
                self.stage = ClientStage::Begun(part.pos, Some(end), part.carrier.frame);
                Carried::Handshake
            }
            ClientStage::Begun(..) => {
                self.holding = true;
                spoken(payload, lengths)
            }
            ClientStage::Finished(_) => spoken(payload, lengths),
        }
    }

    /// A server's record that TLS 1.3 encrypts.
    fn server_data(
        &mut self,
        header: RecordHeader,
        part: &RecordPart<'_>,
        out: &mut dyn FnMut(Piece),
    ) -> Carried {
        let (payload, lengths) = (header.payload, self.lengths());
        let ack = part.carrier.ack;
        if let ClientStage::Begun(begin, ..) = self.stage
            && ack.is_none_or(|ack| ack > begin)
        {
            self.release(false, out);
        }
        let finished = match self.stage {
            ClientStage::Finished(end) => end,
            _ if lengths.is_alert(payload) => return encrypted_alert(),
            // After its Finished it may answer early data.
            ClientStage::Early if self.server_done => return Carried::Text,
            ClientStage::Waiting | ClientStage::Begun(..)
                if self.server_done && lengths.may_be_ticket(payload, false) =>
            {
                // Go need not wait for the client's Finished.
                self.tickets.before(payload);
                return Carried::Ticket { sure: true };
            }
            ClientStage::Waiting | ClientStage::Early | ClientStage::Begun(..) => {
                self.server_done |= lengths.is_finished(payload);
                return Carried::Handshake;
            }
        };
        let what = spoken(payload, lengths);
        if what != Carried::Text {
            return what;
        }
        let end = part.pos.plus(header.len().into());
        let long = self.facts.client_certificate == Some(true);
        let candidate = MaybeTicket { payload, ack, end, long };
        match self.tickets.on(candidate, finished, lengths) {
            Some(sure) => Carried::Ticket { sure },
            None => Carried::Text,
        }
    }

    /// The client's Finished in TLS 1.3.
    fn finish(&mut self, end: Option<StreamPos>, frame: FrameRef) {
        self.stage = ClientStage::Finished(end);
        self.done(frame);
    }

    fn done(&mut self, frame: FrameRef) {
        if matches!(self.facts.handshake, Handshake::Hello | Handshake::Open) {
            self.facts.handshake = Handshake::Done;
            self.facts.done = Some(frame);
        }
    }

    /// Up to TLS 1.2 all is encrypted from here on; in TLS 1.3 it says nothing.
    fn change_cipher(&mut self, from: Side) {
        let version = self.facts.chosen;
        let client_changed = self.client.changed;
        let speaker = self.speaker(from);
        let first = !speaker.changed;
        speaker.changed = true;
        if version.is_none_or(TlsVersion::is_1_3) {
            return;
        }
        speaker.sealed = true;
        speaker.messages = Messages::default();
        // Who resumes needs no word of the client before.
        if first && from == Side::Server && self.facts.resumed.is_none() && !self.client.lost {
            self.facts.resumed = Some(!client_changed);
        }
    }

    /// A message begins that is encrypted, of TLS 1.2 or earlier: the Finished, or another handshake.
    fn sealed_message(&mut self, from: Side, frame: FrameRef) {
        if from == Side::Client
            && self.facts.chosen.is_none()
            && self.client.changed
            && self.server.lost
        {
            self.client.sealed = true;
        }
        let old = self.facts.chosen.is_none_or(|version| !version.is_1_3());
        let speaker = self.speaker(from);
        if !speaker.sealed || speaker.finished || !old {
            return;
        }
        speaker.finished = true;
        if self.client.finished && self.server.finished {
            self.done(frame);
        }
    }

    /// Reads messages in clear.
    fn messages(&mut self, from: Side, part: &RecordPart<'_>) {
        let mut messages = std::mem::take(&mut self.speaker(from).messages);
        messages.on(part, &mut |message| self.message(from, message));
        let speaker = self.speaker(from);
        if !speaker.sealed {
            speaker.messages = messages;
        }
    }

    fn message(&mut self, from: Side, message: Message<'_>) {
        match (from, message.kind) {
            (Side::Client, 1) => self.client_hello(message),
            (Side::Server, 2) => self.server_hello(message),
            (Side::Server, 11) => {
                let chain = Chain::read(message.body);
                self.facts.certificates = chain.certificates;
                self.facts.chain_in_order = chain.in_order;
                self.facts.resumed = Some(false);
            }
            // ServerKeyExchange, ServerHelloDone.
            (Side::Server, 12 | 14) => self.facts.resumed = Some(false),
            (Side::Server, 13) => self.facts.certificate_requested = true,
            (Side::Client, 11) => {
                self.facts.client_certificate = Some(message.body.iter().any(|byte| *byte != 0));
            }
            _ => {}
        }
    }

    fn hello_begins(&mut self, frame: FrameRef) {
        if self.facts.handshake == Handshake::NotSeen {
            self.facts.handshake = Handshake::Hello;
            self.facts.client_hello = Some(frame);
        }
    }

    fn client_hello(&mut self, message: Message<'_>) {
        let hello = ClientHello::read(message.body, message.whole);
        self.early_offered = hello.early_data;
        if self.facts.client_hello.is_some() {
            // The one that a HelloRetryRequest asked for says nothing else that is new.
            return;
        }
        self.hello_begins(message.frame);
        let facts = &mut self.facts;
        facts.offered = hello.version;
        facts.sni = hello.sni.map(capped);
        facts.hello_whole = hello.whole;
        facts.ech = hello.ech;
        facts.alpn_offered = protocols(hello.alpn).take(MAX_ALPN).map(capped).collect();
    }

    fn server_hello(&mut self, message: Message<'_>) {
        let hello = ServerHello::read(message.body, message.whole);
        let facts = &mut self.facts;
        if facts.handshake != Handshake::Done {
            facts.handshake = Handshake::Open;
        }
        facts.server_hello = Some(message.frame);
        facts.chosen = hello.version;
        facts.cipher = hello.cipher;
        facts.alpn = hello.alpn.map(capped);
        facts.hello_retry |= hello.retry;
        if hello.retry || !hello.version.is_some_and(TlsVersion::is_1_3) {
            return;
        }
        facts.resumed = Some(hello.psk);
        for speaker in [&mut self.client, &mut self.server] {
            speaker.sealed = true;
            speaker.messages = Messages::default();
        }
        // What was lost before cannot have been the client's Finished.
        self.client.lost = false;
        if self.early_offered && self.stage == ClientStage::Waiting {
            self.stage = ClientStage::Early;
        }
    }

    /// Reads an alert in clear.
    fn alert(&mut self, from: Side, header: RecordHeader, part: &RecordPart<'_>) {
        if header.payload != 2 {
            return;
        }
        let speaker = self.speaker(from);
        for byte in part.bytes {
            if let Some(place) = speaker.alert.iter_mut().find(|place| place.is_none()) {
                *place = Some(*byte);
            }
        }
        let [level, description] = speaker.alert;
        speaker.now = Carried::Alert(AlertSeen { level, description, encrypted: false });
    }

    /// Records of a side were lost.
    fn lose(&mut self, from: Side, out: &mut dyn FnMut(Piece)) {
        if let (Side::Client, ClientStage::Begun(..)) = (from, self.stage) {
            // The Finished may be among them: what is held is rather no request than one too many.
            self.release(true, out);
            self.stage = ClientStage::Waiting;
        }
        let mut messages = std::mem::take(&mut self.speaker(from).messages);
        messages.lose(&mut |message| self.message(from, message));
        let speaker = self.speaker(from);
        (speaker.lost, speaker.messages) = (true, messages);
    }

    /// Makes a piece known, or keeps it while what it is hangs on what the client sends next.
    fn put(
        &mut self,
        from: Side,
        part: &RecordPart<'_>,
        what: Carried,
        out: &mut dyn FnMut(Piece),
    ) {
        let piece = Piece {
            from,
            what,
            pos: part.pos,
            len: part.len,
            begins: part.begins,
            ends: part.ends,
            record_len: part.header.map_or(0, RecordHeader::len),
            ack: part.carrier.ack,
            first_copy: part.carrier.first_copy,
            missing: part.carrier.missing,
            frame: part.carrier.frame,
        };
        if from == Side::Server || !self.holding {
            self.emit(piece, out);
            return;
        }
        self.held.push(piece);
        let bytes = self.held.iter().fold(0_u64, |bytes, held| bytes.saturating_add(held.len));
        if self.held.len() >= MOST_HELD || bytes > MOST_HELD_BYTES {
            self.release(false, out);
        }
    }

    fn emit(&mut self, piece: Piece, out: &mut dyn FnMut(Piece)) {
        if piece.what == Carried::Text && piece.begins {
            self.speaks(&piece);
        }
        out(piece);
    }

    /// Application data comes: what is not in doubt before its end.
    fn speaks(&mut self, piece: &Piece) {
        let facts = &mut self.facts;
        if piece.from == Side::Client {
            facts.first_request = facts.first_request.or(Some(piece.frame));
            self.tickets.asked(piece.ack);
        }
        let done = match self.stage {
            ClientStage::Finished(_) => true,
            ClientStage::Early => false,
            // Up to TLS 1.2. A client may speak before the server's Finished (RFC 7918).
            _ => {
                let trusts = self.client.finished && !self.server.finished && !self.server.lost;
                piece.from == Side::Server || !trusts
            }
        };
        if done {
            self.done(piece.frame);
        }
    }
}

fn encrypted_alert() -> Carried {
    Carried::Alert(AlertSeen { level: None, description: None, encrypted: true })
}

/// What is said after the handshake in TLS 1.3, by its length.
fn spoken(payload: u32, lengths: Lengths) -> Carried {
    if lengths.is_alert(payload) {
        encrypted_alert()
    } else if lengths.is_key_update(payload) || lengths.is_empty(payload) || payload == 0 {
        Carried::Silent
    } else {
        Carried::Text
    }
}

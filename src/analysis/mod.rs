//! Where the layers meet: source → packet → flow → exchange → ledger → roles → report.

mod losses;
pub mod read_log;
mod revisions;
mod roles_so_far;
mod telling;

use crate::alone::{self, LoggedRequests};
use crate::base::time::Timestamp;
use crate::exchange::{HarmlessSpans, Output, Reader, ToldText};
use crate::facts::kernel::Ends;
use crate::facts::listening::Listening;
use crate::flow::{self, Connection, Place, Table};
use crate::input::merge::{self, Brought};
use crate::input::{Block, CaptureFacts, Source, SourceError, Text};
use crate::join::{self, Lines};
use crate::knowledge;
use crate::ledger::{self, GoesOn, Ledger};
use crate::logs;
use crate::packet::fragments::Fragments;
use crate::packet::icmp::{self, Unreachable};
use crate::packet::{self, Endpoint, Frame, Segment, Skip};
use crate::report::records::{ConnectionRecord, ExchangeRecord, Record};
use crate::report::{
    self, Activity, FailureRecord, LogAlone, LogFile, LogsRead, Report, Skipped, Sources, Style,
};
use crate::streams::told::{EarlyWords, Spoken, TlsCounts, Word, WordEnds};
use crate::topology::Trail;
use crate::topology::roles::{Roles, ToldRoles};
use losses::HeldBack;
use revisions::Told;
use roles_so_far::RolesSoFar;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

/// How far a pause of a source can bring time forward: who writes to a pipe may be slow, and what is
/// captured after it is earlier than the clock on the wall.
const PAUSE: Duration = Duration::from_secs(2);

/// What an analysis is told.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Which listeners are what.
    pub told: ToldRoles,
    /// How much is shown.
    pub style: Style,
    /// What was told of backends and proxies: timeouts, kinds, names.
    pub known: knowledge::Configured,
    /// Which records are made known on the way.
    pub records: RecordOptions,
    /// The proxy's log will be given.
    pub log: bool,
    /// The format that it has, as told.
    pub log_format: Option<logs::LogFormatChoice>,
    /// Bounds of the connection table.
    pub flow: flow::Limits,
    /// Bounds of the books.
    pub ledger: ledger::LedgerLimits,
}

/// Which records are made known on the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RecordOptions {
    /// Every exchange.
    pub exchanges: bool,
    /// Every connection.
    pub connections: bool,
    /// Every failure, as soon as it is known.
    pub failures: bool,
    /// What is learned of failures later.
    pub revisions: bool,
    /// There are several captures: records say which they mean.
    pub several: bool,
}

/// Takes records, in the order in which they become known.
pub type RecordSink<'o> = dyn FnMut(Record) + 'o;

/// An analysis under way: frames in, at the end a report.
pub struct Analysis {
    settings: Settings,
    table: Table<Reader>,
    ledger: Ledger,
    /// The exchanges, for the join with the log and the front leg.
    trail: Trail,
    /// Exchanges by listener and time.
    activity: Activity,
    /// Datagrams in pieces, at each viewpoint.
    fragments: BTreeMap<u32, Fragments>,
    skips: [u64; Skip::ALL.len()],
    /// Failures that were made known, by id; as they were, if revisions are wanted.
    told: BTreeMap<String, Option<Told>>,
    /// Those of them of which the last word is still to come.
    told_early: BTreeSet<String>,
    /// How many segments had been seen when it was last looked what was learned of them.
    revised_at: u64,
    /// Failures that wait until it is known what was lost around them.
    held_back: HeldBack,
    /// Which legs are backends', as far as is known.
    roles: RolesSoFar,
    /// Sees every frame, and keeps what is asked for.
    keeper: Option<Box<dyn FrameObserver>>,
    /// Knows what listens on this very host.
    host: Option<Box<dyn Host>>,
    /// What is told of TLS connections, and came before their segments, where somebody tells.
    words: Option<Box<EarlyWords>>,
    told_tls: TlsCounts,
}

/// What an analysis has counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SoFar {
    /// TCP segments.
    pub segments: u64,
    /// TCP connections.
    pub connections: u64,
    /// Exchanges of all connections, each at its end.
    pub exchanges: u64,
}

/// Sees the frames of an analysis as they pass, with what it makes of them.
pub trait FrameObserver {
    /// A frame with a segment, where that belongs, and what of it is harmless.
    fn segment(&mut self, frame: &Frame<'_>, segment: &Segment<'_>, place: &Place<HarmlessSpans>);
    /// A frame that says that a segment of a connection was not delivered.
    fn remark(&mut self, frame: &Frame<'_>, error: &Unreachable, connection: Option<u64>);
    /// A failure was made known.
    fn failed(&mut self, failure: &FailureRecord);
    /// For a moment there is nothing to do.
    fn pause(&mut self);
}

/// Knows what listens on the host that does the analysis.
pub trait Host {
    /// What listens there instead, if `refused` is an address of this host and nothing listens at it.
    fn listening(&mut self, refused: Endpoint) -> Option<Listening>;
    /// What the kernel says of the ends of the connection from `client` to `server` that there was at
    /// `at`; `None` where neither is on this host, or nobody asked the kernel.
    fn ends(&mut self, client: Endpoint, server: Endpoint, at: Timestamp) -> Option<Ends>;
}

impl Analysis {
    /// Nothing read yet.
    pub fn new(settings: Settings) -> Self {
        let told = &settings.told;
        let listeners = told.backends.iter().chain(&told.fronts).copied();
        let table = Table::new(settings.flow, listeners);
        let known =
            knowledge::Configured { named: told.backends.clone(), ..settings.known.clone() };
        let mut ledger = Ledger::new(settings.ledger, known);
        if settings.records.failures {
            ledger.tell_fresh();
        }
        let trail = Trail::new(settings.log, !told.fronts.is_empty());
        Self {
            settings,
            table,
            ledger,
            trail,
            activity: Activity::default(),
            fragments: BTreeMap::new(),
            skips: [0; Skip::ALL.len()],
            told: BTreeMap::new(),
            told_early: BTreeSet::new(),
            revised_at: 0,
            held_back: HeldBack::default(),
            roles: RolesSoFar::default(),
            keeper: None,
            host: None,
            words: None,
            told_tls: TlsCounts::default(),
        }
    }

    /// From now on TLS connections may be read in clear: see [`Self::hear`].
    pub fn listen(&mut self) {
        self.words = Some(Box::default());
        self.table.expect_words();
    }

    /// Somebody tells what was said on a TLS connection. What waited for it goes on with
    /// [`Self::heard`].
    pub fn hear(&mut self, spoken: Spoken, out: &mut RecordSink<'_>) {
        let Some(words) = &mut self.words else { return };
        let (ends, word) = words.word(spoken);
        let waits = words.waits_for(ends);
        // Words keep their order.
        if waits || !self.tell_reader(ends, &word, out) {
            self.words.iter_mut().for_each(|words| words.keep(ends, word.clone()));
        }
        if waits {
            self.offer(ends, out);
        }
    }

    /// So much of what was told was lost. What it was shows where it is missing.
    pub fn missed(&mut self, lost: u64) {
        self.told_tls.lost = self.told_tls.lost.saturating_add(lost);
    }

    /// All was heard that was said so far.
    pub fn heard(&mut self, out: &mut RecordSink<'_>) {
        let heard = self.words.as_mut().map(|words| words.take_heard());
        for ends in heard.into_iter().flatten() {
            self.tell_reader(ends, &Word::GoOn, out);
        }
    }

    /// Tells something to the readers of a connection; returns whether it was of use.
    fn tell_reader(&mut self, ends: WordEnds, word: &Word, out: &mut RecordSink<'_>) -> bool {
        self.with_table(out, |table, mut book| table.hear(ends.both(), word, &mut book))
    }

    /// Offers a connection the words that came before it was known.
    fn offer(&mut self, ends: WordEnds, out: &mut RecordSink<'_>) {
        let Some(mut words) = self.words.take() else { return };
        if words.offer(ends, |word| self.tell_reader(ends, word, out)) {
            self.tell_reader(ends, &Word::GoOn, out);
        }
        self.words = Some(words);
    }

    /// From now on `keeper` sees every frame.
    pub fn keep(&mut self, keeper: Box<dyn FrameObserver>) {
        self.keeper = Some(keeper);
    }

    /// What is refused on this very host is looked up with `host`.
    pub fn on(&mut self, host: Box<dyn Host>) {
        self.host = Some(host);
    }

    /// From now on somebody looks what is lost, and says it with [`Self::looked`]: what failed is not told
    /// before.
    pub fn expect_losses(&mut self) {
        self.held_back.expect();
    }

    /// A failure waits to be told until somebody has looked what was lost.
    pub const fn waits_for_look(&self) -> bool {
        !self.held_back.is_empty()
    }

    /// Frames of a capture were lost between these times.
    pub fn lost(&mut self, capture: u32, from: Timestamp, to: Timestamp) {
        self.ledger.note_loss(capture, from, to);
    }

    /// All was told that was lost so far: makes known the failures that waited for it.
    pub fn looked(&mut self, out: &mut RecordSink<'_>) {
        let mut fresh = self.held_back.release();
        fresh.extend(self.ask_host());
        self.ledger.settle_losses(&mut fresh);
        if self.settings.records.failures {
            self.tell_of(fresh, out);
        }
    }

    /// Takes the frames at these places of a block, which were captured at one viewpoint.
    pub fn take(
        &mut self,
        block: &Block,
        places: Range<usize>,
        viewpoint: u32,
        out: &mut RecordSink<'_>,
    ) {
        for frame in block.frames(places) {
            self.frame(&frame, viewpoint, out);
        }
        self.tell(out);
    }

    /// Takes one frame. What it shows is told with [`Self::tell`].
    pub fn frame(&mut self, frame: &Frame<'_>, viewpoint: u32, out: &mut RecordSink<'_>) {
        match packet::decode(frame) {
            Ok(segment) => {
                self.push(&segment, viewpoint, out);
                if let Some(keeper) = &mut self.keeper
                    && let Some(place) = self.table.place(&segment)
                {
                    keeper.segment(frame, &segment, &place);
                }
            }
            Err(Skip::Fragment) => self.fragment(frame, viewpoint, out),
            Err(skip) => {
                if skip == Skip::NotTcp
                    && let Some(unreachable) = icmp::unreachable(frame)
                {
                    self.with_table(out, |table, mut book| {
                        table.unreachable(&unreachable, viewpoint, &mut book);
                    });
                    let of = self.table.undelivered(&unreachable, viewpoint);
                    if let Some(keeper) = &mut self.keeper {
                        keeper.remark(frame, &unreachable, of);
                    }
                }
                if matches!(skip, Skip::NotIp | Skip::NotTcp)
                    && let Some(word) = packet::neighbour(frame)
                {
                    self.table.neighbour(word);
                }
                self.skip(skip);
            }
        }
    }

    /// Makes known the failures that the frames so far show.
    pub fn tell(&mut self, out: &mut RecordSink<'_>) {
        if self.settings.records.failures {
            self.tell_failures(out);
        }
    }

    /// Nothing was captured, and it is now `now`.
    pub fn tick(&mut self, now: Timestamp, out: &mut RecordSink<'_>) {
        if let Some(words) = &mut self.words {
            words.pass_time(now);
        }
        self.with_table(out, |table, mut book| table.tick(now, &mut book));
        self.tell(out);
        if let Some(keeper) = &mut self.keeper {
            keeper.pause();
        }
    }

    /// Nothing came for a while from where frames come from, and it may be `now`.
    pub fn pause(&mut self, now: Timestamp, out: &mut RecordSink<'_>) {
        // A stamp from the future is believed here no more than elsewhere.
        let latest = self.table.now().plus(PAUSE);
        if self.settings.records.failures {
            self.tick(now.min(latest), out);
        }
    }

    /// A fragment is skipped, unless it completes a datagram with a segment.
    fn fragment(&mut self, frame: &Frame<'_>, viewpoint: u32, out: &mut RecordSink<'_>) {
        let whole = self.fragments.entry(viewpoint).or_default().take(frame);
        match whole.as_ref().map(|whole| packet::decode(&whole.as_frame())) {
            Some(Ok(segment)) => {
                self.push(&segment, viewpoint, out);
            }
            _ => self.skip(Skip::Fragment),
        }
    }

    fn skip(&mut self, skip: Skip) {
        for (kind, count) in Skip::ALL.iter().zip(&mut self.skips) {
            *count = count.saturating_add(u64::from(*kind == skip));
        }
    }

    /// Takes a segment.
    fn push(&mut self, segment: &Segment<'_>, viewpoint: u32, out: &mut RecordSink<'_>) {
        self.ledger.hear(segment);
        self.with_table(out, |table, mut book| table.push(segment, viewpoint, &mut book));
        if let Some(words) = &mut self.words {
            words.pass_time(segment.frame.at);
            let ends = WordEnds::between(segment.src, segment.dst);
            if words.waits_for(ends) {
                self.offer(ends, out);
            }
        }
    }

    /// Does something with the table, and books all that it makes known.
    fn with_table<T>(
        &mut self,
        out: &mut RecordSink<'_>,
        what: impl FnOnce(&mut Table<Reader>, &mut dyn FnMut(Output, &Connection)) -> T,
    ) -> T {
        let Self { table, ledger, trail, activity, roles, settings, told_tls, .. } = self;
        what(table, &mut |output, connection| {
            if let Output::Ended(ended) = &output {
                count_told(told_tls, ended.told);
            }
            book((ledger, trail, activity, roles), settings, output, connection, out);
        })
    }

    /// Ends every connection, reads the logs, and reports. `captures` is what the sources say of
    /// themselves.
    pub fn finish<'a>(
        mut self,
        captures: impl IntoIterator<Item = &'a CaptureFacts>,
        logs: &mut [Text],
        out: &mut RecordSink<'_>,
    ) -> Report {
        self.with_table(out, |table, mut book| table.finish(&mut book));
        self.ask_host();
        let mut held = self.held_back.release();
        held.extend(self.roles.release(Timestamp::MAX, true).into_iter().map(|(_, fresh)| fresh));
        self.ledger.settle_losses(&mut held);
        // What is kept is told with all that the end shows.
        held.retain(|fresh| !fresh.is_kept());
        self.roles.decide(&self.ledger, &self.trail, &self.settings.told);
        self.tell_each(held.into_iter().map(|fresh| (Timestamp::default(), fresh)).collect(), out);
        self.ledger.settle();
        let report = self.report(None, captures, logs);
        if self.settings.records.failures {
            self.tell_the_rest(&report, out);
        }
        report
    }

    /// What a report would say if this were the end; what is under way is left out of it.
    pub fn so_far<'a>(&self, captures: impl IntoIterator<Item = &'a CaptureFacts>) -> Report {
        self.report(Some(self.goes_on()), captures, &mut [])
    }

    /// What was counted so far: segments, connections, exchanges. Costs little.
    pub fn counted(&self) -> SoFar {
        let flow::Counts { segments, connections, .. } = *self.table.counts();
        SoFar { segments, connections, exchanges: self.activity.total() }
    }

    /// What may still become known.
    fn goes_on(&self) -> GoesOn {
        GoesOn { now: self.table.now(), roles_open: self.settings.told.backends.is_empty() }
    }

    /// `goes_on` says what may still become known; `None` is the end.
    fn report<'a>(
        &self,
        goes_on: Option<GoesOn>,
        captures: impl IntoIterator<Item = &'a CaptureFacts>,
        logs: &mut [Text],
    ) -> Report {
        let mut judgement = self.ledger.judged(goes_on);
        let told = &self.settings.told;
        let connects = self.ledger.failed_connects();
        let listeners = judgement.listeners();
        let mut roles =
            Roles::assign(&listeners, connects, [self.trail.seen(), &[]], told, goes_on.is_some());
        roles.explain(judgement.failures_from(0));
        if told.backends.is_empty() {
            judgement.doubt_errors(&roles.ask_others());
        }
        let sent_again = self.trail.sent_again(&judgement, &roles);
        judgement.sent_again(sent_again);
        let skips = Skip::ALL
            .iter()
            .zip(self.skips)
            .map(|(kind, count)| (Skipped::NoSegment(*kind), count));
        let facts: Vec<&CaptureFacts> = captures.into_iter().collect();
        let captured = !facts.is_empty();
        let filtered = facts.iter().fold(0_u64, |sum, one| sum.saturating_add(one.filtered));
        let first = facts.iter().filter_map(|one| one.first).min();
        let last = facts.iter().filter_map(|one| one.last).max();
        let span = first.zip(last).map(|(first, last)| last.since(first));
        let sources = Sources {
            span: span.unwrap_or_default(),
            captures: facts.into_iter().map(capture).collect(),
            skipped: skips
                .chain([(Skipped::Filtered, filtered)])
                .filter(|(_, count)| *count > 0)
                .collect(),
            activity: self.activity.clone(),
            flow: *self.table.counts(),
            clear: self.words.as_ref().map(|_| self.told_tls),
        };
        // A capture tells more, and surer, than the log does by itself.
        let mut requests = (!captured).then(LoggedRequests::default);
        let mut lines = Lines::new(join::interest(&self.trail, &judgement));
        let told = &self.settings.log_format;
        let files: Vec<LogFile> = logs
            .iter_mut()
            .enumerate()
            .map(|(file, log)| {
                read_log::read(log, told.clone(), file, &mut lines, requests.as_mut())
            })
            .collect();
        let alone = self.alone(&files, requests.unwrap_or_default());
        let joined =
            join::join(&self.trail, &mut judgement, &roles, lines, first.zip(last), captured);
        // What clients got may have shown more failures.
        roles.explain(judgement.failures_from(0));
        let mut report = report::build(sources, &judgement, &roles, self.settings.style);
        report::hear(
            &mut report,
            LogsRead { files, joined: &joined, alone },
            &judgement,
            self.settings.style,
        );
        report
    }

    /// What logs show by themselves.
    fn alone(&self, files: &[LogFile], requests: LoggedRequests) -> LogAlone<'_> {
        let known = &self.settings.known;
        let not_looked_at = requests.not_looked_at;
        let findings = alone::findings(requests, report::proxy_idle(files, known));
        LogAlone { findings, not_looked_at, known }
    }
}

/// Counts what was told of a connection that has ended.
fn count_told(counts: &mut TlsCounts, told: Option<ToldText>) {
    let [read, begun, unread] =
        [ToldText::Read, ToldText::Begun, ToldText::Unread].map(|one| u64::from(told == Some(one)));
    counts.read = counts.read.saturating_add(read).saturating_add(begun);
    counts.unread = counts.unread.saturating_add(unread);
    counts.unexplained = counts.unexplained.saturating_add(begun);
}

/// What is kept of what becomes known.
type Books<'a> = (&'a mut Ledger, &'a mut Trail, &'a mut Activity, &'a mut RolesSoFar);

/// Books what became known, and makes a record of it where one is wanted.
fn book(
    (ledger, trail, activity, roles): Books<'_>,
    settings: &Settings,
    output: Output,
    connection: &Connection,
    out: &mut RecordSink<'_>,
) {
    let wanted = settings.records;
    if is_beside(&output, ledger, connection) {
        return;
    }
    roles.note(&output, connection);
    // What was captured elsewhere as well counts there.
    if let (Output::Exchange(exchange), None) = (&output, &connection.same_as) {
        activity.note(connection.leg(), exchange.request.first.at);
    }
    let noted = matches!(&output, Output::Exchange(exchange) if trail.note(exchange, connection));
    match output {
        Output::Exchange(exchange) if wanted.exchanges => {
            let copy = exchange.clone();
            let failed = ledger.book(Output::Exchange(exchange), connection);
            if noted && failed {
                trail.failed();
            }
            let secrets = settings.style.show_secrets;
            let record = ExchangeRecord::new(&copy, connection, failed, secrets, wanted.several);
            out(Record::Exchange(record));
        }
        Output::Ended(ended) if wanted.connections && !connection.never_left() => {
            ledger.book(Output::Ended(ended.clone()), connection);
            roles.decide(ledger, trail, &settings.told);
            let role = roles.get().of(connection.leg());
            let record = ConnectionRecord::new(&ended, connection, role, wanted.several);
            out(Record::Connection(record));
        }
        other => {
            if ledger.book(other, connection) && noted {
                trail.failed();
            }
        }
    }
}

/// Whether an exchange is framed by turns where nobody named the backend. Most that speaks in turn is none of a
/// proxy's business: a shell, a database, a browser's TLS.
fn is_beside(output: &Output, ledger: &Ledger, connection: &Connection) -> bool {
    let by_turns = output.exchange().is_some_and(|exchange| exchange.turns.is_some());
    by_turns && !ledger.is_named(connection.leg())
}

/// Reads all sources to their ends and reports. They are given in the order of their first frames;
/// those that overlap in time are several viewpoints. `out` gets the records that the settings ask
/// for.
///
/// # Errors
/// When a source fails before it brought anything.
pub fn analyze<S: Source>(
    sources: &mut [S],
    settings: Settings,
    out: &mut RecordSink<'_>,
) -> Result<Report, SourceError> {
    analyze_with_logs(sources, &mut [], settings, out)
}

/// Reads all sources as [`analyze`] does, joined with the lines of the proxy's logs, which are read after
/// the captures. Without any capture it is what the logs alone say.
///
/// # Errors
/// When a source fails before it brought anything.
pub fn analyze_with_logs<S: Source>(
    sources: &mut [S],
    logs: &mut [Text],
    settings: Settings,
    out: &mut RecordSink<'_>,
) -> Result<Report, SourceError> {
    let mut analysis = Analysis::new(settings);
    merge::in_time(sources, &mut |brought| match brought {
        Brought::Frames(block, places, viewpoint) => analysis.take(block, places, viewpoint, out),
        Brought::Pause(now) => analysis.pause(now, out),
    })?;
    Ok(analysis.finish(sources.iter().map(Source::facts), logs, out))
}

fn capture(facts: &CaptureFacts) -> report::Capture {
    report::Capture {
        path: facts.path.clone(),
        format: facts.format,
        link_types: facts.links.iter().map(|link| link.name().into_owned()).collect(),
        frames: facts.frames,
        bytes: facts.bytes,
        first: facts.first,
        last: facts.last,
        truncated_frames: facts.truncated_frames,
        kernel_drops: facts.dropped.map(|dropped| dropped.by_kernel),
        interface_drops: facts.dropped.map(|dropped| dropped.by_interface),
        damage: facts.damage.clone(),
    }
}

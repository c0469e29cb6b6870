//! `why502 live`: the analysis of saved captures behind interfaces that are watched now.
//!
//! In this order: everything that needs privileges is opened, they are dropped, the first frame is
//! looked at. No threads: the kernel's buffer is the queue.

mod accept_queues;
mod ebpf;
mod gathering;
mod kernel_filter;
mod libpcap;
mod listeners;
mod losses;
mod output;
mod privileges;
mod sight;
mod signals;
mod source;
mod this_host;
mod tls_text;

use crate::analysis::{Analysis, Settings};
use crate::cli::output::Destination;
use crate::cli::page_file::PageFile;
use crate::cli::{From, Live, OutputFormat, Shared, config, output_paths};
use crate::ebpf::Refused;
use crate::evidence::{EvidenceFiles, Keeper, Recording, Rotation, Troubles, folder_of};
use crate::input::{CaptureFacts, Fill, SourceError};
use crate::packet::EndpointPattern;
use anyhow::{Context, Result, bail};
use libpcap::CaptureOptions;
use losses::LossWatch;
use output::Teller;
use privileges::Left;
use signals::{SignalAsks, Signals};
use source::FrameSource;
use std::io::{BufWriter, ErrorKind};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use this_host::ThisHost;
use tls_text::TlsWatch;

/// A connection that was closed is judged after so much silence: somebody waits for the answer.
const SETTLE: Duration = Duration::from_millis(350);
/// The second SYN comes a second after the first, the third after three.
const FIRST_SYN_WAIT: Duration = Duration::from_millis(3_200);
/// A request whose proxy has closed is judged after so much silence, though the backend may answer yet: a
/// late answer would have come by then (`verdict::gave_up`), and somebody waits for the answer.
const QUIET: Duration = Duration::from_millis(550);
/// Whoever waits for the answer hears after so long of a connection that only one side has closed.
const HALF_CLOSED: Duration = Duration::from_secs(120);
/// Longer between two SYNs than the kernel waits while any proxy does.
const LONGEST_SYN_WAIT: Duration = Duration::from_secs(70);
/// How often it is looked whether anybody still reads.
const LOOK: Duration = Duration::from_secs(1);
/// A look at what was learned of failures costs at most this part of the time.
const REVISING: u32 = 50;

/// Watches until it is told to end, and reports. Returns the exit status.
///
/// # Errors
/// When an interface cannot be opened, a file not be written, or nobody reads what is said.
pub fn run(typed: &Live) -> Result<u8> {
    let wanted = &typed.shared;
    if typed.interface.is_empty() {
        bail!("live: which interface? -i {}", libpcap::interfaces().join(", -i "));
    }
    if typed.heartbeat.is_some() && !wanted.format.is_by_record() {
        bail!("--heartbeat writes records: it needs --format jsonl");
    }
    // Read now: later the file system is closed.
    config::show_times(wanted).context("--timezone")?;
    let settings = settings(wanted)?;
    let written =
        [("--output", &wanted.output), ("--write", &typed.write), ("--html", &wanted.html)];
    let written = written.iter().filter_map(|(option, path)| Some((*option, path.as_deref()?)));
    output_paths::refuse_inputs(written, wanted.config.as_deref())?;
    let output = Destination::open(wanted.output.as_deref())?;
    let mut page = PageFile::open(wanted.html.as_deref(), wanted.output.as_deref())?;
    let folders = folders(typed)?;
    let listeners: Vec<EndpointPattern> =
        settings.told.backends.iter().chain(&settings.told.fronts).copied().collect();
    let from = if typed.full { From::Pcap } else { typed.source };
    let named = !settings.told.backends.is_empty();
    let (mut source, instead) = open_source(typed, from, if named { &listeners } else { &[] })?;
    let spoken = typed.tls_uprobes.then(|| TlsWatch::open(&listeners));
    let (host, untold) = ThisHost::look(typed.processes)?;
    let signals = Signals::take()?;
    let sight = host.sight(&typed.interface, &listeners);
    let left = privileges::drop(typed.user.as_deref(), &folders, host.knows_processes())?;

    let mut teller =
        Teller::new(wanted, Box::new(BufWriter::new(output.to)), output.paper, typed.heartbeat);
    let troubles = Troubles::default();
    let mut analysis = Analysis::new(settings);
    analysis.expect_losses();
    analysis.on(Box::new(host.clone()));
    if let Some(keeper) = keeper(typed, source.facts(), &troubles)? {
        analysis.keep(Box::new(keeper));
    }
    // Said also where little shall be: what was asked for is not what is done.
    if let Some(why) = instead.as_ref().filter(|_| from == From::Ebpf) {
        teller.aside(&format!("--source ebpf: {why}: watching with libpcap"));
    }
    if let Some(untold) = untold.filter(|_| !wanted.quiet) {
        teller.aside(&untold);
    }
    let spoken = spoken.and_then(|opened| listen(opened, &mut analysis, &mut teller));
    if typed.full && !folders.is_empty() {
        teller.aside("--full: frames are kept whole, with bodies, passwords and cookies");
    }
    if !wanted.quiet {
        let what = watched(&listeners, wanted.filter.as_deref());
        announce(&mut teller, &source, &what, &left, instead.as_deref());
        sight.lines().iter().for_each(|line| teller.aside(line));
    }
    let mut losses = LossWatch::begin();
    let watch = Watch {
        typed,
        source: &mut source,
        losses: &mut losses,
        host: &host,
        spoken,
        signals,
        teller: &mut teller,
        troubles,
    };
    watch.go_on(&mut analysis)?;
    host.drain();
    losses.look(&mut source, &mut analysis, &mut teller, true);
    let report = analysis.finish([source.facts()], &mut [], &mut |record| teller.record(&record));
    let failed = !report.failures.is_empty() && !wanted.exit_zero;
    page.add(&report);
    teller.report(report, true);
    page.write()?;
    match teller.broken() {
        Some(error) if error.kind() == ErrorKind::BrokenPipe => Ok(unread(&mut teller, &source)),
        Some(error) => Err(error).context("cannot write the answer"),
        None => Ok(u8::from(failed)),
    }
}

/// Opens what brings frames: of the `listeners` that are named, or of all. Returns with it why it is not
/// the one that was asked for, if it is not.
fn open_source(
    typed: &Live,
    from: From,
    listeners: &[EndpointPattern],
) -> Result<(FrameSource, Option<String>), SourceError> {
    FrameSource::open(
        from,
        &CaptureOptions {
            interfaces: &typed.interface,
            snaplen: if typed.full { WHOLE } else { typed.snaplen },
            buffer_bytes: typed.buffer_size,
            promiscuous: typed.promiscuous,
            // Who records wants to see every segment.
            joining: typed.write.is_none(),
            filter: typed.shared.filter.as_deref(),
            // The front leg is seen only where everything is, or it is named.
            listeners,
        },
    )
}

/// Has TLS connections read in clear, where that could be opened; says so, or why not.
fn listen(
    opened: Result<TlsWatch, Refused>,
    analysis: &mut Analysis,
    teller: &mut Teller<'_>,
) -> Option<TlsWatch> {
    match opened {
        Ok(spoken) => {
            analysis.listen();
            spoken.covers().iter().for_each(|line| teller.aside(line));
            Some(spoken)
        }
        Err(why) => {
            teller.aside(&format!("--tls-uprobes: {why}: TLS is not read in clear"));
            None
        }
    }
}

/// Says what is watched, by what means and with which rights, and how it ends.
fn announce(
    teller: &mut Teller<'_>,
    source: &FrameSource,
    what: &str,
    left: &Left,
    instead: Option<&str>,
) {
    teller.aside(&format!(
        "watching {} for {what} ({}{}), {left}; Ctrl-C ends it with a report, \
         'kill -USR1 {}' reports and goes on",
        source.facts().path,
        source.means(),
        instead.map_or_else(String::new, |why| format!("; no eBPF: {why}")),
        std::process::id()
    ));
}

/// What is watched, in a few words.
fn watched(listeners: &[EndpointPattern], filter: Option<&str>) -> String {
    let names: Vec<String> = listeners.iter().map(EndpointPattern::to_string).collect();
    let what = if names.is_empty() { "all TCP".to_owned() } else { names.join(", ") };
    filter.map_or_else(|| what.clone(), |filter| format!("{what}, filtered by '{filter}'"))
}

/// No frame is longer.
const WHOLE: u32 = 262_144;

fn settings(wanted: &Shared) -> Result<Settings> {
    let mut settings = config::settings(wanted, false)?;
    settings.records.failures = true;
    // What was told may no longer hold.
    settings.records.revisions |= wanted.format == OutputFormat::Text;
    settings.flow.settle = SETTLE;
    settings.flow.quiet = Some(QUIET);
    settings.flow.end_when_judged = true;
    settings.flow.first_syn_wait = Some(FIRST_SYN_WAIT);
    settings.flow.closing = HALF_CLOSED;
    settings.flow.opening = LONGEST_SYN_WAIT;
    Ok(settings)
}

/// The folders that files will be written to.
fn folders(typed: &Live) -> Result<Vec<PathBuf>> {
    if let Some(folder) = &typed.keep_evidence {
        privileges::make_folder(folder)?;
    }
    let mut folders: Vec<PathBuf> = typed.keep_evidence.iter().cloned().collect();
    if let Some(file) = &typed.write {
        let folder = folder_of(file);
        if !folder.is_dir() {
            bail!("{}: there is no folder {}", file.display(), folder.display());
        }
        folders.push(folder);
    }
    Ok(folders)
}

fn keeper(typed: &Live, facts: &CaptureFacts, troubles: &Troubles) -> Result<Option<Keeper>> {
    let interface = &facts.path;
    let recording = typed.write.as_ref().map(|path| {
        let files = typed.rotate_count.and_then(|count| usize::try_from(count).ok());
        let rotation = Rotation { bytes: typed.rotate_size, files };
        Recording::begin(path.clone(), rotation, interface.clone(), troubles.clone())
            .with_context(|| format!("{}: cannot write", path.display()))
    });
    let evidence = typed.keep_evidence.as_ref().map(|folder| {
        let memory = usize::try_from(typed.evidence_memory).unwrap_or(usize::MAX);
        let most = usize::try_from(typed.evidence_count).unwrap_or(usize::MAX);
        EvidenceFiles::new(folder.clone(), memory, most, interface.clone(), troubles.clone())
    });
    let recording = recording.transpose()?;
    let wanted = recording.is_some() || evidence.is_some();
    Ok(wanted.then(|| Keeper::new(recording, evidence, typed.full)))
}

/// A watch under way.
struct Watch<'w, 't> {
    typed: &'w Live,
    source: &'w mut FrameSource,
    losses: &'w mut LossWatch,
    host: &'w ThisHost,
    /// What was said on TLS connections.
    spoken: Option<TlsWatch>,
    signals: Signals,
    teller: &'w mut Teller<'t>,
    troubles: Troubles,
}

impl Watch<'_, '_> {
    /// Until a signal, a limit, the last interface's end, or nobody reads any more.
    fn go_on(self, analysis: &mut Analysis) -> Result<()> {
        let Self { typed, source, losses, host, mut spoken, signals, teller, troubles } = self;
        let begun = Instant::now();
        let mut looked = begun;
        let mut revised = begun;
        let mut rest = Duration::ZERO;
        loop {
            let mut out = |record| teller.record(&record);
            // Before the frames: what is not told in time counts as never told.
            if let Some(spoken) = &mut spoken {
                spoken.take(|said| analysis.hear(said, &mut out));
                analysis.missed(spoken.missed());
                analysis.heard(&mut out);
            }
            let taken = source.take(|frame| analysis.frame(frame, 0, &mut out));
            // What the kernel said of these frames' connections comes before what is said of them.
            host.drain();
            match taken {
                Fill::Frames => analysis.tell(&mut out),
                Fill::Idle(now) => analysis.tick(now, &mut out),
                Fill::End => return Ok(()),
            }
            troubles.take().iter().for_each(|trouble| teller.aside(trouble));
            let over = typed.duration.is_some_and(|most| begun.elapsed() >= most)
                || typed.max_failures.is_some_and(|most| teller.failures >= most);
            if over {
                source.end();
            }
            if losses.is_due(analysis.waits_for_look()) {
                losses.look(source, analysis, teller, false);
            }
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                host.look_round();
                if let Some(error) = teller.broken() {
                    teller.break_off(error);
                    return Ok(());
                }
                if revised.elapsed() >= rest {
                    revised = Instant::now();
                    analysis.revise(&mut |record| teller.record(&record));
                    rest = revised.elapsed().saturating_mul(REVISING);
                }
            }
            match signals.next() {
                Some(SignalAsks::End) => source.end(),
                Some(SignalAsks::Report) => {
                    losses.look(source, analysis, teller, false);
                    analysis.revise(&mut |record| teller.record(&record));
                    teller.report(analysis.so_far([source.facts()]), false);
                }
                None => {}
            }
            teller.pause(source.facts(), || analysis.counted());
        }
    }
}

/// Nobody reads the answer: told, and no failure.
fn unread(teller: &mut Teller<'_>, source: &FrameSource) -> u8 {
    let frames = source.facts().frames;
    teller.aside(&format!("nobody reads the output any more: ended after {frames} frames"));
    0
}

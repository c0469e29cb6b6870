//! Where the layers meet: source → packet → flow → exchange → ledger → roles → report.

use crate::exchange::Reader;
use crate::flow::{self, Table};
use crate::ledger::{self, Ledger};
use crate::packet::{self, Skip};
use crate::report::{self, Report, Sources, Style};
use crate::roles::{Roles, Told};
use crate::source::{Block, CaptureFacts, Fill, Source, SourceError};

/// What an analysis is told.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Which listeners are what.
    pub told: Told,
    /// How much is shown.
    pub style: Style,
    /// Bounds of the connection table.
    pub flow: flow::Limits,
    /// Bounds of the books.
    pub ledger: ledger::Limits,
}

/// An analysis under way: segments in, at the end a report.
pub struct Analysis {
    settings: Settings,
    table: Table<Reader>,
    ledger: Ledger,
    skips: [u64; Skip::ALL.len()],
}

impl Analysis {
    /// Nothing read yet.
    pub fn new(settings: Settings) -> Self {
        let told = &settings.told;
        let known = told.backends.iter().chain(&told.fronts).filter_map(|one| one.endpoint());
        let table = Table::new(settings.flow, known);
        let ledger = Ledger::new(settings.ledger, settings.style.timeouts);
        Self { settings, table, ledger, skips: [0; Skip::ALL.len()] }
    }

    /// Takes every frame of a block.
    pub fn take(&mut self, block: &Block) {
        for frame in block.frames() {
            match packet::decode(&frame) {
                Ok(segment) => self.table.push(&segment, &mut |output, connection| {
                    self.ledger.book(output, connection);
                }),
                Err(skip) => {
                    for (kind, count) in Skip::ALL.iter().zip(&mut self.skips) {
                        *count = count.saturating_add(u64::from(*kind == skip));
                    }
                }
            }
        }
    }

    /// Ends every connection and reports. `captures` is what the sources say of themselves.
    pub fn finish<'a>(mut self, captures: impl IntoIterator<Item = &'a CaptureFacts>) -> Report {
        self.table.finish(&mut |output, connection| self.ledger.book(output, connection));
        self.ledger.revise();
        let roles = Roles::assign(&self.ledger, &self.settings.told);
        let skipped = Skip::ALL.iter().zip(self.skips).filter(|(_, count)| *count > 0);
        let sources = Sources {
            captures: captures.into_iter().map(capture).collect(),
            skipped: skipped.map(|(kind, count)| (kind.name(), count)).collect(),
            flow: *self.table.counts(),
        };
        report::build(sources, &self.ledger, &roles, self.settings.style)
    }
}

/// Reads each source to its end, one after the other, and reports.
///
/// # Errors
/// When a source fails before it brought anything.
pub fn analyze<S: Source>(sources: &mut [S], settings: Settings) -> Result<Report, SourceError> {
    let mut analysis = Analysis::new(settings);
    let mut block = Block::new();
    for source in &mut *sources {
        while source.fill(&mut block)? == Fill::Frames {
            analysis.take(&block);
        }
    }
    Ok(analysis.finish(sources.iter().map(Source::facts)))
}

fn capture(facts: &CaptureFacts) -> report::Capture {
    report::Capture {
        path: facts.path.clone(),
        format: facts.format.name(),
        link_types: facts.links.iter().map(|link| link.name().into_owned()).collect(),
        frames: facts.frames,
        bytes: facts.bytes,
        first: facts.first.map(|at| at.to_string()),
        last: facts.last.map(|at| at.to_string()),
        truncated_frames: facts.truncated_frames,
        damage: facts.damage.clone(),
    }
}

//! Progress on long work: a source that says on the terminal how far it is.

use crate::input::{Block, CaptureFacts, Fill, Source, SourceError};
use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Work shorter than this needs no progress.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often it is shown.
const INTERVAL: Duration = Duration::from_millis(100);

/// A source that tells how far it is.
pub struct Progress<S> {
    source: S,
    /// Bytes in all, where that is known.
    total: Option<u64>,
    /// Nothing is shown without it.
    begun: Option<Instant>,
    shown: Option<Instant>,
}

impl<S: Source> Progress<S> {
    /// Of `total` bytes, if that is known. `shown`: `None` shows it on a terminal only.
    pub fn new(source: S, total: Option<u64>, shown: Option<bool>) -> Self {
        let wanted = shown.unwrap_or_else(|| stderr().is_terminal());
        Self { source, total, begun: wanted.then(Instant::now), shown: None }
    }

    fn show(&mut self, now: Instant, begun: Instant) {
        let facts = self.source.facts();
        let mib = |bytes: u64| bytes.checked_div(1 << 20).unwrap_or(0);
        let far = match self.total.filter(|total| *total >= facts.bytes) {
            Some(total) => {
                let percent = facts.bytes.saturating_mul(100).checked_div(total).unwrap_or(0);
                format!("{percent} % of {} MiB", mib(total))
            }
            None => format!("{} MiB", mib(facts.bytes)),
        };
        let seconds = now.duration_since(begun).as_secs();
        let line = format!("{}: {far}, {} frames, {seconds} s", facts.path, facts.frames);
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(stderr(), "\r\x1b[K{line}");
        self.shown = Some(now);
    }
}

impl<S: Source> Source for Progress<S> {
    fn fill(&mut self, block: &mut Block) -> Result<Fill, SourceError> {
        let fill = self.source.fill(block);
        if let Some(begun) = self.begun {
            let now = Instant::now();
            let due = match self.shown {
                Some(shown) => now.duration_since(shown) >= INTERVAL,
                None => now.duration_since(begun) >= PATIENCE,
            };
            let over = !matches!(fill, Ok(Fill::Frames));
            if over && self.shown.take().is_some() {
                let _ = write!(stderr(), "\r\x1b[K");
            } else if due && !over {
                self.show(now, begun);
            }
        }
        fill
    }

    fn facts(&self) -> &CaptureFacts {
        self.source.facts()
    }
}

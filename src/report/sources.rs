//! What a report is made of besides the books, and how much of it is shown.

use super::model::{Capture, Skipped};
use super::named::Tally;
use super::over_time::Activity;
use crate::flow;
use crate::knowledge::Timeouts;
use crate::streams::told;
use crate::topology::vantage::Vantage;
use std::time::Duration;

/// What was read, for the parts of the report that tell of it.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The captures, in the order given.
    pub captures: Vec<Capture>,
    /// Frames that are no segments, by kind.
    pub skipped: Tally<Skipped>,
    /// From the first frame of all to the last.
    pub span: Duration,
    /// Exchanges by listener and time.
    pub activity: Activity,
    /// What the connection table counted.
    pub flow: flow::Counts,
    /// What became of TLS connections, where their text was to be told.
    pub clear: Option<told::TlsCounts>,
}

/// How much is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Show secrets in request targets.
    pub show_secrets: bool,
    /// Where the captures were taken, as told.
    pub vantage: Option<Vantage>,
    /// Timeouts to try.
    pub what_if: Option<Timeouts>,
}

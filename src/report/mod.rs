//! Values out: one serialisable [`Report`], that every format renders.
//!
//! [`build()`] makes it of the books, the roles and the captures; [`words`](crate::words) finds the
//! sentences. Whatever was captured passes through [`escape`](crate::base::escape) on its way in, so
//! that no renderer has to think of it.

pub mod build;
mod clients;
mod detail;
mod events;
mod forecast;
pub mod headline;
pub mod log;
pub mod log_model;
pub mod model;
pub mod notes;
mod process;
pub mod records;
pub mod tally_model;
pub mod unread;

pub use build::{Sources, Style, build, failure};
pub use headline::{AnalysisOutcome, Headline};
pub use log::{LogsRead, hear};
pub use log_model::{
    ClientRecord, ClockRecord, FrontLegRecord, HiddenRetries, Log, LogFile, LogLine, LogPlace,
    LogTimes,
};
pub use model::*;
pub use tally_model::{Clients, Judged, UnreadRecord};

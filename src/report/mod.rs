//! Values out: one serialisable [`Report`], that every format renders.
//!
//! [`build()`] makes it of the books, the roles and the captures; [`words`](crate::words) finds the
//! sentences. Whatever was captured passes through [`escape`](crate::base::escape) on its way in, so
//! that no renderer has to think of it.

mod answer;
pub mod answer_model;
mod backend;
pub mod backend_model;
mod backend_tls;
mod brief;
pub mod build;
mod clients;
mod detail;
mod events;
mod failure;
pub mod failure_model;
mod forecast;
mod groups;
pub mod headline;
mod ids;
pub mod log;
pub mod log_finding_model;
mod log_findings;
pub mod log_model;
pub mod log_sums;
pub mod model;
pub mod named;
pub mod notes;
pub mod over_time;
mod process;
pub mod process_model;
pub mod records;
pub mod sources;
pub mod tally_model;
mod timers;
pub mod unread;
mod user_saw;
mod wireshark;

pub use answer::LeadingParagraph;
pub use brief::LeadingCause;
pub use build::build;
pub use failure::failure;
pub use headline::{AnalysisOutcome, Headline};
pub use log::{LogAlone, LogsRead, hear};
pub use log_finding_model::LogPlace;
pub use log_findings::proxy_idle;
pub use log_model::{
    BackendOut, ClientRecord, ClockRecord, ExplainingLine, FailureIds, FrontLegRecord,
    HiddenRetries, Log, LogFile, LogLine, LogTimes,
};
pub use model::*;
pub use named::{Named, Tally};
pub use over_time::Activity;
pub use sources::{Sources, Style};
pub use tally_model::{Clients, Judged, UnreadRecord};
pub use user_saw::UserSaw;

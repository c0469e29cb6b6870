//! Values out: one serialisable [`Report`], and one file per format that renders it.
//!
//! [`build`] makes the report of the books, the roles and the captures; `words` finds the
//! sentences; [`text`] and [`json`] render. Whatever was captured passes through [`escape`] on its
//! way in, so no renderer has to think of it.

mod build;
mod clients;
mod detail;
pub mod escape;
mod events;
mod fix;
mod forecast;
mod headline;
mod histogram;
pub mod json;
mod listening;
mod log;
mod log_model;
mod log_text;
mod log_words;
mod model;
mod notes;
mod process;
pub mod records;
mod summary;
mod tally_model;
pub mod text;
mod unread;
mod words;

pub use build::{Sources, Style, build, failure};
pub use escape::shape;
pub use headline::{Headline, Outcome};
pub use log::{Heard, hear};
pub use model::*;

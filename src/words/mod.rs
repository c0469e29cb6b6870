//! What people read: sentences, made of what was found. Nothing is judged here.

pub mod backend_section;
mod causes;
pub mod clients;
pub mod events;
pub mod failure_section;
pub mod fix;
pub mod forecast;
pub mod headline;
pub mod idle_gaps;
pub mod input_section;
pub mod ladder;
pub mod listening;
pub mod log;
pub mod log_alone;
pub mod log_findings;
pub mod log_section;
pub mod losses;
mod masked;
pub mod messages;
pub mod notices;
pub mod page;
pub mod page_steps;
pub mod paragraphs;
pub mod phrases;
pub mod process;
pub mod process_lines;
pub mod screen;
pub mod settings;
pub mod show;
pub mod sight;
mod subject;
pub mod timers;
pub mod unexplained;
pub mod unread;
pub mod watch;

use crate::ledger::Failure;
pub use causes::{before_it_happens, drawing, words};
use fix::Fix;
use subject::Subject;

/// What happened, in one sentence: by the packets, then what the kernel's word adds. `request` is its
/// method and target, if known.
pub fn summary(failure: &Failure, request: &str, show_secrets: bool) -> String {
    let shown = causes::summary(&Subject { failure, request, show_secrets });
    format!("{shown}{}", process::clauses(failure))
}

/// What to change: by the kernel's word where that tells more than the packets do.
pub fn fix(failure: &Failure) -> Fix {
    let subject = Subject { failure, request: "", show_secrets: false };
    process::fix(failure).unwrap_or_else(|| causes::fix(&subject))
}

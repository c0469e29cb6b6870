//! One file a format: what was found becomes output. Nothing is judged and nothing looked for here.

pub mod explain;
pub mod json;
mod markdown;
pub mod page;
mod rows;
mod screen;
pub mod show;
mod show_ladder;
mod style;
pub mod text;
mod text_idle_gaps;
mod text_log;
mod text_processes;
pub mod text_told;
pub mod timeouts;

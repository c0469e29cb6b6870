//! `--format json`: one document.

use super::Report;
use std::io::{self, Write};

/// Writes the report as one indented document with a line end.
///
/// # Errors
/// When writing fails.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}

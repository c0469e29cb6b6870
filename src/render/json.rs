//! `--format json`: one document.

use crate::report::Report;
use serde::Serialize;
use std::io::{self, Write};

/// Writes the report as one indented document with a line end.
///
/// # Errors
/// When writing fails.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}

/// Writes several reports as one document.
///
/// # Errors
/// When writing fails.
pub fn write_several(reports: &[Report], out: &mut dyn Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Several<'r> {
        schema_version: u32,
        reports: &'r [Report],
    }
    let schema_version = reports.first().map_or(0, |report| report.schema_version);
    serde_json::to_writer_pretty(&mut *out, &Several { schema_version, reports })?;
    writeln!(out)
}

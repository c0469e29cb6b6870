//! Where the answer goes, and in which form.

use crate::cli::{OutputFormat, Shared, config};
use crate::render::{json, text};
use crate::report::Report;
use crate::report::records::{self, Record};
use anstream::{AutoStream, ColorChoice};
use anyhow::{Context, Result};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Where the answer goes.
pub struct Destination {
    /// A file, or standard output.
    pub to: Box<dyn Write>,
    /// What `--color auto` means for it.
    pub auto: ColorChoice,
}

impl Destination {
    /// Opens it: the file at `path`, else standard output.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn open(path: Option<&Path>) -> Result<Self> {
        Ok(match path {
            None => Self { to: Box::new(io::stdout()), auto: AutoStream::choice(&io::stdout()) },
            Some(path) => {
                let file = File::create(path)
                    .with_context(|| format!("{}: cannot write", path.display()))?;
                Self { to: Box::new(file), auto: ColorChoice::Never }
            }
        })
    }
}

/// Writes the reports of captures that have nothing to do with each other: in text each under the names
/// of its captures, in JSON in one document.
///
/// # Errors
/// When writing fails.
pub fn write_each(
    typed: &Shared,
    reports: Vec<Report>,
    auto: ColorChoice,
    out: &mut dyn Write,
) -> Result<()> {
    match typed.format {
        OutputFormat::Text => {
            for (place, report) in reports.into_iter().enumerate() {
                let names: Vec<&str> =
                    report.captures.iter().map(|one| one.path.as_str()).collect();
                let gap = if place == 0 { "" } else { "\n" };
                writeln!(out, "{gap}== {} ==\n", names.join(", "))?;
                write(typed, report, auto, out)?;
            }
        }
        OutputFormat::Json => {
            json::write_several(&reports, out)?;
            out.flush()?;
        }
        OutputFormat::Jsonl => {
            for report in reports {
                write(typed, report, auto, out)?;
            }
        }
    }
    Ok(())
}

/// Writes the report as it is wanted.
///
/// # Errors
/// When writing fails.
pub fn write(typed: &Shared, report: Report, auto: ColorChoice, out: &mut dyn Write) -> Result<()> {
    match typed.format {
        OutputFormat::Text => {
            let choice = config::color(typed.color).unwrap_or(auto);
            let mut page = AutoStream::new(Vec::new(), choice);
            text::write(&report, typed.all || typed.verbose, &mut page)?;
            out.write_all(&page.into_inner())?;
        }
        OutputFormat::Json => json::write(&report, out)?,
        OutputFormat::Jsonl => records::write(&Record::summary(report), out)?,
    }
    out.flush()?;
    Ok(())
}

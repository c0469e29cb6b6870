//! Where the answer goes, and in which form.

use crate::base::wrap;
use crate::cli::{OutputFormat, Shared, config};
use crate::render::text::{self, Detail, TextLayout};
use crate::render::{json, show};
use crate::report::records::{self, Record};
use crate::report::{FailureRecord, Report};
use anstream::{AutoStream, ColorChoice};
use anyhow::{Context, Result};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use terminal_size::{Width, terminal_size_of};

/// Where the answer goes.
pub struct Destination {
    /// A file, or standard output.
    pub to: Box<dyn Write>,
    /// What `--color auto` means for it, and how wide it is.
    pub paper: Paper,
}

/// What is known of the place that text goes to.
#[derive(Clone, Copy, Debug)]
pub struct Paper {
    /// What `--color auto` means for it.
    pub auto: ColorChoice,
    /// Columns of the terminal, if it is one.
    pub columns: Option<usize>,
}

impl Destination {
    /// Opens it: the file at `path`, else standard output.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn open(path: Option<&Path>) -> Result<Self> {
        Ok(match path {
            None => Self { to: Box::new(io::stdout()), paper: Paper::of_stdout() },
            Some(path) => {
                let file = File::create(path)
                    .with_context(|| format!("{}: cannot write", path.display()))?;
                let paper = Paper { auto: ColorChoice::Never, columns: None };
                Self { to: Box::new(file), paper }
            }
        })
    }
}

impl Paper {
    /// Of standard output: as wide as the terminal.
    pub fn of_stdout() -> Self {
        let stdout = io::stdout();
        let columns = terminal_size_of(&stdout).map(|(Width(columns), _)| usize::from(columns));
        Self { auto: AutoStream::choice(&stdout), columns }
    }

    /// Columns of a line.
    pub fn width(&self) -> usize {
        self.columns.unwrap_or(wrap::WIDTH)
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
    paper: Paper,
    out: &mut dyn Write,
) -> Result<()> {
    match typed.format {
        OutputFormat::Text => {
            for (place, report) in reports.into_iter().enumerate() {
                let names: Vec<&str> =
                    report.captures.iter().map(|one| one.path.as_str()).collect();
                let gap = if place == 0 { "" } else { "\n" };
                writeln!(out, "{gap}== {} ==\n", names.join(", "))?;
                write(typed, report, paper, out)?;
            }
        }
        OutputFormat::Json => {
            json::write_several(&reports, out)?;
            out.flush()?;
        }
        OutputFormat::Jsonl => {
            for report in reports {
                write(typed, report, paper, out)?;
            }
        }
    }
    Ok(())
}

/// Writes one failure of a report, which has this `number`.
///
/// # Errors
/// When writing fails.
pub fn write_one(
    typed: &Shared,
    report: &Report,
    number: usize,
    failure: &FailureRecord,
    paper: Paper,
    out: &mut dyn Write,
) -> Result<()> {
    match typed.format {
        OutputFormat::Text => {
            let choice = config::color(typed.color).unwrap_or(paper.auto);
            let mut page = AutoStream::new(Vec::new(), choice);
            show::write(report, number, failure, paper.width(), &mut page)?;
            out.write_all(&page.into_inner())?;
        }
        OutputFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, failure)?;
            writeln!(out)?;
        }
        OutputFormat::Jsonl => {
            records::write(&Record::Failure(Box::new(failure.clone())), out)?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Writes the report as it is wanted.
///
/// # Errors
/// When writing fails.
pub fn write(typed: &Shared, report: Report, paper: Paper, out: &mut dyn Write) -> Result<()> {
    match typed.format {
        OutputFormat::Text => {
            let choice = config::color(typed.color).unwrap_or(paper.auto);
            let mut page = AutoStream::new(Vec::new(), choice);
            let detail = match (typed.all, typed.verbose) {
                (true, _) => Detail::All,
                (false, true) => Detail::Sections,
                (false, false) => Detail::Screen,
            };
            let layout = TextLayout::new(detail, paper.width());
            text::write(&report, layout, &mut page)?;
            out.write_all(&page.into_inner())?;
        }
        OutputFormat::Json => json::write(&report, out)?,
        OutputFormat::Jsonl => records::write(&Record::summary(report), out)?,
    }
    out.flush()?;
    Ok(())
}

//! `--html`: the page beside the answer.

use super::output_paths;
use crate::render::page::Page;
use crate::report::Report;
use anyhow::{Context, Result};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// The page in the making, and the file that it goes to; nothing where none is wanted.
#[derive(Debug, Default)]
pub struct PageFile {
    open: Option<(PathBuf, File)>,
    page: Page,
}

impl PageFile {
    /// Opens the file at `path`, if there is one.
    ///
    /// # Errors
    /// When it cannot be made, or is the file that the answer goes to.
    pub fn open(path: Option<&Path>, answer: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        output_paths::refuse_twice(("--html", path), ("--output", answer))?;
        let file =
            File::create(path).with_context(|| format!("{}: cannot write", path.display()))?;
        Ok(Self { open: Some((path.to_owned(), file)), page: Page::default() })
    }

    /// Adds a report.
    pub fn add(&mut self, report: &Report) {
        if self.open.is_some() {
            self.page.add(report);
        }
    }

    /// Writes the page.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write(self) -> Result<()> {
        let Some((path, file)) = self.open else { return Ok(()) };
        let mut out = BufWriter::new(file);
        let written = self.page.write(&mut out).and_then(|()| out.flush());
        written.with_context(|| format!("{}: cannot write", path.display()))
    }
}

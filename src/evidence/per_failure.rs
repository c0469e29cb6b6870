//! A small capture for each failure: the last frames of its connection, with comments that say what
//! they show. Each file comes under its name when it is whole.

use super::files::{Troubles, private};
use super::last_frames::LastFrames;
use super::pcapng::SectionWriter;
use super::redact::Redacted;
use crate::flow::Side;
use crate::packet::Segment;
use crate::report::FailureRecord;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Keeps evidence of failures in a folder.
pub struct EvidenceFiles {
    folder: PathBuf,
    recent: LastFrames,
    /// How many files may still be written.
    room: usize,
    written: u64,
    /// The last file could not be written.
    failing: bool,
    /// As the interfaces are called.
    interface: String,
    troubles: Troubles,
}

impl EvidenceFiles {
    /// In `folder`, at most `most` files, out of a memory of `bytes`.
    pub fn new(
        folder: PathBuf,
        bytes: usize,
        most: usize,
        interface: String,
        troubles: Troubles,
    ) -> Self {
        let recent = LastFrames::new(bytes);
        Self { folder, recent, room: most, written: 0, failing: false, interface, troubles }
    }

    pub(super) fn segment(
        &mut self,
        frame: &Redacted<'_>,
        segment: &Segment<'_>,
        (connection, from): (u64, Side),
    ) {
        let ends: &[Side] = match (segment.flags.rst(), segment.flags.fin()) {
            (true, _) => &[Side::Client, Side::Server],
            (false, true) => std::slice::from_ref(&from),
            (false, false) => &[],
        };
        self.recent.note(frame, connection, ends);
    }

    pub(super) fn remark(&mut self, frame: &Redacted<'_>, connection: u64) {
        self.recent.note(frame, connection, &[]);
    }

    pub(super) fn failed(&mut self, failure: &FailureRecord) {
        if self.room == 0 {
            return;
        }
        let mut file = Vec::new();
        let about = format!(
            "{} ({}): {}. {}.",
            failure.cause.name(),
            failure.certainty.name(),
            failure.summary,
            failure.fix
        );
        let mut section = SectionWriter::begin(&about, &mut file);
        let mut frames = 0_usize;
        let frames_kept = failure.connection.map(|connection| self.recent.of(connection));
        for frame in frames_kept.into_iter().flatten() {
            let shows =
                failure.frames.iter().filter(|shown| shown.number == frame.reference.number);
            let notes: Vec<&str> = shows.map(|shown| shown.note.as_str()).collect();
            let comment = match notes.as_slice() {
                [] => String::new(),
                notes => format!("frame {}: {}", frame.reference.number, notes.join("; ")),
            };
            section.frame(&frame, &self.interface, &comment, &mut file);
            frames = frames.saturating_add(1);
        }
        if frames == 0 {
            return;
        }
        match write_whole(&self.folder, &name(failure), &file) {
            Ok(()) => {
                self.failing = false;
                self.written = self.written.saturating_add(1);
                self.room = self.room.saturating_sub(1);
                if self.room == 0 {
                    self.troubles.tell(format!(
                        "{}: holds evidence of {} failures now, no more is kept (--evidence-count)",
                        self.folder.display(),
                        self.written
                    ));
                }
            }
            Err(_) if self.failing => {}
            Err(error) => {
                self.failing = true;
                self.troubles.tell(format!(
                    "{}: evidence cannot be written: {error}; the watch goes on",
                    self.folder.display()
                ));
            }
        }
    }
}

/// `20261121T134254.123Z-keepalive_race-5d8a….pcapng`: sorted by time, safe in any file system.
fn name(failure: &FailureRecord) -> String {
    // In UTC, whatever zone people are shown.
    let at = failure.at.to_string().replace(['-', ':'], "");
    let at: String = at.chars().take("20261121T134254.123".len()).collect();
    format!("{at}Z-{}-{}.pcapng", failure.cause.name(), failure.id)
}

/// Writes a file that is whole from the moment it has its name. Nobody but its owner may read it.
fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!(".{name}.part"));
    let written = private(&unfinished).and_then(|mut file| file.write_all(bytes));
    written.and_then(|()| fs::rename(&unfinished, folder.join(name))).inspect_err(|_| {
        // What is left of it is of no use.
        let _ = fs::remove_file(&unfinished);
    })
}

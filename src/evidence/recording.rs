//! What passes, in a file or a row of files (`--write`): the newest has the highest number, and the
//! oldest is removed when there are too many.

use super::files::{Troubles, private};
use super::pcapng::SectionWriter;
use super::redact::Redacted;
use crate::base::time::Timestamp;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Blocks are written together when they come to so much, and when there is a pause.
const TOGETHER: usize = 256 << 10;
/// After a failure it is tried again so much later: a full disk may have room by then.
const AGAIN: Duration = Duration::from_secs(10);

/// When a new file begins, and how many there may be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rotation {
    /// A file that has grown so large is the last but one.
    pub bytes: Option<u64>,
    /// So many files stay; `None` keeps all.
    pub files: Option<usize>,
}

/// Writes what passes.
pub struct Recording {
    path: PathBuf,
    rotation: Rotation,
    file: Option<File>,
    /// Whole blocks that are not written yet.
    blocks: Vec<u8>,
    section: SectionWriter,
    /// What is in the file, whole blocks all.
    written: u64,
    /// Files of this row, the oldest first.
    files: VecDeque<PathBuf>,
    number: u64,
    /// Since when nothing can be written.
    failed: Option<Instant>,
    /// Frames that were not written for it.
    lost: u64,
    interface: String,
    troubles: Troubles,
}

impl Recording {
    /// Begins the first file.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn begin(
        path: PathBuf,
        rotation: Rotation,
        interface: String,
        troubles: Troubles,
    ) -> io::Result<Self> {
        let mut recording = Self {
            path,
            rotation,
            file: None,
            blocks: Vec::new(),
            section: SectionWriter::default(),
            written: 0,
            files: VecDeque::new(),
            number: 0,
            failed: None,
            lost: 0,
            interface,
            troubles,
        };
        recording.next_file()?;
        // What says that it is a capture is there from the first moment on.
        recording.flush();
        Ok(recording)
    }

    /// The name of the n-th file: the one that was told, if there is to be one only.
    fn name(&self) -> PathBuf {
        if self.rotation.bytes.is_none() {
            return self.path.clone();
        }
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let extension = self.path.extension().map(|ext| format!(".{}", ext.to_string_lossy()));
        // Those of an earlier watch are another row: time tells them apart.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp::default().plus(now).to_string();
        let now: String = now.chars().filter(|c| !matches!(c, '-' | ':')).take(15).collect();
        let number = self.number;
        let name = format!("{stem}-{now}-{number:06}{}", extension.unwrap_or_default());
        self.path.with_file_name(name)
    }

    fn next_file(&mut self) -> io::Result<()> {
        self.number = self.number.saturating_add(1);
        let path = self.name();
        self.file = Some(private(&path)?);
        self.files.push_back(path);
        self.written = 0;
        self.section = SectionWriter::begin("", &mut self.blocks);
        while let Some(most) = self.rotation.files
            && self.files.len() > most.max(1)
            && let Some(oldest) = self.files.pop_front()
        {
            // One that somebody has taken away already need not be removed.
            let _ = fs::remove_file(oldest);
        }
        Ok(())
    }

    pub(super) fn frame(&mut self, frame: &Redacted<'_>) {
        if self.failed.is_some_and(|since| since.elapsed() < AGAIN) {
            self.lost = self.lost.saturating_add(1);
            return;
        }
        self.section.frame(frame, &self.interface, "", &mut self.blocks);
        if self.blocks.len() >= TOGETHER {
            self.flush();
        }
    }

    /// Writes the blocks so far.
    pub(super) fn flush(&mut self) {
        if self.blocks.is_empty() || self.failed.is_some_and(|since| since.elapsed() < AGAIN) {
            return;
        }
        let result = match &mut self.file {
            Some(file) => write_blocks(file, &self.blocks, self.written),
            None => Ok(()),
        };
        match result {
            Ok(()) => {
                self.written = self.written.saturating_add(size(&self.blocks));
                self.blocks.clear();
                if self.failed.take().is_some() {
                    let frames = std::mem::take(&mut self.lost);
                    self.tell(&format!("is written again; {frames} frames are missing"));
                }
                if self.rotation.bytes.is_some_and(|most| self.written >= most)
                    && let Err(error) = self.next_file()
                {
                    self.fail(&error);
                }
            }
            Err(error) => self.fail(&error),
        }
    }

    /// Notes that the recording cannot be written; told the first time.
    fn fail(&mut self, error: &io::Error) {
        if self.failed.is_none() {
            let full = error.kind() == ErrorKind::StorageFull;
            let what = if full { "the disk is full".to_owned() } else { error.to_string() };
            self.tell(&format!("{what}; the watch goes on without it"));
        }
        self.failed = Some(Instant::now());
    }

    fn tell(&self, what: &str) {
        let path = self.files.back().map_or(self.path.as_path(), PathBuf::as_path);
        self.troubles.tell(format!("{}: {what}", path.display()));
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.failed = None;
        self.flush();
    }
}

/// Adds whole blocks to a file of which `written` bytes are whole, or leaves it as it was.
fn write_blocks(file: &mut File, blocks: &[u8], written: u64) -> io::Result<()> {
    file.write_all(blocks).inspect_err(|_| {
        use std::io::{Seek, SeekFrom};
        let _ = file.set_len(written);
        let _ = file.seek(SeekFrom::Start(written));
    })
}

fn size(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The folder that a file lies in.
pub fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;
    use crate::packet::{FrameRef, LinkType};

    fn frame(number: u64) -> Redacted<'static> {
        let reference = FrameRef { capture: 0, number, at: Timestamp::from_nanos(number) };
        Redacted { reference, link: LinkType::ETHERNET, wire_len: 1_000, bytes: &[7; 1_000] }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_row_of_files_keeps_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let rotation = Rotation { bytes: Some(10_000), files: Some(2) };
        let path = folder.path().join("seen.pcapng");
        let troubles = Troubles::default();
        let mut recording =
            Recording::begin(path, rotation, "lo".to_owned(), troubles.clone()).unwrap();
        for number in 0..50 {
            recording.frame(&frame(number));
            recording.flush();
        }
        drop(recording);
        let names = names(folder.path());
        let ends: Vec<&str> = names.iter().map(|name| &name[name.len() - 14..]).collect();
        assert_eq!(ends, ["-000005.pcapng", "-000006.pcapng"]);
        assert_eq!(troubles.take(), [""; 0]);
    }

    #[test]
    fn a_full_disk_is_told_once_and_leaves_whole_blocks() {
        let troubles = Troubles::default();
        let mut recording = Recording::begin(
            "/dev/full".into(),
            Rotation::default(),
            "lo".to_owned(),
            troubles.clone(),
        )
        .unwrap();
        for number in 0..5_000 {
            recording.frame(&frame(number));
        }
        assert_eq!(troubles.take(), ["/dev/full: the disk is full; the watch goes on without it"]);
        // Nothing piles up meanwhile.
        assert!(recording.blocks.len() < 2 * TOGETHER);
        std::mem::forget(recording);
    }
}

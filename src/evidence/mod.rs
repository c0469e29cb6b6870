//! Frames that are kept in files: as they pass (`--write`), and for each failure the last ones of its
//! connection, with a comment on those that prove it (`--keep-evidence`).
//!
//! ```text
//! frame ──redact──▶ what may be kept of it ──▶ recording (a row of files)
//!                                          └─▶ recent (memory, bounded) ──failure──▶ evidence (a file each)
//! ```
//!
//! Invariants: no byte of what was sent reaches memory or a file but those that a parser calls harmless
//! ([`crate::exchange::HarmlessSpan`]), unless `--full` asks for it; a file that exists under its name is whole.

mod files;
mod last_frames;
mod pcapng;
mod per_failure;
mod recording;
mod redact;

use crate::analysis;
use crate::exchange::HarmlessSpans;
use crate::flow::Place;
use crate::packet::icmp::Unreachable;
use crate::packet::{Frame, Segment};
use crate::report::FailureRecord;
pub use files::Troubles;
pub use per_failure::EvidenceFiles;
pub use recording::{Recording, Rotation, folder_of};
use redact::Redacted;

/// Keeps frames in files.
pub struct Keeper {
    recording: Option<Recording>,
    evidence: Option<EvidenceFiles>,
    /// Frames are kept as they are.
    full: bool,
    scratch: Vec<u8>,
}

impl Keeper {
    /// Keeps what the two of them are for; `full` keeps frames as they are, bodies and secrets too.
    pub fn new(recording: Option<Recording>, evidence: Option<EvidenceFiles>, full: bool) -> Self {
        Self { recording, evidence, full, scratch: Vec::new() }
    }
}

impl analysis::FrameObserver for Keeper {
    fn segment(&mut self, frame: &Frame<'_>, segment: &Segment<'_>, place: &Place<HarmlessSpans>) {
        let kept = if self.full {
            Redacted::whole(frame)
        } else {
            redact::segment(frame, segment, place, &mut self.scratch)
        };
        if let Some(recording) = &mut self.recording {
            recording.frame(&kept);
        }
        if let Some(evidence) = &mut self.evidence {
            evidence.segment(&kept, segment, (place.connection, place.from));
        }
    }

    fn remark(&mut self, frame: &Frame<'_>, error: &Unreachable, connection: Option<u64>) {
        let mut kept = Redacted::whole(frame);
        if !self.full {
            // Routers quote up to 576 bytes (RFC 1812, section 4.3.2.3): a head may be among them.
            kept.bytes = frame.bytes.get(..error.before_rest).unwrap_or(frame.bytes);
        }
        if let Some(recording) = &mut self.recording {
            recording.frame(&kept);
        }
        if let Some((evidence, connection)) = self.evidence.as_mut().zip(connection) {
            evidence.remark(&kept, connection);
        }
    }

    fn failed(&mut self, failure: &FailureRecord) {
        if let Some(evidence) = &mut self.evidence {
            evidence.failed(failure);
        }
    }

    fn pause(&mut self) {
        if let Some(recording) = &mut self.recording {
            recording.flush();
        }
    }
}

//! A frame that is missing: what is said without it, held against what is said of the whole.

use crate::scenarios::read;
use crate::topologies::{self, Capture, Case, cases, root};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use why502::inside::report::{FailureRecord, Report};

/// Frames that are taken out of each capture, one at a time, or fewer where one is chosen twice.
const FRAMES: u64 = 120;

/// A capture file in parts: what stands before its frames, and each frame, or block, whole.
struct Parts {
    head: Vec<u8>,
    blocks: Vec<Vec<u8>>,
    /// Those that are frames.
    frames: Vec<usize>,
}

impl Parts {
    fn of(file: &[u8]) -> Self {
        let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        let blocks_of_both_kinds = number(0) == 0x0a0d_0d0a;
        assert!(blocks_of_both_kinds || number(0) == 0xa1b2_c3d4, "little-endian microseconds");
        let head = if blocks_of_both_kinds { 0 } else { 24 };
        let (mut at, mut blocks, mut frames) = (head, Vec::new(), Vec::new());
        while at < file.len() {
            let (length, is_frame) = if blocks_of_both_kinds {
                (number(at + 4) as usize, number(at) == 6)
            } else {
                (16 + number(at + 8) as usize, true)
            };
            if is_frame {
                frames.push(blocks.len());
            }
            blocks.push(file[at..at + length].to_vec());
            at += length;
        }
        Self { head: file[..head].to_vec(), blocks, frames }
    }

    fn without(&self, frame: usize) -> Vec<u8> {
        let left = self.blocks.iter().enumerate().filter(|(at, _)| *at != self.frames[frame]);
        let left = left.flat_map(|(_, block)| block);
        self.head.iter().chain(left).copied().collect()
    }
}

fn target(failure: &FailureRecord) -> Option<&str> {
    failure.request.as_ref()?.target.as_deref()
}

fn port(failure: &FailureRecord) -> Option<u16> {
    failure.proxy.map(|proxy| proxy.port)
}

/// Both are of one attempt: the target, where both know it, and the proxy's port. Addresses are those
/// before a translation, or after it.
fn alike(whole: &FailureRecord, now: &FailureRecord) -> bool {
    let targets = (target(whole), target(now));
    let ports = [whole, now].map(port);
    let same_target = targets.0 == targets.1 && targets.0.is_some();
    same_target || ((targets.0.is_none() || targets.1.is_none()) && ports[0] == ports[1])
}

fn rank(failure: &FailureRecord) -> usize {
    let words = ["possible", "likely", "proven"];
    words.iter().position(|word| *word == failure.certainty.name()).unwrap()
}

fn told_as(failure: &FailureRecord) -> String {
    let (cause, certainty) = (failure.cause.name(), failure.certainty.name());
    format!("{cause} ({certainty}, {}) {:?}", failure.retry.name(), target(failure))
}

/// A connect that failed, and that need not be told.
fn optional(case: &Case, now: &FailureRecord) -> bool {
    let mut optional = case.failed.iter().filter(|lost| lost.optional);
    let ports = |lost: &str| topologies::port(lost).parse().ok() == port(now);
    now.request.is_none() && optional.any(|lost| ports(&lost.proxy))
}

/// What is wrong with what is said without a frame.
fn wrong(whole: &Report, damaged: &Report) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut open: Vec<&FailureRecord> = whole.failures.iter().collect();
    let doubt = |now: &FailureRecord| now.cause.name() == "unproven";
    let mut later: Vec<&FailureRecord> = damaged.failures.iter().collect();
    // Those with their own cause first, and of these those of their own connection: a request may have
    // failed more than once.
    for same_port in [true, false] {
        let told = std::mem::take(&mut later);
        for now in told {
            let same = open.iter().position(|one| {
                let ports = [*one, now].map(port);
                one.cause == now.cause && alike(one, now) && (!same_port || ports[0] == ports[1])
            });
            let Some(at) = same else {
                later.push(now);
                continue;
            };
            let before = open.remove(at);
            if !doubt(now) && rank(now) > rank(before) {
                wrong.push(format!("{} is surer: {}", told_as(before), told_as(now)));
            }
            if now.retry.name() == "safe" && before.retry.name() != "safe" {
                wrong.push(format!("{} became safe: {}", told_as(before), told_as(now)));
            }
        }
    }
    for now in later.into_iter().filter(|now| !doubt(now)) {
        match open.iter().position(|one| alike(one, now)) {
            // Less sure, another cause may be the likelier one.
            Some(at) => {
                let before = open.remove(at);
                // Without what ICMP said, nobody answered.
                let unsaid = [before, now].map(|one| one.cause.name());
                let unsaid = unsaid == ["unreachable", "connect_timeout"];
                if rank(now) >= rank(before) && !unsaid {
                    wrong.push(format!("{} became {}", told_as(before), told_as(now)));
                }
            }
            None if whole.failures.iter().any(|one| alike(one, now)) => {
                wrong.push(format!("told twice: {}", told_as(now)));
            }
            None => wrong.push(format!("invented: {}", told_as(now))),
        }
    }
    wrong
}

/// Takes frames out of a capture, which ones being left to a number.
fn damage(case: &Case, capture: &Capture, seed: &mut u64) -> BTreeMap<String, Vec<usize>> {
    let parts = Parts::of(&fs::read(root().join(&case.name).join(&capture.file)).unwrap());
    let whole: Vec<u8> = parts.head.iter().chain(parts.blocks.iter().flatten()).copied().collect();
    let whole = read(whole).unwrap();
    let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut frames = BTreeSet::new();
    for _ in 0..FRAMES {
        *seed =
            seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        frames.insert((*seed >> 33) as usize % parts.frames.len());
    }
    for frame in frames {
        let mut damaged = read(parts.without(frame)).unwrap();
        // Told or not, both are right.
        damaged.failures.retain(|now| {
            !optional(case, now) || whole.failures.iter().any(|before| alike(before, now))
        });
        for one in wrong(&whole, &damaged) {
            found.entry(one).or_default().push(frame + 1);
        }
    }
    found
}

#[test]
fn without_a_frame_nothing_is_invented_and_no_cause_becomes_another() {
    let (mut told, mut seed) = (String::new(), 502);
    for case in &cases() {
        for capture in &case.captures {
            let found = damage(case, capture, &mut seed);
            for (what, frames) in found {
                let file = &capture.file;
                told += &format!("{}, {file}, without {frames:?}: {what}\n", case.name);
            }
        }
    }
    assert!(told.is_empty(), "\n{told}");
}

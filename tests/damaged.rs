//! Certainty never grows by ignorance: what is said of a capture with frames missing, late, early,
//! exchanged or doubled, held against what is said of the whole.
//!
//! The small captures of `captures/` and every conversation are damaged in every way once. A failure
//! may be lost, become `unproven`, or become less certain; it is never another one at the same
//! certainty, never surer, never safer to retry, and nothing fails that did not.

use crate::captures::captures;
use crate::conversations::SCENARIOS;
use crate::scenarios::{ISNS, analyze};
use crate::wire::{Frame, Talk};
use std::collections::BTreeMap;
use std::fs;
use why502::inside::packet::Endpoint;
use why502::inside::report::{AnalysisOutcome, FailureRecord, Report};

/// Larger captures take seconds: `keepalive-race-loopback` and `clean` alone hold half of all frames.
const SMALL: u64 = 50_000;

/// Frames so near each other, in nanoseconds, change places in a host's queues. A conversation that is
/// made to show what a pause means has no other pauses.
const REORDERED: u64 = 10_000_000;

/// How a capture is damaged, and how often that can be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Damage {
    Remove,
    Start,
    End,
    Swap,
    Double,
}

impl Damage {
    const ALL: [Self; 5] = [Self::Remove, Self::Start, Self::End, Self::Swap, Self::Double];

    /// The frames with the damage at this place; `None` where it cannot be.
    fn at(self, place: usize, frames: &[Frame]) -> Option<Vec<Frame>> {
        let mut damaged = frames.to_vec();
        match self {
            Self::Remove => _ = damaged.remove(place),
            Self::Start if place > 0 => damaged = frames[place..].to_vec(),
            Self::End if place > 0 => damaged = frames[..place].to_vec(),
            Self::Swap if place > 0 => {
                // The stamps stay where they are.
                damaged.swap(place - 1, place);
                let (one, other) = (damaged[place - 1].at, damaged[place].at);
                (damaged[place - 1].at, damaged[place].at) = (other, one);
            }
            Self::Double => damaged.insert(place, frames[place].clone()),
            Self::Start | Self::End | Self::Swap => return None,
        }
        Some(damaged)
    }
}

/// The frames of a classic capture, in microseconds.
fn frames_of(file: &[u8]) -> Vec<Frame> {
    let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    assert_eq!(number(0), 0xa1b2_c3d4, "a classic capture in microseconds");
    let mut frames = Vec::new();
    let mut at = 24;
    while at + 16 <= file.len() {
        let length = number(at + 8) as usize;
        let seconds = u64::from(number(at)) * 1_000_000_000;
        frames.push(Frame {
            at: seconds + u64::from(number(at + 4)) * 1_000,
            bytes: file[at + 16..at + 16 + length].to_vec(),
        });
        at += 16 + length;
    }
    frames
}

fn rank(certainty: &str) -> usize {
    ["possible", "likely", "proven"].iter().position(|word| *word == certainty).unwrap()
}

fn target(failure: &FailureRecord) -> Option<&str> {
    failure.request.as_ref()?.target.as_deref()
}

/// What a failure may be one of: those between the same ends whose target is the same, or unknown.
fn before<'w>(whole: &'w Report, now: &FailureRecord) -> Vec<&'w FailureRecord> {
    let alike = |before: &&FailureRecord| {
        let targets = (target(before), target(now));
        let same = targets.0 == targets.1 || targets.0.is_none() || targets.1.is_none();
        same && (&before.proxy, &before.backend) == (&now.proxy, &now.backend)
    };
    whole.failures.iter().filter(alike).collect()
}

/// A failed connect, or request, of a row that is told as one failing probe in the whole: of what a cut
/// leaves of the row it may not show that they are probes.
fn of_a_row(whole: &Report, now: &FailureRecord) -> bool {
    let host = |proxy: Option<Endpoint>| proxy.map(|proxy| proxy.addr);
    let row = |before: &&FailureRecord| {
        let same = (host(before.proxy), before.backend) == (host(now.proxy), now.backend);
        before.cause.name() == "health_check_failing" && same
    };
    whole.failures.iter().any(|before| row(&before))
}

/// What is wrong with what is said of a damaged capture.
fn wrong(whole: &Report, damaged: &Report, cut: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for now in damaged.failures.iter().filter(|now| !cut || !of_a_row(whole, now)) {
        let before = before(whole, now);
        let said = format!("{} ({}, {})", now.cause.name(), now.certainty.name(), now.retry.name());
        let was: Vec<String> = before
            .iter()
            .map(|one| {
                format!("{} ({}, {})", one.cause.name(), one.certainty.name(), one.retry.name())
            })
            .collect();
        if before.is_empty() {
            if now.cause.name() != "unproven" {
                wrong.push(format!("invented {said}"));
            }
            continue;
        }
        let same: Vec<&&FailureRecord> =
            before.iter().filter(|one| one.cause == now.cause).collect();
        let doubt = now.cause.name() == "unproven";
        if same.is_empty() && !doubt {
            let lower =
                before.iter().any(|one| rank(now.certainty.name()) < rank(one.certainty.name()));
            if !lower {
                wrong.push(format!("{was:?} became {said}"));
            }
        } else if !doubt
            && same.iter().all(|one| rank(now.certainty.name()) > rank(one.certainty.name()))
        {
            wrong.push(format!("{was:?} is surer: {said}"));
        }
        if now.retry.name() == "safe" && before.iter().all(|one| one.retry.name() != "safe") {
            wrong.push(format!("{was:?} became safe: {said}"));
        }
    }
    wrong
}

/// Nothing is said of a failure, and nothing of why not.
fn hidden_in_silence(damaged: &Report) -> bool {
    let told = [
        "answers_unacknowledged",
        "capture_loss",
        "connects_unanswered",
        "malformed_answers",
        "unanswered_at_end",
    ];
    let says = |code: &str| damaged.notes.iter().any(|note| note.code == code);
    let clean = damaged.outcome() == AnalysisOutcome::Sound && damaged.unread.is_empty();
    clean && !told.iter().any(|code| says(code))
}

/// Two neighbours are less than so many nanoseconds apart.
fn near(pair: &[Frame], reordered: u64) -> bool {
    pair[1].at.abs_diff(pair[0].at) < reordered
}

/// Damages frames everywhere, in every way, and gathers what is wrong.
fn damage(name: &str, frames: &[Frame], reordered: u64, found: &mut BTreeMap<String, Vec<String>>) {
    let whole = analyze(frames);
    for damage in Damage::ALL {
        for place in 0..frames.len() {
            let Some(damaged) = damage.at(place, frames) else { continue };
            if damage == Damage::Swap && !near(&frames[place - 1..=place], reordered) {
                continue;
            }
            let report = analyze(&damaged);
            // A capture that was cut may hold nothing of the failure; one frame never is all of it.
            let cut = matches!(damage, Damage::Start | Damage::End);
            let mut wrong = wrong(&whole, &report, cut);
            // What comes a second earlier or later by its stamp makes another wait of it.
            if damage == Damage::Swap && !near(&frames[place - 1..=place], REORDERED) {
                wrong.retain(|one| !one.contains("is surer"));
            }
            if !cut && !whole.failures.is_empty() && hidden_in_silence(&report) {
                wrong.push("hidden in silence".to_owned());
            }
            for one in wrong {
                let places = found.entry(format!("{name}: {damage:?}: {one}")).or_default();
                places.push((place + 1).to_string());
            }
        }
    }
}

fn nothing(found: BTreeMap<String, Vec<String>>) {
    let lines: Vec<String> = found
        .iter()
        .map(|(what, places)| format!("{what} ({}×: frame {})", places.len(), places.join(" ")))
        .collect();
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

#[test]
fn damage_to_a_conversation_raises_no_certainty_and_changes_no_cause() {
    let mut found = BTreeMap::new();
    for scenario in SCENARIOS {
        let (proxy, backend) = ISNS[4];
        let mut talk = Talk::new(proxy, backend);
        (scenario.play)(&mut talk);
        damage(scenario.name, &talk.frames, REORDERED, &mut found);
    }
    nothing(found);
}

#[test]
fn damage_to_a_capture_raises_no_certainty_and_changes_no_cause() {
    let mut found = BTreeMap::new();
    for capture in captures() {
        let file = fs::read(&capture).unwrap();
        if file.len() as u64 <= SMALL {
            let name = capture.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
            damage(&name.display().to_string(), &frames_of(&file), u64::MAX, &mut found);
        }
    }
    nothing(found);
}
